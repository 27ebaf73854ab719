/* SPDX-License-Identifier: Apache-2.0 */
/* monitor run: the daemon. Between two looks it holds nothing but this plan; every look opens the state anew, so that
 * memory stays flat and other processes may use the same home. */
#include <inttypes.h>
#include <sodium.h>

#include "blind.h"
#include "hooks.h"
#include "monitor_check.h"
#include "report.h"
#include "schedule.h"
#include "stop.h"
#include "verbs.h"

#define INTERVAL_DEFAULT_MS UINT64_C(3600000)
#define INTERVAL_MAX_S UINT64_C(2592000)

struct plan {
  const struct kt_cli *cli;
  struct kt_output *out;
  uint64_t interval_ms;
  uint64_t news_ms;    /* alerts raised since then were not reported */
  uint64_t planned_ms; /* when check_ms was set */
  uint64_t check_ms;   /* the next check */
  uint64_t look_ms;    /* the next time something is due: a check, monitor-blind, a hook */
  uint32_t failures;   /* checks in a row that got no answer */
  bool started;
};

static uint64_t random_number(void)
{
  uint64_t random;
  randombytes_buf(&random, sizeof random);
  return random;
}

/* A clock that was set back must not put a check off. */
static bool is_check_due(const struct plan *plan, uint64_t now_ms)
{
  return now_ms >= plan->check_ms || now_ms < plan->planned_ms;
}

/* Alerts that were raised without an answer of the log. */
static enum kt_exit report_blind(struct kt_session *session, enum kt_exit code)
{
  struct kt_followed followed = { .n_own = 0 };
  enum kt_exit worst = kt_followed_read(session, &followed);
  for (size_t i = 0; i < followed.n_own; i++) {
    worst = (enum kt_exit)kt_exit_code_worse((int)worst, (int)kt_report_alerts(session, followed.own[i], code));
  }
  return worst;
}

struct telling {
  const struct kt_hooks *hooks;
  enum kt_exit code; /* the worst of it */
  uint64_t next_ms;  /* the next time that something is due; UINT64_MAX: nothing */
};

static void note_code(struct telling *telling, enum kt_exit code)
{
  telling->code = (enum kt_exit)kt_exit_code_worse((int)telling->code, (int)code);
}

/* What is known by now: accounts that were not checked for too long, then whatever the hooks have to be told. */
static void tell_alerts(void *ctx, struct kt_session *session)
{
  struct telling *telling = ctx;
  bool any = false;
  uint64_t due_ms = UINT64_MAX;
  uint64_t call_ms = UINT64_MAX;
  enum kt_exit swept = kt_blind_sweep(session, &any, &due_ms);
  note_code(telling, swept == KT_EXIT_OK && any ? report_blind(session, KT_EXIT_UNDECIDED) : swept);
  if (telling->hooks->n > 0) {
    enum kt_exit called = kt_hooks_tell(session, telling->hooks);
    note_code(telling, called == KT_EXIT_OK ? kt_hooks_next(session, telling->hooks, &call_ms) : called);
  }
  telling->next_ms = due_ms < call_ms ? due_ms : call_ms;
}

/* From when one's own accounts were looked at last, unless the log was asked for more than it answered. */
static uint64_t next_check_ms(const struct plan *plan, const struct kt_session *session,
                              const struct kt_monitor_round *round)
{
  const uint64_t asked_ms = (uint64_t)session->retry_after_s * 1000;
  const uint64_t delay_ms = kt_schedule_check_ms(plan->interval_ms, plan->failures, asked_ms, random_number());
  const bool is_plain = plan->failures == 0 && asked_ms == 0 && round->own_ms <= plan->planned_ms;
  return (is_plain ? round->own_ms : plan->planned_ms) + delay_ms;
}

static enum kt_exit check(struct plan *plan, struct kt_session *session, struct telling *telling)
{
  struct kt_followed followed;
  struct kt_monitor_round round = {
    .tell = tell_alerts, .ctx = telling, .own_every_ms = plan->interval_ms, .own_ms = kt_now_ms()
  };
  enum kt_exit code = kt_followed_read(session, &followed);
  if (code == KT_EXIT_OK) {
    plan->out->verified = true;
    code = kt_monitor_check(session, &followed, &round);
  }
  bool answered = code != KT_EXIT_UNDECIDED && code != KT_EXIT_USAGE;
  plan->failures = answered ? 0 : plan->failures + 1;
  plan->planned_ms = kt_now_ms();
  plan->check_ms = next_check_ms(plan, session, &round);
  kt_output_set(plan->out, "checked", json_true());
  return code;
}

