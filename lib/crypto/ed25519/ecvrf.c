/* SPDX-License-Identifier: Apache-2.0 */
/* Names follow RFC 9381: x secret scalar, Y public key, B base point, H hashed input, k nonce, U = k*B, V = k*H. */
#include "crypto/ed25519/ecvrf.h"

#include "crypto/ecvrf_hash.h"
#include "crypto/ed25519/ge_mul.h"

#include <sodium.h>
#include <string.h>

_Static_assert(KT_ECVRF_POINT_LEN == KT_GE_LEN && KT_ECVRF_SCALAR_LEN == KT_GE_SCALAR_LEN, "one curve");
_Static_assert(KT_ECVRF_C_LEN == KT_GE_CHALLENGE_LEN, "one challenge");

_Static_assert(KT_VRF_OUTPUT_MAX <= KT_GE_ENCODE_MAX, "a batch is encoded at once");

enum { LOG2_COFACTOR = 3 };

enum kt_err kt_ecvrf_fast_key_init(struct kt_vrf_key *key, const uint8_t seed[static KT_ECVRF_SEED_LEN])
{
  struct kt_ge y;
  uint8_t encoded[1][KT_GE_LEN];

  kt_ecvrf_key_expand(key, seed);
  kt_ge_base_mul(key->scalar, &y);
  kt_ge_encode(&y, 1, encoded);
  memcpy(key->public_key, encoded[0], sizeof encoded[0]);
  return KT_OK;
}

static bool decode_valid(const uint8_t bytes[static KT_ECVRF_POINT_LEN], struct kt_ge *ret)
{
  return kt_ge_decode(bytes, ret) && kt_ge_has_prime_order(ret);
}

bool kt_ecvrf_fast_public_key_valid(const uint8_t public_key[static KT_ECVRF_POINT_LEN])
{
  struct kt_ge y;
  return decode_valid(public_key, &y);
}

/* H of section 5.4.1.1. Each attempt: interpret_hash_value_as_a_point, then H = cofactor * H, until H is neither
 * "INVALID" nor the identity. */
static enum kt_err encode_to_curve(const uint8_t public_key[static KT_ECVRF_POINT_LEN], struct kt_bytes alpha,
                                   struct kt_ge *ret_h)
{
  crypto_hash_sha512_state prefix;
  kt_ecvrf_attempts_begin(public_key, alpha, &prefix);
  for (unsigned ctr = 0; ctr < KT_ECVRF_MAX_ATTEMPTS; ctr++) {
    uint8_t hash[crypto_hash_sha512_BYTES];
    struct kt_ge h;
    kt_ecvrf_attempt_hash(&prefix, ctr, hash);
    if (!kt_ge_decode(hash, &h)) {
      continue;
    }
    kt_ge_double(&h, LOG2_COFACTOR, &h);
    if (!kt_ge_is_identity(&h)) {
      *ret_h = h;
      return KT_OK;
    }
  }
  return KT_ERR_CRYPTO;
}

/* cofactor * Gamma = (8*x)*H: neither Gamma nor the encoding of H is needed. */
enum kt_err kt_ecvrf_fast_output_batch(const struct kt_vrf_key *key, size_t n, const struct kt_bytes *alphas,
                                       struct kt_hash *ret_outputs)
{
  struct kt_ge points[KT_VRF_OUTPUT_MAX] = { 0 };
  struct kt_ge_comb comb;
  uint8_t scalar[KT_ECVRF_SCALAR_LEN];
  uint8_t cleared[KT_VRF_OUTPUT_MAX][KT_GE_LEN];

