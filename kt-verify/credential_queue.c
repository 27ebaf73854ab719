/* SPDX-License-Identifier: Apache-2.0 */
#include "credential_queue.h"

#include <inttypes.h>

#include "crypto/hash.h"
#include "heads.h"
#include "report.h"
#include "state_alerts.h"
#include "tree/log_tree.h"
#include "wire/credential.h"

#define UPDATE_PATH "/v1/credential-update"

struct decision {
  struct kt_session *session;
  const struct kt_recent_heads *recent;
  const struct kt_waiting_credential *waiting;
  struct kt_client client;
  struct kt_reason reason;
  char name[4 * KT_LABEL_MAX + 8];
};

static void decision_init(struct decision *decision, struct kt_session *session, const struct kt_recent_heads *recent,
                          const struct kt_waiting_credential *waiting)
{
  *decision = (struct decision){ .session = session, .recent = recent, .waiting = waiting };
  decision->client = (struct kt_client){ .config = &session->config,
                                         .log = &session->pinned->log,
                                         .now_ms = kt_now_ms(),
                                         .arena = &session->arena,
                                         .reason = &decision->reason };
  kt_text_clean(waiting->pending.label, decision->name, sizeof decision->name);
}

static void append(const struct decision *decision, const char *word)
{
  const struct kt_credential_pending *pending = &decision->waiting->pending;
  json_t *object = json_object();
  json_object_set_new(object, "id", kt_output_hex((struct kt_bytes){ pending->id.b, KT_HASH_LEN }));
  json_object_set_new(object, "label", kt_output_text(pending->label));
  json_object_set_new(object, "version", json_integer((json_int_t)pending->version));
  json_object_set_new(object, "state", json_string(word));
  kt_output_append(decision->session->out, "credentials", object);
}

/* --- what is kept ------------------------------------------------------------------------------------------------------- */

static enum kt_err remove_waiting(void *ctx, struct kt_session *session)
{
  const struct decision *decision = ctx;
  return kt_state_remove_waiting(&session->state, &decision->waiting->pending.id);
}

static enum kt_exit confirmed(struct decision *decision)
{
  struct kt_output *out = decision->session->out;
  enum kt_err err;
  enum kt_exit code = kt_session_write(decision->session, remove_waiting, decision, &err);
  if (code == KT_EXIT_OK) {
    append(decision, "final");
    kt_output_check(out, "credential-final", true);
    kt_output_status(out, code, "the credential for %s, version %" PRIu32 ", is confirmed", decision->name,
                     decision->waiting->pending.version);
  }
  return code;
}

/* docs/formats.md, Alert ids: one credential, one cause. */
static struct kt_alert make_alert(const struct decision *decision)
{
  const struct kt_credential_pending *pending = &decision->waiting->pending;
  struct kt_alert alert = { .kind = KT_ALERT_CREDENTIAL_UNCONFIRMED,
                            .audience = KT_AUDIENCE_CONTACT,
                            .has_version = true,
                            .version = pending->version,
                            .position = pending->terminal,
                            .time_ms = decision->waiting->received_ms };
  const struct kt_bytes part = { pending->id.b, KT_HASH_LEN };
  kt_alert_id_compute(alert.kind, &decision->session->log_id, pending->label, &part, 1, &alert.id);
  return alert;
}

static enum kt_err raise_and_remove(void *ctx, struct kt_session *session)
{
  const struct decision *decision = ctx;
  const struct kt_alert alert = make_alert(decision);
  enum kt_raised raised;
  enum kt_err err =
      kt_state_raise(&session->state, &alert, decision->waiting->pending.label, kt_now_ms(), &session->arena, &raised);
  return err == KT_OK ? remove_waiting(ctx, session) : err;
}

/* --- what contradicts the log ------------------------------------------------------------------------------------------- */

/* A head that the log signed and that is not of the log we know is a fork that anybody can verify. */
static bool is_fork(struct decision *decision)
{
  struct kt_session *session = decision->session;
  const struct kt_waiting_credential *waiting = decision->waiting;
  const struct kt_tree_state *tree = waiting->pending.tree;
  struct kt_credential credential;
  struct kt_bytes consistency;
  struct kt_hash root;
  struct kt_seen_head ours;
  struct kt_seen_head theirs = { .size = tree->size,
                                 .config = session->pinned->config,
                                 .seen_ms = waiting->received_ms };
  const struct kt_log_state *log = &session->pinned->log;
  kt_log_root(tree->size, tree->heads, &theirs.root);
  if (tree->size > log->tree.size ||
      kt_credential_decode(waiting->credential, &session->config, &session->arena, &credential) != KT_OK ||
      kt_heads_root_at(session, tree->size, &session->arena, &root, &consistency) != KT_EXIT_OK ||
      kt_hash_equal(&root, &theirs.root)) {
    return false;
  }
  theirs.signature = credential.tree_head.signature;
  if (kt_session_seen_head(session, tree->size, &ours)) {
    consistency = (struct kt_bytes){ NULL, 0 };
  } else {
    ours = (struct kt_seen_head){ .size = log->tree.size,
                                  .root = log->root,
                                  .signature = { log->signature, log->signature_len },
                                  .config = session->pinned->config,
                                  .seen_ms = session->pinned->seen_ms };
  }
  kt_session_report_fork(session, &ours, &theirs, consistency);
  return true;
}

