/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as the HTTP library hands them over: method, path, arguments, headers and body, to the routes of a log with
 * three people in it. The library itself is not there: what kt-server calls of it is below, so nothing is sent
 * anywhere.
 *
 *   METHOD PATH[?NAME=VALUE&…] / NAME: VALUE / … / an empty line / body
 *
 * A header line that begins with a blank continues the one before it, which the library takes for more of the name.
 *
 * Each request gets one answer or none. A refusal is a problem document with a reason, never "500", for
 * nothing here fails; an answer is of its route's type, and JSON where that was asked for. Two readings of
 * where a body ends are refused. */
#include "unit/log/log_test.h"

#include <jansson.h>
#include <microhttpd.h>
#include <strings.h>

#include "fuzz.h"
#include "http_server.h"
#include "relay.h"

#define PAIRS_MAX 16
#define INPUT_MAX 16384
#define PIECE 700 /* of a body, at a time */

struct pair {
  const char *name;
  const char *value; /* NULL: an argument without "=" */
  enum MHD_ValueKind kind;
  size_t sent_len; /* of the name as it was sent: before its colon */
  char *joined;    /* the name, when further lines were added to it; owned */
};

struct MHD_Connection {
  struct pair pairs[PAIRS_MAX];
  size_t n_pairs;
  bool is_suspended;
  unsigned n_answers;
  unsigned status;
  struct MHD_Response *answer;
};

struct MHD_Response {
  unsigned n_references;
  struct pair headers[PAIRS_MAX];
  size_t n_headers;
  void *data;
  size_t len;
  bool is_ours;
};

/* --- in the library's place --------------------------------------------------------------------------------------- */

int MHD_get_connection_values(struct MHD_Connection *connection, enum MHD_ValueKind kind, MHD_KeyValueIterator iterator,
                              void *iterator_cls)
{
  int n = 0;
  for (size_t i = 0; i < connection->n_pairs; i++) {
    const struct pair *pair = &connection->pairs[i];
    if ((pair->kind & kind) != 0) {
      n++;
      (void)iterator(iterator_cls, pair->kind, pair->name, pair->value);
    }
  }
  return n;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *key)
{
  for (size_t i = 0; i < connection->n_pairs; i++) {
    if ((connection->pairs[i].kind & kind) != 0 && strcasecmp(connection->pairs[i].name, key) == 0) {
      return connection->pairs[i].value;
    }
  }
  return NULL;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
                                                        enum MHD_ConnectionInfoType info_type, ...)
{
  static const union MHD_ConnectionInfo no_daemon;
  (void)connection;
  return info_type == MHD_CONNECTION_INFO_DAEMON ? &no_daemon : NULL;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer, enum MHD_ResponseMemoryMode mode)
{
  struct MHD_Response *response = calloc(1, sizeof *response);
  FUZZ_CHECK(response != NULL && mode != MHD_RESPMEM_MUST_COPY);
  *response =
      (struct MHD_Response){ .n_references = 1, .data = buffer, .len = size, .is_ours = mode == MHD_RESPMEM_MUST_FREE };
  return response;
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *response, const char *header, const char *content)
{
  FUZZ_CHECK(response->n_headers < PAIRS_MAX);
  FUZZ_CHECK(strpbrk(header, "\r\n") == NULL && strpbrk(content, "\r\n") == NULL);
  struct pair *pair = &response->headers[response->n_headers++];
  *pair = (struct pair){ .name = strdup(header), .value = strdup(content), .kind = MHD_HEADER_KIND };
  FUZZ_CHECK(pair->name != NULL && pair->value != NULL);
  return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *response)
{
  if (--response->n_references > 0) {
    return;
  }
  for (size_t i = 0; i < response->n_headers; i++) {
    free((void *)(uintptr_t)response->headers[i].name);
    free((void *)(uintptr_t)response->headers[i].value);
  }
  if (response->is_ours) {
    free(response->data);
  }
  free(response);
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned int status_code,
                                   struct MHD_Response *response)
{
  FUZZ_CHECK(connection->n_answers == 0 && !connection->is_suspended);
  connection->n_answers++;
  connection->status = status_code;
  connection->answer = response;
  response->n_references++;
  return MHD_YES;
}

void MHD_suspend_connection(struct MHD_Connection *connection)
{
  connection->is_suspended = true;
}

void MHD_resume_connection(struct MHD_Connection *connection)
{
  connection->is_suspended = false;
}

const char *MHD_get_reason_phrase_for(unsigned int code)
{
  (void)code;
  return "reason";
}

/* --- the server --------------------------------------------------------------------------------------------------- */

