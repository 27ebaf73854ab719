/* SPDX-License-Identifier: Apache-2.0 */
/* account create, show, forget: one's own label. */
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "key_store.h"
#include "owner_report.h"
#include "state_alerts.h"
#include "verbs.h"

/* --- create ------------------------------------------------------------------------------------------------------------ */

/* The log stands by another key: how to get there from here, by what the person may still have. */
static void explain_taken(struct kt_own_label *own)
{
  struct kt_output *out = own->session->out;
  const char *word = kt_output_word(own->name);
  char key[KT_HEX_SIZE(KT_ACCOUNT_KEY_LEN)];
  kt_hex_encode((struct kt_bytes){ own->account.key.b, KT_ACCOUNT_KEY_LEN }, key);
  kt_output_status(out, KT_EXIT_ALERT, "%s belongs to another account key in the log", own->name);
  kt_output_data(
      out,
      "  You can watch this account from here, but you cannot publish for it.\n"
      "  If it is not yours, choose another label. If it is yours and you lost its key:\n"
      "    you exported the key, or another computer of yours has it:\n"
      "        kt-verify account import %s < FILE\n"
      "    you have a recovery key on paper:\n"
      "        kt-verify account recovery-key use %s\n"
      "    neither: the operator of the log can put the key of this home in place. Prove to them who you are, and give "
      "them this account key:\n"
      "        %s\n"
      "    They run: kt-server update-label DIR LABEL FILE.json, with it as \"account_key\". Then publish:\n"
      "        kt-verify device add %s --name NAME --key ALG:BASE64\n"
      "    Everybody who knew the account gets an alert then, until you compare codes with them.\n",
      word, word, key, word);
}

static enum kt_exit explain_start(struct kt_own_label *own)
{
  struct kt_output *out = own->session->out;
  const struct kt_account_state *account = &own->account.account;
  enum kt_exit code = KT_EXIT_OK;
  if (account->has_key && !kt_account_key_equal(&account->key, &own->account.key)) {
    explain_taken(own);
    code = kt_output_fail(out, KT_EXIT_ALERT, "label-taken", "%s: the log shows another account key for this label",
                          own->name);
  } else if (own->account.n_judged > 0) {
    kt_output_note(out,
                   "kt-verify: %s has %" PRIu32
                   " %s in the log already. Devices that were not approved on this computer "
                   "are NOT APPROVED: for each of them, monitor approve if you know it, device remove if not\n",
                   own->name, own->account.n_judged, own->account.n_judged == 1 ? "version" : "versions");
  }
  kt_own_report_devices(own);
  return (enum kt_exit)kt_exit_code_worse((int)kt_report_alerts(own->session, own->label, KT_EXIT_OK), (int)code);
}

static enum kt_exit followed(struct kt_own_label *own)
{
  struct kt_output *out = own->session->out;
  kt_output_set(out, "label", kt_output_text(own->label));
  kt_output_status(out, KT_EXIT_OK, "account %s is followed from here", own->name);
  kt_report_key(out, "account key", &own->account.key);
  return explain_start(own);
}

/* The key first: an account without its key could never be used, a key without account is found again. */
enum kt_exit kt_own_take_up(struct kt_own_label *own, const struct kt_secret *secret, bool is_new)
{
  struct kt_session *session = own->session;
  struct kt_account_key key;
  if (kt_account_key_from_seed(secret->seed, &key) != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "crypto", "the account key cannot be used");
  }
  enum kt_exit code =
      is_new ? kt_key_save(session->out, session->state.home, own->label, KT_KEY_PRESENT, secret) : KT_EXIT_OK;
  if (code == KT_EXIT_OK) {
    code = kt_own_create(own, session, own->label, &key);
  }
  if (code == KT_EXIT_OK) {
    own->baseline = true;
    code = kt_own_refresh(own);
  }
  return code == KT_EXIT_OK ? followed(own) : code;
}

enum kt_exit kt_own_take_key(struct kt_own_label *own, const struct kt_secret *secret)
{
  struct kt_session *session = own->session;
  struct kt_account_key key;
  if (kt_account_key_from_seed(secret->seed, &key) != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "crypto", "the account key cannot be used");
  }
  enum kt_exit code = kt_key_replace(session->out, session->state.home, own->label, secret);
  if (code == KT_EXIT_OK) {
    code = kt_own_stand_by(own, &key);
  }
  if (code == KT_EXIT_OK) {
    code = kt_own_refresh(own);
  }
  return code == KT_EXIT_OK ? followed(own) : code;
}

