/* SPDX-License-Identifier: Apache-2.0 */
#include "hook_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stop.h"

#define TIMEOUT_MS 60000
#define POLL_MS 10
#define TERM_GRACE_MS 2000

extern char **environ;

/* Ours, and a secret that is none of a hook's business. */
static bool is_left_out(const char *variable)
{
  static const char *const names[] = { "KT_EVENT=", "KT_SUMMARY=", "KT_JSON_FILE=", "KT_TOKEN=" };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strncmp(variable, names[i], strlen(names[i])) == 0) {
      return true;
    }
  }
  return false;
}

static char *variable(const char *name, const char *value)
{
  size_t size = strlen(name) + strlen(value) + 2;
  char *text = malloc(size);
  if (text != NULL) {
    snprintf(text, size, "%s=%s", name, value);
  }
  return text;
}

struct environment {
  char **all;
  char *own[3];
};

static void environment_release(struct environment *env)
{
  for (size_t i = 0; i < 3; i++) {
    free(env->own[i]);
  }
  free(env->all);
}

static bool environment_init(struct environment *env, const struct kt_hook_call *call)
{
  size_t n = 0;
  size_t count = 0;
  while (environ[count] != NULL) {
    count++;
  }
  *env = (struct environment){ .all = calloc(count + 4, sizeof *env->all) };
  env->own[0] = variable("KT_EVENT", call->event);
  env->own[1] = variable("KT_SUMMARY", call->summary);
  env->own[2] = variable("KT_JSON_FILE", call->json_file);
  if (env->all == NULL || env->own[0] == NULL || env->own[1] == NULL || env->own[2] == NULL) {
    environment_release(env);
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    if (!is_left_out(environ[i])) {
      env->all[n++] = environ[i];
    }
  }
  memcpy(env->all + n, env->own, sizeof env->own);
  return true;
}

/* In a process group of its own, with no signal blocked. Returns an errno value. */
static int start(const struct kt_hook_call *call, char **env, pid_t *ret_pid)
{
  static char shell[] = "/bin/sh";
  static char dash_c[] = "-c";
  /* posix_spawn takes char *const[] and changes nothing. */
  char *program = call->path != NULL ? strdup(call->path) : strdup(call->command);
  char *file_argv[] = { program, NULL };
  char *shell_argv[] = { shell, dash_c, program, NULL };
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigemptyset(&none);
  if (program == NULL) {
    return ENOMEM;
  }
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  int rc = call->path != NULL ? posix_spawn(ret_pid, call->path, &files, &attributes, file_argv, env)
                              : posix_spawn(ret_pid, shell, &files, &attributes, shell_argv, env);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  free(program);
  return rc;
}

/* True: it ended within this time. Counted in naps, so that no clock can shorten it. *ret_status is -1 when somebody else
 * took its end: then nothing tells how it ended, and its number may be another process's by now. */
static bool wait_for(pid_t pid, long ms, bool until_stop, int *ret_status)
{
  const struct timespec nap = { .tv_nsec = POLL_MS * 1000000L };
  for (long waited = 0; waited < ms && !(until_stop && kt_stop_requested()); waited += POLL_MS) {
    pid_t ended = waitpid(pid, ret_status, WNOHANG);
    if (ended == pid) {
      return true;
    }
    if (ended < 0 && errno == ECHILD) {
      *ret_status = -1;
      return true;
    }
    nanosleep(&nap, NULL);
  }
  return false;
}

static void end(pid_t pid)
{
  int status;
  kill(-pid, SIGTERM);
  if (!wait_for(pid, TERM_GRACE_MS, false, &status)) {
    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  }
}

bool kt_hook_exec(const struct kt_hook_call *call, char ret_error[static KT_HOOK_ERROR_SIZE])
{
  struct environment env;
  pid_t pid;
  int status = 0;
  if (!environment_init(&env, call)) {
    snprintf(ret_error, KT_HOOK_ERROR_SIZE, "out of memory");
    return false;
  }
  int rc = start(call, env.all, &pid);
  environment_release(&env);
  if (rc != 0) {
    snprintf(ret_error, KT_HOOK_ERROR_SIZE, "cannot be started: %s", strerror(rc));
    return false;
  }
  if (!wait_for(pid, TIMEOUT_MS, true, &status)) {
    end(pid);
    snprintf(ret_error, KT_HOOK_ERROR_SIZE, "%s",
             kt_stop_requested() ? "ended with the monitor" : "not done after a minute");
    return false;
  }
  if (status == -1) {
    snprintf(ret_error, KT_HOOK_ERROR_SIZE, "ended, and nothing tells how");
    return false;
  }
  if (WIFSIGNALED(status)) {
    snprintf(ret_error, KT_HOOK_ERROR_SIZE, "ended by signal %d", WTERMSIG(status));
    return false;
  }
  snprintf(ret_error, KT_HOOK_ERROR_SIZE, "exit status %d", WEXITSTATUS(status));
  return WEXITSTATUS(status) == 0;
}
