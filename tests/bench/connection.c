/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_CAP_FIRST ((size_t)32 << 10)
#define IN_CAP_MAX ((size_t)64 << 20)

void bench_connection_open(struct bench_connection *connection, uint16_t port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
  int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
      fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    bench_die("cannot connect to 127.0.0.1:%u: %s", port, strerror(errno));
  }
  *connection = (struct bench_connection){ .fd = fd, .in = bench_alloc(IN_CAP_FIRST, 1), .in_cap = IN_CAP_FIRST };
}

void bench_connection_close(struct bench_connection *connection)
{
  (void)close(connection->fd);
  free(connection->in);
  *connection = (struct bench_connection){ .fd = -1 };
}

static enum bench_progress send_rest(struct bench_connection *connection)
{
  while (connection->sent < connection->out.len) {
    ssize_t n = send(connection->fd, connection->out.data + connection->sent, connection->out.len - connection->sent,
                     MSG_NOSIGNAL);
    if (n < 0) {
      return errno == EAGAIN || errno == EINTR ? BENCH_WAITING : BENCH_BROKEN;
    }
    connection->sent += (size_t)n;
  }
  return BENCH_WAITING;
}

enum bench_progress bench_connection_send(struct bench_connection *connection, size_t request, struct kt_bytes out)
{
  connection->busy = true;
  connection->request = request;
  connection->out = out;
  connection->sent = 0;
  connection->in_len = 0;
  connection->head_len = 0;
  connection->start_ns = bench_now_ns();
  return send_rest(connection);
}

/* --- the response ------------------------------------------------------------------------------------------------- */

/* The number in front of which `name` stands, as libmicrohttpd writes it. */
static bool read_number(const uint8_t *in, size_t len, const char *name, size_t *ret_number)
{
  const uint8_t *at = memmem(in, len, name, strlen(name));
  size_t number = 0;
  if (at == NULL) {
    return false;
  }
  at += strlen(name);
  const uint8_t *start = at;
  for (; at < in + len && isdigit(*at) && number < IN_CAP_MAX; at++) {
    number = number * 10 + (size_t)(*at - '0');
  }
  *ret_number = number;
  return at > start;
}

/* "HTTP/1.1 200 …" and Content-Length; a response without one is not one of this server's. */
static bool read_head(struct bench_connection *connection)
{
  size_t status = 0;
  size_t len = connection->head_len;
  bool ok = read_number(connection->in, len, "HTTP/1.1 ", &status) &&
            read_number(connection->in, len, "\r\nContent-Length: ", &connection->body_len);
  connection->status = (unsigned)status;
  return ok && connection->body_len < IN_CAP_MAX - len;
}

static void reserve(struct bench_connection *connection, size_t len)
{
  if (len <= connection->in_cap) {
    return;
  }
  uint8_t *grown = realloc(connection->in, len);
  if (grown == NULL) {
    bench_die("out of memory");
  }
  connection->in = grown;
  connection->in_cap = len;
}

static enum bench_progress judge(struct bench_connection *connection)
{
  if (connection->head_len == 0) {
    const uint8_t *end = memmem(connection->in, connection->in_len, "\r\n\r\n", 4);
    if (end == NULL) {
      return connection->in_len == connection->in_cap ? BENCH_BROKEN : BENCH_WAITING;
    }
    connection->head_len = (size_t)(end + 4 - connection->in);
    if (!read_head(connection)) {
      return BENCH_BROKEN;
    }
    reserve(connection, connection->head_len + connection->body_len);
  }
  size_t whole = connection->head_len + connection->body_len;
  if (connection->in_len > whole) {
    return BENCH_BROKEN;
  }
  return connection->in_len == whole ? BENCH_COMPLETE : BENCH_WAITING;
}

enum bench_progress bench_connection_continue(struct bench_connection *connection)
{
  if (send_rest(connection) == BENCH_BROKEN) {
    return BENCH_BROKEN;
  }
  for (;;) {
    ssize_t n = recv(connection->fd, connection->in + connection->in_len, connection->in_cap - connection->in_len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      return BENCH_WAITING;
    }
    if (n <= 0 || !connection->busy) {
      return BENCH_BROKEN;
    }
    connection->in_len += (size_t)n;
    enum bench_progress progress = judge(connection);
    if (progress != BENCH_WAITING) {
      return progress;
    }
  }
}

struct kt_bytes bench_connection_body(const struct bench_connection *connection)
{
  return (struct kt_bytes){ connection->in + connection->head_len, connection->body_len };
}
