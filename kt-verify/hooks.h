/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: what the user wants called once for every new alert. Commands of --hook, and executables in home/hooks; a file
 * that others could write is refused. Failed calls are repeated, with longer and longer pauses, until they succeed. */
#ifndef KT_VERIFY_HOOKS_H
#define KT_VERIFY_HOOKS_H

#include <kt/ledger.h>

#include "session.h"

struct kt_hook {
  const char *name;    /* "file:NAME" or "sh:COMMAND", in the state */
  const char *path;    /* NULL: command */
  const char *command; /* as given */
};

struct kt_hooks {
  struct kt_hook *list;
  size_t n;
};

/* In the session's pinned_arena. Files that are refused are named on stderr. */
enum kt_exit kt_hooks_find(struct kt_session *session, struct kt_hooks *ret_hooks);
/* Note which open alerts the hooks have to be told of. */
enum kt_exit kt_hooks_enqueue(struct kt_session *session, const struct kt_hooks *hooks);
/* The same inside a transaction, for one alert; NULL: for all. */
KT_MUST_USE enum kt_err kt_hooks_enqueue_only(struct kt_session *session, const struct kt_hooks *hooks,
                                              const struct kt_alert_id *only);
/* Call what is due. Every call is an element of `hooks` of the JSON object; failures are said. */
enum kt_exit kt_hooks_call(struct kt_session *session, const struct kt_hooks *hooks, size_t *ret_n_failed);
/* Both: whatever is open now. */
enum kt_exit kt_hooks_tell(struct kt_session *session, const struct kt_hooks *hooks);
/* When the next call is due, UINT64_MAX: nothing waits. */
enum kt_exit kt_hooks_next(struct kt_session *session, const struct kt_hooks *hooks, uint64_t *ret_next_ms);
/* Hooks for which something waits, for monitor status. */
enum kt_exit kt_hooks_report(struct kt_session *session);

#endif
