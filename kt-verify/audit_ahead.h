/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the auditors' feed fetched ahead, while other threads read and compute those that are there already.
 *
 * One thread, the caller's, talks to the log and judges the pages in their order: what is found, and that the first
 * failing entry is the one found, does not depend on how many threads there are. The others see nothing but a page's
 * bytes. Memory is bounded: by the number of pages, and by their bytes together. */
#ifndef KT_VERIFY_AUDIT_AHEAD_H
#define KT_VERIFY_AUDIT_AHEAD_H

#include "audit_page.h"
#include "parallel.h"

struct kt_audit_ahead;

/* 1 … KT_THREADS_MAX threads, started at once. KT_ERR_MEMORY: they cannot be. NULL may be freed. */
KT_MUST_USE enum kt_err kt_audit_ahead_new(unsigned jobs, struct kt_audit_ahead **ret_ahead);
void kt_audit_ahead_free(struct kt_audit_ahead *ahead);

/* The page that begins at entry `start`, read if it came, and as many after it fetched as there is room for, up to
 * `target`. Pages of another place that were fetched before are forgotten. It stays until kt_audit_ahead_done. */
const struct kt_audit_page *kt_audit_ahead_next(struct kt_audit_ahead *ahead, struct kt_transport *transport,
                                                uint64_t start, uint64_t target);
void kt_audit_ahead_done(struct kt_audit_ahead *ahead);

#endif
