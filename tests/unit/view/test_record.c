/* SPDX-License-Identifier: Apache-2.0 */
/* What a log records for a proof, at the bounds of the draft's vectors: `timestamps<0..2^8-1>`, `prefix_proofs<0..2^8-1>`,
 * `results<0..2^8-1>`. One more is an error and not a proof that lacks it. And with too little memory, at each step. */
#include "view/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <kt/config.h>

#include "view/replay.h"

#define SIZE 400 /* entries; every prefix tree is empty */
#define LENGTH_MAX 255

static enum kt_err get_entry(void *ctx, uint64_t pos, struct kt_record_entry *ret_entry)
{
  (void)ctx;
  *ret_entry = (struct kt_record_entry){ .timestamp_ms = 1000 + pos };
  return KT_OK;
}

static enum kt_err get_log_node(void *ctx, struct kt_log_node node, struct kt_hash *ret_value)
{
  (void)ctx;
  memset(ret_value->b, (int)(node.start + node.level), sizeof ret_value->b);
  return KT_OK;
}

static enum kt_err get_prefix_node(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  (void)ctx;
  (void)ref;
  (void)ret_node;
  return KT_ERR_STORE;
}

static const struct kt_record_source source = { .entry = get_entry,
                                                .log_node = get_log_node,
                                                .prefix_nodes = { .get = get_prefix_node } };
static const struct kt_config config = { .max_ahead = 1 };

struct scene {
  struct kt_arena arena;
  struct kt_reason reason;
  struct kt_record record;
};

static int begin(void **state)
{
  static struct scene scene;
  memset(&scene, 0, sizeof scene);
  kt_arena_init(&scene.arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_record_init(&scene.record, &config, SIZE, 0, &source, &scene.arena, &scene.reason), KT_OK);
  *state = &scene;
  return 0;
}

static int end(void **state)
{
  struct scene *s = *state;
  kt_arena_release(&s->arena);
  return 0;
}

static void test_255_timestamps(void **state)
{
  struct scene *s = *state;
  uint64_t ms = 0;
  for (uint64_t pos = 0; pos < LENGTH_MAX; pos++) {
    assert_int_equal(kt_view_timestamp(&s->record.view, pos, &ms), KT_OK);
    assert_int_equal(ms, 1000 + pos);
  }
  assert_int_equal(kt_view_timestamp(&s->record.view, 7, &ms), KT_OK); /* remembered, not recorded again */
  assert_int_equal(s->record.n_timestamps, LENGTH_MAX);
  assert_int_equal(kt_view_timestamp(&s->record.view, LENGTH_MAX, &ms), KT_ERR_LIMIT);
  assert_string_equal(s->reason.code, "proof-size");
  assert_int_equal(s->record.n_timestamps, LENGTH_MAX);
}

static void test_255_prefix_proofs(void **state)
{
  struct scene *s = *state;
  for (uint64_t i = 0; i < LENGTH_MAX; i++) {
    assert_int_equal(kt_view_series_begin(&s->record.view, i % 10), KT_OK);
    assert_int_equal(kt_view_series_end(&s->record.view), KT_OK);
  }
  assert_int_equal(s->record.n_prefix_proofs, LENGTH_MAX);
  assert_int_equal(kt_view_series_begin(&s->record.view, 3), KT_ERR_LIMIT);
  assert_string_equal(s->reason.code, "proof-size");
}

static void test_255_results_in_one_proof(void **state)
{
  struct scene *s = *state;
  static struct kt_label_key keys[LENGTH_MAX + 1];
  const size_t n = sizeof keys / sizeof keys[0];
  struct kt_label_keys all = { keys, n };
  bool included = true;
  for (uint32_t i = 0; i < n; i++) {
    keys[i].version = i;
    keys[i].vrf_output.b[0] = (uint8_t)i;
  }
  assert_int_equal(kt_view_series_begin(&s->record.view, 3), KT_OK);
  for (uint32_t i = 0; i < LENGTH_MAX; i++) {
    assert_int_equal(kt_view_lookup(&s->record.view, &all, i, &included), KT_OK);
    assert_false(included);
  }
  assert_int_equal(kt_view_lookup(&s->record.view, &all, LENGTH_MAX, &included), KT_ERR_LIMIT);
  assert_string_equal(s->reason.code, "proof-size");
}

