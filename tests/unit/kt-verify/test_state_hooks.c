/* SPDX-License-Identifier: Apache-2.0 */
/* Who was told of what: once per hook and alert, again after a failure, and after a process that was killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state_alerts.h"
#include "state_hooks.h"

#define MINUTE UINT64_C(60000)

struct fixture {
  char home[64];
  struct kt_state state;
  struct kt_arena arena;
};

static int set_up(void **context)
{
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  strcpy(f->home, "/tmp/kt-hooks-XXXXXX");
  assert_non_null(mkdtemp(f->home));
  kt_arena_init(&f->arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_state_open(f->home, true, &f->state), KT_OK);
  assert_int_equal(kt_state_begin_change(&f->state), KT_OK);
  *context = f;
  return 0;
}

static int tear_down(void **context)
{
  struct fixture *f = *context;
  char command[128];
  assert_int_equal(kt_state_commit(&f->state), KT_OK);
  kt_state_close(&f->state);
  kt_arena_release(&f->arena);
  snprintf(command, sizeof command, "rm -rf '%s'", f->home);
  assert_int_equal(system(command), 0);
  free(f);
  return 0;
}

static const struct kt_bytes label = { (const uint8_t *)"alice", 5 };

static struct kt_alert alert_of(uint8_t number)
{
  struct kt_alert alert = { .kind = KT_ALERT_MONITOR_BLIND, .audience = KT_AUDIENCE_OWNER };
  memset(alert.id.b, number, sizeof alert.id.b);
  return alert;
}

static void raise_alert(struct fixture *f, uint8_t number, uint64_t now_ms)
{
  const struct kt_alert alert = alert_of(number);
  enum kt_raised raised;
  assert_int_equal(kt_state_raise(&f->state, &alert, label, now_ms, &f->arena, &raised), KT_OK);
  assert_true(raised == KT_RAISED_NEW || raised == KT_RAISED_AGAIN);
}

static void end_alert(struct fixture *f, uint8_t number, uint64_t now_ms)
{
  const struct kt_alert alert = alert_of(number);
  struct kt_ledger_entry entry;
  assert_int_equal(kt_state_alert(&f->state, &alert.id, &f->arena, &entry), KT_OK);
  assert_int_equal(kt_state_settle(&f->state, &entry, KT_SETTLEMENT_ENDED, 0, now_ms), KT_OK);
}

static void enqueue(struct fixture *f, const char *hook, uint64_t now_ms)
{
  assert_int_equal(kt_state_hook_enqueue(&f->state, hook, NULL, now_ms), KT_OK);
}

static struct kt_hook_run claim(struct fixture *f, const char *hook, uint64_t now_ms, uint8_t expected)
{
  struct kt_hook_run run;
  assert_int_equal(kt_state_hook_claim(&f->state, hook, now_ms, &f->arena, &run), KT_OK);
  assert_int_equal(run.entry.alert.id.b[0], expected);
  return run;
}

static void assert_nothing_due(struct fixture *f, const char *hook, uint64_t now_ms)
{
  struct kt_hook_run run;
  assert_int_equal(kt_state_hook_claim(&f->state, hook, now_ms, &f->arena, &run), KT_ERR_ABSENT);
}

static void test_each_hook_once_oldest_first(void **context)
{
  struct fixture *f = *context;
  raise_alert(f, 2, 20);
  raise_alert(f, 1, 10);
  enqueue(f, "a", 30);
  enqueue(f, "a", 31);
  enqueue(f, "b", 30);
  for (uint8_t number = 1; number <= 2; number++) {
    struct kt_hook_run run = claim(f, "a", 40, number);
    assert_int_equal(run.failures, 1);
    assert_int_equal(kt_state_hook_done(&f->state, "a", &run, 41), KT_OK);
  }
  enqueue(f, "a", 50);
  assert_nothing_due(f, "a", UINT32_MAX);
  claim(f, "b", 40, 1);
}

static void test_failure_makes_the_hook_wait(void **context)
{
  struct fixture *f = *context;
  struct kt_hook_backlog *backlog;
  size_t n;
  raise_alert(f, 1, 10);
  raise_alert(f, 2, 20);
  enqueue(f, "a", 30);
  struct kt_hook_run run = claim(f, "a", 30, 1);
  assert_int_equal(kt_state_hook_failed(&f->state, "a", &run, "exit status 7", 1000), KT_OK);
  assert_nothing_due(f, "a", 999); /* the second alert would fail as well */
  run = claim(f, "a", 1000, 1);
  assert_int_equal(run.failures, 2);
  assert_int_equal(kt_state_hook_failed(&f->state, "a", &run, "exit status 7", 5000), KT_OK);
  assert_int_equal(kt_state_hook_backlog(&f->state, &f->arena, &backlog, &n), KT_OK);
  assert_int_equal(n, 1);
  assert_string_equal(backlog[0].hook, "a");
  assert_int_equal(backlog[0].n_waiting, 2);
  assert_int_equal(backlog[0].failures, 2);
  assert_int_equal(backlog[0].next_ms, 5000);
  assert_string_equal(backlog[0].error, "exit status 7");
  run = claim(f, "a", 5000, 1);
  assert_int_equal(kt_state_hook_done(&f->state, "a", &run, 5001), KT_OK);
  run = claim(f, "a", 5001, 2); /* it works again: the second need not wait */
  assert_int_equal(run.failures, 1);
}

