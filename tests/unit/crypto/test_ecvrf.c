/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/crypto/ecvrf_test.h"
#include "unit/crypto/suite_test.h"

#include "crypto/secret.h"
#include "support/suite.h"

#include <kt/suite.h>

static const struct kt_suite *suite;

static int init(void **state)
{
  (void)state;
  suite = kt_suite_by_id(KT_SUITE_ED25519);
  return kt_crypto_init() == KT_OK && suite != NULL ? 0 : -1;
}

/* RFC 9381 appendix B.3, examples 16 to 18. */
static const struct {
  const char *seed;
  const char *public_key;
  const char *alpha;
  const char *h;
  const char *pi;
  const char *beta;
} rfc9381[] = {
  { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
    "91bbed02a99461df1ad4c6564a5f5d829d0b90cfc7903e7a5797bd658abf3318",
    "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d97"
    "27d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
    "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af02679"
    "8e8f81cd2e333de5cdf4f3e140fdd8ae" },
  { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
    "5b659fc3d4e9263fd9a4ed1d022d75eaacc20df5e09f9ea937502396598dc551",
    "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465"
    "301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
    "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70a848"
    "a0bef4553a41befc57663b56373a5031" },
  { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
    "bf4339376f5542811de615e3313d2b36f6f53c0acfebb482159711201192576a",
    "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea3c0"
    "e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
    "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb6373241"
    "578be7217ba85a2687f7a0310b2df19f" },
};

static void test_vrf_rfc9381_examples_16_to_18(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof rfc9381 / sizeof *rfc9381; i++) {
    uint8_t seed[KT_SEED_LEN];
    uint8_t expected_key[POINT_LEN];
    uint8_t expected_h[POINT_LEN];
    uint8_t expected_pi[PROOF_LEN];
    uint8_t beta[64]; /* the suite keeps the first KT_HASH_LEN bytes */
    uint8_t alpha_data[2];
    from_hex(rfc9381[i].seed, seed, sizeof seed);
    from_hex(rfc9381[i].public_key, expected_key, sizeof expected_key);
    from_hex(rfc9381[i].h, expected_h, sizeof expected_h);
    from_hex(rfc9381[i].pi, expected_pi, sizeof expected_pi);
    from_hex(rfc9381[i].beta, beta, sizeof beta);
    struct kt_bytes alpha = { alpha_data, from_hex(rfc9381[i].alpha, alpha_data, sizeof alpha_data) };

    uint8_t public_key[POINT_LEN];
    uint8_t h[POINT_LEN];
    uint8_t proof[PROOF_LEN];
    struct kt_hash output;
    const struct kt_vrf_key secret = test_vrf_key(suite, seed);
    assert_int_equal(suite->vrf_public(seed, public_key), KT_OK);
    assert_memory_equal(public_key, expected_key, sizeof public_key);
    assert_int_equal(kt_ecvrf_encode_to_curve(public_key, alpha, h), KT_OK);
    assert_memory_equal(h, expected_h, sizeof h);
    assert_int_equal(suite->vrf_prove(&secret, alpha, proof, &output), KT_OK);
    assert_memory_equal(proof, expected_pi, sizeof proof);
    assert_memory_equal(output.b, beta, sizeof output.b);
    struct kt_hash verified;
    assert_int_equal(
        suite->vrf_verify((struct kt_bytes){ expected_key, sizeof expected_key }, alpha, expected_pi, &verified),
        KT_OK);
    assert_memory_equal(verified.b, beta, sizeof verified.b);
  }
}

static void test_vrf_round_trip_random(void **state)
{
  (void)state;
  suite_vrf_round_trips(suite, 200);
}

/* One key, one alpha and the proof, for the tests that spoil something. */
struct fixture {
  struct kt_vrf_key key;
  struct kt_bytes alpha;
  uint8_t h[POINT_LEN];
  uint8_t proof[PROOF_LEN];
};

