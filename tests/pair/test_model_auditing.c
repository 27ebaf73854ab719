/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs in third-party auditing mode against the model: the inclusion part also leads to the root at the auditor's size.
 *   Searches: all logs of up to 4 entries (level 2: 6; level 3: 7) that each add 0 or 1 version, for the greatest version;
 *             every window that makes a difference, every advertised size, every auditor's size.
 *   Walks:    all logs of up to 8 entries (level 2: 16; level 3: 24), likewise. */
#include "model_pair.h"

#include "view/replay.h"

static struct model_pair pair;

typedef enum kt_err (*algorithm)(struct kt_view *view, struct kt_label_keys *keys);

static uint32_t greatest_version(void)
{
  int64_t greatest = model_greatest_at(&pair.model, pair.model.size - 1);
  return greatest < 0 ? 0 : (uint32_t)greatest;
}

static enum kt_err search(struct kt_view *view, struct kt_label_keys *keys)
{
  struct kt_found found;
  enum kt_err err = kt_greatest_search(view, keys, greatest_version(), true, &found);
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

static enum kt_err walk(struct kt_view *view, struct kt_label_keys *keys)
{
  uint64_t positions[KT_RECENT_MAX];
  size_t n;
  (void)keys;
  return kt_walk_distinguished(view, NULL, positions, &n);
}

static struct kt_label_keys make_keys(void)
{
  struct kt_label_keys keys = { .keys = kt_arena_alloc(&pair.user.arena, MODEL_KEYS_MAX, sizeof *keys.keys),
                                .n = MODEL_KEYS_MAX };
  assert_non_null(keys.keys);
  for (uint32_t version = 0; version < MODEL_KEYS_MAX; version++) {
    const struct kt_known_version *known = &pair.known[version];
    keys.keys[version] = (struct kt_label_key){ .version = version,
                                                .vrf_output = known->vrf_output,
                                                .has_commitment = known->has_commitment,
                                                .commitment = known->commitment };
  }
  return keys;
}

static struct kt_combined_proof record(uint64_t last, uint64_t auditor, algorithm run)
{
  static struct kt_record record;
  struct kt_label_keys keys = make_keys();
  struct kt_combined_proof proof;
  assert_int_equal(
      kt_record_init(&record, &pair.toy.config, pair.model.size, last, &pair.toy.source, &pair.user.arena, NULL),
      KT_OK);
  assert_int_equal(kt_update_view(&record.view), KT_OK);
  assert_int_equal(run(&record.view, &keys), KT_OK);
  assert_int_equal(kt_record_finish(&record, auditor, &proof), KT_OK);
  pair.n_responses++;
  return proof;
}

/* What the auditor's size changes; the rest of a proof is compared wherever there is no auditor. */
static void assert_inclusion(const struct kt_combined_proof *got)
{
  const struct model_run *run = &pair.run;
  assert_int_equal(got->n_timestamps, run->n_timestamps);
  assert_int_equal(got->n_prefix_proofs, run->n_series);
  assert_int_equal(got->n_prefix_roots, run->n_prefix_roots);
  assert_int_equal(got->inclusion.n_elements, run->n_inclusion);
  for (size_t i = 0; i < run->n_inclusion; i++) {
    struct model_value value;
    model_log_head(pair.model.values, run->inclusion[i], &value);
    assert_memory_equal(got->inclusion.elements[i].b, value.b, MODEL_HASH_LEN);
  }
}

/* Both roots are the model's, and the state to retain is that of a log without an auditor. */
static void replay(uint64_t last, uint64_t auditor, algorithm run, const struct kt_combined_proof *proof)
{
  static struct kt_replay replay;
  struct kt_label_keys keys = make_keys();
  struct kt_log_known known;
  struct kt_hash root;
  struct model_value want;
  assert_int_equal(kt_replay_init(&replay, &pair.toy.config, pair.model.size, &pair.states[last].tree, proof,
                                  &pair.user.arena, NULL),
                   KT_OK);
  assert_int_equal(kt_update_view(&replay.view), KT_OK);
  assert_int_equal(run(&replay.view, &keys), KT_OK);
  assert_int_equal(kt_replay_finish(&replay, auditor, &known), KT_OK);
  assert_int_equal(kt_log_known_root(&known, auditor, &root), KT_OK);
  model_root(&pair.model, auditor, &want);
  assert_memory_equal(root.b, want.b, MODEL_HASH_LEN);
  assert_int_equal(kt_replay_state(&replay, &known, &pair.user.state.tree), KT_OK);
  kt_log_root(pair.model.size, pair.user.state.tree.heads, &pair.user.state.root);
  model_pair_assert_state(&pair);
}

static struct kt_full_tree_head make_head(void)
{
  struct kt_full_tree_head head = { .type = KT_HEAD_UPDATED };
  head.tree_head = (struct kt_tree_head){ .tree_size = pair.model.size, .signature = model_pair_signature() };
  model_pair_complete_head(&head);
  return head;
}

/* Format 2 is that of this mode, format 4 with another suite's VRF proofs. */
static void assert_walk_lengths(const struct kt_combined_proof *proof)
{
  for (size_t i = 2; i < MODEL_FORMATS; i += 2) {
    const struct kt_distinguished_response response = { .full_tree_head = make_head(), .distinguished = *proof };
    struct model_format format;
    struct kt_config config;
    struct kt_writer w;
    model_pair_format(&pair, i, &format, &config);
    kt_writer_init(&w, MODEL_ARENA_CAP);
    kt_distinguished_response_write(&w, &config, &response);
    model_pair_assert_length(&pair, i, &w, model_distinguished_size(&pair.run, &format));
  }
}

static void assert_search_lengths(const struct kt_combined_proof *proof)
{
  static const uint8_t zeros[KT_VRF_PROOF_MAX];
  struct kt_ladder_step steps[MODEL_LADDER_MAX] = { 0 };
  uint32_t ladder[MODEL_LADDER_MAX];
  int64_t greatest = model_greatest_at(&pair.model, pair.model.size - 1);
  size_t n = model_ladder(greatest, ladder);
  for (size_t k = 0; k < n; k++) {
    steps[k].proof = zeros;
    steps[k].has_commitment = (int64_t)ladder[k] < greatest;
  }
  for (size_t i = 2; i < MODEL_FORMATS; i += 2) {
    const struct kt_search_response response = { .full_tree_head = make_head(),
                                                 .version = greatest_version(),
                                                 .opening = zeros,
                                                 .value = { .value = toy_label("value") },
                                                 .binary_ladder = steps,
                                                 .n_ladder = n,
                                                 .search = *proof };
    struct model_format format;
    struct kt_config config;
    struct kt_writer w;
    model_pair_format(&pair, i, &format, &config);
    kt_writer_init(&w, MODEL_ARENA_CAP);
    kt_search_response_write(&w, &config, false, &response);
    model_pair_assert_length(&pair, i, &w, model_search_size(&pair.run, &format, greatest, false, strlen("value")));
  }
}

/* Where nothing changed since `last`, there is no auditor's head. */
static void compare(struct model_pair *p, bool searching)
{
  for (uint64_t last = 0; last < p->model.size; last++) {
    for (uint64_t auditor = 1; auditor <= p->model.size; auditor++) {
      struct model_found found;
      uint64_t positions[MODEL_ENTRIES_MAX];
      model_pair_begin(p, last);
      if (searching) {
        (void)model_greatest_search(&p->run, &found);
      } else {
        (void)model_walk(&p->run, MODEL_NONE, KT_RECENT_MAX, positions);
      }
      model_run_finish(&p->run, auditor);
      const struct kt_combined_proof proof = record(last, auditor, searching ? search : walk);
      assert_inclusion(&proof);
      replay(last, auditor, searching ? search : walk, &proof);
      if (searching) {
        assert_search_lengths(&proof);
      } else {
        assert_walk_lengths(&proof);
      }
    }
  }
}

static void compare_searches(struct model_pair *p)
{
  compare(p, true);
}

static void compare_walks(struct model_pair *p)
{
  compare(p, false);
}

static void searches_in_all_small_logs(void **state)
{
  (void)state;
  model_pair_all(&pair, model_up_to(4, 6, 7), 1, compare_searches);
}

static void walks_in_all_small_logs(void **state)
{
  (void)state;
  model_pair_all(&pair, model_up_to(8, 16, 24), 0, compare_walks);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(searches_in_all_small_logs),
    cmocka_unit_test(walks_in_all_small_logs),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  model_pair_report(&pair);
  return failed;
}
