/* SPDX-License-Identifier: Apache-2.0 */
/* Meta data, log entries and prefix tree nodes in SQLite. */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>

enum kt_err kt_sqlite_get_meta(struct kt_store_conn *conn, const char *name, struct kt_arena *arena,
                               struct kt_bytes *ret_value)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_META_GET, &q);
  kt_sqlite_bind_text(&q, 1, name);
  return kt_sqlite_one_blob(&q, arena, ret_value);
}

enum kt_err kt_sqlite_put_meta(struct kt_store_conn *conn, const char *name, struct kt_bytes value)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_META_PUT, &q);
  kt_sqlite_bind_text(&q, 1, name);
  kt_sqlite_bind_blob(&q, 2, value.data, value.len);
  return kt_sqlite_run(&q);
}

/* --- log entries ---------------------------------------------------------------------------------------------- */

enum kt_err kt_sqlite_put_entry(struct kt_store_conn *conn, uint64_t pos, const struct kt_store_entry *entry,
                                struct kt_bytes leaves, struct kt_bytes log_nodes)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_ENTRY_PUT, &q);
  kt_sqlite_bind_u64(&q, 1, pos);
  kt_sqlite_bind_u64(&q, 2, entry->timestamp_ms);
  kt_sqlite_bind_u64(&q, 3, entry->prefix_root_ref);
  kt_sqlite_bind_blob(&q, 4, entry->prefix_root.b, KT_HASH_LEN);
  kt_sqlite_bind_blob(&q, 5, log_nodes.data, log_nodes.len);
  kt_sqlite_bind_blob(&q, 6, leaves.data, leaves.len);
  return kt_sqlite_run(&q);
}

enum kt_err kt_sqlite_count_entries(struct kt_store_conn *conn, uint64_t *ret_n)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_ENTRY_LAST, &q);
  enum kt_err err = kt_sqlite_row(&q);
  if (err == KT_ERR_ABSENT) {
    *ret_n = 0;
    return KT_OK;
  }
  if (err != KT_OK) {
    return err;
  }
  uint64_t last = kt_sqlite_column_u64(&q, 0);
  err = kt_sqlite_end(&q);
  if (err == KT_OK) {
    *ret_n = last + 1;
  }
  return err;
}

enum kt_err kt_sqlite_get_entry(struct kt_store_conn *conn, uint64_t pos, struct kt_store_entry *ret_entry)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_ENTRY_GET, &q);
  kt_sqlite_bind_u64(&q, 1, pos);
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  struct kt_store_entry entry = {
    .timestamp_ms = kt_sqlite_column_u64(&q, 0),
    .prefix_root_ref = kt_sqlite_column_u64(&q, 1),
  };
  kt_sqlite_column_fixed(&q, 2, entry.prefix_root.b, KT_HASH_LEN);
  err = kt_sqlite_end(&q);
  if (err == KT_OK) {
    *ret_entry = entry;
  }
  return err;
}

enum kt_err kt_sqlite_get_leaves(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                                 struct kt_bytes *ret_leaves)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_ENTRY_LEAVES, &q);
  kt_sqlite_bind_u64(&q, 1, pos);
  return kt_sqlite_one_blob(&q, arena, ret_leaves);
}

/* Item `index` of a column of packed items, and the end of the query. */
static enum kt_err end_with_item(struct kt_sqlite_query *q, size_t index, size_t item_len, uint8_t *ret_item)
{
  struct kt_bytes blob = kt_sqlite_column_blob(q, 0);
  bool exists = index < blob.len / item_len;
  if (exists) {
    memcpy(ret_item, blob.data + index * item_len, item_len);
  }
  enum kt_err err = kt_sqlite_end(q);
  if (err == KT_OK && !exists) {
    err = KT_ERR_ABSENT;
  }
  return err;
}

enum kt_err kt_sqlite_get_log_node(struct kt_store_conn *conn, uint64_t pos, unsigned level, struct kt_hash *ret_hash)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_ENTRY_LOG_NODES, &q);
  kt_sqlite_bind_u64(&q, 1, pos);
  enum kt_err err = kt_sqlite_row(&q);
  return err == KT_OK ? end_with_item(&q, level, KT_HASH_LEN, ret_hash->b) : err;
}

/* --- prefix tree nodes ---------------------------------------------------------------------------------------- */

static enum kt_err remember_fresh(struct kt_store_conn *conn, uint64_t pos, const uint8_t *records, uint64_t n)
{
  size_t len = (size_t)n * conn->store->node_len;
  struct kt_sqlite_fresh *fresh = malloc(sizeof *fresh + len);
  if (fresh == NULL) {
    return kt_store_fail(&conn->error, KT_ERR_MEMORY, "writing nodes: out of memory");
  }
  *fresh = (struct kt_sqlite_fresh){ .next = kt_sqlite_of(conn)->fresh, .pos = pos, .n = n };
  memcpy(fresh->records, records, len);
  kt_sqlite_of(conn)->fresh = fresh;
  return KT_OK;
}

