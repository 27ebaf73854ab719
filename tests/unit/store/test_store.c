/* SPDX-License-Identifier: Apache-2.0 */
/* One table of behaviour, run against both backends. */
#include "store_test.h"

#define N_ENTRIES 40

static int setup_memory(void **state)
{
  *state = store_test_new(true);
  return 0;
}

static int setup_sqlite(void **state)
{
  *state = store_test_new(false);
  return 0;
}

static void assert_bytes(struct kt_bytes got, const void *want, size_t len)
{
  assert_int_equal(got.len, len);
  assert_memory_equal(got.data, want, len);
}

static void test_meta(void **state)
{
  struct store_test *t = *state;
  struct kt_bytes value;
  assert_int_equal(kt_store_get_meta(t->reader, "config", &t->arena, &value), KT_ERR_ABSENT);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_put_meta(t->writer, "config", store_test_text("one")));
  store_test_ok(t, t->writer, kt_store_put_meta(t->writer, "empty", (struct kt_bytes){ 0 }));
  assert_int_equal(kt_store_put_meta(t->writer, "store/node_len", store_test_text("1")), KT_ERR_USAGE);
  store_test_commit(t);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_put_meta(t->writer, "config", store_test_text("second")));
  store_test_commit(t);
  store_test_reopen(t);
  store_test_ok(t, t->reader, kt_store_get_meta(t->reader, "config", &t->arena, &value));
  assert_bytes(value, "second", 6);
  store_test_ok(t, t->reader, kt_store_get_meta(t->reader, "empty", &t->arena, &value));
  assert_int_equal(value.len, 0);
}

static void test_entries(void **state)
{
  struct store_test *t = *state;
  uint64_t n = 99;
  store_test_ok(t, t->reader, kt_store_count_entries(t->reader, &n));
  assert_int_equal(n, 0);
  for (uint64_t pos = 0; pos < N_ENTRIES; pos++) {
    store_test_append(t, pos);
  }
  store_test_reopen(t);
  store_test_ok(t, t->reader, kt_store_count_entries(t->reader, &n));
  assert_int_equal(n, N_ENTRIES);
  struct kt_store_entry entry;
  for (uint64_t pos = 0; pos < N_ENTRIES; pos++) {
    assert_true(store_test_entry_is_there(t->reader, pos));
    uint8_t want[TEST_LEAVES_MAX * KT_STORE_LEAF_LEN];
    uint8_t leaf[KT_STORE_LEAF_LEN];
    size_t n_leaves = store_test_n_leaves(pos);
    store_test_fill(~pos, want, sizeof want);
    struct kt_bytes leaves;
    enum kt_err err = kt_store_get_leaves(t->reader, pos, &t->arena, &leaves);
    assert_int_equal(err, n_leaves > 0 ? KT_OK : KT_ERR_ABSENT);
    if (err == KT_OK) {
      assert_bytes(leaves, want, n_leaves * KT_STORE_LEAF_LEN);
    }
    assert_int_equal(kt_store_get_leaf(t->reader, kt_store_leaf_ref(pos, n_leaves), leaf), KT_ERR_ABSENT);
  }
  uint8_t ignored[KT_STORE_LEAF_LEN];
  assert_int_equal(kt_store_get_leaf(t->reader, 0, ignored), KT_ERR_ABSENT);
  assert_int_equal(kt_store_get_leaf(t->reader, kt_store_node_ref(1, 0), ignored), KT_ERR_ABSENT); /* a node's */
  assert_int_equal(kt_store_get_leaf(t->reader, kt_store_leaf_ref(1, KT_STORE_LEAVES_MAX), ignored), KT_ERR_ABSENT);
  assert_int_equal(kt_store_get_leaf(t->reader, UINT64_MAX, ignored), KT_ERR_ABSENT);
  assert_int_equal(kt_store_get_entry(t->reader, N_ENTRIES, &entry), KT_ERR_ABSENT);
  assert_int_equal(kt_store_get_entry(t->reader, UINT64_MAX, &entry), KT_ERR_ABSENT);
}

