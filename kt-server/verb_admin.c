/* SPDX-License-Identifier: Apache-2.0 */
/* status, token and accept-clock: small questions to a log that may be running. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "base/hex.h"
#include "base/noun.h"
#include "crypto/hash.h"
#include "report.h"
#include "units.h"

/* --- status ------------------------------------------------------------------------------------------------------- */

static uint64_t number(const json_t *object, const char *key)
{
  return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void print_text(const char *name, const char *value)
{
  (void)printf("%-10s %s\n", name, value != NULL ? value : "?");
}

static void print_number(const char *name, uint64_t value)
{
  (void)printf("%-10s %" PRIu64 "\n", name, value);
}

static void print_guard(const json_t *guard)
{
  const char *error = json_string_value(json_object_get(guard, "error"));
  const char *file = json_string_value(json_object_get(guard, "file"));
  if (error != NULL) {
    (void)printf("%-10s UNREADABLE %s\n", "guard", error);
  } else {
    (void)printf("%-10s size %" PRIu64 " in %s\n", "guard", number(guard, "size"), file != NULL ? file : "?");
  }
}

/* Nothing for a log that keeps everything. */
static void print_pruned(const json_t *pruned)
{
  if (pruned == NULL) {
    return;
  }
  uint64_t n_entries = number(pruned, "entries");
  uint64_t n_values = number(pruned, "values");
  uint64_t n_nodes = number(pruned, "nodes");
  (void)printf("%-10s whole from entry %" PRIu64 " on; removed as past the maximum lifetime: %" PRIu64 " %s, %" PRIu64
               " %s, %" PRIu64 " tree %s (%" PRIu64 " bytes)\n",
               "pruned", number(pruned, "first_entry"), n_entries, kt_noun_entries(n_entries), n_values,
               kt_noun(n_values, "value", "values"), n_nodes, kt_noun(n_nodes, "node", "nodes"),
               number(pruned, "bytes"));
  const char *reason = json_string_value(json_object_get(pruned, "reason"));
  if (json_is_true(json_object_get(pruned, "stopped"))) {
    (void)printf("%-10s PRUNING STOPPED: something it needs is missing or unreadable (%s); run kt-server fsck\n", "",
                 reason != NULL ? reason : "?");
  } else if (json_is_true(json_object_get(pruned, "waiting"))) {
    (void)printf("%-10s PRUNING WAITS: %s\n", "", reason != NULL ? reason : "?");
  }
}

/* Nothing in a mode without one. */
static void print_auditor(const json_t *auditor)
{
  if (auditor == NULL) {
    return;
  }
  uint64_t size = number(auditor, "tree_size");
  (void)printf("%-10s vouched for %" PRIu64 " %s%s\n", "auditor", size, kt_noun_entries(size),
               json_is_true(json_object_get(auditor, "accepted")) ? "" : ": TOO FEW, CLIENTS ARE UNDECIDED");
}

static void print_status(const json_t *status, bool is_running)
{
  const json_t *log = json_object_get(status, "log");
  uint64_t timestamp_ms = number(log, "timestamp_ms");
  uint64_t now_ms = kt_now_ms();
  uint64_t age_ms = now_ms > timestamp_ms ? now_ms - timestamp_ms : 0;
  char newest[KT_TIME_TEXT_SIZE];
  print_text("log", json_string_value(json_object_get(log, "id")));
  print_text("state", !is_running                                          ? "STOPPED"
                      : json_is_true(json_object_get(status, "read_only")) ? "RUNNING, READ ONLY"
                      : json_is_true(json_object_get(status, "signing"))   ? "RUNNING"
                                                                           : "RUNNING, BUT SIGNS NOTHING ANY MORE");
  print_number("size", number(log, "tree_size"));
  print_text("root", json_string_value(json_object_get(log, "root")));
  kt_time_text(timestamp_ms, newest);
  (void)printf("%-10s %s, %" PRIu64 " s ago\n", "newest", newest, age_ms / 1000);
  print_auditor(json_object_get(status, "auditor"));
  print_number("labels", number(status, "labels"));
  print_number("versions", number(status, "versions"));
  print_number("queue", number(status, "queued"));
  if (json_object_get(status, "clock") != NULL) {
    print_text("clock", json_string_value(json_object_get(json_object_get(status, "clock"), "text")));
  }
  if (json_is_true(json_object_get(status, "disk_full"))) {
    print_text("disk", "FULL, updates are refused until there is room");
  }
  if (json_is_true(json_object_get(status, "erasing"))) {
    print_text(
        "erasing",
        "copies of what was erased are still in the files: somebody reads an older state of them, or the disk fails");
  }
  print_guard(json_object_get(status, "guard"));
  if (json_object_get(status, "stopped") != NULL) {
    print_text("stopped", json_string_value(json_object_get(status, "stopped")));
  }
  print_pruned(json_object_get(status, "pruned"));
}

static int show_status(const struct kt_verb *verb, json_t *status, bool is_running, bool as_json)
{
  if (!as_json) {
    print_status(status, is_running);
    return KT_EXIT_DONE;
  }
  if (json_object_set_new(status, "running", json_boolean(is_running)) != 0) {
    return kt_report_json(verb, NULL);
  }
  return kt_report_json(verb, json_incref(status));
}

int kt_verb_status(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  bool is_running;
  struct kt_error error;
  json_t *response = NULL;
  if (kt_cli_parse(verb, argc, argv, options, 1, &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  enum kt_err err = kt_admin_ask(dir, json_pack("{s:s}", "op", "status"), &is_running, &response, &error);
  int code = err == KT_OK ? show_status(verb, json_object_get(response, "status"), is_running, as_json)
                          : kt_report_failure(verb, as_json, NULL, err, &error);
  json_decref(response);
  return code;
}

/* --- token -------------------------------------------------------------------------------------------------------- */

#define TOKEN_LEN 32

static int show_token(const struct kt_verb *verb, const char *token, bool as_json)
{
  if (as_json) {
    return kt_report_json(verb, json_pack("{s:s}", "token", token));
  }
  (void)printf("%s\n", token);
  return KT_EXIT_DONE;
}

int kt_verb_token(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  uint8_t bytes[TOKEN_LEN];
  char token[KT_HEX_SIZE(TOKEN_LEN)];
  char hash_text[KT_HEX_SIZE(KT_HASH_LEN)];
  struct kt_hash hash;
  struct kt_error error;
  json_t *response = NULL;
  if (kt_cli_parse(verb, argc, argv, options, 1, &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  randombytes_buf(bytes, sizeof bytes);
  (void)sodium_bin2hex(token, sizeof token, bytes, sizeof bytes);
  /* Only the hash leaves this process, so the log's files let nobody register. */
  kt_sha256(token, sizeof token - 1, &hash);
  (void)kt_hex_encode((struct kt_bytes){ hash.b, sizeof hash.b }, hash_text);
  enum kt_err err =
      kt_admin_ask(dir, json_pack("{s:s, s:s}", "op", "token", "hash", hash_text), NULL, &response, &error);
  int code = err == KT_OK ? show_token(verb, token, as_json) : kt_report_failure(verb, as_json, NULL, err, &error);
  json_decref(response);
  sodium_memzero(bytes, sizeof bytes);
  sodium_memzero(token, sizeof token);
  return code;
}

/* --- accept-clock ------------------------------------------------------------------------------------------------- */

static int show_accepted(const struct kt_verb *verb, const json_t *head, bool as_json)
{
  char time[KT_TIME_TEXT_SIZE];
  kt_time_text(number(head, "timestamp_ms"), time);
  if (as_json) {
    return kt_report_json(verb, json_pack("{s:O, s:O}", "tree_size", json_object_get(head, "tree_size"), "timestamp_ms",
                                          json_object_get(head, "timestamp_ms")));
  }
  (void)printf("the clock is believed; log entry %" PRIu64 " is of %s\n", number(head, "tree_size") - 1, time);
  return KT_EXIT_DONE;
}

int kt_verb_accept_clock(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  bool as_json = false;
  const struct kt_option options[] = { { "json", NULL, &as_json } };
  struct kt_error error;
  json_t *response = NULL;
  if (kt_cli_parse(verb, argc, argv, options, 1, &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  enum kt_err err = kt_admin_ask(dir, json_pack("{s:s}", "op", "accept-clock"), NULL, &response, &error);
  int code = err == KT_OK ? show_accepted(verb, json_object_get(response, "head"), as_json)
                          : kt_report_failure(verb, as_json, NULL, err, &error);
  json_decref(response);
  return code;
}
