/* SPDX-License-Identifier: Apache-2.0 */
/* credential make, update: for who sends them (draft: Credentials). The log is asked; what it answers is verified as the
 * receiver will verify it, and against the log that this home knows, before it is handed on. */
#include <inttypes.h>

#include <kt/credential.h>

#include "credential_file.h"
#include "credential_queue.h"
#include "crypto/hash.h"
#include "heads.h"
#include "owner_report.h"
#include "tree/log_tree.h"
#include "verbs.h"
#include "wire/credential.h"

struct making {
  struct kt_session *session;
  struct kt_own_label own;
  struct kt_recent_heads recent;
  struct kt_bytes credential;
  struct kt_credential_result result;
};

/* What the log answers, in the arena. */
static enum kt_exit ask(struct kt_session *session, const char *path, const struct kt_writer *request, const char *what,
                        struct kt_bytes *ret_body)
{
  struct kt_reply reply;
  if (request->err != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "request", "%s: %s", what, kt_err_text(request->err));
  }
  kt_transport_post(session->transport, path, (struct kt_bytes){ request->buf, request->len }, NULL, &reply);
  enum kt_exit code = KT_EXIT_OK;
  if (reply.kind == KT_REPLY_OK) {
    const struct kt_bytes body = { kt_arena_copy(&session->arena, reply.body, reply.len), reply.len };
    *ret_body = body;
    code = body.data != NULL ? KT_EXIT_OK
                             : kt_output_fail(session->out, KT_EXIT_UNDECIDED, "memory", "%s: out of memory", what);
  } else {
    code = kt_session_refused(session, &reply, what);
  }
  kt_reply_release(&reply);
  return code;
}

static struct kt_client client_of(const struct making *making, struct kt_reason *reason)
{
  return (struct kt_client){ .config = &making->session->config,
                             .log = &making->session->pinned->log,
                             .now_ms = kt_now_ms(),
                             .arena = &making->session->arena,
                             .reason = reason };
}

/* --- make ------------------------------------------------------------------------------------------------------------- */

static enum kt_exit choose_position(struct making *making, uint64_t *ret_position)
{
  struct kt_output *out = making->session->out;
  const char *text = making->session->cli->values[KT_OPT_POSITION];
  const struct kt_tree_state *head = kt_recent_settled(&making->recent, &making->session->config);
  if (text != NULL) {
    return kt_cli_number(text, INT64_MAX - 1, ret_position)
               ? KT_EXIT_OK
               : kt_output_fail(out, KT_EXIT_USAGE, "usage", "--position %s: not a log entry", text);
  }
  if (head == NULL) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "no-heads",
                          "the log has no distinguished entry yet that a credential could rest on");
  }
  *ret_position = head->size - 1;
  return KT_EXIT_OK;
}

static enum kt_exit verify(struct making *making)
{
  struct kt_session *session = making->session;
  struct kt_reason reason = { .code = NULL };
  const struct kt_client client = client_of(making, &reason);
  enum kt_err err = kt_verify_credential(&client, &making->recent, making->credential, &making->result);
  kt_output_check(session->out, "credential", err == KT_OK);
  return err == KT_OK ? KT_EXIT_OK : kt_output_fail_reason(session->out, err, &reason, "the credential");
}

/* The receiver learns what the log says about the sender: it had better be what the sender says. */
static enum kt_exit compare_own(const struct making *making)
{
  struct kt_output *out = making->session->out;
  const struct kt_own_account *account = &making->own.account;
  const struct kt_credential_result *result = &making->result;
  struct kt_hash values[2];
  kt_sha256(result->value.data, result->value.len, &values[0]);
  kt_sha256(account->latest.data, account->latest.len, &values[1]);
  if (result->version >= account->n_judged) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "newer-version",
                          "%s: a newer version appeared just now: see what it is with kt-verify monitor once, then try "
                          "again",
                          making->own.name);
  }
  if (result->version + 1 != account->n_judged || !kt_hash_equal(&values[0], &values[1])) {
    return kt_output_fail(out, KT_EXIT_FAILED, "version-rollback",
                          "%s: the credential is not about the newest version that the log has shown you",
                          making->own.name);
  }
  return KT_EXIT_OK;
}

