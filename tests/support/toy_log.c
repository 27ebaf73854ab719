/* SPDX-License-Identifier: Apache-2.0 */
#include "toy_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "prefix_insert.h"
#include "suite.h"
#include "toy_naive.h"
#include "toy_suite.h"
#include "wire/leaf.h"
#include "wire/tree_head.h"

static const uint8_t sign_seed[KT_SEED_LEN] = "toy log: signing key";
static const uint8_t vrf_seed[KT_SEED_LEN] = "toy log: VRF key";

const uint8_t *toy_log_sign_seed(void)
{
  return sign_seed;
}

const uint8_t *toy_log_vrf_seed(void)
{
  return vrf_seed;
}

struct kt_bytes toy_label(const char *label)
{
  return (struct kt_bytes){ (const uint8_t *)label, strlen(label) };
}

void toy_vrf_output(const char *label, uint32_t version, struct kt_hash *ret_output)
{
  uint8_t proof[KT_VRF_PROOF_MAX];
  toy_suite_prove(vrf_seed, toy_label(label), version, proof, ret_output);
}

/* --- where the recorder gets its data ---------------------------------------------------------------------------------- */

static enum kt_err source_entry(void *ctx, uint64_t pos, struct kt_record_entry *ret_entry)
{
  const struct toy_log *log = ctx;
  assert_true(pos < log->size);
  *ret_entry = (struct kt_record_entry){ .timestamp_ms = log->timestamps[pos], .prefix_root = log->prefix_roots[pos] };
  return KT_OK;
}

static enum kt_err source_log_node(void *ctx, struct kt_log_node node, struct kt_hash *ret_value)
{
  toy_naive_subtree(ctx, node.start, node.level, ret_value);
  return KT_OK;
}

static enum kt_err source_more(void *ctx, uint64_t pos, bool *ret_more)
{
  const struct toy_log *log = ctx;
  *ret_more = pos < log->owner_limit;
  return KT_OK;
}

static enum kt_err node_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  const struct toy_log *log = ctx;
  assert_true(ref > 0 && ref <= log->n_nodes);
  *ret_node = log->nodes[ref - 1];
  return KT_OK;
}

