/* SPDX-License-Identifier: Apache-2.0 */
/* Naive prefix tree for the tests: a sorted array of leaves, everything by recursion over it, straight from the draft,
 * hashed with libsodium directly. Beside it the store the code under test writes to, an array of nodes. */
#ifndef KT_TESTS_PREFIX_MODEL_H
#define KT_TESTS_PREFIX_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "support/prefix_insert.h"
#include "tree/prefix_tree.h"

#define MODEL_LEAVES_MAX 300
#define MODEL_BITS 4
#define MODEL_KEYS (1u << MODEL_BITS)

struct model_set {
  struct kt_prefix_leaf at[MODEL_LEAVES_MAX]; /* ascending */
  size_t n;
};

/* Keys whose first n_bits bits enumerate and whose others are all alike. */
static inline struct kt_hash model_key(unsigned i, unsigned n_bits)
{
  struct kt_hash key;
  memset(key.b, 0x5a, sizeof key.b);
  key.b[0] = (uint8_t)((i << (8 - n_bits)) | (0x5au & (0xffu >> n_bits)));
  return key;
}

static inline struct kt_prefix_leaf model_leaf(unsigned i, unsigned n_bits)
{
  struct kt_prefix_leaf leaf = { .vrf_output = model_key(i, n_bits) };
  memset(leaf.commitment.b, (int)(0xc0 + i), sizeof leaf.commitment.b);
  return leaf;
}

static inline int model_compare(const void *a, const void *b)
{
  return memcmp(a, b, 32);
}

static inline void model_sort(struct model_set *set)
{
  qsort(set->at, set->n, sizeof *set->at, model_compare);
}

static inline int model_bit(const struct kt_hash *key, unsigned depth)
{
  return (key->b[depth / 8] & (0x80 >> (depth % 8))) != 0;
}

static inline size_t model_split(const struct kt_prefix_leaf *leaves, size_t n, unsigned depth)
{
  size_t zeros = 0;
  while (zeros < n && !model_bit(&leaves[zeros].vrf_output, depth)) {
    zeros++;
  }
  return zeros;
}

static inline struct kt_hash model_root(const struct kt_prefix_leaf *leaves, size_t n, unsigned depth)
{
  struct kt_hash root = { { 0 } };
  uint8_t content[65];
  if (n == 0) {
    return root;
  }
  if (n == 1) {
    content[0] = 2;
    memcpy(content + 1, leaves->vrf_output.b, 32);
    memcpy(content + 33, leaves->commitment.b, 32);
  } else {
    size_t zeros = model_split(leaves, n, depth);
    struct kt_hash left = model_root(leaves, zeros, depth + 1);
    struct kt_hash right = model_root(leaves + zeros, n - zeros, depth + 1);
    content[0] = 3;
    memcpy(content + 1, left.b, 32);
    memcpy(content + 33, right.b, 32);
  }
  crypto_hash_sha256(root.b, content, sizeof content);
  return root;
}

/* Where a search ends: descend until at most one leaf is left. */
static inline struct kt_prefix_result model_search(const struct model_set *set, const struct kt_hash *key)
{
  const struct kt_prefix_leaf *at = set->at;
  size_t n = set->n;
  unsigned depth = 0;
  for (; n > 1; depth++) {
    size_t zeros = model_split(at, n, depth);
    at += model_bit(key, depth) ? zeros : 0;
    n = model_bit(key, depth) ? n - zeros : zeros;
  }
  struct kt_prefix_result result = { .type = KT_PREFIX_NON_INCLUSION_PARENT, .depth = (uint8_t)depth };
  if (n == 1 && memcmp(&at->vrf_output, key, 32) == 0) {
    result.type = KT_PREFIX_INCLUSION;
  } else if (n == 1) {
    result.type = KT_PREFIX_NON_INCLUSION_LEAF;
    result.leaf = *at;
  }
  return result;
}

static inline bool model_any_starts_like(const struct kt_hash *keys, size_t n_keys, const struct kt_hash *prefix,
                                         unsigned n_bits)
{
  for (size_t i = 0; i < n_keys; i++) {
    unsigned depth = 0;
    while (depth < n_bits && model_bit(&keys[i], depth) == model_bit(prefix, depth)) {
      depth++;
    }
    if (depth == n_bits) {
      return true;
    }
  }
  return false;
}

