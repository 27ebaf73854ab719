/* SPDX-License-Identifier: Apache-2.0 */
/* config: the bytes that clients pin. check-config: would `run` start? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instance.h"
#include "json/builder.h"
#include "json/config.h"
#include "report.h"
#include "tls.h"
#include "units.h"

/* A person sees what the bytes mean; a file or a pipe gets the bytes. */
static int print_config(const struct kt_instance *instance)
{
  if (isatty(STDOUT_FILENO) == 0) {
    bool written = fwrite(instance->config_bytes, instance->config_len, 1, stdout) == 1 && fflush(stdout) == 0;
    return written ? KT_EXIT_DONE : KT_EXIT_UNDECIDED;
  }
  json_t *view = kt_json_config(&instance->config);
  char *text = kt_json_dump(view, JSON_INDENT(2));
  (void)printf("%s\n", text != NULL ? text : "");
  kt_say("this is what the %zu bytes mean; for the bytes use -o FILE", instance->config_len);
  int code = text != NULL ? KT_EXIT_DONE : KT_EXIT_UNDECIDED;
  free(text);
  json_decref(view);
  return code;
}

/* What clients pin, decoded and as it is; file: where it was written to, or NULL. */
static json_t *config_view(const struct kt_instance *instance, const char *file)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "config", kt_json_config(&instance->config));
  kt_json_set(&b, "raw", kt_json_base64((struct kt_bytes){ instance->config_bytes, instance->config_len }));
  if (file != NULL) {
    kt_json_set(&b, "file", kt_json_lossy(file));
  }
  return kt_json_end(&b);
}

int kt_verb_config(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  const char *out = NULL;
  bool as_json = false;
  const struct kt_option options[] = { { "o", &out, NULL }, { "json", NULL, &as_json } };
  struct kt_instance instance;
  struct kt_error error;
  if (kt_cli_parse(verb, argc, argv, options, 2, &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  kt_instance_init(&instance);
  int code = KT_EXIT_DONE;
  enum kt_err err = kt_instance_load(&instance, dir, &error);
  bool to_file = out != NULL && strcmp(out, "-") != 0;
  if (err == KT_OK && to_file) {
    err = kt_file_replace(out, instance.config_bytes, instance.config_len, 0644, &error);
  }
  if (err != KT_OK) {
    code = kt_report_failure(verb, as_json, NULL, err, &error);
  } else if (as_json) {
    code = kt_report_json(verb, config_view(&instance, to_file ? out : NULL));
  } else if (!to_file) {
    code = print_config(&instance);
  }
  kt_instance_release(&instance);
  return code;
}

/* As at the start of `run`: readable, private, and of each other. */
static enum kt_err check_tls_files(const struct kt_instance *instance, struct kt_error *error)
{
  const struct kt_settings *settings = &instance->settings;
  struct kt_tls *tls = NULL;
  if (settings->tls_certificate[0] == '\0') {
    return KT_OK;
  }
  enum kt_err err = kt_tls_new(instance->dir.s, settings->tls_certificate, settings->tls_key, &tls, error);
  kt_tls_free(tls);
  return err;
}

static void print_window(const char *name, uint64_t ms)
{
  char text[KT_DURATION_TEXT_SIZE];
  kt_duration_text(ms, text);
  (void)printf("%-29s %s\n", name, text);
}

static int show_check(const struct kt_verb *verb, const struct kt_instance *instance, bool as_json)
{
  if (as_json) {
    return kt_report_json(verb, config_view(instance, NULL));
  }
  (void)printf("%-29s %s\n", "mode", kt_json_mode_name(instance->config.mode));
  (void)printf("%-29s %s\n", "suite", instance->config.suite->name);
  print_window("reasonable monitoring window", instance->config.reasonable_monitoring_window);
  print_window("max-ahead", instance->config.max_ahead);
  print_window("max-behind", instance->config.max_behind);
  if (instance->config.mode == KT_MODE_THIRD_PARTY_AUDITING) {
    print_window("max-auditor-lag", instance->config.max_auditor_lag);
    (void)printf("%-29s %" PRIu64 "\n", "auditor-start-pos", instance->config.auditor_start_pos);
  }
  (void)printf("the configuration is good\n");
  return KT_EXIT_DONE;
}

int kt_verb_check_config(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  struct kt_instance instance;
  struct kt_error error;
  if (kt_cli_parse(verb, argc, argv, options, 1, &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  kt_instance_init(&instance);
  enum kt_err err = kt_instance_load(&instance, dir, &error);
  if (err == KT_OK) {
    err = check_tls_files(&instance, &error);
  }
  bool signs_here = strcmp(instance.settings.signer, KT_SIGNER_INTERNAL) == 0 && !kt_instance_is_operator(&instance);
  if (err == KT_OK && signs_here) {
    err = kt_signer_check(dir, &error);
  }
  int code = err == KT_OK ? show_check(verb, &instance, as_json) : kt_report_failure(verb, as_json, NULL, err, &error);
  kt_instance_release(&instance);
  return code;
}
