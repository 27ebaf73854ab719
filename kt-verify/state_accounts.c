/* SPDX-License-Identifier: Apache-2.0 */
#include "state_accounts.h"

#include <string.h>

#include <kt/writer.h>
#include "sql.h"

#define OWNER_STATE_MAX ((size_t)1 << 20)

static enum kt_err read_account(sqlite3_stmt *row, struct kt_arena *arena, struct kt_own_account *account)
{
  struct kt_bytes owner = kt_sql_blob(row, 0, arena);
  struct kt_bytes state = kt_sql_blob(row, 1, arena);
  bool ok = owner.data != NULL && state.data != NULL && kt_sql_fixed(row, 2, account->key.b, sizeof account->key.b);
  enum kt_err err = ok ? kt_owner_state_decode(owner, arena, &account->owner) : KT_ERR_STORE;
  if (err == KT_OK) {
    err = kt_account_state_decode(state, arena, &account->account);
  }
  account->n_judged = (uint32_t)kt_sql_u64(row, 3);
  account->latest = kt_sql_blob(row, 4, arena);
  account->own = kt_sql_blob(row, 5, arena);
  account->foreign = kt_sql_blob(row, 6, arena);
  account->created_ms = kt_sql_u64(row, 7);
  account->checked_ms = kt_sql_u64(row, 8);
  return err;
}

enum kt_err kt_state_account(struct kt_state *state, struct kt_bytes label, struct kt_arena *arena,
                             struct kt_own_account *ret_account)
{
  sqlite3_stmt *rows;
  struct kt_own_account account = { .label = label };
  enum kt_err err = kt_sql_query(state, &rows,
                                 "SELECT owner, account, key, n_judged, latest, own, foreign_value, created_ms,"
                                 " checked_ms FROM accounts WHERE label = ?",
                                 "b", label);
  if (err == KT_OK) {
    err = kt_sql_next(state, rows);
  }
  if (err != KT_OK) {
    return err;
  }
  err = read_account(rows, arena, &account);
  sqlite3_finalize(rows);
  if (err == KT_OK) {
    *ret_account = account;
  }
  return err;
}

static const struct kt_bytes *optional(const struct kt_bytes *bytes)
{
  return bytes->data != NULL ? bytes : NULL;
}

enum kt_err kt_state_put_account(struct kt_state *state, const struct kt_own_account *account)
{
  struct kt_writer w;
  struct kt_arena arena;
  struct kt_bytes encoded;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, OWNER_STATE_MAX);
  kt_owner_state_write(&w, &account->owner);
  enum kt_err err = w.err;
  if (err == KT_OK) {
    err = kt_account_state_encode(&account->account, &arena, &encoded);
  }
  if (err == KT_OK) {
    err = kt_sql_run(state,
                     "INSERT OR REPLACE INTO accounts(label, owner, account, key, n_judged, latest, own, foreign_value,"
                     " created_ms, checked_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     "bbbbioooii", account->label, (struct kt_bytes){ w.buf, w.len }, encoded,
                     (struct kt_bytes){ account->key.b, sizeof account->key.b }, (uint64_t)account->n_judged,
                     optional(&account->latest), optional(&account->own), optional(&account->foreign),
                     account->created_ms, account->checked_ms);
  }
  kt_writer_release(&w);
  kt_arena_release(&arena);
  return err;
}

enum kt_err kt_state_forget_account(struct kt_state *state, struct kt_bytes label)
{
  static const char *const changes[] = { "DELETE FROM accounts WHERE label = ?",
                                         "DELETE FROM own_values WHERE label = ?",
                                         "DELETE FROM approved WHERE label = ?",
                                         "DELETE FROM approved_keys WHERE label = ?" };
  enum kt_err err = KT_OK;
  for (size_t i = 0; err == KT_OK && i < sizeof changes / sizeof changes[0]; i++) {
    err = kt_sql_run(state, changes[i], "b", label);
  }
  return err;
}

/* --- lists ------------------------------------------------------------------------------------------------------------ */

static enum kt_err read_label(sqlite3_stmt *row, struct kt_arena *arena, void *ret_item)
{
  struct kt_bytes label = kt_sql_blob(row, 0, arena);
  memcpy(ret_item, &label, sizeof label);
  return label.data != NULL ? KT_OK : KT_ERR_MEMORY;
}

enum kt_err kt_state_account_labels(struct kt_state *state, struct kt_arena *arena, struct kt_bytes **ret_labels,
                                    size_t *ret_n)
{
  sqlite3_stmt *rows;
  struct kt_sql_items labels;
  enum kt_err err = kt_sql_query(state, &rows, "SELECT label FROM accounts ORDER BY label", "");
  if (err == KT_OK) {
    err = kt_sql_read_all(state, rows, read_label, sizeof(struct kt_bytes), arena, &labels);
  }
  if (err == KT_OK) {
    *ret_labels = labels.items;
    *ret_n = labels.n;
  }
  return err;
}

