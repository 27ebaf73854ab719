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

/* --- paths ------------------------------------------------------------------------------------------------------ */

static enum kt_err read_path(const struct kt_prefix_nodes *nodes, struct kt_prefix_lookup *lookup,
                             struct kt_arena *arena)
{
  const struct kt_prefix_step **link = &lookup->path;
  uint64_t ref = lookup->root_ref;
  for (unsigned depth = 0; depth <= KT_PREFIX_DEPTH_MAX; depth++) {
    struct kt_prefix_node node;
    struct kt_prefix_step *step = kt_arena_alloc(arena, 1, sizeof *step);
    if (step == NULL) {
      return KT_ERR_MEMORY;
    }
    *link = step;
    link = &step->next;
    if (ref == 0) {
      return KT_OK;
    }
    enum kt_err err = nodes->get(nodes->ctx, ref, &node);
    if (err != KT_OK) {
      return err;
    }
    if (node.is_leaf) {
      step->is_leaf = true;
      step->leaf = node.leaf;
      return KT_OK;
    }
    int bit = kt_prefix_bit(&lookup->key, depth);
    step->n_levels = 1;
    step->sibling[0] = node.child[1 - bit].hash;
    ref = node.child[bit].ref;
  }
  return KT_ERR_STORE; /* no tree of ours is that deep */
}

enum kt_err kt_prefix_paths(const struct kt_prefix_nodes *nodes, struct kt_prefix_lookup *lookups, size_t n,
                            struct kt_arena *arena)
{
  if (nodes->paths != NULL) {
    return nodes->paths(nodes->ctx, lookups, n, arena);
  }
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    err = read_path(nodes, &lookups[i], arena);
  }
  return err;
}

bool kt_prefix_is_included(const struct kt_prefix_lookup *lookup)
{
  const struct kt_prefix_step *step = lookup->path;
  while (step->n_levels > 0) {
    step = step->next;
  }
  return step->is_leaf && same_key(&step->leaf.vrf_output, &lookup->key);
}

/* --- proving -------------------------------------------------------------------------------------------------- */

/* Where a key's path is. */
struct place {
  const struct kt_hash *key;
  size_t index; /* of its result in the proof */
  const struct kt_prefix_step *step;
  unsigned level; /* of the step */
};

static bool is_at_end(const struct place *place)
{
  return place->step->n_levels == 0;
}

static const struct kt_hash *sibling(const struct place *place)
{
  return &place->step->sibling[place->level];
}

static void go_down(struct place *place)
{
  if (++place->level == place->step->n_levels) {
    place->step = place->step->next;
    place->level = 0;
  }
}

static void prove_end(struct kt_prefix_result *results, const struct place *place, unsigned depth)
{
  const struct kt_prefix_leaf *leaf = place->step->is_leaf ? &place->step->leaf : NULL;
  struct kt_prefix_result *result = &results[place->index];
  result->type = KT_PREFIX_NON_INCLUSION_PARENT;
  result->depth = (uint8_t)depth;
  if (leaf != NULL && same_key(&leaf->vrf_output, place->key)) {
    result->type = KT_PREFIX_INCLUSION;
  } else if (leaf != NULL) {
    result->type = KT_PREFIX_NON_INCLUSION_LEAF;
    result->leaf = *leaf;
  }
}

/* The proof as far as it is made; there is room for every element. */
struct prover {
  struct kt_prefix_result *results;
  struct kt_hash *elements;
  size_t n_elements;
};

/* Siblings on the left come before what is below the path, those on the right after it, the deepest first. */
static void prove_one(struct prover *p, struct place place, unsigned depth)
{
  const struct kt_hash *right[KT_PREFIX_DEPTH_MAX];
  size_t n_right = 0;
  for (; !is_at_end(&place); depth++) {
    if (kt_prefix_bit(place.key, depth) == 0) {
      right[n_right++] = sibling(&place);
    } else {
      p->elements[p->n_elements++] = *sibling(&place);
    }
    go_down(&place);
  }
  prove_end(p->results, &place, depth);
  while (n_right > 0) {
    p->elements[p->n_elements++] = *right[--n_right];
  }
}

