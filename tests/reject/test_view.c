/* SPDX-License-Identifier: Apache-2.0 */
/* Tree heads, the view, the queues of a proof, the log tree. */
#include "reject_test.h"

#include "support/suite.h"
#include "support/toy_suite.h"

static const struct toy_query search_query = { .kind = TOY_SEARCH, .label = REJECT_LABEL };
static const struct toy_query walk_query = { .kind = TOY_DISTINGUISHED };

struct scene {
  struct toy_log log;
  struct toy_user user;
};

/* seen: entries observed before. */
static void begin(struct scene *scene, uint64_t seen)
{
  reject_log(&scene->log, "1000200", 35, 0);
  toy_user_init(&scene->user, &scene->log);
  if (seen > 0) {
    toy_user_observe(&scene->user, seen);
  }
}

static void end(struct scene *scene)
{
  toy_user_release(&scene->user);
  toy_log_release(&scene->log);
}

/* One lie in a greatest-version search, after `seen` entries. */
static void search_lie(uint64_t seen, toy_mutate lie, const char *code)
{
  static struct scene scene;
  begin(&scene, seen);
  accept_honest(&scene.user, &search_query, KT_OK);
  reject_lie(&scene.user, &search_query, lie, KT_ERR_PROOF, code);
  end(&scene);
}

static void say_same(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_search_response *)response)->full_tree_head.type = KT_HEAD_SAME;
}

static void test_R5_same_without_a_head(void **state)
{
  (void)state;
  search_lie(0, say_same, "head-same");
}

static void test_R6_same_but_stale(void **state)
{
  static struct scene scene;
  (void)state;
  begin(&scene, 7);
  accept_honest(&scene.user, &search_query, KT_OK);
  assert_int_equal(toy_ask(&scene.user, 7, &search_query), KT_OK);
  reject_response(&scene.user, &search_query, 1060 + 11, KT_ERR_STALE, "stale-or-clock");
  reject_response(&scene.user, &search_query, 1060 - 11, KT_ERR_STALE, "stale-or-clock");
  end(&scene);
}

static void claim_size(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_full_tree_head *head = &((struct kt_search_response *)response)->full_tree_head;
  (void)arena;
  head->tree_head.tree_size = *(const uint64_t *)log->mutate_ctx;
}

static void test_R7_size_that_does_not_grow(void **state)
{
  uint64_t sizes[] = { 5, 4, 0, UINT64_MAX, (uint64_t)1 << 63, ((uint64_t)1 << 63) + 1 };
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    static struct scene scene;
    begin(&scene, 5);
    scene.log.mutate_ctx = &sizes[i];
    reject_lie(&scene.user, &search_query, claim_size, KT_ERR_PROOF, "head-size");
    end(&scene);
  }
}

static uint64_t *edit_timestamps(struct kt_arena *arena, struct kt_combined_proof *proof)
{
  uint64_t *copy = edit_array(arena, proof->timestamps, proof->n_timestamps, sizeof *copy);
  proof->timestamps = copy;
  return copy;
}

static void swap_times(struct toy_log *log, struct kt_arena *arena, void *response)
{
  uint64_t *times = edit_timestamps(arena, proof_of_search(response));
  (void)log;
  times[0] = times[1] + 1;
}

static void first_time_below_retained(struct toy_log *log, struct kt_arena *arena, void *response)
{
  uint64_t *times = edit_timestamps(arena, proof_of_search(response));
  (void)log;
  times[0] = 1039; /* the retained rightmost entry has 1040 */
}

/* Entry 4 comes last, between 3 and 5, which has 1050. */
static void last_time_above_its_right(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = proof_of_search(response);
  uint64_t *times = edit_timestamps(arena, proof);
  (void)log;
  assert_int_equal(times[proof->n_timestamps - 1], 1040);
  times[proof->n_timestamps - 1] = 1051;
}

static void test_R8_timestamp_above_one_to_its_right(void **state)
{
  static const uint32_t version = 0;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = REJECT_LABEL, .version = &version };
  static struct toy_log log;
  static struct toy_user user;
  (void)state;
  reject_log(&log, "0000110", 35, 0);
  toy_user_init(&user, &log);
  accept_honest(&user, &query, KT_OK);
  reject_lie(&user, &query, last_time_above_its_right, KT_ERR_PROOF, "timestamp-order");
  toy_user_release(&user);
  toy_log_release(&log);
}

static void test_R8_timestamp_below_one_to_its_left(void **state)
{
  (void)state;
  search_lie(0, swap_times, "timestamp-order");
  search_lie(5, first_time_below_retained, "timestamp-order");
}

static void test_R9_outside_the_clocks_bounds(void **state)
{
  static struct scene scene;
  (void)state;
  begin(&scene, 5);
  accept_honest(&scene.user, &search_query, KT_OK);
  assert_int_equal(toy_ask(&scene.user, 7, &search_query), KT_OK);
  reject_response(&scene.user, &search_query, 1071, KT_ERR_STALE, "stale-or-clock");
  reject_response(&scene.user, &search_query, 1049, KT_ERR_STALE, "stale-or-clock");
  reject_response(&scene.user, &search_query, 0, KT_ERR_STALE, "stale-or-clock");
  reject_response(&scene.user, &search_query, UINT64_MAX, KT_ERR_STALE, "stale-or-clock");
  end(&scene);
}

