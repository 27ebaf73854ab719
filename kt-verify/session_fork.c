/* SPDX-License-Identifier: Apache-2.0 */
/* "When verification fails against retained state, or the server refuses `last` as too large, the client asks once more
 * without `last`, state untouched": invalid on its own → failed; same size, other root → fork; larger → the other log's
 * full subtrees at our size say whether it extends ours; smaller → rollback. */
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "evidence_store.h"
#include "state_alerts.h"

struct fork_check {
  struct kt_session *session;
  struct kt_log_state theirs;
  struct kt_evidence evidence;
};

/* The head the log shows to somebody who remembers nothing. False: none that verifies on its own. */
static bool fetch_theirs(struct fork_check *check)
{
  static const struct kt_log_state nothing;
  struct kt_session *session = check->session;
  struct kt_reply reply;
  struct kt_writer w;
  struct kt_distinguished_result result;
  bool ok = false;
  kt_writer_init(&w, 64);
  kt_request_distinguished(&w, &nothing, NULL);
  kt_transport_post(session->transport, "/v1/distinguished", (struct kt_bytes){ w.buf, w.len }, NULL, &reply);
  kt_writer_release(&w);
  if (reply.kind == KT_REPLY_OK) {
    struct kt_reason reason = { .code = NULL };
    const struct kt_client client = { .config = &session->config,
                                      .log = &nothing,
                                      .now_ms = kt_now_ms(),
                                      .arena = &session->arena,
                                      .reason = &reason };
    struct kt_bytes body = { kt_arena_copy(&session->arena, kt_reply_body(&reply).data, reply.len), reply.len };
    ok = body.data != NULL && kt_verify_distinguished(&client, NULL, body, &result) == KT_OK;
  }
  if (ok) {
    check->theirs = result.log;
  }
  kt_reply_release(&reply);
  return ok;
}

static struct kt_seen_head seen_head(struct kt_session *session, const struct kt_log_state *log, uint64_t seen_ms)
{
  return (struct kt_seen_head){ .size = log->tree.size,
                                .root = log->root,
                                .signature = { log->signature, log->signature_len },
                                .config = session->pinned.config,
                                .seen_ms = seen_ms };
}

static bool roots_differ(const struct kt_hash *a, const struct kt_hash *b)
{
  return memcmp(a->b, b->b, KT_HASH_LEN) != 0;
}

/* They are larger: do they extend us? False: they do, or do not say. */
static bool does_not_extend(struct fork_check *check)
{
  struct kt_session *session = check->session;
  const struct kt_log_state *ours = &session->pinned.log;
  struct kt_reason reason = { .code = NULL };
  struct kt_reply reply;
  struct kt_hash their_old_root;
  char path[128];
  bool forked = false;
  snprintf(path, sizeof path, "/v1/log/consistency?old=%" PRIu64 "&size=%" PRIu64, ours->tree.size,
           check->theirs.tree.size);
  kt_transport_get(session->transport, path, &reply);
  if (reply.kind == KT_REPLY_OK) {
    const struct kt_bytes body = { kt_arena_copy(&session->arena, kt_reply_body(&reply).data, reply.len), reply.len };
    forked = body.data != NULL &&
             kt_verify_consistency(ours->tree.size, check->theirs.tree.size, &check->theirs.root, body, &session->arena,
                                   &their_old_root, &reason) == KT_OK &&
             roots_differ(&their_old_root, &ours->root);
    check->evidence.consistency = forked ? body : (struct kt_bytes){ NULL, 0 };
  }
  kt_reply_release(&reply);
  return forked;
}

/* They are smaller. A head of exactly that size that we accepted once may show more: a fork. */
static void compare_smaller(struct fork_check *check)
{
  struct kt_seen_head head;
  uint64_t generation;
  struct kt_state *state = &check->session->state;
  if (kt_state_begin_read(state, &generation) != KT_OK) {
    return;
  }
  if (kt_state_head(state, check->theirs.tree.size, &check->session->arena, &head) == KT_OK &&
      roots_differ(&head.root, &check->theirs.root)) {
    check->evidence.kind = KT_EVIDENCE_FORK;
    check->evidence.ours = head;
  }
  kt_state_rollback(state);
}

