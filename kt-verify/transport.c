/* SPDX-License-Identifier: Apache-2.0 */
#include "transport.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

#define CONNECT_TIMEOUT_MS 10000L
#define TIMEOUT_MS 60000L
#define URL_MAX 2046
#define ADDRESS_SIZE (URL_MAX + 1)

struct kt_transport {
  CURL *curl;
  CURLM *multi;                        /* with connections of its own; NULL until it is needed */
  char base[ADDRESS_SIZE];             /* without a slash at the end */
  char socket[KT_SOCKET_PATH_MAX + 1]; /* empty: none */
  char ca_file[ADDRESS_SIZE];          /* empty: the system's */
  char access[KT_TOKEN_MAX + 32];      /* the header; empty: none */
};

static enum kt_err copy_address(struct kt_transport *transport, const char *url)
{
  size_t len = strlen(url);
  if (strncmp(url, "unix:", 5) == 0 && url[5] != '\0') {
    if (len - 5 > KT_SOCKET_PATH_MAX) {
      return KT_ERR_LIMIT;
    }
    memcpy(transport->socket, url + 5, len - 4);
    strcpy(transport->base, "http://localhost");
    return KT_OK;
  }
  if (len > URL_MAX || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)) {
    return KT_ERR_USAGE;
  }
  while (len > 0 && url[len - 1] == '/') {
    len--;
  }
  memcpy(transport->base, url, len);
  transport->base[len] = '\0';
  return KT_OK;
}

enum kt_err kt_transport_new(const char *url, struct kt_transport **ret_transport)
{
  struct kt_transport *transport = calloc(1, sizeof *transport);
  if (transport == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = copy_address(transport, url);
  if (err != KT_OK) {
    free(transport);
    return err;
  }
  transport->curl = curl_easy_init();
  if (transport->curl == NULL) {
    free(transport);
    return KT_ERR_MEMORY;
  }
  *ret_transport = transport;
  return KT_OK;
}

void kt_transport_free(struct kt_transport *transport)
{
  if (transport != NULL) {
    curl_easy_cleanup(transport->curl);
    (void)curl_multi_cleanup(transport->multi);
    free(transport);
  }
}

static bool is_token(const char *text)
{
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i++) {
    if (text[i] <= ' ' || text[i] > '~') {
      return false;
    }
  }
  return len > 0 && len <= KT_TOKEN_MAX;
}

/* It is a password: what others can read, they may have read. */
static enum kt_err open_private(const char *path, FILE **ret_file)
{
  struct stat info;
  FILE *file = fopen(path, "re");
  if (file == NULL) {
    return errno == ENOENT ? KT_ERR_ABSENT : KT_ERR_STORE;
  }
  if (fstat(fileno(file), &info) != 0 || (S_ISREG(info.st_mode) && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)) {
    fclose(file);
    return KT_ERR_DENIED;
  }
  *ret_file = file;
  return KT_OK;
}

enum kt_err kt_transport_use_token(struct kt_transport *transport, const char *path)
{
  char line[KT_TOKEN_MAX + 2] = "";
  FILE *file = NULL;
  enum kt_err err = open_private(path, &file);
  if (err != KT_OK) {
    return err;
  }
  bool has_line = fgets(line, sizeof line, file) != NULL;
  fclose(file);
  line[strcspn(line, "\r\n")] = '\0';
  if (!has_line || !is_token(line)) {
    return KT_ERR_FORMAT;
  }
  snprintf(transport->access, sizeof transport->access, "KT-Access-Token: %s", line);
  return KT_OK;
}

enum kt_err kt_transport_use_ca(struct kt_transport *transport, const char *path)
{
  if (strlen(path) >= sizeof transport->ca_file) {
    return KT_ERR_USAGE;
  }
  if (access(path, R_OK) != 0) {
    return KT_ERR_ABSENT;
  }
  memcpy(transport->ca_file, path, strlen(path) + 1);
  return KT_OK;
}

/* One request under way. It stays where it is: curl holds pointers into it. */
struct exchange {
  CURL *curl;
  const char *socket; /* the transport's */
  struct kt_reply *reply;
  size_t cap; /* of its body */
  struct curl_slist *headers;
  char url[ADDRESS_SIZE + 256];
  char error[CURL_ERROR_SIZE];
  bool is_under_way; /* among many */
};

/* As long as the peer says the body is, so that it is copied once; believed as far as a body may be long, for what is
 * not used costs address space only. */
