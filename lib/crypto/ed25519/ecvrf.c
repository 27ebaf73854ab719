/* SPDX-License-Identifier: Apache-2.0 */
/* Names follow RFC 9381: x secret scalar, Y public key, B base point, H hashed input, k nonce, U = k*B, V = k*H. */
#include "crypto/ed25519/ecvrf.h"

#include "crypto/ecvrf_hash.h"
#include "crypto/ed25519/lanes.h"
#include "crypto/ed25519/tables.h"

#include <sodium.h>
#include <string.h>

_Static_assert(KT_ECVRF_POINT_LEN == KT_GE_LEN && KT_ECVRF_SCALAR_LEN == KT_GE_SCALAR_LEN, "one curve");
_Static_assert(KT_ECVRF_C_LEN == KT_GE_CHALLENGE_LEN, "one challenge");

_Static_assert(KT_VRF_OUTPUT_MAX <= KT_LANES && KT_LANES <= KT_GE_ENCODE_MAX,
               "a batch is multiplied and encoded at once");

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

/* --- several at a time -------------------------------------------------------------------------------------------------- */

/* The search for one H, while others are under way. */
struct search {
  crypto_hash_sha512_state prefix;
  unsigned ctr; /* of the next attempt */
  bool is_found;
  struct kt_ge *ret_h;
};

/* As many attempts for each as fit. Those of one search follow each other: the first that is good decides, and what was tried beyond it
 * is nothing. False: there are no more to make. */
static bool attempt_in_lanes(struct search *searches, size_t n, size_t n_left)
{
  uint8_t hash[crypto_hash_sha512_BYTES];
  uint8_t candidates[KT_LANES][KT_GE_LEN] = { 0 };
  struct search *whose[KT_LANES];
  struct kt_ge points[KT_LANES];
  bool is_point[KT_LANES];
  size_t n_made = 0;
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < KT_LANES / n_left && !searches[i].is_found && searches[i].ctr < KT_ECVRF_MAX_ATTEMPTS; k++) {
      kt_ecvrf_attempt_hash(&searches[i].prefix, searches[i].ctr++, hash);
      memcpy(candidates[n_made], hash, KT_GE_LEN);
      whose[n_made++] = &searches[i];
    }
  }
  if (n_made == 0) {
    return false;
  }
  kt_ge_decode_lanes(candidates, points, is_point);
  for (size_t i = 0; i < n_made; i++) {
    if (!is_point[i] || whose[i]->is_found) {
      continue;
    }
    kt_ge_double(&points[i], LOG2_COFACTOR, whose[i]->ret_h);
    whose[i]->is_found = !kt_ge_is_identity(whose[i]->ret_h);
  }
  return true;
}

static enum kt_err encode_in_lanes(const uint8_t public_key[static KT_ECVRF_POINT_LEN], size_t n,
                                   const struct kt_bytes *alphas, struct kt_ge *ret_h)
{
  struct search searches[KT_LANES];
  size_t n_left = n;
  for (size_t i = 0; i < n; i++) {
    searches[i] = (struct search){ .ret_h = &ret_h[i] };
    kt_ecvrf_attempts_begin(public_key, alphas[i], &searches[i].prefix);
  }
  while (n_left > 0) {
    if (!attempt_in_lanes(searches, n, n_left)) {
      return KT_ERR_CRYPTO;
    }
    n_left = 0;
    for (size_t i = 0; i < n; i++) {
      n_left += searches[i].is_found ? 0 : 1;
    }
  }
  return KT_OK;
}

/* The H of every alpha. */
static enum kt_err encode_all_to_curve(const uint8_t public_key[static KT_ECVRF_POINT_LEN], size_t n,
                                       const struct kt_bytes *alphas, struct kt_ge *ret_h)
{
  if (n > 1 && kt_lanes_available()) {
    return encode_in_lanes(public_key, n, alphas, ret_h);
  }
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = encode_to_curve(public_key, alphas[i], &ret_h[i]);
  }
  return err;
}

/* --- outputs ------------------------------------------------------------------------------------------------------------ */

static void multiply_lanes(const uint8_t scalar[static KT_ECVRF_SCALAR_LEN], struct kt_ge points[static KT_LANES])
{
  uint8_t scalars[KT_LANES][KT_ECVRF_SCALAR_LEN];
  for (size_t i = 0; i < KT_LANES; i++) {
    memcpy(scalars[i], scalar, sizeof scalars[i]);
  }
  kt_lanes_mul(points, scalars, points);
  sodium_memzero(scalars, sizeof scalars);
}

