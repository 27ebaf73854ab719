/* SPDX-License-Identifier: Apache-2.0 */
/* credential check: for who receives them (draft: Credentials). Nobody is asked, and of what this home knows only the list
 * of waiting credentials changes: contacts, alerts and the log's state stay as they are. */
#include <inttypes.h>
#include <stdio.h>

#include <kt/credential.h>

#include "credential_file.h"
#include "credential_queue.h"
#include "owner_report.h"
#include "report.h"
#include "report_set.h"
#include "verbs.h"
#include "watch.h"

struct checking {
  struct kt_session *session;
  struct kt_credential_file file;
  struct kt_recent_heads recent;
  struct kt_credential_result result;
  struct kt_waiting_credential waiting;
  struct kt_other_label other; /* what is known of the sender by other ways */
  struct kt_contact_verdict verdict;
  bool is_confirmed; /* the log was seen to keep its word about it */
  char name[4 * KT_LABEL_MAX + 8];
};

static struct kt_client client_of(const struct checking *checking, struct kt_reason *reason)
{
  return (struct kt_client){ .config = &checking->session->config,
                             .log = &checking->session->pinned->log,
                             .now_ms = kt_now_ms(),
                             .arena = &checking->session->arena,
                             .reason = reason };
}

/* --- words -------------------------------------------------------------------------------------------------------------- */

static void explain(const struct checking *checking)
{
  struct kt_output *out = checking->session->out;
  const struct kt_credential_result *result = &checking->result;
  char time[KT_TIME_SIZE];
  kt_report_time(result->shown_ms, time);
  kt_output_data(out,
                 "What was checked: the log had these keys for %s as the newest ones at %s.\n"
                 "Not checked: whether they changed since, and who holds them. This compares keys, not people.\n"
                 "The log was not asked, so it does not know that you talk to %s.\n",
                 checking->name, time, checking->name);
  if (checking->is_confirmed) {
    kt_output_data(out, "Provisional when it was made; the log has confirmed it since.\n");
  } else if (result->is_provisional) {
    kt_output_data(out,
                   "Provisional: these keys are younger than the entries of the log that everybody checks. You can use "
                   "them; the log has signed for them. Whether it keeps its word is checked when %s sends an update "
                   "(kt-verify credential check FILE) and in any case by kt-verify monitor once, which alerts you if "
                   "not.\n",
                   checking->name);
  }
}

static void report(const struct checking *checking, enum kt_exit code)
{
  struct kt_output *out = checking->session->out;
  const struct kt_credential_result *result = &checking->result;
  kt_output_set(out, "label", kt_output_text(result->label));
  kt_output_set(out, "version", json_integer((json_int_t)result->version));
  kt_output_set(out, "type", json_string(result->is_provisional ? "provisional" : "standard"));
  kt_output_set(out, "position", json_integer((json_int_t)result->position));
  kt_output_set(out, "id", kt_output_hex((struct kt_bytes){ result->id.b, KT_HASH_LEN }));
  kt_output_status(out, code, "%s version %" PRIu32 ", by a %s credential", checking->name, result->version,
                   result->is_provisional ? "provisional" : "standard");
  kt_report_set(out, &checking->verdict.judgement, checking->verdict.is_endorsed);
  kt_report_contact(out, &checking->other.contact);
  for (size_t i = 0; i < checking->verdict.n_alerts; i++) {
    (void)kt_report_append_alert(out, &checking->verdict.alerts[i]);
    kt_report_alert(out, &checking->verdict.alerts[i], result->label);
  }
  explain(checking);
}

/* --- a credential ------------------------------------------------------------------------------------------------------- */

static enum kt_err load_contact(void *ctx, struct kt_session *session)
{
  struct checking *checking = ctx;
  return kt_state_contact(&session->state, checking->result.label, &session->arena, &checking->other);
}

/* Against what is pinned. What is found is shown and not recorded: a lookup would raise it. */
static enum kt_exit judge(struct checking *checking)
{
  struct kt_session *session = checking->session;
  const struct kt_credential_result *result = &checking->result;
  enum kt_err err;
  enum kt_exit code = kt_session_read(session, load_contact, checking, &err);
  if (code != KT_EXIT_OK) {
    return code;
  }
  const struct kt_logged_value logged = { .log_id = session->log_id,
                                          .label = result->label,
                                          .value = result->value,
                                          .version = result->version,
                                          .position =
                                              result->is_provisional ? result->pending.terminal : result->position,
                                          .time_ms = result->shown_ms };
  err = kt_watch_verdict(&checking->other, &logged, false, kt_now_ms(), &session->arena, &checking->verdict);
  return err == KT_OK ? KT_EXIT_OK : kt_output_fail(session->out, KT_EXIT_UNDECIDED, "memory", "%s", kt_err_text(err));
}

/* Our own lookup may have shown a newer version: then this one is genuine, and no longer what to use. */
static enum kt_exit superseded(struct checking *checking)
{
  return kt_output_fail(checking->session->out, KT_EXIT_UNDECIDED, "superseded",
                        "%s: the credential is genuine and about version %" PRIu32 ", but version %" PRIu32
                        " is known here already: use that one (kt-verify lookup), or ask for a newer credential",
                        checking->name, checking->result.version, checking->other.version);
}

static enum kt_err put_waiting(void *ctx, struct kt_session *session)
{
  struct checking *checking = ctx;
  enum kt_err err = kt_state_waiting_one(&session->state, &checking->result.id, &session->arena, &checking->waiting);
  if (err != KT_ERR_ABSENT) { /* received before: an update may have come in between */
    return err;
  }
  checking->waiting = (struct kt_waiting_credential){ .pending = checking->result.pending,
                                                      .credential = checking->file.body,
                                                      .received_ms = kt_now_ms() };
  return kt_state_put_waiting(&session->state, &checking->waiting);
}

