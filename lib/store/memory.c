/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: what SQLite does, without durability. For tests and for server and client in one process. */
#include "store/backend.h"
#include "store/mem_map.h"

#include <stdlib.h>
#include <string.h>

enum table {
  META,
  COUNTERS, /* by name: numbers of entries and labels */
  ENTRIES,
  LEAVES,
  LOG_NODES,
  NODES,
  LABEL_IDS, /* label to id */
  LABELS,    /* id to label, as the next two */
  LABEL_VERSIONS,
  LABEL_STATES,
  VERSIONS,
  OPENINGS,
  SUFFIXES,
  VALUES,
  PROOFS,
  TOKENS, /* hash to whether it is used */
};

enum counter {
  N_ENTRIES,
  N_LABELS,
};

struct memory {
  pthread_mutex_t lock; /* held for the duration of each call */
  struct kt_mem_map map;
};

static struct memory *memory_of(const struct kt_store_conn *conn)
{
  return conn->store->backend;
}

static void lock(const struct kt_store_conn *conn)
{
  pthread_mutex_lock(&memory_of(conn)->lock);
}

static void unlock(const struct kt_store_conn *conn)
{
  pthread_mutex_unlock(&memory_of(conn)->lock);
}

/* --- access with the lock held -------------------------------------------------------------------------------- */

static struct kt_bytes bytes_of(const void *data, size_t len)
{
  return (struct kt_bytes){ .data = data, .len = len };
}

static enum kt_err get(const struct kt_store_conn *conn, enum table table, struct kt_bytes key, struct kt_bytes *ret)
{
  return kt_mem_map_get(&memory_of(conn)->map, conn->in_transaction, (int)table, key, ret);
}

static enum kt_err get_by_number(const struct kt_store_conn *conn, enum table table, uint64_t number,
                                 struct kt_bytes *ret)
{
  return get(conn, table, bytes_of(&number, sizeof number), ret);
}

/* A value that was put with the same length. */
static enum kt_err get_fixed(const struct kt_store_conn *conn, enum table table, uint64_t number, void *ret, size_t len)
{
  struct kt_bytes value;
  enum kt_err err = get_by_number(conn, table, number, &value);
  if (err == KT_OK) {
    memcpy(ret, value.data, len);
  }
  return err;
}

static enum kt_err get_copy(const struct kt_store_conn *conn, enum table table, uint64_t number, struct kt_arena *arena,
                            struct kt_bytes *ret)
{
  struct kt_bytes value;
  enum kt_err err = get_by_number(conn, table, number, &value);
  return err == KT_OK ? kt_store_copy(arena, value.data, value.len, ret) : err;
}

static enum kt_err put(struct kt_store_conn *conn, enum table table, struct kt_bytes key, struct kt_bytes value)
{
  enum kt_err err = kt_mem_map_put(&memory_of(conn)->map, (int)table, key, &value);
  return err == KT_OK ? KT_OK : kt_store_fail(&conn->error, err, "writing: out of memory");
}

static enum kt_err put_by_number(struct kt_store_conn *conn, enum table table, uint64_t number, const void *data,
                                 size_t len)
{
  return put(conn, table, bytes_of(&number, sizeof number), bytes_of(data, len));
}

static bool exists(const struct kt_store_conn *conn, enum table table, struct kt_bytes key)
{
  struct kt_bytes ignored;
  return get(conn, table, key, &ignored) == KT_OK;
}

static bool number_exists(const struct kt_store_conn *conn, enum table table, uint64_t number)
{
  return exists(conn, table, bytes_of(&number, sizeof number));
}

static uint64_t get_counter(const struct kt_store_conn *conn, enum counter counter)
{
  uint64_t n = 0;
  return get_fixed(conn, COUNTERS, counter, &n, sizeof n) == KT_OK ? n : 0;
}

/* --- transactions --------------------------------------------------------------------------------------------- */

static enum kt_err nothing(struct kt_store_conn *conn)
{
  (void)conn;
  return KT_OK;
}

static void end_nothing(struct kt_store_conn *conn)
{
  (void)conn;
}

static enum kt_err commit(struct kt_store_conn *conn)
{
  lock(conn);
  kt_mem_map_commit(&memory_of(conn)->map);
  unlock(conn);
  return KT_OK;
}

