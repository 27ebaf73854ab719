/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key_text.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PUBLIC_MAGIC "kt-public-key/1"
#define SEED_MAGIC "kt-key/1"
#define HEAD_SIZE 64 /* magic, role, suite, three blanks and a NUL */

static const struct {
  const char *word;
  uint16_t id;
} suites[] = { { "ed25519", KT_SUITE_ED25519 }, { "p256", KT_SUITE_P256 } };

#define N_SUITES (sizeof suites / sizeof suites[0])

const struct kt_suite *kt_suite_by_word(const char *word)
{
  for (size_t i = 0; i < N_SUITES; i++) {
    if (strcmp(word, suites[i].word) == 0) {
      return kt_suite_by_id(suites[i].id);
    }
  }
  return NULL;
}

const char *kt_suite_word(const struct kt_suite *suite)
{
  for (size_t i = 0; i < N_SUITES; i++) {
    if (suite->id == suites[i].id) {
      return suites[i].word;
    }
  }
  return "unknown";
}

static size_t head(const char *magic, const char *role, const struct kt_suite *suite, char ret_head[static HEAD_SIZE])
{
  int len = snprintf(ret_head, HEAD_SIZE, "%s %.*s %s ", magic, KT_KEY_ROLE_MAX, role, kt_suite_word(suite));
  return (size_t)len;
}

static size_t write_line(const char *magic, const char *role, const struct kt_suite *suite, struct kt_bytes key,
                         char ret_line[static KT_KEY_TEXT_MAX])
{
  size_t len = head(magic, role, suite, ret_line);
  (void)sodium_bin2hex(ret_line + len, KT_KEY_TEXT_MAX - len, key.data, key.len);
  len += 2 * key.len;
  ret_line[len++] = '\n';
  return len;
}

size_t kt_public_key_text(const char *role, const struct kt_suite *suite, struct kt_bytes key,
                          char ret_line[static KT_KEY_TEXT_MAX])
{
  return write_line(PUBLIC_MAGIC, role, suite, key, ret_line);
}

size_t kt_seed_text(const char *role, const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN],
                    char ret_line[static KT_KEY_TEXT_MAX])
{
  return write_line(SEED_MAGIC, role, suite, (struct kt_bytes){ seed, KT_SEED_LEN }, ret_line);
}

/* The suite whose line this is, and where its hex digits begin; NULL: no suite's. */
static const struct kt_suite *find_suite(struct kt_bytes line, const char *magic, const char *role, size_t *ret_start)
{
  for (size_t i = 0; i < N_SUITES; i++) {
    char expected[HEAD_SIZE];
    const struct kt_suite *suite = kt_suite_by_id(suites[i].id);
    size_t len = head(magic, role, suite, expected);
    if (line.len > len && memcmp(line.data, expected, len) == 0) {
      *ret_start = len;
      return suite;
    }
  }
  return NULL;
}

static bool read_hex(struct kt_bytes line, size_t start, size_t key_len, uint8_t *ret_key)
{
  size_t len = 0;
  return line.len == start + 2 * key_len + 1 && line.data[line.len - 1] == '\n' &&
         sodium_hex2bin(ret_key, key_len, (const char *)line.data + start, 2 * key_len, NULL, &len, NULL) == 0 &&
         len == key_len;
}

enum kt_err kt_public_key_read(struct kt_bytes line, const char *role, const struct kt_suite **ret_suite,
                               uint8_t ret_key[static KT_PUBLIC_KEY_MAX])
{
  size_t start = 0;
  uint8_t key[KT_PUBLIC_KEY_MAX];
  const struct kt_suite *suite = find_suite(line, PUBLIC_MAGIC, role, &start);
  if (suite == NULL || !read_hex(line, start, suite->sign_public_len, key) ||
      suite->sign_public_check((struct kt_bytes){ key, suite->sign_public_len }) != KT_OK) {
    return KT_ERR_FORMAT;
  }
  memcpy(ret_key, key, suite->sign_public_len);
  *ret_suite = suite;
  return KT_OK;
}

enum kt_err kt_seed_read(struct kt_bytes line, const char *role, const struct kt_suite **ret_suite,
                         uint8_t ret_seed[static KT_SEED_LEN])
{
  size_t start = 0;
  uint8_t seed[KT_SEED_LEN];
  const struct kt_suite *suite = find_suite(line, SEED_MAGIC, role, &start);
  enum kt_err err = suite != NULL && read_hex(line, start, KT_SEED_LEN, seed) ? KT_OK : KT_ERR_FORMAT;
  if (err == KT_OK) {
    memcpy(ret_seed, seed, KT_SEED_LEN);
    *ret_suite = suite;
  }
  sodium_memzero(seed, sizeof seed);
  return err;
}
