/* SPDX-License-Identifier: Apache-2.0 */
/* Erasing labels: rows, queued proofs, numbers; and no copy left in any byte of the files. */
#include "sqlite_test.h"

#define N_LABELS 1500
#define N_UPDATES 6000
#define N_AT_ONCE 50 /* updates in a transaction */
#define LABEL_LEN_MAX 200
#define MARK_LEN 24 /* a label, or the end of a value: bytes that are nowhere else */

static const size_t label_lens[] = { MARK_LEN, 40, 90, LABEL_LEN_MAX };
static const size_t value_lens[] = { 60, 200, 900, 2000 };

/* Every label, and every value's end, is such a mark: found by its first bytes, and then it says whose it is. */
static const uint8_t mark_start[8] = { 0xf1, 0xe2, 'm', 'a', 'r', 'k', 0xd3, 0xc4 };

static void mark(uint64_t label_id, uint64_t seed, uint8_t ret_mark[static MARK_LEN])
{
  memcpy(ret_mark, mark_start, 8);
  memcpy(ret_mark + 8, &label_id, 8);
  memcpy(ret_mark + 16, &seed, 8);
}

/* The next version of a label whose row is at hand, in the open transaction. */
static void put_version(struct store_test *t, struct kt_store_label *label)
{
  static uint8_t value[2000];
  size_t len = value_lens[(label->label_id + label->n_versions) % 4];
  struct kt_store_payload payload = { .value = { value, len } };
  const struct kt_store_version data = { .pos = label->n_versions };
  memset(value, 0x11, sizeof value);
  mark(label->label_id, label->n_versions, value + len - MARK_LEN);
  store_test_ok(t, t->writer,
                kt_store_put_version(t->writer, label->label_id, (uint32_t)label->n_versions, &data, &payload));
}

/* label_id: the number it is expected to get. */
static void create_label(struct store_test *t, uint64_t label_id)
{
  uint8_t text[LABEL_LEN_MAX] = { 0x22 };
  struct kt_store_label label = { .label = { text, label_lens[label_id % 4] } };
  mark(label_id, UINT64_MAX, text);
  store_test_ok(t, t->writer, kt_store_create_label(t->writer, &label, &label.label_id));
  assert_int_equal(label.label_id, label_id);
}

/* Rows grow in the middle of the tables, so pages are split and filled anew again and again. */
static void update_label(struct store_test *t, uint64_t label_id)
{
  struct kt_arena arena;
  struct kt_store_label label;
  uint8_t state[120];
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  store_test_ok(t, t->writer, kt_store_next_label(t->writer, label_id - 1, &arena, &label));
  put_version(t, &label);
  label.n_versions++;
  label.state = (struct kt_bytes){ state, 40 + label.n_versions * 13 % 80 };
  store_test_fill(label_id, state, sizeof state);
  store_test_ok(t, t->writer, kt_store_update_label(t->writer, &label));
  kt_arena_release(&arena);
}

static uint64_t dice(uint64_t *seed, uint64_t sides)
{
  *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (*seed >> 33) % sides;
}

static bool is_erased(uint64_t label_id)
{
  return label_id % 3 == 0;
}

/* Updates of labels in no order; of those that were not erased, when `kept`. */
static void update_many(struct store_test *t, uint64_t seed, bool kept)
{
  store_test_begin(t);
  for (uint64_t i = 0; i < N_UPDATES; i++) {
    uint64_t label_id = 1 + dice(&seed, N_LABELS);
    update_label(t, kept && is_erased(label_id) ? label_id - 1 : label_id);
    if (i % N_AT_ONCE == 0) {
      store_test_commit(t);
      store_test_ok(t, t->writer, kt_store_maintain(t->writer, true));
      store_test_begin(t);
    }
  }
  store_test_commit(t);
}

static void fill(struct store_test *t)
{
  store_test_begin(t);
  for (uint64_t i = 1; i <= N_LABELS; i++) {
    create_label(t, i);
    update_label(t, i);
  }
  store_test_commit(t);
  update_many(t, 1, false);
}

static void erase_a_third(struct store_test *t)
{
  store_test_begin(t);
  for (uint64_t i = 3; i <= N_LABELS; i += 3) {
    store_test_ok(t, t->writer, kt_store_erase_label(t->writer, i));
  }
  store_test_commit(t);
}

/* The marks of erased labels (or of the others) in a file. */
static size_t count_in(const char *path, bool erased)
{
  size_t len = 0;
  size_t n = 0;
  uint8_t *bytes = sqlite_test_read_file(path, &len);
  for (size_t i = 0; i + MARK_LEN <= len; i++) {
    uint64_t label_id;
    if (bytes[i] == mark_start[0] && memcmp(bytes + i, mark_start, 8) == 0) {
      memcpy(&label_id, bytes + i + 8, 8);
      n += is_erased(label_id) == erased ? 1 : 0;
    }
  }
  free(bytes);
  return n;
}

static size_t count_marks(const struct store_test *t, bool erased)
{
  char wal[128];
  (void)snprintf(wal, sizeof wal, "%s-wal", t->path);
  return count_in(t->path, erased) + count_in(wal, erased);
}

/* Empties the write-ahead log, as a checkpoint or the last handle's end does; the pages stay as SQLite left them. */
static void reopen(struct store_test *t)
{
  store_test_close(t);
  store_test_open(t, false);
}

