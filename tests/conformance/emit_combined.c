/* SPDX-License-Identifier: Apache-2.0 */
/* kt-conformance --emit: logs with one label, combined proofs of what an algorithm asks for, and how to break them. */
#include "emit.h"

#include <stdlib.h>
#include <string.h>

#include "view/record.h"
#include "wire/leaf.h"

#define START_MS UINT64_C(1700000000000)
#define DAY_MS UINT64_C(86400000)
#define WINDOW_MS (7 * DAY_MS) /* the form carries no configuration: seven days, no lifetime */

const struct emit_world emit_worlds[EMIT_WORLDS - 1] = {
  { "one-entry", 1, 1, { 1 } },
  { "version-per-entry", 7, 1, { 1, 1, 1, 1, 1, 1, 1 } },
  { "two-days-apart", 13, 2 * DAY_MS, { 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0 } },
  { "all-in-the-first", 5, 8 * DAY_MS, { 3 } },
  { "several-per-entry", 11, 3 * DAY_MS, { 2, 0, 3, 0, 0, 1, 0, 4, 0, 0, 1 } },
  { "close-together", 15, 1, { 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 2 } },
  { "newest-only", 8, DAY_MS, { 0, 0, 0, 0, 0, 0, 0, 4 } },
};

struct emit_world emit_world_at(struct emit *e, size_t index)
{
  if (index < EMIT_WORLDS - 1) {
    return emit_worlds[index];
  }
  struct emit_world world = { .name = "drawn", .size = 9 + emit_random(e, 12), .step_ms = DAY_MS / 2 };
  for (uint64_t pos = 0; pos < world.size; pos++) {
    world.adds[pos] = (uint8_t)(emit_random(e, 2) == 0 ? 0 : 1 + emit_random(e, 2));
  }
  world.adds[1] = 1;
  return world;
}

const struct emit_world *emit_world_named(struct emit *e, const char *name)
{
  for (size_t i = 0; i < EMIT_WORLDS - 1; i++) {
    if (strcmp(emit_worlds[i].name, name) == 0) {
      return &emit_worlds[i];
    }
  }
  conf_fail(&e->c, "no world is named %s", name);
}

const bool *emit_distinguished(const struct emit_log *log)
{
  return conf_naive_distinguished(&log->e->c, log->timestamps, log->size, WINDOW_MS);
}

/* --- the log -------------------------------------------------------------------------------------------------------------- */

static void make_keys(struct emit *e, struct emit_log *log)
{
  const struct kt_config config = { .suite = e->c.suite, .mode = KT_MODE_CONTACT_MONITORING };
  const struct kt_bytes label = { (const uint8_t *)EMIT_LABEL, sizeof EMIT_LABEL - 1 };
  struct kt_vrf_key vrf;
  conf_err(&e->c, e->c.suite->vrf_key_init(&vrf, emit_vrf_seed), KT_OK, "VRF key");
  for (uint32_t version = 0; version < EMIT_VERSIONS_MAX; version++) {
    uint8_t input[KT_VRF_INPUT_MAX];
    size_t len = kt_vrf_input(label, version, input);
    conf_err(&e->c, e->c.suite->vrf_output(&vrf, (struct kt_bytes){ input, len }, &log->keys[version]), KT_OK, "VRF");
    const struct kt_hash opening = emit_hash("opening", version, 0);
    const struct kt_hash key = emit_hash("device key", version, 0);
    const struct kt_update_value value = { .value = { key.b, sizeof key.b } };
    conf_err(&e->c, kt_commitment(&config, opening.b, label, version, &value, &log->commitments[version]), KT_OK,
             "commitment");
  }
}

struct emit_log *emit_log(struct emit *e, const struct emit_world *world, uint32_t without)
{
  struct emit_log *log = conf_alloc(&e->c, 1, sizeof *log);
  struct kt_prefix_child tree = { 0 };
  uint32_t version = 0;
  *log = (struct emit_log){ .e = e, .size = world->size };
  make_keys(e, log);
  for (uint64_t pos = 0; pos < world->size; pos++) {
    const struct kt_prefix_leaf other = { emit_hash("other key", pos, 0), emit_hash("other commitment", pos, 0) };
    tree = emit_tree(e, tree, &other, 1);
    for (uint8_t i = 0; i < world->adds[pos]; i++, version++) {
      const struct kt_prefix_leaf leaf = { log->keys[version], log->commitments[version] };
      tree = emit_tree(e, tree, &leaf, version == without ? 0 : 1);
    }
    log->trees[pos] = tree;
    log->n_versions[pos] = version;
    log->timestamps[pos] = START_MS + pos * world->step_ms;
  }
  return log;
}

