/* SPDX-License-Identifier: Apache-2.0 */
#include "session_batch.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "parallel.h"
#include "session_parts.h"

#define UNDER_WAY_MAX 8

struct kt_batch *kt_batch_new(struct kt_session *session, size_t n)
{
  struct kt_batch *batch = calloc(1, sizeof *batch);
  struct kt_batch_item *items = calloc(n + 1, sizeof *items); /* + 1: none is no failure */
  if (batch == NULL || items == NULL) {
    free(batch);
    free(items);
    return NULL;
  }
  *batch = (struct kt_batch){ .session = session, .items = items, .n = n };
  return batch;
}

static void clear(struct kt_batch_item *item)
{
  kt_reply_release(&item->reply);
  kt_arena_release(&item->arena);
  *item = (struct kt_batch_item){ .query = item->query };
  kt_arena_init(&item->arena, KT_ARENA_CAP_DEFAULT);
}

void kt_batch_free(struct kt_batch *batch)
{
  if (batch != NULL) {
    for (size_t i = 0; i < batch->n; i++) {
      clear(&batch->items[i]);
    }
    free(batch->items);
    free(batch);
  }
}

/* --- asking ------------------------------------------------------------------------------------------------------------- */

/* What is retained, all as of one generation. */
static enum kt_err load(struct kt_batch *batch, uint64_t *ret_generation)
{
  struct kt_session *session = batch->session;
  enum kt_err err = kt_state_begin_read(&session->state, ret_generation);
  if (err != KT_OK) {
    return err;
  }
  err = kt_session_load_log(session);
  for (size_t i = 0; i < batch->n && err == KT_OK; i++) {
    struct kt_query *query = &batch->items[i].query;
    err = query->load != NULL ? query->load(query->ctx, session) : KT_OK;
  }
  kt_state_rollback(&session->state);
  batch->before = session->pinned->log;
  return err;
}

/* In the arena: the request as text, whose end is the body. */
static enum kt_err write_request(struct kt_session *session, struct kt_batch_item *item, struct kt_bytes *ret_body)
{
  struct kt_writer w;
  kt_writer_init(&w, KT_SESSION_REQUEST_MAX);
  item->query.request(item->query.ctx, &session->pinned->log, &w);
  enum kt_err err = w.err;
  if (err == KT_OK) {
    item->request = kt_session_request_text(session, item->query.path, (struct kt_bytes){ w.buf, w.len });
    err = item->request.data != NULL ? KT_OK : KT_ERR_MEMORY;
  }
  if (err == KT_OK) {
    *ret_body = (struct kt_bytes){ item->request.data + item->request.len - w.len, w.len };
  }
  kt_writer_release(&w);
  return err;
}

static enum kt_err exchange(struct kt_batch *batch)
{
  struct kt_session *session = batch->session;
  struct kt_post *posts = kt_arena_alloc(&session->arena, batch->n, sizeof *posts);
  enum kt_err err = posts != NULL ? KT_OK : KT_ERR_MEMORY;
  size_t n = 0;
  for (size_t i = 0; i < batch->n && err == KT_OK; i++) {
    struct kt_batch_item *item = &batch->items[i];
    if (item->outcome == KT_BATCH_OPEN) {
      posts[n].path = item->query.path;
      err = write_request(session, item, &posts[n++].body);
    }
  }
  if (err != KT_OK) {
    return err;
  }
  kt_transport_post_all(session->transport, posts, n, UNDER_WAY_MAX);
  n = 0;
  for (size_t i = 0; i < batch->n; i++) {
    struct kt_batch_item *item = &batch->items[i];
    if (item->outcome == KT_BATCH_OPEN) {
      item->reply = posts[n++].reply;
      item->received_ms = kt_now_ms();
    }
  }
  return KT_OK;
}

/* --- verifying ---------------------------------------------------------------------------------------------------------- */

static void verify_one(void *ctx, size_t i)
{
  struct kt_batch *batch = ctx;
  struct kt_batch_item *item = &batch->items[i];
  if (item->outcome != KT_BATCH_OPEN || item->reply.kind != KT_REPLY_OK) {
    return;
  }
  kt_query_verify(batch->session, &item->query, kt_reply_body(&item->reply), item->received_ms, &item->arena,
                  &item->log);
  bool verified = item->query.err == KT_OK || item->query.err == KT_ERR_ABSENT;
  item->outcome = verified ? KT_BATCH_VERIFIED : KT_BATCH_REFUTED;
  item->against = batch->before;
}

static void find_largest(struct kt_batch *batch)
{
  batch->largest = NULL;
  for (size_t i = 0; i < batch->n; i++) {
    const struct kt_batch_item *item = &batch->items[i];
    if (item->outcome == KT_BATCH_VERIFIED &&
        (batch->largest == NULL || item->log.tree.size > batch->largest->log.tree.size)) {
      batch->largest = item;
    }
  }
}

/* An answer before this one showed the same head, and that was compared. */
static bool was_compared(const struct kt_batch *batch, size_t i)
{
  const struct kt_log_state *log = &batch->items[i].log;
  for (size_t k = 0; k < i; k++) {
    const struct kt_batch_item *item = &batch->items[k];
    if (item->outcome == KT_BATCH_VERIFIED && item->log.tree.size == log->tree.size &&
        kt_hash_equal(&item->log.root, &log->root)) {
      return true;
    }
  }
  return false;
}

