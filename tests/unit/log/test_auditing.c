/* SPDX-License-Identifier: Apache-2.0 */
/* Third-party auditing: no answer without the auditor's head, which heads are taken, what survives a restart, and
 * people who verify answers with an auditor that is behind. */
#include "log_test.h"

#include "log/engine.h"
#include "wire/audit_head.h"

static struct world *audited_world(void)
{
  struct world *world = world_new();
  world_set_auditor(world, 0);
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  return world;
}

static struct kt_log_head head_of(const struct world *world)
{
  struct kt_log_head head;
  kt_log_head(world->log, &head);
  return head;
}

static void assert_missing(struct world *world, enum kt_err err)
{
  assert_int_equal(err, KT_ERR_STORE);
  assert_string_equal(world->problem.code, "auditor-missing");
  assert_true(world->problem.retry); /* 503 */
}

static void test_no_answer_before_the_first_head(void **state)
{
  struct world *world = audited_world();
  struct person *alice = person_new(world, "alice", 7);
  struct kt_update_result *result = update_result_new(world);
  struct kt_contact_state contact = { 0 };
  struct kt_arena arena;
  struct kt_writer w;
  struct kt_audit_head signed_head;
  const struct kt_bytes value = person_set(world, alice, 1, true);
  (void)state;
  assert_missing(world,
                 person_search(world, alice, TEXT("bob"), NULL, &contact, kt_arena_alloc(&world->arena, 1, 20000)));
  assert_missing(world, person_try_update(world, alice, &value, 1, (struct kt_bytes){ 0 }, result));
  assert_int_equal(world_size(world), 1); /* and nothing was inserted */
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, 1 << 20);
  assert_missing(world, kt_log_tree_head(world->reader, &arena, &w, &world->problem));
  /* The auditor itself is answered. */
  world_ok(world, kt_log_audit(world->reader, 0, 10, &arena, &w, NULL, &world->problem));
  world_ok(world, kt_log_consistency(world->reader, 1, 1, &arena, &w, &world->problem));
  w.len = 0;
  assert_int_equal(kt_log_audit_head(world->reader, &w), KT_OK);
  assert_int_equal(kt_audit_head_decode((struct kt_bytes){ w.buf, w.len }, &signed_head), KT_OK);
  assert_int_equal(signed_head.tree_head.tree_size, 1);
  assert_false(signed_head.has_auditor);
  assert_int_equal(kt_verify_head(&world->config, 1, &signed_head.root, signed_head.tree_head.signature), KT_OK);
  auditor_vouch(world, 1);
  w.len = 0;
  assert_int_equal(kt_log_audit_head(world->reader, &w), KT_OK);
  assert_int_equal(kt_audit_head_decode((struct kt_bytes){ w.buf, w.len }, &signed_head), KT_OK);
  assert_true(signed_head.has_auditor);
  assert_int_equal(signed_head.auditor.tree_size, 1);
  assert_int_equal(person_search(world, alice, TEXT("bob"), NULL, &contact, kt_arena_alloc(&world->arena, 1, 20000)),
                   KT_ERR_ABSENT);
  assert_int_equal(alice->log.auditor_size, 1);
  kt_writer_release(&w);
  kt_arena_release(&arena);
  world_end(world);
}

static void test_people_with_an_auditor_behind(void **state)
{
  struct world *world = audited_world();
  struct person *alice = person_new(world, "alice", 7);
  struct person *bob = person_new(world, "bob", 8);
  struct kt_contact_state contact = { 0 };
  (void)state;
  auditor_vouch(world, 1);
  person_register(world, alice); /* entry 1, while the auditor is at 1 */
  assert_int_equal(alice->log.auditor_size, 1);
  for (uint64_t size = 2; size < 9; size++) {
    auditor_vouch(world, size);
    assert_int_equal(head_of(world).auditor.size, size);
    world->now_ms += 1000;
    (void)person_update(world, alice, (uint8_t)(1 + size % 3)); /* entry `size` */
    assert_int_equal(alice->log.auditor_size, size);
    struct kt_search_result *found = search_result_new(world);
    world_ok(world, person_search(world, bob, alice->label, NULL, &contact, found));
    assert_int_equal(found->version, size - 1);
    assert_int_equal(bob->log.auditor_size, size);
    person_contact(world, bob, alice->label, &contact);
    assert_true(person_monitor(world, alice));
  }
  world_end(world);
}

