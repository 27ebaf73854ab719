/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

#include "json/builder.h"

static const char *verdict_of(int code)
{
  switch (code) {
  case KT_EXIT_DONE: return "done";
  case KT_EXIT_FAILED: return "failed";
  case KT_EXIT_USAGE: return "usage";
  default: return "undecided";
  }
}

/* Stable words for scripts. */
static const char *reason_of(enum kt_err err)
{
  static const char *const words[] = {
    [KT_OK] = "ok",
    [KT_ERR_FORMAT] = "format",
    [KT_ERR_PROOF] = "damaged",
    [KT_ERR_STALE] = "stale",
    [KT_ERR_ABSENT] = "absent",
    [KT_ERR_EXPIRED] = "expired",
    [KT_ERR_UNDETERMINED] = "busy",
    [KT_ERR_DENIED] = "denied",
    [KT_ERR_CONFLICT] = "conflict",
    [KT_ERR_LIMIT] = "limit",
    [KT_ERR_USAGE] = "usage",
    [KT_ERR_UNSUPPORTED] = "unsupported",
    [KT_ERR_MEMORY] = "memory",
    [KT_ERR_STORE] = "store",
    [KT_ERR_CRYPTO] = "crypto",
  };
  return words[err];
}

static int print_object(const struct kt_verb *verb, int code, json_t *fields)
{
  json_t *object = json_pack("{s:s++, s:s}", "schema", "kt.server.", verb->name, "/1", "verdict", verdict_of(code));
  char *text = NULL;
  if (object != NULL && fields != NULL && json_object_update(object, fields) == 0) {
    text = kt_json_dump(object, JSON_COMPACT);
  }
  json_decref(object);
  json_decref(fields);
  if (text == NULL) {
    kt_say("out of memory");
    return KT_EXIT_UNDECIDED;
  }
  bool written = printf("%s\n", text) >= 0 && fflush(stdout) == 0;
  free(text);
  return written ? code : KT_EXIT_UNDECIDED;
}

int kt_report_failure(const struct kt_verb *verb, bool as_json, json_t *fields, enum kt_err err,
                      const struct kt_error *error)
{
  int code = kt_report(err, error);
  if (!as_json) {
    json_decref(fields);
    return code;
  }
  json_t *reason = json_pack("{s:s, s:o}", "code", reason_of(err), "text", kt_json_lossy(error->text));
  json_t *all = fields != NULL ? fields : json_object();
  (void)json_object_set_new(all, "reason", reason);
  return print_object(verb, code, all);
}

int kt_report_json(const struct kt_verb *verb, json_t *fields)
{
  return print_object(verb, KT_EXIT_DONE, fields);
}
