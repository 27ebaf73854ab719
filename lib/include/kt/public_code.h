/* SPDX-License-Identifier: Apache-2.0 */
/* Public codes: "ktp1" and 58 characters, to post on a web site or print on a card (docs/formats.md). A code names one
 * log, one label and one account key; adding a device does not change it.
 *
 * Pure functions over public values; no memory is kept. A label is 1 to KT_LABEL_MAX bytes (KT_ERR_LIMIT). A code that
 * does not parse is a slip (KT_ERR_USAGE), one that parses and does not match is a mismatch (KT_ERR_PROOF). */
#ifndef KT_PUBLIC_CODE_H
#define KT_PUBLIC_CODE_H

#include <kt/account_key.h>

KT_API_BEGIN

#define KT_PUBLIC_CODE_LEN 62
#define KT_PUBLIC_CODE_SIZE (KT_PUBLIC_CODE_LEN + 1)

struct kt_public_code {
  struct kt_hash hash;
};

KT_MUST_USE enum kt_err kt_public_code_compute(const struct kt_hash *log_id, struct kt_bytes label,
                                               const struct kt_account_key *key, struct kt_public_code *ret_code);

/* Lower case, NUL-terminated. */
void kt_public_code_format(const struct kt_public_code *code, char ret_text[KT_AT_LEAST KT_PUBLIC_CODE_SIZE]);

/* What a person typed, pasted or scanned, in either case; white space around it is ignored. KT_ERR_USAGE with a reason:
 * "code-length", "code-character", "code-case", "code-prefix", "code-checksum". *char_at is then the character of
 * `typed` to look at again, counted in bytes from 1, or 0 when there is no hint; 0 on success as well. */
KT_MUST_USE enum kt_err kt_public_code_parse(struct kt_bytes typed, struct kt_public_code *ret_code, size_t *char_at,
                                             struct kt_reason *reason);

/* KT_ERR_PROOF ("code-mismatch"): a code of another log, another label or another account key; which of them, a hash
 * cannot tell. */
KT_MUST_USE enum kt_err kt_public_code_check(const struct kt_public_code *code, const struct kt_hash *log_id,
                                             struct kt_bytes label, const struct kt_account_key *key,
                                             struct kt_reason *reason);

KT_API_END

#endif
