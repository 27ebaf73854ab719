/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of the log (docs/interface.md, HTTP), and the handlers that need no sequencer. */
#include <stdio.h>

#include "base/hex.h"
#include "crypto/hash.h"
#include "http_call.h"
#include "http_openapi.h"
#include "json/auditor.h"
#include "json/config.h"
#include "json/distinguished.h"
#include "json/monitor.h"
#include "json/search.h"
#include "json/update.h"

#define BINARY "application/octet-stream"

static struct kt_bytes body_of(const struct kt_call *call)
{
  return (struct kt_bytes){ call->body, call->body_len };
}

static struct kt_bytes answer_of(const struct kt_call *call)
{
  return (struct kt_bytes){ call->w.buf, call->w.len };
}

/* --- GET /v1/config, /v1/tree-head ----------------------------------------------------------------------------- */

void kt_call_tag_answer(struct kt_call *call)
{
  char hex[KT_HEX_SIZE(16)];
  struct kt_hash hash;
  kt_sha256(call->w.buf, call->w.len, &hash);
  (void)kt_hex_encode((struct kt_bytes){ hash.b, 16 }, hex);
  (void)snprintf(call->etag, sizeof call->etag, "\"%s%s\"", hex, call->wants_json ? "j" : "");
}

static enum kt_step answer_config(struct kt_call *call)
{
  struct kt_bytes config = kt_call_config_bytes(call);
  kt_write_bytes(&call->w, config.data, config.len);
  call->cache_control = "public, max-age=60";
  kt_call_tag_answer(call);
  return KT_STEP_ANSWER;
}

static json_t *view_config(struct kt_call *call)
{
  return kt_json_config(kt_call_config(call));
}

