/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519/ge.h"

#include "crypto/ed25519/tables.h"

#include <string.h>

const struct kt_ge kt_ge_identity = { .y = { { 1 } }, .z = { { 1 } } };
const struct kt_ge_addend kt_ge_addend_identity = { { { 1 } }, { { 1 } }, { { 0 } }, { { 2 } } };
const struct kt_ge_affine kt_ge_affine_identity = { { { 1 } }, { { 1 } }, { { 0 } } };

/* What additions and doublings end with: x = E/G, y = H/F, all loose. */
struct quotients {
  struct kt_fe e, f, g, h;
};

/* Enough for another doubling, which reads no T. */
static void leave_t(const struct quotients *q, struct kt_ge *ret)
{
  kt_fe_mul(&q->e, &q->f, &ret->x);
  kt_fe_mul(&q->g, &q->h, &ret->y);
  kt_fe_mul(&q->f, &q->g, &ret->z);
}

static void finish(const struct quotients *q, struct kt_ge *ret)
{
  leave_t(q, ret);
  kt_fe_mul(&q->e, &q->h, &ret->t);
}

void kt_ge_prepare(const struct kt_ge *p, struct kt_ge_addend *ret)
{
  kt_fe_add(&p->y, &p->x, &ret->y_plus_x);
  kt_fe_sub(&p->y, &p->x, &ret->y_minus_x);
  kt_fe_mul(&p->t, &kt_ge_2d, &ret->t2d);
  kt_fe_add(&p->z, &p->z, &ret->z2);
}

/* "add-2008-hwcd-3" up to the last products, from D = 2 Z1 Z2: A, B and C are tight, and so is D or the sum of two tight
 * ones. */
static void add(const struct kt_ge *p, const struct kt_ge_affine *q, const struct kt_fe *d, struct kt_ge *ret)
{
  struct kt_fe a, b, c;
  struct quotients r;
  kt_fe_sub(&p->y, &p->x, &a);
  kt_fe_mul(&a, &q->y_minus_x, &a);
  kt_fe_add(&p->y, &p->x, &b);
  kt_fe_mul(&b, &q->y_plus_x, &b);
  kt_fe_mul(&p->t, &q->t2d, &c);
  kt_fe_sub(&b, &a, &r.e);
  kt_fe_sub(d, &c, &r.f);
  kt_fe_add(d, &c, &r.g);
  kt_fe_add(&b, &a, &r.h);
  finish(&r, ret);
}
