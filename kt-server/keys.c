/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_io.h"

#define LINE_MAX_LEN 128

static size_t prefix(const char *role, char ret_line[static LINE_MAX_LEN + 1])
{
  return (size_t)snprintf(ret_line, LINE_MAX_LEN + 1, "kt-key/1 %s ", role);
}

enum kt_err kt_key_create(const char *path, const char *role, struct kt_secret **ret_secret, struct kt_error *error)
{
  struct kt_secret *secret = NULL;
  char line[LINE_MAX_LEN + 1];
  if (access(path, F_OK) == 0) {
    return kt_error_set(error, KT_ERR_CONFLICT, "%s exists already", path);
  }
  if (kt_secret_new(&secret) != KT_OK) {
    return kt_error_set(error, KT_ERR_MEMORY, "no memory that can be locked for a key");
  }
  randombytes_buf(secret->seed, sizeof secret->seed);
  size_t len = prefix(role, line);
  (void)sodium_bin2hex(line + len, sizeof line - len, secret->seed, sizeof secret->seed);
  len += 2 * sizeof secret->seed;
  line[len++] = '\n';
  enum kt_err err = kt_file_replace(path, line, len, 0600, error);
  sodium_memzero(line, sizeof line);
  if (err != KT_OK) {
    kt_secret_free(secret);
    return err;
  }
  *ret_secret = secret;
  return KT_OK;
}

static bool parse(const char *line, size_t len, const char *role, struct kt_secret *secret)
{
  char expected[LINE_MAX_LEN + 1];
  size_t n = prefix(role, expected);
  size_t seed_len = 0;
  const size_t hex_len = 2 * sizeof secret->seed;
  return len == n + hex_len + 1 && memcmp(line, expected, n) == 0 && line[len - 1] == '\n' &&
         sodium_hex2bin(secret->seed, sizeof secret->seed, line + n, hex_len, NULL, &seed_len, NULL) == 0 &&
         seed_len == sizeof secret->seed;
}

/* The folder that the service manager made for this service; NULL: none. */
static const char *credentials(void)
{
  const char *dir = getenv("CREDENTIALS_DIRECTORY");
  return dir != NULL && dir[0] == '/' ? dir : NULL;
}

enum kt_err kt_key_find(const char *dir, const char *name, struct kt_path *ret_path, struct kt_error *error)
{
  struct kt_path path;
  if (credentials() != NULL && kt_path_join(credentials(), name, &path, error) == KT_OK && access(path.s, F_OK) == 0) {
    *ret_path = path;
    return KT_OK;
  }
  return kt_path_join(dir, name, ret_path, error);
}

/* The service manager's folder is closed to others, and its files show an access list as a group's permission. */
enum kt_err kt_key_check(const char *path, struct kt_error *error)
{
  const char *dir = credentials();
  size_t len = dir != NULL ? strlen(dir) : 0;
  if (len > 0 && strncmp(path, dir, len) == 0 && path[len] == '/') {
    return KT_OK;
  }
  return kt_file_check_private(path, error);
}

enum kt_err kt_key_load(const char *path, const char *role, struct kt_secret **ret_secret, struct kt_error *error)
{
  struct kt_secret *secret = NULL;
  char line[LINE_MAX_LEN + 1];
  size_t len = 0;
  enum kt_err err = kt_key_check(path, error);
  if (err != KT_OK) {
    return err;
  }
  if (kt_secret_new(&secret) != KT_OK) {
    return kt_error_set(error, KT_ERR_MEMORY, "no memory that can be locked for a key");
  }
  err = kt_file_read(path, LINE_MAX_LEN, line, &len, error);
  if (err == KT_OK && !parse(line, len, role, secret)) {
    err = kt_error_set(error, KT_ERR_FORMAT,
                       "%s is not a key file for the role \"%s\": copy it back from where you keep it", path, role);
  }
  sodium_memzero(line, sizeof line);
  if (err != KT_OK) {
    kt_secret_free(secret);
    return err;
  }
  *ret_secret = secret;
  return KT_OK;
}
