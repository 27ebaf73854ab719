/* SPDX-License-Identifier: Apache-2.0 */
#include "operate.h"

#include <string.h>

#include "base/hex.h"
#include "guard_file.h"
#include "json/builder.h"
#include "operator.h"

json_t *kt_operate_failure(enum kt_err err, const char *text)
{
  return json_pack("{s:b, s:i, s:o}", "ok", 0, "err", (int)err, "text", kt_json_lossy(text));
}

/* --- status ------------------------------------------------------------------------------------------------------- */

struct totals {
  uint64_t n_labels;
  uint64_t n_versions;
};

static enum kt_err count(struct kt_store_conn *conn, struct totals *ret_totals)
{
  struct totals totals = { 0 };
  uint64_t after = 0;
  enum kt_err err = KT_OK;
  while (err == KT_OK) {
    struct kt_arena arena;
    struct kt_store_label label;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    err = kt_store_next_label(conn, after, &arena, &label);
    if (err == KT_OK) {
      after = label.label_id;
      totals.n_labels++;
      totals.n_versions += label.n_versions;
    }
    kt_arena_release(&arena);
  }
  if (err != KT_ERR_ABSENT) {
    return err;
  }
  *ret_totals = totals;
  return KT_OK;
}

json_t *kt_operate_guard(const struct kt_instance *instance)
{
  struct kt_log_guard guard;
  struct kt_error error;
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "file", kt_json_lossy(instance->guard_path.s));
  enum kt_err err = instance->signer != NULL ? kt_signer_guard(instance->signer, &guard, &error)
                                             : kt_guard_load(instance->guard_path.s, &guard, &error);
  if (err == KT_OK) {
    kt_json_set(&b, "size", kt_json_u64(guard.size));
  } else {
    kt_json_set(&b, "error", kt_json_lossy(error.text));
  }
  return kt_json_end(&b);
}

static json_t *pruned_view(const struct kt_log_status *status)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "first_entry", kt_json_u64(status->pruned.boundary));
  kt_json_set(&b, "entries", kt_json_u64(status->pruned.n_entries));
  kt_json_set(&b, "nodes", kt_json_u64(status->pruned.n_nodes));
  kt_json_set(&b, "bytes", kt_json_u64(status->pruned.n_nodes * KT_LOG_NODE_LEN));
  kt_json_set(&b, "values", kt_json_u64(status->pruned.n_values));
  kt_json_set(&b, "stopped", json_boolean(status->is_pruning_stopped));
  kt_json_set(&b, "waiting", json_boolean(status->is_pruning_waiting));
  if (status->is_pruning_stopped || status->is_pruning_waiting) {
    kt_json_set(&b, "reason", kt_json_lossy(status->pruning_reason));
  }
  return kt_json_end(&b);
}

static json_t *auditor_view(const struct kt_config *config, const struct kt_log_head *head)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "tree_size", kt_json_u64(head->auditor.size));
  if (head->auditor.size > 0) {
    kt_json_set(&b, "timestamp_ms", kt_json_u64(head->auditor.timestamp_ms));
  }
  kt_json_set(&b, "accepted", json_boolean(kt_log_auditor_lag_ms(config, head) <= config->max_auditor_lag));
  return kt_json_end(&b);
}

static json_t *status_view(struct kt_instance *instance, const struct totals *totals)
{
  struct kt_log_status status;
  struct kt_hash log_id;
  struct kt_json_builder log;
  struct kt_json_builder b;
  kt_log_status(instance->log, &status);
  kt_config_log_id(&instance->config, &log_id);
  kt_json_begin(&log);
  kt_json_set(&log, "id", kt_json_hash(&log_id));
  kt_json_set(&log, "tree_size", kt_json_u64(status.head.size));
  kt_json_set(&log, "root", kt_json_hash(&status.head.root));
  kt_json_set(&log, "timestamp_ms", kt_json_u64(status.head.timestamp_ms));
  kt_json_begin(&b);
  kt_json_set(&b, "log", kt_json_end(&log));
  if (instance->config.mode == KT_MODE_THIRD_PARTY_AUDITING) {
    kt_json_set(&b, "auditor", auditor_view(&instance->config, &status.head));
  }
  kt_json_set(&b, "labels", kt_json_u64(totals->n_labels));
  kt_json_set(&b, "versions", kt_json_u64(totals->n_versions));
  kt_json_set(&b, "queued", kt_json_u64(status.n_queued));
  kt_json_set(&b, "signing", json_boolean(!status.is_fatal && !status.is_read_only));
  kt_json_set(&b, "read_only", json_boolean(status.is_read_only));
  if (status.clock_problem != NULL) {
    kt_json_set(&b, "clock", json_pack("{s:s, s:s}", "code", status.clock_problem, "text", status.clock_reason));
  }
  kt_json_set(&b, "disk_full", json_boolean(atomic_load(&instance->is_full)));
  kt_json_set(&b, "erasing", json_boolean(status.is_wash_due));
  kt_json_set(&b, "guard", kt_operate_guard(instance));
  if (status.has_lifetime) {
    kt_json_set(&b, "pruned", pruned_view(&status));
  }
  return kt_json_end(&b);
}

