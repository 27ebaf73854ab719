/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of records of any length: bounded, never another record than the one put last, also while threads change it
 * (run it under -fsanitize=thread as well). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "log/ring_cache.h"

#define MAX_BYTES ((size_t)64 << 10)
#define SMALLEST_BYTES ((size_t)4 * (256 + 8) * 8) /* four sets: the least that has room for the longest record */
#define N_THREADS 4
#define BIT(n) ((uint64_t)1 << (n))

static struct kt_ring_cache *cache_new(struct kt_ring_cache *cache, size_t max_bytes)
{
  assert_int_equal(kt_ring_cache_init(cache, max_bytes), KT_OK);
  return cache;
}

/* Hashes whose upper bits (the tag) and lower half (the set) both vary. */
static uint64_t hash_of(uint64_t i)
{
  uint64_t hash = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
  hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  return hash ^ hash >> 31;
}

/* The first word says which record it is, every other one follows from it: a record of two pieces shows. */
static void make_words(uint64_t what, size_t n, uint64_t *ret_words)
{
  for (size_t i = 0; i < n; i++) {
    ret_words[i] = i == 0 ? what : what * UINT64_C(0xd1342543de82ef95) + i * n;
  }
}

static void put(struct kt_ring_cache *cache, uint64_t hash, uint64_t what, size_t n)
{
  uint64_t words[KT_RING_RECORD_MAX + 1];
  make_words(what, n, words);
  kt_ring_cache_put(cache, kt_ring_cache_generation(cache), hash, words, n);
}

/* Which record there is, 0 for none, UINT64_MAX for one that nobody put. */
static uint64_t look(const struct kt_ring_cache *cache, uint64_t hash)
{
  uint64_t want[KT_RING_RECORD_MAX];
  struct kt_arena arena;
  size_t n = 0;
  uint64_t what = 0;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  const uint64_t *words = kt_ring_cache_get(cache, hash, &arena, &n);
  if (words != NULL) {
    what = n > 0 && n <= KT_RING_RECORD_MAX ? words[0] : UINT64_MAX;
    make_words(what, what == UINT64_MAX ? 0 : n, want);
    for (size_t i = 0; what != UINT64_MAX && i < n; i++) {
      what = words[i] == want[i] ? what : UINT64_MAX;
    }
  }
  kt_arena_release(&arena);
  return what;
}

static void what_is_put_is_got(void **state)
{
  static const size_t lengths[] = { 1, 2, 3, 60, 255, 256, 257, KT_RING_RECORD_MAX };
  struct kt_ring_cache cache;
  (void)state;
  cache_new(&cache, MAX_BYTES);
  assert_int_equal(look(&cache, hash_of(1)), 0);
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    put(&cache, hash_of(i), i + 1, lengths[i]);
    for (size_t before = 0; before <= i; before++) {
      assert_int_equal(look(&cache, hash_of(before)), before + 1);
    }
  }
  kt_ring_cache_release(&cache);
}

static void an_empty_record_is_a_record(void **state)
{
  struct kt_ring_cache cache;
  struct kt_arena arena;
  size_t n = 7;
  (void)state;
  cache_new(&cache, MAX_BYTES);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_ring_cache_put(&cache, 0, hash_of(1), NULL, 0);
  assert_non_null(kt_ring_cache_get(&cache, hash_of(1), &arena, &n));
  assert_int_equal(n, 0);
  kt_arena_release(&arena);
  kt_ring_cache_release(&cache);
}

static void the_same_hash_replaces(void **state)
{
  struct kt_ring_cache cache;
  (void)state;
  cache_new(&cache, MAX_BYTES);
  for (uint64_t what = 1; what <= 1000; what++) {
    put(&cache, hash_of(5), what, 1 + what % 100);
    assert_int_equal(look(&cache, hash_of(5)), what);
  }
  kt_ring_cache_release(&cache);
}

