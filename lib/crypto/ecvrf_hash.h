/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381) that are hashing and scalars, and so the same for every backend:
 * what is left to one is points. Names follow RFC 9381.
 *
 * The nonce and what comes from a seed are secret; nothing here branches on them. */
#ifndef KT_CRYPTO_ECVRF_HASH_H
#define KT_CRYPTO_ECVRF_HASH_H

#include "crypto/ecvrf_edwards25519.h"

#include <sodium.h>

#define KT_ECVRF_SCALAR_LEN 32
#define KT_ECVRF_C_LEN 16
#define KT_ECVRF_MAX_ATTEMPTS 256 /* each succeeds with probability about 1/2 */

/* Where proof_to_string puts Gamma, c and s. */
#define KT_ECVRF_C_OFFSET KT_ECVRF_POINT_LEN
#define KT_ECVRF_S_OFFSET (KT_ECVRF_POINT_LEN + KT_ECVRF_C_LEN)

/* scalar and prefix of a key, from its seed: RFC 8032 section 5.1.5. The scalar is not zero; the public key, still to be
 * computed, is. */
void kt_ecvrf_key_expand(struct kt_vrf_key *key, const uint8_t seed[static KT_ECVRF_SEED_LEN]);

/* What the hashes of all attempts of section 5.4.1.1 begin with, and the hash of one: the first KT_ECVRF_POINT_LEN bytes
 * are the candidate's encoding. */
void kt_ecvrf_attempts_begin(const uint8_t public_key[static KT_ECVRF_POINT_LEN], struct kt_bytes alpha,
                             crypto_hash_sha512_state *ret_prefix);
void kt_ecvrf_attempt_hash(const crypto_hash_sha512_state *prefix, unsigned ctr,
                           uint8_t ret_hash[static crypto_hash_sha512_BYTES]);

/* c of section 5.4.3, as a scalar. */
void kt_ecvrf_challenge(const uint8_t y[static KT_ECVRF_POINT_LEN], const uint8_t h[static KT_ECVRF_POINT_LEN],
                        const uint8_t gamma[static KT_ECVRF_POINT_LEN], const uint8_t u[static KT_ECVRF_POINT_LEN],
                        const uint8_t v[static KT_ECVRF_POINT_LEN], uint8_t ret_c[static KT_ECVRF_SCALAR_LEN]);

/* k of section 5.4.2.2. */
void kt_ecvrf_nonce(const struct kt_vrf_key *key, const uint8_t h[static KT_ECVRF_POINT_LEN],
                    uint8_t ret_k[static KT_ECVRF_SCALAR_LEN]);

/* s = k + c*x, and the proof out of its parts. */
void kt_ecvrf_assemble(const struct kt_vrf_key *key, const uint8_t gamma[static KT_ECVRF_POINT_LEN],
                       const uint8_t c[static KT_ECVRF_SCALAR_LEN], const uint8_t k[static KT_ECVRF_SCALAR_LEN],
                       uint8_t ret_proof[static KT_ECVRF_PROOF_LEN]);

/* 8*x */
void kt_ecvrf_cofactor_scalar(const struct kt_vrf_key *key, uint8_t ret_scalar[static KT_ECVRF_SCALAR_LEN]);

/* R45; section 5.4.4: "If s >= q, output "INVALID" and stop." False then, and for c = 0 or s = 0 (ours), which refuses an
 * honest proof with probability 2^-128. Public. */
bool kt_ecvrf_proof_scalars(const uint8_t proof[static KT_ECVRF_PROOF_LEN], uint8_t ret_c[static KT_ECVRF_SCALAR_LEN],
                            uint8_t ret_s[static KT_ECVRF_SCALAR_LEN]);

/* proof_to_hash of section 5.2, truncated, from cofactor * Gamma. */
void kt_ecvrf_output_hash(const uint8_t cleared[static KT_ECVRF_POINT_LEN], struct kt_hash *ret_output);

#endif
