/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519/ge_mul.h"

#include "crypto/ed25519/tables.h"

#include <sodium.h>

enum { N_DIGITS = 64, N_MULTIPLES = 8 };

_Static_assert(KT_GE_BASE_MULTIPLES == N_MULTIPLES, "one size of digit");

/* scalar = sum of digits[i] * 16^i, every digit from -8 to 8. */
static void recode(const uint8_t scalar[static KT_GE_SCALAR_LEN], int8_t ret_digits[static N_DIGITS])
{
  for (size_t i = 0; i < KT_GE_SCALAR_LEN; i++) {
    ret_digits[2 * i] = (int8_t)(scalar[i] & 15);
    ret_digits[2 * i + 1] = (int8_t)(scalar[i] >> 4);
  }
  int carry = 0;
  for (size_t i = 0; i < N_DIGITS - 1; i++) {
    const int digit = ret_digits[i] + carry;
    carry = (digit + 8) >> 4;
    ret_digits[i] = (int8_t)(digit - 16 * carry);
  }
  ret_digits[N_DIGITS - 1] = (int8_t)(ret_digits[N_DIGITS - 1] + carry); /* at most 7 + 1 */
}

/* All ones for true. The empty assembly keeps the compiler from knowing that, and so from making it a branch. */
static uint64_t mask_of(uint64_t bit)
{
  uint64_t mask = 0 - bit;
  __asm__("" : "+r"(mask));
  return mask;
}

static void fe_merge(struct kt_fe *fe, const struct kt_fe *other, uint64_t mask)
{
  for (size_t i = 0; i < 5; i++) {
    fe->v[i] ^= mask & (fe->v[i] ^ other->v[i]);
  }
}

static void affine_merge(struct kt_ge_affine *p, const struct kt_ge_affine *other, uint64_t mask)
{
  fe_merge(&p->y_plus_x, &other->y_plus_x, mask);
  fe_merge(&p->y_minus_x, &other->y_minus_x, mask);
  fe_merge(&p->t2d, &other->t2d, mask);
}

static void affine_negate(struct kt_ge_affine *p, uint64_t mask)
{
  struct kt_ge_affine negated = { p->y_minus_x, p->y_plus_x, { { 0 } } };
  kt_fe_neg(&p->t2d, &negated.t2d);
  affine_merge(p, &negated, mask);
}

/* All ones when |digit| = n. */
static uint64_t magnitude_mask(int8_t digit, size_t n)
{
  const uint64_t difference = (uint64_t)(digit * digit) ^ (n * n);
  return mask_of((difference - 1) >> 63);
}

static uint64_t sign_mask(int8_t digit)
{
  return mask_of((uint64_t)(int64_t)digit >> 63);
}

static void select_affine(const struct kt_ge_affine multiples[static N_MULTIPLES], int8_t digit,
                          struct kt_ge_affine *ret)
{
  *ret = (struct kt_ge_affine){ kt_fe_one, kt_fe_one, { { 0 } } };
  for (size_t n = 1; n <= N_MULTIPLES; n++) {
    affine_merge(ret, &multiples[n - 1], magnitude_mask(digit, n));
  }
  affine_negate(ret, sign_mask(digit));
}

static void select_addend(const struct kt_ge_addend multiples[static N_MULTIPLES], int8_t digit,
                          struct kt_ge_addend *ret)
{
  *ret = (struct kt_ge_addend){ { kt_fe_one, kt_fe_one, { { 0 } } }, { { 2 } } };
  for (size_t n = 1; n <= N_MULTIPLES; n++) {
    const uint64_t mask = magnitude_mask(digit, n);
    affine_merge(&ret->xyt, &multiples[n - 1].xyt, mask);
    fe_merge(&ret->z2, &multiples[n - 1].z2, mask);
  }
  affine_negate(&ret->xyt, sign_mask(digit));
}

