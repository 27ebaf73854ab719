/* SPDX-License-Identifier: Apache-2.0 */
#include "auditor_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kt/writer.h>
#include "crypto/hash.h"
#include "sql.h"

#define APPLICATION_ID 0x6b747661 /* "ktva" */
#define SCHEMA 1
#define AUDIT_STATE_MAX 4096

/* One row tables hold id = 1. keys: the VRF outputs of the leaves an entry added, one after the other. */
static const char schema[] =
    "CREATE TABLE progress(id INTEGER PRIMARY KEY CHECK(id = 1), log_id BLOB NOT NULL, first INTEGER NOT NULL,"
    " leaves INTEGER NOT NULL, complete_from INTEGER NOT NULL, state BLOB NOT NULL, head_size INTEGER NOT NULL,"
    " head_root BLOB NOT NULL, head_signature BLOB NOT NULL, head_config BLOB NOT NULL, head_ms INTEGER NOT NULL);"
    "CREATE TABLE recent(pos INTEGER PRIMARY KEY, keys BLOB NOT NULL);"
    "CREATE TABLE intended(id INTEGER PRIMARY KEY CHECK(id = 1), size INTEGER NOT NULL, root BLOB NOT NULL);"
    "PRAGMA user_version = 1;";

/* --- opening ---------------------------------------------------------------------------------------------------------- */

static enum kt_err execute(struct kt_auditor_state *state, const char *sql)
{
  return sqlite3_exec(state->db.db, sql, NULL, NULL, NULL) == SQLITE_OK ? KT_OK : kt_sql_failed(&state->db);
}

/* The file is made when an auditor first runs here; the folder is there already. */
static enum kt_err check_home(struct kt_auditor_state *state)
{
  enum kt_err err = kt_state_check_folder(&state->db, false);
  if (err != KT_OK) {
    return KT_ERR_DENIED;
  }
  err = kt_state_check_file(&state->db, "auditor.db");
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

/* One process goes through the log here; what a key signed is the business of auditor_signed.h. */
static enum kt_err lock(struct kt_auditor_state *state)
{
  char path[KT_STATE_PATH_MAX + 32];
  snprintf(path, sizeof path, "%s/auditor.lock", state->db.home);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return KT_ERR_DENIED;
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    enum kt_err err = errno == EWOULDBLOCK ? KT_ERR_UNDETERMINED : KT_ERR_DENIED;
    close(fd);
    return err;
  }
  state->lock_fd = fd;
  return KT_OK;
}

static enum kt_err prepare_schema(struct kt_auditor_state *state)
{
  uint64_t version = 0;
  enum kt_err err = kt_sql_number(&state->db, "PRAGMA user_version", &version);
  if (err != KT_OK) {
    return err;
  }
  if (version > SCHEMA) {
    return KT_ERR_UNSUPPORTED;
  }
  if (version == SCHEMA) {
    return KT_OK;
  }
  err = execute(state, "BEGIN IMMEDIATE");
  if (err == KT_OK) {
    err = execute(state, schema);
  }
  return err == KT_OK ? execute(state, "COMMIT") : err;
}

enum kt_err kt_auditor_state_open(const char *home, struct kt_auditor_state *ret_state)
{
  struct kt_auditor_state *state = ret_state;
  char path[KT_STATE_PATH_MAX + 32];
  *state = (struct kt_auditor_state){ .lock_fd = -1 };
  enum kt_err err = kt_state_home(home, state->db.home);
  if (err == KT_OK) {
    err = check_home(state);
  }
  if (err == KT_OK) {
    err = lock(state);
  }
  if (err != KT_OK) {
    return err;
  }
  snprintf(path, sizeof path, "%s/auditor.db", state->db.home);
  mode_t mask = umask(077);
  err = kt_sql_open(&state->db, path, APPLICATION_ID);
  if (err == KT_OK) {
    err = prepare_schema(state);
  }
  umask(mask);
  return err;
}

void kt_auditor_state_close(struct kt_auditor_state *state)
{
  sqlite3_close(state->db.db);
  if (state->lock_fd >= 0) {
    close(state->lock_fd); /* the lock goes with it */
  }
  *state = (struct kt_auditor_state){ .lock_fd = -1 };
}

