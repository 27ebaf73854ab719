/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations of new labels: signed device sets, open registration, complete UpdateResponses. */
#include <stdio.h>
#include <stdlib.h>

#include "wire/update.h"
#include "world.h"

#define RATE_GUESS 10000 /* requests prepared per second of measurement; when they run out it ends early */
#define N_SLOW 30        /* requests with the default cadence, further apart than it */
#define SLOW_PAUSE_NS UINT64_C(260000000)
#define N_FAST 600 /* with cadence 0 */
#define FAST_PAUSE_NS UINT64_C(4000000)
#define PROOFS_NEEDED 2 /* of the new version and of the one that does not exist */

static void require_inserted(const struct bench_world *world, struct kt_bytes body)
{
  struct kt_arena arena;
  struct kt_update_response response;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  bench_require(kt_update_response_decode(body, &world->config, &arena, &response), "update response");
  if (response.n_info != 1) {
    bench_die("the update was not inserted");
  }
  kt_arena_release(&arena);
}

/* --- latency ---------------------------------------------------------------------------------------------------------- */

struct calm {
  const struct bench_world *world;
  struct bench_disk *disk;
  uint64_t pause_ns;
  size_t n;
  struct bench_keys *keys;
  double sync_us[N_FAST];
  double commit_us[N_FAST];
  double parts_us[N_FAST];
};

/* Between two requests, each after a pause of its own, so that disk and processor have gone to rest as before an update: what
 * durability costs alone; and the parts of an update, once. */
static void rest(void *ctx)
{
  struct calm *calm = ctx;
  bench_sleep_ns(calm->pause_ns / 3);
  calm->sync_us[calm->n] = bench_disk_sync_us(calm->disk);
  bench_sleep_ns(calm->pause_ns / 3);
  uint64_t start = bench_now_ns();
  bench_primitive_run(calm->keys, BENCH_VERIFY, calm->n);
  for (unsigned i = 0; i < PROOFS_NEEDED; i++) {
    bench_primitive_run(calm->keys, BENCH_VRF_PROVE, PROOFS_NEEDED * calm->n + i);
  }
  calm->commit_us[calm->n] = bench_disk_commit_us(calm->disk);
  calm->parts_us[calm->n] = bench_seconds_since(start) * 1e6;
  calm->n++;
  bench_sleep_ns(calm->pause_ns / 3);
}

static void look(void *ctx, size_t request, unsigned status, struct kt_bytes body)
{
  const struct calm *calm = ctx;
  if (request == 0 && status == 200) {
    require_inserted(calm->world, body);
  }
}

static void add_latency(struct bench_world *world, struct calm *calm, const struct bench_load_result *result,
                        bool is_slow)
{
  bench_world_add(
      world, &(struct bench_row){ .key = is_slow ? "latency-default" : "latency",
                                  .text = is_slow ? "update latency, one every 260 ms, default cadence, p50"
                                                  : "update latency, one at a time, cadence 0, p50",
                                  .unit = "us",
                                  .value = bench_load_percentile_us(result, 0.5),
                                  .bound = bench_percentile(calm->parts_us, calm->n, 0.5),
                                  .limit = 2,
                                  .formula = "Ed25519 verify, 2 VRF prove and a durable commit, between the updates "
                                             "(median)" });
  if (is_slow) {
    return;
  }
  bench_world_add(world, &(struct bench_row){ .key = "latency-p99",
                                              .text = "update latency, one at a time, cadence 0, p99",
                                              .unit = "us",
                                              .value = bench_load_percentile_us(result, 0.99),
                                              .bound = bench_percentile(calm->sync_us, calm->n, 0.99),
                                              .limit = 3,
                                              .formula = "p99 of the fdatasyncs between the updates" });
  bench_world_add(world, &(struct bench_row){ .key = "sync-p50",
                                              .text = "fdatasync between the updates, p50",
                                              .unit = "us",
                                              .value = bench_percentile(calm->sync_us, calm->n, 0.5) });
  bench_world_add(world, &(struct bench_row){ .key = "commit-p50",
                                              .text = "durable commit between the updates, p50",
                                              .unit = "us",
                                              .value = bench_percentile(calm->commit_us, calm->n, 0.5) });
}

