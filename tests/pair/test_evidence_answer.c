/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of what a log says about a label: an honest log's answers to people who retain nothing. Scene 0 is such an
 * answer, scene 6 one that proves absence. */
#include "pair_test.h"

#include <kt/evidence.h>

#include "support/toy_scene.h"

#define ABSENT_SCENE 6
#define FILE_MAX_ ((size_t)1 << 20)

struct fixture {
  struct toy_log log;
  struct toy_scene scene;
  uint8_t config[KT_CONFIG_MAX];
  uint64_t newest_ms;
  struct kt_evidence evidence;
};

static struct kt_evidence evidence_of(struct fixture *f, const struct toy_scene *scene)
{
  struct kt_evidence evidence = { .kind = KT_EVIDENCE_ANSWER };
  kt_config_log_id(&f->log.config, &evidence.log_id);
  evidence.answer = (struct kt_signed_answer){ .config = { f->config, kt_config_encode(&f->log.config, f->config) },
                                               .received_ms = f->newest_ms,
                                               .label = toy_label(scene->query.label),
                                               .response = scene->response };
  return evidence;
}

static int setup(void **state)
{
  static struct fixture f;
  toy_scene_log(&f.log);
  toy_scene_set(&f.log, 0, &f.scene);
  f.newest_ms = f.log.timestamps[f.log.size - 1];
  f.evidence = evidence_of(&f, &f.scene);
  *state = &f;
  return 0;
}

static int teardown(void **state)
{
  struct fixture *f = *state;
  toy_user_release(&f->scene.user);
  toy_log_release(&f->log);
  return 0;
}

static void assert_refused(struct fixture *f, const struct kt_evidence *evidence, const char *code)
{
  struct kt_reason reason = { .code = NULL };
  enum kt_evidence_verdict verdict = (enum kt_evidence_verdict)77;
  assert_int_not_equal(kt_evidence_verify(&f->log.config, evidence, &f->scene.user.arena, &verdict, &reason), KT_OK);
  assert_int_equal(verdict, 77);
  assert_non_null(reason.code);
  if (code != NULL) {
    assert_string_equal(reason.code, code);
  }
}

/* Written, read, and what it says is what the log has; alone it contradicts nothing. */
static void an_answer_says_what_the_log_says(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence decoded;
  struct kt_search_result result;
  struct kt_reason reason = { .code = NULL };
  enum kt_evidence_verdict verdict = KT_EVIDENCE_CONTRADICTION;
  struct kt_writer w;
  kt_writer_init(&w, FILE_MAX_);
  kt_evidence_write(&w, &f->evidence);
  assert_int_equal(w.err, KT_OK);
  assert_int_equal(kt_evidence_decode((struct kt_bytes){ w.buf, w.len }, &decoded), KT_OK);
  struct kt_arena *arena = &f->scene.user.arena;
  assert_int_equal(kt_evidence_verify(&f->log.config, &decoded, arena, &verdict, &reason), KT_OK);
  assert_int_equal(verdict, KT_EVIDENCE_CONSISTENT);
  assert_int_equal(kt_evidence_open_answer(&f->log.config, &decoded, arena, &result, &reason), KT_OK);
  uint32_t greatest = 0;
  assert_true(toy_greatest_at(&f->log, "alice", f->log.size - 1, &greatest));
  assert_int_equal(result.version, greatest);
  toy_assert_bytes_equal(result.value, toy_label(toy_version_find(&f->log, "alice", greatest)->value));
  assert_int_equal(result.log.tree.size, f->log.size);
  assert_string_equal(kt_evidence_kind_name(decoded.kind), "answer");
  kt_writer_release(&w);
}

/* No byte of it can be changed (a bit of each is tried): neither the answer nor the question. */
static void a_changed_answer_is_refused(void **state)
{
  struct fixture *f = *state;
  const struct kt_bytes honest = f->evidence.answer.response;
  uint8_t *changed = kt_arena_copy(&f->scene.user.arena, honest.data, honest.len);
  assert_non_null(changed);
  struct kt_evidence evidence = f->evidence;
  evidence.answer.response.data = changed;
  for (size_t i = 0; i < honest.len; i++) {
    changed[i] ^= (uint8_t)(1u << i % 8);
    assert_refused(f, &evidence, NULL);
    changed[i] ^= (uint8_t)(1u << i % 8);
  }
  evidence.answer.response.len--;
  assert_refused(f, &evidence, NULL);
  evidence = f->evidence;
  evidence.answer.label = toy_label("bob");
  assert_refused(f, &evidence, NULL);
}

static void what_does_not_belong_together_is_refused(void **state)
{
  struct fixture *f = *state;
  struct kt_evidence evidence = f->evidence;
  evidence.answer.received_ms = f->newest_ms + 1000000; /* an old answer that is said to be new */
  assert_refused(f, &evidence, NULL);
  evidence = f->evidence;
  evidence.log_id.b[0] ^= 1;
  assert_refused(f, &evidence, "evidence-log");
  evidence = f->evidence;
  evidence.answer.config.len--;
  assert_refused(f, &evidence, NULL);
  static struct toy_scene absent;
  toy_scene_set(&f->log, ABSENT_SCENE, &absent);
  evidence = evidence_of(f, &absent);
  assert_refused(f, &evidence, "evidence-absent");
  toy_user_release(&absent.user);
  struct kt_search_result result;
  evidence = (struct kt_evidence){ .kind = KT_EVIDENCE_FAILED, .log_id = f->evidence.log_id };
  assert_int_equal(kt_evidence_open_answer(&f->log.config, &evidence, &f->scene.user.arena, &result, NULL),
                   KT_ERR_USAGE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(an_answer_says_what_the_log_says, setup, teardown),
    cmocka_unit_test_setup_teardown(a_changed_answer_is_refused, setup, teardown),
    cmocka_unit_test_setup_teardown(what_does_not_belong_together_is_refused, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
