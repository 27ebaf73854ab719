/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/recovery_key.h>

#include "base/base32.h"
#include "base/bech32m.h"
#include "crypto/hkdf.h"

#include <string.h>

#define PREFIX "ktr"
#define SECTION "ours"

_Static_assert(KT_RECOVERY_TEXT_LEN ==
                   sizeof PREFIX - 1 + 1 + KT_BITS5_COUNT(KT_ACCOUNT_SEED_LEN) + KT_BECH32M_CHECKSUM_LEN,
               "length of a recovery key");
_Static_assert(KT_RECOVERY_GROUPS == (KT_RECOVERY_TEXT_LEN + KT_RECOVERY_GROUP_LEN - 1) / KT_RECOVERY_GROUP_LEN,
               "groups of a recovery key");

static const char length_text[] = "a recovery key is ktr1 and 58 further characters";

void kt_recovery_key_format(const uint8_t seed[static KT_ACCOUNT_SEED_LEN], char ret_text[static KT_RECOVERY_TEXT_SIZE])
{
  char text[KT_BECH32M_TEXT_MAX + 1] = "";
  struct kt_bech32m code = { .prefix = PREFIX };
  size_t at = 0;
  code.n_groups = kt_bits5_split((struct kt_bytes){ seed, KT_ACCOUNT_SEED_LEN }, code.groups);
  enum kt_err err = kt_bech32m_encode(&code, text); /* never fails: 62 characters of 90, and the prefix is ours */
  for (size_t i = 0; err == KT_OK && i < KT_RECOVERY_TEXT_LEN; i++) {
    if (i > 0 && i % KT_RECOVERY_GROUP_LEN == 0) {
      bool line_is_full = i % ((size_t)KT_RECOVERY_GROUP_LEN * KT_RECOVERY_GROUPS_PER_LINE) == 0;
      ret_text[at++] = line_is_full ? '\n' : ' ';
    }
    ret_text[at++] = text[i];
  }
  ret_text[at] = '\0';
  kt_wipe(text, sizeof text);
  kt_wipe(&code, sizeof code);
}

static bool is_separator(uint8_t c)
{
  return c == ' ' || c == '-' || (c >= '\t' && c <= '\r');
}

/* Without separators; the number of characters, at most max + 1 when there are more. */
static size_t compact(struct kt_bytes typed, char *ret_text, size_t max)
{
  size_t n = 0;
  for (size_t i = 0; i < typed.len && n <= max; i++) {
    if (!is_separator(typed.data[i])) {
      ret_text[n++] = (char)typed.data[i];
    }
  }
  return n;
}

static enum kt_err refuse(const struct kt_bech32m_fault *fault, size_t *group_at, struct kt_reason *reason)
{
  if (fault->at != KT_BECH32M_NOWHERE) {
    *group_at = fault->at / KT_RECOVERY_GROUP_LEN + 1;
  }
  switch (fault->kind) {
  case KT_BECH32M_LENGTH:
  case KT_BECH32M_SEPARATOR: break;
  case KT_BECH32M_CHARACTER:
    return kt_fail(reason, KT_ERR_USAGE, "recovery-character", "a character that no recovery key contains", SECTION);
  case KT_BECH32M_CASE:
    return kt_fail(reason, KT_ERR_USAGE, "recovery-case", "a recovery key has capital or small letters, not both",
                   SECTION);
  case KT_BECH32M_CHECKSUM:
    return kt_fail(reason, KT_ERR_USAGE, "recovery-checksum", "a character is wrong, missing or in the wrong place",
                   SECTION);
  }
  return kt_fail(reason, KT_ERR_USAGE, "recovery-length", length_text, SECTION);
}

static enum kt_err decode(struct kt_bytes text, uint8_t ret_seed[static KT_ACCOUNT_SEED_LEN], size_t *group_at,
                          struct kt_reason *reason)
{
  struct kt_bech32m code;
  struct kt_bech32m_fault fault;
  uint8_t bytes[KT_BECH32M_TEXT_MAX];
  size_t len = 0;
  enum kt_err err = KT_OK;
  if (kt_bech32m_decode(text, &code, &fault) != KT_OK) {
    return refuse(&fault, group_at, reason);
  }
  if (strcmp(code.prefix, PREFIX) != 0) {
    err = kt_fail(reason, KT_ERR_USAGE, "recovery-prefix", "something else: a recovery key begins with ktr1", SECTION);
  } else if (kt_bits5_join(code.groups, code.n_groups, bytes, &len) != KT_OK || len != KT_ACCOUNT_SEED_LEN) {
    err = kt_fail(reason, KT_ERR_USAGE, "recovery-length", length_text, SECTION);
  } else {
    memcpy(ret_seed, bytes, KT_ACCOUNT_SEED_LEN);
  }
  kt_wipe(bytes, sizeof bytes);
  kt_wipe(&code, sizeof code);
  return err;
}

/* Somebody with two strips of paper takes the wrong one, mistyped or not. */
static bool is_public_code(const char *text, size_t len)
{
  return len >= 4 && (memcmp(text, "ktp1", 4) == 0 || memcmp(text, "KTP1", 4) == 0);
}

enum kt_err kt_recovery_key_parse(struct kt_bytes typed, uint8_t ret_seed[static KT_ACCOUNT_SEED_LEN], size_t *group_at,
                                  struct kt_reason *reason)
{
  char text[KT_BECH32M_TEXT_MAX + 1];
  size_t len = compact(typed, text, KT_BECH32M_TEXT_MAX);
  *group_at = 0;
  enum kt_err err;
  if (is_public_code(text, len)) {
    err = kt_fail(reason, KT_ERR_USAGE, "recovery-prefix",
                  "a public code, which is there for others to check: a recovery key begins with ktr1", SECTION);
  } else if (len != KT_RECOVERY_TEXT_LEN) { /* the checksum of a text that lost a group tells nobody what is missing */
    err = kt_fail(reason, KT_ERR_USAGE, "recovery-length", length_text, SECTION);
  } else {
    err = decode((struct kt_bytes){ (const uint8_t *)text, len }, ret_seed, group_at, reason);
  }
  kt_wipe(text, sizeof text);
  return err;
}
