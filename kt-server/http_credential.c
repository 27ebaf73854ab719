/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/credential and /v1/credential-update. */
#include "http_call.h"
#include "json/credential.h"

static struct kt_bytes body_of(const struct kt_call *call)
{
  return (struct kt_bytes){ call->body, call->body_len };
}

enum kt_step kt_answer_credential(struct kt_call *call)
{
  struct kt_credential_request request;
  struct kt_log_problem problem;
  enum kt_err err = kt_credential_request_decode(body_of(call), &request);
  if (err != KT_OK) {
    return kt_call_refuse_body(call, err);
  }
  if (!kt_call_label_is_valid(call, request.label)) {
    return KT_STEP_REFUSE;
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  err = kt_log_credential(reader, &request, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

json_t *kt_view_credential(struct kt_call *call)
{
  const struct kt_bytes answer = { call->w.buf, call->w.len };
  struct kt_credential credential;
  enum kt_err err = kt_credential_decode(answer, kt_call_config(call), &call->arena, &credential);
  return err == KT_OK ? kt_json_credential(kt_call_config(call), &credential) : NULL;
}

enum kt_step kt_answer_credential_update(struct kt_call *call)
{
  struct kt_credential_update_request request;
  struct kt_log_problem problem;
  enum kt_err err = kt_credential_update_request_decode(body_of(call), &request);
  if (err != KT_OK) {
    return kt_call_refuse_body(call, err);
  }
  if (!kt_call_label_is_valid(call, request.label)) {
    return KT_STEP_REFUSE;
  }
  struct kt_log_reader *reader = kt_call_reader_take(call);
  err = kt_log_credential_update(reader, &request, &call->arena, &call->w, &problem);
  kt_call_reader_put(call, reader);
  return err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, err, &problem);
}

json_t *kt_view_credential_update(struct kt_call *call)
{
  const struct kt_bytes answer = { call->w.buf, call->w.len };
  struct kt_combined_proof monitor;
  enum kt_err err = kt_credential_update_decode(answer, &call->arena, &monitor);
  return err == KT_OK ? kt_json_credential_update(&monitor) : NULL;
}
