/* SPDX-License-Identifier: Apache-2.0 */
/* One log entry: prefix tree, log tree, rows (draft: Log Tree, Prefix Tree, Combined Tree). */
#include <stdlib.h>
#include <string.h>

#include "log/engine.h"
#include "wire/leaf.h"

/* An insertion makes binary nodes, children first, and only at the root it is known which of them are at even depth. So
 * they are gathered under references of their own, and made quads at the end. */
#define MADE ((uint64_t)1 << 63)

struct builder {
  struct kt_log_nodes nodes;
  uint64_t pos;
  const struct kt_prefix_leaf *leaves; /* of the entry, sorted */
  size_t n_leaves;
  size_t n_put; /* of them */
  struct kt_prefix_node *made;
  size_t n_made;
  size_t room;
  struct kt_log_quad *quads;
  uint8_t *records;
  size_t n_quads;
};

static enum kt_err builder_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  struct builder *builder = ctx;
  return kt_log_node_get(&builder->nodes, ref, ret_node);
}

/* Leaves are put in the order of their keys, which is the order they are stored in. */
static enum kt_err put_leaf(struct builder *builder, const struct kt_prefix_leaf *leaf, uint64_t *ret_ref)
{
  if (builder->n_put == builder->n_leaves || memcmp(leaf, &builder->leaves[builder->n_put], sizeof *leaf) != 0) {
    return KT_ERR_STORE;
  }
  *ret_ref = kt_store_leaf_ref(builder->pos, builder->n_put++);
  return KT_OK;
}

static enum kt_err builder_put(void *ctx, const struct kt_prefix_node *node, uint64_t *ret_ref)
{
  struct builder *builder = ctx;
  if (node->is_leaf) {
    return put_leaf(builder, &node->leaf, ret_ref);
  }
  if (builder->n_made == builder->room) {
    size_t room = builder->room == 0 ? 256 : 2 * builder->room;
    struct kt_prefix_node *made = realloc(builder->made, room * sizeof *made);
    if (made == NULL) {
      return KT_ERR_MEMORY;
    }
    builder->made = made;
    builder->room = room;
  }
  *ret_ref = MADE | builder->n_made;
  builder->made[builder->n_made++] = *node;
  return KT_OK;
}

/* --- quads ------------------------------------------------------------------------------------------------------------ */

static enum kt_err make_quad(struct builder *builder, const struct kt_prefix_child *at, uint64_t *ret_ref);

/* Child c of a quad, and the two slots below it. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static enum kt_err fill_child(struct builder *builder, const struct kt_prefix_child *child, size_t c,
                              struct kt_log_quad *quad)
{
  struct kt_prefix_node node;
  uint64_t *slot = &quad->slot[2 * c];
  if (child->ref == 0) {
    return KT_OK;
  }
  quad->child_hash[c] = child->hash;
  if ((child->ref & MADE) == 0 && kt_store_ref_is_leaf(child->ref)) {
    slot[0] = child->ref;
    slot[1] = KT_LOG_SLOT_LEAF;
    return KT_OK;
  }
  enum kt_err err = KT_OK;
  if ((child->ref & MADE) != 0) {
    node = builder->made[child->ref & ~MADE];
  } else {
    err = kt_log_node_get(&builder->nodes, child->ref, &node);
  }
  for (size_t i = 0; err == KT_OK && i < 2; i++) {
    slot[i] = node.child[i].ref;
    quad->slot_hash[2 * c + i] = node.child[i].hash;
    if ((slot[i] & MADE) != 0) {
      err = make_quad(builder, &node.child[i], &slot[i]);
    }
  }
  return err;
}

/* The quad of a new parent at even depth, and those below it: a quad comes before what is under it, so a path is mostly in
 * one row. Depth is bounded by the tree's. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static enum kt_err make_quad(struct builder *builder, const struct kt_prefix_child *at, uint64_t *ret_ref)
{
  const struct kt_prefix_node node = builder->made[at->ref & ~MADE];
  size_t index = builder->n_quads++;
  if (index == KT_STORE_NODES_MAX) {
    return KT_ERR_LIMIT;
  }
  struct kt_log_quad *quad = &builder->quads[index];
  enum kt_err err = fill_child(builder, &node.child[0], 0, quad);
  if (err == KT_OK) {
    err = fill_child(builder, &node.child[1], 1, quad);
  }
  if (err == KT_OK) {
    kt_log_quad_encode(&at->hash, quad->slot, builder->records + index * KT_LOG_NODE_LEN);
    *ret_ref = kt_store_node_ref(builder->pos, index);
  }
  return err;
}

/* All new parents as quads; the root gets its lasting reference. */
static enum kt_err make_quads(struct builder *builder, struct kt_prefix_child *root)
{
  if ((root->ref & MADE) == 0) { /* a tree of one leaf */
    return KT_OK;
  }
  builder->quads = calloc(builder->n_made, sizeof *builder->quads);
  builder->records = calloc(builder->n_made, KT_LOG_NODE_LEN);
  if (builder->quads == NULL || builder->records == NULL) {
    return KT_ERR_MEMORY;
  }
  return make_quad(builder, root, &root->ref);
}