struct server {
  struct world *world;
  struct kt_instance instance;
  struct kt_http http;
  struct kt_log_reader *_Atomic reader;
};

static struct server server;

/* Nobody else can register, so the log stays as it is. */
static void start(void)
{
  struct kt_error error;
  struct kt_instance *instance = &server.instance;
  struct kt_http *http = &server.http;
  server.world = world_new();
  world_ok(server.world, kt_log_create(&server.world->options, &server.world->problem));
  server.world->options.registration = KT_REGISTRATION_OPEN;
  world_open(server.world);
  person_register(server.world, person_new(server.world, "alice", 10));
  person_register(server.world, person_new(server.world, "bob", 11));
  world_close(server.world);
  server.world->options.registration = KT_REGISTRATION_CLOSED;
  world_open(server.world);
  kt_instance_init(instance);
  instance->config = server.world->config;
  instance->config_len = kt_config_encode(&instance->config, instance->config_bytes);
  instance->log = server.world->log;
  instance->settings.registration = KT_REGISTRATION_CLOSED;
  instance->settings.limits.body_bytes = 8192;
  instance->settings.limits.response_bytes = 1 << 20;
  instance->settings.limits.memory_bytes = 64 << 20;
  *http = (struct kt_http){ .instance = instance, .routes = kt_log_routes, .readers = &server.reader, .n_readers = 1 };
  atomic_store(&server.reader, server.world->reader);
  kt_http_reload(http, &instance->settings);
  FUZZ_CHECK(kt_http_limits_init(http, 8, &error) == KT_OK && kt_relay_new(&http->relay) == KT_OK);
  http->loops = kt_http_loops_new(MHD_INVALID_SOCKET, 0, 0, NULL, NULL); /* the thread is this one */
  FUZZ_CHECK(http->loops != NULL);
}

/* --- a request ---------------------------------------------------------------------------------------------------- */

static void add_pair(struct MHD_Connection *connection, enum MHD_ValueKind kind, char *text, const char *between)
{
  char *value = strstr(text, between);
  if (connection->n_pairs == PAIRS_MAX || (value == NULL && kind == MHD_HEADER_KIND)) {
    return;
  }
  if (value != NULL) {
    *value = '\0';
    value += strlen(between);
  }
  connection->pairs[connection->n_pairs++] =
      (struct pair){ .name = text, .value = value, .kind = kind, .sent_len = strlen(text) };
}

static void continue_header(struct MHD_Connection *connection, const char *line)
{
  struct pair *pair = connection->n_pairs > 0 ? &connection->pairs[connection->n_pairs - 1] : NULL;
  if (pair == NULL || pair->kind != MHD_HEADER_KIND) {
    return;
  }
  line += strspn(line, " \t");
  const size_t len = strlen(pair->name);
  char *joined = malloc(len + strlen(line) + 1);
  FUZZ_CHECK(joined != NULL);
  memcpy(joined, pair->name, len);
  memcpy(joined + len, line, strlen(line) + 1);
  free(pair->joined);
  pair->name = pair->joined = joined;
}

static void release_headers(struct MHD_Connection *connection)
{
  for (size_t i = 0; i < connection->n_pairs; i++) {
    free(connection->pairs[i].joined);
  }
}

/* The next line, terminated in place; NULL: there is none. */
static char *next_line(char **text)
{
  char *line = *text;
  char *end = line != NULL ? strchr(line, '\n') : NULL;
  if (end == NULL) {
    return NULL;
  }
  *end = '\0';
  *text = end + 1;
  return line;
}

