/* SPDX-License-Identifier: Apache-2.0 */
#include "state_hooks.h"

#include "sql.h"
#include "state_alerts.h"

/* The claim is given up after this time: longer than any hook may run. */
#define CLAIM_MS 300000

enum kt_err kt_state_hook_enqueue(struct kt_state *state, const char *hook, const struct kt_alert_id *only,
                                  uint64_t now_ms)
{
  const struct kt_bytes id = { only != NULL ? only->b : NULL, KT_ALERT_ID_LEN };
  /* raised_ms tells the same alert, raised again, from the one that was told. */
  return kt_sql_run(state,
                    "INSERT INTO hook_runs(alert, hook, raised_ms, failures, next_ms, done_ms)"
                    " SELECT id, ?1, raised_ms, 0, ?2, 0 FROM alerts WHERE settlement = ?3"
                    " AND (?4 IS NULL OR id = ?4)"
                    " ON CONFLICT(alert, hook) DO UPDATE SET raised_ms = excluded.raised_ms, failures = 0,"
                    " next_ms = excluded.next_ms, done_ms = 0 WHERE raised_ms <> excluded.raised_ms",
                    "tiio", hook, now_ms, (uint64_t)KT_SETTLEMENT_OPEN, only != NULL ? &id : NULL);
}

static enum kt_err next_alert(struct kt_state *state, const char *hook, uint64_t now_ms, struct kt_alert_id *ret_id)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(state, &rows,
                                 "SELECT alert FROM hook_runs WHERE hook = ? AND done_ms = 0 AND next_ms <= ?"
                                 " ORDER BY raised_ms, alert LIMIT 1",
                                 "ti", hook, now_ms);
  if (err == KT_OK) {
    err = kt_sql_next(state, rows);
  }
  if (err == KT_OK) {
    err = kt_sql_fixed(rows, 0, ret_id->b, sizeof ret_id->b) ? KT_OK : KT_ERR_STORE;
    sqlite3_finalize(rows);
  }
  return err;
}

static enum kt_err failures_of(struct kt_state *state, const char *hook, uint32_t *ret_failures)
{
  sqlite3_stmt *rows;
  enum kt_err err = kt_sql_query(
      state, &rows, "SELECT coalesce(max(failures), 0) FROM hook_runs WHERE hook = ? AND done_ms = 0", "t", hook);
  if (err == KT_OK) {
    err = kt_sql_next(state, rows);
  }
  if (err == KT_OK) {
    *ret_failures = (uint32_t)kt_sql_u64(rows, 0);
    sqlite3_finalize(rows);
  }
  return err;
}

enum kt_err kt_state_hook_claim(struct kt_state *state, const char *hook, uint64_t now_ms, struct kt_arena *arena,
                                struct kt_hook_run *ret_run)
{
  struct kt_alert_id id;
  struct kt_hook_run run = { .failures = 0 };
  enum kt_err err = next_alert(state, hook, now_ms, &id);
  if (err == KT_OK) {
    err = kt_state_alert(state, &id, arena, &run.entry);
    err = err == KT_ERR_ABSENT ? KT_ERR_STORE : err; /* the ledger forgets nothing */
  }
  if (err == KT_OK) {
    err = failures_of(state, hook, &run.failures);
  }
  if (err == KT_OK) {
    run.failures++;
    err = kt_sql_run(
        state, "UPDATE hook_runs SET failures = ?, next_ms = ?, error = 'interrupted' WHERE alert = ? AND hook = ?",
        "iibt", (uint64_t)run.failures, now_ms + CLAIM_MS, (struct kt_bytes){ id.b, sizeof id.b }, hook);
  }
  if (err == KT_OK) {
    *ret_run = run;
  }
  return err;
}

enum kt_err kt_state_hook_done(struct kt_state *state, const char *hook, const struct kt_hook_run *run, uint64_t now_ms)
{
  const struct kt_alert_id *id = &run->entry.alert.id;
  enum kt_err err = kt_sql_run(state,
                               "UPDATE hook_runs SET done_ms = ?, failures = 0, error = NULL"
                               " WHERE alert = ? AND hook = ? AND raised_ms = ?",
                               "ibti", now_ms, (struct kt_bytes){ id->b, sizeof id->b }, hook, run->entry.raised_ms);
  /* It works again: what waits for it need not wait longer. */
  return err == KT_OK ? kt_sql_run(state,
                                   "UPDATE hook_runs SET failures = 0, next_ms = ?, error = NULL"
                                   " WHERE hook = ? AND done_ms = 0 AND failures > 0",
                                   "it", now_ms, hook)
                      : err;
}

enum kt_err kt_state_hook_failed(struct kt_state *state, const char *hook, const struct kt_hook_run *run,
                                 const char *error, uint64_t retry_ms)
{
  return kt_sql_run(state, "UPDATE hook_runs SET failures = ?, next_ms = ?, error = ? WHERE hook = ? AND done_ms = 0",
                    "iitt", (uint64_t)run->failures, retry_ms, error, hook);
}

enum kt_err kt_state_hook_prune(struct kt_state *state, uint64_t since_ms)
{
  return kt_sql_run(state, "DELETE FROM hook_runs WHERE done_ms = 0 AND next_ms < ?", "i", since_ms);
}

static enum kt_err read_backlog(sqlite3_stmt *row, struct kt_arena *arena, void *ret_item)
{
  struct kt_hook_backlog *ret_hook = ret_item;
  *ret_hook = (struct kt_hook_backlog){ .hook = kt_sql_text(row, 0, arena),
                                        .n_waiting = kt_sql_u64(row, 1),
                                        .failures = (uint32_t)kt_sql_u64(row, 2),
                                        .next_ms = kt_sql_u64(row, 3),
                                        .error = kt_sql_text(row, 4, arena) };
  return ret_hook->hook != NULL ? KT_OK : KT_ERR_MEMORY;
}

enum kt_err kt_state_hook_backlog(struct kt_state *state, struct kt_arena *arena, struct kt_hook_backlog **ret_hooks,
                                  size_t *ret_n)
{
  sqlite3_stmt *rows;
  struct kt_sql_items hooks;
  enum kt_err err =
      kt_sql_query(state, &rows,
                   "SELECT hook, count(*), max(failures), min(next_ms), max(error) FROM hook_runs WHERE done_ms = 0"
                   " GROUP BY hook ORDER BY hook",
                   "");
  if (err == KT_OK) {
    err = kt_sql_read_all(state, rows, read_backlog, sizeof(struct kt_hook_backlog), arena, &hooks);
  }
  if (err == KT_OK) {
    *ret_hooks = hooks.items;
    *ret_n = hooks.n;
  }
  return err;
}
