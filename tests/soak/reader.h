/* SPDX-License-Identifier: Apache-2.0 */
/* A client that looks up what was acknowledged, again and again, and sometimes asks for something else: one look-up in a
 * hundred is verified, of the other answers only the status is looked at, as fast as they come. */
#ifndef KT_TESTS_SOAK_READER_H
#define KT_TESTS_SOAK_READER_H

#include <pthread.h>
#include <stdatomic.h>

#include "crash/random.h"
#include "crash/user.h"

#define SOAK_VERIFY_EVERY 100

/* Shared by all readers. */
struct soak_counters {
  _Atomic uint64_t n_requests; /* answered, however */
  _Atomic uint64_t n_verified;
  _Atomic uint64_t n_5xx;
  _Atomic uint64_t n_other; /* neither 200 nor 5xx */
  _Atomic uint64_t n_broken;
  _Atomic uint64_t until; /* so many requests and no more */
};

struct soak_reader {
  pthread_t thread;
  struct crash_user user;
  struct crash_random random;
  struct soak_counters *counters;
};

/* A pthread's start routine (struct soak_reader *). Ends when there were enough requests, or when nobody answers. */
void *soak_reader_run(void *reader);

#endif
