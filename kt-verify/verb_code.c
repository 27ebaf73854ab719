/* SPDX-License-Identifier: Apache-2.0 */
/* code show, compare: safety numbers. The person types or pastes the other's digits, the program compares. */
#include <kt/safety_number.h>

#include <stdlib.h>
#include <string.h>

#include "owner_report.h"
#include "state_alerts.h"
#include "verbs.h"
#include "watch.h"

#define BIT(kind) (1u << (kind))
#define TYPED_MAX 1024

struct code {
  struct kt_session session;
  struct kt_own_label own;
  struct kt_watch watch;
  struct kt_account_key theirs;
  struct kt_safety_number number;
  bool matches;
  uint16_t differ;  /* groups */
  char detail[256]; /* of the alert */
};

/* "one's own account is the only one there is, or --as LABEL" */
static enum kt_exit choose_account(struct code *code)
{
  struct kt_session *session = &code->session;
  struct kt_bytes *labels;
  size_t n;
  uint64_t generation;
  const char *as = session->cli->values[KT_OPT_AS];
  if (as != NULL) {
    return kt_own_open_said(&code->own, session, as);
  }
  enum kt_err err = kt_state_begin_read(&session->state, &generation);
  if (err == KT_OK) {
    err = kt_state_account_labels(&session->state, &session->arena, &labels, &n);
    kt_state_rollback(&session->state);
  }
  if (err != KT_OK) {
    return kt_session_store_failed(session, err);
  }
  if (n == 1) {
    return kt_own_open(&code->own, session, labels[0]);
  }
  return kt_output_fail(session->out, KT_EXIT_USAGE, n == 0 ? "no-account" : "which-account",
                        n == 0 ? "there is no account of yours here: kt-verify account create makes one"
                               : "several accounts here: say which one is yours with --as LABEL");
}

/* The code is about the key the log shows now; somebody never looked up is looked up. */
static enum kt_exit find_their_key(struct code *code)
{
  enum kt_exit exit_code = kt_watch_load(&code->watch);
  if (exit_code == KT_EXIT_OK && kt_contact_current_key(&code->watch.other.contact) == NULL) {
    exit_code = kt_watch_look(&code->watch);
    if (exit_code == KT_EXIT_ABSENT) {
      kt_output_status(code->session.out, exit_code, "%s: the log proves that this label does not exist",
                       code->watch.name);
    }
  }
  const struct kt_account_key *key = kt_contact_current_key(&code->watch.other.contact);
  if (exit_code == KT_EXIT_OK && key == NULL) {
    return kt_output_fail(code->session.out, KT_EXIT_ALERT, "no-account-key",
                          "%s has no account key in the log: there is nothing to compare", code->watch.name);
  }
  if (exit_code == KT_EXIT_OK) {
    code->theirs = *key;
  }
  return exit_code;
}

static enum kt_exit open_code(struct code *code, const struct kt_cli *cli, struct kt_output *out)
{
  enum kt_exit exit_code = kt_session_open(&code->session, cli, out);
  if (exit_code == KT_EXIT_OK) {
    exit_code = choose_account(code);
  }
  if (exit_code == KT_EXIT_OK) {
    kt_watch_init(&code->watch, &code->session, kt_text_bytes(cli->args[0]));
    kt_output_set(out, "label", kt_output_text(code->watch.label));
    exit_code = find_their_key(code);
  }
  if (exit_code == KT_EXIT_OK) {
    kt_safety_number_compute(&code->own.account.key, code->own.label, &code->theirs, code->watch.label, &code->number);
  }
  return exit_code;
}

enum kt_exit kt_verb_code_show(const struct kt_cli *cli, struct kt_output *out)
{
  struct code code = { .matches = false };
  enum kt_exit exit_code = open_code(&code, cli, out);
  if (exit_code == KT_EXIT_OK) {
    char text[KT_SAFETY_NUMBER_TEXT_SIZE];
    kt_safety_number_format(&code.number, text);
    kt_output_set(out, "code", json_string(code.number.digits));
    kt_output_data(out, "%s\n", text);
    kt_output_note(out,
                   "kt-verify: between %s and %s. Ask for the digits the other person sees, by voice or in person, "
                   "then: kt-verify code compare %s DIGITS\n",
                   code.own.name, code.watch.name, code.watch.name);
    kt_report_contact(out, &code.watch.other.contact);
  }
  kt_session_close(&code.session);
  return exit_code;
}

/* --- compare ---------------------------------------------------------------------------------------------------------- */

