/* SPDX-License-Identifier: Apache-2.0 */
#include "credential_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/hash.h"

#define CREDENTIAL "kt-credential/1"
#define UPDATE "kt-credential-update/1"

/* --- reading -------------------------------------------------------------------------------------------------------- */

/* NUL-terminated. KT_ERR_STORE: errno says why. */
static enum kt_err read_stream(FILE *stream, struct kt_arena *arena, char **ret_text, size_t *ret_len)
{
  char *text = kt_arena_alloc(arena, 1, KT_CREDENTIAL_FILE_MAX + 1);
  if (text == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t len = fread(text, 1, KT_CREDENTIAL_FILE_MAX + 1, stream);
  if (ferror(stream) != 0) {
    return KT_ERR_STORE;
  }
  if (len > KT_CREDENTIAL_FILE_MAX || memchr(text, '\0', len) != NULL) {
    return KT_ERR_FORMAT;
  }
  text[len] = '\0';
  *ret_text = text;
  *ret_len = len;
  return KT_OK;
}

static enum kt_err read_path(const char *path, struct kt_arena *arena, char **ret_text, size_t *ret_len)
{
  if (strcmp(path, "-") == 0) {
    return read_stream(stdin, arena, ret_text, ret_len);
  }
  FILE *stream = fopen(path, "re");
  if (stream == NULL) {
    return KT_ERR_STORE;
  }
  enum kt_err err = read_stream(stream, arena, ret_text, ret_len);
  int saved = errno;
  (void)fclose(stream);
  errno = saved;
  return err;
}

static bool read_hash(const char *text, struct kt_hash *ret)
{
  size_t len = 0;
  return kt_hex_decode(text, strlen(text), KT_HASH_LEN, ret->b, &len) == KT_OK && len == KT_HASH_LEN;
}

static bool read_body(const char *text, struct kt_arena *arena, struct kt_bytes *ret)
{
  size_t max = KT_BASE64_DECODED_MAX(strlen(text));
  uint8_t *body = kt_arena_alloc(arena, 1, max);
  size_t len = 0;
  if (body == NULL || kt_base64_decode(text, strlen(text), max, body, &len) != KT_OK || len == 0) {
    return false;
  }
  *ret = (struct kt_bytes){ body, len };
  return true;
}

/* The next line with something in it, without what is left and right of its words; NULL: no more. */
static char *next_line(char **rest)
{
  char *line;
  while ((line = strtok_r(NULL, "\r\n", rest)) != NULL) {
    line += strspn(line, " \t");
    size_t len = strlen(line);
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t')) {
      line[--len] = '\0';
    }
    if (len > 0 && line[0] != '#') {
      return line;
    }
  }
  return NULL;
}

/* The value of the next line, which has to be this one. */
static const char *next_value(char **rest, const char *name)
{
  const char *line = next_line(rest);
  size_t len = strlen(name);
  return line != NULL && strncmp(line, name, len) == 0 && line[len] == ' ' ? line + len + 1 : NULL;
}

static bool parse(char *text, struct kt_arena *arena, struct kt_credential_file *file)
{
  char *rest = NULL;
  const char *first = strtok_r(text, "\r\n \t", &rest);
  if (first == NULL || (strcmp(first, CREDENTIAL) != 0 && strcmp(first, UPDATE) != 0)) {
    return false;
  }
  file->is_update = strcmp(first, UPDATE) == 0;
  const char *log = next_value(&rest, "log");
  if (log == NULL || !read_hash(log, &file->log_id)) {
    return false;
  }
  const char *of = file->is_update ? next_value(&rest, "of") : NULL;
  if (file->is_update && (of == NULL || !read_hash(of, &file->of))) {
    return false;
  }
  const char *body = next_value(&rest, file->is_update ? "update" : "credential");
  if (body == NULL || !read_body(body, arena, &file->body) || next_line(&rest) != NULL) {
    return false;
  }
  if (!file->is_update) {
    kt_sha256(file->body.data, file->body.len, &file->of);
  }
  return true;
}

enum kt_exit kt_credential_file_read(struct kt_session *session, const char *path, struct kt_credential_file *ret_file)
{
  struct kt_output *out = session->out;
  struct kt_credential_file file = { .is_update = false };
  char *text = NULL;
  size_t len = 0;
  enum kt_err err = read_path(path, &session->arena, &text, &len);
  if (err == KT_ERR_STORE) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: %s", path, strerror(errno));
  }
  if (err == KT_OK && !parse(text, &session->arena, &file)) {
    err = KT_ERR_FORMAT;
  }
  if (err != KT_OK) {
    return kt_output_fail(
        out, KT_EXIT_USAGE, "credential-file",
        "%s is not a whole credential, nor an update of one (kt-verify credential make and credential "
        "update print them); it may have been cut or changed on the way",
        path);
  }
  if (!kt_hash_equal(&file.log_id, &session->log_id)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "other-log",
                          "%s is from another log than the one pinned here: it says nothing about this one", path);
  }
  *ret_file = file;
  return KT_EXIT_OK;
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

/* NUL-terminated, in the arena; NULL when memory runs out. */
static char *print_file(const struct kt_credential_file *file, struct kt_arena *arena)
{
  char log[KT_HEX_SIZE(KT_HASH_LEN)];
  char of[KT_HEX_SIZE(KT_HASH_LEN)];
  size_t size = KT_BASE64_SIZE(file->body.len) + 512;
  char *body = kt_arena_alloc(arena, 1, size);
  char *text = kt_arena_alloc(arena, 1, size);
  if (body == NULL || text == NULL) {
    return NULL;
  }
  kt_hex_encode((struct kt_bytes){ file->log_id.b, KT_HASH_LEN }, log);
  kt_hex_encode((struct kt_bytes){ file->of.b, KT_HASH_LEN }, of);
  (void)kt_base64_encode(file->body, body);
  if (file->is_update) {
    (void)snprintf(text, size, UPDATE "\nlog %s\nof %s\nupdate %s\n", log, of, body);
  } else {
    (void)snprintf(text, size, CREDENTIAL "\nlog %s\ncredential %s\n", log, body);
  }
  return text;
}

enum kt_exit kt_credential_file_write(struct kt_session *session, const struct kt_credential_file *file)
{
  struct kt_output *out = session->out;
  const char *path = session->cli->values[KT_OPT_OUT];
  const char *text = print_file(file, &session->arena);
  if (text == NULL) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  kt_output_set(out, "file", json_string(text));
  if (path == NULL) {
    kt_output_data(out, "%s", text);
    return KT_EXIT_OK;
  }
  FILE *stream = fopen(path, "we");
  bool written = stream != NULL && fputs(text, stream) >= 0;
  written = stream != NULL && fclose(stream) == 0 && written;
  return written ? KT_EXIT_OK : kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: %s", path, strerror(errno));
}
