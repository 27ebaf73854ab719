/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auditor_alert.h"
#include "config_kind.h"
#include "session_parts.h"

#define SESSION_ARENA_CAP ((size_t)256 << 20)
#define PAUSE_DEFAULT_S 60

uint64_t kt_now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec < 0 ? 0 : (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct kt_bytes kt_text_bytes(const char *text)
{
  return (struct kt_bytes){ (const uint8_t *)text, strlen(text) };
}

static enum kt_exit not_initialised(struct kt_output *out, const char *home)
{
  return kt_output_fail(out, KT_EXIT_USAGE, "not-initialised",
                        "no log is pinned in %s: run kt-verify init URL --config FILE first", home);
}

enum kt_exit kt_session_open_state(const struct kt_cli *cli, bool create, struct kt_output *out,
                                   struct kt_state *ret_state)
{
  enum kt_err err = kt_state_open(cli->values[KT_OPT_HOME], create, ret_state);
  if (err == KT_OK) {
    return KT_EXIT_OK;
  }
  if (err == KT_ERR_ABSENT) {
    return not_initialised(out, ret_state->home);
  }
  if (err == KT_ERR_USAGE) {
    return kt_output_fail(out, KT_EXIT_USAGE, "home", "no usable state folder: give --home DIR or set KT_HOME");
  }
  if (err == KT_ERR_DENIED) {
    return kt_output_fail(out, KT_EXIT_USAGE, "home", "cannot use the state folder %s: %s", ret_state->home,
                          ret_state->error[0] != '\0' ? ret_state->error : strerror(errno));
  }
  if (err == KT_ERR_UNSUPPORTED) {
    return kt_output_fail(out, KT_EXIT_USAGE, "state-version", "%s was written by a newer version of kt-verify",
                          ret_state->home);
  }
  return kt_output_fail(out, KT_EXIT_USAGE, "state", "cannot open %s/state.db: %s", ret_state->home, ret_state->error);
}

enum kt_exit kt_session_store_failed(struct kt_session *session, enum kt_err err)
{
  if (err == KT_ERR_STORE) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "state", "cannot read or write %s/state.db: %s",
                          session->state.home, session->state.error);
  }
  return kt_output_fail(session->out, err == KT_ERR_CONFLICT ? KT_EXIT_UNDECIDED : KT_EXIT_USAGE, "state", "%s: %s",
                        session->state.home, kt_err_text(err));
}

static enum kt_exit load_pinned(struct kt_session *session)
{
  struct kt_reason reason = { .code = NULL };
  uint64_t generation;
  enum kt_err err = kt_state_begin_read(&session->state, &generation);
  if (err == KT_OK) {
    err = kt_state_log(&session->state, &session->pinned_arena, session->pinned);
    kt_state_rollback(&session->state);
  }
  if (err == KT_ERR_ABSENT) {
    return not_initialised(session->out, session->state.home);
  }
  if (err != KT_OK) {
    return kt_session_store_failed(session, err);
  }
  err = kt_config_decode(session->pinned->config, &session->config, &reason);
  if (err != KT_OK) {
    kt_output_fail_reason(session->out, err, &reason, "the pinned configuration");
    return KT_EXIT_USAGE;
  }
  kt_config_log_id(&session->config, &session->log_id);
  return KT_EXIT_OK;
}

enum kt_exit kt_session_begin(struct kt_session *session, const struct kt_cli *cli, struct kt_output *out)
{
  *session = (struct kt_session){ .cli = cli, .out = out, .started_ms = kt_now_ms() };
  kt_arena_init(&session->pinned_arena, KT_ARENA_CAP_DEFAULT);
  kt_arena_init(&session->arena, SESSION_ARENA_CAP);
  session->pinned = kt_arena_alloc(&session->pinned_arena, 1, sizeof *session->pinned);
  return session->pinned != NULL ? KT_EXIT_OK : kt_output_fail(out, KT_EXIT_USAGE, "memory", "out of memory");
}

