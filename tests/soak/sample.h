/* SPDX-License-Identifier: Apache-2.0 */
/* What a long run watches of the server: memory, open files, write-ahead log; and the verdict about all samples together. */
#ifndef KT_TESTS_SOAK_SAMPLE_H
#define KT_TESTS_SOAK_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct soak_sample {
  uint64_t n_requests; /* answered so far, in all runs */
  uint64_t rss_kib;
  uint64_t n_files; /* descriptors */
  uint64_t wal_bytes;
  uint64_t database_bytes;
};

struct soak_samples {
  struct soak_sample *list;
  size_t n;
  size_t cap;
};

/* Of the process and the log's folder now, added and returned. False: the process is gone. */
bool soak_samples_take(struct soak_samples *samples, pid_t pid, const char *dir, uint64_t n_requests,
                       struct soak_sample *ret_sample);
void soak_samples_release(struct soak_samples *samples);

struct soak_verdict {
  double drift;          /* of the resident memory, late against early: 0.01 is one per cent more */
  int64_t drift_kib;     /* the same */
  int64_t more_files;    /* late against early */
  uint64_t wal_bytes;    /* the largest */
  bool has_drift_to_say; /* enough samples after the caches were filled */
};

/* Early is the second quarter of the run (the first fills caches), late the last one; medians of each. */
struct soak_verdict soak_samples_judge(const struct soak_samples *samples);

#endif
