/* SPDX-License-Identifier: Apache-2.0 */
#include "http_loop.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RETRY_MS 100 /* after a failed system call, which may have kept the daemon from looking at what is ready */

enum stage { RUNNING, QUIESCING, STOPPING };

struct loop {
  struct MHD_Daemon *daemon; /* NULL: not started */
  MHD_socket epoll_fd;       /* readable when a connection of the daemon is */
  MHD_socket listen_fd;      /* after MHD_quiesce_daemon: ours to close */
  int wake_fd;               /* an eventfd */
  atomic_bool is_woken;      /* wake_fd was written to, and is not read yet */
  bool is_running;
  pthread_t thread;
  const atomic_int *stage;
};

struct kt_http_loops {
  atomic_int stage;
  size_t n;
  struct loop loops[];
};

/* How long the daemon has nothing to do unless something comes in; milliseconds, as poll has them. */
static int idle_ms(const struct loop *loop)
{
  MHD_UNSIGNED_LONG_LONG ms;
  if (MHD_get_timeout(loop->daemon, &ms) != MHD_YES) {
    return -1;
  }
  return ms < INT_MAX ? (int)ms : INT_MAX;
}

static unsigned connections_of(const struct loop *loop)
{
  return MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

/* If poll fails the daemon is asked anyway. */
static void wait_for_work(struct loop *loop, int timeout_ms)
{
  struct pollfd fds[] = { { .fd = loop->epoll_fd, .events = POLLIN }, { .fd = loop->wake_fd, .events = POLLIN } };
  uint64_t count;
  if (timeout_ms != 0 && poll(fds, sizeof fds / sizeof fds[0], timeout_ms) > 0 && fds[1].revents != 0) {
    (void)!read(loop->wake_fd, &count, sizeof count);
    atomic_store(&loop->is_woken, false);
  }
}

static void *loop_main(void *ctx)
{
  struct loop *loop = ctx;
  for (int stage = RUNNING; stage != STOPPING; stage = atomic_load(loop->stage)) {
    if (stage == QUIESCING && loop->listen_fd == MHD_INVALID_SOCKET) {
      loop->listen_fd = MHD_quiesce_daemon(loop->daemon);
    }
    unsigned n_before = connections_of(loop);
    bool is_well = MHD_run_wait(loop->daemon, 0) == MHD_YES;
    /* A daemon whose places were all taken listens again when it runs next, and until then nobody who comes wakes it. */
    if (connections_of(loop) >= n_before) {
      wait_for_work(loop, is_well ? idle_ms(loop) : RETRY_MS);
    }
  }
  return NULL;
}

static bool init_loop(struct loop *loop, MHD_socket fd, unsigned n_connections, kt_http_new_daemon *new_daemon,
                      void *ctx)
{
  loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  MHD_socket own_fd = loop->wake_fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : MHD_INVALID_SOCKET;
  if (own_fd == MHD_INVALID_SOCKET) {
    return false;
  }
  loop->daemon = new_daemon(ctx, MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, own_fd, n_connections);
  if (loop->daemon == NULL) {
    return false; /* own_fd is closed or it is not: a number that somebody else has by now must not be */
  }
  loop->epoll_fd = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  return true;
}

static void wake(struct loop *loop)
{
  static const uint64_t one = 1;
  if (!atomic_exchange(&loop->is_woken, true) && write(loop->wake_fd, &one, sizeof one) < 0) {
    atomic_store(&loop->is_woken, false);
  }
}

void kt_http_loops_resume(struct kt_http_loops *loops, struct MHD_Connection *connection)
{
  /* Once resumed, the connection belongs to its thread, which may free it. */
  const struct MHD_Daemon *daemon = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON)->daemon;
  MHD_resume_connection(connection);
  for (size_t i = 0; i < loops->n; i++) {
    if (loops->loops[i].daemon == daemon) {
      wake(&loops->loops[i]);
    }
  }
}

static void enter(struct kt_http_loops *loops, enum stage stage)
{
  atomic_store(&loops->stage, stage);
  for (size_t i = 0; i < loops->n; i++) {
    wake(&loops->loops[i]);
  }
}

void kt_http_loops_quiesce(struct kt_http_loops *loops)
{
  enter(loops, QUIESCING);
}

static void stop_loop(struct loop *loop)
{
  if (loop->is_running) {
    (void)pthread_join(loop->thread, NULL);
  }
  if (loop->daemon != NULL) {
    MHD_stop_daemon(loop->daemon);
  }
  if (loop->wake_fd >= 0) {
    (void)close(loop->wake_fd);
  }
  if (loop->listen_fd != MHD_INVALID_SOCKET) {
    (void)close(loop->listen_fd);
  }
}

void kt_http_loops_stop(struct kt_http_loops *loops)
{
  if (loops == NULL) {
    return;
  }
  enter(loops, STOPPING);
  for (size_t i = 0; i < loops->n; i++) {
    stop_loop(&loops->loops[i]);
  }
  free(loops);
}

struct kt_http_loops *kt_http_loops_new(MHD_socket fd, unsigned n, unsigned n_connections,
                                        kt_http_new_daemon *new_daemon, void *ctx)
{
  struct kt_http_loops *loops = calloc(1, sizeof *loops + n * sizeof loops->loops[0]);
  bool ok = loops != NULL;
  for (unsigned i = 0; ok && i < n; i++) {
    struct loop *loop = &loops->loops[loops->n++];
    *loop = (struct loop){ .listen_fd = MHD_INVALID_SOCKET, .wake_fd = -1, .stage = &loops->stage };
    ok = init_loop(loop, fd, n_connections / n + (i < n_connections % n ? 1 : 0), new_daemon, ctx);
  }
  (void)close(fd);
  if (!ok) {
    kt_http_loops_stop(loops);
    return NULL;
  }
  return loops;
}

bool kt_http_loops_start(struct kt_http_loops *loops)
{
  for (size_t i = 0; i < loops->n; i++) {
    struct loop *loop = &loops->loops[i];
    loop->is_running = pthread_create(&loop->thread, NULL, loop_main, loop) == 0;
    if (!loop->is_running) {
      return false;
    }
  }
  return true;
}
