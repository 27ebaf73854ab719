/* SPDX-License-Identifier: Apache-2.0 */
/* What answers read most, in memory: quads and leaves of prefix trees, entries, log tree nodes. Bounded by one number
 * of bytes, of which quads get 46 of 54 parts, leaves 6, entries and log tree nodes one each. Everything here is
 * durable and immutable; an entry that was pruned is not asked for here. */
#ifndef KT_LOG_CACHE_H
#define KT_LOG_CACHE_H

#include "log/quad.h"
#include "log/word_cache.h"

struct kt_log_cache {
  struct kt_word_cache quads;
  struct kt_word_cache leaves;
  struct kt_word_cache entries;
  struct kt_word_cache log_nodes;
};

/* bytes 0: every get misses. KT_ERR_MEMORY. */
KT_MUST_USE enum kt_err kt_log_cache_init(struct kt_log_cache *cache, size_t bytes);
void kt_log_cache_release(struct kt_log_cache *cache);

/* For how many quads there is room. */
size_t kt_log_cache_n_quads(const struct kt_log_cache *cache);
bool kt_log_cache_get_quad(const struct kt_log_cache *cache, uint64_t ref, union kt_log_quad_words *ret_quad);
/* Only what a key's path needs of a quad at this depth (kt_log_path_word). */
bool kt_log_cache_get_quad_path(const struct kt_log_cache *cache, uint64_t ref, const struct kt_hash *key,
                                unsigned depth, union kt_log_quad_words *ret_quad);
void kt_log_cache_put_quad(const struct kt_log_cache *cache, uint64_t ref, const struct kt_log_quad *quad);
/* It will hardly be asked for again: give up its place. */
void kt_log_cache_drop_quad(const struct kt_log_cache *cache, uint64_t ref);
bool kt_log_cache_get_leaf(const struct kt_log_cache *cache, uint64_t ref, struct kt_prefix_leaf *ret_leaf);
void kt_log_cache_put_leaf(const struct kt_log_cache *cache, uint64_t ref, const struct kt_prefix_leaf *leaf);

void kt_log_cache_put_entry(const struct kt_log_cache *cache, uint64_t pos, const struct kt_store_entry *entry);
/* The head of a balanced subtree of the log tree. */
void kt_log_cache_put_log_node(const struct kt_log_cache *cache, uint64_t start, unsigned level,
                               const struct kt_hash *hash);

/* From the cache, or from the store and then into the cache; the entry has to be published. Errors of
 * kt_store_get_entry and kt_store_get_log_node. */
KT_MUST_USE enum kt_err kt_log_cache_entry(const struct kt_log_cache *cache, struct kt_store_conn *conn, uint64_t pos,
                                           struct kt_store_entry *ret_entry);
KT_MUST_USE enum kt_err kt_log_cache_log_node(const struct kt_log_cache *cache, struct kt_store_conn *conn,
                                              uint64_t start, unsigned level, struct kt_hash *ret_hash);

#endif
