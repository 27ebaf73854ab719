/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/log_tree.h"

#include <string.h>

#include "crypto/hash.h"

size_t kt_log_full_subtrees(uint64_t size, struct kt_log_node ret_nodes[static KT_LOG_SUBTREES_MAX])
{
  size_t n = 0;
  uint64_t start = 0;
  for (uint64_t rest = size; rest != 0;) {
    unsigned level = 63U - (unsigned)__builtin_clzll(rest);
    uint64_t len = (uint64_t)1 << level;
    ret_nodes[n++] = (struct kt_log_node){ .start = start, .level = (uint8_t)level };
    start += len;
    rest -= len;
  }
  return n;
}

void kt_log_parent_hash(const struct kt_hash *left, bool left_is_leaf, const struct kt_hash *right, bool right_is_leaf,
                        struct kt_hash *ret)
{
  uint8_t content[2 * (1 + KT_HASH_LEN)];
  content[0] = left_is_leaf ? 0x00 : 0x01;
  memcpy(content + 1, left->b, KT_HASH_LEN);
  content[1 + KT_HASH_LEN] = right_is_leaf ? 0x00 : 0x01;
  memcpy(content + 2 + KT_HASH_LEN, right->b, KT_HASH_LEN);
  kt_sha256(content, sizeof content, ret);
}

void kt_log_root(uint64_t size, const struct kt_hash *heads, struct kt_hash *ret_root)
{
  if (size == 0) {
    *ret_root = (struct kt_hash){ { 0 } };
    return;
  }
  size_t n = (size_t)__builtin_popcountll(size);
  struct kt_hash root = heads[n - 1];
  bool is_leaf = (size & 1) != 0; /* only the last full subtree can be a leaf */
  for (size_t i = n - 1; i-- > 0;) {
    kt_log_parent_hash(&heads[i], false, &root, is_leaf, &root);
    is_leaf = false;
  }
  *ret_root = root;
}

size_t kt_log_append(uint64_t size, struct kt_hash heads[static KT_LOG_SUBTREES_MAX], const struct kt_hash *leaf)
{
  size_t n = (size_t)__builtin_popcountll(size);
  struct kt_hash head = *leaf;
  bool is_leaf = true;
  /* A carry: every trailing one bit of the size is a full subtree as large as the one that just became complete. */
  for (uint64_t bits = size; (bits & 1) != 0; bits >>= 1) {
    n--;
    kt_log_parent_hash(&heads[n], is_leaf, &head, is_leaf, &head);
    is_leaf = false;
  }
  heads[n] = head;
  return n + 1;
}
