/* SPDX-License-Identifier: Apache-2.0 */
#include "log/grow.h"

#include <string.h>

#include "crypto/hash.h"

struct growth {
  struct kt_log_nodes *nodes;
  struct kt_log_fresh *fresh;
};

/* Leaves of the entry that go below one place: their keys agree in all bits above it. */
struct range {
  size_t first;
  size_t n;
};

/* Those with a zero at this depth, and the others. */
static void split(const struct growth *growth, struct range range, unsigned depth, struct range ret_sides[static 2])
{
  size_t zeros = 0;
  while (zeros < range.n && kt_prefix_bit(&growth->fresh->leaves[range.first + zeros].vrf_output, depth) == 0) {
    zeros++;
  }
  ret_sides[0] = (struct range){ range.first, zeros };
  ret_sides[1] = (struct range){ range.first + zeros, range.n - zeros };
}

/* The leaves are stored in the order of their keys. */
static void set_leaf(const struct growth *growth, size_t index, uint64_t *ret_ref, struct kt_hash *ret_hash)
{
  *ret_ref = kt_store_leaf_ref(growth->fresh->pos, index);
  kt_prefix_leaf_hash(&growth->fresh->leaves[index], ret_hash);
}

/* The side, at this depth, of a leaf that has to move down because others come to its place. */
static enum kt_err find_side(const struct growth *growth, const struct kt_prefix_child *place, struct range range,
                             unsigned depth, size_t *ret_side)
{
  struct kt_prefix_leaf leaf;
  enum kt_err err = kt_log_leaf_get_bound(growth->nodes, place, &leaf);
  for (size_t i = 0; err == KT_OK && i < range.n; i++) {
    if (kt_prefix_compare(&growth->fresh->leaves[range.first + i].vrf_output, &leaf.vrf_output) == 0) {
      err = KT_ERR_CONFLICT;
    }
  }
  if (err == KT_OK) {
    *ret_side = (size_t)kt_prefix_bit(&leaf.vrf_output, depth);
  }
  return err;
}

static enum kt_err grow(struct growth *growth, struct range range, unsigned depth, uint64_t *ref, struct kt_hash *hash);

/* --- a quad's child, at odd depth --------------------------------------------------------------------------------- */

