/* SPDX-License-Identifier: Apache-2.0 */
/* Eight at a time against one at a time: what this processor runs, if it can, and the same code with its multiplication in plain C.
 *   unit-crypto-ed25519-lanes [COUNT [STREAM]]
 * COUNT times eight random points and scalars, 100 unless told; STREAM, a number, chooses other ones. */
#include "unit/crypto/crypto_test.h"
#include "unit/crypto/ed25519/plain_lanes.h"
#include "unit/crypto/secret_test.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned long long n_rounds = 100;
static unsigned long long stream = 1;

static const struct implementation {
  void (*mul)(const struct kt_ge *points, uint8_t (*scalars)[KT_GE_SCALAR_LEN], struct kt_ge *ret);
  void (*power_p58)(const struct kt_fe *a, struct kt_fe *ret);
} implementations[] = {
  { plain_lanes_mul, plain_lanes_power_p58 },
  { kt_lanes_mul, kt_lanes_power_p58 },
};

static size_t n_implementations(void)
{
  return kt_lanes_available() ? 2 : 1;
}

static void random_bytes(uint64_t number, void *ret, size_t len)
{
  uint8_t seed[randombytes_SEEDBYTES] = { 'l' };
  memcpy(seed + 8, &stream, sizeof stream);
  memcpy(seed + 16, &number, sizeof number);
  randombytes_buf_deterministic(ret, len, seed);
}

/* --- field elements ----------------------------------------------------------------------------------------------------- */

#define TIGHT_MAX ((UINT64_C(1) << 51) + (UINT64_C(1) << 15) - 1)

/* Tight: the limits of each limb, and random ones. */
static struct kt_fe make_fe(uint64_t number)
{
  static const uint64_t limits[] = { 0, 1, LIMB_MASK - 18, LIMB_MASK, LIMB_MASK + 1, TIGHT_MAX };
  struct kt_fe a;
  random_bytes(number, &a, sizeof a);
  for (size_t i = 0; i < 5; i++) {
    const uint64_t choice = a.v[i] >> 60;
    a.v[i] = choice < sizeof limits / sizeof *limits ? limits[choice] : a.v[i] & LIMB_MASK;
  }
  return a;
}

static struct lanes_fe in_all_lanes(const struct kt_fe *a)
{
  struct lanes_fe ret;
  for (size_t i = 0; i < 5; i++) {
    ret.v[i] = (lanes){ 0 } + a->v[i];
  }
  return ret;
}

static void assert_lane(const struct lanes_fe *actual, size_t lane, const struct kt_fe *expected)
{
  struct kt_fe one;
  for (size_t i = 0; i < 5; i++) {
    one.v[i] = actual->v[i][lane];
  }
  assert_true(kt_fe_equal(&one, expected));
}

/* Each lane is this element, and as tight as lanes.c says. */
static void assert_all_lanes(const struct lanes_fe *actual, const struct kt_fe *expected)
{
  for (size_t lane = 0; lane < KT_LANES; lane++) {
    for (size_t i = 0; i < 5; i++) {
      assert_true(actual->v[i][lane] < (UINT64_C(1) << 51) + (UINT64_C(1) << 14));
    }
    assert_lane(actual, lane, expected);
  }
}

static void test_field(void **state)
{
  (void)state;
  for (uint64_t round = 0; round < 2000; round++) {
    const struct kt_fe a = make_fe(2 * round);
    const struct kt_fe b = make_fe(2 * round + 1);
    const struct lanes_fe lanes_a = in_all_lanes(&a);
    const struct lanes_fe lanes_b = in_all_lanes(&b);
    struct kt_fe expected;
    struct lanes_fe actual;
    kt_fe_mul(&a, &b, &expected);
    mul(&lanes_a, &lanes_b, &actual);
    assert_all_lanes(&actual, &expected);
    kt_fe_square(&a, &expected);
    square(&lanes_a, &actual);
    assert_all_lanes(&actual, &expected);
    kt_fe_add(&a, &b, &expected);
    add(&lanes_a, &lanes_b, &actual);
    assert_all_lanes(&actual, &expected);
    kt_fe_sub(&a, &b, &expected);
    sub(&lanes_a, &lanes_b, &actual);
    assert_all_lanes(&actual, &expected);
  }
}

