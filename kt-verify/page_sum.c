/* SPDX-License-Identifier: Apache-2.0 */
#include "page_sum.h"

#include <string.h>

#include "crypto/hash.h"

static void sum(const uint8_t *bytes, size_t len, int64_t at, uint8_t ret[static KT_PAGE_SUM_LEN])
{
  uint8_t input[8 + KT_PAGE_LEN];
  struct kt_hash hash;
  for (size_t i = 0; i < 8; i++) {
    input[i] = (uint8_t)((uint64_t)at >> (56 - 8 * i));
  }
  memcpy(input + 8, bytes, len);
  kt_sha256(input, 8 + len, &hash);
  memcpy(ret, hash.b, KT_PAGE_SUM_LEN);
}

void kt_page_sum_put(uint8_t *bytes, size_t len, int64_t at)
{
  sum(bytes, len, at, bytes + len);
}

bool kt_page_sum_holds(const uint8_t *bytes, size_t len, int64_t at)
{
  uint8_t expected[KT_PAGE_SUM_LEN];
  sum(bytes, len, at, expected);
  return memcmp(expected, bytes + len, KT_PAGE_SUM_LEN) == 0;
}