/* A claim nobody ends, as after kill -9. */
static void test_interrupted_call_is_repeated(void **context)
{
  struct fixture *f = *context;
  raise_alert(f, 1, 10);
  enqueue(f, "a", 30);
  claim(f, "a", 30, 1);
  assert_nothing_due(f, "a", 30 + MINUTE); /* it may still run */
  struct kt_hook_run run = claim(f, "a", 30 + 10 * MINUTE, 1);
  assert_int_equal(run.failures, 2);
}

static void test_ended_alert_is_still_told_and_a_new_one_again(void **context)
{
  struct fixture *f = *context;
  raise_alert(f, 1, 10);
  enqueue(f, "a", 30);
  end_alert(f, 1, 40);
  struct kt_hook_run run = claim(f, "a", 50, 1);
  assert_int_equal(run.entry.settlement, KT_SETTLEMENT_ENDED);
  assert_int_equal(kt_state_hook_done(&f->state, "a", &run, 51), KT_OK);
  enqueue(f, "a", 60);
  assert_nothing_due(f, "a", 60);
  raise_alert(f, 1, 70);
  enqueue(f, "a", 80);
  run = claim(f, "a", 80, 1);
  assert_int_equal(run.entry.raised_ms, 70);
  assert_int_equal(run.failures, 1);
}

static void test_only_one_alert_and_pruning(void **context)
{
  struct fixture *f = *context;
  struct kt_hook_backlog *backlog;
  size_t n = 1;
  raise_alert(f, 1, 10);
  raise_alert(f, 2, 20);
  const struct kt_alert second = alert_of(2);
  assert_int_equal(kt_state_hook_enqueue(&f->state, "a", &second.id, 30), KT_OK);
  struct kt_hook_run run = claim(f, "a", 30, 2);
  assert_int_equal(kt_state_hook_failed(&f->state, "a", &run, "gone", 1000), KT_OK);
  assert_int_equal(kt_state_hook_prune(&f->state, 1000), KT_OK);
  claim(f, "a", 1000, 2);
  assert_int_equal(kt_state_hook_prune(&f->state, 1000 * MINUTE), KT_OK);
  assert_int_equal(kt_state_hook_backlog(&f->state, &f->arena, &backlog, &n), KT_OK);
  assert_int_equal(n, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_each_hook_once_oldest_first, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_failure_makes_the_hook_wait, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_interrupted_call_is_repeated, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_ended_alert_is_still_told_and_a_new_one_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_only_one_alert_and_pruning, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
