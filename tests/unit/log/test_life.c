/* SPDX-License-Identifier: Apache-2.0 */
/* Opening against the guard, clocks, failures of the store, heartbeats, batches. */
#include "log_test.h"

#include "log/engine.h"

#include "store/backend.h"

static enum kt_err try_open(struct world *world)
{
  struct kt_log *log;
  enum kt_err err = kt_log_open(&world->options, &log, &world->problem);
  if (err == KT_OK) {
    kt_log_close(log);
  }
  return err;
}

/* A log of 4 entries, closed. */
static struct world *closed_world(void)
{
  struct world *world = world_start();
  for (size_t i = 0; i < 3; i++) {
    world_pass(world, HOUR_MS);
  }
  world_close(world);
  assert_int_equal(world->guard.size, 4);
  return world;
}

static void closed_world_end(struct world *world)
{
  kt_store_close(world->store);
  kt_arena_release(&world->arena);
  free(world);
}

static void s12_guard_ahead_of_the_database(void **state)
{
  struct world *world = closed_world();
  (void)state;
  world->guard.size = 5;
  assert_int_equal(try_open(world), KT_ERR_CONFLICT);
  assert_string_equal(world->problem.code, "guard-behind");
  world->guard.size = 4;
  assert_int_equal(try_open(world), KT_OK);
  closed_world_end(world);
}

static void s12_guard_contradicts_the_database(void **state)
{
  struct world *world = closed_world();
  (void)state;
  struct kt_log_guard guard = world->guard;
  world->guard.root.b[31] ^= 1;
  assert_int_equal(try_open(world), KT_ERR_CONFLICT);
  assert_string_equal(world->problem.code, "guard-contradicts");
  world->guard = guard;
  world->guard.size = 3; /* the root of 4 at size 3 */
  assert_int_equal(try_open(world), KT_ERR_CONFLICT);
  world->guard = guard;
  world->guard.timestamp_ms++;
  assert_int_equal(try_open(world), KT_ERR_CONFLICT);
  assert_string_equal(world->problem.code, "guard-contradicts");
  closed_world_end(world);
}

/* It is behind a head that was published, so it was not written last, and the database may be an old copy, too. */
static void s12_guard_that_is_an_old_copy(void **state)
{
  struct world *world = world_start();
  (void)state;
  world_pass(world, HOUR_MS);
  const struct kt_log_guard old = world->guard;
  world_pass(world, HOUR_MS);
  world_pass(world, HOUR_MS);
  world_close(world);
  const struct kt_log_guard newest = world->guard;
  world->guard = old;
  assert_int_equal(try_open(world), KT_ERR_CONFLICT);
  assert_string_equal(world->problem.code, "guard-old");
  world->guard = newest;
  assert_int_equal(try_open(world), KT_OK);
  closed_world_end(world);
}

static void a_missing_guard_has_to_be_accepted(void **state)
{
  struct world *world = closed_world();
  (void)state;
  world->has_guard = false;
  assert_int_equal(try_open(world), KT_ERR_ABSENT);
  assert_string_equal(world->problem.code, "guard-missing");
  world->options.guard_may_be_missing = true;
  assert_int_equal(try_open(world), KT_OK);
  assert_true(world->has_guard); /* written anew */
  assert_int_equal(world->guard.size, 4);
  closed_world_end(world);
}

/* The program ended between the commit and the guard: the guard is behind, and that is fine. */
static void a_guard_behind_the_database_is_brought_up(void **state)
{
  struct world *world = world_start();
  (void)state;
  world_pass(world, HOUR_MS);
  world->guard_err = KT_ERR_UNDETERMINED;
  world_pass(world, HOUR_MS);
  assert_int_equal(world->guard.size, 2);
  world_close(world);
  world->guard_err = KT_OK;
  world_open(world);
  assert_int_equal(world->guard.size, 3);
  assert_int_equal(world_size(world), 3);
  world_end(world);
}

static void create_refuses_what_exists(void **state)
{
  struct world *world = closed_world();
  (void)state;
  assert_int_equal(kt_log_create(&world->options, &world->problem), KT_ERR_CONFLICT);
  assert_string_equal(world->problem.code, "exists");
  closed_world_end(world);
  world = world_new();
  assert_int_equal(try_open(world), KT_ERR_ABSENT);
  world->has_guard = true;
  assert_int_equal(kt_log_create(&world->options, &world->problem), KT_ERR_CONFLICT);
  assert_string_equal(world->problem.code, "guard");
  closed_world_end(world);
}

