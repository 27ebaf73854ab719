/* SPDX-License-Identifier: Apache-2.0 */
/* An update on its way through the Service Operator: who may, which versions, recorded, signed, sent, acknowledged.
 *
 * What was recorded and not acknowledged may be at the Manager, or on its way, or lost. The same values are sent again
 * for the same versions. Other values get higher versions, after the Manager was asked what it has: the lower ones then
 * become skipped versions, as many as one update may skip. Values that the Manager names are believed when the
 * operator's own signature is on them. */
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "instance.h"
#include "log/log.h"
#include "operator_impl.h"
#include "operator_send.h"

#define RETRY_AFTER_S 5

struct update {
  struct kt_operator *op;
  const struct kt_operator_order *order;
  const struct kt_update_request *request;
  struct kt_upstream *upstream;
  struct kt_arena *arena;
  struct kt_writer *w;
  struct kt_problem *problem;
  struct kt_opdb_label row;
  struct kt_account_state state; /* after row.n_versions; authorised: after the order's values */
  bool uses_token;
  struct kt_hash token_hash;
  uint32_t first_version; /* of the order's values */
  uint64_t size_before;   /* of the log, when the Manager was asked */
  bool answered;
  struct kt_operator_result result;
};

static enum kt_err refuse(const struct update *update, enum kt_err err, unsigned status, const char *code,
                          const char *text)
{
  kt_problem_set(update->problem, status, code, "%s", text);
  update->problem->retry_after_s = status == 503 ? RETRY_AFTER_S : 0;
  return err;
}

static enum kt_err no_memory(const struct update *update)
{
  return refuse(update, KT_ERR_MEMORY, 500, "memory", "out of memory");
}

/* A failure of operator.db. */
static enum kt_err db_failed(const struct update *update, enum kt_err err, const struct kt_error *error)
{
  return kt_opsend_db_failed(update->op, err, error, update->problem);
}

/* --- authorisation ------------------------------------------------------------------------------------------------ */

static enum kt_err load_label(struct update *update)
{
  struct kt_error error;
  enum kt_err err = kt_opdb_get_label(update->op->db, update->request->label, update->arena, &update->row, &error);
  if (err != KT_OK) {
    return db_failed(update, err, &error);
  }
  update->state = (struct kt_account_state){ 0 };
  if (update->row.state.len > 0 && kt_account_state_decode(update->row.state, update->arena, &update->state) != KT_OK) {
    return refuse(update, KT_ERR_STORE, 500, "account-state", "the label's account state is damaged");
  }
  return KT_OK;
}

/* S9 */
static enum kt_err check_limits(const struct update *update)
{
  const struct kt_settings *settings = &update->op->instance->settings;
  const struct kt_update_request *request = update->request;
  bool too_large = request->n_values > settings->limits.values_per_update;
  for (size_t i = 0; i < request->n_values; i++) {
    too_large = too_large || request->values[i].len > settings->limits.value_bytes;
  }
  if (too_large) {
    return refuse(update, KT_ERR_LIMIT, 413, "value-too-large", "the update has too many values, or one is too large");
  }
  if (update->row.n_recorded + request->n_values > UINT32_MAX) {
    return refuse(update, KT_ERR_LIMIT, 413, "version-overflow", "the label has no version numbers left");
  }
  return KT_OK;
}

static enum kt_err token_used(const struct update *update)
{
  return refuse(update, KT_ERR_DENIED, 403, "registration-token", "the registration token was used before");
}

/* "The token is used up only by what needs it": claiming a label where registration is by token. */
static enum kt_err check_token(struct update *update, bool claims)
{
  struct kt_error error;
  update->uses_token = claims && !update->order->by_operator && update->order->token.data != NULL &&
                       update->op->instance->settings.registration == KT_REGISTRATION_TOKEN;
  if (!update->uses_token) {
    return KT_OK;
  }
  kt_sha256(update->order->token.data, update->order->token.len, &update->token_hash);
  enum kt_err err = kt_opdb_check_token(update->op->db, &update->token_hash, update->request->label, &error);
  if (err == KT_ERR_ABSENT) {
    return refuse(update, KT_ERR_DENIED, 403, "registration-token", "the registration token is not valid");
  }
  if (err == KT_ERR_CONFLICT) {
    return token_used(update);
  }
  return err == KT_OK ? KT_OK : db_failed(update, err, &error);
}

