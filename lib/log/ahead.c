/* SPDX-License-Identifier: Apache-2.0 */
/* What an UpdateResponse needs and the insertion does not, while the sequencer waits for the disk: VRF proofs are
 * computed, and the paths that lead to them in the prefix tree are read into the cache. */
#include <sched.h>
#include <string.h>

#include "algo/algo.h"
#include "log/engine.h"
#include "log/vrf.h"

/* The proofs that are there, with room for more behind them. NULL: out of memory. */
static struct kt_store_new_proof *make_room(const struct kt_log_ahead *ahead, size_t n_more, struct kt_arena *arena)
{
  struct kt_store_new_proof *proofs = kt_arena_alloc(arena, ahead->n + n_more, sizeof *proofs);
  if (proofs != NULL && ahead->n > 0) {
    memcpy(proofs, ahead->proofs, ahead->n * sizeof *proofs);
  }
  return proofs;
}

/* What the response shows: an insertion of n_new versions above those known. It does not show the proofs of the new
 * ones. Under load prepare has made them. The sequencer may be looking at is_ready: nothing else is written. */
static enum kt_err prove(struct kt_log_reader *reader, struct kt_bytes label, const struct kt_optional_u32 *known,
                         uint64_t n_new, struct kt_arena *arena, struct kt_log_ahead *ret_ahead)
{
  uint32_t versions[KT_UPDATE_VERSIONS_MAX];
  struct kt_store_label row = { 0 };
  struct kt_log_ahead ahead = { .proofs = ret_ahead->proofs, .n = ret_ahead->n };
  if (n_new == 0 || n_new > UINT8_MAX) { /* nothing to add: somebody was first */
    return KT_OK;
  }
  const uint64_t first_new = known->present ? (uint64_t)known->value + 1 : 0;
  size_t n = kt_update_versions(known->present, known->present ? known->value : 0, (uint32_t)n_new, versions);
  struct kt_store_new_proof *proofs = make_room(&ahead, n, arena);
  enum kt_err err = proofs != NULL ? KT_OK : KT_ERR_MEMORY;
  if (err == KT_OK && known->present) { /* otherwise the label is new, and nothing of it is stored */
    err = kt_store_get_label(reader->conn, label, arena, &row);
  }
  size_t n_others = 0;
  for (size_t i = 0; i < n; i++) {
    bool is_new = versions[i] >= first_new && versions[i] - first_new < n_new;
    if (!is_new && kt_log_ahead_find(ret_ahead, versions[i]) == NULL) {
      versions[n_others++] = versions[i];
    }
  }
  size_t n_before = ahead.n;
  if (err == KT_OK) {
    err = kt_log_vrf_unstored(reader->conn, row.label_id, versions, n_others, proofs, &ahead.n);
  }
  if (err == KT_OK) {
    err = kt_log_vrf_prove(reader->log, label, &proofs[n_before], ahead.n - n_before);
  }
  if (err == KT_OK) {
    ret_ahead->proofs = proofs;
    ret_ahead->n = ahead.n;
  }
  return err;
}

/* The proofs of the new versions, for lookups, when they are neither stored nor inserted with them. */
static enum kt_err prove_made(const struct kt_log *log, struct kt_bytes label, struct kt_arena *arena,
                              struct kt_log_ahead *ahead)
{
  const struct kt_log_made *made = ahead->made;
  size_t n = 0;
  if (made == NULL) {
    return KT_OK;
  }
  struct kt_store_new_proof *proofs = kt_arena_alloc(arena, made->n_new, sizeof *proofs);
  if (proofs == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < made->n_new; i++) {
    if (!made->versions[i].is_proved) {
      proofs[n++].version = (uint32_t)(made->n_versions + i);
    }
  }
  enum kt_err err = kt_log_vrf_prove(log, label, proofs, n);
  for (size_t i = 0; i < n; i++) {
    proofs[i].proof.has_output = false; /* its leaf has it */
  }
  ahead->made_proofs = proofs;
  ahead->n_made_proofs = err == KT_OK ? n : 0;
  return err;
}

/* The newest tree is not the one that the response will be about, but nearly all of their nodes are the same. */
static void read_paths(struct kt_log_reader *reader, const struct kt_log_ahead *ahead, struct kt_arena *arena)
{
  struct kt_log_head head;
  struct kt_store_entry entry;
  struct kt_log_nodes nodes;
  struct kt_prefix_lookup *lookups = kt_arena_alloc(arena, ahead->n, sizeof *lookups);
  const struct kt_log_cache *cache = &reader->log->cache;
  kt_log_head(reader->log, &head);
  if (lookups != NULL && kt_store_read_begin(reader->conn) == KT_OK &&
      kt_log_cache_entry(cache, reader->conn, head.size - 1, &entry) == KT_OK) {
    for (size_t i = 0; i < ahead->n; i++) {
      lookups[i] = (struct kt_prefix_lookup){ .root_ref = entry.prefix_root_ref, .key = ahead->proofs[i].proof.output };
    }
    kt_log_nodes_init(&nodes, reader->conn, cache, NULL);
    (void)!kt_log_paths(&nodes, lookups, ahead->n, arena);
  }
  kt_store_read_end(reader->conn);
}

