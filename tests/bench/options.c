/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define FULL_S 2
#define LABELS_MIN 64
#define LABELS_MAX 99999999

void bench_options_usage(void)
{
  (void)fprintf(stderr,
                "usage: kt-bench [OPTION…] [SIZE…]\n"
                "  --dir FOLDER       keep the logs there and use those that are there; its file system is measured\n"
                "  --json FILE        the figures as JSON\n"
                "  --seconds S        bound of one measurement (2)\n"
                "  --connections N    of registrations (256)\n"
                "  --warm N           labels with stored VRF proofs that are looked up (a tenth, at\n"
                "                     least 50000, at most half); all of them: first lookups\n"
                "                     are not measured, and disk is the folder itself\n"
                "  --cadences MS,…    cadences to register with (0,50,250,1000)\n"
                "  --parts PART,…     search, update, audit, register, restart (all of them)\n"
                "  --profile FOLDER   record every hot path with perf\n"
                "  --note TEXT        kept in the JSON\n"
                "  --server FILE      kt-server\n"
                "  --verify FILE      kt-verify\n"
                "SIZE is a number of labels, 10000 and 100000 unless told.\n");
}

size_t bench_rounds(const struct bench_options *options, size_t n)
{
  size_t fewer = (size_t)((double)n * options->seconds / FULL_S);
  return fewer >= n ? n : fewer < 2 ? 2 : fewer;
}

static bool take_number(const char *text, size_t min, size_t max, size_t *ret_number)
{
  char *end;
  unsigned long long number = strtoull(text, &end, 10);
  if (end == text || *end != '\0' || number < min || number > max) {
    return false;
  }
  *ret_number = (size_t)number;
  return true;
}

static bool take_cadences(struct bench_options *options, const char *text)
{
  options->n_cadences = 0;
  for (const char *at = text; options->n_cadences < BENCH_CADENCES_MAX; at++) {
    char *end;
    unsigned long ms = strtoul(at, &end, 10);
    if (end == at || ms > 3600000 || (*end != ',' && *end != '\0')) {
      return false;
    }
    options->cadences_ms[options->n_cadences++] = (unsigned)ms;
    if (*end == '\0') {
      return true;
    }
    at = end;
  }
  return false;
}

static bool take_seconds(struct bench_options *options, const char *text)
{
  char *end;
  options->seconds = strtod(text, &end);
  return *end == '\0' && options->seconds > 0 && options->seconds <= 600;
}

static bool take_parts(struct bench_options *options, const char *text)
{
  static const char *const names[] = { "search", "update", "audit", "register", "restart" };
  const size_t n_names = sizeof names / sizeof names[0];
  options->parts = 0;
  for (const char *at = text;; at++) {
    size_t len = strcspn(at, ",");
    size_t i = 0;
    while (i < n_names && (strlen(names[i]) != len || memcmp(names[i], at, len) != 0)) {
      i++;
    }
    if (i == n_names) {
      return false;
    }
    options->parts |= 1U << i;
    at += len;
    if (*at == '\0') {
      return true;
    }
  }
}

static bool take_file(struct bench_options *options, const char *name, const char *value)
{
  const struct {
    const char *name;
    const char **to;
  } files[] = {
    { "--server", &options->server }, { "--verify", &options->verify }, { "--dir", &options->folder },
    { "--json", &options->json },     { "--note", &options->note },     { "--profile", &options->profile },
  };
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    if (strcmp(name, files[i].name) == 0) {
      *files[i].to = value;
      return true;
    }
  }
  return false;
}

static bool take_option(struct bench_options *options, const char *name, const char *value)
{
  if (strcmp(name, "--seconds") == 0) {
    return take_seconds(options, value);
  }
  if (strcmp(name, "--connections") == 0) {
    return take_number(value, 4, BENCH_CONNECTIONS_MAX, &options->connections);
  }
  if (strcmp(name, "--warm") == 0) {
    return take_number(value, 32, LABELS_MAX, &options->n_warm);
  }
  if (strcmp(name, "--cadences") == 0) {
    return take_cadences(options, value);
  }
  if (strcmp(name, "--parts") == 0) {
    return take_parts(options, value);
  }
  return take_file(options, name, value);
}

bool bench_options_parse(int argc, char **argv, struct bench_options *options)
{
  bool ok = true;
  for (int i = 1; ok && i < argc; i++) {
    if (argv[i][0] == '-') {
      ok = i + 1 < argc && take_option(options, argv[i], argv[i + 1]);
      i++;
    } else {
      ok = options->n_sizes < BENCH_SIZES_MAX &&
           take_number(argv[i], LABELS_MIN, LABELS_MAX, &options->sizes[options->n_sizes++]);
    }
  }
  if (ok && options->n_sizes == 0) {
    options->sizes[options->n_sizes++] = 10000;
    options->sizes[options->n_sizes++] = 100000;
  }
  return ok;
}
