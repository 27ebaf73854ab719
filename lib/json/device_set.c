/* SPDX-License-Identifier: Apache-2.0 */
#include "json/device_set.h"

static json_t *key_item(const void *ctx, size_t i)
{
  const struct kt_device_key *key = (const struct kt_device_key *)ctx + i;
  const char *name = kt_key_algorithm_name(key->algorithm);
  struct kt_json_builder b;
  kt_json_begin(&b);
  /* An algorithm the registry does not know keeps its number. */
  kt_json_set(&b, "alg", name != NULL ? json_string(name) : json_integer(key->algorithm));
  kt_json_set(&b, "key", kt_json_base64(key->key));
  return kt_json_end(&b);
}

json_t *kt_json_device(const struct kt_device *device)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "id", kt_json_hex((struct kt_bytes){ device->id.b, sizeof device->id.b }));
  kt_json_set(&b, "name", kt_json_text(device->name));
  kt_json_set(&b, "added_ms", kt_json_u64(device->added_ms));
  kt_json_set(&b, "keys", kt_json_array(device->keys, device->n_keys, key_item));
  return kt_json_end(&b);
}

static json_t *device_item(const void *ctx, size_t i)
{
  return kt_json_device((const struct kt_device *)ctx + i);
}

static json_t *account_key(const struct kt_account_key *key)
{
  return kt_json_hex((struct kt_bytes){ key->b, sizeof key->b });
}

static json_t *account_key_item(const void *ctx, size_t i)
{
  return account_key((const struct kt_account_key *)ctx + i);
}

static json_t *endorsement(const struct kt_endorsement *endorsement)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "key", account_key(&endorsement->key));
  kt_json_set(&b, "signature", kt_json_hex((struct kt_bytes){ endorsement->signature, sizeof endorsement->signature }));
  return kt_json_end(&b);
}

static json_t *extension_item(const void *ctx, size_t i)
{
  const struct kt_set_extension *extension = (const struct kt_set_extension *)ctx + i;
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "type", json_integer(extension->type));
  kt_json_set(&b, "data", kt_json_hex(extension->data));
  return kt_json_end(&b);
}

json_t *kt_json_device_set(const struct kt_device_set *set)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "log_id", kt_json_hash(&set->log_id));
  kt_json_set(&b, "label", kt_json_text(set->label));
  kt_json_set(&b, "seq", kt_json_u64(set->seq));
  kt_json_set(&b, "previous", kt_json_hash(&set->previous));
  kt_json_set(&b, "signed", json_boolean(set->is_signed));
  kt_json_set(&b, "devices", kt_json_array(set->devices, set->n_devices, device_item));
  kt_json_set(&b, "recovery_keys", kt_json_array(set->recovery_keys, set->n_recovery_keys, account_key_item));
  kt_json_set(&b, "extensions", kt_json_array(set->extensions, set->n_extensions, extension_item));
  if (set->is_signed) {
    kt_json_set(&b, "account_key", account_key(&set->account_key));
    kt_json_set(&b, "signature", kt_json_hex((struct kt_bytes){ set->signature, sizeof set->signature }));
  }
  if (set->has_endorsement) {
    kt_json_set(&b, "endorsement", endorsement(&set->endorsement));
  }
  return kt_json_end(&b);
}

json_t *kt_json_value(struct kt_bytes value)
{
  struct kt_arena arena;
  struct kt_device_set set;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_device_set_decode(value, &arena, &set);
  json_t *view = NULL;
  if (err == KT_OK) {
    view = kt_json_device_set(&set);
  } else if (err != KT_ERR_MEMORY) {
    view = json_null();
  }
  kt_arena_release(&arena);
  return view;
}
