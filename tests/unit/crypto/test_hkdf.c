/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF-SHA256 against RFC 5869 appendix A.1 to A.3, HMAC-SHA256 against RFC 4231. */
#include "crypto_test.h"

#include "crypto/hkdf.h"

static const struct {
  const char *input, *salt, *info, *prk, *output;
} rfc5869[] = {
  { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
    "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
  { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
    "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
    "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
    "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
    "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
    "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
    "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
  { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
    "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
};

static void rfc5869_appendix_a(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof rfc5869 / sizeof rfc5869[0]; i++) {
    uint8_t input[80];
    uint8_t salt[80];
    uint8_t info[80];
    uint8_t expected[82];
    uint8_t prk[KT_HASH_LEN];
    uint8_t output[82];
    struct kt_bytes in = { input, from_hex(rfc5869[i].input, input, sizeof input) };
    struct kt_bytes with_salt = { salt, from_hex(rfc5869[i].salt, salt, sizeof salt) };
    struct kt_bytes with_info = { info, from_hex(rfc5869[i].info, info, sizeof info) };
    (void)from_hex(rfc5869[i].prk, expected, sizeof expected);
    kt_hkdf_extract(with_salt, in, prk);
    assert_memory_equal(prk, expected, sizeof prk);
    kt_hkdf_extract(with_salt, in, input); /* in place */
    assert_memory_equal(input, expected, sizeof prk);
    size_t len = from_hex(rfc5869[i].output, expected, sizeof expected);
    for (size_t n = 1; n <= len; n++) { /* a shorter output is a prefix of a longer one */
      memset(output, 0xee, sizeof output);
      assert_int_equal(kt_hkdf_expand(prk, with_info, n, output), KT_OK);
      assert_memory_equal(output, expected, n);
      assert_true(n == sizeof output || output[n] == 0xee);
    }
  }
}

static void expand_has_a_limit(void **state)
{
  (void)state;
  static uint8_t output[KT_HKDF_OUTPUT_MAX + 1];
  static const uint8_t prk[KT_HASH_LEN] = { 1 };
  assert_int_equal(kt_hkdf_expand(prk, (struct kt_bytes){ NULL, 0 }, KT_HKDF_OUTPUT_MAX, output), KT_OK);
  assert_int_equal(kt_hkdf_expand(prk, (struct kt_bytes){ NULL, 0 }, KT_HKDF_OUTPUT_MAX + 1, output), KT_ERR_LIMIT);
}

static void rfc4231_hmac(void **state)
{
  (void)state;
  uint8_t key[131];
  uint8_t expected[KT_HASH_LEN];
  struct kt_hash mac;
  static const char hi[] = "Hi There";
  static const char larger[] = "Test Using Larger Than Block-Size Key - Hash Key First";
  memset(key, 0x0b, 20);
  kt_hmac_sha256((struct kt_bytes){ key, 20 }, (struct kt_bytes){ (const uint8_t *)hi, sizeof hi - 1 }, &mac);
  (void)from_hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", expected, sizeof expected);
  assert_memory_equal(mac.b, expected, sizeof expected);
  memset(key, 0xaa, sizeof key);
  kt_hmac_sha256((struct kt_bytes){ key, sizeof key }, (struct kt_bytes){ (const uint8_t *)larger, sizeof larger - 1 },
                 &mac);
  (void)from_hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", expected, sizeof expected);
  assert_memory_equal(mac.b, expected, sizeof expected);
}

static void macs_are_compared_to_the_last_bit(void **state)
{
  (void)state;
  const struct kt_hash a = { { 7 } };
  struct kt_hash b = a;
  assert_true(kt_mac_equal(&a, &b));
  for (size_t bit = 0; bit < 8 * sizeof b.b; bit++) {
    b = a;
    b.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_false(kt_mac_equal(&a, &b));
  }
  kt_wipe(&b, sizeof b);
  assert_int_equal(sodium_is_zero(b.b, sizeof b.b), 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(rfc5869_appendix_a),
    cmocka_unit_test(expand_has_a_limit),
    cmocka_unit_test(rfc4231_hmac),
    cmocka_unit_test(macs_are_compared_to_the_last_bit),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
