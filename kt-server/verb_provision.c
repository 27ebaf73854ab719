/* SPDX-License-Identifier: Apache-2.0 */
/* import and update-label: device sets that the operator brings in. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "account/utf8.h"
#include "json/builder.h"
#include "json/device_set.h"
#include "report.h"

#define BATCH_ITEMS 128
#define BATCH_BYTES ((size_t)4 << 20)
#define LINE_MAX_LEN ((size_t)1 << 20)
#define REFUSALS_MAX 1000 /* in the JSON object; the rest is counted */

/* --- import ------------------------------------------------------------------------------------------------------------ */

struct import {
  const char *file;
  struct kt_admin admin;
  bool is_terminal;
  uint64_t n_lines; /* lines with an object, of the whole file */
  uint64_t n_inserted;
  uint64_t n_unchanged;
  uint64_t n_refused;
  json_t *refusals; /* for --json; NULL otherwise */
  /* What goes out with the next request, and the lines it came from. */
  json_t *items;
  size_t items_bytes;
  uint64_t line_of[BATCH_ITEMS];
};

/* One line of the file that is not blank; false ends the reading. */
typedef bool (*line_handler)(struct import *import, uint64_t line, json_t *object, size_t len);

static void complain(struct import *import, uint64_t line, const char *text)
{
  kt_say("%s:%" PRIu64 ": %s", import->file, line, text);
  import->n_refused++;
  if (import->refusals != NULL && import->n_refused <= REFUSALS_MAX) {
    (void)json_array_append_new(import->refusals,
                                json_pack("{s:I, s:o}", "line", (json_int_t)line, "text", kt_json_lossy(text)));
  }
}

static bool is_blank(const char *line)
{
  return line[strspn(line, " \t\r\n")] == '\0';
}

/* The object of a line; a reference for the caller. NULL: said why. */
static json_t *parse_line(struct import *import, uint64_t number, const char *line, size_t len)
{
  json_error_t error;
  if (len > LINE_MAX_LEN) {
    complain(import, number, "the line is longer than 1 MiB");
    return NULL;
  }
  json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
  if (object == NULL) {
    char text[240];
    (void)snprintf(text, sizeof text, "column %d: %s", error.column, error.text);
    complain(import, number, text);
  }
  return object;
}

static enum kt_err for_each_line(struct import *import, line_handler handler, struct kt_error *error)
{
  FILE *file = fopen(import->file, "re");
  char *line = NULL;
  size_t size = 0;
  bool more = true;
  if (file == NULL) {
    return kt_error_set(error, KT_ERR_USAGE, "%s: %s", import->file, strerror(errno));
  }
  for (uint64_t number = 1; more; number++) {
    ssize_t len = getline(&line, &size, file);
    if (len < 0) {
      break;
    }
    json_t *object = is_blank(line) ? NULL : parse_line(import, number, line, (size_t)len);
    more = object == NULL || handler(import, number, object, (size_t)len);
    json_decref(object);
  }
  enum kt_err err = ferror(file) != 0 ? kt_error_set(error, KT_ERR_STORE, "%s: reading failed", import->file) : KT_OK;
  free(line);
  (void)fclose(file);
  return err;
}

/* First pass: is every line good? */
static bool check_line(struct import *import, uint64_t line, json_t *object, size_t len)
{
  struct kt_arena arena;
  struct kt_json_provision provision;
  char why[KT_JSON_TEXT_SIZE];
  (void)len;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  if (kt_json_provision_read(object, (struct kt_bytes){ 0 }, &arena, &provision, why) != KT_OK) {
    complain(import, line, why);
  }
  import->n_lines++;
  kt_arena_release(&arena);
  return true;
}

static void count_result(struct import *import, uint64_t line, const json_t *result)
{
  const char *word = json_string_value(json_object_get(result, "result"));
  const char *text = json_string_value(json_object_get(result, "text"));
  if (word != NULL && strcmp(word, "inserted") == 0) {
    import->n_inserted++;
  } else if (word != NULL && strcmp(word, "unchanged") == 0) {
    import->n_unchanged++;
  } else {
    complain(import, line, text != NULL ? text : "no result");
  }
}

