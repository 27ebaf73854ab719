/* SPDX-License-Identifier: Apache-2.0 */
/* The table of KT_128_SHA256_P256 (draft: KT Cipher Suites); callers get it from kt_suite_by_id.
 *
 * The secret scalar of a seed, for signatures and VRF alike: the first of SHA-256(seed || i), i = 0, 1, … in one byte,
 * that lies in 1 … n-1 as a big-endian number. One seed in two roles is one public key twice, which a configuration
 * refuses (R4). */
#ifndef KT_CRYPTO_SUITE_P256_H
#define KT_CRYPTO_SUITE_P256_H

#include <kt/suite.h>

extern const struct kt_suite kt_suite_p256;

#endif
