/* SPDX-License-Identifier: Apache-2.0 */
/* Removing entries, prefix tree nodes and the list of superseded versions in memory. */
#include "store/memory.h"

static enum kt_err remove_number(struct kt_store_conn *conn, enum kt_memory_table table, uint64_t number)
{
  struct kt_bytes key = kt_memory_bytes(&number, sizeof number);
  enum kt_err err = kt_mem_map_put(&kt_memory_of(conn)->map, (int)table, key, NULL);
  return err == KT_OK ? KT_OK : kt_store_fail(&conn->error, err, "removing: out of memory");
}

enum kt_err kt_memory_drop_entry(struct kt_store_conn *conn, uint64_t pos)
{
  static const enum kt_memory_table tables[] = { KT_MEMORY_ENTRIES, KT_MEMORY_LOG_NODES };
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_number_exists(conn, KT_MEMORY_ENTRIES, pos) ? KT_OK : KT_ERR_ABSENT;
  for (size_t i = 0; err == KT_OK && i < sizeof tables / sizeof tables[0]; i++) {
    err = remove_number(conn, tables[i], pos);
  }
  kt_memory_unlock(conn);
  return err;
}

enum kt_err kt_memory_strip_entry(struct kt_store_conn *conn, uint64_t pos)
{
  struct kt_store_entry entry;
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_get_fixed(conn, KT_MEMORY_ENTRIES, pos, &entry, sizeof entry);
  if (err == KT_OK) {
    entry.prefix_root_ref = KT_STORE_REF_PRUNED;
    err = kt_memory_put_by_number(conn, KT_MEMORY_ENTRIES, pos, &entry, sizeof entry);
  }
  kt_memory_unlock(conn);
  return err;
}

/* --- nodes ---------------------------------------------------------------------------------------------------- */

/* Index, within the entry, of the record at a place. */
static uint64_t index_at(const struct kt_bytes *indexes, size_t place)
{
  uint64_t index = place;
  if (indexes->data != NULL) {
    memcpy(&index, indexes->data + place * sizeof index, sizeof index);
  }
  return index;
}

/* Records of the entry and their indexes (data NULL: 0, 1, …); none when it has no nodes. */
static void find_nodes(const struct kt_store_conn *conn, uint64_t pos, struct kt_bytes *ret_records,
                       struct kt_bytes *ret_indexes)
{
  *ret_records = (struct kt_bytes){ NULL, 0 };
  *ret_indexes = (struct kt_bytes){ NULL, 0 };
  if (kt_memory_get_by_number(conn, KT_MEMORY_NODES, pos, ret_records) == KT_OK &&
      kt_memory_get_by_number(conn, KT_MEMORY_NODE_INDEXES, pos, ret_indexes) != KT_OK) {
    ret_indexes->data = NULL;
  }
}

enum kt_err kt_memory_get_nodes(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                                struct kt_store_nodes *ret_nodes)
{
  struct kt_bytes records;
  struct kt_bytes indexes;
  struct kt_bytes copy;
  kt_memory_lock(conn);
  find_nodes(conn, pos, &records, &indexes);
  size_t n = records.len / conn->store->node_len;
  uint64_t *refs = kt_arena_alloc(arena, n, sizeof *refs);
  enum kt_err err = refs == NULL ? KT_ERR_MEMORY : kt_store_copy(arena, records.data, records.len, &copy);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    refs[i] = kt_store_node_ref(pos, index_at(&indexes, i));
  }
  kt_memory_unlock(conn);
  if (err == KT_OK) {
    *ret_nodes = (struct kt_store_nodes){ .refs = refs, .records = copy.data, .n = n };
  }
  return err;
}