/* The balanced subtree [start, start + 2^level) is kept with its last entry; every one within the log is found. */
static void test_log_nodes(void **state)
{
  struct store_test *t = *state;
  for (uint64_t pos = 0; pos < N_ENTRIES; pos++) {
    store_test_append(t, pos);
  }
  size_t n_found = 0;
  for (unsigned level = 0; level < 7; level++) {
    uint64_t width = (uint64_t)1 << level;
    for (uint64_t start = 0; start < 2 * N_ENTRIES; start += width) {
      struct kt_hash got;
      enum kt_err err = kt_store_get_log_node(t->reader, start, level, &got);
      if (start + width > N_ENTRIES) {
        assert_int_equal(err, KT_ERR_ABSENT);
        continue;
      }
      store_test_ok(t, t->reader, err);
      struct kt_hash want = store_test_log_node(start + width - 1, level);
      assert_memory_equal(got.b, want.b, KT_HASH_LEN);
      n_found++;
    }
  }
  assert_int_equal(n_found, 40 + 20 + 10 + 5 + 2 + 1);
  struct kt_hash ignored;
  assert_int_equal(kt_store_get_log_node(t->reader, 2, 2, &ignored), KT_ERR_USAGE);
  assert_int_equal(kt_store_get_log_node(t->reader, 0, 64, &ignored), KT_ERR_USAGE);
  assert_int_equal(kt_store_get_log_node(t->reader, UINT64_MAX, 0, &ignored), KT_ERR_ABSENT);
}

static void test_entry_arguments(void **state)
{
  struct store_test *t = *state;
  store_test_append(t, 0);
  struct kt_store_entry entry = store_test_entry(1);
  uint8_t data[3 * KT_HASH_LEN] = { 0 };
  struct kt_bytes none = { .data = data, .len = 0 };
  struct kt_bytes one = { .data = data, .len = KT_HASH_LEN };
  struct kt_bytes two = { .data = data, .len = 2 * KT_HASH_LEN };
  assert_int_equal(kt_store_put_entry(t->writer, 1, &entry, none, two), KT_ERR_USAGE); /* no transaction */
  store_test_begin(t);
  assert_int_equal(kt_store_put_entry(t->reader, 1, &entry, none, two), KT_ERR_USAGE); /* not the writer */
  assert_int_equal(kt_store_put_entry(t->writer, 1, &entry, none, one), KT_ERR_USAGE); /* entry 1 ends two subtrees */
  assert_int_equal(kt_store_put_entry(t->writer, 1, &entry, one, two), KT_ERR_USAGE);  /* half a leaf change */
  assert_int_equal(kt_store_put_entry(t->writer, 2, &entry, none, one), KT_ERR_CONFLICT);
  assert_int_equal(kt_store_put_entry(t->writer, 0, &entry, none, one), KT_ERR_CONFLICT);
  store_test_ok(t, t->writer, kt_store_put_entry(t->writer, 1, &entry, none, two));
  store_test_commit(t); /* refused calls have not spoilt the transaction */
}

static void test_nodes(void **state)
{
  struct store_test *t = *state;
  const uint64_t n = 1000; /* many rows, the last one partly filled */
  uint8_t *records = malloc(n * TEST_NODE_LEN);
  assert_non_null(records);
  store_test_fill(7, records, n * TEST_NODE_LEN);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_put_nodes(t->writer, 5, records, n));
  store_test_ok(t, t->writer, kt_store_put_nodes(t->writer, 6, records, 0));
  assert_int_equal(kt_store_put_nodes(t->writer, 5, records, 1), KT_ERR_CONFLICT);
  uint8_t got[TEST_NODE_LEN];
  store_test_ok(t, t->writer, kt_store_get_node(t->writer, kt_store_node_ref(5, 999), got));
  assert_memory_equal(got, records + (size_t)999 * TEST_NODE_LEN, TEST_NODE_LEN);
  store_test_commit(t);
  for (int round = 0; round < 2; round++) {
    for (uint64_t i = 0; i < n; i++) {
      store_test_ok(t, t->reader, kt_store_get_node(t->reader, kt_store_node_ref(5, i), got));
      assert_memory_equal(got, records + (size_t)i * TEST_NODE_LEN, TEST_NODE_LEN);
    }
    assert_int_equal(kt_store_get_node(t->reader, kt_store_node_ref(5, n), got), KT_ERR_ABSENT);
    assert_int_equal(kt_store_get_node(t->reader, kt_store_node_ref(6, 0), got), KT_ERR_ABSENT);
    assert_int_equal(kt_store_get_node(t->reader, kt_store_node_ref(4, 0), got), KT_ERR_ABSENT);
    assert_int_equal(kt_store_get_node(t->reader, 0, got), KT_ERR_ABSENT);
    assert_int_equal(kt_store_get_node(t->reader, UINT64_MAX, got), KT_ERR_ABSENT);
    store_test_reopen(t); /* the second round reads from the file */
  }
  free(records);
}

