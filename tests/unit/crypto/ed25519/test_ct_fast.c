/* SPDX-License-Identifier: Apache-2.0 */
/* Timing and secrets of the fast VRF, checked by valgrind as in unit/crypto/test_ct.c: memcheck reports every branch and
 * every address that depends on the key. Here nothing is wrapped: all of the arithmetic is checked. */
#include "unit/crypto/crypto_test.h"
#include "unit/crypto/secret_test.h"

#include "crypto/ed25519/ecvrf.h"
#include "crypto/secret.h"

static const uint8_t secret_seed[KT_ECVRF_SEED_LEN] = { 9, 8, 7, 6, 5, 4, 3, 2, 1 };
static const uint8_t message_data[] = "alice@example.com";
static const struct kt_bytes message = { message_data, sizeof message_data - 1 };

static void test_ct_fast_vrf(void **state)
{
  (void)state;
  uint8_t seed[KT_ECVRF_SEED_LEN];
  uint8_t proof[KT_ECVRF_PROOF_LEN];
  struct kt_vrf_key key;
  struct kt_hash proved;
  struct kt_hash output;
  memcpy(seed, secret_seed, sizeof seed);
  mark_secret(seed, sizeof seed);

  assert_int_equal(kt_ecvrf_fast_key_init(&key, seed), KT_OK);
  assert_true(n_reported() == 0);
  mark_public(key.public_key, sizeof key.public_key); /* it salts the search for H, whose length is public */
  assert_int_equal(kt_ecvrf_fast_output(&key, message, &output), KT_OK);
  assert_true(n_reported() == 0);
  assert_int_equal(kt_ecvrf_fast_prove(&key, message, proof, &proved), KT_OK);
  assert_true(n_reported() == 0);
  if (under_valgrind()) { /* the secret went all the way: nothing was computed around it */
    assert_true(depends_on_secret(key.scalar, sizeof key.scalar));
    assert_true(depends_on_secret(output.b, sizeof output.b));
    assert_true(depends_on_secret(proof, sizeof proof));
    assert_true(depends_on_secret(proved.b, sizeof proved.b));
  }

  mark_public(proof, sizeof proof);
  mark_public(proved.b, sizeof proved.b);
  mark_public(output.b, sizeof output.b);
  assert_memory_equal(proved.b, output.b, sizeof proved.b);
  struct kt_hash verified;
  assert_int_equal(kt_ecvrf_fast_verify(key.public_key, message, proof, &verified), KT_OK);
  assert_memory_equal(verified.b, output.b, sizeof verified.b);
  kt_vrf_key_release(&key);
}

int main(void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_ct_fast_vrf) };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
