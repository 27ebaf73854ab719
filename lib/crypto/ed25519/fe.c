/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519/fe.h"

#include <string.h>

__extension__ typedef unsigned __int128 uint128;

#define LIMB_MASK ((UINT64_C(1) << 51) - 1)

const struct kt_fe kt_fe_one = { { 1 } };

/* The columns of a product -> tight. Every column passes what it has above 51 bits to the next one, all at once and then
 * once more, which is less to wait for than one carry rippling through. 2^255 = 19 modulo p: what leaves limb 4 comes
 * back to limb 0, times 19. */
static inline void carry_columns(uint128 c0, uint128 c1, uint128 c2, uint128 c3, uint128 c4, struct kt_fe *ret)
{
  const uint64_t v0 = ((uint64_t)c0 & LIMB_MASK) + 19 * (uint64_t)(c4 >> 51);
  const uint64_t v1 = ((uint64_t)c1 & LIMB_MASK) + (uint64_t)(c0 >> 51);
  const uint64_t v2 = ((uint64_t)c2 & LIMB_MASK) + (uint64_t)(c1 >> 51);
  const uint64_t v3 = ((uint64_t)c3 & LIMB_MASK) + (uint64_t)(c2 >> 51);
  const uint64_t v4 = ((uint64_t)c4 & LIMB_MASK) + (uint64_t)(c3 >> 51);
  ret->v[0] = (v0 & LIMB_MASK) + 19 * (v4 >> 51);
  ret->v[1] = (v1 & LIMB_MASK) + (v0 >> 51);
  ret->v[2] = (v2 & LIMB_MASK) + (v1 >> 51);
  ret->v[3] = (v3 & LIMB_MASK) + (v2 >> 51);
  ret->v[4] = (v4 & LIMB_MASK) + (v3 >> 51);
}

void kt_fe_mul(const struct kt_fe *a, const struct kt_fe *b, struct kt_fe *ret)
{
  const uint64_t a0 = a->v[0], a1 = a->v[1], a2 = a->v[2], a3 = a->v[3], a4 = a->v[4];
  const uint64_t b0 = b->v[0], b1 = b->v[1], b2 = b->v[2], b3 = b->v[3], b4 = b->v[4];
  const uint64_t d1 = 19 * b1, d2 = 19 * b2, d3 = 19 * b3, d4 = 19 * b4;

  uint128 c0 = (uint128)a0 * b0 + (uint128)a1 * d4 + (uint128)a2 * d3 + (uint128)a3 * d2 + (uint128)a4 * d1;
  uint128 c1 = (uint128)a0 * b1 + (uint128)a1 * b0 + (uint128)a2 * d4 + (uint128)a3 * d3 + (uint128)a4 * d2;
  uint128 c2 = (uint128)a0 * b2 + (uint128)a1 * b1 + (uint128)a2 * b0 + (uint128)a3 * d4 + (uint128)a4 * d3;
  uint128 c3 = (uint128)a0 * b3 + (uint128)a1 * b2 + (uint128)a2 * b1 + (uint128)a3 * b0 + (uint128)a4 * d4;
  uint128 c4 = (uint128)a0 * b4 + (uint128)a1 * b3 + (uint128)a2 * b2 + (uint128)a3 * b1 + (uint128)a4 * b0;
  carry_columns(c0, c1, c2, c3, c4, ret);
}

static inline void square(const struct kt_fe *a, struct kt_fe *ret)
{
  const uint64_t a0 = a->v[0], a1 = a->v[1], a2 = a->v[2], a3 = a->v[3], a4 = a->v[4];
  const uint64_t twice0 = 2 * a0, twice1 = 2 * a1, d3 = 19 * a3, d4 = 19 * a4;

  uint128 c0 = (uint128)a0 * a0 + (uint128)twice1 * d4 + (uint128)(2 * a2) * d3;
  uint128 c1 = (uint128)twice0 * a1 + (uint128)(2 * a2) * d4 + (uint128)a3 * d3;
  uint128 c2 = (uint128)twice0 * a2 + (uint128)a1 * a1 + (uint128)(2 * a3) * d4;
  uint128 c3 = (uint128)twice0 * a3 + (uint128)twice1 * a2 + (uint128)a4 * d4;
  uint128 c4 = (uint128)twice0 * a4 + (uint128)twice1 * a3 + (uint128)a2 * a2;
  carry_columns(c0, c1, c2, c3, c4, ret);
}

