/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of labels: as it was put, of the label it was put for, and never older than what an answer may show. */
#include "prune_test.h"

#include "tree/ladder.h"

#define CACHE "4194304" /* of the logs here */
#define PROOF_LEN 80

/* --- records ------------------------------------------------------------------------------------------------------ */

static const uint8_t secret[KT_SHORT_HASH_KEY_LEN] = { 1, 2, 3 };

struct scene {
  struct kt_label_cache cache;
  struct kt_arena arena;
};

static int begin(void **state)
{
  struct scene *scene = calloc(1, sizeof *scene);
  assert_int_equal(kt_label_cache_init(&scene->cache, (size_t)256 << 10, secret), KT_OK);
  kt_arena_init(&scene->arena, KT_ARENA_CAP_DEFAULT);
  *state = scene;
  return 0;
}

static int end(void **state)
{
  struct scene *scene = *state;
  kt_label_cache_release(&scene->cache);
  kt_arena_release(&scene->arena);
  free(scene);
  return 0;
}

/* Bytes that nobody else has. */
static uint8_t *some_bytes(struct scene *scene, size_t len, unsigned what)
{
  uint8_t *bytes = kt_arena_alloc(&scene->arena, len, 1);
  assert_non_null(bytes);
  for (size_t i = 0; i < len; i++) {
    bytes[i] = (uint8_t)((what + 1) * 31 + i * 7 + i / 256);
  }
  return bytes;
}

/* What a search of this greatest version reads: the ladder's steps, commitments of those below it. */
static struct kt_log_label_facts make_facts(struct scene *scene, uint32_t version, size_t signature_len,
                                            size_t value_len)
{
  uint32_t *versions = kt_arena_alloc(&scene->arena, KT_LADDER_MAX, sizeof *versions);
  struct kt_ladder_step *steps = kt_arena_alloc(&scene->arena, KT_LADDER_MAX, sizeof *steps);
  struct kt_label_key *keys = kt_arena_alloc(&scene->arena, KT_LADDER_MAX, sizeof *keys);
  size_t n = kt_ladder_base(version, versions);
  for (size_t i = 0; i < n; i++) {
    struct kt_label_key key = { .version = versions[i], .has_commitment = versions[i] <= version };
    memcpy(key.vrf_output.b, some_bytes(scene, KT_HASH_LEN, versions[i]), KT_HASH_LEN);
    memcpy(key.commitment.b, some_bytes(scene, KT_HASH_LEN, versions[i] + 100), KT_HASH_LEN);
    steps[i] = (struct kt_ladder_step){ .proof = some_bytes(scene, PROOF_LEN, versions[i] + 200),
                                        .has_commitment = versions[i] < version };
    if (steps[i].has_commitment) {
      steps[i].commitment = key.commitment;
    }
    size_t at = i;
    for (; at > 0 && keys[at - 1].version > key.version; at--) {
      keys[at] = keys[at - 1];
    }
    keys[at] = key;
  }
  return (struct kt_log_label_facts){
    .label_id = 70 + version,
    .newest_pos = UINT64_C(0x100000000) + version,
    .version = version,
    .opening = some_bytes(scene, KT_OPENING_LEN, version + 300),
    .value = { .value = { some_bytes(scene, value_len, version + 400), value_len },
               .signature = { some_bytes(scene, signature_len, version + 500), signature_len } },
    .keys = { keys, n },
    .steps = steps,
    .versions = versions,
    .n_steps = n,
    .proof_len = PROOF_LEN,
  };
}

static void put(struct scene *scene, struct kt_bytes label, const struct kt_log_label_facts *facts)
{
  kt_label_cache_put(&scene->cache, kt_ring_cache_generation(&scene->cache.ring), label, facts);
}

static bool is_there(struct scene *scene, struct kt_bytes label)
{
  struct kt_log_label_facts got;
  return kt_label_cache_get(&scene->cache, label, &scene->arena, &got);
}

