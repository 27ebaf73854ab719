/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of alerts: each is raised once per cause and stays until it is settled, with how and when.
 *
 * Plain values and rules; keeping entries (keyed by id) is the caller's. Times are Unix milliseconds passed in. */
#ifndef KT_LEDGER_H
#define KT_LEDGER_H

#include <kt/alert.h>

KT_API_BEGIN

enum kt_settlement {
  KT_SETTLEMENT_OPEN,
  KT_SETTLEMENT_APPROVED,     /* the owner approved it (monitor approve), or trusted the new key */
  KT_SETTLEMENT_REMOVED,      /* the owner published a set without it */
  KT_SETTLEMENT_ACKNOWLEDGED, /* alerts ack */
  KT_SETTLEMENT_MATCHED,      /* a later comparison matched */
  KT_SETTLEMENT_ENDED,        /* the condition is over: checks succeed, the auditor is back */
};

struct kt_ledger_entry {
  struct kt_alert alert;
  struct kt_bytes label; /* borrowed, as alert.device_name */
  uint64_t raised_ms;
  enum kt_settlement settlement;
  uint64_t settled_ms;      /* unless open */
  uint32_t settled_version; /* REMOVED: the owner's version that removed it */
};

enum kt_raised {
  KT_RAISED_NEW,   /* tell the person, keep the entry */
  KT_RAISED_AGAIN, /* was removed or over, and is back: tell the person, replace the entry */
  KT_RAISED_KNOWN, /* nothing to do */
  KT_RAISED_NOTE,  /* tell the person, keep nothing */
};

/* existing: the entry with the alert's id, or NULL. ret_entry is filled unless KNOWN or NOTE. */
KT_MUST_USE enum kt_raised kt_ledger_raise(const struct kt_ledger_entry *existing, const struct kt_alert *alert,
                                           struct kt_bytes label, uint64_t now_ms, struct kt_ledger_entry *ret_entry);

bool kt_settlement_allowed(enum kt_alert_kind kind, enum kt_settlement settlement);
const char *kt_settlement_name(enum kt_settlement settlement);

/* KT_ERR_CONFLICT: settled already; KT_ERR_USAGE: this kind is not settled that way. version counts for REMOVED. */
KT_MUST_USE enum kt_err kt_ledger_settle(const struct kt_ledger_entry *entry, enum kt_settlement settlement,
                                         uint32_t version, uint64_t now_ms, struct kt_ledger_entry *ret_entry);

/* The run's exit code with the relevant alerts in mind: "exit 4 as long as a relevant alert is open and this run
 * verified", so 0 and 5 become 4, and everything else stays. */
int kt_ledger_exit_code(int run_code, bool any_open);

KT_API_END

#endif
