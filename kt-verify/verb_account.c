/* SPDX-License-Identifier: Apache-2.0 */
/* account create, show: one's own label. */
#include <inttypes.h>
#include <string.h>

#include "key_store.h"
#include "owner_report.h"
#include "verbs.h"

/* --- create ------------------------------------------------------------------------------------------------------------ */

static enum kt_exit explain_start(struct kt_own_label *own)
{
  struct kt_output *out = own->session->out;
  struct kt_bytes label = own->label;
  const struct kt_account_state *account = &own->account.account;
  enum kt_exit code = KT_EXIT_OK;
  if (account->has_key && !kt_account_key_equal(&account->key, &own->account.key)) {
    kt_output_status(out, KT_EXIT_ALERT, "%s already belongs to another account key", own->name);
    kt_output_data(out,
                   "  You can watch this account from here, but not publish for it. If it is yours, import its key\n"
                   "  (kt-verify account import); otherwise ask the operator of the log.\n");
    kt_output_fail(out, KT_EXIT_ALERT, "label-taken", "%s: the log shows another account key for this label",
                   own->name);
    code = KT_EXIT_ALERT;
  } else if (own->account.n_judged > 0) {
    kt_output_note(out,
                   "kt-verify: %s has %" PRIu32 " %s in the log already. Nothing is approved: look at the "
                   "devices, then use monitor approve or device remove\n",
                   own->name, own->account.n_judged, own->account.n_judged == 1 ? "version" : "versions");
  }
  kt_own_report_devices(own);
  return (enum kt_exit)kt_exit_code_worse((int)kt_report_alerts(own->session, label, KT_EXIT_OK), (int)code);
}

enum kt_exit kt_own_take_up(struct kt_session *session, struct kt_bytes label, const struct kt_secret *secret,
                            bool is_new)
{
  struct kt_own_label own;
  struct kt_account_key key;
  enum kt_exit code = kt_own_open(&own, session, label);
  if (code == KT_EXIT_OK) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "account-exists", "%s: this account is here already", own.name);
  }
  if (code != KT_EXIT_ABSENT) {
    return code;
  }
  if (kt_account_key_from_seed(secret->seed, &key) != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "crypto", "the account key cannot be used");
  }
  /* The key first: an account without its key could never be used, a key without account is found again. */
  code = is_new ? kt_key_save(session->out, session->state.home, label, secret) : KT_EXIT_OK;
  if (code == KT_EXIT_OK) {
    code = kt_own_create(&own, session, label, &key);
  }
  if (code == KT_EXIT_OK) {
    own.baseline = true;
    code = kt_own_refresh(&own);
  }
  if (code != KT_EXIT_OK) {
    return code;
  }
  kt_output_set(session->out, "label", kt_output_text(label));
  kt_output_status(session->out, code, "account %s is followed from here", own.name);
  kt_report_key(session->out, "account key", &key);
  return explain_start(&own);
}

/* A key left behind by an attempt that was cut off is taken up again. */
static enum kt_exit find_or_make_key(struct kt_session *session, struct kt_bytes label, struct kt_secret **ret_secret,
                                     bool *ret_is_new)
{
  enum kt_exit code = kt_key_load(session->out, session->state.home, label, ret_secret);
  *ret_is_new = code == KT_EXIT_ABSENT;
  return *ret_is_new ? kt_key_make(session->out, true, ret_secret) : code;
}

enum kt_exit kt_verb_account_create(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_secret *secret = NULL;
  bool is_new = false;
  enum kt_exit code = kt_session_open(&session, cli, out);
  const struct kt_bytes label = kt_text_bytes(cli->args[0]);
  if (code == KT_EXIT_OK) {
    code = kt_own_check_label(out, label);
  }
  if (code == KT_EXIT_OK) {
    code = find_or_make_key(&session, label, &secret, &is_new);
  }
  if (code == KT_EXIT_OK) {
    code = kt_own_take_up(&session, label, secret, is_new);
  }
  kt_secret_free(secret);
  kt_session_close(&session);
  return code;
}

/* --- show ---------------------------------------------------------------------------------------------------------------- */

enum kt_exit kt_verb_account_show(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_own_label own;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_own_open_said(&own, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    char checked[KT_TIME_SIZE];
    kt_report_time(own.account.checked_ms, checked);
    kt_output_set(out, "label", kt_output_text(own.label));
    kt_output_data(out, "account %s\n", own.name);
    kt_report_key(out, "account key", &own.account.key);
    kt_output_data(out, "last complete check %s\n", own.account.checked_ms > 0 ? checked : "never");
    kt_own_report_devices(&own);
  }
  kt_session_close(&session);
  return code;
}
