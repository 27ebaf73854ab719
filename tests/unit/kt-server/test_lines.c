/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a file against their lengths as they were written. */
#include "lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX KT_LINE_MAX

/* Around the longest line and the size of a block, which is two of them. */
static const size_t lengths[] = { 0, 1,       0,       70, MAX - 1,     3, MAX, MAX + 1, 0,
                                  2, MAX + 2, 3 * MAX, 5,  2 * MAX + 1, 1, MAX, 7 };

#define N (sizeof lengths / sizeof lengths[0])

static void put_line(FILE *file, size_t len, char c)
{
  for (size_t i = 0; i < len; i++) {
    assert_int_equal(putc(c, file), c);
  }
}

static void check_lines(FILE *file)
{
  struct kt_lines lines;
  struct kt_line line;
  uint64_t offset = 0;
  assert_int_equal(fflush(file), 0);
  assert_int_equal(kt_lines_init(&lines, fileno(file)), KT_OK);
  for (size_t i = 0; i < N; i++) {
    assert_int_equal(kt_lines_next(&lines, &line), KT_OK);
    assert_int_equal(line.number, i + 1);
    assert_int_equal(line.len, lengths[i] > MAX ? MAX + 1 : lengths[i]);
    assert_int_equal(line.text == NULL, lengths[i] > MAX);
    for (size_t k = 0; line.text != NULL && k < line.len; k++) {
      assert_int_equal(line.text[k], 'a' + (int)i);
    }
    offset += lengths[i] + 1;
    assert_int_equal(kt_lines_offset(&lines), offset);
  }
  assert_int_equal(kt_lines_next(&lines, &line), KT_ERR_ABSENT);
  assert_int_equal(kt_lines_next(&lines, &line), KT_ERR_ABSENT);
  kt_lines_release(&lines);
}

static void lines_come_as_they_are(void **state)
{
  FILE *file = tmpfile();
  (void)state;
  assert_non_null(file);
  for (size_t i = 0; i < N; i++) {
    put_line(file, lengths[i], (char)('a' + (int)i));
    assert_int_equal(putc('\n', file), '\n');
  }
  check_lines(file);
  check_lines(file); /* the file's position plays no part */
  (void)fclose(file);
}

static void the_last_line_needs_no_newline(void **state)
{
  static const size_t lasts[] = { 0, 1, MAX, MAX + 1, 2 * MAX + 2, 2 * MAX + 3, 4 * MAX };
  (void)state;
  for (size_t i = 0; i < sizeof lasts / sizeof lasts[0]; i++) {
    struct kt_lines lines;
    struct kt_line line;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fputs("x\n", file) >= 0, 1);
    put_line(file, lasts[i], 'z');
    assert_int_equal(fflush(file), 0);
    assert_int_equal(kt_lines_init(&lines, fileno(file)), KT_OK);
    assert_int_equal(kt_lines_next(&lines, &line), KT_OK);
    if (lasts[i] > 0) {
      assert_int_equal(kt_lines_next(&lines, &line), KT_OK);
      assert_int_equal(line.len, lasts[i] > MAX ? MAX + 1 : lasts[i]);
      assert_int_equal(line.number, 2);
    }
    assert_int_equal(kt_lines_next(&lines, &line), KT_ERR_ABSENT);
    kt_lines_release(&lines);
    (void)fclose(file);
  }
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
  struct kt_lines lines;
  struct kt_line line;
  (void)state;
  assert_int_equal(kt_lines_init(&lines, -1), KT_OK);
  assert_int_equal(kt_lines_next(&lines, &line), KT_ERR_STORE);
  kt_lines_release(&lines);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(lines_come_as_they_are),
    cmocka_unit_test(the_last_line_needs_no_newline),
    cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
