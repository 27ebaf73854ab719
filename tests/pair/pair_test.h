/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of prover against verifier share: log shapes to go through, and checks. */
#ifndef KT_TESTS_PAIR_TEST_H
#define KT_TESTS_PAIR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "support/toy_naive.h"
#include "support/toy_user.h"

#define PAIR_LABEL "alice"

/* How many versions of the label the entries add, one digit per entry, repeated to the log's size. */
static const char *const pair_patterns[] = {
  "0",         /* none at all */
  "1",         /* one in each */
  "01",        /* gaps */
  "00000100",  /* rare */
  "0003",      /* several at once */
  "012000405", /* mixed */
  "8",         /* many */
};

/* Windows over entries 10 ms apart: all distinguished; some; few; none. */
static const uint64_t pair_windows[] = { 0, 25, 60, 1000000 };

#define PAIR_STEP_MS 10
#define PAIR_START_MS 1000
#define PAIR_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A log of `size` entries. */
static inline void pair_log(struct toy_log *log, uint64_t size, const char *pattern, uint64_t window, uint64_t lifetime)
{
  /* Position 0 counts from timestamp 0, so a window beyond PAIR_START_MS makes the root undistinguished. */
  const struct toy_params params = { .window = window, .lifetime = lifetime, .max_ahead = 100, .max_behind = 1000 };
  uint32_t total = 0;
  toy_log_init(log, &params);
  for (uint64_t pos = 0; pos < size; pos++) {
    struct toy_add add = { .label = PAIR_LABEL, .count = (uint32_t)(pattern[pos % strlen(pattern)] - '0') };
    add.count = total + add.count > TOY_KEYS - 2 ? 0 : add.count; /* versions stay below 30 */
    total += add.count;
    toy_log_append(log, PAIR_START_MS + pos * PAIR_STEP_MS, &add, 1);
  }
}

/* The retained tree is what the draft says it is. */
static inline void pair_check_state(const struct toy_user *user, uint64_t size)
{
  struct kt_tree_state state;
  struct kt_hash root;
  toy_naive_state(user->log, size, &state);
  const struct kt_tree_state *got = &user->state.tree;
  assert_int_equal(got->size, size);
  assert_int_equal(got->n_heads, state.n_heads);
  assert_memory_equal(got->heads, state.heads, state.n_heads * sizeof state.heads[0]);
  assert_int_equal(got->n_frontier, state.n_frontier);
  for (size_t i = 0; i < state.n_frontier; i++) {
    assert_int_equal(got->frontier[i].pos, state.frontier[i].pos);
    assert_int_equal(got->frontier[i].timestamp_ms, state.frontier[i].timestamp_ms);
    assert_memory_equal(&got->frontier[i].prefix_root, &state.frontier[i].prefix_root, KT_HASH_LEN);
  }
  toy_naive_root(user->log, size, &root);
  assert_memory_equal(&user->state.root, &root, KT_HASH_LEN);
}

#endif
