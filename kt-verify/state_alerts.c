/* SPDX-License-Identifier: Apache-2.0 */
#include "state_alerts.h"

#include "sql.h"

#define COLUMNS                                                                                                 \
  "id, kind, audience, label, detail, device, device_name, version, position, time_ms, raised_ms, settlement, " \
  "settled_ms, settled_version, key_replaced, by_account_key"

enum {
  ID,
  KIND,
  AUDIENCE,
  LABEL,
  DETAIL,
  DEVICE,
  DEVICE_NAME,
  VERSION,
  POSITION,
  TIME,
  RAISED,
  SETTLEMENT,
  SETTLED,
  SETTLED_VERSION,
  KEY_REPLACED,
  BY_ACCOUNT_KEY
};

static enum kt_err read_entry(sqlite3_stmt *row, struct kt_arena *arena, void *ret_item)
{
  struct kt_ledger_entry *ret_entry = ret_item;
  struct kt_ledger_entry entry = { .raised_ms = kt_sql_u64(row, RAISED) };
  struct kt_alert *alert = &entry.alert;
  const char *kind = kt_sql_text(row, KIND, arena);
  uint64_t audience = kt_sql_u64(row, AUDIENCE);
  uint64_t settlement = kt_sql_u64(row, SETTLEMENT);
  if (kind == NULL || kt_alert_kind_from_name(kind, &alert->kind) != KT_OK || audience > KT_AUDIENCE_ANYONE ||
      settlement > KT_SETTLEMENT_ENDED || !kt_sql_fixed(row, ID, alert->id.b, sizeof alert->id.b)) {
    return KT_ERR_STORE;
  }
  alert->audience = (enum kt_audience)audience;
  alert->key_replaced = kt_sql_u64(row, KEY_REPLACED) != 0;
  alert->by_account_key = kt_sql_u64(row, BY_ACCOUNT_KEY) != 0;
  alert->detail = kt_sql_text(row, DETAIL, arena);
  alert->has_device = kt_sql_fixed(row, DEVICE, alert->device.b, sizeof alert->device.b);
  alert->device_name = kt_sql_blob(row, DEVICE_NAME, arena);
  alert->has_version = sqlite3_column_type(row, VERSION) != SQLITE_NULL;
  alert->version = (uint32_t)kt_sql_u64(row, VERSION);
  alert->position = kt_sql_u64(row, POSITION);
  alert->time_ms = kt_sql_u64(row, TIME);
  entry.label = kt_sql_blob(row, LABEL, arena);
  entry.settlement = (enum kt_settlement)settlement;
  entry.settled_ms = kt_sql_u64(row, SETTLED);
  entry.settled_version = (uint32_t)kt_sql_u64(row, SETTLED_VERSION);
  *ret_entry = entry;
  return KT_OK;
}

enum kt_err kt_state_alert(struct kt_state *state, const struct kt_alert_id *id, struct kt_arena *arena,
                           struct kt_ledger_entry *ret_entry)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(state, &rows, "SELECT " COLUMNS " FROM alerts WHERE id = ?", "b",
                                 (struct kt_bytes){ id->b, sizeof id->b });
  return err == KT_OK ? kt_sql_read_one(state, rows, read_entry, arena, ret_entry) : err;
}

enum kt_err kt_state_put_alert(struct kt_state *state, const struct kt_ledger_entry *entry)
{
  const struct kt_alert *alert = &entry->alert;
  const struct kt_bytes device = { alert->device.b, sizeof alert->device.b };
  enum kt_err err = kt_sql_run(
      state,
      "INSERT OR REPLACE INTO alerts(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, ?, ?, ?, ?, ?, ?)",
      "btibtooiiiiii", (struct kt_bytes){ alert->id.b, sizeof alert->id.b }, kt_alert_kind_name(alert->kind),
      (uint64_t)alert->audience, entry->label, alert->detail, alert->has_device ? &device : NULL,
      alert->has_device ? &alert->device_name : NULL, entry->raised_ms, (uint64_t)entry->settlement, entry->settled_ms,
      (uint64_t)entry->settled_version, (uint64_t)alert->key_replaced, (uint64_t)alert->by_account_key);
  if (err == KT_OK && alert->has_version) {
    err = kt_sql_run(state, "UPDATE alerts SET version = ?, position = ?, time_ms = ? WHERE id = ?", "iiib",
                     (uint64_t)alert->version, alert->position, alert->time_ms,
                     (struct kt_bytes){ alert->id.b, sizeof alert->id.b });
  }
  return err;
}

enum kt_err kt_state_raise(struct kt_state *state, const struct kt_alert *alert, struct kt_bytes label, uint64_t now_ms,
                           struct kt_arena *arena, enum kt_raised *ret_raised)
{
  struct kt_ledger_entry existing;
  struct kt_ledger_entry entry;
  enum kt_err err = kt_state_alert(state, &alert->id, arena, &existing);
  if (err != KT_OK && err != KT_ERR_ABSENT) {
    return err;
  }
  enum kt_raised raised = kt_ledger_raise(err == KT_OK ? &existing : NULL, alert, label, now_ms, &entry);
  if (raised == KT_RAISED_NEW || raised == KT_RAISED_AGAIN) {
    err = kt_state_put_alert(state, &entry);
    if (err != KT_OK) {
      return err;
    }
  }
  *ret_raised = raised;
  return KT_OK;
}

enum kt_err kt_state_alerts(struct kt_state *state, const struct kt_bytes *label, struct kt_arena *arena,
                            struct kt_ledger_entry **ret_entries, size_t *ret_n)
{
  sqlite3_stmt *rows;
  struct kt_sql_items entries;
  enum kt_err err = kt_sql_query(
      state, &rows,
      "SELECT " COLUMNS
      " FROM alerts WHERE ?1 IS NULL OR label = ?1 ORDER BY key_replaced AND settlement = 0 DESC, raised_ms DESC, id",
      "o", label);
  if (err == KT_OK) {
    err = kt_sql_read_all(state, rows, read_entry, sizeof(struct kt_ledger_entry), arena, &entries);
  }
  if (err == KT_OK) {
    *ret_entries = entries.items;
    *ret_n = entries.n;
  }
  return err;
}

enum kt_err kt_state_open_alerts(struct kt_state *state, struct kt_bytes label, struct kt_arena *arena,
                                 struct kt_ledger_entry **ret_entries, size_t *ret_n)
{
  struct kt_ledger_entry *entries;
  size_t n;
  size_t n_open = 0;
  enum kt_err err = kt_state_alerts(state, &label, arena, &entries, &n);
  if (err != KT_OK) {
    return err;
  }
  for (size_t i = 0; i < n; i++) {
    if (entries[i].settlement == KT_SETTLEMENT_OPEN) {
      entries[n_open++] = entries[i];
    }
  }
  *ret_entries = entries;
  *ret_n = n_open;
  return KT_OK;
}

enum kt_err kt_state_settle(struct kt_state *state, const struct kt_ledger_entry *entry, enum kt_settlement settlement,
                            uint32_t version, uint64_t now_ms)
{
  struct kt_ledger_entry settled;
  enum kt_err err = kt_ledger_settle(entry, settlement, version, now_ms, &settled);
  return err == KT_OK ? kt_state_put_alert(state, &settled) : KT_OK;
}