static struct kt_account_terms terms_of(const struct update *update)
{
  return (struct kt_account_terms){ .by_operator = update->order->by_operator,
                                    .registration = update->op->instance->settings.registration,
                                    .has_token = update->order->token.data != NULL };
}

/* S14 */
static enum kt_err authorise(struct update *update)
{
  const struct kt_update_request *request = update->request;
  const struct kt_account_terms terms = terms_of(update);
  bool claims = false;
  enum kt_err err = check_limits(update);
  for (size_t i = 0; err == KT_OK && i < request->n_values; i++) {
    struct kt_set_judgement judgement;
    struct kt_reason reason = { .code = NULL };
    struct kt_log_problem refusal = { .code = "memory" };
    err = kt_account_admit_next(&update->state, &update->op->log_id, request->label, request->values[i], &terms,
                                update->arena, &judgement, &reason);
    if (err == KT_OK) {
      claims = claims || judgement.set_class == KT_SET_FIRST_KEY;
      update->state = judgement.next;
    } else {
      refusal.code = reason.code != NULL ? reason.code : refusal.code;
      (void)snprintf(refusal.text, sizeof refusal.text, "%s", reason.text != NULL ? reason.text : kt_err_text(err));
      kt_problem_from_log(update->problem, err, &refusal);
    }
  }
  return err == KT_OK ? check_token(update, claims) : err;
}

/* --- what the Manager says ---------------------------------------------------------------------------------------- */

/* Something that an honest Manager cannot say. */
static enum kt_err forged(const struct update *update, const char *text)
{
  kt_say("an answer of the Manager was not handed on: %s", text);
  return refuse(update, KT_ERR_PROOF, 503, "manager-invalid", text);
}

static enum kt_err acknowledge(struct update *update, uint64_t n_versions)
{
  struct kt_bytes state;
  struct kt_error error;
  if (kt_account_state_encode(&update->state, update->arena, &state) != KT_OK) {
    return no_memory(update);
  }
  enum kt_err err = kt_opdb_acknowledge(update->op->db, update->request->label, n_versions, state, &error);
  return err == KT_OK ? KT_OK : db_failed(update, err, &error);
}

static enum kt_err check_signature(const struct update *update, uint32_t version, struct kt_bytes value,
                                   struct kt_bytes signature)
{
  const struct kt_update_value signed_value = { .value = value, .signature = signature };
  enum kt_err err =
      kt_update_value_verify(&update->op->instance->config, update->request->label, version, &signed_value);
  if (err == KT_ERR_MEMORY) {
    return no_memory(update);
  }
  return err == KT_OK ? KT_OK : forged(update, "a version is not signed with the operator's leaf key");
}

/* "all of the new versions … in UpdateRequest.values were successfully created": ours, for the versions we signed. */
static enum kt_err take_inserted(struct update *update, const struct kt_update_response *response)
{
  const struct kt_update_request *request = update->request;
  enum kt_err err = KT_OK;
  if (response->n_info != request->n_values ||
      update->row.n_versions + response->skipped_versions != update->first_version) {
    return forged(update, "it says that it added other versions than were ordered");
  }
  for (size_t i = 0; err == KT_OK && i < request->n_values; i++) {
    err = check_signature(update, update->first_version + (uint32_t)i, request->values[i], response->info[i].signature);
  }
  if (err == KT_OK) {
    err = acknowledge(update, (uint64_t)update->first_version + request->n_values);
  }
  if (err == KT_OK) {
    update->result = (struct kt_operator_result){ .inserted = true,
                                                  .first_version = update->first_version,
                                                  .position = response->position };
  }
  return err;
}

/* The next value as the Manager has it. Where the record of it was lost, it is made again, so that no other value is
 * ever signed for this version. */