/* Elements left to right: a node none of the searches enters, under a parent that one does. */
static inline void model_elements(const struct kt_prefix_leaf *leaves, size_t n, const struct kt_hash *keys,
                                  size_t n_keys, struct kt_hash *prefix, unsigned depth, struct kt_hash *elements,
                                  size_t *n_elements)
{
  if (!model_any_starts_like(keys, n_keys, prefix, depth)) {
    elements[(*n_elements)++] = model_root(leaves, n, depth);
    return;
  }
  if (n <= 1) {
    return;
  }
  size_t zeros = model_split(leaves, n, depth);
  uint8_t bit = (uint8_t)(0x80 >> (depth % 8));
  prefix->b[depth / 8] &= (uint8_t)~bit;
  model_elements(leaves, zeros, keys, n_keys, prefix, depth + 1, elements, n_elements);
  prefix->b[depth / 8] |= bit;
  model_elements(leaves + zeros, n - zeros, keys, n_keys, prefix, depth + 1, elements, n_elements);
  prefix->b[depth / 8] &= (uint8_t)~bit;
}

/* All sets of at most max_leaves of the MODEL_KEYS keys. */
static inline void model_each_set(unsigned max_leaves, void (*check)(const struct model_set *set))
{
  for (unsigned mask = 0; mask < 1u << MODEL_KEYS; mask++) {
    if ((unsigned)__builtin_popcount(mask) <= max_leaves) {
      static struct model_set set;
      set.n = 0;
      for (unsigned i = 0; i < MODEL_KEYS; i++) {
        if ((mask >> i & 1) != 0) {
          set.at[set.n++] = model_leaf(i, MODEL_BITS);
        }
      }
      check(&set);
    }
  }
}

/* --- store ----------------------------------------------------------------------------------------------------- */

struct test_store {
  struct kt_prefix_node *nodes; /* ref - 1 is the index */
  size_t n;
  size_t room;
  size_t fail_after; /* calls left until the store fails; 0: never */
};

static inline bool test_store_fails(struct test_store *store)
{
  return store->fail_after > 0 && --store->fail_after == 0;
}

static inline enum kt_err test_store_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  struct test_store *store = ctx;
  assert_true(ref >= 1 && ref <= store->n);
  if (test_store_fails(store)) {
    return KT_ERR_STORE;
  }
  *ret_node = store->nodes[ref - 1];
  return KT_OK;
}

static inline enum kt_err test_store_put(void *ctx, const struct kt_prefix_node *node, uint64_t *ret_ref)
{
  struct test_store *store = ctx;
  if (test_store_fails(store)) {
    return KT_ERR_STORE;
  }
  if (store->n == store->room) {
    store->room = store->room * 2 + 64;
    store->nodes = realloc(store->nodes, store->room * sizeof *store->nodes);
    assert_non_null(store->nodes);
  }
  for (int i = 0; i < 2 && !node->is_leaf; i++) { /* children before their parents */
    assert_true(node->child[i].ref <= store->n);
  }
  store->nodes[store->n++] = *node;
  *ret_ref = store->n;
  return KT_OK;
}

static inline struct kt_prefix_nodes test_store_nodes(struct test_store *store)
{
  return (struct kt_prefix_nodes){ .ctx = store, .get = test_store_get };
}

static inline enum kt_err test_store_insert(struct test_store *store, struct kt_prefix_child root,
                                            const struct kt_prefix_leaf *leaves, size_t n,
                                            struct kt_prefix_child *ret_root)
{
  const struct prefix_store prefix_store = { .nodes = test_store_nodes(store), .put = test_store_put };
  return prefix_insert(&prefix_store, root, leaves, n, ret_root);
}

/* The set's tree in an emptied store. */
static inline struct kt_prefix_child test_store_build(struct test_store *store, const struct model_set *set)
{
  struct kt_prefix_child root = { .ref = 0 };
  store->n = 0;
  assert_int_equal(test_store_insert(store, root, set->at, set->n, &root), KT_OK);
  return root;
}

#endif
