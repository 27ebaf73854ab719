/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/crypto/crypto_test.h"
#include "unit/crypto/suite_test.h"

#include "crypto/secret.h"

#include <kt/suite.h>

enum { SIGNATURE_LEN = 64 };

static const struct kt_suite *suite;

static int init(void **state)
{
  (void)state;
  suite = kt_suite_by_id(KT_SUITE_ED25519);
  return kt_crypto_init() == KT_OK && suite != NULL ? 0 : -1;
}

static void test_crypto_init_twice(void **state)
{
  (void)state;
  assert_int_equal(kt_crypto_init(), KT_OK);
}

static void test_suite_by_id_unknown_R4(void **state)
{
  (void)state;
  static const uint16_t unknown[] = { 0x0000, 0x0003, 0x0200, 0xf000, 0xffff };
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    assert_null(kt_suite_by_id(unknown[i]));
  }
}

/* Draft, KT Cipher Suites and RFC 8032 sizes. */
static void test_suite_sizes(void **state)
{
  (void)state;
  assert_int_equal(suite->id, 0x0002);
  assert_string_equal(suite->name, "KT_128_SHA256_Ed25519");
  assert_int_equal(suite->sign_public_len, 32);
  assert_int_equal(suite->signature_len, 64);
  assert_int_equal(suite->vrf_public_len, 32);
  assert_int_equal(suite->vrf_proof_len, 80);
}

/* RFC 8032 section 7.1, tests 1 to 3. */
static const struct {
  const char *seed;
  const char *public_key;
  const char *message;
  const char *signature;
} rfc8032[] = {
  { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
    "d25bf5f0595bbe24655141438e7a100b" },
  { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
    "387b2eaeb4302aeeb00d291612bb0c00" },
  { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
    "4a7c15e9716ed28dc027beceea1ec40a" },
};

static void test_sign_rfc8032(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof rfc8032 / sizeof *rfc8032; i++) {
    uint8_t seed[KT_SEED_LEN];
    uint8_t expected_key[POINT_LEN];
    uint8_t expected_signature[SIGNATURE_LEN];
    uint8_t message_data[8];
    from_hex(rfc8032[i].seed, seed, sizeof seed);
    from_hex(rfc8032[i].public_key, expected_key, sizeof expected_key);
    from_hex(rfc8032[i].signature, expected_signature, sizeof expected_signature);
    struct kt_bytes message = { message_data, from_hex(rfc8032[i].message, message_data, sizeof message_data) };

    uint8_t public_key[POINT_LEN];
    uint8_t signature[SIGNATURE_LEN];
    assert_int_equal(suite->sign_public(seed, public_key), KT_OK);
    assert_memory_equal(public_key, expected_key, sizeof public_key);
    assert_int_equal(kt_sign_once(suite, seed, message, signature), KT_OK);
    assert_memory_equal(signature, expected_signature, sizeof signature);
    assert_int_equal(suite->verify((struct kt_bytes){ public_key, sizeof public_key }, message,
                                   (struct kt_bytes){ signature, sizeof signature }),
                     KT_OK);
    assert_int_equal(suite->sign_public_check((struct kt_bytes){ public_key, sizeof public_key }), KT_OK);
  }
}

/* A key, a message and its signature, for the tests that spoil one of them. */
struct signed_message {
  uint8_t public_key[POINT_LEN];
  uint8_t message[4];
  uint8_t signature[SIGNATURE_LEN];
};

static void signed_message_init(struct signed_message *m)
{
  static const uint8_t seed[KT_SEED_LEN] = { 7 };
  memcpy(m->message, "head", sizeof m->message);
  assert_int_equal(suite->sign_public(seed, m->public_key), KT_OK);
  assert_int_equal(kt_sign_once(suite, seed, (struct kt_bytes){ m->message, sizeof m->message }, m->signature), KT_OK);
}

static enum kt_err verify_message(const struct signed_message *m)
{
  return suite->verify((struct kt_bytes){ m->public_key, sizeof m->public_key },
                       (struct kt_bytes){ m->message, sizeof m->message },
                       (struct kt_bytes){ m->signature, sizeof m->signature });
}

