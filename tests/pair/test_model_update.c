/* SPDX-License-Identifier: Apache-2.0 */
/* Updating a label against the model, with and without every advertised size, for every start of an owner and both forms
 * of a response (the values given back or not).
 *   All logs of up to 4 entries (level 2: 6; level 3: 7) that each add 0 to 3 versions; every window and lifetime that
 *   makes a difference.
 *   With an auditor behind the log, and with up to 2 skipped versions before a new one (third-party management): all such
 *   logs of up to 3 entries (level 2: 5; level 3: 6).
 *   200 random logs of up to 40 entries (level 2: 4000; level 3: 40000). */
#include "model_pair.h"

static struct model_pair pair;

static void assert_lengths(const struct kt_update_response *response, const struct model_update *update)
{
  struct kt_update_info info[MODEL_VERSIONS_MAX];
  size_t value_lens[MODEL_VERSIONS_MAX];
  for (size_t i = 0; i < response->n_info; i++) {
    info[i] = response->info[i];
    info[i].signature = model_pair_signature();
  }
  for (size_t i = 0; i < response->n_values; i++) {
    value_lens[i] = response->values[i].len;
  }
  for (size_t i = 0; i < MODEL_FORMATS; i++) {
    struct kt_update_response same = *response;
    struct model_format format;
    struct kt_config config;
    struct kt_writer w;
    same.info = info;
    model_pair_format(&pair, i, &format, &config);
    model_pair_complete_head(&same.full_tree_head);
    kt_writer_init(&w, MODEL_ARENA_CAP);
    kt_update_response_write(&w, &config, &same);
    model_pair_assert_length(&pair, i, &w,
                             model_update_size(&pair.run, &format, update, value_lens, response->n_values));
  }
}

static void assert_response(uint64_t position, const struct model_update *update, size_t n_values)
{
  struct kt_update_response response;
  assert_int_equal(kt_update_response_decode(pair.user.response, &pair.toy.config, &pair.user.arena, &response), KT_OK);
  assert_int_equal(response.position, position);
  assert_int_equal(response.skipped_versions, update->n_skipped);
  assert_int_equal(response.n_info, update->n_new - update->n_skipped);
  assert_int_equal(response.n_values, n_values);
  assert_int_equal(response.n_ladder, update->n_ladder);
  for (size_t i = 0; i < update->n_ladder; i++) {
    model_pair_assert_step(&pair, &response.binary_ladder[i], update->ladder[i], update->committed[i]);
  }
  model_pair_assert_proof(&pair, &response.update);
  assert_lengths(&response, update);
}

/* "the label owner retains the position and new greatest version of the label"; unless the entry is distinguished, it
 * "inserts a new entry into their contact monitoring map". */
static void assert_result(uint64_t position, const struct model_update *update)
{
  const struct kt_owner_state *owner = &pair.user.owner;
  const struct kt_version_at *newest = &owner->upcoming[owner->n_upcoming - 1];
  assert_int_equal(pair.user.update.position, position);
  assert_int_equal(pair.user.update.n_values, update->n_new - update->n_skipped);
  assert_int_equal(pair.user.update.n_skipped, update->n_skipped);
  assert_int_equal(pair.user.update.first_version, update->previous + 1 + (int64_t)update->n_skipped);
  assert_int_equal(newest->position, position);
  assert_int_equal(newest->version, update->previous + (int64_t)update->n_new);
  assert_int_equal(owner->contact.n_map, !update->distinguished);
  if (!update->distinguished) {
    assert_int_equal(owner->contact.map[0].position, position);
    assert_int_equal(owner->contact.map[0].version, newest->version);
  }
  model_pair_assert_state(&pair);
}

