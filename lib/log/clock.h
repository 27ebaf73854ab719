/* SPDX-License-Identifier: Apache-2.0 */
/* Is the clock to be believed? A timestamp that was signed too far in the future can never be taken back: every
 * later one is at least as large, and clients refuse them all until that time has come. So before an entry is
 * formed the clock is compared with the time that has really passed, and with the newest entry. Times are
 * milliseconds; wall_ms is Unix time.
 *
 * A clock that is right is corrected in small steps. They are added up, and forgotten slowly, so that no sequence of
 * steps leads further than a single one may. What is found wrong stays wrong until the clock is right again by itself,
 * or a person says that the new time is the right one (kt_log_clock_accept). */
#ifndef KT_LOG_CLOCK_H
#define KT_LOG_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum kt_log_clock_state {
  KT_LOG_CLOCK_RIGHT,
  KT_LOG_CLOCK_JUMPED, /* away from the time that passed */
  KT_LOG_CLOCK_BEHIND, /* the newest entry is further in its future than clients would accept */
  KT_LOG_CLOCK_AHEAD,  /* at the start: the newest entry is longer ago than a log stands still */
};

struct kt_log_clock_rules {
  uint64_t jump_ms;      /* the largest difference that is tolerated */
  uint64_t gap_ms;       /* between the newest entry and the start; both 0: everything is believed */
  uint64_t max_ahead_ms; /* the Configuration's */
};

struct kt_log_clock_reading {
  uint64_t wall_ms;
  uint64_t elapsed_ms; /* of a clock that nobody sets, from any beginning */
};

/* All zero before the first look. */
struct kt_log_clock {
  enum kt_log_clock_state state;
  struct kt_log_clock_reading last;
  bool is_trusted; /* it was right once, so that it can jump */
  bool is_accepted;
  uint64_t forgot_at_ms; /* drift was forgotten up to this elapsed_ms */
  int64_t drift_ms;      /* of the wall clock against the time that passed, the small steps of the past forgotten */
};

/* newest_ms: timestamp of the newest entry. */
enum kt_log_clock_state kt_log_clock_look(struct kt_log_clock *clock, const struct kt_log_clock_rules *rules,
                                          struct kt_log_clock_reading now, uint64_t newest_ms);
/* What it shows at the next look is right, unless the newest entry is too far in its future. */
void kt_log_clock_accept(struct kt_log_clock *clock);

#endif
