/* SPDX-License-Identifier: Apache-2.0 */
/* Log trees and batch proofs against the model: sizes to 64, every retained size, no leaf, every leaf, every pair of
 * leaves; and, to size 12 (level 2: 20; level 3: 32), every auditor's size too. Positions are compared in all cases;
 * values are computed and the proof is evaluated to size 16 (level 2: 64), and wherever there is an auditor's size.
 * Implicit binary search trees of these sizes as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "model_level.h"
#include "tree/ibst.h"
#include "tree/log_tree.h"

#define SIZE_MAX_TESTED 64
#define ARENA_CAP ((size_t)1 << 20)

static struct model_value leaves[SIZE_MAX_TESTED];
static unsigned long n_compared;
static unsigned long n_evaluated;

static struct model_value head(struct model_node node)
{
  /* The same few nodes are needed a million times. */
  static struct model_value values[SIZE_MAX_TESTED][SIZE_MAX_TESTED + 1];
  static bool known[SIZE_MAX_TESTED][SIZE_MAX_TESTED + 1];
  if (!known[node.start][node.size]) {
    model_log_head(leaves, node, &values[node.start][node.size]);
    known[node.start][node.size] = true;
  }
  return values[node.start][node.size];
}

static void make_leaves(void)
{
  for (size_t pos = 0; pos < SIZE_MAX_TESTED; pos++) {
    uint8_t name = (uint8_t)pos;
    model_hash(&name, 1, &leaves[pos]);
  }
}

static void assert_value(const struct kt_hash *got, struct model_node node)
{
  struct model_value want = head(node);
  assert_memory_equal(got->b, want.b, sizeof want.b);
}

static void assert_heads(const struct kt_log_known *known, uint64_t size)
{
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_hash root;
  struct model_node nodes[MODEL_ENTRIES_MAX];
  size_t n = model_full_subtrees(size, nodes);
  assert_int_equal(kt_log_known_heads(known, size, heads), KT_OK);
  for (size_t i = 0; i < n; i++) {
    assert_value(&heads[i], nodes[i]);
  }
  assert_int_equal(kt_log_known_root(known, size, &root), KT_OK);
  assert_value(&root, (struct model_node){ 0, size });
}

/* What the verifier makes of the model's proof. */
static void evaluate(const struct kt_log_request *request, const struct model_node *nodes, size_t n)
{
  struct kt_arena arena;
  struct kt_hash leaf_values[2];
  struct kt_hash retained[KT_LOG_SUBTREES_MAX];
  struct kt_hash elements[MODEL_ENTRIES_MAX];
  struct model_node full[MODEL_ENTRIES_MAX];
  struct kt_log_known known;
  size_t n_full = model_full_subtrees(request->retained_size, full);
  for (size_t i = 0; i < request->n_leaves; i++) {
    memcpy(leaf_values[i].b, leaves[request->leaves[i]].b, KT_HASH_LEN);
  }
  for (size_t i = 0; i < n_full; i++) {
    memcpy(retained[i].b, head(full[i]).b, KT_HASH_LEN);
  }
  for (size_t i = 0; i < n; i++) {
    memcpy(elements[i].b, head(nodes[i]).b, KT_HASH_LEN);
  }
  kt_arena_init(&arena, ARENA_CAP);
  assert_int_equal(kt_log_evaluate(request, leaf_values, retained, elements, n, &arena, &known, NULL), KT_OK);
  assert_heads(&known, request->size);
  if (request->auditor_size > 0) {
    assert_heads(&known, request->auditor_size);
  }
  kt_arena_release(&arena);
  n_evaluated++;
}

static void compare(const struct kt_log_request *request, bool evaluated)
{
  struct model_log_request same = { .size = request->size,
                                    .retained = request->retained_size,
                                    .auditor = request->auditor_size };
  struct model_node want[MODEL_ENTRIES_MAX];
  struct kt_log_node *got;
  struct kt_arena arena;
  size_t n_got;
  for (size_t i = 0; i < request->n_leaves; i++) {
    same.proven[request->leaves[i]] = true;
  }
  size_t n_want = model_log_elements(&same, want);
  kt_arena_init(&arena, ARENA_CAP);
  assert_int_equal(kt_log_copath(request, &arena, &got, &n_got), KT_OK);
  assert_int_equal(n_got, n_want);
  for (size_t i = 0; i < n_want; i++) {
    assert_int_equal(got[i].start, want[i].start);
    assert_int_equal(UINT64_C(1) << got[i].level, want[i].size);
  }
  kt_arena_release(&arena);
  n_compared++;
  if (evaluated) {
    evaluate(request, want, n_want);
  }
}

