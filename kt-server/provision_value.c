/* SPDX-License-Identifier: Apache-2.0 */
#include "provision_value.h"

#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "json/builder.h"

/* The device of the set with this name and these keys. */
static const struct kt_device *find_device(const struct kt_device_set *set, const struct kt_device *wanted)
{
  struct kt_hash keys;
  struct kt_hash other;
  if (kt_device_keys_hash(wanted, &keys) != KT_OK) {
    return NULL;
  }
  for (size_t i = 0; i < set->n_devices; i++) {
    const struct kt_device *device = &set->devices[i];
    bool same_name = device->name.len == wanted->name.len &&
                     (wanted->name.len == 0 || memcmp(device->name.data, wanted->name.data, wanted->name.len) == 0);
    if (same_name && kt_device_keys_hash(device, &other) == KT_OK && memcmp(keys.b, other.b, sizeof keys.b) == 0) {
      return device;
    }
  }
  return NULL;
}

static int compare_ids(const void *a, const void *b)
{
  return memcmp(((const struct kt_device *)a)->id.b, ((const struct kt_device *)b)->id.b, KT_DEVICE_ID_LEN);
}

/* A device that the latest set has already keeps its id and its time there: who approved it, approved it by its id. */
static enum kt_err identify_devices(const struct kt_json_provision *provision, const struct kt_device_set *latest,
                                    struct kt_arena *arena, const struct kt_device **ret_devices)
{
  uint64_t now_ms = kt_now_ms();
  struct kt_device *devices =
      kt_arena_copy(arena, provision->devices, provision->n_devices * sizeof *provision->devices);
  if (devices == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < provision->n_devices; i++) {
    const struct kt_device *known = latest != NULL ? find_device(latest, &devices[i]) : NULL;
    devices[i].added_ms = known != NULL ? known->added_ms : now_ms;
    devices[i].id = known != NULL ? known->id : devices[i].id;
  }
  qsort(devices, provision->n_devices, sizeof *devices, compare_ids);
  *ret_devices = devices;
  return KT_OK;
}

static enum kt_err encode(const struct kt_json_provision *provision, const struct kt_provision_place *place,
                          const struct kt_device *devices, uint32_t seq, const struct kt_hash *previous,
                          struct kt_arena *arena, struct kt_bytes *ret_value)
{
  const struct kt_set_extension operator_key = {
    .type = KT_SET_EXTENSION_OPERATOR_KEY,
    .data = { provision->account_key.b, sizeof provision->account_key.b },
  };
  const struct kt_device_set set = {
    .log_id = place->log_id,
    .label = provision->label,
    .seq = seq,
    .previous = *previous,
    .devices = devices,
    .n_devices = provision->n_devices,
    .extensions = &operator_key,
    .n_extensions = provision->has_account_key ? 1 : 0,
  };
  return kt_device_set_encode(&set, arena, ret_value);
}

enum kt_err kt_provision_value(const struct kt_json_provision *provision, const struct kt_provision_place *place,
                               bool skip_unchanged, struct kt_arena *arena, struct kt_bytes *ret_value)
{
  struct kt_device_set latest;
  const struct kt_device *devices = NULL;
  struct kt_bytes value;
  const struct kt_bytes *before = &place->latest_value;
  bool has_latest = before->len > 0 && kt_device_set_decode(*before, arena, &latest) == KT_OK;
  enum kt_err err = identify_devices(provision, has_latest ? &latest : NULL, arena, &devices);
  if (err == KT_OK && has_latest && skip_unchanged) {
    err = encode(provision, place, devices, latest.seq, &latest.previous, arena, &value);
    if (err == KT_OK && value.len == before->len && memcmp(value.data, before->data, value.len) == 0) {
      *ret_value = (struct kt_bytes){ 0 };
      return KT_OK;
    }
  }
  if (err == KT_OK) {
    err = encode(provision, place, devices, place->state->n_sets, &place->state->latest, arena, ret_value);
  }
  return err;
}

json_t *kt_provision_failure(const char *word, const char *text)
{
  return json_pack("{s:s, s:o}", "result", word, "text", kt_json_lossy(text));
}

json_t *kt_provision_inserted(uint32_t version, uint64_t position)
{
  return json_pack("{s:s, s:I, s:I}", "result", "inserted", "version", (json_int_t)version, "position",
                   (json_int_t)position);
}
