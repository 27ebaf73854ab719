/* SPDX-License-Identifier: Apache-2.0 */
/* Which cipher suite and deployment mode the tests of whole logs use. No algorithm branches on the suite and few rules
 * depend on the mode, so each of these tests is written once; CTest runs a selection again with KT_TEST_SUITE=p256, whose
 * keys, proofs and signatures have other lengths, and with KT_TEST_MODE=auditing or management, where every new
 * head has an auditor's beside it, or every value the Service Operator's signature. */
#ifndef KT_TESTS_SUITE_H
#define KT_TESTS_SUITE_H

#include <kt/config.h>

/* Fail the running cmocka test when the environment names what is unknown. */
const struct kt_suite *test_suite(void);
/* Prepared keys of a seed, for which nobody cares. */
struct kt_sign_key test_sign_key(const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN]);
struct kt_vrf_key test_vrf_key(const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN]);
/* The mode of a log of which a test says nothing else. */
enum kt_mode test_mode(void);
/* Bytes of the log's cache where a test says nothing else; none unless KT_TEST_CACHE says so. */
size_t test_cache_bytes(void);

#endif
