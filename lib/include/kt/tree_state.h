/* SPDX-License-Identifier: Apache-2.0 */
/* What a user retains of the last tree head (draft: Updating Views of the Tree / Algorithm): the size, the values of
 * the full subtrees, the entries along the frontier. A plain value, copied freely. size 0: nothing observed yet. */
#ifndef KT_TREE_STATE_H
#define KT_TREE_STATE_H

#include <kt/bytes.h>

KT_API_BEGIN

#define KT_TREE_STATE_MAX 64

struct kt_frontier_entry {
  uint64_t pos;
  uint64_t timestamp_ms;
  struct kt_hash prefix_root;
};

struct kt_tree_state {
  uint64_t size;
  size_t n_heads; /* popcount of size */
  struct kt_hash heads[KT_TREE_STATE_MAX];
  size_t n_frontier;
  struct kt_frontier_entry frontier[KT_TREE_STATE_MAX]; /* root first, rightmost entry last */
};

KT_API_END

#endif
