/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: what SQLite does, without durability. For tests and for server and client in one process. */
#include "store/memory.h"

#include <stdlib.h>
#include <string.h>

/* --- transactions --------------------------------------------------------------------------------------------- */

static enum kt_err nothing(struct kt_store_conn *conn)
{
  (void)conn;
  return KT_OK;
}

static bool page_in(struct kt_store_conn *conn, uint64_t max_bytes, uint64_t *at, uint8_t *room, size_t len)
{
  (void)conn;
  (void)max_bytes;
  (void)at;
  (void)room;
  (void)len;
  return false;
}

static enum kt_err settle(struct kt_store_conn *conn)
{
  (void)conn;
  return KT_OK;
}

static enum kt_err maintain(struct kt_store_conn *conn, bool is_idle)
{
  (void)conn;
  (void)is_idle;
  return KT_OK;
}

static void end_nothing(struct kt_store_conn *conn)
{
  (void)conn;
}

static enum kt_err commit(struct kt_store_conn *conn)
{
  kt_memory_lock(conn);
  kt_mem_map_commit(&kt_memory_of(conn)->map);
  kt_memory_unlock(conn);
  return KT_OK;
}

static void rollback(struct kt_store_conn *conn)
{
  kt_memory_lock(conn);
  kt_mem_map_rollback(&kt_memory_of(conn)->map);
  kt_memory_unlock(conn);
}

/* --- meta, entries, nodes ------------------------------------------------------------------------------------- */

static enum kt_err get_meta(struct kt_store_conn *conn, const char *name, struct kt_arena *arena,
                            struct kt_bytes *ret_value)
{
  kt_memory_lock(conn);
  struct kt_bytes value;
  enum kt_err err = kt_memory_get(conn, KT_MEMORY_META, kt_memory_bytes(name, strlen(name)), &value);
  if (err == KT_OK) {
    err = kt_store_copy(arena, value.data, value.len, ret_value);
  }
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err put_meta(struct kt_store_conn *conn, const char *name, struct kt_bytes value)
{
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_put(conn, KT_MEMORY_META, kt_memory_bytes(name, strlen(name)), value);
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err put_entry(struct kt_store_conn *conn, uint64_t pos, const struct kt_store_entry *entry,
                             struct kt_bytes leaves, struct kt_bytes log_nodes)
{
  kt_memory_lock(conn);
  uint64_t n = pos + 1;
  enum kt_err err = kt_memory_put_by_number(conn, KT_MEMORY_ENTRIES, pos, entry, sizeof *entry);
  if (err == KT_OK) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_LEAVES, pos, leaves.data, leaves.len);
  }
  if (err == KT_OK) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_LOG_NODES, pos, log_nodes.data, log_nodes.len);
  }
  if (err == KT_OK) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_COUNTERS, KT_MEMORY_N_ENTRIES, &n, sizeof n);
  }
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err count_entries(struct kt_store_conn *conn, uint64_t *ret_n)
{
  kt_memory_lock(conn);
  *ret_n = kt_memory_get_counter(conn, KT_MEMORY_N_ENTRIES);
  kt_memory_unlock(conn);
  return KT_OK;
}

