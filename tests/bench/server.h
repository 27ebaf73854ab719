/* SPDX-License-Identifier: Apache-2.0 */
/* kt-server as a child process: verbs, a running log, what the kernel knows about it, and its folder. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <sys/types.h>

#include "bench.h"

struct bench_cost {
  pid_t pid; /* it had */
  double seconds;
  double cpu_s;
  uint64_t peak_kib; /* resident */
};

/* Run a program to its end: program argv[0] …, NULL-terminated; its output goes to the log file. Another exit code than
 * 0 is bench_die. */
struct bench_cost bench_run(const char *program, const char *log_path, const char *const *argv);

struct bench_server {
  pid_t pid;
  int out;
  uint16_t port;
  double ready_s; /* from fork to "listening on" */
};

/* In a child that ends with this process, whatever ends that. */
void bench_child_begin(void);

void bench_server_start(struct bench_server *server, const char *program, const char *log_path, const char *folder);
/* SIGTERM or SIGKILL, and wait. SIGTERM must end with exit code 0. Returns the seconds it took. */
double bench_server_stop(struct bench_server *server, int signal);

/* The server and its children (the signer). */
#define BENCH_PIDS_MAX 8
size_t bench_server_pids(const struct bench_server *server, pid_t ret_pids[static BENCH_PIDS_MAX]);

/* User and system time so far, of its children too. */
/* Wait until it has nothing left to do: it fills its cache after a start, some seconds at a million labels. */
void bench_server_settle(const struct bench_server *server);
double bench_server_cpu_s(const struct bench_server *server);

struct bench_memory {
  uint64_t resident_kib;
  uint64_t peak_kib;
};
/* Of its children too; what they share is counted for each. */
struct bench_memory bench_server_memory(const struct bench_server *server);

/* Replace the value of a top-level key in DIR/kt-server.yaml. */
void bench_server_set(const char *folder, const char *key, const char *value);
/* Number at a top-level key; 0 when there is none. */
unsigned bench_server_setting(const char *folder, const char *key);

/* libmicrohttpd alone, as kt-server starts it: whatever is asked, the same answer of as many bytes. What an HTTP exchange
 * costs before anybody thinks about it. A child process; bench_server_stop with SIGKILL. */
void bench_static_start(struct bench_server *server, size_t body_len, unsigned n_threads);

uint64_t bench_folder_bytes(const char *folder); /* allocated on disk, subfolders included */
void bench_folder_remove(const char *folder);    /* with everything below; it may be absent */

#endif
