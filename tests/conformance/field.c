/* SPDX-License-Identifier: Apache-2.0 */
#include "conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

bool conf_has(const json_t *object, const char *key)
{
  const json_t *value = json_object_get(object, key);
  return value != NULL && !json_is_null(value);
}

static const json_t *member(struct conf_case *c, const json_t *object, const char *key)
{
  const json_t *value = json_object_get(object, key);
  if (value == NULL) {
    conf_fail(c, "field \"%s\" is missing", key);
  }
  return value;
}

const json_t *conf_object(struct conf_case *c, const json_t *object, const char *key)
{
  const json_t *value = member(c, object, key);
  if (!json_is_object(value)) {
    conf_fail(c, "field \"%s\" is not an object", key);
  }
  return value;
}

const json_t *conf_array(struct conf_case *c, const json_t *object, const char *key)
{
  const json_t *value = member(c, object, key);
  if (!json_is_array(value)) {
    conf_fail(c, "field \"%s\" is not an array", key);
  }
  return value;
}

const char *conf_text(struct conf_case *c, const json_t *object, const char *key)
{
  const json_t *value = member(c, object, key);
  if (!json_is_string(value)) {
    conf_fail(c, "field \"%s\" is not a string", key);
  }
  return json_string_value(value);
}

bool conf_flag(struct conf_case *c, const json_t *object, const char *key)
{
  const json_t *value = member(c, object, key);
  if (!json_is_boolean(value)) {
    conf_fail(c, "field \"%s\" is not true or false", key);
  }
  return json_is_true(value);
}

bool conf_flag_or_false(struct conf_case *c, const json_t *object, const char *key)
{
  return conf_has(object, key) && conf_flag(c, object, key);
}

int64_t conf_int(struct conf_case *c, const json_t *object, const char *key)
{
  const json_t *value = member(c, object, key);
  if (!json_is_integer(value)) {
    conf_fail(c, "field \"%s\" is not an integer", key);
  }
  return json_integer_value(value);
}

uint64_t conf_u64_value(struct conf_case *c, const json_t *value, const char *key)
{
  if (json_is_integer(value) && json_integer_value(value) >= 0) {
    return (uint64_t)json_integer_value(value);
  }
  if (json_is_string(value)) { /* see conf_load */
    const char *text = json_string_value(value);
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0) {
      return number;
    }
  }
  conf_fail(c, "field \"%s\" is not an unsigned integer of 64 bits", key);
}

uint64_t conf_u64(struct conf_case *c, const json_t *object, const char *key)
{
  return conf_u64_value(c, member(c, object, key), key);
}

uint64_t conf_u64_or_zero(struct conf_case *c, const json_t *object, const char *key)
{
  return conf_has(object, key) ? conf_u64(c, object, key) : 0;
}

static uint32_t to_u32(struct conf_case *c, uint64_t value, const char *key)
{
  if (value > UINT32_MAX) {
    conf_fail(c, "field \"%s\" does not fit 32 bits", key);
  }
  return (uint32_t)value;
}

uint32_t conf_u32(struct conf_case *c, const json_t *object, const char *key)
{
  return to_u32(c, conf_u64(c, object, key), key);
}

struct kt_bytes conf_hex_value(struct conf_case *c, const json_t *value, const char *key)
{
  if (!json_is_string(value)) {
    conf_fail(c, "field \"%s\" is not a hexadecimal string", key);
  }
  size_t text_len = json_string_length(value);
  size_t cap = KT_HEX_DECODED_MAX(text_len);
  uint8_t *data = conf_alloc(c, cap, 1);
  size_t len = 0;
  if (kt_hex_decode(json_string_value(value), text_len, cap, data, &len) != KT_OK) {
    conf_fail(c, "field \"%s\" is not a hexadecimal string", key);
  }
  return (struct kt_bytes){ data, len };
}

struct kt_bytes conf_hex(struct conf_case *c, const json_t *object, const char *key)
{
  return conf_hex_value(c, member(c, object, key), key);
}

