/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's replay of a change (draft: Auditing). Every item of the walk is a change, so a node computed from items
 * changes and an element of the proof does not. */
#include <stdlib.h>

#include "crypto/hash.h"
#include "tree/prefix_walk.h"

#define SECTION "Third Parties / Auditing"

static bool is_included(const struct kt_prefix_proof *proof, size_t index)
{
  return proof->results[index].type == KT_PREFIX_INCLUSION;
}

/* A leaf of the tree before the change, where others are added. */
struct resident {
  const struct kt_hash *key;
  const struct kt_hash *hash;
};

static size_t leaves_split(const struct kt_prefix_leaf *leaves, size_t n, unsigned depth)
{
  size_t zeros = 0;
  while (zeros < n && kt_prefix_bit(&leaves[zeros].vrf_output, depth) == 0) {
    zeros++;
  }
  return zeros;
}

/* Hash of the canonical subtree at `depth` over sorted leaves and, unless NULL, a resident whose key is none of theirs.
 * KT_ERR_LIMIT when two keys share 255 bits. */
static enum kt_err subtree_hash(const struct kt_prefix_leaf *leaves, size_t n, const struct resident *resident,
                                unsigned depth, struct kt_hash *ret_hash)
{
  if (n == 0) {
    *ret_hash = resident != NULL ? *resident->hash : (struct kt_hash){ { 0 } };
    return KT_OK;
  }
  if (n == 1 && resident == NULL) {
    kt_prefix_leaf_hash(leaves, ret_hash);
    return KT_OK;
  }
  if (depth == KT_PREFIX_DEPTH_MAX) {
    return KT_ERR_LIMIT;
  }
  size_t zeros = leaves_split(leaves, n, depth);
  const struct resident *sides[2] = { NULL, NULL };
  if (resident != NULL) {
    sides[kt_prefix_bit(resident->key, depth)] = resident;
  }
  struct kt_hash left;
  struct kt_hash right;
  enum kt_err err = subtree_hash(leaves, zeros, sides[0], depth + 1, &left);
  if (err == KT_OK) {
    err = subtree_hash(leaves + zeros, n - zeros, sides[1], depth + 1, &right);
  }
  if (err == KT_OK) {
    kt_prefix_parent_hash(&left, &right, ret_hash);
  }
  return err;
}

/* The items of one place are neighbours, and so are their additions in the sorted list. The leaf that was there stays
 * unless its key is an item: such an item shows inclusion, and what shows inclusion is removed (A3, A4). */
static enum kt_err terminal_after(const struct kt_prefix_walk *w, const struct kt_prefix_item *items, size_t n,
                                  unsigned depth, const struct kt_prefix_leaf *leaf, struct kt_prefix_value *value)
{
  const struct kt_prefix_leaf *added = NULL;
  size_t n_added = 0;
  bool stays = leaf != NULL;
  for (size_t i = 0; i < n; i++) {
    if (items[i].added != NULL) {
      added = n_added == 0 ? items[i].added : added;
      n_added++;
    }
    if (is_included(w->proof, items[i].index)) {
      stays = false;
    }
  }
  const struct resident resident = { .key = stays ? &leaf->vrf_output : NULL, .hash = &value->before };
  enum kt_err err = subtree_hash(added, n_added, stays ? &resident : NULL, depth, &value->after);
  if (err != KT_OK) {
    return kt_fail(w->reason, err, "audit-depth", "two keys share more bits than a proof can express", "ours");
  }
  size_t n_leaves = n_added + (stays ? 1 : 0);
  value->after_kind = n_leaves == 0   ? KT_PREFIX_KIND_MISSING
                      : n_leaves == 1 ? KT_PREFIX_KIND_LEAF
                                      : KT_PREFIX_KIND_PARENT;
  return KT_OK;
}

/* A parent left with one leaf gives way to it: a leaf sits at the shallowest depth where its prefix is unique. */
static enum kt_err parent_after(const struct kt_prefix_walk *w, const struct kt_prefix_value *left,
                                const struct kt_prefix_value *right, struct kt_prefix_value *value)
{
  bool left_missing = left->after_kind == KT_PREFIX_KIND_MISSING;
  bool right_missing = right->after_kind == KT_PREFIX_KIND_MISSING;
  if (left_missing || right_missing) {
    const struct kt_prefix_value *rest = left_missing ? right : left;
    if (rest->after_kind == KT_PREFIX_KIND_UNSHOWN) { /* A7 */
      return kt_fail(w->reason, KT_ERR_UNDETERMINED, "audit-undetermined",
                     "whether a removal makes a parent collapse depends on a node the proof does not show", SECTION);
    }
    if (rest->after_kind != KT_PREFIX_KIND_PARENT) {
      value->after = rest->after;
      value->after_kind = rest->after_kind;
      return KT_OK;
    }
  }
  kt_prefix_parent_hash(&left->after, &right->after, &value->after);
  value->after_kind = KT_PREFIX_KIND_PARENT;
  return KT_OK;
}

