/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "admin.h"
#include "admin_wire.h"
#include "names.h"
#include "trail_operate.h"

#define IMPORT_CACHE_LEAST ((uint64_t)4 << 20)
#define IMPORT_CACHE_TIMES 6 /* as much as the file has */

int kt_admin_connect(const char *dir)
{
  int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir_fd < 0) {
    return -1;
  }
  struct sockaddr_un address = kt_admin_address(dir_fd);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct timeval patience = { .tv_sec = KT_ADMIN_PATIENCE_MS / 1000 }; /* when its queue is full, too */
  if (fd >= 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
    (void)close(fd);
    fd = -1;
  }
  (void)close(dir_fd);
  return fd;
}

static enum kt_err open_with(struct kt_admin *admin, const char *dir, uint64_t cache_max, struct kt_error *error)
{
  kt_instance_init(&admin->instance);
  admin->instance.cache_max = cache_max;
  admin->is_running = false;
  enum kt_err err = kt_path_join(NULL, dir, &admin->dir, error);
  if (err != KT_OK) {
    return err;
  }
  int fd = kt_admin_connect(admin->dir.s);
  if (fd >= 0) {
    /* Closing without a request is allowed: the server only sees that nobody asked. */
    (void)close(fd);
    admin->is_running = true;
    return KT_OK;
  }
  return kt_instance_open(&admin->instance, dir, error);
}

enum kt_err kt_admin_open(struct kt_admin *admin, const char *dir, struct kt_error *error)
{
  return open_with(admin, dir, 0, error);
}

/* A line of one device with two keys has 220 bytes, and half a kilobyte of cache keeps what a label adds to the newest
 * tree; what the log has already takes less there than in its database. */
enum kt_err kt_admin_open_import(struct kt_admin *admin, const char *dir, int file, struct kt_error *error)
{
  struct stat lines;
  struct stat database;
  struct kt_path path;
  enum kt_err err = kt_path_join(dir, KT_NAME_DATABASE, &path, error);
  if (err != KT_OK) {
    return err;
  }
  bool is_known = fstat(file, &lines) == 0 && stat(path.s, &database) == 0;
  uint64_t wanted =
      is_known ? IMPORT_CACHE_LEAST + IMPORT_CACHE_TIMES * (uint64_t)lines.st_size + (uint64_t)database.st_size : 0;
  return open_with(admin, dir, wanted, error);
}

enum kt_err kt_admin_await_answer(int fd, const char *dir, struct kt_error *error)
{
  return kt_admin_await(fd, KT_ADMIN_PATIENCE_MS)
             ? KT_OK
             : kt_error_set(error, KT_ERR_UNDETERMINED,
                            "%s: the running log has not taken the request for a minute: it is answering another "
                            "command, or has no descriptor left; try again",
                            dir);
}

static enum kt_err exchange(const char *dir, const json_t *request, json_t **ret_response, struct kt_error *error)
{
  int fd = kt_admin_connect(dir);
  bool is_sent = fd >= 0 && kt_admin_send(fd, request);
  enum kt_err err = is_sent ? kt_admin_await_answer(fd, dir, error) : KT_OK;
  *ret_response = is_sent && err == KT_OK ? kt_admin_receive(fd) : NULL;
  if (err == KT_OK && *ret_response == NULL) {
    err = kt_error_set(error, KT_ERR_STORE, "%s: the running log did not answer", dir);
  }
  if (fd >= 0) {
    (void)close(fd);
  }
  return err;
}

enum kt_err kt_admin_failure(const json_t *response, struct kt_error *error)
{
  const char *text = json_string_value(json_object_get(response, "text"));
  json_int_t number = json_integer_value(json_object_get(response, "err"));
  enum kt_err err = number > KT_OK && number <= KT_ERR_CRYPTO ? (enum kt_err)number : KT_ERR_STORE;
  return kt_error_set(error, err, "%s", text != NULL ? text : "the running log answered with something unexpected");
}

static enum kt_err operate_here(struct kt_instance *instance, const json_t *request, json_t **ret_response,
                                struct kt_error *error)
{
  *ret_response = kt_operate_recorded(instance, request, getuid());
  return *ret_response != NULL ? KT_OK : kt_error_set(error, KT_ERR_MEMORY, "out of memory");
}

enum kt_err kt_admin_call(struct kt_admin *admin, const json_t *request, json_t **ret_response, struct kt_error *error)
{
  json_t *response = NULL;
  enum kt_err err = admin->is_running ? exchange(admin->dir.s, request, &response, error)
                                      : operate_here(&admin->instance, request, &response, error);
  if (err == KT_OK && !json_is_true(json_object_get(response, "ok"))) {
    err = kt_admin_failure(response, error);
  }
  if (err == KT_OK) {
    *ret_response = response;
  } else {
    json_decref(response);
  }
  return err;
}

void kt_admin_close(struct kt_admin *admin)
{
  kt_instance_release(&admin->instance);
}

enum kt_err kt_admin_ask(const char *dir, json_t *request, bool *ret_is_running, json_t **ret_response,
                         struct kt_error *error)
{
  struct kt_admin admin;
  enum kt_err err = kt_admin_open(&admin, dir, error);
  if (err == KT_OK) {
    err = kt_admin_call(&admin, request, ret_response, error);
  }
  if (err == KT_OK && ret_is_running != NULL) {
    *ret_is_running = admin.is_running;
  }
  kt_admin_close(&admin);
  json_decref(request);
  return err;
}
