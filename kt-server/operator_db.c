/* SPDX-License-Identifier: Apache-2.0 */
#include "operator_db.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kt/writer.h>

#include "base/noun.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "file_io.h"
#include "guard_file.h"
#include "log/log.h"
#include "operator_sql.h"

#define FORMAT "kt-operator/1"
#define BUSY_TIMEOUT_MS 5000

/* How many records there were, and a hash over all of them: what the guard file repeats. */
struct chain {
  uint64_t n;
  struct kt_hash hash;
};

struct kt_opdb {
  pthread_mutex_t lock;
  sqlite3 *sqlite;
  char guard_path[KT_PATH_SIZE];
  bool has_guard; /* what it holds, as this process read or wrote it last */
  struct kt_log_guard guarded;
  struct chain chain;
  struct kt_error stopped; /* the guard failed for good, and why; empty: it did not */
};

/* --- the chain of records and its guard --------------------------------------------------------------------------- */

#define CHAIN_LEN (8 + KT_HASH_LEN)

static struct kt_bytes chain_encode(const struct chain *chain, uint8_t buf[static CHAIN_LEN])
{
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, CHAIN_LEN);
  kt_write_u64(&w, chain->n);
  kt_write_bytes(&w, chain->hash.b, KT_HASH_LEN);
  return (struct kt_bytes){ buf, w.len };
}

static enum kt_err chain_load(struct kt_opdb *db, struct kt_error *error)
{
  sqlite3_stmt *row = NULL;
  enum kt_err err = kt_opsql_query(db->sqlite, error, &row, "SELECT value FROM meta WHERE name = 'records'", "");
  if (err != KT_OK) {
    return err == KT_ERR_ABSENT ? kt_opsql_damaged(error, "the count of records is missing") : err;
  }
  struct kt_reader r;
  const struct kt_bytes bytes = { sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0) };
  kt_reader_init(&r, bytes.data, bytes.len);
  db->chain.n = kt_read_u64(&r);
  const uint8_t *hash = kt_read_bytes(&r, KT_HASH_LEN);
  if (hash != NULL) {
    memcpy(db->chain.hash.b, hash, KT_HASH_LEN);
  }
  err = kt_reader_end(&r);
  (void)sqlite3_finalize(row);
  return err == KT_OK ? KT_OK : kt_opsql_damaged(error, "the count of records is none");
}

/* SHA-256(previous hash || label || first version || values), with lengths. */
static void chain_extend(struct chain *chain, const struct kt_opdb_record *record)
{
  struct kt_writer w;
  kt_writer_init(&w, (size_t)64 << 20);
  kt_write_bytes(&w, chain->hash.b, KT_HASH_LEN);
  kt_write_opaque8(&w, record->label);
  kt_write_u32(&w, record->first_version);
  for (size_t i = 0; i < record->n_values; i++) {
    struct kt_hash hash;
    kt_sha256(record->values[i].data, record->values[i].len, &hash);
    kt_write_bytes(&w, hash.b, sizeof hash.b);
  }
  kt_sha256(w.buf, w.len, &chain->hash);
  chain->n++;
  kt_writer_release(&w);
}

/* The guard may be behind the database by one record: the program ended between the two writes, before anything was
 * signed. One that is further behind is not what was written last, so the database may be an old copy, too. */
static enum kt_err guard_judge(const struct kt_opdb *db, const struct kt_log_guard *guard, struct kt_error *error)
{
  if (guard->size > db->chain.n || (guard->size == db->chain.n && !kt_hash_equal(&guard->root, &db->chain.hash))) {
    return kt_error_set(
        error, KT_ERR_CONFLICT,
        "operator.db has %llu %s, and the guard knows of %llu: this is an old copy, and going on from it "
        "could sign two values for one version",
        (unsigned long long)db->chain.n, kt_noun(db->chain.n, "record", "records"), (unsigned long long)guard->size);
  }
  if (db->chain.n - guard->size > 1) {
    return kt_error_set(error, KT_ERR_CONFLICT,
                        "operator.db has %llu records, and %.200s knows of %llu: the guard is an old copy, so "
                        "nothing shows that this is the newest state of operator.db. Bring back the newest guard; only "
                        "when it is gone for good, move this one away and give --accept-missing-guard",
                        (unsigned long long)db->chain.n, db->guard_path, (unsigned long long)guard->size);
  }
  return KT_OK;
}