struct kt_bytes conf_hex_len(struct conf_case *c, const json_t *object, const char *key, size_t len)
{
  struct kt_bytes bytes = conf_hex(c, object, key);
  if (bytes.len != len) {
    conf_fail(c, "field \"%s\" has %zu bytes instead of %zu", key, bytes.len, len);
  }
  return bytes;
}

static struct kt_hash hash_value(struct conf_case *c, const json_t *value, const char *key)
{
  struct kt_bytes bytes = conf_hex_value(c, value, key);
  struct kt_hash hash;
  if (bytes.len != sizeof hash.b) {
    conf_fail(c, "field \"%s\" has %zu bytes instead of a hash value's", key, bytes.len);
  }
  memcpy(hash.b, bytes.data, sizeof hash.b);
  return hash;
}

struct kt_hash conf_hash(struct conf_case *c, const json_t *object, const char *key)
{
  return hash_value(c, member(c, object, key), key);
}

uint64_t *conf_u64s(struct conf_case *c, const json_t *object, const char *key, size_t *ret_n)
{
  const json_t *array = conf_array(c, object, key);
  size_t n = json_array_size(array);
  uint64_t *values = conf_alloc(c, n, sizeof *values);
  for (size_t i = 0; i < n; i++) {
    values[i] = conf_u64_value(c, json_array_get(array, i), key);
  }
  *ret_n = n;
  return values;
}

uint32_t *conf_u32s(struct conf_case *c, const json_t *object, const char *key, size_t *ret_n)
{
  const uint64_t *wide = conf_u64s(c, object, key, ret_n);
  uint32_t *values = conf_alloc(c, *ret_n, sizeof *values);
  for (size_t i = 0; i < *ret_n; i++) {
    values[i] = to_u32(c, wide[i], key);
  }
  return values;
}

struct kt_hash *conf_hashes(struct conf_case *c, const json_t *object, const char *key, size_t *ret_n)
{
  const json_t *array = conf_array(c, object, key);
  size_t n = json_array_size(array);
  struct kt_hash *values = conf_alloc(c, n, sizeof *values);
  for (size_t i = 0; i < n; i++) {
    values[i] = hash_value(c, json_array_get(array, i), key);
  }
  *ret_n = n;
  return values;
}

struct kt_config conf_config(struct conf_case *c, const json_t *object)
{
  uint64_t mode = conf_u64(c, object, "mode");
  const char *window = conf_has(object, "monitoring_window") ? "monitoring_window" : "reasonable_monitoring_window";
  struct kt_config config = {
    .suite = c->suite,
    .mode = mode <= KT_MODE_THIRD_PARTY_AUDITING ? (enum kt_mode)mode : 0,
    .signature_public_key = conf_hex(c, object, "signature_public_key"),
    .vrf_public_key = conf_hex(c, object, "vrf_public_key"),
    /* monitor.json and update.json leave the bounds of the clock unsaid: both are ten seconds. */
    .max_ahead = conf_has(object, "max_ahead") ? conf_u64(c, object, "max_ahead") : 10000,
    .max_behind = conf_has(object, "max_behind") ? conf_u64(c, object, "max_behind") : 10000,
    .reasonable_monitoring_window = conf_u64(c, object, window),
    .maximum_lifetime = conf_u64_or_zero(c, object, "maximum_lifetime"),
  };
  config.has_maximum_lifetime = config.maximum_lifetime > 0; /* "If defined, it MUST be greater than zero" */
  if (config.mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    config.leaf_public_key = conf_hex(c, object, "leaf_public_key");
  } else if (config.mode == KT_MODE_THIRD_PARTY_AUDITING) {
    config.max_auditor_lag = conf_u64(c, object, "max_auditor_lag");
    config.auditor_start_pos = conf_u64(c, object, "auditor_start_pos");
    config.auditor_public_key = conf_hex(c, object, "auditor_public_key");
  } else if (config.mode != KT_MODE_CONTACT_MONITORING) {
    conf_fail(c, "field \"mode\" names no deployment mode");
  }
  return config;
}
