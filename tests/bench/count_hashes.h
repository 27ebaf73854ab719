/* SPDX-License-Identifier: Apache-2.0 */
/* How many hashes an AuditorUpdate obliges an auditor to, counted from the shape of its proof alone (draft: Auditing;
 * Prefix Tree). It shares no code with the auditor. */
#ifndef BENCH_COUNT_HASHES_H
#define BENCH_COUNT_HASHES_H

#include "wire/auditor.h"

/* Of an update that only adds leaves; those are what the log of the benchmark has. */
size_t bench_count_hashes(const struct kt_auditor_update *update);

#endif
