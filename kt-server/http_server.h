/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the HTTP side: the server that all its calls share. */
#ifndef KT_SERVER_HTTP_SERVER_H
#define KT_SERVER_HTTP_SERVER_H

#include <stdatomic.h>

#include "http.h"
#include "http_limits.h"
#include "http_loop.h"
#include "http_metrics.h"
#include "tls.h"

struct kt_http {
  struct kt_instance *instance;
  const struct kt_route *routes;
  struct kt_http_loops *loops;
  atomic_bool is_draining;
  atomic_bool is_stopping;
  atomic_size_t n_open;   /* calls that have begun and are not completed */
  atomic_size_t n_parked; /* of them, suspended */
  _Atomic uint64_t body_max;
  _Atomic int access_log;
  struct kt_tls *tls; /* NULL: in the clear */
  struct kt_http_limits limits;
  struct kt_http_counters counters;
  struct kt_relay *relay;  /* of the clients' server */
  struct kt_http *clients; /* in the health server: the one that its metrics are about */
  /* One reader for each thread; NULL while one uses it. */
  struct kt_log_reader *_Atomic *readers;
  size_t n_readers;
  /* Request ids are a pseudorandom function of a count: they tell nobody how many requests there were. */
  uint8_t id_key[16];
  _Atomic uint64_t n_ids;
};

/* libmicrohttpd's callbacks; http_access.c. */
enum MHD_Result kt_http_access(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *upload_data, size_t *upload_data_size, void **con_cls);
void kt_http_completed(void *ctx, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode code);

/* gnutls asks for the certificate of a new connection; http_tls.c. */
int kt_http_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int n_authorities,
                        const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **ret_chain,
                        unsigned *ret_len, gnutls_privkey_t *ret_key);

/* http_limits.c. */
enum MHD_Result kt_http_admit(void *ctx, const struct sockaddr *from, socklen_t len);
void kt_http_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode code);

/* Does the access token permit this request? False: call->problem is set to 401 or 403; http_permission.c. */
bool kt_call_is_permitted(struct kt_call *call);

/* Queue the answer in call->w, or the problem; http_reply.c. */
enum MHD_Result kt_http_reply(struct kt_call *call);
enum MHD_Result kt_http_reply_problem(struct kt_call *call);

#endif
