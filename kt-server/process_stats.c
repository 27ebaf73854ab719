/* SPDX-License-Identifier: Apache-2.0 */
#include "process_stats.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define CORES_MAX 64

static uint64_t microseconds(const struct timeval *time)
{
  return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

/* The second number of statm is resident pages. */
static uint64_t resident_bytes(void)
{
  uint64_t pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (file == NULL) {
    return 0;
  }
  if (fscanf(file, "%*u %" SCNu64, &pages) != 1) { /* NOLINT(cert-err34-c): the kernel's own digits */
    pages = 0;
  }
  (void)fclose(file);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_files(void)
{
  uint64_t n = 0;
  DIR *dir = opendir("/proc/self/fd");
  if (dir == NULL) {
    return 0;
  }
  while (readdir(dir) != NULL) {
    n++;
  }
  (void)closedir(dir);
  return n > 3 ? n - 3 : 0; /* ".", "..", and the one this took */
}

void kt_process_stats_read(struct kt_process_stats *ret_stats)
{
  struct rusage usage = { .ru_maxrss = 0 };
  struct rlimit files = { .rlim_cur = 0 };
  (void)getrusage(RUSAGE_SELF, &usage);
  (void)getrlimit(RLIMIT_NOFILE, &files);
  *ret_stats = (struct kt_process_stats){
    .cpu_us = microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime),
    .resident_bytes = resident_bytes(),
    .n_files = count_files(),
    .files_max = files.rlim_cur,
  };
}

size_t kt_core_count(void)
{
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n < 1 ? 1 : n > CORES_MAX ? CORES_MAX : (size_t)n;
}