static enum kt_err read_hash(sqlite3_stmt *row, struct kt_arena *arena, void *ret_item)
{
  struct kt_hash *ret_hash = ret_item;
  (void)arena;
  return kt_sql_fixed(row, 0, ret_hash->b, KT_HASH_LEN) ? KT_OK : KT_ERR_STORE;
}

/* One column of hashes. */
static enum kt_err read_hashes(struct kt_state *state, const char *sql, struct kt_bytes label, struct kt_arena *arena,
                               const struct kt_hash **ret_hashes, size_t *ret_n)
{
  sqlite3_stmt *rows;
  struct kt_sql_items hashes;
  enum kt_err err = kt_sql_query(state, &rows, sql, "b", label);
  if (err == KT_OK) {
    err = kt_sql_read_all(state, rows, read_hash, sizeof(struct kt_hash), arena, &hashes);
  }
  if (err == KT_OK) {
    *ret_hashes = hashes.items;
    *ret_n = hashes.n;
  }
  return err;
}

static enum kt_err read_device(sqlite3_stmt *row, struct kt_arena *arena, void *ret_item)
{
  struct kt_approved_device *ret_device = ret_item;
  (void)arena;
  return kt_sql_fixed(row, 0, ret_device->id.b, KT_DEVICE_ID_LEN) &&
                 kt_sql_fixed(row, 1, ret_device->keys.b, KT_HASH_LEN)
             ? KT_OK
             : KT_ERR_STORE;
}

static enum kt_err read_approved(struct kt_state *state, struct kt_bytes label, struct kt_arena *arena,
                                 struct kt_owner_knowledge *known)
{
  sqlite3_stmt *rows;
  struct kt_sql_items approved;
  enum kt_err err = kt_sql_query(state, &rows, "SELECT device, keys FROM approved WHERE label = ?", "b", label);
  if (err == KT_OK) {
    err = kt_sql_read_all(state, rows, read_device, sizeof(struct kt_approved_device), arena, &approved);
  }
  if (err == KT_OK) {
    known->approved = approved.items;
    known->n_approved = approved.n;
  }
  return err;
}

enum kt_err kt_state_approvals(struct kt_state *state, struct kt_bytes label, struct kt_arena *arena,
                               struct kt_owner_knowledge *known)
{
  enum kt_err err = read_hashes(state, "SELECT hash FROM own_values WHERE label = ?", label, arena, &known->own_values,
                                &known->n_own_values);
  if (err == KT_OK) {
    err = read_hashes(state, "SELECT fingerprint FROM approved_keys WHERE label = ?", label, arena,
                      &known->approved_keys, &known->n_approved_keys);
  }
  return err == KT_OK ? read_approved(state, label, arena, known) : err;
}

/* --- changes ----------------------------------------------------------------------------------------------------------- */

enum kt_err kt_state_add_own_value(struct kt_state *state, struct kt_bytes label, const struct kt_hash *hash)
{
  return kt_sql_run(state, "INSERT OR IGNORE INTO own_values VALUES(?, ?)", "bb", label,
                    (struct kt_bytes){ hash->b, KT_HASH_LEN });
}

enum kt_err kt_state_approve(struct kt_state *state, struct kt_bytes label, const struct kt_approved_device *device)
{
  return kt_sql_run(state, "INSERT OR IGNORE INTO approved VALUES(?, ?, ?)", "bbb", label,
                    (struct kt_bytes){ device->id.b, KT_DEVICE_ID_LEN },
                    (struct kt_bytes){ device->keys.b, KT_HASH_LEN });
}

enum kt_err kt_state_approve_key(struct kt_state *state, struct kt_bytes label, const struct kt_hash *fingerprint)
{
  return kt_sql_run(state, "INSERT OR IGNORE INTO approved_keys VALUES(?, ?)", "bb", label,
                    (struct kt_bytes){ fingerprint->b, KT_HASH_LEN });
}

enum kt_err kt_state_disapprove(struct kt_state *state, struct kt_bytes label, const struct kt_device_id *device)
{
  return kt_sql_run(state, "DELETE FROM approved WHERE label = ? AND device = ?", "bb", label,
                    (struct kt_bytes){ device->b, KT_DEVICE_ID_LEN });
}

enum kt_err kt_state_disapprove_key(struct kt_state *state, struct kt_bytes label, const struct kt_hash *fingerprint)
{
  return kt_sql_run(state, "DELETE FROM approved_keys WHERE label = ? AND fingerprint = ?", "bb", label,
                    (struct kt_bytes){ fingerprint->b, KT_HASH_LEN });
}
