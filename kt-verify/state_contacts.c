/* SPDX-License-Identifier: Apache-2.0 */
#include "state_contacts.h"

#include <kt/writer.h>
#include "sql.h"

#define MONITORING_MAX ((size_t)1 << 20)
#define COLUMNS                                                                                                \
  "label, monitoring, version, key, contact_state, since_ms, method, verified_ms, changed_key, policy, last, " \
  "watched, checked_ms, contradicted"

enum {
  LABEL,
  MONITORING,
  VERSION,
  KEY,
  STATE,
  SINCE,
  METHOD,
  VERIFIED,
  CHANGED_KEY,
  POLICY,
  LAST,
  WATCHED,
  CHECKED,
  CONTRADICTED
};

static enum kt_err read_contact(sqlite3_stmt *row, struct kt_arena *arena, void *ret_item)
{
  struct kt_other_label *ret_other = ret_item;
  struct kt_other_label other = { .has_version = sqlite3_column_type(row, VERSION) != SQLITE_NULL };
  struct kt_contact *contact = &other.contact;
  struct kt_bytes monitoring = kt_sql_blob(row, MONITORING, arena);
  uint64_t state = kt_sql_u64(row, STATE);
  uint64_t method = kt_sql_u64(row, METHOD);
  if (monitoring.data == NULL || state > KT_CONTACT_CHANGED || method > KT_METHOD_PUBLIC_CODE ||
      kt_contact_state_decode(monitoring, arena, &other.monitoring) != KT_OK) {
    return KT_ERR_STORE;
  }
  contact->has_key = kt_sql_fixed(row, KEY, contact->key.b, sizeof contact->key.b);
  contact->state = (enum kt_contact_standing)state;
  contact->since_ms = kt_sql_u64(row, SINCE);
  contact->method = (enum kt_contact_method)method;
  contact->verified_ms = kt_sql_u64(row, VERIFIED);
  if (state == KT_CONTACT_CHANGED && !kt_sql_fixed(row, CHANGED_KEY, contact->changed_key.b, KT_ACCOUNT_KEY_LEN)) {
    return KT_ERR_STORE;
  }
  contact->is_contradicted = state == KT_CONTACT_CHANGED && kt_sql_u64(row, CONTRADICTED) != 0;
  contact->policy = kt_sql_u64(row, POLICY) == KT_CONTACT_STRICT ? KT_CONTACT_STRICT : KT_CONTACT_NORMAL;
  other.label = kt_sql_blob(row, LABEL, arena);
  other.version = (uint32_t)kt_sql_u64(row, VERSION);
  other.last = kt_sql_blob(row, LAST, arena);
  other.watched = kt_sql_u64(row, WATCHED) != 0;
  other.checked_ms = kt_sql_u64(row, CHECKED);
  *ret_other = other;
  return KT_OK;
}

enum kt_err kt_state_contact(struct kt_state *state, struct kt_bytes label, struct kt_arena *arena,
                             struct kt_other_label *ret_other)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(state, &rows, "SELECT " COLUMNS " FROM contacts WHERE label = ?", "b", label);
  if (err == KT_OK) {
    err = kt_sql_read_one(state, rows, read_contact, arena, ret_other);
  }
  if (err == KT_ERR_ABSENT) {
    *ret_other = (struct kt_other_label){ .label = label };
    return KT_OK;
  }
  return err;
}

enum kt_err kt_state_has_label(struct kt_state *state, struct kt_bytes label)
{
  sqlite3_stmt *rows;
  enum kt_err err =
      kt_sql_query(state, &rows, "SELECT 1 FROM accounts WHERE label = ? UNION SELECT 1 FROM contacts WHERE label = ?",
                   "bb", label, label);
  if (err == KT_OK) {
    err = kt_sql_next(state, rows);
  }
  if (err == KT_OK) {
    sqlite3_finalize(rows);
  }
  return err;
}

enum kt_err kt_state_put_contact(struct kt_state *state, const struct kt_other_label *other)
{
  const struct kt_contact *contact = &other->contact;
  const struct kt_bytes key = { contact->key.b, sizeof contact->key.b };
  const struct kt_bytes changed = { contact->changed_key.b, sizeof contact->changed_key.b };
  struct kt_writer w;
  kt_writer_init(&w, MONITORING_MAX);
  kt_contact_state_write(&w, &other->monitoring);
  enum kt_err err = w.err;
  if (err == KT_OK) {
    err = kt_sql_run(state,
                     "INSERT OR REPLACE INTO contacts(" COLUMNS ") VALUES(?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     "bboiiiioioiii", other->label, (struct kt_bytes){ w.buf, w.len }, contact->has_key ? &key : NULL,
                     (uint64_t)contact->state, contact->since_ms, (uint64_t)contact->method, contact->verified_ms,
                     contact->state == KT_CONTACT_CHANGED ? &changed : NULL, (uint64_t)contact->policy,
                     other->last.data != NULL ? &other->last : NULL, (uint64_t)other->watched, other->checked_ms,
                     (uint64_t)contact->is_contradicted);
  }
  if (err == KT_OK && other->has_version) {
    err = kt_sql_run(state, "UPDATE contacts SET version = ? WHERE label = ?", "ib", (uint64_t)other->version,
                     other->label);
  }
  kt_writer_release(&w);
  return err;
}

enum kt_err kt_state_forget_contact(struct kt_state *state, struct kt_bytes label)
{
  return kt_sql_run(state, "DELETE FROM contacts WHERE label = ?", "b", label);
}

enum kt_err kt_state_contacts(struct kt_state *state, struct kt_arena *arena, struct kt_other_label **ret_others,
                              size_t *ret_n)
{
  sqlite3_stmt *rows;
  struct kt_sql_items others;
  enum kt_err err = kt_sql_query(state, &rows, "SELECT " COLUMNS " FROM contacts ORDER BY label", "");
  if (err == KT_OK) {
    err = kt_sql_read_all(state, rows, read_contact, sizeof(struct kt_other_label), arena, &others);
  }
  if (err == KT_OK) {
    *ret_others = others.items;
    *ret_n = others.n;
  }
  return err;
}
