/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, sizes and numbers as operators and queries write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "units.h"

static void durations(void **state)
{
  static const struct {
    const char *text;
    uint64_t ms;
  } good[] = {
    { "0", 0 },          { "0s", 0 },       { "250ms", 250 },
    { "30s", 30000 },    { "10m", 600000 }, { "24h", 86400000 },
    { "7d", 604800000 }, { "007s", 7000 },  { "9223372036854775807ms", INT64_MAX },
  };
  const char *why = NULL;
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    uint64_t ms = 1;
    assert_int_equal(kt_duration_parse(good[i].text, &ms, &why), KT_OK);
    assert_true(ms == good[i].ms);
  }
}

static void bad_durations_say_why(void **state)
{
  static const char *const bad[] = { "", "24", "h", "-1s", "+1s", " 1s", "1s ", "1 s", "1.5h", "1S", "1h30m", "0x1s" };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    const char *why = NULL;
    uint64_t ms = 77;
    assert_int_equal(kt_duration_parse(bad[i], &ms, &why), KT_ERR_FORMAT);
    assert_non_null(why);
    assert_true(ms == 77);
  }
}

static void too_large_is_a_limit(void **state)
{
  const char *why = NULL;
  uint64_t value = 77;
  (void)state;
  assert_int_equal(kt_duration_parse("9223372036854775808ms", &value, &why), KT_ERR_LIMIT);
  assert_int_equal(kt_duration_parse("106751991168d", &value, &why), KT_ERR_LIMIT);
  assert_int_equal(kt_size_parse("8589934592GiB", &value, &why), KT_ERR_LIMIT);
  /* Over 64 bits the digits themselves are refused. */
  assert_int_equal(kt_duration_parse("18446744073709551616ms", &value, &why), KT_ERR_FORMAT);
  assert_true(value == 77);
}

static void sizes(void **state)
{
  const char *why = NULL;
  uint64_t bytes = 0;
  (void)state;
  assert_int_equal(kt_size_parse("4096", &bytes, &why), KT_OK);
  assert_true(bytes == 4096);
  assert_int_equal(kt_size_parse("64KiB", &bytes, &why), KT_OK);
  assert_true(bytes == 65536);
  assert_int_equal(kt_size_parse("1GiB", &bytes, &why), KT_OK);
  assert_true(bytes == 1073741824);
  assert_int_equal(kt_size_parse("1MB", &bytes, &why), KT_ERR_FORMAT);
  assert_int_equal(kt_size_parse("1 KiB", &bytes, &why), KT_ERR_FORMAT);
}

static void numbers(void **state)
{
  static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x10", "1e3", "18446744073709551616" };
  uint64_t number = 0;
  (void)state;
  assert_int_equal(kt_number_parse("18446744073709551615", &number), KT_OK);
  assert_true(number == UINT64_MAX);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(kt_number_parse(bad[i], &number), KT_ERR_FORMAT);
  }
}

static void text_is_the_largest_unit(void **state)
{
  char text[KT_DURATION_TEXT_SIZE];
  (void)state;
  kt_duration_text(86400000, text);
  assert_string_equal(text, "1d");
  kt_duration_text(90000, text);
  assert_string_equal(text, "90s");
  kt_duration_text(1500, text);
  assert_string_equal(text, "1500ms");
  kt_duration_text(0, text);
  assert_string_equal(text, "0ms");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(durations),
    cmocka_unit_test(bad_durations_say_why),
    cmocka_unit_test(too_large_is_a_limit),
    cmocka_unit_test(sizes),
    cmocka_unit_test(numbers),
    cmocka_unit_test(text_is_the_largest_unit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
