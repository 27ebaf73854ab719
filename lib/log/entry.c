/* SPDX-License-Identifier: Apache-2.0 */
/* One log entry: prefix tree, log tree, rows (draft: Log Tree, Prefix Tree, Combined Tree). */
#include <stdlib.h>
#include <string.h>

#include "log/engine.h"
#include "wire/leaf.h"

/* Nodes an insertion makes, in order; the index in the list is part of their reference. */
struct builder {
  struct kt_store_conn *writer;
  uint64_t pos;
  uint8_t *records;
  uint64_t n;
  uint64_t room;
};

static enum kt_err builder_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  const struct builder *builder = ctx;
  return kt_log_node_get(builder->writer, ref, ret_node);
}

static enum kt_err builder_put(void *ctx, const struct kt_prefix_node *node, uint64_t *ret_ref)
{
  struct builder *builder = ctx;
  if (builder->n == KT_STORE_NODES_MAX) {
    return KT_ERR_LIMIT;
  }
  if (builder->n == builder->room) {
    uint64_t room = builder->room == 0 ? 256 : 2 * builder->room;
    uint8_t *records = realloc(builder->records, (size_t)room * KT_LOG_NODE_LEN);
    if (records == NULL) {
      return KT_ERR_MEMORY;
    }
    builder->records = records;
    builder->room = room;
  }
  kt_log_node_encode(node, builder->records + builder->n * KT_LOG_NODE_LEN);
  *ret_ref = kt_store_node_ref(builder->pos, builder->n++);
  return KT_OK;
}

static int compare_leaves(const void *a, const void *b)
{
  const struct kt_prefix_leaf *x = a;
  const struct kt_prefix_leaf *y = b;
  return memcmp(x->vrf_output.b, y->vrf_output.b, KT_HASH_LEN);
}

/* Append to the log tree; ret_nodes gets the heads of all balanced subtrees that the new leaf completes, by level. */
static size_t append(struct kt_log_tip *tip, const struct kt_hash *leaf,
                     struct kt_hash ret_nodes[static KT_LOG_SUBTREES_MAX])
{
  size_t n_heads = (size_t)__builtin_popcountll(tip->size);
  size_t n = 0;
  ret_nodes[n++] = *leaf;
  for (uint64_t bits = tip->size; (bits & 1) != 0; bits >>= 1) {
    kt_log_parent_hash(&tip->heads[--n_heads], n == 1, &ret_nodes[n - 1], n == 1, &ret_nodes[n]);
    n++;
  }
  tip->heads[n_heads] = ret_nodes[n - 1];
  tip->size++;
  return n;
}

enum kt_err kt_log_entry_pad(const struct kt_log_options *options, struct kt_log_entry_draft *draft)
{
  struct kt_prefix_leaf leaf;
  enum kt_err err = options->random(options->ctx, leaf.vrf_output.b, KT_HASH_LEN);
  if (err == KT_OK) {
    err = options->random(options->ctx, leaf.commitment.b, KT_HASH_LEN);
  }
  if (err == KT_OK) {
    draft->leaves[draft->n++] = leaf;
  }
  return err;
}

static enum kt_err put(struct builder *builder, const struct kt_log_entry_draft *draft, uint64_t now_ms,
                       struct kt_log_tip *tip)
{
  const struct kt_prefix_nodes nodes = { .ctx = builder, .get = builder_get, .put = builder_put };
  struct kt_hash log_nodes[KT_LOG_SUBTREES_MAX];
  struct kt_hash leaf;
  enum kt_err err = kt_prefix_insert(&nodes, tip->prefix_root, draft->leaves, draft->n, &tip->prefix_root);
  if (err == KT_OK) {
    err = kt_store_put_nodes(builder->writer, builder->pos, builder->records, builder->n);
  }
  if (err != KT_OK) {
    return err;
  }
  /* "users verify that any given timestamp is greater than or equal to all observed timestamps to its left": whatever
   * the clock does. */
  tip->timestamp_ms = now_ms > tip->timestamp_ms ? now_ms : tip->timestamp_ms;
  kt_log_entry_hash(tip->timestamp_ms, &tip->prefix_root.hash, &leaf);
  size_t n = append(tip, &leaf, log_nodes);
  const struct kt_store_entry entry = { .timestamp_ms = tip->timestamp_ms,
                                        .prefix_root = tip->prefix_root.hash,
                                        .prefix_root_ref = tip->prefix_root.ref };
  return kt_store_put_entry(builder->writer, builder->pos, &entry,
                            (struct kt_bytes){ draft->leaves[0].vrf_output.b, draft->n * KT_STORE_LEAF_LEN },
                            (struct kt_bytes){ log_nodes[0].b, n * KT_HASH_LEN });
}

enum kt_err kt_log_entry_put(struct kt_store_conn *writer, struct kt_log_entry_draft *draft, uint64_t now_ms,
                             struct kt_log_tip *tip)
{
  struct builder builder = { .writer = writer, .pos = tip->size };
  struct kt_log_tip next = *tip;
  qsort(draft->leaves, draft->n, sizeof draft->leaves[0], compare_leaves);
  enum kt_err err = put(&builder, draft, now_ms, &next);
  free(builder.records);
  if (err == KT_OK) {
    *tip = next;
    draft->n = 0;
  }
  return err;
}
