/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/crypto/p256_test.h"
#include "unit/crypto/suite_test.h"

#include "crypto/ecvrf_p256.h"
#include "crypto/secret.h"
#include "support/suite.h"

#include <kt/suite.h>

enum { PROOF_LEN = 81, C_OFFSET = 33, S_OFFSET = 49 };

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

/* RFC 9381 appendix B.1, examples 10 to 12. */
static const struct {
  const char *scalar;
  const char *public_key;
  const char *alpha;
  const char *h;
  const char *pi;
  const char *beta;
} rfc9381[] = {
  { "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
    "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6", "73616d706c65",
    "0272a877532e9ac193aff4401234266f59900a4a9e3fc3cfc6a4b7e467a15d06d4",
    "035b5c726e8c0e2c488a107c600578ee75cb702343c153cb1eb8dec77f4b5071b4a53f0a46f018bc2c56e58d383f2305"
    "e0975972c26feea0eb122fe7893c15af376b33edf7de17c6ea056d4d82de6bc02f",
    "a3ad7b0ef73d8fc6655053ea22f9bede8c743f08bbed3d38821f0e16474b505e" },
  { "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
    "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6", "74657374",
    "02173119b4fff5e6f8afed4868a29fe8920f1b54c2cf89cc7b301d0d473de6b974",
    "034dac60aba508ba0c01aa9be80377ebd7562c4a52d74722e0abae7dc3080ddb56c19e067b15a8a8174905b136178045"
    "34214f935b94c2287f797e393eb0816969d864f37625b443f30f1a5a33f2b3c854",
    "a284f94ceec2ff4b3794629da7cbafa49121972671b466cab4ce170aa365f26d" },
  { "2ca1411a41b17b24cc8c3b089cfd033f1920202a6c0de8abb97df1498d50d2c8",
    "03596375e6ce57e0f20294fc46bdfcfd19a39f8161b58695b3ec5b3d16427c274d",
    "4578616d706c65207573696e67204543445341206b65792066726f6d20417070656e646978204c2e342e32206f6620414e53492e58"
    "392d36322d32303035",
    "0258055c26c4b01d01c00fb57567955f7d39cd6f6e85fd37c58f696cc6b7aa761d",
    "03d03398bf53aa23831d7d1b2937e005fb0062cbefa06796579f2a1fc7e7b8c667d091c00b0f5c3619d10ecea44363b5"
    "a599cadc5b2957e223fec62e81f7b4825fc799a771a3d7334b9186bdbee87316b1",
    "90871e06da5caa39a3c61578ebb844de8635e27ac0b13e829997d0d95dd98c19" },
};

/* U and V, and with them the nonce, are in c; the nonce is in s, too. */
static void test_vrf_rfc9381_examples_10_to_12(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof rfc9381 / sizeof *rfc9381; i++) {
    uint8_t scalar[SCALAR_LEN];
    uint8_t expected_key[COMPRESSED_LEN];
    uint8_t expected_h[COMPRESSED_LEN];
    uint8_t expected_pi[PROOF_LEN];
    uint8_t beta[KT_HASH_LEN];
    uint8_t alpha_data[64];
    from_hex(rfc9381[i].scalar, scalar, sizeof scalar);
    from_hex(rfc9381[i].public_key, expected_key, sizeof expected_key);
    from_hex(rfc9381[i].h, expected_h, sizeof expected_h);
    assert_int_equal(from_hex(rfc9381[i].pi, expected_pi, sizeof expected_pi), PROOF_LEN);
    from_hex(rfc9381[i].beta, beta, sizeof beta);
    struct kt_bytes alpha = { alpha_data, from_hex(rfc9381[i].alpha, alpha_data, sizeof alpha_data) };

    struct kt_vrf_key key;
    uint8_t h[COMPRESSED_LEN];
    uint8_t proof[PROOF_LEN];
    struct kt_hash output;
    assert_int_equal(kt_ecvrf_p256_key_init(&key, scalar), KT_OK);
    assert_memory_equal(key.public_key, expected_key, sizeof expected_key);
    assert_int_equal(kt_ecvrf_p256_encode_to_curve(expected_key, alpha, h), KT_OK);
    assert_memory_equal(h, expected_h, sizeof h);
    assert_int_equal(kt_ecvrf_p256_prove(&key, alpha, proof, &output), KT_OK);
    assert_memory_equal(proof, expected_pi, sizeof proof);
    assert_memory_equal(output.b, beta, sizeof beta);
    struct kt_hash evaluated;
    assert_int_equal(kt_ecvrf_p256_output(&key, alpha, &evaluated), KT_OK);
    assert_memory_equal(evaluated.b, beta, sizeof beta);
    struct kt_hash verified;
    assert_int_equal(
        suite->vrf_verify((struct kt_bytes){ expected_key, sizeof expected_key }, alpha, expected_pi, &verified),
        KT_OK);
    assert_memory_equal(verified.b, beta, sizeof beta);
  }
}

