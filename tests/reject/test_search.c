/* SPDX-License-Identifier: Apache-2.0 */
/* Ladders, searches, commitments, VRF proofs, prefix trees. */
#include "reject_test.h"

#include "support/suite.h"
#include "tree/prefix_tree.h"

static const struct toy_query greatest_query = { .kind = TOY_SEARCH, .label = REJECT_LABEL };

struct scene {
  struct toy_log log;
  struct toy_user user;
};

static void begin(struct scene *scene, const char *adds, uint64_t window, uint64_t lifetime)
{
  reject_log(&scene->log, adds, window, lifetime);
  toy_user_init(&scene->user, &scene->log);
}

static void end(struct scene *scene)
{
  toy_user_release(&scene->user);
  toy_log_release(&scene->log);
}

/* version NULL: greatest. */
static void search_lie(const char *adds, const uint32_t *version, toy_mutate lie, const char *code)
{
  static struct scene scene;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = REJECT_LABEL, .version = version };
  begin(&scene, adds, 35, 0);
  accept_honest(&scene.user, &query, KT_OK);
  reject_lie(&scene.user, &query, lie, KT_ERR_PROOF, code);
  end(&scene);
}

static struct kt_prefix_proof *last_proof(struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = proof_of_search(response);
  return &edit_prefix_proofs(arena, proof)[proof->n_prefix_proofs - 1];
}

/* A value comes first in third-party management: it lacks the Service Operator's signature. */
static const char *unless_managed(const char *code)
{
  return test_mode() == KT_MODE_THIRD_PARTY_MANAGEMENT ? "leaf-signature" : code;
}

/* --- ladders ------------------------------------------------------------------------------------------------------------------- */

static void shorten_ladder(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  last_proof(arena, response)->n_results--;
}

static void lengthen_ladder(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *proof = last_proof(arena, response);
  (void)log;
  struct kt_prefix_result *results = edit_results(arena, proof);
  results[proof->n_results] = results[0];
  proof->n_results++;
}

static void test_R19_ladder_too_short_or_long(void **state)
{
  (void)state;
  search_lie("1000200", NULL, shorten_ladder, "ladder-short");
  search_lie("1000200", NULL, lengthen_ladder, "ladder-long");
}

static void show_last_lookup_included(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *proof = last_proof(arena, response);
  (void)log;
  edit_results(arena, proof)[proof->n_results - 1].type = KT_PREFIX_INCLUSION;
}

/* The newest entry's ladder only looks up what is above the target: inclusions were shown to the left. */
static void test_R20_greater_version_included(void **state)
{
  (void)state;
  search_lie("1000100", NULL, show_last_lookup_included, "greater-version");
}

static void test_R21_newest_entry_lacks_the_greatest(void **state)
{
  static struct scene scene;
  struct kt_hash key;
  (void)state;
  begin(&scene, "0000001", 35, 0);
  accept_honest(&scene.user, &greatest_query, KT_OK);
  toy_vrf_output(REJECT_LABEL, 0, &key);
  toy_log_tamper(&scene.log, 6, &key, NULL);
  scene.log.keep_going = true;
  reject_lie(&scene.user, &greatest_query, NULL, KT_ERR_PROOF, "greatest-missing");
  end(&scene);
}

static void absence_with_value(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_search_response *)response)->value.value = toy_label("x");
}

static void absence_with_opening(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_search_response *absence = response;
  uint8_t *opening = kt_arena_alloc(arena, 1, KT_OPENING_LEN);
  (void)log;
  assert_non_null(opening);
  opening[3] = 1;
  absence->opening = opening;
}

static void absence_of_version_3(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_search_response *)response)->version = 3;
}

static void test_R22_negative_result_of_another_form(void **state)
{
  static const uint32_t known = 0;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = "nobody" };
  const struct toy_query known_query = { .kind = TOY_SEARCH, .label = "nobody", .known_greatest = &known };
  static struct scene scene;
  (void)state;
  begin(&scene, "1000200", 35, 0);
  accept_honest(&scene.user, &query, KT_ERR_ABSENT);
  reject_lie(&scene.user, &query, absence_with_value, KT_ERR_PROOF, unless_managed("ladder-count"));
  reject_lie(&scene.user, &query, absence_with_opening, KT_ERR_PROOF, unless_managed("ladder-count"));
  reject_lie(&scene.user, &query, absence_of_version_3, KT_ERR_PROOF, unless_managed("ladder-count"));
  reject_lie(&scene.user, &known_query, NULL, KT_ERR_PROOF, "version-rollback");
  end(&scene);
}

