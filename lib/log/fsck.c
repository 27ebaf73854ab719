/* SPDX-License-Identifier: Apache-2.0 */
/* Everything stored, checked against everything else. Each tree node is visited once: at the entry that made it, or,
 * when that was pruned, at the first entry that was not. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kt/account_policy.h>

#include "base/noun.h"
#include "crypto/hash.h"
#include "log/auditor.h"
#include "log/vrf.h"
#include "wire/leaf.h"

#define PROGRESS_EVERY 256

struct check {
  struct kt_log_reader *reader;
  const struct kt_log_fsck *fsck;
  struct kt_log_nodes nodes; /* what is stored, not what is cached */
  struct kt_log_head head;
  char where[64];
  uint64_t n_findings;
  bool is_short;     /* of memory: what follows is not known, and no finding */
  uint64_t boundary; /* of pruning: the first entry that is stored whole */
  uint64_t n_leaves; /* of the entry at hand, found in its new nodes */
};

__attribute__((format(printf, 2, 3))) static void report(struct check *check, const char *format, ...)
{
  char what[256];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(what, sizeof what, format, args);
  va_end(args);
  if (!check->is_short) {
    check->n_findings++;
    check->fsck->report(check->fsck->ctx, check->where, what);
  }
}

/* What something that was needed ended with; before anything is said of it. */
static bool is_ok(struct check *check, enum kt_err err)
{
  check->is_short = check->is_short || err == KT_ERR_MEMORY || err == KT_ERR_CRYPTO; /* libcrypto gives no reason */
  return err == KT_OK;
}

static struct kt_store_conn *store(const struct check *check)
{
  return check->reader->conn;
}

/* --- prefix trees ------------------------------------------------------------------------------------------------- */

static void node_hash(const struct kt_prefix_node *node, struct kt_hash *ret)
{
  if (node->is_leaf) {
    kt_prefix_leaf_hash(&node->leaf, ret);
  } else {
    kt_prefix_parent_hash(&node->child[0].hash, &node->child[1].hash, ret);
  }
}

static bool has_prefix(const struct kt_hash *key, const struct kt_hash *path, unsigned depth)
{
  for (unsigned i = 0; i < depth; i++) {
    if (((key->b[i / 8] ^ path->b[i / 8]) >> (7 - i % 8) & 1) != 0) {
      return false;
    }
  }
  return true;
}

