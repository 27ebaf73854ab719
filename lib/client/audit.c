/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Third Parties / Auditing. The numbered steps are the draft's. */
#include <kt/audit.h>

#include <string.h>

#include <kt/arena.h>
#include "base/reader.h"
#include <kt/writer.h>
#include "crypto/hash.h"
#include "tree/ibst.h"
#include "tree/log_tree.h"
#include "tree/prefix_tree.h"
#include "wire/auditor.h"
#include "wire/leaf.h"

#define SECTION "Third Parties / Auditing"
#define STATE_FORMAT 1

void kt_audit_root(const struct kt_audit_state *state, struct kt_hash *ret_root)
{
  kt_log_root(state->size, state->heads, ret_root);
}

/* A new entry at the right edge leaves every bracket of the present frontier as it is, but for the rightmost timestamp:
 * a new ancestor of it has the new entry's own timestamp. */
bool kt_audit_published(const struct kt_config *config, const struct kt_audit_state *state, uint64_t next_ms,
                        uint64_t *ret_pos)
{
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  size_t n = state->size > 0 ? kt_ibst_frontier(state->size, frontier) : 0;
  uint64_t left = 0;
  bool exists = false;
  for (size_t i = 0; i < n && next_ms - left >= config->reasonable_monitoring_window; i++) {
    left = state->frontier_ms[i];
    *ret_pos = frontier[i];
    exists = true;
  }
  return exists;
}

/* "verify that, with the addition of the new log entry, the prefix tree leaf was published in at least one
 * distinguished log entry before removal" (A5). */
static enum kt_err check_removals(const struct kt_config *config, const struct kt_audit_state *old,
                                  const struct kt_auditor_update *update, const struct kt_audit_history *history,
                                  struct kt_reason *reason)
{
  uint64_t published = 0;
  bool any = kt_audit_published(config, old, update->timestamp, &published);
  for (size_t i = 0; history != NULL && i < update->n_removed; i++) {
    uint64_t added;
    if (history->added_at(history->ctx, &update->removed[i].vrf_output, &added) && (!any || added > published)) {
      return kt_fail_at(reason, KT_ERR_PROOF, "audit-removed-unpublished",
                        "a leaf is removed that no distinguished log entry ever published", SECTION, old->size);
    }
  }
  return KT_OK;
}

/* Frontier timestamps of the tree with one more entry. Every frontier entry of it but the last was on the frontier
 * before. */
static void extend_frontier(const struct kt_audit_state *old, uint64_t timestamp, struct kt_audit_state *state)
{
  uint64_t before[KT_IBST_DEPTH_MAX];
  uint64_t after[KT_IBST_DEPTH_MAX];
  size_t n_before = old->size > 0 ? kt_ibst_frontier(old->size, before) : 0;
  state->n_frontier = kt_ibst_frontier(state->size, after);
  for (size_t i = 0; i < state->n_frontier; i++) {
    state->frontier_ms[i] = timestamp;
    for (size_t k = 0; k < n_before; k++) {
      if (before[k] == after[i]) {
        state->frontier_ms[i] = old->frontier_ms[k];
      }
    }
  }
}

void kt_audit_change(const struct kt_auditor_update *update, struct kt_audit_change *ret_change)
{
  struct kt_audit_change change = { .err = KT_OK };
  change.err = kt_prefix_mutate(update->added, update->n_added, update->removed, update->n_removed, &update->proof,
                                &change.before, &change.after, &change.reason); /* 2 to 4 (A2-A4, A7) */
  *ret_change = change;
}