static void same_bytes(struct kt_bytes got, struct kt_bytes want)
{
  assert_int_equal(got.len, want.len);
  if (want.len > 0) {
    assert_memory_equal(got.data, want.data, want.len);
  }
}

static void same_step(const struct kt_log_label_facts *got, const struct kt_log_label_facts *want, size_t i)
{
  const struct kt_ladder_step *step = &want->steps[i];
  assert_int_equal(got->versions[i], want->versions[i]);
  assert_memory_equal(got->steps[i].proof, step->proof, PROOF_LEN);
  assert_int_equal(got->steps[i].has_commitment, step->has_commitment);
  assert_memory_equal(&got->steps[i].commitment, &step->commitment, sizeof step->commitment);
  const struct kt_label_key *key = &got->keys.keys[i]; /* a commitment only where a step shows it */
  size_t shown = 0;
  while (want->versions[shown] != key->version && shown + 1 < want->n_steps) {
    shown++;
  }
  assert_int_equal(key->version, want->keys.keys[i].version);
  assert_memory_equal(&key->vrf_output, &want->keys.keys[i].vrf_output, KT_HASH_LEN);
  assert_int_equal(key->has_commitment, want->steps[shown].has_commitment);
  assert_memory_equal(&key->commitment, &want->steps[shown].commitment, KT_HASH_LEN);
  assert_false(key->seen_included);
}

static void round_trip(struct scene *scene, struct kt_bytes label, const struct kt_log_label_facts *want)
{
  struct kt_log_label_facts got;
  put(scene, label, want);
  assert_true(kt_label_cache_get(&scene->cache, label, &scene->arena, &got));
  assert_int_equal(got.label_id, want->label_id);
  assert_int_equal(got.newest_pos, want->newest_pos);
  assert_int_equal(got.version, want->version);
  assert_memory_equal(got.opening, want->opening, KT_OPENING_LEN);
  same_bytes(got.value.value, want->value.value);
  same_bytes(got.value.signature, want->value.signature);
  assert_int_equal(got.proof_len, PROOF_LEN);
  assert_int_equal(got.n_steps, want->n_steps);
  assert_int_equal(got.keys.n, want->n_steps);
  for (size_t i = 0; i < want->n_steps; i++) {
    same_step(&got, want, i);
  }
}

static void ladders_of_all_lengths(void **state)
{
  static const uint32_t versions[] = { 0, 1, 2, 3, 5, 6, 7, 8, 100, 4095 };
  struct scene *scene = *state;
  for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
    const struct kt_log_label_facts facts = make_facts(scene, versions[i], 64, 100);
    round_trip(scene, TEXT("alice"), &facts);
  }
}

static void fields_of_all_lengths(void **state)
{
  static const size_t lengths[] = { 0, 1, 7, 8, 9, 64, 1000, 5000 };
  struct scene *scene = *state;
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    const struct kt_log_label_facts value = make_facts(scene, 1, 0, lengths[i]);
    const struct kt_log_label_facts signature = make_facts(scene, 1, lengths[i], 0);
    round_trip(scene, TEXT("alice"), &value);
    round_trip(scene, TEXT("bob"), &signature);
  }
  uint8_t *name = some_bytes(scene, 255, 9);
  const struct kt_log_label_facts facts = make_facts(scene, 2, 64, 100);
  for (size_t len = 1; len <= 255; len++) {
    round_trip(scene, (struct kt_bytes){ name, len }, &facts);
  }
}

/* What does not fit a record or its fields is not kept: not a part of it either. */
static void what_is_too_long_is_not_kept(void **state)
{
  struct scene *scene = *state;
  const struct kt_log_label_facts value = make_facts(scene, 0, 0, (size_t)8 * KT_RING_RECORD_MAX);
  const struct kt_log_label_facts signature = make_facts(scene, 0, 65536, 0);
  put(scene, TEXT("alice"), &value);
  assert_false(is_there(scene, TEXT("alice")));
  put(scene, TEXT("alice"), &signature);
  assert_false(is_there(scene, TEXT("alice")));
}

