/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule of the monitor: bounds for every random number, and both ends of each range are reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schedule.h"

#define S UINT64_C(1000)
#define HOUR (3600 * S)

/* A splitmix64 step: spread over 64 bits, the same in every run. */
static uint64_t next_random(uint64_t *state)
{
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

static void test_interval_give_or_take_an_eighth(void **context)
{
  (void)context;
  uint64_t seed = 1;
  uint64_t low = UINT64_MAX;
  uint64_t high = 0;
  uint64_t sum = 0;
  for (int i = 0; i < 10000; i++) {
    uint64_t delay = kt_schedule_check_ms(HOUR, 0, 0, next_random(&seed));
    low = delay < low ? delay : low;
    high = delay > high ? delay : high;
    sum += delay;
  }
  assert_in_range(low, HOUR * 7 / 8, HOUR * 7 / 8 + 5 * S);
  assert_in_range(high, HOUR * 9 / 8 - 5 * S, HOUR * 9 / 8);
  assert_in_range(sum / 10000, HOUR - 20 * S, HOUR + 20 * S);
  assert_int_equal(kt_schedule_check_ms(HOUR, 0, 0, 0), HOUR * 7 / 8);
  assert_int_equal(kt_schedule_check_ms(HOUR, 0, 0, HOUR / 4), HOUR * 9 / 8);
}

static void test_back_off_doubles_up_to_the_interval(void **context)
{
  (void)context;
  static const uint64_t longest[] = { 30 * S, 60 * S, 120 * S, 240 * S, 480 * S, 960 * S, 1920 * S, HOUR, HOUR };
  uint64_t seed = 2;
  for (uint32_t failures = 1; failures <= 9; failures++) {
    uint64_t max = longest[failures - 1];
    for (int i = 0; i < 1000; i++) {
      assert_in_range(kt_schedule_check_ms(HOUR, failures, 0, next_random(&seed)), max / 2, max);
    }
    assert_int_equal(kt_schedule_check_ms(HOUR, failures, 0, max / 2), max);
  }
  assert_in_range(kt_schedule_check_ms(HOUR, UINT32_MAX, 0, 7), HOUR / 2, HOUR);
  assert_in_range(kt_schedule_check_ms(5 * S, 3, 0, 7), 5 * S / 2,
                  5 * S); /* an interval shorter than the first retry */
}

static void test_retry_after_is_honoured(void **context)
{
  (void)context;
  uint64_t seed = 3;
  for (uint32_t failures = 1; failures < 12; failures++) {
    for (int i = 0; i < 100; i++) {
      assert_in_range(kt_schedule_check_ms(HOUR, failures, 2 * HOUR, next_random(&seed)), 2 * HOUR, 2 * HOUR * 11 / 10);
      assert_true(kt_schedule_check_ms(HOUR, failures, S, next_random(&seed)) >=
                  15 * S); /* a short one shortens nothing */
    }
  }
}

static void test_hook_back_off_ends_at_an_hour(void **context)
{
  (void)context;
  assert_int_equal(kt_schedule_hook_ms(1, 0), 15 * S);
  assert_int_equal(kt_schedule_hook_ms(1, 15 * S), 30 * S);
  assert_int_equal(kt_schedule_hook_ms(2, 30 * S), 60 * S);
  assert_in_range(kt_schedule_hook_ms(100, UINT64_MAX), HOUR / 2, HOUR);
}

static void test_blind_is_longer_than_the_window(void **context)
{
  (void)context;
  assert_int_equal(kt_schedule_blind_ms(1000, 24 * HOUR), 1000 + 24 * HOUR + 1);
  assert_int_equal(kt_schedule_blind_ms(1000, UINT64_MAX - 500), UINT64_MAX);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_interval_give_or_take_an_eighth), cmocka_unit_test(test_back_off_doubles_up_to_the_interval),
    cmocka_unit_test(test_retry_after_is_honoured),         cmocka_unit_test(test_hook_back_off_ends_at_an_hour),
    cmocka_unit_test(test_blind_is_longer_than_the_window),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
