/* SPDX-License-Identifier: Apache-2.0 */
/* log head | distinguished | check FILE (draft: Detecting Forks): heads to exchange with others over a channel the log
 * cannot partition, and the comparison with theirs. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "evidence_store.h"
#include "heads.h"
#include "verbs.h"

#define EXCHANGE_FILE_MAX ((size_t)1 << 20)

/* --- head, distinguished ------------------------------------------------------------------------------------------------ */

static enum kt_exit print_list(struct kt_session *session, const struct kt_distinguished_result *result)
{
  struct kt_heads_file *file = kt_arena_alloc(&session->arena, 1, sizeof *file);
  if (file == NULL) {
    return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  kt_heads_collect(session, result, file);
  session->out->verified = true;
  kt_heads_file_print(file, session->out);
  return KT_EXIT_OK;
}

static enum kt_exit print_heads(const struct kt_cli *cli, struct kt_output *out, bool distinguished)
{
  struct kt_session session;
  const struct kt_distinguished_result *result = NULL;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_heads_refresh(&session, &result);
  }
  if (code == KT_EXIT_OK) {
    code = print_list(&session, distinguished ? result : NULL);
  }
  kt_session_close(&session);
  return code;
}

enum kt_exit kt_verb_log_head(const struct kt_cli *cli, struct kt_output *out)
{
  return print_heads(cli, out, false);
}

enum kt_exit kt_verb_log_distinguished(const struct kt_cli *cli, struct kt_output *out)
{
  return print_heads(cli, out, true);
}

/* --- check -------------------------------------------------------------------------------------------------------------- */

struct head_check {
  struct kt_session *session;
  const struct kt_distinguished_result *ours;
  struct kt_heads_file *theirs; /* in the arena */
  size_t n_common;
  uint64_t greatest_common;
};

static enum kt_exit read_theirs(struct head_check *check, const char *path)
{
  struct kt_session *session = check->session;
  struct kt_bytes content;
  enum kt_err err = kt_evidence_read_file(path, EXCHANGE_FILE_MAX, &session->arena, &content);
  if (err == KT_ERR_STORE) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "file", "%s: %s", path, strerror(errno));
  }
  if (err == KT_OK) {
    err = kt_heads_file_decode(content, &session->arena, &check->theirs);
  }
  if (err != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "heads-file",
                          "%s is not a list of heads (kt-verify log head or log distinguished makes one)", path);
  }
  if (!kt_hash_equal(&check->theirs->log_id, &session->log_id)) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "other-log", "%s is about another log than the pinned one",
                          path);
  }
  return KT_EXIT_OK;
}

/* A signed line of somebody's file counts as the log's word only when the signature holds under this log's keys. */
static bool is_genuine(const struct kt_session *session, const struct kt_exchanged_head *head)
{
  struct kt_config config;
  struct kt_hash log_id;
  if (kt_config_decode(head->config, &config, NULL) != KT_OK) {
    return false;
  }
  kt_config_log_id(&config, &log_id);
  return kt_hash_equal(&log_id, &session->log_id) &&
         kt_verify_head(&config, head->size, &head->root, head->signature) == KT_OK;
}

/* What this client verified at that size, without asking: a recent distinguished head, or the newest one. */
static bool known_root(const struct head_check *check, uint64_t size, struct kt_hash *ret_root)
{
  const struct kt_log_state *log = &check->session->pinned->log;
  if (size == log->tree.size) {
    *ret_root = log->root;
    return true;
  }
  for (size_t i = 0; i < check->ours->n_heads; i++) {
    if (check->ours->heads[i].size == size) {
      *ret_root = check->ours->heads[i].root;
      return true;
    }
  }
  return false;
}

static struct kt_seen_head newest_head(const struct kt_session *session)
{
  const struct kt_log_state *log = &session->pinned->log;
  return (struct kt_seen_head){ .size = log->tree.size,
                                .root = log->root,
                                .signature = { log->signature, log->signature_len },
                                .config = session->pinned->config,
                                .seen_ms = session->pinned->seen_ms };
}

/* Evidence takes two signed statements. Ours is the head accepted at exactly this size, or the newest one with the
 * consistency elements that tie it to this size. */
