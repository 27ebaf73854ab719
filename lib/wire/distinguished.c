/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/distinguished.h"

void kt_distinguished_request_write(struct kt_writer *w, const struct kt_distinguished_request *request)
{
  kt_write_optional_u64(w, request->last.present, request->last.value);
  kt_write_optional_u64(w, request->stop.present, request->stop.value);
}

enum kt_err kt_distinguished_request_decode(struct kt_bytes encoded, struct kt_distinguished_request *ret)
{
  struct kt_reader r;
  struct kt_distinguished_request request = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  request.last = kt_read_optional_u64(&r);
  request.stop = kt_read_optional_u64(&r);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = request;
  }
  return err;
}

void kt_distinguished_response_write(struct kt_writer *w, const struct kt_config *config,
                                     const struct kt_distinguished_response *response)
{
  kt_full_tree_head_write(w, config, &response->full_tree_head);
  kt_combined_proof_write(w, &response->distinguished);
}

enum kt_err kt_distinguished_response_decode(struct kt_bytes encoded, const struct kt_config *config,
                                             struct kt_arena *arena, struct kt_distinguished_response *ret)
{
  struct kt_reader r;
  struct kt_distinguished_response response = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_full_tree_head_read(&r, config, &response.full_tree_head);
  kt_combined_proof_read(&r, arena, &response.distinguished);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = response;
  }
  return err;
}