  for (size_t i = 0; i < n; i++) {
    enum kt_err err = encode_to_curve(key->public_key, alphas[i], &points[i]);
    if (err != KT_OK) {
      return err;
    }
  }
  kt_ecvrf_cofactor_scalar(key, scalar);
  for (size_t i = 0; i < n; i++) {
    kt_ge_comb_init(&points[i], 1, &comb);
    kt_ge_comb_mul(&comb, scalar, &points[i]);
  }
  sodium_memzero(scalar, sizeof scalar);
  kt_ge_encode(points, n, cleared);
  for (size_t i = 0; i < n; i++) {
    kt_ecvrf_output_hash(cleared[i], &ret_outputs[i]);
  }
  return KT_OK;
}

enum kt_err kt_ecvrf_fast_output(const struct kt_vrf_key *key, struct kt_bytes alpha, struct kt_hash *ret_output)
{
  return kt_ecvrf_fast_output_batch(key, 1, &alpha, ret_output);
}

/* The points of a proof that are computed from H, and their places in a batch's. */
enum { GAMMA, CLEARED, U, V, N_PROVED };

_Static_assert(N_PROVED *KT_VRF_PROVE_MAX <= KT_GE_ENCODE_MAX, "a batch is encoded at once");

/* Section 5.1, steps 3 to 5. */
static void prove_points(const struct kt_vrf_key *key, const struct kt_ge *h,
                         const uint8_t k[static KT_ECVRF_SCALAR_LEN], struct kt_ge ret_points[static N_PROVED])
{
  struct kt_ge_comb comb;
  kt_ge_comb_init(h, KT_GE_COMB_ROWS_MAX, &comb);
  kt_ge_comb_mul(&comb, key->scalar, &ret_points[GAMMA]);
  kt_ge_double(&ret_points[GAMMA], LOG2_COFACTOR, &ret_points[CLEARED]);
  kt_ge_base_mul(k, &ret_points[U]);
  kt_ge_comb_mul(&comb, k, &ret_points[V]);
}

/* Section 5.1. H must be encoded before there is a nonce; everything else is, at once, at the end. */
enum kt_err kt_ecvrf_fast_prove_batch(const struct kt_vrf_key *key, size_t n, const struct kt_bytes *alphas,
                                      uint8_t *const *ret_proofs, struct kt_hash *ret_outputs)
{
  struct kt_ge h[KT_VRF_PROVE_MAX] = { 0 };
  struct kt_ge points[N_PROVED * KT_VRF_PROVE_MAX];
  uint8_t h_strings[KT_VRF_PROVE_MAX][KT_GE_LEN];
  uint8_t encoded[N_PROVED * KT_VRF_PROVE_MAX][KT_GE_LEN];
  uint8_t k[KT_VRF_PROVE_MAX][KT_ECVRF_SCALAR_LEN];

  for (size_t i = 0; i < n; i++) {
    enum kt_err err = encode_to_curve(key->public_key, alphas[i], &h[i]);
    if (err != KT_OK) {
      return err;
    }
  }
  kt_ge_encode(h, n, h_strings);
  for (size_t i = 0; i < n; i++) {
    kt_ecvrf_nonce(key, h_strings[i], k[i]);
    prove_points(key, &h[i], k[i], &points[i * N_PROVED]);
  }
  kt_ge_encode(points, n * N_PROVED, encoded);
  for (size_t i = 0; i < n; i++) {
    uint8_t(*own)[KT_GE_LEN] = &encoded[i * N_PROVED];
    uint8_t c[KT_ECVRF_SCALAR_LEN];
    kt_ecvrf_challenge(key->public_key, h_strings[i], own[GAMMA], own[U], own[V], c);
    kt_ecvrf_assemble(key, own[GAMMA], c, k[i], ret_proofs[i]);
    kt_ecvrf_output_hash(own[CLEARED], &ret_outputs[i]);
  }
  sodium_memzero(k, sizeof k);
  return KT_OK;
}

enum kt_err kt_ecvrf_fast_prove(const struct kt_vrf_key *key, struct kt_bytes alpha,
                                uint8_t ret_proof[static KT_ECVRF_PROOF_LEN], struct kt_hash *ret_output)
{
  return kt_ecvrf_fast_prove_batch(key, 1, &alpha, &ret_proof, ret_output);
}

