/* SPDX-License-Identifier: Apache-2.0 */
/* A5: the memory of unpublished leaves against a list that forgets nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "audit_recent.h"

static struct kt_hash key(uint64_t number)
{
  struct kt_hash hash = { { 0 } };
  memcpy(hash.b, &number, sizeof number);
  return hash;
}

static void add(struct kt_audit_recent *recent, uint64_t number, size_t n, uint64_t pos, const uint64_t *published)
{
  static struct kt_prefix_leaf leaves[65535];
  for (size_t i = 0; i < n; i++) {
    leaves[i].vrf_output = key(number + i);
  }
  const struct kt_auditor_update update = { .added = leaves, .n_added = n };
  assert_int_equal(kt_audit_recent_add(recent, &update, pos, published), KT_OK);
}

/* Entry i adds leaf i; entries up to i - 10 are published. */
static void a5_unpublished_leaves_are_remembered(void **state)
{
  struct kt_audit_recent recent;
  (void)state;
  kt_audit_recent_init(&recent, 0);
  const struct kt_audit_history history = kt_audit_recent_history(&recent);
  for (uint64_t i = 0; i < 300; i++) {
    uint64_t published = i - 10;
    add(&recent, i, 1, i, i >= 10 ? &published : NULL);
    for (uint64_t k = i >= 10 ? published + 1 : 0; k <= i; k++) {
      struct kt_hash hash = key(k);
      uint64_t pos = 0;
      assert_true(history.added_at(history.ctx, &hash, &pos));
      assert_int_equal(pos, k);
    }
    assert_true(kt_audit_recent_reaches(&recent, 0, i >= 10 ? &published : NULL));
    assert_true(recent.n < 64); /* published ones are given up */
  }
  struct kt_hash unknown = key(1000);
  uint64_t pos;
  assert_false(history.added_at(history.ctx, &unknown, &pos));
  kt_audit_recent_release(&recent);
}

/* The newest addition of a replaced leaf. */
static void a5_a_replaced_leaf_counts_from_its_replacement(void **state)
{
  struct kt_audit_recent recent;
  struct kt_hash hash = key(5);
  uint64_t pos = 0;
  (void)state;
  kt_audit_recent_init(&recent, 0);
  const struct kt_audit_history history = kt_audit_recent_history(&recent);
  add(&recent, 5, 1, 3, NULL);
  add(&recent, 5, 1, 8, NULL);
  assert_true(history.added_at(history.ctx, &hash, &pos));
  assert_int_equal(pos, 8);
  kt_audit_recent_release(&recent);
}

/* Resumed at 50 of an audit from 20: what was added between is not known, until it is published. */
static void a5_an_interrupted_audit_knows_what_it_does_not_know(void **state)
{
  struct kt_audit_recent recent;
  uint64_t published = 48;
  (void)state;
  kt_audit_recent_init(&recent, 50);
  assert_true(kt_audit_recent_reaches(&recent, 50, NULL)); /* a late start: all before it counts as published */
  assert_false(kt_audit_recent_reaches(&recent, 20, NULL));
  assert_false(kt_audit_recent_reaches(&recent, 20, &published));
  published = 49;
  assert_true(kt_audit_recent_reaches(&recent, 20, &published));
  kt_audit_recent_release(&recent);
}

static void a5_memory_is_bounded_and_gaps_are_known(void **state)
{
  struct kt_audit_recent recent;
  (void)state;
  kt_audit_recent_init(&recent, 0);
  for (uint64_t i = 0; i < 40; i++) {
    add(&recent, 100000 * i, 65535, i, NULL);
    assert_true(recent.n <= KT_AUDIT_RECENT_MAX);
    assert_true(recent.cap <= KT_AUDIT_RECENT_MAX);
    if (i < KT_AUDIT_RECENT_MAX / 65536) {
      assert_true(kt_audit_recent_reaches(&recent, 0, NULL));
    }
  }
  assert_false(kt_audit_recent_reaches(&recent, 0, NULL));
  /* everything from there on is still known */
  const struct kt_audit_history history = kt_audit_recent_history(&recent);
  for (uint64_t i = recent.complete_from; i < 40; i++) {
    struct kt_hash first = key(100000 * i);
    uint64_t pos = 0;
    assert_true(history.added_at(history.ctx, &first, &pos));
    assert_int_equal(pos, i);
  }
  kt_audit_recent_release(&recent);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a5_unpublished_leaves_are_remembered),
    cmocka_unit_test(a5_a_replaced_leaf_counts_from_its_replacement),
    cmocka_unit_test(a5_an_interrupted_audit_knows_what_it_does_not_know),
    cmocka_unit_test(a5_memory_is_bounded_and_gaps_are_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
