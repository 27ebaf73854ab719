/* SPDX-License-Identifier: Apache-2.0 */
/* Names follow RFC 9381: x secret scalar, Y public key, B base point, H hashed input, k nonce, U = k*B, V = k*H.
 *
 * crypto_scalarmult_ed25519_noclamp refuses a point that is not canonically encoded, not on the curve, of small order or
 * outside the main subgroup, and refuses a scalar of zero. The verifier leans on all of these; adding and subtracting
 * points only needs them on the curve. */
#include "crypto/ecvrf_edwards25519.h"

#include <sodium.h>
#include <string.h>

enum { CHALLENGE_LEN = 16, SCALAR_LEN = 32, HASH_LEN = crypto_hash_sha512_BYTES };

/* RFC 9381 section 5.5: suite_string, and the domain separators that start every hash of it. */
enum { SUITE_STRING = 0x03, DOMAIN_ENCODE_TO_CURVE = 0x01, DOMAIN_CHALLENGE = 0x02, DOMAIN_OUTPUT = 0x03 };

static void hash_begin(crypto_hash_sha512_state *state, uint8_t domain)
{
  const uint8_t front[2] = { SUITE_STRING, domain };

  crypto_hash_sha512_init(state);
  crypto_hash_sha512_update(state, front, sizeof front);
}

static void hash_end(crypto_hash_sha512_state *state, uint8_t ret_hash[static HASH_LEN])
{
  const uint8_t back = 0x00;

  crypto_hash_sha512_update(state, &back, 1);
  crypto_hash_sha512_final(state, ret_hash);
}

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
  hash_begin(&prefix, DOMAIN_ENCODE_TO_CURVE);
  crypto_hash_sha512_update(&prefix, public_key, KT_ECVRF_POINT_LEN);
  crypto_hash_sha512_update(&prefix, alpha.data, alpha.len);

  for (unsigned ctr = 0; ctr < 256; ctr++) {
    const uint8_t ctr_string = (uint8_t)ctr;
    crypto_hash_sha512_state state = prefix;
    uint8_t hash[HASH_LEN];
    crypto_hash_sha512_update(&state, &ctr_string, 1);
    hash_end(&state, hash);
    if (attempt_point(hash, ret_h)) {
      return KT_OK;
    }
  }
  return KT_ERR_CRYPTO; /* every attempt succeeds with probability about 1/2 */
}

/* c of section 5.4.3, as a scalar. */
static void generate_challenge(const uint8_t y[static KT_ECVRF_POINT_LEN], const uint8_t h[static KT_ECVRF_POINT_LEN],
                               const uint8_t gamma[static KT_ECVRF_POINT_LEN],
                               const uint8_t u[static KT_ECVRF_POINT_LEN], const uint8_t v[static KT_ECVRF_POINT_LEN],
                               uint8_t ret_c[static SCALAR_LEN])
{
  const uint8_t *points[] = { y, h, gamma, u, v };
  crypto_hash_sha512_state state;
  uint8_t hash[HASH_LEN];

  hash_begin(&state, DOMAIN_CHALLENGE);
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    crypto_hash_sha512_update(&state, points[i], KT_ECVRF_POINT_LEN);
  }
  hash_end(&state, hash);
  memset(ret_c, 0, SCALAR_LEN);
  memcpy(ret_c, hash, CHALLENGE_LEN);
}

/* k of section 5.4.2.2, as RFC 8032 makes its own: SHA-512(prefix || H) modulo the group order. */
static void generate_nonce(const struct kt_ecvrf_key *key, const uint8_t h[static KT_ECVRF_POINT_LEN],
                           uint8_t ret_k[static SCALAR_LEN])
{
  crypto_hash_sha512_state state;
  uint8_t k_string[HASH_LEN];

  crypto_hash_sha512_init(&state);
  crypto_hash_sha512_update(&state, key->prefix, sizeof key->prefix);
  crypto_hash_sha512_update(&state, h, KT_ECVRF_POINT_LEN);
  crypto_hash_sha512_final(&state, k_string);
  crypto_core_ed25519_scalar_reduce(ret_k, k_string);
  sodium_memzero(k_string, sizeof k_string);
}

