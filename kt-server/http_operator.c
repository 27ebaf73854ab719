/* SPDX-License-Identifier: Apache-2.0 */
/* A Service Operator's answers: "other operations are forwarded by the Service Operator unchanged" (draft: Third
 * Parties / Management). The connection is parked while a worker waits for the Manager. Nothing of a request is
 * logged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_server.h"
#include "http_update.h"
#include "operator.h"
#include "units.h"
#include "wire/search.h"

#define TARGET_SIZE 256

/* The routes that are not simply handed on. */
static bool is_local(const struct kt_call *call)
{
  const char *path = call->route->path;
  return strcmp(path, "/v1/config") == 0 || strcmp(path, "/openapi.yaml") == 0 || strncmp(path, "/v1/relay/", 10) == 0;
}

static bool is_route(const struct kt_call *call, const char *path)
{
  return strcmp(call->route->path, path) == 0;
}

/* The responses of the draft's user operations begin with a FullTreeHead. */
static bool has_head(const struct kt_call *call)
{
  static const char *const paths[] = { "/v1/tree-head",  "/v1/search",        "/v1/contact-monitor",
                                       "/v1/owner/init", "/v1/owner/monitor", "/v1/distinguished" };
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    if (is_route(call, paths[i])) {
      return true;
    }
  }
  return false;
}

/* --- what is asked ------------------------------------------------------------------------------------------------ */

struct target {
  char text[TARGET_SIZE];
  size_t len;
  bool bad;
};

/* Every argument of our routes is a number. */
static enum MHD_Result add_argument(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
  struct target *target = ctx;
  uint64_t number;
  (void)kind;
  size_t room = sizeof target->text - target->len;
  if (value == NULL || key[strspn(key, "abcdefghijklmnopqrstuvwxyz_-")] != '\0' ||
      kt_number_parse(value, &number) != KT_OK) {
    target->bad = true;
    return MHD_NO;
  }
  int n = snprintf(target->text + target->len, room, "%c%s=%llu", strchr(target->text, '?') == NULL ? '?' : '&', key,
                   (unsigned long long)number);
  target->bad = n < 0 || (size_t)n >= room;
  target->len += target->bad ? 0 : (size_t)n;
  return target->bad ? MHD_NO : MHD_YES;
}

static bool make_target(struct kt_call *call)
{
  struct target target = { .bad = false };
  size_t prefix = strcspn(call->route->path, "{");
  int n = snprintf(target.text, sizeof target.text, "%.*s%s", (int)prefix, call->route->path, call->path_rest);
  target.bad = n < 0 || (size_t)n >= sizeof target.text ||
               call->path_rest[strspn(call->path_rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                                       "-_")] != '\0';
  target.len = target.bad ? 0 : (size_t)n;
  (void)MHD_get_connection_values(call->connection, MHD_GET_ARGUMENT_KIND, add_argument, &target);
  if (target.bad) {
    kt_problem_set(&call->problem, 400, "malformed", "the path's arguments must be numbers");
    return false;
  }
  call->target = kt_arena_copy(&call->arena, target.text, target.len + 1);
  if (call->target == NULL) {
    kt_problem_set(&call->problem, 500, "memory", "out of memory");
  }
  return call->target != NULL;
}

/* The body, byte for byte; a search in JSON becomes the same search in the protocol's bytes. */
static bool make_body(struct kt_call *call, struct kt_bytes *ret_body)
{
  struct kt_search_request request;
  if (!call->is_body_json) {
    *ret_body = (struct kt_bytes){ call->body, call->body_len };
    return true;
  }
  if (!kt_call_read_search(call, &request)) {
    return false;
  }
  struct kt_writer w;
  kt_writer_init(&w, KT_REQUEST_MAX);
  kt_search_request_write(&w, &request);
  *ret_body = (struct kt_bytes){ kt_arena_copy(&call->arena, w.buf, w.len), w.len };
  kt_writer_release(&w);
  if (ret_body->data == NULL) {
    kt_problem_set(&call->problem, 500, "memory", "out of memory");
  }
  return ret_body->data != NULL;
}

/* --- in a worker -------------------------------------------------------------------------------------------------- */

static bool forward(struct kt_call *call, struct kt_upstream *upstream)
{
  struct kt_bytes body = { 0 };
  bool is_get = call->route->body == KT_BODY_NONE;
  if (!is_get && !make_body(call, &body)) {
    return false;
  }
  return kt_operator_forward(call->http->instance->operator_role, upstream, call->target, is_get ? NULL : &body,
                             has_head(call), &call->w, &call->problem) == KT_OK;
}

static bool update(struct kt_call *call, struct kt_upstream *upstream)
{
  struct kt_update_request request;
  struct kt_operator_result result;
  enum kt_err err = kt_update_request_decode((struct kt_bytes){ call->body, call->body_len }, &call->arena, &request);
  if (err != KT_OK) {
    (void)kt_call_refuse_body(call, err);
    return false;
  }
  if (!kt_call_label_is_valid(call, request.label)) {
    return false;
  }
  const struct kt_operator_order order = { .request = &request, .token = call->token };
  err = kt_operator_update(call->http->instance->operator_role, upstream, &order, &call->arena, &call->w, &result,
                           &call->problem);
  return err == KT_OK;
}

static void work(void *ctx, struct kt_upstream *upstream)
{
  struct kt_call *call = ctx;
  bool done = false;
  if (upstream == NULL) {
    kt_problem_set(&call->problem, 500, "memory", "out of memory");
  } else {
    done = is_route(call, "/v1/update") ? update(call, upstream) : forward(call, upstream);
  }
  call->was_forwarded = true;
  call->forwarded = done ? KT_STEP_ANSWER : KT_STEP_REFUSE;
  kt_call_resume(call);
}

static enum kt_step park(struct kt_call *call)
{
  if (kt_call_is_stopping(call)) {
    kt_problem_set(&call->problem, 503, "stopping", "the server is stopping");
    call->problem.retry_after_s = 5;
    return KT_STEP_REFUSE;
  }
  if (!make_target(call)) {
    return KT_STEP_REFUSE;
  }
  call->token = kt_call_bearer(call);
  /* Parked first: the worker may be done before submit returns. */
  kt_call_suspend(call);
  if (kt_operator_submit(call->http->instance->operator_role, work, call) != KT_OK) {
    work(call, NULL);
  }
  return KT_STEP_WAIT;
}

enum kt_step kt_answer_as_operator(struct kt_call *call)
{
  if (is_local(call)) {
    return call->route->answer(call);
  }
  if (is_route(call, "/v1/manager/update")) {
    kt_problem_set(&call->problem, 404, "path", "this is a Service Operator, not its Third-Party Manager");
    return KT_STEP_REFUSE;
  }
  if (!call->was_forwarded) {
    return park(call);
  }
  if (call->forwarded == KT_STEP_REFUSE && is_route(call, "/v1/update")) {
    kt_call_ask_for_token(call);
  }
  return call->forwarded;
}