/* What the log and its operator asked of this client before it may speak at all. */
static enum kt_exit use_credentials(struct kt_session *session)
{
  const char *token_file = session->cli->values[KT_OPT_ACCESS_TOKEN_FILE];
  const char *ca_file = session->cli->values[KT_OPT_CA_FILE];
  enum kt_err err = token_file != NULL ? kt_transport_use_token(session->transport, token_file) : KT_OK;
  if (err == KT_ERR_DENIED) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "file", "%s: others may read this token; make it mode 0600",
                          token_file);
  }
  if (err != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "file", "%s: %s", token_file,
                          err == KT_ERR_FORMAT ? "its first line is no access token" : "cannot be read");
  }
  err = ca_file != NULL ? kt_transport_use_ca(session->transport, ca_file) : KT_OK;
  return err == KT_OK ? KT_EXIT_OK : kt_output_fail(session->out, KT_EXIT_USAGE, "file", "%s: cannot be read", ca_file);
}

enum kt_exit kt_session_connect(struct kt_session *session, const char *url)
{
  enum kt_err err = kt_transport_new(url, &session->transport);
  if (err == KT_ERR_LIMIT) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "url",
                          "%s: the path of a socket has at most %zu bytes, this one has %zu", url, KT_SOCKET_PATH_MAX,
                          strlen(url) - strlen("unix:"));
  }
  if (err != KT_OK) {
    return kt_output_fail(session->out, KT_EXIT_USAGE, "url", "%s: not an address (http://, https:// or unix:PATH)",
                          url);
  }
  return use_credentials(session);
}

enum kt_exit kt_session_open(struct kt_session *session, const struct kt_cli *cli, struct kt_output *out)
{
  enum kt_exit code = kt_session_begin(session, cli, out);
  if (code == KT_EXIT_OK) {
    code = kt_session_open_state(cli, false, out, &session->state);
  }
  if (code == KT_EXIT_OK) {
    code = load_pinned(session);
  }
  if (code != KT_EXIT_OK) {
    return code;
  }
  const char *url = cli->values[KT_OPT_URL] != NULL ? cli->values[KT_OPT_URL] : session->pinned->url;
  return kt_session_connect(session, url);
}

static void report_log(struct kt_session *session)
{
  const struct kt_tree_state *tree = &session->pinned->log.tree;
  json_t *log = json_object();
  kt_config_log_id(&session->config, &session->log_id);
  json_object_set_new(log, "id", kt_output_hex((struct kt_bytes){ session->log_id.b, KT_HASH_LEN }));
  if (tree->size > 0) {
    json_object_set_new(log, "tree_size", json_integer((json_int_t)tree->size));
    json_object_set_new(log, "root", kt_output_hex((struct kt_bytes){ session->pinned->log.root.b, KT_HASH_LEN }));
    json_object_set_new(log, "timestamp_ms",
                        json_integer((json_int_t)tree->frontier[tree->n_frontier - 1].timestamp_ms));
  }
  kt_output_set(session->out, "log", log);
}

void kt_session_close(struct kt_session *session)
{
  if (session->config.suite != NULL) {
    report_log(session);
  }
  kt_transport_free(session->transport);
  kt_state_close(&session->state);
  kt_arena_release(&session->arena);
  kt_arena_release(&session->pinned_arena);
}

void kt_session_forget(struct kt_session *session)
{
  kt_arena_release(&session->arena);
  kt_arena_init(&session->arena, SESSION_ARENA_CAP);
}

/* --- a question -------------------------------------------------------------------------------------------------------- */

/* The longest pause that was asked for; a refusal that names none still asks for some. */
static void note_pause(struct kt_session *session, const struct kt_reply *reply)
{
  uint32_t pause_s = reply->retry_after_s > 0 ? (uint32_t)reply->retry_after_s : PAUSE_DEFAULT_S;
  if ((reply->status == 429 || reply->status == 503) && pause_s > session->retry_after_s) {
    session->retry_after_s = pause_s;
  }
}

