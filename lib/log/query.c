/* SPDX-License-Identifier: Apache-2.0 */
#include "log/query.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/noun.h"
#include "log/auditor.h"

/* --- the recorder's source ---------------------------------------------------------------------------------------- */

static bool is_pruned(const struct kt_log_query *query, uint64_t pos)
{
  return pos < atomic_load(&query->reader->log->pruned.boundary);
}

/* What is not stored was pruned, or the store is damaged. */
static enum kt_err missing(const struct kt_log_query *query, uint64_t pos)
{
  return is_pruned(query, pos) ? KT_ERR_EXPIRED : KT_ERR_STORE;
}

static enum kt_err source_entry(void *ctx, uint64_t pos, struct kt_record_entry *ret_entry)
{
  const struct kt_log_query *query = ctx;
  struct kt_store_entry entry;
  enum kt_err err = is_pruned(query, pos)
                        ? kt_store_get_entry(query->reader->conn, pos, &entry)
                        : kt_log_cache_entry(&query->reader->log->cache, query->reader->conn, pos, &entry);
  if (err != KT_OK) {
    return err == KT_ERR_ABSENT ? missing(query, pos) : err;
  }
  *ret_entry = (struct kt_record_entry){ .timestamp_ms = entry.timestamp_ms,
                                         .prefix_root = { .ref = entry.prefix_root_ref, .hash = entry.prefix_root } };
  return KT_OK;
}

static enum kt_err source_log_node(void *ctx, struct kt_log_node node, struct kt_hash *ret_value)
{
  const struct kt_log_query *query = ctx;
  uint64_t last = node.start + (((uint64_t)1 << node.level) - 1);
  enum kt_err err =
      is_pruned(query, last)
          ? kt_store_get_log_node(query->reader->conn, node.start, node.level, ret_value)
          : kt_log_cache_log_node(&query->reader->log->cache, query->reader->conn, node.start, node.level, ret_value);
  return err == KT_ERR_ABSENT ? missing(query, node.start) : err;
}

/* "The Transparency Log may stop at this point if the greatest version of the label present at this log entry is
 * greater than the version advertised by the user, or if a maximum output size has been reached." */
static enum kt_err source_more(void *ctx, uint64_t pos, bool *ret_more)
{
  struct kt_log_query *query = ctx;
  bool exists;
  uint32_t version;
  enum kt_err err = kt_log_query_greatest_at(query, pos, &exists, &version);
  if (err != KT_OK) {
    return err;
  }
  bool newer = exists && (!query->owner_version.present || version > query->owner_version.value);
  bool enough = query->n_ladders >= query->reader->log->options.limits.owner_ladders_max;
  *ret_more = !newer && !enough;
  query->n_ladders++;
  return KT_OK;
}

/* --- begin and end ------------------------------------------------------------------------------------------------ */

static enum kt_err check_last(uint64_t size, uint64_t boundary, const struct kt_optional_u64 *last,
                              struct kt_log_problem *problem)
{
  if (last->present && last->value == 0) { /* S2 */
    return kt_log_refuse(problem, KT_ERR_FORMAT, "last", "last is 0: nobody has seen an empty log");
  }
  if (last->present && last->value > size) { /* S2 */
    return kt_log_refuse(problem, KT_ERR_CONFLICT, "last", "last is %llu, but this log has %llu %s",
                         (unsigned long long)last->value, (unsigned long long)size, kt_noun_entries(size));
  }
  if (last->present && last->value <= boundary) {
    return kt_log_refuse(
        problem, KT_ERR_EXPIRED, "last-pruned",
        "last is %llu: the log no longer keeps what proves that it goes on from there; the oldest head "
        "it goes on from has %llu %s",
        (unsigned long long)last->value, (unsigned long long)boundary + 1, kt_noun_entries(boundary + 1));
  }
  return KT_OK;
}

enum kt_err kt_log_check_last(const struct kt_log *log, const struct kt_optional_u64 *last,
                              struct kt_log_problem *problem)
{
  struct kt_log_head head;
  kt_log_head(log, &head);
  enum kt_err err = kt_log_auditor_require(log, &head, problem);
  return err == KT_OK ? check_last(head.size, atomic_load(&log->pruned.boundary), last, problem) : err;
}

struct kt_full_tree_head kt_log_full_tree_head(const struct kt_config *config, const struct kt_log_head *head,
                                               const struct kt_optional_u64 *last)
{
  if (last->present && last->value == head->size) {
    return (struct kt_full_tree_head){ .type = KT_HEAD_SAME };
  }
  size_t signature_len = config->suite->signature_len;
  const struct kt_log_auditor_head *auditor = &head->auditor;
  return (struct kt_full_tree_head){
    .type = KT_HEAD_UPDATED,
    .tree_head = { .tree_size = head->size, .signature = { head->signature, signature_len } },
    .auditor_head = { .timestamp = auditor->timestamp_ms,
                      .tree_size = auditor->size,
                      .signature = { auditor->signature, signature_len } },
  };
}

