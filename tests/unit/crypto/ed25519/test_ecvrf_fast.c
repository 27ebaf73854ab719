/* SPDX-License-Identifier: Apache-2.0 */
/* The fast VRF against the reference: the same bytes and the same verdict on every input.
 *   unit-crypto-ed25519-ecvrf_fast [COUNT [STREAM]]
 * COUNT random inputs, 3000 unless told; STREAM, a number, chooses other ones, so that a long run can be split. */
#include "unit/crypto/ecvrf_test.h"

#include "crypto/ed25519/ecvrf.h"
#include "crypto/hash.h"
#include "crypto/suite_ed25519.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned long long n_inputs = 3000;
static unsigned long long stream = 1;

/* Everything a verifier is given. */
struct input {
  uint8_t public_key[POINT_LEN];
  uint8_t alpha[200];
  size_t alpha_len;
  uint8_t proof[PROOF_LEN];
};

/* The fast verdict, once it is the reference's. A refusal leaves the output alone. */
static enum kt_err assert_same_verdict(const struct input *input)
{
  const struct kt_bytes alpha = { input->alpha, input->alpha_len };
  struct kt_hash expected;
  struct kt_hash actual;
  memset(&expected, 0xa5, sizeof expected);
  memset(&actual, 0xa5, sizeof actual);
  const enum kt_err err = kt_ecvrf_verify(input->public_key, alpha, input->proof, &expected);
  assert_int_equal(kt_ecvrf_fast_verify(input->public_key, alpha, input->proof, &actual), err);
  assert_memory_equal(actual.b, expected.b, sizeof actual.b);
  assert_int_equal(kt_ecvrf_fast_public_key_valid(input->public_key), kt_ecvrf_public_key_valid(input->public_key));
  assert_int_equal(kt_ecvrf_fast_public_key_valid(input->proof), kt_ecvrf_public_key_valid(input->proof));
  return err;
}

/* Both backends derive the key, the output and the proof. */
static void prove_both(const uint8_t seed[static KT_ECVRF_SEED_LEN], struct input *input, struct kt_vrf_key *ret_key)
{
  const struct kt_bytes alpha = { input->alpha, input->alpha_len };
  struct kt_vrf_key key;
  uint8_t proof[PROOF_LEN];
  struct kt_hash expected;
  struct kt_hash actual;
  assert_int_equal(kt_ecvrf_key_init(ret_key, seed), KT_OK);
  assert_int_equal(kt_ecvrf_fast_key_init(&key, seed), KT_OK);
  assert_memory_equal(&key, ret_key, sizeof key);
  memcpy(input->public_key, key.public_key, sizeof input->public_key);

  assert_int_equal(kt_ecvrf_prove(ret_key, alpha, input->proof, &expected), KT_OK);
  assert_int_equal(kt_ecvrf_fast_prove(&key, alpha, proof, &actual), KT_OK);
  assert_memory_equal(proof, input->proof, sizeof proof);
  assert_memory_equal(actual.b, expected.b, sizeof actual.b);
  assert_int_equal(kt_ecvrf_fast_output(&key, alpha, &actual), KT_OK);
  assert_memory_equal(actual.b, expected.b, sizeof actual.b);
}

static void random_honest(unsigned long long i, struct input *ret, struct kt_vrf_key *ret_key)
{
  struct {
    uint8_t seed[KT_ECVRF_SEED_LEN];
    uint8_t alpha[sizeof ret->alpha];
    uint8_t alpha_len;
  } random;
  uint8_t stream_seed[randombytes_SEEDBYTES] = { 'v', 'r', 'f' };
  memcpy(stream_seed + 8, &stream, sizeof stream);
  memcpy(stream_seed + 16, &i, sizeof i);
  randombytes_buf_deterministic(&random, sizeof random, stream_seed);
  memcpy(ret->alpha, random.alpha, sizeof ret->alpha);
  ret->alpha_len = random.alpha_len % (sizeof ret->alpha + 1);
  prove_both(random.seed, ret, ret_key);
}

static void add_torsion(uint8_t point[static POINT_LEN], size_t i)
{
  uint8_t torsion[POINT_LEN];
  small_order_point(i, torsion);
  assert_int_equal(crypto_core_ed25519_add(point, point, torsion), 0);
}

static void add_order(uint8_t s[static SCALAR_LEN])
{
  uint8_t order[SCALAR_LEN];
  from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", order, sizeof order);
  sodium_add(s, order, sizeof order);
}

