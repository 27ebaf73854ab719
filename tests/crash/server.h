/* SPDX-License-Identifier: Apache-2.0 */
/* kt-server as a child process: started, killed, and checked while it is stopped. */
#ifndef KT_TESTS_CRASH_SERVER_H
#define KT_TESTS_CRASH_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#define CRASH_URL_SIZE 128

struct crash_server {
  const char *program;  /* path of kt-server */
  const char *dir;      /* of the log */
  const char *messages; /* file to which its output is appended */
  pid_t pid;            /* 0: not running */
  int out;              /* its standard output */
  char url[CRASH_URL_SIZE];
};

/* False when the program cannot be started at all. It is not ready yet. */
bool crash_server_start(struct crash_server *server);
/* Wait until it listens and fill url; false when it ends, or takes half a minute. */
bool crash_server_wait_ready(struct crash_server *server);
/* Send the signal and wait for the end; the status is that of waitpid. */
int crash_server_end(struct crash_server *server, int signal);
/* kt-server fsck, with the log stopped. */
bool crash_server_fsck(const struct crash_server *server);

#endif
