/* SPDX-License-Identifier: Apache-2.0 */
/* The table of KT_128_SHA256_Ed25519 (draft: KT Cipher Suites); callers get it from kt_suite_by_id. */
#ifndef KT_CRYPTO_SUITE_ED25519_H
#define KT_CRYPTO_SUITE_ED25519_H

#include <kt/suite.h>

extern const struct kt_suite kt_suite_ed25519;

#endif
