/* SPDX-License-Identifier: Apache-2.0 */
/* What the figures are made of, measured by the same program in the same run. Microseconds of CPU where nothing else is
 * said, the fastest of several slices; the durable write and the process start are wall time. */
#ifndef BENCH_PRIMITIVES_H
#define BENCH_PRIMITIVES_H

#include "report.h"

struct bench_primitives {
  double vrf_prove_us;
  double vrf_output_us;
  double vrf_verify_us;
  double sign_us;
  double verify_us;
  double hash_us;    /* SHA-256 of 65 bytes: a node of the log or prefix tree */
  double durable_us; /* append 4 KiB and fdatasync, median */
  double start_us;   /* fork, exec and exit of the server program without a verb's work, median */
};

/* In this folder, now: what a disk does changes with who else uses it. */
double bench_durable_us(const char *folder);
void bench_primitives_measure(const struct bench_options *options, const char *folder, struct bench_primitives *ret,
                              struct bench_report *report);

#endif
