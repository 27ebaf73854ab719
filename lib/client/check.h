/* SPDX-License-Identifier: Apache-2.0 */
/* What every response's verification begins and ends with: the tree head, the view's update, the inclusion part, the
 * signature, the clock (draft: Full Tree Head Verification, Auditor Tree Head Signature; the numbered steps at the end of each User Operation). */
#ifndef KT_CLIENT_CHECK_H
#define KT_CLIENT_CHECK_H

#include <kt/client.h>

#include "algo/algo.h"
#include "view/replay.h"
#include "wire/leaf.h"
#include "wire/tree_head.h"

struct kt_check {
  const struct kt_client *client;
  const struct kt_full_tree_head *head;
  struct kt_replay *replay; /* in the arena; replay->view is what the algorithms get */
};

/* Head rules that need no proof (R5-R7, R13, R16), then the view's update. head and proof are borrowed until kt_check_end. */
KT_MUST_USE enum kt_err kt_check_begin(struct kt_check *check, const struct kt_client *client,
                                       const struct kt_full_tree_head *head, const struct kt_combined_proof *proof);
/* Inclusion, head signature (R10), the auditor's head (R14, R17), clock (R9), its lag (R15). ret_known may be NULL. */
KT_MUST_USE enum kt_err kt_check_end(struct kt_check *check, struct kt_log_state *ret_log,
                                     struct kt_log_known *ret_known);

/* What bytes that did not decode are: err with the reason, unless it was memory that was missing. */
enum kt_err kt_check_malformed(struct kt_reason *reason, enum kt_err err, const char *code, const char *text,
                               const char *section);
/* Report a response that does not decode. */
enum kt_err kt_check_format(const struct kt_client *client, enum kt_err err);

/* "Users MUST successfully verify this signature before consuming UpdateValue.value" (R38); KT_OK where there is none. */
KT_MUST_USE enum kt_err kt_check_leaf_signature(const struct kt_client *client, struct kt_bytes label, uint32_t version,
                                                const struct kt_update_value *value);

/* `last` of a request. */
struct kt_optional_u64 kt_check_last(const struct kt_log_state *log);

#endif