/* --- fresh entries ------------------------------------------------------------------------------------------------------ */

static void fresh_free(struct kt_log_fresh *fresh)
{
  free(fresh->leaves);
  free(fresh->quads);
  free(fresh);
}

/* Takes the builder's quads. */
static enum kt_err fresh_add(struct kt_log *log, struct builder *builder)
{
  struct kt_log_fresh *fresh = calloc(1, sizeof *fresh);
  struct kt_prefix_leaf *leaves = malloc(builder->n_leaves * sizeof *leaves);
  if (fresh == NULL || leaves == NULL) {
    free(fresh);
    free(leaves);
    return KT_ERR_MEMORY;
  }
  memcpy(leaves, builder->leaves, builder->n_leaves * sizeof *leaves);
  *fresh = (struct kt_log_fresh){ .next = log->fresh,
                                  .pos = builder->pos,
                                  .leaves = leaves,
                                  .n_leaves = builder->n_leaves,
                                  .quads = builder->quads,
                                  .n_quads = builder->n_quads };
  builder->quads = NULL;
  log->fresh = fresh;
  return KT_OK;
}

void kt_log_fresh_publish(struct kt_log *log)
{
  for (const struct kt_log_fresh *fresh = log->fresh; fresh != NULL; fresh = fresh->next) {
    kt_log_cache_put_entry(&log->cache, fresh->pos, &fresh->entry);
    for (unsigned level = 0; level < fresh->n_log_nodes; level++) {
      uint64_t start = fresh->pos + 1 - ((uint64_t)1 << level);
      kt_log_cache_put_log_node(&log->cache, start, level, &fresh->log_nodes[level]);
    }
    for (size_t i = 0; i < fresh->n_quads; i++) {
      kt_log_cache_put_quad(&log->cache, kt_store_node_ref(fresh->pos, i), &fresh->quads[i]);
    }
    for (size_t i = 0; i < fresh->n_leaves; i++) {
      kt_log_cache_put_leaf(&log->cache, kt_store_leaf_ref(fresh->pos, i), &fresh->leaves[i]);
    }
  }
  kt_log_fresh_drop(log);
}

void kt_log_fresh_drop(struct kt_log *log)
{
  while (log->fresh != NULL) {
    struct kt_log_fresh *next = log->fresh->next;
    fresh_free(log->fresh);
    log->fresh = next;
  }
}

/* --- the entry ---------------------------------------------------------------------------------------------------------- */

static int compare_items(const void *a, const void *b)
{
  const struct kt_log_draft_item *const *x = a;
  const struct kt_log_draft_item *const *y = b;
  return memcmp((*x)->leaf.vrf_output.b, (*y)->leaf.vrf_output.b, KT_HASH_LEN);
}

static void sort_leaves(struct kt_log_entry_draft *draft)
{
  for (size_t i = 0; i < draft->n; i++) {
    draft->sorted[i] = &draft->items[i];
  }
  /* NOLINTNEXTLINE(bugprone-sizeof-expression): it is pointers that are sorted */
  qsort(draft->sorted, draft->n, sizeof draft->sorted[0], compare_items);
  for (size_t i = 0; i < draft->n; i++) {
    draft->sorted[i]->place = (uint32_t)i;
    draft->leaves[i] = draft->sorted[i]->leaf;
  }
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
    draft->items[draft->n++] = (struct kt_log_draft_item){ .leaf = leaf };
  }
  return err;
}