/* The suite's own layer: the scalar of a seed of 32 bytes of ff. Expected values are those of a few lines of Python that
 * share nothing with the library (affine arithmetic modulo p); the alpha takes eight attempts to encode to the curve. */
static void test_vrf_seed_known_answer(void **state)
{
  (void)state;
  uint8_t seed[KT_SEED_LEN];
  uint8_t expected_key[COMPRESSED_LEN];
  uint8_t expected_proof[PROOF_LEN];
  uint8_t expected_output[KT_HASH_LEN];
  const uint8_t alpha_data[] = { 198 };
  const struct kt_bytes alpha = { alpha_data, sizeof alpha_data };
  memset(seed, 0xff, sizeof seed);
  from_hex("0343bf483b8c44079e85192a711772e15ac923bbc7cfbcb1c3b58b3c2a15a29586", expected_key, sizeof expected_key);
  from_hex(
      "02dd56745d7af9901059c2bdf3dd393b4a5146ce4b02313c9c23febf2efd0d550c4a697aada5a805bf46f8c0ca8d2326ff49e750d5ff"
      "0722fd3785f4a051367f9d73a915db665f8041c1e96a7ef5ed717d",
      expected_proof, sizeof expected_proof);
  from_hex("c7ce54cabb30962efe04a838a5fc3b148771b24362beeb6bb75939c528d1075b", expected_output, sizeof expected_output);

  uint8_t public_key[COMPRESSED_LEN];
  uint8_t proof[PROOF_LEN];
  struct kt_hash output;
  const struct kt_vrf_key secret = test_vrf_key(suite, seed);
  assert_int_equal(suite->vrf_public(seed, public_key), KT_OK);
  assert_memory_equal(public_key, expected_key, sizeof public_key);
  assert_int_equal(suite->vrf_prove(&secret, alpha, proof, &output), KT_OK);
  assert_memory_equal(proof, expected_proof, sizeof proof);
  assert_memory_equal(output.b, expected_output, sizeof expected_output);
}

static void test_vrf_round_trip_random(void **state)
{
  (void)state;
  suite_vrf_round_trips(suite, 100);
}

/* One key, one alpha and the proof, for the tests that spoil something. */
struct fixture {
  struct kt_vrf_key key;
  struct kt_bytes alpha;
  uint8_t proof[PROOF_LEN];
};

static void fixture_init(struct fixture *f, const uint8_t scalar[static SCALAR_LEN])
{
  static const uint8_t alpha[] = "alice@example.com";
  struct kt_hash output;
  f->alpha = (struct kt_bytes){ alpha, sizeof alpha - 1 };
  assert_int_equal(kt_ecvrf_p256_key_init(&f->key, scalar), KT_OK);
  assert_int_equal(kt_ecvrf_p256_prove(&f->key, f->alpha, f->proof, &output), KT_OK);
}

static const uint8_t some_scalar[SCALAR_LEN] = { 1, 2, 3 };

/* Refused, the output left alone, and nothing left in libcrypto's error queue. */
static void assert_refused(const uint8_t *public_key, struct kt_bytes alpha, const uint8_t *proof)
{
  struct kt_hash output;
  struct kt_hash untouched;
  memset(&output, 0xa5, sizeof output);
  memset(&untouched, 0xa5, sizeof untouched);
  assert_int_equal(suite->vrf_verify((struct kt_bytes){ public_key, COMPRESSED_LEN }, alpha, proof, &output),
                   KT_ERR_PROOF);
  assert_memory_equal(output.b, untouched.b, sizeof output.b);
  assert_int_equal(ERR_peek_error(), 0);
}

