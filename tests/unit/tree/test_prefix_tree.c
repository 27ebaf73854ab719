/* SPDX-License-Identifier: Apache-2.0 */
/* Prefix tree: inserting, proving and verifying against the naive model. */
#include "prefix_model.h"

#define BITS MODEL_BITS
#define KEYS MODEL_KEYS

static struct test_store store;

/* --- inserting ---------------------------------------------------------------------------------------------------- */

static void check_insert(const struct model_set *set)
{
  struct kt_prefix_nodes nodes = test_store_nodes(&store);
  struct kt_hash want = model_root(set->at, set->n, 0);
  struct kt_prefix_child root = test_store_build(&store, set);
  assert_memory_equal(&root.hash, &want, sizeof want);

  for (size_t first = 0; first <= set->n; first++) { /* in two batches, then one by one, greatest key first */
    struct kt_prefix_child two = { .ref = 0 };
    assert_int_equal(test_store_insert(&store, two, set->at + first, set->n - first, &two), KT_OK);
    assert_int_equal(test_store_insert(&store, two, set->at, first, &two), KT_OK);
    assert_memory_equal(&two.hash, &want, sizeof want);
  }
  struct kt_prefix_child single = { .ref = 0 };
  for (size_t i = set->n; i-- > 0;) {
    assert_int_equal(test_store_insert(&store, single, &set->at[i], 1, &single), KT_OK);
  }
  assert_memory_equal(&single.hash, &want, sizeof want);

  for (unsigned i = 0; i < KEYS; i++) {
    struct kt_hash key = model_key(i, BITS);
    struct kt_hash commitment;
    bool present = model_search(set, &key).type == KT_PREFIX_INCLUSION;
    assert_int_equal(kt_prefix_find(&nodes, single, &key, &commitment), present ? KT_OK : KT_ERR_ABSENT);
    if (present) {
      assert_int_equal(commitment.b[5], 0xc0 + i);
    }
  }
}

static void insertion_matches_the_model(void **state)
{
  (void)state;
  model_each_set(5, check_insert);
}

static void insertion_refuses_what_is_there(void **state)
{
  (void)state;
  static struct model_set set;
  set.n = 0;
  for (unsigned i = 0; i < 8; i++) {
    set.at[set.n++] = model_leaf(2 * i, BITS);
  }
  struct kt_prefix_child root = test_store_build(&store, &set);
  const struct kt_prefix_leaf batch[3] = { model_leaf(1, BITS), model_leaf(2, BITS), model_leaf(3, BITS) };
  const struct kt_prefix_leaf unsorted[2] = { model_leaf(3, BITS), model_leaf(1, BITS) };
  const struct kt_prefix_leaf repeated[2] = { model_leaf(3, BITS), model_leaf(3, BITS) };
  struct kt_prefix_child result = { .ref = 77 };
  assert_int_equal(test_store_insert(&store, root, batch, 3, &result), KT_ERR_CONFLICT);
  assert_int_equal(test_store_insert(&store, root, unsorted, 2, &result), KT_ERR_USAGE);
  assert_int_equal(test_store_insert(&store, root, repeated, 2, &result), KT_ERR_USAGE);
  assert_int_equal(result.ref, 77);
}

/* Every old root stays what it was: an insertion writes new nodes only. */
static void insertion_copies_on_write(void **state)
{
  (void)state;
  static struct model_set set;
  struct kt_prefix_nodes nodes = test_store_nodes(&store);
  struct kt_prefix_child roots[KEYS + 1] = { { .ref = 0 } };
  store.n = 0;
  for (unsigned i = 0; i < KEYS; i++) {
    struct kt_prefix_leaf leaf = model_leaf(i * 5 % KEYS, BITS);
    assert_int_equal(test_store_insert(&store, roots[i], &leaf, 1, &roots[i + 1]), KT_OK);
  }
  for (unsigned i = 0; i <= KEYS; i++) {
    struct kt_prefix_child same;
    assert_int_equal(test_store_insert(&store, roots[i], NULL, 0, &same), KT_OK);
    assert_int_equal(same.ref, roots[i].ref);
    set.n = 0;
    for (unsigned k = 0; k < i; k++) {
      set.at[set.n++] = model_leaf(k * 5 % KEYS, BITS);
    }
    model_sort(&set);
    struct kt_hash want = model_root(set.at, set.n, 0);
    assert_memory_equal(&roots[i].hash, &want, sizeof want);
    for (unsigned k = 0; k < KEYS; k++) {
      struct kt_hash key = model_key(k * 5 % KEYS, BITS);
      struct kt_hash commitment;
      assert_int_equal(kt_prefix_find(&nodes, roots[i], &key, &commitment), k < i ? KT_OK : KT_ERR_ABSENT);
    }
  }
}

