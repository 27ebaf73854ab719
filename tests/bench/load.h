/* SPDX-License-Identifier: Apache-2.0 */
/* Closed-loop load generator: HTTP/1.1 keep-alive over loopback, one thread, non-blocking sockets under epoll.
 *
 * Every connection has one request under way and sends the next as soon as the response is complete, so the rate is the
 * server's at that many connections, not an offered one. Latency is from the first byte sent to the last received. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "pool.h"

struct bench_load {
  uint16_t port;
  size_t n_connections; /* at most BENCH_CONNECTIONS_MAX */
  const struct bench_pool *pool;
  bool once;      /* every request once; otherwise the pool begins again until time is over */
  double seconds; /* no request begins later */
  void *ctx;
  /* Called before every request, which waits for it; for one connection. May be NULL. */
  void (*before_request)(void *ctx);
  /* Called for every complete response; body is valid during the call. May be NULL. */
  void (*on_response)(void *ctx, size_t request, unsigned status, struct kt_bytes body);
};

#define BENCH_FAILURE_SIZE 160

struct bench_load_result {
  uint64_t n_ok; /* status 200 */
  uint64_t n_failed;
  char failure[BENCH_FAILURE_SIZE]; /* the first one */
  uint64_t body_bytes;              /* of the n_ok responses */
  double seconds;                   /* until the last response */
  double cpu_s;                     /* of the generator, this process */
  uint32_t *latencies_us;           /* of the n_ok responses, ascending */
};

void bench_load_run(const struct bench_load *load, struct bench_load_result *ret_result);
void bench_load_release(struct bench_load_result *result);
/* fraction in 0 … 1; 0 when there was no response. */
double bench_load_percentile_us(const struct bench_load_result *result, double fraction);

/* One GET, status 200 or bench_die; for bench_bytes_free. */
void bench_fetch(uint16_t port, const char *path, struct kt_bytes *ret_body);

#endif
