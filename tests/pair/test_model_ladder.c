/* SPDX-License-Identifier: Apache-2.0 */
/* Binary ladders against the model: versions to 300, and around every power of two to 2^32-1. Beside the targets stand
 * all greatest versions of the same set. (That a label has no version at all is part of the comparisons of whole logs.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "tree/ladder.h"

#define SMALL 300
#define AROUND 3
#define VERSIONS_MAX (SMALL + 1 + 33 * (2 * AROUND + 1))

static uint32_t versions[VERSIONS_MAX];
static size_t n_versions;

static void list_versions(void)
{
  for (uint32_t version = 0; version <= SMALL; version++) {
    versions[n_versions++] = version;
  }
  for (int64_t power = 512; power <= INT64_C(1) << 32; power *= 2) {
    for (int64_t version = power - 1 - AROUND; version <= power - 1 + AROUND && version <= UINT32_MAX; version++) {
      versions[n_versions++] = (uint32_t)version;
    }
  }
}

static void assert_same(const uint32_t *got, size_t n_got, const uint32_t *want, size_t n_want)
{
  assert_int_equal(n_got, n_want);
  assert_memory_equal(got, want, n_want * sizeof *want);
}

static bool contains(const uint32_t *list, size_t n, uint32_t version)
{
  for (size_t i = 0; i < n; i++) {
    if (list[i] == version) {
      return true;
    }
  }
  return false;
}

static void base_and_monitoring_ladders_are_the_models(void **state)
{
  uint32_t got[KT_LADDER_MAX];
  uint32_t want[MODEL_LADDER_MAX];
  (void)state;
  for (size_t i = 0; i < n_versions; i++) {
    size_t n = model_ladder(versions[i], want);
    assert_same(got, kt_ladder_base(versions[i], got), want, n);
    for (size_t k = 0; k < n_versions; k++) {
      assert_int_equal(kt_ladder_contains(versions[i], versions[k]), contains(want, n, versions[k]));
    }
    n = model_monitoring_ladder(versions[i], want);
    assert_same(got, kt_ladder_monitoring(versions[i], got), want, n);
  }
}

/* The model follows the ladder of the version that exists, as the draft's appendix does; the library that of the
 * target. */
static void search_ladders_are_the_models(void **state)
{
  uint32_t got[KT_LADDER_MAX];
  uint32_t want[MODEL_LADDER_MAX];
  (void)state;
  for (size_t t = 0; t < n_versions; t++) {
    for (size_t g = 0; g < n_versions; g++) {
      size_t n = model_search_ladder(versions[t], versions[g], want);
      assert_same(got, kt_ladder_search(versions[t], versions[g], NULL, 0, NULL, 0, got), want, n);
    }
  }
}

/* What an entry to the left and one to the right may have shown already. */
static void omitted_lookups_are_the_models(void **state)
{
  static const uint32_t targets[] = { 0, 1, 2, 3, 6, 7, 8, 14, 21, 31, 40, UINT32_MAX - 1, UINT32_MAX };
  (void)state;
  for (size_t t = 0; t < sizeof targets / sizeof targets[0]; t++) {
    for (uint32_t left = 0; left <= 40; left++) {
      for (uint32_t here = left; here <= 40; here++) {
        for (uint32_t right = here; right <= 40; right += 3) {
          uint32_t shown_left[MODEL_LADDER_MAX];
          uint32_t shown_right[MODEL_LADDER_MAX];
          uint32_t want[MODEL_LADDER_MAX];
          uint32_t got[KT_LADDER_MAX];
          size_t n_left = 0;
          size_t n_right = 0;
          size_t n = model_search_ladder(targets[t], left, want);
          for (size_t i = 0; i < n; i++) {
            if (want[i] <= left) {
              shown_left[n_left++] = want[i];
            }
          }
          n = model_search_ladder(targets[t], right, want);
          for (size_t i = 0; i < n; i++) {
            if (want[i] > right) {
              shown_right[n_right++] = want[i];
            }
          }
          n = model_search_ladder(targets[t], here, want);
          size_t kept = 0;
          for (size_t i = 0; i < n; i++) {
            if (!contains(shown_left, n_left, want[i]) && !contains(shown_right, n_right, want[i])) {
              want[kept++] = want[i];
            }
          }
          assert_same(got, kt_ladder_search(targets[t], here, shown_left, n_left, shown_right, n_right, got), want,
                      kept);
        }
      }
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(base_and_monitoring_ladders_are_the_models),
    cmocka_unit_test(search_ladders_are_the_models),
    cmocka_unit_test(omitted_lookups_are_the_models),
  };
  list_versions();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
