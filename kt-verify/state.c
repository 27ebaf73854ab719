/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kt/writer.h>
#include "sql.h"

#define LOG_STATE_MAX 16384
#define APPLICATION_ID 0x6b747673 /* "ktvs" */

/* One row tables hold id = 1. Numbers are stored as SQLite integers; sizes and times stay below 2^63. */
static const char schema[] =
    "CREATE TABLE generation(id INTEGER PRIMARY KEY CHECK(id = 1), n INTEGER NOT NULL);"
    "INSERT INTO generation VALUES(1, 0);"
    "CREATE TABLE log(id INTEGER PRIMARY KEY CHECK(id = 1), config BLOB NOT NULL, url TEXT NOT NULL,"
    " state BLOB NOT NULL, seen_ms INTEGER NOT NULL);"
    "CREATE TABLE heads(size INTEGER PRIMARY KEY, root BLOB NOT NULL, signature BLOB NOT NULL, config BLOB NOT NULL,"
    " seen_ms INTEGER NOT NULL);"
    "CREATE TABLE named(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE accounts(label BLOB PRIMARY KEY, owner BLOB NOT NULL, account BLOB NOT NULL,"
    " key BLOB NOT NULL, n_judged INTEGER NOT NULL, latest BLOB, own BLOB, foreign_value BLOB,"
    " created_ms INTEGER NOT NULL, checked_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE own_values(label BLOB, hash BLOB, PRIMARY KEY(label, hash)) WITHOUT ROWID;"
    "CREATE TABLE approved(label BLOB, device BLOB, keys BLOB, PRIMARY KEY(label, device, keys)) WITHOUT ROWID;"
    "CREATE TABLE approved_keys(label BLOB, fingerprint BLOB, PRIMARY KEY(label, fingerprint)) WITHOUT ROWID;"
    "CREATE TABLE contacts(label BLOB PRIMARY KEY, monitoring BLOB NOT NULL, version INTEGER, key BLOB,"
    " contact_state INTEGER NOT NULL, since_ms INTEGER NOT NULL, method INTEGER NOT NULL, verified_ms INTEGER NOT NULL,"
    " changed_key BLOB, policy INTEGER NOT NULL, last BLOB, watched INTEGER NOT NULL, checked_ms INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE alerts(id BLOB PRIMARY KEY, kind TEXT NOT NULL, audience INTEGER NOT NULL, label BLOB NOT NULL,"
    " detail TEXT, device BLOB, device_name BLOB, version INTEGER, position INTEGER, time_ms INTEGER,"
    " raised_ms INTEGER NOT NULL, settlement INTEGER NOT NULL, settled_ms INTEGER NOT NULL,"
    " settled_version INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version = 1;";

/* Which hook was told about which alert. */
static const char schema_2[] =
    "CREATE TABLE hook_runs(alert BLOB, hook TEXT, raised_ms INTEGER NOT NULL, failures INTEGER NOT NULL,"
    " next_ms INTEGER NOT NULL, done_ms INTEGER NOT NULL, error TEXT, PRIMARY KEY(alert, hook)) WITHOUT ROWID;"
    "PRAGMA user_version = 2;";

/* Provisional credentials that wait for final verification. */
static const char schema_3[] =
    "CREATE TABLE credentials(id BLOB PRIMARY KEY, pending BLOB NOT NULL, credential BLOB NOT NULL, later BLOB,"
    " received_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version = 3;";

/* Which alerts say that the account key was replaced; and a mismatch of codes that nothing settled: earlier it was told
 * by the key that changed, to the pinned one itself. */
static const char schema_4[] =
    "ALTER TABLE alerts ADD COLUMN key_replaced INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE contacts ADD COLUMN contradicted INTEGER NOT NULL DEFAULT 0;"
    "UPDATE contacts SET contradicted = 1 WHERE changed_key IS NOT NULL AND changed_key = key;"
    "PRAGMA user_version = 4;";

/* Which alerts say that the owner's account key signed; earlier only their sentence did. */
static const char schema_5[] = "ALTER TABLE alerts ADD COLUMN by_account_key INTEGER NOT NULL DEFAULT 0;"
                               "UPDATE alerts SET by_account_key = 1 WHERE kind = 'version-not-mine' AND audience = 0"
                               " AND detail GLOB 'It is signed with your account key*';"
                               "PRAGMA user_version = 5;";