/* The tree that a provisional credential shows must be the log's: ours is brought up to date on its own account first,
 * because a credential must not change it. */
static enum kt_exit compare_tree(struct making *making)
{
  struct kt_session *session = making->session;
  const struct kt_tree_state *tree = making->result.pending.tree;
  const struct kt_distinguished_result *result;
  struct kt_bytes consistency;
  struct kt_hash shown;
  struct kt_hash root;
  enum kt_exit code = KT_EXIT_OK;
  if (tree->size > session->pinned->log.tree.size) {
    code = kt_heads_refresh(session, &result);
  }
  if (code == KT_EXIT_OK && tree->size > session->pinned->log.tree.size) {
    return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "log-smaller",
                          "the log shows an older head than the credential does: try again");
  }
  if (code == KT_EXIT_OK) {
    code = kt_heads_root_at(session, tree->size, &session->arena, &root, &consistency);
  }
  kt_log_root(tree->size, tree->heads, &shown);
  if (code == KT_EXIT_OK && !kt_hash_equal(&shown, &root)) {
    return kt_output_fail(session->out, KT_EXIT_FAILED, "fork",
                          "the credential shows another log than the one known "
                          "here: do not send it");
  }
  return code;
}

static void explain_made(const struct making *making)
{
  struct kt_output *out = making->session->out;
  const struct kt_credential_result *result = &making->result;
  kt_output_note(
      out,
      "kt-verify: a %s credential for %s, version %" PRIu32 ". Send it to whom you like: it proves what "
      "everybody can look up, and holds no secret. Whoever gets it checks it with kt-verify credential check, "
      "without telling the log.\n",
      result->is_provisional ? "provisional" : "standard", making->own.name, result->version);
  if (result->is_provisional) {
    kt_output_note(out,
                   "kt-verify: your newest version is younger than log entry %" PRIu64
                   ", which it rests on. Keep the file, and in about one monitoring window send what\n"
                   "    kt-verify credential update FILE\nprints after it.\n",
                   result->position);
  }
}

static enum kt_exit hand_out(struct making *making)
{
  struct kt_session *session = making->session;
  const struct kt_credential_result *result = &making->result;
  const struct kt_credential_file file = { .log_id = session->log_id, .of = result->id, .body = making->credential };
  kt_output_set(session->out, "version", json_integer((json_int_t)result->version));
  kt_output_set(session->out, "type", json_string(result->is_provisional ? "provisional" : "standard"));
  kt_output_set(session->out, "position", json_integer((json_int_t)result->position));
  kt_output_set(session->out, "id", kt_output_hex((struct kt_bytes){ result->id.b, KT_HASH_LEN }));
  enum kt_exit code = kt_credential_file_write(session, &file);
  if (code == KT_EXIT_OK) {
    explain_made(making);
  }
  return code;
}

static enum kt_exit fetch(struct making *making)
{
  struct kt_writer request;
  uint64_t position = 0;
  enum kt_exit code = choose_position(making, &position);
  if (code != KT_EXIT_OK) {
    return code;
  }
  kt_writer_init(&request, KT_REQUEST_MAX);
  kt_request_credential(&request, making->own.label, position);
  code = ask(making->session, "/v1/credential", &request, "asking for a credential", &making->credential);
  kt_writer_release(&request);
  return code;
}

/* Newest versions judged, newest heads learned. */
static enum kt_exit refresh(struct making *making)
{
  struct kt_session *session = making->session;
  const struct kt_distinguished_result *result;
  enum kt_exit code = kt_own_refresh(&making->own);
  if (code == KT_EXIT_OK && making->own.account.n_judged == 0) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "no-version", "%s: you have published no devices yet",
                          making->own.name);
  }
  if (code == KT_EXIT_OK && kt_report_code(session, making->own.label, code) != KT_EXIT_OK) {
    code = kt_report_alerts(session, making->own.label, code);
    kt_output_note(session->out, "kt-verify: no credential is made while an alert about your account is open\n");
    return code;
  }
  if (code == KT_EXIT_OK) {
    code = kt_heads_refresh(session, &result);
  }
  return code == KT_EXIT_OK ? kt_credentials_recent(session, &making->recent) : code;
}

