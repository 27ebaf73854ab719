/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"

#define FIRST_RETRY_MS 30000
#define HOOK_RETRY_MAX_MS 3600000

/* Uniform over low … low + span. The bias of the remainder is below 2^-20 for spans of years. */
static uint64_t spread(uint64_t low, uint64_t span, uint64_t random)
{
  return low + random % (span + 1);
}

static uint64_t doubled(uint32_t failures, uint64_t max_ms)
{
  uint64_t delay_ms = FIRST_RETRY_MS;
  for (uint32_t i = 1; i < failures && delay_ms < max_ms; i++) {
    delay_ms *= 2;
  }
  return delay_ms < max_ms ? delay_ms : max_ms;
}

uint64_t kt_schedule_check_ms(uint64_t interval_ms, uint32_t failures, uint64_t retry_after_ms, uint64_t random)
{
  uint64_t base_ms = failures > 0 ? doubled(failures, interval_ms) : interval_ms;
  uint64_t delay_ms = failures > 0 ? spread(base_ms - base_ms / 2, base_ms / 2, random)
                                   : spread(base_ms - base_ms / 8, base_ms / 4, random);
  uint64_t asked_ms = retry_after_ms > 0 ? spread(retry_after_ms, retry_after_ms / 10, random) : 0;
  return delay_ms > asked_ms ? delay_ms : asked_ms;
}

uint64_t kt_schedule_hook_ms(uint32_t failures, uint64_t random)
{
  uint64_t base_ms = doubled(failures, HOOK_RETRY_MAX_MS);
  return spread(base_ms - base_ms / 2, base_ms / 2, random);
}

uint64_t kt_schedule_blind_ms(uint64_t checked_ms, uint64_t window_ms)
{
  return checked_ms > UINT64_MAX - window_ms - 1 ? UINT64_MAX : checked_ms + window_ms + 1;
}
