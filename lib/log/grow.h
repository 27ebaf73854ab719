/* SPDX-License-Identifier: Apache-2.0 */
/* The leaves of one entry into the prefix tree, quad by quad (draft: Prefix Tree). Each quad on the leaves' paths
 * is read once, changed, hashed, and encoded. tests/support/prefix_insert.h does the same with binary nodes. */
#ifndef KT_LOG_GROW_H
#define KT_LOG_GROW_H

#include "log/engine.h"

/* fresh has the entry's position and its leaves, sorted ascending by vrf_output (KT_ERR_USAGE), none of them present
 * (KT_ERR_CONFLICT). KT_ERR_PROOF: what is there is not the tree of that root. It gets the new quads with their records, a
 * quad before what is under it, and the references of the quads that are not in the new tree any more. nodes reads the tree
 * whose root is replaced. After a failure only fresh is changed. */
KT_MUST_USE enum kt_err kt_log_grow(struct kt_log_nodes *nodes, struct kt_log_fresh *fresh,
                                    struct kt_prefix_child *root);

#endif