static enum kt_err put_tree(struct kt_log *log, struct builder *builder, struct kt_log_tip *tip)
{
  const struct kt_prefix_nodes nodes = { .ctx = builder, .get = builder_get, .put = builder_put };
  enum kt_err err = kt_prefix_insert(&nodes, tip->prefix_root, builder->leaves, builder->n_leaves, &tip->prefix_root);
  if (err == KT_OK) {
    err = make_quads(builder, &tip->prefix_root);
  }
  if (err == KT_OK) {
    err = kt_store_put_nodes(log->writer, builder->pos, builder->records, builder->n_quads);
  }
  /* Without a cache the writer reads its own rows. */
  return err == KT_OK && log->options.cache_bytes > 0 ? fresh_add(log, builder) : err;
}

static enum kt_err put_entry(struct kt_log *log, const struct builder *builder, uint64_t now_ms, struct kt_log_tip *tip)
{
  struct kt_hash log_nodes[KT_LOG_SUBTREES_MAX];
  struct kt_hash leaf;
  /* "users verify that any given timestamp is greater than or equal to all observed timestamps to its left": whatever
   * the clock does. */
  tip->timestamp_ms = now_ms > tip->timestamp_ms ? now_ms : tip->timestamp_ms;
  kt_log_entry_hash(tip->timestamp_ms, &tip->prefix_root.hash, &leaf);
  size_t n = append(tip, &leaf, log_nodes);
  const struct kt_store_entry entry = { .timestamp_ms = tip->timestamp_ms,
                                        .prefix_root = tip->prefix_root.hash,
                                        .prefix_root_ref = tip->prefix_root.ref };
  if (log->fresh != NULL) { /* put_tree began it, unless there is no cache */
    log->fresh->entry = entry;
    memcpy(log->fresh->log_nodes, log_nodes, n * sizeof log_nodes[0]);
    log->fresh->n_log_nodes = n;
  }
  return kt_store_put_entry(log->writer, builder->pos, &entry,
                            (struct kt_bytes){ builder->leaves[0].vrf_output.b, builder->n_leaves * KT_STORE_LEAF_LEN },
                            (struct kt_bytes){ log_nodes[0].b, n * KT_HASH_LEN });
}

/* In the order they came: new labels have ascending ids, so their rows are appended and pages stay full. */
static enum kt_err put_versions(struct kt_store_conn *writer, uint64_t pos, const struct kt_log_entry_draft *draft)
{
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < draft->n; i++) {
    const struct kt_log_draft_item *item = &draft->items[i];
    if (item->new_version != NULL) {
      const struct kt_store_version data = { .pos = pos, .leaf = item->place };
      struct kt_store_payload payload = { .value = item->new_version->value, .suffix = item->new_version->suffix };
      memcpy(payload.opening, item->new_version->opening, sizeof payload.opening);
      err = kt_store_put_version(writer, item->label_id, item->version, &data, &payload);
    }
  }
  return err;
}

enum kt_err kt_log_entry_put(struct kt_log *log, struct kt_log_entry_draft *draft, uint64_t now_ms,
                             struct kt_log_tip *tip)
{
  struct builder builder = { .pos = tip->size, .leaves = draft->leaves, .n_leaves = draft->n };
  struct kt_log_tip next = *tip;
  sort_leaves(draft);
  kt_log_nodes_init(&builder.nodes, log->writer, &log->cache, log->fresh);
  enum kt_err err = put_tree(log, &builder, &next);
  if (err == KT_OK) {
    err = put_entry(log, &builder, now_ms, &next);
  }
  if (err == KT_OK) {
    err = put_versions(log->writer, builder.pos, draft);
  }
  free(builder.made);
  free(builder.quads);
  free(builder.records);
  if (err == KT_OK) {
    *tip = next;
    draft->n = 0;
  }
  return err;
}
