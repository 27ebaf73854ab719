/* SPDX-License-Identifier: Apache-2.0 */
/* An auditor who follows a log entry by entry: the draft's steps. */
#include "audit_test.h"

/* --- following a log ------------------------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return *seed >> 33;
}

static void a_growing_log_is_followed(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state = { .size = 0 };
  struct kt_reason reason;
  static struct made_update made;
  uint64_t seed = 1;
  uint64_t now = 0;
  unsigned fresh = 0;
  (void)cmocka;
  log = (struct naive_log){ .size = 0 };
  while (log.size < ENTRIES_MAX) {
    struct kt_prefix_leaf added[CHANGE_MAX];
    struct kt_prefix_leaf removed[CHANGE_MAX];
    size_t n_removed = 0;
    size_t n_added = 1 + next_random(&seed) % 2;
    for (size_t i = 0; i < n_added; i++) {
      added[i] = leaf_of(fresh++, 1);
    }
    if (log.leaves.n > 0 && next_random(&seed) % 3 == 0) { /* a leaf is replaced: its key is in both lists */
      removed[n_removed++] = log.leaves.at[next_random(&seed) % log.leaves.n];
      added[n_added] = removed[0];
      added[n_added++].commitment.b[0]++;
    }
    now += next_random(&seed) % 3 * 10; /* equal timestamps are allowed */
    make_update(&log, now, added, n_added, removed, n_removed, &made);
    assert_int_equal(step(&state, &made, &state, &reason), KT_OK);
    naive_apply(&log, &made.update);
    assert_state_fits(&state, &log);
  }
}

static void leaves_are_removed_down_to_none(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  struct kt_reason reason;
  (void)cmocka;
  grow(&log, &state, 2);
  struct kt_prefix_leaf removed[2] = { log.leaves.at[0], log.leaves.at[1] };
  make_update(&log, 5000, removed, 0, removed, 2, &made);
  assert_int_equal(step(&state, &made, &state, &reason), KT_OK);
  naive_apply(&log, &made.update);
  assert_state_fits(&state, &log);
  assert_int_equal(log.leaves.n, 0);
}

/* Changes need no state: computed from the last entry to the first, they lead to the same trees. */
static void changes_are_computed_out_of_order(void **cmocka)
{
  enum { N = 40 };
  static struct naive_log log;
  static struct made_update made[N];
  static struct kt_audit_change changes[N];
  struct kt_audit_state state = { .size = 0 };
  struct kt_audit_state before;
  struct kt_reason reason = { .code = NULL };
  (void)cmocka;
  log = (struct naive_log){ .size = 0 };
  for (unsigned i = 0; i < N; i++) {
    const struct kt_prefix_leaf leaf = leaf_of(i, 1);
    make_update(&log, 10 * i, &leaf, 1, &leaf, 0, &made[i]);
    naive_apply(&log, &made[i].update);
  }
  for (size_t i = N; i-- > 0;) {
    kt_audit_change(&made[i].update, &changes[i]);
    made[i].update.proof = (struct kt_prefix_proof){ .n_results = 0 }; /* not looked at any more */
    assert_int_equal(changes[i].err, KT_OK);
  }
  for (size_t i = 0; i < N; i++) {
    before = state;
    assert_int_equal(kt_audit_step_with(&no_window, &state, &made[i].update, &changes[i], NULL, &state, &reason),
                     KT_OK);
  }
  assert_state_fits(&state, &log);
  /* and each only at its place */
  assert_int_equal(
      kt_audit_step_with(&no_window, &before, &made[N - 1].update, &changes[N - 2], NULL, &before, &reason),
      KT_ERR_PROOF);
  assert_string_equal(reason.code, "audit-previous-root");
}

/* --- the draft's steps -------------------------------------------------------------------------------------------------- */

/* Refused with this code; and the state given for the result stays as it was. */
static void assert_refused(const struct kt_audit_state *old, const struct made_update *made, enum kt_err err,
                           const char *code)
{
  struct kt_audit_state state;
  struct kt_audit_state untouched;
  struct kt_reason reason;
  memset(&state, 0x5c, sizeof state);
  memcpy(&untouched, &state, sizeof state);
  assert_int_equal(step(old, made, &state, &reason), err);
  assert_non_null(reason.code);
  assert_string_equal(reason.code, code);
  assert_memory_equal(&state, &untouched, sizeof state);
}

static void a1_timestamp_decreases(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  struct kt_reason reason;
  (void)cmocka;
  for (size_t size = 1; size <= 9; size++) {
    grow(&log, &state, size);
    struct kt_prefix_leaf leaf = leaf_of(100, 1);
    make_update(&log, 1000 * size - 1, &leaf, 1, NULL, 0, &made);
    assert_refused(&state, &made, KT_ERR_PROOF, "audit-timestamp");
    made.update.timestamp++; /* "greater than or equal to" */
    assert_int_equal(step(&state, &made, &state, &reason), KT_OK);
  }
}