static void assert_accepted(const struct fixture *f, const uint8_t *proof)
{
  struct kt_hash output;
  assert_int_equal(kt_ecvrf_p256_verify(f->key.public_key, f->alpha, proof, &output), KT_OK);
}

static void test_vrf_refuses_every_bit_flip_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f, some_scalar);
  for (size_t bit = 0; bit < 8 * PROOF_LEN; bit++) {
    f.proof[bit / 8] ^= (uint8_t)(1U << bit % 8);
    assert_refused(f.key.public_key, f.alpha, f.proof);
    f.proof[bit / 8] ^= (uint8_t)(1U << bit % 8);
  }
  for (size_t bit = 0; bit < 8 * COMPRESSED_LEN; bit++) {
    f.key.public_key[bit / 8] ^= (uint8_t)(1U << bit % 8);
    assert_refused(f.key.public_key, f.alpha, f.proof);
    f.key.public_key[bit / 8] ^= (uint8_t)(1U << bit % 8);
  }
}

static void test_vrf_refuses_key_lengths_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f, some_scalar);
  uint8_t key[UNCOMPRESSED_LEN + 1] = { 0 };
  memcpy(key, f.key.public_key, COMPRESSED_LEN);
  for (size_t len = 0; len <= sizeof key; len++) {
    struct kt_hash output;
    enum kt_err expected = len == COMPRESSED_LEN ? KT_OK : KT_ERR_PROOF;
    assert_int_equal(suite->vrf_verify((struct kt_bytes){ key, len }, f.alpha, f.proof, &output), expected);
  }
}

static void test_vrf_refuses_wrong_key_and_input_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f, some_scalar);
  const uint8_t other_seed[KT_SEED_LEN] = { 1, 2, 4 };
  uint8_t other_key[COMPRESSED_LEN];
  assert_int_equal(suite->vrf_public(other_seed, other_key), KT_OK);
  assert_refused(other_key, f.alpha, f.proof);
  assert_refused(f.key.public_key, (struct kt_bytes){ f.alpha.data, f.alpha.len - 1 }, f.proof);
  assert_refused(f.key.public_key, (struct kt_bytes){ NULL, 0 }, f.proof);
}

static void test_vrf_refuses_zero_scalars_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f, some_scalar);
  struct fixture zero_s = f;
  memset(zero_s.proof + S_OFFSET, 0, SCALAR_LEN);
  assert_refused(f.key.public_key, f.alpha, zero_s.proof);
  struct fixture zero_c = f;
  memset(zero_c.proof + C_OFFSET, 0, S_OFFSET - C_OFFSET);
  assert_refused(f.key.public_key, f.alpha, zero_c.proof);
  memset(f.proof + C_OFFSET, 0, PROOF_LEN - C_OFFSET);
  assert_refused(f.key.public_key, f.alpha, f.proof);
}

/* With c = 1 and s = x, U and V are the point at infinity, which no 33 bytes encode: wrong, but no failure. */
static void test_vrf_refuses_nonce_zero_R45(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f, some_scalar);
  memset(f.proof + C_OFFSET, 0, S_OFFSET - C_OFFSET);
  f.proof[S_OFFSET - 1] = 1;
  memcpy(f.proof + S_OFFSET, f.key.scalar, SCALAR_LEN);
  assert_refused(f.key.public_key, f.alpha, f.proof);
}

/* c as RFC 9381 section 5.4.3 computes it, written apart from the library; 16 bytes. */
static void challenge(const uint8_t *y, const uint8_t *h, const uint8_t *gamma, const uint8_t *u, const uint8_t *v,
                      uint8_t *ret_c)
{
  uint8_t input[2 + 5 * COMPRESSED_LEN + 1] = { 0x01, 0x02 };
  uint8_t hash[crypto_hash_sha256_BYTES];
  memcpy(input + 2, y, COMPRESSED_LEN);
  memcpy(input + 2 + COMPRESSED_LEN, h, COMPRESSED_LEN);
  memcpy(input + 2 + 2 * COMPRESSED_LEN, gamma, COMPRESSED_LEN);
  memcpy(input + 2 + 3 * COMPRESSED_LEN, u, COMPRESSED_LEN);
  memcpy(input + 2 + 4 * COMPRESSED_LEN, v, COMPRESSED_LEN);
  crypto_hash_sha256(hash, input, sizeof input);
  memcpy(ret_c, hash, S_OFFSET - C_OFFSET);
}

