/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the SQLite backend: a handle is a connection with its prepared statements.
 *
 * A query is started, bound, run and ended; its error is sticky, so it is checked once. Write-ahead log, synchronous
 * = FULL: a commit is durable when COMMIT returns. Only the writer's connection checkpoints, and never during a commit
 * (SQLite 3.40 can lose a WAL reset when those of two connections overlap). */
#ifndef KT_STORE_SQLITE_H
#define KT_STORE_SQLITE_H

#include "store/backend.h"

#include <sqlite3.h>
#include <sys/types.h>

#define KT_SQLITE_APPLICATION_ID 0x6b746c67 /* "ktlg" */
#define KT_SQLITE_FORMAT 3                  /* user_version */

/* Records per row, so that rows fill pages of 4096 bytes and none needs an overflow page: two rows of 36 nodes of 56
 * bytes, four rows of 15 leaves of 64 (an entry of 255 leaves is 17 of them, without a remainder). The rows of an entry
 * are numbered from its position on. */
#define KT_SQLITE_NODES_PER_ROW 36U
#define KT_SQLITE_LEAVES_PER_ROW 15U
#define KT_SQLITE_ROWS_PER_ENTRY 256U
_Static_assert(KT_STORE_NODES_MAX <= KT_SQLITE_NODES_PER_ROW * KT_SQLITE_ROWS_PER_ENTRY, "an entry's nodes have rows");
_Static_assert(KT_STORE_LEAVES_MAX <= KT_SQLITE_LEAVES_PER_ROW * KT_SQLITE_ROWS_PER_ENTRY, "its leaves have");
_Static_assert(KT_SQLITE_NODES_PER_ROW <= 64, "a row's `present` has a bit per node");

#define KT_SQLITE_BUSY_TIMEOUT_MS 5000

enum kt_sqlite_statement {
  KT_SQL_BEGIN,
  KT_SQL_BEGIN_READ,
  KT_SQL_COMMIT,
  KT_SQL_ROLLBACK,
  KT_SQL_META_GET,
  KT_SQL_META_PUT,
  KT_SQL_ENTRY_LAST,
  KT_SQL_ENTRY_PUT,
  KT_SQL_ENTRY_GET,
  KT_SQL_ENTRY_LOG_NODES,
  KT_SQL_ENTRY_DROP,
  KT_SQL_ENTRY_STRIP,
  KT_SQL_LEAVES_PUT,
  KT_SQL_LEAVES_GET,
  KT_SQL_NODES_PUT,
  KT_SQL_NODES_GET,
  KT_SQL_NODES_NEXT,
  KT_SQL_NODES_REPLACE,
  KT_SQL_NODES_DELETE,
  KT_SQL_LABEL_GET,
  KT_SQL_LABEL_PUT,
  KT_SQL_LABEL_LAST,
  KT_SQL_LABEL_UPDATE,
  KT_SQL_LABEL_NEXT,
  KT_SQL_VERSION_PUT,
  KT_SQL_VERSION_GET,
  KT_SQL_VERSION_ERASE,
  KT_SQL_PROOFS_ERASE,
  KT_SQL_VERSIONS_ERASE,
  KT_SQL_LABEL_ERASE,
  KT_SQL_LABEL_EXISTS,
  KT_SQL_PERSONAL_TREES,
  KT_SQL_PAYLOAD_GET,
  KT_SQL_SUPERSEDED_PUT,
  KT_SQL_SUPERSEDED_GET,
  KT_SQL_SUPERSEDED_DELETE,
  KT_SQL_PROOFS_PUT,
  KT_SQL_PROOF_GET,
  KT_SQL_TOKEN_ADD,
  KT_SQL_TOKEN_GET,
  KT_SQL_TOKEN_USE,
  KT_SQL_INTEGRITY_CHECK,
  KT_SQL_ENTRY_DENSITY,
  KT_SQL_BACKUP,
  KT_SQL_COUNT
};

struct kt_sqlite_store {
  char *path;
  size_t cache_bytes; /* of each connection's page cache */
};

struct kt_sqlite {
  sqlite3 *db;
  sqlite3_stmt *statements[KT_SQL_COUNT]; /* prepared at first use */
  bool is_unusable;                       /* a commit or a flush failed with unknown outcome */
  bool is_snapshot_due;                   /* a reader's transaction begins with its first statement */
  uint64_t last_label_id;                 /* the greatest in the transaction; 0: not looked for yet */
  int wal_frames;                         /* in the log after the last commit */
  ino_t inode;                            /* of the file, and of the log's, when they were opened */
  ino_t wal_inode;
  int checkpointed_frames; /* of those, when the last checkpoint ended */
};

struct kt_sqlite_query {
  struct kt_store_conn *conn;
  enum kt_sqlite_statement id;
  sqlite3_stmt *stmt;
  int rc; /* first failure */
};

extern const struct kt_store_ops kt_sqlite_ops;