static enum kt_err guard_check(struct kt_opdb *db, bool may_be_missing, struct kt_error *error)
{
  struct kt_log_guard guard;
  enum kt_err err = kt_guard_settle(db->guard_path, &guard, error);
  if (err == KT_ERR_ABSENT && (may_be_missing || db->chain.n == 0)) {
    return KT_OK;
  }
  if (err == KT_ERR_ABSENT) {
    return kt_error_set(error, err,
                        "%.300s: there is no guard, so nothing shows that this is the newest state of operator.db",
                        db->guard_path);
  }
  if (err == KT_OK) {
    err = guard_judge(db, &guard, error);
  }
  if (err == KT_OK) {
    db->guarded = guard;
    db->has_guard = true;
  }
  return err;
}

/* Only a full disk passes by itself. */
static enum kt_err guard_write(struct kt_opdb *db, uint64_t now_ms, struct kt_error *error)
{
  const struct kt_log_guard guard = { .size = db->chain.n, .timestamp_ms = now_ms, .root = db->chain.hash };
  enum kt_err err = kt_guard_save(db->guard_path, db->has_guard ? &db->guarded : NULL, &guard, error);
  if (err == KT_OK) {
    db->guarded = guard;
    db->has_guard = true;
  } else if (err != KT_ERR_UNDETERMINED) {
    db->stopped = *error;
    kt_say("the operator signs nothing any more: %s", error->text);
  }
  return err;
}

/* The guard holds every record. It is behind when the program ended, or the disk was full, between a record and its
 * guard. */
static enum kt_err guard_hold(struct kt_opdb *db, uint64_t now_ms, struct kt_error *error)
{
  struct kt_log_guard guard;
  if (db->stopped.text[0] != '\0') {
    *error = db->stopped;
    return KT_ERR_STORE;
  }
  enum kt_err err = kt_guard_load(db->guard_path, &guard, error);
  bool is_held = err == KT_OK && guard.size == db->chain.n && kt_hash_equal(&guard.root, &db->chain.hash);
  return is_held ? KT_OK : guard_write(db, now_ms, error);
}

enum kt_err kt_opdb_guard(struct kt_opdb *db, uint64_t now_ms, struct kt_error *error)
{
  (void)pthread_mutex_lock(&db->lock);
  enum kt_err err = guard_hold(db, now_ms, error);
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}

