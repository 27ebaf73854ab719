/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured, line by line on standard output and as JSON: each figure beside its bound from the same run, and whether the figure
 * keeps within what docs/performance.md demands of it.
 *
 * The ratio is figure / bound. A rate (unit "…/s") holds when the ratio is at least the limit, everything else when it is
 * at most the limit. Strings are static or live as long as the report. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"

#define BENCH_ROWS_MAX 1024

struct bench_row {
  size_t size;      /* labels in the log; 0: of the machine */
  const char *key;  /* stable name in the JSON */
  const char *text; /* what it is */
  const char *unit;
  double value;
  double bound;        /* same unit; 0: none */
  double limit;        /* of value / bound; 0: no verdict */
  const char *formula; /* what the bound is; NULL: none */
  unsigned cadence_ms; /* of rows that are there once for each cadence */
};

struct bench_report {
  struct bench_row rows[BENCH_ROWS_MAX];
  size_t n;
};

void bench_report_add(struct bench_report *report, const struct bench_row *row);
/* NULL when there is none. */
const struct bench_row *bench_report_find(const struct bench_report *report, size_t size, const char *key);
/* The rows that compare each size with the one before it. */
void bench_report_growth(struct bench_report *report, const struct bench_options *options);
/* Verdicts that came out so. */
size_t bench_report_count(const struct bench_report *report, bool held);
/* bench_die when it cannot be written. */
void bench_report_write_json(const struct bench_report *report, const struct bench_options *options);

#endif
