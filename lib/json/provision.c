/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's form of a device set, read strictly: unknown members are refused, so that a misspelt one is noticed. */
#include "json/provision.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "account/utf8.h"
#include "base/hex.h"

#define DEVICES_MAX UINT8_MAX
#define KEYS_MAX UINT8_MAX

__attribute__((format(printf, 2, 3))) static enum kt_err refuse(char *text, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, KT_JSON_TEXT_SIZE, format, args);
  va_end(args);
  return KT_ERR_FORMAT;
}

static bool has_only(const json_t *object, const char *const *members, const char **ret_unknown)
{
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach((json_t *)(uintptr_t)object, key, value)
  {
    size_t i = 0;
    while (members[i] != NULL && strcmp(members[i], key) != 0) {
      i++;
    }
    if (members[i] == NULL) {
      *ret_unknown = key;
      return false;
    }
  }
  return true;
}

static struct kt_bytes string_bytes(const json_t *string)
{
  return (struct kt_bytes){ (const uint8_t *)json_string_value(string), json_string_length(string) };
}

static enum kt_err read_key(const json_t *object, size_t device, size_t index, struct kt_arena *arena,
                            struct kt_device_key *ret_key, char *ret_text)
{
  static const char *const members[] = { "alg", "key", NULL };
  const char *unknown = NULL;
  const json_t *alg = json_object_get(object, "alg");
  const json_t *key = json_object_get(object, "key");
  if (!json_is_string(alg) || !json_is_string(key)) {
    return refuse(ret_text, "devices[%zu].keys[%zu]: \"alg\" and \"key\" must be strings", device, index);
  }
  if (!has_only(object, members, &unknown)) {
    return refuse(ret_text, "devices[%zu].keys[%zu]: unknown member \"%.32s\"", device, index, unknown);
  }
  struct kt_bytes name = string_bytes(alg);
  struct kt_bytes text = string_bytes(key);
  struct kt_device_key read = { 0 };
  if (kt_key_algorithm_from_name((const char *)name.data, name.len, &read.algorithm) != KT_OK) {
    return refuse(ret_text, "devices[%zu].keys[%zu]: unknown key algorithm \"%.32s\"", device, index, name.data);
  }
  uint8_t *data = kt_arena_alloc(arena, KT_BASE64_DECODED_MAX(text.len), 1);
  if (data == NULL) {
    return KT_ERR_MEMORY;
  }
  if (kt_base64_decode((const char *)text.data, text.len, KT_DEVICE_KEY_MAX, data, &read.key.len) != KT_OK) {
    return refuse(ret_text, "devices[%zu].keys[%zu]: \"key\" is not base64, or longer than %zu bytes", device, index,
                  KT_DEVICE_KEY_MAX);
  }
  read.key.data = data;
  if (!kt_key_algorithm_fits(read.algorithm, read.key)) {
    return refuse(ret_text, "devices[%zu].keys[%zu]: %zu bytes cannot be a key of algorithm %.32s", device, index,
                  read.key.len, name.data);
  }
  *ret_key = read;
  return KT_OK;
}

static enum kt_err read_device(const json_t *object, size_t index, struct kt_arena *arena, struct kt_device *ret_device,
                               char *ret_text)
{
  static const char *const members[] = { "name", "keys", NULL };
  const char *unknown = NULL;
  const json_t *name = json_object_get(object, "name");
  const json_t *keys = json_object_get(object, "keys");
  size_t n_keys = json_array_size(keys);
  if (!json_is_string(name) || json_string_length(name) > KT_PROVISION_NAME_MAX) {
    return refuse(ret_text, "devices[%zu]: \"name\" must be a string of at most %d bytes", index,
                  KT_PROVISION_NAME_MAX);
  }
  if (n_keys == 0 || n_keys > KEYS_MAX) {
    return refuse(ret_text, "devices[%zu]: \"keys\" must be an array of 1 to %d keys", index, KEYS_MAX);
  }
  if (!has_only(object, members, &unknown)) {
    return refuse(ret_text, "devices[%zu]: unknown member \"%.32s\"", index, unknown);
  }
  struct kt_bytes text = string_bytes(name);
  struct kt_device_key *read_keys = kt_arena_alloc(arena, n_keys, sizeof *read_keys);
  const uint8_t *name_copy = kt_arena_copy(arena, text.data, text.len);
  if (read_keys == NULL || name_copy == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n_keys; i++) {
    enum kt_err err = read_key(json_array_get(keys, i), index, i, arena, &read_keys[i], ret_text);
    if (err != KT_OK) {
      return err;
    }
  }
  *ret_device = (struct kt_device){ .name = { name_copy, text.len }, .keys = read_keys, .n_keys = n_keys };
  return KT_OK;
}

