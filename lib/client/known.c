/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unproven.h"
#include "client/known.h"

#include <stdlib.h>

#include "client/check.h"
#include "crypto/hash.h"
#include "wire/leaf.h"

static int compare_versions(const void *a, const void *b)
{
  uint32_t x = ((const struct kt_label_key *)a)->version;
  uint32_t y = ((const struct kt_label_key *)b)->version;
  return (x > y) - (x < y);
}

/* 1 <= n <= KT_VRF_BATCH_MAX */
static enum kt_err verify_steps(const struct kt_client *client, struct kt_bytes label,
                                const struct kt_ladder_step *steps, const uint32_t *versions, size_t n,
                                struct kt_label_key *ret_keys)
{
  const struct kt_config *config = client->config;
  uint8_t inputs[KT_VRF_BATCH_MAX][KT_VRF_INPUT_MAX];
  struct kt_vrf_claim claims[KT_VRF_BATCH_MAX];
  struct kt_hash outputs[KT_VRF_BATCH_MAX];
  for (size_t i = 0; i < n; i++) {
    size_t len = kt_vrf_input(label, versions[i], inputs[i]);
    claims[i] = (struct kt_vrf_claim){ .alpha = { inputs[i], len }, .proof = steps[i].proof };
  }
  const enum kt_err err = kt_vrf_verify_batch(config->suite, config->vrf_public_key, n, claims, outputs);
  if (err != KT_OK) {
    return kt_unproven(client->reason, err, "vrf", "a VRF proof does not verify", "Verifiable Random Function");
  }
  for (size_t i = 0; i < n; i++) {
    ret_keys[i] = (struct kt_label_key){ .version = versions[i],
                                         .vrf_output = outputs[i],
                                         .has_commitment = steps[i].has_commitment,
                                         .commitment = steps[i].commitment };
  }
  return KT_OK;
}

/* Among the first n keys, in any order. */
static struct kt_label_key *find_unsorted(struct kt_label_key *keys, size_t n, uint32_t version)
{
  for (size_t i = 0; i < n; i++) {
    if (keys[i].version == version) {
      return &keys[i];
    }
  }
  return NULL;
}

/* A verified step for a version that may be known already. */
static enum kt_err add_step(const struct kt_client *client, struct kt_label_keys *keys, size_t n_known,
                            const struct kt_label_key *key)
{
  struct kt_label_key *before = find_unsorted(keys->keys, n_known, key->version);
  if (before == NULL) {
    keys->keys[keys->n++] = *key;
    return KT_OK;
  }
  if (!kt_hash_equal(&before->vrf_output, &key->vrf_output)) {
    return kt_fail(client->reason, KT_ERR_PROOF, "vrf", "a VRF output differs from the one seen before",
                   "Verifiable Random Function");
  }
  if (before->has_commitment && key->has_commitment && !kt_hash_equal(&before->commitment, &key->commitment)) {
    /* Lookups use the known one, so a false one would go unnoticed. */
    return kt_fail(client->reason, KT_ERR_PROOF, "commitment-changed",
                   "the commitment of a version differs from the one seen before", "Commitment");
  }
  if (!before->has_commitment && key->has_commitment) {
    before->has_commitment = true;
    before->commitment = key->commitment;
  }
  return KT_OK;
}

enum kt_err kt_known_keys(const struct kt_client *client, struct kt_bytes label, const struct kt_ladder_step *steps,
                          const uint32_t *versions, size_t n, const struct kt_known_version *known, size_t n_known,
                          struct kt_label_keys *ret_keys)
{
  struct kt_label_keys keys = { .keys = kt_arena_alloc(client->arena, n + n_known, sizeof *keys.keys) };
  if (keys.keys == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n_known; i++) {
    keys.keys[keys.n++] = (struct kt_label_key){
      .version = known[i].version,
      .vrf_output = known[i].vrf_output,
      .has_commitment = known[i].has_commitment,
      .commitment = known[i].commitment,
      .seen_included = known[i].has_commitment,
    };
  }
  for (size_t done = 0; done < n; done += KT_VRF_BATCH_MAX) {
    struct kt_label_key verified[KT_VRF_BATCH_MAX] = { 0 };
    const size_t n_batch = n - done < KT_VRF_BATCH_MAX ? n - done : KT_VRF_BATCH_MAX;
    enum kt_err err = verify_steps(client, label, steps + done, versions + done, n_batch, verified);
    for (size_t i = 0; i < n_batch && err == KT_OK; i++) {
      err = add_step(client, &keys, n_known, &verified[i]);
    }
    if (err != KT_OK) {
      return err;
    }
  }
  qsort(keys.keys, keys.n, sizeof *keys.keys, compare_versions);
  *ret_keys = keys;
  return KT_OK;
}

