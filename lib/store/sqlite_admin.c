/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions, checkpoints, verification and backup of the SQLite backend. */
#define _GNU_SOURCE /* _SC_PHYS_PAGES */

#include "store/sqlite.h"

#include <string.h>
#include <unistd.h>

#include "base/reader.h"
#include "store/files.h"

/* Frames (pages of 4 KiB) that the write-ahead log grows between checkpoints. A checkpoint takes as long as dozens of
 * commits, so it is made while nobody waits; under load without a pause it delays one commit in a hundred at most, and
 * is made when the log has 32 MiB. */
#define CHECKPOINT_FRAMES_IDLE 250
#define CHECKPOINT_FRAMES_MAX 8000

/* The log begins anew only while no reader uses it, and readers that overlap never leave it. A log of that length waits
 * for those who read an older state, as long as answers take; a backup's snapshot is not waited for. */
#define RESTART_TRIES 2
#define RESTART_PATIENCE_MS 10

static enum kt_err run_simple(struct kt_store_conn *conn, enum kt_sqlite_statement id)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, id, &q);
  return kt_sqlite_run(&q);
}

/* Nothing is flushed a second time, either. */
static enum kt_err require_usable(struct kt_store_conn *conn, const char *operation)
{
  return kt_sqlite_of(conn)->is_unusable
             ? kt_store_fail(&conn->error, KT_ERR_STORE,
                             "%s: an earlier commit or flush failed with unknown outcome; reopen the store", operation)
             : KT_OK;
}

/* After a failed fsync the kernel may have dropped pages that a later fsync reports as written, so nothing that follows in
 * this log could be trusted. A full disk fails before anything is promised, and a transaction that was rolled back earlier
 * (SQLITE_ABORT) leaves nothing. */
static void stop_after(struct kt_sqlite *sqlite, int rc)
{
  int code = rc & 0xff;
  if (code != SQLITE_FULL && code != SQLITE_BUSY && code != SQLITE_ABORT) {
    sqlite->is_unusable = true;
  }
}

/* What is written to a file that has lost its name is gone when the last process closes it; and whose write-ahead log
 * the one beside it is then, nobody knows. */
static enum kt_err require_name(struct kt_store_conn *conn)
{
  const char *path = kt_sqlite_store_of(conn)->path;
  if (!kt_file_is_replaced(path, kt_sqlite_of(conn)->inode)) {
    return KT_OK;
  }
  kt_sqlite_leave(conn);
  (void)kt_store_fail(&conn->error, KT_ERR_STORE,
                      "%s was moved, replaced or removed while it is in use: nothing more is written to it", path);
  conn->error.is_unnamed = true;
  return KT_ERR_STORE;
}

/* Because another program reads an old state, or the disk fails; a full disk and a want of memory pass. */
static enum kt_err fail_to_save(struct kt_store_conn *conn, enum kt_err err, const char *path)
{
  char cause[sizeof conn->error.text];
  if (conn->error.is_full || err == KT_ERR_MEMORY) {
    return err;
  }
  memcpy(cause, conn->error.text, sizeof cause);
  (void)kt_store_fail(&conn->error, KT_ERR_STORE,
                      "%s was replaced or removed while it is in use, and what it said is not saved: %s", path, cause);
  conn->error.is_unnamed = true;
  return KT_ERR_STORE;
}

/* A kill would lose what an open write-ahead log says that was removed, and so would closing it while another program has the
 * database open: it is written into the database now. */
static enum kt_err require_log(struct kt_store_conn *conn)
{
  struct kt_sqlite *sqlite = kt_sqlite_of(conn);
  const char *path = kt_sqlite_log_path(sqlite);
  if (!kt_file_is_replaced(path, sqlite->wal_inode)) {
    return KT_OK;
  }
  enum kt_err err =
      kt_sqlite_checkpoint(conn, SQLITE_CHECKPOINT_FULL, KT_SQLITE_BUSY_TIMEOUT_MS, "writing it into the database");
  return err != KT_OK
             ? fail_to_save(conn, err, path)
             : kt_store_fail(&conn->error, KT_ERR_STORE,
                             "%s was replaced or removed while it is in use: what it said is in the database now",
                             path);
}

enum kt_err kt_sqlite_begin(struct kt_store_conn *conn)
{
  enum kt_err err = require_usable(conn, "beginning a transaction");
  if (err == KT_OK) {
    err = require_name(conn);
  }
  if (err == KT_OK) {
    err = require_log(conn);
  }
  if (err != KT_OK) {
    return err;
  }
  struct kt_sqlite_query q;
  kt_sqlite_of(conn)->last_label_id = 0; /* what was before may have been rolled back */
  kt_sqlite_start(conn, KT_SQL_BEGIN, &q);
  err = kt_sqlite_run(&q);
  return err != KT_OK && (q.rc & 0xff) == SQLITE_BUSY ? KT_ERR_UNDETERMINED : err;
}

