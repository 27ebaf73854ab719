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
      "a???b" },                        /* right-to-left override */
    { "\xff\xc3", "??" },               /* not UTF-8, cut off */
    { "\xc0\xaf\xed\xa0\x80", "?????" } /* overlong, surrogate */
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

static void test_a_name_of_full_length_fits(void **context)
{
  uint8_t name[KT_LABEL_MAX];
  char clean[KT_TEXT_CLEAN_SIZE];
  (void)context;
  memset(name, 'n', sizeof name);
  kt_text_clean((struct kt_bytes){ name, sizeof name }, clean, sizeof clean);
  assert_int_equal(strlen(clean), sizeof name);
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

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_names_cannot_drive_a_terminal),
    cmocka_unit_test(test_a_name_of_full_length_fits),
    cmocka_unit_test(test_every_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