/* Otherwise the next test shows nothing: without the wash, some bytes are left. */
static void deleting_alone_leaves_some(void **state)
{
  struct store_test *t = *state;
  store_test_open(t, true);
  fill(t);
  erase_a_third(t);
  reopen(t);
  assert_true(count_marks(t, true) > 0);
  store_test_ok(t, t->writer, kt_store_wash(t->writer)); /* in another run than the erasure */
  assert_int_equal(count_marks(t, true), 0);
  store_test_close(t);
}

/* With room for all pages, so that what the writer remembers of them lasts. */
static void open_with_large_cache(struct store_test *t)
{
  const struct kt_store_options options = { .create = true,
                                            .node_len = TEST_NODE_LEN,
                                            .cache_bytes = (size_t)128 << 20 };
  store_test_ok(t, NULL, kt_store_open_sqlite(t->path, &options, &t->store, &t->error));
  store_test_ok(t, NULL, kt_store_open_writer(t->store, &t->writer, &t->error));
  store_test_ok(t, NULL, kt_store_open_reader(t->store, &t->reader, &t->error));
}

static void no_byte_of_erased_labels_is_left(void **state)
{
  struct store_test *t = *state;
  open_with_large_cache(t);
  fill(t);
  erase_a_third(t);
  assert_true(kt_store_wash_is_due(t->writer));
  size_t n_kept = count_marks(t, false);
  store_test_ok(t, t->writer, kt_store_wash(t->writer));
  assert_false(kt_store_wash_is_due(t->writer));
  assert_int_equal(count_marks(t, true), 0);
  assert_true(n_kept >= N_LABELS * 2 / 3);
  store_test_ok(t, t->reader, kt_store_verify(t->reader));
  /* what the writer has in memory must not bring them back */
  update_many(t, 2, true);
  assert_int_equal(count_marks(t, true), 0);
  reopen(t);
  assert_int_equal(count_marks(t, true), 0);
  store_test_ok(t, t->reader, kt_store_verify(t->reader));
  store_test_close(t);
}

/* A reader's old state holds the bytes back; the next attempt succeeds, also in another run. */
static void readers_hold_the_wash_back(void **state)
{
  struct store_test *t = *state;
  uint64_t n;
  store_test_open(t, true);
  store_test_begin(t);
  create_label(t, 1);
  update_label(t, 1);
  store_test_commit(t);
  store_test_ok(t, t->reader, kt_store_read_begin(t->reader));
  store_test_ok(t, t->reader, kt_store_count_entries(t->reader, &n));
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_erase_label(t->writer, 1));
  store_test_commit(t);
  assert_int_equal(kt_store_wash(t->writer), KT_ERR_UNDETERMINED);
  assert_true(kt_store_wash_is_due(t->writer));
  kt_store_read_end(t->reader);
  reopen(t);
  assert_true(kt_store_wash_is_due(t->writer));
  store_test_ok(t, t->writer, kt_store_wash(t->writer));
  reopen(t);
  assert_false(kt_store_wash_is_due(t->writer));
  store_test_close(t);
}

static void a_rollback_erases_nothing(void **state)
{
  struct store_test *t = *state;
  uint8_t text[40] = { 0x22 };
  struct kt_store_label label;
  store_test_open(t, true);
  store_test_begin(t);
  create_label(t, 1);
  store_test_commit(t);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_erase_label(t->writer, 1));
  assert_int_equal(kt_store_wash(t->writer), KT_ERR_USAGE);
  kt_store_rollback(t->writer);
  assert_false(kt_store_wash_is_due(t->writer));
  mark(1, UINT64_MAX, text);
  store_test_ok(t, t->reader, kt_store_get_label(t->reader, (struct kt_bytes){ text, sizeof text }, &t->arena, &label));
  store_test_close(t);
}

/* What was computed for an erased label under its number must never be taken for another's. */
static void numbers_are_not_used_twice(void **state)
{
  struct store_test *t = *state;
  const struct kt_store_proof proof = { .has_output = true, .len = 80 };
  struct kt_store_proof found;
  struct kt_store_label label;
  store_test_begin(t);
  create_label(t, 1);
  create_label(t, 2);
  update_label(t, 2);
  store_test_ok(t, t->writer, store_test_put_proof(t, 2, 0, &proof));
  store_test_commit(t);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_erase_label(t->writer, 2));
  assert_int_equal(kt_store_erase_label(t->writer, 2), KT_ERR_ABSENT);
  store_test_commit(t);
  assert_int_equal(kt_store_get_proof(t->reader, 2, 0, &found), KT_ERR_ABSENT);
  assert_int_equal(kt_store_next_label(t->reader, 1, &t->arena, &label), KT_ERR_ABSENT);
  store_test_reopen(t);
  (void)kt_store_queue_proof(t->store, 2, 0, &proof);
  (void)kt_store_queue_proof(t->store, 1, 0, &proof);
  store_test_begin(t);
  create_label(t, 3);
  store_test_ok(t, t->writer, kt_store_drain_proofs(t->writer));
  store_test_commit(t);
  assert_int_equal(kt_store_get_proof(t->reader, 2, 0, &found), KT_ERR_ABSENT);
  store_test_ok(t, t->reader, kt_store_get_proof(t->reader, 1, 0, &found));
  store_test_ok(t, t->reader, kt_store_next_label(t->reader, 1, &t->arena, &label));
  assert_int_equal(label.label_id, 3);
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
    CASE(deleting_alone_leaves_some),
    CASE(no_byte_of_erased_labels_is_left),
    CASE(readers_hold_the_wash_back),
    CASE(a_rollback_erases_nothing),
    cmocka_unit_test_setup_teardown(numbers_are_not_used_twice, memory_setup, store_test_teardown),
    cmocka_unit_test_setup_teardown(numbers_are_not_used_twice, sqlite_setup, store_test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
