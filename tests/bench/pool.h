/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests made before the measurement begins, so that the generator only sends. Owns its bytes. */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include "bench.h"

struct bench_pool {
  uint8_t *bytes;
  size_t len;
  size_t cap;
  size_t *ends; /* of request i in bytes */
  size_t n;
  size_t cap_ends;
};

void bench_pool_init(struct bench_pool *pool);
void bench_pool_release(struct bench_pool *pool);
void bench_pool_get(struct bench_pool *pool, const char *path);
void bench_pool_post(struct bench_pool *pool, const char *path, struct kt_bytes body);
/* Valid until the pool changes. */
struct kt_bytes bench_pool_request(const struct bench_pool *pool, size_t i);

#endif
