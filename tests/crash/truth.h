/* SPDX-License-Identifier: Apache-2.0 */
/* What the log has told its clients, across every restart: it may never contradict any of it.
 *
 * Shared by all threads; every function locks. The truth is kept by a process that is not killed, so memory is as
 * durable as the test needs; for a test that is interrupted it is in a file, too (kept.h). */
#ifndef KT_TESTS_CRASH_TRUTH_H
#define KT_TESTS_CRASH_TRUTH_H

#include <kt/bytes.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#define CRASH_LABEL_SIZE 48

/* The log acknowledged, with a proof, that this version of the label has a value of this hash. */
struct crash_ack {
  char label[CRASH_LABEL_SIZE];
  uint32_t version;
  struct kt_hash value;
};

struct crash_truth {
  pthread_mutex_t lock;
  struct crash_root {
    bool seen;
    struct kt_hash root;
  } * roots; /* by tree size */
  size_t n_roots;
  size_t n_heads; /* different sizes seen */
  struct crash_ack *acks;
  size_t n_acks;
  size_t acks_cap;
  unsigned n_failures; /* of all runs that kept it */
  FILE *kept;          /* NULL: in memory only */
};

void crash_truth_init(struct crash_truth *truth);
void crash_truth_release(struct crash_truth *truth);

/* A signed head that a client verified. A second root for one size is a failure. */
void crash_truth_add_head(struct crash_truth *truth, const char *who, uint64_t size, const struct kt_hash *root);
void crash_truth_add_ack(struct crash_truth *truth, const struct crash_ack *ack);
size_t crash_truth_count(struct crash_truth *truth);
struct crash_ack crash_truth_ack(struct crash_truth *truth, size_t index);

/* The test failed; it goes on, to say everything that is wrong. One line on stderr, and kept at once: no run that goes on after
 * an interruption forgets it. */
__attribute__((format(printf, 2, 3))) void crash_truth_fail(struct crash_truth *truth, const char *format, ...);
/* One that an earlier run kept. */
void crash_truth_add_failure(struct crash_truth *truth);
unsigned crash_truth_failures(struct crash_truth *truth);

#endif
