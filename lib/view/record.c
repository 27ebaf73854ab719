/* SPDX-License-Identifier: Apache-2.0 */
#include "view/record.h"

#include "tree/ibst.h"

static enum kt_err too_long(struct kt_record *record)
{
  return kt_fail(record->view.reason, KT_ERR_LIMIT, "proof-size", "the proof is over a vector bound of the draft",
                 "Tree Proofs / Combined Tree");
}

static enum kt_err record_timestamp(void *ctx, uint64_t pos, uint64_t *ret_ms)
{
  struct kt_record *record = ctx;
  struct kt_record_entry entry;
  if (record->n_timestamps == UINT8_MAX) {
    return too_long(record);
  }
  enum kt_err err = record->source->entry(record->source->ctx, pos, &entry);
  if (err != KT_OK) {
    return err;
  }
  uint64_t *timestamps = kt_arena_grow(record->view.arena, record->timestamps, record->n_timestamps, sizeof *timestamps,
                                       &record->cap_timestamps);
  if (timestamps == NULL) {
    return KT_ERR_MEMORY;
  }
  record->timestamps = timestamps;
  record->timestamps[record->n_timestamps++] = entry.timestamp_ms;
  *ret_ms = entry.timestamp_ms;
  return KT_OK;
}

static enum kt_err record_series_begin(void *ctx, uint64_t pos)
{
  struct kt_record *record = ctx;
  struct kt_record_entry entry;
  if (record->n_prefix_proofs == UINT8_MAX) {
    return too_long(record);
  }
  enum kt_err err = record->source->entry(record->source->ctx, pos, &entry);
  if (err == KT_OK) {
    record->root = entry.prefix_root;
    record->n_lookups = 0;
  }
  return err;
}

static enum kt_err record_lookup(void *ctx, const struct kt_label_key *key, bool *ret_included)
{
  struct kt_record *record = ctx;
  struct kt_arena *arena = record->view.arena;
  if (record->n_lookups == UINT8_MAX) {
    return too_long(record);
  }
  struct kt_prefix_lookup *lookups =
      kt_arena_grow(arena, record->lookups, record->n_lookups, sizeof *lookups, &record->cap_lookups);
  if (lookups == NULL) {
    return KT_ERR_MEMORY;
  }
  record->lookups = lookups;
  struct kt_prefix_lookup *lookup = &lookups[record->n_lookups];
  *lookup = (struct kt_prefix_lookup){ .root_ref = record->root.ref, .key = key->vrf_output };
  enum kt_err err = kt_prefix_paths(&record->source->prefix_nodes, lookup, 1, arena);
  if (err == KT_OK) {
    record->n_lookups++;
    *ret_included = kt_prefix_is_included(lookup);
  }
  return err;
}

static enum kt_err record_series_end(void *ctx, struct kt_hash *ret_root)
{
  struct kt_record *record = ctx;
  struct kt_prefix_proof *proofs = kt_arena_grow(record->view.arena, record->prefix_proofs, record->n_prefix_proofs,
                                                 sizeof *proofs, &record->cap_prefix_proofs);
  if (proofs == NULL) {
    return KT_ERR_MEMORY;
  }
  record->prefix_proofs = proofs;
  enum kt_err err = kt_prefix_prove_paths(&record->root.hash, record->lookups, record->n_lookups, record->view.arena,
                                          &proofs[record->n_prefix_proofs]);
  if (err == KT_OK) {
    record->n_prefix_proofs++;
    *ret_root = record->root.hash;
  }
  return err;
}

static enum kt_err record_more(void *ctx, uint64_t pos, bool *ret_more)
{
  struct kt_record *record = ctx;
  if (record->source->more == NULL) {
    *ret_more = true;
    return KT_OK;
  }
  return record->source->more(record->source->ctx, pos, ret_more);
}

static const struct kt_view_feed record_feed = {
  .timestamp = record_timestamp,
  .series_begin = record_series_begin,
  .lookup = record_lookup,
  .series_end = record_series_end,
  .more = record_more,
};

