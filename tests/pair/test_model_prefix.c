/* SPDX-License-Identifier: Apache-2.0 */
/* Prefix trees against the model.
 *   3-bit keys: all 256 trees, all 255 batches of searches, in ascending and in descending order.
 *   4-bit keys: all trees of up to 4 leaves (level 2: all 65536), every search alone, all together (level 2: every pair
 *               to 5 leaves; level 3: every pair); every forged result to 3 leaves (level 2: 5; level 3: all). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "model_level.h"
#include "support/prefix_insert.h"
#include "tree/prefix_tree.h"

#define KEYS_MAX 16
#define NODES_MAX 1024
#define DEPTH_MAX 6
#define ARENA_CAP ((size_t)1 << 20)

static struct kt_prefix_node nodes[NODES_MAX];
static size_t n_nodes;
static unsigned long n_trees;
static unsigned long n_proofs;
static unsigned long n_forged;

static enum kt_err node_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  (void)ctx;
  assert_true(ref > 0 && ref <= n_nodes);
  *ret_node = nodes[ref - 1];
  return KT_OK;
}

static enum kt_err node_put(void *ctx, const struct kt_prefix_node *node, uint64_t *ret_ref)
{
  (void)ctx;
  assert_true(n_nodes < NODES_MAX);
  nodes[n_nodes++] = *node;
  *ret_ref = n_nodes;
  return KT_OK;
}

static const struct prefix_store store = { .nodes = { .get = node_get }, .put = node_put };

struct tree {
  struct model_leaf leaves[KEYS_MAX]; /* of the model */
  size_t n;
  struct model_value root;
  struct kt_prefix_child child; /* of the library */
};

/* The key with these first bits; whatever follows is the same in all. */
static struct model_value make_key(unsigned k, unsigned bits)
{
  struct model_value key;
  memset(key.b, 0x5a, sizeof key.b);
  key.b[0] = (uint8_t)(k << (8 - bits) | (0x5aU >> bits));
  return key;
}

static struct model_value make_commitment(unsigned k)
{
  struct model_value commitment;
  memset(commitment.b, (int)(0x80 + k), sizeof commitment.b);
  return commitment;
}

static struct kt_hash to_lib(const struct model_value *value)
{
  struct kt_hash hash;
  memcpy(hash.b, value->b, sizeof hash.b);
  return hash;
}

static struct kt_prefix_leaf leaf_to_lib(const struct model_leaf *leaf)
{
  return (struct kt_prefix_leaf){ .vrf_output = to_lib(&leaf->key), .commitment = to_lib(&leaf->commitment) };
}

/* The tree of the keys whose bits are set in mask; the library's is made at once and one leaf at a time. */
static void make_tree(unsigned mask, unsigned bits, struct tree *ret_tree)
{
  struct kt_prefix_leaf leaves[KEYS_MAX];
  struct kt_prefix_child slow = { 0 };
  const struct kt_prefix_child none = { 0 };
  ret_tree->n = 0;
  n_nodes = 0;
  for (unsigned k = 0; k < 1U << bits; k++) {
    if ((mask >> k & 1U) != 0) {
      struct model_leaf *leaf = &ret_tree->leaves[ret_tree->n];
      leaf->key = make_key(k, bits);
      leaf->commitment = make_commitment(k);
      leaves[ret_tree->n++] = leaf_to_lib(leaf);
    }
  }
  model_prefix_root(ret_tree->leaves, ret_tree->n, &ret_tree->root);
  assert_int_equal(prefix_insert(&store, none, leaves, ret_tree->n, &ret_tree->child), KT_OK);
  for (size_t i = ret_tree->n; i-- > 0;) {
    assert_int_equal(prefix_insert(&store, slow, &leaves[i], 1, &slow), KT_OK);
  }
  assert_memory_equal(ret_tree->child.hash.b, ret_tree->root.b, MODEL_HASH_LEN);
  assert_memory_equal(slow.hash.b, ret_tree->root.b, MODEL_HASH_LEN);
  n_trees++;
}

