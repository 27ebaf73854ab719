/* SPDX-License-Identifier: Apache-2.0 */
#include "json/search.h"

#include <stdio.h>
#include <string.h>

#include "json/device_set.h"
#include "json/proof.h"

json_t *kt_json_search_request(const struct kt_search_request *request)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "last", kt_json_optional_u64(request->last));
  kt_json_set(&b, "label", kt_json_text(request->label));
  kt_json_set(&b, "version", kt_json_optional_u32(request->version));
  return kt_json_end(&b);
}

json_t *kt_json_search_response(const struct kt_config *config, const struct kt_search_response *response)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "full_tree_head", kt_json_full_tree_head(&response->full_tree_head));
  kt_json_set(&b, "version", kt_json_u64(response->version));
  kt_json_set(&b, "opening", kt_json_hex((struct kt_bytes){ response->opening, KT_OPENING_LEN }));
  kt_json_set(&b, "value", kt_json_hex(response->value.value));
  kt_json_set(&b, "device_set", kt_json_value(response->value.value));
  if (config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    kt_json_set(&b, "value_signature", kt_json_hex(response->value.signature));
  }
  kt_json_set(&b, "binary_ladder", kt_json_ladder(config, response->binary_ladder, response->n_ladder));
  kt_json_set(&b, "search", kt_json_combined_proof(&response->search));
  return kt_json_end(&b);
}

static bool read_number(const json_t *value, uint64_t max, bool *ret_present, uint64_t *ret_number)
{
  if (value == NULL || json_is_null(value)) {
    *ret_present = false;
    return true;
  }
  if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max) {
    return false;
  }
  *ret_present = true;
  *ret_number = (uint64_t)json_integer_value(value);
  return true;
}

/* NULL when the object is a request, else what is wrong. */
static const char *read_object(const json_t *object, struct kt_search_request *request)
{
  const json_t *label = json_object_get(object, "label");
  const json_t *version = json_object_get(object, "version");
  const json_t *last = json_object_get(object, "last");
  size_t n_known = (size_t)(label != NULL) + (size_t)(version != NULL) + (size_t)(last != NULL);
  uint64_t number = 0;
  if (!json_is_object(object)) {
    return "the request must be a JSON object";
  }
  if (json_object_size(object) != n_known) {
    return "unknown member; a request has \"label\", \"version\" and \"last\"";
  }
  if (!json_is_string(label) || json_string_length(label) > KT_LABEL_MAX) {
    return "\"label\" must be a string of at most 255 bytes";
  }
  if (!read_number(version, UINT32_MAX, &request->version.present, &number)) {
    return "\"version\" must be an integer from 0 to 4294967295";
  }
  request->version.value = (uint32_t)number;
  if (!read_number(last, INT64_MAX, &request->last.present, &request->last.value)) {
    return "\"last\" must be a positive integer";
  }
  request->label = (struct kt_bytes){ (const uint8_t *)json_string_value(label), json_string_length(label) };
  return NULL;
}

enum kt_err kt_json_search_request_read(struct kt_bytes text, struct kt_arena *arena,
                                        struct kt_search_request *ret_request,
                                        char ret_text[static KT_JSON_SEARCH_TEXT_SIZE])
{
  json_error_t error;
  struct kt_search_request request = { 0 };
  json_t *object = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
  if (object == NULL) {
    (void)snprintf(ret_text, KT_JSON_SEARCH_TEXT_SIZE, "line %d, column %d: %s", error.line, error.column, error.text);
    return KT_ERR_FORMAT;
  }
  enum kt_err err = KT_OK;
  const char *wrong = read_object(object, &request);
  if (wrong != NULL) {
    (void)snprintf(ret_text, KT_JSON_SEARCH_TEXT_SIZE, "%s", wrong);
    err = KT_ERR_FORMAT;
  } else {
    request.label.data = kt_arena_copy(arena, request.label.data, request.label.len);
    err = request.label.data == NULL ? KT_ERR_MEMORY : KT_OK;
  }
  json_decref(object);
  if (err == KT_OK) {
    *ret_request = request;
  }
  return err;
}