/* proof_to_hash of section 5.2, truncated, from cofactor * Gamma. */
static void hash_cleared_gamma(const uint8_t cleared[static KT_ECVRF_POINT_LEN], struct kt_hash *ret_output)
{
  crypto_hash_sha512_state state;
  uint8_t beta[HASH_LEN];

  hash_begin(&state, DOMAIN_OUTPUT);
  crypto_hash_sha512_update(&state, cleared, KT_ECVRF_POINT_LEN);
  hash_end(&state, beta);
  memcpy(ret_output->b, beta, sizeof ret_output->b);
}

enum kt_err kt_ecvrf_key_init(struct kt_ecvrf_key *key, const uint8_t seed[static KT_ECVRF_SEED_LEN])
{
  uint8_t hash[HASH_LEN];
  uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = { 0 };

  /* RFC 8032 section 5.1.5. x is a multiple of 8 between 2^254 and 2^255, so it is not zero modulo the group order. */
  crypto_hash_sha512(hash, seed, KT_ECVRF_SEED_LEN);
  memcpy(wide, hash, SCALAR_LEN);
  wide[0] &= 0xf8;
  wide[31] = (uint8_t)((wide[31] & 0x7f) | 0x40);
  crypto_core_ed25519_scalar_reduce(key->scalar, wide);
  memcpy(key->prefix, hash + SCALAR_LEN, sizeof key->prefix);
  sodium_memzero(hash, sizeof hash);
  sodium_memzero(wide, sizeof wide);

  if (crypto_scalarmult_ed25519_base_noclamp(key->public_key, key->scalar) != 0) {
    kt_ecvrf_key_release(key);
    return KT_ERR_CRYPTO;
  }
  return KT_OK;
}

void kt_ecvrf_key_release(struct kt_ecvrf_key *key)
{
  sodium_memzero(key, sizeof *key);
}

bool kt_ecvrf_public_key_valid(const uint8_t public_key[static KT_ECVRF_POINT_LEN])
{
  return crypto_core_ed25519_is_valid_point(public_key) == 1;
}

/* cofactor * Gamma = (8*x)*H: without a proof, Gamma itself is not needed. */
enum kt_err kt_ecvrf_output(const struct kt_ecvrf_key *key, struct kt_bytes alpha, struct kt_hash *ret_output)
{
  static const uint8_t cofactor[SCALAR_LEN] = { 8 };
  uint8_t h[KT_ECVRF_POINT_LEN];
  uint8_t cleared[KT_ECVRF_POINT_LEN];
  uint8_t scalar[SCALAR_LEN];

  enum kt_err err = kt_ecvrf_encode_to_curve(key->public_key, alpha, h);
  if (err != KT_OK) {
    return err;
  }
  crypto_core_ed25519_scalar_mul(scalar, key->scalar, cofactor);
  int failed = crypto_scalarmult_ed25519_noclamp(cleared, scalar, h);
  sodium_memzero(scalar, sizeof scalar);
  if (failed) {
    return KT_ERR_CRYPTO;
  }
  hash_cleared_gamma(cleared, ret_output);
  return KT_OK;
}

/* c and s of section 5.1, steps 5 to 7. */
static enum kt_err prove_gamma(const struct kt_ecvrf_key *key, const uint8_t h[static KT_ECVRF_POINT_LEN],
                               const uint8_t gamma[static KT_ECVRF_POINT_LEN], uint8_t c[static SCALAR_LEN],
                               uint8_t s[static SCALAR_LEN])
{
  uint8_t k[SCALAR_LEN];
  uint8_t cx[SCALAR_LEN];
  uint8_t u[KT_ECVRF_POINT_LEN];
  uint8_t v[KT_ECVRF_POINT_LEN];
  enum kt_err err = KT_ERR_CRYPTO;

  generate_nonce(key, h, k);
  if (crypto_scalarmult_ed25519_base_noclamp(u, k) == 0 && crypto_scalarmult_ed25519_noclamp(v, k, h) == 0) {
    generate_challenge(key->public_key, h, gamma, u, v, c);
    crypto_core_ed25519_scalar_mul(cx, c, key->scalar);
    crypto_core_ed25519_scalar_add(s, k, cx);
    err = KT_OK;
  }
  sodium_memzero(k, sizeof k);
  sodium_memzero(cx, sizeof cx);
  return err;
}