static void assert_same_proof(const struct kt_prefix_proof *got, const struct model_prefix_proof *want)
{
  assert_int_equal(got->n_results, want->n_results);
  for (size_t i = 0; i < want->n_results; i++) {
    const struct model_result *result = &want->results[i];
    assert_int_equal(got->results[i].type, result->type);
    assert_int_equal(got->results[i].depth, result->depth);
    if (result->type == MODEL_NON_INCLUSION_LEAF) {
      assert_memory_equal(got->results[i].leaf.vrf_output.b, result->leaf->key.b, MODEL_HASH_LEN);
      assert_memory_equal(got->results[i].leaf.commitment.b, result->leaf->commitment.b, MODEL_HASH_LEN);
    }
  }
  assert_int_equal(got->n_elements, want->n_elements);
  assert_memory_equal(got->elements, want->elements, want->n_elements * MODEL_HASH_LEN);
}

/* Search for these keys at once: same proof, and it leads to the root. */
static void compare_search(const struct tree *tree, const struct model_value *keys, size_t n)
{
  static struct model_prefix_proof want;
  struct kt_hash lib_keys[KEYS_MAX];
  struct kt_prefix_search searches[KEYS_MAX];
  struct kt_prefix_proof got;
  struct kt_hash root;
  struct kt_arena arena;
  model_prefix_prove(tree->leaves, tree->n, keys, n, &want);
  for (size_t i = 0; i < n; i++) {
    lib_keys[i] = to_lib(&keys[i]);
    searches[i] = (struct kt_prefix_search){ .key = lib_keys[i] };
    if (want.results[i].type == MODEL_INCLUSION) {
      searches[i].has_commitment = true;
      searches[i].commitment = to_lib(&want.results[i].leaf->commitment);
    }
  }
  kt_arena_init(&arena, ARENA_CAP);
  assert_int_equal(kt_prefix_prove(&store.nodes, tree->child, lib_keys, n, &arena, &got), KT_OK);
  assert_same_proof(&got, &want);
  assert_int_equal(kt_prefix_evaluate(searches, n, &got, &root, NULL), KT_OK);
  assert_memory_equal(root.b, tree->root.b, MODEL_HASH_LEN);
  kt_arena_release(&arena);
  n_proofs++;
}

static void all_batches_of_3_bit_keys(void **state)
{
  static struct tree tree;
  (void)state;
  for (unsigned mask = 0; mask < 256; mask++) {
    make_tree(mask, 3, &tree);
    for (unsigned batch = 1; batch < 256; batch++) {
      struct model_value ascending[8];
      struct model_value descending[8];
      size_t n = 0;
      for (unsigned k = 0; k < 8; k++) {
        if ((batch >> k & 1U) != 0) {
          ascending[n++] = make_key(k, 3);
        }
      }
      for (size_t i = 0; i < n; i++) {
        descending[i] = ascending[n - 1 - i];
      }
      compare_search(&tree, ascending, n);
      compare_search(&tree, descending, n);
    }
  }
}

static uint64_t count_bits(unsigned mask)
{
  uint64_t n = 0;
  for (; mask != 0; mask &= mask - 1) {
    n++;
  }
  return n;
}

static void searches_of_4_bit_keys(void **state)
{
  static struct tree tree;
  struct model_value keys[KEYS_MAX];
  (void)state;
  for (unsigned k = 0; k < KEYS_MAX; k++) {
    keys[k] = make_key(k, 4);
  }
  for (unsigned mask = 0; mask < 1U << KEYS_MAX; mask++) {
    if (count_bits(mask) > model_up_to(4, KEYS_MAX, KEYS_MAX)) {
      continue;
    }
    make_tree(mask, 4, &tree);
    for (size_t a = 0; a < KEYS_MAX; a++) {
      compare_search(&tree, &keys[a], 1);
      for (size_t b = 0; count_bits(mask) <= model_up_to(0, 5, KEYS_MAX) && b < KEYS_MAX; b++) {
        const struct model_value pair[2] = { keys[a], keys[b] };
        if (a != b) {
          compare_search(&tree, pair, 2);
        }
      }
    }
    compare_search(&tree, keys, KEYS_MAX);
  }
}