static enum kt_err take_value(struct update *update, uint32_t version, const struct kt_bytes *value)
{
  const struct kt_opdb_record record = {
    .label = update->request->label, .first_version = version, .values = value, .n_values = 1
  };
  struct kt_error error;
  struct kt_bytes before;
  enum kt_err err = kt_opdb_get_value(update->op->db, update->request->label, version, update->arena, &before, &error);
  if (err == KT_ERR_ABSENT) {
    err = kt_opdb_record(update->op->db, &record, kt_now_ms(), &error);
  } else if (err == KT_OK && (before.len != value->len || memcmp(before.data, value->data, value->len) != 0)) {
    return forged(update,
                  "a version has another value than the operator's database, under the operator's own signature: "
                  "the leaf key is in other hands");
  }
  return err == KT_OK ? KT_OK : db_failed(update, err, &error);
}

/* The versions that exist above `n_known`. Those that were not acknowledged are now. */
static enum kt_err take_existing(struct update *update, const struct kt_update_response *response, uint64_t n_known)
{
  uint64_t first = n_known + response->skipped_versions;
  bool is_next = n_known == update->row.n_versions;
  enum kt_err err = load_label(update); /* the state before the order's values */
  if (response->n_info != response->n_values || first + response->n_values > UINT32_MAX) {
    return forged(update, "its list of versions is wrong");
  }
  for (size_t i = 0; err == KT_OK && i < response->n_values; i++) {
    struct kt_set_judgement judgement;
    uint32_t version = (uint32_t)(first + i);
    err = check_signature(update, version, response->values[i], response->info[i].signature);
    if (err == KT_OK) {
      err = take_value(update, version, &response->values[i]);
    }
    if (err == KT_OK && is_next) {
      err = kt_account_judge(&update->state, &update->op->log_id, update->request->label, response->values[i],
                             update->arena, &judgement);
      if (err != KT_OK) {
        return no_memory(update);
      }
      update->state = judgement.next;
    }
  }
  if (err == KT_OK && is_next) {
    err = acknowledge(update, first + response->n_values);
    update->row.n_versions = first + response->n_values;
  }
  return err;
}

/* n_known: versions that were known to whom the answer is for. */
static enum kt_err take_response(struct update *update, const struct kt_manager_update_request *request,
                                 struct kt_bytes reply, uint64_t n_known)
{
  const struct kt_bytes body = { kt_arena_copy(update->arena, reply.data, reply.len), reply.len };
  const struct kt_opheads_answer answer = { .size_before = update->size_before,
                                            .last = request->last.present ? request->last.value : 0,
                                            .response = body };
  struct kt_update_response response;
  enum kt_err err = body.data == NULL ? no_memory(update)
                                      : kt_opheads_check(update->op->heads, update->upstream, &answer, update->problem);
  if (err != KT_OK) {
    return err;
  }
  if (kt_update_response_decode(body, &update->op->instance->config, update->arena, &response) != KT_OK ||
      response.n_info == 0) {
    return forged(update, "an answer does not have the form that the protocol prescribes");
  }
  err = response.n_values == 0 ? take_inserted(update, &response) : take_existing(update, &response, n_known);
  if (err == KT_OK) {
    update->answered = true;
    update->w->len = 0;
    kt_write_bytes(update->w, body.data, body.len);
  }
  return err;
}

/* --- what the Manager is told ------------------------------------------------------------------------------------- */

static void send_request(struct update *update, const struct kt_manager_update_request *request,
                         struct kt_upstream_reply *ret_reply)
{
  struct kt_opheads_status before;
  kt_opheads_status(update->op->heads, &before);
  update->size_before = before.size;
  kt_opsend_request(update->op->instance, update->upstream, request, ret_reply);
}

/* What exists above the first n_known versions. KT_ERR_ABSENT: nothing does, and the problem says so. */
static enum kt_err ask(struct update *update, const struct kt_optional_u64 *last, uint64_t n_known)
{
  const struct kt_manager_update_request request = {
    .last = *last,
    .label = update->request->label,
    .greatest_version = { n_known > 0, n_known > 0 ? (uint32_t)(n_known - 1) : 0 },
  };
  struct kt_upstream_reply reply;
  send_request(update, &request, &reply);
  enum kt_err err;
  if (reply.status == 200) {
    err = take_response(update, &request, kt_upstream_body(&reply), n_known);
  } else {
    kt_upstream_problem(&reply, update->problem);
    bool is_known = reply.status == 422 && strcmp(reply.code, "nothing-newer") == 0;
    err = is_known ? KT_ERR_ABSENT : KT_ERR_UNDETERMINED;
  }
  kt_upstream_reply_release(&reply);
  return err;
}

