/* SPDX-License-Identifier: Apache-2.0 */
#include "log/quad.h"

#include <string.h>

_Static_assert(KT_LOG_NODE_LEN == KT_HASH_LEN + KT_LOG_QUAD_SLOTS * KT_LOG_SLOT_LEN, "a record is a hash and slots");
_Static_assert(sizeof(struct kt_prefix_leaf) == KT_STORE_LEAF_LEN, "leaves are stored as they are");
_Static_assert(KT_STORE_REF_BITS == 48 && KT_LOG_SLOT_LEN * 8 == KT_STORE_REF_BITS, "a slot holds a reference");

/* --- records ---------------------------------------------------------------------------------------------------------- */

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

/* --- in memory ---------------------------------------------------------------------------------------------------------- */

enum kt_err kt_log_leaf_read(struct kt_store_conn *conn, uint64_t ref, struct kt_prefix_leaf *ret_leaf)
{
  uint8_t bytes[KT_STORE_LEAF_LEN];
  enum kt_err err = kt_store_get_leaf(conn, ref, bytes);
  if (err == KT_OK) {
    memcpy(ret_leaf, bytes, sizeof bytes);
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

static enum kt_err hash_of(struct kt_store_conn *conn, uint64_t ref, struct kt_hash *ret_hash)
{
  uint8_t record[KT_LOG_NODE_LEN];
  struct kt_prefix_leaf leaf;
  enum kt_err err;
  if (ref == 0) {
    memset(ret_hash->b, 0, KT_HASH_LEN);
    return KT_OK;
  }
  if (kt_store_ref_is_leaf(ref)) {
    err = kt_log_leaf_read(conn, ref, &leaf);
    if (err == KT_OK) {
      kt_prefix_leaf_hash(&leaf, ret_hash);
    }
  } else {
    err = kt_store_get_node(conn, ref, record);
    if (err == KT_OK) {
      memcpy(ret_hash->b, record, KT_HASH_LEN);
    }
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

static enum kt_err expand_child(struct kt_store_conn *conn, struct kt_log_quad *quad, size_t child)
{
  const uint64_t *slot = &quad->slot[2 * child];
  struct kt_hash *hash = &quad->slot_hash[2 * child];
  if (slot[0] == 0 && slot[1] == 0) {
    return KT_OK;
  }
  if (slot[1] == KT_LOG_SLOT_LEAF) {
    return hash_of(conn, slot[0], &quad->child_hash[child]);
  }
  enum kt_err err = hash_of(conn, slot[0], &hash[0]);
  if (err == KT_OK) {
    err = hash_of(conn, slot[1], &hash[1]);
  }
  if (err == KT_OK) {
    kt_prefix_parent_hash(&hash[0], &hash[1], &quad->child_hash[child]);
  }
  return err;
}

enum kt_err kt_log_quad_expand(struct kt_store_conn *conn, const uint64_t slots[static KT_LOG_QUAD_SLOTS],
                               struct kt_log_quad *ret_quad)
{
  struct kt_log_quad quad = { .slot = { 0 } };
  memcpy(quad.slot, slots, sizeof quad.slot);
  enum kt_err err = expand_child(conn, &quad, 0);
  if (err == KT_OK) {
    err = expand_child(conn, &quad, 1);
  }
  if (err == KT_OK) {
    *ret_quad = quad;
  }
  return err;
}

void kt_log_quad_node(const struct kt_log_quad *quad, uint64_t ref, struct kt_prefix_node *ret_node)
{
  unsigned side = kt_log_ref_side(ref);
  ret_node->is_leaf = false;
  for (size_t i = 0; i < 2; i++) {
    struct kt_prefix_child *child = &ret_node->child[i];
    if (side != KT_LOG_SIDE_TOP) {
      size_t slot = 2 * (side - KT_LOG_SIDE_CHILD0) + i;
      *child = (struct kt_prefix_child){ .ref = quad->slot[slot], .hash = quad->slot_hash[slot] };
      continue;
    }
    const uint64_t *slot = &quad->slot[2 * i];
    child->hash = quad->child_hash[i];
    if (slot[0] == 0 && slot[1] == 0) {
      child->ref = 0;
    } else if (slot[1] == KT_LOG_SLOT_LEAF) {
      child->ref = slot[0];
    } else {
      child->ref = kt_log_ref_with_side(ref, (unsigned)(KT_LOG_SIDE_CHILD0 + i));
    }
  }
}
