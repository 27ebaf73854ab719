/* SPDX-License-Identifier: Apache-2.0 */
/* What the P-256 tests share: arithmetic on libcrypto's numbers and points, apart from the library's, for making keys,
 * proofs and signatures to measure. */
#ifndef KT_TESTS_UNIT_P256_TEST_H
#define KT_TESTS_UNIT_P256_TEST_H

#include "unit/crypto/crypto_test.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#define P256_N "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

enum { SCALAR_LEN = 32, COMPRESSED_LEN = 33, UNCOMPRESSED_LEN = 65 };

/* Numbers modulo the order, and points; one per test program. */
struct p256 {
  EC_GROUP *group;
  BN_CTX *ctx;
  const BIGNUM *n;
};

static inline void p256_init(struct p256 *t)
{
  t->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  t->ctx = BN_CTX_new();
  assert_non_null(t->group);
  assert_non_null(t->ctx);
  BN_CTX_start(t->ctx);
  t->n = EC_GROUP_get0_order(t->group);
}

static inline void p256_release(struct p256 *t)
{
  BN_CTX_end(t->ctx);
  BN_CTX_free(t->ctx);
  EC_GROUP_free(t->group);
}

static inline BIGNUM *p256_number(const struct p256 *t, const uint8_t *bytes, size_t len)
{
  BIGNUM *number = BN_CTX_get(t->ctx);
  assert_non_null(number);
  assert_non_null(BN_bin2bn(bytes, (int)len, number));
  return number;
}

static inline BIGNUM *p256_word(const struct p256 *t, unsigned long value)
{
  BIGNUM *number = BN_CTX_get(t->ctx);
  assert_non_null(number);
  assert_int_equal(BN_set_word(number, value), 1);
  return number;
}

static inline void p256_bytes(const BIGNUM *number, uint8_t ret_bytes[static SCALAR_LEN])
{
  assert_int_equal(BN_bn2binpad(number, ret_bytes, SCALAR_LEN), SCALAR_LEN);
}

/* a*b + c modulo the order. */
static inline BIGNUM *p256_multiply_add(const struct p256 *t, const BIGNUM *a, const BIGNUM *b, const BIGNUM *c)
{
  BIGNUM *sum = p256_word(t, 0);
  assert_int_equal(BN_mod_mul(sum, a, b, t->n, t->ctx), 1);
  assert_int_equal(BN_mod_add(sum, sum, c, t->n, t->ctx), 1);
  return sum;
}

/* a*B + b*P, encoded in `len` bytes; a or P may be NULL. */
static inline void p256_combine(const struct p256 *t, const BIGNUM *a, const EC_POINT *p, const BIGNUM *b, size_t len,
                                uint8_t *ret_encoded)
{
  EC_POINT *sum = EC_POINT_new(t->group);
  assert_int_equal(EC_POINT_mul(t->group, sum, a, p, p != NULL ? b : NULL, t->ctx), 1);
  point_conversion_form_t form = len == COMPRESSED_LEN ? POINT_CONVERSION_COMPRESSED : POINT_CONVERSION_UNCOMPRESSED;
  assert_int_equal(EC_POINT_point2oct(t->group, sum, form, ret_encoded, len, t->ctx), len);
  EC_POINT_free(sum);
}

/* The caller's to free. */
static inline EC_POINT *p256_point(const struct p256 *t, const uint8_t *encoded, size_t len)
{
  EC_POINT *point = EC_POINT_new(t->group);
  assert_int_equal(EC_POINT_oct2point(t->group, point, encoded, len, t->ctx), 1);
  return point;
}

/* number + n in 32 bytes; false when that takes more. */
static inline bool p256_plus_order(uint8_t number[static SCALAR_LEN])
{
  uint8_t order[SCALAR_LEN];
  unsigned carry = 0;
  from_hex(P256_N, order, sizeof order);
  for (size_t i = SCALAR_LEN; i-- > 0;) {
    carry += (unsigned)number[i] + order[i];
    number[i] = (uint8_t)carry;
    carry >>= 8;
  }
  return carry == 0;
}

#endif
