/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the HTTP side, and what its calls share: readers, parking, limits. */
#include "http_server.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "operator.h"
#include "relay.h"

#define DRAIN_STEP_MS 5
#define CONNECTION_MEMORY (16 * 1024) /* for the head of a request; cleared for each one, so no more than is useful */

/* --- shared by the calls ------------------------------------------------------------------------------------------ */

struct kt_log *kt_call_log(const struct kt_call *call)
{
  return call->http->instance->log;
}

const struct kt_config *kt_call_config(const struct kt_call *call)
{
  return &call->http->instance->config;
}

struct kt_bytes kt_call_config_bytes(const struct kt_call *call)
{
  const struct kt_instance *instance = call->http->instance;
  return (struct kt_bytes){ instance->config_bytes, instance->config_len };
}

bool kt_call_needs_token(const struct kt_call *call)
{
  return call->http->instance->settings.registration == KT_REGISTRATION_TOKEN;
}

bool kt_call_is_stopping(const struct kt_call *call)
{
  return atomic_load(&call->http->is_stopping);
}

struct kt_relay *kt_call_relay(const struct kt_call *call)
{
  return call->http->relay;
}

struct kt_log_reader *kt_call_reader_take(struct kt_call *call)
{
  struct kt_http *http = call->http;
  /* There is one for each thread, and no thread takes two: one of the places is full. */
  for (size_t i = 0;; i = i + 1 < http->n_readers ? i + 1 : 0) {
    struct kt_log_reader *reader = atomic_exchange(&http->readers[i], NULL);
    if (reader != NULL) {
      return reader;
    }
  }
}

void kt_call_reader_put(struct kt_call *call, struct kt_log_reader *reader)
{
  struct kt_http *http = call->http;
  for (size_t i = 0;; i = i + 1 < http->n_readers ? i + 1 : 0) {
    struct kt_log_reader *none = NULL;
    if (atomic_compare_exchange_strong(&http->readers[i], &none, reader)) {
      return;
    }
  }
}

void kt_call_suspend(struct kt_call *call)
{
  (void)atomic_fetch_add(&call->http->n_parked, 1);
  MHD_suspend_connection(call->connection);
}

void kt_call_resume(struct kt_call *call)
{
  /* Once resumed, the call belongs to the connection's thread, which may free it. */
  struct kt_http *http = call->http;
  kt_http_loops_resume(http->loops, call->connection);
  (void)atomic_fetch_sub(&http->n_parked, 1);
}

/* Without a certificate in the settings there is nothing to do. */
static enum kt_err load_tls(struct kt_http *http, struct kt_error *error)
{
  const struct kt_instance *instance = http->instance;
  const struct kt_settings *settings = &instance->settings;
  return settings->tls_certificate[0] == '\0'
             ? KT_OK
             : kt_tls_new(instance->dir.s, settings->tls_certificate, settings->tls_key, &http->tls, error);
}

enum kt_err kt_http_reload_tls(struct kt_http *http, struct kt_error *error)
{
  return http->tls != NULL ? kt_tls_reload(http->tls, error) : KT_OK;
}

void kt_http_reload(struct kt_http *http, const struct kt_settings *settings)
{
  atomic_store(&http->body_max, settings->limits.body_bytes);
  atomic_store(&http->access_log, (int)settings->access_log);
  kt_http_limits_reload(&http->limits, settings);
}

/* --- start -------------------------------------------------------------------------------------------------------- */

static enum kt_err make_readers(struct kt_http *http, size_t n, struct kt_error *error)
{
  struct kt_log_problem problem;
  http->readers = calloc(n > 0 ? n : 1, sizeof http->readers[0]);
  if (http->readers == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  for (; http->n_readers < n; http->n_readers++) {
    struct kt_log_reader *reader = NULL;
    enum kt_err err = kt_log_reader_new(http->instance->log, &reader, &problem);
    if (err != KT_OK) {
      return kt_error_set(error, err, "%s", problem.text);
    }
    atomic_store(&http->readers[http->n_readers], reader);
  }
  return KT_OK;
}

/* Each thread has its share of them. */
static unsigned connections_max(const struct kt_http *http, unsigned n_threads)
{
  unsigned connections =
      http->clients == NULL ? (unsigned)http->instance->settings.limits.connections : KT_HEALTH_CONNECTIONS;
  return connections < n_threads ? n_threads : connections;
}

/* A Manager hears from its Service Operator only. */
static bool counts_addresses(const struct kt_http *http)
{
  const struct kt_instance *instance = http->instance;
  return http->clients == NULL &&
         (instance->config.mode != KT_MODE_THIRD_PARTY_MANAGEMENT || kt_instance_is_operator(instance));
}

/* An escaped NUL would end the text for us, and for nobody else: another control character stands for it, and is
 * refused. */
static size_t unescape(void *ctx, struct MHD_Connection *connection, char *text)
{
  (void)ctx;
  (void)connection;
  for (char *nul = strstr(text, "%00"); nul != NULL; nul = strstr(nul, "%00")) {
    nul[2] = '1';
  }
  return MHD_http_unescape(text);
}

static struct MHD_Daemon *new_daemon(void *ctx, unsigned flags, MHD_socket fd, unsigned n_connections)
{
  struct kt_http *http = ctx;
  const struct MHD_OptionItem options[] = {
    { MHD_OPTION_LISTEN_SOCKET, fd, NULL },
    { MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)(http->instance->settings.limits.timeout_ms / 1000), NULL },
    { MHD_OPTION_CONNECTION_LIMIT, n_connections, NULL },
    { MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
    { MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)unescape, NULL },
    { MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL },
    { MHD_OPTION_END, 0, NULL },
  };
  unsigned tls = http->tls != NULL ? MHD_USE_TLS : 0;
  return MHD_start_daemon(flags | tls, 0, kt_http_admit, http, kt_http_access, http, MHD_OPTION_ARRAY, options,
                          MHD_OPTION_NOTIFY_COMPLETED, kt_http_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
                          kt_http_connection, http, http->tls != NULL ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END,
                          KT_TLS_PRIORITIES, MHD_OPTION_HTTPS_CERT_CALLBACK, kt_http_certificate, MHD_OPTION_END);
}

