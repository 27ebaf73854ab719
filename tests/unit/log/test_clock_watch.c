/* SPDX-License-Identifier: Apache-2.0 */
/* Both clocks are read one after the other, and the thread may be held up in between. */
#include "log_test.h"

#define MINUTE_MS ((uint64_t)60000)
#define JUMP_MS (10 * MINUTE_MS)

/* How long the thread is held up after its next looks at the wall clock. */
static uint64_t held_up_ms[8];
static size_t n_looks;
static uint64_t ahead_ms; /* of the wall clock */
static char said[KT_LOG_REASON_SIZE];

static uint64_t read_wall(void *ctx)
{
  struct world *world = ctx;
  uint64_t now_ms = world->now_ms + ahead_ms;
  if (n_looks < sizeof held_up_ms / sizeof held_up_ms[0]) {
    world->now_ms += held_up_ms[n_looks];
  }
  n_looks++;
  return now_ms;
}

static uint64_t read_elapsed(void *ctx)
{
  return world_now(ctx) - 100 * HOUR_MS;
}

static void hear(void *ctx, const char *text)
{
  (void)ctx;
  (void)snprintf(said, sizeof said, "%s", text != NULL ? text : "right");
}

/* An open log that looked at its clock once. */
static struct world *watching(void)
{
  struct world *world = world_new();
  memset(held_up_ms, 0, sizeof held_up_ms);
  ahead_ms = 0;
  n_looks = 0;
  said[0] = '\0';
  world->options.now_ms = read_wall;
  world->options.elapsed_ms = read_elapsed;
  world->options.clock = hear;
  world->options.clock_jump_ms = JUMP_MS;
  world->options.heartbeat_ms = 5 * MINUTE_MS;
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  world_pass(world, 5 * MINUTE_MS);
  assert_int_equal(world_size(world), 2);
  n_looks = 0;
  return world;
}

static void held_up_once(void **state)
{
  struct world *world = watching();
  (void)state;
  held_up_ms[0] = 2 * JUMP_MS;
  world_pass(world, 5 * MINUTE_MS);
  assert_string_equal(said, "");
  assert_int_equal(world_size(world), 3);
  world_pass(world, 5 * MINUTE_MS);
  assert_string_equal(said, "");
  assert_int_equal(world_size(world), 4);
  world_end(world);
}

/* The best of several looks counts, and there is an end to them. */
static void held_up_every_time(void **state)
{
  struct world *world = watching();
  (void)state;
  held_up_ms[0] = 3 * JUMP_MS;
  held_up_ms[1] = 2 * JUMP_MS;
  held_up_ms[2] = MINUTE_MS;
  held_up_ms[3] = 2 * JUMP_MS;
  world_pass(world, 5 * MINUTE_MS);
  assert_string_equal(said, "");
  assert_int_equal(world_size(world), 3);
  assert_true(n_looks <= 12); /* one step looks two or three times */
  world_end(world);
}

static void a_jump_is_one(void **state)
{
  struct world *world = watching();
  (void)state;
  held_up_ms[0] = 2 * JUMP_MS;
  ahead_ms = JUMP_MS + MINUTE_MS;
  world_pass(world, 5 * MINUTE_MS);
  assert_non_null(strstr(said, "the clock jumped by 660 s"));
  assert_int_equal(world_size(world), 2);
  ahead_ms = 0;
  world_pass(world, 5 * MINUTE_MS);
  assert_string_equal(said, "right");
  assert_int_equal(world_size(world), 3);
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(held_up_once),
    cmocka_unit_test(held_up_every_time),
    cmocka_unit_test(a_jump_is_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
