/* SPDX-License-Identifier: Apache-2.0 */
#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define HOST_SIZE 256
#define BACKLOG 512

static bool is_unix(const char *text)
{
  return strncmp(text, UNIX_PREFIX, sizeof UNIX_PREFIX - 1) == 0;
}

/* "HOST:PORT", "[HOST]:PORT". */
static bool split(const char *text, char ret_host[static HOST_SIZE], const char **ret_port)
{
  const char *colon = strrchr(text, ':');
  if (colon == NULL || colon == text || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1)) {
    return false;
  }
  size_t len = (size_t)(colon - text);
  if (text[0] == '[' && text[len - 1] == ']') {
    text++;
    len -= 2;
  } else if (memchr(text, ':', len) != NULL) {
    return false; /* IPv6 without brackets: which colon is the port's? */
  }
  if (len == 0 || len >= HOST_SIZE) {
    return false;
  }
  memcpy(ret_host, text, len);
  ret_host[len] = '\0';
  *ret_port = colon + 1;
  return true;
}

static enum kt_err resolve(const char *text, struct addrinfo **ret_info, struct kt_error *error)
{
  char host[HOST_SIZE];
  const char *port = NULL;
  struct addrinfo hints = { .ai_family = AF_UNSPEC,
                            .ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
  if (!split(text, host, &port)) {
    return kt_error_set(error, KT_ERR_FORMAT, "\"%s\" is not ADDR:PORT, [IPV6]:PORT or unix:PATH", text);
  }
  if (strcmp(host, "localhost") == 0) {
    (void)snprintf(host, sizeof host, "127.0.0.1");
  }
  /* The resolver takes larger ports modulo 65536. */
  if (strlen(port) > 5 || (strlen(port) == 5 && strcmp(port, "65535") > 0) ||
      getaddrinfo(host, port, &hints, ret_info) != 0) {
    return kt_error_set(error, KT_ERR_FORMAT, "\"%s\" is not a numeric address and port", text);
  }
  return KT_OK;
}

enum kt_err kt_listen_check(const char *text, struct kt_error *error)
{
  struct addrinfo *info = NULL;
  if (is_unix(text)) {
    return text[sizeof UNIX_PREFIX - 1] != '\0' ? KT_OK : kt_error_set(error, KT_ERR_FORMAT, "unix: without a path");
  }
  enum kt_err err = resolve(text, &info, error);
  if (err == KT_OK) {
    freeaddrinfo(info);
  }
  return err;
}

static enum kt_err fail(const char *text, struct kt_error *error)
{
  const char *hint = errno == EADDRINUSE ? " (another program listens there)"
                     : errno == EEXIST   ? " (and is no socket)"
                                         : "";
  return kt_error_set(error, KT_ERR_UNDETERMINED, "listening on %s: %s%s", text, strerror(errno), hint);
}

static void describe(int fd, char *ret_url, size_t size)
{
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  char host[HOST_SIZE] = "?";
  char port[16] = "?";
  if (getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
    (void)getnameinfo((const struct sockaddr *)&address, len, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV);
  }
  bool is_v6 = strchr(host, ':') != NULL;
  (void)snprintf(ret_url, size, "http://%s%s%s:%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
}

static enum kt_err open_tcp(const char *text, struct kt_listener *listener, struct kt_error *error)
{
  struct addrinfo *info = NULL;
  enum kt_err err = resolve(text, &info, error);
  if (err != KT_OK || info == NULL) {
    return err;
  }
  const int on = 1;
  listener->fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  /* Connections of a previous run that linger must not keep a restart from its port. */
  if (listener->fd < 0 || setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(listener->fd, info->ai_addr, info->ai_addrlen) != 0 || listen(listener->fd, BACKLOG) != 0) {
    err = fail(text, error);
  } else {
    describe(listener->fd, listener->url, sizeof listener->url);
  }
  freeaddrinfo(info);
  return err;
}

/* A socket file that nobody serves any more may go; anything else stays. */
static bool remove_stale(const struct sockaddr_un *address)
{
  struct stat info;
  if (lstat(address->sun_path, &info) != 0) {
    return errno == ENOENT;
  }
  int fd = S_ISSOCK(info.st_mode) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
  bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
  if (fd >= 0) {
    (void)close(fd);
  }
  errno = S_ISSOCK(info.st_mode) ? EADDRINUSE : EEXIST;
  return stale && unlink(address->sun_path) == 0;
}

static enum kt_err open_unix(const char *text, const char *dir, struct kt_listener *listener, struct kt_error *error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  enum kt_err err = kt_path_join(dir, text + sizeof UNIX_PREFIX - 1, &listener->unix_path, error);
  if (err != KT_OK) {
    return err;
  }
  if (strlen(listener->unix_path.s) >= sizeof address.sun_path) {
    return kt_error_set(error, KT_ERR_LIMIT, "the path of a unix socket has at most %zu bytes: %s",
                        sizeof address.sun_path - 1, listener->unix_path.s);
  }
  memcpy(address.sun_path, listener->unix_path.s, strlen(listener->unix_path.s) + 1);
  listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener->fd < 0 || !remove_stale(&address) ||
      bind(listener->fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
      chmod(address.sun_path, 0660) != 0 || /* a proxy has another user, and our group */
      listen(listener->fd, BACKLOG) != 0) {
    return fail(text, error);
  }
  (void)snprintf(listener->url, sizeof listener->url, UNIX_PREFIX "%.300s", listener->unix_path.s);
  return KT_OK;
}

enum kt_err kt_listen_open(const char *text, const char *dir, struct kt_listener *ret_listener, struct kt_error *error)
{
  struct kt_listener listener = { .fd = -1 };
  enum kt_err err = kt_listen_check(text, error);
  if (err == KT_OK) {
    err = is_unix(text) ? open_unix(text, dir, &listener, error) : open_tcp(text, &listener, error);
  }
  if (err != KT_OK) {
    if (listener.fd >= 0) {
      (void)close(listener.fd);
    }
    return err;
  }
  *ret_listener = listener;
  return KT_OK;
}

enum kt_err kt_listen_give(const struct kt_listener *listener, uid_t uid, gid_t gid, struct kt_error *error)
{
  const char *path = listener->unix_path.s;
  return path[0] == '\0' || lchown(path, uid, gid) == 0
             ? KT_OK
             : kt_error_set(error, KT_ERR_STORE, "giving %s to another user: %s", path, strerror(errno));
}

void kt_listen_remove(const struct kt_listener *listener)
{
  if (listener->unix_path.s[0] != '\0') {
    (void)unlink(listener->unix_path.s);
  }
}