static void test_labels(void **state)
{
  struct store_test *t = *state;
  struct kt_store_label label;
  uint64_t alice = 0;
  uint64_t bob = 0;
  assert_int_equal(kt_store_get_label(t->reader, store_test_text("alice"), &t->arena, &label), KT_ERR_ABSENT);
  store_test_begin(t);
  label = (struct kt_store_label){ .label = store_test_text("alice"), .state = store_test_text("s0") };
  store_test_ok(t, t->writer, kt_store_create_label(t->writer, &label, &alice));
  label = (struct kt_store_label){ .label = store_test_text("bob"), .n_versions = 2, .newest_pos = KT_STORE_POS_MAX };
  store_test_ok(t, t->writer, kt_store_create_label(t->writer, &label, &bob));
  assert_int_equal(kt_store_create_label(t->writer, &label, &bob), KT_ERR_CONFLICT);
  assert_int_equal(alice, 1);
  assert_int_equal(bob, 2);
  label =
      (struct kt_store_label){ .label_id = alice, .n_versions = 3, .newest_pos = 77, .state = store_test_text("s1") };
  store_test_ok(t, t->writer, kt_store_update_label(t->writer, &label));
  label.label_id = 3;
  assert_int_equal(kt_store_update_label(t->writer, &label), KT_ERR_ABSENT);
  label.label_id = 0;
  assert_int_equal(kt_store_update_label(t->writer, &label), KT_ERR_USAGE);
  label = (struct kt_store_label){ .label_id = alice, .newest_pos = KT_STORE_POS_MAX + 1 };
  assert_int_equal(kt_store_update_label(t->writer, &label), KT_ERR_USAGE);
  store_test_commit(t);
  store_test_reopen(t);
  store_test_ok(t, t->reader, kt_store_get_label(t->reader, store_test_text("alice"), &t->arena, &label));
  assert_int_equal(label.label_id, alice);
  assert_int_equal(label.n_versions, 3);
  assert_int_equal(label.newest_pos, 77);
  assert_bytes(label.state, "s1", 2);
  assert_int_equal(kt_store_get_label(t->reader, store_test_text("alic"), &t->arena, &label), KT_ERR_ABSENT);

  store_test_ok(t, t->reader, kt_store_next_label(t->reader, 0, &t->arena, &label));
  assert_bytes(label.label, "alice", 5);
  store_test_ok(t, t->reader, kt_store_next_label(t->reader, label.label_id, &t->arena, &label));
  assert_bytes(label.label, "bob", 3);
  assert_int_equal(label.n_versions, 2);
  assert_int_equal(label.newest_pos, KT_STORE_POS_MAX);
  assert_int_equal(label.state.len, 0);
  assert_int_equal(kt_store_next_label(t->reader, label.label_id, &t->arena, &label), KT_ERR_ABSENT);
  assert_int_equal(kt_store_next_label(t->reader, UINT64_MAX, &t->arena, &label), KT_ERR_ABSENT);
}

static void put_version(struct store_test *t, uint64_t label_id, uint32_t version, uint64_t pos, size_t value_len)
{
  const struct kt_store_version data = { .pos = pos, .leaf = version % KT_STORE_LEAVES_MAX };
  uint8_t *value = malloc(value_len + 1);
  assert_non_null(value);
  store_test_fill(pos, value, value_len);
  struct kt_store_payload payload = { .value = { .data = value, .len = value_len }, .suffix = store_test_text("sfx") };
  store_test_fill(version, payload.opening, sizeof payload.opening);
  store_test_ok(t, t->writer, kt_store_put_version(t->writer, label_id, version, &data, &payload));
  assert_int_equal(kt_store_put_version(t->writer, label_id, version, &data, &payload), KT_ERR_CONFLICT);
  free(value);
}

