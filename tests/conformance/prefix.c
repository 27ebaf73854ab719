/* SPDX-License-Identifier: Apache-2.0 */
/* prefix-tree, prefix-mutation. */
#include "prefix.h"

#include "crypto/hash.h"
#include "world.h"

#define NODES_PER_LEAF 300 /* a leaf creates at most one node per bit, and the one beside it */

static enum kt_err node_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  const struct conf_tree *tree = ctx;
  if (ref == 0 || ref > tree->n) {
    return KT_ERR_STORE;
  }
  *ret_node = tree->stored[ref];
  return KT_OK;
}

static enum kt_err node_put(void *ctx, const struct kt_prefix_node *node, uint64_t *ret_ref)
{
  struct conf_tree *tree = ctx;
  if (tree->n + 1 == tree->cap) {
    return KT_ERR_MEMORY;
  }
  tree->stored[++tree->n] = *node;
  *ret_ref = tree->n;
  return KT_OK;
}

struct conf_tree *conf_tree(struct conf_case *c, const struct kt_prefix_leaf *leaves, size_t n)
{
  struct conf_tree *tree = conf_alloc(c, 1, sizeof *tree);
  tree->cap = n * NODES_PER_LEAF + 1;
  tree->stored = conf_alloc(c, tree->cap, sizeof *tree->stored);
  tree->store = (struct prefix_store){ .nodes = { .ctx = tree, .get = node_get }, .put = node_put };
  for (size_t i = 0; i < n; i++) {
    conf_err(c, prefix_insert(&tree->store, tree->root, &leaves[i], 1, &tree->root), KT_OK, "inserting a leaf");
  }
  return tree;
}

static void same_encoding(struct conf_case *c, const struct kt_prefix_proof *proof, struct kt_bytes wanted)
{
  struct kt_writer w = conf_writer(c);
  kt_prefix_proof_write(&w, proof);
  conf_same_bytes(c, conf_written(c, &w), wanted, "proof");
}

/* Searches with the commitments that a verifier knows: "" or null stands for none. They are what the tree has. */
static struct kt_prefix_search *read_searches(struct conf_case *c, const struct conf_tree *tree,
                                              const struct kt_hash *keys, size_t n)
{
  const json_t *commitments = conf_array(c, c->expect, "commitments");
  struct kt_prefix_search *searches = conf_alloc(c, n, sizeof *searches);
  conf_same_u64(c, json_array_size(commitments), n, "number of commitments");
  for (size_t i = 0; i < n; i++) {
    const json_t *commitment = json_array_get(commitments, i);
    struct kt_hash found;
    searches[i] = (struct kt_prefix_search){ .key = keys[i], .has_commitment = json_string_length(commitment) > 0 };
    conf_err(c, kt_prefix_find(&tree->store.nodes, tree->root, &keys[i], &found),
             searches[i].has_commitment ? KT_OK : KT_ERR_ABSENT, "finding a leaf");
    if (searches[i].has_commitment) {
      const struct kt_bytes wanted = conf_hex_value(c, commitment, "commitments");
      conf_same_bytes(c, (struct kt_bytes){ found.b, sizeof found.b }, wanted, "commitments");
      searches[i].commitment = found;
    }
  }
  return searches;
}

void conf_prefix_tree(struct conf_case *c)
{
  size_t n_entries;
  size_t n;
  const struct kt_prefix_leaf *entries = conf_leaves(c, c->input, "entries", &n_entries);
  const struct kt_hash *keys = conf_hashes(c, c->input, "searches", &n);
  const struct kt_hash root = conf_hash(c, c->expect, "root");
  const struct kt_bytes encoded = conf_hex(c, c->expect, "proof");
  const struct conf_tree *tree = conf_tree(c, entries, n_entries);
  conf_same_hash(c, &tree->root.hash, &root, "root");

  struct kt_prefix_proof proof;
  conf_err(c, kt_prefix_prove(&tree->store.nodes, tree->root, keys, n, &c->arena, &proof), KT_OK, "proving");
  same_encoding(c, &proof, encoded);
  conf_err(c, conf_read_prefix_proof(c, encoded, &proof), KT_OK, "decoding the proof");
  conf_same_prefix_proof(c, c->expect, &proof);

  const struct kt_prefix_search *searches = read_searches(c, tree, keys, n);
  struct kt_hash got;
  conf_err(c, kt_prefix_evaluate(searches, n, &proof, &got, &c->reason), KT_OK, "evaluating the proof");
  conf_same_hash(c, &got, &root, "root of the proof");
}

static bool contains(const struct kt_prefix_leaf *leaves, size_t n, const struct kt_hash *key)
{
  for (size_t i = 0; i < n; i++) {
    if (kt_hash_equal(&leaves[i].vrf_output, key)) {
      return true;
    }
  }
  return false;
}

