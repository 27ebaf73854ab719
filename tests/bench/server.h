/* SPDX-License-Identifier: Apache-2.0 */
/* kt-server as a child process: verbs, a running log, what the kernel knows about it, and its folder. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <sys/types.h>

#include "bench.h"

struct bench_cost {
  double seconds;
  double cpu_s;
};

/* Run a verb to its end: kt-server argv[0] …, NULL-terminated; its output goes to the log file. Another exit code than 0
 * is bench_die. */
struct bench_cost bench_server_verb(const char *program, const char *log_path, const char *const *argv);

struct bench_server {
  pid_t pid;
  int out;
  uint16_t port;
  double ready_s; /* from fork to "listening on" */
};

void bench_server_start(struct bench_server *server, const char *program, const char *log_path, const char *folder);
/* SIGTERM or SIGKILL, and wait. SIGTERM must end with exit code 0. Returns the seconds it took. */
double bench_server_stop(struct bench_server *server, int signal);

/* User and system time so far, in steps of a clock tick (10 ms). */
double bench_server_cpu_s(const struct bench_server *server);

struct bench_memory {
  uint64_t resident_kib;
  uint64_t peak_kib;
};
struct bench_memory bench_server_memory(const struct bench_server *server);

/* Replace the value of a top-level key in DIR/kt-server.yaml. */
void bench_server_set(const char *folder, const char *key, const char *value);

uint64_t bench_folder_bytes(const char *folder); /* allocated on disk, subfolders included */
void bench_folder_remove(const char *folder);

#endif
