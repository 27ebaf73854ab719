/* SPDX-License-Identifier: Apache-2.0 */
/* VRF proofs are computed once, and kept without waiting for an update. The oracle is a count of the suite's calls. */
#include "log/engine.h"
#include "update_test.h"

#include <stdatomic.h>

static atomic_uint n_proved;

static enum kt_err count_and_prove(const struct kt_vrf_key *key, struct kt_bytes alpha, uint8_t *ret_proof,
                                   struct kt_hash *ret_output)
{
  atomic_fetch_add(&n_proved, 1);
  return test_suite()->vrf_prove(key, alpha, ret_proof, ret_output);
}

struct scene {
  struct world *world;
  struct kt_suite suite;
  struct kt_store_conn *reader;
};

static int begin(void **state)
{
  struct scene *scene = calloc(1, sizeof *scene);
  struct kt_store_error error;
  scene->world = world_new();
  scene->suite = *scene->world->config.suite;
  scene->suite.vrf_prove = count_and_prove;
  scene->suite.vrf_prove_batch = NULL; /* one by one */
  scene->world->config.suite = &scene->suite;
  world_ok(scene->world, kt_log_create(&scene->world->options, &scene->world->problem));
  world_open(scene->world);
  assert_int_equal(kt_store_open_reader(scene->world->store, &scene->reader, &error), KT_OK);
  atomic_store(&n_proved, 0);
  *state = scene;
  return 0;
}

static int end(void **state)
{
  struct scene *scene = *state;
  kt_store_close_conn(scene->reader);
  world_end(scene->world);
  free(scene);
  return 0;
}

static bool is_stored(struct scene *scene, uint64_t label_id, uint32_t version)
{
  struct kt_store_proof proof;
  enum kt_err err = kt_store_get_proof(scene->reader, label_id, version, &proof);
  assert_true(err == KT_OK || err == KT_ERR_ABSENT);
  return err == KT_OK;
}

static void insert(struct scene *scene, struct person *owner)
{
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome;
  struct world *world = scene->world;
  const struct kt_bytes value = person_set(world, owner, 1, false);
  world_ok(world, kt_log_operator_prepare(world->reader, owner->label, NULL, value, &pending, &world->problem));
  kt_log_insert(world->log, &pending, 1, &outcome);
  assert_true(outcome.err == KT_OK && outcome.inserted);
}

static void search(struct scene *scene, struct person *person, const char *label)
{
  struct kt_search_result *result = search_result_new(scene->world);
  struct kt_contact_state contact = { 0 };
  world_ok(scene->world, person_search(scene->world, person, TEXT(label), NULL, &contact, result));
}

/* A registration needs the proofs of version 0, which the next lookup shows, and of version 1, which does not exist. */
static void a_registration_computes_two_proofs_and_a_lookup_none(void **state)
{
  struct scene *scene = *state;
  struct person *alice = person_new(scene->world, "alice", 1);
  const struct kt_distinguished_result *heads = person_heads(scene->world, alice);
  person_own(scene->world, alice, heads->heads[0].size - 1);
  assert_int_equal(n_proved, 1); /* of absence; a label that does not exist has no place to keep it */
  atomic_store(&n_proved, 0);
  (void)person_update(scene->world, alice, 1);
  assert_int_equal(n_proved, 2);
  kt_log_step(scene->world->log);
  search(scene, alice, "alice");
  assert_int_equal(n_proved, 2);
  (void)person_update(scene->world, alice, 2); /* version 1: its own is there, those of 3 and 2 are missing */
  assert_int_equal(n_proved, 4);
}

/* What was computed ahead is what the response would have computed. */
static void a_response_does_not_depend_on_what_is_ahead(void **state)
{
  struct scene *scene = *state;
  struct world *world = scene->world;
  struct update update;
  struct kt_writer with;
  struct kt_writer without;
  update_prepare(world, person_new(world, "alice", 1), &update);
  kt_log_update_ahead(world->reader, &update.request, &world->arena, &update.ahead);
  assert_non_null(update.ahead.made);
  assert_int_equal(update.ahead.n, 1);
  kt_log_insert(world->log, &update.pending, 1, &update.outcome);
  auditor_keep_up(world);
  assert_int_equal(n_proved, 2);
  update_respond(world, &update, &update.ahead, &with);
  assert_int_equal(n_proved, 2);
  update_respond(world, &update, NULL, &without);
  assert_int_equal(n_proved, 3);
  expect_same_bytes(&with, &without);
}

