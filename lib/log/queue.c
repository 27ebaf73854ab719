/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of the sequencer, and waiting for what was queued. */
#include <stdlib.h>
#include <string.h>

#include "log/engine.h"

enum kt_err kt_log_pending_new(enum kt_log_work work, struct kt_bytes label, struct kt_log_pending **ret_pending,
                               struct kt_log_problem *problem)
{
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  struct kt_log_pending *pending = kt_arena_alloc(&arena, 1, sizeof *pending);
  const uint8_t *copy = kt_arena_copy(&arena, label.data, label.len);
  if (pending == NULL || copy == NULL) {
    kt_arena_release(&arena);
    (void)kt_log_refuse(problem, KT_ERR_MEMORY, "memory", "out of memory");
    return KT_ERR_MEMORY;
  }
  pending->arena = arena;
  pending->work = work;
  pending->label = (struct kt_bytes){ copy, label.len };
  *ret_pending = pending;
  return KT_OK;
}

void kt_log_pending_free(struct kt_log_pending *pending)
{
  if (pending != NULL) {
    struct kt_arena arena = pending->arena; /* it lies in it */
    kt_arena_release(&arena);
  }
}

void kt_log_pending_fail(struct kt_log_pending *list, enum kt_err err, const struct kt_log_problem *problem)
{
  for (struct kt_log_pending *pending = list; pending != NULL; pending = pending->next) {
    pending->outcome = (struct kt_log_outcome){ .err = err, .problem = *problem };
  }
}

void kt_log_pending_finish(struct kt_log_pending *list)
{
  while (list != NULL) {
    struct kt_log_pending *next = list->next;
    list->done(list->done_ctx, &list->outcome);
    kt_log_pending_free(list);
    list = next;
  }
}

/* Updates on their way into the queue, linked. */
struct list {
  struct kt_log_pending *first;
  struct kt_log_pending *last;
  size_t n;
  size_t n_bytes;
};

static void list_add(struct list *list, struct kt_log_pending *pending)
{
  pending->n_bytes = kt_arena_held(&pending->arena);
  pending->next = NULL;
  *(list->first == NULL ? &list->first : &list->last->next) = pending;
  list->last = pending;
  list->n++;
  list->n_bytes += pending->n_bytes;
}

/* log->lock is held. What one update may hold is bounded elsewhere, so an empty queue has room for it. */
static bool has_room(const struct kt_log *log, const struct list *list)
{
  const struct kt_log_limits *limits = &log->options.limits;
  bool fits = log->n_queued_bytes <= limits->queue_bytes && list->n_bytes <= limits->queue_bytes - log->n_queued_bytes;
  return log->n_queued <= limits->queue_max && list->n <= limits->queue_max - log->n_queued &&
         (log->n_queued == 0 || fits);
}

static enum kt_err try_submit(struct kt_log *log, const struct list *list, struct kt_log_problem *problem)
{
  enum kt_err err = KT_OK;
  if (log->options.read_only) {
    return kt_log_retry(
        problem, KT_ERR_STORE, "read-only",
        "this log is served read only: it answers from the head that was published last, and takes nothing");
  }
  if (atomic_load(&log->is_fatal)) {
    return kt_log_refuse(problem, KT_ERR_STORE, "fatal", "the log failed and accepts nothing until it is restarted");
  }
  pthread_mutex_lock(&log->lock);
  if (log->stopping) {
    err = kt_log_retry(problem, KT_ERR_STORE, "stopping", "the log is shutting down");
  } else if (!has_room(log, list)) {
    err = kt_log_retry(problem, KT_ERR_STORE, "busy", "too many updates are waiting");
  } else {
    bool was_empty = log->first == NULL;
    *(was_empty ? &log->first : &log->last->next) = list->first;
    log->last = list->last;
    log->n_queued += list->n;
    log->n_queued_bytes += list->n_bytes;
    if (was_empty || log->n_queued >= KT_LOG_LEAVES_MAX) { /* in between, the sequencer knows or does not want to */
      pthread_cond_signal(&log->wake);
    }
  }
  pthread_mutex_unlock(&log->lock);
  return err;
}

enum kt_err kt_log_submit(struct kt_log *log, struct kt_log_pending *pending, kt_log_done done, void *done_ctx,
                          struct kt_log_problem *ret_problem)
{
  const struct kt_log_order order = { .pending = pending, .done_ctx = done_ctx };
  enum kt_err err = kt_log_submit_all(log, &order, 1, done, ret_problem);
  if (err != KT_OK) {
    kt_log_pending_free(pending);
  }
  return err;
}

