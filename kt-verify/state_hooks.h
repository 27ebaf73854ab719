/* SPDX-License-Identifier: Apache-2.0 */
/* Which hook was told about which alert, in the state database, so that a restart forgets neither what is still to be
 * told nor what was told. Inside a transaction; what is read lives in the arena. A hook is named "file:NAME" or
 * "sh:COMMAND". */
#ifndef KT_VERIFY_STATE_HOOKS_H
#define KT_VERIFY_STATE_HOOKS_H

#include <kt/ledger.h>

#include "state.h"

/* One hook that has one alert ahead of it. */
struct kt_hook_run {
  struct kt_ledger_entry entry;
  uint32_t failures; /* of the hook since it last worked, this call included */
};

/* The hook is to be told of every open alert (or this one only) it was not told of, and again of one that was raised
 * again. */
KT_MUST_USE enum kt_err kt_state_hook_enqueue(struct kt_state *state, const char *hook, const struct kt_alert_id *only,
                                              uint64_t now_ms);
/* Take the oldest alert that is due for the hook, and count the call as failed until one of the next two says how it
 * ended: no other process calls the hook for it meanwhile, and who is killed has it repeated. KT_ERR_ABSENT: none. */
KT_MUST_USE enum kt_err kt_state_hook_claim(struct kt_state *state, const char *hook, uint64_t now_ms,
                                            struct kt_arena *arena, struct kt_hook_run *ret_run);
KT_MUST_USE enum kt_err kt_state_hook_done(struct kt_state *state, const char *hook, const struct kt_hook_run *run,
                                           uint64_t now_ms);
/* Everything that waits for this hook waits until retry_ms. */
KT_MUST_USE enum kt_err kt_state_hook_failed(struct kt_state *state, const char *hook, const struct kt_hook_run *run,
                                             const char *error, uint64_t retry_ms);
/* Forget what waits for hooks that nobody tried to call since. */
KT_MUST_USE enum kt_err kt_state_hook_prune(struct kt_state *state, uint64_t since_ms);

/* What waits, by hook. */
struct kt_hook_backlog {
  const char *hook;
  uint64_t n_waiting;
  uint32_t failures;
  uint64_t next_ms;
  const char *error; /* of the last failure; NULL: none */
};

KT_MUST_USE enum kt_err kt_state_hook_backlog(struct kt_state *state, struct kt_arena *arena,
                                              struct kt_hook_backlog **ret_hooks, size_t *ret_n);

#endif