/* --- reading ------------------------------------------------------------------------------------------------------------- */

static enum kt_err damaged(struct kt_auditor_state *state)
{
  snprintf(state->db.error, sizeof state->db.error, "auditor.db does not hold what an auditor wrote");
  return KT_ERR_STORE;
}

static enum kt_err read_progress(struct kt_auditor_state *state, sqlite3_stmt *row, const struct kt_hash *log_id,
                                 struct kt_arena *arena, struct kt_auditor_progress *ret_progress)
{
  struct kt_hash owner;
  struct kt_auditor_progress progress = { .from = kt_sql_u64(row, 1),
                                          .leaves = kt_sql_u64(row, 2),
                                          .complete_from = kt_sql_u64(row, 3) };
  progress.head = (struct kt_seen_head){ .size = kt_sql_u64(row, 5),
                                         .signature = kt_sql_blob(row, 7, arena),
                                         .config = kt_sql_blob(row, 8, arena),
                                         .seen_ms = kt_sql_u64(row, 9) };
  const struct kt_bytes audit = kt_sql_blob(row, 4, arena);
  if (!kt_sql_fixed(row, 0, owner.b, sizeof owner.b) || audit.data == NULL ||
      kt_audit_state_decode(audit, &progress.audit) != KT_OK ||
      !kt_sql_fixed(row, 6, progress.head.root.b, sizeof progress.head.root.b) ||
      progress.head.signature.data == NULL || progress.head.config.data == NULL) {
    return damaged(state);
  }
  if (!kt_hash_equal(&owner, log_id)) {
    return KT_ERR_CONFLICT;
  }
  *ret_progress = progress;
  return KT_OK;
}

/* One entry's leaves, as kt_audit_recent takes them. */
static enum kt_err read_leaves(struct kt_auditor_state *state, sqlite3_stmt *row, struct kt_audit_recent *recent)
{
  const uint8_t *keys = sqlite3_column_blob(row, 1);
  size_t len = (size_t)sqlite3_column_bytes(row, 1);
  struct kt_auditor_update update = { .n_added = len / KT_HASH_LEN };
  if (len % KT_HASH_LEN != 0) {
    return damaged(state);
  }
  struct kt_prefix_leaf *leaves = calloc(update.n_added + 1, sizeof *leaves);
  if (leaves == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < update.n_added; i++) {
    memcpy(leaves[i].vrf_output.b, keys + i * KT_HASH_LEN, KT_HASH_LEN);
  }
  update.added = leaves;
  enum kt_err err = kt_audit_recent_add(recent, &update, kt_sql_u64(row, 0), NULL);
  free(leaves);
  return err;
}

static enum kt_err load_recent(struct kt_auditor_state *state, struct kt_audit_recent *recent)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(&state->db, &rows, "SELECT pos, keys FROM recent ORDER BY pos", "");
  if (err != KT_OK) {
    return err;
  }
  while ((err = kt_sql_next(&state->db, rows)) == KT_OK) {
    err = read_leaves(state, rows, recent);
    if (err != KT_OK) {
      sqlite3_finalize(rows);
      return err;
    }
  }
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

enum kt_err kt_auditor_state_load(struct kt_auditor_state *state, const struct kt_hash *log_id, struct kt_arena *arena,
                                  struct kt_auditor_progress *ret_progress, struct kt_audit_recent *recent)
{
  sqlite3_stmt *rows;
  struct kt_auditor_progress progress;
  enum kt_err err = kt_sql_query(&state->db, &rows,
                                 "SELECT log_id, first, leaves, complete_from, state, head_size, head_root, "
                                 "head_signature, head_config, head_ms FROM progress",
                                 "");
  if (err == KT_OK) {
    err = kt_sql_next(&state->db, rows);
  }
  if (err != KT_OK) {
    return err;
  }
  err = read_progress(state, rows, log_id, arena, &progress);
  sqlite3_finalize(rows);
  if (err == KT_OK) {
    kt_audit_recent_init(recent, progress.complete_from);
    err = load_recent(state, recent);
  }
  if (err == KT_OK) {
    *ret_progress = progress;
  }
  return err;
}

/* --- a page ---------------------------------------------------------------------------------------------------------------- */