/* Many more labels than places: each is found as its own, or not. */
static void many_labels(void **state)
{
  struct scene *scene = *state;
  const struct kt_log_label_facts facts = make_facts(scene, 1, 0, 100);
  size_t n_found = 0;
  for (uint64_t i = 0; i < 2000; i++) {
    struct kt_log_label_facts own = facts;
    own.label_id = i + 1;
    put(scene, (struct kt_bytes){ (const uint8_t *)&i, sizeof i }, &own);
  }
  for (uint64_t i = 0; i < 2000; i++) {
    struct kt_log_label_facts got;
    if (kt_label_cache_get(&scene->cache, (struct kt_bytes){ (const uint8_t *)&i, sizeof i }, &scene->arena, &got)) {
      assert_int_equal(got.label_id, i + 1);
      n_found++;
    }
  }
  assert_true(n_found > 100);
}

/* Two labels with one hash: the record of the other is no record of this one, and neither is a part of it. */
static void a_record_of_another_label_is_a_miss(void **state)
{
  struct scene *scene = *state;
  struct kt_ring_cache *ring = &scene->cache.ring;
  const struct kt_bytes others[] = { TEXT("alice"), TEXT("alicf"), TEXT("alic"), TEXT("alicee") };
  const struct kt_log_label_facts facts = make_facts(scene, 2, 64, 100);
  size_t n = 0;
  put(scene, others[0], &facts);
  const uint64_t *words = kt_ring_cache_get(ring, kt_short_hash(secret, others[0]), &scene->arena, &n);
  assert_non_null(words);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    kt_ring_cache_put(ring, kt_ring_cache_generation(ring), kt_short_hash(secret, others[i]), words, n);
    assert_int_equal(is_there(scene, others[i]), i == 0);
  }
  for (size_t part = 0; part < n; part++) {
    kt_ring_cache_put(ring, kt_ring_cache_generation(ring), kt_short_hash(secret, others[0]), words, part);
    assert_false(is_there(scene, others[0]));
  }
}

static void forgetting_one_label(void **state)
{
  struct scene *scene = *state;
  const struct kt_log_label_facts facts = make_facts(scene, 0, 0, 10);
  uint64_t before = kt_ring_cache_generation(&scene->cache.ring);
  put(scene, TEXT("alice"), &facts);
  put(scene, TEXT("bob"), &facts);
  kt_label_cache_forget(&scene->cache, TEXT("alice"));
  assert_false(is_there(scene, TEXT("alice")));
  assert_true(is_there(scene, TEXT("bob")));
  kt_label_cache_put(&scene->cache, before, TEXT("alice"), &facts); /* what was read before */
  assert_false(is_there(scene, TEXT("alice")));
}

/* --- in a log ----------------------------------------------------------------------------------------------------- */

static bool is_kept(struct world *world, const char *label, struct kt_log_label_facts *ret_facts)
{
  return kt_label_cache_get(&world->log->labels, TEXT(label), &world->arena, ret_facts);
}

/* The greatest version that is kept of a label. */
static void expect_kept(struct world *world, const char *label, uint32_t version)
{
  struct kt_log_label_facts facts;
  assert_true(is_kept(world, label, &facts));
  assert_int_equal(facts.version, version);
}

static void expect_not_kept(struct world *world, const char *label)
{
  struct kt_log_label_facts facts;
  assert_false(is_kept(world, label, &facts));
}

/* The answer to somebody who sees the log for the first time. */
static struct kt_bytes ask(struct world *world, const char *label, const uint32_t *version)
{
  struct kt_log_state nothing = { 0 };
  struct kt_writer w;
  struct kt_bytes response;
  kt_writer_init(&w, 1000);
  kt_request_search(&w, &nothing, TEXT(label), version);
  world_ok(world, post_search(world, world_take(world, &w), &response));
  return response;
}