static enum kt_err get_entry(struct kt_store_conn *conn, uint64_t pos, struct kt_store_entry *ret_entry)
{
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_get_fixed(conn, KT_MEMORY_ENTRIES, pos, ret_entry, sizeof *ret_entry);
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err get_leaves(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                              struct kt_bytes *ret_leaves)
{
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_get_copy(conn, KT_MEMORY_LEAVES, pos, arena, ret_leaves);
  kt_memory_unlock(conn);
  return err == KT_OK && ret_leaves->len == 0 ? KT_ERR_ABSENT : err;
}

/* Item `index` of a value of packed items. */
static enum kt_err get_item(struct kt_store_conn *conn, enum kt_memory_table table, uint64_t number, size_t index,
                            size_t item_len, uint8_t *ret_item)
{
  struct kt_bytes value;
  enum kt_err err = kt_memory_get_by_number(conn, table, number, &value);
  if (err == KT_OK && index >= value.len / item_len) {
    err = KT_ERR_ABSENT;
  }
  if (err == KT_OK) {
    memcpy(ret_item, value.data + index * item_len, item_len);
  }
  return err;
}

static enum kt_err get_log_node(struct kt_store_conn *conn, uint64_t pos, unsigned level, struct kt_hash *ret_hash)
{
  kt_memory_lock(conn);
  enum kt_err err = get_item(conn, KT_MEMORY_LOG_NODES, pos, level, KT_HASH_LEN, ret_hash->b);
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err put_nodes(struct kt_store_conn *conn, uint64_t pos, const uint8_t *records, uint64_t n)
{
  kt_memory_lock(conn);
  enum kt_err err = KT_ERR_CONFLICT;
  if (!kt_memory_number_exists(conn, KT_MEMORY_NODES, pos)) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_NODES, pos, records, (size_t)n * conn->store->node_len);
  }
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err get_leaf(struct kt_store_conn *conn, uint64_t pos, uint64_t index, uint8_t *ret_leaf)
{
  kt_memory_lock(conn);
  enum kt_err err = get_item(conn, KT_MEMORY_LEAVES, pos, (size_t)index, KT_STORE_LEAF_LEN, ret_leaf);
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err get_node(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record)
{
  uint64_t pos = kt_store_ref_pos(ref);
  size_t place;
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_node_place(conn, pos, kt_store_ref_index(ref), &place);
  if (err == KT_OK) {
    err = get_item(conn, KT_MEMORY_NODES, pos, place, conn->store->node_len, ret_record);
  }
  kt_memory_unlock(conn);
  return err;
}

/* --- labels --------------------------------------------------------------------------------------------------- */

static enum kt_err get_label_by_id(struct kt_store_conn *conn, uint64_t label_id, struct kt_arena *arena,
                                   struct kt_store_label *ret_label)
{
  struct kt_memory_label_versions versions = { 0 };
  struct kt_store_label label = { .label_id = label_id };
  enum kt_err err = kt_memory_get_fixed(conn, KT_MEMORY_LABEL_VERSIONS, label_id, &versions, sizeof versions);
  label.n_versions = versions.n_versions;
  label.newest_pos = versions.newest_pos;
  if (err == KT_OK) {
    err = kt_memory_get_copy(conn, KT_MEMORY_LABEL_STATES, label_id, arena, &label.state);
  }
  if (err == KT_OK) {
    err = kt_memory_get_copy(conn, KT_MEMORY_LABELS, label_id, arena, &label.label);
  }
  if (err == KT_OK) {
    *ret_label = label;
  }
  return err;
}

static enum kt_err get_label(struct kt_store_conn *conn, struct kt_bytes label, struct kt_arena *arena,
                             struct kt_store_label *ret_label)
{
  kt_memory_lock(conn);
  struct kt_bytes id;
  enum kt_err err = kt_memory_get(conn, KT_MEMORY_LABEL_IDS, label, &id);
  if (err == KT_OK) {
    uint64_t label_id;
    memcpy(&label_id, id.data, sizeof label_id);
    err = get_label_by_id(conn, label_id, arena, ret_label);
  }
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err next_label(struct kt_store_conn *conn, uint64_t after_label_id, struct kt_arena *arena,
                              struct kt_store_label *ret_label)
{
  kt_memory_lock(conn);
  uint64_t last_id = kt_memory_get_counter(conn, KT_MEMORY_N_LABELS);
  enum kt_err err = KT_ERR_ABSENT;
  for (uint64_t id = after_label_id + 1; err == KT_ERR_ABSENT && id <= last_id; id++) { /* dense but for the erased */
    err = get_label_by_id(conn, id, arena, ret_label);
  }
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err put_label(struct kt_store_conn *conn, uint64_t label_id, const struct kt_store_label *label)
{
  const struct kt_memory_label_versions versions = { .n_versions = label->n_versions, .newest_pos = label->newest_pos };
  enum kt_err err = kt_memory_put_by_number(conn, KT_MEMORY_LABEL_VERSIONS, label_id, &versions, sizeof versions);
  return err == KT_OK
             ? kt_memory_put_by_number(conn, KT_MEMORY_LABEL_STATES, label_id, label->state.data, label->state.len)
             : err;
}

static enum kt_err create_label(struct kt_store_conn *conn, const struct kt_store_label *label, uint64_t *ret_label_id)
{
  kt_memory_lock(conn);
  uint64_t label_id = kt_memory_get_counter(conn, KT_MEMORY_N_LABELS) + 1;
  enum kt_err err = kt_memory_exists(conn, KT_MEMORY_LABEL_IDS, label->label) ? KT_ERR_CONFLICT : KT_OK;
  if (err == KT_OK) {
    err = kt_memory_put(conn, KT_MEMORY_LABEL_IDS, label->label, kt_memory_bytes(&label_id, sizeof label_id));
  }
  if (err == KT_OK) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_LABELS, label_id, label->label.data, label->label.len);
  }
  if (err == KT_OK) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_COUNTERS, KT_MEMORY_N_LABELS, &label_id, sizeof label_id);
  }
  if (err == KT_OK) {
    err = put_label(conn, label_id, label);
  }
  kt_memory_unlock(conn);
  if (err == KT_OK) {
    *ret_label_id = label_id;
  }
  return err;
}

