/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

#define READY_NS UINT64_C(400000000) /* perf attaches meanwhile */

struct bench_profile {
  pid_t pid; /* of perf */
  char stem[BENCH_PATH_SIZE];
};

static _Noreturn void record(const char *path, const char *const *target)
{
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const char *args[12] = { "perf", "record", "-q", "-F", "997", "-g", "-o", path, target[0], target[1] };
  bench_child_begin();
  (void)dup2(null, STDOUT_FILENO);
  (void)execvp(args[0], (char *const *)(uintptr_t)args);
  _exit(127);
}

struct bench_profile *bench_profile_begin(const struct bench_options *options, size_t n_labels, const char *name,
                                          pid_t pid)
{
  char path[BENCH_PATH_SIZE + 8];
  char number[24];
  if (options->profile == NULL) {
    return NULL;
  }
  (void)snprintf(number, sizeof number, "%d", (int)pid);
  const char *const target[] = { pid != 0 ? "-p" : "-a", pid != 0 ? number : NULL };
  struct bench_profile *profile = bench_alloc(1, sizeof *profile);
  int n = snprintf(profile->stem, sizeof profile->stem, "%s/%zu-%s", options->profile, n_labels, name);
  (void)snprintf(path, sizeof path, "%s.data", profile->stem);
  profile->pid = fork();
  if (profile->pid < 0 || n < 0 || n >= (int)sizeof profile->stem) {
    bench_die("perf: %s", strerror(errno));
  }
  if (profile->pid == 0) {
    record(path, target);
  }
  bench_sleep_ns(READY_NS);
  return profile;
}

void bench_profile_end(struct bench_profile *profile, pid_t pid)
{
  char path[BENCH_PATH_SIZE + 8];
  int status = 0;
  if (profile == NULL) {
    return;
  }
  (void)kill(profile->pid, SIGINT);
  if (waitpid(profile->pid, &status, 0) != profile->pid || (WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
    bench_die("perf does not run; Debian has it in the package linux-perf");
  }
  (void)snprintf(path, sizeof path, "%s.pid", profile->stem);
  FILE *file = fopen(path, "we");
  if (file == NULL || fprintf(file, "%d\n", (int)pid) < 0 || fclose(file) != 0) {
    bench_die("%s: %s", path, strerror(errno));
  }
  free(profile);
}
