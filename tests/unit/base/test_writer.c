/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: every width, length prefixes that do not fit, limits, fixed and growing buffers, the sticky error. */
#include <kt/writer.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Above the growing writer's first allocation, so that it has to grow. */
#define BIG 70000

static struct kt_bytes text(const char *s)
{
  return (struct kt_bytes){ .data = (const uint8_t *)s, .len = strlen(s) };
}

static void assert_written(const struct kt_writer *w, const uint8_t *expected, size_t len)
{
  assert_int_equal(w->err, KT_OK);
  assert_int_equal(w->len, len);
  assert_memory_equal(w->buf, expected, len);
}

static void writes_every_width_big_endian(void **state)
{
  (void)state;
  static const uint8_t expected[] = { 0xfe, 0x01, 0x02, 0x81, 0x02, 0x03, 0x04, 0x91, 2, 3, 4, 5, 6, 7, 8 };
  uint8_t buf[sizeof expected];
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_write_u8(&w, 0xfe);
  kt_write_u16(&w, 0x0102);
  kt_write_u32(&w, 0x81020304);
  kt_write_u64(&w, 0x9102030405060708);
  assert_written(&w, expected, sizeof expected);
}

static void writes_opaques_options_and_counts(void **state)
{
  (void)state;
  static const uint8_t expected[] = {
    2, 'a', 'b', 0, 1, 'c', 0, 0, 0, 2, 'd', 'e', 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 1, 0, 0, 0, 8, 255, 1, 0,
  };
  struct kt_writer w;
  kt_writer_init(&w, 1000);
  kt_write_opaque8(&w, text("ab"));
  kt_write_opaque16(&w, text("c"));
  kt_write_opaque32(&w, text("de"));
  kt_write_present(&w, false);
  kt_write_optional_u64(&w, true, 7);
  kt_write_optional_u64(&w, false, 7);
  kt_write_optional_u32(&w, false, 8);
  kt_write_optional_u32(&w, true, 8);
  kt_write_count8(&w, 255);
  kt_write_count16(&w, 256);
  assert_written(&w, expected, sizeof expected);
  kt_writer_release(&w);
}

static void empty_strings_need_no_data(void **state)
{
  (void)state;
  static const uint8_t expected[] = { 0, 0, 0, 0, 0, 0, 0 };
  uint8_t buf[sizeof expected];
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_write_bytes(&w, NULL, 0);
  kt_write_opaque8(&w, (struct kt_bytes){ 0 });
  kt_write_opaque16(&w, (struct kt_bytes){ 0 });
  kt_write_opaque32(&w, (struct kt_bytes){ 0 });
  assert_written(&w, expected, sizeof expected);
}

/* Longest value that fits each prefix, and one more: an encoder never truncates. */
static void prefixes_that_do_not_fit_are_a_limit(void **state)
{
  (void)state;
  static const uint8_t zeros[BIG];
  struct kt_writer w;
  kt_writer_init(&w, 2 * BIG);
  kt_write_opaque8(&w, (struct kt_bytes){ zeros, UINT8_MAX });
  kt_write_opaque16(&w, (struct kt_bytes){ zeros, UINT16_MAX });
  kt_write_count8(&w, UINT8_MAX);
  kt_write_count16(&w, UINT16_MAX);
  assert_int_equal(w.err, KT_OK);
  assert_int_equal(w.len, 1 + 255 + 2 + 65535 + 1 + 2);
  kt_writer_release(&w);

  kt_writer_init(&w, 2 * BIG);
  kt_write_opaque8(&w, (struct kt_bytes){ zeros, UINT8_MAX + 1 });
  assert_int_equal(w.err, KT_ERR_LIMIT);
  assert_int_equal(w.len, 0);
  kt_writer_release(&w);

  kt_writer_init(&w, 2 * BIG);
  kt_write_opaque16(&w, (struct kt_bytes){ zeros, UINT16_MAX + 1 });
  assert_int_equal(w.err, KT_ERR_LIMIT);
  kt_writer_release(&w);

  kt_writer_init(&w, 2 * BIG);
  kt_write_count8(&w, UINT8_MAX + 1);
  assert_int_equal(w.err, KT_ERR_LIMIT);
  kt_writer_release(&w);

  kt_writer_init(&w, 2 * BIG);
  kt_write_count16(&w, UINT16_MAX + 1);
  assert_int_equal(w.err, KT_ERR_LIMIT);
  kt_writer_release(&w);
}

/* The limit is hit at every byte of a small structure; what was written before stays, nothing partial is added. */
static void limit_at_every_byte(void **state)
{
  (void)state;
  for (size_t limit = 0; limit <= 8; limit++) {
    struct kt_writer w;
    kt_writer_init(&w, limit);
    kt_write_u8(&w, 1);
    kt_write_u16(&w, 2);
    kt_write_opaque8(&w, text("abcd"));
    assert_int_equal(w.err, limit == 8 ? KT_OK : KT_ERR_LIMIT);
    assert_true(w.len <= limit);
    assert_int_equal(w.len, limit == 8 ? 8 : limit >= 4 ? 4 : limit >= 3 ? 3 : limit >= 1 ? 1 : 0);
    kt_writer_release(&w);
  }
}

