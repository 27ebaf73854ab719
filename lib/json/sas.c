/* SPDX-License-Identifier: Apache-2.0 */
#include "json/sas.h"

#include <string.h>

#include "account/utf8.h"
#include "base/hex.h"

#define PROTOCOL "kt-sas/1"

/* Besides protocol, type and transaction, the members of a type. `value` is the name of the 32 bytes. */
static const struct shape {
  const char *name;
  const char *value;
  size_t n_members;
} shapes[] = {
  [KT_SAS_START] = { "start", NULL, 5 },   [KT_SAS_ACCEPT] = { "accept", "commitment", 1 },
  [KT_SAS_KEY] = { "key", "key", 1 },      [KT_SAS_MAC] = { "mac", "mac", 1 },
  [KT_SAS_CANCEL] = { "cancel", NULL, 1 },
};

#define N_SHAPES (sizeof shapes / sizeof shapes[0])
#define N_COMMON 3

/* --- out ------------------------------------------------------------------------------------------------------------ */

static json_t *account_key(const struct kt_account_key *key)
{
  return kt_json_hex((struct kt_bytes){ key->b, sizeof key->b });
}

json_t *kt_json_sas_message(const struct kt_sas_message *message)
{
  struct kt_json_builder b;
  if (message->type == KT_SAS_NONE) {
    return NULL;
  }
  const struct shape *shape = &shapes[message->type];
  kt_json_begin(&b);
  kt_json_set(&b, "protocol", json_string(PROTOCOL));
  kt_json_set(&b, "type", json_string(shape->name));
  kt_json_set(&b, "transaction", kt_json_hex((struct kt_bytes){ message->transaction, KT_SAS_TRANSACTION_LEN }));
  if (message->type == KT_SAS_START) {
    kt_json_set(&b, "log_id", kt_json_hash(&message->log_id));
    kt_json_set(&b, "starter_label", kt_json_text(message->starter.label));
    kt_json_set(&b, "starter_key", account_key(&message->starter.key));
    kt_json_set(&b, "joiner_label", kt_json_text(message->joiner.label));
    kt_json_set(&b, "joiner_key", account_key(&message->joiner.key));
  } else if (message->type == KT_SAS_CANCEL) {
    kt_json_set(&b, "reason", json_string(kt_sas_cancel_name(message->cancel)));
  } else {
    kt_json_set(&b, shape->value, kt_json_hash(&message->value));
  }
  return kt_json_end(&b);
}

/* --- in --------------------------------------------------------------------------------------------------------------- */

static struct kt_bytes string_bytes(const json_t *string)
{
  return (struct kt_bytes){ (const uint8_t *)json_string_value(string), json_string_length(string) };
}

/* Exactly len bytes of hex. */
static bool read_hex(const json_t *object, const char *member, uint8_t *ret_data, size_t len)
{
  struct kt_bytes text = string_bytes(json_object_get(object, member));
  size_t decoded = 0;
  return text.data != NULL && kt_hex_decode((const char *)text.data, text.len, len, ret_data, &decoded) == KT_OK &&
         decoded == len;
}

static enum kt_err read_party(const json_t *object, const char *label_member, const char *key_member,
                              struct kt_arena *arena, struct kt_sas_party *ret_party)
{
  struct kt_bytes label = string_bytes(json_object_get(object, label_member));
  if (label.len == 0 || label.len > KT_LABEL_MAX || !kt_utf8_is_valid(label) ||
      !read_hex(object, key_member, ret_party->key.b, KT_ACCOUNT_KEY_LEN) ||
      ret_party->key.b[0] != KT_ACCOUNT_KEY_TYPE) {
    return KT_ERR_FORMAT;
  }
  ret_party->label = (struct kt_bytes){ kt_arena_copy(arena, label.data, label.len), label.len };
  return ret_party->label.data == NULL ? KT_ERR_MEMORY : KT_OK;
}

static enum kt_err read_start(const json_t *object, struct kt_arena *arena, struct kt_sas_message *message)
{
  if (!read_hex(object, "log_id", message->log_id.b, KT_HASH_LEN)) {
    return KT_ERR_FORMAT;
  }
  enum kt_err err = read_party(object, "starter_label", "starter_key", arena, &message->starter);
  if (err == KT_OK) {
    err = read_party(object, "joiner_label", "joiner_key", arena, &message->joiner);
  }
  return err;
}

static enum kt_err read_cancel(const json_t *object, struct kt_sas_message *message)
{
  struct kt_bytes name = string_bytes(json_object_get(object, "reason"));
  return name.data == NULL ? KT_ERR_FORMAT : kt_sas_cancel_from_name(name, &message->cancel);
}

static enum kt_sas_type read_type(const json_t *object)
{
  struct kt_bytes name = string_bytes(json_object_get(object, "type"));
  for (unsigned i = KT_SAS_NONE + 1; name.data != NULL && i < N_SHAPES; i++) {
    if (strlen(shapes[i].name) == name.len && memcmp(shapes[i].name, name.data, name.len) == 0) {
      return (enum kt_sas_type)i;
    }
  }
  return KT_SAS_NONE;
}

/* Every member that a type has is read below, so that the right number of them means that none is unknown. */
static enum kt_err read_object(const json_t *object, struct kt_arena *arena, struct kt_sas_message *message)
{
  message->type = read_type(object);
  if (message->type == KT_SAS_NONE || json_object_size(object) != N_COMMON + shapes[message->type].n_members ||
      !read_hex(object, "transaction", message->transaction, KT_SAS_TRANSACTION_LEN)) {
    return KT_ERR_FORMAT;
  }
  if (message->type == KT_SAS_START) {
    return read_start(object, arena, message);
  }
  if (message->type == KT_SAS_CANCEL) {
    return read_cancel(object, message);
  }
  return read_hex(object, shapes[message->type].value, message->value.b, KT_HASH_LEN) ? KT_OK : KT_ERR_FORMAT;
}

static bool speaks_our_protocol(const json_t *object)
{
  struct kt_bytes protocol = string_bytes(json_object_get(object, "protocol"));
  return protocol.len == sizeof PROTOCOL - 1 && memcmp(protocol.data, PROTOCOL, protocol.len) == 0;
}

enum kt_err kt_json_sas_read(struct kt_bytes text, struct kt_arena *arena, struct kt_sas_message *ret_message,
                             struct kt_reason *reason)
{
  struct kt_sas_message message = { .type = KT_SAS_NONE };
  json_t *object = NULL;
  if (text.len > 0 && text.len <= KT_JSON_SAS_MAX) {
    object = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
  }
  enum kt_err err = KT_ERR_FORMAT;
  if (json_is_string(json_object_get(object, "protocol")) && !speaks_our_protocol(object)) {
    err = kt_fail(reason, KT_ERR_UNSUPPORTED, "sas-protocol", "the other side speaks another version of the comparison",
                  "ours");
  } else if (json_is_object(object) && speaks_our_protocol(object)) {
    err = read_object(object, arena, &message);
  }
  json_decref(object);
  if (err == KT_OK) {
    *ret_message = message;
  } else if (err == KT_ERR_FORMAT) {
    return kt_fail(reason, err, "sas-malformed", "not a message of a comparison", "ours");
  }
  return err;
}
