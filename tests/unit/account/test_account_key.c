/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/account_key.h>

#include "account/utf8.h"

#include "accounts.h"

#include "base/hex.h"

/* RFC 8032 section 7.1, TEST 2. */
static void test_rfc8032_vector(void **state)
{
  (void)state;
  uint8_t seed[KT_ACCOUNT_SEED_LEN];
  uint8_t public[KT_ACCOUNT_KEY_LEN - 1];
  uint8_t expected[KT_ACCOUNT_SIGNATURE_LEN];
  size_t len = 0;
  assert_int_equal(
      kt_hex_decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", 64, sizeof seed, seed, &len),
      KT_OK);
  assert_int_equal(kt_hex_decode("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 64, sizeof public,
                                 public, &len),
                   KT_OK);
  assert_int_equal(kt_hex_decode("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                                 "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
                                 128, sizeof expected, expected, &len),
                   KT_OK);
  struct kt_account_key key;
  uint8_t signature[KT_ACCOUNT_SIGNATURE_LEN];
  assert_int_equal(kt_account_key_from_seed(seed, &key), KT_OK);
  assert_int_equal(key.b[0], KT_ACCOUNT_KEY_TYPE);
  assert_memory_equal(key.b + 1, public, sizeof public);
  assert_int_equal(kt_account_key_sign(seed, BYTES("\x72"), signature), KT_OK);
  assert_memory_equal(signature, expected, sizeof expected);
  assert_int_equal(kt_account_key_verify(&key, BYTES("\x72"), signature), KT_OK);
  assert_int_equal(kt_account_key_verify(&key, BYTES("\x73"), signature), KT_ERR_PROOF);
  key.b[0] = 0x05;
  assert_int_equal(kt_account_key_verify(&key, BYTES("\x72"), signature), KT_ERR_PROOF);
}

static void test_small_order_key_refused(void **state)
{
  (void)state;
  struct kt_account_key key = { { KT_ACCOUNT_KEY_TYPE, 1 } }; /* the neutral element signs everything */
  uint8_t signature[KT_ACCOUNT_SIGNATURE_LEN] = { 1 };
  assert_int_equal(kt_account_key_verify(&key, BYTES("anything"), signature), KT_ERR_PROOF);
}

static void test_seal_and_open(void **state)
{
  (void)state;
  struct seed seed = seed_of(0x5a);
  uint8_t salt[KT_ACCOUNT_SALT_LEN] = { 1 };
  uint8_t nonce[KT_ACCOUNT_NONCE_LEN] = { 2 };
  uint8_t sealed[KT_ACCOUNT_SEALED_LEN];
  assert_int_equal(kt_account_key_seal(seed.b, BYTES("correct horse"), salt, nonce, sealed), KT_OK);
  assert_memory_equal(sealed, "kt-account-key/1", 16);
  struct kt_bytes bytes = { sealed, sizeof sealed };
  uint8_t opened[KT_ACCOUNT_SEED_LEN] = { 0 };
  assert_int_equal(kt_account_key_open(bytes, BYTES("correct horse"), opened), KT_OK);
  assert_memory_equal(opened, seed.b, sizeof opened);
  memset(opened, 0, sizeof opened);
  assert_int_equal(kt_account_key_open(bytes, BYTES("battery staple"), opened), KT_ERR_PROOF);
  sealed[sizeof sealed - 1] ^= 1;
  assert_int_equal(kt_account_key_open(bytes, BYTES("correct horse"), opened), KT_ERR_PROOF);
  assert_int_equal(opened[0], 0);
  sealed[0] ^= 1;
  assert_int_equal(kt_account_key_open(bytes, BYTES("correct horse"), opened), KT_ERR_FORMAT);
  sealed[0] ^= 1;
  bytes.len--;
  assert_int_equal(kt_account_key_open(bytes, BYTES("correct horse"), opened), KT_ERR_FORMAT);
}

/* Every code point encoded by the arithmetic of RFC 3629 section 3 is valid unless it is a surrogate. */
static void test_utf8_every_code_point(void **state)
{
  (void)state;
  for (uint32_t c = 0; c <= 0x1fffff; c++) {
    uint8_t text[4];
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len; i > 1; i--) {
      text[i - 1] = (uint8_t)(0x80 | (c >> 6 * (len - i) & 0x3f));
    }
    static const uint8_t leads[] = { 0x00, 0xc0, 0xe0, 0xf0 };
    text[0] = (uint8_t)(leads[len - 1] | c >> 6 * (len - 1));
    bool valid = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
    if (kt_utf8_is_valid((struct kt_bytes){ text, len }) != valid) {
      fail_msg("U+%04X", (unsigned)c);
    }
    if (len > 1) {
      assert_false(kt_utf8_is_valid((struct kt_bytes){ text, len - 1 }));
    }
  }
  assert_true(kt_utf8_is_valid(BYTES("")));
  assert_false(kt_utf8_is_valid(BYTES("\xc0\x80")));
  assert_false(kt_utf8_is_valid(BYTES("\xe0\x9f\xbf")));
  assert_false(kt_utf8_is_valid(BYTES("\xf0\x8f\xbf\xbf")));
  assert_false(kt_utf8_is_valid(BYTES("\x80")));
  assert_false(kt_utf8_is_valid(BYTES("\xff")));
  assert_false(kt_utf8_is_valid(BYTES("a\xc3(")));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(test_rfc8032_vector),
    account_test(test_small_order_key_refused),
    account_test(test_seal_and_open),
    account_test(test_utf8_every_code_point),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
