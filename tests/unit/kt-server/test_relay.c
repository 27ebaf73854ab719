/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes: order, age, and every limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kt/writer.h>
#include "relay.h"

#define NAME "0123456789abcdef"

static uint8_t big[KT_RELAY_MESSAGE_MAX];

static int setup(void **state)
{
  return kt_relay_new((struct kt_relay **)state) == KT_OK ? 0 : -1;
}

static int teardown(void **state)
{
  kt_relay_free(*state);
  return 0;
}

static enum kt_err put(struct kt_relay *relay, const char *name, const char *text, uint64_t now_ms, uint8_t *ret_count)
{
  return kt_relay_put(relay, name, (struct kt_bytes){ (const uint8_t *)text, strlen(text) }, now_ms, ret_count);
}

static void assert_content(struct kt_relay *relay, const char *name, uint64_t from, uint64_t now_ms,
                           const void *expected, size_t len)
{
  struct kt_writer w;
  kt_writer_init(&w, (size_t)1 << 20);
  kt_relay_get(relay, name, from, now_ms, &w);
  assert_int_equal(w.err, KT_OK);
  assert_int_equal(w.len, len);
  assert_memory_equal(w.buf, expected, len);
  kt_writer_release(&w);
}

static void messages_come_out_in_order_and_stay(void **state)
{
  uint8_t count = 0;
  assert_content(*state, NAME, 0, 1, "\0", 1);
  assert_int_equal(put(*state, NAME, "one", 1, &count), KT_OK);
  assert_int_equal(count, 1);
  assert_int_equal(put(*state, NAME, "zwei", 2, &count), KT_OK);
  assert_int_equal(count, 2);
  for (int i = 0; i < 2; i++) {
    assert_content(*state, NAME, 0, 3, "\2\0\3one\0\4zwei", 12);
  }
  assert_content(*state, NAME, 1, 3, "\1\0\4zwei", 7);
  assert_content(*state, NAME, 2, 3, "\0", 1);
  assert_content(*state, NAME, UINT64_MAX, 3, "\0", 1);
  assert_content(*state, NAME "X", 0, 3, "\0", 1);
}

static void ten_minutes_count_from_the_first_message(void **state)
{
  uint8_t count = 0;
  assert_int_equal(put(*state, NAME, "a", 1000, &count), KT_OK);
  assert_int_equal(put(*state, NAME, "b", 1000 + KT_RELAY_LIFETIME_MS - 1, &count), KT_OK);
  assert_int_equal(put(*state, NAME "2", "c", 1000 + KT_RELAY_LIFETIME_MS - 1, &count), KT_OK);
  assert_content(*state, NAME, 0, 1000 + KT_RELAY_LIFETIME_MS - 1, "\2\0\1a\0\1b", 7);
  assert_content(*state, NAME, 0, 1000 + KT_RELAY_LIFETIME_MS, "\0", 1);
  assert_content(*state, NAME "2", 0, 1000 + KT_RELAY_LIFETIME_MS, "\1\0\1c", 4);
  assert_int_equal(put(*state, NAME, "d", 1000 + KT_RELAY_LIFETIME_MS, &count), KT_OK);
  assert_int_equal(count, 1);
}

static void a_mailbox_has_sixteen_places(void **state)
{
  uint8_t count = 0;
  for (unsigned i = 0; i < KT_RELAY_MESSAGES_MAX; i++) {
    assert_int_equal(put(*state, NAME, "x", 1, &count), KT_OK);
  }
  assert_int_equal(count, 16);
  count = 77;
  assert_int_equal(put(*state, NAME, "x", 1, &count), KT_ERR_CONFLICT);
  assert_int_equal(count, 77);
  assert_int_equal(put(*state, NAME "2", "x", 1, &count), KT_OK);
}

static void a_flood_is_slowed_down(void **state)
{
  uint8_t count = 0;
  char name[32];
  for (unsigned i = 0; i < KT_RELAY_BURST; i++) {
    (void)snprintf(name, sizeof name, "mailbox-number-%u", i);
    assert_int_equal(put(*state, name, "x", 1, &count), KT_OK);
  }
  assert_int_equal(put(*state, NAME, "x", 1, &count), KT_ERR_STALE);
  assert_int_equal(put(*state, NAME, "x", 1 + 1000 / KT_RELAY_RATE_PER_S - 1, &count), KT_ERR_STALE);
  assert_int_equal(put(*state, NAME, "x", 1 + 1000 / KT_RELAY_RATE_PER_S, &count), KT_OK);
  assert_int_equal(put(*state, NAME, "x", 1 + 1000 / KT_RELAY_RATE_PER_S, &count), KT_ERR_STALE);
}

/* As fast as the rate allows, and as much as fits. */
static void the_whole_is_bounded_and_recovers(void **state)
{
  uint8_t count = 0;
  uint64_t now_ms = 1;
  size_t n = 0;
  char name[32];
  enum kt_err err = KT_OK;
  for (; err == KT_OK && n < 100000; n++, now_ms += 50) {
    (void)snprintf(name, sizeof name, "mailbox-number-%zu", n);
    err = kt_relay_put(*state, name, (struct kt_bytes){ big, sizeof big }, now_ms, &count);
  }
  assert_int_equal(err, KT_ERR_LIMIT);
  assert_true(n * sizeof big <= KT_RELAY_BYTES_MAX + sizeof big);
  assert_true(n * sizeof big > KT_RELAY_BYTES_MAX / 2);
  assert_int_equal(kt_relay_put(*state, NAME, (struct kt_bytes){ big, sizeof big }, now_ms, &count), KT_ERR_LIMIT);
  assert_int_equal(put(*state, NAME, "x", KT_RELAY_LIFETIME_MS + 1, &count), KT_OK);
}

static void names_are_long_and_plain(void **state)
{
  static const char *const bad[] = { "",
                                     "0123456789abcde",
                                     "0123456789abcdef/",
                                     "0123456789abcde.",
                                     "0123456789abcde%",
                                     "0123456789abcde\xc3\xa9",
                                     "01234567890123456789012345678901234567890123456789012345678901234" };
  (void)state;
  assert_true(kt_relay_name_is_valid(NAME));
  assert_true(kt_relay_name_is_valid("ABCDEFghijkl-_09"));
  assert_true(kt_relay_name_is_valid("0123456789012345678901234567890123456789012345678901234567890123"));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_false(kt_relay_name_is_valid(bad[i]));
  }
}

#define RELAY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
    RELAY_TEST(messages_come_out_in_order_and_stay), RELAY_TEST(ten_minutes_count_from_the_first_message),
    RELAY_TEST(a_mailbox_has_sixteen_places),        RELAY_TEST(a_flood_is_slowed_down),
    RELAY_TEST(the_whole_is_bounded_and_recovers),   cmocka_unit_test(names_are_long_and_plain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
