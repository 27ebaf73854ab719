/* SPDX-License-Identifier: Apache-2.0 */
/* What an implementation of the store provides. store.c checks arguments and transaction state and then calls through
 * the table, so every backend sees only valid calls. The contract of each function is that of its kt_store_
 * namesake. */
#ifndef KT_STORE_BACKEND_H
#define KT_STORE_BACKEND_H

#include "store/store.h"

#include <pthread.h>

struct kt_store_ops {
  void (*close)(struct kt_store *store);
  enum kt_err (*open_conn)(struct kt_store_conn *conn);
  void (*close_conn)(struct kt_store_conn *conn);

  enum kt_err (*begin)(struct kt_store_conn *conn);
  enum kt_err (*commit)(struct kt_store_conn *conn);
  void (*rollback)(struct kt_store_conn *conn);
  enum kt_err (*settle)(struct kt_store_conn *conn);
  void (*leave)(struct kt_store_conn *conn);
  enum kt_err (*maintain)(struct kt_store_conn *conn, bool is_idle);
  bool (*page_in)(struct kt_store_conn *conn, uint64_t max_bytes, uint64_t *at, uint8_t *room, size_t len);
  enum kt_err (*read_begin)(struct kt_store_conn *conn);
  void (*read_end)(struct kt_store_conn *conn);

  enum kt_err (*get_meta)(struct kt_store_conn *conn, const char *name, struct kt_arena *arena,
                          struct kt_bytes *ret_value);
  enum kt_err (*put_meta)(struct kt_store_conn *conn, const char *name, struct kt_bytes value);

  enum kt_err (*put_entry)(struct kt_store_conn *conn, uint64_t pos, const struct kt_store_entry *entry,
                           struct kt_bytes leaves, struct kt_bytes log_nodes);
  enum kt_err (*count_entries)(struct kt_store_conn *conn, uint64_t *ret_n);
  enum kt_err (*get_entry)(struct kt_store_conn *conn, uint64_t pos, struct kt_store_entry *ret_entry);
  enum kt_err (*get_leaves)(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                            struct kt_bytes *ret_leaves);
  /* the hash of index `level` among the log nodes of entry pos */
  enum kt_err (*get_log_node)(struct kt_store_conn *conn, uint64_t pos, unsigned level, struct kt_hash *ret_hash);

  enum kt_err (*put_nodes)(struct kt_store_conn *conn, uint64_t pos, const uint8_t *records, uint64_t n);
  enum kt_err (*get_node)(struct kt_store_conn *conn, uint64_t ref, uint8_t *ret_record);
  enum kt_err (*get_leaf)(struct kt_store_conn *conn, uint64_t pos, uint64_t index, uint8_t *ret_leaf);

  enum kt_err (*get_label)(struct kt_store_conn *conn, struct kt_bytes label, struct kt_arena *arena,
                           struct kt_store_label *ret_label);
  enum kt_err (*create_label)(struct kt_store_conn *conn, const struct kt_store_label *label, uint64_t *ret_label_id);
  enum kt_err (*update_label)(struct kt_store_conn *conn, const struct kt_store_label *label);
  enum kt_err (*next_label)(struct kt_store_conn *conn, uint64_t after_label_id, struct kt_arena *arena,
                            struct kt_store_label *ret_label);

  /* key: kt_store_version_key */
  enum kt_err (*put_version)(struct kt_store_conn *conn, uint64_t key, const struct kt_store_version *data,
                             const struct kt_store_payload *payload);
  enum kt_err (*get_version)(struct kt_store_conn *conn, uint64_t key, struct kt_store_version *ret_version);
  enum kt_err (*get_payload)(struct kt_store_conn *conn, uint64_t key, struct kt_arena *arena,
                             struct kt_store_payload *ret_payload);
  enum kt_err (*erase_version)(struct kt_store_conn *conn, uint64_t key);
  enum kt_err (*erase_label)(struct kt_store_conn *conn, uint64_t label_id);
  enum kt_err (*label_exists)(struct kt_store_conn *conn, uint64_t label_id, bool *ret_exists);
  enum kt_err (*wash)(struct kt_store_conn *conn);
  /* of the key's version and its neighbour */
  enum kt_err (*get_proofs)(struct kt_store_conn *conn, uint64_t key, struct kt_store_proof_pair *ret_pair);
  /* proofs: of the even and of the odd version, NULL where there is nothing to put */
  enum kt_err (*put_proofs)(struct kt_store_conn *conn, uint64_t key, const struct kt_store_proof *const proofs[2]);

