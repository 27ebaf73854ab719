/* SPDX-License-Identifier: Apache-2.0 */
/* Labels, versions, VRF proofs and registration tokens in SQLite. */
#include "store/sqlite.h"

#include <string.h>

/* Columns label_id, n_versions, newest_pos, state, label. */
static enum kt_err one_label(struct kt_sqlite_query *q, struct kt_arena *arena, struct kt_store_label *ret_label)
{
  enum kt_err err = kt_sqlite_row(q);
  if (err != KT_OK) {
    return err;
  }
  struct kt_store_label label = {
    .label_id = kt_sqlite_column_u64(q, 0),
    .n_versions = kt_sqlite_column_u64(q, 1),
    .newest_pos = kt_sqlite_column_u64(q, 2),
  };
  struct kt_bytes state = kt_sqlite_column_blob(q, 3);
  struct kt_bytes name = kt_sqlite_column_blob(q, 4);
  enum kt_err copy_err = kt_store_copy(arena, state.data, state.len, &label.state);
  if (copy_err == KT_OK) {
    copy_err = kt_store_copy(arena, name.data, name.len, &label.label);
  }
  err = kt_sqlite_end(q);
  if (err == KT_OK) {
    err = copy_err;
  }
  if (err == KT_OK) {
    *ret_label = label;
  }
  return err;
}

enum kt_err kt_sqlite_get_label(struct kt_store_conn *conn, struct kt_bytes label, struct kt_arena *arena,
                                struct kt_store_label *ret_label)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_LABEL_GET, &q);
  kt_sqlite_bind_blob(&q, 1, label.data, label.len);
  return one_label(&q, arena, ret_label);
}

enum kt_err kt_sqlite_next_label(struct kt_store_conn *conn, uint64_t after_label_id, struct kt_arena *arena,
                                 struct kt_store_label *ret_label)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_LABEL_NEXT, &q);
  kt_sqlite_bind_u64(&q, 1, after_label_id);
  return one_label(&q, arena, ret_label);
}

/* The greatest number that was given away: no other transaction can give away one before this one ends. */
static enum kt_err last_label_id(struct kt_store_conn *conn, uint64_t *ret_label_id)
{
  struct kt_sqlite *sqlite = kt_sqlite_of(conn);
  if (sqlite->last_label_id == 0) {
    struct kt_sqlite_query q;
    kt_sqlite_start(conn, KT_SQL_LABEL_LAST, &q);
    enum kt_err err = kt_sqlite_row(&q);
    if (err != KT_OK) {
      return err;
    }
    sqlite->last_label_id = kt_sqlite_column_u64(&q, 0);
    err = kt_sqlite_end(&q);
    if (err != KT_OK) {
      return err;
    }
  }
  uint64_t erased = conn->erased_next.last_id;
  *ret_label_id = sqlite->last_label_id > erased ? sqlite->last_label_id : erased;
  return KT_OK;
}

enum kt_err kt_sqlite_create_label(struct kt_store_conn *conn, const struct kt_store_label *label,
                                   uint64_t *ret_label_id)
{
  struct kt_sqlite_query q;
  uint64_t last_id;
  enum kt_err err = last_label_id(conn, &last_id);
  if (err != KT_OK) {
    return err;
  }
  if (last_id >= KT_STORE_LABEL_ID_MAX) {
    return kt_store_fail(&conn->error, KT_ERR_STORE, "creating a label: there are too many");
  }
  kt_sqlite_start(conn, KT_SQL_LABEL_PUT, &q);
  kt_sqlite_bind_u64(&q, 1, last_id + 1);
  kt_sqlite_bind_blob(&q, 2, label->label.data, label->label.len);
  kt_sqlite_bind_u64(&q, 3, label->n_versions);
  kt_sqlite_bind_u64(&q, 4, label->newest_pos);
  kt_sqlite_bind_blob(&q, 5, label->state.data, label->state.len);
  err = kt_sqlite_run(&q);
  if (err == KT_ERR_CONFLICT && q.rc != SQLITE_CONSTRAINT_UNIQUE) {
    return KT_ERR_STORE; /* it is not the label that exists but the number, which was taken for a new one */
  }
  if (err == KT_OK) {
    kt_sqlite_of(conn)->last_label_id = last_id + 1;
    *ret_label_id = last_id + 1;
  }
  return err;
}