static enum kt_err update_label(struct kt_store_conn *conn, const struct kt_store_label *label)
{
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_number_exists(conn, KT_MEMORY_LABELS, label->label_id) ? KT_OK : KT_ERR_ABSENT;
  if (err == KT_OK) {
    err = put_label(conn, label->label_id, label);
  }
  kt_memory_unlock(conn);
  return err;
}

/* --- versions, proofs ----------------------------------------------------------------------------------------- */

static enum kt_err put_version(struct kt_store_conn *conn, uint64_t key, const struct kt_store_version *data,
                               const struct kt_store_payload *payload)
{
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_number_exists(conn, KT_MEMORY_VERSIONS, key) ? KT_ERR_CONFLICT : KT_OK;
  if (err == KT_OK) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_VERSIONS, key, data, sizeof *data);
  }
  if (err == KT_OK) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_OPENINGS, key, payload->opening, KT_OPENING_LEN);
  }
  if (err == KT_OK) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_SUFFIXES, key, payload->suffix.data, payload->suffix.len);
  }
  if (err == KT_OK) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_VALUES, key, payload->value.data, payload->value.len);
  }
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err get_version(struct kt_store_conn *conn, uint64_t key, struct kt_store_version *ret_version)
{
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_get_fixed(conn, KT_MEMORY_VERSIONS, key, ret_version, sizeof *ret_version);
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err get_payload(struct kt_store_conn *conn, uint64_t key, struct kt_arena *arena,
                               struct kt_store_payload *ret_payload)
{
  kt_memory_lock(conn);
  struct kt_store_payload payload = { .version = { .pos = 0 } };
  enum kt_err err = kt_memory_get_fixed(conn, KT_MEMORY_OPENINGS, key, payload.opening, KT_OPENING_LEN);
  if (err == KT_OK) {
    err = kt_memory_get_fixed(conn, KT_MEMORY_VERSIONS, key, &payload.version, sizeof payload.version);
  }
  if (err == KT_OK) {
    err = kt_memory_get_copy(conn, KT_MEMORY_SUFFIXES, key, arena, &payload.suffix);
  }
  if (err == KT_OK) {
    err = kt_memory_get_copy(conn, KT_MEMORY_VALUES, key, arena, &payload.value);
  }
  if (err == KT_ERR_ABSENT && kt_memory_number_exists(conn, KT_MEMORY_VERSIONS, key)) {
    err = KT_ERR_EXPIRED;
  }
  kt_memory_unlock(conn);
  if (err == KT_OK) {
    *ret_payload = payload;
  }
  return err;
}

static enum kt_err erase_version(struct kt_store_conn *conn, uint64_t key)
{
  static const enum kt_memory_table payload_tables[] = { KT_MEMORY_OPENINGS, KT_MEMORY_SUFFIXES, KT_MEMORY_VALUES };
  kt_memory_lock(conn);
  struct kt_store_version data;
  enum kt_err err = kt_memory_get_fixed(conn, KT_MEMORY_VERSIONS, key, &data, sizeof data);
  if (err == KT_OK) {
    data.is_erased = true;
    err = kt_memory_put_by_number(conn, KT_MEMORY_VERSIONS, key, &data, sizeof data);
  }
  for (size_t i = 0; err == KT_OK && i < sizeof payload_tables / sizeof payload_tables[0]; i++) {
    err = kt_mem_map_put(&kt_memory_of(conn)->map, (int)payload_tables[i], kt_memory_bytes(&key, sizeof key), NULL);
  }
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err get_proofs(struct kt_store_conn *conn, uint64_t key, struct kt_store_proof_pair *ret_pair)
{
  uint64_t even = key & ~(uint64_t)1;
  kt_memory_lock(conn);
  for (size_t i = 0; i < 2; i++) {
    struct kt_store_proof *proof = &ret_pair->proof[i];
    ret_pair->has[i] = kt_memory_get_fixed(conn, KT_MEMORY_PROOFS, even | i, proof, sizeof *proof) == KT_OK;
  }
  kt_memory_unlock(conn);
  return ret_pair->has[0] || ret_pair->has[1] ? KT_OK : KT_ERR_ABSENT;
}

static enum kt_err put_proofs(struct kt_store_conn *conn, uint64_t key, const struct kt_store_proof *const proofs[2])
{
  uint64_t even = key & ~(uint64_t)1;
  enum kt_err err = KT_OK;
  kt_memory_lock(conn);
  for (size_t i = 0; err == KT_OK && i < 2; i++) {
    if (proofs[i] != NULL && !kt_memory_number_exists(conn, KT_MEMORY_PROOFS, even | i)) {
      err = kt_memory_put_by_number(conn, KT_MEMORY_PROOFS, even | i, proofs[i], sizeof *proofs[i]);
    }
  }
  kt_memory_unlock(conn);
  return err;
}

/* --- tokens --------------------------------------------------------------------------------------------------- */

static enum kt_err put_token(struct kt_store_conn *conn, const struct kt_hash *token_hash, bool is_used)
{
  return kt_memory_put(conn, KT_MEMORY_TOKENS, kt_memory_bytes(token_hash->b, KT_HASH_LEN),
                       kt_memory_bytes(&is_used, sizeof is_used));
}

static enum kt_err add_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  kt_memory_lock(conn);
  enum kt_err err = KT_ERR_CONFLICT;
  if (!kt_memory_exists(conn, KT_MEMORY_TOKENS, kt_memory_bytes(token_hash->b, KT_HASH_LEN))) {
    err = put_token(conn, token_hash, false);
  }
  kt_memory_unlock(conn);
  return err;
}

/* Locked by the caller. */
static enum kt_err find_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  struct kt_bytes value;
  bool is_used = false;
  enum kt_err err = kt_memory_get(conn, KT_MEMORY_TOKENS, kt_memory_bytes(token_hash->b, KT_HASH_LEN), &value);
  if (err == KT_OK) {
    memcpy(&is_used, value.data, sizeof is_used);
  }
  return is_used ? KT_ERR_CONFLICT : err;
}