static void a2_unsorted_or_repeated(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  grow(&log, &state, 5);
  struct kt_prefix_leaf added[2] = { leaf_of(100, 1), leaf_of(101, 1) };
  make_update(&log, 9000, added, 2, NULL, 0, &made);
  struct kt_prefix_leaf first = made.added[0];
  made.added[0] = made.added[1];
  made.added[1] = first;
  make_proof(&log.leaves, &made);
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-order");
  made.added[0] = made.added[1];
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-order");
  struct kt_prefix_leaf removed[2] = { log.leaves.at[0], log.leaves.at[1] };
  make_update(&log, 9000, added, 1, removed, 2, &made);
  made.removed[1] = made.removed[0];
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-order");
}

static void a3_added_key_already_present(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  grow(&log, &state, 5);
  struct kt_prefix_leaf leaf = log.leaves.at[2];
  leaf.commitment.b[0]++;
  make_update(&log, 9000, &leaf, 1, NULL, 0, &made);
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-added");
}

static void a4_removed_key_absent(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  grow(&log, &state, 5);
  struct kt_prefix_leaf leaf = leaf_of(100, 1);
  make_update(&log, 9000, &leaf, 0, &leaf, 1, &made);
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-removed");
}

static void a6_previous_root_mismatch(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  struct kt_prefix_leaf leaf = leaf_of(100, 1);
  grow(&log, &state, 5);
  make_update(&log, 9000, &leaf, 1, NULL, 0, &made);
  struct kt_audit_state other = state;
  other.prefix_root.b[31] ^= 1;
  assert_refused(&other, &made, KT_ERR_PROOF, "audit-previous-root");
  /* a proof from a tree that has another leaf as well */
  log.leaves.at[log.leaves.n++] = leaf_of(200, 1);
  model_sort(&log.leaves);
  make_update(&log, 9000, &leaf, 1, NULL, 0, &made);
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-previous-root");
}

static void a6_first_entry_must_start_from_the_empty_tree(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  struct kt_prefix_leaf leaf = leaf_of(100, 1);
  grow(&log, &state, 3);
  make_update(&log, 9000, &leaf, 1, NULL, 0, &made);
  assert_refused(&(struct kt_audit_state){ .size = 0 }, &made, KT_ERR_PROOF, "audit-previous-root");
}

static void a7_result_count(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  struct kt_prefix_leaf added[2] = { leaf_of(100, 1), leaf_of(101, 1) };
  grow(&log, &state, 5);
  make_update(&log, 9000, added, 2, NULL, 0, &made);
  made.update.proof.n_results = 1;
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-results");
  made.update.proof.n_results = 3;
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-results");
}

/* A removed leaf beside an element: whether the parent collapses cannot be known. */
static void a7_a_root_that_would_have_to_be_guessed(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  grow(&log, &state, 2);
  struct kt_prefix_leaf leaf = log.leaves.at[0];
  make_update(&log, 9000, &leaf, 0, &leaf, 1, &made);
  assert_int_equal(made.update.proof.n_elements, model_search(&log.leaves, &leaf.vrf_output).depth);
  assert_refused(&state, &made, KT_ERR_UNDETERMINED, "audit-undetermined");
}

/* An update carries no position: what comes twice, or comes too early, does not start from the auditor's state. */
static void a8_gap_and_replay(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  static struct made_update next;
  struct kt_reason reason;
  (void)cmocka;
  struct kt_prefix_leaf leaf = leaf_of(100, 1);
  struct kt_prefix_leaf later = leaf_of(101, 1);
  grow(&log, &state, 6);
  make_update(&log, 9000, &leaf, 1, NULL, 0, &made);
  naive_apply(&log, &made.update);
  make_update(&log, 9000, &later, 1, NULL, 0, &next);
  assert_refused(&state, &next, KT_ERR_PROOF, "audit-previous-root"); /* gap */
  assert_int_equal(step(&state, &made, &state, &reason), KT_OK);
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-previous-root"); /* replay */
  assert_int_equal(step(&state, &next, &state, &reason), KT_OK);
}

/* --- step 5 ----------------------------------------------------------------------------------------------------------- */

struct history {
  struct kt_hash key;
  uint64_t pos;
  bool known;
};

static bool added_at(void *ctx, const struct kt_hash *vrf_output, uint64_t *ret_pos)
{
  const struct history *history = ctx;
  if (!history->known || memcmp(vrf_output, &history->key, 32) != 0) {
    return false;
  }
  *ret_pos = history->pos;
  return true;
}

