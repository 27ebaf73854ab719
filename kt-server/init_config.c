/* SPDX-License-Identifier: Apache-2.0 */
#include "init_config.h"

#include <string.h>

#include "crypto/key_text.h"
#include "file_io.h"
#include "json/config.h"
#include "units.h"

static enum kt_err unsupported(struct kt_error *error, const char *option, const char *value, const char *supported)
{
  return kt_error_set(error, KT_ERR_UNSUPPORTED, "--%s %s is not supported by this version; it supports %s", option,
                      value, supported);
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static enum kt_err read_duration(const char *option, const char *text, uint64_t *ret_ms, struct kt_error *error)
{
  const char *why = NULL;
  enum kt_err err = kt_duration_parse(text, ret_ms, &why);
  if (err == KT_OK && *ret_ms == 0) {
    err = KT_ERR_FORMAT;
    why = "it must be greater than zero";
  }
  return err == KT_OK ? KT_OK : kt_error_set(error, err, "--%s %s: %s", option, text, why);
}

static enum kt_err read_windows(const struct kt_init_options *options, struct kt_config *config, struct kt_error *error)
{
  enum kt_err err =
      read_duration("reasonable-monitoring-window", options->window, &config->reasonable_monitoring_window, error);
  if (err == KT_OK) {
    err = read_duration("max-ahead", options->max_ahead, &config->max_ahead, error);
  }
  if (err == KT_OK) {
    err = read_duration("max-behind", options->max_behind, &config->max_behind, error);
  }
  if (err == KT_OK && options->lifetime != NULL) {
    config->has_maximum_lifetime = true;
    err = read_duration("maximum-lifetime", options->lifetime, &config->maximum_lifetime, error);
  }
  return err;
}

/* --- the auditor -------------------------------------------------------------------------------------------------- */

/* A public key of somebody else's in a file. */
struct key_file {
  const char *option;
  const char *role;
  const char *origin;
};

static enum kt_err read_key(const struct key_file *file, const char *path, const struct kt_suite *wanted,
                            uint8_t ret_key[static KT_PUBLIC_KEY_MAX], struct kt_error *error)
{
  char line[KT_KEY_TEXT_MAX + 1];
  size_t len = 0;
  const struct kt_suite *suite = NULL;
  enum kt_err err = kt_input_read(path, KT_KEY_TEXT_MAX, line, &len, error);
  if (err != KT_OK) {
    return err;
  }
  if (kt_public_key_read((struct kt_bytes){ (const uint8_t *)line, len }, file->role, &suite, ret_key) != KT_OK) {
    return kt_error_set(error, KT_ERR_FORMAT, "--%s %s: not %s", file->option, path, file->origin);
  }
  if (suite != wanted) {
    return kt_error_set(error, KT_ERR_USAGE, "--%s %s is a key for suite %s, the log has suite %s", file->option, path,
                        kt_suite_word(suite), kt_suite_word(wanted));
  }
  return KT_OK;
}

static enum kt_err read_auditor_key(const char *path, struct kt_init_config *init, struct kt_error *error)
{
  static const struct key_file file = { "auditor-key", "auditor",
                                        "the public key of an auditor, as kt-verify auditor keygen writes it" };
  const struct kt_suite *suite = init->config.suite;
  enum kt_err err = read_key(&file, path, suite, init->auditor_key, error);
  if (err == KT_OK) {
    init->config.auditor_public_key = (struct kt_bytes){ init->auditor_key, suite->sign_public_len };
  }
  return err;
}

enum kt_err kt_init_auditor_read(const struct kt_init_options *options, struct kt_init_config *init,
                                 struct kt_error *error)
{
  struct kt_config *config = &init->config;
  enum kt_err err = KT_OK;
  if (options->auditor_key != NULL) {
    err = read_auditor_key(options->auditor_key, init, error);
  }
  if (err == KT_OK && options->auditor_lag != NULL) {
    err = read_duration("max-auditor-lag", options->auditor_lag, &config->max_auditor_lag, error);
  }
  if (err == KT_OK && options->auditor_start != NULL &&
      kt_number_parse(options->auditor_start, &config->auditor_start_pos) != KT_OK) {
    err = kt_error_set(error, KT_ERR_FORMAT, "--auditor-start-pos %s: it is the number of a log entry",
                       options->auditor_start);
  }
  return err;
}

static enum kt_err read_auditor(const struct kt_init_options *options, struct kt_init_config *init,
                                struct kt_error *error)
{
  static const uint64_t lag_default_ms = 10 * UINT64_C(60000);
  if (options->auditor_key == NULL) {
    return kt_error_set(error, KT_ERR_USAGE,
                        "--mode third-party-auditing needs --auditor-key FILE, the public key that the auditor made "
                        "with kt-verify auditor keygen");
  }
  init->config.max_auditor_lag = lag_default_ms;
  enum kt_err err = kt_init_auditor_read(options, init, error);
  if (err == KT_OK && init->config.auditor_start_pos > 1) {
    err =
        kt_error_set(error, KT_ERR_USAGE, "--auditor-start-pos %s: a new log has entry 0 only", options->auditor_start);
  }
  return err;
}

/* --- the Service Operator of a managed log ------------------------------------------------------------------------ */

static enum kt_err read_leaf(const struct kt_init_options *options, struct kt_init_config *init, struct kt_error *error)
{
  static const struct key_file file = { "leaf-key", "leaf",
                                        "leaf.pub of a Service Operator, as init --role operator makes it" };
  const struct kt_suite *suite = init->config.suite;
  if (options->leaf_key == NULL) {
    return kt_error_set(error, KT_ERR_USAGE,
                        "--role manager needs --leaf-key FILE, leaf.pub of the Service Operator's folder");
  }
  enum kt_err err = read_key(&file, options->leaf_key, suite, init->leaf_key, error);
  if (err == KT_OK) {
    init->config.leaf_public_key = (struct kt_bytes){ init->leaf_key, suite->sign_public_len };
  }
  return err;
}

bool kt_init_is_operator(const struct kt_init_options *options)
{
  return strcmp(options->mode, kt_json_mode_name(KT_MODE_THIRD_PARTY_MANAGEMENT)) == 0 &&
         strcmp(options->role, "operator") == 0;
}

/* --- the kind of log ---------------------------------------------------------------------------------------------- */

static enum kt_err read_mode(const char *text, enum kt_mode *ret_mode, struct kt_error *error)
{
  static const enum kt_mode modes[] = { KT_MODE_CONTACT_MONITORING, KT_MODE_THIRD_PARTY_AUDITING,
                                        KT_MODE_THIRD_PARTY_MANAGEMENT };
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    if (strcmp(text, kt_json_mode_name(modes[i])) == 0) {
      *ret_mode = modes[i];
      return KT_OK;
    }
  }
  return unsupported(error, "mode", text, "contact-monitoring, third-party-auditing and third-party-management");
}