/* No leaf, each leaf, each pair of leaves. */
static void compare_pairs(uint64_t size, uint64_t retained, uint64_t auditor, bool evaluated)
{
  uint64_t pair[2];
  struct kt_log_request request = {
    .size = size, .leaves = pair, .n_leaves = 0, .retained_size = retained, .auditor_size = auditor
  };
  compare(&request, evaluated);
  for (pair[0] = 0; pair[0] < size; pair[0]++) {
    request.n_leaves = 1;
    compare(&request, evaluated);
    request.n_leaves = 2;
    for (pair[1] = pair[0] + 1; pair[1] < size; pair[1]++) {
      compare(&request, evaluated);
    }
  }
}

static void proofs_are_the_models(void **state)
{
  const uint64_t evaluated_max = model_up_to(16, SIZE_MAX_TESTED, SIZE_MAX_TESTED);
  (void)state;
  for (uint64_t size = 1; size <= SIZE_MAX_TESTED; size++) {
    for (uint64_t retained = 0; retained <= size; retained++) {
      compare_pairs(size, retained, 0, size <= evaluated_max);
    }
  }
}

static void proofs_for_an_auditor_are_the_models(void **state)
{
  const uint64_t size_max = model_up_to(12, 20, 32);
  (void)state;
  for (uint64_t size = 1; size <= size_max; size++) {
    for (uint64_t retained = 0; retained <= size; retained++) {
      for (uint64_t auditor = 1; auditor <= size; auditor++) {
        compare_pairs(size, retained, auditor, true);
      }
    }
  }
}

static void roots_and_full_subtrees_are_the_models(void **state)
{
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  (void)state;
  for (uint64_t size = 1; size <= SIZE_MAX_TESTED; size++) {
    struct kt_log_node got[KT_LOG_SUBTREES_MAX];
    struct model_node want[MODEL_ENTRIES_MAX];
    struct kt_hash leaf;
    struct kt_hash root;
    size_t n = model_full_subtrees(size, want);
    memcpy(leaf.b, leaves[size - 1].b, sizeof leaf.b);
    assert_int_equal(kt_log_append(size - 1, heads, &leaf), n);
    assert_int_equal(kt_log_full_subtrees(size, got), n);
    for (size_t i = 0; i < n; i++) {
      assert_int_equal(got[i].start, want[i].start);
      assert_int_equal(UINT64_C(1) << got[i].level, want[i].size);
      assert_value(&heads[i], want[i]);
    }
    kt_log_root(size, heads, &root);
    assert_value(&root, (struct model_node){ 0, size });
  }
}

static void implicit_binary_search_trees_are_the_models(void **state)
{
  (void)state;
  for (uint64_t size = 1; size <= SIZE_MAX_TESTED; size++) {
    struct model_bst bst;
    uint64_t got[KT_IBST_DEPTH_MAX];
    uint64_t want[MODEL_ENTRIES_MAX];
    model_bst_build(size, &bst);
    assert_int_equal(kt_ibst_root(size), bst.root);
    size_t n = model_frontier(size, want);
    assert_int_equal(kt_ibst_frontier(size, got), n);
    assert_memory_equal(got, want, n * sizeof *want);
    for (uint64_t pos = 0; pos < size; pos++) {
      uint64_t left = 0;
      uint64_t right = 0;
      bool has_left = kt_ibst_left(pos, &left);
      bool has_right = kt_ibst_right(pos, size, &right);
      assert_int_equal(has_left ? left : MODEL_NONE, bst.left[pos]);
      assert_int_equal(has_right ? right : MODEL_NONE, bst.right[pos]);
      n = model_direct_path(&bst, pos, want);
      assert_int_equal(kt_ibst_path(pos, size, got), n);
      for (size_t i = 0; i < n; i++) {
        assert_int_equal(got[n - 1 - i], want[i]); /* root first */
      }
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(implicit_binary_search_trees_are_the_models),
    cmocka_unit_test(roots_and_full_subtrees_are_the_models),
    cmocka_unit_test(proofs_are_the_models),
    cmocka_unit_test(proofs_for_an_auditor_are_the_models),
  };
  make_leaves();
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("%lu proofs compared, %lu evaluated\n", n_compared, n_evaluated);
  return failed;
}
