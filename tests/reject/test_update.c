/* SPDX-License-Identifier: Apache-2.0 */
/* Updating a label. */
#include "scene_test.h"

#include "tree/prefix_tree.h"

static const struct toy_query update_query = { .kind = TOY_UPDATE, .label = REJECT_LABEL };

/* --- Updating a Label ----------------------------------------------------------------------------------------------------------------- */

static void update_lie(toy_mutate lie, const char *code)
{
  static struct scene scene;
  own(&scene, "1100200");
  accept_honest(&scene.user, &update_query, KT_OK);
  reject_lie(&scene.user, &update_query, lie, KT_ERR_PROOF, code);
  end(&scene);
}

static void test_R18_version_overflow(void **state)
{
  static struct scene scene;
  (void)state;
  own(&scene, "1100200");
  assert_int_equal(toy_ask(&scene.user, 7, &update_query), KT_OK);
  scene.user.owner.version_at_start = UINT32_MAX - 2; /* two new versions: the last would be 2^32-1 */
  reject_response(&scene.user, &update_query, 1060, KT_ERR_PROOF, "version-overflow");
  scene.user.owner.version_at_start = UINT32_MAX - 1;
  reject_response(&scene.user, &update_query, 1060, KT_ERR_PROOF, "version-overflow");
  scene.user.owner.version_at_start = UINT32_MAX;
  reject_response(&scene.user, &update_query, 1060, KT_ERR_PROOF, "version-overflow");
  end(&scene);
}

static void position_at_start(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_update_response *)response)->position = 3;
}

static void position_outside(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_update_response *)response)->position = 7;
}

static void test_R35_position_not_right_of_the_previous(void **state)
{
  (void)state;
  update_lie(position_at_start, "update-position");
  update_lie(position_outside, "update-position");
}

static void no_info(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_update_response *)response)->n_info = 0;
}

static void less_info(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_update_response *)response)->n_info--;
}

static void no_info_no_values(struct toy_log *log, struct kt_arena *arena, void *response)
{
  no_info(log, arena, response);
  ((struct kt_update_response *)response)->n_values = 0;
}

static void test_R36_info_empty_or_of_the_wrong_length(void **state)
{
  (void)state;
  update_lie(no_info, "update-info");
  update_lie(less_info, "update-info");
  update_lie(no_info_no_values, "update-info");
}

/* Somebody else's versions come back instead of ours. */
static void test_R37_values_we_did_not_send(void **state)
{
  const struct kt_bytes value = toy_label("mine");
  const struct toy_query query = { .kind = TOY_UPDATE, .label = REJECT_LABEL, .values = &value, .n_values = 1 };
  static struct scene scene;
  (void)state;
  own(&scene, "1100200");
  toy_run_ok(&scene.user, 7, &query);
  assert_true(scene.user.update.disregarded);
  assert_int_equal(scene.user.update.n_values, 2);
  toy_assert_bytes_equal(scene.user.update.values[0], toy_label("alice/2"));
  end(&scene);
}

/* One version for one; of another length, of the same length, and ours after all. */
static void test_R37_another_value_instead_of_ours(void **state)
{
  static const char *const mine[] = { "mine", "alice/9", "alice/2" };
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    const struct kt_bytes value = toy_label(mine[i]);
    const struct toy_query query = { .kind = TOY_UPDATE, .label = REJECT_LABEL, .values = &value, .n_values = 1 };
    static struct scene scene;
    own(&scene, "1100100");
    toy_run_ok(&scene.user, 7, &query);
    assert_int_equal(scene.user.update.disregarded, i < 2);
    toy_assert_bytes_equal(scene.user.update.values[0], toy_label("alice/2"));
    end(&scene);
  }
}

static void drop_step(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_update_response *)response)->n_ladder--;
}

static void commit_step(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_update_response *update = response;
  (void)log;
  edit_steps(arena, &update->binary_ladder, update->n_ladder)[0].has_commitment = true;
}

