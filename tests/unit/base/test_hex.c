/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal and Base64 against the test vectors of RFC 4648 section 10. */
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UNTOUCHED 0x5a

typedef enum kt_err (*decode_fn)(const char *text, size_t text_len, size_t cap, uint8_t *ret_data, size_t *ret_len);

static struct kt_bytes text_bytes(const char *text)
{
  return (struct kt_bytes){ (const uint8_t *)text, strlen(text) };
}

static void check_decoded(decode_fn decode, const char *text, const char *expected)
{
  uint8_t data[64];
  size_t len = 99;
  size_t expected_len = strlen(expected);
  memset(data, UNTOUCHED, sizeof data);
  assert_int_equal(decode(text, strlen(text), expected_len, data, &len), KT_OK);
  assert_int_equal(len, expected_len);
  assert_memory_equal(data, expected, expected_len);
  assert_int_equal(data[expected_len], UNTOUCHED);
}

static void check_refused(decode_fn decode, const char *text, size_t cap, enum kt_err err)
{
  uint8_t data[64];
  size_t len = 99;
  memset(data, UNTOUCHED, sizeof data);
  assert_int_equal(decode(text, strlen(text), cap, data, &len), err);
  assert_int_equal(len, 99);
  for (size_t i = 0; i < sizeof data; i++) {
    assert_int_equal(data[i], UNTOUCHED);
  }
}

static const struct {
  const char *plain;
  const char *hex;
  const char *base64;
} rfc4648[] = {
  { "", "", "" },
  { "f", "66", "Zg==" },
  { "fo", "666F", "Zm8=" },
  { "foo", "666F6F", "Zm9v" },
  { "foob", "666F6F62", "Zm9vYg==" },
  { "fooba", "666F6F6261", "Zm9vYmE=" },
  { "foobar", "666F6F626172", "Zm9vYmFy" },
};

static void test_rfc4648_vectors(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof rfc4648 / sizeof rfc4648[0]; i++) {
    char text[64];
    memset(text, 'x', sizeof text);
    size_t plain_len = strlen(rfc4648[i].plain);
    assert_int_equal(kt_base64_encode(text_bytes(rfc4648[i].plain), text), strlen(rfc4648[i].base64));
    assert_string_equal(text, rfc4648[i].base64);
    assert_int_equal(strlen(text) + 1, KT_BASE64_SIZE(plain_len));
    check_decoded(kt_base64_decode, rfc4648[i].base64, rfc4648[i].plain);
    check_decoded(kt_hex_decode, rfc4648[i].hex, rfc4648[i].plain);
  }
}

static void test_hex_is_written_in_lower_case(void **state)
{
  (void)state;
  static const uint8_t data[] = { 0x00, 0x0f, 0xa0, 0x9c, 0xff };
  char text[KT_HEX_SIZE(sizeof data)];
  assert_int_equal(kt_hex_encode((struct kt_bytes){ data, sizeof data }, text), 10);
  assert_string_equal(text, "000fa09cff");
  check_decoded(kt_hex_decode, "666f6F", "foo");
  assert_int_equal(kt_hex_encode((struct kt_bytes){ data, 0 }, text), 0);
  assert_string_equal(text, "");
}

static void test_hex_refused(void **state)
{
  (void)state;
  static const char *const bad[] = { "6",    "666", "6g", "g6", "0x66", " 66", "66 ", "66\n",
                                     "6 6 ", "/0",  ":0", "@0", "G0",   "`0",  "-1",  "6\xc3" };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    check_refused(kt_hex_decode, bad[i], 64, KT_ERR_FORMAT);
  }
  check_refused(kt_hex_decode, "666f6f", 2, KT_ERR_LIMIT);
  /* A NUL inside the text is not its end. */
  uint8_t data[4];
  size_t len = 0;
  assert_int_equal(kt_hex_decode("66\0\0", 4, sizeof data, data, &len), KT_ERR_FORMAT);
}

static void test_base64_refused(void **state)
{
  (void)state;
  static const char *const bad[] = {
    "Z",      "Zg",    "Zg=",     "Zm8",      "Zm9vY",              /* not a multiple of four */
    "Zh==",   "Zm9=",  "Zv==",                                      /* unused bits set */
    "====",   "Z===",  "=Zg=",    "Zg=g",     "Zm=v",   "Zg==Zg==", /* padding elsewhere */
    "Zm9v\n", "Zm 9v", " Zm9v",   "Zm9v    ", "Zm\r\n",             /* white space */
    "Zm-_",   "Zm9*",  "Zm9\xc3",                                   /* the URL alphabet, and none */
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    check_refused(kt_base64_decode, bad[i], 64, KT_ERR_FORMAT);
  }
  check_refused(kt_base64_decode, "Zm9v", 2, KT_ERR_LIMIT);
  check_refused(kt_base64_decode, "Zg==", 0, KT_ERR_LIMIT);
}

/* Every text of four characters: at most one text decodes to given bytes, and it is the one that is written. */
static void test_base64_has_one_text(void **state)
{
  (void)state;
  static const char symbols[] = "ABZaz09+/=- \n";
  char text[5] = { 0 };
  size_t accepted = 0;
  const size_t n = sizeof symbols - 1;
  for (size_t i = 0; i < n * n * n * n; i++) {
    for (size_t k = 0, rest = i; k < 4; k++, rest /= n) {
      text[k] = symbols[rest % n];
    }
    uint8_t data[3];
    size_t len = 0;
    if (kt_base64_decode(text, 4, sizeof data, data, &len) == KT_OK) {
      char again[KT_BASE64_SIZE(3)];
      assert_int_equal(kt_base64_encode((struct kt_bytes){ data, len }, again), 4);
      assert_string_equal(again, text);
      accepted++;
    }
  }
  /* 9 symbols of the alphabet. Without padding 9^4; before "=" values divisible by 4 (A, 0), before "==" by 16 (A):
   * A = 0, B = 1, Z = 25, a = 26, z = 51, 0 = 52, 9 = 61, + = 62, / = 63. */
  assert_int_equal(accepted, 9 * 9 * 9 * 9 + 9 * 9 * 2 + 9 * 1);
}

static void test_every_byte_value(void **state)
{
  (void)state;
  uint8_t data[256];
  uint8_t again[256];
  char text[KT_HEX_SIZE(256)];
  size_t len = 0;
  for (size_t i = 0; i < sizeof data; i++) {
    data[i] = (uint8_t)i;
  }
  size_t text_len = kt_hex_encode((struct kt_bytes){ data, sizeof data }, text);
  assert_int_equal(kt_hex_decode(text, text_len, sizeof again, again, &len), KT_OK);
  assert_int_equal(len, sizeof data);
  assert_memory_equal(again, data, sizeof data);
  text_len = kt_base64_encode((struct kt_bytes){ data, sizeof data }, text);
  assert_int_equal(kt_base64_decode(text, text_len, sizeof again, again, &len), KT_OK);
  assert_int_equal(len, sizeof data);
  assert_memory_equal(again, data, sizeof data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rfc4648_vectors),     cmocka_unit_test(test_hex_is_written_in_lower_case),
    cmocka_unit_test(test_hex_refused),         cmocka_unit_test(test_base64_refused),
    cmocka_unit_test(test_base64_has_one_text), cmocka_unit_test(test_every_byte_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
