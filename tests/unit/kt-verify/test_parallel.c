/* SPDX-License-Identifier: Apache-2.0 */
/* Every item once, whatever the number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "parallel.h"

#define N_MAX 1000

struct counts {
  atomic_uint of[N_MAX];
  atomic_uint total;
};

static void count(void *ctx, size_t i)
{
  struct counts *counts = ctx;
  atomic_fetch_add(&counts->of[i], 1);
  atomic_fetch_add(&counts->total, 1);
}

static void every_item_once(void **state)
{
  static const unsigned threads[] = { 0, 1, 2, 7, KT_THREADS_MAX, KT_THREADS_MAX + 5 };
  static const size_t sizes[] = { 0, 1, 2, 63, N_MAX };
  (void)state;
  for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
      static struct counts counts;
      memset(&counts, 0, sizeof counts);
      kt_parallel_for(threads[t], sizes[s], count, &counts);
      assert_int_equal(atomic_load(&counts.total), sizes[s]);
      for (size_t i = 0; i < sizes[s]; i++) {
        assert_int_equal(atomic_load(&counts.of[i]), 1);
      }
    }
  }
  assert_in_range(kt_threads_default(), 1, KT_THREADS_MAX);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_item_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
