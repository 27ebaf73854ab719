/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "init_config.h"
#include "instance.h"
#include "json/builder.h"
#include "keys.h"
#include "report.h"
#include "role.h"

/* As given on the command line. */
struct request {
  const char *dir;
  const char *registration;
  struct kt_init_options options;
};

static enum kt_err check_registration(const struct request *request, struct kt_error *error)
{
  enum kt_registration registration;
  if (kt_registration_from_name(request->registration, &registration) != KT_OK) {
    return kt_error_set(error, KT_ERR_USAGE, "--registration %s: it is open, token or closed", request->registration);
  }
  return KT_OK;
}

/* --- the folder --------------------------------------------------------------------------------------------------- */

/* The folder was empty. */
static void remove_all(const char *dir, bool made)
{
  static const char *const names[] = {
    KT_NAME_SIGNING_KEY, KT_NAME_VRF_KEY,  KT_NAME_CONFIG,     KT_NAME_SETTINGS,
    KT_NAME_LOCK,        KT_NAME_DATABASE, KT_NAME_HEAD_GUARD, KT_NAME_SIGNER_LOCK,
  };
  kt_folder_remove_files(dir, kt_role_files, KT_ROLE_FILES);
  kt_folder_remove(dir, names, sizeof names / sizeof names[0], made);
}

static enum kt_err write_file(const char *dir, const char *name, const void *data, size_t len, mode_t mode,
                              struct kt_error *error)
{
  struct kt_path path;
  enum kt_err err = kt_path_join(dir, name, &path, error);
  return err == KT_OK ? kt_file_replace(path.s, data, len, mode, error) : err;
}

static enum kt_err make_key(const char *dir, const char *name, const char *role, struct kt_error *error)
{
  struct kt_path path;
  struct kt_secret *secret = NULL;
  enum kt_err err = kt_path_join(dir, name, &path, error);
  if (err == KT_OK) {
    err = kt_key_create(path.s, role, &secret, error);
  }
  kt_secret_free(secret);
  return err;
}

static enum kt_err load_key(const char *dir, const char *name, const char *role, struct kt_secret **ret_secret,
                            struct kt_error *error)
{
  struct kt_path path;
  enum kt_err err = kt_path_join(dir, name, &path, error);
  return err == KT_OK ? kt_key_load(path.s, role, ret_secret, error) : err;
}

static enum kt_err public_keys(const char *dir, const struct kt_suite *suite, uint8_t *ret_signing, uint8_t *ret_vrf,
                               struct kt_error *error)
{
  struct kt_secret *signing = NULL;
  struct kt_secret *vrf = NULL;
  enum kt_err err = load_key(dir, KT_NAME_SIGNING_KEY, "signing", &signing, error);
  if (err == KT_OK) {
    err = load_key(dir, KT_NAME_VRF_KEY, "vrf", &vrf, error);
  }
  if (err == KT_OK &&
      (suite->sign_public(signing->seed, ret_signing) != KT_OK || suite->vrf_public(vrf->seed, ret_vrf) != KT_OK)) {
    err = kt_error_set(error, KT_ERR_CRYPTO, "deriving the public keys failed");
  }
  kt_secret_free(signing);
  kt_secret_free(vrf);
  return err;
}

/* config.bin, read back with the checks that clients make (R4). */
static enum kt_err write_config(const struct request *request, const struct kt_config *windows, struct kt_error *error)
{
  struct kt_config config = *windows;
  uint8_t signing[KT_PUBLIC_KEY_MAX];
  uint8_t vrf[KT_PUBLIC_KEY_MAX];
  uint8_t bytes[KT_CONFIG_MAX];
  struct kt_reason reason = { 0 };
  enum kt_err err = public_keys(request->dir, config.suite, signing, vrf, error);
  if (err != KT_OK) {
    return err;
  }
  config.signature_public_key = (struct kt_bytes){ signing, config.suite->sign_public_len };
  config.vrf_public_key = (struct kt_bytes){ vrf, config.suite->vrf_public_len };
  size_t len = kt_config_encode(&config, bytes);
  err = kt_config_decode((struct kt_bytes){ bytes, len }, &config, &reason);
  if (err != KT_OK) {
    return kt_error_set(error, err, "%s", reason.text);
  }
  return write_file(request->dir, KT_NAME_CONFIG, bytes, len, 0644, error);
}

