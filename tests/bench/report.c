/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct bench_row *bench_report_find(const struct bench_report *report, size_t size, const char *key)
{
  for (size_t i = 0; i < report->n; i++) {
    if (report->rows[i].size == size && strcmp(report->rows[i].key, key) == 0) {
      return &report->rows[i];
    }
  }
  return NULL;
}

static bool is_rate(const struct bench_row *row)
{
  size_t len = strlen(row->unit);
  return len > 2 && strcmp(row->unit + len - 2, "/s") == 0;
}

static double ratio(const struct bench_row *row)
{
  return row->value / row->bound;
}

static bool has_cadence(const struct bench_row *row)
{
  return strncmp(row->key, "cadence-", 8) == 0;
}

static bool has_bound(const struct bench_row *row)
{
  return row->bound > 0;
}

static bool has_verdict(const struct bench_row *row)
{
  return has_bound(row) && row->limit > 0;
}

static bool holds(const struct bench_row *row)
{
  return is_rate(row) ? ratio(row) >= row->limit : ratio(row) <= row->limit;
}

/* Four significant digits at least, so that small and large figures stay readable. */
static const char *number(double value, char ret_text[static 32])
{
  (void)snprintf(ret_text, 32, value >= 1000 ? "%.0f" : value >= 10 ? "%.1f" : "%.3f", value);
  return ret_text;
}

static void print_row(const struct bench_row *row)
{
  char value[32];
  char bound[32];
  char text[96];
  int n = snprintf(text, sizeof text, "%s, cadence %u ms", row->text, row->cadence_ms);
  (void)printf("  %-76s %9s %s", n > 0 && has_cadence(row) ? text : row->text, number(row->value, value), row->unit);
  if (has_bound(row)) {
    (void)printf(", bound %s, ratio %.2f", number(row->bound, bound), ratio(row));
  }
  if (has_verdict(row)) {
    (void)printf(", demanded %s %.2f: %s", is_rate(row) ? ">=" : "<=", row->limit,
                 holds(row) ? "holds" : "DOES NOT HOLD");
  }
  (void)printf("\n");
  (void)fflush(stdout);
}

void bench_report_add(struct bench_report *report, const struct bench_row *row)
{
  if (report->n == BENCH_ROWS_MAX) {
    bench_die("too many rows");
  }
  report->rows[report->n++] = *row;
  print_row(row);
}

size_t bench_report_count(const struct bench_report *report, bool held)
{
  size_t n = 0;
  for (size_t i = 0; i < report->n; i++) {
    n += has_verdict(&report->rows[i]) && holds(&report->rows[i]) == held ? 1 : 0;
  }
  return n;
}

/* --- growth ---------------------------------------------------------------------------------------------------------- */

#define GROWTH_DEMANDED_FROM \
  1000000 /* below it caches of the processor hold the tree, or parts of it; shown, not judged */

struct growth {
  const char *key;
  const char *growth_key;
  const char *text;
  bool is_count; /* of nodes or hashes, which follow from the depth of the trees */
};

static const struct growth grown[] = {
  { "search-cpu", "growth-search", "growth: server CPU per lookup", false },
  { "registration-cpu", "growth-registration", "growth: server CPU per registration", false },
  { "audit-cpu", "growth-audit", "growth: CPU per audited leaf", false },
  { "search-hashes", "growth-search-hashes", "growth: tree nodes in a search response", true },
  { "audit-hashes", "growth-audit-hashes", "growth: hashes per audited leaf", true },
};

static void compare_sizes(struct bench_report *report, const struct growth *what, size_t small, size_t large)
{
  const struct bench_row *before = bench_report_find(report, small, what->key);
  const struct bench_row *after = bench_report_find(report, large, what->key);
  if (before == NULL || after == NULL) {
    return;
  }
  double depths = log2((double)large) / log2((double)small);
  const struct bench_row row = {
    .size = large,
    .key = what->growth_key,
    .text = what->text,
    .unit = after->unit,
    .value = after->value,
    .bound = what->is_count ? before->value * depths * depths : before->value,
    .limit = small < GROWTH_DEMANDED_FROM ? 0
             : what->is_count             ? 1.1
                                          : 2,
    .formula = what->is_count ? "of the size before, times the square of the ratio of the trees' depths (log2)"
                              : "of the size before",
  };
  bench_report_add(report, &row);
}

void bench_report_growth(struct bench_report *report, const struct bench_options *options)
{
  for (size_t i = 1; i < options->n_sizes; i++) {
    for (size_t k = 0; k < sizeof grown / sizeof grown[0] && options->sizes[i - 1] < options->sizes[i]; k++) {
      compare_sizes(report, &grown[k], options->sizes[i - 1], options->sizes[i]);
    }
  }
}

/* --- JSON -------------------------------------------------------------------------------------------------------------- */

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
  if (has_cadence(row)) {
    json_object_set_new(object, "cadence_ms", json_integer(row->cadence_ms));
  }
  if (has_bound(row)) {
    json_object_set_new(object, "bound", json_real(row->bound));
    json_object_set_new(object, "ratio", json_real(ratio(row)));
    json_object_set_new(object, "formula", json_string(row->formula));
  }
  if (has_verdict(row)) {
    json_object_set_new(object, "demanded", json_string(is_rate(row) ? ">=" : "<="));
    json_object_set_new(object, "limit", json_real(row->limit));
    json_object_set_new(object, "holds", json_boolean(holds(row)));
  }
  return object;
}

/* The processor, as the kernel names it. */
static const char *machine(char ret_text[static 128])
{
  static const char name[] = "model name";
  FILE *file = fopen("/proc/cpuinfo", "re");
  const char *found = NULL;
  while (file != NULL && found == NULL && fgets(ret_text, 128, file) != NULL) {
    char *colon = strncmp(ret_text, name, sizeof name - 1) == 0 ? strchr(ret_text, ':') : NULL;
    found = colon != NULL ? colon + 2 : NULL;
    ret_text[strcspn(ret_text, "\n")] = '\0';
  }
  if (file != NULL) {
    (void)fclose(file);
  }
  return found != NULL ? found : "unknown processor";
}

void bench_report_write_json(const struct bench_report *report, const struct bench_options *options)
{
  char text[128];
  json_t *object = json_object();
  json_t *rows = json_array();
  for (size_t i = 0; i < report->n; i++) {
    json_array_append_new(rows, row_json(&report->rows[i]));
  }
  json_object_set_new(object, "schema", json_string("kt.bench/2"));
  json_object_set_new(object, "time_ms", json_integer((json_int_t)bench_unix_ms()));
  json_object_set_new(object, "machine", json_string(machine(text)));
  if (options->note != NULL) {
    json_object_set_new(object, "note", json_string(options->note));
  }
  json_object_set_new(object, "cores", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
  json_object_set_new(object, "seconds", json_real(options->seconds));
  json_object_set_new(object, "connections", json_integer((json_int_t)options->connections));
  json_object_set_new(object, "rows", rows);
  int written = json_dump_file(object, options->json, JSON_INDENT(2));
  json_decref(object);
  if (written != 0) {
    bench_die("%s cannot be written", options->json);
  }
}
