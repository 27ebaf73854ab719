/* SPDX-License-Identifier: Apache-2.0 */
/* With KT_LANES_PLAIN the multiplication is in plain C and the rest the same: so a test runs this where there are no such vectors, under
 * valgrind above all. */
#include "crypto/ed25519/lanes.h"

#include "crypto/ed25519/tables.h"

#include <sodium.h>

#if defined(KT_VRF_LANES) || defined(KT_LANES_PLAIN)
#ifndef KT_LANES_PLAIN
#include <immintrin.h>
#endif

typedef uint64_t lanes __attribute__((vector_size(8 * KT_LANES)));

#define LIMB_MASK ((UINT64_C(1) << 51) - 1)
#define OUT_OF_LINE static __attribute__((noinline)) /* the next function's frame stays small */
#define UNROLLED _Pragma("GCC unroll 10") /* the loop that follows, so that what it fills stays in registers */

/* An element in every lane. Tight: every limb < 2^51 + 2^14, what every operation returns; they also accept what fe.h calls tight. What is
 * multiplied may have limbs up to 2^52 - 1. */
struct lanes_fe {
  lanes v[5];
};

/* --- field elements ----------------------------------------------------------------------------------------------------- */

/* sum += the low, or the high, 52 bits of a * b, of which 52 bits are looked at. */
#ifdef KT_LANES_PLAIN
__extension__ typedef unsigned __int128 uint128;

#define FACTOR_MASK ((UINT64_C(1) << 52) - 1)

static inline void add_low(lanes *sum, const lanes *a, const lanes *b)
{
  UNROLLED
  for (size_t i = 0; i < KT_LANES; i++) {
    (*sum)[i] += (uint64_t)((uint128)((*a)[i] & FACTOR_MASK) * ((*b)[i] & FACTOR_MASK)) & FACTOR_MASK;
  }
}

static inline void add_high(lanes *sum, const lanes *a, const lanes *b)
{
  UNROLLED
  for (size_t i = 0; i < KT_LANES; i++) {
    (*sum)[i] += (uint64_t)((uint128)((*a)[i] & FACTOR_MASK) * ((*b)[i] & FACTOR_MASK) >> 52);
  }
}

#define HIDE(mask) __asm__("" : "+m"(mask))
#else
static inline void add_low(lanes *sum, const lanes *a, const lanes *b)
{
  *sum = (lanes)_mm512_madd52lo_epu64((__m512i)*sum, (__m512i)*a, (__m512i)*b);
}

static inline void add_high(lanes *sum, const lanes *a, const lanes *b)
{
  *sum = (lanes)_mm512_madd52hi_epu64((__m512i)*sum, (__m512i)*a, (__m512i)*b);
}

/* As mask_of in ge_mul.c: the compiler does not know what the mask is made of, so it cannot make it a branch. */
#define HIDE(mask) __asm__("" : "+v"(mask))
#endif

/* limbs < 2^61, the last < 2^60 -> tight: each keeps 51 bits and passes the rest on at once. */
static inline void carry(const lanes limbs[static 5], struct lanes_fe *ret)
{
  const lanes back = limbs[4] >> 51;
  ret->v[4] = (limbs[4] & LIMB_MASK) + (limbs[3] >> 51);
  ret->v[3] = (limbs[3] & LIMB_MASK) + (limbs[2] >> 51);
  ret->v[2] = (limbs[2] & LIMB_MASK) + (limbs[1] >> 51);
  ret->v[1] = (limbs[1] & LIMB_MASK) + (limbs[0] >> 51);
  ret->v[0] = (limbs[0] & LIMB_MASK) + (back << 4) + (back << 1) + back;
}

/* The ten columns of a product -> tight: 2^255 = 19 modulo p. */
static inline void fold(const lanes columns[static 10], struct lanes_fe *ret)
{
  lanes limbs[5];
  UNROLLED
  for (size_t i = 0; i < 5; i++) {
    const lanes upper = columns[i + 5];
    limbs[i] = columns[i] + (upper << 4) + (upper << 1) + upper;
  }
  carry(limbs, ret);
}

/* The high part of a product of limbs i and j is worth 2^(52 + 51 (i + j)): twice the next column. */
static inline void mul(const struct lanes_fe *a, const struct lanes_fe *b, struct lanes_fe *ret)
{
  lanes low[10] = { 0 };
  lanes high[10] = { 0 };
  UNROLLED
  for (size_t i = 0; i < 5; i++) {
    UNROLLED
    for (size_t j = 0; j < 5; j++) {
      add_low(&low[i + j], &a->v[i], &b->v[j]);
      add_high(&high[i + j + 1], &a->v[i], &b->v[j]);
    }
  }
  UNROLLED
  for (size_t k = 0; k < 10; k++) {
    low[k] += high[k] << 1;
  }
  fold(low, ret);
}

