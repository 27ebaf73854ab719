/* SPDX-License-Identifier: Apache-2.0 */
/* An auditor against a naive log: sets of leaves, trees rebuilt by recursion, distinguished entries by the draft's
 * recursive definition over the whole log. Proofs come from the model, not from the code under test. */
#include "unit/tree/prefix_model.h"

#include <kt/audit.h>

#include <kt/writer.h>
#include "tree/log_tree.h"
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

static struct kt_hash naive_prefix_root(const struct naive_log *log)
{
  return model_root(log->leaves.at, log->leaves.n, 0);
}

static void naive_append(struct naive_log *log, uint64_t timestamp)
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

static size_t naive_split(size_t n)
{
  size_t split = 1;
  while (split * 2 < n) {
    split *= 2;
  }
  return split;
}

/* Log Tree: "Hash(hashContent(left) || hashContent(right))", with 0x00 before a leaf child and 0x01 before a parent. */
static struct kt_hash naive_tree(const struct kt_hash *entries, size_t n)
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
static size_t naive_ibst_root(size_t lo, size_t n)
{
  size_t power = 1;
  while (power * 2 <= n) {
    power *= 2;
  }
  return lo + power - 1;
}

/* Reasonable Monitoring Window, steps 1 to 4. */
static void naive_distinguished(const uint64_t *timestamps, size_t lo, size_t n, uint64_t left, uint64_t right,
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
static bool naive_published(const struct naive_log *log, uint64_t next_ms, uint64_t window, size_t *ret_pos)
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

static struct kt_prefix_leaf leaf_of(unsigned number, uint8_t commitment)
{
  struct kt_prefix_leaf leaf;
  uint8_t seed[4] = { (uint8_t)(number >> 8), (uint8_t)number, 0x77, 0x01 };
  crypto_hash_sha256(leaf.vrf_output.b, seed, sizeof seed);
  memset(leaf.commitment.b, commitment, sizeof leaf.commitment.b);
  return leaf;
}

static struct kt_prefix_leaf *find_leaf(struct model_set *set, const struct kt_hash *key)
{
  for (size_t i = 0; i < set->n; i++) {
    if (memcmp(&set->at[i].vrf_output, key, 32) == 0) {
      return &set->at[i];
    }
  }
  return NULL;
}

/* "a batch lookup proof in the previous log entry's prefix tree": results of added, then of removed. */
static void make_proof(const struct model_set *before, struct made_update *made)
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

static void make_update(const struct naive_log *log, uint64_t timestamp, const struct kt_prefix_leaf *added,
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

static void naive_apply(struct naive_log *log, const struct kt_auditor_update *u)
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

static enum kt_err step(const struct kt_audit_state *old, const struct made_update *made, struct kt_audit_state *state,
                        struct kt_reason *reason)
{
  *reason = (struct kt_reason){ .code = NULL };
  return kt_audit_step(&no_window, old, &made->update, NULL, state, reason);
}

/* A log of n entries that each add one leaf, and the auditor's state of it. */
static void grow(struct naive_log *log, struct kt_audit_state *state, size_t n)
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

static void assert_state_fits(const struct kt_audit_state *state, const struct naive_log *log)
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

/* --- following a log ------------------------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return *seed >> 33;
}

static void a_growing_log_is_followed(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state = { .size = 0 };
  struct kt_reason reason;
  static struct made_update made;
  uint64_t seed = 1;
  uint64_t now = 0;
  unsigned fresh = 0;
  (void)cmocka;
  log = (struct naive_log){ .size = 0 };
  while (log.size < ENTRIES_MAX) {
    struct kt_prefix_leaf added[CHANGE_MAX];
    struct kt_prefix_leaf removed[CHANGE_MAX];
    size_t n_removed = 0;
    size_t n_added = 1 + next_random(&seed) % 2;
    for (size_t i = 0; i < n_added; i++) {
      added[i] = leaf_of(fresh++, 1);
    }
    if (log.leaves.n > 0 && next_random(&seed) % 3 == 0) { /* a leaf is replaced: its key is in both lists */
      removed[n_removed++] = log.leaves.at[next_random(&seed) % log.leaves.n];
      added[n_added] = removed[0];
      added[n_added++].commitment.b[0]++;
    }
    now += next_random(&seed) % 3 * 10; /* equal timestamps are allowed */
    make_update(&log, now, added, n_added, removed, n_removed, &made);
    assert_int_equal(step(&state, &made, &state, &reason), KT_OK);
    naive_apply(&log, &made.update);
    assert_state_fits(&state, &log);
  }
}

