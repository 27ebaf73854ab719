/* SPDX-License-Identifier: Apache-2.0 */
/* "When verification fails against retained state, or the server refuses `last` as too large, the client asks once more
 * without `last`, state untouched": invalid on its own → failed; same size, other root → fork; larger → the other log's
 * full subtrees at our size say whether it extends ours; smaller → rollback. */
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <kt/writer.h>
#include "evidence_store.h"
#include "report.h"
#include "state_alerts.h"

#define DISTINGUISHED "/v1/distinguished"
#define HEAD_TEXT_LEN (8 + KT_HASH_LEN)

struct fork_check {
  struct kt_session *session;
  const struct kt_log_state *theirs_log;
  struct kt_seen_head ours;    /* accepted earlier */
  struct kt_seen_head theirs;  /* shown now */
  struct kt_bytes consistency; /* from the smaller to the larger; empty unless it shows a fork */
  struct kt_evidence evidence;
};

/* The head the log shows to somebody who remembers nothing. */
static enum kt_err verify_theirs(struct fork_check *check, struct kt_bytes request, const struct kt_reply *reply,
                                 struct kt_reason *reason)
{
  static const struct kt_log_state nothing;
  struct kt_session *session = check->session;
  struct kt_distinguished_result *result = kt_arena_alloc(&session->arena, 1, sizeof *result);
  const struct kt_bytes body = { kt_arena_copy(&session->arena, reply->body, reply->len), reply->len };
  /* Two heads that contradict each other are both the log's own: whether its auditor vouched for them changes nothing. */
  const struct kt_client client = { .config = &session->config,
                                    .log = &nothing,
                                    .now_ms = kt_now_ms(),
                                    .arena = &session->arena,
                                    .reason = reason,
                                    .log_only = true };
  if (result == NULL || body.data == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = kt_verify_distinguished(&client, NULL, body, result);
  if (err == KT_OK) {
    check->theirs_log = &result->log;
  } else if (kt_output_is_refuted(err)) {
    kt_session_keep_failed(session, reason->code, kt_session_request_text(session, DISTINGUISHED, request), body);
  }
  return err;
}

/* KT_ERR_UNDETERMINED: no answer. */
static enum kt_err fetch_theirs(struct fork_check *check, struct kt_reason *reason)
{
  static const struct kt_log_state nothing;
  struct kt_reply reply;
  struct kt_writer w;
  enum kt_err err = KT_ERR_UNDETERMINED;
  kt_writer_init(&w, 64);
  kt_request_distinguished(&w, &nothing, NULL);
  const struct kt_bytes request = { w.buf, w.len };
  kt_transport_post(check->session->transport, DISTINGUISHED, request, NULL, &reply);
  if (reply.kind == KT_REPLY_OK) {
    err = verify_theirs(check, request, &reply, reason);
  }
  kt_reply_release(&reply);
  kt_writer_release(&w);
  return err;
}

static struct kt_seen_head seen_head(struct kt_session *session, const struct kt_log_state *log, uint64_t seen_ms)
{
  return (struct kt_seen_head){ .size = log->tree.size,
                                .root = log->root,
                                .signature = { log->signature, log->signature_len },
                                .config = session->pinned->config,
                                .seen_ms = seen_ms };
}

static bool roots_differ(const struct kt_hash *a, const struct kt_hash *b)
{
  return memcmp(a->b, b->b, KT_HASH_LEN) != 0;
}

enum kt_heads_relation kt_session_relate_heads(struct kt_session *session, const struct kt_seen_head *older,
                                               const struct kt_seen_head *newer, struct kt_bytes *ret_consistency)
{
  enum kt_heads_relation relation = KT_HEADS_UNKNOWN;
  struct kt_reason reason = { .code = NULL };
  struct kt_reply reply;
  struct kt_hash old_root;
  char path[128];
  *ret_consistency = (struct kt_bytes){ NULL, 0 };
  if (older->size == newer->size) {
    return roots_differ(&older->root, &newer->root) ? KT_HEADS_FORKED : KT_HEADS_ONE_LOG;
  }
  snprintf(path, sizeof path, "/v1/log/consistency?old=%" PRIu64 "&size=%" PRIu64, older->size, newer->size);
  kt_transport_get(session->transport, path, &reply);
  const struct kt_bytes body = { kt_arena_copy(&session->arena, kt_reply_body(&reply).data, reply.len), reply.len };
  if (reply.kind == KT_REPLY_OK && body.data != NULL &&
      kt_verify_consistency(older->size, newer->size, &newer->root, body, &session->arena, &old_root, &reason) ==
          KT_OK) {
    relation = roots_differ(&old_root, &older->root) ? KT_HEADS_FORKED : KT_HEADS_ONE_LOG;
    *ret_consistency = body;
  }
  kt_reply_release(&reply);
  return relation;
}

/* They are larger: do they extend us? False: they do, or do not say. */
static bool does_not_extend(struct fork_check *check)
{
  struct kt_bytes consistency;
  bool forked = kt_session_relate_heads(check->session, &check->ours, &check->theirs, &consistency) == KT_HEADS_FORKED;
  check->consistency = forked ? consistency : (struct kt_bytes){ NULL, 0 };
  return forked;
}

bool kt_session_seen_head(struct kt_session *session, uint64_t size, struct kt_seen_head *ret_head)
{
  struct kt_state *state = &session->state;
  uint64_t generation;
  if (kt_state_begin_read(state, &generation) != KT_OK) {
    return false;
  }
  enum kt_err err = kt_state_head(state, size, &session->arena, ret_head);
  kt_state_rollback(state);
  return err == KT_OK;
}

static bool is_fork(const struct kt_evidence *evidence)
{
  return evidence->kind == KT_EVIDENCE_FORK || evidence->kind == KT_EVIDENCE_INCONSISTENT;
}

/* Tree size and root. */
static struct kt_bytes head_text(const struct kt_seen_head *head, uint8_t buf[static HEAD_TEXT_LEN])
{
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, HEAD_TEXT_LEN);
  kt_write_u64(&w, head->size);
  kt_write_bytes(&w, head->root.b, KT_HASH_LEN);
  return (struct kt_bytes){ buf, HEAD_TEXT_LEN };
}

