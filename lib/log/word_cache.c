/* SPDX-License-Identifier: Apache-2.0 */
#include "log/word_cache.h"

#include <stdatomic.h>

/* A set is one cache line of a state word and the keys of its ways (0: empty), then the ways' values, to the end of
 * a line. The state: a bit per way that was used since the hand passed it, the hand, and the sequence, odd while
 * the set is being changed. */
#define WAYS 7U
#define WORDS_PER_LINE 8U
#define HEADER_WORDS 8U
#define HAND_SHIFT 8U
#define HAND_MASK 0x7U
#define SEQUENCE_SHIFT 16U
#define SEQUENCE_ONE ((uint64_t)1 << SEQUENCE_SHIFT)

enum kt_err kt_word_cache_init(struct kt_word_cache *cache, size_t n_words, size_t max_bytes)
{
  size_t set_words = (HEADER_WORDS + WAYS * n_words + WORDS_PER_LINE - 1) / WORDS_PER_LINE * WORDS_PER_LINE;
  size_t set_bytes = set_words * sizeof(uint64_t);
  size_t n_sets = max_bytes / set_bytes;
  n_sets = n_sets > UINT32_MAX ? UINT32_MAX : n_sets;
  struct kt_word_cache made = { .n_words = n_words, .set_words = set_words, .n_sets = (uint32_t)n_sets };
  if (n_sets > 0) {
    enum kt_err err = kt_log_pages_init(&made.pages, n_sets * set_bytes);
    if (err != KT_OK) {
      return err;
    }
    made.sets = made.pages.start;
  }
  *cache = made;
  return KT_OK;
}

void kt_word_cache_release(struct kt_word_cache *cache)
{
  kt_log_pages_release(&cache->pages);
  *cache = (struct kt_word_cache){ .n_words = cache->n_words };
}

size_t kt_word_cache_room(const struct kt_word_cache *cache)
{
  return (size_t)cache->n_sets * WAYS;
}

/* Keys are dense and regular; the multiplications spread them (the finaliser of SplitMix64). */
static _Atomic uint64_t *find_set(const struct kt_word_cache *cache, uint64_t key)
{
  uint64_t h = key;
  h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
  h ^= h >> 31;
  size_t index = (size_t)((h >> 32) * cache->n_sets >> 32);
  return cache->sets + index * cache->set_words;
}

void kt_word_cache_prefetch_set(const struct kt_word_cache *cache, uint64_t key)
{
  if (cache->n_sets != 0) {
    __builtin_prefetch(find_set(cache, key));
  }
}

static unsigned find_way(const _Atomic uint64_t *set, uint64_t key)
{
  unsigned way = 0;
  while (way < WAYS && atomic_load_explicit(&set[1 + way], memory_order_acquire) != key) {
    way++;
  }
  return way;
}

static _Atomic uint64_t *value_of(const struct kt_word_cache *cache, _Atomic uint64_t *set, unsigned way)
{
  return set + HEADER_WORDS + way * cache->n_words;
}

void kt_word_cache_prefetch_part(const struct kt_word_cache *cache, uint64_t key, size_t first, size_t n)
{
  if (cache->n_sets == 0 || key == 0) {
    return;
  }
  _Atomic uint64_t *set = find_set(cache, key);
  unsigned way = find_way(set, key);
  if (way == WAYS) {
    return;
  }
  const _Atomic uint64_t *words = value_of(cache, set, way) + first;
  for (size_t i = 0; i < n; i += WORDS_PER_LINE) {
    __builtin_prefetch(words + i);
  }
  __builtin_prefetch(words + n - 1); /* it need not begin where a line does */
}

bool kt_word_cache_get(const struct kt_word_cache *cache, uint64_t key, uint64_t *ret_words)
{
  return kt_word_cache_get_part(cache, key, 0, cache->n_words, ret_words);
}

