/* SPDX-License-Identifier: Apache-2.0 */
/* Searches and the walk of distinguished heads against the model, with and without every advertised size.
 *   Searches: all logs of up to 4 entries (level 2: 6; level 3: 7) that each add 0, 1 or 2 versions, for the greatest and
 *             for every version; every window and lifetime that makes a difference.
 *   Skipped:  the same for logs of up to 3 entries (level 2: 5; level 3: 6) that each add no version, one, or one after 1 or
 *             2 skipped ones, in third-party management mode; skipped versions are searched for too.
 *   Auditor:  all logs of up to 3 entries (level 2: 5; level 3: 6) with an auditor's head in the answers.
 *   Walks:    all logs of up to 9 entries (level 2: 16; level 3: 24), every stopping position, likewise.
 *   Both:     200 random logs of up to 40 entries (level 2: 4000; level 3: 40000). */
#include "model_pair.h"

static struct model_pair pair;

/* --- Search ------------------------------------------------------------------------------------------------------------ */

static void assert_lengths(const struct kt_search_response *response, bool fixed, int64_t target)
{
  for (size_t i = 0; i < MODEL_FORMATS; i++) {
    struct kt_search_response same = *response;
    struct model_format format;
    struct kt_config config;
    struct kt_writer w;
    model_pair_format(&pair, i, &format, &config);
    model_pair_complete_head(&same.full_tree_head);
    if (target >= 0 && !pair.model.skipped[target]) {
      same.value.signature = model_pair_signature();
    }
    kt_writer_init(&w, MODEL_ARENA_CAP);
    kt_search_response_write(&w, &config, fixed, &same);
    model_pair_assert_length(&pair, i, &w, model_search_size(&pair.run, &format, target, fixed, same.value.value.len));
  }
}

static void assert_response(const struct toy_query *query, int64_t target)
{
  struct kt_search_response response;
  const bool fixed = query->version != NULL;
  const struct kt_optional_u32 version = { .present = fixed, .value = fixed ? *query->version : 0 };
  uint32_t ladder[MODEL_LADDER_MAX];
  int64_t greatest = model_greatest_at(&pair.model, pair.model.size - 1);
  assert_int_equal(
      kt_search_response_decode(pair.user.response, &pair.toy.config, version, &pair.user.arena, &response), KT_OK);
  assert_int_equal(response.version, target >= 0 ? target : 0);
  size_t n = model_ladder(target, ladder);
  assert_int_equal(response.n_ladder, n);
  for (size_t i = 0; i < n; i++) {
    model_pair_assert_step(&pair, &response.binary_ladder[i], ladder[i], ladder[i] <= greatest && ladder[i] != target);
  }
  model_pair_assert_proof(&pair, &response.search);
  assert_lengths(&response, fixed, target);
}

static void assert_result(const struct model_found *found, uint32_t target)
{
  const struct kt_search_result *result = &pair.user.search;
  assert_int_equal(result->version, target);
  assert_int_equal(result->terminal, found->terminal);
  assert_int_equal(result->terminal_ms, pair.model.timestamps[found->terminal]);
  assert_int_equal(result->contact.n_map, found->monitor);
  if (found->monitor) {
    assert_int_equal(result->contact.map[0].position, found->terminal);
    assert_int_equal(result->contact.map[0].version, target);
  }
  model_pair_assert_state(&pair);
}

static void compare_greatest(uint64_t last)
{
  const struct toy_query query = { .kind = TOY_SEARCH, .label = MODEL_LABEL };
  struct model_found found;
  int64_t greatest = model_greatest_at(&pair.model, pair.model.size - 1);
  model_pair_begin(&pair, last);
  enum model_outcome outcome = model_greatest_search(&pair.run, &found);
  assert_int_equal(model_pair_ask(&pair, &query), KT_OK);
  assert_response(&query, greatest);
  if (outcome == MODEL_OK) {
    assert_int_equal(model_pair_check(&pair, &query), KT_OK);
    assert_result(&found, (uint32_t)greatest);
  } else {
    assert_int_equal(outcome, MODEL_ABSENT);
    assert_int_equal(model_pair_check(&pair, &query), KT_ERR_ABSENT);
    model_pair_assert_state(&pair);
  }
}

static void compare_fixed(uint64_t last, uint32_t target)
{
  const struct toy_query query = { .kind = TOY_SEARCH, .label = MODEL_LABEL, .version = &target };
  struct model_found found;
  model_pair_begin(&pair, last);
  enum model_outcome outcome = model_fixed_search(&pair.run, target, &found);
  enum kt_err err = model_pair_ask(&pair, &query);
  if (outcome == MODEL_EXPIRED || outcome == MODEL_ABSENT) {
    assert_int_equal(err, outcome == MODEL_EXPIRED ? KT_ERR_EXPIRED : KT_ERR_ABSENT);
    return;
  }
  assert_int_equal(outcome, MODEL_OK);
  assert_int_equal(err, KT_OK);
  assert_response(&query, target);
  if (pair.model.skipped[target]) { /* proven to have no value (ours) */
    assert_int_equal(model_pair_check(&pair, &query), KT_ERR_ABSENT);
    model_pair_assert_state(&pair);
    return;
  }
  assert_int_equal(model_pair_check(&pair, &query), KT_OK);
  assert_result(&found, target);
}

