/* SPDX-License-Identifier: Apache-2.0 */
/* draft: Auditing; the feed an auditor reads, and consistency of two heads (ours). */
#include <string.h>

#include "base/noun.h"
#include "log/query.h"
#include "wire/auditor.h"

static const struct kt_optional_u64 no_last = { .present = false };

/* --- the feed ----------------------------------------------------------------------------------------------------- */

/* "The proof field contains a batch lookup proof in the previous log entry's prefix tree for all search
 * keys referenced by added or removed." Our log never removes. KT_ERR_LIMIT: more leaves than leaves_max,
 * nothing is proven or written. */
static enum kt_err write_update(struct kt_log_nodes *source, uint64_t pos, size_t leaves_max, struct kt_arena *arena,
                                struct kt_writer *w, size_t *ret_leaves)
{
  const struct kt_prefix_nodes nodes = { .ctx = source, .get = kt_log_node_get, .paths = kt_log_paths };
  struct kt_store_conn *conn = source->conn;
  struct kt_store_entry entry;
  struct kt_bytes leaves;
  struct kt_prefix_child before;
  enum kt_err err = kt_store_get_entry(conn, pos, &entry);
  if (err == KT_OK) {
    err = kt_store_get_leaves(conn, pos, arena, &leaves);
  }
  if (err == KT_OK) {
    err = kt_log_prefix_root(conn, pos, &before);
  }
  if (err != KT_OK) {
    return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
  }
  struct kt_auditor_update update = { .timestamp = entry.timestamp_ms,
                                      .added = (const struct kt_prefix_leaf *)(const void *)leaves.data,
                                      .n_added = leaves.len / KT_STORE_LEAF_LEN };
  if (update.n_added > leaves_max) {
    return KT_ERR_LIMIT;
  }
  struct kt_hash *keys = kt_arena_alloc(arena, update.n_added, sizeof *keys);
  if (keys == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < update.n_added; i++) {
    keys[i] = update.added[i].vrf_output;
  }
  err = kt_prefix_prove(&nodes, before, keys, update.n_added, arena, &update.proof);
  if (err == KT_OK) {
    kt_auditor_update_write(w, &update);
    *ret_leaves = update.n_added;
    err = w->err;
  }
  return err;
}

/* Updates until one is over the bounds; that one is taken back, unless it is the first and only the leaves are too
 * many. Each has its own memory. */
static enum kt_err write_updates(struct kt_log_query *query, uint64_t start, uint64_t n, uint32_t *ret_count)
{
  struct kt_writer *w = query->w;
  const struct kt_log_limits *limits = &query->reader->log->options.limits;
  size_t leaves_left = limits->audit_leaves_max;
  uint32_t count = 0;
  enum kt_err err = KT_OK;
  while (err == KT_OK && count < n) {
    struct kt_arena arena;
    size_t before = w->len;
    size_t n_leaves = 0;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    err = write_update(&query->nodes, start + count, count > 0 ? leaves_left : SIZE_MAX, &arena, w, &n_leaves);
    kt_arena_release(&arena);
    bool over = err == KT_ERR_LIMIT || w->len - query->w_start > limits->response_max;
    if (over && count > 0) {
      w->len = before;
      w->err = KT_OK;
      err = KT_OK;
      break;
    }
    leaves_left -= n_leaves < leaves_left ? n_leaves : leaves_left;
    count++;
  }
  *ret_count = count;
  return err;
}

struct feed {
  uint64_t start;
  uint64_t limit;
  uint32_t *ret_count;
};

static enum kt_err answer_feed(struct kt_log_query *query, const void *ctx)
{
  const struct feed *feed = ctx;
  uint64_t size = query->head.size;
  uint64_t max = query->reader->log->options.limits.audit_max;
  uint64_t n = feed->limit < max ? feed->limit : max;
  if (feed->start > size) {
    return kt_log_query_refuse(query, KT_ERR_USAGE, "start", "start is %llu, but this log has %llu %s",
                               (unsigned long long)feed->start, (unsigned long long)size, kt_noun_entries(size));
  }
  uint64_t boundary = atomic_load(&query->reader->log->pruned.boundary);
  if (boundary > 0 && feed->start <= boundary) {
    return kt_log_query_refuse(query, KT_ERR_EXPIRED, "pruned",
                               "the entries before %llu are past the maximum lifetime and were removed; an audit can "
                               "begin at entry %llu",
                               (unsigned long long)boundary, (unsigned long long)boundary + 1);
  }
  n = n < size - feed->start ? n : size - feed->start;
  uint32_t count = 0;
  kt_write_u32(query->w, 0); /* the count, known at the end */
  enum kt_err err = query->w->err == KT_OK ? write_updates(query, feed->start, n, &count) : query->w->err;
  if (err == KT_OK) {
    struct kt_writer head;
    kt_writer_init_fixed(&head, query->w->buf + query->w_start, sizeof count);
    kt_write_u32(&head, count);
    *feed->ret_count = count;
  }
  return err;
}

