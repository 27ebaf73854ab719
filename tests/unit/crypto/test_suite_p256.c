/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/crypto/p256_test.h"
#include "unit/crypto/suite_test.h"

#include "crypto/ecdsa_p256.h"
#include "crypto/secret.h"

#include <kt/suite.h>

enum { SIGNATURE_LEN = 64, S_OFFSET = 32 };

static const struct kt_suite *suite;
static struct p256 t;

static int init(void **state)
{
  (void)state;
  p256_init(&t);
  suite = kt_suite_by_id(KT_SUITE_P256);
  return kt_crypto_init() == KT_OK && suite != NULL ? 0 : -1;
}

static int release(void **state)
{
  (void)state;
  p256_release(&t);
  return 0;
}

/* Draft, KT Cipher Suites: uncompressed and compressed points, two 256-bit integers, VRF.Np = 81. */
static void test_suite_sizes(void **state)
{
  (void)state;
  assert_int_equal(suite->id, 0x0001);
  assert_string_equal(suite->name, "KT_128_SHA256_P256");
  assert_int_equal(suite->sign_public_len, 65);
  assert_int_equal(suite->signature_len, 64);
  assert_int_equal(suite->vrf_public_len, 33);
  assert_int_equal(suite->vrf_proof_len, 81);
}

/* The first key is RFC 6979's (appendix A.2.5), as are its two signatures. The second is that of the seed 07 00 … 00,
 * computed as suite_p256.h says with Python's hashlib; its public key and signatures are OpenSSL's:
 *   openssl ec -in key.pem -text; printf head | openssl dgst -sha256 -sign key.pem | openssl asn1parse -inform der */
static const struct {
  const char *public_key;
  const char *message;
  const char *signature;
} known[] = {
  { "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    "sample",
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
  { "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    "test",
    "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
    "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083" },
  { "0417ee0e57644d28b3f46fd83f54a33def563cc9c10604603b3b0aa98d621c6c3c"
    "77beadf2a8087eafbaba78fbe8d6af5ab0a9aa08602b876017ac5ec01f7bb933",
    "head",
    "90fa1e0ef83f79e161251fc0aa16e6d1276d478b56325e620a2d955d273024ce"
    "3cfc6063f03447a56ffedbe96942d781ef17b28fb47024a1ddb56a8b46fe44d2" },
  { "0417ee0e57644d28b3f46fd83f54a33def563cc9c10604603b3b0aa98d621c6c3c"
    "77beadf2a8087eafbaba78fbe8d6af5ab0a9aa08602b876017ac5ec01f7bb933",
    "",
    "2eda43e6cb093dae9ea94789d91ec7e39d3418ebd109cfcc151b02a98f814723"
    "57d9e8752b0f56d08b4b049a42f41ccb7354a02c176361c849e5d0d1d59d6e9a" },
};

static const uint8_t known_seed[KT_SEED_LEN] = { 7 };

static void test_verify_known_signatures(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    uint8_t key[UNCOMPRESSED_LEN];
    uint8_t signature[SIGNATURE_LEN];
    from_hex(known[i].public_key, key, sizeof key);
    from_hex(known[i].signature, signature, sizeof signature);
    struct kt_bytes message = { (const uint8_t *)known[i].message, strlen(known[i].message) };
    assert_int_equal(
        suite->verify((struct kt_bytes){ key, sizeof key }, message, (struct kt_bytes){ signature, sizeof signature }),
        KT_OK);
  }
}

static void test_public_keys_of_seed(void **state)
{
  (void)state;
  uint8_t expected[UNCOMPRESSED_LEN];
  uint8_t key[UNCOMPRESSED_LEN];
  from_hex(known[2].public_key, expected, sizeof expected);
  assert_int_equal(suite->sign_public(known_seed, key), KT_OK);
  assert_memory_equal(key, expected, sizeof key);
  assert_int_equal(suite->sign_public_check((struct kt_bytes){ key, sizeof key }), KT_OK);
  /* The same scalar for both roles: a seed used twice is one x coordinate twice. */
  assert_int_equal(suite->vrf_public(known_seed, key), KT_OK);
  assert_int_equal(key[0], 0x02 + expected[UNCOMPRESSED_LEN - 1] % 2);
  assert_memory_equal(key + 1, expected + 1, COMPRESSED_LEN - 1);
}

/* A key, a message and its signature, for the tests that spoil one of them. */
struct signed_message {
  uint8_t public_key[UNCOMPRESSED_LEN];
  uint8_t message[4];
  uint8_t signature[SIGNATURE_LEN];
};

