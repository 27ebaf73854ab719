/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_verify.c over the second suite, whose keys, signatures and VRF proofs have other lengths. */
#define FUZZ_SUITE "p256"
#include "fuzz_verify.c"