static void timestamps_never_go_back(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct kt_log_head before;
  struct kt_log_head after;
  (void)state;
  person_register(world, alice);
  kt_log_head(world->log, &before);
  world->now_ms -= 30000;
  (void)person_update(world, alice, 2); /* the client verifies the order of timestamps */
  kt_log_head(world->log, &after);
  assert_int_equal(after.size, before.size + 1);
  assert_int_equal(after.timestamp_ms, before.timestamp_ms);
  world_pass(world, 0);
  assert_int_equal(world_size(world), after.size);
  world_end(world);
}

static void heartbeats_keep_the_log_fresh(void **state)
{
  struct world *world = world_start();
  struct kt_log_status status;
  (void)state;
  world_pass(world, world->config.max_behind / 2 - 1);
  assert_int_equal(world_size(world), 1);
  world_pass(world, 1);
  assert_int_equal(world_size(world), 2);
  kt_log_step(world->log);
  kt_log_status(world->log, &status);
  assert_int_equal(status.head.size, 2);
  assert_int_equal(status.head.timestamp_ms, world->now_ms);
  assert_int_equal(status.n_heartbeats, 1);
  assert_int_equal(status.n_inserted, 0);
  world_end(world);
}

/* Users refuse an old head: whoever asks a log that stood still must not get the one from before. */
static void a_log_that_stood_still_starts_fresh(void **state)
{
  struct world *world = world_start();
  struct kt_log_head head;
  (void)state;
  world_close(world);
  world->now_ms += world->config.max_behind + 1;
  world_open(world);
  assert_int_equal(kt_log_start(world->log), KT_OK);
  kt_log_head(world->log, &head);
  assert_int_equal(head.size, 2);
  assert_int_equal(head.timestamp_ms, world->now_ms);
  world_end(world);
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

/* The memory store's table with another commit. */
static struct kt_store_ops failing_ops;
static const struct kt_store_ops *real_ops;
static bool commit_is_full;

static enum kt_err failing_commit(struct kt_store_conn *conn)
{
  conn->error.is_full = commit_is_full;
  (void)strcpy(conn->error.text, "commit: the test says no");
  real_ops->rollback(conn);
  return KT_ERR_STORE;
}

static void let_commits_fail(struct world *world, bool full)
{
  real_ops = world->store->ops;
  failing_ops = *real_ops;
  failing_ops.commit = failing_commit;
  commit_is_full = full;
  world->store->ops = &failing_ops;
}

static enum kt_err try_register(struct world *world, const char *label)
{
  struct person *person = person_new(world, label, 33);
  struct kt_bytes value = person_set(world, person, 1, true);
  struct kt_update_result *result = update_result_new(world);
  person_own(world, person, 0);
  return person_try_update(world, person, &value, 1, (struct kt_bytes){ 0 }, result);
}

static void a_full_store_is_told_and_survived(void **state)
{
  struct world *world = world_start();
  (void)state;
  let_commits_fail(world, true);
  assert_int_equal(try_register(world, "alice"), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "store-full");
  assert_true(world->problem.retry);
  assert_int_equal(world_size(world), 1);
  assert_string_equal(world->fatal, "");
  world->store->ops = real_ops;
  assert_int_equal(try_register(world, "alice"), KT_OK);
  assert_int_equal(world_size(world), 2);
  world_end(world);
}

static void an_unknown_commit_stops_the_signing(void **state)
{
  struct world *world = world_start();
  (void)state;
  let_commits_fail(world, false);
  assert_int_equal(try_register(world, "alice"), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "store");
  assert_string_not_equal(world->fatal, "");
  world->store->ops = real_ops;
  assert_int_equal(try_register(world, "alice"), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "fatal");
  world_pass(world, HOUR_MS);
  assert_int_equal(world_size(world), 1);
  world_end(world);
}

/* Durable, but not guarded: it must not be signed before the log is opened again. */
static void a_failing_guard_stops_the_signing(void **state)
{
  struct world *world = world_start();
  (void)state;
  world->guard_err = KT_ERR_STORE;
  assert_int_equal(try_register(world, "alice"), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "guard");
  assert_string_not_equal(world->fatal, "");
  assert_int_equal(world_size(world), 1);
  /* The version exists, but in no head: a repeated request has to wait for one, in vain here. */
  assert_int_equal(try_register(world, "alice"), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "fatal");
  world->guard_err = KT_OK;
  world_close(world);
  world_open(world);
  assert_int_equal(world_size(world), 2);
  world_end(world);
}

/* No room for the guard: nothing is signed and nothing is lost, and the entry is signed before another one follows. */
static void a_full_guard_is_told_and_survived(void **state)
{
  struct world *world = world_start();
  (void)state;
  world->guard_err = KT_ERR_UNDETERMINED;
  assert_int_equal(try_register(world, "alice"), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "guard-full");
  assert_true(world->problem.retry);
  assert_string_equal(world->fatal, "");
  assert_int_equal(world->guard.size, 1);
  assert_int_equal(try_register(world, "bob"), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "guard-full");
  world_pass(world, 1);
  assert_int_equal(world_size(world), 1);
  world->guard_err = KT_OK;
  world_pass(world, 1); /* without an update, and without a heartbeat */
  assert_int_equal(world_size(world), 2);
  assert_int_equal(world->guard.size, 2);
  assert_int_equal(try_register(world, "bob"), KT_OK);
  assert_int_equal(world_size(world), 3);
  assert_int_equal(world->guard.size, 3);
  world_end(world);
}

static enum kt_err begin_err;

static enum kt_err failing_begin(struct kt_store_conn *conn)
{
  conn->error.is_full = false;
  (void)strcpy(conn->error.text, "begin: the test says no");
  return begin_err;
}

static enum kt_err failing_maintain(struct kt_store_conn *conn, bool is_idle)
{
  (void)is_idle;
  conn->error.is_full = commit_is_full;
  (void)strcpy(conn->error.text, "maintain: the test says no");
  return KT_ERR_STORE;
}

static void a_busy_store_is_told_and_survived(void **state)
{
  struct world *world = world_start();
  (void)state;
  let_commits_fail(world, true);
  failing_ops.begin = failing_begin;
  begin_err = KT_ERR_UNDETERMINED;
  assert_int_equal(try_register(world, "alice"), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "store-busy");
  assert_true(world->problem.retry);
  assert_string_equal(world->fatal, "");
  world->store->ops = real_ops;
  assert_int_equal(try_register(world, "alice"), KT_OK);
  world_end(world);
}

/* As after a rollback that failed: every update would be refused until the store is opened again. */
static void an_unusable_store_stops_the_signing(void **state)
{
  struct world *world = world_start();
  (void)state;
  let_commits_fail(world, true);
  failing_ops.begin = failing_begin;
  begin_err = KT_ERR_STORE;
  assert_int_equal(try_register(world, "alice"), KT_ERR_STORE);
  assert_string_not_equal(world->fatal, "");
  world->store->ops = real_ops;
  assert_int_equal(try_register(world, "alice"), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "fatal");
  world_end(world);
}

static void a_failing_checkpoint_stops_the_signing(void **state)
{
  struct world *world = world_start();
  (void)state;
  let_commits_fail(world, true);
  failing_ops.commit = real_ops->commit;
  failing_ops.maintain = failing_maintain;
  assert_int_equal(try_register(world, "alice"), KT_OK);
  assert_string_equal(world->fatal, ""); /* full only */
  commit_is_full = false;
  assert_int_equal(try_register(world, "bob"), KT_OK); /* durable and signed before the checkpoint */
  assert_string_not_equal(world->fatal, "");
  assert_int_equal(try_register(world, "carol"), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "fatal");
  world->store->ops = real_ops;
  world_end(world);
}

/* --- batches ------------------------------------------------------------------------------------------------------ */

static void insert_labels(struct world *world, size_t n, const char *prefix)
{
  struct kt_log_pending **pending = calloc(n, sizeof(struct kt_log_pending *));
  struct kt_log_outcome *outcomes = calloc(n, sizeof *outcomes);
  for (size_t i = 0; i < n; i++) {
    char *name = kt_arena_alloc(&world->arena, 1, 32);
    (void)snprintf(name, 32, "%s-%zu", prefix, i);
    struct person *person = person_new(world, name, 1);
    struct kt_bytes value = person_set(world, person, 1, false);
    world_ok(world, kt_log_operator_prepare(world->reader, person->label, NULL, value, &pending[i], &world->problem));
  }
  kt_log_insert(world->log, pending, n, outcomes);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(outcomes[i].err, KT_OK);
    assert_true(outcomes[i].inserted);
  }
  free(pending);
  free(outcomes);
}

