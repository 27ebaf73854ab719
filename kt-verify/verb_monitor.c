/* SPDX-License-Identifier: Apache-2.0 */
/* monitor add, once, status: the check that fits a timer. */
#include <inttypes.h>
#include <string.h>

#include "owner_report.h"
#include "state_alerts.h"
#include "verbs.h"
#include "watch.h"

struct labels {
  struct kt_bytes *own;
  size_t n_own;
  struct kt_other_label *others;
  size_t n_others;
};

static enum kt_err read_labels(void *ctx, struct kt_session *session)
{
  struct labels *labels = ctx;
  enum kt_err err = kt_state_account_labels(&session->state, &session->pinned_arena, &labels->own, &labels->n_own);
  return err == KT_OK ? kt_state_contacts(&session->state, &session->pinned_arena, &labels->others, &labels->n_others)
                      : err;
}

static void add_label(struct kt_output *out, struct kt_bytes label, const char *name, json_t *value)
{
  json_t *object = json_object();
  json_object_set_new(object, "label", kt_output_text(label));
  json_object_set_new(object, name, value);
  kt_output_append(out, "labels", object);
}

/* --- monitor-blind ---------------------------------------------------------------------------------------------------- */

static bool is_blind(const struct kt_session *session, uint64_t checked_ms, uint64_t created_ms)
{
  uint64_t since = checked_ms > 0 ? checked_ms : created_ms;
  uint64_t now = kt_now_ms();
  return now > since && now - since > session->config.reasonable_monitoring_window;
}

struct blind {
  struct kt_bytes label;
  bool is_blind;
};

static struct kt_alert blind_alert(const struct kt_session *session, struct kt_bytes label)
{
  struct kt_alert alert = { .kind = KT_ALERT_MONITOR_BLIND, .audience = KT_AUDIENCE_OWNER };
  kt_alert_id_compute(alert.kind, &session->log_id, label, NULL, 0, &alert.id);
  return alert;
}

/* Raised while it lasts, ended by the next complete check. */
static enum kt_err keep_blind(void *ctx, struct kt_session *session)
{
  struct blind *blind = ctx;
  struct kt_ledger_entry *entries;
  size_t n;
  enum kt_raised raised;
  if (blind->is_blind) {
    const struct kt_alert alert = blind_alert(session, blind->label);
    return kt_state_raise(&session->state, &alert, blind->label, kt_now_ms(), &session->arena, &raised);
  }
  enum kt_err err = kt_state_alerts(&session->state, &blind->label, &session->arena, &entries, &n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    if (entries[i].alert.kind == KT_ALERT_MONITOR_BLIND) {
      err = kt_state_settle(&session->state, &entries[i], KT_SETTLEMENT_ENDED, 0, kt_now_ms());
    }
  }
  return err;
}

static enum kt_exit note_blind(struct kt_session *session, struct kt_bytes label, bool is_blind_now)
{
  struct blind blind = { .label = label, .is_blind = is_blind_now };
  enum kt_err err;
  return kt_session_write(session, keep_blind, &blind, &err);
}

/* --- once ----------------------------------------------------------------------------------------------------------------- */

static enum kt_exit finish(struct kt_session *session, struct kt_bytes label, const char *name, enum kt_exit code)
{
  enum kt_exit with_alerts = kt_report_code(session, label, code);
  kt_output_status(session->out, with_alerts, "%s", name);
  add_label(session->out, label, "verdict", json_string(kt_output_verdict(session->out, with_alerts)));
  kt_report_alerts(session, label, code);
  return with_alerts;
}

static enum kt_exit check_own(struct kt_session *session, struct kt_bytes label)
{
  struct kt_own_label own;
  enum kt_exit code = kt_own_open(&own, session, label);
  if (code != KT_EXIT_OK) {
    return code;
  }
  bool blind_before = is_blind(session, own.account.checked_ms, own.account.created_ms);
  code = kt_own_check(&own);
  enum kt_exit stored = note_blind(session, label, code != KT_EXIT_OK && blind_before);
  code = stored == KT_EXIT_OK ? code : stored;
  return finish(session, label, own.name, code);
}

static enum kt_exit check_other(struct kt_session *session, struct kt_bytes label)
{
  struct kt_watch watch;
  kt_watch_init(&watch, session, label);
  enum kt_exit code = kt_watch_load(&watch);
  if (code == KT_EXIT_OK && watch.other.monitoring.n_map > 0) {
    code = kt_watch_monitor(&watch);
  }
  if (code == KT_EXIT_OK) {
    code = kt_watch_look(&watch);
  }
  if (code == KT_EXIT_OK) {
    for (size_t i = 0; i < watch.verdict.n_alerts; i++) {
      if (watch.verdict.alerts[i].is_note) {
        kt_report_alert(session->out, &watch.verdict.alerts[i], label);
      }
    }
  }
  return finish(session, label, watch.name, code);
}

static bool wants_check(const struct kt_other_label *other)
{
  return other->watched || other->monitoring.n_map > 0;
}