/* What multiplication accepts is more than tight: 52 bits. */
static void test_factors_of_52_bits(void **state)
{
  (void)state;
  const struct kt_fe most = { { FACTOR_MASK, FACTOR_MASK, FACTOR_MASK, FACTOR_MASK, FACTOR_MASK } };
  const struct lanes_fe lanes_most = in_all_lanes(&most);
  struct kt_fe expected;
  struct lanes_fe actual;
  kt_fe_mul(&most, &most, &expected);
  mul(&lanes_most, &lanes_most, &actual);
  assert_all_lanes(&actual, &expected);
  square(&lanes_most, &actual);
  assert_all_lanes(&actual, &expected);
}

static void test_powers(void **state)
{
  (void)state;
  for (size_t which = 0; which < n_implementations(); which++) {
    for (uint64_t round = 0; round < 200; round++) {
      struct kt_fe a[KT_LANES];
      struct kt_fe powers[KT_LANES];
      for (uint64_t i = 0; i < KT_LANES; i++) {
        a[i] = make_fe(KT_LANES * round + i);
      }
      implementations[which].power_p58(a, powers);
      for (size_t i = 0; i < KT_LANES; i++) {
        struct kt_fe expected;
        kt_fe_power_p58(&a[i], &expected);
        assert_true(kt_fe_equal(&powers[i], &expected));
      }
    }
  }
}

/* --- points ------------------------------------------------------------------------------------------------------------- */

static struct kt_ge make_coordinates(uint64_t number)
{
  const struct kt_ge p = { make_fe(number), make_fe(number + 1), make_fe(number + 2), make_fe(number + 3) };
  return p;
}

static void assert_lane_point(const struct lanes_ge *actual, size_t lane, const struct kt_ge *expected)
{
  assert_lane(&actual->x, lane, &expected->x);
  assert_lane(&actual->y, lane, &expected->y);
  assert_lane(&actual->z, lane, &expected->z);
  assert_lane(&actual->t, lane, &expected->t);
}

/* The formulas are those of ge.c, so they agree on any coordinates, of points or not: here with limbs at their limits. */
static void test_formulas(void **state)
{
  (void)state;
  for (uint64_t round = 0; round < 2000; round++) {
    struct kt_ge p[KT_LANES];
    struct kt_ge q[KT_LANES];
    struct lanes_ge lanes_p;
    struct lanes_ge lanes_q;
    struct lanes_ge sum;
    struct lanes_addend addend;
    for (uint64_t i = 0; i < KT_LANES; i++) {
      p[i] = make_coordinates(8 * (KT_LANES * round + i));
      q[i] = make_coordinates(8 * (KT_LANES * round + i) + 4);
    }
    load_points(p, &lanes_p);
    load_points(q, &lanes_q);
    prepare(&lanes_q, &addend);
    add_point(&lanes_p, &addend, &sum);
    double_point(&lanes_p, true);
    for (size_t i = 0; i < KT_LANES; i++) {
      struct kt_ge_addend alone;
      struct kt_ge expected;
      kt_ge_prepare(&q[i], &alone);
      kt_ge_add(&p[i], &alone, &expected);
      assert_lane_point(&sum, i, &expected);
      kt_ge_double(&p[i], 1, &expected);
      assert_lane_point(&lanes_p, i, &expected);
    }
  }
}

