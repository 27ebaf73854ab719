/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "state_alerts.h"

#define CLEAN_SIZE (4 * KT_LABEL_MAX + 8)

static json_t *key_json(const struct kt_device_key *key)
{
  const char *name = kt_key_algorithm_name(key->algorithm);
  char number[16];
  json_t *object = json_object();
  snprintf(number, sizeof number, "%u", (unsigned)key->algorithm);
  json_object_set_new(object, "alg", json_string(name != NULL ? name : number));
  json_object_set_new(object, "key", kt_output_base64(key->key));
  return object;
}

static json_t *device_json(const struct kt_device *device, bool endorsed)
{
  json_t *object = json_object();
  json_t *keys = json_array();
  for (size_t i = 0; i < device->n_keys; i++) {
    json_array_append_new(keys, key_json(&device->keys[i]));
  }
  json_object_set_new(object, "id", kt_output_hex((struct kt_bytes){ device->id.b, KT_DEVICE_ID_LEN }));
  json_object_set_new(object, "name", kt_output_text(device->name));
  json_object_set_new(object, "added_ms", json_integer((json_int_t)device->added_ms));
  json_object_set_new(object, "endorsed", json_boolean(endorsed));
  json_object_set_new(object, "keys", keys);
  return object;
}

static void print_key(struct kt_output *out, const struct kt_device_key *key)
{
  const char *name = kt_key_algorithm_name(key->algorithm);
  struct kt_hash fingerprint;
  char hex[KT_HEX_SIZE(KT_HASH_LEN)] = "?";
  json_t *base64 = kt_output_base64(key->key);
  const char *text = json_string_value(base64);
  if (kt_device_key_fingerprint(key, &fingerprint) == KT_OK) {
    kt_hex_encode((struct kt_bytes){ fingerprint.b, KT_HASH_LEN }, hex);
  }
  kt_output_data(out, "      %s:%.64s%s\n      fingerprint %s\n", name != NULL ? name : "unknown",
                 text != NULL ? text : "?", text != NULL && strlen(text) > 64 ? "…" : "", hex);
  json_decref(base64);
}

void kt_report_device(struct kt_output *out, const struct kt_device *device, bool endorsed, const char *word)
{
  char id[KT_HEX_SIZE(KT_DEVICE_ID_LEN)];
  char name[KT_TEXT_QUOTE_SIZE];
  char added[KT_TIME_SIZE];
  kt_output_append(out, "devices", device_json(device, endorsed));
  kt_hex_encode((struct kt_bytes){ device->id.b, KT_DEVICE_ID_LEN }, id);
  kt_text_quote(device->name, name, sizeof name);
  kt_report_time(device->added_ms, added);
  kt_output_data(out, "  %s  %s  %s, added %s\n", id, word, name, added);
  for (size_t i = 0; i < device->n_keys; i++) {
    print_key(out, &device->keys[i]);
  }
}

void kt_report_key(struct kt_output *out, const char *name, const struct kt_account_key *key)
{
  struct kt_hash fingerprint;
  char hex[KT_HEX_SIZE(KT_HASH_LEN)];
  kt_account_key_fingerprint(key, &fingerprint);
  kt_hex_encode((struct kt_bytes){ fingerprint.b, KT_HASH_LEN }, hex);
  kt_output_data(out, "%s fingerprint %s\n", name, hex);
  kt_output_set(out, "account_key", kt_output_hex((struct kt_bytes){ key->b, KT_ACCOUNT_KEY_LEN }));
}

json_t *kt_report_contact_json(const struct kt_contact *contact)
{
  json_t *object = json_object();
  json_object_set_new(object, "state", json_string(kt_contact_state_name(contact->state)));
  if (contact->method != KT_METHOD_NONE) {
    json_object_set_new(object, "method", json_string(kt_contact_method_name(contact->method)));
  }
  json_object_set_new(object, "since_ms", json_integer((json_int_t)contact->since_ms));
  return object;
}