/* Of two hashes that differ only where neither the tag nor the set shows it, the later one has the slot. */
static void a_like_hash_is_not_taken_for_it(void **state)
{
  struct kt_ring_cache cache;
  const uint64_t hash = hash_of(9);
  const uint64_t like = hash ^ BIT(40);
  (void)state;
  cache_new(&cache, MAX_BYTES);
  put(&cache, hash, 1, 10);
  assert_int_equal(look(&cache, like), 0);
  put(&cache, like, 2, 10);
  assert_int_equal(look(&cache, like), 2);
  assert_int_equal(look(&cache, hash), 0);
  kt_ring_cache_release(&cache);
}

/* A ninth record in a set of eight takes the place of the oldest. */
static void a_full_set_loses_its_oldest(void **state)
{
  struct kt_ring_cache cache;
  (void)state;
  cache_new(&cache, MAX_BYTES);
  for (uint64_t i = 0; i < 9; i++) {
    put(&cache, i << 48, i + 1, 10);
  }
  assert_int_equal(look(&cache, 0), 0);
  for (uint64_t i = 1; i < 9; i++) {
    assert_int_equal(look(&cache, i << 48), i + 1);
  }
  kt_ring_cache_release(&cache);
}

/* Going round: the newest records that fit are there, no older one is, and none lies across the end. */
static void the_newest_stay(void **state)
{
  static const size_t lengths[] = { 1, 7, 100, 254, 511, 700, KT_RING_RECORD_MAX };
  (void)state;
  for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
    struct kt_ring_cache cache;
    const size_t n = lengths[k];
    cache_new(&cache, SMALLEST_BYTES);
    assert_int_equal(cache.n_words, 1024);
    const uint64_t fit = cache.n_words / (n + 2);
    for (uint64_t i = 0; i < 3 * fit + 5; i++) {
      put(&cache, hash_of(i), i + 1, n);
      assert_int_equal(look(&cache, hash_of(i)), i + 1);
      assert_true(i < fit || look(&cache, hash_of(i - fit)) == 0);
      assert_true(cache.end % cache.n_words == 0 || cache.end % cache.n_words >= n + 2);
    }
    kt_ring_cache_release(&cache);
  }
}

/* Long and short ones in turn: whatever is found is the one that was put. */
static void all_lengths_go_round(void **state)
{
  struct kt_ring_cache cache;
  size_t n_found = 0;
  (void)state;
  cache_new(&cache, MAX_BYTES);
  for (uint64_t i = 0; i < 5000; i++) {
    put(&cache, hash_of(i), i + 1, 1 + i * 37 % KT_RING_RECORD_MAX);
    for (uint64_t back = 1; back <= 20 && back <= i; back++) {
      uint64_t found = look(&cache, hash_of(i - back));
      assert_true(found == 0 || found == i - back + 1);
      n_found += found != 0;
    }
  }
  assert_true(n_found > (size_t)5000 * 20 / 2); /* of about 16 that fit, few lose their place in a set */
  kt_ring_cache_release(&cache);
}

static void too_long_records_are_not_kept(void **state)
{
  struct kt_ring_cache cache;
  (void)state;
  cache_new(&cache, MAX_BYTES);
  put(&cache, hash_of(1), 1, KT_RING_RECORD_MAX + 1);
  assert_int_equal(look(&cache, hash_of(1)), 0);
  assert_int_equal(cache.end, 0);
  kt_ring_cache_release(&cache);
}

static void forgetting(void **state)
{
  struct kt_ring_cache cache;
  (void)state;
  cache_new(&cache, MAX_BYTES);
  for (uint64_t i = 0; i < 10; i++) {
    put(&cache, hash_of(i), i + 1, 20);
  }
  kt_ring_cache_forget(&cache, hash_of(3));
  kt_ring_cache_forget(&cache, hash_of(99)); /* never there */
  for (uint64_t i = 0; i < 10; i++) {
    assert_int_equal(look(&cache, hash_of(i)), i == 3 ? 0 : i + 1);
  }
  put(&cache, hash_of(3), 44, 20);
  assert_int_equal(look(&cache, hash_of(3)), 44);
  kt_ring_cache_forget_all(&cache);
  for (uint64_t i = 0; i < 10; i++) {
    assert_int_equal(look(&cache, hash_of(i)), 0);
  }
  put(&cache, hash_of(4), 55, 20);
  assert_int_equal(look(&cache, hash_of(4)), 55);
  kt_ring_cache_release(&cache);
}

