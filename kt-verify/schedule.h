/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again, as plain functions: times in milliseconds, `random` uniform over 64 bits, both passed in.
 *
 * Checks are spread, so that many clients do not come at once and nobody can tell from the minute who asks. */
#ifndef KT_VERIFY_SCHEDULE_H
#define KT_VERIFY_SCHEDULE_H

#include <stdint.h>

/* Until the next check. failures: checks without an answer since the last one with an answer. 0: the interval, give or
 * take an eighth. Otherwise twice as long each time, from 30 s up to the interval, the upper half of it at random.
 * retry_after_ms: what the log asked for; never less than that, and up to a tenth more. */
uint64_t kt_schedule_check_ms(uint64_t interval_ms, uint32_t failures, uint64_t retry_after_ms, uint64_t random);

/* Until a failed hook is called again; failures is at least 1. Twice as long each time, from 30 s up to an hour. */
uint64_t kt_schedule_hook_ms(uint32_t failures, uint64_t random);

/* From when on there was no successful check "for longer than the window". */
uint64_t kt_schedule_blind_ms(uint64_t checked_ms, uint64_t window_ms);

#endif
