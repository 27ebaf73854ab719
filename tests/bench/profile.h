/* SPDX-License-Identifier: Apache-2.0 */
/* perf record beside a hot path, when --profile asks for it: FOLDER/LABELS-NAME.data, for tests/bench/profile.py; the
 * process in LABELS-NAME.pid. */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

#include <sys/types.h>

#include "bench.h"

struct bench_profile;

/* pid 0: every process of the machine, as the one to be measured has yet to start. Returns NULL when no profile is wanted. */
struct bench_profile *bench_profile_begin(const struct bench_options *options, size_t n_labels, const char *name,
                                          pid_t pid);
/* pid: of the process that was measured. NULL is allowed. */
void bench_profile_end(struct bench_profile *profile, pid_t pid);

#endif
