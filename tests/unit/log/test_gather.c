/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit under load: after a commit of several updates the next one waits a little for those that are being
 * prepared, and for nobody else. A commit takes COMMIT_MS here; the next is then held back for REST_MS at most.
 *
 * A loaded machine makes every wait longer, never shorter: what must wait is measured in each round, what must not
 * in the shortest of many. */
#include "log_test.h"

#include <sched.h>

#include "log/engine.h"
#include "store/backend.h"

#define COMMIT_MS 10
#define REST_MS 20
#define LONG_MS 15 /* waiting is longer than this, not waiting is not */
#define ROUNDS 100

static const struct kt_store_ops *real_ops;
static struct kt_store_ops slow_ops;

static struct {
  struct kt_log *log;
  size_t n_first;             /* updates that go into the first commit */
  _Atomic size_t n_commits;   /* begun */
  _Atomic uint64_t second_ms; /* when the second began */
  _Atomic size_t n_done;      /* updates */
  _Atomic uint64_t first_ms;  /* when the first commit was over */
  _Atomic uint32_t n_tokens;
  _Atomic bool has_failed; /* the sequencer's thread cannot end the test */
} play;

static uint64_t monotonic_ms(void)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum kt_err slow_commit(struct kt_store_conn *conn)
{
  const struct timespec pause = { .tv_nsec = COMMIT_MS * 1000000L };
  if (++play.n_commits == 2) {
    play.second_ms = monotonic_ms();
  }
  (void)nanosleep(&pause, NULL);
  return real_ops->commit(conn);
}

/* Registration tokens: the least that a commit can be made of. */
static void submit(size_t n, kt_log_done done)
{
  struct kt_log_problem problem;
  struct kt_log_order orders[2] = { { .pending = NULL } };
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    uint32_t number = ++play.n_tokens;
    err = kt_log_pending_new(KT_LOG_WORK_TOKEN, (struct kt_bytes){ 0 }, &orders[i].pending, &problem);
    if (err == KT_OK) {
      memcpy(orders[i].pending->token_hash.b, &number, sizeof number);
    }
  }
  if (err != KT_OK || kt_log_submit_all(play.log, orders, n, done, &problem) != KT_OK) {
    play.has_failed = true;
  }
}

static void is_done(void *ctx, const struct kt_log_outcome *outcome)
{
  (void)ctx;
  if (outcome->err != KT_OK) {
    play.has_failed = true;
  }
  play.n_done++;
}

/* The sequencer has not looked at the time yet; when it does, this is in the queue. */
static void first_is_done(void *ctx, const struct kt_log_outcome *outcome)
{
  is_done(ctx, outcome);
  if (play.n_done == play.n_first) {
    play.first_ms = monotonic_ms();
    submit(1, is_done);
  }
}

static void begin(size_t n_first)
{
  play.n_first = n_first;
  play.n_commits = 0;
  play.n_done = 0;
  submit(n_first, first_is_done);
}

static void wait_for(size_t n_done)
{
  while (play.n_done < n_done && !play.has_failed) {
    (void)sched_yield();
  }
  assert_false(play.has_failed);
}

static struct world *slow_world(void)
{
  struct world *world = world_start();
  real_ops = world->store->ops;
  slow_ops = *real_ops;
  slow_ops.commit = slow_commit;
  world->store->ops = &slow_ops;
  play.log = world->log;
  play.n_tokens = 0;
  assert_int_equal(kt_log_start(world->log), KT_OK);
  return world;
}

static void slow_world_end(struct world *world)
{
  kt_log_stop(world->log);
  world->store->ops = real_ops;
  world_end(world);
}

/* How long the second commit waited, after a first one of n. */
static uint64_t wait_ms(size_t n)
{
  begin(n);
  wait_for(n + 1);
  assert_int_equal(play.n_commits, 2);
  return play.second_ms - play.first_ms;
}

static void assert_no_wait(size_t n)
{
  uint64_t shortest_ms = UINT64_MAX;
  for (size_t i = 0; i < ROUNDS / 4 && shortest_ms > LONG_MS; i++) {
    uint64_t ms = wait_ms(n);
    shortest_ms = ms < shortest_ms ? ms : shortest_ms;
  }
  assert_true(shortest_ms <= LONG_MS);
}

static void waits_for_who_prepares(void **state)
{
  struct world *world = slow_world();
  (void)state;
  kt_log_updating_begin(world->log);
  for (size_t i = 0; i < 3; i++) {
    assert_true(wait_ms(2) > LONG_MS);
  }
  kt_log_updating_end(world->log);
  slow_world_end(world);
}

static void waits_for_nobody_else(void **state)
{
  struct world *world = slow_world();
  (void)state;
  assert_no_wait(2);
  kt_log_updating_begin(world->log); /* after a commit of one nothing is won by waiting */
  assert_no_wait(1);
  kt_log_updating_end(world->log);
  slow_world_end(world);
}

/* The sequencer waits with one in the queue; false: that was not to be seen. */
static bool sees_it_wait(struct kt_log *log)
{
  bool is_waiting = false;
  while (!is_waiting && play.n_done < 3 && !play.has_failed) {
    pthread_mutex_lock(&log->lock);
    is_waiting = atomic_load(&log->n_awaited) > 0 && log->n_queued == 1;
    pthread_mutex_unlock(&log->lock);
    (void)sched_yield();
  }
  return is_waiting;
}

/* Two went into the first commit; one waits for another, which is ready in time; the two make one commit. */
static void what_comes_meanwhile_goes_along(void **state)
{
  struct world *world = slow_world();
  bool went_along = false;
  (void)state;
  for (size_t i = 0; i < ROUNDS && !went_along; i++) { /* whoever was not given the processor in time tries again */
    size_t n = 3;
    kt_log_updating_begin(world->log);
    begin(2);
    if (sees_it_wait(world->log)) {
      submit(1, is_done);
      n++;
    }
    kt_log_updating_end(world->log);
    wait_for(n);
    went_along = n == 4 && play.n_commits == 2;
  }
  assert_true(went_along);
  slow_world_end(world);
}

/* Between two updates a thread is at work for neither. */
static void a_moment_without_anybody_does_not_end_it(void **state)
{
  const struct timespec moment = { .tv_nsec = 300000L };
  struct world *world = slow_world();
  bool went_on = false;
  (void)state;
  for (size_t i = 0; i < ROUNDS && !went_on; i++) { /* as above: the moment may have been a long one */
    kt_log_updating_begin(world->log);
    begin(2);
    bool is_waiting = sees_it_wait(world->log);
    kt_log_updating_end(world->log);
    (void)nanosleep(&moment, NULL);
    kt_log_updating_begin(world->log);
    wait_for(3);
    kt_log_updating_end(world->log);
    went_on = is_waiting && play.second_ms - play.first_ms > LONG_MS;
  }
  assert_true(went_on);
  slow_world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(waits_for_who_prepares),
    cmocka_unit_test(waits_for_nobody_else),
    cmocka_unit_test(what_comes_meanwhile_goes_along),
    cmocka_unit_test(a_moment_without_anybody_does_not_end_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
