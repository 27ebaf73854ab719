/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/manager.h"

#include "wire/common.h"

#define UPDATE_VALUE_MIN_LEN (4 + 2) /* both length prefixes */

void kt_manager_update_request_write(struct kt_writer *w, const struct kt_config *config,
                                     const struct kt_manager_update_request *request)
{
  kt_write_optional_u64(w, request->last.present, request->last.value);
  kt_write_opaque8(w, request->label);
  kt_write_optional_u32(w, request->greatest_version.present, request->greatest_version.value);
  kt_write_count8(w, request->n_values);
  for (size_t i = 0; i < request->n_values; i++) {
    kt_update_value_write(w, config, &request->values[i]);
  }
  kt_write_u32(w, request->signed_version);
}

static const struct kt_update_value *values_read(struct kt_reader *r, const struct kt_config *config,
                                                 struct kt_arena *arena, size_t *ret_n)
{
  size_t n = kt_read_count8(r, UPDATE_VALUE_MIN_LEN);
  struct kt_update_value *values = kt_vector_alloc(r, arena, n, sizeof *values);
  for (size_t i = 0; values != NULL && i < n; i++) {
    kt_update_value_read(r, config, &values[i]);
  }
  *ret_n = n;
  return values;
}

enum kt_err kt_manager_update_request_decode(struct kt_bytes encoded, const struct kt_config *config,
                                             struct kt_arena *arena, struct kt_manager_update_request *ret)
{
  struct kt_reader r;
  struct kt_manager_update_request request = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  request.last = kt_read_optional_u64(&r);
  request.label = kt_read_opaque8(&r);
  request.greatest_version = kt_read_optional_u32(&r);
  request.values = values_read(&r, config, arena, &request.n_values);
  request.signed_version = kt_read_u32(&r);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = request;
  }
  return err;
}