enum kt_err kt_log_submit_all(struct kt_log *log, const struct kt_log_order *orders, size_t n, kt_log_done done,
                              struct kt_log_problem *ret_problem)
{
  struct list list = { .n = 0 };
  for (size_t i = 0; i < n; i++) {
    orders[i].pending->done = done;
    orders[i].pending->done_ctx = orders[i].done_ctx;
    list_add(&list, orders[i].pending);
  }
  return try_submit(log, &list, ret_problem);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

struct crowd {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  size_t n_left;
};

struct member {
  struct crowd *crowd;
  struct kt_log_outcome *outcome;
};

static void member_done(void *ctx, const struct kt_log_outcome *outcome)
{
  const struct member *member = ctx;
  struct crowd *crowd = member->crowd;
  pthread_mutex_lock(&crowd->lock);
  *member->outcome = *outcome;
  crowd->n_left--;
  pthread_cond_signal(&crowd->wake);
  pthread_mutex_unlock(&crowd->lock);
}

static bool has_thread(struct kt_log *log)
{
  pthread_mutex_lock(&log->lock);
  bool started = log->started;
  pthread_mutex_unlock(&log->lock);
  return started;
}

static size_t count_left(struct crowd *crowd)
{
  pthread_mutex_lock(&crowd->lock);
  size_t n = crowd->n_left;
  pthread_mutex_unlock(&crowd->lock);
  return n;
}

/* Until at most n are left. */
static void wait_for(struct kt_log *log, struct crowd *crowd, size_t n)
{
  if (!has_thread(log)) {
    while (count_left(crowd) > n) {
      kt_log_step(log);
    }
    return;
  }
  pthread_mutex_lock(&crowd->lock);
  while (crowd->n_left > n) {
    pthread_cond_wait(&crowd->wake, &crowd->lock);
  }
  pthread_mutex_unlock(&crowd->lock);
}

/* Submit one; a full queue is waited for as long as some of it is ours. */
static void submit_member(struct kt_log *log, struct kt_log_pending *pending, struct member *member)
{
  struct crowd *crowd = member->crowd;
  const struct kt_log_order order = { .pending = pending, .done_ctx = member };
  pthread_mutex_lock(&crowd->lock);
  crowd->n_left++;
  pthread_mutex_unlock(&crowd->lock);
  struct kt_log_outcome outcome = { .err = KT_OK };
  for (;;) {
    outcome.err = kt_log_submit_all(log, &order, 1, member_done, &outcome.problem);
    size_t others = count_left(crowd) - 1;
    if (outcome.err == KT_OK) {
      return;
    }
    if (others == 0 || strcmp(outcome.problem.code, "busy") != 0) {
      break;
    }
    wait_for(log, crowd, others);
  }
  member_done(member, &outcome);
  kt_log_pending_free(pending);
}

void kt_log_insert(struct kt_log *log, struct kt_log_pending **pending, size_t n, struct kt_log_outcome *ret_outcomes)
{
  struct crowd crowd = { .n_left = 0 };
  struct member *members = calloc(n, sizeof *members);
  pthread_mutex_init(&crowd.lock, NULL);
  pthread_cond_init(&crowd.wake, NULL);
  for (size_t i = 0; i < n; i++) {
    if (members == NULL) {
      ret_outcomes[i] = (struct kt_log_outcome){ 0 };
      ret_outcomes[i].err = kt_log_refuse(&ret_outcomes[i].problem, KT_ERR_MEMORY, "memory", "out of memory");
      kt_log_pending_free(pending[i]);
      continue;
    }
    members[i] = (struct member){ .crowd = &crowd, .outcome = &ret_outcomes[i] };
    submit_member(log, pending[i], &members[i]);
  }
  wait_for(log, &crowd, 0);
  pthread_cond_destroy(&crowd.wake);
  pthread_mutex_destroy(&crowd.lock);
  free(members);
}

/* --- administration ----------------------------------------------------------------------------------------------- */

static enum kt_err run_one(struct kt_log *log, struct kt_log_pending *pending, struct kt_log_problem *ret_problem)
{
  struct kt_log_outcome outcome;
  kt_log_insert(log, &pending, 1, &outcome);
  if (outcome.err != KT_OK) {
    *ret_problem = outcome.problem;
  }
  return outcome.err;
}

enum kt_err kt_log_add_token(struct kt_log *log, const struct kt_hash *token_hash, struct kt_log_problem *ret_problem)
{
  struct kt_log_pending *pending;
  enum kt_err err = kt_log_pending_new(KT_LOG_WORK_TOKEN, (struct kt_bytes){ 0 }, &pending, ret_problem);
  if (err != KT_OK) {
    return err;
  }
  pending->token_hash = *token_hash;
  return run_one(log, pending, ret_problem);
}