/* "a PrefixProof has at most 255 results": an entry takes 255 leaves, the next one begins an entry. */
static void batches_split_at_255_leaves(void **state)
{
  struct world *world = world_start();
  struct kt_log_status status;
  (void)state;
  insert_labels(world, 254, "a");
  assert_int_equal(world_size(world), 2);
  insert_labels(world, 255, "b");
  assert_int_equal(world_size(world), 3);
  insert_labels(world, 256, "c");
  assert_int_equal(world_size(world), 5);
  insert_labels(world, 1, "d");
  assert_int_equal(world_size(world), 6);
  kt_log_status(world->log, &status);
  assert_int_equal(status.n_commits, 4);
  assert_int_equal(status.n_inserted, 254 + 255 + 256 + 1);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_contact_state contacts[2] = { { 0 }, { 0 } };
  struct kt_search_result *found = search_result_new(world);
  world_ok(world, person_search(world, bob, TEXT("c-255"), NULL, &contacts[0], found));
  world_ok(world, person_search(world, bob, TEXT("a-0"), NULL, &contacts[1], found));
  world_end(world);
}

static void entries_per_commit_and_the_queue_are_bounded(void **state)
{
  struct world *world = world_start();
  struct kt_log_status status;
  (void)state;
  world_close(world);
  world->options.limits.entries_max = 1;
  world->options.limits.queue_max = 100;
  world_open(world);
  insert_labels(world, 256, "a"); /* waits for room by itself */
  kt_log_status(world->log, &status);
  assert_true(status.n_commits >= 3);
  assert_int_equal(status.n_queued, 0);
  assert_int_equal(status.n_inserted, 256);
  world_end(world);
}