/* docs/formats.md, Alert ids: a fork is the same whichever head was seen first; a rollback is from a larger head,
 * however often and to whatever smaller ones. */
static struct kt_alert make_alert(const struct fork_check *check)
{
  bool fork = is_fork(&check->evidence);
  struct kt_alert alert = { .kind = fork ? KT_ALERT_FORK : KT_ALERT_ROLLBACK, .audience = KT_AUDIENCE_ANYONE };
  uint8_t ours[HEAD_TEXT_LEN];
  uint8_t theirs[HEAD_TEXT_LEN];
  struct kt_bytes parts[] = { head_text(&check->ours, ours), head_text(&check->theirs, theirs) };
  if (fork && memcmp(ours, theirs, HEAD_TEXT_LEN) > 0) {
    const struct kt_bytes first = parts[0];
    parts[0] = parts[1];
    parts[1] = first;
  }
  kt_alert_id_compute(alert.kind, &check->session->log_id, (struct kt_bytes){ NULL, 0 }, parts, fork ? 2 : 1,
                      &alert.id);
  return alert;
}

static enum kt_err raise_alert(void *ctx, struct kt_session *session)
{
  struct fork_check *check = ctx;
  const struct kt_alert alert = make_alert(check);
  enum kt_raised raised;
  return kt_state_raise(&session->state, &alert, (struct kt_bytes){ NULL, 0 }, kt_now_ms(), &session->arena, &raised);
}

