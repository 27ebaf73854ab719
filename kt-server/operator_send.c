/* SPDX-License-Identifier: Apache-2.0 */
#include "operator_send.h"

#include <stdio.h>
#include <string.h>

#include "instance.h"
#include "log/log.h"
#include "operator_impl.h"

#define UPDATE_PATH "/v1/manager/update"
#define RETRY_AFTER_S 5

enum kt_err kt_opsend_db_failed(const struct kt_operator *op, enum kt_err err, const struct kt_error *error,
                                struct kt_problem *ret_problem)
{
  struct kt_error why;
  if (err == KT_ERR_MEMORY) {
    kt_problem_set(ret_problem, 500, "memory", "out of memory");
  } else if (kt_opdb_is_stopped(op->db, &why)) {
    kt_problem_set(ret_problem, 503, "fatal", "the operator signs nothing until a person has looked into it");
    ret_problem->retry_after_s = RETRY_AFTER_S;
  } else {
    kt_say("%s", error->text);
    kt_problem_set(ret_problem, 503, "operator-store", "the operator's database cannot be used now");
    ret_problem->retry_after_s = RETRY_AFTER_S;
  }
  return err;
}

static enum kt_err sign_value(const struct kt_operator *op, const struct kt_opsend_values *values, size_t i,
                              struct kt_arena *arena, struct kt_update_value *ret_value)
{
  const struct kt_instance *instance = op->instance;
  uint8_t *signature = kt_arena_alloc(arena, 1, KT_SIGNATURE_MAX);
  if (signature == NULL) {
    return KT_ERR_MEMORY;
  }
  *ret_value = (struct kt_update_value){ .value = values->values[i],
                                         .signature = { signature, instance->config.suite->signature_len } };
  return kt_update_value_sign(&instance->config, instance->leaf->seed, values->label,
                              values->first_version + (uint32_t)i, values->values[i], signature);
}

enum kt_err kt_opsend_sign(const struct kt_operator *op, const struct kt_opsend_values *values, struct kt_arena *arena,
                           struct kt_update_value *ret_values, struct kt_problem *ret_problem)
{
  struct kt_error error;
  enum kt_err err = kt_opdb_guard(op->db, kt_now_ms(), &error);
  if (err != KT_OK) {
    return kt_opsend_db_failed(op, err, &error, ret_problem);
  }
  for (size_t i = 0; err == KT_OK && i < values->n_values; i++) {
    err = sign_value(op, values, i, arena, &ret_values[i]);
  }
  if (err != KT_OK) {
    kt_problem_set(ret_problem, 500, "sign", "the values cannot be signed");
  }
  return err;
}

void kt_opsend_request(const struct kt_instance *instance, struct kt_upstream *upstream,
                       const struct kt_manager_update_request *request, struct kt_upstream_reply *ret_reply)
{
  struct kt_writer w;
  kt_writer_init(&w, (size_t)64 << 20);
  kt_manager_update_request_write(&w, &instance->config, request);
  if (w.err == KT_OK) {
    const struct kt_bytes body = { w.buf, w.len };
    kt_upstream_send(upstream, UPDATE_PATH, &body, ret_reply);
  } else {
    *ret_reply = (struct kt_upstream_reply){ .status = 0 };
    (void)snprintf(ret_reply->text, sizeof ret_reply->text, "%s", kt_err_text(w.err));
  }
  kt_writer_release(&w);
}

bool kt_opsend_is_there(const struct kt_upstream_reply *reply)
{
  return reply->status == 422 && strcmp(reply->code, "signed-version") == 0;
}

/* --- what was recorded -------------------------------------------------------------------------------------------- */

enum outcome {
  NEXT,    /* try another value */
  ARRIVED, /* the Manager has this one, or another */
  STOPPED, /* the Manager takes nothing now */
};

static enum outcome judge_reply(const struct kt_upstream_reply *reply)
{
  if (reply->status == 200 || kt_opsend_is_there(reply)) {
    return ARRIVED;
  }
  /* too large, or refused for what it says: another value may pass */
  return reply->status == 413 || reply->status == 422 ? NEXT : STOPPED;
}

/* The answer is not read: whoever asks next gets it once more, and verifies it. */
static enum kt_err send_value(const struct kt_opsend_label *send, uint32_t version, struct kt_bytes value,
                              struct kt_arena *arena, enum outcome *ret_outcome, struct kt_problem *problem)
{
  const struct kt_opsend_values values = {
    .label = send->label, .first_version = version, .values = &value, .n_values = 1
  };
  uint64_t n_versions = send->row->n_versions;
  struct kt_update_value signed_value;
  struct kt_upstream_reply reply;
  enum kt_err err = kt_opsend_sign(send->op, &values, arena, &signed_value, problem);
  if (err != KT_OK) {
    return err;
  }
  const struct kt_manager_update_request request = {
    .label = send->label,
    .greatest_version = { n_versions > 0, n_versions > 0 ? (uint32_t)(n_versions - 1) : 0 },
    .values = &signed_value,
    .n_values = 1,
    .signed_version = version,
  };
  kt_opsend_request(send->op->instance, send->upstream, &request, &reply);
  *ret_outcome = judge_reply(&reply);
  if (*ret_outcome != ARRIVED) {
    kt_upstream_problem(&reply, problem);
  }
  kt_upstream_reply_release(&reply);
  return KT_OK;
}

/* Was it recorded on top of what the Manager has? Values that were made on top of others break the label's chain now,
 * and are never sent again. */
static enum kt_err try_version(const struct kt_opsend_label *send, uint32_t version, struct kt_arena *arena,
                               enum outcome *ret_outcome, struct kt_problem *problem)
{
  struct kt_account_state state = { 0 };
  struct kt_set_judgement judgement;
  struct kt_reason reason = { .code = NULL };
  struct kt_bytes value;
  struct kt_error error;
  *ret_outcome = NEXT;
  enum kt_err err = kt_opdb_get_value(send->op->db, send->label, version, arena, &value, &error);
  if (err == KT_ERR_ABSENT) {
    return KT_OK;
  }
  if (err != KT_OK) {
    return kt_opsend_db_failed(send->op, err, &error, problem);
  }
  if (send->row->state.len > 0) {
    err = kt_account_state_decode(send->row->state, arena, &state);
  }
  if (err == KT_OK) {
    err = kt_account_admit_next(&state, &send->op->log_id, send->label, value, send->terms, arena, &judgement, &reason);
  }
  if (err == KT_ERR_MEMORY) {
    kt_problem_set(problem, 500, "memory", "out of memory");
    return err;
  }
  return err == KT_OK ? send_value(send, version, value, arena, ret_outcome, problem) : KT_OK;
}

enum kt_err kt_opsend_recorded(const struct kt_opsend_label *send, struct kt_problem *ret_problem)
{
  const struct kt_opdb_label *row = send->row;
  uint64_t reach = row->n_versions + KT_LOG_SKIPPING_MAX;
  uint64_t end = row->n_recorded < reach ? row->n_recorded : reach;
  enum outcome outcome = NEXT;
  kt_problem_set(ret_problem, 503, "versions-unpublished",
                 "as many versions of the label are signed and not published as one update can skip: "
                 "send fewer values at once");
  ret_problem->retry_after_s = RETRY_AFTER_S;
  while (outcome == NEXT && end > row->n_versions) {
    struct kt_arena arena;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    enum kt_err err = try_version(send, (uint32_t)--end, &arena, &outcome, ret_problem);
    kt_arena_release(&arena);
    if (err != KT_OK) {
      return err;
    }
  }
  return outcome == ARRIVED ? KT_OK : KT_ERR_UNDETERMINED;
}
