/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the Service Operator: what its files share. */
#ifndef KT_SERVER_OPERATOR_IMPL_H
#define KT_SERVER_OPERATOR_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "operator.h"

#define KT_OPERATOR_STRIPES 64

struct kt_operator_job {
  kt_operator_work work;
  void *ctx;
  struct kt_operator_job *next;
};

struct kt_operator {
  struct kt_instance *instance;
  struct kt_hash log_id;
  struct kt_opdb *db;
  struct kt_opheads *heads;
  pthread_mutex_t stripes[KT_OPERATOR_STRIPES]; /* one update of a label at a time */

  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t work;  /* a job, for one worker */
  pthread_cond_t stop;  /* for the thread that follows the log, between its looks */
  struct kt_operator_job *first;
  struct kt_operator_job *last;
  bool stopping;
  atomic_bool is_aborted;
  size_t n_threads; /* started: workers, then the one that follows the log */
  pthread_t *threads;
};

pthread_mutex_t *kt_operator_stripe(struct kt_operator *op, struct kt_bytes label);

#endif
