/* SPDX-License-Identifier: Apache-2.0 */
/* Many updates of an operator: submitted together, not held back when they fill an entry, built on what was looked
 * up. */
#include "log_test.h"

#include <stdatomic.h>
#include <time.h>

#define N_MAX 300

struct results {
  _Atomic size_t n;
  size_t order[N_MAX]; /* indices, as the outcomes came */
};

struct result {
  struct results *results;
  size_t index;
  struct kt_log_outcome outcome;
};

static void take(void *ctx, const struct kt_log_outcome *outcome)
{
  struct result *result = ctx;
  result->outcome = *outcome;
  result->results->order[result->results->n] = result->index;
  result->results->n++;
}

static struct kt_log_pending *prepare(struct world *world, const char *prefix, size_t index)
{
  struct kt_log_pending *pending = NULL;
  char *name = kt_arena_alloc(&world->arena, 1, 32);
  (void)snprintf(name, 32, "%s-%zu", prefix, index);
  struct person *person = person_new(world, name, 1);
  world_ok(world, kt_log_operator_prepare(world->reader, person->label, NULL, person_set(world, person, 1, false),
                                          &pending, &world->problem));
  return pending;
}

static void fill_orders(struct world *world, const char *prefix, size_t n, struct results *results, struct result *list,
                        struct kt_log_order *orders)
{
  for (size_t i = 0; i < n; i++) {
    list[i] = (struct result){ .results = results, .index = i };
    orders[i] = (struct kt_log_order){ .pending = prepare(world, prefix, i), .done_ctx = &list[i] };
  }
}

static void orders_are_taken_together_or_not_at_all(void **state)
{
  struct world *world = world_start();
  struct results results = { .n = 0 };
  struct result list[4];
  struct kt_log_order orders[4];
  struct kt_log_status status;
  (void)state;
  world_close(world);
  world->options.limits.queue_max = 3;
  world_open(world);
  fill_orders(world, "a", 4, &results, list, orders);
  world_ok(world, kt_log_submit_all(world->log, orders, 2, take, &world->problem));
  assert_int_equal(kt_log_submit_all(world->log, orders + 2, 2, take, &world->problem), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "busy");
  assert_true(world->problem.retry);
  kt_log_status(world->log, &status);
  assert_int_equal(status.n_queued, 2);
  kt_log_step(world->log);
  assert_int_equal(results.n, 2);
  world_ok(world,
           kt_log_submit_all(world->log, orders + 2, 2, take, &world->problem)); /* still the caller's till now */
  kt_log_step(world->log);
  assert_int_equal(results.n, 4);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(results.order[i], i);
    assert_true(list[i].outcome.inserted);
    assert_int_equal(list[i].outcome.position, 1 + i / 2);
  }
  world_end(world);
}

static bool wait_for(const struct results *results, size_t n, unsigned rounds)
{
  for (unsigned i = 0; i < rounds && results->n < n; i++) {
    const struct timespec moment = { .tv_nsec = 10000000 };
    (void)nanosleep(&moment, NULL);
  }
  return results->n >= n;
}

static void a_full_entry_is_not_held_back(void **state)
{
  struct world *world = world_start();
  struct results results = { .n = 0 };
  struct result *list = calloc(N_MAX, sizeof *list);
  struct kt_log_order *orders = calloc(N_MAX, sizeof *orders);
  (void)state;
  world_close(world);
  world->options.cadence_ms = (uint64_t)1 << 40; /* longer than any machine has been up */
  world_open(world);
  assert_int_equal(kt_log_start(world->log), KT_OK);
  fill_orders(world, "first", 1, &results, list, orders);
  world_ok(world, kt_log_submit_all(world->log, orders, 1, take, &world->problem));
  assert_true(wait_for(&results, 1, 1000)); /* nothing was committed before it */
  fill_orders(world, "some", 254, &results, list, orders);
  world_ok(world, kt_log_submit_all(world->log, orders, 254, take, &world->problem));
  assert_false(wait_for(&results, 2, 20)); /* for the cadence */
  fill_orders(world, "one more", 1, &results, &list[254], &orders[254]);
  world_ok(world, kt_log_submit_all(world->log, &orders[254], 1, take, &world->problem));
  assert_true(wait_for(&results, 256, 1000));
  assert_int_equal(world_size(world), 3);
  free(orders);
  free(list);
  world_end(world);
}

static void what_was_looked_up_is_built_on(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 1);
  struct kt_log_account before;
  struct kt_log_account after;
  struct kt_log_pending *pending[2];
  struct kt_log_outcome outcomes[2];
  struct kt_bytes latest;
  (void)state;
  world_ok(world, kt_log_read_begin(world->reader, &world->problem));
  world_ok(world, kt_log_account_get(world->reader, alice->label, &world->arena, &before, &world->problem));
  world_ok(world, kt_log_account_value(world->reader, &before, &world->arena, &latest, &world->problem));
  kt_log_read_end(world->reader);
  assert_int_equal(before.row.label_id, 0);
  assert_int_equal(before.state.n_sets, 0);
  assert_int_equal(latest.len, 0);
  struct kt_bytes value = person_set(world, alice, 1, false);
  for (size_t i = 0; i < 2; i++) {
    world_ok(world, kt_log_operator_prepare(world->reader, alice->label, &before, value, &pending[i], &world->problem));
    kt_log_insert(world->log, &pending[i], 1, &outcomes[i]);
  }
  assert_true(outcomes[0].inserted);
  assert_int_equal(outcomes[1].err, KT_OK);
  assert_false(outcomes[1].inserted); /* it was prepared for the label as it was before: prepare again */
  world_ok(world, kt_log_account_get(world->reader, alice->label, &world->arena, &after, &world->problem));
  world_ok(world, kt_log_account_value(world->reader, &after, &world->arena, &latest, &world->problem));
  assert_int_equal(after.row.n_versions, 1);
  assert_int_equal(after.state.n_sets, 1);
  assert_int_equal(latest.len, value.len);
  assert_memory_equal(latest.data, value.data, value.len);
  world_ok(world, kt_log_operator_prepare(world->reader, alice->label, &after, value, &pending[0], &world->problem));
  kt_log_insert(world->log, &pending[0], 1, &outcomes[0]);
  assert_true(outcomes[0].inserted);
  assert_int_equal(outcomes[0].first_version, 1);
  assert_int_equal(kt_log_account_get(world->reader, TEXT(""), &world->arena, &after, &world->problem), KT_ERR_USAGE);
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(orders_are_taken_together_or_not_at_all),
    cmocka_unit_test(a_full_entry_is_not_held_back),
    cmocka_unit_test(what_was_looked_up_is_built_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
