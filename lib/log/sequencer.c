/* SPDX-License-Identifier: Apache-2.0 */
/* When commits happen and what goes into one (design: One sequencer, Batches, Heartbeats). */
#include <time.h>

#include "log/engine.h"
#include "log/vrf.h"

#define IDLE_MS 50              /* nothing was added for this long: time for housekeeping */
#define CLOCK_CHECK_MS 1000     /* the log's clock is not ours: look at it at least this often */
#define WASH_DELAY_MS 1000      /* what a reader kept from being overwritten is tried again */
#define PROOFS_DELAY_MS 1000    /* computed VRF proofs are stored this soon when no update takes them along, */
#define PROOFS_LONG_DELAY_MS 20 /* or this soon when there are many; not at once, should it fail */
#define REST_TIMES 10           /* as long as the last commit took, updates are gathered under load, */
#define REST_MAX_MS 20          /* but no longer than this */
#define LOOK_EVERY_MS 1         /* in that time somebody who wants something has begun */
#define LOOKS 2

static uint64_t monotonic_ms(void)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* log->lock is held; returns early when something was queued or kt_log_wake was called. */
static void wait_until(struct kt_log *log, uint64_t deadline_ms)
{
  const struct timespec deadline = { .tv_sec = (time_t)(deadline_ms / 1000),
                                     .tv_nsec = (long)(deadline_ms % 1000) * 1000000 };
  (void)pthread_cond_timedwait(&log->wake, &log->lock, &deadline);
}

static bool heartbeat_due(struct kt_log *log)
{
  struct kt_log_head head;
  uint64_t now_ms;
  bool is_right = kt_log_look_at_clock(log, &now_ms);
  kt_log_head(log, &head);
  return is_right && now_ms > head.timestamp_ms && now_ms - head.timestamp_ms >= log->options.heartbeat_ms;
}

void kt_log_updating_begin(struct kt_log *log)
{
  (void)atomic_fetch_add(&log->n_updating, 1);
}

void kt_log_updating_end(struct kt_log *log)
{
  bool is_last = atomic_fetch_sub(&log->n_updating, 1) == 1;
  uint32_t n_awaited = atomic_load(&log->n_awaited);
  if (is_last && n_awaited > 0) {
    pthread_mutex_lock(&log->lock);
    if (log->n_queued >= n_awaited) {
      pthread_cond_signal(&log->wake);
    }
    pthread_mutex_unlock(&log->lock);
  }
}

bool kt_log_updating_is_busy(const struct kt_log *log)
{
  return atomic_load(&log->is_busy) || atomic_load(&log->n_updating) > 1;
}

/* Take from the queue what surely fits into one commit. log->lock is held. */
static struct kt_log_pending *take_batch(struct kt_log *log, size_t *ret_n)
{
  size_t n = 0;
  struct kt_log_pending *list = log->first;
  struct kt_log_pending *end = NULL; /* last one taken */
  size_t n_entries = 1;
  size_t n_leaves = 0;
  for (struct kt_log_pending *pending = list; pending != NULL; pending = pending->next) {
    n_leaves += pending->n_new;
    if (n_leaves > KT_LOG_LEAVES_MAX) {
      n_leaves = pending->n_new;
      n_entries++;
    }
    if (n_entries > log->options.limits.entries_max) {
      break;
    }
    end = pending;
    n++;
    log->n_queued--;
    log->n_queued_bytes -= pending->n_bytes;
  }
  if (end != NULL) {
    log->first = end->next;
    end->next = NULL;
  }
  *ret_n = n;
  return list;
}

/* May something be added to the log? An entry that could not be signed is signed before another one follows. */
static enum kt_err get_ready(struct kt_log *log, struct kt_log_problem *problem)
{
  if (atomic_load(&log->is_fatal)) {
    return kt_log_refuse(problem, KT_ERR_STORE, "fatal", "the log failed and accepts nothing until it is restarted");
  }
  return atomic_load(&log->is_unsigned) ? kt_log_sign_durable(log, NULL, problem) : KT_OK;
}

static void store_proofs(struct kt_log *log)
{
  bool is_long;
  if (!atomic_load(&log->is_fatal) && kt_store_queued_proofs(log->options.store, &is_long) > 0) {
    kt_log_store_proofs(log);
  }
}

/* At the end the last head goes into the store, too: no commit follows that would take it along. */
static void store_last(struct kt_log *log)
{
  if (log->stored_size < log->guarded.size && !atomic_load(&log->is_fatal) && !atomic_load(&log->is_unsigned)) {
    kt_log_store_proofs(log);
  } else {
    store_proofs(log);
  }
}

/* What a log does while nothing is to be added. */
static void use_idle_time(struct kt_log *log)
{
  struct kt_log_problem problem;
  store_proofs(log);
  if (atomic_load(&log->is_fatal)) {
    return;
  }
  if (kt_log_maintain(log, true, &problem) != KT_OK && !problem.retry) {
    return;
  }
  kt_log_wash(log);
  kt_log_prune(log);
}

