/* SPDX-License-Identifier: Apache-2.0 */
#include "auditor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "auditor_key.h"
#include "config_kind.h"
#include "crypto/hash.h"
#include "heads.h"
#include "stop.h"

#define HEAD_PATH "/v1/auditor/head"
#define SECTION "Third Parties / Auditing"

static enum kt_exit store_failed(struct kt_auditor *auditor, enum kt_err err)
{
  auditor->is_loaded = false;
  return kt_output_fail(auditor->session->out, KT_EXIT_USAGE, "state", "cannot read or write %s/auditor.db: %s",
                        auditor->state.db.home, err == KT_ERR_STORE ? auditor->state.db.error : kt_err_text(err));
}

/* --- what was gone through ------------------------------------------------------------------------------------------------ */

static void keep_head(struct kt_auditor *auditor, const struct kt_seen_head *head)
{
  auditor->has_head =
      head->signature.len <= sizeof auditor->head_signature && head->config.len <= sizeof auditor->head_config;
  if (auditor->has_head) {
    auditor->head = *head;
    memcpy(auditor->head_signature, head->signature.data, head->signature.len);
    memcpy(auditor->head_config, head->config.data, head->config.len);
    auditor->head.signature.data = auditor->head_signature;
    auditor->head.config.data = auditor->head_config;
  }
}

struct kt_seen_head kt_auditor_newest_head(const struct kt_auditor *auditor)
{
  return (struct kt_seen_head){ .size = auditor->newest.tree_head.tree_size,
                                .root = auditor->newest.root,
                                .signature = auditor->newest.tree_head.signature,
                                .config = auditor->session->pinned->config,
                                .seen_ms = kt_now_ms() };
}

static enum kt_exit commit(struct kt_auditor *auditor)
{
  const struct kt_audit_feed *feed = &auditor->feed;
  const struct kt_auditor_progress progress = { .from = feed->from,
                                                .leaves = feed->leaves,
                                                .complete_from = feed->recent.complete_from,
                                                .audit = feed->state,
                                                .head = kt_auditor_newest_head(auditor) };
  enum kt_err err = kt_auditor_state_commit(&auditor->state, &auditor->session->log_id, &progress);
  if (err != KT_OK) {
    return store_failed(auditor, err);
  }
  keep_head(auditor, &progress.head);
  return KT_EXIT_OK;
}

/* Nothing was audited: from the entry at which the configuration says that this auditor begins. */
static enum kt_exit begin(struct kt_auditor *auditor)
{
  struct kt_audit_feed *feed = &auditor->feed;
  const struct kt_config *config = &auditor->session->config;
  feed->from = config->mode == KT_MODE_THIRD_PARTY_AUDITING ? config->auditor_start_pos : 0;
  kt_audit_recent_init(&feed->recent, feed->from);
  if (feed->from == 0) {
    return KT_EXIT_OK;
  }
  if (feed->from > feed->newest_size) {
    return kt_output_fail(auditor->session->out, KT_EXIT_UNDECIDED, "audit-early",
                          "the auditor begins at entry %" PRIu64 ", and the log has %" PRIu64 " entries", feed->from,
                          feed->newest_size);
  }
  enum kt_exit code = kt_audit_feed_start(feed);
  enum kt_err err = code == KT_EXIT_OK ? kt_auditor_state_begin(&auditor->state) : KT_OK;
  if (err != KT_OK) {
    return store_failed(auditor, err);
  }
  return code == KT_EXIT_OK ? commit(auditor) : code;
}

/* A key speaks for the audit that the configuration describes. */
static enum kt_exit check_from(struct kt_auditor *auditor)
{
  const struct kt_config *config = &auditor->session->config;
  if (auditor->secret == NULL || auditor->feed.from <= config->auditor_start_pos) {
    return KT_EXIT_OK;
  }
  return kt_output_fail(auditor->session->out, KT_EXIT_USAGE, "auditor-start",
                        "the audit in %s began at entry %" PRIu64 ", the configuration says entry %" PRIu64
                        ": begin anew in another --home",
                        auditor->state.db.home, auditor->feed.from, config->auditor_start_pos);
}