static void rollback(struct kt_store_conn *conn)
{
  lock(conn);
  kt_mem_map_rollback(&memory_of(conn)->map);
  unlock(conn);
}

/* --- meta, entries, nodes ------------------------------------------------------------------------------------- */

static enum kt_err get_meta(struct kt_store_conn *conn, const char *name, struct kt_arena *arena,
                            struct kt_bytes *ret_value)
{
  lock(conn);
  struct kt_bytes value;
  enum kt_err err = get(conn, META, bytes_of(name, strlen(name)), &value);
  if (err == KT_OK) {
    err = kt_store_copy(arena, value.data, value.len, ret_value);
  }
  unlock(conn);
  return err;
}

static enum kt_err put_meta(struct kt_store_conn *conn, const char *name, struct kt_bytes value)
{
  lock(conn);
  enum kt_err err = put(conn, META, bytes_of(name, strlen(name)), value);
  unlock(conn);
  return err;
}

static enum kt_err put_entry(struct kt_store_conn *conn, uint64_t pos, const struct kt_store_entry *entry,
                             struct kt_bytes leaves, struct kt_bytes log_nodes)
{
  lock(conn);
  uint64_t n = pos + 1;
  enum kt_err err = put_by_number(conn, ENTRIES, pos, entry, sizeof *entry);
  if (err == KT_OK) {
    err = put_by_number(conn, LEAVES, pos, leaves.data, leaves.len);
  }
  if (err == KT_OK) {
    err = put_by_number(conn, LOG_NODES, pos, log_nodes.data, log_nodes.len);
  }
  if (err == KT_OK) {
    err = put_by_number(conn, COUNTERS, N_ENTRIES, &n, sizeof n);
  }
  unlock(conn);
  return err;
}

static enum kt_err count_entries(struct kt_store_conn *conn, uint64_t *ret_n)
{
  lock(conn);
  *ret_n = get_counter(conn, N_ENTRIES);
  unlock(conn);
  return KT_OK;
}

static enum kt_err get_entry(struct kt_store_conn *conn, uint64_t pos, struct kt_store_entry *ret_entry)
{
  lock(conn);
  enum kt_err err = get_fixed(conn, ENTRIES, pos, ret_entry, sizeof *ret_entry);
  unlock(conn);
  return err;
}

static enum kt_err get_leaves(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                              struct kt_bytes *ret_leaves)
{
  lock(conn);
  enum kt_err err = get_copy(conn, LEAVES, pos, arena, ret_leaves);
  unlock(conn);
  return err;
}

/* Item `index` of a value of packed items. */
static enum kt_err get_item(struct kt_store_conn *conn, enum table table, uint64_t number, size_t index,
                            size_t item_len, uint8_t *ret_item)
{
  lock(conn);
  struct kt_bytes value;
  enum kt_err err = get_by_number(conn, table, number, &value);
  if (err == KT_OK && index >= value.len / item_len) {
    err = KT_ERR_ABSENT;
  }
  if (err == KT_OK) {
    memcpy(ret_item, value.data + index * item_len, item_len);
  }
  unlock(conn);
  return err;
}

static enum kt_err get_log_node(struct kt_store_conn *conn, uint64_t pos, unsigned level, struct kt_hash *ret_hash)
{
  return get_item(conn, LOG_NODES, pos, level, KT_HASH_LEN, ret_hash->b);
}

static enum kt_err put_nodes(struct kt_store_conn *conn, uint64_t pos, const uint8_t *records, uint64_t n)
{
  lock(conn);
  enum kt_err err = KT_ERR_CONFLICT;
  if (!number_exists(conn, NODES, pos)) {
    err = put_by_number(conn, NODES, pos, records, (size_t)n * conn->store->node_len);
  }
  unlock(conn);
  return err;
}

static enum kt_err get_node(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record)
{
  uint64_t pos = ref / KT_STORE_NODES_MAX - 1;
  return get_item(conn, NODES, pos, (size_t)(ref % KT_STORE_NODES_MAX), conn->store->node_len, ret_record);
}

/* --- labels --------------------------------------------------------------------------------------------------- */

