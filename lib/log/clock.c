/* SPDX-License-Identifier: Apache-2.0 */
#include "log/clock.h"

#define FORGET_PER 1000 /* a millisecond of drift in this many: twice what NTP slews a clock by */

/* a - b, at most what the type holds. */
static int64_t difference(uint64_t a, uint64_t b)
{
  uint64_t distance = a > b ? a - b : b - a;
  int64_t value = distance > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)distance;
  return a > b ? value : -value;
}

static uint64_t magnitude(int64_t value)
{
  return value < 0 ? (uint64_t)-value : (uint64_t)value;
}

static int64_t bounded(int64_t value)
{
  const int64_t most = INT64_MAX / 4;
  if (value > most) {
    return most;
  }
  return value < -most ? -most : value;
}

/* The drift so far is forgotten while it is small; a jump is not. */
static void forget(struct kt_log_clock *clock, const struct kt_log_clock_rules *rules, uint64_t elapsed_ms)
{
  uint64_t forgotten_ms = (elapsed_ms - clock->forgot_at_ms) / FORGET_PER;
  if (forgotten_ms == 0) {
    return;
  }
  clock->forgot_at_ms = elapsed_ms;
  if (magnitude(clock->drift_ms) > rules->jump_ms) {
    return;
  }
  if (forgotten_ms >= magnitude(clock->drift_ms)) {
    clock->drift_ms = 0;
  } else {
    clock->drift_ms += clock->drift_ms < 0 ? (int64_t)forgotten_ms : -(int64_t)forgotten_ms;
  }
}

static void measure(struct kt_log_clock *clock, const struct kt_log_clock_rules *rules, struct kt_log_clock_reading now)
{
  now.elapsed_ms = now.elapsed_ms > clock->last.elapsed_ms ? now.elapsed_ms : clock->last.elapsed_ms;
  if (clock->is_trusted) {
    forget(clock, rules, now.elapsed_ms);
    int64_t passed_ms = difference(now.elapsed_ms, clock->last.elapsed_ms);
    clock->drift_ms = bounded(clock->drift_ms + bounded(difference(now.wall_ms, clock->last.wall_ms) - passed_ms));
  } else { /* a clock that was never right has nothing to jump from */
    clock->drift_ms = 0;
    clock->forgot_at_ms = now.elapsed_ms;
  }
  clock->last = now;
}

enum kt_log_clock_state kt_log_clock_look(struct kt_log_clock *clock, const struct kt_log_clock_rules *rules,
                                          struct kt_log_clock_reading now, uint64_t newest_ms)
{
  if (rules->jump_ms == 0 && rules->gap_ms == 0) {
    return KT_LOG_CLOCK_RIGHT;
  }
  measure(clock, rules, now);
  bool is_accepted = clock->is_accepted;
  clock->is_accepted = false;
  bool is_behind = newest_ms > now.wall_ms && newest_ms - now.wall_ms > rules->max_ahead_ms;
  if (is_accepted && !is_behind) { /* otherwise nobody's word helps */
    clock->drift_ms = 0;
  }
  if (rules->jump_ms != 0 && magnitude(clock->drift_ms) > rules->jump_ms) {
    clock->state = KT_LOG_CLOCK_JUMPED;
  } else if (is_behind) {
    clock->state = KT_LOG_CLOCK_BEHIND;
  } else if (!clock->is_trusted && !is_accepted && rules->gap_ms != 0 && now.wall_ms > newest_ms &&
             now.wall_ms - newest_ms > rules->gap_ms) {
    clock->state = KT_LOG_CLOCK_AHEAD;
  } else {
    clock->state = KT_LOG_CLOCK_RIGHT;
    clock->is_trusted = true;
  }
  return clock->state;
}

void kt_log_clock_accept(struct kt_log_clock *clock)
{
  clock->is_accepted = true;
}
