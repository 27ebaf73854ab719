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

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_secret_starts_zero_and_is_writable),
    cmocka_unit_test(test_secret_free_null),
    cmocka_unit_test(test_secret_overrun_is_fatal),
  };
  return cmocka_run_group_tests(tests, init, NULL);
}