static void fixture_init(struct fixture *f)
{
  static const uint8_t seed[KT_SEED_LEN] = { 1, 2, 3 };
  static const uint8_t alpha[] = "alice@example.com";
  struct kt_hash output;
  f->alpha = (struct kt_bytes){ alpha, sizeof alpha - 1 };
  assert_int_equal(kt_ecvrf_key_init(&f->key, seed), KT_OK);
  assert_int_equal(kt_ecvrf_encode_to_curve(f->key.public_key, f->alpha, f->h), KT_OK);
  assert_int_equal(kt_ecvrf_prove(&f->key, f->alpha, f->proof, &output), KT_OK);
}

/* Refused, and the output left alone. */
static void assert_refused(const uint8_t *public_key, struct kt_bytes alpha, const uint8_t *proof)
{
  struct kt_hash output;
  struct kt_hash untouched;
  memset(&output, 0xa5, sizeof output);
  memset(&untouched, 0xa5, sizeof untouched);
  assert_int_equal(suite->vrf_verify((struct kt_bytes){ public_key, POINT_LEN }, alpha, proof, &output), KT_ERR_PROOF);
  assert_memory_equal(output.b, untouched.b, sizeof output.b);
}

static void test_vrf_refuses_every_bit_flip_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f);
  for (size_t bit = 0; bit < 8 * PROOF_LEN; bit++) {
    f.proof[bit / 8] ^= (uint8_t)(1U << bit % 8);
    assert_refused(f.key.public_key, f.alpha, f.proof);
    f.proof[bit / 8] ^= (uint8_t)(1U << bit % 8);
  }
}

static void test_vrf_refuses_key_lengths_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f);
  uint8_t key[POINT_LEN + 1] = { 0 };
  memcpy(key, f.key.public_key, POINT_LEN);
  for (size_t len = 0; len <= sizeof key; len++) {
    struct kt_hash output;
    enum kt_err expected = len == POINT_LEN ? KT_OK : KT_ERR_PROOF;
    assert_int_equal(suite->vrf_verify((struct kt_bytes){ key, len }, f.alpha, f.proof, &output), expected);
  }
}

static void test_vrf_refuses_wrong_key_and_input_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f);
  const uint8_t other_seed[KT_SEED_LEN] = { 1, 2, 4 };
  uint8_t other_key[POINT_LEN];
  assert_int_equal(suite->vrf_public(other_seed, other_key), KT_OK);
  assert_refused(other_key, f.alpha, f.proof);
  assert_refused(f.key.public_key, (struct kt_bytes){ f.alpha.data, f.alpha.len - 1 }, f.proof);
  assert_refused(f.key.public_key, (struct kt_bytes){ NULL, 0 }, f.proof);
}

static void test_vrf_refuses_unreduced_s_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f);
  uint8_t order[SCALAR_LEN];
  from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", order, sizeof order);
  for (int i = 0; i < 7; i++) { /* s + 7L is still below 2^256 */
    sodium_add(f.proof + S_OFFSET, order, sizeof order);
    assert_refused(f.key.public_key, f.alpha, f.proof);
  }
  memcpy(f.proof + S_OFFSET, order, sizeof order);
  assert_refused(f.key.public_key, f.alpha, f.proof);
}

static void test_vrf_refuses_zero_scalars_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f);
  struct fixture zero_s = f;
  memset(zero_s.proof + S_OFFSET, 0, SCALAR_LEN);
  assert_refused(f.key.public_key, f.alpha, zero_s.proof);
  memset(f.proof + C_OFFSET, 0, S_OFFSET - C_OFFSET);
  assert_refused(f.key.public_key, f.alpha, f.proof);
}

static void test_vrf_refuses_bad_gamma_encodings_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f);
  for (size_t i = 0; i < N_SMALL_ORDER; i++) {
    small_order_point(i, f.proof);
    assert_refused(f.key.public_key, f.alpha, f.proof);
  }
  for (size_t i = 0; i < N_UNREDUCED; i++) {
    uint8_t reduced[POINT_LEN];
    unreduced_point(i, f.proof, reduced);
    assert_refused(f.key.public_key, f.alpha, f.proof);
  }
  const uint8_t off_curve[POINT_LEN] = { 2 };
  memcpy(f.proof, off_curve, sizeof off_curve);
  assert_refused(f.key.public_key, f.alpha, f.proof);
}

