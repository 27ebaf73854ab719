/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of KT_128_SHA256_Ed25519 (draft: KT Cipher Suites); callers get theirs from kt_suite_by_id. They differ in
 * the backend of the VRF and agree on every input. */
#ifndef KT_CRYPTO_SUITE_ED25519_H
#define KT_CRYPTO_SUITE_ED25519_H

#include <kt/suite.h>

extern const struct kt_suite kt_suite_ed25519; /* libsodium's public interface: the reference */
#ifdef KT_FAST_VRF
extern const struct kt_suite kt_suite_ed25519_fast; /* crypto/ed25519 */
#endif

/* Whether the table gives the RFC's known answers. */
bool kt_suite_ed25519_self_test(const struct kt_suite *suite);

/* `preferred` if it passes its self-test, else the reference. A choice made anew every time, in a third of a
 * millisecond, is what there is instead of a variable to keep it in: the library has none. */
const struct kt_suite *kt_suite_ed25519_choose(const struct kt_suite *preferred);

#endif
