/* SPDX-License-Identifier: Apache-2.0 */
/* The signed head: guard, signature, publication (design: Head guard). */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "log/engine.h"
#include "log/published.h"
#include "wire/tree_head.h"

void kt_log_publish(struct kt_log *log, const struct kt_log_head *head)
{
  struct kt_log_snapshot *snapshot = &log->snapshot;
  uint64_t words[KT_LOG_HEAD_WORDS] = { 0 };
  struct kt_log_head published = *head;
  published.auditor = log->auditor;
  memcpy(words, &published, sizeof published);
  uint64_t sequence = atomic_load(&snapshot->sequence);
  atomic_store(&snapshot->sequence, sequence + 1);
  for (size_t i = 0; i < KT_LOG_HEAD_WORDS; i++) {
    atomic_store(&snapshot->words[i], words[i]);
  }
  atomic_store(&snapshot->sequence, sequence + 2);
}

void kt_log_head(const struct kt_log *log, struct kt_log_head *ret_head)
{
  const struct kt_log_snapshot *snapshot = &log->snapshot;
  uint64_t words[KT_LOG_HEAD_WORDS];
  uint64_t before;
  uint64_t after;
  do {
    before = atomic_load(&snapshot->sequence);
    for (size_t i = 0; i < KT_LOG_HEAD_WORDS; i++) {
      words[i] = atomic_load(&snapshot->words[i]);
    }
    after = atomic_load(&snapshot->sequence);
  } while (before != after || (before & 1) != 0);
  memcpy(ret_head, words, sizeof *ret_head);
}

enum kt_err kt_log_put_published(struct kt_log *log)
{
  struct kt_log_head head;
  kt_log_head(log, &head);
  log->put_size = 0;
  if (head.size == 0) {
    return KT_OK;
  }
  enum kt_err err = log->is_config_stored ? KT_OK : kt_log_config_put(log->writer, log->options.config, NULL);
  if (err == KT_OK) {
    err = kt_log_head_put(log->writer, log->options.config, &head);
  }
  log->put_size = err == KT_OK ? head.size : 0;
  return err;
}

void kt_log_published_stored(struct kt_log *log)
{
  if (log->put_size > 0) {
    log->stored_size = log->put_size;
    log->is_config_stored = true;
  }
  log->put_size = 0;
}

void kt_log_fail(struct kt_log *log, const struct kt_log_problem *problem)
{
  atomic_store(&log->is_fatal, true);
  if (log->options.fatal != NULL) {
    log->options.fatal(log->options.ctx, problem);
  }
}

/* --- signing ------------------------------------------------------------------------------------------------------ */

/* What the signer is shown. New entries are read back from the store: what memory says about them is not what gets
 * signed. The subtrees before them need not be, because the signer's guard says what they lead to. */
struct step {
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_log_added added[KT_LOG_ADDED_MAX];
  struct kt_log_extension extension;
};

static enum kt_err read_step(const struct kt_log *log, struct step *step)
{
  uint64_t size = log->guarded.size;
  uint64_t left = log->tip.size - size;
  size_t n = left < KT_LOG_ADDED_MAX ? (size_t)left : KT_LOG_ADDED_MAX;
  enum kt_err err = KT_OK;
  if (log->signed_tip.size == size) {
    memcpy(step->heads, log->signed_tip.heads, sizeof step->heads);
  } else {
    err = kt_log_heads_at(log->writer, size, step->heads);
  }
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    struct kt_store_entry entry;
    err = kt_store_get_entry(log->writer, size + i, &entry);
    step->added[i] = (struct kt_log_added){ .timestamp_ms = entry.timestamp_ms, .prefix_root = entry.prefix_root };
  }
  step->extension = (struct kt_log_extension){
    .size = size, .timestamp_ms = log->guarded.timestamp_ms, .heads = step->heads, .added = step->added, .n_added = n
  };
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

/* S12: sign only what extends the guard, and only the head that the log has in memory too: where the two differ, one
 * was damaged, and either could be a fork. */
static enum kt_err check_step(const struct kt_log *log, const struct step *step, struct kt_log_guard *ret_to,
                              struct kt_log_problem *problem)
{
  struct kt_log_guard from = log->guarded;
  struct kt_hash root;
  kt_log_root(log->tip.size, log->tip.heads, &root);
  enum kt_err err = kt_log_extend(&from, &step->extension, ret_to);
  bool is_last = err == KT_OK && ret_to->size == log->tip.size;
  if (err != KT_OK || (is_last && !kt_hash_equal(&root, &ret_to->root))) {
    return kt_log_refuse(problem, KT_ERR_CONFLICT, "recheck",
                         "the stored entries do not lead from the head that was signed last to the one that is to be "
                         "signed: the data is damaged");
  }
  return KT_OK;
}

