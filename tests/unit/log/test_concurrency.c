/* SPDX-License-Identifier: Apache-2.0 */
/* Submitting and reading from several threads beside the sequencer; meant for -fsanitize=thread too. */
#include "log_test.h"

#define N_THREADS 4
#define N_ROUNDS 12

struct worker {
  struct world shared; /* a copy whose reader, arena and problem are this thread's own */
  struct world *world;
  pthread_t thread;
  char label[16];
  bool failed;
};

static bool update_once(struct worker *worker, struct person *person, uint8_t n_devices)
{
  struct world *mine = &worker->shared;
  struct kt_update_result *result = update_result_new(mine);
  struct kt_bytes value = person_set(mine, person, n_devices, true);
  return person_try_update(mine, person, &value, 1, (struct kt_bytes){ 0 }, result) == KT_OK && !result->disregarded;
}

static void *work(void *ctx)
{
  struct worker *worker = ctx;
  struct world *mine = &worker->shared;
  struct person *person = person_new(mine, worker->label, 10);
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *found = search_result_new(mine);
  person_own(mine, person, 0);
  for (uint8_t i = 0; i < N_ROUNDS && !worker->failed; i++) {
    worker->failed = !update_once(worker, person, (uint8_t)(i % 3));
    struct kt_log_head head;
    kt_log_head(mine->log, &head);
    enum kt_err err = person_search(mine, person, TEXT("label-0"), NULL, &contact, found);
    worker->failed = worker->failed || (err != KT_OK && err != KT_ERR_ABSENT);
    (void)person_monitor(mine, person);
    (void)person_heads(mine, person);
  }
  return NULL;
}

static void people_at_the_same_time(void **state)
{
  struct world *world = world_start();
  struct worker *workers = calloc(N_THREADS, sizeof *workers);
  struct kt_log_status status;
  (void)state;
  for (size_t i = 0; i < N_THREADS; i++) { /* while no thread writes the original */
    memcpy(&workers[i].shared, world, sizeof *world);
  }
  assert_int_equal(kt_log_start(world->log), KT_OK);
  for (size_t i = 0; i < N_THREADS; i++) {
    struct worker *worker = &workers[i];
    worker->world = world;
    kt_arena_init(&worker->shared.arena, (size_t)1 << 30);
    (void)snprintf(worker->label, sizeof worker->label, "label-%zu", i);
    world_ok(world, kt_log_reader_new(world->log, &worker->shared.reader, &world->problem));
    assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
  }
  for (size_t i = 0; i < N_THREADS; i++) {
    assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    assert_false(workers[i].failed);
    kt_log_reader_free(workers[i].shared.reader);
    kt_arena_release(&workers[i].shared.arena);
  }
  kt_log_status(world->log, &status);
  assert_int_equal(status.n_inserted, N_THREADS * N_ROUNDS);
  assert_int_equal(status.n_queued, 0);
  assert_true(status.n_commits <= N_THREADS * N_ROUNDS);
  free(workers);
  world_end(world);
}

static void count_done(void *ctx, const struct kt_log_outcome *outcome)
{
  _Atomic size_t *n = ctx;
  *n += outcome->err == KT_OK && outcome->inserted;
}

/* What was accepted before the stop is inserted; afterwards nothing is accepted. */
static void stopping_drains(void **state)
{
  struct world *world = world_start();
  _Atomic size_t n_done = 0;
  struct kt_log_pending *pending;
  (void)state;
  world_close(world);
  world->options.cadence_ms = 200;
  world_open(world);
  assert_int_equal(kt_log_start(world->log), KT_OK);
  for (size_t i = 0; i < 20; i++) {
    char *name = kt_arena_alloc(&world->arena, 1, 16);
    (void)snprintf(name, 16, "n%zu", i);
    struct person *person = person_new(world, name, 1);
    world_ok(world, kt_log_operator_prepare(world->reader, person->label, NULL, person_set(world, person, 1, false),
                                            &pending, &world->problem));
    world_ok(world, kt_log_submit(world->log, pending, count_done, &n_done, &world->problem));
  }
  struct person *late = person_new(world, "late", 1);
  world_ok(world, kt_log_operator_prepare(world->reader, late->label, NULL, person_set(world, late, 1, false), &pending,
                                          &world->problem));
  kt_log_stop(world->log);
  assert_int_equal(n_done, 20);
  assert_int_equal(kt_log_submit(world->log, pending, count_done, &n_done, &world->problem), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "stopping");
  world_end(world);
}

static void the_thread_beats(void **state)
{
  struct world *world = world_start();
  (void)state;
  assert_int_equal(kt_log_start(world->log), KT_OK);
  assert_int_equal(kt_log_start(world->log), KT_ERR_USAGE);
  world->now_ms += HOUR_MS;
  for (size_t i = 0; i < 500 && world_size(world) < 2; i++) {
    const struct timespec moment = { .tv_nsec = 10000000 };
    kt_log_wake(world->log);
    (void)nanosleep(&moment, NULL);
  }
  assert_int_equal(world_size(world), 2);
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(people_at_the_same_time),
    cmocka_unit_test(stopping_drains),
    cmocka_unit_test(the_thread_beats),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
