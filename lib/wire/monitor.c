/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/monitor.h"

#include "wire/common.h"

#define MAP_ENTRY_LEN (8 + 4)

void kt_monitor_map_entry_write(struct kt_writer *w, const struct kt_monitor_map_entry *entry)
{
  kt_write_u64(w, entry->position);
  kt_write_u32(w, entry->version);
}

static void map_entry_read(struct kt_reader *r, struct kt_monitor_map_entry *ret)
{
  ret->position = kt_read_u64(r);
  ret->version = kt_read_u32(r);
}

static void map_write(struct kt_writer *w, const struct kt_monitor_map_entry *entries, size_t n)
{
  kt_write_count8(w, n);
  for (size_t i = 0; i < n; i++) {
    kt_monitor_map_entry_write(w, &entries[i]);
  }
}

static const struct kt_monitor_map_entry *map_read(struct kt_reader *r, struct kt_arena *arena, size_t *ret_n)
{
  size_t n = kt_read_count8(r, MAP_ENTRY_LEN);
  struct kt_monitor_map_entry *entries = kt_vector_alloc(r, arena, n, sizeof *entries);
  for (size_t i = 0; entries != NULL && i < n; i++) {
    map_entry_read(r, &entries[i]);
  }
  *ret_n = n;
  return entries;
}

void kt_contact_monitor_request_write(struct kt_writer *w, const struct kt_contact_monitor_request *request)
{
  kt_write_optional_u64(w, request->last.present, request->last.value);
  kt_write_opaque8(w, request->label);
  map_write(w, request->entries, request->n_entries);
}

enum kt_err kt_contact_monitor_request_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                              struct kt_contact_monitor_request *ret)
{
  struct kt_reader r;
  struct kt_contact_monitor_request request = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  request.last = kt_read_optional_u64(&r);
  request.label = kt_read_opaque8(&r);
  request.entries = map_read(&r, arena, &request.n_entries);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = request;
  }
  return err;
}

void kt_owner_init_request_write(struct kt_writer *w, const struct kt_owner_init_request *request)
{
  kt_write_optional_u64(w, request->last.present, request->last.value);
  kt_write_opaque8(w, request->label);
  kt_write_u64(w, request->start);
}

enum kt_err kt_owner_init_request_decode(struct kt_bytes encoded, struct kt_owner_init_request *ret)
{
  struct kt_reader r;
  struct kt_owner_init_request request = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  request.last = kt_read_optional_u64(&r);
  request.label = kt_read_opaque8(&r);
  request.start = kt_read_u64(&r);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = request;
  }
  return err;
}

void kt_owner_monitor_request_write(struct kt_writer *w, const struct kt_owner_monitor_request *request)
{
  kt_write_optional_u64(w, request->last.present, request->last.value);
  kt_write_opaque8(w, request->label);
  map_write(w, request->entries, request->n_entries);
  kt_write_u64(w, request->start);
  kt_write_optional_u32(w, request->greatest_version.present, request->greatest_version.value);
}

enum kt_err kt_owner_monitor_request_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                            struct kt_owner_monitor_request *ret)
{
  struct kt_reader r;
  struct kt_owner_monitor_request request = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  request.last = kt_read_optional_u64(&r);
  request.label = kt_read_opaque8(&r);
  request.entries = map_read(&r, arena, &request.n_entries);
  request.start = kt_read_u64(&r);
  request.greatest_version = kt_read_optional_u32(&r);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = request;
  }
  return err;
}

void kt_monitor_response_write(struct kt_writer *w, const struct kt_config *config,
                               const struct kt_monitor_response *response)
{
  kt_full_tree_head_write(w, config, &response->full_tree_head);
  kt_combined_proof_write(w, &response->monitor);
}

enum kt_err kt_monitor_response_decode(struct kt_bytes encoded, const struct kt_config *config, struct kt_arena *arena,
                                       struct kt_monitor_response *ret)
{
  struct kt_reader r;
  struct kt_monitor_response response = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_full_tree_head_read(&r, config, &response.full_tree_head);
  kt_combined_proof_read(&r, arena, &response.monitor);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = response;
  }
  return err;
}

static void versions_write(struct kt_writer *w, const uint32_t *versions, size_t n)
{
  kt_write_count8(w, n);
  for (size_t i = 0; i < n; i++) {
    kt_write_u32(w, versions[i]);
  }
}

static const uint32_t *versions_read(struct kt_reader *r, struct kt_arena *arena, size_t *ret_n)
{
  size_t n = kt_read_count8(r, sizeof(uint32_t));
  uint32_t *versions = kt_vector_alloc(r, arena, n, sizeof *versions);
  for (size_t i = 0; versions != NULL && i < n; i++) {
    versions[i] = kt_read_u32(r);
  }
  *ret_n = n;
  return versions;
}

void kt_owner_init_response_write(struct kt_writer *w, const struct kt_config *config,
                                  const struct kt_owner_init_response *response)
{
  kt_full_tree_head_write(w, config, &response->full_tree_head);
  versions_write(w, response->greatest_versions, response->n_greatest_versions);
  kt_ladder_steps_write(w, config, true, response->binary_ladder, response->n_ladder);
  kt_combined_proof_write(w, &response->init);
}

enum kt_err kt_owner_init_response_decode(struct kt_bytes encoded, const struct kt_config *config,
                                          struct kt_arena *arena, struct kt_owner_init_response *ret)
{
  struct kt_reader r;
  struct kt_owner_init_response response = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_full_tree_head_read(&r, config, &response.full_tree_head);
  response.greatest_versions = versions_read(&r, arena, &response.n_greatest_versions);
  response.binary_ladder = kt_ladder_steps_read(&r, config, true, arena, &response.n_ladder);
  kt_combined_proof_read(&r, arena, &response.init);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = response;
  }
  return err;
}