static void test_heads_that_are_not_taken(void **state)
{
  struct world *world = audited_world();
  uint8_t signature[KT_SIGNATURE_MAX];
  (void)state;
  for (int i = 0; i < 4; i++) {
    world_pass(world, AUDITOR_LAG_MS / 2);
  }
  assert_int_equal(world_size(world), 5); /* heartbeats at half of max_auditor_lag */
  auditor_vouch(world, 3);
  const struct kt_auditor_tree_head good = auditor_sign(world, 4, signature);
  struct kt_auditor_tree_head bad = good;
  signature[5] ^= 1;
  assert_int_equal(auditor_put(world, &bad), KT_ERR_PROOF);
  signature[5] ^= 1;
  bad.signature.len--;
  assert_int_equal(auditor_put(world, &bad), KT_ERR_PROOF);
  const uint64_t sizes[] = { 0, 3, 5, 6, UINT64_MAX };
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    bad = good;
    bad.tree_size = sizes[i];
    assert_int_equal(auditor_put(world, &bad), KT_ERR_PROOF);
    assert_string_equal(world->problem.code, "auditor-head");
  }
  /* Signed, but with another time than the entry's: clients could be told that the auditor is nearer than it is. */
  struct kt_hash root;
  uint64_t ms;
  auditor_view(world, 4, &root, &ms);
  bad = good;
  bad.timestamp = ms + 1;
  uint8_t other[KT_SIGNATURE_MAX];
  assert_int_equal(kt_auditor_tree_head_sign(&world->config, world->auditor_seed, ms + 1, 4, &root, other), KT_OK);
  bad.signature.data = other;
  assert_int_equal(auditor_put(world, &bad), KT_ERR_PROOF);
  /* A fork's root. */
  root.b[0] ^= 1;
  assert_int_equal(kt_auditor_tree_head_sign(&world->config, world->auditor_seed, ms, 4, &root, other), KT_OK);
  bad.timestamp = ms;
  assert_int_equal(auditor_put(world, &bad), KT_ERR_PROOF);
  assert_int_equal(head_of(world).auditor.size, 3);
  world_ok(world, auditor_put(world, &good));
  world_ok(world, auditor_put(world, &good)); /* again: the answer was lost */
  assert_int_equal(head_of(world).auditor.size, 4);
  const struct kt_auditor_tree_head older = auditor_sign(world, 2, signature);
  assert_int_equal(auditor_put(world, &older), KT_ERR_CONFLICT);
  assert_int_equal(world->problem.current_size, 4);
  world_end(world);
}

static void test_no_auditor_in_another_mode(void **state)
{
  struct world *world = world_start();
  uint8_t signature[KT_SIGNATURE_MAX] = { 0 };
  const struct kt_auditor_tree_head head = { 0, 1, { signature, world->config.suite->signature_len } };
  (void)state;
  assert_int_equal(auditor_put(world, &head), KT_ERR_UNSUPPORTED);
  world_end(world);
}

static void finding(void *ctx, const char *where, const char *what)
{
  (void)ctx;
  fail_msg("%s: %s", where, what);
}

static void damage(struct world *world, size_t at)
{
  struct kt_store_conn *writer;
  struct kt_store_error error;
  struct kt_bytes stored;
  assert_int_equal(kt_store_open_writer(world->store, &writer, &error), KT_OK);
  assert_int_equal(kt_store_get_meta(writer, "auditor/head", &world->arena, &stored), KT_OK);
  uint8_t *copy = kt_arena_copy(&world->arena, stored.data, stored.len);
  copy[at == SIZE_MAX ? stored.len - 1 : at] ^= 1;
  assert_int_equal(kt_store_begin(writer), KT_OK);
  assert_int_equal(kt_store_put_meta(writer, "auditor/head", (struct kt_bytes){ copy, stored.len }), KT_OK);
  assert_int_equal(kt_store_commit(writer), KT_OK);
  kt_store_close_conn(writer);
}

/* From auditor 0. A Configuration that nobody announced is a damaged one, or another log's. */
static void change_auditor(struct world *world, uint8_t which)
{
  uint8_t key[KT_PUBLIC_KEY_MAX];
  world_set_auditor(world, which);
  assert_int_equal(kt_log_open(&world->options, &world->log, &world->problem), KT_ERR_UNSUPPORTED);
  assert_string_equal(world->problem.code, "configuration");
  struct kt_config successor = world->config;
  memcpy(key, successor.auditor_public_key.data, successor.auditor_public_key.len);
  successor.auditor_public_key.data = key;
  world_set_auditor(world, 0);
  world_ok(world, kt_log_open(&world->options, &world->log, &world->problem));
  world_ok(world, kt_log_announce(world->log, &successor, &world->problem));
  kt_log_close(world->log);
  world_ok(world, kt_log_open(&world->options, &world->log, &world->problem)); /* the change may be late */
  kt_log_close(world->log);
  world_set_auditor(world, which);
}

