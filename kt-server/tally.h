/* SPDX-License-Identifier: Apache-2.0 */
/* What each address or principal holds at the moment, in fixed memory and without a lock. Two keys that fall on the
 * same two places count as one; kt_spread makes that rare and impossible to arrange. */
#ifndef KT_SERVER_TALLY_H
#define KT_SERVER_TALLY_H

#include <stdatomic.h>

#include <kt/err.h>

#include "address.h"

struct kt_tally {
  struct kt_spread spread;
  _Atomic uint64_t *held; /* KT_SPREAD_ROWS rows */
};

/* For so many keys at once; before the first use. KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_tally_init(struct kt_tally *tally, size_t n_keys);
void kt_tally_release(struct kt_tally *tally);

/* Nobody in particular is not counted. */
void kt_tally_add(struct kt_tally *tally, const struct kt_address *key, uint64_t n);
void kt_tally_take_off(struct kt_tally *tally, const struct kt_address *key, uint64_t n);
/* 0 for nobody in particular. */
uint64_t kt_tally_of(const struct kt_tally *tally, const struct kt_address *key);

#endif
