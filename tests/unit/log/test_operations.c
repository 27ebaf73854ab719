/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation, answered by the engine and verified by lib/client. */
#include "log_test.h"

static void registers_and_is_found(void **state)
{
  struct world *world = world_start();
  (void)state;
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *found = search_result_new(world);
  person_register(world, alice);
  assert_int_equal(world_size(world), 2);
  const struct kt_update_result *second = person_update(world, alice, 2);
  assert_int_equal(second->position, 2);
  assert_int_equal(second->first_version, 1);
  assert_false(second->disregarded);
  world_ok(world, person_search(world, bob, TEXT("alice"), NULL, &contact, found));
  assert_int_equal(found->version, 1);
  assert_int_equal(found->value.len, second->values[0].len);
  assert_memory_equal(found->value.data, second->values[0].data, found->value.len);
  uint32_t zero = 0;
  world_ok(world, person_search(world, bob, TEXT("alice"), &zero, &contact, found));
  assert_int_equal(found->version, 0);
  world_end(world);
}

static void proves_absence(void **state)
{
  struct world *world = world_start();
  (void)state;
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *found = search_result_new(world);
  assert_int_equal(person_search(world, bob, TEXT("carol"), NULL, &contact, found), KT_ERR_ABSENT);
  person_register(world, alice);
  world_pass(world, WINDOW_MS);
  assert_int_equal(person_search(world, bob, TEXT("carol"), NULL, &contact, found), KT_ERR_ABSENT);
  uint32_t version = 0;
  assert_int_equal(person_search(world, bob, TEXT("carol"), &version, &contact, found), KT_ERR_ABSENT);
  assert_string_equal(world->problem.code, "no-such-version");
  version = 1;
  assert_int_equal(person_search(world, bob, TEXT("alice"), &version, &contact, found), KT_ERR_ABSENT);
  assert_string_equal(world->problem.code, "no-such-version");
  world_end(world);
}

static size_t n_returned_values(struct world *world)
{
  struct kt_update_response response;
  assert_int_equal(kt_update_response_decode(world->last_update, &world->config, &world->arena, &response), KT_OK);
  return response.n_values;
}

/* "If UpdateResponse.values is non-empty, this indicates that UpdateRequest.values was disregarded". */
static void answers_a_repeated_update_with_what_exists(void **state)
{
  struct world *world = world_start();
  (void)state;
  struct person *alice = person_new(world, "alice", 10);
  person_register(world, alice);
  struct person *lost = person_copy(world, alice); /* the answer to the next update gets lost */
  (void)person_update(world, alice, 2);
  assert_int_equal(n_returned_values(world), 0);
  uint64_t size = world_size(world);
  const struct kt_update_result *again = person_update(world, lost, 2);
  assert_int_equal(n_returned_values(world), 1);
  assert_int_equal(world_size(world), size);
  assert_false(again->disregarded); /* its own value came back */
  assert_int_equal(again->first_version, 1);
  struct person *other = person_new(world, "alice", 10);
  other->account = alice->account;
  person_own(world, other, 0);
  const struct kt_update_result *foreign = person_update(world, other, 3);
  assert_true(foreign->disregarded);
  assert_int_equal(foreign->first_version, 0);
  assert_int_equal(world_size(world), size);
  world_end(world);
}

static void several_values_in_one_update(void **state)
{
  struct world *world = world_start();
  (void)state;
  struct person *alice = person_new(world, "alice", 10);
  struct kt_bytes values[128];
  struct kt_update_result *result = update_result_new(world);
  person_own(world, alice, 0);
  struct kt_account_state before = alice->account;
  for (uint8_t i = 0; i < 128; i++) {
    values[i] = person_set(world, alice, (uint8_t)(i % 3), true);
    person_logged(world, alice, values[i]);
  }
  alice->account = before;
  world_ok(world, person_try_update(world, alice, values, 128, (struct kt_bytes){ 0 }, result));
  assert_int_equal(world_size(world), 2);
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *found = search_result_new(world);
  struct person *bob = person_new(world, "bob", 11);
  for (uint32_t version = 0; version < 128; version += 9) {
    world_ok(world, person_search(world, bob, TEXT("alice"), &version, &contact, found));
    assert_memory_equal(found->value.data, values[version].data, found->value.len);
  }
  world_end(world);
}

