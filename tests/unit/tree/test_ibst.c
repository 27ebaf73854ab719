/* SPDX-License-Identifier: Apache-2.0 */
/* Implicit binary search tree against the draft's appendix and against its inductive definition, and at the extremes. */
#include "tree/ibst.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SIZE_TESTED 200

/* --- the appendix, transliterated; -1 stands for its exceptions ----------------------------------------------- */

static int appendix_log2(int x)
{
  int k = 0;
  if (x == 0) {
    return 0;
  }
  while ((x >> k) > 0) {
    k++;
  }
  return k - 1;
}

static int appendix_level(int x)
{
  int k = 0;
  while (((x >> k) & 1) == 1) {
    k++;
  }
  return k;
}

static int appendix_root(int n)
{
  return (1 << appendix_log2(n)) - 1;
}

static int appendix_left(int x)
{
  int k = appendix_level(x);
  return k == 0 ? -1 : x ^ (1 << (k - 1));
}

static int appendix_right(int x, int n)
{
  int k = appendix_level(x);
  if (k == 0 || x == n - 1) {
    return -1;
  }
  x = x ^ (3 << (k - 1));
  while (x >= n) {
    x = appendix_left(x);
  }
  return x;
}

/* --- the inductive definition: the parent of every entry, -1 for the root --------------------------------------- */

static void define_parents(int offset, int n, int parent, int *parents)
{
  int root = 1;
  if (n == 0) {
    return;
  }
  while (root * 2 <= n) {
    root *= 2;
  }
  root--; /* 2^floor(log2(n)) - 1 */
  parents[offset + root] = parent;
  define_parents(offset, root, offset + root, parents);
  define_parents(offset + root + 1, n - root - 1, offset + root, parents);
}

static void children_match_the_appendix(void **state)
{
  (void)state;
  for (int n = 1; n <= SIZE_TESTED; n++) {
    assert_int_equal(kt_ibst_root((uint64_t)n), appendix_root(n));
    for (int x = 0; x < n; x++) {
      uint64_t child = UINT64_MAX;
      bool has = kt_ibst_left((uint64_t)x, &child);
      assert_int_equal(has ? (int)child : -1, appendix_left(x));
      child = UINT64_MAX;
      has = kt_ibst_right((uint64_t)x, (uint64_t)n, &child);
      assert_int_equal(has ? (int)child : -1, appendix_right(x, n));
      assert_true(has || child == UINT64_MAX);
    }
  }
}

static void paths_match_the_definition(void **state)
{
  (void)state;
  for (int n = 1; n <= SIZE_TESTED; n++) {
    int parents[SIZE_TESTED];
    define_parents(0, n, -1, parents);
    for (int x = 0; x < n; x++) {
      uint64_t path[KT_IBST_DEPTH_MAX];
      size_t len = kt_ibst_path((uint64_t)x, (uint64_t)n, path);
      int at = x;
      for (size_t i = len; i-- > 0;) {
        assert_int_equal(path[i], parents[at]);
        assert_int_equal(kt_ibst_toward(path[i], (uint64_t)x, (uint64_t)n), at);
        at = (int)path[i];
      }
      assert_int_equal(parents[at], -1);
    }
  }
}

static void frontier_goes_right_from_the_root(void **state)
{
  (void)state;
  for (int n = 1; n <= SIZE_TESTED; n++) {
    uint64_t frontier[KT_IBST_DEPTH_MAX];
    size_t len = kt_ibst_frontier((uint64_t)n, frontier);
    int at = appendix_root(n);
    for (size_t i = 0; i < len; i++) {
      assert_int_equal(frontier[i], at);
      at = appendix_right(at, n);
    }
    assert_int_equal(at, -1);
    assert_int_equal(frontier[len - 1], n - 1);
  }
}

/* "Using the same example of a log with 50 entries, the frontier would be entries: `31, 47, 49`." */
static void frontier_of_the_drafts_example(void **state)
{
  (void)state;
  uint64_t frontier[KT_IBST_DEPTH_MAX];
  assert_int_equal(kt_ibst_frontier(50, frontier), 3);
  assert_int_equal(frontier[0], 31);
  assert_int_equal(frontier[1], 47);
  assert_int_equal(frontier[2], 49);
}

static void largest_sizes_neither_overflow_nor_loop(void **state)
{
  (void)state;
  uint64_t nodes[KT_IBST_DEPTH_MAX];
  assert_true(kt_ibst_root(UINT64_MAX) == UINT64_MAX / 2);
  assert_int_equal(kt_ibst_frontier(UINT64_MAX, nodes), 64);
  for (unsigned i = 0; i < 64; i++) { /* 2^64 - 1 - 2^(63-i) */
    assert_true(nodes[i] == UINT64_MAX - ((uint64_t)1 << (63 - i)));
  }
  assert_int_equal(kt_ibst_path(0, UINT64_MAX, nodes), 63);
  for (unsigned i = 0; i < 63; i++) {
    assert_true(nodes[i] == ((uint64_t)1 << (63 - i)) - 1);
  }
  assert_int_equal(kt_ibst_path(UINT64_MAX - 1, UINT64_MAX, nodes), 63);
  assert_true(nodes[62] == UINT64_MAX - 2);

  /* One entry right of a root: its right child is a leaf, however far the full tree would reach. */
  uint64_t size = ((uint64_t)1 << 63) + 1;
  assert_true(kt_ibst_root(size) == size - 2);
  assert_int_equal(kt_ibst_frontier(size, nodes), 2);
  assert_true(nodes[1] == size - 1);
}

static void positions_outside_the_log_have_no_right_child(void **state)
{
  (void)state;
  uint64_t child = 7;
  assert_false(kt_ibst_right(9, 10, &child));
  assert_false(kt_ibst_right(11, 10, &child));
  assert_false(kt_ibst_right(UINT64_MAX, UINT64_MAX, &child));
  assert_false(kt_ibst_right(1, 0, &child));
  assert_int_equal(child, 7);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(children_match_the_appendix),
    cmocka_unit_test(paths_match_the_definition),
    cmocka_unit_test(frontier_goes_right_from_the_root),
    cmocka_unit_test(frontier_of_the_drafts_example),
    cmocka_unit_test(largest_sizes_neither_overflow_nor_loop),
    cmocka_unit_test(positions_outside_the_log_have_no_right_child),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
