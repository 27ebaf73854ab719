/* SPDX-License-Identifier: Apache-2.0 */
/* What the crypto tests share: hex literals, and encodings of edwards25519 points that no key or proof may hold. */
#ifndef KT_TESTS_UNIT_CRYPTO_TEST_H
#define KT_TESTS_UNIT_CRYPTO_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

enum { POINT_LEN = 32, N_TORSION = 8, N_SMALL_ORDER = 14, N_UNREDUCED = 38 };

/* The number of bytes; asserts that the text is hex and fits. */
static inline size_t from_hex(const char *text, uint8_t *ret_data, size_t cap)
{
  size_t len = 0;
  assert_int_equal(sodium_hex2bin(ret_data, cap, text, strlen(text), NULL, &len, NULL), 0);
  assert_int_equal(strlen(text), 2 * len);
  return len;
}

/* Every encoding of the eight points of small order; the first N_TORSION are the canonical ones, the identity first. */
static inline void small_order_point(size_t i, uint8_t ret_point[static POINT_LEN])
{
  static const char *const encodings[N_SMALL_ORDER] = {
    "0100000000000000000000000000000000000000000000000000000000000000", /* (0, 1) */
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* (0, -1) */
    "0000000000000000000000000000000000000000000000000000000000000000", /* order 4 */
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", /* order 8 */
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080", /* x = 0 with a sign */
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* y = p */
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* y = p + 1 */
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  };
  assert_int_equal(from_hex(encodings[i], ret_point, POINT_LEN), POINT_LEN);
}

/* The i-th of all N_UNREDUCED encodings with p <= y < 2^255, and the canonical encoding of the same y and sign. */
static inline void unreduced_point(size_t i, uint8_t ret_point[static POINT_LEN], uint8_t ret_reduced[static POINT_LEN])
{
  const uint8_t sign = i % 2 == 0 ? 0x00 : 0x80;
  memset(ret_point, 0xff, POINT_LEN);
  ret_point[0] = (uint8_t)(0xed + i / 2);
  ret_point[POINT_LEN - 1] = 0x7f | sign;
  memset(ret_reduced, 0, POINT_LEN);
  ret_reduced[0] = (uint8_t)(i / 2);
  ret_reduced[POINT_LEN - 1] = sign;
}

#endif
