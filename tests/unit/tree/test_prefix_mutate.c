/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's replay of a change against rebuilding the tree: every small change of every small tree. */
#include "prefix_model.h"

#define BITS 3
#define KEYS (1u << BITS)

static struct test_store store;

/* A change as the log would send it; masks over the 8 keys. */
struct change {
  struct model_set before;
  struct model_set after;
  struct model_set added;
  struct model_set removed;
  struct kt_hash keys[2 * KEYS]; /* searched, without repetition */
  size_t n_keys;
  struct kt_prefix_result results[2 * KEYS];
  struct kt_prefix_proof proof;
  struct kt_prefix_child root;
  struct kt_arena arena;
};

/* What is added differs from what was there, so that replacing shows. */
static struct kt_prefix_leaf new_leaf(unsigned i)
{
  struct kt_prefix_leaf leaf = model_leaf(i, BITS);
  leaf.commitment.b[0] = 0x11;
  return leaf;
}

static void collect(struct model_set *set, unsigned mask, struct kt_prefix_leaf (*leaf)(unsigned))
{
  set->n = 0;
  for (unsigned i = 0; i < KEYS; i++) {
    if ((mask >> i & 1) != 0) {
      set->at[set->n++] = leaf(i);
    }
  }
}

static struct kt_prefix_leaf old_leaf(unsigned i)
{
  return model_leaf(i, BITS);
}

/* Results of added, then of removed; keys in both are proven once, the result given twice. */
static void prove(struct change *c)
{
  struct kt_prefix_nodes nodes = test_store_nodes(&store);
  c->n_keys = 0;
  for (size_t i = 0; i < c->added.n; i++) {
    c->keys[c->n_keys++] = c->added.at[i].vrf_output;
  }
  for (size_t i = 0; i < c->removed.n; i++) {
    bool twice = false;
    for (size_t k = 0; k < c->added.n; k++) {
      twice = twice || model_compare(&c->added.at[k], &c->removed.at[i]) == 0;
    }
    if (!twice) {
      c->keys[c->n_keys++] = c->removed.at[i].vrf_output;
    }
  }
  kt_arena_init(&c->arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_prefix_prove(&nodes, c->root, c->keys, c->n_keys, &c->arena, &c->proof), KT_OK);
  for (size_t i = 0; i < c->added.n + c->removed.n; i++) {
    const struct kt_prefix_leaf *leaf = i < c->added.n ? &c->added.at[i] : &c->removed.at[i - c->added.n];
    c->results[i] = model_search(&c->before, &leaf->vrf_output);
  }
  c->proof.results = c->results;
  c->proof.n_results = c->added.n + c->removed.n;
}

static void make_change(struct change *c, unsigned before, unsigned added, unsigned removed)
{
  collect(&c->before, before, old_leaf);
  collect(&c->removed, removed, old_leaf);
  collect(&c->added, added, new_leaf);
  collect(&c->after, before & ~removed, old_leaf);
  memcpy(c->after.at + c->after.n, c->added.at, c->added.n * sizeof *c->added.at);
  c->after.n += c->added.n;
  model_sort(&c->after);
  c->root = test_store_build(&store, &c->before);
  prove(c);
}

static enum kt_err mutate(const struct change *c, struct kt_hash *ret_before, struct kt_hash *ret_after,
                          struct kt_reason *reason)
{
  *reason = (struct kt_reason){ 0 };
  return kt_prefix_mutate(c->added.at, c->added.n, c->removed.at, c->removed.n, &c->proof, ret_before, ret_after,
                          reason);
}

static bool any_change_below(const struct change *c, const struct kt_hash *prefix, unsigned depth)
{
  return model_any_starts_like(c->keys, c->n_keys, prefix, depth);
}

/* Whether somewhere one side of a parent becomes empty while the other is not searched and so only a hash. */
static bool is_undetermined(const struct change *c, const struct kt_prefix_leaf *before, size_t n_before,
                            const struct kt_prefix_leaf *after, size_t n_after, struct kt_hash prefix, unsigned depth)
{
  if (n_before <= 1) {
    return false;
  }
  size_t before_zeros = model_split(before, n_before, depth);
  size_t after_zeros = model_split(after, n_after, depth);
  struct kt_hash sides[2] = { prefix, prefix };
  sides[0].b[depth / 8] &= (uint8_t) ~(0x80 >> (depth % 8));
  sides[1].b[depth / 8] |= (uint8_t)(0x80 >> (depth % 8));
  size_t n_left[2] = { before_zeros, n_before - before_zeros };
  size_t n_stay[2] = { after_zeros, n_after - after_zeros };
  for (int i = 0; i < 2; i++) {
    if (n_left[i] > 0 && n_stay[i] == 0 && n_left[1 - i] > 0 && !any_change_below(c, &sides[1 - i], depth + 1)) {
      return true;
    }
  }
  return is_undetermined(c, before, before_zeros, after, after_zeros, sides[0], depth + 1) ||
         is_undetermined(c, before + before_zeros, n_left[1], after + after_zeros, n_stay[1], sides[1], depth + 1);
}

