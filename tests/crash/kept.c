/* SPDX-License-Identifier: Apache-2.0 */
#include "kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"

#define FAILED "failed "
#define UNKNOWN "What the log acknowledged is not known any more: begin in a new folder\n"
#define PATH_SIZE 4096
#define VIEW_MAX ((size_t)1 << 20)

static bool read_hash(const char *hex, struct kt_hash *ret_hash)
{
  size_t len = 0;
  return kt_hex_decode(hex, strlen(hex), sizeof ret_hash->b, ret_hash->b, &len) == KT_OK && len == sizeof ret_hash->b;
}

static bool take_head(struct crash_truth *truth, const char *path, const char *line)
{
  char hex[65];
  struct kt_hash root;
  uint64_t size = 0;
  int len = 0;
  // NOLINTNEXTLINE(cert-err34-c): our own digits
  if (sscanf(line, "head %" SCNu64 " %64s%n", &size, hex, &len) != 2 || line[len] != '\0' || !read_hash(hex, &root)) {
    return false;
  }
  const unsigned n_failures = crash_truth_failures(truth);
  crash_truth_add_head(truth, path, size, &root);
  return crash_truth_failures(truth) == n_failures;
}

static bool take_ack(struct crash_truth *truth, const char *line)
{
  char hex[65];
  struct crash_ack ack = { .version = 0 };
  int len = 0;
  // NOLINTNEXTLINE(cert-err34-c): our own digits
  if (sscanf(line, "ack %" SCNu32 " %64s %47s%n", &ack.version, hex, ack.label, &len) != 3 || line[len] != '\0' ||
      !read_hash(hex, &ack.value)) {
    return false;
  }
  crash_truth_add_ack(truth, &ack);
  return true;
}

/* len: bytes of the line, which ends with a newline. */
static bool take_line(struct crash_truth *truth, const char *path, char *line, size_t len)
{
  line[len - 1] = '\0';
  if (strlen(line) != len - 1) {
    return false;
  }
  if (strncmp(line, FAILED, strlen(FAILED)) == 0) {
    crash_truth_add_failure(truth);
    return true;
  }
  return take_head(truth, path, line) || take_ack(truth, line);
}

/* All whole lines of the file. What follows them was being written when the machine or the run ended. */
static bool take_lines(struct crash_truth *truth, FILE *file, const char *path, long *ret_end)
{
  char *line = NULL;
  size_t size = 0;
  long end = 0;
  unsigned long n_lines = 0;
  bool is_good = true;
  ssize_t len = 0;
  while (is_good && (len = getline(&line, &size, file)) > 0 && line[len - 1] == '\n') {
    end += len;
    n_lines++;
    is_good = take_line(truth, path, line, (size_t)len);
  }
  free(line);
  if (!is_good) {
    (void)fprintf(stderr, "crash-test: line %lu of %s is damaged. " UNKNOWN, n_lines, path);
    return false;
  }
  *ret_end = end;
  return ferror(file) == 0;
}

static bool has_at_least(const struct crash_truth *truth, const struct crash_kept_counts *least, const char *path)
{
  if (truth->n_acks >= least->acks && truth->n_heads >= least->heads && truth->n_failures >= least->failures) {
    return true;
  }
  (void)fprintf(stderr,
                "crash-test: %s has %zu acknowledged updates, %zu heads and %u failures; it had %" PRIu64 ", %" PRIu64
                " and %" PRIu64 ". " UNKNOWN,
                path, truth->n_acks, truth->n_heads, truth->n_failures, least->acks, least->heads, least->failures);
  return false;
}

bool crash_kept_truth(struct crash_truth *truth, const char *path, const struct crash_kept_counts *least)
{
  long end = 0;
  FILE *file = fopen(path, "a+");
  if (file == NULL) {
    (void)fprintf(stderr, "crash-test: %s: %s\n", path, strerror(errno));
    return false;
  }
  if (!take_lines(truth, file, path, &end) || !has_at_least(truth, least, path)) {
    (void)fclose(file);
    return false;
  }
  if (ftruncate(fileno(file), end) != 0 || fseek(file, 0, SEEK_END) != 0) {
    (void)fprintf(stderr, "crash-test: %s: %s\n", path, strerror(errno));
    (void)fclose(file);
    return false;
  }
  truth->kept = file;
  return true;
}

bool crash_kept_sync(const struct crash_truth *truth)
{
  return fflush(truth->kept) == 0 && fsync(fileno(truth->kept)) == 0;
}

bool crash_kept_save_view(const struct crash_user *user, const char *path)
{
  char new_path[PATH_SIZE];
  struct kt_writer w;
  kt_writer_init(&w, VIEW_MAX);
  kt_log_state_write(&w, &user->log);
  const int len = snprintf(new_path, sizeof new_path, "%s.new", path);
  FILE *file = w.err == KT_OK && len < PATH_SIZE ? fopen(new_path, "wb") : NULL;
  bool ok = file != NULL && fwrite(w.buf, 1, w.len, file) == w.len;
  ok = ok && fflush(file) == 0 && fsync(fileno(file)) == 0;
  ok = file != NULL && fclose(file) == 0 && ok && rename(new_path, path) == 0;
  kt_writer_release(&w);
  return ok;
}

bool crash_kept_load_view(struct crash_user *user, const char *path, bool is_first)
{
  static uint8_t bytes[VIEW_MAX];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return is_first && errno == ENOENT;
  }
  const size_t len = fread(bytes, 1, sizeof bytes, file);
  const bool ok = ferror(file) == 0 && kt_log_state_decode((struct kt_bytes){ bytes, len }, &user->log) == KT_OK;
  (void)fclose(file);
  return ok;
}
