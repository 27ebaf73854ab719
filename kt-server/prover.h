/* SPDX-License-Identifier: Apache-2.0 */
/* prove: the VRF proofs that lookups will need, computed ahead on all cores (docs/architecture.md, Import).
 *
 * Worker threads take ranges of labels' numbers one after the other; the caller's thread stores what they computed in
 * the ranges' order, so that the table's pages are filled, one durable transaction for each. What is stored is not
 * computed again: whoever was interrupted begins again and goes on. */
#ifndef KT_SERVER_PROVER_H
#define KT_SERVER_PROVER_H

#include "instance.h"

struct kt_prover_progress {
  uint64_t n_labels; /* that were looked at */
  uint64_t n_proofs; /* that were computed and are durable */
  uint64_t last;     /* greatest label's number whose proofs are durable … */
  uint64_t end;      /* … and the greatest that will be */
};

struct kt_prover_options {
  struct kt_instance *instance; /* with an open log */
  uint64_t limit;               /* of labels' numbers; 0: all */
  size_t n_workers;
  void *ctx;
  void (*progress)(void *ctx, const struct kt_prover_progress *progress); /* in the caller's thread, after each range */
};

/* *ret_progress is what was done, after a failure too. */
KT_MUST_USE enum kt_err kt_prover_run(const struct kt_prover_options *options, struct kt_prover_progress *ret_progress,
                                      struct kt_error *error);

#endif
