/* SPDX-License-Identifier: Apache-2.0 */
/* The log's clock, watched (clock.h decides), and what is said of it. */
#include <inttypes.h>
#include <stdio.h>

#include "log/engine.h"

#define READS_MAX 4
#define HELD_UP_MS 20 /* between two looks at a clock, which take a microsecond */

const char *kt_log_clock_code(enum kt_log_clock_state state)
{
  switch (state) {
  case KT_LOG_CLOCK_JUMPED: return "clock-jumped";
  case KT_LOG_CLOCK_BEHIND: return "clock-behind";
  case KT_LOG_CLOCK_AHEAD: return "clock-ahead";
  case KT_LOG_CLOCK_RIGHT: break;
  }
  return NULL;
}

static void explain(const struct kt_log *log, uint64_t now_ms, uint64_t newest_ms, char ret[static KT_LOG_REASON_SIZE])
{
  uint64_t apart_s = (now_ms > newest_ms ? now_ms - newest_ms : newest_ms - now_ms) / 1000;
  switch (log->clock.state) {
  case KT_LOG_CLOCK_JUMPED:
    (void)snprintf(ret, KT_LOG_REASON_SIZE,
                   "the clock jumped by %" PRId64 " s against the time that passed; nothing is added until it is set "
                   "right, or `kt-server accept-clock` says that it is",
                   log->clock.drift_ms / 1000);
    break;
  case KT_LOG_CLOCK_BEHIND:
    (void)snprintf(ret, KT_LOG_REASON_SIZE,
                   "the newest entry is %" PRIu64 " s in the clock's future, and timestamps never go back; nothing is "
                   "added until the clock is set right, or that time has come",
                   apart_s);
    break;
  case KT_LOG_CLOCK_AHEAD:
    (void)snprintf(ret, KT_LOG_REASON_SIZE,
                   "the newest entry is %" PRIu64 " days old; nothing is added until the clock is set right, or "
                   "`kt-server accept-clock` says that it is",
                   apart_s / 86400);
    break;
  case KT_LOG_CLOCK_RIGHT: ret[0] = '\0'; break;
  }
}

/* Both clocks at one moment. A thread may be held up between its looks at the one and the other for any time,
 * and that would be a jump. So the wall clock is read between two looks at the other; what took long is read
 * again, and the best counts. */
static struct kt_log_clock_reading read_clocks(const struct kt_log_options *options)
{
  struct kt_log_clock_reading best = { 0 };
  uint64_t best_ms = UINT64_MAX;
  for (size_t i = 0; i < READS_MAX && best_ms > HELD_UP_MS; i++) {
    uint64_t before_ms = options->elapsed_ms(options->ctx);
    uint64_t wall_ms = options->now_ms(options->ctx);
    uint64_t after_ms = options->elapsed_ms(options->ctx);
    uint64_t took_ms = after_ms > before_ms ? after_ms - before_ms : 0;
    if (took_ms < best_ms) {
      best_ms = took_ms;
      best = (struct kt_log_clock_reading){ .wall_ms = wall_ms, .elapsed_ms = after_ms };
    }
  }
  return best;
}

bool kt_log_look_at_clock(struct kt_log *log, uint64_t *ret_now_ms)
{
  const struct kt_log_options *options = &log->options;
  if (options->elapsed_ms == NULL) {
    *ret_now_ms = options->now_ms(options->ctx);
    return true;
  }
  const struct kt_log_clock_rules rules = { .jump_ms = options->clock_jump_ms,
                                            .gap_ms = options->clock_gap_ms,
                                            .max_ahead_ms = options->config->max_ahead };
  struct kt_log_head head;
  char reason[KT_LOG_REASON_SIZE];
  kt_log_head(log, &head);
  pthread_mutex_lock(&log->clock_lock); /* readings come to the watch in their order */
  const struct kt_log_clock_reading reading = read_clocks(options);
  enum kt_log_clock_state state = kt_log_clock_look(&log->clock, &rules, reading, head.timestamp_ms);
  bool is_news = state != log->told_clock;
  explain(log, reading.wall_ms, head.timestamp_ms, log->clock_reason);
  (void)snprintf(reason, sizeof reason, "%s", log->clock_reason);
  log->told_clock = state;
  pthread_mutex_unlock(&log->clock_lock);
  *ret_now_ms = reading.wall_ms;
  if (is_news && options->clock != NULL) {
    options->clock(options->ctx, state == KT_LOG_CLOCK_RIGHT ? NULL : reason);
  }
  return state == KT_LOG_CLOCK_RIGHT;
}

enum kt_err kt_log_refuse_clock(struct kt_log *log, struct kt_log_problem *problem)
{
  pthread_mutex_lock(&log->clock_lock);
  const char *code = kt_log_clock_code(log->told_clock);
  enum kt_err err = kt_log_retry(problem, KT_ERR_STORE, code != NULL ? code : "clock-jumped", log->clock_reason);
  pthread_mutex_unlock(&log->clock_lock);
  return err;
}
