/* SPDX-License-Identifier: Apache-2.0 */
#include "toy_audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "toy_naive.h"
#include "tree/ibst.h"
#include "tree/log_tree.h"

static void write_nodes(struct kt_writer *w, const struct toy_log *log, const struct kt_log_node *nodes, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    struct kt_hash value;
    toy_naive_subtree(log, nodes[i].start, nodes[i].level, &value);
    kt_write_bytes(w, value.b, KT_HASH_LEN);
  }
}

static void write_copath(struct kt_writer *w, const struct toy_log *log, const struct kt_log_request *request,
                         struct kt_arena *arena)
{
  struct kt_log_node *nodes = NULL;
  size_t n = 0;
  assert_int_equal(kt_log_copath(request, arena, &nodes, &n), KT_OK);
  kt_write_count16(w, n);
  write_nodes(w, log, nodes, n);
}

void toy_consistency_write(struct kt_writer *w, const struct toy_log *log, uint64_t old_size, struct kt_arena *arena)
{
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  size_t n = kt_log_full_subtrees(old_size, nodes);
  const struct kt_log_request request = { .size = log->size, .retained_size = old_size };
  kt_write_count8(w, n);
  write_nodes(w, log, nodes, n);
  write_copath(w, log, &request, arena);
}

void toy_audit_state_write(struct kt_writer *w, const struct toy_log *log, struct kt_arena *arena)
{
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  size_t n = kt_log_full_subtrees(log->size, nodes);
  size_t n_frontier = kt_ibst_frontier(log->size, frontier);
  const struct kt_log_request request = {
    .size = log->size, .leaves = frontier, .n_leaves = n_frontier, .retained_size = log->size
  };
  kt_write_u64(w, log->size);
  kt_write_count8(w, n);
  write_nodes(w, log, nodes, n);
  kt_write_count8(w, n_frontier);
  for (size_t i = 0; i < n_frontier; i++) {
    kt_write_u64(w, log->timestamps[frontier[i]]);
    kt_write_bytes(w, log->prefix_roots[frontier[i]].hash.b, KT_HASH_LEN);
  }
  write_copath(w, log, &request, arena);
}

static void feed_leaves(size_t i, struct kt_prefix_leaf ret_leaves[static TOY_FEED_LEAVES])
{
  for (size_t k = 0; k < TOY_FEED_LEAVES; k++) {
    memset(&ret_leaves[k], 0, sizeof ret_leaves[k]);
    ret_leaves[k].vrf_output.b[0] = (uint8_t)(0x50 * k + 0x11 * i);
    ret_leaves[k].commitment.b[0] = (uint8_t)(i + 1);
  }
}

void toy_feed_update(struct toy_log *log, struct kt_prefix_child *root, size_t i,
                     struct kt_prefix_leaf leaves[static TOY_FEED_LEAVES + 1], struct kt_arena *arena,
                     struct kt_auditor_update *ret_update)
{
  struct kt_hash keys[TOY_FEED_LEAVES + 1];
  const size_t n = TOY_FEED_LEAVES;
  const size_t n_removed = i == TOY_FEED_LEN - 1 ? 1 : 0;
  feed_leaves(i, leaves);
  if (n_removed > 0) {
    struct kt_prefix_leaf first[TOY_FEED_LEAVES];
    feed_leaves(0, first);
    leaves[n] = first[0];
  }
  for (size_t k = 0; k < n + n_removed; k++) {
    keys[k] = leaves[k].vrf_output;
  }
  *ret_update = (struct kt_auditor_update){
    .timestamp = 1000 + 10 * i, .added = leaves, .n_added = n, .removed = leaves + n, .n_removed = n_removed
  };
  assert_int_equal(kt_prefix_prove(&log->source.prefix_nodes, *root, keys, n + n_removed, arena, &ret_update->proof),
                   KT_OK);
  toy_log_insert(log, *root, leaves, n, root);
}
