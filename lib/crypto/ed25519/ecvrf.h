/* SPDX-License-Identifier: Apache-2.0 */
/* The fast backend of crypto/ecvrf_edwards25519.h: the same keys, the same bytes, the same verdicts on every input, from
 * the group arithmetic of this folder. docs/vrf-backend.md has the reasons and the figures.
 *
 * Proving takes time independent of the secret. Errors are the reference's, which alone also refuses a nonce of 0: no
 * input is known to give one, and looking at it would be a branch on a secret. kt_ecvrf_fast_key_init always succeeds. */
#ifndef KT_CRYPTO_ED25519_ECVRF_H
#define KT_CRYPTO_ED25519_ECVRF_H

#include "crypto/ecvrf_edwards25519.h"

KT_MUST_USE enum kt_err kt_ecvrf_fast_key_init(struct kt_vrf_key *key, const uint8_t seed[static KT_ECVRF_SEED_LEN]);

bool kt_ecvrf_fast_public_key_valid(const uint8_t public_key[static KT_ECVRF_POINT_LEN]);

KT_MUST_USE enum kt_err kt_ecvrf_fast_output(const struct kt_vrf_key *key, struct kt_bytes alpha,
                                             struct kt_hash *ret_output);

/* kt_vrf_output_batch: one inversion encodes all points. */
KT_MUST_USE enum kt_err kt_ecvrf_fast_output_batch(const struct kt_vrf_key *key, size_t n,
                                                   const struct kt_bytes *alphas, struct kt_hash *ret_outputs);

KT_MUST_USE enum kt_err kt_ecvrf_fast_prove(const struct kt_vrf_key *key, struct kt_bytes alpha,
                                            uint8_t ret_proof[static KT_ECVRF_PROOF_LEN], struct kt_hash *ret_output);

/* kt_vrf_prove_batch: two inversions encode the points of all proofs, as they do for one. */
KT_MUST_USE enum kt_err kt_ecvrf_fast_prove_batch(const struct kt_vrf_key *key, size_t n, const struct kt_bytes *alphas,
                                                  uint8_t *const *ret_proofs, struct kt_hash *ret_outputs);

KT_MUST_USE enum kt_err kt_ecvrf_fast_verify(const uint8_t public_key[static KT_ECVRF_POINT_LEN], struct kt_bytes alpha,
                                             const uint8_t proof[static KT_ECVRF_PROOF_LEN],
                                             struct kt_hash *ret_output);

/* kt_vrf_verify_batch: the key is decoded and checked once, and one inversion encodes the points of all proofs. */
KT_MUST_USE enum kt_err kt_ecvrf_fast_verify_batch(const uint8_t public_key[static KT_ECVRF_POINT_LEN], size_t n,
                                                   const struct kt_vrf_claim *claims, struct kt_hash *ret_outputs);

#endif
