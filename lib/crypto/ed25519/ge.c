/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519/ge.h"

#include "crypto/ed25519/lanes.h"
#include "crypto/ed25519/tables.h"

#include <string.h>

const struct kt_ge kt_ge_identity = { .y = { { 1 } }, .z = { { 1 } } };

/* What additions and doublings come down to: x = E/G and y = H/F, all loose. */
struct quotients {
  struct kt_fe e, f, g, h;
};

/* Enough for a doubling, which reads no T. */
static void finish_without_t(const struct quotients *q, struct kt_ge *ret)
{
  kt_fe_mul(&q->e, &q->f, &ret->x);
  kt_fe_mul(&q->g, &q->h, &ret->y);
  kt_fe_mul(&q->f, &q->g, &ret->z);
}

static void finish(const struct quotients *q, struct kt_ge *ret)
{
  finish_without_t(q, ret);
  kt_fe_mul(&q->e, &q->h, &ret->t);
}

void kt_ge_prepare(const struct kt_ge *p, struct kt_ge_addend *ret)
{
  kt_fe_add(&p->y, &p->x, &ret->xyt.y_plus_x);
  kt_fe_sub(&p->y, &p->x, &ret->xyt.y_minus_x);
  kt_fe_mul(&p->t, &kt_ge_2d, &ret->xyt.t2d);
  kt_fe_add(&p->z, &p->z, &ret->z2);
}

/* Section 3.1 of Hisil, Wong, Carter and Dawson, from 2 Z1 Z2, whose limbs are below 2^52 + 2^16. */
static void add(const struct kt_ge *p, const struct kt_ge_affine *q, const struct kt_fe *z1z2_twice, struct kt_ge *ret)
{
  struct kt_fe a, b, c;
  struct quotients r;
  kt_fe_sub(&p->y, &p->x, &a);
  kt_fe_mul(&a, &q->y_minus_x, &a);
  kt_fe_add(&p->y, &p->x, &b);
  kt_fe_mul(&b, &q->y_plus_x, &b);
  kt_fe_mul(&p->t, &q->t2d, &c);
  kt_fe_sub(&b, &a, &r.e);
  kt_fe_sub(z1z2_twice, &c, &r.f);
  kt_fe_add(z1z2_twice, &c, &r.g);
  kt_fe_add(&b, &a, &r.h);
  finish(&r, ret);
}

void kt_ge_add(const struct kt_ge *p, const struct kt_ge_addend *q, struct kt_ge *ret)
{
  struct kt_fe z1z2_twice;
  kt_fe_mul(&p->z, &q->z2, &z1z2_twice);
  add(p, &q->xyt, &z1z2_twice, ret);
}

void kt_ge_add_affine(const struct kt_ge *p, const struct kt_ge_affine *q, struct kt_ge *ret)
{
  struct kt_fe z1_twice;
  kt_fe_add(&p->z, &p->z, &z1_twice);
  add(p, q, &z1_twice, ret);
}

/* Section 3.3, with all four signs turned, which no product of two of them notices. */
static void double_once(const struct kt_ge *p, struct quotients *ret)
{
  struct kt_fe a, b, c, s;
  kt_fe_square(&p->x, &a);
  kt_fe_square(&p->y, &b);
  kt_fe_square(&p->z, &c);
  kt_fe_add(&p->x, &p->y, &s);
  kt_fe_square(&s, &s);
  kt_fe_add(&a, &b, &ret->h);
  kt_fe_sub(&ret->h, &s, &ret->e);
  kt_fe_sub(&a, &b, &ret->g);
  kt_fe_add(&c, &c, &c);
  kt_fe_add(&c, &ret->g, &ret->f);
}

void kt_ge_double(const struct kt_ge *p, unsigned n, struct kt_ge *ret)
{
  struct kt_ge point = *p;
  struct quotients doubled;
  for (unsigned i = 1; i < n; i++) {
    double_once(&point, &doubled);
    finish_without_t(&doubled, &point);
  }
  double_once(&point, &doubled);
  finish(&doubled, ret);
}

/* "If the resulting value is >= p, decoding fails." x^2 = (y^2 - 1) / (d y^2 + 1) */
static bool decode_y(const uint8_t bytes[static KT_GE_LEN], struct kt_fe *ret_y, struct kt_fe_ratio *ret_x2)
{
  struct kt_fe u, v;
  if (!kt_fe_decode(bytes, ret_y)) {
    return false;
  }
  kt_fe_square(ret_y, &u);
  kt_fe_mul(&u, &kt_ge_d, &v);
  kt_fe_sub(&u, &kt_fe_one, &u);
  kt_fe_add(&v, &kt_fe_one, &v);
  kt_fe_ratio_init(&u, &v, ret_x2);
  return true;
}

/* power: the middle step of x's square root. */
static bool decode_x(const uint8_t bytes[static KT_GE_LEN], const struct kt_fe *y, const struct kt_fe_ratio *x2,
                     const struct kt_fe *power, struct kt_ge *ret)
{
  const uint8_t sign = bytes[KT_GE_LEN - 1] >> 7;
  struct kt_ge p = { .y = *y, .z = kt_fe_one };

  /* "Otherwise, no square root exists for modulo p, and decoding fails." */
  if (!kt_fe_ratio_finish(x2, power, &p.x)) {
    return false;
  }
  /* "If x = 0, and x_0 = 1, decoding fails." */
  if (kt_fe_sign(&p.x) != sign) {
    if (kt_fe_is_zero(&p.x)) {
      return false;
    }
    kt_fe_neg(&p.x, &p.x);
  }
  kt_fe_mul(&p.x, &kt_fe_one, &p.x); /* tight */
  kt_fe_mul(&p.x, &p.y, &p.t);
  *ret = p;
  return true;
}