static json_t *status(struct kt_instance *instance)
{
  struct kt_store_conn *conn = NULL;
  struct kt_store_error error;
  struct totals totals;
  enum kt_err err = kt_store_open_reader(instance->store, &conn, &error);
  if (err != KT_OK) {
    return kt_operate_failure(err, error.text);
  }
  err = count(conn, &totals);
  json_t *response = err == KT_OK ? json_pack("{s:b, s:o}", "ok", 1, "status", status_view(instance, &totals))
                                  : kt_operate_failure(err, kt_store_message(conn));
  kt_store_close_conn(conn);
  return response;
}

/* --- the published head ------------------------------------------------------------------------------------------- */

/* With its signature, for a backup; and how often something was committed, for not every change has a head: an erasure
 * has none, nor has a new token. */
static json_t *head(struct kt_instance *instance)
{
  struct kt_log_status status;
  struct kt_json_builder b;
  kt_log_status(instance->log, &status);
  const struct kt_log_head head = status.head;
  kt_json_begin(&b);
  kt_json_set(&b, "size", kt_json_u64(head.size));
  kt_json_set(&b, "timestamp_ms", kt_json_u64(head.timestamp_ms));
  kt_json_set(&b, "root", kt_json_hash(&head.root));
  kt_json_set(&b, "signature", kt_json_hex((struct kt_bytes){ head.signature, instance->config.suite->signature_len }));
  return json_pack("{s:b, s:o, s:o}", "ok", 1, "head", kt_json_end(&b), "commits", kt_json_u64(status.n_commits));
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

bool kt_operate_token_hash(const json_t *request, struct kt_hash *ret_hash)
{
  const json_t *text = json_object_get(request, "hash");
  size_t len = 0;
  return json_is_string(text) &&
         kt_hex_decode(json_string_value(text), json_string_length(text), sizeof ret_hash->b, ret_hash->b, &len) ==
             KT_OK &&
         len == sizeof ret_hash->b;
}

static json_t *token(struct kt_instance *instance, const json_t *request)
{
  struct kt_hash hash;
  struct kt_log_problem problem;
  if (!kt_operate_token_hash(request, &hash)) {
    return kt_operate_failure(KT_ERR_FORMAT, "\"hash\" must be 64 hex digits");
  }
  enum kt_err err = kt_log_add_token(instance->log, &hash, &problem);
  return err == KT_OK ? json_pack("{s:b}", "ok", 1) : kt_operate_failure(err, problem.text);
}

/* --- erasure ------------------------------------------------------------------------------------------------------ */

static json_t *erase(struct kt_instance *instance, const json_t *request)
{
  const json_t *label = json_object_get(request, "label");
  const json_t *number = json_object_get(request, "version");
  json_int_t version = json_integer_value(number);
  struct kt_log_erased erased;
  struct kt_log_problem problem;
  if (!json_is_string(label) || json_string_length(label) == 0 || json_string_length(label) > KT_LABEL_MAX ||
      (number != NULL && (!json_is_integer(number) || version < 0 || version >= UINT32_MAX))) {
    return kt_operate_failure(KT_ERR_FORMAT, "\"label\" must be a label, \"version\" a version");
  }
  const struct kt_bytes bytes = { (const uint8_t *)json_string_value(label), json_string_length(label) };
  const uint32_t one = (uint32_t)version;
  enum kt_err err = kt_log_erase(instance->log, bytes, number != NULL ? &one : NULL, &erased, &problem);
  if (err != KT_OK) {
    return kt_operate_failure(err, problem.text);
  }
  return json_pack("{s:b, s:{s:I, s:b}}", "ok", 1, "erased", "versions", (json_int_t)erased.n_versions, "clean",
                   (int)erased.is_clean);
}

/* --- the clock ---------------------------------------------------------------------------------------------------- */

static json_t *accept_clock(struct kt_instance *instance)
{
  struct kt_log_problem problem;
  struct kt_log_status status;
  enum kt_err err = kt_log_accept_clock(instance->log, &problem);
  if (err != KT_OK) {
    return kt_operate_failure(err, problem.text);
  }
  kt_log_status(instance->log, &status);
  return json_pack("{s:b, s:{s:o, s:o}}", "ok", 1, "head", "tree_size", kt_json_u64(status.head.size), "timestamp_ms",
                   kt_json_u64(status.head.timestamp_ms));
}

json_t *kt_operate(struct kt_instance *instance, const json_t *request)
{
  const char *op = json_string_value(json_object_get(request, "op"));
  if (op == NULL) {
    return kt_operate_failure(KT_ERR_FORMAT, "\"op\" is missing");
  }
  if (instance->operator_role != NULL) {
    return kt_operator_operate(instance, request);
  }
  if (strcmp(op, "status") == 0) {
    return status(instance);
  }
  if (strcmp(op, "head") == 0) {
    return head(instance);
  }
  if (strcmp(op, "token") == 0) {
    return token(instance, request);
  }
  if (strcmp(op, "insert") == 0) {
    return kt_operate_insert(instance, json_object_get(request, "item"));
  }
  if (strcmp(op, "erase") == 0) {
    return erase(instance, request);
  }
  if (strcmp(op, "accept-clock") == 0) {
    return accept_clock(instance);
  }
  return kt_operate_failure(KT_ERR_UNSUPPORTED, "unknown \"op\"");
}