static void test_versions(void **state)
{
  struct store_test *t = *state;
  const uint32_t greatest = UINT32_MAX - 1;
  store_test_begin(t);
  put_version(t, 1, 0, 10, 0);
  put_version(t, 1, 1, 11, 65536);
  put_version(t, KT_STORE_LABEL_ID_MAX, greatest, KT_STORE_POS_MAX, 100);
  store_test_commit(t);
  store_test_reopen(t);
  struct kt_store_version data;
  struct kt_store_payload payload;
  static uint8_t want[65536];
  store_test_ok(t, t->reader, kt_store_get_version(t->reader, 1, 1, &data));
  assert_int_equal(data.pos, 11);
  assert_int_equal(data.leaf, 1);
  assert_false(data.is_erased);
  store_test_ok(t, t->reader, kt_store_get_payload(t->reader, 1, 1, &t->arena, &payload));
  store_test_fill(11, want, sizeof want);
  assert_bytes(payload.value, want, 65536);
  assert_bytes(payload.suffix, "sfx", 3);
  store_test_fill(1, want, KT_OPENING_LEN);
  assert_memory_equal(payload.opening, want, KT_OPENING_LEN);
  store_test_ok(t, t->reader, kt_store_get_payload(t->reader, 1, 0, &t->arena, &payload));
  assert_int_equal(payload.value.len, 0);
  store_test_ok(t, t->reader, kt_store_get_version(t->reader, KT_STORE_LABEL_ID_MAX, greatest, &data));
  assert_int_equal(data.pos, KT_STORE_POS_MAX);
  assert_int_equal(data.leaf, greatest % KT_STORE_LEAVES_MAX);
  assert_int_equal(kt_store_get_version(t->reader, 1, 2, &data), KT_ERR_ABSENT);
  assert_int_equal(kt_store_get_version(t->reader, 2, 0, &data), KT_ERR_ABSENT);
  assert_int_equal(kt_store_get_version(t->reader, UINT64_C(1) << 32, 0, &data), KT_ERR_ABSENT);
  assert_int_equal(kt_store_get_payload(t->reader, 1, 2, &t->arena, &payload), KT_ERR_ABSENT);
}

/* Against a linear scan, for every tree size. */
static void test_find_greatest(void **state)
{
  struct store_test *t = *state;
  uint64_t pos_of[20];
  store_test_begin(t);
  for (uint32_t version = 0; version < 20; version++) {
    pos_of[version] = 3 + (uint64_t)version * version / 2;
    put_version(t, 4, version, pos_of[version], 8);
  }
  store_test_commit(t);
  for (uint64_t n_versions = 0; n_versions <= 20; n_versions++) {
    for (uint64_t size = 0; size < 200; size++) {
      uint64_t n_in_tree = 0;
      while (n_in_tree < n_versions && pos_of[n_in_tree] < size) {
        n_in_tree++;
      }
      uint32_t greatest = UINT32_MAX;
      enum kt_err err = kt_store_find_greatest(t->reader, 4, n_versions, size, &greatest);
      assert_int_equal(err, n_in_tree == 0 ? KT_ERR_ABSENT : KT_OK);
      assert_int_equal(greatest, (uint32_t)(n_in_tree - 1));
    }
  }
  uint32_t ignored;
  assert_int_equal(kt_store_find_greatest(t->reader, 4, 21, 200, &ignored), KT_ERR_STORE);
}

static void test_erase(void **state)
{
  struct store_test *t = *state;
  struct kt_store_version data;
  struct kt_store_payload payload;
  store_test_begin(t);
  put_version(t, 1, 0, 10, 5000);
  put_version(t, 1, 1, 11, 50);
  store_test_commit(t);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_erase_version(t->writer, 1, 0));
  store_test_ok(t, t->writer, kt_store_erase_version(t->writer, 1, 0));
  assert_int_equal(kt_store_erase_version(t->writer, 1, 2), KT_ERR_ABSENT);
  store_test_ok(t, t->reader, kt_store_get_payload(t->reader, 1, 0, &t->arena, &payload)); /* not committed */
  store_test_commit(t);
  store_test_reopen(t);
  assert_int_equal(kt_store_get_payload(t->reader, 1, 0, &t->arena, &payload), KT_ERR_EXPIRED);
  store_test_ok(t, t->reader, kt_store_get_version(t->reader, 1, 0, &data));
  assert_true(data.is_erased);
  assert_int_equal(data.pos, 10);
  store_test_ok(t, t->reader, kt_store_get_payload(t->reader, 1, 1, &t->arena, &payload));
  assert_int_equal(payload.value.len, 50);
}

static struct kt_store_proof make_proof(uint64_t seed, size_t len)
{
  struct kt_store_proof proof = { .has_output = true, .output = store_test_hash(seed), .len = len };
  store_test_fill(seed, proof.proof, len);
  return proof;
}

