/* SPDX-License-Identifier: Apache-2.0 */
/* Contact monitoring, owner initialization, owner monitoring. */
#include "scene_test.h"

#include "tree/prefix_tree.h"

static const struct toy_query search_query = { .kind = TOY_SEARCH, .label = REJECT_LABEL };
static const struct toy_query contact_query = { .kind = TOY_CONTACT, .label = REJECT_LABEL };
static const struct toy_query monitor_query = { .kind = TOY_OWNER_MONITOR, .label = REJECT_LABEL };
static const struct toy_query update_query = { .kind = TOY_UPDATE, .label = REJECT_LABEL };

static struct kt_combined_proof *proof_of_monitor(void *response)
{
  return &((struct kt_monitor_response *)response)->monitor;
}

/* --- Contact Monitor --------------------------------------------------------------------------------------------------------- */

/* Version 1 came at entry 4, the newest then; entry 5 is its parent later, and is not distinguished. */
static void watch(struct scene *scene)
{
  begin(scene, "1000100", 35, 0);
  toy_run_ok(&scene->user, 5, &search_query);
  assert_int_equal(scene->user.contact.n_map, 1);
  assert_int_equal(scene->user.contact.map[0].position, 4);
  accept_honest(&scene->user, &contact_query, KT_OK);
}

/* Of version 1: 0 and 1. */
static void shorten_ladder(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *last = last_proof(arena, proof_of_monitor(response));
  (void)log;
  assert_int_equal(last->n_results, 2);
  last->n_results--;
}

static void test_R27_monitoring_ladder_lacks_a_lookup(void **state)
{
  static struct scene scene;
  (void)state;
  watch(&scene);
  reject_lie(&scene.user, &contact_query, shorten_ladder, KT_ERR_PROOF, "ladder-short");
  end(&scene);
}

static void show_last_lookup_missing(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *proof = last_proof(arena, proof_of_monitor(response));
  (void)log;
  edit_results(arena, proof)[proof->n_results - 1].type = KT_PREFIX_NON_INCLUSION_PARENT;
}

static void test_R27_monitoring_ladder_shows_non_inclusion(void **state)
{
  static struct scene scene;
  (void)state;
  watch(&scene);
  reject_lie(&scene.user, &contact_query, show_last_lookup_missing, KT_ERR_PROOF, "version-missing");
  end(&scene);
}

/* Two versions whose paths meet at entry 7, the lesser one to the right. */
static void test_R28_lesser_version_to_the_right(void **state)
{
  static const struct kt_version_at map[] = { { .position = 5, .version = 1 }, { .position = 6, .version = 0 } };
  static const struct kt_version_at equal[] = { { .position = 5, .version = 1 }, { .position = 6, .version = 1 } };
  static struct scene scene;
  (void)state;
  begin(&scene, "1000100000", 1000000, 0);
  toy_run_ok(&scene.user, 5, &search_query);
  scene.user.contact.map = map;
  scene.user.contact.n_map = 2;
  scene.log.keep_going = true;
  reject_lie(&scene.user, &contact_query, NULL, KT_ERR_PROOF, "monitor-order");
  scene.user.contact.map = equal;
  reject_lie(&scene.user, &contact_query, NULL, KT_ERR_PROOF, "monitor-order");
  end(&scene);
}

/* A duty must not get lost: neither to a lesser version shown further right, nor to an older greatest version. */
static void test_R29_lesser_version_shown_to_the_right(void **state)
{
  static const struct kt_version_at map[] = { { .position = 3, .version = 5 } };
  static const struct kt_version_at right[] = { { .position = 6, .version = 5 } };
  static const uint32_t version = 1;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = REJECT_LABEL, .version = &version };
  static struct scene scene;
  (void)state;
  begin(&scene, "1000100", 1000000, 0);
  accept_honest(&scene.user, &query, KT_OK);
  scene.user.contact.map = map;
  scene.user.contact.n_map = 1;
  reject_lie(&scene.user, &query, NULL, KT_ERR_PROOF, "version-rollback");
  reject_lie(&scene.user, &search_query, NULL, KT_ERR_PROOF, "version-rollback");
  scene.user.contact.map = right; /* where version 1 is found: nothing is left of it */
  reject_lie(&scene.user, &search_query, NULL, KT_ERR_PROOF, "version-rollback");
  end(&scene);
}