struct mutation {
  const struct kt_prefix_leaf *entries;
  size_t n_entries;
  const struct kt_prefix_leaf *added;
  size_t n_added;
  const struct kt_prefix_leaf *removed;
  size_t n_removed;
};

/* The tree after the change, built without it: what stays, then what is added. */
static struct kt_hash rebuilt_root(struct conf_case *c, const struct mutation *m)
{
  struct kt_prefix_leaf *leaves = conf_alloc(c, m->n_entries + m->n_added, sizeof *leaves);
  size_t n = 0;
  for (size_t i = 0; i < m->n_entries; i++) {
    if (!contains(m->removed, m->n_removed, &m->entries[i].vrf_output)) {
      leaves[n++] = m->entries[i];
    }
  }
  for (size_t i = 0; i < m->n_added; i++) {
    leaves[n++] = m->added[i];
  }
  return conf_tree(c, leaves, n)->root.hash;
}

/* The log's own proof; a key that is in both lists is looked up twice, which only the auditor's form of a proof allows. */
static void check_own_proof(struct conf_case *c, const struct mutation *m, const struct conf_tree *tree,
                            struct kt_bytes encoded)
{
  struct kt_hash *keys = conf_alloc(c, m->n_added + m->n_removed, sizeof *keys);
  size_t n = 0;
  bool twice = false;
  for (size_t i = 0; i < m->n_added; i++) {
    keys[n++] = m->added[i].vrf_output;
    twice = twice || contains(m->removed, m->n_removed, &m->added[i].vrf_output);
  }
  for (size_t i = 0; i < m->n_removed; i++) {
    struct kt_hash found;
    keys[n++] = m->removed[i].vrf_output;
    conf_err(c, kt_prefix_find(&tree->store.nodes, tree->root, &m->removed[i].vrf_output, &found), KT_OK,
             "removed leaf");
    conf_same_hash(c, &found, &m->removed[i].commitment, "commitment of a removed leaf");
  }
  struct kt_prefix_proof proof;
  if (!twice) {
    conf_err(c, kt_prefix_prove(&tree->store.nodes, tree->root, keys, n, &c->arena, &proof), KT_OK, "proving");
    same_encoding(c, &proof, encoded);
  }
}

/* What the peer made of the same proof. It assumes that no parent collapses where the proof does not show, which is
 * wrong beside a leaf; it refuses a key in both lists, and leaves something behind when every leaf goes. The draft's
 * roots are those of the trees. */
static void check_peer(struct conf_case *c, const struct kt_hash *before, const struct kt_hash *after)
{
  if (conf_has(c->expect, "peer_error")) {
    conf_require(c, conf_is(c, "replace-in-place"), "the peer refuses a change that the draft allows");
    return;
  }
  const struct kt_hash peer_before = conf_hash(c, c->expect, "peer_before");
  const struct kt_hash peer_after = conf_hash(c, c->expect, "peer_after");
  conf_same_hash(c, before, &peer_before, "peer_before");
  bool differs = conf_is(c, "remove-beside-a-leaf") || conf_is(c, "remove-every-leaf");
  conf_require(c, kt_hash_equal(&peer_after, after) != differs, "peer_after and after are not as the notes say");
}

void conf_prefix_mutation(struct conf_case *c)
{
  struct mutation m;
  m.entries = conf_leaves(c, c->input, "entries", &m.n_entries);
  m.added = conf_leaves(c, c->input, "add", &m.n_added);
  m.removed = conf_leaves(c, c->input, "remove", &m.n_removed);
  bool uncovered = conf_flag_or_false(c, c->input, "sibling_uncovered");
  const struct kt_hash before = conf_hash(c, c->expect, "before");
  const struct kt_hash after = conf_hash(c, c->expect, "after");
  const struct kt_bytes encoded = conf_hex(c, c->expect, "proof");
  const struct conf_tree *tree = conf_tree(c, m.entries, m.n_entries);
  conf_same_hash(c, &tree->root.hash, &before, "before");
  struct kt_hash got_after = rebuilt_root(c, &m);
  conf_same_hash(c, &got_after, &after, "after");
  check_own_proof(c, &m, tree, encoded);
  check_peer(c, &before, &after);

  struct kt_prefix_proof proof;
  struct kt_hash got_before;
  conf_err(c, conf_read_prefix_proof(c, encoded, &proof), KT_OK, "decoding the proof");
  conf_same_prefix_proof(c, c->expect, &proof);
  enum kt_err err =
      kt_prefix_mutate(m.added, m.n_added, m.removed, m.n_removed, &proof, &got_before, &got_after, &c->reason);
  if (uncovered) {
    conf_err(c, err, KT_ERR_UNDETERMINED, "a removal beside a node the proof does not show");
    return;
  }
  conf_err(c, err, KT_OK, "replaying the change");
  conf_same_hash(c, &got_before, &before, "root before, from the proof");
  conf_same_hash(c, &got_after, &after, "root after, from the proof");
}