/* Every version that a ladder for `greatest` or less may look up. */
static uint32_t listed_versions(uint32_t greatest)
{
  uint32_t ladder[KT_LADDER_MAX];
  size_t n = kt_ladder_base(greatest, ladder);
  uint32_t most = 0;
  for (size_t i = 0; i < n; i++) {
    most = ladder[i] > most ? ladder[i] : most;
  }
  return most + 1;
}

static json_t *keys_field(const struct emit_log *log, uint32_t greatest)
{
  struct emit *e = log->e;
  json_t *array = json_array();
  uint64_t exist = log->n_versions[log->size - 1];
  uint32_t n = listed_versions(greatest);
  n = exist > n ? (uint32_t)exist : n;
  conf_require(&e->c, n <= EMIT_VERSIONS_MAX, "too many versions");
  for (uint32_t version = 0; version < n; version++) {
    json_t *key = json_object();
    emit_set(e, key, "version", json_integer(version));
    emit_set(e, key, "vrf_output", emit_hex_hash(e, &log->keys[version]));
    if (version < exist) {
      emit_set(e, key, "commitment", emit_hex_hash(e, &log->commitments[version]));
    }
    json_array_append_new(array, key);
  }
  return array;
}

json_t *emit_log_fields(const struct emit_log *log, const char *kind, const char *keys, uint32_t greatest)
{
  json_t *fields = json_object();
  emit_set(log->e, fields, "kind", json_string(kind));
  emit_set(log->e, fields, "size", json_integer((json_int_t)log->size));
  emit_set(log->e, fields, "timestamps", emit_numbers(log->timestamps, log->size));
  emit_set(log->e, fields, keys, keys_field(log, greatest));
  return fields;
}

/* --- proofs ---------------------------------------------------------------------------------------------------------------- */

static struct kt_config make_config(const struct emit *e)
{
  return (struct kt_config){ .suite = e->c.suite, .reasonable_monitoring_window = WINDOW_MS };
}

static struct kt_label_keys make_label_keys(const struct emit_log *log)
{
  uint32_t versions[EMIT_VERSIONS_MAX];
  for (uint32_t version = 0; version < EMIT_VERSIONS_MAX; version++) {
    versions[version] = version;
  }
  struct kt_label_keys keys = conf_blank_keys(&log->e->c, versions, EMIT_VERSIONS_MAX);
  for (uint32_t version = 0; version < EMIT_VERSIONS_MAX; version++) {
    keys.keys[version].vrf_output = log->keys[version];
    keys.keys[version].has_commitment = true; /* what is not in a tree is not asked for it */
    keys.keys[version].commitment = log->commitments[version];
  }
  return keys;
}

struct conf_world *emit_trace(const struct emit_query *q, enum kt_err *ret_err)
{
  const struct kt_config config = make_config(q->e);
  struct conf_world *world = conf_world(&q->e->c, q->log->timestamps, q->log->size);
  world->n_versions = kt_arena_copy(&q->e->c.arena, q->log->n_versions, sizeof q->log->n_versions);
  conf_require(&q->e->c, world->n_versions != NULL, "out of memory");
  struct kt_label_keys keys = make_label_keys(q->log);
  struct kt_view view = conf_view(world, &config, 0);
  conf_err(&q->e->c, kt_update_view(&view), KT_OK, "updating the view");
  *ret_err = q->run(q, &view, &keys);
  return world;
}

static bool has_series(const struct conf_world *trace, uint64_t pos)
{
  for (size_t i = 0; i < trace->n_series; i++) {
    if (trace->series[i].pos == pos) {
      return true;
    }
  }
  return false;
}

static struct kt_hash log_node(const struct emit_log *log, struct kt_log_node node)
{
  struct kt_hash value;
  if (node.level == 0) {
    kt_log_entry_hash(log->timestamps[node.start], &log->trees[node.start].hash, &value);
    return value;
  }
  uint8_t level = node.level - 1;
  struct kt_hash left = log_node(log, (struct kt_log_node){ node.start, level });
  struct kt_hash right = log_node(log, (struct kt_log_node){ node.start + (UINT64_C(1) << level), level });
  kt_log_parent_hash(&left, level == 0, &right, level == 0, &value);
  return value;
}

