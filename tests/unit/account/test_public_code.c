/* SPDX-License-Identifier: Apache-2.0 */
/* Public codes: values from make_code_vectors.py, and everything a person can get wrong. */
#include "accounts.h"

#include <kt/public_code.h>

#include "code_vectors.h"

static struct kt_hash vector_log(void)
{
  struct kt_hash log_id;
  for (size_t i = 0; i < sizeof log_id.b; i++) {
    log_id.b[i] = (uint8_t)i;
  }
  return log_id;
}

static struct kt_account_key vector_key(uint8_t byte)
{
  struct kt_account_key key;
  memset(key.b, byte, sizeof key.b);
  key.b[0] = KT_ACCOUNT_KEY_TYPE;
  return key;
}

static struct kt_public_code parsed(const char *text)
{
  struct kt_public_code code;
  size_t char_at = 99;
  assert_int_equal(
      kt_public_code_parse((struct kt_bytes){ (const uint8_t *)text, strlen(text) }, &code, &char_at, NULL), KT_OK);
  assert_int_equal(char_at, 0);
  return code;
}

static void assert_vector(const char *text, struct kt_bytes label, uint8_t key_byte)
{
  const struct kt_hash log_id = vector_log();
  const struct kt_account_key key = vector_key(key_byte);
  struct kt_public_code code;
  char made[KT_PUBLIC_CODE_SIZE];
  assert_int_equal(kt_public_code_compute(&log_id, label, &key, &code), KT_OK);
  kt_public_code_format(&code, made);
  assert_string_equal(made, text);
  code = parsed(text);
  assert_int_equal(kt_public_code_check(&code, &log_id, label, &key, NULL), KT_OK);
}

static void independent_values(void **state)
{
  (void)state;
  uint8_t longest[KT_LABEL_MAX];
  memset(longest, 'x', sizeof longest);
  assert_vector(VECTOR_CODE_ALICE, BYTES("alice@example.org"), 0x0a);
  assert_vector(VECTOR_CODE_BOB,
                BYTES("b\xc3\xb8"
                      "b"),
                0x0b);
  assert_vector(VECTOR_CODE_LONG, (struct kt_bytes){ longest, sizeof longest }, 0x0a);
}

static void what_people_paste_is_read(void **state)
{
  (void)state;
  struct kt_public_code code = parsed(VECTOR_CODE_ALICE);
  struct kt_public_code pasted = parsed(" \t" VECTOR_CODE_ALICE "\r\n");
  assert_memory_equal(&pasted, &code, sizeof code);
  char upper[KT_PUBLIC_CODE_SIZE] = VECTOR_CODE_ALICE;
  for (size_t i = 0; i < KT_PUBLIC_CODE_LEN; i++) {
    upper[i] = (char)(upper[i] >= 'a' ? upper[i] - 'a' + 'A' : upper[i]);
  }
  pasted = parsed(upper);
  assert_memory_equal(&pasted, &code, sizeof code);
}

static void assert_refused(struct kt_bytes typed, const char *reason_code, size_t expected_at)
{
  struct kt_public_code code = { { { 1, 2, 3 } } };
  const struct kt_public_code untouched = code;
  struct kt_reason reason = { 0 };
  size_t char_at = 99;
  assert_int_equal(kt_public_code_parse(typed, &code, &char_at, &reason), KT_ERR_USAGE);
  assert_string_equal(reason.code, reason_code);
  assert_int_equal(char_at, expected_at);
  assert_memory_equal(&code, &untouched, sizeof code);
}

