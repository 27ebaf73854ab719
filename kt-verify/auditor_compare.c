/* SPDX-License-Identifier: Apache-2.0 */
/* Before an auditor goes through new entries: what the log shows now against what it showed before, to this home and to
 * whoever signed with the key. */
#include "auditor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "heads.h"

/* --- the key's record ------------------------------------------------------------------------------------------------------- */

/* The line to go on with, made of what this home signed last: only a person can know whether that was the last of all. */
static enum kt_exit refuse(struct kt_auditor *auditor, const char *why, const struct kt_auditor_signed *home)
{
  struct kt_session *session = auditor->session;
  struct kt_output *out = session->out;
  char line[KT_AUDITOR_SIGNED_LINE_MAX];
  size_t len = kt_auditor_signed_text(session->config.suite, session->config.auditor_public_key, home, line);
  kt_output_fail(out, KT_EXIT_USAGE, "auditor-record",
                 "%s %s. It says which tree this key signed last; without it the key could sign two trees of one size, "
                 "so nothing is signed. Put the newest copy of it beside the key. If there is none, make a new key "
                 "(kt-verify auditor keygen; the log's operator: kt-server change-auditor). Only if you are sure that "
                 "this key signed nothing after this home did (%" PRIu64
                 " entries), put this line into that file, mode 0600:",
                 auditor->record.path, why, home->size);
  kt_output_note(out, "%s", line);
  kt_output_set(out, "record", json_stringn(line, len - 1));
  return KT_EXIT_USAGE;
}

static enum kt_exit judge(struct kt_auditor *auditor, const struct kt_auditor_signed *home)
{
  const struct kt_auditor_signed *last = &auditor->record.last;
  if (last->size > 0 && !kt_hash_equal(&last->log_id, &auditor->session->log_id)) {
    return kt_output_fail(auditor->session->out, KT_EXIT_USAGE, "auditor-record",
                          "%s: this key signed trees of another log. A key is for one log: make another one with "
                          "kt-verify auditor keygen",
                          auditor->record.path);
  }
  if (last->size < home->size) {
    return refuse(auditor, "is older than what this home signed", home);
  }
  if (last->size == home->size && !kt_hash_equal(&last->root, &home->root)) {
    auditor->feed.stands = true;
    return kt_output_fail(auditor->session->out, KT_EXIT_FAILED, "auditor-conflict",
                          "%s and this home name two trees of %" PRIu64
                          " entries: one of them was signed elsewhere. Nothing is signed",
                          auditor->record.path, last->size);
  }
  return KT_EXIT_OK;
}

enum kt_exit kt_auditor_check_record(struct kt_auditor *auditor)
{
  struct kt_session *session = auditor->session;
  const struct kt_config *config = &session->config;
  struct kt_auditor_signed home = { .size = 0 };
  enum kt_err err = kt_auditor_state_intended(&auditor->state, &home.size, &home.root);
  if (err == KT_OK) {
    home.log_id = session->log_id;
  } else if (err != KT_ERR_ABSENT) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "state", "cannot read %s/auditor.db: %s", auditor->state.db.home,
                          kt_err_text(err));
  }
  err = kt_auditor_record_load(&auditor->record, config->suite, config->auditor_public_key);
  if (err == KT_ERR_DENIED) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "auditor-record", "cannot use %s: %s", auditor->record.path,
                          auditor->record.error[0] != '\0' ? auditor->record.error : strerror(errno));
  }
  if (err != KT_OK) {
    return refuse(auditor,
                  err == KT_ERR_ABSENT     ? "is missing"
                  : err == KT_ERR_CONFLICT ? "is of another key"
                                           : "is damaged",
                  &home);
  }
  return judge(auditor, &home);
}

/* --- the log's heads -------------------------------------------------------------------------------------------------------- */

/* "Tree sizes never decrease", but a relay or a cache may hand out an old head for a while, and one answer must not end an
 * auditor. While it lasts nothing is signed. */
static enum kt_exit behind(struct kt_auditor *auditor, const struct kt_seen_head *ours,
                           const struct kt_seen_head *theirs)
{
  const struct kt_bytes none = { NULL, 0 };
  auditor->n_behind++;
  if (auditor->n_behind >= auditor->patience) {
    return kt_session_report_fork(auditor->session, ours, theirs, none);
  }
  return kt_output_fail(auditor->session->out, KT_EXIT_UNDECIDED, "log-behind",
                        "the log shows a head of %" PRIu64 " entries, and showed one of %" PRIu64
                        " before: an old answer, perhaps a cache's. Nothing is signed; if it lasts it is a rollback",
                        theirs->size, ours->size);
}

/* Both heads were signed by the log: the new one has to continue ours. */
static enum kt_exit compare(struct kt_auditor *auditor, const struct kt_seen_head *ours)
{
  struct kt_session *session = auditor->session;
  const struct kt_seen_head theirs = kt_auditor_newest_head(auditor);
  struct kt_bytes consistency = { NULL, 0 };
  struct kt_hash proven;
  if (theirs.size < ours->size) {
    return behind(auditor, ours, &theirs);
  }
  enum kt_exit code =
      kt_heads_root_under(session, theirs.size, &theirs.root, ours->size, &session->arena, &proven, &consistency);
  if (code != KT_EXIT_OK || kt_hash_equal(&proven, &ours->root)) {
    return code;
  }
  auditor->feed.stands = true;
  return kt_session_report_fork(session, ours, &theirs, consistency);
}

/* The log's head of the tree that the key signed last; without the signature when it is not known, or of a time before
 * the configuration changed. */
static struct kt_seen_head signed_head(const struct kt_auditor *auditor)
{
  const struct kt_session *session = auditor->session;
  const struct kt_auditor_signed *last = &auditor->record.last;
  struct kt_seen_head head = { .size = last->size,
                               .root = last->root,
                               .signature = { last->signature, last->signature_len },
                               .config = session->pinned->config,
                               .seen_ms = kt_now_ms() };
  if (kt_verify_head(&session->config, head.size, &head.root, head.signature) != KT_OK) {
    head.signature = (struct kt_bytes){ NULL, 0 };
  }
  return head;
}

enum kt_exit kt_auditor_compare_heads(struct kt_auditor *auditor)
{
  const struct kt_auditor_signed *last = &auditor->record.last;
  bool has_signed = auditor->secret != NULL && last->size > 0;
  enum kt_exit code = auditor->has_head ? compare(auditor, &auditor->head) : KT_EXIT_OK;
  if (auditor->has_head && auditor->head.size == last->size && kt_hash_equal(&auditor->head.root, &last->root)) {
    has_signed = false; /* compared already */
  }
  if (code == KT_EXIT_OK && has_signed) {
    const struct kt_seen_head head = signed_head(auditor);
    code = compare(auditor, &head);
  }
  if (code == KT_EXIT_OK) {
    auditor->n_behind = 0;
  }
  return code;
}
