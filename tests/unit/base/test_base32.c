/* SPDX-License-Identifier: Apache-2.0 */
/* Base32 against RFC 4648 section 10, and what strict decoding refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base32.h"

static const struct {
  const char *data;
  const char *text; /* the RFC's, without its padding */
} rfc4648[] = {
  { "", "" },
  { "f", "MY" },
  { "fo", "MZXQ" },
  { "foo", "MZXW6" },
  { "foob", "MZXW6YQ" },
  { "fooba", "MZXW6YTB" },
  { "foobar", "MZXW6YTBOI" },
};

static void rfc4648_vectors_both_ways(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof rfc4648 / sizeof rfc4648[0]; i++) {
    char text[KT_BASE32_SIZE(6)];
    uint8_t data[16];
    size_t len = 99;
    size_t data_len = strlen(rfc4648[i].data);
    assert_int_equal(kt_base32_encode((struct kt_bytes){ (const uint8_t *)rfc4648[i].data, data_len }, text),
                     strlen(rfc4648[i].text));
    assert_string_equal(text, rfc4648[i].text);
    assert_int_equal(kt_base32_decode(text, strlen(text), data, &len), KT_OK);
    assert_int_equal(len, data_len);
    assert_memory_equal(data, rfc4648[i].data, data_len);
  }
}

static void every_single_byte_has_one_text(void **state)
{
  (void)state;
  size_t n_decoded = 0;
  for (unsigned a = 1; a < 256; a++) {
    for (unsigned b = 1; b < 256; b++) {
      const char text[] = { (char)a, (char)b, '\0' };
      char again[KT_BASE32_SIZE(1)];
      uint8_t data[2];
      size_t len = 0;
      if (kt_base32_decode(text, 2, data, &len) == KT_OK) {
        n_decoded++;
        assert_int_equal(len, 1);
        (void)kt_base32_encode((struct kt_bytes){ data, 1 }, again);
        assert_string_equal(again, text);
      }
    }
  }
  assert_int_equal(n_decoded, 256);
}

static void lengths_of_no_byte_string_are_refused(void **state)
{
  (void)state;
  static const char *const bad[] = { "A", "AAA", "AAAAAA", "AAAAAAAAA", "MZXW6===", "mzxw6", "MZXW 6", "MZXW1" };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    uint8_t data[16];
    size_t len = 99;
    assert_int_equal(kt_base32_decode(bad[i], strlen(bad[i]), data, &len), KT_ERR_FORMAT);
    assert_int_equal(len, 99);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(rfc4648_vectors_both_ways),
    cmocka_unit_test(every_single_byte_has_one_text),
    cmocka_unit_test(lengths_of_no_byte_string_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
