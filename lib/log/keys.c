/* SPDX-License-Identifier: Apache-2.0 */
/* Search keys, VRF proofs and commitments of the label a query is about. */
#include <stdlib.h>
#include <string.h>

#include "log/query.h"
#include "log/vrf.h"

/* Proof of a version; computed ones are remembered for the sequencer to store. */
static enum kt_err find_proof(struct kt_log_query *query, uint32_t version, struct kt_store_proof *ret_proof)
{
  struct kt_log *log = query->reader->log;
  bool cached;
  enum kt_err err =
      kt_log_vrf_lookup(log, query->reader->conn, query->label_id, query->label, version, ret_proof, &cached);
  if (err == KT_OK && !cached && query->label_id != 0) {
    kt_store_queue_proof(log->options.store, query->label_id, version, ret_proof);
  }
  return err;
}

/* An existing version's row has what a lookup needs; for the others the proof's output does. proof: when it is at hand,
 * otherwise NULL. */
static enum kt_err make_key(struct kt_log_query *query, uint32_t version, const struct kt_store_proof *proof,
                            struct kt_label_key *ret_key)
{
  struct kt_label_key key = { .version = version };
  if (query->exists && version <= query->greatest) {
    struct kt_store_version row;
    enum kt_err err = kt_store_get_version(query->reader->conn, query->label_id, version, &row);
    if (err != KT_OK) {
      return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
    }
    key.vrf_output = row.vrf_output;
    key.has_commitment = true;
    key.commitment = row.commitment;
  } else if (proof != NULL) {
    key.vrf_output = proof->output;
  } else {
    struct kt_store_proof found;
    enum kt_err err = find_proof(query, version, &found);
    if (err != KT_OK) {
      return err;
    }
    key.vrf_output = found.output;
  }
  *ret_key = key;
  return KT_OK;
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

/* Keys of versions, none of them twice, that are not there yet; proofs NULL or one for each. The table is sorted once. */
static enum kt_err add_keys(struct kt_log_query *query, const uint32_t *versions, size_t n,
                            const struct kt_store_proof *proofs)
{
  struct kt_label_keys *keys = &query->keys;
  enum kt_err err = reserve(query, n);
  const struct kt_label_keys known = *keys;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    if (kt_label_keys_find(&known, versions[i]) == NULL) {
      err = make_key(query, versions[i], proofs != NULL ? &proofs[i] : NULL, &keys->keys[keys->n]);
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
  return add_keys(query, versions, n, NULL);
}

enum kt_err kt_log_query_steps(struct kt_log_query *query, const uint32_t *versions, size_t n,
                               const uint32_t *commit_max, const uint32_t *commit_not,
                               const struct kt_ladder_step **ret_steps)
{
  struct kt_ladder_step *steps = kt_arena_alloc(query->arena, n, sizeof *steps);
  struct kt_store_proof *proofs = kt_arena_alloc(query->arena, n, sizeof *proofs);
  enum kt_err err = steps != NULL && proofs != NULL ? KT_OK : KT_ERR_MEMORY;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = find_proof(query, versions[i], &proofs[i]);
  }
  if (err == KT_OK) {
    err = add_keys(query, versions, n, proofs);
  }
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    const struct kt_label_key *key = kt_label_keys_find(&query->keys, versions[i]);
    steps[i].proof = proofs[i].proof;
    if (key->has_commitment && commit_max != NULL && versions[i] <= *commit_max &&
        (commit_not == NULL || versions[i] != *commit_not)) {
      steps[i].has_commitment = true;
      steps[i].commitment = key->commitment;
    }
  }
  if (err == KT_OK) {
    *ret_steps = steps;
  }
  return err;
}
