/* SPDX-License-Identifier: Apache-2.0 */
/* Constants of edwards25519 and multiples of its base point B. make_tables.py writes tables.c. */
#ifndef KT_CRYPTO_ED25519_TABLES_H
#define KT_CRYPTO_ED25519_TABLES_H

#include "crypto/ed25519/ge.h"

extern const struct kt_fe kt_ge_d, kt_ge_2d; /* -121665/121666 */

/* For kt_ge_has_prime_order: A = 486662, K = sqrt(-(A + 2)), the slope lambda. */
extern const struct kt_fe kt_ge_a_plus_2, kt_ge_a_minus_2, kt_ge_k, kt_ge_lambda;

extern const struct kt_ge kt_ge_base; /* B */

/* [i][j] = (j + 1) * 2^(8 i) * B */
#define KT_GE_BASE_ROWS 32
#define KT_GE_BASE_MULTIPLES 8
extern const struct kt_ge_affine kt_ge_base_rows[KT_GE_BASE_ROWS][KT_GE_BASE_MULTIPLES];

/* [i][j] = (2 j + 1) * 2^(128 i) * B */
#define KT_GE_BASE_HALVES 2
#define KT_GE_BASE_ODD 16
extern const struct kt_ge_addend kt_ge_base_odd[KT_GE_BASE_HALVES][KT_GE_BASE_ODD];

#endif
