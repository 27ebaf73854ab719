/* SPDX-License-Identifier: Apache-2.0 */
/* DIR/admin.sock: how verbs reach a running log. A Unix stream socket of mode 0600.
 *
 * One exchange per connection: the client sends a request, the server a response, and both close. A message is its
 * length in bytes as a 32-bit big-endian number, then one JSON object (operate.h) in UTF-8. The server answers one
 * request after the other, waits at most ten seconds for a client that does not read or write, and does nothing for one that
 * is gone.
 *
 * An import takes long, so it has a thread of its own and more than one message for an answer. After the request
 * {"op":"import"} the client passes the open file, which the server reads itself (import.h); it answers with
 *   {"progress":PROGRESS} now and then, {"line":N,"text":…} for each line that is refused,
 *   {"ok":BOOL,"err":NUMBER,"text":…,"progress":PROGRESS} at the end (err and text: on failure).
 * It ends early when the client is gone. */
#ifndef KT_SERVER_ADMIN_H
#define KT_SERVER_ADMIN_H

#include <stdatomic.h>

#include "import.h"
#include "operate.h"

/* --- in `run` ----------------------------------------------------------------------------------------------------- */

struct kt_admin_server;

/* Serves until kt_admin_stop, in a thread of its own. The folder lock must be held: a socket left behind by a crash is
 * replaced. */
KT_MUST_USE enum kt_err kt_admin_start(struct kt_instance *instance, struct kt_admin_server **ret_server,
                                       struct kt_error *error);
/* Ends after the request under way, an import early, and removes the socket. NULL is allowed. */
void kt_admin_stop(struct kt_admin_server *server);

/* Answer {"op":"import","check":…} on a connection, with the file that came with it; both stay the caller's. */
void kt_admin_answer_import(struct kt_instance *instance, int fd, int file, bool check_first,
                            const atomic_bool *stopping);

/* --- in the other verbs ------------------------------------------------------------------------------------------- */

struct kt_admin {
  struct kt_path dir;
  bool is_running;             /* requests go through the socket */
  struct kt_instance instance; /* otherwise: the folder, locked and open here */
};

/* The admin must stay where it is until kt_admin_close, which is right after a failure too. */
KT_MUST_USE enum kt_err kt_admin_open(struct kt_admin *admin, const char *dir, struct kt_error *error);
/* The same for kt_admin_import of this file: what only that needs is fitted to its length. */
KT_MUST_USE enum kt_err kt_admin_open_import(struct kt_admin *admin, const char *dir, int file, struct kt_error *error);
/* A new reference to a response with "ok":true; other responses become the error they carry. */
KT_MUST_USE enum kt_err kt_admin_call(struct kt_admin *admin, const json_t *request, json_t **ret_response,
                                      struct kt_error *error);
/* kt_import_run, here or in the running log. */
KT_MUST_USE enum kt_err kt_admin_import(struct kt_admin *admin, int file, bool check_first,
                                        const struct kt_import_listener *listener,
                                        struct kt_import_progress *ret_progress, struct kt_error *error);
void kt_admin_close(struct kt_admin *admin);

/* Open, one call and close. Takes the request, also on failure. ret_is_running: NULL when nobody wants to know. */
KT_MUST_USE enum kt_err kt_admin_ask(const char *dir, json_t *request, bool *ret_is_running, json_t **ret_response,
                                     struct kt_error *error);

/* For admin_client.c and admin_import.c: a connection, -1 when nobody listens; waiting until there is an answer
 * (KT_ERR_UNDETERMINED: the request was not taken for a minute); the error in a response. */
int kt_admin_connect(const char *dir);
KT_MUST_USE enum kt_err kt_admin_await_answer(int fd, const char *dir, struct kt_error *error);
enum kt_err kt_admin_failure(const json_t *response, struct kt_error *error);

#endif