/* 1 when the change was undetermined */
static unsigned check_change(unsigned before, unsigned added, unsigned removed)
{
  static struct change c;
  struct kt_hash got_before;
  struct kt_hash got_after;
  struct kt_hash start = { { 0 } };
  struct kt_reason reason;
  make_change(&c, before, added, removed);
  enum kt_err err = mutate(&c, &got_before, &got_after, &reason);
  bool undetermined =
      is_undetermined(&c, c.before.at, c.before.n, c.after.at, c.after.n, start, 0) && added + removed > 0;
  if (undetermined) {
    assert_int_equal(err, KT_ERR_UNDETERMINED);
    assert_string_equal(reason.code, "audit-undetermined");
  } else {
    struct kt_hash want = model_root(c.after.at, c.after.n, 0);
    assert_int_equal(err, KT_OK);
    assert_memory_equal(&got_before, &c.root.hash, sizeof got_before);
    assert_memory_equal(&got_after, &want, sizeof want);
  }
  kt_arena_release(&c.arena);
  return undetermined;
}

/* Includes R55's exception (a key in both lists) and A7's guess. */
static void every_small_change_matches_rebuilding(void **state)
{
  (void)state;
  unsigned n_undetermined = 0;
  unsigned n = 0;
  for (unsigned before = 0; before < 1u << KEYS; before++) {
    for (unsigned added = 0; added < 1u << KEYS && __builtin_popcount(before) <= 4; added++) {
      for (unsigned removed = before;; removed = (removed - 1) & before) {
        if (__builtin_popcount(added) <= 2 && (added & before & ~removed) == 0) {
          n_undetermined += check_change(before, added, removed);
          n++;
        }
        if (removed == 0) {
          break;
        }
      }
    }
  }
  assert_true(n_undetermined > 100);
  assert_true(n - n_undetermined > 1000);
}

/* An auditor that starts with an empty tree and follows a growing one, deep spines included. */
static void a_growing_tree_is_followed(void **state)
{
  (void)state;
  struct kt_prefix_nodes nodes = test_store_nodes(&store);
  struct kt_prefix_child root = { .ref = 0 };
  store.n = 0;
  for (uint32_t round = 0; round < 60; round++) {
    static struct model_set batch;
    struct kt_hash keys[8];
    struct kt_prefix_proof proof;
    struct kt_hash before;
    struct kt_hash after;
    struct kt_arena arena;
    batch.n = 1 + round % 8;
    for (uint32_t i = 0; i < batch.n; i++) {
      uint32_t seed = round * 8 + i;
      memset(&batch.at[i], (int)(round % 7), sizeof batch.at[i]); /* few prefixes, long shared ones */
      crypto_hash_sha256(batch.at[i].commitment.b, (const uint8_t *)&seed, sizeof seed);
      memcpy(batch.at[i].vrf_output.b + 28, batch.at[i].commitment.b, 4);
    }
    model_sort(&batch);
    for (size_t i = 0; i < batch.n; i++) {
      keys[i] = batch.at[i].vrf_output;
    }
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    assert_int_equal(kt_prefix_prove(&nodes, root, keys, batch.n, &arena, &proof), KT_OK);
    assert_int_equal(kt_prefix_mutate(batch.at, batch.n, NULL, 0, &proof, &before, &after, NULL), KT_OK);
    assert_memory_equal(&before, &root.hash, sizeof before);
    assert_int_equal(test_store_insert(&store, root, batch.at, batch.n, &root), KT_OK);
    assert_memory_equal(&after, &root.hash, sizeof after);
    kt_arena_release(&arena);
  }
}

/* --- refusals --------------------------------------------------------------------------------------------------- */

