/* SPDX-License-Identifier: Apache-2.0 */
/* from-kt, tampered: proofs to be accepted or refused. A proof is accepted when it is well-formed, verifies, and leads to
 * the values recorded beside it. */
#include <string.h>

#include "client/owner.h"
#include "crypto/hash.h"
#include "leaf.h"
#include "owner.h"
#include "wire/auditor.h"
#include "world.h"

/* Neither file carries a configuration: seven days, no lifetime. */
#define WINDOW_MS 604800000

static bool is_hash(struct conf_case *c, const char *key, const struct kt_hash *got)
{
  const struct kt_hash wanted = conf_hash(c, c->input, key);
  return kt_hash_equal(got, &wanted);
}

static bool accept_log_tree(struct conf_case *c)
{
  size_t n_values;
  size_t n_retained = 0;
  size_t n_elements;
  struct kt_log_request request = { .size = conf_u64(c, c->input, "size"),
                                    .retained_size = conf_u64_or_zero(c, c->input, "retained_size") };
  request.leaves = conf_u64s(c, c->input, "entries", &request.n_leaves);
  const struct kt_hash *values = conf_hashes(c, c->input, "values", &n_values);
  const struct kt_hash *elements = conf_hashes(c, c->input, "elements", &n_elements);
  const struct kt_hash *retained = NULL;
  struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
  if (request.retained_size > 0) {
    retained = conf_hashes(c, c->input, "retained", &n_retained);
  }
  if (n_values != request.n_leaves || n_retained != kt_log_full_subtrees(request.retained_size, nodes)) {
    return false;
  }
  struct kt_log_known known;
  struct kt_hash root;
  conf_hash(c, c->input, "root");
  return kt_log_evaluate(&request, values, retained, elements, n_elements, &c->arena, &known, &c->reason) == KT_OK &&
         kt_log_known_root(&known, request.size, &root) == KT_OK && is_hash(c, "root", &root);
}

static bool accept_prefix_tree(struct conf_case *c)
{
  const json_t *array = conf_array(c, c->input, "searches");
  size_t n = json_array_size(array);
  struct kt_prefix_search *searches = conf_alloc(c, n, sizeof *searches);
  for (size_t i = 0; i < n; i++) {
    const json_t *search = json_array_get(array, i);
    const json_t *commitment = json_object_get(search, "commitment");
    searches[i] = (struct kt_prefix_search){ .key = conf_hash(c, search, "vrf_output"),
                                             .has_commitment = json_string_length(commitment) > 0 };
    if (searches[i].has_commitment) {
      searches[i].commitment = conf_hash(c, search, "commitment");
    }
  }
  struct kt_prefix_proof proof;
  struct kt_hash root;
  conf_hash(c, c->input, "root");
  return conf_read_prefix_proof(c, conf_hex(c, c->input, "proof"), &proof) == KT_OK &&
         kt_prefix_evaluate(searches, n, &proof, &root, &c->reason) == KT_OK && is_hash(c, "root", &root);
}

static bool accept_prefix_mutation(struct conf_case *c)
{
  size_t n_added;
  size_t n_removed;
  const struct kt_prefix_leaf *added = conf_leaves(c, c->input, "added", &n_added);
  const struct kt_prefix_leaf *removed = conf_leaves(c, c->input, "removed", &n_removed);
  struct kt_prefix_proof proof;
  struct kt_hash before;
  struct kt_hash after;
  return conf_read_prefix_proof(c, conf_hex(c, c->input, "proof"), &proof) == KT_OK &&
         kt_prefix_mutate(added, n_added, removed, n_removed, &proof, &before, &after, &c->reason) == KT_OK &&
         is_hash(c, "before", &before) && is_hash(c, "after", &after);
}

/* The encoding alone: what follows from the update without the auditor's state. */
static bool accept_auditor_update(struct conf_case *c)
{
  const struct kt_bytes encoded = conf_hex(c, c->input, "encoding");
  struct kt_auditor_update update;
  struct kt_hash before;
  struct kt_hash after;
  if (kt_auditor_update_decode(encoded, &c->arena, &update) != KT_OK) {
    return false;
  }
  struct kt_writer w = conf_writer(c);
  kt_auditor_update_write(&w, &update);
  conf_same_bytes(c, conf_written(c, &w), encoded, "update, decoded and encoded");
  return kt_prefix_mutate(update.added, update.n_added, update.removed, update.n_removed, &update.proof, &before,
                          &after, &c->reason) == KT_OK;
}

static struct conf_world *read_world(struct conf_case *c)
{
  size_t n;
  const uint64_t *timestamps = conf_u64s(c, c->input, "timestamps", &n);
  conf_same_u64(c, n, conf_u64(c, c->input, "size"), "number of timestamps");
  conf_require(c, n > 0, "the log is empty");
  return conf_world(c, timestamps, n);
}

