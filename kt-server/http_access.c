/* SPDX-License-Identifier: Apache-2.0 */
/* What libmicrohttpd calls: the head of a request, its body piece by piece, its end.
 *
 * Answers are queued when the body is complete. Queuing at the first call is faster to refuse but closes the
 * connection, so it is for requests whose body must not be read at all. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "account/utf8.h"
#include "base/hex.h"
#include "base/noun.h"
#include "http_server.h"
#include "units.h"

/* Bytes over the limit that are read and dropped, so that the client gets to see the refusal. */
#define DISCARD_MAX ((size_t)256 << 10)
#define FIRST_BODY_CAP 1024

/* --- for the handlers ------------------------------------------------------------------------------------------- */

enum kt_step kt_call_refuse(struct kt_call *call, enum kt_err err, const struct kt_log_problem *problem)
{
  struct kt_instance *instance = call->http->instance;
  struct kt_error damage;
  if (problem->is_damaged && !atomic_exchange(&instance->is_damage_told, true)) {
    (void)!kt_instance_damaged(instance, problem->text, &damage);
    kt_say("%s", damage.text);
  }
  kt_problem_from_log(&call->problem, err, problem);
  return KT_STEP_REFUSE;
}

enum kt_step kt_call_refuse_body(struct kt_call *call, enum kt_err err)
{
  if (err == KT_ERR_MEMORY) {
    kt_problem_set(&call->problem, 500, "memory", "out of memory");
  } else {
    kt_problem_set(&call->problem, 400, "malformed", "the body of %zu %s does not decode: %s", call->body_len,
                   kt_noun(call->body_len, "byte", "bytes"), kt_err_text(err));
  }
  return KT_STEP_REFUSE;
}

bool kt_call_label_is_valid(struct kt_call *call, struct kt_bytes label)
{
  if (label.len == 0 || !kt_utf8_is_valid(label)) {
    kt_problem_set(&call->problem, 422, "label", "a label is 1 to %d bytes of UTF-8", KT_LABEL_MAX);
    return false;
  }
  return true;
}

struct argument {
  const char *name;
  const char *value;
  unsigned n;
};

static enum MHD_Result collect_argument(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
  struct argument *argument = ctx;
  (void)kind;
  if (strcmp(key, argument->name) == 0) {
    argument->value = value;
    argument->n++;
  }
  return MHD_YES;
}

bool kt_call_query(struct kt_call *call, const char *name, const uint64_t *fallback, uint64_t *ret_value)
{
  struct argument argument = { .name = name };
  (void)MHD_get_connection_values(call->connection, MHD_GET_ARGUMENT_KIND, collect_argument, &argument);
  if (argument.n == 0 && fallback != NULL) {
    *ret_value = *fallback;
    return true;
  }
  if (argument.n != 1 || argument.value == NULL || kt_number_parse(argument.value, ret_value) != KT_OK) {
    kt_problem_set(&call->problem, 400, "malformed", "the query needs %s=NUMBER, once, in decimal digits", name);
    return false;
  }
  return true;
}

/* --- the head of a request -------------------------------------------------------------------------------------- */

static void make_request_id(struct kt_http *http, char ret_id[static KT_REQUEST_ID_SIZE])
{
  uint8_t id[crypto_shorthash_siphashx24_BYTES];
  uint8_t count[8];
  uint64_t n = atomic_fetch_add(&http->n_ids, 1);
  memcpy(count, &n, sizeof count);
  (void)crypto_shorthash_siphashx24(id, count, sizeof count, http->id_key);
  (void)kt_hex_encode((struct kt_bytes){ id, sizeof id }, ret_id);
}

