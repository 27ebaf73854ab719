/* SPDX-License-Identifier: Apache-2.0 */
#include "blind.h"

#include <kt/writer.h>
#include "schedule.h"
#include "state_alerts.h"

uint64_t kt_blind_due_ms(const struct kt_session *session, uint64_t checked_ms, uint64_t created_ms)
{
  return kt_schedule_blind_ms(checked_ms > 0 ? checked_ms : created_ms, session->config.reasonable_monitoring_window);
}

bool kt_blind_is(const struct kt_session *session, uint64_t checked_ms, uint64_t created_ms)
{
  uint64_t now_ms = kt_now_ms();
  uint64_t last_ms = checked_ms > 0 ? checked_ms : created_ms;
  bool is_future = last_ms > now_ms && last_ms - now_ms > session->config.max_ahead;
  return is_future || now_ms >= kt_blind_due_ms(session, checked_ms, created_ms);
}

static bool is_blind(const struct kt_session *session, const struct kt_own_account *account)
{
  return kt_blind_is(session, account->checked_ms, account->created_ms);
}

static uint64_t due_ms(const struct kt_session *session, const struct kt_own_account *account)
{
  return kt_blind_due_ms(session, account->checked_ms, account->created_ms);
}

/* docs/formats.md, Alert ids: each time without a check is a cause of its own. */
static enum kt_err raise_blind(struct kt_session *session, const struct kt_own_account *account)
{
  struct kt_alert alert = { .kind = KT_ALERT_MONITOR_BLIND, .audience = KT_AUDIENCE_OWNER };
  uint8_t since[8];
  struct kt_writer w;
  enum kt_raised raised;
  kt_writer_init_fixed(&w, since, sizeof since);
  kt_write_u64(&w, account->checked_ms > 0 ? account->checked_ms : account->created_ms);
  const struct kt_bytes part = { since, sizeof since };
  kt_alert_id_compute(alert.kind, &session->log_id, account->label, &part, 1, &alert.id);
  return kt_state_raise(&session->state, &alert, account->label, kt_now_ms(), &session->arena, &raised);
}

static enum kt_err end_blind(struct kt_session *session, struct kt_bytes label)
{
  struct kt_ledger_entry *entries;
  size_t n;
  enum kt_err err = kt_state_alerts(&session->state, &label, &session->arena, &entries, &n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    if (entries[i].alert.kind == KT_ALERT_MONITOR_BLIND) {
      err = kt_state_settle(&session->state, &entries[i], KT_SETTLEMENT_ENDED, 0, kt_now_ms());
    }
  }
  return err;
}

struct noted {
  const struct kt_own_account *account;
  bool checked;
};

static enum kt_err note(void *ctx, struct kt_session *session)
{
  const struct noted *noted = ctx;
  if (is_blind(session, noted->account)) {
    return raise_blind(session, noted->account);
  }
  return noted->checked ? end_blind(session, noted->account->label) : KT_OK;
}

enum kt_exit kt_blind_note(struct kt_session *session, const struct kt_own_account *account, bool checked)
{
  struct noted noted = { .account = account, .checked = checked };
  enum kt_err err;
  return kt_session_write(session, note, &noted, &err);
}

struct sweep {
  bool any;
  uint64_t next_ms;
};

static enum kt_err sweep(void *ctx, struct kt_session *session)
{
  struct sweep *found = ctx;
  struct kt_bytes *labels;
  size_t n;
  enum kt_err err = kt_state_account_labels(&session->state, &session->arena, &labels, &n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    struct kt_own_account account;
    err = kt_state_account(&session->state, labels[i], &session->arena, &account);
    uint64_t due = err == KT_OK ? due_ms(session, &account) : UINT64_MAX;
    if (err == KT_OK && is_blind(session, &account)) {
      found->any = true;
      err = raise_blind(session, &account);
    } else if (due < found->next_ms) {
      found->next_ms = due;
    }
  }
  return err;
}

enum kt_exit kt_blind_sweep(struct kt_session *session, bool *ret_any, uint64_t *ret_next_ms)
{
  struct sweep found = { .next_ms = UINT64_MAX };
  enum kt_err err;
  enum kt_exit code = kt_session_write(session, sweep, &found, &err);
  if (code == KT_EXIT_OK) {
    *ret_any = found.any;
    *ret_next_ms = found.next_ms;
  }
  return code;
}
