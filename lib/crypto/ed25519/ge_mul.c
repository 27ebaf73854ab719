/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519/ge_mul.h"

#include "crypto/ed25519/tables.h"

#include <sodium.h>

enum { N_DIGITS = KT_GE_DIGITS, N_MULTIPLES = 8 };

_Static_assert(KT_GE_BASE_MULTIPLES == N_MULTIPLES, "one size of digit");

void kt_ge_digits(const uint8_t scalar[static KT_GE_SCALAR_LEN], int8_t ret_digits[static N_DIGITS])
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

/* masks[n] is all ones when |digit| = n. */
static void magnitude_masks(int8_t digit, uint64_t ret_masks[static N_MULTIPLES + 1])
{
  for (uint64_t n = 0; n <= N_MULTIPLES; n++) {
    const uint64_t difference = (uint64_t)(digit * digit) ^ (n * n);
    ret_masks[n] = mask_of((difference - 1) >> 63);
  }
}

/* -p where the digit is negative: Y + X and Y - X change places. */
static void negate_by_sign(struct kt_ge_affine *p, int8_t digit)
{
  const uint64_t mask = mask_of((uint64_t)(int64_t)digit >> 63);
  struct kt_fe minus_t2d;
  kt_fe_neg(&p->t2d, &minus_t2d);
  for (size_t i = 0; i < 5; i++) {
    const uint64_t swap = mask & (p->y_plus_x.v[i] ^ p->y_minus_x.v[i]);
    p->y_plus_x.v[i] ^= swap;
    p->y_minus_x.v[i] ^= swap;
    p->t2d.v[i] ^= mask & (p->t2d.v[i] ^ minus_t2d.v[i]);
  }
}

/* digit times the point of the table, 0 times being (1, 1, 0) and (1, 1, 0, 2). Each limb is picked from all entries
 * before the next, so that it stays in a register meanwhile. */
static void select_affine(const struct kt_ge_affine multiples[static N_MULTIPLES], int8_t digit,
                          struct kt_ge_affine *ret)
{
  uint64_t masks[N_MULTIPLES + 1];
  magnitude_masks(digit, masks);
  for (size_t i = 0; i < 5; i++) {
    uint64_t y_plus_x = masks[0] & (i == 0), y_minus_x = y_plus_x, t2d = 0;
    for (size_t n = 0; n < N_MULTIPLES; n++) {
      y_plus_x |= masks[n + 1] & multiples[n].y_plus_x.v[i];
      y_minus_x |= masks[n + 1] & multiples[n].y_minus_x.v[i];
      t2d |= masks[n + 1] & multiples[n].t2d.v[i];
    }
    ret->y_plus_x.v[i] = y_plus_x;
    ret->y_minus_x.v[i] = y_minus_x;
    ret->t2d.v[i] = t2d;
  }
  negate_by_sign(ret, digit);
}

static void select_addend(const struct kt_ge_addend multiples[static N_MULTIPLES], int8_t digit,
                          struct kt_ge_addend *ret)
{
  uint64_t masks[N_MULTIPLES + 1];
  magnitude_masks(digit, masks);
  for (size_t i = 0; i < 5; i++) {
    uint64_t y_plus_x = masks[0] & (i == 0), y_minus_x = y_plus_x, t2d = 0, z2 = 2 * y_plus_x;
    for (size_t n = 0; n < N_MULTIPLES; n++) {
      y_plus_x |= masks[n + 1] & multiples[n].xyt.y_plus_x.v[i];
      y_minus_x |= masks[n + 1] & multiples[n].xyt.y_minus_x.v[i];
      t2d |= masks[n + 1] & multiples[n].xyt.t2d.v[i];
      z2 |= masks[n + 1] & multiples[n].z2.v[i];
    }
    ret->xyt.y_plus_x.v[i] = y_plus_x;
    ret->xyt.y_minus_x.v[i] = y_minus_x;
    ret->xyt.t2d.v[i] = t2d;
    ret->z2.v[i] = z2;
  }
  negate_by_sign(&ret->xyt, digit);
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

  kt_ge_digits(scalar, digits);
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

  kt_ge_digits(scalar, digits);
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

/* `width` bits from `pos` on; the words reach one beyond the scalar. */
static unsigned bits_at(const uint64_t *words, size_t pos, unsigned width)
{
  const uint64_t low = words[pos / 64] >> pos % 64;
  const uint64_t high = words[pos / 64 + 1] << 1 << (63 - pos % 64);
  return (unsigned)(low | high) & ((1U << width) - 1);
}

/* Digits are 0 or odd, below 2^(width - 1) in magnitude, and followed by at least width - 1 zeros. */
static void term_init(const uint8_t *scalar, size_t len, unsigned width, const struct kt_ge_addend *odd,
                      struct term *ret)
{
  uint64_t words[KT_GE_SCALAR_LEN / 8 + 2] = { 0 };
  for (size_t i = 0; i < len; i++) {
    words[i / 8] |= (uint64_t)scalar[i] << 8 * (i % 8);
  }
  *ret = (struct term){ .odd = odd };
  unsigned carry = 0;
  for (size_t pos = 0; pos <= 8 * len;) {
    const unsigned digit = bits_at(words, pos, width) + carry;
    if (digit % 2 == 0) {
      pos++;
      continue;
    }
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
  negate_by_sign(&addend.xyt, digit);
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
