/* SPDX-License-Identifier: Apache-2.0 */
/* What an UpdateResponse needs and the insertion does not, while the sequencer waits for the disk: VRF proofs are computed, and
 * the paths that lead to them in the prefix tree are read into the cache. */
#include "algo/algo.h"
#include "log/engine.h"
#include "log/vrf.h"

/* An insertion of n_new versions above those known; the proofs of the new ones come with it. */
static enum kt_err prove(struct kt_log_reader *reader, struct kt_bytes label, const struct kt_optional_u32 *known,
                         uint64_t n_new, struct kt_arena *arena, struct kt_log_ahead *ret_ahead)
{
  uint32_t versions[KT_UPDATE_VERSIONS_MAX];
  struct kt_store_label row = { 0 };
  struct kt_log_ahead ahead = { 0 };
  if (n_new == 0 || n_new > UINT8_MAX) { /* nothing to add: somebody was first */
    return KT_OK;
  }
  const uint64_t first_new = known->present ? (uint64_t)known->value + 1 : 0;
  size_t n = kt_update_versions(known->present, known->present ? known->value : 0, (uint32_t)n_new, versions);
  struct kt_log_new_proof *proofs = kt_arena_alloc(arena, n, sizeof *proofs);
  enum kt_err err = kt_store_get_label(reader->conn, label, arena, &row);
  err = err == KT_ERR_ABSENT ? KT_OK : err;
  if (proofs == NULL) {
    err = KT_ERR_MEMORY;
  }
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    bool is_new = versions[i] >= first_new && versions[i] - first_new < n_new;
    bool is_stored = is_new;
    if (!is_new) {
      err = kt_log_vrf_lookup(reader->log, reader->conn, row.label_id, label, versions[i], &proofs[ahead.n].proof,
                              &is_stored);
    }
    if (err == KT_OK && !is_stored) {
      proofs[ahead.n++].version = versions[i];
    }
  }
  ahead.proofs = proofs;
  if (err == KT_OK) {
    *ret_ahead = ahead;
  }
  return err;
}

/* The newest tree is not the one that the response will be about, but nearly all of their nodes are the same. */
static void read_paths(struct kt_log_reader *reader, const struct kt_log_ahead *ahead, struct kt_arena *arena)
{
  struct kt_log_head head;
  struct kt_store_entry entry;
  struct kt_log_nodes nodes;
  struct kt_prefix_series series;
  const struct kt_prefix_nodes source = { .ctx = &nodes, .get = kt_log_node_get };
  const struct kt_log_cache *cache = &reader->log->cache;
  bool included;
  kt_log_head(reader->log, &head);
  enum kt_err err = kt_store_read_begin(reader->conn);
  if (err == KT_OK) {
    err = kt_log_cache_entry(cache, reader->conn, head.size - 1, &entry);
  }
  if (err == KT_OK) {
    kt_log_nodes_init(&nodes, reader->conn, cache, NULL);
    const struct kt_prefix_child root = { .ref = entry.prefix_root_ref, .hash = entry.prefix_root };
    kt_prefix_series_init(&series, &source, root, arena);
  }
  for (size_t i = 0; err == KT_OK && i < ahead->n; i++) {
    err = kt_prefix_series_find(&series, &ahead->proofs[i].proof.output, &included);
  }
  kt_store_read_end(reader->conn);
}

/* What fails here is done when the response is made, which has somebody to tell. */
static void look_ahead(struct kt_log_reader *reader, struct kt_bytes label, const struct kt_optional_u32 *known,
                       uint64_t n_new, struct kt_arena *arena, struct kt_log_ahead *ret_ahead)
{
  struct kt_log_ahead ahead = { 0 };
  kt_log_updating_begin(reader->log);
  if (prove(reader, label, known, n_new, arena, &ahead) == KT_OK && reader->log->options.cache_bytes > 0) {
    read_paths(reader, &ahead, arena);
  }
  kt_log_updating_end(reader->log);
  *ret_ahead = ahead;
}

void kt_log_update_ahead(struct kt_log_reader *reader, const struct kt_update_request *request, struct kt_arena *arena,
                         struct kt_log_ahead *ret_ahead)
{
  look_ahead(reader, request->label, &request->greatest_version, request->n_values, arena, ret_ahead);
}

void kt_log_manager_ahead(struct kt_log_reader *reader, const struct kt_manager_update_request *request,
                          struct kt_arena *arena, struct kt_log_ahead *ret_ahead)
{
  const struct kt_optional_u32 *known = &request->greatest_version;
  uint64_t n_known = known->present ? (uint64_t)known->value + 1 : 0;
  uint64_t n_new = request->signed_version - n_known + request->n_values; /* with the skipped ones */
  look_ahead(reader, request->label, known, n_new, arena, ret_ahead);
}

const struct kt_store_proof *kt_log_ahead_find(const struct kt_log_ahead *ahead, uint32_t version)
{
  for (size_t i = 0; ahead != NULL && i < ahead->n; i++) {
    if (ahead->proofs[i].version == version) {
      return &ahead->proofs[i].proof;
    }
  }
  return NULL;
}
