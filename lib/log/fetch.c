/* SPDX-License-Identifier: Apache-2.0 */
/* A lookup goes down a path, and each step tells where the next one is, so in a large tree it waits for the memory at every step.
 * A search makes a dozen lookups in successive trees: all of them go down together here, and wait at the same time. */
#include <stdatomic.h>

#include "log/engine.h"

#define LEVELS_PER_QUAD 2U

/* References in caches; 0: at an end. */
struct path {
  const struct kt_hash *key;
  uint64_t ref;
  const _Atomic uint64_t *words;
};

_Static_assert(offsetof(struct kt_log_quad, slot) == 0, "a quad's words begin with its slots");

static const struct kt_word_cache *cache_of(const struct kt_log_cache *cache, uint64_t ref)
{
  return kt_store_ref_is_leaf(ref) ? &cache->leaves : &cache->quads;
}

static uint64_t slot_below(const struct path *path, unsigned depth)
{
  const _Atomic uint64_t *slots = path->words + 2 * kt_prefix_bit(path->key, depth);
  uint64_t second = atomic_load_explicit(&slots[1], memory_order_relaxed);
  return second == KT_LOG_SLOT_LEAF || kt_prefix_bit(path->key, depth + 1) == 0
             ? atomic_load_explicit(&slots[0], memory_order_relaxed)
             : second;
}

/* Where what is looked at next was not reached by the path before, which is in a tree that has this subtree as well. */
static size_t fetch_values(const struct kt_log_cache *cache, struct path *paths, size_t n)
{
  size_t n_left = 0;
  for (size_t i = 0; i < n; i++) {
    struct path path = paths[i];
    bool is_shared = n_left > 0 && paths[n_left - 1].key == path.key && paths[n_left - 1].ref == path.ref;
    path.words = is_shared ? NULL : kt_word_cache_prefetch_value(cache_of(cache, path.ref), path.ref);
    if (path.words != NULL) {
      paths[n_left++] = path;
    }
  }
  return n_left;
}

static size_t step(const struct kt_log_cache *cache, struct path *paths, size_t n, unsigned depth)
{
  size_t n_left = 0;
  for (size_t i = 0; i < n; i++) {
    struct path path = paths[i];
    path.ref = kt_store_ref_is_leaf(path.ref) ? 0 : slot_below(&path, depth);
    if (path.ref != 0) {
      kt_word_cache_prefetch_set(cache_of(cache, path.ref), path.ref);
      paths[n_left++] = path;
    }
  }
  return n_left;
}

void kt_log_fetch(const struct kt_log_cache *cache, const struct kt_log_lookup *lookups, size_t n)
{
  struct path paths[KT_LOG_FETCH_MAX];
  size_t n_left = 0;
  for (size_t i = 0; i < n && i < KT_LOG_FETCH_MAX; i++) {
    if (lookups[i].root_ref != 0) {
      paths[n_left++] = (struct path){ .key = lookups[i].key, .ref = lookups[i].root_ref };
      kt_word_cache_prefetch_set(cache_of(cache, lookups[i].root_ref), lookups[i].root_ref);
    }
  }
  for (unsigned depth = 0; n_left > 0 && depth + LEVELS_PER_QUAD <= 8 * KT_HASH_LEN; depth += LEVELS_PER_QUAD) {
    n_left = fetch_values(cache, paths, n_left);
    n_left = step(cache, paths, n_left, depth);
  }
}
