/* SPDX-License-Identifier: Apache-2.0 */
/* Log tree and its batch proofs against a naive model: the draft's left-balanced tree, built from all leaves and taken
 * apart recursively, unbalanced nodes included. Hashed with libsodium directly. */
#include "tree/log_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#define SIZE_TESTED 33
#define SIZE_TAMPERED 11
#define ELEMENTS_MAX 160

/* --- model --------------------------------------------------------------------------------------------------- */

static struct kt_hash leaf_value(uint64_t i)
{
  struct kt_hash value;
  uint8_t seed[8];
  memcpy(seed, &i, sizeof seed);
  crypto_hash_sha256(value.b, seed, sizeof seed);
  return value;
}

/* Size of the left subtree: the largest power of two below the size. */
static uint64_t left_size(uint64_t size)
{
  uint64_t left = 1;
  while (left * 2 < size) {
    left *= 2;
  }
  return left;
}

static struct kt_hash model_value(uint64_t start, uint64_t size)
{
  if (size == 1) {
    return leaf_value(start);
  }
  static struct kt_hash cache[SIZE_TESTED + 1][SIZE_TESTED + 1];
  static bool cached[SIZE_TESTED + 1][SIZE_TESTED + 1];
  if (!cached[start][size]) {
    uint64_t left = left_size(size);
    struct kt_hash children[2] = { model_value(start, left), model_value(start + left, size - left) };
    uint8_t content[66];
    content[0] = left == 1 ? 0 : 1;
    memcpy(content + 1, children[0].b, 32);
    content[33] = size - left == 1 ? 0 : 1;
    memcpy(content + 34, children[1].b, 32);
    crypto_hash_sha256(cache[start][size].b, content, sizeof content);
    cached[start][size] = true;
  }
  return cache[start][size];
}

struct node {
  uint64_t start;
  uint64_t size;
};

struct nodes {
  struct node at[ELEMENTS_MAX];
  size_t n;
};

static bool is_balanced(uint64_t size)
{
  return (size & (size - 1)) == 0;
}

/* Full subtrees: balanced subtrees that have no balanced subtree as their parent. */
static void model_full_subtrees(uint64_t start, uint64_t size, struct nodes *out)
{
  if (size == 0) {
    return;
  }
  if (is_balanced(size)) {
    out->at[out->n++] = (struct node){ start, size };
    return;
  }
  uint64_t left = left_size(size);
  model_full_subtrees(start, left, out);
  model_full_subtrees(start + left, size - left, out);
}

static bool holds_leaf(const struct kt_log_request *request, uint64_t start, uint64_t size)
{
  for (size_t i = 0; i < request->n_leaves; i++) {
    if (request->leaves[i] >= start && request->leaves[i] < start + size) {
      return true;
    }
  }
  return false;
}

static bool is_retained(const struct nodes *retained, uint64_t start, uint64_t size)
{
  for (size_t i = 0; i < retained->n; i++) {
    if (retained->at[i].start == start && retained->at[i].size == size) {
      return true;
    }
  }
  return false;
}

static void model_copath(const struct kt_log_request *request, const struct nodes *retained, uint64_t start,
                         uint64_t size, struct nodes *out)
{
  bool has_leaf = holds_leaf(request, start, size);
  bool split_by_auditor = start < request->auditor_size && request->auditor_size < start + size;
  bool split_by_retained = start < request->retained_size && request->retained_size < start + size;
  if (is_balanced(size) && !has_leaf && !split_by_auditor && !split_by_retained) {
    if (!is_retained(retained, start, size)) {
      out->at[out->n++] = (struct node){ start, size };
    }
    return;
  }
  if (size > 1) {
    uint64_t left = left_size(size);
    model_copath(request, retained, start, left, out);
    model_copath(request, retained, start + left, size - left, out);
  }
}

/* --- one request, with everything the verifier would be given --------------------------------------------------- */

struct scenario {
  struct kt_log_request request;
  struct kt_hash leaf_values[4];
  struct nodes retained_nodes;
  struct kt_hash retained[KT_LOG_SUBTREES_MAX];
  struct kt_hash elements[ELEMENTS_MAX];
  size_t n_elements;
  struct kt_arena arena;
  struct kt_log_known known;
  struct kt_reason reason;
};

static enum kt_err evaluate(struct scenario *s, const struct kt_hash *elements, size_t n_elements)
{
  kt_arena_release(&s->arena);
  s->reason = (struct kt_reason){ 0 };
  return kt_log_evaluate(&s->request, s->leaf_values, s->retained, elements, n_elements, &s->arena, &s->known,
                         &s->reason);
}