/* What was kept of an update answers it also when the label has a newer version by the time of the response. */
static void a_late_response_is_of_its_own_update(void **state)
{
  struct scene *scene = *state;
  struct world *world = scene->world;
  struct person *alice = person_new(world, "alice", 1);
  struct update update;
  struct kt_log_pending *pending = NULL;
  struct kt_writer with;
  struct kt_writer without;
  update_prepare(world, alice, &update);
  assert_non_null(update.ahead.made);
  kt_log_insert(world->log, &update.pending, 1, &update.outcome);
  person_logged(world, alice, update.value);
  const struct kt_bytes next = person_set(world, alice, 2, true);
  const struct kt_update_request later = {
    .label = alice->label, .greatest_version = { .present = true, .value = 0 }, .values = &next, .n_values = 1
  };
  struct kt_log_outcome second;
  world_ok(world, kt_log_update_prepare(world->reader, &later, (struct kt_bytes){ 0 }, &pending, &world->problem));
  kt_log_insert(world->log, &pending, 1, &second);
  assert_true(second.inserted);
  assert_int_equal(second.position, update.outcome.position + 1);
  auditor_keep_up(world);
  update_respond(world, &update, &update.ahead, &with);
  update_respond(world, &update, NULL, &without);
  expect_same_bytes(&with, &without);
}

/* While the log is calm the output alone is waited for, and the proofs come later; while others are at work on updates
 * they are made at once, the new version's for half the work, and stored with the update. */
static void load_decides_when_a_new_version_is_proved(void **state)
{
  struct scene *scene = *state;
  struct world *world = scene->world;
  for (uint32_t busy = 0; busy < 2; busy++) {
    struct person *owner = person_new(world, busy == 0 ? "alice" : "bob", (uint8_t)(busy + 1));
    struct update update;
    struct kt_writer w;
    atomic_store(&n_proved, 0);
    if (busy == 1) {
      kt_log_updating_begin(world->log);
    }
    update_prepare(world, owner, &update);
    assert_int_equal(n_proved, 2 * busy);
    kt_log_update_ahead(world->reader, &update.request, &world->arena, &update.ahead);
    assert_int_equal(n_proved, 2);
    assert_int_equal(update.ahead.n_made_proofs, 1 - busy);
    kt_log_insert(world->log, &update.pending, 1, &update.outcome);
    assert_int_equal(is_stored(scene, update.outcome.label_id, 0), busy);
    assert_int_equal(is_stored(scene, update.outcome.label_id, 1), busy);
    auditor_keep_up(world);
    update_respond(world, &update, &update.ahead, &w);
    if (busy == 1) {
      kt_log_updating_end(world->log);
    }
    kt_log_step(world->log);
    assert_true(is_stored(scene, update.outcome.label_id, 0) && is_stored(scene, update.outcome.label_id, 1));
    kt_writer_release(&w);
  }
}

/* An imported label has no proofs. Its first lookup computes them; the log keeps them although nothing is added. */
static void computed_proofs_are_stored_without_an_update(void **state)
{
  struct scene *scene = *state;
  struct person *bob = person_new(scene->world, "bob", 2);
  insert(scene, person_new(scene->world, "alice", 1));
  assert_int_equal(n_proved, 0);
  search(scene, bob, "alice");
  assert_int_equal(n_proved, 2);
  struct kt_log_status before;
  struct kt_log_status after;
  kt_log_status(scene->world->log, &before);
  assert_false(is_stored(scene, 1, 0));
  kt_log_step(scene->world->log);
  assert_true(is_stored(scene, 1, 0) && is_stored(scene, 1, 1));
  search(scene, bob, "alice");
  assert_int_equal(n_proved, 2);
  kt_log_status(scene->world->log, &after);
  assert_true(after.head.size == before.head.size && after.n_commits == before.n_commits);
}

