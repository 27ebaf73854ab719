/* SPDX-License-Identifier: Apache-2.0 */
/* evidence list | show ID | export ID FILE | verify FILE. Nothing here asks the log. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <kt/device_set.h>

#include "evidence_store.h"
#include "report.h"
#include "session.h"
#include "verbs.h"

#define LIST_MAX 4096

/* --- files and ids ---------------------------------------------------------------------------------------------------- */

static enum kt_exit store_failed(struct kt_output *out, enum kt_err err, const char *path)
{
  if (err == KT_ERR_STORE) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: %s", path, strerror(errno));
  }
  return kt_output_fail(out, KT_EXIT_FAILED, "evidence-format",
                        err == KT_ERR_UNSUPPORTED ? "%s was written by a newer version of kt-verify"
                                                  : "%s is damaged, or not an evidence file: it proves nothing",
                        path);
}

/* The one saved file whose id begins like this. */
static enum kt_exit find_one(const char *home, const char *prefix, struct kt_arena *arena, struct kt_output *out,
                             const char **ret_path)
{
  const char **paths;
  size_t n = 0;
  enum kt_err err = kt_evidence_find(home, prefix, 2, arena, &paths, &n);
  if (err != KT_OK) {
    return store_failed(out, err, home);
  }
  if (n != 1) {
    return kt_output_fail(
        out, KT_EXIT_USAGE, n == 0 ? "unknown-id" : "ambiguous-id",
        n == 0 ? "no evidence %s here: kt-verify evidence list shows the ids" : "several ids begin with %s", prefix);
  }
  *ret_path = paths[0];
  return KT_EXIT_OK;
}

/* --- words -------------------------------------------------------------------------------------------------------------- */

static void print_head(const char *name, const struct kt_signed_head *head, struct kt_output *out)
{
  json_t *root = kt_output_hex((struct kt_bytes){ head->root.b, KT_HASH_LEN });
  kt_output_data(out, "  %-9s size %" PRIu64 ", root %s\n", name, head->size, json_string_value(root));
  json_decref(root);
}

static void print_evidence(const struct kt_evidence *evidence, struct kt_output *out)
{
  char code[64];
  char id[KT_EVIDENCE_ID_SIZE];
  kt_evidence_id_text(evidence, id);
  kt_output_data(out, "%s  %s\n", id, kt_evidence_kind_name(evidence->kind));
  if (evidence->kind == KT_EVIDENCE_FAILED) {
    kt_text_clean(evidence->failed.code, code, sizeof code);
    kt_output_data(out, "  check     %s, %zu bytes answered\n", code, evidence->failed.response.len);
    if (evidence->has_retained) {
      print_head("retained", &evidence->first, out);
    }
    return;
  }
  if (evidence->kind == KT_EVIDENCE_ANSWER) {
    char name[4 * KT_LABEL_MAX + 8];
    kt_text_clean(evidence->answer.label, name, sizeof name);
    kt_output_data(out, "  about     %s, %zu bytes answered\n", name, evidence->answer.response.len);
    return;
  }
  print_head("first", &evidence->first, out);
  print_head("second", &evidence->second, out);
}

static void print_meaning(const struct kt_evidence *evidence, enum kt_evidence_verdict verdict, struct kt_output *out)
{
  const char *proves = kt_evidence_proves(evidence->kind, verdict);
  const char *limits = kt_evidence_limits(evidence->kind, verdict);
  kt_output_data(out, "proves: %s\ndoes not prove: %s\n", proves, limits);
  kt_output_set(out, "proves", json_string(proves));
  kt_output_set(out, "does_not_prove", json_string(limits));
}

