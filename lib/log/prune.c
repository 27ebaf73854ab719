/* SPDX-License-Identifier: Apache-2.0 */
/* Removing what nobody needs any more when the log has a maximum lifetime (draft: Maximum Lifetime; the argument is in
 * docs/architecture.md, Pruning).
 *
 * `boundary` moves to the right, one old entry at a time. Left of it only the entries are left whose timestamps, roots
 * and log tree nodes answers still need; prefix trees are kept from the boundary on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/engine.h"

#define STEP_ENTRIES 64   /* a step passes at most so many entries … */
#define STEP_READS 20000  /* … and no further one after reading so many nodes: some tens of milliseconds */
#define COMPACTION_BITS 3 /* an entry's nodes are looked at when it is 8, 64, 512 … entries left of the boundary */
#define STEP_ARENA_CAP ((size_t)256 << 20)

/* --- which entries stay ------------------------------------------------------------------------------------------- */

/* Left of the boundary stay, for each full subtree of a log that ends there, its last entry, and the last entries of
 * the left siblings on the path from that entry to the subtree's head. */
bool kt_log_is_kept(uint64_t pos, uint64_t boundary)
{
  uint64_t end = pos + 1;
  if (end > boundary) {
    return true;
  }
  for (uint64_t subtree_end = boundary; subtree_end >= end; subtree_end &= subtree_end - 1) {
    uint64_t left = subtree_end - end;
    bool is_sibling = (left & (left - 1)) == 0 && left < (subtree_end & -subtree_end);
    if (left == 0 || is_sibling) {
      return true;
    }
  }
  return false;
}