static void they_are_stored_within_seconds_and_at_the_end(void **state)
{
  struct scene *scene = *state;
  struct world *world = scene->world;
  struct person *bob = person_new(world, "bob", 2);
  insert(scene, person_new(world, "alice", 1));
  insert(scene, person_new(world, "carol", 3));
  assert_int_equal(kt_log_start(world->log), KT_OK);
  search(scene, bob, "alice");
  for (int waited_ms = 0; !is_stored(scene, 1, 1) && waited_ms < 20000; waited_ms += 50) {
    (void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
  }
  assert_true(is_stored(scene, 1, 0) && is_stored(scene, 1, 1));
  search(scene, bob, "carol");
  kt_log_stop(world->log);
  assert_true(is_stored(scene, 2, 0) && is_stored(scene, 2, 1));
}

/* --- ahead of lookups --------------------------------------------------------------------------------------------- */

static struct kt_log_proved prove(struct scene *scene, uint64_t first, size_t n)
{
  struct kt_log_proved proved;
  struct world *world = scene->world;
  world_ok(world, kt_log_prove(world->reader, first, n, &world->arena, &proved, &world->problem));
  return proved;
}

static void put(struct scene *scene, const struct kt_log_proved *proved)
{
  world_ok(scene->world, kt_log_put_proofs(scene->world->log, proved, &scene->world->problem));
}

static uint64_t last_label(struct scene *scene)
{
  uint64_t last = 99;
  world_ok(scene->world, kt_log_last_label(scene->world->reader, &last, &scene->world->problem));
  return last;
}

/* What is missing is computed once, in any division of the labels, and no lookup has to compute anything afterwards. */
static void labels_are_proved_ahead(void **state)
{
  struct scene *scene = *state;
  struct person *bob = person_new(scene->world, "bob", 99);
  static const char *const names[] = { "a", "b", "c", "d", "e" };
  assert_int_equal(last_label(scene), 0);
  assert_int_equal(prove(scene, 1, 1000).n_labels, 0);
  for (uint8_t i = 0; i < 5; i++) {
    insert(scene, person_new(scene->world, names[i], i));
  }
  assert_int_equal(last_label(scene), 5);
  search(scene, bob, "b");
  kt_log_step(scene->world->log);
  assert_int_equal(n_proved, 2);
  const struct kt_log_proved first = prove(scene, 1, 3);
  assert_true(first.n_labels == 3 && first.n == 4); /* b's are there */
  assert_false(is_stored(scene, 1, 0));
  put(scene, &first);
  assert_true(is_stored(scene, 1, 0) && is_stored(scene, 1, 1) && is_stored(scene, 3, 1) && !is_stored(scene, 4, 0));
  const struct kt_log_proved rest = prove(scene, 3, 1000);
  assert_true(rest.n_labels == 3 && rest.n == 4);
  put(scene, &rest);
  assert_int_equal(n_proved, 10);
  assert_int_equal(prove(scene, 1, 5).n, 0);
  for (size_t i = 0; i < 5; i++) {
    search(scene, bob, names[i]);
  }
  assert_int_equal(n_proved, 10);
}

/* Those of an older version that the ladder shows as well are there from before; the one that was published meanwhile
 * has what its own registration computed. */
static void newer_versions_need_few_more(void **state)
{
  struct scene *scene = *state;
  struct world *world = scene->world;
  struct person *alice = person_new(world, "alice", 1);
  for (uint8_t i = 1; i <= 6; i++) { /* versions 0 to 5: their ladder is 0, 1, 3, 7, 5, 6 */
    struct kt_log_pending *pending = NULL;
    struct kt_log_outcome outcome;
    const struct kt_bytes value = person_set(world, alice, i, false);
    world_ok(world, kt_log_operator_prepare(world->reader, alice->label, NULL, value, &pending, &world->problem));
    kt_log_insert(world->log, &pending, 1, &outcome);
    assert_true(outcome.inserted);
    person_logged(world, alice, value);
    if (i == 1) {
      const struct kt_log_proved proved = prove(scene, 1, 1);
      assert_int_equal(proved.n, 2);
      put(scene, &proved);
    }
  }
  const struct kt_log_proved proved = prove(scene, 1, 1);
  assert_int_equal(proved.n, 4);
  for (size_t i = 0; i < proved.n; i++) {
    assert_int_equal(proved.list[i].proof.has_output, proved.list[i].version > 5); /* otherwise its leaf has it */
  }
  put(scene, &proved);
  atomic_store(&n_proved, 0);
  search(scene, person_new(world, "bob", 99), "alice");
  assert_int_equal(n_proved, 0);
}

/* Between computing and storing: an erased label gets no proofs back. A read-only log stores nothing. */
static void erased_labels_stay_without(void **state)
{
  struct scene *scene = *state;
  struct world *world = scene->world;
  struct kt_log_erased erased;
  insert(scene, person_new(world, "alice", 1));
  insert(scene, person_new(world, "carol", 2));
  const struct kt_log_proved proved = prove(scene, 1, 2);
  world_ok(world, kt_log_erase(world->log, TEXT("carol"), NULL, &erased, &world->problem));
  assert_int_equal(last_label(scene), 1);
  put(scene, &proved);
  assert_true(is_stored(scene, 1, 0) && is_stored(scene, 1, 1));
  assert_false(is_stored(scene, 2, 0) || is_stored(scene, 2, 1));
  world_close(world);
  world->options.read_only = true;
  world_open(world);
  const struct kt_log_proved more = prove(scene, 1, 2);
  assert_int_equal(kt_log_put_proofs(world->log, &more, &world->problem), KT_ERR_CONFLICT);
  assert_string_equal(world->problem.code, "read-only");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_registration_computes_two_proofs_and_a_lookup_none, begin, end),
    cmocka_unit_test_setup_teardown(a_response_does_not_depend_on_what_is_ahead, begin, end),
    cmocka_unit_test_setup_teardown(a_late_response_is_of_its_own_update, begin, end),
    cmocka_unit_test_setup_teardown(load_decides_when_a_new_version_is_proved, begin, end),
    cmocka_unit_test_setup_teardown(computed_proofs_are_stored_without_an_update, begin, end),
    cmocka_unit_test_setup_teardown(they_are_stored_within_seconds_and_at_the_end, begin, end),
    cmocka_unit_test_setup_teardown(labels_are_proved_ahead, begin, end),
    cmocka_unit_test_setup_teardown(newer_versions_need_few_more, begin, end),
    cmocka_unit_test_setup_teardown(erased_labels_stay_without, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
