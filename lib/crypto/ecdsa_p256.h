/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA over P-256 with SHA-256, through libcrypto's EVP. Public keys are uncompressed points, signatures r || s, 32
 * bytes each (draft: KT Cipher Suites).
 *
 * libcrypto draws the nonce: from its own random generator, hashed together with the key and the message. Two signatures
 * of one message therefore differ, and either is as good. Both s and n - s verify, as the standard has it: a signature
 * is evidence of what was signed and never an identifier. */
#ifndef KT_CRYPTO_ECDSA_P256_H
#define KT_CRYPTO_ECDSA_P256_H

#include "crypto/p256.h"

#define KT_ECDSA_P256_SIGNATURE_LEN 64

/* KT_ERR_CRYPTO: libcrypto failed, or has no randomness. `scalar` is valid. */
KT_MUST_USE enum kt_err kt_ecdsa_p256_sign(const uint8_t scalar[static KT_P256_SCALAR_LEN], struct kt_bytes message,
                                           uint8_t ret_signature[static KT_ECDSA_P256_SIGNATURE_LEN]);

/* KT_ERR_PROOF: a key, or a signature, of another length, r or s outside 1 … n-1, an invalid key or a wrong signature.
 * KT_ERR_CRYPTO: libcrypto failed, and nothing is known. */
KT_MUST_USE enum kt_err kt_ecdsa_p256_verify(struct kt_bytes public_key, struct kt_bytes message,
                                             struct kt_bytes signature);

#endif