enum kt_err kt_sqlite_update_label(struct kt_store_conn *conn, const struct kt_store_label *label)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_LABEL_UPDATE, &q);
  kt_sqlite_bind_u64(&q, 1, label->label_id);
  kt_sqlite_bind_u64(&q, 2, label->n_versions);
  kt_sqlite_bind_u64(&q, 3, label->newest_pos);
  kt_sqlite_bind_blob(&q, 4, label->state.data, label->state.len);
  return kt_sqlite_change(&q);
}

enum kt_err kt_sqlite_label_exists(struct kt_store_conn *conn, uint64_t label_id, bool *ret_exists)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_LABEL_EXISTS, &q);
  kt_sqlite_bind_u64(&q, 1, label_id);
  enum kt_err err = kt_sqlite_row(&q);
  *ret_exists = err == KT_OK;
  return err == KT_OK ? kt_sqlite_end(&q) : err == KT_ERR_ABSENT ? KT_OK : err;
}

enum kt_err kt_sqlite_erase_label(struct kt_store_conn *conn, uint64_t label_id)
{
  static const enum kt_sqlite_statement rows[] = { KT_SQL_PROOFS_ERASE, KT_SQL_VERSIONS_ERASE };
  struct kt_sqlite_query q;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    kt_sqlite_start(conn, rows[i], &q);
    kt_sqlite_bind_u64(&q, 1, label_id);
    enum kt_err err = kt_sqlite_run(&q);
    if (err != KT_OK) {
      return err;
    }
  }
  kt_sqlite_start(conn, KT_SQL_LABEL_ERASE, &q);
  kt_sqlite_bind_u64(&q, 1, label_id);
  return kt_sqlite_change(&q);
}

/* --- versions ------------------------------------------------------------------------------------------------- */

enum kt_err kt_sqlite_put_version(struct kt_store_conn *conn, uint64_t key, const struct kt_store_version *data,
                                  const struct kt_store_payload *payload)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_VERSION_PUT, &q);
  kt_sqlite_bind_u64(&q, 1, key);
  kt_sqlite_bind_u64(&q, 2, data->pos);
  kt_sqlite_bind_u64(&q, 3, data->leaf);
  kt_sqlite_bind_blob(&q, 4, payload->opening, KT_OPENING_LEN);
  kt_sqlite_bind_blob(&q, 5, payload->suffix.data, payload->suffix.len);
  kt_sqlite_bind_blob(&q, 6, payload->value.data, payload->value.len);
  return kt_sqlite_run(&q);
}

enum kt_err kt_sqlite_get_version(struct kt_store_conn *conn, uint64_t key, struct kt_store_version *ret_version)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_VERSION_GET, &q);
  kt_sqlite_bind_u64(&q, 1, key);
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  struct kt_store_version version = {
    .pos = kt_sqlite_column_u64(&q, 0),
    .leaf = (uint32_t)kt_sqlite_column_u64(&q, 1),
    .is_erased = kt_sqlite_column_u64(&q, 2) != 0,
  };
  err = kt_sqlite_end(&q);
  if (err == KT_OK) {
    *ret_version = version;
  }
  return err;
}

enum kt_err kt_sqlite_get_payload(struct kt_store_conn *conn, uint64_t key, struct kt_arena *arena,
                                  struct kt_store_payload *ret_payload)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_PAYLOAD_GET, &q);
  kt_sqlite_bind_u64(&q, 1, key);
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  if (sqlite3_column_type(q.stmt, 0) == SQLITE_NULL) {
    err = kt_sqlite_end(&q);
    return err == KT_OK ? KT_ERR_EXPIRED : err;
  }
  struct kt_store_payload payload = { .version = { .pos = kt_sqlite_column_u64(&q, 3),
                                                   .leaf = (uint32_t)kt_sqlite_column_u64(&q, 4) } };
  kt_sqlite_column_fixed(&q, 0, payload.opening, KT_OPENING_LEN);
  struct kt_bytes suffix = kt_sqlite_column_blob(&q, 1);
  struct kt_bytes value = kt_sqlite_column_blob(&q, 2);
  enum kt_err copy_err = kt_store_copy(arena, suffix.data, suffix.len, &payload.suffix);
  if (copy_err == KT_OK) {
    copy_err = kt_store_copy(arena, value.data, value.len, &payload.value);
  }
  err = kt_sqlite_end(&q);
  if (err == KT_OK) {
    err = copy_err;
  }
  if (err == KT_OK) {
    *ret_payload = payload;
  }
  return err;
}

