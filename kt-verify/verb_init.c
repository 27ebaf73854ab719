/* SPDX-License-Identifier: Apache-2.0 */
/* init, config show, config update: which log is believed. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "auditor_alert.h"
#include "base/hex.h"
#include "config_kind.h"
#include "json/config.h"
#include "report.h"
#include "session.h"
#include "verbs.h"

/* A configuration file, or the server's; owned buffer. */
struct config_bytes {
  uint8_t bytes[KT_CONFIG_MAX + 1];
  size_t len;
};

static struct kt_bytes as_bytes(const struct config_bytes *config)
{
  return (struct kt_bytes){ config->bytes, config->len };
}

static enum kt_exit decode(struct kt_output *out, struct kt_bytes bytes, const char *where, struct kt_config *ret)
{
  struct kt_reason reason = { .code = NULL };
  enum kt_err err = kt_config_decode(bytes, ret, &reason);
  if (err == KT_OK) {
    return KT_EXIT_OK;
  }
  char kind[KT_CONFIG_KIND_SIZE];
  char what[KT_CONFIG_KIND_SIZE + 4096];
  kt_config_kind(bytes, kind);
  snprintf(what, sizeof what, "%s (%s)", where, kind);
  kt_output_fail_reason(out, err, &reason, what);
  kt_output_note(out,
                 "kt-verify: %s. A configuration is used as its operator published it: an edited or damaged one fits "
                 "no log. Get it again from a source you trust\n",
                 err == KT_ERR_UNSUPPORTED ? "this version does not know it; a newer one may" : "it cannot be used");
  return KT_EXIT_USAGE;
}

static enum kt_exit read_file(struct kt_output *out, const char *path, struct config_bytes *ret)
{
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return kt_output_fail(out, KT_EXIT_USAGE, "config-file", "cannot read %s: %s", path, strerror(errno));
  }
  ret->len = fread(ret->bytes, 1, sizeof ret->bytes, file);
  bool ok = ferror(file) == 0 && ret->len > 0 && ret->len <= KT_CONFIG_MAX;
  fclose(file);
  return ok ? KT_EXIT_OK
            : kt_output_fail(out, KT_EXIT_USAGE, "config-file", "%s does not hold a log's configuration", path);
}

static enum kt_exit fetch(struct kt_session *session, struct config_bytes *ret)
{
  struct kt_reply reply;
  kt_transport_get(session->transport, "/v1/config", &reply);
  enum kt_exit code = KT_EXIT_OK;
  if (reply.kind != KT_REPLY_OK) {
    code = kt_session_refused(session, &reply, "asking for the log's configuration");
    code = reply.status == 404 ? KT_EXIT_USAGE : code; /* nothing is pinned: the address is wrong */
  } else if (reply.len == 0 || reply.len > KT_CONFIG_MAX) {
    code =
        kt_output_fail(session->out, KT_EXIT_FAILED, "malformed-response", "the log's configuration has a wrong form");
  } else {
    memcpy(ret->bytes, reply.body, reply.len);
    ret->len = reply.len;
  }
  kt_reply_release(&reply);
  return code;
}

static void log_id_text(const struct kt_config *config, char ret_text[static 2 * KT_HASH_LEN + 1])
{
  struct kt_hash id;
  kt_config_log_id(config, &id);
  for (size_t i = 0; i < KT_HASH_LEN; i++) {
    snprintf(ret_text + 2 * i, 3, "%02x", id.b[i]);
  }
}

/* In the largest unit that leaves nothing over. */
static void print_span(struct kt_output *out, const char *prefix, const char *what, uint64_t span_ms)
{
  static const struct {
    uint64_t ms;
    const char *name;
  } units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "min" }, { 1000, "s" }, { 1, "ms" } };
  size_t i = 0;
  while (span_ms % units[i].ms != 0) {
    i++;
  }
  kt_output_data(out, "%s%-18s %" PRIu64 " %s\n", prefix, what, span_ms / units[i].ms, units[i].name);
}