static void assert_proof(struct store_test *t, uint32_t version, const struct kt_store_proof *want)
{
  struct kt_store_proof got;
  store_test_ok(t, t->reader, kt_store_get_proof(t->reader, 1, version, &got));
  assert_int_equal(got.len, want->len);
  assert_memory_equal(got.proof, want->proof, want->len);
  assert_int_equal(got.has_output, want->has_output);
  if (want->has_output) {
    assert_memory_equal(got.output.b, want->output.b, KT_HASH_LEN);
  }
}

static void test_proofs(void **state)
{
  struct store_test *t = *state;
  struct kt_store_proof first = make_proof(1, KT_STORE_PROOF_MAX);
  struct kt_store_proof second = make_proof(2, 80);
  struct kt_store_proof got = { .len = 0 };
  store_test_begin(t);
  store_test_ok(t, t->writer, store_test_put_proof(t, 1, 0, &first));
  store_test_ok(t, t->writer, store_test_put_proof(t, 1, 0, &second)); /* ignored */
  got.len = KT_STORE_PROOF_MAX + 1;
  assert_int_equal(store_test_put_proof(t, 1, 5, &got), KT_ERR_USAGE);
  store_test_ok(t, t->writer, store_test_put_proof(t, 1, 3, &first));
  second.has_output = false;
  store_test_ok(t, t->writer, store_test_put_proof(t, 1, 2, &second)); /* joins its neighbour */
  store_test_commit(t);
  assert_proof(t, 2, &second);
  assert_proof(t, 3, &first);
  struct kt_store_proof_pair pair;
  store_test_ok(t, t->reader, kt_store_get_proofs(t->reader, 1, 1, &pair));
  assert_true(pair.has[0]);
  assert_false(pair.has[1]);
  assert_int_equal(kt_store_get_proofs(t->reader, 1, 4, &pair), KT_ERR_ABSENT);

  kt_store_queue_proof(t->store, 1, 7, &second);
  assert_int_equal(kt_store_drain_proofs(t->writer), KT_ERR_USAGE); /* no transaction; the queue stays */
  assert_int_equal(kt_store_get_proof(t->reader, 1, 7, &got), KT_ERR_ABSENT);
  for (uint32_t i = 0; i < 5000; i++) { /* more than the queue takes */
    kt_store_queue_proof(t->store, 1, 100 + i, &second);
  }
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_drain_proofs(t->writer));
  store_test_ok(t, t->writer, kt_store_drain_proofs(t->writer));
  store_test_commit(t);
  store_test_reopen(t);
  assert_proof(t, 0, &first);
  assert_proof(t, 7, &second);
  assert_proof(t, 100, &second);
  assert_int_equal(kt_store_get_proof(t->reader, 1, 100 + 4999, &got), KT_ERR_ABSENT);
}

static void test_tokens(void **state)
{
  struct store_test *t = *state;
  struct kt_hash token = store_test_hash(1);
  struct kt_hash other = store_test_hash(2);
  store_test_begin(t);
  assert_int_equal(kt_store_use_token(t->writer, &token), KT_ERR_ABSENT);
  store_test_ok(t, t->writer, kt_store_add_token(t->writer, &token));
  assert_int_equal(kt_store_add_token(t->writer, &token), KT_ERR_CONFLICT);
  store_test_commit(t);
  store_test_reopen(t);
  store_test_ok(t, t->reader, kt_store_check_token(t->reader, &token));
  assert_int_equal(kt_store_check_token(t->reader, &other), KT_ERR_ABSENT);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_use_token(t->writer, &token));
  kt_store_rollback(t->writer); /* the insert it was for failed: the token is good again */
  store_test_ok(t, t->reader, kt_store_check_token(t->reader, &token));
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_use_token(t->writer, &token));
  assert_int_equal(kt_store_use_token(t->writer, &token), KT_ERR_CONFLICT);
  assert_int_equal(kt_store_use_token(t->writer, &other), KT_ERR_ABSENT);
  store_test_commit(t);
  store_test_reopen(t);
  store_test_begin(t);
  assert_int_equal(kt_store_check_token(t->reader, &token), KT_ERR_CONFLICT);
  assert_int_equal(kt_store_use_token(t->writer, &token), KT_ERR_CONFLICT);
  assert_int_equal(kt_store_add_token(t->writer, &token), KT_ERR_CONFLICT);
  kt_store_rollback(t->writer);
}

