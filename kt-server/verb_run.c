/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin.h"
#include "base/noun.h"
#include "guard_file.h"
#include "harden.h"
#include "http.h"
#include "keys.h"
#include "operator.h"
#include "privileges.h"
#include "sandbox.h"
#include "trail.h"
#include "trail_operate.h"
#include "units.h"

#define FILES_PER_THREAD 8 /* epoll, its wake-up, a reader of the database */
#define FILES_BESIDES 64   /* the sequencer's, sockets, administration */

#define KEPT_BYTES (8 * 1024 * 1024) /* at the end of each heap */

/* Everything that runs; what is NULL was not started. */
struct server {
  struct kt_instance instance;
  const char *dir;
  const char *listen; /* NULL: as configured */
  const char *user;   /* NULL: as configured */
  bool guard_may_be_missing;
  bool read_only;
  struct kt_listener listener;
  struct kt_listener health_listener;
  struct kt_http *http;
  struct kt_http *health;
  struct kt_admin_server *admin;
  bool is_refused; /* the log cannot be opened */
  bool is_fatal;
};

/* Signals that the main thread waits for; SIGUSR1 is the engine's, when it can sign no more. */
static void block_signals(sigset_t *ret_signals)
{
  (void)sigemptyset(ret_signals);
  (void)sigaddset(ret_signals, SIGTERM);
  (void)sigaddset(ret_signals, SIGINT);
  (void)sigaddset(ret_signals, SIGHUP);
  (void)sigaddset(ret_signals, SIGUSR1);
  /* Before any thread exists: they inherit it. */
  (void)pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
  (void)signal(SIGPIPE, SIG_IGN);
}

/* What one request gave back the next one takes: without this, the end of the heap goes to the kernel and comes back
 * with page faults, thousands of times a second. Larger blocks still go back at once. */
static void keep_memory(void)
{
  (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
  (void)mallopt(M_TOP_PAD, KEPT_BYTES / 8);
  (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES / 8);
}

static void on_fatal(void *ctx)
{
  (void)ctx;
  (void)kill(getpid(), SIGUSR1);
}

static enum kt_err start_health(struct server *server, struct kt_error *error)
{
  const char *address = server->instance.settings.admin_listen;
  if (strcmp(address, "off") == 0) {
    return KT_OK;
  }
  enum kt_err err = kt_listen_open(address, server->dir, &server->health_listener, error);
  if (err == KT_OK) {
    err = kt_http_start(&server->instance, &server->health_listener, 1, server->http, &server->health, error);
  }
  return err;
}

/* The ways on from a folder that must not, or cannot, sign. */
static void advise(const struct server *server, enum kt_err err)
{
  const struct kt_instance *instance = &server->instance;
  struct kt_path key;
  struct kt_log_guard guard;
  struct kt_error ignored;
  bool has_data = instance->store != NULL || instance->leaf != NULL;
  if (err == KT_ERR_ABSENT && has_data && access(instance->guard_path.s, F_OK) != 0) {
    kt_say("if the guard was lost and this database is known to be the newest, start once with "
           "--accept-missing-guard");
  }
  if (err == KT_ERR_FORMAT && has_data && !kt_instance_has_signer_service(instance) &&
      kt_guard_load(instance->guard_path.s, &guard, &ignored) == KT_ERR_FORMAT) {
    kt_say("bring back the newest head guard; only when no good copy is left, and this database is known to be the "
           "newest: move this one away, and start once with --accept-missing-guard");
  }
  bool has_key = kt_instance_has_signer_service(instance) ||
                 kt_key_find(server->dir, KT_NAME_SIGNING_KEY, &key, &ignored) != KT_OK || access(key.s, F_OK) == 0;
  if (instance->leaf == NULL && !has_key) {
    kt_say("copy " KT_NAME_SIGNING_KEY " back from where you keep it; only if it is lost:");
  }
  if (instance->leaf == NULL && (err == KT_ERR_CONFLICT || instance->is_marked || !has_key)) {
    kt_say("there are three ways on: restore a newer copy of the log; answer from the head that was published last and "
           "take no updates (kt-server run %s --read-only); or go on as a new log (kt-server migrate)",
           server->dir);
  }
}

static enum kt_err check_read_only(struct server *server, struct kt_error *error)
{
  if (server->read_only && kt_instance_is_operator(&server->instance)) {
    return kt_error_set(error, KT_ERR_USAGE, "--read-only is for a log; this folder is a Service Operator's");
  }
  if (server->read_only && server->guard_may_be_missing) {
    return kt_error_set(error, KT_ERR_USAGE,
                        "--accept-missing-guard is for a log that signs, --read-only for one that "
                        "does not: give one of them");
  }
  server->instance.read_only = server->read_only;
  return KT_OK;
}

static enum kt_err open_instance(struct server *server, struct kt_error *error)
{
  enum kt_err err = check_read_only(server, error);
  if (err == KT_OK) {
    err = kt_instance_lock(&server->instance, error);
  }
  if (err == KT_OK) {
    err = kt_instance_open_log(&server->instance, server->guard_may_be_missing, error);
  }
  server->is_refused = err != KT_OK && !server->read_only;
  return err;
}

/* Clients must not use up the open files that the database and the guard need. */
static enum kt_err reserve_files(const struct kt_settings *settings, struct kt_error *error)
{
  const rlim_t needed =
      settings->limits.connections + KT_HEALTH_CONNECTIONS + FILES_PER_THREAD * settings->threads + FILES_BESIDES;
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < needed) {
    files.rlim_cur = needed;
    if (needed > files.rlim_max || setrlimit(RLIMIT_NOFILE, &files) != 0) {
      return kt_error_set(error, KT_ERR_USAGE,
                          "limits.connections of %llu needs %llu open files, this process may have %llu: lower it, or "
                          "raise the limit (ulimit -n, LimitNOFILE)",
                          (unsigned long long)settings->limits.connections, (unsigned long long)needed,
                          (unsigned long long)files.rlim_max);
    }
  }
  return KT_OK;
}

