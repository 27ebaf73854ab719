/* SPDX-License-Identifier: Apache-2.0 */
/* The verb table. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <kt/suite.h>
#include <sqlite3.h>

#include "cli.h"
#include "harden.h"

static const struct kt_verb verbs[] = {
  { "init", "DIR [--json] [options]", "keys, commented DIR/kt-server.yaml, log with entry 0", kt_verb_init },
  { "run", "DIR [--listen ADDR:PORT|unix:PATH] [--user NAME] [--accept-missing-guard | --read-only] [--no-sandbox]",
    "serve the log; SIGTERM drains and stops, SIGHUP reloads", kt_verb_run },
  { "signer", "DIR --listen unix:PATH [--user NAME] [--accept-missing-guard] [--no-sandbox]",
    "hold the signing key and the head guard for a log with `signer: unix:PATH`", kt_verb_signer },
  { "change-auditor", "DIR [--auditor-key FILE] [--max-auditor-lag D] [--auditor-start-pos N] [--json]",
    "write the successor configuration of a stopped log with another auditor", kt_verb_change_auditor },
  { "config", "DIR [-o FILE] [--json]", "the public Configuration, to be pinned by clients", kt_verb_config },
  { "check-config", "DIR [--json]", "check DIR/kt-server.yaml, the keys and the Configuration", kt_verb_check_config },
  { "status", "DIR [--json]", "size, root, age, labels, versions, queue, guard", kt_verb_status },
  { "token", "DIR [--json]", "print a new single-use registration token", kt_verb_token },
  { "access-create", "DIR SCOPES [--json]", "print a new access token for search, update, admin (with commas)",
    kt_verb_access_create },
  { "access-list", "DIR [--json]", "the access tokens: names, scopes, ages", kt_verb_access_list },
  { "access-revoke", "DIR ID [--json]", "end an access token", kt_verb_access_revoke },
  { "trail", "DIR [--json]", "print and check the record of what operators did", kt_verb_trail },
  { "fsck", "DIR [--json]", "check all stored data; the log must be stopped", kt_verb_fsck },
  { "backup", "DIR FILE [--follow [--every D]] [--keep N] [--json]",
    "copy the log, running or not, without its private keys, into one checked file", kt_verb_backup },
  { "restore", "FILE DIR [--keys DIR] [--json]", "make a log's folder from a backup, and say what it may do",
    kt_verb_restore },
  { "migrate", "OLD NEW STATEMENT [--old-key FILE] [--new-key FILE] [--accept-missing-guard] [--state-fork] [--json]",
    "end a log: its labels go into a new one, and a signed statement says so", kt_verb_migrate },
  { "import", "DIR FILE.jsonl [--no-check] [--json]", "add unsigned device sets, one JSON object per line",
    kt_verb_import },
  { "prove", "DIR [--limit N] [--json]", "compute the VRF proofs that lookups will need; the log must be stopped",
    kt_verb_prove },
  { "update-label", "DIR LABEL FILE.json [--json]", "operator insertion for one label; clients will alert",
    kt_verb_update_label },
  { "erase", "DIR LABEL [VERSION] [--json]", "remove a label for good, or the value of one old version",
    kt_verb_erase },
  { "accept-clock", "DIR [--json]", "say that the clock is right, to a log that does not believe it",
    kt_verb_accept_clock },
};

#define N_VERBS (sizeof verbs / sizeof verbs[0])

static int help(FILE *out)
{
  (void)fprintf(out, "usage: kt-server VERB …\n\n");
  for (size_t i = 0; i < N_VERBS; i++) {
    (void)fprintf(out, "  %s %s\n        %s\n", verbs[i].name, verbs[i].arguments, verbs[i].summary);
  }
  (void)fprintf(out,
                "  version\n        print the version\n\n"
                "exit codes: 0 done, 1 a check failed, 2 usage or configuration, 3 undecided (busy, disk, network)\n");
  return out == stdout ? KT_EXIT_DONE : KT_EXIT_USAGE;
}

static bool asks_for_help(int argc, char **argv)
{
  for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      return true;
    }
  }
  return false;
}

/* Everything that all verbs need, then the verb. */
static int run(const struct kt_verb *verb, int argc, char **argv)
{
  if (asks_for_help(argc, argv)) {
    (void)printf("usage: kt-server %s %s\n        %s\n", verb->name, verb->arguments, verb->summary);
    return KT_EXIT_DONE;
  }
  if (!kt_harden()) {
    kt_say("core files with keys in them cannot be turned off: %s", strerror(errno));
    return KT_EXIT_UNDECIDED;
  }
  /* Nobody asks how much memory SQLite has, and counting takes a lock for each piece. */
  (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  if (kt_crypto_init() != KT_OK) {
    kt_say("the cryptographic library does not work on this machine");
    return KT_EXIT_UNDECIDED;
  }
  return verb->run(verb, argc, argv);
}

int main(int argc, char **argv)
{
  if (argc < 2) {
    return help(stderr);
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    return help(stdout);
  }
  if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
    (void)printf("kt-server %s\n", KT_SERVER_VERSION);
    return KT_EXIT_DONE;
  }
  for (size_t i = 0; i < N_VERBS; i++) {
    if (strcmp(argv[1], verbs[i].name) == 0) {
      return run(&verbs[i], argc - 2, argv + 2);
    }
  }
  kt_say("unknown verb: %s; kt-server help lists them", argv[1]);
  return KT_EXIT_USAGE;
}
