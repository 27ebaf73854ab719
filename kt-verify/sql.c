/* SPDX-License-Identifier: Apache-2.0 */
#include "sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "page_check.h"

#define BUSY_TIMEOUT_MS 10000

static const char damaged[] = "the file is damaged: its bytes are not those that were written. Nothing in it can be "
                              "relied on: put back a copy of "
                              "the folder, or begin anew, which includes comparing codes again";

static bool is_denied(sqlite3 *db)
{
  int cause = sqlite3_system_errno(db);
  return sqlite3_errcode(db) == SQLITE_READONLY || cause == EACCES || cause == EPERM || cause == EROFS;
}

/* SQLite names the cause, not what is left and what helps. */
static const char *failure_text(sqlite3 *db)
{
  switch (sqlite3_errcode(db)) {
  case SQLITE_FULL:
    return "no room is left on its filesystem, or in the quota. Nothing that was kept before is lost; what this "
           "command "
           "found was not kept. Make room, and give the command again";
  case SQLITE_READONLY:
  case SQLITE_CANTOPEN:
    if (!is_denied(db)) {
      return sqlite3_errmsg(db);
    }
    return "it, or the folder it is in, cannot be written: a read-only filesystem, or not yours to write. Nothing that "
           "was kept before is lost; what this command found was not kept. Make both writable, and give the command "
           "again";
  case SQLITE_IOERR: return sqlite3_extended_errcode(db) == SQLITE_IOERR_DATA ? damaged : sqlite3_errmsg(db);
  default: return sqlite3_errmsg(db);
  }
}

enum kt_err kt_sql_failed(struct kt_state *state)
{
  const char *text = state->db != NULL ? failure_text(state->db) : "out of memory";
  snprintf(state->error, sizeof state->error, "%s", text);
  return KT_ERR_STORE;
}

static int bind_blob(sqlite3_stmt *statement, int at, struct kt_bytes bytes)
{
  /* An empty blob is not NULL. */
  return bytes.len == 0 ? sqlite3_bind_zeroblob(statement, at, 0)
                        : sqlite3_bind_blob64(statement, at, bytes.data, bytes.len, SQLITE_TRANSIENT);
}

static int bind(sqlite3_stmt *statement, const char *types, va_list args)
{
  int rc = SQLITE_OK;
  for (int at = 1; *types != '\0' && rc == SQLITE_OK; types++, at++) {
    const struct kt_bytes *optional;
    const char *text;
    switch (*types) {
    case 'i': rc = sqlite3_bind_int64(statement, at, (sqlite3_int64)va_arg(args, uint64_t)); break;
    case 'b': rc = bind_blob(statement, at, va_arg(args, struct kt_bytes)); break;
    case 'o':
      optional = va_arg(args, const struct kt_bytes *);
      rc = optional != NULL ? bind_blob(statement, at, *optional) : SQLITE_OK; /* unbound is NULL */
      break;
    case 't':
      text = va_arg(args, const char *);
      rc = text != NULL ? sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT) : SQLITE_OK;
      break;
    default: rc = SQLITE_MISUSE; break;
    }
  }
  return rc;
}

static enum kt_err prepare(struct kt_state *state, const char *sql, const char *types, va_list args,
                           sqlite3_stmt **ret_statement)
{
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(state->db, sql, -1, &statement, NULL) != SQLITE_OK ||
      bind(statement, types, args) != SQLITE_OK) {
    enum kt_err err = kt_sql_failed(state);
    sqlite3_finalize(statement);
    return err;
  }
  *ret_statement = statement;
  return KT_OK;
}

enum kt_err kt_sql_number(struct kt_state *state, const char *sql, uint64_t *ret_number)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(state, &rows, sql, "");
  if (err == KT_OK) {
    err = kt_sql_next(state, rows);
  }
  if (err == KT_OK) {
    *ret_number = kt_sql_u64(rows, 0);
    sqlite3_finalize(rows);
  }
  return err;
}

static enum kt_err begin_file(struct kt_state *state, uint32_t application_id)
{
  char sql[64];
  snprintf(sql, sizeof sql, "PRAGMA application_id = %u", (unsigned)application_id);
  return kt_page_check_begin(state->db) == SQLITE_OK ? kt_sql_run(state, sql, "") : kt_sql_failed(state);
}

enum kt_err kt_sql_open(struct kt_state *state, const char *path, uint32_t application_id)
{
  uint64_t n_pages = 0;
  uint64_t application = 0;
  if (kt_page_check_register() != SQLITE_OK ||
      sqlite3_open_v2(path, &state->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, KT_PAGE_CHECK_VFS) != SQLITE_OK ||
      sqlite3_busy_timeout(state->db, BUSY_TIMEOUT_MS) != SQLITE_OK ||
      sqlite3_exec(state->db, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF",
                   NULL, NULL, NULL) != SQLITE_OK) {
    return kt_sql_failed(state);
  }
  enum kt_err err = kt_sql_number(state, "PRAGMA page_count", &n_pages);
  if (err == KT_OK && n_pages == 0) {
    err = begin_file(state, application_id);
  }
  if (err == KT_OK) {
    err = kt_sql_number(state, "PRAGMA application_id", &application);
  }
  if (err == KT_OK && application == application_id && !kt_page_check_is_on(state->db)) {
    snprintf(state->error, sizeof state->error, "%s", damaged);
    err = KT_ERR_STORE;
  }
  return err;
}

