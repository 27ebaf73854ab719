/* SPDX-License-Identifier: Apache-2.0 */
/* The group against libsodium's, on points of every order. */
#include "unit/crypto/crypto_test.h"

#include "crypto/ed25519/ge_mul.h"

enum { SCALAR_LEN = KT_GE_SCALAR_LEN, N_RANDOM = 150 };

static void random_bytes(uint32_t seed, void *ret, size_t len)
{
  uint8_t stream_seed[randombytes_SEEDBYTES] = { 'g', 'e' };
  memcpy(stream_seed + 4, &seed, sizeof seed);
  randombytes_buf_deterministic(ret, len, stream_seed);
}

/* A point of order L * (the order of the torsion point), encoded; torsion 0 is the identity. */
static void random_point(uint32_t seed, size_t torsion, uint8_t ret[static POINT_LEN])
{
  uint8_t uniform[crypto_core_ed25519_UNIFORMBYTES];
  uint8_t small[POINT_LEN];
  random_bytes(seed, uniform, sizeof uniform);
  assert_int_equal(crypto_core_ed25519_from_uniform(ret, uniform), 0);
  small_order_point(torsion, small);
  assert_int_equal(crypto_core_ed25519_add(ret, ret, small), 0);
}

static void decode(const uint8_t bytes[static POINT_LEN], struct kt_ge *ret)
{
  assert_true(kt_ge_decode(bytes, ret));
}

static void assert_encodes_to(const struct kt_ge *p, const uint8_t expected[static POINT_LEN])
{
  uint8_t encoded[1][POINT_LEN];
  kt_ge_encode(p, 1, encoded);
  assert_memory_equal(encoded[0], expected, POINT_LEN);
}

static void test_ge_decode_refuses_what_rfc8032_does(void **state)
{
  (void)state;
  struct kt_ge p;
  uint8_t bytes[POINT_LEN];
  uint8_t reduced[POINT_LEN];
  for (size_t i = 0; i < N_UNREDUCED; i++) {
    unreduced_point(i, bytes, reduced);
    assert_false(kt_ge_decode(bytes, &p));
  }
  for (size_t i = 0; i < N_SMALL_ORDER; i++) { /* the others are unreduced, or x = 0 with a sign */
    small_order_point(i, bytes);
    assert_int_equal(kt_ge_decode(bytes, &p), i < N_TORSION);
  }
  /* Random bytes decode exactly when libsodium adds the identity to them, that is, finds them on the curve. */
  static const uint8_t identity[POINT_LEN] = { 1 };
  size_t n_decoded = 0;
  for (uint32_t i = 0; i < 4 * N_RANDOM; i++) {
    uint8_t sum[POINT_LEN];
    random_bytes(i, bytes, sizeof bytes);
    const bool decoded = kt_ge_decode(bytes, &p);
    n_decoded += decoded;
    assert_int_equal(decoded, crypto_core_ed25519_add(sum, bytes, identity) == 0);
    if (decoded) {
      assert_encodes_to(&p, bytes);
    }
  }
  assert_in_range(n_decoded, N_RANDOM, 3 * N_RANDOM);
}

static void test_ge_encode_several(void **state)
{
  (void)state;
  for (size_t n = 1; n <= KT_GE_ENCODE_MAX; n++) {
    struct kt_ge points[KT_GE_ENCODE_MAX];
    uint8_t expected[KT_GE_ENCODE_MAX][POINT_LEN];
    uint8_t encoded[KT_GE_ENCODE_MAX][POINT_LEN];
    for (size_t i = 0; i < n; i++) {
      uint8_t half[POINT_LEN];
      random_point((uint32_t)(100 * n + i), i % N_TORSION, half);
      assert_int_equal(crypto_core_ed25519_add(expected[i], half, half), 0);
      decode(half, &points[i]);
      kt_ge_double(&points[i], 1, &points[i]); /* so that Z is not 1 */
    }
    kt_ge_encode(points, n, encoded);
    assert_memory_equal(encoded, expected, n * POINT_LEN);
  }
}

