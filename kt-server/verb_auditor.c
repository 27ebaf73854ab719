/* SPDX-License-Identifier: Apache-2.0 */
/* change-auditor: a successor Configuration of a stopped log. Entries and keys of the log stay; clients take the new
 * one with kt-verify config update, and refuse an auditor that began after what was vouched for when they saw the log
 * last (draft: Auditor Tree Head Signature, step 1). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/noun.h"
#include "init_config.h"
#include "instance.h"
#include "json/builder.h"
#include "json/config.h"
#include "report.h"
#include "trail_operate.h"

static enum kt_err check_request(const struct kt_init_options *options, const struct kt_instance *instance,
                                 struct kt_error *error)
{
  if (instance->config.mode != KT_MODE_THIRD_PARTY_AUDITING) {
    return kt_error_set(error, KT_ERR_USAGE, "%s is a log in %s mode: it has no auditor", instance->dir.s,
                        kt_json_mode_name(instance->config.mode));
  }
  if (options->auditor_key == NULL && options->auditor_lag == NULL && options->auditor_start == NULL) {
    return kt_error_set(error, KT_ERR_USAGE,
                        "nothing to change: give --auditor-key, --max-auditor-lag or --auditor-start-pos");
  }
  return KT_OK;
}

/* What no client that has seen the log could accept. */
static enum kt_err check_start(struct kt_instance *instance, uint64_t start_pos, struct kt_error *error)
{
  struct kt_log_reader *reader;
  struct kt_log_problem problem;
  struct kt_log_head head;
  uint64_t vouched = 0;
  kt_log_head(instance->log, &head);
  enum kt_err err = kt_log_reader_new(instance->log, &reader, &problem);
  if (err == KT_OK) {
    err = kt_log_auditor_last(reader, &vouched, &problem);
    kt_log_reader_free(reader);
  }
  if (err != KT_OK) {
    return kt_error_set(error, err, "%s", problem.text);
  }
  uint64_t most = vouched > 0 ? vouched : head.size; /* without any head no client has seen the log */
  return start_pos <= most ? KT_OK
                           : kt_error_set(error, KT_ERR_USAGE,
                                          "--auditor-start-pos %" PRIu64 ": an auditor has vouched for %" PRIu64
                                          " of the log's %" PRIu64 " %s, and clients refuse one that begins after that",
                                          start_pos, vouched, head.size, kt_noun_entries(head.size));
}

/* config.bin, read back with the checks that clients make (R4). */
static enum kt_err write_successor(const struct kt_instance *instance, const struct kt_config *config,
                                   struct kt_error *error)
{
  uint8_t bytes[KT_CONFIG_MAX];
  struct kt_path path;
  struct kt_config again;
  struct kt_reason reason = { 0 };
  struct kt_log_problem problem;
  size_t len = kt_config_encode(config, bytes);
  enum kt_err err = kt_config_decode((struct kt_bytes){ bytes, len }, &again, &reason);
  if (err != KT_OK) {
    return kt_error_set(error, err, "%s", reason.text);
  }
  if (kt_log_announce(instance->log, config, &problem) != KT_OK) {
    return kt_error_set(error, KT_ERR_STORE, "%s", problem.text);
  }
  err = kt_path_join(instance->dir.s, KT_NAME_CONFIG, &path, error);
  return err == KT_OK ? kt_file_replace(path.s, bytes, len, 0644, error) : err;
}

static enum kt_err change(struct kt_instance *instance, const char *dir, const struct kt_init_options *options,
                          struct kt_init_config *successor, struct kt_error *error)
{
  enum kt_err err = kt_instance_open(instance, dir, error);
  if (err == KT_OK && instance->read_only) {
    err = kt_error_set(error, KT_ERR_CONFLICT, "%s is read only: it signs nothing that a new auditor could vouch for",
                       dir);
  }
  if (err == KT_OK) {
    err = check_request(options, instance, error);
  }
  if (err == KT_OK) {
    successor->config = instance->config;
    err = kt_init_auditor_read(options, successor, error);
  }
  if (err == KT_OK) {
    err = check_start(instance, successor->config.auditor_start_pos, error);
  }
  if (err == KT_OK) {
    err = write_successor(instance, &successor->config, error);
  }
  return err == KT_OK ? kt_record(instance, "change-auditor", "done", 0, error) : err;
}

static int show(const struct kt_verb *verb, const char *dir, const struct kt_config *config, bool as_json)
{
  if (as_json) {
    return kt_report_json(verb, json_pack("{s:o}", "config", kt_json_config(config)));
  }
  (void)printf("%s has a successor configuration; its entries stay as they are\n", dir);
  kt_say(
      "what comes next: kt-server run %s; the new auditor starts (kt-verify audit --follow --sign KEY); then give "
      "clients the file that kt-server config %s -o FILE writes, for kt-verify config update FILE. Until they have it, "
      "they refuse the log's new heads",
      dir, dir);
  return KT_EXIT_DONE;
}

int kt_verb_change_auditor(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  bool as_json = false;
  struct kt_init_options request = { .auditor_key = NULL };
  const struct kt_option options[] = { { "auditor-key", &request.auditor_key, NULL },
                                       { "max-auditor-lag", &request.auditor_lag, NULL },
                                       { "auditor-start-pos", &request.auditor_start, NULL },
                                       { "json", NULL, &as_json } };
  struct kt_init_config successor;
  struct kt_error error;
  if (kt_cli_parse(verb, argc, argv, options, sizeof options / sizeof options[0], &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  struct kt_instance *instance = malloc(sizeof *instance);
  if (instance == NULL) {
    kt_say("out of memory");
    return KT_EXIT_UNDECIDED;
  }
  kt_instance_init(instance);
  enum kt_err err = change(instance, dir, &request, &successor, &error);
  int code =
      err == KT_OK ? show(verb, dir, &successor.config, as_json) : kt_report_failure(verb, as_json, NULL, err, &error);
  kt_instance_release(instance);
  free(instance);
  return code;
}
