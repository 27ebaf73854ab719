/* SPDX-License-Identifier: Apache-2.0 */
/* Judging a newly logged value as the owner of the account, or for a label watched like one's own (R33, R37).
 *
 * A pure function: what is known goes in, alerts and the new state come out, the caller keeps them. A verdict borrows
 * from the value, the knowledge and the arena. The value must have been verified against the log before. */
#ifndef KT_OWNER_JUDGE_H
#define KT_OWNER_JUDGE_H

#include <kt/account_policy.h>
#include <kt/alert.h>

KT_API_BEGIN

/* What an owner approves is a device with exactly these keys; its name may change. */
struct kt_approved_device {
  struct kt_device_id id;
  struct kt_hash keys; /* kt_device_keys_hash */
};

struct kt_owner_knowledge {
  struct kt_account_state state; /* before this value */
  /* The account key the owner stands by: their client's own, or the first one seen of a label that is only watched.
   * The log may come to establish another; that is what account-key-changed tells. */
  bool has_key;
  struct kt_account_key key;
  bool lacks_key;                   /* that key is not in the hands of this client: it came with an endorsed rotation */
  const struct kt_hash *own_values; /* hashes of values that own clients published or are publishing */
  size_t n_own_values;
  const struct kt_approved_device *approved;
  size_t n_approved;
  const struct kt_hash *approved_keys; /* key fingerprints approved beforehand: a device of only such keys is known */
  size_t n_approved_keys;
  const struct kt_device_set *previous; /* the set of the version before; NULL when there was none */
  bool allow_unsigned;                  /* for an account that never had a key */
};

struct kt_owner_verdict {
  struct kt_set_judgement judgement;
  bool is_mine;
  bool is_expected; /* not made here, but all it does is add devices that were approved beforehand: no alert */
  /* The key to stand by from here: moved by own and by endorsed rotations only. An endorsed rotation may be another
   * computer's of the owner, or a thief's with a copy of the key: then it is a key whose secret half this app does not
   * hold. Compare it with what is in the key store before signing, showing a code or saying that all is well. */
  bool has_key;
  struct kt_account_key key;
  struct kt_alert *alerts; /* in the arena */
  size_t n_alerts;
};

/* Judge one version; every version is to be judged, in order. */
KT_MUST_USE enum kt_err kt_owner_judge(const struct kt_owner_knowledge *known, const struct kt_logged_value *logged,
                                       struct kt_arena *arena, struct kt_owner_verdict *ret_verdict);
/* Is this (id, keys) approved? */
KT_MUST_USE enum kt_err kt_owner_knows_device(const struct kt_owner_knowledge *known, const struct kt_device *device,
                                              bool *ret_knows);

KT_API_END

#endif
