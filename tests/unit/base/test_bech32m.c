/* SPDX-License-Identifier: Apache-2.0 */
/* Bech32m against the test vectors of BIP 350, and where faults are located. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base32.h"
#include "base/bech32m.h"

static struct kt_bytes bytes_of(const char *text)
{
  return (struct kt_bytes){ (const uint8_t *)text, strlen(text) };
}

static void lower_case(const char *text, char *ret_lower)
{
  size_t len = strlen(text);
  for (size_t i = 0; i <= len; i++) {
    ret_lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
  }
}

/* Of segwit addresses only the Bech32m layer is ours: those the BIP refuses for other reasons are not among them. */
static void valid_strings_of_bip350_both_ways(void **state)
{
  (void)state;
  static const char *const valid[] = {
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
    "BC1SW50QGDZ25J",
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
    "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
  };
  for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
    struct kt_bech32m code;
    struct kt_bech32m_fault fault;
    char expected[KT_BECH32M_TEXT_MAX + 1];
    char text[KT_BECH32M_TEXT_MAX + 1];
    assert_int_equal(kt_bech32m_decode(bytes_of(valid[i]), &code, &fault), KT_OK);
    assert_int_equal(kt_bech32m_encode(&code, text), KT_OK);
    lower_case(valid[i], expected);
    assert_string_equal(text, expected);
  }
}

static void groups_are_what_bip173_says(void **state)
{
  (void)state;
  struct kt_bech32m code;
  struct kt_bech32m_fault fault;
  uint8_t program[KT_BECH32M_TEXT_MAX];
  size_t len = 0;
  assert_int_equal(kt_bech32m_decode(bytes_of("abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx"), &code, &fault), KT_OK);
  assert_string_equal(code.prefix, "abcdef");
  assert_int_equal(code.n_groups, 32);
  for (uint8_t i = 0; i < 32; i++) {
    assert_int_equal(code.groups[i], 31 - i);
  }
  /* Witness version 2, program 751e76e8199196d454941c45d1b3a323. */
  assert_int_equal(kt_bech32m_decode(bytes_of("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs"), &code, &fault), KT_OK);
  assert_int_equal(code.groups[0], 2);
  assert_int_equal(kt_bits5_join(code.groups + 1, code.n_groups - 1, program, &len), KT_OK);
  assert_int_equal(len, 16);
  assert_memory_equal(program, "\x75\x1e\x76\xe8\x19\x91\x96\xd4\x54\x94\x1c\x45\xd1\xb3\xa3\x23", 16);
}

static void invalid_strings_of_bip350_are_refused(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    enum kt_bech32m_fault_kind kind;
    size_t at;
  } invalid[] = {
    { "\x20"
      "1xj0phk",
      KT_BECH32M_CHARACTER, 0 },
    { "\x7f"
      "1g6xzxy",
      KT_BECH32M_CHARACTER, 0 },
    { "\x80"
      "1vctc34",
      KT_BECH32M_CHARACTER, 0 },
    { "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4", KT_BECH32M_LENGTH,
      KT_BECH32M_NOWHERE },
    { "qyrz8wqd2c9m", KT_BECH32M_SEPARATOR, KT_BECH32M_NOWHERE },
    { "1qyrz8wqd2c9m", KT_BECH32M_SEPARATOR, KT_BECH32M_NOWHERE },
    { "y1b0jsk6g", KT_BECH32M_CHARACTER, 2 },
    { "lt1igcx5c0", KT_BECH32M_CHARACTER, 3 },
    { "in1muywd", KT_BECH32M_SEPARATOR, KT_BECH32M_NOWHERE },
    { "mm1crxm3i", KT_BECH32M_CHARACTER, 8 },
    { "au1s5cgom", KT_BECH32M_CHARACTER, 7 },
    { "M1VUXWEZ", KT_BECH32M_CHECKSUM, KT_BECH32M_NOWHERE },
    { "16plkw9", KT_BECH32M_LENGTH, KT_BECH32M_NOWHERE }, /* too short for a prefix, before it is seen to be empty */
    { "1p2gdwpf", KT_BECH32M_SEPARATOR, KT_BECH32M_NOWHERE },
    { "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq", KT_BECH32M_CASE, 58 },
    { "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", KT_BECH32M_CHECKSUM, KT_BECH32M_NOWHERE },
    { "", KT_BECH32M_LENGTH, KT_BECH32M_NOWHERE },
  };
  for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
    struct kt_bech32m code = { .prefix = "untouched" };
    struct kt_bech32m_fault fault = { KT_BECH32M_LENGTH, 0 };
    assert_int_equal(kt_bech32m_decode(bytes_of(invalid[i].text), &code, &fault), KT_ERR_FORMAT);
    assert_string_equal(code.prefix, "untouched");
    assert_int_equal(fault.kind, invalid[i].kind);
    if (fault.kind != KT_BECH32M_CHECKSUM) {
      assert_int_equal(fault.at, invalid[i].at);
    }
  }
}

