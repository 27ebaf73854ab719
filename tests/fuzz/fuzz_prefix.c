/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of the prefix tree. 'p': an AuditorUpdate of anybody's making; what the auditor and a searching user conclude
 * from its proof has to agree. 't': a small tree made of the bytes, changed, and the auditor's conclusion held against
 * the tree built anew. */
#include "fuzz.h"

#include "support/prefix_insert.h"
#include "tree/prefix_tree.h"
#include "wire/auditor.h"

/* --- anybody's proof --------------------------------------------------------------------------------------------- */

static const struct kt_hash untouched = { { 0x5a, 0xa5 } };

static bool is_same(const struct kt_hash *a, const struct kt_hash *b)
{
  return memcmp(a->b, b->b, KT_HASH_LEN) == 0;
}

/* A key looked up in the tree before the change, where only what is removed has a commitment. */
static struct kt_prefix_search search_before(const struct kt_auditor_update *update, const struct kt_hash *key)
{
  struct kt_prefix_search search = { .key = *key, .has_commitment = false };
  for (size_t i = 0; i < update->n_removed && !search.has_commitment; i++) {
    if (is_same(&update->removed[i].vrf_output, key)) {
      search.has_commitment = true;
      search.commitment = update->removed[i].commitment;
    }
  }
  return search;
}

static enum kt_err evaluate(const struct kt_auditor_update *update, struct kt_arena *arena, struct kt_hash *ret_root)
{
  size_t n = update->n_added + update->n_removed;
  struct kt_reason reason = { 0 };
  struct kt_prefix_search *searches = kt_arena_alloc(arena, n, sizeof *searches);
  if (searches == NULL) {
    return KT_ERR_MEMORY;
  }
  for (size_t i = 0; i < n; i++) {
    const struct kt_prefix_leaf *leaf = i < update->n_added ? &update->added[i] : &update->removed[i - update->n_added];
    searches[i] = search_before(update, &leaf->vrf_output);
  }
  enum kt_err err = kt_prefix_evaluate(searches, n, &update->proof, ret_root, &reason);
  FUZZ_CHECK((err == KT_OK || err == KT_ERR_MEMORY) == (reason.code == NULL));
  return err;
}

static void check_proof(struct kt_bytes input, struct kt_arena *arena)
{
  struct kt_auditor_update update;
  struct kt_reason reason = { 0 };
  struct kt_hash before = untouched;
  struct kt_hash after = untouched;
  struct kt_hash root = untouched;
  if (kt_auditor_update_decode(input, arena, &update) != KT_OK) {
    return;
  }
  enum kt_err evaluated = evaluate(&update, arena, &root);
  enum kt_err err = kt_prefix_mutate(update.added, update.n_added, update.removed, update.n_removed, &update.proof,
                                     &before, &after, &reason);
  FUZZ_CHECK(evaluated == KT_OK || is_same(&root, &untouched));
  if (err != KT_OK) {
    FUZZ_CHECK(is_same(&before, &untouched) && is_same(&after, &untouched));
    FUZZ_CHECK(err == KT_ERR_MEMORY || reason.code != NULL);
    return;
  }
  /* A key in both lists is looked up twice, which a searching user never does. */
  FUZZ_CHECK(evaluated != KT_OK || is_same(&root, &before));
  FUZZ_CHECK(update.n_added + update.n_removed > 0 || is_same(&before, &after));
}

/* --- our proof of a tree of anybody's making ---------------------------------------------------------------------- */

#define LEAVES_MAX 16 /* deep trees are slow ones */
#define NODES_MAX 32768

struct nodes {
  struct kt_prefix_node at[NODES_MAX];
  size_t n;
};

static enum kt_err node_get(void *ctx, uint64_t ref, struct kt_prefix_node *ret_node)
{
  const struct nodes *nodes = ctx;
  FUZZ_CHECK(ref > 0 && ref <= nodes->n);
  *ret_node = nodes->at[ref - 1];
  return KT_OK;
}

static enum kt_err node_put(void *ctx, const struct kt_prefix_node *node, uint64_t *ret_ref)
{
  struct nodes *nodes = ctx;
  FUZZ_CHECK(nodes->n < NODES_MAX);
  nodes->at[nodes->n++] = *node;
  *ret_ref = nodes->n;
  return KT_OK;
}

enum role { STAYS, REMOVED, ADDED };

