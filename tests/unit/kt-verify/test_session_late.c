/* SPDX-License-Identifier: Apache-2.0 */
/* Who was away as long as the log keeps entries, by this machine's clock: no window of a configuration makes it wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session.h"

#define MINUTE UINT64_C(60000)

static bool is_late(uint64_t away_ms, uint64_t ahead_ms, uint64_t behind_ms, const uint64_t *lifetime_ms)
{
  struct kt_session *session = calloc(1, sizeof *session);
  assert_non_null(session);
  session->config.max_ahead = ahead_ms;
  session->config.max_behind = behind_ms;
  session->config.has_maximum_lifetime = lifetime_ms != NULL;
  session->config.maximum_lifetime = lifetime_ms != NULL ? *lifetime_ms : 0;
  bool late = kt_session_is_late(session, kt_now_ms() - away_ms);
  free(session);
  return late;
}

static void test_windows_count_as_time_away(void **context)
{
  const uint64_t lifetime = 100 * MINUTE;
  (void)context;
  assert_true(is_late(100 * MINUTE, 0, 0, &lifetime));
  assert_false(is_late(80 * MINUTE, 5 * MINUTE, 10 * MINUTE, &lifetime));
  assert_true(is_late(80 * MINUTE, 10 * MINUTE, 10 * MINUTE, &lifetime));
  assert_false(is_late(80 * MINUTE, 5 * MINUTE, 10 * MINUTE, NULL));
}

static void test_no_sum_wraps(void **context)
{
  const uint64_t lifetime = 100 * MINUTE;
  const uint64_t longest = UINT64_MAX;
  (void)context;
  assert_true(is_late(MINUTE, UINT64_MAX, 1, &lifetime));
  assert_true(is_late(MINUTE, 1, UINT64_MAX, &lifetime));
  assert_true(is_late(MINUTE, UINT64_MAX, UINT64_MAX, &lifetime));
  assert_true(is_late(200 * MINUTE, UINT64_MAX, UINT64_MAX, &lifetime));
  assert_false(is_late(MINUTE, MINUTE, MINUTE, &longest));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_windows_count_as_time_away),
    cmocka_unit_test(test_no_sum_wraps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