static enum kt_exit report(struct fork_check *check)
{
  struct kt_session *session = check->session;
  char path[KT_STATE_PATH_MAX] = "";
  char next[KT_ALERT_NEXT_SIZE];
  bool is_signed = check->ours.signature.len > 0 && check->theirs.signature.len > 0;
  kt_evidence_of_heads(&session->log_id, &check->ours, &check->theirs, check->consistency, &check->evidence);
  enum kt_err err = is_signed ? kt_evidence_save(session->state.home, &check->evidence, path) : KT_OK;
  if (!is_signed) {
    kt_output_note(session->out, "kt-verify: one of the two heads carries no signature of the log: by itself this "
                                 "proves nothing to others\n");
  } else if (err != KT_OK) {
    kt_output_note(session->out, "kt-verify: the evidence cannot be saved in %s/evidence: %s\n", session->state.home,
                   strerror(errno));
  }
  if (kt_session_write(session, raise_alert, check, &err) != KT_EXIT_OK) {
    kt_output_note(session->out, "kt-verify: the alert cannot be recorded\n");
  }
  const struct kt_alert alert = make_alert(check);
  const struct kt_alert_text *text = kt_alert_text(&alert);
  const char *name = kt_alert_kind_name(alert.kind);
  kt_report_append_alert(session->out, &alert);
  kt_output_check(session->out, name, false);
  /* The failed check was said before; what it means is the reason a script gets. */
  json_object_del(session->out->object, "reason");
  kt_output_fail(session->out, KT_EXIT_FAILED, name,
                 "%s Our head has size %" PRIu64 ", the other one size %" PRIu64 "%s.%s%s", text->headline,
                 check->ours.size, check->theirs.size,
                 check->ours.size == check->theirs.size ? " with another content" : "",
                 path[0] != '\0' ? " Evidence: " : "", path);
  kt_output_status(session->out, KT_EXIT_FAILED, "%s%s%s", name, path[0] != '\0' ? ", evidence saved: " : "", path);
  kt_alert_next(&alert, (struct kt_bytes){ NULL, 0 }, next);
  kt_output_data(session->out, "%s\n%s\n\n", text->meaning, next);
  return KT_EXIT_FAILED;
}

static enum kt_fork_found reported(struct fork_check *check)
{
  report(check);
  return KT_FORK_REPORTED;
}

enum kt_fork_found kt_session_fork_check(struct kt_session *session, struct kt_reason *ret_reason)
{
  struct fork_check check = { .session = session };
  struct kt_reason reason = { .code = NULL };
  enum kt_err err = fetch_theirs(&check, &reason);
  if (kt_output_is_refuted(err)) {
    *ret_reason = reason;
    return KT_FORK_INVALID;
  }
  if (err != KT_OK) {
    return KT_FORK_NONE;
  }
  const struct kt_log_state *ours = &session->pinned->log;
  check.theirs = seen_head(session, check.theirs_log, kt_now_ms());
  check.ours = seen_head(session, ours, session->pinned->seen_ms);
  struct kt_seen_head then;
  if (kt_session_seen_head(session, ours->tree.size, &then)) { /* signed under the configuration pinned then */
    check.ours = then;
  }
  if (check.theirs.size == check.ours.size) {
    return roots_differ(&check.theirs.root, &check.ours.root) ? reported(&check) : KT_FORK_NONE;
  }
  if (check.theirs.size > check.ours.size) {
    return does_not_extend(&check) ? reported(&check) : KT_FORK_NONE;
  }
  /* Smaller: a head of exactly that size, accepted once, may show more. */
  if (kt_session_seen_head(session, check.theirs.size, &then) && roots_differ(&then.root, &check.theirs.root)) {
    check.ours = then;
  }
  return reported(&check);
}

enum kt_exit kt_session_report_fork(struct kt_session *session, const struct kt_seen_head *ours,
                                    const struct kt_seen_head *theirs, struct kt_bytes consistency)
{
  struct fork_check check = { .session = session, .ours = *ours, .theirs = *theirs, .consistency = consistency };
  return report(&check);
}
