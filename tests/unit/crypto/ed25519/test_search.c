/* SPDX-License-Identifier: Apache-2.0 */
/* The search for H (RFC 9381 section 5.4.1.1) when attempts fail in ways that no hash is known for: linked with
 * -Wl,--wrap=kt_ecvrf_attempt_hash, so that the attempts are scripted here, for the reference too. */
#include "unit/crypto/ecvrf_test.h"

#include "crypto/ecvrf_hash.h"
#include "crypto/ed25519/ecvrf.h"
#include "crypto/hash.h"

void __real_kt_ecvrf_attempt_hash(const crypto_hash_sha512_state *prefix, unsigned ctr, uint8_t *ret_hash);
void __wrap_kt_ecvrf_attempt_hash(const crypto_hash_sha512_state *prefix, unsigned ctr, uint8_t *ret_hash);

/* How many attempts of a search fail at least. */
static enum { NONE, A_FEW, MANY, NEARLY_ALL } failing;
static unsigned ctr_max;

/* Of small order, so that the cofactor makes the identity of it, or no point at all. */
static void fail_attempt(uint8_t choice, uint8_t ret_encoding[static POINT_LEN])
{
  uint8_t reduced[POINT_LEN];
  if (choice % 2 == 0) {
    small_order_point(choice / 2 % N_SMALL_ORDER, ret_encoding);
  } else {
    unreduced_point(choice / 2 % N_UNREDUCED, ret_encoding, reduced);
  }
}

/* The bytes of the hash that nobody reads decide, so that every caller sees the same. */
void __wrap_kt_ecvrf_attempt_hash(const crypto_hash_sha512_state *prefix, unsigned ctr, uint8_t *ret_hash)
{
  uint8_t first[crypto_hash_sha512_BYTES];
  __real_kt_ecvrf_attempt_hash(prefix, 0, first);
  __real_kt_ecvrf_attempt_hash(prefix, ctr, ret_hash);
  const unsigned n_failing[] = {
    [NONE] = 0, [A_FEW] = first[50] % 12U, [MANY] = first[50], [NEARLY_ALL] = 250 + first[50] % 9U
  };
  if (ctr < n_failing[failing] || ret_hash[40] % 8 == 0) {
    fail_attempt(ret_hash[41], ret_hash);
  }
  ctr_max = ctr > ctr_max ? ctr : ctr_max;
}

struct scene {
  struct kt_vrf_key key;
  uint8_t bytes[KT_VRF_OUTPUT_MAX][8];
  struct kt_bytes alphas[KT_VRF_OUTPUT_MAX];
};

static void set_scene(uint32_t number, struct scene *ret)
{
  uint8_t seed[KT_ECVRF_SEED_LEN] = { 0 };
  memcpy(seed, &number, sizeof number);
  assert_int_equal(kt_ecvrf_fast_key_init(&ret->key, seed), KT_OK);
  for (size_t i = 0; i < KT_VRF_OUTPUT_MAX; i++) {
    memset(ret->bytes[i], (int)i, sizeof ret->bytes[i]);
    memcpy(ret->bytes[i], &number, sizeof number);
    ret->alphas[i] = (struct kt_bytes){ ret->bytes[i], sizeof ret->bytes[i] };
  }
}

/* The first failure of the reference, which makes them one by one, is that of all. */
static enum kt_err assert_outputs(const struct scene *scene, size_t n)
{
  struct kt_hash expected[KT_VRF_OUTPUT_MAX];
  struct kt_hash outputs[KT_VRF_OUTPUT_MAX];
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = kt_ecvrf_output(&scene->key, scene->alphas[i], &expected[i]);
  }
  assert_int_equal(kt_ecvrf_fast_output_batch(&scene->key, n, scene->alphas, outputs), err);
  if (err == KT_OK) {
    assert_memory_equal(outputs, expected, n * sizeof *outputs);
  }
  return err;
}

static void assert_proofs(const struct scene *scene, enum kt_err expected_err)
{
  uint8_t proofs[KT_VRF_PROVE_MAX][PROOF_LEN];
  uint8_t *const ret_proofs[KT_VRF_PROVE_MAX] = { proofs[0], proofs[1] };
  struct kt_hash outputs[KT_VRF_PROVE_MAX];
  assert_int_equal(kt_ecvrf_fast_prove_batch(&scene->key, KT_VRF_PROVE_MAX, scene->alphas, ret_proofs, outputs),
                   expected_err);
  for (size_t i = 0; expected_err == KT_OK && i < KT_VRF_PROVE_MAX; i++) {
    uint8_t expected[PROOF_LEN];
    struct kt_hash output;
    assert_int_equal(kt_ecvrf_prove(&scene->key, scene->alphas[i], expected, &output), KT_OK);
    assert_memory_equal(proofs[i], expected, sizeof expected);
    assert_true(kt_hash_equal(&outputs[i], &output));
  }
}

static void test_attempts_that_fail(void **state)
{
  (void)state;
  size_t n_good = 0;
  size_t n_bad = 0;
  for (failing = NONE; failing <= NEARLY_ALL; failing++) {
    for (uint32_t round = 0; round < 64; round++) {
      struct scene scene;
      const size_t n = 1 + round % KT_VRF_OUTPUT_MAX;
      set_scene(round, &scene);
      const enum kt_err err = assert_outputs(&scene, n);
      n_good += err == KT_OK;
      n_bad += err == KT_ERR_CRYPTO;
      if (n == KT_VRF_PROVE_MAX) {
        assert_proofs(&scene, err);
      }
    }
  }
  assert_int_equal(n_good + n_bad, 256);
  assert_true(n_good >= 128 && n_bad >= 16);
  assert_int_equal(ctr_max, KT_ECVRF_MAX_ATTEMPTS - 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_attempts_that_fail) };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