static void monitors_until_distinguished(void **state)
{
  struct world *world = world_start();
  (void)state;
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *found = search_result_new(world);
  for (size_t i = 0; i < 4; i++) {
    world_pass(world, HOUR_MS);
  }
  person_register(world, alice);
  world_ok(world, person_search(world, bob, TEXT("alice"), NULL, &contact, found));
  assert_int_equal(contact.n_map, 1);
  for (size_t i = 0; i < 30; i++) {
    world_pass(world, HOUR_MS);
    person_contact(world, bob, TEXT("alice"), &contact);
    if (i == 10) {
      (void)person_update(world, alice, 2);
    }
  }
  assert_int_equal(contact.n_map, 0);
  while (!person_monitor(world, alice)) {
  }
  assert_int_equal(alice->owner.n_upcoming, 0);
  assert_true(alice->owner.has_version_at_start);
  assert_int_equal(alice->owner.version_at_start, 1);
  world_end(world);
}

/* "if a maximum output size has been reached": the owner asks again for the rest. */
static void owner_monitoring_comes_in_parts(void **state)
{
  struct world *world = world_start();
  (void)state;
  world_close(world);
  world->options.limits.owner_ladders_max = 2;
  world_open(world);
  struct person *alice = person_new(world, "alice", 10);
  person_register(world, alice);
  for (size_t i = 0; i < 12; i++) {
    world_pass(world, WINDOW_MS);
  }
  size_t rounds = 1;
  while (!person_monitor(world, alice)) {
    rounds++;
    assert_true(rounds < 20);
  }
  assert_true(rounds > 3);
  world_end(world);
}

/* The log stops where a version appears that the owner does not know; an empty update fetches it. */
static void an_operator_insertion_is_found(void **state)
{
  struct world *world = world_start();
  (void)state;
  struct person *alice = person_new(world, "alice", 10);
  person_register(world, alice);
  struct person *mallory = person_new(world, "alice", 66);
  mallory->account = alice->account;
  struct kt_bytes value = person_set(world, mallory, 3, false);
  struct kt_log_pending *pending;
  struct kt_log_outcome outcome;
  world_ok(world, kt_log_operator_prepare(world->reader, TEXT("alice"), NULL, value, &pending, &world->problem));
  kt_log_insert(world->log, &pending, 1, &outcome);
  assert_int_equal(outcome.err, KT_OK);
  assert_true(outcome.inserted);
  assert_int_equal(outcome.first_version, 1);
  for (size_t i = 0; i < 3; i++) {
    world_pass(world, WINDOW_MS);
  }
  assert_false(person_monitor(world, alice));
  struct kt_update_result *news = update_result_new(world);
  world_ok(world, person_try_update(world, alice, NULL, 0, (struct kt_bytes){ 0 }, news));
  assert_int_equal(news->n_values, 1);
  assert_int_equal(news->values[0].len, value.len);
  assert_memory_equal(news->values[0].data, value.data, value.len);
  while (!person_monitor(world, alice)) {
  }
  world_end(world);
}

static void erased_versions_answer_expired(void **state)
{
  struct world *world = world_start();
  (void)state;
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *found = search_result_new(world);
  person_register(world, alice);
  (void)person_update(world, alice, 2);
  const uint32_t version = 0;
  struct kt_log_erased erased;
  world_ok(world, kt_log_erase(world->log, TEXT("alice"), &version, &erased, &world->problem));
  assert_int_equal(person_search(world, bob, TEXT("alice"), &version, &contact, found), KT_ERR_EXPIRED);
  assert_string_equal(world->problem.code, "erased");
  world_ok(world, person_search(world, bob, TEXT("alice"), NULL, &contact, found));
  world_end(world);
}

/* --- what an honest log has to get through, in many orders -------------------------------------------------------- */

struct label_model {
  char name[8];
  struct person *owner;
  uint32_t n_versions;
  struct kt_contact_state contact; /* of the one contact */
};

struct play {
  struct world *world;
  struct label_model labels[6];
  struct person *contact;
  uint64_t kept_ms; /* everything was monitored then */
  uint64_t seed;
};

static uint64_t dice(struct play *play, uint64_t sides)
{
  play->seed ^= play->seed << 13;
  play->seed ^= play->seed >> 7;
  play->seed ^= play->seed << 17;
  return (play->seed >> 11) % sides;
}

static void play_search(struct play *play, struct label_model *label)
{
  struct kt_search_result *found = search_result_new(play->world);
  uint32_t version = (uint32_t)dice(play, label->n_versions + 1);
  bool fixed = version < label->n_versions;
  enum kt_err err =
      person_search(play->world, play->contact, TEXT(label->name), fixed ? &version : NULL, &label->contact, found);
  if (err == KT_ERR_EXPIRED && fixed && play->world->config.has_maximum_lifetime) {
    assert_string_equal(play->world->problem.code, "version-expired");
    return;
  }
  assert_int_equal(err, label->n_versions == 0 ? KT_ERR_ABSENT : KT_OK);
  if (err == KT_OK) {
    assert_int_equal(found->version, fixed ? version : label->n_versions - 1);
  }
}

