/* SPDX-License-Identifier: Apache-2.0 */
/* kt-bench: what its files share. The program measures a real kt-server over loopback HTTP (docs/performance.md).
 *
 * A benchmark whose ground gives way has nothing to report, so failures end the program (bench_die, exit code 3); the
 * server it started ends with it. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <kt/config.h>

#define BENCH_CONNECTIONS 64
#define BENCH_SIZES_MAX 8
#define BENCH_PATH_SIZE 512

struct bench_options {
  const char *server; /* program */
  const char *folder; /* parent of the temporary folder: its file system is measured */
  const char *json;   /* NULL: none */
  double seconds;     /* bound of one measurement */
  size_t sizes[BENCH_SIZES_MAX];
  size_t n_sizes;
  bool keep; /* leave the temporary folder */
};

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
/* SplitMix64: the same labels in every run. */
uint64_t bench_random(uint64_t *state);
/* A random order of 0 … n - 1; caller frees. */
size_t *bench_permutation(size_t n, uint64_t *state);
/* A copy that the caller gives back with bench_bytes_free. */
struct kt_bytes bench_bytes_copy(struct kt_bytes bytes);
void bench_bytes_free(struct kt_bytes bytes);
void bench_path(char ret_path[static BENCH_PATH_SIZE], const char *folder, const char *name);

#endif
