/* SPDX-License-Identifier: Apache-2.0 */
#include "operator_sql.h"

#include <stdarg.h>

#include "store/sqlite_cause.h"

enum kt_err kt_opsql_damaged(struct kt_error *error, const char *what)
{
  return kt_error_set(error, KT_ERR_PROOF, "operator.db is damaged: %s", what);
}

enum kt_err kt_opsql_failed(sqlite3 *db, struct kt_error *error)
{
  const int said = sqlite3_errcode(db) & 0xff;
  const int code = kt_sqlite_cause(db, said) & 0xff; /* said, or an error of the disk */
  bool passes = code == SQLITE_FULL || code == SQLITE_BUSY;
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
    return kt_opsql_damaged(error, sqlite3_errmsg(db));
  }
  return kt_error_set(error, passes ? KT_ERR_UNDETERMINED : KT_ERR_STORE, "operator.db: %s",
                      code == said ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

static int bind_blob(sqlite3_stmt *statement, int at, struct kt_bytes bytes)
{
  /* An empty blob is not NULL. */
  return bytes.len == 0 ? sqlite3_bind_zeroblob(statement, at, 0)
                        : sqlite3_bind_blob64(statement, at, bytes.data, bytes.len, SQLITE_STATIC);
}

static int bind(sqlite3_stmt *statement, const char *types, va_list args)
{
  int rc = SQLITE_OK;
  for (int at = 1; *types != '\0' && rc == SQLITE_OK; types++, at++) {
    switch (*types) {
    case 'i': rc = sqlite3_bind_int64(statement, at, (sqlite3_int64)va_arg(args, uint64_t)); break;
    case 'b': rc = bind_blob(statement, at, va_arg(args, struct kt_bytes)); break;
    default: rc = SQLITE_MISUSE; break;
    }
  }
  return rc;
}

static enum kt_err prepare(sqlite3 *db, struct kt_error *error, sqlite3_stmt **ret_statement, const char *sql,
                           const char *types, va_list args)
{
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK || bind(statement, types, args) != SQLITE_OK) {
    enum kt_err err = kt_opsql_failed(db, error);
    (void)sqlite3_finalize(statement);
    return err;
  }
  *ret_statement = statement;
  return KT_OK;
}

/* The first row, or KT_ERR_ABSENT; the caller finalizes *ret_row after KT_OK. */
enum kt_err kt_opsql_query(sqlite3 *db, struct kt_error *error, sqlite3_stmt **ret_row, const char *sql,
                           const char *types, ...)
{
  sqlite3_stmt *statement = NULL;
  va_list args;
  va_start(args, types);
  enum kt_err err = prepare(db, error, &statement, sql, types, args);
  va_end(args);
  if (err != KT_OK) {
    return err;
  }
  int rc = sqlite3_step(statement);
  if (rc == SQLITE_ROW) {
    *ret_row = statement;
    return KT_OK;
  }
  err = rc == SQLITE_DONE ? KT_ERR_ABSENT : kt_opsql_failed(db, error);
  (void)sqlite3_finalize(statement);
  return err;
}

enum kt_err kt_opsql_run(sqlite3 *db, struct kt_error *error, const char *sql, const char *types, ...)
{
  sqlite3_stmt *statement = NULL;
  va_list args;
  va_start(args, types);
  enum kt_err err = prepare(db, error, &statement, sql, types, args);
  va_end(args);
  if (err != KT_OK) {
    return err;
  }
  int rc = sqlite3_step(statement);
  err = rc == SQLITE_DONE || rc == SQLITE_ROW ? KT_OK : kt_opsql_failed(db, error);
  (void)sqlite3_finalize(statement);
  return err;
}

enum kt_err kt_opsql_blob(sqlite3_stmt *row, int column, struct kt_arena *arena, struct kt_bytes *ret_bytes,
                          struct kt_error *error)
{
  size_t len = (size_t)sqlite3_column_bytes(row, column);
  const void *data = sqlite3_column_blob(row, column);
  struct kt_bytes copy = { data != NULL || len == 0 ? kt_arena_copy(arena, data, len) : NULL, len };
  if (copy.data == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  *ret_bytes = copy;
  return KT_OK;
}

uint64_t kt_opsql_u64(sqlite3_stmt *row, int column)
{
  return (uint64_t)sqlite3_column_int64(row, column);
}
