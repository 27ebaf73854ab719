/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "tree/prefix_walk.h"

#define SECTION "Tree Proofs / Prefix Tree"

void kt_prefix_leaf_hash(const struct kt_prefix_leaf *leaf, struct kt_hash *ret)
{
  uint8_t content[1 + 2 * KT_HASH_LEN];
  content[0] = 0x02;
  memcpy(content + 1, leaf->vrf_output.b, KT_HASH_LEN);
  memcpy(content + 1 + KT_HASH_LEN, leaf->commitment.b, KT_HASH_LEN);
  kt_sha256(content, sizeof content, ret);
}

void kt_prefix_parent_hash(const struct kt_hash *left, const struct kt_hash *right, struct kt_hash *ret)
{
  uint8_t content[1 + 2 * KT_HASH_LEN];
  content[0] = 0x03;
  memcpy(content + 1, left->b, KT_HASH_LEN);
  memcpy(content + 1 + KT_HASH_LEN, right->b, KT_HASH_LEN);
  kt_sha256(content, sizeof content, ret);
}

int kt_prefix_compare(const struct kt_hash *a, const struct kt_hash *b)
{
  return memcmp(a->b, b->b, KT_HASH_LEN);
}

static int item_compare(const void *a, const void *b)
{
  const struct kt_prefix_item *left = a;
  const struct kt_prefix_item *right = b;
  return kt_prefix_compare(left->key, right->key);
}

bool kt_prefix_items_sort(struct kt_prefix_item *items, size_t n)
{
  if (n > 1) {
    qsort(items, n, sizeof *items, item_compare);
  }
  for (size_t i = 1; i < n; i++) {
    if (kt_prefix_compare(items[i - 1].key, items[i].key) == 0) {
      return false;
    }
  }
  return true;
}

size_t kt_prefix_items_split(const struct kt_prefix_item *items, size_t n, unsigned depth)
{
  size_t zeros = 0;
  while (zeros < n && kt_prefix_bit(items[zeros].key, depth) == 0) {
    zeros++;
  }
  return zeros;
}

static bool shares_bits(const struct kt_hash *a, const struct kt_hash *b, unsigned n_bits)
{
  unsigned n_bytes = n_bits / 8;
  unsigned rest = n_bits % 8;
  return memcmp(a->b, b->b, n_bytes) == 0 && (rest == 0 || (a->b[n_bytes] ^ b->b[n_bytes]) >> (8 - rest) == 0);
}

/* The leaf a result says its search ended at; *ret_present is false for a missing child. */
static enum kt_err terminal_leaf(const struct kt_prefix_walk *w, const struct kt_prefix_item *item,
                                 struct kt_prefix_leaf *ret_leaf, bool *ret_present)
{
  const struct kt_prefix_result *result = &w->proof->results[item->index];
  switch (result->type) {
  case KT_PREFIX_INCLUSION:
    if (item->commitment == NULL) { /* R52 */
      return kt_fail(w->reason, KT_ERR_PROOF, "prefix-commitment",
                     "a lookup shows inclusion, but no commitment was given for it", SECTION);
    }
    *ret_leaf = (struct kt_prefix_leaf){ .vrf_output = *item->key, .commitment = *item->commitment };
    *ret_present = true;
    return KT_OK;
  case KT_PREFIX_NON_INCLUSION_LEAF:
    /* R53: "`nonInclusionLeaf` for a leaf node not matching the requested search key" */
    if (kt_prefix_compare(&result->leaf.vrf_output, item->key) == 0 ||
        !shares_bits(&result->leaf.vrf_output, item->key, result->depth)) {
      return kt_fail(w->reason, KT_ERR_PROOF, "prefix-leaf",
                     "the leaf that is to show non-inclusion is the searched one, or not on its search path", SECTION);
    }
    *ret_leaf = result->leaf;
    *ret_present = true;
    return KT_OK;
  case KT_PREFIX_NON_INCLUSION_PARENT: *ret_present = false; return KT_OK;
  }
  return kt_fail(w->reason, KT_ERR_FORMAT, "prefix-result", "unknown search result type", SECTION);
}

