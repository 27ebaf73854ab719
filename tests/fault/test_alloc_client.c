/* SPDX-License-Identifier: Apache-2.0 */
/* Everything a client verifies, with every allocation failing: no memory is never a verdict about the log ("Queries that
 * fail full verification MUST NOT modify the user's protocol state", R59), and what succeeds all the same is right. */
#include "fault_test.h"

#include <string.h>

#include "support/suite.h"
#include "support/toy_question.h"

#define RESULT_LIMIT ((size_t)1 << 20)

static struct toy_questions all;

struct run {
  const struct toy_question *question;
  struct toy_attempt attempt;
  struct kt_writer honest;
};

static struct run run;

static void before(void *ctx)
{
  struct run *r = ctx;
  toy_attempt_begin(r->question, &r->attempt);
}

static enum kt_err verify(void *ctx)
{
  struct run *r = ctx;
  return toy_attempt_verify(&all, r->question, r->question->response, &r->attempt);
}

static void write_meaning(struct kt_writer *w, const struct run *r, enum kt_err err)
{
  kt_writer_init(w, RESULT_LIMIT);
  toy_attempt_write(r->question, err, &r->attempt, w);
  assert_int_equal(w->err, KT_OK);
}

static void after(void *ctx, enum kt_err err, bool refused)
{
  struct run *r = ctx;
  if (err == r->question->verdict) {
    struct kt_writer w;
    write_meaning(&w, r, err);
    assert_int_equal(w.len, r->honest.len);
    assert_memory_equal(w.buf, r->honest.buf, w.len);
    kt_writer_release(&w);
  } else {
    const char *code = r->attempt.user.reason.code;
    fault_check(refused && fault_is_ours(err), kt_err_text(err), code);
    fault_check(code == NULL || strcmp(code, "memory") == 0 || strcmp(code, "not-examined") == 0, "a verdict", code);
    fault_check(toy_attempt_is_untouched(r->question, &r->attempt), "something changed", code);
  }
  toy_attempt_end(&r->attempt);
}

static void every_question(bool for_good)
{
  for (size_t i = 0; i < all.n; i++) {
    const struct fault_operation op = { all.questions[i].name, &run, before, verify, after };
    run.question = &all.questions[i];
    before(&run);
    write_meaning(&run.honest, &run, verify(&run));
    toy_attempt_end(&run.attempt);
    /* A consistency proof of few hashes, or an audit's state, fits on the stack. */
    assert_true(fault_each_allocation(&op, fault_stride(1), for_good) > 0 || all.questions[i].kind != TOY_ASKS_SCENE);
    kt_writer_release(&run.honest);
  }
}

static void test_one_allocation_fails(void **state)
{
  (void)state;
  every_question(false);
}

static void test_all_allocations_fail_from_one_on(void **state)
{
  (void)state;
  every_question(true);
}

/* Real signatures and VRF proofs each time: the toy suite remembers what it verified. */
static int init(void **state)
{
  (void)state;
  toy_questions_init(&all, 0, 7);
  all.log.config.suite = test_suite();
  all.credential_log.config.suite = test_suite();
  return 0;
}

static int end(void **state)
{
  (void)state;
  toy_questions_release(&all);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_one_allocation_fails),
    cmocka_unit_test(test_all_allocations_fail_from_one_on),
  };
  return fail_alloc_hook() ? cmocka_run_group_tests(tests, init, end) : 1;
}
