/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

void bench_report_add(struct bench_report *report, const struct bench_row *row)
{
  if (report->n == BENCH_ROWS_MAX) {
    bench_die("too many rows");
  }
  report->rows[report->n++] = *row;
  (void)fprintf(stderr, "  %-52s %12.2f %s\n", row->text, row->value, row->unit);
}

static bool is_rate(const struct bench_row *row)
{
  size_t len = strlen(row->unit);
  return len > 2 && strcmp(row->unit + len - 2, "/s") == 0;
}

static double ratio(const struct bench_row *row)
{
  return is_rate(row) ? row->base / row->value : row->value / row->base;
}

static bool has_ratio(const struct bench_row *row)
{
  return row->base > 0 && row->value > 0;
}

/* Four significant digits at least, so that small and large figures stay readable. */
static const char *number(double value, char ret_text[static 32])
{
  (void)snprintf(ret_text, 32, value >= 1000 ? "%.0f" : value >= 10 ? "%.1f" : "%.3f", value);
  return ret_text;
}

static void print_head(size_t size)
{
  if (size == 0) {
    (void)printf("\n### Primitives\n\n| primitive | cost | unit |\n|---|---:|---|\n");
  } else {
    (void)printf("\n### %zu labels\n\n| figure | value | unit | primitives | ratio | primitives are |\n"
                 "|---|---:|---|---:|---:|---|\n",
                 size);
  }
}

static void print_row(const struct bench_row *row)
{
  char value[32];
  char base[32] = "";
  char times[32] = "";
  (void)number(row->value, value);
  if (row->size == 0) {
    (void)printf("| %s | %s | %s |\n", row->text, value, row->unit);
    return;
  }
  if (has_ratio(row)) {
    (void)number(row->base, base);
    (void)snprintf(times, sizeof times, "%.2f", ratio(row));
  }
  (void)printf("| %s | %s | %s | %s | %s | %s |\n", row->text, value, row->unit, base, times,
               row->formula != NULL ? row->formula : "");
}

void bench_report_print(const struct bench_report *report)
{
  for (size_t i = 0; i < report->n; i++) {
    if (i == 0 || report->rows[i].size != report->rows[i - 1].size) {
      print_head(report->rows[i].size);
    }
    print_row(&report->rows[i]);
  }
}

static json_t *row_json(const struct bench_row *row)
{
  json_t *object = json_object();
  if (row->size > 0) {
    json_object_set_new(object, "labels", json_integer((json_int_t)row->size));
  }
  json_object_set_new(object, "name", json_string(row->key));
  json_object_set_new(object, "text", json_string(row->text));
  json_object_set_new(object, "unit", json_string(row->unit));
  json_object_set_new(object, "value", json_real(row->value));
  if (has_ratio(row)) {
    json_object_set_new(object, "primitives", json_real(row->base));
    json_object_set_new(object, "ratio", json_real(ratio(row)));
    json_object_set_new(object, "formula", json_string(row->formula));
  }
  return object;
}

void bench_report_write_json(const struct bench_report *report, const struct bench_options *options)
{
  json_t *object = json_object();
  json_t *rows = json_array();
  for (size_t i = 0; i < report->n; i++) {
    json_array_append_new(rows, row_json(&report->rows[i]));
  }
  json_object_set_new(object, "schema", json_string("kt.bench/1"));
  json_object_set_new(object, "seconds", json_real(options->seconds));
  json_object_set_new(object, "connections", json_integer(BENCH_CONNECTIONS));
  json_object_set_new(object, "rows", rows);
  int written = json_dump_file(object, options->json, JSON_INDENT(2));
  json_decref(object);
  if (written != 0) {
    bench_die("%s cannot be written", options->json);
  }
}