static enum kt_exit load(struct kt_auditor *auditor)
{
  struct kt_audit_feed *feed = &auditor->feed;
  struct kt_session *session = auditor->session;
  struct kt_auditor_progress progress;
  if (auditor->is_loaded) {
    return KT_EXIT_OK;
  }
  kt_audit_recent_release(&feed->recent);
  kt_audit_recent_init(&feed->recent, 0);
  feed->state = (struct kt_audit_state){ .size = 0 };
  feed->leaves = 0;
  auditor->has_head = false;
  enum kt_err err = kt_auditor_state_load(&auditor->state, &session->log_id, &session->arena, &progress, &feed->recent);
  enum kt_exit code = KT_EXIT_OK;
  if (err == KT_OK) {
    feed->state = progress.audit;
    feed->from = progress.from;
    feed->leaves = progress.leaves;
    keep_head(auditor, &progress.head);
  } else if (err == KT_ERR_ABSENT) {
    code = begin(auditor);
  } else if (err == KT_ERR_CONFLICT) {
    code = kt_output_fail(session->out, KT_EXIT_USAGE, "state", "%s/auditor.db is of an audit of another log",
                          auditor->state.db.home);
  } else {
    code = store_failed(auditor, err);
  }
  auditor->is_loaded = code == KT_EXIT_OK;
  return code;
}

/* --- the log's head --------------------------------------------------------------------------------------------------------- */

static enum kt_exit read_head(struct kt_auditor *auditor, const struct kt_reply *reply)
{
  struct kt_session *session = auditor->session;
  struct kt_audit_head *head = &auditor->newest;
  const struct kt_bytes body = { kt_arena_copy(&session->arena, reply->body, reply->len), reply->len };
  if (body.data == NULL) {
    return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "memory", "out of memory");
  }
  if (kt_audit_head_decode(body, head) != KT_OK || head->tree_head.tree_size == 0 ||
      head->tree_head.tree_size > INT64_MAX) {
    return kt_output_fail(session->out, KT_EXIT_FAILED, "malformed-response", "the log's head has a wrong form");
  }
  if (kt_verify_head(&session->config, head->tree_head.tree_size, &head->root, head->tree_head.signature) != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_FAILED, "head-signature",
                          "the log's head is not signed as the pinned configuration demands; after a change of the "
                          "configuration: kt-verify config update FILE");
  }
  auditor->feed.newest_size = head->tree_head.tree_size;
  auditor->feed.newest_root = head->root;
  return KT_EXIT_OK;
}

static enum kt_exit fetch_head(struct kt_auditor *auditor)
{
  struct kt_reply reply;
  kt_transport_get(auditor->session->transport, HEAD_PATH, &reply);
  enum kt_exit code = reply.kind == KT_REPLY_OK
                          ? read_head(auditor, &reply)
                          : kt_session_refused(auditor->session, &reply, "asking for the log's head");
  kt_reply_release(&reply);
  if (code == KT_EXIT_FAILED) {
    (void)kt_session_explain_config(auditor->session);
  }
  return code;
}

/* --- entries --------------------------------------------------------------------------------------------------------------- */

/* What the log holds under this auditor's key for the tree just reached was signed by somebody with the key, so it has to
 * be this tree: otherwise there are two. */
static enum kt_exit compare_own(struct kt_auditor *auditor)
{
  const struct kt_auditor_tree_head *theirs = &auditor->newest.auditor;
  struct kt_hash root;
  if (auditor->secret == NULL || !auditor->newest.has_auditor || theirs->tree_size != auditor->feed.state.size) {
    return KT_EXIT_OK;
  }
  kt_audit_root(&auditor->feed.state, &root);
  if (kt_auditor_tree_head_verify(&auditor->session->config, theirs, &root) == KT_OK) {
    return KT_EXIT_OK;
  }
  auditor->feed.stands = true;
  return kt_output_fail(auditor->session->out, KT_EXIT_FAILED, "auditor-conflict",
                        "the log shows a head of %" PRIu64
                        " entries as this auditor's that is not of the tree the entries lead to: it is forged, or "
                        "this key signed another tree. Nothing is signed",
                        theirs->tree_size);
}

static enum kt_exit reached(void *ctx, const struct kt_auditor_update *update, const uint64_t *published)
{
  struct kt_auditor *auditor = ctx;
  enum kt_err err = kt_auditor_state_add(&auditor->state, auditor->feed.state.size - 1, update, published);
  return err == KT_OK ? compare_own(auditor) : store_failed(auditor, err);
}

static enum kt_exit audit_page(struct kt_auditor *auditor)
{
  struct kt_audit_feed *feed = &auditor->feed;
  uint64_t first = feed->state.size;
  enum kt_err err = kt_auditor_state_begin(&auditor->state);
  if (err != KT_OK) {
    return store_failed(auditor, err);
  }
  enum kt_exit code = kt_audit_feed_page(feed, feed->newest_size);
  if (code == KT_EXIT_OK) {
    code = kt_audit_feed_confirm(feed, first);
  }
  if (code == KT_EXIT_OK) {
    code = commit(auditor);
  }
  if (code != KT_EXIT_OK) {
    kt_auditor_state_rollback(&auditor->state);
    auditor->is_loaded = false; /* memory is ahead of what is durable */
  }
  return code;
}