static void test_head_survives_a_restart(void **state)
{
  struct world *world = audited_world();
  const struct kt_log_fsck fsck = { .report = finding };
  uint64_t last = 0;
  (void)state;
  world_pass(world, AUDITOR_LAG_MS);
  auditor_vouch(world, 2);
  world_close(world);
  world_open(world);
  assert_int_equal(head_of(world).auditor.size, 2);
  world_ok(world, kt_log_fsck(world->reader, &fsck, &world->problem));
  world_close(world);

  /* Another auditor: the old one's head is of no use to clients, and remembered. */
  change_auditor(world, 1);
  world_open(world);
  assert_int_equal(head_of(world).auditor.size, 0);
  assert_int_equal(kt_log_auditor_lag_ms(&world->config, &(struct kt_log_head){ .size = 2 }), UINT64_MAX);
  world_ok(world, kt_log_auditor_last(world->reader, &last, &world->problem));
  assert_int_equal(last, 2);
  auditor_vouch(world, 1);
  assert_int_equal(head_of(world).auditor.size, 1);
  world_close(world);

  /* Damage is told from a change of auditor. */
  damage(world, SIZE_MAX);
  assert_int_equal(kt_log_open(&world->options, &world->log, &world->problem), KT_ERR_PROOF);
  assert_string_equal(world->problem.code, "auditor-head");
  damage(world, SIZE_MAX);
  world_open(world);
  world_end(world);
}

/* The auditor's head and updates in one commit. */
static void test_head_and_update_in_one_commit(void **state)
{
  struct world *world = audited_world();
  struct person *alice = person_new(world, "alice", 7);
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_log_pending *pending[2] = { NULL, NULL };
  struct kt_log_outcome outcomes[2];
  (void)state;
  auditor_vouch(world, 1);
  world_pass(world, AUDITOR_LAG_MS);
  const struct kt_auditor_tree_head head = auditor_sign(world, 2, signature);
  const struct kt_bytes value = person_set(world, alice, 1, true);
  const struct kt_update_request request = { .label = alice->label, .values = &value, .n_values = 1 };
  world_ok(world, kt_log_update_prepare(world->reader, &request, (struct kt_bytes){ 0 }, &pending[0], &world->problem));
  world_ok(world, kt_log_auditor_prepare(world->reader, &head, &pending[1], &world->problem));
  kt_log_insert(world->log, pending, 2, outcomes);
  assert_int_equal(outcomes[0].err, KT_OK);
  assert_int_equal(outcomes[1].err, KT_OK);
  const struct kt_log_head now = head_of(world);
  assert_int_equal(now.size, 3);
  assert_int_equal(now.auditor.size, 2);
  world_end(world);
}

/* An auditor who is behind finds what it needs, however old; the log removes it when it was vouched for. */
static void what_the_auditor_needs_is_not_pruned(void **state)
{
  struct world *world = world_new();
  (void)state;
  world_set_auditor(world, 0);
  world->config.reasonable_monitoring_window = HOUR_MS;
  world->config.has_maximum_lifetime = true;
  world->config.maximum_lifetime = 5 * HOUR_MS;
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  auditor_vouch(world, 1);
  for (int i = 0; i < 80; i++) {
    world_pass(world, HOUR_MS / 6);
  }
  assert_int_equal(atomic_load(&world->log->pruned.boundary), 0);
  struct kt_log_head head;
  kt_log_head(world->log, &head);
  assert_true(head.size > 60);
  auditor_vouch(world, head.size);
  for (int i = 0; i < 9; i++) {
    world_pass(world, HOUR_MS / 6);
  }
  assert_true(atomic_load(&world->log->pruned.boundary) > 0);
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_no_answer_before_the_first_head), cmocka_unit_test(test_people_with_an_auditor_behind),
    cmocka_unit_test(test_heads_that_are_not_taken),        cmocka_unit_test(test_no_auditor_in_another_mode),
    cmocka_unit_test(test_head_survives_a_restart),         cmocka_unit_test(test_head_and_update_in_one_commit),
    cmocka_unit_test(what_the_auditor_needs_is_not_pruned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