/* A proof in which c annihilates torsion, and torsion point number `torsion` in Gamma or in the key. */
static void forge(const struct kt_vrf_key *key, bool in_key, size_t torsion, struct input *input)
{
  const struct kt_bytes alpha = { input->alpha, input->alpha_len };
  uint8_t gamma[POINT_LEN];
  uint8_t h[POINT_LEN];
  memcpy(input->public_key, key->public_key, POINT_LEN);
  if (in_key) {
    add_torsion(input->public_key, torsion);
  }
  assert_int_equal(kt_ecvrf_encode_to_curve(input->public_key, alpha, h), KT_OK);
  assert_int_equal(crypto_scalarmult_ed25519_noclamp(gamma, key->scalar, h), 0);
  if (!in_key) {
    add_torsion(gamma, torsion);
  }
  forge_proof(key->scalar, input->public_key, alpha, gamma, input->proof);
}

enum { N_SPOILINGS = 15 };

/* One of the ways to make an honest input another one; `random` chooses within it. */
static void spoil(unsigned how, const uint8_t random[static PROOF_LEN], const struct kt_vrf_key *key,
                  struct input *input)
{
  uint8_t unused[POINT_LEN];
  uint8_t *point = random[1] % 2 == 0 ? input->proof : input->public_key;
  switch (how) {
  case 0: input->proof[random[0] % PROOF_LEN] ^= (uint8_t)(1U << random[2] % 8); break;
  case 1: input->public_key[random[0] % POINT_LEN] ^= (uint8_t)(1U << random[2] % 8); break;
  case 2: memcpy(point, random + 8, POINT_LEN); break;
  case 3: (void)crypto_core_ed25519_from_uniform(point, random + 8); break;
  case 4: add_torsion(point, random[0] % N_TORSION); break;
  case 5: small_order_point(random[0] % N_SMALL_ORDER, point); break;
  case 6: unreduced_point(random[0] % N_UNREDUCED, point, unused); break;
  case 7: add_order(input->proof + S_OFFSET); break;
  case 8: memcpy(input->proof + S_OFFSET, random + 8, SCALAR_LEN); break;
  case 9: memset(input->proof + S_OFFSET, 0, SCALAR_LEN); break;
  case 10: memset(input->proof + C_OFFSET, 0, S_OFFSET - C_OFFSET); break;
  case 11: memcpy(input->proof, random, PROOF_LEN); break;
  case 12: input->alpha[random[0] % sizeof input->alpha] ^= (uint8_t)(1U << random[2] % 8); break;
  case 13: forge(key, random[1] % 2 == 0, random[0] % N_TORSION, input); break;
  default: point[POINT_LEN - 1] ^= 0x80; break; /* -Gamma or -Y */
  }
}

static void test_fast_agrees_on_random_inputs_R45(void **state)
{
  (void)state;
  struct input honest = { 0 };
  struct kt_vrf_key key = { 0 };
  unsigned long long n_accepted = 0;
  for (unsigned long long i = 0; i < n_inputs; i++) {
    const unsigned how = (unsigned)(i % (N_SPOILINGS + 1));
    if (how == 0) {
      random_honest(i, &honest, &key);
      assert_int_equal(assert_same_verdict(&honest), KT_OK);
      n_accepted++;
      continue;
    }
    struct input input = honest;
    uint8_t random[PROOF_LEN];
    uint8_t stream_seed[randombytes_SEEDBYTES] = { 's', 'p', 'o', 'i', 'l' };
    memcpy(stream_seed + 8, &stream, sizeof stream);
    memcpy(stream_seed + 16, &i, sizeof i);
    randombytes_buf_deterministic(random, sizeof random, stream_seed);
    spoil(how - 1, random, &key, &input);
    n_accepted += assert_same_verdict(&input) == KT_OK;
  }
  printf("%llu inputs, %llu accepted by both\n", n_inputs, n_accepted);
}

/* Every torsion point in Gamma and in the key, in proofs that nothing but the checks of points refuses. */
static void test_fast_agrees_on_torsion_R45(void **state)
{
  (void)state;
  for (size_t i = 0; i < 4 * N_TORSION; i++) {
    struct input input = { 0 };
    struct kt_vrf_key key;
    random_honest(i, &input, &key);
    for (unsigned in_key = 0; in_key < 2; in_key++) {
      forge(&key, in_key == 1, i % N_TORSION, &input);
      assert_int_equal(assert_same_verdict(&input), i % N_TORSION == 0 ? KT_OK : KT_ERR_PROOF);
    }
  }
}

