/* SPDX-License-Identifier: Apache-2.0 */
/* The client's memory: home/state.db (SQLite), one log per home.
 *
 * Everything is read and written inside a transaction. A write transaction names the generation its decision was based
 * on and is refused (KT_ERR_CONFLICT) when another process committed since: that is what keeps two processes from
 * accepting two forks. Every commit raises the generation by one and is durable before it returns (rollback journal,
 * synchronous FULL). KT_ERR_STORE: SQLite failed, state->error says how. What reads return is copied into the arena.
 *
 * Records live in files of their own: state_accounts, state_contacts, state_alerts, state_hooks, state_credentials. */
#ifndef KT_VERIFY_STATE_H
#define KT_VERIFY_STATE_H

#include <kt/client.h>

#include <kt/arena.h>

#include <sys/stat.h>

#define KT_STATE_SCHEMA 5
#define KT_STATE_PATH_MAX 1024
#define KT_STATE_ERROR_SIZE 320

struct sqlite3;

struct kt_state {
  struct sqlite3 *db;
  char home[KT_STATE_PATH_MAX];
  char error[KT_STATE_ERROR_SIZE]; /* of the last failure, kept when a rollback makes SQLite forget it */
};

/* home: NULL for $XDG_STATE_HOME/kt-verify or ~/.local/state/kt-verify. KT_ERR_USAGE: there is no such path. */
KT_MUST_USE enum kt_err kt_state_home(const char *home, char ret_home[static KT_STATE_PATH_MAX]);

/* Whoever else can change a home decides what is verified there: the folder, which create makes where there is none, and a
 * file in it. KT_ERR_ABSENT: there is none. KT_ERR_DENIED: not accessible (errno), or open to others (state->error). */
KT_MUST_USE enum kt_err kt_state_check_folder(struct kt_state *state, bool create);
KT_MUST_USE enum kt_err kt_state_check_file(struct kt_state *state, const char *name);
/* The rule of both, for a file or folder that was looked at: it is ours, and nobody else may read or write it.
 * KT_ERR_DENIED: ret_error says why; it names it by `what`, and the mode that it should have. */
KT_MUST_USE enum kt_err kt_state_check_private(const struct stat *st, const char *what, unsigned mode,
                                               char ret_error[static KT_STATE_ERROR_SIZE]);

/* create: make the folder (0700) and an empty database where there is none; otherwise KT_ERR_ABSENT. KT_ERR_DENIED: a
 * folder or file is not accessible (errno), or open to others (ret_state->error); KT_ERR_UNSUPPORTED: written by a newer
 * version. ret_state->home is set in any case, and kt_state_close is needed in any case. */
KT_MUST_USE enum kt_err kt_state_open(const char *home, bool create, struct kt_state *ret_state);
void kt_state_close(struct kt_state *state);

/* --- transactions --------------------------------------------------------------------------------------------------- */

KT_MUST_USE enum kt_err kt_state_begin_read(struct kt_state *state, uint64_t *ret_generation);
KT_MUST_USE enum kt_err kt_state_begin_write(struct kt_state *state, uint64_t generation);
/* For decisions made from what is read inside the same transaction: whatever the generation is. */
KT_MUST_USE enum kt_err kt_state_begin_change(struct kt_state *state);
KT_MUST_USE enum kt_err kt_state_commit(struct kt_state *state);
/* End a read, or undo a write. */
void kt_state_rollback(struct kt_state *state);

/* --- the pinned log --------------------------------------------------------------------------------------------------- */

struct kt_pinned_log {
  struct kt_bytes config; /* encoded */
  const char *url;
  struct kt_log_state log; /* the last head that was fully verified */
  uint64_t seen_ms;        /* when; 0: never */
};

/* KT_ERR_ABSENT: nothing is pinned. */
KT_MUST_USE enum kt_err kt_state_log(struct kt_state *state, struct kt_arena *arena, struct kt_pinned_log *ret_log);
KT_MUST_USE enum kt_err kt_state_put_log(struct kt_state *state, const struct kt_pinned_log *log);

/* Every head that was accepted, with what is needed to show it to others. */
struct kt_seen_head {
  uint64_t size;
  struct kt_hash root;
  struct kt_bytes signature;
  struct kt_bytes config; /* pinned when it was signed */
  uint64_t seen_ms;
};

KT_MUST_USE enum kt_err kt_state_add_head(struct kt_state *state, const struct kt_seen_head *head);
/* The head of exactly this size; KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_state_head(struct kt_state *state, uint64_t size, struct kt_arena *arena,
                                      struct kt_seen_head *ret_head);
/* The newest `max` heads, largest first. */
KT_MUST_USE enum kt_err kt_state_heads(struct kt_state *state, size_t max, struct kt_arena *arena,
                                       struct kt_seen_head **ret_heads, size_t *ret_n);

/* --- named values, for what needs no table of its own (the progress of an audit) ------------------------------------------ */

KT_MUST_USE enum kt_err kt_state_value(struct kt_state *state, const char *name, struct kt_arena *arena,
                                       struct kt_bytes *ret_value);
KT_MUST_USE enum kt_err kt_state_put_value(struct kt_state *state, const char *name, struct kt_bytes value);

#endif
