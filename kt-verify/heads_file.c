/* SPDX-License-Identifier: Apache-2.0 */
/* The list of heads that people exchange: text or JSON in, text or JSON out. Read as strictly as a response of the log:
 * it comes from somebody else. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "evidence_store.h"
#include "heads.h"

#define FIRST_LINE "kt-heads/1"
#define FIELDS_MAX 5

/* --- values --------------------------------------------------------------------------------------------------------- */

static bool read_hash(const char *text, struct kt_hash *ret)
{
  size_t len = 0;
  return text != NULL && kt_hex_decode(text, strlen(text), KT_HASH_LEN, ret->b, &len) == KT_OK && len == KT_HASH_LEN;
}

static bool read_hex(const char *text, size_t max, struct kt_arena *arena, struct kt_bytes *ret)
{
  uint8_t *bytes = kt_arena_alloc(arena, 1, max);
  size_t len = 0;
  if (text == NULL || bytes == NULL || kt_hex_decode(text, strlen(text), max, bytes, &len) != KT_OK || len == 0) {
    return false;
  }
  *ret = (struct kt_bytes){ bytes, len };
  return true;
}

static bool add_head(struct kt_heads_file *file, const struct kt_exchanged_head *head)
{
  if (file->n == KT_HEADS_FILE_MAX || head->size == 0) {
    return false;
  }
  file->heads[file->n++] = *head;
  return true;
}

/* --- text ----------------------------------------------------------------------------------------------------------- */

static bool read_head_line(char *const fields[FIELDS_MAX], size_t n, struct kt_heads_file *file)
{
  struct kt_exchanged_head head = { .size = 0 };
  return n == 4 && kt_cli_number(fields[1], INT64_MAX, &head.size) && read_hash(fields[2], &head.root) &&
         kt_cli_number(fields[3], INT64_MAX, &head.timestamp_ms) && add_head(file, &head);
}

static bool read_signed_line(char *const fields[FIELDS_MAX], size_t n, struct kt_arena *arena,
                             struct kt_heads_file *file)
{
  struct kt_exchanged_head head = { .size = 0 };
  return n == 5 && kt_cli_number(fields[1], INT64_MAX, &head.size) && read_hash(fields[2], &head.root) &&
         read_hex(fields[3], KT_SIGNATURE_MAX, arena, &head.signature) &&
         read_hex(fields[4], KT_CONFIG_MAX, arena, &head.config) && add_head(file, &head);
}

static bool read_line(char *line, struct kt_arena *arena, bool *has_log, struct kt_heads_file *file)
{
  char *fields[FIELDS_MAX];
  char *rest = NULL;
  size_t n = 0;
  for (char *field = strtok_r(line, " \t\r", &rest); field != NULL; field = strtok_r(NULL, " \t\r", &rest)) {
    if (n == FIELDS_MAX) {
      return false;
    }
    fields[n++] = field;
  }
  if (n == 0 || fields[0][0] == '#') {
    return true;
  }
  if (strcmp(fields[0], "log") == 0) {
    bool ok = n == 2 && !*has_log && read_hash(fields[1], &file->log_id);
    *has_log = true;
    return ok;
  }
  if (strcmp(fields[0], "head") == 0) {
    return read_head_line(fields, n, file);
  }
  return strcmp(fields[0], "signed") == 0 && read_signed_line(fields, n, arena, file);
}

static bool read_text(char *text, struct kt_arena *arena, struct kt_heads_file *file)
{
  bool has_log = false;
  char *rest = NULL;
  char *line = strtok_r(text, "\n", &rest);
  if (line == NULL || strncmp(line, FIRST_LINE, strlen(FIRST_LINE)) != 0 ||
      strspn(line + strlen(FIRST_LINE), " \t\r") != strlen(line + strlen(FIRST_LINE))) {
    return false;
  }
  while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
    if (!read_line(line, arena, &has_log, file)) {
      return false;
    }
  }
  return has_log;
}

/* --- JSON ----------------------------------------------------------------------------------------------------------- */

static bool read_number(const json_t *object, const char *name, uint64_t *ret)
{
  const json_t *value = json_object_get(object, name);
  if (!json_is_integer(value) || json_integer_value(value) < 0) {
    return false;
  }
  *ret = (uint64_t)json_integer_value(value);
  return true;
}

static bool read_json_head(const json_t *object, bool is_signed, struct kt_arena *arena, struct kt_heads_file *file)
{
  struct kt_exchanged_head head = { .size = 0 };
  bool ok = read_number(object, "size", &head.size) &&
            read_hash(json_string_value(json_object_get(object, "root")), &head.root);
  if (is_signed) {
    ok = ok &&
         read_hex(json_string_value(json_object_get(object, "signature")), KT_SIGNATURE_MAX, arena, &head.signature) &&
         read_hex(json_string_value(json_object_get(object, "config")), KT_CONFIG_MAX, arena, &head.config);
  } else {
    ok = ok && read_number(object, "timestamp_ms", &head.timestamp_ms);
  }
  return ok && add_head(file, &head);
}

