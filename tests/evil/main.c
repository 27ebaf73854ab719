/* SPDX-License-Identifier: Apache-2.0 */
/* kt-evil-server: a log that attacks its clients, for tests/e2e/evil.py.
 *
 *   kt-evil-server [--suite ed25519|p256] [--mode MODE] [--attack NAME]
 *   kt-evil-server --list
 *
 * Prints "listening on http://ADDR:PORT" and serves the routes that kt-verify uses, as an honest log would, and these:
 *   POST /evil/world    body: the name of an attack; another process takes over a copy of the log as it is now, which
 *                       attacks in that way; the answer is its address
 *   POST /evil/strike   the attack goes on; before the first strike there is none
 *   POST /evil/end      the process ends
 * With --attack it is one world that strikes at once. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "attacks.h"
#include "http.h"

#define BINARY "application/octet-stream"
#define ANSWER_MAX ((size_t)16 << 20)

static const struct evil_attack honest = { .name = "honest", .does = "Nothing: the log is honest." };

struct server {
  struct evil_world world;
  uint8_t config[KT_CONFIG_MAX]; /* as clients pinned it, whatever the log does later */
  size_t config_len;
  int listening;
};

/* --- answers ------------------------------------------------------------------------------------------------------------ */

static void answer_text(struct evil_call *call, int status, const char *text)
{
  evil_http_answer(call, status, "text/plain", toy_label(text));
}

static void refuse(struct evil_call *call, int status, const char *type)
{
  char body[128];
  (void)snprintf(body, sizeof body, "{\"type\":\"urn:kt:problem:%s\",\"title\":\"%s\",\"status\":%d}", type, type,
                 status);
  evil_http_answer(call, status, "application/problem+json", toy_label(body));
}

static void answer_writer(struct evil_call *call, struct kt_writer *w)
{
  if (w->err == KT_OK) {
    evil_http_answer(call, 200, BINARY, (struct kt_bytes){ w->buf, w->len });
  } else {
    refuse(call, 500, "internal");
  }
  kt_writer_release(w);
}

static void answer_config(struct server *server, struct evil_call *call)
{
  evil_http_answer(call, 200, BINARY, (struct kt_bytes){ server->config, server->config_len });
}

/* The protocol's requests; refusals as kt-server's. */
static void answer_kind(struct server *server, struct evil_call *call, enum toy_kind kind)
{
  struct evil_world *world = &server->world;
  const struct evil_attack *attack = world->attack;
  struct kt_bytes response;
  if (world->strikes > 0 && attack->refuse != 0 && (attack->kinds & EVIL_ON(kind)) != 0) {
    refuse(call, attack->refuse, attack->refuse == 503 ? "auditor-missing" : "forbidden");
    return;
  }
  enum kt_err err = evil_answer(world, kind, (struct kt_bytes){ call->body, call->body_len }, &response);
  if (err == KT_OK) {
    evil_http_answer(call, 200, BINARY, response);
  } else if (err == KT_ERR_USAGE) {
    refuse(call, 409, "conflict");
  } else if (err == KT_ERR_ABSENT) {
    refuse(call, 422, "absent");
  } else {
    refuse(call, 500, "internal");
  }
}

/* Of "name=N" in the query; 0 without it. */
static uint64_t query_number(const struct evil_call *call, const char *name)
{
  const char *at = strstr(call->path, name);
  return at != NULL ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static void answer_audit(struct server *server, struct evil_call *call)
{
  struct kt_writer w;
  kt_writer_init(&w, ANSWER_MAX);
  evil_audit_page(&server->world, query_number(call, "?start="), query_number(call, "&limit="), &w);
  answer_writer(call, &w);
}

static void answer_consistency(struct server *server, struct evil_call *call)
{
  struct kt_writer w;
  kt_writer_init(&w, ANSWER_MAX);
  if (!evil_consistency(&server->world, query_number(call, "?old="), query_number(call, "&size="), &w)) {
    kt_writer_release(&w);
    refuse(call, 422, "size");
    return;
  }
  answer_writer(call, &w);
}

/* --- worlds ------------------------------------------------------------------------------------------------------------- */

static void strike(struct evil_world *world)
{
  world->strikes++;
  if (world->attack->strike != NULL) {
    world->attack->strike(world, world->strikes);
  } else {
    evil_append(world, 1, EVIL_STEP_MS);
  }
}

static void answer_world(struct server *server, struct evil_call *call)
{
  const char *name = (const char *)call->body;
  const struct evil_attack *attack = strcmp(name, honest.name) == 0 ? &honest : evil_attack_find(name);
  unsigned port = 0;
  char url[64];
  if (attack == NULL) {
    answer_text(call, 404, "no such attack");
    return;
  }
  int listening = evil_http_listen(&port);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
      _exit(0);
    }
    close(call->fd);
    free(call->body);
    close(server->listening);
    server->listening = listening;
    server->world.attack = attack;
    server->world.strikes = 0;
    return;
  }
  close(listening);
  (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
  answer_text(call, child > 0 ? 200 : 500, url);
}