void kt_ge_comb_init(const struct kt_ge *p, size_t n_rows, struct kt_ge_comb *ret)
{
  struct kt_ge first = *p;
  ret->n_rows = n_rows;
  for (size_t row = 0; row < n_rows; row++) {
    struct kt_ge_addend *multiples = ret->multiples[row];
    struct kt_ge multiple = first;
    kt_ge_prepare(&first, &multiples[0]);
    for (size_t n = 1; n < N_MULTIPLES; n++) {
      kt_ge_add(&multiple, &multiples[0], &multiple);
      kt_ge_prepare(&multiple, &multiples[n]);
    }
    if (row + 1 < n_rows) {
      kt_ge_double(&first, (unsigned)(256 / n_rows), &first);
    }
  }
}

void kt_ge_comb_mul(const struct kt_ge_comb *comb, const uint8_t scalar[static KT_GE_SCALAR_LEN], struct kt_ge *ret)
{
  const size_t n_columns = N_DIGITS / comb->n_rows;
  int8_t digits[N_DIGITS];
  struct kt_ge_addend addend;
  struct kt_ge sum = kt_ge_identity;

  recode(scalar, digits);
  for (size_t column = n_columns; column-- > 0;) {
    if (column + 1 < n_columns) {
      kt_ge_double(&sum, 4, &sum);
    }
    for (size_t row = 0; row < comb->n_rows; row++) {
      select_addend(comb->multiples[row], digits[n_columns * row + column], &addend);
      kt_ge_add(&sum, &addend, &sum);
    }
  }
  *ret = sum;
  sodium_memzero(digits, sizeof digits);
  sodium_memzero(&addend, sizeof addend);
}

/* Two columns: the digits of 16^(2 i + 1), then, 16 times that, those of 16^(2 i). */
void kt_ge_base_mul(const uint8_t scalar[static KT_GE_SCALAR_LEN], struct kt_ge *ret)
{
  int8_t digits[N_DIGITS];
  struct kt_ge_affine addend;
  struct kt_ge sum = kt_ge_identity;

  recode(scalar, digits);
  for (size_t column = 2; column-- > 0;) {
    if (column == 0) {
      kt_ge_double(&sum, 4, &sum);
    }
    for (size_t row = 0; row < KT_GE_BASE_ROWS; row++) {
      select_affine(kt_ge_base_rows[row], digits[2 * row + column], &addend);
      kt_ge_add_affine(&sum, &addend, &sum);
    }
  }
  *ret = sum;
  sodium_memzero(digits, sizeof digits);
  sodium_memzero(&addend, sizeof addend);
}

/* One scalar in non-adjacent form, and the odd multiples of its point: odd[i] is 2 i + 1 times it. */
enum { NAF_WIDTH = 5, NAF_ODD = 8, NAF_WIDTH_BASE = 6, NAF_LEN = 257 };

_Static_assert(NAF_ODD == 1 << (NAF_WIDTH - 2) && KT_GE_BASE_ODD == 1 << (NAF_WIDTH_BASE - 2), "odd digits");

struct term {
  const struct kt_ge_addend *odd;
  int8_t digits[NAF_LEN];
};

static unsigned bits_at(const uint8_t *scalar, size_t len, size_t pos, unsigned width)
{
  unsigned bits = 0;
  for (unsigned i = 0; i < width && pos + i < 8 * len; i++) {
    bits |= (scalar[(pos + i) / 8] >> (pos + i) % 8 & 1U) << i;
  }
  return bits;
}

/* Digits are 0 or odd, below 2^(width - 1) in magnitude, and followed by at least width - 1 zeros. */
static void term_init(const uint8_t *scalar, size_t len, unsigned width, const struct kt_ge_addend *odd,
                      struct term *ret)
{
  *ret = (struct term){ .odd = odd };
  unsigned carry = 0;
  for (size_t pos = 0; pos <= 8 * len;) {
    if (bits_at(scalar, len, pos, 1) == carry) {
      pos++;
      continue;
    }
    const unsigned digit = bits_at(scalar, len, pos, width) + carry;
    carry = digit >> (width - 1);
    ret->digits[pos] = (int8_t)((int)digit - (int)(carry << width));
    pos += width;
  }
}

