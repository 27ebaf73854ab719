/* SPDX-License-Identifier: Apache-2.0 */
/* Final verification of provisional credentials received earlier (draft: Credentials / Provisional).
 *
 * Whatever the distinguished heads known here decide is decided without asking the log. It is asked for an update only
 * when a credential expires unconfirmed (R67), and only by kt_credentials_check. */
#ifndef KT_VERIFY_CREDENTIAL_QUEUE_H
#define KT_VERIFY_CREDENTIAL_QUEUE_H

#include "session.h"
#include "state_credentials.h"

/* The heads known here, with the newest timestamp this home has seen; in the arena. Says when there are none or when they
 * are too old to go by. */
enum kt_exit kt_credentials_recent(struct kt_session *session, struct kt_recent_heads *ret_recent);

/* Decide about one waiting credential as far as the heads known here allow, and say so. KT_EXIT_OK: confirmed, and not
 * waiting any more. KT_EXIT_UNDECIDED: it goes on waiting. KT_EXIT_FAILED: the log known here is another one than the
 * credential shows. */
enum kt_exit kt_credentials_decide(struct kt_session *session, const struct kt_recent_heads *recent,
                                   const struct kt_waiting_credential *waiting);

/* For the monitor: learn the heads anew once per monitoring window, then decide about all that wait. Those that expired
 * are asked about, and reported when the log has no good answer. */
enum kt_exit kt_credentials_check(struct kt_session *session);

#endif
