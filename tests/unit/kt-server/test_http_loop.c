/* SPDX-License-Identifier: Apache-2.0 */
/* A thread of the HTTP side wakes up for whatever there is to do, with nothing else going on that would wake it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_loop.h"

#define PATIENCE_S 5
#define A_WHILE_MS 50
#define N_ROUNDS 2000

static const char request[] = "GET / HTTP/1.1\r\nHost: log\r\n\r\n";

struct scene {
  struct kt_http_loops *loops;
  struct sockaddr_in address;
  bool parks;            /* answers after a resume */
  atomic_int n_resuming; /* threads; the loops must not end before them */
};

static void *resume(void *ctx)
{
  struct MHD_Connection *connection = ctx;
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  struct scene *scene = info->socket_context;
  kt_http_loops_resume(scene->loops, connection);
  (void)atomic_fetch_sub(&scene->n_resuming, 1);
  return NULL;
}

static void note_scene(void *ctx, struct MHD_Connection *connection, void **socket_context,
                       enum MHD_ConnectionNotificationCode code)
{
  (void)connection;
  *socket_context = code == MHD_CONNECTION_NOTIFY_STARTED ? ctx : NULL;
}

static enum MHD_Result answer(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_len, void **state)
{
  static int seen;
  static int parked;
  static char body[] = "ok";
  struct scene *scene = ctx;
  (void)url, (void)method, (void)version, (void)upload, (void)upload_len;
  if (*state == NULL) { /* its head is there */
    *state = &seen;
    return MHD_YES;
  }
  if (scene->parks && *state == &seen) {
    pthread_t thread;
    *state = &parked;
    (void)atomic_fetch_add(&scene->n_resuming, 1);
    MHD_suspend_connection(connection);
    assert_int_equal(pthread_create(&thread, NULL, resume, connection), 0);
    assert_int_equal(pthread_detach(thread), 0);
    return MHD_YES;
  }
  struct MHD_Response *response = MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
  enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
  MHD_destroy_response(response);
  return result;
}

static struct MHD_Daemon *new_daemon(void *ctx, unsigned flags, MHD_socket fd, unsigned n_connections)
{
  return MHD_start_daemon(flags, 0, NULL, NULL, answer, ctx, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                          n_connections, MHD_OPTION_NOTIFY_CONNECTION, note_scene, ctx, MHD_OPTION_END);
}

static void open_scene(struct scene *scene, unsigned n_connections)
{
  socklen_t len = sizeof scene->address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  scene->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
  assert_int_equal(bind(fd, (const struct sockaddr *)&scene->address, len), 0);
  assert_int_equal(listen(fd, 8), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&scene->address, &len), 0);
  scene->loops = kt_http_loops_new(fd, 1, n_connections, new_daemon, scene);
  assert_non_null(scene->loops);
  assert_true(kt_http_loops_start(scene->loops));
}

static int connect_to(const struct scene *scene)
{
  const struct timeval patience = { .tv_sec = PATIENCE_S };
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&scene->address, sizeof scene->address), 0);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  return fd;
}

static void ask(int fd)
{
  assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
}

static void expect_answer(int fd)
{
  char text[512];
  size_t len = 0;
  do {
    ssize_t n = recv(fd, text + len, sizeof text - 1 - len, 0);
    assert_true(n > 0);
    len += (size_t)n;
    text[len] = '\0';
  } while (strstr(text, "\r\n\r\nok") == NULL);
  assert_true(strncmp(text, "HTTP/1.1 200 ", 13) == 0);
}

static int connect_and_be_answered(const struct scene *scene)
{
  int fd = connect_to(scene);
  ask(fd);
  expect_answer(fd);
  return fd;
}

/* The only place is taken, so the daemon does not listen; when the place is left it does again. */
static void test_place_that_is_left(void **state)
{
  struct scene scene = { .parks = false };
  (void)state;
  open_scene(&scene, 1);
  int first = connect_and_be_answered(&scene);
  int second = connect_to(&scene);
  ask(second);
  (void)poll(NULL, 0, A_WHILE_MS);
  assert_int_equal(close(first), 0);
  expect_answer(second);
  assert_int_equal(close(second), 0);
  kt_http_loops_stop(scene.loops);
}

/* At every moment between the parking and the thread's next sleep. */
static void test_resumed_at_once(void **state)
{
  struct scene scene = { .parks = true };
  (void)state;
  open_scene(&scene, 4);
  int fd = connect_to(&scene);
  for (size_t i = 0; i < N_ROUNDS; i++) {
    ask(fd);
    expect_answer(fd);
  }
  while (atomic_load(&scene.n_resuming) > 0) {
    (void)poll(NULL, 0, 1);
  }
  assert_int_equal(close(fd), 0);
  kt_http_loops_stop(scene.loops);
}

/* Nobody is accepted any more, and who is connected is still answered. */
static void test_quiesced(void **state)
{
  struct scene scene = { .parks = false };
  (void)state;
  open_scene(&scene, 4);
  int fd = connect_and_be_answered(&scene);
  kt_http_loops_quiesce(scene.loops);
  (void)poll(NULL, 0, A_WHILE_MS);
  int late = connect_to(&scene); /* by the kernel */
  ask(late);
  ask(fd);
  expect_answer(fd);
  char byte;
  assert_true(recv(late, &byte, 1, MSG_DONTWAIT) < 0);
  kt_http_loops_stop(scene.loops);
  assert_true(recv(late, &byte, 1, 0) <= 0);
  assert_int_equal(close(late), 0);
  assert_int_equal(close(fd), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_place_that_is_left),
    cmocka_unit_test(test_resumed_at_once),
    cmocka_unit_test(test_quiesced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
