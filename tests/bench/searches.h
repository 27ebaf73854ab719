/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups of imported labels, or of those with several versions: the requests, and the first responses to them. */
#ifndef BENCH_SEARCHES_H
#define BENCH_SEARCHES_H

#include <kt/client.h>

#include "world.h"

#define BENCH_SAMPLES_MAX 32

struct bench_sample {
  size_t request;
  struct kt_bytes body;
};

/* Requests for labels, and the first responses to them. */
struct bench_searches {
  struct bench_pool pool;
  struct kt_log_state log; /* what the client retained when it asked; size 0: nothing */
  size_t n;
  char (*labels)[BENCH_LABEL_SIZE];
  struct bench_sample samples[BENCH_SAMPLES_MAX]; /* at least one, when a load has been run */
  size_t n_samples;
};

/* Connections that lookups are made over. */
size_t bench_searches_connections(const struct bench_world *world);
/* n labels from the k-th on, in an order that is the same in every run and spreads over the labels with stored proofs, then
 * over the others. log: what the client retains; NULL: nothing. */
void bench_searches_of_imported(struct bench_searches *searches, const struct bench_world *world, size_t k, size_t n,
                                const struct kt_log_state *log);
void bench_searches_of_history(struct bench_searches *searches, const struct kt_log_state *log);
void bench_searches_release(struct bench_searches *searches);
struct kt_bytes bench_searches_label(const struct bench_searches *searches, size_t i);
/* on_response of a load with the searches as ctx: keeps the first responses. */
void bench_searches_keep(void *ctx, size_t request, unsigned status, struct kt_bytes body);
/* Each once (seconds 0), or again and again for so long. There is nothing to release but the searches. */
void bench_searches_run(struct bench_world *world, struct bench_searches *searches, double seconds,
                        struct bench_phase *ret_phase);

#endif
