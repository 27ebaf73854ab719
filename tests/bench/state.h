/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a log that is kept between runs: state.json beside its folder. */
#ifndef BENCH_STATE_H
#define BENCH_STATE_H

#include "bench.h"

struct bench_state {
  size_t n_labels;     /* imported */
  uint64_t n_entries;  /* that the import made, entry 0 with them */
  size_t n_accounts;   /* used so far; the first of them have several versions */
  size_t n_warm;       /* imported labels with stored VRF proofs: the first ones */
  size_t n_cold;       /* imported labels that are no longer unasked for, of the others */
  size_t value_len;    /* of an imported label */
  uint64_t disk_bytes; /* after the import, before any proof was stored */
  double import_s;
  double import_cpu_s;
  double import_bound;   /* VRF outputs per second on all cores, just before and after */
  uint64_t proved_bytes; /* of the folder, when the warm labels' proofs were stored */
  double prove_s;
  double prove_bound; /* VRF proofs per second on all cores, just before and after */
};

/* false: there is none. */
bool bench_state_load(const char *path, struct bench_state *ret_state);
void bench_state_save(const char *path, const struct bench_state *state);

#endif
