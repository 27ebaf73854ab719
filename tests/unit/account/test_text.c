/* SPDX-License-Identifier: Apache-2.0 */
/* What others chose cannot drive a terminal. */
#include <kt/text.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_names_cannot_drive_a_terminal(void **context)
{
  static const struct {
    const char *text;
    const char *clean;
  } cases[] = {
    { "phone", "phone" },
    { "Müllers Händy 手机 📱", "Müllers Händy 手机 📱" },
    { "a\033[2Jb\n", "a?[2Jb?" },
    { "\xc2\x9b"
      "31m",
      "?"
      "?31m" }, /* C1 control */
    { "a\xe2\x80\xae"
      "b",
      "a???b" },                         /* right-to-left override */
    { "\xff\xc3", "??" },                /* not UTF-8, cut off */
    { "\xc0\xaf\xed\xa0\x80", "?????" }, /* overlong, surrogate */
    /* blanks: ordinary, no-break, ideographic, of Braille, and all sorts beside each other */
    { "my phone", "my phone" },
    { "phone              VERIFIED bob", "phone VERIFIED bob" },
    { "a\u00a0\u00a0b", "a\u00a0b" },
    { "a\u3000\u3000b", "a\u3000b" },
    { "a\u2800\u2800b", "a\u2800b" },
    { "a \u2003\u00a0 \u202fb", "a b" },
    /* invisible */
    { "a\u00adb", "a??b" },
    { "a\u034fb", "a??b" },
    { "a\u115f\u1160b", "a??????b" },
    { "a\u180eb", "a???b" },
    { "a\u3164b", "a???b" },
    { "a\uffa0b", "a???b" },
    { "a\ufe00\ufe0fb", "a??????b" },
    { "a\U000e0000\U000e007fb", "a????????b" },
    /* parts of a picture: its style, once, and what joins it with the next one; beside anything else they are invisible */
    { "\u2764\ufe0f", "\u2764\ufe0f" },
    { "\u2764\ufe0f\ufe0f", "\u2764\ufe0f???" },
    { "\u2764\ufe0e", "\u2764???" },
    { "\ufe0fa\ufe0f", "???a???" },
    { "\u624b\ufe0f", "\u624b???" },
    { "\u2800\ufe0f", "\u2800???" },
    { "a\u2215\ufe0fb", "a\u2215???b" }, /* nor beside what looks like punctuation */
    { "a\u2500\u200d\u2500", "a\u2500???\u2500" },
    { "\U0001f469\U0001f3fd\u200d\U0001f4bb", "\U0001f469\U0001f3fd\u200d\U0001f4bb" },
    { "\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f3f3\ufe0f\u200d\U0001f308" },
    { "\U0001f469\u200d\u200d\U0001f4bb", "\U0001f469??????\U0001f4bb" },
    { "\U0001f469\u200da", "\U0001f469???a" },
    { "a\u200d\U0001f4bb", "a???\U0001f4bb" },
    { "\U0001f469\u200d\u2800", "\U0001f469???\u2800" },
    { "\U0001f469\u200d", "\U0001f469???" },
    { "\U0001f469\u200e\U0001f4bb", "\U0001f469???\U0001f4bb" },
  };
  (void)context;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char clean[64];
    kt_text_clean((struct kt_bytes){ (const uint8_t *)cases[i].text, strlen(cases[i].text) }, clean, sizeof clean);
    assert_string_equal(clean, cases[i].clean);
  }
  char small[8];
  kt_text_clean((struct kt_bytes){ (const uint8_t *)"0123456789", 10 }, small, sizeof small);
  assert_true(strlen(small) < sizeof small);
}

static void test_a_quoted_name_ends_where_it_is_closed(void **context)
{
  static const struct {
    const char *text;
    const char *quoted;
  } cases[] = {
    { "phone", "\"phone\"" },       { "", "\"\"" },         { "phone\", added", "\"phone\\\", added\"" },
    { "phone\\", "\"phone\\\\\"" }, { "a  \n", "\"a ?\"" },
  };
  (void)context;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char quoted[64];
    kt_text_quote((struct kt_bytes){ (const uint8_t *)cases[i].text, strlen(cases[i].text) }, quoted, sizeof quoted);
    assert_string_equal(quoted, cases[i].quoted);
  }
  for (size_t size = 3; size < 16; size++) {
    char quoted[17];
    memset(quoted, '#', sizeof quoted);
    kt_text_quote((struct kt_bytes){ (const uint8_t *)"\"\"\"\"\"\"\"", 7 }, quoted, size);
    size_t len = strlen(quoted);
    assert_true(len >= 2 && len < size && len % 2 == 0);
    assert_int_equal(quoted[len - 1], '"');
    for (size_t i = size; i < sizeof quoted; i++) {
      assert_int_equal(quoted[i], '#');
    }
  }
}

static void test_a_name_of_full_length_fits(void **context)
{
  uint8_t name[KT_LABEL_MAX];
  char clean[KT_TEXT_CLEAN_SIZE];
  (void)context;
  char quoted[KT_TEXT_QUOTE_SIZE];
  memset(name, 'n', sizeof name);
  kt_text_clean((struct kt_bytes){ name, sizeof name }, clean, sizeof clean);
  assert_int_equal(strlen(clean), sizeof name);
  memset(name, '"', sizeof name);
  kt_text_quote((struct kt_bytes){ name, sizeof name }, quoted, sizeof quoted);
  assert_int_equal(strlen(quoted), 2 * sizeof name + 2);
}

/* Whatever the size, nothing is written beyond it, and no character is cut in two. */
static void test_every_size(void **context)
{
  static const char text[] = "a\xf0\x9f\x93\xb1\xc3\xa9z";
  (void)context;
  for (size_t size = 1; size < 16; size++) {
    char clean[17];
    memset(clean, '#', sizeof clean);
    kt_text_clean((struct kt_bytes){ (const uint8_t *)text, sizeof text - 1 }, clean, size);
    size_t len = strlen(clean);
    assert_true(len < size);
    assert_memory_equal(clean, text, len);
    assert_true(len == 0 || len == 1 || len == 5 || len == 7 || len == 8);
    for (size_t i = size; i < sizeof clean; i++) {
      assert_int_equal(clean[i], '#');
    }
  }
}

/* Inside, blanks are a label's own, and so are marks that only look odd. */
static void test_slips(void **context)
{
  static const struct {
    const char *text;
    size_t at; /* 0: none */
  } cases[] = {
    { "alice@example.org", 0 },
    { "two words", 0 },
    { "\xe2\x80\xae"
      "ecila",
      0 },
    { "alice\n", 6 },
    { "\xc3\xa9lo\tdie", 4 },
    { "a\x7f", 2 },
    { "a\xc2\x85", 2 },
    { " alice", 1 },
    { "alice ", 6 },
    { "\xc3\xa9\xe3\x80\x80", 2 },
    { "\xc2\xa0"
      "alice",
      1 },
    { " ", 1 },
  };
  (void)context;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct kt_bytes text = { (const uint8_t *)cases[i].text, strlen(cases[i].text) };
    size_t at = 0;
    const char *slip = kt_text_slip(text, &at);
    assert_int_equal(slip != NULL, cases[i].at != 0);
    assert_int_equal(at, cases[i].at);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_names_cannot_drive_a_terminal),
    cmocka_unit_test(test_a_quoted_name_ends_where_it_is_closed),
    cmocka_unit_test(test_a_name_of_full_length_fits),
    cmocka_unit_test(test_every_size),
    cmocka_unit_test(test_slips),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
