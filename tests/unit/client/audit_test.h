/* SPDX-License-Identifier: Apache-2.0 */
/* A naive log for an auditor's tests: sets of leaves, trees rebuilt by recursion, distinguished entries by the draft's
 * recursive definition over the whole log. Proofs come from the model, not from the code under test. */
#ifndef KT_TESTS_AUDIT_TEST_H
#define KT_TESTS_AUDIT_TEST_H

#include "unit/tree/prefix_model.h"

#include <kt/audit.h>

#include "wire/auditor.h"

#define ENTRIES_MAX 160
#define CHANGE_MAX 8

/* --- naive log ---------------------------------------------------------------------------------------------------- */

struct naive_log {
  size_t size;
  uint64_t timestamps[ENTRIES_MAX];
  struct kt_hash entries[ENTRIES_MAX]; /* Hash(LogEntry) */
  struct model_set leaves;             /* of the newest prefix tree */
};

static inline struct kt_hash naive_prefix_root(const struct naive_log *log)
{
  return model_root(log->leaves.at, log->leaves.n, 0);
}

static inline void naive_append(struct naive_log *log, uint64_t timestamp)
{
  uint8_t content[8 + 32];
  struct kt_hash root = naive_prefix_root(log);
  for (size_t i = 0; i < 8; i++) {
    content[i] = (uint8_t)(timestamp >> (56 - 8 * i));
  }
  memcpy(content + 8, root.b, 32);
  log->timestamps[log->size] = timestamp;
  crypto_hash_sha256(log->entries[log->size++].b, content, sizeof content);
}

static inline size_t naive_split(size_t n)
{
  size_t split = 1;
  while (split * 2 < n) {
    split *= 2;
  }
  return split;
}

/* Log Tree: "Hash(hashContent(left) || hashContent(right))", with 0x00 before a leaf child and 0x01 before a parent. */
static inline struct kt_hash naive_tree(const struct kt_hash *entries, size_t n)
{
  if (n == 1) {
    return entries[0];
  }
  size_t split = naive_split(n);
  struct kt_hash left = naive_tree(entries, split);
  struct kt_hash right = naive_tree(entries + split, n - split);
  uint8_t content[66];
  content[0] = split == 1 ? 0 : 1;
  memcpy(content + 1, left.b, 32);
  content[33] = n - split == 1 ? 0 : 1;
  memcpy(content + 34, right.b, 32);
  crypto_hash_sha256(left.b, content, sizeof content);
  return left;
}

/* Implicit binary search tree over [lo, lo + n): the root is the last entry of its largest complete left part. */
static inline size_t naive_ibst_root(size_t lo, size_t n)
{
  size_t power = 1;
  while (power * 2 <= n) {
    power *= 2;
  }
  return lo + power - 1;
}

/* Reasonable Monitoring Window, steps 1 to 4. */
static inline void naive_distinguished(const uint64_t *timestamps, size_t lo, size_t n, uint64_t left, uint64_t right,
                                       uint64_t window, bool *ret)
{
  if (n == 0 || right - left < window) {
    return;
  }
  size_t root = naive_ibst_root(lo, n);
  ret[root] = true;
  naive_distinguished(timestamps, lo, root - lo, left, timestamps[root], window, ret);
  naive_distinguished(timestamps, root + 1, lo + n - root - 1, timestamps[root], right, window, ret);
}

/* The rightmost entry before `next` that is distinguished once `next` is there. */
static inline bool naive_published(const struct naive_log *log, uint64_t next_ms, uint64_t window, size_t *ret_pos)
{
  uint64_t timestamps[ENTRIES_MAX + 1];
  bool distinguished[ENTRIES_MAX + 1] = { false };
  memcpy(timestamps, log->timestamps, log->size * sizeof *timestamps);
  timestamps[log->size] = next_ms;
  naive_distinguished(timestamps, 0, log->size + 1, 0, next_ms, window, distinguished);
  bool any = false;
  for (size_t i = 0; i < log->size; i++) {
    if (distinguished[i]) {
      *ret_pos = i;
      any = true;
    }
  }
  return any;
}

/* --- updates made from the model ------------------------------------------------------------------------------------ */

struct made_update {
  struct kt_auditor_update update;
  struct kt_prefix_leaf added[CHANGE_MAX];
  struct kt_prefix_leaf removed[CHANGE_MAX];
  struct kt_prefix_result results[2 * CHANGE_MAX];
  struct kt_hash elements[MODEL_LEAVES_MAX];
};

static inline struct kt_prefix_leaf leaf_of(unsigned number, uint8_t commitment)
{
  struct kt_prefix_leaf leaf;
  uint8_t seed[4] = { (uint8_t)(number >> 8), (uint8_t)number, 0x77, 0x01 };
  crypto_hash_sha256(leaf.vrf_output.b, seed, sizeof seed);
  memset(leaf.commitment.b, commitment, sizeof leaf.commitment.b);
  return leaf;
}

