/* SPDX-License-Identifier: Apache-2.0 */
/* The watch on the clock: steps, jumps there and back, at the start and while it runs, at both ends of the number
 * range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "log/clock.h"

#define MINUTE ((int64_t)60 * 1000)
#define DAY (24 * 60 * MINUTE)
#define YEAR (365 * DAY)
#define START ((uint64_t)1795000000000) /* 2026 */
#define YEAR_2106 ((uint64_t)4294967296000)

static const struct kt_log_clock_rules rules = { .jump_ms = 10 * MINUTE, .gap_ms = YEAR, .max_ahead_ms = 5 * MINUTE };

struct play {
  struct kt_log_clock clock;
  struct kt_log_clock_reading now;
  uint64_t newest_ms;
};

/* A log whose newest entry is a minute old, looked at once. */
static void begin(struct play *play)
{
  *play = (struct play){ .now = { START, 77 }, .newest_ms = START - MINUTE };
  assert_int_equal(kt_log_clock_look(&play->clock, &rules, play->now, play->newest_ms), KT_LOG_CLOCK_RIGHT);
}

/* Time passes, and then the clock is set by so much. */
static enum kt_log_clock_state pass(struct play *play, int64_t ms, int64_t step_ms)
{
  play->now.elapsed_ms += (uint64_t)ms;
  play->now.wall_ms += (uint64_t)(ms + step_ms);
  enum kt_log_clock_state state = kt_log_clock_look(&play->clock, &rules, play->now, play->newest_ms);
  if (state == KT_LOG_CLOCK_RIGHT && play->now.wall_ms > play->newest_ms) {
    play->newest_ms = play->now.wall_ms;
  }
  return state;
}

static void jumps_there_and_back(void **state)
{
  const int64_t jumps[] = {
    -DAY, DAY, YEAR, -YEAR, 11 * MINUTE, -11 * MINUTE, -(int64_t)START, (int64_t)(YEAR_2106 - START)
  };
  (void)state;
  for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
    struct play play;
    begin(&play);
    for (int round = 0; round < 3; round++) {
      assert_int_equal(pass(&play, 1000, jumps[i]), KT_LOG_CLOCK_JUMPED);
      for (int second = 0; second < 100; second++) { /* nor does it become right with time */
        assert_int_equal(pass(&play, DAY, 0), KT_LOG_CLOCK_JUMPED);
      }
      assert_int_equal(pass(&play, 1000, -jumps[i]), KT_LOG_CLOCK_RIGHT);
    }
  }
}

static void small_steps(void **state)
{
  struct play play;
  (void)state;
  begin(&play);
  assert_int_equal(pass(&play, 1000, -1000), KT_LOG_CLOCK_RIGHT);
  assert_int_equal(pass(&play, 1000, 2 * MINUTE), KT_LOG_CLOCK_RIGHT);
  assert_int_equal(pass(&play, DAY, 0), KT_LOG_CLOCK_RIGHT);
  /* what NTP slews is forgotten as it happens; what is added up faster is a jump in pieces */
  for (int second = 0; second < 100000; second++) {
    assert_int_equal(pass(&play, second % 2 == 0 ? 10000 : 200, second % 2 == 0 ? 5 : 0), KT_LOG_CLOCK_RIGHT);
  }
  assert_true(play.clock.drift_ms < MINUTE);
  for (int i = 0; i < 1000000; i++) { /* looks that are closer together than what is forgotten at once */
    assert_int_equal(pass(&play, 250, i % 8 == 0 ? 1 : 0), KT_LOG_CLOCK_RIGHT);
  }
  assert_true(play.clock.drift_ms < MINUTE);
  int n = 0;
  while (pass(&play, 1000, MINUTE) == KT_LOG_CLOCK_RIGHT) {
    n++;
  }
  assert_int_equal(n, 10);
}