enum kt_err kt_state_home(const char *home, char ret_home[static KT_STATE_PATH_MAX])
{
  const char *xdg = getenv("XDG_STATE_HOME");
  const char *user = getenv("HOME");
  int n;
  if (home != NULL) {
    n = snprintf(ret_home, KT_STATE_PATH_MAX, "%s", home);
  } else if (xdg != NULL && xdg[0] == '/') { /* relative paths are to be ignored, says the XDG specification */
    n = snprintf(ret_home, KT_STATE_PATH_MAX, "%s/kt-verify", xdg);
  } else if (user != NULL && user[0] != '\0') {
    n = snprintf(ret_home, KT_STATE_PATH_MAX, "%s/.local/state/kt-verify", user);
  } else {
    return KT_ERR_USAGE;
  }
  return n > 0 && n < KT_STATE_PATH_MAX - 64 ? KT_OK : KT_ERR_USAGE;
}

/* mkdir -p; what exists is left as it is. */
static bool make_folders(const char *home)
{
  char path[KT_STATE_PATH_MAX];
  snprintf(path, sizeof path, "%s", home);
  for (char *at = path + 1; *at != '\0'; at++) {
    if (*at == '/') {
      *at = '\0';
      if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return false;
      }
      *at = '/';
    }
  }
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* Whoever can write the pinned configuration, approvals and contacts' keys decides what is verified; who can only read
 * them is refused as with keys (key_store.c). Root reads everybody's. */
enum kt_err kt_state_check_private(const struct stat *st, const char *what, unsigned mode,
                                   char ret_error[static KT_STATE_ERROR_SIZE])
{
  if (st->st_uid != geteuid() && geteuid() != 0) {
    snprintf(ret_error, KT_STATE_ERROR_SIZE, "%s belongs to another user, who can change what it says", what);
    return KT_ERR_DENIED;
  }
  if ((st->st_mode & 077) != 0) {
    snprintf(ret_error, KT_STATE_ERROR_SIZE,
             "%s is open to others (mode %04o): chmod %o it, and think about who may have %s it", what,
             (unsigned)st->st_mode & 07777, mode, (st->st_mode & 022) != 0 ? "changed" : "read");
    return KT_ERR_DENIED;
  }
  return KT_OK;
}

enum kt_err kt_state_check_folder(struct kt_state *state, bool create)
{
  const char *home = state->home;
  struct stat st;
  if (stat(home, &st) != 0) {
    if (!create) {
      return errno == ENOENT ? KT_ERR_ABSENT : KT_ERR_DENIED;
    }
    if (!make_folders(home) || stat(home, &st) != 0) {
      return KT_ERR_DENIED;
    }
  }
  if (!S_ISDIR(st.st_mode)) {
    errno = ENOTDIR;
    return KT_ERR_DENIED;
  }
  if (create && (st.st_mode & 077) != 0) {
    if (chmod(home, 0700) != 0) {
      return KT_ERR_DENIED;
    }
    st.st_mode &= (mode_t)~077;
  }
  return kt_state_check_private(&st, "it", 0700, state->error);
}

enum kt_err kt_state_check_file(struct kt_state *state, const char *name)
{
  char path[KT_STATE_PATH_MAX + 32];
  char what[48];
  struct stat st;
  snprintf(path, sizeof path, "%s/%s", state->home, name);
  if (stat(path, &st) != 0) {
    return errno == ENOENT ? KT_ERR_ABSENT : KT_ERR_DENIED;
  }
  snprintf(what, sizeof what, "%s in it", name);
  return S_ISREG(st.st_mode) ? kt_state_check_private(&st, what, 0600, state->error)
                             : KT_OK; /* SQLite refuses the rest */
}

static enum kt_err execute(struct kt_state *state, const char *sql)
{
  return sqlite3_exec(state->db, sql, NULL, NULL, NULL) == SQLITE_OK ? KT_OK : kt_sql_failed(state);
}

