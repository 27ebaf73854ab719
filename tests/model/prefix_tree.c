/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Tree Construction / Prefix Tree, Cryptographic Computations / Prefix Tree, Tree Proofs / Prefix Tree. */
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* The leaves below a node. A node with one leaf is that leaf, one with none is missing; every other is a parent. */
struct subtree {
  const struct model_leaf *leaves[MODEL_LEAVES_MAX];
  size_t n;
};

static unsigned bit(const struct model_value *key, unsigned depth)
{
  return (unsigned)(key->b[depth / 8] >> (7 - depth % 8)) & 1U;
}

static void make_subtree(const struct model_leaf *leaves, size_t n, struct subtree *ret_subtree)
{
  if (n > MODEL_LEAVES_MAX) {
    abort();
  }
  for (size_t i = 0; i < n; i++) {
    ret_subtree->leaves[i] = &leaves[i];
  }
  ret_subtree->n = n;
}

/* "The subtree headed by a parent's left child contains all search keys that share its prefix followed by an additional
 * 0 bit" */
static void child(const struct subtree *parent, unsigned depth, unsigned side, struct subtree *ret_child)
{
  ret_child->n = 0;
  for (size_t i = 0; i < parent->n; i++) {
    if (bit(&parent->leaves[i]->key, depth) == side) {
      ret_child->leaves[ret_child->n++] = parent->leaves[i];
    }
  }
}

static void head(const struct subtree *subtree, unsigned depth, struct model_value *ret_value)
{
  uint8_t input[1 + 2 * MODEL_HASH_LEN];
  memset(ret_value, 0, sizeof *ret_value);
  if (subtree->n == 1) {
    input[0] = 0x02;
    memcpy(&input[1], subtree->leaves[0]->key.b, MODEL_HASH_LEN);
    memcpy(&input[1 + MODEL_HASH_LEN], subtree->leaves[0]->commitment.b, MODEL_HASH_LEN);
    model_hash(input, sizeof input, ret_value);
  } else if (subtree->n > 1) {
    input[0] = 0x03;
    for (unsigned side = 0; side < 2; side++) {
      struct subtree below;
      struct model_value value;
      child(subtree, depth, side, &below);
      head(&below, depth + 1, &value);
      memcpy(&input[1 + side * MODEL_HASH_LEN], value.b, MODEL_HASH_LEN);
    }
    model_hash(input, sizeof input, ret_value);
  }
}

void model_prefix_root(const struct model_leaf *leaves, size_t n, struct model_value *ret_root)
{
  struct subtree all;
  make_subtree(leaves, n, &all);
  head(&all, 0, ret_root);
}

static struct model_result search(const struct subtree *subtree, unsigned depth, const struct model_value *key)
{
  struct model_result result = { .depth = depth };
  if (subtree->n > 1) {
    struct subtree below;
    child(subtree, depth, bit(key, depth), &below);
    return search(&below, depth + 1, key);
  }
  if (subtree->n == 0) {
    result.type = MODEL_NON_INCLUSION_PARENT;
    return result;
  }
  result.leaf = subtree->leaves[0];
  bool same = memcmp(result.leaf->key.b, key->b, MODEL_HASH_LEN) == 0;
  result.type = same ? MODEL_INCLUSION : MODEL_NON_INCLUSION_LEAF;
  return result;
}

/* The searched keys that lead to a node. */
struct keys {
  const struct model_value *keys[MODEL_LADDER_MAX];
  size_t n;
};

/* "the fewest node values that can be hashed together with these leaves to produce the root", left to right. */
static void elements(const struct subtree *subtree, unsigned depth, const struct keys *keys,
                     struct model_prefix_proof *proof)
{
  if (keys->n == 0) {
    if (proof->n_elements == MODEL_ELEMENTS_MAX) {
      abort();
    }
    head(subtree, depth, &proof->elements[proof->n_elements++]);
    return;
  }
  for (unsigned side = 0; subtree->n > 1 && side < 2; side++) {
    struct subtree below;
    struct keys keys_below = { .n = 0 };
    child(subtree, depth, side, &below);
    for (size_t i = 0; i < keys->n; i++) {
      if (bit(keys->keys[i], depth) == side) {
        keys_below.keys[keys_below.n++] = keys->keys[i];
      }
    }
    elements(&below, depth + 1, &keys_below, proof);
  }
}

void model_prefix_prove(const struct model_leaf *leaves, size_t n, const struct model_value *keys, size_t n_keys,
                        struct model_prefix_proof *ret_proof)
{
  struct subtree all;
  struct keys searched = { .n = n_keys };
  make_subtree(leaves, n, &all);
  ret_proof->n_results = n_keys;
  ret_proof->n_elements = 0;
  for (size_t i = 0; i < n_keys; i++) {
    searched.keys[i] = &keys[i];
    ret_proof->results[i] = search(&all, 0, &keys[i]);
  }
  elements(&all, 0, &searched, ret_proof);
}

static size_t copath(const struct subtree *subtree, unsigned depth, const struct model_value *key, unsigned end,
                     struct model_value *values, size_t n)
{
  if (depth == end) {
    return n;
  }
  for (unsigned side = 0; side < 2; side++) {
    struct subtree below;
    child(subtree, depth, side, &below);
    if (bit(key, depth) == side) {
      n = copath(&below, depth + 1, key, end, values, n);
    } else {
      head(&below, depth + 1, &values[n++]);
    }
  }
  return n;
}

size_t model_prefix_copath(const struct model_leaf *leaves, size_t n, const struct model_value *key, unsigned depth,
                           struct model_value *ret_elements)
{
  struct subtree all;
  make_subtree(leaves, n, &all);
  return copath(&all, 0, key, depth, ret_elements, 0);
}
