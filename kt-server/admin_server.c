/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin.h"
#include "admin_wire.h"
#include "trail_operate.h"

struct kt_admin_server {
  struct kt_instance *instance;
  int dir_fd;
  int listen_fd;
  int stop_pipe[2]; /* closed at the writing end: end the thread */
  pthread_t thread;
};

static void answer(struct kt_instance *instance, int fd)
{
  kt_admin_set_timeouts(fd);
  json_t *request = kt_admin_receive(fd);
  if (request == NULL) {
    return;
  }
  json_t *response = kt_operate_recorded(instance, request, kt_admin_peer(fd));
  if (response != NULL) {
    (void)kt_admin_send(fd, response);
  }
  json_decref(response);
  json_decref(request);
}

static void *serve(void *ctx)
{
  struct kt_admin_server *server = ctx;
  struct pollfd fds[2] = { { .fd = server->listen_fd, .events = POLLIN },
                           { .fd = server->stop_pipe[0], .events = POLLIN } };
  while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
    if (fds[1].revents != 0) {
      break;
    }
    int fd = accept(server->listen_fd, NULL, NULL);
    if (fd >= 0) {
      (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
      answer(server->instance, fd);
      (void)close(fd);
    }
  }
  return NULL;
}

static enum kt_err listen_here(struct kt_admin_server *server, struct kt_error *error)
{
  const char *dir = server->instance->dir.s;
  server->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (server->dir_fd < 0) {
    return kt_error_set(error, KT_ERR_STORE, "%s: %s", dir, strerror(errno));
  }
  struct sockaddr_un address = kt_admin_address(server->dir_fd);
  (void)unlinkat(server->dir_fd, KT_NAME_ADMIN, 0);
  server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  /* The mode is right from the start, not only after a chmod: nobody else can connect in between. */
  mode_t mask = umask(0177);
  bool bound =
      server->listen_fd >= 0 && bind(server->listen_fd, (const struct sockaddr *)&address, sizeof address) == 0;
  int cause = errno;
  (void)umask(mask);
  if (!bound || listen(server->listen_fd, 8) != 0) {
    return kt_error_set(error, KT_ERR_STORE, "%s/" KT_NAME_ADMIN ": %s", dir, strerror(bound ? errno : cause));
  }
  return KT_OK;
}

static void close_all(struct kt_admin_server *server)
{
  const int fds[] = { server->dir_fd, server->listen_fd, server->stop_pipe[0], server->stop_pipe[1] };
  for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
    if (fds[i] >= 0) {
      (void)close(fds[i]);
    }
  }
  free(server);
}

enum kt_err kt_admin_start(struct kt_instance *instance, struct kt_admin_server **ret_server, struct kt_error *error)
{
  struct kt_admin_server *server = malloc(sizeof *server);
  if (server == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  *server = (struct kt_admin_server){ .instance = instance, .dir_fd = -1, .listen_fd = -1, .stop_pipe = { -1, -1 } };
  enum kt_err err = listen_here(server, error);
  if (err == KT_OK && (pipe(server->stop_pipe) != 0 || pthread_create(&server->thread, NULL, serve, server) != 0)) {
    err = kt_error_set(error, KT_ERR_STORE, "starting the administration thread failed");
  }
  if (err != KT_OK) {
    close_all(server);
    return err;
  }
  *ret_server = server;
  return KT_OK;
}

void kt_admin_stop(struct kt_admin_server *server)
{
  if (server == NULL) {
    return;
  }
  (void)close(server->stop_pipe[1]);
  server->stop_pipe[1] = -1;
  (void)pthread_join(server->thread, NULL);
  (void)unlinkat(server->dir_fd, KT_NAME_ADMIN, 0);
  close_all(server);
}
