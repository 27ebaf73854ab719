/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/safety_number.h>

#include "crypto/sha512.h"

#include <string.h>

#define ITERATIONS 5200
#define SIDE_DIGITS (KT_SAFETY_NUMBER_DIGITS / 2)
#define GROUPS_PER_LINE 4

/* h1 = SHA-512(0x0000 || K || id || K), hi = SHA-512(hi-1 || K): 5200 hashes in all. */
static void side_hash(const struct kt_account_key *key, struct kt_bytes label, uint8_t ret[static KT_SHA512_LEN])
{
  static const uint8_t version[2] = { 0, 0 };
  const struct kt_bytes k = { key->b, sizeof key->b };
  const struct kt_bytes first[] = { { version, sizeof version }, k, label, k };
  const struct kt_bytes further[] = { { ret, KT_SHA512_LEN }, k };
  kt_sha512(first, 4, ret);
  for (int i = 1; i < ITERATIONS; i++) {
    kt_sha512(further, 2, ret);
  }
}

/* Six big-endian 5-byte integers modulo 100000, five digits each. */
static void side_digits(const struct kt_account_key *key, struct kt_bytes label, char ret[static SIDE_DIGITS])
{
  uint8_t hash[KT_SHA512_LEN];
  side_hash(key, label, hash);
  for (size_t group = 0; group < SIDE_DIGITS / KT_SAFETY_NUMBER_GROUP_LEN; group++) {
    uint64_t number = 0;
    for (size_t i = 0; i < 5; i++) {
      number = number << 8 | hash[5 * group + i];
    }
    number %= 100000;
    for (size_t i = KT_SAFETY_NUMBER_GROUP_LEN; i > 0; i--) {
      ret[group * KT_SAFETY_NUMBER_GROUP_LEN + i - 1] = (char)('0' + number % 10);
      number /= 10;
    }
  }
}

void kt_safety_number_compute(const struct kt_account_key *key_a, struct kt_bytes label_a,
                              const struct kt_account_key *key_b, struct kt_bytes label_b,
                              struct kt_safety_number *ret_number)
{
  char a[SIDE_DIGITS];
  char b[SIDE_DIGITS];
  side_digits(key_a, label_a, a);
  side_digits(key_b, label_b, b);
  bool a_first = memcmp(a, b, SIDE_DIGITS) <= 0;
  memcpy(ret_number->digits, a_first ? a : b, SIDE_DIGITS);
  memcpy(ret_number->digits + SIDE_DIGITS, a_first ? b : a, SIDE_DIGITS);
  ret_number->digits[KT_SAFETY_NUMBER_DIGITS] = '\0';
}

void kt_safety_number_format(const struct kt_safety_number *number, char ret_text[static KT_SAFETY_NUMBER_TEXT_SIZE])
{
  for (size_t group = 0; group < KT_SAFETY_NUMBER_GROUPS; group++) {
    char *at = ret_text + group * (KT_SAFETY_NUMBER_GROUP_LEN + 1);
    memcpy(at, number->digits + group * KT_SAFETY_NUMBER_GROUP_LEN, KT_SAFETY_NUMBER_GROUP_LEN);
    at[KT_SAFETY_NUMBER_GROUP_LEN] = group % GROUPS_PER_LINE == GROUPS_PER_LINE - 1 ? '\n' : ' ';
  }
  ret_text[KT_SAFETY_NUMBER_TEXT_SIZE - 1] = '\0'; /* in place of the last separator */
}

enum kt_err kt_safety_number_parse(struct kt_bytes typed, struct kt_safety_number *ret_number, struct kt_reason *reason)
{
  struct kt_safety_number number = { { 0 } };
  size_t n = 0;
  for (size_t i = 0; i < typed.len; i++) {
    uint8_t c = typed.data[i];
    if (c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n') {
      continue;
    }
    if (c < '0' || c > '9') {
      return kt_fail(reason, KT_ERR_USAGE, "code-digits", "a safety number consists of digits only", "ours");
    }
    if (n < KT_SAFETY_NUMBER_DIGITS) {
      number.digits[n] = (char)c;
    }
    n++;
  }
  if (n != KT_SAFETY_NUMBER_DIGITS) {
    return kt_fail(reason, KT_ERR_USAGE, "code-length", "a safety number has 60 digits", "ours");
  }
  *ret_number = number;
  return KT_OK;
}

uint16_t kt_safety_number_compare(const struct kt_safety_number *a, const struct kt_safety_number *b)
{
  unsigned differing = 0;
  for (size_t group = 0; group < KT_SAFETY_NUMBER_GROUPS; group++) {
    size_t at = group * KT_SAFETY_NUMBER_GROUP_LEN;
    if (memcmp(a->digits + at, b->digits + at, KT_SAFETY_NUMBER_GROUP_LEN) != 0) {
      differing |= 1u << group;
    }
  }
  return (uint16_t)differing;
}
