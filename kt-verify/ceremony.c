/* SPDX-License-Identifier: Apache-2.0 */
#include "ceremony.h"

#include <stdio.h>
#include <string.h>

#include "owner_report.h"
#include "state_alerts.h"

#define BIT(kind) (1u << (kind))

/* --- the two sides ------------------------------------------------------------------------------------------------------ */

static bool is_own(const struct kt_ceremony *ceremony, struct kt_bytes label)
{
  const struct kt_bytes own = ceremony->own.label;
  return ceremony->has_own && label.len == own.len && memcmp(label.data, own.data, own.len) == 0;
}

static enum kt_exit choose_account(struct kt_ceremony *ceremony)
{
  struct kt_session *session = &ceremony->session;
  struct kt_bytes *labels;
  size_t n;
  uint64_t generation;
  const char *as = session->cli->values[KT_OPT_AS];
  if (as != NULL) {
    return kt_own_open_said(&ceremony->own, session, as);
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
    return kt_own_open(&ceremony->own, session, labels[0]);
  }
  return kt_output_fail(session->out, KT_EXIT_USAGE, n == 0 ? "no-account" : "which-account",
                        n == 0 ? "there is no account of yours here: kt-verify account create makes one"
                               : "several accounts here: say which one is yours with --as LABEL");
}

/* The code is about the key the log shows now. */
enum kt_exit kt_ceremony_with(struct kt_ceremony *ceremony, struct kt_bytes label, bool ask)
{
  struct kt_watch *watch = &ceremony->watch;
  struct kt_output *out = ceremony->session.out;
  kt_watch_init(watch, &ceremony->session, label);
  kt_output_set(out, "label", kt_output_text(label));
  if (is_own(ceremony, label)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "own-account",
                          "%s is your own account: codes are compared with somebody else's", watch->name);
  }
  enum kt_exit code = kt_own_check_typed(&ceremony->session, label);
  code = code == KT_EXIT_OK ? kt_watch_load(watch) : code;
  if (code == KT_EXIT_OK && (ask || kt_contact_current_key(&watch->other.contact) == NULL)) {
    code = kt_watch_look(watch);
    if (code == KT_EXIT_ABSENT) {
      kt_output_status(out, code, "%s: the log proves that this label does not exist", watch->name);
    }
  }
  const struct kt_account_key *key = kt_contact_current_key(&watch->other.contact);
  if (code == KT_EXIT_OK && key == NULL) {
    return kt_output_fail(out, KT_EXIT_ALERT, "no-account-key",
                          "%s has no account key in the log: there is nothing to compare", watch->name);
  }
  if (code == KT_EXIT_OK) {
    ceremony->theirs = *key;
  }
  return code;
}

/* This client follows the key that an earlier one of the owner endorsed, whoever did that: a thief with a copy, perhaps.
 * A match would tell the other person to trust the thief's key, so only a key that is here is compared. */
enum kt_exit kt_ceremony_begin(struct kt_ceremony *ceremony, const struct kt_cli *cli, struct kt_output *out,
                               bool with_own)
{
  *ceremony = (struct kt_ceremony){ .has_own = with_own };
  enum kt_exit code = kt_session_open(&ceremony->session, cli, out);
  if (code == KT_EXIT_OK && with_own) {
    code = choose_account(ceremony);
    code = code == KT_EXIT_OK ? kt_own_check_key(&ceremony->own) : code;
  }
  return code;
}

enum kt_exit kt_ceremony_open(struct kt_ceremony *ceremony, const struct kt_cli *cli, struct kt_output *out,
                              bool with_own, bool ask)
{
  enum kt_exit code = kt_ceremony_begin(ceremony, cli, out, with_own);
  return code == KT_EXIT_OK ? kt_ceremony_with(ceremony, kt_text_bytes(cli->args[0]), ask) : code;
}

void kt_ceremony_close(struct kt_ceremony *ceremony)
{
  kt_session_close(&ceremony->session);
}

/* --- the outcome -------------------------------------------------------------------------------------------------------- */

struct settling {
  struct kt_ceremony *ceremony;
  const struct kt_ceremony_outcome *outcome;
};

static enum kt_err raise_mismatch(struct settling *settling, struct kt_session *session)
{
  struct kt_ceremony *ceremony = settling->ceremony;
  struct kt_alert alert = { .kind = KT_ALERT_CODE_MISMATCH,
                            .audience = KT_AUDIENCE_CONTACT,
                            .detail = settling->outcome->detail };
  /* Under another account of one's own it is another finding. A public code is about theirs alone. */
  const struct kt_bytes parts[] = { { ceremony->own.account.key.b, ceremony->has_own ? KT_ACCOUNT_KEY_LEN : 0 },
                                    { ceremony->theirs.b, KT_ACCOUNT_KEY_LEN } };
  enum kt_raised raised;
  kt_alert_id_compute(alert.kind, &session->log_id, ceremony->watch.label, parts, 2, &alert.id);
  return kt_state_raise(&session->state, &alert, ceremony->watch.label, kt_now_ms(), &session->arena, &raised);
}

