/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, transactions, and the checks every backend relies on (backend.h); the calls by subject are in
 * store_data.c. */
#include "store/backend.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kt_err kt_store_fail(struct kt_store_error *error, enum kt_err err, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  error->is_damaged = false;
  error->is_full = false;
  error->is_unnamed = false;
  (void)vsnprintf(error->text, sizeof error->text, format, args);
  va_end(args);
  return err;
}

enum kt_err kt_store_copy(struct kt_arena *arena, const void *data, size_t len, struct kt_bytes *ret_bytes)
{
  void *copy = kt_arena_copy(arena, data, len);
  if (copy == NULL) {
    return KT_ERR_MEMORY;
  }
  *ret_bytes = (struct kt_bytes){ .data = copy, .len = len };
  return KT_OK;
}

enum kt_err kt_store_new(const struct kt_store_ops *ops, const struct kt_store_options *options,
                         struct kt_store **ret_store)
{
  if (options->node_len == 0 || options->node_len > KT_STORE_NODE_LEN_MAX) {
    return KT_ERR_USAGE;
  }
  struct kt_store *store = calloc(1, sizeof *store);
  if (store == NULL) {
    return KT_ERR_MEMORY;
  }
  store->ops = ops;
  store->node_len = options->node_len;
  store->queue = calloc(KT_STORE_QUEUE_MAX, sizeof *store->queue);
  store->drained = calloc(KT_STORE_QUEUE_MAX, sizeof *store->drained);
  if (store->queue == NULL || store->drained == NULL) {
    free(store->queue);
    free(store->drained);
    free(store);
    return KT_ERR_MEMORY;
  }
  pthread_mutex_init(&store->lock, NULL);
  *ret_store = store;
  return KT_OK;
}

void kt_store_close(struct kt_store *store)
{
  if (store == NULL) {
    return;
  }
  store->ops->close(store);
  pthread_mutex_destroy(&store->lock);
  free(store->queue);
  free(store->drained);
  free(store);
}

/* --- handles -------------------------------------------------------------------------------------------------- */

static enum kt_err open_conn(struct kt_store *store, bool is_writer, struct kt_store_conn **ret_conn,
                             struct kt_store_error *ret_error)
{
  struct kt_store_conn *conn = calloc(1, sizeof *conn);
  if (conn == NULL) {
    return kt_store_fail(ret_error, KT_ERR_MEMORY, "opening a handle: out of memory");
  }
  conn->store = store;
  conn->is_writer = is_writer;
  enum kt_err err = store->ops->open_conn(conn);
  bool is_open = err == KT_OK;
  if (is_open && is_writer) {
    err = kt_store_load_erased(conn);
  }
  if (err != KT_OK) {
    *ret_error = conn->error;
    if (is_open) {
      store->ops->leave(conn); /* nobody judged what was found */
      store->ops->close_conn(conn);
    }
    free(conn);
    return err;
  }
  *ret_conn = conn;
  return KT_OK;
}

static void set_has_writer(struct kt_store *store, bool has_writer)
{
  pthread_mutex_lock(&store->lock);
  store->has_writer = has_writer;
  pthread_mutex_unlock(&store->lock);
}

enum kt_err kt_store_open_writer(struct kt_store *store, struct kt_store_conn **ret_conn,
                                 struct kt_store_error *ret_error)
{
  pthread_mutex_lock(&store->lock);
  bool was_open = store->has_writer;
  store->has_writer = true;
  pthread_mutex_unlock(&store->lock);
  if (was_open) {
    return kt_store_fail(ret_error, KT_ERR_CONFLICT, "the store already has a writer");
  }
  enum kt_err err = open_conn(store, true, ret_conn, ret_error);
  if (err != KT_OK) {
    set_has_writer(store, false);
  }
  return err;
}

enum kt_err kt_store_open_reader(struct kt_store *store, struct kt_store_conn **ret_conn,
                                 struct kt_store_error *ret_error)
{
  return open_conn(store, false, ret_conn, ret_error);
}

