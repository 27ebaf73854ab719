/* SPDX-License-Identifier: Apache-2.0 */
/* libcrypto runs out of memory at each of its allocations in turn, once or for good. The answer is then the right one or
 * KT_ERR_CRYPTO: never KT_ERR_PROOF, which accuses a log, and never another point of the try-and-increment method, which
 * would be a wrong output. */
#include "unit/crypto/crypto_test.h"

#include <kt/suite.h>

#include "support/fail_crypto.h"

enum { PROOF_LEN = 81, SIGNATURE_LEN = 64 };

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
    (void)fail_crypto_disarm(); /* memory is back for the check */
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

/* It has a code of its own: KT_ERR_CRYPTO says that the key is bad. */
static enum kt_err undecided(enum kt_err err)
{
  assert_int_not_equal(err, KT_ERR_CRYPTO);
  return err == KT_ERR_MEMORY ? KT_ERR_CRYPTO : err;
}

static enum kt_err run_vrf_check(void)
{
  return undecided(suite->vrf_public_check(vrf_key()));
}

static enum kt_err run_sign_check(void)
{
  return undecided(suite->sign_public_check(sign_key()));
}

/* Until a run makes do with the allocations it has. */
static void fail_each_allocation(enum kt_err (*run)(void), bool for_good)
{
  long n = 0;
  bool was_denied;
  do {
    fail_crypto_arm(n++, for_good);
    enum kt_err err = run();
    was_denied = fail_crypto_disarm();
    assert_true(err == KT_OK || (was_denied && err == KT_ERR_CRYPTO));
  } while (was_denied);
  assert_true(n > 10);
}

static void test_memory_fails_once_or_for_good(void **state)
{
  (void)state;
  enum kt_err (*const runs[])(void) = { run_prove,  run_output, run_vrf_key,   run_vrf_verify, run_sign,
                                        run_verify, run_public, run_vrf_check, run_sign_check };
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    fail_each_allocation(runs[i], false);
    fail_each_allocation(runs[i], true);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_memory_fails_once_or_for_good),
  };
  return fail_crypto_hook() ? cmocka_run_group_tests(tests, init, NULL) : 1;
}
