/* SPDX-License-Identifier: Apache-2.0 */
/* What this process uses, as the kernel counts it. What cannot be told is 0: it is for graphs, nothing depends on
 * it. */
#ifndef KT_SERVER_PROCESS_STATS_H
#define KT_SERVER_PROCESS_STATS_H

#include <stddef.h>
#include <stdint.h>

struct kt_process_stats {
  uint64_t cpu_us; /* user and system */
  uint64_t resident_bytes;
  uint64_t n_files;
  uint64_t files_max;
};

void kt_process_stats_read(struct kt_process_stats *ret_stats);

/* Of this machine, for threads that compute; 1 to 64. */
size_t kt_core_count(void);

#endif
