/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of alerts in the state database (rules: kt/ledger.h). Inside a transaction; arrays in the arena. */
#ifndef KT_VERIFY_STATE_ALERTS_H
#define KT_VERIFY_STATE_ALERTS_H

#include <kt/ledger.h>

#include "state.h"

/* Keep the alert unless it is known; ret_raised says whether to tell the person. */
KT_MUST_USE enum kt_err kt_state_raise(struct kt_state *state, const struct kt_alert *alert, struct kt_bytes label,
                                       uint64_t now_ms, struct kt_arena *arena, enum kt_raised *ret_raised);
/* KT_ERR_ABSENT. */
KT_MUST_USE enum kt_err kt_state_alert(struct kt_state *state, const struct kt_alert_id *id, struct kt_arena *arena,
                                       struct kt_ledger_entry *ret_entry);
/* All entries, newest first, but open ones about a replaced account key before all others; label NULL: of every label. */
KT_MUST_USE enum kt_err kt_state_alerts(struct kt_state *state, const struct kt_bytes *label, struct kt_arena *arena,
                                        struct kt_ledger_entry **ret_entries, size_t *ret_n);
/* Those of a label that nothing settled, in the same order. */
KT_MUST_USE enum kt_err kt_state_open_alerts(struct kt_state *state, struct kt_bytes label, struct kt_arena *arena,
                                             struct kt_ledger_entry **ret_entries, size_t *ret_n);
/* Replace an entry by what kt_ledger_settle made of it. */
KT_MUST_USE enum kt_err kt_state_put_alert(struct kt_state *state, const struct kt_ledger_entry *entry);
/* Settle if the rules allow it; otherwise leave it. */
KT_MUST_USE enum kt_err kt_state_settle(struct kt_state *state, const struct kt_ledger_entry *entry,
                                        enum kt_settlement settlement, uint32_t version, uint64_t now_ms);

#endif