/* --- proving and verifying ---------------------------------------------------------------------------------------- */

/* Proof and searches for keys, compared with the model; verifies to the root. */
static void check_proof(const struct model_set *set, struct kt_prefix_child root, const struct kt_hash *keys,
                        size_t n_keys)
{
  static struct kt_prefix_search searches[255];
  static struct kt_hash elements[10000];
  struct kt_prefix_nodes nodes = test_store_nodes(&store);
  struct kt_prefix_proof proof;
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_prefix_prove(&nodes, root, keys, n_keys, &arena, &proof), KT_OK);
  assert_int_equal(proof.n_results, n_keys);
  for (size_t i = 0; i < n_keys; i++) {
    struct kt_prefix_result want = model_search(set, &keys[i]);
    assert_int_equal(proof.results[i].type, want.type);
    assert_int_equal(proof.results[i].depth, want.depth);
    assert_memory_equal(&proof.results[i].leaf, &want.leaf, sizeof want.leaf);
    searches[i] = (struct kt_prefix_search){ .key = keys[i], .has_commitment = want.type == KT_PREFIX_INCLUSION };
    if (searches[i].has_commitment) {
      assert_int_equal(kt_prefix_find(&nodes, root, &keys[i], &searches[i].commitment), KT_OK);
    }
  }
  struct kt_hash prefix = { { 0 } };
  size_t n_elements = 0;
  model_elements(set->at, set->n, keys, n_keys, &prefix, 0, elements, &n_elements);
  assert_int_equal(proof.n_elements, n_elements);
  if (n_elements > 0) {
    assert_memory_equal(proof.elements, elements, n_elements * sizeof *elements);
  }
  struct kt_hash got;
  assert_int_equal(kt_prefix_evaluate(searches, n_keys, &proof, &got, NULL), KT_OK);
  assert_memory_equal(&got, &root.hash, sizeof got);
  kt_arena_release(&arena);
}

static void check_searches(const struct model_set *set)
{
  struct kt_prefix_child root = test_store_build(&store, set);
  struct kt_hash keys[KEYS];
  for (unsigned i = 0; i < KEYS; i++) {
    keys[i] = model_key(i * 7 % KEYS, BITS); /* in no order of the tree */
  }
  for (unsigned i = 0; i < KEYS; i++) {
    check_proof(set, root, &keys[i], 1);
  }
  check_proof(set, root, keys, 0);
  check_proof(set, root, keys, 2);
  check_proof(set, root, keys + 3, 5);
  check_proof(set, root, keys, KEYS);
}

static void proofs_match_the_model(void **state)
{
  (void)state;
  model_each_set(5, check_searches);
}

static void random_keys_in_large_batches(void **state)
{
  (void)state;
  static struct model_set set;
  static struct kt_hash keys[255];
  set.n = 0;
  for (uint32_t i = 0; i < MODEL_LEAVES_MAX; i++) {
    crypto_hash_sha256(set.at[i].vrf_output.b, (const uint8_t *)&i, sizeof i);
    set.at[i].commitment.b[0] = (uint8_t)i;
    if (i < 255) {
      keys[i] = set.at[i].vrf_output;
      keys[i].b[2] ^= (uint8_t)(i & 1); /* half of them are not there */
    }
    set.n++;
  }
  model_sort(&set);
  check_proof(&set, test_store_build(&store, &set), keys, 255);
}

/* Keys that share `shared` bits, and one more leaf elsewhere. */
static void spine_set(struct model_set *set, unsigned shared)
{
  set->n = 0;
  set->at[set->n++] = model_leaf(1, BITS);
  set->at[set->n] = set->at[0];
  set->at[set->n++].vrf_output.b[shared / 8] ^= (uint8_t)(0x80 >> (shared % 8));
  set->at[set->n++] = model_leaf(9, BITS);
  model_sort(set);
}

