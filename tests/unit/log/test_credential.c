/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/credential and /v1/credential-update: answered by the engine, verified by lib/client. */
#include "log_test.h"

#include <kt/credential.h>

WORLD_POST(post_credential, struct kt_credential_request, kt_credential_request_decode(encoded, &request),
           kt_log_credential)
WORLD_POST(post_credential_update, struct kt_credential_update_request,
           kt_credential_update_request_decode(encoded, &request), kt_log_credential_update)

static struct kt_recent_heads person_learn(struct world *world, struct person *person)
{
  static const struct kt_recent_heads nothing;
  struct kt_recent_heads recent;
  const struct kt_distinguished_result *walk = person_heads(world, person);
  assert_int_equal(kt_recent_learn(&nothing, walk, NULL, world->now_ms, &world->arena, NULL, &recent), KT_OK);
  return recent;
}

static enum kt_err ask(struct world *world, struct kt_bytes label, uint64_t position, struct kt_bytes *ret_credential)
{
  struct kt_writer w;
  kt_writer_init(&w, 1000);
  kt_request_credential(&w, label, position);
  return post_credential(world, world_take(world, &w), ret_credential);
}

static void refused(struct world *world, struct kt_bytes label, uint64_t position, enum kt_err want, const char *code)
{
  struct kt_bytes credential;
  assert_int_equal(ask(world, label, position, &credential), want);
  assert_string_equal(world->problem.code, code);
}

/* A credential on every head that the person knows. */
static size_t every_head(struct world *world, struct person *person, const struct kt_recent_heads *recent,
                         struct kt_bytes label, struct kt_credential_result *ret_provisional)
{
  size_t n_provisional = 0;
  for (size_t i = 0; i < recent->n_recent; i++) {
    struct kt_bytes credential;
    struct kt_credential_result result;
    const struct kt_client client = person_client(world, person);
    world_ok(world, ask(world, label, recent->heads[i].size - 1, &credential));
    person_ok(person, kt_verify_credential(&client, recent, credential, &result));
    assert_int_equal(result.position, recent->heads[i].size - 1);
    if (result.is_provisional) {
      *ret_provisional = result;
      n_provisional++;
    }
  }
  return n_provisional;
}

static void standard_and_provisional(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_credential_result provisional;
  (void)state;
  person_register(world, alice);
  for (size_t i = 0; i < 4; i++) {
    world_pass(world, WINDOW_MS);
    struct kt_recent_heads recent = person_learn(world, bob);
    assert_int_equal(every_head(world, bob, &recent, TEXT("alice"), &provisional), 1); /* on entry 0 */
  }
  (void)person_update(world, alice, 2);
  struct kt_recent_heads recent = person_learn(world, bob);
  assert_int_equal(every_head(world, bob, &recent, TEXT("alice"), &provisional), recent.n_recent);
  assert_int_equal(provisional.version, 1);
  world_end(world);
}

static void updates_finish_provisional_ones(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_credential_result result;
  size_t n_by_update = 0;
  (void)state;
  person_register(world, alice);
  world_pass(world, WINDOW_MS);
  for (uint8_t round = 0; round < 12; round++) {
    struct kt_bytes answer;
    struct kt_writer w;
    uint64_t distinguished = 0;
    for (uint8_t i = 0; i <= round % 4; i++) {
      world_pass(world, HOUR_MS);
    }
    (void)person_update(world, alice, round);
    struct kt_recent_heads recent = person_learn(world, bob);
    assert_true(every_head(world, bob, &recent, TEXT("alice"), &result) > 0);
    world_pass(world, HOUR_MS); /* in a tree of 4m + 1 entries, this one ends alice's chance to be distinguished */
    world_pass(world, WINDOW_MS);
    world_pass(world, WINDOW_MS);
    recent = person_learn(world, bob);
    const struct kt_client client = person_client(world, bob);
    if (kt_credential_stage(&result.pending, &recent, &distinguished) == KT_CREDENTIAL_BY_HEAD) {
      person_ok(bob, kt_verify_credential_head(&client, &result.pending, &recent));
      continue;
    }
    n_by_update++;
    kt_writer_init(&w, 1000);
    kt_request_credential_update(&w, &result.pending, distinguished);
    world_ok(world, post_credential_update(world, world_take(world, &w), &answer));
    person_ok(bob, kt_verify_credential_update(&client, &result.pending, &recent, answer));
  }
  assert_true(n_by_update > 0);
  world_end(world);
}

static void what_cannot_be_is_refused(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct kt_bytes answer;
  struct kt_writer w;
  (void)state;
  person_register(world, alice);
  for (size_t i = 0; i < 5; i++) {
    world_pass(world, HOUR_MS);
    (void)person_update(world, alice, (uint8_t)i);
  }
  uint64_t size = world_size(world);
  refused(world, TEXT("nobody"), 0, KT_ERR_ABSENT, "no-such-label");
  refused(world, TEXT("alice"), size - 1, KT_ERR_USAGE, "position"); /* not distinguished */
  refused(world, TEXT("alice"), size, KT_ERR_CONFLICT, "last");
  refused(world, TEXT("alice"), UINT64_MAX, KT_ERR_USAGE, "position");
  static const struct kt_credential_update_request bad[] = {
    { .version = 0, .terminal = 1, .tree_size = 0, .distinguished = 3 },
    { .version = 0, .terminal = 1, .tree_size = 5, .distinguished = 3 },  /* not right of the tree */
    { .version = 0, .terminal = 2, .tree_size = 2, .distinguished = 3 },  /* outside the tree */
    { .version = 99, .terminal = 1, .tree_size = 2, .distinguished = 3 }, /* no such version */
    { .version = 0, .terminal = 1, .tree_size = 2, .distinguished = UINT64_MAX },
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct kt_credential_update_request request = bad[i];
    request.label = TEXT("alice");
    kt_writer_init(&w, 1000);
    kt_credential_update_request_write(&w, &request);
    assert_int_equal(post_credential_update(world, world_take(world, &w), &answer), KT_ERR_USAGE);
  }
  struct kt_log_erased erased;
  world_ok(world, kt_log_erase(world->log, TEXT("alice"), NULL, &erased, &world->problem));
  refused(world, TEXT("alice"), 0, KT_ERR_EXPIRED, "erased");
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(standard_and_provisional),
    cmocka_unit_test(updates_finish_provisional_ones),
    cmocka_unit_test(what_cannot_be_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
