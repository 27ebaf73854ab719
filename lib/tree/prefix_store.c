/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/prefix_walk.h"

static bool same_key(const struct kt_hash *a, const struct kt_hash *b)
{
  return kt_prefix_compare(a, b) == 0;
}

enum kt_err kt_prefix_find(const struct kt_prefix_nodes *nodes, struct kt_prefix_child root, const struct kt_hash *key,
                           struct kt_hash *ret_commitment)
{
  struct kt_prefix_node node;
  uint64_t ref = root.ref;
  for (unsigned depth = 0; depth <= KT_PREFIX_DEPTH_MAX && ref != 0; depth++) {
    enum kt_err err = nodes->get(nodes->ctx, ref, &node);
    if (err != KT_OK) {
      return err;
    }
    if (node.is_leaf) {
      if (!same_key(&node.leaf.vrf_output, key)) {
        return KT_ERR_ABSENT;
      }
      *ret_commitment = node.leaf.commitment;
      return KT_OK;
    }
    ref = node.child[kt_prefix_bit(key, depth)].ref;
  }
  return ref == 0 ? KT_ERR_ABSENT : KT_ERR_STORE; /* no tree of ours is that deep */
}

/* --- a series of lookups -------------------------------------------------------------------------------------- */

struct kt_prefix_seen {
  uint64_t ref;
  struct kt_prefix_node node;
  struct kt_prefix_seen *child[2]; /* NULL: not read yet */
};

void kt_prefix_series_init(struct kt_prefix_series *series, const struct kt_prefix_nodes *nodes,
                           struct kt_prefix_child root, struct kt_arena *arena)
{
  *series = (struct kt_prefix_series){ .nodes = nodes, .arena = arena, .root = root };
}

void kt_prefix_series_next(struct kt_prefix_series *series, struct kt_prefix_child root)
{
  series->before = series->top;
  series->top = NULL;
  series->root = root;
}

/* before: what the tree before has at this place; it has the whole subtree when it has this node. */
static enum kt_err see(const struct kt_prefix_series *series, uint64_t ref, struct kt_prefix_seen *before,
                       struct kt_prefix_seen **ret_seen)
{
  if (before != NULL && before->ref == ref) {
    *ret_seen = before;
    return KT_OK;
  }
  struct kt_prefix_seen *seen = kt_arena_alloc(series->arena, 1, sizeof *seen);
  if (seen == NULL) {
    return KT_ERR_MEMORY;
  }
  seen->ref = ref;
  enum kt_err err = series->nodes->get(series->nodes->ctx, ref, &seen->node);
  if (err == KT_OK) {
    *ret_seen = seen;
  }
  return err;
}

enum kt_err kt_prefix_series_find(struct kt_prefix_series *series, const struct kt_hash *key, bool *ret_included)
{
  struct kt_prefix_seen **at = &series->top;
  struct kt_prefix_seen *before = series->before;
  uint64_t ref = series->root.ref;
  for (unsigned depth = 0; depth <= KT_PREFIX_DEPTH_MAX && ref != 0; depth++) {
    enum kt_err err = *at == NULL ? see(series, ref, before, at) : KT_OK;
    if (err != KT_OK) {
      return err;
    }
    const struct kt_prefix_node *node = &(*at)->node;
    if (node->is_leaf) {
      *ret_included = same_key(&node->leaf.vrf_output, key);
      return KT_OK;
    }
    int bit = kt_prefix_bit(key, depth);
    ref = node->child[bit].ref;
    at = &(*at)->child[bit];
    before = before != NULL ? before->child[bit] : NULL;
  }
  if (ref != 0) {
    return KT_ERR_STORE; /* no tree of ours is that deep */
  }
  *ret_included = false;
  return KT_OK;
}

/* --- proving -------------------------------------------------------------------------------------------------- */

struct prover {
  const struct kt_prefix_nodes *nodes;
  struct kt_arena *arena;
  struct kt_prefix_result *results;
  struct kt_hash *elements;
  size_t n_elements;
  size_t room;
};

static enum kt_err prove_element(struct prover *p, const struct kt_hash *element)
{
  struct kt_hash *elements = kt_arena_grow(p->arena, p->elements, p->n_elements, sizeof *elements, &p->room);
  if (elements == NULL) {
    return KT_ERR_MEMORY;
  }
  p->elements = elements;
  p->elements[p->n_elements++] = *element;
  return KT_OK;
}

