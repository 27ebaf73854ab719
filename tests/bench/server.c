/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 12

/* In the child: ends with the benchmark, whatever ends that. */
static _Noreturn void run_program(const char *program, const char *const *argv, int out, int log)
{
  char *args[ARGS_MAX + 2] = { (char *)(uintptr_t)program };
  for (size_t i = 0; i < ARGS_MAX && argv[i] != NULL; i++) {
    args[i + 1] = (char *)(uintptr_t)argv[i];
  }
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0) {
    (void)execv(program, args);
  }
  _exit(127);
}

static int open_log(const char *path)
{
  int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) {
    bench_die("%s: %s", path, strerror(errno));
  }
  return log;
}

static pid_t spawn(const char *program, const char *const *argv, int out, int log)
{
  pid_t pid = fork();
  if (pid < 0) {
    bench_die("fork: %s", strerror(errno));
  }
  if (pid == 0) {
    run_program(program, argv, out, log);
  }
  return pid;
}

static int wait_for(pid_t pid)
{
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      bench_die("waitpid: %s", strerror(errno));
    }
  }
  return status;
}

static double children_cpu_s(void)
{
  struct rusage usage;
  (void)getrusage(RUSAGE_CHILDREN, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct bench_cost bench_server_verb(const char *program, const char *log_path, const char *const *argv)
{
  int log = open_log(log_path);
  double cpu_s = children_cpu_s();
  uint64_t start = bench_now_ns();
  int status = wait_for(spawn(program, argv, log, log));
  struct bench_cost cost = { .seconds = bench_seconds_since(start), .cpu_s = children_cpu_s() - cpu_s };
  (void)close(log);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    bench_die("kt-server %s failed: see %s", argv[0], log_path);
  }
  return cost;
}

/* --- the running log ------------------------------------------------------------------------------------------------ */

/* "listening on http://ADDR:PORT"; lines about other listeners may come before. */
static bool find_port(const char *text, uint16_t *ret_port)
{
  static const char ready[] = "listening on http://127.0.0.1:";
  const char *at = strstr(text, ready);
  if (at == NULL || strchr(at, '\n') == NULL) {
    return false;
  }
  long port = strtol(at + sizeof ready - 1, NULL, 10);
  *ret_port = (uint16_t)port;
  return port > 0 && port <= UINT16_MAX;
}

static void wait_ready(struct bench_server *server, const char *log_path)
{
  char text[2048];
  size_t len = 0;
  do {
    ssize_t n = len + 1 < sizeof text ? read(server->out, text + len, sizeof text - len - 1) : 0;
    if (n <= 0) {
      bench_die("kt-server run did not get ready: see %s", log_path);
    }
    len += (size_t)n;
    text[len] = '\0';
  } while (!find_port(text, &server->port));
}

void bench_server_start(struct bench_server *server, const char *program, const char *log_path, const char *folder)
{
  const char *const argv[] = { "run", folder, "--listen", "127.0.0.1:0", NULL };
  int log = open_log(log_path);
  int out[2];
  if (pipe(out) != 0 || fcntl(out[0], F_SETFD, FD_CLOEXEC) != 0 || fcntl(out[1], F_SETFD, FD_CLOEXEC) != 0) {
    bench_die("pipe: %s", strerror(errno));
  }
  uint64_t start = bench_now_ns();
  *server = (struct bench_server){ .pid = spawn(program, argv, out[1], log), .out = out[0] };
  (void)close(out[1]);
  (void)close(log);
  wait_ready(server, log_path);
  server->ready_s = bench_seconds_since(start);
}

double bench_server_stop(struct bench_server *server, int signal)
{
  uint64_t start = bench_now_ns();
  (void)kill(server->pid, signal);
  int status = wait_for(server->pid);
  double seconds = bench_seconds_since(start);
  (void)close(server->out);
  if (signal == SIGTERM && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
    bench_die("kt-server did not end well after SIGTERM (status %d)", status);
  }
  return seconds;
}

/* --- what the kernel knows ------------------------------------------------------------------------------------------ */

static void read_proc(const struct bench_server *server, const char *name, char *ret_text, size_t size)
{
  char path[64];
  (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)server->pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, ret_text, size - 1);
  if (n < 0) {
    bench_die("%s: %s (did the server end?)", path, strerror(errno));
  }
  (void)close(fd);
  ret_text[n] = '\0';
}

double bench_server_cpu_s(const struct bench_server *server)
{
  char text[1024];
  read_proc(server, "stat", text, sizeof text);
  /* fields 14 and 15; field 2 is the name in parentheses and may hold anything */
  char *at = strrchr(text, ')');
  for (int field = 2; at != NULL && field < 14; field++) {
    at = strchr(at + 1, ' ');
  }
  if (at == NULL) {
    bench_die("/proc/PID/stat is not understood");
  }
  unsigned long long user = strtoull(at, &at, 10);
  unsigned long long kernel = strtoull(at, NULL, 10);
  return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static uint64_t status_kib(const char *text, const char *name)
{
  const char *at = strstr(text, name);
  return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

struct bench_memory bench_server_memory(const struct bench_server *server)
{
  char text[4096];
  read_proc(server, "status", text, sizeof text);
  return (struct bench_memory){ .resident_kib = status_kib(text, "VmRSS:"), .peak_kib = status_kib(text, "VmHWM:") };
}
