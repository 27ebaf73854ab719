/* SPDX-License-Identifier: Apache-2.0 */
/* Field operations against Python's integers (make_fe_vectors.py), and identities of a field on random elements. */
#include "unit/crypto/crypto_test.h"

#include "crypto/ed25519/fe.h"
#include "unit/crypto/ed25519/fe_vectors.h"

enum { N_VECTORS = sizeof fe_vectors / sizeof *fe_vectors, N_RANDOM = 2000 };

static void assert_encodes_to(const struct kt_fe *a, const char *expected_hex)
{
  uint8_t expected[KT_FE_LEN];
  uint8_t encoded[KT_FE_LEN];
  from_hex(expected_hex, expected, sizeof expected);
  kt_fe_encode(a, encoded);
  assert_memory_equal(encoded, expected, sizeof encoded);
}

static void assert_tight(const struct kt_fe *a)
{
  for (size_t i = 0; i < 5; i++) {
    assert_true(a->v[i] < (UINT64_C(1) << 51) + (UINT64_C(1) << 15));
  }
}

static void assert_equal(const struct kt_fe *a, const struct kt_fe *b)
{
  assert_true(kt_fe_equal(a, b));
}

/* Limbs below 2^bits. */
static void random_limbs(uint32_t seed, unsigned bits, struct kt_fe *ret)
{
  uint8_t stream_seed[randombytes_SEEDBYTES] = { 0 };
  memcpy(stream_seed, &seed, sizeof seed);
  randombytes_buf_deterministic(ret, sizeof *ret, stream_seed);
  for (size_t i = 0; i < 5; i++) {
    ret->v[i] >>= 64 - bits;
  }
}

static void test_fe_encode_vectors(void **state)
{
  (void)state;
  for (size_t i = 0; i < N_VECTORS; i++) {
    assert_encodes_to(&fe_vectors[i].a, fe_vectors[i].encoded);
    uint8_t encoded[KT_FE_LEN];
    struct kt_fe decoded;
    kt_fe_encode(&fe_vectors[i].a, encoded);
    assert_int_equal(kt_fe_sign(&fe_vectors[i].a), encoded[0] & 1);
    assert_true(kt_fe_decode(encoded, &decoded));
    assert_equal(&decoded, &fe_vectors[i].a);
    for (size_t limb = 0; limb < 5; limb++) {
      assert_true(decoded.v[limb] < UINT64_C(1) << 51);
    }
    assert_int_equal(kt_fe_is_zero(&decoded), sodium_is_zero(encoded, sizeof encoded));
  }
}

static void test_fe_mul_vectors(void **state)
{
  (void)state;
  for (size_t i = 0; i < N_VECTORS; i++) {
    const struct fe_vector *v = &fe_vectors[i];
    struct kt_fe result;
    kt_fe_mul(&v->a, &v->b, &result);
    assert_tight(&result);
    assert_encodes_to(&result, v->product);
    result = v->a;
    kt_fe_mul(&result, &v->b, &result); /* out may be an operand */
    assert_encodes_to(&result, v->product);
    result = v->b;
    kt_fe_mul(&v->a, &result, &result);
    assert_encodes_to(&result, v->product);
    kt_fe_square(&v->a, &result);
    assert_tight(&result);
    assert_encodes_to(&result, v->square);
    kt_fe_invert(&v->a, &result);
    assert_tight(&result);
    assert_encodes_to(&result, v->inverse);
  }
}

static void test_fe_powers_vectors(void **state)
{
  (void)state;
  for (size_t i = 0; i < N_VECTORS; i++) {
    const struct fe_vector *v = &fe_vectors[i];
    struct kt_fe root;
    struct kt_fe product;
    const bool a_is_zero = kt_fe_is_zero(&v->a);
    assert_int_equal(kt_fe_sqrt_ratio(&v->b, &v->a, &root), v->ratio_is_square && (!a_is_zero || kt_fe_is_zero(&v->b)));
    assert_tight(&root);
    if (v->ratio_is_square && !a_is_zero) {
      kt_fe_square(&root, &product);
      kt_fe_mul(&product, &v->a, &product);
      assert_equal(&product, &v->b);
    }
    assert_int_equal(kt_fe_is_fourth_power(&v->a), v->is_fourth_power);
  }
}