enum kt_err kt_log_audit(struct kt_log_reader *reader, uint64_t start, uint64_t limit, struct kt_arena *arena,
                         struct kt_writer *w, uint32_t *ret_count, struct kt_log_problem *ret_problem)
{
  uint32_t count = 0;
  const struct feed feed = { .start = start, .limit = limit, .ret_count = &count };
  enum kt_err err = kt_log_query_run(reader, &no_last, arena, w, ret_problem, answer_feed, &feed);
  if (err == KT_OK && ret_count != NULL) {
    *ret_count = count;
  }
  return err;
}

/* --- state and consistency ---------------------------------------------------------------------------------------- */

static enum kt_err check_size(struct kt_log_query *query, uint64_t size)
{
  if (size == 0 || size > query->head.size) {
    return kt_log_query_refuse(query, KT_ERR_USAGE, "size", "size is %llu, but this log has %llu %s",
                               (unsigned long long)size, (unsigned long long)query->head.size,
                               kt_noun_entries(query->head.size));
  }
  uint64_t boundary = atomic_load(&query->reader->log->pruned.boundary);
  if (boundary > 0 && size <= boundary) {
    return kt_log_query_refuse(query, KT_ERR_EXPIRED, "pruned",
                               "what the log was like at %llu %s is past the maximum lifetime and was removed; the "
                               "smallest size it can still show is %llu",
                               (unsigned long long)size, kt_noun_entries(size), (unsigned long long)boundary + 1);
  }
  return KT_OK;
}

static enum kt_err write_heads(struct kt_log_query *query, uint64_t size)
{
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  enum kt_err err = kt_log_heads_at(query->reader->conn, size, heads);
  if (err == KT_OK) {
    size_t n = (size_t)__builtin_popcountll(size);
    kt_write_count8(query->w, n);
    kt_write_bytes(query->w, heads, n * sizeof heads[0]);
  }
  return err;
}

static enum kt_err write_elements(struct kt_log_query *query, const struct kt_log_request *request)
{
  struct kt_log_node *nodes;
  size_t n;
  enum kt_err err = kt_log_copath(request, query->arena, &nodes, &n);
  if (err != KT_OK) {
    return err;
  }
  kt_write_count16(query->w, n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    struct kt_hash value;
    err = query->source.log_node(query->source.ctx, nodes[i], &value);
    if (err == KT_OK) {
      kt_write_bytes(query->w, value.b, sizeof value.b);
    }
  }
  return err;
}

static enum kt_err write_frontier(struct kt_log_query *query, const uint64_t *frontier, size_t n)
{
  enum kt_err err = KT_OK;
  kt_write_count8(query->w, n);
  for (size_t i = 0; err == KT_OK && i < n; i++) {
    struct kt_record_entry entry;
    err = query->source.entry(query->source.ctx, frontier[i], &entry);
    if (err == KT_OK) {
      kt_write_u64(query->w, entry.timestamp_ms);
      kt_write_bytes(query->w, entry.prefix_root.hash.b, KT_HASH_LEN);
    }
  }
  return err;
}

static enum kt_err answer_state(struct kt_log_query *query, const void *ctx)
{
  uint64_t size = *(const uint64_t *)ctx;
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  enum kt_err err = check_size(query, size);
  if (err != KT_OK) {
    return err;
  }
  size_t n = kt_ibst_frontier(size, frontier);
  const struct kt_log_request request = { .size = size, .leaves = frontier, .n_leaves = n, .retained_size = size };
  kt_write_u64(query->w, size);
  err = write_heads(query, size);
  if (err == KT_OK) {
    err = write_frontier(query, frontier, n);
  }
  return err == KT_OK ? write_elements(query, &request) : err;
}

enum kt_err kt_log_audit_state(struct kt_log_reader *reader, uint64_t size, struct kt_arena *arena, struct kt_writer *w,
                               struct kt_log_problem *ret_problem)
{
  return kt_log_query_run(reader, &no_last, arena, w, ret_problem, answer_state, &size);
}

static enum kt_err answer_consistency(struct kt_log_query *query, const void *ctx)
{
  const struct kt_log_request *request = ctx;
  uint64_t old_size = request->retained_size;
  uint64_t size = request->size;
  enum kt_err err = check_size(query, size);
  if (err == KT_OK && (old_size == 0 || old_size > size)) {
    err = kt_log_query_refuse(query, KT_ERR_USAGE, "size", "the old size is %llu, the new one %llu",
                              (unsigned long long)old_size, (unsigned long long)size);
  }
  if (err == KT_OK) {
    err = check_size(query, old_size);
  }
  if (err == KT_OK) {
    err = write_heads(query, old_size);
  }
  return err == KT_OK ? write_elements(query, request) : err;
}

enum kt_err kt_log_consistency(struct kt_log_reader *reader, uint64_t old_size, uint64_t size, struct kt_arena *arena,
                               struct kt_writer *w, struct kt_log_problem *ret_problem)
{
  const struct kt_log_request request = { .size = size, .retained_size = old_size };
  return kt_log_query_run(reader, &no_last, arena, w, ret_problem, answer_consistency, &request);
}
