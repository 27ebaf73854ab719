/* SPDX-License-Identifier: Apache-2.0 */
#include "kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"

#define LINE_SIZE 256
#define PATH_SIZE 4096
#define VIEW_MAX ((size_t)1 << 20)

static bool read_hash(const char *hex, struct kt_hash *ret_hash)
{
  size_t len = 0;
  return kt_hex_decode(hex, strlen(hex), sizeof ret_hash->b, ret_hash->b, &len) == KT_OK && len == sizeof ret_hash->b;
}

static bool take_line(struct crash_truth *truth, const char *line)
{
  char hex[65];
  struct kt_hash hash;
  uint64_t size = 0;
  struct crash_ack ack = { .version = 0 };
  const size_t len = strlen(line);
  if (len == 0 || line[len - 1] != '\n') {
    return false;
  }
  // NOLINTBEGIN(cert-err34-c): our own digits
  if (sscanf(line, "head %" SCNu64 " %64s", &size, hex) == 2 && read_hash(hex, &hash)) {
    crash_truth_add_head(truth, "an earlier run", size, &hash);
    return true;
  }
  if (sscanf(line, "ack %" SCNu32 " %64s %47s", &ack.version, hex, ack.label) == 3 && read_hash(hex, &ack.value)) {
    crash_truth_add_ack(truth, &ack);
    return true;
  }
  // NOLINTEND(cert-err34-c)
  return false;
}

bool crash_kept_truth(struct crash_truth *truth, const char *path)
{
  char line[LINE_SIZE];
  FILE *file = fopen(path, "a+");
  if (file == NULL) {
    return false;
  }
  long end = 0;
  while (fgets(line, sizeof line, file) != NULL && take_line(truth, line)) {
    end = ftell(file);
  }
  if (ferror(file) != 0 || end < 0 || ftruncate(fileno(file), end) != 0 || fseek(file, 0, SEEK_END) != 0) {
    (void)fclose(file);
    return false;
  }
  truth->kept = file;
  return true;
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
  ok = file != NULL && fclose(file) == 0 && ok && rename(new_path, path) == 0;
  kt_writer_release(&w);
  return ok;
}

bool crash_kept_load_view(struct crash_user *user, const char *path)
{
  static uint8_t bytes[VIEW_MAX];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return errno == ENOENT;
  }
  const size_t len = fread(bytes, 1, sizeof bytes, file);
  const bool ok = ferror(file) == 0 && kt_log_state_decode((struct kt_bytes){ bytes, len }, &user->log) == KT_OK;
  (void)fclose(file);
  return ok;
}
