/* SPDX-License-Identifier: Apache-2.0 */
/* One's own accounts in the state database, and what their owner approved. Inside a transaction; what is read lives in
 * the arena. */
#ifndef KT_VERIFY_STATE_ACCOUNTS_H
#define KT_VERIFY_STATE_ACCOUNTS_H

#include <kt/owner_judge.h>

#include "state.h"

struct kt_own_account {
  struct kt_bytes label;
  struct kt_owner_state owner;     /* what the protocol needs */
  struct kt_account_state account; /* after the judged versions */
  struct kt_account_key key;       /* the key the owner stands by */
  uint32_t n_judged;               /* versions 0 … n_judged - 1 */
  struct kt_bytes latest;          /* value of the newest judged version; data NULL: none */
  struct kt_bytes own;             /* newest value made here */
  struct kt_bytes foreign;         /* newest value not made here */
  uint64_t created_ms;
  uint64_t checked_ms; /* last complete check; 0: never */
};

/* KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_state_account(struct kt_state *state, struct kt_bytes label, struct kt_arena *arena,
                                         struct kt_own_account *ret_account);
KT_MUST_USE enum kt_err kt_state_put_account(struct kt_state *state, const struct kt_own_account *account);
/* The account and all that was approved for it. Its alerts stay. */
KT_MUST_USE enum kt_err kt_state_forget_account(struct kt_state *state, struct kt_bytes label);
KT_MUST_USE enum kt_err kt_state_account_labels(struct kt_state *state, struct kt_arena *arena,
                                                struct kt_bytes **ret_labels, size_t *ret_n);

/* Fill own_values, approved, approved_keys. */
KT_MUST_USE enum kt_err kt_state_approvals(struct kt_state *state, struct kt_bytes label, struct kt_arena *arena,
                                           struct kt_owner_knowledge *known);
KT_MUST_USE enum kt_err kt_state_add_own_value(struct kt_state *state, struct kt_bytes label,
                                               const struct kt_hash *hash);
KT_MUST_USE enum kt_err kt_state_approve(struct kt_state *state, struct kt_bytes label,
                                         const struct kt_approved_device *device);
KT_MUST_USE enum kt_err kt_state_approve_key(struct kt_state *state, struct kt_bytes label,
                                             const struct kt_hash *fingerprint);
/* Take every approval of the device id back, and those of these key fingerprints. */
KT_MUST_USE enum kt_err kt_state_disapprove(struct kt_state *state, struct kt_bytes label,
                                            const struct kt_device_id *device);
KT_MUST_USE enum kt_err kt_state_disapprove_key(struct kt_state *state, struct kt_bytes label,
                                                const struct kt_hash *fingerprint);

#endif
