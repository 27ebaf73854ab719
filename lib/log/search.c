/* SPDX-License-Identifier: Apache-2.0 */
/* draft: User Operations / Search; proven absence is protocol-notes'. */
#include "log/query.h"
#include "tree/ibst.h"

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

/* The facts of a version from the store. */
static enum kt_err read_facts(struct kt_log_query *query, uint32_t version, struct kt_log_label_facts *ret_facts)
{
  struct kt_store_payload payload;
  uint32_t *versions = kt_arena_alloc(query->arena, KT_LADDER_MAX, sizeof *versions);
  if (versions == NULL) {
    return KT_ERR_MEMORY;
  }
  enum kt_err err = kt_store_get_payload(query->reader->conn, query->label_id, version, query->arena, &payload);
  if (err != KT_OK) {
    return err == KT_ERR_EXPIRED ? kt_log_query_gone(query, version) : KT_ERR_STORE;
  }
  query->has_row = true;
  query->row_version = version;
  query->row = payload.version;
  struct kt_log_label_facts facts = { .label_id = query->label_id,
                                      .newest_pos = payload.version.pos,
                                      .version = version,
                                      .value = { .value = payload.value, .signature = payload.suffix },
                                      .versions = versions,
                                      .n_steps = kt_ladder_base(version, versions),
                                      .proof_len = query->config->suite->vrf_proof_len };
  facts.opening = kt_arena_copy(query->arena, payload.opening, KT_OPENING_LEN);
  /* "The commitment field is omitted only for versions of the label that don't exist and for the target version". */
  err = facts.opening == NULL
            ? KT_ERR_MEMORY
            : kt_log_query_steps(query, versions, facts.n_steps, &query->greatest, &version, &facts.steps);
  if (err == KT_OK) {
    facts.keys = query->keys;
    *ret_facts = facts;
  }
  return err;
}

/* Entries that a greatest-version search inspects; the count. */
static size_t inspected_entries(const struct kt_log_query *query, uint64_t ret_positions[static KT_IBST_DEPTH_MAX],
                                uint64_t ret_roots[static KT_IBST_DEPTH_MAX])
{
  bool any;
  uint64_t rightmost;
  size_t n = 0;
  if (kt_rightmost_distinguished(&query->record->view, &any, &rightmost) != KT_OK) {
    return 0; /* the search will say so */
  }
  uint64_t pos = any ? rightmost : kt_ibst_root(query->head.size);
  struct kt_store_entry entry;
  while (kt_log_cache_entry(&query->reader->log->cache, query->reader->conn, pos, &entry) == KT_OK) {
    ret_positions[n] = pos;
    ret_roots[n++] = entry.prefix_root_ref;
    if (!kt_ibst_right(pos, query->head.size, &pos)) {
      break;
    }
  }
  return n;
}

/* The lookups of a greatest-version search, or nearly: at an entry before the version's, a ladder may go on or
 * end earlier. A version that exists is not looked up again once it was shown, and a greater one only where
 * the search goes that far. */
static void read_ahead(struct kt_log_query *query, const struct kt_log_label_facts *facts)
{
  uint64_t positions[KT_IBST_DEPTH_MAX];
  uint64_t roots[KT_IBST_DEPTH_MAX];
  /* Without a cache, what the keys of one tree have in common would be read for each. */
  if (query->reader->log->options.cache_bytes == 0) {
    return;
  }
  size_t n_entries = inspected_entries(query, positions, roots);
  size_t n_max = n_entries * facts->keys.n;
  n_max = n_max < KT_LOG_AHEAD_MAX ? n_max : KT_LOG_AHEAD_MAX;
  struct kt_prefix_lookup *lookups = kt_arena_alloc(query->arena, n_max, sizeof *lookups);
  if (lookups == NULL) {
    return;
  }
  size_t n_before = 0; /* entries before the version's */
  while (n_before < n_entries && positions[n_before] < facts->newest_pos) {
    n_before++;
  }
  size_t n = 0;
  for (size_t k = 0; k < facts->keys.n; k++) {
    const struct kt_label_key *key = &facts->keys.keys[k];
    bool exists = key->version <= facts->version;
    size_t end = exists && n_before < n_entries ? n_before + 1 : n_entries;
    for (size_t i = exists ? 0 : n_before; i < end && n < n_max; i++) {
      lookups[n++] = (struct kt_prefix_lookup){ .root_ref = roots[i], .key = key->vrf_output };
    }
  }
  kt_log_read_ahead(&query->nodes, lookups, n, query->arena);
}

static enum kt_err answer_found(struct kt_log_query *query, bool fixed, const struct kt_log_label_facts *facts)
{
  struct kt_search_response response = { .full_tree_head = query->full_tree_head,
                                         .version = facts->version,
                                         .opening = facts->opening,
                                         .value = facts->value,
                                         .n_ladder = facts->n_steps,
                                         .binary_ladder = facts->steps };
  struct kt_found found;
  struct kt_view *view = &query->record->view;
  query->keys = facts->keys;
  if (!fixed) {
    read_ahead(query, facts);
  }
  enum kt_err err = fixed ? kt_fixed_search(view, &query->keys, facts->version, &found)
                          : kt_greatest_search(view, &query->keys, facts->version, false, &found);
  if (err == KT_OK) {
    err = kt_log_query_proof(query, &response.search);
  }
  if (err == KT_OK) {
    kt_search_response_write(query->w, query->config, fixed, &response);
  }
  return err;
}

/* A label whose greatest version is asked for is one that will be asked for again. */
static bool find_facts(struct kt_log_query *query, const struct kt_search_request *request,
                       struct kt_log_label_facts *ret_facts)
{
  struct kt_log_label_facts facts;
  if (!kt_label_cache_get(&query->reader->log->labels, request->label, query->arena, &facts) ||
      facts.newest_pos >= query->head.size || /* of a newer head than ours */
      (request->version.present && request->version.value != facts.version)) {
    return false;
  }
  *ret_facts = facts;
  return true;
}

static enum kt_err answer_from_store(struct kt_log_query *query, const struct kt_search_request *request)
{
  struct kt_log_label_facts facts = { .n_steps = 0 };
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
  err = read_facts(query, fixed ? request->version.value : query->greatest, &facts);
  if (err == KT_OK) {
    err = answer_found(query, fixed, &facts);
  }
  if (err == KT_OK && facts.version + (uint64_t)1 == query->n_versions) {
    kt_label_cache_put(&query->reader->log->labels, query->generation, request->label, &facts);
  }
  return err;
}

static enum kt_err answer(struct kt_log_query *query, const void *ctx)
{
  const struct kt_search_request *request = ctx;
  struct kt_log_label_facts facts = { .n_steps = 0 };
  return find_facts(query, request, &facts) ? answer_found(query, request->version.present, &facts)
                                            : answer_from_store(query, request);
}

enum kt_err kt_log_search(struct kt_log_reader *reader, const struct kt_search_request *request, struct kt_arena *arena,
                          struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  return kt_log_query_run(reader, &request->last, arena, w, ret_problem, answer, request);
}
