/* SPDX-License-Identifier: Apache-2.0 */
/* A time for people. */
#ifndef KT_VERIFY_REPORT_TIME_H
#define KT_VERIFY_REPORT_TIME_H

#include <stdint.h>

/* "2026-11-21 20:30:12 CET (19:30:12 UTC)" */
#define KT_TIME_SIZE 64
void kt_report_time(uint64_t time_ms, char ret_text[static KT_TIME_SIZE]);

#endif
