/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/alert.h>

#include "base/hex.h"
#include <kt/writer.h>
#include "crypto/hash.h"

#include <string.h>

static const char *const kind_names[KT_ALERT_KINDS] = {
  [KT_ALERT_UNKNOWN_DEVICE] = "unknown-device",
  [KT_ALERT_VERSION_NOT_MINE] = "version-not-mine",
  [KT_ALERT_DEVICE_REMOVED] = "device-removed",
  [KT_ALERT_ACCOUNT_KEY_CHANGED] = "account-key-changed",
  [KT_ALERT_UNSIGNED_SET] = "unsigned-set",
  [KT_ALERT_CONTACT_DEVICE_ADDED] = "contact-device-added",
  [KT_ALERT_CODE_MISMATCH] = "code-mismatch",
  [KT_ALERT_FORK] = "fork",
  [KT_ALERT_ROLLBACK] = "rollback",
  [KT_ALERT_MONITOR_BLIND] = "monitor-blind",
  [KT_ALERT_AUDITOR_MISSING] = "auditor-missing",
  [KT_ALERT_CREDENTIAL_UNCONFIRMED] = "credential-unconfirmed",
  [KT_ALERT_TEST] = "test",
};

const char *kt_alert_kind_name(enum kt_alert_kind kind)
{
  return kind_names[kind];
}

enum kt_err kt_alert_kind_from_name(const char *name, enum kt_alert_kind *ret_kind)
{
  for (size_t i = 0; i < KT_ALERT_KINDS; i++) {
    if (strcmp(kind_names[i], name) == 0) {
      *ret_kind = (enum kt_alert_kind)i;
      return KT_OK;
    }
  }
  return KT_ERR_USAGE;
}

void kt_alert_id_compute(enum kt_alert_kind kind, const struct kt_hash *log_id, struct kt_bytes label,
                         const struct kt_bytes *parts, size_t n_parts, struct kt_alert_id *ret_id)
{
  static const char context[] = "kt-alert/1";
  uint8_t buf[sizeof context + 1 + 32 + KT_HASH_LEN + 1 + KT_LABEL_MAX + KT_ALERT_PARTS_MAX * KT_HASH_LEN];
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, sizeof buf);
  kt_write_bytes(&w, context, sizeof context - 1);
  kt_write_opaque8(&w, (struct kt_bytes){ (const uint8_t *)kind_names[kind], strlen(kind_names[kind]) });
  kt_write_bytes(&w, log_id->b, sizeof log_id->b);
  kt_write_opaque8(&w, label);
  /* Parts are hashed one by one: their borders count, whatever their lengths. */
  for (size_t i = 0; i < n_parts; i++) {
    struct kt_hash part;
    kt_sha256(parts[i].data, parts[i].len, &part);
    kt_write_bytes(&w, part.b, sizeof part.b);
  }
  struct kt_hash cause;
  kt_sha256(buf, w.len, &cause);
  memcpy(ret_id->b, cause.b, sizeof ret_id->b);
}

int kt_alert_exit_code(enum kt_alert_kind kind, bool is_note)
{
  if (is_note) {
    return 0;
  }
  switch (kind) {
  case KT_ALERT_FORK:
  case KT_ALERT_ROLLBACK: return 1;
  case KT_ALERT_MONITOR_BLIND:
  case KT_ALERT_AUDITOR_MISSING: return 3;
  case KT_ALERT_TEST: return 0;
  case KT_ALERT_UNKNOWN_DEVICE:
  case KT_ALERT_VERSION_NOT_MINE:
  case KT_ALERT_DEVICE_REMOVED:
  case KT_ALERT_ACCOUNT_KEY_CHANGED:
  case KT_ALERT_UNSIGNED_SET:
  case KT_ALERT_CONTACT_DEVICE_ADDED:
  case KT_ALERT_CODE_MISMATCH:
  case KT_ALERT_CREDENTIAL_UNCONFIRMED: return 4;
  }
  return 4;
}

/* "1 before 4 before 3 before 5 before 0". A usage error of one label must not hide an alert of another. */
static int exit_code_rank(int code)
{
  static const char order[] = { 0, 5, 3, 2, 4, 1 };
  for (int rank = 0; rank < (int)sizeof order; rank++) {
    if (order[rank] == code) {
      return rank;
    }
  }
  return (int)sizeof order;
}

int kt_exit_code_worse(int a, int b)
{
  return exit_code_rank(a) >= exit_code_rank(b) ? a : b;
}

bool kt_label_is_plain(struct kt_bytes label)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._+-";
  if (label.len == 0 || label.data[0] == '-') {
    return false;
  }
  for (size_t i = 0; i < label.len; i++) {
    if (label.data[i] == '\0' || strchr(plain, label.data[i]) == NULL) {
      return false;
    }
  }
  return true;
}

void kt_alert_next(const struct kt_alert *alert, struct kt_bytes label, char ret_text[static KT_ALERT_NEXT_SIZE])
{
  char device[KT_HEX_SIZE(KT_DEVICE_ID_LEN)] = "DEVICE";
  char id[KT_HEX_SIZE(KT_ALERT_ID_LEN)];
  if (alert->has_device) {
    kt_hex_encode((struct kt_bytes){ alert->device.b, sizeof alert->device.b }, device);
  }
  kt_hex_encode((struct kt_bytes){ alert->id.b, sizeof alert->id.b }, id);
  const struct kt_bytes word = { (const uint8_t *)"LABEL", 5 };
  const struct {
    const char *name;
    struct kt_bytes value;
  } fields[] = {
    { "{label}", kt_label_is_plain(label) ? label : word },
    { "{device}", { (const uint8_t *)device, strlen(device) } },
    { "{id}", { (const uint8_t *)id, strlen(id) } },
  };

  struct kt_writer w;
  kt_writer_init_fixed(&w, (uint8_t *)ret_text, KT_ALERT_NEXT_SIZE - 1);
  for (const char *at = kt_alert_text(alert)->next; *at != '\0';) {
    size_t field = 0;
    while (field < 3 && strncmp(at, fields[field].name, strlen(fields[field].name)) != 0) {
      field++;
    }
    if (field < 3) {
      kt_write_bytes(&w, fields[field].value.data, fields[field].value.len);
      at += strlen(fields[field].name);
    } else {
      kt_write_u8(&w, (uint8_t)*at++);
    }
  }
  ret_text[w.len] = '\0';
}