/* "the same version of a label": recorded, in the guard, and only then signed. */
static enum kt_err record(struct update *update)
{
  const struct kt_opdb_record order = { .label = update->request->label,
                                        .first_version = update->first_version,
                                        .values = update->request->values,
                                        .n_values = update->request->n_values,
                                        .token_hash = update->uses_token ? &update->token_hash : NULL };
  struct kt_error error;
  enum kt_err err = kt_opdb_record(update->op->db, &order, kt_now_ms(), &error);
  if (err == KT_ERR_DENIED) {
    return token_used(update);
  }
  return err == KT_OK ? KT_OK : db_failed(update, err, &error);
}

static enum kt_err send_order(struct update *update)
{
  const struct kt_opsend_values to_sign = { .label = update->request->label,
                                            .first_version = update->first_version,
                                            .values = update->request->values,
                                            .n_values = update->request->n_values };
  struct kt_update_value *values = kt_arena_alloc(update->arena, to_sign.n_values, sizeof *values);
  struct kt_manager_update_request request = { .last = update->request->last,
                                               .label = update->request->label,
                                               .greatest_version = update->request->greatest_version,
                                               .values = values,
                                               .n_values = update->request->n_values,
                                               .signed_version = update->first_version };
  struct kt_upstream_reply reply;
  enum kt_err err = values == NULL ? no_memory(update) : record(update);
  if (err == KT_OK) {
    err = kt_opsend_sign(update->op, &to_sign, update->arena, values, update->problem);
  }
  if (err != KT_OK) {
    return err;
  }
  send_request(update, &request, &reply);
  bool is_there = kt_opsend_is_there(&reply);
  if (reply.status == 200) {
    err = take_response(update, &request, kt_upstream_body(&reply), update->row.n_versions);
  } else {
    kt_upstream_problem(&reply, update->problem);
    err = KT_ERR_UNDETERMINED;
  }
  kt_upstream_reply_release(&reply);
  return is_there ? ask(update, &update->request->last, update->row.n_versions) : err;
}

/* --- which versions ----------------------------------------------------------------------------------------------- */

/* The newest recorded values are the order's. */
static enum kt_err is_recorded(struct update *update, bool *ret_is)
{
  const struct kt_update_request *request = update->request;
  const struct kt_opdb_label *row = &update->row;
  struct kt_error error;
  bool same = row->n_recorded - row->n_versions >= request->n_values;
  for (size_t i = 0; same && i < request->n_values; i++) {
    uint32_t version = (uint32_t)(row->n_recorded - request->n_values + i);
    struct kt_bytes value = { 0 };
    enum kt_err err = kt_opdb_get_value(update->op->db, request->label, version, update->arena, &value, &error);
    if (err != KT_OK && err != KT_ERR_ABSENT) {
      return db_failed(update, err, &error);
    }
    same = err == KT_OK && value.len == request->values[i].len &&
           memcmp(value.data, request->values[i].data, value.len) == 0;
  }
  *ret_is = same;
  return KT_OK;
}

/* "one value for each version of a label": no version is signed that may turn out to be out of reach
 * (kt_opsend_recorded). What is published instead was authorised, on top of what is there now, and whoever sees
 * the Manager's traffic could publish it at any time. The user is told what exists, as when an answer was lost,
 * and goes on from there. */
static enum kt_err publish_recorded(struct update *update)
{
  const struct kt_account_terms terms = terms_of(update);
  const struct kt_opsend_label send = { .op = update->op,
                                        .upstream = update->upstream,
                                        .label = update->request->label,
                                        .row = &update->row,
                                        .terms = &terms };
  enum kt_err err = kt_opsend_recorded(&send, update->problem);
  if (err == KT_OK) {
    err = ask(update, &update->request->last, update->row.n_versions);
  }
  return err == KT_ERR_ABSENT ? forged(update, "it says that it has a version, and that it has none") : err;
}

