/* SPDX-License-Identifier: Apache-2.0 */
/* Which cipher suite the tests of whole logs use. No algorithm branches on it, so each of these tests is written once;
 * CTest runs a selection again with KT_TEST_SUITE=p256, whose keys, proofs and signatures have other lengths. */
#ifndef KT_TESTS_SUITE_H
#define KT_TESTS_SUITE_H

#include <kt/suite.h>

/* Fails the running cmocka test when the environment names an unknown suite. */
const struct kt_suite *test_suite(void);

#endif
