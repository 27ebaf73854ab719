/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GLOBAL_OPTIONS                                                                                     \
  (KT_OPT_BIT(KT_OPT_HOME) | KT_OPT_BIT(KT_OPT_URL) | KT_OPT_BIT(KT_OPT_JSON) | KT_OPT_BIT(KT_OPT_COLOR) | \
   KT_OPT_BIT(KT_OPT_HELP) | KT_OPT_BIT(KT_OPT_ACCESS_TOKEN_FILE) | KT_OPT_BIT(KT_OPT_CA_FILE))

struct option {
  const char *name; /* without the dashes */
  const char *variable;
  const char *value; /* name of the value in help; NULL: a flag */
  const char *help;
};

static const struct option options[KT_OPTIONS] = {
  [KT_OPT_HOME] = { "home", "KT_HOME", "DIR", "state folder ($XDG_STATE_HOME/kt-verify)" },
  [KT_OPT_URL] = { "url", "KT_URL", "URL", "another address of the same pinned log" },
  [KT_OPT_JSON] = { "json", "KT_JSON", NULL, "one JSON object on stdout" },
  [KT_OPT_COLOR] = { "color", "KT_COLOR", "auto|always|never", "whether status words are coloured" },
  [KT_OPT_HELP] = { "help", NULL, NULL, "this text" },
  [KT_OPT_AS] = { "as", "KT_AS", "LABEL", "your own account, when there are several" },
  [KT_OPT_CONFIG] = { "config", "KT_CONFIG", "FILE", "the log's configuration, from a source you trust" },
  [KT_OPT_FIRST_USE] = { "first-use", "KT_FIRST_USE", NULL, "pin whatever configuration the server shows now" },
  [KT_OPT_NAME] = { "name", "KT_NAME", "NAME", "name of the device, seen by everybody" },
  [KT_OPT_KEY] = { "key", "KT_KEY", "KEY", "ALG:BASE64 or ALG:@FILE, may be repeated; a fingerprint in contact trust" },
  [KT_OPT_TOKEN] = { "token", "KT_TOKEN", "TOKEN", "registration token from the log's operator" },
  [KT_OPT_VERSION] = { "version", "KT_VERSION", "N", "an older version instead of the newest" },
  [KT_OPT_REQUIRE_VERIFIED] = { "require-verified", "KT_REQUIRE_VERIFIED", NULL,
                                "hand out keys of verified contacts only" },
  [KT_OPT_ALLOW_UNSIGNED] = { "allow-unsigned", "KT_ALLOW_UNSIGNED", NULL, "accept a set the operator provisioned" },
  [KT_OPT_PASSPHRASE_FILE] = { "passphrase-file", "KT_PASSPHRASE_FILE", "FILE",
                               "read the passphrase from its first line instead of the terminal" },
  [KT_OPT_FROM] = { "from", "KT_FROM", "N", "first log entry" },
  [KT_OPT_TO] = { "to", "KT_TO", "N", "last log entry" },
  [KT_OPT_POSITION] = { "position", "KT_POSITION", "N", "the distinguished log entry to build on" },
  [KT_OPT_INTERVAL] = { "interval", "KT_INTERVAL", "S",
                        "seconds between checks, give or take an eighth (3600; audit --follow: 5)" },
  [KT_OPT_HOOK] = { "hook", "KT_HOOK", "CMD",
                    "a shell command for every new alert, may be repeated; also executables in "
                    "the folder hooks of the state folder" },
  [KT_OPT_PNG] = { "png", "KT_PNG", "FILE", "write the QR code as an image as well" },
  [KT_OPT_IN] = { "in", "KT_IN", "FILE",
                  "read the other side's messages from a pipe or file instead of the log's relay" },
  [KT_OPT_OUT] = { "out", "KT_OUT", "FILE", "write what is for the other side to a pipe or file" },
  [KT_OPT_GROUP] = { "group", "KT_GROUP", "FILE", "look up everybody in this file, one label per line" },
  [KT_OPT_CONFIRM] = { "confirm", "KT_CONFIRM", "yes|no", "what you would answer, for scripts" },
  [KT_OPT_FOLLOW] = { "follow", "KT_FOLLOW", NULL, "go on with new entries until SIGTERM" },
  [KT_OPT_SIGN] = { "sign", "KT_SIGN", "FILE", "the auditor's key: sign the log's heads and submit them" },
  [KT_OPT_ACCESS_TOKEN_FILE] = { "access-token-file", "KT_ACCESS_TOKEN_FILE", "FILE",
                                 "the access token of a log that wants one, in a file of mode 0600" },
  [KT_OPT_CA_FILE] = { "ca-file", "KT_CA_FILE", "FILE", "certificates (PEM) to trust instead of the system's" },
  [KT_OPT_SUITE] = { "suite", "KT_SUITE", "SUITE", "ed25519 (the default) or p256" },
  [KT_OPT_JOBS] = { "jobs", "KT_JOBS", "N", "so many threads; without it as many as there are cores" },
};

