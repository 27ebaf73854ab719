/* SPDX-License-Identifier: Apache-2.0 */
#include "text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_standard(const char *path)
{
  return strcmp(path, "-") == 0;
}

static enum kt_exit read_all(struct kt_output *out, FILE *file, const char *path, size_t max, struct kt_arena *arena,
                             struct kt_bytes *ret_text)
{
  uint8_t *bytes = kt_arena_alloc(arena, 1, max + 2);
  if (bytes == NULL) {
    return kt_output_fail(out, KT_EXIT_USAGE, "memory", "%s: out of memory", path);
  }
  size_t len = fread(bytes, 1, max + 1, file);
  if (ferror(file) != 0) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: cannot be read: %s", path, strerror(errno));
  }
  if (len > max) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: more than %zu bytes", path, max);
  }
  bytes[len] = '\0';
  *ret_text = (struct kt_bytes){ bytes, len };
  return KT_EXIT_OK;
}

enum kt_exit kt_text_file_read(struct kt_output *out, const char *path, size_t max, struct kt_arena *arena,
                               struct kt_bytes *ret_text)
{
  FILE *file = is_standard(path) ? stdin : fopen(path, "rb");
  if (file == NULL) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: cannot be read: %s", path, strerror(errno));
  }
  enum kt_exit code = read_all(out, file, is_standard(path) ? "standard input" : path, max, arena, ret_text);
  if (file != stdin) {
    fclose(file);
  }
  return code;
}

static bool write_all(int fd, struct kt_bytes text)
{
  while (text.len > 0) {
    ssize_t n = write(fd, text.data, text.len);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    text.data += n;
    text.len -= (size_t)n;
  }
  return true;
}

/* A name that was exchanged lasts when its folder was written. Cuts the path off at the folder. */
static bool sync_folder(char *path)
{
  char *slash = strrchr(path, '/');
  if (slash != NULL) {
    slash[slash == path ? 1 : 0] = '\0';
  }
  int fd = open(slash != NULL ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) {
    close(fd);
  }
  return ok;
}

enum kt_exit kt_text_file_write(struct kt_output *out, const char *path, struct kt_bytes text)
{
  char temporary[PATH_MAX];
  if (is_standard(path)) {
    fwrite(text.data, 1, text.len, out->data); /* kt_output_finish says when that failed */
    return KT_EXIT_OK;
  }
  int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  int fd = n > 0 && (size_t)n < sizeof temporary ? mkstemp(temporary) : -1; /* mode 0600 */
  if (fd < 0) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: cannot be written: %s", path, strerror(errno));
  }
  bool ok = write_all(fd, text) && fsync(fd) == 0;
  ok = close(fd) == 0 && ok && rename(temporary, path) == 0;
  if (!ok) {
    int saved_errno = errno;
    unlink(temporary);
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: cannot be written: %s", path, strerror(saved_errno));
  }
  if (!sync_folder(temporary)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: its folder cannot be written: %s", path, strerror(errno));
  }
  return KT_EXIT_OK;
}
