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

/* A path tells what is in the tree, and the proof made of paths is the one made at once. */
static void a_path_tells_what_is_there(void **state)
{
  static struct test_store kept;
  static struct model_set set;
  const struct kt_prefix_nodes nodes = test_store_nodes(&kept);
  struct kt_hash keys[MODEL_KEYS];
  struct kt_prefix_lookup lookups[MODEL_KEYS];
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
  const struct kt_prefix_child root = test_store_build(&kept, &set);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  for (unsigned i = 0; i < MODEL_KEYS; i++) {
    lookups[i] = (struct kt_prefix_lookup){ .root_ref = root.ref, .key = keys[i] };
  }
  assert_int_equal(kt_prefix_paths(&nodes, lookups, MODEL_KEYS, &arena), KT_OK);
  for (unsigned i = 0; i < MODEL_KEYS; i++) {
    assert_int_equal(kt_prefix_is_included(&lookups[i]), i * 5 % MODEL_KEYS % 3 != 0);
  }
  for (size_t n = 0; n <= MODEL_KEYS; n++) {
    assert_int_equal(kt_prefix_prove_paths(&root.hash, lookups, n, &arena, &got), KT_OK);
    assert_int_equal(kt_prefix_prove(&nodes, root, keys, n, &arena, &want), KT_OK);
    same_proof(&got, &want);
  }
  kt_arena_release(&arena);
  free(kept.nodes);
}

/* However little memory there is for the proof: an error, or the proof. */
static void a_proof_needs_memory(void **state)
{
  static struct test_store kept;
  static struct model_set set;
  const struct kt_prefix_nodes nodes = test_store_nodes(&kept);
  struct kt_prefix_lookup lookups[2];
  struct kt_prefix_proof want;
  struct kt_arena arena;
  size_t n_refused = 0;
  bool is_made = false;
  (void)state;
  spine_set(&set, 20);
  const struct kt_prefix_child root = test_store_build(&kept, &set);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  for (size_t i = 0; i < 2; i++) {
    lookups[i] = (struct kt_prefix_lookup){ .root_ref = root.ref, .key = set.at[i].vrf_output };
  }
  assert_int_equal(kt_prefix_paths(&nodes, lookups, 2, &arena), KT_OK);
  assert_int_equal(kt_prefix_prove_paths(&root.hash, lookups, 2, &arena, &want), KT_OK);
  for (size_t cap = 0; !is_made; cap += 16) {
    struct kt_prefix_proof got;
    struct kt_arena little;
    kt_arena_init(&little, cap);
    enum kt_err err = kt_prefix_prove_paths(&root.hash, lookups, 2, &little, &got);
    is_made = err == KT_OK;
    n_refused += is_made ? 0 : 1;
    assert_true(is_made || err == KT_ERR_MEMORY);
    if (is_made) {
      same_proof(&got, &want);
    }
    kt_arena_release(&little);
  }
  assert_true(n_refused > 20);
  kt_arena_release(&arena);
  free(kept.nodes);
}

static enum kt_err endless_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  (void)ctx;
  *ret_node = (struct kt_prefix_node){ .child = { { .ref = ref }, { .ref = ref } } };
  return KT_OK;
}

static void a_tree_without_end_is_refused(void **state)
{
  const struct kt_prefix_nodes nodes = { .get = endless_get };
  struct kt_prefix_lookup lookup = { .root_ref = 1 };
  struct kt_hash commitment;
  struct kt_arena arena;
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_prefix_paths(&nodes, &lookup, 1, &arena), KT_ERR_STORE);
  assert_int_equal(kt_prefix_find(&nodes, (struct kt_prefix_child){ .ref = 1 }, &lookup.key, &commitment),
                   KT_ERR_STORE);
  kt_arena_release(&arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_path_tells_what_is_there),
    cmocka_unit_test(a_proof_needs_memory),
    cmocka_unit_test(a_tree_without_end_is_refused),
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