/* What else there is to do while the signer waits for its disk, now that the data is durable. */
static void use_waiting_time(struct kt_log *log, const struct kt_log_guard *to, const struct kt_log_pending *waiting)
{
  const struct kt_log_head head = {
    .size = to->size, .timestamp_ms = to->timestamp_ms, .root = to->root, .auditor = log->auditor
  };
  kt_log_fresh_publish(log); /* before the head */
  if (waiting != NULL && to->size == log->tip.size) {
    kt_log_update_draft(log->drafter, &head, waiting);
  }
}

static enum kt_err sign_step(struct kt_log *log, const struct kt_log_pending *waiting, struct step *step,
                             uint8_t *ret_signature, struct kt_log_problem *problem)
{
  const struct kt_log_options *options = &log->options;
  struct kt_log_guard to;
  enum kt_err err = read_step(log, step);
  if (err != KT_OK) {
    return kt_log_store_problem(problem, err, log->writer);
  }
  err = check_step(log, step, &to, problem);
  if (err != KT_OK) {
    return err;
  }
  if (options->sign_begin != NULL) {
    options->sign_begin(options->ctx, &step->extension);
  }
  use_waiting_time(log, &to, waiting);
  err = options->sign(options->ctx, &step->extension, ret_signature);
  if (err == KT_ERR_UNDETERMINED) {
    return kt_log_retry(problem, KT_ERR_STORE, "guard-full", "there is no room for the head guard");
  }
  if (err != KT_OK) {
    return kt_log_refuse(problem, err, "guard", "the head cannot be guarded and signed: %s", kt_err_text(err));
  }
  log->guarded = to;
  if (to.size == log->tip.size) { /* check_step compared the roots */
    log->signed_tip.size = to.size;
    memcpy(log->signed_tip.heads, log->tip.heads, sizeof log->tip.heads);
  }
  return KT_OK;
}

/* What every client would refuse is not published. */
static enum kt_err check_signature(const struct kt_log *log, const struct kt_log_head *head,
                                   struct kt_log_problem *problem)
{
  const struct kt_config *config = log->options.config;
  const struct kt_tree_head signed_head = { .tree_size = head->size,
                                            .signature = { head->signature, config->suite->signature_len } };
  const enum kt_err err = kt_tree_head_verify(config, &signed_head, &head->root);
  if (err == KT_ERR_MEMORY || err == KT_ERR_CRYPTO) { /* libcrypto needs memory, too */
    return kt_log_retry(problem, err, "memory",
                        "the new head's signature cannot be checked, perhaps for want of memory");
  }
  return err == KT_OK
             ? KT_OK
             : kt_log_refuse(problem, KT_ERR_UNSUPPORTED, "key", "the signature is not by the configuration's key");
}

enum kt_err kt_log_sign_tip(struct kt_log *log, const struct kt_log_pending *waiting, struct kt_log_problem *problem)
{
  struct kt_log_head head = { .size = log->tip.size, .timestamp_ms = log->tip.timestamp_ms };
  if (head.size < log->guarded.size || head.timestamp_ms < log->guarded.timestamp_ms) {
    return kt_log_refuse(problem, KT_ERR_CONFLICT, "guard", "the log would go back behind a head that was signed");
  }
  struct step *step = malloc(sizeof *step);
  if (step == NULL) {
    return kt_log_retry(problem, KT_ERR_MEMORY, "memory", "out of memory");
  }
  enum kt_err err = KT_OK;
  do {
    err = sign_step(log, waiting, step, head.signature, problem);
  } while (err == KT_OK && log->guarded.size < head.size);
  free(step);
  kt_log_fresh_publish(log); /* it is durable, signed or not */
  if (err == KT_OK) {
    head.root = log->guarded.root;
    err = check_signature(log, &head, problem);
  }
  if (err == KT_OK) {
    kt_log_publish(log, &head);
  }
  return err;
}

enum kt_err kt_log_sign_durable(struct kt_log *log, const struct kt_log_pending *waiting,
                                struct kt_log_problem *problem)
{
  enum kt_err err = kt_log_sign_tip(log, waiting, problem);
  atomic_store(&log->is_unsigned, err != KT_OK);
  if (err != KT_OK && !problem->retry) {
    kt_log_fail(log, problem);
  }
  return err;
}
