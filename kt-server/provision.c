/* SPDX-License-Identifier: Apache-2.0 */
/* Operator insertion: unsigned device sets as the next version of their labels (design: Authorisation). */
#include "operate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision_value.h"

struct session {
  struct kt_instance *instance;
  struct kt_log_reader *reader;
  struct kt_store_conn *conn;
  bool skip_unchanged;
  struct kt_hash log_id;
};

/* --- the value -------------------------------------------------------------------------------------------------------- */

/* The newest value of the label; empty when there is none to look at. */
static enum kt_err latest_value(struct session *session, struct kt_bytes label, struct kt_arena *arena,
                                struct kt_bytes *ret_value)
{
  struct kt_store_label entry;
  struct kt_store_payload payload = { .value = { NULL, 0 } };
  enum kt_err err = kt_store_get_label(session->conn, label, arena, &entry);
  if (err == KT_OK && entry.n_versions > 0) {
    err = kt_store_get_payload(session->conn, entry.label_id, (uint32_t)(entry.n_versions - 1), arena, &payload);
  }
  if (err != KT_OK && err != KT_ERR_ABSENT && err != KT_ERR_EXPIRED) {
    return err;
  }
  *ret_value = payload.value;
  return KT_OK;
}

/* The next value of the label; empty when it would say what the latest one says and that is to be skipped. */
static enum kt_err next_value(struct session *session, const struct kt_json_provision *provision,
                              struct kt_arena *arena, struct kt_bytes *ret_value, struct kt_log_problem *ret_problem)
{
  struct kt_provision_place place = { .log_id = session->log_id };
  struct kt_account_state state;
  enum kt_err err = latest_value(session, provision->label, arena, &place.latest_value);
  ret_problem->text[0] = '\0';
  if (err == KT_OK) {
    err = kt_log_account_state(session->reader, provision->label, arena, &state, ret_problem);
  }
  if (err == KT_OK) {
    place.state = &state;
    err = kt_provision_value(provision, &place, session->skip_unchanged, arena, ret_value);
  }
  if (err != KT_OK && ret_problem->text[0] == '\0') {
    (void)snprintf(ret_problem->text, sizeof ret_problem->text, "%s", kt_err_text(err));
  }
  return err;
}

/* --- batches ------------------------------------------------------------------------------------------------------------ */

/* Prepared updates and where their results go. */
struct batch {
  size_t n;
  struct kt_log_pending *pending[KT_OPERATE_ITEMS_MAX];
  size_t result[KT_OPERATE_ITEMS_MAX];
  struct kt_log_outcome outcomes[KT_OPERATE_ITEMS_MAX];
};

static json_t *outcome_result(const struct kt_log_outcome *outcome)
{
  if (outcome->err != KT_OK) {
    return kt_provision_failure("failed", outcome->problem.text);
  }
  if (!outcome->inserted) {
    return kt_provision_failure("failed", "somebody else changed the label at the same time");
  }
  return kt_provision_inserted(outcome->first_version, outcome->position);
}

static void flush(struct session *session, struct batch *batch, json_t *results)
{
  if (batch->n > 0) {
    kt_log_insert(session->instance->log, batch->pending, batch->n, batch->outcomes);
  }
  for (size_t i = 0; i < batch->n; i++) {
    (void)json_array_set_new(results, batch->result[i], outcome_result(&batch->outcomes[i]));
  }
  batch->n = 0;
}

/* One item: a result at once, or a place in the batch (NULL). */
static json_t *take_item(struct session *session, const json_t *item, size_t index, struct batch *batch)
{
  struct kt_arena arena;
  struct kt_json_provision provision;
  struct kt_bytes value = { 0 };
  struct kt_log_problem problem;
  char why[KT_JSON_TEXT_SIZE];
  json_t *result = NULL;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  if (kt_json_provision_read(item, (struct kt_bytes){ 0 }, &arena, &provision, why) != KT_OK) {
    result = kt_provision_failure("refused", why);
  } else if (next_value(session, &provision, &arena, &value, &problem) != KT_OK) {
    result = kt_provision_failure("failed", problem.text);
  } else if (value.len == 0) {
    result = json_pack("{s:s}", "result", "unchanged");
  } else if (kt_log_operator_prepare(session->reader, provision.label, value, &batch->pending[batch->n], &problem) !=
             KT_OK) {
    result = kt_provision_failure("refused", problem.text);
  } else {
    batch->result[batch->n++] = index;
  }
  kt_arena_release(&arena);
  return result;
}

static bool label_occurs_before(const json_t *items, size_t index)
{
  const json_t *label = json_object_get(json_array_get(items, index), "label");
  for (size_t i = 0; label != NULL && i < index; i++) {
    if (json_equal(label, json_object_get(json_array_get(items, i), "label"))) {
      return true;
    }
  }
  return false;
}

static json_t *insert_items(struct session *session, const json_t *items)
{
  struct batch *batch = calloc(1, sizeof *batch);
  json_t *results = json_array();
  for (size_t i = 0; batch != NULL && i < json_array_size(items); i++) {
    /* The next set of a label needs its previous one in the log. */
    if (label_occurs_before(items, i)) {
      flush(session, batch, results);
    }
    json_t *result = take_item(session, json_array_get(items, i), i, batch);
    (void)json_array_append_new(results, result != NULL ? result : json_null());
  }
  if (batch == NULL) {
    json_decref(results);
    return NULL;
  }
  flush(session, batch, results);
  free(batch);
  return json_pack("{s:b, s:o}", "ok", 1, "results", results);
}

json_t *kt_operate_provision(struct kt_instance *instance, const json_t *request)
{
  const json_t *items = json_object_get(request, "items");
  struct session session = { .instance = instance,
                             .skip_unchanged = json_is_true(json_object_get(request, "skip_unchanged")) };
  struct kt_log_problem problem;
  struct kt_store_error store_error;
  if (!json_is_array(items) || json_array_size(items) > KT_OPERATE_ITEMS_MAX) {
    return kt_operate_failure(KT_ERR_FORMAT, "\"items\" must be an array of at most 256 objects");
  }
  kt_config_log_id(&instance->config, &session.log_id);
  enum kt_err err = kt_log_reader_new(instance->log, &session.reader, &problem);
  if (err != KT_OK) {
    return kt_operate_failure(err, problem.text);
  }
  err = kt_store_open_reader(instance->store, &session.conn, &store_error);
  json_t *response = err == KT_OK ? insert_items(&session, items) : kt_operate_failure(err, store_error.text);
  kt_store_close_conn(session.conn);
  kt_log_reader_free(session.reader);
  return response;
}