/* 5 and 6 */
static enum kt_err check_change(const struct kt_config *config, const struct kt_audit_state *old,
                                const struct kt_auditor_update *update, const struct kt_audit_change *change,
                                const struct kt_audit_history *history, struct kt_reason *reason)
{
  enum kt_err err = change->err;
  if (err == KT_OK || err == KT_ERR_UNDETERMINED) { /* 5: needs no root, so what hides the roots does not hide this */
    enum kt_err removal_err = check_removals(config, old, update, history, reason);
    if (removal_err != KT_OK) {
      return removal_err;
    }
  }
  if (err != KT_OK) {
    if (reason != NULL && reason->code == NULL) {
      *reason = change->reason;
    }
    return err;
  }
  if (!kt_hash_equal(&change->before, &old->prefix_root)) { /* 6 (A6) */
    err = kt_fail_at(reason, KT_ERR_PROOF, "audit-previous-root",
                     "the change does not start from the prefix tree of the entry before it", SECTION, old->size);
  }
  return err;
}

enum kt_err kt_audit_step_with(const struct kt_config *config, const struct kt_audit_state *old,
                               const struct kt_auditor_update *update, const struct kt_audit_change *change,
                               const struct kt_audit_history *history, struct kt_audit_state *ret_state,
                               struct kt_reason *reason)
{
  if (old->n_frontier > 0 && update->timestamp < old->frontier_ms[old->n_frontier - 1]) { /* 1 (A1) */
    return kt_fail_at(reason, KT_ERR_PROOF, "audit-timestamp", "a log entry's timestamp is below the one before it",
                      SECTION, old->size);
  }
  enum kt_err err = check_change(config, old, update, change, history, reason);
  if (err != KT_OK) {
    return err;
  }
  struct kt_audit_state state = *old; /* 7 */
  struct kt_hash leaf;
  kt_log_entry_hash(update->timestamp, &change->after, &leaf);
  state.n_heads = kt_log_append(old->size, state.heads, &leaf);
  state.size = old->size + 1;
  state.prefix_root = change->after;
  extend_frontier(old, update->timestamp, &state);
  *ret_state = state;
  return KT_OK;
}

enum kt_err kt_audit_step(const struct kt_config *config, const struct kt_audit_state *old,
                          const struct kt_auditor_update *update, const struct kt_audit_history *history,
                          struct kt_audit_state *ret_state, struct kt_reason *reason)
{
  struct kt_audit_change change;
  kt_audit_change(update, &change);
  return kt_audit_step_with(config, old, update, &change, history, ret_state, reason);
}

/* --- starting late --------------------------------------------------------------------------------------------------- */

/* Full subtrees, frontier, and the elements that tie the two together. */
struct late_start {
  struct kt_audit_state state;
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  struct kt_hash leaves[KT_IBST_DEPTH_MAX]; /* Hash(LogEntry) along the frontier */
  const struct kt_hash *elements;
  size_t n_elements;
};

static enum kt_err late_start_read(uint64_t size, struct kt_bytes response, struct late_start *start)
{
  struct kt_audit_state *state = &start->state;
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  struct kt_reader r;
  kt_reader_init(&r, response.data, response.len);
  state->size = kt_read_u64(&r);
  state->n_heads = kt_read_count8(&r, KT_HASH_LEN);
  const uint8_t *heads = kt_read_bytes(&r, state->n_heads * KT_HASH_LEN);
  state->n_frontier = kt_read_count8(&r, 8 + KT_HASH_LEN);
  if (r.err != KT_OK || size == 0 || state->size != size || state->n_heads != kt_log_full_subtrees(size, nodes) ||
      state->n_frontier != kt_ibst_frontier(size, start->frontier)) {
    return KT_ERR_FORMAT;
  }
  memcpy(state->heads, heads, state->n_heads * KT_HASH_LEN);
  for (size_t i = 0; i < state->n_frontier; i++) {
    state->frontier_ms[i] = kt_read_u64(&r);
    const uint8_t *root = kt_read_bytes(&r, KT_HASH_LEN);
    if (root == NULL) {
      return KT_ERR_FORMAT;
    }
    memcpy(state->prefix_root.b, root, KT_HASH_LEN); /* the last one stays: the newest entry's */
    kt_log_entry_hash(state->frontier_ms[i], &state->prefix_root, &start->leaves[i]);
  }
  start->n_elements = kt_read_count16(&r, KT_HASH_LEN);
  start->elements = (const struct kt_hash *)(const void *)kt_read_bytes(&r, start->n_elements * KT_HASH_LEN);
  return kt_reader_end(&r);
}

