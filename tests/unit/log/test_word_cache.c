/* SPDX-License-Identifier: Apache-2.0 */
/* The lock-free cache: bounded, never wrong, keeps what is used; also while threads change it (run it under
 * -fsanitize=thread as well). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "log/word_cache.h"

#define N_WORDS 28
#define MAX_BYTES (256 << 10)
#define N_THREADS 4

/* Every word of a value follows from its key, so a value torn between two keys shows. */
static void make_words(uint64_t key, uint64_t ret_words[static N_WORDS])
{
  for (size_t i = 0; i < N_WORDS; i++) {
    ret_words[i] = key * UINT64_C(0x9e3779b97f4a7c15) + i;
  }
}

/* 0: absent; 1: found; -1: found, and not what was put. */
static int look(const struct kt_word_cache *cache, uint64_t key)
{
  uint64_t want[N_WORDS];
  uint64_t got[N_WORDS];
  if (!kt_word_cache_get(cache, key, got)) {
    return 0;
  }
  make_words(key, want);
  for (size_t i = 0; i < N_WORDS; i++) {
    if (got[i] != want[i]) {
      return -1;
    }
  }
  return 1;
}

static void put(const struct kt_word_cache *cache, uint64_t key)
{
  uint64_t words[N_WORDS];
  make_words(key, words);
  kt_word_cache_put(cache, key, words);
}

static void is_bounded_and_correct(void **state)
{
  (void)state;
  struct kt_word_cache cache;
  assert_int_equal(kt_word_cache_init(&cache, N_WORDS, MAX_BYTES), KT_OK);
  const uint64_t n = 100000; /* 22 MB of values */
  for (uint64_t key = 1; key <= n; key++) {
    put(&cache, key << 13);
    assert_int_equal(look(&cache, key << 13), 1);
  }
  size_t n_cached = 0;
  for (uint64_t key = 1; key <= n; key++) {
    int found = look(&cache, key << 13);
    assert_true(found >= 0);
    n_cached += (size_t)found;
  }
  assert_true(n_cached * N_WORDS * sizeof(uint64_t) <= MAX_BYTES);
  assert_true(n_cached * N_WORDS * sizeof(uint64_t) > MAX_BYTES / 2); /* and it is not wasted */
  kt_word_cache_release(&cache);
}

/* Values that are used again and again survive a flood of values that are not. */
static void keeps_what_is_used(void **state)
{
  (void)state;
  struct kt_word_cache cache;
  assert_int_equal(kt_word_cache_init(&cache, N_WORDS, MAX_BYTES), KT_OK);
  size_t n_hits = 0;
  for (uint64_t round = 0; round < 500; round++) {
    for (uint64_t i = 1; i <= 100; i++) {
      if (look(&cache, i) == 1) {
        n_hits++;
      } else {
        put(&cache, i);
      }
      put(&cache, (round + 2) << 20 | i);
    }
  }
  assert_true(n_hits > 500 * 100 * 9 / 10);
  kt_word_cache_release(&cache);
}

/* Many more values pass than there is room for, but each is dropped when the next one of its kind comes: then those
 * that stay are all there, though nobody asks for them. */
static void what_is_dropped_makes_room_for_what_is_not(void **state)
{
  (void)state;
  struct kt_word_cache cache;
  assert_int_equal(kt_word_cache_init(&cache, N_WORDS, MAX_BYTES), KT_OK);
  const uint64_t n = kt_word_cache_room(&cache) / 3; /* few sets get more than they have room for */
  size_t n_left = 0;
  for (uint64_t round = 0; round < 50; round++) {
    for (uint64_t i = 1; i <= n; i++) {
      if (round > 0) {
        kt_word_cache_drop(&cache, (round - 1) << 20 | i);
        assert_int_equal(look(&cache, (round - 1) << 20 | i), 0);
      }
      put(&cache, round << 20 | i);
    }
  }
  for (uint64_t i = 1; i <= n; i++) {
    n_left += look(&cache, (uint64_t)49 << 20 | i) == 1;
  }
  assert_true(n_left > n * 97 / 100);
  kt_word_cache_drop(&cache, 0);
  kt_word_cache_drop(&cache, UINT64_C(1) << 40); /* was never there */
  kt_word_cache_release(&cache);
}