/* All searches of the range ended here, so all have to describe the same leaf or the same missing child. */
static enum kt_err walk_terminal(const struct kt_prefix_walk *w, const struct kt_prefix_item *items, size_t n,
                                 unsigned depth, struct kt_prefix_value *ret_value)
{
  struct kt_prefix_leaf leaf = { 0 };
  bool present = false;
  enum kt_err err = terminal_leaf(w, &items[0], &leaf, &present);
  for (size_t i = 1; i < n && err == KT_OK; i++) {
    struct kt_prefix_leaf other = { 0 };
    bool other_present = false;
    err = terminal_leaf(w, &items[i], &other, &other_present);
    if (err == KT_OK && (present != other_present || memcmp(&leaf, &other, sizeof leaf) != 0)) { /* R51 */
      err = kt_fail(w->reason, KT_ERR_PROOF, "prefix-depth", "two searches ended at one place but at different nodes",
                    SECTION);
    }
  }
  if (err != KT_OK) {
    return err;
  }
  struct kt_prefix_value value = { .after_kind = KT_PREFIX_KIND_MISSING };
  if (present) {
    kt_prefix_leaf_hash(&leaf, &value.before);
  }
  if (w->terminal_after != NULL) {
    err = w->terminal_after(w, items, n, depth, present ? &leaf : NULL, &value);
  }
  if (err == KT_OK) {
    *ret_value = value;
  }
  return err;
}

/* The next n elements of the proof; the index of the first. */
static enum kt_err take_elements(struct kt_prefix_walk *w, size_t n, size_t *ret_first)
{
  if (w->proof->n_elements - w->next_element < n) { /* R54 */
    return kt_fail(w->reason, KT_ERR_PROOF, "prefix-elements", "the prefix tree proof has too few elements", SECTION);
  }
  *ret_first = w->next_element;
  w->next_element += n;
  return KT_OK;
}

static struct kt_prefix_value element_value(const struct kt_hash *element)
{
  return (struct kt_prefix_value){ .before = *element,
                                   .after = *element,
                                   .after_kind =
                                       kt_hash_is_zero(element) ? KT_PREFIX_KIND_MISSING : KT_PREFIX_KIND_UNSHOWN };
}

/* *ret_value may be one of the two. */
static enum kt_err join(const struct kt_prefix_walk *w, const struct kt_prefix_value *left,
                        const struct kt_prefix_value *right, struct kt_prefix_value *ret_value)
{
  kt_prefix_parent_hash(&left->before, &right->before, &ret_value->before);
  return w->parent_after != NULL ? w->parent_after(w, left, right, ret_value) : KT_OK;
}

/* A search on its own, which most of a proof is: all siblings along its path are elements. Those on its left come before
 * what is below, from the top down, those on its right after it, from the bottom up. */
static enum kt_err walk_path(struct kt_prefix_walk *w, const struct kt_prefix_item *item, unsigned depth,
                             struct kt_prefix_value *ret_value)
{
  const unsigned end = w->proof->results[item->index].depth;
  const struct kt_hash *elements = w->proof->elements;
  struct kt_prefix_value value;
  size_t n_lefts = 0;
  size_t left = 0;
  size_t right = 0;
  for (unsigned i = depth; i < end; i++) {
    n_lefts += (size_t)kt_prefix_bit(item->key, i);
  }
  size_t n_rights = end - depth - n_lefts;
  enum kt_err err = take_elements(w, n_lefts, &left);
  if (err == KT_OK) {
    err = walk_terminal(w, item, 1, end, &value);
  }
  if (err == KT_OK) {
    err = take_elements(w, n_rights, &right);
  }
  for (unsigned i = end; err == KT_OK && i-- > depth;) {
    const bool is_right = kt_prefix_bit(item->key, i) == 1;
    const struct kt_prefix_value sibling = element_value(&elements[is_right ? left + --n_lefts : right++]);
    err = is_right ? join(w, &sibling, &value, &value) : join(w, &value, &sibling, &value);
  }
  if (err == KT_OK) {
    *ret_value = value;
  }
  return err;
}

