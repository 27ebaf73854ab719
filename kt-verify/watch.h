/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at somebody else's label: search, judging against what is pinned, contact monitoring. */
#ifndef KT_VERIFY_WATCH_H
#define KT_VERIFY_WATCH_H

#include <kt/contact_judge.h>
#include <kt/ledger.h>

#include "session.h"
#include "state_contacts.h"

struct kt_watch {
  struct kt_session *session;
  struct kt_bytes label;
  char name[4 * KT_LABEL_MAX + 8]; /* clean, for people */
  bool allow_unsigned;
  bool transient;              /* keep nothing: one's own label, which its owner state follows already */
  struct kt_other_label other; /* as loaded by the last query, then as it committed it */
  /* What the last greatest-version search found. */
  bool found;
  uint32_t version;
  uint64_t position;
  uint64_t time_ms;
  struct kt_contact_verdict verdict;
};

void kt_watch_init(struct kt_watch *watch, struct kt_session *session, struct kt_bytes label);
/* Only what is kept. */
enum kt_exit kt_watch_load(struct kt_watch *watch);

/* Search the greatest version, judge it, keep what it means, then discharge the label's monitoring obligations.
 * KT_EXIT_ABSENT: the label is proven not to exist. */
enum kt_exit kt_watch_look(struct kt_watch *watch);
/* Contact monitoring; nothing to do when no obligation is left. */
enum kt_exit kt_watch_monitor(struct kt_watch *watch);

/* A fixed version, inspected and not judged; nothing is pinned by it. KT_EXIT_ABSENT: proven that there is no such
 * version. */
struct kt_old_version {
  struct kt_watch *watch;
  uint32_t version;
  uint64_t position;
  uint64_t time_ms;
  struct kt_set_judgement judgement;
};
enum kt_exit kt_watch_version(struct kt_old_version *old);

/* Judge a value against what is pinned; nothing is kept. The verdict may point into `other` and the session's arena. */
KT_MUST_USE enum kt_err kt_watch_verdict(struct kt_session *session, const struct kt_other_label *other,
                                         const struct kt_logged_value *logged, bool allow_unsigned, uint64_t now_ms,
                                         struct kt_contact_verdict *ret_verdict);

/* Settle open alerts of these kinds about the contact. Inside a transaction; kinds: bits 1 << kind. */
KT_MUST_USE enum kt_err kt_watch_settle(struct kt_session *session, struct kt_bytes label, unsigned kinds,
                                        enum kt_settlement settlement, uint32_t version);

#endif
