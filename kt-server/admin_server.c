/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "admin.h"
#include "admin_wire.h"
#include "trail_operate.h"

/* An import, which has a thread of its own. */
struct import {
  struct kt_instance *instance;
  int fd;   /* the connection */
  int file; /* to be imported */
  bool check_first;
  pthread_t thread;
  bool has_thread;        /* to be joined; the serving thread's */
  atomic_bool is_running; /* cleared by the thread as its last act */
  atomic_bool stopping;
};

struct kt_admin_server {
  struct kt_instance *instance;
  int dir_fd;
  int listen_fd;
  int stop_pipe[2]; /* closed at the writing end: end the thread */
  pthread_t thread;
  struct import import;
};

/* --- imports ------------------------------------------------------------------------------------------------------ */

static void *import_main(void *ctx)
{
  struct import *import = ctx;
  kt_admin_answer_import(import->instance, import->fd, import->file, import->check_first, &import->stopping);
  (void)close(import->file);
  (void)close(import->fd);
  atomic_store(&import->is_running, false);
  return NULL;
}

static void join_import(struct import *import)
{
  if (import->has_thread) {
    (void)pthread_join(import->thread, NULL);
    import->has_thread = false;
  }
}

/* NULL: begun, and fd and file are the import's. Otherwise why not. */
static json_t *begin_import(struct import *import, int fd, int file, bool check_first)
{
  if (file < 0) {
    return kt_operate_failure(KT_ERR_FORMAT, "the file to import did not follow the request");
  }
  if (atomic_load(&import->is_running)) {
    return kt_operate_failure(KT_ERR_UNDETERMINED, "another import is under way; try again when it is done");
  }
  join_import(import);
  import->fd = fd;
  import->file = file;
  import->check_first = check_first;
  atomic_store(&import->is_running, true);
  if (pthread_create(&import->thread, NULL, import_main, import) != 0) {
    atomic_store(&import->is_running, false);
    return kt_operate_failure(KT_ERR_MEMORY, "no thread for the import can be started");
  }
  import->has_thread = true;
  return NULL;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static bool is_import(const json_t *request)
{
  const char *op = json_string_value(json_object_get(request, "op"));
  return op != NULL && strcmp(op, "import") == 0;
}

static void send_and_close(int fd, json_t *response)
{
  if (response != NULL) {
    (void)kt_admin_send(fd, response);
  }
  json_decref(response);
  (void)close(fd);
}

static void answer_import(struct import *import, int fd, bool check_first)
{
  int file = kt_admin_receive_file(fd);
  json_t *refusal = begin_import(import, fd, file, check_first);
  if (refusal != NULL) {
    send_and_close(fd, refusal);
    if (file >= 0) {
      (void)close(file);
    }
  }
}

/* Who waited for too long has closed the connection, and was told that the request was not taken. */
static bool is_gone(int fd)
{
  struct pollfd peer = { .fd = fd };
  return poll(&peer, 1, 0) == 1 && (peer.revents & POLLHUP) != 0;
}

/* Takes the connection. */
static void answer(struct kt_admin_server *server, int fd)
{
  kt_admin_set_timeouts(fd);
  json_t *request = kt_admin_receive(fd);
  if (request == NULL || is_gone(fd)) {
    (void)close(fd);
  } else if (is_import(request)) {
    answer_import(&server->import, fd, !json_is_false(json_object_get(request, "check")));
  } else {
    send_and_close(fd, kt_operate_recorded(server->instance, request, kt_admin_peer(fd)));
  }
  json_decref(request);
}

/* A machine that has no memory or no descriptor for a moment must not end this, or make it spin: whoever asks would
 * wait for an answer until the log stops. */
static void wait_a_moment(void)
{
  const struct timespec moment = { .tv_nsec = 100 * 1000 * 1000 };
  (void)nanosleep(&moment, NULL);
}

static void *serve(void *ctx)
{
  struct kt_admin_server *server = ctx;
  struct pollfd fds[2] = { { .fd = server->listen_fd, .events = POLLIN },
                           { .fd = server->stop_pipe[0], .events = POLLIN } };
  while (!atomic_load(&server->import.stopping)) {
    if (poll(fds, 2, -1) < 0) {
      wait_a_moment();
      continue;
    }
    int fd = fds[0].revents != 0 ? accept(server->listen_fd, NULL, NULL) : -1;
    if (fd >= 0) {
      (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
      answer(server, fd);
    } else if (fds[1].revents == 0) { /* the asker gave up, or there is no descriptor for it */
      wait_a_moment();
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
  *server = (struct kt_admin_server){
    .instance = instance, .dir_fd = -1, .listen_fd = -1, .stop_pipe = { -1, -1 }, .import = { .instance = instance }
  };
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
  atomic_store(&server->import.stopping, true);
  (void)close(server->stop_pipe[1]);
  server->stop_pipe[1] = -1;
  (void)pthread_join(server->thread, NULL);
  join_import(&server->import);
  (void)unlinkat(server->dir_fd, KT_NAME_ADMIN, 0);
  close_all(server);
}
