/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/common.h"

#include <string.h>

#include "wire/leaf.h"

void *kt_vector_alloc(struct kt_reader *r, struct kt_arena *arena, size_t count, size_t size)
{
  if (r->err != KT_OK) {
    return NULL;
  }
  void *array = kt_arena_alloc(arena, count, size);
  if (array == NULL) {
    kt_reader_fail(r, KT_ERR_MEMORY);
  }
  return array;
}

struct kt_hash kt_read_hash(struct kt_reader *r)
{
  struct kt_hash hash = { 0 };
  const uint8_t *at = kt_read_bytes(r, sizeof hash.b);
  if (at != NULL) {
    memcpy(hash.b, at, sizeof hash.b);
  }
  return hash;
}

void kt_label_value_write(struct kt_writer *w, struct kt_bytes value)
{
  if (value.len > KT_VALUE_MAX) {
    kt_writer_fail(w, KT_ERR_LIMIT);
  }
  kt_write_opaque32(w, value);
}

struct kt_bytes kt_label_value_read(struct kt_reader *r)
{
  return kt_read_opaque32(r, KT_VALUE_MAX);
}