/* The sequencer, or the workers of a Service Operator. */
static enum kt_err start_work(struct server *server, struct kt_error *error)
{
  if (server->instance.operator_role != NULL) {
    return kt_operator_start(server->instance.operator_role, error);
  }
  if (kt_log_start(server->instance.log) != KT_OK) {
    return kt_error_set(error, KT_ERR_STORE, "starting the sequencer failed");
  }
  (void)!kt_log_warm(server->instance.log);
  return KT_OK;
}

static enum kt_err open_listener(struct server *server, struct kt_error *error)
{
  const char *address = server->listen != NULL ? server->listen : server->instance.settings.listen;
  return kt_listen_open(address, server->dir, &server->listener, error);
}

/* The port while this is still root; then what root may do is given up, before anything of the log is opened. */
static enum kt_err become(struct server *server, const char *name, struct kt_error *error)
{
  struct kt_user user;
  enum kt_err err = kt_user_find(name, &user, error);
  if (err == KT_OK) {
    err = open_listener(server, error);
  }
  if (err == KT_OK) {
    err = kt_listen_give(&server->listener, user.uid, user.gid, error);
  }
  if (err == KT_OK) {
    err = kt_user_become(&user, error);
  }
  return err == KT_OK ? kt_user_check_folder(server->dir, error) : err;
}

static enum kt_err choose_user(struct server *server, struct kt_error *error)
{
  const char *name = server->user != NULL ? server->user : server->instance.settings.user;
  return name[0] != '\0' ? become(server, name, error) : KT_OK;
}

/* Everything up to the threads. */
static enum kt_err prepare(struct server *server, struct kt_error *error)
{
  server->instance.on_fatal = on_fatal;
  enum kt_err err = kt_instance_load(&server->instance, server->dir, error);
  if (err == KT_OK) {
    err = choose_user(server, error);
  }
  if (err == KT_OK) {
    err = open_instance(server, error);
  }
  if (err == KT_OK) {
    err = reserve_files(&server->instance.settings, error);
  }
  return err == KT_OK && server->listener.fd < 0 ? open_listener(server, error) : err;
}

static enum kt_err restrict_calls(const struct server *server, struct kt_error *error)
{
  if (server->instance.has_no_sandbox) {
    return KT_OK;
  }
  return kt_sandbox_enter(server->instance.operator_role != NULL ? KT_SANDBOX_OPERATOR : KT_SANDBOX_LOG, error);
}

static enum kt_err start(struct server *server, struct kt_error *error)
{
  enum kt_err err = prepare(server, error);
  if (err == KT_OK) {
    err = start_work(server, error);
  }
  if (err != KT_OK) {
    return err;
  }
  const unsigned n_threads = (unsigned)server->instance.settings.threads;
  err = kt_http_start(&server->instance, &server->listener, n_threads, NULL, &server->http, error);
  if (err == KT_OK) {
    err = start_health(server, error);
  }
  if (err == KT_OK) {
    err = kt_admin_start(&server->instance, &server->admin, error);
  }
  return err == KT_OK ? restrict_calls(server, error) : err;
}

/* A full disk does not keep a log from answering searches: what is not on record has been said. */
static void record(const struct server *server, const char *action, const char *result)
{
  struct kt_error error;
  (void)!kt_record(&server->instance, action, result, 0, &error);
}

/* Where the trail ends, in another place than the trail: the service manager's journal. */
static void announce_trail(const struct server *server)
{
  struct kt_trail_end end;
  struct kt_error error;
  enum kt_err err = kt_trail_read(server->dir, NULL, NULL, &end, &error);
  if (err == KT_OK) {
    kt_say("administration trail: %llu %s, the last one's hash is %s", (unsigned long long)end.seq,
           kt_noun(end.seq, "line", "lines"), end.hash);
  } else {
    kt_say("administration trail: %s", error.text);
  }
}

