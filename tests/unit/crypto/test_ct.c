/* SPDX-License-Identifier: Apache-2.0 */
/* Timing and secrets, checked by valgrind: seeds are marked undefined, so that memcheck reports every branch and every
 * address that depends on one. Run `valgrind ./unit-crypto-ct`; elsewhere the same calls are a plain round trip.
 *
 * The two scalar multiplications are replaced by wrappers that say what is true of them: they are constant-time
 * (libsodium's promise, except for the last branch, on "is the result the identity?", which no honest key takes) and
 * their results, Y, Gamma, U and V, are public. What is checked is our code, and libsodium's hashing, scalar arithmetic
 * and signing. */
#include "unit/crypto/crypto_test.h"
#include "unit/crypto/secret_test.h"

#include "crypto/secret.h"
#include "crypto/suite_ed25519.h"

#include <dlfcn.h>

/* libsodium's own function of a name that this program redefines. */
static void sodium_function(const char *name, void *ret_function)
{
  void *sodium = dlopen("libsodium.so.23", RTLD_NOW);
  assert_non_null(sodium);
  void *function = dlsym(sodium, name);
  assert_non_null(function);
  memcpy(ret_function, &function, sizeof function);
  dlclose(sodium); /* stays loaded: the program itself is linked with it */
}

static unsigned n_multiplications;

int crypto_scalarmult_ed25519_noclamp(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
  int (*multiply)(unsigned char *, const unsigned char *, const unsigned char *);
  sodium_function("crypto_scalarmult_ed25519_noclamp", &multiply);
  uint8_t scalar[32];
  memcpy(scalar, n, sizeof scalar);
  mark_public(scalar, sizeof scalar);
  assert_false(depends_on_secret(p, POINT_LEN));
  n_multiplications++;
  return multiply(q, scalar, p);
}

int crypto_scalarmult_ed25519_base_noclamp(unsigned char *q, const unsigned char *n)
{
  int (*multiply)(unsigned char *, const unsigned char *);
  sodium_function("crypto_scalarmult_ed25519_base_noclamp", &multiply);
  uint8_t scalar[32];
  memcpy(scalar, n, sizeof scalar);
  mark_public(scalar, sizeof scalar);
  n_multiplications++;
  return multiply(q, scalar);
}

static const uint8_t secret_seed[KT_SEED_LEN] = { 9, 8, 7, 6, 5, 4, 3, 2, 1 };
static const uint8_t message_data[] = "alice@example.com";
static const struct kt_bytes message = { message_data, sizeof message_data - 1 };
static const struct kt_suite *suite;

static int init(void **state)
{
  (void)state;
  suite = &kt_suite_ed25519; /* the reference: unit/crypto/ed25519/test_ct_fast.c is about the other */
  return kt_crypto_init() == KT_OK ? 0 : -1;
}

static void test_ct_vrf(void **state)
{
  (void)state;
  uint8_t seed[KT_SEED_LEN];
  uint8_t public_key[KT_PUBLIC_KEY_MAX];
  uint8_t proof[KT_VRF_PROOF_MAX];
  struct kt_vrf_key key;
  struct kt_hash proved;
  struct kt_hash output;
  memcpy(seed, secret_seed, sizeof seed);
  mark_secret(seed, sizeof seed);
  n_multiplications = 0;

  assert_int_equal(suite->vrf_public(seed, public_key), KT_OK);
  assert_int_equal(suite->vrf_key_init(&key, seed), KT_OK);
  assert_int_equal(suite->vrf_output(&key, message, &output), KT_OK);
  assert_int_equal(suite->vrf_prove(&key, message, proof, &proved), KT_OK);
  assert_int_equal(n_multiplications, 1 + 1 + 1 + 3); /* the wrappers were called */

  mark_public(proof, suite->vrf_proof_len);
  assert_memory_equal(proved.b, output.b, sizeof proved.b);
  struct kt_hash verified;
  assert_int_equal(suite->vrf_verify((struct kt_bytes){ public_key, suite->vrf_public_len }, message, proof, &verified),
                   KT_OK);
  assert_memory_equal(verified.b, output.b, sizeof verified.b);
  assert_int_equal(n_reported(), 0);
}

static void test_ct_sign(void **state)
{
  (void)state;
  uint8_t seed[KT_SEED_LEN];
  uint8_t public_key[KT_PUBLIC_KEY_MAX];
  uint8_t signature[KT_SIGNATURE_MAX];
  memcpy(seed, secret_seed, sizeof seed);
  mark_secret(seed, sizeof seed);

  assert_int_equal(suite->sign_public(seed, public_key), KT_OK);
  assert_int_equal(kt_sign_once(suite, seed, message, signature), KT_OK);

  mark_public(public_key, suite->sign_public_len);
  mark_public(signature, suite->signature_len);
  assert_int_equal(suite->verify((struct kt_bytes){ public_key, suite->sign_public_len }, message,
                                 (struct kt_bytes){ signature, suite->signature_len }),
                   KT_OK);
  assert_int_equal(n_reported(), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ct_vrf),
    cmocka_unit_test(test_ct_sign),
  };
  return cmocka_run_group_tests(tests, init, NULL);
}
