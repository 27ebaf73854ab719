/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-blind: "no successful check for longer than the window". Raised once for the time without a check, ended by
 * the next success. */
#ifndef KT_VERIFY_BLIND_H
#define KT_VERIFY_BLIND_H

#include "session.h"
#include "state_accounts.h"

/* The first millisecond at which something checked then is overdue; never checked: counted from `created_ms`. */
uint64_t kt_blind_due_ms(const struct kt_session *session, uint64_t checked_ms, uint64_t created_ms);
/* Raise it when it is due, end it when it is not. */
enum kt_exit kt_blind_note(struct kt_session *session, const struct kt_own_account *account);
/* Raise it for every own account for which it is due; when the next one will be, UINT64_MAX: none. Whether one is due. */
enum kt_exit kt_blind_sweep(struct kt_session *session, bool *ret_any, uint64_t *ret_next_ms);

#endif