static bool read_json_list(const json_t *list, bool is_signed, struct kt_arena *arena, struct kt_heads_file *file)
{
  for (size_t i = 0; i < json_array_size(list); i++) {
    if (!read_json_head(json_array_get(list, i), is_signed, arena, file)) {
      return false;
    }
  }
  return list == NULL || json_is_array(list);
}

static bool read_json(const char *text, struct kt_arena *arena, struct kt_heads_file *file)
{
  json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  const char *schema = json_string_value(json_object_get(object, "schema"));
  bool ok = schema != NULL && (strcmp(schema, "kt.log-head/1") == 0 || strcmp(schema, "kt.log-distinguished/1") == 0) &&
            read_hash(json_string_value(json_object_get(json_object_get(object, "log"), "id")), &file->log_id) &&
            read_json_list(json_object_get(object, "heads"), false, arena, file) &&
            read_json_list(json_object_get(object, "signed"), true, arena, file);
  json_decref(object);
  return ok;
}

enum kt_err kt_heads_file_decode(struct kt_bytes content, struct kt_arena *arena, struct kt_heads_file **ret_file)
{
  struct kt_heads_file *file = kt_arena_alloc(arena, 1, sizeof *file);
  char *text = kt_arena_alloc(arena, 1, content.len + 1); /* zeroed: terminated */
  if (file == NULL || text == NULL) {
    return KT_ERR_MEMORY;
  }
  if (content.len == 0 || memchr(content.data, '\0', content.len) != NULL) {
    return KT_ERR_FORMAT;
  }
  memcpy(text, content.data, content.len);
  bool is_json = text[strspn(text, " \t\r\n")] == '{';
  bool ok = is_json ? read_json(text, arena, file) : read_text(text, arena, file);
  if (!ok || file->n == 0) {
    return KT_ERR_FORMAT;
  }
  *ret_file = file;
  return KT_OK;
}

/* --- out ------------------------------------------------------------------------------------------------------------ */

static void print_head(const struct kt_exchanged_head *head, struct kt_output *out)
{
  char root[KT_HEX_SIZE(KT_HASH_LEN)];
  kt_hex_encode((struct kt_bytes){ head->root.b, KT_HASH_LEN }, root);
  json_t *object = json_object();
  json_object_set_new(object, "size", json_integer((json_int_t)head->size));
  json_object_set_new(object, "root", json_string(root));
  if (head->signature.len == 0) {
    json_object_set_new(object, "timestamp_ms", json_integer((json_int_t)head->timestamp_ms));
    kt_output_append(out, "heads", object);
    kt_output_data(out, "head %" PRIu64 " %s %" PRIu64 "\n", head->size, root, head->timestamp_ms);
    return;
  }
  json_object_set_new(object, "signature", kt_output_hex(head->signature));
  json_object_set_new(object, "config", kt_output_hex(head->config));
  kt_output_data(out, "signed %" PRIu64 " %s %s %s\n", head->size, root,
                 json_string_value(json_object_get(object, "signature")),
                 json_string_value(json_object_get(object, "config")));
  kt_output_append(out, "signed", object);
}

void kt_heads_file_print(const struct kt_heads_file *file, struct kt_output *out)
{
  char id[KT_HEX_SIZE(KT_HASH_LEN)];
  kt_hex_encode((struct kt_bytes){ file->log_id.b, KT_HASH_LEN }, id);
  kt_output_data(out, FIRST_LINE "\nlog %s\n", id);
  for (size_t i = 0; i < file->n; i++) {
    print_head(&file->heads[i], out);
  }
}

enum kt_err kt_heads_file_keep(const struct kt_heads_file *file, const char *home,
                               char ret_path[static KT_STATE_PATH_MAX])
{
  char path[KT_STATE_PATH_MAX];
  char *text = NULL;
  size_t len = 0;
  struct kt_output out;
  int n = snprintf(path, sizeof path, "%s/evidence", home);
  if (n < 0 || n > KT_STATE_PATH_MAX - 64 || (mkdir(path, 0700) != 0 && errno != EEXIST)) {
    return KT_ERR_STORE;
  }
  snprintf(path + n, sizeof path - (size_t)n, "/heads-%" PRIu64 ".txt", file->heads[file->n - 1].size);
  FILE *stream = open_memstream(&text, &len);
  if (stream == NULL) {
    return KT_ERR_MEMORY;
  }
  kt_output_init(&out, stream, stream, "never", false);
  kt_heads_file_print(file, &out);
  kt_output_release(&out);
  enum kt_err err = fclose(stream) == 0 ? kt_evidence_write_file(path, (struct kt_bytes){ (const uint8_t *)text, len })
                                        : KT_ERR_MEMORY;
  free(text);
  if (err == KT_OK) {
    memcpy(ret_path, path, sizeof path);
  }
  return err;
}
