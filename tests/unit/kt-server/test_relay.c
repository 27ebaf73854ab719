/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes: order, age, every limit, and who loses what when there is no room. */
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

static const struct kt_address nobody;

static enum kt_err put(struct kt_relay *relay, const char *name, const char *text, uint64_t now_ms, uint8_t *ret_count)
{
  return kt_relay_put(relay, &nobody, name, (struct kt_bytes){ (const uint8_t *)text, strlen(text) }, now_ms,
                      ret_count);
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

static void a_flood_of_nobody_in_particular_is_slowed_down(void **state)
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

static struct kt_address address(unsigned number)
{
  return (struct kt_address){ .key = { (uint8_t)(number >> 8), (uint8_t)number, [KT_ADDRESS_KEY_LEN - 1] = 1 } };
}

static void put_big(struct kt_relay *relay, unsigned from, unsigned mailbox, uint64_t now_ms)
{
  const struct kt_address who = address(from);
  uint8_t count = 0;
  char name[64];
  (void)snprintf(name, sizeof name, "mailbox-of-%u-number-%u", from, mailbox);
  assert_int_equal(kt_relay_put(relay, &who, name, (struct kt_bytes){ big, sizeof big }, now_ms, &count), KT_OK);
}

/* Messages in the mailbox. */
static unsigned content(struct kt_relay *relay, unsigned from, unsigned mailbox, uint64_t now_ms)
{
  struct kt_writer w;
  char name[64];
  (void)snprintf(name, sizeof name, "mailbox-of-%u-number-%u", from, mailbox);
  kt_writer_init(&w, (size_t)1 << 20);
  kt_relay_get(relay, name, 0, now_ms, &w);
  assert_int_equal(w.err, KT_OK);
  const unsigned n = w.buf[0];
  kt_writer_release(&w);
  return n;
}

/* Mailboxes of one address that still hold their message; the oldest ones are gone. */
static unsigned kept(struct kt_relay *relay, unsigned from, unsigned n_mailboxes, uint64_t now_ms)
{
  unsigned n = 0;
  for (unsigned i = 0; i < n_mailboxes; i++) {
    const unsigned has = content(relay, from, i, now_ms);
    assert_true(has == 1 || n == 0);
    n += has;
  }
  return n;
}

#define MANY 400

static void an_address_has_its_share(void **state)
{
  put_big(*state, 1, 0, 1);
  for (unsigned i = 0; i < MANY; i++) {
    put_big(*state, 2, i, 2);
  }
  assert_in_range(kept(*state, 2, MANY, 3), KT_RELAY_SHARE_BYTES / sizeof big / 2, KT_RELAY_SHARE_BYTES / sizeof big);
  assert_int_equal(content(*state, 1, 0, 3), 1);
}

/* Twice as many addresses as fill it, each with a share; in between, people with a message each. */
static void whoever_holds_most_loses_when_the_relay_is_full(void **state)
{
  const unsigned n_holders = 2 * KT_RELAY_BYTES_MAX / KT_RELAY_SHARE_BYTES;
  const unsigned n_people = 50;
  size_t n = 0;
  for (unsigned i = 0; i < MANY; i++) {
    for (unsigned from = 0; from < n_holders; from++) {
      put_big(*state, from, i, 1 + i);
    }
    if (i < n_people) {
      put_big(*state, 1000 + i, 0, 1 + i);
    }
  }
  for (unsigned from = 0; from < n_holders; from++) {
    n += kept(*state, from, MANY, MANY);
    assert_int_equal(content(*state, from, MANY - 1, MANY), 1);
  }
  for (unsigned i = 0; i < n_people; i++) {
    assert_int_equal(content(*state, 1000 + i, 0, MANY), 1);
  }
  assert_in_range((n + n_people) * sizeof big, KT_RELAY_BYTES_MAX / 2, KT_RELAY_BYTES_MAX);
}

/* A proxy's clients are one holder, that has no share and a rate. */
static void nobody_in_particular_loses_its_oldest_too(void **state)
{
  uint8_t count = 0;
  uint64_t now_ms = 1;
  char name[32];
  put_big(*state, 1, 0, now_ms);
  for (unsigned n = 0; n < 6000; n++, now_ms += 1000 / KT_RELAY_RATE_PER_S) {
    (void)snprintf(name, sizeof name, "mailbox-number-%u", n);
    assert_int_equal(kt_relay_put(*state, &nobody, name, (struct kt_bytes){ big, sizeof big }, now_ms, &count), KT_OK);
  }
  assert_content(*state, "mailbox-number-0", 0, now_ms, "\0", 1);
  assert_int_equal(content(*state, 1, 0, now_ms), 1);
}

/* One message in mailbox 0, and so many in others, or as many as it takes until mailbox 0 is gone; how many that
 * were. */
static unsigned fill_others(struct kt_relay *relay, unsigned n_max, uint64_t now_ms)
{
  unsigned n = 0;
  put_big(relay, 1, 0, now_ms);
  for (; n < n_max && content(relay, 1, 0, now_ms) == 1; n++) {
    put_big(relay, 1, 1 + n / KT_RELAY_MESSAGES_MAX, now_ms);
  }
  return n;
}

/* The mailbox that a message is for may be the oldest one: it begins anew. */
static void a_mailbox_can_be_dropped_for_its_own_message(void **state)
{
  const uint64_t later_ms = 1 + KT_RELAY_LIFETIME_MS;
  const unsigned n = fill_others(*state, MANY, 1);
  assert_in_range(n, 1, MANY - 1);
  (void)fill_others(*state, n - 1, later_ms);
  assert_int_equal(content(*state, 1, 0, later_ms), 1);
  put_big(*state, 1, 0, later_ms);
  assert_int_equal(content(*state, 1, 0, later_ms), 1);
  put_big(*state, 1, 0, later_ms);
  assert_int_equal(content(*state, 1, 0, later_ms), 2);
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
    RELAY_TEST(messages_come_out_in_order_and_stay),
    RELAY_TEST(ten_minutes_count_from_the_first_message),
    RELAY_TEST(a_mailbox_has_sixteen_places),
    RELAY_TEST(a_flood_of_nobody_in_particular_is_slowed_down),
    RELAY_TEST(an_address_has_its_share),
    RELAY_TEST(whoever_holds_most_loses_when_the_relay_is_full),
    RELAY_TEST(nobody_in_particular_loses_its_oldest_too),
    RELAY_TEST(a_mailbox_can_be_dropped_for_its_own_message),
    cmocka_unit_test(names_are_long_and_plain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
