/* SPDX-License-Identifier: Apache-2.0 */
/* auditor-update. */
#include <kt/audit.h>

#include <string.h>

#include "crypto/hash.h"
#include "prefix.h"
#include "wire/auditor.h"
#include "world.h"

struct inserted {
  struct conf_case *c;
  const json_t *list; /* [{position, vrf_output}] */
};

static bool added_at(void *ctx, const struct kt_hash *vrf_output, uint64_t *ret_pos)
{
  const struct inserted *inserted = ctx;
  for (size_t i = 0; i < json_array_size(inserted->list); i++) {
    const json_t *entry = json_array_get(inserted->list, i);
    const struct kt_hash key = conf_hash(inserted->c, entry, "vrf_output");
    if (kt_hash_equal(&key, vrf_output)) {
      *ret_pos = conf_u64(inserted->c, entry, "position");
      return true;
    }
  }
  return false;
}

static struct kt_audit_state read_state(struct conf_case *c)
{
  struct kt_audit_state state = { .size = conf_u64(c, c->input, "log_size"),
                                  .prefix_root = conf_hash(c, c->input, "prefix_root") };
  size_t n_entries;
  const struct kt_prefix_leaf *entries = conf_leaves(c, c->input, "entries", &n_entries);
  conf_same_hash(c, &conf_tree(c, entries, n_entries)->root.hash, &state.prefix_root, "prefix_root");

  const struct kt_hash *heads = conf_hashes(c, c->input, "log_full_subtrees", &state.n_heads);
  const uint64_t *frontier_ms = conf_u64s(c, c->input, "frontier_timestamps", &state.n_frontier);
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  bool empty = state.size == 0;
  conf_same_u64(c, empty, conf_flag_or_false(c, c->input, "first_entry"), "first_entry");
  conf_same_u64(c, state.n_heads, kt_log_full_subtrees(state.size, nodes), "number of full subtrees");
  conf_same_u64(c, state.n_frontier, empty ? 0 : conf_naive_frontier(state.size, frontier), "length of the frontier");
  memcpy(state.heads, heads, state.n_heads * sizeof *heads);
  memcpy(state.frontier_ms, frontier_ms, state.n_frontier * sizeof *frontier_ms);
  if (!empty) {
    conf_same_u64(c, frontier_ms[state.n_frontier - 1], conf_u64(c, c->input, "previous_timestamp"),
                  "previous_timestamp");
  }
  return state;
}

static void same_leaves(struct conf_case *c, const char *key, const struct kt_prefix_leaf *got, size_t n)
{
  size_t n_wanted;
  const struct kt_prefix_leaf *wanted = conf_leaves(c, c->input, key, &n_wanted);
  conf_same_u64(c, n, n_wanted, key);
  for (size_t i = 0; i < n; i++) {
    conf_same_hash(c, &got[i].vrf_output, &wanted[i].vrf_output, key);
    conf_same_hash(c, &got[i].commitment, &wanted[i].commitment, key);
  }
}

static struct kt_auditor_update read_update(struct conf_case *c)
{
  const struct kt_bytes encoded = conf_hex(c, c->expect, "encoding");
  struct kt_auditor_update update;
  conf_err(c, kt_auditor_update_decode(encoded, &c->arena, &update), KT_OK, "decoding");
  struct kt_writer w = conf_writer(c);
  kt_auditor_update_write(&w, &update);
  conf_same_bytes(c, conf_written(c, &w), encoded, "encoding");
  conf_same_u64(c, update.timestamp, conf_u64(c, c->input, "timestamp"), "timestamp");
  same_leaves(c, "added", update.added, update.n_added);
  same_leaves(c, "removed", update.removed, update.n_removed);
  return update;
}