static void leaves_are_removed_down_to_none(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  struct kt_reason reason;
  (void)cmocka;
  grow(&log, &state, 2);
  struct kt_prefix_leaf removed[2] = { log.leaves.at[0], log.leaves.at[1] };
  make_update(&log, 5000, removed, 0, removed, 2, &made);
  assert_int_equal(step(&state, &made, &state, &reason), KT_OK);
  naive_apply(&log, &made.update);
  assert_state_fits(&state, &log);
  assert_int_equal(log.leaves.n, 0);
}

/* --- the draft's steps -------------------------------------------------------------------------------------------------- */

/* Refused with this code; and the state given for the result stays as it was. */
static void assert_refused(const struct kt_audit_state *old, const struct made_update *made, enum kt_err err,
                           const char *code)
{
  struct kt_audit_state state;
  struct kt_audit_state untouched;
  struct kt_reason reason;
  memset(&state, 0x5c, sizeof state);
  memcpy(&untouched, &state, sizeof state);
  assert_int_equal(step(old, made, &state, &reason), err);
  assert_non_null(reason.code);
  assert_string_equal(reason.code, code);
  assert_memory_equal(&state, &untouched, sizeof state);
}

static void a1_timestamp_decreases(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  struct kt_reason reason;
  (void)cmocka;
  for (size_t size = 1; size <= 9; size++) {
    grow(&log, &state, size);
    struct kt_prefix_leaf leaf = leaf_of(100, 1);
    make_update(&log, 1000 * size - 1, &leaf, 1, NULL, 0, &made);
    assert_refused(&state, &made, KT_ERR_PROOF, "audit-timestamp");
    made.update.timestamp++; /* "greater than or equal to" */
    assert_int_equal(step(&state, &made, &state, &reason), KT_OK);
  }
}

static void a2_unsorted_or_repeated(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  grow(&log, &state, 5);
  struct kt_prefix_leaf added[2] = { leaf_of(100, 1), leaf_of(101, 1) };
  make_update(&log, 9000, added, 2, NULL, 0, &made);
  struct kt_prefix_leaf first = made.added[0];
  made.added[0] = made.added[1];
  made.added[1] = first;
  make_proof(&log.leaves, &made);
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-order");
  made.added[0] = made.added[1];
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-order");
  struct kt_prefix_leaf removed[2] = { log.leaves.at[0], log.leaves.at[1] };
  make_update(&log, 9000, added, 1, removed, 2, &made);
  made.removed[1] = made.removed[0];
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-order");
}

static void a3_added_key_already_present(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  grow(&log, &state, 5);
  struct kt_prefix_leaf leaf = log.leaves.at[2];
  leaf.commitment.b[0]++;
  make_update(&log, 9000, &leaf, 1, NULL, 0, &made);
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-added");
}

static void a4_removed_key_absent(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  grow(&log, &state, 5);
  struct kt_prefix_leaf leaf = leaf_of(100, 1);
  make_update(&log, 9000, &leaf, 0, &leaf, 1, &made);
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-removed");
}

static void a6_previous_root_mismatch(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  struct kt_prefix_leaf leaf = leaf_of(100, 1);
  grow(&log, &state, 5);
  make_update(&log, 9000, &leaf, 1, NULL, 0, &made);
  struct kt_audit_state other = state;
  other.prefix_root.b[31] ^= 1;
  assert_refused(&other, &made, KT_ERR_PROOF, "audit-previous-root");
  /* a proof from a tree that has another leaf as well */
  log.leaves.at[log.leaves.n++] = leaf_of(200, 1);
  model_sort(&log.leaves);
  make_update(&log, 9000, &leaf, 1, NULL, 0, &made);
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-previous-root");
}

