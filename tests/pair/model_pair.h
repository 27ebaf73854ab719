/* SPDX-License-Identifier: Apache-2.0 */
/* One log, kept twice: by the toy log, which answers with the library, and by the model. An operation goes through both;
 * the response is compared with the model's element by element, its length with the calculator's in every mode, and
 * what the verifier makes of it with the model's result.
 *
 * Signatures are not looked at here, so every one is 64 zero bytes. */
#ifndef KT_TESTS_MODEL_PAIR_H
#define KT_TESTS_MODEL_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "algo/algo.h"
#include "model/model.h"
#include "model_level.h"
#include "support/toy_suite.h"
#include "support/toy_user.h"
#include "wire/distinguished.h"
#include "wire/monitor.h"
#include "wire/search.h"
#include "wire/update.h"

#define MODEL_LABEL "alice"
#define MODEL_SIGNATURE_LEN 64
#define MODEL_ARENA_CAP ((size_t)16 << 20)

struct model_pair {
  struct toy_log toy;
  struct model_log model;
  struct toy_user user;
  struct model_run run;
  struct kt_known_version known[MODEL_KEYS_MAX];     /* all that a user can know of the label */
  struct kt_log_state states[MODEL_ENTRIES_MAX + 1]; /* what a user retains who saw the tree of that size last */
  bool managed;                                      /* third-party management */
  bool audited;   /* third-party auditing: every answer has an auditor's head, of a size that is drawn */
  uint64_t drawn; /* state of the drawing */
  unsigned long n_logs;
  unsigned long n_responses;
  unsigned long n_refused;
};

static const uint64_t model_pair_never = UINT64_C(1) << 40;

static inline uint64_t model_pair_random(uint64_t *seed, uint64_t below)
{
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (*seed >> 33) % below;
}

/* --- the two logs ------------------------------------------------------------------------------------------------------ */

static inline enum kt_err model_pair_sign(const struct kt_sign_key *key, struct kt_bytes message,
                                          uint8_t *ret_signature)
{
  (void)key;
  (void)message;
  memset(ret_signature, 0, MODEL_SIGNATURE_LEN);
  return KT_OK;
}

static inline enum kt_err model_pair_verify(struct kt_bytes public_key, struct kt_bytes message,
                                            struct kt_bytes signature)
{
  (void)public_key;
  (void)message;
  return signature.len == MODEL_SIGNATURE_LEN ? KT_OK : KT_ERR_PROOF;
}

static inline const struct kt_suite *model_pair_suite(void)
{
  static struct kt_suite suite;
  suite = *toy_suite();
  suite.sign = model_pair_sign;
  suite.verify = model_pair_verify;
  return &suite;
}

static inline struct model_value model_pair_value(const struct kt_hash *hash)
{
  struct model_value value;
  memcpy(value.b, hash->b, sizeof value.b);
  return value;
}

/* An empty log. */
static inline void model_pair_init(struct model_pair *pair)
{
  const struct toy_params params = { .max_ahead = 1000, .max_behind = 1000 };
  toy_log_init(&pair->toy, &params);
  pair->toy.config.suite = model_pair_suite();
  if (pair->audited) {
    toy_log_set_auditor(&pair->toy, 0, model_pair_never, 0);
  }
  if (pair->managed) {
    toy_log_set_manager(&pair->toy);
  }
  memset(&pair->model, 0, sizeof pair->model);
  toy_user_init(&pair->user, &pair->toy);
  for (uint32_t version = 0; version < MODEL_KEYS_MAX; version++) {
    struct kt_hash output;
    toy_vrf_output(MODEL_LABEL, version, &output);
    pair->model.keys[version] = model_pair_value(&output);
    pair->known[version] = (struct kt_known_version){ .version = version, .vrf_output = output };
  }
  pair->n_logs++;
}

static inline void model_pair_release(struct model_pair *pair)
{
  toy_user_release(&pair->user);
  toy_log_release(&pair->toy);
}

static inline bool model_pair_has_leaf(const struct model_log *model, const struct kt_hash *key)
{
  for (size_t i = 0; i < model->n_leaves; i++) {
    if (memcmp(model->leaves[i].key.b, key->b, MODEL_HASH_LEN) == 0) {
      return true;
    }
  }
  return false;
}