void bench_measure_latency(struct bench_world *world, unsigned cadence_ms)
{
  bool is_slow = cadence_ms > 0;
  size_t n = bench_rounds(world->options, is_slow ? N_SLOW : N_FAST);
  struct bench_pool pool;
  struct bench_phase phase;
  struct calm *calm = bench_alloc(1, sizeof *calm);
  calm->world = world;
  calm->pause_ns = is_slow ? SLOW_PAUSE_NS : FAST_PAUSE_NS;
  calm->disk = bench_disk_new(world->root);
  calm->keys = bench_keys_new();
  bench_pool_init(&pool);
  struct bench_account *accounts = bench_world_accounts(world, n);
  for (size_t i = 0; i < n; i++) {
    (void)bench_world_add_update(world, &accounts[i], &pool);
  }
  struct bench_load load = { .n_connections = 1,
                             .pool = &pool,
                             .once = true,
                             .seconds = 600,
                             .ctx = calm,
                             .before_request = rest,
                             .on_response = look };
  bench_world_run(world, &world->server, &load, &phase);
  add_latency(world, calm, &phase.result, is_slow);
  bench_load_release(&phase.result);
  bench_pool_release(&pool);
  bench_disk_free(calm->disk);
  bench_keys_free(calm->keys);
  free(accounts);
  free(calm);
}

/* --- rate ------------------------------------------------------------------------------------------------------------- */

struct rate {
  struct bench_turns served;
  double latency_us; /* p50 */
  double n_ok;
  double value_bytes;
  double obligation_s; /* of a registration, in wall time, when all cores do nothing else */
  double proofs_us;    /* of CPU, of its proofs and verification */
};

/* What each registration obliges us to, measured after the turn; pool: its requests. */
static void add_obligation(const struct bench_world *world, const struct bench_pool *pool, double body_len,
                           double turn_s, struct rate *rate)
{
  struct bench_phase alone;
  struct bench_busy prove = bench_primitive_busy(BENCH_VRF_PROVE, world->n_cores, turn_s / 2);
  struct bench_busy verify = bench_primitive_busy(BENCH_VERIFY, world->n_cores, turn_s / 4);
  bench_world_run_static(world, pool, world->options->connections, body_len, turn_s / 4, &alone);
  double s = PROOFS_NEEDED / prove.rate + 1 / verify.rate + 1 / alone.rate +
             world->primitives->commit_us / 1e6 / (double)world->options->connections;
  rate->obligation_s += s / BENCH_TURNS;
  rate->proofs_us += (PROOFS_NEEDED * prove.cpu_us + verify.cpu_us) / BENCH_TURNS;
}

static void take_turn(struct bench_world *world, unsigned cadence_ms, double turn_s, struct rate *rate)
{
  size_t n_connections = world->options->connections;
  double per_s = cadence_ms == 0 ? RATE_GUESS : 2000.0 * (double)n_connections / cadence_ms;
  size_t n = (size_t)((per_s < RATE_GUESS ? per_s : RATE_GUESS) * turn_s) + n_connections;
  double value_bytes = 0;
  struct bench_pool pool;
  struct bench_phase phase;
  struct bench_account *accounts = bench_world_accounts(world, n);
  bench_pool_init(&pool);
  for (size_t i = 0; i < n; i++) {
    value_bytes += (double)bench_world_add_update(world, &accounts[i], &pool);
  }
  struct bench_load load = { .n_connections = n_connections, .pool = &pool, .once = true, .seconds = turn_s };
  bench_world_run(world, &world->server, &load, &phase);
  phase.cpu_us += bench_world_settle(world) * 1e6 / (double)phase.result.n_ok;
  bench_turns_add(&rate->served, &phase);
  rate->latency_us += bench_load_percentile_us(&phase.result, 0.5) / BENCH_TURNS;
  rate->n_ok += (double)phase.result.n_ok;
  rate->value_bytes += value_bytes / (double)n * (double)phase.result.n_ok;
  if (cadence_ms == 0) {
    add_obligation(world, &pool, phase.body_len, turn_s, rate);
  }
  bench_load_release(&phase.result);
  bench_pool_release(&pool);
  free(accounts);
}

