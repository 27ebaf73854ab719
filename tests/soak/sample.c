/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SAMPLES_MIN 16 /* with fewer a quarter is no quarter */

static uint64_t resident_kib(pid_t pid)
{
  char path[64];
  char line[256];
  unsigned long long kib = 0;
  (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
  FILE *file = fopen(path, "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, "VmRSS:", 6) == 0) {
      kib = strtoull(line + 6, NULL, 10);
    }
  }
  if (file != NULL) {
    (void)fclose(file);
  }
  return kib;
}

static uint64_t count_files(pid_t pid)
{
  char path[64];
  uint64_t n = 0;
  (void)snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
  DIR *dir = opendir(path);
  while (dir != NULL && readdir(dir) != NULL) {
    n++;
  }
  if (dir != NULL) {
    (void)closedir(dir);
  }
  return n;
}

static uint64_t file_bytes(const char *dir, const char *name)
{
  char path[512];
  struct stat info;
  (void)snprintf(path, sizeof path, "%s/%s", dir, name);
  return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

bool soak_samples_take(struct soak_samples *samples, pid_t pid, const char *dir, uint64_t n_requests,
                       struct soak_sample *ret_sample)
{
  if (samples->n == samples->cap) {
    samples->cap = samples->cap == 0 ? 256 : 2 * samples->cap;
    struct soak_sample *grown = realloc(samples->list, samples->cap * sizeof *grown);
    if (grown == NULL) {
      abort(); /* without memory there is no test */
    }
    samples->list = grown;
  }
  struct soak_sample *sample = &samples->list[samples->n];
  *sample = (struct soak_sample){ .n_requests = n_requests,
                                  .rss_kib = resident_kib(pid),
                                  .n_files = count_files(pid),
                                  .wal_bytes = file_bytes(dir, "log.db-wal"),
                                  .database_bytes = file_bytes(dir, "log.db") };
  *ret_sample = *sample;
  samples->n += sample->rss_kib > 0 ? 1 : 0;
  return sample->rss_kib > 0;
}

void soak_samples_release(struct soak_samples *samples)
{
  free(samples->list);
}

static int compare(const void *a, const void *b)
{
  const uint64_t x = *(const uint64_t *)a;
  const uint64_t y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Of the member at this offset, over the samples from … to. */
static uint64_t median(const struct soak_samples *samples, size_t from, size_t to, size_t offset)
{
  uint64_t *values = calloc(to - from, sizeof *values);
  if (values == NULL) {
    abort();
  }
  for (size_t i = from; i < to; i++) {
    memcpy(&values[i - from], (const char *)&samples->list[i] + offset, sizeof *values);
  }
  qsort(values, to - from, sizeof *values, compare);
  uint64_t middle = values[(to - from) / 2];
  free(values);
  return middle;
}

struct soak_verdict soak_samples_judge(const struct soak_samples *samples)
{
  struct soak_verdict verdict = { .has_drift_to_say = samples->n >= SAMPLES_MIN };
  for (size_t i = 0; i < samples->n; i++) {
    uint64_t wal_bytes = samples->list[i].wal_bytes;
    verdict.wal_bytes = wal_bytes > verdict.wal_bytes ? wal_bytes : verdict.wal_bytes;
  }
  if (verdict.has_drift_to_say) {
    const size_t n = samples->n;
    const size_t rss = offsetof(struct soak_sample, rss_kib);
    const size_t files = offsetof(struct soak_sample, n_files);
    uint64_t early_kib = median(samples, n / 4, n / 2, rss);
    uint64_t late_kib = median(samples, 3 * n / 4, n, rss);
    verdict.drift_kib = (int64_t)late_kib - (int64_t)early_kib;
    verdict.drift = (double)verdict.drift_kib / (double)early_kib;
    verdict.more_files = (int64_t)median(samples, 3 * n / 4, n, files) - (int64_t)median(samples, n / 4, n / 2, files);
  }
  return verdict;
}