/* --- expiry: entries 10 ms apart, lifetime 60, the newest entry at 1100 ms: entries up to 1040 ms (4) are expired ------------------ */

#define EXPIRY_WINDOW 25
#define EXPIRY_LIFETIME 60

/* Version 0 is the greatest in entries 0 to 4 only, and those have expired. */
static void test_R23_target_expired(void **state)
{
  static const uint32_t version = 0;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = REJECT_LABEL, .version = &version };
  static struct scene scene;
  (void)state;
  begin(&scene, "10000100000", EXPIRY_WINDOW, EXPIRY_LIFETIME);
  scene.log.keep_going = true;
  reject_lie(&scene.user, &query, NULL, KT_ERR_EXPIRED, "version-expired");
  end(&scene);
}

/* Versions 0 and 1 both come at entry 5, the leftmost unexpired distinguished one: version 0 is found in it only beside a
 * greater one. */
static void test_R24_identified_entry_is_the_leftmost_distinguished(void **state)
{
  static const uint32_t version = 0;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = REJECT_LABEL, .version = &version };
  static struct scene scene;
  (void)state;
  begin(&scene, "00000200000", EXPIRY_WINDOW, EXPIRY_LIFETIME);
  assert_true(toy_naive_distinguished(&scene.log, 11, 5) && toy_naive_expired(&scene.log, 11, 4));
  scene.log.keep_going = true;
  reject_lie(&scene.user, &query, NULL, KT_ERR_EXPIRED, "version-expired");
  end(&scene);
}

/* The log goes on proving what has expired: entry 3 is passed on the way to entry 5, where version 0 is the greatest. */
static void test_R25_proof_of_an_expired_entry(void **state)
{
  static const uint32_t version = 0;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = REJECT_LABEL, .version = &version };
  static struct scene scene;
  (void)state;
  begin(&scene, "00000110000", EXPIRY_WINDOW, EXPIRY_LIFETIME);
  accept_honest(&scene.user, &query, KT_OK);
  scene.log.prover_config.has_maximum_lifetime = false;
  /* Its ladder is taken for the next entry's, and what follows is out of step. */
  reject_lie(&scene.user, &query, NULL, KT_ERR_PROOF, "timestamps");
  end(&scene);
}

/* Versions 0 to 3 came at once; entry 5, the leftmost inspected one that has version 3, lacks version 2: its ladder does
 * not tell, since it ends with version 3. */
static void test_R26_final_lookup_shows_non_inclusion(void **state)
{
  static const uint32_t version = 2;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = REJECT_LABEL, .version = &version };
  static struct scene scene;
  struct kt_hash key;
  (void)state;
  begin(&scene, "0000040", 35, 0);
  accept_honest(&scene.user, &query, KT_OK);
  toy_vrf_output(REJECT_LABEL, version, &key);
  toy_log_tamper(&scene.log, 5, &key, NULL);
  scene.log.keep_going = true;
  reject_lie(&scene.user, &query, NULL, KT_ERR_PROOF, "version-absent");
  end(&scene);
}

/* --- commitments and VRF proofs -------------------------------------------------------------------------------------------------------- */

static void other_value(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_search_response *)response)->value.value = toy_label("alice/9");
}

static void other_opening(struct toy_log *log, struct kt_arena *arena, void *response)
{
  static const uint8_t opening[KT_OPENING_LEN] = { 1 };
  (void)log;
  (void)arena;
  ((struct kt_search_response *)response)->opening = opening;
}

/* With signatures as they are: a value that is not the committed one leads to another tree. */
static void test_R42_value_or_opening_does_not_match(void **state)
{
  static struct toy_log honest;
  static struct toy_user user;
  const struct toy_params params = { .window = 35, .max_ahead = 10, .max_behind = 10 };
  const struct toy_add adds[] = { { .label = REJECT_LABEL, .count = 1 }, { .label = "bob", .count = 12 } };
  (void)state;
  toy_log_init(&honest, &params);
  toy_log_append(&honest, 1000, adds, 2);
  toy_log_append(&honest, 1010, NULL, 0);
  toy_user_init(&user, &honest);
  accept_honest(&user, &greatest_query, KT_OK);
  reject_lie(&user, &greatest_query, other_value, KT_ERR_PROOF, unless_managed("head-signature"));
  reject_lie(&user, &greatest_query, other_opening, KT_ERR_PROOF, "head-signature");
  toy_user_observe(&user, 2);
  reject_lie(&user, &greatest_query, other_value, KT_ERR_PROOF, unless_managed("prefix-root-retained"));
  reject_lie(&user, &greatest_query, other_opening, KT_ERR_PROOF, "prefix-root-retained");
  toy_user_release(&user);
  toy_log_release(&honest);
}

