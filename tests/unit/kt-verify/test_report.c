/* SPDX-License-Identifier: Apache-2.0 */
/* Times as a person reads them, and each alert once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "report.h"

static void assert_time(const char *zone, uint64_t time_ms, const char *expected)
{
  char text[KT_TIME_SIZE];
  setenv("TZ", zone, 1);
  tzset();
  kt_report_time(time_ms, text);
  assert_string_equal(text, expected);
}

static void test_time_is_said_once_where_it_is_the_same(void **context)
{
  (void)context;
  assert_time("UTC", 1795292043138, "2026-11-21 20:14:03 UTC");
  assert_time("CET-1", 1795292043138, "2026-11-21 21:14:03 CET (20:14:03 UTC)");
  assert_time("UTC", UINT64_MAX, "18446744073709551615 ms"); /* whoever adds a device claims any time */
}

static void test_an_alert_is_reported_once(void **context)
{
  struct kt_output out;
  struct kt_alert alert = { .kind = KT_ALERT_FORK, .audience = KT_AUDIENCE_ANYONE };
  (void)context;
  kt_output_init(&out, stdout, stderr, "never", true);
  assert_true(kt_report_append_alert(&out, &alert));
  assert_false(kt_report_append_alert(&out, &alert));
  alert.id.b[0] = 1;
  assert_true(kt_report_append_alert(&out, &alert));
  assert_int_equal(json_array_size(json_object_get(out.object, "alerts")), 2);
  kt_output_release(&out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_time_is_said_once_where_it_is_the_same),
    cmocka_unit_test(test_an_alert_is_reported_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