/* Values from p to 2^255 - 1 are refused, with and without the ignored top bit. */
static void test_fe_decode_is_strict(void **state)
{
  (void)state;
  for (size_t i = 0; i < N_UNREDUCED; i++) {
    uint8_t unreduced[POINT_LEN];
    uint8_t reduced[POINT_LEN];
    struct kt_fe fe = kt_fe_one;
    unreduced_point(i, unreduced, reduced);
    assert_false(kt_fe_decode(unreduced, &fe));
    assert_equal(&fe, &kt_fe_one); /* untouched */
    assert_true(kt_fe_decode(reduced, &fe));
    assert_int_equal(fe.v[0], i / 2);
  }
  uint8_t largest[POINT_LEN]; /* p - 1 */
  memset(largest, 0xff, sizeof largest);
  largest[0] = 0xec;
  struct kt_fe fe;
  assert_true(kt_fe_decode(largest, &fe));
  kt_fe_add(&fe, &kt_fe_one, &fe);
  assert_true(kt_fe_is_zero(&fe));
}

/* a + b - b = a, -a + a = 0, a b = b a, a (b + c) = a b + a c, with operands as large as the header allows. */
static void test_fe_ring_identities(void **state)
{
  (void)state;
  for (uint32_t i = 0; i < N_RANDOM; i++) {
    struct kt_fe a, b, c, left, right, t;
    random_limbs(3 * i, 52, &a);
    random_limbs(3 * i + 1, 51, &b);
    random_limbs(3 * i + 2, 53, &c);
    kt_fe_add(&a, &b, &left);
    kt_fe_sub(&left, &b, &left);
    assert_equal(&left, &a);
    kt_fe_neg(&b, &t);
    kt_fe_add(&t, &b, &t);
    assert_true(kt_fe_is_zero(&t));
    kt_fe_sub(&a, &b, &t);
    kt_fe_add(&t, &b, &t);
    assert_equal(&t, &a);

    kt_fe_mul(&a, &b, &left);
    kt_fe_mul(&b, &a, &right);
    assert_memory_equal(&left, &right, sizeof left);
    kt_fe_add(&b, &c, &t);
    kt_fe_mul(&a, &t, &left);
    kt_fe_mul(&a, &b, &right);
    kt_fe_mul(&a, &c, &t);
    kt_fe_add(&right, &t, &right);
    assert_equal(&left, &right);
    kt_fe_mul(&c, &c, &left);
    kt_fe_square(&c, &right);
    assert_equal(&left, &right);
  }
}

static void test_fe_field_identities(void **state)
{
  (void)state;
  for (uint32_t i = 0; i < N_RANDOM / 10; i++) {
    struct kt_fe a, t, root;
    random_limbs(i, 54, &a);
    kt_fe_invert(&a, &t);
    kt_fe_mul(&t, &a, &t);
    assert_equal(&t, &kt_fe_one);
    kt_fe_square(&a, &t);
    assert_true(kt_fe_sqrt_ratio(&t, &kt_fe_one, &root));
    kt_fe_square(&root, &root);
    assert_equal(&root, &t);
    kt_fe_square(&t, &t);
    assert_true(kt_fe_is_fourth_power(&t));
    kt_fe_add(&t, &t, &t); /* 2 is not a square */
    assert_false(kt_fe_is_fourth_power(&t));
    assert_false(kt_fe_sqrt_ratio(&t, &kt_fe_one, &root));
  }
  struct kt_fe t;
  kt_fe_square(&kt_fe_sqrt_minus_1, &t);
  kt_fe_add(&t, &kt_fe_one, &t);
  assert_true(kt_fe_is_zero(&t));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fe_encode_vectors),  cmocka_unit_test(test_fe_mul_vectors),
    cmocka_unit_test(test_fe_powers_vectors),  cmocka_unit_test(test_fe_decode_is_strict),
    cmocka_unit_test(test_fe_ring_identities), cmocka_unit_test(test_fe_field_identities),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
