/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

struct conf_world *conf_world(struct conf_case *c, const uint64_t *timestamps, size_t n)
{
  struct conf_world *world = conf_alloc(c, 1, sizeof *world);
  world->c = c;
  world->timestamps = timestamps;
  world->n = n;
  return world;
}

static size_t count_added(const json_t *mutations)
{
  size_t n = 0;
  for (size_t i = 0; i < json_array_size(mutations); i++) {
    n += json_array_size(json_object_get(json_array_get(mutations, i), "add"));
  }
  return n;
}

struct conf_world *conf_world_read(struct conf_case *c)
{
  size_t n;
  const uint64_t *timestamps = conf_u64s(c, c->input, "entry_timestamps", &n);
  const json_t *mutations = conf_array(c, c->input, "mutations");
  const struct kt_bytes label = conf_hex(c, c->input, "label");
  struct conf_world *world = conf_world(c, timestamps, n);
  conf_same_u64(c, json_array_size(mutations), n, "number of mutations");
  conf_require(c, n > 0, "the log is empty");
  world->n_versions = conf_alloc(c, n, sizeof *world->n_versions);
  world->values = conf_alloc(c, count_added(mutations), sizeof *world->values);
  uint64_t n_versions = 0;
  for (size_t i = 0; i < n; i++) {
    const json_t *add = conf_array(c, json_array_get(mutations, i), "add");
    for (size_t k = 0; k < json_array_size(add); k++) {
      const json_t *pair = json_array_get(add, k);
      const struct kt_bytes added = conf_hex(c, pair, "label");
      if (added.len == label.len && memcmp(added.data, label.data, label.len) == 0) {
        world->values[n_versions++] = conf_hex(c, pair, "value");
      }
    }
    world->n_versions[i] = n_versions;
  }
  return world;
}

uint64_t conf_rightmost_ms(const struct conf_world *world)
{
  return world->timestamps[world->n - 1];
}

static enum kt_err ask_timestamp(void *ctx, uint64_t pos, uint64_t *ret_ms)
{
  struct conf_world *world = ctx;
  conf_require(world->c, pos < world->n && world->n_asked < CONF_ASKED_MAX, "an entry outside the log was asked for");
  world->asked[world->n_asked++] = pos;
  *ret_ms = world->timestamps[pos];
  return KT_OK;
}

static enum kt_err ask_series_begin(void *ctx, uint64_t pos)
{
  struct conf_world *world = ctx;
  conf_require(world->c, world->n_versions != NULL && world->n_series < UINT8_MAX, "a prefix proof was asked for");
  world->series[world->n_series] = (struct conf_series){ .pos = pos, .first = world->n_lookups };
  return KT_OK;
}

static enum kt_err ask_lookup(void *ctx, const struct kt_label_key *key, bool *ret_included)
{
  struct conf_world *world = ctx;
  struct conf_series *series = &world->series[world->n_series];
  conf_require(world->c, world->n_lookups < CONF_LOOKUPS_MAX, "too many lookups were asked for");
  *ret_included = key->version < world->n_versions[series->pos];
  world->lookups[world->n_lookups++] = (struct conf_lookup){ key->version, *ret_included };
  series->n++;
  return KT_OK;
}

/* Any value will do as a root, as long as an entry always has the same. */
static enum kt_err ask_series_end(void *ctx, struct kt_hash *ret_root)
{
  struct conf_world *world = ctx;
  kt_sha256(&world->series[world->n_series].pos, sizeof(uint64_t), ret_root);
  world->n_series++;
  return KT_OK;
}

static enum kt_err ask_more(void *ctx, uint64_t pos, bool *ret_more)
{
  (void)ctx;
  (void)pos;
  *ret_more = true;
  return KT_OK;
}

static const struct kt_view_feed ask_feed = {
  .timestamp = ask_timestamp,
  .series_begin = ask_series_begin,
  .lookup = ask_lookup,
  .series_end = ask_series_end,
  .more = ask_more,
};

static void retain(const struct conf_world *world, struct kt_view *view, uint64_t retained_size)
{
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  conf_require(world->c, retained_size <= world->n, "the advertised size is over the log's");
  view->retained_size = retained_size;
  size_t n = retained_size > 0 ? conf_naive_frontier(retained_size, frontier) : 0;
  for (size_t i = 0; i < n; i++) {
    conf_err(world->c, kt_view_retain(view, frontier[i], world->timestamps[frontier[i]], NULL), KT_OK,
             "retained entry");
  }
}

struct kt_view conf_view(struct conf_world *world, const struct kt_config *config, uint64_t retained_size)
{
  struct conf_case *c = world->c;
  struct kt_view view;
  kt_view_init(&view, config, world->n, &ask_feed, world, &c->arena, &c->reason);
  retain(world, &view, retained_size);
  return view;
}