/* Whatever else the toy log put into its newest entry. */
static inline void model_pair_copy_leaves(struct model_pair *pair, uint64_t ref)
{
  const struct kt_prefix_node *node = &pair->toy.nodes[ref - 1];
  if (node->is_leaf && !model_pair_has_leaf(&pair->model, &node->leaf.vrf_output)) {
    struct model_value key = model_pair_value(&node->leaf.vrf_output);
    struct model_value commitment = model_pair_value(&node->leaf.commitment);
    model_log_add_leaf(&pair->model, &key, &commitment);
  }
  for (unsigned side = 0; !node->is_leaf && side < 2; side++) {
    if (node->child[side].ref != 0) {
      model_pair_copy_leaves(pair, node->child[side].ref);
    }
  }
}

/* What a user retains of the newest tree. */
static inline void model_pair_state(const struct model_log *log, struct kt_log_state *ret_state)
{
  struct model_node nodes[MODEL_ENTRIES_MAX];
  uint64_t frontier[MODEL_ENTRIES_MAX];
  struct model_value value;
  struct kt_tree_state *tree = &ret_state->tree;
  memset(ret_state, 0, sizeof *ret_state);
  ret_state->signature_len = MODEL_SIGNATURE_LEN;
  tree->size = log->size;
  tree->n_heads = model_full_subtrees(log->size, nodes);
  for (size_t i = 0; i < tree->n_heads; i++) {
    model_log_head(log->values, nodes[i], &value);
    memcpy(tree->heads[i].b, value.b, KT_HASH_LEN);
  }
  tree->n_frontier = model_frontier(log->size, frontier);
  for (size_t i = 0; i < tree->n_frontier; i++) {
    tree->frontier[i].pos = frontier[i];
    tree->frontier[i].timestamp_ms = log->timestamps[frontier[i]];
    memcpy(tree->frontier[i].prefix_root.b, log->prefix_roots[frontier[i]].b, KT_HASH_LEN);
  }
  model_root(log, log->size, &value);
  memcpy(ret_state->root.b, value.b, KT_HASH_LEN);
}

/* One entry, with the next n_new versions of the label, of which the first n_skipped have no value: "Skipped versions are
 * added to the prefix tree with an all-zero commitment value, and are given lower version counters". */
static inline void model_pair_append_skipping(struct model_pair *pair, uint64_t timestamp, uint32_t n_new,
                                              uint32_t n_skipped)
{
  static const struct model_value nothing;
  const struct toy_add add = { .label = MODEL_LABEL, .count = n_new, .skipped = n_skipped };
  toy_log_append(&pair->toy, timestamp, &add, 1);
  for (uint32_t i = 0; i < n_new; i++) {
    uint32_t version = (uint32_t)pair->model.n_versions;
    const struct kt_hash *commitment = &toy_version_find(&pair->toy, MODEL_LABEL, version)->commitment;
    struct model_value value = i < n_skipped ? nothing : model_pair_value(commitment);
    model_log_add_version(&pair->model, &value);
    pair->model.skipped[version] = i < n_skipped;
    pair->known[version].has_commitment = true;
    pair->known[version].commitment = *commitment;
  }
  model_pair_copy_leaves(pair, pair->toy.prefix_roots[pair->toy.size - 1].ref);
  model_log_close(&pair->model, timestamp);
  model_pair_state(&pair->model, &pair->states[pair->model.size]);
}

static inline void model_pair_append(struct model_pair *pair, uint64_t timestamp, uint32_t n_new)
{
  model_pair_append_skipping(pair, timestamp, n_new, 0);
}

/* lifetime 0: none. */
static inline void model_pair_configure(struct model_pair *pair, uint64_t window, uint64_t lifetime)
{
  pair->model.window = window;
  pair->model.lifetime = lifetime;
  pair->toy.config.reasonable_monitoring_window = window;
  pair->toy.config.has_maximum_lifetime = lifetime > 0;
  pair->toy.config.maximum_lifetime = lifetime;
  pair->toy.prover_config = pair->toy.config;
}

/* --- the user ------------------------------------------------------------------------------------------------------------ */

