/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_NS UINT64_C(1000000000) /* a thread that reads may wait for the disk for a while */
#define SETTLED_CPU_S 0.02             /* in that time */
#define SETTLE_MAX_S 300

#define ARGS_MAX 12

void bench_child_begin(void)
{
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
    _exit(127);
  }
}

static _Noreturn void run_program(const char *program, const char *const *argv, int out, int log)
{
  char *args[ARGS_MAX + 2] = { (char *)(uintptr_t)program };
  for (size_t i = 0; i < ARGS_MAX && argv[i] != NULL; i++) {
    args[i + 1] = (char *)(uintptr_t)argv[i];
  }
  bench_child_begin();
  if (dup2(out, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0) {
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

static int wait_for(pid_t pid, struct rusage *ret_usage)
{
  int status = 0;
  while (wait4(pid, &status, 0, ret_usage) < 0) {
    if (errno != EINTR) {
      bench_die("wait4: %s", strerror(errno));
    }
  }
  return status;
}

struct bench_cost bench_run(const char *program, const char *log_path, const char *const *argv)
{
  int log = open_log(log_path);
  struct rusage usage;
  uint64_t start = bench_now_ns();
  pid_t pid = spawn(program, argv, log, log);
  int status = wait_for(pid, &usage);
  (void)close(log);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    bench_die("%s %s failed: see %s", program, argv[0], log_path);
  }
  return (struct bench_cost){
    .pid = pid,
    .seconds = bench_seconds_since(start),
    .cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
    .peak_kib = (uint64_t)usage.ru_maxrss,
  };
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
  struct rusage usage;
  int status = wait_for(server->pid, &usage);
  double seconds = bench_seconds_since(start);
  (void)close(server->out);
  if (signal == SIGTERM && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
    bench_die("kt-server did not end well after SIGTERM (status %d)", status);
  }
  return seconds;
}

/* --- what the kernel knows ------------------------------------------------------------------------------------------ */

static void read_proc(const char *path, char *ret_text, size_t size)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, ret_text, size - 1);
  if (n < 0) {
    bench_die("%s: %s (did the server end?)", path, strerror(errno));
  }
  (void)close(fd);
  ret_text[n] = '\0';
}

/* Children are listed with the thread that made them. */
static size_t add_children(const char *task, pid_t *pids, size_t n)
{
  char path[BENCH_PATH_SIZE];
  char text[512];
  bench_path(path, task, "children");
  read_proc(path, text, sizeof text);
  char *at = text;
  for (long pid = strtol(at, &at, 10); pid > 0 && n < BENCH_PIDS_MAX; pid = strtol(at, &at, 10)) {
    pids[n++] = (pid_t)pid;
  }
  return n;
}

size_t bench_server_pids(const struct bench_server *server, pid_t ret_pids[static BENCH_PIDS_MAX])
{
  char tasks[64];
  size_t n = 0;
  ret_pids[n++] = server->pid;
  (void)snprintf(tasks, sizeof tasks, "/proc/%d/task", (int)server->pid);
  DIR *dir = opendir(tasks);
  if (dir == NULL) {
    bench_die("%s: %s (did the server end?)", tasks, strerror(errno));
  }
  for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
    if (entry->d_name[0] != '.') {
      char task[BENCH_PATH_SIZE];
      bench_path(task, tasks, entry->d_name);
      n = add_children(task, ret_pids, n);
    }
  }
  (void)closedir(dir);
  return n;
}

double bench_server_cpu_s(const struct bench_server *server)
{
  pid_t pids[BENCH_PIDS_MAX];
  size_t n = bench_server_pids(server, pids);
  double cpu_s = 0;
  for (size_t i = 0; i < n; i++) {
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pids[i], &clock) != 0 || clock_gettime(clock, &used) != 0) {
      bench_die("the server's CPU time is not known (did it end?)");
    }
    cpu_s += (double)used.tv_sec + (double)used.tv_nsec / 1e9;
  }
  return cpu_s;
}

static uint64_t status_kib(const char *text, const char *name)
{
  const char *at = strstr(text, name);
  return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

struct bench_memory bench_server_memory(const struct bench_server *server)
{
  pid_t pids[BENCH_PIDS_MAX];
  size_t n = bench_server_pids(server, pids);
  struct bench_memory memory = { 0 };
  for (size_t i = 0; i < n; i++) {
    char path[64];
    char text[4096];
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pids[i]);
    read_proc(path, text, sizeof text);
    memory.resident_kib += status_kib(text, "VmRSS:");
    memory.peak_kib += status_kib(text, "VmHWM:");
  }
  return memory;
}

void bench_server_settle(const struct bench_server *server)
{
  double used_s = bench_server_cpu_s(server);
  double before_s;
  uint64_t start = bench_now_ns();
  do {
    before_s = used_s;
    bench_sleep_ns(SETTLE_NS);
    used_s = bench_server_cpu_s(server);
  } while (used_s - before_s > SETTLED_CPU_S && bench_seconds_since(start) < SETTLE_MAX_S);
}
