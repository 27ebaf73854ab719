/* SPDX-License-Identifier: Apache-2.0 */
/* What each address holds: one beside another, IPv6 by its network, nobody in particular not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "tally.h"

#define N 100

static struct kt_address v6(const char *text)
{
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
  assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
  return kt_address_of((const struct sockaddr *)&in6);
}

static struct kt_address v4(uint32_t number)
{
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(number) };
  return kt_address_of((const struct sockaddr *)&in);
}

static void what_is_added_is_taken_off(void **state)
{
  struct kt_tally tally;
  const struct kt_address one = v6("2001:db8::1");
  const struct kt_address neighbour = v6("2001:db8::2");
  const struct kt_address stranger = v6("2001:db8:0:1::1");
  (void)state;
  assert_int_equal(kt_tally_init(&tally, N), KT_OK);
  kt_tally_add(&tally, &one, UINT64_C(5) << 32);
  kt_tally_add(&tally, &neighbour, 2);
  assert_int_equal(kt_tally_of(&tally, &one), (UINT64_C(5) << 32) + 2);
  assert_int_equal(kt_tally_of(&tally, &stranger), 0);
  kt_tally_take_off(&tally, &neighbour, UINT64_C(5) << 32);
  assert_int_equal(kt_tally_of(&tally, &one), 2);
  kt_tally_take_off(&tally, &one, 2);
  assert_int_equal(kt_tally_of(&tally, &one), 0);
  kt_tally_release(&tally);
}

static void nobody_in_particular_holds_nothing(void **state)
{
  struct kt_tally tally;
  const struct kt_address nobody = v6("::1");
  (void)state;
  assert_int_equal(kt_tally_init(&tally, N), KT_OK);
  kt_tally_add(&tally, &nobody, 7);
  assert_int_equal(kt_tally_of(&tally, &nobody), 0);
  kt_tally_release(&tally);
}

/* Of a thousand others, with as many keys as it was made for, hardly one is taken for somebody else. */
static void keys_do_not_share(void **state)
{
  struct kt_tally tally;
  unsigned harmed = 0;
  (void)state;
  assert_int_equal(kt_tally_init(&tally, N), KT_OK);
  for (uint32_t i = 0; i < N; i++) {
    const struct kt_address address = v4(0x0a000000 + i);
    kt_tally_add(&tally, &address, 1);
  }
  for (uint32_t i = 0; i < 1000; i++) {
    const struct kt_address address = v4(0x0b000000 + i);
    harmed += kt_tally_of(&tally, &address) > 0 ? 1 : 0;
  }
  assert_in_range(harmed, 0, 120); /* 37 to be expected: (100 / 512)² */
  kt_tally_release(&tally);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_added_is_taken_off),
    cmocka_unit_test(nobody_in_particular_holds_nothing),
    cmocka_unit_test(keys_do_not_share),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
