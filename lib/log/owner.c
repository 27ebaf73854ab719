/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Owner Initialization, / Owner Monitoring. */
#include <string.h>

#include "log/query.h"

#include "base/noun.h"

static enum kt_err check_start(struct kt_log_query *query, uint64_t start)
{
  if (start >= query->head.size) { /* S5, S6 */
    return kt_log_query_refuse(query, KT_ERR_USAGE, "start", "start is %llu, but this log has %llu %s",
                               (unsigned long long)start, (unsigned long long)query->head.size,
                               kt_noun_entries(query->head.size));
  }
  return KT_OK;
}

/* --- Owner Initialization ----------------------------------------------------------------------------------------- */

/* "The greatest_versions field contains the greatest version of the label that exists in each log entry computed in
 * step 1 …, ending at the first log entry where the label doesn't exist." */
static enum kt_err greatest_versions(struct kt_log_query *query, const uint64_t *list, size_t n,
                                     uint32_t ret_greatest[static KT_IBST_DEPTH_MAX], size_t *ret_n)
{
  bool exists = true;
  size_t n_greatest = 0;
  for (size_t i = 0; i < n; i++) {
    enum kt_err err = kt_log_query_greatest_at(query, list[i], &exists, &ret_greatest[i]);
    if (err != KT_OK) {
      return err;
    }
    if (!exists) {
      break;
    }
    n_greatest++;
  }
  *ret_n = n_greatest;
  return KT_OK;
}

/* Step 3 and 4 of the algorithm: "if a version of the label exists" as of the start. */
static enum kt_err init_ladder(struct kt_log_query *query, struct kt_owner_init_response *response)
{
  uint32_t *versions = kt_arena_alloc(query->arena, KT_OWNER_INIT_VERSIONS_MAX, sizeof *versions);
  if (versions == NULL) {
    return KT_ERR_MEMORY;
  }
  response->n_ladder = kt_owner_init_versions(response->greatest_versions, response->n_greatest_versions, versions);
  const uint32_t *commit_max = response->n_greatest_versions > 0 ? &response->greatest_versions[0] : NULL;
  return kt_log_query_steps(query, versions, response->n_ladder, commit_max, NULL, &response->binary_ladder);
}

static enum kt_err answer_init(struct kt_log_query *query, const void *ctx)
{
  const struct kt_owner_init_request *request = ctx;
  struct kt_owner_init_response response = { .full_tree_head = query->full_tree_head };
  uint64_t list[KT_IBST_DEPTH_MAX];
  uint32_t greatest[KT_IBST_DEPTH_MAX];
  size_t n;
  enum kt_err err = check_start(query, request->start);
  if (err == KT_OK) {
    err = kt_log_query_label(query, request->label);
  }
  if (err != KT_OK) {
    return err;
  }
  /* "The Transparency Log verifies that start identifies a log entry that is unexpired and distinguished." (S5) */
  err = kt_owner_init_list(&query->record->view, request->start, list, &n);
  if ((err == KT_ERR_PROOF || err == KT_ERR_EXPIRED) && query->reason.code != NULL) {
    return kt_log_query_refuse(query, err == KT_ERR_PROOF ? KT_ERR_USAGE : err, query->reason.code, "%s",
                               query->reason.text);
  }
  if (err == KT_OK) {
    err = greatest_versions(query, list, n, greatest, &response.n_greatest_versions);
  }
  if (err == KT_OK) {
    response.greatest_versions = greatest;
    err = init_ladder(query, &response);
  }
  if (err == KT_OK) {
    err = kt_owner_init(&query->record->view, &query->keys, list, n, greatest, response.n_greatest_versions);
  }
  if (err == KT_OK) {
    err = kt_log_query_proof(query, &response.init);
  }
  if (err == KT_OK) {
    kt_owner_init_response_write(query->w, query->config, &response);
  }
  return err;
}

enum kt_err kt_log_owner_init(struct kt_log_reader *reader, const struct kt_owner_init_request *request,
                              struct kt_arena *arena, struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  return kt_log_query_run(reader, &request->last, arena, w, ret_problem, answer_init, request);
}

/* --- Owner Monitoring --------------------------------------------------------------------------------------------- */

/* S7: "greatest_version is either absent, or less than or equal to the greatest version of the label"; "if some version
 * of the label existed at start, … greatest_version is present and greater than or equal to that version". */
static enum kt_err check_greatest(struct kt_log_query *query, const struct kt_owner_monitor_request *request)
{
  const struct kt_optional_u32 *known = &request->greatest_version;
  bool exists;
  uint32_t version = 0;
  if (known->present && (!query->exists || known->value > query->greatest)) {
    return kt_log_query_refuse(query, KT_ERR_USAGE, "greatest-version", "the label has no version %lu",
                               (unsigned long)known->value);
  }
  enum kt_err err = kt_log_query_greatest_at(query, request->start, &exists, &version);
  if (err == KT_OK && exists && (!known->present || known->value < version)) {
    return kt_log_query_refuse(query, KT_ERR_USAGE, "greatest-version",
                               "version %lu of the label existed at start already", (unsigned long)version);
  }
  return err;
}

/* The version an entry is checked against; its ladder's keys are made available on the way. */
static enum kt_err expected_at(void *ctx, uint64_t pos, bool *ret_exists, uint32_t *ret_version)
{
  struct kt_log_query *query = ctx;
  uint32_t versions[KT_LADDER_MAX];
  enum kt_err err = kt_log_query_greatest_at(query, pos, ret_exists, ret_version);
  if (err != KT_OK) {
    return err;
  }
  return kt_log_query_keys(query, versions, kt_ladder_base(*ret_exists ? *ret_version : 0, versions));
}

static enum kt_err answer_monitor(struct kt_log_query *query, const void *ctx)
{
  const struct kt_owner_monitor_request *request = ctx;
  struct kt_monitor_response response = { .full_tree_head = query->full_tree_head };
  const struct kt_history history = { .ctx = query, .greatest_at = expected_at };
  struct kt_owner_progress progress;
  query->owner_version = request->greatest_version;
  enum kt_err err = check_start(query, request->start);
  if (err == KT_OK) {
    err = kt_log_query_label(query, request->label);
  }
  if (err == KT_OK) {
    err = check_greatest(query, request);
  }
  if (err == KT_OK) {
    err = kt_log_query_monitor(query, request->entries, request->n_entries, &request->start);
  }
  if (err == KT_OK) {
    err = kt_owner_monitor(&query->record->view, &query->keys, request->start, &history, &progress);
  }
  if (err == KT_OK) {
    err = kt_log_query_proof(query, &response.monitor);
  }
  if (err == KT_OK) {
    kt_monitor_response_write(query->w, query->config, &response);
  }
  return err;
}

enum kt_err kt_log_owner_monitor(struct kt_log_reader *reader, const struct kt_owner_monitor_request *request,
                                 struct kt_arena *arena, struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  return kt_log_query_run(reader, &request->last, arena, w, ret_problem, answer_monitor, request);
}