static void assert_refused(const struct change *c, const char *code)
{
  struct kt_hash before;
  struct kt_hash after;
  struct kt_reason reason;
  assert_int_equal(mutate(c, &before, &after, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, code);
}

static void swap(struct kt_prefix_leaf *leaves)
{
  struct kt_prefix_leaf first = leaves[0];
  leaves[0] = leaves[1];
  leaves[1] = first;
}

static void a2_unsorted_or_repeated(void **state)
{
  (void)state;
  static struct change c;
  make_change(&c, 0xc3, 0x0c, 0xc0);
  swap(c.added.at);
  assert_refused(&c, "audit-order");
  c.added.at[1] = c.added.at[0];
  assert_refused(&c, "audit-order");
  kt_arena_release(&c.arena);
  make_change(&c, 0xc3, 0x0c, 0xc0);
  swap(c.removed.at);
  assert_refused(&c, "audit-order");
  c.removed.at[1] = c.removed.at[0];
  assert_refused(&c, "audit-order");
  kt_arena_release(&c.arena);
}

static void a3_added_key_already_present(void **state)
{
  (void)state;
  static struct change c;
  make_change(&c, 0x21, 0x21, 0x20); /* the second is replaced, the first is only added */
  assert_refused(&c, "audit-added");
  kt_arena_release(&c.arena);
}

static void a4_removed_key_absent(void **state)
{
  (void)state;
  static struct change c;
  make_change(&c, 0x21, 0x04, 0x03);
  assert_refused(&c, "audit-removed");
  kt_arena_release(&c.arena);
}

static void a6_wrong_removed_commitment_gives_another_previous_root(void **state)
{
  (void)state;
  static struct change c;
  struct kt_hash before;
  struct kt_hash after;
  struct kt_reason reason;
  make_change(&c, 0x61, 0x20, 0x20);
  c.removed.at[0].commitment.b[9] ^= 1;
  assert_int_equal(mutate(&c, &before, &after, &reason), KT_OK);
  assert_memory_not_equal(&before, &c.root.hash, sizeof before);
  kt_arena_release(&c.arena);
}

static void a7_wrong_number_of_results(void **state)
{
  (void)state;
  static struct change c;
  make_change(&c, 0x21, 0x06, 0);
  c.proof.n_results = 1;
  assert_refused(&c, "audit-results");
  c.proof.n_results = 3;
  assert_refused(&c, "audit-results");
  kt_arena_release(&c.arena);
  static const struct kt_prefix_leaf many[256];
  struct kt_hash root;
  struct kt_reason reason = { 0 };
  c.proof.n_results = 256;
  assert_int_equal(kt_prefix_mutate(many, 128, many, 128, &c.proof, &root, &root, &reason), KT_ERR_PROOF);
  assert_string_equal(reason.code, "audit-results");
}

static void r51_two_results_of_one_key_differ(void **state)
{
  (void)state;
  static struct change c;
  make_change(&c, 0x61, 0x20, 0x20);
  c.results[0].depth++;
  assert_refused(&c, "prefix-depth");
  c.results[0] = (struct kt_prefix_result){ .type = KT_PREFIX_NON_INCLUSION_PARENT, .depth = c.results[1].depth };
  assert_refused(&c, "prefix-depth");
  kt_arena_release(&c.arena);
}

static void r53_leaf_that_hides_an_added_key(void **state)
{
  (void)state;
  static struct change c;
  make_change(&c, 0x21, 0x01, 0x01);
  c.removed.n = 0; /* claim key 0 is new, where its own leaf is */
  c.proof.n_results = 1;
  c.results[0] = (struct kt_prefix_result){ .type = KT_PREFIX_NON_INCLUSION_LEAF, .depth = c.results[0].depth };
  c.results[0].leaf = old_leaf(0);
  assert_refused(&c, "prefix-leaf");
  kt_arena_release(&c.arena);
}

static void r54_missing_and_surplus_elements(void **state)
{
  (void)state;
  static struct change c;
  make_change(&c, 0x55, 0x08, 0);
  assert_true(c.proof.n_elements > 0);
  c.proof.n_elements--;
  assert_refused(&c, "prefix-elements");
  static const struct kt_hash surplus[8];
  c.proof.elements = surplus;
  c.proof.n_elements += 2;
  assert_refused(&c, "prefix-elements");
  kt_arena_release(&c.arena);
}

static void added_keys_that_share_255_bits_are_over_the_limit(void **state)
{
  (void)state;
  struct kt_prefix_leaf twins[2] = { old_leaf(1), old_leaf(1) };
  twins[1].vrf_output.b[31] |= 1; /* differs in the last bit: model keys end in an even byte */
  const struct kt_prefix_result results[2] = { { .type = KT_PREFIX_NON_INCLUSION_PARENT },
                                               { .type = KT_PREFIX_NON_INCLUSION_PARENT } };
  const struct kt_prefix_proof proof = { .results = results, .n_results = 2 };
  struct kt_hash before;
  struct kt_hash after;
  struct kt_reason reason = { 0 };
  assert_int_equal(kt_prefix_mutate(twins, 2, NULL, 0, &proof, &before, &after, &reason), KT_ERR_LIMIT);
  assert_string_equal(reason.code, "audit-depth");
}

static int release_store(void **state)
{
  (void)state;
  free(store.nodes);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_small_change_matches_rebuilding),
    cmocka_unit_test(a_growing_tree_is_followed),
    cmocka_unit_test(a2_unsorted_or_repeated),
    cmocka_unit_test(a3_added_key_already_present),
    cmocka_unit_test(a4_removed_key_absent),
    cmocka_unit_test(a6_wrong_removed_commitment_gives_another_previous_root),
    cmocka_unit_test(a7_wrong_number_of_results),
    cmocka_unit_test(r51_two_results_of_one_key_differ),
    cmocka_unit_test(r53_leaf_that_hides_an_added_key),
    cmocka_unit_test(r54_missing_and_surplus_elements),
    cmocka_unit_test(added_keys_that_share_255_bits_are_over_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, release_store);
}
