/* SPDX-License-Identifier: Apache-2.0 */
/* One log of one size while it is measured, and the measurements: each adds rows to the report. */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include <kt/arena.h>
#include "data.h"
#include "load.h"
#include "primitives.h"
#include "server.h"

struct bench_world {
  const struct bench_options *options;
  const struct bench_primitives *primitives;
  struct bench_report *report;
  size_t n_labels; /* imported */
  uint64_t random;
  char root[BENCH_PATH_SIZE];     /* of everything temporary */
  char folder[BENCH_PATH_SIZE];   /* of the log, below it */
  char log_path[BENCH_PATH_SIZE]; /* stderr of the server */
  struct bench_server server;
  struct kt_bytes config_bytes;
  struct kt_config config; /* borrows from config_bytes */
  struct kt_hash log_id;
  size_t n_accounts;    /* used so far */
  uint64_t n_versions;  /* in the log */
  uint64_t value_bytes; /* of those */
  unsigned n_cores;
  double http_us;         /* server CPU of a bare exchange */
  double http_rate;       /* of bare exchanges at BENCH_CONNECTIONS */
  double http_latency_us; /* of a bare exchange at one connection, median */
};

void bench_world_add(struct bench_world *world, const char *key, const char *text, const char *unit, double value,
                     double base, const char *formula);

struct bench_phase {
  struct bench_load_result result;
  double cpu_us; /* of the server, per response */
};

/* Run the load against the world's server; port and seconds are filled in. Any failed request is bench_die. */
void bench_world_run(struct bench_world *world, struct bench_load *load, struct bench_phase *ret_phase);
/* Requests per second when each costs this much of the server's CPU beside a bare exchange. */
double bench_world_rate(const struct bench_world *world, double cpu_us);
/* log2 of the number of versions: the depth of the prefix tree, about. */
double bench_world_depth(const struct bench_world *world);

/* Open as many new accounts; caller frees. */
struct bench_account *bench_world_accounts(struct bench_world *world, size_t n);
/* An UpdateRequest of the account's next set, appended to the pool. */
void bench_world_add_update(struct bench_world *world, struct bench_account *account, struct bench_pool *pool);

void bench_measure_http(struct bench_world *world);
void bench_measure_search(struct bench_world *world);
/* variant names the cadence the server runs with; 0: none. */
void bench_measure_update(struct bench_world *world, unsigned cadence_ms);
void bench_measure_audit(struct bench_world *world);

#endif
