/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Combined Tree, Implicit Binary Search Tree, Reasonable Monitoring Window. */
#include <stdlib.h>
#include <string.h>

#include "model.h"

void model_log_add_leaf(struct model_log *log, const struct model_value *key, const struct model_value *commitment)
{
  if (log->n_leaves == MODEL_LEAVES_MAX) {
    abort();
  }
  log->leaves[log->n_leaves++] = (struct model_leaf){ .key = *key, .commitment = *commitment, .pos = log->size };
}

void model_log_add_version(struct model_log *log, const struct model_value *commitment)
{
  if (log->n_versions == MODEL_VERSIONS_MAX) {
    abort();
  }
  model_log_add_leaf(log, &log->keys[log->n_versions], commitment);
  log->added[log->n_versions++] = log->size;
}

void model_log_close(struct model_log *log, uint64_t timestamp)
{
  uint8_t entry[8 + MODEL_HASH_LEN]; /* LogEntry */
  if (log->size == MODEL_ENTRIES_MAX) {
    abort();
  }
  struct model_value *root = &log->prefix_roots[log->size];
  model_prefix_root(log->leaves, log->n_leaves, root);
  for (unsigned i = 0; i < 8; i++) {
    entry[i] = (uint8_t)(timestamp >> (56 - 8 * i));
  }
  memcpy(&entry[8], root->b, MODEL_HASH_LEN);
  model_hash(entry, sizeof entry, &log->values[log->size]);
  log->timestamps[log->size++] = timestamp;
}

int64_t model_greatest_at(const struct model_log *log, uint64_t pos)
{
  int64_t greatest = -1;
  for (size_t version = 0; version < log->n_versions; version++) {
    if (log->added[version] <= pos) {
      greatest = (int64_t)version;
    }
  }
  return greatest;
}

size_t model_leaves_at(const struct model_log *log, uint64_t pos)
{
  size_t n = 0;
  while (n < log->n_leaves && log->leaves[n].pos <= pos) {
    n++;
  }
  return n;
}

void model_root(const struct model_log *log, uint64_t size, struct model_value *ret_root)
{
  model_log_head(log->values, (struct model_node){ 0, size }, ret_root);
}

/* "i_root = 2^floor(log2(n)) - 1. The left subtree is the implicit binary search tree of size i_root … The right subtree
 * is the implicit binary search tree of size n-i_root-1, but offset with i_root+1." */
static uint64_t build(struct model_bst *bst, uint64_t size, uint64_t offset, uint64_t parent)
{
  if (size == 0) {
    return MODEL_NONE;
  }
  uint64_t power = 1;
  while (power * 2 <= size) {
    power *= 2;
  }
  uint64_t index = power - 1;
  uint64_t root = offset + index;
  bst->parent[root] = parent;
  bst->left[root] = build(bst, index, offset, root);
  bst->right[root] = build(bst, size - index - 1, root + 1, root);
  return root;
}

void model_bst_build(uint64_t size, struct model_bst *ret_bst)
{
  ret_bst->root = build(ret_bst, size, 0, MODEL_NONE);
}

size_t model_frontier(uint64_t size, uint64_t ret_frontier[static MODEL_ENTRIES_MAX])
{
  struct model_bst bst;
  size_t n = 0;
  model_bst_build(size, &bst);
  for (uint64_t pos = bst.root; pos != MODEL_NONE; pos = bst.right[pos]) {
    ret_frontier[n++] = pos;
  }
  return n;
}

/* The numbered steps of Reasonable Monitoring Window. */
static void distinguish(const struct model_log *log, const struct model_bst *bst, uint64_t pos, uint64_t left,
                        uint64_t right, bool *distinguished)
{
  if (right - left < log->window) { /* 2 */
    return;
  }
  distinguished[pos] = true;
  if (bst->left[pos] != MODEL_NONE) { /* 3 */
    distinguish(log, bst, bst->left[pos], left, log->timestamps[pos], distinguished);
  }
  if (bst->right[pos] != MODEL_NONE) { /* 4 */
    distinguish(log, bst, bst->right[pos], log->timestamps[pos], right, distinguished);
  }
}

void model_distinguished(const struct model_log *log, uint64_t size, bool ret_distinguished[static MODEL_ENTRIES_MAX])
{
  struct model_bst bst;
  model_bst_build(size, &bst);
  memset(ret_distinguished, 0, MODEL_ENTRIES_MAX * sizeof *ret_distinguished);
  distinguish(log, &bst, bst.root, 0, log->timestamps[size - 1], ret_distinguished);
}
