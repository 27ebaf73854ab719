/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Walking Distinguished Heads; the tree head as the answer to its emptiest request. */
#include "log/query.h"

static enum kt_err answer(struct kt_log_query *query, const void *ctx)
{
  const struct kt_distinguished_request *request = ctx;
  struct kt_distinguished_response response = { .full_tree_head = query->full_tree_head };
  const uint64_t *stop = request->stop.present ? &request->stop.value : NULL;
  uint64_t positions[KT_RECENT_MAX];
  size_t n;
  enum kt_err err = kt_walk_distinguished(&query->record->view, stop, positions, &n);
  if (err == KT_OK) {
    err = kt_log_query_proof(query, &response.distinguished);
  }
  if (err == KT_OK) {
    kt_distinguished_response_write(query->w, query->config, &response);
  }
  return err;
}

enum kt_err kt_log_distinguished(struct kt_log_reader *reader, const struct kt_distinguished_request *request,
                                 struct kt_arena *arena, struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  return kt_log_query_run(reader, &request->last, arena, w, ret_problem, answer, request);
}

enum kt_err kt_log_tree_head(struct kt_log_reader *reader, struct kt_arena *arena, struct kt_writer *w,
                             struct kt_log_problem *ret_problem)
{
  const struct kt_distinguished_request request = { .last = { .present = false } };
  return kt_log_distinguished(reader, &request, arena, w, ret_problem);
}