/* The points of a proof that are hashed, and their places in a batch's. */
enum { AT_H, AT_U, AT_V, AT_CLEARED, N_HASHED };

_Static_assert(KT_GE_ENCODE_MAX == N_HASHED * KT_VRF_BATCH_MAX, "a batch is encoded at once");

/* Section 5.3 up to the points, and the challenge that the proof claims. y is decoded and checked. */
static enum kt_err recompute_points(const uint8_t public_key[static KT_ECVRF_POINT_LEN], const struct kt_ge *y,
                                    const struct kt_vrf_claim *claim, struct kt_ge ret_points[static N_HASHED],
                                    uint8_t ret_c[static KT_ECVRF_SCALAR_LEN])
{
  const uint8_t *proof = claim->proof;
  struct kt_ge gamma;
  uint8_t s[KT_ECVRF_SCALAR_LEN];

  if (!kt_ecvrf_proof_scalars(proof, ret_c, s) || !decode_valid(proof, &gamma)) {
    return KT_ERR_PROOF;
  }
  enum kt_err err = encode_to_curve(public_key, claim->alpha, &ret_points[AT_H]);
  if (err != KT_OK) {
    return err;
  }
  kt_ge_public_base_mul_sub(s, ret_c, y, &ret_points[AT_U]);
  kt_ge_public_mul_sub(s, &ret_points[AT_H], ret_c, &gamma, &ret_points[AT_V]);
  kt_ge_double(&gamma, LOG2_COFACTOR, &ret_points[AT_CLEARED]);
  return KT_OK;
}

/* R45: Y and Gamma must decode ("If string_to_point returns "INVALID", output "INVALID""), and be in the main subgroup
 * and not the identity (ours): the reference says why. */
enum kt_err kt_ecvrf_fast_verify_batch(const uint8_t public_key[static KT_ECVRF_POINT_LEN], size_t n,
                                       const struct kt_vrf_claim *claims, struct kt_hash *ret_outputs)
{
  struct kt_ge y;
  struct kt_ge points[KT_GE_ENCODE_MAX];
  uint8_t encoded[KT_GE_ENCODE_MAX][KT_GE_LEN];
  uint8_t c[KT_VRF_BATCH_MAX][KT_ECVRF_SCALAR_LEN];

  if (!decode_valid(public_key, &y)) {
    return KT_ERR_PROOF;
  }
  for (size_t i = 0; i < n; i++) {
    enum kt_err err = recompute_points(public_key, &y, &claims[i], &points[i * N_HASHED], c[i]);
    if (err != KT_OK) {
      return err;
    }
  }
  kt_ge_encode(points, n * N_HASHED, encoded);
  for (size_t i = 0; i < n; i++) {
    uint8_t(*own)[KT_GE_LEN] = &encoded[i * N_HASHED];
    uint8_t expected_c[KT_ECVRF_SCALAR_LEN];
    kt_ecvrf_challenge(public_key, own[AT_H], claims[i].proof, own[AT_U], own[AT_V], expected_c);
    if (memcmp(c[i], expected_c, sizeof expected_c) != 0) {
      return KT_ERR_PROOF;
    }
  }
  for (size_t i = 0; i < n; i++) {
    kt_ecvrf_output_hash(encoded[i * N_HASHED + AT_CLEARED], &ret_outputs[i]);
  }
  return KT_OK;
}

enum kt_err kt_ecvrf_fast_verify(const uint8_t public_key[static KT_ECVRF_POINT_LEN], struct kt_bytes alpha,
                                 const uint8_t proof[static KT_ECVRF_PROOF_LEN], struct kt_hash *ret_output)
{
  const struct kt_vrf_claim claim = { .alpha = alpha, .proof = proof };
  return kt_ecvrf_fast_verify_batch(public_key, 1, &claim, ret_output);
}