/* Of the request the values do not matter; there are n_new with the skipped ones. What fails here is done when the
 * response is made, which has somebody to tell. */
static void look_ahead(struct kt_log_reader *reader, const struct kt_update_request *request, uint64_t n_new,
                       struct kt_arena *arena, struct kt_log_ahead *ahead)
{
  struct kt_log *log = reader->log;
  kt_log_updating_begin(log);
  bool is_calm = !kt_log_updating_is_busy(log);
  if (is_calm) {
    (void)sched_yield(); /* the sequencer was woken, perhaps on this core: its disk first */
  }
  enum kt_err err = prove(reader, request->label, &request->greatest_version, n_new, arena, ahead);
  /* While others are at work the answer comes late, and what is read now would have to be read again. */
  if (err == KT_OK && is_calm && log->options.cache_bytes > 0) {
    read_paths(reader, ahead, arena);
  }
  if (err == KT_OK) {
    (void)!prove_made(log, request->label, arena, ahead);
  }
  ahead->arena = arena;
  ahead->request = *request;
  atomic_store(&ahead->is_ready, is_calm);
  kt_log_updating_end(log);
}

void kt_log_update_ahead(struct kt_log_reader *reader, const struct kt_update_request *request, struct kt_arena *arena,
                         struct kt_log_ahead *ahead)
{
  look_ahead(reader, request, request->n_values, arena, ahead);
}

void kt_log_manager_ahead(struct kt_log_reader *reader, const struct kt_manager_update_request *request,
                          struct kt_arena *arena, struct kt_log_ahead *ahead)
{
  const struct kt_optional_u32 *known = &request->greatest_version;
  const struct kt_update_request plain = kt_log_plain_update(request);
  uint64_t n_known = known->present ? (uint64_t)known->value + 1 : 0;
  uint64_t n_new = request->signed_version - n_known + request->n_values; /* with the skipped ones */
  look_ahead(reader, &plain, n_new, arena, ahead);
}

static bool copy_version(const struct kt_log_new_version *from, struct kt_arena *arena, struct kt_log_new_version *to)
{
  *to = *from;
  to->value.data = kt_arena_copy(arena, from->value.data, from->value.len);
  to->suffix.data = kt_arena_copy(arena, from->suffix.data, from->suffix.len);
  return to->value.data != NULL && to->suffix.data != NULL;
}

/* The proofs that are inserted with the new versions and are not theirs: the response shows them. */
static void copy_proofs(const struct kt_log_pending *pending, struct kt_arena *arena, struct kt_log_ahead *ahead)
{
  const uint64_t first = pending->n_versions;
  struct kt_store_new_proof *proofs = kt_arena_alloc(arena, pending->n_proofs, sizeof *proofs);
  for (size_t i = 0; proofs != NULL && i < pending->n_proofs; i++) {
    uint32_t version = pending->proofs[i].version;
    if (version < first || version - first >= pending->n_new) {
      proofs[ahead->n++] = pending->proofs[i];
    }
  }
  ahead->proofs = proofs;
  ahead->n_inserted = ahead->n;
}

void kt_log_update_keep(struct kt_log_pending *pending, struct kt_arena *arena, struct kt_log_ahead *ahead)
{
  size_t n = pending->n_new;
  struct kt_log_made *made = kt_arena_alloc(arena, 1, sizeof *made);
  struct kt_log_new_version *versions = kt_arena_alloc(arena, n, sizeof *versions);
  bool is_whole = n > 0 && made != NULL && versions != NULL;
  for (size_t i = 0; is_whole && i < n; i++) {
    is_whole = copy_version(&pending->versions[i], arena, &versions[i]);
  }
  if (is_whole) {
    *made = (struct kt_log_made){ .n_versions = pending->n_versions, .n_new = n, .versions = versions };
    ahead->made = made;
    copy_proofs(pending, arena, ahead);
    pending->ahead = ahead;
  }
}

void kt_log_ahead_store(struct kt_log *log, const struct kt_log_outcome *outcome, const struct kt_log_ahead *ahead)
{
  bool inserted = outcome != NULL && outcome->inserted && ahead != NULL;
  for (size_t i = 0; inserted && i < ahead->n_made_proofs; i++) {
    const struct kt_store_new_proof *made = &ahead->made_proofs[i];
    if (kt_store_queue_proof(log->options.store, outcome->label_id, made->version, &made->proof)) {
      kt_log_wake(log);
    }
  }
}

const struct kt_store_new_proof *kt_log_ahead_find(const struct kt_log_ahead *ahead, uint32_t version)
{
  for (size_t i = 0; ahead != NULL && i < ahead->n; i++) {
    if (ahead->proofs[i].version == version) {
      return &ahead->proofs[i];
    }
  }
  return NULL;
}