static enum kt_err node_put(void *ctx, const struct kt_prefix_node *node, uint64_t *ret_ref)
{
  struct toy_log *log = ctx;
  if (log->n_nodes == log->cap_nodes) {
    log->cap_nodes = log->cap_nodes == 0 ? 256 : 2 * log->cap_nodes;
    log->nodes = realloc(log->nodes, log->cap_nodes * sizeof *log->nodes);
    assert_non_null(log->nodes);
  }
  log->nodes[log->n_nodes++] = *node;
  *ret_ref = log->n_nodes;
  return KT_OK;
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

void toy_log_init(struct toy_log *log, const struct toy_params *params)
{
  memset(log, 0, sizeof *log);
  log->owner_limit = UINT64_MAX;
  log->config = (struct kt_config){
    .suite = toy_suite(),
    .mode = KT_MODE_CONTACT_MONITORING,
    .signature_public_key = toy_suite_sign_public(sign_seed),
    .vrf_public_key = toy_suite_vrf_public(vrf_seed),
    .max_ahead = params->max_ahead,
    .max_behind = params->max_behind,
    .reasonable_monitoring_window = params->window,
    .has_maximum_lifetime = params->lifetime > 0,
    .maximum_lifetime = params->lifetime,
  };
  log->prover_config = log->config;
  log->source = (struct kt_record_source){
    .ctx = log,
    .entry = source_entry,
    .log_node = source_log_node,
    .more = source_more,
    .prefix_nodes = { .ctx = log, .get = node_get },
  };
  switch (test_mode()) {
  case KT_MODE_CONTACT_MONITORING: break;
  case KT_MODE_THIRD_PARTY_AUDITING: toy_log_set_auditor(log, 0, UINT64_MAX, 0); break;
  case KT_MODE_THIRD_PARTY_MANAGEMENT: toy_log_set_manager(log); break;
  }
}

void toy_log_release(struct toy_log *log)
{
  free(log->nodes);
  memset(log, 0, sizeof *log);
}

void toy_log_sign_anything(struct toy_log *log)
{
  log->config.suite = toy_suite_sign_anything();
}

void toy_sign_head(struct toy_log *log, uint64_t size, uint8_t ret_signature[static KT_SIGNATURE_MAX])
{
  struct kt_hash root;
  if (!log->signed_heads[size]) {
    toy_naive_root(log, size, &root);
    const struct kt_sign_key key = test_sign_key(log->config.suite, sign_seed);
    assert_int_equal(kt_tree_head_sign(&log->config, &key, size, &root, log->signatures[size]), KT_OK);
    log->signed_heads[size] = true;
  }
  memcpy(ret_signature, log->signatures[size], KT_SIGNATURE_MAX);
}

/* --- the auditor ---------------------------------------------------------------------------------------------------------- */

const uint8_t *toy_auditor_seed(uint8_t auditor)
{
  static uint8_t seed[KT_SEED_LEN] = "toy log: auditor";
  seed[KT_SEED_LEN - 1] = auditor;
  return seed;
}

void toy_log_set_auditor(struct toy_log *log, uint8_t auditor, uint64_t max_lag, uint64_t start_pos)
{
  struct kt_config *config = &log->config;
  config->mode = KT_MODE_THIRD_PARTY_AUDITING;
  config->max_auditor_lag = max_lag;
  config->auditor_start_pos = start_pos;
  assert_int_equal(config->suite->sign_public(toy_auditor_seed(auditor), log->auditor_key), KT_OK);
  config->auditor_public_key = (struct kt_bytes){ log->auditor_key, config->suite->sign_public_len };
  log->prover_config = *config;
  log->auditor = auditor;
  log->auditor_size = UINT64_MAX;
  memset(log->signed_heads, 0, sizeof log->signed_heads); /* the configuration is under them */
}

struct kt_auditor_tree_head toy_auditor_head(struct toy_log *log, uint64_t size,
                                             uint8_t signature[static KT_SIGNATURE_MAX])
{
  struct kt_hash root;
  struct kt_auditor_tree_head head = { .tree_size = log->auditor_size < size ? log->auditor_size : size };
  head.timestamp = log->timestamps[head.tree_size - 1];
  head.signature = (struct kt_bytes){ signature, log->config.suite->signature_len };
  toy_naive_root(log, head.tree_size, &root);
  assert_int_equal(kt_auditor_tree_head_sign(&log->config, toy_auditor_seed(log->auditor), head.timestamp,
                                             head.tree_size, &root, signature),
                   KT_OK);
  return head;
}

/* --- the Service Operator ----------------------------------------------------------------------------------------------- */

static const uint8_t leaf_seed[KT_SEED_LEN] = "toy log: Service Operator";

const uint8_t *toy_leaf_seed(void)
{
  return leaf_seed;
}

void toy_log_set_manager(struct toy_log *log)
{
  struct kt_config *config = &log->config;
  config->mode = KT_MODE_THIRD_PARTY_MANAGEMENT;
  assert_int_equal(config->suite->sign_public(leaf_seed, log->leaf_key), KT_OK);
  config->leaf_public_key = (struct kt_bytes){ log->leaf_key, config->suite->sign_public_len };
  log->prover_config = *config;
  memset(log->signed_heads, 0, sizeof log->signed_heads); /* the configuration is under them */
}

struct kt_bytes toy_suffix(const struct toy_log *log, const struct toy_version *version)
{
  bool managed = log->config.mode == KT_MODE_THIRD_PARTY_MANAGEMENT && !version->skipped;
  return (struct kt_bytes){ version->signature, managed ? log->config.suite->signature_len : 0 };
}

/* --- content -------------------------------------------------------------------------------------------------------------- */

const struct toy_version *toy_version_find(const struct toy_log *log, const char *label, uint32_t version)
{
  for (size_t i = 0; i < log->n_versions; i++) {
    if (log->versions[i].version == version && strcmp(log->versions[i].label, label) == 0) {
      return &log->versions[i];
    }
  }
  return NULL;
}

bool toy_greatest_at(const struct toy_log *log, const char *label, uint64_t pos, uint32_t *ret_version)
{
  bool exists = false;
  for (size_t i = 0; i < log->n_versions; i++) {
    if (log->versions[i].pos <= pos && strcmp(log->versions[i].label, label) == 0) {
      *ret_version = log->versions[i].version; /* ascending */
      exists = true;
    }
  }
  return exists;
}

struct kt_bytes toy_version_value(const struct toy_version *version)
{
  return version->content.data != NULL ? version->content : toy_label(version->value);
}

/* The Service Operator's signature, and the commitment. */
static void commit(const struct toy_log *log, struct toy_version *version)
{
  const struct kt_bytes label = toy_label(version->label);
  struct kt_update_value value = { .value = toy_version_value(version) };
  if (log->config.mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    assert_int_equal(
        kt_update_value_sign(&log->config, leaf_seed, label, version->version, value.value, version->signature), KT_OK);
    value.signature = toy_suffix(log, version);
  }
  assert_int_equal(kt_commitment(&log->config, version->opening, label, version->version, &value, &version->commitment),
                   KT_OK);
}

/* content: without data, a version that is not skipped gets a text of its own. */
static const struct toy_version *new_version(struct toy_log *log, const char *label, bool skipped,
                                             struct kt_bytes content)
{
  uint32_t greatest;
  bool any = toy_greatest_at(log, label, UINT64_MAX, &greatest);
  assert_true(log->n_versions < TOY_VERSIONS_MAX);
  struct toy_version *version = &log->versions[log->n_versions++];
  *version = (struct toy_version){
    .label = label, .version = any ? greatest + 1 : 0, .pos = log->size, .content = content, .skipped = skipped
  };
  if (skipped) {
    return version;
  }
  memset(version->opening, (int)(0x40 + version->version), sizeof version->opening);
  version->opening[0] = log->salt;
  int len = snprintf(version->value, sizeof version->value, "%s/%u", label, (unsigned)version->version);
  assert_true(len > 0 && (size_t)len < sizeof version->value);
  commit(log, version);
  return version;
}

static int compare_leaves(const void *a, const void *b)
{
  return memcmp(a, b, KT_HASH_LEN);
}

void toy_log_insert(struct toy_log *log, struct kt_prefix_child root, const struct kt_prefix_leaf *leaves, size_t n,
                    struct kt_prefix_child *ret_root)
{
  const struct prefix_store store = { .nodes = log->source.prefix_nodes, .put = node_put };
  assert_int_equal(prefix_insert(&store, root, leaves, n, ret_root), KT_OK);
}

static void insert_leaves(struct toy_log *log, uint64_t pos, struct kt_prefix_child root, struct kt_prefix_leaf *leaves,
                          size_t n)
{
  qsort(leaves, n, sizeof *leaves, compare_leaves);
  toy_log_insert(log, root, leaves, n, &log->prefix_roots[pos]);
}

static struct kt_prefix_leaf padding_leaf(const struct toy_log *log, uint64_t pos)
{
  struct kt_prefix_leaf leaf;
  const uint8_t name[] = { 'p', 'a', 'd', log->salt, (uint8_t)pos };
  crypto_hash_sha256(leaf.vrf_output.b, name, sizeof name);
  memset(leaf.commitment.b, 0x77, sizeof leaf.commitment.b);
  return leaf;
}

static struct kt_prefix_leaf version_leaf(const struct toy_version *version)
{
  struct kt_prefix_leaf leaf = { .commitment = version->commitment };
  toy_vrf_output(version->label, version->version, &leaf.vrf_output);
  return leaf;
}

/* An entry with these leaves and a padding leaf; there is room for it. */
static void append_entry(struct toy_log *log, uint64_t timestamp_ms, struct kt_prefix_leaf *leaves, size_t n)
{
  const struct kt_prefix_child none = { 0 };
  assert_true(log->size < TOY_ENTRIES_MAX);
  leaves[n++] = padding_leaf(log, log->size);
  insert_leaves(log, log->size, log->size > 0 ? log->prefix_roots[log->size - 1] : none, leaves, n);
  log->timestamps[log->size++] = timestamp_ms;
}

void toy_log_append(struct toy_log *log, uint64_t timestamp_ms, const struct toy_add *adds, size_t n_adds)
{
  static struct kt_prefix_leaf leaves[TOY_VERSIONS_MAX + 1];
  size_t n = 0;
  for (size_t i = 0; i < n_adds; i++) {
    for (uint32_t k = 0; k < adds[i].count; k++) {
      leaves[n++] = version_leaf(new_version(log, adds[i].label, k < adds[i].skipped, (struct kt_bytes){ NULL, 0 }));
    }
  }
  append_entry(log, timestamp_ms, leaves, n);
}

void toy_log_append_value(struct toy_log *log, uint64_t timestamp_ms, const char *label, struct kt_bytes value)
{
  struct kt_prefix_leaf leaves[2] = { version_leaf(new_version(log, label, false, value)) };
  append_entry(log, timestamp_ms, leaves, 1);
}

static size_t collect(const struct toy_log *log, uint64_t ref, struct kt_prefix_leaf *leaves, size_t n)
{
  if (ref == 0) {
    return n;
  }
  const struct kt_prefix_node *node = &log->nodes[ref - 1];
  if (node->is_leaf) {
    leaves[n++] = node->leaf;
    return n;
  }
  n = collect(log, node->child[0].ref, leaves, n);
  return collect(log, node->child[1].ref, leaves, n);
}

size_t toy_log_leaves(const struct toy_log *log, uint64_t pos, struct kt_prefix_leaf *ret_leaves)
{
  return collect(log, log->prefix_roots[pos].ref, ret_leaves, 0);
}

void toy_log_tamper(struct toy_log *log, uint64_t pos, const struct kt_hash *remove, const struct kt_prefix_leaf *add)
{
  static struct kt_prefix_leaf leaves[TOY_LEAVES_MAX];
  size_t n = toy_log_leaves(log, pos, leaves);
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    if (remove == NULL || memcmp(leaves[i].vrf_output.b, remove->b, KT_HASH_LEN) != 0) {
      leaves[kept++] = leaves[i];
    }
  }
  if (add != NULL) {
    leaves[kept++] = *add;
  }
  insert_leaves(log, pos, (struct kt_prefix_child){ 0 }, leaves, kept);
  memset(log->signed_heads, 0, sizeof log->signed_heads);
}
