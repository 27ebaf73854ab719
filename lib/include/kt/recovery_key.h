/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery keys on paper: an Ed25519 seed as "ktr1" and 58 further characters (Bech32m; docs/formats.md), in groups of
 * four that a person copies by hand and types back. A device set lists the public key; whoever holds the seed may
 * endorse a new account key.
 *
 * The text is as secret as the seed: the caller wipes both. Nothing is kept here. */
#ifndef KT_RECOVERY_KEY_H
#define KT_RECOVERY_KEY_H

#include <kt/account_key.h>

KT_API_BEGIN

#define KT_RECOVERY_TEXT_LEN 62
#define KT_RECOVERY_GROUP_LEN 4
#define KT_RECOVERY_GROUPS 16
#define KT_RECOVERY_GROUPS_PER_LINE 4
/* With a separator after every group but the last, and a NUL. */
#define KT_RECOVERY_TEXT_SIZE (KT_RECOVERY_TEXT_LEN + KT_RECOVERY_GROUPS)

/* Lower case, four lines of four groups with blanks between, no line break at the end. */
void kt_recovery_key_format(const uint8_t seed[KT_AT_LEAST KT_ACCOUNT_SEED_LEN],
                            char ret_text[KT_AT_LEAST KT_RECOVERY_TEXT_SIZE]);

/* What a person typed, in either case; blanks, line breaks and dashes are ignored anywhere. KT_ERR_USAGE with a reason:
 * "recovery-length", "recovery-character", "recovery-case", "recovery-prefix", "recovery-checksum". *group_at is then
 * the group to look at again, counted from 1, or 0 when there is no hint; 0 on success as well. */
KT_MUST_USE enum kt_err kt_recovery_key_parse(struct kt_bytes typed, uint8_t ret_seed[KT_AT_LEAST KT_ACCOUNT_SEED_LEN],
                                              size_t *group_at, struct kt_reason *reason);

KT_API_END

#endif
