/* SPDX-License-Identifier: Apache-2.0 */
/* Judging a newly logged value: as the owner of the account, and as somebody who looks it up (verification.md, the
 * table of alerts; docs/formats.md).
 *
 * Pure functions: what is known goes in, alerts and the new state come out, the caller keeps them. Verdicts borrow from
 * the value, the knowledge and the arena. The value must have been verified against the log before. */
#ifndef KT_JUDGE_H
#define KT_JUDGE_H

#include <kt/account_policy.h>
#include <kt/alert.h>
#include <kt/contact.h>

struct kt_logged_value {
  struct kt_hash log_id;
  struct kt_bytes label;
  struct kt_bytes value;
  uint32_t version;
  uint64_t position; /* log entry that added it */
  uint64_t time_ms;  /* that entry's timestamp */
};

/* What an owner approves is a device with exactly these keys; its name may change. */
struct kt_approved_device {
  struct kt_device_id id;
  struct kt_hash keys; /* kt_device_keys_hash */
};

struct kt_owner_knowledge {
  struct kt_account_state state;    /* before this value */
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
  struct kt_alert *alerts; /* in the arena */
  size_t n_alerts;
};

/* Judge one version; every version is to be judged, in order. */
KT_MUST_USE enum kt_err kt_owner_judge(const struct kt_owner_knowledge *known, const struct kt_logged_value *logged,
                                       struct kt_arena *arena, struct kt_owner_verdict *ret_verdict);
/* Is this (id, keys) approved? */
KT_MUST_USE enum kt_err kt_owner_knows_device(const struct kt_owner_knowledge *known, const struct kt_device *device,
                                              bool *ret_knows);

struct kt_contact_knowledge {
  struct kt_contact contact;        /* all zero at the first look-up */
  const struct kt_device_set *last; /* the newest set that counted as endorsed; NULL when there was none */
  struct kt_hash last_hash;         /* of its value */
  bool allow_unsigned;
};

struct kt_contact_verdict {
  struct kt_set_judgement judgement; /* next is without meaning: a contact sees only some versions */
  struct kt_contact contact;         /* as it is now */
  bool is_endorsed;                  /* may be encrypted to; the value replaces `last` */
  struct kt_alert *alerts;
  size_t n_alerts;
};

/* Judge the greatest version of a contact (an older version on request is inspected, not judged). */
KT_MUST_USE enum kt_err kt_contact_judge(const struct kt_contact_knowledge *known, const struct kt_logged_value *logged,
                                         uint64_t now_ms, struct kt_arena *arena,
                                         struct kt_contact_verdict *ret_verdict);

#endif
