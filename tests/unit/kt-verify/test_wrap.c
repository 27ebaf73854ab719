/* SPDX-License-Identifier: Apache-2.0 */
/* Lines in the width of a terminal. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wrap.h"

__attribute__((format(printf, 2, 3))) static void print(struct kt_wrap *wrap, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  kt_wrap_print(wrap, format, args);
  va_end(args);
}

/* What the text looks like at this width, printed in two pieces that meet at byte `split`. */
static void check_split(size_t columns, const char *text, const char *expected, size_t split)
{
  char *shown = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&shown, &len);
  struct kt_wrap wrap;
  assert_non_null(to);
  kt_wrap_init(&wrap, to, columns);
  print(&wrap, "%.*s", (int)split, text);
  print(&wrap, "%s", text + split);
  kt_wrap_flush(&wrap);
  assert_int_equal(fclose(to), 0);
  assert_string_equal(shown, expected);
  free(shown);
}

static void check(size_t columns, const char *text, const char *expected)
{
  for (size_t split = 0; split <= strlen(text); split++) {
    check_split(columns, text, expected, split);
  }
}

static void test_lines_break_at_blanks(void **context)
{
  (void)context;
  check(20, "one two three four five\n", "one two three four\n  five\n");
  check(20, "exactly twenty chars\nnext\n", "exactly twenty chars\nnext\n");
  check(20, "  a device  with two blanks kept\n", "  a device  with two\n    blanks kept\n");
  check(24, "no end of line yet, and more", "no end of line yet, and\n  more");
  check(20, "\n\n", "\n\n");
}

/* Pasted in two pieces it would be another command. */
static void test_commands_are_never_broken(void **context)
{
  (void)context;
  check(20, "Look at it:\n    kt-verify device list alice@example.org\nthen go on as you like\n",
        "Look at it:\n    kt-verify device list alice@example.org\nthen go on as you\n  like\n");
  check(24, "  kt-verify alerts ack 7db5\n  and  so on, as every text",
        "  kt-verify alerts ack 7db5\n  and  so on, as every\n    text");
  check(24, "kt-verify: a message of the program\n", "kt-verify: a message of\n  the program\n");
}

static void test_what_is_copied_is_never_broken(void **context)
{
  (void)context;
  check(20, "key 0123456789abcdef0123456789abcdef\n", "key\n  0123456789abcdef0123456789abcdef\n");
  check(20, "0123456789abcdef0123456789abcdef\n", "0123456789abcdef0123456789abcdef\n");
}

static void test_columns_are_what_the_eye_sees(void **context)
{
  (void)context;
  if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
    fail_msg("the locale C.UTF-8 is part of the C library");
  }
  check_split(20, "\033[31;1mALERT\033[0m fifteen columns\n", "\033[31;1mALERT\033[0m fifteen\n  columns\n", 0);
  check_split(20, "\033[31;1mALERT\033[0m fourteen colum\n", "\033[31;1mALERT\033[0m fourteen colum\n", 0);
  check_split(20, "äöüäöüäöü äöüäöüäöü\n", "äöüäöüäöü äöüäöüäöü\n", 0);
  check_split(20, "鍵鍵鍵鍵鍵 鍵鍵鍵鍵鍵\n", "鍵鍵鍵鍵鍵\n  鍵鍵鍵鍵鍵\n", 0); /* two columns each */
  setlocale(LC_CTYPE, "C");
  check_split(20, "▀▄█▀▄█▀▄ ▀▄█▀▄█▀▄█▀▄\n", "▀▄█▀▄█▀▄ ▀▄█▀▄█▀▄█▀▄\n", 0); /* a QR code in a rescue shell */
  check_split(20, "äöüäöüäöü äöüäöüäöüäö\n", "äöüäöüäöü\n  äöüäöüäöüäö\n", 0);
}

static void test_nothing_changes_without_a_terminal(void **context)
{
  const char *text = "a long line that no width is known for, and that scripts read as one line\n";
  (void)context;
  check(0, text, text);
  check(KT_WRAP_COLUMNS_MIN - 1, text, text);
}

static void test_text_longer_than_the_buffer_is_not_lost(void **context)
{
  enum { LEN = 5000 };
  char *text = calloc(1, LEN + 1);
  (void)context;
  assert_non_null(text);
  memset(text, 'x', LEN);
  check_split(40, text, text, 0);
  check_split(40, text, text, 100);
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lines_break_at_blanks),
    cmocka_unit_test(test_what_is_copied_is_never_broken),
    cmocka_unit_test(test_commands_are_never_broken),
    cmocka_unit_test(test_columns_are_what_the_eye_sees),
    cmocka_unit_test(test_nothing_changes_without_a_terminal),
    cmocka_unit_test(test_text_longer_than_the_buffer_is_not_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
