/* SPDX-License-Identifier: Apache-2.0 */
/* A public code as a person typed it, Bech32m below it, and the other ways to write bytes as text. The first byte
 * selects: 'c' a code; 'm' any Bech32m text; 'g' a prefix, a zero byte and groups of five bits to be written; 'b'
 * Base32, Base64, hex. What is read is written so that it reads the same, a refusal says why, and the place it names is
 * inside what was typed. */
#include "fuzz.h"

#include <kt/public_code.h>

#include <strings.h>

#include "base/base32.h"
#include "base/bech32m.h"
#include "base/hex.h"

#define GROUP_MASK 31

static struct kt_bytes text_of(const char *text)
{
  return (struct kt_bytes){ (const uint8_t *)text, strlen(text) };
}

static void check_code(struct kt_bytes typed)
{
  struct kt_public_code code;
  struct kt_public_code again;
  struct kt_reason reason = { 0 };
  char text[KT_PUBLIC_CODE_SIZE];
  size_t char_at = SIZE_MAX;
  enum kt_err err = kt_public_code_parse(typed, &code, &char_at, &reason);
  FUZZ_CHECK(char_at <= typed.len);
  if (err != KT_OK) {
    FUZZ_CHECK(err == KT_ERR_USAGE && reason.code != NULL);
    return;
  }
  FUZZ_CHECK(char_at == 0 && reason.code == NULL);
  kt_public_code_format(&code, text);
  FUZZ_CHECK(strlen(text) == KT_PUBLIC_CODE_LEN);
  FUZZ_CHECK(kt_public_code_parse(text_of(text), &again, &char_at, &reason) == KT_OK);
  FUZZ_CHECK(memcmp(&code, &again, sizeof code) == 0);
}

static void check_same(const struct kt_bech32m *a, const struct kt_bech32m *b)
{
  FUZZ_CHECK(strcmp(a->prefix, b->prefix) == 0 && a->n_groups == b->n_groups);
  FUZZ_CHECK(memcmp(a->groups, b->groups, a->n_groups) == 0);
}

static void check_bech32m(struct kt_bytes typed)
{
  struct kt_bech32m code;
  struct kt_bech32m again;
  struct kt_bech32m_fault fault = { .at = 0 };
  char text[KT_BECH32M_TEXT_MAX + 1];
  if (kt_bech32m_decode(typed, &code, &fault) != KT_OK) {
    FUZZ_CHECK(fault.at == KT_BECH32M_NOWHERE || fault.at < typed.len);
    return;
  }
  FUZZ_CHECK(kt_bech32m_encode(&code, text) == KT_OK && strlen(text) == typed.len);
  FUZZ_CHECK(kt_bech32m_decode(text_of(text), &again, &fault) == KT_OK);
  check_same(&code, &again);
}

/* BIP 350: a single wrong character is always noticed. (Without its separator it is another text altogether.) */
static void check_typo(char *text, size_t len, size_t at)
{
  struct kt_bech32m code;
  struct kt_bech32m_fault fault;
  char *typo = &text[at % len];
  if (*typo == '1') {
    return;
  }
  *typo = *typo == 'q' ? 'p' : 'q';
  FUZZ_CHECK(kt_bech32m_decode((struct kt_bytes){ (const uint8_t *)text, len }, &code, &fault) == KT_ERR_FORMAT);
}

static void check_groups(struct kt_bytes input)
{
  struct kt_bech32m code = { .n_groups = 0 };
  struct kt_bech32m again;
  struct kt_bech32m_fault fault;
  char text[KT_BECH32M_TEXT_MAX + 1];
  const uint8_t *end = memchr(input.data, 0, input.len);
  size_t prefix_len = end != NULL ? (size_t)(end - input.data) : input.len;
  size_t n_groups = end != NULL ? input.len - prefix_len - 1 : 0;
  if (prefix_len > KT_BECH32M_PREFIX_MAX || n_groups > sizeof code.groups) {
    return;
  }
  memcpy(code.prefix, input.data, prefix_len);
  for (code.n_groups = 0; code.n_groups < n_groups; code.n_groups++) {
    code.groups[code.n_groups] = input.data[prefix_len + 1 + code.n_groups] & GROUP_MASK;
  }
  if (kt_bech32m_encode(&code, text) != KT_OK) {
    return;
  }
  size_t len = strlen(text);
  FUZZ_CHECK(kt_bech32m_decode((struct kt_bytes){ (const uint8_t *)text, len }, &again, &fault) == KT_OK);
  check_same(&code, &again);
  check_typo(text, len, input.data[input.len - 1]);
}

static void check_bytes(struct kt_bytes typed)
{
  const char *text = (const char *)typed.data;
  uint8_t bytes[512];
  char again[KT_HEX_SIZE(sizeof bytes)];
  size_t len = 0;
  if (typed.len > sizeof bytes) {
    return;
  }
  if (kt_base32_decode(text, typed.len, bytes, &len) == KT_OK) {
    FUZZ_CHECK(kt_base32_encode((struct kt_bytes){ bytes, len }, again) == typed.len);
    FUZZ_CHECK(memcmp(again, text, typed.len) == 0);
  }
  if (kt_base64_decode(text, typed.len, sizeof bytes, bytes, &len) == KT_OK) {
    FUZZ_CHECK(kt_base64_encode((struct kt_bytes){ bytes, len }, again) == typed.len);
    FUZZ_CHECK(memcmp(again, text, typed.len) == 0);
  }
  if (kt_hex_decode(text, typed.len, sizeof bytes, bytes, &len) == KT_OK) {
    FUZZ_CHECK(kt_hex_encode((struct kt_bytes){ bytes, len }, again) == typed.len);
    FUZZ_CHECK(strncasecmp(again, text, typed.len) == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  if (!fuzz_split(data, size, &input)) {
    return 0;
  }
  switch (input.selector) {
  case 'c': check_code(input.rest); break;
  case 'm': check_bech32m(input.rest); break;
  case 'b': check_bytes(input.rest); break;
  case 'g':
    if (input.rest.len > 0) {
      check_groups(input.rest);
    }
    break;
  default: break;
  }
  return 0;
}
