/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the VRF share: the parts of a proof, and how to forge one that only the checks of points refuse. */
#ifndef KT_TESTS_UNIT_ECVRF_TEST_H
#define KT_TESTS_UNIT_ECVRF_TEST_H

#include "unit/crypto/crypto_test.h"

#include "crypto/ecvrf_edwards25519.h"

enum { PROOF_LEN = 80, C_OFFSET = 32, S_OFFSET = 48, SCALAR_LEN = 32 };

/* c as RFC 9381 section 5.4.3 computes it, written apart from the library. */
static inline void challenge(const uint8_t *y, const uint8_t *h, const uint8_t *gamma, const uint8_t *u,
                             const uint8_t *v, uint8_t ret_c[static SCALAR_LEN])
{
  uint8_t input[2 + 5 * POINT_LEN + 1] = { 0x03, 0x02 };
  uint8_t hash[crypto_hash_sha512_BYTES];
  memcpy(input + 2, y, POINT_LEN);
  memcpy(input + 2 + POINT_LEN, h, POINT_LEN);
  memcpy(input + 2 + 2 * POINT_LEN, gamma, POINT_LEN);
  memcpy(input + 2 + 3 * POINT_LEN, u, POINT_LEN);
  memcpy(input + 2 + 4 * POINT_LEN, v, POINT_LEN);
  crypto_hash_sha512(hash, input, sizeof input);
  memset(ret_c, 0, SCALAR_LEN);
  memcpy(ret_c, hash, 16);
}

/* A proof made with nonces of our choice until 8 divides c. Then c annihilates torsion, so that the equations of section
 * 5.3 hold even when a torsion point was added to y or gamma: only the checks of points can refuse it. */
static inline void forge_proof(const uint8_t *x, const uint8_t *y, struct kt_bytes alpha, const uint8_t *gamma,
                               uint8_t ret_proof[static PROOF_LEN])
{
  uint8_t h[POINT_LEN];
  uint8_t u[POINT_LEN];
  uint8_t v[POINT_LEN];
  uint8_t c[SCALAR_LEN];
  uint8_t k[SCALAR_LEN] = { 0 };
  assert_int_equal(kt_ecvrf_encode_to_curve(y, alpha, h), KT_OK);
  do {
    sodium_increment(k, sizeof k);
    assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(u, k), 0);
    assert_int_equal(crypto_scalarmult_ed25519_noclamp(v, k, h), 0);
    challenge(y, h, gamma, u, v, c);
  } while (c[0] % 8 != 0);
  memcpy(ret_proof, gamma, POINT_LEN);
  memcpy(ret_proof + C_OFFSET, c, S_OFFSET - C_OFFSET);
  crypto_core_ed25519_scalar_mul(c, c, x);
  crypto_core_ed25519_scalar_add(ret_proof + S_OFFSET, k, c);
}

#endif
