/* SPDX-License-Identifier: Apache-2.0 */
#include "role.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "crypto/key_text.h"
#include "keys.h"
#include "operator_db.h"

const char *const kt_role_files[KT_ROLE_FILES] = {
  KT_NAME_LEAF_KEY,
  KT_NAME_LEAF_PUBLIC,
  KT_NAME_OPERATOR_TOKEN,
  KT_NAME_OPERATOR_DATABASE,
  KT_NAME_OPERATOR_DATABASE "-wal",
  KT_NAME_OPERATOR_DATABASE "-shm",
};

/* --- init --------------------------------------------------------------------------------------------------------- */

static enum kt_err write_file(const char *dir, const char *name, const void *data, size_t len, mode_t mode,
                              struct kt_error *error)
{
  struct kt_path path;
  enum kt_err err = kt_path_join(dir, name, &path, error);
  return err == KT_OK ? kt_file_replace(path.s, data, len, mode, error) : err;
}

static enum kt_err make_leaf_key(const char *dir, const struct kt_suite *suite, struct kt_error *error)
{
  struct kt_path path;
  struct kt_secret *secret = NULL;
  uint8_t public_key[KT_PUBLIC_KEY_MAX];
  char line[KT_KEY_TEXT_MAX];
  enum kt_err err = kt_path_join(dir, KT_NAME_LEAF_KEY, &path, error);
  if (err == KT_OK) {
    err = kt_key_create(path.s, "leaf", &secret, error);
  }
  if (err == KT_OK && suite->sign_public(secret->seed, public_key) != KT_OK) {
    err = kt_error_set(error, KT_ERR_CRYPTO, "deriving the public key failed");
  }
  kt_secret_free(secret);
  if (err != KT_OK) {
    return err;
  }
  size_t len = kt_public_key_text("leaf", suite, (struct kt_bytes){ public_key, suite->sign_public_len }, line);
  return write_file(dir, KT_NAME_LEAF_PUBLIC, line, len, 0644, error);
}

static enum kt_err write_settings(const char *dir, const char *registration, const char *upstream,
                                  struct kt_error *error)
{
  char more[KT_ADDRESS_MAX + 128];
  (void)snprintf(more, sizeof more,
                 "\n# The Third-Party Manager that keeps this log: http://, https:// or unix:PATH.\nupstream: %s\n",
                 upstream);
  char *text = kt_settings_template(registration, more);
  if (text == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  enum kt_err err = write_file(dir, KT_NAME_SETTINGS, text, strlen(text), 0600, error);
  free(text);
  return err;
}

static enum kt_err create_database(const char *dir, struct kt_error *error)
{
  struct kt_path path;
  struct kt_path guard;
  struct kt_opdb *db = NULL;
  enum kt_err err = kt_path_join(dir, KT_NAME_OPERATOR_DATABASE, &path, error);
  if (err == KT_OK) {
    err = kt_path_join(dir, KT_NAME_HEAD_GUARD, &guard, error);
  }
  if (err == KT_OK) {
    err = kt_opdb_open(path.s, guard.s, true, false, &db, error);
  }
  kt_opdb_close(db);
  return err;
}

enum kt_err kt_role_init_operator(const char *dir, const struct kt_init_options *options, const char *registration,
                                  struct kt_error *error)
{
  const struct kt_suite *suite = kt_suite_by_word(options->suite);
  if (suite == NULL) {
    return kt_error_set(error, KT_ERR_UNSUPPORTED, "--suite %s: it is ed25519 or p256", options->suite);
  }
  if (options->upstream == NULL || strlen(options->upstream) > KT_ADDRESS_MAX ||
      options->upstream[strcspn(options->upstream, " \t\r\n#")] != '\0') {
    return kt_error_set(error, KT_ERR_USAGE,
                        "a Service Operator needs --upstream URL, the address of its Third-Party Manager");
  }
  enum kt_err err = make_leaf_key(dir, suite, error);
  if (err == KT_OK) {
    err = write_settings(dir, registration, options->upstream, error);
  }
  return err == KT_OK ? create_database(dir, error) : err;
}

enum kt_err kt_role_make_token(const char *dir, struct kt_error *error)
{
  uint8_t bytes[KT_OPERATOR_TOKEN_LEN / 2];
  char line[KT_OPERATOR_TOKEN_LEN + 2];
  randombytes_buf(bytes, sizeof bytes);
  (void)sodium_bin2hex(line, sizeof line, bytes, sizeof bytes);
  line[KT_OPERATOR_TOKEN_LEN] = '\n';
  enum kt_err err = write_file(dir, KT_NAME_OPERATOR_TOKEN, line, KT_OPERATOR_TOKEN_LEN + 1, 0600, error);
  sodium_memzero(bytes, sizeof bytes);
  sodium_memzero(line, sizeof line);
  return err;
}

/* --- load --------------------------------------------------------------------------------------------------------- */

enum kt_err kt_role_load_token(struct kt_instance *instance, struct kt_error *error)
{
  struct kt_path path;
  struct stat info;
  char line[KT_OPERATOR_TOKEN_LEN + 2];
  size_t len = 0;
  enum kt_err err = kt_path_join(instance->dir.s, KT_NAME_OPERATOR_TOKEN, &path, error);
  if (err == KT_OK) {
    err = kt_file_read(path.s, KT_OPERATOR_TOKEN_LEN + 1, line, &len, error);
  }
  if (err != KT_OK) {
    return err;
  }
  if (stat(path.s, &info) != 0 || (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return kt_error_set(error, KT_ERR_DENIED, "%s: others may use this secret; it must be a file of mode 0600", path.s);
  }
  if (len != KT_OPERATOR_TOKEN_LEN + 1 || line[len - 1] != '\n' ||
      strspn(line, "0123456789abcdef") != KT_OPERATOR_TOKEN_LEN) {
    return kt_error_set(error, KT_ERR_FORMAT, "%s is not an operator's token, as init made it for the Manager", path.s);
  }
  memcpy(instance->operator_token, line, KT_OPERATOR_TOKEN_LEN);
  instance->operator_token[KT_OPERATOR_TOKEN_LEN] = '\0';
  return KT_OK;
}

enum kt_err kt_role_load_operator(struct kt_instance *instance, struct kt_error *error)
{
  const struct kt_config *config = &instance->config;
  struct kt_path path;
  uint8_t public_key[KT_PUBLIC_KEY_MAX];
  if (config->mode != KT_MODE_THIRD_PARTY_MANAGEMENT) {
    return kt_error_set(error, KT_ERR_FORMAT,
                        "%s: an upstream is set, but " KT_NAME_CONFIG " is not of third-party management",
                        instance->dir.s);
  }
  enum kt_err err = kt_key_find(instance->dir.s, KT_NAME_LEAF_KEY, &path, error);
  if (err == KT_OK) {
    err = kt_key_load(path.s, "leaf", &instance->leaf, error);
  }
  if (err == KT_OK && config->suite->sign_public(instance->leaf->seed, public_key) != KT_OK) {
    err = kt_error_set(error, KT_ERR_CRYPTO, "%s: the leaf key is not usable", instance->dir.s);
  }
  if (err == KT_OK && memcmp(public_key, config->leaf_public_key.data, config->leaf_public_key.len) != 0) {
    err = kt_error_set(error, KT_ERR_CRYPTO,
                       "%s: " KT_NAME_LEAF_KEY " does not belong to " KT_NAME_CONFIG
                       ": the Manager made its log for another operator",
                       instance->dir.s);
  }
  return err == KT_OK ? kt_role_load_token(instance, error) : err;
}
