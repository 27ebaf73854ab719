/* SPDX-License-Identifier: Apache-2.0 */
/* What each sandbox forbids, and what it lets through. Every case is a process of its own that enters the
 * sandbox, makes one call, and ends with what came of it; what is forbidden works before, so that the
 * sandbox is what forbids it. */
#define _GNU_SOURCE /* unshare, memfd */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

#define KILLED 1000 /* beyond every errno */

/* --- one call each: 0, or its errno ------------------------------------------------------------------------------- */

static int outcome(long result)
{
  return result < 0 ? errno : 0;
}

static int call_socket_inet(void)
{
  return outcome(socket(AF_INET, SOCK_STREAM, 0));
}

static int call_socket_unix(void)
{
  return outcome(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int call_socket_netlink(void)
{
  return outcome(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int call_fork(void)
{
  pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  return outcome(child);
}

static int call_exec(void)
{
  char name[] = "/bin/true";
  char *arguments[] = { name, NULL };
  return outcome(execv(name, arguments));
}

static int call_ptrace(void)
{
  return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int call_read_process(void)
{
  char byte = 1;
  char copy = 0;
  const struct iovec from = { &byte, 1 };
  const struct iovec to = { &copy, 1 };
  return outcome(process_vm_readv(getpid(), &to, 1, &from, 1, 0));
}

static int call_unshare(void)
{
  return outcome(unshare(CLONE_FILES));
}

static int map(int protection)
{
  return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int call_map(void)
{
  return map(PROT_READ | PROT_WRITE);
}

static int call_map_code(void)
{
  return map(PROT_READ | PROT_EXEC);
}

static int call_map_written_code(void)
{
  return map(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int call_make_code(void)
{
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? -1 : outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int call_signal_parent(void)
{
  return outcome(kill(getppid(), 0));
}

static int call_signal_self(void)
{
  return outcome(kill(getpid(), 0));
}

static int call_dumpable(void)
{
  return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int call_memfd(void)
{
  return outcome(memfd_create("x", 0));
}

static int call_set_limit(void)
{
  struct rlimit limit;
  return getrlimit(RLIMIT_CORE, &limit) == 0 ? outcome(setrlimit(RLIMIT_CORE, &limit)) : -1;
}

static int call_mkdir(void)
{
  char dir[] = "/tmp/kt-sandbox-XXXXXX";
  int result = outcome(mkdtemp(dir) == NULL ? -1 : 0);
  (void)rmdir(dir);
  return result;
}

static int call_file(void)
{
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  int result = fd >= 0 && write(fd, "x", 1) == 1 && pwrite(fd, "x", 1, 0) == 1 ? 0 : errno;
  (void)close(fd);
  return result;
}

static void *nothing(void *ctx)
{
  return ctx;
}

static int call_thread(void)
{
  pthread_t thread;
  int rc = pthread_create(&thread, NULL, nothing, NULL);
  return rc == 0 ? pthread_join(thread, NULL) : rc;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define N_SANDBOXES 3

static const struct row {
  const char *name;
  int (*call)(void);
  int expected[N_SANDBOXES]; /* log, operator, signer */
} rows[] = {
  { "a file is written", call_file, { 0, 0, 0 } },
  { "memory", call_map, { 0, 0, 0 } },
  { "a signal to itself", call_signal_self, { 0, 0, 0 } },
  { "a thread", call_thread, { 0, 0, EPERM } },
  { "a folder", call_mkdir, { 0, 0, EPERM } },
  { "a connection", call_socket_inet, { EPERM, 0, EPERM } },
  { "a local connection", call_socket_unix, { EPERM, 0, EPERM } },
  { "a socket of another family", call_socket_netlink, { EPERM, EPERM, EPERM } },
  { "a process", call_fork, { EPERM, EPERM, EPERM } },
  { "code from a file", call_map_code, { EPERM, 0, EPERM } },
  { "code that can be written", call_map_written_code, { EPERM, EPERM, EPERM } },
  { "data becomes code", call_make_code, { EPERM, EPERM, EPERM } },
  { "a file in memory", call_memfd, { EPERM, EPERM, EPERM } },
  { "a signal to another process", call_signal_parent, { EPERM, EPERM, EPERM } },
  { "core files", call_dumpable, { EPERM, EPERM, EPERM } },
  { "a limit is changed", call_set_limit, { EPERM, EPERM, EPERM } },
  { "a program", call_exec, { KILLED, KILLED, KILLED } },
  { "being debugged", call_ptrace, { KILLED, KILLED, KILLED } },
  { "another process's memory", call_read_process, { KILLED, KILLED, KILLED } },
  { "namespaces", call_unshare, { KILLED, KILLED, KILLED } },
};

#define FREE (-1) /* no sandbox */

/* In the child: the exit code is the errno. */
static void child_run(int sandbox, int (*call)(void))
{
  struct kt_error error;
  const struct rlimit none = { 0, 0 };
  (void)setrlimit(RLIMIT_CORE, &none);
  if (sandbox != FREE && kt_sandbox_enter((enum kt_sandbox)sandbox, &error) != KT_OK) {
    _exit(255);
  }
  _exit(call());
}

static int run(int sandbox, int (*call)(void))
{
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    child_run(sandbox, call);
  }
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) {
    assert_int_equal(WTERMSIG(status), SIGSYS);
    return KILLED;
  }
  return WEXITSTATUS(status);
}

static void calls_are_forbidden_by_the_sandbox_and_by_nothing_else(void **state)
{
  (void)state;
  if (!kt_sandbox_is_built()) {
    skip();
  }
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int without = run(FREE, rows[i].call);
    if (without != 0) { /* this machine forbids it already */
      print_message("%s: %d without a sandbox\n", rows[i].name, without);
      continue;
    }
    for (int sandbox = 0; sandbox < N_SANDBOXES; sandbox++) {
      int found = run(sandbox, rows[i].call);
      if (found != rows[i].expected[sandbox]) {
        fail_msg("%s, sandbox %d: %d, expected %d", rows[i].name, sandbox, found, rows[i].expected[sandbox]);
      }
    }
  }
}

/* Threads that run already when it is entered. */

struct other_thread {
  pthread_barrier_t barrier;
  int found;
};

static void *try_later(void *ctx)
{
  struct other_thread *other = ctx;
  (void)pthread_barrier_wait(&other->barrier);
  (void)pthread_barrier_wait(&other->barrier);
  other->found = call_socket_inet();
  return NULL;
}

static int enter_beside_a_thread(void)
{
  struct other_thread other = { .found = 0 };
  struct kt_error error;
  pthread_t thread;
  if (pthread_barrier_init(&other.barrier, NULL, 2) != 0 || pthread_create(&thread, NULL, try_later, &other) != 0) {
    return 254;
  }
  (void)pthread_barrier_wait(&other.barrier);
  enum kt_err err = kt_sandbox_enter(KT_SANDBOX_LOG, &error);
  (void)pthread_barrier_wait(&other.barrier);
  (void)pthread_join(thread, NULL);
  return err == KT_OK ? other.found : 255;
}

static void threads_that_run_already_are_in_it_too(void **state)
{
  (void)state;
  if (!kt_sandbox_is_built()) {
    skip();
  }
  assert_int_equal(run(FREE, enter_beside_a_thread), EPERM);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(calls_are_forbidden_by_the_sandbox_and_by_nothing_else),
    cmocka_unit_test(threads_that_run_already_are_in_it_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