enum kt_err kt_record_init(struct kt_record *record, const struct kt_config *config, uint64_t size,
                           uint64_t retained_size, const struct kt_record_source *source, struct kt_arena *arena,
                           struct kt_reason *reason)
{
  *record = (struct kt_record){ .source = source };
  kt_view_init(&record->view, config, size, &record_feed, record, arena, reason);
  if (retained_size == 0) {
    return KT_OK;
  }
  enum kt_err err = KT_OK;
  record->view.retained_size = retained_size;
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  size_t n = kt_ibst_frontier(retained_size, frontier);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    struct kt_record_entry entry;
    err = source->entry(source->ctx, frontier[i], &entry);
    if (err == KT_OK) {
      err = kt_view_retain(&record->view, frontier[i], entry.timestamp_ms, NULL);
    }
  }
  return err;
}

/* Roots of the entries that gave a timestamp but no prefix proof, left to right; and the positions of all entries whose
 * leaves the inclusion part proves. */
static enum kt_err collect_entries(struct kt_record *record, struct kt_hash *roots, size_t *ret_n_roots,
                                   uint64_t *leaves, size_t *ret_n_leaves)
{
  const struct kt_view *view = &record->view;
  size_t n_roots = 0;
  size_t n_leaves = 0;
  for (size_t i = 0; i < view->n_entries; i++) {
    const struct kt_view_entry *entry = &view->entries[i];
    if (entry->retained) {
      continue;
    }
    leaves[n_leaves++] = entry->pos;
    if (!entry->has_root) {
      struct kt_record_entry stored;
      enum kt_err err = record->source->entry(record->source->ctx, entry->pos, &stored);
      if (err != KT_OK) {
        return err;
      }
      roots[n_roots++] = stored.prefix_root.hash;
    }
  }
  *ret_n_roots = n_roots;
  *ret_n_leaves = n_leaves;
  return KT_OK;
}

static enum kt_err inclusion(struct kt_record *record, const struct kt_log_request *request,
                             struct kt_inclusion_proof *ret_proof)
{
  struct kt_arena *arena = record->view.arena;
  struct kt_log_node *nodes;
  size_t n;
  enum kt_err err = kt_log_copath(request, arena, &nodes, &n);
  if (err != KT_OK) {
    return err;
  }
  struct kt_hash *elements = kt_arena_alloc(arena, n, sizeof *elements);
  if (elements == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = record->source->log_node(record->source->ctx, nodes[i], &elements[i]);
  }
  if (err == KT_OK) {
    *ret_proof = (struct kt_inclusion_proof){ .elements = elements, .n_elements = n };
  }
  return err;
}

enum kt_err kt_record_finish(struct kt_record *record, uint64_t auditor_size, struct kt_combined_proof *ret_proof)
{
  struct kt_view *view = &record->view;
  struct kt_hash *roots = kt_arena_alloc(view->arena, view->n_entries, sizeof *roots);
  uint64_t *leaves = kt_arena_alloc(view->arena, view->n_entries, sizeof *leaves);
  if (roots == NULL || leaves == NULL) {
    return KT_ERR_MEMORY;
  }
  struct kt_combined_proof proof = {
    .timestamps = record->timestamps,
    .n_timestamps = record->n_timestamps,
    .prefix_proofs = record->prefix_proofs,
    .n_prefix_proofs = record->n_prefix_proofs,
    .prefix_roots = roots,
  };
  size_t n_leaves;
  enum kt_err err = collect_entries(record, roots, &proof.n_prefix_roots, leaves, &n_leaves);
  if (err != KT_OK) {
    return err;
  }
  const struct kt_log_request request = {
    .size = view->size,
    .leaves = leaves,
    .n_leaves = n_leaves,
    .retained_size = view->retained_size,
    .auditor_size = auditor_size,
  };
  err = inclusion(record, &request, &proof.inclusion);
  if (err == KT_OK) {
    *ret_proof = proof;
  }
  return err;
}
