/* SPDX-License-Identifier: Apache-2.0 */
/* Prefix tree: hashing, verifying, proving (draft: Prefix Tree, Tree Proofs / Prefix Tree, Auditing); it grows in log/grow.h.
 *
 * A leaf sits at the shallowest depth where its prefix is unique; a missing child is 32 zero bytes. Bit i of a key is
 * bit 7 - i%8 of byte i/8. Nodes are reached through a callback, so that the same code serves a store, a cache and
 * a test's array. Depths stay below 256: two keys that share 255 bits are refused (KT_ERR_LIMIT). */
#ifndef KT_TREE_PREFIX_TREE_H
#define KT_TREE_PREFIX_TREE_H

#include <kt/arena.h>
#include "wire/proof.h"

#define KT_PREFIX_DEPTH_MAX 255 /* PrefixSearchResult.depth is a uint8 */

/* Bit `depth` of a key. */
static inline int kt_prefix_bit(const struct kt_hash *key, unsigned depth)
{
  return key->b[depth / 8] >> (7 - depth % 8) & 1;
}
/* The order of keys: negative, 0 or positive. */
int kt_prefix_compare(const struct kt_hash *a, const struct kt_hash *b);

void kt_prefix_leaf_hash(const struct kt_prefix_leaf *leaf, struct kt_hash *ret);
void kt_prefix_parent_hash(const struct kt_hash *left, const struct kt_hash *right, struct kt_hash *ret);

/* --- verifying ------------------------------------------------------------------------------------------------ */

struct kt_prefix_search {
  struct kt_hash key;  /* VRF output */
  bool has_commitment; /* needed when the result shows inclusion (R52) */
  struct kt_hash commitment;
};

/* Root of the tree a batch proof was made from. searches in the order of proof->results; n must equal n_results (R50).
 * Refuses R51-R55. A proof of zero searches is its single element. */
KT_MUST_USE enum kt_err kt_prefix_evaluate(const struct kt_prefix_search *searches, size_t n,
                                           const struct kt_prefix_proof *proof, struct kt_hash *ret_root,
                                           struct kt_reason *reason);

/* Roots before and after a change, from an auditor's batch proof: results for every element of added, then for every
 * element of removed (draft: Auditing steps 2-4, 6, 7 without the comparison). KT_ERR_UNDETERMINED when whether a
 * parent collapses depends on a sibling the proof does not show. */
KT_MUST_USE enum kt_err kt_prefix_mutate(const struct kt_prefix_leaf *added, size_t n_added,
                                         const struct kt_prefix_leaf *removed, size_t n_removed,
                                         const struct kt_prefix_proof *proof, struct kt_hash *ret_before,
                                         struct kt_hash *ret_after, struct kt_reason *reason);

/* --- finding and proving ---------------------------------------------------------------------------------------- */

/* Reference to a stored node; 0 is no node. Meaning is the store's. */
struct kt_prefix_child {
  uint64_t ref;
  struct kt_hash hash; /* zero bytes when ref is 0 */
};

struct kt_prefix_node {
  bool is_leaf;
  union {
    struct kt_prefix_leaf leaf;      /* is_leaf */
    struct kt_prefix_child child[2]; /* otherwise: left (bit 0), right (bit 1) */
  };
};

struct kt_prefix_nodes {
  void *ctx;
  enum kt_err (*get)(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node);
};

/* Commitment stored for key, KT_ERR_ABSENT when the key is not in the tree. */
KT_MUST_USE enum kt_err kt_prefix_find(const struct kt_prefix_nodes *nodes, struct kt_prefix_child root,
                                       const struct kt_hash *key, struct kt_hash *ret_commitment);
/* Batch proof for keys (distinct, at most 255) in the order given; results and elements in the arena. */
KT_MUST_USE enum kt_err kt_prefix_prove(const struct kt_prefix_nodes *nodes, struct kt_prefix_child root,
                                        const struct kt_hash *keys, size_t n_keys, struct kt_arena *arena,
                                        struct kt_prefix_proof *ret_proof);
/* Lookups in one tree that end in one batch proof: each node is read once, however many keys pass it. Lives in the caller's
 * arena until the proof is made; nodes are borrowed. */
struct kt_prefix_seen;
struct kt_prefix_series {
  const struct kt_prefix_nodes *nodes;
  struct kt_arena *arena;
  struct kt_prefix_child root;
  struct kt_prefix_seen *top;    /* the nodes read so far; NULL: none */
  struct kt_prefix_seen *before; /* those of the tree before */
};
void kt_prefix_series_init(struct kt_prefix_series *series, const struct kt_prefix_nodes *nodes,
                           struct kt_prefix_child root, struct kt_arena *arena);
/* Go on to another tree of the same nodes: subtrees that both have are not read again. */
void kt_prefix_series_next(struct kt_prefix_series *series, struct kt_prefix_child root);
KT_MUST_USE enum kt_err kt_prefix_series_find(struct kt_prefix_series *series, const struct kt_hash *key,
                                              bool *ret_included);
/* As kt_prefix_prove; keys that were not looked up are fine. */
KT_MUST_USE enum kt_err kt_prefix_series_prove(const struct kt_prefix_series *series, const struct kt_hash *keys,
                                               size_t n_keys, struct kt_prefix_proof *ret_proof);

#endif