static inline void square(const struct lanes_fe *a, struct lanes_fe *ret)
{
  lanes low[10] = { 0 };
  lanes high[10] = { 0 };
  lanes cross_low[10] = { 0 }; /* of two different limbs: counted twice */
  lanes cross_high[10] = { 0 };
  UNROLLED
  for (size_t i = 0; i < 5; i++) {
    add_low(&low[2 * i], &a->v[i], &a->v[i]);
    add_high(&high[2 * i + 1], &a->v[i], &a->v[i]);
    UNROLLED
    for (size_t j = 0; j < i; j++) {
      add_low(&cross_low[i + j], &a->v[i], &a->v[j]);
      add_high(&cross_high[i + j + 1], &a->v[i], &a->v[j]);
    }
  }
  UNROLLED
  for (size_t k = 0; k < 10; k++) {
    low[k] += (cross_low[k] + high[k] + (cross_high[k] << 1)) << 1;
  }
  fold(low, ret);
}

static inline void add(const struct lanes_fe *a, const struct lanes_fe *b, struct lanes_fe *ret)
{
  lanes limbs[5];
  UNROLLED
  for (size_t i = 0; i < 5; i++) {
    limbs[i] = a->v[i] + b->v[i];
  }
  carry(limbs, ret);
}

static inline void sub(const struct lanes_fe *a, const struct lanes_fe *b, struct lanes_fe *ret)
{
  lanes limbs[5];
  UNROLLED
  for (size_t i = 0; i < 5; i++) {
    limbs[i] = a->v[i] + kt_fe_twice_p(i) - b->v[i];
  }
  carry(limbs, ret);
}

OUT_OF_LINE void square_times(const struct lanes_fe *a, unsigned n, struct lanes_fe *ret)
{
  struct lanes_fe x = *a;
  for (unsigned i = 0; i < n; i++) {
    square(&x, &x);
  }
  *ret = x;
}

/* (p - 5)/8 = 2^252 - 3. Names as in fe.c: ones_n stands for a^(2^n - 1). */
OUT_OF_LINE void power_p58(const struct lanes_fe *a, struct lanes_fe *ret)
{
  struct lanes_fe a2, a9, t, ones_5, ones_10, ones_20, ones_50, ones_100;
  square(a, &a2);
  square_times(&a2, 2, &t);
  mul(&t, a, &a9);
  mul(&a9, &a2, &t);
  square(&t, &t);
  mul(&t, &a9, &ones_5); /* 22 + 9 */
  square_times(&ones_5, 5, &t);
  mul(&t, &ones_5, &ones_10);
  square_times(&ones_10, 10, &t);
  mul(&t, &ones_10, &ones_20);
  square_times(&ones_20, 20, &t);
  mul(&t, &ones_20, &t); /* ones_40 */
  square_times(&t, 10, &t);
  mul(&t, &ones_10, &ones_50);
  square_times(&ones_50, 50, &t);
  mul(&t, &ones_50, &ones_100);
  square_times(&ones_100, 100, &t);
  mul(&t, &ones_100, &t); /* ones_200 */
  square_times(&t, 50, &t);
  mul(&t, &ones_50, &t); /* ones_250 */
  square_times(&t, 2, &t);
  mul(&t, a, ret);
}

void kt_lanes_power_p58(const struct kt_fe a[static KT_LANES], struct kt_fe ret[static KT_LANES])
{
  struct lanes_fe x;
  for (size_t i = 0; i < KT_LANES; i++) {
    for (size_t limb = 0; limb < 5; limb++) {
      x.v[limb][i] = a[i].v[limb];
    }
  }
  power_p58(&x, &x);
  for (size_t i = 0; i < KT_LANES; i++) {
    for (size_t limb = 0; limb < 5; limb++) {
      ret[i].v[limb] = x.v[limb][i];
    }
  }
}

/* --- points ------------------------------------------------------------------------------------------------------------- */

/* As struct kt_ge and struct kt_ge_addend. */
struct lanes_ge {
  struct lanes_fe x, y, z, t;
};

struct lanes_addend {
  struct lanes_fe y_plus_x, y_minus_x, t2d, z2;
};