/* leaf NULL: the place is empty. */
static void prove_terminal(const struct prover *p, const struct kt_prefix_item *items, size_t n, unsigned depth,
                           const struct kt_prefix_leaf *leaf)
{
  for (size_t i = 0; i < n; i++) {
    struct kt_prefix_result result = { .type = KT_PREFIX_NON_INCLUSION_PARENT, .depth = (uint8_t)depth };
    if (leaf != NULL && same_key(&leaf->vrf_output, items[i].key)) {
      result.type = KT_PREFIX_INCLUSION;
    } else if (leaf != NULL) {
      result.type = KT_PREFIX_NON_INCLUSION_LEAF;
      result.leaf = *leaf;
    }
    p->results[items[i].index] = result;
  }
}

/* n is not 0; seen: the node at `at`, when a lookup has read it. */
static enum kt_err prove_node(struct prover *p, const struct kt_prefix_child *at, const struct kt_prefix_seen *seen,
                              const struct kt_prefix_item *items, size_t n, unsigned depth)
{
  static const struct kt_prefix_seen nothing_seen;
  struct kt_prefix_node read;
  const struct kt_prefix_node *node = &read;
  if (at->ref == 0) {
    prove_terminal(p, items, n, depth, NULL);
    return KT_OK;
  }
  if (seen != NULL) {
    node = &seen->node;
  } else {
    seen = &nothing_seen;
    enum kt_err err = p->nodes->get(p->nodes->ctx, at->ref, &read);
    if (err != KT_OK) {
      return err;
    }
  }
  if (node->is_leaf) {
    prove_terminal(p, items, n, depth, &node->leaf);
    return KT_OK;
  }
  if (depth == KT_PREFIX_DEPTH_MAX) {
    return KT_ERR_STORE; /* no tree of ours is that deep */
  }
  size_t zeros = kt_prefix_items_split(items, n, depth);
  enum kt_err err = zeros == 0 ? prove_element(p, &node->child[0].hash)
                               : prove_node(p, &node->child[0], seen->child[0], items, zeros, depth + 1);
  if (err != KT_OK) {
    return err;
  }
  return zeros == n ? prove_element(p, &node->child[1].hash)
                    : prove_node(p, &node->child[1], seen->child[1], items + zeros, n - zeros, depth + 1);
}

enum kt_err kt_prefix_prove(const struct kt_prefix_nodes *nodes, struct kt_prefix_child root,
                            const struct kt_hash *keys, size_t n_keys, struct kt_arena *arena,
                            struct kt_prefix_proof *ret_proof)
{
  struct kt_prefix_series series;
  kt_prefix_series_init(&series, nodes, root, arena);
  return kt_prefix_series_prove(&series, keys, n_keys, ret_proof);
}

enum kt_err kt_prefix_series_prove(const struct kt_prefix_series *series, const struct kt_hash *keys, size_t n_keys,
                                   struct kt_prefix_proof *ret_proof)
{
  struct kt_arena *arena = series->arena;
  if (n_keys > KT_PREFIX_RESULTS_MAX) {
    return KT_ERR_LIMIT;
  }
  struct kt_prefix_item *items = kt_arena_alloc(arena, n_keys, sizeof *items);
  struct prover p = { .nodes = series->nodes,
                      .arena = arena,
                      .results = kt_arena_alloc(arena, n_keys, sizeof *p.results) };
  if (items == NULL || p.results == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n_keys; i++) {
    items[i] = (struct kt_prefix_item){ .key = &keys[i], .index = i };
  }
  if (!kt_prefix_items_sort(items, n_keys)) {
    return KT_ERR_USAGE;
  }
  enum kt_err err = n_keys == 0 ? prove_element(&p, &series->root.hash)
                                : prove_node(&p, &series->root, series->top, items, n_keys, 0);
  if (err != KT_OK) {
    return err;
  }
  *ret_proof = (struct kt_prefix_proof){
    .results = p.results, .n_results = n_keys, .elements = p.elements, .n_elements = p.n_elements
  };
  return KT_OK;
}