enum kt_err kt_known_retain(struct kt_arena *arena, const struct kt_label_keys *keys, kt_known_wanted wanted,
                            const void *wanted_ctx, const struct kt_known_version **ret_known, size_t *ret_n)
{
  struct kt_known_version *known = kt_arena_alloc(arena, keys->n, sizeof *known);
  if (known == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t n = 0;
  for (size_t i = 0; i < keys->n; i++) {
    const struct kt_label_key *key = &keys->keys[i];
    if (wanted(wanted_ctx, key->version)) {
      known[n] = (struct kt_known_version){ .version = key->version, .vrf_output = key->vrf_output };
      if (key->has_commitment && key->seen_included) {
        known[n].has_commitment = true;
        known[n].commitment = key->commitment;
      }
      n++;
    }
  }
  *ret_known = known;
  *ret_n = n;
  return KT_OK;
}

static bool covers(const struct kt_version_at *a, const struct kt_version_at *b)
{
  return a->position <= b->position && a->version >= b->version;
}

enum kt_err kt_map_insert(const struct kt_client *client, const struct kt_version_at *map, size_t n,
                          struct kt_version_at entry, const struct kt_version_at **ret_map, size_t *ret_n)
{
  struct kt_version_at *out = kt_arena_alloc(client->arena, n + 1, sizeof *out);
  if (out == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t n_out = 0;
  bool placed = false;
  for (size_t i = 0; i < n; i++) {
    placed = placed || covers(&map[i], &entry);
    if (!placed && map[i].position > entry.position) {
      out[n_out++] = entry;
      placed = true;
    }
    if (!covers(&entry, &map[i]) || covers(&map[i], &entry)) {
      out[n_out++] = map[i];
    }
  }
  if (!placed) {
    out[n_out++] = entry;
  }
  if (n_out > UINT8_MAX) {
    return kt_fail(client->reason, KT_ERR_UNDETERMINED, "monitor-first",
                   "too many versions of this label wait to be monitored: monitor it, then ask again",
                   "Monitoring the Tree / Contact Algorithm");
  }
  *ret_map = out;
  *ret_n = n_out;
  return KT_OK;
}

void kt_map_load(const struct kt_contact_state *contact, struct kt_monitor_map *ret_map)
{
  ret_map->n = contact->n_map < UINT8_MAX ? contact->n_map : UINT8_MAX;
  for (size_t i = 0; i < ret_map->n; i++) {
    ret_map->entries[i] =
        (struct kt_monitor_map_entry){ .position = contact->map[i].position, .version = contact->map[i].version };
  }
}

enum kt_err kt_map_store(struct kt_arena *arena, const struct kt_monitor_map *map, const struct kt_version_at **ret_map,
                         size_t *ret_n)
{
  struct kt_version_at *out = kt_arena_alloc(arena, map->n, sizeof *out);
  if (out == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < map->n; i++) {
    out[i] = (struct kt_version_at){ .position = map->entries[i].position, .version = map->entries[i].version };
  }
  *ret_map = out;
  *ret_n = map->n;
  return KT_OK;
}

bool kt_contact_wants(const void *ctx, uint32_t version)
{
  const struct kt_contact_state *contact = ctx;
  for (size_t i = 0; i < contact->n_map; i++) {
    if (version <= contact->map[i].version && kt_ladder_contains(contact->map[i].version, version)) {
      return true;
    }
  }
  return false;
}