static enum kt_err write_settings(const struct request *request, struct kt_error *error)
{
  char *text = kt_settings_template(request->registration, NULL);
  if (text == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  enum kt_err err = write_file(request->dir, KT_NAME_SETTINGS, text, strlen(text), 0600, error);
  free(text);
  return err;
}

static enum kt_err create_entry_0(struct kt_instance *instance, struct kt_error *error)
{
  struct kt_log_problem problem;
  enum kt_err err = kt_instance_open_store(instance, true, false, error);
  if (err != KT_OK) {
    return err;
  }
  const struct kt_log_options options = kt_instance_log_options(instance, false);
  err = kt_log_create(&options, &problem);
  return err == KT_OK ? KT_OK : kt_error_set(error, err, "%s", problem.text);
}

/* Entry 0 and the guard, through the files that were just written. */
static enum kt_err create_log(const char *dir, struct kt_hash *ret_log_id, struct kt_error *error)
{
  struct kt_instance *instance = malloc(sizeof *instance);
  if (instance == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  kt_instance_init(instance);
  enum kt_err err = kt_instance_load(instance, dir, error);
  if (err == KT_OK) {
    err = kt_instance_lock(instance, error);
  }
  if (err == KT_OK) {
    err = create_entry_0(instance, error);
  }
  if (err == KT_OK) {
    kt_config_log_id(&instance->config, ret_log_id);
  }
  kt_instance_release(instance);
  free(instance);
  return err;
}

static enum kt_err fill_dir(const struct request *request, const struct kt_config *config, struct kt_hash *ret_log_id,
                            struct kt_error *error)
{
  enum kt_err err = make_key(request->dir, KT_NAME_SIGNING_KEY, "signing", error);
  if (err == KT_OK) {
    err = make_key(request->dir, KT_NAME_VRF_KEY, "vrf", error);
  }
  if (err == KT_OK) {
    err = write_config(request, config, error);
  }
  if (err == KT_OK) {
    err = write_settings(request, error);
  }
  if (err == KT_OK && config->mode == KT_MODE_THIRD_PARTY_MANAGEMENT) {
    err = kt_role_make_token(request->dir, error);
  }
  return err == KT_OK ? create_log(request->dir, ret_log_id, error) : err;
}

/* config NULL: a Service Operator's folder, without a log. */
static enum kt_err create(const struct request *request, const struct kt_config *config, struct kt_hash *ret_log_id,
                          struct kt_error *error)
{
  bool made = false;
  enum kt_err err = kt_folder_make(request->dir, &made, error);
  if (err != KT_OK) {
    return err;
  }
  if (config == NULL) {
    err = kt_role_init_operator(request->dir, &request->options, request->registration, error);
  } else {
    err = fill_dir(request, config, ret_log_id, error);
  }
  if (err != KT_OK) {
    remove_all(request->dir, made);
  }
  return err;
}

static void say_guard(const char *dir)
{
  kt_say("the head guard is %s/" KT_NAME_HEAD_GUARD
         ": there it does not survive a restore of the whole folder. Move it to "
         "another disk and set head-guard in %s/" KT_NAME_SETTINGS ".",
         dir, dir);
}

static int show_log(const struct kt_verb *verb, const struct request *request, const struct kt_hash *log_id,
                    bool as_json)
{
  say_guard(request->dir);
  if (as_json) {
    return kt_report_json(verb, json_pack("{s:o, s:{s:o, s:i}}", "dir", kt_json_lossy(request->dir), "log", "id",
                                          kt_json_hash(log_id), "tree_size", 1));
  }
  (void)printf("log created in %s\n", request->dir);
  return KT_EXIT_DONE;
}

static int show_operator(const struct kt_verb *verb, const char *dir, bool as_json)
{
  kt_say("next: give %s/" KT_NAME_LEAF_PUBLIC " to the Manager, who makes the log with kt-server init --mode "
         "third-party-management --role manager --leaf-key " KT_NAME_LEAF_PUBLIC
         "; then put the Manager's " KT_NAME_CONFIG " and " KT_NAME_OPERATOR_TOKEN " (mode 0600) into %s",
         dir, dir);
  say_guard(dir);
  if (as_json) {
    return kt_report_json(verb, json_pack("{s:o}", "dir", kt_json_lossy(dir)));
  }
  (void)printf("operator created in %s\n", dir);
  return KT_EXIT_DONE;
}

int kt_verb_init(const struct kt_verb *verb, int argc, char **argv)
{
  bool as_json = false;
  struct request request = { .registration = "open",
                             .options = { .mode = "contact-monitoring",
                                          .suite = "ed25519",
                                          .role = "operator",
                                          .window = "24h",
                                          .max_ahead = "60s",
                                          .max_behind = "10m" } };
  struct kt_init_options *init = &request.options;
  const struct kt_option options[] = {
    { "mode", &init->mode, NULL },
    { "suite", &init->suite, NULL },
    { "registration", &request.registration, NULL },
    { "auditor-key", &init->auditor_key, NULL },
    { "max-auditor-lag", &init->auditor_lag, NULL },
    { "auditor-start-pos", &init->auditor_start, NULL },
    { "role", &init->role, NULL },
    { "upstream", &init->upstream, NULL },
    { "leaf-key", &init->leaf_key, NULL },
    { "reasonable-monitoring-window", &init->window, NULL },
    { "max-ahead", &init->max_ahead, NULL },
    { "max-behind", &init->max_behind, NULL },
    { "maximum-lifetime", &init->lifetime, NULL },
    { "json", NULL, &as_json },
  };
  struct kt_init_config init_config;
  struct kt_error error;
  struct kt_hash log_id;
  if (kt_cli_parse(verb, argc, argv, options, sizeof options / sizeof options[0], &request.dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  enum kt_err err = check_registration(&request, &error);
  bool is_operator = kt_init_is_operator(init);
  if (err == KT_OK && !is_operator) {
    err = kt_init_config_read(init, &init_config, &error);
  }
  if (err == KT_OK) {
    err = create(&request, is_operator ? NULL : &init_config.config, &log_id, &error);
  }
  if (err != KT_OK) {
    return kt_report_failure(verb, as_json, NULL, err, &error);
  }
  return is_operator ? show_operator(verb, request.dir, as_json) : show_log(verb, &request, &log_id, as_json);
}