/* Four wrong characters are always noticed within 90; here every single one, and then its place is known. */
static void every_wrong_character_is_located(void **state)
{
  (void)state;
  static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  static const char right[] = "split1checkupstagehandshakeupstreamerranterredcaperredlc445v";
  for (size_t i = 6; i < sizeof right - 1; i++) {
    for (size_t k = 0; k < 32; k++) {
      char wrong[sizeof right];
      struct kt_bech32m code;
      struct kt_bech32m_fault fault;
      memcpy(wrong, right, sizeof right);
      wrong[i] = letters[k];
      if (wrong[i] == right[i]) {
        continue;
      }
      assert_int_equal(kt_bech32m_decode(bytes_of(wrong), &code, &fault), KT_ERR_FORMAT);
      assert_int_equal(fault.kind, KT_BECH32M_CHECKSUM);
      assert_int_equal(fault.at, i);
    }
  }
}

/* What Bech32 without the m missed: "q" inserted or deleted before a final "p" (BIP 350, Abstract). */
static void inserted_and_deleted_characters_are_noticed(void **state)
{
  (void)state;
  static const char right[] = "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx";
  struct kt_bech32m code;
  struct kt_bech32m_fault fault;
  for (size_t i = 7; i < sizeof right - 1; i++) {
    char wrong[sizeof right + 1];
    memcpy(wrong, right, i);
    strcpy(wrong + i, right + i + 1);
    assert_int_equal(kt_bech32m_decode(bytes_of(wrong), &code, &fault), KT_ERR_FORMAT);
    wrong[i] = 'q';
    strcpy(wrong + i + 1, right + i);
    assert_int_equal(kt_bech32m_decode(bytes_of(wrong), &code, &fault), KT_ERR_FORMAT);
  }
}

static void encoding_refuses_what_decoding_would(void **state)
{
  (void)state;
  char text[KT_BECH32M_TEXT_MAX + 1] = "untouched";
  struct kt_bech32m code = { .prefix = "ktp", .n_groups = KT_BECH32M_TEXT_MAX - 3 - 1 - KT_BECH32M_CHECKSUM_LEN };
  struct kt_bech32m again;
  struct kt_bech32m_fault fault;
  code.n_groups++;
  assert_int_equal(kt_bech32m_encode(&code, text), KT_ERR_LIMIT);
  assert_string_equal(text, "untouched");
  code.n_groups--;
  assert_int_equal(kt_bech32m_encode(&code, text), KT_OK);
  assert_int_equal(strlen(text), KT_BECH32M_TEXT_MAX);
  assert_int_equal(kt_bech32m_decode(bytes_of(text), &again, &fault), KT_OK);
  code.n_groups = 0;
  static const char *const bad[] = { "", "Ktp", "k p", "k\x7f" };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    strcpy(code.prefix, bad[i]);
    assert_int_equal(kt_bech32m_encode(&code, text), KT_ERR_USAGE);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(valid_strings_of_bip350_both_ways),
    cmocka_unit_test(groups_are_what_bip173_says),
    cmocka_unit_test(invalid_strings_of_bip350_are_refused),
    cmocka_unit_test(every_wrong_character_is_located),
    cmocka_unit_test(inserted_and_deleted_characters_are_noticed),
    cmocka_unit_test(encoding_refuses_what_decoding_would),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
