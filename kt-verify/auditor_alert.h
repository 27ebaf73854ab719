/* SPDX-License-Identifier: Apache-2.0 */
/* auditor-missing: "the auditor's head is absent or late (a forged one is a failure)". Raised once for the time without
 * it, ended by the next answer that verifies. */
#ifndef KT_VERIFY_AUDITOR_ALERT_H
#define KT_VERIFY_AUDITOR_ALERT_H

#include "session.h"

/* What a verifier or a server says when it is so: the reason's code, and the end of the problem's type. */
#define KT_AUDITOR_MISSING "auditor-missing"
bool kt_auditor_is_missing(const struct kt_reason *reason, const struct kt_reply *reply);

/* Raise it and tell; said already that the query got no usable answer. */
void kt_auditor_raise_missing(struct kt_session *session);
/* Inside a transaction: an answer verified. */
KT_MUST_USE enum kt_err kt_auditor_end_missing(struct kt_session *session);

#endif