static void a6_first_entry_must_start_from_the_empty_tree(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  struct kt_prefix_leaf leaf = leaf_of(100, 1);
  grow(&log, &state, 3);
  make_update(&log, 9000, &leaf, 1, NULL, 0, &made);
  assert_refused(&(struct kt_audit_state){ .size = 0 }, &made, KT_ERR_PROOF, "audit-previous-root");
}

static void a7_result_count(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  struct kt_prefix_leaf added[2] = { leaf_of(100, 1), leaf_of(101, 1) };
  grow(&log, &state, 5);
  make_update(&log, 9000, added, 2, NULL, 0, &made);
  made.update.proof.n_results = 1;
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-results");
  made.update.proof.n_results = 3;
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-results");
}

/* A removed leaf beside an element: whether the parent collapses cannot be known. */
static void a7_a_root_that_would_have_to_be_guessed(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  (void)cmocka;
  grow(&log, &state, 2);
  struct kt_prefix_leaf leaf = log.leaves.at[0];
  make_update(&log, 9000, &leaf, 0, &leaf, 1, &made);
  assert_int_equal(made.update.proof.n_elements, model_search(&log.leaves, &leaf.vrf_output).depth);
  assert_refused(&state, &made, KT_ERR_UNDETERMINED, "audit-undetermined");
}

/* An update carries no position: what comes twice, or comes too early, does not start from the auditor's state. */
static void a8_gap_and_replay(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  static struct made_update made;
  static struct made_update next;
  struct kt_reason reason;
  (void)cmocka;
  struct kt_prefix_leaf leaf = leaf_of(100, 1);
  struct kt_prefix_leaf later = leaf_of(101, 1);
  grow(&log, &state, 6);
  make_update(&log, 9000, &leaf, 1, NULL, 0, &made);
  naive_apply(&log, &made.update);
  make_update(&log, 9000, &later, 1, NULL, 0, &next);
  assert_refused(&state, &next, KT_ERR_PROOF, "audit-previous-root"); /* gap */
  assert_int_equal(step(&state, &made, &state, &reason), KT_OK);
  assert_refused(&state, &made, KT_ERR_PROOF, "audit-previous-root"); /* replay */
  assert_int_equal(step(&state, &next, &state, &reason), KT_OK);
}

/* --- step 5 ----------------------------------------------------------------------------------------------------------- */

struct history {
  struct kt_hash key;
  uint64_t pos;
  bool known;
};

static bool added_at(void *ctx, const struct kt_hash *vrf_output, uint64_t *ret_pos)
{
  const struct history *history = ctx;
  if (!history->known || memcmp(vrf_output, &history->key, 32) != 0) {
    return false;
  }
  *ret_pos = history->pos;
  return true;
}

