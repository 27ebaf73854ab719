/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "connection.h"

#define GRACE_NS UINT64_C(15000000000) /* for what is under way when time is over */
#define WAIT_MS 100
#define EVENTS_MAX 64

struct run {
  const struct bench_load *load;
  struct bench_load_result result;
  struct bench_connection *connections;
  size_t n_busy;
  size_t next; /* request, counted on over the end of the pool */
  int epoll;
  uint64_t start_ns;
  uint64_t end_ns;  /* no request begins later */
  uint64_t last_ns; /* end of the last response */
  size_t cap_latencies;
};

static void watch(struct run *run, size_t i)
{
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data = { .u64 = i } };
  if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, run->connections[i].fd, &event) != 0) {
    bench_die("epoll: %s", strerror(errno));
  }
}

static void open_connection(struct run *run, size_t i)
{
  bench_connection_open(&run->connections[i], run->load->port);
  watch(run, i);
}

static void fail(struct run *run, unsigned status, struct kt_bytes body)
{
  if (run->result.n_failed++ == 0) {
    int shown = body.len < BENCH_FAILURE_SIZE / 2 ? (int)body.len : BENCH_FAILURE_SIZE / 2;
    (void)snprintf(run->result.failure, sizeof run->result.failure, "status %u: %.*s", status, shown,
                   body.len > 0 ? (const char *)body.data : "");
  }
}

static void fail_broken(struct run *run, size_t i)
{
  static const char text[] = "connection closed";
  if (run->connections[i].busy) {
    fail(run, 0, (struct kt_bytes){ (const uint8_t *)text, sizeof text - 1 });
    run->n_busy--;
  }
  bench_connection_close(&run->connections[i]);
  open_connection(run, i);
}

static void note_latency(struct run *run, uint64_t ns)
{
  struct bench_load_result *result = &run->result;
  if (result->n_ok == run->cap_latencies) {
    run->cap_latencies = run->cap_latencies == 0 ? 4096 : 2 * run->cap_latencies;
    uint32_t *grown = realloc(result->latencies_us, run->cap_latencies * sizeof *grown);
    if (grown == NULL) {
      bench_die("out of memory");
    }
    result->latencies_us = grown;
  }
  result->latencies_us[result->n_ok] = (uint32_t)(ns / 1000);
}

/* Give connection i its next request, if there is one and there is time. */
static void issue(struct run *run, size_t i)
{
  const struct bench_load *load = run->load;
  if ((load->once && run->next >= load->pool->n) || bench_now_ns() >= run->end_ns) {
    return;
  }
  if (load->before_request != NULL) {
    load->before_request(load->ctx);
  }
  size_t request = run->next++ % load->pool->n;
  run->n_busy++;
  if (bench_connection_send(&run->connections[i], request, bench_pool_request(load->pool, request)) == BENCH_BROKEN) {
    fail_broken(run, i);
  }
}

static void complete(struct run *run, size_t i)
{
  struct bench_connection *connection = &run->connections[i];
  struct kt_bytes body = bench_connection_body(connection);
  run->last_ns = bench_now_ns();
  if (connection->status == 200) {
    note_latency(run, run->last_ns - connection->start_ns);
    run->result.n_ok++;
    run->result.body_bytes += body.len;
  } else {
    fail(run, connection->status, body);
  }
  if (run->load->on_response != NULL) {
    run->load->on_response(run->load->ctx, connection->request, connection->status, body);
  }
  connection->busy = false;
  run->n_busy--;
}

static void handle(struct run *run, size_t i)
{
  enum bench_progress progress = bench_connection_continue(&run->connections[i]);
  if (progress == BENCH_COMPLETE) {
    complete(run, i);
  } else if (progress == BENCH_BROKEN) {
    fail_broken(run, i);
  } else {
    return;
  }
  issue(run, i);
}

static void loop(struct run *run)
{
  struct epoll_event events[EVENTS_MAX];
  for (size_t i = 0; i < run->load->n_connections; i++) {
    issue(run, i);
  }
  while (run->n_busy > 0 && bench_now_ns() < run->end_ns + GRACE_NS) {
    int n = epoll_wait(run->epoll, events, EVENTS_MAX, WAIT_MS);
    for (int e = 0; e < n; e++) {
      handle(run, (size_t)events[e].data.u64);
    }
  }
  run->result.n_failed += run->n_busy;
}

static int compare_u32(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a;
  uint32_t y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

void bench_load_run(const struct bench_load *load, struct bench_load_result *ret_result)
{
  struct run *run = bench_alloc(1, sizeof *run);
  run->load = load;
  run->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (run->epoll < 0 || load->n_connections > BENCH_CONNECTIONS_MAX || load->pool->n == 0) {
    bench_die("load generator: bad arguments");
  }
  run->connections = bench_alloc(load->n_connections, sizeof *run->connections);
  for (size_t i = 0; i < load->n_connections; i++) {
    open_connection(run, i);
  }
  uint64_t cpu_ns = bench_cpu_ns();
  run->start_ns = bench_now_ns();
  run->last_ns = run->start_ns;
  run->end_ns = run->start_ns + (uint64_t)(load->seconds * 1e9);
  loop(run);
  run->result.cpu_s = (double)(bench_cpu_ns() - cpu_ns) / 1e9;
  for (size_t i = 0; i < load->n_connections; i++) {
    bench_connection_close(&run->connections[i]);
  }
  (void)close(run->epoll);
  run->result.seconds = (double)(run->last_ns - run->start_ns) / 1e9;
  if (run->result.n_ok > 0) {
    qsort(run->result.latencies_us, run->result.n_ok, sizeof(uint32_t), compare_u32);
  }
  *ret_result = run->result;
  free(run->connections);
  free(run);
}

void bench_load_release(struct bench_load_result *result)
{
  free(result->latencies_us);
  *result = (struct bench_load_result){ 0 };
}

double bench_load_percentile_us(const struct bench_load_result *result, double fraction)
{
  if (result->n_ok == 0) {
    return 0;
  }
  size_t i = (size_t)(fraction * (double)result->n_ok);
  return result->latencies_us[i < result->n_ok ? i : result->n_ok - 1];
}

/* --- one request ---------------------------------------------------------------------------------------------------- */

static void keep_body(void *ctx, size_t request, unsigned status, struct kt_bytes body)
{
  struct kt_bytes *kept = ctx;
  (void)request;
  if (status == 200) {
    *kept = bench_bytes_copy(body);
  }
}

void bench_fetch(uint16_t port, const char *path, struct kt_bytes *ret_body)
{
  struct bench_pool pool;
  struct bench_load_result result;
  struct kt_bytes body = { NULL, 0 };
  bench_pool_init(&pool);
  bench_pool_get(&pool, path);
  const struct bench_load load = {
    .port = port, .n_connections = 1, .pool = &pool, .once = true, .seconds = 10, .ctx = &body, .on_response = keep_body
  };
  bench_load_run(&load, &result);
  if (result.n_ok != 1) {
    bench_die("GET %s: %s", path, result.failure);
  }
  bench_load_release(&result);
  bench_pool_release(&pool);
  *ret_body = body;
}