/* As one says it; in JSON and files it is kt_contact_method_name. */
const char *kt_report_method(enum kt_contact_method method)
{
  switch (method) {
  case KT_METHOD_NONE: break;
  case KT_METHOD_FINGERPRINT: return "by its fingerprint";
  case KT_METHOD_SAFETY_NUMBER: return "by comparing digits";
  case KT_METHOD_QR: return "by scanning in person";
  case KT_METHOD_SAS: return "on a live call";
  case KT_METHOD_PUBLIC_CODE: return "by a public code";
  }
  return "";
}

void kt_report_contact(struct kt_output *out, const struct kt_contact *contact)
{
  bool verified = contact->state == KT_CONTACT_VERIFIED && contact->method != KT_METHOD_NONE;
  char since[KT_TIME_SIZE];
  const char *state = kt_contact_state_name(contact->state);
  kt_report_time(contact->since_ms, since);
  kt_output_set(out, "contact", kt_report_contact_json(contact));
  if (!contact->has_key) {
    kt_output_data(out, "contact %s: no account key of theirs is pinned here\n", state);
    return;
  }
  kt_output_data(out, "contact %s since %s%s%s%s\n", state, since, verified ? ", " : "",
                 verified ? kt_report_method(contact->method) : "",
                 contact->policy == KT_CONTACT_STRICT ? ", policy strict" : "");
}

/* --- alerts ------------------------------------------------------------------------------------------------------------- */

json_t *kt_report_alert_json(const struct kt_alert *alert)
{
  json_t *object = json_object();
  json_object_set_new(object, "id", kt_output_hex((struct kt_bytes){ alert->id.b, KT_ALERT_ID_LEN }));
  json_object_set_new(object, "kind", json_string(kt_alert_kind_name(alert->kind)));
  if (alert->has_device) {
    json_object_set_new(object, "device", kt_output_hex((struct kt_bytes){ alert->device.b, KT_DEVICE_ID_LEN }));
  }
  if (alert->has_version) {
    json_object_set_new(object, "version", json_integer((json_int_t)alert->version));
    json_object_set_new(object, "position", json_integer((json_int_t)alert->position));
    json_object_set_new(object, "time_ms", json_integer((json_int_t)alert->time_ms));
  }
  json_object_set_new(object, "detail",
                      json_string(alert->detail != NULL ? alert->detail : kt_alert_text(alert)->headline));
  return object;
}

bool kt_report_append_alert(struct kt_output *out, const struct kt_alert *alert)
{
  const json_t *alerts = json_object_get(out->object, "alerts");
  json_t *object = kt_report_alert_json(alert);
  const json_t *id = json_object_get(object, "id");
  for (size_t i = 0; i < json_array_size(alerts); i++) {
    if (json_equal(json_object_get(json_array_get(alerts, i), "id"), id)) {
      json_decref(object);
      return false;
    }
  }
  kt_output_append(out, "alerts", object);
  return true;
}

static const struct kt_device *find_device(const struct kt_device_set *set, const struct kt_device_id *id)
{
  for (size_t i = 0; i < set->n_devices; i++) {
    if (memcmp(set->devices[i].id.b, id->b, KT_DEVICE_ID_LEN) == 0) {
      return &set->devices[i];
    }
  }
  return NULL;
}

struct kt_alert kt_report_with_keys(const struct kt_alert *alert, const struct kt_device_set *set,
                                    struct kt_arena *arena)
{
  static const char intro[] = "Key fingerprints:";
  const struct kt_device *device = alert->has_device ? find_device(set, &alert->device) : NULL;
  const char *before = alert->detail != NULL ? alert->detail : "";
  struct kt_alert with_keys = *alert;
  if (device == NULL) {
    return with_keys;
  }
  size_t size = strlen(before) + sizeof intro + 2 + device->n_keys * (KT_HEX_SIZE(KT_HASH_LEN) + 1);
  char *detail = kt_arena_alloc(arena, 1, size);
  if (detail == NULL) {
    return with_keys; /* the alert matters more than its detail */
  }
  size_t at = (size_t)snprintf(detail, size, "%s%s%s", before, before[0] != '\0' ? " " : "", intro);
  for (size_t i = 0; i < device->n_keys; i++) {
    struct kt_hash fingerprint;
    if (kt_device_key_fingerprint(&device->keys[i], &fingerprint) == KT_OK) {
      detail[at++] = ' ';
      at += kt_hex_encode((struct kt_bytes){ fingerprint.b, KT_HASH_LEN }, detail + at);
    }
  }
  with_keys.detail = detail;
  return with_keys;
}

