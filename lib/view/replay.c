/* SPDX-License-Identifier: Apache-2.0 */
#include "view/replay.h"

#include "tree/ibst.h"
#include "wire/leaf.h"

#define SECTION "Tree Proofs / Combined Tree"

static enum kt_err replay_timestamp(void *ctx, uint64_t pos, uint64_t *ret_ms)
{
  struct kt_replay *replay = ctx;
  if (replay->next_timestamp == replay->proof->n_timestamps) {
    return kt_fail_at(replay->view.reason, KT_ERR_PROOF, "timestamps", "the proof has too few timestamps", SECTION,
                      pos);
  }
  *ret_ms = replay->proof->timestamps[replay->next_timestamp++];
  return KT_OK;
}

static enum kt_err replay_series_begin(void *ctx, uint64_t pos)
{
  struct kt_replay *replay = ctx;
  if (replay->next_prefix_proof == replay->proof->n_prefix_proofs) {
    return kt_fail_at(replay->view.reason, KT_ERR_PROOF, "prefix-proofs", "the proof has too few prefix tree proofs",
                      SECTION, pos);
  }
  replay->next_result = 0;
  return KT_OK;
}

static enum kt_err replay_lookup(void *ctx, const struct kt_label_key *key, bool *ret_included)
{
  struct kt_replay *replay = ctx;
  const struct kt_prefix_proof *proof = &replay->proof->prefix_proofs[replay->next_prefix_proof];
  if (replay->next_result == proof->n_results) {
    return kt_fail_at(replay->view.reason, KT_ERR_PROOF, "ladder-short", "a binary ladder ends before it decides",
                      "Binary Ladder", replay->view.series_pos);
  }
  size_t at = replay->next_result++;
  replay->searches[at] = (struct kt_prefix_search){ .key = key->vrf_output,
                                                    .has_commitment = key->has_commitment,
                                                    .commitment = key->commitment };
  *ret_included = proof->results[at].type == KT_PREFIX_INCLUSION;
  return KT_OK;
}

static enum kt_err replay_series_end(void *ctx, struct kt_hash *ret_root)
{
  struct kt_replay *replay = ctx;
  const struct kt_prefix_proof *proof = &replay->proof->prefix_proofs[replay->next_prefix_proof++];
  if (replay->next_result != proof->n_results) {
    return kt_fail_at(replay->view.reason, KT_ERR_PROOF, "ladder-long", "a binary ladder goes on after it has decided",
                      "Binary Ladder", replay->view.series_pos);
  }
  return kt_prefix_evaluate(replay->searches, replay->next_result, proof, ret_root, replay->view.reason);
}

/* "From a user's perspective, the only stop condition is having consumed all of the Transparency Log's response." */
static enum kt_err replay_more(void *ctx, uint64_t pos, bool *ret_more)
{
  const struct kt_replay *replay = ctx;
  (void)pos;
  *ret_more = replay->next_prefix_proof < replay->proof->n_prefix_proofs;
  return KT_OK;
}

static const struct kt_view_feed replay_feed = {
  .timestamp = replay_timestamp,
  .series_begin = replay_series_begin,
  .lookup = replay_lookup,
  .series_end = replay_series_end,
  .more = replay_more,
};

enum kt_err kt_replay_init(struct kt_replay *replay, const struct kt_config *config, uint64_t size,
                           const struct kt_tree_state *retained, const struct kt_combined_proof *proof,
                           struct kt_arena *arena, struct kt_reason *reason)
{
  replay->proof = proof;
  replay->retained = retained;
  replay->next_timestamp = 0;
  replay->next_prefix_proof = 0;
  replay->next_result = 0;
  kt_view_init(&replay->view, config, size, &replay_feed, replay, arena, reason);
  if (retained == NULL) {
    return KT_OK;
  }
  enum kt_err err = KT_OK;
  replay->view.retained_size = retained->size;
  for (size_t i = 0; err == KT_OK && i < retained->n_frontier; i++) {
    const struct kt_frontier_entry *entry = &retained->frontier[i];
    err = kt_view_retain(&replay->view, entry->pos, entry->timestamp_ms, &entry->prefix_root);
  }
  return err;
}

/* "The elements of the prefix_roots field are, in left-to-right order, the prefix tree root hashes of the log entries
 * that have an associated timestamp from timestamps but no associated prefix tree root hash from prefix_proofs." */