static struct kt_bytes ask_store(struct world *world, const char *label, const uint32_t *version)
{
  kt_ring_cache_forget_all(&world->log->labels.ring);
  return ask(world, label, version);
}

static void expect_version(struct world *world, const char *label, uint32_t version)
{
  struct person *person = person_new(world, "somebody", 99);
  struct kt_search_result *found = search_result_new(world);
  struct kt_contact_state contact = { 0 };
  assert_int_equal(person_search(world, person, TEXT(label), NULL, &contact, found), KT_OK);
  assert_int_equal(found->version, version);
}

static struct person *register_with(struct world *world, const char *label, uint32_t version)
{
  struct person *person = person_new(world, label, 10);
  person_register(world, person);
  for (uint32_t i = 0; i < version; i++) {
    (void)person_update(world, person, (uint8_t)(2 + i));
  }
  return person;
}

static void answers_are_the_same_bytes(void **state)
{
  struct world *world = world_start();
  (void)state;
  (void)register_with(world, "alice", 0);
  (void)register_with(world, "bob", 6);
  world_pass(world, HOUR_MS);
  const char *const labels[] = { "alice", "bob" };
  const uint32_t greatest[] = { 0, 6 };
  for (size_t i = 0; i < 2; i++) {
    const struct kt_bytes want = ask_store(world, labels[i], NULL);
    expect_kept(world, labels[i], greatest[i]);
    same_bytes(ask(world, labels[i], NULL), want);
    expect_version(world, labels[i], greatest[i]);
    const struct kt_bytes fixed = ask_store(world, labels[i], &greatest[i]);
    expect_kept(world, labels[i], greatest[i]); /* the greatest by its number is as good */
    same_bytes(ask(world, labels[i], &greatest[i]), fixed);
    same_bytes(ask(world, labels[i], NULL), want);
  }
  world_end(world);
}

/* Other versions neither come from there nor take the place of the greatest. */
static void fixed_versions_are_not_mixed_up(void **state)
{
  struct world *world = world_start();
  (void)state;
  (void)register_with(world, "alice", 3);
  for (uint32_t version = 0; version < 3; version++) {
    const struct kt_bytes want = ask_store(world, "alice", &version);
    expect_not_kept(world, "alice");
    (void)ask(world, "alice", NULL);
    same_bytes(ask(world, "alice", &version), want);
    expect_kept(world, "alice", 3);
  }
  world_end(world);
}

static void absent_labels_are_not_kept(void **state)
{
  struct world *world = world_start();
  (void)state;
  (void)ask(world, "alice", NULL);
  expect_not_kept(world, "alice");
  (void)register_with(world, "alice", 0);
  expect_version(world, "alice", 0);
  world_end(world);
}

static void an_update_is_seen_at_once(void **state)
{
  struct world *world = world_start();
  (void)state;
  struct person *alice = register_with(world, "alice", 0);
  (void)register_with(world, "bob", 0);
  for (uint32_t version = 0; version < 8; version++) {
    expect_version(world, "alice", version);
    expect_version(world, "bob", 0);
    expect_kept(world, "alice", version);
    (void)person_update(world, alice, (uint8_t)(version + 2));
    expect_not_kept(world, "alice");
    expect_kept(world, "bob", 0); /* others stay, and hold in the new tree */
  }
  world_end(world);
}

/* A reader who looked at the head before an update gets the tree of then, whatever is kept by now. */
static void a_reader_with_an_older_head(void **state)
{
  struct world *world = world_start();
  struct kt_log_head before;
  struct kt_log_head now;
  (void)state;
  struct person *alice = register_with(world, "alice", 0);
  kt_log_head(world->log, &before);
  const struct kt_bytes want = ask_store(world, "alice", NULL);
  (void)person_update(world, alice, 2);
  kt_log_head(world->log, &now);
  const struct kt_bytes newer = ask(world, "alice", NULL);
  expect_kept(world, "alice", 1);

  kt_log_publish(world->log, &before);
  same_bytes(ask(world, "alice", NULL), want);
  expect_kept(world, "alice", 1); /* what was the greatest then is not put in its place */
  kt_ring_cache_forget_all(&world->log->labels.ring);
  same_bytes(ask(world, "alice", NULL), want);
  expect_not_kept(world, "alice");
  kt_log_publish(world->log, &now);
  same_bytes(ask(world, "alice", NULL), newer);
  world_end(world);
}