static inline struct kt_prefix_leaf *find_leaf(struct model_set *set, const struct kt_hash *key)
{
  for (size_t i = 0; i < set->n; i++) {
    if (memcmp(&set->at[i].vrf_output, key, 32) == 0) {
      return &set->at[i];
    }
  }
  return NULL;
}

/* "a batch lookup proof in the previous log entry's prefix tree": results of added, then of removed. */
static inline void make_proof(const struct model_set *before, struct made_update *made)
{
  struct kt_auditor_update *u = &made->update;
  struct kt_hash keys[2 * CHANGE_MAX];
  struct kt_hash prefix = { { 0 } };
  size_t n = 0;
  for (size_t i = 0; i < u->n_added; i++) {
    keys[n++] = made->added[i].vrf_output;
  }
  for (size_t i = 0; i < u->n_removed; i++) {
    keys[n++] = made->removed[i].vrf_output;
  }
  for (size_t i = 0; i < n; i++) {
    made->results[i] = model_search(before, &keys[i]);
  }
  u->proof = (struct kt_prefix_proof){ .results = made->results, .n_results = n, .elements = made->elements };
  model_elements(before->at, before->n, keys, n, &prefix, 0, made->elements, &u->proof.n_elements);
}

static inline void make_update(const struct naive_log *log, uint64_t timestamp, const struct kt_prefix_leaf *added,
                               size_t n_added, const struct kt_prefix_leaf *removed, size_t n_removed,
                               struct made_update *made)
{
  *made = (struct made_update){ .update = { .timestamp = timestamp, .n_added = n_added, .n_removed = n_removed } };
  memcpy(made->added, added, n_added * sizeof *added);
  if (n_removed > 0) {
    memcpy(made->removed, removed, n_removed * sizeof *removed);
  }
  qsort(made->added, n_added, sizeof *added, model_compare);
  qsort(made->removed, n_removed, sizeof *added, model_compare);
  made->update.added = made->added;
  made->update.removed = made->removed;
  make_proof(&log->leaves, made);
}

static inline void naive_apply(struct naive_log *log, const struct kt_auditor_update *u)
{
  for (size_t i = 0; i < u->n_removed; i++) {
    struct kt_prefix_leaf *leaf = find_leaf(&log->leaves, &u->removed[i].vrf_output);
    assert_non_null(leaf);
    if (leaf != NULL) { /* which the compiler cannot know */
      *leaf = log->leaves.at[--log->leaves.n];
    }
  }
  for (size_t i = 0; i < u->n_added; i++) {
    log->leaves.at[log->leaves.n++] = u->added[i];
  }
  model_sort(&log->leaves);
  naive_append(log, u->timestamp);
}

static const struct kt_config no_window = { .reasonable_monitoring_window = UINT64_MAX };

static inline enum kt_err step(const struct kt_audit_state *old, const struct made_update *made,
                               struct kt_audit_state *state, struct kt_reason *reason)
{
  *reason = (struct kt_reason){ .code = NULL };
  return kt_audit_step(&no_window, old, &made->update, NULL, state, reason);
}

/* A log of n entries that each add one leaf, and the auditor's state of it. */
static inline void grow(struct naive_log *log, struct kt_audit_state *state, size_t n)
{
  static struct made_update made;
  struct kt_reason reason;
  *log = (struct naive_log){ .size = 0 };
  *state = (struct kt_audit_state){ .size = 0 };
  for (size_t i = 0; i < n; i++) {
    struct kt_prefix_leaf leaf = leaf_of((unsigned)i, 1);
    make_update(log, 1000 * (i + 1), &leaf, 1, NULL, 0, &made);
    assert_int_equal(step(state, &made, state, &reason), KT_OK);
    naive_apply(log, &made.update);
  }
}

static inline void assert_state_fits(const struct kt_audit_state *state, const struct naive_log *log)
{
  struct kt_hash root;
  struct kt_hash naive = naive_tree(log->entries, log->size);
  struct kt_hash prefix_root = naive_prefix_root(log);
  assert_int_equal(state->size, log->size);
  kt_audit_root(state, &root);
  assert_memory_equal(root.b, naive.b, 32);
  assert_memory_equal(state->prefix_root.b, prefix_root.b, 32);
  /* full subtrees: one per bit of the size, the largest first */
  size_t start = 0;
  size_t n = 0;
  for (size_t len = (size_t)1 << 20; len > 0; len /= 2) {
    if ((log->size & len) != 0) {
      naive = naive_tree(log->entries + start, len);
      assert_memory_equal(state->heads[n++].b, naive.b, 32);
      start += len;
    }
  }
  assert_int_equal(state->n_heads, n);
  /* frontier: from the root along right children */
  n = 0;
  for (size_t lo = 0; lo < log->size; n++) {
    size_t pos = naive_ibst_root(lo, log->size - lo);
    assert_int_equal(state->frontier_ms[n], log->timestamps[pos]);
    lo = pos + 1;
  }
  assert_int_equal(state->n_frontier, n);
}

#endif
