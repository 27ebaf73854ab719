/* SPDX-License-Identifier: Apache-2.0 */
/* The suite of support/suite.h with a memory: VRF proofs and successful verifications are remembered for the whole
 * process, so that exhaustive tests pay for each (label, version) once. What is not remembered goes to the real
 * functions. */
#ifndef KT_TESTS_TOY_SUITE_H
#define KT_TESTS_TOY_SUITE_H

#include <kt/suite.h>

const struct kt_suite *toy_suite(void);
/* The same, but every signature verifies: a log may sign whatever it likes, so this is what a hostile log can do. */
const struct kt_suite *toy_suite_sign_anything(void);
/* Every signature and every VRF proof verifies, with the one output that the VRF has for its input: what a hostile log can
 * do, without a fuzzer having to find proofs. */
const struct kt_suite *toy_suite_trusting(void);

/* Keys of fixed seeds; the bytes live as long as the process. */
struct kt_bytes toy_suite_sign_public(const uint8_t seed[static KT_SEED_LEN]);
struct kt_bytes toy_suite_vrf_public(const uint8_t seed[static KT_SEED_LEN]);

void toy_suite_prove(const uint8_t seed[static KT_SEED_LEN], struct kt_bytes label, uint32_t version,
                     uint8_t ret_proof[static KT_VRF_PROOF_MAX], struct kt_hash *ret_output);

#endif
