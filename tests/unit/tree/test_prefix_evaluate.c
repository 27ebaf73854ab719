/* SPDX-License-Identifier: Apache-2.0 */
/* Prefix tree proofs that have to be refused: every forged result of small trees, and R50-R55 one by one. */
#include "prefix_model.h"

#define BITS MODEL_BITS
#define KEYS MODEL_KEYS

static struct test_store store;

struct forgery {
  struct kt_prefix_search searches[4];
  size_t n;
  struct kt_prefix_result results[5];
  struct kt_hash elements[32];
  struct kt_prefix_proof proof;
  struct kt_hash root;
};

static enum kt_err evaluate(const struct forgery *f, struct kt_hash *ret_root, struct kt_reason *reason)
{
  *reason = (struct kt_reason){ 0 };
  return kt_prefix_evaluate(f->searches, f->n, &f->proof, ret_root, reason);
}

static void assert_refused(const struct forgery *f, const char *code)
{
  struct kt_hash got;
  struct kt_reason reason;
  assert_int_equal(evaluate(f, &got, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, code);
}

static void assert_refused_or_other_root(const struct forgery *f)
{
  struct kt_hash got;
  struct kt_reason reason;
  enum kt_err err = evaluate(f, &got, &reason);
  if (err == KT_OK) {
    assert_memory_not_equal(&got, &f->root, sizeof got);
  } else {
    assert_int_equal(err, KT_ERR_PROOF);
    assert_non_null(reason.code);
  }
}

/* An honest proof in writable memory. Every search has a commitment, so that forged inclusions get as far as they can. */
static void honest(const struct model_set *set, const unsigned *keys, size_t n_keys, struct forgery *f)
{
  struct kt_prefix_nodes nodes = test_store_nodes(&store);
  struct kt_prefix_child root = test_store_build(&store, set);
  struct kt_hash hashes[4];
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  f->n = n_keys;
  f->root = root.hash;
  for (size_t i = 0; i < n_keys; i++) {
    struct kt_prefix_leaf leaf = model_leaf(keys[i], BITS);
    hashes[i] = leaf.vrf_output;
    f->searches[i] =
        (struct kt_prefix_search){ .key = leaf.vrf_output, .has_commitment = true, .commitment = leaf.commitment };
  }
  assert_int_equal(kt_prefix_prove(&nodes, root, hashes, n_keys, &arena, &f->proof), KT_OK);
  memcpy(f->results, f->proof.results, n_keys * sizeof *f->results);
  for (size_t i = 0; i < f->proof.n_elements; i++) {
    f->elements[i] = f->proof.elements[i];
  }
  f->proof.results = f->results;
  f->proof.elements = f->elements;
  kt_arena_release(&arena);
}

/* Every type at every depth with every leaf of the universe, except the honest one. */
static void forge_result(struct forgery *f, size_t at)
{
  static const uint8_t depths[] = { 0, 1, 2, 3, 4, 5, 6, 255 };
  const struct kt_prefix_result original = f->results[at];
  for (size_t d = 0; d < sizeof depths; d++) {
    for (unsigned leaf = 0; leaf < KEYS + 2; leaf++) {
      struct kt_prefix_result forged = { .depth = depths[d] };
      if (leaf < KEYS) {
        forged.type = KT_PREFIX_NON_INCLUSION_LEAF;
        forged.leaf = model_leaf(leaf, BITS);
      } else {
        forged.type = leaf == KEYS ? KT_PREFIX_INCLUSION : KT_PREFIX_NON_INCLUSION_PARENT;
      }
      bool same_leaf = memcmp(&forged.leaf, &original.leaf, sizeof forged.leaf) == 0;
      if (forged.type != original.type || forged.depth != original.depth || !same_leaf) {
        f->results[at] = forged;
        assert_refused_or_other_root(f);
      }
    }
  }
  f->results[at] = original;
}

static void forge_elements(struct forgery *f)
{
  const size_t n = f->proof.n_elements;
  for (size_t i = 0; i < n; i++) {
    f->elements[i].b[i] ^= 4;
    assert_refused_or_other_root(f);
    f->elements[i].b[i] ^= 4;
  }
  f->proof.n_elements = n + 1;
  f->elements[n] = (struct kt_hash){ { 0 } };
  assert_refused(f, "prefix-elements");
  f->proof.n_elements = n;
  if (n > 0) {
    f->proof.n_elements = n - 1;
    assert_refused(f, "prefix-elements");
    f->proof.n_elements = n;
  }
}

static void check_forgeries(const struct model_set *set)
{
  static struct forgery f;
  for (unsigned i = 0; i < KEYS; i++) {
    unsigned keys[2] = { i, (i * 5 + 3) % KEYS };
    honest(set, keys, 1, &f);
    forge_result(&f, 0);
    honest(set, keys, keys[0] == keys[1] ? 1 : 2, &f);
    forge_result(&f, 0);
    forge_result(&f, f.n - 1);
    forge_elements(&f);
  }
}

static void r51_r53_r54_no_forged_proof_reaches_the_root(void **state)
{
  (void)state;
  model_each_set(3, check_forgeries);
}

/* A tree of leaves 1, 2 (share two bits) and 12, and searches for 1, 3 and 13. */
static void example(struct forgery *f)
{
  static const unsigned keys[3] = { 1, 3, 13 };
  static struct model_set set;
  set.n = 3;
  set.at[0] = model_leaf(1, BITS);
  set.at[1] = model_leaf(2, BITS);
  set.at[2] = model_leaf(12, BITS);
  honest(&set, keys, 3, f);
  struct kt_hash got;
  struct kt_reason reason;
  assert_int_equal(evaluate(f, &got, &reason), KT_OK);
  assert_memory_equal(&got, &f->root, sizeof got);
}

static void r50_wrong_number_of_results(void **state)
{
  (void)state;
  static struct forgery f;
  example(&f);
  f.proof.n_results = 2;
  assert_refused(&f, "prefix-results");
  f.proof.n_results = 4;
  assert_refused(&f, "prefix-results");
}

static void r51_contradictory_depths(void **state)
{
  (void)state;
  static struct forgery f;
  example(&f);
  f.results[1].depth = 1; /* ends above where the search for 1 goes on */
  assert_refused(&f, "prefix-depth");
  example(&f);
  f.results[0] = (struct kt_prefix_result){ .type = KT_PREFIX_INCLUSION, .depth = 2 };
  f.results[1] = (struct kt_prefix_result){ .type = KT_PREFIX_INCLUSION, .depth = 2 }; /* two leaves in one place */
  assert_refused(&f, "prefix-depth");
  f.results[1].type = KT_PREFIX_NON_INCLUSION_PARENT; /* a leaf and none in one place */
  assert_refused(&f, "prefix-depth");
  f.results[1] =
      (struct kt_prefix_result){ .type = KT_PREFIX_NON_INCLUSION_LEAF, .depth = 2, .leaf = model_leaf(1, 4) };
  f.results[1].leaf.commitment.b[0] ^= 1; /* one leaf with two commitments */
  assert_refused(&f, "prefix-depth");
}

static void r52_inclusion_without_a_commitment(void **state)
{
  (void)state;
  static struct forgery f;
  example(&f);
  f.searches[0].has_commitment = false;
  assert_refused(&f, "prefix-commitment");
  example(&f);
  f.searches[1].has_commitment = false; /* not needed for non-inclusion */
  struct kt_hash got;
  struct kt_reason reason;
  assert_int_equal(evaluate(&f, &got, &reason), KT_OK);
}

static void r53_leaf_is_the_searched_key_or_off_the_path(void **state)
{
  (void)state;
  static struct forgery f;
  /* The leaf that is there, denied: right hash, right place. */
  example(&f);
  f.results[0] = (struct kt_prefix_result){ .type = KT_PREFIX_NON_INCLUSION_LEAF, .depth = f.results[0].depth };
  f.results[0].leaf = model_leaf(1, BITS);
  assert_refused(&f, "prefix-leaf");
  /* An existing leaf, in a place it cannot be in. */
  example(&f);
  f.results[2].leaf = model_leaf(2, BITS);
  assert_refused(&f, "prefix-leaf");
  /* Depths inside a byte and at its border: the last bit that has to be shared differs, then the one after it. */
  for (unsigned depth = 1; depth <= 24; depth++) {
    struct forgery deep = { .n = 1 };
    struct kt_hash got;
    struct kt_reason reason;
    deep.searches[0].key = model_key(0, BITS);
    deep.results[0] = (struct kt_prefix_result){ .type = KT_PREFIX_NON_INCLUSION_LEAF, .depth = (uint8_t)depth };
    deep.results[0].leaf.vrf_output = model_key(0, BITS);
    deep.results[0].leaf.vrf_output.b[(depth - 1) / 8] ^= (uint8_t)(0x80 >> ((depth - 1) % 8));
    deep.proof = (struct kt_prefix_proof){
      .results = deep.results, .n_results = 1, .elements = deep.elements, .n_elements = depth
    };
    assert_refused(&deep, "prefix-leaf");
    deep.results[0].leaf.vrf_output = model_key(0, BITS);
    deep.results[0].leaf.vrf_output.b[depth / 8] ^= (uint8_t)(0x80 >> (depth % 8));
    assert_int_equal(evaluate(&deep, &got, &reason), KT_OK);
  }
}

static void r54_missing_and_surplus_elements(void **state)
{
  (void)state;
  static struct forgery f;
  example(&f);
  forge_elements(&f);
  struct forgery none = { .n = 0 };
  none.proof.elements = none.elements;
  assert_refused(&none, "prefix-elements");
}

static void r55_duplicate_search_key(void **state)
{
  (void)state;
  static struct forgery f;
  example(&f);
  f.searches[2] = f.searches[0];
  f.results[2] = f.results[0];
  assert_refused(&f, "prefix-duplicate");
}

/* "the empty tree answers nonInclusionParent, depth 0, no element, zero root" */
static void empty_tree(void **state)
{
  (void)state;
  static struct forgery f;
  static const struct model_set set = { .n = 0 };
  static const unsigned key = 3;
  static const struct kt_hash zero;
  honest(&set, &key, 1, &f);
  assert_int_equal(f.results[0].type, KT_PREFIX_NON_INCLUSION_PARENT);
  assert_int_equal(f.results[0].depth, 0);
  assert_int_equal(f.proof.n_elements, 0);
  struct kt_hash got;
  struct kt_reason reason;
  assert_int_equal(evaluate(&f, &got, &reason), KT_OK);
  assert_memory_equal(&got, &zero, sizeof got);
}

static int release_store(void **state)
{
  (void)state;
  free(store.nodes);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(r51_r53_r54_no_forged_proof_reaches_the_root),
    cmocka_unit_test(r50_wrong_number_of_results),
    cmocka_unit_test(r51_contradictory_depths),
    cmocka_unit_test(r52_inclusion_without_a_commitment),
    cmocka_unit_test(r53_leaf_is_the_searched_key_or_off_the_path),
    cmocka_unit_test(r54_missing_and_surplus_elements),
    cmocka_unit_test(r55_duplicate_search_key),
    cmocka_unit_test(empty_tree),
  };
  return cmocka_run_group_tests(tests, NULL, release_store);
}
