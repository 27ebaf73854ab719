/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator sees of the process and its folder: memory, restart, disk. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

#define MILLION 1000000
#define PROOFS_PER_VERSION 2
#define WRITING_NS UINT64_C(700000000)
#define WRITING_N 8000

/* --- memory ----------------------------------------------------------------------------------------------------------- */

void bench_measure_memory(struct bench_world *world)
{
  struct bench_memory memory = bench_server_memory(&world->server);
  bool is_large = world->state.n_labels > MILLION;
  bench_world_add(world, &(struct bench_row){ .key = "memory-peak",
                                              .text = "server memory, peak (VmHWM)",
                                              .unit = "MiB",
                                              .value = (double)memory.peak_kib / 1024,
                                              .bound = is_large ? 4096 : 600,
                                              .limit = 1,
                                              .formula = is_large ? "4 GiB" : "600 MiB" });
  bench_world_add(world, &(struct bench_row){ .key = "memory",
                                              .text = "server memory after lookups and updates (VmRSS)",
                                              .unit = "MiB",
                                              .value = (double)memory.resident_kib / 1024 });
}

/* --- restart ---------------------------------------------------------------------------------------------------------- */

static void add_restart(struct bench_world *world, const char *key, const char *text)
{
  bool is_large = world->state.n_labels > MILLION;
  bench_world_add(world, &(struct bench_row){ .key = key,
                                              .text = text,
                                              .unit = "ms",
                                              .value = world->server.ready_s * 1e3,
                                              .bound = is_large ? 5000 : 1000,
                                              .limit = 1,
                                              .formula = is_large ? "5 s" : "1 s" });
}

/* A child that registers until the server is gone. */
static pid_t write_on(struct bench_world *world)
{
  struct bench_pool pool;
  struct bench_load_result result;
  size_t n = bench_rounds(world->options, WRITING_N);
  struct bench_account *accounts = bench_world_accounts(world, n);
  bench_pool_init(&pool);
  for (size_t i = 0; i < n; i++) {
    (void)bench_world_add_update(world, &accounts[i], &pool);
  }
  free(accounts);
  pid_t pid = fork();
  if (pid == 0) {
    bench_child_begin();
    (void)fclose(stderr); /* what it says when the server is gone */
    const struct bench_load load = {
      .port = world->server.port, .n_connections = 64, .pool = &pool, .once = true, .seconds = 60
    };
    bench_load_run(&load, &result);
    _exit(0);
  }
  bench_pool_release(&pool);
  return pid;
}

void bench_measure_restart(struct bench_world *world)
{
  bench_world_start(world, 0);
  add_restart(world, "restart", "restart to ready, after SIGTERM");
  pid_t pid = write_on(world);
  bench_sleep_ns(WRITING_NS);
  (void)bench_server_stop(&world->server, SIGKILL);
  (void)kill(pid, SIGKILL);
  (void)waitpid(pid, NULL, 0);
  bench_world_start(world, 0);
  add_restart(world, "restart-killed", "restart to ready, after SIGKILL while writing");
  bench_world_stop(world);
}

/* --- disk ------------------------------------------------------------------------------------------------------------- */

static double query(sqlite3 *db, const char *sql)
{
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW) {
    bench_die("%s: %s", sql, sqlite3_errmsg(db));
  }
  double value = sqlite3_column_double(stmt, 0);
  (void)sqlite3_finalize(stmt);
  return value;
}

/* Pages of the table of VRF proofs, per proof. The log is stopped. */
static double proof_bytes(const struct bench_world *world)
{
  char path[BENCH_PATH_SIZE];
  sqlite3 *db = NULL;
  bench_path(path, world->folder, "log.db");
  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
    bench_die("%s: %s", path, sqlite3_errmsg(db));
  }
  double bytes = query(db, "SELECT pgsize FROM dbstat WHERE name = 'vrf_proofs' AND aggregate = TRUE");
  double n = query(db, "SELECT count(even) + count(odd) FROM vrf_proofs");
  (void)sqlite3_close(db);
  return n > 0 ? bytes / n : 0;
}

/* The folder, values aside: with all proofs when every label has them; otherwise as import left it, which stores none, and
 * what two proofs take in their table. */
void bench_measure_disk(struct bench_world *world)
{
  const struct bench_state *state = &world->state;
  double n = (double)state->n_labels;
  double imported = (double)state->disk_bytes / n - (double)state->value_len;
  double proof = proof_bytes(world);
  double proved = (double)state->proved_bytes / n - (double)state->value_len;
  bench_world_add(world, &(struct bench_row){
                             .key = "disk",
                             .text = "disk per version with two stored proofs, value aside",
                             .unit = "bytes",
                             .value = state->n_warm == state->n_labels ? proved : imported + PROOFS_PER_VERSION * proof,
                             .bound = 900,
                             .limit = 1,
                             .formula = "demanded at 10 million labels" });
  bench_world_add(world, &(struct bench_row){ .key = "disk-import",
                                              .text = "disk per imported version, no proofs yet, value aside",
                                              .unit = "bytes",
                                              .value = imported });
  bench_world_add(world, &(struct bench_row){ .key = "disk-proof",
                                              .text = "disk per stored VRF proof (pages of its table)",
                                              .unit = "bytes",
                                              .value = proof });
  bench_world_add(world, &(struct bench_row){ .key = "disk-value",
                                              .text = "value of an imported label",
                                              .unit = "bytes",
                                              .value = (double)state->value_len });
}