static inline void model_pair_assert_state(const struct model_pair *pair)
{
  const struct kt_tree_state *got = &pair->user.state.tree;
  const struct kt_log_state *state = &pair->states[pair->model.size];
  const struct kt_tree_state *want = &state->tree;
  assert_int_equal(got->size, want->size);
  assert_int_equal(got->n_heads, want->n_heads);
  assert_memory_equal(got->heads, want->heads, want->n_heads * sizeof want->heads[0]);
  assert_int_equal(got->n_frontier, want->n_frontier);
  assert_memory_equal(got->frontier, want->frontier, want->n_frontier * sizeof want->frontier[0]);
  assert_memory_equal(&pair->user.state.root, &state->root, KT_HASH_LEN);
}

/* Both sides at the beginning of a query by a user who saw `last` entries and knows whatever there is to know. */
static inline void model_pair_begin(struct model_pair *pair, uint64_t last)
{
  struct toy_user *user = &pair->user;
  toy_user_release(user);
  toy_user_init(user, &pair->toy);
  user->state = pair->states[last]; /* zero bytes for 0: nothing seen */
  if (pair->audited) {
    user->state.auditor_size = last;
    pair->toy.auditor_size = 1 + model_pair_random(&pair->drawn, pair->model.size);
  }
  user->contact = (struct kt_contact_state){ .known = pair->known, .n_known = MODEL_KEYS_MAX };
  user->owner.contact = user->contact;
  model_run_begin(&pair->run, &pair->model, pair->model.size, last);
}

/* The log's answer: the bytes are in user.response. */
static inline enum kt_err model_pair_ask(struct model_pair *pair, const struct toy_query *query)
{
  enum kt_err err = toy_ask(&pair->user, pair->model.size, query);
  pair->n_responses += err == KT_OK;
  pair->n_refused += err != KT_OK;
  return err;
}

static inline enum kt_err model_pair_check(struct model_pair *pair, const struct toy_query *query)
{
  uint64_t now_ms = pair->model.timestamps[pair->model.size - 1];
  return toy_verify(&pair->user, query, pair->user.response, now_ms);
}

/* --- element by element ------------------------------------------------------------------------------------------------------ */

static inline void model_pair_assert_prefix_proof(const struct kt_prefix_proof *got, const struct model_log *log,
                                                  const struct model_series *series)
{
  static struct model_prefix_proof want;
  struct model_value keys[MODEL_LADDER_MAX];
  for (size_t i = 0; i < series->n; i++) {
    assert_true(series->versions[i] < MODEL_KEYS_MAX);
    keys[i] = log->keys[series->versions[i]];
  }
  model_prefix_prove(log->leaves, model_leaves_at(log, series->pos), keys, series->n, &want);
  assert_int_equal(got->n_results, want.n_results);
  for (size_t i = 0; i < want.n_results; i++) {
    const struct model_result *result = &want.results[i];
    assert_int_equal(got->results[i].type, result->type);
    assert_int_equal(got->results[i].depth, result->depth);
    if (result->type == MODEL_NON_INCLUSION_LEAF) {
      assert_memory_equal(got->results[i].leaf.vrf_output.b, result->leaf->key.b, MODEL_HASH_LEN);
      assert_memory_equal(got->results[i].leaf.commitment.b, result->leaf->commitment.b, MODEL_HASH_LEN);
    }
  }
  assert_int_equal(got->n_elements, want.n_elements);
  assert_memory_equal(got->elements, want.elements, want.n_elements * MODEL_HASH_LEN);
}

/* After the operation; finishes the model's run. */
static inline void model_pair_assert_proof(struct model_pair *pair, const struct kt_combined_proof *got)
{
  struct model_run *run = &pair->run;
  const struct model_log *log = &pair->model;
  struct model_value value;
  model_run_finish(run, run->last < run->size ? pair->toy.auditor_size : 0);
  assert_int_equal(got->n_timestamps, run->n_timestamps);
  for (size_t i = 0; i < run->n_timestamps; i++) {
    assert_int_equal(got->timestamps[i], log->timestamps[run->timestamps[i]]);
  }
  assert_int_equal(got->n_prefix_proofs, run->n_series);
  for (size_t i = 0; i < run->n_series; i++) {
    model_pair_assert_prefix_proof(&got->prefix_proofs[i], log, &run->series[i]);
  }
  assert_int_equal(got->n_prefix_roots, run->n_prefix_roots);
  for (size_t i = 0; i < run->n_prefix_roots; i++) {
    assert_memory_equal(got->prefix_roots[i].b, log->prefix_roots[run->prefix_roots[i]].b, MODEL_HASH_LEN);
  }
  assert_int_equal(got->inclusion.n_elements, run->n_inclusion);
  for (size_t i = 0; i < run->n_inclusion; i++) {
    model_log_head(log->values, run->inclusion[i], &value);
    assert_memory_equal(got->inclusion.elements[i].b, value.b, MODEL_HASH_LEN);
  }
}