static enum kt_err get_label_by_id(struct kt_store_conn *conn, uint64_t label_id, struct kt_arena *arena,
                                   struct kt_store_label *ret_label)
{
  struct kt_store_label label = { .label_id = label_id };
  enum kt_err err = get_fixed(conn, LABEL_VERSIONS, label_id, &label.n_versions, sizeof label.n_versions);
  if (err == KT_OK) {
    err = get_copy(conn, LABEL_STATES, label_id, arena, &label.state);
  }
  if (err == KT_OK) {
    err = get_copy(conn, LABELS, label_id, arena, &label.label);
  }
  if (err == KT_OK) {
    *ret_label = label;
  }
  return err;
}

static enum kt_err get_label(struct kt_store_conn *conn, struct kt_bytes label, struct kt_arena *arena,
                             struct kt_store_label *ret_label)
{
  lock(conn);
  struct kt_bytes id;
  enum kt_err err = get(conn, LABEL_IDS, label, &id);
  if (err == KT_OK) {
    uint64_t label_id;
    memcpy(&label_id, id.data, sizeof label_id);
    err = get_label_by_id(conn, label_id, arena, ret_label);
  }
  unlock(conn);
  return err;
}

static enum kt_err next_label(struct kt_store_conn *conn, uint64_t after_label_id, struct kt_arena *arena,
                              struct kt_store_label *ret_label)
{
  lock(conn);
  enum kt_err err = get_label_by_id(conn, after_label_id + 1, arena, ret_label); /* ids are dense */
  unlock(conn);
  return err;
}

static enum kt_err put_label(struct kt_store_conn *conn, uint64_t label_id, uint64_t n_versions, struct kt_bytes state)
{
  enum kt_err err = put_by_number(conn, LABEL_VERSIONS, label_id, &n_versions, sizeof n_versions);
  return err == KT_OK ? put_by_number(conn, LABEL_STATES, label_id, state.data, state.len) : err;
}

static enum kt_err create_label(struct kt_store_conn *conn, struct kt_bytes label, struct kt_bytes state,
                                uint64_t *ret_label_id)
{
  lock(conn);
  uint64_t label_id = get_counter(conn, N_LABELS) + 1;
  enum kt_err err = exists(conn, LABEL_IDS, label) ? KT_ERR_CONFLICT : KT_OK;
  if (err == KT_OK) {
    err = put(conn, LABEL_IDS, label, bytes_of(&label_id, sizeof label_id));
  }
  if (err == KT_OK) {
    err = put_by_number(conn, LABELS, label_id, label.data, label.len);
  }
  if (err == KT_OK) {
    err = put_by_number(conn, COUNTERS, N_LABELS, &label_id, sizeof label_id);
  }
  if (err == KT_OK) {
    err = put_label(conn, label_id, 0, state);
  }
  unlock(conn);
  if (err == KT_OK) {
    *ret_label_id = label_id;
  }
  return err;
}

static enum kt_err update_label(struct kt_store_conn *conn, uint64_t label_id, uint64_t n_versions,
                                struct kt_bytes state)
{
  lock(conn);
  enum kt_err err = number_exists(conn, LABELS, label_id) ? KT_OK : KT_ERR_ABSENT;
  if (err == KT_OK) {
    err = put_label(conn, label_id, n_versions, state);
  }
  unlock(conn);
  return err;
}

/* --- versions, proofs ----------------------------------------------------------------------------------------- */

static enum kt_err put_version(struct kt_store_conn *conn, uint64_t key, const struct kt_store_version *data,
                               const struct kt_store_payload *payload)
{
  lock(conn);
  enum kt_err err = number_exists(conn, VERSIONS, key) ? KT_ERR_CONFLICT : KT_OK;
  if (err == KT_OK) {
    err = put_by_number(conn, VERSIONS, key, data, sizeof *data);
  }
  if (err == KT_OK) {
    err = put_by_number(conn, OPENINGS, key, payload->opening, KT_OPENING_LEN);
  }
  if (err == KT_OK) {
    err = put_by_number(conn, SUFFIXES, key, payload->suffix.data, payload->suffix.len);
  }
  if (err == KT_OK) {
    err = put_by_number(conn, VALUES, key, payload->value.data, payload->value.len);
  }
  unlock(conn);
  return err;
}

static enum kt_err get_version(struct kt_store_conn *conn, uint64_t key, struct kt_store_version *ret_version)
{
  lock(conn);
  enum kt_err err = get_fixed(conn, VERSIONS, key, ret_version, sizeof *ret_version);
  unlock(conn);
  return err;
}