static bool fail(struct kt_cli *cli, const char *format, const char *what)
{
  if (cli->error[0] == '\0') {
    /* format is one of the literals below. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(cli->error, sizeof cli->error, format, what);
#pragma GCC diagnostic pop
  }
  return false;
}

bool kt_cli_flag(const struct kt_cli *cli, enum kt_option option)
{
  return cli->values[option] != NULL;
}

const char *kt_cli_option_name(enum kt_option option)
{
  return options[option].name;
}

const char *kt_cli_option_value(enum kt_option option)
{
  return options[option].value;
}

const char *kt_cli_option_help(enum kt_option option)
{
  return options[option].help;
}

uint64_t kt_cli_options(const struct kt_verb *verb)
{
  return GLOBAL_OPTIONS | (verb != NULL ? verb->options : 0);
}

bool kt_cli_number(const char *text, uint64_t max, uint64_t *ret_number)
{
  char *end;
  if (text[0] < '0' || text[0] > '9') { /* strtoull would accept blanks and a minus sign */
    return false;
  }
  errno = 0;
  unsigned long long number = strtoull(text, &end, 10);
  if (errno != 0 || *end != '\0' || number > max) {
    return false;
  }
  *ret_number = number;
  return true;
}

static bool set_option(struct kt_cli *cli, enum kt_option option, const char *value)
{
  if (option == KT_OPT_KEY) {
    if (cli->n_keys == KT_CLI_KEYS_MAX) {
      return fail(cli, "%s: given too often", "--key");
    }
    cli->keys[cli->n_keys++] = value;
  }
  if (option == KT_OPT_HOOK) {
    if (cli->n_hooks == KT_CLI_HOOKS_MAX) {
      return fail(cli, "%s: given too often", "--hook");
    }
    cli->hooks[cli->n_hooks++] = value;
  }
  cli->values[option] = value;
  return true;
}

/* argv[*at] begins with "--". */
static bool parse_option(struct kt_cli *cli, char *const *argv, int argc, int *at, uint64_t *given)
{
  const char *text = argv[*at] + 2;
  size_t len = strcspn(text, "=");
  for (size_t i = 0; i < KT_OPTIONS; i++) {
    const struct option *option = &options[i];
    if (strlen(option->name) != len || strncmp(option->name, text, len) != 0) {
      continue;
    }
    *given |= KT_OPT_BIT(i);
    if (option->value == NULL) {
      return text[len] == '=' ? fail(cli, "--%s takes no value", option->name)
                              : set_option(cli, (enum kt_option)i, "1");
    }
    if (text[len] == '=') {
      return set_option(cli, (enum kt_option)i, text + len + 1);
    }
    if (*at + 1 >= argc) {
      return fail(cli, "--%s needs a value", option->name);
    }
    return set_option(cli, (enum kt_option)i, argv[++*at]);
  }
  return fail(cli, "unknown option %s", argv[*at]);
}