/* The subtree under a node in the tree of entry pos; nodes of earlier entries were checked there, or all of them are
 * here. Depth is bounded by the tree's. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void check_node(struct check *check, uint64_t pos, const struct kt_prefix_child *at, struct kt_hash *path,
                       unsigned depth)
{
  struct kt_prefix_node node;
  struct kt_hash hash;
  uint64_t made_by = kt_store_ref_pos(at->ref);
  if (at->ref == 0 || (made_by < pos && pos != check->boundary)) {
    return;
  }
  if (made_by > pos || depth > UINT8_MAX) {
    report(check, "a prefix tree node points where it must not");
    return;
  }
  if (!is_ok(check, kt_log_node_get(&check->nodes, at->ref, &node))) {
    report(check, "a prefix tree node is missing or unreadable");
    return;
  }
  node_hash(&node, &hash);
  if (!kt_hash_equal(&hash, &at->hash)) {
    report(check, "a prefix tree node does not have the hash its parent gives");
  }
  if (node.is_leaf) {
    check->n_leaves++;
    if (!has_prefix(&node.leaf.vrf_output, path, depth)) {
      report(check, "a prefix tree leaf is in the wrong place");
    }
    return;
  }
  for (unsigned side = 0; side < 2; side++) {
    uint8_t bit = (uint8_t)(0x80 >> depth % 8);
    path->b[depth / 8] = (uint8_t)((path->b[depth / 8] & ~bit) | (side != 0 ? bit : 0));
    check_node(check, pos, &node.child[side], path, depth + 1);
  }
}

/* The change an entry makes, as an auditor sees it. */
static void check_change(struct check *check, const struct kt_prefix_child *before, const struct kt_store_entry *entry,
                         struct kt_bytes leaves, struct kt_arena *arena)
{
  const struct kt_prefix_nodes nodes = { .ctx = &check->nodes, .get = kt_log_node_get, .paths = kt_log_paths };
  const struct kt_prefix_leaf *added = (const struct kt_prefix_leaf *)(const void *)leaves.data;
  size_t n = leaves.len / KT_STORE_LEAF_LEN;
  struct kt_hash *keys = kt_arena_alloc(arena, n, sizeof *keys);
  struct kt_prefix_proof proof;
  struct kt_hash root_before;
  struct kt_hash root_after;
  for (size_t i = 0; keys != NULL && i < n; i++) {
    keys[i] = added[i].vrf_output;
  }
  if (!is_ok(check, keys != NULL ? KT_OK : KT_ERR_MEMORY) ||
      !is_ok(check, kt_prefix_prove(&nodes, *before, keys, n, arena, &proof)) ||
      !is_ok(check, kt_prefix_mutate(added, n, NULL, 0, &proof, &root_before, &root_after, NULL))) {
    report(check, "the entry's leaves cannot be replayed on the tree before it");
    return;
  }
  if (!kt_hash_equal(&root_before, &before->hash) || !kt_hash_equal(&root_after, &entry->prefix_root)) {
    report(check, "the entry's leaves do not lead from the previous prefix tree to this one");
  }
  if (n == 0 || n > KT_LOG_LEAVES_MAX || check->n_leaves != n) {
    report(check, "%zu leaves are listed, %llu new ones are in the tree", n, (unsigned long long)check->n_leaves);
  }
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

struct chain {
  uint64_t timestamp_ms;
  struct kt_prefix_child prefix_root;
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
};

/* Append the entry to the recomputed log tree and compare every node it completes. */
static void check_log_nodes(struct check *check, struct chain *chain, uint64_t pos, const struct kt_store_entry *entry)
{
  struct kt_hash leaf;
  struct kt_hash node;
  struct kt_hash stored;
  size_t n_heads = (size_t)__builtin_popcountll(pos);
  unsigned level = 0;
  kt_log_entry_hash(entry->timestamp_ms, &entry->prefix_root, &leaf);
  node = leaf;
  for (uint64_t bits = pos;; bits >>= 1, level++) {
    uint64_t start = pos + 1 - ((uint64_t)1 << level);
    if (!is_ok(check, kt_store_get_log_node(store(check), start, level, &stored)) || !kt_hash_equal(&stored, &node)) {
      report(check, "the log tree node of level %u is wrong", level);
    }
    if ((bits & 1) == 0) {
      break;
    }
    kt_log_parent_hash(&chain->heads[--n_heads], level == 0, &node, level == 0, &node);
  }
  chain->heads[n_heads] = node;
}

static void check_entry(struct check *check, struct chain *chain, uint64_t pos, struct kt_arena *arena)
{
  struct kt_store_entry entry;
  struct kt_bytes leaves;
  struct kt_hash path = { { 0 } };
  (void)snprintf(check->where, sizeof check->where, "entry %llu", (unsigned long long)pos);
  if (!is_ok(check, kt_store_get_entry(store(check), pos, &entry)) ||
      !is_ok(check, kt_store_get_leaves(store(check), pos, arena, &leaves))) {
    report(check, "the entry is missing or unreadable");
    return;
  }
  if (entry.timestamp_ms < chain->timestamp_ms) {
    report(check, "the timestamp is below that of the entry before");
  }
  const struct kt_prefix_child root = { .ref = entry.prefix_root_ref, .hash = entry.prefix_root };
  check->n_leaves = 0;
  check_node(check, pos, &root, &path, 0);
  if (pos == 0 || pos > check->boundary) { /* otherwise the tree before it was pruned */
    check_change(check, &chain->prefix_root, &entry, leaves, arena);
  }
  check_log_nodes(check, chain, pos, &entry);
  chain->timestamp_ms = entry.timestamp_ms;
  chain->prefix_root = root;
}

/* --- what pruning left -------------------------------------------------------------------------------------------- */

/* The head of the full subtree that ends with entry pos, from the entry's own hash and the left siblings on the way. */
static void check_kept_subtree(struct check *check, struct chain *chain, uint64_t pos, unsigned height)
{
  struct kt_store_entry entry;
  struct kt_hash node;
  struct kt_hash sibling;
  struct kt_hash stored;
  (void)snprintf(check->where, sizeof check->where, "kept entry %llu", (unsigned long long)pos);
  if (!is_ok(check, kt_store_get_entry(store(check), pos, &entry))) {
    report(check, "the entry is missing or unreadable");
    return;
  }
  if (entry.timestamp_ms < chain->timestamp_ms) {
    report(check, "the timestamp is below that of an entry before");
  }
  kt_log_entry_hash(entry.timestamp_ms, &entry.prefix_root, &node);
  for (unsigned level = 0;; level++) {
    uint64_t start = pos + 1 - ((uint64_t)1 << level);
    if (!is_ok(check, kt_store_get_log_node(store(check), start, level, &stored)) || !kt_hash_equal(&stored, &node)) {
      report(check, "the log tree node of level %u is wrong", level);
    }
    if (level == height) {
      break;
    }
    if (!is_ok(check, kt_store_get_log_node(store(check), start - ((uint64_t)1 << level), level, &sibling))) {
      report(check, "a log tree node of level %u, left of it, is missing", level);
      return;
    }
    kt_log_parent_hash(&sibling, level == 0, &node, level == 0, &node);
  }
  chain->timestamp_ms = entry.timestamp_ms;
  chain->heads[__builtin_popcountll((pos + 1) & ~(((uint64_t)2 << height) - 1))] = node;
}

/* What the log was at the boundary: the heads that the entries from there on are appended to. */
static void check_kept(struct check *check, struct chain *chain)
{
  struct kt_log_node subtrees[KT_LOG_SUBTREES_MAX];
  size_t n = kt_log_full_subtrees(check->boundary, subtrees);
  for (size_t i = 0; i < n; i++) {
    check_kept_subtree(check, chain, subtrees[i].start + ((uint64_t)1 << subtrees[i].level) - 1, subtrees[i].level);
  }
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

/* The guard may be read while a head is about to be published: then it is ahead of what is checked here. */
static void check_guard(struct check *check)
{
  const struct kt_log_options *options = &check->reader->log->options;
  struct kt_log_guard guard;
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_hash root;
  if (options->read_only) {
    return; /* it signs nothing, so it may be behind what was signed */
  }
  (void)snprintf(check->where, sizeof check->where, "head guard");
  if (!is_ok(check, options->guard_load(options->ctx, &guard))) {
    report(check, "missing or unreadable");
  } else if (guard.size <= check->head.size) {
    if (is_ok(check, kt_log_heads_at(store(check), guard.size, heads))) {
      kt_log_root(guard.size, heads, &root);
    }
    if (guard.size == 0 || !kt_hash_equal(&root, &guard.root)) {
      report(check, "it contradicts the log");
    }
  }
}

/* The one that answers carry; none is no damage. */
static void check_auditor(struct check *check)
{
  const struct kt_log_auditor_head *auditor = &check->head.auditor;
  if (auditor->size == 0) {
    return;
  }
  const char *what = kt_log_auditor_check(store(check), check->reader->log->options.config, auditor, check->head.size);
  (void)snprintf(check->where, sizeof check->where, "auditor's head");
  if (what != NULL) {
    report(check, "%s", what);
  }
}

static void check_entries(struct check *check)
{
  struct chain *chain = calloc(1, sizeof *chain);
  struct kt_hash root;
  if (chain != NULL) {
    check_kept(check, chain);
  }
  for (uint64_t pos = check->boundary; chain != NULL && pos < check->head.size; pos++) {
    struct kt_arena arena;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    check_entry(check, chain, pos, &arena);
    kt_arena_release(&arena);
    if (check->fsck->progress != NULL && pos % PROGRESS_EVERY == 0) {
      check->fsck->progress(check->fsck->ctx, pos, check->head.size);
    }
  }
  (void)snprintf(check->where, sizeof check->where, "head");
  if (!is_ok(check, chain != NULL ? KT_OK : KT_ERR_MEMORY)) {
    return;
  }
  kt_log_root(check->head.size, chain->heads, &root);
  if (!kt_hash_equal(&root, &check->head.root)) {
    report(check, "the entries do not lead to the signed root");
  }
  free(chain);
}

/* --- labels ------------------------------------------------------------------------------------------------------- */

static void check_commitment(struct check *check, const struct kt_store_label *label, uint32_t version,
                             const struct kt_store_version *row, const struct kt_hash *expected, struct kt_arena *arena)
{
  struct kt_store_payload payload = { .value = { .len = 0 } };
  struct kt_hash commitment;
  enum kt_err err = kt_store_get_payload(store(check), label->label_id, version, arena, &payload);
  if ((err == KT_ERR_EXPIRED && row->is_erased) || kt_log_is_skipped(expected)) {
    return;
  }
  const struct kt_update_value value = { .value = payload.value, .signature = payload.suffix };
  if (!is_ok(check, err) || !is_ok(check, kt_commitment(check->reader->log->options.config, payload.opening,
                                                        label->label, version, &value, &commitment))) {
    report(check, "the value or its opening is missing");
  } else if (!kt_hash_equal(&commitment, expected)) {
    report(check, "the commitment does not open to the value");
  }
}

/* With a stored proof that is no proof, or one of something else, nobody believes any answer about the version. */
static void check_proof(struct check *check, const struct kt_store_label *label, uint32_t version,
                        const struct kt_hash *expected)
{
  const struct kt_config *config = check->reader->log->options.config;
  struct kt_store_proof stored;
  struct kt_hash output;
  uint8_t input[KT_VRF_INPUT_MAX];
  enum kt_err err = kt_store_get_proof(store(check), label->label_id, version, &stored);
  if (err == KT_ERR_ABSENT) {
    return; /* it is made when somebody asks */
  }
  const struct kt_bytes alpha = { input, kt_vrf_input(label->label, version, input) };
  const bool is_whole = is_ok(check, err) && stored.len == config->suite->vrf_proof_len;
  if (!is_whole || !is_ok(check, config->suite->vrf_verify(config->vrf_public_key, alpha, stored.proof, &output)) ||
      !kt_hash_equal(&output, expected) || (stored.has_output && !kt_hash_equal(&stored.output, expected))) {
    report(check, "the stored VRF proof is damaged: clients refuse every answer with it; restore a backup");
  }
}

/* False: it is not there. */
static bool check_version(struct check *check, const struct kt_store_label *label, uint32_t version, uint64_t *last_pos,
                          struct kt_arena *arena)
{
  const struct kt_prefix_nodes nodes = { .ctx = &check->nodes, .get = kt_log_node_get };
  struct kt_store_version row;
  struct kt_prefix_leaf leaf;
  struct kt_prefix_child root;
  struct kt_hash hash;
  uint64_t every = check->fsck->vrf_every;
  if (!is_ok(check, kt_store_get_version(store(check), label->label_id, version, &row)) ||
      !is_ok(check, kt_log_leaf_get(&check->nodes, kt_store_leaf_ref(row.pos, row.leaf), &leaf))) {
    report(check, "the version or its leaf is missing or unreadable");
    return false;
  }
  if (version + UINT64_C(1) == label->n_versions && row.pos != label->newest_pos) {
    report(check, "the label's row gives another entry for it");
  }
  if (row.pos >= check->head.size) {
    return true; /* inserted since the snapshot */
  }
  if (row.pos < *last_pos) {
    report(check, "it was inserted left of the version before");
  }
  *last_pos = row.pos;
  /* leaves stay in the tree, so a pruned entry's are in the first tree that is kept */
  uint64_t pos = row.pos > check->boundary ? row.pos : check->boundary;
  if (!is_ok(check, kt_log_prefix_root(store(check), pos + 1, &root)) ||
      !is_ok(check, kt_prefix_find(&nodes, root, &leaf.vrf_output, &hash)) || !kt_hash_equal(&hash, &leaf.commitment)) {
    report(check, "the prefix tree of its entry does not have it");
  }
  check_commitment(check, label, version, &row, &leaf.commitment, arena);
  if (every == 0 || (label->label_id + version) % every != 0) {
    return true;
  }
  if (!is_ok(check, kt_log_vrf_output(check->reader->log, label->label, version, &hash)) ||
      !kt_hash_equal(&hash, &leaf.vrf_output)) {
    report(check, "the VRF output is wrong");
  }
  check_proof(check, label, version, &leaf.vrf_output);
  return true;
}

/* A damaged count may be thousands of millions. */
#define MISSING_MAX 16

static void check_versions(struct check *check, const struct kt_store_label *label)
{
  uint64_t last_pos = 0;
  uint64_t n_missing = 0; /* in a row */
  for (uint64_t version = 0; version < label->n_versions && n_missing < MISSING_MAX; version++) {
    struct kt_arena scratch;
    kt_arena_init(&scratch, KT_ARENA_CAP_DEFAULT);
    (void)snprintf(check->where, sizeof check->where, "label %llu version %llu", (unsigned long long)label->label_id,
                   (unsigned long long)version);
    n_missing = check_version(check, label, (uint32_t)version, &last_pos, &scratch) ? 0 : n_missing + 1;
    kt_arena_release(&scratch);
  }
  if (n_missing == MISSING_MAX) {
    report(check, "nor are those before and behind it: the rest of the label was not looked at");
  }
}

/* The account as one value more leaves it. KT_ERR_ABSENT, KT_ERR_EXPIRED: that value is not there. */
static enum kt_err follow_account(const struct check *check, const struct kt_store_label *label, uint32_t version,
                                  struct kt_arena *arena, struct kt_bytes *state)
{
  const struct kt_log *log = check->reader->log;
  struct kt_store_payload payload;
  struct kt_account_state before = { .n_sets = 0 };
  struct kt_set_judgement judgement;
  enum kt_err err = kt_store_get_payload(store(check), label->label_id, version, arena, &payload);
  if (err == KT_OK && state->len > 0) {
    err = kt_account_state_decode(*state, arena, &before);
  }
  if (err == KT_OK) {
    err = kt_account_judge(&before, &log->log_id, label->label, payload.value, arena, &judgement);
  }
  return err == KT_OK ? kt_account_state_encode(&judgement.next, arena, state) : err;
}

/* What the next update is judged by follows from the values, for everybody, as long as all of them are there. */
static void check_state(struct check *check, const struct kt_store_label *label)
{
  struct kt_arena arenas[2];
  struct kt_bytes state = { NULL, 0 };
  enum kt_err err = KT_OK;
  kt_arena_init(&arenas[0], KT_ARENA_CAP_DEFAULT);
  kt_arena_init(&arenas[1], KT_ARENA_CAP_DEFAULT);
  for (uint64_t version = 0; err == KT_OK && version < label->n_versions; version++) {
    struct kt_arena *arena = &arenas[version % 2]; /* the other one has the state before */
    kt_arena_release(arena);
    kt_arena_init(arena, KT_ARENA_CAP_DEFAULT);
    err = follow_account(check, label, (uint32_t)version, arena, &state);
  }
  const bool is_same =
      state.len == label->state.len && (state.data == NULL || memcmp(state.data, label->state.data, state.len) == 0);
  (void)snprintf(check->where, sizeof check->where, "label %llu", (unsigned long long)label->label_id);
  if (err != KT_ERR_ABSENT && err != KT_ERR_EXPIRED && (!is_ok(check, err) || !is_same)) {
    report(check, "its account is not the one that its values make: the owner's updates are refused; restore a backup");
  }
  kt_arena_release(&arenas[0]);
  kt_arena_release(&arenas[1]);
}

static enum kt_err check_label(struct check *check, uint64_t *label_id)
{
  struct kt_arena arena;
  struct kt_store_label label;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  enum kt_err err = kt_store_next_label(store(check), *label_id, &arena, &label);
  if (err == KT_OK) {
    *label_id = label.label_id;
    const uint64_t n_before = check->n_findings;
    check_versions(check, &label);
    const bool has_accounts = check->reader->log->options.config->mode != KT_MODE_THIRD_PARTY_MANAGEMENT;
    if (has_accounts && check->n_findings == n_before) { /* of damaged values no account follows */
      check_state(check, &label);
    }
  }
  kt_arena_release(&arena);
  return err;
}

/* Entries behind the published head of a log that is read only, too: they are what is signed next, when it may sign
 * again. That head itself was compared with the stored nodes when the log was opened, and those are checked here. */
static void look_at_all(struct check *check)
{
  struct kt_log *log = check->reader->log;
  kt_log_head(log, &check->head);
  if (log->options.read_only) {
    check->head.size = log->tip.size;
    check->head.timestamp_ms = log->tip.timestamp_ms;
    kt_log_root(log->tip.size, log->tip.heads, &check->head.root);
  }
}

enum kt_err kt_log_fsck(struct kt_log_reader *reader, const struct kt_log_fsck *fsck,
                        struct kt_log_problem *ret_problem)
{
  struct check check = { .reader = reader, .fsck = fsck, .where = "store" };
  uint64_t label_id = 0;
  look_at_all(&check);
  kt_log_nodes_init(&check.nodes, reader->conn, NULL, NULL);
  if (!is_ok(&check, kt_store_verify(reader->conn))) {
    report(&check, "%s", kt_store_message(reader->conn));
  }
  struct kt_store_pruned pruned = { 0 };
  if (!is_ok(&check, kt_store_get_pruned(reader->conn, &pruned)) || pruned.boundary >= check.head.size) {
    report(&check, "the record of what was pruned is damaged");
  } else {
    check.boundary = pruned.boundary;
  }
  check_entries(&check);
  check_guard(&check);
  check_auditor(&check);
  enum kt_err err;
  do {
    err = check_label(&check, &label_id);
  } while (err == KT_OK);
  if (err == KT_ERR_ABSENT && check.is_short && check.n_findings == 0) {
    err = KT_ERR_MEMORY;
  }
  if (err != KT_ERR_ABSENT) {
    return kt_log_store_problem(ret_problem, err, reader->conn);
  }
  return check.n_findings == 0
             ? KT_OK
             : kt_log_refuse(ret_problem, KT_ERR_PROOF, "damaged", "%llu %s", (unsigned long long)check.n_findings,
                             kt_noun(check.n_findings, "finding", "findings"));
}