void kt_fe_square(const struct kt_fe *a, struct kt_fe *ret)
{
  square(a, ret);
}

/* a^(2^n), n > 0 */
static void square_times(const struct kt_fe *a, unsigned n, struct kt_fe *ret)
{
  struct kt_fe x = *a;
  for (unsigned i = 0; i < n; i++) {
    square(&x, &x);
  }
  *ret = x;
}

/* a^(2^250 - 1), the common part of both exponents below, and a^11 on the way. Names give exponents: ones_n stands for
 * a^(2^n - 1), and ones_(m+n) = ones_m^(2^n) * ones_n. */
static void power_ones_250(const struct kt_fe *a, struct kt_fe *ret_ones_250, struct kt_fe *ret_11)
{
  struct kt_fe a9, a11, t, ones_5, ones_10, ones_20, ones_50, ones_100;
  square(a, &a11);
  square_times(&a11, 2, &t);
  kt_fe_mul(&t, a, &a9);
  kt_fe_mul(&a9, &a11, &a11);
  square(&a11, &t);
  kt_fe_mul(&t, &a9, &ones_5); /* 22 + 9 */
  square_times(&ones_5, 5, &t);
  kt_fe_mul(&t, &ones_5, &ones_10);
  square_times(&ones_10, 10, &t);
  kt_fe_mul(&t, &ones_10, &ones_20);
  square_times(&ones_20, 20, &t);
  kt_fe_mul(&t, &ones_20, &t); /* ones_40 */
  square_times(&t, 10, &t);
  kt_fe_mul(&t, &ones_10, &ones_50);
  square_times(&ones_50, 50, &t);
  kt_fe_mul(&t, &ones_50, &ones_100);
  square_times(&ones_100, 100, &t);
  kt_fe_mul(&t, &ones_100, &t); /* ones_200 */
  square_times(&t, 50, &t);
  kt_fe_mul(&t, &ones_50, ret_ones_250);
  *ret_11 = a11;
}

/* a^(p - 2): p - 2 = 2^255 - 21 = (2^250 - 1) * 2^5 + 11. */
void kt_fe_invert(const struct kt_fe *a, struct kt_fe *ret)
{
  struct kt_fe a11, t;
  power_ones_250(a, &t, &a11);
  square_times(&t, 5, &t);
  kt_fe_mul(&t, &a11, ret);
}

/* (p - 5)/8 = 2^252 - 3 = (2^250 - 1) * 2^2 + 1. */
void kt_fe_power_p58(const struct kt_fe *a, struct kt_fe *ret)
{
  struct kt_fe a11, t;
  power_ones_250(a, &t, &a11);
  square_times(&t, 2, &t);
  kt_fe_mul(&t, a, ret);
}

void kt_fe_ratio_init(const struct kt_fe *u, const struct kt_fe *v, struct kt_fe_ratio *ret)
{
  struct kt_fe t;
  ret->u = *u;
  ret->v = *v;
  kt_fe_square(v, &t);
  kt_fe_mul(&t, v, &ret->v3);
  kt_fe_square(&ret->v3, &t);
  kt_fe_mul(&t, v, &t);
  kt_fe_mul(&t, u, &ret->uv7);
}

/* RFC 8032 section 5.1.3: x = u v^3 (u v^7)^((p-5)/8); then v x^2 is u, or -u when a square root of -1 is missing, or
 * neither when u/v is not a square. */
bool kt_fe_ratio_finish(const struct kt_fe_ratio *ratio, const struct kt_fe *power, struct kt_fe *ret)
{
  struct kt_fe x, t, target, negated;
  kt_fe_mul(power, &ratio->v3, &x);
  kt_fe_mul(&x, &ratio->u, &x);

  kt_fe_square(&x, &t);
  kt_fe_mul(&t, &ratio->v, &t);
  kt_fe_mul(&ratio->u, &kt_fe_one, &target); /* tight */
  kt_fe_neg(&target, &negated);
  if (kt_fe_equal(&t, &negated)) {
    kt_fe_mul(&x, &kt_fe_sqrt_minus_1, &x);
    kt_fe_neg(&t, &t);
  }
  *ret = x;
  return kt_fe_equal(&t, &target);
}