static bool parse_variable(struct kt_cli *cli, enum kt_option option)
{
  const char *variable = options[option].variable;
  const char *value = variable != NULL ? getenv(variable) : NULL;
  if (value == NULL || value[0] == '\0' || cli->values[option] != NULL) {
    return true;
  }
  if (options[option].value == NULL) {
    if (strcmp(value, "0") == 0) {
      return true;
    }
    if (strcmp(value, "1") != 0) {
      return fail(cli, "%s must be 0 or 1", variable);
    }
  }
  return set_option(cli, option, value);
}

/* How many of the words name this verb; 0: they do not. */
static size_t verb_matches(const struct kt_verb *verb, const char *const *words, size_t n_words)
{
  size_t first = strcspn(verb->name, " ");
  if (n_words == 0 || strlen(words[0]) != first || strncmp(verb->name, words[0], first) != 0) {
    return 0;
  }
  if (verb->name[first] == '\0') {
    return 1;
  }
  return n_words > 1 && strcmp(verb->name + first + 1, words[1]) == 0 ? 2 : 0;
}

const struct kt_verb *kt_cli_find_verb(const struct kt_cli *cli, const char *const *words, size_t n_words,
                                       size_t *ret_n_taken)
{
  for (size_t i = 0; i < cli->n_verbs; i++) {
    size_t n = verb_matches(&cli->verbs[i], words, n_words);
    if (n > 0) {
      *ret_n_taken = n;
      return &cli->verbs[i];
    }
  }
  return NULL;
}

static bool is_group(const struct kt_cli *cli, const char *word)
{
  size_t len = strlen(word);
  for (size_t i = 0; i < cli->n_verbs; i++) {
    const char *name = cli->verbs[i].name;
    if (strncmp(name, word, len) == 0 && name[len] == ' ') {
      return true;
    }
  }
  return false;
}

/* "help VERB" is VERB --help. */
static void read_help_word(struct kt_cli *cli)
{
  if (cli->n_args > 0 && strcmp(cli->args[0], "help") == 0) {
    cli->help = true;
    cli->n_args--;
    memmove(cli->args, cli->args + 1, cli->n_args * sizeof cli->args[0]);
  }
}

/* Behind the error: the verbs of a group; group NULL: the first word of each verb. */
static bool list_verbs(struct kt_cli *cli, const char *group)
{
  const size_t skip = group != NULL ? strlen(group) + 1 : 0;
  const char *last = "";
  for (size_t i = 0; i < cli->n_verbs; i++) {
    const char *name = cli->verbs[i].name;
    if (group != NULL && (strncmp(name, group, skip - 1) != 0 || name[skip - 1] != ' ')) {
      continue;
    }
    name += skip;
    const size_t len = strcspn(name, " ");
    const size_t at = strlen(cli->error);
    if (strcspn(last, " ") != len || strncmp(last, name, len) != 0) {
      snprintf(cli->error + at, sizeof cli->error - at, "%s%.*s", last[0] != '\0' ? ", " : " ", (int)len, name);
    }
    last = name;
  }
  return false;
}

static bool find_verb(struct kt_cli *cli)
{
  size_t n_words = 0;
  cli->verb = kt_cli_find_verb(cli, cli->args, cli->n_args, &n_words);
  if (cli->verb == NULL) {
    bool group = cli->n_args > 0 && is_group(cli, cli->args[0]);
    cli->group = group ? cli->args[0] : NULL;
    if (cli->help && (cli->n_args == 0 || group)) {
      return true;
    }
    if (cli->n_args == 0) {
      return fail(cli, "no verb; %s", "kt-verify help lists them");
    }
    if (cli->error[0] != '\0') {
      return false;
    }
    fail(cli, group ? "%s: which of its verbs?" : "unknown verb %.64s; there are", cli->args[0]);
    return list_verbs(cli, cli->group);
  }
  cli->n_args -= n_words;
  memmove(cli->args, cli->args + n_words, cli->n_args * sizeof cli->args[0]);
  return true;
}

