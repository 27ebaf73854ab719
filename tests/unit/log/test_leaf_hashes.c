/* SPDX-License-Identifier: Apache-2.0 */
/* The hashes of all leaves in memory are those of the leaves in the store. */
#include "update_test.h"

#include "log/engine.h"
#include "log/leaf_hashes.h"

#define N_ENTRIES 6
#define PLENTY ((size_t)1 << 20)

static struct world *world_with_entries(void)
{
  struct world *world = world_start();
  char label[16];
  for (size_t i = 0; world_size(world) < N_ENTRIES; i++) {
    (void)snprintf(label, sizeof label, "person %zu", i);
    person_register(world, person_new(world, label, (uint8_t)(10 + i)));
  }
  return world;
}

static enum kt_err read_next(struct world *world, struct kt_log_leaf_hashes *table)
{
  return kt_log_leaf_hashes_read(table, world->reader->conn, &world->log->cache);
}

static void every_leaf_of_the_entries_that_were_read(void **state)
{
  struct world *world = world_with_entries();
  struct kt_log_leaf_hashes table;
  struct kt_prefix_leaf leaf;
  struct kt_hash hash;
  struct kt_hash got;
  size_t n = 0;
  (void)state;
  assert_int_equal(kt_log_leaf_hashes_init(&table, N_ENTRIES, PLENTY), KT_OK);
  for (uint64_t pos = 0; pos < N_ENTRIES; pos++) {
    assert_false(kt_log_leaf_hashes_get(&table, kt_store_leaf_ref(pos, 0), &got));
    assert_int_equal(read_next(world, &table), KT_OK);
    uint64_t index = 0;
    while (kt_log_leaf_read(world->reader->conn, kt_store_leaf_ref(pos, index), &leaf) == KT_OK) {
      kt_prefix_leaf_hash(&leaf, &hash);
      assert_true(kt_log_leaf_hashes_get(&table, kt_store_leaf_ref(pos, index), &got));
      assert_memory_equal(got.b, hash.b, KT_HASH_LEN);
      index++;
    }
    assert_true(index > 0);
    assert_false(kt_log_leaf_hashes_get(&table, kt_store_leaf_ref(pos, index), &got));
    n += (size_t)index;
  }
  assert_true(n >= N_ENTRIES);
  assert_int_equal(read_next(world, &table), KT_ERR_LIMIT);
  kt_log_leaf_hashes_release(&table);
  world_end(world);
}

static void no_more_than_there_is_room_for(void **state)
{
  struct world *world = world_with_entries();
  struct kt_log_leaf_hashes table;
  struct kt_hash got;
  (void)state;
  for (size_t n = 0; n < 3; n++) {
    assert_int_equal(kt_log_leaf_hashes_init(&table, N_ENTRIES, n * (sizeof(size_t) + KT_HASH_LEN)), KT_OK);
    for (size_t i = 0; i < n; i++) { /* of one leaf each */
      assert_int_equal(read_next(world, &table), KT_OK);
    }
    assert_int_equal(read_next(world, &table), KT_ERR_LIMIT);
    assert_int_equal(kt_log_leaf_hashes_get(&table, kt_store_leaf_ref(0, 0), &got), n > 0);
    assert_false(kt_log_leaf_hashes_get(&table, kt_store_leaf_ref(n, 0), &got));
    kt_log_leaf_hashes_release(&table);
  }
  world_end(world);
}

/* The second entry has three leaves. */
static void all_leaves_of_an_entry_or_none(void **state)
{
  struct world *world = world_start();
  struct update updates[3];
  struct kt_log_pending *pending[3];
  struct kt_log_outcome outcomes[3];
  struct kt_hash got;
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    char *name = kt_arena_alloc(&world->arena, 1, 16);
    (void)snprintf(name, 16, "person %zu", i);
    update_prepare(world, person_new(world, name, 1), &updates[i]);
    pending[i] = updates[i].pending;
  }
  kt_log_insert(world->log, pending, 3, outcomes);
  assert_int_equal(world_size(world), 2);
  for (size_t n_hashes = 2; n_hashes <= 4; n_hashes++) {
    struct kt_log_leaf_hashes table;
    assert_int_equal(kt_log_leaf_hashes_init(&table, 2, 2 * sizeof(size_t) + n_hashes * KT_HASH_LEN), KT_OK);
    assert_int_equal(read_next(world, &table), KT_OK);
    assert_int_equal(read_next(world, &table), n_hashes == 4 ? KT_OK : KT_ERR_LIMIT);
    for (uint64_t i = 0; i < 3; i++) {
      assert_int_equal(kt_log_leaf_hashes_get(&table, kt_store_leaf_ref(1, i), &got), n_hashes == 4);
    }
    kt_log_leaf_hashes_release(&table);
  }
  world_end(world);
}

static void an_entry_that_is_not_there(void **state)
{
  struct world *world = world_with_entries();
  struct kt_log_leaf_hashes table;
  (void)state;
  assert_int_equal(kt_log_leaf_hashes_init(&table, N_ENTRIES + 1, PLENTY), KT_OK);
  for (uint64_t pos = 0; pos < N_ENTRIES; pos++) {
    assert_int_equal(read_next(world, &table), KT_OK);
  }
  assert_int_equal(read_next(world, &table), KT_ERR_ABSENT);
  kt_log_leaf_hashes_release(&table);
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_leaf_of_the_entries_that_were_read),
    cmocka_unit_test(no_more_than_there_is_room_for),
    cmocka_unit_test(all_leaves_of_an_entry_or_none),
    cmocka_unit_test(an_entry_that_is_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
