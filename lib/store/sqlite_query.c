/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite.h"

#include <string.h>

#include "store/sqlite_cause.h"

struct statement {
  const char *operation; /* for messages */
  const char *sql;
};

/* Every statement there is; all data goes through parameters. */
static const struct statement statements[KT_SQL_COUNT] = {
  [KT_SQL_BEGIN] = { "beginning a transaction", "BEGIN IMMEDIATE" },
  [KT_SQL_BEGIN_READ] = { "beginning to read", "BEGIN" },
  [KT_SQL_COMMIT] = { "committing", "COMMIT" },
  [KT_SQL_ROLLBACK] = { "rolling back", "ROLLBACK" },
  [KT_SQL_META_GET] = { "reading meta data", "SELECT value FROM meta WHERE name = ?1" },
  [KT_SQL_META_PUT] = { "writing meta data", "INSERT INTO meta (name, value) VALUES (?1, ?2)"
                                             " ON CONFLICT (name) DO UPDATE SET value = excluded.value" },
  [KT_SQL_ENTRY_LAST] = { "counting entries", "SELECT pos FROM entries ORDER BY pos DESC LIMIT 1" },
  [KT_SQL_ENTRY_PUT] = { "writing an entry",
                         "INSERT INTO entries (pos, timestamp_ms, prefix_root_ref, prefix_root, log_nodes)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)" },
  [KT_SQL_ENTRY_GET] = { "reading an entry",
                         "SELECT timestamp_ms, prefix_root_ref, prefix_root FROM entries WHERE pos = ?1" },
  [KT_SQL_ENTRY_LOG_NODES] = { "reading log nodes", "SELECT log_nodes FROM entries WHERE pos = ?1" },
  [KT_SQL_ENTRY_DROP] = { "dropping an entry", "DELETE FROM entries WHERE pos = ?1" },
  [KT_SQL_ENTRY_STRIP] = { "stripping an entry", "UPDATE entries SET prefix_root_ref = ?2 WHERE pos = ?1" },
  [KT_SQL_LEAVES_PUT] = { "writing leaf changes", "INSERT INTO prefix_leaves (row, leaves) VALUES (?1, ?2)" },
  [KT_SQL_LEAVES_GET] = { "reading leaf changes", "SELECT leaves FROM prefix_leaves WHERE row = ?1" },
  [KT_SQL_NODES_PUT] = { "writing nodes", "INSERT INTO prefix_nodes (row, present, records) VALUES (?1, ?2, ?3)" },
  [KT_SQL_NODES_GET] = { "reading a node", "SELECT records, present FROM prefix_nodes WHERE row = ?1" },
  [KT_SQL_NODES_NEXT] = { "reading nodes", "SELECT records, present, row FROM prefix_nodes WHERE row >= ?1 AND row < ?2"
                                           " ORDER BY row LIMIT 1" },
  [KT_SQL_NODES_REPLACE] = { "removing nodes", "UPDATE prefix_nodes SET present = ?2, records = ?3 WHERE row = ?1" },
  [KT_SQL_NODES_DELETE] = { "removing nodes", "DELETE FROM prefix_nodes WHERE row = ?1" },
  [KT_SQL_LABEL_GET] = { "reading a label", "SELECT label_id, n_versions, newest_pos, state, label FROM labels"
                                            " WHERE label = ?1" },
  [KT_SQL_LABEL_PUT] = { "creating a label", "INSERT INTO labels (label_id, label, n_versions, newest_pos, state) "
                                             "VALUES (?1, ?2, ?3, ?4, ?5)" },
  [KT_SQL_LABEL_LAST] = { "creating a label", "SELECT coalesce(max(label_id), 0) FROM labels" },
  [KT_SQL_LABEL_UPDATE] = { "updating a label", "UPDATE labels SET n_versions = ?2, newest_pos = ?3, state = ?4"
                                                " WHERE label_id = ?1" },
  [KT_SQL_LABEL_NEXT] = { "walking the labels", "SELECT label_id, n_versions, newest_pos, state, label FROM labels"
                                                " WHERE label_id > ?1 ORDER BY label_id LIMIT 1" },
  [KT_SQL_VERSION_PUT] = { "writing a version", "INSERT INTO versions (key, pos, leaf, opening, suffix, value)"
                                                " VALUES (?1, ?2, ?3, ?4, ?5, ?6)" },
  [KT_SQL_VERSION_GET] = { "reading a version", "SELECT pos, leaf, opening IS NULL FROM versions WHERE key = ?1" },
  [KT_SQL_VERSION_ERASE] = { "erasing a version", "UPDATE versions SET opening = NULL, suffix = NULL, value = NULL"
                                                  " WHERE key = ?1" },
  /* ?1: the label's number; its versions' keys are those from ?1 << 32 on. */
  [KT_SQL_PROOFS_ERASE] = { "erasing a label",
                            "DELETE FROM vrf_proofs WHERE key >= ?1 << 31 AND key < (?1 + 1) << 31" },
  [KT_SQL_VERSIONS_ERASE] = { "erasing a label",
                              "DELETE FROM versions WHERE key >= ?1 << 32 AND key < (?1 + 1) << 32" },
  [KT_SQL_LABEL_ERASE] = { "erasing a label", "DELETE FROM labels WHERE label_id = ?1" },
  [KT_SQL_LABEL_EXISTS] = { "looking for a label", "SELECT 1 FROM labels WHERE label_id = ?1" },
  /* All but the tables that hold hashes only, which are most of the file. */
  [KT_SQL_PERSONAL_TREES] = { "overwriting what was erased",
                              "SELECT rootpage FROM sqlite_schema WHERE rootpage > 0"
                              " AND tbl_name NOT IN ('entries', 'prefix_leaves', 'prefix_nodes')" },
  [KT_SQL_PAYLOAD_GET] = { "reading a value", "SELECT opening, suffix, value, pos, leaf FROM versions WHERE key = ?1" },
  [KT_SQL_SUPERSEDED_PUT] = { "remembering a superseded version", "INSERT INTO superseded (pos, key) VALUES (?1, ?2)" },
  [KT_SQL_SUPERSEDED_GET] = { "reading superseded versions", "SELECT key FROM superseded WHERE pos = ?1 LIMIT 1" },
  [KT_SQL_SUPERSEDED_DELETE] = { "forgetting a superseded version",
                                 "DELETE FROM superseded WHERE pos = ?1 AND key = ?2" },
  /* What is there stays; a row that has all of it already is not written again. */
  [KT_SQL_PROOFS_PUT] = { "writing VRF proofs",
                          "INSERT INTO vrf_proofs (key, even, odd) VALUES (?1, ?2, ?3)"
                          " ON CONFLICT (key) DO UPDATE SET"
                          " even = coalesce(even, excluded.even), odd = coalesce(odd, excluded.odd)"
                          " WHERE (even IS NULL AND excluded.even IS NOT NULL)"
                          " OR (odd IS NULL AND excluded.odd IS NOT NULL)" },
  [KT_SQL_PROOF_GET] = { "reading VRF proofs", "SELECT even, odd FROM vrf_proofs WHERE key = ?1" },
  [KT_SQL_TOKEN_ADD] = { "adding a token", "INSERT INTO tokens (hash, is_used) VALUES (?1, 0)" },
  [KT_SQL_TOKEN_GET] = { "reading a token", "SELECT is_used FROM tokens WHERE hash = ?1" },
  [KT_SQL_TOKEN_USE] = { "using a token", "UPDATE tokens SET is_used = 1 WHERE hash = ?1" },
  [KT_SQL_INTEGRITY_CHECK] = { "checking the database", "PRAGMA integrity_check(1)" },
  [KT_SQL_ENTRY_DENSITY] = { "checking the entries",
                             "SELECT count(*), coalesce(max(pos) + 1, 0) FROM entries WHERE pos >= ?1" },
  [KT_SQL_BACKUP] = { "making a backup", "VACUUM INTO ?1" },
};