/* head NULL: the published one. */
static enum kt_err query_begin(struct kt_log_query *query, struct kt_log_reader *reader, const struct kt_log_head *head,
                               const struct kt_optional_u64 *last, struct kt_arena *arena, struct kt_writer *w,
                               struct kt_log_problem *problem)
{
  *query = (struct kt_log_query){ .reader = reader,
                                  .config = reader->log->options.config,
                                  .arena = arena,
                                  .w = w,
                                  .w_start = w->len,
                                  .problem = problem,
                                  .generation = kt_ring_cache_generation(&reader->log->labels.ring) };
  problem->code = NULL;
  query->source = (struct kt_record_source){
    .ctx = query,
    .entry = source_entry,
    .log_node = source_log_node,
    .more = source_more,
    .prefix_nodes = { .ctx = &query->nodes, .get = kt_log_node_get, .paths = kt_log_paths },
  };
  kt_log_nodes_init(&query->nodes, reader->conn, &reader->log->cache, NULL);
  if (head != NULL) {
    query->head = *head;
  } else {
    kt_log_head(reader->log, &query->head);
  }
  query->full_tree_head = kt_log_full_tree_head(query->config, &query->head, last);
  enum kt_err err = check_last(query->head.size, atomic_load(&reader->log->pruned.boundary), last, problem);
  if (err != KT_OK) {
    return err;
  }
  err = kt_store_read_begin(reader->conn);
  if (err != KT_OK) {
    return err;
  }
  query->record = kt_arena_alloc(arena, 1, sizeof *query->record);
  if (query->record == NULL) {
    return KT_ERR_MEMORY;
  }
  err = kt_record_init(query->record, query->config, query->head.size, last->present ? last->value : 0, &query->source,
                       arena, &query->reason);
  return err == KT_OK ? kt_update_view(&query->record->view) : err;
}

enum kt_err kt_log_query_refuse(struct kt_log_query *query, enum kt_err err, const char *code, const char *format, ...)
{
  char text[sizeof query->problem->text];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return kt_log_refuse(query->problem, err, code, "%s", text);
}

/* An error that nobody explained: the algorithm's own words, or the store's. */
static enum kt_err explain(struct kt_log_query *query, enum kt_err err)
{
  const struct kt_reason *reason = &query->reason;
  switch (err) {
  case KT_ERR_EXPIRED:
    if (reason->code == NULL) {
      return kt_log_refuse(query->problem, err, "pruned",
                           "the answer needs log entries that are past the maximum lifetime and were removed");
    }
    break;
  case KT_ERR_ABSENT:
  case KT_ERR_USAGE: break;
  case KT_ERR_LIMIT:
    return kt_log_refuse(query->problem, err, "response-size", "the response would be over a bound of the protocol");
  case KT_ERR_PROOF: /* our own proof does not satisfy the verifier's rules: the stored data is damaged */
    (void)kt_log_refuse(query->problem, KT_ERR_STORE, "inconsistent", "the stored log is inconsistent: %s (entry %llu)",
                        reason->text != NULL ? reason->text : "", (unsigned long long)reason->position);
    query->problem->is_damaged = true;
    return KT_ERR_STORE;
  case KT_ERR_MEMORY: return kt_log_refuse(query->problem, err, "memory", "out of memory for this request");
  case KT_OK:
  case KT_ERR_FORMAT:
  case KT_ERR_STALE:
  case KT_ERR_UNDETERMINED:
  case KT_ERR_DENIED:
  case KT_ERR_CONFLICT:
  case KT_ERR_UNSUPPORTED:
  case KT_ERR_STORE:
  case KT_ERR_CRYPTO: return kt_log_store_problem(query->problem, err, query->reader->conn);
  }
  return kt_log_refuse(query->problem, err, reason->code != NULL ? reason->code : "refused", "%s",
                       reason->text != NULL ? reason->text : kt_err_text(err));
}

enum kt_err kt_log_response_keep(const struct kt_log *log, struct kt_writer *w, size_t start, enum kt_err err)
{
  err = err == KT_OK ? w->err : err;
  if (err == KT_OK && w->len - start > log->options.limits.response_max) {
    err = KT_ERR_LIMIT;
  }
  if (err != KT_OK) {
    w->len = start;
    w->err = KT_OK;
  }
  return err;
}

/* Also when begin failed. */
static enum kt_err query_end(struct kt_log_query *query, enum kt_err err)
{
  kt_store_read_end(query->reader->conn);
  err = kt_log_response_keep(query->reader->log, query->w, query->w_start, err);
  return err == KT_OK || query->problem->code != NULL ? err : explain(query, err);
}

static enum kt_err run_once(struct kt_log_query *query, struct kt_log_reader *reader, const struct kt_log_head *head,
                            const struct kt_optional_u64 *last, struct kt_arena *arena, struct kt_writer *w,
                            struct kt_log_problem *problem, kt_log_answer answer, const void *request)
{
  enum kt_err err = query_begin(query, reader, head, last, arena, w, problem);
  if (err == KT_OK) {
    err = answer(query, request);
  }
  return query_end(query, err);
}