bool kt_ge_decode(const uint8_t bytes[static KT_GE_LEN], struct kt_ge *ret)
{
  struct kt_fe y, power;
  struct kt_fe_ratio x2;
  if (!decode_y(bytes, &y, &x2)) {
    return false;
  }
  kt_fe_power_p58(&x2.uv7, &power);
  return decode_x(bytes, &y, &x2, &power, ret);
}

void kt_ge_decode_lanes(uint8_t (*bytes)[KT_GE_LEN], struct kt_ge ret[static KT_LANES],
                        bool ret_is_point[static KT_LANES])
{
  struct kt_fe y[KT_LANES];
  struct kt_fe_ratio x2[KT_LANES];
  struct kt_fe powers[KT_LANES] = { 0 };
  for (size_t i = 0; i < KT_LANES; i++) {
    ret_is_point[i] = decode_y(bytes[i], &y[i], &x2[i]);
    if (ret_is_point[i]) {
      powers[i] = x2[i].uv7;
    }
  }
  kt_lanes_power_p58(powers, powers);
  for (size_t i = 0; i < KT_LANES; i++) {
    ret_is_point[i] = ret_is_point[i] && decode_x(bytes[i], &y[i], &x2[i], &powers[i], &ret[i]);
  }
}

/* 1/Z of every point from the inverse of all their product, which then loses one Z after the other. */
void kt_ge_encode(const struct kt_ge *points, size_t n, uint8_t (*ret)[KT_GE_LEN])
{
  struct kt_fe products[KT_GE_ENCODE_MAX]; /* of the Z up to here */
  struct kt_fe inverse;
  products[0] = points[0].z;
  for (size_t i = 1; i < n; i++) {
    kt_fe_mul(&products[i - 1], &points[i].z, &products[i]);
  }
  kt_fe_invert(&products[n - 1], &inverse);
  for (size_t i = n; i-- > 0;) {
    struct kt_fe z_inverse = inverse;
    struct kt_fe affine;
    if (i > 0) {
      kt_fe_mul(&inverse, &products[i - 1], &z_inverse);
      kt_fe_mul(&inverse, &points[i].z, &inverse);
    }
    kt_fe_mul(&points[i].y, &z_inverse, &affine);
    kt_fe_encode(&affine, ret[i]);
    kt_fe_mul(&points[i].x, &z_inverse, &affine);
    ret[i][KT_GE_LEN - 1] |= (uint8_t)(kt_fe_sign(&affine) << 7);
  }
}

bool kt_ge_is_identity(const struct kt_ge *p)
{
  return kt_fe_is_zero(&p->x) && kt_fe_equal(&p->y, &p->z);
}

/* docs/vrf-backend.md derives this. Halve p once, along the 2-isogeny of the Montgomery form: possible when u, that is
 * 1 - y^2, is a square. Then ask the Tate pairing with a point of order 4 whether what came out is a multiple of 4, up
 * to the isogeny's kernel: when a function's value there is a fourth power. It is 0, which is none, for the identity. */
bool kt_ge_has_prime_order(const struct kt_ge *p)
{
  struct kt_fe m, r, kr, t, xy, n, num, f;
  kt_fe_square(&p->y, &t);
  kt_fe_sub(&kt_fe_one, &t, &t);
  if (!kt_fe_sqrt_ratio(&t, &kt_fe_one, &r)) {
    return false;
  }
  kt_fe_sub(&kt_fe_one, &p->y, &m);
  kt_fe_mul(&kt_ge_k, &r, &kr);

  /* n = x ((A + 2) - (A - 2) y) + 2 K r */
  kt_fe_mul(&kt_ge_a_minus_2, &p->y, &t);
  kt_fe_sub(&kt_ge_a_plus_2, &t, &t);
  kt_fe_mul(&t, &p->x, &n);
  kt_fe_add(&kr, &kr, &t);
  kt_fe_add(&n, &t, &n);
  /* t = 2 x y + K r, num = r n - lambda m t */
  kt_fe_mul(&p->x, &p->y, &xy);
  kt_fe_add(&xy, &xy, &t);
  kt_fe_add(&t, &kr, &t);
  kt_fe_mul(&r, &n, &num);
  kt_fe_mul(&kt_ge_lambda, &m, &f);
  kt_fe_mul(&f, &t, &f);
  kt_fe_sub(&num, &f, &num);
  /* f = 2 m num^2 (x t)^3 */
  kt_fe_square(&num, &f);
  kt_fe_mul(&f, &m, &f);
  kt_fe_add(&f, &f, &f);
  kt_fe_mul(&t, &p->x, &t);
  kt_fe_mul(&f, &t, &f);
  kt_fe_square(&t, &t);
  kt_fe_mul(&f, &t, &f);
  return kt_fe_is_fourth_power(&f);
}
