/* SPDX-License-Identifier: Apache-2.0 */
/* One check of everything this home follows: own accounts, watched labels, obligations. For monitor once and run. */
#ifndef KT_VERIFY_MONITOR_CHECK_H
#define KT_VERIFY_MONITOR_CHECK_H

#include "session.h"
#include "state_contacts.h"

struct kt_followed {
  struct kt_bytes *own;
  size_t n_own;
  struct kt_other_label *others; /* kt_followed_wants says which of them */
  size_t n_others;
};

/* In the session's pinned_arena. */
enum kt_exit kt_followed_read(struct kt_session *session, struct kt_followed *ret_followed);
bool kt_followed_wants(const struct kt_other_label *other);
/* An element of `labels` of the JSON object; value is stolen. */
void kt_followed_append(struct kt_output *out, struct kt_bytes label, json_t *value);

typedef void (*kt_monitor_tell)(void *ctx, struct kt_session *session);

struct kt_monitor_round {
  kt_monitor_tell tell;
  void *ctx;
  uint64_t own_every_ms; /* own accounts are looked at again when so much has passed; 0: once */
  uint64_t own_ms;       /* set: when they were looked at last */
};

/* Label by label: check, status line, alerts; own labels first, and after each of them `tell`, so that no answer about
 * somebody else is waited for before the owner hears of their account; again between two others, when that is due. When the log
 * asks for a pause (429, 503), the labels that are left are not asked for; when an answer about a contact stays out, the
 * contacts that are left. Those come in an order that the log cannot foresee: whom it keeps waiting does not hide the same
 * others each time. Gives the worst exit code. */
enum kt_exit kt_monitor_check(struct kt_session *session, const struct kt_followed *followed,
                              struct kt_monitor_round *round);

#endif
