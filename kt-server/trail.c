/* SPDX-License-Identifier: Apache-2.0 */
#include "trail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "crypto/hash.h"

#define DOMAIN "kt-admin-trail/1\n"
#define HASH_FIELD ",\"hash\":\""
#define HEX_LEN (KT_TRAIL_HASH_SIZE - 1)
#define END_LEN (sizeof HASH_FIELD - 1 + HEX_LEN + 2) /* and "} */

static const char first_hash[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* --- one line ----------------------------------------------------------------------------------------------------- */

static void hash_of(const char *body, size_t len, char ret_hash[static KT_TRAIL_HASH_SIZE])
{
  char input[sizeof DOMAIN - 1 + KT_TRAIL_LINE_MAX];
  struct kt_hash hash;
  memcpy(input, DOMAIN, sizeof DOMAIN - 1);
  memcpy(input + sizeof DOMAIN - 1, body, len);
  kt_sha256(input, sizeof DOMAIN - 1 + len, &hash);
  (void)kt_hex_encode((struct kt_bytes){ hash.b, sizeof hash.b }, ret_hash);
}

/* Everything up to the hash, which covers it. The length, or 0 when it is too long. */
static size_t write_body(const struct kt_trail_record *record, const struct kt_trail_end *end, uint64_t now_ms,
                         char ret_body[static KT_TRAIL_LINE_MAX])
{
  int n = snprintf(ret_body, KT_TRAIL_LINE_MAX,
                   "{\"seq\":%" PRIu64 ",\"time_ms\":%" PRIu64 ",\"action\":\"%s\",\"result\":\"%s\",\"n\":%" PRIu64
                   ",\"uid\":%ju,\"prev\":\"%s\"",
                   end->seq + 1, now_ms, record->action, record->result, record->n, (uintmax_t)record->uid, end->hash);
  return n > 0 && (size_t)n + END_LEN < KT_TRAIL_LINE_MAX ? (size_t)n : 0;
}

/* Does this line (without its newline, terminated) follow *end? Then it is the new end. */
static bool follow(const char *line, size_t len, struct kt_trail_end *end)
{
  char start[40];
  char link[HEX_LEN + 16];
  char hash[KT_TRAIL_HASH_SIZE];
  int n = snprintf(start, sizeof start, "{\"seq\":%" PRIu64 ",", end->seq + 1);
  int n_link = snprintf(link, sizeof link, ",\"prev\":\"%s\"", end->hash);
  if (len < END_LEN + (size_t)n + (size_t)n_link || len >= KT_TRAIL_LINE_MAX || memchr(line, '\0', len) != NULL) {
    return false;
  }
  size_t body_len = len - END_LEN;
  hash_of(line, body_len, hash);
  if (memcmp(line, start, (size_t)n) != 0 || memcmp(line + body_len - (size_t)n_link, link, (size_t)n_link) != 0 ||
      memcmp(line + body_len, HASH_FIELD, sizeof HASH_FIELD - 1) != 0 ||
      memcmp(line + body_len + sizeof HASH_FIELD - 1, hash, HEX_LEN) != 0 || strcmp(line + len - 2, "\"}") != 0) {
    return false;
  }
  end->seq++;
  memcpy(end->hash, hash, sizeof hash);
  return true;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static enum kt_err broken(const char *path, uint64_t line, struct kt_error *error)
{
  return kt_error_set(error, KT_ERR_PROOF,
                      "%s: line %" PRIu64
                      " does not follow from the line before it: somebody changed this file, or the "
                      "disk did. Keep it as evidence; a new trail begins when it is moved away",
                      path, line);
}

/* The next line without its newline, terminated, and its length; what is too long is cut. False: the file ends, after
 * that many bytes without a newline. */
static bool read_line(FILE *file, char ret_line[static KT_TRAIL_LINE_MAX], size_t *ret_len)
{
  int c = EOF;
  size_t len = 0;
  while ((c = getc(file)) != EOF && c != '\n') {
    if (len + 1 < KT_TRAIL_LINE_MAX) {
      ret_line[len] = (char)c;
    }
    len++;
  }
  ret_line[len < KT_TRAIL_LINE_MAX ? len : KT_TRAIL_LINE_MAX - 1] = '\0';
  *ret_len = len;
  return c == '\n';
}

static enum kt_err read_lines(FILE *file, const char *path, void (*each)(void *ctx, const char *line), void *ctx,
                              struct kt_trail_end *end, struct kt_error *error)
{
  char line[KT_TRAIL_LINE_MAX];
  size_t len = 0;
  while (read_line(file, line, &len)) {
    if (!follow(line, len, end)) {
      return broken(path, end->seq + 1, error);
    }
    if (each != NULL) {
      each(ctx, line);
    }
  }
  if (ferror(file) != 0) {
    return kt_error_set(error, KT_ERR_STORE, "%s: %s", path, strerror(errno));
  }
  /* Of a line that was not finished, and so not answered, there is less than a line. */
  return len < KT_TRAIL_LINE_MAX ? KT_OK : broken(path, end->seq + 1, error);
}

static enum kt_err lock(int fd, int how, const char *path, struct kt_error *error)
{
  return flock(fd, how) == 0 ? KT_OK : kt_error_set(error, KT_ERR_STORE, "locking %s: %s", path, strerror(errno));
}

static enum kt_err read_open(int fd, const char *path, void (*each)(void *ctx, const char *line), void *ctx,
                             struct kt_trail_end *end, struct kt_error *error)
{
  FILE *file = fdopen(fd, "r");
  if (file == NULL) {
    (void)close(fd);
    return kt_error_set(error, KT_ERR_STORE, "%s: %s", path, strerror(errno));
  }
  enum kt_err err = lock(fd, LOCK_SH, path, error); /* what is being appended is seen as a whole */
  if (err == KT_OK) {
    err = read_lines(file, path, each, ctx, end, error);
  }
  (void)fclose(file);
  return err;
}

enum kt_err kt_trail_read(const char *dir, void (*each)(void *ctx, const char *line), void *ctx,
                          struct kt_trail_end *ret_end, struct kt_error *error)
{
  struct kt_path path;
  struct kt_trail_end end = { .seq = 0 };
  memcpy(end.hash, first_hash, sizeof first_hash);
  enum kt_err err = kt_path_join(dir, KT_NAME_TRAIL, &path, error);
  if (err != KT_OK) {
    return err;
  }
  int fd = -1;
  err = kt_file_open(path.s, O_RDONLY, &fd, error);
  if (err == KT_OK) {
    err = read_open(fd, path.s, each, ctx, &end, error);
  } else if (err == KT_ERR_ABSENT) {
    err = KT_OK;
  }
  if (err == KT_OK) {
    *ret_end = end;
  }
  return err;
}

/* --- its end ------------------------------------------------------------------------------------------------------ */

static enum kt_err no_line(const char *path, struct kt_error *error)
{
  return kt_error_set(error, KT_ERR_PROOF, "%s: the last line is no line of a trail", path);
}

/* The last line of what ends with its newline. Its own hash is checked; the lines before it are for `trail`. */
static enum kt_err take_end(char *tail, size_t len, const char *path, struct kt_trail_end *end, struct kt_error *error)
{
  size_t start = len - 1;
  while (start > 0 && tail[start - 1] != '\n') {
    start--;
  }
  tail[len - 1] = '\0';
  const char *line = tail + start;
  const char *link = strstr(line, ",\"prev\":\"");
  if (sscanf(line, "{\"seq\":%" SCNu64, &end->seq) != 1 || /* NOLINT(cert-err34-c): follow checks it */
      end->seq == 0 || link == NULL || strlen(link) < 9 + HEX_LEN) {
    return no_line(path, error);
  }
  end->seq--;
  memcpy(end->hash, link + 9, HEX_LEN);
  return follow(line, len - 1 - start, end) ? KT_OK : broken(path, end->seq + 1, error);
}

/* From the last bytes of the file. *ret_size: without what a crash left behind the last whole line. */
static enum kt_err find_end(int fd, const char *path, struct kt_trail_end *ret_end, off_t *ret_size,
                            struct kt_error *error)
{
  char tail[2 * KT_TRAIL_LINE_MAX];
  struct stat info;
  struct kt_trail_end end = { .seq = 0 };
  memcpy(end.hash, first_hash, sizeof first_hash);
  if (fstat(fd, &info) != 0) {
    return kt_error_set(error, KT_ERR_STORE, "%s: %s", path, strerror(errno));
  }
  off_t from = info.st_size > (off_t)sizeof tail ? info.st_size - (off_t)sizeof tail : 0;
  ssize_t n = pread(fd, tail, sizeof tail, from);
  if (n < 0) {
    return kt_error_set(error, KT_ERR_STORE, "%s: %s", path, strerror(errno));
  }
  size_t len = (size_t)n;
  while (len > 0 && tail[len - 1] != '\n') {
    len--;
  }
  if ((size_t)n - len >= KT_TRAIL_LINE_MAX) {
    return no_line(path, error);
  }
  enum kt_err err = len > 0 ? take_end(tail, len, path, &end, error) : KT_OK;
  if (err == KT_OK) {
    *ret_end = end;
    *ret_size = from + (off_t)len;
  }
  return err;
}

static enum kt_err append(int fd, const char *path, const struct kt_trail_record *record, uint64_t now_ms,
                          struct kt_error *error)
{
  struct kt_trail_end end = { .seq = 0 };
  char line[KT_TRAIL_LINE_MAX + 2];
  char hash[KT_TRAIL_HASH_SIZE];
  off_t size = 0;
  enum kt_err err = find_end(fd, path, &end, &size, error);
  if (err != KT_OK) {
    return err;
  }
  size_t len = write_body(record, &end, now_ms, line);
  if (len == 0) {
    return kt_error_set(error, KT_ERR_LIMIT, "%s: a line would be too long", path);
  }
  hash_of(line, len, hash);
  int n = snprintf(line + len, sizeof line - len, HASH_FIELD "%s\"}\n", hash);
  len += (size_t)n;
  if (ftruncate(fd, size) != 0 || !kt_file_write_at(fd, line, len, size) || fsync(fd) != 0) {
    int cause = errno;
    (void)!ftruncate(fd, size);
    return kt_error_set(error, cause == ENOSPC || cause == EDQUOT ? KT_ERR_UNDETERMINED : KT_ERR_STORE,
                        "writing %s: %s", path, strerror(cause));
  }
  return KT_OK;
}

enum kt_err kt_trail_append(const char *dir, const struct kt_trail_record *record, uint64_t now_ms,
                            struct kt_error *error)
{
  struct kt_path path;
  enum kt_err err = kt_path_join(dir, KT_NAME_TRAIL, &path, error);
  if (err != KT_OK) {
    return err;
  }
  int fd = -1;
  err = kt_file_open(path.s, O_RDWR | O_CREAT, &fd, error);
  if (err != KT_OK) {
    return err;
  }
  err = lock(fd, LOCK_EX, path.s, error); /* threads of the running log append too: each line has one before it */
  struct stat about;
  /* Who made an empty one may have come no further. */
  if (err == KT_OK && (fstat(fd, &about) != 0 || (about.st_size == 0 && !kt_file_sync_folder_of(path.s)))) {
    err = kt_error_set(error, KT_ERR_STORE, "writing %s: %s", path.s, strerror(errno));
  }
  if (err == KT_OK) {
    err = append(fd, path.s, record, now_ms, error);
  }
  (void)close(fd);
  return err;
}
