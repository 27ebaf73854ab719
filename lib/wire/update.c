/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/update.h"

#include "wire/common.h"

#define LABEL_VALUE_MIN_LEN 4

static void values_write(struct kt_writer *w, const struct kt_bytes *values, size_t n)
{
  kt_write_count8(w, n);
  for (size_t i = 0; i < n; i++) {
    kt_label_value_write(w, values[i]);
  }
}

static const struct kt_bytes *values_read(struct kt_reader *r, struct kt_arena *arena, size_t *ret_n)
{
  size_t n = kt_read_count8(r, LABEL_VALUE_MIN_LEN);
  struct kt_bytes *values = kt_vector_alloc(r, arena, n, sizeof *values);
  for (size_t i = 0; values != NULL && i < n; i++) {
    values[i] = kt_label_value_read(r);
  }
  *ret_n = n;
  return values;
}

void kt_update_request_write(struct kt_writer *w, const struct kt_update_request *request)
{
  kt_write_optional_u64(w, request->last.present, request->last.value);
  kt_write_opaque8(w, request->label);
  kt_write_optional_u32(w, request->greatest_version.present, request->greatest_version.value);
  values_write(w, request->values, request->n_values);
}

enum kt_err kt_update_request_decode(struct kt_bytes encoded, struct kt_arena *arena, struct kt_update_request *ret)
{
  struct kt_reader r;
  struct kt_update_request request = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  request.last = kt_read_optional_u64(&r);
  request.label = kt_read_opaque8(&r);
  request.greatest_version = kt_read_optional_u32(&r);
  request.values = values_read(&r, arena, &request.n_values);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = request;
  }
  return err;
}

void kt_update_info_write(struct kt_writer *w, const struct kt_config *config, const struct kt_update_info *info)
{
  kt_write_bytes(w, info->opening, KT_OPENING_LEN);
  kt_update_suffix_write(w, config, info->signature);
}

static void info_read(struct kt_reader *r, const struct kt_config *config, struct kt_update_info *ret)
{
  ret->opening = kt_read_bytes(r, KT_OPENING_LEN);
  ret->signature = kt_update_suffix_read(r, config);
}

static void infos_write(struct kt_writer *w, const struct kt_config *config, const struct kt_update_info *infos,
                        size_t n)
{
  kt_write_count8(w, n);
  for (size_t i = 0; i < n; i++) {
    kt_update_info_write(w, config, &infos[i]);
  }
}

static const struct kt_update_info *infos_read(struct kt_reader *r, const struct kt_config *config,
                                               struct kt_arena *arena, size_t *ret_n)
{
  size_t n = kt_read_count8(r, KT_OPENING_LEN); /* the suffix may be empty */
  struct kt_update_info *infos = kt_vector_alloc(r, arena, n, sizeof *infos);
  for (size_t i = 0; infos != NULL && i < n; i++) {
    info_read(r, config, &infos[i]);
  }
  *ret_n = n;
  return infos;
}

void kt_update_response_write(struct kt_writer *w, const struct kt_config *config,
                              const struct kt_update_response *response)
{
  kt_full_tree_head_write(w, config, &response->full_tree_head);
  kt_write_u64(w, response->position);
  if (config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    kt_write_u32(w, response->skipped_versions);
  }
  values_write(w, response->values, response->n_values);
  infos_write(w, config, response->info, response->n_info);
  kt_ladder_steps_write(w, config, false, response->binary_ladder, response->n_ladder);
  kt_combined_proof_write(w, &response->update);
}

enum kt_err kt_update_response_decode(struct kt_bytes encoded, const struct kt_config *config, struct kt_arena *arena,
                                      struct kt_update_response *ret)
{
  struct kt_reader r;
  struct kt_update_response response = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_full_tree_head_read(&r, config, &response.full_tree_head);
  response.position = kt_read_u64(&r);
  if (config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    response.skipped_versions = kt_read_u32(&r);
  }
  response.values = values_read(&r, arena, &response.n_values);
  response.info = infos_read(&r, config, arena, &response.n_info);
  response.binary_ladder = kt_ladder_steps_read(&r, config, false, arena, &response.n_ladder);
  kt_combined_proof_read(&r, arena, &response.update);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = response;
  }
  return err;
}