static void print_auditor(struct kt_output *out, const char *prefix, const struct kt_config *config)
{
  char key[KT_HEX_SIZE(KT_PUBLIC_KEY_MAX)];
  kt_hex_encode(config->auditor_public_key, key);
  kt_output_data(out, "%sauditor key        %s\n", prefix, key);
  kt_output_data(out, "%sauditor began at   entry %" PRIu64 "\n", prefix, config->auditor_start_pos);
  print_span(out, prefix, "max auditor lag", config->max_auditor_lag);
}

static void print_config(struct kt_output *out, const char *prefix, const struct kt_config *config)
{
  char id[2 * KT_HASH_LEN + 1];
  log_id_text(config, id);
  kt_output_data(out, "%slog id             %s\n", prefix, id);
  kt_output_data(out, "%ssuite              %s\n", prefix, config->suite->name);
  kt_output_data(out, "%smode               %s\n", prefix, kt_json_mode_name(config->mode));
  print_span(out, prefix, "max ahead", config->max_ahead);
  print_span(out, prefix, "max behind", config->max_behind);
  print_span(out, prefix, "monitoring window", config->reasonable_monitoring_window);
  if (config->mode == KT_MODE_THIRD_PARTY_AUDITING) {
    print_auditor(out, prefix, config);
  }
  if (config->has_maximum_lifetime) {
    print_span(out, prefix, "maximum lifetime", config->maximum_lifetime);
  }
}

/* --- init ------------------------------------------------------------------------------------------------------------------ */

static void request_walk(void *ctx, const struct kt_log_state *log, struct kt_writer *w)
{
  (void)ctx;
  kt_request_distinguished(w, log, NULL);
}

static enum kt_err verify_walk(void *ctx, const struct kt_client *client, struct kt_bytes response,
                               struct kt_log_state *ret_log)
{
  struct kt_distinguished_result result;
  (void)ctx;
  enum kt_err err = kt_verify_distinguished(client, NULL, response, &result);
  if (err == KT_OK) {
    *ret_log = result.log;
  }
  return err;
}

static enum kt_exit mismatch(struct kt_output *out, const char *path, struct kt_bytes trusted, struct kt_bytes served)
{
  struct kt_config config;
  char ours[KT_CONFIG_KIND_SIZE];
  char theirs[KT_CONFIG_KIND_SIZE];
  if (kt_config_decode(served, &config, NULL) != KT_OK) {
    return kt_output_fail(
        out, KT_EXIT_FAILED, "config-mismatch",
        "what the server shows is no configuration that this version of kt-verify understands, and not "
        "the one of %s. Nothing was pinned; check the address",
        path);
  }
  kt_config_kind(trusted, ours);
  kt_config_kind(served, theirs);
  if (kt_config_same_kind(trusted, served)) {
    return kt_output_fail(
        out, KT_EXIT_FAILED, "config-mismatch",
        "the server shows another configuration than %s, of the same kind (%s): it is another log, or "
        "a newer configuration of it. Nothing was pinned",
        path, ours);
  }
  return kt_output_fail(
      out, KT_EXIT_FAILED, "config-mismatch",
      "the server shows another log than the one of %s. The file: %s. Shown by the server: %s. Nothing "
      "was pinned; check the address, and that the file is of this log",
      path, ours, theirs);
}

/* The configuration to pin: the file's, which the server's must equal; or the server's as it comes. */
static enum kt_exit choose(struct kt_session *session, struct config_bytes *ret)
{
  struct config_bytes served = { .len = 0 };
  const char *path = session->cli->values[KT_OPT_CONFIG];
  bool first_use = kt_cli_flag(session->cli, KT_OPT_FIRST_USE);
  if ((path != NULL) == first_use) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "usage",
                          "give either --config FILE with a configuration you trust, or --first-use to believe the "
                          "server this once");
  }
  enum kt_exit code = path != NULL ? read_file(session->out, path, ret) : KT_EXIT_OK;
  if (code == KT_EXIT_OK && path != NULL) {
    code = decode(session->out, as_bytes(ret), path, &session->config);
  }
  if (code == KT_EXIT_OK) {
    code = fetch(session, &served);
  }
  if (code != KT_EXIT_OK) {
    return code;
  }
  if (path == NULL) {
    *ret = served;
  } else if (served.len != ret->len || memcmp(served.bytes, ret->bytes, ret->len) != 0) {
    return mismatch(session->out, path, as_bytes(ret), as_bytes(&served));
  }
  return decode(session->out, as_bytes(ret), "the log's configuration", &session->config);
}

