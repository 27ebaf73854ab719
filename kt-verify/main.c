/* SPDX-License-Identifier: Apache-2.0 */
/* The verb table. */
#include <curl/curl.h>
#include <locale.h>
#include <signal.h>

#include <kt/suite.h>

#include "cli.h"
#include "output.h"
#include "verbs.h"

#define OPT(name) KT_OPT_BIT(KT_OPT_##name)

static const struct kt_verb verbs[] = {
  { "init", "URL --config FILE | URL --first-use", 1, 1, OPT(CONFIG) | OPT(FIRST_USE), kt_verb_init,
    "pin a log: its configuration, and the first head it shows" },
  { "config show", "", 0, 0, 0, kt_verb_config_show, "the pinned configuration" },
  { "config update", "FILE", 1, 1, 0, kt_verb_config_update, "accept a successor configuration of the same log" },
  { "account create", "LABEL", 1, 1, 0, kt_verb_account_create,
    "make an account key for your label and start following it" },
  { "account show", "LABEL", 1, 1, 0, kt_verb_account_show, "the account's key, versions and devices" },
  { "account forget", "LABEL", 1, 1, 0, kt_verb_account_forget,
    "no longer follow an account that you began and published nothing for" },
  { "account export", "LABEL", 1, 1, OPT(PASSPHRASE_FILE), kt_verb_account_export,
    "write the account key to stdout, encrypted under a passphrase" },
  { "account import", "LABEL", 1, 1, OPT(PASSPHRASE_FILE), kt_verb_account_import,
    "read an exported account key from stdin and follow the account from here" },
  { "account rotate", "LABEL", 1, 1, 0, kt_verb_account_rotate,
    "replace the account key by a new one that the old one endorses" },
  { "account recovery-key", "create LABEL | check LABEL | use LABEL [FILE|-] | remove LABEL FINGERPRINT", 2, 3, 0,
    kt_verb_account_recovery_key, "a key on paper that can put a new account key in place when this one is lost" },
  { "device add", "LABEL --name NAME --key ALG:BASE64…", 1, 1, OPT(NAME) | OPT(KEY) | OPT(TOKEN), kt_verb_device_add,
    "publish a device's public keys" },
  { "device remove", "LABEL DEVICE…", 2, KT_CLI_ARGS_MAX, 0, kt_verb_device_remove,
    "publish the list without these devices (id or key fingerprint, or the beginning of one)" },
  { "device list", "LABEL", 1, 1, 0, kt_verb_device_list, "devices of your account, as the log shows them now" },
  { "lookup", "LABEL | --group FILE|-", 0, 1, OPT(VERSION) | OPT(GROUP) | OPT(REQUIRE_VERIFIED) | OPT(ALLOW_UNSIGNED),
    kt_verb_lookup, "somebody's devices and public keys, verified; or those of everybody in FILE, a label per line" },
  { "contact list", "", 0, 0, 0, kt_verb_contact_list, "everybody you looked up" },
  { "contact show", "LABEL", 1, 1, 0, kt_verb_contact_show, "what is known about one contact" },
  { "contact trust", "LABEL --key FINGERPRINT", 1, 1, OPT(KEY), kt_verb_contact_trust,
    "mark a contact verified by the fingerprint of their account key" },
  { "contact untrust", "LABEL", 1, 1, 0, kt_verb_contact_untrust, "take a verification back" },
  { "contact policy", "LABEL normal|strict", 2, 2, 0, kt_verb_contact_policy,
    "strict: also alert when the contact adds a device" },
  { "contact export", "[FILE|-]", 0, 1, OPT(AS), kt_verb_contact_export,
    "your verified contacts, encrypted under your account key, for another computer of yours" },
  { "contact import", "[FILE|-]", 0, 1, OPT(AS), kt_verb_contact_import,
    "take over contacts that you verified on another computer" },
  { "code show", "LABEL", 1, 1, OPT(AS), kt_verb_code_show, "the safety number between you and LABEL" },
  { "code compare", "LABEL DIGITS|-", 2, KT_CLI_ARGS_MAX, OPT(AS), kt_verb_code_compare,
    "compare it with the digits the other person sees" },
  { "code qr", "LABEL [--png FILE]", 1, 1, OPT(AS) | OPT(PNG), kt_verb_code_qr,
    "a QR code for LABEL to scan off your screen: your key, theirs, and the log you see" },
  { "code scan", "PAYLOAD|-|FILE.png", 1, 1, OPT(AS), kt_verb_code_scan,
    "compare with what the other person's screen shows" },
  { "code sas", "start|join LABEL [ROOM | --in FILE --out FILE]", 2, KT_CLI_ARGS_MAX,
    OPT(AS) | OPT(IN) | OPT(OUT) | OPT(CONFIRM), kt_verb_code_sas,
    "compare seven emoji or three numbers with LABEL on a live call" },
  { "code public", "LABEL", 1, 1, 0, kt_verb_code_public, "the code to post or print: of your account, or LABEL's" },
  { "code check-public", "LABEL CODE|-", 2, KT_CLI_ARGS_MAX, 0, kt_verb_code_check_public,
    "whether a posted code is of the key that the log shows for LABEL" },
  { "monitor add", "LABEL", 1, 1, 0, kt_verb_monitor_add, "watch somebody else's label as well" },
  { "monitor remove", "LABEL", 1, 1, 0, kt_verb_monitor_remove, "no longer watch somebody else's label" },
  { "monitor once", "[--hook CMD]", 0, 0, OPT(HOOK), kt_verb_monitor_once,
    "check your accounts and what you watch; fits a timer" },
  { "monitor run", "[--interval S] [--hook CMD]", 0, 0, OPT(INTERVAL) | OPT(HOOK), kt_verb_monitor_run,
    "the same again and again until SIGTERM; SIGUSR1 makes it look at the clock" },
  { "monitor test-alert", "[--hook CMD]", 0, 0, OPT(HOOK), kt_verb_monitor_test_alert,
    "send a test alert through all hooks, to see whether alerts reach you" },
  { "monitor status", "", 0, 0, 0, kt_verb_monitor_status, "when each label was checked last; asks nobody" },
  { "monitor approve", "LABEL DEVICE…", 2, KT_CLI_ARGS_MAX, OPT(TOKEN), kt_verb_monitor_approve,
    "say that devices are yours (id or key fingerprint; a full fingerprint also in advance)" },
  { "alerts list", "", 0, 0, 0, kt_verb_alerts_list, "all alerts and how they were settled" },
  { "alerts ack", "ID", 1, 1, 0, kt_verb_alerts_ack, "settle an alert you have dealt with" },
  { "audit", "[--from N] [--to N] | [--follow] [--sign KEY]; [--jobs N]", 0, 0,
    OPT(FROM) | OPT(TO) | OPT(FOLLOW) | OPT(SIGN) | OPT(INTERVAL) | OPT(JOBS), kt_verb_audit,
    "verify every log entry; goes on where the last run stopped unless --from is given. --sign: as the log's auditor" },
  { "auditor keygen", "FILE [--suite ed25519|p256]", 1, 1, OPT(SUITE), kt_verb_auditor_keygen,
    "make an auditor's key: FILE, and FILE.pub for the log's operator" },
  { "log head", "", 0, 0, 0, kt_verb_log_head,
    "the log's newest signed state (its head), verified, to exchange with others" },
  { "log distinguished", "", 0, 0, 0, kt_verb_log_distinguished, "the recent heads that everybody is shown as well" },
  { "log check", "FILE", 1, 1, 0, kt_verb_log_check, "whether somebody else's heads are of the same log" },
  { "log migration", "FILE [--out FILE]", 1, 1, OPT(OUT), kt_verb_log_migration,
    "check what the operator says about the log's end and the log that goes on; --out: its configuration" },
  { "credential make", "LABEL [--position N] [--out FILE]", 1, 1, OPT(POSITION) | OPT(OUT), kt_verb_credential_make,
    "a proof of your newest devices to send to somebody, who checks it without asking the log" },
  { "credential check", "FILE|-", 1, 1, 0, kt_verb_credential_check,
    "check a credential, or an update of one, that somebody sent; asks nobody" },
  { "credential update", "FILE|- [--out FILE]", 1, 1, OPT(OUT), kt_verb_credential_update,
    "what finally confirms a provisional credential you made, to send after it" },
  { "evidence list", "", 0, 0, 0, kt_verb_evidence_list, "what was saved about contradictions of the log" },
  { "evidence show", "ID", 1, 1, 0, kt_verb_evidence_show, "what one of them proves (the beginning of an id will do)" },
  { "evidence export", "ID FILE", 2, 2, 0, kt_verb_evidence_export, "copy it to a file for a third person" },
  { "evidence verify", "FILE [--config FILE]", 1, 1, OPT(CONFIG), kt_verb_evidence_verify,
    "check such a file offline with the pinned configuration: 0 when it proves a contradiction" },
  { "completion", "bash|zsh|fish", 1, KT_CLI_ARGS_MAX, 0, kt_verb_completion,
    "a script for your shell that completes verbs, options and files" },
  { "version", "", 0, 0, 0, kt_verb_version, "the version of this program" },
};