OUT_OF_LINE void prepare(const struct lanes_ge *p, struct lanes_addend *ret)
{
  struct lanes_fe d2;
  UNROLLED
  for (size_t i = 0; i < 5; i++) {
    d2.v[i] = (lanes){ 0 } + kt_ge_2d.v[i];
  }
  add(&p->y, &p->x, &ret->y_plus_x);
  sub(&p->y, &p->x, &ret->y_minus_x);
  mul(&p->t, &d2, &ret->t2d);
  add(&p->z, &p->z, &ret->z2);
}

OUT_OF_LINE void add_point(const struct lanes_ge *p, const struct lanes_addend *q, struct lanes_ge *ret)
{
  struct lanes_fe a, b, c, d, e, f, g, h;
  sub(&p->y, &p->x, &a);
  mul(&a, &q->y_minus_x, &a);
  add(&p->y, &p->x, &b);
  mul(&b, &q->y_plus_x, &b);
  mul(&p->t, &q->t2d, &c);
  mul(&p->z, &q->z2, &d);
  sub(&b, &a, &e);
  sub(&d, &c, &f);
  add(&d, &c, &g);
  add(&b, &a, &h);
  mul(&e, &f, &ret->x);
  mul(&g, &h, &ret->y);
  mul(&f, &g, &ret->z);
  mul(&e, &h, &ret->t);
}

/* The last of several doublings needs T; the signs are turned as in ge.c. */
OUT_OF_LINE void double_point(struct lanes_ge *p, bool wants_t)
{
  struct lanes_fe a, b, c, s, e, f, g, h;
  lanes limbs_e[5], limbs_f[5];
  square(&p->x, &a);
  square(&p->y, &b);
  square(&p->z, &c);
  add(&p->x, &p->y, &s);
  square(&s, &s);
  add(&a, &b, &h);
  sub(&a, &b, &g);
  UNROLLED
  for (size_t i = 0; i < 5; i++) {
    limbs_e[i] = a.v[i] + b.v[i] + kt_fe_twice_p(i) - s.v[i];
    limbs_f[i] = (c.v[i] << 1) + a.v[i] + kt_fe_twice_p(i) - b.v[i];
  }
  carry(limbs_e, &e);
  carry(limbs_f, &f);
  mul(&e, &f, &p->x);
  mul(&g, &h, &p->y);
  mul(&f, &g, &p->z);
  if (wants_t) {
    mul(&e, &h, &p->t);
  }
}

/* --- multiples ---------------------------------------------------------------------------------------------------------- */

enum { N_MULTIPLES = 8, LOG2_RADIX = 4 };

_Static_assert(2 * N_MULTIPLES == 1 << LOG2_RADIX && KT_GE_DIGITS * LOG2_RADIX == 256, "the digits of kt_ge_digits");

/* One digit of every scalar. */
typedef int8_t digit_lanes[KT_LANES];

static void recode(uint8_t (*scalars)[KT_GE_SCALAR_LEN], digit_lanes ret[static KT_GE_DIGITS])
{
  int8_t digits[KT_GE_DIGITS];
  for (size_t i = 0; i < KT_LANES; i++) {
    kt_ge_digits(scalars[i], digits);
    for (size_t k = 0; k < KT_GE_DIGITS; k++) {
      int8_t digit = digits[k];
      __asm__("" : "+r"(digit)); /* one at a time: many in registers would be spilled, where nobody wipes them */
      ret[k][i] = digit;
    }
  }
  sodium_memzero(digits, sizeof digits);
}

static void pick(const struct lanes_fe *from, const lanes *mask, struct lanes_fe *ret)
{
  UNROLLED
  for (size_t i = 0; i < 5; i++) {
    ret->v[i] |= *mask & from->v[i];
  }
}

/* -p where the digit is negative: Y + X and Y - X change places. 2p - T stays below 2^52. */
static void negate_by_sign(const lanes *is_negative, struct lanes_addend *p)
{
  UNROLLED
  for (size_t i = 0; i < 5; i++) {
    const lanes swap = *is_negative & (p->y_plus_x.v[i] ^ p->y_minus_x.v[i]);
    p->y_plus_x.v[i] ^= swap;
    p->y_minus_x.v[i] ^= swap;
    p->t2d.v[i] ^= *is_negative & (p->t2d.v[i] ^ (kt_fe_twice_p(i) - p->t2d.v[i]));
  }
}

