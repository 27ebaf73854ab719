/* SPDX-License-Identifier: Apache-2.0 */
/* ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381), with the output truncated to VRF.Nh = 32 bytes (draft: KT Cipher Suites).
 *
 * Proving takes time independent of the secret; the number of encode-to-curve attempts depends on the public key and alpha only.
 * alpha may have any length. Errors: KT_ERR_PROOF from kt_ecvrf_verify; KT_ERR_CRYPTO otherwise, which an honest seed
 * never meets. */
#ifndef KT_CRYPTO_ECVRF_EDWARDS25519_H
#define KT_CRYPTO_ECVRF_EDWARDS25519_H

#include <kt/suite.h>

#define KT_ECVRF_SEED_LEN 32
#define KT_ECVRF_POINT_LEN 32
#define KT_ECVRF_PROOF_LEN 80 /* Gamma (32) || c (16) || s (32) */

/* Of the key, scalar is x, reduced modulo the group order, and prefix the second half of SHA-512(seed). */
KT_MUST_USE enum kt_err kt_ecvrf_key_init(struct kt_vrf_key *key, const uint8_t seed[static KT_ECVRF_SEED_LEN]);

/* A point that can be a public key: canonical, on the curve, not of small order, in the main subgroup. RFC 9381 section
 * 5.4.5 asks for the first three; the last is ours, and true of every x*B. */
bool kt_ecvrf_public_key_valid(const uint8_t public_key[static KT_ECVRF_POINT_LEN]);

/* Output only, at half the cost of a proof. */
KT_MUST_USE enum kt_err kt_ecvrf_output(const struct kt_vrf_key *key, struct kt_bytes alpha,
                                        struct kt_hash *ret_output);

KT_MUST_USE enum kt_err kt_ecvrf_prove(const struct kt_vrf_key *key, struct kt_bytes alpha,
                                       uint8_t ret_proof[static KT_ECVRF_PROOF_LEN], struct kt_hash *ret_output);

KT_MUST_USE enum kt_err kt_ecvrf_verify(const uint8_t public_key[static KT_ECVRF_POINT_LEN], struct kt_bytes alpha,
                                        const uint8_t proof[static KT_ECVRF_PROOF_LEN], struct kt_hash *ret_output);

/* H of RFC 9381 section 5.4.1.1, with the public key as salt: a step of the above, declared for its own test. */
KT_MUST_USE enum kt_err kt_ecvrf_encode_to_curve(const uint8_t public_key[static KT_ECVRF_POINT_LEN],
                                                 struct kt_bytes alpha, uint8_t ret_h[static KT_ECVRF_POINT_LEN]);

#endif
