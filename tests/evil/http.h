/* SPDX-License-Identifier: Apache-2.0 */
/* As much of an HTTP/1.1 server as one client after the other needs: a connection is one request and one answer. Without
 * threads, so that the process may fork between two requests. Failures of sockets end the program. */
#ifndef KT_TESTS_EVIL_HTTP_H
#define KT_TESTS_EVIL_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <kt/bytes.h>

#define EVIL_REQUEST_MAX ((size_t)1 << 20)

struct evil_call {
  int fd;
  char method[8];
  char path[256]; /* with the query */
  uint8_t *body;  /* freed by evil_http_answer */
  size_t body_len;
};

/* A socket on 127.0.0.1; *port 0 picks one. */
int evil_http_listen(unsigned *port);
/* The next request; false: the connection ended before it was complete, or it is none. */
bool evil_http_receive(int listening, struct evil_call *ret_call);
void evil_http_answer(struct evil_call *call, int status, const char *type, struct kt_bytes body);

#endif
