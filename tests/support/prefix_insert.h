/* SPDX-License-Identifier: Apache-2.0 */
/* Growing a prefix tree node by node, straight from the draft (Tree Construction / Prefix Tree): the simple insertion that
 * the log's own (lib/log/grow.h) and the auditor's replay (kt_prefix_mutate) are held against, and what toy logs and
 * vectors are made with. It shares the two hash functions with them, and nothing else. */
#ifndef KT_TESTS_PREFIX_INSERT_H
#define KT_TESTS_PREFIX_INSERT_H

#include "tree/prefix_tree.h"

/* Nodes that the library reads, and where a new one goes; put gets the ctx of nodes. */
struct prefix_store {
  struct kt_prefix_nodes nodes;
  enum kt_err (*put)(void *ctx, const struct kt_prefix_node *node, uint64_t *ret_ref);
};

/* Copy-on-write insertion of leaves, sorted ascending by vrf_output (KT_ERR_USAGE), none present (KT_ERR_CONFLICT); children
 * are put before their parents. KT_ERR_LIMIT when two keys share 255 bits. */
KT_MUST_USE enum kt_err prefix_insert(const struct prefix_store *store, struct kt_prefix_child root,
                                      const struct kt_prefix_leaf *leaves, size_t n_leaves,
                                      struct kt_prefix_child *ret_root);

#endif
