/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ecvrf_hash.h"

#include <string.h>

enum { HASH_LEN = crypto_hash_sha512_BYTES };

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

/* Before it is reduced, x is a multiple of 8 between 2^254 and 2^255, so it is not zero modulo the group order. */
void kt_ecvrf_key_expand(struct kt_vrf_key *key, const uint8_t seed[static KT_ECVRF_SEED_LEN])
{
  uint8_t hash[HASH_LEN];
  uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = { 0 };

  crypto_hash_sha512(hash, seed, KT_ECVRF_SEED_LEN);
  memcpy(wide, hash, KT_ECVRF_SCALAR_LEN);
  wide[0] &= 0xf8;
  wide[31] = (uint8_t)((wide[31] & 0x7f) | 0x40);
  *key = (struct kt_vrf_key){ 0 };
  crypto_core_ed25519_scalar_reduce(key->scalar, wide);
  memcpy(key->prefix, hash + KT_ECVRF_SCALAR_LEN, sizeof key->prefix);
  sodium_memzero(hash, sizeof hash);
  sodium_memzero(wide, sizeof wide);
}

void kt_ecvrf_attempts_begin(const uint8_t public_key[static KT_ECVRF_POINT_LEN], struct kt_bytes alpha,
                             crypto_hash_sha512_state *ret_prefix)
{
  hash_begin(ret_prefix, DOMAIN_ENCODE_TO_CURVE);
  crypto_hash_sha512_update(ret_prefix, public_key, KT_ECVRF_POINT_LEN);
  crypto_hash_sha512_update(ret_prefix, alpha.data, alpha.len);
}

void kt_ecvrf_attempt_hash(const crypto_hash_sha512_state *prefix, unsigned ctr, uint8_t ret_hash[static HASH_LEN])
{
  const uint8_t ctr_string = (uint8_t)ctr;
  crypto_hash_sha512_state state = *prefix;

  crypto_hash_sha512_update(&state, &ctr_string, 1);
  hash_end(&state, ret_hash);
}

void kt_ecvrf_challenge(const uint8_t y[static KT_ECVRF_POINT_LEN], const uint8_t h[static KT_ECVRF_POINT_LEN],
                        const uint8_t gamma[static KT_ECVRF_POINT_LEN], const uint8_t u[static KT_ECVRF_POINT_LEN],
                        const uint8_t v[static KT_ECVRF_POINT_LEN], uint8_t ret_c[static KT_ECVRF_SCALAR_LEN])
{
  const uint8_t *points[] = { y, h, gamma, u, v };
  crypto_hash_sha512_state state;
  uint8_t hash[HASH_LEN];

  hash_begin(&state, DOMAIN_CHALLENGE);
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    crypto_hash_sha512_update(&state, points[i], KT_ECVRF_POINT_LEN);
  }
  hash_end(&state, hash);
  memset(ret_c, 0, KT_ECVRF_SCALAR_LEN);
  memcpy(ret_c, hash, KT_ECVRF_C_LEN);
}

/* As RFC 8032 makes its own: SHA-512(prefix || H) modulo the group order. */
void kt_ecvrf_nonce(const struct kt_vrf_key *key, const uint8_t h[static KT_ECVRF_POINT_LEN],
                    uint8_t ret_k[static KT_ECVRF_SCALAR_LEN])
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

void kt_ecvrf_assemble(const struct kt_vrf_key *key, const uint8_t gamma[static KT_ECVRF_POINT_LEN],
                       const uint8_t c[static KT_ECVRF_SCALAR_LEN], const uint8_t k[static KT_ECVRF_SCALAR_LEN],
                       uint8_t ret_proof[static KT_ECVRF_PROOF_LEN])
{
  uint8_t cx[KT_ECVRF_SCALAR_LEN];

  crypto_core_ed25519_scalar_mul(cx, c, key->scalar);
  memcpy(ret_proof, gamma, KT_ECVRF_POINT_LEN);
  memcpy(ret_proof + KT_ECVRF_C_OFFSET, c, KT_ECVRF_C_LEN);
  crypto_core_ed25519_scalar_add(ret_proof + KT_ECVRF_S_OFFSET, k, cx);
  sodium_memzero(cx, sizeof cx);
}

void kt_ecvrf_cofactor_scalar(const struct kt_vrf_key *key, uint8_t ret_scalar[static KT_ECVRF_SCALAR_LEN])
{
  static const uint8_t cofactor[KT_ECVRF_SCALAR_LEN] = { 8 };

  crypto_core_ed25519_scalar_mul(ret_scalar, key->scalar, cofactor);
}

bool kt_ecvrf_proof_scalars(const uint8_t proof[static KT_ECVRF_PROOF_LEN], uint8_t ret_c[static KT_ECVRF_SCALAR_LEN],
                            uint8_t ret_s[static KT_ECVRF_SCALAR_LEN])
{
  const uint8_t *s = proof + KT_ECVRF_S_OFFSET;
  uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = { 0 };
  uint8_t reduced[KT_ECVRF_SCALAR_LEN];

  memcpy(wide, s, KT_ECVRF_SCALAR_LEN);
  crypto_core_ed25519_scalar_reduce(reduced, wide);
  if (memcmp(reduced, s, sizeof reduced) != 0 || sodium_is_zero(reduced, sizeof reduced) ||
      sodium_is_zero(proof + KT_ECVRF_C_OFFSET, KT_ECVRF_C_LEN)) {
    return false;
  }
  memset(ret_c, 0, KT_ECVRF_SCALAR_LEN);
  memcpy(ret_c, proof + KT_ECVRF_C_OFFSET, KT_ECVRF_C_LEN);
  memcpy(ret_s, reduced, sizeof reduced);
  return true;
}

void kt_ecvrf_output_hash(const uint8_t cleared[static KT_ECVRF_POINT_LEN], struct kt_hash *ret_output)
{
  crypto_hash_sha512_state state;
  uint8_t beta[HASH_LEN];

  hash_begin(&state, DOMAIN_OUTPUT);
  crypto_hash_sha512_update(&state, cleared, KT_ECVRF_POINT_LEN);
  hash_end(&state, beta);
  memcpy(ret_output->b, beta, sizeof ret_output->b);
}