/* Two processes may both find an empty file: the write lock decides who fills it. */
static enum kt_err prepare_schema(struct kt_state *state)
{
  uint64_t version = 0;
  enum kt_err err = execute(state, "BEGIN IMMEDIATE");
  if (err == KT_OK) {
    err = kt_sql_number(state, "PRAGMA user_version", &version);
  }
  if (err == KT_OK && version > KT_STATE_SCHEMA) {
    err = KT_ERR_UNSUPPORTED;
  }
  if (err == KT_OK && version == 0) {
    err = execute(state, schema);
  }
  if (err == KT_OK && version < 2) {
    err = execute(state, schema_2);
  }
  if (err == KT_OK && version < 3) {
    err = execute(state, schema_3);
  }
  if (err == KT_OK && version < 4) {
    err = execute(state, schema_4);
  }
  if (err == KT_OK && version < KT_STATE_SCHEMA) {
    err = execute(state, schema_5);
  }
  if (err == KT_OK) {
    return execute(state, "COMMIT");
  }
  kt_state_rollback(state);
  return err;
}

enum kt_err kt_state_open(const char *home, bool create, struct kt_state *ret_state)
{
  struct kt_state *state = ret_state;
  char path[KT_STATE_PATH_MAX + 16];
  struct stat st;
  *state = (struct kt_state){ .db = NULL };
  enum kt_err err = kt_state_home(home, state->home);
  if (err != KT_OK) {
    return err;
  }
  snprintf(path, sizeof path, "%s/state.db", state->home);
  create = create && stat(path, &st) != 0; /* an open folder is closed before it holds something, not after */
  err = kt_state_check_folder(state, create);
  if (err == KT_OK && !create) {
    err = kt_state_check_file(state, "state.db");
  }
  if (err != KT_OK) {
    return err;
  }
  mode_t mask = umask(077);
  err = kt_sql_open(state, path, APPLICATION_ID);
  if (err == KT_OK) {
    err = prepare_schema(state);
  }
  umask(mask);
  return err;
}

void kt_state_close(struct kt_state *state)
{
  sqlite3_close(state->db);
  state->db = NULL;
}

/* --- transactions ----------------------------------------------------------------------------------------------------- */