static struct kt_prefix_proof prove_series(const struct emit_log *log, const struct conf_world *trace,
                                           const struct conf_series *series)
{
  struct kt_hash *keys = conf_alloc(&log->e->c, series->n + 1, sizeof *keys);
  for (size_t i = 0; i < series->n; i++) {
    keys[i] = log->keys[trace->lookups[series->first + i].version];
  }
  return emit_prove(log->e, log->trees[series->pos], keys, series->n);
}

static int compare_positions(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a;
  uint64_t y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

struct kt_combined_proof emit_combined(const struct emit_log *log, const struct conf_world *trace)
{
  struct conf_case *c = &log->e->c;
  uint64_t *timestamps = conf_alloc(c, trace->n_asked, sizeof *timestamps);
  uint64_t *leaves = conf_alloc(c, trace->n_asked, sizeof *leaves);
  struct kt_prefix_proof *proofs = conf_alloc(c, trace->n_series + 1, sizeof *proofs);
  struct kt_hash *roots = conf_alloc(c, trace->n_asked, sizeof *roots);
  size_t n_roots = 0;
  for (size_t i = 0; i < trace->n_asked; i++) {
    timestamps[i] = log->timestamps[trace->asked[i]];
    leaves[i] = trace->asked[i];
  }
  qsort(leaves, trace->n_asked, sizeof *leaves, compare_positions);
  for (size_t i = 0; i < trace->n_asked; i++) {
    if (!has_series(trace, leaves[i])) {
      roots[n_roots++] = log->trees[leaves[i]].hash;
    }
  }
  for (size_t i = 0; i < trace->n_series; i++) {
    proofs[i] = prove_series(log, trace, &trace->series[i]);
  }
  const struct kt_log_request request = { .size = log->size, .leaves = leaves, .n_leaves = trace->n_asked };
  struct kt_log_node *nodes;
  size_t n;
  conf_err(c, kt_log_copath(&request, &c->arena, &nodes, &n), KT_OK, "copath");
  struct kt_hash *elements = conf_alloc(c, n, sizeof *elements);
  for (size_t i = 0; i < n; i++) {
    elements[i] = log_node(log, nodes[i]);
  }
  return (struct kt_combined_proof){ .timestamps = timestamps,
                                     .n_timestamps = trace->n_asked,
                                     .prefix_proofs = proofs,
                                     .n_prefix_proofs = trace->n_series,
                                     .prefix_roots = roots,
                                     .n_prefix_roots = n_roots,
                                     .inclusion = { .elements = elements, .n_elements = n } };
}

struct kt_bytes emit_combined_encoding(struct emit *e, const struct kt_combined_proof *proof)
{
  struct kt_writer w = conf_writer(&e->c);
  kt_combined_proof_write(&w, proof);
  return conf_written(&e->c, &w);
}

/* --- what the log's recorder makes ------------------------------------------------------------------------------------------ */

static enum kt_err source_entry(void *ctx, uint64_t pos, struct kt_record_entry *ret_entry)
{
  const struct emit_log *log = ctx;
  *ret_entry = (struct kt_record_entry){ .timestamp_ms = log->timestamps[pos], .prefix_root = log->trees[pos] };
  return KT_OK;
}

static enum kt_err source_log_node(void *ctx, struct kt_log_node node, struct kt_hash *ret_value)
{
  *ret_value = log_node(ctx, node);
  return KT_OK;
}

static struct kt_bytes record(const struct emit_query *q)
{
  struct conf_case *c = &q->e->c;
  const struct kt_config config = make_config(q->e);
  const struct kt_record_source source = { .ctx = (void *)(uintptr_t)q->log,
                                           .entry = source_entry,
                                           .log_node = source_log_node,
                                           .prefix_nodes = q->e->store.nodes };
  struct kt_record *recorder = conf_alloc(c, 1, sizeof *recorder);
  struct kt_label_keys keys = make_label_keys(q->log);
  struct kt_combined_proof proof;
  conf_err(c, kt_record_init(recorder, &config, q->log->size, 0, &source, &c->arena, &c->reason), KT_OK, "recorder");
  conf_err(c, kt_update_view(&recorder->view), KT_OK, "updating the view");
  conf_err(c, q->run(q, &recorder->view, &keys), KT_OK, q->name);
  conf_err(c, kt_record_finish(recorder, 0, &proof), KT_OK, "finishing the proof");
  return emit_combined_encoding(q->e, &proof);
}

struct conf_world *emit_honest(const struct emit_query *q)
{
  enum kt_err err;
  struct conf_world *trace = emit_trace(q, &err);
  conf_err(&q->e->c, err, KT_OK, q->name);
  struct kt_combined_proof proof = emit_combined(q->log, trace);
  struct kt_bytes encoded = record(q);
  conf_same_bytes(&q->e->c, emit_combined_encoding(q->e, &proof), encoded, "proof of the recorder");
  emit_set(q->e, q->fields, "proof", emit_hex(q->e, encoded));
  emit_accept(q->e, q->fields, q->name);
  return trace;
}

/* --- broken in every way that any combined proof can be ----------------------------------------------------------------------- */

void emit_reject_proof(const struct emit_query *q, const struct kt_combined_proof *proof, const char *rule,
                       const char *how)
{
  struct kt_bytes encoded = emit_combined_encoding(q->e, proof);
  emit_reject_field(q->e, q->fields, q->name, rule, how, "proof", emit_hex(q->e, encoded));
}

static void reject_timestamps(const struct emit_query *q, const struct kt_combined_proof *honest)
{
  struct kt_combined_proof proof = *honest;
  uint64_t *timestamps = conf_alloc(&q->e->c, proof.n_timestamps + 1, sizeof *timestamps);
  memcpy(timestamps, proof.timestamps, proof.n_timestamps * sizeof *timestamps);
  timestamps[proof.n_timestamps] = q->log->timestamps[q->log->size - 1] + 1;
  proof.timestamps = timestamps;
  proof.n_timestamps++;
  emit_reject_proof(q, &proof, "R56", "timestamp-surplus");
  proof.n_timestamps -= 2;
  emit_reject_proof(q, &proof, "R56", "timestamp-missing");
}

/* A log whose clock went backwards: the second entry of the view's update is older than the first. */
static void reject_backdated(const struct emit_query *q, const struct conf_world *trace,
                             const struct kt_combined_proof *honest)
{
  if (trace->n_asked < 2 || trace->asked[1] < trace->asked[0]) {
    return;
  }
  struct kt_combined_proof proof = *honest;
  uint64_t *timestamps = conf_alloc(&q->e->c, proof.n_timestamps, sizeof *timestamps);
  uint64_t all[EMIT_ENTRIES_MAX];
  memcpy(timestamps, proof.timestamps, proof.n_timestamps * sizeof *timestamps);
  memcpy(all, q->log->timestamps, sizeof all);
  timestamps[1] = timestamps[0] - 1;
  all[trace->asked[1]] = timestamps[1];
  proof.timestamps = timestamps;
  json_t *fields = json_copy(q->fields);
  emit_set(q->e, fields, "timestamps", emit_numbers(all, q->log->size));
  emit_set(q->e, fields, "proof", emit_hex(q->e, emit_combined_encoding(q->e, &proof)));
  emit_reject(q->e, fields, q->name, "R8", "timestamp-below-one-to-its-left");
  json_decref(fields);
}

static void reject_prefix_proofs(const struct emit_query *q, const struct kt_combined_proof *honest)
{
  struct kt_combined_proof proof = *honest;
  size_t n = honest->n_prefix_proofs;
  struct kt_prefix_proof *proofs = conf_alloc(&q->e->c, n + 1, sizeof *proofs);
  memcpy(proofs, honest->prefix_proofs, n * sizeof *proofs);
  proof.prefix_proofs = proofs;
  if (n > 0) {
    proofs[n] = proofs[n - 1];
    proof.n_prefix_proofs = n + 1;
    emit_reject_proof(q, &proof, "R56", "prefix-proof-surplus");
    proof.n_prefix_proofs = n - 1;
    emit_reject_proof(q, &proof, "R56", "prefix-proof-missing");
  }
}

static void reject_roots_and_elements(const struct emit_query *q, const struct kt_combined_proof *honest)
{
  struct kt_combined_proof proof = *honest;
  struct kt_hash *roots = emit_elements(q->e, honest->prefix_roots, honest->n_prefix_roots, 1);
  roots[proof.n_prefix_roots++] = q->log->trees[0].hash;
  proof.prefix_roots = roots;
  emit_reject_proof(q, &proof, "R56", "prefix-root-surplus");
  if (honest->n_prefix_roots > 0) {
    proof.n_prefix_roots -= 2;
    emit_reject_proof(q, &proof, "R56", "prefix-root-missing");
  }
  proof = *honest;
  struct kt_hash *elements = emit_elements(q->e, honest->inclusion.elements, honest->inclusion.n_elements, 1);
  elements[proof.inclusion.n_elements++] = q->log->trees[0].hash;
  proof.inclusion.elements = elements;
  emit_reject_proof(q, &proof, "R47", "element-surplus");
  if (honest->inclusion.n_elements > 0) {
    proof.inclusion.n_elements -= 2;
    emit_reject_proof(q, &proof, "R47", "element-missing");
  }
}

/* The lookups of the last series changed, and proven as they are then. */
static void reject_lookups(const struct emit_query *q, const struct conf_world *trace)
{
  if (trace->n_series == 0) {
    return;
  }
  struct conf_world *changed = conf_alloc(&q->e->c, 1, sizeof *changed);
  *changed = *trace;
  struct conf_series *last = &changed->series[changed->n_series - 1];
  changed->lookups[changed->n_lookups].version = EMIT_VERSIONS_MAX - 1; /* in no ladder */
  last->n++;
  struct kt_combined_proof proof = emit_combined(q->log, changed);
  emit_reject_proof(q, &proof, "R19", "lookup-surplus");
  if (last->n >= 2) {
    last->n -= 2;
    proof = emit_combined(q->log, changed);
    emit_reject_proof(q, &proof, q->map.n > 0 ? "R27" : "R19", "lookup-missing");
  }
}

/* A second proof from one entry, out of another tree. */
static void reject_second_root(const struct emit_query *q, const struct conf_world *trace,
                               const struct kt_combined_proof *honest)
{
  for (size_t i = 1; i < trace->n_series; i++) {
    bool again = false;
    for (size_t k = 0; k < i; k++) {
      again = again || trace->series[k].pos == trace->series[i].pos;
    }
    if (again && honest->prefix_proofs[i].n_elements > 0) {
      struct kt_combined_proof proof = *honest;
      struct kt_prefix_proof *proofs = conf_alloc(&q->e->c, trace->n_series, sizeof *proofs);
      memcpy(proofs, honest->prefix_proofs, trace->n_series * sizeof *proofs);
      struct kt_hash *elements = emit_elements(q->e, proofs[i].elements, proofs[i].n_elements, 0);
      elements[0] = emit_flipped(elements[0]);
      proofs[i].elements = elements;
      proof.prefix_proofs = proofs;
      emit_reject_proof(q, &proof, "R57", "second-proof-of-another-tree");
      return;
    }
  }
}

/* Without the commitment of a version that some lookup shows included. */
static void reject_commitment(const struct emit_query *q, const struct conf_world *trace)
{
  for (size_t i = 0; i < trace->n_lookups; i++) {
    if (trace->lookups[i].included) {
      json_t *keys = json_deep_copy(json_object_get(q->fields, q->keys));
      json_object_del(json_array_get(keys, trace->lookups[i].version), "commitment");
      emit_reject_field(q->e, q->fields, q->name, "R52", "commitment-missing", q->keys, keys);
      return;
    }
  }
}

void emit_break_combined(const struct emit_query *q, const struct conf_world *trace)
{
  struct kt_combined_proof honest = emit_combined(q->log, trace);
  struct kt_bytes encoded = emit_combined_encoding(q->e, &honest);
  size_t first_type = 1 + honest.n_timestamps * sizeof(uint64_t) + 1 + 1; /* the three counts before it */
  emit_reject_encodings(q->e, q->fields, q->name, "proof", encoded, honest.n_prefix_proofs > 0 ? first_type : 0);
  reject_timestamps(q, &honest);
  reject_backdated(q, trace, &honest);
  reject_prefix_proofs(q, &honest);
  reject_roots_and_elements(q, &honest);
  reject_lookups(q, trace);
  reject_second_root(q, trace, &honest);
  reject_commitment(q, trace);
}