/* The retained head, with the signature and configuration it was accepted with. */
static void find_ours(struct fork_check *check)
{
  struct kt_session *session = check->session;
  uint64_t generation;
  check->evidence.ours = seen_head(session, &session->pinned.log, session->pinned.seen_ms);
  if (kt_state_begin_read(&session->state, &generation) == KT_OK) {
    struct kt_seen_head head;
    if (kt_state_head(&session->state, session->pinned.log.tree.size, &session->arena, &head) == KT_OK) {
      check->evidence.ours = head;
    }
    kt_state_rollback(&session->state);
  }
}

static enum kt_err raise_alert(void *ctx, struct kt_session *session)
{
  struct fork_check *check = ctx;
  bool fork = check->evidence.kind == KT_EVIDENCE_FORK;
  struct kt_alert alert = { .kind = fork ? KT_ALERT_FORK : KT_ALERT_ROLLBACK, .audience = KT_AUDIENCE_ANYONE };
  const struct kt_bytes parts[] = { { check->evidence.ours.root.b, KT_HASH_LEN },
                                    { check->evidence.theirs.root.b, KT_HASH_LEN } };
  const struct kt_bytes no_label = { NULL, 0 };
  enum kt_raised raised;
  kt_alert_id_compute(alert.kind, &session->log_id, no_label, parts, 2, &alert.id);
  return kt_state_raise(&session->state, &alert, no_label, kt_now_ms(), &session->arena, &raised);
}

static enum kt_exit report(struct fork_check *check)
{
  struct kt_session *session = check->session;
  const struct kt_evidence *evidence = &check->evidence;
  char path[KT_STATE_PATH_MAX] = "";
  enum kt_err err = kt_evidence_save(session->state.home, evidence, path);
  if (err != KT_OK) {
    kt_output_note(session->out, "kt-verify: the evidence cannot be saved in %s/evidence: %s\n", session->state.home,
                   strerror(errno));
  }
  enum kt_exit code = kt_session_write(session, raise_alert, check, &err);
  if (code != KT_EXIT_OK) {
    kt_output_note(session->out, "kt-verify: the alert cannot be recorded\n");
  }
  bool fork = evidence->kind == KT_EVIDENCE_FORK;
  const struct kt_alert_text *text = kt_alert_text(fork ? KT_ALERT_FORK : KT_ALERT_ROLLBACK, KT_AUDIENCE_ANYONE);
  /* The failed check was said before; what it means is the reason a script gets. */
  json_object_del(session->out->object, "reason");
  kt_output_fail(session->out, KT_EXIT_FAILED, kt_evidence_kind_name(evidence->kind),
                 "%s We accepted size %" PRIu64 ", it now shows size %" PRIu64 "%s.%s%s", text->headline,
                 evidence->ours.size, evidence->theirs.size,
                 evidence->ours.size == evidence->theirs.size ? " with another content" : "",
                 path[0] != '\0' ? " Evidence: " : "", path);
  kt_output_note(session->out, "%s\n%s\n", text->meaning, kt_evidence_does_not_prove(evidence));
  kt_output_status(session->out, KT_EXIT_FAILED, "%s%s%s", kt_evidence_kind_name(evidence->kind),
                   path[0] != '\0' ? ", evidence saved: " : "", path);
  return KT_EXIT_FAILED;
}

enum kt_exit kt_session_fork_check(struct kt_session *session, enum kt_exit code)
{
  struct fork_check check = { .session = session };
  const struct kt_log_state *ours = &session->pinned.log;
  if (!fetch_theirs(&check)) {
    return code;
  }
  check.evidence = (struct kt_evidence){ .kind = KT_EVIDENCE_FORK,
                                         .log_id = session->log_id,
                                         .found_ms = kt_now_ms(),
                                         .theirs = seen_head(session, &check.theirs, kt_now_ms()) };
  find_ours(&check);
  if (check.theirs.tree.size == ours->tree.size) {
    return roots_differ(&check.theirs.root, &ours->root) ? report(&check) : code;
  }
  if (check.theirs.tree.size > ours->tree.size) {
    return does_not_extend(&check) ? report(&check) : code;
  }
  check.evidence.kind = KT_EVIDENCE_ROLLBACK;
  compare_smaller(&check);
  return report(&check);
}