/* Those of the records that the refs name, into the arena. */
static enum kt_err select_nodes(const struct kt_store_conn *conn, uint64_t pos, const uint64_t *refs, size_t n,
                                struct kt_arena *arena, struct kt_bytes *ret_records, struct kt_bytes *ret_indexes)
{
  const size_t node_len = conn->store->node_len;
  struct kt_bytes records;
  struct kt_bytes indexes;
  find_nodes(conn, pos, &records, &indexes);
  size_t n_old = records.len / node_len;
  uint8_t *kept = kt_arena_alloc(arena, n_old, node_len);
  uint64_t *kept_indexes = kt_arena_alloc(arena, n_old, sizeof *kept_indexes);
  if (kept == NULL || kept_indexes == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t n_kept = 0;
  size_t next = 0;
  for (size_t i = 0; i < n_old; i++) {
    uint64_t index = index_at(&indexes, i);
    while (next < n && refs[next] < kt_store_node_ref(pos, index)) {
      next++;
    }
    if (next < n && refs[next] == kt_store_node_ref(pos, index)) {
      memcpy(kept + n_kept * node_len, records.data + i * node_len, node_len);
      kept_indexes[n_kept++] = index;
    }
  }
  *ret_records = kt_memory_bytes(kept, n_kept * node_len);
  *ret_indexes = kt_memory_bytes(kept_indexes, n_kept * sizeof *kept_indexes);
  return KT_OK;
}

enum kt_err kt_memory_keep_nodes(struct kt_store_conn *conn, uint64_t pos, const uint64_t *refs, size_t n,
                                 uint64_t *ret_n_removed)
{
  struct kt_arena scratch;
  struct kt_bytes old = { NULL, 0 };
  struct kt_bytes records;
  struct kt_bytes indexes;
  kt_arena_init(&scratch, KT_ARENA_CAP_DEFAULT);
  kt_memory_lock(conn);
  bool exists = kt_memory_get_by_number(conn, KT_MEMORY_NODES, pos, &old) == KT_OK;
  size_t old_len = old.len; /* putting moves the value */
  enum kt_err err = select_nodes(conn, pos, refs, n, &scratch, &records, &indexes);
  if (err == KT_OK && exists) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_NODE_INDEXES, pos, indexes.data, indexes.len);
  }
  if (err == KT_OK && exists) {
    err = kt_memory_put_by_number(conn, KT_MEMORY_NODES, pos, records.data, records.len);
  }
  kt_memory_unlock(conn);
  if (err == KT_OK) {
    *ret_n_removed = (old_len - records.len) / conn->store->node_len;
  }
  kt_arena_release(&scratch);
  return err;
}

/* --- superseded versions ---------------------------------------------------------------------------------------- */

enum kt_err kt_memory_put_superseded(struct kt_store_conn *conn, uint64_t pos, uint64_t key)
{
  struct kt_arena scratch;
  struct kt_bytes keys = { NULL, 0 };
  kt_arena_init(&scratch, KT_ARENA_CAP_DEFAULT);
  kt_memory_lock(conn);
  if (kt_memory_get_by_number(conn, KT_MEMORY_SUPERSEDED, pos, &keys) != KT_OK) {
    keys.len = 0; /* the first */
  }
  enum kt_err err;
  uint8_t *grown = kt_arena_alloc(&scratch, keys.len + sizeof key, 1);
  if (grown == NULL) {
    err = kt_store_fail(&conn->error, KT_ERR_MEMORY, "remembering a superseded version: out of memory");
  } else {
    if (keys.len > 0) {
      memcpy(grown, keys.data, keys.len);
    }
    memcpy(grown + keys.len, &key, sizeof key);
    err = kt_memory_put_by_number(conn, KT_MEMORY_SUPERSEDED, pos, grown, keys.len + sizeof key);
  }
  kt_memory_unlock(conn);
  kt_arena_release(&scratch);
  return err;
}

enum kt_err kt_memory_take_superseded(struct kt_store_conn *conn, uint64_t pos, uint64_t *ret_key)
{
  struct kt_arena scratch;
  struct kt_bytes keys;
  struct kt_bytes rest;
  uint64_t key = 0;
  kt_arena_init(&scratch, KT_ARENA_CAP_DEFAULT);
  kt_memory_lock(conn);
  enum kt_err err = kt_memory_get_by_number(conn, KT_MEMORY_SUPERSEDED, pos, &keys);
  if (err == KT_OK) {
    memcpy(&key, keys.data, sizeof key);
    err = kt_store_copy(&scratch, keys.data + sizeof key, keys.len - sizeof key, &rest);
  }
  if (err == KT_OK) {
    err = rest.len > 0 ? kt_memory_put_by_number(conn, KT_MEMORY_SUPERSEDED, pos, rest.data, rest.len)
                       : remove_number(conn, KT_MEMORY_SUPERSEDED, pos);
  }
  kt_memory_unlock(conn);
  kt_arena_release(&scratch);
  if (err == KT_OK) {
    *ret_key = key;
  }
  return err;
}
