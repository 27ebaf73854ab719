/* SPDX-License-Identifier: Apache-2.0 */
/* Words, options and variables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli.h"

static enum kt_exit run(const struct kt_cli *cli, struct kt_output *out)
{
  (void)cli;
  (void)out;
  return KT_EXIT_OK;
}

static const struct kt_verb verbs[] = {
  { "lookup", "LABEL", 1, 1, KT_OPT_BIT(KT_OPT_VERSION) | KT_OPT_BIT(KT_OPT_FIRST_USE), run, "" },
  { "device add", "LABEL", 1, 1, KT_OPT_BIT(KT_OPT_KEY) | KT_OPT_BIT(KT_OPT_NAME), run, "" },
  { "device list", "LABEL", 1, 1, 0, run, "" },
  { "monitor run", "", 0, 0, KT_OPT_BIT(KT_OPT_HOOK) | KT_OPT_BIT(KT_OPT_INTERVAL), run, "" },
};

#define MAX_WORDS 8

/* words: separated by blanks. */
static bool parse(const char *words, struct kt_cli *ret_cli)
{
  static char text[256];
  char *argv[MAX_WORDS + 1] = { (char[]){ "kt-verify" } };
  int argc = 1;
  assert_true(strlen(words) < sizeof text);
  strcpy(text, words);
  for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
    assert_true(argc <= MAX_WORDS);
    argv[argc++] = word;
  }
  return kt_cli_parse(verbs, sizeof verbs / sizeof verbs[0], argc, argv, ret_cli);
}

static void test_verbs_and_options_in_any_order(void **context)
{
  struct kt_cli cli;
  (void)context;
  assert_true(parse("--home H device --key a:b add alice --key=c:d", &cli));
  assert_ptr_equal(cli.verb, &verbs[1]);
  assert_int_equal(cli.n_args, 1);
  assert_string_equal(cli.args[0], "alice");
  assert_string_equal(cli.values[KT_OPT_HOME], "H");
  assert_int_equal(cli.n_keys, 2);
  assert_string_equal(cli.keys[1], "c:d");
  assert_true(parse("monitor run --hook one --hook=two --interval 60", &cli));
  assert_int_equal(cli.n_hooks, 2);
  assert_string_equal(cli.hooks[0], "one");
  assert_string_equal(cli.hooks[1], "two");
  assert_false(parse("lookup alice --hook one", &cli));
  assert_true(parse("lookup -- --json", &cli));
  assert_string_equal(cli.args[0], "--json");
  assert_false(kt_cli_flag(&cli, KT_OPT_JSON));
  assert_false(parse("lookup -x", &cli));
  assert_non_null(strstr(cli.error, "behind --"));
  assert_true(parse("lookup -- -x", &cli));
  assert_string_equal(cli.args[0], "-x");
}

static void test_help_is_a_word_as_well(void **context)
{
  struct kt_cli cli;
  (void)context;
  assert_true(parse("help", &cli));
  assert_true(cli.help);
  assert_null(cli.verb);
  assert_null(cli.group);
  assert_true(parse("help device add", &cli));
  assert_true(cli.help);
  assert_ptr_equal(cli.verb, &verbs[1]);
  assert_true(parse("help device", &cli));
  assert_string_equal(cli.group, "device");
  assert_false(parse("help frobnicate", &cli));
  assert_true(parse("lookup help", &cli)); /* somebody may be called that */
  assert_false(cli.help);
  assert_string_equal(cli.args[0], "help");
}

static void test_mistakes_are_said(void **context)
{
  static const char *const mistakes[][2] = {
    { "", "no verb" },
    { "frobnicate", "unknown verb frobnicate; there are lookup, device, monitor" },
    { "device", "device: which of its verbs? add, list" },
    { "device frobnicate", "device: which of its verbs? add, list" },
    { "frobnicate --frobnicate", "unknown option --frobnicate" },
    { "lookup", "missing argument" },
    { "lookup a b", "too many arguments" },
    { "lookup a --name x", "--name means nothing here" },
    { "lookup a --frobnicate", "unknown option --frobnicate" },
    { "lookup a -x", "unknown option -x" },
    { "lookup a --version", "--version needs a value" },
    { "lookup a --json=1", "--json takes no value" },
    { "lookup a --color red", "auto, always or never" },
    { "lookup a --vers 1", "unknown option" }, /* no abbreviations: a script must not depend on them */
  };
  (void)context;
  for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
    struct kt_cli cli;
    assert_false(parse(mistakes[i][0], &cli));
    assert_non_null(strstr(cli.error, mistakes[i][1]));
  }
}

static void test_variables_stand_in_for_options(void **context)
{
  struct kt_cli cli;
  (void)context;
  setenv("KT_HOME", "E", 1);
  setenv("KT_NAME", "ignored by lookup", 1);
  setenv("KT_FIRST_USE", "1", 1);
  setenv("KT_JSON", "0", 1);
  assert_true(parse("lookup a", &cli));
  assert_string_equal(cli.values[KT_OPT_HOME], "E");
  assert_true(kt_cli_flag(&cli, KT_OPT_FIRST_USE));
  assert_false(kt_cli_flag(&cli, KT_OPT_JSON));
  assert_true(parse("lookup a --home H", &cli));
  assert_string_equal(cli.values[KT_OPT_HOME], "H");
  setenv("KT_JSON", "yes", 1);
  assert_false(parse("lookup a", &cli));
  assert_non_null(strstr(cli.error, "KT_JSON must be 0 or 1"));
  unsetenv("KT_HOME");
  unsetenv("KT_NAME");
  unsetenv("KT_FIRST_USE");
  unsetenv("KT_JSON");
}

static void test_help_needs_no_arguments(void **context)
{
  struct kt_cli cli;
  (void)context;
  assert_true(parse("--help", &cli));
  assert_null(cli.verb);
  assert_true(parse("device --help", &cli));
  assert_string_equal(cli.group, "device");
  assert_true(parse("device add -h", &cli));
  assert_ptr_equal(cli.verb, &verbs[1]);
  assert_false(parse("frobnicate --help", &cli));
}

static void test_numbers_are_plain_decimals(void **context)
{
  uint64_t number = 7;
  (void)context;
  assert_true(kt_cli_number("0", 10, &number));
  assert_int_equal(number, 0);
  assert_true(kt_cli_number("18446744073709551615", UINT64_MAX, &number));
  assert_true(number == UINT64_MAX);
  static const char *const wrong[] = { "", "-1", "+1", " 1", "1 ", "0x1", "11", "18446744073709551616", "1e3" };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    assert_false(kt_cli_number(wrong[i], 10, &number));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_verbs_and_options_in_any_order), cmocka_unit_test(test_mistakes_are_said),
    cmocka_unit_test(test_variables_stand_in_for_options), cmocka_unit_test(test_help_needs_no_arguments),
    cmocka_unit_test(test_numbers_are_plain_decimals),     cmocka_unit_test(test_help_is_a_word_as_well),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