/* The digit times the point of the table, 0 times being (1, 1, 0, 2): the whole table is read. */
OUT_OF_LINE void choose(const struct lanes_addend multiples[static N_MULTIPLES], const digit_lanes digit,
                        struct lanes_addend *ret)
{
  lanes value;
  UNROLLED
  for (size_t i = 0; i < KT_LANES; i++) {
    value[i] = (uint64_t)(int64_t)digit[i];
  }
  lanes is_negative = 0 - (value >> 63);
  HIDE(is_negative);
  const lanes magnitude = (value ^ is_negative) - is_negative;
  lanes is_zero = 0 - ((magnitude - 1) >> 63);
  HIDE(is_zero);
  *ret = (struct lanes_addend){ .z2.v[0] = is_zero & 2 };
  ret->y_plus_x.v[0] = ret->y_minus_x.v[0] = is_zero & 1;
  for (uint64_t n = 0; n < N_MULTIPLES; n++) {
    lanes is_it = 0 - (((magnitude ^ (n + 1)) - 1) >> 63);
    HIDE(is_it);
    pick(&multiples[n].y_plus_x, &is_it, &ret->y_plus_x);
    pick(&multiples[n].y_minus_x, &is_it, &ret->y_minus_x);
    pick(&multiples[n].t2d, &is_it, &ret->t2d);
    pick(&multiples[n].z2, &is_it, &ret->z2);
  }
  negate_by_sign(&is_negative, ret);
}

static void fill_table(const struct lanes_ge *p, struct lanes_addend ret[static N_MULTIPLES])
{
  struct lanes_ge multiple = *p;
  prepare(p, &ret[0]);
  for (size_t n = 1; n < N_MULTIPLES; n++) {
    add_point(&multiple, &ret[0], &multiple);
    prepare(&multiple, &ret[n]);
  }
}

OUT_OF_LINE void multiply(const struct lanes_ge *p, digit_lanes digits[static KT_GE_DIGITS], struct lanes_ge *ret)
{
  struct lanes_addend multiples[N_MULTIPLES];
  struct lanes_addend addend;
  struct lanes_ge sum = { 0 };
  sum.y.v[0] = sum.z.v[0] = (lanes){ 0 } + 1;
  fill_table(p, multiples);
  for (size_t k = KT_GE_DIGITS; k-- > 0;) {
    for (unsigned i = 0; i < LOG2_RADIX && k + 1 < KT_GE_DIGITS; i++) {
      double_point(&sum, i + 1 == LOG2_RADIX);
    }
    choose(multiples, digits[k], &addend);
    add_point(&sum, &addend, &sum);
  }
  *ret = sum;
  sodium_memzero(&addend, sizeof addend);
}

static void load_points(const struct kt_ge points[static KT_LANES], struct lanes_ge *ret)
{
  for (size_t i = 0; i < KT_LANES; i++) {
    for (size_t limb = 0; limb < 5; limb++) {
      ret->x.v[limb][i] = points[i].x.v[limb];
      ret->y.v[limb][i] = points[i].y.v[limb];
      ret->z.v[limb][i] = points[i].z.v[limb];
      ret->t.v[limb][i] = points[i].t.v[limb];
    }
  }
}

static void store_points(const struct lanes_ge *points, struct kt_ge ret[static KT_LANES])
{
  for (size_t i = 0; i < KT_LANES; i++) {
    for (size_t limb = 0; limb < 5; limb++) {
      ret[i].x.v[limb] = points->x.v[limb][i];
      ret[i].y.v[limb] = points->y.v[limb][i];
      ret[i].z.v[limb] = points->z.v[limb][i];
      ret[i].t.v[limb] = points->t.v[limb][i];
    }
  }
}

void kt_lanes_mul(const struct kt_ge points[static KT_LANES], uint8_t (*scalars)[KT_GE_SCALAR_LEN],
                  struct kt_ge ret[static KT_LANES])
{
  digit_lanes digits[KT_GE_DIGITS];
  struct lanes_ge p;
  load_points(points, &p);
  recode(scalars, digits);
  multiply(&p, digits, &p);
  store_points(&p, ret);
  sodium_memzero(digits, sizeof digits);
}

#else

void kt_lanes_power_p58(const struct kt_fe a[static KT_LANES], struct kt_fe ret[static KT_LANES])
{
  (void)a;
  (void)ret;
  sodium_misuse(); /* kt_lanes_available is false */
}

void kt_lanes_mul(const struct kt_ge points[static KT_LANES], uint8_t (*scalars)[KT_GE_SCALAR_LEN],
                  struct kt_ge ret[static KT_LANES])
{
  (void)points;
  (void)scalars;
  (void)ret;
  sodium_misuse();
}

#endif
