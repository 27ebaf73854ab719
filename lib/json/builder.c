/* SPDX-License-Identifier: Apache-2.0 */
#include "json/builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

void kt_json_begin(struct kt_json_builder *b)
{
  b->object = json_object();
  b->failed = b->object == NULL;
}

void kt_json_set(struct kt_json_builder *b, const char *key, json_t *value)
{
  if (b->failed) {
    json_decref(value);
  } else {
    b->failed = value == NULL || json_object_set_new(b->object, key, value) != 0;
  }
}

json_t *kt_json_end(struct kt_json_builder *b)
{
  json_t *object = b->object;
  if (b->failed) {
    json_decref(object);
    object = NULL;
  }
  b->object = NULL;
  return object;
}

json_t *kt_json_u64(uint64_t value)
{
  if (value <= INT64_MAX) {
    return json_integer((json_int_t)value);
  }
  char text[24];
  (void)snprintf(text, sizeof text, "%" PRIu64, value);
  return json_string(text);
}

static json_t *encoded(struct kt_bytes bytes, size_t size, size_t (*encode)(struct kt_bytes, char *))
{
  char *text = malloc(size);
  if (text == NULL) {
    return NULL;
  }
  size_t len = encode(bytes, text);
  json_t *value = json_stringn_nocheck(text, len);
  free(text);
  return value;
}

json_t *kt_json_hex(struct kt_bytes bytes)
{
  return encoded(bytes, KT_HEX_SIZE(bytes.len), kt_hex_encode);
}

json_t *kt_json_hash(const struct kt_hash *hash)
{
  return kt_json_hex((struct kt_bytes){ hash->b, sizeof hash->b });
}

json_t *kt_json_base64(struct kt_bytes bytes)
{
  return encoded(bytes, KT_BASE64_SIZE(bytes.len), kt_base64_encode);
}

json_t *kt_json_text(struct kt_bytes text)
{
  return text.len == 0 ? json_string("") : json_stringn((const char *)text.data, text.len);
}

json_t *kt_json_lossy(const char *text)
{
  json_t *value = json_string(text);
  char *copy = value == NULL ? strdup(text) : NULL;
  if (copy == NULL) {
    return value;
  }
  for (char *at = copy; *at != '\0'; at++) {
    *at = (unsigned char)*at < 0x80 ? *at : '?';
  }
  value = json_string(copy);
  free(copy);
  return value;
}

json_t *kt_json_array(const void *ctx, size_t n, json_t *(*item)(const void *ctx, size_t i))
{
  json_t *array = json_array();
  for (size_t i = 0; array != NULL && i < n; i++) {
    /* A NULL item makes the append fail. */
    if (json_array_append_new(array, item(ctx, i)) != 0) {
      json_decref(array);
      array = NULL;
    }
  }
  return array;
}

/* json_dumpb counts what does not fit, so its first call says how much room the second one needs. */
char *kt_json_dump(const json_t *value, size_t flags)
{
  size_t len = value != NULL ? json_dumpb(value, NULL, 0, flags) : 0;
  char *text = len > 0 ? malloc(len + 1) : NULL;
  if (text != NULL && json_dumpb(value, text, len, flags) != len) {
    free(text);
    return NULL;
  }
  if (text != NULL) {
    text[len] = '\0';
  }
  return text;
}
