/* SPDX-License-Identifier: Apache-2.0 */
/* Quads: how the prefix tree is stored (docs/formats.md, Prefix tree records).
 *
 * A quad is a parent at even depth with what is below it down to the next even depth: two children, and a slot for each
 * of their four children. A record holds the quad's own hash and the references in its slots; other hashes are in the
 * records that the slots refer to. In memory a quad has them all, so that a walk needs one look-up for two levels.
 *
 * A reference is what the store makes of it (kt_store_node_ref of a quad, kt_store_leaf_ref), with one more thing in
 * memory: which of a quad's three parents is meant. */
#ifndef KT_LOG_QUAD_H
#define KT_LOG_QUAD_H

#include <stddef.h>

#include "log/log.h"
#include "tree/prefix_tree.h"

#define KT_LOG_QUAD_SLOTS 4
#define KT_LOG_SLOT_LEN 6
struct kt_log_cache;
struct kt_log_leaf_hashes;

/* In slot 2c + 1: child c is itself the leaf in slot 2c. No reference has this value. */
#define KT_LOG_SLOT_LEAF (((uint64_t)1 << 48) - 1)

/* A child with its own children, and what is beside it. A path that goes on to slot 0 passes by slot_hash1, and the
 * other way round: in this order, what a path needs is in one piece. */
struct kt_log_half {
  struct kt_hash slot_hash0;
  uint64_t slot[2];      /* 0: none */
  struct kt_hash beside; /* of the other child; zero bytes: none */
  struct kt_hash slot_hash1;
};

struct kt_log_quad {
  struct kt_log_half half[2];
};

static inline struct kt_hash *kt_log_half_hash(struct kt_log_half *half, size_t side)
{
  return side == 0 ? &half->slot_hash0 : &half->slot_hash1;
}

static inline struct kt_hash *kt_log_quad_child_hash(struct kt_log_quad *quad, size_t child)
{
  return &quad->half[1 - child].beside;
}

/* As caches keep it. */
union kt_log_quad_words {
  struct kt_log_quad quad;
  uint64_t words[28];
};
_Static_assert(sizeof(struct kt_log_quad) == sizeof(union kt_log_quad_words), "whole words, without padding");

/* Where in a quad at even depth what a key's path needs begins: so many words. */
#define KT_LOG_PATH_WORDS 10U
static inline size_t kt_log_path_word(const struct kt_hash *key, unsigned depth)
{
  size_t half = (size_t)kt_prefix_bit(key, depth) * sizeof(struct kt_log_half) / sizeof(uint64_t);
  return kt_prefix_bit(key, depth + 1) != 0 ? half : half + offsetof(struct kt_log_half, slot) / sizeof(uint64_t);
}
_Static_assert(offsetof(struct kt_log_half, slot_hash1) == KT_LOG_PATH_WORDS * sizeof(uint64_t), "without slot_hash1");
_Static_assert(sizeof(struct kt_log_half) - offsetof(struct kt_log_half, slot) == KT_LOG_PATH_WORDS * sizeof(uint64_t),
               "without slot_hash0");

/* The parent at even depth, or its child 0 or 1. */
enum kt_log_side { KT_LOG_SIDE_TOP, KT_LOG_SIDE_CHILD0, KT_LOG_SIDE_CHILD1 };

static inline uint64_t kt_log_ref_quad(uint64_t ref)
{
  return ref & KT_LOG_SLOT_LEAF;
}

static inline unsigned kt_log_ref_side(uint64_t ref)
{
  return (unsigned)(ref >> 48);
}

static inline uint64_t kt_log_ref_with_side(uint64_t quad_ref, unsigned side)
{
  return quad_ref | (uint64_t)side << 48;
}

/* From the quad at even depth on, as far down as it goes: fills *step but for `next`, and says what the path meets next
 * (0: nothing). Needs no more than the words of kt_log_path_word. */
void kt_log_quad_step(const struct kt_log_quad *quad, const struct kt_hash *key, unsigned depth,
                      struct kt_prefix_step *step, uint64_t *ret_ref);
/* One of the quad's parents as the tree's algorithms see it. ref: the quad's, with the side. */
void kt_log_quad_node(const struct kt_log_quad *quad, uint64_t ref, struct kt_prefix_node *ret_node);
/* Do its slots lead to its children, and these to this hash? What is empty has zero bytes for its hash, and the hash of a
 * child that is a leaf is not compared with the leaf. */
bool kt_log_quad_leads_to(const struct kt_log_quad *quad, const struct kt_hash *hash);

void kt_log_quad_encode(const struct kt_hash *hash, const uint64_t slots[static KT_LOG_QUAD_SLOTS],
                        uint8_t ret_record[static KT_LOG_NODE_LEN]);
void kt_log_quad_decode(const uint8_t record[static KT_LOG_NODE_LEN], struct kt_hash *ret_hash,
                        uint64_t ret_slots[static KT_LOG_QUAD_SLOTS]);
/* A leaf as it is stored. KT_ERR_STORE when it is missing. */
KT_MUST_USE enum kt_err kt_log_leaf_read(struct kt_store_conn *conn, uint64_t ref, struct kt_prefix_leaf *ret_leaf);
/* Of a quad what its record says, of a leaf its own. KT_ERR_ABSENT: nothing is there. */
KT_MUST_USE enum kt_err kt_log_stored_hash(struct kt_store_conn *conn, uint64_t ref, struct kt_hash *ret_hash);
/* Where the hashes of what lies below a quad come from: from memory what is there, and else from the store. */
struct kt_log_below {
  struct kt_store_conn *conn;
  const struct kt_log_cache *cache;             /* NULL: none */
  const struct kt_log_leaf_hashes *leaf_hashes; /* NULL: none */
};
/* The quad whose slots are given. KT_ERR_STORE: something that they refer to is missing. */
KT_MUST_USE enum kt_err kt_log_quad_expand(const struct kt_log_below *below,
                                           const uint64_t slots[static KT_LOG_QUAD_SLOTS],
                                           struct kt_log_quad *ret_quad);

#endif
