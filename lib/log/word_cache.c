/* SPDX-License-Identifier: Apache-2.0 */
#include "store/node_cache.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 8

struct kt_node_cache_set {
  uint64_t refs[WAYS];   /* 0: empty */
  uint8_t recently_used; /* a bit per way */
  uint8_t hand;
};

enum kt_err kt_node_cache_init(struct kt_node_cache *cache, size_t record_len, size_t max_bytes)
{
  size_t n_sets = max_bytes / (sizeof(struct kt_node_cache_set) + WAYS * record_len);
  struct kt_node_cache_set *sets = NULL;
  uint8_t *records = NULL;
  if (n_sets > 0) {
    sets = calloc(n_sets, sizeof *sets);
    records = calloc(n_sets, WAYS * record_len);
    if (sets == NULL || records == NULL) {
      free(sets);
      free(records);
      return KT_ERR_MEMORY;
    }
  }
  *cache = (struct kt_node_cache){ .record_len = record_len, .n_sets = n_sets, .sets = sets, .records = records };
  for (size_t i = 0; i < KT_NODE_CACHE_LOCKS; i++) {
    pthread_mutex_init(&cache->locks[i], NULL);
  }
  return KT_OK;
}

void kt_node_cache_release(struct kt_node_cache *cache)
{
  for (size_t i = 0; i < KT_NODE_CACHE_LOCKS; i++) {
    pthread_mutex_destroy(&cache->locks[i]);
  }
  free(cache->sets);
  free(cache->records);
  *cache = (struct kt_node_cache){ .record_len = cache->record_len };
}

/* References are dense and regular; the multiplications spread them (the finaliser of SplitMix64). */
static size_t set_index(const struct kt_node_cache *cache, uint64_t ref)
{
  uint64_t h = ref;
  h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
  h ^= h >> 31;
  return (size_t)(h % cache->n_sets);
}

static uint8_t *record_at(const struct kt_node_cache *cache, size_t set, unsigned way)
{
  return cache->records + (set * WAYS + way) * cache->record_len;
}

static unsigned find_way(const struct kt_node_cache_set *set, uint64_t ref)
{
  unsigned way = 0;
  while (way < WAYS && set->refs[way] != ref) {
    way++;
  }
  return way;
}

/* The way to replace: the first, from the hand on, that was not used since the hand last passed. */
static unsigned choose_way(struct kt_node_cache_set *set)
{
  for (;;) {
    unsigned way = set->hand;
    set->hand = (uint8_t)((way + 1) % WAYS);
    uint8_t bit = (uint8_t)(1U << way);
    if ((set->recently_used & bit) == 0) {
      return way;
    }
    set->recently_used &= (uint8_t)~bit;
  }
}

bool kt_node_cache_get(struct kt_node_cache *cache, uint64_t ref, uint8_t *ret_record)
{
  if (cache->n_sets == 0 || ref == 0) {
    return false;
  }
  size_t index = set_index(cache, ref);
  pthread_mutex_t *lock = &cache->locks[index % KT_NODE_CACHE_LOCKS];
  pthread_mutex_lock(lock);
  struct kt_node_cache_set *set = &cache->sets[index];
  unsigned way = find_way(set, ref);
  if (way < WAYS) {
    set->recently_used |= (uint8_t)(1U << way);
    memcpy(ret_record, record_at(cache, index, way), cache->record_len);
  }
  pthread_mutex_unlock(lock);
  return way < WAYS;
}

void kt_node_cache_put(struct kt_node_cache *cache, uint64_t ref, const uint8_t *record)
{
  if (cache->n_sets == 0 || ref == 0) {
    return;
  }
  size_t index = set_index(cache, ref);
  pthread_mutex_t *lock = &cache->locks[index % KT_NODE_CACHE_LOCKS];
  pthread_mutex_lock(lock);
  struct kt_node_cache_set *set = &cache->sets[index];
  if (find_way(set, ref) == WAYS) {
    unsigned way = choose_way(set);
    set->refs[way] = ref;
    memcpy(record_at(cache, index, way), record, cache->record_len);
  }
  pthread_mutex_unlock(lock);
}
