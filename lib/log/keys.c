/* SPDX-License-Identifier: Apache-2.0 */
/* Search keys, VRF proofs and commitments of the label a query is about. */
#include <stdlib.h>
#include <string.h>

#include "log/query.h"
#include "log/vrf.h"

/* What the store has of the version and its neighbour, read once for both. */
static enum kt_err read_proofs(struct kt_log_query *query, uint32_t version)
{
  if (query->has_proofs && query->proofs_version / 2 == version / 2) {
    return KT_OK;
  }
  query->proofs.has[0] = query->proofs.has[1] = false;
  enum kt_err err = query->label_id == 0
                        ? KT_ERR_ABSENT
                        : kt_store_get_proofs(query->reader->conn, query->label_id, version, &query->proofs);
  if (err == KT_OK || err == KT_ERR_ABSENT) {
    query->has_proofs = true;
    query->proofs_version = version;
    return KT_OK;
  }
  return err;
}

/* For the sequencer to store, without the output where a leaf has it. */
static void remember_proof(const struct kt_log_query *query, uint32_t version, const struct kt_store_proof *proof)
{
  struct kt_log *log = query->reader->log;
  struct kt_store_proof stored = *proof;
  stored.has_output = !query->exists || version > query->greatest;
  if (query->label_id != 0 && kt_store_queue_proof(log->options.store, query->label_id, version, &stored)) {
    kt_log_wake(log);
  }
}

/* The proof of a version, when it was made before. Its length is 0 when it was not. */
static enum kt_err known_proof(struct kt_log_query *query, uint32_t version, struct kt_store_proof *ret_proof)
{
  const struct kt_store_new_proof *ahead = kt_log_ahead_find(query->ahead, version);
  ret_proof->len = 0;
  if (ahead != NULL) {
    *ret_proof = ahead->proof;
    if (query->made == NULL || (size_t)(ahead - query->ahead->proofs) >= query->ahead->n_inserted) {
      remember_proof(query, version, ret_proof);
    }
    return KT_OK;
  }
  enum kt_err err = read_proofs(query, version);
  if (err == KT_OK && query->proofs.has[version % 2]) {
    *ret_proof = query->proofs.proof[version % 2];
  }
  return err;
}

/* Proofs of versions, none of them twice; those that have to be computed are computed together. */
static enum kt_err find_proofs(struct kt_log_query *query, const uint32_t *versions, size_t n,
                               struct kt_store_proof *ret_proofs)
{
  struct kt_store_new_proof *unknown = kt_arena_alloc(query->arena, n, sizeof *unknown);
  size_t n_unknown = 0;
  if (unknown == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n; i++) {
    enum kt_err err = known_proof(query, versions[i], &ret_proofs[i]);
    if (err != KT_OK) {
      return err;
    }
    if (ret_proofs[i].len == 0) {
      unknown[n_unknown++].version = versions[i];
    }
  }
  enum kt_err err = kt_log_vrf_prove(query->reader->log, query->label, unknown, n_unknown);
  for (size_t i = 0, k = 0; err == KT_OK && k < n_unknown; i++) {
    if (ret_proofs[i].len == 0) {
      ret_proofs[i] = unknown[k++].proof;
      remember_proof(query, versions[i], &ret_proofs[i]);
    }
  }
  return err;
}

