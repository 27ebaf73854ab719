/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/crypto/crypto_test.h"

#include "crypto/secret.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int init(void **state)
{
  (void)state;
  return kt_crypto_init() == KT_OK ? 0 : -1;
}

static void test_secret_starts_zero_and_is_writable(void **state)
{
  (void)state;
  struct kt_secret *secret = NULL;
  assert_int_equal(kt_secret_new(&secret), KT_OK);
  assert_true(sodium_is_zero(secret->seed, sizeof secret->seed));
  memset(secret->seed, 0xa5, sizeof secret->seed);
  struct kt_secret *other = NULL;
  assert_int_equal(kt_secret_new(&other), KT_OK);
  assert_ptr_not_equal(secret, other);
  assert_true(sodium_is_zero(other->seed, sizeof other->seed));
  assert_int_equal(secret->seed[KT_SEED_LEN - 1], 0xa5);
  kt_secret_free(other);
  kt_secret_free(secret);
}

static void test_secret_free_null(void **state)
{
  (void)state;
  kt_secret_free(NULL);
}

/* libsodium puts a guard page behind the buffer: a child that writes one byte too far dies. */
static void test_secret_overrun_is_fatal(void **state)
{
  (void)state;
  struct kt_secret *secret = NULL;
  assert_int_equal(kt_secret_new(&secret), KT_OK);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    (void)signal(SIGSEGV, SIG_DFL); /* cmocka's handler would report it as this test's failure */
    volatile uint8_t *end = (volatile uint8_t *)(secret + 1);
    *end = 1;
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  kt_secret_free(secret);
}

/* What a suite derives, in guarded memory: the same key, and what it makes is what its public key verifies. */
static void test_prepared_keys(void **state)
{
  static const uint8_t seed[KT_SEED_LEN] = { 1, 2, 3 };
  static const uint16_t ids[] = { KT_SUITE_ED25519, KT_SUITE_P256 };
  const struct kt_bytes message = { seed, 3 };
  (void)state;
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    const struct kt_suite *suite = kt_suite_by_id(ids[i]);
    struct kt_sign_key *sign_key = NULL;
    struct kt_vrf_key *vrf_key = NULL;
    struct kt_vrf_key plain;
    uint8_t public_key[KT_PUBLIC_KEY_MAX];
    uint8_t signature[KT_SIGNATURE_MAX];
    assert_non_null(suite);
    assert_int_equal(kt_vrf_key_new(suite, seed, &vrf_key), KT_OK);
    assert_int_equal(suite->vrf_key_init(&plain, seed), KT_OK);
    assert_memory_equal(vrf_key, &plain, sizeof plain);
    assert_int_equal(suite->vrf_public(seed, public_key), KT_OK);
    assert_memory_equal(vrf_key->public_key, public_key, suite->vrf_public_len);

    const struct kt_bytes sign_public = { public_key, suite->sign_public_len };
    assert_int_equal(suite->sign_public(seed, public_key), KT_OK);
    assert_int_equal(kt_sign_key_new(suite, seed, &sign_key), KT_OK);
    assert_int_equal(suite->sign(sign_key, message, signature), KT_OK);
    assert_int_equal(suite->verify(sign_public, message, (struct kt_bytes){ signature, suite->signature_len }), KT_OK);
    memset(signature, 0, sizeof signature);
    assert_int_equal(kt_sign_once(suite, seed, message, signature), KT_OK);
    assert_int_equal(suite->verify(sign_public, message, (struct kt_bytes){ signature, suite->signature_len }), KT_OK);
    kt_sign_key_release(sign_key);
    assert_true(sodium_is_zero(sign_key->secret, sizeof sign_key->secret));
    kt_sign_key_free(sign_key);
    kt_vrf_key_free(vrf_key);
  }
  kt_sign_key_free(NULL);
  kt_vrf_key_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_secret_starts_zero_and_is_writable),
    cmocka_unit_test(test_secret_free_null),
    cmocka_unit_test(test_secret_overrun_is_fatal),
    cmocka_unit_test(test_prepared_keys),
  };
  return cmocka_run_group_tests(tests, init, NULL);
}