/* Every pair of small-order or unreduced encodings as key and Gamma, with the proof of x = 0 where there is one. */
static void test_fast_agrees_on_bad_encodings_R45(void **state)
{
  (void)state;
  const uint8_t x[SCALAR_LEN] = { 0 };
  struct input input = { 0 };
  uint8_t unused[POINT_LEN];
  for (size_t i = 0; i < N_SMALL_ORDER + N_UNREDUCED; i++) {
    for (size_t j = 0; j < N_SMALL_ORDER; j++) {
      small_order_point(j, input.proof);
      if (i < N_SMALL_ORDER) {
        small_order_point(i, input.public_key);
        uint8_t gamma[POINT_LEN];
        memcpy(gamma, input.proof, sizeof gamma);
        forge_proof(x, input.public_key, (struct kt_bytes){ input.alpha, 0 }, gamma, input.proof);
      } else {
        unreduced_point(i - N_SMALL_ORDER, input.public_key, unused);
        memset(input.proof + C_OFFSET, 1, PROOF_LEN - C_OFFSET);
      }
      assert_int_equal(assert_same_verdict(&input), KT_ERR_PROOF);
    }
  }
}

static enum kt_err wrong_output(const struct kt_vrf_key *key, struct kt_bytes alpha, struct kt_hash *ret_output)
{
  enum kt_err err = kt_suite_ed25519.vrf_output(key, alpha, ret_output);
  ret_output->b[KT_HASH_LEN - 1] ^= 1;
  return err;
}

static enum kt_err wrong_verify(struct kt_bytes public_key, struct kt_bytes alpha, const uint8_t *proof,
                                struct kt_hash *ret_output)
{
  (void)public_key, (void)alpha, (void)proof, (void)ret_output;
  return KT_ERR_PROOF;
}

/* A batch is accepted when each proof is, with the same outputs, and else leaves the outputs alone. Every size; one proof in
 * every place is spoiled. */
static void test_batch_agrees_R45(void **state)
{
  (void)state;
  struct input inputs[KT_VRF_BATCH_MAX] = { 0 };
  struct kt_vrf_claim claims[KT_VRF_BATCH_MAX];
  struct kt_hash expected[KT_VRF_BATCH_MAX];
  struct kt_hash outputs[KT_VRF_BATCH_MAX];
  struct kt_hash untouched[KT_VRF_BATCH_MAX];
  struct kt_vrf_key key;
  random_honest(0, &inputs[0], &key);
  for (size_t i = 0; i < KT_VRF_BATCH_MAX; i++) {
    inputs[i] = inputs[0];
    inputs[i].alpha[0] = (uint8_t)i;
    inputs[i].alpha_len = 10 + i;
    claims[i] = (struct kt_vrf_claim){ .alpha = { inputs[i].alpha, inputs[i].alpha_len }, .proof = inputs[i].proof };
    assert_int_equal(kt_ecvrf_prove(&key, claims[i].alpha, inputs[i].proof, &expected[i]), KT_OK);
  }
  memset(untouched, 0xa5, sizeof untouched);
  for (size_t n = 1; n <= KT_VRF_BATCH_MAX; n++) {
    memcpy(outputs, untouched, sizeof outputs);
    assert_int_equal(kt_ecvrf_fast_verify_batch(key.public_key, n, claims, outputs), KT_OK);
    assert_memory_equal(outputs, expected, n * sizeof *outputs);
    assert_memory_equal(outputs + n, untouched + n, sizeof outputs - n * sizeof *outputs);
    for (size_t wrong = 0; wrong < n; wrong++) {
      for (size_t at = 0; at < PROOF_LEN; at += C_OFFSET / 2) { /* in Gamma, c and s */
        memcpy(outputs, untouched, sizeof outputs);
        inputs[wrong].proof[at] ^= 1;
        assert_int_equal(kt_ecvrf_fast_verify_batch(key.public_key, n, claims, outputs), KT_ERR_PROOF);
        inputs[wrong].proof[at] ^= 1;
        assert_memory_equal(outputs, untouched, sizeof outputs);
      }
    }
  }
}

enum { N_TOGETHER = 100 };