static void slips_are_named_and_located(void **state)
{
  (void)state;
  char typed[] = "  " VECTOR_CODE_ALICE;
  const struct kt_bytes text = { (const uint8_t *)typed, sizeof typed - 1 };
  typed[20] = typed[20] == 'q' ? 'p' : 'q';
  assert_refused(text, "code-checksum", 21);
  typed[20] = 'b'; /* no letter of Bech32 */
  assert_refused(text, "code-character", 21);
  typed[20] = 'Q';
  assert_refused(text, "code-case", 21);
  typed[20] = '\0';
  assert_refused(text, "code-character", 21);
  assert_refused(BYTES(""), "code-length", 0);
  assert_refused(BYTES(" \n"), "code-length", 0);
  assert_refused(BYTES("ktp1"), "code-length", 0);
  assert_refused(BYTES("300354477692869396892869876765458257569162576843440918079131"), "code-length", 0);
  assert_refused(BYTES("a1lqfn3a"), "code-prefix", 0);
  /* Whole codes of other lengths, their checksums right: 0 bytes, and a segwit address. */
  assert_refused(BYTES("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"), "code-prefix", 0);
  assert_refused(BYTES("ktp1" VECTOR_CODE_ALICE VECTOR_CODE_ALICE), "code-length", 0);
}

/* The hint is right wherever the wrong character stands, and every wrong length of a code is refused. */
static void every_single_slip_is_noticed(void **state)
{
  (void)state;
  static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  for (size_t i = 4; i < KT_PUBLIC_CODE_LEN; i++) {
    char typed[] = VECTOR_CODE_ALICE;
    for (size_t k = 0; k < 32; k++) {
      typed[i] = letters[k];
      if (typed[i] != VECTOR_CODE_ALICE[i]) {
        assert_refused((struct kt_bytes){ (const uint8_t *)typed, KT_PUBLIC_CODE_LEN }, "code-checksum", i + 1);
      }
    }
  }
  for (size_t len = 0; len < KT_PUBLIC_CODE_LEN; len++) {
    struct kt_public_code code;
    size_t char_at;
    assert_int_equal(
        kt_public_code_parse((struct kt_bytes){ (const uint8_t *)VECTOR_CODE_ALICE, len }, &code, &char_at, NULL),
        KT_ERR_USAGE);
  }
}

static void assert_mismatch(const struct kt_hash *log_id, struct kt_bytes label, const struct kt_account_key *key)
{
  const struct kt_public_code code = parsed(VECTOR_CODE_ALICE);
  struct kt_reason reason = { 0 };
  assert_int_equal(kt_public_code_check(&code, log_id, label, key, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, "code-mismatch");
}

static void another_log_label_or_key_is_a_mismatch(void **state)
{
  (void)state;
  struct kt_hash log_id = vector_log();
  struct kt_account_key key = vector_key(0x0a);
  const struct kt_bytes label = BYTES("alice@example.org");
  assert_mismatch(&log_id, BYTES("alice@example.or"), &key);
  assert_mismatch(&log_id, BYTES("alice@example.orgE"), &key); /* the key's first byte, moved into the label */
  for (size_t i = 0; i < sizeof log_id.b; i++) {
    log_id.b[i] ^= 0x80;
    assert_mismatch(&log_id, label, &key);
    log_id.b[i] ^= 0x80;
  }
  for (size_t i = 0; i < sizeof key.b; i++) {
    key.b[i] ^= 1;
    assert_mismatch(&log_id, label, &key);
    key.b[i] ^= 1;
  }
}

static void labels_have_limits(void **state)
{
  (void)state;
  const struct kt_hash log_id = vector_log();
  const struct kt_account_key key = vector_key(0x0a);
  uint8_t label[KT_LABEL_MAX + 1] = { 'x' };
  struct kt_public_code code;
  struct kt_reason reason = { 0 };
  assert_int_equal(kt_public_code_compute(&log_id, (struct kt_bytes){ label, 0 }, &key, &code), KT_ERR_LIMIT);
  assert_int_equal(kt_public_code_compute(&log_id, (struct kt_bytes){ label, sizeof label }, &key, &code),
                   KT_ERR_LIMIT);
  code = parsed(VECTOR_CODE_ALICE);
  assert_int_equal(kt_public_code_check(&code, &log_id, (struct kt_bytes){ label, sizeof label }, &key, &reason),
                   KT_ERR_LIMIT);
  assert_string_equal(reason.code, "label-length");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(independent_values),
    account_test(what_people_paste_is_read),
    account_test(slips_are_named_and_located),
    account_test(every_single_slip_is_noticed),
    account_test(another_log_label_or_key_is_a_mismatch),
    account_test(labels_have_limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