/* Clients first, so that what they were promised is done; then the operator; then the log. */
static void stop(struct server *server)
{
  if (server->http != NULL) {
    kt_http_drain(server->http, server->instance.settings.drain_ms);
  }
  kt_admin_stop(server->admin);
  if (server->instance.log != NULL) {
    kt_log_stop(server->instance.log);
  }
  if (server->instance.operator_role != NULL) {
    kt_operator_stop(server->instance.operator_role);
  }
  if (server->health != NULL) {
    kt_http_drain(server->health, 0);
    kt_http_stop(server->health);
  }
  kt_http_stop(server->http);
  kt_listen_remove(&server->listener);
  kt_listen_remove(&server->health_listener);
  kt_instance_release(&server->instance);
}

static void reload(struct server *server)
{
  struct kt_path path;
  struct kt_settings settings;
  struct kt_error error;
  enum kt_err err = kt_path_join(server->dir, KT_NAME_SETTINGS, &path, &error);
  if (err == KT_OK) {
    err = kt_settings_load(path.s, &settings, &error);
  }
  if (err != KT_OK) {
    kt_say("not reloaded, the old settings stay: %s", error.text);
    record(server, "reload", "failed");
    return;
  }
  kt_http_reload(server->http, &settings);
  if (kt_http_reload_tls(server->http, &error) == KT_OK) {
    kt_say("reloaded access-log, limits.body, rates and the certificate; other changes take effect at the next start");
  } else {
    kt_say("reloaded access-log, limits.body and rates; the old certificate stays: %s", error.text);
  }
  record(server, "reload", "done");
}

/* What it means for those who ask. */
static void announce_read_only(const struct server *server)
{
  struct kt_log_head head;
  char newest[KT_TIME_TEXT_SIZE];
  char window[KT_DURATION_TEXT_SIZE];
  kt_log_head(server->instance.log, &head);
  kt_time_text(head.timestamp_ms, newest);
  kt_duration_text(server->instance.config.max_behind, window);
  kt_say("READ ONLY: answering from the published head of %llu %s, the newest of %s. Nothing is signed, updates "
         "get 503; "
         "clients call the log stale once that is more than %s ago, and one that saw a newer head is told that its "
         "tree is "
         "larger than the log",
         (unsigned long long)head.size, kt_noun_entries(head.size), newest, window);
}

static void announce(const struct server *server)
{
  bool is_tls = server->instance.settings.tls_certificate[0] != '\0';
  const char *url = server->listener.url;
  (void)printf("listening on %s%s\n", is_tls ? "https" : "", is_tls && strncmp(url, "http", 4) == 0 ? url + 4 : url);
  (void)fflush(stdout);
  if (server->health != NULL) {
    kt_say("health and metrics on %s", server->health_listener.url);
  }
  if (server->read_only) {
    announce_read_only(server);
  }
  announce_trail(server);
  if (geteuid() == 0) {
    kt_say("this log is served by root; better by a user who owns %s and nothing else: `user` in " KT_NAME_SETTINGS
           ", or --user",
           server->dir);
  }
  if (!kt_can_lock_keys()) {
    kt_say("keys are not kept from the swap: this process may lock no memory; raise LimitMEMLOCK= or ulimit -l");
  }
  if (server->instance.has_no_sandbox) {
    kt_say("--no-sandbox: whoever takes over this process may use every system call");
  }
}

static void wait_for_end(struct server *server, const sigset_t *signals)
{
  for (;;) {
    int number = 0;
    if (sigwait(signals, &number) != 0) {
      continue;
    }
    if (number != SIGHUP) {
      server->is_fatal = number == SIGUSR1;
      return;
    }
    reload(server);
  }
}

static int run(struct server *server)
{
  sigset_t signals;
  struct kt_error error;
  int code = KT_EXIT_DONE;
  block_signals(&signals);
  keep_memory();
  enum kt_err err = start(server, &error);
  if (err == KT_OK) {
    record(server, server->read_only ? "start-read-only" : "start", "done");
    announce(server);
    wait_for_end(server, &signals);
    record(server, "stop", server->is_fatal ? "failed" : "done");
    kt_say(server->is_fatal ? "stopping, because the log can sign nothing any more" : "stopping");
    code = server->is_fatal ? KT_EXIT_UNDECIDED : KT_EXIT_DONE;
  } else {
    code = kt_report(err, &error);
    if (server->is_refused) {
      advise(server, err);
    }
  }
  stop(server);
  return code;
}

int kt_verb_run(const struct kt_verb *verb, int argc, char **argv)
{
  struct server *server = calloc(1, sizeof *server);
  if (server == NULL) {
    kt_say("out of memory");
    return KT_EXIT_UNDECIDED;
  }
  const struct kt_option options[] = { { "listen", &server->listen, NULL },
                                       { "user", &server->user, NULL },
                                       { "accept-missing-guard", NULL, &server->guard_may_be_missing },
                                       { "no-sandbox", NULL, &server->instance.has_no_sandbox },
                                       { "read-only", NULL, &server->read_only } };
  server->listener.fd = -1;
  kt_instance_init(&server->instance);
  int code = KT_EXIT_USAGE;
  if (kt_cli_parse(verb, argc, argv, options, sizeof options / sizeof options[0], &server->dir, 1) == KT_OK) {
    code = run(server);
  }
  free(server);
  return code;
}
