/* SPDX-License-Identifier: Apache-2.0 */
/* monitor add, remove, once, status, test-alert. */
#include <inttypes.h>
#include <string.h>

#include <kt/writer.h>
#include "blind.h"
#include "hooks.h"
#include "monitor_check.h"
#include "owner_report.h"
#include "state_alerts.h"
#include "verbs.h"
#include "watch.h"

/* --- once ----------------------------------------------------------------------------------------------------------------- */

struct telling {
  const struct kt_hooks *hooks;
  enum kt_exit code; /* the worst of it */
};

static void tell_hooks(void *ctx, struct kt_session *session)
{
  struct telling *telling = ctx;
  enum kt_exit code = kt_hooks_tell(session, telling->hooks);
  telling->code = (enum kt_exit)kt_exit_code_worse((int)telling->code, (int)code);
}

enum kt_exit kt_verb_monitor_once(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_followed followed;
  struct kt_hooks hooks = { .n = 0 };
  struct telling telling = { .hooks = &hooks };
  enum kt_exit code = kt_session_open(&session, cli, out);
  out->verified = true;
  if (code == KT_EXIT_OK) {
    code = kt_hooks_find(&session, &hooks);
  }
  if (code == KT_EXIT_OK) {
    code = kt_followed_read(&session, &followed);
  }
  if (code == KT_EXIT_OK && hooks.n > 0) {
    code = kt_hooks_enqueue(&session, &hooks); /* what this check may end is still to be told */
  }
  if (code == KT_EXIT_OK) {
    code = kt_monitor_check(&session, &followed, &(struct kt_monitor_round){ .tell = tell_hooks, .ctx = &telling });
    tell_hooks(&telling, &session);
    code = (enum kt_exit)kt_exit_code_worse((int)code, (int)telling.code);
  }
  kt_session_close(&session);
  return code;
}

/* --- status ---------------------------------------------------------------------------------------------------------------- */

/* "2 d 3 h ago" in the two largest units. */
#define AGE_SIZE 64
static void print_age(uint64_t checked_ms, char ret_text[static AGE_SIZE])
{
  uint64_t now_ms = kt_now_ms();
  uint64_t s = now_ms > checked_ms ? (now_ms - checked_ms) / 1000 : 0;
  if (checked_ms == 0) {
    snprintf(ret_text, AGE_SIZE, "never");
  } else if (checked_ms > now_ms) {
    snprintf(ret_text, AGE_SIZE, "in the future: look at the clock of this computer");
  } else if (s >= 86400) {
    snprintf(ret_text, AGE_SIZE, "%" PRIu64 " d %" PRIu64 " h ago", s / 86400, s % 86400 / 3600);
  } else if (s >= 3600) {
    snprintf(ret_text, AGE_SIZE, "%" PRIu64 " h %" PRIu64 " min ago", s / 3600, s % 3600 / 60);
  } else {
    snprintf(ret_text, AGE_SIZE, "%" PRIu64 " min %" PRIu64 " s ago", s / 60, s % 60);
  }
}

/* " (2026-11-21 …)" behind the age. */
static void print_checked(struct kt_output *out, uint64_t checked_ms)
{
  char age[AGE_SIZE];
  char time[KT_TIME_SIZE];
  print_age(checked_ms, age);
  kt_report_time(checked_ms, time);
  kt_output_data(out, ", last good check %s%s%s%s\n", age, checked_ms > 0 ? " (" : "", checked_ms > 0 ? time : "",
                 checked_ms > 0 ? ")" : "");
}

