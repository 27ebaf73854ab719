/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/ladder.h"

/* "Any lookup for a greater version is skipped and the algorithm [...] continues as if the lookup resulted in a
 * non-inclusion proof." */
static size_t emit(uint32_t *versions, size_t n, uint64_t version)
{
  if (version <= UINT32_MAX) {
    versions[n++] = (uint32_t)version;
  }
  return n;
}

size_t kt_ladder_base(uint32_t greatest, uint32_t ret_versions[static KT_LADDER_MAX])
{
  size_t n = 0;
  uint64_t lower = 0;
  uint64_t upper = 0;
  for (; upper <= greatest; upper = 2 * upper + 1) {
    n = emit(ret_versions, n, upper);
    lower = upper;
  }
  n = emit(ret_versions, n, upper);
  while (lower + 1 < upper) {
    uint64_t middle = (lower + upper) / 2;
    n = emit(ret_versions, n, middle);
    if (middle <= greatest) {
      lower = middle;
    } else {
      upper = middle;
    }
  }
  return n;
}

size_t kt_ladder_monitoring(uint32_t target, uint32_t ret_versions[static KT_LADDER_MAX])
{
  uint32_t base[KT_LADDER_MAX];
  size_t n_base = kt_ladder_base(target, base);
  size_t n = 0;
  for (size_t i = 0; i < n_base; i++) {
    if (base[i] <= target) {
      ret_versions[n++] = base[i];
    }
  }
  return n;
}

static bool contains(const uint32_t *versions, size_t n, uint32_t version)
{
  for (size_t i = 0; i < n; i++) {
    if (versions[i] == version) {
      return true;
    }
  }
  return false;
}

bool kt_ladder_contains(uint32_t greatest, uint32_t version)
{
  uint32_t base[KT_LADDER_MAX];
  size_t n = kt_ladder_base(greatest, base);
  return contains(base, n, version);
}

size_t kt_ladder_search(uint32_t target, uint32_t greatest, const uint32_t *left_inclusion, size_t n_left,
                        const uint32_t *right_non_inclusion, size_t n_right,
                        uint32_t ret_versions[static KT_LADDER_MAX])
{
  uint32_t base[KT_LADDER_MAX];
  size_t n_base = kt_ladder_base(target, base);
  size_t n = 0;
  bool decided = false;
  for (size_t i = 0; i < n_base && !decided; i++) {
    uint32_t version = base[i];
    /* "the series of lookups ends after the first inclusion proof for a version greater than the target version, or the
     * first non-inclusion proof for a version less than or equal to the target version" */
    decided = (version <= greatest) != (version <= target);
    if (!contains(left_inclusion, n_left, version) && !contains(right_non_inclusion, n_right, version)) {
      ret_versions[n++] = version;
    }
  }
  return n;
}
