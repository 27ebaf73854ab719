/* SPDX-License-Identifier: Apache-2.0 */
/* Requests per second: what a rate lets through in a given time, one key beside another, addresses as keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "quota.h"

#define RATE 50

static const uint8_t alice[] = "alice";
static const uint8_t bob[] = "bob";

static struct kt_quota quota;

static int make(void **state)
{
  (void)state;
  return kt_quota_init(&quota) == KT_OK ? 0 : -1;
}

static int destroy(void **state)
{
  (void)state;
  kt_quota_release(&quota);
  return 0;
}

static unsigned take(const uint8_t *key, size_t len, uint64_t now_ms)
{
  return kt_quota_take(&quota, key, len, RATE, KT_QUOTA_BURST_S, now_ms);
}

/* How many of `n` requests at one moment pass. */
static unsigned passing(const uint8_t *key, size_t len, uint64_t now_ms, unsigned n)
{
  unsigned passed = 0;
  for (unsigned i = 0; i < n; i++) {
    passed += take(key, len, now_ms) == 0 ? 1 : 0;
  }
  return passed;
}

static void a_burst_and_then_the_rate(void **state)
{
  (void)state;
  assert_int_equal(passing(alice, sizeof alice, 1000000, 10000), RATE * KT_QUOTA_BURST_S);
  for (uint64_t second = 1; second <= 20; second++) {
    assert_int_equal(passing(alice, sizeof alice, 1000000 + second * 1000, 10000), RATE);
  }
  /* After long silence the burst is there again, and no more than that. */
  assert_int_equal(passing(alice, sizeof alice, 90000000, 10000), RATE * KT_QUOTA_BURST_S);
}

static void a_burst_of_its_own(void **state)
{
  unsigned passed = 0;
  (void)state;
  for (int i = 0; i < 100; i++) {
    passed += kt_quota_take(&quota, alice, sizeof alice, 1, 32, 1000000) == 0 ? 1 : 0;
  }
  assert_int_equal(passed, 32);
  assert_int_equal(kt_quota_take(&quota, alice, sizeof alice, 1, 32, 1001000), 0);
  assert_in_range(kt_quota_take(&quota, alice, sizeof alice, 1, 32, 1001000), 1, 2);
}

static void a_refusal_costs_nothing_and_says_when(void **state)
{
  (void)state;
  (void)passing(alice, sizeof alice, 5000, 10000);
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(take(alice, sizeof alice, 5000), 1);
  }
  assert_int_equal(take(alice, sizeof alice, 6000), 0);
  /* A clock that stands still or goes back a little is no reason to fail. */
  (void)passing(bob, sizeof bob, 100000, 10000);
  assert_in_range(take(bob, sizeof bob, 90000), 10, 12);
}

static void keys_do_not_share(void **state)
{
  (void)state;
  (void)passing(alice, sizeof alice, 5000, 10000);
  assert_int_equal(take(bob, sizeof bob, 5000), 0);
  /* Many strangers over their rate take hardly any other key's quota. */
  for (uint32_t i = 0; i < 500; i++) {
    (void)passing((const uint8_t *)&i, sizeof i, 5000, 600);
  }
  unsigned harmed = 0;
  for (uint32_t i = 100000; i < 101000; i++) {
    harmed += take((const uint8_t *)&i, sizeof i, 5000) == 0 ? 0 : 1;
  }
  assert_in_range(harmed, 0, 10);
}

static void no_rate_is_no_limit(void **state)
{
  (void)state;
  for (int i = 0; i < 100000; i++) {
    assert_int_equal(kt_quota_take(&quota, alice, sizeof alice, 0, KT_QUOTA_BURST_S, 1), 0);
  }
}

static void *take_many(void *ctx)
{
  unsigned *passed = ctx;
  *passed = passing(alice, sizeof alice, 7000, 1000);
  return NULL;
}

/* Threads that look at the same moment may pass together, but what passed is paid for. */
static void threads_pay_together(void **state)
{
  pthread_t threads[4];
  unsigned passed[4] = { 0 };
  (void)state;
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, take_many, &passed[i]), 0);
  }
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  assert_in_range(passed[0] + passed[1] + passed[2] + passed[3], RATE * KT_QUOTA_BURST_S, RATE * KT_QUOTA_BURST_S + 4);
}

static struct kt_address v6(const char *text)
{
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
  assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
  return kt_address_of((const struct sockaddr *)&in6);
}

static struct kt_address v4(const char *text)
{
  struct sockaddr_in in = { .sin_family = AF_INET };
  assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
  return kt_address_of((const struct sockaddr *)&in);
}

static void assert_same(struct kt_address a, struct kt_address b, int same)
{
  assert_int_equal(memcmp(a.key, b.key, sizeof a.key) == 0, same);
}

static void whom_an_address_stands_for(void **state)
{
  const struct sockaddr local = { .sa_family = AF_UNIX };
  (void)state;
  struct kt_address nobody = kt_address_of(NULL);
  assert_false(kt_address_is_counted(&nobody));
  assert_same(kt_address_of(&local), nobody, 1);
  assert_same(v4("127.0.0.1"), nobody, 1);
  assert_same(v6("::1"), nobody, 1);
  assert_same(v6("::ffff:127.0.0.1"), nobody, 1);
  assert_same(v4("127.0.0.2"), nobody, 0);
  assert_same(v4("192.0.2.1"), v4("192.0.2.2"), 0);
  assert_same(v4("192.0.2.1"), v6("::ffff:192.0.2.1"), 1);
  assert_same(v6("2001:db8::1"), v6("2001:db8::ffff:1:2:3"), 1);
  assert_same(v6("2001:db8::1"), v6("2001:db8:0:1::1"), 0);
  assert_same(v6("::2"), nobody, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_burst_and_then_the_rate, make, destroy),
    cmocka_unit_test_setup_teardown(a_burst_of_its_own, make, destroy),
    cmocka_unit_test_setup_teardown(a_refusal_costs_nothing_and_says_when, make, destroy),
    cmocka_unit_test_setup_teardown(keys_do_not_share, make, destroy),
    cmocka_unit_test_setup_teardown(no_rate_is_no_limit, make, destroy),
    cmocka_unit_test_setup_teardown(threads_pay_together, make, destroy),
    cmocka_unit_test(whom_an_address_stands_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
