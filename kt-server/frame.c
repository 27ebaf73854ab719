/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <errno.h>
#include <sys/socket.h>

#define PREFIX_LEN 4

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

bool kt_frame_receive(int fd, void *data, size_t len)
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

bool kt_frame_send(int fd, const void *data, size_t len)
{
  const uint8_t prefix[PREFIX_LEN] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len };
  return len > 0 && len <= UINT32_MAX && send_all(fd, prefix, sizeof prefix) && send_all(fd, data, len);
}

bool kt_frame_receive_length(int fd, size_t *ret_len)
{
  uint8_t prefix[PREFIX_LEN];
  if (!kt_frame_receive(fd, prefix, sizeof prefix)) {
    return false;
  }
  *ret_len = (size_t)prefix[0] << 24 | (size_t)prefix[1] << 16 | (size_t)prefix[2] << 8 | prefix[3];
  return true;
}
