/* SPDX-License-Identifier: Apache-2.0 */
#include "guard_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/noun.h"
#include "crypto/hash.h"
#include "file_io.h"
#include "units.h"

#define MAGIC "kt-head-guard/2"
#define CHECKSUM_LEN 8
#define N_COPIES 2

/* --- one copy ----------------------------------------------------------------------------------------------------- */

/* A line and NULs; what is read must be this, byte for byte. */
static void format_copy(const struct kt_log_guard *guard, char ret_copy[static KT_GUARD_COPY_LEN])
{
  char root[KT_HEX_SIZE(KT_HASH_LEN)];
  char checksum[KT_HEX_SIZE(CHECKSUM_LEN)];
  struct kt_hash hash;
  memset(ret_copy, 0, KT_GUARD_COPY_LEN);
  (void)kt_hex_encode((struct kt_bytes){ guard->root.b, sizeof guard->root.b }, root);
  int n = snprintf(ret_copy, KT_GUARD_COPY_LEN, MAGIC " %" PRIu64 " %" PRIu64 " %s ", guard->size, guard->timestamp_ms,
                   root);
  kt_sha256(ret_copy, (size_t)n, &hash);
  (void)kt_hex_encode((struct kt_bytes){ hash.b, CHECKSUM_LEN }, checksum);
  (void)snprintf(ret_copy + n, KT_GUARD_COPY_LEN - (size_t)n, "%s\n", checksum);
}

static bool parse_line(const char *line, struct kt_log_guard *guard)
{
  char size[24];
  char timestamp[24];
  char root[KT_HEX_SIZE(KT_HASH_LEN)];
  size_t root_len = 0;
  return sscanf(line, MAGIC " %23[0-9] %23[0-9] %64[0-9a-f] ", size, timestamp, root) == 3 &&
         kt_number_parse(size, &guard->size) == KT_OK && kt_number_parse(timestamp, &guard->timestamp_ms) == KT_OK &&
         kt_hex_decode(root, strlen(root), sizeof guard->root.b, guard->root.b, &root_len) == KT_OK &&
         root_len == sizeof guard->root.b;
}

