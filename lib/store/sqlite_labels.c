/* SPDX-License-Identifier: Apache-2.0 */
/* Labels, versions, VRF proofs and registration tokens in SQLite. */
#include "store/sqlite.h"

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

enum kt_err kt_sqlite_create_label(struct kt_store_conn *conn, const struct kt_store_label *label,
                                   uint64_t *ret_label_id)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_LABEL_PUT, &q);
  kt_sqlite_bind_blob(&q, 1, label->label.data, label->label.len);
  kt_sqlite_bind_u64(&q, 2, label->n_versions);
  kt_sqlite_bind_u64(&q, 3, label->newest_pos);
  kt_sqlite_bind_blob(&q, 4, label->state.data, label->state.len);
  enum kt_err err = kt_sqlite_run(&q);
  if (err != KT_OK) {
    return err;
  }
  uint64_t label_id = (uint64_t)sqlite3_last_insert_rowid(kt_sqlite_of(conn)->db);
  if (label_id > KT_STORE_LABEL_ID_MAX) {
    return kt_store_fail(&conn->error, KT_ERR_STORE, "creating a label: there are too many");
  }
  *ret_label_id = label_id;
  return KT_OK;
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
  struct kt_store_payload payload;
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

enum kt_err kt_sqlite_get_proof(struct kt_store_conn *conn, uint64_t key, struct kt_store_proof *ret_proof)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_PROOF_GET, &q);
  kt_sqlite_bind_u64(&q, 1, key);
  enum kt_err err = kt_sqlite_row(&q);
  if (err != KT_OK) {
    return err;
  }
  struct kt_store_proof proof = { .len = kt_sqlite_column_blob(&q, 1).len };
  kt_sqlite_column_fixed(&q, 0, proof.output.b, KT_HASH_LEN);
  bool fits = proof.len <= KT_STORE_PROOF_MAX;
  if (fits && proof.len > 0) {
    kt_sqlite_column_fixed(&q, 1, proof.proof, proof.len);
  } else if (!fits) {
    q.rc = SQLITE_CORRUPT;
  }
  err = kt_sqlite_end(&q);
  if (err == KT_OK) {
    *ret_proof = proof;
  }
  return err;
}

enum kt_err kt_sqlite_put_proof(struct kt_store_conn *conn, uint64_t key, const struct kt_store_proof *proof)
{
  struct kt_sqlite_query q;
  kt_sqlite_start(conn, KT_SQL_PROOF_PUT, &q);
  kt_sqlite_bind_u64(&q, 1, key);
  kt_sqlite_bind_blob(&q, 2, proof->output.b, KT_HASH_LEN);
  kt_sqlite_bind_blob(&q, 3, proof->proof, proof->len);
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