/* Entry i adds leaf i; then, for every i and many windows, the next entry replaces leaf i. */
static void a5_removed_before_it_was_published(void **cmocka)
{
  static const uint64_t windows[] = { 0, 1, 900, 1000, 1001, 2000, 3500, 4000, 7000, 13000, 13001, 50000 };
  static struct naive_log log;
  struct kt_audit_state state;
  struct kt_audit_state after;
  static struct made_update made;
  size_t accepted = 0;
  size_t refused = 0;
  (void)cmocka;
  for (size_t size = 1; size <= 13; size++) {
    grow(&log, &state, size);
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
      struct kt_config config = { .reasonable_monitoring_window = windows[w] };
      for (size_t i = 0; i < size; i++) {
        struct kt_prefix_leaf leaf = leaf_of((unsigned)i, 1);
        struct kt_prefix_leaf replacement = leaf_of((unsigned)i, 2);
        struct history past = { .key = leaf.vrf_output, .pos = i, .known = true };
        const struct kt_audit_history history = { .ctx = &past, .added_at = added_at };
        struct kt_reason reason = { .code = NULL };
        make_update(&log, 1000 * (size + 1), &replacement, 1, &leaf, 1, &made);
        size_t published = 0;
        bool ok = naive_published(&log, made.update.timestamp, windows[w], &published) && i <= published;
        assert_int_equal(kt_audit_step(&config, &state, &made.update, &history, &after, &reason),
                         ok ? KT_OK : KT_ERR_PROOF);
        assert_true(ok || strcmp(reason.code, "audit-removed-unpublished") == 0);
        accepted += ok;
        refused += !ok;
        /* a leaf from before the auditor started counts as published */
        past.known = false;
        assert_int_equal(kt_audit_step(&config, &state, &made.update, &history, &after, &reason), KT_OK);
      }
    }
  }
  assert_true(accepted > 100 && refused > 100);
}

/* As in a7_a_root_that_would_have_to_be_guessed: that the roots are unknown does not excuse the removal. */
static void a5_unpublished_and_undetermined(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  struct kt_audit_state after;
  static struct made_update made;
  (void)cmocka;
  grow(&log, &state, 2);
  struct kt_prefix_leaf leaf = log.leaves.at[0];
  struct history past = { .key = leaf.vrf_output, .pos = 1, .known = true };
  const struct kt_audit_history history = { .ctx = &past, .added_at = added_at };
  make_update(&log, 9000, &leaf, 0, &leaf, 1, &made);
  struct kt_config never = { .reasonable_monitoring_window = UINT64_MAX };
  struct kt_reason reason = { .code = NULL };
  assert_int_equal(kt_audit_step(&never, &state, &made.update, &history, &after, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, "audit-removed-unpublished");
  struct kt_config always = { .reasonable_monitoring_window = 0 };
  reason = (struct kt_reason){ .code = NULL };
  assert_int_equal(kt_audit_step(&always, &state, &made.update, &history, &after, &reason), KT_ERR_UNDETERMINED);
  assert_string_equal(reason.code, "audit-undetermined");
}

static void published_matches_the_definition(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state = { .size = 0 };
  static struct made_update made;
  struct kt_reason reason;
  uint64_t seed = 7;
  uint64_t now = 3;
  size_t none = 0;
  size_t some = 0;
  (void)cmocka;
  for (unsigned n = 0; n < 70; n++) {
    uint64_t next_ms = now + next_random(&seed) % 40;
    for (uint64_t window = 0; window < 600; window += 1 + window / 5) {
      const struct kt_config config = { .reasonable_monitoring_window = window };
      size_t expected = 0;
      uint64_t pos = 0;
      bool exists = naive_published(&log, next_ms, window, &expected);
      assert_int_equal(kt_audit_published(&config, &state, next_ms, &pos), exists);
      assert_true(!exists || pos == expected);
      none += !exists;
      some += exists;
    }
    now = next_ms;
    struct kt_prefix_leaf leaf = leaf_of(n, 1);
    make_update(&log, now, &leaf, 1, NULL, 0, &made);
    assert_int_equal(step(&state, &made, &state, &reason), KT_OK);
    naive_apply(&log, &made.update);
  }
  assert_true(none > 50 && some > 500);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_growing_log_is_followed),
    cmocka_unit_test(leaves_are_removed_down_to_none),
    cmocka_unit_test(changes_are_computed_out_of_order),
    cmocka_unit_test(a1_timestamp_decreases),
    cmocka_unit_test(a2_unsorted_or_repeated),
    cmocka_unit_test(a3_added_key_already_present),
    cmocka_unit_test(a4_removed_key_absent),
    cmocka_unit_test(a5_removed_before_it_was_published),
    cmocka_unit_test(a5_unpublished_and_undetermined),
    cmocka_unit_test(a6_previous_root_mismatch),
    cmocka_unit_test(a6_first_entry_must_start_from_the_empty_tree),
    cmocka_unit_test(a7_result_count),
    cmocka_unit_test(a7_a_root_that_would_have_to_be_guessed),
    cmocka_unit_test(a8_gap_and_replay),
    cmocka_unit_test(published_matches_the_definition),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