static enum kt_err get_payload(struct kt_store_conn *conn, uint64_t key, struct kt_arena *arena,
                               struct kt_store_payload *ret_payload)
{
  lock(conn);
  struct kt_store_payload payload;
  enum kt_err err = get_fixed(conn, OPENINGS, key, payload.opening, KT_OPENING_LEN);
  if (err == KT_OK) {
    err = get_copy(conn, SUFFIXES, key, arena, &payload.suffix);
  }
  if (err == KT_OK) {
    err = get_copy(conn, VALUES, key, arena, &payload.value);
  }
  unlock(conn);
  if (err == KT_OK) {
    *ret_payload = payload;
  }
  return err;
}

static enum kt_err erase_version(struct kt_store_conn *conn, uint64_t key)
{
  static const enum table payload_tables[] = { OPENINGS, SUFFIXES, VALUES };
  lock(conn);
  struct kt_store_version data;
  enum kt_err err = get_fixed(conn, VERSIONS, key, &data, sizeof data);
  if (err == KT_OK) {
    data.is_erased = true;
    err = put_by_number(conn, VERSIONS, key, &data, sizeof data);
  }
  for (size_t i = 0; err == KT_OK && i < sizeof payload_tables / sizeof payload_tables[0]; i++) {
    err = kt_mem_map_put(&memory_of(conn)->map, (int)payload_tables[i], bytes_of(&key, sizeof key), NULL);
  }
  unlock(conn);
  return err;
}

static enum kt_err get_proof(struct kt_store_conn *conn, uint64_t key, struct kt_store_proof *ret_proof)
{
  lock(conn);
  enum kt_err err = get_fixed(conn, PROOFS, key, ret_proof, sizeof *ret_proof);
  unlock(conn);
  return err;
}

static enum kt_err put_proof(struct kt_store_conn *conn, uint64_t key, const struct kt_store_proof *proof)
{
  lock(conn);
  enum kt_err err = KT_OK;
  if (!number_exists(conn, PROOFS, key)) {
    err = put_by_number(conn, PROOFS, key, proof, sizeof *proof);
  }
  unlock(conn);
  return err;
}

/* --- tokens --------------------------------------------------------------------------------------------------- */

static enum kt_err put_token(struct kt_store_conn *conn, const struct kt_hash *token_hash, bool is_used)
{
  return put(conn, TOKENS, bytes_of(token_hash->b, KT_HASH_LEN), bytes_of(&is_used, sizeof is_used));
}

static enum kt_err add_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  lock(conn);
  enum kt_err err = KT_ERR_CONFLICT;
  if (!exists(conn, TOKENS, bytes_of(token_hash->b, KT_HASH_LEN))) {
    err = put_token(conn, token_hash, false);
  }
  unlock(conn);
  return err;
}

/* Locked by the caller. */
static enum kt_err find_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  struct kt_bytes value;
  bool is_used = false;
  enum kt_err err = get(conn, TOKENS, bytes_of(token_hash->b, KT_HASH_LEN), &value);
  if (err == KT_OK) {
    memcpy(&is_used, value.data, sizeof is_used);
  }
  return is_used ? KT_ERR_CONFLICT : err;
}

static enum kt_err check_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  lock(conn);
  enum kt_err err = find_token(conn, token_hash);
  unlock(conn);
  return err;
}

static enum kt_err use_token(struct kt_store_conn *conn, const struct kt_hash *token_hash)
{
  lock(conn);
  enum kt_err err = find_token(conn, token_hash);
  if (err == KT_OK) {
    err = put_token(conn, token_hash, true);
  }
  unlock(conn);
  return err;
}

/* --- the rest ------------------------------------------------------------------------------------------------- */

static enum kt_err backup(struct kt_store_conn *conn, const char *path)
{
  return kt_store_fail(&conn->error, KT_ERR_UNSUPPORTED, "backup to %s: the store is in memory", path);
}

static void close_store(struct kt_store *store)
{
  struct memory *memory = store->backend;
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
  .maintain = nothing,
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
  .get_label = get_label,
  .create_label = create_label,
  .update_label = update_label,
  .next_label = next_label,
  .put_version = put_version,
  .get_version = get_version,
  .get_payload = get_payload,
  .erase_version = erase_version,
  .get_proof = get_proof,
  .put_proof = put_proof,
  .add_token = add_token,
  .check_token = check_token,
  .use_token = use_token,
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
  struct memory *memory = calloc(1, sizeof *memory);
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
