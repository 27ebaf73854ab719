/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Updating a Label; the response. */
#include <string.h>

#include "crypto/hash.h"
#include "log/query.h"
#include "tree/ibst.h"

/* The versions from `first` on that were created in its log entry, and how many of them were skipped. */
static enum kt_err count_versions(struct kt_log_query *query, uint32_t first, struct kt_label_update *what,
                                  uint32_t *ret_n_skipped)
{
  struct kt_prefix_leaf leaf;
  uint64_t pos = 0;
  uint32_t n_skipped = 0;
  enum kt_err err = kt_log_query_version(query, first, &pos, &leaf);
  what->position = pos;
  for (uint32_t version = first; err == KT_OK && version <= query->greatest && pos == what->position;) {
    n_skipped += kt_log_is_skipped(&leaf.commitment) ? 1 : 0;
    what->n_new++;
    version++;
    if (version <= query->greatest) {
      err = kt_log_query_version(query, version, &pos, &leaf);
    }
  }
  *ret_n_skipped = n_skipped;
  return err;
}

/* Which new versions the response is about: `greatest_version`+1 and those created in the same log entry. Skipped ones
 * come first among them. */
static enum kt_err find_new_versions(struct kt_log_query *query, const struct kt_update_request *request,
                                     struct kt_label_update *ret_what, uint32_t *ret_n_skipped)
{
  const struct kt_optional_u32 *known = &request->greatest_version;
  struct kt_label_update what = { .has_previous = known->present, .previous = known->present ? known->value : 0 };
  struct kt_store_version row;
  if (!query->exists || (known->present && known->value >= query->greatest)) {
    (void)kt_log_retry(query->problem, KT_ERR_STORE, "unpublished", "the update is not in the published head");
    return KT_ERR_STORE;
  }
  enum kt_err err = count_versions(query, known->present ? known->value + 1 : 0, &what, ret_n_skipped);
  if (err == KT_OK && what.has_previous) {
    err = kt_store_get_version(query->reader->conn, query->label_id, what.previous, &row);
    what.previous_pos = row.pos;
  }
  if (err != KT_OK) {
    return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
  }
  *ret_what = what;
  return KT_OK;
}

static enum kt_err get_payload(const struct kt_log_query *query, uint32_t version, struct kt_store_payload *ret_payload)
{
  const struct kt_log_new_version *made = kt_log_query_made(query, version);
  if (made == NULL) {
    return kt_store_get_payload(query->reader->conn, query->label_id, version, query->arena, ret_payload);
  }
  ret_payload->value = made->value;
  ret_payload->suffix = made->suffix;
  memcpy(ret_payload->opening, made->opening, sizeof made->opening);
  return KT_OK;
}

/* "If UpdateResponse.values is empty, this indicates that all of the new versions … were successfully created". */
static enum kt_err fill_values(struct kt_log_query *query, uint32_t first, uint32_t n, bool inserted,
                               struct kt_update_response *response)
{
  struct kt_bytes *values = kt_arena_alloc(query->arena, n, sizeof *values);
  struct kt_update_info *info = kt_arena_alloc(query->arena, n, sizeof *info);
  struct kt_store_payload *payloads = kt_arena_alloc(query->arena, n, sizeof *payloads);
  if (values == NULL || info == NULL || payloads == NULL) {
    return KT_ERR_MEMORY;
  }
  for (uint32_t i = 0; i < n; i++) {
    uint32_t version = first + i;
    enum kt_err err = get_payload(query, version, &payloads[i]);
    if (err == KT_ERR_EXPIRED) {
      return kt_log_query_gone(query, version);
    }
    if (err != KT_OK) {
      return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
    }
    values[i] = payloads[i].value;
    info[i] = (struct kt_update_info){ .opening = payloads[i].opening, .signature = payloads[i].suffix };
  }
  response->values = values;
  response->n_values = inserted ? 0 : n;
  response->info = info;
  response->n_info = n;
  return KT_OK;
}

/* The steps the response lists, and beyond them the keys of the ladders the algorithm walks. Versions below the
 * previous greatest one never appear in the list, so no step carries a commitment. */