void kt_store_close_conn(struct kt_store_conn *conn)
{
  if (conn == NULL) {
    return;
  }
  kt_store_rollback(conn);
  conn->store->ops->close_conn(conn);
  if (conn->is_writer) {
    set_has_writer(conn->store, false);
  }
  free(conn);
}

const char *kt_store_message(const struct kt_store_conn *conn)
{
  return conn->error.text;
}

bool kt_store_is_full(const struct kt_store_conn *conn)
{
  return conn->error.is_full;
}

bool kt_store_is_damaged(const struct kt_store_conn *conn)
{
  return conn->error.is_damaged;
}

bool kt_store_is_unnamed(const struct kt_store_conn *conn)
{
  return conn->error.is_unnamed;
}

/* --- transactions --------------------------------------------------------------------------------------------- */

enum kt_err kt_store_begin(struct kt_store_conn *writer)
{
  if (!writer->is_writer || writer->in_transaction) {
    return kt_store_fail(&writer->error, KT_ERR_USAGE, "begin: not the writer, or a transaction is open");
  }
  enum kt_err err = writer->store->ops->begin(writer);
  if (err == KT_OK) {
    writer->in_transaction = true;
    writer->is_failed = false;
    writer->erased_next = writer->erased;
  }
  return err;
}

enum kt_err kt_store_commit(struct kt_store_conn *writer)
{
  if (!writer->in_transaction) {
    return kt_store_fail(&writer->error, KT_ERR_USAGE, "commit: no transaction is open");
  }
  enum kt_err err = KT_ERR_STORE; /* of a failed transaction, whose message stands */
  if (!writer->is_failed) {
    err = writer->store->ops->commit(writer);
  }
  if (err != KT_OK) {
    kt_store_rollback(writer);
    return err;
  }
  writer->in_transaction = false;
  writer->erased = writer->erased_next;
  return KT_OK;
}

void kt_store_rollback(struct kt_store_conn *writer)
{
  if (writer->in_transaction) {
    writer->store->ops->rollback(writer);
    writer->in_transaction = false;
  }
}

enum kt_err kt_store_settle(struct kt_store_conn *writer)
{
  if (!writer->is_writer || writer->in_transaction) {
    return kt_store_fail(&writer->error, KT_ERR_USAGE, "settle: not the writer, or a transaction is open");
  }
  return writer->store->ops->settle(writer);
}

void kt_store_leave(struct kt_store_conn *writer)
{
  writer->store->ops->leave(writer);
}

enum kt_err kt_store_maintain(struct kt_store_conn *writer, bool is_idle)
{
  if (!writer->is_writer || writer->in_transaction) {
    return kt_store_fail(&writer->error, KT_ERR_USAGE, "maintain: not the writer, or a transaction is open");
  }
  return writer->store->ops->maintain(writer, is_idle);
}

bool kt_store_page_in(struct kt_store_conn *conn, uint64_t max_bytes, uint64_t *at, uint8_t *room, size_t len)
{
  return conn->store->ops->page_in(conn, max_bytes, at, room, len);
}

enum kt_err kt_store_read_begin(struct kt_store_conn *reader)
{
  if (reader->is_writer) {
    return kt_store_fail(&reader->error, KT_ERR_USAGE, "read begin: not a reader");
  }
  return reader->store->ops->read_begin(reader);
}

void kt_store_read_end(struct kt_store_conn *reader)
{
  if (!reader->is_writer) {
    reader->store->ops->read_end(reader);
  }
}

/* --- administration ------------------------------------------------------------------------------------------- */

enum kt_err kt_store_verify(struct kt_store_conn *conn)
{
  return conn->store->ops->verify(conn);
}

enum kt_err kt_store_backup(struct kt_store_conn *reader, const char *path)
{
  if (reader->is_writer) {
    return kt_store_fail(&reader->error, KT_ERR_USAGE, "backup: not a reader");
  }
  return reader->store->ops->backup(reader, path);
}
