/* SPDX-License-Identifier: Apache-2.0 */
#include "log/ring_cache.h"

#include <stdatomic.h>

/* A slot: the upper bits of the hash, and the record's position + 1; 0: free. A record: its hash, its length, its
 * words. */
#define WAYS 8U
#define TAG_SHIFT 48U
#define POSITION_MASK (((uint64_t)1 << TAG_SHIFT) - 1)
#define HEADER_WORDS 2U
#define WORDS_PER_SET 256U /* of the ring: four records of half a kilobyte, so that half of the slots are in use */

enum kt_err kt_ring_cache_init(struct kt_ring_cache *cache, size_t max_bytes)
{
  size_t n_sets = max_bytes / sizeof(uint64_t) / (WORDS_PER_SET + WAYS);
  struct kt_ring_cache made = { .n_sets = n_sets, .n_words = n_sets * WORDS_PER_SET };
  if (made.n_words < HEADER_WORDS + KT_RING_RECORD_MAX) {
    made.n_words = made.n_sets = 0;
  } else {
    enum kt_err err = kt_log_pages_init(&made.pages, (made.n_words + made.n_sets * WAYS) * sizeof(uint64_t));
    if (err != KT_OK) {
      return err;
    }
    made.ring = made.pages.start;
    made.slots = made.ring + made.n_words;
  }
  *cache = made;
  pthread_mutex_init(&cache->lock, NULL);
  return KT_OK;
}

void kt_ring_cache_release(struct kt_ring_cache *cache)
{
  kt_log_pages_release(&cache->pages);
  pthread_mutex_destroy(&cache->lock);
}

uint64_t kt_ring_cache_generation(const struct kt_ring_cache *cache)
{
  return atomic_load_explicit(&cache->generation, memory_order_acquire);
}

static _Atomic uint64_t *find_set(const struct kt_ring_cache *cache, uint64_t hash)
{
  return cache->slots + (size_t)((hash & UINT32_MAX) * cache->n_sets >> 32) * WAYS;
}

static bool has_tag(uint64_t slot, uint64_t hash)
{
  return slot != 0 && slot >> TAG_SHIFT == hash >> TAG_SHIFT;
}

/* Not overwritten, nor being overwritten? */
static bool is_whole(const struct kt_ring_cache *cache, uint64_t position)
{
  return atomic_load_explicit(&cache->end, memory_order_relaxed) - position <= cache->n_words;
}

/* NULL: not this hash, or overwritten meanwhile. */
static const uint64_t *copy_record(const struct kt_ring_cache *cache, uint64_t position, uint64_t hash,
                                   struct kt_arena *arena, size_t *ret_n_words)
{
  size_t at = (size_t)(position % cache->n_words);
  const _Atomic uint64_t *record = &cache->ring[at];
  uint64_t stored_hash = atomic_load_explicit(&record[0], memory_order_acquire);
  uint64_t n = atomic_load_explicit(&record[1], memory_order_acquire);
  if (stored_hash != hash || n > KT_RING_RECORD_MAX || n > cache->n_words - at - HEADER_WORDS) {
    return NULL;
  }
  uint64_t *words = kt_arena_alloc(arena, (size_t)n, sizeof *words);
  if (words == NULL) {
    return NULL;
  }
  for (size_t i = 0; i < n; i++) {
    /* Acquire, so that the end is read after every word: had one been overwritten, the end had moved before. */
    words[i] = atomic_load_explicit(&record[HEADER_WORDS + i], memory_order_acquire);
  }
  if (!is_whole(cache, position)) {
    return NULL;
  }
  *ret_n_words = (size_t)n;
  return words;
}