static void none_and_too_little_memory_cache_nothing(void **state)
{
  (void)state;
  for (size_t bytes = 0; bytes <= 1024; bytes += 512) {
    struct kt_word_cache cache;
    assert_int_equal(kt_word_cache_init(&cache, N_WORDS, bytes), KT_OK);
    put(&cache, 1);
    assert_int_equal(look(&cache, 1), 0);
    kt_word_cache_release(&cache);
  }
}

/* A part comes to where it is in the whole value, and nothing else is written. Asking ahead changes nothing. */
static void a_part_of_a_value(void **state)
{
  (void)state;
  struct kt_word_cache cache;
  struct kt_word_cache none;
  uint64_t want[N_WORDS];
  assert_int_equal(kt_word_cache_init(&cache, N_WORDS, MAX_BYTES), KT_OK);
  assert_int_equal(kt_word_cache_init(&none, N_WORDS, 0), KT_OK);
  assert_int_equal(cache.set_words % 8, 0); /* a set begins where a line of memory does */
  for (uint64_t key = 0; key <= 20; key++) {
    put(&cache, key);
    make_words(key, want);
    for (size_t first = 0; first < N_WORDS; first++) {
      for (size_t n = 1; first + n <= N_WORDS; n++) {
        uint64_t got[N_WORDS] = { 0 };
        kt_word_cache_prefetch_set(&cache, key);
        kt_word_cache_prefetch_part(&cache, key, first, n);
        kt_word_cache_prefetch_set(&none, key);
        kt_word_cache_prefetch_part(&none, key, first, n);
        kt_word_cache_prefetch_part(&cache, key + 1000, first, n);
        assert_false(kt_word_cache_get_part(&none, key, first, n, got));
        assert_false(kt_word_cache_get_part(&cache, key + 1000, first, n, got));
        assert_int_equal(kt_word_cache_get_part(&cache, key, first, n, got), key != 0);
        for (size_t i = 0; key != 0 && i < N_WORDS; i++) {
          assert_true(got[i] == (i >= first && i < first + n ? want[i] : 0));
        }
      }
    }
  }
  kt_word_cache_release(&cache);
  kt_word_cache_release(&none);
}

static void key_zero_is_never_cached(void **state)
{
  (void)state;
  struct kt_word_cache cache;
  assert_int_equal(kt_word_cache_init(&cache, N_WORDS, MAX_BYTES), KT_OK);
  assert_int_equal(look(&cache, 0), 0);
  put(&cache, 0);
  assert_int_equal(look(&cache, 0), 0);
  kt_word_cache_release(&cache);
}

struct shared {
  struct kt_word_cache cache;
  atomic_int n_wrong;
  atomic_int n_hits;
};

static void *hammer(void *arg)
{
  struct shared *shared = arg;
  int n_hits = 0;
  for (uint64_t i = 0; i < 40000; i++) {
    uint64_t key = 1 + (i % 3 == 0 ? i * 7 % 61 : i % 4); /* some that are there when they are asked for again */
    int found = look(&shared->cache, key);
    if (found < 0) {
      atomic_fetch_add(&shared->n_wrong, 1);
    } else if (found == 0) {
      put(&shared->cache, key);
    } else if (i % 16 == 0) {
      kt_word_cache_drop(&shared->cache, key);
    }
    n_hits += found > 0;
  }
  atomic_fetch_add(&shared->n_hits, n_hits);
  return NULL;
}

/* Two sets for 61 keys: all threads replace the same few ways all the time. */
static void threads_never_see_a_torn_value(void **state)
{
  (void)state;
  struct shared shared = { .n_wrong = 0 };
  pthread_t threads[N_THREADS];
  assert_int_equal(kt_word_cache_init(&shared.cache, N_WORDS, 2 * 1632 + 64), KT_OK);
  assert_int_equal(shared.cache.n_sets, 2);
  for (size_t i = 0; i < N_THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, hammer, &shared), 0);
  }
  for (size_t i = 0; i < N_THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  assert_int_equal(atomic_load(&shared.n_wrong), 0);
  assert_true(atomic_load(&shared.n_hits) > 0);
  kt_word_cache_release(&shared.cache);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(is_bounded_and_correct),
    cmocka_unit_test(keeps_what_is_used),
    cmocka_unit_test(what_is_dropped_makes_room_for_what_is_not),
    cmocka_unit_test(none_and_too_little_memory_cache_nothing),
    cmocka_unit_test(a_part_of_a_value),
    cmocka_unit_test(key_zero_is_never_cached),
    cmocka_unit_test(threads_never_see_a_torn_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