/* The prover's positions, checked against the model, and their values. */
static void prove(struct scenario *s)
{
  struct nodes want = { .n = 0 };
  struct kt_log_node *nodes;
  s->retained_nodes.n = 0;
  model_full_subtrees(0, s->request.retained_size, &s->retained_nodes);
  for (size_t i = 0; i < s->retained_nodes.n; i++) {
    s->retained[i] = model_value(s->retained_nodes.at[i].start, s->retained_nodes.at[i].size);
  }
  for (size_t i = 0; i < s->request.n_leaves; i++) {
    s->leaf_values[i] = leaf_value(s->request.leaves[i]);
  }
  model_copath(&s->request, &s->retained_nodes, 0, s->request.size, &want);
  kt_arena_init(&s->arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_log_copath(&s->request, &s->arena, &nodes, &s->n_elements), KT_OK);
  assert_int_equal(s->n_elements, want.n);
  for (size_t i = 0; i < want.n; i++) {
    assert_int_equal(nodes[i].start, want.at[i].start);
    assert_int_equal((uint64_t)1 << nodes[i].level, want.at[i].size);
    s->elements[i] = model_value(want.at[i].start, want.at[i].size);
  }
}

static void assert_root_known(const struct scenario *s, uint64_t size)
{
  struct kt_hash root;
  struct kt_hash want = model_value(0, size);
  assert_int_equal(kt_log_known_root(&s->known, size, &root), KT_OK);
  assert_memory_equal(&root, &want, sizeof want);
}

/* Whatever is known of any size is right, and what has to be known is. */
static void check_known(const struct scenario *s)
{
  assert_root_known(s, s->request.size);
  if (s->request.retained_size > 0) {
    assert_root_known(s, s->request.retained_size);
  }
  if (s->request.auditor_size > 0) {
    assert_root_known(s, s->request.auditor_size);
  }
  for (size_t i = 0; i < s->request.n_leaves; i++) {
    assert_root_known(s, s->request.leaves[i] + 1);
  }
  for (uint64_t size = 1; size <= s->request.size; size++) {
    struct kt_hash heads[KT_LOG_SUBTREES_MAX];
    enum kt_err err = kt_log_known_heads(&s->known, size, heads);
    if (err == KT_OK) {
      struct nodes full = { .n = 0 };
      model_full_subtrees(0, size, &full);
      for (size_t i = 0; i < full.n; i++) {
        struct kt_hash want = model_value(full.at[i].start, full.at[i].size);
        assert_memory_equal(&heads[i], &want, sizeof want);
      }
    } else {
      assert_int_equal(err, KT_ERR_ABSENT);
    }
  }
}

static void check_scenario(struct scenario *s)
{
  prove(s);
  assert_int_equal(evaluate(s, s->elements, s->n_elements), KT_OK);
  check_known(s);
  kt_arena_release(&s->arena);
}

/* --- every request over small trees ------------------------------------------------------------------------------ */

typedef void (*scenario_fn)(struct scenario *s);

/* No leaf, every leaf, every pair of leaves. */
static void each_leaves(uint64_t size, uint64_t retained_size, uint64_t auditor_size, scenario_fn check)
{
  static struct scenario s;
  uint64_t leaves[2] = { 0, 0 };
  s = (struct scenario){
    .request = { .size = size, .leaves = leaves, .retained_size = retained_size, .auditor_size = auditor_size }
  };
  check(&s);
  for (leaves[0] = 0; leaves[0] < size; leaves[0]++) {
    s.request.n_leaves = 1;
    check(&s);
    s.request.n_leaves = 2;
    for (leaves[1] = leaves[0] + 1; leaves[1] < size; leaves[1]++) {
      check(&s);
    }
  }
}

static void proofs_match_the_model(void **state)
{
  (void)state;
  for (uint64_t size = 1; size <= SIZE_TESTED; size++) {
    for (uint64_t retained_size = 0; retained_size <= size; retained_size++) {
      each_leaves(size, retained_size, 0, check_scenario);
    }
  }
}

static void proofs_with_an_auditor_size_match_the_model(void **state)
{
  (void)state;
  for (uint64_t size = 1; size <= 14; size++) {
    for (uint64_t retained_size = 0; retained_size <= size; retained_size++) {
      for (uint64_t auditor_size = 1; auditor_size <= size; auditor_size++) {
        each_leaves(size, retained_size, auditor_size, check_scenario);
      }
    }
  }
}

/* --- forged proofs ----------------------------------------------------------------------------------------------- */

static void assert_refused_or_other_root(struct scenario *s, enum kt_err err)
{
  if (err == KT_OK) {
    struct kt_hash root;
    struct kt_hash honest = model_value(0, s->request.size);
    assert_int_equal(kt_log_known_root(&s->known, s->request.size, &root), KT_OK);
    assert_memory_not_equal(&root, &honest, sizeof root);
  } else {
    assert_int_equal(err, KT_ERR_PROOF);
    assert_non_null(s->reason.code);
  }
}

