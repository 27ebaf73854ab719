/* SPDX-License-Identifier: Apache-2.0 */
#include "prover.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define RANGE_LABELS 1024 /* about 0.1 s of one core, and a transaction of some 300 KiB */
#define RANGES_PER_WORKER 4

struct range {
  bool is_done;
  enum kt_err err;
  struct kt_arena arena; /* owns what was proved */
  struct kt_log_proved proved;
  struct kt_log_problem problem;
};

struct prover {
  const struct kt_prover_options *options;
  struct kt_prover_progress progress; /* the caller's */
  uint64_t n_ranges;
  pthread_t *workers;
  size_t n_workers; /* that run */

  pthread_mutex_t lock; /* the rest */
  pthread_cond_t done;  /* a range is computed */
  pthread_cond_t room;  /* a range was stored, or there are no more to be taken */
  struct range *ring;   /* range number seq, from 0, is ring[seq % n_ring] */
  size_t n_ring;
  uint64_t take_seq; /* the next that a worker takes */
  uint64_t put_seq;  /* the next to be stored */
  bool ending;
};

/* --- workers ------------------------------------------------------------------------------------------------------ */

static size_t labels_in(const struct prover *prover, uint64_t seq)
{
  uint64_t left = prover->progress.end - seq * RANGE_LABELS;
  return left < RANGE_LABELS ? (size_t)left : RANGE_LABELS;
}

/* False: there are no more. */
static bool take(struct prover *prover, uint64_t *ret_seq)
{
  pthread_mutex_lock(&prover->lock);
  while (!prover->ending && prover->take_seq < prover->n_ranges &&
         prover->take_seq - prover->put_seq == prover->n_ring) {
    pthread_cond_wait(&prover->room, &prover->lock);
  }
  bool is_taken = !prover->ending && prover->take_seq < prover->n_ranges;
  if (is_taken) {
    *ret_seq = prover->take_seq++;
  }
  pthread_mutex_unlock(&prover->lock);
  return is_taken;
}

static void give_back(struct prover *prover, struct range *range, enum kt_err err)
{
  pthread_mutex_lock(&prover->lock);
  range->err = err;
  range->is_done = true;
  pthread_cond_signal(&prover->done);
  pthread_mutex_unlock(&prover->lock);
}

static void *work(void *ctx)
{
  struct prover *prover = ctx;
  struct kt_log_reader *reader = NULL;
  struct kt_log_problem problem;
  uint64_t seq;
  enum kt_err opened = kt_log_reader_new(prover->options->instance->log, &reader, &problem);
  while (take(prover, &seq)) {
    struct range *range = &prover->ring[seq % prover->n_ring];
    enum kt_err err = opened;
    if (err == KT_OK) {
      err = kt_log_prove(reader, 1 + seq * RANGE_LABELS, labels_in(prover, seq), &range->arena, &range->proved,
                         &range->problem);
    } else {
      range->problem = problem;
    }
    give_back(prover, range, err);
  }
  kt_log_reader_free(reader);
  return NULL;
}

/* --- the caller's thread ------------------------------------------------------------------------------------------ */

static struct range *wait_for_next(struct prover *prover)
{
  struct range *range = &prover->ring[prover->put_seq % prover->n_ring];
  pthread_mutex_lock(&prover->lock);
  while (!range->is_done) {
    pthread_cond_wait(&prover->done, &prover->lock);
  }
  pthread_mutex_unlock(&prover->lock);
  return range;
}

static enum kt_err put(struct prover *prover, struct range *range)
{
  struct kt_prover_progress *progress = &prover->progress;
  if (range->err == KT_OK && range->proved.n > 0) {
    range->err = kt_log_put_proofs(prover->options->instance->log, &range->proved, &range->problem);
  }
  if (range->err == KT_OK) {
    progress->n_labels += range->proved.n_labels;
    progress->n_proofs += range->proved.n;
    progress->last += labels_in(prover, prover->put_seq);
  }
  return range->err;
}

static enum kt_err put_all(struct prover *prover, struct kt_error *error)
{
  while (prover->put_seq < prover->n_ranges) {
    struct range *range = wait_for_next(prover);
    if (put(prover, range) != KT_OK) {
      return kt_error_set(error, range->err, "%s", range->problem.text);
    }
    kt_arena_release(&range->arena);
    pthread_mutex_lock(&prover->lock);
    range->is_done = false;
    prover->put_seq++;
    pthread_cond_signal(&prover->room);
    pthread_mutex_unlock(&prover->lock);
    prover->options->progress(prover->options->ctx, &prover->progress);
  }
  return KT_OK;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static enum kt_err find_end(struct prover *prover, struct kt_error *error)
{
  struct kt_log_reader *reader;
  struct kt_log_problem problem;
  uint64_t limit = prover->options->limit;
  uint64_t last = 0;
  enum kt_err err = kt_log_reader_new(prover->options->instance->log, &reader, &problem);
  if (err == KT_OK) {
    err = kt_log_last_label(reader, &last, &problem);
    kt_log_reader_free(reader);
  }
  prover->progress.end = limit != 0 && limit < last ? limit : last;
  prover->n_ranges = (prover->progress.end + RANGE_LABELS - 1) / RANGE_LABELS;
  return err == KT_OK ? KT_OK : kt_error_set(error, err, "%s", problem.text);
}

static enum kt_err start(struct prover *prover, struct kt_error *error)
{
  size_t n_workers = prover->options->n_workers;
  prover->n_ring = RANGES_PER_WORKER * n_workers;
  prover->ring = calloc(prover->n_ring, sizeof *prover->ring);
  prover->workers = calloc(n_workers, sizeof *prover->workers);
  if (prover->ring == NULL || prover->workers == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  for (size_t i = 0; i < prover->n_ring; i++) {
    kt_arena_init(&prover->ring[i].arena, KT_ARENA_CAP_DEFAULT);
  }
  for (; prover->n_workers < n_workers; prover->n_workers++) {
    if (pthread_create(&prover->workers[prover->n_workers], NULL, work, prover) != 0) {
      return kt_error_set(error, KT_ERR_MEMORY, "a thread cannot be started");
    }
  }
  return KT_OK;
}

static void stop(struct prover *prover)
{
  pthread_mutex_lock(&prover->lock);
  prover->ending = true;
  pthread_cond_broadcast(&prover->room);
  pthread_mutex_unlock(&prover->lock);
  for (size_t i = 0; i < prover->n_workers; i++) {
    (void)pthread_join(prover->workers[i], NULL);
  }
  for (size_t i = 0; prover->ring != NULL && i < prover->n_ring; i++) {
    kt_arena_release(&prover->ring[i].arena);
  }
  free(prover->workers);
  free(prover->ring);
}

enum kt_err kt_prover_run(const struct kt_prover_options *options, struct kt_prover_progress *ret_progress,
                          struct kt_error *error)
{
  struct prover prover = { .options = options };
  pthread_mutex_init(&prover.lock, NULL);
  pthread_cond_init(&prover.done, NULL);
  pthread_cond_init(&prover.room, NULL);
  enum kt_err err = find_end(&prover, error);
  if (err == KT_OK) {
    err = start(&prover, error);
  }
  if (err == KT_OK) {
    err = put_all(&prover, error);
  }
  stop(&prover);
  pthread_cond_destroy(&prover.room);
  pthread_cond_destroy(&prover.done);
  pthread_mutex_destroy(&prover.lock);
  *ret_progress = prover.progress;
  return err;
}