static void deep_spines_up_to_254_shared_bits(void **state)
{
  (void)state;
  for (unsigned shared = 200; shared < 255; shared++) {
    static struct model_set set;
    spine_set(&set, shared);
    struct kt_hash keys[5] = { set.at[0].vrf_output, set.at[1].vrf_output, set.at[2].vrf_output, model_key(2, BITS),
                               set.at[0].vrf_output };
    keys[4].b[20] ^= 1; /* leaves the spine half way */
    struct kt_prefix_child root = test_store_build(&store, &set);
    struct kt_hash want = model_root(set.at, set.n, 0);
    assert_memory_equal(&root.hash, &want, sizeof want);
    check_proof(&set, root, keys, 5);
    check_proof(&set, root, keys, 1);
  }
}

static void keys_that_share_255_bits_are_over_the_limit(void **state)
{
  (void)state;
  static struct model_set set;
  spine_set(&set, 255);
  struct kt_prefix_child root = { .ref = 0 };
  assert_int_equal(test_store_insert(&store, root, set.at, set.n, &root), KT_ERR_LIMIT);
  assert_int_equal(test_store_insert(&store, root, set.at, 1, &root), KT_OK);
  assert_int_equal(test_store_insert(&store, root, set.at + 1, 1, &root), KT_ERR_LIMIT);
}

static void provers_limits(void **state)
{
  (void)state;
  static struct kt_hash keys[256];
  static struct model_set set;
  struct kt_prefix_nodes nodes = test_store_nodes(&store);
  struct kt_prefix_proof proof;
  struct kt_arena arena;
  spine_set(&set, 250);
  struct kt_prefix_child root = test_store_build(&store, &set);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_prefix_prove(&nodes, root, keys, 256, &arena, &proof), KT_ERR_LIMIT);
  assert_int_equal(kt_prefix_prove(&nodes, root, keys, 2, &arena, &proof), KT_ERR_USAGE);
  kt_arena_release(&arena);
  kt_arena_init(&arena, 2048); /* enough for the results, not for 250 elements */
  keys[0] = set.at[0].vrf_output;
  assert_int_equal(kt_prefix_prove(&nodes, root, keys, 1, &arena, &proof), KT_ERR_MEMORY);
  kt_arena_release(&arena);
}

static void store_failures_are_passed_on(void **state)
{
  (void)state;
  static struct model_set set;
  struct kt_prefix_nodes nodes = test_store_nodes(&store);
  spine_set(&set, 10);
  struct kt_prefix_child root = test_store_build(&store, &set);
  const struct kt_prefix_leaf leaf = model_leaf(4, BITS);
  const struct kt_hash key = set.at[0].vrf_output;
  struct kt_hash commitment;
  struct kt_prefix_proof proof;
  struct kt_prefix_child result = { .ref = 77 };
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  for (size_t call = 1; call <= 4; call++) {
    store.fail_after = call;
    assert_int_equal(kt_prefix_find(&nodes, root, &key, &commitment), KT_ERR_STORE);
    store.fail_after = call;
    assert_int_equal(kt_prefix_prove(&nodes, root, &key, 1, &arena, &proof), KT_ERR_STORE);
    store.fail_after = call;
    assert_int_equal(test_store_insert(&store, root, &leaf, 1, &result), KT_ERR_STORE);
  }
  store.fail_after = 0;
  assert_int_equal(result.ref, 77);
  kt_arena_release(&arena);
}

static int release_store(void **state)
{
  (void)state;
  free(store.nodes);
  return 0;
}

/* Counts what is read. */
struct counting {
  struct test_store *store;
  size_t n_reads;
};

static enum kt_err counting_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  struct counting *counting = ctx;
  counting->n_reads++;
  return test_store_get(counting->store, ref, ret_node);
}