enum kt_err kt_auditor_state_begin(struct kt_auditor_state *state)
{
  return execute(state, "BEGIN IMMEDIATE");
}

void kt_auditor_state_rollback(struct kt_auditor_state *state)
{
  if (state->db.db != NULL && sqlite3_get_autocommit(state->db.db) == 0) {
    (void)sqlite3_exec(state->db.db, "ROLLBACK", NULL, NULL, NULL);
  }
}

enum kt_err kt_auditor_state_add(struct kt_auditor_state *state, uint64_t pos, const struct kt_auditor_update *update,
                                 const uint64_t *published)
{
  struct kt_writer w;
  kt_writer_init(&w, update->n_added * KT_HASH_LEN + 1);
  for (size_t i = 0; i < update->n_added; i++) {
    kt_write_bytes(&w, update->added[i].vrf_output.b, KT_HASH_LEN);
  }
  enum kt_err err = w.err;
  if (err == KT_OK) {
    err = kt_sql_run(&state->db, "INSERT INTO recent VALUES(?, ?)", "ib", pos, (struct kt_bytes){ w.buf, w.len });
  }
  kt_writer_release(&w);
  if (err == KT_OK && published != NULL) {
    err = kt_sql_run(&state->db, "DELETE FROM recent WHERE pos <= ?", "i", *published);
  }
  return err;
}

static enum kt_err put_progress(struct kt_auditor_state *state, const struct kt_hash *log_id,
                                const struct kt_auditor_progress *progress)
{
  uint8_t buf[AUDIT_STATE_MAX];
  struct kt_writer w;
  const struct kt_seen_head *head = &progress->head;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_audit_state_write(&w, &progress->audit);
  if (w.err != KT_OK) {
    return w.err;
  }
  return kt_sql_run(&state->db, "INSERT OR REPLACE INTO progress VALUES(1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "biiibibbbi",
                    (struct kt_bytes){ log_id->b, sizeof log_id->b }, progress->from, progress->leaves,
                    progress->complete_from, (struct kt_bytes){ buf, w.len }, head->size,
                    (struct kt_bytes){ head->root.b, sizeof head->root.b }, head->signature, head->config,
                    head->seen_ms);
}

enum kt_err kt_auditor_state_commit(struct kt_auditor_state *state, const struct kt_hash *log_id,
                                    const struct kt_auditor_progress *progress)
{
  enum kt_err err = put_progress(state, log_id, progress);
  if (err == KT_OK) { /* what the bounded memory forgot */
    err = kt_sql_run(&state->db, "DELETE FROM recent WHERE pos < ?", "i", progress->complete_from);
  }
  if (err == KT_OK) {
    err = execute(state, "COMMIT");
  }
  if (err != KT_OK) {
    kt_auditor_state_rollback(state);
  }
  return err;
}

/* --- signing ------------------------------------------------------------------------------------------------------------------ */

enum kt_err kt_auditor_state_intended(struct kt_auditor_state *state, uint64_t *ret_size, struct kt_hash *ret_root)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(&state->db, &rows, "SELECT size, root FROM intended", "");
  if (err == KT_OK) {
    err = kt_sql_next(&state->db, rows);
  }
  if (err != KT_OK) {
    return err;
  }
  *ret_size = kt_sql_u64(rows, 0);
  bool ok = kt_sql_fixed(rows, 1, ret_root->b, sizeof ret_root->b);
  sqlite3_finalize(rows);
  return ok ? KT_OK : damaged(state);
}

enum kt_err kt_auditor_state_intend(struct kt_auditor_state *state, uint64_t size, const struct kt_hash *root)
{
  uint64_t last = 0;
  struct kt_hash last_root;
  enum kt_err err = kt_auditor_state_intended(state, &last, &last_root);
  if (err == KT_OK && (size < last || (size == last && !kt_hash_equal(root, &last_root)))) {
    return KT_ERR_CONFLICT;
  }
  if (err != KT_OK && err != KT_ERR_ABSENT) {
    return err;
  }
  return kt_sql_run(&state->db, "INSERT OR REPLACE INTO intended VALUES(1, ?, ?)", "ib", size,
                    (struct kt_bytes){ root->b, sizeof root->b });
}
