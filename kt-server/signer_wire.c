/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <kt/writer.h>

#include "base/reader.h"
#include "signer.h"

_Static_assert(2 + 8 + 8 + 64 * KT_HASH_LEN + 2 + KT_LOG_ADDED_MAX * (8 + KT_HASH_LEN) < KT_SIGNER_MESSAGE_MAX,
               "the longest request fits");

/* How the peer's errors are told, in order of the octet that stands for them; the first one also for all others. */
static const enum kt_err errors[] = { KT_ERR_STORE,  KT_ERR_ABSENT, KT_ERR_CONFLICT, KT_ERR_UNDETERMINED,
                                      KT_ERR_FORMAT, KT_ERR_DENIED, KT_ERR_CRYPTO,   KT_ERR_MEMORY };

#define N_ERRORS (sizeof errors / sizeof errors[0])

static uint8_t error_octet(enum kt_err err)
{
  for (size_t i = 0; i < N_ERRORS; i++) {
    if (errors[i] == err) {
      return (uint8_t)(i + 1);
    }
  }
  return 1;
}

static size_t end(const struct kt_writer *w)
{
  return w->err == KT_OK ? w->len : 0;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

size_t kt_signer_request_encode(enum kt_signer_request_type type, const struct kt_log_extension *extension,
                                uint8_t ret_message[static KT_SIGNER_MESSAGE_MAX])
{
  struct kt_writer w;
  kt_writer_init_fixed(&w, ret_message, KT_SIGNER_MESSAGE_MAX);
  kt_write_u8(&w, (uint8_t)type);
  if (type == KT_SIGNER_GUARD) {
    return end(&w);
  }
  kt_write_u64(&w, extension->size);
  kt_write_u64(&w, extension->timestamp_ms);
  for (size_t i = 0; i < (size_t)__builtin_popcountll(extension->size); i++) {
    kt_write_bytes(&w, extension->heads[i].b, KT_HASH_LEN);
  }
  kt_write_count16(&w, extension->n_added);
  for (size_t i = 0; i < extension->n_added; i++) {
    kt_write_u64(&w, extension->added[i].timestamp_ms);
    kt_write_bytes(&w, extension->added[i].prefix_root.b, KT_HASH_LEN);
  }
  return end(&w);
}

static void read_hash(struct kt_reader *r, struct kt_hash *ret_hash)
{
  const uint8_t *bytes = kt_read_bytes(r, KT_HASH_LEN);
  if (bytes != NULL) {
    memcpy(ret_hash->b, bytes, KT_HASH_LEN);
  }
}

static void read_extension(struct kt_reader *r, struct kt_signer_request *request)
{
  struct kt_log_extension *extension = &request->extension;
  extension->size = kt_read_u64(r);
  extension->timestamp_ms = kt_read_u64(r);
  for (size_t i = 0; i < (size_t)__builtin_popcountll(extension->size); i++) {
    read_hash(r, &request->heads[i]);
  }
  extension->n_added = kt_read_count16(r, 8 + KT_HASH_LEN);
  if (extension->n_added > KT_LOG_ADDED_MAX) {
    kt_reader_fail(r, KT_ERR_FORMAT);
    return;
  }
  for (size_t i = 0; i < extension->n_added; i++) {
    request->added[i].timestamp_ms = kt_read_u64(r);
    read_hash(r, &request->added[i].prefix_root);
  }
  extension->heads = request->heads;
  extension->added = request->added;
}

enum kt_err kt_signer_request_decode(struct kt_bytes message, struct kt_signer_request *ret_request)
{
  struct kt_reader r;
  kt_reader_init(&r, message.data, message.len);
  uint8_t type = kt_read_u8(&r);
  if (type == KT_SIGNER_SIGN) {
    read_extension(&r, ret_request);
  } else if (type != KT_SIGNER_GUARD) {
    return KT_ERR_FORMAT;
  }
  ret_request->type = (enum kt_signer_request_type)type;
  return kt_reader_end(&r) == KT_OK ? KT_OK : KT_ERR_FORMAT;
}

/* --- responses ---------------------------------------------------------------------------------------------------- */

size_t kt_signer_response_encode(enum kt_signer_request_type type, const struct kt_signer_response *response,
                                 uint8_t ret_message[static KT_SIGNER_MESSAGE_MAX])
{
  struct kt_writer w;
  kt_writer_init_fixed(&w, ret_message, KT_SIGNER_MESSAGE_MAX);
  if (response->err != KT_OK) {
    kt_write_u8(&w, error_octet(response->err));
    const char *text = response->error.text;
    kt_write_opaque16(&w, (struct kt_bytes){ (const uint8_t *)text, strlen(text) });
    return end(&w);
  }
  kt_write_u8(&w, 0);
  if (type == KT_SIGNER_SIGN) {
    kt_write_opaque16(&w, (struct kt_bytes){ response->signature, response->signature_len });
    return end(&w);
  }
  kt_write_u64(&w, response->guard.size);
  kt_write_u64(&w, response->guard.timestamp_ms);
  kt_write_bytes(&w, response->guard.root.b, KT_HASH_LEN);
  return end(&w);
}

static void read_error(struct kt_reader *r, uint8_t octet, struct kt_signer_response *response)
{
  struct kt_bytes text = kt_read_opaque16(r, sizeof response->error.text - 1);
  if (octet > N_ERRORS) {
    kt_reader_fail(r, KT_ERR_FORMAT);
  }
  if (r->err == KT_OK) {
    response->err = kt_error_set(&response->error, errors[octet - 1], "%.*s", (int)text.len, (const char *)text.data);
  }
}

static void read_signature(struct kt_reader *r, struct kt_signer_response *response)
{
  struct kt_bytes signature = kt_read_opaque16(r, sizeof response->signature);
  if (r->err == KT_OK) {
    memcpy(response->signature, signature.data, signature.len);
    response->signature_len = signature.len;
  }
}

enum kt_err kt_signer_response_decode(enum kt_signer_request_type type, struct kt_bytes message,
                                      struct kt_signer_response *ret_response)
{
  struct kt_reader r;
  struct kt_signer_response response = { .err = KT_OK };
  kt_reader_init(&r, message.data, message.len);
  uint8_t octet = kt_read_u8(&r);
  if (octet != 0) {
    read_error(&r, octet, &response);
  } else if (type == KT_SIGNER_SIGN) {
    read_signature(&r, &response);
  } else {
    response.guard.size = kt_read_u64(&r);
    response.guard.timestamp_ms = kt_read_u64(&r);
    read_hash(&r, &response.guard.root);
  }
  if (kt_reader_end(&r) != KT_OK) {
    return KT_ERR_FORMAT;
  }
  *ret_response = response;
  return KT_OK;
}