const uint64_t *kt_ring_cache_get(const struct kt_ring_cache *cache, uint64_t hash, struct kt_arena *arena,
                                  size_t *ret_n_words)
{
  if (cache->n_words == 0) {
    return NULL;
  }
  const _Atomic uint64_t *set = find_set(cache, hash);
  for (unsigned way = 0; way < WAYS; way++) {
    uint64_t slot = atomic_load_explicit(&set[way], memory_order_acquire);
    uint64_t position = (slot & POSITION_MASK) - 1;
    if (has_tag(slot, hash) && is_whole(cache, position)) {
      const uint64_t *words = copy_record(cache, position, hash, arena, ret_n_words);
      if (words != NULL) {
        return words;
      }
    }
  }
  return NULL;
}

/* The slot that has this tag already, or else the one whose record is the oldest. */
static _Atomic uint64_t *choose_slot(const struct kt_ring_cache *cache, uint64_t hash)
{
  _Atomic uint64_t *set = find_set(cache, hash);
  _Atomic uint64_t *oldest = &set[0];
  for (unsigned way = 0; way < WAYS; way++) {
    uint64_t slot = atomic_load_explicit(&set[way], memory_order_relaxed);
    if (has_tag(slot, hash)) {
      return &set[way];
    }
    if ((slot & POSITION_MASK) < (atomic_load_explicit(oldest, memory_order_relaxed) & POSITION_MASK)) {
      oldest = &set[way];
    }
  }
  return oldest;
}

/* The caller holds the lock. */
static void append(struct kt_ring_cache *cache, uint64_t hash, const uint64_t *words, size_t n_words)
{
  uint64_t position = atomic_load_explicit(&cache->end, memory_order_relaxed);
  size_t room = cache->n_words - (size_t)(position % cache->n_words);
  if (room < HEADER_WORDS + n_words) { /* a record is in one piece */
    position += room;
  }
  /* Before any word; who sees one of the words, stored with release, sees this too. */
  atomic_store_explicit(&cache->end, position + HEADER_WORDS + n_words, memory_order_relaxed);
  _Atomic uint64_t *record = &cache->ring[position % cache->n_words];
  atomic_store_explicit(&record[0], hash, memory_order_release);
  atomic_store_explicit(&record[1], n_words, memory_order_release);
  for (size_t i = 0; i < n_words; i++) {
    atomic_store_explicit(&record[HEADER_WORDS + i], words[i], memory_order_release);
  }
  uint64_t slot = hash >> TAG_SHIFT << TAG_SHIFT | ((position + 1) & POSITION_MASK);
  atomic_store_explicit(choose_slot(cache, hash), slot, memory_order_release);
}

void kt_ring_cache_put(struct kt_ring_cache *cache, uint64_t generation, uint64_t hash, const uint64_t *words,
                       size_t n_words)
{
  if (cache->n_words == 0 || n_words > KT_RING_RECORD_MAX) {
    return;
  }
  pthread_mutex_lock(&cache->lock);
  if (atomic_load_explicit(&cache->generation, memory_order_relaxed) == generation) {
    append(cache, hash, words, n_words);
  }
  pthread_mutex_unlock(&cache->lock);
}

/* The caller holds the lock. */
static void move_generation(struct kt_ring_cache *cache)
{
  atomic_fetch_add_explicit(&cache->generation, 1, memory_order_release);
}

void kt_ring_cache_forget(struct kt_ring_cache *cache, uint64_t hash)
{
  if (cache->n_words == 0) {
    return;
  }
  pthread_mutex_lock(&cache->lock);
  move_generation(cache);
  _Atomic uint64_t *set = find_set(cache, hash);
  for (unsigned way = 0; way < WAYS; way++) {
    if (has_tag(atomic_load_explicit(&set[way], memory_order_relaxed), hash)) {
      atomic_store_explicit(&set[way], 0, memory_order_release);
    }
  }
  pthread_mutex_unlock(&cache->lock);
}

void kt_ring_cache_forget_all(struct kt_ring_cache *cache)
{
  pthread_mutex_lock(&cache->lock);
  move_generation(cache);
  for (size_t i = 0; i < cache->n_sets * WAYS; i++) {
    atomic_store_explicit(&cache->slots[i], 0, memory_order_release);
  }
  pthread_mutex_unlock(&cache->lock);
}
