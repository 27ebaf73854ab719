/* SPDX-License-Identifier: Apache-2.0 */
/* The trees as the store and the cache keep them. */
#include <string.h>

#include "crypto/hash.h"
#include "log/engine.h"

void kt_log_nodes_init(struct kt_log_nodes *nodes, struct kt_store_conn *conn, const struct kt_log_cache *cache,
                       const struct kt_log_fresh *fresh)
{
  nodes->conn = conn;
  nodes->cache = cache;
  nodes->fresh = fresh;
  nodes->leaf_hashes = NULL;
  nodes->n_stored = 0;
  nodes->damaged_ref = 0;
  nodes->last_ref = 0;
  nodes->n_ahead = 0;
}

static const struct kt_log_fresh *find_fresh(const struct kt_log_nodes *nodes, uint64_t ref)
{
  const struct kt_log_fresh *fresh = nodes->fresh;
  while (fresh != NULL && fresh->pos != kt_store_ref_pos(ref)) {
    fresh = fresh->next;
  }
  return fresh;
}

/* From the store, and right: what lies below a quad has to lead to its own hash. */
static enum kt_err read_stored(const struct kt_log_nodes *nodes, uint64_t ref, struct kt_log_quad *ret_quad)
{
  const struct kt_log_below below = { nodes->conn, nodes->cache, nodes->leaf_hashes };
  uint8_t record[KT_LOG_NODE_LEN];
  uint64_t slots[KT_LOG_QUAD_SLOTS];
  struct kt_hash stored;
  struct kt_hash hash;
  enum kt_err err = kt_store_get_node(nodes->conn, ref, record);
  if (err != KT_OK) {
    return err;
  }
  kt_log_quad_decode(record, &stored, slots);
  err = kt_log_quad_expand(&below, slots, ret_quad);
  if (err == KT_OK) {
    kt_prefix_parent_hash(kt_log_quad_child_hash(ret_quad, 0), kt_log_quad_child_hash(ret_quad, 1), &hash);
    err = kt_hash_equal(&hash, &stored) ? KT_OK : KT_ERR_PROOF;
  }
  return err;
}

/* What is not found here is durable: everything that is not is fresh. So what was read may enter the cache. */
static enum kt_err read_quad(struct kt_log_nodes *nodes, uint64_t ref)
{
  const struct kt_log_fresh *fresh = find_fresh(nodes, ref);
  if (fresh != NULL) {
    uint64_t index = kt_store_ref_index(ref);
    if (index >= fresh->n_quads) {
      return KT_ERR_ABSENT;
    }
    nodes->last.quad = fresh->quads[index];
    return KT_OK;
  }
  if (nodes->cache != NULL && kt_log_cache_get_quad(nodes->cache, ref, &nodes->last)) {
    return KT_OK;
  }
  enum kt_err err = read_stored(nodes, ref, &nodes->last.quad);
  nodes->n_stored++;
  if (err == KT_OK && nodes->cache != NULL) {
    kt_log_cache_put_quad(nodes->cache, ref, &nodes->last.quad);
  }
  return err;
}

static enum kt_err damaged(struct kt_log_nodes *nodes, uint64_t ref)
{
  nodes->damaged_ref = ref;
  return KT_ERR_PROOF;
}