static enum kt_err fill_ladder(struct kt_log_query *query, const struct kt_label_update *what,
                               struct kt_update_response *response)
{
  uint32_t versions[KT_UPDATE_VERSIONS_MAX];
  uint32_t greatest = what->has_previous ? what->previous + what->n_new : what->n_new - 1;
  response->n_ladder = kt_update_versions(what->has_previous, what->previous, what->n_new, versions);
  enum kt_err err = kt_log_query_steps(query, versions, response->n_ladder, NULL, NULL, &response->binary_ladder);
  if (err == KT_OK) {
    err = kt_log_query_keys(query, versions, kt_ladder_base(what->has_previous ? what->previous : 0, versions));
  }
  if (err == KT_OK) {
    err = kt_log_query_keys(query, versions, kt_ladder_base(greatest, versions));
  }
  return err;
}

_Static_assert(KT_IBST_DEPTH_MAX <= KT_LOG_AHEAD_MAX, "a frontier fits");

/* The lookups of kt_update_label, or nearly: the previous greatest version in the frontier of the previous tree, as far
 * as it is not distinguished, and every version of the ladder in the entry of the new ones. */
static void read_ahead(struct kt_log_query *query, const struct kt_label_update *what)
{
  const struct kt_log_cache *cache = &query->reader->log->cache;
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  struct kt_store_entry entry;
  bool any;
  uint64_t rightmost;
  if (query->reader->log->options.cache_bytes == 0 || what->position == 0 ||
      kt_rightmost_distinguished(&query->record->view, &any, &rightmost) != KT_OK) {
    return;
  }
  size_t n = 0;
  const struct kt_label_key *previous = kt_label_keys_find(&query->keys, what->has_previous ? what->previous : 0);
  size_t n_frontier = previous != NULL ? kt_ibst_frontier(what->position, frontier) : 0;
  size_t n_max = n_frontier + query->keys.n;
  n_max = n_max < KT_LOG_AHEAD_MAX ? n_max : KT_LOG_AHEAD_MAX;
  struct kt_prefix_lookup *lookups = kt_arena_alloc(query->arena, n_max, sizeof *lookups);
  if (lookups == NULL) {
    return;
  }
  for (size_t i = 0; i < n_frontier; i++) {
    bool is_looked_up = (!any || frontier[i] > rightmost) && (!what->has_previous || frontier[i] > what->previous_pos);
    if (is_looked_up && kt_log_cache_entry(cache, query->reader->conn, frontier[i], &entry) == KT_OK) {
      lookups[n++] = (struct kt_prefix_lookup){ .root_ref = entry.prefix_root_ref, .key = previous->vrf_output };
    }
  }
  enum kt_err err = kt_log_cache_entry(cache, query->reader->conn, what->position, &entry);
  for (size_t i = 0; err == KT_OK && i < query->keys.n && n < n_max; i++) {
    lookups[n++] =
        (struct kt_prefix_lookup){ .root_ref = entry.prefix_root_ref, .key = query->keys.keys[i].vrf_output };
  }
  kt_log_read_ahead(&query->nodes, lookups, n, query->arena);
}

struct answer {
  const struct kt_update_request *request;
  const struct kt_log_outcome *outcome; /* NULL: nothing had to be inserted */
  const struct kt_log_ahead *ahead;
};

/* But for its head. Everything in it is in the query's arena. */
static enum kt_err make_response(struct kt_log_query *query, const struct answer *about,
                                 struct kt_update_response *ret_response)
{
  const struct kt_update_request *request = about->request;
  struct kt_update_response response = { .skipped_versions = 0 };
  const struct kt_history history = { .ctx = query, .greatest_at = kt_log_query_greatest_at };
  struct kt_label_update what;
  bool distinguished;
  bool inserted = about->outcome != NULL && about->outcome->inserted;
  kt_log_query_use(query, about->outcome, about->ahead);
  enum kt_err err = kt_log_query_label(query, request->label);
  if (err == KT_OK) {
    err = find_new_versions(query, request, &what, &response.skipped_versions);
  }
  if (err == KT_OK) {
    uint32_t first = (what.has_previous ? what.previous + 1 : 0) + response.skipped_versions;
    err = fill_values(query, first, what.n_new - response.skipped_versions, inserted, &response);
  }
  if (err == KT_OK) {
    err = fill_ladder(query, &what, &response);
  }
  if (err == KT_OK) {
    read_ahead(query, &what);
    err = kt_update_label(&query->record->view, &query->keys, &what, &history, &distinguished);
  }
  if (err == KT_OK) {
    err = kt_log_query_proof(query, &response.update);
  }
  if (err == KT_OK) {
    response.position = what.position;
    *ret_response = response;
  }
  return err;
}

