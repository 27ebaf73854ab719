/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery keys on paper: values from make_code_vectors.py, and everything a person can get wrong. */
#include "accounts.h"

#include <kt/recovery_key.h>

#include "code_vectors.h"

#include <ctype.h>

static enum kt_err parse(const char *text, uint8_t *ret_seed, size_t *group_at, struct kt_reason *reason)
{
  return kt_recovery_key_parse((struct kt_bytes){ (const uint8_t *)text, strlen(text) }, ret_seed, group_at, reason);
}

static void test_independent_values(void **state)
{
  (void)state;
  uint8_t seed[KT_ACCOUNT_SEED_LEN];
  uint8_t back[KT_ACCOUNT_SEED_LEN];
  char text[KT_RECOVERY_TEXT_SIZE];
  size_t group_at = 99;
  for (size_t i = 0; i < sizeof seed; i++) {
    seed[i] = (uint8_t)i;
  }
  kt_recovery_key_format(seed, text);
  assert_string_equal(text, VECTOR_RECOVERY_KEY);
  assert_int_equal(parse(text, back, &group_at, NULL), KT_OK);
  assert_memory_equal(seed, back, sizeof seed);
  assert_int_equal(group_at, 0);
}

/* As people copy it: on one line, in capitals, with dashes. */
static void test_spellings(void **state)
{
  (void)state;
  char text[KT_RECOVERY_TEXT_SIZE + 8];
  uint8_t seed[KT_ACCOUNT_SEED_LEN];
  uint8_t expected[KT_ACCOUNT_SEED_LEN];
  size_t group_at;
  struct seed original = seed_of(0xc3);
  memcpy(expected, original.b, sizeof expected);
  kt_recovery_key_format(expected, text);
  for (size_t i = 0; text[i] != '\0'; i++) {
    text[i] = text[i] == ' ' ? '-' : text[i] == '\n' ? '\t' : (char)toupper((unsigned char)text[i]);
  }
  strcat(text, "\r\n");
  assert_int_equal(parse(text, seed, &group_at, NULL), KT_OK);
  assert_memory_equal(seed, expected, sizeof seed);
}

static void expect_refusal(const char *text, const char *code, size_t group)
{
  uint8_t seed[KT_ACCOUNT_SEED_LEN];
  uint8_t untouched[KT_ACCOUNT_SEED_LEN];
  struct kt_reason reason = { .code = NULL };
  size_t group_at = 99;
  memset(seed, 0x77, sizeof seed);
  memset(untouched, 0x77, sizeof untouched);
  assert_int_equal(parse(text, seed, &group_at, &reason), KT_ERR_USAGE);
  assert_string_equal(reason.code, code);
  assert_int_equal(group_at, group);
  assert_memory_equal(seed, untouched, sizeof seed);
}

static void test_slips(void **state)
{
  (void)state;
  struct seed seed = seed_of(9);
  char text[KT_RECOVERY_TEXT_SIZE];
  char wrong[KT_RECOVERY_TEXT_SIZE];
  kt_recovery_key_format(seed.b, text);
  /* Every single wrong character is noticed, and its group is named. */
  for (size_t i = 5, group = 2; text[i] != '\0'; i++) {
    if (text[i] == ' ' || text[i] == '\n') {
      group++;
      continue;
    }
    memcpy(wrong, text, sizeof wrong);
    wrong[i] = text[i] == 'q' ? 'p' : 'q';
    expect_refusal(wrong, "recovery-checksum", group);
    wrong[i] = 'b'; /* no letter of Bech32 */
    expect_refusal(wrong, "recovery-character", group);
  }
  memcpy(wrong, text, sizeof wrong);
  wrong[strlen(wrong) - 5] = '\0'; /* the last group but a half is missing */
  expect_refusal(wrong, "recovery-length", 0);
  expect_refusal("", "recovery-length", 0);
  /* The other strip of paper, whole or not. */
  expect_refusal(VECTOR_CODE_ALICE, "recovery-prefix", 0);
  expect_refusal("KTP1-QQQQ", "recovery-prefix", 0);
  memcpy(wrong, VECTOR_CODE_ALICE, sizeof VECTOR_CODE_ALICE);
  wrong[20] = wrong[20] == 'q' ? 'p' : 'q';
  expect_refusal(wrong, "recovery-prefix", 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_independent_values),
    cmocka_unit_test(test_spellings),
    cmocka_unit_test(test_slips),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
