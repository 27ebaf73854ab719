/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Search; proven absence is protocol-notes'. */
#include "log/query.h"

/* "a greatest-version search for a label without versions is answered with version 0, an all-zero opening, an empty
 * value, exactly one BinaryLadderStep (version 0, no commitment), and one lookup per inspected entry". */
static enum kt_err answer_absent(struct kt_log_query *query)
{
  static const uint8_t zero_opening[KT_OPENING_LEN];
  const uint32_t version = 0;
  struct kt_search_response response = { .full_tree_head = query->full_tree_head,
                                         .opening = zero_opening,
                                         .n_ladder = 1 };
  struct kt_found found;
  enum kt_err err = kt_log_query_steps(query, &version, 1, NULL, NULL, &response.binary_ladder);
  if (err != KT_OK) {
    return err;
  }
  err = kt_greatest_search(&query->record->view, &query->keys, version, true, &found);
  if (err != KT_ERR_ABSENT) {
    return err == KT_OK ? KT_ERR_PROOF : err;
  }
  err = kt_log_query_proof(query, &response.search);
  if (err == KT_OK) {
    kt_search_response_write(query->w, query->config, false, &response);
  }
  return err;
}

static enum kt_err run(struct kt_log_query *query, bool fixed, uint32_t version)
{
  struct kt_found found;
  struct kt_view *view = &query->record->view;
  return fixed ? kt_fixed_search(view, &query->keys, version, &found)
               : kt_greatest_search(view, &query->keys, version, false, &found);
}

static enum kt_err answer_found(struct kt_log_query *query, bool fixed, uint32_t version)
{
  struct kt_search_response response = { .full_tree_head = query->full_tree_head, .version = version };
  struct kt_store_payload payload;
  uint32_t versions[KT_LADDER_MAX];
  enum kt_err err = kt_store_get_payload(query->reader->conn, query->label_id, version, query->arena, &payload);
  if (err != KT_OK) {
    return err == KT_ERR_EXPIRED ? kt_log_query_gone(query, version) : KT_ERR_STORE;
  }
  query->has_row = true;
  query->row_version = version;
  query->row = payload.version;
  response.n_ladder = kt_ladder_base(version, versions);
  /* "The commitment field is omitted only for versions of the label that don't exist and for the target version". */
  err = kt_log_query_steps(query, versions, response.n_ladder, &query->greatest, &version, &response.binary_ladder);
  if (err == KT_OK) {
    err = run(query, fixed, version);
  }
  if (err == KT_OK) {
    err = kt_log_query_proof(query, &response.search);
  }
  if (err == KT_OK) {
    response.opening = payload.opening;
    response.value = (struct kt_update_value){ .value = payload.value, .signature = payload.suffix };
    kt_search_response_write(query->w, query->config, fixed, &response);
  }
  return err;
}

static enum kt_err answer(struct kt_log_query *query, const void *ctx)
{
  const struct kt_search_request *request = ctx;
  bool fixed = request->version.present;
  enum kt_err err = kt_log_query_label(query, request->label);
  if (err != KT_OK) {
    return err;
  }
  if (fixed && (!query->exists || request->version.value > query->greatest)) {
    return kt_log_query_refuse(query, KT_ERR_ABSENT, "no-such-version",
                               "the label has no version %lu; a search without version proves which is the greatest",
                               (unsigned long)request->version.value);
  }
  if (!query->exists) {
    return answer_absent(query);
  }
  return answer_found(query, fixed, fixed ? request->version.value : query->greatest);
}

enum kt_err kt_log_search(struct kt_log_reader *reader, const struct kt_search_request *request, struct kt_arena *arena,
                          struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  return kt_log_query_run(reader, &request->last, arena, w, ret_problem, answer, request);
}
