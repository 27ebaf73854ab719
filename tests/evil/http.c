/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define HEAD_MAX 4096
#define PATIENCE_S 30

static void die(const char *what)
{
  perror(what);
  exit(1);
}

int evil_http_listen(unsigned *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)*port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t len = sizeof address;
  const int yes = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      bind(fd, (const struct sockaddr *)&address, len) != 0 || listen(fd, 64) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
    die("kt-evil-server: listen");
  }
  *port = ntohs(address.sin_port);
  return fd;
}

/* Until the empty line; what came of the body is behind it. The length of the head with that line, or 0. */
static size_t receive_head(int fd, char head[static HEAD_MAX + 1], size_t *ret_len)
{
  size_t len = 0;
  while (len < HEAD_MAX) {
    ssize_t n = recv(fd, head + len, HEAD_MAX - len, 0);
    if (n <= 0) {
      return 0;
    }
    len += (size_t)n;
    head[len] = '\0';
    const char *end = strstr(head, "\r\n\r\n");
    if (end != NULL) {
      *ret_len = len;
      return (size_t)(end - head) + 4;
    }
  }
  return 0;
}

static size_t content_length(const char *head)
{
  static const char name[] = "\r\nContent-Length:";
  for (const char *at = strstr(head, "\r\n"); at != NULL; at = strstr(at + 1, "\r\n")) {
    if (strncasecmp(at, name, sizeof name - 1) == 0) {
      return strtoul(at + sizeof name - 1, NULL, 10);
    }
  }
  return 0;
}

static bool receive_body(struct evil_call *call, const char *begun, size_t n_begun, size_t length)
{
  if (length > EVIL_REQUEST_MAX || n_begun > length) {
    return false;
  }
  call->body = malloc(length + 1);
  if (call->body == NULL) {
    die("kt-evil-server");
  }
  memcpy(call->body, begun, n_begun);
  call->body_len = n_begun;
  while (call->body_len < length) {
    ssize_t n = recv(call->fd, call->body + call->body_len, length - call->body_len, 0);
    if (n <= 0) {
      return false;
    }
    call->body_len += (size_t)n;
  }
  call->body[length] = '\0';
  return true;
}

static bool receive(struct evil_call *call)
{
  char head[HEAD_MAX + 1];
  size_t len = 0;
  const struct timeval patience = { .tv_sec = PATIENCE_S };
  (void)setsockopt(call->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  size_t head_len = receive_head(call->fd, head, &len);
  if (head_len == 0 || sscanf(head, "%7s %255s", call->method, call->path) != 2) {
    return false;
  }
  char after = head[head_len - 2];
  head[head_len - 2] = '\0';
  size_t length = content_length(head);
  head[head_len - 2] = after;
  return receive_body(call, head + head_len, len - head_len, length);
}

bool evil_http_receive(int listening, struct evil_call *ret_call)
{
  *ret_call = (struct evil_call){ .fd = accept(listening, NULL, NULL) };
  if (ret_call->fd < 0) {
    die("kt-evil-server: accept");
  }
  if (receive(ret_call)) {
    return true;
  }
  free(ret_call->body);
  close(ret_call->fd);
  return false;
}

static void send_all(int fd, const void *data, size_t len)
{
  const uint8_t *at = data;
  while (len > 0) {
    ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
    if (n <= 0) {
      return; /* the client went away */
    }
    at += n;
    len -= (size_t)n;
  }
}

void evil_http_answer(struct evil_call *call, int status, const char *type, struct kt_bytes body)
{
  char head[256];
  int n = snprintf(head, sizeof head,
                   "HTTP/1.1 %d Answer\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
                   type, body.len);
  send_all(call->fd, head, (size_t)n);
  send_all(call->fd, body.data, body.len);
  close(call->fd);
  free(call->body);
}