/* Other configurations sign other bytes; a log that signs honestly. */
static void test_R10_head_signature(void **state)
{
  static struct scene scene;
  struct kt_config other[4];
  (void)state;
  begin(&scene, 5);
  static struct toy_log honest;
  const struct toy_params params = { .window = 35, .max_ahead = 10, .max_behind = 10 };
  toy_log_init(&honest, &params);
  scene.log.config.suite = honest.config.suite;
  accept_honest(&scene.user, &walk_query, KT_OK);
  assert_int_equal(toy_ask(&scene.user, 7, &walk_query), KT_OK);
  for (size_t i = 0; i < 4; i++) {
    other[i] = scene.log.config;
  }
  other[0].max_ahead++;
  other[1].max_behind++;
  other[2].has_maximum_lifetime = true;
  other[2].maximum_lifetime = 100000;
  other[3].signature_public_key = other[3].vrf_public_key;
  for (size_t i = 0; i < 4; i++) {
    scene.log.config = other[i];
    reject_response(&scene.user, &walk_query, 1060, KT_ERR_PROOF, "head-signature");
  }
  toy_log_release(&honest);
  end(&scene);
}

/* What the log can sign otherwise: with the key that another party has in some mode, or for another mode. */
struct other_head {
  uint8_t seed[KT_SEED_LEN];
  enum kt_mode mode;
};

static void sign_otherwise(struct toy_log *log, struct kt_arena *arena, void *response)
{
  const struct other_head *other = log->mutate_ctx;
  struct kt_full_tree_head *head = &((struct kt_distinguished_response *)response)->full_tree_head;
  uint8_t *signature = kt_arena_alloc(arena, 1, KT_SIGNATURE_MAX);
  struct kt_config config = log->config;
  struct kt_hash root;
  assert_non_null(signature);
  config.mode = other->mode;
  toy_naive_root(log, head->tree_head.tree_size, &root);
  const struct kt_sign_key key = test_sign_key(config.suite, other->seed);
  assert_int_equal(kt_tree_head_sign(&config, &key, head->tree_head.tree_size, &root, signature), KT_OK);
  head->tree_head.signature = (struct kt_bytes){ signature, config.suite->signature_len };
}

static void test_R11_head_of_another_mode(void **state)
{
  static struct scene scene;
  struct other_head others[] = { { "toy log: signing key", KT_MODE_CONTACT_MONITORING },
                                 { "toy log: signing key", KT_MODE_THIRD_PARTY_AUDITING },
                                 { "toy log: signing key", KT_MODE_THIRD_PARTY_MANAGEMENT },
                                 { "toy log: auditor", test_mode() },
                                 { "toy log: Service Operator", test_mode() } };
  (void)state;
  begin(&scene, 5);
  scene.log.config.suite = toy_suite();
  accept_honest(&scene.user, &walk_query, KT_OK);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    scene.log.mutate_ctx = &others[i];
    if (i < 3 && others[i].mode == test_mode()) { /* the hand that signs otherwise can sign rightly, too */
      scene.log.mutate = sign_otherwise;
      accept_honest(&scene.user, &walk_query, KT_OK);
    } else {
      reject_lie(&scene.user, &walk_query, sign_otherwise, KT_ERR_PROOF, "head-signature");
    }
  }
  end(&scene);
}

/* --- the queues ----------------------------------------------------------------------------------------------------------------- */

static void drop_time(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  proof_of_search(response)->n_timestamps--;
}

static void add_time(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = proof_of_search(response);
  (void)log;
  edit_timestamps(arena, proof)[proof->n_timestamps] = 1060;
  proof->n_timestamps++;
}

static void drop_prefix_proof(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  proof_of_search(response)->n_prefix_proofs--;
}

static void add_prefix_proof(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = proof_of_search(response);
  (void)log;
  struct kt_prefix_proof *proofs = edit_prefix_proofs(arena, proof);
  proofs[proof->n_prefix_proofs] = proofs[0];
  proof->n_prefix_proofs++;
}

/* A walk, so that some entries are covered by prefix_roots only. */
static void drop_root(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  ((struct kt_distinguished_response *)response)->distinguished.n_prefix_roots--;
}

static void add_root(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = &((struct kt_distinguished_response *)response)->distinguished;
  (void)log;
  edit_hashes(arena, &proof->prefix_roots, proof->n_prefix_roots);
  proof->n_prefix_roots++;
}

static void test_R56_queues_not_exactly_consumed(void **state)
{
  (void)state;
  for (uint64_t seen = 0; seen <= 5; seen += 5) {
    static struct scene scene;
    search_lie(seen, drop_time, "timestamps");
    search_lie(seen, add_time, "timestamps");
    search_lie(seen, drop_prefix_proof, "prefix-proofs");
    search_lie(seen, add_prefix_proof, "prefix-proofs");
    begin(&scene, seen);
    accept_honest(&scene.user, &walk_query, KT_OK);
    reject_lie(&scene.user, &walk_query, drop_root, KT_ERR_PROOF, "prefix-roots");
    reject_lie(&scene.user, &walk_query, add_root, KT_ERR_PROOF, "prefix-roots");
    end(&scene);
  }
}