/* What is monitored was shown with another value. */
static void test_R42_value_changed_since_it_was_shown(void **state)
{
  static struct scene scene;
  (void)state;
  begin(&scene, "1000100", 35, 0);
  assert_int_equal(toy_run(&scene.user, 5, &greatest_query), KT_OK);
  assert_int_equal(scene.user.contact.n_map, 1);
  accept_honest(&scene.user, &greatest_query, KT_OK);
  reject_lie(&scene.user, &greatest_query, other_value, KT_ERR_PROOF, "commitment-changed");
  end(&scene);
}

static void other_commitment(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_search_response *search = response;
  (void)log;
  edit_steps(arena, &search->binary_ladder, search->n_ladder)[0].commitment.b[3] ^= 1;
}

/* Lookups use the commitment of version 0 that is known, so no tree shows the lie. */
static void test_R42_commitment_changed_since_it_was_shown(void **state)
{
  static struct scene scene;
  (void)state;
  begin(&scene, "1000100", 35, 0);
  assert_int_equal(toy_run(&scene.user, 5, &greatest_query), KT_OK);
  accept_honest(&scene.user, &greatest_query, KT_OK);
  reject_lie(&scene.user, &greatest_query, other_commitment, KT_ERR_PROOF, "commitment-changed");
  end(&scene);
}

static void commit_target(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_search_response *search = response;
  struct kt_ladder_step *steps = edit_steps(arena, &search->binary_ladder, search->n_ladder);
  (void)log;
  steps[search->n_ladder - 1].has_commitment = true; /* the ladder of 2 ends with 2 */
}

static void commit_nothing(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_search_response *search = response;
  (void)log;
  edit_steps(arena, &search->binary_ladder, search->n_ladder)[0].has_commitment = false;
}

static void drop_step(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_search_response *)response)->n_ladder--;
}

static void test_R43_commitment_of_the_target(void **state)
{
  static const uint32_t version = 2;
  (void)state;
  search_lie("1000200", NULL, commit_target, "ladder-commitment");
  search_lie("1000200", &version, commit_target, "ladder-commitment");
  search_lie("1000200", NULL, drop_step, "ladder-count");
}

/* Version 3 in the ladder of 2: 0, 1, 3, 2. */
static void commit_what_does_not_exist(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_search_response *search = response;
  (void)log;
  assert_int_equal(search->n_ladder, 4);
  edit_steps(arena, &search->binary_ladder, search->n_ladder)[2].has_commitment = true;
}

static void test_R44_commitment_of_what_does_not_exist(void **state)
{
  (void)state;
  search_lie("1000200", NULL, commit_what_does_not_exist, "ladder-commitment");
}

static void test_R44_commitment_missing(void **state)
{
  static const uint32_t version = 2;
  (void)state;
  search_lie("1000200", NULL, commit_nothing, "ladder-commitment");
  search_lie("1000200", &version, commit_nothing, "prefix-commitment");
}

/* Version 5 in the ladder of 6: 0, 1, 3, 7, 5, 6. */
static void commit_all_but_the_fifth(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_search_response *search = response;
  (void)log;
  edit_steps(arena, &search->binary_ladder, search->n_ladder)[4].has_commitment = false;
}

/* A search for 6 that meets 7 decides without 5, but the monitoring that follows needs it. */
static void test_R44_commitment_missing_for_monitoring(void **state)
{
  static const uint32_t version = 6;
  (void)state;
  search_lie("1000007", &version, commit_all_but_the_fifth, "ladder-commitment");
}

static void exchange_vrf_proofs(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_search_response *search = response;
  struct kt_ladder_step *steps = edit_steps(arena, &search->binary_ladder, search->n_ladder);
  (void)log;
  steps[0].proof = steps[1].proof;
}

static void test_R45_vrf_proof_of_another_input(void **state)
{
  (void)state;
  search_lie("1000200", NULL, exchange_vrf_proofs, "vrf");
}

