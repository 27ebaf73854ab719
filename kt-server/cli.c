/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

enum kt_err kt_error_set(struct kt_error *error, enum kt_err err, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  (void)vsnprintf(error->text, sizeof error->text, format, args);
  va_end(args);
  return err;
}

void kt_say(const char *format, ...)
{
  char line[1024];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(line, sizeof line, format, args);
  va_end(args);
  for (char *c = line; *c != '\0'; c++) { /* parts of it may be another machine's words */
    *c = iscntrl((unsigned char)*c) ? '?' : *c;
  }
  (void)fprintf(stderr, "kt-server: %s\n", line);
}

int kt_exit_code(enum kt_err err)
{
  switch (err) {
  case KT_OK: return KT_EXIT_DONE;
  case KT_ERR_PROOF:
  case KT_ERR_CONFLICT: return KT_EXIT_FAILED;
  case KT_ERR_FORMAT:
  case KT_ERR_ABSENT:
  case KT_ERR_EXPIRED:
  case KT_ERR_DENIED:
  case KT_ERR_LIMIT:
  case KT_ERR_USAGE:
  case KT_ERR_UNSUPPORTED:
  case KT_ERR_CRYPTO: return KT_EXIT_USAGE;
  case KT_ERR_STALE:
  case KT_ERR_UNDETERMINED:
  case KT_ERR_MEMORY:
  case KT_ERR_STORE: return KT_EXIT_UNDECIDED;
  }
  return KT_EXIT_UNDECIDED;
}

int kt_report(enum kt_err err, const struct kt_error *error)
{
  kt_say("%s", error->text);
  return kt_exit_code(err);
}

static enum kt_err misuse(struct kt_error *error, const char *what, const char *argument)
{
  return kt_error_set(error, KT_ERR_USAGE, "%s%s", what, argument);
}

/* The option that `argument` ("--name", "--name=value" or "-n") names. */
static const struct kt_option *option_find(const struct kt_option *options, size_t n_options, const char *argument)
{
  bool is_long = strncmp(argument, "--", 2) == 0;
  const char *name = argument + (is_long ? 2 : 1);
  size_t len = strcspn(name, "=");
  for (size_t i = 0; i < n_options; i++) {
    if (strlen(options[i].name) == len && is_long == (len > 1) && memcmp(options[i].name, name, len) == 0) {
      return &options[i];
    }
  }
  return NULL;
}

/* One option at argv[*at]; its value may be the next argument. */
static enum kt_err option_take(const struct kt_option *option, int argc, char **argv, int *at, struct kt_error *error)
{
  const char *argument = argv[*at];
  const char *value = strchr(argument, '=');
  if (option->flag != NULL) {
    if (value != NULL) {
      return misuse(error, "this option takes no value: ", argument);
    }
    *option->flag = true;
    return KT_OK;
  }
  if (value != NULL) {
    value++;
  } else if (*at + 1 < argc) {
    *at += 1;
    value = argv[*at];
  }
  if (value == NULL || *value == '\0') {
    return misuse(error, "this option needs a value: ", argument);
  }
  *option->value = value;
  return KT_OK;
}

static enum kt_err parse(int argc, char **argv, const struct kt_option *options, size_t n_options,
                         const char **positional, size_t n_least, size_t n_most, struct kt_error *error)
{
  size_t n = 0;
  bool only_positional = false;
  for (int i = 0; i < argc; i++) {
    bool is_option = !only_positional && argv[i][0] == '-' && argv[i][1] != '\0';
    if (is_option && strcmp(argv[i], "--") == 0) {
      only_positional = true;
    } else if (is_option) {
      const struct kt_option *option = option_find(options, n_options, argv[i]);
      if (option == NULL) {
        return misuse(error, "unknown option: ", argv[i]);
      }
      if (option_take(option, argc, argv, &i, error) != KT_OK) {
        return KT_ERR_USAGE;
      }
    } else if (n == n_most) {
      return misuse(error, "one argument too many: ", argv[i]);
    } else {
      positional[n++] = argv[i];
    }
  }
  return n >= n_least ? KT_OK : misuse(error, "an argument is missing", "");
}

static bool asks_for_json(int argc, char **argv)
{
  for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], "--json") == 0) {
      return true;
    }
  }
  return false;
}

enum kt_err kt_cli_parse(const struct kt_verb *verb, int argc, char **argv, const struct kt_option *options,
                         size_t n_options, const char **positional, size_t n_positional)
{
  return kt_cli_parse_some(verb, argc, argv, options, n_options, positional, n_positional, n_positional);
}

enum kt_err kt_cli_parse_some(const struct kt_verb *verb, int argc, char **argv, const struct kt_option *options,
                              size_t n_options, const char **positional, size_t n_least, size_t n_most)
{
  struct kt_error error;
  enum kt_err err = parse(argc, argv, options, n_options, positional, n_least, n_most, &error);
  if (err != KT_OK) {
    (void)kt_report_failure(verb, asks_for_json(argc, argv), NULL, err, &error);
    (void)fprintf(stderr, "usage: kt-server %s %s\n", verb->name, verb->arguments);
  }
  return err;
}
