/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor (draft: Third Parties / Auditing): asks for the log's signed head, verifies every entry up to it, keeps what
 * it went through, and then, with a key, signs that tree and submits the head.
 *
 * Order: entries verified → tree confirmed by the log's own signature → durable → the intention to sign durable, with the
 * key and in the home → signed → submitted. Ended at any moment, it goes on from what is durable; a tree that was signed
 * is the only one it signs for that size. One pass is one conversation; the memory (auditor_state.h) stays open between
 * passes. */
#ifndef KT_VERIFY_AUDITOR_H
#define KT_VERIFY_AUDITOR_H

#include "audit_feed.h"
#include "auditor_signed.h"
#include "auditor_state.h"
#include "crypto/secret.h"
#include "wire/audit_head.h"

struct kt_auditor {
  struct kt_session *session; /* of the pass at hand */
  struct kt_auditor_state state;
  const char *key_path; /* NULL: verify only */
  struct kt_auditor_record record;
  struct kt_secret *secret;
  bool is_loaded; /* feed holds what is durable */
  bool has_head;
  struct kt_seen_head head; /* that confirmed it; owns its bytes below */
  uint8_t head_signature[KT_SIGNATURE_MAX];
  uint8_t head_config[KT_CONFIG_MAX];
  struct kt_audit_feed feed;
  struct kt_audit_head newest; /* shown in this pass; in the session's arena */
  uint64_t first;              /* entry at which this pass began */
  uint32_t patience;           /* so many passes in a row with an older head are a rollback; 0: the first one is */
  uint32_t n_behind;           /* such passes so far */
  bool submitted;
  uint64_t retry_after_s;
};

/* Opens home's auditor state. Failures are said. kt_auditor_close is needed in any case. */
enum kt_exit kt_auditor_open(struct kt_auditor *auditor, struct kt_output *out, const char *home, const char *key_path);
void kt_auditor_close(struct kt_auditor *auditor);
/* One pass, up to the log's newest head or until the program is asked to stop. Fills the JSON object. A failure that
 * does not pass by itself leaves feed.stands set, or is not KT_EXIT_UNDECIDED. */
enum kt_exit kt_auditor_pass(struct kt_auditor *auditor, struct kt_session *session);

/* Parts of a pass. The key's record is there, is this key's and this log's, and is not older than the home. */
enum kt_exit kt_auditor_check_record(struct kt_auditor *auditor);
/* The log's head continues the one that confirmed what was audited, and the tree that the key signed last. */
enum kt_exit kt_auditor_compare_heads(struct kt_auditor *auditor);
struct kt_seen_head kt_auditor_newest_head(const struct kt_auditor *auditor);

#endif
