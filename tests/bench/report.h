/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured, each figure beside the cost of its primitives from the same run; as a table and as JSON.
 *
 * A ratio says how many times more the figure costs than its primitives: figure / primitives, for rates (unit "…/s")
 * primitives / figure. Strings are static or live as long as the report. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"

#define BENCH_ROWS_MAX 256

struct bench_row {
  size_t size;      /* labels in the log; 0: a primitive */
  const char *key;  /* stable name in the JSON */
  const char *text; /* what it is */
  const char *unit;
  double value;
  double base;         /* of its primitives, same unit; 0: none */
  const char *formula; /* of base; NULL: none */
};

struct bench_report {
  struct bench_row rows[BENCH_ROWS_MAX];
  size_t n;
};

void bench_report_add(struct bench_report *report, const struct bench_row *row);
void bench_report_print(const struct bench_report *report);
/* bench_die when it cannot be written. */
void bench_report_write_json(const struct bench_report *report, const struct bench_options *options);

#endif
