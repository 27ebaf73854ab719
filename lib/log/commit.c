/* SPDX-License-Identifier: Apache-2.0 */
/* One durable transaction of the sequencer: data durable, guard durable, sign, publish, call back; in this order. */
#include <stdlib.h>
#include <string.h>

#include "log/auditor.h"

struct commit {
  struct kt_log *log;
  struct kt_log_tip tip; /* becomes the log's when the transaction is durable */
  struct kt_log_entry_draft draft;
  struct kt_log_auditor_head auditor;
  uint64_t now_ms;
  uint64_t n_inserted;
  bool has_erased;
  bool is_clock_right;
};

static enum kt_err close_entry(struct commit *commit)
{
  return commit->draft.n == 0 ? KT_OK : kt_log_entry_put(commit->log, &commit->draft, commit->now_ms, &commit->tip);
}

static void answer(struct kt_log_pending *pending, enum kt_err err, const char *code, const char *text)
{
  pending->outcome.err = kt_log_refuse(&pending->outcome.problem, err, code, "%s", text);
}

/* --- updates ------------------------------------------------------------------------------------------------------ */

/* False: the token cannot be used, and the waiter knows. */
static enum kt_err use_token(struct kt_store_conn *writer, struct kt_log_pending *pending, bool *ret_ok)
{
  *ret_ok = true;
  if (!pending->uses_token) {
    return KT_OK;
  }
  enum kt_err err = kt_store_use_token(writer, &pending->token_hash);
  if (err == KT_ERR_ABSENT || err == KT_ERR_CONFLICT) {
    pending->outcome.err = kt_log_refuse_token(&pending->outcome.problem, err);
    *ret_ok = false;
    return KT_OK;
  }
  return err;
}

static enum kt_err make_room(struct commit *commit, const struct kt_log_pending *pending)
{
  return commit->draft.n + pending->n_new > KT_LOG_LEAVES_MAX ? close_entry(commit) : KT_OK;
}

/* The versions' rows are written with the entry, which decides their leaves' places. */
static enum kt_err put_versions(struct commit *commit, const struct kt_log_pending *pending, uint64_t label_id)
{
  for (size_t i = 0; i < pending->n_new; i++) {
    commit->draft.items[commit->draft.n++] =
        (struct kt_log_draft_item){ .leaf = pending->versions[i].leaf,
                                    .new_version = &pending->versions[i],
                                    .label_id = label_id,
                                    .version = (uint32_t)(pending->n_versions + i) };
  }
  for (size_t i = 0; i < pending->n_proofs; i++) {
    struct kt_store_new_proof *new_proof = &pending->proofs[i];
    new_proof->label_id = label_id;
    /* otherwise its leaf has it */
    new_proof->proof.has_output = new_proof->version >= pending->n_versions + pending->n_new;
  }
  return kt_store_put_proofs(commit->log->writer, pending->proofs, pending->n_proofs);
}

/* What the new versions leave behind, for when that can be pruned. */
static enum kt_err put_superseded(struct commit *commit, const struct kt_log_pending *pending, uint64_t label_id)
{
  enum kt_err err = KT_OK;
  if (!commit->log->options.config->has_maximum_lifetime) {
    return KT_OK;
  }
  for (size_t i = 0; err == KT_OK && i < pending->n_new; i++) {
    uint64_t version = pending->n_versions + i;
    if (version > 0) {
      err = kt_store_put_superseded(commit->log->writer, commit->tip.size, label_id, (uint32_t)(version - 1));
    }
  }
  return err;
}

