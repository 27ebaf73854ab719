/* SPDX-License-Identifier: Apache-2.0 */
/* update-label: a device set that the operator brings in for one label. */
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "account/utf8.h"
#include "json/device_set.h"
#include "report.h"

/* The file's object, checked, with the label in it. A reference for the caller. */
static enum kt_err read_item(const char *label, const char *file, json_t **ret_item, struct kt_error *error)
{
  json_error_t json_error;
  struct kt_arena arena;
  struct kt_json_provision provision;
  char why[KT_JSON_TEXT_SIZE];
  struct kt_bytes label_bytes = { (const uint8_t *)label, strlen(label) };
  if (label_bytes.len == 0 || label_bytes.len > KT_LABEL_MAX || !kt_utf8_is_valid(label_bytes)) {
    return kt_error_set(error, KT_ERR_USAGE, "a label is 1 to %d bytes of UTF-8", KT_LABEL_MAX);
  }
  json_t *item = json_load_file(file, JSON_REJECT_DUPLICATES, &json_error);
  if (item == NULL && json_error.line < 0) { /* it was not read at all */
    return kt_error_set(error, KT_ERR_USAGE, "%s", json_error.text);
  }
  if (item == NULL) {
    return kt_error_set(error, KT_ERR_USAGE, "%s:%d:%d: %s", file, json_error.line, json_error.column, json_error.text);
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_json_provision_read(item, label_bytes, &arena, &provision, why);
  kt_arena_release(&arena);
  if (err == KT_OK && json_object_set_new(item, "label", json_string(label)) != 0) {
    err = KT_ERR_MEMORY;
    (void)snprintf(why, sizeof why, "%s", kt_err_text(err));
  }
  if (err != KT_OK) {
    json_decref(item);
    return kt_error_set(error, err, "%s: %s", file, why);
  }
  *ret_item = item;
  return KT_OK;
}

static int show_result(const struct kt_verb *verb, const char *label, const json_t *result, bool as_json)
{
  const char *word = json_string_value(json_object_get(result, "result"));
  const char *text = json_string_value(json_object_get(result, "text"));
  if (word == NULL || strcmp(word, "inserted") != 0) {
    struct kt_error error;
    (void)kt_error_set(&error, KT_ERR_UNDETERMINED, "%s: %s", label, text != NULL ? text : "no result");
    return kt_report_failure(verb, as_json, NULL, KT_ERR_UNDETERMINED, &error);
  }
  if (as_json) {
    return kt_report_json(verb,
                          json_pack("{s:s, s:O, s:O}", "label", label, "version", json_object_get(result, "version"),
                                    "position", json_object_get(result, "position")));
  }
  (void)printf("%s: version %" JSON_INTEGER_FORMAT " in log entry %" JSON_INTEGER_FORMAT "\n", label,
               json_integer_value(json_object_get(result, "version")),
               json_integer_value(json_object_get(result, "position")));
  return KT_EXIT_DONE;
}

int kt_verb_update_label(const struct kt_verb *verb, int argc, char **argv)
{
  const char *arguments[3] = { NULL, NULL, NULL };
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  struct kt_error error;
  json_t *item = NULL;
  json_t *response = NULL;
  if (kt_cli_parse(verb, argc, argv, options, 1, arguments, 3) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  enum kt_err err = read_item(arguments[1], arguments[2], &item, &error);
  if (err != KT_OK) {
    return kt_report_failure(verb, as_json, NULL, err, &error);
  }
  err = kt_admin_ask(arguments[0], json_pack("{s:s, s:o}", "op", "insert", "item", item), NULL, &response, &error);
  const json_t *result = json_object_get(response, "result");
  int code = err == KT_OK ? show_result(verb, arguments[1], result, as_json)
                          : kt_report_failure(verb, as_json, NULL, err, &error);
  json_decref(response);
  return code;
}