/* Keys that have come to the same node; sorted, n is not 0. Depth is bounded by the paths'. */
static void prove_range(struct prover *p, struct place *places, size_t n, unsigned depth)
{
  size_t n_left = 0;
  if (n == 1) {
    prove_one(p, places[0], depth);
    return;
  }
  if (is_at_end(&places[0])) {
    for (size_t i = 0; i < n; i++) {
      prove_end(p->results, &places[i], depth);
    }
    return;
  }
  const struct kt_hash *beside = sibling(&places[0]);
  for (size_t i = 0; i < n; i++) {
    n_left += kt_prefix_bit(places[i].key, depth) == 0;
    go_down(&places[i]);
  }
  if (n_left == 0) {
    p->elements[p->n_elements++] = *beside;
  } else {
    prove_range(p, places, n_left, depth + 1);
  }
  if (n_left == n) {
    p->elements[p->n_elements++] = *beside;
  } else {
    prove_range(p, places + n_left, n - n_left, depth + 1);
  }
}

static size_t path_length(const struct kt_prefix_step *step)
{
  size_t n = 0;
  for (; step != NULL; step = step->next) {
    n += step->n_levels;
  }
  return n;
}

enum kt_err kt_prefix_prove_paths(const struct kt_hash *root, const struct kt_prefix_lookup *lookups, size_t n,
                                  struct kt_arena *arena, struct kt_prefix_proof *ret_proof)
{
  if (n > KT_PREFIX_RESULTS_MAX) {
    return KT_ERR_LIMIT;
  }
  struct kt_prefix_item *items = kt_arena_alloc(arena, n, sizeof *items);
  struct place *places = kt_arena_alloc(arena, n, sizeof *places);
  struct prover p = { .results = kt_arena_alloc(arena, n, sizeof *p.results) };
  if (items == NULL || places == NULL || p.results == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n; i++) {
    items[i] = (struct kt_prefix_item){ .key = &lookups[i].key, .index = i };
  }
  if (!kt_prefix_items_sort(items, n)) {
    return KT_ERR_USAGE;
  }
  size_t n_max = n == 0 ? 1 : 0;
  for (size_t i = 0; i < n; i++) {
    const struct kt_prefix_step *path = lookups[items[i].index].path;
    places[i] = (struct place){ .key = items[i].key, .index = items[i].index, .step = path };
    n_max += path_length(path);
  }
  p.elements = kt_arena_alloc(arena, n_max, sizeof *p.elements);
  if (p.elements == NULL) {
    return KT_ERR_MEMORY;
  }
  if (n == 0) {
    p.elements[p.n_elements++] = *root;
  } else {
    prove_range(&p, places, n, 0);
  }
  *ret_proof = (struct kt_prefix_proof){
    .results = p.results, .n_results = n, .elements = p.elements, .n_elements = p.n_elements
  };
  return KT_OK;
}

enum kt_err kt_prefix_prove(const struct kt_prefix_nodes *nodes, struct kt_prefix_child root,
                            const struct kt_hash *keys, size_t n_keys, struct kt_arena *arena,
                            struct kt_prefix_proof *ret_proof)
{
  struct kt_prefix_lookup *lookups = kt_arena_alloc(arena, n_keys, sizeof *lookups);
  if (lookups == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n_keys; i++) {
    lookups[i] = (struct kt_prefix_lookup){ .root_ref = root.ref, .key = keys[i] };
  }
  enum kt_err err = kt_prefix_paths(nodes, lookups, n_keys, arena);
  return err == KT_OK ? kt_prefix_prove_paths(&root.hash, lookups, n_keys, arena, ret_proof) : err;
}