static void test_R39_ladder_count_or_commitment(void **state)
{
  (void)state;
  update_lie(drop_step, "ladder-count");
  update_lie(commit_step, "ladder-commitment");
}

/* Version 2 was there before, in entry 5, as nobody but the log knows; it is said to be added by entry 6. */
static void test_R40_version_was_there_before(void **state)
{
  static struct scene scene;
  (void)state;
  const struct toy_query query = { .kind = TOY_OWNER_INIT, .label = REJECT_LABEL, .start = 3 };
  begin(&scene, "1100001", 35, 0);
  toy_run_ok(&scene.user, 4, &query);
  accept_honest(&scene.user, &update_query, KT_OK);
  struct kt_prefix_leaf leaf = { .commitment = toy_version_find(&scene.log, REJECT_LABEL, 2)->commitment };
  toy_vrf_output(REJECT_LABEL, 2, &leaf.vrf_output);
  toy_log_tamper(&scene.log, 5, NULL, &leaf);
  scene.log.keep_going = true;
  reject_lie(&scene.user, &update_query, NULL, KT_ERR_PROOF, "update-frontier");
  end(&scene);
}

/* Version 1 came with entry 4, and entry 5 lacks it; entry 6 adds version 2. */
static void test_R40_version_before_is_missing(void **state)
{
  static struct scene scene;
  struct kt_hash key;
  const struct toy_query query = { .kind = TOY_OWNER_INIT, .label = REJECT_LABEL, .start = 3 };
  (void)state;
  begin(&scene, "1000101", 35, 0);
  toy_run_ok(&scene.user, 4, &query);
  toy_run_ok(&scene.user, 5, &update_query);
  accept_honest(&scene.user, &update_query, KT_OK);
  toy_vrf_output(REJECT_LABEL, 1, &key);
  toy_log_tamper(&scene.log, 5, &key, NULL);
  scene.log.keep_going = true;
  reject_lie(&scene.user, &update_query, NULL, KT_ERR_PROOF, "update-frontier");
  end(&scene);
}

/* Entry 6, which is said to add version 2, lacks it. */
static void test_R41_new_version_missing(void **state)
{
  static struct scene scene;
  struct kt_hash key;
  (void)state;
  own(&scene, "1100001");
  accept_honest(&scene.user, &update_query, KT_OK);
  toy_vrf_output(REJECT_LABEL, 2, &key);
  toy_log_tamper(&scene.log, 6, &key, NULL);
  scene.log.keep_going = true;
  reject_lie(&scene.user, &update_query, NULL, KT_ERR_PROOF, "update-missing");
  end(&scene);
}

/* Entry 6 adds versions 2 and 3; the ladder of 3 does not look up 2, which is said not to be there. */
static void show_only_version_missing(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *last = last_proof(arena, &((struct kt_update_response *)response)->update);
  (void)log;
  assert_int_equal(last->n_results, 1);
  edit_results(arena, last)[0].type = KT_PREFIX_NON_INCLUSION_PARENT;
}

static void test_R41_version_beside_the_ladder_missing(void **state)
{
  static struct scene scene;
  (void)state;
  own(&scene, "1100002");
  accept_honest(&scene.user, &update_query, KT_OK);
  reject_lie(&scene.user, &update_query, show_only_version_missing, KT_ERR_PROOF, "version-missing");
  end(&scene);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_R18_version_overflow),
    cmocka_unit_test(test_R35_position_not_right_of_the_previous),
    cmocka_unit_test(test_R36_info_empty_or_of_the_wrong_length),
    cmocka_unit_test(test_R37_values_we_did_not_send),
    cmocka_unit_test(test_R37_another_value_instead_of_ours),
    cmocka_unit_test(test_R39_ladder_count_or_commitment),
    cmocka_unit_test(test_R40_version_was_there_before),
    cmocka_unit_test(test_R40_version_before_is_missing),
    cmocka_unit_test(test_R41_new_version_missing),
    cmocka_unit_test(test_R41_version_beside_the_ladder_missing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
