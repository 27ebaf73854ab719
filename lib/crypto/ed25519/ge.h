/* SPDX-License-Identifier: Apache-2.0 */
/* The group of edwards25519 (RFC 8032 section 5.1): -x^2 + y^2 = 1 + d x^2 y^2, in the extended coordinates of Hisil,
 * Wong, Carter and Dawson. -1 is a square and d is not, so their addition is complete: it holds for every two points, and
 * no Z is ever 0.
 *
 * Every operation runs in time independent of its operands unless it says otherwise; out may be an operand. */
#ifndef KT_CRYPTO_ED25519_GE_H
#define KT_CRYPTO_ED25519_GE_H

#include "crypto/ed25519/fe.h"

#define KT_GE_LEN 32
#define KT_GE_ENCODE_MAX 32

/* x = X/Z, y = Y/Z, x y = T/Z; every coordinate is tight. */
struct kt_ge {
  struct kt_fe x, y, z, t;
};

/* A point made ready to be added: Y + X, Y - X and 2 d T, enough for Z = 1 ... */
struct kt_ge_affine {
  struct kt_fe y_plus_x, y_minus_x, t2d;
};

/* ... and 2 Z for any other. */
struct kt_ge_addend {
  struct kt_ge_affine xyt;
  struct kt_fe z2;
};

extern const struct kt_ge kt_ge_identity;

void kt_ge_prepare(const struct kt_ge *p, struct kt_ge_addend *ret);
void kt_ge_add(const struct kt_ge *p, const struct kt_ge_addend *q, struct kt_ge *ret);
void kt_ge_add_affine(const struct kt_ge *p, const struct kt_ge_affine *q, struct kt_ge *ret);

/* 2^n * p, n > 0 */
void kt_ge_double(const struct kt_ge *p, unsigned n, struct kt_ge *ret);

/* RFC 8032 section 5.1.3, with Z = 1; false for whatever it refuses, y >= p and x = 0 with a sign included. Public. */
bool kt_ge_decode(const uint8_t bytes[static KT_GE_LEN], struct kt_ge *ret);

/* n <= KT_GE_ENCODE_MAX points, for one inversion. */
void kt_ge_encode(const struct kt_ge *points, size_t n, uint8_t (*ret)[KT_GE_LEN]);

bool kt_ge_is_identity(const struct kt_ge *p); /* public */

/* Whether p, with Z = 1 as kt_ge_decode leaves it, has order L: in the main subgroup and not the identity. Public. */
bool kt_ge_has_prime_order(const struct kt_ge *p);

#endif
