/* SPDX-License-Identifier: Apache-2.0 */
/* ECVRF-P256-SHA256-TAI (RFC 9381); its output is VRF.Nh = 32 bytes as it is (draft: KT Cipher Suites).
 *
 * Proving takes time independent of the secret; the number of encode-to-curve attempts depends on the public key and
 * alpha only. alpha may have any length. Errors: KT_ERR_PROOF from kt_ecvrf_p256_verify; KT_ERR_CRYPTO when libcrypto fails, for want
 * of memory say, or a scalar is not valid. */
#ifndef KT_CRYPTO_ECVRF_P256_H
#define KT_CRYPTO_ECVRF_P256_H

#include "crypto/p256.h"

#include <kt/suite.h>

#define KT_ECVRF_P256_PROOF_LEN 81 /* Gamma (33) || c (16) || s (32) */

/* Of the key, scalar is x, which is the SK of RFC 9381, and prefix is not used. */
KT_MUST_USE enum kt_err kt_ecvrf_p256_key_init(struct kt_vrf_key *key, const uint8_t scalar[static KT_P256_SCALAR_LEN]);

/* Output only, at half the cost of a proof. */
KT_MUST_USE enum kt_err kt_ecvrf_p256_output(const struct kt_vrf_key *key, struct kt_bytes alpha,
                                             struct kt_hash *ret_output);

KT_MUST_USE enum kt_err kt_ecvrf_p256_prove(const struct kt_vrf_key *key, struct kt_bytes alpha,
                                            uint8_t ret_proof[static KT_ECVRF_P256_PROOF_LEN],
                                            struct kt_hash *ret_output);

KT_MUST_USE enum kt_err kt_ecvrf_p256_verify(const uint8_t public_key[static KT_P256_COMPRESSED_LEN],
                                             struct kt_bytes alpha, const uint8_t proof[static KT_ECVRF_P256_PROOF_LEN],
                                             struct kt_hash *ret_output);

/* H of RFC 9381 section 5.4.1.1, with the public key as salt: a step of the above, declared for its own test. */
KT_MUST_USE enum kt_err kt_ecvrf_p256_encode_to_curve(const uint8_t public_key[static KT_P256_COMPRESSED_LEN],
                                                      struct kt_bytes alpha,
                                                      uint8_t ret_h[static KT_P256_COMPRESSED_LEN]);

#endif