static void signed_message_init(struct signed_message *m)
{
  memcpy(m->message, "head", sizeof m->message);
  assert_int_equal(suite->sign_public(known_seed, m->public_key), KT_OK);
  assert_int_equal(kt_sign_once(suite, known_seed, (struct kt_bytes){ m->message, sizeof m->message }, m->signature),
                   KT_OK);
}

static enum kt_err verify_message(const struct signed_message *m)
{
  enum kt_err err = suite->verify((struct kt_bytes){ m->public_key, sizeof m->public_key },
                                  (struct kt_bytes){ m->message, sizeof m->message },
                                  (struct kt_bytes){ m->signature, sizeof m->signature });
  assert_int_equal(ERR_peek_error(), 0);
  return err;
}

static void test_sign_round_trip(void **state)
{
  (void)state;
  for (uint8_t i = 0; i < 100; i++) {
    const uint8_t seed[KT_SEED_LEN] = { 3, i };
    uint8_t key[UNCOMPRESSED_LEN];
    uint8_t signature[SIGNATURE_LEN];
    uint8_t message_data[100];
    const struct kt_bytes message = { i == 0 ? NULL : message_data, i };
    memset(message_data, i, sizeof message_data);
    assert_int_equal(suite->sign_public(seed, key), KT_OK);
    assert_int_equal(kt_sign_once(suite, seed, message, signature), KT_OK);
    assert_int_equal(
        suite->verify((struct kt_bytes){ key, sizeof key }, message, (struct kt_bytes){ signature, sizeof signature }),
        KT_OK);
  }
  assert_int_equal(ERR_peek_error(), 0);
}

static void test_verify_refuses_every_bit_flip_R10(void **state)
{
  (void)state;
  suite_refuses_every_bit_flip(suite);
  assert_int_equal(ERR_peek_error(), 0);
}

static void test_verify_refuses_lengths_R10(void **state)
{
  (void)state;
  suite_refuses_lengths(suite);
  assert_int_equal(ERR_peek_error(), 0);
}

/* The same point, written as the compressed and the hybrid form: no key of this suite. */
static void test_verify_refuses_other_key_forms_R4(void **state)
{
  (void)state;
  struct signed_message m;
  signed_message_init(&m);
  const uint8_t parity = m.public_key[UNCOMPRESSED_LEN - 1] % 2;
  uint8_t compressed[COMPRESSED_LEN];
  memcpy(compressed, m.public_key, sizeof compressed);
  compressed[0] = 0x02 + parity;
  assert_int_equal(suite->verify((struct kt_bytes){ compressed, sizeof compressed },
                                 (struct kt_bytes){ m.message, sizeof m.message },
                                 (struct kt_bytes){ m.signature, sizeof m.signature }),
                   KT_ERR_PROOF);
  m.public_key[0] = 0x06 + parity;
  assert_int_equal(verify_message(&m), KT_ERR_PROOF);
}

static void message_hash(const struct signed_message *m, uint8_t ret_hash[static SCALAR_LEN])
{
  crypto_hash_sha256(ret_hash, m->message, sizeof m->message);
}

/* With the nonce 1 and a key chosen for it, s is 1. */
static void test_verify_refuses_s_plus_order_R10(void **state)
{
  (void)state;
  struct signed_message m;
  uint8_t base[UNCOMPRESSED_LEN];
  uint8_t hash[SCALAR_LEN];
  const BIGNUM *one = p256_word(&t, 1);
  signed_message_init(&m);
  message_hash(&m, hash);
  p256_combine(&t, one, NULL, NULL, sizeof base, base);
  const BIGNUM *r = p256_number(&t, base + 1, SCALAR_LEN); /* below n, as it happens */
  BIGNUM *inverse = p256_word(&t, 0);
  assert_non_null(BN_mod_inverse(inverse, r, t.n, t.ctx));
  BIGNUM *difference = p256_word(&t, 0); /* d = (s*k - e) / r, with s = k = 1 */
  assert_int_equal(BN_mod_sub(difference, one, p256_number(&t, hash, sizeof hash), t.n, t.ctx), 1);
  const BIGNUM *d = p256_multiply_add(&t, difference, inverse, p256_word(&t, 0));
  p256_combine(&t, d, NULL, NULL, sizeof m.public_key, m.public_key);
  p256_bytes(r, m.signature);
  p256_bytes(one, m.signature + S_OFFSET);
  assert_int_equal(verify_message(&m), KT_OK);
  assert_true(p256_plus_order(m.signature + S_OFFSET));
  assert_int_equal(verify_message(&m), KT_ERR_PROOF);
}

/* A signature by R = the point with this x coordinate, whose logarithm nobody knows, and the key it recovers to:
 * Q = (s*R - e*B) / r. */
