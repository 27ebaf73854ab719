/* SPDX-License-Identifier: Apache-2.0 */
/* The field of p = 2^255 - 19 elements, as five limbs of 51 bits: value = sum of v[i] * 2^(51 i) modulo p.
 *
 * Limbs may exceed 51 bits, so that sums need no carries. Two classes say by how much, and docs/vrf-backend.md proves
 * each operation's line:
 *   tight  every limb < 2^51 + 2^15: what everything that multiplies, and decoding, returns
 *   loose  every limb < 2^54: what everything that multiplies accepts
 * Every operation runs in time independent of its operands unless it says otherwise; out may be an operand. */
#ifndef KT_CRYPTO_ED25519_FE_H
#define KT_CRYPTO_ED25519_FE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_FE_LEN 32

struct kt_fe {
  uint64_t v[5];
};

extern const struct kt_fe kt_fe_one;
extern const struct kt_fe kt_fe_sqrt_minus_1; /* 2^((p-1)/4) */

/* limbs of a, b < 2^53 -> loose; tight + tight is < 2^52 + 2^16, fit for any operand here */
static inline void kt_fe_add(const struct kt_fe *a, const struct kt_fe *b, struct kt_fe *ret)
{
  for (size_t i = 0; i < 5; i++) {
    ret->v[i] = a->v[i] + b->v[i];
  }
}

/* Limb i of 2p, no smaller than any tight one. */
static inline uint64_t kt_fe_twice_p(size_t i)
{
  return i == 0 ? UINT64_C(0xfffffffffffda) : UINT64_C(0xffffffffffffe);
}

/* limbs of a < 2^53, b tight -> loose; tight - tight is < 2^52 + 2^51 + 2^15. Adds 2p, so nothing is negative. */
static inline void kt_fe_sub(const struct kt_fe *a, const struct kt_fe *b, struct kt_fe *ret)
{
  for (size_t i = 0; i < 5; i++) {
    ret->v[i] = a->v[i] + kt_fe_twice_p(i) - b->v[i];
  }
}

/* tight -> limbs < 2^52 */
static inline void kt_fe_neg(const struct kt_fe *a, struct kt_fe *ret)
{
  const struct kt_fe zero = { { 0 } };
  kt_fe_sub(&zero, a, ret);
}

/* loose -> tight */
void kt_fe_mul(const struct kt_fe *a, const struct kt_fe *b, struct kt_fe *ret);
void kt_fe_square(const struct kt_fe *a, struct kt_fe *ret);

/* loose -> tight; 1/a, and 0 for 0 */
void kt_fe_invert(const struct kt_fe *a, struct kt_fe *ret);

/* loose -> tight. A square root of u/v, or of u/v times a square root of -1: true when it is the former. u = 0 gives 0
 * and true, v = 0 gives 0 and whether u = 0. For public operands: tells square from non-square by a branch. */
bool kt_fe_sqrt_ratio(const struct kt_fe *u, const struct kt_fe *v, struct kt_fe *ret);

/* The same in three steps, of which the one in the middle takes almost all of the time. */
struct kt_fe_ratio {
  struct kt_fe u, v, v3, uv7; /* u and v loose, v^3 and u v^7 tight */
};

void kt_fe_ratio_init(const struct kt_fe *u, const struct kt_fe *v, struct kt_fe_ratio *ret);
void kt_fe_power_p58(const struct kt_fe *a, struct kt_fe *ret); /* a^((p-5)/8); loose -> tight */
/* power: kt_fe_power_p58 of ratio->uv7. */
bool kt_fe_ratio_finish(const struct kt_fe_ratio *ratio, const struct kt_fe *power, struct kt_fe *ret);

/* loose; public operands. Whether a is a non-zero fourth power: a^((p-1)/4) = 1. */
bool kt_fe_is_fourth_power(const struct kt_fe *a);

/* 255 bits, little-endian, the top bit ignored -> limbs < 2^51. False, for a value that was not below p; public. */
bool kt_fe_decode(const uint8_t bytes[static KT_FE_LEN], struct kt_fe *ret);

/* loose -> the one encoding below p */
void kt_fe_encode(const struct kt_fe *a, uint8_t ret[static KT_FE_LEN]);

/* loose; public operands */
bool kt_fe_is_zero(const struct kt_fe *a);
bool kt_fe_equal(const struct kt_fe *a, const struct kt_fe *b);

/* loose; the least significant bit of the encoding: what RFC 8032 calls the sign */
uint8_t kt_fe_sign(const struct kt_fe *a);

#endif