static size_t capacity(const struct exchange *exchange, size_t need)
{
  curl_off_t announced = -1;
  (void)curl_easy_getinfo(exchange->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  return announced >= (curl_off_t)need && announced <= (curl_off_t)KT_REPLY_MAX ? (size_t)announced : 2 * need;
}

static size_t receive(char *data, size_t size, size_t n, void *ctx)
{
  struct exchange *exchange = ctx;
  struct kt_reply *reply = exchange->reply;
  size_t len = size * n; /* size is 1 */
  if (len > KT_REPLY_MAX - reply->len) {
    return 0; /* "over a limit: refused, never truncated": curl gives CURLE_WRITE_ERROR */
  }
  if (reply->len + len > exchange->cap) {
    size_t cap = capacity(exchange, reply->len + len);
    uint8_t *grown = realloc(reply->body, cap);
    if (grown == NULL) {
      return 0;
    }
    reply->body = grown;
    exchange->cap = cap;
  }
  memcpy(reply->body + reply->len, data, len);
  reply->len += len;
  return len;
}

void kt_reply_problem_read(struct kt_reply *reply)
{
  json_t *problem = json_loadb((const char *)reply->body, reply->len, JSON_REJECT_DUPLICATES, NULL);
  const char *type = json_string_value(json_object_get(problem, "type"));
  const char *title = json_string_value(json_object_get(problem, "title"));
  const char *detail = json_string_value(json_object_get(problem, "detail"));
  const char *text = detail != NULL ? detail : title;
  if (type != NULL) {
    kt_text_clean((struct kt_bytes){ (const uint8_t *)type, strlen(type) }, reply->type, sizeof reply->type);
  }
  if (text != NULL) {
    kt_text_clean((struct kt_bytes){ (const uint8_t *)text, strlen(text) }, reply->error, sizeof reply->error);
  }
  reply->size = (uint64_t)json_integer_value(json_object_get(problem, "size"));
  json_decref(problem);
}

static void set_common(const struct kt_transport *transport, struct exchange *exchange)
{
  CURL *curl = exchange->curl;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, exchange->url);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "kt-verify");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, exchange->headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->error);
  if (transport->socket[0] != '\0') {
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, transport->socket);
  }
  if (transport->ca_file[0] != '\0') {
    curl_easy_setopt(curl, CURLOPT_CAINFO, transport->ca_file);
  }
}

