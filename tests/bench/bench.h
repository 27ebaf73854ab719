/* SPDX-License-Identifier: Apache-2.0 */
/* kt-bench: what its files share. The program measures a real kt-server over loopback HTTP (docs/performance.md).
 *
 * A benchmark whose ground gives way has nothing to report, so failures end the program (bench_die, exit code 3); the
 * programs it started end with it. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <kt/config.h>

#define BENCH_CONNECTIONS_MAX 1024
#define BENCH_SIZES_MAX 8
#define BENCH_CADENCES_MAX 8
#define BENCH_PATH_SIZE 512

/* What is measured after the import, which every part needs. */
enum bench_part {
  BENCH_PART_SEARCH = 1 << 0,
  BENCH_PART_UPDATE = 1 << 1,
  BENCH_PART_AUDIT = 1 << 2,
  BENCH_PART_REGISTER = 1 << 3,
  BENCH_PART_RESTART = 1 << 4,
  BENCH_PARTS_ALL = (1 << 5) - 1,
};

struct bench_options {
  const char *server;  /* kt-server */
  const char *verify;  /* kt-verify */
  const char *folder;  /* the logs of every size, kept and used again; NULL: a temporary one */
  const char *json;    /* NULL: none */
  const char *note;    /* how this run came about, for the JSON; NULL: nothing */
  const char *profile; /* folder for what perf records of each hot path; NULL: no profile */
  double seconds;      /* bound of one measurement */
  size_t connections;  /* of registrations; lookups have a quarter as many */
  size_t n_warm; /* labels whose VRF proofs are stored before lookups are measured; 0: as bench_prepare_search has it */
  size_t sizes[BENCH_SIZES_MAX];
  size_t n_sizes;
  unsigned cadences_ms[BENCH_CADENCES_MAX];
  size_t n_cadences;
  unsigned parts; /* of enum bench_part */
};

/* false: not understood. */
bool bench_options_parse(int argc, char **argv, struct bench_options *options);
void bench_options_usage(void);
/* n repetitions of a short measurement; fewer when measurements are bound to less than 2 seconds, but at least 2. */
size_t bench_rounds(const struct bench_options *options, size_t n);

__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *format, ...);
/* KT_OK, or bench_die with what was attempted. */
void bench_require(enum kt_err err, const char *what);
/* Zeroed, never NULL. */
void *bench_alloc(size_t n, size_t size);
uint64_t bench_now_ns(void);
/* CPU time of this process, which others on the machine hardly disturb. */
uint64_t bench_cpu_ns(void);
double bench_seconds_since(uint64_t start_ns);
uint64_t bench_unix_ms(void);
void bench_sleep_ns(uint64_t ns);
int bench_compare_doubles(const void *a, const void *b);
/* Sorts values; fraction in 0 … 1. */
double bench_percentile(double *values, size_t n, double fraction);
/* A copy that the caller gives back with bench_bytes_free. */
struct kt_bytes bench_bytes_copy(struct kt_bytes bytes);
void bench_bytes_free(struct kt_bytes bytes);
void bench_path(char ret_path[static BENCH_PATH_SIZE], const char *folder, const char *name);

#endif
