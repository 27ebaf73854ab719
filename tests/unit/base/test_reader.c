/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded reader: every width, truncation at every byte, the sticky error, bounded counts, R1 and R3. */
#include "base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An exact heap copy, so that the address sanitizer sees a read one byte past the input. */
static uint8_t *exact_copy(const uint8_t *data, size_t len)
{
  uint8_t *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, data, len);
  return copy;
}

static void reads_every_width_big_endian(void **state)
{
  (void)state;
  static const uint8_t data[] = { 0xfe, 0x01, 0x02, 0x81, 0x02, 0x03, 0x04, 0x91, 2, 3, 4, 5, 6, 7, 8 };
  struct kt_reader r;
  kt_reader_init(&r, data, sizeof data);
  assert_int_equal(kt_read_u8(&r), 0xfe);
  assert_int_equal(kt_read_u16(&r), 0x0102);
  assert_int_equal(kt_read_u32(&r), 0x81020304);
  assert_int_equal(kt_read_u64(&r), 0x9102030405060708);
  assert_int_equal(kt_reader_end(&r), KT_OK);
}

static void reads_extreme_values(void **state)
{
  (void)state;
  static const uint8_t ones[15] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
  struct kt_reader r;
  kt_reader_init(&r, ones, sizeof ones);
  assert_int_equal(kt_read_u8(&r), UINT8_MAX);
  assert_int_equal(kt_read_u16(&r), UINT16_MAX);
  assert_int_equal(kt_read_u32(&r), UINT32_MAX);
  assert_true(kt_read_u64(&r) == UINT64_MAX);
  assert_int_equal(kt_reader_end(&r), KT_OK);
}

static void reads_bytes_borrowed_in_place(void **state)
{
  (void)state;
  static const uint8_t data[] = { 1, 2, 3, 4, 5 };
  struct kt_reader r;
  kt_reader_init(&r, data, sizeof data);
  assert_ptr_equal(kt_read_bytes(&r, 2), data);
  assert_ptr_equal(kt_read_bytes(&r, 0), data + 2);
  assert_ptr_equal(kt_read_bytes(&r, 3), data + 2);
  assert_non_null(kt_read_bytes(&r, 0));
  assert_int_equal(kt_reader_end(&r), KT_OK);
}

static void empty_input_is_complete_and_has_nothing(void **state)
{
  (void)state;
  struct kt_reader r;
  kt_reader_init(&r, NULL, 0);
  assert_non_null(kt_read_bytes(&r, 0));
  assert_int_equal(kt_reader_end(&r), KT_OK);
  assert_int_equal(kt_read_u8(&r), 0);
  assert_int_equal(kt_reader_end(&r), KT_ERR_FORMAT);
}

/* One of everything; used whole and cut at every byte. */
static enum kt_err read_record(const uint8_t *data, size_t len)
{
  struct kt_reader r;
  kt_reader_init(&r, data, len);
  (void)kt_read_u8(&r);
  (void)kt_read_u16(&r);
  (void)kt_read_u32(&r);
  (void)kt_read_u64(&r);
  (void)kt_read_bytes(&r, 3);
  (void)kt_read_opaque8(&r);
  (void)kt_read_opaque16(&r, 100);
  (void)kt_read_opaque32(&r, 100);
  if (kt_read_present(&r)) {
    (void)kt_read_u32(&r);
  }
  size_t count = kt_read_count8(&r, 2);
  for (size_t i = 0; i < count; i++) {
    (void)kt_read_u16(&r);
  }
  count = kt_read_count16(&r, 1);
  for (size_t i = 0; i < count; i++) {
    (void)kt_read_u8(&r);
  }
  return kt_reader_end(&r);
}

static const uint8_t record[] = {
  1,                                /* u8 */
  0,   2,                           /* u16 */
  0,   0,   0,   3,                 /* u32 */
  0,   0,   0,   0, 0,   0,   0, 4, /* u64 */
  'a', 'b', 'c',                    /* bytes */
  2,   'd', 'e',                    /* opaque8 */
  0,   1,   'f',                    /* opaque16 */
  0,   0,   0,   2, 'g', 'h',       /* opaque32 */
  1,   0,   0,   0, 9,              /* optional u32 */
  2,   0,   1,   0, 2,              /* count8 of u16 */
  0,   3,   7,   8, 9,              /* count16 of u8 */
};

static void refuses_truncation_at_every_byte(void **state)
{
  (void)state;
  assert_int_equal(read_record(record, sizeof record), KT_OK);
  for (size_t len = 0; len < sizeof record; len++) {
    uint8_t *cut = exact_copy(record, len);
    assert_int_equal(read_record(cut, len), KT_ERR_FORMAT);
    free(cut);
  }
}

static void r3_refuses_trailing_bytes(void **state)
{
  (void)state;
  uint8_t longer[sizeof record + 1] = { 0 };
  memcpy(longer, record, sizeof record);
  assert_int_equal(read_record(longer, sizeof longer), KT_ERR_FORMAT);
}

static void first_error_sticks_and_nothing_is_left(void **state)
{
  (void)state;
  static const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
  struct kt_reader r;
  kt_reader_init(&r, data, sizeof data);
  kt_reader_fail(&r, KT_ERR_LIMIT);
  kt_reader_fail(&r, KT_ERR_PROOF);
  assert_int_equal(kt_read_u8(&r), 0);
  assert_int_equal(kt_read_u64(&r), 0);
  assert_null(kt_read_bytes(&r, 1));
  assert_null(kt_read_bytes(&r, 0));
  assert_int_equal(kt_read_opaque8(&r).len, 0);
  assert_null(kt_read_opaque16(&r, 9).data);
  assert_false(kt_read_present(&r));
  assert_int_equal(kt_read_count8(&r, 0), 0);
  assert_int_equal(kt_read_count16(&r, 1), 0);
  assert_int_equal(r.left, 0);
  assert_int_equal(kt_reader_end(&r), KT_ERR_LIMIT);
}

