/* SPDX-License-Identifier: Apache-2.0 */
/* Log tree: structure, hashing and batch proofs (draft: Log Tree, Tree Proofs / Log Tree).
 *
 * Proofs carry heads of balanced subtrees only, left to right. One walk (log_proof.c) decides which: the prover
 * emits at each, the verifier consumes. Roots of any size are folds of that size's full subtrees. */
#ifndef KT_TREE_LOG_TREE_H
#define KT_TREE_LOG_TREE_H

#include <kt/bytes.h>
#include <kt/err.h>

#include <kt/arena.h>

#define KT_LOG_SUBTREES_MAX 64

/* Head of the balanced subtree over leaves [start, start + 2^level); start is a multiple of 2^level. */
struct kt_log_node {
  uint64_t start;
  uint8_t level;
};

/* Largest balanced subtrees of a tree of this size, left to right; the count (popcount of size). */
size_t kt_log_full_subtrees(uint64_t size, struct kt_log_node ret_nodes[static KT_LOG_SUBTREES_MAX]);

/* Hash of a parent whose children are both at `child_level` (0: leaves) or, for the spine of an unbalanced root, at
 * different levels. */
void kt_log_parent_hash(const struct kt_hash *left, bool left_is_leaf, const struct kt_hash *right, bool right_is_leaf,
                        struct kt_hash *ret);
/* Root of a tree of `size` from the values of its full subtrees; size 0 gives zero bytes. */
void kt_log_root(uint64_t size, const struct kt_hash *heads, struct kt_hash *ret_root);
/* Append a leaf to the full subtrees of a tree of `size`, in place; the new count. */
size_t kt_log_append(uint64_t size, struct kt_hash heads[static KT_LOG_SUBTREES_MAX], const struct kt_hash *leaf);

/* What a batch proof is for. */
struct kt_log_request {
  uint64_t size;          /* of the tree, > 0 */
  const uint64_t *leaves; /* proven leaves, strictly ascending, each < size */
  size_t n_leaves;
  uint64_t retained_size; /* full subtrees of this size are known to the verifier; 0: none; <= size */
  uint64_t auditor_size;  /* the root at this size must be computable too; 0: not asked; <= size */
};

/* Positions the proof carries, in order; KT_ERR_MEMORY when the arena is full, KT_ERR_USAGE for a bad request. */
KT_MUST_USE enum kt_err kt_log_copath(const struct kt_log_request *request, struct kt_arena *arena,
                                      struct kt_log_node **ret_nodes, size_t *ret_n);

/* Node values a verified proof established, sorted by start, larger subtrees first. */
struct kt_log_known {
  struct kt_log_node *nodes;
  struct kt_hash *values;
  size_t n;
};

/* Consume the elements: leaf_values parallel to request->leaves, retained the values of retained_size's full subtrees.
 * Fails unless every element is used (R47) and recomputed retained heads match (R48). On success ret_known (in the
 * arena) holds every node computed, consumed or given. */
KT_MUST_USE enum kt_err kt_log_evaluate(const struct kt_log_request *request, const struct kt_hash *leaf_values,
                                        const struct kt_hash *retained, const struct kt_hash *elements,
                                        size_t n_elements, struct kt_arena *arena, struct kt_log_known *ret_known,
                                        struct kt_reason *reason);
/* Values of the full subtrees of a tree of `size`; KT_ERR_ABSENT when they do not follow from what is known. */
KT_MUST_USE enum kt_err kt_log_known_heads(const struct kt_log_known *known, uint64_t size,
                                           struct kt_hash ret_heads[static KT_LOG_SUBTREES_MAX]);
KT_MUST_USE enum kt_err kt_log_known_root(const struct kt_log_known *known, uint64_t size, struct kt_hash *ret_root);

#endif