/* --- Owner Initialization ------------------------------------------------------------------------------------------------------- */

static void test_R30_start_not_distinguished(void **state)
{
  const struct toy_query query = { .kind = TOY_OWNER_INIT, .label = REJECT_LABEL, .start = 2 };
  static struct scene scene;
  (void)state;
  begin(&scene, "1000200", 35, 0);
  scene.log.prover_config.reasonable_monitoring_window = 0;
  reject_lie(&scene.user, &query, NULL, KT_ERR_PROOF, "start-not-distinguished");
  end(&scene);
}

static void test_R30_start_expired(void **state)
{
  const struct toy_query query = { .kind = TOY_OWNER_INIT, .label = REJECT_LABEL, .start = 1 };
  static struct scene scene;
  (void)state;
  begin(&scene, "1000200", 15, 50);
  scene.log.prover_config.has_maximum_lifetime = false;
  reject_lie(&scene.user, &query, NULL, KT_ERR_EXPIRED, "start-expired");
  end(&scene);
}

static void one_greatest_version_more(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_owner_init_response *init = response;
  uint32_t *versions = edit_array(arena, init->greatest_versions, init->n_greatest_versions, sizeof *versions);
  (void)log;
  versions[init->n_greatest_versions] = versions[init->n_greatest_versions - 1];
  init->greatest_versions = versions;
  init->n_greatest_versions++;
}

/* 0 at the start, 1 before it: the ladders of 0 and 1 look up the same versions as those of 1 and 0. */
static void exchange_greatest_versions(struct toy_log *log, struct kt_arena *arena, void *response)
{
  static const uint32_t versions[] = { 0, 1 };
  struct kt_owner_init_response *init = response;
  (void)log;
  assert_int_equal(init->n_greatest_versions, 2);
  assert_int_equal(init->greatest_versions[0], 1);
  init->greatest_versions = versions;
  edit_steps(arena, &init->binary_ladder, init->n_ladder)[1].has_commitment = false;
}

static void drop_commitment(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_owner_init_response *init = response;
  (void)log;
  edit_steps(arena, &init->binary_ladder, init->n_ladder)[1].has_commitment = false;
}

static void drop_init_step(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_owner_init_response *)response)->n_ladder--;
}

static void add_init_step(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_owner_init_response *init = response;
  struct kt_ladder_step *steps = edit_steps(arena, &init->binary_ladder, init->n_ladder);
  (void)log;
  steps[init->n_ladder] = steps[init->n_ladder - 1];
  init->n_ladder++;
}

static void commit_last_step(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_owner_init_response *init = response;
  (void)log;
  struct kt_ladder_step *last = &edit_steps(arena, &init->binary_ladder, init->n_ladder)[init->n_ladder - 1];
  assert_false(last->has_commitment);
  last->has_commitment = true;
}

/* Entry 5 is distinguished, and so is entry 3, on its path and left of it. */
static void init_lie(toy_mutate lie, const char *code)
{
  const struct toy_query query = { .kind = TOY_OWNER_INIT, .label = REJECT_LABEL, .start = 5 };
  static struct scene scene;
  begin(&scene, "1000100", 25, 0);
  accept_honest(&scene.user, &query, KT_OK);
  reject_lie(&scene.user, &query, lie, KT_ERR_PROOF, code);
  end(&scene);
}

static void test_R31_greatest_versions(void **state)
{
  (void)state;
  init_lie(one_greatest_version_more, "greatest-versions");
  init_lie(exchange_greatest_versions, "greatest-versions");
}

static void test_R32_commitment_missing(void **state)
{
  (void)state;
  init_lie(drop_commitment, "ladder-commitment");
}

static void test_R32_other_versions_or_commitments(void **state)
{
  (void)state;
  init_lie(drop_init_step, "ladder-commitment");
  init_lie(add_init_step, "ladder-commitment");
  init_lie(commit_last_step, "ladder-commitment");
}

