/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"

void kt_reader_init(struct kt_reader *r, const uint8_t *data, size_t len)
{
  static const uint8_t nothing[1];
  *r = (struct kt_reader){ .at = data != NULL ? data : nothing, .left = len };
}

void kt_reader_fail(struct kt_reader *r, enum kt_err err)
{
  if (r->err == KT_OK) {
    r->err = err;
  }
  r->left = 0;
}

const uint8_t *kt_read_bytes(struct kt_reader *r, size_t len)
{
  if (r->err != KT_OK || len > r->left) {
    kt_reader_fail(r, KT_ERR_FORMAT);
    return NULL;
  }
  const uint8_t *at = r->at;
  r->at += len;
  r->left -= len;
  return at;
}

static uint64_t read_uint(struct kt_reader *r, size_t len)
{
  const uint8_t *at = kt_read_bytes(r, len);
  uint64_t value = 0;
  for (size_t i = 0; at != NULL && i < len; i++) {
    value = value << 8 | at[i];
  }
  return value;
}

uint8_t kt_read_u8(struct kt_reader *r)
{
  return (uint8_t)read_uint(r, 1);
}

uint16_t kt_read_u16(struct kt_reader *r)
{
  return (uint16_t)read_uint(r, 2);
}

uint32_t kt_read_u32(struct kt_reader *r)
{
  return (uint32_t)read_uint(r, 4);
}

uint64_t kt_read_u64(struct kt_reader *r)
{
  return read_uint(r, 8);
}

static struct kt_bytes read_opaque(struct kt_reader *r, size_t prefix_len, size_t max)
{
  size_t len = (size_t)read_uint(r, prefix_len);
  if (len > max) {
    kt_reader_fail(r, KT_ERR_LIMIT);
  }
  const uint8_t *data = kt_read_bytes(r, len);
  return (struct kt_bytes){ .data = data, .len = data != NULL ? len : 0 };
}

struct kt_bytes kt_read_opaque8(struct kt_reader *r)
{
  return read_opaque(r, 1, UINT8_MAX);
}

struct kt_bytes kt_read_opaque16(struct kt_reader *r, size_t max)
{
  return read_opaque(r, 2, max);
}

struct kt_bytes kt_read_opaque32(struct kt_reader *r, size_t max)
{
  return read_opaque(r, 4, max);
}

bool kt_read_present(struct kt_reader *r)
{
  uint8_t present = kt_read_u8(r);
  if (present > 1) {
    kt_reader_fail(r, KT_ERR_FORMAT);
  }
  return present == 1;
}

static size_t read_count(struct kt_reader *r, size_t prefix_len, size_t min_element_len)
{
  size_t count = (size_t)read_uint(r, prefix_len);
  if (min_element_len != 0 && count > r->left / min_element_len) {
    kt_reader_fail(r, KT_ERR_FORMAT);
    return 0;
  }
  return r->err == KT_OK ? count : 0;
}

size_t kt_read_count8(struct kt_reader *r, size_t min_element_len)
{
  return read_count(r, 1, min_element_len);
}

size_t kt_read_count16(struct kt_reader *r, size_t min_element_len)
{
  return read_count(r, 2, min_element_len);
}

enum kt_err kt_reader_end(struct kt_reader *r)
{
  if (r->err == KT_OK && r->left != 0) {
    kt_reader_fail(r, KT_ERR_FORMAT);
  }
  return r->err;
}