/* Row that holds item `index` of an entry, in the tables of nodes and of leaves. */
static inline uint64_t kt_sqlite_row_of(uint64_t pos, uint64_t index, unsigned per_row)
{
  return (pos + 1) * KT_SQLITE_ROWS_PER_ENTRY + index / per_row;
}

static inline struct kt_sqlite *kt_sqlite_of(const struct kt_store_conn *conn)
{
  return conn->backend;
}

static inline struct kt_sqlite_store *kt_sqlite_store_of(const struct kt_store_conn *conn)
{
  return conn->store->backend;
}

/* --- sqlite_query.c ------------------------------------------------------------------------------------------- */

/* Remember SQLite's account of a failure: "operation: text (extended code)". Returns KT_ERR_STORE. */
enum kt_err kt_sqlite_fail(struct kt_store_error *error, sqlite3 *db, int rc, const char *operation);

void kt_sqlite_start(struct kt_store_conn *conn, enum kt_sqlite_statement id, struct kt_sqlite_query *ret_query);
/* Parameters count from 1. Unsigned integers keep their bits. Blobs are borrowed until the query ends. */
void kt_sqlite_bind_u64(struct kt_sqlite_query *q, int parameter, uint64_t value);
void kt_sqlite_bind_blob(struct kt_sqlite_query *q, int parameter, const void *data, size_t len);
void kt_sqlite_bind_null(struct kt_sqlite_query *q, int parameter);
void kt_sqlite_bind_text(struct kt_sqlite_query *q, int parameter, const char *text);
/* Step to a row, leaving the query open for the column functions; KT_ERR_ABSENT (and ended) when there is none. */
KT_MUST_USE enum kt_err kt_sqlite_row(struct kt_sqlite_query *q);
/* Run a statement without rows to its end; KT_ERR_CONFLICT when a key exists. */
KT_MUST_USE enum kt_err kt_sqlite_run(struct kt_sqlite_query *q);

uint64_t kt_sqlite_column_u64(const struct kt_sqlite_query *q, int column);
/* Exactly len bytes, or the row is damaged (sticky). */
void kt_sqlite_column_fixed(struct kt_sqlite_query *q, int column, void *ret_data, size_t len);
/* Borrowed until the query ends. */
struct kt_bytes kt_sqlite_column_blob(struct kt_sqlite_query *q, int column);
/* End after a row: KT_OK, or KT_ERR_STORE when a column was damaged. */
KT_MUST_USE enum kt_err kt_sqlite_end(struct kt_sqlite_query *q);
/* An UPDATE or DELETE that must meet its row: KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_sqlite_change(struct kt_sqlite_query *q);
/* Item `index` of column 0, packed items, and the end of the query. KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_sqlite_end_with_item(struct kt_sqlite_query *q, size_t index, size_t item_len,
                                                uint8_t *ret_item);
/* The usual reader of one blob: row, copy column 0, end. */
KT_MUST_USE enum kt_err kt_sqlite_one_blob(struct kt_sqlite_query *q, struct kt_arena *arena,
                                           struct kt_bytes *ret_blob);

/* --- sqlite_open.c: connections; sqlite_admin.c: transactions, maintenance -------------------------------------- */

enum kt_err kt_sqlite_open_conn(struct kt_store_conn *conn);
void kt_sqlite_close_conn(struct kt_store_conn *conn);

/* Of the write-ahead log. */
const char *kt_sqlite_log_path(const struct kt_sqlite *sqlite);

enum kt_err kt_sqlite_begin(struct kt_store_conn *conn);
enum kt_err kt_sqlite_commit(struct kt_store_conn *conn);
void kt_sqlite_rollback(struct kt_store_conn *conn);
/* A checkpoint of SQLite's kind `mode` (PASSIVE, FULL, RESTART, TRUNCATE), which waits for others that long.
 * KT_ERR_UNDETERMINED: a reader or another program was in the way, and part of the log may be left. */
enum kt_err kt_sqlite_checkpoint(struct kt_store_conn *conn, int mode, int patience_ms, const char *operation);
enum kt_err kt_sqlite_settle(struct kt_store_conn *conn);
void kt_sqlite_leave(struct kt_store_conn *conn);
enum kt_err kt_sqlite_maintain(struct kt_store_conn *conn, bool is_idle);
bool kt_sqlite_page_in(struct kt_store_conn *conn, uint64_t max_bytes, uint64_t *at, uint8_t *room, size_t len);
enum kt_err kt_sqlite_read_begin(struct kt_store_conn *conn);
void kt_sqlite_read_end(struct kt_store_conn *conn);
enum kt_err kt_sqlite_verify(struct kt_store_conn *conn);
enum kt_err kt_sqlite_backup(struct kt_store_conn *conn, const char *path);
/* The writer's hook after each commit (sqlite3_wal_hook). */
int kt_sqlite_on_commit(void *ctx, sqlite3 *db, const char *schema, int n_frames);