static struct kt_call *call_new(struct kt_http *http, struct MHD_Connection *connection)
{
  struct kt_call *call = calloc(1, sizeof *call);
  if (call == NULL) {
    return NULL;
  }
  call->http = http;
  call->connection = connection;
  call->started_ms = kt_now_ms();
  make_request_id(http, call->request_id);
  kt_arena_init(&call->arena, KT_ARENA_CAP_DEFAULT);
  /* The engine refuses earlier, with a reason. */
  kt_writer_init(&call->w, (size_t)http->instance->settings.limits.response_bytes + KT_CONFIG_MAX);
  kt_call_join_peer(call);
  (void)atomic_fetch_add(&http->n_open, 1);
  return call;
}

struct framing {
  unsigned n_lengths;
  unsigned n_encodings;
  unsigned n_hosts;
  unsigned n_odd; /* names that are none */
  const char *length;
};

static bool begins_with(const char *name, const char *prefix)
{
  return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* RFC 9110, Tokens. The library takes a name for what stands before the colon: "Content-Length " with its blank, and
 * "Transfer-Encodingchunked" when the value came on a line of its own. A proxy may take either for the name without. */
static bool is_odd(const char *name)
{
  static const char tchar[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return name[0] == '\0' || name[strspn(name, tchar)] != '\0' || begins_with(name, MHD_HTTP_HEADER_CONTENT_LENGTH) ||
         begins_with(name, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

static enum MHD_Result collect_framing(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
  struct framing *framing = ctx;
  (void)kind;
  if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
    framing->length = value;
    framing->n_lengths++;
  } else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
    framing->n_encodings++;
  } else if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0) {
    framing->n_hosts++;
  } else if (is_odd(key)) {
    framing->n_odd++;
  }
  return MHD_YES;
}

/* A ManagerUpdateRequest is an UpdateRequest with a signature<0..2^16-1> for each of up to 255 values, and
 * signed_version: what a Service Operator takes from a user must not be too long for its Manager. */
#define SIGNATURES_MAX (UINT8_MAX * (2 + KT_SIGNATURE_MAX) + 4)

/* Whoever brings no values has little to say; what a monitor asks about, in its longest form, is a few KiB. */
#define REQUEST_MAX ((uint64_t)64 << 10)

static uint64_t body_max(const struct kt_call *call)
{
  const uint64_t max = atomic_load(&call->http->body_max);
  switch (call->route != NULL ? call->route->body : KT_BODY_NONE) {
  case KT_BODY_VALUES: return max;
  case KT_BODY_SIGNED_VALUES: return max + SIGNATURES_MAX;
  case KT_BODY_NONE:
  case KT_BODY_BINARY:
  case KT_BODY_BINARY_OR_JSON: break;
  }
  return max < REQUEST_MAX ? max : REQUEST_MAX;
}

static uint64_t discard_max(const struct kt_call *call)
{
  return atomic_load(&call->http->body_max) + SIGNATURES_MAX + DISCARD_MAX;
}

static void refuse_length(struct kt_call *call)
{
  kt_problem_set(&call->problem, 413, "body-too-large", "a body has at most %" PRIu64 " bytes", body_max(call));
}

/* Where the body ends must have one reading, or a proxy in front of us may have another (request smuggling). Every
 * client of ours knows the length beforehand, so there is nothing that Transfer-Encoding is needed for. */
static void check_framing(struct kt_call *call, uint64_t *ret_length)
{
  struct framing framing = { 0 };
  uint64_t length = 0;
  (void)MHD_get_connection_values(call->connection, MHD_HEADER_KIND, collect_framing, &framing);
  if (framing.n_hosts > 1 || framing.n_odd > 0) {
    kt_problem_set(&call->problem, 400, "framing", "the head of this request can be read in more than one way");
    call->problem.close = true;
  } else if (framing.n_encodings > 0 || framing.n_lengths > 1 ||
             (framing.n_lengths == 1 &&
              (framing.length == NULL || kt_number_parse(framing.length, &length) != KT_OK))) {
    kt_problem_set(&call->problem, 400, "framing", "a body has one Content-Length, and no Transfer-Encoding");
    call->problem.close = true;
  }
  *ret_length = length;
}

/* A refused body that is small is read and dropped, so that the refusal arrives and the connection stays; a large one
 * is not awaited, nor one that the client has not sent yet ("Expect: 100-continue"). */
static bool is_refused_at_once(struct kt_call *call, uint64_t length)
{
  const char *expect = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
  return call->problem.status != 0 && (call->problem.close || expect != NULL || length > discard_max(call));
}

/* Does a list of media types contain this one? Parameters are ignored, but for a weight of zero. */
static bool lists_type(const char *list, const char *type)
{
  size_t len = strlen(type);
  while (list != NULL && *list != '\0') {
    list += strspn(list, " \t,");
    size_t item_len = strcspn(list, ",");
    size_t name_len = strcspn(list, "; \t,");
    if (name_len == len && strncasecmp(list, type, len) == 0) {
      const char *weight = strstr(list, "q=0");
      return weight == NULL || weight > list + item_len || strspn(weight + 3, ".0") + 3 < strcspn(weight, ", \t;");
    }
    list += item_len;
  }
  return false;
}

static void check_body_type(struct kt_call *call)
{
  const char *type = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
  if (call->route->body == KT_BODY_NONE || lists_type(type, "application/octet-stream")) {
    return;
  }
  if (call->route->body == KT_BODY_BINARY_OR_JSON && lists_type(type, "application/json")) {
    call->is_body_json = true;
    return;
  }
  kt_problem_set(&call->problem, 415, "content-type", "%s takes application/octet-stream%s", call->route->path,
                 call->route->body == KT_BODY_BINARY_OR_JSON ? " or application/json" : "");
}

static bool has_control(const char *text)
{
  for (; text != NULL && *text != '\0'; text++) {
    if ((uint8_t)*text < 0x20 || *text == 0x7f) {
      return true;
    }
  }
  return false;
}

static enum MHD_Result check_argument(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
  bool *has_odd = ctx;
  (void)kind;
  *has_odd = *has_odd || has_control(key) || has_control(value);
  return MHD_YES;
}

/* A proxy that decides by the path must not see another one than the routes do. */
static void check_target(struct kt_call *call, const char *url)
{
  bool has_odd = has_control(url);
  (void)MHD_get_connection_values(call->connection, MHD_GET_ARGUMENT_KIND, check_argument, &has_odd);
  if (has_odd) {
    kt_problem_set(&call->problem, 400, "target", "there are control characters in the target of this request");
  } else if (url[0] != '/') {
    kt_problem_set(&call->problem, 400, "target",
                   "the target of a request is a path, without a scheme and a host before it");
  }
}

static void check_route(struct kt_call *call, const char *method, const char *url)
{
  const char *allow = NULL;
  call->route = kt_route_find(call->http->routes, method, url, &allow);
  if (call->route != NULL) {
    kt_route_rest(call->route, url, call->path_rest);
    check_body_type(call);
  } else if (allow != NULL) {
    kt_problem_set(&call->problem, 405, "method", "this path takes %s", allow);
    call->problem.allow = allow;
  } else {
    kt_problem_set(&call->problem, 404, "path", "there is nothing at this path");
  }
}

static enum MHD_Result begin(struct kt_http *http, struct MHD_Connection *connection, const char *url,
                             const char *method, void **con_cls)
{
  uint64_t length = 0;
  struct kt_call *call = call_new(http, connection);
  if (call == NULL) {
    return MHD_NO;
  }
  *con_cls = call;
  check_framing(call, &length);
  if (call->problem.status == 0) {
    check_target(call, url);
  }
  if (call->problem.status == 0) {
    check_route(call, method, url);
  }
  if (call->problem.status == 0 && length > body_max(call)) {
    refuse_length(call);
  }
  /* No rate takes the place of a refusal that has to end the connection. */
  if (!call->problem.close && (call->route == NULL || (call->problem.status == 0 && kt_call_is_permitted(call)))) {
    (void)kt_call_is_within_rate(call);
  }
  const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
  call->wants_json = lists_type(accept, "application/json");
  if (is_refused_at_once(call, length)) {
    call->problem.close = true;
    return kt_http_reply_problem(call);
  }
  return MHD_YES;
}

/* --- the body ----------------------------------------------------------------------------------------------------- */

/* False: call->problem is set. */
static bool body_reserve(struct kt_call *call, size_t needed)
{
  if (needed <= call->body_cap) {
    return true;
  }
  size_t cap = call->body_cap == 0 ? FIRST_BODY_CAP : call->body_cap;
  while (cap < needed) {
    cap *= 2;
  }
  if (!kt_call_reserve_body(call, cap)) {
    return false;
  }
  uint8_t *body = realloc(call->body, cap);
  if (body == NULL) {
    kt_problem_set(&call->problem, 500, "memory", "out of memory");
    return false;
  }
  call->body = body;
  call->body_cap = cap;
  return true;
}

static enum MHD_Result take_body(struct kt_call *call, const char *data, size_t len)
{
  uint64_t max = body_max(call);
  if (call->problem.status != 0) {
    call->body_len += len; /* dropped */
    return call->body_len > discard_max(call) ? MHD_NO : MHD_YES;
  }
  if (call->body_len + len > max) {
    refuse_length(call);
    call->problem.close = true;
  } else if (body_reserve(call, call->body_len + len)) {
    memcpy(call->body + call->body_len, data, len);
  }
  call->body_len += len;
  return MHD_YES;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static enum MHD_Result finish(struct kt_call *call)
{
  kt_peer_expect(call->peer, KT_PHASE_WORK);
  if (call->problem.status != 0) {
    return kt_http_reply_problem(call);
  }
  bool as_operator = call->http->clients == NULL && kt_instance_is_operator(call->http->instance);
  switch (as_operator ? kt_answer_as_operator(call) : call->route->answer(call)) {
  case KT_STEP_ANSWER: return kt_http_reply(call);
  case KT_STEP_REFUSE: return kt_http_reply_problem(call);
  case KT_STEP_WAIT: break;
  }
  return MHD_YES;
}

enum MHD_Result kt_http_access(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *upload_data, size_t *upload_data_size, void **con_cls)
{
  struct kt_call *call = *con_cls;
  (void)version;
  if (call == NULL) {
    return begin(ctx, connection, url, method, con_cls);
  }
  if (*upload_data_size > 0) {
    size_t len = *upload_data_size;
    *upload_data_size = 0;
    return take_body(call, upload_data, len);
  }
  return finish(call);
}

/* One line of key=value pairs, with the request id that the client has. Without labels: they travel in bodies. An
 * unknown path is not repeated, it may hold anything. */
static void log_access(const struct kt_call *call)
{
  int level = atomic_load(&call->http->access_log);
  if (level == KT_ACCESS_LOG_ALL || (level == KT_ACCESS_LOG_ERRORS && call->status >= 400)) {
    char time[KT_TIME_TEXT_SIZE];
    kt_time_text(call->started_ms, time);
    (void)fprintf(
        stderr, "time=%s level=%s event=request request_id=%s route=%s status=%u problem=%s bytes=%zu us=%" PRIu64 "\n",
        time, call->status >= 500 ? "error" : "info", call->request_id, call->route != NULL ? call->route->path : "-",
        call->status, call->problem.status != 0 ? call->problem.code : "-", call->answer_len,
        kt_monotonic_us() - call->started_us);
  }
}

void kt_http_completed(void *ctx, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode code)
{
  struct kt_http *http = ctx;
  struct kt_call *call = *con_cls;
  (void)connection;
  (void)code;
  if (call == NULL) {
    return;
  }
  log_access(call);
  kt_peer_expect(call->peer, KT_PHASE_IDLE);
  kt_call_give_back(call);
  kt_call_count(call);
  kt_writer_release(&call->w);
  kt_arena_release(&call->arena);
  free(call->body);
  free(call);
  *con_cls = NULL;
  (void)atomic_fetch_sub(&http->n_open, 1);
}
