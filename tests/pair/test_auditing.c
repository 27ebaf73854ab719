/* SPDX-License-Identifier: Apache-2.0 */
/* Third-party auditing: every size, every size seen before, every size that the auditor vouched for. Answers are compared
 * with the model's; the verifier retains what the auditor's head said. */
#include "model_pair.h"
#include "pair_test.h"

#define SIZE_MAX_ 18

static struct model_pair pair;

/* A walk by somebody who saw `last` entries. */
static void check(struct model_pair *p, uint64_t last, uint64_t auditor)
{
  const struct model_format format = { .mode = MODEL_THIRD_PARTY_AUDITING,
                                       .vrf_proof_len = p->toy.config.suite->vrf_proof_len,
                                       .signature_len = MODEL_SIGNATURE_LEN };
  const struct toy_query walk = { .kind = TOY_DISTINGUISHED };
  struct kt_distinguished_response response;
  uint64_t positions[MODEL_ENTRIES_MAX];
  p->toy.auditor_size = auditor;
  model_pair_begin(p, last);
  p->user.state.auditor_size = last;
  assert_int_equal(model_pair_ask(p, &walk), KT_OK);
  assert_int_equal(kt_distinguished_response_decode(p->user.response, &p->toy.config, &p->user.arena, &response),
                   KT_OK);
  assert_int_equal(response.full_tree_head.type, last == p->model.size ? KT_HEAD_SAME : KT_HEAD_UPDATED);
  (void)model_walk(&p->run, MODEL_NONE, KT_RECENT_MAX, positions);
  model_pair_assert_proof(p, &response.distinguished);
  assert_int_equal(p->user.response.len, model_distinguished_size(&p->run, &format));
  assert_int_equal(model_pair_check(p, &walk), KT_OK);
  model_pair_assert_state(p);
  assert_int_equal(p->user.state.auditor_size, last == p->model.size ? last : auditor);
}

static void test_every_auditor_size_as_the_model_has_it(void **state)
{
  (void)state;
  model_pair_init(&pair);
  toy_log_set_auditor(&pair.toy, 0, model_pair_never, 0);
  for (uint64_t size = 1; size <= SIZE_MAX_; size++) {
    model_pair_append(&pair, 10 * size, size % 3 == 0);
    model_pair_configure(&pair, 25, 0);
    for (uint64_t last = 0; last <= size; last++) {
      for (uint64_t auditor = 1; auditor <= size; auditor++) {
        check(&pair, last, auditor);
      }
    }
  }
  model_pair_report(&pair);
  model_pair_release(&pair);
}

/* Real signatures, every kind of question, users who come back. */
static void ask_everything(struct toy_user *user, uint64_t size)
{
  const struct toy_query search = { .kind = TOY_SEARCH, .label = PAIR_LABEL };
  const struct toy_query contact = { .kind = TOY_CONTACT, .label = PAIR_LABEL };
  const uint32_t first = 0;
  const struct toy_query fixed = { .kind = TOY_SEARCH, .label = PAIR_LABEL, .version = &first };
  toy_run_ok(user, size, &search);
  assert_int_equal(user->state.auditor_size, user->log->auditor_size);
  toy_run_ok(user, size, &contact);
  toy_run_ok(user, size, &fixed);
  pair_check_state(user, size);
  assert_int_equal(user->state.auditor_size, user->log->auditor_size);
}

static void test_every_question_with_an_auditor_behind(void **state)
{
  static struct toy_log log;
  static struct toy_user user;
  (void)state;
  pair_log(&log, 12, "10020", 25, 0);
  toy_log_set_auditor(&log, 0, 40, 0);
  for (uint64_t lag = 0; lag <= 4; lag++) {
    toy_user_init(&user, &log);
    for (uint64_t size = 1 + lag; size <= log.size; size++) {
      log.auditor_size = size - lag;
      ask_everything(&user, size);
    }
    toy_user_release(&user);
  }
  toy_log_release(&log);
}

static void test_owner_with_an_auditor_behind(void **state)
{
  static struct toy_log log;
  static struct toy_user user;
  const struct kt_bytes value = toy_label(PAIR_LABEL "/0");
  const struct toy_query init = { .kind = TOY_OWNER_INIT, .label = PAIR_LABEL };
  const struct toy_query update = { .kind = TOY_UPDATE, .label = PAIR_LABEL, .values = &value, .n_values = 1 };
  const struct toy_query monitor = { .kind = TOY_OWNER_MONITOR, .label = PAIR_LABEL };
  (void)state;
  pair_log(&log, 12, "000010000000", 25, 0);
  toy_log_set_auditor(&log, 0, 40, 0);
  toy_user_init(&user, &log);
  log.auditor_size = 2;
  toy_run_ok(&user, 4, &init);
  log.auditor_size = 3;
  toy_run_ok(&user, 5, &update);
  assert_false(user.update.disregarded);
  for (uint64_t size = 6; size <= log.size; size++) {
    log.auditor_size = size - 3;
    toy_run_ok(&user, size, &monitor);
    assert_int_equal(user.state.auditor_size, size - 3);
  }
  pair_check_state(&user, log.size);
  toy_user_release(&user);
  toy_log_release(&log);
}

/* The state with an auditor's size, as bytes and back. */
static void test_state_keeps_the_auditor_size(void **state)
{
  static struct toy_log log;
  static struct toy_user user;
  static struct kt_log_state again;
  struct kt_writer w;
  (void)state;
  pair_log(&log, 6, "1", 25, 0);
  toy_log_set_auditor(&log, 0, 40, 0);
  log.auditor_size = 5;
  toy_user_init(&user, &log);
  toy_user_observe(&user, 6);
  kt_writer_init(&w, (size_t)1 << 20);
  kt_log_state_write(&w, &user.state);
  assert_int_equal(kt_log_state_decode((struct kt_bytes){ w.buf, w.len }, &again), KT_OK);
  assert_int_equal(again.auditor_size, 5);
  assert_int_equal(w.buf[0], 2);
  memset(w.buf + w.len - 8, 0xff, 8); /* beyond the tree */
  assert_int_equal(kt_log_state_decode((struct kt_bytes){ w.buf, w.len }, &again), KT_ERR_FORMAT);
  memset(w.buf + w.len - 8, 0, 8); /* format 1 says that there is none */
  assert_int_equal(kt_log_state_decode((struct kt_bytes){ w.buf, w.len }, &again), KT_ERR_FORMAT);
  kt_writer_release(&w);
  toy_user_release(&user);
  toy_log_release(&log);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_auditor_size_as_the_model_has_it),
    cmocka_unit_test(test_every_question_with_an_auditor_behind),
    cmocka_unit_test(test_owner_with_an_auditor_behind),
    cmocka_unit_test(test_state_keeps_the_auditor_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