static void test_verify_refuses_every_bit_flip_R10(void **state)
{
  (void)state;
  suite_refuses_every_bit_flip(suite);
}

static void test_verify_refuses_lengths_R10(void **state)
{
  (void)state;
  suite_refuses_lengths(suite);
}

/* RFC 8032 section 5.1.7: S out of range is no signature, though S + L satisfies the equation. */
static void test_verify_refuses_s_plus_order_R10(void **state)
{
  (void)state;
  struct signed_message m;
  signed_message_init(&m);
  uint8_t order[32];
  from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", order, sizeof order);
  sodium_add(m.signature + 32, order, sizeof order);
  assert_int_equal(verify_message(&m), KT_ERR_PROOF);
}

static void check_both_roles(const uint8_t *key, size_t len, enum kt_err expected)
{
  assert_int_equal(suite->sign_public_check((struct kt_bytes){ key, len }), expected);
  assert_int_equal(suite->vrf_public_check((struct kt_bytes){ key, len }), expected);
}

static void test_public_check_lengths_R4(void **state)
{
  (void)state;
  struct signed_message m;
  signed_message_init(&m);
  uint8_t longer[POINT_LEN + 1] = { 0 };
  memcpy(longer, m.public_key, sizeof m.public_key);
  for (size_t len = 0; len <= sizeof longer; len++) {
    check_both_roles(longer, len, len == POINT_LEN ? KT_OK : KT_ERR_CRYPTO);
  }
}

static void test_public_check_refuses_small_order_R4_R45(void **state)
{
  (void)state;
  for (size_t i = 0; i < N_SMALL_ORDER; i++) {
    uint8_t point[POINT_LEN];
    small_order_point(i, point);
    check_both_roles(point, sizeof point, KT_ERR_CRYPTO);
  }
}

/* The reduced encodings are refused as well: as it happens, no point with y < 19 is in the main subgroup and of large
 * order. */
static void test_public_check_refuses_non_canonical_R4(void **state)
{
  (void)state;
  for (size_t i = 0; i < N_UNREDUCED; i++) {
    uint8_t point[POINT_LEN];
    uint8_t reduced[POINT_LEN];
    unreduced_point(i, point, reduced);
    check_both_roles(point, sizeof point, KT_ERR_CRYPTO);
    check_both_roles(reduced, sizeof reduced, KT_ERR_CRYPTO);
  }
}

static void test_public_check_refuses_off_curve_R4(void **state)
{
  (void)state;
  uint8_t point[POINT_LEN] = { 2 }; /* (y^2 - 1) / (d*y^2 + 1) is no square for y = 2 */
  check_both_roles(point, sizeof point, KT_ERR_CRYPTO);
}

/* A good key plus a torsion point is on the curve, canonical and of large order, but outside the main subgroup. */
static void test_public_check_refuses_mixed_order_R4(void **state)
{
  (void)state;
  struct signed_message m;
  signed_message_init(&m);
  for (size_t i = 1; i < N_TORSION; i++) {
    uint8_t torsion[POINT_LEN];
    uint8_t mixed[POINT_LEN];
    small_order_point(i, torsion);
    assert_int_equal(crypto_core_ed25519_add(mixed, m.public_key, torsion), 0);
    check_both_roles(mixed, sizeof mixed, KT_ERR_CRYPTO);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_crypto_init_twice),
    cmocka_unit_test(test_suite_by_id_unknown_R4),
    cmocka_unit_test(test_suite_sizes),
    cmocka_unit_test(test_sign_rfc8032),
    cmocka_unit_test(test_verify_refuses_every_bit_flip_R10),
    cmocka_unit_test(test_verify_refuses_lengths_R10),
    cmocka_unit_test(test_verify_refuses_s_plus_order_R10),
    cmocka_unit_test(test_public_check_lengths_R4),
    cmocka_unit_test(test_public_check_refuses_small_order_R4_R45),
    cmocka_unit_test(test_public_check_refuses_non_canonical_R4),
    cmocka_unit_test(test_public_check_refuses_off_curve_R4),
    cmocka_unit_test(test_public_check_refuses_mixed_order_R4),
  };
  return cmocka_run_group_tests(tests, init, NULL);
}
