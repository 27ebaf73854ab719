/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs about one's own account share: opening it, taking it up, showing its devices. */
#ifndef KT_VERIFY_OWNER_REPORT_H
#define KT_VERIFY_OWNER_REPORT_H

#include "crypto/secret.h"
#include "owner.h"
#include "publish.h"
#include "report.h"

/* 1 to 255 bytes of UTF-8; says so otherwise. */
enum kt_exit kt_own_check_label(struct kt_output *out, struct kt_bytes label);
/* kt_own_open, and says so when there is no such account. */
enum kt_exit kt_own_open_said(struct kt_own_label *own, struct kt_session *session, const char *label);
/* The devices of the newest judged version, approved or not; version and signed of the JSON object. */
void kt_own_report_devices(struct kt_own_label *own);
/* Save the key if it is new here, start following the label, show what is there (verb_account.c). */
enum kt_exit kt_own_take_up(struct kt_session *session, struct kt_bytes label, const struct kt_secret *secret,
                            bool is_new);

/* --- verb_device.c, for monitor approve ------------------------------------------------------------------------------- */

/* The account key; says so when it is not there. */
enum kt_exit kt_own_load_key(struct kt_own_label *own, struct kt_secret **ret_secret);
/* DEVICE among the account's devices, present and recent. KT_EXIT_ABSENT, with nothing said: none. */
enum kt_exit kt_own_find_device(struct kt_own_label *own, const char *argument, const struct kt_device **ret_device);
enum kt_exit kt_own_publish_and_report(struct kt_publication *publication);

#endif