struct plan {
  struct kt_prefix_leaf leaves[LEAVES_MAX]; /* ascending */
  enum role roles[LEAVES_MAX];
  size_t n;
};

static void plan_insert(struct plan *plan, const struct kt_prefix_leaf *leaf, enum role role)
{
  size_t i = plan->n;
  for (size_t k = 0; k < plan->n; k++) {
    if (is_same(&plan->leaves[k].vrf_output, &leaf->vrf_output)) {
      return;
    }
  }
  for (; i > 0 && memcmp(plan->leaves[i - 1].vrf_output.b, leaf->vrf_output.b, KT_HASH_LEN) > 0; i--) {
    plan->leaves[i] = plan->leaves[i - 1];
    plan->roles[i] = plan->roles[i - 1];
  }
  plan->leaves[i] = *leaf;
  plan->roles[i] = role;
  plan->n++;
}

/* Two bytes for each leaf: role and place, then a byte of the key at that place; so keys share long prefixes. */
static void plan_read(struct kt_bytes input, struct plan *plan)
{
  static const size_t places[] = { 0, 1, 7, 16, 30, 31 };
  for (size_t i = 0; i + 1 < input.len && plan->n < LEAVES_MAX; i += 2) {
    struct kt_prefix_leaf leaf = { .commitment = { { input.data[i], input.data[i + 1] } } };
    leaf.vrf_output.b[places[input.data[i] / 4 % 6]] = input.data[i + 1];
    leaf.vrf_output.b[31] &= 0xfe; /* keys that share 255 bits are refused */
    plan_insert(plan, &leaf, input.data[i] % 4 == 0 ? ADDED : input.data[i] % 4 == 1 ? REMOVED : STAYS);
  }
}

/* The leaves of two roles, in order. */
static size_t plan_take(const struct plan *plan, enum role one, enum role other, struct kt_prefix_leaf *ret_leaves)
{
  size_t n = 0;
  for (size_t i = 0; i < plan->n; i++) {
    if (plan->roles[i] == one || plan->roles[i] == other) {
      ret_leaves[n++] = plan->leaves[i];
    }
  }
  return n;
}

static struct kt_prefix_child build(const struct prefix_store *store, const struct plan *plan, enum role other)
{
  struct kt_prefix_leaf leaves[LEAVES_MAX];
  struct kt_prefix_child root = { .ref = 0 };
  size_t n = plan_take(plan, STAYS, other, leaves);
  FUZZ_CHECK(prefix_insert(store, root, leaves, n, &root) == KT_OK);
  return root;
}

static void check_tree(struct kt_bytes input, struct kt_arena *arena)
{
  static struct nodes nodes;
  static struct plan plan;
  struct kt_prefix_leaf changed[LEAVES_MAX];
  struct kt_hash keys[LEAVES_MAX];
  struct kt_prefix_proof proof;
  struct kt_reason reason = { 0 };
  struct kt_hash before;
  struct kt_hash after;
  nodes.n = 0;
  plan.n = 0;
  plan_read(input, &plan);
  const struct prefix_store store = { .nodes = { .ctx = &nodes, .get = node_get }, .put = node_put };
  const struct kt_prefix_child old_root = build(&store, &plan, REMOVED);
  const struct kt_prefix_child new_root = build(&store, &plan, ADDED);
  size_t n_added = plan_take(&plan, ADDED, ADDED, changed);
  size_t n_removed = plan_take(&plan, REMOVED, REMOVED, changed + n_added);
  for (size_t i = 0; i < n_added + n_removed; i++) {
    keys[i] = changed[i].vrf_output;
  }
  FUZZ_CHECK(kt_prefix_prove(&store.nodes, old_root, keys, n_added + n_removed, arena, &proof) == KT_OK);
  enum kt_err err = kt_prefix_mutate(changed, n_added, changed + n_added, n_removed, &proof, &before, &after, &reason);
  if (err == KT_OK) {
    FUZZ_CHECK(is_same(&before, &old_root.hash) && is_same(&after, &new_root.hash));
  } else {
    FUZZ_CHECK(err == KT_ERR_UNDETERMINED && n_removed > 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct fuzz_input input;
  struct kt_arena arena;
  if (!fuzz_split(data, size, &input)) {
    return 0;
  }
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  if (input.selector == 'p') {
    check_proof(input.rest, &arena);
  } else if (input.selector == 't') {
    check_tree(input.rest, &arena);
  }
  kt_arena_release(&arena);
  return 0;
}