static void check_tampered_elements(struct scenario *s)
{
  struct kt_hash forged[ELEMENTS_MAX];
  prove(s);
  for (size_t i = 0; i < s->n_elements; i++) {
    memcpy(forged, s->elements, s->n_elements * sizeof *forged);
    forged[i].b[i % 32] ^= 0x10;
    assert_refused_or_other_root(s, evaluate(s, forged, s->n_elements));

    memcpy(forged, s->elements, i * sizeof *forged); /* dropped */
    memcpy(forged + i, s->elements + i + 1, (s->n_elements - i - 1) * sizeof *forged);
    assert_int_equal(evaluate(s, forged, s->n_elements - 1), KT_ERR_PROOF);

    memcpy(forged, s->elements, (i + 1) * sizeof *forged); /* duplicated */
    memcpy(forged + i + 1, s->elements + i, (s->n_elements - i) * sizeof *forged);
    assert_int_equal(evaluate(s, forged, s->n_elements + 1), KT_ERR_PROOF);
  }
  memcpy(forged, s->elements, s->n_elements * sizeof *forged);
  forged[s->n_elements] = leaf_value(0);
  assert_int_equal(evaluate(s, forged, s->n_elements + 1), KT_ERR_PROOF);
  assert_true(strcmp(s->reason.code, "log-elements") == 0 || strcmp(s->reason.code, "log-retained") == 0);
  kt_arena_release(&s->arena);
}

static void r47_elements_that_are_not_exact(void **state)
{
  (void)state;
  for (uint64_t size = 1; size <= SIZE_TAMPERED; size++) {
    for (uint64_t retained_size = 0; retained_size <= size; retained_size++) {
      each_leaves(size, retained_size, 0, check_tampered_elements);
      each_leaves(size, retained_size, size / 2 + 1, check_tampered_elements);
    }
  }
}

static void check_wrong_retained_head(struct scenario *s)
{
  prove(s);
  for (size_t i = 0; i < s->retained_nodes.n; i++) {
    const struct node *head = &s->retained_nodes.at[i];
    bool recomputed = holds_leaf(&s->request, head->start, head->size) ||
                      (head->start < s->request.auditor_size && s->request.auditor_size < head->start + head->size);
    s->retained[i].b[31] ^= 1;
    enum kt_err err = evaluate(s, s->elements, s->n_elements);
    if (recomputed) {
      assert_int_equal(err, KT_ERR_PROOF);
      assert_string_equal(s->reason.code, "log-retained");
    } else {
      assert_refused_or_other_root(s, err);
    }
    s->retained[i].b[31] ^= 1;
  }
  kt_arena_release(&s->arena);
}

static void r48_recomputed_retained_head_differs(void **state)
{
  (void)state;
  for (uint64_t size = 1; size <= SIZE_TAMPERED; size++) {
    for (uint64_t retained_size = 1; retained_size <= size; retained_size++) {
      each_leaves(size, retained_size, 0, check_wrong_retained_head);
      each_leaves(size, retained_size, size / 2 + 1, check_wrong_retained_head);
    }
  }
}

static void r49_leaf_beyond_the_end(void **state)
{
  (void)state;
  static struct scenario s;
  uint64_t leaves[1] = { 5 };
  s = (struct scenario){ .request = { .size = 5, .leaves = leaves, .n_leaves = 1 } };
  struct kt_log_node *nodes = NULL;
  size_t n = 77;
  kt_arena_init(&s.arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_log_copath(&s.request, &s.arena, &nodes, &n), KT_ERR_USAGE);
  assert_int_equal(n, 77);
  assert_int_equal(evaluate(&s, s.elements, 2), KT_ERR_PROOF);
  assert_string_equal(s.reason.code, "log-leaf");
  assert_true(s.reason.has_position && s.reason.position == 5);
}

static void requests_that_make_no_sense_are_refused(void **state)
{
  (void)state;
  static const uint64_t repeated[2] = { 3, 3 };
  static const uint64_t descending[2] = { 3, 2 };
  const struct kt_log_request bad[] = {
    { .size = 0 },
    { .size = 5, .leaves = repeated, .n_leaves = 2 },
    { .size = 5, .leaves = descending, .n_leaves = 2 },
    { .size = 5, .retained_size = 6 },
    { .size = 5, .auditor_size = 6 },
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    static struct scenario s;
    struct kt_log_node *nodes;
    size_t n;
    s = (struct scenario){ .request = bad[i] };
    kt_arena_init(&s.arena, KT_ARENA_CAP_DEFAULT);
    assert_int_equal(kt_log_copath(&s.request, &s.arena, &nodes, &n), KT_ERR_USAGE);
    assert_int_equal(evaluate(&s, s.elements, 0), KT_ERR_USAGE);
  }
}