bool kt_fe_sqrt_ratio(const struct kt_fe *u, const struct kt_fe *v, struct kt_fe *ret)
{
  struct kt_fe_ratio ratio;
  struct kt_fe power;
  kt_fe_ratio_init(u, v, &ratio);
  kt_fe_power_p58(&ratio.uv7, &power);
  return kt_fe_ratio_finish(&ratio, &power, ret);
}

/* (p - 1)/4 = 2 (p - 5)/8 + 1 */
bool kt_fe_is_fourth_power(const struct kt_fe *a)
{
  struct kt_fe t;
  kt_fe_power_p58(a, &t);
  kt_fe_square(&t, &t);
  kt_fe_mul(&t, a, &t);
  return kt_fe_equal(&t, &kt_fe_one);
}

static uint64_t load64(const uint8_t *bytes)
{
  uint64_t value = 0;
  for (size_t i = 8; i > 0; i--) {
    value = value << 8 | bytes[i - 1];
  }
  return value;
}

static void store64(uint64_t value, uint8_t *ret)
{
  for (size_t i = 0; i < 8; i++) {
    ret[i] = (uint8_t)(value >> 8 * i);
  }
}

bool kt_fe_decode(const uint8_t bytes[static KT_FE_LEN], struct kt_fe *ret)
{
  const uint64_t w0 = load64(bytes), w1 = load64(bytes + 8), w2 = load64(bytes + 16), w3 = load64(bytes + 24);
  const struct kt_fe a = { { w0 & LIMB_MASK, (w0 >> 51 | w1 << 13) & LIMB_MASK, (w1 >> 38 | w2 << 26) & LIMB_MASK,
                             (w2 >> 25 | w3 << 39) & LIMB_MASK, w3 >> 12 & LIMB_MASK } };
  const bool canonical = a.v[0] < LIMB_MASK - 18 || a.v[1] != LIMB_MASK || a.v[2] != LIMB_MASK || a.v[3] != LIMB_MASK ||
                         a.v[4] != LIMB_MASK;
  if (canonical) {
    *ret = a;
  }
  return canonical;
}

/* One pass of carries; returns the value modulo 2^255 and what left limb 4. */
static uint64_t carry_pass(struct kt_fe *a)
{
  uint64_t carry = 0;
  for (size_t i = 0; i < 5; i++) {
    a->v[i] += carry;
    carry = a->v[i] >> 51;
    a->v[i] &= LIMB_MASK;
  }
  return carry;
}

void kt_fe_encode(const struct kt_fe *a, uint8_t ret[static KT_FE_LEN])
{
  struct kt_fe t = *a;
  uint64_t carry = carry_pass(&t);
  t.v[0] += 19 * carry; /* now below 2^255 + 19 * 2^3, which is below 2p */
  struct kt_fe plus_19 = t;
  plus_19.v[0] += 19;
  carry = carry_pass(&plus_19); /* 1 exactly when t >= p: then t + 19 >= 2^255 */
  t.v[0] += 19 * carry;
  (void)carry_pass(&t); /* what leaves limb 4 is the 2^255 of t + 19 = (t - p) + 2^255 */

  store64(t.v[0] | t.v[1] << 51, ret);
  store64(t.v[1] >> 13 | t.v[2] << 38, ret + 8);
  store64(t.v[2] >> 26 | t.v[3] << 25, ret + 16);
  store64(t.v[3] >> 39 | t.v[4] << 12, ret + 24);
}

bool kt_fe_equal(const struct kt_fe *a, const struct kt_fe *b)
{
  uint8_t encoded_a[KT_FE_LEN];
  uint8_t encoded_b[KT_FE_LEN];
  kt_fe_encode(a, encoded_a);
  kt_fe_encode(b, encoded_b);
  return memcmp(encoded_a, encoded_b, sizeof encoded_a) == 0;
}

bool kt_fe_is_zero(const struct kt_fe *a)
{
  const struct kt_fe zero = { { 0 } };
  return kt_fe_equal(a, &zero);
}

uint8_t kt_fe_sign(const struct kt_fe *a)
{
  uint8_t encoded[KT_FE_LEN];
  kt_fe_encode(a, encoded);
  return encoded[0] & 1;
}
