/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/crypto/crypto_test.h"

#include "crypto/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdlib.h>

static void assert_hash(const struct kt_hash *actual, const char *expected_hex)
{
  uint8_t expected[KT_HASH_LEN];
  assert_int_equal(from_hex(expected_hex, expected, sizeof expected), sizeof expected);
  assert_memory_equal(actual->b, expected, sizeof expected);
}

static void assert_sha256(const char *message, const char *expected_hex)
{
  struct kt_hash actual;
  kt_sha256(message, strlen(message), &actual);
  assert_hash(&actual, expected_hex);
}

/* The examples that accompany FIPS 180-4. */
static void test_sha256_fips(void **state)
{
  (void)state;
  assert_sha256("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert_sha256("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");

  enum { MILLION = 1000000 };
  char *message = malloc(MILLION);
  assert_non_null(message);
  memset(message, 'a', MILLION);
  struct kt_hash actual;
  kt_sha256(message, MILLION, &actual);
  free(message);
  assert_hash(&actual, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_sha256_null_empty(void **state)
{
  (void)state;
  struct kt_hash actual;
  kt_sha256(NULL, 0, &actual);
  assert_hash(&actual, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* Expected values are OpenSSL's, with Kc as the draft prints it:
 *   xxd -r -p | openssl dgst -sha256 -mac HMAC -macopt hexkey:d821f8790d97709796b4d7903357c3f5 */
static void test_commitment_hmac_openssl(void **state)
{
  (void)state;
  static const struct {
    const char *message_hex;
    const char *expected_hex;
  } cases[] = {
    { "", "b70c5cb1afb391501de830e73004cf8e019abfd02a986c64aae438b119c6813a" },
    { "000000000000000000000000000000000000000000000000",
      "22f45a35ba92d0c6e29f0b989a3ca97115d9d0fcd7912a26a7278ce8ea066e99" },
    { "101112131415161718191a1b1c1d1e1f11616c696365406578616d706c652e636f6d000000000000000e"
      "6b65792d6d6174657269616c2d31",
      "d59be42d9c42be3f4f3c24870b2dcb1dafa6022f2ac64eee904e4e577257f125" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t message[128];
    size_t len = from_hex(cases[i].message_hex, message, sizeof message);
    struct kt_hash actual;
    kt_commitment_hmac(message, len, &actual);
    assert_hash(&actual, cases[i].expected_hex);
  }
}

/* The example of the paper on SipHash (Aumasson, Bernstein, appendix A), and the first and last of the 64 vectors of its
 * reference code: keys 00 … 0f, messages 00, 00 01 … */
static void test_short_hash_is_siphash_2_4(void **state)
{
  (void)state;
  static const struct {
    size_t len;
    uint8_t hash[8]; /* least significant byte first */
  } cases[] = {
    { 0, { 0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72 } },
    { 1, { 0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74 } },
    { 15, { 0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1 } },
    { 63, { 0x72, 0x45, 0x06, 0xeb, 0x4c, 0x32, 0x8a, 0x95 } },
  };
  uint8_t key[KT_SHORT_HASH_KEY_LEN];
  uint8_t message[64];
  for (uint8_t i = 0; i < sizeof message; i++) {
    message[i] = i;
  }
  memcpy(key, message, sizeof key);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint64_t hash = kt_short_hash(key, (struct kt_bytes){ message, cases[i].len });
    assert_memory_equal(&hash, cases[i].hash, sizeof hash);
  }
  const uint64_t empty = kt_short_hash(key, (struct kt_bytes){ NULL, 0 });
  assert_memory_equal(&empty, cases[0].hash, sizeof empty);
}

/* 200 zero bytes, more than one block of the hash; expected value as above. */
static void test_commitment_hmac_long(void **state)
{
  (void)state;
  const uint8_t message[200] = { 0 };
  struct kt_hash actual;
  kt_commitment_hmac(message, sizeof message, &actual);
  assert_hash(&actual, "7889d660396c849898bb91390c00efa539e85252412eeb0d00adbfb98b0377cf");
}

/* Every way that the padding can fall, over a few blocks: libsodium's portable C and libcrypto's EVP, of which at least
 * one shares no code with what was built. */
static void test_lengths_agree_with_both_libraries(void **state)
{
  (void)state;
  static const uint8_t kc[] = { 0xd8, 0x21, 0xf8, 0x79, 0x0d, 0x97, 0x70, 0x97,
                                0x96, 0xb4, 0xd7, 0x90, 0x33, 0x57, 0xc3, 0xf5 };
  uint8_t message[300];
  for (size_t i = 0; i < sizeof message; i++) {
    message[i] = (uint8_t)(i * 37 + i / 7);
  }
  for (size_t len = 0; len <= sizeof message; len++) {
    struct kt_hash actual;
    struct kt_hash sodium;
    struct kt_hash evp;
    kt_sha256(message, len, &actual);
    assert_int_equal(crypto_hash_sha256(sodium.b, message, len), 0);
    assert_int_equal(EVP_Digest(message, len, evp.b, NULL, EVP_sha256(), NULL), 1);
    assert_memory_equal(actual.b, sodium.b, sizeof actual.b);
    assert_memory_equal(actual.b, evp.b, sizeof actual.b);

    kt_commitment_hmac(message, len, &actual);
    crypto_auth_hmacsha256_state hmac;
    crypto_auth_hmacsha256_init(&hmac, kc, sizeof kc);
    crypto_auth_hmacsha256_update(&hmac, message, len);
    crypto_auth_hmacsha256_final(&hmac, sodium.b);
    assert_non_null(HMAC(EVP_sha256(), kc, sizeof kc, message, len, evp.b, NULL));
    assert_memory_equal(actual.b, sodium.b, sizeof actual.b);
    assert_memory_equal(actual.b, evp.b, sizeof actual.b);
  }
}

static void test_hash_equal_every_byte(void **state)
{
  (void)state;
  struct kt_hash a;
  kt_sha256("a", 1, &a);
  struct kt_hash b = a;
  assert_true(kt_hash_equal(&a, &b));
  for (size_t i = 0; i < KT_HASH_LEN; i++) {
    b.b[i] ^= 0x01;
    assert_false(kt_hash_equal(&a, &b));
    b.b[i] ^= 0x01;
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sha256_fips),
    cmocka_unit_test(test_sha256_null_empty),
    cmocka_unit_test(test_commitment_hmac_openssl),
    cmocka_unit_test(test_commitment_hmac_long),
    cmocka_unit_test(test_short_hash_is_siphash_2_4),
    cmocka_unit_test(test_lengths_agree_with_both_libraries),
    cmocka_unit_test(test_hash_equal_every_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
