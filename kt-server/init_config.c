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

/* --- numbers ------------------------------------------------------------------------------------------------------- */

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

/* --- the auditor ----------------------------------------------------------------------------------------------------- */

static enum kt_err read_auditor_key(const char *path, struct kt_init_config *init, struct kt_error *error)
{
  char line[KT_KEY_TEXT_MAX + 1];
  size_t len = 0;
  const struct kt_suite *suite = NULL;
  enum kt_err err = kt_file_read(path, KT_KEY_TEXT_MAX, line, &len, error);
  if (err != KT_OK) {
    return err;
  }
  if (kt_public_key_read((struct kt_bytes){ (const uint8_t *)line, len }, "auditor", &suite, init->auditor_key) !=
      KT_OK) {
    return kt_error_set(error, KT_ERR_FORMAT,
                        "--auditor-key %s: not the public key of an auditor, as kt-verify auditor keygen writes it",
                        path);
  }
  if (suite != init->config.suite) {
    return kt_error_set(error, KT_ERR_USAGE, "--auditor-key %s is a key for suite %s, the log has suite %s", path,
                        kt_suite_word(suite), kt_suite_word(init->config.suite));
  }
  init->config.auditor_public_key = (struct kt_bytes){ init->auditor_key, suite->sign_public_len };
  return KT_OK;
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

/* --- the kind of log --------------------------------------------------------------------------------------------------- */

static enum kt_err read_mode(const char *text, enum kt_mode *ret_mode, struct kt_error *error)
{
  static const enum kt_mode modes[] = { KT_MODE_CONTACT_MONITORING, KT_MODE_THIRD_PARTY_AUDITING };
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    if (strcmp(text, kt_json_mode_name(modes[i])) == 0) {
      *ret_mode = modes[i];
      return KT_OK;
    }
  }
  return unsupported(error, "mode", text, "contact-monitoring and third-party-auditing");
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
  if (strcmp(options->role, "operator") != 0) {
    return unsupported(error, "role", options->role, "operator");
  }
  if (options->upstream != NULL) {
    return kt_error_set(error, KT_ERR_UNSUPPORTED, "--upstream belongs to a mode that this version does not support");
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
  return err;
}
