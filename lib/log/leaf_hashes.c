/* SPDX-License-Identifier: Apache-2.0 */
#include "log/leaf_hashes.h"

#include <stdlib.h>
#include <string.h>

enum kt_err kt_log_leaf_hashes_init(struct kt_log_leaf_hashes *table, uint64_t n_entries, size_t max_bytes)
{
  const size_t n_max = max_bytes / (sizeof *table->first + sizeof *table->hashes); /* each has a leaf */
  const size_t n = n_entries < n_max ? (size_t)n_entries : n_max;
  const size_t n_hashes = (max_bytes - n * sizeof *table->first) / sizeof *table->hashes;
  /* What is never used is never touched. */
  *table = (struct kt_log_leaf_hashes){ .first = malloc((n + 1) * sizeof *table->first),
                                        .hashes = malloc((n_hashes + 1) * sizeof *table->hashes),
                                        .cap_entries = n,
                                        .cap_hashes = n_hashes };
  if (table->first == NULL || table->hashes == NULL) {
    return KT_ERR_MEMORY;
  }
  table->first[0] = 0;
  return KT_OK;
}

void kt_log_leaf_hashes_release(struct kt_log_leaf_hashes *table)
{
  free(table->first);
  free(table->hashes);
  *table = (struct kt_log_leaf_hashes){ 0 };
}

/* The leaves of the next entry. */
static void add(struct kt_log_leaf_hashes *table, const struct kt_log_cache *cache, struct kt_bytes leaves)
{
  const size_t pos = table->n_entries;
  const size_t n = leaves.len / KT_STORE_LEAF_LEN;
  for (size_t i = 0; i < n; i++) {
    struct kt_prefix_leaf leaf;
    memcpy(&leaf, leaves.data + i * KT_STORE_LEAF_LEN, KT_STORE_LEAF_LEN);
    kt_prefix_leaf_hash(&leaf, &table->hashes[table->first[pos] + i]);
    kt_log_cache_put_leaf(cache, kt_store_leaf_ref(pos, i), &leaf);
  }
  table->first[pos + 1] = table->first[pos] + n;
  table->n_entries++;
}

enum kt_err kt_log_leaf_hashes_read(struct kt_log_leaf_hashes *table, struct kt_store_conn *conn,
                                    const struct kt_log_cache *cache)
{
  struct kt_arena arena;
  struct kt_bytes leaves;
  if (table->n_entries == table->cap_entries) {
    return KT_ERR_LIMIT;
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_store_get_leaves(conn, table->n_entries, &arena, &leaves);
  if (err == KT_OK && leaves.len / KT_STORE_LEAF_LEN > table->cap_hashes - table->first[table->n_entries]) {
    err = KT_ERR_LIMIT;
  }
  if (err == KT_OK) {
    add(table, cache, leaves);
  }
  kt_arena_release(&arena);
  return err;
}

bool kt_log_leaf_hashes_get(const struct kt_log_leaf_hashes *table, uint64_t ref, struct kt_hash *ret_hash)
{
  const uint64_t pos = kt_store_ref_pos(ref);
  const uint64_t index = kt_store_ref_index(ref);
  if (pos >= table->n_entries || index >= table->first[pos + 1] - table->first[pos]) {
    return false;
  }
  *ret_hash = table->hashes[table->first[pos] + index];
  return true;
}