static enum kt_err send_batch(struct import *import, struct kt_error *error)
{
  json_t *response = NULL;
  size_t n = json_array_size(import->items);
  json_t *request = json_pack("{s:s, s:b, s:o}", "op", "provision", "skip_unchanged", 1, "items", import->items);
  import->items = json_array();
  import->items_bytes = 0;
  enum kt_err err = kt_admin_call(&import->admin, request, &response, error);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    count_result(import, import->line_of[i], json_array_get(json_object_get(response, "results"), i));
  }
  json_decref(request);
  json_decref(response);
  if (import->is_terminal) {
    (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " labels", import->n_inserted + import->n_unchanged,
                  import->n_lines);
  }
  return err;
}

/* Second pass. */
static bool import_line(struct import *import, uint64_t line, json_t *object, size_t len)
{
  struct kt_error error;
  size_t n = json_array_size(import->items);
  import->line_of[n] = line;
  import->items_bytes += len;
  (void)json_array_append(import->items, object);
  if (n + 1 < BATCH_ITEMS && import->items_bytes < BATCH_BYTES) {
    return true;
  }
  if (send_batch(import, &error) != KT_OK) {
    complain(import, line, error.text);
    return false;
  }
  return true;
}

static enum kt_err import_all(struct import *import, struct kt_error *error)
{
  enum kt_err err = for_each_line(import, check_line, error);
  if (err != KT_OK) {
    return err;
  }
  if (import->n_refused > 0) {
    return kt_error_set(error, KT_ERR_USAGE, "%s: nothing was imported", import->file);
  }
  err = for_each_line(import, import_line, error);
  if (err == KT_OK && import->n_refused == 0) {
    err = send_batch(import, error);
  }
  if (import->is_terminal) {
    (void)fputc('\n', stderr);
  }
  if (err == KT_OK && import->n_refused > 0) {
    err = kt_error_set(error, KT_ERR_UNDETERMINED, "%s: %" PRIu64 " lines were not imported", import->file,
                       import->n_refused);
  }
  return err;
}

static int show_import(const struct kt_verb *verb, const struct import *import, enum kt_err err,
                       const struct kt_error *error)
{
  json_t *view = NULL;
  if (import->refusals != NULL) {
    view = json_pack("{s:I, s:I, s:I, s:O}", "inserted", (json_int_t)import->n_inserted, "unchanged",
                     (json_int_t)import->n_unchanged, "refused", (json_int_t)import->n_refused, "refusals",
                     import->refusals);
  } else if (err == KT_OK || import->n_inserted + import->n_unchanged > 0) {
    (void)printf("inserted %" PRIu64 ", unchanged %" PRIu64 ", refused %" PRIu64 "\n", import->n_inserted,
                 import->n_unchanged, import->n_refused);
  }
  if (err != KT_OK) {
    return kt_report_failure(verb, import->refusals != NULL, view, err, error);
  }
  return import->refusals != NULL ? kt_report_json(verb, view) : KT_EXIT_DONE;
}

int kt_verb_import(const struct kt_verb *verb, int argc, char **argv)
{
  const char *arguments[2] = { NULL, NULL };
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  struct import import = { .is_terminal = isatty(STDERR_FILENO) != 0 };
  struct kt_error error;
  if (kt_cli_parse(verb, argc, argv, options, 1, arguments, 2) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  import.file = arguments[1];
  import.items = json_array();
  import.refusals = as_json ? json_array() : NULL;
  enum kt_err err = kt_admin_open(&import.admin, arguments[0], &error);
  if (err == KT_OK) {
    err = import_all(&import, &error);
  }
  int code = show_import(verb, &import, err, &error);
  kt_admin_close(&import.admin);
  json_decref(import.refusals);
  json_decref(import.items);
  return code;
}

/* --- update-label -------------------------------------------------------------------------------------------------------- */

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
  struct kt_admin admin;
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
  json_t *request = json_pack("{s:s, s:b, s:[o]}", "op", "provision", "skip_unchanged", 0, "items", item);
  err = kt_admin_open(&admin, arguments[0], &error);
  if (err == KT_OK) {
    err = kt_admin_call(&admin, request, &response, &error);
  }
  const json_t *result = json_array_get(json_object_get(response, "results"), 0);
  int code = err == KT_OK ? show_result(verb, arguments[1], result, as_json)
                          : kt_report_failure(verb, as_json, NULL, err, &error);
  kt_admin_close(&admin);
  json_decref(request);
  json_decref(response);
  return code;
}