static void print_where(struct kt_output *out, const struct kt_alert *alert)
{
  char time[KT_TIME_SIZE];
  char device[KT_HEX_SIZE(KT_DEVICE_ID_LEN)];
  char name[KT_TEXT_QUOTE_SIZE];
  if (alert->has_device) {
    kt_hex_encode((struct kt_bytes){ alert->device.b, KT_DEVICE_ID_LEN }, device);
    kt_text_quote(alert->device_name, name, sizeof name);
    kt_output_data(out, "  device %s, which calls itself %s\n", device, name);
  }
  if (alert->has_version) {
    kt_report_time(alert->time_ms, time);
    kt_output_data(out, "  version %" PRIu32 ", log entry %" PRIu64 ", %s\n", alert->version, alert->position, time);
  }
}

void kt_report_alert(struct kt_output *out, const struct kt_alert *alert, struct kt_bytes label)
{
  const struct kt_alert_text *text = kt_alert_text(alert);
  char next[KT_ALERT_NEXT_SIZE];
  char name[CLEAN_SIZE];
  kt_alert_next(alert, label, next);
  kt_text_clean(label, name, sizeof name);
  const char *kind = kt_alert_kind_name(alert->kind);
  const char *blank = name[0] != '\0' ? " " : "";
  if (alert->is_note) {
    kt_output_data(out, "NOTE %s%s%s: %s\n", kind, blank, name, text->headline);
  } else {
    kt_output_status(out, KT_EXIT_ALERT, "%s%s%s: %s", kind, blank, name, text->headline);
  }
  print_where(out, alert);
  if (alert->detail != NULL) {
    kt_output_data(out, "  %s\n", alert->detail);
  }
  kt_output_data(out, "%s\n%s\n\n", text->meaning, next);
}

static void report_open(struct kt_session *session, const struct kt_ledger_entry *entry)
{
  char id[KT_HEX_SIZE(KT_ALERT_ID_LEN)];
  char since[KT_TIME_SIZE];
  char name[CLEAN_SIZE];
  if (session->news_only && entry->raised_ms < session->started_ms) {
    return;
  }
  if (!kt_report_append_alert(session->out, &entry->alert)) {
    return; /* about the log as a whole, and reported with another label */
  }
  if (entry->raised_ms >= session->started_ms) {
    kt_report_alert(session->out, &entry->alert, entry->label);
    return;
  }
  kt_hex_encode((struct kt_bytes){ entry->alert.id.b, KT_ALERT_ID_LEN }, id);
  kt_report_time(entry->raised_ms, since);
  kt_text_clean(entry->label, name, sizeof name);
  kt_output_status(session->out, KT_EXIT_ALERT, "%s%s%s open since %s (kt-verify alerts list tells more; id %s)",
                   kt_alert_kind_name(entry->alert.kind), name[0] != '\0' ? " " : "", name, since, id);
}

struct open_alerts {
  struct kt_bytes label;
  bool silent;
  bool any;
  bool any_found; /* by answers of this run, which were verified whatever came after them */
};

/* What a frightened person has to read first: the log itself, then who has the account. */
static int urgency(const struct kt_alert *alert)
{
  bool is_log = kt_alert_exit_code(alert->kind, false) == KT_EXIT_FAILED;
  return is_log ? 0 : alert->key_replaced ? 1 : 2;
}