/* A proof of Gamma with a nonce of our choice. */
static void forge_proof(const struct fixture *f, unsigned long nonce, const uint8_t *gamma,
                        uint8_t ret_proof[static PROOF_LEN])
{
  uint8_t h[COMPRESSED_LEN];
  uint8_t u[COMPRESSED_LEN];
  uint8_t v[COMPRESSED_LEN];
  const BIGNUM *k = p256_word(&t, nonce);
  assert_int_equal(kt_ecvrf_p256_encode_to_curve(f->key.public_key, f->alpha, h), KT_OK);
  EC_POINT *h_point = p256_point(&t, h, sizeof h);
  p256_combine(&t, k, NULL, NULL, sizeof u, u);
  p256_combine(&t, NULL, h_point, k, sizeof v, v);
  EC_POINT_free(h_point);
  memcpy(ret_proof, gamma, COMPRESSED_LEN);
  challenge(f->key.public_key, h, gamma, u, v, ret_proof + C_OFFSET);
  const BIGNUM *c = p256_number(&t, ret_proof + C_OFFSET, S_OFFSET - C_OFFSET);
  const BIGNUM *x = p256_number(&t, f->key.scalar, SCALAR_LEN);
  p256_bytes(p256_multiply_add(&t, c, x, k), ret_proof + S_OFFSET);
}

/* With x = 1 and a small nonce s = k + c takes 129 bits, so that s + n, which satisfies the equations, fits. */
static void test_vrf_refuses_unreduced_s_R45(void **state)
{
  (void)state;
  const uint8_t one[SCALAR_LEN] = { [SCALAR_LEN - 1] = 1 };
  struct fixture f;
  uint8_t forged[PROOF_LEN];
  fixture_init(&f, one);
  forge_proof(&f, 5, f.proof, forged);
  assert_accepted(&f, forged);
  assert_true(p256_plus_order(forged + S_OFFSET));
  assert_refused(f.key.public_key, f.alpha, forged);
}

/* Only Gamma = x*H has a proof, not its negative, which has the same x coordinate, and no other point. */
static void test_vrf_refuses_another_gamma_R45(void **state)
{
  (void)state;
  struct fixture f;
  uint8_t forged[PROOF_LEN];
  uint8_t gamma[COMPRESSED_LEN];
  fixture_init(&f, some_scalar);
  forge_proof(&f, 7, f.proof, forged); /* the forger knows its trade */
  assert_accepted(&f, forged);

  memcpy(gamma, f.proof, sizeof gamma);
  gamma[0] ^= 0x01;
  forge_proof(&f, 7, gamma, forged);
  assert_refused(f.key.public_key, f.alpha, forged);

  p256_combine(&t, p256_word(&t, 3), NULL, NULL, sizeof gamma, gamma);
  forge_proof(&f, 7, gamma, forged);
  assert_refused(f.key.public_key, f.alpha, forged);
}

/* The negative of a key, which has the same x coordinate, is another key. */
static void test_vrf_refuses_negated_key_R45(void **state)
{
  (void)state;
  struct fixture f;
  uint8_t forged[PROOF_LEN];
  fixture_init(&f, some_scalar);
  f.key.public_key[0] ^= 0x01;
  assert_int_equal(suite->vrf_public_check((struct kt_bytes){ f.key.public_key, COMPRESSED_LEN }), KT_OK);
  assert_refused(f.key.public_key, f.alpha, f.proof);
  forge_proof(&f, 7, f.proof, forged);
  assert_refused(f.key.public_key, f.alpha, forged);
}

