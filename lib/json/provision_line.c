/* SPDX-License-Identifier: Apache-2.0 */
/* One line of an import. Ten million lines mostly look like each other, and a JSON tree of each costs a tenth of what its VRF
 * output does. So a line of the usual form is read in place: exactly the members label and devices, name and keys, alg and
 * key, in this order, strings of ASCII without escapes. Whatever is different, in form or because it is wrong, goes to
 * the reader of JSON, which alone decides what is refused and says why. */
#include "json/provision.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"

/* More than these go to the reader of JSON, too. */
#define DEVICES_MAX 16
#define KEYS_MAX 8

struct line {
  const char *at;
  const char *end;
};

static void skip_blanks(struct line *line)
{
  while (line->at < line->end && *line->at == ' ') {
    line->at++;
  }
}

/* False, and nothing is taken: something else comes. */
static bool take(struct line *line, char wanted)
{
  skip_blanks(line);
  bool is_there = line->at < line->end && *line->at == wanted;
  line->at += is_there ? 1 : 0;
  return is_there;
}

/* What stands for itself in a string. */
static bool is_plain(char c)
{
  return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

static bool take_string(struct line *line, struct kt_bytes *ret_string)
{
  if (!take(line, '"')) {
    return false;
  }
  const char *start = line->at;
  while (line->at < line->end && is_plain(*line->at)) {
    line->at++;
  }
  *ret_string = (struct kt_bytes){ (const uint8_t *)start, (size_t)(line->at - start) };
  return take(line, '"');
}

/* A member's name and its colon. */
static bool take_name(struct line *line, const char *wanted)
{
  struct kt_bytes name;
  return take_string(line, &name) && name.len == strlen(wanted) && memcmp(name.data, wanted, name.len) == 0 &&
         take(line, ':');
}

static bool take_member(struct line *line, const char *name, struct kt_bytes *ret_string)
{
  return take_name(line, name) && take_string(line, ret_string);
}

static bool decode_key(struct kt_bytes name, struct kt_bytes text, struct kt_arena *arena,
                       struct kt_device_key *ret_key)
{
  struct kt_device_key key = { 0 };
  uint8_t *data = kt_arena_alloc(arena, KT_BASE64_DECODED_MAX(text.len), 1);
  key.key.data = data;
  if (data == NULL || kt_key_algorithm_from_name((const char *)name.data, name.len, &key.algorithm) != KT_OK ||
      kt_base64_decode((const char *)text.data, text.len, KT_DEVICE_KEY_MAX, data, &key.key.len) != KT_OK ||
      !kt_key_algorithm_fits(key.algorithm, key.key)) {
    return false;
  }
  *ret_key = key;
  return true;
}

static bool take_key(struct line *line, struct kt_arena *arena, struct kt_device_key *ret_key)
{
  struct kt_bytes algorithm;
  struct kt_bytes text;
  return take(line, '{') && take_member(line, "alg", &algorithm) && take(line, ',') &&
         take_member(line, "key", &text) && take(line, '}') && decode_key(algorithm, text, arena, ret_key);
}

static bool take_keys(struct line *line, struct kt_arena *arena, struct kt_device *device)
{
  struct kt_device_key keys[KEYS_MAX];
  size_t n = 0;
  bool ok = take(line, '[');
  do {
    ok = ok && n < KEYS_MAX && take_key(line, arena, &keys[n]);
    n++;
  } while (ok && take(line, ','));
  if (!ok || !take(line, ']')) {
    return false;
  }
  device->keys = kt_arena_copy(arena, keys, n * sizeof keys[0]);
  device->n_keys = n;
  return device->keys != NULL;
}

static bool take_device(struct line *line, struct kt_arena *arena, struct kt_device *ret_device)
{
  struct kt_device device = { 0 };
  if (!take(line, '{') || !take_member(line, "name", &device.name) || device.name.len > KT_PROVISION_NAME_MAX ||
      !take(line, ',') || !take_name(line, "keys") || !take_keys(line, arena, &device) || !take(line, '}')) {
    return false;
  }
  *ret_device = device;
  return true;
}

static bool take_devices(struct line *line, struct kt_arena *arena, struct kt_json_provision *provision)
{
  struct kt_device devices[DEVICES_MAX];
  size_t n = 0;
  bool ok = take(line, '[');
  do {
    ok = ok && n < DEVICES_MAX && take_device(line, arena, &devices[n]);
    n++;
  } while (ok && take(line, ','));
  if (!ok || !take(line, ']')) {
    return false;
  }
  struct kt_device *copy = kt_arena_copy(arena, devices, n * sizeof devices[0]);
  return copy != NULL && kt_provision_finish(provision, copy, n) == KT_OK;
}

/* False: it is of another form, or wrong, or there was no memory. Strings are borrowed from the line. */
static bool read_usual(const char *text, size_t len, struct kt_arena *arena, struct kt_json_provision *ret_provision)
{
  struct line line = { .at = text, .end = text + len };
  struct kt_json_provision provision = { 0 };
  bool ok = take(&line, '{') && take_member(&line, "label", &provision.label) && provision.label.len > 0 &&
            provision.label.len <= KT_LABEL_MAX && take(&line, ',') && take_name(&line, "devices") &&
            take_devices(&line, arena, &provision) && take(&line, '}');
  skip_blanks(&line);
  if (!ok || line.at != line.end) {
    return false;
  }
  *ret_provision = provision;
  return true;
}

enum kt_err kt_json_provision_line(const char *text, size_t len, struct kt_arena *arena,
                                   struct kt_json_provision *ret_provision, char ret_text[static KT_JSON_TEXT_SIZE])
{
  json_error_t error;
  if (read_usual(text, len, arena, ret_provision)) {
    return KT_OK;
  }
  json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
  if (object == NULL) {
    (void)snprintf(ret_text, KT_JSON_TEXT_SIZE, "column %d: %.*s", error.column, KT_JSON_TEXT_SIZE - 32, error.text);
    return KT_ERR_FORMAT;
  }
  enum kt_err err = kt_json_provision_read(object, (struct kt_bytes){ 0 }, arena, ret_provision, ret_text);
  json_decref(object);
  return err;
}