static bool answer_evil(struct server *server, struct evil_call *call)
{
  if (strcmp(call->path, "/evil/world") == 0) {
    answer_world(server, call);
    return true;
  }
  if (strcmp(call->path, "/evil/strike") == 0) {
    strike(&server->world);
    answer_text(call, 200, "");
    return true;
  }
  if (strcmp(call->path, "/evil/end") == 0) {
    answer_text(call, 200, "");
    _exit(0); /* hundreds of copies of one memory: whether it leaks is looked at in none */
  }
  return false;
}

/* --- serving ------------------------------------------------------------------------------------------------------------ */

static void answer(struct server *server, struct evil_call *call)
{
  static const struct {
    const char *path;
    enum toy_kind kind;
  } kinds[] = { { "/v1/search", TOY_SEARCH },         { "/v1/contact-monitor", TOY_CONTACT },
                { "/v1/owner/init", TOY_OWNER_INIT }, { "/v1/owner/monitor", TOY_OWNER_MONITOR },
                { "/v1/update", TOY_UPDATE },         { "/v1/distinguished", TOY_DISTINGUISHED } };
  static const struct {
    const char *path;
    void (*answer)(struct server *, struct evil_call *);
  } routes[] = { { "/v1/config", answer_config },
                 { "/v1/audit?", answer_audit },
                 { "/v1/log/consistency?", answer_consistency } };
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(call->path, kinds[i].path) == 0) {
      answer_kind(server, call, kinds[i].kind);
      return;
    }
  }
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    if (strncmp(call->path, routes[i].path, strlen(routes[i].path)) == 0) {
      routes[i].answer(server, call);
      return;
    }
  }
  if (!answer_evil(server, call)) {
    refuse(call, 404, "not-found");
  }
}

static int usage(void)
{
  fprintf(stderr, "usage: kt-evil-server [--suite ed25519|p256] "
                  "[--mode contact-monitoring|third-party-auditing|third-party-management] [--attack NAME] | --list\n");
  return 2;
}

static bool read_mode(const char *name, enum kt_mode *ret_mode)
{
  static const struct {
    const char *name;
    enum kt_mode mode;
  } modes[] = { { "contact-monitoring", KT_MODE_CONTACT_MONITORING },
                { "third-party-auditing", KT_MODE_THIRD_PARTY_AUDITING },
                { "third-party-management", KT_MODE_THIRD_PARTY_MANAGEMENT } };
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    if (strcmp(name, modes[i].name) == 0) {
      *ret_mode = modes[i].mode;
      return true;
    }
  }
  return false;
}

/* False: usage. */
static bool read_options(int argc, char **argv, enum kt_mode *mode, const struct evil_attack **attack)
{
  bool ok = argc % 2 == 1;
  for (int i = 1; ok && i < argc; i += 2) {
    if (strcmp(argv[i], "--suite") == 0) {
      setenv("KT_TEST_SUITE", argv[i + 1], 1); /* support/suite.h */
    } else if (strcmp(argv[i], "--attack") == 0) {
      *attack = evil_attack_find(argv[i + 1]);
      ok = *attack != NULL;
    } else {
      ok = strcmp(argv[i], "--mode") == 0 && read_mode(argv[i + 1], mode);
    }
  }
  return ok;
}

int main(int argc, char **argv)
{
  static struct server server;
  const struct evil_attack *attack = &honest;
  enum kt_mode mode = KT_MODE_CONTACT_MONITORING;
  unsigned port = 0;
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    evil_attacks_print();
    return 0;
  }
  if (!read_options(argc, argv, &mode, &attack)) {
    return usage();
  }
  signal(SIGCHLD, SIG_IGN);
  evil_world_init(&server.world, mode);
  server.config_len = kt_config_encode(&server.world.log.config, server.config);
  server.world.attack = attack;
  server.listening = evil_http_listen(&port);
  if (attack != &honest) {
    strike(&server.world);
  }
  printf("listening on http://127.0.0.1:%u\n", port);
  fflush(stdout);
  for (;;) {
    struct evil_call call;
    if (evil_http_receive(server.listening, &call)) {
      answer(&server, &call);
    }
  }
}