/* The label in the transaction so far; one that does not exist has id 0 and no versions. */
static enum kt_err current_label(struct kt_store_conn *writer, struct kt_log_pending *pending,
                                 struct kt_store_label *ret_label)
{
  *ret_label = (struct kt_store_label){ .label = pending->label };
  enum kt_err err = kt_store_get_label(writer, pending->label, &pending->arena, ret_label);
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

/* The same for an update that takes the label for a new one, as nearly all of an import do: when it exists after all,
 * it cannot be created. A token is used up before that shows, so then it is looked for. */
static enum kt_err find_label(const struct commit *commit, struct kt_log_pending *pending,
                              struct kt_store_label *ret_label)
{
  if (pending->n_versions > 0 || pending->uses_token) {
    return current_label(commit->log->writer, pending, ret_label);
  }
  *ret_label = (struct kt_store_label){ .label = pending->label };
  return KT_OK;
}

/* The label's row as the update leaves it. KT_ERR_CONFLICT: it was taken for a new one and is not. */
static enum kt_err put_label(struct commit *commit, const struct kt_log_pending *pending, struct kt_store_label *label)
{
  label->n_versions += pending->n_new;
  label->newest_pos = commit->tip.size;
  label->state = pending->state;
  return label->label_id == 0 ? kt_store_create_label(commit->log->writer, label, &label->label_id)
                              : kt_store_update_label(commit->log->writer, label);
}

static enum kt_err apply_update(struct commit *commit, struct kt_log_pending *pending)
{
  struct kt_store_conn *writer = commit->log->writer;
  struct kt_store_label label;
  bool ok;
  enum kt_err err = find_label(commit, pending, &label);
  if (err != KT_OK) {
    return err;
  }
  /* S8: the version it builds on is no longer the greatest. The authorisation was judged for exactly that version, so
   * nothing else has to be judged again. */
  if (label.n_versions != pending->n_versions || pending->n_new == 0) {
    return KT_OK;
  }
  /* What its VRF output was looked for in may be older than an erasure: version 0 might be there already. */
  if (label.label_id == 0 && (commit->has_erased || pending->n_erasures != atomic_load(&commit->log->n_erasures))) {
    return KT_OK;
  }
  if (!commit->is_clock_right) {
    pending->outcome.err = kt_log_refuse_clock(commit->log, &pending->outcome.problem);
    return KT_OK;
  }
  err = use_token(writer, pending, &ok);
  if (err != KT_OK || !ok) {
    return err;
  }
  err = make_room(commit, pending);
  if (err != KT_OK) {
    return err;
  }
  err = put_label(commit, pending, &label);
  if (err != KT_OK) {
    return err == KT_ERR_CONFLICT ? KT_OK : err; /* S8, as above */
  }
  err = put_versions(commit, pending, label.label_id);
  if (err == KT_OK) {
    err = put_superseded(commit, pending, label.label_id);
  }
  if (err == KT_OK) {
    commit->n_inserted += pending->n_new;
    pending->outcome.inserted = true;
    pending->outcome.position = commit->tip.size;
    pending->outcome.label_id = label.label_id;
    pending->outcome.first_version = (uint32_t)(pending->n_versions + pending->n_skipped);
  }
  return err;
}

/* --- administration ----------------------------------------------------------------------------------------------- */

static enum kt_err apply_token(const struct commit *commit, struct kt_log_pending *pending)
{
  enum kt_err err = kt_store_add_token(commit->log->writer, &pending->token_hash);
  if (err == KT_ERR_CONFLICT) {
    answer(pending, err, "token-exists", "this token was added before");
    return KT_OK;
  }
  return err;
}

static enum kt_err apply_erase(struct commit *commit, struct kt_log_pending *pending)
{
  struct kt_store_conn *writer = commit->log->writer;
  struct kt_store_label label;
  enum kt_err err = close_entry(commit); /* what is to be erased may wait in it */
  if (err == KT_OK) {
    err = current_label(writer, pending, &label);
  }
  if (err != KT_OK) {
    return err;
  }
  uint64_t n = label.n_versions;
  bool all = pending->n_versions == KT_LOG_ERASE_ALL;
  bool was_erased = false;
  if (n == 0) {
    err = kt_log_find_erased(commit->log, &commit->tip, pending->label, &was_erased);
  }
  if (err != KT_OK || was_erased) {
    return err;
  }
  if (n == 0 || (!all && pending->n_versions >= n)) {
    answer(pending, KT_ERR_ABSENT, "unknown-version", "there is no such label or version");
    return KT_OK;
  }
  /* "The newest version of a live label is erased only with the whole label." */
  if (!all && pending->n_versions == n - 1) {
    answer(pending, KT_ERR_USAGE, "newest-version", "the newest version is erased only with the whole label");
    return KT_OK;
  }
  commit->has_erased = true;
  pending->outcome.erased.n_versions = all ? n : 1;
  if (all) { /* before the commit: a look-up that finds no row must look for a leaf */
    atomic_store(&commit->log->has_erased_labels, true);
  }
  return all ? kt_store_erase_label(writer, label.label_id)
             : kt_log_erase_version(writer, label.label_id, (uint32_t)pending->n_versions);
}

/* The newest one stays. It was checked against entries that are durable. */
static enum kt_err apply_auditor(struct commit *commit, const struct kt_log_pending *pending)
{
  if (pending->auditor.size <= commit->auditor.size) {
    return KT_OK;
  }
  commit->auditor = pending->auditor;
  return kt_log_auditor_put(commit->log, &commit->auditor);
}

/* --- the transaction ---------------------------------------------------------------------------------------------- */

static enum kt_err apply(struct commit *commit, struct kt_log_pending *pending)
{
  switch (pending->work) {
  case KT_LOG_WORK_UPDATE: return apply_update(commit, pending);
  case KT_LOG_WORK_TOKEN: return apply_token(commit, pending);
  case KT_LOG_WORK_ERASE: return apply_erase(commit, pending);
  case KT_LOG_WORK_AUDITOR: return apply_auditor(commit, pending);
  }
  return KT_ERR_USAGE;
}

static enum kt_err fill_transaction(struct commit *commit, struct kt_log_pending *list)
{
  enum kt_err err = kt_store_drain_proofs(commit->log->writer);
  if (err == KT_OK && list == NULL && commit->is_clock_right) { /* heartbeat */
    err = kt_log_entry_pad(&commit->log->options, &commit->draft);
  }
  for (struct kt_log_pending *pending = list; err == KT_OK && pending != NULL; pending = pending->next) {
    err = apply(commit, pending);
  }
  if (err == KT_OK) {
    err = close_entry(commit);
  }
  return err == KT_OK ? kt_log_put_published(commit->log) : err;
}

/* A failure after which nothing may be signed, unless it passes by itself. */
static enum kt_err judge_failure(struct kt_log *log, enum kt_err err, struct kt_log_problem *problem)
{
  err = kt_log_store_problem(problem, err, log->writer);
  if (!problem->retry) {
    kt_log_fail(log, problem);
  }
  return err;
}

/* Begin and fill. On failure nothing happened. Of a tree that is not the one that was signed nobody knows how much is
 * wrong, and the cache may be what is: that ends the signing. */
static enum kt_err run_transaction(struct commit *commit, struct kt_log_pending *list, struct kt_log_problem *problem)
{
  struct kt_log *log = commit->log;
  enum kt_err err = kt_store_begin(log->writer);
  if (err != KT_OK) {
    return judge_failure(log, err, problem);
  }
  err = fill_transaction(commit, list);
  if (err == KT_OK) {
    return KT_OK;
  }
  if (err == KT_ERR_PROOF) {
    (void)kt_log_refuse_tree(problem, log->damaged_ref);
    kt_log_fail(log, problem);
    err = KT_ERR_STORE; /* whoever waits proved nothing */
  } else {
    err = kt_log_store_problem(problem, err, log->writer);
  }
  kt_store_rollback(log->writer);
  kt_log_fresh_drop(log);
  return err;
}

/* The head that is there, with the auditor's new one. */
static void republish(struct kt_log *log)
{
  struct kt_log_head head;
  kt_log_head(log, &head);
  kt_log_publish(log, &head);
}

/* What is kept of labels that were known before and have changed. */
static void forget_changed(struct kt_log *log, const struct kt_log_pending *list)
{
  for (const struct kt_log_pending *pending = list; pending != NULL; pending = pending->next) {
    bool was_known = pending->work == KT_LOG_WORK_UPDATE && pending->n_versions > 0;
    if (was_known || pending->work == KT_LOG_WORK_ERASE) {
      kt_label_cache_forget(&log->labels, pending->label);
    }
  }
}

/* What is durable is the log's now; is it signed? */
static enum kt_err publish_commit(const struct commit *commit, const struct kt_log_pending *list,
                                  struct kt_log_problem *problem)
{
  struct kt_log *log = commit->log;
  bool vouched = commit->auditor.size > log->auditor.size;
  log->auditor = commit->auditor;
  if (commit->tip.size == log->tip.size) { /* no entry: tokens, erasure, or only updates that came too late */
    if (vouched) {
      republish(log);
    }
    return KT_OK;
  }
  log->tip = commit->tip;
  /* Several threads make their own responses sooner than this one makes them all, and nobody is to wait for
   * another's. */
  const bool is_alone = list != NULL && list->next == NULL && !kt_log_updating_is_busy(log);
  return kt_log_sign_durable(log, is_alone ? list : NULL, problem);
}

/* "it is unknown what the disk holds": whatever is signed now could be a fork. Only a full disk is known to hold nothing
 * of it; a want of memory, which passes elsewhere, does not pass here. */
enum kt_err kt_log_commit_failed(struct kt_log *log, enum kt_err err, struct kt_log_problem *problem)
{
  err = kt_log_store_problem(problem, err, log->writer);
  problem->retry = kt_store_is_full(log->writer);
  if (!problem->retry) {
    kt_log_fail(log, problem);
  }
  return err;
}

/* Commit and publish. KT_OK: the outcomes stand. */
static enum kt_err make_durable(struct commit *commit, const struct kt_log_pending *list,
                                struct kt_log_problem *problem)
{
  struct kt_log *log = commit->log;
  enum kt_err err = kt_store_commit(log->writer);
  if (err != KT_OK) {
    kt_log_fresh_drop(log);
    return kt_log_commit_failed(log, err, problem);
  }
  kt_log_published_stored(log);
  forget_changed(log, list);
  atomic_fetch_add(&log->n_commits, 1);
  atomic_fetch_add(&log->n_inserted, commit->n_inserted);
  err = publish_commit(commit, list, problem);
  if (commit->has_erased) { /* durable, signed or not */
    atomic_fetch_add(&log->n_erasures, 1);
    atomic_store(&log->is_wash_due, true);
  }
  return err;
}

enum kt_err kt_log_maintain(struct kt_log *log, bool is_idle, struct kt_log_problem *problem)
{
  enum kt_err err = kt_store_maintain(log->writer, is_idle);
  return err == KT_OK ? KT_OK : judge_failure(log, err, problem);
}

/* Housekeeping, when everybody has their answer. A full disk is the next commit's to tell. */
static void maintain(struct kt_log *log)
{
  struct kt_log_problem problem;
  if (kt_log_maintain(log, false, &problem) == KT_OK) {
    kt_log_prune(log);
  }
}

/* What was erased is out of every answer now; get its bytes out of the files before anybody is told that it is. */
static void finish_erasures(struct kt_log *log, struct kt_log_pending *list)
{
  for (struct kt_log_pending *pending = list; pending != NULL; pending = pending->next) {
    if (pending->work == KT_LOG_WORK_ERASE) {
      kt_log_wash(log);
      pending->outcome.erased.is_clean = !kt_store_wash_is_due(log->writer);
    }
  }
}

/* Those who ask get 503 each; who runs the log is told once, and once when it is over. */
static void tell_full(struct kt_log *log, enum kt_err err, const struct kt_log_problem *problem)
{
  bool is_full = err == KT_OK ? false : log->is_full || strcmp(problem->code, KT_LOG_STORE_FULL) == 0;
  if (is_full != log->is_full && log->options.full != NULL) {
    log->options.full(log->options.ctx, is_full ? problem->text : NULL);
  }
  log->is_full = is_full;
}

void kt_log_commit(struct kt_log *log, struct kt_log_pending *list)
{
  struct kt_log_problem problem = { 0 };
  struct commit *commit = calloc(1, sizeof *commit);
  if (commit == NULL) {
    kt_log_pending_fail(list, kt_log_refuse(&problem, KT_ERR_MEMORY, "memory", "out of memory"), &problem);
    kt_log_pending_finish(list);
    return;
  }
  commit->log = log;
  commit->tip = log->tip;
  commit->auditor = log->auditor;
  commit->is_clock_right = kt_log_look_at_clock(log, &commit->now_ms);
  enum kt_err err = run_transaction(commit, list, &problem);
  if (err == KT_OK) {
    err = make_durable(commit, list, &problem);
  }
  if (err != KT_OK) {
    kt_log_pending_fail(list, err, &problem);
  } else if (list == NULL) {
    atomic_fetch_add(&log->n_heartbeats, 1);
  } else {
    finish_erasures(log, list);
  }
  free(commit);
  tell_full(log, err, &problem);
  kt_log_pending_finish(list);
  if (err == KT_OK) {
    maintain(log);
  }
}
