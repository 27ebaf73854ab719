/* SPDX-License-Identifier: Apache-2.0 */
/* kt-server.yaml: defaults, every kind of value, and refusals that name file, line and column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"

static char path[] = "/tmp/kt-settings-XXXXXX";

static int make_file(void **state)
{
  (void)state;
  int fd = mkstemp(path);
  return fd >= 0 && close(fd) == 0 ? 0 : -1;
}

static int remove_file(void **state)
{
  (void)state;
  return unlink(path);
}

static enum kt_err load(const char *text, struct kt_settings *ret_settings, struct kt_error *error)
{
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
  assert_int_equal(fclose(file), 0);
  return kt_settings_load(path, ret_settings, error);
}

static void assert_refused(const char *text, unsigned line, unsigned column, const char *needle)
{
  struct kt_settings settings = { .threads = 77 };
  struct kt_error error = { { 0 } };
  char place[80];
  (void)snprintf(place, sizeof place, "%s:%u:%u: ", path, line, column);
  assert_int_equal(load(text, &settings, &error), KT_ERR_FORMAT);
  if (strncmp(error.text, place, strlen(place)) != 0 || strstr(error.text, needle) == NULL) {
    fail_msg("wanted \"%s…%s\", got \"%s\"", place, needle, error.text);
  }
  assert_true(settings.threads == 77); /* untouched */
}

static void the_template_says_the_defaults(void **state)
{
  struct kt_settings from_template;
  struct kt_settings from_nothing;
  struct kt_error error;
  (void)state;
  char *text = kt_settings_template("open", "\n");
  assert_non_null(text);
  assert_int_equal(load(text, &from_template, &error), KT_OK);
  free(text);
  assert_int_equal(load("# nothing\n", &from_nothing, &error), KT_OK);
  assert_string_equal(from_template.listen, from_nothing.listen);
  assert_string_equal(from_template.admin_listen, from_nothing.admin_listen);
  assert_string_equal(from_template.head_guard, from_nothing.head_guard);
  assert_int_equal(from_template.registration, from_nothing.registration);
  assert_int_equal(from_template.access_log, from_nothing.access_log);
  assert_true(from_template.heartbeat_ms == from_nothing.heartbeat_ms);
  assert_true(from_template.cadence_ms == from_nothing.cadence_ms);
  assert_true(from_template.clock_jump_ms == from_nothing.clock_jump_ms);
  assert_true(from_template.clock_gap_ms == from_nothing.clock_gap_ms);
  assert_true(from_template.drain_ms == from_nothing.drain_ms);
  assert_true(from_template.cache_bytes == from_nothing.cache_bytes);
  assert_true(from_template.threads == from_nothing.threads);
  assert_true(from_nothing.threads >= 2); /* however many processors there are */
  assert_memory_equal(&from_template.limits, &from_nothing.limits, sizeof from_nothing.limits);
  assert_memory_equal(from_template.rates, from_nothing.rates, sizeof from_nothing.rates);
}

/* The numbers of design.md. */
static void the_defaults_are_the_design_s(void **state)
{
  struct kt_settings settings;
  struct kt_error error;
  (void)state;
  assert_int_equal(load("#\n", &settings, &error), KT_OK);
  assert_true(settings.cadence_ms == 250);
  assert_true(settings.limits.body_bytes == 1048576);
  assert_true(settings.limits.value_bytes == 65536);
  assert_true(settings.limits.values_per_update == 128);
  assert_int_equal(settings.registration, KT_REGISTRATION_OPEN);
}

static void values_are_taken(void **state)
{
  struct kt_settings settings;
  struct kt_error error;
  (void)state;
  assert_int_equal(load("listen: unix:kt.sock\nregistration: token\naccess-log: all\nheartbeat: 2m\ncadence: 0\n"
                        "threads: 2\nhead-guard: /mnt/other/guard\nlimits:\n  body: 2MiB\n  connections: 50\n",
                        &settings, &error),
                   KT_OK);
  assert_string_equal(settings.listen, "unix:kt.sock");
  assert_string_equal(settings.head_guard, "/mnt/other/guard");
  assert_int_equal(settings.registration, KT_REGISTRATION_TOKEN);
  assert_int_equal(settings.access_log, KT_ACCESS_LOG_ALL);
  assert_true(settings.heartbeat_ms == 120000);
  assert_true(settings.cadence_ms == 0);
  assert_true(settings.threads == 2);
  assert_true(settings.limits.body_bytes == 2097152);
  assert_true(settings.limits.connections == 50);
}

static void unknown_keys_are_refused(void **state)
{
  (void)state;
  assert_refused("listen: 127.0.0.1:1\nlistne: 127.0.0.1:2\n", 2, 1, "unknown option \"listne\"");
  assert_refused("limits:\n  body: 1MiB\n  boddy: 2MiB\n", 3, 3, "unknown option \"boddy\"");
  /* Fixed at init, so not an option. */
  assert_refused("max-behind: 10m\n", 1, 1, "unknown option \"max-behind\"");
}

static void bad_values_are_refused(void **state)
{
  (void)state;
  assert_refused("threads: 2\nheartbeat: soon\n", 2, 1, "heartbeat: a duration is");
  assert_refused("limits:\n  # comment\n  body: 1MB\n", 3, 3, "body: a size is");
  assert_refused("threads: 257\n", 1, 1, "threads: the value is out of range, which is 0 to 256");
  assert_refused("limits:\n  value: 65KiB\n", 2, 3, "value: the value is out of range, which is 1B to 64KiB");
  assert_refused("drain: 2h\n", 1, 1, "drain: the value is out of range, which is 0ms to 1h");
  assert_refused("threads: many\n", 1, 10, "many");
  assert_refused("threads: -1\n", 1, 1, "threads: the value is out of range");
  assert_refused("registration: maybe\n", 1, 15, "registration is one of open, token, closed, not maybe");
  assert_refused("access: open\naccess-log: some\n", 2, 13, "access-log is one of off, errors, all, not some");
  assert_refused("threads: 2\nlisten: localhost\n", 2, 1, "listen: \"localhost\" is not ADDR:PORT");
  assert_refused("admin-listen: 127.0.0.1:99999\n", 1, 1, "admin-listen: ");
  assert_refused("limits:\n\tbody: 1MiB\n", 2, 1, "tabs are not allowed");
  assert_refused("registration: 1\n", 1, 15, "1");
  assert_refused("threads: 1\nthreads: 2\n", 2, 1, "twice");
}

static void what_is_not_yaml_is_refused(void **state)
{
  struct kt_settings settings;
  struct kt_error error;
  (void)state;
  assert_int_equal(load("listen: [1\n", &settings, &error), KT_ERR_FORMAT);
  assert_int_equal(load("- listen\n", &settings, &error), KT_ERR_FORMAT);
  assert_int_equal(load("listen: {}\n", &settings, &error), KT_ERR_FORMAT);
  assert_int_equal(load("\tlisten: x\n", &settings, &error), KT_ERR_FORMAT);
  assert_int_equal(load("listen: \xff\xfe\n", &settings, &error), KT_ERR_FORMAT);
  assert_int_equal(kt_settings_load("/nonexistent/kt-server.yaml", &settings, &error), KT_ERR_ABSENT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_template_says_the_defaults),
    cmocka_unit_test(the_defaults_are_the_design_s),
    cmocka_unit_test(values_are_taken),
    cmocka_unit_test(unknown_keys_are_refused),
    cmocka_unit_test(bad_values_are_refused),
    cmocka_unit_test(what_is_not_yaml_is_refused),
  };
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