static void add_rate(struct bench_world *world, const struct rate *rate)
{
  bench_world_add(
      world, &(struct bench_row){ .key = "registration",
                                  .text = "registrations, cadence 0",
                                  .unit = "registrations/s",
                                  .value = 1 / rate->served.each_s,
                                  .bound = 1 / rate->obligation_s,
                                  .limit = 0.8,
                                  .formula = "2 VRF prove one by one + Ed25519 verify on all cores, libmicrohttpd with "
                                             "the load generator, durable commit / connections" });
  bench_world_add(world, &(struct bench_row){ .key = "registration-cpu",
                                              .text = "server CPU per registration, cadence 0",
                                              .unit = "us",
                                              .value = rate->served.cpu_us,
                                              .bound = rate->proofs_us,
                                              .formula = "2 VRF prove one by one + Ed25519 verify, all cores busy" });
  bench_world_add(world, &(struct bench_row){ .key = "registration-generator",
                                              .text = "load generator's CPU per registration",
                                              .unit = "us",
                                              .value = rate->served.generator_cpu_us });
  bench_world_add(world, &(struct bench_row){ .key = "bytes-update",
                                              .text = "update response, version 0",
                                              .unit = "bytes",
                                              .value = rate->served.body_len });
}

static void add_cadence(struct bench_world *world, unsigned cadence_ms, const struct bench_row *row)
{
  struct bench_row with = *row;
  with.cadence_ms = cadence_ms;
  bench_world_add(world, &with);
}

static void add_cadences(struct bench_world *world, unsigned cadence_ms, const struct rate *rate, double n_entries,
                         double grown)
{
  add_cadence(world, cadence_ms,
              &(struct bench_row){ .key = "cadence-registrations",
                                   .text = "registrations",
                                   .unit = "registrations/s",
                                   .value = 1 / rate->served.each_s });
  add_cadence(
      world, cadence_ms,
      &(struct bench_row){
          .key = "cadence-cpu", .text = "server CPU per registration", .unit = "us", .value = rate->served.cpu_us });
  add_cadence(
      world, cadence_ms,
      &(struct bench_row){
          .key = "cadence-latency", .text = "registration latency, p50", .unit = "us", .value = rate->latency_us });
  add_cadence(world, cadence_ms,
              &(struct bench_row){ .key = "cadence-leaves",
                                   .text = "registrations per log entry",
                                   .unit = "registrations",
                                   .value = n_entries > 0 ? rate->n_ok / n_entries : 0 });
  add_cadence(world, cadence_ms,
              &(struct bench_row){ .key = "cadence-disk",
                                   .text = "disk per registered version, value aside",
                                   .unit = "bytes",
                                   .value = grown > 0 ? grown / rate->n_ok : 0 });
}

/* Starts and stops the server, so that the folder can be weighed before and after. */
void bench_measure_registrations(struct bench_world *world, unsigned cadence_ms)
{
  struct rate rate = { 0 };
  double turn_s = world->options->seconds / 2; /* opening the connections is no part of it worth mentioning */
  uint64_t before = bench_folder_bytes(world->folder);
  bench_world_start(world, cadence_ms);
  uint64_t size = bench_world_tree_size(world);
  (void)bench_world_settle(world);
  struct bench_profile *profile =
      cadence_ms == 0 ? bench_profile_begin(world->options, world->state.n_labels, "registration") : NULL;
  for (size_t i = 0; i < BENCH_TURNS; i++) {
    take_turn(world, cadence_ms, turn_s, &rate);
  }
  bench_profile_end_server(profile, &world->server);
  double n_entries = (double)(bench_world_tree_size(world) - size);
  bench_world_stop(world);
  double grown = (double)bench_folder_bytes(world->folder) - (double)before - rate.value_bytes;
  if (cadence_ms == 0) {
    add_rate(world, &rate);
  }
  add_cadences(world, cadence_ms, &rate, n_entries, grown);
}
