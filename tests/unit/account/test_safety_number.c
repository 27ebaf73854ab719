/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/safety_number.h>

#include "accounts.h"

#include "base/hex.h"

struct safety_vector {
  struct kt_bytes label_a;
  struct kt_bytes label_b;
  struct kt_account_key key_a;
  struct kt_account_key key_b;
  const char *digits;
};

#include "safety_vectors.h"

static struct kt_account_key key_from_hex(const char *hex)
{
  struct kt_account_key key;
  size_t len = 0;
  assert_int_equal(kt_hex_decode(hex, strlen(hex), sizeof key.b, key.b, &len), KT_OK);
  assert_int_equal(len, sizeof key.b);
  return key;
}

static struct kt_account_key key_counting_from(uint8_t first)
{
  struct kt_account_key key = { { KT_ACCOUNT_KEY_TYPE } };
  for (uint8_t i = 0; i < 32; i++) {
    key.b[1 + i] = (uint8_t)(first + i);
  }
  return key;
}

static void assert_number(const struct kt_account_key *a, struct kt_bytes label_a, const struct kt_account_key *b,
                          struct kt_bytes label_b, const char *digits)
{
  struct kt_safety_number number;
  kt_safety_number_compute(a, label_a, b, label_b, &number);
  assert_string_equal(number.digits, digits);
  kt_safety_number_compute(b, label_b, a, label_a, &number);
  assert_string_equal(number.digits, digits);
}

/* The value that Signal's own test of its numeric fingerprint expects. */
static void test_signals_value(void **state)
{
  (void)state;
  struct kt_account_key a = key_from_hex("0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868");
  struct kt_account_key b = key_from_hex("05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b");
  assert_number(&a, BYTES("+14152222222"), &b, BYTES("+14153333333"),
                "300354477692869396892869876765458257569162576843440918079131");
}

/* Computed with Python's hashlib from the four lines of docs/formats.md:
 *   h = sha512(b"\0\0" + K + id + K).digest(); 5199 times h = sha512(h + K).digest()
 *   side = "".join("%05d" % (int.from_bytes(h[5*g:5*g+5], "big") % 100000) for g in range(6)) */
static void test_independent_values(void **state)
{
  (void)state;
  struct kt_account_key a = key_counting_from(0);
  struct kt_account_key b = key_counting_from(100);
  assert_number(&a, BYTES("alice@example.org"), &b, BYTES("bob@example.org"),
                "837997069916636695038179182853990159475390252231153772822713");
  assert_number(&a, BYTES("alice@example.org"), &a, BYTES("alice@example.org"),
                "837997069916636695038179182853837997069916636695038179182853");

  /* The shortest label and the longest: 255 bytes, the first six of them two CJK characters. */
  uint8_t longest[KT_LABEL_MAX];
  memset(longest, 'x', sizeof longest);
  memcpy(longest, "\xe6\x97\xa5\xe6\x9c\xac", 6);
  assert_number(&a, (struct kt_bytes){ longest, 0 }, &b, (struct kt_bytes){ longest, sizeof longest },
                "003741765336435778513873860506495821204725975923119333918670");

  struct kt_account_key ones = { { KT_ACCOUNT_KEY_TYPE } };
  struct kt_account_key zeros = { { KT_ACCOUNT_KEY_TYPE } };
  memset(ones.b + 1, 0xff, 32);
  assert_number(&ones, BYTES("a"), &zeros, BYTES("b"), "467141008742553225031941314341905089976260823112901263692872");
}

static void test_vectors(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof safety_vectors / sizeof safety_vectors[0]; i++) {
    const struct safety_vector *v = &safety_vectors[i];
    assert_number(&v->key_a, v->label_a, &v->key_b, v->label_b, v->digits);
  }
}

static void test_format(void **state)
{
  (void)state;
  struct kt_safety_number number = { "300354477692869396892869876765458257569162576843440918079131" };
  char text[KT_SAFETY_NUMBER_TEXT_SIZE];
  kt_safety_number_format(&number, text);
  assert_string_equal(text, "30035 44776 92869 39689\n28698 76765 45825 75691\n62576 84344 09180 79131");
  struct kt_safety_number back;
  assert_int_equal(kt_safety_number_parse((struct kt_bytes){ (uint8_t *)text, strlen(text) }, &back, NULL), KT_OK);
  assert_string_equal(back.digits, number.digits);
}

static void test_parse_what_people_type(void **state)
{
  (void)state;
  struct kt_safety_number number;
  assert_int_equal(kt_safety_number_parse(BYTES(" 30035-44776-92869\t39689\r\n28698 76765 45825 75691"
                                                " 62576 84344 09180 79 1 31\n"),
                                          &number, NULL),
                   KT_OK);
  assert_string_equal(number.digits, "300354477692869396892869876765458257569162576843440918079131");
}

static void assert_refused(struct kt_bytes typed, const char *code)
{
  struct kt_safety_number number = { "untouched" };
  struct kt_reason reason = { 0 };
  assert_int_equal(kt_safety_number_parse(typed, &number, &reason), KT_ERR_USAGE);
  assert_string_equal(reason.code, code);
  assert_string_equal(number.digits, "untouched");
}

static void test_parse_refuses_slips(void **state)
{
  (void)state;
  char digits[] = "3003544776928693968928698767654582575691625768434409180791312";
  assert_refused(BYTES(""), "code-length");
  assert_refused(BYTES(" - \n"), "code-length");
  assert_refused((struct kt_bytes){ (uint8_t *)digits, 59 }, "code-length");
  assert_refused((struct kt_bytes){ (uint8_t *)digits, 61 }, "code-length");
  static const char bad[] = { 'O', '.', '/', ':', '\0', '\x7f', '\xb2' };
  for (size_t i = 0; i < sizeof bad; i++) {
    digits[30] = bad[i];
    assert_refused((struct kt_bytes){ (uint8_t *)digits, 60 }, "code-digits");
  }
}

static void test_compare_names_the_groups(void **state)
{
  (void)state;
  const struct kt_safety_number a = { "300354477692869396892869876765458257569162576843440918079131" };
  assert_int_equal(kt_safety_number_compare(&a, &a), 0);
  for (size_t i = 0; i < KT_SAFETY_NUMBER_DIGITS; i++) {
    struct kt_safety_number b = a;
    b.digits[i] = b.digits[i] == '9' ? '0' : (char)(b.digits[i] + 1);
    assert_int_equal(kt_safety_number_compare(&a, &b), 1u << (i / 5));
    b.digits[59] = 'x';
    assert_int_equal(kt_safety_number_compare(&a, &b), 1u << (i / 5) | 1u << 11);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(test_signals_value),
    account_test(test_independent_values),
    account_test(test_vectors),
    account_test(test_format),
    account_test(test_parse_what_people_type),
    account_test(test_parse_refuses_slips),
    account_test(test_compare_names_the_groups),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
