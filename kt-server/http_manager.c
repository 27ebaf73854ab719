/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/manager/update, of a Third-Party Manager: from its Service Operator only. */
#include <sodium.h>
#include <string.h>

#include "http_server.h"
#include "http_update.h"
#include "wire/manager.h"

static bool shows_operator_token(const struct kt_call *call)
{
  const char *expected = call->http->instance->operator_token;
  const struct kt_bytes token = kt_call_bearer(call);
  return expected[0] != '\0' && token.len == KT_OPERATOR_TOKEN_LEN &&
         sodium_memcmp(token.data, expected, KT_OPERATOR_TOKEN_LEN) == 0;
}

bool kt_call_is_the_operator(struct kt_call *call)
{
  if (kt_call_config(call)->mode != KT_MODE_THIRD_PARTY_MANAGEMENT) {
    kt_problem_set(&call->problem, 404, "path", "this log has no Third-Party Manager");
    return false;
  }
  if (!shows_operator_token(call)) {
    kt_problem_set(&call->problem, 403, "not-the-operator", "only the Service Operator of this log may do this");
    return false;
  }
  return true;
}

static enum kt_step begin(struct kt_call *call, const struct kt_manager_update_request *request)
{
  struct kt_log_pending *pending = NULL;
  struct kt_log_problem problem;
  struct kt_log_reader *reader = kt_call_reader_take(call);
  enum kt_err err = kt_log_manager_prepare(reader, request, &pending, &problem);
  if (err == KT_OK && pending == NULL) {
    err = kt_log_manager_respond(reader, request, NULL, NULL, &call->arena, &call->w, &problem);
  }
  kt_call_reader_put(call, reader);
  if (err != KT_OK) {
    return kt_call_refuse(call, err, &problem);
  }
  if (pending == NULL) {
    return KT_STEP_ANSWER;
  }
  kt_log_update_keep(pending, &call->arena, &call->ahead);
  enum kt_step step = kt_call_submit(call, pending);
  if (step == KT_STEP_WAIT) {
    reader = kt_call_reader_take(call);
    kt_log_manager_ahead(reader, request, &call->arena, &call->ahead);
    kt_call_reader_put(call, reader);
  }
  return step;
}

static enum kt_step finish(struct kt_call *call, const struct kt_manager_update_request *request)
{
  struct kt_log_problem problem = call->outcome.problem;
  enum kt_err err = call->outcome.err;
  if (err == KT_OK) {
    struct kt_log_reader *reader = kt_call_reader_take(call);
    err = kt_log_manager_respond(reader, request, &call->outcome, &call->ahead, &call->arena, &call->w, &problem);
    kt_call_reader_put(call, reader);
  }
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

enum kt_step kt_answer_manager_update(struct kt_call *call)
{
  const struct kt_config *config = kt_call_config(call);
  struct kt_manager_update_request request;
  enum kt_err err =
      kt_manager_update_request_decode((struct kt_bytes){ call->body, call->body_len }, config, &call->arena, &request);
  if (err != KT_OK) {
    return kt_call_refuse_body(call, err);
  }
  if (!kt_call_label_is_valid(call, request.label)) {
    return KT_STEP_REFUSE;
  }
  return call->has_outcome ? finish(call, &request) : begin(call, &request);
}
