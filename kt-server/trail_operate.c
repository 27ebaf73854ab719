/* SPDX-License-Identifier: Apache-2.0 */
#include "trail_operate.h"

#include <string.h>
#include <unistd.h>

#include "access.h"
#include "trail.h"

/* Requests that change something, and the verb that makes them. */
static const struct {
  const char *op;
  const char *action;
} actions[] = {
  { "token", "token" },
  { "insert", "update-label" },
  { "erase", "erase" },
  { "accept-clock", "accept-clock" },
  { "access-create", "access-create" },
  { "access-revoke", "access-revoke" },
};

static const char *action_of(const json_t *request)
{
  const char *op = json_string_value(json_object_get(request, "op"));
  for (size_t i = 0; op != NULL && i < sizeof actions / sizeof actions[0]; i++) {
    if (strcmp(op, actions[i].op) == 0) {
      return actions[i].action;
    }
  }
  return NULL;
}

/* 0: nothing that is counted. */
static uint64_t n_touched(const json_t *response)
{
  const json_t *erased = json_object_get(response, "erased");
  return (uint64_t)json_integer_value(json_object_get(erased, "versions"));
}

json_t *kt_operate_recorded(struct kt_instance *instance, const json_t *request, uid_t uid)
{
  struct kt_error error;
  const char *action = action_of(request);
  json_t *response = kt_access_operate(instance->access, request, kt_now_ms());
  if (response == NULL) {
    response = kt_operate(instance, request);
  }
  if (action == NULL || response == NULL) {
    return response;
  }
  bool done = json_is_true(json_object_get(response, "ok"));
  const struct kt_trail_record record = { action, done ? "done" : "failed", n_touched(response), uid };
  enum kt_err err = kt_trail_append(instance->dir.s, &record, kt_now_ms(), &error);
  if (err == KT_OK || !done) {
    return response;
  }
  json_decref(response);
  struct kt_error whole;
  (void)kt_error_set(&whole, err, "it is done, but not on record: %.500s", error.text);
  return kt_operate_failure(err, whole.text);
}

enum kt_err kt_record(const struct kt_instance *instance, const char *action, const char *result, uint64_t n,
                      struct kt_error *error)
{
  const struct kt_trail_record record = { action, result, n, getuid() };
  enum kt_err err = kt_trail_append(instance->dir.s, &record, kt_now_ms(), error);
  if (err != KT_OK) {
    kt_say("\"%s\" is not on record: %s", action, error->text);
  }
  return err;
}
