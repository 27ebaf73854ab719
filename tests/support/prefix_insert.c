/* SPDX-License-Identifier: Apache-2.0 */
#include "prefix_insert.h"

static size_t leaves_split(const struct kt_prefix_leaf *leaves, size_t n, unsigned depth)
{
  size_t zeros = 0;
  while (zeros < n && kt_prefix_bit(&leaves[zeros].vrf_output, depth) == 0) {
    zeros++;
  }
  return zeros;
}

/* A leaf that is already in the tree, where others are inserted. */
struct resident {
  struct kt_hash key;
  struct kt_prefix_child child;
};

static enum kt_err put_leaf(const struct prefix_store *store, const struct kt_prefix_leaf *leaf,
                            struct kt_prefix_child *ret_child)
{
  struct kt_prefix_node node = { .is_leaf = true, .leaf = *leaf };
  struct kt_prefix_child child;
  kt_prefix_leaf_hash(leaf, &child.hash);
  enum kt_err err = store->put(store->nodes.ctx, &node, &child.ref);
  if (err == KT_OK) {
    *ret_child = child;
  }
  return err;
}

static enum kt_err put_parent(const struct prefix_store *store, const struct kt_prefix_node *node,
                              struct kt_prefix_child *ret_child)
{
  struct kt_prefix_child child;
  kt_prefix_parent_hash(&node->child[0].hash, &node->child[1].hash, &child.hash);
  enum kt_err err = store->put(store->nodes.ctx, node, &child.ref);
  if (err == KT_OK) {
    *ret_child = child;
  }
  return err;
}

/* Canonical subtree at `depth` over sorted leaves and, unless NULL, a resident whose key is none of theirs. */
static enum kt_err build(const struct prefix_store *store, const struct kt_prefix_leaf *leaves, size_t n,
                         const struct resident *resident, unsigned depth, struct kt_prefix_child *ret_child)
{
  if (n == 0) {
    *ret_child = resident != NULL ? resident->child : (struct kt_prefix_child){ 0 };
    return KT_OK;
  }
  if (n == 1 && resident == NULL) {
    return put_leaf(store, leaves, ret_child);
  }
  if (depth == KT_PREFIX_DEPTH_MAX) {
    return KT_ERR_LIMIT;
  }
  size_t zeros = leaves_split(leaves, n, depth);
  const struct resident *sides[2] = { NULL, NULL };
  if (resident != NULL) {
    sides[kt_prefix_bit(&resident->key, depth)] = resident;
  }
  struct kt_prefix_node node = { .is_leaf = false };
  enum kt_err err = build(store, leaves, zeros, sides[0], depth + 1, &node.child[0]);
  if (err == KT_OK) {
    err = build(store, leaves + zeros, n - zeros, sides[1], depth + 1, &node.child[1]);
  }
  return err != KT_OK ? err : put_parent(store, &node, ret_child);
}

static enum kt_err insert_at_leaf(const struct prefix_store *store, const struct kt_prefix_child *at,
                                  const struct kt_hash *key, const struct kt_prefix_leaf *leaves, size_t n,
                                  unsigned depth, struct kt_prefix_child *ret_child)
{
  for (size_t i = 0; i < n; i++) {
    if (kt_prefix_compare(&leaves[i].vrf_output, key) == 0) {
      return KT_ERR_CONFLICT;
    }
  }
  struct resident resident = { .key = *key, .child = *at };
  return build(store, leaves, n, &resident, depth, ret_child);
}

static enum kt_err insert_node(const struct prefix_store *store, const struct kt_prefix_child *at,
                               const struct kt_prefix_leaf *leaves, size_t n, unsigned depth,
                               struct kt_prefix_child *ret_child)
{
  if (n == 0) {
    *ret_child = *at;
    return KT_OK;
  }
  if (at->ref == 0) {
    return build(store, leaves, n, NULL, depth, ret_child);
  }
  struct kt_prefix_node node;
  enum kt_err err = store->nodes.get(store->nodes.ctx, at->ref, &node);
  if (err != KT_OK) {
    return err;
  }
  if (node.is_leaf) {
    return insert_at_leaf(store, at, &node.leaf.vrf_output, leaves, n, depth, ret_child);
  }
  if (depth == KT_PREFIX_DEPTH_MAX) {
    return KT_ERR_STORE; /* no tree of ours is that deep */
  }
  size_t zeros = leaves_split(leaves, n, depth);
  struct kt_prefix_node changed = { .is_leaf = false };
  err = insert_node(store, &node.child[0], leaves, zeros, depth + 1, &changed.child[0]);
  if (err == KT_OK) {
    err = insert_node(store, &node.child[1], leaves + zeros, n - zeros, depth + 1, &changed.child[1]);
  }
  return err != KT_OK ? err : put_parent(store, &changed, ret_child);
}

enum kt_err prefix_insert(const struct prefix_store *store, struct kt_prefix_child root,
                          const struct kt_prefix_leaf *leaves, size_t n_leaves, struct kt_prefix_child *ret_root)
{
  for (size_t i = 1; i < n_leaves; i++) {
    if (kt_prefix_compare(&leaves[i - 1].vrf_output, &leaves[i].vrf_output) >= 0) {
      return KT_ERR_USAGE;
    }
  }
  return insert_node(store, &root, leaves, n_leaves, 0, ret_root);
}
