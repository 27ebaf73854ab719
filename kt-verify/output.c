/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <kt/alert.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "json/builder.h"
#include "report_time.h"

#define FAIL_SIZE 1024

/* Whether something that belongs into the object is missing from it, for want of memory. Members are added in hundreds of
 * places, none of which could say more than this; Jansson's allocator has no context to keep it in. */
static atomic_bool is_incomplete;

static void *json_allocate(size_t size)
{
  void *memory = malloc(size);
  if (memory == NULL) {
    atomic_store(&is_incomplete, true);
  }
  return memory;
}

static bool wants_color(FILE *data, const char *color)
{
  if (color != NULL && strcmp(color, "always") == 0) {
    return true;
  }
  if (color != NULL && strcmp(color, "never") == 0) {
    return false;
  }
  const char *no_color = getenv("NO_COLOR");
  const char *term = getenv("TERM");
  bool refused = (no_color != NULL && no_color[0] != '\0') || (term != NULL && strcmp(term, "dumb") == 0);
  return !refused && isatty(fileno(data)) == 1;
}

bool kt_output_rewrites(const struct kt_output *out)
{
  const char *term = getenv("TERM");
  return isatty(fileno(out->messages)) == 1 && (term == NULL || strcmp(term, "dumb") != 0);
}

void kt_output_init(struct kt_output *out, FILE *data, FILE *messages, const char *color, bool json)
{
  json_set_alloc_funcs(json_allocate, free);
  *out = (struct kt_output){ .data = data,
                             .messages = messages,
                             .json = json,
                             .color = !json && wants_color(data, color),
                             .object = json_object() };
  kt_wrap_init(&out->data_wrap, data, kt_wrap_columns(data));
  kt_wrap_init(&out->messages_wrap, messages, kt_wrap_columns(messages));
}

void kt_output_release(struct kt_output *out)
{
  json_decref(out->object);
  out->object = NULL;
}

void kt_output_data(struct kt_output *out, const char *format, ...)
{
  va_list args;
  if (!out->json) {
    va_start(args, format);
    kt_wrap_print(&out->data_wrap, format, args);
    va_end(args);
  }
}

void kt_output_note(struct kt_output *out, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  kt_wrap_print(&out->messages_wrap, format, args);
  va_end(args);
}

/* Status words and their colours (SGR): green, yellow, red. */
static const struct {
  const char *word;
  const char *verdict;
  const char *sgr;
} statuses[] = {
  [KT_EXIT_OK] = { "VERIFIED", "verified", "32" }, [KT_EXIT_FAILED] = { "FAILED", "failed", "31;1" },
  [KT_EXIT_USAGE] = { "USAGE", "usage", "31" },    [KT_EXIT_UNDECIDED] = { "UNDECIDED", "undecided", "33" },
  [KT_EXIT_ALERT] = { "ALERT", "alert", "31;1" },  [KT_EXIT_ABSENT] = { "ABSENT", "absent", "33" },
};

void kt_output_status(struct kt_output *out, enum kt_exit code, const char *format, ...)
{
  va_list args;
  if (out->json) {
    return;
  }
  const char *word = code == KT_EXIT_OK && !out->verified ? "DONE" : statuses[code].word;
  if (out->color) {
    kt_output_data(out, "\033[%sm%s\033[0m ", statuses[code].sgr, word);
  } else {
    kt_output_data(out, "%s ", word);
  }
  va_start(args, format);
  kt_wrap_print(&out->data_wrap, format, args);
  va_end(args);
  kt_output_data(out, "\n");
}

void kt_output_flush(struct kt_output *out)
{
  kt_wrap_flush(&out->data_wrap);
  kt_wrap_flush(&out->messages_wrap);
}

/* Arguments, paths and words of libraries are in it: it is cleaned as a whole. */
static enum kt_exit fail(struct kt_output *out, enum kt_exit code, const struct kt_reason *reason, const char *raw)
{
  char text[FAIL_SIZE + 8];
  kt_text_clean((struct kt_bytes){ (const uint8_t *)raw, strlen(raw) }, text, sizeof text);
  kt_output_note(out, "kt-verify: %s\n", text);
  if (json_object_get(out->object, "reason") == NULL) {
    json_t *object = json_object();
    json_object_set_new(object, "code", json_string(reason->code));
    json_object_set_new(object, "text", json_string(text));
    if (reason->section != NULL) {
      json_object_set_new(object, "section", json_string(reason->section));
    }
    if (reason->has_position) {
      json_object_set_new(object, "position", json_integer((json_int_t)reason->position));
    }
    json_object_set_new(out->object, "reason", object);
  }
  return code;
}