static enum kt_err read_devices(const json_t *array, struct kt_arena *arena, struct kt_json_provision *provision,
                                char *ret_text)
{
  size_t n = json_array_size(array);
  if (!json_is_array(array) || n > DEVICES_MAX) {
    return refuse(ret_text, "\"devices\" must be an array of at most %d devices", DEVICES_MAX);
  }
  struct kt_device *devices = kt_arena_alloc(arena, n, sizeof *devices);
  if (devices == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n; i++) {
    enum kt_err err = read_device(json_array_get(array, i), i, arena, &devices[i], ret_text);
    if (err != KT_OK) {
      return err;
    }
  }
  enum kt_err err = kt_provision_finish(provision, devices, n);
  if (err == KT_ERR_CONFLICT) {
    return refuse(ret_text, "\"devices\" has the same device twice: \"%.64s\"",
                  json_string_value(json_object_get(json_array_get(array, 0), "name")));
  }
  return err;
}

static enum kt_err read_account_key(const json_t *value, struct kt_json_provision *provision, char *ret_text)
{
  if (value == NULL) {
    return KT_OK;
  }
  struct kt_bytes text = string_bytes(value);
  size_t len = 0;
  if (!json_is_string(value) ||
      kt_hex_decode((const char *)text.data, text.len, KT_ACCOUNT_KEY_LEN, provision->account_key.b, &len) != KT_OK ||
      len != KT_ACCOUNT_KEY_LEN || provision->account_key.b[0] != KT_ACCOUNT_KEY_TYPE) {
    return refuse(ret_text, "\"account_key\" must be %d hex digits that begin with %02x", 2 * KT_ACCOUNT_KEY_LEN,
                  KT_ACCOUNT_KEY_TYPE);
  }
  provision->has_account_key = true;
  return KT_OK;
}

/* The label named in the object, if any, must be the one that was asked for. */
static enum kt_err read_label(const json_t *value, struct kt_bytes asked, struct kt_arena *arena,
                              struct kt_bytes *ret_label, char *ret_text)
{
  if (value == NULL && asked.len > 0) {
    *ret_label = asked;
    return KT_OK;
  }
  struct kt_bytes label = string_bytes(value);
  if (!json_is_string(value) || label.len == 0 || label.len > KT_LABEL_MAX || !kt_utf8_is_valid(label)) {
    return refuse(ret_text, "\"label\" must be a string of 1 to %d bytes of UTF-8", KT_LABEL_MAX);
  }
  if (asked.len > 0 && (asked.len != label.len || memcmp(asked.data, label.data, label.len) != 0)) {
    return refuse(ret_text, "\"label\" is not the label that was asked for");
  }
  const uint8_t *copy = kt_arena_copy(arena, label.data, label.len);
  if (copy == NULL) {
    return KT_ERR_MEMORY;
  }
  *ret_label = (struct kt_bytes){ copy, label.len };
  return KT_OK;
}

enum kt_err kt_json_provision_read(const json_t *object, struct kt_bytes label, struct kt_arena *arena,
                                   struct kt_json_provision *ret_provision, char ret_text[static KT_JSON_TEXT_SIZE])
{
  static const char *const members[] = { "label", "devices", "account_key", NULL };
  struct kt_json_provision provision = { 0 };
  const char *unknown = NULL;
  if (!json_is_object(object)) {
    return refuse(ret_text, "it must be a JSON object");
  }
  if (!has_only(object, members, &unknown)) {
    return refuse(ret_text, "unknown member \"%.32s\"", unknown);
  }
  enum kt_err err = read_label(json_object_get(object, "label"), label, arena, &provision.label, ret_text);
  if (err == KT_OK) {
    err = read_account_key(json_object_get(object, "account_key"), &provision, ret_text);
  }
  if (err == KT_OK) {
    err = read_devices(json_object_get(object, "devices"), arena, &provision, ret_text);
  }
  if (err == KT_OK) {
    *ret_provision = provision;
  } else if (err != KT_ERR_FORMAT) {
    (void)snprintf(ret_text, KT_JSON_TEXT_SIZE, "%s", kt_err_text(err));
  }
  return err;
}