static enum kt_err pin(void *ctx, struct kt_session *session)
{
  struct kt_pinned_log existing;
  (void)ctx;
  enum kt_err err = kt_state_log(&session->state, &session->arena, &existing);
  if (err == KT_OK) {
    return KT_ERR_CONFLICT;
  }
  return err == KT_ERR_ABSENT ? kt_state_put_log(&session->state, session->pinned) : err;
}

static enum kt_exit write_pin(struct kt_session *session)
{
  enum kt_err err;
  enum kt_exit code = kt_session_write(session, pin, NULL, &err);
  return code == KT_EXIT_OK && err == KT_ERR_CONFLICT
             ? kt_output_fail(session->out, KT_EXIT_USAGE, "already-pinned",
                              "%s has a log pinned already: one home, one log (use another --home)",
                              session->state.home)
             : code;
}

/* A log shows no head before its auditor vouched for one; and the auditor needs its home before that. */
static enum kt_exit pin_without_head(struct kt_session *session)
{
  enum kt_exit code = write_pin(session);
  if (code == KT_EXIT_OK) {
    kt_output_note(session->out, "kt-verify: the log's auditor has not vouched for it, so it shows no head: the "
                                 "configuration is pinned, and the first head that is shown will be checked then\n");
  }
  return code;
}

/* The first head is verified before anything is written: what cannot be checked is not pinned. */
static enum kt_exit check_and_pin(struct kt_session *session, const char *url, const struct config_bytes *config)
{
  struct kt_reply reply;
  struct kt_writer w;
  struct kt_reason reason = { .code = NULL };
  struct kt_distinguished_result *result = kt_arena_alloc(&session->arena, 1, sizeof *result);
  if (result == NULL) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "memory", "out of memory");
  }
  kt_config_log_id(&session->config, &session->log_id);
  *session->pinned = (struct kt_pinned_log){ .config = as_bytes(config), .url = url };
  kt_writer_init(&w, 64);
  kt_request_distinguished(&w, &session->pinned->log, NULL);
  kt_transport_post(session->transport, "/v1/distinguished", (struct kt_bytes){ w.buf, w.len }, NULL, &reply);
  kt_writer_release(&w);
  if (session->config.mode == KT_MODE_THIRD_PARTY_AUDITING && kt_auditor_is_missing(NULL, &reply)) {
    kt_reply_release(&reply);
    return pin_without_head(session);
  }
  if (reply.kind != KT_REPLY_OK) {
    enum kt_exit code = kt_session_refused(session, &reply, "asking for the log's head");
    kt_reply_release(&reply);
    return code;
  }
  const struct kt_client client = { .config = &session->config,
                                    .log = &session->pinned->log,
                                    .now_ms = kt_now_ms(),
                                    .arena = &session->arena,
                                    .reason = &reason };
  enum kt_err err = kt_verify_distinguished(&client, NULL, kt_reply_body(&reply), result);
  kt_reply_release(&reply);
  if (err != KT_OK) {
    return kt_output_fail_reason(session->out, err, &reason, "the log's first head");
  }
  enum kt_exit code = write_pin(session);
  if (code != KT_EXIT_OK) {
    return code;
  }
  /* Asked again through the session, which keeps the head with all it keeps of heads. */
  struct kt_query query = {
    .path = "/v1/distinguished", .what = "the log's head", .request = request_walk, .verify = verify_walk
  };
  return kt_session_query(session, &query);
}

