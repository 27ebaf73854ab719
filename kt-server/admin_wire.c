/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* struct ucred */
#include "admin_wire.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "frame.h"
#include "instance.h"
#include "json/builder.h"

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

uid_t kt_admin_peer(int fd)
{
  struct ucred peer = { .uid = (uid_t)-1 };
  socklen_t len = sizeof peer;
  (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
  return peer.uid;
}

bool kt_admin_await(int fd, int patience_ms)
{
  struct pollfd readable = { .fd = fd, .events = POLLIN };
  for (;;) {
    int n = poll(&readable, 1, patience_ms);
    int n_untaken = 0;
    if (n > 0 || (n < 0 && errno != EINTR)) {
      return true; /* an answer, an end, or no way to wait: receiving tells, in its own time */
    }
    if (n == 0 && ioctl(fd, SIOCOUTQ, &n_untaken) == 0 && n_untaken > 0) {
      return false;
    }
  }
}

bool kt_admin_send(int fd, const json_t *message)
{
  char *text = kt_json_dump(message, JSON_COMPACT);
  size_t len = text != NULL ? strlen(text) : 0;
  bool sent = len <= KT_ADMIN_MESSAGE_MAX && kt_frame_send(fd, text, len);
  free(text);
  return sent;
}

json_t *kt_admin_receive(int fd)
{
  size_t len = 0;
  if (!kt_frame_receive_length(fd, &len)) {
    return NULL;
  }
  char *text = len > 0 && len <= KT_ADMIN_MESSAGE_MAX ? malloc(len) : NULL;
  json_t *message = NULL;
  if (text != NULL && kt_frame_receive(fd, text, len)) {
    message = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  }
  free(text);
  return message;
}

/* A file travels beside one byte, which says nothing. */
struct parcel {
  char byte;
  struct iovec part;
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct msghdr message;
};

static void parcel_init(struct parcel *parcel)
{
  memset(parcel, 0, sizeof *parcel);
  parcel->part = (struct iovec){ .iov_base = &parcel->byte, .iov_len = 1 };
  parcel->message.msg_iov = &parcel->part;
  parcel->message.msg_iovlen = 1;
  parcel->message.msg_control = parcel->control;
  parcel->message.msg_controllen = sizeof parcel->control;
}

bool kt_admin_send_file(int fd, int file)
{
  struct parcel parcel;
  parcel_init(&parcel);
  struct cmsghdr *header = CMSG_FIRSTHDR(&parcel.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof file);
  memcpy(CMSG_DATA(header), &file, sizeof file);
  ssize_t n;
  do {
    n = sendmsg(fd, &parcel.message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  return n == 1;
}

int kt_admin_receive_file(int fd)
{
  struct parcel parcel;
  int file = -1;
  ssize_t n;
  parcel_init(&parcel);
  do {
    n = recvmsg(fd, &parcel.message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  const struct cmsghdr *header = n == 1 ? CMSG_FIRSTHDR(&parcel.message) : NULL;
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(sizeof file)) {
    memcpy(&file, CMSG_DATA(header), sizeof file);
  }
  return file;
}
