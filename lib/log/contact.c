/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Contact Monitor. Whoever can name position and version has looked the label up before, so
 * monitoring is never denied (S11). */
#include "log/query.h"

static enum kt_err answer(struct kt_log_query *query, const struct kt_contact_monitor_request *request)
{
  struct kt_monitor_response response = { .full_tree_head = query->full_tree_head };
  struct kt_monitor_map *map = kt_arena_alloc(query->arena, 2, sizeof *map);
  if (map == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = kt_log_query_label(query, request->label);
  if (err == KT_OK) {
    err = kt_log_query_check_map(query, request->entries, request->n_entries, &map[0]);
  }
  if (err == KT_OK) {
    err = kt_contact_monitor(&query->record->view, &query->keys, &map[0], NULL, &map[1]);
  }
  if (err == KT_ERR_PROOF) { /* no honest walk of the tree leads to such a map */
    return kt_log_query_refuse(query, KT_ERR_USAGE, "monitor-map", "the monitoring map contradicts itself");
  }
  if (err == KT_OK) {
    err = kt_log_query_proof(query, &response.monitor);
  }
  if (err == KT_OK) {
    kt_monitor_response_write(query->w, query->config, &response);
  }
  return err;
}

enum kt_err kt_log_contact_monitor(struct kt_log_reader *reader, const struct kt_contact_monitor_request *request,
                                   struct kt_arena *arena, struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  struct kt_log_query query;
  enum kt_err err = kt_log_query_begin(&query, reader, &request->last, arena, w, ret_problem);
  if (err == KT_OK) {
    err = answer(&query, request);
  }
  return kt_log_query_end(&query, err);
}
