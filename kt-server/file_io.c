/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* mkostemp */
#include "file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kt_err kt_path_join(const char *dir, const char *name, struct kt_path *ret_path, struct kt_error *error)
{
  struct kt_path path;
  int n = dir == NULL || name[0] == '/' ? snprintf(path.s, sizeof path.s, "%s", name)
                                        : snprintf(path.s, sizeof path.s, "%s/%s", dir, name);
  if (n < 0 || (size_t)n >= sizeof path.s) {
    return kt_error_set(error, KT_ERR_LIMIT, "the path is too long: %.200s…", name);
  }
  *ret_path = path;
  return KT_OK;
}

/* Everything up to the end of the file; false when that is more than cap bytes or reading fails (errno). */
static bool read_all(int fd, size_t cap, char *buf, size_t *ret_len)
{
  size_t len = 0;
  for (;;) {
    ssize_t n = read(fd, buf + len, cap + 1 - len);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return false;
    }
    if (n == 0) {
      buf[len] = '\0';
      *ret_len = len;
      return true;
    }
    len += (size_t)n;
    if (len > cap) {
      errno = EFBIG;
      return false;
    }
  }
}

enum kt_err kt_file_open(const char *path, int flags, int *ret_fd, struct kt_error *error)
{
  struct stat info;
  int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC, 0600);
  if (fd < 0) {
    enum kt_err err = errno == ENOENT                      ? KT_ERR_ABSENT
                      : errno == ENOSPC || errno == EDQUOT ? KT_ERR_UNDETERMINED
                                                           : KT_ERR_STORE;
    return kt_error_set(error, err, "%s: %s", path, strerror(errno));
  }
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    *ret_fd = fd;
    return KT_OK;
  }
  (void)close(fd);
  return kt_error_set(error, KT_ERR_STORE, "%s is no regular file", path);
}

static enum kt_err read_open(int fd, const char *path, size_t cap, char *buf, size_t *ret_len, struct kt_error *error)
{
  enum kt_err err = KT_OK;
  if (!read_all(fd, cap, buf, ret_len)) {
    err = kt_error_set(error, errno == EFBIG ? KT_ERR_LIMIT : KT_ERR_STORE, "%s: %s", path, strerror(errno));
  }
  (void)close(fd);
  return err;
}

enum kt_err kt_file_read(const char *path, size_t cap, char *buf, size_t *ret_len, struct kt_error *error)
{
  int fd = -1;
  enum kt_err err = kt_file_open(path, O_RDONLY, &fd, error);
  return err == KT_OK ? read_open(fd, path, cap, buf, ret_len, error) : err;
}

enum kt_err kt_input_read(const char *path, size_t cap, char *buf, size_t *ret_len, struct kt_error *error)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return kt_error_set(error, errno == ENOENT ? KT_ERR_ABSENT : KT_ERR_STORE, "%s: %s", path, strerror(errno));
  }
  return read_open(fd, path, cap, buf, ret_len, error);
}

enum kt_err kt_file_check_private(const char *path, struct kt_error *error)
{
  struct stat info;
  if (stat(path, &info) != 0) {
    return kt_error_set(error, errno == ENOENT ? KT_ERR_ABSENT : KT_ERR_STORE, "%s: %s", path, strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) {
    return kt_error_set(error, KT_ERR_DENIED, "%s is no regular file; a secret key is in one of mode 0600", path);
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return kt_error_set(error, KT_ERR_DENIED,
                        "%s: mode %04o, others may use this secret key; it must be a file of mode 0600", path,
                        (unsigned)(info.st_mode & 07777));
  }
  if (geteuid() != 0 && info.st_uid != geteuid()) {
    return kt_error_set(error, KT_ERR_DENIED,
                        "%s: it belongs to user %ju, who may replace it; this process is user %ju", path,
                        (uintmax_t)info.st_uid, (uintmax_t)geteuid());
  }
  return KT_OK;
}

static bool write_all(int fd, const char *data, size_t len)
{
  while (len > 0) {
    ssize_t n = write(fd, data, len);
    if (n < 0 && errno != EINTR) {
      return false;
    }
    if (n > 0) {
      data += n;
      len -= (size_t)n;
    }
  }
  return true;
}

bool kt_file_write_at(int fd, const char *data, size_t len, off_t offset)
{
  while (len > 0) {
    ssize_t n = pwrite(fd, data, len, offset);
    if (n < 0 && errno != EINTR) {
      return false;
    }
    if (n > 0) {
      data += n;
      len -= (size_t)n;
      offset += n;
    }
  }
  return true;
}

bool kt_file_sync_folder_of(const char *path)
{
  struct kt_path copy; /* dirname may change it */
  (void)snprintf(copy.s, sizeof copy.s, "%s", path);
  int fd = open(dirname(copy.s), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  bool done = fsync(fd) == 0;
  (void)close(fd);
  return done;
}

/* A file that was not there before, under the template's name with its X replaced: a name that nobody can plant a link
 * at, and that is nobody's file. What a kill leaves of it is in nobody's way. */
static bool write_new(char *template, const void *data, size_t len, mode_t mode)
{
  int fd = mkostemp(template, O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  bool done = fchmod(fd, mode) == 0 && write_all(fd, data, len) && fsync(fd) == 0;
  done = close(fd) == 0 && done;
  if (!done) {
    int cause = errno;
    (void)unlink(template);
    errno = cause;
  }
  return done;
}

static enum kt_err cannot_write(const char *path, struct kt_error *error)
{
  bool passes = errno == ENOSPC || errno == EDQUOT || errno == EMFILE || errno == ENFILE;
  return kt_error_set(error, passes ? KT_ERR_UNDETERMINED : KT_ERR_STORE, "writing %s: %s", path, strerror(errno));
}

enum kt_err kt_file_replace(const char *path, const void *data, size_t len, mode_t mode, struct kt_error *error)
{
  struct kt_path temporary;
  int n = snprintf(temporary.s, sizeof temporary.s, "%s.new-XXXXXX", path);
  if (n < 0 || (size_t)n >= sizeof temporary.s) {
    return kt_error_set(error, KT_ERR_LIMIT, "the path is too long: %.200s…", path);
  }
  if (!write_new(temporary.s, data, len, mode)) {
    return cannot_write(path, error);
  }
  if (rename(temporary.s, path) != 0) {
    enum kt_err err = cannot_write(path, error);
    (void)unlink(temporary.s);
    return err;
  }
  return kt_file_sync_folder_of(path) ? KT_OK : cannot_write(path, error);
}