/* The leaf that is the child becomes a child of it. */
static enum kt_err push_down(const struct growth *growth, struct range range, unsigned depth, struct kt_log_quad *quad,
                             size_t c)
{
  struct kt_log_half *half = &quad->half[c];
  const struct kt_prefix_child leaf = { .ref = half->slot[0], .hash = *kt_log_quad_child_hash(quad, c) };
  size_t side;
  enum kt_err err = find_side(growth, &leaf, range, depth, &side);
  if (err == KT_OK) {
    half->slot[0] = half->slot[1] = 0;
    half->slot_hash0 = half->slot_hash1 = (struct kt_hash){ { 0 } };
    half->slot[side] = leaf.ref;
    *kt_log_half_hash(half, side) = leaf.hash;
  }
  return err;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static enum kt_err grow_child(struct growth *growth, struct range range, unsigned depth, struct kt_log_quad *quad,
                              size_t c)
{
  struct kt_log_half *half = &quad->half[c];
  uint64_t *slot = half->slot;
  struct range sides[2];
  if (range.n == 0) {
    return KT_OK;
  }
  if (slot[0] == 0 && slot[1] == 0 && range.n == 1) {
    set_leaf(growth, range.first, &slot[0], kt_log_quad_child_hash(quad, c));
    slot[1] = KT_LOG_SLOT_LEAF;
    return KT_OK;
  }
  if (depth == KT_PREFIX_DEPTH_MAX) {
    return KT_ERR_LIMIT;
  }
  enum kt_err err = slot[1] == KT_LOG_SLOT_LEAF ? push_down(growth, range, depth, quad, c) : KT_OK;
  split(growth, range, depth, sides);
  for (size_t i = 0; err == KT_OK && i < 2; i++) {
    err = grow(growth, sides[i], depth + 1, &slot[i], kt_log_half_hash(half, i));
  }
  if (err == KT_OK) {
    kt_prefix_parent_hash(&half->slot_hash0, &half->slot_hash1, kt_log_quad_child_hash(quad, c));
  }
  return err;
}

/* --- a place at even depth ---------------------------------------------------------------------------------------- */

/* The quad that is in the place, or one with the leaf that is. */
static enum kt_err open_quad(const struct growth *growth, struct range range, unsigned depth,
                             const struct kt_prefix_child *place, struct kt_log_quad *ret_quad)
{
  size_t side;
  if (place->ref != 0 && !kt_store_ref_is_leaf(place->ref)) {
    growth->fresh->replaced[growth->fresh->n_replaced++] = place->ref; /* one for each new quad at most */
    return kt_log_quad_get_bound(growth->nodes, place, ret_quad);
  }
  *ret_quad = (struct kt_log_quad){ .half = { { .slot = { 0 } } } };
  if (place->ref == 0) {
    return KT_OK;
  }
  enum kt_err err = find_side(growth, place, range, depth, &side);
  if (err == KT_OK) {
    ret_quad->half[side].slot[0] = place->ref;
    ret_quad->half[side].slot[1] = KT_LOG_SLOT_LEAF;
    *kt_log_quad_child_hash(ret_quad, side) = place->hash;
  }
  return err;
}

/* Its number is taken before those of the quads below it, so that a path is mostly in one row. Depth is bounded by the
 * tree's. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static enum kt_err grow(struct growth *growth, struct range range, unsigned depth, uint64_t *ref, struct kt_hash *hash)
{
  struct kt_log_fresh *fresh = growth->fresh;
  struct range sides[2];
  if (range.n == 0) {
    return KT_OK;
  }
  if (*ref == 0 && range.n == 1) {
    set_leaf(growth, range.first, ref, hash);
    return KT_OK;
  }
  if (fresh->n_quads == KT_STORE_NODES_MAX) {
    return KT_ERR_LIMIT;
  }
  size_t index = fresh->n_quads++;
  struct kt_log_quad *quad = &fresh->quads[index];
  const struct kt_prefix_child place = { .ref = *ref, .hash = *hash };
  enum kt_err err = open_quad(growth, range, depth, &place, quad);
  split(growth, range, depth, sides);
  for (size_t c = 0; err == KT_OK && c < 2; c++) {
    err = grow_child(growth, sides[c], depth + 1, quad, c);
  }
  if (err == KT_OK) {
    *ref = kt_store_node_ref(fresh->pos, index);
    kt_prefix_parent_hash(kt_log_quad_child_hash(quad, 0), kt_log_quad_child_hash(quad, 1), hash);
    const uint64_t slots[KT_LOG_QUAD_SLOTS] = { quad->half[0].slot[0], quad->half[0].slot[1], quad->half[1].slot[0],
                                                quad->half[1].slot[1] };
    kt_log_quad_encode(hash, slots, fresh->records + index * KT_LOG_NODE_LEN);
  }
  return err;
}

enum kt_err kt_log_grow(struct kt_log_nodes *nodes, struct kt_log_fresh *fresh, struct kt_prefix_child *root)
{
  struct growth growth = { .nodes = nodes, .fresh = fresh };
  struct kt_prefix_child grown = *root;
  for (size_t i = 1; i < fresh->n_leaves; i++) {
    if (kt_prefix_compare(&fresh->leaves[i - 1].vrf_output, &fresh->leaves[i].vrf_output) >= 0) {
      return KT_ERR_USAGE;
    }
  }
  fresh->n_quads = 0;
  fresh->n_replaced = 0;
  if (root->ref == 0 && !kt_hash_is_zero(&root->hash)) {
    nodes->damaged_ref = kt_store_node_ref(fresh->pos - 1, 0);
    return KT_ERR_PROOF;
  }
  enum kt_err err = grow(&growth, (struct range){ 0, fresh->n_leaves }, 0, &grown.ref, &grown.hash);
  if (err == KT_OK) {
    *root = grown;
  }
  return err;
}