/* due_ms: when it is, or was, overdue; 0: nothing obliges to a check. */
static void append_status(struct kt_output *out, struct kt_bytes label, uint64_t checked_ms, uint64_t due_ms,
                          bool overdue)
{
  json_t *object = json_object();
  uint64_t now_ms = kt_now_ms();
  json_object_set_new(object, "overdue", json_boolean(overdue));
  if (checked_ms > 0) {
    json_object_set_new(object, "checked_ms", json_integer((json_int_t)checked_ms));
    json_object_set_new(object, "age_ms", json_integer(now_ms > checked_ms ? (json_int_t)(now_ms - checked_ms) : 0));
  }
  if (due_ms > 0) {
    json_object_set_new(object, "due_ms", json_integer((json_int_t)due_ms));
  }
  kt_followed_append(out, label, object);
}

static enum kt_exit status_own(struct kt_session *session, struct kt_bytes label)
{
  struct kt_own_label own;
  enum kt_exit code = kt_own_open(&own, session, label);
  if (code != KT_EXIT_OK) {
    return code;
  }
  uint64_t due_ms = kt_blind_due_ms(session, own.account.checked_ms, own.account.created_ms);
  bool blind = kt_blind_is(session, own.account.checked_ms, own.account.created_ms);
  kt_output_data(session->out, "%-10s %s, versions: %" PRIu32, blind ? "OVERDUE" : "own", own.name,
                 own.account.n_judged);
  print_checked(session->out, own.account.checked_ms);
  append_status(session->out, label, own.account.checked_ms, due_ms, blind);
  code = kt_blind_note(session, &own.account, false);
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
  bool obliged = other->monitoring.n_map > 0;
  bool overdue = obliged && kt_blind_is(session, other->checked_ms, other->contact.since_ms);
  uint64_t due_ms = obliged ? kt_blind_due_ms(session, other->checked_ms, other->contact.since_ms) : 0;
  kt_text_clean(other->label, name, sizeof name);
  kt_output_data(session->out, "%-10s %s, answers to follow up: %zu",
                 overdue          ? "OVERDUE"
                 : other->watched ? "watched"
                                  : "contact",
                 name, other->monitoring.n_map);
  print_checked(session->out, other->checked_ms);
  append_status(session->out, other->label, other->checked_ms, due_ms, overdue);
}

enum kt_exit kt_verb_monitor_status(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_followed followed = { .n_own = 0 };
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_followed_read(&session, &followed);
  }
  for (size_t i = 0; code != KT_EXIT_USAGE && i < followed.n_own; i++) {
    code = (enum kt_exit)kt_exit_code_worse((int)code, (int)status_own(&session, followed.own[i]));
  }
  for (size_t i = 0; code != KT_EXIT_USAGE && i < followed.n_others; i++) {
    if (kt_followed_wants(&followed.others[i])) {
      status_other(&session, &followed.others[i]);
    }
  }
  if (code != KT_EXIT_USAGE) {
    code = (enum kt_exit)kt_exit_code_worse((int)code, (int)kt_hooks_report(&session));
  }
  kt_session_close(&session);
  return code;
}

/* --- test-alert ------------------------------------------------------------------------------------------------------------ */

struct test {
  const struct kt_hooks *hooks;
  struct kt_ledger_entry entry;
};

/* Raised, handed to the hooks and settled at once: at no time is it an open alert to anybody else. */
static enum kt_err raise_test(void *ctx, struct kt_session *session)
{
  struct test *test = ctx;
  struct kt_alert *alert = &test->entry.alert;
  uint64_t now_ms = kt_now_ms();
  uint8_t time[8];
  struct kt_writer w;
  enum kt_raised raised;
  *alert = (struct kt_alert){ .kind = KT_ALERT_TEST, .audience = KT_AUDIENCE_ANYONE };
  kt_writer_init_fixed(&w, time, sizeof time);
  kt_write_u64(&w, now_ms);
  const struct kt_bytes part = { time, sizeof time };
  const struct kt_bytes nobody = { NULL, 0 };
  kt_alert_id_compute(alert->kind, &session->log_id, nobody, &part, 1, &alert->id);
  enum kt_err err = kt_state_raise(&session->state, alert, nobody, now_ms, &session->arena, &raised);
  if (err == KT_OK) {
    err = kt_hooks_enqueue_only(session, test->hooks, &alert->id);
  }
  if (err == KT_OK) {
    err = kt_state_alert(&session->state, &alert->id, &session->arena, &test->entry);
  }
  return err == KT_OK ? kt_state_settle(&session->state, &test->entry, KT_SETTLEMENT_ACKNOWLEDGED, 0, kt_now_ms())
                      : err;
}