static void growing_keeps_the_bytes_and_stops_at_the_limit(void **state)
{
  (void)state;
  struct kt_writer w;
  kt_writer_init(&w, BIG);
  for (size_t i = 0; i < BIG; i++) {
    kt_write_u8(&w, (uint8_t)(i * 31));
  }
  assert_int_equal(w.err, KT_OK);
  assert_int_equal(w.len, BIG);
  for (size_t i = 0; i < BIG; i++) {
    assert_int_equal(w.buf[i], (uint8_t)(i * 31));
  }
  kt_write_u8(&w, 0);
  assert_int_equal(w.err, KT_ERR_LIMIT);
  assert_int_equal(w.len, BIG);
  kt_writer_release(&w);
}

static void one_write_larger_than_the_buffer_grows_enough(void **state)
{
  (void)state;
  static const uint8_t zeros[BIG];
  struct kt_writer w;
  kt_writer_init(&w, SIZE_MAX);
  kt_write_u8(&w, 9);
  kt_write_bytes(&w, zeros, sizeof zeros);
  assert_int_equal(w.err, KT_OK);
  assert_int_equal(w.len, 1 + BIG);
  assert_int_equal(w.buf[0], 9);
  assert_memory_equal(w.buf + 1, zeros, sizeof zeros);
  kt_writer_release(&w);
}

static void fixed_writers_never_pass_their_buffer(void **state)
{
  (void)state;
  uint8_t buf[5] = { 0xaa, 0xaa, 0xaa, 0xaa, 0xaa };
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, 4);
  kt_write_u16(&w, 0x0102);
  kt_write_u32(&w, 0);
  assert_int_equal(w.err, KT_ERR_LIMIT);
  assert_int_equal(w.len, 2);
  static const uint8_t expected[] = { 1, 2, 0xaa, 0xaa, 0xaa };
  assert_memory_equal(buf, expected, sizeof buf);
  kt_writer_release(&w); /* does not free the caller's buffer */
  assert_memory_equal(buf, expected, sizeof buf);
}

static void first_error_sticks(void **state)
{
  (void)state;
  uint8_t buf[4];
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_writer_fail(&w, KT_ERR_CRYPTO);
  kt_writer_fail(&w, KT_ERR_LIMIT);
  kt_write_u8(&w, 1);
  kt_write_opaque8(&w, text("a"));
  assert_int_equal(w.err, KT_ERR_CRYPTO);
  assert_int_equal(w.len, 0);
}

static void take_hands_the_bytes_over(void **state)
{
  (void)state;
  struct kt_writer w;
  kt_writer_init(&w, 100);
  kt_write_u16(&w, 0x0102);
  uint8_t *data = NULL;
  size_t len = 0;
  assert_int_equal(kt_writer_take(&w, &data, &len), KT_OK);
  assert_int_equal(len, 2);
  static const uint8_t expected[] = { 1, 2 };
  assert_memory_equal(data, expected, 2);
  assert_null(w.buf);
  free(data);
}

static void take_of_nothing_is_a_valid_empty_string(void **state)
{
  (void)state;
  struct kt_writer w;
  kt_writer_init(&w, 100);
  uint8_t *data = NULL;
  size_t len = 9;
  assert_int_equal(kt_writer_take(&w, &data, &len), KT_OK);
  assert_non_null(data);
  assert_int_equal(len, 0);
  free(data);
}

static void take_after_an_error_releases_and_leaves_the_results(void **state)
{
  (void)state;
  struct kt_writer w;
  kt_writer_init(&w, 3);
  kt_write_u16(&w, 1);
  kt_write_u16(&w, 1);
  uint8_t *data = NULL;
  size_t len = 9;
  assert_int_equal(kt_writer_take(&w, &data, &len), KT_ERR_LIMIT);
  assert_null(data);
  assert_int_equal(len, 9);
  assert_null(w.buf); /* the leak checker sees the rest */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(writes_every_width_big_endian),
    cmocka_unit_test(writes_opaques_options_and_counts),
    cmocka_unit_test(empty_strings_need_no_data),
    cmocka_unit_test(prefixes_that_do_not_fit_are_a_limit),
    cmocka_unit_test(limit_at_every_byte),
    cmocka_unit_test(growing_keeps_the_bytes_and_stops_at_the_limit),
    cmocka_unit_test(one_write_larger_than_the_buffer_grows_enough),
    cmocka_unit_test(fixed_writers_never_pass_their_buffer),
    cmocka_unit_test(first_error_sticks),
    cmocka_unit_test(take_hands_the_bytes_over),
    cmocka_unit_test(take_of_nothing_is_a_valid_empty_string),
    cmocka_unit_test(take_after_an_error_releases_and_leaves_the_results),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
