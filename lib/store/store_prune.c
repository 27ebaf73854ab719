/* SPDX-License-Identifier: Apache-2.0 */
/* Pruning: the record of it, and the calls that remove. */
#include "store/backend.h"

#include "base/reader.h"

#include <kt/writer.h>

#define META_PRUNED "store/pruned"
#define PRUNED_LEN (4 * sizeof(uint64_t))

enum kt_err kt_store_get_pruned(struct kt_store_conn *conn, struct kt_store_pruned *ret_pruned)
{
  struct kt_arena arena;
  struct kt_bytes value;
  struct kt_store_pruned pruned = { 0 };
  kt_arena_init(&arena, 4096);
  enum kt_err err = conn->store->ops->get_meta(conn, META_PRUNED, &arena, &value);
  if (err == KT_OK) {
    struct kt_reader r;
    kt_reader_init(&r, value.data, value.len);
    pruned.boundary = kt_read_u64(&r);
    pruned.n_entries = kt_read_u64(&r);
    pruned.n_nodes = kt_read_u64(&r);
    pruned.n_values = kt_read_u64(&r);
    if (kt_reader_end(&r) != KT_OK) {
      err = kt_store_fail(&conn->error, KT_ERR_STORE, "reading what was pruned: the record is damaged");
    }
  }
  kt_arena_release(&arena);
  if (err == KT_OK || err == KT_ERR_ABSENT) {
    *ret_pruned = pruned;
    return KT_OK;
  }
  return err;
}

enum kt_err kt_store_put_pruned(struct kt_store_conn *writer, const struct kt_store_pruned *pruned)
{
  uint8_t value[PRUNED_LEN];
  struct kt_writer w;
  enum kt_err err = kt_store_check_write(writer, "recording what was pruned", pruned->boundary <= KT_STORE_POS_MAX);
  if (err != KT_OK) {
    return err;
  }
  kt_writer_init_fixed(&w, value, sizeof value);
  kt_write_u64(&w, pruned->boundary);
  kt_write_u64(&w, pruned->n_entries);
  kt_write_u64(&w, pruned->n_nodes);
  kt_write_u64(&w, pruned->n_values);
  const struct kt_bytes bytes = { value, sizeof value };
  return kt_store_end_write(writer, writer->store->ops->put_meta(writer, META_PRUNED, bytes));
}

enum kt_err kt_store_drop_entry(struct kt_store_conn *writer, uint64_t pos)
{
  enum kt_err err = kt_store_check_write(writer, "dropping an entry", pos <= KT_STORE_POS_MAX);
  return err == KT_OK ? kt_store_end_write(writer, writer->store->ops->drop_entry(writer, pos)) : err;
}

enum kt_err kt_store_strip_entry(struct kt_store_conn *writer, uint64_t pos)
{
  enum kt_err err = kt_store_check_write(writer, "stripping an entry", pos <= KT_STORE_POS_MAX);
  return err == KT_OK ? kt_store_end_write(writer, writer->store->ops->strip_entry(writer, pos)) : err;
}

enum kt_err kt_store_get_nodes(struct kt_store_conn *conn, uint64_t pos, struct kt_arena *arena,
                               struct kt_store_nodes *ret_nodes)
{
  if (pos > KT_STORE_POS_MAX) {
    *ret_nodes = (struct kt_store_nodes){ .n = 0 };
    return KT_OK;
  }
  return conn->store->ops->get_nodes(conn, pos, arena, ret_nodes);
}

enum kt_err kt_store_keep_nodes(struct kt_store_conn *writer, uint64_t pos, const uint64_t *refs, size_t n,
                                uint64_t *ret_n_removed)
{
  enum kt_err err = kt_store_check_write(writer, "removing nodes", pos <= KT_STORE_POS_MAX);
  if (err != KT_OK) {
    return err;
  }
  return kt_store_end_write(writer, writer->store->ops->keep_nodes(writer, pos, refs, n, ret_n_removed));
}

enum kt_err kt_store_put_superseded(struct kt_store_conn *writer, uint64_t pos, uint64_t label_id, uint32_t version)
{
  bool ok = pos <= KT_STORE_POS_MAX && kt_store_is_label_id(label_id);
  enum kt_err err = kt_store_check_write(writer, "remembering a superseded version", ok);
  if (err != KT_OK) {
    return err;
  }
  uint64_t key = kt_store_version_key(label_id, version);
  return kt_store_end_write(writer, writer->store->ops->put_superseded(writer, pos, key));
}

/* Some versions that are listed may be gone with their labels, once a label was erased. */
static enum kt_err erase_listed(struct kt_store_conn *writer, uint64_t key, uint64_t *n)
{
  enum kt_err err = writer->store->ops->erase_version(writer, key);
  if (err == KT_ERR_ABSENT && writer->erased_next.last_id != 0) {
    return KT_OK;
  }
  if (err == KT_ERR_ABSENT) {
    return kt_store_fail(&writer->error, KT_ERR_STORE, "erasing superseded versions: one of them is missing");
  }
  *n += err == KT_OK ? 1 : 0;
  return err;
}

enum kt_err kt_store_erase_superseded(struct kt_store_conn *writer, uint64_t pos, uint64_t *ret_n)
{
  enum kt_err err = kt_store_check_write(writer, "erasing superseded versions", pos <= KT_STORE_POS_MAX);
  uint64_t n = 0;
  while (err == KT_OK) {
    uint64_t key;
    err = writer->store->ops->take_superseded(writer, pos, &key);
    if (err == KT_OK) {
      err = erase_listed(writer, key, &n);
    }
  }
  if (err != KT_ERR_ABSENT) {
    return kt_store_end_write(writer, err);
  }
  *ret_n = n;
  return KT_OK;
}
