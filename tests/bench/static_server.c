/* SPDX-License-Identifier: Apache-2.0 */
/* A child process that is nothing but libmicrohttpd, with the flags and the threads of kt-server. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "kt-server/http_loop.h"
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

static struct MHD_Daemon *new_daemon(void *ctx, unsigned flags, MHD_socket fd, unsigned n_connections)
{
  return MHD_start_daemon(flags, 0, NULL, NULL, answer, ctx, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                          n_connections, MHD_OPTION_END);
}

/* The port; 0: it failed. */
static uint16_t listen_on(MHD_socket fd)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
  socklen_t len = sizeof address;
  bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&address, len) == 0 && listen(fd, SOMAXCONN) == 0 &&
            getsockname(fd, (struct sockaddr *)&address, &len) == 0;
  return ok ? ntohs(address.sin_port) : 0;
}

static uint16_t start(struct fixed *fixed, size_t body_len, unsigned n_threads)
{
  fixed->response = MHD_create_response_from_buffer(body_len, bench_alloc(body_len, 1), MHD_RESPMEM_PERSISTENT);
  if (fixed->response == NULL ||
      MHD_add_response_header(fixed->response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream") != MHD_YES) {
    return 0;
  }
  MHD_socket fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  uint16_t port = listen_on(fd);
  struct kt_http_loops *loops = kt_http_loops_new(fd, n_threads, CONNECTIONS, new_daemon, fixed);
  return loops != NULL && kt_http_loops_start(loops) ? port : 0;
}

static _Noreturn void serve(int out, size_t body_len, unsigned n_threads)
{
  struct fixed fixed;
  bench_child_begin();
  uint16_t port = start(&fixed, body_len, n_threads);
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