/* False: the two heads contradict each other. */
static bool compare_head(struct kt_batch *batch, struct kt_batch_item *item)
{
  struct kt_session *session = batch->session;
  const struct kt_batch_item *largest = batch->largest;
  const struct kt_seen_head head = kt_session_head_of(session, &item->log, item->received_ms);
  const struct kt_seen_head other = kt_session_head_of(session, &largest->log, largest->received_ms);
  switch (kt_session_relate_heads(session, &head, &other, &batch->consistency)) {
  case KT_HEADS_ONE_LOG: break;
  case KT_HEADS_FORKED: batch->forked = item; return false;
  case KT_HEADS_UNKNOWN: item->outcome = KT_BATCH_OPEN; break;
  }
  return true;
}

/* Each head extends what was retained. Do they extend each other? */
static bool compare_heads(struct kt_batch *batch)
{
  for (size_t i = 0; i < batch->n; i++) {
    struct kt_batch_item *item = &batch->items[i];
    bool settled = item->outcome != KT_BATCH_VERIFIED || item == batch->largest ||
                   item->log.tree.size == batch->before.tree.size || /* the retained head, which the largest extends */
                   was_compared(batch, i);
    if (!settled && !compare_head(batch, item)) {
      return false;
    }
  }
  return true;
}

/* Which of two contradicting heads is the log's real history nobody can tell. */
static void believe_nothing(struct kt_batch *batch)
{
  for (size_t i = 0; i < batch->n; i++) {
    struct kt_batch_item *item = &batch->items[i];
    item->outcome = item->outcome == KT_BATCH_VERIFIED ? KT_BATCH_FORKED : item->outcome;
  }
}

/* --- keeping ------------------------------------------------------------------------------------------------------------ */

static enum kt_err commit_items(struct kt_batch *batch)
{
  struct kt_session *session = batch->session;
  enum kt_err err = kt_session_commit_head(session, &batch->largest->log, batch->largest->received_ms);
  for (size_t i = 0; i < batch->n && err == KT_OK; i++) {
    struct kt_batch_item *item = &batch->items[i];
    if (item->outcome != KT_BATCH_VERIFIED) {
      continue;
    }
    if (item->log.tree.size > batch->before.tree.size) {
      const struct kt_seen_head head = kt_session_head_of(session, &item->log, item->received_ms);
      err = kt_state_add_head(&session->state, &head);
    }
    if (err == KT_OK && item->query.commit != NULL) {
      err = item->query.commit(item->query.ctx, session);
    }
  }
  return err;
}

static enum kt_err commit(struct kt_batch *batch, uint64_t generation)
{
  struct kt_session *session = batch->session;
  if (batch->largest == NULL) {
    return KT_OK;
  }
  enum kt_err err = kt_state_begin_write(&session->state, generation);
  if (err != KT_OK) {
    return err;
  }
  err = commit_items(batch);
  if (err != KT_OK) {
    kt_state_rollback(&session->state);
    return err;
  }
  err = kt_state_commit(&session->state);
  if (err == KT_OK) {
    session->pinned->log = batch->largest->log;
    session->pinned->seen_ms = batch->largest->received_ms;
  }
  return err;
}

/* What was kept by nobody is asked again. What did not verify, or is of another log, stays what it is: a log that lied
 * once has lied. */
static void reopen(struct kt_batch *batch)
{
  for (size_t i = 0; i < batch->n; i++) {
    struct kt_batch_item *item = &batch->items[i];
    if (item->outcome == KT_BATCH_OPEN || item->outcome == KT_BATCH_VERIFIED) {
      clear(item);
    }
  }
}

void kt_batch_ask(struct kt_batch *batch)
{
  enum kt_err err = KT_ERR_CONFLICT;
  for (int i = 0; i < KT_SESSION_CONFLICTS_MAX && err == KT_ERR_CONFLICT; i++) {
    uint64_t generation = 0;
    reopen(batch);
    err = load(batch, &generation);
    if (err == KT_OK) {
      err = exchange(batch);
    }
    if (err == KT_OK) {
      kt_parallel_for(kt_threads_default(), batch->n, verify_one, batch);
      find_largest(batch);
      if (!compare_heads(batch)) {
        believe_nothing(batch);
        return;
      }
      err = commit(batch, generation);
    }
  }
  for (size_t i = 0; i < batch->n && err != KT_OK; i++) { /* asked alone, they say what is wrong */
    struct kt_batch_item *item = &batch->items[i];
    item->outcome = item->outcome == KT_BATCH_VERIFIED ? KT_BATCH_OPEN : item->outcome;
  }
}

/* --- saying it ---------------------------------------------------------------------------------------------------------- */

/* In full once; what it means for each of the others. */
static enum kt_exit report_fork(struct kt_batch *batch, const struct kt_batch_item *item)
{
  struct kt_session *session = batch->session;
  const struct kt_seen_head ours = kt_session_head_of(session, &batch->largest->log, batch->largest->received_ms);
  const struct kt_seen_head theirs = kt_session_head_of(session, &batch->forked->log, batch->forked->received_ms);
  if (batch->fork_told) {
    return kt_output_fail(session->out, KT_EXIT_FAILED, "fork",
                          "%s: the log showed two histories while it was asked; nothing it said meanwhile is believed",
                          item->query.what);
  }
  batch->fork_told = true;
  return kt_session_report_fork(session, &ours, &theirs, batch->consistency);
}

enum kt_exit kt_batch_report(struct kt_batch *batch, size_t i)
{
  struct kt_session *session = batch->session;
  const struct kt_batch_item *item = &batch->items[i];
  if (item->outcome == KT_BATCH_FORKED) {
    return report_fork(batch, item);
  }
  /* What a refuted answer is compared with, and what is kept beside it, is the state it was an answer to. */
  const struct kt_log_state now = session->pinned->log;
  session->pinned->log = item->against;
  enum kt_exit code = kt_query_report(session, &item->query, item->request, kt_reply_body(&item->reply));
  session->pinned->log = now;
  return code;
}
