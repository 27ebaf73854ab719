/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/public_code.h>

#include "account/trim.h"
#include "base/base32.h"
#include "base/bech32m.h"
#include <kt/writer.h>
#include "crypto/hash.h"

#include <string.h>

#define PREFIX "ktp"

_Static_assert(KT_PUBLIC_CODE_LEN == sizeof PREFIX - 1 + 1 + KT_BITS5_COUNT(KT_HASH_LEN) + KT_BECH32M_CHECKSUM_LEN,
               "length of a public code");

enum kt_err kt_public_code_compute(const struct kt_hash *log_id, struct kt_bytes label,
                                   const struct kt_account_key *key, struct kt_public_code *ret_code)
{
  uint8_t buf[KT_HASH_LEN + 1 + KT_LABEL_MAX + KT_ACCOUNT_KEY_LEN];
  struct kt_writer w;
  if (label.len == 0 || label.len > KT_LABEL_MAX) {
    return KT_ERR_LIMIT;
  }
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_write_bytes(&w, log_id->b, sizeof log_id->b);
  kt_write_opaque8(&w, label);
  kt_write_bytes(&w, key->b, sizeof key->b);
  kt_sha256(buf, w.len, &ret_code->hash);
  return KT_OK;
}

void kt_public_code_format(const struct kt_public_code *code, char ret_text[static KT_PUBLIC_CODE_SIZE])
{
  char text[KT_BECH32M_TEXT_MAX + 1];
  struct kt_bech32m encoded = { .prefix = PREFIX };
  encoded.n_groups = kt_bits5_split((struct kt_bytes){ code->hash.b, sizeof code->hash.b }, encoded.groups);
  if (kt_bech32m_encode(&encoded, text) == KT_OK) { /* always: 62 characters of 90, and the prefix is ours */
    memcpy(ret_text, text, KT_PUBLIC_CODE_SIZE);
  }
}

static enum kt_err refuse(const struct kt_bech32m_fault *fault, struct kt_reason *reason)
{
  switch (fault->kind) {
  case KT_BECH32M_LENGTH:
  case KT_BECH32M_SEPARATOR: break;
  case KT_BECH32M_CHARACTER:
    return kt_fail(reason, KT_ERR_USAGE, "code-character", "a character that no public code contains", "ours");
  case KT_BECH32M_CASE:
    return kt_fail(reason, KT_ERR_USAGE, "code-case", "a public code has capital or small letters, not both", "ours");
  case KT_BECH32M_CHECKSUM:
    return kt_fail(reason, KT_ERR_USAGE, "code-checksum", "a character is wrong, missing or in the wrong place",
                   "ours");
  }
  return kt_fail(reason, KT_ERR_USAGE, "code-length", "a public code is ktp1 and 58 further characters", "ours");
}

enum kt_err kt_public_code_parse(struct kt_bytes typed, struct kt_public_code *ret_code, size_t *char_at,
                                 struct kt_reason *reason)
{
  struct kt_bech32m decoded;
  struct kt_bech32m_fault fault;
  struct kt_bytes text = kt_trim(typed);
  uint8_t hash[KT_BECH32M_TEXT_MAX];
  size_t len = 0;
  *char_at = 0;
  if (kt_bech32m_decode(text, &decoded, &fault) != KT_OK) {
    if (fault.at != KT_BECH32M_NOWHERE) {
      *char_at = (size_t)(text.data - typed.data) + fault.at + 1;
    }
    return refuse(&fault, reason);
  }
  if (strcmp(decoded.prefix, PREFIX) != 0) {
    return kt_fail(reason, KT_ERR_USAGE, "code-prefix", "a code of another kind: a public code begins with ktp1",
                   "ours");
  }
  if (kt_bits5_join(decoded.groups, decoded.n_groups, hash, &len) != KT_OK || len != KT_HASH_LEN) {
    return kt_fail(reason, KT_ERR_USAGE, "code-length", "a public code is ktp1 and 58 further characters", "ours");
  }
  memcpy(ret_code->hash.b, hash, KT_HASH_LEN);
  return KT_OK;
}

enum kt_err kt_public_code_check(const struct kt_public_code *code, const struct kt_hash *log_id, struct kt_bytes label,
                                 const struct kt_account_key *key, struct kt_reason *reason)
{
  struct kt_public_code expected;
  enum kt_err err = kt_public_code_compute(log_id, label, key, &expected);
  if (err != KT_OK) {
    return kt_fail(reason, err, "label-length", "a label has 1 to 255 bytes", "ours");
  }
  if (!kt_hash_equal(&code->hash, &expected.hash)) {
    return kt_fail(reason, KT_ERR_PROOF, "code-mismatch",
                   "the code is of another log, another label or another account key", "ours");
  }
  return KT_OK;
}
