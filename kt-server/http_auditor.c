/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/auditor/head: the log's signed head for whoever audits it, and the auditor's head back. */
#include "http_call.h"
#include "json/auditor.h"

enum kt_step kt_answer_auditor_get(struct kt_call *call)
{
  struct kt_log_reader *reader = kt_call_reader_take(call);
  enum kt_err err = kt_log_audit_head(reader, &call->w);
  kt_call_reader_put(call, reader);
  if (err != KT_OK) {
    kt_problem_set(&call->problem, 500, "response", "%s", kt_err_text(err));
    return KT_STEP_REFUSE;
  }
  call->cache_control = "no-cache";
  return KT_STEP_ANSWER;
}

json_t *kt_view_auditor_get(struct kt_call *call)
{
  return kt_json_audit_head((struct kt_bytes){ call->w.buf, call->w.len });
}

static enum kt_step begin(struct kt_call *call, const struct kt_auditor_tree_head *head)
{
  struct kt_log_pending *pending = NULL;
  struct kt_log_problem problem;
  struct kt_log_reader *reader = kt_call_reader_take(call);
  enum kt_err err = kt_log_auditor_prepare(reader, head, &pending, &problem);
  kt_call_reader_put(call, reader);
  if (err != KT_OK) {
    return kt_call_refuse(call, err, &problem);
  }
  return pending == NULL ? KT_STEP_ANSWER : kt_call_submit(call, pending);
}

enum kt_step kt_answer_auditor_put(struct kt_call *call)
{
  struct kt_auditor_tree_head head;
  enum kt_err err = kt_auditor_tree_head_decode((struct kt_bytes){ call->body, call->body_len }, &head);
  if (err != KT_OK) {
    return kt_call_refuse_body(call, err);
  }
  if (!call->has_outcome) {
    return begin(call, &head);
  }
  return call->outcome.err == KT_OK ? KT_STEP_ANSWER : kt_call_refuse(call, call->outcome.err, &call->outcome.problem);
}