static void recovered_message_init(struct signed_message *m, const char *x, const char *r_hex)
{
  uint8_t encoded[COMPRESSED_LEN] = { 0x02 };
  uint8_t hash[SCALAR_LEN];
  memcpy(m->message, "head", sizeof m->message);
  from_hex(x, encoded + 1, SCALAR_LEN);
  from_hex(r_hex, m->signature, SCALAR_LEN);
  memset(m->signature + S_OFFSET, 0x11, SCALAR_LEN);
  message_hash(m, hash);
  BIGNUM *inverse = p256_word(&t, 0);
  BIGNUM *minus_e = p256_word(&t, 0);
  assert_non_null(BN_mod_inverse(inverse, p256_number(&t, m->signature, SCALAR_LEN), t.n, t.ctx));
  assert_int_equal(BN_mod_sub(minus_e, minus_e, p256_number(&t, hash, sizeof hash), t.n, t.ctx), 1);
  const BIGNUM *zero = p256_word(&t, 0);
  const BIGNUM *s = p256_number(&t, m->signature + S_OFFSET, SCALAR_LEN);
  EC_POINT *point = p256_point(&t, encoded, sizeof encoded);
  p256_combine(&t, p256_multiply_add(&t, minus_e, inverse, zero), point, p256_multiply_add(&t, s, inverse, zero),
               sizeof m->public_key, m->public_key);
  EC_POINT_free(point);
}

static void test_verify_refuses_r_plus_order_R10(void **state)
{
  (void)state;
  static const char five[] = "0000000000000000000000000000000000000000000000000000000000000005";
  struct signed_message m;
  recovered_message_init(&m, five, five);
  assert_int_equal(verify_message(&m), KT_OK);
  assert_true(p256_plus_order(m.signature));
  assert_int_equal(verify_message(&m), KT_ERR_PROOF);
}

/* r is R's x coordinate modulo n: n + 3, which is below p, is a point's. A verifier that forgets to reduce refuses it. */
static void test_verify_accepts_reduced_r(void **state)
{
  (void)state;
  struct signed_message m;
  recovered_message_init(&m, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632554",
                         "0000000000000000000000000000000000000000000000000000000000000003");
  assert_int_equal(verify_message(&m), KT_OK);
  assert_true(p256_plus_order(m.signature));
  assert_int_equal(verify_message(&m), KT_ERR_PROOF);
}

static void test_verify_refuses_zero_and_order_R10(void **state)
{
  (void)state;
  struct signed_message m;
  signed_message_init(&m);
  for (size_t offset = 0; offset < SIGNATURE_LEN; offset += S_OFFSET) {
    struct signed_message spoilt = m;
    memset(spoilt.signature + offset, 0, SCALAR_LEN);
    assert_int_equal(verify_message(&spoilt), KT_ERR_PROOF);
    from_hex(P256_N, spoilt.signature + offset, SCALAR_LEN);
    assert_int_equal(verify_message(&spoilt), KT_ERR_PROOF);
    memset(spoilt.signature + offset, 0xff, SCALAR_LEN);
    assert_int_equal(verify_message(&spoilt), KT_ERR_PROOF);
  }
  memset(m.signature, 0, sizeof m.signature);
  assert_int_equal(verify_message(&m), KT_ERR_PROOF);
}

/* Both s and n - s are signatures (ecdsa_p256.h). */
static void test_verify_accepts_high_s(void **state)
{
  (void)state;
  struct signed_message m;
  signed_message_init(&m);
  BIGNUM *negative = p256_word(&t, 0);
  assert_int_equal(BN_sub(negative, t.n, p256_number(&t, m.signature + S_OFFSET, SCALAR_LEN)), 1);
  p256_bytes(negative, m.signature + S_OFFSET);
  assert_int_equal(verify_message(&m), KT_OK);
}

static void test_public_check_lengths_R4(void **state)
{
  (void)state;
  uint8_t sign_key[UNCOMPRESSED_LEN + 1] = { 0 };
  uint8_t vrf_key[UNCOMPRESSED_LEN + 1] = { 0 };
  assert_int_equal(suite->sign_public(known_seed, sign_key), KT_OK);
  assert_int_equal(suite->vrf_public(known_seed, vrf_key), KT_OK);
  for (size_t len = 0; len <= sizeof sign_key; len++) {
    enum kt_err expected = len == UNCOMPRESSED_LEN ? KT_OK : KT_ERR_CRYPTO;
    assert_int_equal(suite->sign_public_check((struct kt_bytes){ sign_key, len }), expected);
    assert_int_equal(suite->vrf_public_check((struct kt_bytes){ sign_key, len }), KT_ERR_CRYPTO);
    expected = len == COMPRESSED_LEN ? KT_OK : KT_ERR_CRYPTO;
    assert_int_equal(suite->vrf_public_check((struct kt_bytes){ vrf_key, len }), expected);
    assert_int_equal(suite->sign_public_check((struct kt_bytes){ vrf_key, len }), KT_ERR_CRYPTO);
  }
  const uint8_t infinity[1] = { 0 };
  assert_int_equal(suite->sign_public_check((struct kt_bytes){ infinity, 1 }), KT_ERR_CRYPTO);
  assert_int_equal(suite->vrf_public_check((struct kt_bytes){ infinity, 1 }), KT_ERR_CRYPTO);
}

