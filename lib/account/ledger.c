/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/ledger.h>

/* An acknowledged or approved cause stays settled while it lasts; one that went away and came back is news. */
static bool is_back(const struct kt_ledger_entry *entry, const struct kt_alert *alert)
{
  switch (entry->settlement) {
  case KT_SETTLEMENT_REMOVED: return alert->has_version && alert->version > entry->settled_version;
  case KT_SETTLEMENT_MATCHED:
  case KT_SETTLEMENT_ENDED: return true;
  case KT_SETTLEMENT_OPEN:
  case KT_SETTLEMENT_APPROVED: return false;
  /* A mismatch does not last: each is another comparison that somebody made. */
  case KT_SETTLEMENT_ACKNOWLEDGED: return alert->kind == KT_ALERT_CODE_MISMATCH;
  }
  return false;
}

enum kt_raised kt_ledger_raise(const struct kt_ledger_entry *existing, const struct kt_alert *alert,
                               struct kt_bytes label, uint64_t now_ms, struct kt_ledger_entry *ret_entry)
{
  if (alert->is_note) {
    return KT_RAISED_NOTE;
  }
  if (existing != NULL && !is_back(existing, alert)) {
    return KT_RAISED_KNOWN;
  }
  *ret_entry = (struct kt_ledger_entry){ .alert = *alert, .label = label, .raised_ms = now_ms };
  return existing != NULL ? KT_RAISED_AGAIN : KT_RAISED_NEW;
}

#define ALLOW(settlement) (1u << (settlement))

bool kt_settlement_allowed(enum kt_alert_kind kind, enum kt_settlement settlement)
{
  const unsigned owner = ALLOW(KT_SETTLEMENT_APPROVED) | ALLOW(KT_SETTLEMENT_REMOVED);
  unsigned allowed = ALLOW(KT_SETTLEMENT_ACKNOWLEDGED); /* a person may always say: I know */
  switch (kind) {
  case KT_ALERT_UNKNOWN_DEVICE:
  case KT_ALERT_VERSION_NOT_MINE:
  case KT_ALERT_DEVICE_REMOVED:
  case KT_ALERT_UNSIGNED_SET: allowed |= owner; break;
  case KT_ALERT_ACCOUNT_KEY_CHANGED: allowed |= owner | ALLOW(KT_SETTLEMENT_MATCHED); break;
  case KT_ALERT_CODE_MISMATCH: allowed |= ALLOW(KT_SETTLEMENT_MATCHED); break;
  case KT_ALERT_MONITOR_BLIND:
  case KT_ALERT_AUDITOR_MISSING: allowed |= ALLOW(KT_SETTLEMENT_ENDED); break;
  case KT_ALERT_CONTACT_DEVICE_ADDED:
  case KT_ALERT_FORK:
  case KT_ALERT_CREDENTIAL_UNCONFIRMED:
  case KT_ALERT_ROLLBACK: /* evidence does not go away by itself */
  case KT_ALERT_TEST: break;
  }
  return (allowed & ALLOW(settlement)) != 0;
}

const char *kt_settlement_name(enum kt_settlement settlement)
{
  static const char *const names[] = {
    [KT_SETTLEMENT_OPEN] = "open",       [KT_SETTLEMENT_APPROVED] = "approved",
    [KT_SETTLEMENT_REMOVED] = "removed", [KT_SETTLEMENT_ACKNOWLEDGED] = "acknowledged",
    [KT_SETTLEMENT_MATCHED] = "matched", [KT_SETTLEMENT_ENDED] = "ended",
  };
  return names[settlement];
}

enum kt_err kt_ledger_settle(const struct kt_ledger_entry *entry, enum kt_settlement settlement, uint32_t version,
                             uint64_t now_ms, struct kt_ledger_entry *ret_entry)
{
  if (entry->settlement != KT_SETTLEMENT_OPEN) {
    return KT_ERR_CONFLICT;
  }
  if (!kt_settlement_allowed(entry->alert.kind, settlement)) {
    return KT_ERR_USAGE;
  }
  struct kt_ledger_entry settled = *entry;
  settled.settlement = settlement;
  settled.settled_ms = now_ms;
  settled.settled_version = settlement == KT_SETTLEMENT_REMOVED ? version : 0;
  *ret_entry = settled;
  return KT_OK;
}

int kt_ledger_exit_code(int run_code, bool any_open)
{
  bool verified = run_code == 0 || run_code == 5;
  return verified && any_open ? 4 : run_code;
}