/* The first n of a row's nodes. */
static uint64_t first_nodes(uint64_t n)
{
  return n < KT_SQLITE_NODES_PER_ROW ? ((uint64_t)1 << n) - 1 : UINT64_MAX;
}

/* References of consecutive nodes are consecutive, so a row's key is the reference of its first node / row length. */
enum kt_err kt_sqlite_put_nodes(struct kt_store_conn *conn, uint64_t pos, const uint8_t *records, uint64_t n)
{
  const size_t node_len = conn->store->node_len;
  for (uint64_t i = 0; i < n; i += KT_SQLITE_NODES_PER_ROW) {
    uint64_t n_row = n - i < KT_SQLITE_NODES_PER_ROW ? n - i : KT_SQLITE_NODES_PER_ROW;
    struct kt_sqlite_query q;
    kt_sqlite_start(conn, KT_SQL_NODES_PUT, &q);
    kt_sqlite_bind_u64(&q, 1, kt_store_node_ref(pos, i) / KT_SQLITE_NODES_PER_ROW);
    kt_sqlite_bind_u64(&q, 2, first_nodes(n_row));
    kt_sqlite_bind_blob(&q, 3, records + (size_t)i * node_len, (size_t)n_row * node_len);
    enum kt_err err = kt_sqlite_run(&q);
    if (err != KT_OK) {
      return err;
    }
  }
  return remember_fresh(conn, pos, records, n);
}

void kt_sqlite_publish_fresh(struct kt_store_conn *conn)
{
  const size_t node_len = conn->store->node_len;
  for (const struct kt_sqlite_fresh *fresh = kt_sqlite_of(conn)->fresh; fresh != NULL; fresh = fresh->next) {
    for (uint64_t i = 0; i < fresh->n; i++) {
      kt_node_cache_put(&kt_sqlite_store_of(conn)->cache, kt_store_node_ref(fresh->pos, i),
                        fresh->records + (size_t)i * node_len);
    }
  }
  kt_sqlite_drop_fresh(conn);
}

void kt_sqlite_drop_fresh(struct kt_store_conn *conn)
{
  struct kt_sqlite *sqlite = kt_sqlite_of(conn);
  while (sqlite->fresh != NULL) {
    struct kt_sqlite_fresh *next = sqlite->fresh->next;
    free(sqlite->fresh);
    sqlite->fresh = next;
  }
}

static const struct kt_sqlite_fresh *find_fresh(const struct kt_store_conn *conn, uint64_t ref)
{
  const struct kt_sqlite_fresh *fresh = kt_sqlite_of(conn)->fresh;
  while (fresh != NULL && fresh->pos != ref / KT_STORE_NODES_MAX - 1) {
    fresh = fresh->next;
  }
  return fresh;
}

enum kt_err kt_sqlite_get_node(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record)
{
  const size_t node_len = conn->store->node_len;
  /* Uncommitted nodes are the writer's alone; were they cached, a rollback would leave false ones behind. */
  const struct kt_sqlite_fresh *fresh = find_fresh(conn, ref);
  if (fresh != NULL) {
    uint64_t index = ref % KT_STORE_NODES_MAX;
    if (index >= fresh->n) {
      return KT_ERR_ABSENT;
    }
    memcpy(ret_record, fresh->records + (size_t)index * node_len, node_len);
    return KT_OK;
  }
  struct kt_node_cache *cache = &kt_sqlite_store_of(conn)->cache;
  if (kt_node_cache_get(cache, ref, ret_record)) {
    return KT_OK;
  }
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_NODES_GET, &q);
  kt_sqlite_bind_u64(&q, 1, ref / KT_SQLITE_NODES_PER_ROW);
  enum kt_err err = kt_sqlite_row(&q);
  if (err == KT_OK) {
    /* Pruned nodes leave no gap in the row: the place is the number of those still there before it. */
    uint64_t present = kt_sqlite_column_u64(&q, 1);
    uint64_t bit = (uint64_t)1 << ref % KT_SQLITE_NODES_PER_ROW;
    size_t index = (present & bit) != 0 ? (size_t)__builtin_popcountll(present & (bit - 1)) : SIZE_MAX;
    err = end_with_item(&q, index, node_len, ret_record);
  }
  if (err == KT_OK) {
    kt_node_cache_put(cache, ref, ret_record);
  }
  return err;
}