enum kt_err kt_sqlite_erase_version(struct kt_store_conn *conn, uint64_t key)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_VERSION_ERASE, &q);
  kt_sqlite_bind_u64(&q, 1, key);
  return kt_sqlite_change(&q);
}

/* --- VRF proofs ----------------------------------------------------------------------------------------------- */

/* A proof's column: the proof behind a byte, which is 1 when the output comes between the two. */
#define STORED_MAX (1 + KT_HASH_LEN + KT_STORE_PROOF_MAX)

static size_t encode_proof(const struct kt_store_proof *proof, uint8_t ret_stored[static STORED_MAX])
{
  size_t len = 0;
  ret_stored[len++] = proof->has_output ? 1 : 0;
  if (proof->has_output) {
    memcpy(ret_stored + len, proof->output.b, KT_HASH_LEN);
    len += KT_HASH_LEN;
  }
  memcpy(ret_stored + len, proof->proof, proof->len);
  return len + proof->len;
}

/* A column that is NULL is no proof. */
static void column_proof(struct kt_sqlite_query *q, int column, bool *ret_has, struct kt_store_proof *ret_proof)
{
  struct kt_bytes stored = kt_sqlite_column_blob(q, column);
  *ret_has = stored.len > 0;
  if (!*ret_has) {
    return;
  }
  ret_proof->has_output = stored.data[0] == 1;
  size_t before = 1 + (ret_proof->has_output ? KT_HASH_LEN : 0);
  if (stored.data[0] > 1 || stored.len < before || stored.len - before > KT_STORE_PROOF_MAX) {
    q->rc = SQLITE_CORRUPT;
    return;
  }
  memcpy(ret_proof->output.b, stored.data + 1, before - 1);
  ret_proof->len = stored.len - before;
  memcpy(ret_proof->proof, stored.data + before, ret_proof->len);
}

enum kt_err kt_sqlite_get_proofs(struct kt_store_conn *conn, uint64_t key, struct kt_store_proof_pair *ret_pair)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_PROOF_GET, &q);
  kt_sqlite_bind_u64(&q, 1, key / 2);
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  column_proof(&q, 0, &ret_pair->has[0], &ret_pair->proof[0]);
  column_proof(&q, 1, &ret_pair->has[1], &ret_pair->proof[1]);
  return kt_sqlite_end(&q);
}

enum kt_err kt_sqlite_put_proofs(struct kt_store_conn *conn, uint64_t key, const struct kt_store_proof *const proofs[2])
{
  struct kt_sqlite_query q;
  uint8_t stored[2][STORED_MAX];
  kt_sqlite_start(conn, KT_SQL_PROOFS_PUT, &q);
  kt_sqlite_bind_u64(&q, 1, key / 2);
  for (int i = 0; i < 2; i++) {
    if (proofs[i] != NULL) {
      kt_sqlite_bind_blob(&q, i + 2, stored[i], encode_proof(proofs[i], stored[i]));
    } else {
      kt_sqlite_bind_null(&q, i + 2); /* what an earlier run bound stays bound */
    }
  }
  return kt_sqlite_run(&q);
}

/* --- registration tokens -------------------------------------------------------------------------------------- */

enum kt_err kt_sqlite_add_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_TOKEN_ADD, &q);
  kt_sqlite_bind_blob(&q, 1, token_hash->b, KT_HASH_LEN);
  return kt_sqlite_run(&q);
}

enum kt_err kt_sqlite_check_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_TOKEN_GET, &q);
  kt_sqlite_bind_blob(&q, 1, token_hash->b, KT_HASH_LEN);
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  bool is_used = kt_sqlite_column_u64(&q, 0) != 0;
  err = kt_sqlite_end(&q);
  return err == KT_OK && is_used ? KT_ERR_CONFLICT : err;
}

enum kt_err kt_sqlite_use_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  struct kt_sqlite_query q;
  enum kt_err err = kt_sqlite_check_token(conn, token_hash);
  if (err != KT_OK) {
    return err;
  }
  kt_sqlite_start(conn, KT_SQL_TOKEN_USE, &q);
  kt_sqlite_bind_blob(&q, 1, token_hash->b, KT_HASH_LEN);
  return kt_sqlite_run(&q);
}