static void assert_sum(const uint8_t a[static POINT_LEN], const uint8_t b[static POINT_LEN])
{
  uint8_t expected[POINT_LEN];
  struct kt_ge p, q, sum;
  struct kt_ge_addend addend;
  assert_int_equal(crypto_core_ed25519_add(expected, a, b), 0);
  decode(a, &p);
  decode(b, &q);
  kt_ge_prepare(&q, &addend);
  kt_ge_add_affine(&p, &addend.xyt, &sum); /* Z = 1 */
  assert_encodes_to(&sum, expected);
  kt_ge_add(&p, &addend, &sum);
  assert_encodes_to(&sum, expected);
  assert_int_equal(kt_ge_is_identity(&sum), expected[0] == 1 && sodium_is_zero(expected + 1, POINT_LEN - 1));

  kt_ge_prepare(&sum, &addend); /* Z is not 1: 2 sum and 2 sum - ... from both formulas */
  struct kt_ge doubled;
  kt_ge_add(&sum, &addend, &doubled);
  assert_int_equal(crypto_core_ed25519_add(expected, expected, expected), 0);
  assert_encodes_to(&doubled, expected);
  kt_ge_double(&sum, 1, &doubled);
  assert_encodes_to(&doubled, expected);
  kt_ge_double(&sum, 3, &sum);
  assert_int_equal(crypto_core_ed25519_add(expected, expected, expected), 0);
  assert_int_equal(crypto_core_ed25519_add(expected, expected, expected), 0);
  assert_encodes_to(&sum, expected);
}

/* Complete: also for equal, opposite and small-order points. */
static void test_ge_add_and_double(void **state)
{
  (void)state;
  for (size_t i = 0; i < N_TORSION; i++) {
    for (size_t j = 0; j < N_TORSION; j++) {
      uint8_t a[POINT_LEN];
      uint8_t b[POINT_LEN];
      small_order_point(i, a);
      small_order_point(j, b);
      assert_sum(a, b);
      random_point((uint32_t)(8 * i + j), i, a);
      assert_sum(a, b);
      assert_sum(a, a);
      random_point((uint32_t)(1000 + 8 * i + j), j, b);
      assert_sum(a, b);
      memcpy(b, a, sizeof b);
      b[POINT_LEN - 1] ^= 0x80; /* -a */
      assert_sum(a, b);
    }
  }
}

/* Every coset of the main subgroup, and every point of small order. */
static void test_ge_has_prime_order_R45(void **state)
{
  (void)state;
  for (size_t torsion = 0; torsion < N_TORSION; torsion++) {
    uint8_t bytes[POINT_LEN];
    struct kt_ge p;
    small_order_point(torsion, bytes);
    decode(bytes, &p);
    assert_false(kt_ge_has_prime_order(&p));
    for (uint32_t i = 0; i < N_RANDOM; i++) {
      random_point(i, torsion, bytes);
      decode(bytes, &p);
      assert_int_equal(kt_ge_has_prime_order(&p), torsion == 0);
      assert_int_equal(crypto_core_ed25519_is_valid_point(bytes), torsion == 0);
    }
  }
}

/* Scalars that are all carries, no carries, a single digit or close to a power of two; all below 2^255. */
static size_t edge_scalar(size_t i, uint8_t ret[static SCALAR_LEN])
{
  static const char *const scalars[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0800000000000000000000000000000000000000000000000000000000000000",
    "ffffffffffffffffffffffffffffff0f00000000000000000000000000000000",
    "ffffffffffffffffffffffffffffffff00000000000000000000000000000000",
    "0000000000000000000000000000000001000000000000000000000000000000",
    "ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", /* L - 1 */
    "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", /* L */
    "8888888888888888888888888888888888888888888888888888888888888808",
    "7777777777777777777777777777777777777777777777777777777777777777",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* 2^255 - 1 */
    "0000000000000000000000000000000000000000000000000000000000000040",
  };
  from_hex(scalars[i], ret, SCALAR_LEN);
  return sizeof scalars / sizeof *scalars;
}

/* scalar * p by libsodium, which refuses what gives the identity, for p in the main subgroup. */
static void reference_mul(const uint8_t *scalar, size_t len, const uint8_t p[static POINT_LEN],
                          uint8_t ret[static POINT_LEN])
{
  uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = { 0 };
  uint8_t reduced[SCALAR_LEN];
  memcpy(wide, scalar, len);
  crypto_core_ed25519_scalar_reduce(reduced, wide);
  if (crypto_scalarmult_ed25519_noclamp(ret, reduced, p) != 0) {
    assert_true(sodium_is_zero(reduced, sizeof reduced));
    small_order_point(0, ret);
  }
}

static void base_point(uint8_t ret[static POINT_LEN])
{
  memset(ret, 0x66, POINT_LEN); /* y = 4/5 */
  ret[0] = 0x58;
}

