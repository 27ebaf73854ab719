/* SPDX-License-Identifier: Apache-2.0 */
/* The signed head: guard, signature, publication (design: Head guard). */
#include <stdio.h>
#include <string.h>

#include "log/engine.h"
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

void kt_log_fail(struct kt_log *log, const struct kt_log_problem *problem)
{
  atomic_store(&log->is_fatal, true);
  if (log->options.fatal != NULL) {
    log->options.fatal(log->options.ctx, problem->text);
  }
}

enum kt_err kt_log_sign_tip(struct kt_log *log, struct kt_log_problem *problem)
{
  const struct kt_log_options *options = &log->options;
  struct kt_log_head head = { .size = log->tip.size, .timestamp_ms = log->tip.timestamp_ms };
  kt_log_root(log->tip.size, log->tip.heads, &head.root);
  /* S12: sign only what extends the guard. That it extends it by content was checked at opening, and from then on
   * entries are only appended. */
  if (head.size < log->guarded.size || head.timestamp_ms < log->guarded.timestamp_ms) {
    return kt_log_refuse(problem, KT_ERR_CONFLICT, "guard", "the log would go back behind a head that was signed");
  }
  const struct kt_log_guard guard = { .size = head.size, .timestamp_ms = head.timestamp_ms, .root = head.root };
  enum kt_err err = options->guard_save(options->ctx, &guard);
  if (err == KT_ERR_UNDETERMINED) {
    return kt_log_retry(problem, KT_ERR_STORE, "guard-full", "there is no room for the head guard");
  }
  if (err != KT_OK) {
    return kt_log_refuse(problem, err, "guard", "the head guard cannot be written: %s", kt_err_text(err));
  }
  log->guarded = guard;
  err = kt_tree_head_sign(options->config, options->sign_seed, head.size, &head.root, head.signature);
  if (err != KT_OK) {
    return kt_log_refuse(problem, err, "sign", "the head cannot be signed: %s", kt_err_text(err));
  }
  kt_log_publish(log, &head);
  return KT_OK;
}

enum kt_err kt_log_sign_durable(struct kt_log *log, struct kt_log_problem *problem)
{
  enum kt_err err = kt_log_sign_tip(log, problem);
  atomic_store(&log->is_unsigned, err != KT_OK);
  if (err != KT_OK && !problem->retry) {
    kt_log_fail(log, problem);
  }
  return err;
}
