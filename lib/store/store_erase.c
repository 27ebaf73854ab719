/* SPDX-License-Identifier: Apache-2.0 */
/* Erasure for good: the rows of a label, and then every copy that the file still has in space nobody uses. */
#include "store/backend.h"

#include "base/reader.h"

#include <kt/writer.h>

#define META_ERASED "store/erased"
#define ERASED_LEN (sizeof(uint64_t) + 1)

enum kt_err kt_store_load_erased(struct kt_store_conn *conn)
{
  struct kt_arena arena;
  struct kt_bytes value;
  kt_arena_init(&arena, 4096);
  enum kt_err err = conn->store->ops->get_meta(conn, META_ERASED, &arena, &value);
  if (err == KT_OK) {
    struct kt_reader r;
    kt_reader_init(&r, value.data, value.len);
    uint64_t last_id = kt_read_u64(&r);
    uint8_t is_due = kt_read_u8(&r);
    if (kt_reader_end(&r) != KT_OK || last_id > KT_STORE_LABEL_ID_MAX || is_due > 1) {
      err = kt_store_fail(&conn->error, KT_ERR_STORE, "reading what was erased: the record is damaged");
    } else {
      conn->erased = (struct kt_store_erased){ .last_id = last_id, .is_due = is_due == 1 };
    }
  }
  kt_arena_release(&arena);
  if (err == KT_ERR_MEMORY) {
    return kt_store_fail(&conn->error, err, "reading what was erased: out of memory");
  }
  return err == KT_ERR_ABSENT ? KT_OK : err;
}

/* In the open transaction; what the handle remembers follows when that is durable. */
static enum kt_err put_erased(struct kt_store_conn *writer, struct kt_store_erased erased)
{
  uint8_t value[ERASED_LEN];
  struct kt_writer w;
  kt_writer_init_fixed(&w, value, sizeof value);
  kt_write_u64(&w, erased.last_id);
  kt_write_u8(&w, erased.is_due ? 1 : 0);
  const struct kt_bytes bytes = { value, sizeof value };
  enum kt_err err = kt_store_end_write(writer, writer->store->ops->put_meta(writer, META_ERASED, bytes));
  if (err == KT_OK) {
    writer->erased_next = erased;
  }
  return err;
}

enum kt_err kt_store_want_wash(struct kt_store_conn *writer)
{
  enum kt_err err = kt_store_check_write(writer, "recording an erasure", true);
  struct kt_store_erased erased = writer->erased_next;
  erased.is_due = true;
  return err == KT_OK ? put_erased(writer, erased) : err;
}

enum kt_err kt_store_erase_label(struct kt_store_conn *writer, uint64_t label_id)
{
  enum kt_err err = kt_store_check_write(writer, "erasing a label", kt_store_is_label_id(label_id));
  if (err == KT_OK) {
    err = kt_store_end_write(writer, writer->store->ops->erase_label(writer, label_id));
  }
  if (err != KT_OK) {
    return err;
  }
  struct kt_store_erased erased = writer->erased_next;
  erased.last_id = label_id > erased.last_id ? label_id : erased.last_id;
  erased.is_due = true;
  return put_erased(writer, erased);
}

bool kt_store_has_erased_labels(const struct kt_store_conn *writer)
{
  return writer->erased_next.last_id != 0 || writer->erased.last_id != 0;
}

bool kt_store_wash_is_due(const struct kt_store_conn *writer)
{
  return writer->erased.is_due;
}

enum kt_err kt_store_wash(struct kt_store_conn *writer)
{
  if (!writer->is_writer || writer->in_transaction) {
    return kt_store_fail(&writer->error, KT_ERR_USAGE, "wash: not the writer, or a transaction is open");
  }
  if (!writer->erased.is_due) {
    return KT_OK;
  }
  enum kt_err err = writer->store->ops->wash(writer);
  if (err != KT_OK) {
    return err;
  }
  err = kt_store_begin(writer);
  if (err != KT_OK) {
    return err;
  }
  struct kt_store_erased erased = writer->erased_next;
  erased.is_due = false;
  err = put_erased(writer, erased);
  if (err != KT_OK) {
    kt_store_rollback(writer);
    return err;
  }
  return kt_store_commit(writer);
}