static void compare_searches(struct model_pair *p)
{
  int64_t greatest = model_greatest_at(&p->model, p->model.size - 1);
  for (uint64_t last = 0; last <= p->model.size; last++) {
    compare_greatest(last);
    for (int64_t target = 0; target <= greatest; target++) {
      compare_fixed(last, (uint32_t)target);
    }
  }
}

/* --- Walking Distinguished Heads ------------------------------------------------------------------------------------------ */

static void assert_heads(const uint64_t *positions, size_t n)
{
  const struct kt_distinguished_result *result = &pair.user.distinguished;
  struct model_value root;
  assert_int_equal(result->n_heads, n);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(result->heads[i].size, positions[i] + 1);
    assert_int_equal(result->heads[i].timestamp_ms, pair.model.timestamps[positions[i]]);
    model_root(&pair.model, positions[i] + 1, &root);
    assert_memory_equal(result->heads[i].root.b, root.b, MODEL_HASH_LEN);
  }
  model_pair_assert_state(&pair);
}

static void compare_walk(uint64_t last, const uint64_t *stop)
{
  const struct toy_query query = { .kind = TOY_DISTINGUISHED, .stop = stop };
  struct kt_distinguished_response response;
  uint64_t positions[MODEL_ENTRIES_MAX];
  model_pair_begin(&pair, last);
  size_t n = model_walk(&pair.run, stop != NULL ? *stop : MODEL_NONE, KT_RECENT_MAX, positions);
  assert_int_equal(model_pair_ask(&pair, &query), KT_OK);
  assert_int_equal(kt_distinguished_response_decode(pair.user.response, &pair.toy.config, &pair.user.arena, &response),
                   KT_OK);
  model_pair_assert_proof(&pair, &response.distinguished);
  for (size_t i = 0; i < MODEL_FORMATS; i++) {
    struct model_format format;
    struct kt_config config;
    struct kt_writer w;
    model_pair_format(&pair, i, &format, &config);
    model_pair_complete_head(&response.full_tree_head);
    kt_writer_init(&w, MODEL_ARENA_CAP);
    kt_distinguished_response_write(&w, &config, &response);
    model_pair_assert_length(&pair, i, &w, model_distinguished_size(&pair.run, &format));
  }
  assert_int_equal(model_pair_check(&pair, &query), KT_OK);
  assert_heads(positions, n);
}

static void compare_walks(struct model_pair *p)
{
  for (uint64_t last = 0; last <= p->model.size; last++) {
    compare_walk(last, NULL);
    for (uint64_t stop = 0; stop < p->model.size; stop++) {
      compare_walk(last, &stop);
    }
  }
}

/* --- which logs --------------------------------------------------------------------------------------------------------------- */

static void searches_in_all_small_logs(void **state)
{
  (void)state;
  model_pair_all(&pair, model_up_to(4, 6, 7), 2, compare_searches);
}

static void searches_past_skipped_versions(void **state)
{
  (void)state;
  model_pair_all_skipping(&pair, model_up_to(3, 5, 6), 2, compare_searches);
}

/* The walk does not look at labels. */
static void walks_in_all_small_logs(void **state)
{
  (void)state;
  model_pair_all(&pair, model_up_to(9, 16, 24), 0, compare_walks);
}

/* The same with an auditor behind the log, of any size. */
static void searches_with_an_auditor(void **state)
{
  (void)state;
  model_pair_all_audited(&pair, model_up_to(3, 5, 6), 2, compare_searches);
}

static void compare_random(struct model_pair *p)
{
  static uint64_t seed = 1;
  const uint64_t size = p->model.size;
  int64_t greatest = model_greatest_at(&p->model, size - 1);
  for (size_t i = 0; i < 40; i++) {
    uint64_t last = model_pair_random(&seed, size + 1);
    uint64_t stop = model_pair_random(&seed, size);
    compare_greatest(last);
    compare_walk(last, model_pair_random(&seed, 4) == 0 ? NULL : &stop);
    if (greatest >= 0) {
      compare_fixed(last, (uint32_t)model_pair_random(&seed, (uint64_t)greatest + 1));
    }
  }
}

static void random_logs(void **state)
{
  (void)state;
  model_pair_random_logs(&pair, model_up_to(200, 4000, 40000), 40, compare_random);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(searches_in_all_small_logs),
    cmocka_unit_test(searches_past_skipped_versions),
    cmocka_unit_test(walks_in_all_small_logs),
    cmocka_unit_test(searches_with_an_auditor),
    cmocka_unit_test(random_logs),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  model_pair_report(&pair);
  return failed;
}