/* Visit those left of the old boundary that a new one does not keep. */
static enum kt_err drop_unkept(struct kt_store_conn *writer, uint64_t old_boundary, uint64_t boundary, uint64_t *n)
{
  enum kt_err err = KT_OK;
  for (uint64_t subtree_end = old_boundary; subtree_end != 0; subtree_end &= subtree_end - 1) {
    uint64_t width = subtree_end & -subtree_end;
    uint64_t left = 0; /* entries between the one at hand and the subtree's end */
    while (err == KT_OK && left < width) {
      uint64_t pos = subtree_end - left - 1;
      if (!kt_log_is_kept(pos, boundary)) {
        err = kt_store_drop_entry(writer, pos);
        (*n)++;
      }
      left = left == 0 ? 1 : 2 * left;
    }
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

/* The entries that the boundary passes: most go at once. */
static enum kt_err drop_passed(struct kt_store_conn *writer, uint64_t old_boundary, uint64_t boundary, uint64_t *n)
{
  enum kt_err err = KT_OK;
  for (uint64_t pos = old_boundary; err == KT_OK && pos < boundary; pos++) {
    if (kt_log_is_kept(pos, boundary)) {
      err = kt_store_strip_entry(writer, pos);
    } else {
      err = kt_store_drop_entry(writer, pos);
      (*n)++;
    }
  }
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

/* --- prefix tree nodes -------------------------------------------------------------------------------------------- */

struct marker {
  struct kt_log_nodes nodes;
  uint64_t pos; /* the entry whose nodes are looked for */
  uint64_t *live;
  size_t n_live;
  size_t room;
  uint64_t n_reads;
};

static size_t split(const struct kt_hash *keys, size_t n, unsigned depth)
{
  size_t zeros = 0;
  while (zeros < n && (keys[zeros].b[depth / 8] >> (7 - depth % 8) & 1) == 0) {
    zeros++;
  }
  return zeros;
}

/* Collect the quads of the entry that are in this tree. They all lie on the paths to its own leaves, and nothing under
 * a node is newer than it is. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static enum kt_err mark(struct marker *marker, uint64_t ref, const struct kt_hash *keys, size_t n, unsigned depth)
{
  uint64_t made_by = kt_store_ref_pos(ref);
  struct kt_prefix_node node;
  if (n == 0 || ref == 0 || made_by < marker->pos || kt_store_ref_is_leaf(ref)) {
    return KT_OK;
  }
  enum kt_err err = kt_log_node_get(&marker->nodes, ref, &node);
  marker->n_reads++;
  if (err != KT_OK) {
    return err;
  }
  bool is_own = made_by == marker->pos && kt_log_ref_side(ref) == KT_LOG_SIDE_TOP;
  if (depth >= UINT8_MAX || (is_own && marker->n_live == marker->room)) {
    return KT_ERR_STORE; /* no tree of ours is that deep, and no entry has more nodes than it made */
  }
  if (is_own) {
    marker->live[marker->n_live++] = ref;
  }
  size_t zeros = split(keys, n, depth);
  err = mark(marker, node.child[0].ref, keys, zeros, depth + 1);
  return err == KT_OK ? mark(marker, node.child[1].ref, keys + zeros, n - zeros, depth + 1) : err;
}

static int compare_refs(const void *a, const void *b)
{
  const uint64_t *x = a;
  const uint64_t *y = b;
  return *x < *y ? -1 : *x > *y;
}

/* Keys of the entry's own leaves, sorted as they are stored: those never leave the tree. KT_ERR_ABSENT: it has none. */
static enum kt_err leaf_keys(struct kt_store_conn *writer, uint64_t pos, struct kt_arena *arena,
                             const struct kt_hash **ret_keys, size_t *ret_n)
{
  struct kt_bytes leaves;
  enum kt_err err = kt_store_get_leaves(writer, pos, arena, &leaves);
  if (err != KT_OK) {
    return err;
  }
  size_t n = leaves.len / KT_STORE_LEAF_LEN;
  struct kt_hash *keys = kt_arena_alloc(arena, n, sizeof *keys);
  if (keys == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n; i++) {
    memcpy(keys[i].b, leaves.data + i * KT_STORE_LEAF_LEN, KT_HASH_LEN);
  }
  *ret_keys = keys;
  *ret_n = n;
  return KT_OK;
}

/* Remove the nodes of an entry that are not in the tree at the boundary. */
static enum kt_err compact(struct kt_store_conn *writer, uint64_t pos, const struct kt_prefix_child *root,
                           uint64_t *n_reads, uint64_t *n_removed)
{
  struct kt_arena arena;
  struct kt_store_nodes nodes;
  const struct kt_hash *keys;
  size_t n_keys;
  uint64_t n = 0;
  kt_arena_init(&arena, STEP_ARENA_CAP);
  enum kt_err err = kt_store_get_nodes(writer, pos, &arena, &nodes);
  if (err != KT_OK) {
    kt_arena_release(&arena);
    return err;
  }
  struct marker marker = { .pos = pos, .room = nodes.n };
  kt_log_nodes_init(&marker.nodes, writer, NULL, NULL);
  marker.live = kt_arena_alloc(&arena, nodes.n, sizeof *marker.live);
  err = marker.live != NULL ? leaf_keys(writer, pos, &arena, &keys, &n_keys) : KT_ERR_MEMORY;
  if (err == KT_OK) {
    err = mark(&marker, root->ref, keys, n_keys, 0);
  }
  if (err == KT_OK && marker.n_live < nodes.n) {
    qsort(marker.live, marker.n_live, sizeof marker.live[0], compare_refs);
    err = kt_store_keep_nodes(writer, pos, marker.live, marker.n_live, &n);
  }
  *n_reads += marker.n_reads + nodes.n;
  *n_removed += n;
  kt_arena_release(&arena);
  return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
}

/* Each time an entry gets eight times as far from the boundary, about three more of the nodes on the way to each of its
 * leaves were replaced; so what is kept in vain stays a small multiple of what is needed. */
static enum kt_err compact_behind(struct kt_store_conn *writer, uint64_t boundary, uint64_t *n_reads,
                                  uint64_t *n_removed)
{
  struct kt_prefix_child root;
  enum kt_err err = kt_log_prefix_root(writer, boundary + 1, &root);
  for (unsigned bits = COMPACTION_BITS; err == KT_OK && bits < 64 && (uint64_t)1 << bits <= boundary;
       bits += COMPACTION_BITS) {
    err = compact(writer, boundary - ((uint64_t)1 << bits), &root, n_reads, n_removed);
  }
  return err;
}

/* --- one step ----------------------------------------------------------------------------------------------------- */

/* Whoever looked at the log while its newest entry of then has not expired finds all they need: they may still ask
 * about entries one monitoring window older than that. */
static bool is_old(const struct kt_log *log, uint64_t pos, uint64_t timestamp_ms)
{
  const struct kt_config *config = log->options.config;
  uint64_t age_ms = log->tip.timestamp_ms - timestamp_ms;
  /* An auditor who is behind still needs the tree before the first entry that is new to them. */
  if (config->mode == KT_MODE_THIRD_PARTY_AUDITING && pos + 1 >= log->auditor.size) {
    return false;
  }
  return age_ms >= config->maximum_lifetime &&
         age_ms - config->maximum_lifetime >= config->reasonable_monitoring_window;
}

/* Move the boundary over the entries that are old enough; *ret_more: the step ended before they did. */
static enum kt_err advance(const struct kt_log *log, struct kt_store_pruned *pruned, bool *ret_more)
{
  uint64_t first = pruned->boundary;
  uint64_t n_reads = 0;
  for (;;) {
    struct kt_store_entry entry;
    enum kt_err err = kt_store_get_entry(log->writer, pruned->boundary, &entry);
    if (err != KT_OK) {
      return err == KT_ERR_ABSENT ? KT_ERR_STORE : err;
    }
    *ret_more = is_old(log, pruned->boundary, entry.timestamp_ms);
    if (!*ret_more || pruned->boundary - first == STEP_ENTRIES || n_reads > STEP_READS) {
      return KT_OK;
    }
    uint64_t n_values;
    uint64_t boundary = pruned->boundary + 1;
    err = kt_store_erase_superseded(log->writer, boundary, &n_values);
    if (err == KT_OK) {
      err = compact_behind(log->writer, boundary, &n_reads, &pruned->n_nodes);
    }
    if (err != KT_OK) {
      return err;
    }
    pruned->n_values += n_values;
    pruned->boundary = boundary;
  }
}

static enum kt_err fill_step(struct kt_log *log, struct kt_store_pruned *pruned, bool *ret_more)
{
  uint64_t old_boundary = pruned->boundary;
  enum kt_err err = advance(log, pruned, ret_more);
  if (err == KT_OK) {
    err = drop_unkept(log->writer, old_boundary, pruned->boundary, &pruned->n_entries);
  }
  if (err == KT_OK) {
    err = drop_passed(log->writer, old_boundary, pruned->boundary, &pruned->n_entries);
  }
  return err == KT_OK ? kt_store_put_pruned(log->writer, pruned) : err;
}

static void publish(struct kt_log *log, const struct kt_store_pruned *pruned)
{
  atomic_store(&log->pruned.boundary, pruned->boundary);
  atomic_store(&log->pruned.n_entries, pruned->n_entries);
  atomic_store(&log->pruned.n_nodes, pruned->n_nodes);
  atomic_store(&log->pruned.n_values, pruned->n_values);
}

/* Is the entry at the boundary old? Asked after each commit, so it costs one read. */
static bool is_due(const struct kt_log *log)
{
  struct kt_store_entry entry;
  uint64_t boundary = atomic_load(&log->pruned.boundary);
  return kt_store_get_entry(log->writer, boundary, &entry) == KT_OK && is_old(log, boundary, entry.timestamp_ms);
}

static enum kt_err run_step(struct kt_log *log, bool *ret_more)
{
  struct kt_log_problem problem;
  struct kt_store_pruned pruned;
  enum kt_err err = kt_store_get_pruned(log->writer, &pruned);
  if (err == KT_OK) {
    err = kt_store_begin(log->writer);
  }
  if (err != KT_OK) {
    return err;
  }
  err = fill_step(log, &pruned, ret_more);
  if (err != KT_OK) {
    kt_store_rollback(log->writer);
    return err;
  }
  /* Before the commit: a reader that misses something must find it below the boundary. */
  atomic_store(&log->pruned.boundary, pruned.boundary);
  err = kt_store_commit(log->writer);
  if (err != KT_OK) {
    return kt_log_commit_failed(log, err, &problem);
  }
  kt_ring_cache_forget_all(&log->labels.ring);
  publish(log, &pruned);
  return KT_OK;
}

/* --- when not to -------------------------------------------------------------------------------------------------- */

static void set_reason(struct kt_log *log, const char *reason, bool tell)
{
  pthread_mutex_lock(&log->lock);
  (void)snprintf(log->pruning_reason, sizeof log->pruning_reason, "%s", reason);
  pthread_mutex_unlock(&log->lock);
  if (tell && log->options.pruning != NULL) {
    log->options.pruning(log->options.ctx, reason);
  }
}

static void set_waiting(struct kt_log *log, bool tell)
{
  char reason[KT_LOG_REASON_SIZE];
  const struct kt_log_gap *gap = &log->gap;
  (void)snprintf(reason, sizeof reason,
                 "no entry for %llu s before the one of %llu ms since 1970: the log stood still, or its clock jumped "
                 "ahead. Nothing is removed until it has run for %llu s since; if the clock is wrong, set it right",
                 (unsigned long long)(gap->length_ms / 1000), (unsigned long long)gap->end_ms,
                 (unsigned long long)(log->options.config->reasonable_monitoring_window / 1000));
  set_reason(log, reason, tell && log->told_gap_ms != gap->end_ms);
  log->told_gap_ms = tell ? gap->end_ms : log->told_gap_ms;
}

/* A clock that jumps ahead makes everything old at once, and what is removed is lost for good, also when the clock is
 * right again. So after a break the log has to run on for a window: whoever sets the clock has that long to notice. */
static enum kt_err look_for_gap(struct kt_log *log, bool tell, bool *ret_may_prune, bool *ret_more)
{
  enum kt_err err = kt_log_gap_look(log, &log->gap, ret_more);
  bool is_recent = err == KT_OK && kt_log_gap_is_recent(log, &log->gap);
  if (is_recent) {
    set_waiting(log, tell);
  }
  atomic_store(&log->pruned.is_waiting, is_recent);
  *ret_may_prune = err == KT_OK && !is_recent && !*ret_more;
  return err;
}

static enum kt_err prune(struct kt_log *log, bool *ret_more)
{
  bool may_prune = false;
  if (!is_due(log)) {
    atomic_store(&log->pruned.is_waiting, false);
    return KT_OK;
  }
  enum kt_err err = look_for_gap(log, true, &may_prune, ret_more);
  return err == KT_OK && may_prune ? run_step(log, ret_more) : err;
}

void kt_log_prune(struct kt_log *log)
{
  struct kt_log_problem problem;
  bool more = false;
  if (!log->options.config->has_maximum_lifetime || atomic_load(&log->pruned.is_stopped)) {
    return;
  }
  enum kt_err err = prune(log, &more);
  if (err != KT_OK && err != KT_ERR_MEMORY && !atomic_load(&log->is_fatal)) {
    (void)kt_log_store_problem(&problem, err, log->writer);
    /* A damaged old tree does not keep the log from going on; what is wrong with the file itself the next commit
     * finds. */
    if (!problem.retry) {
      set_reason(log, problem.text, true);
      atomic_store(&log->pruned.is_waiting, false);
      atomic_store(&log->pruned.is_stopped, true);
    }
  }
  atomic_store(&log->pruned.is_behind, err == KT_OK && more);
}

enum kt_err kt_log_prune_open(struct kt_log *log)
{
  struct kt_store_pruned pruned;
  bool may_prune = false;
  bool more = false;
  enum kt_err err = kt_store_get_pruned(log->writer, &pruned);
  if (err != KT_OK) {
    return err;
  }
  publish(log, &pruned);
  if (log->options.config->has_maximum_lifetime && is_due(log)) {
    /* A damaged entry is for the first step to tell, not a reason not to open. */
    bool looked = look_for_gap(log, false, &may_prune, &more) == KT_OK;
    atomic_store(&log->pruned.is_behind, !looked || may_prune || more);
  }
  return KT_OK;
}