struct claim {
  unsigned key;
  struct kt_prefix_result result;
  unsigned commitment; /* what the verifier holds for its key; KEYS_MAX: none */
};

static bool is_true(const struct claim *claim, const struct model_result *truth)
{
  if ((int)claim->result.type != (int)truth->type || claim->result.depth != truth->depth) {
    return false;
  }
  if (truth->type == MODEL_NON_INCLUSION_LEAF) {
    return memcmp(claim->result.leaf.vrf_output.b, truth->leaf->key.b, MODEL_HASH_LEN) == 0 &&
           memcmp(claim->result.leaf.commitment.b, truth->leaf->commitment.b, MODEL_HASH_LEN) == 0;
  }
  return truth->type == MODEL_NON_INCLUSION_PARENT || claim->commitment == claim->key;
}

/* The verifier accepts the claim, beside the true values along the path, exactly when it is true. */
static void judge(const struct tree *tree, const struct claim *claim, const struct model_result *truth,
                  const struct model_value *copath)
{
  struct kt_hash elements[DEPTH_MAX];
  struct kt_hash root;
  struct model_value key = make_key(claim->key, 4);
  struct model_value commitment = make_commitment(claim->commitment);
  const struct kt_prefix_search search = { .key = to_lib(&key),
                                           .has_commitment = claim->commitment < KEYS_MAX,
                                           .commitment = to_lib(&commitment) };
  const struct kt_prefix_proof proof = {
    .results = &claim->result, .n_results = 1, .elements = elements, .n_elements = claim->result.depth
  };
  for (size_t i = 0; i < proof.n_elements; i++) {
    elements[i] = to_lib(&copath[i]);
  }
  bool accepted =
      kt_prefix_evaluate(&search, 1, &proof, &root, NULL) == KT_OK && memcmp(root.b, tree->root.b, MODEL_HASH_LEN) == 0;
  assert_int_equal(accepted, is_true(claim, truth));
  n_forged++;
}

/* Every type, at every depth, with every leaf. */
static void judge_claims(const struct tree *tree, unsigned k)
{
  static struct model_prefix_proof truth;
  struct model_value key = make_key(k, 4);
  model_prefix_prove(tree->leaves, tree->n, &key, 1, &truth);
  for (unsigned depth = 0; depth <= DEPTH_MAX; depth++) {
    struct model_value copath[DEPTH_MAX];
    assert_int_equal(model_prefix_copath(tree->leaves, tree->n, &key, depth, copath), depth);
    struct claim claim = { .key = k,
                           .result = { .type = KT_PREFIX_NON_INCLUSION_PARENT, .depth = (uint8_t)depth },
                           .commitment = KEYS_MAX };
    judge(tree, &claim, &truth.results[0], copath);
    claim.result.type = KT_PREFIX_NON_INCLUSION_LEAF;
    for (unsigned leaf = 0; leaf < KEYS_MAX; leaf++) {
      const struct model_leaf claimed = { .key = make_key(leaf, 4), .commitment = make_commitment(leaf) };
      claim.result.leaf = leaf_to_lib(&claimed);
      judge(tree, &claim, &truth.results[0], copath);
      claim.result.leaf.commitment.b[31] ^= 1;
      judge(tree, &claim, &truth.results[0], copath);
    }
    claim.result.type = KT_PREFIX_INCLUSION;
    for (claim.commitment = 0; claim.commitment <= KEYS_MAX; claim.commitment++) {
      judge(tree, &claim, &truth.results[0], copath);
    }
  }
}

static void forged_results_are_refused(void **state)
{
  static struct tree tree;
  (void)state;
  for (unsigned mask = 0; mask < 1U << KEYS_MAX; mask++) {
    if (count_bits(mask) <= model_up_to(3, 5, KEYS_MAX)) {
      make_tree(mask, 4, &tree);
      for (unsigned k = 0; k < KEYS_MAX; k++) {
        judge_claims(&tree, k);
      }
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_batches_of_3_bit_keys),
    cmocka_unit_test(searches_of_4_bit_keys),
    cmocka_unit_test(forged_results_are_refused),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("%lu trees, %lu proofs compared, %lu claims judged\n", n_trees, n_proofs, n_forged);
  return failed;
}
