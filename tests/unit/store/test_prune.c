/* SPDX-License-Identifier: Apache-2.0 */
/* What pruning removes is gone, what it keeps is as it was, in both backends. */
#include "store_test.h"

#define N_ENTRIES 80

static int setup(void **state, bool is_memory)
{
  struct store_test *t = store_test_new(is_memory);
  store_test_begin(t);
  for (uint64_t pos = 0; pos < N_ENTRIES; pos++) {
    store_test_put_entry(t, pos);
  }
  store_test_commit(t);
  *state = t;
  return 0;
}

static int setup_memory(void **state)
{
  return setup(state, true);
}

static int setup_sqlite(void **state)
{
  return setup(state, false);
}

/* Node i of entry pos is there and unchanged, or absent. */
static bool node_is_there(struct store_test *t, uint64_t pos, uint64_t i)
{
  uint8_t record[TEST_NODE_LEN];
  uint8_t expected[TEST_NODE_LEN];
  store_test_fill(kt_store_node_ref(pos, i), expected, sizeof expected);
  enum kt_err err = kt_store_get_node(t->reader, kt_store_node_ref(pos, i), record);
  if (err == KT_OK) {
    assert_memory_equal(record, expected, sizeof record);
  } else {
    assert_int_equal(err, KT_ERR_ABSENT);
  }
  return err == KT_OK;
}

/* Keep those nodes of entry pos whose number passes the test; the count removed. */
static uint64_t keep(struct store_test *t, uint64_t pos, uint64_t n, bool (*is_kept)(uint64_t i))
{
  uint64_t refs[N_ENTRIES + 3];
  size_t n_refs = 0;
  uint64_t n_removed = 0;
  for (uint64_t i = 0; i < n; i++) {
    if (is_kept(i)) {
      refs[n_refs++] = kt_store_node_ref(pos, i);
    }
  }
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_keep_nodes(t->writer, pos, refs, n_refs, &n_removed));
  store_test_commit(t);
  return n_removed;
}

static bool every_third(uint64_t i)
{
  return i % 3 == 0;
}

static bool every_ninth(uint64_t i)
{
  return i % 9 == 0;
}

static bool low_row(uint64_t i)
{
  return i < 5;
}

static bool none(uint64_t i)
{
  (void)i;
  return false;
}

static void expect_nodes(struct store_test *t, uint64_t pos, uint64_t n, bool (*is_kept)(uint64_t i))
{
  struct kt_store_nodes nodes;
  size_t at = 0;
  store_test_ok(t, t->reader, kt_store_get_nodes(t->reader, pos, &t->arena, &nodes));
  for (uint64_t i = 0; i < n; i++) {
    assert_int_equal(node_is_there(t, pos, i), is_kept(i));
    if (is_kept(i)) {
      uint8_t expected[TEST_NODE_LEN];
      store_test_fill(kt_store_node_ref(pos, i), expected, sizeof expected);
      assert_true(at < nodes.n);
      assert_int_equal(nodes.refs[at], kt_store_node_ref(pos, i));
      assert_memory_equal(nodes.records + at * TEST_NODE_LEN, expected, sizeof expected);
      at++;
    }
  }
  assert_int_equal(nodes.n, at);
}

static void test_nodes_go_one_by_one(void **state)
{
  struct store_test *t = *state;
  const uint64_t pos = N_ENTRIES - 1; /* 82 nodes: three rows in SQLite */
  const uint64_t n = pos + 3;
  assert_int_equal(keep(t, pos, n, every_third), n - 28);
  store_test_reopen(t);
  expect_nodes(t, pos, n, every_third);
  assert_int_equal(keep(t, pos, n, every_third), 0); /* again */
  assert_int_equal(keep(t, pos, n, every_ninth), 28 - 10);
  store_test_reopen(t);
  expect_nodes(t, pos, n, every_ninth);
  assert_int_equal(keep(t, pos, n, low_row), 9); /* of 0, 9 …, 81 only 0 is below 5 */
  assert_int_equal(keep(t, pos, n, none), 1);
  store_test_reopen(t);
  expect_nodes(t, pos, n, none);
  assert_int_equal(keep(t, pos, n, none), 0);
  assert_true(store_test_entry_is_there(t->reader, pos - 1)); /* the neighbour's are untouched */
  store_test_ok(t, t->reader, kt_store_verify(t->reader));
}

static void test_rolled_back_nodes_stay(void **state)
{
  struct store_test *t = *state;
  uint64_t n_removed;
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_keep_nodes(t->writer, 40, NULL, 0, &n_removed));
  assert_int_equal(n_removed, 43);
  kt_store_rollback(t->writer);
  store_test_reopen(t);
  assert_true(store_test_entry_is_there(t->reader, 40));
}

