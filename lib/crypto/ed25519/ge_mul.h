/* SPDX-License-Identifier: Apache-2.0 */
/* Multiples of points. Scalars are little-endian.
 *
 * For secret scalars: signed digits of four bits, each looked up by reading its whole table under masks, so that neither
 * a branch nor an address depends on the scalar. For public ones, whose names say so: signed digits in non-adjacent form
 * and whatever is fastest. */
#ifndef KT_CRYPTO_ED25519_GE_MUL_H
#define KT_CRYPTO_ED25519_GE_MUL_H

#include "crypto/ed25519/ge.h"

#define KT_GE_SCALAR_LEN 32
#define KT_GE_CHALLENGE_LEN 16
#define KT_GE_COMB_ROWS_MAX 4

#define KT_GE_DIGITS 64

/* scalar = sum of digits[i] * 16^i, every digit from -8 to 8; scalar < 2^255 */
void kt_ge_digits(const uint8_t scalar[static KT_GE_SCALAR_LEN], int8_t ret_digits[static KT_GE_DIGITS]);

/* 1 to 8 times 2^(256 i / n_rows) * p in row i: more rows share more doublings between several scalars. */
struct kt_ge_comb {
  size_t n_rows;
  struct kt_ge_addend multiples[KT_GE_COMB_ROWS_MAX][8];
};

/* n_rows: 1, 2 or 4; one is best for one scalar, four for two of them. */
void kt_ge_comb_init(const struct kt_ge *p, size_t n_rows, struct kt_ge_comb *ret);

/* scalar * p; scalar < 2^255 */
void kt_ge_comb_mul(const struct kt_ge_comb *comb, const uint8_t scalar[static KT_GE_SCALAR_LEN], struct kt_ge *ret);

/* scalar * B; scalar < 2^255 */
void kt_ge_base_mul(const uint8_t scalar[static KT_GE_SCALAR_LEN], struct kt_ge *ret);

/* s*p - c*q and s*B - c*q; s < 2^255 */
void kt_ge_public_mul_sub(const uint8_t s[static KT_GE_SCALAR_LEN], const struct kt_ge *p,
                          const uint8_t c[static KT_GE_CHALLENGE_LEN], const struct kt_ge *q, struct kt_ge *ret);
void kt_ge_public_base_mul_sub(const uint8_t s[static KT_GE_SCALAR_LEN], const uint8_t c[static KT_GE_CHALLENGE_LEN],
                               const struct kt_ge *q, struct kt_ge *ret);

#endif