static enum kt_err start_loops(struct kt_http *http, MHD_socket fd, unsigned n_threads, struct kt_error *error)
{
  /* A thread may need http->loops at once. */
  http->loops = kt_http_loops_new(fd, n_threads, connections_max(http, n_threads), new_daemon, http);
  if (http->loops == NULL) {
    return kt_error_set(error, KT_ERR_STORE, "opening the HTTP threads' descriptors failed");
  }
  if (!kt_http_loops_start(http->loops)) {
    kt_http_drain(http, 0); /* some may be at work already */
    return kt_error_set(error, KT_ERR_STORE, "starting the HTTP threads failed");
  }
  return KT_OK;
}

static void destroy(struct kt_http *http)
{
  while (http->n_readers > 0) {
    kt_log_reader_free(atomic_load(&http->readers[--http->n_readers]));
  }
  free(http->readers);
  kt_relay_free(http->relay);
  kt_http_limits_release(&http->limits);
  kt_tls_free(http->tls);
  free(http);
}

enum kt_err kt_http_start(struct kt_instance *instance, const struct kt_listener *listener, unsigned n_threads,
                          struct kt_http *clients, struct kt_http **ret_http, struct kt_error *error)
{
  struct kt_http *http = calloc(1, sizeof *http);
  if (http == NULL) {
    (void)close(listener->fd);
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  http->instance = instance;
  http->routes = clients == NULL ? kt_log_routes : kt_health_routes;
  http->clients = clients;
  randombytes_buf(http->id_key, sizeof http->id_key);
  kt_http_reload(http, &instance->settings);
  http->limits.counts_addresses = counts_addresses(http);
  /* Health asks the engine itself, which needs no reader. */
  bool has_readers = clients == NULL && !kt_instance_is_operator(instance);
  enum kt_err err = kt_http_limits_init(http, connections_max(http, n_threads), error);
  if (err == KT_OK && clients == NULL) {
    err = load_tls(http, error);
  }
  if (err == KT_OK) {
    err = make_readers(http, has_readers ? n_threads : 0, error);
  }
  if (err == KT_OK && clients == NULL) {
    err = kt_relay_new(&http->relay);
  }
  if (err == KT_OK) {
    err = start_loops(http, listener->fd, n_threads, error);
  } else {
    (void)close(listener->fd);
  }
  if (err != KT_OK) {
    kt_http_stop(http);
    return err;
  }
  *ret_http = http;
  return KT_OK;
}

/* --- stop --------------------------------------------------------------------------------------------------------- */

static void nap(void)
{
  const struct timespec step = { .tv_nsec = DRAIN_STEP_MS * 1000000L };
  (void)nanosleep(&step, NULL);
}

void kt_http_drain(struct kt_http *http, uint64_t timeout_ms)
{
  kt_http_loops_quiesce(http->loops);
  atomic_store(&http->is_draining, true);
  for (uint64_t waited_ms = 0; atomic_load(&http->n_open) > 0 && waited_ms < timeout_ms; waited_ms += DRAIN_STEP_MS) {
    nap();
  }
  atomic_store(&http->is_stopping, true);
  if (http->instance->operator_role != NULL && http->clients == NULL) {
    kt_operator_abort(http->instance->operator_role);
  }
  /* libmicrohttpd must not be stopped while a connection is suspended; the sequencer frees them soon. */
  while (atomic_load(&http->n_parked) > 0) {
    nap();
  }
}

void kt_http_stop(struct kt_http *http)
{
  if (http == NULL) {
    return;
  }
  kt_http_loops_stop(http->loops);
  destroy(http);
}
