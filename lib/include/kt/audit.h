/* SPDX-License-Identifier: Apache-2.0 */
/* Auditing a log entry by entry (draft: Third Parties / Auditing): the state between two entries, and the step.
 *
 * The state is small and a plain value: full subtrees, frontier timestamps, the prefix tree's root. Which leaves were
 * added but not yet published in a distinguished entry (step 5) is the caller's to remember, through a callback: a log
 * that removes nothing never asks. */
#ifndef KT_AUDIT_H
#define KT_AUDIT_H

#include <kt/arena.h>
#include <kt/config.h>
#include <kt/tree_state.h>
#include <kt/writer.h>

KT_API_BEGIN

struct kt_auditor_update;

struct kt_audit_state {
  uint64_t size;
  size_t n_heads; /* full subtrees of the log tree of `size` entries */
  struct kt_hash heads[KT_TREE_STATE_MAX];
  size_t n_frontier; /* timestamps of the entries along its frontier, root first */
  uint64_t frontier_ms[KT_TREE_STATE_MAX];
  struct kt_hash prefix_root;
};

/* Where a leaf now being removed was added, as far as the auditor saw it: false for a leaf from before it started,
 * which counts as published. */
struct kt_audit_history {
  void *ctx;
  bool (*added_at)(void *ctx, const struct kt_hash *vrf_output, uint64_t *ret_pos);
};

/* Verify one AuditorUpdate against the state (A1-A5, A7) and give the state after it. KT_ERR_PROOF: refused;
 * KT_ERR_UNDETERMINED: the new root does not follow from the proof, so nothing may be signed (ours). `old` of size 0 is
 * the state before entry 0. history NULL: every removal counts as published. */
KT_MUST_USE enum kt_err kt_audit_step(const struct kt_config *config, const struct kt_audit_state *old,
                                      const struct kt_auditor_update *update, const struct kt_audit_history *history,
                                      struct kt_audit_state *ret_state, struct kt_reason *reason);

/* What an update does to the prefix tree, if `err` is KT_OK: nearly all the work of a step, and it needs no state, so many
 * can be computed at once and out of order. Steps then go in order. */
struct kt_audit_change {
  enum kt_err err;
  struct kt_reason reason;
  struct kt_hash before; /* roots of the prefix tree */
  struct kt_hash after;
};
void kt_audit_change(const struct kt_auditor_update *update, struct kt_audit_change *ret_change);
/* kt_audit_step with the change computed already; of the update, `proof` is not looked at. */
KT_MUST_USE enum kt_err kt_audit_step_with(const struct kt_config *config, const struct kt_audit_state *old,
                                           const struct kt_auditor_update *update, const struct kt_audit_change *change,
                                           const struct kt_audit_history *history, struct kt_audit_state *ret_state,
                                           struct kt_reason *reason);

/* Root of the log tree in this state. */
void kt_audit_root(const struct kt_audit_state *state, struct kt_hash *ret_root);

/* Rightmost distinguished entry, were an entry with this timestamp added; false when there is none. Leaves added at or
 * left of it are published. */
bool kt_audit_published(const struct kt_config *config, const struct kt_audit_state *state, uint64_t next_ms,
                        uint64_t *ret_pos);

/* The state after `size` entries, for an audit that starts there, from the log's answer (ours: GET /v1/audit/state,
 * AuditState of docs/formats.md). root is that of `size` under a signed head; everything in the answer is checked
 * against it. KT_ERR_FORMAT, KT_ERR_PROOF. */
KT_MUST_USE enum kt_err kt_audit_state_verify(uint64_t size, const struct kt_hash *root, struct kt_bytes response,
                                              struct kt_arena *arena, struct kt_audit_state *ret_state,
                                              struct kt_reason *reason);

void kt_audit_state_write(struct kt_writer *w, const struct kt_audit_state *state);
KT_MUST_USE enum kt_err kt_audit_state_decode(struct kt_bytes encoded, struct kt_audit_state *ret_state);

KT_API_END

#endif
