/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite, as the operator's database uses it: bind by type letters, one row or none.
 *
 * types, one letter per parameter: i uint64_t, b struct kt_bytes (a blob that outlives the call). Errors: KT_ERR_PROOF,
 * the file is damaged; KT_ERR_UNDETERMINED where there is no room or another program writes; KT_ERR_STORE; *error says
 * what. */
#ifndef KT_SERVER_OPERATOR_SQL_H
#define KT_SERVER_OPERATOR_SQL_H

#include <sqlite3.h>

#include <kt/arena.h>
#include <kt/bytes.h>

#include "cli.h"

/* The first row, which the caller finalizes, or KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_opsql_query(sqlite3 *db, struct kt_error *error, sqlite3_stmt **ret_row, const char *sql,
                                       const char *types, ...);
KT_MUST_USE enum kt_err kt_opsql_run(sqlite3 *db, struct kt_error *error, const char *sql, const char *types, ...);
/* The last failure on this connection. */
enum kt_err kt_opsql_failed(sqlite3 *db, struct kt_error *error);
/* KT_ERR_PROOF; what: something in the file that no program wrote. */
enum kt_err kt_opsql_damaged(struct kt_error *error, const char *what);

/* A copy in the arena. */
KT_MUST_USE enum kt_err kt_opsql_blob(sqlite3_stmt *row, int column, struct kt_arena *arena, struct kt_bytes *ret_bytes,
                                      struct kt_error *error);
uint64_t kt_opsql_u64(sqlite3_stmt *row, int column);

#endif