/* "the credential SHOULD be reported to the user as evidence of potential misbehavior by the Transparency Log." */
static enum kt_exit report(struct decision *decision, const char *why)
{
  struct kt_session *session = decision->session;
  const struct kt_credential_pending *pending = &decision->waiting->pending;
  struct kt_writer request;
  enum kt_err err;
  bool fork = is_fork(decision);
  append(decision, fork ? "fork" : "unconfirmed");
  if (fork) {
    enum kt_exit removed = kt_session_write(session, remove_waiting, decision, &err);
    return removed == KT_EXIT_OK ? KT_EXIT_FAILED : removed;
  }
  kt_writer_init(&request, KT_REQUEST_MAX);
  kt_request_credential(&request, pending->label, pending->position);
  kt_session_keep_failed(
      session, "credential-unconfirmed",
      kt_session_request_text(session, "/v1/credential", (struct kt_bytes){ request.buf, request.len }),
      decision->waiting->credential);
  kt_writer_release(&request);
  enum kt_exit code = kt_session_write(session, raise_and_remove, decision, &err);
  if (code != KT_EXIT_OK) {
    return code;
  }
  kt_output_check(session->out, "credential-final", false);
  kt_output_note(session->out, "kt-verify: the credential for %s: %s\n", decision->name, why);
  return kt_report_alerts(session, pending->label, KT_EXIT_OK);
}

/* --- deciding -------------------------------------------------------------------------------------------------------------- */

static enum kt_exit refused(struct decision *decision, enum kt_err err)
{
  return kt_output_fail_reason(decision->session->out, err, &decision->reason, decision->name);
}

static enum kt_err drop_update(void *ctx, struct kt_session *session)
{
  const struct decision *decision = ctx;
  struct kt_waiting_credential without = *decision->waiting;
  without.update = (struct kt_bytes){ NULL, 0 };
  return kt_state_put_waiting(&session->state, &without);
}

/* An update that was kept until its head was known. It came from a person and may just be a bad one: the credential goes
 * on waiting for another. */
static enum kt_exit try_update(struct decision *decision)
{
  struct kt_session *session = decision->session;
  enum kt_err stored;
  enum kt_err err = kt_verify_credential_update(&decision->client, &decision->waiting->pending, decision->recent,
                                                decision->waiting->update);
  if (err == KT_OK) {
    return confirmed(decision);
  }
  kt_output_note(session->out, "kt-verify: %s: the update received for this credential does not confirm it: %s\n",
                 decision->name, decision->reason.text != NULL ? decision->reason.text : kt_err_text(err));
  enum kt_exit code = kt_session_write(session, drop_update, decision, &stored);
  return code == KT_EXIT_OK ? KT_EXIT_UNDECIDED : code;
}

enum kt_exit kt_credentials_decide(struct kt_session *session, const struct kt_recent_heads *recent,
                                   const struct kt_waiting_credential *waiting)
{
  struct decision decision;
  decision_init(&decision, session, recent, waiting);
  enum kt_credential_stage stage = kt_credential_stage(&waiting->pending, recent, NULL);
  if (stage == KT_CREDENTIAL_BY_HEAD) {
    enum kt_err err = kt_verify_credential_head(&decision.client, &waiting->pending, recent);
    return err == KT_OK ? confirmed(&decision) : refused(&decision, err);
  }
  if (stage == KT_CREDENTIAL_BY_UPDATE && waiting->update.data != NULL) {
    return try_update(&decision);
  }
  return KT_EXIT_UNDECIDED;
}

/* KT_EXIT_UNDECIDED: the log gave no answer, which was said. KT_EXIT_FAILED: it has none that holds. */
static enum kt_exit ask_for_update(struct decision *decision, uint64_t distinguished)
{
  struct kt_session *session = decision->session;
  struct kt_reply reply;
  struct kt_writer request;
  enum kt_exit code = KT_EXIT_OK;
  kt_writer_init(&request, KT_REQUEST_MAX);
  kt_request_credential_update(&request, &decision->waiting->pending, distinguished);
  kt_transport_post(session->transport, UPDATE_PATH, (struct kt_bytes){ request.buf, request.len }, NULL, &reply);
  kt_writer_release(&request);
  if (reply.kind == KT_REPLY_OK) {
    decision->reason = (struct kt_reason){ .code = NULL };
    enum kt_err err = kt_verify_credential_update(&decision->client, &decision->waiting->pending, decision->recent,
                                                  kt_reply_body(&reply));
    code = err == KT_OK ? KT_EXIT_OK : refused(decision, err);
  } else {
    bool is_outage = reply.kind != KT_REPLY_PROBLEM || reply.status >= 500 || reply.status == 429;
    code = is_outage ? kt_session_refused(session, &reply, "asking for the update of a credential") : KT_EXIT_FAILED;
  }
  kt_reply_release(&reply);
  return code;
}