static bool check_verb(struct kt_cli *cli, uint64_t given)
{
  const char *color = cli->values[KT_OPT_COLOR];
  if (color != NULL && strcmp(color, "auto") != 0 && strcmp(color, "always") != 0 && strcmp(color, "never") != 0) {
    return fail(cli, "--color %s: it is auto, always or never", color);
  }
  uint64_t allowed = kt_cli_options(cli->verb);
  for (size_t i = 0; i < KT_OPTIONS; i++) {
    if ((given & KT_OPT_BIT(i) & ~allowed) != 0) {
      return fail(cli, "--%s means nothing here", options[i].name);
    }
  }
  if (cli->verb != NULL && !cli->help && (cli->n_args < cli->verb->min_args || cli->n_args > cli->verb->max_args)) {
    return fail(cli, cli->n_args < cli->verb->min_args ? "missing argument: %s" : "too many arguments: %s",
                cli->verb->arguments);
  }
  return true;
}

static bool add_argument(struct kt_cli *cli, const char *argument)
{
  if (cli->n_args == KT_CLI_ARGS_MAX) {
    return fail(cli, "too many arguments at %s", argument);
  }
  cli->args[cli->n_args++] = argument;
  return true;
}

bool kt_cli_parse(const struct kt_verb *verbs, size_t n_verbs, int argc, char *const *argv, struct kt_cli *ret_cli)
{
  struct kt_cli *cli = ret_cli;
  *cli = (struct kt_cli){ .verbs = verbs, .n_verbs = n_verbs };
  uint64_t given = 0;
  bool ok = true;
  int i = 1;
  for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], "-h") == 0) {
      cli->values[KT_OPT_HELP] = "1";
    } else if (strncmp(argv[i], "--", 2) == 0) {
      ok = parse_option(cli, argv, argc, &i, &given) && ok;
    } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
      ok = fail(cli, "unknown option %s (a label that begins with - goes behind --)", argv[i]);
    } else {
      ok = add_argument(cli, argv[i]) && ok;
    }
  }
  for (i++; i < argc; i++) { /* after "--" */
    ok = add_argument(cli, argv[i]) && ok;
  }
  for (size_t k = 0; k < KT_OPTIONS; k++) {
    ok = parse_variable(cli, (enum kt_option)k) && ok;
  }
  cli->help = cli->values[KT_OPT_HELP] != NULL;
  read_help_word(cli);
  bool found = find_verb(cli); /* also of a wrong command line: its object says which verb it was */
  return ok && found && check_verb(cli, given);
}

static void help_option(const struct option *option, struct kt_output *out)
{
  char left[64];
  snprintf(left, sizeof left, "--%s%s%s", option->name, option->value != NULL ? " " : "",
           option->value != NULL ? option->value : "");
  kt_output_data(out, "  %-24s %s", left, option->help);
  if (option->variable != NULL) {
    kt_output_data(out, " [%s]", option->variable);
  }
  kt_output_data(out, "\n");
}

static void help_options(uint64_t mask, struct kt_output *out)
{
  for (size_t i = 0; i < KT_OPTIONS; i++) {
    if ((mask & KT_OPT_BIT(i)) != 0) {
      help_option(&options[i], out);
    }
  }
}

void kt_cli_help(const struct kt_cli *cli, struct kt_output *out)
{
  if (cli->verb != NULL) {
    kt_output_data(out, "usage: kt-verify %s %s\n\n%s\n\n", cli->verb->name, cli->verb->arguments, cli->verb->help);
    help_options(kt_cli_options(cli->verb), out);
    return;
  }
  size_t len = cli->group != NULL ? strlen(cli->group) : 0;
  kt_output_data(out, "usage: kt-verify VERB …\n\n");
  for (size_t i = 0; i < cli->n_verbs; i++) {
    const struct kt_verb *verb = &cli->verbs[i];
    if (len == 0 || (strncmp(verb->name, cli->group, len) == 0 && verb->name[len] == ' ')) {
      kt_output_data(out, "  %s %s\n      %s\n", verb->name, verb->arguments, verb->help);
    }
  }
  kt_output_data(out, "\n");
  help_options(kt_cli_options(NULL), out);
  kt_output_data(
      out, "\nexit codes: 0 verified or done, 1 a check failed, 2 usage, 3 undecided, 4 alert, 5 absence proven\n");
}
