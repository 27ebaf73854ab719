/* SPDX-License-Identifier: Apache-2.0 */
/* Many VRF proofs at once, which are stored two by two: whatever their order, what is there in the end is each of them,
 * and what was there before. */
#include "store_test.h"

#define N_KEYS UINT64_C(509) /* a prime: steps of any length go through all of them. Labels 1 … 51, versions 0 … 9 */
#define MISSING 7            /* every so manyth is not put: some pairs are whole, some not, some not there at all */

static struct kt_store_proof make_proof(uint64_t seed, size_t len)
{
  struct kt_store_proof proof = { .has_output = seed % 3 == 0, .len = len };
  store_test_fill(seed, proof.proof, len);
  if (proof.has_output) {
    proof.output = store_test_hash(seed);
  }
  return proof;
}

static struct kt_store_new_proof make_new(uint64_t key)
{
  return (struct kt_store_new_proof){ .label_id = 1 + key / 10,
                                      .version = (uint32_t)(key % 10),
                                      .proof = make_proof(key, 80) };
}

/* Both of a pair before; one of a pair before. */
static void put_before(struct store_test *t)
{
  static const uint64_t keys[] = { 20, 21, 30 };
  store_test_begin(t);
  for (size_t i = 0; i < 3; i++) {
    struct kt_store_proof proof = make_proof(1000 + keys[i], KT_STORE_PROOF_MAX);
    store_test_ok(t, t->writer, store_test_put_proof(t, 1 + keys[i] / 10, (uint32_t)(keys[i] % 10), &proof));
  }
  store_test_commit(t);
}

static void expect_all(struct store_test *t)
{
  store_test_reopen(t);
  for (uint64_t key = 0; key < N_KEYS; key++) {
    bool was_there = key == 20 || key == 21 || key == 30;
    struct kt_store_proof want = was_there ? make_proof(1000 + key, KT_STORE_PROOF_MAX) : make_proof(key, 80);
    struct kt_store_proof got;
    enum kt_err err = kt_store_get_proof(t->reader, 1 + key / 10, (uint32_t)(key % 10), &got);
    assert_int_equal(err, was_there || key % MISSING != 0 ? KT_OK : KT_ERR_ABSENT);
    if (err == KT_OK) {
      assert_int_equal(got.len, want.len);
      assert_memory_equal(got.proof, want.proof, want.len);
      assert_int_equal(got.has_output, want.has_output);
      if (want.has_output) {
        assert_memory_equal(got.output.b, want.output.b, KT_HASH_LEN);
      }
    }
  }
}

static void queued_in_any_order(void **state)
{
  struct store_test *t = *state;
  put_before(t);
  for (uint64_t i = 0; i < 2 * N_KEYS; i++) { /* each twice */
    const struct kt_store_new_proof new_proof = make_new(i * 200 % N_KEYS);
    if (i * 200 % N_KEYS % MISSING != 0) {
      (void)kt_store_queue_proof(t->store, new_proof.label_id, new_proof.version, &new_proof.proof);
    }
  }
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_drain_proofs(t->writer));
  store_test_commit(t);
  expect_all(t);
}

static void listed_in_any_order(void **state)
{
  static struct kt_store_new_proof list[N_KEYS];
  struct store_test *t = *state;
  size_t n = 0;
  put_before(t);
  for (uint64_t i = 0; i < N_KEYS; i++) {
    list[n] = make_new(i * 77 % N_KEYS);
    n += i * 77 % N_KEYS % MISSING != 0;
  }
  assert_int_equal(kt_store_put_proofs(t->writer, list, n), KT_ERR_USAGE); /* no transaction */
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_put_proofs(t->writer, list, 0));
  store_test_ok(t, t->writer, kt_store_put_proofs(t->writer, list, n));
  store_test_ok(t, t->writer, kt_store_put_proofs(t->writer, list, n)); /* again: nothing new */
  store_test_commit(t);
  expect_all(t);
}

static int memory_setup(void **state)
{
  *state = store_test_new(true);
  return 0;
}

static int sqlite_setup(void **state)
{
  *state = store_test_new(false);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(queued_in_any_order, memory_setup, store_test_teardown),
    cmocka_unit_test_setup_teardown(queued_in_any_order, sqlite_setup, store_test_teardown),
    cmocka_unit_test_setup_teardown(listed_in_any_order, memory_setup, store_test_teardown),
    cmocka_unit_test_setup_teardown(listed_in_any_order, sqlite_setup, store_test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
