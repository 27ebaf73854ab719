/* SPDX-License-Identifier: Apache-2.0 */
/* Meta data and log entries in SQLite. */
#include "store/sqlite.h"

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
  enum kt_err err = kt_sqlite_run(&q);
  return err == KT_OK ? kt_sqlite_put_leaves(conn, pos, leaves) : err;
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

enum kt_err kt_sqlite_get_log_node(struct kt_store_conn *conn, uint64_t pos, unsigned level, struct kt_hash *ret_hash)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_ENTRY_LOG_NODES, &q);
  kt_sqlite_bind_u64(&q, 1, pos);
  enum kt_err err = kt_sqlite_row(&q);
  return err == KT_OK ? kt_sqlite_end_with_item(&q, level, KT_HASH_LEN, ret_hash->b) : err;
}
