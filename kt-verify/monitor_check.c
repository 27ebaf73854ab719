/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor_check.h"

#include <sodium.h>

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

/* meaning: what it means that nothing was found, or that nothing was asked. */
static enum kt_exit finish(struct kt_session *session, struct kt_bytes label, const char *name, const char *meaning,
                           enum kt_exit code)
{
  enum kt_exit with_alerts = kt_report_code(session, label, code);
  json_t *object = json_object();
  kt_output_status(session->out, with_alerts, "%s%s", name, with_alerts == code ? meaning : "");
  json_object_set_new(object, "verdict", json_string(kt_output_verdict(session->out, with_alerts)));
  kt_followed_append(session->out, label, object);
  kt_report_alerts(session, label, code);
  return with_alerts;
}

static const char *meaning(bool asked, enum kt_exit code, const char *when_ok)
{
  return !asked ? ": not asked for this time" : code == KT_EXIT_OK ? when_ok : "";
}

/* Asked for a pause, or asked to end. */
static bool must_pause(const struct kt_session *session)
{
  return session->retry_after_s > 0 || kt_stop_requested();
}

/* Somebody else's label, or a credential. */
static bool may_ask_on(const struct kt_session *session)
{
  return !must_pause(session) && !session->is_unanswered;
}

static enum kt_exit check_own(struct kt_session *session, struct kt_bytes label)
{
  struct kt_own_label own;
  enum kt_exit code = kt_own_open(&own, session, label);
  if (code != KT_EXIT_OK) {
    return code;
  }
  bool asked = !must_pause(session);
  code = asked ? kt_own_check(&own) : KT_EXIT_UNDECIDED;
  enum kt_exit stored = kt_blind_note(session, &own.account, code == KT_EXIT_OK);
  code = stored == KT_EXIT_OK ? code : stored;
  return finish(session, label, own.name, meaning(asked, code, ": nothing is in your account that you did not approve"),
                code);
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
  bool asked = may_ask_on(session);
  enum kt_exit code = asked ? look(&watch) : KT_EXIT_UNDECIDED;
  for (size_t i = 0; code == KT_EXIT_OK && i < watch.n_notes; i++) {
    kt_report_alert(session->out, &watch.notes[i], label);
  }
  if (code == KT_EXIT_ABSENT && watch.other.watched && !session->news_only) {
    kt_output_note(
        session->out,
        "kt-verify: %s: there is no such label in the log. To watch it no longer: kt-verify monitor remove %s\n",
        watch.name, kt_output_word(watch.name));
  }
  return finish(session, label, watch.name, meaning(asked, code, ": the log stands by what it showed before"), code);
}

static void note(enum kt_exit *worst, enum kt_exit code)
{
  *worst = (enum kt_exit)kt_exit_code_worse((int)*worst, (int)code);
}

static enum kt_exit check_owns(struct kt_session *session, const struct kt_followed *followed,
                               struct kt_monitor_round *round)
{
  enum kt_exit worst = KT_EXIT_OK;
  for (size_t i = 0; i < followed->n_own; i++) {
    note(&worst, check_own(session, followed->own[i]));
    kt_output_flush(session->out);
    round->tell(round->ctx, session);
    kt_session_forget(session);
  }
  round->own_ms = kt_now_ms();
  return worst;
}

/* How long the answers about others take is up to the log: it does not decide when one's own accounts are looked at
 * again, and nobody else is left out for that. */
static enum kt_exit check_owns_again(struct kt_session *session, const struct kt_followed *followed,
                                     struct kt_monitor_round *round)
{
  const uint64_t now_ms = kt_now_ms();
  const bool is_due =
      round->own_every_ms > 0 && (now_ms < round->own_ms || now_ms - round->own_ms >= round->own_every_ms);
  const bool is_unanswered = session->is_unanswered;
  const enum kt_exit code = is_due ? check_owns(session, followed, round) : KT_EXIT_OK;
  session->is_unanswered = is_unanswered; /* as in check_others */
  return code;
}

static void shuffle(struct kt_other_label *others, size_t n)
{
  for (size_t i = n; i > 1; i--) {
    size_t at = randombytes_uniform((uint32_t)i);
    struct kt_other_label last = others[i - 1];
    others[i - 1] = others[at];
    others[at] = last;
  }
}

static enum kt_exit check_others(struct kt_session *session, const struct kt_followed *followed,
                                 struct kt_monitor_round *round)
{
  enum kt_exit worst = KT_EXIT_OK;
  session->is_unanswered = false; /* for a contact the log may have an answer */
  shuffle(followed->others, followed->n_others);
  for (size_t i = 0; i < followed->n_others; i++) {
    if (kt_followed_wants(&followed->others[i])) {
      note(&worst, check_owns_again(session, followed, round));
      note(&worst, check_other(session, followed->others[i].label));
      kt_session_forget(session);
    }
  }
  if (may_ask_on(session)) {
    note(&worst, check_owns_again(session, followed, round));
    note(&worst, kt_credentials_check(session));
    kt_session_forget(session);
  }
  return worst;
}

enum kt_exit kt_monitor_check(struct kt_session *session, const struct kt_followed *followed,
                              struct kt_monitor_round *round)
{
  struct kt_bytes last = followed->n_own > 0 ? followed->own[followed->n_own - 1] : (struct kt_bytes){ NULL, 0 };
  size_t n = followed->n_own;
  enum kt_exit worst = check_owns(session, followed, round);
  note(&worst, check_others(session, followed, round));
  for (size_t i = 0; i < followed->n_others; i++) {
    if (kt_followed_wants(&followed->others[i])) {
      last = followed->others[i].label;
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
