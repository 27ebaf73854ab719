/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite, as the state files use it: bind by type letters, run, read columns into an arena.
 *
 * types, one letter per parameter: i uint64_t, b struct kt_bytes (blob), o const struct kt_bytes * (blob or NULL),
 * t const char * (text or NULL). */
#ifndef KT_VERIFY_SQL_H
#define KT_VERIFY_SQL_H

#include <sqlite3.h>

#include "state.h"

/* Open state->db, as all our files are: pages with checksums (page_check.h), durable commits. A new file gets the application
 * id; one that has it and seems to have no checksums is damaged at that very place. Files of earlier versions have neither. */
KT_MUST_USE enum kt_err kt_sql_open(struct kt_state *state, const char *path, uint32_t application_id);
/* A statement that returns no rows. */
KT_MUST_USE enum kt_err kt_sql_run(struct kt_state *state, const char *sql, const char *types, ...);
/* The first column of a query's only row. */
KT_MUST_USE enum kt_err kt_sql_number(struct kt_state *state, const char *sql, uint64_t *ret_number);
/* A query; step through it with kt_sql_next, which finalizes after the last row or an error. */
KT_MUST_USE enum kt_err kt_sql_query(struct kt_state *state, sqlite3_stmt **ret_rows, const char *sql,
                                     const char *types, ...);
/* KT_ERR_ABSENT: no more rows. */
KT_MUST_USE enum kt_err kt_sql_next(struct kt_state *state, sqlite3_stmt *rows);

/* One row as a value of the caller's; what it needs is copied into the arena. */
typedef enum kt_err (*kt_sql_reader)(sqlite3_stmt *row, struct kt_arena *arena, void *ret_item);
struct kt_sql_items {
  void *items; /* in the arena; NULL when there are none */
  size_t n;
};
/* The first row of a query, or all of them; both finalize. KT_ERR_ABSENT: there is no row. */
KT_MUST_USE enum kt_err kt_sql_read_one(struct kt_state *state, sqlite3_stmt *rows, kt_sql_reader reader,
                                        struct kt_arena *arena, void *ret_item);
KT_MUST_USE enum kt_err kt_sql_read_all(struct kt_state *state, sqlite3_stmt *rows, kt_sql_reader reader,
                                        size_t item_size, struct kt_arena *arena, struct kt_sql_items *ret_items);

/* Keep SQLite's words in state->error, and ours for a page without its checksum; returns KT_ERR_STORE. */
enum kt_err kt_sql_failed(struct kt_state *state);

uint64_t kt_sql_u64(sqlite3_stmt *row, int column);
/* Copies; data NULL when memory runs out or the column is NULL. */
struct kt_bytes kt_sql_blob(sqlite3_stmt *row, int column, struct kt_arena *arena);
const char *kt_sql_text(sqlite3_stmt *row, int column, struct kt_arena *arena);
/* A column of exactly len bytes; false otherwise. */
bool kt_sql_fixed(sqlite3_stmt *row, int column, uint8_t *ret_bytes, size_t len);

#endif
