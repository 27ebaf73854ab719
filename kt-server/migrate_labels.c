/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json/device_set.h"
#include "json/builder.h"
#include "migrate.h"

static json_t *key_line(const void *ctx, size_t i)
{
  const struct kt_device *device = ctx;
  const char *name = kt_key_algorithm_name(device->keys[i].algorithm);
  return name == NULL ? NULL : json_pack("{s:s, s:o}", "alg", name, "key", kt_json_base64(device->keys[i].key));
}

static json_t *device_line(const void *ctx, size_t i)
{
  const struct kt_device_set *set = ctx;
  const struct kt_device *device = &set->devices[i];
  return json_pack("{s:o, s:o}", "name", kt_json_text(device->name), "keys",
                   kt_json_array(device, device->n_keys, key_line));
}

/* The key that may claim the label: the established one, or the one that the operator had named. */
static const struct kt_account_key *account_key(const struct kt_account_state *state)
{
  return state->has_operator_key ? &state->operator_key : state->has_key ? &state->key : NULL;
}

/* The operator's form (json/device_set.h); NULL: it has none. */
static json_t *label_line(struct kt_bytes label, const struct kt_device_set *set, const struct kt_account_state *state)
{
  struct kt_json_builder b;
  const struct kt_account_key *key = account_key(state);
  kt_json_begin(&b);
  kt_json_set(&b, "label", kt_json_text(label));
  kt_json_set(&b, "devices", kt_json_array(set, set->n_devices, device_line));
  if (key != NULL) {
    kt_json_set(&b, "account_key", kt_json_hex((struct kt_bytes){ key->b, sizeof key->b }));
  }
  return kt_json_end(&b);
}

/* What the import would refuse is found out here: one label must not keep the others back. */
static enum kt_err write_line(struct kt_bytes label, struct kt_bytes value, struct kt_bytes state_bytes,
                              struct kt_arena *arena, FILE *file, struct kt_migrate_report *report)
{
  struct kt_device_set set;
  struct kt_account_state state = { .has_key = false };
  struct kt_json_provision provision;
  char why[KT_JSON_TEXT_SIZE] = "it is no device set";
  json_t *line = NULL;
  if (kt_device_set_decode(value, arena, &set) == KT_OK &&
      kt_account_state_decode(state_bytes, arena, &state) == KT_OK) {
    line = label_line(label, &set, &state);
  }
  if (line == NULL || kt_json_provision_read(line, (struct kt_bytes){ 0 }, arena, &provision, why) != KT_OK) {
    kt_say("not carried over: %.*s: %s", (int)label.len, (const char *)label.data, why);
    report->n_left++;
    json_decref(line);
    return KT_OK;
  }
  char *text = kt_json_dump(line, JSON_COMPACT);
  bool written = text != NULL && fprintf(file, "%s\n", text) > 0;
  free(text);
  json_decref(line);
  return written ? KT_OK : KT_ERR_UNDETERMINED;
}

/* The newest value of one label in the first `size` entries. */
static enum kt_err carry(struct kt_store_conn *old_conn, uint64_t size, const struct kt_store_label *label,
                         struct kt_arena *arena, FILE *file, struct kt_migrate_report *report)
{
  struct kt_store_payload payload;
  uint32_t version = 0;
  enum kt_err err = kt_store_find_greatest(old_conn, label->label_id, label->n_versions, size, &version);
  if (err == KT_OK) {
    err = kt_store_get_payload(old_conn, label->label_id, version, arena, &payload);
  }
  if (err == KT_ERR_EXPIRED) {
    report->n_erased++;
  }
  if (err == KT_ERR_ABSENT || err == KT_ERR_EXPIRED) {
    return KT_OK;
  }
  return err == KT_OK ? write_line(label->label, payload.value, label->state, arena, file, report) : err;
}

static enum kt_err next(struct kt_store_conn *old_conn, uint64_t size, struct kt_store_conn *new_conn, FILE *file,
                        uint64_t *label_id, struct kt_migrate_report *report, struct kt_error *error)
{
  struct kt_arena arena;
  struct kt_store_label label;
  struct kt_store_label there;
  const struct kt_store_conn *conn = old_conn;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_store_next_label(old_conn, *label_id, &arena, &label);
  bool is_end = err == KT_ERR_ABSENT;
  if (err == KT_OK) {
    *label_id = label.label_id;
    conn = new_conn;
    err = kt_store_get_label(new_conn, label.label, &arena, &there);
  }
  if (err == KT_OK) {
    report->n_there++;
  } else if (err == KT_ERR_ABSENT && !is_end) {
    conn = old_conn;
    err = carry(old_conn, size, &label, &arena, file, report);
  }
  if (err == KT_ERR_UNDETERMINED) {
    (void)kt_error_set(error, err, "writing what is to be carried over: %s", strerror(errno));
  } else if (err != KT_OK && !is_end) {
    (void)kt_error_set(error, err, "%s", kt_store_message(conn));
  }
  kt_arena_release(&arena);
  return err;
}

enum kt_err kt_migrate_write_labels(struct kt_store_conn *old_conn, uint64_t size, struct kt_store_conn *new_conn,
                                    FILE *file, struct kt_migrate_report *report, struct kt_error *error)
{
  uint64_t label_id = 0;
  enum kt_err err;
  do {
    err = next(old_conn, size, new_conn, file, &label_id, report, error);
  } while (err == KT_OK);
  if (err == KT_ERR_ABSENT && fflush(file) == 0) {
    return KT_OK;
  }
  return err == KT_ERR_ABSENT
             ? kt_error_set(error, KT_ERR_UNDETERMINED, "writing what is to be carried over: %s", strerror(errno))
             : err;
}
