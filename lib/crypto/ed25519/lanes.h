/* SPDX-License-Identifier: Apache-2.0 */
/* Eight points, or eight field elements, at a time: the formulas of fe.c and ge.c in the 64-bit lanes of vectors, for
 * processors that multiply 52 bits in each lane (AVX-512 IFMA). docs/vrf-backend.md proves the bounds.
 *
 * Every operation runs in time independent of its operands. */
#ifndef KT_CRYPTO_ED25519_LANES_H
#define KT_CRYPTO_ED25519_LANES_H

#include "crypto/ed25519/ge_mul.h"

#define KT_LANES 8

/* Whether this build has what follows, and this processor can run it: nothing else here may be called otherwise. */
bool kt_lanes_available(void);

/* ret[i] = scalars[i] * points[i]; scalars < 2^255 */
void kt_lanes_mul(const struct kt_ge points[static KT_LANES], uint8_t (*scalars)[KT_GE_SCALAR_LEN],
                  struct kt_ge ret[static KT_LANES]);

/* ret[i] = a[i]^((p-5)/8); tight -> tight */
void kt_lanes_power_p58(const struct kt_fe a[static KT_LANES], struct kt_fe ret[static KT_LANES]);

/* kt_ge_decode of each: ret[i] is a point where ret_is_point[i]. Public. In ge.c. */
void kt_ge_decode_lanes(uint8_t (*bytes)[KT_GE_LEN], struct kt_ge ret[static KT_LANES],
                        bool ret_is_point[static KT_LANES]);

#endif
