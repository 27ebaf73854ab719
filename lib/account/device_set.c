/* SPDX-License-Identifier: Apache-2.0 */
/* Decode, check and encode, side by side. What is hashed, signed or looked up is in device_set_sign.c and
 * device_find.c. */
#include <kt/device_set.h>

#include "account/device_set_body.h"
#include "account/utf8.h"
#include <kt/arena.h>
#include "base/reader.h"

#include <string.h>

/* Shortest encodings, which bound counts before anything is allocated. */
#define DEVICE_KEY_MIN (2 + 2 + 1)
#define DEVICE_MIN (KT_DEVICE_ID_LEN + 1 + 8 + 1 + DEVICE_KEY_MIN)
#define EXTENSION_MIN (2 + 2)

static bool account_key_is_typed(const struct kt_account_key *key)
{
  return key->b[0] == KT_ACCOUNT_KEY_TYPE;
}

static enum kt_err device_check(const struct kt_device *device)
{
  if (device->n_keys == 0 || !kt_utf8_is_valid(device->name)) {
    return KT_ERR_FORMAT;
  }
  for (size_t i = 0; i < device->n_keys; i++) {
    if (device->keys[i].key.len > KT_DEVICE_KEY_MAX) {
      return KT_ERR_LIMIT;
    }
    if (!kt_key_algorithm_fits(device->keys[i].algorithm, device->keys[i].key)) {
      return KT_ERR_FORMAT;
    }
  }
  return KT_OK;
}

static enum kt_err devices_check(const struct kt_device_set *set)
{
  for (size_t i = 0; i < set->n_devices; i++) {
    const struct kt_device *device = &set->devices[i];
    /* "ascending by id, unique": one set has one encoding, and an id names one device. */
    if (i > 0 && memcmp(set->devices[i - 1].id.b, device->id.b, KT_DEVICE_ID_LEN) >= 0) {
      return KT_ERR_FORMAT;
    }
    enum kt_err err = device_check(device);
    if (err != KT_OK) {
      return err;
    }
  }
  return KT_OK;
}

/* The operator's word exists where nobody signed, once, and is an account key. */
static enum kt_err extensions_check(const struct kt_device_set *set)
{
  size_t n_operator_keys = 0;
  for (size_t i = 0; i < set->n_extensions; i++) {
    const struct kt_set_extension *extension = &set->extensions[i];
    if (extension->type != KT_SET_EXTENSION_OPERATOR_KEY) {
      continue;
    }
    n_operator_keys++;
    if (set->is_signed || n_operator_keys > 1 || extension->data.len != KT_ACCOUNT_KEY_LEN ||
        extension->data.data[0] != KT_ACCOUNT_KEY_TYPE) {
      return KT_ERR_FORMAT;
    }
  }
  return KT_OK;
}

/* The rules that hold for every set, read or written. */
static enum kt_err set_check(const struct kt_device_set *set)
{
  if (!kt_utf8_is_valid(set->label) || (set->is_signed && !account_key_is_typed(&set->account_key)) ||
      (set->has_endorsement && (!set->is_signed || !account_key_is_typed(&set->endorsement.key)))) {
    return KT_ERR_FORMAT;
  }
  for (size_t i = 0; i < set->n_recovery_keys; i++) {
    if (!account_key_is_typed(&set->recovery_keys[i])) {
      return KT_ERR_FORMAT;
    }
  }
  enum kt_err err = devices_check(set);
  return err == KT_OK ? extensions_check(set) : err;
}

static void read_array(struct kt_reader *r, uint8_t *ret, size_t len)
{
  const uint8_t *bytes = kt_read_bytes(r, len);
  if (bytes != NULL) {
    memcpy(ret, bytes, len);
  }
}

/* Count elements in the arena; a failure ends the reading. */
static void *array_alloc(struct kt_reader *r, struct kt_arena *arena, size_t count, size_t size)
{
  void *array = kt_arena_alloc(arena, count, size);
  if (array == NULL) {
    kt_reader_fail(r, KT_ERR_MEMORY);
  }
  return array;
}

static void read_device(struct kt_reader *r, struct kt_arena *arena, struct kt_device *ret)
{
  read_array(r, ret->id.b, sizeof ret->id.b);
  ret->name = kt_read_opaque8(r);
  ret->added_ms = kt_read_u64(r);
  size_t n_keys = kt_read_count8(r, DEVICE_KEY_MIN);
  struct kt_device_key *keys = array_alloc(r, arena, n_keys, sizeof *keys);
  for (size_t i = 0; keys != NULL && i < n_keys; i++) {
    keys[i].algorithm = kt_read_u16(r);
    keys[i].key = kt_read_opaque16(r, KT_DEVICE_KEY_MAX);
  }
  ret->keys = keys;
  ret->n_keys = n_keys;
}

static void read_devices(struct kt_reader *r, struct kt_arena *arena, struct kt_device_set *ret)
{
  size_t n = kt_read_count8(r, DEVICE_MIN);
  struct kt_device *devices = array_alloc(r, arena, n, sizeof *devices);
  for (size_t i = 0; devices != NULL && i < n && r->err == KT_OK; i++) {
    read_device(r, arena, &devices[i]);
  }
  ret->devices = devices;
  ret->n_devices = n;
}

static void read_recovery_keys(struct kt_reader *r, struct kt_arena *arena, struct kt_device_set *ret)
{
  size_t n = kt_read_count8(r, KT_ACCOUNT_KEY_LEN);
  struct kt_account_key *keys = array_alloc(r, arena, n, sizeof *keys);
  for (size_t i = 0; keys != NULL && i < n; i++) {
    read_array(r, keys[i].b, sizeof keys[i].b);
  }
  ret->recovery_keys = keys;
  ret->n_recovery_keys = n;
}