/* Version 1 came with version 2: its fixed-version search looks into one entry twice. */
static void second_proof_of_another_tree(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_combined_proof *proof = proof_of_search(response);
  (void)log;
  struct kt_prefix_proof *last = &edit_prefix_proofs(arena, proof)[proof->n_prefix_proofs - 1];
  assert_true(last->n_elements > 0);
  edit_hashes(arena, &last->elements, last->n_elements)[0].b[7] ^= 1;
}

static void test_R57_two_roots_of_one_entry(void **state)
{
  static const uint32_t version = 1;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = REJECT_LABEL, .version = &version };
  static struct scene scene;
  (void)state;
  begin(&scene, 0);
  accept_honest(&scene.user, &query, KT_OK);
  reject_lie(&scene.user, &query, second_proof_of_another_tree, KT_ERR_PROOF, "prefix-root-twice");
  end(&scene);
}

static void test_R58_root_of_a_retained_entry(void **state)
{
  static struct scene scene;
  (void)state;
  begin(&scene, 7);
  accept_honest(&scene.user, &search_query, KT_OK);
  scene.user.state.tree.frontier[1].prefix_root.b[0] ^= 1; /* what this user saw at entry 5 */
  reject_lie(&scene.user, &search_query, NULL, KT_ERR_PROOF, "prefix-root-retained");
  end(&scene);
}

/* --- the log tree ------------------------------------------------------------------------------------------------------------------ */

static void drop_element(struct toy_log *log, struct kt_arena *arena, void *response)
{
  (void)log;
  (void)arena;
  proof_of_search(response)->inclusion.n_elements--;
}

static void add_element(struct toy_log *log, struct kt_arena *arena, void *response)
{
  struct kt_inclusion_proof *inclusion = &proof_of_search(response)->inclusion;
  (void)log;
  edit_hashes(arena, &inclusion->elements, inclusion->n_elements);
  inclusion->n_elements++;
}

static void test_R47_log_elements_not_exact(void **state)
{
  (void)state;
  search_lie(0, drop_element, "log-elements");
  search_lie(0, add_element, "log-elements");
  search_lie(3, drop_element, "log-elements");
  search_lie(3, add_element, "log-elements");
}

/* Entry 1 is proven within the subtree of entries 0 to 3, whose head was retained. */
static void test_R48_recomputed_head_differs(void **state)
{
  static const uint32_t version = 0;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = REJECT_LABEL, .version = &version };
  static struct toy_log log;
  static struct toy_user user;
  (void)state;
  reject_log(&log, "10100000", 35, 0);
  toy_user_init(&user, &log);
  toy_user_observe(&user, 6);
  accept_honest(&user, &query, KT_OK);
  user.state.tree.heads[0].b[5] ^= 1;
  reject_lie(&user, &query, NULL, KT_ERR_PROOF, "log-retained");
  toy_user_release(&user);
  toy_log_release(&log);
}

/* A log with another past and the same present: entries that this user retained are shown as they were. */
static void test_R61_another_log(void **state)
{
  static struct toy_log a;
  static struct toy_log b;
  static struct toy_user user;
  const struct toy_params params = { .window = 35, .max_ahead = 10, .max_behind = 10 };
  (void)state;
  toy_log_init(&a, &params);
  toy_log_init(&b, &params);
  for (uint64_t pos = 0; pos < 6; pos++) {
    b.salt = pos == 2 ? 1 : 0;
    toy_log_append(&a, 1000 + pos, NULL, 0);
    toy_log_append(&b, 1000 + pos, NULL, 0);
  }
  toy_user_init(&user, &a);
  toy_user_observe(&user, 5);
  user.log = &b;
  assert_int_equal(toy_ask(&user, 6, &walk_query), KT_OK);
  reject_response(&user, &walk_query, 1005, KT_ERR_PROOF, "log-retained");
  toy_user_release(&user);
  toy_log_release(&a);
  toy_log_release(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_R5_same_without_a_head),
    cmocka_unit_test(test_R6_same_but_stale),
    cmocka_unit_test(test_R7_size_that_does_not_grow),
    cmocka_unit_test(test_R8_timestamp_below_one_to_its_left),
    cmocka_unit_test(test_R8_timestamp_above_one_to_its_right),
    cmocka_unit_test(test_R9_outside_the_clocks_bounds),
    cmocka_unit_test(test_R10_head_signature),
    cmocka_unit_test(test_R11_head_of_another_mode),
    cmocka_unit_test(test_R47_log_elements_not_exact),
    cmocka_unit_test(test_R48_recomputed_head_differs),
    cmocka_unit_test(test_R56_queues_not_exactly_consumed),
    cmocka_unit_test(test_R57_two_roots_of_one_entry),
    cmocka_unit_test(test_R58_root_of_a_retained_entry),
    cmocka_unit_test(test_R61_another_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
