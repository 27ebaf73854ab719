/* SPDX-License-Identifier: Apache-2.0 */
/* Removing entries, prefix tree nodes and the list of superseded versions in SQLite. Freed pages are used again by what
 * is added next, so the file stops growing; it does not shrink. */
#include "store/sqlite.h"

#include <string.h>

enum kt_err kt_sqlite_drop_entry(struct kt_store_conn *conn, uint64_t pos)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_ENTRY_DROP, &q);
  kt_sqlite_bind_u64(&q, 1, pos);
  return kt_sqlite_change(&q);
}

enum kt_err kt_sqlite_strip_entry(struct kt_store_conn *conn, uint64_t pos)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_ENTRY_STRIP, &q);
  kt_sqlite_bind_u64(&q, 1, pos);
  kt_sqlite_bind_u64(&q, 2, KT_STORE_REF_PRUNED);
  return kt_sqlite_change(&q);
}

/* --- nodes ---------------------------------------------------------------------------------------------------- */

/* One row of an entry's nodes; records in the query or the arena. */
struct row {
  uint64_t row;
  uint64_t present;
  const uint8_t *records;
  size_t n;
};

static uint64_t first_row(uint64_t pos)
{
  return kt_sqlite_row_of(pos, 0, KT_SQLITE_NODES_PER_ROW);
}

/* The first row of entry pos from *from on, copied into the arena; KT_ERR_ABSENT at the end. */
static enum kt_err next_row(struct kt_store_conn *conn, uint64_t pos, uint64_t from, struct kt_arena *arena,
                            struct row *ret_row)
{
  const size_t node_len = conn->store->node_len;
  struct kt_sqlite_query q;
  struct kt_bytes copy;
  kt_sqlite_start(conn, KT_SQL_NODES_NEXT, &q);
  kt_sqlite_bind_u64(&q, 1, from);
  kt_sqlite_bind_u64(&q, 2, first_row(pos + 1));
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  struct kt_bytes records = kt_sqlite_column_blob(&q, 0);
  struct row row = { .present = kt_sqlite_column_u64(&q, 1), .row = kt_sqlite_column_u64(&q, 2) };
  row.n = (size_t)__builtin_popcountll(row.present);
  if (records.len != row.n * node_len) {
    q.rc = SQLITE_CORRUPT;
  }
  enum kt_err copy_err = kt_store_copy(arena, records.data, records.len, &copy);
  err = kt_sqlite_end(&q);
  err = err == KT_OK ? copy_err : err;
  if (err == KT_OK) {
    row.records = copy.data;
    *ret_row = row;
  }
  return err;
}

