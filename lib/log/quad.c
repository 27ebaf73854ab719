/* SPDX-License-Identifier: Apache-2.0 */
#include "log/quad.h"

#include <string.h>

#include "crypto/hash.h"
#include "log/cache.h"
#include "log/leaf_hashes.h"

_Static_assert(KT_LOG_NODE_LEN == KT_HASH_LEN + KT_LOG_QUAD_SLOTS * KT_LOG_SLOT_LEN, "a record is a hash and slots");
_Static_assert(sizeof(struct kt_prefix_leaf) == KT_STORE_LEAF_LEN, "leaves are stored as they are");
_Static_assert(KT_STORE_REF_BITS == 48 && KT_LOG_SLOT_LEN * 8 == KT_STORE_REF_BITS, "a slot holds a reference");

/* --- records ------------------------------------------------------------------------------------------------------ */

void kt_log_quad_encode(const struct kt_hash *hash, const uint64_t slots[static KT_LOG_QUAD_SLOTS],
                        uint8_t ret_record[static KT_LOG_NODE_LEN])
{
  uint8_t *at = ret_record + KT_HASH_LEN;
  memcpy(ret_record, hash->b, KT_HASH_LEN);
  for (size_t i = 0; i < KT_LOG_QUAD_SLOTS; i++) {
    for (unsigned byte = KT_LOG_SLOT_LEN; byte-- > 0;) {
      *at++ = (uint8_t)(slots[i] >> (8 * byte));
    }
  }
}

void kt_log_quad_decode(const uint8_t record[static KT_LOG_NODE_LEN], struct kt_hash *ret_hash,
                        uint64_t ret_slots[static KT_LOG_QUAD_SLOTS])
{
  const uint8_t *at = record + KT_HASH_LEN;
  memcpy(ret_hash->b, record, KT_HASH_LEN);
  for (size_t i = 0; i < KT_LOG_QUAD_SLOTS; i++) {
    uint64_t slot = 0;
    for (unsigned byte = 0; byte < KT_LOG_SLOT_LEN; byte++) {
      slot = slot << 8 | *at++;
    }
    ret_slots[i] = slot;
  }
}

/* --- in memory ---------------------------------------------------------------------------------------------------- */