static void count_done(void *ctx, const struct kt_log_outcome *outcome)
{
  size_t *n = ctx;
  *n += outcome->err == KT_OK;
}

/* A set of almost the largest size. */
static struct kt_bytes large_set(struct world *world, const struct person *person)
{
  static const uint8_t key[40000];
  const struct kt_device_key keys[] = { { KT_KEY_RAW, { key, sizeof key } } };
  const struct kt_device device = { .keys = keys, .n_keys = 1 };
  struct kt_device_set set = { .label = person->label, .devices = &device, .n_devices = 1 };
  struct kt_bytes value = { 0 };
  kt_config_log_id(&world->config, &set.log_id);
  assert_int_equal(kt_device_set_encode(&set, &world->arena, &value), KT_OK);
  return value;
}

static void a_full_queue_is_busy(void **state)
{
  struct world *world = world_start();
  size_t n_done = 0;
  (void)state;
  world_close(world);
  world->options.limits.queue_max = 1;
  world_open(world);
  struct kt_log_pending *pending[2];
  for (size_t i = 0; i < 2; i++) {
    struct person *person = person_new(world, i == 0 ? "a" : "b", 1);
    world_ok(world, kt_log_operator_prepare(world->reader, person->label, NULL, person_set(world, person, 1, false),
                                            &pending[i], &world->problem));
  }
  assert_int_equal(kt_log_submit(world->log, pending[0], count_done, &n_done, &world->problem), KT_OK);
  assert_int_equal(kt_log_submit(world->log, pending[1], count_done, &n_done, &world->problem), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "busy");
  assert_true(world->problem.retry);
  world_end(world); /* closing drains the queue */
}