/* Read before a change, put after it: in vain, whatever it was that was forgotten. */
static void old_generations_put_nothing(void **state)
{
  struct kt_ring_cache cache;
  const uint64_t word = 1;
  (void)state;
  cache_new(&cache, MAX_BYTES);
  uint64_t before = kt_ring_cache_generation(&cache);
  kt_ring_cache_forget(&cache, hash_of(7));
  kt_ring_cache_put(&cache, before, hash_of(1), &word, 1);
  assert_int_equal(look(&cache, hash_of(1)), 0);
  before = kt_ring_cache_generation(&cache);
  kt_ring_cache_forget_all(&cache);
  kt_ring_cache_put(&cache, before, hash_of(1), &word, 1);
  assert_int_equal(look(&cache, hash_of(1)), 0);
  kt_ring_cache_put(&cache, kt_ring_cache_generation(&cache), hash_of(1), &word, 1);
  assert_int_equal(look(&cache, hash_of(1)), 1);
  kt_ring_cache_release(&cache);
}

/* Everything but the smallest that has room for the longest record: nothing is allocated, every call is fine. */
static void none_and_too_little_memory_cache_nothing(void **state)
{
  static const size_t sizes[] = { 0, 1, 100, 4096, SMALLEST_BYTES - 1 };
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct kt_ring_cache cache;
    cache_new(&cache, sizes[i]);
    assert_int_equal(cache.n_words, 0);
    put(&cache, hash_of(1), 1, 1);
    assert_int_equal(look(&cache, hash_of(1)), 0);
    kt_ring_cache_forget(&cache, hash_of(1));
    kt_ring_cache_forget_all(&cache);
    kt_ring_cache_release(&cache);
  }
}