enum kt_err kt_ecvrf_prove(const struct kt_ecvrf_key *key, struct kt_bytes alpha,
                           uint8_t ret_proof[static KT_ECVRF_PROOF_LEN], struct kt_hash *ret_output)
{
  uint8_t h[KT_ECVRF_POINT_LEN];
  uint8_t gamma[KT_ECVRF_POINT_LEN];
  uint8_t cleared[KT_ECVRF_POINT_LEN];
  uint8_t c[SCALAR_LEN];
  uint8_t s[SCALAR_LEN];

  enum kt_err err = kt_ecvrf_encode_to_curve(key->public_key, alpha, h);
  if (err != KT_OK) {
    return err;
  }
  if (crypto_scalarmult_ed25519_noclamp(gamma, key->scalar, h) != 0 || !clear_cofactor(gamma, cleared)) {
    return KT_ERR_CRYPTO;
  }
  err = prove_gamma(key, h, gamma, c, s);
  if (err != KT_OK) {
    return err;
  }
  memcpy(ret_proof, gamma, sizeof gamma);
  memcpy(ret_proof + KT_ECVRF_POINT_LEN, c, CHALLENGE_LEN);
  memcpy(ret_proof + KT_ECVRF_POINT_LEN + CHALLENGE_LEN, s, sizeof s);
  hash_cleared_gamma(cleared, ret_output);
  return KT_OK;
}

/* Below the group order: reducing changes nothing. */
static bool is_reduced(const uint8_t s[static SCALAR_LEN])
{
  uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = { 0 };
  uint8_t reduced[SCALAR_LEN];

  memcpy(wide, s, SCALAR_LEN);
  crypto_core_ed25519_scalar_reduce(reduced, wide);
  return memcmp(reduced, s, sizeof reduced) == 0;
}

/* U = s*B - c*Y and V = s*H - c*Gamma of section 5.3.
 *
 * R45 is enforced by the two multiplications by c: Y and Gamma must be canonical, on the curve and not of small order
 * ("If string_to_point returns "INVALID", output "INVALID""). They must also be in the main subgroup (ours): x*B and
 * x*H always are, so no honest prover is refused, and every output has one Gamma. Refusing c = 0 or s = 0 (ours) refuses
 * an honest proof with probability 2^-128. */
static bool recompute_commitments(const uint8_t y[static KT_ECVRF_POINT_LEN],
                                  const uint8_t h[static KT_ECVRF_POINT_LEN],
                                  const uint8_t gamma[static KT_ECVRF_POINT_LEN], const uint8_t c[static SCALAR_LEN],
                                  const uint8_t s[static SCALAR_LEN], uint8_t ret_u[static KT_ECVRF_POINT_LEN],
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
  const uint8_t *s = proof + KT_ECVRF_POINT_LEN + CHALLENGE_LEN;
  uint8_t c[SCALAR_LEN] = { 0 };
  uint8_t expected_c[SCALAR_LEN];
  uint8_t h[KT_ECVRF_POINT_LEN];
  uint8_t u[KT_ECVRF_POINT_LEN];
  uint8_t v[KT_ECVRF_POINT_LEN];
  uint8_t cleared[KT_ECVRF_POINT_LEN];

  /* R45; section 5.4.4: "If s >= q, output "INVALID" and stop." */
  if (!is_reduced(s)) {
    return KT_ERR_PROOF;
  }
  enum kt_err err = kt_ecvrf_encode_to_curve(public_key, alpha, h);
  if (err != KT_OK) {
    return err;
  }
  memcpy(c, proof + KT_ECVRF_POINT_LEN, CHALLENGE_LEN);
  if (!recompute_commitments(public_key, h, gamma, c, s, u, v)) {
    return KT_ERR_PROOF;
  }
  generate_challenge(public_key, h, gamma, u, v, expected_c);
  if (memcmp(c, expected_c, sizeof c) != 0 || !clear_cofactor(gamma, cleared)) {
    return KT_ERR_PROOF;
  }
  hash_cleared_gamma(cleared, ret_output);
  return KT_OK;
}
