/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of the HTTP side. Each runs a libmicrohttpd daemon of its own; they share a listening socket.
 *
 * libmicrohttpd has such threads too, but up to 0.9.75 at least they can fall asleep over requests: it takes 128 ready
 * connections from epoll at a time, and when it got exactly so many it waits for more, as long as for the first, before
 * it looks at any. Here it is only asked for what is ready, and never waits. */
#ifndef KT_SERVER_HTTP_LOOP_H
#define KT_SERVER_HTTP_LOOP_H

#include <microhttpd.h>
#include <stdbool.h>

struct kt_http_loops;

/* MHD_start_daemon with these flags, MHD_OPTION_LISTEN_SOCKET fd and this share of the connections. NULL: it failed. */
typedef struct MHD_Daemon *kt_http_new_daemon(void *ctx, unsigned flags, MHD_socket fd, unsigned n_connections);

/* n daemons, which do nothing yet. Takes fd, which is non-blocking, whatever happens; NULL: something could not be
 * started. */
struct kt_http_loops *kt_http_loops_new(MHD_socket fd, unsigned n, unsigned n_connections,
                                        kt_http_new_daemon *new_daemon, void *ctx);
/* Their threads. False: not all could be started. */
bool kt_http_loops_start(struct kt_http_loops *loops);
/* MHD_resume_connection, and a wake-up: a daemon without a thread of its own gets none, and
 * MHD_get_timeout does not know of it. */
void kt_http_loops_resume(struct kt_http_loops *loops, struct MHD_Connection *connection);
/* Soon no connection is accepted any more; those that wait to be are refused by kt_http_loops_stop. */
void kt_http_loops_quiesce(struct kt_http_loops *loops);
/* No connection may be suspended. Those that are open are closed. loops may be NULL. */
void kt_http_loops_stop(struct kt_http_loops *loops);

#endif
