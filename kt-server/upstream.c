/* SPDX-License-Identifier: Apache-2.0 */
#include "upstream.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 5000L
#define TIMEOUT_MS 20000L
#define ADDRESS_SIZE 512
#define RETRY_AFTER_S 5

struct kt_upstream {
  CURL *curl;
  size_t answer_max;
  const atomic_bool *is_aborted;
  char base[ADDRESS_SIZE];   /* without a slash at the end */
  char socket[ADDRESS_SIZE]; /* empty: none */
  char authorization[128];
};

static bool set_address(struct kt_upstream *upstream, const char *url)
{
  size_t len = strlen(url);
  if (len >= ADDRESS_SIZE) {
    return false;
  }
  if (strncmp(url, "unix:", 5) == 0 && url[5] != '\0') {
    (void)snprintf(upstream->socket, sizeof upstream->socket, "%s", url + 5);
    (void)snprintf(upstream->base, sizeof upstream->base, "http://localhost");
    return true;
  }
  while (len > 0 && url[len - 1] == '/') {
    len--;
  }
  memcpy(upstream->base, url, len);
  return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

enum kt_err kt_upstream_new(const char *url, const char *token, size_t answer_max, const atomic_bool *is_aborted,
                            struct kt_upstream **ret_upstream)
{
  struct kt_upstream *upstream = calloc(1, sizeof *upstream);
  if (upstream == NULL) {
    return KT_ERR_MEMORY;
  }
  upstream->answer_max = answer_max;
  upstream->is_aborted = is_aborted;
  int n = snprintf(upstream->authorization, sizeof upstream->authorization, "Authorization: Bearer %s", token);
  if (!set_address(upstream, url) || n < 0 || (size_t)n >= sizeof upstream->authorization) {
    kt_upstream_free(upstream);
    return KT_ERR_USAGE;
  }
  upstream->curl = curl_easy_init();
  if (upstream->curl == NULL) {
    kt_upstream_free(upstream);
    return KT_ERR_MEMORY;
  }
  *ret_upstream = upstream;
  return KT_OK;
}

void kt_upstream_free(struct kt_upstream *upstream)
{
  if (upstream != NULL) {
    curl_easy_cleanup(upstream->curl);
    free(upstream);
  }
}

/* --- one exchange ------------------------------------------------------------------------------------------------- */

struct sink {
  struct kt_upstream_reply *reply;
  size_t cap;
  size_t max;
};

static size_t receive(char *data, size_t size, size_t n, void *ctx)
{
  struct sink *sink = ctx;
  struct kt_upstream_reply *reply = sink->reply;
  size_t len = size * n; /* size is 1 */
  if (len > sink->max - reply->len) {
    return 0; /* curl gives CURLE_WRITE_ERROR */
  }
  if (reply->len + len > sink->cap) {
    size_t cap = 2 * (reply->len + len);
    uint8_t *grown = realloc(reply->body, cap);
    if (grown == NULL) {
      return 0;
    }
    reply->body = grown;
    sink->cap = cap;
  }
  memcpy(reply->body + reply->len, data, len);
  reply->len += len;
  return len;
}

/* Called about once a second at least. */
static int may_go_on(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
  const struct kt_upstream *upstream = ctx;
  (void)down_total;
  (void)down;
  (void)up_total;
  (void)up;
  return atomic_load(upstream->is_aborted) ? 1 : 0;
}

static void set_options(struct kt_upstream *upstream, const char *url, const struct kt_bytes *body, struct sink *sink,
                        char *error, struct curl_slist *headers)
{
  CURL *curl = upstream->curl;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* the address is the Manager's, whatever the environment says */
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, may_go_on);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, upstream);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "kt-server");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
  if (upstream->socket[0] != '\0') {
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, upstream->socket);
  }
  if (body != NULL) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->len > 0 ? (const char *)body->data : "");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
  }
}

void kt_upstream_problem_read(struct kt_upstream_reply *reply)
{
  static const char prefix[] = "urn:kt:problem:";
  json_t *problem = json_loadb((const char *)reply->body, reply->len, JSON_REJECT_DUPLICATES, NULL);
  const char *type = json_string_value(json_object_get(problem, "type"));
  const char *detail = json_string_value(json_object_get(problem, "detail"));
  if (type != NULL && strncmp(type, prefix, sizeof prefix - 1) == 0) {
    const char *code = type + sizeof prefix - 1;
    size_t len = strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (len < sizeof reply->code && code[len] == '\0') {
      (void)snprintf(reply->code, sizeof reply->code, "%s", code);
    }
  }
  if (detail != NULL) {
    (void)snprintf(reply->text, sizeof reply->text, "%s", detail);
  }
  json_decref(problem);
}

static void perform(struct kt_upstream *upstream, struct kt_upstream_reply *reply, const char *error)
{
  long status = 0;
  curl_off_t retry_after = 0;
  CURLcode rc = curl_easy_perform(upstream->curl);
  (void)curl_easy_getinfo(upstream->curl, CURLINFO_RESPONSE_CODE, &status);
  if (rc != CURLE_OK) {
    const char *text = error[0] != '\0' ? error : curl_easy_strerror(rc);
    (void)snprintf(reply->text, sizeof reply->text, "%s", rc == CURLE_WRITE_ERROR ? "the answer is too large" : text);
    return;
  }
  reply->status = status > 0 ? (unsigned)status : 0;
  if (reply->status != 200) {
    (void)curl_easy_getinfo(upstream->curl, CURLINFO_RETRY_AFTER, &retry_after);
    reply->retry_after_s = retry_after > 0 && retry_after < 3600 ? (unsigned)retry_after : 0;
    kt_upstream_problem_read(reply);
  }
}

void kt_upstream_send(struct kt_upstream *upstream, const char *path, const struct kt_bytes *body,
                      struct kt_upstream_reply *ret_reply)
{
  char url[ADDRESS_SIZE + 256];
  char error[CURL_ERROR_SIZE] = "";
  struct sink sink = { .reply = ret_reply, .max = upstream->answer_max };
  struct curl_slist *headers = NULL;
  *ret_reply = (struct kt_upstream_reply){ .status = 0 };
  (void)snprintf(url, sizeof url, "%s%s", upstream->base, path);
  headers = curl_slist_append(headers, "Accept: application/octet-stream, application/problem+json");
  headers = curl_slist_append(headers, upstream->authorization);
  if (body != NULL) {
    headers = curl_slist_append(headers, "Content-Type: application/octet-stream");
    headers = curl_slist_append(headers, "Expect:"); /* no round trip before a body of a few kilobytes */
  }
  set_options(upstream, url, body, &sink, error, headers);
  perform(upstream, ret_reply, error);
  curl_slist_free_all(headers);
}

void kt_upstream_reply_release(struct kt_upstream_reply *reply)
{
  free(reply->body);
  reply->body = NULL;
  reply->len = 0;
}

void kt_upstream_problem(const struct kt_upstream_reply *reply, struct kt_problem *ret_problem)
{
  bool refused = reply->status >= 400 && reply->status < 500 && reply->status != 401 && reply->status != 403;
  if (refused) {
    kt_problem_set(ret_problem, reply->status, reply->code[0] != '\0' ? reply->code : "refused", "%s", reply->text);
    ret_problem->retry_after_s = reply->retry_after_s;
    return;
  }
  kt_problem_set(ret_problem, 503, "manager-unavailable", "the log's manager does not answer as it should: %s",
                 reply->text[0] != '\0' ? reply->text : "no reason was given");
  ret_problem->retry_after_s = reply->retry_after_s > 0 ? reply->retry_after_s : RETRY_AFTER_S;
}
