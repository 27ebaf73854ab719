/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-blind: "no successful check for longer than the window". Raised once for the time without a check, ended by
 * the next success, and by nothing else. */
#ifndef KT_VERIFY_BLIND_H
#define KT_VERIFY_BLIND_H

#include "session.h"
#include "state_accounts.h"

/* The first millisecond at which something checked then is overdue; never checked: counted from `created_ms`. */
uint64_t kt_blind_due_ms(const struct kt_session *session, uint64_t checked_ms, uint64_t created_ms);
/* Whether it is overdue now. So is what was checked in this clock's future: nobody knows how long ago that was. As much as
 * the log's clock may be ahead, this one may have been set back. */
bool kt_blind_is(const struct kt_session *session, uint64_t checked_ms, uint64_t created_ms);
/* Raise it when it is overdue; checked: by a check that has just succeeded, which ends it. */
enum kt_exit kt_blind_note(struct kt_session *session, const struct kt_own_account *account, bool checked);
/* Raise it for every own account for which it is due; when the next one will be, UINT64_MAX: none. Whether one is due. */
enum kt_exit kt_blind_sweep(struct kt_session *session, bool *ret_any, uint64_t *ret_next_ms);

#endif
