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

struct bench_profile {
  pid_t pid; /* of perf */
  char stem[BENCH_PATH_SIZE];
};

static _Noreturn void record(const char *path, int control, int answer)
{
  char ends[48];
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  (void)snprintf(ends, sizeof ends, "fd:%d,%d", control, answer);
  const char *const args[] = { "perf", "record", "-q", "-a", "-F",        "997", "-g",
                               "-o",   path,     "-D", "-1", "--control", ends,  NULL };
  bench_child_begin();
  (void)dup2(null, STDOUT_FILENO);
  (void)execvp(args[0], (char *const *)(uintptr_t)args);
  _exit(127);
}

/* perf takes its time to begin; once it has answered, it records. */
static void enable(int control, int answer)
{
  static const char command[] = "enable\n";
  char text[16];
  if (write(control, command, sizeof command - 1) != (ssize_t)sizeof command - 1 ||
      read(answer, text, sizeof text) <= 0) {
    bench_die("perf does not run; Debian has it in the package linux-perf");
  }
}

struct bench_profile *bench_profile_begin(const struct bench_options *options, size_t n_labels, const char *name)
{
  char path[BENCH_PATH_SIZE + 8];
  int control[2];
  int answer[2];
  if (options->profile == NULL) {
    return NULL;
  }
  struct bench_profile *profile = bench_alloc(1, sizeof *profile);
  int n = snprintf(profile->stem, sizeof profile->stem, "%s/%zu-%s", options->profile, n_labels, name);
  (void)snprintf(path, sizeof path, "%s.data", profile->stem);
  if (n < 0 || n >= (int)sizeof profile->stem || pipe(control) != 0 || pipe(answer) != 0) {
    bench_die("perf: %s", strerror(errno));
  }
  (void)signal(SIGPIPE, SIG_IGN);
  profile->pid = fork();
  if (profile->pid == 0) {
    record(path, control[0], answer[1]);
  }
  (void)close(control[0]);
  (void)close(answer[1]);
  enable(control[1], answer[0]);
  (void)close(control[1]);
  (void)close(answer[0]);
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
  if (waitpid(profile->pid, &status, 0) != profile->pid) {
    bench_die("perf: %s", strerror(errno));
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