/* "If a user … is unable to finally verify it before the credential expires, the user MUST attempt to obtain and verify
 * a CredentialUpdate from the Transparency Log directly." (R67) */
static enum kt_exit expire(struct decision *decision)
{
  uint64_t distinguished = 0;
  enum kt_credential_stage stage = kt_credential_stage(&decision->waiting->pending, decision->recent, &distinguished);
  if (stage == KT_CREDENTIAL_WAITING) {
    return report(decision, "the log never came to the entries that it shows");
  }
  enum kt_exit code = ask_for_update(decision, distinguished);
  if (code == KT_EXIT_OK) {
    return confirmed(decision);
  }
  if (code != KT_EXIT_FAILED) {
    append(decision, "expired");
    return code;
  }
  return report(decision, "the log has no update that confirms it");
}

static enum kt_exit check_one(struct kt_session *session, const struct kt_recent_heads *recent,
                              const struct kt_waiting_credential *waiting)
{
  struct decision decision;
  enum kt_exit code = kt_credentials_decide(session, recent, waiting);
  if (code == KT_EXIT_OK || code == KT_EXIT_USAGE) {
    return code;
  }
  decision_init(&decision, session, recent, waiting);
  if (code == KT_EXIT_FAILED) {
    return report(&decision, "the log is not the one that it shows");
  }
  if (kt_credential_is_expired(&waiting->pending, recent, &session->config)) {
    return expire(&decision);
  }
  append(&decision, "waiting");
  return KT_EXIT_OK; /* nothing is wrong with waiting */
}

/* --- the heads ------------------------------------------------------------------------------------------------------------ */

struct known {
  struct kt_recent_heads recent;
  struct kt_waiting_credential *waiting;
  size_t n_waiting;
};

static enum kt_err load(void *ctx, struct kt_session *session)
{
  struct known *known = ctx;
  enum kt_err err = kt_state_recent(&session->state, &session->arena, &known->recent);
  return err == KT_OK ? kt_state_waiting(&session->state, &session->arena, &known->waiting, &known->n_waiting) : err;
}

static enum kt_exit load_known(struct kt_session *session, struct known *known)
{
  const struct kt_tree_state *tree = &session->pinned->log.tree;
  enum kt_err err;
  enum kt_exit code = kt_session_read(session, load, known, &err);
  if (code == KT_EXIT_OK && tree->size > 0 &&
      tree->frontier[tree->n_frontier - 1].timestamp_ms > known->recent.rightmost_ms) {
    known->recent.rightmost_ms = tree->frontier[tree->n_frontier - 1].timestamp_ms;
  }
  return code;
}

enum kt_exit kt_credentials_recent(struct kt_session *session, struct kt_recent_heads *ret_recent)
{
  struct known known = { .n_waiting = 0 };
  struct kt_reason reason = { .code = NULL };
  enum kt_exit code = load_known(session, &known);
  if (code != KT_EXIT_OK) {
    return code;
  }
  if (known.recent.n_recent == 0) {
    return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "no-heads",
                          "this home has learned none of the log's distinguished heads yet, so it cannot check "
                          "credentials: run kt-verify monitor once, and do so regularly");
  }
  enum kt_err err = kt_recent_check_age(&known.recent, &session->config, kt_now_ms(), &reason);
  if (err != KT_OK) {
    return kt_output_fail_reason(session->out, err, &reason, "credentials cannot be judged now");
  }
  *ret_recent = known.recent;
  return KT_EXIT_OK;
}

/* "SHOULD refresh its view of the recently issued distinguished log entries roughly as frequently as the RMW". A clock
 * that was set back makes it due. */
static bool is_due(const struct kt_session *session, const struct kt_recent_heads *recent, uint64_t now_ms)
{
  return recent->learned_ms == 0 || now_ms < recent->learned_ms ||
         now_ms - recent->learned_ms >= session->config.reasonable_monitoring_window;
}

enum kt_exit kt_credentials_check(struct kt_session *session)
{
  const struct kt_distinguished_result *result;
  struct known known = { .n_waiting = 0 };
  enum kt_exit worst = load_known(session, &known);
  if (worst == KT_EXIT_OK && is_due(session, &known.recent, kt_now_ms())) {
    worst = kt_heads_refresh(session, &result);
    if (worst == KT_EXIT_OK) {
      worst = load_known(session, &known);
    }
  }
  if (worst != KT_EXIT_OK) {
    return worst;
  }
  for (size_t i = 0; i < known.n_waiting; i++) {
    worst = (enum kt_exit)kt_exit_code_worse((int)worst, (int)check_one(session, &known.recent, &known.waiting[i]));
  }
  return worst;
}
