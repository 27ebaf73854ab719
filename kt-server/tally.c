/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <stdlib.h>

#define PLACES_PER_KEY 4 /* in each row */

enum kt_err kt_tally_init(struct kt_tally *tally, size_t n_keys)
{
  kt_spread_init(&tally->spread, PLACES_PER_KEY * n_keys);
  tally->held = calloc(KT_SPREAD_ROWS * (tally->spread.mask + 1), sizeof tally->held[0]);
  return tally->held != NULL ? KT_OK : KT_ERR_MEMORY;
}

void kt_tally_release(struct kt_tally *tally)
{
  free(tally->held);
  tally->held = NULL;
}

void kt_tally_add(struct kt_tally *tally, const struct kt_address *key, uint64_t n)
{
  size_t at[KT_SPREAD_ROWS];
  if (kt_address_is_counted(key)) {
    kt_spread_places(&tally->spread, key->key, sizeof key->key, at);
    for (size_t row = 0; row < KT_SPREAD_ROWS; row++) {
      (void)atomic_fetch_add(&tally->held[at[row]], n);
    }
  }
}

void kt_tally_take_off(struct kt_tally *tally, const struct kt_address *key, uint64_t n)
{
  kt_tally_add(tally, key, (uint64_t)0 - n); /* modulo 2^64 */
}

uint64_t kt_tally_of(const struct kt_tally *tally, const struct kt_address *key)
{
  size_t at[KT_SPREAD_ROWS];
  uint64_t least = UINT64_MAX;
  if (!kt_address_is_counted(key)) {
    return 0;
  }
  kt_spread_places(&tally->spread, key->key, sizeof key->key, at);
  for (size_t row = 0; row < KT_SPREAD_ROWS; row++) {
    uint64_t held = atomic_load(&tally->held[at[row]]);
    least = held < least ? held : least;
  }
  return least;
}
