/* SPDX-License-Identifier: Apache-2.0 */
#include "key_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "crypto/hash.h"
#include "state.h"

#define TEXT_LEN (2 * KT_SEED_LEN)
#define PATH_SIZE (KT_STATE_PATH_MAX + 128)

/* Labels hold any bytes and may be longer than a file name, so the name is a hash. */
static void key_path(const char *home, struct kt_bytes label, enum kt_key_slot slot, char ret_path[static PATH_SIZE])
{
  struct kt_hash hash;
  char hex[KT_HEX_SIZE(KT_HASH_LEN)];
  kt_sha256(label.data, label.len, &hash);
  kt_hex_encode((struct kt_bytes){ hash.b, KT_HASH_LEN }, hex);
  snprintf(ret_path, PATH_SIZE, "%s/keys/%s%s", home, hex, slot == KT_KEY_NEXT ? ".next" : "");
}

enum kt_exit kt_key_make(struct kt_output *out, bool fresh, struct kt_secret **ret_secret)
{
  if (kt_secret_new(ret_secret) != KT_OK) {
    return kt_output_fail(out, KT_EXIT_USAGE, "memory", "no protected memory for the account key");
  }
  if (fresh) {
    randombytes_buf((*ret_secret)->seed, KT_SEED_LEN);
  }
  return KT_EXIT_OK;
}

static bool read_seed(int fd, struct kt_secret *secret)
{
  char text[TEXT_LEN + 2];
  size_t len = 0;
  ssize_t n = read(fd, text, sizeof text);
  bool ok = n >= TEXT_LEN && (n == TEXT_LEN || (n == TEXT_LEN + 1 && text[TEXT_LEN] == '\n')) &&
            sodium_hex2bin(secret->seed, KT_SEED_LEN, text, TEXT_LEN, NULL, &len, NULL) == 0 && len == KT_SEED_LEN;
  sodium_memzero(text, sizeof text);
  return ok;
}

static enum kt_exit read_key(struct kt_output *out, int fd, const char *path, struct kt_secret *secret)
{
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
    return kt_output_fail(out, KT_EXIT_USAGE, "key-mode",
                          "%s is open to others: chmod 600 it, and think about who may have read it", path);
  }
  return read_seed(fd, secret)
             ? KT_EXIT_OK
             : kt_output_fail(out, KT_EXIT_USAGE, "key-file", "%s does not hold an account key of 64 hex digits", path);
}

static bool holds(const char *path, const struct kt_account_key *key)
{
  struct kt_secret *secret = NULL;
  struct kt_account_key found;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    return false;
  }
  bool ok = kt_secret_new(&secret) == KT_OK && read_seed(fd, secret) &&
            kt_account_key_from_seed(secret->seed, &found) == KT_OK && kt_account_key_equal(&found, key);
  kt_secret_free(secret);
  close(fd);
  return ok;
}

bool kt_key_is_here(const char *home, struct kt_bytes label, const struct kt_account_key *key)
{
  char present[PATH_SIZE];
  char next[PATH_SIZE];
  key_path(home, label, KT_KEY_PRESENT, present);
  key_path(home, label, KT_KEY_NEXT, next);
  return holds(present, key) || holds(next, key);
}

enum kt_exit kt_key_load(struct kt_output *out, const char *home, struct kt_bytes label, enum kt_key_slot slot,
                         struct kt_secret **ret_secret)
{
  char path[PATH_SIZE];
  struct kt_secret *secret = NULL;
  key_path(home, label, slot, path);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    return errno == ENOENT
               ? KT_EXIT_ABSENT
               : kt_output_fail(out, KT_EXIT_USAGE, "key-file", "cannot read %s: %s", path, strerror(errno));
  }
  enum kt_exit code = kt_key_make(out, false, &secret);
  if (code == KT_EXIT_OK) {
    code = read_key(out, fd, path, secret);
  }
  close(fd);
  if (code != KT_EXIT_OK) {
    kt_secret_free(secret);
    return code;
  }
  *ret_secret = secret;
  return KT_EXIT_OK;
}

static bool write_key(const char *path, const struct kt_secret *secret)
{
  char text[TEXT_LEN + 1];
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return false;
  }
  sodium_bin2hex(text, sizeof text, secret->seed, KT_SEED_LEN);
  text[TEXT_LEN] = '\n';
  bool ok = fchmod(fd, 0600) == 0 && write(fd, text, sizeof text) == (ssize_t)sizeof text && fsync(fd) == 0;
  sodium_memzero(text, sizeof text);
  return close(fd) == 0 && ok;
}

static bool sync_folder(const char *folder)
{
  int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = dir >= 0 && fsync(dir) == 0;
  if (dir >= 0) {
    close(dir);
  }
  return ok;
}

static enum kt_exit make_folder(struct kt_output *out, const char *home, char ret_folder[static PATH_SIZE])
{
  snprintf(ret_folder, PATH_SIZE, "%s/keys", home);
  if (mkdir(ret_folder, 0700) != 0 && errno != EEXIST) {
    return kt_output_fail(out, KT_EXIT_USAGE, "key-file", "cannot make %s: %s", ret_folder, strerror(errno));
  }
  return KT_EXIT_OK;
}

static enum kt_exit cannot_write(struct kt_output *out, const char *path, int error)
{
  return kt_output_fail(out, KT_EXIT_USAGE, "key-file", "cannot write %s: %s", path, strerror(error));
}

/* move: link fails where a file is, rename replaces it. */
static enum kt_exit put_key(struct kt_output *out, const char *home, const char *path, const struct kt_secret *secret,
                            int (*move)(const char *from, const char *to))
{
  char folder[PATH_SIZE];
  char temporary[PATH_SIZE + 32];
  enum kt_exit code = make_folder(out, home, folder);
  if (code != KT_EXIT_OK) {
    return code;
  }
  snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
  /* The whole file appears at once. Synced, and the folder too, so that a key that was published is never lost to a
   * power cut. */
  bool ok = write_key(temporary, secret) && move(temporary, path) == 0 && sync_folder(folder);
  int saved_errno = errno;
  unlink(temporary);
  if (ok) {
    return KT_EXIT_OK;
  }
  if (saved_errno == EEXIST) {
    return kt_output_fail(out, KT_EXIT_USAGE, "key-exists", "there is an account key for this label already: %s", path);
  }
  return cannot_write(out, path, saved_errno);
}

enum kt_exit kt_key_save(struct kt_output *out, const char *home, struct kt_bytes label, enum kt_key_slot slot,
                         const struct kt_secret *secret)
{
  char path[PATH_SIZE];
  key_path(home, label, slot, path);
  return put_key(out, home, path, secret, link);
}

enum kt_exit kt_key_replace(struct kt_output *out, const char *home, struct kt_bytes label,
                            const struct kt_secret *secret)
{
  char path[PATH_SIZE];
  key_path(home, label, KT_KEY_PRESENT, path);
  return put_key(out, home, path, secret, rename);
}

enum kt_exit kt_key_promote(struct kt_output *out, const char *home, struct kt_bytes label)
{
  char folder[PATH_SIZE];
  char next[PATH_SIZE];
  char present[PATH_SIZE];
  key_path(home, label, KT_KEY_NEXT, next);
  key_path(home, label, KT_KEY_PRESENT, present);
  enum kt_exit code = make_folder(out, home, folder);
  if (code == KT_EXIT_OK && (rename(next, present) != 0 || !sync_folder(folder))) {
    return cannot_write(out, present, errno);
  }
  return code;
}