static enum kt_err keep_outcome(void *ctx, struct kt_session *session)
{
  struct settling *settling = ctx;
  struct kt_watch *watch = &settling->ceremony->watch;
  struct kt_contact *contact = &watch->other.contact;
  bool matches = settling->outcome->matches;
  enum kt_err err = kt_state_contact(&session->state, watch->label, &session->arena, &watch->other);
  const struct kt_account_key *key = kt_contact_current_key(contact);
  if (err == KT_OK && (key == NULL || !kt_account_key_equal(key, &settling->ceremony->theirs))) {
    return KT_ERR_CONFLICT; /* another process learnt of a new key meanwhile */
  }
  if (err == KT_OK) {
    err = kt_contact_compared(contact, settling->outcome->method, matches, kt_now_ms(), contact);
  }
  if (err == KT_OK) {
    err = kt_state_put_contact(&session->state, &watch->other);
  }
  if (err != KT_OK) {
    return err;
  }
  return matches
             ? kt_watch_settle(session, watch->label, BIT(KT_ALERT_CODE_MISMATCH) | BIT(KT_ALERT_ACCOUNT_KEY_CHANGED),
                               KT_SETTLEMENT_MATCHED, 0)
             : raise_mismatch(settling, session);
}

/* Of a match: what was checked, what it means and does not mean. */
static const char *meaning(enum kt_contact_method method)
{
  if (method == KT_METHOD_PUBLIC_CODE) {
    return "  The log shows you the account key that the posted code stands for. This is worth as much as the place "
           "where "
           "you found the code: it checks keys, not who a person is. Devices that are added later need no new "
           "comparison.";
  }
  return "  The log shows each of you the account key that the other one has: nobody put a key of their own between "
         "you. "
         "This checks keys, not who a person is: that part is for your eyes and ears. Devices that are "
         "added later need no new comparison.";
}

/* Gives the exit code. */
static enum kt_exit report_match(struct kt_ceremony *ceremony, enum kt_contact_method method)
{
  struct kt_session *session = &ceremony->session;
  struct kt_watch *watch = &ceremony->watch;
  kt_output_status(session->out, kt_report_code(session, watch->label, KT_EXIT_OK), "MATCH, %s is a verified contact",
                   watch->name);
  kt_output_data(session->out, "%s\n", meaning(method));
  return ceremony->has_own ? kt_report_own_alerts(session, ceremony->own.label, ceremony->own.name) : KT_EXIT_OK;
}

enum kt_exit kt_ceremony_settle(struct kt_ceremony *ceremony, const struct kt_ceremony_outcome *outcome)
{
  struct kt_session *session = &ceremony->session;
  struct kt_watch *watch = &ceremony->watch;
  struct settling settling = { .ceremony = ceremony, .outcome = outcome };
  enum kt_err err;
  enum kt_exit code = kt_session_write(session, keep_outcome, &settling, &err);
  if (code == KT_EXIT_OK && err != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_UNDECIDED, "busy", "%s: the contact changed meanwhile; compare again",
                          watch->name);
  }
  if (code != KT_EXIT_OK) {
    return code;
  }
  kt_output_set(session->out, "match", json_boolean(outcome->matches));
  if (outcome->matches) {
    code = report_match(ceremony, outcome->method);
  } else {
    kt_output_fail(session->out, KT_EXIT_ALERT, "code-mismatch", "%s: MISMATCH. %s", watch->name, outcome->detail);
    kt_session_keep_answer(session, watch->label, watch->name);
  }
  kt_report_contact(session->out, &watch->other.contact);
  enum kt_exit with_alerts = kt_report_alerts(session, watch->label, code);
  return outcome->matches ? with_alerts : KT_EXIT_ALERT;
}

/* --- what was typed ----------------------------------------------------------------------------------------------------- */

void kt_ceremony_read_typed(const struct kt_cli *cli, size_t first, char *ret_text, size_t size)
{
  size_t len = 0;
  ret_text[0] = '\0';
  if (cli->n_args == first + 1 && strcmp(cli->args[first], "-") == 0) {
    len = fread(ret_text, 1, size - 1, stdin);
    ret_text[len] = '\0';
    return;
  }
  for (size_t i = first; i < cli->n_args; i++) {
    int n = snprintf(ret_text + len, size - len, "%s ", cli->args[i]);
    len += n > 0 && (size_t)n < size - len ? (size_t)n : 0;
  }
}
