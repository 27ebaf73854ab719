/* SPDX-License-Identifier: Apache-2.0 */
#include "operator_heads.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "operator_fork.h"
#include "operator_sql.h"
#include "wire/tree_head.h"

#define RECENT_MAX 64 /* heads under way to users while newer ones arrive */
#define RETRY_AFTER_S 5
#define HALTED_RETRY_AFTER_S 3600

struct point {
  uint64_t size;
  struct kt_hash root;
};

struct kt_opheads {
  struct kt_opheads_options options;
  pthread_mutex_t lock; /* guards what follows; never held while waiting for the Manager */
  struct kt_log_state state;
  struct point recent[RECENT_MAX]; /* verified ones, a ring; size 0: none */
  size_t next;
  const char *halted_code; /* NULL: going on */
  char halted[400];
  pthread_mutex_t judging; /* one evidence file at a time; only answers that do not verify wait for each other */
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static enum kt_err load_state(struct kt_opheads *heads, struct kt_error *error)
{
  struct kt_arena arena;
  struct kt_bytes encoded = { 0 };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_opdb_get_head(heads->options.db, &arena, &encoded, error);
  if (err == KT_OK && kt_log_state_decode(encoded, &heads->state) != KT_OK) {
    err = kt_opsql_damaged(error, "the last verified head is none");
  }
  kt_arena_release(&arena);
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

enum kt_err kt_opheads_open(const struct kt_opheads_options *options, struct kt_opheads **ret_heads,
                            struct kt_error *error)
{
  struct kt_path evidence;
  if (kt_opfork_has_evidence(options->dir, &evidence)) {
    return kt_error_set(
        error, KT_ERR_PROOF,
        "there is evidence that the Manager showed two logs or went back: %.300s. Nothing is handed on. "
        "Anybody can verify it with kt-verify evidence verify. To go on with this Manager all the same, "
        "move the file to another folder",
        evidence.s);
  }
  struct kt_opheads *heads = calloc(1, sizeof *heads);
  if (heads == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  heads->options = *options;
  (void)pthread_mutex_init(&heads->lock, NULL);
  (void)pthread_mutex_init(&heads->judging, NULL);
  enum kt_err err = load_state(heads, error);
  if (err != KT_OK) {
    kt_opheads_close(heads);
    return err;
  }
  *ret_heads = heads;
  return KT_OK;
}

void kt_opheads_close(struct kt_opheads *heads)
{
  if (heads != NULL) {
    (void)pthread_mutex_destroy(&heads->lock);
    (void)pthread_mutex_destroy(&heads->judging);
    free(heads);
  }
}

/* --- what went wrong ---------------------------------------------------------------------------------------------- */

static enum kt_err busy(struct kt_problem *problem, const char *code, const char *text)
{
  kt_problem_set(problem, 503, code, "%s", text);
  problem->retry_after_s = RETRY_AFTER_S;
  return KT_ERR_UNDETERMINED;
}

/* The lock is held. */
static enum kt_err halted(const struct kt_opheads *heads, struct kt_problem *problem)
{
  kt_problem_set(problem, 503, heads->halted_code, "%s", heads->halted);
  problem->retry_after_s = HALTED_RETRY_AFTER_S;
  return KT_ERR_PROOF;
}

static enum kt_err halt(struct kt_opheads *heads, enum kt_opfork_found found, const struct kt_path *evidence,
                        struct kt_problem *problem)
{
  bool fork = found == KT_OPFORK_FORK;
  (void)pthread_mutex_lock(&heads->lock);
  heads->halted_code = fork ? "manager-fork" : "manager-rollback";
  (void)snprintf(heads->halted, sizeof heads->halted, "%s; nothing is handed on until the operator has looked into it",
                 fork ? "the log's manager signed two logs that contradict each other"
                      : "the log's manager shows an older state of the log than before");
  kt_say("%s. Evidence: %s", heads->halted, evidence->s[0] != '\0' ? evidence->s : "could not be saved");
  enum kt_err err = halted(heads, problem);
  (void)pthread_mutex_unlock(&heads->lock);
  return err;
}

/* --- one question or answer --------------------------------------------------------------------------------------- */

/* Works on a copy of what was verified, while others go on; what it finds is adopted where nobody was faster. */
struct session {
  struct kt_opheads *heads;
  struct kt_upstream *upstream;
  struct kt_problem *problem;
  struct kt_log_state state;
};

static enum kt_err check_halted(const struct session *session)
{
  struct kt_opheads *heads = session->heads;
  (void)pthread_mutex_lock(&heads->lock);
  enum kt_err err = heads->halted_code != NULL ? halted(heads, session->problem) : KT_OK;
  (void)pthread_mutex_unlock(&heads->lock);
  return err;
}

static enum kt_err load(struct session *session)
{
  struct kt_opheads *heads = session->heads;
  (void)pthread_mutex_lock(&heads->lock);
  session->state = heads->state;
  (void)pthread_mutex_unlock(&heads->lock);
  return check_halted(session);
}

/* The lock for judging is held. */
static enum kt_err find_fork(const struct session *session, const char *text)
{
  const struct kt_opheads_options *options = &session->heads->options;
  const struct kt_opfork fork = { .config = options->config,
                                  .config_bytes = options->config_bytes,
                                  .dir = options->dir,
                                  .ours = &session->state,
                                  .upstream = session->upstream };
  struct kt_path evidence = { "" };
  enum kt_opfork_found found = kt_opfork_judge(&fork, &evidence);
  if (found != KT_OPFORK_NOTHING) {
    return halt(session->heads, found, &evidence, session->problem);
  }
  kt_say("an answer of the Manager was not handed on: %s", text);
  (void)busy(session->problem, "manager-invalid", text);
  return KT_ERR_PROOF;
}

/* An answer that does not fit what was verified before: for good, or only this once. */
static enum kt_err judge(const struct session *session, const char *text)
{
  (void)pthread_mutex_lock(&session->heads->judging);
  enum kt_err err = check_halted(session);
  if (err == KT_OK) {
    err = find_fork(session, text);
  }
  (void)pthread_mutex_unlock(&session->heads->judging);
  return err;
}

/* --- following the log -------------------------------------------------------------------------------------------- */

/* Durable, then believed. The lock is held. */
static enum kt_err believe(struct kt_opheads *heads, const struct kt_log_state *log, struct kt_problem *problem)
{
  struct kt_writer w;
  struct kt_error error;
  kt_writer_init(&w, KT_REQUEST_MAX);
  kt_log_state_write(&w, log);
  enum kt_err err = w.err;
  if (err == KT_OK) {
    err = kt_opdb_put_head(heads->options.db, (struct kt_bytes){ w.buf, w.len }, &error);
  }
  kt_writer_release(&w);
  if (err != KT_OK) {
    kt_say("a verified head cannot be stored: %s", w.err == KT_OK ? error.text : kt_err_text(w.err));
    (void)busy(problem, "operator-store", "the operator's database cannot be written now");
    return KT_ERR_STORE;
  }
  heads->state = *log;
  heads->recent[heads->next] = (struct point){ .size = log->tree.size, .root = log->root };
  heads->next = (heads->next + 1) % RECENT_MAX;
  return KT_OK;
}

/* `log` was verified to extend the session's state. Where that is no longer the newest, the two were not compared, and
 * `log` is dropped. Either way the session goes on from the newest. */
static enum kt_err adopt(struct session *session, const struct kt_log_state *log)
{
  struct kt_opheads *heads = session->heads;
  enum kt_err err = KT_OK;
  (void)pthread_mutex_lock(&heads->lock);
  if (heads->halted_code != NULL) {
    err = halted(heads, session->problem);
  } else if (heads->state.tree.size == session->state.tree.size && log->tree.size > heads->state.tree.size) {
    err = believe(heads, log, session->problem);
  }
  session->state = heads->state;
  (void)pthread_mutex_unlock(&heads->lock);
  return err;
}

static enum kt_err take_walk(struct session *session, struct kt_bytes response)
{
  struct kt_arena arena;
  struct kt_reason reason = { .code = NULL };
  const struct kt_client client = { .config = session->heads->options.config,
                                    .log = &session->state,
                                    .now_ms = kt_now_ms(),
                                    .arena = &arena,
                                    .reason = &reason };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  struct kt_distinguished_result *result = kt_arena_alloc(&arena, 1, sizeof *result);
  enum kt_err err = result == NULL ? KT_ERR_MEMORY : kt_verify_distinguished(&client, NULL, response, result);
  if (err == KT_OK) {
    err = adopt(session, &result->log);
  } else if (err == KT_ERR_STALE) {
    err = busy(session->problem, "manager-stale", reason.text);
  } else if (err == KT_ERR_PROOF || err == KT_ERR_FORMAT) {
    err = judge(session, reason.text != NULL ? reason.text : kt_err_text(err));
  } else {
    kt_problem_set(session->problem, 500, "memory", "%s", kt_err_text(err));
  }
  kt_arena_release(&arena);
  return err;
}

/* To the newest head, or to one that somebody else found meanwhile. */
static enum kt_err follow(struct session *session)
{
  struct kt_upstream_reply reply;
  struct kt_writer w;
  kt_writer_init(&w, KT_REQUEST_MAX);
  kt_request_distinguished(&w, &session->state, NULL);
  const struct kt_bytes body = { w.buf, w.len };
  kt_upstream_send(session->upstream, "/v1/distinguished", &body, &reply);
  enum kt_err err;
  if (reply.status == 200) {
    err = take_walk(session, kt_upstream_body(&reply));
  } else if (reply.status == 409) { /* "last is N, but this log has M entries" */
    err = judge(session, "it denies to have the entries that it showed before");
  } else {
    kt_upstream_problem(&reply, session->problem);
    err = KT_ERR_UNDETERMINED;
  }
  kt_upstream_reply_release(&reply);
  kt_writer_release(&w);
  return err;
}

/* Until the followed log has this size. Somebody else may be faster each time, but then it grows each time. */
static enum kt_err follow_to(struct session *session, uint64_t size)
{
  enum kt_err err = KT_OK;
  uint64_t before = UINT64_MAX;
  while (err == KT_OK && session->state.tree.size < size && session->state.tree.size != before) {
    before = session->state.tree.size;
    err = follow(session);
  }
  return err;
}

enum kt_err kt_opheads_refresh(struct kt_opheads *heads, struct kt_upstream *upstream, struct kt_problem *ret_problem)
{
  struct session session = { .heads = heads, .upstream = upstream, .problem = ret_problem };
  enum kt_err err = load(&session);
  return err == KT_OK ? follow(&session) : err;
}

/* --- checking what is handed on ----------------------------------------------------------------------------------- */

static bool find_root(struct session *session, uint64_t size, struct kt_hash *ret_root)
{
  struct kt_opheads *heads = session->heads;
  bool found = size == session->state.tree.size;
  if (found) {
    *ret_root = session->state.root;
    return true;
  }
  (void)pthread_mutex_lock(&heads->lock);
  for (size_t i = 0; !found && i < RECENT_MAX; i++) {
    found = heads->recent[i].size == size;
    *ret_root = found ? heads->recent[i].root : *ret_root;
  }
  (void)pthread_mutex_unlock(&heads->lock);
  return found;
}

/* The root that the verified log had at a smaller size: the Manager proves it. */
static enum kt_err prove_root(const struct session *session, uint64_t size, struct kt_hash *ret_root)
{
  const struct kt_log_state *state = &session->state;
  struct kt_upstream_reply reply;
  struct kt_reason reason = { .code = NULL };
  struct kt_arena arena;
  char path[96];
  (void)snprintf(path, sizeof path, "/v1/log/consistency?old=%" PRIu64 "&size=%" PRIu64, size, state->tree.size);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_upstream_send(session->upstream, path, NULL, &reply);
  enum kt_err err = KT_ERR_UNDETERMINED;
  if (reply.status == 200) {
    err = kt_verify_consistency(size, state->tree.size, &state->root, kt_upstream_body(&reply), &arena, ret_root,
                                &reason);
    err = err == KT_OK ? KT_OK : judge(session, "it does not prove an older head of its log");
  } else if (reply.status >= 400 && reply.status < 500) {
    err = judge(session, "it denies to have the entries that it showed before");
  } else {
    kt_upstream_problem(&reply, session->problem);
  }
  kt_upstream_reply_release(&reply);
  kt_arena_release(&arena);
  return err;
}

static enum kt_err check_head(struct session *session, const struct kt_tree_head *head)
{
  struct kt_hash root = { 0 };
  enum kt_err err = follow_to(session, head->tree_size);
  if (err == KT_OK && (head->tree_size == 0 || head->tree_size > session->state.tree.size)) {
    err = judge(session, "it shows users a longer log than the operator");
  }
  if (err == KT_OK && !find_root(session, head->tree_size, &root)) {
    err = prove_root(session, head->tree_size, &root);
  }
  if (err == KT_OK &&
      kt_verify_head(session->heads->options.config, head->tree_size, &root, head->signature) != KT_OK) {
    err = judge(session, "its signed head is not of the log that the operator follows");
  }
  return err;
}

static enum kt_err check_answer(struct session *session, const struct kt_opheads_answer *answer)
{
  struct kt_reader r;
  struct kt_full_tree_head head;
  kt_reader_init(&r, answer->response.data, answer->response.len);
  kt_full_tree_head_read(&r, session->heads->options.config, &head);
  if (r.err != KT_OK) {
    return judge(session, "an answer does not have the form that the protocol prescribes");
  }
  uint64_t shown = head.type == KT_HEAD_SAME ? answer->last : head.tree_head.tree_size;
  if (shown < answer->size_before) {
    return judge(session, "it shows an older log than before");
  }
  /* "same" is a head that was handed on before */
  return head.type == KT_HEAD_SAME ? KT_OK : check_head(session, &head.tree_head);
}

enum kt_err kt_opheads_check(struct kt_opheads *heads, struct kt_upstream *upstream,
                             const struct kt_opheads_answer *answer, struct kt_problem *ret_problem)
{
  struct session session = { .heads = heads, .upstream = upstream, .problem = ret_problem };
  enum kt_err err = load(&session);
  if (err == KT_OK) {
    err = check_answer(&session, answer);
  }
  return err == KT_OK ? check_halted(&session) : err; /* somebody else may have found a fork meanwhile */
}

void kt_opheads_status(struct kt_opheads *heads, struct kt_opheads_status *ret_status)
{
  (void)pthread_mutex_lock(&heads->lock);
  const struct kt_tree_state *tree = &heads->state.tree;
  *ret_status = (struct kt_opheads_status){
    .size = tree->size,
    .root = heads->state.root,
    .timestamp_ms = tree->n_frontier > 0 ? tree->frontier[tree->n_frontier - 1].timestamp_ms : 0,
    .is_halted = heads->halted_code != NULL,
  };
  (void)pthread_mutex_unlock(&heads->lock);
}