const char *kt_output_word(const char *label)
{
  return kt_label_is_plain((struct kt_bytes){ (const uint8_t *)label, strlen(label) }) ? label : "LABEL";
}

enum kt_exit kt_output_fail(struct kt_output *out, enum kt_exit code, const char *reason_code, const char *format, ...)
{
  char text[FAIL_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const struct kt_reason reason = { .code = reason_code };
  return fail(out, code, &reason, text);
}

static enum kt_exit exit_of(enum kt_err err)
{
  switch (err) {
  case KT_OK: return KT_EXIT_OK;
  case KT_ERR_FORMAT:
  case KT_ERR_PROOF:
  case KT_ERR_LIMIT: return KT_EXIT_FAILED;
  case KT_ERR_STALE:
  case KT_ERR_EXPIRED:
  case KT_ERR_UNDETERMINED:
  case KT_ERR_CONFLICT:
  case KT_ERR_CRYPTO: /* this machine could not examine it: no verdict about the log */
  case KT_ERR_MEMORY: return KT_EXIT_UNDECIDED;
  case KT_ERR_ABSENT: return KT_EXIT_ABSENT;
  case KT_ERR_DENIED:
  case KT_ERR_USAGE:
  case KT_ERR_UNSUPPORTED:
  case KT_ERR_STORE: return KT_EXIT_USAGE;
  }
  return KT_EXIT_FAILED;
}

bool kt_output_is_refuted(enum kt_err err)
{
  return exit_of(err) == KT_EXIT_FAILED;
}

static int append_times(const struct kt_reason *reason, char *ret_text, size_t size)
{
  char entry[KT_TIME_SIZE];
  char clock[KT_TIME_SIZE];
  kt_report_time(reason->entry_ms, entry);
  kt_report_time(reason->clock_ms, clock);
  return snprintf(ret_text, size,
                  ". The log's newest entry: %s; this machine's clock: %s; they may be %" PRIu64 " s apart", entry,
                  clock, reason->allowed_ms / 1000);
}

enum kt_exit kt_output_fail_reason(struct kt_output *out, enum kt_err err, const struct kt_reason *reason,
                                   const char *what)
{
  char text[FAIL_SIZE];
  struct kt_reason known = *reason;
  if (known.code == NULL) {
    known = (struct kt_reason){ .code = "error", .text = kt_err_text(err) };
  }
  int n = snprintf(text, sizeof text, "%s: %s", what, known.text);
  if (known.has_position && n > 0 && (size_t)n < sizeof text) {
    n += snprintf(text + n, sizeof text - (size_t)n, ", at log entry %" PRIu64, known.position);
  }
  if (known.has_times && n > 0 && (size_t)n < sizeof text) {
    n += append_times(&known, text + n, sizeof text - (size_t)n);
  }
  /* "ours": a rule of this program's own; people need no place in a draft for it. */
  if (known.section != NULL && strcmp(known.section, "ours") != 0 && n > 0 && (size_t)n < sizeof text) {
    snprintf(text + n, sizeof text - (size_t)n, " (check %s; draft section: %s)", known.code, known.section);
  }
  return fail(out, exit_of(err), &known, text);
}

void kt_output_set(struct kt_output *out, const char *name, json_t *value)
{
  if (value != NULL) {
    json_object_set_new(out->object, name, value);
  }
}

void kt_output_append(struct kt_output *out, const char *list, json_t *value)
{
  json_t *array = json_object_get(out->object, list);
  if (array == NULL) {
    array = json_array();
    json_object_set_new(out->object, list, array);
  }
  json_array_append_new(array, value);
}

static json_t *find_check(const struct kt_output *out, const char *name)
{
  const json_t *checks = json_object_get(out->object, "checks");
  for (size_t i = 0; i < json_array_size(checks); i++) {
    json_t *check = json_array_get(checks, i);
    const char *known = json_string_value(json_object_get(check, "name"));
    if (known != NULL && strcmp(known, name) == 0) {
      return check;
    }
  }
  return NULL;
}

void kt_output_check(struct kt_output *out, const char *name, bool ok)
{
  json_t *before = find_check(out, name);
  if (before != NULL) {
    ok = ok && json_is_true(json_object_get(before, "ok"));
    json_object_set_new(before, "ok", json_boolean(ok));
    return;
  }
  json_t *check = json_object();
  json_object_set_new(check, "name", json_string(name));
  json_object_set_new(check, "ok", json_boolean(ok));
  kt_output_append(out, "checks", check);
}

static json_t *encoded(struct kt_bytes bytes, size_t size, size_t (*encode)(struct kt_bytes data, char *ret_text))
{
  char *text = json_allocate(size);
  json_t *value = NULL;
  if (text != NULL) {
    encode(bytes, text);
    value = json_string(text);
  }
  free(text);
  return value;
}

json_t *kt_output_hex(struct kt_bytes bytes)
{
  return encoded(bytes, KT_HEX_SIZE(bytes.len), kt_hex_encode);
}

json_t *kt_output_base64(struct kt_bytes bytes)
{
  return encoded(bytes, KT_BASE64_SIZE(bytes.len), kt_base64_encode);
}

json_t *kt_output_text(struct kt_bytes bytes)
{
  json_t *value = json_stringn((const char *)bytes.data, bytes.len);
  if (value == NULL) { /* not UTF-8 */
    char clean[4 * KT_LABEL_MAX];
    kt_text_clean(bytes, clean, sizeof clean);
    value = json_string(clean);
  }
  return value;
}

const char *kt_output_verdict(const struct kt_output *out, enum kt_exit code)
{
  return code == KT_EXIT_OK && !out->verified ? "done" : statuses[code].verdict;
}

/* "kt.device-add/1" */
static void write_schema(const struct kt_output *out, char *ret_schema, size_t size)
{
  snprintf(ret_schema, size, "kt.%s/1", out->verb != NULL ? out->verb : "usage");
  for (char *c = ret_schema; *c != '\0'; c++) {
    *c = *c == ' ' ? '-' : *c;
  }
}

/* ASCII: labels and names of others must not drive the terminal this may be printed on. NULL: no memory. */
static char *object_text(const struct kt_output *out, enum kt_exit code)
{
  char schema[64];
  write_schema(out, schema, sizeof schema);
  json_t *object = json_object();
  json_object_set_new(object, "schema", json_string(schema));
  json_object_set_new(object, "verdict", json_string(kt_output_verdict(out, code)));
  json_object_update(object, out->object);
  char *text = kt_json_dump(object, JSON_COMPACT | JSON_ENSURE_ASCII);
  json_decref(object);
  if (atomic_load(&is_incomplete)) {
    free(text);
    return NULL;
  }
  return text;
}

/* A list of devices that lacks one would be a lie: then only this is said, and a failure or an alert stays one. */
static enum kt_exit write_object(struct kt_output *out, enum kt_exit code)
{
  char schema[64];
  char *text = object_text(out, code);
  if (text != NULL) {
    fprintf(out->data, "%s\n", text);
    free(text);
    return code;
  }
  code = code == KT_EXIT_FAILED || code == KT_EXIT_ALERT ? code : KT_EXIT_UNDECIDED;
  write_schema(out, schema, sizeof schema);
  fprintf(out->data,
          "{\"schema\":\"%s\",\"verdict\":\"%s\",\"reason\":{\"code\":\"memory\",\"text\":\"there was not enough "
          "memory to say what was found\"}}\n",
          schema, kt_output_verdict(out, code));
  kt_output_note(out, "kt-verify: there was not enough memory to say what was found\n");
  return code;
}

enum kt_exit kt_output_finish(struct kt_output *out, enum kt_exit code)
{
  if (out->json) {
    code = write_object(out, code);
  }
  kt_output_flush(out);
  if (ferror(out->data)) {
    kt_output_note(out, "kt-verify: cannot write to standard output\n");
    return code == KT_EXIT_OK ? KT_EXIT_USAGE : code;
  }
  return code;
}