/* RFC 9381 lets a prover who knows x make eight proofs of one output; we accept the honest one. */
static void test_vrf_refuses_gamma_with_torsion_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f);
  uint8_t forged[PROOF_LEN];
  struct kt_hash output;
  forge_proof(f.key.scalar, f.key.public_key, f.alpha, f.proof, forged);
  assert_int_equal(kt_ecvrf_verify(f.key.public_key, f.alpha, forged, &output), KT_OK);
  for (size_t i = 1; i < N_TORSION; i++) {
    uint8_t gamma[POINT_LEN];
    small_order_point(i, gamma);
    assert_int_equal(crypto_core_ed25519_add(gamma, f.proof, gamma), 0);
    forge_proof(f.key.scalar, f.key.public_key, f.alpha, gamma, forged);
    assert_refused(f.key.public_key, f.alpha, forged);
  }
}

/* With x = 0 and a key of small order, anybody could "prove" the output of the identity for every alpha. */
static void test_vrf_refuses_small_order_public_key_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f);
  const uint8_t x[SCALAR_LEN] = { 0 };
  for (size_t i = 0; i < N_SMALL_ORDER; i++) {
    for (size_t j = 0; j < N_SMALL_ORDER; j++) {
      uint8_t y[POINT_LEN];
      uint8_t gamma[POINT_LEN];
      uint8_t forged[PROOF_LEN];
      small_order_point(i, y);
      small_order_point(j, gamma);
      forge_proof(x, y, f.alpha, gamma, forged);
      assert_refused(y, f.alpha, forged);
    }
  }
}

static void test_vrf_refuses_public_key_with_torsion_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f);
  for (size_t i = 0; i < N_TORSION; i++) {
    uint8_t y[POINT_LEN];
    uint8_t h[POINT_LEN];
    uint8_t gamma[POINT_LEN];
    uint8_t forged[PROOF_LEN];
    small_order_point(i, y);
    assert_int_equal(crypto_core_ed25519_add(y, f.key.public_key, y), 0);
    assert_int_equal(kt_ecvrf_encode_to_curve(y, f.alpha, h), KT_OK);
    assert_int_equal(crypto_scalarmult_ed25519_noclamp(gamma, f.key.scalar, h), 0);
    forge_proof(f.key.scalar, y, f.alpha, gamma, forged);
    if (i == 0) { /* the identity changes nothing: the forger knows its trade */
      struct kt_hash output;
      assert_int_equal(kt_ecvrf_verify(y, f.alpha, forged, &output), KT_OK);
    } else {
      assert_refused(y, f.alpha, forged);
    }
  }
}

static void test_vrf_key_release_wipes(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f);
  kt_vrf_key_release(&f.key);
  assert_true(sodium_is_zero((const uint8_t *)&f.key, sizeof f.key));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_vrf_rfc9381_examples_16_to_18),
    cmocka_unit_test(test_vrf_round_trip_random),
    cmocka_unit_test(test_vrf_refuses_every_bit_flip_R45),
    cmocka_unit_test(test_vrf_refuses_key_lengths_R45),
    cmocka_unit_test(test_vrf_refuses_wrong_key_and_input_R45),
    cmocka_unit_test(test_vrf_refuses_unreduced_s_R45),
    cmocka_unit_test(test_vrf_refuses_zero_scalars_R45),
    cmocka_unit_test(test_vrf_refuses_bad_gamma_encodings_R45),
    cmocka_unit_test(test_vrf_refuses_gamma_with_torsion_R45),
    cmocka_unit_test(test_vrf_refuses_small_order_public_key_R45),
    cmocka_unit_test(test_vrf_refuses_public_key_with_torsion_R45),
    cmocka_unit_test(test_vrf_key_release_wipes),
  };
  return cmocka_run_group_tests(tests, init, NULL);
}