/* Proofs that are made together are those of the reference, and so are those of a suite that makes them one by one. */
static void test_proofs_together(void **state)
{
  (void)state;
  const struct kt_suite *const suites[] = { &kt_suite_ed25519_fast, &kt_suite_ed25519 };
  for (uint64_t round = 0; round < N_TOGETHER; round++) {
    struct input inputs[KT_VRF_PROVE_MAX] = { 0 };
    struct kt_vrf_key key;
    struct kt_bytes alphas[KT_VRF_PROVE_MAX];
    struct kt_hash expected[KT_VRF_PROVE_MAX];
    uint8_t proofs[KT_VRF_PROVE_MAX][PROOF_LEN];
    uint8_t *const ret_proofs[KT_VRF_PROVE_MAX] = { proofs[0], proofs[1] };
    random_honest(round, &inputs[0], &key);
    for (size_t i = 0; i < KT_VRF_PROVE_MAX; i++) {
      inputs[i] = inputs[0];
      inputs[i].alpha[0] = (uint8_t)i;
      inputs[i].alpha_len = 10 + i;
      alphas[i] = (struct kt_bytes){ inputs[i].alpha, inputs[i].alpha_len };
      assert_int_equal(kt_ecvrf_prove(&key, alphas[i], inputs[i].proof, &expected[i]), KT_OK);
    }
    for (size_t n = 1; n <= KT_VRF_PROVE_MAX; n++) {
      const struct kt_suite *suite = suites[round % 2];
      struct kt_hash outputs[KT_VRF_PROVE_MAX];
      memset(proofs, 0, sizeof proofs);
      assert_int_equal(kt_vrf_prove_batch(suite, &key, n, alphas, ret_proofs, outputs), KT_OK);
      for (size_t i = 0; i < n; i++) {
        assert_memory_equal(proofs[i], inputs[i].proof, PROOF_LEN);
        assert_true(kt_hash_equal(&outputs[i], &expected[i]));
      }
    }
  }
}

/* The same of outputs. */
static void test_outputs_together(void **state)
{
  (void)state;
  const struct kt_suite *const suites[] = { &kt_suite_ed25519_fast, &kt_suite_ed25519 };
  for (uint64_t round = 0; round < N_TOGETHER; round++) {
    struct input input = { 0 };
    struct kt_vrf_key key;
    uint8_t alphas[KT_VRF_OUTPUT_MAX][sizeof input.alpha] = { 0 };
    struct kt_bytes given[KT_VRF_OUTPUT_MAX];
    struct kt_hash expected[KT_VRF_OUTPUT_MAX];
    random_honest(round, &input, &key);
    for (size_t i = 0; i < KT_VRF_OUTPUT_MAX; i++) {
      alphas[i][0] = (uint8_t)i;
      given[i] = (struct kt_bytes){ alphas[i], 1 + i };
      assert_int_equal(kt_ecvrf_output(&key, given[i], &expected[i]), KT_OK);
    }
    const size_t n = 1 + round % KT_VRF_OUTPUT_MAX;
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
      struct kt_hash outputs[KT_VRF_OUTPUT_MAX] = { 0 };
      assert_int_equal(kt_vrf_output_batch(suites[i], &key, n, given, outputs), KT_OK);
      assert_memory_equal(outputs, expected, n * sizeof *outputs);
    }
  }
}

/* The suite's batch and its fallback, where a suite has none, tell the same. */
static void test_batch_falls_back_R45(void **state)
{
  (void)state;
  const struct kt_suite *const suites[] = { &kt_suite_ed25519_fast, &kt_suite_ed25519 };
  struct input inputs[2] = { 0 };
  struct kt_vrf_key key;
  random_honest(0, &inputs[0], &key);
  inputs[1] = inputs[0];
  const struct kt_bytes alpha = { inputs[0].alpha, inputs[0].alpha_len };
  const struct kt_vrf_claim claims[] = { { alpha, inputs[0].proof }, { alpha, inputs[1].proof } };
  for (size_t i = 0; i < 2; i++) {
    struct kt_hash outputs[2];
    struct kt_hash untouched[2];
    struct kt_hash expected;
    memset(outputs, 0xa5, sizeof outputs);
    memset(untouched, 0xa5, sizeof untouched);
    inputs[1].proof[S_OFFSET] ^= 1;
    assert_int_equal(kt_vrf_verify_batch(suites[i], (struct kt_bytes){ key.public_key, POINT_LEN }, 2, claims, outputs),
                     KT_ERR_PROOF);
    assert_memory_equal(outputs, untouched, sizeof outputs);
    inputs[1].proof[S_OFFSET] ^= 1;
    assert_int_equal(
        kt_vrf_verify_batch(suites[i], (struct kt_bytes){ key.public_key, POINT_LEN - 1 }, 2, claims, outputs),
        KT_ERR_PROOF);
    assert_int_equal(kt_vrf_verify_batch(suites[i], (struct kt_bytes){ key.public_key, POINT_LEN }, 2, claims, outputs),
                     KT_OK);
    assert_int_equal(kt_ecvrf_output(&key, alpha, &expected), KT_OK);
    assert_true(kt_hash_equal(&outputs[0], &expected));
    assert_true(kt_hash_equal(&outputs[1], &expected));
  }
}

