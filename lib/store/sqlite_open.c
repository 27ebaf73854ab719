/* SPDX-License-Identifier: Apache-2.0 */
/* Creating, recognising and opening the database file; its schema. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/files.h"

#define CACHE_BYTES_LEAST ((size_t)128 << 10) /* a few paths through the tables; with less every page is read again */
#define META_NODE_LEN "store/node_len"

/* Hot tables have integer keys; `key` is label_id << 32 | version, of proofs half of it. What a search reads together
 * is in one row; erasure makes a version's opening, suffix and value NULL. docs/formats.md, Log database. */
static const char schema[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE entries (pos INTEGER PRIMARY KEY, timestamp_ms INTEGER NOT NULL, prefix_root_ref INTEGER NOT NULL,"
    " prefix_root BLOB NOT NULL, log_nodes BLOB NOT NULL) STRICT;"
    "CREATE TABLE prefix_leaves (row INTEGER PRIMARY KEY, leaves BLOB NOT NULL) STRICT;"
    "CREATE TABLE prefix_nodes (row INTEGER PRIMARY KEY, present INTEGER NOT NULL, records BLOB NOT NULL) STRICT;"
    "CREATE TABLE labels (label_id INTEGER PRIMARY KEY, label BLOB NOT NULL UNIQUE, n_versions INTEGER NOT NULL,"
    " newest_pos INTEGER NOT NULL, state BLOB NOT NULL) STRICT;"
    "CREATE TABLE versions (key INTEGER PRIMARY KEY, pos INTEGER NOT NULL, leaf INTEGER NOT NULL, opening BLOB,"
    " suffix BLOB, value BLOB) STRICT;"
    "CREATE TABLE superseded (pos INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (pos, key))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE vrf_proofs (key INTEGER PRIMARY KEY, even BLOB, odd BLOB) STRICT;"
    "CREATE TABLE tokens (hash BLOB PRIMARY KEY, is_used INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

/* --- one connection ------------------------------------------------------------------------------------------- */

/* The first column of the first row of a PRAGMA as text. KT_ERR_STORE, KT_ERR_MEMORY. */
static enum kt_err get_pragma(sqlite3 *db, const char *sql, struct kt_store_error *error, char *ret_text, size_t size)
{
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
  if (rc == SQLITE_OK) {
    rc = sqlite3_step(stmt);
  }
  enum kt_err err = KT_OK;
  const unsigned char *text = rc == SQLITE_ROW ? sqlite3_column_text(stmt, 0) : NULL;
  if (text != NULL) {
    (void)snprintf(ret_text, size, "%s", (const char *)text);
  } else { /* no row, or no memory to make text of a number: nothing is said about the file then */
    err = kt_sqlite_fail(error, db, rc == SQLITE_ROW ? SQLITE_NOMEM : rc, sql);
  }
  (void)sqlite3_finalize(stmt);
  return err;
}

static enum kt_err execute(sqlite3 *db, const char *sql, struct kt_store_error *error, const char *operation)
{
  int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? KT_OK : kt_sqlite_fail(error, db, rc, operation);
}

/* Settings of every connection. The file's content is data, not code: nothing in its schema may run functions. */
static enum kt_err configure(sqlite3 *db, bool is_writer, struct kt_store_error *error)
{
  (void)sqlite3_busy_timeout(db, KT_SQLITE_BUSY_TIMEOUT_MS);
  int rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  if (rc == SQLITE_OK) {
    rc = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  }
  if (rc == SQLITE_OK && !is_writer) {
    rc = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  }
  if (rc != SQLITE_OK) {
    return kt_sqlite_fail(error, db, rc, "configuring the database connection");
  }
  /* journal_size_limit gives the space of a burst back; secure_delete overwrites erased values in the file. */
  return execute(db,
                 is_writer ? "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = ON;"
                             "PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = 67108864;"
                           : "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA cell_size_check = ON;",
                 error, "configuring the database connection");
}

static enum kt_err open_db(const char *path, bool is_writer, struct kt_store_error *error, sqlite3 **ret_db)
{
  sqlite3 *db = NULL;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int rc = sqlite3_open_v2(path, &db, flags, NULL);
  enum kt_err err = KT_OK;
  if (rc != SQLITE_OK) {
    err = kt_sqlite_fail(error, db, rc, "opening the database");
  }
  if (err == KT_OK) {
    err = configure(db, is_writer, error);
  }
  if (err != KT_OK) {
    (void)sqlite3_close_v2(db);
    return err;
  }
  *ret_db = db;
  return KT_OK;
}

/* A negative size is in KiB. */
static enum kt_err set_cache_size(sqlite3 *db, size_t bytes, struct kt_store_error *error)
{
  char sql[64];
  size_t least = CACHE_BYTES_LEAST;
  (void)snprintf(sql, sizeof sql, "PRAGMA cache_size = -%zu", (bytes > least ? bytes : least) >> 10);
  return execute(db, sql, error, "configuring the database connection");
}

const char *kt_sqlite_log_path(const struct kt_sqlite *sqlite)
{
  return sqlite3_filename_wal(sqlite3_db_filename(sqlite->db, "main"));
}

/* What the names stood for when the files were opened, and nobody has changed since. */
static enum kt_err remember_files(struct kt_sqlite *sqlite, const char *path, struct kt_store_error *error)
{
  int has_moved = 0;
  sqlite->inode = kt_file_inode(path);
  sqlite->wal_inode = kt_file_inode(kt_sqlite_log_path(sqlite));
  int rc = sqlite3_file_control(sqlite->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
  if (rc == SQLITE_OK && has_moved == 0 && sqlite->inode != 0 && sqlite->wal_inode != 0) {
    return KT_OK;
  }
  return kt_store_fail(error, KT_ERR_STORE,
                       "%s or its write-ahead log was moved, replaced or removed while it was opened", path);
}

enum kt_err kt_sqlite_open_conn(struct kt_store_conn *conn)
{
  struct kt_sqlite *sqlite = calloc(1, sizeof *sqlite);
  if (sqlite == NULL) {
    return kt_store_fail(&conn->error, KT_ERR_MEMORY, "opening the database: out of memory");
  }
  const struct kt_sqlite_store *store = kt_sqlite_store_of(conn);
  enum kt_err err = open_db(store->path, conn->is_writer, &conn->error, &sqlite->db);
  if (err == KT_OK) {
    err = set_cache_size(sqlite->db, store->cache_bytes, &conn->error);
  }
  if (err == KT_OK && conn->is_writer) {
    (void)sqlite3_wal_hook(sqlite->db, kt_sqlite_on_commit, sqlite);
    err = remember_files(sqlite, store->path, &conn->error);
  }
  if (err != KT_OK) {
    (void)sqlite3_close_v2(sqlite->db); /* NULL is fine */
    free(sqlite);
    return err;
  }
  conn->backend = sqlite;
  return KT_OK;
}

void kt_sqlite_close_conn(struct kt_store_conn *conn)
{
  struct kt_sqlite *sqlite = kt_sqlite_of(conn);
  for (size_t i = 0; i < KT_SQL_COUNT; i++) {
    (void)sqlite3_finalize(sqlite->statements[i]);
  }
  if (sqlite->is_unusable) { /* closing must not flush again, either */
    kt_sqlite_leave(conn);
  }
  (void)sqlite3_close_v2(sqlite->db);
  free(sqlite);
}

/* --- the file ------------------------------------------------------------------------------------------------- */

/* Ours, of a format this program knows? Reads only, so that a foreign file stays as it is. */
static enum kt_err check_format(sqlite3 *db, const char *path, struct kt_store_error *error)
{
  char application[24];
  char format[24];
  enum kt_err err = get_pragma(db, "PRAGMA application_id", error, application, sizeof application);
  if (err == KT_OK) {
    err = get_pragma(db, "PRAGMA user_version", error, format, sizeof format);
  }
  if (err != KT_OK) {
    return err;
  }
  if (strtol(application, NULL, 10) != KT_SQLITE_APPLICATION_ID) {
    return kt_store_fail(error, KT_ERR_UNSUPPORTED, "%s is not the database of a key transparency log", path);
  }
  if (strtol(format, NULL, 10) != KT_SQLITE_FORMAT) {
    return kt_store_fail(error, KT_ERR_UNSUPPORTED, "%s has format %s; this program knows only format %d", path, format,
                         KT_SQLITE_FORMAT);
  }
  return KT_OK;
}

static enum kt_err enter_wal_mode(sqlite3 *db, struct kt_store_error *error)
{
  char mode[24];
  enum kt_err err = get_pragma(db, "PRAGMA journal_mode = WAL", error, mode, sizeof mode);
  if (err == KT_OK && strcmp(mode, "wal") != 0) {
    err = kt_store_fail(error, KT_ERR_STORE, "the file system does not support a write-ahead log (journal mode %s)",
                        mode);
  }
  return err;
}

static enum kt_err check_node_len(sqlite3 *db, size_t node_len, struct kt_store_error *error)
{
  char text[24];
  enum kt_err err =
      get_pragma(db, "SELECT CAST(value AS TEXT) FROM meta WHERE name = '" META_NODE_LEN "'", error, text, sizeof text);
  if (err == KT_OK && strtoul(text, NULL, 10) != node_len) {
    err = kt_store_fail(error, KT_ERR_UNSUPPORTED, "the database has node records of %s bytes, expected are %zu", text,
                        node_len);
  }
  return err;
}

static enum kt_err create_tables(struct kt_store *store, sqlite3 *db, struct kt_store_error *error)
{
  char identity[96];
  (void)snprintf(identity, sizeof identity, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                 KT_SQLITE_APPLICATION_ID, KT_SQLITE_FORMAT);
  enum kt_err err = enter_wal_mode(db, error);
  if (err == KT_OK) {
    err = execute(db, "BEGIN IMMEDIATE", error, "creating the database");
  }
  if (err == KT_OK) {
    err = execute(db, identity, error, "creating the database");
  }
  if (err == KT_OK) {
    err = execute(db, schema, error, "creating the database");
  }
  if (err == KT_OK) {
    char node_len[24];
    int len = snprintf(node_len, sizeof node_len, "%zu", store->node_len);
    struct kt_sqlite sqlite = { .db = db };
    struct kt_store_conn conn = { .store = store, .backend = &sqlite, .is_writer = true };
    err = kt_sqlite_put_meta(&conn, META_NODE_LEN,
                             (struct kt_bytes){ .data = (const uint8_t *)node_len, .len = (size_t)len });
    if (err != KT_OK) {
      *error = conn.error;
    }
    (void)sqlite3_finalize(sqlite.statements[KT_SQL_META_PUT]);
  }
  return err == KT_OK ? execute(db, "COMMIT", error, "creating the database") : err;
}

static enum kt_err create_database(struct kt_store *store, const char *path, struct kt_store_error *error)
{
  enum kt_err err = kt_file_create(path, error);
  if (err != KT_OK) {
    return err;
  }
  sqlite3 *db = NULL;
  err = open_db(path, true, error, &db);
  if (err == KT_OK) {
    err = create_tables(store, db, error);
    (void)sqlite3_close_v2(db);
  }
  if (err == KT_OK) {
    err = kt_file_sync(path, error);
  }
  if (err != KT_OK) {
    (void)unlink(path); /* it holds nothing; SQLite has removed its log with the last connection */
  }
  return err;
}

/* SQLite would wait for a pipe. */
static enum kt_err check_kinds(const char *path, struct kt_store_error *error)
{
  static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    struct stat status;
    char name[PATH_MAX];
    (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
    if (stat(name, &status) == 0 && !S_ISREG(status.st_mode)) {
      return kt_store_fail(error, KT_ERR_STORE, "%s is no regular file", name);
    }
  }
  return KT_OK;
}

static enum kt_err check_file(const char *path, struct kt_store_error *error)
{
  struct stat status;
  enum kt_err err = check_kinds(path, error);
  if (err != KT_OK) {
    return err;
  }
  if (stat(path, &status) != 0) {
    err = kt_store_fail(error, errno == ENOENT ? KT_ERR_ABSENT : KT_ERR_STORE, "%s: %s", path, strerror(errno));
    error->is_damaged = err == KT_ERR_ABSENT;
  } else if (status.st_size == 0) {
    /* SQLite would take it for a new database, and a log would begin again from nothing. */
    err = kt_store_fail(error, KT_ERR_STORE, "%s is empty: it was truncated or never completely created", path);
    error->is_damaged = true;
  }
  return err;
}

static enum kt_err check_content(struct kt_store *store, sqlite3 *db, const char *path, struct kt_store_error *error)
{
  enum kt_err err = check_format(db, path, error);
  if (err == KT_OK) {
    err = execute(db, "PRAGMA query_only = OFF", error, "opening the database");
  }
  if (err == KT_OK) {
    err = enter_wal_mode(db, error); /* a restored backup is not in this mode */
  }
  return err == KT_OK ? check_node_len(db, store->node_len, error) : err;
}

static enum kt_err check_database(struct kt_store *store, const char *path, struct kt_store_error *error)
{
  sqlite3 *db = NULL;
  enum kt_err err = check_file(path, error);
  if (err != KT_OK) {
    return err;
  }
  err = open_db(path, false, error, &db);
  if (err == KT_OK) {
    err = check_content(store, db, path, error);
    (void)sqlite3_close_v2(db);
  }
  if (err != KT_OK && strstr(error->text, path) == NULL) { /* SQLite's words name no file */
    char text[sizeof error->text];
    (void)snprintf(text, sizeof text, "%s", error->text);
    (void)snprintf(error->text, sizeof error->text, "%.160s: %.150s", path, text);
  }
  return err;
}

static void close_store(struct kt_store *store)
{
  struct kt_sqlite_store *backend = store->backend;
  if (backend != NULL) {
    free(backend->path);
    free(backend);
  }
}

static enum kt_err init_backend(struct kt_store *store, const char *path, size_t cache_bytes)
{
  struct kt_sqlite_store *backend = calloc(1, sizeof *backend);
  char *path_copy = strdup(path);
  if (backend == NULL || path_copy == NULL) {
    free(backend);
    free(path_copy);
    return KT_ERR_MEMORY;
  }
  backend->path = path_copy;
  backend->cache_bytes = cache_bytes;
  store->backend = backend;
  return KT_OK;
}

enum kt_err kt_store_open_sqlite(const char *path, const struct kt_store_options *options, struct kt_store **ret_store,
                                 struct kt_store_error *ret_error)
{
  struct kt_store *store = NULL;
  enum kt_err err = kt_store_new(&kt_sqlite_ops, options, &store);
  if (err == KT_OK) {
    err = init_backend(store, path, options->cache_bytes);
  }
  if (err != KT_OK) {
    kt_store_close(store);
    return kt_store_fail(ret_error, err, "opening %s: %s", path, kt_err_text(err));
  }
  err = options->create ? create_database(store, path, ret_error) : check_database(store, path, ret_error);
  if (err != KT_OK) {
    kt_store_close(store);
    return err;
  }
  *ret_store = store;
  return KT_OK;
}

const struct kt_store_ops kt_sqlite_ops = {
  .close = close_store,
  .open_conn = kt_sqlite_open_conn,
  .close_conn = kt_sqlite_close_conn,
  .begin = kt_sqlite_begin,
  .commit = kt_sqlite_commit,
  .rollback = kt_sqlite_rollback,
  .settle = kt_sqlite_settle,
  .leave = kt_sqlite_leave,
  .maintain = kt_sqlite_maintain,
  .page_in = kt_sqlite_page_in,
  .read_begin = kt_sqlite_read_begin,
  .read_end = kt_sqlite_read_end,
  .get_meta = kt_sqlite_get_meta,
  .put_meta = kt_sqlite_put_meta,
  .put_entry = kt_sqlite_put_entry,
  .count_entries = kt_sqlite_count_entries,
  .get_entry = kt_sqlite_get_entry,
  .get_leaves = kt_sqlite_get_leaves,
  .get_log_node = kt_sqlite_get_log_node,
  .put_nodes = kt_sqlite_put_nodes,
  .get_node = kt_sqlite_get_node,
  .get_leaf = kt_sqlite_get_leaf,
  .get_label = kt_sqlite_get_label,
  .create_label = kt_sqlite_create_label,
  .update_label = kt_sqlite_update_label,
  .next_label = kt_sqlite_next_label,
  .put_version = kt_sqlite_put_version,
  .get_version = kt_sqlite_get_version,
  .get_payload = kt_sqlite_get_payload,
  .erase_version = kt_sqlite_erase_version,
  .erase_label = kt_sqlite_erase_label,
  .label_exists = kt_sqlite_label_exists,
  .wash = kt_sqlite_wash,
  .get_proofs = kt_sqlite_get_proofs,
  .put_proofs = kt_sqlite_put_proofs,
  .add_token = kt_sqlite_add_token,
  .check_token = kt_sqlite_check_token,
  .use_token = kt_sqlite_use_token,
  .drop_entry = kt_sqlite_drop_entry,
  .strip_entry = kt_sqlite_strip_entry,
  .get_nodes = kt_sqlite_get_nodes,
  .keep_nodes = kt_sqlite_keep_nodes,
  .put_superseded = kt_sqlite_put_superseded,
  .take_superseded = kt_sqlite_take_superseded,
  .verify = kt_sqlite_verify,
  .backup = kt_sqlite_backup,
};
