/* SPDX-License-Identifier: Apache-2.0 */
/* Requests per second, for each address or principal, in fixed memory and without a lock.
 *
 * The generic cell rate algorithm: a place of the table holds the time at which everything it let in is paid for. A
 * request is refused when that is more than the burst ahead of now. Two keys that fall on the same two places share a
 * quota; kt_spread makes that rare and impossible to arrange. Times are milliseconds of one monotonic clock. */
#ifndef KT_SERVER_QUOTA_H
#define KT_SERVER_QUOTA_H

#include <stdatomic.h>

#include <kt/err.h>

#include "address.h"

#define KT_QUOTA_PLACES 16384
#define KT_QUOTA_BURST_S 10 /* where nothing speaks for another burst */

struct kt_quota {
  struct kt_spread spread;
  _Atomic uint64_t *paid_us; /* KT_SPREAD_ROWS rows */
};

/* Before the first use; KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_quota_init(struct kt_quota *quota);
void kt_quota_release(struct kt_quota *quota);

/* 0: within the rate. Otherwise the seconds until it is, at least 1, and nothing is counted. rate_per_s 0: no limit.
 * burst_s: seconds' worth of requests that may come at once. */
unsigned kt_quota_take(struct kt_quota *quota, const uint8_t *key, size_t len, uint64_t rate_per_s, unsigned burst_s,
                       uint64_t now_ms);

#endif
