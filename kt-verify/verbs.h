/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs: each does one thing a person asked for and returns the exit code (kt_output_finish writes the JSON). */
#ifndef KT_VERIFY_VERBS_H
#define KT_VERIFY_VERBS_H

#include "cli.h"
#include "output.h"

enum kt_exit kt_verb_init(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_config_show(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_config_update(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_account_create(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_account_show(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_account_forget(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_account_export(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_account_import(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_account_rotate(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_account_recovery_key(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_device_add(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_device_remove(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_device_list(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_lookup(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_contact_list(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_contact_show(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_contact_trust(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_contact_untrust(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_contact_policy(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_contact_export(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_contact_import(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_code_show(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_code_compare(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_code_public(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_code_check_public(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_code_qr(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_code_scan(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_code_sas(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_monitor_add(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_monitor_remove(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_monitor_once(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_monitor_run(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_monitor_test_alert(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_monitor_status(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_monitor_approve(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_alerts_list(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_alerts_ack(const struct kt_cli *cli, struct kt_output *out);
/* audit with --follow or --sign; verb_auditor.c. */
enum kt_exit kt_audit_as_auditor(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_auditor_keygen(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_audit(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_log_head(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_log_distinguished(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_log_check(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_log_migration(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_credential_make(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_credential_check(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_credential_update(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_evidence_list(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_evidence_show(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_evidence_export(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_evidence_verify(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_completion(const struct kt_cli *cli, struct kt_output *out);
enum kt_exit kt_verb_version(const struct kt_cli *cli, struct kt_output *out);

#endif
