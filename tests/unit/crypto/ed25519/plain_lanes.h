/* SPDX-License-Identifier: Apache-2.0 */
/* lib/crypto/ed25519/lanes.c once more, with the multiplication that needs no particular processor, and with what is static there. */
#ifndef KT_TESTS_UNIT_PLAIN_LANES_H
#define KT_TESTS_UNIT_PLAIN_LANES_H

#include "crypto/ed25519/lanes.h"

#define KT_LANES_PLAIN
__attribute__((unused)) static void plain_lanes_mul(const struct kt_ge points[static KT_LANES],
                                                    uint8_t (*scalars)[KT_GE_SCALAR_LEN],
                                                    struct kt_ge ret[static KT_LANES]);
__attribute__((unused)) static void plain_lanes_power_p58(const struct kt_fe a[static KT_LANES],
                                                          struct kt_fe ret[static KT_LANES]);

#define kt_lanes_mul plain_lanes_mul
#define kt_lanes_power_p58 plain_lanes_power_p58
#include "crypto/ed25519/lanes.c" // NOLINT(bugprone-suspicious-include): on purpose
#undef kt_lanes_mul
#undef kt_lanes_power_p58

#endif
