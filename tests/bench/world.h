/* SPDX-License-Identifier: Apache-2.0 */
/* One log of one size while it is measured, and the measurements: each adds rows to the report. */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include <kt/arena.h>
#include "data.h"
#include "load.h"
#include "primitives.h"
#include "profile.h"
#include "server.h"
#include "state.h"

#define BENCH_CADENCE_DEFAULT_MS 250
#define BENCH_HISTORY 64 /* the first accounts have BENCH_HISTORY_VERSIONS versions each */
#define BENCH_HISTORY_VERSIONS 6

struct bench_world {
  const struct bench_options *options;
  const struct bench_primitives *primitives;
  struct bench_report *report;
  unsigned n_cores;
  char root[BENCH_PATH_SIZE];       /* of this size */
  char folder[BENCH_PATH_SIZE];     /* of the log, below it */
  char log_path[BENCH_PATH_SIZE];   /* what the programs say */
  char state_path[BENCH_PATH_SIZE]; /* of state */
  struct bench_state state;
  struct bench_server server;
  struct kt_bytes config_bytes;
  struct kt_config config; /* borrows from config_bytes */
  struct kt_hash log_id;
};

/* size is filled in. */
void bench_world_add(struct bench_world *world, const struct bench_row *row);
void bench_world_save(const struct bench_world *world);
/* kt-server run with this cadence, and its configuration. */
void bench_world_start(struct bench_world *world, unsigned cadence_ms);
/* SIGTERM. */
void bench_world_stop(struct bench_world *world);

struct bench_phase {
  struct bench_load_result result;
  double rate;             /* responses per second */
  double cpu_us;           /* of the server, per response */
  double generator_cpu_us; /* of the generator, per response */
  double body_len;         /* mean */
};

/* Run the load against the server; port and, where 0, seconds are filled in. Any failed request is bench_die. */
void bench_world_run(const struct bench_world *world, const struct bench_server *server, struct bench_load *load,
                     struct bench_phase *ret_phase);

/* Means of the phases that took turns with their bound: a machine's speed changes within seconds. */
#define BENCH_TURNS 6

struct bench_turns {
  double each_s; /* of wall time, per response: as means of bounds are */
  double cpu_us;
  double generator_cpu_us;
  double body_len;
};

void bench_turns_add(struct bench_turns *turns, const struct bench_phase *phase);

/* Wait until the server has nothing left to do, such as storing what it computed for a load. Returns the CPU that took, in
 * seconds, so that it can be charged to the load, and is not to the bound. */
double bench_world_settle(const struct bench_world *world);

/* The same requests to libmicrohttpd alone, answered with body_len bytes; there is nothing to release. */
void bench_world_run_static(const struct bench_world *world, const struct bench_pool *pool, size_t n_connections,
                            double body_len, double seconds, struct bench_phase *ret_phase);
/* Entries in the log. */
uint64_t bench_world_tree_size(const struct bench_world *world);

/* Open as many new accounts; caller frees. */
struct bench_account *bench_world_accounts(struct bench_world *world, size_t n);
/* An UpdateRequest of the account's next set, appended to the pool. Returns the length of the value. */
size_t bench_world_add_update(struct bench_world *world, struct bench_account *account, struct bench_pool *pool);
/* One registration or update for each of the accounts, as fast as it goes. */
void bench_world_update(struct bench_world *world, struct bench_account *accounts, size_t n);

/* Import when there is no log yet; what it cost. */
void bench_measure_import(struct bench_world *world);
/* Versions, and stored proofs, that lookups need. Starts and stops the server itself. */
void bench_prepare_search(struct bench_world *world);
void bench_measure_search(struct bench_world *world);
void bench_measure_latency(struct bench_world *world, unsigned cadence_ms);
void bench_measure_audit(struct bench_world *world);
void bench_measure_memory(struct bench_world *world);
/* These start and stop the server themselves. */
void bench_measure_registrations(struct bench_world *world, unsigned cadence_ms);
void bench_measure_restart(struct bench_world *world);
void bench_measure_disk(struct bench_world *world);

#endif
