/* SPDX-License-Identifier: Apache-2.0 */
/* The reference backend, on libsodium's public interface. Names follow RFC 9381: x secret scalar, Y public key, B base
 * point, H hashed input, k nonce, U = k*B, V = k*H.
 *
 * crypto_scalarmult_ed25519_noclamp refuses a point that is not canonically encoded, not on the curve, of small order or
 * outside the main subgroup, and refuses a scalar of zero. The verifier leans on all of these; adding and subtracting
 * points only needs them on the curve. */
#include "crypto/ecvrf_edwards25519.h"

#include "crypto/ecvrf_hash.h"
#include "crypto/secret.h"

#include <sodium.h>
#include <string.h>

/* RFC 8032 section 5.1.3: "If the resulting value is >= p, decoding fails." p = 2^255 - 19; the top bit is x's sign. */
static bool is_canonical(const uint8_t point[static KT_ECVRF_POINT_LEN])
{
  if ((point[31] & 0x7f) != 0x7f) {
    return true;
  }
  for (size_t i = 30; i > 0; i--) {
    if (point[i] != 0xff) {
      return true;
    }
  }
  return point[0] < 0xed;
}

/* 8*P for any point on the curve, by doubling: scalar multiplication would refuse points outside the main subgroup.
 * False when P does not decode. */
static bool clear_cofactor(const uint8_t point[static KT_ECVRF_POINT_LEN],
                           uint8_t ret_cleared[static KT_ECVRF_POINT_LEN])
{
  uint8_t p[KT_ECVRF_POINT_LEN];
  memcpy(p, point, sizeof p);
  for (int i = 0; i < 3; i++) {
    if (crypto_core_ed25519_add(p, p, p) != 0) {
      return false;
    }
  }
  memcpy(ret_cleared, p, sizeof p);
  return true;
}

/* One attempt of try-and-increment: interpret_hash_value_as_a_point, then H = cofactor * H. False asks for another: "H
 * is "INVALID" or H is the identity element of the elliptic curve group". RFC 8032's remaining rule, that x = 0 has no
 * sign, needs no test of its own: those two points are of small order and end as the identity. */
static bool attempt_point(const uint8_t hash[static KT_ECVRF_POINT_LEN], uint8_t ret_h[static KT_ECVRF_POINT_LEN])
{
  static const uint8_t identity[KT_ECVRF_POINT_LEN] = { 1 };
  uint8_t h[KT_ECVRF_POINT_LEN];

  if (!is_canonical(hash) || !clear_cofactor(hash, h) || memcmp(h, identity, sizeof h) == 0) {
    return false;
  }
  memcpy(ret_h, h, sizeof h);
  return true;
}

enum kt_err kt_ecvrf_encode_to_curve(const uint8_t public_key[static KT_ECVRF_POINT_LEN], struct kt_bytes alpha,
                                     uint8_t ret_h[static KT_ECVRF_POINT_LEN])
{
  crypto_hash_sha512_state prefix;
  kt_ecvrf_attempts_begin(public_key, alpha, &prefix);
  for (unsigned ctr = 0; ctr < KT_ECVRF_MAX_ATTEMPTS; ctr++) {
    uint8_t hash[crypto_hash_sha512_BYTES];
    kt_ecvrf_attempt_hash(&prefix, ctr, hash);
    if (attempt_point(hash, ret_h)) {
      return KT_OK;
    }
  }
  return KT_ERR_CRYPTO;
}

enum kt_err kt_ecvrf_key_init(struct kt_vrf_key *key, const uint8_t seed[static KT_ECVRF_SEED_LEN])
{
  kt_ecvrf_key_expand(key, seed);
  if (crypto_scalarmult_ed25519_base_noclamp(key->public_key, key->scalar) != 0) {
    kt_vrf_key_release(key);
    return KT_ERR_CRYPTO;
  }
  return KT_OK;
}

bool kt_ecvrf_public_key_valid(const uint8_t public_key[static KT_ECVRF_POINT_LEN])
{
  return crypto_core_ed25519_is_valid_point(public_key) == 1;
}

/* cofactor * Gamma = (8*x)*H: without a proof, Gamma itself is not needed. */
enum kt_err kt_ecvrf_output(const struct kt_vrf_key *key, struct kt_bytes alpha, struct kt_hash *ret_output)
{
  uint8_t h[KT_ECVRF_POINT_LEN];
  uint8_t cleared[KT_ECVRF_POINT_LEN];
  uint8_t scalar[KT_ECVRF_SCALAR_LEN];

  enum kt_err err = kt_ecvrf_encode_to_curve(key->public_key, alpha, h);
  if (err != KT_OK) {
    return err;
  }
  kt_ecvrf_cofactor_scalar(key, scalar);
  int failed = crypto_scalarmult_ed25519_noclamp(cleared, scalar, h);
  sodium_memzero(scalar, sizeof scalar);
  if (failed) {
    return KT_ERR_CRYPTO;
  }
  kt_ecvrf_output_hash(cleared, ret_output);
  return KT_OK;
}

