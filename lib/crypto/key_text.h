/* SPDX-License-Identifier: Apache-2.0 */
/* A role's key as one line of text (docs/formats.md, Key files): "kt-public-key/1 ROLE SUITE HEX" for a public key,
 * "kt-key/1 ROLE SUITE HEX" for the seed of a secret one, each with a line break. The role and the suite are in the
 * line, so that a key is not taken for another role's or for another kind of log's. Suites are "ed25519" and "p256".
 *
 * Plain functions on text; a caller that handles a seed wipes its own buffers. */
#ifndef KT_CRYPTO_KEY_TEXT_H
#define KT_CRYPTO_KEY_TEXT_H

#include <kt/suite.h>

/* NULL for a word that names no suite. */
const struct kt_suite *kt_suite_by_word(const char *word);
const char *kt_suite_word(const struct kt_suite *suite);

#define KT_KEY_TEXT_MAX 224 /* bytes of a line, the line break included */
#define KT_KEY_ROLE_MAX 16

/* Length of the line; it is not terminated. role: at most KT_KEY_ROLE_MAX characters, no blank. */
size_t kt_public_key_text(const char *role, const struct kt_suite *suite, struct kt_bytes key,
                          char ret_line[static KT_KEY_TEXT_MAX]);
size_t kt_seed_text(const char *role, const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN],
                    char ret_line[static KT_KEY_TEXT_MAX]);

/* KT_ERR_FORMAT: not such a line, of another role, or a key that is not usable in its suite. */
KT_MUST_USE enum kt_err kt_public_key_read(struct kt_bytes line, const char *role, const struct kt_suite **ret_suite,
                                           uint8_t ret_key[static KT_PUBLIC_KEY_MAX]);
KT_MUST_USE enum kt_err kt_seed_read(struct kt_bytes line, const char *role, const struct kt_suite **ret_suite,
                                     uint8_t ret_seed[static KT_SEED_LEN]);

#endif