static enum kt_err walk_element(struct kt_prefix_walk *w, struct kt_prefix_value *ret_value)
{
  size_t at = 0;
  enum kt_err err = take_elements(w, 1, &at);
  if (err == KT_OK) {
    *ret_value = element_value(&w->proof->elements[at]);
  }
  return err;
}

/* No result's depth is below `depth`: where one ended, either all did or the proof was refused. */
static enum kt_err walk_node(struct kt_prefix_walk *w, const struct kt_prefix_item *items, size_t n, unsigned depth,
                             struct kt_prefix_value *ret_value)
{
  if (n <= 1) {
    return n == 0 ? walk_element(w, ret_value) : walk_path(w, items, depth, ret_value);
  }
  size_t n_ended = 0;
  for (size_t i = 0; i < n; i++) {
    n_ended += w->proof->results[items[i].index].depth == depth;
  }
  if (n_ended == n) {
    return walk_terminal(w, items, n, depth, ret_value);
  }
  if (n_ended > 0) { /* R51 */
    return kt_fail(w->reason, KT_ERR_PROOF, "prefix-depth", "one search ended at a node that another passes through",
                   SECTION);
  }
  size_t zeros = kt_prefix_items_split(items, n, depth);
  struct kt_prefix_value left;
  struct kt_prefix_value right;
  enum kt_err err = walk_node(w, items, zeros, depth + 1, &left);
  if (err == KT_OK) {
    err = walk_node(w, items + zeros, n - zeros, depth + 1, &right);
  }
  return err == KT_OK ? join(w, &left, &right, ret_value) : err;
}

enum kt_err kt_prefix_walk_root(struct kt_prefix_walk *w, const struct kt_prefix_item *items, size_t n,
                                struct kt_prefix_value *ret_root)
{
  struct kt_prefix_value root;
  enum kt_err err = walk_node(w, items, n, 0, &root);
  if (err != KT_OK) {
    return err;
  }
  if (w->next_element != w->proof->n_elements) { /* R54 */
    return kt_fail(w->reason, KT_ERR_PROOF, "prefix-elements", "the prefix tree proof has surplus elements", SECTION);
  }
  *ret_root = root;
  return KT_OK;
}

enum kt_err kt_prefix_evaluate(const struct kt_prefix_search *searches, size_t n, const struct kt_prefix_proof *proof,
                               struct kt_hash *ret_root, struct kt_reason *reason)
{
  if (proof->n_results != n || n > KT_PREFIX_RESULTS_MAX) { /* R50 */
    return kt_fail(reason, KT_ERR_PROOF, "prefix-results", "the number of search results is not that of the lookups",
                   SECTION);
  }
  struct kt_prefix_item *items = calloc(n + 1, sizeof *items); /* + 1: zero searches are no failure */
  if (items == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n; i++) {
    items[i] = (struct kt_prefix_item){ .key = &searches[i].key,
                                        .index = i,
                                        .commitment = searches[i].has_commitment ? &searches[i].commitment : NULL };
  }
  enum kt_err err = KT_OK;
  struct kt_prefix_value root = { .after_kind = KT_PREFIX_KIND_MISSING };
  if (!kt_prefix_items_sort(items, n)) { /* R55 */
    err = kt_fail(reason, KT_ERR_PROOF, "prefix-duplicate", "one key was searched twice", SECTION);
  } else {
    struct kt_prefix_walk w = { .proof = proof, .reason = reason };
    err = kt_prefix_walk_root(&w, items, n, &root);
  }
  free(items);
  if (err == KT_OK) {
    *ret_root = root.before;
  }
  return err;
}