enum kt_err kt_sqlite_commit(struct kt_store_conn *conn)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_COMMIT, &q);
  enum kt_err err = kt_sqlite_run(&q);
  if (err == KT_OK) {
    return KT_OK;
  }
  stop_after(kt_sqlite_of(conn), q.rc);
  return err;
}

void kt_sqlite_rollback(struct kt_store_conn *conn)
{
  struct kt_sqlite *sqlite = kt_sqlite_of(conn);
  /* SQLite rolls back by itself after some failures. */
  if (sqlite3_get_autocommit(sqlite->db) == 0 && run_simple(conn, KT_SQL_ROLLBACK) != KT_OK) {
    sqlite->is_unusable = true;
  }
}

/* --- reading --------------------------------------------------------------------------------------------------- */

/* Half of the machine's memory: the rest is for whoever uses it. */
static bool could_be_kept(uint64_t size)
{
  return size < (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
}

/* Through SQLite's own handle: to close another one would release the locks of all. */
bool kt_sqlite_page_in(struct kt_store_conn *conn, uint64_t max_bytes, uint64_t *at, uint8_t *room, size_t len)
{
  sqlite3_file *file = NULL;
  sqlite3_int64 size = 0;
  int rc = sqlite3_file_control(kt_sqlite_of(conn)->db, NULL, SQLITE_FCNTL_FILE_POINTER, &file);
  if (rc != SQLITE_OK || file->pMethods->xFileSize(file, &size) != SQLITE_OK || *at >= (uint64_t)size ||
      (uint64_t)size > max_bytes || !could_be_kept((uint64_t)size)) {
    return false;
  }
  const uint64_t left = (uint64_t)size - *at;
  const uint64_t n = left < len ? left : len;
  rc = file->pMethods->xRead(file, room, (int)n, (sqlite3_int64)*at);
  *at += n;
  return rc == SQLITE_OK;
}

/* The transaction begins with the first statement: who finds everything in memory has no use for one. */
enum kt_err kt_sqlite_read_begin(struct kt_store_conn *conn)
{
  kt_sqlite_of(conn)->is_snapshot_due = true;
  return KT_OK;
}

void kt_sqlite_read_end(struct kt_store_conn *conn)
{
  kt_sqlite_of(conn)->is_snapshot_due = false;
  /* Nothing was written, so a failure has nothing to lose; SQLite drops the read mark in every case. */
  if (sqlite3_get_autocommit(kt_sqlite_of(conn)->db) == 0) {
    (void)!run_simple(conn, KT_SQL_ROLLBACK);
  }
}

/* --- checkpoints ---------------------------------------------------------------------------------------------- */

int kt_sqlite_on_commit(void *ctx, sqlite3 *db, const char *schema, int n_frames)
{
  (void)db;
  (void)schema;
  struct kt_sqlite *sqlite = ctx;
  if (n_frames < sqlite->wal_frames) {
    sqlite->checkpointed_frames = 0; /* the log began again from its start */
  }
  sqlite->wal_frames = n_frames;
  return SQLITE_OK;
}

/* ret_n_frames: in the log. */
static enum kt_err checkpoint(struct kt_store_conn *conn, int mode, int patience_ms, const char *operation,
                              int *ret_n_frames)
{
  sqlite3 *db = kt_sqlite_of(conn)->db;
  enum kt_err err = require_usable(conn, operation);
  if (err != KT_OK) {
    return err;
  }
  (void)sqlite3_busy_timeout(db, patience_ms);
  int rc = sqlite3_wal_checkpoint_v2(db, NULL, mode, ret_n_frames, NULL);
  if (rc != SQLITE_OK) {
    err = kt_sqlite_fail(&conn->error, db, rc, operation);
    if ((rc & 0xff) != SQLITE_NOMEM) { /* which SQLite meets before it writes anything */
      stop_after(kt_sqlite_of(conn), rc);
    }
  }
  (void)sqlite3_busy_timeout(db, KT_SQLITE_BUSY_TIMEOUT_MS);
  return (rc & 0xff) == SQLITE_BUSY ? KT_ERR_UNDETERMINED : err;
}

enum kt_err kt_sqlite_checkpoint(struct kt_store_conn *conn, int mode, int patience_ms, const char *operation)
{
  return checkpoint(conn, mode, patience_ms, operation, NULL);
}

#define LOG_HEADER_LEN 32
#define LOG_PAGE_LEN_AT 8 /* of 4 bytes */
#define FRAME_HEADER_LEN 24

struct written {
  sqlite3_int64 len;
  uint32_t page_len;
};

/* With the same bytes, so readers see no difference. Up to where it can be read: behind what it says, a log has what it said
 * before. */
static int write_anew(sqlite3_file *file, struct written *ret_written)
{
  uint8_t chunk[4096];
  sqlite3_int64 size = 0;
  sqlite3_int64 at = 0;
  int rc = file->pMethods->xFileSize(file, &size);
  while (rc == SQLITE_OK && at < size) {
    const sqlite3_int64 left = size - at;
    const int len = (int)(left < (sqlite3_int64)sizeof chunk ? left : (sqlite3_int64)sizeof chunk);
    if (file->pMethods->xRead(file, chunk, len, at) != SQLITE_OK) {
      break;
    }
    if (at == 0 && len >= LOG_HEADER_LEN) {
      struct kt_reader r;
      kt_reader_init(&r, chunk + LOG_PAGE_LEN_AT, sizeof(uint32_t));
      ret_written->page_len = kt_read_u32(&r);
    }
    rc = file->pMethods->xWrite(file, chunk, len, at);
    at += len;
  }
  ret_written->len = at;
  return rc == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : rc;
}

static const char settling[] = "making durable what an earlier process wrote";

/* With the write lock held. */
static enum kt_err write_log_anew(struct kt_store_conn *conn, struct written *ret_written)
{
  sqlite3_file *file = NULL;
  sqlite3 *db = kt_sqlite_of(conn)->db;
  int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
  if (rc == SQLITE_OK && (file == NULL || file->pMethods == NULL)) {
    return kt_store_fail(&conn->error, KT_ERR_STORE, "%s: another program took the database's write-ahead log away",
                         settling);
  }
  rc = rc == SQLITE_OK ? write_anew(file, ret_written) : rc;
  if (rc == SQLITE_OK) {
    return KT_OK;
  }
  stop_after(kt_sqlite_of(conn), rc);
  return kt_sqlite_fail(&conn->error, db, rc, settling);
}

/* Fewer bytes than its frames take: part of it cannot be read, or another program has one open that was removed. What follows
 * those frames would be behind a hole, and nobody's after a crash. They are in the database now, so it can begin anew, once that
 * program does not read them. */
static enum kt_err require_frames(struct kt_store_conn *conn, int n_frames, const struct written *written)
{
  const sqlite3_int64 frame_len = FRAME_HEADER_LEN + (sqlite3_int64)written->page_len;
  if (n_frames <= 0 || written->len >= LOG_HEADER_LEN + n_frames * frame_len) {
    return KT_OK;
  }
  enum kt_err err = kt_sqlite_checkpoint(conn, SQLITE_CHECKPOINT_RESTART, KT_SQLITE_BUSY_TIMEOUT_MS, settling);
  return err != KT_ERR_UNDETERMINED
             ? err
             : kt_store_fail(
                   &conn->error, KT_ERR_STORE,
                   "%s: another program reads %d pages of a write-ahead log, of which %s has only %lld bytes: end "
                   "that first",
                   settling, n_frames, kt_sqlite_log_path(kt_sqlite_of(conn)), (long long)written->len);
}

static enum kt_err settle(struct kt_store_conn *conn)
{
  struct written written = { 0 };
  int n_frames = 0;
  enum kt_err err = kt_sqlite_begin(conn);
  if (err != KT_OK) {
    return err;
  }
  err = write_log_anew(conn, &written);
  kt_sqlite_rollback(conn); /* nothing was written through it */
  if (err == KT_OK) {
    err = checkpoint(conn, SQLITE_CHECKPOINT_FULL, KT_SQLITE_BUSY_TIMEOUT_MS, settling, &n_frames);
  }
  return err == KT_OK ? require_frames(conn, n_frames, &written) : err;
}

/* A flush alone would not do: pages that could not be written earlier are clean in the kernel's eyes. So the write-ahead log is
 * written anew, or a power cut could leave an older one beside the database, and what it says is written to the database; not
 * by closing it, either, when that failed. */
enum kt_err kt_sqlite_settle(struct kt_store_conn *conn)
{
  enum kt_err err = settle(conn);
  if (err != KT_OK) {
    kt_sqlite_leave(conn);
  }
  return err;
}

void kt_sqlite_leave(struct kt_store_conn *conn)
{
  (void)sqlite3_db_config(kt_sqlite_of(conn)->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static const char checkpointing[] = "checkpointing the write-ahead log";

/* The mark of a reader that is waited for may pass to one who reads the newest state, and to others after that: SQLite
 * sees that it is harmless when it looks anew. */
static enum kt_err restart_log(struct kt_store_conn *conn)
{
  enum kt_err err = KT_ERR_UNDETERMINED;
  for (int i = 0; i < RESTART_TRIES && err == KT_ERR_UNDETERMINED; i++) {
    err = kt_sqlite_checkpoint(conn, SQLITE_CHECKPOINT_RESTART, RESTART_PATIENCE_MS, checkpointing);
  }
  return err;
}

enum kt_err kt_sqlite_maintain(struct kt_store_conn *conn, bool is_idle)
{
  struct kt_sqlite *sqlite = kt_sqlite_of(conn);
  const int n_due = is_idle ? CHECKPOINT_FRAMES_IDLE : CHECKPOINT_FRAMES_MAX;
  if (sqlite->wal_frames - sqlite->checkpointed_frames < n_due) {
    return require_usable(conn, checkpointing);
  }
  enum kt_err err = sqlite->wal_frames < CHECKPOINT_FRAMES_MAX
                        ? kt_sqlite_checkpoint(conn, SQLITE_CHECKPOINT_PASSIVE, 0, checkpointing)
                        : restart_log(conn);
  if (err != KT_OK && err != KT_ERR_UNDETERMINED) {
    return err;
  }
  /* What readers held back is due at the next threshold, not after each commit. */
  sqlite->checkpointed_frames = sqlite->wal_frames;
  return KT_OK;
}

/* --- verification and backup ---------------------------------------------------------------------------------- */

/* From the first entry on that pruning left alone. */
static enum kt_err check_density(struct kt_store_conn *conn)
{
  struct kt_sqlite_query q;
  struct kt_store_pruned pruned;
  enum kt_err err = kt_store_get_pruned(conn, &pruned);
  if (err != KT_OK) {
    return err;
  }
  kt_sqlite_start(conn, KT_SQL_ENTRY_DENSITY, &q);
  kt_sqlite_bind_u64(&q, 1, pruned.boundary);
  err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  uint64_t n_rows = kt_sqlite_column_u64(&q, 0);
  uint64_t size = kt_sqlite_column_u64(&q, 1);
  err = kt_sqlite_end(&q);
  if (err == KT_OK && pruned.boundary + n_rows != (n_rows > 0 ? size : 0)) {
    err = kt_store_fail(&conn->error, KT_ERR_STORE,
                        "checking the entries: there are %llu from number %llu on, but the last is number %llu",
                        (unsigned long long)n_rows, (unsigned long long)pruned.boundary,
                        (unsigned long long)(size > 0 ? size - 1 : 0));
  }
  return err;
}

enum kt_err kt_sqlite_verify(struct kt_store_conn *conn)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_INTEGRITY_CHECK, &q);
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  const char *finding = (const char *)sqlite3_column_text(q.stmt, 0);
  bool is_sound = finding != NULL && sqlite3_stricmp(finding, "ok") == 0;
  struct kt_store_error error = { 0 };
  if (finding == NULL) {
    q.rc = SQLITE_NOMEM;
  } else if (!is_sound) {
    (void)kt_store_fail(&error, KT_ERR_STORE, "checking the database: %s", finding);
  }
  err = kt_sqlite_end(&q);
  if (err == KT_OK && !is_sound) {
    conn->error = error;
    err = KT_ERR_STORE;
  }
  return err == KT_OK ? check_density(conn) : err;
}

/* VACUUM INTO reads only, but SQLite counts it among the writes that query_only forbids. */
static enum kt_err vacuum_into(struct kt_store_conn *conn, const char *path)
{
  sqlite3 *db = kt_sqlite_of(conn)->db;
  int rc = sqlite3_exec(db, "PRAGMA query_only = OFF", NULL, NULL, NULL);
  if (rc != SQLITE_OK) {
    return kt_sqlite_fail(&conn->error, db, rc, "making a backup");
  }
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_BACKUP, &q);
  kt_sqlite_bind_text(&q, 1, path);
  enum kt_err err = kt_sqlite_run(&q);
  rc = sqlite3_exec(db, "PRAGMA query_only = ON", NULL, NULL, NULL);
  if (err == KT_OK && rc != SQLITE_OK) {
    err = kt_sqlite_fail(&conn->error, db, rc, "making a backup");
  }
  return err;
}

enum kt_err kt_sqlite_backup(struct kt_store_conn *conn, const char *path)
{
  enum kt_err err = kt_file_create(path, &conn->error); /* ours alone, before anything is in it */
  if (err != KT_OK) {
    return err;
  }
  err = vacuum_into(conn, path);
  if (err == KT_OK) {
    err = kt_file_sync(path, &conn->error);
  }
  if (err != KT_OK) {
    (void)unlink(path);
  }
  return err;
}