static enum kt_err choose_versions(struct update *update)
{
  const struct kt_opdb_label *row = &update->row;
  size_t n_values = update->request->n_values;
  bool again = false;
  enum kt_err err = is_recorded(update, &again);
  update->first_version = (uint32_t)(again ? row->n_recorded - n_values : row->n_recorded);
  if (err == KT_OK && !again && row->n_recorded > row->n_versions) {
    /* Other values were signed, and it is not known what became of them. */
    err = ask(update, &update->request->last, row->n_versions);
    err = err == KT_ERR_ABSENT ? KT_OK : err;
  }
  uint64_t n_new = update->first_version + n_values - row->n_versions;
  bool too_far = update->first_version > row->n_versions && n_new > KT_LOG_SKIPPING_MAX;
  return err == KT_OK && !update->answered && too_far ? publish_recorded(update) : err;
}

/* --- one update --------------------------------------------------------------------------------------------------- */

/* The user knows more versions than the operator, whose acknowledgement was lost. */
static enum kt_err catch_up(struct update *update, uint64_t n_known)
{
  static const struct kt_optional_u64 nothing;
  enum kt_err err = KT_OK;
  while (err == KT_OK && update->row.n_versions < n_known) {
    err = ask(update, &nothing, update->row.n_versions); /* each answer adds a version */
    err = err == KT_OK ? load_label(update) : err;
  }
  update->answered = false;
  return err;
}

/* A version must not be used up by a request that the Manager refuses. */
static enum kt_err check_last(const struct update *update)
{
  const struct kt_optional_u64 *last = &update->request->last;
  struct kt_opheads_status status;
  kt_opheads_status(update->op->heads, &status);
  if (last->present && last->value == 0) { /* S2 */
    return refuse(update, KT_ERR_FORMAT, 400, "last", "last is 0: nobody has seen an empty log");
  }
  if (!last->present || last->value <= status.size) {
    return KT_OK;
  }
  enum kt_err err = kt_opheads_refresh(update->op->heads, update->upstream, update->problem);
  kt_opheads_status(update->op->heads, &status);
  return err != KT_OK || last->value <= status.size
             ? err
             : refuse(update, KT_ERR_CONFLICT, 409, "last", "last is larger than this log");
}

/* The label's stripe is held. */
static enum kt_err run(struct update *update)
{
  const struct kt_update_request *request = update->request;
  uint64_t n_known = request->greatest_version.present ? (uint64_t)request->greatest_version.value + 1 : 0;
  enum kt_err err = check_last(update);
  if (err == KT_OK) {
    err = load_label(update);
  }
  if (err == KT_OK) {
    err = catch_up(update, n_known);
  }
  if (err != KT_OK) {
    return err;
  }
  if (request->n_values == 0 || n_known != update->row.n_versions) {
    return ask(update, &request->last, n_known);
  }
  err = authorise(update);
  if (err == KT_OK) {
    err = choose_versions(update);
  }
  return err == KT_OK && !update->answered ? send_order(update) : err;
}

enum kt_err kt_operator_update(struct kt_operator *op, struct kt_upstream *upstream,
                               const struct kt_operator_order *order, struct kt_arena *arena, struct kt_writer *w,
                               struct kt_operator_result *ret_result, struct kt_problem *ret_problem)
{
  struct update update = { .op = op,
                           .order = order,
                           .request = order->request,
                           .upstream = upstream,
                           .arena = arena,
                           .w = w,
                           .problem = ret_problem };
  pthread_mutex_t *stripe = kt_operator_stripe(op, order->request->label);
  (void)pthread_mutex_lock(stripe);
  enum kt_err err = run(&update);
  (void)pthread_mutex_unlock(stripe);
  if (err == KT_OK) {
    *ret_result = update.result;
    *ret_problem = (struct kt_problem){ .status = 0 }; /* of a question on the way */
  }
  return err;
}
