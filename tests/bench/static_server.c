/* SPDX-License-Identifier: Apache-2.0 */
/* A child process that is nothing but libmicrohttpd, with the flags and the thread pool of kt-server. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "server.h"

#define CONNECTIONS 4096 /* divided among the threads */

struct fixed {
  struct MHD_Response *response;
};

/* As kt-server does: the body is taken in, the answer queued on the call after it. */
static enum MHD_Result answer(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_len, void **state)
{
  static int seen;
  const struct fixed *fixed = ctx;
  (void)url;
  (void)method;
  (void)version;
  (void)upload;
  if (*state == NULL) {
    *state = &seen;
    return MHD_YES;
  }
  if (*upload_len > 0) {
    *upload_len = 0;
    return MHD_YES;
  }
  return MHD_queue_response(connection, MHD_HTTP_OK, fixed->response);
}

static struct MHD_Daemon *start_daemon(struct fixed *fixed, size_t body_len, unsigned n_threads)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
  fixed->response = MHD_create_response_from_buffer(body_len, bench_alloc(body_len, 1), MHD_RESPMEM_PERSISTENT);
  if (fixed->response == NULL ||
      MHD_add_response_header(fixed->response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream") != MHD_YES) {
    return NULL;
  }
  const struct MHD_OptionItem options[] = {
    { MHD_OPTION_SOCK_ADDR, 0, &address },
    { MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, NULL },
    { n_threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, n_threads, NULL },
    { MHD_OPTION_END, 0, NULL },
  };
  return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, answer, fixed,
                          MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static _Noreturn void serve(int out, size_t body_len, unsigned n_threads)
{
  struct fixed fixed;
  bench_child_begin();
  struct MHD_Daemon *daemon = start_daemon(&fixed, body_len, n_threads);
  const union MHD_DaemonInfo *info = daemon != NULL ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
  uint16_t port = info != NULL ? info->port : 0;
  if (write(out, &port, sizeof port) != (ssize_t)sizeof port) {
    _exit(127);
  }
  for (;;) {
    (void)pause();
  }
}

void bench_static_start(struct bench_server *server, size_t body_len, unsigned n_threads)
{
  int out[2];
  uint16_t port = 0;
  if (pipe(out) != 0) {
    bench_die("no pipe");
  }
  pid_t pid = fork();
  if (pid == 0) {
    serve(out[1], body_len, n_threads);
  }
  (void)close(out[1]);
  if (pid < 0 || read(out[0], &port, sizeof port) != (ssize_t)sizeof port || port == 0) {
    bench_die("libmicrohttpd alone does not start");
  }
  *server = (struct bench_server){ .pid = pid, .out = out[0], .port = port };
}