static void test_a_log_that_never_stops_early(void **state)
{
  struct scene *s = *state;
  bool more = false;
  assert_int_equal(kt_view_more(&s->record.view, 7, &more), KT_OK);
  assert_true(more);
}

/* The view has room for a proof and the retained frontier; a feed that gives more is refused. */
static void test_more_entries_than_a_view_holds(void **state)
{
  struct scene *s = *state;
  const struct kt_hash root = { { 1 } };
  uint64_t pos = 0;
  while (pos < KT_VIEW_ENTRIES_MAX) {
    assert_int_equal(kt_view_retain(&s->record.view, pos, 1000, &root), KT_OK);
    pos++;
  }
  assert_int_equal(kt_view_retain(&s->record.view, pos, 1000, &root), KT_ERR_LIMIT);
  assert_string_equal(s->reason.code, "timestamps");
}

/* Memory for ever more of the work: nothing is half done. */
static void test_each_want_of_memory(void **state)
{
  static struct kt_record record;
  size_t n_refused = 0;
  enum kt_err err = KT_ERR_MEMORY;
  (void)state;
  for (size_t cap = 64; err == KT_ERR_MEMORY && cap < ((size_t)1 << 24); cap += cap / 8) {
    struct kt_combined_proof proof = { .n_timestamps = 999 };
    struct kt_arena arena;
    uint64_t ms;
    kt_arena_init(&arena, cap);
    err = kt_record_init(&record, &config, SIZE, 0, &source, &arena, NULL);
    for (uint64_t pos = 0; err == KT_OK && pos < 3; pos++) {
      err = kt_view_timestamp(&record.view, 13 * pos, &ms);
    }
    err = err == KT_OK ? kt_record_finish(&record, 0, &proof) : err;
    assert_true(err == KT_OK || err == KT_ERR_MEMORY);
    assert_int_equal(proof.n_timestamps, err == KT_OK ? 3 : 999);
    n_refused += err == KT_ERR_MEMORY ? 1 : 0;
    kt_arena_release(&arena);
  }
  assert_int_equal(err, KT_OK);
  assert_true(n_refused > 3);
}

/* --- what a replay established ------------------------------------------------------------------------------------------ */

static void test_a_state_that_does_not_follow(void **state)
{
  struct scene *s = *state;
  struct kt_replay *replay = kt_arena_alloc(&s->arena, 1, sizeof *replay);
  const struct kt_combined_proof proof = { .n_timestamps = 0 };
  struct kt_log_node node = { .start = 0, .level = 0 };
  struct kt_hash value = { { 1 } };
  struct kt_log_known known = { .n = 0 };
  struct kt_tree_state tree = { .size = 999 };
  assert_int_equal(kt_replay_init(replay, &config, 1, NULL, &proof, &s->arena, &s->reason), KT_OK);
  assert_int_equal(kt_replay_state(replay, &known, &tree), KT_ERR_PROOF);
  assert_string_equal(s->reason.code, "full-subtrees");
  s->reason = (struct kt_reason){ .code = NULL };
  known = (struct kt_log_known){ &node, &value, 1 };
  assert_int_equal(kt_replay_state(replay, &known, &tree), KT_ERR_PROOF);
  assert_string_equal(s->reason.code, "frontier");
  assert_int_equal(tree.size, 999);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_255_timestamps, begin, end),
    cmocka_unit_test_setup_teardown(test_255_prefix_proofs, begin, end),
    cmocka_unit_test_setup_teardown(test_255_results_in_one_proof, begin, end),
    cmocka_unit_test_setup_teardown(test_a_log_that_never_stops_early, begin, end),
    cmocka_unit_test_setup_teardown(test_more_entries_than_a_view_holds, begin, end),
    cmocka_unit_test(test_each_want_of_memory),
    cmocka_unit_test_setup_teardown(test_a_state_that_does_not_follow, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