/* Commit a batch of *ret_n, or a heartbeat when there is none and one is due; otherwise there is time for other things
 * (false). */
static bool run_round(struct kt_log *log, size_t *ret_n)
{
  struct kt_log_problem problem;
  bool has_committed = true;
  pthread_mutex_lock(&log->round_lock);
  pthread_mutex_lock(&log->lock);
  struct kt_log_pending *list = take_batch(log, ret_n);
  pthread_mutex_unlock(&log->lock);
  enum kt_err err = get_ready(log, &problem);
  if (err != KT_OK) {
    kt_log_pending_fail(list, err, &problem);
    kt_log_pending_finish(list);
  } else if (list != NULL || heartbeat_due(log)) {
    kt_log_commit(log, list);
  } else {
    use_idle_time(log);
    has_committed = false;
  }
  pthread_mutex_unlock(&log->round_lock);
  return has_committed;
}

void kt_log_step(struct kt_log *log)
{
  size_t n;
  if (!log->options.read_only) {
    (void)run_round(log, &n);
  }
}

enum kt_err kt_log_accept_clock(struct kt_log *log, struct kt_log_problem *ret_problem)
{
  uint64_t now_ms;
  struct kt_log_head before;
  struct kt_log_head after;
  if (log->options.read_only) {
    return kt_log_refuse(ret_problem, KT_ERR_CONFLICT, "read-only", "a log that is read only looks at no clock");
  }
  pthread_mutex_lock(&log->round_lock);
  kt_log_head(log, &before);
  enum kt_err err = get_ready(log, ret_problem);
  if (err == KT_OK) {
    pthread_mutex_lock(&log->clock_lock);
    kt_log_clock_accept(&log->clock);
    pthread_mutex_unlock(&log->clock_lock);
    if (!kt_log_look_at_clock(log, &now_ms)) {
      err = kt_log_refuse(ret_problem, KT_ERR_CONFLICT, "clock-behind",
                          "the newest entry is %llu s in the clock's future, and timestamps never go back: until that "
                          "time has come, no other can be accepted",
                          (unsigned long long)(before.timestamp_ms - now_ms) / 1000);
    }
  }
  if (err == KT_OK) {
    kt_log_commit(log, NULL); /* an entry of now, so that the next start finds the clock in order */
    kt_log_head(log, &after);
    if (after.size == before.size) {
      err = kt_log_retry(ret_problem, KT_ERR_STORE, "store", "the clock is accepted, but no entry could be added");
    }
  }
  pthread_mutex_unlock(&log->round_lock);
  return err;
}

/* idle_ms: since the last round, which was a commit (is_untidy) or housekeeping. */
static bool has_idle_work(const struct kt_log *log, bool is_untidy, uint64_t idle_ms)
{
  bool is_long;
  if (atomic_load(&log->is_fatal) || atomic_load(&log->is_unsigned)) {
    return false;
  }
  size_t n_proofs = kt_store_queued_proofs(log->options.store, &is_long);
  return atomic_load(&log->pruned.is_behind) || (is_untidy && idle_ms >= IDLE_MS) ||
         (atomic_load(&log->is_wash_due) && idle_ms >= WASH_DELAY_MS) ||
         (n_proofs > 0 && idle_ms >= (is_long ? PROOFS_LONG_DELAY_MS : PROOFS_DELAY_MS));
}

/* When the last rounds of this thread were: before the first, long ago. */
struct rhythm {
  bool has_committed;
  uint64_t commit_ms;
  uint64_t round_ms;
  uint64_t rest_ms; /* until then it pays to gather updates */
  size_t n;         /* of the last round */
  bool is_untidy;   /* the last round was a commit */
};

/* Group commit: what arrives while one commit runs goes into the next, so nothing waits when the log is idle; under load
 * commits keep the configured distance, because every entry right of the last distinguished one makes searches longer.
 * Nothing is gained by holding back what fills an entry. log->lock is held. */
static void keep_cadence(struct kt_log *log, const struct rhythm *last)
{
  uint64_t next_ms = last->has_committed ? last->commit_ms + log->options.cadence_ms : 0;
  while (!log->stopping && log->n_queued < KT_LOG_LEAVES_MAX && monotonic_ms() < next_ms) {
    wait_until(log, next_ms);
  }
}

/* Under load the cores are what there is too little of, and a commit costs them the same work for few updates as for many. So
 * after a commit of several the next one leaves the cores to the threads that prepare, for a few times as long as that
 * commit took. When none of them is at work, whoever wanted something has queued it: at once if as many have come back as
 * were answered, and else when a second look finds nobody either, for between two updates a thread is at work for neither.
 * log->lock is held. */