/* Lane by lane: Y + X and Y - X change places, and T is 2p - T, a factor still. */
static void test_negation(void **state)
{
  (void)state;
  for (uint64_t round = 0; round < 256; round++) {
    struct lanes_addend p;
    lanes is_negative;
    const struct kt_fe limbs[] = { make_fe(3 * round), make_fe(3 * round + 1), make_fe(3 * round + 2) };
    p.y_plus_x = in_all_lanes(&limbs[0]);
    p.y_minus_x = in_all_lanes(&limbs[1]);
    p.t2d = in_all_lanes(&limbs[2]);
    for (size_t i = 0; i < KT_LANES; i++) {
      is_negative[i] = (round >> i & 1) != 0 ? UINT64_MAX : 0;
    }
    negate_by_sign(&is_negative, &p);
    for (size_t lane = 0; lane < KT_LANES; lane++) {
      const bool negated = is_negative[lane] != 0;
      struct kt_fe t2d = limbs[2];
      if (negated) {
        kt_fe_neg(&limbs[2], &t2d);
      }
      assert_lane(&p.y_plus_x, lane, &limbs[negated ? 1 : 0]);
      assert_lane(&p.y_minus_x, lane, &limbs[negated ? 0 : 1]);
      for (size_t i = 0; i < 5; i++) {
        assert_true(p.t2d.v[i][lane] == t2d.v[i] && t2d.v[i] <= FACTOR_MASK);
      }
    }
  }
}

/* The identity, the others of small order, the base point, and random points of the whole group. */
static struct kt_ge make_point(uint64_t number)
{
  uint8_t bytes[POINT_LEN];
  struct kt_ge p;
  if (number % 32 < N_TORSION) {
    small_order_point(number % 32, bytes);
  } else if (number % 32 == N_TORSION) {
    return kt_ge_base;
  } else {
    do {
      random_bytes(number++, bytes, sizeof bytes);
    } while (!kt_ge_decode(bytes, &p));
    return p;
  }
  assert_true(kt_ge_decode(bytes, &p));
  return p;
}

/* Below 2^255: nothing, all digits alike, the largest, or random. */
static void make_scalar(uint64_t number, uint8_t ret[static KT_GE_SCALAR_LEN])
{
  static const uint8_t fills[] = { 0x00, 0x01, 0x10, 0x11, 0x77, 0x78, 0x88, 0x87, 0x7f, 0xf0, 0xff };
  if (number % 24 < sizeof fills) {
    memset(ret, fills[number % 24], KT_GE_SCALAR_LEN);
  } else {
    random_bytes(number, ret, KT_GE_SCALAR_LEN);
  }
  ret[KT_GE_SCALAR_LEN - 1] &= 0x7f;
}

static void assert_products(const struct kt_ge *points, uint8_t (*scalars)[KT_GE_SCALAR_LEN],
                            const struct kt_ge *products)
{
  uint8_t encoded[KT_LANES][KT_GE_LEN];
  uint8_t expected[KT_LANES][KT_GE_LEN];
  struct kt_ge alone[KT_LANES];
  for (size_t i = 0; i < KT_LANES; i++) {
    struct kt_ge_comb comb;
    kt_ge_comb_init(&points[i], 1, &comb);
    kt_ge_comb_mul(&comb, scalars[i], &alone[i]);
    struct kt_fe xy;
    struct kt_fe tz;
    kt_fe_mul(&products[i].x, &products[i].y, &xy);
    kt_fe_mul(&products[i].t, &products[i].z, &tz);
    assert_true(kt_fe_equal(&xy, &tz));
  }
  kt_ge_encode(alone, KT_LANES, expected);
  kt_ge_encode(products, KT_LANES, encoded);
  assert_memory_equal(encoded, expected, sizeof encoded);
}

static void test_multiples(void **state)
{
  (void)state;
  for (uint64_t round = 0; round < n_rounds; round++) {
    struct kt_ge points[KT_LANES];
    struct kt_ge products[KT_LANES];
    uint8_t scalars[KT_LANES][KT_GE_SCALAR_LEN];
    for (uint64_t i = 0; i < KT_LANES; i++) {
      points[i] = make_point(KT_LANES * round + i);
      make_scalar((KT_LANES + 3) * round + 5 * i, scalars[i]);
    }
    /* A long run is for what the processor does. */
    for (size_t which = round < 200 ? 0 : 1; which < n_implementations(); which++) {
      implementations[which].mul(points, scalars, products);
      assert_products(points, scalars, products);
    }
  }
}