enum kt_err kt_sql_query(struct kt_state *state, sqlite3_stmt **ret_rows, const char *sql, const char *types, ...)
{
  va_list args;
  va_start(args, types);
  enum kt_err err = prepare(state, sql, types, args, ret_rows);
  va_end(args);
  return err;
}

enum kt_err kt_sql_run(struct kt_state *state, const char *sql, const char *types, ...)
{
  va_list args;
  sqlite3_stmt *statement;
  va_start(args, types);
  enum kt_err err = prepare(state, sql, types, args, &statement);
  va_end(args);
  if (err != KT_OK) {
    return err;
  }
  err = sqlite3_step(statement) == SQLITE_DONE ? KT_OK : kt_sql_failed(state);
  sqlite3_finalize(statement);
  return err;
}

enum kt_err kt_sql_next(struct kt_state *state, sqlite3_stmt *rows)
{
  int rc = sqlite3_step(rows);
  if (rc == SQLITE_ROW) {
    return KT_OK;
  }
  enum kt_err err = rc == SQLITE_DONE ? KT_ERR_ABSENT : kt_sql_failed(state);
  sqlite3_finalize(rows);
  return err;
}

enum kt_err kt_sql_read_one(struct kt_state *state, sqlite3_stmt *rows, kt_sql_reader reader, struct kt_arena *arena,
                            void *ret_item)
{
  enum kt_err err = kt_sql_next(state, rows);
  if (err == KT_OK) {
    err = reader(rows, arena, ret_item);
    sqlite3_finalize(rows);
  }
  return err;
}

/* Room for one more item; the array doubles, and the arena keeps the old ones. */
static bool grow(struct kt_sql_items *items, size_t *max, size_t item_size, struct kt_arena *arena)
{
  if (items->n < *max) {
    return true;
  }
  size_t wanted = *max == 0 ? 8 : 2 * *max;
  void *more = kt_arena_alloc(arena, wanted, item_size);
  if (more == NULL) {
    return false;
  }
  if (items->n > 0) {
    memcpy(more, items->items, items->n * item_size);
  }
  items->items = more;
  *max = wanted;
  return true;
}

enum kt_err kt_sql_read_all(struct kt_state *state, sqlite3_stmt *rows, kt_sql_reader reader, size_t item_size,
                            struct kt_arena *arena, struct kt_sql_items *ret_items)
{
  struct kt_sql_items items = { NULL, 0 };
  size_t max = 0;
  enum kt_err err;
  while ((err = kt_sql_next(state, rows)) == KT_OK) {
    err = grow(&items, &max, item_size, arena) ? reader(rows, arena, (uint8_t *)items.items + items.n * item_size)
                                               : KT_ERR_MEMORY;
    if (err != KT_OK) {
      sqlite3_finalize(rows);
      return err;
    }
    items.n++;
  }
  if (err != KT_ERR_ABSENT) {
    return err;
  }
  *ret_items = items;
  return KT_OK;
}

uint64_t kt_sql_u64(sqlite3_stmt *row, int column)
{
  return (uint64_t)sqlite3_column_int64(row, column);
}

struct kt_bytes kt_sql_blob(sqlite3_stmt *row, int column, struct kt_arena *arena)
{
  size_t len = (size_t)sqlite3_column_bytes(row, column);
  const void *data = sqlite3_column_blob(row, column);
  if (sqlite3_column_type(row, column) == SQLITE_NULL) {
    return (struct kt_bytes){ NULL, 0 };
  }
  struct kt_bytes copy = { kt_arena_copy(arena, data != NULL ? data : "", len), len };
  return copy.data != NULL ? copy : (struct kt_bytes){ NULL, 0 };
}

const char *kt_sql_text(sqlite3_stmt *row, int column, struct kt_arena *arena)
{
  const unsigned char *text = sqlite3_column_text(row, column);
  return text != NULL ? kt_arena_copy(arena, text, strlen((const char *)text) + 1) : NULL;
}

bool kt_sql_fixed(sqlite3_stmt *row, int column, uint8_t *ret_bytes, size_t len)
{
  const void *data = sqlite3_column_blob(row, column);
  if (data == NULL || (size_t)sqlite3_column_bytes(row, column) != len) {
    return false;
  }
  memcpy(ret_bytes, data, len);
  return true;
}
