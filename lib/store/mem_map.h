/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from (table, key) to bytes with one open transaction, for the memory backend.
 *
 * Each item has a committed and a staged value: the writer sees the staged one, readers the committed one. Commit
 * moves, rollback drops; commit cannot fail. Not safe under concurrent use by itself. */
#ifndef KT_STORE_MEM_MAP_H
#define KT_STORE_MEM_MAP_H

#include <kt/bytes.h>
#include <kt/err.h>

struct kt_mem_item;

struct kt_mem_map {
  struct kt_mem_item **buckets;
  size_t n_buckets;
  size_t n_items;
  struct kt_mem_item *staged; /* items with a staged value or removal */
};

void kt_mem_map_init(struct kt_mem_map *map);
void kt_mem_map_release(struct kt_mem_map *map);

/* Borrowed until the next change. KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_mem_map_get(const struct kt_mem_map *map, bool see_staged, int table, struct kt_bytes key,
                                       struct kt_bytes *ret_value);
/* Stage a copy of value; NULL stages the removal. */
KT_MUST_USE enum kt_err kt_mem_map_put(struct kt_mem_map *map, int table, struct kt_bytes key,
                                       const struct kt_bytes *value);
void kt_mem_map_commit(struct kt_mem_map *map);
void kt_mem_map_rollback(struct kt_mem_map *map);

#endif
