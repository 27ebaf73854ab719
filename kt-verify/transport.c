/* SPDX-License-Identifier: Apache-2.0 */
#include "transport.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#define CONNECT_TIMEOUT_MS 10000L
#define TIMEOUT_MS 60000L
#define URL_MAX 2048

struct kt_transport {
  CURL *curl;
  char base[URL_MAX]; /* without a slash at the end */
  char socket[URL_MAX];
};

static bool copy_address(struct kt_transport *transport, const char *url)
{
  size_t len = strlen(url);
  if (len >= URL_MAX - 1) {
    return false;
  }
  if (strncmp(url, "unix:", 5) == 0 && url[5] != '\0') {
    memcpy(transport->socket, url + 5, len - 4);
    strcpy(transport->base, "http://localhost");
    return true;
  }
  if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
    return false;
  }
  while (len > 0 && url[len - 1] == '/') {
    len--;
  }
  memcpy(transport->base, url, len);
  transport->base[len] = '\0';
  return true;
}

enum kt_err kt_transport_new(const char *url, struct kt_transport **ret_transport)
{
  struct kt_transport *transport = calloc(1, sizeof *transport);
  if (transport == NULL) {
    return KT_ERR_MEMORY;
  }
  if (!copy_address(transport, url)) {
    free(transport);
    return KT_ERR_USAGE;
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
    free(transport);
  }
}

struct sink {
  struct kt_reply *reply;
  size_t cap;
};

static size_t receive(char *data, size_t size, size_t n, void *ctx)
{
  struct sink *sink = ctx;
  size_t len = size * n; /* size is 1 */
  if (len > KT_REPLY_MAX - sink->reply->len) {
    return 0; /* "over a limit: refused, never truncated": curl gives CURLE_WRITE_ERROR */
  }
  if (sink->reply->len + len > sink->cap) {
    size_t cap = 2 * (sink->reply->len + len);
    uint8_t *grown = realloc(sink->reply->body, cap);
    if (grown == NULL) {
      return 0;
    }
    sink->reply->body = grown;
    sink->cap = cap;
  }
  memcpy(sink->reply->body + sink->reply->len, data, len);
  sink->reply->len += len;
  return len;
}

/* RFC 9457. What the server writes is shown to a person, so it is cleaned. */
static void read_problem(struct kt_reply *reply)
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

static void set_common(struct kt_transport *transport, const char *url, struct sink *sink, char *error,
                       struct curl_slist *headers)
{
  CURL *curl = transport->curl;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "kt-verify");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
  if (transport->socket[0] != '\0') {
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, transport->socket);
  }
}

/* no_content: 204 will do. */
static void perform(struct kt_transport *transport, bool no_content, struct kt_reply *reply, const char *error)
{
  long status = 0;
  curl_off_t retry_after = 0;
  CURLcode rc = curl_easy_perform(transport->curl);
  curl_easy_getinfo(transport->curl, CURLINFO_RESPONSE_CODE, &status);
  if (rc != CURLE_OK) {
    const char *text = error[0] != '\0' ? error : curl_easy_strerror(rc);
    reply->kind = KT_REPLY_NETWORK;
    snprintf(reply->error, sizeof reply->error, "%s", rc == CURLE_WRITE_ERROR ? "the answer is too large" : text);
    return;
  }
  reply->status = (int)status;
  reply->kind = status == 200 || (no_content && status == 204) ? KT_REPLY_OK : KT_REPLY_PROBLEM;
  if (reply->kind == KT_REPLY_PROBLEM) {
    curl_easy_getinfo(transport->curl, CURLINFO_RETRY_AFTER, &retry_after);
    reply->retry_after_s = retry_after > 0 && retry_after < 86400 ? (int)retry_after : 0;
    read_problem(reply);
  }
}

/* method: with a body. */
static void request(struct kt_transport *transport, const char *method, const char *path, const struct kt_bytes *body,
                    const char *token, struct kt_reply *ret_reply)
{
  char url[URL_MAX + 256];
  char authorization[KT_TOKEN_MAX + 32];
  char error[CURL_ERROR_SIZE] = "";
  struct curl_slist *headers = NULL;
  *ret_reply = (struct kt_reply){ .kind = KT_REPLY_NETWORK };
  struct sink sink = { .reply = ret_reply };
  snprintf(url, sizeof url, "%s%s", transport->base, path);
  headers = curl_slist_append(headers, "Accept: application/octet-stream, application/problem+json");
  if (body != NULL) {
    headers = curl_slist_append(headers, "Content-Type: application/octet-stream");
    headers = curl_slist_append(headers, "Expect:"); /* no round trip before a body of a few kilobytes */
  }
  if (token != NULL) {
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", token);
    headers = curl_slist_append(headers, authorization);
  }
  set_common(transport, url, &sink, error, headers);
  if (body != NULL) {
    curl_easy_setopt(transport->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(transport->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(transport->curl, CURLOPT_POSTFIELDS, body->data);
    curl_easy_setopt(transport->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
  }
  perform(transport, method != NULL && strcmp(method, "PUT") == 0, ret_reply, error);
  curl_slist_free_all(headers);
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

void kt_reply_release(struct kt_reply *reply)
{
  free(reply->body);
  reply->body = NULL;
  reply->len = 0;
}