static bool parse_copy(const char copy[static KT_GUARD_COPY_LEN], struct kt_log_guard *ret_guard)
{
  char expected[KT_GUARD_COPY_LEN];
  struct kt_log_guard guard = { 0 };
  if (copy[KT_GUARD_COPY_LEN - 1] != '\0' || !parse_line(copy, &guard)) {
    return false;
  }
  format_copy(&guard, expected);
  if (memcmp(copy, expected, sizeof expected) != 0) {
    return false;
  }
  *ret_guard = guard;
  return true;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

struct copies {
  bool is_good[N_COPIES];
  struct kt_log_guard guards[N_COPIES];
};

static bool is_same(const struct kt_log_guard *a, const struct kt_log_guard *b)
{
  return a->size == b->size && a->timestamp_ms == b->timestamp_ms && kt_hash_equal(&a->root, &b->root);
}

static bool is_newer(const struct kt_log_guard *a, const struct kt_log_guard *b)
{
  return a->size != b->size ? a->size > b->size : a->timestamp_ms > b->timestamp_ms;
}

static enum kt_err read_copies(int fd, const char *path, struct copies *ret_copies, struct kt_error *error)
{
  struct stat info;
  char copy[KT_GUARD_COPY_LEN];
  if (fstat(fd, &info) != 0) {
    return kt_error_set(error, KT_ERR_STORE, "%s: %s", path, strerror(errno));
  }
  if (info.st_size != (off_t)KT_GUARD_FILE_LEN) {
    return kt_error_set(error, KT_ERR_FORMAT, "%s is damaged: a head guard has %zu bytes, this file has %lld", path,
                        KT_GUARD_FILE_LEN, (long long)info.st_size);
  }
  for (size_t i = 0; i < N_COPIES; i++) {
    ssize_t n = pread(fd, copy, sizeof copy, (off_t)(i * KT_GUARD_DISTANCE));
    if (n < 0 && errno != EIO) {
      return kt_error_set(error, KT_ERR_STORE, "%s: %s", path, strerror(errno));
    }
    /* A sector that cannot be read is one damaged copy. */
    ret_copies->is_good[i] = n == (ssize_t)sizeof copy && parse_copy(copy, &ret_copies->guards[i]);
  }
  return KT_OK;
}

/* What the copies say together. They differ when a write was interrupted: then the newer one was about to be signed,
 * and its data was made durable before it. */
static enum kt_err judge(const struct copies *copies, const char *path, struct kt_log_guard *ret_guard,
                         struct kt_error *error)
{
  const struct kt_log_guard *first = &copies->guards[0];
  const struct kt_log_guard *second = &copies->guards[1];
  if (!copies->is_good[0] && !copies->is_good[1]) {
    return kt_error_set(error, KT_ERR_FORMAT, "%s is damaged: neither of its two copies reads as a head guard", path);
  }
  if (copies->is_good[0] && copies->is_good[1] && first->size == second->size &&
      !kt_hash_equal(&first->root, &second->root)) {
    return kt_error_set(error, KT_ERR_FORMAT, "%s is damaged: its two copies contradict each other", path);
  }
  bool take_second = !copies->is_good[0] || (copies->is_good[1] && is_newer(second, first));
  *ret_guard = take_second ? *second : *first;
  return KT_OK;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static enum kt_err cannot_write(const char *path, struct kt_error *error)
{
  int cause = errno;
  bool passes = cause == ENOSPC || cause == EDQUOT || cause == EMFILE || cause == ENFILE;
  return kt_error_set(error, passes ? KT_ERR_UNDETERMINED : KT_ERR_STORE, "writing %s: %s", path, strerror(cause));
}

static enum kt_err open_guard(const char *path, int flags, int *ret_fd, struct kt_error *error)
{
  int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC); /* a pipe is no guard, and nothing to wait for */
  if (fd < 0 && errno == ENOENT) {
    return kt_error_set(error, KT_ERR_ABSENT, "%s: %s", path, strerror(errno));
  }
  if (fd < 0) {
    return cannot_write(path, error);
  }
  *ret_fd = fd;
  return KT_OK;
}

enum kt_err kt_guard_load(const char *path, struct kt_log_guard *ret_guard, struct kt_error *error)
{
  struct copies copies = { 0 };
  int fd = -1;
  enum kt_err err = open_guard(path, O_RDONLY, &fd, error);
  if (err != KT_OK) {
    return err;
  }
  /* Shared, so that a write is seen as a whole. */
  if (flock(fd, LOCK_SH) != 0) {
    err = kt_error_set(error, KT_ERR_STORE, "locking %s: %s", path, strerror(errno));
  }
  if (err == KT_OK) {
    err = read_copies(fd, path, &copies, error);
  }
  (void)close(fd);
  return err == KT_OK ? judge(&copies, path, ret_guard, error) : err;
}

static enum kt_err put_copy(int fd, size_t i, const char *path, const struct kt_log_guard *guard,
                            struct kt_error *error)
{
  char copy[KT_GUARD_COPY_LEN];
  format_copy(guard, copy);
  return kt_file_write_at(fd, copy, sizeof copy, (off_t)(i * KT_GUARD_DISTANCE)) ? KT_OK : cannot_write(path, error);
}

/* A failed flush is never repeated: the kernel may have dropped the pages that it could not write. */
static enum kt_err flush(int fd, const char *path, struct kt_error *error)
{
  return fdatasync(fd) == 0 ? KT_OK : kt_error_set(error, KT_ERR_STORE, "making %s durable: %s", path, strerror(errno));
}

/* One after the other, so that at any moment the disk has one that nobody is writing to. */
static enum kt_err put_durably(int fd, size_t i, const char *path, const struct kt_log_guard *guard,
                               struct kt_error *error)
{
  enum kt_err err = put_copy(fd, i, path, guard, error);
  return err == KT_OK ? flush(fd, path, error) : err;
}

/* The copy that is damaged, or older than the other one. */
static size_t worse_of(const struct copies *copies)
{
  bool are_good = copies->is_good[0] && copies->is_good[1];
  return copies->is_good[1] && (!are_good || is_newer(&copies->guards[1], &copies->guards[0])) ? 0 : 1;
}

/* While one copy is not what the guard is, the other one stays as it is. */
static enum kt_err repair(int fd, const char *path, const struct copies *copies, const struct kt_log_guard *guard,
                          struct kt_error *error)
{
  if (copies->is_good[0] && copies->is_good[1] && is_same(&copies->guards[0], &copies->guards[1])) {
    return KT_OK;
  }
  kt_say("%s: one of its two copies was damaged or older, and is written anew from the other one", path);
  return put_durably(fd, worse_of(copies), path, guard, error);
}

/* A full disk passes by itself only when it is met before anything was changed. */
static enum kt_err put_both(int fd, const char *path, const struct kt_log_guard *guard, struct kt_error *error)
{
  enum kt_err err = put_copy(fd, 0, path, guard, error);
  if (err != KT_OK) {
    return err;
  }
  err = put_copy(fd, 1, path, guard, error);
  if (err == KT_OK) {
    err = flush(fd, path, error);
  }
  return err == KT_ERR_UNDETERMINED ? KT_ERR_STORE : err;
}

/* The lock is held. */
static enum kt_err swap(int fd, const char *path, const struct kt_log_guard *before, const struct kt_log_guard *guard,
                        struct kt_error *error)
{
  struct copies copies = { 0 };
  struct kt_log_guard current = { 0 };
  enum kt_err err = read_copies(fd, path, &copies, error);
  if (err == KT_OK) {
    err = judge(&copies, path, &current, error);
  }
  if (err == KT_OK && !is_same(&current, before)) {
    err = kt_error_set(error, KT_ERR_CONFLICT,
                       "%s holds a head of %" PRIu64 " %s that this process did not put there: another one signs "
                       "with the same guard",
                       path, current.size, kt_noun_entries(current.size));
  }
  if (err == KT_OK) {
    err = repair(fd, path, &copies, &current, error);
  }
  return err == KT_OK ? put_both(fd, path, guard, error) : err;
}

/* What reads may be in the kernel's memory only: the process that wrote it was killed before its flush, or
 * the flush failed. So both copies are written again, for pages that the kernel takes for clean are not
 * flushed. The lock is held. */
static enum kt_err settle(int fd, const char *path, struct kt_log_guard *ret_guard, struct kt_error *error)
{
  struct copies copies = { 0 };
  enum kt_err err = read_copies(fd, path, &copies, error);
  if (err == KT_OK) {
    err = judge(&copies, path, ret_guard, error);
  }
  if (err == KT_OK) {
    err = repair(fd, path, &copies, ret_guard, error);
  }
  for (size_t i = 0; err == KT_OK && i < N_COPIES; i++) {
    err = put_durably(fd, i, path, ret_guard, error);
  }
  if (err == KT_OK && (fsync(fd) != 0 || !kt_file_sync_folder_of(path))) {
    err = kt_error_set(error, KT_ERR_STORE, "making %s durable: %s", path, strerror(errno));
  }
  return err;
}

/* The first one. Another process that makes it at the same time fails; so does a later one, when this was interrupted:
 * nothing was signed before the file was whole. */
static enum kt_err create(const char *path, const struct kt_log_guard *guard, struct kt_error *error)
{
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return errno == EEXIST ? kt_error_set(error, KT_ERR_CONFLICT, "%s is there already", path)
                           : cannot_write(path, error);
  }
  enum kt_err err = put_both(fd, path, guard, error);
  if (err == KT_OK && (fsync(fd) != 0 || !kt_file_sync_folder_of(path))) {
    err = kt_error_set(error, KT_ERR_STORE, "making %s durable: %s", path, strerror(errno));
  }
  if (err != KT_OK) {
    (void)unlink(path);
  }
  (void)close(fd);
  return err;
}

/* Nobody else writes until it is closed. */
static enum kt_err open_to_write(const char *path, int *ret_fd, struct kt_error *error)
{
  enum kt_err err = open_guard(path, O_RDWR, ret_fd, error);
  if (err == KT_OK && flock(*ret_fd, LOCK_EX) != 0) {
    err = kt_error_set(error, KT_ERR_STORE, "locking %s: %s", path, strerror(errno));
    (void)close(*ret_fd);
  }
  return err;
}

enum kt_err kt_guard_settle(const char *path, struct kt_log_guard *ret_guard, struct kt_error *error)
{
  int fd = -1;
  enum kt_err err = open_to_write(path, &fd, error);
  if (err != KT_OK) {
    return err;
  }
  err = settle(fd, path, ret_guard, error);
  (void)close(fd);
  return err;
}

enum kt_err kt_guard_save(const char *path, const struct kt_log_guard *before, const struct kt_log_guard *guard,
                          struct kt_error *error)
{
  int fd = -1;
  if (before == NULL) {
    return create(path, guard, error);
  }
  enum kt_err err = open_to_write(path, &fd, error);
  if (err != KT_OK) {
    return err;
  }
  err = swap(fd, path, before, guard, error);
  (void)close(fd);
  return err;
}
