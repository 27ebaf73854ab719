/* SPDX-License-Identifier: Apache-2.0 */
#include "store/files.h"

#include "store/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kt_err kt_file_create(const char *path, struct kt_store_error *ret_error)
{
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) {
    return kt_store_fail(ret_error, errno == EEXIST ? KT_ERR_CONFLICT : KT_ERR_STORE, "creating %s: %s", path,
                         strerror(errno));
  }
  (void)close(fd);
  return KT_OK;
}

static enum kt_err sync_one(const char *path, struct kt_store_error *ret_error)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  int failure = fd < 0 || fsync(fd) != 0 ? errno : 0;
  if (fd >= 0) {
    (void)close(fd);
  }
  if (failure != 0) {
    return kt_store_fail(ret_error, KT_ERR_STORE, "making %s durable: %s", path, strerror(failure));
  }
  return KT_OK;
}

enum kt_err kt_file_sync(const char *path, struct kt_store_error *ret_error)
{
  enum kt_err err = sync_one(path, ret_error);
  if (err != KT_OK) {
    return err;
  }
  char *copy = strdup(path); /* dirname may change it */
  if (copy == NULL) {
    return kt_store_fail(ret_error, KT_ERR_MEMORY, "making %s durable: out of memory", path);
  }
  err = sync_one(dirname(copy), ret_error);
  free(copy);
  return err;
}

ino_t kt_file_inode(const char *path)
{
  struct stat status;
  return stat(path, &status) == 0 ? status.st_ino : 0;
}

bool kt_file_is_replaced(const char *path, ino_t inode)
{
  struct stat status;
  if (inode == 0) {
    return false;
  }
  return stat(path, &status) == 0 ? status.st_ino != inode : errno == ENOENT || errno == ENOTDIR;
}
