/* SPDX-License-Identifier: Apache-2.0 */
#include "store_test.h"

#include "store/node_cache.h"

#define RECORD_LEN 80
#define MAX_BYTES (256 << 10)

static void make_record(uint64_t ref, uint8_t ret_record[static RECORD_LEN])
{
  store_test_fill(ref, ret_record, RECORD_LEN);
}

/* Whether ref is cached; if so its content must be right. */
static bool is_cached(struct kt_node_cache *cache, uint64_t ref)
{
  uint8_t want[RECORD_LEN];
  uint8_t got[RECORD_LEN];
  if (!kt_node_cache_get(cache, ref, got)) {
    return false;
  }
  make_record(ref, want);
  assert_memory_equal(got, want, RECORD_LEN);
  return true;
}

static void put(struct kt_node_cache *cache, uint64_t ref)
{
  uint8_t record[RECORD_LEN];
  make_record(ref, record);
  kt_node_cache_put(cache, ref, record);
}

static void test_bounded_and_correct(void **state)
{
  (void)state;
  struct kt_node_cache cache;
  assert_int_equal(kt_node_cache_init(&cache, RECORD_LEN, MAX_BYTES), KT_OK);
  const uint64_t base = kt_store_node_ref(0, 0);
  const uint64_t n = 100000; /* 8 MB of records */
  for (uint64_t i = 0; i < n; i++) {
    put(&cache, base + i);
    assert_true(is_cached(&cache, base + i));
  }
  size_t n_cached = 0;
  for (uint64_t i = 0; i < n; i++) {
    n_cached += is_cached(&cache, base + i);
  }
  assert_true(n_cached * RECORD_LEN <= MAX_BYTES);
  assert_true(n_cached * RECORD_LEN > MAX_BYTES / 2); /* and it is not wasted */
  kt_node_cache_release(&cache);
}

/* Records that are used again and again survive a flood of records that are not. */
static void test_keeps_what_is_used(void **state)
{
  (void)state;
  struct kt_node_cache cache;
  assert_int_equal(kt_node_cache_init(&cache, RECORD_LEN, MAX_BYTES), KT_OK);
  const uint64_t hot = kt_store_node_ref(1, 0);
  size_t n_hits = 0;
  for (uint64_t round = 0; round < 500; round++) {
    for (uint64_t i = 0; i < 100; i++) {
      if (is_cached(&cache, hot + i)) {
        n_hits++;
      } else {
        put(&cache, hot + i);
      }
      put(&cache, kt_store_node_ref(2 + round, i));
    }
  }
  assert_true(n_hits > 500 * 100 * 9 / 10);
  kt_node_cache_release(&cache);
}

static void test_no_cache(void **state)
{
  (void)state;
  struct kt_node_cache cache;
  assert_int_equal(kt_node_cache_init(&cache, RECORD_LEN, 0), KT_OK);
  put(&cache, kt_store_node_ref(0, 0));
  assert_false(is_cached(&cache, kt_store_node_ref(0, 0)));
  kt_node_cache_release(&cache);
}

static void test_reference_zero_is_never_cached(void **state)
{
  (void)state;
  struct kt_node_cache cache;
  assert_int_equal(kt_node_cache_init(&cache, RECORD_LEN, MAX_BYTES), KT_OK);
  assert_false(is_cached(&cache, 0));
  put(&cache, 0);
  assert_false(is_cached(&cache, 0));
  kt_node_cache_release(&cache);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bounded_and_correct),
    cmocka_unit_test(test_keeps_what_is_used),
    cmocka_unit_test(test_no_cache),
    cmocka_unit_test(test_reference_zero_is_never_cached),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
