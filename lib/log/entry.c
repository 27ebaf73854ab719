/* SPDX-License-Identifier: Apache-2.0 */
/* One log entry: prefix tree, log tree, rows (draft: Log Tree, Prefix Tree, Combined Tree). */
#include <stdlib.h>
#include <string.h>

#include "log/grow.h"

/* --- fresh entries ------------------------------------------------------------------------------------------------ */

/* A large one is a megabyte of pages that the kernel would have to clear each time. */
static struct kt_log_fresh *fresh_take(struct kt_log *log)
{
  struct kt_log_fresh *fresh = log->spare;
  if (fresh == NULL) {
    return malloc(sizeof *fresh);
  }
  log->spare = fresh->next;
  return fresh;
}

static void fresh_give_back(struct kt_log *log, struct kt_log_fresh *fresh)
{
  fresh->next = log->spare;
  log->spare = fresh;
}

#define PUBLISH_AHEAD 6 /* the memory of so many places is on its way at once */

static void publish_quads(const struct kt_log *log, const struct kt_log_fresh *fresh)
{
  for (size_t i = 0; i < fresh->n_quads; i++) {
    kt_word_cache_prefetch_set(&log->cache.quads, kt_store_node_ref(fresh->pos, i + PUBLISH_AHEAD));
    kt_log_cache_put_quad(&log->cache, kt_store_node_ref(fresh->pos, i), &fresh->quads[i]);
  }
  for (size_t i = 0; i < fresh->n_leaves; i++) {
    kt_log_cache_put_leaf(&log->cache, kt_store_leaf_ref(fresh->pos, i), &fresh->leaves[i]);
  }
}

/* A commit of several entries is one of an import. Each of them replaces as many quads as it brings, nearly, and nobody
 * looked at most of those: without this, trees of the past would drive the newest one out of the cache, and every
 * insertion would read the database. */
static void forget_replaced(const struct kt_log *log)
{
  for (const struct kt_log_fresh *fresh = log->fresh; fresh != NULL; fresh = fresh->next) {
    for (size_t i = 0; i < fresh->n_replaced; i++) {
      kt_log_cache_drop_quad(&log->cache, fresh->replaced[i]);
    }
  }
}

void kt_log_fresh_publish(struct kt_log *log)
{
  bool is_import = log->fresh != NULL && log->fresh->next != NULL;
  for (const struct kt_log_fresh *fresh = log->fresh; fresh != NULL; fresh = fresh->next) {
    kt_log_cache_put_entry(&log->cache, fresh->pos, &fresh->entry);
    for (unsigned level = 0; level < fresh->n_log_nodes; level++) {
      uint64_t start = fresh->pos + 1 - ((uint64_t)1 << level);
      kt_log_cache_put_log_node(&log->cache, start, level, &fresh->log_nodes[level]);
    }
    publish_quads(log, fresh);
  }
  if (is_import) {
    forget_replaced(log);
  }
  kt_log_fresh_drop(log);
}

void kt_log_fresh_drop(struct kt_log *log)
{
  while (log->fresh != NULL) {
    struct kt_log_fresh *fresh = log->fresh;
    log->fresh = fresh->next;
    fresh_give_back(log, fresh);
  }
}

void kt_log_fresh_free(struct kt_log *log)
{
  kt_log_fresh_drop(log);
  while (log->spare != NULL) {
    struct kt_log_fresh *next = log->spare->next;
    free(log->spare);
    log->spare = next;
  }
}

/* --- the entry ---------------------------------------------------------------------------------------------------- */

static int compare_items(const void *a, const void *b)
{
  const struct kt_log_draft_item *const *x = a;
  const struct kt_log_draft_item *const *y = b;
  return memcmp((*x)->leaf.vrf_output.b, (*y)->leaf.vrf_output.b, KT_HASH_LEN);
}

static void sort_leaves(struct kt_log_entry_draft *draft, struct kt_log_fresh *fresh)
{
  for (size_t i = 0; i < draft->n; i++) {
    draft->sorted[i] = &draft->items[i];
  }
  /* NOLINTNEXTLINE(bugprone-sizeof-expression): it is pointers that are sorted */
  qsort(draft->sorted, draft->n, sizeof draft->sorted[0], compare_items);
  for (size_t i = 0; i < draft->n; i++) {
    draft->sorted[i]->place = (uint32_t)i;
    fresh->leaves[i] = draft->sorted[i]->leaf;
  }
  fresh->n_leaves = draft->n;
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

static enum kt_err put_tree(struct kt_log *log, struct kt_log_fresh *fresh, struct kt_log_tip *tip)
{
  struct kt_log_nodes nodes;
  kt_log_nodes_init(&nodes, log->writer, &log->cache, log->fresh);
  enum kt_err err = kt_log_grow(&nodes, fresh, &tip->prefix_root);
  log->damaged_ref = nodes.damaged_ref;
  return err == KT_OK ? kt_store_put_nodes(log->writer, fresh->pos, fresh->records, fresh->n_quads) : err;
}

static enum kt_err put_entry(const struct kt_log *log, struct kt_log_fresh *fresh, uint64_t now_ms,
                             struct kt_log_tip *tip)
{
  struct kt_hash leaf;
  /* "users verify that any given timestamp is greater than or equal to all observed timestamps to its left": whatever
   * the clock does. */
  tip->timestamp_ms = now_ms > tip->timestamp_ms ? now_ms : tip->timestamp_ms;
  kt_log_entry_hash(tip->timestamp_ms, &tip->prefix_root.hash, &leaf);
  fresh->n_log_nodes = append(tip, &leaf, fresh->log_nodes);
  fresh->entry = (struct kt_store_entry){ .timestamp_ms = tip->timestamp_ms,
                                          .prefix_root = tip->prefix_root.hash,
                                          .prefix_root_ref = tip->prefix_root.ref };
  return kt_store_put_entry(log->writer, fresh->pos, &fresh->entry,
                            (struct kt_bytes){ fresh->leaves[0].vrf_output.b, fresh->n_leaves * KT_STORE_LEAF_LEN },
                            (struct kt_bytes){ fresh->log_nodes[0].b, fresh->n_log_nodes * KT_HASH_LEN });
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
  struct kt_log_tip next = *tip;
  struct kt_log_fresh *fresh = fresh_take(log);
  if (fresh == NULL) {
    return KT_ERR_MEMORY;
  }
  fresh->pos = tip->size;
  sort_leaves(draft, fresh);
  enum kt_err err = put_tree(log, fresh, &next);
  if (err == KT_OK) {
    err = put_entry(log, fresh, now_ms, &next);
  }
  if (err == KT_OK) {
    err = put_versions(log->writer, fresh->pos, draft);
  }
  if (err != KT_OK) {
    fresh_give_back(log, fresh);
    return err;
  }
  if (log->options.cache_bytes > 0) {
    fresh->next = log->fresh;
    log->fresh = fresh;
  } else { /* the writer reads its own rows */
    fresh_give_back(log, fresh);
  }
  *tip = next;
  draft->n = 0;
  return KT_OK;
}