/* One of everything, in the writer's transaction; which makes the data differ. */
static void put_everything(struct store_test *t, uint64_t which)
{
  uint64_t label_id;
  struct kt_hash token = store_test_hash(1);
  struct kt_store_proof proof = make_proof(which, 80);
  store_test_put_entry(t, 0);
  store_test_put_entry(t, 1);
  store_test_ok(t, t->writer, kt_store_put_meta(t->writer, "m", store_test_text("v")));
  struct kt_store_label label = { .label = store_test_text("l"), .state = store_test_text("s") };
  store_test_ok(t, t->writer, kt_store_create_label(t->writer, &label, &label_id));
  assert_int_equal(label_id, 1);
  put_version(t, label_id, 0, 0, 10);
  label = (struct kt_store_label){ .label_id = label_id, .n_versions = 1, .state = store_test_text("t") };
  store_test_ok(t, t->writer, kt_store_update_label(t->writer, &label));
  store_test_ok(t, t->writer, store_test_put_proof(t, label_id, 0, &proof));
  store_test_ok(t, t->writer, kt_store_add_token(t->writer, &token));
}

/* How many of the things put_everything writes this handle sees. */
static int count_everything(struct store_test *t, struct kt_store_conn *conn)
{
  struct kt_bytes bytes;
  struct kt_store_label label;
  struct kt_store_version version;
  struct kt_store_payload payload;
  struct kt_store_proof proof;
  uint8_t record[TEST_NODE_LEN];
  uint64_t n = 0;
  store_test_ok(t, conn, kt_store_count_entries(conn, &n));
  int sum = (int)n;
  sum += store_test_entry_is_there(conn, 0);
  sum += store_test_entry_is_there(conn, 1);
  sum += kt_store_get_leaves(conn, 1, &t->arena, &bytes) == KT_OK;
  sum += kt_store_get_node(conn, kt_store_node_ref(0, 0), record) == KT_OK;
  sum += kt_store_get_meta(conn, "m", &t->arena, &bytes) == KT_OK;
  sum += kt_store_get_label(conn, store_test_text("l"), &t->arena, &label) == KT_OK;
  sum += kt_store_next_label(conn, 0, &t->arena, &label) == KT_OK;
  sum += kt_store_get_version(conn, 1, 0, &version) == KT_OK;
  sum += kt_store_get_payload(conn, 1, 0, &t->arena, &payload) == KT_OK;
  sum += kt_store_get_proof(conn, 1, 0, &proof) == KT_OK;
  return sum;
}

#define EVERYTHING 12

static void test_rollback_leaves_nothing(void **state)
{
  struct store_test *t = *state;
  store_test_begin(t);
  put_everything(t, 1);
  assert_int_equal(count_everything(t, t->writer), EVERYTHING);
  kt_store_rollback(t->writer);
  assert_int_equal(count_everything(t, t->writer), 0);
  assert_int_equal(count_everything(t, t->reader), 0);
  store_test_begin(t);
  put_everything(t, 2); /* nothing is in the way */
  store_test_commit(t);
  store_test_reopen(t);
  assert_int_equal(count_everything(t, t->reader), EVERYTHING);
  struct kt_store_proof want = make_proof(2, 80);
  assert_proof(t, 0, &want);
}

/* The same references with other content after a rollback: no trace of the first in any cache. */
static void test_rolled_back_nodes_are_forgotten(void **state)
{
  struct store_test *t = *state;
  uint8_t first[TEST_NODE_LEN];
  uint8_t second[TEST_NODE_LEN];
  uint8_t got[TEST_NODE_LEN];
  store_test_fill(1, first, sizeof first);
  store_test_fill(2, second, sizeof second);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_put_nodes(t->writer, 0, first, 1));
  store_test_ok(t, t->writer, kt_store_get_node(t->writer, kt_store_node_ref(0, 0), got));
  assert_int_equal(kt_store_get_node(t->reader, kt_store_node_ref(0, 0), got), KT_ERR_ABSENT);
  kt_store_rollback(t->writer);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_put_nodes(t->writer, 0, second, 1));
  store_test_commit(t);
  store_test_ok(t, t->reader, kt_store_get_node(t->reader, kt_store_node_ref(0, 0), got));
  assert_memory_equal(got, second, sizeof got);
}