static enum kt_exit too_many(struct kt_session *session)
{
  return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "too-many",
                        "too many provisional credentials wait to be confirmed, or they are too large: run kt-verify "
                        "monitor once first");
}

/* "Provisional credentials that pass initial verification are retained by the receiving user until the credential passes
 * final verification." */
static enum kt_exit keep(struct checking *checking)
{
  struct kt_session *session = checking->session;
  enum kt_err err;
  enum kt_exit code = kt_session_write(session, put_waiting, checking, &err);
  if (code == KT_EXIT_OK && err == KT_ERR_LIMIT) {
    return too_many(session);
  }
  if (code != KT_EXIT_OK) {
    return code;
  }
  code = kt_credentials_decide(session, &checking->recent, &checking->waiting);
  checking->is_confirmed = code == KT_EXIT_OK;
  return code == KT_EXIT_UNDECIDED ? KT_EXIT_OK : code;
}

static bool is_alert(const struct checking *checking)
{
  for (size_t i = 0; i < checking->verdict.n_alerts; i++) {
    if (!checking->verdict.alerts[i].is_note) {
      return true;
    }
  }
  return false;
}

static enum kt_exit check_credential(struct checking *checking)
{
  struct kt_session *session = checking->session;
  struct kt_reason reason = { .code = NULL };
  const struct kt_client client = client_of(checking, &reason);
  enum kt_err err = kt_verify_credential(&client, &checking->recent, checking->file.body, &checking->result);
  kt_output_check(session->out, "credential", err == KT_OK);
  if (err != KT_OK) {
    return kt_output_fail_reason(session->out, err, &reason, "the credential");
  }
  kt_text_clean(checking->result.label, checking->name, sizeof checking->name);
  enum kt_exit code = judge(checking);
  if (code == KT_EXIT_OK && checking->result.is_provisional) {
    code = keep(checking);
  }
  if (code != KT_EXIT_OK) {
    return code;
  }
  if (checking->other.has_version && checking->other.version > checking->result.version) {
    return superseded(checking);
  }
  code = is_alert(checking) ? KT_EXIT_ALERT : (enum kt_exit)kt_contact_exit_code(0, &checking->other.contact);
  report(checking, code);
  return code;
}

/* --- an update ---------------------------------------------------------------------------------------------------------- */

static enum kt_err load_waiting(void *ctx, struct kt_session *session)
{
  struct checking *checking = ctx;
  return kt_state_waiting_one(&session->state, &checking->file.of, &session->arena, &checking->waiting);
}

static enum kt_err put_update(void *ctx, struct kt_session *session)
{
  const struct checking *checking = ctx;
  return kt_state_put_waiting(&session->state, &checking->waiting);
}

/* "users SHOULD support receiving a CredentialUpdate before they're capable of verifying it … by queueing it for later
 * verification." */
static enum kt_exit queue_update(struct checking *checking)
{
  struct kt_session *session = checking->session;
  enum kt_err err;
  enum kt_exit code = kt_session_write(session, put_update, checking, &err);
  if (code == KT_EXIT_OK && err == KT_ERR_LIMIT) {
    return too_many(session);
  }
  if (code != KT_EXIT_OK || err != KT_OK) {
    return code != KT_EXIT_OK ? code : kt_session_store_failed(session, err);
  }
  kt_output_status(session->out, KT_EXIT_UNDECIDED, "%s: kept for later", checking->name);
  return kt_output_fail(
      session->out, KT_EXIT_UNDECIDED, "credential-waiting",
      "%s: the log's entry that this update leads to is not known here yet; the next kt-verify monitor "
      "once will know, and decide",
      checking->name);
}

static enum kt_exit check_update(struct checking *checking)
{
  struct kt_session *session = checking->session;
  struct kt_reason reason = { .code = NULL };
  const struct kt_client client = client_of(checking, &reason);
  enum kt_err err;
  enum kt_exit code = kt_session_read(session, load_waiting, checking, &err);
  if (code != KT_EXIT_OK) {
    return code;
  }
  if (err == KT_ERR_ABSENT) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "no-credential",
                          "no credential waits here for this update: it was confirmed already, or check the credential "
                          "first");
  }
  const struct kt_credential_pending *pending = &checking->waiting.pending;
  kt_text_clean(pending->label, checking->name, sizeof checking->name);
  kt_output_set(session->out, "label", kt_output_text(pending->label));
  checking->waiting.update = checking->file.body;
  if (kt_credential_stage(pending, &checking->recent, NULL) != KT_CREDENTIAL_BY_UPDATE) {
    code = kt_credentials_decide(session, &checking->recent, &checking->waiting);
    return code == KT_EXIT_UNDECIDED ? queue_update(checking) : code;
  }
  err = kt_verify_credential_update(&client, pending, &checking->recent, checking->file.body);
  if (err != KT_OK) {
    kt_output_check(session->out, "credential-final", false);
    return kt_output_fail_reason(session->out, err, &reason, "the update");
  }
  return kt_credentials_decide(session, &checking->recent, &checking->waiting);
}

enum kt_exit kt_verb_credential_check(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct checking checking = { .session = &session };
  enum kt_exit code = kt_session_open(&session, cli, out);
  out->verified = true;
  if (code == KT_EXIT_OK) {
    code = kt_credential_file_read(&session, cli->args[0], &checking.file);
  }
  if (code == KT_EXIT_OK) {
    code = kt_credentials_recent(&session, &checking.recent);
  }
  if (code == KT_EXIT_OK) {
    code = checking.file.is_update ? check_update(&checking) : check_credential(&checking);
  }
  kt_session_close(&session);
  return code;
}