/* Section 5.1, steps 5 to 8. */
static enum kt_err prove_gamma(const struct kt_vrf_key *key, const uint8_t h[static KT_ECVRF_POINT_LEN],
                               const uint8_t gamma[static KT_ECVRF_POINT_LEN],
                               uint8_t ret_proof[static KT_ECVRF_PROOF_LEN])
{
  uint8_t k[KT_ECVRF_SCALAR_LEN];
  uint8_t c[KT_ECVRF_SCALAR_LEN];
  uint8_t u[KT_ECVRF_POINT_LEN];
  uint8_t v[KT_ECVRF_POINT_LEN];
  enum kt_err err = KT_ERR_CRYPTO;

  kt_ecvrf_nonce(key, h, k);
  if (crypto_scalarmult_ed25519_base_noclamp(u, k) == 0 && crypto_scalarmult_ed25519_noclamp(v, k, h) == 0) {
    kt_ecvrf_challenge(key->public_key, h, gamma, u, v, c);
    kt_ecvrf_assemble(key, gamma, c, k, ret_proof);
    err = KT_OK;
  }
  sodium_memzero(k, sizeof k);
  return err;
}

enum kt_err kt_ecvrf_prove(const struct kt_vrf_key *key, struct kt_bytes alpha,
                           uint8_t ret_proof[static KT_ECVRF_PROOF_LEN], struct kt_hash *ret_output)
{
  uint8_t h[KT_ECVRF_POINT_LEN];
  uint8_t gamma[KT_ECVRF_POINT_LEN];
  uint8_t cleared[KT_ECVRF_POINT_LEN];

  enum kt_err err = kt_ecvrf_encode_to_curve(key->public_key, alpha, h);
  if (err != KT_OK) {
    return err;
  }
  if (crypto_scalarmult_ed25519_noclamp(gamma, key->scalar, h) != 0 || !clear_cofactor(gamma, cleared)) {
    return KT_ERR_CRYPTO;
  }
  err = prove_gamma(key, h, gamma, ret_proof);
  if (err != KT_OK) {
    return err;
  }
  kt_ecvrf_output_hash(cleared, ret_output);
  return KT_OK;
}

/* U = s*B - c*Y and V = s*H - c*Gamma of section 5.3.
 *
 * R45 is enforced by the two multiplications by c: Y and Gamma must be canonical, on the curve and not of small order
 * ("If string_to_point returns "INVALID", output "INVALID""). They must also be in the main subgroup (ours): x*B and
 * x*H always are, so no honest prover is refused, and every output has one Gamma. */
static bool recompute_commitments(const uint8_t y[static KT_ECVRF_POINT_LEN],
                                  const uint8_t h[static KT_ECVRF_POINT_LEN],
                                  const uint8_t gamma[static KT_ECVRF_POINT_LEN],
                                  const uint8_t c[static KT_ECVRF_SCALAR_LEN],
                                  const uint8_t s[static KT_ECVRF_SCALAR_LEN], uint8_t ret_u[static KT_ECVRF_POINT_LEN],
                                  uint8_t ret_v[static KT_ECVRF_POINT_LEN])
{
  uint8_t s_part[KT_ECVRF_POINT_LEN];
  uint8_t c_part[KT_ECVRF_POINT_LEN];

  if (crypto_scalarmult_ed25519_base_noclamp(s_part, s) != 0 || crypto_scalarmult_ed25519_noclamp(c_part, c, y) != 0 ||
      crypto_core_ed25519_sub(ret_u, s_part, c_part) != 0) {
    return false;
  }
  return crypto_scalarmult_ed25519_noclamp(s_part, s, h) == 0 &&
         crypto_scalarmult_ed25519_noclamp(c_part, c, gamma) == 0 &&
         crypto_core_ed25519_sub(ret_v, s_part, c_part) == 0;
}

enum kt_err kt_ecvrf_verify(const uint8_t public_key[static KT_ECVRF_POINT_LEN], struct kt_bytes alpha,
                            const uint8_t proof[static KT_ECVRF_PROOF_LEN], struct kt_hash *ret_output)
{
  const uint8_t *gamma = proof;
  uint8_t c[KT_ECVRF_SCALAR_LEN];
  uint8_t s[KT_ECVRF_SCALAR_LEN];
  uint8_t expected_c[KT_ECVRF_SCALAR_LEN];
  uint8_t h[KT_ECVRF_POINT_LEN];
  uint8_t u[KT_ECVRF_POINT_LEN];
  uint8_t v[KT_ECVRF_POINT_LEN];
  uint8_t cleared[KT_ECVRF_POINT_LEN];

  if (!kt_ecvrf_proof_scalars(proof, c, s)) {
    return KT_ERR_PROOF;
  }
  enum kt_err err = kt_ecvrf_encode_to_curve(public_key, alpha, h);
  if (err != KT_OK) {
    return err;
  }
  if (!recompute_commitments(public_key, h, gamma, c, s, u, v)) {
    return KT_ERR_PROOF;
  }
  kt_ecvrf_challenge(public_key, h, gamma, u, v, expected_c);
  if (memcmp(c, expected_c, sizeof c) != 0 || !clear_cofactor(gamma, cleared)) {
    return KT_ERR_PROOF;
  }
  kt_ecvrf_output_hash(cleared, ret_output);
  return KT_OK;
}