/* Lookups one after the other, then the proof of them all: as the proof made at once, with each node read once. */
static void a_series_is_one_walk(void **state)
{
  static struct test_store kept;
  static struct model_set set;
  struct kt_hash keys[MODEL_KEYS];
  struct kt_prefix_proof want;
  struct kt_prefix_proof got;
  struct kt_arena arena;
  (void)state;
  for (unsigned i = 0; i < MODEL_KEYS; i++) {
    keys[i] = model_key(i * 5 % MODEL_KEYS, MODEL_BITS);
    if (i % 3 != 0) {
      set.at[set.n++] = model_leaf(i, MODEL_BITS);
    }
  }
  struct kt_prefix_child root = test_store_build(&kept, &set);
  struct counting counting = { .store = &kept };
  const struct kt_prefix_nodes plain = test_store_nodes(&kept);
  const struct kt_prefix_nodes counted = { .ctx = &counting, .get = counting_get };
  struct kt_prefix_series series;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_prefix_series_init(&series, &counted, root, &arena);
  for (unsigned i = 0; i < MODEL_KEYS; i++) {
    struct kt_hash commitment;
    bool included = false;
    enum kt_err expected = kt_prefix_find(&plain, root, &keys[i], &commitment);
    assert_int_equal(kt_prefix_series_find(&series, &keys[i], &included), KT_OK);
    assert_int_equal(included, expected == KT_OK);
  }
  assert_int_equal(kt_prefix_series_prove(&series, keys, MODEL_KEYS, &got), KT_OK);
  assert_int_equal(counting.n_reads, kept.n);
  assert_int_equal(kt_prefix_prove(&plain, root, keys, MODEL_KEYS, &arena, &want), KT_OK);
  assert_int_equal(got.n_results, want.n_results);
  assert_int_equal(got.n_elements, want.n_elements);
  for (size_t i = 0; i < want.n_results; i++) {
    assert_int_equal(got.results[i].type, want.results[i].type);
    assert_int_equal(got.results[i].depth, want.results[i].depth);
  }
  /* A key that was not looked up is fine, too. */
  counting.n_reads = 0;
  kt_prefix_series_init(&series, &counted, root, &arena);
  assert_int_equal(kt_prefix_series_prove(&series, keys, 1, &got), KT_OK);
  assert_true(counting.n_reads > 0);
  kt_arena_release(&arena);
  free(kept.nodes);
}

static void same_proof(const struct kt_prefix_proof *got, const struct kt_prefix_proof *want)
{
  assert_int_equal(got->n_results, want->n_results);
  assert_int_equal(got->n_elements, want->n_elements);
  for (size_t i = 0; i < want->n_results; i++) {
    assert_int_equal(got->results[i].type, want->results[i].type);
    assert_int_equal(got->results[i].depth, want->results[i].depth);
    assert_memory_equal(&got->results[i].leaf, &want->results[i].leaf, sizeof want->results[i].leaf);
  }
  if (want->n_elements > 0) {
    assert_memory_equal(got->elements, want->elements, want->n_elements * sizeof *want->elements);
  }
}

/* Nodes of one tree that are in the other, too. */
static size_t n_shared(const struct kt_prefix_nodes *nodes, struct kt_prefix_child a, struct kt_prefix_child b)
{
  struct kt_prefix_node x;
  struct kt_prefix_node y;
  if (a.ref == 0 || b.ref == 0) {
    return 0;
  }
  assert_int_equal(nodes->get(nodes->ctx, a.ref, &x), KT_OK);
  assert_int_equal(nodes->get(nodes->ctx, b.ref, &y), KT_OK);
  size_t n = a.ref == b.ref ? 1 : 0;
  if (!x.is_leaf && !y.is_leaf) {
    n += n_shared(nodes, x.child[0], y.child[0]) + n_shared(nodes, x.child[1], y.child[1]);
  }
  return n;
}

static size_t n_nodes(const struct kt_prefix_nodes *nodes, struct kt_prefix_child root)
{
  return n_shared(nodes, root, root);
}

/* The trees of a log's entries one after the other, each one leaf more, from the oldest on and from the newest on: what
 * two neighbours share is read once, and what is found and proved is what a fresh series finds and proves. */
