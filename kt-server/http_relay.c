/* SPDX-License-Identifier: Apache-2.0 */
/* PUT and GET /v1/relay/{mailbox}. */

#include "base/reader.h"
#include "http_call.h"
#include "http_limits.h"
#include "instance.h"
#include "json/builder.h"
#include "relay.h"

/* A wall clock that is set would expire live exchanges. */
static bool has_mailbox(struct kt_call *call)
{
  if (kt_relay_name_is_valid(call->path_rest)) {
    return true;
  }
  kt_problem_set(&call->problem, 400, "mailbox", "a mailbox is named by %d to %d of A-Z a-z 0-9 - _", KT_RELAY_NAME_MIN,
                 KT_RELAY_NAME_MAX);
  return false;
}

static enum kt_step refuse_put(struct kt_call *call, enum kt_err err)
{
  struct kt_problem *problem = &call->problem;
  switch ((int)err) {
  case KT_ERR_CONFLICT:
    kt_problem_set(problem, 409, "mailbox-full", "a mailbox takes %d messages", KT_RELAY_MESSAGES_MAX);
    break;
  case KT_ERR_STALE:
    kt_problem_set(problem, 429, "relay-rate", "too many messages at once");
    problem->retry_after_s = 1;
    break;
  default: kt_problem_set(problem, 500, "memory", "out of memory");
  }
  return KT_STEP_REFUSE;
}

enum kt_step kt_answer_relay_put(struct kt_call *call)
{
  const struct kt_bytes message = { call->body, call->body_len };
  const struct kt_address from = kt_call_counted_as(call);
  uint8_t count = 0;
  if (!has_mailbox(call)) {
    return KT_STEP_REFUSE;
  }
  if (message.len == 0 || message.len > KT_RELAY_MESSAGE_MAX) {
    kt_problem_set(&call->problem, message.len == 0 ? 422 : 413, "message", "a message has 1 to %d bytes",
                   KT_RELAY_MESSAGE_MAX);
    return KT_STEP_REFUSE;
  }
  enum kt_err err = kt_relay_put(kt_call_relay(call), &from, call->path_rest, message, kt_monotonic_ms(), &count);
  if (err != KT_OK) {
    return refuse_put(call, err);
  }
  kt_write_u8(&call->w, count);
  return KT_STEP_ANSWER;
}

json_t *kt_view_relay_put(struct kt_call *call)
{
  return json_pack("{s:i}", "messages", call->w.buf[0]);
}

enum kt_step kt_answer_relay_get(struct kt_call *call)
{
  static const uint64_t first = 0;
  uint64_t from = 0;
  if (!has_mailbox(call) || !kt_call_query(call, "from", &first, &from)) {
    return KT_STEP_REFUSE;
  }
  kt_relay_get(kt_call_relay(call), call->path_rest, from, kt_monotonic_ms(), &call->w);
  return KT_STEP_ANSWER;
}

json_t *kt_view_relay_get(struct kt_call *call)
{
  struct kt_reader r;
  json_t *list = json_array();
  kt_reader_init(&r, call->w.buf, call->w.len);
  for (size_t n = kt_read_u8(&r); list != NULL && n > 0; n--) {
    if (json_array_append_new(list, kt_json_base64(kt_read_opaque16(&r, KT_RELAY_MESSAGE_MAX))) != 0) {
      json_decref(list);
      list = NULL;
    }
  }
  return list != NULL ? json_pack("{s:o}", "messages", list) : NULL;
}
