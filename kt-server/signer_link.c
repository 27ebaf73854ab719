/* SPDX-License-Identifier: Apache-2.0 */
/* The log's end of the connection to its signer. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "signer.h"

#define UNIX_PREFIX "unix:"
#define CHILD_FD 3
#define TIMEOUT_S 60 /* a disk may take that long, and a signer that is stuck must not be waited for forever */

extern char **environ;

struct kt_signer {
  pthread_mutex_t lock; /* one exchange at a time */
  int fd;
  pid_t child;    /* 0: a service */
  bool has_begun; /* a request to sign is under way, and the lock is held */
};

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* The signals of the terminal or of the service manager are for the log, which still needs its signer while it
 * drains. */
static int spawn(int fd, const struct kt_signer_place *place, pid_t *ret_pid)
{
  char name[] = "kt-server";
  char verb[] = "signer";
  char option[] = "--fd=3";
  char accept_missing[] = "--accept-missing-guard";
  char no_sandbox[] = "--no-sandbox";
  char ends[] = "--";
  char dir[KT_PATH_SIZE];
  (void)snprintf(dir, sizeof dir, "%s", place->dir);
  char *arguments[8] = { name, verb, option };
  size_t n = 3;
  if (place->guard_may_be_missing) {
    arguments[n++] = accept_missing;
  }
  if (place->has_no_sandbox) {
    arguments[n++] = no_sandbox;
  }
  arguments[n++] = ends;
  arguments[n] = dir;
  posix_spawn_file_actions_t actions;
  int rc = posix_spawn_file_actions_init(&actions);
  if (rc == 0) {
    rc = posix_spawn_file_actions_adddup2(&actions, fd, CHILD_FD);
    if (rc == 0) {
      rc = posix_spawn(ret_pid, "/proc/self/exe", &actions, NULL, arguments, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
  }
  return rc;
}

static enum kt_err start_child(struct kt_signer *signer, const struct kt_signer_place *place, struct kt_error *error)
{
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return kt_error_set(error, KT_ERR_STORE, "starting the signer: %s", strerror(errno));
  }
  signer->fd = fds[0];
  int rc = spawn(fds[1], place, &signer->child);
  (void)close(fds[1]);
  if (rc != 0) {
    signer->child = 0;
    return kt_error_set(error, KT_ERR_STORE, "starting the signer: %s", strerror(rc));
  }
  return KT_OK;
}

static enum kt_err connect_service(struct kt_signer *signer, const struct kt_signer_place *place,
                                   struct kt_error *error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct kt_path path;
  enum kt_err err = kt_path_join(place->dir, place->address + sizeof UNIX_PREFIX - 1, &path, error);
  if (err != KT_OK) {
    return err;
  }
  if (strlen(path.s) >= sizeof address.sun_path) {
    return kt_error_set(error, KT_ERR_LIMIT, "the path of a unix socket has at most %zu bytes: %s",
                        sizeof address.sun_path - 1, path.s);
  }
  memcpy(address.sun_path, path.s, strlen(path.s) + 1);
  signer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (signer->fd < 0 || connect(signer->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
    return kt_error_set(error, KT_ERR_UNDETERMINED, "the signer at %s cannot be reached: %s", path.s, strerror(errno));
  }
  return KT_OK;
}

enum kt_err kt_signer_open(const struct kt_signer_place *place, struct kt_signer **ret_signer, struct kt_error *error)
{
  const struct timeval timeout = { .tv_sec = TIMEOUT_S };
  struct kt_signer *signer = malloc(sizeof *signer);
  if (signer == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  *signer = (struct kt_signer){ .fd = -1 };
  pthread_mutex_init(&signer->lock, NULL);
  bool is_service = strncmp(place->address, UNIX_PREFIX, sizeof UNIX_PREFIX - 1) == 0;
  enum kt_err err = is_service ? connect_service(signer, place, error) : start_child(signer, place, error);
  if (err != KT_OK) {
    kt_signer_close(signer);
    return err;
  }
  (void)setsockopt(signer->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  (void)setsockopt(signer->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  *ret_signer = signer;
  return KT_OK;
}

void kt_signer_close(struct kt_signer *signer)
{
  if (signer == NULL) {
    return;
  }
  if (signer->fd >= 0) {
    (void)close(signer->fd);
  }
  if (signer->child > 0) {
    (void)waitpid(signer->child, NULL, 0);
  }
  pthread_mutex_destroy(&signer->lock);
  free(signer);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static bool send_request(struct kt_signer *signer, enum kt_signer_request_type type,
                         const struct kt_log_extension *extension)
{
  uint8_t message[KT_SIGNER_MESSAGE_MAX];
  size_t len = kt_signer_request_encode(type, extension, message);
  return len > 0 && kt_frame_send(signer->fd, message, len);
}

static enum kt_err receive_response(struct kt_signer *signer, enum kt_signer_request_type type,
                                    struct kt_signer_response *ret_response, struct kt_error *error)
{
  uint8_t message[KT_SIGNER_MESSAGE_MAX];
  size_t len = 0;
  if (!kt_frame_receive_length(signer->fd, &len) || len > sizeof message ||
      !kt_frame_receive(signer->fd, message, len) ||
      kt_signer_response_decode(type, (struct kt_bytes){ message, len }, ret_response) != KT_OK) {
    return kt_error_set(error, KT_ERR_STORE, "the signer does not answer");
  }
  *error = ret_response->error;
  return ret_response->err;
}

enum kt_err kt_signer_guard(struct kt_signer *signer, struct kt_log_guard *ret_guard, struct kt_error *error)
{
  struct kt_signer_response response = { .err = KT_ERR_STORE };
  enum kt_err err = KT_ERR_STORE;
  pthread_mutex_lock(&signer->lock);
  if (send_request(signer, KT_SIGNER_GUARD, NULL)) {
    err = receive_response(signer, KT_SIGNER_GUARD, &response, error);
  } else {
    (void)kt_error_set(error, err, "the signer does not answer");
  }
  pthread_mutex_unlock(&signer->lock);
  if (err == KT_OK) {
    *ret_guard = response.guard;
  }
  return err;
}

void kt_signer_begin(struct kt_signer *signer, const struct kt_log_extension *extension)
{
  pthread_mutex_lock(&signer->lock);
  signer->has_begun = send_request(signer, KT_SIGNER_SIGN, extension);
  if (!signer->has_begun) {
    pthread_mutex_unlock(&signer->lock);
  }
}

enum kt_err kt_signer_sign(struct kt_signer *signer, const struct kt_log_extension *extension,
                           uint8_t ret_signature[static KT_SIGNATURE_MAX], struct kt_error *error)
{
  struct kt_signer_response response;
  if (!signer->has_begun) {
    kt_signer_begin(signer, extension);
  }
  if (!signer->has_begun) {
    return kt_error_set(error, KT_ERR_STORE, "the signer does not answer");
  }
  enum kt_err err = receive_response(signer, KT_SIGNER_SIGN, &response, error);
  signer->has_begun = false;
  pthread_mutex_unlock(&signer->lock);
  if (err == KT_OK) {
    memcpy(ret_signature, response.signature, sizeof response.signature);
  }
  return err;
}
