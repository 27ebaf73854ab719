/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Binary Ladder; Greatest-Version Search / Binary Ladder; Monitoring the Tree / Binary Ladder. */
#include "model.h"

/* "The greatest possible version is 2^32-1. Any lookup for a greater version is skipped and the algorithm above
 * continues as if the lookup resulted in a non-inclusion proof." */
static bool look_up(int64_t greatest, int64_t version, uint32_t *versions, size_t *n)
{
  if (version > (int64_t)UINT32_MAX) {
    return false;
  }
  versions[(*n)++] = (uint32_t)version;
  return version <= greatest;
}

size_t model_ladder(int64_t greatest, uint32_t ret_versions[static MODEL_LADDER_MAX])
{
  size_t n = 0;
  int64_t included = -1;
  int64_t missing = 0;
  while (look_up(greatest, missing, ret_versions, &n)) { /* 1 */
    included = missing;
    missing = 2 * (missing + 1) - 1;
  }
  while (missing - included > 1) { /* 2 */
    int64_t middle = included + (missing - included) / 2;
    if (look_up(greatest, middle, ret_versions, &n)) {
      included = middle;
    } else {
      missing = middle;
    }
  }
  return n;
}

size_t model_search_ladder(uint32_t target, int64_t greatest, uint32_t ret_versions[static MODEL_LADDER_MAX])
{
  size_t n = model_ladder(greatest, ret_versions);
  for (size_t i = 0; i < n; i++) {
    bool included = ret_versions[i] <= greatest;
    /* "the series of lookups ends after the first inclusion proof for a version greater than the target version, or the
     * first non-inclusion proof for a version less than or equal to the target version" */
    if ((included && ret_versions[i] > target) || (!included && ret_versions[i] <= target)) {
      return i + 1;
    }
  }
  return n;
}

size_t model_monitoring_ladder(uint32_t target, uint32_t ret_versions[static MODEL_LADDER_MAX])
{
  size_t n = model_ladder(target, ret_versions);
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) { /* "omitting any lookup for a version greater than the target version" */
    if (ret_versions[i] <= target) {
      ret_versions[kept++] = ret_versions[i];
    }
  }
  return kept;
}