static enum kt_err answer(struct kt_log_query *query, const void *ctx)
{
  struct kt_update_response response;
  enum kt_err err = make_response(query, ctx, &response);
  if (err == KT_OK) {
    response.full_tree_head = query->full_tree_head;
    kt_update_response_write(query->w, query->config, &response);
  }
  return err;
}

/* --- drafts ------------------------------------------------------------------------------------------------------- */

/* A response at a head whose signature is not known yet. */
struct kt_log_draft {
  struct kt_log_head head;
  struct kt_optional_u64 last; /* of the request */
  struct kt_update_response response;
};

struct drafting {
  struct answer about;
  struct kt_log_draft *draft;
};

static enum kt_err draft(struct kt_log_query *query, const void *ctx)
{
  const struct drafting *drafting = ctx;
  drafting->draft->head = query->head;
  drafting->draft->last = drafting->about.request->last;
  return make_response(query, &drafting->about, &drafting->draft->response);
}

void kt_log_update_draft(struct kt_log_reader *reader, const struct kt_log_head *head,
                         const struct kt_log_pending *pending)
{
  struct kt_log_ahead *ahead = pending->ahead;
  struct kt_log_problem problem;
  struct kt_writer nothing;
  if (ahead == NULL || !atomic_load(&ahead->is_ready) || !pending->outcome.inserted) {
    return;
  }
  const struct drafting drafting = {
    .about = { .request = &ahead->request, .outcome = &pending->outcome, .ahead = ahead },
    .draft = kt_arena_alloc(ahead->arena, 1, sizeof *drafting.draft),
  };
  kt_writer_init(&nothing, 0);
  if (drafting.draft != NULL && kt_log_query_run_at(reader, head, &ahead->request.last, ahead->arena, &nothing,
                                                    &problem, draft, &drafting) == KT_OK) {
    ahead->draft = drafting.draft;
  }
  kt_writer_release(&nothing);
}

static bool is_same_last(const struct kt_optional_u64 *a, const struct kt_optional_u64 *b)
{
  return a->present == b->present && (!a->present || a->value == b->value);
}

/* False: the head that is published is not the draft's, or a response that long is refused. */
static bool write_draft(const struct kt_log *log, const struct kt_update_request *request,
                        const struct kt_log_draft *made, struct kt_writer *w)
{
  struct kt_log_head head;
  kt_log_head(log, &head);
  if (!kt_hash_equal(&head.root, &made->head.root) || head.auditor.size != made->head.auditor.size ||
      !is_same_last(&request->last, &made->last)) {
    return false;
  }
  size_t start = w->len;
  struct kt_update_response response = made->response;
  response.full_tree_head = kt_log_full_tree_head(log->options.config, &head, &request->last);
  kt_update_response_write(w, log->options.config, &response);
  return kt_log_response_keep(log, w, start, KT_OK) == KT_OK;
}

/* --- entry points ------------------------------------------------------------------------------------------------- */

enum kt_err kt_log_update_respond(struct kt_log_reader *reader, const struct kt_update_request *request,
                                  const struct kt_log_outcome *outcome, const struct kt_log_ahead *ahead,
                                  struct kt_arena *arena, struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  const struct answer about = { .request = request, .outcome = outcome, .ahead = ahead };
  if (outcome != NULL && outcome->err != KT_OK) {
    *ret_problem = outcome->problem;
    return outcome->err;
  }
  kt_log_updating_begin(reader->log);
  bool is_written = ahead != NULL && ahead->draft != NULL && write_draft(reader->log, request, ahead->draft, w);
  enum kt_err err =
      is_written ? KT_OK : kt_log_query_run(reader, &request->last, arena, w, ret_problem, answer, &about);
  kt_log_ahead_store(reader->log, outcome, ahead);
  kt_log_updating_end(reader->log);
  return err;
}

enum kt_err kt_log_manager_respond(struct kt_log_reader *reader, const struct kt_manager_update_request *request,
                                   const struct kt_log_outcome *outcome, const struct kt_log_ahead *ahead,
                                   struct kt_arena *arena, struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  const struct kt_update_request plain = kt_log_plain_update(request);
  return kt_log_update_respond(reader, &plain, outcome, ahead, arena, w, ret_problem);
}
