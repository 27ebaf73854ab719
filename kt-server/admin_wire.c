/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "instance.h"

#define PREFIX_LEN 4

struct sockaddr_un kt_admin_address(int dir_fd)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  (void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" KT_NAME_ADMIN, dir_fd);
  return address;
}

void kt_admin_set_timeouts(int fd)
{
  const struct timeval timeout = { .tv_sec = KT_ADMIN_TIMEOUT_S };
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

static bool send_all(int fd, const void *data, size_t len)
{
  const char *at = data;
  while (len > 0) {
    ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR) {
      return false;
    }
    if (n > 0) {
      at += n;
      len -= (size_t)n;
    }
  }
  return true;
}

static bool receive_all(int fd, void *data, size_t len)
{
  char *at = data;
  while (len > 0) {
    ssize_t n = recv(fd, at, len, 0);
    if (n == 0 || (n < 0 && errno != EINTR)) {
      return false;
    }
    if (n > 0) {
      at += n;
      len -= (size_t)n;
    }
  }
  return true;
}

bool kt_admin_send(int fd, const json_t *message)
{
  char *text = json_dumps(message, JSON_COMPACT);
  size_t len = text != NULL ? strlen(text) : 0;
  const uint8_t prefix[PREFIX_LEN] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len };
  bool sent = len > 0 && len <= KT_ADMIN_MESSAGE_MAX && send_all(fd, prefix, sizeof prefix) && send_all(fd, text, len);
  free(text);
  return sent;
}

json_t *kt_admin_receive(int fd)
{
  uint8_t prefix[PREFIX_LEN];
  if (!receive_all(fd, prefix, sizeof prefix)) {
    return NULL;
  }
  size_t len = (size_t)prefix[0] << 24 | (size_t)prefix[1] << 16 | (size_t)prefix[2] << 8 | prefix[3];
  char *text = len > 0 && len <= KT_ADMIN_MESSAGE_MAX ? malloc(len) : NULL;
  json_t *message = NULL;
  if (text != NULL && receive_all(fd, text, len)) {
    message = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  }
  free(text);
  return message;
}
