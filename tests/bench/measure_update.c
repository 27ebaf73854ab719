/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations of new labels: signed device sets, open registration, complete UpdateResponses. */
#include <stdlib.h>

#include "wire/update.h"
#include "world.h"

#define RATE_GUESS 6000 /* requests prepared per second of measurement; when they run out it ends early */
#define CADENCE_RATE_GUESS 600
#define N_LATENCY_MAX 1000
#define PAUSE_NS UINT64_C(300000000)
#define DURABLE_WRITES 3 /* write-ahead log, guard file, the guard's folder */

struct update_phase {
  struct bench_phase phase;
  double n_ladder; /* of the first response */
  const struct kt_config *config;
};

static void look(void *ctx, size_t request, unsigned status, struct kt_bytes body)
{
  struct update_phase *update = ctx;
  if (request != 0 || status != 200) {
    return;
  }
  struct kt_arena arena;
  struct kt_update_response response;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  bench_require(kt_update_response_decode(body, update->config, &arena, &response), "update response");
  if (response.n_info != 1) {
    bench_die("the update was not inserted");
  }
  update->n_ladder = (double)response.n_ladder;
  kt_arena_release(&arena);
}

/* n registrations at most, each of a new label. */
static void run(struct bench_world *world, size_t n, size_t n_connections, uint64_t pause_ns,
                struct update_phase *ret_update)
{
  struct bench_pool pool;
  bench_pool_init(&pool);
  uint64_t value_bytes = world->value_bytes;
  uint64_t n_versions = world->n_versions;
  struct bench_account *accounts = bench_world_accounts(world, n);
  for (size_t i = 0; i < n; i++) {
    bench_world_add_update(world, &accounts[i], &pool);
  }
  double value_len = (double)(world->value_bytes - value_bytes) / (double)n;
  *ret_update = (struct update_phase){ .config = &world->config };
  struct bench_load load = { .n_connections = n_connections,
                             .pool = &pool,
                             .once = true,
                             .pause_ns = pause_ns,
                             .ctx = ret_update,
                             .on_response = look };
  bench_world_run(world, &load, &ret_update->phase);
  /* those that were prepared but not sent are not in the log */
  world->n_versions = n_versions + ret_update->phase.result.n_ok;
  world->value_bytes = value_bytes + (uint64_t)(value_len * (double)ret_update->phase.result.n_ok);
  free(accounts);
  bench_pool_release(&pool);
}

static double crypto_us(const struct bench_world *world, const struct update_phase *update)
{
  const struct bench_primitives *p = world->primitives;
  return p->verify_us + p->vrf_output_us + update->n_ladder * p->vrf_prove_us;
}

static void measure_rate(struct bench_world *world, unsigned cadence_ms, double durable_us)
{
  struct update_phase update;
  double guess = cadence_ms > 0 ? CADENCE_RATE_GUESS : RATE_GUESS;
  run(world, (size_t)(guess * world->options->seconds), BENCH_CONNECTIONS, 0, &update);
  double rate = bench_load_rate(&update.phase.result);
  double hashes_us = 2 * (bench_world_depth(world) + 1) * world->primitives->hash_us;
  double cpu_us = world->http_us + crypto_us(world, &update) + hashes_us;
  if (cadence_ms > 0) {
    bench_world_add(world, "update", "registrations, 64 connections, default cadence (250 ms)", "registrations/s", rate,
                    BENCH_CONNECTIONS * 1000.0 / cadence_ms, "64 connections / 250 ms");
    bench_world_add(world, "update-cpu", "server CPU per registration, default cadence", "us", update.phase.cpu_us,
                    cpu_us,
                    "HTTP exchange + Ed25519 verify + VRF output + ladder steps x VRF prove + 2 tree paths of hashes");
  } else {
    double commit_us = (DURABLE_WRITES * durable_us + world->primitives->sign_us) / BENCH_CONNECTIONS;
    double alone = 1e6 / bench_world_rate(world, crypto_us(world, &update) + hashes_us);
    bench_world_add(world, "update-no-cadence", "registrations, 64 connections, cadence 0", "registrations/s", rate,
                    1e6 / (alone + commit_us), "the same on all cores + (3 durable writes + sign) / 64");
    bench_world_add(world, "update-no-cadence-cpu", "server CPU per registration, cadence 0", "us", update.phase.cpu_us,
                    cpu_us,
                    "HTTP exchange + Ed25519 verify + VRF output + ladder steps x VRF prove + 2 tree paths of hashes");
  }
  bench_load_release(&update.phase.result);
}

/* The cost of a durable write around the measurement, which the ratio stands on. */
static double measure_latency(struct bench_world *world, unsigned cadence_ms)
{
  static const char formula[] =
      "HTTP latency + Ed25519 verify + VRF output + ladder steps x VRF prove + sign + 3 durable writes";
  struct update_phase update;
  double before_us = bench_durable_us(world->root);
  run(world, N_LATENCY_MAX, 1, cadence_ms > 0 ? PAUSE_NS : 0, &update);
  double durable_us = (before_us + bench_durable_us(world->root)) / 2;
  bench_world_add(world, cadence_ms > 0 ? "durable" : "durable-no-cadence",
                  "durable write, mean of just before and after the latency", "us", durable_us, 0, NULL);
  const struct bench_load_result *result = &update.phase.result;
  double p50_us = bench_load_percentile_us(result, 0.5);
  double base_us =
      world->http_latency_us + crypto_us(world, &update) + world->primitives->sign_us + DURABLE_WRITES * durable_us;
  if (cadence_ms > 0) {
    bench_world_add(world, "update-latency-idle", "update latency, 1 connection, one every 300 ms, p50", "us", p50_us,
                    base_us, formula);
    bench_world_add(world, "update-latency-idle-max", "update latency, 1 connection, one every 300 ms, longest", "us",
                    bench_load_percentile_us(result, 1), base_us, formula);
  } else {
    bench_world_add(world, "update-latency-p50", "update latency, 1 connection, cadence 0, p50", "us", p50_us, base_us,
                    formula);
    bench_world_add(world, "update-latency-p99", "update latency, 1 connection, cadence 0, p99", "us",
                    bench_load_percentile_us(result, 0.99), base_us, formula);
  }
  bench_load_release(&update.phase.result);
  return durable_us;
}

void bench_measure_update(struct bench_world *world, unsigned cadence_ms)
{
  double durable_us = measure_latency(world, cadence_ms);
  measure_rate(world, cadence_ms, durable_us);
}