static void gather(struct kt_log *log, const struct rhythm *last)
{
  uint64_t now_ms = monotonic_ms();
  unsigned n_idle = 0;
  atomic_store(&log->n_awaited, (uint32_t)last->n);
  while (!log->stopping && log->n_queued < KT_LOG_LEAVES_MAX && now_ms < last->rest_ms) {
    n_idle = atomic_load(&log->n_updating) == 0 ? n_idle + 1 : 0;
    if (n_idle == LOOKS || (n_idle > 0 && log->n_queued >= last->n)) {
      break;
    }
    wait_until(log, now_ms + LOOK_EVERY_MS);
    now_ms = monotonic_ms();
  }
  atomic_store(&log->n_awaited, 0);
}

/* A round that took n from the queue is over; it began at start_ms. */
static void note_round(struct rhythm *last, uint64_t start_ms, size_t n)
{
  uint64_t now_ms = monotonic_ms();
  uint64_t rest_ms = (now_ms - start_ms) * REST_TIMES;
  last->round_ms = now_ms;
  if (last->is_untidy) {
    last->has_committed = true;
    last->commit_ms = now_ms;
  }
  last->n = n;
  last->rest_ms = n < 2 ? now_ms : now_ms + (rest_ms < REST_MAX_MS ? rest_ms : REST_MAX_MS);
}

/* The queue is empty: is there something else to do? Otherwise wait a while (false). log->lock is held. */
static bool find_work(struct kt_log *log, const struct rhythm *last)
{
  uint64_t now_ms = monotonic_ms();
  uint64_t tidy_ms = last->round_ms + IDLE_MS;
  /* not again at once: a heartbeat that cannot be committed must not become a busy loop */
  bool due = !atomic_load(&log->is_fatal) && (!last->has_committed || now_ms - last->commit_ms >= CLOCK_CHECK_MS) &&
             (atomic_load(&log->is_unsigned) || heartbeat_due(log));
  if (due || has_idle_work(log, last->is_untidy, now_ms - last->round_ms)) {
    return true;
  }
  wait_until(log, last->is_untidy && now_ms < tidy_ms ? tidy_ms : now_ms + CLOCK_CHECK_MS);
  return false;
}

static void *sequencer_main(void *ctx)
{
  struct kt_log *log = ctx;
  struct rhythm last = { .is_untidy = true };
  pthread_mutex_lock(&log->lock);
  while (!log->stopping || log->first != NULL) {
    if (log->first != NULL) {
      keep_cadence(log, &last);
      gather(log, &last);
    } else if (!find_work(log, &last)) {
      continue;
    }
    pthread_mutex_unlock(&log->lock);
    size_t n;
    uint64_t start_ms = monotonic_ms();
    last.is_untidy = run_round(log, &n);
    note_round(&last, start_ms, n);
    atomic_store(&log->is_busy, n > 1);
    pthread_mutex_lock(&log->lock);
  }
  pthread_mutex_unlock(&log->lock);
  return NULL;
}

/* A log that stood still has a fresh head before anybody asks it: users refuse an old one. What fails here the thread tries
 * again. */
static void freshen(struct kt_log *log)
{
  struct kt_log_problem problem;
  pthread_mutex_lock(&log->round_lock);
  if (get_ready(log, &problem) == KT_OK && heartbeat_due(log)) {
    kt_log_commit(log, NULL);
  }
  pthread_mutex_unlock(&log->round_lock);
}

enum kt_err kt_log_start(struct kt_log *log)
{
  if (log->options.read_only) {
    return KT_OK;
  }
  freshen(log);
  pthread_mutex_lock(&log->lock);
  enum kt_err err = log->started ? KT_ERR_USAGE : KT_OK;
  if (err == KT_OK && pthread_create(&log->thread, NULL, sequencer_main, log) != 0) {
    err = KT_ERR_MEMORY;
  }
  log->started = log->started || err == KT_OK;
  pthread_mutex_unlock(&log->lock);
  return err;
}

void kt_log_stop(struct kt_log *log)
{
  kt_log_warm_end(log);
  pthread_mutex_lock(&log->lock);
  bool was_started = log->started;
  log->stopping = true;
  pthread_cond_signal(&log->wake);
  pthread_mutex_unlock(&log->lock);
  if (was_started) {
    (void)pthread_join(log->thread, NULL);
    pthread_mutex_lock(&log->lock);
    log->started = false;
    pthread_mutex_unlock(&log->lock);
  }
  while (log->first != NULL) { /* without a thread: what was queued and never stepped */
    kt_log_step(log);
  }
  if (!log->options.read_only) {
    pthread_mutex_lock(&log->round_lock);
    store_last(log);
    pthread_mutex_unlock(&log->round_lock);
  }
}

void kt_log_wake(struct kt_log *log)
{
  pthread_mutex_lock(&log->lock);
  pthread_cond_signal(&log->wake);
  pthread_mutex_unlock(&log->lock);
}
