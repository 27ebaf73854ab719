/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_die(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  (void)fputs("kt-bench: ", stderr);
  (void)vfprintf(stderr, format, args);
  (void)fputc('\n', stderr);
  va_end(args);
  exit(3);
}

void bench_require(enum kt_err err, const char *what)
{
  if (err != KT_OK) {
    bench_die("%s: %s", what, kt_err_text(err));
  }
}

void *bench_alloc(size_t n, size_t size)
{
  void *p = calloc(n > 0 ? n : 1, size);
  if (p == NULL) {
    bench_die("out of memory");
  }
  return p;
}

static uint64_t clock_ns(clockid_t clock)
{
  struct timespec now;
  (void)clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t bench_now_ns(void)
{
  return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void)
{
  return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_seconds_since(uint64_t start_ns)
{
  return (double)(bench_now_ns() - start_ns) / 1e9;
}

uint64_t bench_unix_ms(void)
{
  return clock_ns(CLOCK_REALTIME) / 1000000;
}

void bench_sleep_ns(uint64_t ns)
{
  struct timespec left = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };
  while (nanosleep(&left, &left) != 0) {
  }
}

int bench_compare_doubles(const void *a, const void *b)
{
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_percentile(double *values, size_t n, double fraction)
{
  if (n == 0) {
    return 0;
  }
  qsort(values, n, sizeof *values, bench_compare_doubles);
  size_t i = (size_t)(fraction * (double)n);
  return values[i < n ? i : n - 1];
}

struct kt_bytes bench_bytes_copy(struct kt_bytes bytes)
{
  uint8_t *copy = bench_alloc(bytes.len, 1);
  memcpy(copy, bytes.data, bytes.len);
  return (struct kt_bytes){ copy, bytes.len };
}

void bench_bytes_free(struct kt_bytes bytes)
{
  free((void *)(uintptr_t)bytes.data);
}

void bench_path(char ret_path[static BENCH_PATH_SIZE], const char *folder, const char *name)
{
  int n = snprintf(ret_path, BENCH_PATH_SIZE, "%s/%s", folder, name);
  if (n < 0 || n >= BENCH_PATH_SIZE) {
    bench_die("path too long: %s/%s", folder, name);
  }
}
