/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bech32m.h"

#include <string.h>

#define CHECKSUM_CONSTANT 0x2bc830a3u
#define LETTERS "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

/* One step of the division by BIP 350's generator polynomial over GF(32). */
static uint32_t polymod_step(uint32_t remainder, uint8_t value)
{
  static const uint32_t generator[5] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
  uint32_t top = remainder >> 25;
  remainder = (remainder & 0x1ffffff) << 5 ^ value;
  for (unsigned i = 0; i < 5; i++) {
    if ((top >> i & 1) != 0) {
      remainder ^= generator[i];
    }
  }
  return remainder;
}

static uint32_t polymod(uint32_t remainder, const uint8_t *values, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    remainder = polymod_step(remainder, values[i]);
  }
  return remainder;
}

/* The prefix, expanded as BIP 173 does it: high bits of all characters, a zero, low bits. */
static uint32_t prefix_polymod(const char *prefix)
{
  uint32_t remainder = 1;
  for (const char *c = prefix; *c != '\0'; c++) {
    remainder = polymod_step(remainder, (uint8_t)*c >> 5);
  }
  remainder = polymod_step(remainder, 0);
  for (const char *c = prefix; *c != '\0'; c++) {
    remainder = polymod_step(remainder, (uint8_t)*c & 0x1f);
  }
  return remainder;
}

enum kt_err kt_bech32m_encode(const struct kt_bech32m *code, char ret_text[static KT_BECH32M_TEXT_MAX + 1])
{
  static const uint8_t zeros[KT_BECH32M_CHECKSUM_LEN];
  size_t prefix_len = strlen(code->prefix);
  if (prefix_len + 1 + code->n_groups + KT_BECH32M_CHECKSUM_LEN > KT_BECH32M_TEXT_MAX) {
    return KT_ERR_LIMIT;
  }
  for (size_t i = 0; i < prefix_len; i++) {
    char c = code->prefix[i];
    if (c < '!' || c > '~' || (c >= 'A' && c <= 'Z')) {
      return KT_ERR_USAGE;
    }
  }
  if (prefix_len == 0) {
    return KT_ERR_USAGE;
  }
  uint32_t checksum = polymod(prefix_polymod(code->prefix), code->groups, code->n_groups);
  checksum = polymod(checksum, zeros, sizeof zeros) ^ CHECKSUM_CONSTANT;
  char *at = ret_text;
  memcpy(at, code->prefix, prefix_len);
  at += prefix_len;
  *at++ = '1';
  for (size_t i = 0; i < code->n_groups; i++) {
    *at++ = LETTERS[code->groups[i] & 0x1f];
  }
  for (unsigned i = 0; i < KT_BECH32M_CHECKSUM_LEN; i++) {
    *at++ = LETTERS[checksum >> 5 * (KT_BECH32M_CHECKSUM_LEN - 1 - i) & 0x1f];
  }
  *at = '\0';
  return KT_OK;
}

static enum kt_err fail(struct kt_bech32m_fault *fault, enum kt_bech32m_fault_kind kind, size_t at)
{
  *fault = (struct kt_bech32m_fault){ kind, at };
  return KT_ERR_FORMAT;
}

/* Into lower case. BIP 173: "Decoders MUST NOT accept strings where some characters are uppercase and some are
 * lowercase"; characters are those from 33 to 126. */
static enum kt_err lower(struct kt_bytes text, char ret_text[static KT_BECH32M_TEXT_MAX + 1],
                         struct kt_bech32m_fault *fault)
{
  bool has_upper = false;
  bool has_lower = false;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.data[i];
    bool is_upper = c >= 'A' && c <= 'Z';
    if (c < 33 || c > 126) {
      return fail(fault, KT_BECH32M_CHARACTER, i);
    }
    has_upper = has_upper || is_upper;
    has_lower = has_lower || (c >= 'a' && c <= 'z');
    if (has_upper && has_lower) {
      return fail(fault, KT_BECH32M_CASE, i);
    }
    ret_text[i] = (char)(is_upper ? c - 'A' + 'a' : c);
  }
  ret_text[text.len] = '\0';
  return KT_OK;
}

/* The one index whose change alone would make the remainder right, or KT_BECH32M_NOWHERE. The checksum is linear: a
 * change of value v at the i-th group from the end adds the remainder of v * x^i. */
static size_t locate(uint32_t remainder, size_t n)
{
  size_t found = KT_BECH32M_NOWHERE;
  uint32_t wanted = remainder ^ CHECKSUM_CONSTANT;
  for (uint8_t change = 1; change < 32; change++) {
    uint32_t effect = change;
    for (size_t from_end = 0; from_end < n; from_end++) {
      if (effect == wanted) {
        found = n - 1 - from_end;
      }
      effect = polymod_step(effect, 0);
    }
  }
  return found;
}

enum kt_err kt_bech32m_decode(struct kt_bytes text, struct kt_bech32m *ret_code, struct kt_bech32m_fault *fault)
{
  char low[KT_BECH32M_TEXT_MAX + 1];
  struct kt_bech32m code = { .n_groups = 0 };
  if (text.len > KT_BECH32M_TEXT_MAX || text.len < 1 + 1 + KT_BECH32M_CHECKSUM_LEN) {
    return fail(fault, KT_BECH32M_LENGTH, KT_BECH32M_NOWHERE);
  }
  enum kt_err err = lower(text, low, fault);
  if (err != KT_OK) {
    return err;
  }
  /* BIP 173: "In case '1' is allowed inside the human-readable part, the last one in the string is the separator". */
  const char *separator = strrchr(low, '1');
  size_t prefix_len = separator == NULL ? 0 : (size_t)(separator - low);
  if (prefix_len == 0 || text.len - prefix_len - 1 < KT_BECH32M_CHECKSUM_LEN) {
    return fail(fault, KT_BECH32M_SEPARATOR, KT_BECH32M_NOWHERE);
  }
  memcpy(code.prefix, low, prefix_len);
  size_t n = 0;
  for (size_t i = prefix_len + 1; i < text.len; i++) {
    const char *letter = strchr(LETTERS, low[i]);
    if (letter == NULL) {
      return fail(fault, KT_BECH32M_CHARACTER, i);
    }
    code.groups[n++] = (uint8_t)(letter - LETTERS);
  }
  uint32_t remainder = polymod(prefix_polymod(code.prefix), code.groups, n);
  if (remainder != CHECKSUM_CONSTANT) {
    size_t at = locate(remainder, n);
    return fail(fault, KT_BECH32M_CHECKSUM, at == KT_BECH32M_NOWHERE ? at : prefix_len + 1 + at);
  }
  code.n_groups = n - KT_BECH32M_CHECKSUM_LEN;
  memset(code.groups + code.n_groups, 0, KT_BECH32M_CHECKSUM_LEN);
  *ret_code = code;
  return KT_OK;
}
