/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <kt/client.h>
#include <kt/writer.h>

#include "wire/distinguished.h"

#define SETTLE_NS UINT64_C(1200000000) /* kt-server stores what lookups computed a second after the last one */
#define SETTLED 0.02                   /* of a core: metrics, deadlines */
#define SETTLE_TIMES_MAX 50
#define REQUEST_MAX ((size_t)1 << 20)

void bench_world_add(struct bench_world *world, const struct bench_row *row)
{
  struct bench_row sized = *row;
  sized.size = world->state.n_labels;
  bench_report_add(world->report, &sized);
}

void bench_world_save(const struct bench_world *world)
{
  bench_state_save(world->state_path, &world->state);
}

void bench_world_start(struct bench_world *world, unsigned cadence_ms)
{
  char text[32];
  struct kt_reason reason = { 0 };
  (void)snprintf(text, sizeof text, "%ums", cadence_ms);
  bench_server_set(world->folder, "cadence", text);
  bench_server_start(&world->server, world->options->server, world->log_path, world->folder);
  bench_server_settle(&world->server);
  if (world->config_bytes.data == NULL) {
    bench_fetch(world->server.port, "/v1/config", &world->config_bytes);
    bench_require(kt_config_decode(world->config_bytes, &world->config, &reason), "configuration");
    kt_config_log_id(&world->config, &world->log_id);
  }
}

void bench_world_stop(struct bench_world *world)
{
  (void)bench_server_stop(&world->server, SIGTERM);
  bench_world_save(world);
}

void bench_world_run(const struct bench_world *world, const struct bench_server *server, struct bench_load *load,
                     struct bench_phase *ret_phase)
{
  struct bench_phase phase;
  load->port = server->port;
  if (load->seconds <= 0) {
    load->seconds = world->options->seconds;
  }
  double before_s = bench_server_cpu_s(server);
  bench_load_run(load, &phase.result);
  double cpu_s = bench_server_cpu_s(server) - before_s;
  uint64_t n = phase.result.n_failed + phase.result.n_ok;
  if (phase.result.n_failed > 0 || n == 0) {
    bench_die("%llu of %llu requests failed; the first: %s", (unsigned long long)phase.result.n_failed,
              (unsigned long long)n, phase.result.failure);
  }
  phase.rate = (double)n / phase.result.seconds;
  phase.cpu_us = cpu_s * 1e6 / (double)n;
  phase.generator_cpu_us = phase.result.cpu_s * 1e6 / (double)n;
  phase.body_len = (double)phase.result.body_bytes / (double)n;
  *ret_phase = phase;
}

double bench_world_settle(const struct bench_world *world)
{
  double begin_s = bench_server_cpu_s(&world->server);
  double before_s;
  double now_s = begin_s;
  size_t n = 0;
  do {
    before_s = now_s;
    bench_sleep_ns(SETTLE_NS);
    now_s = bench_server_cpu_s(&world->server);
  } while (now_s - before_s > SETTLED * SETTLE_NS / 1e9 && ++n < SETTLE_TIMES_MAX);
  return now_s - begin_s;
}

void bench_turns_add(struct bench_turns *turns, const struct bench_phase *phase)
{
  turns->each_s += 1 / phase->rate / BENCH_TURNS;
  turns->cpu_us += phase->cpu_us / BENCH_TURNS;
  turns->generator_cpu_us += phase->generator_cpu_us / BENCH_TURNS;
  turns->body_len += phase->body_len / BENCH_TURNS;
}

void bench_world_run_static(const struct bench_world *world, const struct bench_pool *pool, size_t n_connections,
                            double body_len, double seconds, struct bench_phase *ret_phase)
{
  struct bench_server server;
  struct bench_load load = { .pool = pool, .n_connections = n_connections, .seconds = seconds };
  unsigned n_threads = bench_server_setting(world->folder, "threads");
  bench_static_start(&server, (size_t)body_len, n_threads > 0 ? n_threads : world->n_cores);
  bench_world_run(world, &server, &load, ret_phase);
  bench_load_release(&ret_phase->result);
  (void)bench_server_stop(&server, SIGKILL);
}

uint64_t bench_world_tree_size(const struct bench_world *world)
{
  struct kt_bytes body;
  struct kt_arena arena;
  struct kt_distinguished_response response;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  bench_fetch(world->server.port, "/v1/tree-head", &body);
  bench_require(kt_distinguished_response_decode(body, &world->config, &arena, &response), "tree head");
  uint64_t size = response.full_tree_head.tree_head.tree_size;
  kt_arena_release(&arena);
  bench_bytes_free(body);
  return size;
}

/* --- accounts --------------------------------------------------------------------------------------------------------- */

struct bench_account *bench_world_accounts(struct bench_world *world, size_t n)
{
  struct bench_account *accounts = bench_alloc(n, sizeof *accounts);
  for (size_t i = 0; i < n; i++) {
    bench_account_init(&accounts[i], world->state.n_accounts++);
  }
  return accounts;
}

/* An owner who knows the versions it made, which is what kt_request_update reads. */
size_t bench_world_add_update(struct bench_world *world, struct bench_account *account, struct bench_pool *pool)
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
  size_t value_len = value.len;
  kt_writer_release(&w);
  kt_arena_release(&arena);
  return value_len;
}

void bench_world_update(struct bench_world *world, struct bench_account *accounts, size_t n)
{
  struct bench_pool pool;
  struct bench_phase phase;
  bench_pool_init(&pool);
  for (size_t i = 0; i < n; i++) {
    (void)bench_world_add_update(world, &accounts[i], &pool);
  }
  struct bench_load load = {
    .n_connections = n < BENCH_HISTORY ? n : BENCH_HISTORY, .pool = &pool, .once = true, .seconds = 600
  };
  bench_world_run(world, &world->server, &load, &phase);
  bench_load_release(&phase.result);
  bench_pool_release(&pool);
}