/* method: with a body. The body stays the caller's until exchange_end. */
static void exchange_begin(const struct kt_transport *transport, struct exchange *exchange, const char *method,
                           const char *path, const struct kt_bytes *body, const char *token, struct kt_reply *ret_reply)
{
  char authorization[KT_TOKEN_MAX + 32];
  struct curl_slist *headers = NULL;
  *ret_reply = (struct kt_reply){ .kind = KT_REPLY_NETWORK };
  exchange->reply = ret_reply;
  exchange->cap = 0;
  exchange->socket = transport->socket;
  exchange->error[0] = '\0';
  snprintf(exchange->url, sizeof exchange->url, "%s%s", transport->base, path);
  headers = curl_slist_append(headers, "Accept: application/octet-stream, application/problem+json");
  if (body != NULL) {
    headers = curl_slist_append(headers, "Content-Type: application/octet-stream");
    headers = curl_slist_append(headers, "Expect:"); /* no round trip before a body of a few kilobytes */
  }
  if (token != NULL) {
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", token);
    headers = curl_slist_append(headers, authorization);
  }
  if (transport->access[0] != '\0') {
    headers = curl_slist_append(headers, transport->access);
  }
  exchange->headers = headers;
  set_common(transport, exchange);
  if (body != NULL) {
    curl_easy_setopt(exchange->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(exchange->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(exchange->curl, CURLOPT_POSTFIELDS, body->data);
    curl_easy_setopt(exchange->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
  }
}

/* Of a socket curl says "localhost port 80": its path is said instead, and what the system says of it. */
static void write_error(const struct exchange *exchange, CURLcode rc, struct kt_reply *reply)
{
  long os_error = 0;
  const char *text = exchange->error[0] != '\0' ? exchange->error : curl_easy_strerror(rc);
  curl_easy_getinfo(exchange->curl, CURLINFO_OS_ERRNO, &os_error);
  if (rc == CURLE_WRITE_ERROR) {
    text = "the answer is too large";
  } else if (rc == CURLE_COULDNT_CONNECT && exchange->socket[0] != '\0') {
    text = os_error != 0 ? strerror((int)os_error) : curl_easy_strerror(rc);
  }
  if (exchange->socket[0] != '\0') {
    snprintf(reply->error, sizeof reply->error, "unix:%s: %s", exchange->socket, text);
  } else {
    snprintf(reply->error, sizeof reply->error, "%s", text);
  }
}

/* no_content: 204 will do. */
static void exchange_end(struct exchange *exchange, CURLcode rc, bool no_content)
{
  struct kt_reply *reply = exchange->reply;
  long status = 0;
  curl_off_t retry_after = 0;
  curl_slist_free_all(exchange->headers);
  curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
  if (rc != CURLE_OK) {
    reply->kind = KT_REPLY_NETWORK;
    write_error(exchange, rc, reply);
    return;
  }
  reply->status = (int)status;
  reply->kind = status == 200 || (no_content && status == 204) ? KT_REPLY_OK : KT_REPLY_PROBLEM;
  if (reply->kind == KT_REPLY_PROBLEM) {
    curl_easy_getinfo(exchange->curl, CURLINFO_RETRY_AFTER, &retry_after);
    reply->retry_after_s = retry_after > 0 && retry_after < 86400 ? (int)retry_after : 0;
    kt_reply_problem_read(reply);
  }
}

static void request(struct kt_transport *transport, const char *method, const char *path, const struct kt_bytes *body,
                    const char *token, struct kt_reply *ret_reply)
{
  struct exchange exchange = { .curl = transport->curl };
  exchange_begin(transport, &exchange, method, path, body, token, ret_reply);
  CURLcode rc = curl_easy_perform(transport->curl);
  exchange_end(&exchange, rc, method != NULL && strcmp(method, "PUT") == 0);
}

void kt_transport_post(struct kt_transport *transport, const char *path, struct kt_bytes body, const char *token,
                       struct kt_reply *ret_reply)
{
  request(transport, "POST", path, &body, token, ret_reply);
}

void kt_transport_put(struct kt_transport *transport, const char *path, struct kt_bytes body,
                      struct kt_reply *ret_reply)
{
  request(transport, "PUT", path, &body, NULL, ret_reply);
}

void kt_transport_get(struct kt_transport *transport, const char *path, struct kt_reply *ret_reply)
{
  request(transport, "GET", path, NULL, NULL, ret_reply);
}

/* --- several at once ---------------------------------------------------------------------------------------------------- */

struct many {
  const struct kt_transport *transport;
  struct kt_post *posts;
  size_t n;
  size_t next; /* not begun */
  size_t n_under_way;
  bool stop; /* nobody answers, or the log asks for patience: begin no more */
  struct exchange *exchanges;
  size_t n_exchanges;
};

static bool begin_next(struct many *many, struct exchange *exchange)
{
  struct kt_post *post = &many->posts[many->next];
  if (exchange->curl == NULL) {
    exchange->curl = curl_easy_init();
  }
  if (exchange->curl == NULL) {
    return false;
  }
  exchange_begin(many->transport, exchange, "POST", post->path, &post->body, NULL, &post->reply);
  curl_easy_setopt(exchange->curl, CURLOPT_PRIVATE, exchange);
  if (curl_multi_add_handle(many->transport->multi, exchange->curl) != CURLM_OK) {
    curl_slist_free_all(exchange->headers);
    return false;
  }
  exchange->is_under_way = true;
  many->next++;
  many->n_under_way++;
  return true;
}

static void end_one(struct many *many, struct exchange *exchange, CURLcode rc)
{
  (void)curl_multi_remove_handle(many->transport->multi, exchange->curl);
  exchange_end(exchange, rc, false);
  exchange->is_under_way = false;
  many->n_under_way--;
}

static void take_finished(struct many *many)
{
  int n_left = 0;
  for (CURLMsg *message = curl_multi_info_read(many->transport->multi, &n_left); message != NULL;
       message = curl_multi_info_read(many->transport->multi, &n_left)) {
    struct exchange *exchange = NULL;
    CURL *curl = message->easy_handle;
    CURLcode rc = message->data.result;
    curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&exchange);
    end_one(many, exchange, rc); /* the message is gone with it */
    const struct kt_reply *reply = exchange->reply;
    many->stop = many->stop || reply->kind == KT_REPLY_NETWORK || reply->status == 429 || reply->status == 503;
    if (!many->stop && many->next < many->n) {
      many->stop = !begin_next(many, exchange);
    }
  }
}

static void run_all(struct many *many)
{
  for (size_t i = 0; i < many->n_exchanges && !many->stop; i++) {
    many->stop = !begin_next(many, &many->exchanges[i]);
  }
  while (many->n_under_way > 0) {
    int n_running = 0;
    bool ok = curl_multi_perform(many->transport->multi, &n_running) == CURLM_OK;
    take_finished(many);
    if (!ok || (many->n_under_way > 0 && curl_multi_poll(many->transport->multi, NULL, 0, 1000, NULL) != CURLM_OK)) {
      break; /* what is under way counts as not answered */
    }
  }
}

void kt_transport_post_all(struct kt_transport *transport, struct kt_post *posts, size_t n, size_t under_way_max)
{
  struct many many = { .transport = transport, .posts = posts, .n = n };
  many.n_exchanges = n < under_way_max ? n : under_way_max;
  for (size_t i = 0; i < n; i++) {
    posts[i].reply = (struct kt_reply){ .kind = KT_REPLY_NETWORK, .error = "not asked" };
  }
  if (transport->multi == NULL) {
    transport->multi = curl_multi_init();
  }
  many.exchanges = calloc(many.n_exchanges + 1, sizeof *many.exchanges); /* + 1: none is no failure */
  if (transport->multi == NULL || many.exchanges == NULL) {
    free(many.exchanges);
    return;
  }
  run_all(&many);
  for (size_t i = 0; i < many.n_exchanges; i++) {
    if (many.exchanges[i].is_under_way) {
      end_one(&many, &many.exchanges[i], CURLE_ABORTED_BY_CALLBACK);
    }
    curl_easy_cleanup(many.exchanges[i].curl);
  }
  free(many.exchanges);
}

void kt_reply_release(struct kt_reply *reply)
{
  free(reply->body);
  reply->body = NULL;
  reply->len = 0;
}
