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
  const struct kt_store_proof *ahead = kt_log_ahead_find(query->ahead, version);
  bool is_stored = false;
  enum kt_err err = KT_OK;
  if (ahead != NULL) {
    *ret_proof = *ahead;
  } else {
    err = kt_log_vrf_lookup(log, query->reader->conn, query->label_id, query->label, version, ret_proof, &is_stored);
  }
  if (err == KT_OK && !is_stored && query->label_id != 0 &&
      kt_store_queue_proof(log->options.store, query->label_id, version, ret_proof)) {
    kt_log_wake(log);
  }
  return err;
}

enum kt_err kt_log_query_version(struct kt_log_query *query, uint32_t version, struct kt_store_version *ret_row,
                                 struct kt_prefix_leaf *ret_leaf)
{
  enum kt_err err = kt_store_get_version(query->reader->conn, query->label_id, version, ret_row);
  if (err == KT_OK) {
    err = kt_log_leaf_get(&query->nodes, kt_store_leaf_ref(ret_row->pos, ret_row->leaf), ret_leaf);
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

/* proof: when it is at hand, otherwise NULL; with it, a version whose commitment is not shown needs nothing else. */
static enum kt_err make_key(struct kt_log_query *query, uint32_t version, const struct kt_store_proof *proof,
                            bool wants_commitment, struct kt_label_key *ret_key)
{
  struct kt_label_key key = { .version = version };
  bool exists = query->exists && version <= query->greatest;
  if (exists && (wants_commitment || proof == NULL)) {
    struct kt_store_version row;
    struct kt_prefix_leaf leaf;
    enum kt_err err = kt_log_query_version(query, version, &row, &leaf);
    if (err != KT_OK) {
      return err;
    }
    key.vrf_output = leaf.vrf_output;
    key.has_commitment = true;
    key.commitment = leaf.commitment;
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

/* Which steps of a ladder have a commitment: those of versions up to max (NULL: none), except this one (NULL: no exception). */
struct shown {
  const uint32_t *max;
  const uint32_t *except;
};

static bool is_shown(const struct shown *shown, uint32_t version)
{
  return shown->max != NULL && version <= *shown->max && (shown->except == NULL || version != *shown->except);
}

/* Keys of versions, none of them twice, that are not there yet; proofs NULL or one for each. The table is sorted once. */
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
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = find_proof(query, versions[i], &proofs[i]);
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