/* What the owner knows just before the versions of `position`. */
static void set_owner(uint64_t start, uint64_t position, struct kt_owner_state *ret_owner)
{
  const struct model_log *log = &pair.model;
  struct kt_version_at *upcoming = kt_arena_alloc(&pair.user.arena, log->size, sizeof *upcoming);
  int64_t greatest = model_greatest_at(log, start);
  assert_non_null(upcoming);
  ret_owner->start = start;
  ret_owner->has_version_at_start = greatest >= 0;
  ret_owner->version_at_start = greatest >= 0 ? (uint32_t)greatest : 0;
  ret_owner->upcoming = upcoming;
  for (uint64_t pos = start + 1; pos < position; pos++) {
    if (model_greatest_at(log, pos) > model_greatest_at(log, pos - 1)) {
      upcoming[ret_owner->n_upcoming++] =
          (struct kt_version_at){ .position = pos, .version = (uint32_t)model_greatest_at(log, pos) };
    }
  }
}

static void compare_update(uint64_t last, uint64_t start, uint64_t position, bool own_values)
{
  struct toy_query query = { .kind = TOY_UPDATE, .label = MODEL_LABEL };
  struct kt_bytes values[MODEL_VERSIONS_MAX];
  struct model_update update;
  model_pair_begin(&pair, last);
  set_owner(start, position, &pair.user.owner);
  model_update_label(&pair.run, position, start, &update);
  for (size_t i = 0; own_values && i < update.n_new - update.n_skipped; i++) {
    uint32_t version = (uint32_t)(update.previous + 1 + (int64_t)(update.n_skipped + i));
    values[i] = toy_label(toy_version_find(&pair.toy, MODEL_LABEL, version)->value);
    query.values = values;
    query.n_values = i + 1;
  }
  assert_int_equal(model_pair_ask(&pair, &query), KT_OK);
  assert_response(position, &update, own_values ? 0 : update.n_new - update.n_skipped);
  assert_int_equal(model_pair_check(&pair, &query), KT_OK);
  assert_result(position, &update);
}

/* A start is distinguished; entry 0 stands for an owner without one, as nothing is left of it. */
static bool is_start(const struct model_log *log, uint64_t pos)
{
  bool distinguished[MODEL_ENTRIES_MAX];
  model_distinguished(log, log->size, distinguished);
  return pos == 0 || distinguished[pos];
}

static void compare_updates(struct model_pair *p)
{
  for (uint64_t position = 1; position < p->model.size; position++) {
    if (model_greatest_at(&p->model, position) == model_greatest_at(&p->model, position - 1)) {
      continue;
    }
    for (uint64_t last = 0; last <= p->model.size; last++) {
      for (uint64_t start = 0; start < position; start++) {
        if (is_start(&p->model, start)) {
          compare_update(last, start, position, false);
          compare_update(last, start, position, true);
        }
      }
    }
  }
}

static void all_small_logs(void **state)
{
  (void)state;
  model_pair_all(&pair, model_up_to(4, 6, 7), 3, compare_updates);
}

/* In third-party management mode: skipped versions, then one with a value. */
static void updates_after_skipped_versions(void **state)
{
  (void)state;
  model_pair_all_skipping(&pair, model_up_to(3, 5, 6), 3, compare_updates);
}

/* The same with an auditor behind the log, of any size. */
static void updates_with_an_auditor(void **state)
{
  (void)state;
  model_pair_all_audited(&pair, model_up_to(3, 5, 6), 3, compare_updates);
}

static void compare_random(struct model_pair *p)
{
  static uint64_t seed = 3;
  const uint64_t size = p->model.size;
  for (uint64_t position = 1; position < size; position++) {
    if (model_greatest_at(&p->model, position) > model_greatest_at(&p->model, position - 1)) {
      uint64_t start = model_pair_random(&seed, position);
      start = is_start(&p->model, start) ? start : 0;
      compare_update(model_pair_random(&seed, size + 1), start, position, model_pair_random(&seed, 2) == 0);
      compare_update(0, start, position, false);
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
    cmocka_unit_test(all_small_logs),
    cmocka_unit_test(updates_after_skipped_versions),
    cmocka_unit_test(updates_with_an_auditor),
    cmocka_unit_test(random_logs),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  model_pair_report(&pair);
  return failed;
}