/* The log answers for entry 5; the user asked for one that does not exist. */
static void test_R49_start_outside_the_log(void **state)
{
  static const uint64_t starts[] = { 7, 8, UINT64_MAX };
  struct toy_query query = { .kind = TOY_OWNER_INIT, .label = REJECT_LABEL, .start = 5 };
  static struct scene scene;
  (void)state;
  begin(&scene, "1000100", 25, 0);
  accept_honest(&scene.user, &query, KT_OK);
  assert_int_equal(toy_ask(&scene.user, 7, &query), KT_OK);
  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
    query.start = starts[i];
    reject_response(&scene.user, &query, 1060, KT_ERR_PROOF, "start");
  }
  end(&scene);
}

/* --- Owner Monitoring -------------------------------------------------------------------------------------------------------------- */

static void show_third_lookup_included(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *proof = last_proof(arena, proof_of_monitor(response));
  (void)log;
  struct kt_prefix_result *results = edit_results(arena, proof);
  size_t i = 0;
  while (results[i].type == KT_PREFIX_INCLUSION) {
    i++;
  }
  results[i].type = KT_PREFIX_INCLUSION;
}

static void test_R33_unexpected_version(void **state)
{
  static const char *const logs[] = { "1100000", "0000000" }; /* versions known, none known */
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    static struct scene scene;
    own(&scene, logs[i]);
    accept_honest(&scene.user, &monitor_query, KT_OK);
    reject_lie(&scene.user, &monitor_query, show_third_lookup_included, KT_ERR_PROOF, "owner-unexpected-version");
    end(&scene);
  }
}

/* Entry 5 has lost version 1, which its owner made. */
static void test_R33_version_missing(void **state)
{
  static struct scene scene;
  struct kt_hash key;
  (void)state;
  own(&scene, "1100000");
  accept_honest(&scene.user, &monitor_query, KT_OK);
  toy_vrf_output(REJECT_LABEL, 1, &key);
  toy_log_tamper(&scene.log, 5, &key, NULL);
  scene.log.keep_going = true;
  reject_lie(&scene.user, &monitor_query, NULL, KT_ERR_PROOF, "owner-version-missing");
  end(&scene);
}

/* An honest log stops before a version its owner does not know, and shows it to whoever asks. */
static void test_R33_new_version_is_noticed(void **state)
{
  uint32_t known;
  static struct scene scene;
  (void)state;
  own(&scene, "1100100");
  toy_run_ok(&scene.user, 7, &monitor_query);
  assert_false(scene.user.owner_result.complete);
  assert_int_equal(scene.user.owner.start, 3);
  toy_run_ok(&scene.user, 7, &search_query);
  assert_true(kt_owner_greatest(&scene.user.owner, &known));
  assert_true(scene.user.search.version > known);
  toy_run_ok(&scene.user, 7, &update_query);
  assert_true(scene.user.update.disregarded);
  toy_run_ok(&scene.user, 7, &monitor_query);
  assert_true(scene.user.owner_result.complete);
  end(&scene);
}

/* The owner's program asks on; what matters here is that stopping early never counts as complete. */
static void test_R34_monitoring_that_ends_early(void **state)
{
  static struct scene scene;
  (void)state;
  own(&scene, "1100000");
  scene.log.owner_limit = 4;
  toy_run_ok(&scene.user, 7, &monitor_query);
  assert_false(scene.user.owner_result.complete);
  assert_int_equal(scene.user.owner.start, 3);
  scene.log.owner_limit = UINT64_MAX;
  toy_run_ok(&scene.user, 7, &monitor_query);
  assert_true(scene.user.owner_result.complete);
  assert_int_equal(scene.user.owner.start, 5);
  end(&scene);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_R27_monitoring_ladder_lacks_a_lookup),
    cmocka_unit_test(test_R27_monitoring_ladder_shows_non_inclusion),
    cmocka_unit_test(test_R28_lesser_version_to_the_right),
    cmocka_unit_test(test_R29_lesser_version_shown_to_the_right),
    cmocka_unit_test(test_R30_start_not_distinguished),
    cmocka_unit_test(test_R30_start_expired),
    cmocka_unit_test(test_R31_greatest_versions),
    cmocka_unit_test(test_R32_commitment_missing),
    cmocka_unit_test(test_R32_other_versions_or_commitments),
    cmocka_unit_test(test_R49_start_outside_the_log),
    cmocka_unit_test(test_R33_unexpected_version),
    cmocka_unit_test(test_R33_version_missing),
    cmocka_unit_test(test_R33_new_version_is_noticed),
    cmocka_unit_test(test_R34_monitoring_that_ends_early),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
