/* SPDX-License-Identifier: Apache-2.0 */
/* A path goes down a tree, and each step tells where the next one is, so in a large tree it waits for the
 * memory at every step. A search follows a dozen of them in successive trees: all go down together here, and
 * wait at the same time. */
#include "log/engine.h"

#define TOGETHER 64U

struct walk {
  const struct kt_hash *key;
  uint64_t ref;                       /* what comes next; 0: nothing */
  const struct kt_prefix_step **link; /* where its step is put */
};

static void prefetch_place(const struct kt_log_cache *cache, uint64_t ref)
{
  if (cache != NULL && ref != 0) {
    kt_word_cache_prefetch_set(kt_store_ref_is_leaf(ref) ? &cache->leaves : &cache->quads, ref);
  }
}

static void prefetch_value(const struct kt_log_cache *cache, const struct walk *walk, unsigned depth)
{
  if (cache == NULL || walk->ref == 0 || depth >= KT_PREFIX_DEPTH_MAX) {
    return;
  }
  if (kt_store_ref_is_leaf(walk->ref)) {
    kt_word_cache_prefetch_part(&cache->leaves, walk->ref, 0, cache->leaves.n_words);
  } else {
    kt_word_cache_prefetch_part(&cache->quads, walk->ref, kt_log_path_word(walk->key, depth), KT_LOG_PATH_WORDS);
  }
}

/* A walk that has come to where the one before it is, in a tree that has the same subtree, goes on with that one's
 * steps. How many are left. */
static size_t join(const struct kt_log_cache *cache, struct walk *walks, size_t n, unsigned depth,
                   struct kt_prefix_step *steps)
{
  size_t n_left = 0;
  for (size_t i = 0; i < n; i++) {
    const struct walk walk = walks[i];
    if (n_left > 0 && walks[n_left - 1].ref == walk.ref && kt_prefix_compare(walks[n_left - 1].key, walk.key) == 0) {
      *walk.link = &steps[n_left - 1];
      continue;
    }
    *walk.link = &steps[n_left];
    prefetch_value(cache, &walk, depth);
    walks[n_left++] = walk;
  }
  return n_left;
}

static enum kt_err take_step(struct kt_log_nodes *nodes, struct walk *walk, unsigned depth, struct kt_prefix_step *step)
{
  union kt_log_quad_words quad;
  if (walk->ref == 0) {
    return KT_OK;
  }
  if (kt_store_ref_is_leaf(walk->ref)) {
    step->is_leaf = true;
    return kt_log_leaf_get(nodes, walk->ref, &step->leaf);
  }
  if (depth >= KT_PREFIX_DEPTH_MAX) {
    return KT_ERR_STORE; /* no tree of ours is that deep */
  }
  enum kt_err err = kt_log_quad_path_get(nodes, walk->ref, walk->key, depth, &quad);
  if (err != KT_OK) {
    return err;
  }
  kt_log_quad_step(&quad.quad, walk->key, depth, step, &walk->ref);
  walk->link = &step->next;
  return depth + step->n_levels <= KT_PREFIX_DEPTH_MAX ? KT_OK : KT_ERR_STORE;
}

/* Every walk from one even depth to the next. */
static enum kt_err go_down(struct kt_log_nodes *nodes, struct walk *walks, size_t *n, unsigned depth,
                           struct kt_arena *arena)
{
  struct kt_prefix_step *steps = kt_arena_alloc(arena, *n, sizeof *steps);
  if (steps == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t n_joined = join(nodes->cache, walks, *n, depth, steps);
  size_t n_left = 0;
  for (size_t i = 0; i < n_joined; i++) {
    enum kt_err err = take_step(nodes, &walks[i], depth, &steps[i]);
    if (err != KT_OK) {
      return err;
    }
    if (steps[i].n_levels > 0) {
      prefetch_place(nodes->cache, walks[i].ref);
      walks[n_left++] = walks[i];
    }
  }
  *n = n_left;
  return KT_OK;
}

static enum kt_err walk_together(struct kt_log_nodes *nodes, struct kt_prefix_lookup *const *lookups, size_t n,
                                 struct kt_arena *arena)
{
  struct walk walks[TOGETHER];
  enum kt_err err = KT_OK;
  for (size_t i = 0; i < n; i++) {
    walks[i] = (struct walk){ .key = &lookups[i]->key, .ref = lookups[i]->root_ref, .link = &lookups[i]->path };
    prefetch_place(nodes->cache, walks[i].ref);
  }
  for (unsigned depth = 0; err == KT_OK && n > 0; depth += 2) {
    err = go_down(nodes, walks, &n, depth, arena);
  }
  return err;
}

/* What was read ahead is asked for in the same order, nearly. */
static const struct kt_prefix_step *find_ahead(struct kt_log_nodes *nodes, const struct kt_prefix_lookup *lookup)
{
  for (size_t i = 0; i < nodes->n_ahead; i++) {
    size_t at = (nodes->next_ahead + i) % nodes->n_ahead;
    const struct kt_prefix_lookup *ahead = &nodes->ahead[at];
    if (ahead->root_ref == lookup->root_ref && kt_prefix_compare(&ahead->key, &lookup->key) == 0) {
      nodes->next_ahead = at + 1;
      return ahead->path;
    }
  }
  return NULL;
}

enum kt_err kt_log_paths(void *ctx, struct kt_prefix_lookup *lookups, size_t n, struct kt_arena *arena)
{
  struct kt_log_nodes *nodes = ctx;
  struct kt_prefix_lookup *left[TOGETHER];
  size_t n_left = 0;
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    lookups[i].path = find_ahead(nodes, &lookups[i]);
    if (lookups[i].path == NULL) {
      left[n_left++] = &lookups[i];
    }
    if (n_left == TOGETHER || i + 1 == n) {
      err = walk_together(nodes, left, n_left, arena);
      n_left = 0;
    }
  }
  return err;
}

void kt_log_read_ahead(struct kt_log_nodes *nodes, struct kt_prefix_lookup *lookups, size_t n, struct kt_arena *arena)
{
  if (kt_log_paths(nodes, lookups, n, arena) == KT_OK) {
    nodes->ahead = lookups;
    nodes->n_ahead = n;
    nodes->next_ahead = 0;
  }
}
