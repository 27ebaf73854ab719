/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor_check.h"

#include "blind.h"
#include "credential_queue.h"
#include "owner_report.h"
#include "stop.h"
#include "watch.h"

static enum kt_err read_labels(void *ctx, struct kt_session *session)
{
  struct kt_followed *followed = ctx;
  struct kt_arena *arena = &session->pinned_arena;
  enum kt_err err = kt_state_account_labels(&session->state, arena, &followed->own, &followed->n_own);
  return err == KT_OK ? kt_state_contacts(&session->state, arena, &followed->others, &followed->n_others) : err;
}

enum kt_exit kt_followed_read(struct kt_session *session, struct kt_followed *ret_followed)
{
  struct kt_followed followed = { .n_own = 0 };
  enum kt_err err;
  enum kt_exit code = kt_session_read(session, read_labels, &followed, &err);
  if (code == KT_EXIT_OK) {
    *ret_followed = followed;
  }
  return code;
}

bool kt_followed_wants(const struct kt_other_label *other)
{
  return other->watched || other->monitoring.n_map > 0;
}

void kt_followed_append(struct kt_output *out, struct kt_bytes label, json_t *value)
{
  json_object_set_new(value, "label", kt_output_text(label));
  kt_output_append(out, "labels", value);
}

/* meaning: what it means that nothing was found. */
static enum kt_exit finish(struct kt_session *session, struct kt_bytes label, const char *name, const char *meaning,
                           enum kt_exit code)
{
  enum kt_exit with_alerts = kt_report_code(session, label, code);
  json_t *object = json_object();
  kt_output_status(session->out, with_alerts, "%s%s", name, with_alerts == KT_EXIT_OK ? meaning : "");
  json_object_set_new(object, "verdict", json_string(kt_output_verdict(session->out, with_alerts)));
  kt_followed_append(session->out, label, object);
  kt_report_alerts(session, label, code);
  return with_alerts;
}

/* Asked for a pause, or asked to end. */
static bool must_pause(const struct kt_session *session)
{
  return session->retry_after_s > 0 || kt_stop_requested();
}

static enum kt_exit check_own(struct kt_session *session, struct kt_bytes label)
{
  struct kt_own_label own;
  enum kt_exit code = kt_own_open(&own, session, label);
  if (code != KT_EXIT_OK) {
    return code;
  }
  code = must_pause(session) ? KT_EXIT_UNDECIDED : kt_own_check(&own);
  enum kt_exit stored = kt_blind_note(session, &own.account);
  code = stored == KT_EXIT_OK ? code : stored;
  return finish(session, label, own.name, ": nothing is in your account that you did not approve", code);
}

static enum kt_exit look(struct kt_watch *watch)
{
  enum kt_exit code = kt_watch_load(watch);
  if (code == KT_EXIT_OK && watch->other.monitoring.n_map > 0) {
    code = kt_watch_monitor(watch);
  }
  return code == KT_EXIT_OK ? kt_watch_look(watch) : code;
}

static enum kt_exit check_other(struct kt_session *session, struct kt_bytes label)
{
  struct kt_watch watch;
  kt_watch_init(&watch, session, label);
  enum kt_exit code = must_pause(session) ? KT_EXIT_UNDECIDED : look(&watch);
  for (size_t i = 0; code == KT_EXIT_OK && i < watch.n_notes; i++) {
    kt_report_alert(session->out, &watch.notes[i], label);
  }
  return finish(session, label, watch.name, ": the log stands by what it showed before", code);
}

enum kt_exit kt_monitor_check(struct kt_session *session, const struct kt_followed *followed)
{
  enum kt_exit worst = KT_EXIT_OK;
  struct kt_bytes last = { NULL, 0 };
  size_t n = 0;
  for (size_t i = 0; i < followed->n_own; i++, n++) {
    worst = (enum kt_exit)kt_exit_code_worse((int)worst, (int)check_own(session, followed->own[i]));
    kt_session_forget(session);
    last = followed->own[i];
  }
  for (size_t i = 0; i < followed->n_others; i++) {
    if (kt_followed_wants(&followed->others[i])) {
      last = followed->others[i].label;
      worst = (enum kt_exit)kt_exit_code_worse((int)worst, (int)check_other(session, last));
      kt_session_forget(session);
      n++;
    }
  }
  if (!must_pause(session)) {
    worst = (enum kt_exit)kt_exit_code_worse((int)worst, (int)kt_credentials_check(session));
    kt_session_forget(session);
  }
  if (n == 0) {
    kt_output_note(session->out, "kt-verify: nothing to check: no account of yours here, nothing watched\n");
  }
  if (n == 1) {
    kt_output_set(session->out, "label", kt_output_text(last));
  }
  return worst;
}
