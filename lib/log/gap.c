/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the log has run without a break for a while, by the timestamps of its entries. A running log adds an entry at
 * least every max_behind; neighbours further apart mean that it stood still or that its clock jumped ahead, and which
 * of the two nobody can tell at once. Only what happened within the last reasonable monitoring window matters, so
 * entries are looked at once each, from left to right, beginning there. */
#include "log/engine.h"

#define STEP_READS 4096 /* some milliseconds */

static uint64_t window_start_ms(const struct kt_log *log)
{
  uint64_t window_ms = log->options.config->reasonable_monitoring_window;
  return log->tip.timestamp_ms > window_ms ? log->tip.timestamp_ms - window_ms : 0;
}

static enum kt_err timestamp_of(const struct kt_log *log, uint64_t pos, uint64_t *ret_ms)
{
  struct kt_store_entry entry;
  enum kt_err err = kt_store_get_entry(log->writer, pos, &entry);
  if (err != KT_OK) {
    return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
  }
  *ret_ms = entry.timestamp_ms;
  return KT_OK;
}

/* Go on from the last entry that is not in the window; timestamps never decrease. */
static enum kt_err skip_old(const struct kt_log *log, struct kt_log_gap *gap)
{
  uint64_t start_ms = window_start_ms(log);
  uint64_t boundary = atomic_load(&log->pruned.boundary);
  uint64_t low = gap->pos > boundary ? gap->pos : boundary;
  uint64_t high = log->tip.size;
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    uint64_t ms = 0;
    enum kt_err err = timestamp_of(log, middle, &ms);
    if (err != KT_OK) {
      return err;
    }
    if (ms <= start_ms) {
      low = middle;
    } else {
      high = middle;
    }
  }
  uint64_t low_ms = 0;
  enum kt_err err = timestamp_of(log, low, &low_ms);
  if (err == KT_OK) {
    gap->pos = low;
    gap->pos_ms = low_ms;
    gap->has_begun = true;
  }
  return err;
}

enum kt_err kt_log_gap_look(const struct kt_log *log, struct kt_log_gap *gap, bool *ret_more)
{
  enum kt_err err = gap->has_begun && gap->pos_ms > window_start_ms(log) ? KT_OK : skip_old(log, gap);
  for (unsigned n = 0; err == KT_OK && n < STEP_READS && gap->pos + 1 < log->tip.size; n++) {
    uint64_t ms = 0;
    err = timestamp_of(log, gap->pos + 1, &ms);
    if (err == KT_OK) {
      if (ms - gap->pos_ms > log->options.config->max_behind) {
        gap->end_ms = ms;
        gap->length_ms = ms - gap->pos_ms;
      }
      gap->pos++;
      gap->pos_ms = ms;
    }
  }
  *ret_more = err == KT_OK && gap->pos + 1 < log->tip.size;
  return err;
}

bool kt_log_gap_is_recent(const struct kt_log *log, const struct kt_log_gap *gap)
{
  return gap->length_ms > 0 && log->tip.timestamp_ms - gap->end_ms < log->options.config->reasonable_monitoring_window;
}