  enum kt_err (*add_token)(struct kt_store_conn *conn, const struct kt_hash *token_hash);
  enum kt_err (*check_token)(struct kt_store_conn *conn, const struct kt_hash *token_hash);
  enum kt_err (*use_token)(struct kt_store_conn *conn, const struct kt_hash *token_hash);

  enum kt_err (*drop_entry)(struct kt_store_conn *conn, uint64_t pos);
  enum kt_err (*strip_entry)(struct kt_store_conn *conn, uint64_t pos);
  enum kt_err (*get_nodes)(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                           struct kt_store_nodes *ret_nodes);
  enum kt_err (*keep_nodes)(struct kt_store_conn *conn, uint64_t pos, const uint64_t *refs, size_t n,
                            uint64_t *ret_n_removed);
  enum kt_err (*put_superseded)(struct kt_store_conn *conn, uint64_t pos, uint64_t key);
  /* take one key away from those of pos; KT_ERR_ABSENT when there is none */
  enum kt_err (*take_superseded)(struct kt_store_conn *conn, uint64_t pos, uint64_t *ret_key);

  enum kt_err (*verify)(struct kt_store_conn *conn);
  enum kt_err (*backup)(struct kt_store_conn *conn, const char *path);
};

#define KT_STORE_QUEUE_MAX 4096
#define KT_STORE_QUEUE_LONG 1024

struct kt_store {
  const struct kt_store_ops *ops;
  void *backend; /* the implementation's */
  size_t node_len;

  pthread_mutex_t lock; /* guards what follows; held for a few instructions only */
  bool has_writer;
  struct kt_store_new_proof *queue; /* KT_STORE_QUEUE_MAX of them, as drained */
  struct kt_store_new_proof *drained;
  size_t n_queue;
};

/* The record of erasures. */
struct kt_store_erased {
  uint64_t last_id; /* the largest number of a label that was erased: none is given twice */
  bool is_due;      /* the file still has to be washed */
};

struct kt_store_conn {
  struct kt_store *store;
  void *backend; /* the implementation's */
  bool is_writer;
  bool in_transaction;
  bool is_failed;                     /* the transaction can only be rolled back */
  struct kt_store_erased erased;      /* the writer's: what is durable, */
  struct kt_store_erased erased_next; /* and what the open transaction makes of it */
  struct kt_store_error error;
};

/* One integer for (label, version), so that the hot tables have integer keys. Fits 63 bits. */
static inline uint64_t kt_store_version_key(uint64_t label_id, uint32_t version)
{
  return label_id << 32 | version;
}

/* The parts every backend shares. */
KT_MUST_USE enum kt_err kt_store_new(const struct kt_store_ops *ops, const struct kt_store_options *options,
                                     struct kt_store **ret_store);

/* What every write of the front end begins and ends with: KT_OK when it may go ahead (arguments_ok is the caller's
 * verdict on its arguments); what a backend may have half done can only be rolled back. */
KT_MUST_USE enum kt_err kt_store_check_write(struct kt_store_conn *conn, const char *what, bool arguments_ok);
KT_MUST_USE enum kt_err kt_store_end_write(struct kt_store_conn *conn, enum kt_err err);

/* store_erase.c; when a writer opens. */
KT_MUST_USE enum kt_err kt_store_load_erased(struct kt_store_conn *conn);

static inline bool kt_store_is_label_id(uint64_t label_id)
{
  return label_id >= 1 && label_id <= KT_STORE_LABEL_ID_MAX;
}

/* Remember why a call failed (printf format) and return err. */
__attribute__((format(printf, 3, 4))) enum kt_err kt_store_fail(struct kt_store_error *error, enum kt_err err,
                                                                const char *format, ...);

/* Copy into the arena. */
KT_MUST_USE enum kt_err kt_store_copy(struct kt_arena *arena, const void *data, size_t len, struct kt_bytes *ret_bytes);

#endif
