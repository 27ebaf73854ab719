/* SPDX-License-Identifier: Apache-2.0 */
/* What the figures are made of, measured by the same program in the same run. Microseconds of CPU where nothing else is
 * said, the fastest of several slices; what waits for the disk and the process start are wall time. */
#ifndef BENCH_PRIMITIVES_H
#define BENCH_PRIMITIVES_H

#include "report.h"

enum bench_primitive {
  BENCH_VRF_PROVE,
  BENCH_VRF_OUTPUT,
  BENCH_VRF_VERIFY,
  BENCH_VRF_PROVE_TOGETHER, /* as many as the suite takes at once; times and rates are of one */
  BENCH_VRF_OUTPUT_TOGETHER,
  BENCH_VRF_VERIFY_TOGETHER,
  BENCH_SIGN,
  BENCH_VERIFY,
  BENCH_HASH, /* SHA-256 of 65 bytes: a node of the log or prefix tree */
  BENCH_N_PRIMITIVES,
};

struct bench_primitives {
  double us[BENCH_N_PRIMITIVES];
  double sync_us;   /* append 4 KiB and fdatasync, median */
  double commit_us; /* a durable SQLite transaction of one page in WAL mode, median */
  double start_us;  /* fork, exec and exit of the server program without a verb's work, median */
};

void bench_primitives_measure(const struct bench_options *options, const char *folder, struct bench_primitives *ret,
                              struct bench_report *report);

struct bench_keys;
struct bench_keys *bench_keys_new(void);
void bench_keys_free(struct bench_keys *keys);
/* Once. round: which message. */
void bench_primitive_run(struct bench_keys *keys, enum bench_primitive which, uint64_t round);
/* CPU microseconds of one in a slice of time; lowers *best_us when that is less, or takes it when that is 0. */
void bench_primitive_slice(struct bench_keys *keys, enum bench_primitive which, double *best_us);

/* With a thread on each core: two hardware threads of one core are slower than one alone. */
struct bench_busy {
  double rate;   /* per second of wall time, by all threads */
  double cpu_us; /* CPU of one */
};

struct bench_busy bench_primitive_busy(enum bench_primitive which, unsigned n_threads, double seconds);

/* One durable write in this folder, or one durable SQLite transaction; wall microseconds. */
struct bench_disk;
struct bench_disk *bench_disk_new(const char *folder);
double bench_disk_sync_us(struct bench_disk *disk);
double bench_disk_commit_us(struct bench_disk *disk);
void bench_disk_free(struct bench_disk *disk);

#endif