#define N_VERBS (sizeof verbs / sizeof verbs[0])

int main(int argc, char **argv)
{
  struct kt_cli cli;
  struct kt_output out;
  setlocale(LC_CTYPE, "");
  signal(SIGCHLD, SIG_DFL); /* whoever starts us with it ignored takes the ends of hooks from us */
  bool parsed = kt_cli_parse(verbs, N_VERBS, argc, argv, &cli);
  kt_output_init(&out, stdout, stderr, cli.values[KT_OPT_COLOR], kt_cli_flag(&cli, KT_OPT_JSON));
  out.verb = cli.verb != NULL ? cli.verb->name : NULL;
  enum kt_exit code = KT_EXIT_OK;
  if (!parsed) {
    code = kt_output_fail(&out, KT_EXIT_USAGE, "usage", "%s", cli.error);
    if (cli.verb != NULL) {
      kt_output_note(&out, "kt-verify: what it takes: kt-verify help %s\n", cli.verb->name);
    }
  } else if (cli.help || cli.verb == NULL) {
    out.json = false;
    kt_cli_help(&cli, &out);
  } else if (kt_crypto_init() != KT_OK || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    code = kt_output_fail(&out, KT_EXIT_USAGE, "crypto", "the cryptographic or the network library cannot start");
  } else {
    code = cli.verb->run(&cli, &out);
    curl_global_cleanup();
  }
  code = kt_output_finish(&out, code);
  kt_output_release(&out);
  return (int)code;
}