static void a_full_arena_is_an_error(void **state)
{
  (void)state;
  static struct scenario s;
  static const uint64_t leaves[1] = { 3 };
  s = (struct scenario){ .request = { .size = 8, .leaves = leaves, .n_leaves = 1 } };
  struct kt_log_node *nodes;
  size_t n;
  kt_arena_init(&s.arena, 1);
  assert_int_equal(kt_log_copath(&s.request, &s.arena, &nodes, &n), KT_ERR_MEMORY);
  assert_int_equal(evaluate(&s, s.elements, 3), KT_ERR_MEMORY);
  kt_arena_release(&s.arena);
}

/* --- roots and appending ----------------------------------------------------------------------------------------- */

static void appending_keeps_the_full_subtrees(void **state)
{
  (void)state;
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_hash root;
  static const struct kt_hash zero;
  kt_log_root(0, NULL, &root);
  assert_memory_equal(&root, &zero, sizeof root);
  for (uint64_t size = 1; size <= SIZE_TESTED; size++) {
    struct kt_hash leaf = leaf_value(size - 1);
    struct nodes full = { .n = 0 };
    struct kt_log_node nodes[KT_LOG_SUBTREES_MAX];
    model_full_subtrees(0, size, &full);
    assert_int_equal(kt_log_append(size - 1, heads, &leaf), full.n);
    assert_int_equal(kt_log_full_subtrees(size, nodes), full.n);
    for (size_t i = 0; i < full.n; i++) {
      struct kt_hash want = model_value(full.at[i].start, full.at[i].size);
      assert_memory_equal(&heads[i], &want, sizeof want);
      assert_int_equal(nodes[i].start, full.at[i].start);
      assert_int_equal((uint64_t)1 << nodes[i].level, full.at[i].size);
    }
    struct kt_hash want = model_value(0, size);
    kt_log_root(size, heads, &root);
    assert_memory_equal(&root, &want, sizeof want);
  }
}

static void largest_size_stays_within_64_levels(void **state)
{
  (void)state;
  struct kt_log_node full[KT_LOG_SUBTREES_MAX];
  assert_int_equal(kt_log_full_subtrees(UINT64_MAX, full), 64);
  assert_true(full[0].start == 0 && full[0].level == 63);
  assert_true(full[63].start == UINT64_MAX - 1 && full[63].level == 0);

  static struct scenario s;
  static const uint64_t leaves[2] = { 0, UINT64_MAX - 1 };
  s = (struct scenario){ .request = { .size = UINT64_MAX, .leaves = leaves, .n_leaves = 2 } };
  struct kt_log_node *nodes;
  kt_arena_init(&s.arena, KT_ARENA_CAP_DEFAULT);
  /* 63 siblings on the way down to leaf 0, then the 62 full subtrees between the first and the last, which is a leaf */
  assert_int_equal(kt_log_copath(&s.request, &s.arena, &nodes, &s.n_elements), KT_OK);
  assert_int_equal(s.n_elements, 63 + 62);
  assert_true(nodes[0].start == 1 && nodes[0].level == 0);
  assert_true(nodes[62].start == (uint64_t)1 << 62 && nodes[62].level == 62);
  assert_int_equal(evaluate(&s, s.elements, s.n_elements), KT_OK);
  struct kt_hash root;
  assert_int_equal(kt_log_known_root(&s.known, UINT64_MAX, &root), KT_OK);
  assert_int_equal(kt_log_known_root(&s.known, 1, &root), KT_OK);
  assert_int_equal(kt_log_known_root(&s.known, UINT64_MAX - 1, &root), KT_OK);
  assert_int_equal(kt_log_known_root(&s.known, UINT64_MAX - 2, &root), KT_ERR_ABSENT);
  assert_int_equal(kt_log_known_root(&s.known, UINT64_MAX / 4, &root), KT_ERR_ABSENT);
  kt_arena_release(&s.arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(proofs_match_the_model),
    cmocka_unit_test(proofs_with_an_auditor_size_match_the_model),
    cmocka_unit_test(r47_elements_that_are_not_exact),
    cmocka_unit_test(r48_recomputed_retained_head_differs),
    cmocka_unit_test(r49_leaf_beyond_the_end),
    cmocka_unit_test(requests_that_make_no_sense_are_refused),
    cmocka_unit_test(a_full_arena_is_an_error),
    cmocka_unit_test(appending_keeps_the_full_subtrees),
    cmocka_unit_test(largest_size_stays_within_64_levels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
