/* SPDX-License-Identifier: Apache-2.0 */
/* What operators ask of a Service Operator's folder (operate.h). An insertion goes the way of every update: recorded,
 * signed, sent to the Manager; clients will tell. */
#include <stdio.h>
#include <string.h>

#include "instance.h"
#include "json/builder.h"
#include "operate.h"
#include "operator.h"
#include "provision_value.h"

static json_t *status(struct kt_instance *instance)
{
  struct kt_opdb_totals totals;
  struct kt_opheads_status heads;
  struct kt_hash log_id;
  struct kt_error error;
  struct kt_error why;
  struct kt_json_builder log;
  struct kt_json_builder b;
  enum kt_err err = kt_opdb_count(kt_operator_db(instance->operator_role), &totals, &error);
  if (err != KT_OK) {
    return kt_operate_failure(err, error.text);
  }
  kt_opheads_status(kt_operator_heads(instance->operator_role), &heads);
  kt_config_log_id(&instance->config, &log_id);
  kt_json_begin(&log);
  kt_json_set(&log, "id", kt_json_hash(&log_id));
  kt_json_set(&log, "tree_size", kt_json_u64(heads.size));
  kt_json_set(&log, "root", kt_json_hash(&heads.root));
  kt_json_set(&log, "timestamp_ms", kt_json_u64(heads.timestamp_ms));
  kt_json_begin(&b);
  kt_json_set(&b, "log", kt_json_end(&log));
  kt_json_set(&b, "role", json_string("operator"));
  kt_json_set(&b, "upstream", kt_json_lossy(instance->settings.upstream));
  kt_json_set(&b, "labels", kt_json_u64(totals.n_labels));
  kt_json_set(&b, "versions", kt_json_u64(totals.n_versions));
  kt_json_set(&b, "unacknowledged", kt_json_u64(totals.n_open));
  kt_json_set(&b, "queued", kt_json_u64(0));
  bool is_stopped = kt_opdb_is_stopped(kt_operator_db(instance->operator_role), &why);
  kt_json_set(&b, "signing", json_boolean(!heads.is_halted && !is_stopped));
  if (is_stopped) {
    kt_json_set(&b, "stopped", kt_json_lossy(why.text));
  }
  kt_json_set(&b, "guard", kt_operate_guard(instance));
  return json_pack("{s:b, s:o}", "ok", 1, "status", kt_json_end(&b));
}

static json_t *token(struct kt_instance *instance, const json_t *request)
{
  struct kt_hash hash;
  struct kt_error error;
  if (!kt_operate_token_hash(request, &hash)) {
    return kt_operate_failure(KT_ERR_FORMAT, "\"hash\" must be 64 hex digits");
  }
  enum kt_err err = kt_opdb_add_token(kt_operator_db(instance->operator_role), &hash, &error);
  return err == KT_OK ? json_pack("{s:b}", "ok", 1) : kt_operate_failure(err, error.text);
}

/* --- insertion ---------------------------------------------------------------------------------------------------- */

static json_t *insert(const struct kt_operator_session *session, struct kt_bytes label, uint64_t n_versions,
                      const struct kt_bytes *value, struct kt_arena *arena)
{
  const struct kt_update_request request = {
    .label = label,
    .greatest_version = { n_versions > 0, n_versions > 0 ? (uint32_t)(n_versions - 1) : 0 },
    .values = value,
    .n_values = 1,
  };
  const struct kt_operator_order order = { .request = &request, .by_operator = true };
  struct kt_operator_result result;
  struct kt_problem problem = { .status = 0 };
  struct kt_writer w;
  kt_writer_init(&w, (size_t)64 << 20);
  enum kt_err err = kt_operator_update(session->op, session->upstream, &order, arena, &w, &result, &problem);
  kt_writer_release(&w);
  if (err != KT_OK) {
    return kt_provision_failure(problem.status < 500 ? "refused" : "failed", problem.detail);
  }
  if (!result.inserted) {
    return kt_provision_failure("failed", "the label has versions that were not acknowledged before: of an earlier "
                                          "insertion whose answer was lost, or of the label's owner. Nothing was "
                                          "added to them; look at the label, then insert again if it is still needed");
  }
  return kt_provision_inserted(result.first_version, result.position);
}

static json_t *take_item(const struct kt_operator_session *session, const json_t *item, bool skip_unchanged,
                         struct kt_arena *arena)
{
  struct kt_json_provision provision;
  struct kt_provision_place place = { .log_id = session->log_id };
  struct kt_account_state state;
  struct kt_bytes value = { 0 };
  struct kt_error error;
  uint64_t n_versions = 0;
  char why[KT_JSON_TEXT_SIZE];
  if (kt_json_provision_read(item, (struct kt_bytes){ 0 }, arena, &provision, why) != KT_OK) {
    return kt_provision_failure("refused", why);
  }
  enum kt_err err =
      kt_operator_latest(session->op, provision.label, arena, &n_versions, &state, &place.latest_value, &error);
  if (err != KT_OK) {
    return kt_provision_failure("failed", error.text);
  }
  place.state = &state;
  err = kt_provision_value(&provision, &place, skip_unchanged, arena, &value);
  if (err != KT_OK) {
    return kt_provision_failure("failed", kt_err_text(err));
  }
  return value.len == 0 ? json_pack("{s:s}", "result", "unchanged")
                        : insert(session, provision.label, n_versions, &value, arena);
}

enum kt_err kt_operator_session_open(struct kt_operator_session *session, const struct kt_instance *instance)
{
  *session = (struct kt_operator_session){ .op = instance->operator_role };
  kt_config_log_id(&instance->config, &session->log_id);
  return kt_operator_connect(session->op, &session->upstream);
}

void kt_operator_session_close(struct kt_operator_session *session)
{
  kt_upstream_free(session->upstream);
  session->upstream = NULL;
}

json_t *kt_operator_session_insert(const struct kt_operator_session *session, const json_t *item, bool skip_unchanged)
{
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  json_t *result = take_item(session, item, skip_unchanged, &arena);
  kt_arena_release(&arena);
  return result;
}

static json_t *insert_one(const struct kt_instance *instance, const json_t *item)
{
  struct kt_operator_session session;
  enum kt_err err = kt_operator_session_open(&session, instance);
  if (err != KT_OK) {
    return kt_operate_failure(err, "no connection to the Manager can be prepared");
  }
  json_t *result = kt_operator_session_insert(&session, item, false);
  kt_operator_session_close(&session);
  return json_pack("{s:b, s:o}", "ok", 1, "result", result);
}

json_t *kt_operator_operate(struct kt_instance *instance, const json_t *request)
{
  const char *op = json_string_value(json_object_get(request, "op"));
  if (strcmp(op, "status") == 0) {
    return status(instance);
  }
  if (strcmp(op, "token") == 0) {
    return token(instance, request);
  }
  if (strcmp(op, "insert") == 0) {
    return insert_one(instance, json_object_get(request, "item"));
  }
  if (strcmp(op, "erase") == 0) {
    return kt_operate_failure(KT_ERR_UNSUPPORTED,
                              "a Service Operator's record of what it signed is one chain, from which nothing can be "
                              "taken: only the Manager's folder can erase, and this one keeps what it sent there");
  }
  return kt_operate_failure(KT_ERR_UNSUPPORTED, "a Service Operator's folder does not do this");
}