/* x = 5 is a point's and x = 1 is none's; p + 5 and p + 1 fit into 32 bytes. */
static void test_vrf_refuses_bad_gamma_encodings_R45(void **state)
{
  (void)state;
  static const char *const refused[] = {
    "020000000000000000000000000000000000000000000000000000000000000001",
    "030000000000000000000000000000000000000000000000000000000000000001",
    "02ffffffff00000001000000000000000000000001000000000000000000000000",
    "02ffffffff00000001000000000000000000000001000000000000000000000004",
    "03ffffffff00000001000000000000000000000001000000000000000000000004",
    "02ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "000000000000000000000000000000000000000000000000000000000000000000",
    "000000000000000000000000000000000000000000000000000000000000000005",
    "040000000000000000000000000000000000000000000000000000000000000005",
    "060000000000000000000000000000000000000000000000000000000000000005",
  };
  struct fixture f;
  uint8_t forged[PROOF_LEN];
  fixture_init(&f, some_scalar);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    uint8_t gamma[COMPRESSED_LEN];
    from_hex(refused[i], gamma, sizeof gamma);
    forge_proof(&f, 7, gamma, forged);
    assert_refused(f.key.public_key, f.alpha, forged);
    assert_refused(gamma, f.alpha, f.proof);
    assert_int_equal(suite->vrf_public_check((struct kt_bytes){ gamma, sizeof gamma }), KT_ERR_CRYPTO);
  }
}

static void test_vrf_key_scalar_range(void **state)
{
  (void)state;
  static const struct {
    const char *scalar;
    bool valid;
  } cases[] = {
    { "0000000000000000000000000000000000000000000000000000000000000000", false },
    { "0000000000000000000000000000000000000000000000000000000000000001", true },
    { "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", true },
    { P256_N, false },
    { "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552", false },
    { "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac3fc632500", false },
    { "00000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffff", true },
    { "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t scalar[SCALAR_LEN];
    struct kt_vrf_key key;
    from_hex(cases[i].scalar, scalar, sizeof scalar);
    assert_int_equal(kt_p256_scalar_valid(scalar), cases[i].valid);
    assert_int_equal(kt_ecvrf_p256_key_init(&key, scalar), cases[i].valid ? KT_OK : KT_ERR_CRYPTO);
  }
}

static void test_vrf_key_release_wipes(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f, some_scalar);
  kt_vrf_key_release(&f.key);
  assert_true(sodium_is_zero((const uint8_t *)&f.key, sizeof f.key));
}

/* Encoding to the curve fails inside libcrypto about every other time; an application's own errors must survive it. */
static void test_vrf_leaves_error_queue_alone(void **state)
{
  (void)state;
  struct fixture f;
  fixture_init(&f, some_scalar);
  ERR_raise(ERR_LIB_USER, 42);
  const unsigned long raised = ERR_peek_error();
  for (uint8_t i = 0; i < 20; i++) {
    struct kt_hash output;
    assert_int_equal(kt_ecvrf_p256_prove(&f.key, (struct kt_bytes){ &i, 1 }, f.proof, &output), KT_OK);
  }
  assert_int_equal(ERR_get_error(), raised);
  assert_int_equal(ERR_get_error(), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_vrf_rfc9381_examples_10_to_12), cmocka_unit_test(test_vrf_seed_known_answer),
    cmocka_unit_test(test_vrf_round_trip_random),         cmocka_unit_test(test_vrf_refuses_every_bit_flip_R45),
    cmocka_unit_test(test_vrf_refuses_key_lengths_R45),   cmocka_unit_test(test_vrf_refuses_wrong_key_and_input_R45),
    cmocka_unit_test(test_vrf_refuses_zero_scalars_R45),  cmocka_unit_test(test_vrf_refuses_nonce_zero_R45),
    cmocka_unit_test(test_vrf_refuses_unreduced_s_R45),   cmocka_unit_test(test_vrf_refuses_another_gamma_R45),
    cmocka_unit_test(test_vrf_refuses_negated_key_R45),   cmocka_unit_test(test_vrf_refuses_bad_gamma_encodings_R45),
    cmocka_unit_test(test_vrf_key_scalar_range),          cmocka_unit_test(test_vrf_key_release_wipes),
    cmocka_unit_test(test_vrf_leaves_error_queue_alone),
  };
  return cmocka_run_group_tests(tests, init, release);
}
