/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and leaves of prefix trees in SQLite: fixed-size records, many to a row, rows under integer keys that only
 * grow. */
#include "store/sqlite.h"

#include <string.h>

/* A row that was just written has to be where readers look for it. In a damaged tree it can be where nobody does, and who signs
 * for it promises what cannot be shown. */
static enum kt_err require_row(struct kt_store_conn *conn, enum kt_sqlite_statement get, uint64_t row,
                               struct kt_bytes data)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, get, &q);
  kt_sqlite_bind_u64(&q, 1, row);
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK && err != KT_ERR_ABSENT) {
    return err;
  }
  const struct kt_bytes found = err == KT_OK ? kt_sqlite_column_blob(&q, 0) : (struct kt_bytes){ 0 };
  const bool is_there = found.data != NULL && found.len == data.len && memcmp(found.data, data.data, data.len) == 0;
  if (!is_there && q.rc != SQLITE_NOMEM) {
    q.rc = SQLITE_CORRUPT;
  }
  return kt_sqlite_end(&q);
}

/* --- leaves ------------------------------------------------------------------------------------------------------- */

enum kt_err kt_sqlite_put_leaves(struct kt_store_conn *conn, uint64_t pos, struct kt_bytes leaves)
{
  const size_t row_len = (size_t)KT_SQLITE_LEAVES_PER_ROW * KT_STORE_LEAF_LEN;
  enum kt_err err = KT_OK;
  for (size_t at = 0; err == KT_OK && at < leaves.len; at += row_len) {
    const uint64_t row = kt_sqlite_row_of(pos, at / KT_STORE_LEAF_LEN, KT_SQLITE_LEAVES_PER_ROW);
    const struct kt_bytes data = { leaves.data + at, leaves.len - at < row_len ? leaves.len - at : row_len };
    struct kt_sqlite_query q;
    kt_sqlite_start(conn, KT_SQL_LEAVES_PUT, &q);
    kt_sqlite_bind_u64(&q, 1, row);
    kt_sqlite_bind_blob(&q, 2, data.data, data.len);
    err = kt_sqlite_run(&q);
    err = err == KT_OK ? require_row(conn, KT_SQL_LEAVES_GET, row, data) : err;
  }
  /* Half an entry is in the transaction, which therefore must not commit. */
  return err == KT_ERR_CONFLICT ? KT_ERR_STORE : err;
}

static void start_leaves(struct kt_store_conn *conn, uint64_t pos, uint64_t index, struct kt_sqlite_query *ret_query)
{
  kt_sqlite_start(conn, KT_SQL_LEAVES_GET, ret_query);
  kt_sqlite_bind_u64(ret_query, 1, kt_sqlite_row_of(pos, index, KT_SQLITE_LEAVES_PER_ROW));
}

enum kt_err kt_sqlite_get_leaf(struct kt_store_conn *conn, uint64_t pos, uint64_t index, uint8_t *ret_leaf)
{
  struct kt_sqlite_query q;
  start_leaves(conn, pos, index, &q);
  enum kt_err err = kt_sqlite_row(&q);
  return err == KT_OK ? kt_sqlite_end_with_item(&q, index % KT_SQLITE_LEAVES_PER_ROW, KT_STORE_LEAF_LEN, ret_leaf)
                      : err;
}

/* Rows until one is missing or not full, copied to ret_leaves when it is not NULL; the length of all. */
static enum kt_err read_leaves(struct kt_store_conn *conn, uint64_t pos, uint8_t *ret_leaves, size_t room,
                               size_t *ret_len)
{
  const size_t row_len = (size_t)KT_SQLITE_LEAVES_PER_ROW * KT_STORE_LEAF_LEN;
  size_t len = 0;
  bool is_full = true;
  while (is_full && len < (size_t)KT_STORE_LEAVES_MAX * KT_STORE_LEAF_LEN) {
    struct kt_sqlite_query q;
    start_leaves(conn, pos, len / KT_STORE_LEAF_LEN, &q);
    enum kt_err err = kt_sqlite_row(&q);
    if (err == KT_ERR_ABSENT) {
      break;
    }
    if (err != KT_OK) {
      return err;
    }
    struct kt_bytes row = kt_sqlite_column_blob(&q, 0);
    if (row.len > row_len || row.len % KT_STORE_LEAF_LEN != 0) {
      q.rc = SQLITE_CORRUPT;
    } else if (ret_leaves != NULL && row.len > 0 && row.len <= room - len) {
      memcpy(ret_leaves + len, row.data, row.len);
    }
    is_full = row.len == row_len;
    len += row.len;
    err = kt_sqlite_end(&q);
    if (err != KT_OK) {
      return err;
    }
  }
  *ret_len = len;
  return len > 0 ? KT_OK : KT_ERR_ABSENT;
}

enum kt_err kt_sqlite_get_leaves(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                                 struct kt_bytes *ret_leaves)
{
  size_t len;
  enum kt_err err = read_leaves(conn, pos, NULL, 0, &len);
  if (err != KT_OK) {
    return err;
  }
  uint8_t *leaves = kt_arena_alloc(arena, len, 1);
  if (leaves == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t room = len;
  err = read_leaves(conn, pos, leaves, room, &len);
  if (err == KT_OK && len != room) {
    err = KT_ERR_STORE; /* they are written once */
  }
  if (err == KT_OK) {
    *ret_leaves = (struct kt_bytes){ .data = leaves, .len = len };
  }
  return err;
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

/* The first n of a row's nodes. */
static uint64_t first_nodes(uint64_t n)
{
  return ((uint64_t)1 << n) - 1;
}

enum kt_err kt_sqlite_put_nodes(struct kt_store_conn *conn, uint64_t pos, const uint8_t *records, uint64_t n)
{
  const size_t node_len = conn->store->node_len;
  enum kt_err err = KT_OK;
  for (uint64_t i = 0; err == KT_OK && i < n; i += KT_SQLITE_NODES_PER_ROW) {
    const uint64_t n_row = n - i < KT_SQLITE_NODES_PER_ROW ? n - i : KT_SQLITE_NODES_PER_ROW;
    const uint64_t row = kt_sqlite_row_of(pos, i, KT_SQLITE_NODES_PER_ROW);
    const struct kt_bytes data = { records + (size_t)i * node_len, (size_t)n_row * node_len };
    struct kt_sqlite_query q;
    kt_sqlite_start(conn, KT_SQL_NODES_PUT, &q);
    kt_sqlite_bind_u64(&q, 1, row);
    kt_sqlite_bind_u64(&q, 2, first_nodes(n_row));
    kt_sqlite_bind_blob(&q, 3, data.data, data.len);
    err = kt_sqlite_run(&q);
    err = err == KT_OK ? require_row(conn, KT_SQL_NODES_GET, row, data) : err;
  }
  return err;
}

enum kt_err kt_sqlite_get_node(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record)
{
  uint64_t index = kt_store_ref_index(ref);
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_NODES_GET, &q);
  kt_sqlite_bind_u64(&q, 1, kt_sqlite_row_of(kt_store_ref_pos(ref), index, KT_SQLITE_NODES_PER_ROW));
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  /* Pruned nodes leave no gap in the row: the place is the number of those still there before it. */
  uint64_t present = kt_sqlite_column_u64(&q, 1);
  uint64_t bit = (uint64_t)1 << index % KT_SQLITE_NODES_PER_ROW;
  size_t place = (present & bit) != 0 ? (size_t)__builtin_popcountll(present & (bit - 1)) : SIZE_MAX;
  return kt_sqlite_end_with_item(&q, place, conn->store->node_len, ret_record);
}