/* How many nodes entry pos has left. */
static enum kt_err count_nodes(struct kt_store_conn *conn, uint64_t pos, size_t *ret_n)
{
  size_t n = 0;
  uint64_t from = first_row(pos);
  enum kt_err err = KT_OK;
  while (err == KT_OK) {
    struct kt_arena scratch;
    struct row row = { 0 };
    kt_arena_init(&scratch, KT_ARENA_CAP_DEFAULT);
    err = next_row(conn, pos, from, &scratch, &row);
    kt_arena_release(&scratch);
    n += row.n;
    from = row.row + 1;
  }
  *ret_n = n;
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

enum kt_err kt_sqlite_get_nodes(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                                struct kt_store_nodes *ret_nodes)
{
  const size_t node_len = conn->store->node_len;
  size_t room;
  enum kt_err err = count_nodes(conn, pos, &room);
  if (err != KT_OK) {
    return err;
  }
  uint64_t *refs = kt_arena_alloc(arena, room, sizeof *refs);
  uint8_t *records = kt_arena_alloc(arena, room, node_len);
  if (refs == NULL || records == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t n = 0;
  uint64_t from = first_row(pos);
  while (err == KT_OK) {
    struct kt_arena scratch;
    struct row row = { 0 };
    kt_arena_init(&scratch, KT_ARENA_CAP_DEFAULT);
    err = next_row(conn, pos, from, &scratch, &row);
    if (err == KT_OK && row.n <= room - n) {
      memcpy(records + n * node_len, row.records, row.n * node_len);
      for (uint64_t bits = row.present; bits != 0; bits &= bits - 1) {
        uint64_t index = (row.row - first_row(pos)) * KT_SQLITE_NODES_PER_ROW + (uint64_t)__builtin_ctzll(bits);
        refs[n++] = kt_store_node_ref(pos, index);
      }
      from = row.row + 1;
    }
    kt_arena_release(&scratch);
  }
  if (err != KT_ERR_ABSENT) {
    return err;
  }
  *ret_nodes = (struct kt_store_nodes){ .refs = refs, .records = records, .n = n };
  return KT_OK;
}

/* Rewrite the row so that only `keep` of its nodes are left. */
static enum kt_err shrink_row(struct kt_store_conn *conn, const struct row *row, uint64_t keep, struct kt_arena *arena)
{
  const size_t node_len = conn->store->node_len;
  struct kt_sqlite_query q;
  if (keep == 0) {
    kt_sqlite_start(conn, KT_SQL_NODES_DELETE, &q);
    kt_sqlite_bind_u64(&q, 1, row->row);
    return kt_sqlite_change(&q);
  }
  uint8_t *records = kt_arena_alloc(arena, row->n, node_len);
  if (records == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t n = 0;
  size_t i = 0;
  for (uint64_t bits = row->present; bits != 0; bits &= bits - 1, i++) {
    if ((keep & bits & -bits) != 0) {
      memcpy(records + n++ * node_len, row->records + i * node_len, node_len);
    }
  }
  kt_sqlite_start(conn, KT_SQL_NODES_REPLACE, &q);
  kt_sqlite_bind_u64(&q, 1, row->row);
  kt_sqlite_bind_u64(&q, 2, keep);
  kt_sqlite_bind_blob(&q, 3, records, n * node_len);
  return kt_sqlite_change(&q);
}

/* Which of the row's nodes are among the refs; *next moves behind them. */
static uint64_t nodes_to_keep(const struct row *row, const uint64_t *refs, size_t n, size_t *next)
{
  uint64_t keep = 0;
  for (; *next < n; (*next)++) {
    uint64_t index = kt_store_ref_index(refs[*next]);
    uint64_t at = kt_sqlite_row_of(kt_store_ref_pos(refs[*next]), index, KT_SQLITE_NODES_PER_ROW);
    if (at > row->row) {
      break;
    }
    if (at == row->row) {
      keep |= (uint64_t)1 << index % KT_SQLITE_NODES_PER_ROW;
    }
  }
  return keep & row->present;
}

enum kt_err kt_sqlite_keep_nodes(struct kt_store_conn *conn, uint64_t pos, const uint64_t *refs, size_t n,
                                 uint64_t *ret_n_removed)
{
  uint64_t n_removed = 0;
  uint64_t from = first_row(pos);
  size_t next = 0;
  enum kt_err err = KT_OK;
  while (err == KT_OK) {
    struct kt_arena scratch;
    struct row row = { 0 };
    kt_arena_init(&scratch, KT_ARENA_CAP_DEFAULT);
    err = next_row(conn, pos, from, &scratch, &row);
    uint64_t keep = nodes_to_keep(&row, refs, n, &next);
    if (err == KT_OK && keep != row.present) {
      n_removed += row.n - (size_t)__builtin_popcountll(keep);
      err = shrink_row(conn, &row, keep, &scratch);
      err = err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
    }
    from = row.row + 1;
    kt_arena_release(&scratch);
  }
  if (err != KT_ERR_ABSENT) {
    return err;
  }
  *ret_n_removed = n_removed;
  return KT_OK;
}

/* --- superseded versions ---------------------------------------------------------------------------------------- */

enum kt_err kt_sqlite_put_superseded(struct kt_store_conn *conn, uint64_t pos, uint64_t key)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_SUPERSEDED_PUT, &q);
  kt_sqlite_bind_u64(&q, 1, pos);
  kt_sqlite_bind_u64(&q, 2, key);
  return kt_sqlite_run(&q);
}

enum kt_err kt_sqlite_take_superseded(struct kt_store_conn *conn, uint64_t pos, uint64_t *ret_key)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_SUPERSEDED_GET, &q);
  kt_sqlite_bind_u64(&q, 1, pos);
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  uint64_t key = kt_sqlite_column_u64(&q, 0);
  err = kt_sqlite_end(&q);
  if (err == KT_OK) {
    kt_sqlite_start(conn, KT_SQL_SUPERSEDED_DELETE, &q);
    kt_sqlite_bind_u64(&q, 1, pos);
    kt_sqlite_bind_u64(&q, 2, key);
    err = kt_sqlite_run(&q);
  }
  if (err == KT_OK) {
    *ret_key = key;
  }
  return err;
}