/* Entry i adds leaf i; then, for every i and many windows, the next entry replaces leaf i. */
static void a5_removed_before_it_was_published(void **cmocka)
{
  static const uint64_t windows[] = { 0, 1, 900, 1000, 1001, 2000, 3500, 4000, 7000, 13000, 13001, 50000 };
  static struct naive_log log;
  struct kt_audit_state state;
  struct kt_audit_state after;
  static struct made_update made;
  size_t accepted = 0;
  size_t refused = 0;
  (void)cmocka;
  for (size_t size = 1; size <= 13; size++) {
    grow(&log, &state, size);
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
      struct kt_config config = { .reasonable_monitoring_window = windows[w] };
      for (size_t i = 0; i < size; i++) {
        struct kt_prefix_leaf leaf = leaf_of((unsigned)i, 1);
        struct kt_prefix_leaf replacement = leaf_of((unsigned)i, 2);
        struct history past = { .key = leaf.vrf_output, .pos = i, .known = true };
        const struct kt_audit_history history = { .ctx = &past, .added_at = added_at };
        struct kt_reason reason = { .code = NULL };
        make_update(&log, 1000 * (size + 1), &replacement, 1, &leaf, 1, &made);
        size_t published = 0;
        bool ok = naive_published(&log, made.update.timestamp, windows[w], &published) && i <= published;
        assert_int_equal(kt_audit_step(&config, &state, &made.update, &history, &after, &reason),
                         ok ? KT_OK : KT_ERR_PROOF);
        assert_true(ok || strcmp(reason.code, "audit-removed-unpublished") == 0);
        accepted += ok;
        refused += !ok;
        /* a leaf from before the auditor started counts as published */
        past.known = false;
        assert_int_equal(kt_audit_step(&config, &state, &made.update, &history, &after, &reason), KT_OK);
      }
    }
  }
  assert_true(accepted > 100 && refused > 100);
}