/* A1 for the entries that were not audited, as far as the frontier shows them. */
static enum kt_err check_frontier_order(const struct late_start *start, struct kt_reason *reason)
{
  const uint64_t *ms = start->state.frontier_ms;
  for (size_t i = 1; i < start->state.n_frontier; i++) {
    if (ms[i] < ms[i - 1]) {
      return kt_fail_at(reason, KT_ERR_PROOF, "audit-timestamp", "a log entry's timestamp is below one to its left",
                        SECTION, start->frontier[i]);
    }
  }
  return KT_OK;
}

enum kt_err kt_audit_state_verify(uint64_t size, const struct kt_hash *root, struct kt_bytes response,
                                  struct kt_arena *arena, struct kt_audit_state *ret_state, struct kt_reason *reason)
{
  struct kt_hash computed;
  struct kt_log_known known;
  struct late_start *start = kt_arena_alloc(arena, 1, sizeof *start);
  if (start == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = late_start_read(size, response, start);
  if (err != KT_OK) {
    return kt_fail(reason, err, "malformed-response", "the audit state does not have the right form", "ours");
  }
  kt_audit_root(&start->state, &computed);
  if (!kt_hash_equal(&computed, root)) {
    return kt_fail(reason, KT_ERR_PROOF, "audit-state-root", "the audit state is not of the tree the log signed",
                   "ours");
  }
  const struct kt_log_request request = {
    .size = size, .leaves = start->frontier, .n_leaves = start->state.n_frontier, .retained_size = size
  };
  err = kt_log_evaluate(&request, start->leaves, start->state.heads, start->elements, start->n_elements, arena, &known,
                        reason);
  if (err == KT_OK) {
    err = check_frontier_order(start, reason);
  }
  if (err == KT_OK) {
    *ret_state = start->state;
  }
  return err;
}

/* --- the state as bytes ---------------------------------------------------------------------------------------------- */

void kt_audit_state_write(struct kt_writer *w, const struct kt_audit_state *state)
{
  kt_write_u8(w, STATE_FORMAT);
  kt_write_u64(w, state->size);
  for (size_t i = 0; i < state->n_heads; i++) {
    kt_write_bytes(w, state->heads[i].b, KT_HASH_LEN);
  }
  for (size_t i = 0; i < state->n_frontier; i++) {
    kt_write_u64(w, state->frontier_ms[i]);
  }
  kt_write_bytes(w, state->prefix_root.b, KT_HASH_LEN);
}

enum kt_err kt_audit_state_decode(struct kt_bytes encoded, struct kt_audit_state *ret_state)
{
  struct kt_reader r;
  struct kt_audit_state state = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  if (kt_read_u8(&r) != STATE_FORMAT) {
    kt_reader_fail(&r, KT_ERR_UNSUPPORTED);
  }
  state.size = kt_read_u64(&r);
  if (state.size > 0) {
    struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
    uint64_t frontier[KT_IBST_DEPTH_MAX];
    state.n_heads = kt_log_full_subtrees(state.size, nodes);
    state.n_frontier = kt_ibst_frontier(state.size, frontier);
  }
  const uint8_t *heads = kt_read_bytes(&r, state.n_heads * KT_HASH_LEN);
  for (size_t i = 0; i < state.n_frontier; i++) {
    state.frontier_ms[i] = kt_read_u64(&r);
  }
  const uint8_t *root = kt_read_bytes(&r, KT_HASH_LEN);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    memcpy(state.heads, heads, state.n_heads * KT_HASH_LEN);
    memcpy(state.prefix_root.b, root, KT_HASH_LEN);
    *ret_state = state;
  }
  return err;
}
