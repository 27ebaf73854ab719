/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms as people type them, and messages that come in pieces through a pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <kt/arena.h>
#include "sas_channel.h"

static void rooms_are_eight_digits(void **state)
{
  static const char *const bad[] = { "",           "1234567",  "123456789",       "1234 567a",
                                     "12345678\n", "-1234567", "１２３４５６７８" };
  char room[KT_SAS_ROOM_SIZE] = "same";
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_false(kt_sas_room_parse(bad[i], room));
    assert_string_equal(room, "same");
  }
  assert_true(kt_sas_room_parse(" 0123-4567 ", room));
  assert_string_equal(room, "01234567");
}

static void put(int fd, const char *text)
{
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void lines_come_in_pieces(void **state)
{
  struct kt_sas_channel channel = { .out = -1 };
  struct kt_arena arena;
  struct kt_bytes text;
  int ends[2];
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
  channel.in = ends[0];
  assert_int_equal(kt_sas_channel_receive(&channel, &arena, &text), KT_ERR_ABSENT);
  put(ends[1], "{\"a\"");
  assert_int_equal(kt_sas_channel_receive(&channel, &arena, &text), KT_ERR_ABSENT);
  put(ends[1], ":1}\n{}\n\n");
  assert_int_equal(kt_sas_channel_receive(&channel, &arena, &text), KT_OK);
  assert_int_equal(text.len, 7);
  assert_memory_equal(text.data, "{\"a\":1}", 7);
  assert_int_equal(kt_sas_channel_receive(&channel, &arena, &text), KT_OK);
  assert_int_equal(text.len, 2);
  assert_int_equal(kt_sas_channel_receive(&channel, &arena, &text), KT_ERR_FORMAT); /* an empty line */
  assert_int_equal(kt_sas_channel_receive(&channel, &arena, &text), KT_ERR_ABSENT);
  for (size_t i = 0; i < KT_JSON_SAS_MAX; i++) {
    put(ends[1], "x");
  }
  assert_int_equal(kt_sas_channel_receive(&channel, &arena, &text), KT_ERR_ABSENT);
  put(ends[1], "x");
  assert_int_equal(kt_sas_channel_receive(&channel, &arena, &text), KT_ERR_FORMAT);
  assert_int_equal(close(ends[1]), 0);
  kt_sas_channel_close(&channel);
  kt_arena_release(&arena);
}

static void an_answer_of_the_relay_begins_with_a_count(void **state)
{
  static const struct {
    const char *answer;
    size_t len;
    enum kt_err err;
  } cases[] = {
    { "\0", 1, KT_ERR_ABSENT },       { "\1\0\3one", 6, KT_OK },         { "\2\0\3one\0\1x", 9, KT_OK },
    { "", 0, KT_ERR_FORMAT },         { "\1", 1, KT_ERR_FORMAT },        { "\1\0\0", 3, KT_ERR_FORMAT },
    { "\1\0\3on", 5, KT_ERR_FORMAT }, { "\0\0\3one", 6, KT_ERR_FORMAT },
  };
  struct kt_arena arena;
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct kt_bytes answer = { (const uint8_t *)cases[i].answer, cases[i].len };
    struct kt_bytes text = { .len = 0 };
    assert_int_equal(kt_sas_relay_read(answer, &arena, &text), cases[i].err);
    assert_int_equal(text.len, cases[i].err == KT_OK ? 3 : 0);
    assert_true(text.len == 0 || memcmp(text.data, "one", 3) == 0);
  }
  kt_arena_release(&arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(rooms_are_eight_digits),
    cmocka_unit_test(lines_come_in_pieces),
    cmocka_unit_test(an_answer_of_the_relay_begins_with_a_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