static void test_public_check_first_octet_R4(void **state)
{
  (void)state;
  uint8_t sign_key[UNCOMPRESSED_LEN];
  uint8_t vrf_key[COMPRESSED_LEN];
  assert_int_equal(suite->sign_public(known_seed, sign_key), KT_OK);
  assert_int_equal(suite->vrf_public(known_seed, vrf_key), KT_OK);
  for (unsigned octet = 0; octet < 256; octet++) {
    sign_key[0] = (uint8_t)octet;
    vrf_key[0] = (uint8_t)octet;
    assert_int_equal(suite->sign_public_check((struct kt_bytes){ sign_key, sizeof sign_key }),
                     octet == 0x04 ? KT_OK : KT_ERR_CRYPTO);
    assert_int_equal(suite->vrf_public_check((struct kt_bytes){ vrf_key, sizeof vrf_key }),
                     octet == 0x02 || octet == 0x03 ? KT_OK : KT_ERR_CRYPTO);
  }
  assert_int_equal(ERR_peek_error(), 0);
}

static void test_public_check_refuses_off_curve_and_unreduced_R4(void **state)
{
  (void)state;
  uint8_t key[UNCOMPRESSED_LEN];
  assert_int_equal(suite->sign_public(known_seed, key), KT_OK);
  key[UNCOMPRESSED_LEN - 1] ^= 0x01;
  assert_int_equal(suite->sign_public_check((struct kt_bytes){ key, sizeof key }), KT_ERR_CRYPTO);
  memset(key + 1, 0, sizeof key - 1);
  assert_int_equal(suite->sign_public_check((struct kt_bytes){ key, sizeof key }), KT_ERR_CRYPTO);

  /* x = 5 is a point's; p + 5 is the same field element. */
  uint8_t compressed[COMPRESSED_LEN] = { 0x02 };
  compressed[COMPRESSED_LEN - 1] = 5;
  assert_int_equal(suite->vrf_public_check((struct kt_bytes){ compressed, sizeof compressed }), KT_OK);
  EC_POINT *point = p256_point(&t, compressed, sizeof compressed);
  p256_combine(&t, NULL, point, p256_word(&t, 1), sizeof key, key);
  EC_POINT_free(point);
  assert_int_equal(suite->sign_public_check((struct kt_bytes){ key, sizeof key }), KT_OK);
  from_hex("ffffffff00000001000000000000000000000001000000000000000000000004", key + 1, SCALAR_LEN);
  assert_int_equal(suite->sign_public_check((struct kt_bytes){ key, sizeof key }), KT_ERR_CRYPTO);
  memcpy(compressed + 1, key + 1, SCALAR_LEN);
  assert_int_equal(suite->vrf_public_check((struct kt_bytes){ compressed, sizeof compressed }), KT_ERR_CRYPTO);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_suite_sizes),
    cmocka_unit_test(test_verify_known_signatures),
    cmocka_unit_test(test_public_keys_of_seed),
    cmocka_unit_test(test_sign_round_trip),
    cmocka_unit_test(test_verify_refuses_every_bit_flip_R10),
    cmocka_unit_test(test_verify_refuses_lengths_R10),
    cmocka_unit_test(test_verify_refuses_other_key_forms_R4),
    cmocka_unit_test(test_verify_refuses_s_plus_order_R10),
    cmocka_unit_test(test_verify_refuses_r_plus_order_R10),
    cmocka_unit_test(test_verify_accepts_reduced_r),
    cmocka_unit_test(test_verify_refuses_zero_and_order_R10),
    cmocka_unit_test(test_verify_accepts_high_s),
    cmocka_unit_test(test_public_check_lengths_R4),
    cmocka_unit_test(test_public_check_first_octet_R4),
    cmocka_unit_test(test_public_check_refuses_off_curve_and_unreduced_R4),
  };
  return cmocka_run_group_tests(tests, init, release);
}