/* A2 */
static enum kt_err check_order(const struct kt_prefix_leaf *leaves, size_t n, struct kt_reason *reason)
{
  for (size_t i = 1; i < n; i++) {
    if (kt_prefix_compare(&leaves[i - 1].vrf_output, &leaves[i].vrf_output) >= 0) {
      return kt_fail(reason, KT_ERR_PROOF, "audit-order", "added or removed leaves are unsorted or repeated", SECTION);
    }
  }
  return KT_OK;
}

/* A3 and A4; an item that is in both lists has a second result, at index_added, that has to be the same (R51). */
static enum kt_err check_item(const struct kt_prefix_proof *proof, const struct kt_prefix_item *item,
                              size_t index_added, struct kt_reason *reason)
{
  bool included = is_included(proof, item->index);
  if (item->commitment == NULL) {
    return included ? kt_fail(reason, KT_ERR_PROOF, "audit-added", "an added leaf was already there", SECTION) : KT_OK;
  }
  if (!included) {
    return kt_fail(reason, KT_ERR_PROOF, "audit-removed", "a removed leaf was not there", SECTION);
  }
  if (item->added != NULL &&
      (!is_included(proof, index_added) || proof->results[index_added].depth != proof->results[item->index].depth)) {
    return kt_fail(reason, KT_ERR_PROOF, "prefix-depth", "two results for one key differ", SECTION);
  }
  return KT_OK;
}

/* One item per key from the two sorted lists. */
static enum kt_err merge_items(const struct kt_prefix_leaf *added, size_t n_added, const struct kt_prefix_leaf *removed,
                               size_t n_removed, const struct kt_prefix_proof *proof, struct kt_reason *reason,
                               struct kt_prefix_item *ret_items, size_t *ret_n)
{
  size_t a = 0;
  size_t r = 0;
  size_t n = 0;
  while (a < n_added || r < n_removed) {
    struct kt_prefix_item item = { .key = NULL };
    size_t index_added = a;
    int order = a == n_added ? 1 : -1;
    if (a < n_added && r < n_removed) {
      order = kt_prefix_compare(&added[a].vrf_output, &removed[r].vrf_output);
    }
    if (order <= 0) {
      item = (struct kt_prefix_item){ .key = &added[a].vrf_output, .index = a, .added = &added[a] };
      a++;
    }
    if (order >= 0) {
      item.key = &removed[r].vrf_output;
      item.index = n_added + r;
      item.commitment = &removed[r].commitment;
      r++;
    }
    enum kt_err err = check_item(proof, &item, index_added, reason);
    if (err != KT_OK) {
      return err;
    }
    ret_items[n++] = item;
  }
  *ret_n = n;
  return KT_OK;
}

enum kt_err kt_prefix_mutate(const struct kt_prefix_leaf *added, size_t n_added, const struct kt_prefix_leaf *removed,
                             size_t n_removed, const struct kt_prefix_proof *proof, struct kt_hash *ret_before,
                             struct kt_hash *ret_after, struct kt_reason *reason)
{
  if (n_added > KT_PREFIX_RESULTS_MAX || n_removed > KT_PREFIX_RESULTS_MAX - n_added ||
      proof->n_results != n_added + n_removed) { /* A7 */
    return kt_fail(reason, KT_ERR_PROOF, "audit-results", "the number of search results is not that of the changes",
                   SECTION);
  }
  enum kt_err err = check_order(added, n_added, reason);
  if (err == KT_OK) {
    err = check_order(removed, n_removed, reason);
  }
  if (err != KT_OK) {
    return err;
  }
  struct kt_prefix_item *items = calloc(proof->n_results + 1, sizeof *items); /* + 1: no change is no failure */
  if (items == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t n_items = 0;
  struct kt_prefix_value root = { .after_kind = KT_PREFIX_KIND_MISSING };
  err = merge_items(added, n_added, removed, n_removed, proof, reason, items, &n_items);
  if (err == KT_OK) {
    struct kt_prefix_walk w = {
      .proof = proof, .terminal_after = terminal_after, .parent_after = parent_after, .reason = reason
    };
    err = kt_prefix_walk_root(&w, items, n_items, &root);
  }
  free(items);
  if (err == KT_OK) {
    *ret_before = root.before;
    *ret_after = root.after;
  }
  return err;
}