static enum kt_step answer_tree_head(struct kt_call *call)
{
  struct kt_log_problem problem;
  struct kt_log_reader *reader = kt_call_reader_take(call);
  enum kt_err err = kt_log_tree_head(reader, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  if (err != KT_OK) {
    return kt_call_refuse(call, err, &problem);
  }
  call->cache_control = "public, max-age=1";
  kt_call_tag_answer(call);
  return KT_STEP_ANSWER;
}

static json_t *view_distinguished(struct kt_call *call)
{
  struct kt_distinguished_response response;
  enum kt_err err = kt_distinguished_response_decode(answer_of(call), kt_call_config(call), &call->arena, &response);
  return err == KT_OK ? kt_json_distinguished_response(&response) : NULL;
}

/* --- POST: the draft's requests ----------------------------------------------------------------------------------- */

bool kt_call_read_search(struct kt_call *call, struct kt_search_request *ret_request)
{
  if (!call->is_body_json) {
    enum kt_err err = kt_search_request_decode(body_of(call), ret_request);
    if (err != KT_OK) {
      (void)kt_call_refuse_body(call, err);
    }
    return err == KT_OK;
  }
  char why[KT_JSON_SEARCH_TEXT_SIZE];
  enum kt_err err = kt_json_search_request_read(body_of(call), &call->arena, ret_request, why);
  if (err == KT_ERR_FORMAT) {
    kt_problem_set(&call->problem, 400, "malformed", "the JSON body: %s", why);
  } else if (err != KT_OK) {
    (void)kt_call_refuse_body(call, err);
  }
  return err == KT_OK;
}

static enum kt_step answer_search(struct kt_call *call)
{
  struct kt_search_request request;
  struct kt_log_problem problem;
  if (!kt_call_read_search(call, &request) || !kt_call_label_is_valid(call, request.label)) {
    return KT_STEP_REFUSE;
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  enum kt_err err = kt_log_search(reader, &request, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

static json_t *view_search(struct kt_call *call)
{
  struct kt_search_request request;
  struct kt_search_response response;
  if (!kt_call_read_search(call, &request) ||
      kt_search_response_decode(answer_of(call), kt_call_config(call), request.version, &call->arena, &response) !=
          KT_OK) {
    return NULL;
  }
  return kt_json_search_response(kt_call_config(call), &response);
}

static enum kt_step answer_contact_monitor(struct kt_call *call)
{
  struct kt_contact_monitor_request request;
  struct kt_log_problem problem;
  enum kt_err err = kt_contact_monitor_request_decode(body_of(call), &call->arena, &request);
  if (err != KT_OK) {
    return kt_call_refuse_body(call, err);
  }
  if (!kt_call_label_is_valid(call, request.label)) {
    return KT_STEP_REFUSE;
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  err = kt_log_contact_monitor(reader, &request, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

static enum kt_step answer_owner_init(struct kt_call *call)
{
  struct kt_owner_init_request request;
  struct kt_log_problem problem;
  enum kt_err err = kt_owner_init_request_decode(body_of(call), &request);
  if (err != KT_OK) {
    return kt_call_refuse_body(call, err);
  }
  if (!kt_call_label_is_valid(call, request.label)) {
    return KT_STEP_REFUSE;
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  err = kt_log_owner_init(reader, &request, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

static json_t *view_owner_init(struct kt_call *call)
{
  struct kt_owner_init_response response;
  enum kt_err err = kt_owner_init_response_decode(answer_of(call), kt_call_config(call), &call->arena, &response);
  return err == KT_OK ? kt_json_owner_init_response(kt_call_config(call), &response) : NULL;
}

static enum kt_step answer_owner_monitor(struct kt_call *call)
{
  struct kt_owner_monitor_request request;
  struct kt_log_problem problem;
  enum kt_err err = kt_owner_monitor_request_decode(body_of(call), &call->arena, &request);
  if (err != KT_OK) {
    return kt_call_refuse_body(call, err);
  }
  if (!kt_call_label_is_valid(call, request.label)) {
    return KT_STEP_REFUSE;
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  err = kt_log_owner_monitor(reader, &request, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

static json_t *view_monitor(struct kt_call *call)
{
  struct kt_monitor_response response;
  enum kt_err err = kt_monitor_response_decode(answer_of(call), kt_call_config(call), &call->arena, &response);
  return err == KT_OK ? kt_json_monitor_response(&response) : NULL;
}

static enum kt_step answer_distinguished(struct kt_call *call)
{
  struct kt_distinguished_request request;
  struct kt_log_problem problem;
  enum kt_err err = kt_distinguished_request_decode(body_of(call), &request);
  if (err != KT_OK) {
    return kt_call_refuse_body(call, err);
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  err = kt_log_distinguished(reader, &request, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

static json_t *view_update(struct kt_call *call)
{
  struct kt_update_response response;
  enum kt_err err = kt_update_response_decode(answer_of(call), kt_call_config(call), &call->arena, &response);
  return err == KT_OK ? kt_json_update_response(kt_call_config(call), &response) : NULL;
}

/* --- GET: for auditors and fork checks ---------------------------------------------------------------------------- */

#define FOREVER "public, max-age=31536000, immutable"

static enum kt_step answer_audit(struct kt_call *call)
{
  static const uint64_t default_limit = KT_LOG_AUDIT_MAX_DEFAULT;
  struct kt_log_problem problem;
  uint64_t start = 0;
  uint64_t limit = 0;
  uint32_t count = 0;
  if (!kt_call_query(call, "start", NULL, &start) || !kt_call_query(call, "limit", &default_limit, &limit)) {
    return KT_STEP_REFUSE;
  }
  if (limit == 0) {
    kt_problem_set(&call->problem, 400, "malformed", "limit must be at least 1");
    return KT_STEP_REFUSE;
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  enum kt_err err = kt_log_audit(reader, start, limit, &call->arena, &call->w, &count, &problem);
  kt_call_reader_put(call, reader);
  if (err != KT_OK) {
    return kt_call_refuse(call, err, &problem);
  }
  /* Entries never change; a page that could still grow is another matter. */
  call->cache_control = count == limit ? FOREVER : "no-cache";
  return KT_STEP_ANSWER;
}

static json_t *view_audit(struct kt_call *call)
{
  return kt_json_audit_page(answer_of(call));
}

static enum kt_step answer_audit_state(struct kt_call *call)
{
  struct kt_log_problem problem;
  uint64_t size = 0;
  if (!kt_call_query(call, "size", NULL, &size)) {
    return KT_STEP_REFUSE;
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  enum kt_err err = kt_log_audit_state(reader, size, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  call->cache_control = FOREVER;
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

static json_t *view_audit_state(struct kt_call *call)
{
  return kt_json_audit_state(answer_of(call));
}

static enum kt_step answer_consistency(struct kt_call *call)
{
  struct kt_log_problem problem;
  uint64_t old_size = 0;
  uint64_t size = 0;
  if (!kt_call_query(call, "old", NULL, &old_size) || !kt_call_query(call, "size", NULL, &size)) {
    return KT_STEP_REFUSE;
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  enum kt_err err = kt_log_consistency(reader, old_size, size, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  call->cache_control = FOREVER;
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

static json_t *view_consistency(struct kt_call *call)
{
  return kt_json_consistency(answer_of(call));
}

const struct kt_route kt_log_routes[] = {
  { "GET", "/v1/config", KT_BODY_NONE, BINARY, answer_config, view_config, KT_PURPOSE_PUBLIC },
  { "GET", "/v1/tree-head", KT_BODY_NONE, BINARY, answer_tree_head, view_distinguished, KT_PURPOSE_SEARCH },
  { "POST", "/v1/search", KT_BODY_BINARY_OR_JSON, BINARY, answer_search, view_search, KT_PURPOSE_SEARCH },
  { "POST", "/v1/contact-monitor", KT_BODY_BINARY, BINARY, answer_contact_monitor, view_monitor, KT_PURPOSE_MONITOR },
  { "POST", "/v1/owner/init", KT_BODY_BINARY, BINARY, answer_owner_init, view_owner_init, KT_PURPOSE_MONITOR },
  { "POST", "/v1/owner/monitor", KT_BODY_BINARY, BINARY, answer_owner_monitor, view_monitor, KT_PURPOSE_MONITOR },
  { "POST", "/v1/distinguished", KT_BODY_BINARY, BINARY, answer_distinguished, view_distinguished, KT_PURPOSE_SEARCH },
  { "POST", "/v1/update", KT_BODY_VALUES, BINARY, kt_answer_update, view_update, KT_PURPOSE_UPDATE },
  { "POST", "/v1/manager/update", KT_BODY_SIGNED_VALUES, BINARY, kt_answer_manager_update, view_update,
    KT_PURPOSE_PUBLIC },
  { "GET", "/v1/audit", KT_BODY_NONE, BINARY, answer_audit, view_audit, KT_PURPOSE_SEARCH },
  { "GET", "/v1/audit/state", KT_BODY_NONE, BINARY, answer_audit_state, view_audit_state, KT_PURPOSE_SEARCH },
  { "GET", "/v1/log/consistency", KT_BODY_NONE, BINARY, answer_consistency, view_consistency, KT_PURPOSE_SEARCH },
  { "POST", "/v1/credential", KT_BODY_BINARY, BINARY, kt_answer_credential, kt_view_credential, KT_PURPOSE_SEARCH },
  { "POST", "/v1/credential-update", KT_BODY_BINARY, BINARY, kt_answer_credential_update, kt_view_credential_update,
    KT_PURPOSE_SEARCH },
  { "GET", "/v1/auditor/head", KT_BODY_NONE, BINARY, kt_answer_auditor_get, kt_view_auditor_get, KT_PURPOSE_SEARCH },
  { "PUT", "/v1/auditor/head", KT_BODY_BINARY, NULL, kt_answer_auditor_put, NULL, KT_PURPOSE_SEARCH },
  { "PUT", "/v1/relay/{mailbox}", KT_BODY_BINARY_OR_JSON, BINARY, kt_answer_relay_put, kt_view_relay_put,
    KT_PURPOSE_RELAY },
  { "GET", "/v1/relay/{mailbox}", KT_BODY_NONE, BINARY, kt_answer_relay_get, kt_view_relay_get, KT_PURPOSE_SEARCH },
  { "GET", "/openapi.yaml", KT_BODY_NONE, KT_OPENAPI_TYPE, kt_answer_openapi, NULL, KT_PURPOSE_PUBLIC },
  { NULL, NULL, KT_BODY_NONE, NULL, NULL, NULL, KT_PURPOSE_PUBLIC },
};