enum kt_err kt_log_leaf_read(struct kt_store_conn *conn, uint64_t ref, struct kt_prefix_leaf *ret_leaf)
{
  uint8_t bytes[KT_STORE_LEAF_LEN];
  enum kt_err err = kt_store_get_leaf(conn, ref, bytes);
  if (err == KT_OK) {
    memcpy(ret_leaf, bytes, sizeof bytes);
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

enum kt_err kt_log_stored_hash(struct kt_store_conn *conn, uint64_t ref, struct kt_hash *ret_hash)
{
  uint8_t record[KT_LOG_NODE_LEN];
  uint8_t bytes[KT_STORE_LEAF_LEN];
  struct kt_prefix_leaf leaf;
  const bool is_leaf = kt_store_ref_is_leaf(ref);
  enum kt_err err = is_leaf ? kt_store_get_leaf(conn, ref, bytes) : kt_store_get_node(conn, ref, record);
  if (err == KT_OK && is_leaf) {
    memcpy(&leaf, bytes, sizeof bytes);
    kt_prefix_leaf_hash(&leaf, ret_hash);
  } else if (err == KT_OK) {
    memcpy(ret_hash->b, record, KT_HASH_LEN);
  }
  return err;
}

static enum kt_err leaf_hash_of(const struct kt_log_below *below, uint64_t ref, struct kt_hash *ret_hash)
{
  struct kt_prefix_leaf leaf;
  enum kt_err err = KT_OK;
  if (below->leaf_hashes != NULL && kt_log_leaf_hashes_get(below->leaf_hashes, ref, ret_hash)) {
    return KT_OK;
  }
  if (below->cache == NULL || !kt_log_cache_get_leaf(below->cache, ref, &leaf)) {
    err = kt_log_leaf_read(below->conn, ref, &leaf);
    if (err == KT_OK && below->cache != NULL) {
      kt_log_cache_put_leaf(below->cache, ref, &leaf);
    }
  }
  if (err == KT_OK) {
    kt_prefix_leaf_hash(&leaf, ret_hash);
  }
  return err;
}

/* To hash what is in the cache takes less than to read the record. */
static enum kt_err quad_hash_of(const struct kt_log_below *below, uint64_t ref, struct kt_hash *ret_hash)
{
  uint8_t record[KT_LOG_NODE_LEN];
  union kt_log_quad_words words;
  if (below->cache != NULL && kt_log_cache_get_quad(below->cache, ref, &words)) {
    kt_prefix_parent_hash(kt_log_quad_child_hash(&words.quad, 0), kt_log_quad_child_hash(&words.quad, 1), ret_hash);
    return KT_OK;
  }
  enum kt_err err = kt_store_get_node(below->conn, ref, record);
  if (err == KT_OK) {
    memcpy(ret_hash->b, record, KT_HASH_LEN);
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

static enum kt_err hash_of(const struct kt_log_below *below, uint64_t ref, struct kt_hash *ret_hash)
{
  if (ref == 0) {
    memset(ret_hash->b, 0, KT_HASH_LEN);
    return KT_OK;
  }
  return kt_store_ref_is_leaf(ref) ? leaf_hash_of(below, ref, ret_hash) : quad_hash_of(below, ref, ret_hash);
}

/* The child's hashes from its slots. */
static enum kt_err expand_child(const struct kt_log_below *below, struct kt_log_half *half, struct kt_hash *ret_hash)
{
  const uint64_t *slot = half->slot;
  if (slot[0] == 0 && slot[1] == 0) {
    return KT_OK;
  }
  if (slot[1] == KT_LOG_SLOT_LEAF) {
    return kt_store_ref_is_leaf(slot[0]) ? hash_of(below, slot[0], ret_hash) : KT_ERR_STORE;
  }
  enum kt_err err = hash_of(below, slot[0], &half->slot_hash0);
  if (err == KT_OK) {
    err = hash_of(below, slot[1], &half->slot_hash1);
  }
  if (err == KT_OK) {
    kt_prefix_parent_hash(&half->slot_hash0, &half->slot_hash1, ret_hash);
  }
  return err;
}

enum kt_err kt_log_quad_expand(const struct kt_log_below *below, const uint64_t slots[static KT_LOG_QUAD_SLOTS],
                               struct kt_log_quad *ret_quad)
{
  struct kt_log_quad quad = { .half = { { .slot = { slots[0], slots[1] } }, { .slot = { slots[2], slots[3] } } } };
  enum kt_err err = KT_OK;
  for (size_t c = 0; err == KT_OK && c < 2; c++) {
    err = expand_child(below, &quad.half[c], kt_log_quad_child_hash(&quad, c));
  }
  if (err == KT_OK) {
    *ret_quad = quad;
  }
  return err;
}

/* Nothing, or a leaf that has no children? */
static bool is_childless(const struct kt_log_half *half)
{
  return half->slot[1] == KT_LOG_SLOT_LEAF || (half->slot[0] == 0 && half->slot[1] == 0);
}

void kt_log_quad_step(const struct kt_log_quad *quad, const struct kt_hash *key, unsigned depth,
                      struct kt_prefix_step *step, uint64_t *ret_ref)
{
  const struct kt_log_half *half = &quad->half[kt_prefix_bit(key, depth)];
  int side = kt_prefix_bit(key, depth + 1);
  step->sibling[0] = half->beside;
  step->n_levels = is_childless(half) ? 1 : 2;
  if (step->n_levels == 2) {
    step->sibling[1] = side == 0 ? half->slot_hash1 : half->slot_hash0;
  }
  *ret_ref = half->slot[step->n_levels == 1 ? 0 : side];
}

static bool half_leads_to(const struct kt_log_half *half, const struct kt_hash *hash)
{
  struct kt_hash parent;
  if (half->slot[1] == KT_LOG_SLOT_LEAF) {
    return true;
  }
  if (is_childless(half)) {
    return kt_hash_is_zero(hash);
  }
  kt_prefix_parent_hash(&half->slot_hash0, &half->slot_hash1, &parent);
  return kt_hash_equal(&parent, hash) && (half->slot[0] != 0 || kt_hash_is_zero(&half->slot_hash0)) &&
         (half->slot[1] != 0 || kt_hash_is_zero(&half->slot_hash1));
}

bool kt_log_quad_leads_to(const struct kt_log_quad *quad, const struct kt_hash *hash)
{
  const struct kt_hash *child0 = &quad->half[1].beside;
  const struct kt_hash *child1 = &quad->half[0].beside;
  struct kt_hash top;
  kt_prefix_parent_hash(child0, child1, &top);
  return kt_hash_equal(&top, hash) && half_leads_to(&quad->half[0], child0) && half_leads_to(&quad->half[1], child1);
}

void kt_log_quad_node(const struct kt_log_quad *quad, uint64_t ref, struct kt_prefix_node *ret_node)
{
  unsigned side = kt_log_ref_side(ref);
  ret_node->is_leaf = false;
  if (side != KT_LOG_SIDE_TOP) {
    const struct kt_log_half *half = &quad->half[side - KT_LOG_SIDE_CHILD0];
    ret_node->child[0] = (struct kt_prefix_child){ .ref = half->slot[0], .hash = half->slot_hash0 };
    ret_node->child[1] = (struct kt_prefix_child){ .ref = half->slot[1], .hash = half->slot_hash1 };
    return;
  }
  for (size_t c = 0; c < 2; c++) {
    const struct kt_log_half *half = &quad->half[c];
    ret_node->child[c].hash = quad->half[1 - c].beside;
    ret_node->child[c].ref =
        is_childless(half) ? half->slot[0] : kt_log_ref_with_side(ref, (unsigned)(KT_LOG_SIDE_CHILD0 + c));
  }
}
