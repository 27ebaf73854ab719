/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the memory backend: its tables in one map, and access to them with the lock held. */
#ifndef KT_STORE_MEMORY_H
#define KT_STORE_MEMORY_H

#include "store/backend.h"
#include "store/mem_map.h"

#include <string.h>

enum kt_memory_table {
  KT_MEMORY_META,
  KT_MEMORY_COUNTERS, /* by name: numbers of entries and labels */
  KT_MEMORY_ENTRIES,
  KT_MEMORY_LEAVES,
  KT_MEMORY_LOG_NODES,
  KT_MEMORY_NODES,
  KT_MEMORY_NODE_INDEXES,   /* which nodes are left; absent: all of them */
  KT_MEMORY_SUPERSEDED,     /* version keys by entry */
  KT_MEMORY_LABEL_IDS,      /* label to id */
  KT_MEMORY_LABELS,         /* id to label, as the next two */
  KT_MEMORY_LABEL_VERSIONS, /* struct kt_memory_label_versions */
  KT_MEMORY_LABEL_STATES,
  KT_MEMORY_VERSIONS,
  KT_MEMORY_OPENINGS,
  KT_MEMORY_SUFFIXES,
  KT_MEMORY_VALUES,
  KT_MEMORY_PROOFS,
  KT_MEMORY_TOKENS, /* hash to whether it is used */
};

enum kt_memory_counter {
  KT_MEMORY_N_ENTRIES,
  KT_MEMORY_N_LABELS,
};

struct kt_memory_label_versions {
  uint64_t n_versions;
  uint64_t newest_pos;
};

struct kt_memory {
  pthread_mutex_t lock; /* held for the duration of each call */
  struct kt_mem_map map;
};

static inline struct kt_memory *kt_memory_of(const struct kt_store_conn *conn)
{
  return conn->store->backend;
}

static inline void kt_memory_lock(const struct kt_store_conn *conn)
{
  pthread_mutex_lock(&kt_memory_of(conn)->lock);
}

static inline void kt_memory_unlock(const struct kt_store_conn *conn)
{
  pthread_mutex_unlock(&kt_memory_of(conn)->lock);
}

/* --- access with the lock held -------------------------------------------------------------------------------- */

static inline struct kt_bytes kt_memory_bytes(const void *data, size_t len)
{
  return (struct kt_bytes){ .data = data, .len = len };
}

static inline enum kt_err kt_memory_get(const struct kt_store_conn *conn, enum kt_memory_table table,
                                        struct kt_bytes key, struct kt_bytes *ret)
{
  return kt_mem_map_get(&kt_memory_of(conn)->map, conn->in_transaction, (int)table, key, ret);
}

static inline enum kt_err kt_memory_get_by_number(const struct kt_store_conn *conn, enum kt_memory_table table,
                                                  uint64_t number, struct kt_bytes *ret)
{
  return kt_memory_get(conn, table, kt_memory_bytes(&number, sizeof number), ret);
}

/* A value that was put with the same length. */
static inline enum kt_err kt_memory_get_fixed(const struct kt_store_conn *conn, enum kt_memory_table table,
                                              uint64_t number, void *ret, size_t len)
{
  struct kt_bytes value;
  enum kt_err err = kt_memory_get_by_number(conn, table, number, &value);
  if (err == KT_OK) {
    memcpy(ret, value.data, len);
  }
  return err;
}

static inline enum kt_err kt_memory_get_copy(const struct kt_store_conn *conn, enum kt_memory_table table,
                                             uint64_t number, struct kt_arena *arena, struct kt_bytes *ret)
{
  struct kt_bytes value;
  enum kt_err err = kt_memory_get_by_number(conn, table, number, &value);
  return err == KT_OK ? kt_store_copy(arena, value.data, value.len, ret) : err;
}

static inline enum kt_err kt_memory_put(struct kt_store_conn *conn, enum kt_memory_table table, struct kt_bytes key,
                                        struct kt_bytes value)
{
  enum kt_err err = kt_mem_map_put(&kt_memory_of(conn)->map, (int)table, key, &value);
  return err == KT_OK ? KT_OK : kt_store_fail(&conn->error, err, "writing: out of memory");
}

static inline enum kt_err kt_memory_put_by_number(struct kt_store_conn *conn, enum kt_memory_table table,
                                                  uint64_t number, const void *data, size_t len)
{
  return kt_memory_put(conn, table, kt_memory_bytes(&number, sizeof number), kt_memory_bytes(data, len));
}

static inline bool kt_memory_exists(const struct kt_store_conn *conn, enum kt_memory_table table, struct kt_bytes key)
{
  struct kt_bytes ignored;
  return kt_memory_get(conn, table, key, &ignored) == KT_OK;
}

static inline bool kt_memory_number_exists(const struct kt_store_conn *conn, enum kt_memory_table table,
                                           uint64_t number)
{
  return kt_memory_exists(conn, table, kt_memory_bytes(&number, sizeof number));
}

static inline uint64_t kt_memory_get_counter(const struct kt_store_conn *conn, enum kt_memory_counter counter)
{
  uint64_t n = 0;
  return kt_memory_get_fixed(conn, KT_MEMORY_COUNTERS, counter, &n, sizeof n) == KT_OK ? n : 0;
}

/* Where the record of node `index` of entry pos is among those that are left; KT_ERR_ABSENT. */
static inline enum kt_err kt_memory_node_place(const struct kt_store_conn *conn, uint64_t pos, uint64_t index,
                                               size_t *ret_place)
{
  struct kt_bytes indexes;
  if (kt_memory_get_by_number(conn, KT_MEMORY_NODE_INDEXES, pos, &indexes) != KT_OK) {
    *ret_place = (size_t)index;
    return KT_OK;
  }
  for (size_t i = 0; i < indexes.len / sizeof index; i++) {
    if (memcmp(indexes.data + i * sizeof index, &index, sizeof index) == 0) {
      *ret_place = i;
      return KT_OK;
    }
  }
  return KT_ERR_ABSENT;
}

/* --- memory_prune.c ----------------------------------------------------------------------------------------------- */

enum kt_err kt_memory_drop_entry(struct kt_store_conn *conn, uint64_t pos);
enum kt_err kt_memory_strip_entry(struct kt_store_conn *conn, uint64_t pos);
enum kt_err kt_memory_get_nodes(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                                struct kt_store_nodes *ret_nodes);
enum kt_err kt_memory_keep_nodes(struct kt_store_conn *conn, uint64_t pos, const uint64_t *refs, size_t n,
                                 uint64_t *ret_n_removed);
enum kt_err kt_memory_put_superseded(struct kt_store_conn *conn, uint64_t pos, uint64_t key);
enum kt_err kt_memory_take_superseded(struct kt_store_conn *conn, uint64_t pos, uint64_t *ret_key);

/* memory_erase.c */
enum kt_err kt_memory_erase_label(struct kt_store_conn *conn, uint64_t label_id);
enum kt_err kt_memory_label_exists(struct kt_store_conn *conn, uint64_t label_id, bool *ret_exists);

#endif
