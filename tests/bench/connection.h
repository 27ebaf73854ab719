/* SPDX-License-Identifier: Apache-2.0 */
/* One keep-alive connection of the generator: a request going out, a response coming in. */
#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H

#include "bench.h"

struct bench_connection {
  int fd;
  bool busy;
  size_t request; /* index in the pool */
  struct kt_bytes out;
  size_t sent;
  uint64_t start_ns;
  uint8_t *in;
  size_t in_len;
  size_t in_cap;
  size_t head_len; /* 0: the head is not complete */
  size_t body_len;
  unsigned status;
};

enum bench_progress {
  BENCH_WAITING,  /* for the socket */
  BENCH_COMPLETE, /* status and body are there */
  BENCH_BROKEN,   /* closed by the server, or not the HTTP we speak */
};

/* Connected, then non-blocking; bench_die when nobody listens. */
void bench_connection_open(struct bench_connection *connection, uint16_t port);
void bench_connection_close(struct bench_connection *connection);
/* out must stay where it is until the response is complete. */
enum bench_progress bench_connection_send(struct bench_connection *connection, size_t request, struct kt_bytes out);
/* The socket is ready. */
enum bench_progress bench_connection_continue(struct bench_connection *connection);
struct kt_bytes bench_connection_body(const struct bench_connection *connection);

#endif
