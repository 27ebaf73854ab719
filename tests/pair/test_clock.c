/* SPDX-License-Identifier: Apache-2.0 */
/* The clock's bounds, on both sides and at both ends of the number range (R6, R9). */
#include "pair_test.h"

/* A user who has seen `seen` entries of a one-step-at-a-time log verifies `size` of them at now_ms. */
static enum kt_err verify_at(uint64_t timestamp_ms, uint64_t max_ahead, uint64_t max_behind, bool same, uint64_t now_ms)
{
  const struct toy_params params = { .window = 0, .max_ahead = max_ahead, .max_behind = max_behind };
  const struct toy_query query = { .kind = TOY_DISTINGUISHED };
  static struct toy_log log;
  static struct toy_user user;
  toy_log_init(&log, &params);
  toy_log_append(&log, 0, NULL, 0);
  toy_log_append(&log, timestamp_ms, NULL, 0);
  toy_user_init(&user, &log);
  if (same) {
    toy_user_observe(&user, log.size);
  }
  const struct kt_bytes before = toy_user_encode(&user);
  user.has_now = true;
  user.now_ms = now_ms;
  enum kt_err err = toy_run(&user, log.size, &query);
  if (err != KT_OK) {
    assert_string_equal(user.reason.code, "stale-or-clock");
    toy_assert_bytes_equal(before, toy_user_encode(&user));
  }
  toy_user_release(&user);
  toy_log_release(&log);
  return err;
}

static void test_bounds(void **state)
{
  (void)state;
  for (int same = 0; same <= 1; same++) {
    assert_int_equal(verify_at(5000, 100, 700, same, 5000), KT_OK);
    assert_int_equal(verify_at(5000, 100, 700, same, 4900), KT_OK);
    assert_int_equal(verify_at(5000, 100, 700, same, 4899), KT_ERR_STALE);
    assert_int_equal(verify_at(5000, 100, 700, same, 5700), KT_OK);
    assert_int_equal(verify_at(5000, 100, 700, same, 5701), KT_ERR_STALE);
    assert_int_equal(verify_at(5000, 0, 0, same, 5000), KT_OK);
    assert_int_equal(verify_at(5000, 0, 0, same, 5001), KT_ERR_STALE);
    assert_int_equal(verify_at(5000, 0, 0, same, 4999), KT_ERR_STALE);
  }
}

static void test_nothing_wraps_around(void **state)
{
  (void)state;
  for (int same = 0; same <= 1; same++) {
    assert_int_equal(verify_at(5000, 100, 700, same, 0), KT_ERR_STALE);
    assert_int_equal(verify_at(5000, 100, 700, same, UINT64_MAX), KT_ERR_STALE);
    assert_int_equal(verify_at(50, 100, 700, same, 0), KT_OK);
    assert_int_equal(verify_at(UINT64_MAX, 100, 700, same, UINT64_MAX), KT_OK);
    assert_int_equal(verify_at(UINT64_MAX, 100, 700, same, 0), KT_ERR_STALE);
    assert_int_equal(verify_at(UINT64_MAX - 50, 100, 700, same, UINT64_MAX), KT_OK);
    assert_int_equal(verify_at(5000, UINT64_MAX, UINT64_MAX, same, 0), KT_OK);
    assert_int_equal(verify_at(5000, UINT64_MAX, UINT64_MAX, same, UINT64_MAX), KT_OK);
    assert_int_equal(verify_at(0, UINT64_MAX, 0, same, 0), KT_OK);
    assert_int_equal(verify_at(0, UINT64_MAX, 0, same, 1), KT_ERR_STALE);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_nothing_wraps_around),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
