/* SPDX-License-Identifier: Apache-2.0 */
#include "report_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void kt_report_time(uint64_t time_ms, char ret_text[static KT_TIME_SIZE])
{
  time_t seconds = (time_t)(time_ms / 1000);
  struct tm local;
  struct tm utc;
  char here[24];
  char zone[16];
  char there[12];
  if (localtime_r(&seconds, &local) == NULL || gmtime_r(&seconds, &utc) == NULL) {
    snprintf(ret_text, KT_TIME_SIZE, "%" PRIu64 " ms", time_ms);
    return;
  }
  if (strftime(here, sizeof here, "%Y-%m-%d %H:%M:%S", &local) == 0 || strftime(zone, sizeof zone, "%Z", &local) == 0 ||
      strftime(there, sizeof there, "%H:%M:%S", &utc) == 0) {
    snprintf(ret_text, KT_TIME_SIZE, "%" PRIu64 " ms", time_ms);
  } else if (strcmp(zone, "UTC") == 0) {
    snprintf(ret_text, KT_TIME_SIZE, "%s UTC", here);
  } else {
    snprintf(ret_text, KT_TIME_SIZE, "%s %s (%s UTC)", here, zone, there);
  }
}
