/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded cache of immutable fixed-size records by 64-bit reference, safe under concurrent use.
 *
 * Set-associative with second chance inside a set: one allocation of the configured size at the start, none later.
 * Sets are spread over mutexes that are held for one copy. A record never changes, so a stale answer cannot exist; only
 * committed records may be put. Reference 0 is reserved. */
#ifndef KT_STORE_NODE_CACHE_H
#define KT_STORE_NODE_CACHE_H

#include <kt/err.h>

#include <pthread.h>
#include <stddef.h>

#define KT_NODE_CACHE_LOCKS 64

struct kt_node_cache_set;

struct kt_node_cache {
  size_t record_len;
  size_t n_sets; /* 0: caches nothing */
  struct kt_node_cache_set *sets;
  uint8_t *records;
  pthread_mutex_t locks[KT_NODE_CACHE_LOCKS];
};

/* max_bytes bounds everything allocated. KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_node_cache_init(struct kt_node_cache *cache, size_t record_len, size_t max_bytes);
void kt_node_cache_release(struct kt_node_cache *cache);

/* Whether ref was found and copied to ret_record. */
bool kt_node_cache_get(struct kt_node_cache *cache, uint64_t ref, uint8_t *ret_record);
void kt_node_cache_put(struct kt_node_cache *cache, uint64_t ref, const uint8_t *record);

#endif