bool kt_opdb_is_stopped(struct kt_opdb *db, struct kt_error *ret_why)
{
  (void)pthread_mutex_lock(&db->lock);
  *ret_why = db->stopped;
  (void)pthread_mutex_unlock(&db->lock);
  return ret_why->text[0] != '\0';
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static const char schema[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE labels(label BLOB PRIMARY KEY, n_versions INTEGER NOT NULL, n_recorded INTEGER NOT NULL,"
    " state BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE signed(label BLOB, version INTEGER, value BLOB NOT NULL, PRIMARY KEY(label, version));"
    "CREATE TABLE tokens(hash BLOB PRIMARY KEY, label BLOB) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('format', CAST('" FORMAT "' AS BLOB));"
    "INSERT INTO meta VALUES('records', zeroblob(40));"; /* CHAIN_LEN */

static enum kt_err execute(struct kt_opdb *db, const char *sql, struct kt_error *error)
{
  return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? KT_OK : kt_opsql_failed(db->sqlite, error);
}

static enum kt_err check_format(struct kt_opdb *db, struct kt_error *error)
{
  sqlite3_stmt *row = NULL;
  enum kt_err err = kt_opsql_query(
      db->sqlite, error, &row, "SELECT 1 FROM meta WHERE name = 'format' AND value = CAST('" FORMAT "' AS BLOB)", "");
  if (err == KT_OK) {
    (void)sqlite3_finalize(row);
    return KT_OK;
  }
  bool has_no_table = (sqlite3_errcode(db->sqlite) & 0xff) == SQLITE_ERROR;
  if (err != KT_ERR_ABSENT && !has_no_table) {
    return err;
  }
  return kt_error_set(error, KT_ERR_UNSUPPORTED, "operator.db is not a database of this program's version");
}

/* An empty file of mode 0600, for SQLite to fill; its companions take that mode. */
static enum kt_err make_file(const char *path, struct kt_error *error)
{
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return kt_error_set(error, KT_ERR_STORE, "%.400s: %s", path, strerror(errno));
  }
  (void)close(fd);
  return KT_OK;
}

static enum kt_err open_file(struct kt_opdb *db, const char *path, bool create, struct kt_error *error)
{
  if (create && make_file(path, error) != KT_OK) {
    return KT_ERR_STORE;
  }
  if (sqlite3_open_v2(path, &db->sqlite, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
    return kt_error_set(error, KT_ERR_STORE, "%.400s: %s", path, sqlite3_errmsg(db->sqlite));
  }
  (void)sqlite3_busy_timeout(db->sqlite, BUSY_TIMEOUT_MS);
  enum kt_err err =
      execute(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF", error);
  if (err == KT_OK && create) {
    err = execute(db, "BEGIN IMMEDIATE", error);
    err = err == KT_OK ? execute(db, schema, error) : err;
    err = err == KT_OK ? execute(db, "COMMIT", error) : err;
  }
  return err == KT_OK ? check_format(db, error) : err;
}

/* "Record, guard, sign" holds for what an earlier process left, too, which was perhaps killed before a flush: what the
 * write-ahead log says is written to the database's pages, which are flushed, once guard_check has judged it. */
static enum kt_err settle(struct kt_opdb *db, struct kt_error *error)
{
  int rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
  return rc == SQLITE_OK ? KT_OK : kt_opsql_failed(db->sqlite, error);
}

enum kt_err kt_opdb_open(const char *path, const char *guard_path, bool create, bool guard_may_be_missing,
                         struct kt_opdb **ret_db, struct kt_error *error)
{
  struct kt_opdb *db = calloc(1, sizeof *db);
  if (db == NULL || strlen(guard_path) >= sizeof db->guard_path) {
    free(db);
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  (void)pthread_mutex_init(&db->lock, NULL);
  (void)snprintf(db->guard_path, sizeof db->guard_path, "%s", guard_path);
  enum kt_err err = open_file(db, path, create, error);
  if (err == KT_OK) {
    err = chain_load(db, error);
  }
  if (err == KT_OK) {
    err = guard_check(db, guard_may_be_missing, error);
  }
  if (err == KT_OK) {
    err = settle(db, error);
  } else if (db->sqlite != NULL) { /* an old write-ahead log would overwrite a newer database */
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  }
  if (err != KT_OK) {
    kt_opdb_close(db);
    return err;
  }
  *ret_db = db;
  return KT_OK;
}

void kt_opdb_close(struct kt_opdb *db)
{
  if (db != NULL) {
    (void)sqlite3_close(db->sqlite);
    (void)pthread_mutex_destroy(&db->lock);
    free(db);
  }
}

/* --- labels ------------------------------------------------------------------------------------------------------- */

static enum kt_err get_label(struct kt_opdb *db, struct kt_bytes label, struct kt_arena *arena,
                             struct kt_opdb_label *ret_label, struct kt_error *error)
{
  sqlite3_stmt *row = NULL;
  struct kt_opdb_label found = { 0 };
  enum kt_err err = kt_opsql_query(db->sqlite, error, &row,
                                   "SELECT n_versions, n_recorded, state FROM labels WHERE label = ?", "b", label);
  if (err == KT_OK) {
    found.n_versions = kt_opsql_u64(row, 0);
    found.n_recorded = kt_opsql_u64(row, 1);
    err = kt_opsql_blob(row, 2, arena, &found.state, error);
    (void)sqlite3_finalize(row);
  }
  if (err == KT_OK || err == KT_ERR_ABSENT) {
    *ret_label = found;
    return KT_OK;
  }
  return err;
}

enum kt_err kt_opdb_get_label(struct kt_opdb *db, struct kt_bytes label, struct kt_arena *arena,
                              struct kt_opdb_label *ret_label, struct kt_error *error)
{
  (void)pthread_mutex_lock(&db->lock);
  enum kt_err err = get_label(db, label, arena, ret_label, error);
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}

static enum kt_err get_value(struct kt_opdb *db, struct kt_bytes label, uint32_t version, struct kt_arena *arena,
                             struct kt_bytes *ret_value, struct kt_error *error)
{
  sqlite3_stmt *row = NULL;
  enum kt_err err = kt_opsql_query(db->sqlite, error, &row, "SELECT value FROM signed WHERE label = ? AND version = ?",
                                   "bi", label, (uint64_t)version);
  if (err == KT_OK) {
    err = kt_opsql_blob(row, 0, arena, ret_value, error);
    (void)sqlite3_finalize(row);
  }
  return err;
}

enum kt_err kt_opdb_get_value(struct kt_opdb *db, struct kt_bytes label, uint32_t version, struct kt_arena *arena,
                              struct kt_bytes *ret_value, struct kt_error *error)
{
  (void)pthread_mutex_lock(&db->lock);
  enum kt_err err = get_value(db, label, version, arena, ret_value, error);
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}

/* Inside a transaction. */
static enum kt_err put_value(struct kt_opdb *db, struct kt_bytes label, uint32_t version, struct kt_bytes value,
                             struct kt_error *error)
{
  struct kt_arena arena;
  struct kt_bytes before = { 0 };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = get_value(db, label, version, &arena, &before, error);
  if (err == KT_ERR_ABSENT) {
    err = kt_opsql_run(db->sqlite, error, "INSERT INTO signed VALUES(?, ?, ?)", "bib", label, (uint64_t)version, value);
  } else if (err == KT_OK && (before.len != value.len || memcmp(before.data, value.data, value.len) != 0)) {
    err = kt_error_set(error, KT_ERR_CONFLICT, "another value was recorded for version %lu", (unsigned long)version);
  }
  kt_arena_release(&arena);
  return err;
}

/* Inside a transaction. That it was unused was looked at before, when another label could still get it. */
static enum kt_err use_token(struct kt_opdb *db, const struct kt_hash *token_hash, struct kt_bytes label,
                             struct kt_error *error)
{
  const struct kt_bytes hash = { token_hash->b, KT_HASH_LEN };
  enum kt_err err =
      kt_opsql_run(db->sqlite, error, "UPDATE tokens SET label = ?1 WHERE hash = ?2 AND (label IS NULL OR label = ?1)",
                   "bb", label, hash);
  return err != KT_OK || sqlite3_changes(db->sqlite) == 1
             ? err
             : kt_error_set(error, KT_ERR_DENIED, "the registration token was used for another label");
}

static enum kt_err put_record(struct kt_opdb *db, const struct kt_opdb_record *record, const struct chain *chain,
                              struct kt_error *error)
{
  static const struct kt_bytes nothing;
  uint8_t buf[CHAIN_LEN];
  uint64_t end = (uint64_t)record->first_version + record->n_values;
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < record->n_values; i++) {
    err = put_value(db, record->label, record->first_version + (uint32_t)i, record->values[i], error);
  }
  if (err == KT_OK) {
    err = kt_opsql_run(db->sqlite, error,
                       "INSERT INTO labels VALUES(?1, 0, ?2, ?3)"
                       " ON CONFLICT(label) DO UPDATE SET n_recorded = max(n_recorded, ?2)",
                       "bib", record->label, end, nothing);
  }
  if (err == KT_OK && record->token_hash != NULL) {
    err = use_token(db, record->token_hash, record->label, error);
  }
  if (err == KT_OK) {
    err = kt_opsql_run(db->sqlite, error, "UPDATE meta SET value = ? WHERE name = 'records'", "b",
                       chain_encode(chain, buf));
  }
  return err;
}

static enum kt_err commit(struct kt_opdb *db, enum kt_err err, struct kt_error *error)
{
  if (err == KT_OK) {
    err = execute(db, "COMMIT", error);
  }
  if (err != KT_OK && sqlite3_get_autocommit(db->sqlite) == 0) {
    (void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
  }
  return err;
}

enum kt_err kt_opdb_record(struct kt_opdb *db, const struct kt_opdb_record *record, uint64_t now_ms,
                           struct kt_error *error)
{
  (void)pthread_mutex_lock(&db->lock);
  struct chain chain = db->chain;
  chain_extend(&chain, record);
  /* First those before it: what cannot be guarded uses up no version, and the guard is never behind by more than
   * one. */
  enum kt_err err = guard_hold(db, now_ms, error);
  if (err == KT_OK) {
    err = execute(db, "BEGIN IMMEDIATE", error);
  }
  if (err == KT_OK) {
    err = commit(db, put_record(db, record, &chain, error), error);
  }
  if (err == KT_OK) {
    db->chain = chain;
    err = guard_write(db, now_ms, error);
  }
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}

enum kt_err kt_opdb_acknowledge(struct kt_opdb *db, struct kt_bytes label, uint64_t n_versions, struct kt_bytes state,
                                struct kt_error *error)
{
  (void)pthread_mutex_lock(&db->lock);
  enum kt_err err =
      kt_opsql_run(db->sqlite, error,
                   "INSERT INTO labels VALUES(?1, ?2, ?2, ?3) ON CONFLICT(label) DO UPDATE SET n_versions = ?2,"
                   " n_recorded = max(n_recorded, ?2), state = ?3 WHERE n_versions < ?2",
                   "bib", label, n_versions, state);
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

enum kt_err kt_opdb_add_token(struct kt_opdb *db, const struct kt_hash *token_hash, struct kt_error *error)
{
  const struct kt_bytes hash = { token_hash->b, KT_HASH_LEN };
  (void)pthread_mutex_lock(&db->lock);
  enum kt_err err = kt_opsql_run(db->sqlite, error, "INSERT OR IGNORE INTO tokens(hash) VALUES(?)", "b", hash);
  if (err == KT_OK && sqlite3_changes(db->sqlite) == 0) {
    err = kt_error_set(error, KT_ERR_CONFLICT, "this token was added before");
  }
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}

enum kt_err kt_opdb_check_token(struct kt_opdb *db, const struct kt_hash *token_hash, struct kt_bytes label,
                                struct kt_error *error)
{
  const struct kt_bytes hash = { token_hash->b, KT_HASH_LEN };
  sqlite3_stmt *row = NULL;
  (void)pthread_mutex_lock(&db->lock);
  enum kt_err err = kt_opsql_query(db->sqlite, error, &row,
                                   "SELECT label IS NULL OR label = ? FROM tokens WHERE hash = ?", "bb", label, hash);
  if (err == KT_OK) {
    err = kt_opsql_u64(row, 0) != 0 ? KT_OK : KT_ERR_CONFLICT;
    (void)sqlite3_finalize(row);
  }
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}

enum kt_err kt_opdb_get_head(struct kt_opdb *db, struct kt_arena *arena, struct kt_bytes *ret_head,
                             struct kt_error *error)
{
  sqlite3_stmt *row = NULL;
  (void)pthread_mutex_lock(&db->lock);
  enum kt_err err = kt_opsql_query(db->sqlite, error, &row, "SELECT value FROM meta WHERE name = 'head'", "");
  if (err == KT_OK) {
    err = kt_opsql_blob(row, 0, arena, ret_head, error);
    (void)sqlite3_finalize(row);
  }
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}

enum kt_err kt_opdb_put_head(struct kt_opdb *db, struct kt_bytes head, struct kt_error *error)
{
  (void)pthread_mutex_lock(&db->lock);
  enum kt_err err = kt_opsql_run(db->sqlite, error, "INSERT OR REPLACE INTO meta VALUES('head', ?)", "b", head);
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}

enum kt_err kt_opdb_count(struct kt_opdb *db, struct kt_opdb_totals *ret_totals, struct kt_error *error)
{
  sqlite3_stmt *row = NULL;
  (void)pthread_mutex_lock(&db->lock);
  enum kt_err err = kt_opsql_query(db->sqlite, error, &row,
                                   "SELECT coalesce(sum(n_versions > 0), 0), coalesce(sum(n_versions), 0),"
                                   " coalesce(sum(n_recorded > n_versions), 0) FROM labels",
                                   "");
  if (err == KT_OK) {
    *ret_totals = (struct kt_opdb_totals){ .n_labels = kt_opsql_u64(row, 0),
                                           .n_versions = kt_opsql_u64(row, 1),
                                           .n_open = kt_opsql_u64(row, 2),
                                           .n_records = db->chain.n };
    (void)sqlite3_finalize(row);
  }
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}

/* What the file itself says: "ok", or its first finding. */
static enum kt_err check_file(struct kt_opdb *db, struct kt_error *error)
{
  sqlite3_stmt *row = NULL;
  enum kt_err err = kt_opsql_query(db->sqlite, error, &row, "PRAGMA integrity_check(1)", "");
  if (err != KT_OK) {
    return err;
  }
  const char *text = (const char *)sqlite3_column_text(row, 0);
  if (text == NULL) {
    err = kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  } else if (strcmp(text, "ok") != 0) {
    err = kt_opsql_damaged(error, text);
  }
  (void)sqlite3_finalize(row);
  return err;
}

enum kt_err kt_opdb_verify(struct kt_opdb *db, struct kt_error *error)
{
  /* Values below the count, and the newest recorded one there. Versions between may have been skipped. */
  static const char missing[] =
      "SELECT 1 FROM labels l WHERE n_recorded < n_versions OR (n_recorded > 0 AND NOT EXISTS("
      "SELECT 1 FROM signed s WHERE s.label = l.label AND s.version = l.n_recorded - 1))";
  static const char surplus[] = "SELECT 1 FROM signed s LEFT JOIN labels l ON s.label = l.label"
                                " WHERE l.label IS NULL OR s.version >= l.n_recorded";
  sqlite3_stmt *row = NULL;
  (void)pthread_mutex_lock(&db->lock);
  enum kt_err err = check_file(db, error);
  const char *const findings[] = { missing, surplus };
  for (size_t i = 0; err == KT_OK && i < 2; i++) {
    err = kt_opsql_query(db->sqlite, error, &row, findings[i], "");
    if (err == KT_OK) {
      (void)sqlite3_finalize(row);
      err = kt_opsql_damaged(error, i == 0 ? "a signed value is missing" : "a value is beyond its label's count");
    }
    err = err == KT_ERR_ABSENT ? KT_OK : err;
  }
  (void)pthread_mutex_unlock(&db->lock);
  return err;
}
