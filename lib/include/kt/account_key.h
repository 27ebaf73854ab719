/* SPDX-License-Identifier: Apache-2.0 */
/* Account keys: Ed25519 with a leading type byte, so that 33 bytes say what they are (docs/formats.md).
 *
 * The 32-byte seed is the secret; it stays in the caller's memory and is never kept. kt_crypto_init must have run.
 * Fingerprints and public keys are public values; everything that touches a seed runs in constant time. */
#ifndef KT_ACCOUNT_KEY_H
#define KT_ACCOUNT_KEY_H

#include <kt/bytes.h>
#include <kt/err.h>

KT_API_BEGIN

#define KT_ACCOUNT_KEY_LEN 33
#define KT_ACCOUNT_KEY_TYPE 0x45
#define KT_ACCOUNT_SEED_LEN 32
#define KT_ACCOUNT_SIGNATURE_LEN 64

struct kt_account_key {
  uint8_t b[KT_ACCOUNT_KEY_LEN]; /* KT_ACCOUNT_KEY_TYPE, then the public key */
};

KT_MUST_USE enum kt_err kt_account_key_from_seed(const uint8_t seed[KT_AT_LEAST KT_ACCOUNT_SEED_LEN],
                                                 struct kt_account_key *ret_key);
KT_MUST_USE enum kt_err kt_account_key_sign(const uint8_t seed[KT_AT_LEAST KT_ACCOUNT_SEED_LEN],
                                            struct kt_bytes message,
                                            uint8_t ret_signature[KT_AT_LEAST KT_ACCOUNT_SIGNATURE_LEN]);
/* KT_ERR_PROOF: wrong signature, wrong type byte, small-order key or non-canonical encoding. */
KT_MUST_USE enum kt_err kt_account_key_verify(const struct kt_account_key *key, struct kt_bytes message,
                                              const uint8_t signature[KT_AT_LEAST KT_ACCOUNT_SIGNATURE_LEN]);

bool kt_account_key_equal(const struct kt_account_key *a, const struct kt_account_key *b);
/* SHA-256 of the 33 bytes: what `contact trust --key` takes, in hex and in full. */
void kt_account_key_fingerprint(const struct kt_account_key *key, struct kt_hash *ret_fingerprint);

/* An exported seed, encrypted under a passphrase: Argon2id13 (3 passes, 256 MiB) and secretbox. Salt and nonce must be
 * fresh random bytes. Opening gives KT_ERR_PROOF for a wrong passphrase or a damaged file, which look the same. */
#define KT_ACCOUNT_SALT_LEN 16
#define KT_ACCOUNT_NONCE_LEN 24
#define KT_ACCOUNT_SEALED_LEN (16 + KT_ACCOUNT_SALT_LEN + KT_ACCOUNT_NONCE_LEN + 16 + KT_ACCOUNT_SEED_LEN)

KT_MUST_USE enum kt_err kt_account_key_seal(const uint8_t seed[KT_AT_LEAST KT_ACCOUNT_SEED_LEN],
                                            struct kt_bytes passphrase,
                                            const uint8_t salt[KT_AT_LEAST KT_ACCOUNT_SALT_LEN],
                                            const uint8_t nonce[KT_AT_LEAST KT_ACCOUNT_NONCE_LEN],
                                            uint8_t ret_sealed[KT_AT_LEAST KT_ACCOUNT_SEALED_LEN]);
KT_MUST_USE enum kt_err kt_account_key_open(struct kt_bytes sealed, struct kt_bytes passphrase,
                                            uint8_t ret_seed[KT_AT_LEAST KT_ACCOUNT_SEED_LEN]);

KT_API_END

#endif
