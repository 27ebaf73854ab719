/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_NS UINT64_C(400000000) /* perf attaches meanwhile */

struct bench_profile {
  pid_t pid; /* of perf */
  char stem[BENCH_PATH_SIZE];
};

static _Noreturn void record(const char *path)
{
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const char *const args[] = { "perf", "record", "-q", "-a", "-F", "997", "-g", "-o", path, NULL };
  bench_child_begin();
  (void)dup2(null, STDOUT_FILENO);
  (void)execvp(args[0], (char *const *)(uintptr_t)args);
  _exit(127);
}

struct bench_profile *bench_profile_begin(const struct bench_options *options, size_t n_labels, const char *name)
{
  char path[BENCH_PATH_SIZE + 8];
  if (options->profile == NULL) {
    return NULL;
  }
  struct bench_profile *profile = bench_alloc(1, sizeof *profile);
  int n = snprintf(profile->stem, sizeof profile->stem, "%s/%zu-%s", options->profile, n_labels, name);
  (void)snprintf(path, sizeof path, "%s.data", profile->stem);
  profile->pid = fork();
  if (profile->pid < 0 || n < 0 || n >= (int)sizeof profile->stem) {
    bench_die("perf: %s", strerror(errno));
  }
  if (profile->pid == 0) {
    record(path);
  }
  bench_sleep_ns(READY_NS);
  return profile;
}

static void write_pids(const struct bench_profile *profile, const pid_t *pids, size_t n_pids)
{
  char path[BENCH_PATH_SIZE + 8];
  (void)snprintf(path, sizeof path, "%s.pids", profile->stem);
  FILE *file = fopen(path, "we");
  bool ok = file != NULL;
  for (size_t i = 0; ok && i < n_pids; i++) {
    ok = fprintf(file, i == 0 ? "%d" : ",%d", (int)pids[i]) > 0;
  }
  if (!ok || fclose(file) != 0) {
    bench_die("%s: %s", path, strerror(errno));
  }
}

void bench_profile_end(struct bench_profile *profile, const pid_t *pids, size_t n_pids)
{
  int status = 0;
  if (profile == NULL) {
    return;
  }
  (void)kill(profile->pid, SIGINT);
  if (waitpid(profile->pid, &status, 0) != profile->pid || (WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
    bench_die("perf does not run; Debian has it in the package linux-perf");
  }
  write_pids(profile, pids, n_pids);
  free(profile);
}

void bench_profile_end_server(struct bench_profile *profile, const struct bench_server *server)
{
  pid_t pids[BENCH_PIDS_MAX];
  size_t n = bench_server_pids(server, pids);
  bench_profile_end(profile, pids, n);
}
