/* SPDX-License-Identifier: Apache-2.0 */
/* An import through admin.sock, both ends (admin.h gives the messages). */
#include <unistd.h>

#include "admin.h"
#include "admin_wire.h"
#include "json/builder.h"

/* --- in `run` ----------------------------------------------------------------------------------------------------- */

struct answer {
  int fd;
  const atomic_bool *stopping;
  bool is_gone; /* the client */
};

/* Takes the reference. */
static void tell(struct answer *answer, json_t *message)
{
  answer->is_gone = answer->is_gone || message == NULL || !kt_admin_send(answer->fd, message);
  json_decref(message);
}

static json_t *progress_view(const struct kt_import_progress *progress)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "checking", json_boolean(progress->is_checking));
  kt_json_set(&b, "bytes_done", kt_json_u64(progress->bytes_done));
  kt_json_set(&b, "bytes", kt_json_u64(progress->bytes));
  kt_json_set(&b, "inserted", kt_json_u64(progress->n_inserted));
  kt_json_set(&b, "unchanged", kt_json_u64(progress->n_unchanged));
  kt_json_set(&b, "refused", kt_json_u64(progress->n_refused));
  return kt_json_end(&b);
}

static void tell_refused(void *ctx, uint64_t line, const char *text)
{
  tell(ctx, json_pack("{s:o, s:o}", "line", kt_json_u64(line), "text", kt_json_lossy(text)));
}

static bool tell_progress(void *ctx, const struct kt_import_progress *progress)
{
  struct answer *answer = ctx;
  tell(answer, json_pack("{s:o}", "progress", progress_view(progress)));
  return !answer->is_gone && !atomic_load(answer->stopping);
}

void kt_admin_answer_import(struct kt_instance *instance, int fd, int file, bool check_first,
                            const atomic_bool *stopping)
{
  struct answer answer = { .fd = fd, .stopping = stopping };
  const struct kt_import_listener listener = { .ctx = &answer, .refused = tell_refused, .progress = tell_progress };
  struct kt_import_progress progress = { .bytes = 0 };
  struct kt_error error;
  enum kt_err err = kt_import_run(instance, file, check_first, &listener, &progress, &error);
  json_t *last = err == KT_OK ? json_pack("{s:b}", "ok", 1) : kt_operate_failure(err, error.text);
  if (last != NULL && json_object_set_new(last, "progress", progress_view(&progress)) == 0) {
    tell(&answer, json_incref(last));
  }
  json_decref(last);
}

/* --- in the verb -------------------------------------------------------------------------------------------------- */

static uint64_t number(const json_t *object, const char *key)
{
  return (uint64_t)json_integer_value(json_object_get(object, key));
}

static struct kt_import_progress read_progress(const json_t *object)
{
  return (struct kt_import_progress){ .is_checking = json_is_true(json_object_get(object, "checking")),
                                      .bytes_done = number(object, "bytes_done"),
                                      .bytes = number(object, "bytes"),
                                      .n_inserted = number(object, "inserted"),
                                      .n_unchanged = number(object, "unchanged"),
                                      .n_refused = number(object, "refused") };
}

/* One message; true: it was the last, and *ret_err is the result. */
static bool take_message(const json_t *message, const struct kt_import_listener *listener,
                         struct kt_import_progress *progress, enum kt_err *ret_err, struct kt_error *error)
{
  const json_t *ok = json_object_get(message, "ok");
  const json_t *view = json_object_get(message, "progress");
  const char *text = json_string_value(json_object_get(message, "text"));
  if (view != NULL) {
    *progress = read_progress(view);
  }
  if (ok != NULL) {
    *ret_err = json_is_true(ok) ? KT_OK : kt_admin_failure(message, error);
    return true;
  }
  if (view == NULL) {
    listener->refused(listener->ctx, number(message, "line"), text != NULL ? text : "no reason given");
  } else if (!listener->progress(listener->ctx, progress)) {
    *ret_err = kt_error_set(error, KT_ERR_UNDETERMINED, "ended early; the same import again goes on from there");
    return true;
  }
  return false;
}

static enum kt_err follow(int fd, const struct kt_import_listener *listener, struct kt_import_progress *progress,
                          struct kt_error *error)
{
  enum kt_err err = KT_OK;
  bool is_last = false;
  while (!is_last) {
    json_t *message = kt_admin_receive(fd);
    if (message == NULL) {
      return kt_error_set(error, KT_ERR_UNDETERMINED,
                          "the running log ended before the import did; the same import again goes on from there");
    }
    is_last = take_message(message, listener, progress, &err, error);
    json_decref(message);
  }
  return err;
}

static enum kt_err import_there(const char *dir, int file, bool check_first, const struct kt_import_listener *listener,
                                struct kt_import_progress *progress, struct kt_error *error)
{
  int fd = kt_admin_connect(dir);
  json_t *request = json_pack("{s:s, s:b}", "op", "import", "check", (int)check_first);
  enum kt_err err = KT_OK;
  if (fd < 0 || request == NULL || !kt_admin_send(fd, request) || !kt_admin_send_file(fd, file)) {
    err = kt_error_set(error, KT_ERR_UNDETERMINED, "%s: the running log did not answer", dir);
  }
  json_decref(request);
  if (err == KT_OK) {
    err = kt_admin_await_answer(fd, dir, error);
  }
  if (err == KT_OK) {
    err = follow(fd, listener, progress, error);
  }
  if (fd >= 0) {
    (void)close(fd);
  }
  return err;
}

static enum kt_err import_here(struct kt_instance *instance, int file, bool check_first,
                               const struct kt_import_listener *listener, struct kt_import_progress *progress,
                               struct kt_error *error)
{
  if (instance->log != NULL && kt_log_start(instance->log) != KT_OK) {
    return kt_error_set(error, KT_ERR_MEMORY, "the log's thread cannot be started");
  }
  return kt_import_run(instance, file, check_first, listener, progress, error);
}

enum kt_err kt_admin_import(struct kt_admin *admin, int file, bool check_first,
                            const struct kt_import_listener *listener, struct kt_import_progress *ret_progress,
                            struct kt_error *error)
{
  struct kt_import_progress progress = { .bytes = 0 };
  enum kt_err err = admin->is_running ? import_there(admin->dir.s, file, check_first, listener, &progress, error)
                                      : import_here(&admin->instance, file, check_first, listener, &progress, error);
  *ret_progress = progress;
  return err;
}
