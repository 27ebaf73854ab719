/* SPDX-License-Identifier: Apache-2.0 */
/* lookup: somebody's devices and keys. Keys are handed out only after everything was verified. */
#include <inttypes.h>

#include "lookup.h"
#include "owner_report.h"
#include "report_set.h"
#include "verbs.h"
#include "watch.h"

static void report_notes(struct kt_watch *watch)
{
  for (size_t i = 0; i < watch->n_notes; i++) {
    kt_report_append_alert(watch->session->out, &watch->notes[i]);
    kt_report_alert(watch->session->out, &watch->notes[i], watch->label);
  }
}

static enum kt_exit refuse_unverified(struct kt_watch *watch)
{
  kt_report_contact(watch->session->out, &watch->other.contact);
  return kt_output_fail(watch->session->out, KT_EXIT_ALERT, "not-verified",
                        "%s: no keys are handed out, because this contact is not verified here. Compare codes first: "
                        "kt-verify code show %s",
                        watch->name, kt_output_word(watch->name));
}

/* A missing word is overlooked; whoever is told what to do mostly does it. */
static void explain_unverified(struct kt_watch *watch)
{
  const char *word = kt_output_word(watch->name);
  kt_output_data(
      watch->session->out,
      "  Checked: the log shows these keys to everybody. Not checked: that they belong to the person you mean. "
      "To find out, compare codes, once:\n"
      "    in one room:  kt-verify code qr %s\n"
      "    on a call:    kt-verify code sas start %s\n"
      "    by digits:    kt-verify code show %s\n",
      word, word, word);
}

/* With the contact's state in mind; one's own label has none. */
static enum kt_exit contact_code(const struct kt_watch *watch, enum kt_exit code)
{
  return watch->transient ? code : (enum kt_exit)kt_contact_exit_code((int)code, &watch->other.contact);
}

/* The open alerts; where they are acknowledged and the contact is still changed, that. */
static enum kt_exit report_alerts(struct kt_watch *watch, enum kt_exit code)
{
  struct kt_session *session = watch->session;
  bool none_open = kt_report_code(session, watch->label, code) == code;
  enum kt_exit with_alerts = kt_report_alerts(session, watch->label, contact_code(watch, code));
  if (none_open && with_alerts == KT_EXIT_ALERT) {
    kt_output_fail(session->out, KT_EXIT_ALERT, "contact-changed",
                   "%s: this contact is changed, and nothing has settled that: an acknowledged alert is one that you "
                   "know of, not one that is over. Do not use these keys before codes match: kt-verify code show %s",
                   watch->name, watch->name);
  }
  return with_alerts;
}

static enum kt_exit report_absent(struct kt_watch *watch)
{
  kt_output_status(watch->session->out, KT_EXIT_ABSENT, "%s: the log proves that this label does not exist",
                   watch->name);
  return report_alerts(watch, KT_EXIT_ABSENT);
}

static enum kt_exit report_newest(struct kt_watch *watch)
{
  struct kt_session *session = watch->session;
  struct kt_output *out = session->out;
  char time[KT_TIME_SIZE];
  bool verified = watch->other.contact.state == KT_CONTACT_VERIFIED && watch->verdict.is_endorsed;
  kt_output_set(out, "version", json_integer((json_int_t)watch->version));
  if (kt_cli_flag(session->cli, KT_OPT_REQUIRE_VERIFIED) && !verified) {
    enum kt_exit refused = refuse_unverified(watch);
    return (enum kt_exit)kt_exit_code_worse((int)kt_report_alerts(session, watch->label, KT_EXIT_ALERT), (int)refused);
  }
  kt_report_time(watch->time_ms, time);
  kt_output_status(out, kt_report_code(session, watch->label, contact_code(watch, KT_EXIT_OK)),
                   "%s version %" PRIu32 ", log entry %" PRIu64 ", %s", watch->name, watch->version, watch->position,
                   time);
  kt_report_set(out, &watch->verdict.judgement, watch->verdict.is_endorsed);
  kt_report_contact(out, &watch->other.contact);
  if (watch->other.contact.state == KT_CONTACT_UNVERIFIED && !kt_cli_flag(session->cli, KT_OPT_GROUP)) {
    explain_unverified(watch);
  }
  report_notes(watch);
  return report_alerts(watch, KT_EXIT_OK);
}

enum kt_exit kt_lookup_report(struct kt_watch *watch, enum kt_exit code)
{
  if (code == KT_EXIT_ABSENT) {
    return report_absent(watch);
  }
  return code == KT_EXIT_OK ? report_newest(watch) : code;
}