/* --- the signature ------------------------------------------------------------------------------------------------------- */

static enum kt_exit submit(struct kt_auditor *auditor, const struct kt_auditor_tree_head *head)
{
  struct kt_session *session = auditor->session;
  uint8_t buf[KT_SIGNATURE_MAX + 32];
  struct kt_writer w;
  struct kt_reply reply;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_auditor_tree_head_write(&w, head);
  kt_transport_put(session->transport, HEAD_PATH, (struct kt_bytes){ buf, w.len }, &reply);
  enum kt_exit code = KT_EXIT_OK;
  uint64_t size = head->tree_size;
  if (reply.kind == KT_REPLY_OK) {
    auditor->submitted = true;
  } else if (reply.kind == KT_REPLY_PROBLEM && reply.status == 409) {
    size = reply.size; /* another process with this key was faster: the next tree will be larger */
  } else {
    code = kt_session_refused(session, &reply, "submitting the auditor's head");
  }
  if (code == KT_EXIT_OK) {
    kt_output_set(session->out, "auditor_size", json_integer((json_int_t)size));
  }
  kt_reply_release(&reply);
  return code;
}

/* Written down before the signature is made: first with the key, then in the home, so that a home never knows of a tree
 * that the key's record does not. */
static enum kt_exit intend(struct kt_auditor *auditor, uint64_t size, const struct kt_hash *root)
{
  struct kt_session *session = auditor->session;
  const struct kt_config *config = &session->config;
  const struct kt_bytes head = auditor->newest.tree_head.signature; /* of this very tree: may_sign */
  struct kt_auditor_signed next = { .log_id = session->log_id, .size = size, .root = *root };
  enum kt_exit code = KT_EXIT_OK;
  enum kt_err err = KT_OK;
  if (head.len <= sizeof next.signature) {
    memcpy(next.signature, head.data, head.len);
    next.signature_len = head.len;
  }
  if (!kt_auditor_signed_allows(&auditor->record.last, &session->log_id, size, root)) {
    err = KT_ERR_CONFLICT;
  } else {
    code = kt_auditor_record_save(&auditor->record, session->out, config->suite, config->auditor_public_key, &next);
  }
  if (code == KT_EXIT_OK && err == KT_OK) {
    err = kt_auditor_state_intend(&auditor->state, size, root);
  }
  if (err == KT_ERR_CONFLICT) {
    auditor->feed.stands = true;
    return kt_output_fail(session->out, KT_EXIT_FAILED, "auditor-conflict",
                          "another tree of %" PRIu64 " entries, or a larger one, was signed before: nothing is signed",
                          size);
  }
  return err == KT_OK ? code : store_failed(auditor, err);
}

/* "AuditorTreeHead.timestamp is set to timestamp and AuditorTreeHead.tree_size is set to the new size" (8). */
static enum kt_exit sign(struct kt_auditor *auditor)
{
  struct kt_session *session = auditor->session;
  const struct kt_audit_state *state = &auditor->feed.state;
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_hash root;
  struct kt_auditor_tree_head head = { .tree_size = state->size,
                                       .timestamp = state->frontier_ms[state->n_frontier - 1],
                                       .signature = { signature, session->config.suite->signature_len } };
  kt_audit_root(state, &root);
  enum kt_exit code = intend(auditor, head.tree_size, &root);
  if (code != KT_EXIT_OK) {
    return code;
  }
  enum kt_err err = kt_auditor_tree_head_sign(&session->config, auditor->secret->seed, head.timestamp, head.tree_size,
                                              &root, signature);
  return err == KT_OK
             ? submit(auditor, &head)
             : kt_output_fail(session->out, KT_EXIT_USAGE, "crypto", "the head cannot be signed: %s", kt_err_text(err));
}

/* "MUST receive and successfully verify an AuditorUpdate structure for a log entry before providing … an AuditorTreeHead
 * structure whose tree_size field would include that log entry": all of the log's head, at least one entry of our own. */
static bool may_sign(const struct kt_auditor *auditor)
{
  const struct kt_audit_feed *feed = &auditor->feed;
  bool there = auditor->newest.has_auditor && auditor->newest.auditor.tree_size >= feed->state.size;
  return auditor->secret != NULL && feed->state.size == feed->newest_size && feed->state.size > feed->from && !there;
}

/* --- a pass --------------------------------------------------------------------------------------------------------------- */

