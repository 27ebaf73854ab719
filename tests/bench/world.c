/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include <kt/client.h>

#include <kt/writer.h>

#define REQUEST_MAX ((size_t)1 << 20)

void bench_world_add(struct bench_world *world, const char *key, const char *text, const char *unit, double value,
                     double base, const char *formula)
{
  const struct bench_row row = {
    .size = world->n_labels, .key = key, .text = text, .unit = unit, .value = value, .base = base, .formula = formula
  };
  bench_report_add(world->report, &row);
}

void bench_world_run(struct bench_world *world, struct bench_load *load, struct bench_phase *ret_phase)
{
  struct bench_phase phase;
  load->port = world->server.port;
  if (load->seconds <= 0) {
    load->seconds = world->options->seconds;
  }
  double before_s = bench_server_cpu_s(&world->server);
  bench_load_run(load, &phase.result);
  double cpu_s = bench_server_cpu_s(&world->server) - before_s;
  uint64_t n = phase.result.n_failed + phase.result.n_ok;
  if (phase.result.n_failed > 0 || n == 0) {
    bench_die("%llu of %llu requests failed; the first: %s", (unsigned long long)phase.result.n_failed,
              (unsigned long long)n, phase.result.failure);
  }
  phase.cpu_us = cpu_s * 1e6 / (double)phase.result.n_ok;
  *ret_phase = phase;
}

double bench_world_rate(const struct bench_world *world, double cpu_us)
{
  return 1e6 / (1e6 / world->http_rate + cpu_us / world->n_cores);
}

double bench_world_depth(const struct bench_world *world)
{
  double depth = 0;
  for (uint64_t n = world->n_versions; n > 1; n /= 2) {
    depth++;
  }
  return depth;
}

struct bench_account *bench_world_accounts(struct bench_world *world, size_t n)
{
  struct bench_account *accounts = bench_alloc(n, sizeof *accounts);
  for (size_t i = 0; i < n; i++) {
    bench_account_init(&accounts[i], world->n_accounts++);
  }
  return accounts;
}

/* An owner who knows the versions it made, which is what kt_request_update reads. */
void bench_world_add_update(struct bench_world *world, struct bench_account *account, struct bench_pool *pool)
{
  static const struct kt_log_state no_state = { 0 };
  struct kt_arena arena;
  struct kt_writer w;
  const struct kt_owner_state owner = { .has_version_at_start = account->seq > 0,
                                        .version_at_start = account->seq > 0 ? account->seq - 1 : 0 };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, REQUEST_MAX);
  struct kt_bytes value = bench_account_sign(account, &world->log_id, &arena);
  kt_request_update(&w, &no_state, bench_account_label(account), &owner, &value, 1);
  bench_require(w.err, "update request");
  bench_pool_post(pool, "/v1/update", (struct kt_bytes){ w.buf, w.len });
  world->n_versions++;
  world->value_bytes += value.len;
  kt_writer_release(&w);
  kt_arena_release(&arena);
}

/* How quiet the machine is: figures of a busy one are worth less. */
static double load_average(void)
{
  char text[64] = "";
  FILE *file = fopen("/proc/loadavg", "r");
  if (file != NULL) {
    char *line = fgets(text, sizeof text, file);
    (void)fclose(file);
    return line != NULL ? strtod(line, NULL) : 0;
  }
  return 0;
}

void bench_measure_http(struct bench_world *world)
{
  bench_world_add(world, "load", "load average of the machine, 1 minute", "processes", load_average(), world->n_cores,
                  "cores");
  struct bench_pool pool;
  struct bench_phase phase;
  bench_pool_init(&pool);
  bench_pool_get(&pool, "/v1/config");
  struct bench_load load = { .n_connections = BENCH_CONNECTIONS, .pool = &pool };
  bench_world_run(world, &load, &phase);
  world->http_rate = bench_load_rate(&phase.result);
  world->http_us = phase.cpu_us;
  bench_load_release(&phase.result);
  load.n_connections = 1;
  load.seconds = 1;
  bench_world_run(world, &load, &phase);
  world->http_latency_us = bench_load_percentile_us(&phase.result, 0.5);
  bench_load_release(&phase.result);
  bench_pool_release(&pool);
  bench_world_add(world, "http", "bare HTTP exchange (GET /v1/config, 64 connections)", "requests/s", world->http_rate,
                  0, NULL);
  bench_world_add(world, "http-cpu", "server CPU per bare HTTP exchange", "us", world->http_us, 0, NULL);
  bench_world_add(world, "http-latency", "latency of a bare HTTP exchange, 1 connection, p50", "us",
                  world->http_latency_us, 0, NULL);
}