static enum kt_exit look(struct plan *plan, struct kt_session *session)
{
  struct kt_hooks hooks = { .n = 0 };
  struct telling telling = { .hooks = &hooks };
  enum kt_exit code = kt_hooks_find(session, &hooks);
  if (code == KT_EXIT_OK && hooks.n > 0) {
    code = kt_hooks_enqueue(session, &hooks); /* what this check may end is still to be told */
  }
  if (code == KT_EXIT_OK && is_check_due(plan, kt_now_ms())) {
    code = check(plan, session, &telling);
  }
  tell_alerts(&telling, session);
  plan->look_ms = telling.next_ms < plan->check_ms ? telling.next_ms : plan->check_ms;
  return (enum kt_exit)kt_exit_code_worse((int)code, (int)telling.code);
}

/* "an interval that is too long": half of the window leaves room for one failure. */
static enum kt_exit read_interval(struct plan *plan, const struct kt_session *session)
{
  const char *text = plan->cli->values[KT_OPT_INTERVAL];
  uint64_t max_ms = session->config.reasonable_monitoring_window / 2;
  uint64_t interval_s = 0;
  if (text == NULL) {
    plan->interval_ms = INTERVAL_DEFAULT_MS < max_ms ? INTERVAL_DEFAULT_MS : max_ms;
    return KT_EXIT_OK;
  }
  if (!kt_cli_number(text, INTERVAL_MAX_S, &interval_s) || interval_s == 0 || interval_s * 1000 > max_ms) {
    return kt_output_fail(plan->out, KT_EXIT_USAGE, "interval",
                          "--interval %s: from 1 to %" PRIu64 " seconds, half of this log's monitoring window", text,
                          (max_ms < INTERVAL_MAX_S * 1000 ? max_ms : INTERVAL_MAX_S * 1000) / 1000);
  }
  plan->interval_ms = interval_s * 1000;
  return KT_EXIT_OK;
}

/* One line of JSON when there is something to tell: a check, an alert, a call. */
static bool is_worth_a_line(const struct kt_output *out)
{
  static const char *const members[] = { "checked", "alerts", "hooks", "reason" };
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    if (json_object_get(out->object, members[i]) != NULL) {
      return true;
    }
  }
  return false;
}

/* False: the daemon ends with *ret_code. */
static bool tell(struct plan *plan, enum kt_exit code, enum kt_exit *ret_code)
{
  struct kt_output *out = plan->out;
  if (is_worth_a_line(out)) {
    enum kt_exit written = kt_output_finish(out, code);
    if (written != code || ferror(out->data)) {
      *ret_code = written;
      return false;
    }
  }
  json_object_clear(out->object);
  out->verified = false;
  return true;
}

/* False: the daemon ends with *ret_code, which has been told. */
static bool wake(struct plan *plan, enum kt_exit *ret_code)
{
  struct kt_session session;
  bool going = plan->started;
  enum kt_exit code = kt_session_open(&session, plan->cli, plan->out);
  if (going) {
    session.news_only = true;
    session.started_ms = plan->news_ms;
  } else if (code == KT_EXIT_OK) {
    code = read_interval(plan, &session);
    going = code == KT_EXIT_OK;
  }
  if (code == KT_EXIT_OK) {
    code = look(plan, &session);
    plan->news_ms = kt_now_ms() + 1;
    plan->started = true;
  } else {
    plan->look_ms = kt_now_ms() + kt_schedule_hook_ms(1, random_number()); /* the state cannot be opened now */
  }
  kt_output_set(plan->out, "next_ms", json_integer((json_int_t)plan->look_ms));
  kt_session_close(&session);
  if (!going) {
    *ret_code = code;
    return false;
  }
  return tell(plan, code, ret_code);
}

/* True: asked to end. */
static bool sleep_until(const struct plan *plan)
{
  while (!kt_stop_requested()) {
    uint64_t now_ms = kt_now_ms();
    if (now_ms >= plan->look_ms || now_ms < plan->planned_ms) {
      return false;
    }
    switch (kt_stop_wait(plan->look_ms - now_ms)) {
    case KT_WAIT_STOP: return true;
    case KT_WAIT_LOOK: return false;
    case KT_WAIT_OVER: break;
    }
  }
  return true;
}

enum kt_exit kt_verb_monitor_run(const struct kt_cli *cli, struct kt_output *out)
{
  struct plan plan = { .cli = cli, .out = out };
  enum kt_exit code = KT_EXIT_OK;
  kt_stop_block();
  do {
    if (!wake(&plan, &code)) {
      return code;
    }
  } while (!sleep_until(&plan));
  kt_output_set(out, "stopped", json_true());
  kt_output_status(out, KT_EXIT_OK, "monitoring ends");
  return KT_EXIT_OK;
}