static int compare_keys(const void *a, const void *b)
{
  uint32_t x = ((const struct kt_label_key *)a)->version;
  uint32_t y = ((const struct kt_label_key *)b)->version;
  return (x > y) - (x < y);
}

struct kt_label_keys conf_blank_keys(struct conf_case *c, const uint32_t *versions, size_t n)
{
  struct kt_label_keys keys = { .keys = conf_alloc(c, n, sizeof *keys.keys), .n = n };
  for (size_t i = 0; i < n; i++) {
    keys.keys[i].version = versions[i];
  }
  qsort(keys.keys, keys.n, sizeof *keys.keys, compare_keys);
  for (size_t i = 1; i < n; i++) {
    conf_require(c, keys.keys[i - 1].version != keys.keys[i].version, "a version is listed twice");
  }
  return keys;
}

/* Entries with an associated timestamp from `timestamps` but no root from `prefix_proofs`; their leaves are proven. */
static uint64_t *proven_leaves(struct conf_case *c, const struct kt_view *view, size_t *ret_n, size_t *ret_n_roots)
{
  uint64_t *leaves = conf_alloc(c, view->n_entries, sizeof *leaves);
  *ret_n = 0;
  *ret_n_roots = 0;
  for (size_t i = 0; i < view->n_entries; i++) {
    if (!view->entries[i].retained) {
      leaves[(*ret_n)++] = view->entries[i].pos;
      *ret_n_roots += view->entries[i].has_root ? 0 : 1;
    }
  }
  return leaves;
}

static void same_counts(struct conf_case *c, const struct kt_view *view, const struct kt_combined_proof *proof)
{
  size_t n_roots;
  struct kt_log_request request = { .size = view->size, .retained_size = view->retained_size };
  request.leaves = proven_leaves(c, view, &request.n_leaves, &n_roots);
  conf_same_u64(c, proof->n_prefix_roots, n_roots, "number of prefix_roots");
  struct kt_log_node *nodes;
  size_t n_nodes;
  conf_err(c, kt_log_copath(&request, &c->arena, &nodes, &n_nodes), KT_OK, "inclusion");
  conf_same_u64(c, proof->inclusion.n_elements, n_nodes, "number of inclusion elements");
}

void conf_same_trace(const struct conf_world *world, const struct kt_view *view, const struct kt_combined_proof *proof)
{
  struct conf_case *c = world->c;
  conf_same_u64(c, proof->n_timestamps, world->n_asked, "number of timestamps");
  for (size_t i = 0; i < world->n_asked; i++) {
    conf_same_u64(c, proof->timestamps[i], world->timestamps[world->asked[i]],
                  "timestamps, in the order of the algorithm");
  }
  conf_same_u64(c, proof->n_prefix_proofs, world->n_series, "number of prefix_proofs");
  for (size_t i = 0; i < world->n_series; i++) {
    const struct conf_series *series = &world->series[i];
    const struct kt_prefix_proof *prefix = &proof->prefix_proofs[i];
    conf_same_u64(c, prefix->n_results, series->n, "number of lookups in a prefix proof");
    for (size_t k = 0; k < series->n; k++) {
      bool included = prefix->results[k].type == KT_PREFIX_INCLUSION;
      conf_same_u64(c, included, world->lookups[series->first + k].included, "outcome of a lookup");
    }
  }
  same_counts(c, view, proof);
}

struct kt_replay *conf_replay(const struct conf_world *world, const struct kt_config *config, uint64_t retained_size,
                              const struct kt_combined_proof *proof, enum kt_err *ret_err)
{
  struct conf_case *c = world->c;
  struct kt_replay *replay = conf_alloc(c, 1, sizeof *replay);
  conf_err(c, kt_replay_init(replay, config, world->n, NULL, proof, &c->arena, &c->reason), KT_OK, "replay");
  retain(world, &replay->view, retained_size);
  *ret_err = kt_update_view(&replay->view);
  return replay;
}

enum kt_err conf_replay_end(const struct conf_world *world, struct kt_replay *replay, struct kt_hash *ret_root)
{
  const struct kt_view *view = &replay->view;
  const struct kt_combined_proof *proof = replay->proof;
  for (size_t i = 0; i < view->n_entries; i++) {
    if (view->entries[i].timestamp_ms != world->timestamps[view->entries[i].pos]) {
      return KT_ERR_PROOF;
    }
  }
  if (view->retained_size > 0) { /* without the retained heads: counts only */
    conf_same_u64(world->c, replay->next_timestamp, proof->n_timestamps, "consumed timestamps");
    conf_same_u64(world->c, replay->next_prefix_proof, proof->n_prefix_proofs, "consumed prefix_proofs");
    same_counts(world->c, view, proof);
    return KT_OK;
  }
  struct kt_log_known known;
  enum kt_err err = kt_replay_finish(replay, 0, &known);
  return err == KT_OK ? kt_log_known_root(&known, view->size, ret_root) : err;
}