static void a_short_read_consumes_the_rest(void **state)
{
  (void)state;
  static const uint8_t data[] = { 1, 2, 3 };
  struct kt_reader r;
  kt_reader_init(&r, data, sizeof data);
  assert_int_equal(kt_read_u32(&r), 0);
  assert_int_equal(kt_read_u8(&r), 0); /* although three bytes were there */
  assert_int_equal(kt_reader_end(&r), KT_ERR_FORMAT);
}

static void huge_lengths_do_not_wrap(void **state)
{
  (void)state;
  static const uint8_t data[] = { 0xff, 0xff, 0xff, 0xff, 1 };
  struct kt_reader r;
  kt_reader_init(&r, data, sizeof data);
  assert_null(kt_read_bytes(&r, SIZE_MAX));
  assert_int_equal(kt_reader_end(&r), KT_ERR_FORMAT);
  kt_reader_init(&r, data, sizeof data);
  assert_null(kt_read_opaque32(&r, SIZE_MAX).data);
  assert_int_equal(kt_reader_end(&r), KT_ERR_FORMAT);
}

static void opaque_gives_exactly_its_bytes(void **state)
{
  (void)state;
  static const uint8_t data[] = { 0, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 1, 'd' };
  struct kt_reader r;
  kt_reader_init(&r, data, sizeof data);
  assert_int_equal(kt_read_opaque8(&r).len, 0);
  struct kt_bytes abc = kt_read_opaque8(&r);
  assert_int_equal(abc.len, 3);
  assert_memory_equal(abc.data, "abc", 3);
  struct kt_bytes none = kt_read_opaque16(&r, 0);
  assert_int_equal(none.len, 0);
  assert_non_null(none.data);
  (void)kt_read_bytes(&r, 2);
  assert_int_equal(kt_read_opaque32(&r, 1).len, 1);
  assert_int_equal(kt_reader_end(&r), KT_OK);
}

static void opaque_over_its_bound_is_a_limit(void **state)
{
  (void)state;
  static const uint8_t data16[] = { 0, 3, 'a', 'b', 'c' };
  static const uint8_t data32[] = { 0, 0, 0, 3, 'a', 'b', 'c' };
  struct kt_reader r;
  kt_reader_init(&r, data16, sizeof data16);
  assert_int_equal(kt_read_opaque16(&r, 3).len, 3);
  assert_int_equal(kt_reader_end(&r), KT_OK);
  kt_reader_init(&r, data16, sizeof data16);
  assert_int_equal(kt_read_opaque16(&r, 2).len, 0);
  assert_int_equal(kt_reader_end(&r), KT_ERR_LIMIT);
  kt_reader_init(&r, data32, sizeof data32);
  assert_null(kt_read_opaque32(&r, 2).data);
  assert_int_equal(kt_reader_end(&r), KT_ERR_LIMIT);
}

/* R1: "a presence octet with a value other than 0 or 1 MUST be rejected as malformed" (Optional Values). */
static void r1_presence_octet_is_zero_or_one(void **state)
{
  (void)state;
  for (unsigned value = 0; value <= UINT8_MAX; value++) {
    const uint8_t octet = (uint8_t)value;
    struct kt_reader r;
    kt_reader_init(&r, &octet, 1);
    assert_int_equal(kt_read_present(&r), value == 1);
    assert_int_equal(kt_reader_end(&r), value <= 1 ? KT_OK : KT_ERR_FORMAT);
  }
}

static void counts_are_bounded_by_what_is_left(void **state)
{
  (void)state;
  static const uint8_t data[] = { 3, 1, 2, 3, 4, 5, 6 };
  struct kt_reader r;
  kt_reader_init(&r, data, sizeof data);
  assert_int_equal(kt_read_count8(&r, 2), 3);
  assert_int_equal(r.err, KT_OK);
  kt_reader_init(&r, data, sizeof data - 1);
  assert_int_equal(kt_read_count8(&r, 2), 0);
  assert_int_equal(kt_reader_end(&r), KT_ERR_FORMAT);
  kt_reader_init(&r, data, 1); /* elements that may be empty cannot bound the count */
  assert_int_equal(kt_read_count8(&r, 0), 3);
  assert_int_equal(kt_reader_end(&r), KT_OK);

  static const uint8_t many[] = { 0xff, 0xff, 0 };
  kt_reader_init(&r, many, sizeof many);
  assert_int_equal(kt_read_count16(&r, 1), 0);
  assert_int_equal(kt_reader_end(&r), KT_ERR_FORMAT);
  kt_reader_init(&r, data, sizeof data);
  kt_reader_fail(&r, KT_ERR_FORMAT);
  assert_int_equal(kt_read_count16(&r, 0), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_every_width_big_endian),
    cmocka_unit_test(reads_extreme_values),
    cmocka_unit_test(reads_bytes_borrowed_in_place),
    cmocka_unit_test(empty_input_is_complete_and_has_nothing),
    cmocka_unit_test(refuses_truncation_at_every_byte),
    cmocka_unit_test(r3_refuses_trailing_bytes),
    cmocka_unit_test(first_error_sticks_and_nothing_is_left),
    cmocka_unit_test(a_short_read_consumes_the_rest),
    cmocka_unit_test(huge_lengths_do_not_wrap),
    cmocka_unit_test(opaque_gives_exactly_its_bytes),
    cmocka_unit_test(opaque_over_its_bound_is_a_limit),
    cmocka_unit_test(r1_presence_octet_is_zero_or_one),
    cmocka_unit_test(counts_are_bounded_by_what_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
