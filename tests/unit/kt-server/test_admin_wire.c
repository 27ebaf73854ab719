/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a running log: not for ever when it does not take the request, as long as it works when it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "admin_wire.h"

#define PATIENCE_MS 20

struct pair {
  int verb, log;
};

static struct pair connected(void)
{
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  json_t *request = json_pack("{s:s}", "op", "status");
  assert_true(kt_admin_send(fds[0], request));
  json_decref(request);
  return (struct pair){ .verb = fds[0], .log = fds[1] };
}

static void take(int fd)
{
  json_t *request = kt_admin_receive(fd);
  assert_non_null(request);
  json_decref(request);
}

static void nobody_takes_it(void **state)
{
  (void)state;
  struct pair pair = connected();
  assert_false(kt_admin_await(pair.verb, PATIENCE_MS));
  take(pair.log);
  (void)close(pair.log);
  assert_true(kt_admin_await(pair.verb, PATIENCE_MS)); /* the end is there to be read */
  assert_null(kt_admin_receive(pair.verb));
  (void)close(pair.verb);
}

static void *answer_late(void *ctx)
{
  const struct timespec late = { .tv_nsec = (long)PATIENCE_MS * 5 * 1000000 };
  const int *fd = ctx;
  json_t *response = json_pack("{s:b}", "ok", 1);
  (void)nanosleep(&late, NULL);
  (void)kt_admin_send(*fd, response);
  json_decref(response);
  return NULL;
}

static void work_takes_its_time(void **state)
{
  pthread_t thread;
  (void)state;
  struct pair pair = connected();
  take(pair.log);
  assert_int_equal(pthread_create(&thread, NULL, answer_late, &pair.log), 0);
  assert_true(kt_admin_await(pair.verb, PATIENCE_MS));
  take(pair.verb);
  assert_int_equal(pthread_join(thread, NULL), 0);
  (void)close(pair.verb);
  (void)close(pair.log);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nobody_takes_it),
    cmocka_unit_test(work_takes_its_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
