/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key_text.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include <sodium.h>

static struct kt_bytes text(const char *line)
{
  return (struct kt_bytes){ (const uint8_t *)line, strlen(line) };
}

/* RFC 8032 section 7.1, test 1. */
#define SEED_HEX "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define PUBLIC_HEX "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

static void test_words(void **state)
{
  (void)state;
  assert_int_equal(kt_suite_by_word("ed25519")->id, KT_SUITE_ED25519);
  assert_int_equal(kt_suite_by_word("p256")->id, KT_SUITE_P256);
  assert_null(kt_suite_by_word("p384"));
  assert_string_equal(kt_suite_word(kt_suite_by_id(KT_SUITE_P256)), "p256");
}

static void test_ed25519_lines(void **state)
{
  (void)state;
  uint8_t seed[KT_SEED_LEN];
  uint8_t key[KT_PUBLIC_KEY_MAX];
  uint8_t again[KT_PUBLIC_KEY_MAX];
  char line[KT_KEY_TEXT_MAX];
  const struct kt_suite *suite = NULL;
  assert_int_equal(kt_seed_read(text("kt-key/1 auditor ed25519 " SEED_HEX "\n"), "auditor", &suite, seed), KT_OK);
  assert_int_equal(suite->id, KT_SUITE_ED25519);
  assert_int_equal(suite->sign_public(seed, key), KT_OK);
  size_t len = kt_public_key_text("auditor", suite, (struct kt_bytes){ key, suite->sign_public_len }, line);
  const struct kt_bytes expected = text("kt-public-key/1 auditor ed25519 " PUBLIC_HEX "\n");
  assert_int_equal(len, expected.len);
  assert_memory_equal(line, expected.data, len);
  assert_int_equal(kt_public_key_read(expected, "auditor", &suite, again), KT_OK);
  assert_memory_equal(again, key, suite->sign_public_len);
  len = kt_seed_text("auditor", suite, seed, line);
  assert_memory_equal(line, "kt-key/1 auditor ed25519 " SEED_HEX "\n", len);
}

static void test_p256_lines(void **state)
{
  (void)state;
  const struct kt_suite *p256 = kt_suite_by_id(KT_SUITE_P256);
  const struct kt_suite *suite = NULL;
  uint8_t seed[KT_SEED_LEN] = { 7 };
  uint8_t key[KT_PUBLIC_KEY_MAX];
  uint8_t again[KT_PUBLIC_KEY_MAX];
  char line[KT_KEY_TEXT_MAX];
  assert_int_equal(p256->sign_public(seed, key), KT_OK);
  size_t len = kt_public_key_text("auditor", p256, (struct kt_bytes){ key, p256->sign_public_len }, line);
  assert_true(len <= sizeof line);
  assert_int_equal(kt_public_key_read((struct kt_bytes){ (uint8_t *)line, len }, "auditor", &suite, again), KT_OK);
  assert_ptr_equal(suite, p256);
  assert_memory_equal(again, key, p256->sign_public_len);
}

/* Another role, another kind of key, a digit too few or too many, no line break, something behind it, a point of small
 * order. */
static void test_refused(void **state)
{
  (void)state;
  static const char *const lines[] = {
    "",
    "kt-public-key/1 auditor ed25519 ",
    "kt-public-key/1 signing ed25519 " PUBLIC_HEX "\n",
    "kt-public-key/1 auditor p256 " PUBLIC_HEX "\n",
    "kt-key/1 auditor ed25519 " PUBLIC_HEX "\n",
    "kt-public-key/1 auditor ed25519 " PUBLIC_HEX,
    "kt-public-key/1 auditor ed25519 " PUBLIC_HEX "\n\n",
    "kt-public-key/1 auditor ed25519 " PUBLIC_HEX "00\n",
    "kt-public-key/1 auditor ed25519  " PUBLIC_HEX "\n",
    "kt-public-key/1 auditor ed25519 0100000000000000000000000000000000000000000000000000000000000000\n",
  };
  const struct kt_suite *suite = NULL;
  uint8_t key[KT_PUBLIC_KEY_MAX];
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    assert_int_equal(kt_public_key_read(text(lines[i]), "auditor", &suite, key), KT_ERR_FORMAT);
  }
  assert_null(suite);
  assert_int_equal(kt_seed_read(text("kt-key/1 vrf ed25519 " SEED_HEX "\n"), "auditor", &suite, key), KT_ERR_FORMAT);
  assert_int_equal(kt_seed_read(text("kt-public-key/1 auditor ed25519 " SEED_HEX "\n"), "auditor", &suite, key),
                   KT_ERR_FORMAT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_words),
    cmocka_unit_test(test_ed25519_lines),
    cmocka_unit_test(test_p256_lines),
    cmocka_unit_test(test_refused),
  };
  return kt_crypto_init() == KT_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