static void play_update(struct play *play, struct label_model *label)
{
  if (label->n_versions == 0) {
    label->owner->log = (struct kt_log_state){ 0 };
    person_register(play->world, label->owner);
  } else {
    const struct kt_update_result *result = person_update(play->world, label->owner, (uint8_t)dice(play, 4));
    assert_false(result->disregarded);
    assert_int_equal(result->first_version, label->n_versions);
  }
  label->n_versions++;
}

#define PASS_MAX_MS (11 * HOUR_MS)

/* With a lifetime, everybody monitors what they follow before what they saw then expires. */
static void keep_up(struct play *play)
{
  const struct kt_config *config = &play->world->config;
  if (!config->has_maximum_lifetime ||
      play->world->now_ms + PASS_MAX_MS + HOUR_MS < play->kept_ms + config->maximum_lifetime) {
    return;
  }
  for (size_t i = 0; i < 6; i++) {
    struct label_model *label = &play->labels[i];
    while (label->n_versions > 0 && !person_monitor(play->world, label->owner)) {
    }
    person_contact(play->world, play->contact, TEXT(label->name), &label->contact);
  }
  play->kept_ms = play->world->now_ms;
}

static void play_move(struct play *play)
{
  struct label_model *label = &play->labels[dice(play, 6)];
  switch (dice(play, 8)) {
  case 0:
  case 1: play_update(play, label); break;
  case 2:
  case 3: play_search(play, label); break;
  case 4: person_contact(play->world, play->contact, TEXT(label->name), &label->contact); break;
  case 5:
    if (label->n_versions > 0) {
      (void)person_monitor(play->world, label->owner);
    }
    break;
  case 6: (void)person_heads(play->world, play->contact); break;
  default:
    keep_up(play);
    world_pass(play->world, dice(play, 3) == 0 ? PASS_MAX_MS : HOUR_MS);
    break;
  }
}

static void play_out(uint64_t seed, uint64_t window_ms, uint64_t lifetime_ms)
{
  struct play *play = calloc(1, sizeof *play);
  play->seed = seed;
  play->world = world_new();
  play->world->config.reasonable_monitoring_window = window_ms;
  play->world->config.has_maximum_lifetime = lifetime_ms != 0;
  play->world->config.maximum_lifetime = lifetime_ms;
  world_ok(play->world, kt_log_create(&play->world->options, &play->world->problem));
  world_open(play->world);
  play->kept_ms = play->world->now_ms;
  play->contact = person_new(play->world, "", 1);
  for (size_t i = 0; i < 6; i++) {
    struct label_model *label = &play->labels[i];
    memcpy(label->name, "label-", 6);
    label->name[6] = (char)('a' + i);
    label->owner = person_new(play->world, label->name, (uint8_t)(20 + i));
  }
  for (size_t i = 0; i < 150; i++) {
    play_move(play);
    keep_up(play);
    if (i % 3 == 0) { /* so that the newest entry is never outside the clock's bounds */
      world_pass(play->world, HOUR_MS / 6);
    }
  }
  world_end(play->world);
  free(play);
}

static void every_honest_answer_verifies(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 6; seed++) {
    play_out(seed * 7919, WINDOW_MS, 0);
  }
}

static void every_honest_answer_verifies_with_a_narrow_window(void **state)
{
  (void)state;
  play_out(4242, 0, 0);
  play_out(4243, HOUR_MS / 2, 0);
}

static void every_honest_answer_verifies_with_a_lifetime(void **state)
{
  (void)state;
  play_out(777, 6 * HOUR_MS, 40 * HOUR_MS);
  play_out(778, HOUR_MS, 20 * HOUR_MS);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(registers_and_is_found),
    cmocka_unit_test(proves_absence),
    cmocka_unit_test(answers_a_repeated_update_with_what_exists),
    cmocka_unit_test(several_values_in_one_update),
    cmocka_unit_test(monitors_until_distinguished),
    cmocka_unit_test(owner_monitoring_comes_in_parts),
    cmocka_unit_test(an_operator_insertion_is_found),
    cmocka_unit_test(erased_versions_answer_expired),
    cmocka_unit_test(every_honest_answer_verifies),
    cmocka_unit_test(every_honest_answer_verifies_with_a_narrow_window),
    cmocka_unit_test(every_honest_answer_verifies_with_a_lifetime),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
