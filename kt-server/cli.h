/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: verbs, their options, exit codes (docs/interface.md), and messages to the person at the terminal.
 *
 * Data goes to stdout, everything said here to stderr. */
#ifndef KT_SERVER_CLI_H
#define KT_SERVER_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <kt/err.h>

enum kt_exit {
  KT_EXIT_DONE = 0,
  KT_EXIT_FAILED = 1,    /* a check failed: damaged data, a database that contradicts its guard */
  KT_EXIT_USAGE = 2,     /* usage or configuration */
  KT_EXIT_UNDECIDED = 3, /* busy, disk, network */
};

struct kt_verb {
  const char *name;
  const char *arguments; /* as in the help */
  const char *summary;
  int (*run)(const struct kt_verb *verb, int argc, char **argv); /* argv begins after the verb */
};

int kt_verb_init(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_run(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_signer(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_change_auditor(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_config(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_check_config(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_status(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_access_create(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_access_list(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_access_revoke(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_trail(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_token(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_fsck(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_backup(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_restore(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_migrate(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_prove(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_import(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_accept_clock(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_erase(const struct kt_verb *verb, int argc, char **argv);
int kt_verb_update_label(const struct kt_verb *verb, int argc, char **argv);

/* --name VALUE or --name=VALUE into *value, or --name into *flag; one of the two is NULL. A name of one letter has one
 * dash. */
struct kt_option {
  const char *name;
  const char **value;
  bool *flag;
};

/* Options may stand anywhere; "--" ends them. positional gets exactly n_positional arguments. KT_ERR_USAGE has been
 * reported, with the verb's synopsis, and as an object when "--json" is among the arguments. */
KT_MUST_USE enum kt_err kt_cli_parse(const struct kt_verb *verb, int argc, char **argv, const struct kt_option *options,
                                     size_t n_options, const char **positional, size_t n_positional);
/* The same with n_least to n_most arguments; those that are not given stay as they are in positional. */
KT_MUST_USE enum kt_err kt_cli_parse_some(const struct kt_verb *verb, int argc, char **argv,
                                          const struct kt_option *options, size_t n_options, const char **positional,
                                          size_t n_least, size_t n_most);

/* What went wrong, for a person. */
struct kt_error {
  char text[640];
};

/* Fill *error and return err. */
__attribute__((format(printf, 3, 4))) enum kt_err kt_error_set(struct kt_error *error, enum kt_err err,
                                                               const char *format, ...);

/* "kt-server: …" and a newline on stderr. */
__attribute__((format(printf, 1, 2))) void kt_say(const char *format, ...);
int kt_exit_code(enum kt_err err);
/* Say the error and give its exit code. */
int kt_report(enum kt_err err, const struct kt_error *error);

#endif