static bool is_endorsed(const struct kt_set_judgement *judgement)
{
  return judgement->set_class == KT_SET_BY_KEY || judgement->set_class == KT_SET_BY_SUCCESSOR;
}

static enum kt_exit look_up_version(struct kt_watch *watch, uint32_t version)
{
  struct kt_session *session = watch->session;
  struct kt_output *out = session->out;
  struct kt_old_version old = { .watch = watch, .version = version };
  char time[KT_TIME_SIZE];
  enum kt_exit code = kt_watch_version(&old);
  kt_output_set(out, "version", json_integer((json_int_t)version));
  if (code == KT_EXIT_ABSENT) {
    kt_output_status(out, code, "%s: the log proves that there is no version %" PRIu32, watch->name, version);
    return report_alerts(watch, code);
  }
  if (code != KT_EXIT_OK) {
    return code;
  }
  bool verified = watch->other.contact.state == KT_CONTACT_VERIFIED && is_endorsed(&old.judgement);
  if (kt_cli_flag(session->cli, KT_OPT_REQUIRE_VERIFIED) && !verified) {
    return refuse_unverified(watch);
  }
  kt_report_time(old.time_ms, time);
  kt_output_status(out, kt_report_code(session, watch->label, contact_code(watch, code)),
                   "%s version %" PRIu32 " (not necessarily the newest), log entry %" PRIu64 ", %s", watch->name,
                   version, old.position, time);
  kt_report_set(out, &old.judgement, is_endorsed(&old.judgement));
  if (!watch->transient) {
    kt_report_contact(out, &watch->other.contact);
  }
  return report_alerts(watch, code);
}

/* One's own label is judged as its owner, with what the owner knows. */
static enum kt_exit look_up_own(struct kt_own_label *own)
{
  struct kt_session *session = own->session;
  enum kt_exit code = kt_own_refresh(own);
  if (code != KT_EXIT_OK) {
    return code;
  }
  if (own->account.n_judged == 0) {
    kt_output_status(session->out, KT_EXIT_ABSENT, "%s: the log proves that this label does not exist", own->name);
    return kt_report_alerts(session, own->label, KT_EXIT_ABSENT);
  }
  kt_output_status(session->out, kt_report_code(session, own->label, code), "%s (your own account)", own->name);
  kt_report_key(session->out, "account key", &own->account.key);
  kt_own_report_devices(own);
  return kt_report_alerts(session, own->label, code);
}

enum kt_exit kt_lookup_label(struct kt_session *session, struct kt_bytes label)
{
  struct kt_own_label own;
  struct kt_watch watch;
  uint64_t version = 0;
  const char *number = session->cli->values[KT_OPT_VERSION];
  if (number != NULL && !kt_cli_number(number, UINT32_MAX - 1, &version)) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "usage", "--version %s: not a version", number);
  }
  enum kt_exit code = kt_own_open(&own, session, label);
  bool is_own = code == KT_EXIT_OK;
  if (!is_own && code != KT_EXIT_ABSENT) {
    return code;
  }
  if (is_own && number == NULL) {
    return look_up_own(&own);
  }
  kt_watch_init(&watch, session, label);
  watch.allow_unsigned = kt_cli_flag(session->cli, KT_OPT_ALLOW_UNSIGNED);
  watch.transient = is_own;
  if (is_own) { /* endorsed means: signed with our own key */
    watch.other.contact = (struct kt_contact){ .has_key = true, .key = own.account.key, .state = KT_CONTACT_VERIFIED };
  }
  return number != NULL ? look_up_version(&watch, (uint32_t)version) : kt_lookup_report(&watch, kt_watch_look(&watch));
}

static enum kt_exit look_up_one(struct kt_session *session, const char *argument)
{
  const struct kt_bytes label = kt_text_bytes(argument);
  enum kt_exit code = kt_own_check_typed(session, label);
  if (code == KT_EXIT_OK) {
    kt_output_set(session->out, "label", kt_output_text(label));
    code = kt_lookup_label(session, label);
  }
  return code;
}

enum kt_exit kt_verb_lookup(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  const char *group = cli->values[KT_OPT_GROUP];
  if ((cli->n_args == 1) == (group != NULL)) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "lookup needs a LABEL or --group FILE, and not both");
  }
  if (group != NULL && cli->values[KT_OPT_VERSION] != NULL) {
    return kt_output_fail(out, KT_EXIT_USAGE, "usage", "--version is of one label, not of a group");
  }
  enum kt_exit code = kt_session_open(&session, cli, out);
  out->verified = true;
  if (code == KT_EXIT_OK) {
    code = group != NULL ? kt_lookup_group(&session, group) : look_up_one(&session, cli->args[0]);
  }
  kt_session_close(&session);
  return code;
}
