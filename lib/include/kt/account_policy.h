/* SPDX-License-Identifier: Apache-2.0 */
/* Who may publish for a label: the state that the server and every client track, and the judgement of the next value
 * (docs/formats.md, Succession).
 *
 * Both sides feed every logged value of a label, in order of versions, to kt_account_judge and keep `next`. The state
 * of a label without values is all zero. A judgement borrows from the value and the arena, and its `next` from the old
 * state too (recovery keys): encode it to keep it. Nothing here knows whether a value came over HTTP or from the
 * operator; kt_account_admit decides what HTTP may add. */
#ifndef KT_ACCOUNT_POLICY_H
#define KT_ACCOUNT_POLICY_H

#include <kt/device_set.h>

KT_API_BEGIN

struct kt_account_state {
  bool has_key; /* established: no later value clears it */
  struct kt_account_key key;
  /* A key the operator brought in without the owner: named in an unsigned set or used in a set it inserted. It may
   * take over by publishing; the established key drops it by publishing. */
  bool has_operator_key;
  struct kt_account_key operator_key;
  uint32_t n_sets;       /* device sets logged so far: the next one's seq */
  struct kt_hash latest; /* hash of the newest of them, zero before the first: the next one's previous */
  const struct kt_account_key *recovery_keys; /* listed in the newest set of the established key; borrowed */
  size_t n_recovery_keys;
};

enum kt_set_class {
  KT_SET_BY_KEY,          /* signed by the established key */
  KT_SET_BY_SUCCESSOR,    /* signed by a key that the established key endorsed */
  KT_SET_BY_RECOVERY,     /* signed by a key that a listed recovery key endorsed */
  KT_SET_BY_OPERATOR_KEY, /* signed by the key the operator brought in */
  KT_SET_FIRST_KEY,       /* signed, and the label never had a key: a claim */
  KT_SET_UNSIGNED,        /* unsigned, and the label never had a key: provisioned by the operator */
  KT_SET_UNSIGNED_AFTER_SIGNED,
  KT_SET_UNENDORSED_KEY, /* signed by a key that nobody who may endorsed */
  KT_SET_OUT_OF_CHAIN,   /* one of the first five, but seq or previous is wrong: an old set again, or a race */
  KT_SET_BAD_SIGNATURE,
  KT_SET_WRONG_PLACE, /* made for another label or another log */
  KT_SET_MALFORMED,
};

struct kt_set_judgement {
  enum kt_set_class set_class;
  bool has_set; /* false: KT_SET_MALFORMED */
  struct kt_device_set set;
  struct kt_hash value_hash;
  struct kt_account_state next;
};

/* Stable word for scripts and logs: "by-key", "unsigned-after-signed" … */
const char *kt_set_class_name(enum kt_set_class set_class);

/* Decode and check a value and say who signed it; seq, previous and `next` are left alone (next is a copy of state).
 * For those who see only some versions, such as contacts. KT_ERR_MEMORY is the only error: a bad value is a class. */
KT_MUST_USE enum kt_err kt_account_inspect(const struct kt_account_state *state, const struct kt_hash *log_id,
                                           struct kt_bytes label, struct kt_bytes value, struct kt_arena *arena,
                                           struct kt_set_judgement *ret_judgement);
/* The same with seq and previous, and the state after this value. */
KT_MUST_USE enum kt_err kt_account_judge(const struct kt_account_state *state, const struct kt_hash *log_id,
                                         struct kt_bytes label, struct kt_bytes value, struct kt_arena *arena,
                                         struct kt_set_judgement *ret_judgement);

enum kt_registration { KT_REGISTRATION_OPEN, KT_REGISTRATION_TOKEN, KT_REGISTRATION_CLOSED };

KT_MUST_USE enum kt_err kt_registration_from_name(const char *name, enum kt_registration *ret_registration);

/* May HTTP add this value (S14)? has_token: the request carries a valid unused token, which the caller uses up when
 * class is KT_SET_FIRST_KEY and registration is by token. KT_ERR_FORMAT: malformed; KT_ERR_CONFLICT: out of chain,
 * somebody was first; KT_ERR_DENIED: everything else, with the reason. */
KT_MUST_USE enum kt_err kt_account_admit(const struct kt_set_judgement *judgement, enum kt_registration registration,
                                         bool has_token, struct kt_reason *reason);

/* Who wants to add a value, and on what terms. */
struct kt_account_terms {
  bool by_operator; /* who may insert whatever is a device set of this label; clients can tell */
  enum kt_registration registration;
  bool has_token;
};
/* Judge the next value of a label and admit it on these terms. KT_ERR_USAGE for a malformed one: the request around it
 * was well-formed; KT_ERR_MEMORY; otherwise as kt_account_admit. On success the judgement has the state after it. */
KT_MUST_USE enum kt_err kt_account_admit_next(const struct kt_account_state *state, const struct kt_hash *log_id,
                                              struct kt_bytes label, struct kt_bytes value,
                                              const struct kt_account_terms *terms, struct kt_arena *arena,
                                              struct kt_set_judgement *ret_judgement, struct kt_reason *reason);

/* For keeping a state: format byte, then the fields in order with optional<> and a count (docs/formats.md). */
KT_MUST_USE enum kt_err kt_account_state_encode(const struct kt_account_state *state, struct kt_arena *arena,
                                                struct kt_bytes *ret_bytes);
KT_MUST_USE enum kt_err kt_account_state_decode(struct kt_bytes bytes, struct kt_arena *arena,
                                                struct kt_account_state *ret_state);

KT_API_END

#endif
