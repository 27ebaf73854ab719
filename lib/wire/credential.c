/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/credential.h"

void kt_credential_write(struct kt_writer *w, const struct kt_config *config, const struct kt_credential *credential)
{
  kt_write_opaque8(w, credential->label);
  kt_write_u32(w, credential->version);
  kt_write_bytes(w, credential->opening, KT_OPENING_LEN);
  kt_update_value_write(w, config, &credential->value);
  kt_ladder_steps_write(w, config, false, credential->binary_ladder, credential->n_ladder);
  kt_write_u64(w, credential->position);
  kt_write_u8(w, (uint8_t)credential->type);
  switch (credential->type) {
  case KT_CREDENTIAL_STANDARD: kt_prefix_proof_write(w, &credential->distinguished); break;
  case KT_CREDENTIAL_PROVISIONAL:
    kt_tree_head_write(w, &credential->tree_head);
    kt_combined_proof_write(w, &credential->search);
    break;
  default: kt_writer_fail(w, KT_ERR_USAGE); break;
  }
}

static void read_type(struct kt_reader *r, struct kt_arena *arena, struct kt_credential *ret)
{
  switch (kt_read_u8(r)) {
  case KT_CREDENTIAL_STANDARD:
    ret->type = KT_CREDENTIAL_STANDARD;
    kt_prefix_proof_read(r, arena, &ret->distinguished);
    break;
  case KT_CREDENTIAL_PROVISIONAL:
    ret->type = KT_CREDENTIAL_PROVISIONAL;
    kt_tree_head_read(r, &ret->tree_head);
    kt_combined_proof_read(r, arena, &ret->search);
    break;
  default: kt_reader_fail(r, KT_ERR_FORMAT); break; /* R2 */
  }
}

enum kt_err kt_credential_decode(struct kt_bytes encoded, const struct kt_config *config, struct kt_arena *arena,
                                 struct kt_credential *ret)
{
  struct kt_reader r;
  struct kt_credential credential = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  credential.label = kt_read_opaque8(&r);
  credential.version = kt_read_u32(&r);
  credential.opening = kt_read_bytes(&r, KT_OPENING_LEN);
  kt_update_value_read(&r, config, &credential.value);
  credential.binary_ladder = kt_ladder_steps_read(&r, config, false, arena, &credential.n_ladder);
  credential.position = kt_read_u64(&r);
  read_type(&r, arena, &credential);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = credential;
  }
  return err;
}

void kt_credential_update_write(struct kt_writer *w, const struct kt_combined_proof *monitor)
{
  kt_combined_proof_write(w, monitor);
}

enum kt_err kt_credential_update_decode(struct kt_bytes encoded, struct kt_arena *arena,
                                        struct kt_combined_proof *ret_monitor)
{
  struct kt_reader r;
  struct kt_combined_proof monitor = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_combined_proof_read(&r, arena, &monitor);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret_monitor = monitor;
  }
  return err;
}

void kt_credential_request_write(struct kt_writer *w, const struct kt_credential_request *request)
{
  kt_write_opaque8(w, request->label);
  kt_write_u64(w, request->position);
}

enum kt_err kt_credential_request_decode(struct kt_bytes encoded, struct kt_credential_request *ret)
{
  struct kt_reader r;
  struct kt_credential_request request = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  request.label = kt_read_opaque8(&r);
  request.position = kt_read_u64(&r);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = request;
  }
  return err;
}

void kt_credential_update_request_write(struct kt_writer *w, const struct kt_credential_update_request *request)
{
  kt_write_opaque8(w, request->label);
  kt_write_u32(w, request->version);
  kt_write_u64(w, request->terminal);
  kt_write_u64(w, request->tree_size);
  kt_write_u64(w, request->distinguished);
}

enum kt_err kt_credential_update_request_decode(struct kt_bytes encoded, struct kt_credential_update_request *ret)
{
  struct kt_reader r;
  struct kt_credential_update_request request = { 0 };
  kt_reader_init(&r, encoded.data, encoded.len);
  request.label = kt_read_opaque8(&r);
  request.version = kt_read_u32(&r);
  request.terminal = kt_read_u64(&r);
  request.tree_size = kt_read_u64(&r);
  request.distinguished = kt_read_u64(&r);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    *ret = request;
  }
  return err;
}
