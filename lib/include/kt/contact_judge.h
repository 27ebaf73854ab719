/* SPDX-License-Identifier: Apache-2.0 */
/* Judging what a look-up of somebody else shows, against what is pinned (kt/contact.h).
 *
 * A pure function, as kt/owner_judge.h: knowledge in, alerts and the new contact out. A verdict borrows from the value,
 * the knowledge and the arena. The value must have been verified against the log before. */
#ifndef KT_CONTACT_JUDGE_H
#define KT_CONTACT_JUDGE_H

#include <kt/account_policy.h>
#include <kt/alert.h>
#include <kt/contact.h>

KT_API_BEGIN

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

KT_API_END

#endif