enum kt_err kt_log_query_run(struct kt_log_reader *reader, const struct kt_optional_u64 *last, struct kt_arena *arena,
                             struct kt_writer *w, struct kt_log_problem *problem, kt_log_answer answer,
                             const void *request)
{
  return kt_log_query_run_at(reader, NULL, last, arena, w, problem, answer, request);
}

enum kt_err kt_log_query_run_at(struct kt_log_reader *reader, const struct kt_log_head *head,
                                const struct kt_optional_u64 *last, struct kt_arena *arena, struct kt_writer *w,
                                struct kt_log_problem *problem, kt_log_answer answer, const void *request)
{
  struct kt_log_query query;
  uint64_t boundary = atomic_load(&reader->log->pruned.boundary);
  enum kt_err err = run_once(&query, reader, head, last, arena, w, problem, answer, request);
  /* What came from the cache may be older than what was read from the store: pruning between the two looks like
   * damage. */
  if (err == KT_ERR_STORE && atomic_load(&reader->log->pruned.boundary) != boundary) {
    err = run_once(&query, reader, head, last, arena, w, problem, answer, request);
  }
  return err;
}

enum kt_err kt_log_query_proof(struct kt_log_query *query, struct kt_combined_proof *ret_proof)
{
  bool audited = query->config->mode == KT_MODE_THIRD_PARTY_AUDITING && query->full_tree_head.type == KT_HEAD_UPDATED;
  enum kt_err err = kt_log_auditor_require(query->reader->log, &query->head, query->problem);
  return err == KT_OK ? kt_record_finish(query->record, audited ? query->head.auditor.size : 0, ret_proof) : err;
}

/* --- the label ---------------------------------------------------------------------------------------------------- */

void kt_log_query_use(struct kt_log_query *query, const struct kt_log_outcome *outcome,
                      const struct kt_log_ahead *ahead)
{
  query->ahead = ahead;
  if (ahead == NULL || ahead->made == NULL || outcome == NULL || !outcome->inserted) {
    return;
  }
  query->made = ahead->made;
  query->made_pos = outcome->position;
  query->label_id = outcome->label_id;
  query->n_versions = query->made->n_versions + query->made->n_new;
  query->greatest = (uint32_t)(query->n_versions - 1);
  query->exists = true;
}

const struct kt_log_new_version *kt_log_query_made(const struct kt_log_query *query, uint32_t version)
{
  return query->made != NULL && version >= query->made->n_versions && version < query->n_versions
             ? &query->made->versions[version - query->made->n_versions]
             : NULL;
}

enum kt_err kt_log_query_label(struct kt_log_query *query, struct kt_bytes label)
{
  struct kt_store_conn *conn = query->reader->conn;
  struct kt_store_label row;
  query->label = label;
  if (query->made != NULL) {
    return KT_OK;
  }
  enum kt_err err = kt_store_get_label(conn, label, query->arena, &row);
  if (err == KT_ERR_ABSENT) {
    return kt_log_query_absent(query);
  }
  if (err != KT_OK) {
    return err;
  }
  if (row.n_versions > 0 && row.newest_pos < query->head.size) { /* nearly always */
    query->greatest = (uint32_t)(row.n_versions - 1);
  } else {
    err = kt_store_find_greatest(conn, row.label_id, row.n_versions, query->head.size, &query->greatest);
  }
  if (err != KT_OK && err != KT_ERR_ABSENT) {
    return err;
  }
  query->label_id = row.label_id;
  query->n_versions = row.n_versions;
  query->exists = err == KT_OK;
  return KT_OK;
}

enum kt_err kt_log_query_gone(struct kt_log_query *query, uint32_t version)
{
  struct kt_store_version next;
  if (version < query->greatest &&
      kt_store_get_version(query->reader->conn, query->label_id, version + 1, &next) == KT_OK &&
      next.pos <= atomic_load(&query->reader->log->pruned.boundary)) {
    return kt_log_query_refuse(query, KT_ERR_EXPIRED, "version-expired",
                               "version %lu of the label has expired and its value was removed",
                               (unsigned long)version);
  }
  return kt_log_query_refuse(query, KT_ERR_EXPIRED, "erased", "version %lu of the label was erased",
                             (unsigned long)version);
}

enum kt_err kt_log_query_greatest_at(void *ctx, uint64_t pos, bool *ret_exists, uint32_t *ret_version)
{
  const struct kt_log_query *query = ctx;
  enum kt_err err = KT_ERR_ABSENT;
  if (query->made != NULL && pos >= query->made_pos) {
    *ret_version = query->greatest;
    err = KT_OK;
  } else if (query->exists && (query->made == NULL || query->made->n_versions > 0)) {
    err = kt_store_find_greatest(query->reader->conn, query->label_id, query->n_versions, pos + 1, ret_version);
  }
  if (err == KT_OK || err == KT_ERR_ABSENT) {
    *ret_exists = err == KT_OK;
    return KT_OK;
  }
  return err;
}