/* Small and large updates count by the memory they hold; one alone may always wait. */
static void a_queue_of_large_updates_is_busy(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct person *big = person_new(world, "big", 12);
  struct person *const people[] = { big, alice, bob };
  struct kt_log_pending *pending[3];
  size_t n_done = 0;
  (void)state;
  world_close(world);
  world->options.limits.queue_bytes = 40000; /* less than the large one */
  world_open(world);
  for (size_t i = 0; i < 3; i++) {
    struct kt_bytes value = people[i] == big ? large_set(world, big) : person_set(world, people[i], 1, false);
    world_ok(world,
             kt_log_operator_prepare(world->reader, people[i]->label, NULL, value, &pending[i], &world->problem));
  }
  world_ok(world, kt_log_submit(world->log, pending[0], count_done, &n_done, &world->problem));
  assert_int_equal(kt_log_submit(world->log, pending[1], count_done, &n_done, &world->problem), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "busy");
  assert_true(world->problem.retry);
  kt_log_step(world->log);
  assert_int_equal(n_done, 1);
  world_ok(world, kt_log_submit(world->log, pending[2], count_done, &n_done, &world->problem)); /* room again */
  kt_log_step(world->log);
  assert_int_equal(n_done, 2);
  world_end(world);
}

/* An update of 128 sets does not keep the memory of judging them while it waits. */
static void judging_leaves_nothing_behind(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct person *later = person_copy(world, alice);
  struct kt_bytes values[128];
  struct kt_log_pending *pending;
  size_t n_bytes = 0;
  (void)state;
  for (size_t i = 0; i < 128; i++) {
    values[i] = person_set(world, later, 40, true);
    person_logged(world, later, values[i]);
    n_bytes += values[i].len;
  }
  const struct kt_update_request request = { .label = alice->label, .values = values, .n_values = 128 };
  world_ok(world, kt_log_update_prepare(world->reader, &request, (struct kt_bytes){ 0 }, &pending, &world->problem));
  assert_in_range(kt_arena_held(&pending->arena), n_bytes, n_bytes + 128 * 512 + 65536);
  kt_log_pending_free(pending);
  world_end(world);
}

/* Two updates that build on the same version: the first is inserted, the second answered with it. */
static void the_second_of_two_is_not_inserted(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct kt_log_pending *pending[2];
  struct kt_log_outcome outcomes[2];
  (void)state;
  for (uint8_t i = 0; i < 2; i++) {
    struct kt_bytes value = person_set(world, alice, (uint8_t)(i + 1), true);
    const struct kt_update_request request = { .label = alice->label, .values = &value, .n_values = 1 };
    world_ok(world,
             kt_log_update_prepare(world->reader, &request, (struct kt_bytes){ 0 }, &pending[i], &world->problem));
  }
  kt_log_insert(world->log, pending, 2, outcomes);
  assert_int_equal(outcomes[0].err, KT_OK);
  assert_true(outcomes[0].inserted);
  assert_int_equal(outcomes[1].err, KT_OK);
  assert_false(outcomes[1].inserted);
  assert_int_equal(world_size(world), 2);
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(s12_guard_ahead_of_the_database),
    cmocka_unit_test(s12_guard_contradicts_the_database),
    cmocka_unit_test(s12_guard_that_is_an_old_copy),
    cmocka_unit_test(a_missing_guard_has_to_be_accepted),
    cmocka_unit_test(a_guard_behind_the_database_is_brought_up),
    cmocka_unit_test(create_refuses_what_exists),
    cmocka_unit_test(timestamps_never_go_back),
    cmocka_unit_test(heartbeats_keep_the_log_fresh),
    cmocka_unit_test(a_log_that_stood_still_starts_fresh),
    cmocka_unit_test(a_full_store_is_told_and_survived),
    cmocka_unit_test(an_unknown_commit_stops_the_signing),
    cmocka_unit_test(a_failing_guard_stops_the_signing),
    cmocka_unit_test(a_full_guard_is_told_and_survived),
    cmocka_unit_test(a_busy_store_is_told_and_survived),
    cmocka_unit_test(an_unusable_store_stops_the_signing),
    cmocka_unit_test(a_failing_checkpoint_stops_the_signing),
    cmocka_unit_test(batches_split_at_255_leaves),
    cmocka_unit_test(entries_per_commit_and_the_queue_are_bounded),
    cmocka_unit_test(a_full_queue_is_busy),
    cmocka_unit_test(a_queue_of_large_updates_is_busy),
    cmocka_unit_test(judging_leaves_nothing_behind),
    cmocka_unit_test(the_second_of_two_is_not_inserted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
