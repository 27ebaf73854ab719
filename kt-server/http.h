/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP side of `run`: two listeners (clients; health and metrics) with one set of rules.
 *
 * A pool of threads, each with its own epoll set, answers from engine readers. An update is parked until the sequencer
 * has decided, so a stop happens in this order: kt_http_drain, kt_log_stop, kt_http_stop. */
#ifndef KT_SERVER_HTTP_H
#define KT_SERVER_HTTP_H

#include "http_call.h"
#include "instance.h"
#include "listen.h"

#define KT_HEALTH_CONNECTIONS 64

/* Takes the listener's socket, on failure too. clients NULL: serve the log with kt_log_routes; otherwise serve health,
 * and metrics about `clients`, which must be stopped later than this. */
KT_MUST_USE enum kt_err kt_http_start(struct kt_instance *instance, const struct kt_listener *listener,
                                      unsigned n_threads, struct kt_http *clients, struct kt_http **ret_http,
                                      struct kt_error *error);
/* Accept no more connections, and wait until the requests under way are answered, up to timeout_ms; new updates are
 * refused afterwards. Parked updates are always waited for: the sequencer must still run. */
void kt_http_drain(struct kt_http *http, uint64_t timeout_ms);
/* Close what is left. After kt_http_drain; NULL is allowed. */
void kt_http_stop(struct kt_http *http);

/* What SIGHUP may change. From any thread. */
void kt_http_reload(struct kt_http *http, const struct kt_settings *settings);
/* The files of the certificate that was served from the start; on failure the old one stays. */
KT_MUST_USE enum kt_err kt_http_reload_tls(struct kt_http *http, struct kt_error *error);

#endif