static enum kt_err generation(struct kt_state *state, uint64_t *ret_generation)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(state, &rows, "SELECT n FROM generation", "");
  if (err == KT_OK) {
    err = kt_sql_next(state, rows);
  }
  if (err == KT_OK) {
    *ret_generation = kt_sql_u64(rows, 0);
    sqlite3_finalize(rows);
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

enum kt_err kt_state_begin_read(struct kt_state *state, uint64_t *ret_generation)
{
  enum kt_err err = execute(state, "BEGIN");
  if (err == KT_OK) {
    err = generation(state, ret_generation);
    if (err != KT_OK) {
      kt_state_rollback(state);
    }
  }
  return err;
}

static enum kt_err begin_write(struct kt_state *state, const uint64_t *expected)
{
  uint64_t now = 0;
  enum kt_err err = execute(state, "BEGIN IMMEDIATE");
  if (err != KT_OK) {
    return err;
  }
  err = generation(state, &now);
  if (err == KT_OK && expected != NULL && now != *expected) {
    err = KT_ERR_CONFLICT;
  }
  if (err == KT_OK) {
    err = kt_sql_run(state, "UPDATE generation SET n = n + 1", "");
  }
  if (err != KT_OK) {
    kt_state_rollback(state);
  }
  return err;
}

enum kt_err kt_state_begin_write(struct kt_state *state, uint64_t expected)
{
  return begin_write(state, &expected);
}

enum kt_err kt_state_begin_change(struct kt_state *state)
{
  return begin_write(state, NULL);
}

enum kt_err kt_state_commit(struct kt_state *state)
{
  enum kt_err err = execute(state, "COMMIT");
  if (err != KT_OK) {
    kt_state_rollback(state);
  }
  return err;
}

void kt_state_rollback(struct kt_state *state)
{
  if (state->db != NULL && sqlite3_get_autocommit(state->db) == 0) {
    sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
  }
}

/* --- the pinned log ------------------------------------------------------------------------------------------------------- */

enum kt_err kt_state_log(struct kt_state *state, struct kt_arena *arena, struct kt_pinned_log *ret_log)
{
  sqlite3_stmt *rows;
  struct kt_pinned_log log = { .seen_ms = 0 };
  enum kt_err err = kt_sql_query(state, &rows, "SELECT config, url, state, seen_ms FROM log", "");
  if (err == KT_OK) {
    err = kt_sql_next(state, rows);
  }
  if (err != KT_OK) {
    return err;
  }
  log.config = kt_sql_blob(rows, 0, arena);
  log.url = kt_sql_text(rows, 1, arena);
  log.seen_ms = kt_sql_u64(rows, 3);
  struct kt_bytes encoded = kt_sql_blob(rows, 2, arena);
  err = encoded.data != NULL && log.config.data != NULL && log.url != NULL ? kt_log_state_decode(encoded, &log.log)
                                                                           : KT_ERR_STORE;
  sqlite3_finalize(rows);
  if (err == KT_OK) {
    *ret_log = log;
  }
  return err;
}

enum kt_err kt_state_put_log(struct kt_state *state, const struct kt_pinned_log *log)
{
  struct kt_writer w;
  kt_writer_init(&w, LOG_STATE_MAX);
  kt_log_state_write(&w, &log->log);
  enum kt_err err = w.err;
  if (err == KT_OK) {
    err = kt_sql_run(state, "INSERT OR REPLACE INTO log VALUES(1, ?, ?, ?, ?)", "btbi", log->config, log->url,
                     (struct kt_bytes){ w.buf, w.len }, log->seen_ms);
  }
  kt_writer_release(&w);
  return err;
}

enum kt_err kt_state_add_head(struct kt_state *state, const struct kt_seen_head *head)
{
  return kt_sql_run(state, "INSERT OR IGNORE INTO heads VALUES(?, ?, ?, ?, ?)", "ibbbi", head->size,
                    (struct kt_bytes){ head->root.b, sizeof head->root.b }, head->signature, head->config,
                    head->seen_ms);
}

#define HEAD_COLUMNS "size, root, signature, config, seen_ms"

static enum kt_err read_head(sqlite3_stmt *row, struct kt_arena *arena, void *ret_item)
{
  struct kt_seen_head *ret_head = ret_item;
  struct kt_seen_head head = { .size = kt_sql_u64(row, 0),
                               .signature = kt_sql_blob(row, 2, arena),
                               .config = kt_sql_blob(row, 3, arena),
                               .seen_ms = kt_sql_u64(row, 4) };
  if (!kt_sql_fixed(row, 1, head.root.b, sizeof head.root.b) || head.signature.data == NULL ||
      head.config.data == NULL) {
    return KT_ERR_STORE;
  }
  *ret_head = head;
  return KT_OK;
}

enum kt_err kt_state_head(struct kt_state *state, uint64_t size, struct kt_arena *arena, struct kt_seen_head *ret_head)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(state, &rows, "SELECT " HEAD_COLUMNS " FROM heads WHERE size = ?", "i", size);
  return err == KT_OK ? kt_sql_read_one(state, rows, read_head, arena, ret_head) : err;
}

enum kt_err kt_state_heads(struct kt_state *state, size_t max, struct kt_arena *arena, struct kt_seen_head **ret_heads,
                           size_t *ret_n)
{
  sqlite3_stmt *rows;
  struct kt_sql_items heads;
  enum kt_err err =
      kt_sql_query(state, &rows, "SELECT " HEAD_COLUMNS " FROM heads ORDER BY size DESC LIMIT ?", "i", (uint64_t)max);
  if (err == KT_OK) {
    err = kt_sql_read_all(state, rows, read_head, sizeof(struct kt_seen_head), arena, &heads);
  }
  if (err == KT_OK) {
    *ret_heads = heads.items;
    *ret_n = heads.n;
  }
  return err;
}

/* --- named values ------------------------------------------------------------------------------------------------------------ */

enum kt_err kt_state_value(struct kt_state *state, const char *name, struct kt_arena *arena, struct kt_bytes *ret_value)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(state, &rows, "SELECT value FROM named WHERE name = ?", "t", name);
  if (err == KT_OK) {
    err = kt_sql_next(state, rows);
  }
  if (err != KT_OK) {
    return err;
  }
  struct kt_bytes value = kt_sql_blob(rows, 0, arena);
  sqlite3_finalize(rows);
  if (value.data == NULL) {
    return KT_ERR_MEMORY;
  }
  *ret_value = value;
  return KT_OK;
}

enum kt_err kt_state_put_value(struct kt_state *state, const char *name, struct kt_bytes value)
{
  return kt_sql_run(state, "INSERT OR REPLACE INTO named VALUES(?, ?)", "tb", name, value);
}