static void the_word_of_a_person(void **state)
{
  struct play play;
  (void)state;
  begin(&play);
  assert_int_equal(pass(&play, 1000, DAY), KT_LOG_CLOCK_JUMPED);
  kt_log_clock_accept(&play.clock);
  assert_int_equal(pass(&play, 1000, 0), KT_LOG_CLOCK_RIGHT);
  assert_int_equal(pass(&play, 1000, -DAY), KT_LOG_CLOCK_JUMPED);
  kt_log_clock_accept(&play.clock); /* an entry of tomorrow was signed: nobody's word changes that */
  assert_int_equal(pass(&play, 1000, 0), KT_LOG_CLOCK_JUMPED);
  assert_int_equal(pass(&play, 1000, DAY), KT_LOG_CLOCK_RIGHT);
  assert_int_equal(pass(&play, 1000, -DAY), KT_LOG_CLOCK_JUMPED);
  assert_int_equal(pass(&play, DAY - 4 * MINUTE, 0), KT_LOG_CLOCK_JUMPED);
  kt_log_clock_accept(&play.clock);
  assert_int_equal(pass(&play, 1000, 0), KT_LOG_CLOCK_RIGHT);
}

/* A clock that was wrong from the start has nothing to jump from: it may be set right. */
static void wrong_at_the_start(void **state)
{
  const uint64_t walls[] = { 0, 1000, START - (uint64_t)DAY, START + 2 * (uint64_t)YEAR, YEAR_2106, UINT64_MAX };
  (void)state;
  for (size_t i = 0; i < sizeof walls / sizeof walls[0]; i++) {
    struct play play = { .now = { walls[i], 5 }, .newest_ms = START };
    enum kt_log_clock_state expected = walls[i] < START ? KT_LOG_CLOCK_BEHIND : KT_LOG_CLOCK_AHEAD;
    assert_int_equal(kt_log_clock_look(&play.clock, &rules, play.now, play.newest_ms), expected);
    assert_int_equal(kt_log_clock_look(&play.clock, &rules, play.now, play.newest_ms), expected);
    if (expected == KT_LOG_CLOCK_BEHIND) { /* nobody's word helps, nor does it make the wrong time one to jump from */
      kt_log_clock_accept(&play.clock);
      assert_int_equal(kt_log_clock_look(&play.clock, &rules, play.now, play.newest_ms), expected);
    }
    play.now.wall_ms = START + (uint64_t)MINUTE;
    assert_int_equal(kt_log_clock_look(&play.clock, &rules, play.now, play.newest_ms), KT_LOG_CLOCK_RIGHT);
    assert_int_equal(pass(&play, 1000, DAY), KT_LOG_CLOCK_JUMPED);
  }
}

static void after_a_long_rest(void **state)
{
  struct play play = { .now = { START, 5 }, .newest_ms = START - 2 * (uint64_t)YEAR };
  (void)state;
  assert_int_equal(kt_log_clock_look(&play.clock, &rules, play.now, play.newest_ms), KT_LOG_CLOCK_AHEAD);
  kt_log_clock_accept(&play.clock);
  assert_int_equal(pass(&play, 1000, 0), KT_LOG_CLOCK_RIGHT);
}

static void without_rules_everything_is_believed(void **state)
{
  const struct kt_log_clock_rules none = { .max_ahead_ms = 1 };
  struct kt_log_clock clock = { .is_trusted = false };
  (void)state;
  for (uint64_t wall_ms = 1; wall_ms != 0; wall_ms *= 2) {
    const struct kt_log_clock_reading now = { wall_ms, 0 };
    assert_int_equal(kt_log_clock_look(&clock, &none, now, START), KT_LOG_CLOCK_RIGHT);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(jumps_there_and_back), cmocka_unit_test(small_steps),
    cmocka_unit_test(the_word_of_a_person), cmocka_unit_test(wrong_at_the_start),
    cmocka_unit_test(after_a_long_rest),    cmocka_unit_test(without_rules_everything_is_believed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
