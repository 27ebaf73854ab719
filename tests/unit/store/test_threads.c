/* SPDX-License-Identifier: Apache-2.0 */
/* Readers in threads of their own while the writer commits. Run it under -fsanitize=thread as well. */
#include "store_test.h"

#include <pthread.h>
#include <stdatomic.h>

#define N_READERS 3
#define N_ENTRIES 150

struct shared {
  struct store_test test;
  atomic_uint_fast64_t size; /* what the writer has published */
  atomic_int n_failures;
  atomic_int n_reads;
};

/* Everything below the published size is readable, at any time, without waiting for the writer. */
static void *read_published(void *arg)
{
  struct shared *shared = arg;
  struct kt_store_error error;
  struct kt_store_conn *conn = NULL;
  if (kt_store_open_reader(shared->test.store, &conn, &error) != KT_OK) {
    atomic_fetch_add(&shared->n_failures, 1);
    return NULL;
  }
  uint64_t size = 0;
  uint64_t turn = 0;
  while (size < N_ENTRIES) {
    size = atomic_load(&shared->size);
    if (size == 0) {
      continue;
    }
    uint64_t pos = turn++ % 2 == 0 ? size - 1 : turn * 7 % size;
    uint64_t n = 0;
    if (!store_test_entry_is_there(conn, pos) || kt_store_count_entries(conn, &n) != KT_OK || n < size) {
      atomic_fetch_add(&shared->n_failures, 1);
    }
    struct kt_store_proof proof = { .output = store_test_hash(pos), .len = 80 };
    kt_store_queue_proof(shared->test.store, 1, (uint32_t)pos, &proof);
    atomic_fetch_add(&shared->n_reads, 1);
  }
  kt_store_close_conn(conn);
  return NULL;
}

static void run(bool is_memory)
{
  struct shared shared = { .test.is_memory = is_memory };
  struct store_test *t = &shared.test;
  store_test_make_dir(t);
  store_test_open(t, true);
  pthread_t readers[N_READERS];
  for (size_t i = 0; i < N_READERS; i++) {
    assert_int_equal(pthread_create(&readers[i], NULL, read_published, &shared), 0);
  }
  for (uint64_t pos = 0; pos < N_ENTRIES; pos++) {
    store_test_begin(t);
    store_test_put_entry(t, pos);
    store_test_ok(t, t->writer, kt_store_drain_proofs(t->writer));
    store_test_commit(t);
    atomic_store(&shared.size, pos + 1);
    store_test_ok(t, t->writer, kt_store_maintain(t->writer, true));
  }
  for (size_t i = 0; i < N_READERS; i++) {
    assert_int_equal(pthread_join(readers[i], NULL), 0);
  }
  assert_int_equal(atomic_load(&shared.n_failures), 0);
  assert_true(atomic_load(&shared.n_reads) >= N_READERS);
  store_test_ok(t, t->reader, kt_store_verify(t->reader));
  store_test_close(t);
  store_test_remove_dir(t);
}

static void test_sqlite(void **state)
{
  (void)state;
  run(false);
}

static void test_memory(void **state)
{
  (void)state;
  run(true);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sqlite),
    cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