enum kt_exit kt_verb_init(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct config_bytes config = { .len = 0 };
  const char *url = cli->args[0];
  enum kt_exit code = kt_session_begin(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_session_connect(&session, url);
  }
  if (code == KT_EXIT_OK) {
    code = choose(&session, &config);
  }
  if (code == KT_EXIT_OK) {
    code = kt_session_open_state(cli, true, out, &session.state);
  }
  if (code == KT_EXIT_OK) {
    code = check_and_pin(&session, url, &config);
  }
  if (code == KT_EXIT_OK) {
    kt_output_status(out, code, "log pinned in %s", session.state.home);
    print_config(out, "  ", &session.config);
    if (kt_cli_flag(cli, KT_OPT_FIRST_USE)) {
      kt_output_note(out, "kt-verify: this configuration came from the server itself; compare the log id with a source "
                          "you trust\n");
    }
  }
  kt_session_close(&session);
  return code;
}

/* --- config ----------------------------------------------------------------------------------------------------------------- */

enum kt_exit kt_verb_config_show(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    print_config(out, "", &session.config);
    kt_output_data(out, "address            %s\n", session.pinned->url);
  }
  kt_session_close(&session);
  return code;
}

/* A successor has the same log identity (ours), and an auditor that began no later than what was vouched for (R13). */
static enum kt_exit check_successor(struct kt_session *session, struct kt_bytes encoded, const struct kt_config *next)
{
  struct kt_hash id;
  char ours[KT_CONFIG_KIND_SIZE];
  char theirs[KT_CONFIG_KIND_SIZE];
  kt_config_kind(session->pinned->config, ours);
  kt_config_kind(encoded, theirs);
  kt_config_log_id(next, &id);
  if (memcmp(id.b, session->log_id.b, KT_HASH_LEN) != 0) {
    return kt_output_fail(session->out, KT_EXIT_FAILED, "log-identity",
                          "this is the configuration of another log. Pinned: %s. The file: %s. " KT_CONFIG_NEW_LOG,
                          ours, theirs);
  }
  if (next->mode != session->config.mode) {
    return kt_output_fail(session->out, KT_EXIT_FAILED, "mode",
                          "a log cannot change its mode. Pinned: %s. The file: %s", ours, theirs);
  }
  const struct kt_log_state *log = &session->pinned->log;
  if (next->mode == KT_MODE_THIRD_PARTY_AUDITING && log->tree.size > 0 && log->auditor_size < next->auditor_start_pos) {
    return kt_output_fail(session->out, KT_EXIT_FAILED, "auditor-start",
                          "its auditor began at entry %" PRIu64 ", but when this home saw the log last only %" PRIu64
                          " entries were vouched for: for what lies between, this home has nobody's word. Nothing was "
                          "changed. Compare heads with somebody who saw the log meanwhile (kt-verify log check); who "
                          "trusts the new auditor all the same starts with a new --home",
                          next->auditor_start_pos, log->auditor_size);
  }
  return KT_EXIT_OK;
}

static enum kt_err replace_config(void *ctx, struct kt_session *session)
{
  const struct config_bytes *config = ctx;
  struct kt_pinned_log pinned;
  enum kt_err err = kt_state_log(&session->state, &session->arena, &pinned);
  if (err == KT_OK) {
    pinned.config = as_bytes(config);
    err = kt_state_put_log(&session->state, &pinned);
  }
  return err;
}

enum kt_exit kt_verb_config_update(const struct kt_cli *cli, struct kt_output *out)
{
  struct kt_session session;
  struct config_bytes config = { .len = 0 };
  struct kt_config next;
  enum kt_err err;
  enum kt_exit code = kt_session_open(&session, cli, out);
  if (code == KT_EXIT_OK) {
    code = read_file(out, cli->args[0], &config);
  }
  if (code == KT_EXIT_OK) {
    code = decode(out, as_bytes(&config), cli->args[0], &next);
  }
  if (code == KT_EXIT_OK) {
    code = check_successor(&session, as_bytes(&config), &next);
  }
  if (code == KT_EXIT_OK) {
    print_config(out, "old: ", &session.config);
    print_config(out, "new: ", &next);
    code = kt_session_write(&session, replace_config, &config, &err);
  }
  if (code == KT_EXIT_OK) {
    kt_output_status(out, code, "configuration replaced");
  }
  kt_session_close(&session);
  return code;
}