static void odd_multiples(const struct kt_ge *p, struct kt_ge_addend ret[static NAF_ODD])
{
  struct kt_ge twice;
  struct kt_ge_addend step;
  struct kt_ge multiple = *p;
  kt_ge_double(p, 1, &twice);
  kt_ge_prepare(&twice, &step);
  kt_ge_prepare(p, &ret[0]);
  for (size_t i = 1; i < NAF_ODD; i++) {
    kt_ge_add(&multiple, &step, &multiple);
    kt_ge_prepare(&multiple, &ret[i]);
  }
}

static void negate(const struct kt_ge *p, struct kt_ge *ret)
{
  *ret = *p;
  kt_fe_sub(&kt_ge_identity.x, &p->x, &ret->x);
  kt_fe_sub(&kt_ge_identity.x, &p->t, &ret->t);
  kt_fe_mul(&ret->x, &kt_fe_one, &ret->x); /* tight */
  kt_fe_mul(&ret->t, &kt_fe_one, &ret->t);
}

static void add_digit(struct kt_ge *sum, const struct term *term, int8_t digit)
{
  const size_t magnitude = (size_t)(digit < 0 ? -digit : digit);
  struct kt_ge_addend addend = term->odd[magnitude / 2];
  if (digit < 0) {
    affine_negate(&addend.xyt, UINT64_MAX);
  }
  kt_ge_add(sum, &addend, sum);
}

/* Straus: all terms share their doublings, which are put off until something is added. */
static void sum_terms(const struct term *terms, size_t n_terms, struct kt_ge *ret)
{
  struct kt_ge sum = kt_ge_identity;
  bool started = false;
  unsigned n_doublings = 0;
  for (size_t pos = NAF_LEN; pos-- > 0;) {
    n_doublings += started;
    for (size_t i = 0; i < n_terms; i++) {
      if (terms[i].digits[pos] == 0) {
        continue;
      }
      if (n_doublings > 0) {
        kt_ge_double(&sum, n_doublings, &sum);
        n_doublings = 0;
      }
      add_digit(&sum, &terms[i], terms[i].digits[pos]);
      started = true;
    }
  }
  if (n_doublings > 0) {
    kt_ge_double(&sum, n_doublings, &sum);
  }
  *ret = sum;
}

void kt_ge_public_mul_sub(const uint8_t s[static KT_GE_SCALAR_LEN], const struct kt_ge *p,
                          const uint8_t c[static KT_GE_CHALLENGE_LEN], const struct kt_ge *q, struct kt_ge *ret)
{
  struct kt_ge_addend odd_p[NAF_ODD];
  struct kt_ge_addend odd_q[NAF_ODD];
  struct kt_ge minus_q;
  struct term terms[2];

  odd_multiples(p, odd_p);
  negate(q, &minus_q);
  odd_multiples(&minus_q, odd_q);
  term_init(s, KT_GE_SCALAR_LEN, NAF_WIDTH, odd_p, &terms[0]);
  term_init(c, KT_GE_CHALLENGE_LEN, NAF_WIDTH, odd_q, &terms[1]);
  sum_terms(terms, 2, ret);
}

/* The base point's table reaches 2^128 * B, so that no more doublings are needed than c takes. */
void kt_ge_public_base_mul_sub(const uint8_t s[static KT_GE_SCALAR_LEN], const uint8_t c[static KT_GE_CHALLENGE_LEN],
                               const struct kt_ge *q, struct kt_ge *ret)
{
  struct kt_ge_addend odd_q[NAF_ODD];
  struct kt_ge minus_q;
  struct term terms[3];

  negate(q, &minus_q);
  odd_multiples(&minus_q, odd_q);
  term_init(s, 16, NAF_WIDTH_BASE, kt_ge_base_odd[0], &terms[0]);
  term_init(s + 16, 16, NAF_WIDTH_BASE, kt_ge_base_odd[1], &terms[1]);
  term_init(c, KT_GE_CHALLENGE_LEN, NAF_WIDTH, odd_q, &terms[2]);
  sum_terms(terms, 3, ret);
}