/* points[i] times the scalar, for i < n. All of points is read and written. */
static void multiply_all(const uint8_t scalar[static KT_ECVRF_SCALAR_LEN], size_t n,
                         struct kt_ge points[static KT_LANES])
{
  struct kt_ge_comb comb;
  if (n > 1 && kt_lanes_available()) { /* all lanes take as long as one and a half points without */
    multiply_lanes(scalar, points);
    return;
  }
  for (size_t i = 0; i < n; i++) {
    kt_ge_comb_init(&points[i], 1, &comb);
    kt_ge_comb_mul(&comb, scalar, &points[i]);
  }
}

/* cofactor * Gamma = (8*x)*H: neither Gamma nor the encoding of H is needed. */
enum kt_err kt_ecvrf_fast_output_batch(const struct kt_vrf_key *key, size_t n, const struct kt_bytes *alphas,
                                       struct kt_hash *ret_outputs)
{
  struct kt_ge points[KT_LANES] = { 0 };
  uint8_t scalar[KT_ECVRF_SCALAR_LEN];
  uint8_t cleared[KT_LANES][KT_GE_LEN];

  enum kt_err err = encode_all_to_curve(key->public_key, n, alphas, points);
  if (err != KT_OK) {
    return err;
  }
  kt_ecvrf_cofactor_scalar(key, scalar);
  multiply_all(scalar, n, points);
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

/* --- proofs ------------------------------------------------------------------------------------------------------------- */

/* The points of a proof that are computed from H, and their places in a batch's. The first three are multiples. */
enum { GAMMA, U, V, N_MULTIPLIED, CLEARED = N_MULTIPLIED, N_PROVED };

_Static_assert(N_PROVED *KT_VRF_PROVE_MAX <= KT_GE_ENCODE_MAX, "a batch is encoded at once");

_Static_assert(N_MULTIPLIED *KT_VRF_PROVE_MAX <= KT_LANES, "a batch is multiplied at once");

/* Section 5.1, steps 3 to 5, but for the cofactor. */
static void multiply_one(const struct kt_vrf_key *key, const struct kt_ge *h,
                         const uint8_t k[static KT_ECVRF_SCALAR_LEN], struct kt_ge ret_points[static N_PROVED])
{
  struct kt_ge_comb comb;
  kt_ge_comb_init(h, KT_GE_COMB_ROWS_MAX, &comb);
  kt_ge_comb_mul(&comb, key->scalar, &ret_points[GAMMA]);
  kt_ge_base_mul(k, &ret_points[U]);
  kt_ge_comb_mul(&comb, k, &ret_points[V]);
}

static void multiply_in_lanes(const struct kt_vrf_key *key, size_t n, const struct kt_ge *h,
                              uint8_t (*k)[KT_ECVRF_SCALAR_LEN], struct kt_ge *ret_points)
{
  struct kt_ge points[KT_LANES] = { 0 };
  uint8_t scalars[KT_LANES][KT_ECVRF_SCALAR_LEN] = { 0 };
  for (size_t i = 0; i < n; i++) {
    struct kt_ge *own = &points[i * N_MULTIPLIED];
    uint8_t(*own_scalars)[KT_ECVRF_SCALAR_LEN] = &scalars[i * N_MULTIPLIED];
    own[GAMMA] = own[V] = h[i];
    own[U] = kt_ge_base;
    memcpy(own_scalars[GAMMA], key->scalar, KT_ECVRF_SCALAR_LEN);
    memcpy(own_scalars[U], k[i], KT_ECVRF_SCALAR_LEN);
    memcpy(own_scalars[V], k[i], KT_ECVRF_SCALAR_LEN);
  }
  kt_lanes_mul(points, scalars, points);
  for (size_t i = 0; i < n; i++) {
    memcpy(&ret_points[i * N_PROVED], &points[i * N_MULTIPLIED], N_MULTIPLIED * sizeof *points);
  }
  sodium_memzero(scalars, sizeof scalars);
}

static void prove_points(const struct kt_vrf_key *key, size_t n, const struct kt_ge *h,
                         uint8_t (*k)[KT_ECVRF_SCALAR_LEN], struct kt_ge *ret_points)
{
  if (n > 1 && kt_lanes_available()) {
    multiply_in_lanes(key, n, h, k, ret_points);
  } else {
    for (size_t i = 0; i < n; i++) {
      multiply_one(key, &h[i], k[i], &ret_points[i * N_PROVED]);
    }
  }
  for (size_t i = 0; i < n; i++) {
    struct kt_ge *own = &ret_points[i * N_PROVED];
    kt_ge_double(&own[GAMMA], LOG2_COFACTOR, &own[CLEARED]);
  }
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

  enum kt_err err = encode_all_to_curve(key->public_key, n, alphas, h);
  if (err != KT_OK) {
    return err;
  }
  kt_ge_encode(h, n, h_strings);
  for (size_t i = 0; i < n; i++) {
    kt_ecvrf_nonce(key, h_strings[i], k[i]);
  }
  prove_points(key, n, h, k, points);
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