/* From the arguments, which a shell may have split at blanks, or from stdin. */
static void read_typed(const struct kt_cli *cli, char ret_typed[static TYPED_MAX])
{
  size_t len = 0;
  ret_typed[0] = '\0';
  if (cli->n_args == 2 && strcmp(cli->args[1], "-") == 0) {
    len = fread(ret_typed, 1, TYPED_MAX - 1, stdin);
    ret_typed[len] = '\0';
    return;
  }
  for (size_t i = 1; i < cli->n_args; i++) {
    int n = snprintf(ret_typed + len, TYPED_MAX - len, "%s ", cli->args[i]);
    len += n > 0 && (size_t)n < TYPED_MAX - len ? (size_t)n : 0;
  }
}

static void describe_groups(struct code *code)
{
  size_t len = (size_t)snprintf(code->detail, sizeof code->detail, "Of the 12 groups these differ:");
  for (unsigned i = 0; i < KT_SAFETY_NUMBER_GROUPS; i++) {
    if ((code->differ & (1u << i)) != 0) {
      len += (size_t)snprintf(code->detail + len, sizeof code->detail - len, " %u", i + 1);
    }
  }
}

static enum kt_err keep_mismatch(struct code *code, struct kt_session *session)
{
  struct kt_alert alert = { .kind = KT_ALERT_CODE_MISMATCH, .audience = KT_AUDIENCE_CONTACT, .detail = code->detail };
  /* Under another account of one's own it is another finding. */
  const struct kt_bytes parts[] = { { code->own.account.key.b, KT_ACCOUNT_KEY_LEN },
                                    { code->theirs.b, KT_ACCOUNT_KEY_LEN } };
  enum kt_raised raised;
  kt_alert_id_compute(alert.kind, &session->log_id, code->watch.label, parts, 2, &alert.id);
  return kt_state_raise(&session->state, &alert, code->watch.label, kt_now_ms(), &session->arena, &raised);
}

static enum kt_err keep_result(void *ctx, struct kt_session *session)
{
  struct code *code = ctx;
  struct kt_watch *watch = &code->watch;
  struct kt_contact *contact = &watch->other.contact;
  enum kt_err err = kt_state_contact(&session->state, watch->label, &session->arena, &watch->other);
  const struct kt_account_key *key = kt_contact_current_key(contact);
  if (err == KT_OK && (key == NULL || !kt_account_key_equal(key, &code->theirs))) {
    return KT_ERR_CONFLICT; /* another process learnt of a new key meanwhile */
  }
  if (err == KT_OK) {
    err = kt_contact_compared(contact, KT_METHOD_SAFETY_NUMBER, code->matches, kt_now_ms(), contact);
  }
  if (err == KT_OK) {
    err = kt_state_put_contact(&session->state, &watch->other);
  }
  if (err != KT_OK) {
    return err;
  }
  return code->matches
             ? kt_watch_settle(session, watch->label, BIT(KT_ALERT_CODE_MISMATCH) | BIT(KT_ALERT_ACCOUNT_KEY_CHANGED),
                               KT_SETTLEMENT_MATCHED, 0)
             : keep_mismatch(code, session);
}

static enum kt_exit compare(struct code *code, const struct kt_safety_number *typed)
{
  struct kt_session *session = &code->session;
  enum kt_err err;
  code->differ = kt_safety_number_compare(&code->number, typed);
  code->matches = code->differ == 0;
  describe_groups(code);
  enum kt_exit exit_code = kt_session_write(session, keep_result, code, &err);
  if (exit_code == KT_EXIT_OK && err != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "busy", "%s: the contact changed meanwhile; compare again",
                          code->watch.name);
  }
  if (exit_code != KT_EXIT_OK) {
    return exit_code;
  }
  kt_output_set(session->out, "match", json_boolean(code->matches));
  if (code->matches) {
    kt_output_status(session->out, kt_report_code(session, code->watch.label, KT_EXIT_OK),
                     "MATCH, %s is a verified contact", code->watch.name);
  } else {
    kt_output_fail(session->out, KT_EXIT_ALERT, "code-mismatch", "%s: MISMATCH. %s", code->watch.name, code->detail);
  }
  kt_report_contact(session->out, &code->watch.other.contact);
  exit_code = kt_report_alerts(session, code->watch.label, KT_EXIT_OK);
  return code->matches ? exit_code : KT_EXIT_ALERT;
}

enum kt_exit kt_verb_code_compare(const struct kt_cli *cli, struct kt_output *out)
{
  struct code code = { .matches = false };
  struct kt_safety_number typed;
  struct kt_reason reason = { .code = NULL };
  char text[TYPED_MAX];
  read_typed(cli, text);
  out->verified = true;
  enum kt_exit exit_code = open_code(&code, cli, out);
  if (exit_code == KT_EXIT_OK) {
    enum kt_err err = kt_safety_number_parse(kt_text_bytes(text), &typed, &reason);
    exit_code = err == KT_OK ? compare(&code, &typed) : kt_output_fail_reason(out, err, &reason, "the digits");
  }
  kt_session_close(&code.session);
  return exit_code;
}