static enum kt_err run_contact(struct conf_case *c, struct kt_view *view, struct kt_label_keys *keys)
{
  const json_t *array = conf_array(c, c->input, "map");
  struct kt_monitor_map *map = conf_alloc(c, 2, sizeof *map);
  map[0].n = json_array_size(array);
  conf_require(c, map[0].n <= UINT8_MAX, "the map is too long");
  for (size_t i = 0; i < map[0].n; i++) {
    const json_t *entry = json_array_get(array, i);
    map[0].entries[i] = (struct kt_monitor_map_entry){ conf_u64(c, entry, "position"), conf_u32(c, entry, "version") };
    conf_require(c, map[0].entries[i].position < view->size, "a map entry outside the log");
  }
  return kt_contact_monitor(view, keys, &map[0], NULL, &map[1]);
}

static bool accept_combined_search(struct conf_case *c)
{
  const struct kt_config config = { .suite = c->suite, .reasonable_monitoring_window = WINDOW_MS };
  const char *operation = conf_text(c, c->input, "operation");
  uint32_t greatest = conf_u32(c, c->input, "greatest");
  struct conf_world *world = read_world(c);
  struct kt_label_keys keys = conf_keys(c, c->input, "versions");
  struct kt_combined_proof proof;
  struct kt_found found;
  struct kt_hash root;
  enum kt_err err;
  if (conf_read_combined(c, conf_hex(c, c->input, "proof"), &proof) != KT_OK) {
    return false;
  }
  struct kt_replay *replay = conf_replay(world, &config, 0, &proof, &err);
  if (err != KT_OK) {
    return false;
  }
  if (strcmp(operation, "greatest-version") == 0) {
    err = kt_greatest_search(&replay->view, &keys, greatest, false, &found);
  } else if (strcmp(operation, "fixed-version") == 0) {
    err = kt_fixed_search(&replay->view, &keys, greatest, &found);
  } else if (strcmp(operation, "contact-monitor") == 0) {
    err = run_contact(c, &replay->view, &keys);
  } else {
    conf_fail(c, "unknown operation \"%s\"", operation);
  }
  return err == KT_OK && conf_replay_end(world, replay, &root) == KT_OK;
}

static bool accept_owner_update(struct conf_case *c)
{
  const struct kt_config config = { .suite = c->suite, .reasonable_monitoring_window = WINDOW_MS };
  struct conf_world *world = read_world(c);
  struct kt_label_keys keys = conf_keys(c, c->input, "keys");
  struct kt_owner_state owner = conf_owner(c, conf_object(c, c->input, "owner"));
  const struct kt_history history = kt_owner_history(&owner);
  const struct kt_label_update what =
      conf_label_update(&owner, conf_u64(c, c->input, "position"), conf_u32(c, c->input, "new_versions"));
  struct kt_combined_proof proof;
  struct kt_hash root;
  bool distinguished;
  enum kt_err err;
  if (what.position <= what.previous_pos) { /* R35, which a response is checked for before its proof */
    return false;
  }
  if (conf_read_combined(c, conf_hex(c, c->input, "proof"), &proof) != KT_OK) {
    return false;
  }
  struct kt_replay *replay = conf_replay(world, &config, 0, &proof, &err);
  return err == KT_OK && kt_update_label(&replay->view, &keys, &what, &history, &distinguished) == KT_OK &&
         conf_replay_end(world, replay, &root) == KT_OK;
}

static bool accept_vrf(struct conf_case *c)
{
  struct kt_hash output;
  return conf_vrf_verifies(c, c->input, &output);
}

static bool accept_commitment(struct conf_case *c)
{
  const struct kt_hash commitment = conf_commitment_of(c, c->input);
  return is_hash(c, "commitment", &commitment);
}

static bool accept_tree_head(struct conf_case *c)
{
  return conf_tree_head_verifies(c, c->input, conf_hex(c, c->input, "signature"));
}

static bool accept(struct conf_case *c)
{
  static const struct {
    const char *kind;
    bool (*accept)(struct conf_case *c);
  } kinds[] = {
    { "auditor-update", accept_auditor_update },
    { "combined-search", accept_combined_search },
    { "commitment", accept_commitment },
    { "log-tree", accept_log_tree },
    { "owner-update", accept_owner_update },
    { "prefix-mutation", accept_prefix_mutation },
    { "prefix-tree", accept_prefix_tree },
    { "tree-head", accept_tree_head },
    { "vrf", accept_vrf },
  };
  const char *kind = conf_text(c, c->input, "kind");
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(kinds[i].kind, kind) == 0) {
      return kinds[i].accept(c);
    }
  }
  conf_fail(c, "unknown kind \"%s\"", kind);
}

void conf_from_kt(struct conf_case *c)
{
  const char *verdict = json_string_value(c->expect);
  bool wanted = verdict != NULL && strcmp(verdict, "accept") == 0;
  conf_require(c, wanted || (verdict != NULL && strcmp(verdict, "reject") == 0), "expect is neither accept nor reject");
  if (accept(c) != wanted) {
    conf_fail(c, "%s%s%s", wanted ? "refused" : "accepted", c->reason.text != NULL ? ": " : "",
              c->reason.text != NULL ? c->reason.text : "");
  }
}

void conf_tampered(struct conf_case *c)
{
  conf_require(c, conf_flag(c, c->expect, "error"), "field \"error\" is not true");
  conf_text(c, c->expect, "tamper");
  conf_require(c, !accept(c), "accepted");
}
