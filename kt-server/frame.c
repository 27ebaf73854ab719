/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PREFIX_LEN 4

/* Of both parts, what is left behind the first n bytes. */
static void advance(struct iovec parts[static 2], size_t n)
{
  for (size_t i = 0; i < 2; i++) {
    size_t taken = n < parts[i].iov_len ? n : parts[i].iov_len;
    parts[i].iov_base = (char *)parts[i].iov_base + taken;
    parts[i].iov_len -= taken;
    n -= taken;
  }
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

/* At once, so that the peer is woken once. */
bool kt_frame_send(int fd, const void *data, size_t len)
{
  uint8_t prefix[PREFIX_LEN] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len };
  struct iovec parts[2] = { { prefix, sizeof prefix }, { (void *)(uintptr_t)data, len } };
  const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
  if (len == 0 || len > UINT32_MAX) {
    return false;
  }
  while (parts[0].iov_len + parts[1].iov_len > 0) {
    ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR) {
      return false;
    }
    advance(parts, n > 0 ? (size_t)n : 0);
  }
  return true;
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
