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

/* The way of a key from the root of a tree down: steps of one level, or of two where nodes are stored so. Paths that come to
 * the same subtree may go on with the same steps. */
struct kt_prefix_step {
  const struct kt_prefix_step *next; /* NULL: the path ends */
  uint8_t n_levels;                  /* 0: the path ends */
  bool is_leaf;                      /* at the end: there is one, the key's or another's */
  union {
    struct kt_hash sibling[2]; /* n_levels of them: what the path passes by */
    struct kt_prefix_leaf leaf;
  };
};

/* Caller-placed. */
struct kt_prefix_lookup {
  uint64_t root_ref; /* of the tree; 0: an empty one */
  struct kt_hash key;
  const struct kt_prefix_step *path; /* result, in the arena */
};

struct kt_prefix_nodes {
  void *ctx;
  enum kt_err (*get)(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node);
  /* kt_prefix_paths in a way that suits the nodes; NULL: through get. */
  enum kt_err (*paths)(void *ctx, struct kt_prefix_lookup *lookups, size_t n, struct kt_arena *arena);
};

/* Commitment stored for key, KT_ERR_ABSENT when the key is not in the tree. */
KT_MUST_USE enum kt_err kt_prefix_find(const struct kt_prefix_nodes *nodes, struct kt_prefix_child root,
                                       const struct kt_hash *key, struct kt_hash *ret_commitment);
/* Batch proof for keys (distinct, at most 255) in the order given; results and elements in the arena. */
KT_MUST_USE enum kt_err kt_prefix_prove(const struct kt_prefix_nodes *nodes, struct kt_prefix_child root,
                                        const struct kt_hash *keys, size_t n_keys, struct kt_arena *arena,
                                        struct kt_prefix_proof *ret_proof);
/* The same in two steps, for who wants to know what is there before the proof is made: the paths of any lookups, and the proof
 * of lookups in one tree, in the order given. */
KT_MUST_USE enum kt_err kt_prefix_paths(const struct kt_prefix_nodes *nodes, struct kt_prefix_lookup *lookups, size_t n,
                                        struct kt_arena *arena);
bool kt_prefix_is_included(const struct kt_prefix_lookup *lookup);
KT_MUST_USE enum kt_err kt_prefix_prove_paths(const struct kt_hash *root, const struct kt_prefix_lookup *lookups,
                                              size_t n, struct kt_arena *arena, struct kt_prefix_proof *ret_proof);

#endif