static void read_extensions(struct kt_reader *r, struct kt_arena *arena, struct kt_device_set *ret)
{
  size_t n = kt_read_count8(r, EXTENSION_MIN);
  struct kt_set_extension *extensions = array_alloc(r, arena, n, sizeof *extensions);
  for (size_t i = 0; extensions != NULL && i < n; i++) {
    extensions[i].type = kt_read_u16(r);
    extensions[i].data = kt_read_opaque16(r, UINT16_MAX);
  }
  ret->extensions = extensions;
  ret->n_extensions = n;
}

/* 64 bytes with an account key, nothing without. */
static void read_signature(struct kt_reader *r, struct kt_device_set *ret)
{
  struct kt_bytes signature = kt_read_opaque8(r);
  if (signature.len != (ret->is_signed ? sizeof ret->signature : 0)) {
    kt_reader_fail(r, KT_ERR_FORMAT);
    return;
  }
  if (signature.len > 0) {
    memcpy(ret->signature, signature.data, signature.len);
  }
}

enum kt_err kt_device_set_decode(struct kt_bytes value, struct kt_arena *arena, struct kt_device_set *ret_set)
{
  if (value.len > KT_DEVICE_SET_MAX) {
    return KT_ERR_LIMIT;
  }
  struct kt_reader r;
  struct kt_device_set set = { 0 };
  kt_reader_init(&r, value.data, value.len);
  if (kt_read_u8(&r) != KT_DEVICE_SET_FORMAT) {
    kt_reader_fail(&r, KT_ERR_UNSUPPORTED);
  }
  read_array(&r, set.log_id.b, sizeof set.log_id.b);
  set.label = kt_read_opaque8(&r);
  set.seq = kt_read_u32(&r);
  read_array(&r, set.previous.b, sizeof set.previous.b);
  set.is_signed = kt_read_present(&r);
  if (set.is_signed) {
    read_array(&r, set.account_key.b, sizeof set.account_key.b);
  }
  read_devices(&r, arena, &set);
  read_recovery_keys(&r, arena, &set);
  set.has_endorsement = kt_read_present(&r);
  if (set.has_endorsement) {
    read_array(&r, set.endorsement.key.b, sizeof set.endorsement.key.b);
    read_array(&r, set.endorsement.signature, sizeof set.endorsement.signature);
  }
  read_extensions(&r, arena, &set);
  read_signature(&r, &set);

  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    err = set_check(&set);
  }
  if (err == KT_OK) {
    *ret_set = set;
  }
  return err;
}

void kt_device_keys_write(struct kt_writer *w, const struct kt_device *device)
{
  kt_write_count8(w, device->n_keys);
  for (size_t i = 0; i < device->n_keys; i++) {
    kt_write_u16(w, device->keys[i].algorithm);
    kt_write_opaque16(w, device->keys[i].key);
  }
}

static void write_device(struct kt_writer *w, const struct kt_device *device)
{
  kt_write_bytes(w, device->id.b, sizeof device->id.b);
  kt_write_opaque8(w, device->name);
  kt_write_u64(w, device->added_ms);
  kt_device_keys_write(w, device);
}

void kt_device_set_body_write(struct kt_writer *w, const struct kt_device_set *set)
{
  kt_write_u8(w, KT_DEVICE_SET_FORMAT);
  kt_write_bytes(w, set->log_id.b, sizeof set->log_id.b);
  kt_write_opaque8(w, set->label);
  kt_write_u32(w, set->seq);
  kt_write_bytes(w, set->previous.b, sizeof set->previous.b);
  kt_write_present(w, set->is_signed);
  if (set->is_signed) {
    kt_write_bytes(w, set->account_key.b, sizeof set->account_key.b);
  }
  kt_write_count8(w, set->n_devices);
  for (size_t i = 0; i < set->n_devices; i++) {
    write_device(w, &set->devices[i]);
  }
  kt_write_count8(w, set->n_recovery_keys);
  for (size_t i = 0; i < set->n_recovery_keys; i++) {
    kt_write_bytes(w, set->recovery_keys[i].b, sizeof set->recovery_keys[i].b);
  }
  kt_write_present(w, set->has_endorsement);
  if (set->has_endorsement) {
    kt_write_bytes(w, set->endorsement.key.b, sizeof set->endorsement.key.b);
    kt_write_bytes(w, set->endorsement.signature, sizeof set->endorsement.signature);
  }
  kt_write_count8(w, set->n_extensions);
  for (size_t i = 0; i < set->n_extensions; i++) {
    kt_write_u16(w, set->extensions[i].type);
    kt_write_opaque16(w, set->extensions[i].data);
  }
}

enum kt_err kt_device_set_encode(const struct kt_device_set *set, struct kt_arena *arena, struct kt_bytes *ret_value)
{
  enum kt_err err = set_check(set);
  if (err != KT_OK) {
    return err;
  }
  struct kt_writer w;
  kt_writer_init(&w, KT_DEVICE_SET_MAX);
  kt_device_set_body_write(&w, set);
  kt_write_opaque8(&w, (struct kt_bytes){ set->signature, set->is_signed ? sizeof set->signature : 0 });
  const uint8_t *copy = w.err == KT_OK ? kt_arena_copy(arena, w.buf, w.len) : NULL;
  err = w.err != KT_OK ? w.err : copy != NULL ? KT_OK : KT_ERR_MEMORY;
  if (err == KT_OK) {
    *ret_value = (struct kt_bytes){ copy, w.len };
  }
  kt_writer_release(&w);
  return err;
}