/* Whether a step has a commitment, and the right one. */
static inline void model_pair_assert_step(const struct model_pair *pair, const struct kt_ladder_step *step,
                                          uint32_t version, bool committed)
{
  assert_int_equal(step->has_commitment, committed);
  if (committed) {
    assert_memory_equal(&step->commitment, &pair->known[version].commitment, KT_HASH_LEN);
  }
}

/* --- lengths -------------------------------------------------------------------------------------------------------------------- */

#define MODEL_FORMATS 5

/* The toy log speaks one mode; the other modes, and another suite's proofs, are encoded from the same response. Format 0 is
 * the response as it was received. */
static inline void model_pair_format(const struct model_pair *pair, size_t i, struct model_format *ret_format,
                                     struct kt_config *ret_config)
{
  static const enum model_mode modes[MODEL_FORMATS] = { MODEL_CONTACT_MONITORING, MODEL_THIRD_PARTY_MANAGEMENT,
                                                        MODEL_THIRD_PARTY_AUDITING, MODEL_CONTACT_MONITORING,
                                                        MODEL_THIRD_PARTY_AUDITING };
  static struct kt_suite other_suite;
  *ret_config = pair->toy.config;
  if (i > 0) {
    ret_config->mode = (enum kt_mode)modes[i];
  }
  if (i >= 3) { /* "VRF.Np is 81" */
    other_suite = *ret_config->suite;
    other_suite.vrf_proof_len = 81;
    ret_config->suite = &other_suite;
  }
  *ret_format = (struct model_format){ .mode = (enum model_mode)ret_config->mode,
                                       .vrf_proof_len = i >= 3 ? 81 : 80,
                                       .signature_len = MODEL_SIGNATURE_LEN };
}

static const uint8_t model_pair_zeros[MODEL_SIGNATURE_LEN];

static inline struct kt_bytes model_pair_signature(void)
{
  return (struct kt_bytes){ model_pair_zeros, sizeof model_pair_zeros };
}

/* The signature that other modes have in the head. */
static inline void model_pair_complete_head(struct kt_full_tree_head *head)
{
  if (head->auditor_head.signature.len == 0) {
    head->auditor_head = (struct kt_auditor_tree_head){ .tree_size = 1, .signature = model_pair_signature() };
  }
}

/* The writer holds the response in format i. */
static inline void model_pair_assert_length(const struct model_pair *pair, size_t i, struct kt_writer *w, size_t size)
{
  assert_int_equal(w->err, KT_OK);
  assert_int_equal(w->len, size);
  if (i == 0) {
    assert_int_equal(pair->user.response.len, size);
    assert_memory_equal(w->buf, pair->user.response.data, size);
  }
  kt_writer_release(w);
}

/* --- which logs ------------------------------------------------------------------------------------------------------------------- */

typedef void (*model_pair_fn)(struct model_pair *pair);

/* All windows that make a difference over timestamps 10 apart, from 0 to never, each without a lifetime and with those
 * above it that make one. */
static inline void model_pair_configurations(struct model_pair *pair, model_pair_fn check)
{
  uint64_t size = pair->model.size;
  for (uint64_t w = 0; w <= size + 1; w++) {
    uint64_t window = w > size ? model_pair_never : 10 * w;
    model_pair_configure(pair, window, 0);
    check(pair);
    for (uint64_t expired = w + 1; expired <= size - 1; expired++) {
      model_pair_configure(pair, window, 10 * expired);
      check(pair);
    }
  }
}