static void split_target(struct MHD_Connection *connection, char *target)
{
  char *rest = NULL;
  char *arguments = strchr(target, '?');
  if (arguments == NULL) {
    return;
  }
  *arguments++ = '\0';
  for (char *one = strtok_r(arguments, "&", &rest); one != NULL; one = strtok_r(NULL, "&", &rest)) {
    add_pair(connection, MHD_GET_ARGUMENT_KIND, one, "=");
  }
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static const char *header_of(const struct MHD_Response *answer, const char *name)
{
  for (size_t i = 0; i < answer->n_headers; i++) {
    if (strcasecmp(answer->headers[i].name, name) == 0) {
      return answer->headers[i].value;
    }
  }
  return NULL;
}

static void check_json(const struct MHD_Response *answer, const char *member)
{
  json_t *document = json_loadb(answer->data, answer->len, 0, NULL);
  FUZZ_CHECK(json_is_object(document) && json_object_get(document, member) != NULL);
  json_decref(document);
}

/* Was this name sent? Blanks before the colon belong to it for some, and not for others. */
static bool was_sent(const struct pair *pair, const char *name)
{
  size_t len = pair->sent_len;
  while (len > 0 && strchr(" \t", pair->name[len - 1]) != NULL) {
    len--;
  }
  return len == strlen(name) && strncasecmp(pair->name, name, len) == 0;
}

/* Who reads what was sent and who reads what the library makes of it must not see two ends of the body. */
static bool is_ambiguous(const struct MHD_Connection *connection)
{
  unsigned n_lengths = 0;
  bool is_chunked = false;
  bool differs = false;
  for (size_t i = 0; i < connection->n_pairs; i++) {
    const struct pair *pair = &connection->pairs[i];
    if (pair->kind == MHD_HEADER_KIND) {
      const bool is_length = strcasecmp(pair->name, "Content-Length") == 0;
      const bool was_length = was_sent(pair, "Content-Length");
      n_lengths += is_length || was_length;
      differs |= was_length && !is_length;
      is_chunked |= strcasecmp(pair->name, "Transfer-Encoding") == 0 || was_sent(pair, "Transfer-Encoding");
    }
  }
  return n_lengths > 1 || is_chunked || differs;
}

static void check_answer(const struct MHD_Connection *connection)
{
  const struct MHD_Response *answer = connection->answer;
  const char *type = header_of(answer, "Content-Type");
  FUZZ_CHECK(header_of(answer, "X-Request-Id") != NULL && header_of(answer, "Cache-Control") != NULL);
  FUZZ_CHECK(!is_ambiguous(connection) || connection->status == 400);
  if (connection->status >= 400) {
    FUZZ_CHECK(connection->status != 500 && strcmp(type, "application/problem+json") == 0);
    check_json(answer, "type");
  } else if (type != NULL && strcmp(type, "application/json") == 0) {
    check_json(answer, "raw");
  }
}

static enum MHD_Result deliver(struct MHD_Connection *connection, const char *method, const char *path,
                               struct kt_bytes body, void **call)
{
  size_t none = 0;
  enum MHD_Result result = kt_http_access(&server.http, connection, path, method, "HTTP/1.1", NULL, &none, call);
  while (result == MHD_YES && connection->n_answers == 0 && body.len > 0) {
    const size_t len = body.len < PIECE ? body.len : PIECE;
    size_t left = len;
    result = kt_http_access(&server.http, connection, path, method, "HTTP/1.1", (const char *)body.data, &left, call);
    FUZZ_CHECK(result == MHD_NO || left == 0);
    body = (struct kt_bytes){ body.data + len, body.len - len };
  }
  if (result == MHD_YES && connection->n_answers == 0) {
    result = kt_http_access(&server.http, connection, path, method, "HTTP/1.1", NULL, &none, call);
  }
  if (result == MHD_YES && connection->is_suspended) {
    kt_log_step(server.world->log);
    FUZZ_CHECK(!connection->is_suspended);
    result = kt_http_access(&server.http, connection, path, method, "HTTP/1.1", NULL, &none, call);
  }
  return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static char text[INPUT_MAX + 1];
  struct MHD_Connection connection = { .n_pairs = 0 };
  void *call = NULL;
  char *rest = text;
  if (server.world == NULL) {
    start();
  }
  if (size > INPUT_MAX) {
    return 0;
  }
  memcpy(text, data, size);
  text[size] = '\0';
  char *method = next_line(&rest);
  char *path = method != NULL ? strchr(method, ' ') : NULL;
  if (path == NULL) {
    return 0;
  }
  *path++ = '\0';
  split_target(&connection, path);
  for (char *line = next_line(&rest); line != NULL && line[0] != '\0'; line = next_line(&rest)) {
    if (line[0] == ' ' || line[0] == '\t') {
      continue_header(&connection, line);
    } else {
      add_pair(&connection, MHD_HEADER_KIND, line, ": ");
    }
  }
  const struct kt_bytes body = { (const uint8_t *)rest, size - (size_t)(rest - text) };
  const enum MHD_Result result = deliver(&connection, method, path, body, &call);
  FUZZ_CHECK(connection.n_answers == (result == MHD_YES ? 1 : 0));
  if (result == MHD_YES) {
    check_answer(&connection);
    MHD_destroy_response(connection.answer);
  }
  kt_http_completed(&server.http, &connection, &call, MHD_REQUEST_TERMINATED_COMPLETED_OK);
  release_headers(&connection);
  FUZZ_CHECK(call == NULL && atomic_load(&server.reader) != NULL && atomic_load(&server.http.limits.n_bytes) == 0);
  return 0;
}
