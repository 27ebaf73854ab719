/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of fuzz_http.c: a request of each route, as binary and as JSON, and what is refused before a route is asked. */
#include "corpus.h"

#include "support/toy_scene.h"

#define BINARY "Content-Type: application/octet-stream\n"

static void put_request(const char *name, const char *head, struct kt_bytes body)
{
  struct kt_writer w;
  kt_writer_init(&w, (size_t)1 << 20);
  kt_write_bytes(&w, head, strlen(head));
  kt_write_u8(&w, '\n');
  kt_write_bytes(&w, body.data, body.len);
  corpus_put_written("http", name, -1, &w);
}

static void put_text(const char *name, const char *head, const char *body)
{
  put_request(name, head, toy_label(body));
}

/* What people ask the toy log is asked of this one, too. */
static void put_questions(struct toy_log *log)
{
  static const char *const heads[] = {
    [TOY_SEARCH] = "POST /v1/search\n" BINARY,
    [TOY_CONTACT] = "POST /v1/contact-monitor\nAccept: application/json\n" BINARY,
    [TOY_OWNER_INIT] = "POST /v1/owner/init\n" BINARY,
    [TOY_OWNER_MONITOR] = "POST /v1/owner/monitor\nAccept: application/json\n" BINARY,
    [TOY_UPDATE] = "POST /v1/update\nAuthorization: Bearer 0011\n" BINARY,
    [TOY_DISTINGUISHED] = "POST /v1/distinguished\nAccept: text/plain;q=1, application/json\n" BINARY,
  };
  static struct toy_scene scene;
  for (size_t i = 0; i < toy_scene_count(); i++) {
    char name[128];
    toy_scene_set(log, i, &scene);
    (void)snprintf(name, sizeof name, "%s", scene.name);
    put_request(name, heads[scene.query.kind], scene.request);
    toy_user_release(&scene.user);
  }
}

void corpus_put_http(struct toy_log *log)
{
  put_questions(log);
  put_text("config", "GET /v1/config\n", "");
  put_text("config-json", "GET /v1/config\nAccept: application/json\n", "");
  put_text("unchanged", "GET /v1/tree-head\nIf-None-Match: \"00\"\n", "");
  put_text("search-json", "POST /v1/search\nContent-Type: application/json\nAccept: application/json\n",
           "{\"label\":\"alice\"}");
  put_text("search-version", "POST /v1/search\nContent-Type: application/json\n",
           "{\"label\":\"bob\",\"version\":0,\"last\":2}");
  put_text("audit", "GET /v1/audit?start=0&limit=2\nAccept: application/json\n", "");
  put_text("audit-state", "GET /v1/audit/state?size=3\nAccept: application/json\n", "");
  put_text("consistency", "GET /v1/log/consistency?old=1&size=3\nAccept: application/json\n", "");
  put_text("auditor-head", "GET /v1/auditor/head\nAccept: application/json\n", "");
  put_text("auditor-put", "PUT /v1/auditor/head\n" BINARY, "0123456789");
  put_text("credential", "POST /v1/credential\n" BINARY, "\005alice");
  put_text("relay-put", "PUT /v1/relay/0123456789abcdef\n" BINARY, "a message");
  put_text("relay-put-json", "PUT /v1/relay/0123456789abcdef\nContent-Type: application/json\n",
           "{\"message\":\"aGk=\"}");
  put_text("relay-get", "GET /v1/relay/0123456789abcdef?from=0\nAccept: application/json\n", "");
  put_text("openapi", "GET /openapi.yaml\n", "");
  put_text("manager", "POST /v1/manager/update\nAuthorization: Bearer 00\n" BINARY, "");
  put_text("two-lengths", "POST /v1/search\nContent-Length: 1\nContent-Length: 2\n", "xy");
  put_text("chunked", "POST /v1/search\nTransfer-Encoding: chunked\n", "1\r\nx\r\n0\r\n\r\n");
  put_text("folded-length", "GET /v1/config\nContent-Length: \n 2\n", "");
  put_text("folded-coding", "GET /v1/config\nTransfer-Encoding: \n chunked\n", "");
  put_text("folded-name", "GET /v1/config\nTransfer-: chunked\n Encoding\n", "");
  put_text("folded-value", "GET /v1/config\nX-Note: one\n two\n\tthree\n", "");
  put_text("length-and-blank", "GET /v1/config\nContent-Length : 2\n", "");
  put_text("too-long", "POST /v1/search\nContent-Length: 4294967296\nExpect: 100-continue\n", "");
  put_text("method", "DELETE /v1/config\n", "");
  put_text("path", "GET /v1/../etc/passwd\n", "");
  put_text("arguments", "GET /v1/audit?start=0&start=1&limit\n", "");
}
