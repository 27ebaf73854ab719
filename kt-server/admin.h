/* SPDX-License-Identifier: Apache-2.0 */
/* DIR/admin.sock: how verbs reach a running log. A Unix stream socket of mode 0600.
 *
 * One exchange per connection: the client sends a request, the server a response, and both close. A message is its length
 * in bytes as a 32-bit big-endian number, then one JSON object (operate.h) in UTF-8. The server waits at most ten
 * seconds for a client that does not read or write. */
#ifndef KT_SERVER_ADMIN_H
#define KT_SERVER_ADMIN_H

#include "operate.h"

/* --- in `run` ----------------------------------------------------------------------------------------------------- */

struct kt_admin_server;

/* Serves until kt_admin_stop, in a thread of its own. The folder lock must be held: a socket left behind by a crash is
 * replaced. */
KT_MUST_USE enum kt_err kt_admin_start(struct kt_instance *instance, struct kt_admin_server **ret_server,
                                       struct kt_error *error);
/* Ends after the request under way, and removes the socket. NULL is allowed. */
void kt_admin_stop(struct kt_admin_server *server);

/* --- in the other verbs --------------------------------------------------------------------------------------------- */

struct kt_admin {
  struct kt_path dir;
  bool is_running;             /* requests go through the socket */
  struct kt_instance instance; /* otherwise: the folder, locked and open here */
};

/* The admin must stay where it is until kt_admin_close, which is right after a failure too. */
KT_MUST_USE enum kt_err kt_admin_open(struct kt_admin *admin, const char *dir, struct kt_error *error);
/* A new reference to a response with "ok":true; other responses become the error they carry. */
KT_MUST_USE enum kt_err kt_admin_call(struct kt_admin *admin, const json_t *request, json_t **ret_response,
                                      struct kt_error *error);
void kt_admin_close(struct kt_admin *admin);

#endif