/* All logs of exactly `size` entries that each add one of 0 … adds_max versions. */
static inline void model_pair_patterns(struct model_pair *pair, uint64_t size, uint32_t adds_max, model_pair_fn check)
{
  uint64_t n = 1;
  for (uint64_t i = 0; i < size; i++) {
    n *= adds_max + 1;
  }
  for (uint64_t pattern = 0; pattern < n; pattern++) {
    uint64_t rest = pattern;
    model_pair_init(pair);
    for (uint64_t pos = 0; pos < size; pos++) {
      model_pair_append(pair, 10 * (pos + 1), (uint32_t)(rest % (adds_max + 1)));
      rest /= adds_max + 1;
    }
    model_pair_configurations(pair, check);
    model_pair_release(pair);
  }
}

/* All logs of exactly `size` entries that each add no version, one, or one after 1 … skipped_max skipped ones. */
static inline void model_pair_skipping_patterns(struct model_pair *pair, uint64_t size, uint32_t skipped_max,
                                                model_pair_fn check)
{
  uint64_t n = 1;
  for (uint64_t i = 0; i < size; i++) {
    n *= skipped_max + 2;
  }
  for (uint64_t pattern = 0; pattern < n; pattern++) {
    uint64_t rest = pattern;
    model_pair_init(pair);
    for (uint64_t pos = 0; pos < size; pos++) {
      uint32_t choice = (uint32_t)(rest % (skipped_max + 2));
      rest /= skipped_max + 2;
      model_pair_append_skipping(pair, 10 * (pos + 1), choice, choice == 0 ? 0 : choice - 1);
    }
    model_pair_configurations(pair, check);
    model_pair_release(pair);
  }
}

/* Of all sizes up to size_max: plain; of a Service Operator who skipped versions; with an auditor behind the log, of any size. */
static inline void model_pair_all(struct model_pair *pair, uint64_t size_max, uint32_t adds_max, model_pair_fn check)
{
  for (uint64_t size = 1; size <= size_max; size++) {
    model_pair_patterns(pair, size, adds_max, check);
  }
}

static inline void model_pair_all_skipping(struct model_pair *pair, uint64_t size_max, uint32_t skipped_max,
                                           model_pair_fn check)
{
  pair->managed = true;
  for (uint64_t size = 1; size <= size_max; size++) {
    model_pair_skipping_patterns(pair, size, skipped_max, check);
  }
  pair->managed = false;
}

static inline void model_pair_all_audited(struct model_pair *pair, uint64_t size_max, uint32_t adds_max,
                                          model_pair_fn check)
{
  pair->audited = true;
  model_pair_all(pair, size_max, adds_max, check);
  pair->audited = false;
}

/* Larger logs, with equal timestamps and gaps, many versions at once, any window and lifetime; always the same ones. */
static inline void model_pair_random_logs(struct model_pair *pair, size_t n, uint64_t size_max, model_pair_fn check)
{
  uint64_t seed = 1;
  for (size_t i = 0; i < n; i++) {
    uint64_t size = 1 + model_pair_random(&seed, size_max);
    uint64_t timestamp = model_pair_random(&seed, 20);
    uint64_t most = 1 + model_pair_random(&seed, 4);
    model_pair_init(pair);
    for (uint64_t pos = 0; pos < size; pos++) {
      uint32_t n_new = (uint32_t)model_pair_random(&seed, most + 1);
      bool full = pair->model.n_versions + n_new >= MODEL_VERSIONS_MAX;
      timestamp += model_pair_random(&seed, 4) * model_pair_random(&seed, 6);
      model_pair_append(pair, timestamp, full || model_pair_random(&seed, 2) == 0 ? 0 : n_new);
    }
    uint64_t window = model_pair_random(&seed, 2 + timestamp);
    uint64_t lifetime = model_pair_random(&seed, 2) == 0 ? 0 : window + 1 + model_pair_random(&seed, 2 + timestamp / 2);
    model_pair_configure(pair, window, lifetime);
    check(pair);
    model_pair_release(pair);
  }
}

static inline void model_pair_report(const struct model_pair *pair)
{
  printf("%lu logs, %lu responses compared, %lu refusals compared\n", pair->n_logs, pair->n_responses, pair->n_refused);
}

#endif
