/* SPDX-License-Identifier: Apache-2.0 */
/* What a signer checks: every extension of a log of up to 40 entries leads to the root of a tree hashed from the leaves
 * (draft: Log Tree), and nothing else is an extension. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crypto/hash.h"
#include "log/extension.h"
#include "tree/log_tree.h"
#include "wire/leaf.h"

#define N 40

/* The log: timestamps with repetitions, roots all different. */
static struct kt_log_added entries[N];
static struct kt_hash leaves[N];

static int make_entries(void **state)
{
  (void)state;
  for (size_t i = 0; i < N; i++) {
    entries[i].timestamp_ms = 1000 + i / 2;
    memset(entries[i].prefix_root.b, (int)i + 1, KT_HASH_LEN);
    kt_log_entry_hash(entries[i].timestamp_ms, &entries[i].prefix_root, &leaves[i]);
  }
  return 0;
}

/* The tree over leaves [start, end), by its definition: the left half is the greatest power of two below the size. */
static struct kt_hash naive(size_t start, size_t end)
{
  struct kt_hash root;
  size_t half = 1;
  if (end - start == 1) {
    return leaves[start];
  }
  while (2 * half < end - start) {
    half *= 2;
  }
  struct kt_hash left = naive(start, start + half);
  struct kt_hash right = naive(start + half, end);
  kt_log_parent_hash(&left, half == 1, &right, end - start - half == 1, &root);
  return root;
}

static void heads_at(size_t size, struct kt_hash *ret_heads)
{
  size_t n = 0;
  size_t start = 0;
  for (size_t len = 64; len > 0; len /= 2) {
    if ((size & len) != 0) {
      ret_heads[n++] = naive(start, start + len);
      start += len;
    }
  }
}

static struct kt_log_guard guard_at(size_t size)
{
  struct kt_log_guard guard = { .size = size };
  if (size > 0) {
    guard.timestamp_ms = entries[size - 1].timestamp_ms;
    guard.root = naive(0, size);
  }
  return guard;
}

static struct kt_log_extension extension(size_t from, size_t to, const struct kt_hash *heads)
{
  return (struct kt_log_extension){ .size = from,
                                    .timestamp_ms = from > 0 ? entries[from - 1].timestamp_ms : 0,
                                    .heads = heads,
                                    .added = entries + from,
                                    .n_added = to - from };
}

static void every_extension_leads_to_the_tree_of_all_leaves(void **state)
{
  (void)state;
  for (size_t from = 0; from < N; from++) {
    struct kt_hash heads[KT_LOG_SUBTREES_MAX];
    const struct kt_log_guard old = guard_at(from);
    heads_at(from, heads);
    for (size_t to = from > 0 ? from : 1; to <= N; to++) {
      const struct kt_log_extension e = extension(from, to, heads);
      const struct kt_log_guard expected = guard_at(to);
      struct kt_log_guard guard;
      assert_int_equal(kt_log_extend(&old, &e, &guard), KT_OK);
      assert_int_equal(guard.size, expected.size);
      assert_int_equal(guard.timestamp_ms, expected.timestamp_ms);
      assert_true(kt_hash_equal(&guard.root, &expected.root));
    }
  }
}

/* Whatever was signed last, only an extension that begins there is one. */
static void an_extension_of_another_head_is_none(void **state)
{
  (void)state;
  for (size_t from = 0; from < N; from++) {
    struct kt_hash heads[KT_LOG_SUBTREES_MAX];
    struct kt_log_guard guard;
    heads_at(from, heads);
    for (size_t last = 0; last < N; last++) {
      const struct kt_log_guard old = guard_at(last);
      const struct kt_log_extension e = extension(from, N, heads);
      assert_int_equal(kt_log_extend(&old, &e, &guard), last == from ? KT_OK : KT_ERR_CONFLICT);
    }
  }
}

/* Entries from the beginning of time: timestamps do not tell the sizes apart. */
static void the_size_counts_where_the_time_does_not(void **state)
{
  const struct kt_log_guard nothing = { 0 };
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_log_guard guard;
  (void)state;
  heads_at(5, heads);
  struct kt_log_extension e = extension(5, 6, heads);
  e.timestamp_ms = 0;
  assert_int_equal(kt_log_extend(&nothing, &e, &guard), KT_ERR_CONFLICT);
}

static void a_rewritten_history_is_no_extension(void **state)
{
  const size_t from = 23;
  const struct kt_log_guard old = guard_at(from);
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_log_guard guard;
  (void)state;
  for (size_t i = 0; i < (size_t)__builtin_popcountll(from); i++) {
    for (size_t bit = 0; bit < 8 * KT_HASH_LEN; bit++) {
      heads_at(from, heads);
      heads[i].b[bit / 8] ^= (uint8_t)(1U << bit % 8);
      const struct kt_log_extension e = extension(from, N, heads);
      assert_int_equal(kt_log_extend(&old, &e, &guard), KT_ERR_CONFLICT);
    }
  }
  heads_at(from, heads);
  struct kt_log_extension e = extension(from, N, heads);
  e.timestamp_ms--;
  assert_int_equal(kt_log_extend(&old, &e, &guard), KT_ERR_CONFLICT);
}

static void time_never_goes_back(void **state)
{
  const size_t from = 10;
  const struct kt_log_guard old = guard_at(from);
  struct kt_hash heads[KT_LOG_SUBTREES_MAX];
  struct kt_log_guard guard;
  (void)state;
  heads_at(from, heads);
  for (size_t i = from; i < N; i++) {
    const struct kt_log_extension e = extension(from, N, heads);
    struct kt_log_added kept = entries[i];
    entries[i].timestamp_ms = i > 0 ? entries[i - 1].timestamp_ms - 1 : 0;
    assert_int_equal(kt_log_extend(&old, &e, &guard), KT_ERR_CONFLICT);
    entries[i] = kept;
  }
}

static void bounds(void **state)
{
  const struct kt_log_guard nothing = { 0 };
  struct kt_log_guard huge = { .size = UINT64_MAX };
  struct kt_hash heads[KT_LOG_SUBTREES_MAX] = { 0 };
  struct kt_log_guard guard;
  (void)state;
  struct kt_log_extension e = { .heads = heads, .added = entries };
  assert_int_equal(kt_log_extend(&nothing, &e, &guard), KT_ERR_USAGE); /* an empty log has no head */
  e.n_added = KT_LOG_ADDED_MAX + 1;
  assert_int_equal(kt_log_extend(&nothing, &e, &guard), KT_ERR_USAGE);
  e.size = UINT64_MAX;
  e.n_added = 1;
  kt_log_root(huge.size, heads, &huge.root);
  assert_int_equal(kt_log_extend(&huge, &e, &guard), KT_ERR_USAGE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_extension_leads_to_the_tree_of_all_leaves),
    cmocka_unit_test(an_extension_of_another_head_is_none),
    cmocka_unit_test(the_size_counts_where_the_time_does_not),
    cmocka_unit_test(a_rewritten_history_is_no_extension),
    cmocka_unit_test(time_never_goes_back),
    cmocka_unit_test(bounds),
  };
  return cmocka_run_group_tests(tests, make_entries, NULL);
}
