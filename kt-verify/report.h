/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, alerts and contacts, for people on stdout and as members of the JSON object. Names and labels come from
 * others and are cleaned before they reach a terminal. */
#ifndef KT_VERIFY_REPORT_H
#define KT_VERIFY_REPORT_H

#include <kt/contact.h>
#include <kt/ledger.h>

#include "report_time.h"
#include "session.h"

/* One device with its keys and their fingerprints; word says how it stands ("endorsed", "NOT approved"). */
void kt_report_device(struct kt_output *out, const struct kt_device *device, bool endorsed, const char *word);
void kt_report_key(struct kt_output *out, const char *name, const struct kt_account_key *key);
const char *kt_report_method(enum kt_contact_method method);
void kt_report_contact(struct kt_output *out, const struct kt_contact *contact);
json_t *kt_report_contact_json(const struct kt_contact *contact);

json_t *kt_report_alert_json(const struct kt_alert *alert);

/* One alert in full: what was seen and where, what it means, what to do now. */
void kt_report_alert(struct kt_output *out, const struct kt_alert *alert, struct kt_bytes label);
/* To `alerts` of the JSON object; false: it is there already, so it was reported. */
bool kt_report_append_alert(struct kt_output *out, const struct kt_alert *alert);

/* The alert with the key fingerprints of its device, as `set` lists it, in its detail: what a person decides by. */
struct kt_alert kt_report_with_keys(const struct kt_alert *alert, const struct kt_device_set *set,
                                    struct kt_arena *arena);

/* The open alerts of this label, and those about the log as a whole: new ones in full, older ones in a line each. Gives
 * the run's exit code with them in mind: "exit 4 as long as a relevant alert is open and this run verified". */
enum kt_exit kt_report_alerts(struct kt_session *session, struct kt_bytes label, enum kt_exit code);
/* Only that exit code, for the status line that comes first. */
enum kt_exit kt_report_code(struct kt_session *session, struct kt_bytes label, enum kt_exit code);

/* The open alerts about one's own account, while something else was done with it: into the JSON object, and in a sentence
 * that they are there. They leave the exit code alone. */
enum kt_exit kt_report_own_alerts(struct kt_session *session, struct kt_bytes label, const char *name);

#endif
