/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded cache of records of any length by 64-bit hash, for any number of threads, without a lock for those who read.
 *
 * Records are appended to a ring of 64-bit words, where the newest overwrite the oldest; a table of places in it, eight
 * to a hash, finds them. Positions count all words ever appended, so that who has copied a record can tell whether it
 * was overwritten meanwhile, and takes that for a miss. Two keys may have one hash: the caller compares what it got.
 *
 * What is cached may change. Whoever changes it durably calls forget before anybody may expect the new one; whoever
 * read it before then puts the old one in vain, because the generation has moved. */
#ifndef KT_LOG_RING_CACHE_H
#define KT_LOG_RING_CACHE_H

#include <kt/arena.h>
#include <kt/err.h>

#include <pthread.h>
#include <stdint.h>

#include "log/pages.h"

#define KT_RING_RECORD_MAX 960 /* words: a value of some kilobytes */

struct kt_ring_cache {
  pthread_mutex_t lock; /* of those who put or forget */
  size_t n_words;       /* of the ring; 0: caches nothing */
  size_t n_sets;
  struct kt_log_pages pages;
  _Atomic uint64_t *ring;
  _Atomic uint64_t *slots;
  _Atomic uint64_t end; /* words appended so far */
  _Atomic uint64_t generation;
};

/* max_bytes bounds everything allocated. Owned by the cache until release. KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_ring_cache_init(struct kt_ring_cache *cache, size_t max_bytes);
void kt_ring_cache_release(struct kt_ring_cache *cache);

/* What a later put is to be told: taken before the record is read from where it is durable. */
uint64_t kt_ring_cache_generation(const struct kt_ring_cache *cache);
/* A copy in the arena, or NULL. */
const uint64_t *kt_ring_cache_get(const struct kt_ring_cache *cache, uint64_t hash, struct kt_arena *arena,
                                  size_t *ret_n_words);
/* Replaces what has this hash. Nothing happens when the generation has moved, or the record is too long. */
void kt_ring_cache_put(struct kt_ring_cache *cache, uint64_t generation, uint64_t hash, const uint64_t *words,
                       size_t n_words);
void kt_ring_cache_forget(struct kt_ring_cache *cache, uint64_t hash);
void kt_ring_cache_forget_all(struct kt_ring_cache *cache);

#endif
