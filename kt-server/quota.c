/* SPDX-License-Identifier: Apache-2.0 */
#include "quota.h"

#include <stdlib.h>

#define SECOND_US ((uint64_t)1000000)

enum kt_err kt_quota_init(struct kt_quota *quota)
{
  kt_spread_init(&quota->spread, KT_QUOTA_PLACES);
  quota->paid_us = calloc(KT_SPREAD_ROWS * (quota->spread.mask + 1), sizeof quota->paid_us[0]);
  return quota->paid_us != NULL ? KT_OK : KT_ERR_MEMORY;
}

void kt_quota_release(struct kt_quota *quota)
{
  free(quota->paid_us);
  quota->paid_us = NULL;
}

/* Lost updates between threads would give away requests, so: compare and swap. */
static void pay(_Atomic uint64_t *place, uint64_t now_us, uint64_t cost_us)
{
  uint64_t paid_us = atomic_load(place);
  uint64_t next_us = 0;
  do {
    next_us = (paid_us > now_us ? paid_us : now_us) + cost_us;
  } while (!atomic_compare_exchange_weak(place, &paid_us, next_us));
}

unsigned kt_quota_take(struct kt_quota *quota, const uint8_t *key, size_t len, uint64_t rate_per_s, unsigned burst_s,
                       uint64_t now_ms)
{
  size_t at[KT_SPREAD_ROWS];
  if (rate_per_s == 0) {
    return 0;
  }
  const uint64_t now_us = now_ms * 1000;
  const uint64_t most_us = now_us + burst_s * SECOND_US;
  uint64_t least_us = UINT64_MAX;
  kt_spread_places(&quota->spread, key, len, at);
  for (size_t row = 0; row < KT_SPREAD_ROWS; row++) {
    uint64_t paid_us = atomic_load(&quota->paid_us[at[row]]);
    least_us = paid_us < least_us ? paid_us : least_us;
  }
  const uint64_t cost_us = SECOND_US / rate_per_s;
  if (least_us + cost_us > most_us) {
    return (unsigned)((least_us + cost_us - most_us) / SECOND_US) + 1;
  }
  for (size_t row = 0; row < KT_SPREAD_ROWS; row++) {
    pay(&quota->paid_us[at[row]], now_us, cost_us);
  }
  return 0;
}