static void test_uncommitted_is_invisible(void **state)
{
  struct store_test *t = *state;
  store_test_begin(t);
  put_everything(t, 1);
  assert_int_equal(count_everything(t, t->reader), 0);
  store_test_commit(t);
  assert_int_equal(count_everything(t, t->reader), EVERYTHING);
  store_test_begin(t);
  struct kt_store_label label = { .label_id = 1, .n_versions = 9, .state = store_test_text("new") };
  store_test_ok(t, t->writer, kt_store_update_label(t->writer, &label));
  store_test_ok(t, t->reader, kt_store_get_label(t->reader, store_test_text("l"), &t->arena, &label));
  assert_int_equal(label.n_versions, 1);
  assert_bytes(label.state, "t", 1);
  store_test_ok(t, t->writer, kt_store_get_label(t->writer, store_test_text("l"), &t->arena, &label));
  assert_int_equal(label.n_versions, 9);
  store_test_commit(t);
}

static void test_transaction_rules(void **state)
{
  struct store_test *t = *state;
  struct kt_store_conn *second = NULL;
  assert_int_equal(kt_store_open_writer(t->store, &second, &t->error), KT_ERR_CONFLICT);
  assert_non_null(strstr(t->error.text, "writer"));
  assert_int_equal(kt_store_begin(t->reader), KT_ERR_USAGE);
  assert_int_equal(kt_store_commit(t->writer), KT_ERR_USAGE);
  kt_store_rollback(t->writer); /* nothing to do */
  store_test_begin(t);
  assert_int_equal(kt_store_begin(t->writer), KT_ERR_USAGE);
  assert_int_equal(kt_store_maintain(t->writer, true), KT_ERR_USAGE);
  store_test_put_entry(t, 0);
  kt_store_close_conn(t->writer); /* rolls back, and makes room for another writer */
  store_test_ok(t, NULL, kt_store_open_writer(t->store, &t->writer, &t->error));
  uint64_t n = 9;
  store_test_ok(t, t->writer, kt_store_count_entries(t->writer, &n));
  assert_int_equal(n, 0);
  store_test_ok(t, t->writer, kt_store_maintain(t->writer, true));
}

static void test_read_bracket(void **state)
{
  struct store_test *t = *state;
  store_test_append(t, 0);
  store_test_ok(t, t->reader, kt_store_read_begin(t->reader));
  assert_true(store_test_entry_is_there(t->reader, 0));
  store_test_append(t, 1);
  assert_true(store_test_entry_is_there(t->reader, 0));
  kt_store_read_end(t->reader);
  assert_true(store_test_entry_is_there(t->reader, 1));
  kt_store_read_end(t->reader); /* harmless */
  store_test_ok(t, t->reader, kt_store_verify(t->reader));
}

/* What does not fit the caller's arena is an error, and the handle stays usable. */
static void test_small_arena(void **state)
{
  struct store_test *t = *state;
  store_test_begin(t);
  put_everything(t, 1);
  store_test_commit(t);
  struct kt_arena none;
  kt_arena_init(&none, 0);
  struct kt_store_label label;
  struct kt_store_payload payload;
  struct kt_bytes bytes;
  assert_int_equal(kt_store_get_meta(t->reader, "m", &none, &bytes), KT_ERR_MEMORY);
  assert_int_equal(kt_store_get_label(t->reader, store_test_text("l"), &none, &label), KT_ERR_MEMORY);
  assert_int_equal(kt_store_get_payload(t->reader, 1, 0, &none, &payload), KT_ERR_MEMORY);
  assert_int_equal(count_everything(t, t->reader), EVERYTHING);
}

#define BOTH(test)                                                          \
  cmocka_unit_test_setup_teardown(test, setup_memory, store_test_teardown), \
      cmocka_unit_test_setup_teardown(test, setup_sqlite, store_test_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
    BOTH(test_meta),
    BOTH(test_entries),
    BOTH(test_log_nodes),
    BOTH(test_entry_arguments),
    BOTH(test_nodes),
    BOTH(test_labels),
    BOTH(test_versions),
    BOTH(test_find_greatest),
    BOTH(test_erase),
    BOTH(test_proofs),
    BOTH(test_tokens),
    BOTH(test_rollback_leaves_nothing),
    BOTH(test_rolled_back_nodes_are_forgotten),
    BOTH(test_uncommitted_is_invisible),
    BOTH(test_transaction_rules),
    BOTH(test_read_bracket),
    BOTH(test_small_arena),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
