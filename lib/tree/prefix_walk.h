/* SPDX-License-Identifier: Apache-2.0 */
/* What the prefix tree's verifier, auditor and prover share; internal to lib/tree.
 *
 * All of them recurse over a sorted range of search keys, splitting it at each bit; recursion ends before depth 256. */
#ifndef KT_TREE_PREFIX_WALK_H
#define KT_TREE_PREFIX_WALK_H

#include "tree/prefix_tree.h"

#define KT_PREFIX_RESULTS_MAX 255

/* One searched key; items borrow from the caller's arrays. */
struct kt_prefix_item {
  const struct kt_hash *key;
  size_t index;                       /* of its result in the proof */
  const struct kt_hash *commitment;   /* in the tree the proof was made from; NULL: not known */
  const struct kt_prefix_leaf *added; /* auditor only: what is inserted under the key; NULL: nothing */
};

/* Sort by key; false when a key is there twice. */
bool kt_prefix_items_sort(struct kt_prefix_item *items, size_t n);
/* How many of the sorted items have bit `depth` clear; they come first. */
size_t kt_prefix_items_split(const struct kt_prefix_item *items, size_t n, unsigned depth);

enum kt_prefix_kind {
  KT_PREFIX_KIND_MISSING,
  KT_PREFIX_KIND_LEAF,
  KT_PREFIX_KIND_PARENT,
  KT_PREFIX_KIND_UNSHOWN, /* an element of the proof: a leaf or a parent */
};

/* A node of the tree the proof was made from, and for an auditor what replaces it. */
struct kt_prefix_value {
  struct kt_hash before;
  struct kt_hash after;
  enum kt_prefix_kind after_kind;
};

/* Evaluation of a batch proof. The two functions compute a node's `after`; NULL when nothing changes. What parent_after
 * writes to may be one of its children. */
struct kt_prefix_walk {
  const struct kt_prefix_proof *proof;
  size_t next_element;
  enum kt_err (*terminal_after)(const struct kt_prefix_walk *w, const struct kt_prefix_item *items, size_t n,
                                unsigned depth, const struct kt_prefix_leaf *leaf, struct kt_prefix_value *value);
  enum kt_err (*parent_after)(const struct kt_prefix_walk *w, const struct kt_prefix_value *left,
                              const struct kt_prefix_value *right, struct kt_prefix_value *value);
  struct kt_reason *reason;
};

/* Value of the whole tree; items sorted, without duplicates. Refuses R51-R54. */
KT_MUST_USE enum kt_err kt_prefix_walk_root(struct kt_prefix_walk *w, const struct kt_prefix_item *items, size_t n,
                                            struct kt_prefix_value *ret_root);

#endif