/* --- sqlite_log.c: entries, meta ---------------------------------------------------------------------------------- */

enum kt_err kt_sqlite_get_meta(struct kt_store_conn *conn, const char *name, struct kt_arena *arena,
                               struct kt_bytes *ret_value);
enum kt_err kt_sqlite_put_meta(struct kt_store_conn *conn, const char *name, struct kt_bytes value);
enum kt_err kt_sqlite_put_entry(struct kt_store_conn *conn, uint64_t pos, const struct kt_store_entry *entry,
                                struct kt_bytes leaves, struct kt_bytes log_nodes);
enum kt_err kt_sqlite_count_entries(struct kt_store_conn *conn, uint64_t *ret_n);
enum kt_err kt_sqlite_get_entry(struct kt_store_conn *conn, uint64_t pos, struct kt_store_entry *ret_entry);
enum kt_err kt_sqlite_get_log_node(struct kt_store_conn *conn, uint64_t pos, unsigned level, struct kt_hash *ret_hash);

/* --- sqlite_nodes.c: nodes and leaves of prefix trees ------------------------------------------------------------- */

enum kt_err kt_sqlite_put_leaves(struct kt_store_conn *conn, uint64_t pos, struct kt_bytes leaves);
enum kt_err kt_sqlite_get_leaves(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                                 struct kt_bytes *ret_leaves);
enum kt_err kt_sqlite_get_leaf(struct kt_store_conn *conn, uint64_t pos, uint64_t index, uint8_t *ret_leaf);
enum kt_err kt_sqlite_put_nodes(struct kt_store_conn *conn, uint64_t pos, const uint8_t *records, uint64_t n);
enum kt_err kt_sqlite_get_node(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record);

/* --- sqlite_prune.c ---------------------------------------------------------------------------------------------- */

enum kt_err kt_sqlite_drop_entry(struct kt_store_conn *conn, uint64_t pos);
enum kt_err kt_sqlite_strip_entry(struct kt_store_conn *conn, uint64_t pos);
enum kt_err kt_sqlite_get_nodes(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                                struct kt_store_nodes *ret_nodes);
enum kt_err kt_sqlite_keep_nodes(struct kt_store_conn *conn, uint64_t pos, const uint64_t *refs, size_t n,
                                 uint64_t *ret_n_removed);
enum kt_err kt_sqlite_put_superseded(struct kt_store_conn *conn, uint64_t pos, uint64_t key);
enum kt_err kt_sqlite_take_superseded(struct kt_store_conn *conn, uint64_t pos, uint64_t *ret_key);

/* --- sqlite_wash.c ------------------------------------------------------------------------------------------------ */

enum kt_err kt_sqlite_wash(struct kt_store_conn *conn);

/* --- sqlite_labels.c: labels, versions, proofs, tokens ---------------------------------------------------------- */

enum kt_err kt_sqlite_get_label(struct kt_store_conn *conn, struct kt_bytes label, struct kt_arena *arena,
                                struct kt_store_label *ret_label);
enum kt_err kt_sqlite_create_label(struct kt_store_conn *conn, const struct kt_store_label *label,
                                   uint64_t *ret_label_id);
enum kt_err kt_sqlite_update_label(struct kt_store_conn *conn, const struct kt_store_label *label);
enum kt_err kt_sqlite_next_label(struct kt_store_conn *conn, uint64_t after_label_id, struct kt_arena *arena,
                                 struct kt_store_label *ret_label);
enum kt_err kt_sqlite_put_version(struct kt_store_conn *conn, uint64_t key, const struct kt_store_version *data,
                                  const struct kt_store_payload *payload);
enum kt_err kt_sqlite_get_version(struct kt_store_conn *conn, uint64_t key, struct kt_store_version *ret_version);
enum kt_err kt_sqlite_get_payload(struct kt_store_conn *conn, uint64_t key, struct kt_arena *arena,
                                  struct kt_store_payload *ret_payload);
enum kt_err kt_sqlite_erase_version(struct kt_store_conn *conn, uint64_t key);
enum kt_err kt_sqlite_erase_label(struct kt_store_conn *conn, uint64_t label_id);
enum kt_err kt_sqlite_label_exists(struct kt_store_conn *conn, uint64_t label_id, bool *ret_exists);
enum kt_err kt_sqlite_get_proofs(struct kt_store_conn *conn, uint64_t key, struct kt_store_proof_pair *ret_pair);
enum kt_err kt_sqlite_put_proofs(struct kt_store_conn *conn, uint64_t key,
                                 const struct kt_store_proof *const proofs[2]);
enum kt_err kt_sqlite_add_token(struct kt_store_conn *conn, const struct kt_hash *token_hash);
enum kt_err kt_sqlite_check_token(struct kt_store_conn *conn, const struct kt_hash *token_hash);
enum kt_err kt_sqlite_use_token(struct kt_store_conn *conn, const struct kt_hash *token_hash);

#endif
