/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/writer.h>

#include <stdlib.h>
#include <string.h>

#define CAP_FIRST 2048 /* most responses take a few kilobytes */

void kt_writer_init(struct kt_writer *w, size_t limit)
{
  *w = (struct kt_writer){ .limit = limit };
}

void kt_writer_init_fixed(struct kt_writer *w, uint8_t *buf, size_t cap)
{
  *w = (struct kt_writer){ .buf = buf, .cap = cap, .limit = cap, .fixed = true };
}

void kt_writer_release(struct kt_writer *w)
{
  if (!w->fixed) {
    free(w->buf);
  }
  *w = (struct kt_writer){ 0 };
}

void kt_writer_fail(struct kt_writer *w, enum kt_err err)
{
  if (w->err == KT_OK) {
    w->err = err;
  }
}

enum kt_err kt_writer_take(struct kt_writer *w, uint8_t **ret_data, size_t *ret_len)
{
  if (w->err != KT_OK) {
    enum kt_err err = w->err;
    kt_writer_release(w);
    return err;
  }
  if (w->buf == NULL) {
    w->buf = malloc(1);
    if (w->buf == NULL) {
      return KT_ERR_MEMORY;
    }
  }
  *ret_data = w->buf;
  *ret_len = w->len;
  *w = (struct kt_writer){ 0 };
  return KT_OK;
}

/* Make room for len more bytes; false after recording why not. */
static bool reserve(struct kt_writer *w, size_t len)
{
  if (w->err != KT_OK) {
    return false;
  }
  if (len > w->limit - w->len) {
    kt_writer_fail(w, KT_ERR_LIMIT);
    return false;
  }
  if (len <= w->cap - w->len) {
    return true;
  }
  size_t cap = w->cap < CAP_FIRST ? CAP_FIRST : w->cap;
  while (cap - w->len < len) {
    cap = cap > w->limit / 2 ? w->limit : cap * 2;
  }
  uint8_t *buf = realloc(w->buf, cap);
  if (buf == NULL) {
    kt_writer_fail(w, KT_ERR_MEMORY);
    return false;
  }
  w->buf = buf;
  w->cap = cap;
  return true;
}

void kt_write_bytes(struct kt_writer *w, const void *data, size_t len)
{
  if (len > 0 && reserve(w, len)) {
    memcpy(w->buf + w->len, data, len);
    w->len += len;
  }
}

static void write_uint(struct kt_writer *w, uint64_t value, size_t len)
{
  uint8_t be[8];
  for (size_t i = 0; i < len; i++) {
    be[i] = (uint8_t)(value >> 8 * (len - 1 - i));
  }
  kt_write_bytes(w, be, len);
}

void kt_write_u8(struct kt_writer *w, uint8_t value)
{
  write_uint(w, value, 1);
}

void kt_write_u16(struct kt_writer *w, uint16_t value)
{
  write_uint(w, value, 2);
}

void kt_write_u32(struct kt_writer *w, uint32_t value)
{
  write_uint(w, value, 4);
}

void kt_write_u64(struct kt_writer *w, uint64_t value)
{
  write_uint(w, value, 8);
}

/* A length or count prefix of prefix_len bytes. */
static void write_prefix(struct kt_writer *w, size_t value, size_t prefix_len)
{
  if (value > (UINT64_MAX >> (64 - 8 * prefix_len))) {
    kt_writer_fail(w, KT_ERR_LIMIT);
    return;
  }
  write_uint(w, value, prefix_len);
}

void kt_write_opaque8(struct kt_writer *w, struct kt_bytes bytes)
{
  write_prefix(w, bytes.len, 1);
  kt_write_bytes(w, bytes.data, bytes.len);
}

void kt_write_opaque16(struct kt_writer *w, struct kt_bytes bytes)
{
  write_prefix(w, bytes.len, 2);
  kt_write_bytes(w, bytes.data, bytes.len);
}

void kt_write_opaque32(struct kt_writer *w, struct kt_bytes bytes)
{
  write_prefix(w, bytes.len, 4);
  kt_write_bytes(w, bytes.data, bytes.len);
}

void kt_write_present(struct kt_writer *w, bool present)
{
  kt_write_u8(w, present ? 1 : 0);
}

void kt_write_optional_u64(struct kt_writer *w, bool present, uint64_t value)
{
  kt_write_present(w, present);
  if (present) {
    kt_write_u64(w, value);
  }
}

void kt_write_optional_u32(struct kt_writer *w, bool present, uint32_t value)
{
  kt_write_present(w, present);
  if (present) {
    kt_write_u32(w, value);
  }
}

void kt_write_count8(struct kt_writer *w, size_t count)
{
  write_prefix(w, count, 1);
}

void kt_write_count16(struct kt_writer *w, size_t count)
{
  write_prefix(w, count, 2);
}
