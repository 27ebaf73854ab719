/* SPDX-License-Identifier: Apache-2.0 */
/* perf record beside a hot path, when --profile asks for it: FOLDER/LABELS-NAME.data, for tests/bench/profile.py; the
 * processes in LABELS-NAME.pids. */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

#include "server.h"

struct bench_profile;

/* The whole machine is recorded: the process to be measured may have yet to start. Returns NULL when no profile is
 * wanted. */
struct bench_profile *bench_profile_begin(const struct bench_options *options, size_t n_labels, const char *name);
/* The processes that were measured. NULL is allowed. */
void bench_profile_end(struct bench_profile *profile, const pid_t *pids, size_t n_pids);
void bench_profile_end_server(struct bench_profile *profile, const struct bench_server *server);

#endif
