/* SPDX-License-Identifier: Apache-2.0 */
/* Binary ladders against the draft's appendix, exhaustive for small versions and around every power of two. */
#include "tree/ladder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define EXHAUSTIVE 70
#define MODEL_MAX 100

/* --- the appendix, transliterated -------------------------------------------------------------------------------- */

static size_t appendix_base(int64_t n, int64_t *out)
{
  const int64_t limit = (int64_t)1 << 32;
  size_t len = 0;
  for (;;) {
    int64_t value = ((int64_t)1 << len) - 1;
    out[len++] = value;
    if (value > n) {
      break;
    }
  }
  int64_t lower = out[len - 2];
  int64_t upper = out[len - 1];
  while (lower + 1 < upper) {
    int64_t value = (lower + upper) / 2;
    out[len++] = value;
    if (value <= n && value < limit) {
      lower = value;
    } else {
      upper = value;
    }
  }
  size_t kept = 0;
  for (size_t i = 0; i < len; i++) {
    if (out[i] < limit) {
      out[kept++] = out[i];
    }
  }
  return kept;
}

static bool in_set(int64_t v, const uint32_t *set, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    if (set[i] == v) {
      return true;
    }
  }
  return false;
}

static size_t appendix_search(int64_t t, int64_t n, const uint32_t *left, size_t n_left, const uint32_t *right,
                              size_t n_right, int64_t *out)
{
  int64_t base[MODEL_MAX];
  size_t len = appendix_base(n, base);
  size_t kept = 0;
  for (size_t i = 0; i < len; i++) {
    int64_t v = base[i];
    if (!in_set(v, left, n_left) && !in_set(v, right, n_right)) {
      out[kept++] = v;
    }
    if ((v <= n && v > t) || (v > n && v <= t)) {
      break;
    }
  }
  return kept;
}

static void assert_same(const uint32_t *got, size_t n_got, const int64_t *want, size_t n_want)
{
  assert_int_equal(n_got, n_want);
  for (size_t i = 0; i < n_got; i++) {
    assert_true(got[i] == want[i]);
  }
}

/* --- versions worth testing: all small ones, and the neighbourhood of powers of two up to 2^32 - 1 ------------- */

static size_t interesting_versions(uint32_t *versions)
{
  size_t n = 0;
  for (uint32_t v = 0; v <= EXHAUSTIVE; v++) {
    versions[n++] = v;
  }
  for (unsigned k = 7; k <= 32; k++) {
    for (int64_t d = -3; d <= 3; d++) {
      int64_t v = ((int64_t)1 << k) + d;
      if (v <= UINT32_MAX) {
        versions[n++] = (uint32_t)v;
      }
    }
  }
  return n;
}

static void base_and_monitoring_match_the_appendix(void **state)
{
  (void)state;
  uint32_t versions[400];
  size_t n_versions = interesting_versions(versions);
  for (size_t i = 0; i < n_versions; i++) {
    uint32_t got[KT_LADDER_MAX];
    int64_t want[MODEL_MAX];
    size_t n_want = appendix_base(versions[i], want);
    assert_same(got, kt_ladder_base(versions[i], got), want, n_want);

    size_t kept = 0;
    for (size_t k = 0; k < n_want; k++) {
      assert_true(kt_ladder_contains(versions[i], (uint32_t)want[k]));
      if (want[k] <= versions[i]) {
        want[kept++] = want[k];
      }
    }
    assert_same(got, kt_ladder_monitoring(versions[i], got), want, kept);
  }
}

static void contains_only_what_is_in_the_ladder(void **state)
{
  (void)state;
  for (uint32_t greatest = 0; greatest <= EXHAUSTIVE; greatest++) {
    int64_t want[MODEL_MAX];
    size_t n_want = appendix_base(greatest, want);
    for (uint32_t v = 0; v <= 2 * EXHAUSTIVE; v++) {
      bool is_in = false;
      for (size_t k = 0; k < n_want; k++) {
        is_in = is_in || want[k] == v;
      }
      assert_int_equal(kt_ladder_contains(greatest, v), is_in);
    }
  }
}

/* A search ladder is a prefix of the target's own ladder, although the appendix walks the greatest version's. */
static void search_matches_the_appendix(void **state)
{
  (void)state;
  uint32_t versions[400];
  size_t n_versions = interesting_versions(versions);
  for (size_t t = 0; t < n_versions; t++) {
    for (size_t n = 0; n < n_versions; n++) {
      uint32_t got[KT_LADDER_MAX];
      int64_t want[MODEL_MAX];
      size_t n_want = appendix_search(versions[t], versions[n], NULL, 0, NULL, 0, want);
      assert_same(got, kt_ladder_search(versions[t], versions[n], NULL, 0, NULL, 0, got), want, n_want);
    }
  }
}

/* R19: omitted lookups are those shown by an entry to the left (inclusion) or to the right (non-inclusion). */
static void r19_search_omits_what_was_shown_left_and_right(void **state)
{
  (void)state;
  for (uint32_t t = 0; t <= 40; t++) {
    for (uint32_t n = 0; n <= 40; n++) {
      for (uint32_t greatest_left = 0; greatest_left <= n; greatest_left += 3) {
        uint32_t left[KT_LADDER_MAX];
        uint32_t right[KT_LADDER_MAX];
        size_t n_left = kt_ladder_monitoring(greatest_left, left);
        size_t n_right = 0;
        int64_t ladder[MODEL_MAX];
        size_t n_ladder = appendix_base(n + greatest_left, ladder);
        for (size_t i = 0; i < n_ladder; i++) {
          if (ladder[i] > n + greatest_left) {
            right[n_right++] = (uint32_t)ladder[i];
          }
        }
        uint32_t got[KT_LADDER_MAX];
        int64_t want[MODEL_MAX];
        size_t n_want = appendix_search(t, n, left, n_left, right, n_right, want);
        assert_same(got, kt_ladder_search(t, n, left, n_left, right, n_right, got), want, n_want);
      }
    }
  }
}

/* "if the greatest version of a label that existed in a particular log entry was version 6 [...] 0, 1, 3, [...] 7, then
 * [...] 5 and 6" */
static void base_of_the_drafts_example(void **state)
{
  (void)state;
  static const uint32_t want[] = { 0, 1, 3, 7, 5, 6 };
  uint32_t got[KT_LADDER_MAX];
  assert_int_equal(kt_ladder_base(6, got), 6);
  assert_memory_equal(got, want, sizeof want);
}

static void no_ladder_is_longer_than_the_maximum(void **state)
{
  (void)state;
  uint32_t got[KT_LADDER_MAX];
  assert_int_equal(kt_ladder_base(UINT32_MAX, got), 33);
  assert_true(got[32] == UINT32_MAX);
  assert_int_equal(kt_ladder_base(UINT32_MAX - 1, got), 64);
  assert_true(got[63] == UINT32_MAX - 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(base_and_monitoring_match_the_appendix),
    cmocka_unit_test(contains_only_what_is_in_the_ladder),
    cmocka_unit_test(search_matches_the_appendix),
    cmocka_unit_test(r19_search_omits_what_was_shown_left_and_right),
    cmocka_unit_test(base_of_the_drafts_example),
    cmocka_unit_test(no_ladder_is_longer_than_the_maximum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