static void an_erased_label_is_gone(void **state)
{
  struct world *world = world_start();
  struct person *somebody = person_new(world, "somebody", 99);
  struct kt_contact_state contact = { 0 };
  struct kt_log_erased erased;
  (void)state;
  (void)register_with(world, "alice", 1);
  (void)register_with(world, "bob", 0);
  expect_version(world, "alice", 1);
  expect_version(world, "bob", 0);
  world_ok(world, kt_log_erase(world->log, TEXT("alice"), NULL, &erased, &world->problem));
  expect_not_kept(world, "alice");
  assert_int_equal(person_search(world, somebody, TEXT("alice"), NULL, &contact, search_result_new(world)),
                   KT_ERR_EXPIRED);
  assert_string_equal(world->problem.code, "erased");
  expect_kept(world, "bob", 0);
  world_end(world);
}

static void an_erased_version_leaves_the_others(void **state)
{
  struct world *world = world_start();
  struct kt_log_erased erased;
  const uint32_t version = 0;
  (void)state;
  (void)register_with(world, "alice", 1);
  const struct kt_bytes want = ask(world, "alice", NULL);
  world_ok(world, kt_log_erase(world->log, TEXT("alice"), &version, &erased, &world->problem));
  expect_not_kept(world, "alice");
  same_bytes(ask(world, "alice", NULL), want); /* its commitment, which the ladder shows, stays */
  same_bytes(ask(world, "alice", NULL), want);
  world_end(world);
}

/* Pruning moves what is stored: nothing that was kept before is used after it, and answers stay right. */
static void nothing_is_kept_over_a_pruning_step(void **state)
{
  struct world *world = short_lived_world(NULL);
  size_t n_steps = 0;
  (void)state;
  struct person *alice = register_with(world, "alice", 2);
  for (size_t i = 0; i < 2 * WINDOW_ENTRIES; i++) {
    uint64_t boundary = atomic_load(&world->log->pruned.boundary);
    expect_version(world, "alice", alice->account.n_sets - 1);
    expect_kept(world, "alice", (uint32_t)(alice->account.n_sets - 1));
    world_pass(world, STEP_MS);
    if (atomic_load(&world->log->pruned.boundary) != boundary) {
      expect_not_kept(world, "alice");
      same_bytes(ask(world, "alice", NULL), ask_store(world, "alice", NULL));
      n_steps++;
    }
  }
  assert_true(n_steps > WINDOW_ENTRIES / 2);
  world_end(world);
}

int main(void)
{
  (void)setenv("KT_TEST_CACHE", CACHE, 1); /* without one, nothing is kept */
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(ladders_of_all_lengths, begin, end),
    cmocka_unit_test_setup_teardown(fields_of_all_lengths, begin, end),
    cmocka_unit_test_setup_teardown(what_is_too_long_is_not_kept, begin, end),
    cmocka_unit_test_setup_teardown(many_labels, begin, end),
    cmocka_unit_test_setup_teardown(a_record_of_another_label_is_a_miss, begin, end),
    cmocka_unit_test_setup_teardown(forgetting_one_label, begin, end),
    cmocka_unit_test(answers_are_the_same_bytes),
    cmocka_unit_test(fixed_versions_are_not_mixed_up),
    cmocka_unit_test(absent_labels_are_not_kept),
    cmocka_unit_test(an_update_is_seen_at_once),
    cmocka_unit_test(a_reader_with_an_older_head),
    cmocka_unit_test(an_erased_label_is_gone),
    cmocka_unit_test(an_erased_version_leaves_the_others),
    cmocka_unit_test(nothing_is_kept_over_a_pruning_step),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
