/* SPDX-License-Identifier: Apache-2.0 */
#include "units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct unit {
  const char *name;
  uint64_t factor;
};

/* Ascending, so that unit_text finds the largest last. */
static const struct unit durations[] = {
  { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
};
static const struct unit sizes[] = {
  { "", 1 }, { "B", 1 }, { "KiB", UINT64_C(1) << 10 }, { "MiB", UINT64_C(1) << 20 }, { "GiB", UINT64_C(1) << 30 },
};

#define N_DURATIONS (sizeof durations / sizeof durations[0])
#define N_SIZES (sizeof sizes / sizeof sizes[0])

/* Digits at the front of text; how many, or 0 when there are none or the number is too large. */
static size_t digits(const char *text, uint64_t *ret_number)
{
  uint64_t number = 0;
  size_t n = 0;
  for (; text[n] >= '0' && text[n] <= '9'; n++) {
    uint64_t digit = (uint64_t)(text[n] - '0');
    if (number > (UINT64_MAX - digit) / 10) {
      return 0;
    }
    number = number * 10 + digit;
  }
  *ret_number = number;
  return n;
}

static enum kt_err parse(const char *text, const struct unit *units, size_t n_units, const char *why, uint64_t *ret,
                         const char **ret_why)
{
  uint64_t number = 0;
  size_t n = digits(text, &number);
  for (size_t i = 0; n > 0 && i < n_units; i++) {
    if (strcmp(text + n, units[i].name) != 0) {
      continue;
    }
    if (number > INT64_MAX / units[i].factor) {
      *ret_why = "the number is too large";
      return KT_ERR_LIMIT;
    }
    *ret = number * units[i].factor;
    return KT_OK;
  }
  *ret_why = why;
  return KT_ERR_FORMAT;
}

enum kt_err kt_duration_parse(const char *text, uint64_t *ret_ms, const char **ret_why)
{
  if (strcmp(text, "0") == 0) {
    *ret_ms = 0;
    return KT_OK;
  }
  return parse(text, durations, N_DURATIONS, "a duration is a number and a unit (ms, s, m, h, d), such as 250ms or 24h",
               ret_ms, ret_why);
}

enum kt_err kt_size_parse(const char *text, uint64_t *ret_bytes, const char **ret_why)
{
  return parse(text, sizes, N_SIZES, "a size is a number of bytes, or a number and KiB, MiB or GiB", ret_bytes,
               ret_why);
}

enum kt_err kt_number_parse(const char *text, uint64_t *ret_number)
{
  uint64_t number = 0;
  size_t n = digits(text, &number);
  if (n == 0 || text[n] != '\0') {
    return KT_ERR_FORMAT;
  }
  *ret_number = number;
  return KT_OK;
}

static void unit_text(uint64_t number, const struct unit *units, size_t n, char ret_text[static KT_DURATION_TEXT_SIZE])
{
  size_t i = n - 1;
  while (i > 0 && (number == 0 || number % units[i].factor != 0)) {
    i--;
  }
  (void)snprintf(ret_text, KT_DURATION_TEXT_SIZE, "%" PRIu64 "%s", number / units[i].factor, units[i].name);
}

void kt_duration_text(uint64_t ms, char ret_text[static KT_DURATION_TEXT_SIZE])
{
  unit_text(ms, durations, N_DURATIONS, ret_text);
}

void kt_size_text(uint64_t bytes, char ret_text[static KT_DURATION_TEXT_SIZE])
{
  unit_text(bytes, sizes, N_SIZES, ret_text);
}

void kt_time_text(uint64_t ms, char ret_text[static KT_TIME_TEXT_SIZE])
{
  struct tm parts;
  const time_t seconds = (time_t)(ms / 1000);
  size_t len =
      gmtime_r(&seconds, &parts) != NULL ? strftime(ret_text, KT_TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts) : 0;
  (void)snprintf(ret_text + len, KT_TIME_TEXT_SIZE - len, ".%03uZ", (unsigned)(ms % 1000));
}
