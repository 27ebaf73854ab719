/* SPDX-License-Identifier: Apache-2.0 */
#include "log/cache.h"

#include <string.h>

#define WORDS(type) (sizeof(type) / sizeof(uint64_t))

_Static_assert(sizeof(struct kt_store_entry) == 6 * sizeof(uint64_t), "an entry is whole words, without padding");

enum kt_err kt_log_cache_init(struct kt_log_cache *cache, size_t bytes)
{
  struct kt_log_cache made = { .quads = { 0 } };
  size_t share = bytes / 54;
  enum kt_err err = kt_word_cache_init(&made.quads, WORDS(struct kt_log_quad), 46 * share);
  if (err == KT_OK) {
    err = kt_word_cache_init(&made.leaves, WORDS(struct kt_prefix_leaf), 6 * share);
  }
  if (err == KT_OK) {
    err = kt_word_cache_init(&made.entries, WORDS(struct kt_store_entry), share);
  }
  if (err == KT_OK) {
    err = kt_word_cache_init(&made.log_nodes, WORDS(struct kt_hash), share);
  }
  if (err != KT_OK) {
    kt_log_cache_release(&made);
    return err;
  }
  *cache = made;
  return KT_OK;
}

void kt_log_cache_release(struct kt_log_cache *cache)
{
  kt_word_cache_release(&cache->quads);
  kt_word_cache_release(&cache->leaves);
  kt_word_cache_release(&cache->entries);
  kt_word_cache_release(&cache->log_nodes);
}

size_t kt_log_cache_n_quads(const struct kt_log_cache *cache)
{
  return kt_word_cache_room(&cache->quads);
}

/* Words and what they are made of go through memcpy, which compilers make moves of. */

bool kt_log_cache_get_quad(const struct kt_log_cache *cache, uint64_t ref, union kt_log_quad_words *ret_quad)
{
  return kt_word_cache_get(&cache->quads, ref, ret_quad->words);
}

bool kt_log_cache_get_quad_path(const struct kt_log_cache *cache, uint64_t ref, const struct kt_hash *key,
                                unsigned depth, union kt_log_quad_words *ret_quad)
{
  return kt_word_cache_get_part(&cache->quads, ref, kt_log_path_word(key, depth), KT_LOG_PATH_WORDS, ret_quad->words);
}

void kt_log_cache_put_quad(const struct kt_log_cache *cache, uint64_t ref, const struct kt_log_quad *quad)
{
  uint64_t words[WORDS(struct kt_log_quad)];
  memcpy(words, quad, sizeof words);
  kt_word_cache_put(&cache->quads, ref, words);
}

void kt_log_cache_drop_quad(const struct kt_log_cache *cache, uint64_t ref)
{
  kt_word_cache_drop(&cache->quads, ref);
}

bool kt_log_cache_get_leaf(const struct kt_log_cache *cache, uint64_t ref, struct kt_prefix_leaf *ret_leaf)
{
  uint64_t words[WORDS(struct kt_prefix_leaf)];
  bool found = kt_word_cache_get(&cache->leaves, ref, words);
  if (found) {
    memcpy(ret_leaf, words, sizeof words);
  }
  return found;
}

void kt_log_cache_put_leaf(const struct kt_log_cache *cache, uint64_t ref, const struct kt_prefix_leaf *leaf)
{
  uint64_t words[WORDS(struct kt_prefix_leaf)];
  memcpy(words, leaf, sizeof words);
  kt_word_cache_put(&cache->leaves, ref, words);
}

void kt_log_cache_put_entry(const struct kt_log_cache *cache, uint64_t pos, const struct kt_store_entry *entry)
{
  uint64_t words[WORDS(struct kt_store_entry)];
  memcpy(words, entry, sizeof words);
  kt_word_cache_put(&cache->entries, pos + 1, words);
}

enum kt_err kt_log_cache_entry(const struct kt_log_cache *cache, struct kt_store_conn *conn, uint64_t pos,
                               struct kt_store_entry *ret_entry)
{
  uint64_t words[WORDS(struct kt_store_entry)];
  if (kt_word_cache_get(&cache->entries, pos + 1, words)) {
    memcpy(ret_entry, words, sizeof words);
    return KT_OK;
  }
  enum kt_err err = kt_store_get_entry(conn, pos, ret_entry);
  if (err == KT_OK) {
    kt_log_cache_put_entry(cache, pos, ret_entry);
  }
  return err;
}

static uint64_t log_node_key(uint64_t start, unsigned level)
{
  return (start + 1) << 6 | level; /* positions have 34 bits */
}

void kt_log_cache_put_log_node(const struct kt_log_cache *cache, uint64_t start, unsigned level,
                               const struct kt_hash *hash)
{
  uint64_t words[WORDS(struct kt_hash)];
  memcpy(words, hash, sizeof words);
  kt_word_cache_put(&cache->log_nodes, log_node_key(start, level), words);
}

enum kt_err kt_log_cache_log_node(const struct kt_log_cache *cache, struct kt_store_conn *conn, uint64_t start,
                                  unsigned level, struct kt_hash *ret_hash)
{
  uint64_t words[WORDS(struct kt_hash)];
  if (kt_word_cache_get(&cache->log_nodes, log_node_key(start, level), words)) {
    memcpy(ret_hash, words, sizeof words);
    return KT_OK;
  }
  enum kt_err err = kt_store_get_log_node(conn, start, level, ret_hash);
  if (err == KT_OK) {
    kt_log_cache_put_log_node(cache, start, level, ret_hash);
  }
  return err;
}
