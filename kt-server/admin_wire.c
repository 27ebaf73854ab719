/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* struct ucred */
#include "admin_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "frame.h"
#include "instance.h"

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

bool kt_admin_send(int fd, const json_t *message)
{
  char *text = json_dumps(message, JSON_COMPACT);
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