/* Into nodes->last. */
static enum kt_err load_quad(struct kt_log_nodes *nodes, uint64_t ref)
{
  if (nodes->last_ref == ref) {
    return KT_OK;
  }
  nodes->last_ref = 0; /* while `last` may be half written */
  enum kt_err err = read_quad(nodes, ref);
  if (err == KT_OK) {
    nodes->last_ref = ref;
  }
  if (err == KT_ERR_PROOF) {
    return damaged(nodes, ref);
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

enum kt_err kt_log_quad_get(struct kt_log_nodes *nodes, uint64_t ref, struct kt_log_quad *ret_quad)
{
  if (ref == KT_STORE_REF_PRUNED) {
    return KT_ERR_EXPIRED;
  }
  enum kt_err err = load_quad(nodes, ref);
  if (err == KT_OK) {
    *ret_quad = nodes->last.quad;
  }
  return err;
}

enum kt_err kt_log_quad_get_bound(struct kt_log_nodes *nodes, const struct kt_prefix_child *place,
                                  struct kt_log_quad *ret_quad)
{
  enum kt_err err = kt_log_quad_get(nodes, place->ref, ret_quad);
  return err == KT_OK && !kt_log_quad_leads_to(ret_quad, &place->hash) ? damaged(nodes, place->ref) : err;
}

enum kt_err kt_log_quad_path_get(struct kt_log_nodes *nodes, uint64_t ref, const struct kt_hash *key, unsigned depth,
                                 union kt_log_quad_words *ret_quad)
{
  if (nodes->cache != NULL && kt_log_cache_get_quad_path(nodes->cache, ref, key, depth, ret_quad)) {
    return KT_OK;
  }
  return kt_log_quad_get(nodes, ref, &ret_quad->quad);
}

enum kt_err kt_log_leaf_get(const struct kt_log_nodes *nodes, uint64_t ref, struct kt_prefix_leaf *ret_leaf)
{
  const struct kt_log_fresh *fresh = find_fresh(nodes, ref);
  if (fresh != NULL && kt_store_ref_index(ref) < fresh->n_leaves) {
    *ret_leaf = fresh->leaves[kt_store_ref_index(ref)];
    return KT_OK;
  }
  if (nodes->cache != NULL && kt_log_cache_get_leaf(nodes->cache, ref, ret_leaf)) {
    return KT_OK;
  }
  enum kt_err err = kt_log_leaf_read(nodes->conn, ref, ret_leaf);
  if (err == KT_OK && nodes->cache != NULL) {
    kt_log_cache_put_leaf(nodes->cache, ref, ret_leaf);
  }
  return err;
}

enum kt_err kt_log_leaf_get_bound(struct kt_log_nodes *nodes, const struct kt_prefix_child *place,
                                  struct kt_prefix_leaf *ret_leaf)
{
  struct kt_hash hash;
  enum kt_err err = kt_log_leaf_get(nodes, place->ref, ret_leaf);
  if (err == KT_OK) {
    kt_prefix_leaf_hash(ret_leaf, &hash);
    err = kt_hash_equal(&hash, &place->hash) ? KT_OK : damaged(nodes, place->ref);
  }
  return err;
}

enum kt_err kt_log_node_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  struct kt_log_nodes *nodes = ctx;
  if (ref == KT_STORE_REF_PRUNED) {
    return KT_ERR_EXPIRED;
  }
  if (kt_store_ref_is_leaf(ref)) {
    ret_node->is_leaf = true;
    return kt_log_leaf_get(nodes, ref, &ret_node->leaf);
  }
  enum kt_err err = load_quad(nodes, kt_log_ref_quad(ref));
  if (err == KT_OK) {
    kt_log_quad_node(&nodes->last.quad, ref, ret_node);
  }
  return err;
}

enum kt_err kt_log_prefix_root(struct kt_store_conn *conn, uint64_t n_entries, struct kt_prefix_child *ret_root)
{
  if (n_entries == 0) {
    *ret_root = (struct kt_prefix_child){ 0 };
    return KT_OK;
  }
  struct kt_store_entry entry;
  enum kt_err err = kt_store_get_entry(conn, n_entries - 1, &entry);
  if (err == KT_OK) {
    *ret_root = (struct kt_prefix_child){ .ref = entry.prefix_root_ref, .hash = entry.prefix_root };
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

enum kt_err kt_log_heads_at(struct kt_store_conn *conn, uint64_t size,
                            struct kt_hash ret_heads[static KT_LOG_SUBTREES_MAX])
{
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  size_t n = kt_log_full_subtrees(size, nodes);
  for (size_t i = 0; i < n; i++) {
    enum kt_err err = kt_store_get_log_node(conn, nodes[i].start, nodes[i].level, &heads[i]);
    if (err != KT_OK) {
      return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
    }
  }
  memcpy(ret_heads, heads, n * sizeof heads[0]);
  return KT_OK;
}
