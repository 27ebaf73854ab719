/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs about one's own account share: opening it, its key, publishing, showing its devices. */
#ifndef KT_VERIFY_OWNER_REPORT_H
#define KT_VERIFY_OWNER_REPORT_H

#include "crypto/secret.h"
#include "owner.h"
#include "publish.h"
#include "report.h"

/* 1 to 255 bytes of UTF-8, which is all that a log asks of one; says so otherwise. */
enum kt_exit kt_own_check_label(struct kt_output *out, struct kt_bytes label);
/* Also refused: what was surely not meant (kt_text_slip), unless this home has an account or a contact of that label. */
enum kt_exit kt_own_check_typed(struct kt_session *session, struct kt_bytes label);
/* kt_own_open, and says so when there is no such account. */
enum kt_exit kt_own_open_said(struct kt_own_label *own, struct kt_session *session, const char *label);
/* The devices of the newest judged version, approved or not; version and signed of the JSON object. */
void kt_own_report_devices(struct kt_own_label *own);

/* --- verb_account.c ----------------------------------------------------------------------------------------------------- */

/* Of a label that is no account here yet: save the key if it is new here, start following, show what is there. */
enum kt_exit kt_own_take_up(struct kt_own_label *own, const struct kt_secret *secret, bool is_new);
/* Of an account that is here: stand by this key from now on, whatever key was here. */
enum kt_exit kt_own_take_key(struct kt_own_label *own, const struct kt_secret *secret);

/* --- publish_report.c --------------------------------------------------------------------------------------------------- */

/* DEVICE among the account's devices, present and recent. KT_EXIT_ABSENT, with nothing said: none. */
enum kt_exit kt_own_find_device(struct kt_own_label *own, const char *argument, const struct kt_device **ret_device);
/* Publish, and say what came of it, the list as it stands, and the alerts. */
enum kt_exit kt_own_publish_and_report(struct kt_publication *publication);

/* --- succession.c ------------------------------------------------------------------------------------------------------- */

/* The log stands by the key that the owner stands by. */
bool kt_own_is_established(const struct kt_own_label *own);
/* The key of the account that this home holds. KT_EXIT_ABSENT, with nothing said: none, or not the one that the owner
 * stands by now. A change of the key that was cut off after the log had it is finished on the way. */
enum kt_exit kt_own_find_key(struct kt_own_label *own, struct kt_secret **ret_secret);
/* The same, and says what to do when there is none. */
enum kt_exit kt_own_load_key(struct kt_own_label *own, struct kt_secret **ret_secret);
/* Is it here at all? A code about a key that somebody else holds must not leave this home. */
enum kt_exit kt_own_check_key(struct kt_own_label *own);
/* Make a new account key, have it vouched for by endorser (the established key itself, or a recovery key that the newest
 * list names and the new one does not), publish, and keep it in place of the old one. */
enum kt_exit kt_own_succeed(struct kt_own_label *own, const struct kt_secret *endorser,
                            const struct kt_account_key *used_recovery);

#endif