bool kt_word_cache_get_part(const struct kt_word_cache *cache, uint64_t key, size_t first, size_t n,
                            uint64_t *ret_words)
{
  if (cache->n_sets == 0 || key == 0) {
    return false;
  }
  _Atomic uint64_t *set = find_set(cache, key);
  uint64_t before = atomic_load_explicit(&set[0], memory_order_acquire);
  unsigned way = find_way(set, key);
  if ((before & SEQUENCE_ONE) != 0 || way == WAYS) {
    return false;
  }
  const _Atomic uint64_t *words = value_of(cache, set, way);
  for (size_t i = first; i < first + n; i++) {
    /* Acquire, so that the sequence is read after every word: had one been changed, the sequence had moved before. */
    ret_words[i] = atomic_load_explicit(&words[i], memory_order_acquire);
  }
  uint64_t after = atomic_load_explicit(&set[0], memory_order_relaxed);
  if (before >> SEQUENCE_SHIFT != after >> SEQUENCE_SHIFT) {
    return false;
  }
  if ((after >> way & 1) == 0) {
    atomic_fetch_or_explicit(&set[0], (uint64_t)1 << way, memory_order_relaxed);
  }
  return true;
}

/* The way to replace: the first, from the hand on, that was not used since the hand last passed. The state
 * with the hand behind it. */
static unsigned choose_way(uint64_t *state)
{
  for (;;) {
    unsigned way = (unsigned)(*state >> HAND_SHIFT & HAND_MASK);
    uint64_t next = (way + 1) % WAYS;
    *state = (*state & ~((uint64_t)HAND_MASK << HAND_SHIFT)) | next << HAND_SHIFT;
    uint64_t bit = (uint64_t)1 << way;
    if ((*state & bit) == 0) {
      return way;
    }
    *state &= ~bit;
  }
}

void kt_word_cache_put(const struct kt_word_cache *cache, uint64_t key, const uint64_t *words)
{
  if (cache->n_sets == 0 || key == 0) {
    return;
  }
  _Atomic uint64_t *set = find_set(cache, key);
  uint64_t state = atomic_load_explicit(&set[0], memory_order_relaxed);
  if ((state & SEQUENCE_ONE) != 0 || find_way(set, key) < WAYS ||
      !atomic_compare_exchange_strong_explicit(&set[0], &state, state + SEQUENCE_ONE, memory_order_acquire,
                                               memory_order_relaxed)) {
    return;
  }
  unsigned way = find_way(set, 0); /* one that was never used, or dropped */
  way = way < WAYS ? way : choose_way(&state);
  _Atomic uint64_t *at = value_of(cache, set, way);
  /* Release, so that who sees one of these words sees the odd sequence too. */
  atomic_store_explicit(&set[1 + way], key, memory_order_release);
  for (size_t i = 0; i < cache->n_words; i++) {
    atomic_store_explicit(&at[i], words[i], memory_order_release);
  }
  atomic_store_explicit(&set[0], state + 2 * SEQUENCE_ONE, memory_order_release);
}

void kt_word_cache_drop(const struct kt_word_cache *cache, uint64_t key)
{
  if (cache->n_sets == 0 || key == 0) {
    return;
  }
  _Atomic uint64_t *set = find_set(cache, key);
  uint64_t state = atomic_load_explicit(&set[0], memory_order_relaxed);
  unsigned way = find_way(set, key);
  if ((state & SEQUENCE_ONE) != 0 || way == WAYS ||
      !atomic_compare_exchange_strong_explicit(&set[0], &state, state + SEQUENCE_ONE, memory_order_acquire,
                                               memory_order_relaxed)) {
    return;
  }
  /* The value's words stay: who copies them at this moment copies what is right. */
  atomic_store_explicit(&set[1 + way], 0, memory_order_release);
  atomic_store_explicit(&set[0], (state & ~((uint64_t)1 << way)) + 2 * SEQUENCE_ONE, memory_order_release);
}
