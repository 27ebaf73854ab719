/* SPDX-License-Identifier: Apache-2.0 */
#include "state_credentials.h"

#include <kt/writer.h>
#include "sql.h"

#define RECENT "recent-heads"
#define ENCODED_MAX ((size_t)1 << 20)
#define COLUMNS "pending, credential, later, received_ms"

enum { PENDING, CREDENTIAL, LATER, RECEIVED };

enum kt_err kt_state_recent(struct kt_state *state, struct kt_arena *arena, struct kt_recent_heads *ret_recent)
{
  struct kt_bytes encoded;
  enum kt_err err = kt_state_value(state, RECENT, arena, &encoded);
  if (err == KT_ERR_ABSENT) {
    *ret_recent = (struct kt_recent_heads){ .n = 0 };
    return KT_OK;
  }
  if (err == KT_OK) {
    err = kt_recent_heads_decode(encoded, arena, ret_recent);
    err = err == KT_OK || err == KT_ERR_MEMORY ? err : KT_ERR_STORE;
  }
  return err;
}

/* Heads left of every waiting credential's own are of no more use. */
static const uint64_t *leftmost(const struct kt_waiting_credential *waiting, size_t n)
{
  const uint64_t *first = NULL;
  for (size_t i = 0; i < n; i++) {
    const uint64_t *position = &waiting[i].pending.position;
    first = first == NULL || *position < *first ? position : first;
  }
  return first;
}

enum kt_err kt_state_learn(struct kt_state *state, const struct kt_distinguished_result *walk, uint64_t now_ms,
                           struct kt_arena *arena)
{
  struct kt_waiting_credential *waiting;
  struct kt_recent_heads recent;
  struct kt_writer w;
  size_t n;
  enum kt_err err = kt_state_recent(state, arena, &recent);
  if (err == KT_OK) {
    err = kt_state_waiting(state, arena, &waiting, &n);
  }
  if (err == KT_OK) {
    err = kt_recent_learn(&recent, walk, leftmost(waiting, n), now_ms, arena, NULL, &recent);
  }
  if (err != KT_OK) {
    return err;
  }
  kt_writer_init(&w, ENCODED_MAX);
  kt_recent_heads_write(&w, &recent);
  err = w.err == KT_OK ? kt_state_put_value(state, RECENT, (struct kt_bytes){ w.buf, w.len }) : w.err;
  kt_writer_release(&w);
  return err;
}

static enum kt_err read_waiting(sqlite3_stmt *row, struct kt_arena *arena, void *ret_item)
{
  struct kt_waiting_credential *ret_waiting = ret_item;
  struct kt_waiting_credential waiting = { .credential = kt_sql_blob(row, CREDENTIAL, arena),
                                           .update = kt_sql_blob(row, LATER, arena),
                                           .received_ms = kt_sql_u64(row, RECEIVED) };
  const struct kt_bytes pending = kt_sql_blob(row, PENDING, arena);
  if (pending.data == NULL || waiting.credential.data == NULL ||
      kt_credential_pending_decode(pending, arena, &waiting.pending) != KT_OK) {
    return KT_ERR_STORE;
  }
  *ret_waiting = waiting;
  return KT_OK;
}

/* KT_ERR_LIMIT: what waits beside this one leaves no room for so many bytes. */
static enum kt_err check_room(struct kt_state *state, const struct kt_hash *id, uint64_t n_bytes)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(state, &rows,
                                 "SELECT count(*), coalesce(sum(length(pending) + length(credential) +"
                                 " coalesce(length(later), 0)), 0) FROM credentials WHERE id != ?",
                                 "b", (struct kt_bytes){ id->b, sizeof id->b });
  if (err == KT_OK) {
    err = kt_sql_next(state, rows);
  }
  if (err != KT_OK) {
    return err;
  }
  bool is_full = kt_sql_u64(rows, 0) >= KT_WAITING_MAX || kt_sql_u64(rows, 1) + n_bytes > KT_WAITING_BYTES_MAX;
  sqlite3_finalize(rows);
  return is_full ? KT_ERR_LIMIT : KT_OK;
}

enum kt_err kt_state_waiting(struct kt_state *state, struct kt_arena *arena, struct kt_waiting_credential **ret_list,
                             size_t *ret_n)
{
  sqlite3_stmt *rows;
  struct kt_sql_items list;
  enum kt_err err = kt_sql_query(state, &rows, "SELECT " COLUMNS " FROM credentials ORDER BY received_ms, id", "");
  if (err == KT_OK) {
    err = kt_sql_read_all(state, rows, read_waiting, sizeof(struct kt_waiting_credential), arena, &list);
  }
  if (err == KT_OK) {
    *ret_list = list.items;
    *ret_n = list.n;
  }
  return err;
}

enum kt_err kt_state_waiting_one(struct kt_state *state, const struct kt_hash *id, struct kt_arena *arena,
                                 struct kt_waiting_credential *ret_waiting)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(state, &rows, "SELECT " COLUMNS " FROM credentials WHERE id = ?", "b",
                                 (struct kt_bytes){ id->b, sizeof id->b });
  return err == KT_OK ? kt_sql_read_one(state, rows, read_waiting, arena, ret_waiting) : err;
}

enum kt_err kt_state_put_waiting(struct kt_state *state, const struct kt_waiting_credential *waiting)
{
  struct kt_writer w;
  const struct kt_hash *id = &waiting->pending.id;
  kt_writer_init(&w, ENCODED_MAX);
  kt_credential_pending_write(&w, &waiting->pending);
  enum kt_err err =
      w.err == KT_OK ? check_room(state, id, w.len + waiting->credential.len + waiting->update.len) : w.err;
  if (err == KT_OK) {
    err = kt_sql_run(state, "INSERT OR REPLACE INTO credentials(id, " COLUMNS ") VALUES(?, ?, ?, ?, ?)", "bbboi",
                     (struct kt_bytes){ id->b, sizeof id->b }, (struct kt_bytes){ w.buf, w.len }, waiting->credential,
                     waiting->update.data != NULL ? &waiting->update : NULL, waiting->received_ms);
  }
  kt_writer_release(&w);
  return err;
}

enum kt_err kt_state_remove_waiting(struct kt_state *state, const struct kt_hash *id)
{
  return kt_sql_run(state, "DELETE FROM credentials WHERE id = ?", "b", (struct kt_bytes){ id->b, sizeof id->b });
}
