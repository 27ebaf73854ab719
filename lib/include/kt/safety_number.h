/* SPDX-License-Identifier: Apache-2.0 */
/* Safety numbers: 60 digits that two people compare, the same on both sides (docs/formats.md; Signal's numeric
 * fingerprint). They derive from account keys and labels, so adding a device changes nobody's number.
 *
 * The program compares what the person typed or pasted; people skim. No memory is kept; computing one takes some
 * 10400 SHA-512 hashes (milliseconds). */
#ifndef KT_SAFETY_NUMBER_H
#define KT_SAFETY_NUMBER_H

#include <kt/account_key.h>

KT_API_BEGIN

#define KT_SAFETY_NUMBER_DIGITS 60
#define KT_SAFETY_NUMBER_GROUPS 12
#define KT_SAFETY_NUMBER_GROUP_LEN 5
/* 3 lines of 4 groups: digits, separators (a space or a line feed after each group but the last), NUL. */
#define KT_SAFETY_NUMBER_TEXT_SIZE (KT_SAFETY_NUMBER_DIGITS + KT_SAFETY_NUMBER_GROUPS)

struct kt_safety_number {
  char digits[KT_SAFETY_NUMBER_DIGITS + 1]; /* NUL-terminated */
};

/* The order of the two sides does not matter. */
void kt_safety_number_compute(const struct kt_account_key *key_a, struct kt_bytes label_a,
                              const struct kt_account_key *key_b, struct kt_bytes label_b,
                              struct kt_safety_number *ret_number);

/* What a person reads aloud: three lines of four groups, without a line feed at the end. */
void kt_safety_number_format(const struct kt_safety_number *number,
                             char ret_text[KT_AT_LEAST KT_SAFETY_NUMBER_TEXT_SIZE]);

/* What a person typed or pasted: blanks, dashes and line breaks are ignored. KT_ERR_USAGE with a reason for anything
 * else ("code-digits") and for a wrong number of digits ("code-length"): a slip, not a mismatch. */
KT_MUST_USE enum kt_err kt_safety_number_parse(struct kt_bytes typed, struct kt_safety_number *ret_number,
                                               struct kt_reason *reason);

/* Bit i is set when group i (from 0) differs; 0 is a match. */
uint16_t kt_safety_number_compare(const struct kt_safety_number *a, const struct kt_safety_number *b);

KT_API_END

#endif