static enum kt_exit check_all(struct kt_session *session, const struct labels *labels)
{
  enum kt_exit worst = KT_EXIT_OK;
  struct kt_bytes last = { NULL, 0 };
  size_t n = 0;
  for (size_t i = 0; i < labels->n_own; i++, n++) {
    worst = (enum kt_exit)kt_exit_code_worse((int)worst, (int)check_own(session, labels->own[i]));
    kt_session_forget(session);
    last = labels->own[i];
  }
  for (size_t i = 0; i < labels->n_others; i++) {
    if (wants_check(&labels->others[i])) {
      worst = (enum kt_exit)kt_exit_code_worse((int)worst, (int)check_other(session, labels->others[i].label));
      kt_session_forget(session);
      last = labels->others[i].label;
      n++;
    }
  }
  if (n == 0) {
    kt_output_note(session->out, "kt-verify: nothing to check: no account of yours here, nothing watched\n");
  }
  if (n == 1) {
    kt_output_set(session->out, "label", kt_output_text(last));
  }
  return worst;
}

enum kt_exit kt_verb_monitor_once(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct labels labels = { .n_own = 0 };
  enum kt_err err;
  enum kt_exit code = kt_session_open(&session, cli, out);
  out->verified = true;
  if (code == KT_EXIT_OK) {
    code = kt_session_read(&session, read_labels, &labels, &err);
  }
  if (code == KT_EXIT_OK) {
    code = check_all(&session, &labels);
  }
  kt_session_close(&session);
  return code;
}

/* --- status ---------------------------------------------------------------------------------------------------------------- */

static enum kt_exit status_own(struct kt_session *session, struct kt_bytes label)
{
  struct kt_own_label own;
  char checked[KT_TIME_SIZE];
  enum kt_exit code = kt_own_open(&own, session, label);
  if (code != KT_EXIT_OK) {
    return code;
  }
  bool blind = is_blind(session, own.account.checked_ms, own.account.created_ms);
  kt_report_time(own.account.checked_ms, checked);
  kt_output_data(session->out, "%-10s %s, versions: %" PRIu32 ", checked %s\n", blind ? "OVERDUE" : "own", own.name,
                 own.account.n_judged, own.account.checked_ms > 0 ? checked : "never");
  code = note_blind(session, label, blind);
  add_label(session->out, label, "overdue", json_boolean(blind));
  if (code == KT_EXIT_OK && blind) {
    code = kt_output_fail(session->out, KT_EXIT_UNDECIDED, "monitor-blind",
                          "%s: not checked for longer than the log's monitoring window", own.name);
  }
  kt_report_alerts(session, label, code);
  return code;
}

static void status_other(struct kt_session *session, const struct kt_other_label *other)
{
  char name[4 * KT_LABEL_MAX + 8];
  char checked[KT_TIME_SIZE];
  bool overdue = other->monitoring.n_map > 0 && is_blind(session, other->checked_ms, other->contact.since_ms);
  kt_output_clean(other->label, name, sizeof name);
  kt_report_time(other->checked_ms, checked);
  kt_output_data(session->out, "%-10s %s, obligations: %zu, checked %s\n",
                 overdue          ? "OVERDUE"
                 : other->watched ? "watched"
                                  : "contact",
                 name, other->monitoring.n_map, other->checked_ms > 0 ? checked : "never");
  add_label(session->out, other->label, "overdue", json_boolean(overdue));
}

enum kt_exit kt_verb_monitor_status(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct labels labels = { .n_own = 0 };
  enum kt_err err;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_session_read(&session, read_labels, &labels, &err);
  }
  for (size_t i = 0; code != KT_EXIT_USAGE && i < labels.n_own; i++) {
    code = (enum kt_exit)kt_exit_code_worse((int)code, (int)status_own(&session, labels.own[i]));
  }
  for (size_t i = 0; code != KT_EXIT_USAGE && i < labels.n_others; i++) {
    if (wants_check(&labels.others[i])) {
      status_other(&session, &labels.others[i]);
    }
  }
  kt_session_close(&session);
  return code;
}

/* --- add --------------------------------------------------------------------------------------------------------------------- */

static enum kt_err start_watching(void *ctx, struct kt_session *session)
{
  struct kt_watch *watch = ctx;
  enum kt_err err = kt_state_contact(&session->state, watch->label, &session->arena, &watch->other);
  watch->other.watched = true;
  return err == KT_OK ? kt_state_put_contact(&session->state, &watch->other) : err;
}

enum kt_exit kt_verb_monitor_add(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_watch watch;
  struct kt_own_label own;
  enum kt_err err;
  const struct kt_bytes label = kt_text_bytes(cli->args[0]);
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_own_check_label(out, label);
  }
  if (code == KT_EXIT_OK && kt_own_open(&own, &session, label) == KT_EXIT_OK) {
    code = kt_output_fail(out, KT_EXIT_USAGE, "own-account", "%s is your own account and monitored anyway", own.name);
  }
  if (code == KT_EXIT_OK) {
    kt_watch_init(&watch, &session, label);
    kt_output_set(out, "label", kt_output_text(label));
    code = kt_session_write(&session, start_watching, &watch, &err);
  }
  if (code == KT_EXIT_OK) {
    kt_output_status(out, code, "%s is watched from here; kt-verify monitor once checks it", watch.name);
  }
  kt_session_close(&session);
  return code;
}