static void the_next_tree_reads_only_what_is_new(void **state)
{
  static struct test_store kept;
  static struct kt_prefix_child roots[2 * MODEL_KEYS];
  struct kt_hash keys[MODEL_KEYS];
  const struct kt_prefix_nodes plain = test_store_nodes(&kept);
  struct counting counting = { .store = &kept };
  const struct kt_prefix_nodes counted = { .ctx = &counting, .get = counting_get };
  (void)state;
  for (unsigned i = 0; i < MODEL_KEYS; i++) {
    struct kt_prefix_leaf leaf = model_leaf(i * 7 % MODEL_KEYS, MODEL_BITS);
    struct kt_prefix_child before = i > 0 ? roots[i - 1] : (struct kt_prefix_child){ .ref = 0 };
    keys[i] = model_key(i, MODEL_BITS);
    assert_int_equal(test_store_insert(&kept, before, &leaf, 1, &roots[i]), KT_OK);
  }
  for (unsigned i = 0; i < MODEL_KEYS; i++) {
    roots[MODEL_KEYS + i] = roots[MODEL_KEYS - 1 - i];
  }
  for (size_t n_keys = 1; n_keys <= MODEL_KEYS; n_keys += MODEL_KEYS - 1) {
    struct kt_prefix_series series;
    struct kt_arena arena;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    kt_prefix_series_init(&series, &counted, (struct kt_prefix_child){ .ref = 0 }, &arena);
    for (size_t tree = 0; tree < 2 * (size_t)MODEL_KEYS; tree++) {
      struct kt_prefix_proof want;
      struct kt_prefix_proof got;
      counting.n_reads = 0;
      kt_prefix_series_next(&series, roots[tree]);
      for (size_t i = 0; i < n_keys; i++) {
        struct kt_hash commitment;
        bool included = false;
        enum kt_err expected = kt_prefix_find(&plain, roots[tree], &keys[i], &commitment);
        assert_int_equal(kt_prefix_series_find(&series, &keys[i], &included), KT_OK);
        assert_int_equal(included, expected == KT_OK);
      }
      assert_int_equal(kt_prefix_series_prove(&series, keys, n_keys, &got), KT_OK);
      if (n_keys == MODEL_KEYS) { /* then all of the tree was read */
        size_t shared = tree > 0 ? n_shared(&plain, roots[tree], roots[tree - 1]) : 0;
        assert_int_equal(counting.n_reads, n_nodes(&plain, roots[tree]) - shared);
      }
      assert_int_equal(kt_prefix_prove(&plain, roots[tree], keys, n_keys, &arena, &want), KT_OK);
      same_proof(&got, &want);
    }
    kt_arena_release(&arena);
  }
  free(kept.nodes);
}

/* A proof of other keys than were looked up reads what the series has not seen; a tree that nobody looked into is no help
 * to the one after it. */
static void a_series_proves_what_was_not_looked_up(void **state)
{
  static struct test_store kept;
  static struct model_set set;
  const struct kt_prefix_nodes plain = test_store_nodes(&kept);
  struct kt_hash keys[MODEL_KEYS];
  struct kt_prefix_series series;
  struct kt_arena arena;
  bool included;
  (void)state;
  for (unsigned i = 0; i < MODEL_KEYS; i++) {
    keys[i] = model_key(i, MODEL_BITS);
    if (i % 2 == 0) {
      set.at[set.n++] = model_leaf(i, MODEL_BITS);
    }
  }
  const struct kt_prefix_child first = test_store_build(&kept, &set);
  const struct kt_prefix_leaf leaf = model_leaf(5, MODEL_BITS);
  struct kt_prefix_child second;
  assert_int_equal(test_store_insert(&kept, first, &leaf, 1, &second), KT_OK);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_prefix_series_init(&series, &plain, first, &arena);
  assert_int_equal(kt_prefix_series_find(&series, &keys[4], &included), KT_OK);
  assert_true(included);
  const struct kt_prefix_child trees[] = { second, first, second, second };
  for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
    struct kt_prefix_proof want;
    struct kt_prefix_proof got;
    kt_prefix_series_next(&series, trees[i]);
    if (i != 1) { /* into that one nobody looks */
      assert_int_equal(kt_prefix_series_find(&series, &keys[5], &included), KT_OK);
      assert_true(included);
    }
    assert_int_equal(kt_prefix_series_prove(&series, keys, MODEL_KEYS, &got), KT_OK);
    assert_int_equal(kt_prefix_prove(&plain, trees[i], keys, MODEL_KEYS, &arena, &want), KT_OK);
    same_proof(&got, &want);
  }
  kt_arena_release(&arena);
  free(kept.nodes);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_series_is_one_walk),
    cmocka_unit_test(the_next_tree_reads_only_what_is_new),
    cmocka_unit_test(a_series_proves_what_was_not_looked_up),
    cmocka_unit_test(insertion_matches_the_model),
    cmocka_unit_test(insertion_refuses_what_is_there),
    cmocka_unit_test(insertion_copies_on_write),
    cmocka_unit_test(proofs_match_the_model),
    cmocka_unit_test(random_keys_in_large_batches),
    cmocka_unit_test(deep_spines_up_to_254_shared_bits),
    cmocka_unit_test(keys_that_share_255_bits_are_over_the_limit),
    cmocka_unit_test(provers_limits),
    cmocka_unit_test(store_failures_are_passed_on),
  };
  return cmocka_run_group_tests(tests, NULL, release_store);
}