/* What the log said, for people to compare with what the person says. The file was verified. */
static void print_answer(const struct kt_config *pinned, const struct kt_evidence *evidence, struct kt_arena *arena,
                         struct kt_output *out)
{
  struct kt_reason reason = { .code = NULL };
  struct kt_search_result result;
  struct kt_device_set set;
  char when[KT_TIME_SIZE];
  if (kt_evidence_open_answer(pinned, evidence, arena, &result, &reason) != KT_OK) {
    return;
  }
  kt_report_time(result.terminal_ms, when);
  kt_output_data(out, "  version %" PRIu32 ", log entry %" PRIu64 ", %s; tree of size %" PRIu64 "\n", result.version,
                 result.terminal, when, result.log.tree.size);
  kt_output_set(out, "version", json_integer((json_int_t)result.version));
  if (kt_device_set_decode(result.value, arena, &set) == KT_OK && set.is_signed) {
    kt_report_key(out, "  account key", &set.account_key);
  } else {
    kt_output_data(out, "  no account key\n");
  }
}

/* --- verify ---------------------------------------------------------------------------------------------------------------- */

/* Say what the evidence is and what follows from it. */
static enum kt_exit examine(const struct kt_config *pinned, const struct kt_evidence *evidence, struct kt_arena *arena,
                            struct kt_output *out, enum kt_evidence_verdict *ret_verdict)
{
  struct kt_reason reason = { .code = NULL };
  kt_output_set(out, "evidence", kt_evidence_to_json(evidence));
  print_evidence(evidence, out);
  enum kt_err err = kt_evidence_verify(pinned, evidence, arena, ret_verdict, &reason);
  if (err != KT_OK) {
    kt_output_status(out, KT_EXIT_FAILED, "the file proves nothing");
    kt_output_fail_reason(out, err, &reason, "evidence");
    return KT_EXIT_FAILED;
  }
  out->verified = true;
  kt_output_set(out, "contradiction", json_boolean(*ret_verdict == KT_EVIDENCE_CONTRADICTION));
  if (evidence->kind == KT_EVIDENCE_ANSWER) {
    print_answer(pinned, evidence, arena, out);
  }
  print_meaning(evidence, *ret_verdict, out);
  return KT_EXIT_OK;
}

static enum kt_exit read_config(const char *path, struct kt_arena *arena, struct kt_output *out,
                                struct kt_config *ret_config)
{
  struct kt_bytes encoded;
  struct kt_reason reason = { .code = NULL };
  enum kt_err err = kt_evidence_read_file(path, KT_CONFIG_MAX, arena, &encoded);
  if (err == KT_ERR_STORE) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: %s", path, strerror(errno));
  }
  if (err == KT_OK) {
    err = kt_config_decode(encoded, ret_config, &reason);
  }
  return err == KT_OK ? KT_EXIT_OK
                      : kt_output_fail(out, KT_EXIT_USAGE, "config", "%s is not the configuration of a log", path);
}

static enum kt_exit load_and_examine(const char *path, const struct kt_config *pinned, struct kt_arena *arena,
                                     struct kt_output *out, enum kt_evidence_verdict *ret_verdict)
{
  struct kt_bytes file = { NULL, 0 };
  struct kt_evidence evidence = { .kind = KT_EVIDENCE_FORK };
  enum kt_err err = kt_evidence_load(path, arena, &file, &evidence);
  return err == KT_OK ? examine(pinned, &evidence, arena, out, ret_verdict) : store_failed(out, err, path);
}

/* 0 when a contradiction is proven, 1 when it does not follow from the file: an answer alone is none, whatever the person
 * says. */
static enum kt_exit judge(const char *path, const struct kt_config *pinned, struct kt_arena *arena,
                          struct kt_output *out)
{
  enum kt_evidence_verdict verdict = KT_EVIDENCE_CONSISTENT;
  enum kt_exit code = load_and_examine(path, pinned, arena, out, &verdict);
  if (code != KT_EXIT_OK) {
    return code;
  }
  if (verdict != KT_EVIDENCE_CONTRADICTION) {
    kt_output_status(out, KT_EXIT_FAILED, "genuine, but no contradiction");
    return kt_output_fail(out, KT_EXIT_FAILED, "no-contradiction", "what the log signed in this file can all be true");
  }
  kt_output_status(out, KT_EXIT_OK, "the evidence holds: the log contradicts itself");
  return KT_EXIT_OK;
}