/* The products may take the place of the points. */
static void test_product_in_place(void **state)
{
  (void)state;
  for (size_t which = 0; which < n_implementations(); which++) {
    struct kt_ge points[KT_LANES];
    struct kt_ge products[KT_LANES];
    uint8_t scalars[KT_LANES][KT_GE_SCALAR_LEN];
    for (uint64_t i = 0; i < KT_LANES; i++) {
      points[i] = make_point(20 + i);
      make_scalar(20 + i, scalars[i]);
    }
    memcpy(products, points, sizeof products);
    implementations[which].mul(products, scalars, products);
    assert_products(points, scalars, products);
  }
}

/* Random bytes, encodings that are refused and points of small order, as kt_ge_decode has them. */
static void test_decoding(void **state)
{
  (void)state;
  if (!kt_lanes_available()) {
    skip();
  }
  size_t n_points = 0;
  for (size_t round = 0; round < 200; round++) {
    uint8_t bytes[KT_LANES][POINT_LEN];
    uint8_t reduced[POINT_LEN];
    struct kt_ge points[KT_LANES];
    bool is_point[KT_LANES];
    for (size_t i = 0; i < KT_LANES; i++) {
      random_bytes(KT_LANES * round + i, bytes[i], POINT_LEN);
    }
    unreduced_point(round % N_UNREDUCED, bytes[round % KT_LANES], reduced);
    small_order_point(round % N_SMALL_ORDER, bytes[(round + 3) % KT_LANES]);
    kt_ge_decode_lanes(bytes, points, is_point);
    for (size_t i = 0; i < KT_LANES; i++) {
      struct kt_ge expected;
      assert_int_equal(is_point[i], kt_ge_decode(bytes[i], &expected));
      if (is_point[i]) {
        assert_true(kt_fe_equal(&points[i].x, &expected.x) && kt_fe_equal(&points[i].y, &expected.y));
        assert_true(kt_fe_equal(&points[i].z, &expected.z) && kt_fe_equal(&points[i].t, &expected.t));
        n_points++;
      }
    }
  }
  assert_in_range(n_points, 400, 1200);
}

/* A build that has lanes uses them where the system says that the processor does; valgrind plays another processor. */
static void test_availability(void **state)
{
  (void)state;
  char line[8192];
  bool is_there = false;
  FILE *file = fopen("/proc/cpuinfo", "r");
  if (file == NULL || under_valgrind()) {
    skip();
  }
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    is_there = is_there || (strncmp(line, "flags", 5) == 0 && strstr(line, " avx512ifma") != NULL);
  }
  if (file != NULL) {
    assert_int_equal(fclose(file), 0);
  }
#ifdef KT_VRF_LANES
  assert_int_equal(kt_lanes_available(), is_there);
#else
  assert_false(kt_lanes_available());
#endif
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_field),
    cmocka_unit_test(test_factors_of_52_bits),
    cmocka_unit_test(test_powers),
    cmocka_unit_test(test_formulas),
    cmocka_unit_test(test_negation),
    cmocka_unit_test(test_multiples),
    cmocka_unit_test(test_product_in_place),
    cmocka_unit_test(test_decoding),
    cmocka_unit_test(test_availability),
  };
  if (argc > 1) {
    n_rounds = strtoull(argv[1], NULL, 10);
  }
  if (argc > 2) {
    stream = strtoull(argv[2], NULL, 10);
  }
  if (!kt_lanes_available()) {
    print_message(
        "no lanes in this build, or on this processor: their code is tested with multiplication in plain C\n");
  }
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