enum kt_err kt_sqlite_fail(struct kt_store_error *error, sqlite3 *db, int said, const char *operation)
{
  const int rc = kt_sqlite_cause(db, said);
  /* SQLite's text is that of the connection's last call; it says nothing about another code. */
  bool is_last = db != NULL && (sqlite3_extended_errcode(db) & 0xff) == (rc & 0xff);
  /* A want of memory passes, and is no damage. */
  const enum kt_err kind = (rc & 0xff) == SQLITE_NOMEM ? KT_ERR_MEMORY : KT_ERR_STORE;
  const int cause = is_last && (rc & 0xff) == SQLITE_CANTOPEN ? sqlite3_system_errno(db) : 0;
  enum kt_err err = kt_store_fail(error, kind, "%s: %s (SQLite error %d%s%s)", operation,
                                  is_last ? sqlite3_errmsg(db) : sqlite3_errstr(rc), rc, cause != 0 ? ": " : "",
                                  cause != 0 ? strerror(cause) : "");
  error->is_damaged = (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
  error->is_full = (rc & 0xff) == SQLITE_FULL;
  return err;
}

static int prepare(struct kt_sqlite *sqlite, enum kt_sqlite_statement id)
{
  return sqlite->statements[id] != NULL ? SQLITE_OK
                                        : sqlite3_prepare_v3(sqlite->db, statements[id].sql, -1,
                                                             SQLITE_PREPARE_PERSISTENT, &sqlite->statements[id], NULL);
}

/* BEGIN, once per snapshot. */
static int take_snapshot(struct kt_sqlite *sqlite)
{
  int rc = prepare(sqlite, KT_SQL_BEGIN_READ);
  if (rc == SQLITE_OK) {
    (void)sqlite3_step(sqlite->statements[KT_SQL_BEGIN_READ]);
    rc = sqlite3_reset(sqlite->statements[KT_SQL_BEGIN_READ]);
  }
  sqlite->is_snapshot_due = rc != SQLITE_OK;
  return rc;
}

void kt_sqlite_start(struct kt_store_conn *conn, enum kt_sqlite_statement id, struct kt_sqlite_query *ret_query)
{
  struct kt_sqlite *sqlite = kt_sqlite_of(conn);
  int rc = SQLITE_OK;
  if (conn->in_transaction && sqlite3_get_autocommit(sqlite->db) != 0) {
    rc = SQLITE_ABORT_ROLLBACK; /* SQLite gave the transaction up; what follows would commit on its own */
  } else {
    rc = sqlite->is_snapshot_due ? take_snapshot(sqlite) : SQLITE_OK;
    rc = rc == SQLITE_OK ? prepare(sqlite, id) : rc;
  }
  *ret_query = (struct kt_sqlite_query){ .conn = conn, .id = id, .stmt = sqlite->statements[id], .rc = rc };
}

void kt_sqlite_bind_u64(struct kt_sqlite_query *q, int parameter, uint64_t value)
{
  if (q->rc == SQLITE_OK) {
    q->rc = sqlite3_bind_int64(q->stmt, parameter, (sqlite3_int64)value);
  }
}

void kt_sqlite_bind_blob(struct kt_sqlite_query *q, int parameter, const void *data, size_t len)
{
  if (q->rc == SQLITE_OK) {
    /* A NULL pointer would bind NULL instead of the empty blob. */
    q->rc = sqlite3_bind_blob64(q->stmt, parameter, len > 0 ? data : "", len, SQLITE_STATIC);
  }
}

void kt_sqlite_bind_null(struct kt_sqlite_query *q, int parameter)
{
  if (q->rc == SQLITE_OK) {
    q->rc = sqlite3_bind_null(q->stmt, parameter);
  }
}

void kt_sqlite_bind_text(struct kt_sqlite_query *q, int parameter, const char *text)
{
  if (q->rc == SQLITE_OK) {
    q->rc = sqlite3_bind_text(q->stmt, parameter, text, -1, SQLITE_STATIC);
  }
}

static enum kt_err fail(struct kt_sqlite_query *q)
{
  enum kt_err err = kt_sqlite_fail(&q->conn->error, kt_sqlite_of(q->conn)->db, q->rc, statements[q->id].operation);
  sqlite3_reset(q->stmt); /* NULL is fine */
  return err;
}

enum kt_err kt_sqlite_row(struct kt_sqlite_query *q)
{
  if (q->rc == SQLITE_OK) {
    q->rc = sqlite3_step(q->stmt);
  }
  if (q->rc == SQLITE_ROW) {
    q->rc = SQLITE_OK;
    return KT_OK;
  }
  if (q->rc != SQLITE_DONE) {
    return fail(q);
  }
  sqlite3_reset(q->stmt);
  return KT_ERR_ABSENT;
}

enum kt_err kt_sqlite_run(struct kt_sqlite_query *q)
{
  if (q->rc == SQLITE_OK) {
    q->rc = sqlite3_step(q->stmt);
  }
  if (q->rc != SQLITE_DONE) {
    /* Of the constraints only those of keys. A value that its column does not take is no other's doing. */
    bool is_conflict = q->rc == SQLITE_CONSTRAINT_PRIMARYKEY || q->rc == SQLITE_CONSTRAINT_UNIQUE;
    enum kt_err err = fail(q);
    return is_conflict ? KT_ERR_CONFLICT : err;
  }
  sqlite3_reset(q->stmt);
  return KT_OK;
}

enum kt_err kt_sqlite_change(struct kt_sqlite_query *q)
{
  enum kt_err err = kt_sqlite_run(q);
  if (err == KT_OK && sqlite3_changes(kt_sqlite_of(q->conn)->db) == 0) {
    err = KT_ERR_ABSENT;
  }
  return err;
}

uint64_t kt_sqlite_column_u64(const struct kt_sqlite_query *q, int column)
{
  return (uint64_t)sqlite3_column_int64(q->stmt, column);
}

struct kt_bytes kt_sqlite_column_blob(struct kt_sqlite_query *q, int column)
{
  const void *data = sqlite3_column_blob(q->stmt, column);
  int len = sqlite3_column_bytes(q->stmt, column);
  if (data == NULL && len > 0) {
    q->rc = SQLITE_NOMEM;
    len = 0;
  }
  return (struct kt_bytes){ .data = data, .len = (size_t)len };
}

void kt_sqlite_column_fixed(struct kt_sqlite_query *q, int column, void *ret_data, size_t len)
{
  struct kt_bytes blob = kt_sqlite_column_blob(q, column);
  if (blob.data != NULL && blob.len == len) {
    memcpy(ret_data, blob.data, len);
  } else if (q->rc == SQLITE_OK) {
    q->rc = SQLITE_CORRUPT;
  }
}

enum kt_err kt_sqlite_end(struct kt_sqlite_query *q)
{
  if (q->rc != SQLITE_OK) {
    return fail(q);
  }
  sqlite3_reset(q->stmt);
  return KT_OK;
}

enum kt_err kt_sqlite_one_blob(struct kt_sqlite_query *q, struct kt_arena *arena, struct kt_bytes *ret_blob)
{
  enum kt_err err = kt_sqlite_row(q);
  if (err != KT_OK) {
    return err;
  }
  struct kt_bytes blob = kt_sqlite_column_blob(q, 0);
  struct kt_bytes copy = { 0 };
  enum kt_err copy_err = kt_store_copy(arena, blob.data, blob.len, &copy);
  err = kt_sqlite_end(q);
  if (err == KT_OK) {
    err = copy_err;
  }
  if (err == KT_OK) {
    *ret_blob = copy;
  }
  return err;
}

enum kt_err kt_sqlite_end_with_item(struct kt_sqlite_query *q, size_t index, size_t item_len, uint8_t *ret_item)
{
  struct kt_bytes blob = kt_sqlite_column_blob(q, 0);
  bool exists = blob.data != NULL && index < blob.len / item_len;
  if (exists) {
    memcpy(ret_item, blob.data + index * item_len, item_len);
  }
  enum kt_err err = kt_sqlite_end(q);
  if (err == KT_OK && !exists) {
    err = KT_ERR_ABSENT;
  }
  return err;
}
