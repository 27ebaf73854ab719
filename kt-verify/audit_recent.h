/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves that were added and not yet published in a distinguished log entry: what step 5 of an audit asks about a
 * removal (draft: Auditing). A bounded memory: older leaves are forgotten, and then a removal may be undecidable. */
#ifndef KT_VERIFY_AUDIT_RECENT_H
#define KT_VERIFY_AUDIT_RECENT_H

#include <kt/audit.h>

#include "wire/auditor.h"

#define KT_AUDIT_RECENT_MAX ((size_t)1 << 19) /* 40 bytes each */

struct kt_recent_leaf;

struct kt_audit_recent {
  struct kt_recent_leaf *leaves; /* ascending by position */
  size_t n;
  size_t cap;
  uint64_t complete_from; /* every leaf added at or right of it, and not yet published, is here */
};

void kt_audit_recent_init(struct kt_audit_recent *recent, uint64_t from);
void kt_audit_recent_release(struct kt_audit_recent *recent);
/* After the entry at pos was verified; published: the rightmost distinguished entry, NULL when there is none. */
KT_MUST_USE enum kt_err kt_audit_recent_add(struct kt_audit_recent *recent, const struct kt_auditor_update *update,
                                            uint64_t pos, const uint64_t *published);
/* For kt_audit_step. */
struct kt_audit_history kt_audit_recent_history(struct kt_audit_recent *recent);
/* Whether the memory reaches back to where the unpublished leaves begin. start: first entry of the whole audit. */
bool kt_audit_recent_reaches(const struct kt_audit_recent *recent, uint64_t start, const uint64_t *published);

#endif