static enum kt_err take_prefix_roots(struct kt_replay *replay)
{
  struct kt_view *view = &replay->view;
  const struct kt_combined_proof *proof = replay->proof;
  size_t next = 0;
  for (size_t i = 0; i < view->n_entries; i++) {
    struct kt_view_entry *entry = &view->entries[i];
    if (entry->has_root) {
      continue;
    }
    if (next == proof->n_prefix_roots) {
      return kt_fail_at(view->reason, KT_ERR_PROOF, "prefix-roots", "the proof has too few prefix tree roots", SECTION,
                        entry->pos);
    }
    entry->prefix_root = proof->prefix_roots[next++];
    entry->has_root = true;
  }
  if (next != proof->n_prefix_roots) {
    return kt_fail(view->reason, KT_ERR_PROOF, "prefix-roots", "the proof has surplus prefix tree roots", SECTION);
  }
  return KT_OK;
}

enum kt_err kt_replay_finish(struct kt_replay *replay, uint64_t auditor_size, struct kt_log_known *ret_known)
{
  struct kt_view *view = &replay->view;
  if (replay->next_timestamp != replay->proof->n_timestamps) {
    return kt_fail(view->reason, KT_ERR_PROOF, "timestamps", "the proof has surplus timestamps", SECTION);
  }
  if (replay->next_prefix_proof != replay->proof->n_prefix_proofs) {
    return kt_fail(view->reason, KT_ERR_PROOF, "prefix-proofs", "the proof has surplus prefix tree proofs", SECTION);
  }
  enum kt_err err = take_prefix_roots(replay);
  if (err != KT_OK) {
    return err;
  }
  uint64_t *leaves = kt_arena_alloc(view->arena, view->n_entries, sizeof *leaves);
  struct kt_hash *values = kt_arena_alloc(view->arena, view->n_entries, sizeof *values);
  if (leaves == NULL || values == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t n = 0;
  for (size_t i = 0; i < view->n_entries; i++) {
    const struct kt_view_entry *entry = &view->entries[i];
    if (!entry->retained) {
      leaves[n] = entry->pos;
      kt_log_entry_hash(entry->timestamp_ms, &entry->prefix_root, &values[n]);
      n++;
    }
  }
  const struct kt_log_request request = {
    .size = view->size,
    .leaves = leaves,
    .n_leaves = n,
    .retained_size = view->retained_size,
    .auditor_size = auditor_size,
  };
  return kt_log_evaluate(&request, values, replay->retained != NULL ? replay->retained->heads : NULL,
                         replay->proof->inclusion.elements, replay->proof->inclusion.n_elements, view->arena, ret_known,
                         view->reason);
}

enum kt_err kt_replay_state_at(const struct kt_replay *replay, const struct kt_log_known *known, uint64_t size,
                               struct kt_tree_state *ret_state)
{
  const struct kt_view *view = &replay->view;
  struct kt_tree_state state = { .size = size };
  enum kt_err err = kt_log_known_heads(known, size, state.heads);
  if (err != KT_OK) {
    return kt_fail(view->reason, KT_ERR_PROOF, "full-subtrees", "the proof does not establish the new tree's subtrees",
                   "Updating Views of the Tree / Algorithm");
  }
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  state.n_heads = kt_log_full_subtrees(size, nodes);
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  state.n_frontier = kt_ibst_frontier(size, frontier);
  for (size_t i = 0; i < state.n_frontier; i++) {
    const struct kt_view_entry *entry = kt_view_find(view, frontier[i]);
    if (entry == NULL || !entry->has_root) {
      return kt_fail_at(view->reason, KT_ERR_PROOF, "frontier", "a frontier entry is missing from the proof",
                        "Updating Views of the Tree / Algorithm", frontier[i]);
    }
    state.frontier[i] = (struct kt_frontier_entry){ .pos = entry->pos,
                                                    .timestamp_ms = entry->timestamp_ms,
                                                    .prefix_root = entry->prefix_root };
  }
  *ret_state = state;
  return KT_OK;
}

enum kt_err kt_replay_state(const struct kt_replay *replay, const struct kt_log_known *known,
                            struct kt_tree_state *ret_state)
{
  return kt_replay_state_at(replay, known, replay->view.size, ret_state);
}