/* A key left behind by an attempt that was cut off is taken up again. */
static enum kt_exit begin_account(struct kt_own_label *own)
{
  struct kt_session *session = own->session;
  struct kt_secret *secret = NULL;
  enum kt_exit code = kt_key_load(session->out, session->state.home, own->label, KT_KEY_PRESENT, &secret);
  bool is_new = code == KT_EXIT_ABSENT;
  code = is_new ? kt_key_make(session->out, true, &secret) : code;
  if (code == KT_EXIT_OK) {
    code = kt_own_take_up(own, secret, is_new);
  }
  kt_secret_free(secret);
  return code;
}

/* An account that is here, but its key is not. */
static enum kt_exit begin_anew(struct kt_own_label *own)
{
  struct kt_secret *secret = NULL;
  enum kt_exit code = kt_own_find_key(own, &secret);
  if (code == KT_EXIT_OK) {
    code = kt_output_fail(own->session->out, KT_EXIT_USAGE, "account-exists",
                          "%s: this account is here already, and its key too. To replace the key: kt-verify account "
                          "rotate %s",
                          own->name, own->name);
  } else if (code == KT_EXIT_ABSENT) {
    code = kt_key_make(own->session->out, true, &secret);
    code = code == KT_EXIT_OK ? kt_own_take_key(own, secret) : code;
  }
  kt_secret_free(secret);
  return code;
}

enum kt_exit kt_verb_account_create(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_own_label own;
  enum kt_exit code = kt_session_open(&session, cli, out);
  const struct kt_bytes label = kt_text_bytes(cli->args[0]);
  if (code == KT_EXIT_OK) {
    code = kt_own_check_typed(&session, label);
  }
  if (code == KT_EXIT_OK) {
    code = kt_own_open(&own, &session, label);
    code = code == KT_EXIT_ABSENT ? begin_account(&own) : code == KT_EXIT_OK ? begin_anew(&own) : code;
  }
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

/* --- forget -------------------------------------------------------------------------------------------------------------- */

/* What is in the log under our key has to be followed: nobody else sees what is done to it. */
static bool is_published(const struct kt_own_label *own)
{
  const struct kt_account_state *account = &own->account.account;
  return own->known.n_own_values > 0 || (account->has_key && kt_account_key_equal(&account->key, &own->account.key));
}

/* They tell an owner what to do, which nobody is here any more. */
static enum kt_err settle_owners(struct kt_own_label *own)
{
  struct kt_session *session = own->session;
  struct kt_ledger_entry *entries;
  size_t n;
  enum kt_err err = kt_state_open_alerts(&session->state, own->label, &session->arena, &entries, &n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    if (entries[i].alert.audience == KT_AUDIENCE_OWNER) {
      err = kt_state_settle(&session->state, &entries[i], KT_SETTLEMENT_ACKNOWLEDGED, 0, kt_now_ms());
    }
  }
  return err;
}

/* As it is now: it may have been published meanwhile. */
static enum kt_err forget(void *ctx, struct kt_session *session)
{
  struct kt_own_label *own = ctx;
  enum kt_err err = kt_own_load(own, session);
  if (err == KT_OK && is_published(own)) {
    err = KT_ERR_CONFLICT;
  }
  if (err == KT_OK) {
    err = settle_owners(own);
  }
  return err == KT_OK ? kt_state_forget_account(&session->state, own->label) : err;
}

static void report_forgotten(struct kt_own_label *own)
{
  struct kt_output *out = own->session->out;
  kt_output_set(out, "label", kt_output_text(own->label));
  kt_output_status(out, KT_EXIT_OK, "%s is no account of this home any more", own->name);
  kt_output_data(
      out,
      "  What was approved for it is forgotten, its alerts are settled (kt-verify alerts list). Its key stays in "
      "%s/keys: to begin again with it,\n"
      "    kt-verify account create %s\n",
      own->session->state.home, kt_output_word(own->name));
}

/* The log is asked first: an answer to an earlier publication may have been lost, or another computer has the key. */
static enum kt_exit forget_account(struct kt_own_label *own)
{
  struct kt_output *out = own->session->out;
  enum kt_err err = KT_OK;
  enum kt_exit code = kt_own_refresh(own);
  if (code == KT_EXIT_OK) {
    code = kt_session_write(own->session, forget, own, &err);
  }
  if (code == KT_EXIT_OK && err == KT_ERR_CONFLICT) {
    return kt_output_fail(out, KT_EXIT_USAGE, "account-published",
                          "%s: the log lists devices under this home's key, or did. Somebody has to notice what is "
                          "done to them, so it stays. To list a device no more: kt-verify device remove",
                          own->name);
  }
  if (code == KT_EXIT_OK && err != KT_OK) {
    return kt_session_store_failed(own->session, err);
  }
  if (code == KT_EXIT_OK) {
    report_forgotten(own);
  }
  return code;
}

enum kt_exit kt_verb_account_forget(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_own_label own;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_own_open_said(&own, &session, cli->args[0]);
  }
  if (code == KT_EXIT_OK) {
    code = forget_account(&own);
  }
  kt_session_close(&session);
  return code;
}
