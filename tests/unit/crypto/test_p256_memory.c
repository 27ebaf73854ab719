/* SPDX-License-Identifier: Apache-2.0 */
/* libcrypto runs out of memory at each of its allocations in turn, once or for good. The answer is then the right one or
 * KT_ERR_CRYPTO: never KT_ERR_PROOF, which accuses a log, and never another point of the try-and-increment method, which
 * would be a wrong output. */
#include "unit/crypto/crypto_test.h"

#include <kt/suite.h>

#include <openssl/crypto.h>
#include <stdlib.h>

enum { PROOF_LEN = 81, SIGNATURE_LEN = 64 };

static long n_left = -1; /* allocations until one fails; below zero: none does */
static bool for_good;
static bool was_denied;

static bool denied(void)
{
  if (n_left < 0) {
    return false;
  }
  if (n_left > 0) {
    n_left--;
    return false;
  }
  if (!for_good) {
    n_left = -1;
  }
  was_denied = true;
  return true;
}

static void *allocate(size_t len, const char *file, int line)
{
  (void)file;
  (void)line;
  return denied() ? NULL : malloc(len);
}

static void *resize(void *data, size_t len, const char *file, int line)
{
  (void)file;
  (void)line;
  return denied() ? NULL : realloc(data, len);
}

static void release(void *data, const char *file, int line)
{
  (void)file;
  (void)line;
  free(data);
}

static const uint8_t seed[KT_SEED_LEN] = { 5 };
static const uint8_t alpha_data[] = { 198, 1 };
static const struct kt_bytes alpha = { alpha_data, sizeof alpha_data };
static const struct kt_suite *suite;
static struct kt_sign_key sign_secret;
static struct kt_vrf_key vrf_secret;
static uint8_t sign_public[KT_PUBLIC_KEY_MAX];
static uint8_t vrf_public[KT_PUBLIC_KEY_MAX];
static uint8_t proof[PROOF_LEN];
static uint8_t signature[SIGNATURE_LEN];
static struct kt_hash output;

static int init(void **state)
{
  (void)state;
  suite = kt_suite_by_id(KT_SUITE_P256);
  bool made = kt_crypto_init() == KT_OK && suite != NULL && suite->sign_public(seed, sign_public) == KT_OK &&
              suite->vrf_public(seed, vrf_public) == KT_OK && suite->vrf_key_init(&vrf_secret, seed) == KT_OK &&
              suite->vrf_prove(&vrf_secret, alpha, proof, &output) == KT_OK &&
              suite->sign_key_init(&sign_secret, seed) == KT_OK && suite->sign(&sign_secret, alpha, signature) == KT_OK;
  return made ? 0 : -1;
}

static struct kt_bytes vrf_key(void)
{
  return (struct kt_bytes){ vrf_public, suite->vrf_public_len };
}

static struct kt_bytes sign_key(void)
{
  return (struct kt_bytes){ sign_public, suite->sign_public_len };
}

/* Each checks what it got when it got something. */
static enum kt_err run_prove(void)
{
  uint8_t again[PROOF_LEN];
  struct kt_hash hash;
  enum kt_err err = suite->vrf_prove(&vrf_secret, alpha, again, &hash);
  if (err == KT_OK) {
    assert_memory_equal(again, proof, sizeof proof);
    assert_memory_equal(hash.b, output.b, sizeof output.b);
  }
  return err;
}

static enum kt_err run_output(void)
{
  struct kt_hash hash;
  enum kt_err err = suite->vrf_output(&vrf_secret, alpha, &hash);
  if (err == KT_OK) {
    assert_memory_equal(hash.b, output.b, sizeof output.b);
  }
  return err;
}

static enum kt_err run_vrf_key(void)
{
  struct kt_vrf_key key;
  enum kt_err err = suite->vrf_key_init(&key, seed);
  if (err == KT_OK) {
    assert_memory_equal(&key, &vrf_secret, sizeof key);
  }
  return err;
}

static enum kt_err run_vrf_verify(void)
{
  struct kt_hash hash;
  enum kt_err err = suite->vrf_verify(vrf_key(), alpha, proof, &hash);
  if (err == KT_OK) {
    assert_memory_equal(hash.b, output.b, sizeof output.b);
  }
  return err;
}

static enum kt_err run_sign(void)
{
  uint8_t again[SIGNATURE_LEN];
  enum kt_err err = suite->sign(&sign_secret, alpha, again);
  if (err == KT_OK) {
    n_left = -1; /* memory is back for the check */
    assert_int_equal(suite->verify(sign_key(), alpha, (struct kt_bytes){ again, sizeof again }), KT_OK);
  }
  return err;
}

static enum kt_err run_verify(void)
{
  return suite->verify(sign_key(), alpha, (struct kt_bytes){ signature, sizeof signature });
}

static enum kt_err run_public(void)
{
  uint8_t again[KT_PUBLIC_KEY_MAX];
  enum kt_err err = suite->sign_public(seed, again);
  if (err == KT_OK) {
    assert_memory_equal(again, sign_public, suite->sign_public_len);
  }
  return err;
}

static enum kt_err run_check(void)
{
  return suite->vrf_public_check(vrf_key());
}

/* Until a run makes do with the allocations it has. */
static void fail_each_allocation(enum kt_err (*run)(void))
{
  long n = 0;
  do {
    was_denied = false;
    n_left = n++;
    enum kt_err err = run();
    n_left = -1;
    assert_true(err == KT_OK || (was_denied && err == KT_ERR_CRYPTO));
  } while (was_denied);
  assert_true(n > 10);
}

static void test_memory_fails_once_or_for_good(void **state)
{
  (void)state;
  enum kt_err (*const runs[])(void) = { run_prove, run_output, run_vrf_key, run_vrf_verify,
                                        run_sign,  run_verify, run_public,  run_check };
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    for_good = false;
    fail_each_allocation(runs[i]);
    for_good = true;
    fail_each_allocation(runs[i]);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_memory_fails_once_or_for_good),
  };
  if (CRYPTO_set_mem_functions(allocate, resize, release) != 1) { /* before libcrypto's first allocation */
    return 1;
  }
  return cmocka_run_group_tests(tests, init, NULL);
}
