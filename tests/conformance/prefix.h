/* SPDX-License-Identifier: Apache-2.0 */
/* A prefix tree in memory. */
#ifndef KT_CONFORMANCE_PREFIX_H
#define KT_CONFORMANCE_PREFIX_H

#include "conf.h"
#include "support/prefix_insert.h"

struct conf_tree {
  struct kt_prefix_node *stored; /* by reference */
  size_t cap;
  uint64_t n;
  struct prefix_store store; /* its context is this struct */
  struct kt_prefix_child root;
};

/* Insert leaves one after the other, as a log would. */
struct conf_tree *conf_tree(struct conf_case *c, const struct kt_prefix_leaf *leaves, size_t n);

#endif