static enum kt_exit report_fork(const struct head_check *check, const struct kt_exchanged_head *theirs,
                                const struct kt_hash *our_root)
{
  struct kt_session *session = check->session;
  struct kt_seen_head ours = { .size = theirs->size, .root = *our_root };
  const struct kt_seen_head shown = { .size = theirs->size,
                                      .root = theirs->root,
                                      .signature = theirs->signature,
                                      .config = theirs->config,
                                      .seen_ms = kt_now_ms() };
  struct kt_bytes consistency = { NULL, 0 };
  struct kt_hash root;
  if (theirs->signature.len > 0 && !kt_session_seen_head(session, theirs->size, &ours) &&
      kt_heads_root_at(session, theirs->size, &session->arena, &root, &consistency) == KT_EXIT_OK) {
    ours = newest_head(session);
  }
  return kt_session_report_fork(session, &ours, &shown, consistency);
}

static enum kt_exit compare_one(struct head_check *check, const struct kt_exchanged_head *theirs)
{
  struct kt_session *session = check->session;
  struct kt_hash root;
  struct kt_bytes consistency;
  if (theirs->size > session->pinned->log.tree.size) {
    return KT_EXIT_OK;
  }
  if (theirs->signature.len > 0 && !is_genuine(session, theirs)) {
    return kt_output_fail(session->out, KT_EXIT_FAILED, "head-signature",
                          "the file says that the log signed size %" PRIu64 ", but the signature is not the log's",
                          theirs->size);
  }
  if (!known_root(check, theirs->size, &root)) {
    enum kt_exit code = kt_heads_root_at(session, theirs->size, &session->arena, &root, &consistency);
    if (code != KT_EXIT_OK) {
      return code;
    }
  }
  if (!kt_hash_equal(&root, &theirs->root)) {
    return report_fork(check, theirs, &root);
  }
  check->n_common++;
  check->greatest_common = theirs->size > check->greatest_common ? theirs->size : check->greatest_common;
  return KT_EXIT_OK;
}

/* Signed heads first: a difference there makes evidence. The draft compares lists of roots position by position; with
 * the sizes at hand, any common size will do, and consistency makes every size up to ours a common one. */
static enum kt_exit compare_all(struct head_check *check)
{
  enum kt_exit code = KT_EXIT_OK;
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < check->theirs->n && code == KT_EXIT_OK; i++) {
      bool is_signed = check->theirs->heads[i].signature.len > 0;
      if (is_signed == (pass == 0)) {
        code = compare_one(check, &check->theirs->heads[i]);
      }
    }
  }
  if (code != KT_EXIT_OK) {
    return code;
  }
  struct kt_output *out = check->session->out;
  if (check->n_common == 0) { /* R61: "lists without a common size are undecided" */
    kt_output_status(out, KT_EXIT_UNDECIDED, "no common size yet");
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "no-common-size",
                          "all their heads are larger than the newest one here (size %" PRIu64
                          "): wait for the log to show more, then try again, or let them check yours",
                          check->session->pinned->log.tree.size);
  }
  out->verified = true;
  kt_output_check(out, "same-log", true);
  kt_output_set(out, "common_size", json_integer((json_int_t)check->greatest_common));
  kt_output_status(out, KT_EXIT_OK, "both of you see the same log in its first %" PRIu64 " entries",
                   check->greatest_common);
  kt_output_data(out, "A difference in younger entries cannot be seen by this comparison. Compare again later.\n");
  return KT_EXIT_OK;
}

/* The log does not answer, perhaps because it was found out: two signatures for one size are evidence all the same. */
static enum kt_exit compare_with_kept(struct head_check *check, enum kt_exit undecided)
{
  for (size_t i = 0; i < check->theirs->n; i++) {
    const struct kt_exchanged_head *theirs = &check->theirs->heads[i];
    struct kt_seen_head ours;
    if (theirs->signature.len > 0 && kt_session_seen_head(check->session, theirs->size, &ours) &&
        !kt_hash_equal(&ours.root, &theirs->root) && is_genuine(check->session, theirs)) {
      return report_fork(check, theirs, &ours.root);
    }
  }
  return undecided;
}

enum kt_exit kt_verb_log_check(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct head_check check = { .session = &session };
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = read_theirs(&check, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    code = kt_heads_refresh(&session, &check.ours);
    code = code == KT_EXIT_OK          ? compare_all(&check)
           : code == KT_EXIT_UNDECIDED ? compare_with_kept(&check, code)
                                       : code;
  }
  kt_session_close(&session);
  return code;
}
