/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_TIMEOUT_MS 30000
#define LISTENING "listening on "

extern char **environ;

/* kt-server ends when this program does, however that ends (prctl(2), PR_SET_PDEATHSIG; the process stays the same), and is in
 * a group of its own: an interruption from the terminal is for this program, which then sees no server that stopped by itself.
 * out: descriptor that becomes standard output; -1: the message file. 0 when it cannot be started. */
static pid_t spawn(const struct crash_server *server, const char *verb, bool listens, int out)
{
  const char *const arguments[] = {
    "setpriv",     "--pdeathsig", "KILL", server->program, verb, server->dir, listens ? "--listen" : NULL,
    "127.0.0.1:0", NULL
  };
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  pid_t pid = 0;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, server->messages, O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, out < 0 ? STDERR_FILENO : out, STDOUT_FILENO);
  /* posix_spawn does not change the arguments; its prototype predates const. */
  int failed = posix_spawnp(&pid, arguments[0], &actions, &attributes, (char *const *)(uintptr_t)arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return failed == 0 ? pid : 0;
}

static int wait_for(pid_t pid)
{
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool crash_server_start(struct crash_server *server)
{
  int ends[2];
  if (pipe(ends) != 0) {
    return false;
  }
  (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  server->url[0] = '\0';
  server->out = ends[0];
  server->pid = spawn(server, "run", true, ends[1]);
  (void)close(ends[1]);
  if (server->pid == 0) {
    (void)close(ends[0]);
  }
  return server->pid != 0;
}

/* One line, without its end; false at the end of the stream or when nothing comes for READY_TIMEOUT_MS. */
static bool read_line(int fd, char *ret_line, size_t size)
{
  size_t len = 0;
  struct pollfd readable = { .fd = fd, .events = POLLIN };
  while (poll(&readable, 1, READY_TIMEOUT_MS) == 1) {
    char c;
    if (read(fd, &c, 1) != 1) {
      return false;
    }
    if (c == '\n') {
      ret_line[len] = '\0';
      return true;
    }
    if (len < size - 1) {
      ret_line[len++] = c;
    }
  }
  return false;
}

bool crash_server_wait_ready(struct crash_server *server)
{
  char line[256];
  while (read_line(server->out, line, sizeof line)) {
    const char *at = strstr(line, LISTENING);
    if (at != NULL) {
      (void)snprintf(server->url, sizeof server->url, "%.*s", CRASH_URL_SIZE - 1, at + strlen(LISTENING));
      return true;
    }
  }
  return false;
}

int crash_server_end(struct crash_server *server, int signal)
{
  (void)kill(server->pid, signal);
  int status = wait_for(server->pid);
  (void)close(server->out);
  server->pid = 0;
  return status;
}

bool crash_server_fsck(const struct crash_server *server)
{
  pid_t pid = spawn(server, "fsck", false, -1);
  int status = pid != 0 ? wait_for(pid) : -1;
  return pid != 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