/* 410: the log says that something existed and cannot be shown any more. */
static enum kt_exit refused_as_gone(struct kt_output *out, const struct kt_reply *reply, const char *what,
                                    const char *text)
{
  if (strcmp(reply->type, "urn:kt:problem:erased") != 0) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "gone", "%s: erased or pruned: %s", what, text);
  }
  return kt_output_fail(
      out, KT_EXIT_UNDECIDED, "erased",
      "%s: the log's operator erased this: %s. What the log's entries have of it is still under every "
      "proof, so nothing that was verified before has changed; but nobody can verify anything about it "
      "any more, and that it was erased rather than withheld is the operator's word alone. If the "
      "holder did not ask for it, ask the operator, by another way than this log",
      what, text);
}

enum kt_exit kt_session_refused(struct kt_session *session, const struct kt_reply *reply, const char *what)
{
  struct kt_output *out = session->out;
  note_pause(session, reply);
  if (reply->kind == KT_REPLY_NETWORK) {
    session->is_unanswered = true;
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "network", "%s: no answer from the log: %s", what, reply->error);
  }
  const char *text = reply->error[0] != '\0' ? reply->error : "no explanation given";
  switch (reply->status) {
  case 401:
  case 403: return kt_output_fail(out, KT_EXIT_UNDECIDED, "forbidden", "%s: the log refuses: %s", what, text);
  case 404:
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "not-a-log", "%s: this address does not serve a log (404)", what);
  case 409: return kt_output_fail(out, KT_EXIT_UNDECIDED, "conflict", "%s: the log refuses: %s", what, text);
  case 410: return refused_as_gone(out, reply, what, text);
  case 429:
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "rate-limit", "%s: too many requests, try again in %d s", what,
                          reply->retry_after_s > 0 ? reply->retry_after_s : PAUSE_DEFAULT_S);
  case 503:
    if (kt_auditor_is_missing(NULL, reply)) {
      return kt_output_fail(out, KT_EXIT_UNDECIDED, KT_AUDITOR_MISSING, "%s: %s", what, text);
    }
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "busy", "%s: the log cannot answer now: %s", what, text);
  default: break;
  }
  if (reply->status >= 400 && reply->status < 500) {
    return kt_output_fail(out, KT_EXIT_UNDECIDED, "refused", "%s: the log refuses the request (%d): %s", what,
                          reply->status, text);
  }
  return kt_output_fail(out, KT_EXIT_UNDECIDED, "server-error", "%s: the log answered with status %d: %s", what,
                        reply->status, text);
}

/* `checks`: what a verified answer went through. */
static void report_passed(const struct kt_session *session, const char *path)
{
  struct kt_output *out = session->out;
  static const char *const always[] = { "format", "view", "proof", "signature", "clock" };
  static const char *const with_vrf[] = { "/v1/search", "/v1/update", "/v1/owner/init" };
  for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
    kt_output_check(out, always[i], true);
  }
  if (session->config.mode == KT_MODE_THIRD_PARTY_AUDITING) {
    kt_output_check(out, "auditor", true);
  }
  for (size_t i = 0; i < sizeof with_vrf / sizeof with_vrf[0]; i++) {
    if (strcmp(path, with_vrf[i]) == 0) {
      kt_output_check(out, "vrf", true);
    }
  }
}

/* The one that failed, by the code of the reason; those after it were not made. */
static void report_check(struct kt_output *out, const struct kt_reason *reason)
{
  static const struct {
    const char *code;
    const char *name;
  } names[] = { { "malformed-response", "format" }, { "head-signature", "signature" }, { "stale-or-clock", "clock" } };
  const char *name = reason->code;
  for (size_t i = 0; name != NULL && i < sizeof names / sizeof names[0]; i++) {
    name = strcmp(reason->code, names[i].code) == 0 ? names[i].name : name;
  }
  if (name != NULL) {
    kt_output_check(out, strncmp(name, "auditor-", 8) == 0 ? "auditor" : name, false);
  }
}

