/* SPDX-License-Identifier: Apache-2.0 */
/* trail: print and check what operators did. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/noun.h"
#include "folder.h"
#include "report.h"
#include "trail.h"
#include "units.h"

/* 2026-11-22T01:23:45.678Z  start          done     uid 0 */
static void print_line(void *ctx, const char *line)
{
  char time[KT_TIME_TEXT_SIZE];
  const char *action = NULL;
  const char *result = NULL;
  json_int_t time_ms = 0;
  json_int_t n = 0;
  json_int_t uid = 0;
  json_t *record = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
  (void)ctx;
  if (json_unpack(record, "{s:I, s:s, s:s, s:I, s:I}", "time_ms", &time_ms, "action", &action, "result", &result, "n",
                  &n, "uid", &uid) == 0) {
    kt_time_text((uint64_t)time_ms, time);
    (void)printf("%s  %-16s %-8s uid %" JSON_INTEGER_FORMAT, time, action, result, uid);
    if (n > 0) {
      (void)printf("  n %" JSON_INTEGER_FORMAT, n);
    }
    (void)printf("\n");
  }
  json_decref(record);
}

static void collect_line(void *ctx, const char *line)
{
  (void)json_array_append_new(ctx, json_loads(line, JSON_REJECT_DUPLICATES, NULL));
}

static int show(const struct kt_verb *verb, json_t *records, const struct kt_trail_end *end)
{
  if (records != NULL) {
    return kt_report_json(verb, json_pack("{s:O, s:{s:I, s:s}}", "records", records, "last", "seq",
                                          (json_int_t)end->seq, "hash", end->hash));
  }
  (void)printf("%" PRIu64 " %s, each follows from the one before it; the last one's hash:\n%s\n", end->seq,
               kt_noun(end->seq, "line", "lines"), end->hash);
  kt_say("a trail that was cut off at its end looks whole: compare the last line with a hash that was kept elsewhere");
  return KT_EXIT_DONE;
}

int kt_verb_trail(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  struct kt_trail_end end;
  struct kt_error error;
  if (kt_cli_parse(verb, argc, argv, options, 1, &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  json_t *records = as_json ? json_array() : NULL;
  enum kt_err err = kt_folder_check_log(dir, &error);
  if (err == KT_OK) {
    err = kt_trail_read(dir, as_json ? collect_line : print_line, records, &end, &error);
  }
  int code = KT_EXIT_DONE;
  if (err == KT_OK) {
    code = show(verb, records, &end);
  } else {
    json_t *fields = as_json ? json_pack("{s:O}", "records", records) : NULL;
    code = kt_report_failure(verb, as_json, fields, err, &error);
  }
  json_decref(records);
  return code;
}
