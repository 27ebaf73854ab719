/* SPDX-License-Identifier: Apache-2.0 */
/* Erased labels: everybody is told so, nobody gets the label again, and all that others verify goes on. */
#include "log_test.h"

#include "log/engine.h"

static void erase(struct world *world, const char *label, uint64_t n_versions)
{
  struct kt_log_erased erased = { .n_versions = 99 };
  world_ok(world, kt_log_erase(world->log, TEXT(label), NULL, &erased, &world->problem));
  assert_int_equal(erased.n_versions, n_versions);
  assert_true(erased.is_clean);
}

static void refused_as_erased(const struct world *world, enum kt_err err)
{
  assert_int_equal(err, KT_ERR_EXPIRED);
  assert_string_equal(world->problem.code, "erased");
}

static size_t n_findings;

static void count_finding(void *ctx, const char *where, const char *what)
{
  (void)ctx;
  print_error("%s: %s\n", where, what);
  n_findings++;
}

static void everybody_is_told(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_contact_state of_alice = { 0 };
  struct kt_contact_state of_bob = { 0 };
  struct kt_search_result *found = search_result_new(world);
  const struct kt_log_fsck fsck = { .vrf_every = 1, .report = count_finding };
  struct kt_bytes response;
  uint32_t version = 0;
  (void)state;
  person_register(world, bob);
  person_register(world, alice);
  (void)person_update(world, alice, 2);
  assert_int_equal(person_search(world, bob, alice->label, NULL, &of_alice, found), KT_OK);
  struct person *other = person_copy(world, alice);
  erase(world, "alice", 2);

  refused_as_erased(world, person_search(world, bob, alice->label, NULL, &of_alice, found));
  refused_as_erased(world, person_search(world, bob, alice->label, &version, &of_alice, found));
  refused_as_erased(world, person_ask_contact(world, bob, alice->label, &of_alice, &response));
  refused_as_erased(world, person_ask_monitor(world, alice, &response));
  refused_as_erased(world, person_ask_init(world, other, 0, &response));
  struct kt_bytes value = person_set(world, alice, 3, true);
  refused_as_erased(world,
                    person_try_update(world, alice, &value, 1, (struct kt_bytes){ 0 }, update_result_new(world)));
  erase(world, "alice", 0); /* again: all of it is gone */

  assert_int_equal(person_search(world, alice, bob->label, NULL, &of_bob, found), KT_OK);
  assert_int_equal(person_search(world, bob, TEXT("nobody"), NULL, &of_alice, found), KT_ERR_ABSENT);
  (void)person_update(world, bob, 2);
  while (!person_monitor(world, bob)) {
  }
  world_ok(world, kt_log_fsck(world->reader, &fsck, &world->problem));
  assert_int_equal(n_findings, 0);
  world_end(world);
}

/* A label that has a leaf cannot be begun again: neither by an owner nor by the operator. */
static void nobody_registers_it_again(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct kt_log_pending *pending = NULL;
  (void)state;
  person_register(world, alice);
  erase(world, "alice", 1);
  struct person *again = person_new(world, "alice", 12);
  struct kt_bytes value = person_set(world, again, 1, true);
  (void)person_heads(world, again);
  refused_as_erased(world,
                    person_try_update(world, again, &value, 1, (struct kt_bytes){ 0 }, update_result_new(world)));
  refused_as_erased(world,
                    kt_log_operator_prepare(world->reader, again->label, NULL, value, &pending, &world->problem));
  assert_null(pending);
  world_end(world);
}

/* What was prepared when the label had never existed, and comes to its turn when it was registered and erased. */
static void a_late_registration_does_not_insert(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_log_pending *late[2] = { NULL, NULL };
  struct kt_log_outcome outcome;
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct kt_bytes value = person_set(world, i == 0 ? alice : bob, 1, false);
    world_ok(world, kt_log_operator_prepare(world->reader, i == 0 ? alice->label : bob->label, NULL, value, &late[i],
                                            &world->problem));
  }
  person_register(world, alice);
  erase(world, "alice", 1);
  uint64_t size = world_size(world);
  for (size_t i = 0; i < 2; i++) {
    kt_log_insert(world->log, &late[i], 1, &outcome);
    assert_int_equal(outcome.err, KT_OK);
    assert_false(outcome.inserted); /* to be prepared again: bob's then goes through */
  }
  assert_int_equal(world_size(world), size);
  person_register(world, bob);
  world_end(world);
}

static void ignore(void *ctx, const struct kt_log_outcome *outcome)
{
  (void)ctx;
  (void)outcome;
}

/* An update and an erasure in one commit, whose head cannot be signed: the erasure is durable all the same, so its
 * copies are, and are told of, until they can be overwritten. */
static void without_room_for_the_guard(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_log_pending *pending = NULL;
  struct kt_log_erased erased;
  struct kt_log_status status;
  (void)state;
  person_register(world, alice);
  world_ok(world, kt_log_operator_prepare(world->reader, bob->label, NULL, person_set(world, bob, 1, false), &pending,
                                          &world->problem));
  world_ok(world, kt_log_submit(world->log, pending, ignore, NULL, &world->problem));
  world->guard_err = KT_ERR_UNDETERMINED;
  assert_int_equal(kt_log_erase(world->log, TEXT("alice"), NULL, &erased, &world->problem), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "guard-full");
  kt_log_status(world->log, &status);
  assert_true(status.is_wash_due);
  assert_int_equal(atomic_load(&world->log->n_erasures), 1); /* for whoever prepared something before it */
  world->guard_err = KT_OK;
  world_pass(world, 1);
  world_pass(world, 1);
  kt_log_status(world->log, &status);
  assert_false(status.is_wash_due);
  erase(world, "alice", 0);
  world_end(world);
}

static void unknown_labels_and_versions(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct kt_log_erased erased;
  uint32_t version = 0;
  (void)state;
  person_register(world, alice);
  assert_int_equal(kt_log_erase(world->log, TEXT("nobody"), NULL, &erased, &world->problem), KT_ERR_ABSENT);
  assert_int_equal(kt_log_erase(world->log, TEXT("nobody"), &version, &erased, &world->problem), KT_ERR_ABSENT);
  assert_int_equal(kt_log_erase(world->log, TEXT("alice"), &version, &erased, &world->problem), KT_ERR_USAGE);
  assert_string_equal(world->problem.code, "newest-version");
  (void)person_update(world, alice, 2);
  world_ok(world, kt_log_erase(world->log, TEXT("alice"), &version, &erased, &world->problem));
  assert_int_equal(erased.n_versions, 1);
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(everybody_is_told),
    cmocka_unit_test(nobody_registers_it_again),
    cmocka_unit_test(a_late_registration_does_not_insert),
    cmocka_unit_test(without_room_for_the_guard),
    cmocka_unit_test(unknown_labels_and_versions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