enum kt_exit kt_verb_evidence_verify(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_arena arena;
  struct kt_config config;
  struct kt_session session;
  if (cli->values[KT_OPT_CONFIG] == NULL) {
    enum kt_exit code = kt_session_open(&session, cli, out);
    if (code == KT_EXIT_OK) {
      code = judge(cli->args[0], &session.config, &session.arena, out);
    }
    kt_session_close(&session);
    return code;
  }
  kt_arena_init(&arena, 2 * KT_EVIDENCE_FILE_MAX);
  enum kt_exit code = read_config(cli->values[KT_OPT_CONFIG], &arena, out, &config);
  if (code == KT_EXIT_OK) {
    code = judge(cli->args[0], &config, &arena, out);
  }
  kt_arena_release(&arena);
  return code;
}

/* --- list, show, export ------------------------------------------------------------------------------------------------------- */

static enum kt_exit list(struct kt_session *session, struct kt_output *out)
{
  const char **paths;
  size_t n = 0;
  enum kt_err err = kt_evidence_find(session->state.home, "", LIST_MAX, &session->arena, &paths, &n);
  if (err != KT_OK) {
    return store_failed(out, err, session->state.home);
  }
  enum kt_exit code = KT_EXIT_OK;
  kt_output_set(out, "evidence", json_array());
  for (size_t i = 0; i < n; i++) {
    struct kt_arena arena; /* of one file: they may be large */
    struct kt_bytes file;
    struct kt_evidence evidence;
    kt_arena_init(&arena, 2 * KT_EVIDENCE_FILE_MAX);
    err = kt_evidence_load(paths[i], &arena, &file, &evidence);
    if (err == KT_OK) {
      kt_output_append(out, "evidence", kt_evidence_to_json(&evidence));
      print_evidence(&evidence, out);
    } else {
      code = store_failed(out, err, paths[i]);
    }
    kt_arena_release(&arena);
  }
  if (n == 0) {
    kt_output_data(out, "no evidence saved\n");
  }
  return code;
}

enum kt_exit kt_verb_evidence_list(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = list(&session, out);
  }
  kt_session_close(&session);
  return code;
}

enum kt_exit kt_verb_evidence_show(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  const char *path = NULL;
  enum kt_evidence_verdict verdict = KT_EVIDENCE_CONSISTENT;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = find_one(session.state.home, cli->args[0], &session.arena, out, &path);
  }
  if (code == KT_EXIT_OK) {
    code = load_and_examine(path, &session.config, &session.arena, out, &verdict);
  }
  kt_session_close(&session);
  return code;
}

static enum kt_exit export_one(struct kt_session *session, const char *id, const char *target, struct kt_output *out)
{
  const char *path = NULL;
  struct kt_bytes file = { NULL, 0 };
  struct kt_evidence evidence = { .kind = KT_EVIDENCE_FORK };
  enum kt_exit code = find_one(session->state.home, id, &session->arena, out, &path);
  if (code != KT_EXIT_OK) {
    return code;
  }
  enum kt_err err = kt_evidence_load(path, &session->arena, &file, &evidence);
  if (err != KT_OK) {
    return store_failed(out, err, path);
  }
  if (kt_evidence_write_file(target, file) != KT_OK) {
    return kt_output_fail(out, KT_EXIT_USAGE, "file", "%s: %s", target, strerror(errno));
  }
  if (evidence.kind == KT_EVIDENCE_FAILED || evidence.kind == KT_EVIDENCE_ANSWER) {
    kt_output_note(out, "This file holds a request and its answer: they may name a person. Read it before passing it "
                        "on.\n");
  }
  kt_output_set(out, "evidence", kt_evidence_to_json(&evidence));
  kt_output_status(out, KT_EXIT_OK, "%s written", target);
  kt_output_note(out, "kt-verify: kt-verify evidence verify FILE checks it offline, with the log pinned there or with "
                      "--config FILE\n");
  return KT_EXIT_OK;
}

enum kt_exit kt_verb_evidence_export(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = export_one(&session, cli->args[0], cli->args[1], out);
  }
  kt_session_close(&session);
  return code;
}