/* As in a7_a_root_that_would_have_to_be_guessed: that the roots are unknown does not excuse the removal. */
static void a5_unpublished_and_undetermined(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  struct kt_audit_state after;
  static struct made_update made;
  (void)cmocka;
  grow(&log, &state, 2);
  struct kt_prefix_leaf leaf = log.leaves.at[0];
  struct history past = { .key = leaf.vrf_output, .pos = 1, .known = true };
  const struct kt_audit_history history = { .ctx = &past, .added_at = added_at };
  make_update(&log, 9000, &leaf, 0, &leaf, 1, &made);
  struct kt_config never = { .reasonable_monitoring_window = UINT64_MAX };
  struct kt_reason reason = { .code = NULL };
  assert_int_equal(kt_audit_step(&never, &state, &made.update, &history, &after, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, "audit-removed-unpublished");
  struct kt_config always = { .reasonable_monitoring_window = 0 };
  reason = (struct kt_reason){ .code = NULL };
  assert_int_equal(kt_audit_step(&always, &state, &made.update, &history, &after, &reason), KT_ERR_UNDETERMINED);
  assert_string_equal(reason.code, "audit-undetermined");
}

static void published_matches_the_definition(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state = { .size = 0 };
  static struct made_update made;
  struct kt_reason reason;
  uint64_t seed = 7;
  uint64_t now = 3;
  size_t none = 0;
  size_t some = 0;
  (void)cmocka;
  for (unsigned n = 0; n < 70; n++) {
    uint64_t next_ms = now + next_random(&seed) % 40;
    for (uint64_t window = 0; window < 600; window += 1 + window / 5) {
      const struct kt_config config = { .reasonable_monitoring_window = window };
      size_t expected = 0;
      uint64_t pos = 0;
      bool exists = naive_published(&log, next_ms, window, &expected);
      assert_int_equal(kt_audit_published(&config, &state, next_ms, &pos), exists);
      assert_true(!exists || pos == expected);
      none += !exists;
      some += exists;
    }
    now = next_ms;
    struct kt_prefix_leaf leaf = leaf_of(n, 1);
    make_update(&log, now, &leaf, 1, NULL, 0, &made);
    assert_int_equal(step(&state, &made, &state, &reason), KT_OK);
    naive_apply(&log, &made.update);
  }
  assert_true(none > 50 && some > 500);
}

/* --- starting late ---------------------------------------------------------------------------------------------------- */

/* What the log answers for `size`, made from the model: subtrees, frontier, and the values at kt_log_copath's places. */
static struct kt_bytes make_late_start(const struct naive_log *log, const struct kt_hash *prefix_roots,
                                       struct kt_arena *arena)
{
  struct kt_writer w;
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  struct kt_log_node *elements;
  uint64_t frontier[64];
  size_t n_frontier = 0;
  size_t n;
  for (size_t lo = 0; lo < log->size; lo = (size_t)frontier[n_frontier++] + 1) {
    frontier[n_frontier] = naive_ibst_root(lo, log->size - lo);
  }
  kt_writer_init(&w, 1 << 16);
  kt_write_u64(&w, log->size);
  n = kt_log_full_subtrees(log->size, nodes);
  kt_write_count8(&w, n);
  for (size_t i = 0; i < n; i++) {
    struct kt_hash value = naive_tree(log->entries + nodes[i].start, (size_t)1 << nodes[i].level);
    kt_write_bytes(&w, value.b, 32);
  }
  kt_write_count8(&w, n_frontier);
  for (size_t i = 0; i < n_frontier; i++) {
    kt_write_u64(&w, log->timestamps[frontier[i]]);
    kt_write_bytes(&w, prefix_roots[frontier[i]].b, 32);
  }
  const struct kt_log_request request = {
    .size = log->size, .leaves = frontier, .n_leaves = n_frontier, .retained_size = log->size
  };
  assert_int_equal(kt_log_copath(&request, arena, &elements, &n), KT_OK);
  kt_write_count16(&w, n);
  for (size_t i = 0; i < n; i++) {
    struct kt_hash value = naive_tree(log->entries + elements[i].start, (size_t)1 << elements[i].level);
    kt_write_bytes(&w, value.b, 32);
  }
  struct kt_bytes bytes = { kt_arena_copy(arena, w.buf, w.len), w.len };
  kt_writer_release(&w);
  return bytes;
}

/* Every size; then every bit of the answer flipped, every cut, and a wrong root. */
static void a_late_start_is_tied_to_the_signed_root(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  struct kt_audit_state late;
  struct kt_hash prefix_roots[24];
  struct kt_arena arena;
  (void)cmocka;
  for (size_t size = 1; size <= 23; size++) {
    struct kt_reason reason = { .code = NULL };
    grow(&log, &state, size);
    prefix_roots[size - 1] = state.prefix_root; /* the log's entries are the same whatever its size */
    struct kt_hash root = naive_tree(log.entries, size);
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    struct kt_bytes answer = make_late_start(&log, prefix_roots, &arena);
    assert_int_equal(kt_audit_state_verify(size, &root, answer, &arena, &late, &reason), KT_OK);
    assert_state_fits(&late, &log);
    uint8_t *copy = kt_arena_copy(&arena, answer.data, answer.len);
    for (size_t i = 0; i < 8 * answer.len && size % 4 == 3; i++) {
      copy[i / 8] ^= (uint8_t)(1u << i % 8);
      assert_int_not_equal(
          kt_audit_state_verify(size, &root, (struct kt_bytes){ copy, answer.len }, &arena, &late, &reason), KT_OK);
      copy[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t len = 0; len < answer.len; len++) {
      assert_int_not_equal(kt_audit_state_verify(size, &root, (struct kt_bytes){ copy, len }, &arena, &late, &reason),
                           KT_OK);
    }
    root.b[5] ^= 4;
    reason.code = NULL;
    assert_int_equal(kt_audit_state_verify(size, &root, answer, &arena, &late, &reason), KT_ERR_PROOF);
    assert_string_equal(reason.code, "audit-state-root");
    assert_int_not_equal(kt_audit_state_verify(size + 1, &root, answer, &arena, &late, &reason), KT_OK);
    kt_arena_release(&arena);
  }
}

/* --- the state as bytes ------------------------------------------------------------------------------------------------ */

static void states_survive_storage(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  (void)cmocka;
  for (size_t size = 0; size <= 20; size++) {
    struct kt_audit_state decoded;
    struct kt_audit_state untouched;
    struct kt_writer w;
    grow(&log, &state, size);
    kt_writer_init(&w, 1 << 16);
    kt_audit_state_write(&w, &state);
    assert_int_equal(w.err, KT_OK);
    assert_int_equal(w.len, 1 + 8 + 32 * state.n_heads + 8 * state.n_frontier + 32);
    assert_int_equal(kt_audit_state_decode((struct kt_bytes){ w.buf, w.len }, &decoded), KT_OK);
    assert_int_equal(decoded.size, size);
    if (size > 0) {
      assert_state_fits(&decoded, &log);
    }
    memset(&decoded, 0x5c, sizeof decoded);
    memcpy(&untouched, &decoded, sizeof decoded);
    for (size_t len = 0; len < w.len; len++) {
      assert_int_not_equal(kt_audit_state_decode((struct kt_bytes){ w.buf, len }, &decoded), KT_OK);
    }
    kt_write_u8(&w, 0);
    assert_int_equal(kt_audit_state_decode((struct kt_bytes){ w.buf, w.len }, &decoded), KT_ERR_FORMAT);
    w.buf[0]++;
    assert_int_equal(kt_audit_state_decode((struct kt_bytes){ w.buf, w.len - 1 }, &decoded), KT_ERR_UNSUPPORTED);
    assert_memory_equal(&decoded, &untouched, sizeof decoded);
    kt_writer_release(&w);
  }
}

/* A log that signed timestamps out of order: whoever starts behind them sees it in the frontier. */
static void a1_late_start_behind_a_decrease(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state late;
  struct kt_hash prefix_roots[3];
  struct kt_arena arena;
  struct kt_reason reason = { .code = NULL };
  (void)cmocka;
  log = (struct naive_log){ .size = 0 };
  naive_append(&log, 5000);
  naive_append(&log, 9000);
  naive_append(&log, 8999);
  for (size_t i = 0; i < 3; i++) {
    prefix_roots[i] = naive_prefix_root(&log);
  }
  struct kt_hash root = naive_tree(log.entries, 3);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  struct kt_bytes answer = make_late_start(&log, prefix_roots, &arena);
  assert_int_equal(kt_audit_state_verify(3, &root, answer, &arena, &late, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, "audit-timestamp");
  kt_arena_release(&arena);
}

/* Sizes 3 and 5 have as many full subtrees, which fold to the same root. */
static void a_late_start_must_be_of_the_size_asked_for(void **cmocka)
{
  static struct naive_log log;
  struct kt_audit_state state;
  struct kt_hash prefix_roots[3];
  struct kt_reason reason = { .code = NULL };
  struct kt_arena arena;
  (void)cmocka;
  for (size_t size = 1; size <= 3; size++) {
    grow(&log, &state, size);
    prefix_roots[size - 1] = state.prefix_root;
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  struct kt_hash root = naive_tree(log.entries, 3);
  struct kt_bytes answer = make_late_start(&log, prefix_roots, &arena);
  uint8_t *copy = kt_arena_copy(&arena, answer.data, answer.len);
  assert_int_equal(copy[7], 3);
  copy[7] = 5;
  assert_int_equal(kt_audit_state_verify(3, &root, (struct kt_bytes){ copy, answer.len }, &arena, &state, &reason),
                   KT_ERR_FORMAT);
  kt_arena_release(&arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_growing_log_is_followed),
    cmocka_unit_test(leaves_are_removed_down_to_none),
    cmocka_unit_test(a1_timestamp_decreases),
    cmocka_unit_test(a2_unsorted_or_repeated),
    cmocka_unit_test(a3_added_key_already_present),
    cmocka_unit_test(a4_removed_key_absent),
    cmocka_unit_test(a5_removed_before_it_was_published),
    cmocka_unit_test(a5_unpublished_and_undetermined),
    cmocka_unit_test(a6_previous_root_mismatch),
    cmocka_unit_test(a6_first_entry_must_start_from_the_empty_tree),
    cmocka_unit_test(a7_result_count),
    cmocka_unit_test(a7_a_root_that_would_have_to_be_guessed),
    cmocka_unit_test(a8_gap_and_replay),
    cmocka_unit_test(published_matches_the_definition),
    cmocka_unit_test(a_late_start_is_tied_to_the_signed_root),
    cmocka_unit_test(a_late_start_must_be_of_the_size_asked_for),
    cmocka_unit_test(a1_late_start_behind_a_decrease),
    cmocka_unit_test(states_survive_storage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
