/* SPDX-License-Identifier: Apache-2.0 */
/* Command line: verbs, options, and the KT_… environment variable of every option.
 *
 * A verb is one or two words. Options may stand anywhere; "--" ends them. An option on the command line wins over its
 * variable (--first-use and KT_FIRST_USE); a verb refuses options that mean nothing to it, but not variables, which
 * are set once for many verbs. Values borrow from argv and the environment. */
#ifndef KT_VERIFY_CLI_H
#define KT_VERIFY_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output.h"

enum kt_option {
  KT_OPT_HOME,
  KT_OPT_URL,
  KT_OPT_JSON,
  KT_OPT_COLOR,
  KT_OPT_HELP,
  KT_OPT_AS,
  KT_OPT_CONFIG,
  KT_OPT_FIRST_USE,
  KT_OPT_NAME,
  KT_OPT_KEY,
  KT_OPT_TOKEN,
  KT_OPT_VERSION,
  KT_OPT_REQUIRE_VERIFIED,
  KT_OPT_ALLOW_UNSIGNED,
  KT_OPT_PASSPHRASE_FILE,
  KT_OPT_FROM,
  KT_OPT_TO,
  KT_OPT_POSITION,
  KT_OPT_INTERVAL,
  KT_OPT_HOOK,
  KT_OPT_PNG,
  KT_OPT_IN,
  KT_OPT_OUT,
  KT_OPT_CONFIRM,
  KT_OPT_GROUP,
  KT_OPT_FOLLOW,
  KT_OPT_SIGN,
  KT_OPT_SUITE,
  KT_OPT_JOBS,
  KT_OPT_ACCESS_TOKEN_FILE,
  KT_OPT_CA_FILE,
};

#define KT_OPTIONS (KT_OPT_CA_FILE + 1)
#define KT_OPT_BIT(option) (UINT64_C(1) << (option))

#define KT_CLI_KEYS_MAX 255
#define KT_CLI_ARGS_MAX 16
#define KT_CLI_HOOKS_MAX 16

struct kt_cli;

struct kt_verb {
  const char *name;      /* "device add" */
  const char *arguments; /* "LABEL --name NAME --key ALG:BASE64…", for help */
  size_t min_args;
  size_t max_args;
  uint64_t options; /* KT_OPT_BIT of those beyond the global ones */
  enum kt_exit (*run)(const struct kt_cli *cli, struct kt_output *out);
  const char *help; /* one line */
};

struct kt_cli {
  const struct kt_verb *verbs; /* all there are */
  size_t n_verbs;
  const struct kt_verb *verb; /* NULL: only help was asked for */
  const char *group;          /* help for verbs that begin with this word; NULL: all of them */
  bool help;
  const char *values[KT_OPTIONS]; /* NULL: not given; flags hold "1" */
  const char *keys[KT_CLI_KEYS_MAX];
  size_t n_keys; /* --key may be repeated */
  const char *hooks[KT_CLI_HOOKS_MAX];
  size_t n_hooks; /* so may --hook */
  const char *args[KT_CLI_ARGS_MAX];
  size_t n_args;
  char error[256]; /* why kt_cli_parse failed */
};

/* False: usage error, said in ret_cli->error; --json and --color are filled as far as they were read. */
bool kt_cli_parse(const struct kt_verb *verbs, size_t n_verbs, int argc, char *const *argv, struct kt_cli *ret_cli);

bool kt_cli_flag(const struct kt_cli *cli, enum kt_option option);
/* An option as it is written, without the dashes, and the name of its value (NULL: a flag). */
const char *kt_cli_option_name(enum kt_option option);
const char *kt_cli_option_value(enum kt_option option);
const char *kt_cli_option_help(enum kt_option option);
/* KT_OPT_BIT of all options the verb takes; NULL: of those every verb takes. */
uint64_t kt_cli_options(const struct kt_verb *verb);
/* The verb that the first words name, and how many of them do; NULL: none. */
const struct kt_verb *kt_cli_find_verb(const struct kt_cli *cli, const char *const *words, size_t n_words,
                                       size_t *ret_n_taken);

/* A decimal number of at most `max`. */
bool kt_cli_number(const char *text, uint64_t max, uint64_t *ret_number);

/* Help on the verb, the group, or everything. */
void kt_cli_help(const struct kt_cli *cli, struct kt_output *out);

#endif