/* Then in the order of the kinds, the oldest first. */
static int reading_order(const void *a, const void *b)
{
  const struct kt_alert *x = &((const struct kt_ledger_entry *)a)->alert;
  const struct kt_alert *y = &((const struct kt_ledger_entry *)b)->alert;
  if (urgency(x) != urgency(y)) {
    return urgency(x) - urgency(y);
  }
  if (x->kind != y->kind) {
    return (int)x->kind - (int)y->kind;
  }
  return x->version < y->version ? -1 : x->version > y->version;
}

static bool is_found_now(const struct kt_session *session, const struct kt_ledger_entry *entry)
{
  return entry->raised_ms >= session->started_ms && kt_alert_exit_code(entry->alert.kind, false) == KT_EXIT_ALERT;
}

static enum kt_err read_open(void *ctx, struct kt_session *session)
{
  struct open_alerts *open = ctx;
  struct kt_ledger_entry *entries;
  size_t n;
  enum kt_err err = kt_state_alerts(&session->state, NULL, &session->arena, &entries, &n);
  if (err == KT_OK && n > 0) {
    qsort(entries, n, sizeof *entries, reading_order);
  }
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    const struct kt_bytes *label = &entries[i].label;
    bool ours =
        label->len == open->label.len && (label->len == 0 || memcmp(label->data, open->label.data, label->len) == 0);
    if (entries[i].settlement == KT_SETTLEMENT_OPEN && (ours || label->len == 0)) {
      if (!open->silent) {
        report_open(session, &entries[i]);
      }
      open->any = true;
      open->any_found = open->any_found || is_found_now(session, &entries[i]);
    }
  }
  return err;
}

static enum kt_exit with_alerts(struct kt_session *session, struct kt_bytes label, bool silent, enum kt_exit code)
{
  struct open_alerts open = { .label = label, .silent = silent };
  enum kt_err err;
  enum kt_exit stored = kt_session_read(session, read_open, &open, &err);
  if (stored != KT_EXIT_OK) {
    return (enum kt_exit)kt_exit_code_worse((int)stored, (int)code);
  }
  /* Whoever runs the log must not turn an alert into an outage by refusing the rest of the check. */
  code = open.any_found ? (enum kt_exit)kt_exit_code_worse((int)code, KT_EXIT_ALERT) : code;
  return (enum kt_exit)kt_ledger_exit_code((int)code, open.any);
}

enum kt_exit kt_report_alerts(struct kt_session *session, struct kt_bytes label, enum kt_exit code)
{
  return with_alerts(session, label, false, code);
}

enum kt_exit kt_report_code(struct kt_session *session, struct kt_bytes label, enum kt_exit code)
{
  return with_alerts(session, label, true, code);
}

/* --- of one's own account, in passing -------------------------------------------------------------------------------- */

struct own_alerts {
  struct kt_bytes label;
  size_t n;
};

static enum kt_err read_own(void *ctx, struct kt_session *session)
{
  struct own_alerts *own = ctx;
  struct kt_ledger_entry *entries;
  size_t n = 0;
  enum kt_err err = kt_state_open_alerts(&session->state, own->label, &session->arena, &entries, &n);
  for (size_t i = 0; i < n; i++) {
    (void)kt_report_append_alert(session->out, &entries[i].alert);
  }
  own->n = n;
  return err;
}

enum kt_exit kt_report_own_alerts(struct kt_session *session, struct kt_bytes label, const char *name)
{
  struct own_alerts own = { .label = label };
  enum kt_err err;
  enum kt_exit code = kt_session_read(session, read_own, &own, &err);
  if (code == KT_EXIT_OK && own.n > 0) {
    kt_output_data(session->out,
                   "  But alerts about your own account %s are open (%zu), and a match of account keys does not answer "
                   "them: somebody may have listed a device in your name. Look at them now: kt-verify alerts list\n",
                   name, own.n);
  }
  return code;
}
