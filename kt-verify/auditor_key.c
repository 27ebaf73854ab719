/* SPDX-License-Identifier: Apache-2.0 */
#include "auditor_key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auditor_signed.h"
#include "crypto/key_text.h"

#define ROLE "auditor"
#define PATH_SIZE 1024

static enum kt_exit cannot(struct kt_output *out, const char *doing, const char *path)
{
  return kt_output_fail(out, KT_EXIT_USAGE, "key-file", "cannot %s %s: %s", doing, path, strerror(errno));
}

/* --- loading -------------------------------------------------------------------------------------------------------------- */

static enum kt_exit read_line(struct kt_output *out, const char *path, char ret_line[static KT_KEY_TEXT_MAX + 1],
                              size_t *ret_len)
{
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not be waited for */
  if (fd < 0) {
    return cannot(out, "read", path);
  }
  enum kt_exit code = KT_EXIT_OK;
  if (fstat(fd, &st) != 0) {
    code = cannot(out, "read", path);
  } else if (!S_ISREG(st.st_mode)) {
    code = kt_output_fail(out, KT_EXIT_USAGE, "key-file", "%s is not a file", path);
  } else if ((st.st_mode & 077) != 0) {
    code = kt_output_fail(out, KT_EXIT_USAGE, "key-mode",
                          "%s is open to others: chmod 600 it, and think about who may have read it", path);
  } else {
    ssize_t n = read(fd, ret_line, KT_KEY_TEXT_MAX + 1);
    code = n < 0 ? cannot(out, "read", path) : KT_EXIT_OK;
    *ret_len = n < 0 ? 0 : (size_t)n;
  }
  close(fd);
  return code;
}

static enum kt_exit check_key(struct kt_output *out, const char *path, const struct kt_suite *suite,
                              struct kt_bytes expected, const struct kt_secret *secret)
{
  uint8_t key[KT_PUBLIC_KEY_MAX];
  if (suite->sign_public(secret->seed, key) != KT_OK) {
    return kt_output_fail(out, KT_EXIT_USAGE, "key-file", "%s: the key is not usable", path);
  }
  if (expected.len != suite->sign_public_len || memcmp(key, expected.data, expected.len) != 0) {
    return kt_output_fail(out, KT_EXIT_USAGE, "auditor-key",
                          "%s is not the key of this log's auditor: the pinned configuration names another one "
                          "(kt-verify config show)",
                          path);
  }
  return KT_EXIT_OK;
}

enum kt_exit kt_auditor_key_load(struct kt_output *out, const char *path, const struct kt_suite *suite,
                                 struct kt_bytes expected, struct kt_secret **ret_secret)
{
  char line[KT_KEY_TEXT_MAX + 1];
  size_t len = 0;
  struct kt_secret *secret;
  const struct kt_suite *key_suite = NULL;
  if (kt_secret_new(&secret) != KT_OK) {
    return kt_output_fail(out, KT_EXIT_USAGE, "memory", "no protected memory for the auditor's key");
  }
  enum kt_exit code = read_line(out, path, line, &len);
  if (code == KT_EXIT_OK &&
      kt_seed_read((struct kt_bytes){ (const uint8_t *)line, len }, ROLE, &key_suite, secret->seed) != KT_OK) {
    code = kt_output_fail(out, KT_EXIT_USAGE, "key-file",
                          "%s does not hold an auditor's secret key, as kt-verify auditor keygen writes it", path);
  }
  sodium_memzero(line, sizeof line);
  if (code == KT_EXIT_OK && key_suite != suite) {
    code = kt_output_fail(out, KT_EXIT_USAGE, "auditor-key", "%s is a key for suite %s, the log has suite %s", path,
                          kt_suite_word(key_suite), kt_suite_word(suite));
  }
  if (code == KT_EXIT_OK) {
    code = check_key(out, path, suite, expected, secret);
  }
  if (code != KT_EXIT_OK) {
    kt_secret_free(secret);
    return code;
  }
  *ret_secret = secret;
  return KT_EXIT_OK;
}

/* --- making ---------------------------------------------------------------------------------------------------------------- */

static bool write_all(const char *path, const char *line, size_t len, mode_t mode)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) {
    return false;
  }
  bool ok = fchmod(fd, mode) == 0 && write(fd, line, len) == (ssize_t)len && fsync(fd) == 0;
  ok = close(fd) == 0 && ok;
  if (!ok) {
    int saved = errno;
    unlink(path);
    errno = saved;
  }
  return ok;
}

/* From its first minute on a key has a record of what it signed, so that a missing one is always a lost one. */
static bool write_record(const char *path, const struct kt_suite *suite, struct kt_bytes key)
{
  char line[KT_AUDITOR_SIGNED_LINE_MAX];
  const struct kt_auditor_signed nothing = { .size = 0 };
  return write_all(path, line, kt_auditor_signed_text(suite, key, &nothing, line), 0600);
}

static enum kt_exit write_secret(struct kt_output *out, const char *path, const struct kt_suite *suite,
                                 const struct kt_secret *secret)
{
  char line[KT_KEY_TEXT_MAX];
  size_t len = kt_seed_text(ROLE, suite, secret->seed, line);
  bool ok = write_all(path, line, len, 0600);
  sodium_memzero(line, sizeof line);
  return ok ? KT_EXIT_OK : cannot(out, "write", path);
}

static enum kt_exit write_key(struct kt_output *out, const char *path, const struct kt_suite *suite,
                              const struct kt_secret *secret, char *ret_line, size_t *ret_len)
{
  char public_path[PATH_SIZE];
  char record_path[PATH_SIZE];
  uint8_t key[KT_PUBLIC_KEY_MAX];
  const struct kt_bytes public_key = { key, suite->sign_public_len };
  snprintf(public_path, sizeof public_path, "%s.pub", path);
  int n = snprintf(record_path, sizeof record_path, "%s.signed", path);
  if (n < 0 || (size_t)n >= sizeof record_path) {
    return kt_output_fail(out, KT_EXIT_USAGE, "key-file", "the name of the key file is too long");
  }
  if (suite->sign_public(secret->seed, key) != KT_OK) {
    return kt_output_fail(out, KT_EXIT_USAGE, "crypto", "the key cannot be made");
  }
  *ret_len = kt_public_key_text(ROLE, suite, public_key, ret_line);
  if (!write_all(public_path, ret_line, *ret_len, 0644)) {
    return cannot(out, "write", public_path);
  }
  if (!write_record(record_path, suite, public_key)) {
    enum kt_exit code = cannot(out, "write", record_path);
    unlink(public_path);
    return code;
  }
  enum kt_exit code = write_secret(out, path, suite, secret);
  if (code != KT_EXIT_OK) {
    unlink(record_path);
    unlink(public_path);
  }
  return code;
}

enum kt_exit kt_auditor_key_create(struct kt_output *out, const char *path, const struct kt_suite *suite,
                                   char *ret_line, size_t *ret_len)
{
  struct kt_secret *secret;
  if (kt_secret_new(&secret) != KT_OK) {
    return kt_output_fail(out, KT_EXIT_USAGE, "memory", "no protected memory for the auditor's key");
  }
  randombytes_buf(secret->seed, KT_SEED_LEN);
  enum kt_exit code = write_key(out, path, suite, secret, ret_line, ret_len);
  kt_secret_free(secret);
  return code;
}