/* Step 5: whether a removed leaf was added right of the rightmost distinguished entry. */
static bool is_unpublished(const struct kt_config *config, const struct kt_audit_state *state,
                           const struct kt_auditor_update *update, struct inserted *inserted)
{
  uint64_t published = 0;
  uint64_t added;
  bool any = kt_audit_published(config, state, update->timestamp, &published);
  bool unpublished = false;
  for (size_t i = 0; i < update->n_removed; i++) {
    unpublished =
        unpublished || (added_at(inserted, &update->removed[i].vrf_output, &added) && (!any || added > published));
  }
  return unpublished;
}

/* Removals beside a node that the proof does not show: the peer guesses that no parent collapses, and accepts a root
 * that is not the tree's. Ours determines none. */
static bool is_guess(const struct conf_case *c)
{
  return conf_is(c, "remove-one-leaf") || conf_is(c, "remove-a-leaf-a-distinguished-entry-published");
}

static void check_guess(struct conf_case *c, const struct kt_auditor_update *update, const struct kt_audit_state *state)
{
  size_t n_entries;
  const struct kt_prefix_leaf *entries = conf_leaves(c, c->input, "entries", &n_entries);
  struct kt_prefix_leaf *kept = conf_alloc(c, n_entries, sizeof *kept);
  size_t n = 0;
  for (size_t i = 0; i < n_entries; i++) {
    if (!kt_hash_equal(&entries[i].vrf_output, &update->removed[0].vrf_output)) {
      kept[n++] = entries[i];
    }
  }
  struct kt_hash leaf;
  struct kt_hash root;
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  const struct kt_hash recorded = conf_hash(c, c->expect, "log_root");
  memcpy(heads, state->heads, sizeof heads);
  kt_log_entry_hash(update->timestamp, &conf_tree(c, kept, n)->root.hash, &leaf);
  kt_log_append(state->size, heads, &leaf);
  kt_log_root(state->size + 1, heads, &root);
  conf_require(c, update->n_removed == 1 && update->n_added == 0 && !kt_hash_equal(&root, &recorded),
               "the recorded root was expected to be wrong");
}

void conf_auditor_update(struct conf_case *c)
{
  const struct kt_config config = { .suite = c->suite,
                                    .reasonable_monitoring_window = conf_u64(c, c->input, "window") };
  const struct kt_audit_state state = read_state(c);
  const struct kt_auditor_update update = read_update(c);
  struct inserted inserted = { .c = c, .list = conf_array(c, c->input, "inserted") };
  const struct kt_audit_history history = { .ctx = &inserted, .added_at = added_at };
  const char *verdict = conf_text(c, c->expect, "verdict");
  static struct kt_audit_state next; /* 5 KiB, off the stack */
  enum kt_err err = kt_audit_step(&config, &state, &update, &history, &next, &c->reason);
  bool unpublished = is_unpublished(&config, &state, &update, &inserted);
  conf_same_u64(c, unpublished, conf_is(c, "remove-a-leaf-no-distinguished-entry-published"), "unpublished removal");
  if (strcmp(verdict, "rejected") == 0) {
    /* The proof of an unpublished leaf's removal may determine nothing either: no root, and so no signature. */
    conf_err(c, err, unpublished && err == KT_ERR_UNDETERMINED ? err : KT_ERR_PROOF, "auditing");
    return;
  }
  conf_require(c, strcmp(verdict, "accepted") == 0, "unknown verdict");
  conf_same_u64(c, conf_u64(c, c->expect, "tree_size"), state.size + 1, "tree_size");
  if (is_guess(c)) {
    conf_err(c, err, KT_ERR_UNDETERMINED, "auditing");
    check_guess(c, &update, &state);
    return;
  }
  conf_err(c, err, KT_OK, "auditing");
  struct kt_hash root;
  const struct kt_hash wanted = conf_hash(c, c->expect, "log_root");
  kt_audit_root(&next, &root);
  conf_same_u64(c, next.size, state.size + 1, "tree_size");
  conf_same_hash(c, &root, &wanted, "log_root");
}
