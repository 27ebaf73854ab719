/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/search.h"

#include "wire/common.h"

struct kt_optional_u64 kt_read_optional_u64(struct kt_reader *r)
{
  struct kt_optional_u64 optional = { .present = kt_read_present(r) };
  if (optional.present) {
    optional.value = kt_read_u64(r);
  }
  return optional;
}

struct kt_optional_u32 kt_read_optional_u32(struct kt_reader *r)
{
  struct kt_optional_u32 optional = { .present = kt_read_present(r) };
  if (optional.present) {
    optional.value = kt_read_u32(r);
  }
  return optional;
}

void kt_search_request_write(struct kt_writer *w, const struct kt_search_request *request)
{
  kt_write_optional_u64(w, request->last.present, request->last.value);
  kt_write_opaque8(w, request->label);
  kt_write_optional_u32(w, request->version.present, request->version.value);
}

enum kt_err kt_search_request_decode(struct kt_bytes encoded, struct kt_search_request *ret)
{
  struct kt_reader r;
  struct kt_search_request request = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  request.last = kt_read_optional_u64(&r);
  request.label = kt_read_opaque8(&r);
  request.version = kt_read_optional_u32(&r);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = request;
  }
  return err;
}

void kt_ladder_step_write(struct kt_writer *w, const struct kt_config *config, const struct kt_ladder_step *step)
{
  kt_write_bytes(w, step->proof, config->suite->vrf_proof_len);
  kt_write_present(w, step->has_commitment);
  if (step->has_commitment) {
    kt_write_bytes(w, step->commitment.b, sizeof step->commitment.b);
  }
}

static void ladder_step_read(struct kt_reader *r, const struct kt_config *config, struct kt_ladder_step *ret)
{
  ret->proof = kt_read_bytes(r, config->suite->vrf_proof_len);
  ret->has_commitment = kt_read_present(r);
  if (ret->has_commitment) {
    ret->commitment = kt_read_hash(r);
  }
}

void kt_ladder_steps_write(struct kt_writer *w, const struct kt_config *config, bool wide,
                           const struct kt_ladder_step *steps, size_t n)
{
  if (wide) {
    kt_write_count16(w, n);
  } else {
    kt_write_count8(w, n);
  }
  for (size_t i = 0; i < n; i++) {
    kt_ladder_step_write(w, config, &steps[i]);
  }
}

const struct kt_ladder_step *kt_ladder_steps_read(struct kt_reader *r, const struct kt_config *config, bool wide,
                                                  struct kt_arena *arena, size_t *ret_n)
{
  size_t step_min_len = config->suite->vrf_proof_len + 1;
  size_t n = wide ? kt_read_count16(r, step_min_len) : kt_read_count8(r, step_min_len);
  struct kt_ladder_step *steps = kt_vector_alloc(r, arena, n, sizeof *steps);
  for (size_t i = 0; steps != NULL && i < n; i++) {
    ladder_step_read(r, config, &steps[i]);
  }
  *ret_n = n;
  return steps;
}

void kt_search_response_write(struct kt_writer *w, const struct kt_config *config, bool version_requested,
                              const struct kt_search_response *response)
{
  kt_full_tree_head_write(w, config, &response->full_tree_head);
  if (!version_requested) {
    kt_write_u32(w, response->version);
  }
  kt_write_bytes(w, response->opening, KT_OPENING_LEN);
  kt_update_value_write(w, config, &response->value);
  kt_ladder_steps_write(w, config, false, response->binary_ladder, response->n_ladder);
  kt_combined_proof_write(w, &response->search);
}

enum kt_err kt_search_response_decode(struct kt_bytes encoded, const struct kt_config *config,
                                      struct kt_optional_u32 requested_version, struct kt_arena *arena,
                                      struct kt_search_response *ret)
{
  struct kt_reader r;
  struct kt_search_response response = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_full_tree_head_read(&r, config, &response.full_tree_head);
  response.version = requested_version.present ? requested_version.value : kt_read_u32(&r);
  response.opening = kt_read_bytes(&r, KT_OPENING_LEN);
  kt_update_value_read(&r, config, &response.value);
  response.binary_ladder = kt_ladder_steps_read(&r, config, false, arena, &response.n_ladder);
  kt_combined_proof_read(&r, arena, &response.search);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = response;
  }
  return err;
}