enum kt_err kt_log_query_version(struct kt_log_query *query, uint32_t version, uint64_t *ret_pos,
                                 struct kt_prefix_leaf *ret_leaf)
{
  const struct kt_log_new_version *made = kt_log_query_made(query, version);
  if (made != NULL) {
    *ret_pos = query->made_pos;
    *ret_leaf = made->leaf;
    return KT_OK;
  }
  struct kt_store_version row = query->row;
  enum kt_err err = KT_OK;
  if (!query->has_row || query->row_version != version) {
    err = kt_store_get_version(query->reader->conn, query->label_id, version, &row);
  }
  if (err == KT_OK) {
    err = kt_log_leaf_get(&query->nodes, kt_store_leaf_ref(row.pos, row.leaf), ret_leaf);
  }
  if (err == KT_OK) {
    *ret_pos = row.pos;
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

/* proof: when it is at hand, otherwise NULL. With its output, a version whose commitment is not shown needs nothing
 * else. */
static enum kt_err make_key(struct kt_log_query *query, uint32_t version, const struct kt_store_proof *proof,
                            bool wants_commitment, struct kt_label_key *ret_key)
{
  struct kt_label_key key = { .version = version };
  struct kt_store_proof found;
  struct kt_prefix_leaf leaf;
  uint64_t pos;
  bool exists = query->exists && version <= query->greatest;
  bool needs_leaf = exists && (wants_commitment || proof == NULL);
  enum kt_err err = KT_OK;
  if (!needs_leaf && proof == NULL) {
    err = find_proofs(query, &version, 1, &found);
    proof = &found;
  }
  if (err == KT_OK && !needs_leaf && proof->has_output) {
    key.vrf_output = proof->output;
  } else if (err == KT_OK) {
    err = kt_log_query_version(query, version, &pos, &leaf);
    key.vrf_output = leaf.vrf_output;
    key.has_commitment = exists;
    key.commitment = leaf.commitment;
  }
  if (err == KT_OK) {
    *ret_key = key;
  }
  return err;
}

static enum kt_err reserve(struct kt_log_query *query, size_t n)
{
  struct kt_label_keys *keys = &query->keys;
  if (keys->n + n <= query->cap_keys) {
    return KT_OK;
  }
  size_t cap = 2 * (keys->n + n);
  struct kt_label_key *more = kt_arena_alloc(query->arena, cap, sizeof *more);
  if (more == NULL) {
    return KT_ERR_MEMORY;
  }
  if (keys->n > 0) {
    memcpy(more, keys->keys, keys->n * sizeof *more);
  }
  keys->keys = more;
  query->cap_keys = cap;
  return KT_OK;
}

static int compare_keys(const void *a, const void *b)
{
  uint32_t x = ((const struct kt_label_key *)a)->version;
  uint32_t y = ((const struct kt_label_key *)b)->version;
  return (x > y) - (x < y);
}

/* Which steps of a ladder have a commitment: those of versions up to max (NULL: none), except this one (NULL: no
 * exception). */
struct shown {
  const uint32_t *max;
  const uint32_t *except;
};

static bool is_shown(const struct shown *shown, uint32_t version)
{
  return shown->max != NULL && version <= *shown->max && (shown->except == NULL || version != *shown->except);
}

/* Keys of versions, none of them twice, that are not there yet; proofs NULL or one for each. The table is sorted
 * once. */
static enum kt_err add_keys(struct kt_log_query *query, const uint32_t *versions, size_t n,
                            const struct kt_store_proof *proofs, const struct shown *shown)
{
  struct kt_label_keys *keys = &query->keys;
  enum kt_err err = reserve(query, n);
  const struct kt_label_keys known = *keys;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    if (kt_label_keys_find(&known, versions[i]) == NULL) {
      const struct kt_store_proof *proof = proofs != NULL ? &proofs[i] : NULL;
      err = make_key(query, versions[i], proof, is_shown(shown, versions[i]), &keys->keys[keys->n]);
      keys->n += err == KT_OK ? 1 : 0;
    }
  }
  if (keys->n > known.n) {
    qsort(keys->keys, keys->n, sizeof *keys->keys, compare_keys);
  }
  return err;
}

enum kt_err kt_log_query_keys(struct kt_log_query *query, const uint32_t *versions, size_t n)
{
  const struct shown nothing = { NULL, NULL };
  return add_keys(query, versions, n, NULL, &nothing);
}

enum kt_err kt_log_query_steps(struct kt_log_query *query, const uint32_t *versions, size_t n,
                               const uint32_t *commit_max, const uint32_t *commit_not,
                               const struct kt_ladder_step **ret_steps)
{
  const struct shown shown = { commit_max, commit_not };
  struct kt_ladder_step *steps = kt_arena_alloc(query->arena, n, sizeof *steps);
  struct kt_store_proof *proofs = kt_arena_alloc(query->arena, n, sizeof *proofs);
  enum kt_err err = steps != NULL && proofs != NULL ? KT_OK : KT_ERR_MEMORY;
  if (err == KT_OK) {
    err = find_proofs(query, versions, n, proofs);
  }
  if (err == KT_OK) {
    err = add_keys(query, versions, n, proofs, &shown);
  }
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    const struct kt_label_key *key = kt_label_keys_find(&query->keys, versions[i]);
    steps[i].proof = proofs[i].proof;
    if (key->has_commitment && is_shown(&shown, versions[i])) {
      steps[i].has_commitment = true;
      steps[i].commitment = key->commitment;
    }
  }
  if (err == KT_OK) {
    *ret_steps = steps;
  }
  return err;
}