static enum kt_err one_by_one(const struct kt_vrf_key *key, size_t n, const struct kt_bytes *alphas,
                              struct kt_hash *ret_outputs)
{
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = kt_ecvrf_output(key, alphas[i], &ret_outputs[i]);
  }
  return err;
}

/* What the self-test expects of batches is what the reference makes. */
static void test_reference_is_expected(void **state)
{
  (void)state;
  struct kt_suite table = kt_suite_ed25519;
  table.vrf_output_batch = one_by_one;
  assert_true(kt_suite_ed25519_self_test(&table));
}

/* Only the last of as many as there can be is wrong. */
static enum kt_err wrong_output_batch(const struct kt_vrf_key *key, size_t n, const struct kt_bytes *alphas,
                                      struct kt_hash *ret_outputs)
{
  const enum kt_err err = kt_ecvrf_fast_output_batch(key, n, alphas, ret_outputs);
  ret_outputs[KT_VRF_OUTPUT_MAX - 1].b[0] ^= 1;
  return err;
}

static enum kt_err wrong_prove_batch(const struct kt_vrf_key *key, size_t n, const struct kt_bytes *alphas,
                                     uint8_t *const *ret_proofs, struct kt_hash *ret_outputs)
{
  const enum kt_err err = kt_ecvrf_fast_prove_batch(key, n, alphas, ret_proofs, ret_outputs);
  ret_proofs[KT_VRF_PROVE_MAX - 1][0] ^= 1;
  return err;
}

static enum kt_err wrong_proved_output(const struct kt_vrf_key *key, size_t n, const struct kt_bytes *alphas,
                                       uint8_t *const *ret_proofs, struct kt_hash *ret_outputs)
{
  const enum kt_err err = kt_ecvrf_fast_prove_batch(key, n, alphas, ret_proofs, ret_outputs);
  ret_outputs[KT_VRF_PROVE_MAX - 1].b[0] ^= 1;
  return err;
}

/* A backend that miscomputes is not used. */
static void test_choice_falls_back(void **state)
{
  (void)state;
  struct kt_suite table = *kt_suite_by_id(KT_SUITE_ED25519);
  assert_ptr_not_equal(kt_suite_by_id(KT_SUITE_ED25519), &kt_suite_ed25519); /* the fast one is in use */
  assert_ptr_equal(kt_suite_ed25519_choose(&table), &table);
  table.vrf_output = wrong_output;
  assert_ptr_equal(kt_suite_ed25519_choose(&table), &kt_suite_ed25519);
  table = *kt_suite_by_id(KT_SUITE_ED25519);
  table.vrf_verify = wrong_verify;
  assert_ptr_equal(kt_suite_ed25519_choose(&table), &kt_suite_ed25519);
  table = *kt_suite_by_id(KT_SUITE_ED25519);
  table.vrf_output_batch = wrong_output_batch;
  assert_ptr_equal(kt_suite_ed25519_choose(&table), &kt_suite_ed25519);
  table = *kt_suite_by_id(KT_SUITE_ED25519);
  table.vrf_prove_batch = wrong_prove_batch;
  assert_ptr_equal(kt_suite_ed25519_choose(&table), &kt_suite_ed25519);
  table.vrf_prove_batch = wrong_proved_output;
  assert_ptr_equal(kt_suite_ed25519_choose(&table), &kt_suite_ed25519);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fast_agrees_on_random_inputs_R45),
    cmocka_unit_test(test_fast_agrees_on_torsion_R45),
    cmocka_unit_test(test_fast_agrees_on_bad_encodings_R45),
    cmocka_unit_test(test_batch_agrees_R45),
    cmocka_unit_test(test_outputs_together),
    cmocka_unit_test(test_proofs_together),
    cmocka_unit_test(test_batch_falls_back_R45),
    cmocka_unit_test(test_reference_is_expected),
    cmocka_unit_test(test_choice_falls_back),
  };
  if (argc > 1) {
    n_inputs = strtoull(argv[1], NULL, 10);
  }
  if (argc > 2) {
    stream = strtoull(argv[2], NULL, 10);
  }
  return kt_crypto_init() != KT_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
