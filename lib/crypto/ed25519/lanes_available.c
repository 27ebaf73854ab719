/* SPDX-License-Identifier: Apache-2.0 */
/* Not in lanes.c, which is compiled for processors that have them. */
#include "crypto/ed25519/lanes.h"

bool kt_lanes_available(void)
{
#ifdef KT_VRF_LANES
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
#else
  return false;
#endif
}