static enum kt_exit load_key(struct kt_auditor *auditor)
{
  struct kt_session *session = auditor->session;
  if (auditor->key_path == NULL) {
    return KT_EXIT_OK;
  }
  if (session->config.mode != KT_MODE_THIRD_PARTY_AUDITING) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "mode", "--sign: this log has no auditor");
  }
  enum kt_exit code = kt_auditor_key_load(session->out, auditor->key_path, session->config.suite,
                                          session->config.auditor_public_key, &auditor->secret);
  return code == KT_EXIT_OK ? kt_auditor_check_record(auditor) : code;
}

static void report(const struct kt_auditor *auditor)
{
  const struct kt_audit_feed *feed = &auditor->feed;
  struct kt_output *out = auditor->session->out;
  uint64_t n = feed->state.size - feed->from;
  out->verified = true;
  kt_output_check(out, "entries", true);
  kt_output_check(out, "signed-head", true);
  kt_output_set(out, "entries", json_integer((json_int_t)n));
  kt_output_set(out, "leaves", json_integer((json_int_t)feed->leaves));
  kt_output_set(out, "from", json_integer((json_int_t)feed->from));
  kt_output_set(out, "new_entries", json_integer((json_int_t)(feed->state.size - auditor->first)));
  kt_output_set(out, "tree_size", json_integer((json_int_t)feed->state.size));
  if (auditor->key_path != NULL) {
    kt_output_set(out, "submitted", json_boolean(auditor->submitted));
  }
  if (feed->state.size > auditor->first || auditor->submitted) {
    kt_output_status(out, KT_EXIT_OK,
                     "%" PRIu64 " %s of the log, %" PRIu64 " %s; they lead to the tree the log signed%s", n,
                     n == 1 ? "entry" : "entries", feed->leaves, feed->leaves == 1 ? "value" : "values",
                     auditor->submitted ? "; the log has our signature under it" : "");
  }
}

static enum kt_exit go_through(struct kt_auditor *auditor)
{
  struct kt_audit_feed *feed = &auditor->feed;
  enum kt_exit code = fetch_head(auditor);
  if (code == KT_EXIT_OK) {
    code = load(auditor);
  }
  auditor->first = feed->state.size;
  if (code == KT_EXIT_OK) {
    code = check_from(auditor);
  }
  if (code == KT_EXIT_OK) {
    code = kt_auditor_compare_heads(auditor);
  }
  if (code == KT_EXIT_OK && feed->state.size > 0) {
    code = compare_own(auditor);
  }
  while (code == KT_EXIT_OK && feed->state.size < feed->newest_size && !kt_stop_requested()) {
    code = audit_page(auditor);
  }
  if (code == KT_EXIT_OK && may_sign(auditor)) {
    code = sign(auditor);
  }
  return code;
}

enum kt_exit kt_auditor_pass(struct kt_auditor *auditor, struct kt_session *session)
{
  auditor->session = session;
  auditor->feed.session = session;
  auditor->feed.reached = reached;
  auditor->feed.ctx = auditor;
  auditor->feed.stands = false;
  auditor->submitted = false;
  auditor->newest = (struct kt_audit_head){ .has_auditor = false };
  enum kt_exit code = load_key(auditor);
  if (code == KT_EXIT_OK) {
    code = go_through(auditor);
  }
  if (code == KT_EXIT_OK) {
    report(auditor);
  }
  kt_secret_free(auditor->secret);
  auditor->secret = NULL;
  auditor->retry_after_s = session->retry_after_s;
  return code;
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

enum kt_exit kt_auditor_open(struct kt_auditor *auditor, struct kt_output *out, const char *home, const char *key_path)
{
  *auditor = (struct kt_auditor){ .key_path = key_path, .record = { .lock_fd = -1 } };
  enum kt_err err = kt_auditor_state_open(home, &auditor->state);
  const char *folder = auditor->state.db.home;
  if (err == KT_OK) {
    return key_path == NULL ? KT_EXIT_OK : kt_auditor_record_open(out, key_path, &auditor->record);
  }
  if (err == KT_ERR_UNDETERMINED) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "busy", "another auditor is at work in %s", folder);
  }
  if (err == KT_ERR_UNSUPPORTED) {
    return kt_output_fail(out, KT_EXIT_USAGE, "state-version", "%s/auditor.db was written by a newer version", folder);
  }
  const char *why = auditor->state.db.error[0] != '\0' ? auditor->state.db.error : strerror(errno);
  return err == KT_ERR_DENIED
             ? kt_output_fail(out, KT_EXIT_USAGE, "home", "cannot use the state folder %s: %s", folder, why)
             : kt_output_fail(out, KT_EXIT_USAGE, "state", "cannot open %s/auditor.db: %s", folder, why);
}

void kt_auditor_close(struct kt_auditor *auditor)
{
  kt_audit_feed_release(&auditor->feed);
  kt_auditor_record_close(&auditor->record);
  kt_auditor_state_close(&auditor->state);
}
