/* SPDX-License-Identifier: Apache-2.0 */
/* Reproducible choices of a test (SplitMix64); nothing secret comes from here but the keys of test accounts. */
#ifndef KT_TESTS_CRASH_RANDOM_H
#define KT_TESTS_CRASH_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct crash_random {
  uint64_t state;
};

static inline uint64_t crash_random_next(struct crash_random *random)
{
  uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* 0 … n - 1; n is not 0 and small, so the bias does not matter. */
static inline uint64_t crash_random_below(struct crash_random *random, uint64_t n)
{
  return crash_random_next(random) % n;
}

static inline void crash_random_bytes(struct crash_random *random, uint8_t *ret_bytes, size_t len)
{
  for (size_t i = 0; i < len; i++) {
    ret_bytes[i] = (uint8_t)(crash_random_next(random) >> 56);
  }
}

#endif
