/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Contact Monitor. Whoever can name position and version has looked the label up before, so
 * monitoring is never denied (S11). */
#include "log/query.h"

static enum kt_err answer(struct kt_log_query *query, const void *ctx)
{
  const struct kt_contact_monitor_request *request = ctx;
  struct kt_monitor_response response = { .full_tree_head = query->full_tree_head };
  enum kt_err err = kt_log_query_label(query, request->label);
  if (err == KT_OK) {
    err = kt_log_query_monitor(query, request->entries, request->n_entries, NULL);
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
  return kt_log_query_run(reader, &request->last, arena, w, ret_problem, answer, request);
}
