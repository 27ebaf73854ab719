/* SPDX-License-Identifier: Apache-2.0 */
/* Which versions the binary_ladder of a response lists (draft: Owner Algorithm step 3, Updating a Label / Algorithm). */
#include "algo/algo.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a;
  uint32_t y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

size_t kt_versions_sort_unique(uint32_t *versions, size_t n)
{
  size_t kept = 0;
  qsort(versions, n, sizeof *versions, compare);
  for (size_t i = 0; i < n; i++) {
    if (kept == 0 || versions[kept - 1] != versions[i]) {
      versions[kept++] = versions[i];
    }
  }
  return kept;
}

size_t kt_owner_init_versions(const uint32_t *greatest, size_t n_greatest,
                              uint32_t ret_versions[static KT_OWNER_INIT_VERSIONS_MAX])
{
  size_t n = 0;
  ret_versions[n++] = 0;
  for (size_t i = 0; i < n_greatest && i < KT_IBST_DEPTH_MAX; i++) {
    n += kt_ladder_base(greatest[i], &ret_versions[n]);
  }
  return kt_versions_sort_unique(ret_versions, n);
}

size_t kt_update_versions(bool has_previous, uint32_t previous, uint32_t n_new,
                          uint32_t ret_versions[static KT_UPDATE_VERSIONS_MAX])
{
  uint32_t greatest = has_previous ? previous + n_new : n_new - 1;
  uint32_t all[KT_UPDATE_VERSIONS_MAX];
  size_t n_all = kt_ladder_base(greatest, all);
  if (n_new > 1) { /* "If more than one new version of the label was created, additionally include each" */
    for (uint32_t i = 0; i < n_new && n_all < KT_UPDATE_VERSIONS_MAX; i++) {
      all[n_all++] = greatest - i;
    }
  }
  n_all = kt_versions_sort_unique(all, n_all);
  /* "omit any versions that would be contained in a search binary ladder for the previous greatest version … If there
   * was no previous greatest version of the label, omit only the version zero." */
  size_t n = 0;
  for (size_t i = 0; i < n_all; i++) {
    bool known = has_previous ? kt_ladder_contains(previous, all[i]) : all[i] == 0;
    if (!known) {
      ret_versions[n++] = all[i];
    }
  }
  return n;
}
