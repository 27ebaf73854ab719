/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded cache of immutable values of a fixed number of 64-bit words by 64-bit key, for any number of threads, without
 * a lock for those who read.
 *
 * Set-associative with second chance inside a set: one allocation of the configured size at the start, none later;
 * pages that are never used stay untouched. A set is under a sequence counter: who puts makes it odd while words
 * change, who gets copies and looks whether it moved, and takes that for a miss. A value never changes, so a stale
 * answer cannot exist; only committed values may be put. Key 0 is reserved. */
#ifndef KT_LOG_WORD_CACHE_H
#define KT_LOG_WORD_CACHE_H

#include <kt/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/pages.h"

struct kt_word_cache {
  size_t n_words;   /* of one value */
  size_t set_words; /* of a set: whole lines */
  uint32_t n_sets;  /* 0: caches nothing */
  _Atomic uint64_t *sets;
  struct kt_log_pages pages;
};

/* max_bytes bounds everything allocated. KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_word_cache_init(struct kt_word_cache *cache, size_t n_words, size_t max_bytes);
void kt_word_cache_release(struct kt_word_cache *cache);

/* How many values there is room for. */
size_t kt_word_cache_room(const struct kt_word_cache *cache);
/* Whether the key was found and its words copied; otherwise ret_words may hold anything. */
bool kt_word_cache_get(const struct kt_word_cache *cache, uint64_t key, uint64_t *ret_words);
/* Only its words from `first` on, n of them, to where they are in the whole value. */
bool kt_word_cache_get_part(const struct kt_word_cache *cache, uint64_t key, size_t first, size_t n,
                            uint64_t *ret_words);
/* For who is about to get many values and would wait for the memory each time: first where each key is looked for,
 * then, when that has come, the part of its value. */
void kt_word_cache_prefetch_set(const struct kt_word_cache *cache, uint64_t key);
void kt_word_cache_prefetch_part(const struct kt_word_cache *cache, uint64_t key, size_t first, size_t n);
/* Dropped when another thread changes the same set at this moment. */
void kt_word_cache_put(const struct kt_word_cache *cache, uint64_t key, const uint64_t *words);
/* The key is not wanted any more: its place is the next that is taken. Another thread may keep it from being
 * dropped. */
void kt_word_cache_drop(const struct kt_word_cache *cache, uint64_t key);

#endif