/* The search key of version 0 was another one when this user saw it. */
static void test_R45_another_output_than_before(void **state)
{
  static struct scene scene;
  (void)state;
  begin(&scene, "1000100", 35, 0);
  assert_int_equal(toy_run(&scene.user, 5, &greatest_query), KT_OK);
  struct kt_contact_state *contact = &scene.user.contact;
  assert_true(contact->n_known > 0);
  struct kt_known_version *known =
      edit_array(&scene.user.arena, contact->known, contact->n_known, sizeof *contact->known);
  contact->known = known;
  accept_honest(&scene.user, &greatest_query, KT_OK);
  known[0].vrf_output.b[0] ^= 1;
  reject_lie(&scene.user, &greatest_query, NULL, KT_ERR_PROOF, "vrf");
  end(&scene);
}

/* --- prefix trees ------------------------------------------------------------------------------------------------------------------------ */

/* A ladder step whose commitment was not given, shown included: version 3 in a search for 2. */
static void show_third_lookup_included(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  struct kt_prefix_proof *proof = last_proof(arena, response);
  struct kt_prefix_result *results = edit_results(arena, proof);
  results[proof->n_results - 1].type = KT_PREFIX_INCLUSION;
}

static void test_R52_inclusion_without_a_commitment(void **state)
{
  static const uint32_t version = 1;
  (void)state;
  search_lie("1000100", &version, show_third_lookup_included, "prefix-commitment");
}

/* Deny version 0 with its own leaf as the one that is in its place. */
static void deny_with_own_leaf(struct toy_log *log, struct kt_arena *arena, void *response)
{
  static const uint8_t zero[KT_OPENING_LEN];
  struct kt_search_response *search = response;
  struct kt_prefix_proof *proof = last_proof(arena, response);
  struct kt_hash key;
  toy_vrf_output(REJECT_LABEL, 0, &key);
  assert_int_equal(kt_prefix_prove(&log->source.prefix_nodes, log->prefix_roots[0], &key, 1, arena, proof), KT_OK);
  struct kt_prefix_result *results = edit_results(arena, proof);
  assert_int_equal(results[0].type, KT_PREFIX_INCLUSION);
  results[0].type = KT_PREFIX_NON_INCLUSION_LEAF;
  results[0].leaf =
      (struct kt_prefix_leaf){ .vrf_output = key, .commitment = toy_version_find(log, REJECT_LABEL, 0)->commitment };
  search->opening = zero;
  search->value.value.len = 0;
  search->value.signature.len = 0;
  search->n_ladder = 1;
}

static void test_R53_denied_with_its_own_leaf(void **state)
{
  (void)state;
  search_lie("1", NULL, deny_with_own_leaf, "prefix-leaf");
}

static void drop_prefix_element(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  last_proof(arena, response)->n_elements--;
}

static void add_prefix_element(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_prefix_proof *proof = last_proof(arena, response);
  (void)log;
  edit_hashes(arena, &proof->elements, proof->n_elements);
  proof->n_elements++;
}

static void test_R54_prefix_elements_not_exact(void **state)
{
  (void)state;
  search_lie("1000200", NULL, drop_prefix_element, "prefix-elements");
  search_lie("1000200", NULL, add_prefix_element, "prefix-elements");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_R19_ladder_too_short_or_long),
    cmocka_unit_test(test_R20_greater_version_included),
    cmocka_unit_test(test_R21_newest_entry_lacks_the_greatest),
    cmocka_unit_test(test_R22_negative_result_of_another_form),
    cmocka_unit_test(test_R23_target_expired),
    cmocka_unit_test(test_R24_identified_entry_is_the_leftmost_distinguished),
    cmocka_unit_test(test_R25_proof_of_an_expired_entry),
    cmocka_unit_test(test_R26_final_lookup_shows_non_inclusion),
    cmocka_unit_test(test_R42_value_or_opening_does_not_match),
    cmocka_unit_test(test_R42_value_changed_since_it_was_shown),
    cmocka_unit_test(test_R42_commitment_changed_since_it_was_shown),
    cmocka_unit_test(test_R43_commitment_of_the_target),
    cmocka_unit_test(test_R44_commitment_missing),
    cmocka_unit_test(test_R44_commitment_of_what_does_not_exist),
    cmocka_unit_test(test_R44_commitment_missing_for_monitoring),
    cmocka_unit_test(test_R45_vrf_proof_of_another_input),
    cmocka_unit_test(test_R45_another_output_than_before),
    cmocka_unit_test(test_R52_inclusion_without_a_commitment),
    cmocka_unit_test(test_R53_denied_with_its_own_leaf),
    cmocka_unit_test(test_R54_prefix_elements_not_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