/* Options that mean nothing in this mode: whoever gives them has another one in mind. */
static enum kt_err check_mode_options(const struct kt_init_options *options, enum kt_mode mode, struct kt_error *error)
{
  bool auditor = options->auditor_key != NULL || options->auditor_lag != NULL || options->auditor_start != NULL;
  if (auditor && mode != KT_MODE_THIRD_PARTY_AUDITING) {
    return kt_error_set(error, KT_ERR_USAGE,
                        "--auditor-key, --max-auditor-lag and --auditor-start-pos belong to --mode "
                        "third-party-auditing");
  }
  bool is_manager = strcmp(options->role, "manager") == 0;
  if (!is_manager && strcmp(options->role, "operator") != 0) {
    return unsupported(error, "role", options->role, "operator and manager");
  }
  if (is_manager != (mode == KT_MODE_THIRD_PARTY_MANAGEMENT) || (options->leaf_key != NULL && !is_manager)) {
    return kt_error_set(error, KT_ERR_USAGE, "--role manager and --leaf-key belong to --mode third-party-management");
  }
  if (options->upstream != NULL) {
    return kt_error_set(error, KT_ERR_USAGE, "--upstream belongs to --mode third-party-management --role operator");
  }
  return KT_OK;
}

static enum kt_err read_kind(const struct kt_init_options *options, struct kt_config *config, struct kt_error *error)
{
  config->suite = kt_suite_by_word(options->suite);
  if (config->suite == NULL) {
    return unsupported(error, "suite", options->suite, "ed25519 and p256");
  }
  enum kt_err err = read_mode(options->mode, &config->mode, error);
  return err == KT_OK ? check_mode_options(options, config->mode, error) : err;
}

enum kt_err kt_init_config_read(const struct kt_init_options *options, struct kt_init_config *ret_init,
                                struct kt_error *error)
{
  *ret_init = (struct kt_init_config){ .config = { .suite = NULL } };
  enum kt_err err = read_kind(options, &ret_init->config, error);
  if (err == KT_OK) {
    err = read_windows(options, &ret_init->config, error);
  }
  if (err == KT_OK && ret_init->config.mode == KT_MODE_THIRD_PARTY_AUDITING) {
    err = read_auditor(options, ret_init, error);
  }
  if (err == KT_OK && ret_init->config.mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    err = read_leaf(options, ret_init, error);
  }
  return err;
}
