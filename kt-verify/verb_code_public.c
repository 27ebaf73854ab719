/* SPDX-License-Identifier: Apache-2.0 */
/* code public, check-public: a code to post or print. It proves something to whoever got it by a way the log does not
 * control: a card, a web site, a printed page. */
#include <kt/public_code.h>

#include <stdio.h>

#include "ceremony.h"
#include "owner_report.h"
#include "report.h"
#include "verbs.h"

#define TYPED_MAX 1024

/* --- public --------------------------------------------------------------------------------------------------------- */

static enum kt_exit print_code(struct kt_session *session, struct kt_bytes label, const struct kt_account_key *key)
{
  char text[KT_PUBLIC_CODE_SIZE];
  struct kt_public_code code;
  enum kt_err err = kt_public_code_compute(&session->log_id, label, key, &code);
  if (err != KT_OK) {
    const struct kt_reason reason = { .code = NULL };
    return kt_output_fail_reason(session->out, err, &reason, "the code");
  }
  kt_public_code_format(&code, text);
  kt_output_set(session->out, "code", json_string(text));
  kt_output_data(session->out, "%s\n", text);
  return KT_EXIT_OK;
}

/* One's own code needs no question to the log: the key is here, or there is no code. */
static enum kt_exit print_own(struct kt_session *session, struct kt_own_label *own)
{
  enum kt_exit code = kt_own_check_key(own);
  code = code == KT_EXIT_OK ? print_code(session, own->label, &own->account.key) : code;
  if (code == KT_EXIT_OK) {
    kt_output_set(session->out, "label", kt_output_text(own->label));
    kt_output_note(session->out,
                   "kt-verify: your code. Post it where people know it is you who writes (a web site, a card). They "
                   "check it with: kt-verify code check-public %s CODE\n",
                   kt_output_word(own->name));
  }
  return code;
}

static enum kt_exit print_theirs(struct kt_ceremony *ceremony, struct kt_bytes label)
{
  struct kt_output *out = ceremony->session.out;
  enum kt_exit code = kt_ceremony_with(ceremony, label, false);
  if (code == KT_EXIT_OK) {
    code = print_code(&ceremony->session, label, &ceremony->theirs);
  }
  if (code == KT_EXIT_OK) {
    kt_output_note(
        out,
        "kt-verify: what the log shows you of %s. It proves nothing by itself: compare it with the code they "
        "posted, with kt-verify code check-public %s CODE\n",
        ceremony->watch.name, kt_output_word(ceremony->watch.name));
    kt_report_contact(out, &ceremony->watch.other.contact);
  }
  return code;
}

enum kt_exit kt_verb_code_public(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_ceremony ceremony;
  const struct kt_bytes label = kt_text_bytes(cli->args[0]);
  enum kt_exit code = kt_ceremony_begin(&ceremony, cli, out, false);
  if (code == KT_EXIT_OK) {
    code = kt_own_open(&ceremony.own, &ceremony.session, label);
    code = code == KT_EXIT_ABSENT ? print_theirs(&ceremony, label)
           : code == KT_EXIT_OK   ? print_own(&ceremony.session, &ceremony.own)
                                  : code;
  }
  kt_ceremony_close(&ceremony);
  return code;
}

/* --- check-public ------------------------------------------------------------------------------------------------------- */

/* Where to look again, never what it should be: a corrected code is one that nobody posted. */
static enum kt_exit refuse_typed(struct kt_output *out, enum kt_err err, const struct kt_reason *reason, size_t char_at)
{
  if (char_at == 0) {
    return kt_output_fail_reason(out, err, reason, "the code");
  }
  return kt_output_fail(out, KT_EXIT_USAGE, reason->code, "the code: %s; look at character %zu again", reason->text,
                        char_at);
}

static enum kt_exit check_code(struct kt_ceremony *ceremony, const struct kt_public_code *typed)
{
  struct kt_reason reason = { .code = NULL };
  enum kt_err err =
      kt_public_code_check(typed, &ceremony->session.log_id, ceremony->watch.label, &ceremony->theirs, &reason);
  const struct kt_ceremony_outcome outcome = { .method = KT_METHOD_PUBLIC_CODE,
                                               .matches = err == KT_OK,
                                               .detail = "The public code is of another log, label or account key." };
  if (err != KT_OK && err != KT_ERR_PROOF) {
    return kt_output_fail_reason(ceremony->session.out, err, &reason, "the code");
  }
  return kt_ceremony_settle(ceremony, &outcome);
}

enum kt_exit kt_verb_code_check_public(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_ceremony ceremony;
  struct kt_public_code typed;
  struct kt_reason reason = { .code = NULL };
  char text[TYPED_MAX];
  size_t char_at = 0;
  kt_ceremony_read_typed(cli, 1, text, sizeof text);
  enum kt_err err = kt_public_code_parse(kt_text_bytes(text), &typed, &char_at, &reason);
  if (err != KT_OK) {
    return refuse_typed(out, err, &reason, char_at);
  }
  out->verified = true;
  enum kt_exit code = kt_ceremony_open(&ceremony, cli, out, false, true);
  if (code == KT_EXIT_OK) {
    code = check_code(&ceremony, &typed);
  }
  kt_ceremony_close(&ceremony);
  return code;
}
