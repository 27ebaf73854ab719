/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the Service Operator, its workers, and the plain handing on of queries. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/reader.h"
#include "crypto/hash.h"
#include "instance.h"
#include "operator_impl.h"
#include "operator_sql.h"

#define WORKERS_PER_THREAD 4 /* they wait for the Manager most of the time */
#define FOLLOW_MAX_MS 60000

/* --- opening ------------------------------------------------------------------------------------------------------ */

static enum kt_err open_parts(struct kt_operator *op, bool guard_may_be_missing, struct kt_error *error)
{
  struct kt_instance *instance = op->instance;
  struct kt_path path;
  enum kt_err err = kt_path_join(instance->dir.s, KT_NAME_OPERATOR_DATABASE, &path, error);
  if (err == KT_OK) {
    err = kt_opdb_open(path.s, instance->guard_path.s, false, guard_may_be_missing, &op->db, error);
  }
  const struct kt_opheads_options options = { .config = &instance->config,
                                              .config_bytes = { instance->config_bytes, instance->config_len },
                                              .dir = instance->dir.s,
                                              .db = op->db };
  if (err == KT_OK) {
    err = kt_opheads_open(&options, &op->heads, error);
  }
  return err;
}

enum kt_err kt_operator_open(struct kt_instance *instance, bool guard_may_be_missing, struct kt_operator **ret_operator,
                             struct kt_error *error)
{
  struct kt_operator *op = calloc(1, sizeof *op);
  if (op == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    free(op);
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  op->instance = instance;
  kt_config_log_id(&instance->config, &op->log_id);
  for (size_t i = 0; i < KT_OPERATOR_STRIPES; i++) {
    (void)pthread_mutex_init(&op->stripes[i], NULL);
  }
  pthread_condattr_t clock;
  (void)pthread_condattr_init(&clock);
  (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  (void)pthread_cond_init(&op->stop, &clock);
  (void)pthread_condattr_destroy(&clock);
  (void)pthread_cond_init(&op->work, NULL);
  (void)pthread_mutex_init(&op->lock, NULL);
  enum kt_err err = open_parts(op, guard_may_be_missing, error);
  if (err != KT_OK) {
    kt_operator_close(op);
    return err;
  }
  *ret_operator = op;
  return KT_OK;
}

void kt_operator_close(struct kt_operator *op)
{
  if (op == NULL) {
    return;
  }
  kt_operator_stop(op);
  kt_opheads_close(op->heads);
  kt_opdb_close(op->db);
  (void)pthread_cond_destroy(&op->work);
  (void)pthread_cond_destroy(&op->stop);
  (void)pthread_mutex_destroy(&op->lock);
  for (size_t i = 0; i < KT_OPERATOR_STRIPES; i++) {
    (void)pthread_mutex_destroy(&op->stripes[i]);
  }
  free(op->threads);
  free(op);
  curl_global_cleanup();
}

struct kt_opheads *kt_operator_heads(struct kt_operator *op)
{
  return op->heads;
}

struct kt_opdb *kt_operator_db(struct kt_operator *op)
{
  return op->db;
}

pthread_mutex_t *kt_operator_stripe(struct kt_operator *op, struct kt_bytes label)
{
  struct kt_hash hash;
  kt_sha256(label.data, label.len, &hash);
  return &op->stripes[hash.b[0] % KT_OPERATOR_STRIPES];
}

enum kt_err kt_operator_connect(struct kt_operator *op, struct kt_upstream **ret_upstream)
{
  const struct kt_settings *settings = &op->instance->settings;
  return kt_upstream_new(settings->upstream, op->instance->operator_token, (size_t)settings->limits.response_bytes,
                         &op->is_aborted, ret_upstream);
}

/* --- workers ------------------------------------------------------------------------------------------------------ */

/* NULL: stopping, and nothing is left. The lock is held. */
static struct kt_operator_job *wait_for_job(struct kt_operator *op)
{
  while (op->first == NULL && !op->stopping) {
    (void)pthread_cond_wait(&op->work, &op->lock);
  }
  struct kt_operator_job *job = op->first;
  if (job != NULL) {
    op->first = job->next;
  }
  return job;
}

static struct kt_operator_job *next_job(struct kt_operator *op)
{
  (void)pthread_mutex_lock(&op->lock);
  struct kt_operator_job *job = wait_for_job(op);
  (void)pthread_mutex_unlock(&op->lock);
  return job;
}

static void *worker_main(void *ctx)
{
  struct kt_operator *op = ctx;
  struct kt_upstream *upstream = NULL;
  struct kt_operator_job *job;
  while ((job = next_job(op)) != NULL) {
    if (upstream == NULL && kt_operator_connect(op, &upstream) != KT_OK) {
      upstream = NULL;
    }
    job->work(job->ctx, upstream);
    free(job);
  }
  kt_upstream_free(upstream);
  return NULL;
}

/* Until then, or until the operator stops; true: it does. */
static bool sleep_until(struct kt_operator *op, uint64_t deadline_ms)
{
  const struct timespec deadline = { .tv_sec = (time_t)(deadline_ms / 1000),
                                     .tv_nsec = (long)(deadline_ms % 1000) * 1000000 };
  (void)pthread_mutex_lock(&op->lock);
  while (!op->stopping && kt_monotonic_ms() < deadline_ms) {
    (void)pthread_cond_timedwait(&op->stop, &op->lock, &deadline);
  }
  bool stopping = op->stopping;
  (void)pthread_mutex_unlock(&op->lock);
  return stopping;
}

/* Users' answers are checked as they come; this looks when nobody asks, so that a fork is found soon. */
static void *follower_main(void *ctx)
{
  struct kt_operator *op = ctx;
  struct kt_upstream *upstream = NULL;
  uint64_t every_ms = op->instance->config.max_behind / 4;
  every_ms = every_ms < FOLLOW_MAX_MS ? every_ms : FOLLOW_MAX_MS;
  bool was_good = true;
  do {
    struct kt_problem problem = { .status = 0 };
    enum kt_err err = KT_ERR_MEMORY;
    if (upstream != NULL || kt_operator_connect(op, &upstream) == KT_OK) {
      err = kt_opheads_refresh(op->heads, upstream, &problem);
    }
    if (err != KT_OK && was_good) {
      kt_say("the Manager's log cannot be followed: %s", problem.detail);
    }
    was_good = err == KT_OK;
  } while (!sleep_until(op, kt_monotonic_ms() + every_ms));
  kt_upstream_free(upstream);
  return NULL;
}

enum kt_err kt_operator_start(struct kt_operator *op, struct kt_error *error)
{
  size_t n_workers = WORKERS_PER_THREAD * (size_t)op->instance->settings.threads;
  op->threads = calloc(n_workers + 1, sizeof *op->threads);
  if (op->threads == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  for (size_t i = 0; i <= n_workers; i++) {
    if (pthread_create(&op->threads[i], NULL, i < n_workers ? worker_main : follower_main, op) != 0) {
      return kt_error_set(error, KT_ERR_STORE, "starting the threads failed");
    }
    op->n_threads++;
  }
  return KT_OK;
}

void kt_operator_abort(struct kt_operator *op)
{
  atomic_store(&op->is_aborted, true);
}

void kt_operator_stop(struct kt_operator *op)
{
  (void)pthread_mutex_lock(&op->lock);
  op->stopping = true;
  (void)pthread_cond_broadcast(&op->work);
  (void)pthread_cond_broadcast(&op->stop);
  (void)pthread_mutex_unlock(&op->lock);
  while (op->n_threads > 0) {
    (void)pthread_join(op->threads[--op->n_threads], NULL);
  }
}

enum kt_err kt_operator_submit(struct kt_operator *op, kt_operator_work work, void *ctx)
{
  struct kt_operator_job *job = malloc(sizeof *job);
  if (job == NULL) {
    return KT_ERR_MEMORY;
  }
  *job = (struct kt_operator_job){ .work = work, .ctx = ctx };
  (void)pthread_mutex_lock(&op->lock);
  *(op->first == NULL ? &op->first : &op->last->next) = job;
  op->last = job;
  (void)pthread_cond_signal(&op->work);
  (void)pthread_mutex_unlock(&op->lock);
  return KT_OK;
}

/* --- handing on --------------------------------------------------------------------------------------------------- */

/* `last`, with which every request of the draft begins that is answered with a head; 0: none. */
static uint64_t last_of(const struct kt_bytes *request)
{
  struct kt_reader r;
  if (request == NULL) {
    return 0;
  }
  kt_reader_init(&r, request->data, request->len);
  const struct kt_optional_u64 last = kt_read_optional_u64(&r);
  return r.err == KT_OK && last.present ? last.value : 0;
}

enum kt_err kt_operator_forward(struct kt_operator *op, struct kt_upstream *upstream, const char *path,
                                const struct kt_bytes *body, bool has_head, struct kt_writer *w,
                                struct kt_problem *ret_problem)
{
  struct kt_upstream_reply reply;
  struct kt_opheads_status before;
  enum kt_err err = KT_OK;
  kt_opheads_status(op->heads, &before);
  kt_upstream_send(upstream, path, body, &reply);
  if (reply.status == 200) {
    const struct kt_opheads_answer answer = { .size_before = before.size,
                                              .last = has_head ? last_of(body) : 0,
                                              .response = kt_upstream_body(&reply) };
    err = has_head ? kt_opheads_check(op->heads, upstream, &answer, ret_problem) : KT_OK;
  } else {
    kt_upstream_problem(&reply, ret_problem);
    err = KT_ERR_UNDETERMINED;
  }
  if (err == KT_OK) {
    kt_write_bytes(w, reply.body, reply.len);
  }
  if (reply.status == 409 && has_head && last_of(body) <= before.size) {
    /* "last is larger than this log", though the operator has seen as much of it: it went back */
    struct kt_problem found = { .status = 0 };
    if (kt_opheads_refresh(op->heads, upstream, &found) == KT_ERR_PROOF) {
      *ret_problem = found;
    }
  }
  kt_upstream_reply_release(&reply);
  return err;
}

enum kt_err kt_operator_latest(struct kt_operator *op, struct kt_bytes label, struct kt_arena *arena,
                               uint64_t *ret_n_versions, struct kt_account_state *ret_state, struct kt_bytes *ret_value,
                               struct kt_error *error)
{
  struct kt_opdb_label row;
  struct kt_account_state state = { 0 };
  struct kt_bytes value = { 0 };
  enum kt_err err = kt_opdb_get_label(op->db, label, arena, &row, error);
  if (err == KT_OK && row.state.len > 0) {
    err = kt_account_state_decode(row.state, arena, &state);
  }
  if (err == KT_OK && row.n_versions > 0) {
    err = kt_opdb_get_value(op->db, label, (uint32_t)(row.n_versions - 1), arena, &value, error);
  }
  if (err != KT_OK) {
    return err == KT_ERR_ABSENT ? kt_opsql_damaged(error, "the newest value is missing") : err;
  }
  *ret_n_versions = row.n_versions;
  *ret_state = state;
  *ret_value = value;
  return KT_OK;
}