static enum kt_err check_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  kt_memory_lock(conn);
  enum kt_err err = find_token(conn, token_hash);
  kt_memory_unlock(conn);
  return err;
}

static enum kt_err use_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  kt_memory_lock(conn);
  enum kt_err err = find_token(conn, token_hash);
  if (err == KT_OK) {
    err = put_token(conn, token_hash, true);
  }
  kt_memory_unlock(conn);
  return err;
}

/* --- the rest ------------------------------------------------------------------------------------------------- */

static enum kt_err backup(struct kt_store_conn *conn, const char *path)
{
  return kt_store_fail(&conn->error, KT_ERR_UNSUPPORTED, "backup to %s: the store is in memory", path);
}

static void close_store(struct kt_store *store)
{
  struct kt_memory *memory = store->backend;
  if (memory != NULL) {
    kt_mem_map_release(&memory->map);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
  }
}

static const struct kt_store_ops memory_ops = {
  .close = close_store,
  .open_conn = nothing,
  .close_conn = end_nothing,
  .begin = nothing,
  .commit = commit,
  .rollback = rollback,
  .settle = settle,
  .leave = end_nothing,
  .maintain = maintain,
  .page_in = page_in,
  .read_begin = nothing,
  .read_end = end_nothing,
  .get_meta = get_meta,
  .put_meta = put_meta,
  .put_entry = put_entry,
  .count_entries = count_entries,
  .get_entry = get_entry,
  .get_leaves = get_leaves,
  .get_log_node = get_log_node,
  .put_nodes = put_nodes,
  .get_node = get_node,
  .get_leaf = get_leaf,
  .get_label = get_label,
  .create_label = create_label,
  .update_label = update_label,
  .next_label = next_label,
  .put_version = put_version,
  .get_version = get_version,
  .get_payload = get_payload,
  .erase_version = erase_version,
  .erase_label = kt_memory_erase_label,
  .label_exists = kt_memory_label_exists,
  .wash = nothing,
  .get_proofs = get_proofs,
  .put_proofs = put_proofs,
  .add_token = add_token,
  .check_token = check_token,
  .use_token = use_token,
  .drop_entry = kt_memory_drop_entry,
  .strip_entry = kt_memory_strip_entry,
  .get_nodes = kt_memory_get_nodes,
  .keep_nodes = kt_memory_keep_nodes,
  .put_superseded = kt_memory_put_superseded,
  .take_superseded = kt_memory_take_superseded,
  .verify = nothing,
  .backup = backup,
};

enum kt_err kt_store_open_memory(const struct kt_store_options *options, struct kt_store **ret_store)
{
  struct kt_store *store = NULL;
  enum kt_err err = kt_store_new(&memory_ops, options, &store);
  if (err != KT_OK) {
    return err;
  }
  struct kt_memory *memory = calloc(1, sizeof *memory);
  if (memory == NULL) {
    kt_store_close(store);
    return KT_ERR_MEMORY;
  }
  pthread_mutex_init(&memory->lock, NULL);
  kt_mem_map_init(&memory->map);
  store->backend = memory;
  *ret_store = store;
  return KT_OK;
}