static void test_entries_go_or_shrink(void **state)
{
  struct store_test *t = *state;
  struct kt_store_entry entry;
  struct kt_bytes leaves;
  struct kt_hash node;
  const struct kt_hash expected = store_test_log_node(3, 2);
  const struct kt_store_entry before = store_test_entry(3);
  const struct kt_store_pruned pruned = { .boundary = 4, .n_entries = 3, .n_nodes = 20, .n_values = 7 };
  struct kt_store_pruned got;
  store_test_ok(t, t->reader, kt_store_get_pruned(t->reader, &got));
  assert_int_equal(got.boundary + got.n_entries + got.n_nodes + got.n_values, 0);
  store_test_begin(t);
  for (uint64_t pos = 0; pos < 3; pos++) {
    store_test_ok(t, t->writer, kt_store_drop_entry(t->writer, pos));
  }
  assert_int_equal(kt_store_drop_entry(t->writer, 1), KT_ERR_ABSENT);
  assert_int_equal(kt_store_strip_entry(t->writer, 1), KT_ERR_ABSENT);
  store_test_ok(t, t->writer, kt_store_strip_entry(t->writer, 3));
  store_test_ok(t, t->writer, kt_store_put_pruned(t->writer, &pruned));
  store_test_commit(t);
  store_test_reopen(t);
  assert_int_equal(kt_store_get_entry(t->reader, 1, &entry), KT_ERR_ABSENT);
  store_test_ok(t, t->reader, kt_store_get_leaves(t->reader, 1, &t->arena, &leaves)); /* newer trees refer to them */
  assert_int_equal(leaves.len, store_test_n_leaves(1) * KT_STORE_LEAF_LEN);
  assert_int_equal(kt_store_get_log_node(t->reader, 0, 1, &node), KT_ERR_ABSENT);
  store_test_ok(t, t->reader, kt_store_get_entry(t->reader, 3, &entry));
  assert_int_equal(entry.timestamp_ms, before.timestamp_ms);
  assert_memory_equal(entry.prefix_root.b, before.prefix_root.b, KT_HASH_LEN);
  assert_int_equal(entry.prefix_root_ref, KT_STORE_REF_PRUNED);
  store_test_ok(t, t->reader, kt_store_get_leaves(t->reader, 3, &t->arena, &leaves));
  assert_int_equal(leaves.len, store_test_n_leaves(3) * KT_STORE_LEAF_LEN);
  store_test_ok(t, t->reader, kt_store_get_log_node(t->reader, 0, 2, &node));
  assert_memory_equal(node.b, expected.b, KT_HASH_LEN);
  store_test_ok(t, t->reader, kt_store_get_pruned(t->reader, &got));
  assert_memory_equal(&got, &pruned, sizeof got);
  uint64_t n;
  store_test_ok(t, t->reader, kt_store_count_entries(t->reader, &n));
  assert_int_equal(n, N_ENTRIES);
  store_test_ok(t, t->reader, kt_store_verify(t->reader));
}

/* An entry that is missing without having been pruned is still found (in a file; memory has nothing to verify). */
static void test_a_hole_is_not_pruning(void **state)
{
  struct store_test *t = *state;
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_drop_entry(t->writer, 5));
  store_test_commit(t);
  assert_int_equal(kt_store_verify(t->reader), t->is_memory ? KT_OK : KT_ERR_STORE);
}

static void put_version(struct store_test *t, uint64_t label_id, uint32_t version)
{
  const struct kt_store_version data = { .pos = version };
  const struct kt_store_payload payload = { .value = store_test_text("value") };
  store_test_ok(t, t->writer, kt_store_put_version(t->writer, label_id, version, &data, &payload));
}

static void test_superseded_values_go(void **state)
{
  struct store_test *t = *state;
  uint64_t label_id;
  uint64_t n;
  struct kt_store_payload payload;
  store_test_begin(t);
  const struct kt_store_label label = { .label = store_test_text("ann") };
  store_test_ok(t, t->writer, kt_store_create_label(t->writer, &label, &label_id));
  for (uint32_t version = 0; version < 4; version++) {
    put_version(t, label_id, version);
  }
  store_test_ok(t, t->writer, kt_store_put_superseded(t->writer, 8, label_id, 0));
  store_test_ok(t, t->writer, kt_store_put_superseded(t->writer, 8, label_id, 1));
  store_test_ok(t, t->writer, kt_store_put_superseded(t->writer, 9, label_id, 2));
  store_test_commit(t);
  store_test_reopen(t);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_erase_superseded(t->writer, 7, &n));
  assert_int_equal(n, 0);
  store_test_ok(t, t->writer, kt_store_erase_superseded(t->writer, 8, &n));
  assert_int_equal(n, 2);
  store_test_ok(t, t->writer, kt_store_erase_superseded(t->writer, 8, &n));
  assert_int_equal(n, 0);
  store_test_commit(t);
  store_test_reopen(t);
  for (uint32_t version = 0; version < 4; version++) {
    enum kt_err err = kt_store_get_payload(t->reader, label_id, version, &t->arena, &payload);
    assert_int_equal(err, version < 2 ? KT_ERR_EXPIRED : KT_OK);
  }
}

/* Reads are for everybody, removal for the writer's transaction alone. */
static void test_transaction_rules(void **state)
{
  struct store_test *t = *state;
  const struct kt_store_pruned pruned = { .boundary = 1 };
  uint64_t n;
  assert_int_equal(kt_store_drop_entry(t->writer, 0), KT_ERR_USAGE);
  assert_int_equal(kt_store_strip_entry(t->reader, 0), KT_ERR_USAGE);
  assert_int_equal(kt_store_keep_nodes(t->reader, 0, NULL, 0, &n), KT_ERR_USAGE);
  assert_int_equal(kt_store_put_pruned(t->writer, &pruned), KT_ERR_USAGE);
  assert_int_equal(kt_store_put_superseded(t->writer, 1, 1, 0), KT_ERR_USAGE);
  assert_int_equal(kt_store_erase_superseded(t->reader, 1, &n), KT_ERR_USAGE);
  assert_true(store_test_entry_is_there(t->reader, 0));
}

#define BOTH(test)                                                          \
  cmocka_unit_test_setup_teardown(test, setup_memory, store_test_teardown), \
      cmocka_unit_test_setup_teardown(test, setup_sqlite, store_test_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
    BOTH(test_nodes_go_one_by_one),   BOTH(test_rolled_back_nodes_stay), BOTH(test_entries_go_or_shrink),
    BOTH(test_a_hole_is_not_pruning), BOTH(test_superseded_values_go),   BOTH(test_transaction_rules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
