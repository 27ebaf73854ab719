/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_server.h"
#include "json/builder.h"

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
  return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* What every answer carries. */
static bool add_common(const struct kt_call *call, struct MHD_Response *response, const char *type, bool close)
{
  return (type == NULL || add(response, MHD_HTTP_HEADER_CONTENT_TYPE, type)) &&
         add(response, "X-Request-Id", call->request_id) && add(response, "X-Content-Type-Options", "nosniff") &&
         (!(close || atomic_load(&call->http->is_draining)) || add(response, MHD_HTTP_HEADER_CONNECTION, "close"));
}

/* Takes the response. */
static enum MHD_Result queue(struct kt_call *call, unsigned status, struct MHD_Response *response, bool complete)
{
  enum MHD_Result result = MHD_NO;
  if (complete) {
    call->status = status;
    kt_peer_expect(call->peer, KT_PHASE_SEND);
    result = MHD_queue_response(call->connection, status, response);
  }
  MHD_destroy_response(response);
  return result;
}

/* Text that libmicrohttpd will free. */
static struct MHD_Response *text_response(struct kt_call *call, char *text)
{
  struct MHD_Response *response = NULL;
  if (text != NULL) {
    call->answer_len = strlen(text);
    response = MHD_create_response_from_buffer(call->answer_len, text, MHD_RESPMEM_MUST_FREE);
  }
  if (response == NULL) {
    free(text);
  }
  return response;
}

enum MHD_Result kt_http_reply_problem(struct kt_call *call)
{
  const struct kt_problem *problem = &call->problem;
  char retry_after[16];
  json_t *document = kt_problem_document(problem, MHD_get_reason_phrase_for(problem->status), call->request_id);
  struct MHD_Response *response = text_response(call, kt_json_dump(document, JSON_COMPACT));
  json_decref(document);
  if (response == NULL) {
    return MHD_NO;
  }
  (void)snprintf(retry_after, sizeof retry_after, "%u", problem->retry_after_s);
  bool complete = add_common(call, response, "application/problem+json", problem->close) &&
                  add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
                  (problem->allow == NULL || add(response, MHD_HTTP_HEADER_ALLOW, problem->allow)) &&
                  (problem->retry_after_s == 0 || add(response, MHD_HTTP_HEADER_RETRY_AFTER, retry_after)) &&
                  (!problem->ask_for_token || add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"kt\""));
  return queue(call, problem->status, response, complete);
}

static enum MHD_Result refuse(struct kt_call *call, const char *code, const char *text)
{
  kt_problem_set(&call->problem, 500, code, "%s", text);
  return kt_http_reply_problem(call);
}

/* The decoded answer and, beside it, the bytes that clients verify. */
static struct MHD_Response *json_response(struct kt_call *call)
{
  json_t *view = call->route->view(call);
  json_t *raw = kt_json_base64((struct kt_bytes){ call->w.buf, call->w.len });
  char *text = NULL;
  if (view != NULL && raw != NULL && json_object_set(view, "raw", raw) == 0) {
    text = kt_json_dump(view, JSON_COMPACT);
  }
  json_decref(raw);
  json_decref(view);
  if (text != NULL && !kt_call_reserve(call, strlen(text))) {
    free(text);
    return NULL;
  }
  return text_response(call, text);
}

static struct MHD_Response *binary_response(struct kt_call *call)
{
  uint8_t *data = NULL;
  size_t len = 0;
  if (kt_writer_take(&call->w, &data, &len) != KT_OK) {
    return NULL;
  }
  call->answer_len = len;
  struct MHD_Response *response = MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
  if (response == NULL) {
    free(data);
  }
  return response;
}

static bool is_unchanged(const struct kt_call *call)
{
  const char *known = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
  return call->etag[0] != '\0' && known != NULL && strstr(known, call->etag) != NULL;
}

enum MHD_Result kt_http_reply(struct kt_call *call)
{
  bool as_json = call->wants_json && call->route->view != NULL;
  bool unchanged = is_unchanged(call);
  bool empty = unchanged || call->route->type == NULL;
  unsigned status = unchanged ? 304 : empty ? 204 : 200;
  struct MHD_Response *response = NULL;
  if (call->w.err != KT_OK) {
    return refuse(call, "response", kt_err_text(call->w.err));
  }
  if (!kt_call_reserve(call, call->w.len)) {
    return kt_http_reply_problem(call);
  }
  if (empty) {
    response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  } else {
    response = as_json ? json_response(call) : binary_response(call);
  }
  if (response == NULL && call->problem.status != 0) {
    return kt_http_reply_problem(call);
  }
  if (response == NULL) {
    return refuse(call, "memory", "out of memory");
  }
  const char *cache_control = call->cache_control != NULL ? call->cache_control : "no-store";
  bool complete = add_common(call, response, as_json ? "application/json" : call->route->type, false) &&
                  add(response, MHD_HTTP_HEADER_CACHE_CONTROL, cache_control) &&
                  (call->route->view == NULL || add(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT)) &&
                  (call->etag[0] == '\0' || add(response, MHD_HTTP_HEADER_ETAG, call->etag));
  return queue(call, status, response, complete);
}