static bool same_bytes(struct kt_bytes a, struct kt_bytes b)
{
  return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

enum kt_err kt_session_load_log(struct kt_session *session)
{
  struct kt_pinned_log log = { .config = { NULL, 0 } };
  enum kt_err err = kt_state_log(&session->state, &session->arena, &log);
  if (err == KT_OK && !same_bytes(log.config, session->pinned->config)) {
    err = KT_ERR_CONFLICT; /* config update, meanwhile: this session must not write the old one back */
  }
  if (err == KT_OK) {
    session->pinned->log = log.log;
    session->pinned->seen_ms = log.seen_ms;
  }
  return err;
}

/* State of the log and of the question, as of one generation. */
static enum kt_err load(struct kt_session *session, struct kt_query *query, uint64_t *ret_generation)
{
  enum kt_err err = kt_state_begin_read(&session->state, ret_generation);
  if (err != KT_OK) {
    return err;
  }
  err = kt_session_load_log(session);
  if (err == KT_OK && query->load != NULL) {
    err = query->load(query->ctx, session);
  }
  kt_state_rollback(&session->state);
  return err;
}

struct kt_seen_head kt_session_head_of(const struct kt_session *session, const struct kt_log_state *log,
                                       uint64_t now_ms)
{
  return (struct kt_seen_head){ .size = log->tree.size,
                                .root = log->root,
                                .signature = { log->signature, log->signature_len },
                                .config = session->pinned->config,
                                .seen_ms = now_ms };
}

enum kt_err kt_session_commit_head(struct kt_session *session, const struct kt_log_state *log, uint64_t now_ms)
{
  struct kt_pinned_log pinned = *session->pinned;
  pinned.log = *log;
  pinned.seen_ms = now_ms;
  enum kt_err err = kt_state_put_log(&session->state, &pinned);
  if (err == KT_OK && log->tree.size > session->pinned->log.tree.size) {
    const struct kt_seen_head head = kt_session_head_of(session, log, now_ms);
    err = kt_state_add_head(&session->state, &head);
  }
  return err == KT_OK ? kt_auditor_end_missing(session) : err;
}

/* "It changes only after full verification, by compare-and-swap on its generation." */
static enum kt_err commit(struct kt_session *session, struct kt_query *query, uint64_t generation,
                          const struct kt_log_state *log, uint64_t now_ms)
{
  enum kt_err err = kt_state_begin_write(&session->state, generation);
  if (err != KT_OK) {
    return err;
  }
  err = kt_session_commit_head(session, log, now_ms);
  if (err == KT_OK && query->commit != NULL) {
    err = query->commit(query->ctx, session);
  }
  if (err != KT_OK) {
    kt_state_rollback(&session->state);
    return err;
  }
  err = kt_state_commit(&session->state);
  if (err == KT_OK) {
    session->pinned->log = *log;
    session->pinned->seen_ms = now_ms;
  }
  return err;
}

/* "409 conflict (also `last` larger than the log)": what does it show to somebody who remembers nothing? */
static enum kt_exit refused_last(struct kt_session *session, enum kt_exit code)
{
  struct kt_reason reason = { .code = NULL };
  switch (kt_session_fork_check(session, &reason)) {
  case KT_FORK_REPORTED: return KT_EXIT_FAILED;
  case KT_FORK_INVALID:
    json_object_del(session->out->object, "reason");
    report_check(session->out, &reason);
    code = kt_output_fail_reason(session->out, KT_ERR_PROOF, &reason, "the log's newest head");
    (void)kt_session_explain_config(session);
    return code;
  case KT_FORK_NONE: break;
  }
  return code;
}

/* The log could answer and does not want to. */
static bool is_refusal(int status)
{
  return status >= 400 && status < 500 && status != 409 && status != 429;
}

static enum kt_exit refused(struct kt_session *session, const struct kt_query *query, const struct kt_reply *reply)
{
  if (query->quiet_expiry && query->expired) {
    return KT_EXIT_UNDECIDED;
  }
  if (is_refusal(query->status)) {
    if (kt_session_explain_config(session)) {
      return KT_EXIT_FAILED;
    }
    if (query->quiet_refusal) {
      return KT_EXIT_UNDECIDED;
    }
  }
  enum kt_exit code = kt_session_refused(session, reply, query->what);
  if (kt_auditor_is_missing(NULL, reply)) {
    kt_auditor_raise_missing(session);
  }
  return query->status == 409 && session->pinned->log.tree.size > 0 ? refused_last(session, code) : code;
}

static void send(struct kt_session *session, const struct kt_query *query, struct kt_writer *w, struct kt_reply *reply)
{
  w->len = 0;
  query->request(query->ctx, &session->pinned->log, w);
  if (w->err == KT_OK) {
    kt_transport_post(session->transport, query->path, (struct kt_bytes){ w->buf, w->len }, query->token, reply);
  }
}

/* *ret_request: what was sent, in the arena. */
static enum kt_exit ask(struct kt_session *session, struct kt_query *query, struct kt_bytes *ret_request,
                        struct kt_reply *ret_reply)
{
  struct kt_writer w;
  kt_writer_init(&w, KT_SESSION_REQUEST_MAX);
  send(session, query, &w, ret_reply);
  if (w.err == KT_OK && kt_session_restart_view(session, ret_reply)) {
    kt_reply_release(ret_reply);
    send(session, query, &w, ret_reply);
  }
  if (w.err != KT_OK) {
    enum kt_err err = w.err;
    kt_writer_release(&w);
    return kt_output_fail(session->out, KT_EXIT_USAGE, "request", "%s: the request cannot be made: %s", query->what,
                          kt_err_text(err));
  }
  const struct kt_bytes body = { w.buf, w.len };
  *ret_request = kt_session_request_text(session, query->path, body);
  kt_writer_release(&w);
  query->status = ret_reply->kind == KT_REPLY_PROBLEM ? ret_reply->status : 0;
  query->expired = kt_session_has_expired(ret_reply);
  return ret_reply->kind == KT_REPLY_OK ? KT_EXIT_OK : refused(session, query, ret_reply);
}

/* The answer does not verify, which was said. Is there more to it? */
static enum kt_exit refuted(struct kt_session *session, const struct kt_query *query, struct kt_bytes request,
                            struct kt_bytes response, enum kt_exit code)
{
  struct kt_reason reason = { .code = NULL };
  bool remembers = session->pinned->log.tree.size > 0;
  if (!remembers || kt_session_fork_check(session, &reason) != KT_FORK_REPORTED) {
    kt_session_keep_failed(session, query->reason.code != NULL ? query->reason.code : "error", request, response);
    (void)kt_session_explain_config(session);
  }
  return code;
}

void kt_query_verify(const struct kt_session *session, struct kt_query *query, struct kt_bytes response,
                     uint64_t now_ms, struct kt_arena *arena, struct kt_log_state *ret_log)
{
  query->reason = (struct kt_reason){ .code = NULL };
  const struct kt_client client = {
    .config = &session->config, .log = &session->pinned->log, .now_ms = now_ms, .arena = arena, .reason = &query->reason
  };
  query->err = query->verify(query->ctx, &client, response, ret_log);
}

enum kt_exit kt_query_report(struct kt_session *session, const struct kt_query *query, struct kt_bytes request,
                             struct kt_bytes response)
{
  if (query->err == KT_OK || query->err == KT_ERR_ABSENT) {
    report_passed(session, query->path);
    return query->err == KT_OK ? KT_EXIT_OK : KT_EXIT_ABSENT;
  }
  report_check(session->out, &query->reason);
  enum kt_exit code = kt_output_fail_reason(session->out, query->err, &query->reason, query->what);
  if (kt_auditor_is_missing(&query->reason, NULL)) {
    kt_auditor_raise_missing(session);
  }
  return kt_output_is_refuted(query->err) ? refuted(session, query, request, response, code) : code;
}

static enum kt_exit verify(struct kt_session *session, struct kt_query *query, struct kt_bytes request,
                           struct kt_bytes response, uint64_t now_ms, struct kt_log_state *ret_log)
{
  kt_query_verify(session, query, response, now_ms, &session->arena, ret_log);
  return kt_query_report(session, query, request, response);
}

static enum kt_exit query_once(struct kt_session *session, struct kt_query *query, enum kt_err *ret_committed)
{
  struct kt_reply reply = { .body = NULL };
  struct kt_bytes request = { NULL, 0 };
  uint64_t generation = 0;
  enum kt_err err = load(session, query, &generation);
  if (err != KT_OK) {
    return kt_session_store_failed(session, err);
  }
  enum kt_exit code = ask(session, query, &request, &reply);
  if (code == KT_EXIT_OK) {
    struct kt_bytes body = { kt_arena_copy(&session->arena, kt_reply_body(&reply).data, reply.len), reply.len };
    uint64_t now_ms = kt_now_ms();
    struct kt_log_state *log = kt_arena_alloc(&session->arena, 1, sizeof *log);
    code = body.data == NULL || log == NULL
               ? kt_output_fail(session->out, KT_EXIT_UNDECIDED, "memory", "%s: out of memory", query->what)
               : verify(session, query, request, body, now_ms, log);
    if (log != NULL && (code == KT_EXIT_OK || code == KT_EXIT_ABSENT)) {
      *ret_committed = commit(session, query, generation, log, now_ms);
    }
  }
  kt_reply_release(&reply);
  return code;
}

enum kt_exit kt_session_query(struct kt_session *session, struct kt_query *query)
{
  enum kt_err committed = KT_OK;
  /* "on a conflict the query is repeated, so two processes cannot accept two forks" */
  for (int i = 0; i < KT_SESSION_CONFLICTS_MAX; i++) {
    committed = KT_OK;
    enum kt_exit code = query_once(session, query, &committed);
    if (committed == KT_OK) {
      return code;
    }
    if (committed != KT_ERR_CONFLICT) {
      break;
    }
  }
  return kt_session_store_failed(session, committed);
}

/* --- without a question ------------------------------------------------------------------------------------------------- */

enum kt_exit kt_session_write(struct kt_session *session, kt_session_change fn, void *ctx, enum kt_err *ret_err)
{
  enum kt_err err = kt_state_begin_change(&session->state);
  if (err != KT_OK) {
    return kt_session_store_failed(session, err);
  }
  err = fn(ctx, session);
  if (err == KT_OK) {
    err = kt_state_commit(&session->state);
  } else {
    kt_state_rollback(&session->state);
  }
  *ret_err = err;
  return err == KT_ERR_STORE || err == KT_ERR_MEMORY ? kt_session_store_failed(session, err) : KT_EXIT_OK;
}

enum kt_exit kt_session_read(struct kt_session *session, kt_session_change fn, void *ctx, enum kt_err *ret_err)
{
  uint64_t generation;
  enum kt_err err = kt_state_begin_read(&session->state, &generation);
  if (err == KT_OK) {
    err = fn(ctx, session);
    kt_state_rollback(&session->state);
  }
  *ret_err = err;
  return err == KT_ERR_STORE || err == KT_ERR_MEMORY ? kt_session_store_failed(session, err) : KT_EXIT_OK;
}