static enum kt_exit report_test(struct kt_session *session, const struct kt_hooks *hooks, size_t n_failed)
{
  if (n_failed > 0) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "hook-failed", "hooks that failed: %zu of %zu", n_failed,
                          hooks->n);
  }
  if (hooks->n == 0) {
    kt_output_note(
        session->out,
        "kt-verify: there are no hooks: nobody is told of an alert unless they look. A hook is an executable in "
        "%s/hooks, or --hook CMD\n",
        session->state.home);
  }
  kt_output_status(session->out, KT_EXIT_OK, "the test alert is in the ledger, settled; hooks that were told: %zu",
                   hooks->n);
  return KT_EXIT_OK;
}

enum kt_exit kt_verb_monitor_test_alert(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_hooks hooks = { .n = 0 };
  struct test test = { .hooks = &hooks };
  size_t n_failed = 0;
  enum kt_err err;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_hooks_find(&session, &hooks);
  }
  if (code == KT_EXIT_OK) {
    code = kt_session_write(&session, raise_test, &test, &err);
  }
  if (code == KT_EXIT_OK) {
    kt_report_append_alert(out, &test.entry.alert);
    code = kt_hooks_call(&session, &hooks, &n_failed);
  }
  if (code == KT_EXIT_OK) {
    code = report_test(&session, &hooks, n_failed);
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
    code = kt_own_check_label(out, label); /* odd labels, too: from then on this home knows them */
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

/* --- remove ------------------------------------------------------------------------------------------------------------------ */

static bool knows_more(const struct kt_other_label *other)
{
  return other->contact.has_key || other->has_version || other->monitoring.n_map > 0 ||
         other->contact.policy != KT_CONTACT_NORMAL;
}

/* What is pinned stays, and so do alerts. A label of which nothing but this is known was a slip: it is forgotten. */
static enum kt_err stop_watching(void *ctx, struct kt_session *session)
{
  struct kt_watch *watch = ctx;
  enum kt_err err = kt_state_contact(&session->state, watch->label, &session->arena, &watch->other);
  if (err != KT_OK || !watch->other.watched) {
    return err != KT_OK ? err : KT_ERR_ABSENT;
  }
  watch->other.watched = false;
  return knows_more(&watch->other) ? kt_state_put_contact(&session->state, &watch->other)
                                   : kt_state_forget_contact(&session->state, watch->label);
}

static void report_removed(struct kt_output *out, const struct kt_watch *watch)
{
  kt_output_status(out, KT_EXIT_OK, "%s is no longer watched; alerts about it stay in kt-verify alerts list",
                   watch->name);
  if (watch->other.monitoring.n_map > 0) {
    kt_output_data(out, "monitor once still follows up answers that the log gave about it: %zu\n",
                   watch->other.monitoring.n_map);
  }
}

enum kt_exit kt_verb_monitor_remove(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct kt_watch watch;
  enum kt_err err;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    kt_watch_init(&watch, &session, kt_text_bytes(cli->args[0]));
    kt_output_set(out, "label", kt_output_text(watch.label));
    code = kt_session_write(&session, stop_watching, &watch, &err);
  }
  if (code == KT_EXIT_OK && err == KT_ERR_ABSENT) {
    code = kt_output_fail(out, KT_EXIT_USAGE, "not-watched",
                          "%s is not watched here (kt-verify monitor status lists what is)", watch.name);
  } else if (code == KT_EXIT_OK) {
    report_removed(out, &watch);
  }
  kt_session_close(&session);
  return code;
}
