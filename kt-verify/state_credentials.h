/* SPDX-License-Identifier: Apache-2.0 */
/* What receiving credentials takes, in the state database: the recently issued distinguished heads, and the provisional
 * credentials that wait for final verification. Apart from everything that a query reads or writes (draft: "MUST NOT have
 * any effect on the state used for the user's direct interactions"). Inside a transaction; arrays in the arena. */
#ifndef KT_VERIFY_STATE_CREDENTIALS_H
#define KT_VERIFY_STATE_CREDENTIALS_H

#include <kt/credential.h>

#include "state.h"

/* More are refused: whoever can send credentials could fill the disk with them, and the memory of every walk, which reads
 * them all. */
#define KT_WAITING_MAX 1000
#define KT_WAITING_BYTES_MAX ((uint64_t)32 << 20)

struct kt_waiting_credential {
  struct kt_credential_pending pending;
  struct kt_bytes credential; /* as received, for evidence */
  struct kt_bytes update;     /* received before its head was known; data NULL: none */
  uint64_t received_ms;
};

/* All zero when nothing was learned yet. */
KT_MUST_USE enum kt_err kt_state_recent(struct kt_state *state, struct kt_arena *arena,
                                        struct kt_recent_heads *ret_recent);
/* What a walk teaches, keeping what waiting credentials need. */
KT_MUST_USE enum kt_err kt_state_learn(struct kt_state *state, const struct kt_distinguished_result *walk,
                                       uint64_t now_ms, struct kt_arena *arena);

/* Oldest first. */
KT_MUST_USE enum kt_err kt_state_waiting(struct kt_state *state, struct kt_arena *arena,
                                         struct kt_waiting_credential **ret_list, size_t *ret_n);
/* KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_state_waiting_one(struct kt_state *state, const struct kt_hash *id, struct kt_arena *arena,
                                             struct kt_waiting_credential *ret_waiting);
/* Insert or replace. KT_ERR_LIMIT: too many wait. */
KT_MUST_USE enum kt_err kt_state_put_waiting(struct kt_state *state, const struct kt_waiting_credential *waiting);
KT_MUST_USE enum kt_err kt_state_remove_waiting(struct kt_state *state, const struct kt_hash *id);

#endif