static void assert_multiples(const uint8_t scalar[static SCALAR_LEN], const uint8_t point[static POINT_LEN])
{
  uint8_t base[POINT_LEN];
  uint8_t expected[POINT_LEN];
  struct kt_ge p, product;
  base_point(base);
  reference_mul(scalar, SCALAR_LEN, base, expected);
  kt_ge_base_mul(scalar, &product);
  assert_encodes_to(&product, expected);

  reference_mul(scalar, SCALAR_LEN, point, expected);
  decode(point, &p);
  for (size_t n_rows = 1; n_rows <= KT_GE_COMB_ROWS_MAX; n_rows *= 2) {
    struct kt_ge_comb comb;
    kt_ge_comb_init(&p, n_rows, &comb);
    kt_ge_comb_mul(&comb, scalar, &product);
    assert_encodes_to(&product, expected);
  }
}

static void test_ge_multiples(void **state)
{
  (void)state;
  uint8_t scalar[SCALAR_LEN];
  uint8_t point[POINT_LEN];
  random_point(1, 0, point);
  for (size_t i = 0, n = 1; i < n; i++) {
    n = edge_scalar(i, scalar);
    assert_multiples(scalar, point);
  }
  for (uint32_t i = 0; i < N_RANDOM; i++) {
    random_bytes(i, scalar, sizeof scalar);
    scalar[SCALAR_LEN - 1] &= 0x7f;
    random_point(i, 0, point);
    assert_multiples(scalar, point);
  }
}

/* Every entry of the base point's table for secret scalars, of both signs. */
static void test_ge_base_rows(void **state)
{
  (void)state;
  uint8_t base[POINT_LEN];
  base_point(base);
  for (size_t i = 0; i < SCALAR_LEN; i++) {
    for (uint8_t n = 1; n < 16; n++) {
      uint8_t scalar[SCALAR_LEN] = { 0 };
      uint8_t expected[POINT_LEN];
      struct kt_ge product;
      scalar[i] = i == SCALAR_LEN - 1 ? n & 7 : n; /* 9 to 15 become -7 to -1, and a carry */
      reference_mul(scalar, SCALAR_LEN, base, expected);
      kt_ge_base_mul(scalar, &product);
      assert_encodes_to(&product, expected);
    }
  }
}

/* ret = s*p - c*q */
static void reference_mul_sub(const uint8_t *s, const uint8_t *p, const uint8_t *c, const uint8_t *q, uint8_t *ret)
{
  uint8_t subtrahend[POINT_LEN];
  reference_mul(s, SCALAR_LEN, p, ret);
  reference_mul(c, KT_GE_CHALLENGE_LEN, q, subtrahend);
  assert_int_equal(crypto_core_ed25519_sub(ret, ret, subtrahend), 0);
}

static void assert_mul_sub(const uint8_t *s, const uint8_t *c, const uint8_t *p_bytes, const uint8_t *q_bytes)
{
  uint8_t base[POINT_LEN];
  uint8_t expected[POINT_LEN];
  struct kt_ge p, q, difference;
  decode(p_bytes, &p);
  decode(q_bytes, &q);
  reference_mul_sub(s, p_bytes, c, q_bytes, expected);
  kt_ge_public_mul_sub(s, &p, c, &q, &difference);
  assert_encodes_to(&difference, expected);
  base_point(base);
  reference_mul_sub(s, base, c, q_bytes, expected);
  kt_ge_public_base_mul_sub(s, c, &q, &difference);
  assert_encodes_to(&difference, expected);
}

static void test_ge_public_mul_sub(void **state)
{
  (void)state;
  uint8_t s[SCALAR_LEN];
  uint8_t c[SCALAR_LEN];
  uint8_t p[POINT_LEN];
  uint8_t q[POINT_LEN];
  random_point(2, 0, p);
  random_point(3, 0, q);
  for (size_t i = 0, n = 1; i < n; i++) {
    n = edge_scalar(i, s);
    for (size_t j = 0; j < n; j++) { /* the first half of a scalar is a challenge */
      (void)edge_scalar(j, c);
      assert_mul_sub(s, c, p, q);
      assert_mul_sub(s, c, p, p);
    }
  }
  for (uint32_t i = 0; i < N_RANDOM; i++) {
    random_bytes(2 * i, s, sizeof s);
    random_bytes(2 * i + 1, c, sizeof c);
    s[SCALAR_LEN - 1] &= 0x7f;
    random_point(i, 0, p);
    random_point(i + 1, 0, q);
    assert_mul_sub(s, c, p, q);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ge_decode_refuses_what_rfc8032_does),
    cmocka_unit_test(test_ge_encode_several),
    cmocka_unit_test(test_ge_add_and_double),
    cmocka_unit_test(test_ge_has_prime_order_R45),
    cmocka_unit_test(test_ge_multiples),
    cmocka_unit_test(test_ge_base_rows),
    cmocka_unit_test(test_ge_public_mul_sub),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