static enum kt_exit make(struct making *making)
{
  enum kt_exit code = refresh(making);
  if (code == KT_EXIT_OK) {
    code = fetch(making);
  }
  if (code == KT_EXIT_OK) {
    code = verify(making);
  }
  if (code == KT_EXIT_OK) {
    code = compare_own(making);
  }
  if (code == KT_EXIT_OK && making->result.is_provisional) {
    code = compare_tree(making);
  }
  return code == KT_EXIT_OK ? hand_out(making) : code;
}

enum kt_exit kt_verb_credential_make(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct making making = { .session = &session };
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    kt_output_set(out, "label", kt_output_text(kt_text_bytes(cli->args[0])));
    code = kt_own_open_said(&making.own, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    out->verified = true;
    code = make(&making);
  }
  kt_session_close(&session);
  return code;
}

/* --- update ------------------------------------------------------------------------------------------------------------- */

static enum kt_exit fetch_update(struct making *making, uint64_t distinguished, struct kt_bytes *ret_update)
{
  struct kt_session *session = making->session;
  struct kt_reason reason = { .code = NULL };
  struct kt_writer request;
  kt_writer_init(&request, KT_REQUEST_MAX);
  kt_request_credential_update(&request, &making->result.pending, distinguished);
  enum kt_exit code =
      ask(session, "/v1/credential-update", &request, "asking for the update of a credential", ret_update);
  kt_writer_release(&request);
  if (code != KT_EXIT_OK) {
    return code;
  }
  const struct kt_client client = client_of(making, &reason);
  enum kt_err err = kt_verify_credential_update(&client, &making->result.pending, &making->recent, *ret_update);
  kt_output_check(session->out, "credential-final", err == KT_OK);
  return err == KT_OK ? KT_EXIT_OK : kt_output_fail_reason(session->out, err, &reason, "the update");
}

static enum kt_exit no_update(struct making *making, enum kt_credential_stage stage)
{
  struct kt_output *out = making->session->out;
  if (!making->result.is_provisional || stage == KT_CREDENTIAL_BY_HEAD) {
    kt_output_set(out, "needed", json_false());
    kt_output_note(out, "kt-verify: nothing has to be sent: %s\n",
                   making->result.is_provisional
                       ? "the entry is among the log's heads, and whoever has the credential will see it there"
                       : "the credential is a standard one, complete as it is");
    return KT_EXIT_OK;
  }
  return kt_output_fail(out, KT_EXIT_UNDECIDED, "credential-waiting",
                        "there is no update yet: the log has no distinguished entry beyond what the credential shows; "
                        "try again in about one monitoring window");
}

static enum kt_exit update(struct making *making)
{
  struct kt_session *session = making->session;
  const struct kt_distinguished_result *result;
  struct kt_credential_file file;
  enum kt_credential_stage stage = KT_CREDENTIAL_WAITING;
  uint64_t distinguished = 0;
  enum kt_exit code = kt_credential_file_read(session, session->cli->args[0], &file);
  if (code == KT_EXIT_OK && file.is_update) {
    code = kt_output_fail(session->out, KT_EXIT_USAGE, "credential-file", "%s is an update already",
                          session->cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    code = kt_heads_refresh(session, &result);
  }
  if (code == KT_EXIT_OK) {
    code = kt_credentials_recent(session, &making->recent);
  }
  if (code == KT_EXIT_OK) {
    making->credential = file.body;
    code = verify(making);
  }
  if (code != KT_EXIT_OK) {
    return code;
  }
  kt_output_set(session->out, "label", kt_output_text(making->result.label));
  if (making->result.is_provisional) {
    stage = kt_credential_stage(&making->result.pending, &making->recent, &distinguished);
  }
  if (stage != KT_CREDENTIAL_BY_UPDATE) {
    return no_update(making, stage);
  }
  file.is_update = true;
  code = fetch_update(making, distinguished, &file.body);
  return code == KT_EXIT_OK ? kt_credential_file_write(session, &file) : code;
}

enum kt_exit kt_verb_credential_update(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct making making = { .session = &session };
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    out->verified = true;
    code = update(&making);
  }
  kt_session_close(&session);
  return code;
}