static void no_memory_of_the_caller_is_a_miss(void **state)
{
  struct kt_ring_cache cache;
  struct kt_arena arena;
  size_t n = 0;
  (void)state;
  cache_new(&cache, MAX_BYTES);
  put(&cache, hash_of(1), 1, 100);
  kt_arena_init(&arena, 100 * sizeof(uint64_t) - 1);
  assert_null(kt_ring_cache_get(&cache, hash_of(1), &arena, &n));
  kt_arena_release(&arena);
  assert_int_equal(look(&cache, hash_of(1)), 1);
  kt_ring_cache_release(&cache);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

#define N_HASHES 40

struct shared {
  struct kt_ring_cache cache;
  _Atomic uint64_t floor[N_HASHES]; /* older records of a hash were forgotten */
  atomic_bool is_over;
  atomic_uint n_hits;
};

static void change(struct shared *shared, uint64_t round)
{
  uint64_t which = round % N_HASHES;
  uint64_t what = 1 + which + N_HASHES * round;
  if (round % 5 == 0) {
    kt_ring_cache_forget(&shared->cache, hash_of(which));
    atomic_store(&shared->floor[which], what);
  }
  put(&shared->cache, hash_of(which), what, 1 + round * 53 % KT_RING_RECORD_MAX);
}

/* One thread changes, as the sequencer does; the ring goes round all the time. Without an end until a
 * reader found something. */
static void *write_records(void *arg)
{
  struct shared *shared = arg;
  for (uint64_t round = 1; round < 20000 || atomic_load(&shared->n_hits) == 0; round++) {
    change(shared, round);
  }
  atomic_store(&shared->is_over, true);
  return NULL;
}

static void *read_records(void *arg)
{
  struct shared *shared = arg;
  uint64_t n_wrong = 0;
  for (uint64_t i = 0; !atomic_load(&shared->is_over); i++) {
    uint64_t which = i % N_HASHES;
    uint64_t floor = atomic_load(&shared->floor[which]);
    uint64_t what = look(&shared->cache, hash_of(which));
    if (what != 0) {
      (void)atomic_fetch_add(&shared->n_hits, 1);
      n_wrong += what == UINT64_MAX || what % N_HASHES != (which + 1) % N_HASHES || what < floor;
    }
  }
  return n_wrong == 0 ? NULL : arg;
}

/* Eight records of middle length fit. What a reader gets is one whole record of the hash it asked for, none from before
 * a forgetting that was over when it asked. */
static void readers_get_whole_records(void **state)
{
  static struct shared shared;
  pthread_t writer;
  pthread_t readers[N_THREADS];
  (void)state;
  cache_new(&shared.cache, 2 * SMALLEST_BYTES);
  for (size_t i = 0; i < N_THREADS; i++) {
    assert_int_equal(pthread_create(&readers[i], NULL, read_records, &shared), 0);
  }
  assert_int_equal(pthread_create(&writer, NULL, write_records, &shared), 0);
  assert_int_equal(pthread_join(writer, NULL), 0);
  for (size_t i = 0; i < N_THREADS; i++) {
    void *wrong;
    assert_int_equal(pthread_join(readers[i], &wrong), 0);
    assert_null(wrong);
  }
  assert_true(shared.n_hits > 0);
  kt_ring_cache_release(&shared.cache);
}

/* Like reader threads of a log: each looks, and puts what it did not find. More than fits: a thread that runs alone finds what
 * it has just put, and nothing else. */
static void *look_or_put(void *arg)
{
  struct shared *shared = arg;
  uint64_t n_wrong = 0;
  unsigned n_hits = 0;
  for (uint64_t i = 0; i < 20000; i++) {
    uint64_t which = i * 7 % 13;
    uint64_t what = look(&shared->cache, hash_of(which));
    if (what == 0) {
      put(&shared->cache, hash_of(which), which + 1, 100 + i % 3);
      what = look(&shared->cache, hash_of(which));
    }
    n_wrong += what != 0 && what != which + 1;
    n_hits += what != 0;
    if (i % 500 == 0) {
      kt_ring_cache_forget_all(&shared->cache);
    }
  }
  atomic_fetch_add(&shared->n_hits, n_hits);
  return n_wrong == 0 ? NULL : arg;
}

static void all_threads_put(void **state)
{
  static struct shared shared;
  pthread_t threads[N_THREADS];
  (void)state;
  cache_new(&shared.cache, SMALLEST_BYTES);
  for (size_t i = 0; i < N_THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, look_or_put, &shared), 0);
  }
  for (size_t i = 0; i < N_THREADS; i++) {
    void *wrong;
    assert_int_equal(pthread_join(threads[i], &wrong), 0);
    assert_null(wrong);
  }
  assert_true(shared.n_hits > 0);
  kt_ring_cache_release(&shared.cache);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_put_is_got),
    cmocka_unit_test(an_empty_record_is_a_record),
    cmocka_unit_test(the_same_hash_replaces),
    cmocka_unit_test(a_like_hash_is_not_taken_for_it),
    cmocka_unit_test(a_full_set_loses_its_oldest),
    cmocka_unit_test(the_newest_stay),
    cmocka_unit_test(all_lengths_go_round),
    cmocka_unit_test(too_long_records_are_not_kept),
    cmocka_unit_test(forgetting),
    cmocka_unit_test(old_generations_put_nothing),
    cmocka_unit_test(none_and_too_little_memory_cache_nothing),
    cmocka_unit_test(no_memory_of_the_caller_is_a_miss),
    cmocka_unit_test(readers_get_whole_records),
    cmocka_unit_test(all_threads_put),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
