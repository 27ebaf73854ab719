/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/update: prepared here, inserted by the sequencer while the connection is parked, answered here. */
#include <string.h>

#include "access.h"
#include "http_update.h"

struct kt_bytes kt_call_bearer(const struct kt_call *call)
{
  static const char scheme[] = "Bearer ";
  const char *header = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
  if (header == NULL || strncmp(header, scheme, sizeof scheme - 1) != 0) {
    return (struct kt_bytes){ 0 };
  }
  header += sizeof scheme - 1;
  if (strncmp(header, KT_ACCESS_PREFIX, sizeof KT_ACCESS_PREFIX - 1) == 0) {
    return (struct kt_bytes){ 0 }; /* who asks, not what for */
  }
  return (struct kt_bytes){ (const uint8_t *)header, strlen(header) };
}

/* In the sequencer's thread: copy and wake, nothing that waits. */
static void sequenced(void *ctx, const struct kt_log_outcome *outcome)
{
  struct kt_call *call = ctx;
  call->outcome = *outcome;
  call->has_outcome = true;
  kt_call_resume(call);
}

enum kt_step kt_call_submit(struct kt_call *call, struct kt_log_pending *pending)
{
  struct kt_log_outcome outcome = { 0 };
  if (kt_call_is_stopping(call)) {
    kt_log_pending_free(pending);
    kt_problem_set(&call->problem, 503, "stopping", "the server is stopping");
    call->problem.retry_after_s = 5;
    return KT_STEP_REFUSE;
  }
  /* Parked first: the sequencer may be done before submit returns. */
  kt_call_suspend(call);
  outcome.err = kt_log_submit(kt_call_log(call), pending, sequenced, call, &outcome.problem);
  if (outcome.err != KT_OK) {
    sequenced(call, &outcome);
  }
  return KT_STEP_WAIT;
}

void kt_call_ask_for_token(struct kt_call *call)
{
  if (call->problem.status == 403 && kt_call_needs_token(call) && kt_call_bearer(call).data == NULL) {
    call->problem.status = 401;
    call->problem.ask_for_token = true;
  }
}

static enum kt_step refuse_update(struct kt_call *call, enum kt_err err, const struct kt_log_problem *problem)
{
  enum kt_step step = kt_call_refuse(call, err, problem);
  kt_call_ask_for_token(call);
  return step;
}

static enum kt_step begin(struct kt_call *call, const struct kt_update_request *request)
{
  struct kt_log_pending *pending = NULL;
  struct kt_log_problem problem;
  struct kt_log_reader *reader = kt_call_reader_take(call);
  enum kt_err err = kt_log_update_prepare(reader, request, kt_call_bearer(call), &pending, &problem);
  if (err == KT_OK && pending == NULL) {
    err = kt_log_update_respond(reader, request, NULL, NULL, &call->arena, &call->w, &problem);
  }
  kt_call_reader_put(call, reader);
  if (err != KT_OK) {
    return refuse_update(call, err, &problem);
  }
  if (pending == NULL) {
    return KT_STEP_ANSWER;
  }
  kt_log_update_keep(pending, &call->arena, &call->ahead);
  enum kt_step step = kt_call_submit(call, pending);
  if (step == KT_STEP_WAIT) {
    reader = kt_call_reader_take(call);
    kt_log_update_ahead(reader, request, &call->arena, &call->ahead);
    kt_call_reader_put(call, reader);
  }
  return step;
}

static enum kt_step finish(struct kt_call *call, const struct kt_update_request *request)
{
  struct kt_log_problem problem;
  if (call->outcome.err != KT_OK) {
    return refuse_update(call, call->outcome.err, &call->outcome.problem);
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  enum kt_err err =
      kt_log_update_respond(reader, request, &call->outcome, &call->ahead, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

enum kt_step kt_answer_update(struct kt_call *call)
{
  struct kt_update_request request;
  enum kt_err err = kt_update_request_decode((struct kt_bytes){ call->body, call->body_len }, &call->arena, &request);
  if (err != KT_OK) {
    return kt_call_refuse_body(call, err);
  }
  if (!kt_call_label_is_valid(call, request.label)) {
    return KT_STEP_REFUSE;
  }
  return call->has_outcome ? finish(call, &request) : begin(call, &request);
}
