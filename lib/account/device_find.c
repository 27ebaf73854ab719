/* SPDX-License-Identifier: Apache-2.0 */
/* DEVICE arguments: a prefix of an id or of a key fingerprint. */
#include <kt/device_set.h>

#include "base/hex.h"

#include <string.h>

#define ARGUMENT_MAX ((size_t)2 * KT_HASH_LEN)

/* Lower-case copy of 1 to 64 hex digits; false for anything else. */
static bool argument_read(const char *argument, char ret_digits[static ARGUMENT_MAX + 1])
{
  size_t len = strnlen(argument, ARGUMENT_MAX + 1);
  if (len == 0 || len > ARGUMENT_MAX) {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    char c = argument[i];
    if (c >= 'A' && c <= 'F') {
      c = (char)(c - 'A' + 'a');
    }
    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
      return false;
    }
    ret_digits[i] = c;
  }
  ret_digits[len] = '\0';
  return true;
}

static bool begins_with(const uint8_t *bytes, size_t len, const char *digits)
{
  char hex[KT_HEX_SIZE(KT_HASH_LEN)];
  kt_hex_encode((struct kt_bytes){ bytes, len }, hex);
  return strncmp(hex, digits, strlen(digits)) == 0;
}

static enum kt_err device_matches(const struct kt_device *device, const char *digits, bool *ret_matches)
{
  bool matches = begins_with(device->id.b, sizeof device->id.b, digits);
  for (size_t i = 0; i < device->n_keys && !matches; i++) {
    struct kt_hash fingerprint;
    enum kt_err err = kt_device_key_fingerprint(&device->keys[i], &fingerprint);
    if (err != KT_OK) {
      return err;
    }
    matches = begins_with(fingerprint.b, sizeof fingerprint.b, digits);
  }
  *ret_matches = matches;
  return KT_OK;
}

enum kt_err kt_device_set_find(const struct kt_device_set *set, const char *argument,
                               const struct kt_device **ret_device)
{
  char digits[ARGUMENT_MAX + 1];
  if (!argument_read(argument, digits)) {
    return KT_ERR_USAGE;
  }
  const struct kt_device *found = NULL;
  for (size_t i = 0; i < set->n_devices; i++) {
    bool matches = false;
    enum kt_err err = device_matches(&set->devices[i], digits, &matches);
    if (err != KT_OK) {
      return err;
    }
    if (matches && found != NULL) {
      return KT_ERR_CONFLICT;
    }
    found = matches ? &set->devices[i] : found;
  }
  if (found == NULL) {
    return KT_ERR_ABSENT;
  }
  *ret_device = found;
  return KT_OK;
}
