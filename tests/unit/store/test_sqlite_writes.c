/* SPDX-License-Identifier: Apache-2.0 */
/* The durable backend at work: full and failing disks, checkpoints, pages, erasing, backups. */
#include "sqlite_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

/* --- failing writes --------------------------------------------------------------------------------------------- */

static void execute_on_writer(struct store_test *t, const char *sql)
{
  assert_int_equal(sqlite3_exec(kt_sqlite_of(t->writer)->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void test_full_disk(void **state)
{
  struct store_test *t = *state;
  store_test_open(t, true);
  store_test_append(t, 0);
  execute_on_writer(t, "PRAGMA max_page_count = 30");
  uint8_t *records = calloc(5000, TEST_NODE_LEN);
  assert_non_null(records);
  store_test_begin(t);
  store_test_put_entry(t, 1);
  assert_int_equal(kt_store_put_nodes(t->writer, 2, records, 5000), KT_ERR_STORE);
  assert_true(kt_store_is_full(t->writer));
  assert_non_null(strstr(kt_store_message(t->writer), "writing nodes: database or disk is full"));
  /* The rest of a transaction that lost a part must not become durable. */
  assert_int_equal(kt_store_put_meta(t->writer, "m", store_test_text("v")), KT_ERR_STORE);
  assert_int_equal(kt_store_commit(t->writer), KT_ERR_STORE);
  assert_true(kt_store_is_full(t->writer));
  assert_false(store_test_entry_is_there(t->reader, 1));
  execute_on_writer(t, "PRAGMA max_page_count = 100000"); /* there is room again */
  store_test_append(t, 1);
  assert_true(store_test_entry_is_there(t->reader, 1));
  struct kt_bytes value;
  assert_int_equal(kt_store_get_meta(t->reader, "m", &t->arena, &value), KT_ERR_ABSENT);
  free(records);
  store_test_close(t);
}

/* SQLite gives a transaction up by itself after some errors, those of reads included. Later writes must not then
 * commit one by one. */
static void test_transaction_given_up(void **state)
{
  struct store_test *t = *state;
  store_test_open(t, true);
  store_test_begin(t);
  store_test_put_entry(t, 0);
  execute_on_writer(t, "ROLLBACK");
  assert_int_equal(kt_store_put_meta(t->writer, "m", store_test_text("v")), KT_ERR_STORE);
  assert_non_null(strstr(kt_store_message(t->writer), "abort"));
  assert_int_equal(kt_store_commit(t->writer), KT_ERR_STORE);
  store_test_begin(t);
  execute_on_writer(t, "ROLLBACK");
  assert_int_equal(kt_store_commit(t->writer), KT_ERR_STORE);
  struct kt_bytes value;
  assert_int_equal(kt_store_get_meta(t->reader, "m", &t->arena, &value), KT_ERR_ABSENT);
  assert_false(store_test_entry_is_there(t->reader, 0));
  store_test_append(t, 0);
  assert_true(store_test_entry_is_there(t->reader, 0));
  store_test_close(t);
}

/* Somebody else was first only where the label exists. Another constraint that is broken is a failure of the store. */
static void test_label_number_is_taken(void **state)
{
  struct store_test *t = *state;
  struct kt_store_label label = { .label = store_test_text("alice") };
  uint64_t label_id = 0;
  store_test_open(t, true);
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_create_label(t->writer, &label, &label_id));
  assert_int_equal(kt_store_create_label(t->writer, &label, &label_id), KT_ERR_CONFLICT);
  execute_on_writer(t, "INSERT INTO labels VALUES (2, x'00', 1, 0, x'')");
  label.label = store_test_text("bob");
  assert_int_equal(kt_store_create_label(t->writer, &label, &label_id), KT_ERR_STORE);
  assert_non_null(strstr(kt_store_message(t->writer), "labels.label_id"));
  assert_int_equal(label_id, 1);
  assert_int_equal(kt_store_commit(t->writer), KT_ERR_STORE);
  assert_int_equal(kt_store_get_label(t->reader, store_test_text("alice"), &t->arena, &label), KT_ERR_ABSENT);
  store_test_close(t);
}

/* A table that is not as this program makes it does not take the row. */
static void test_label_value_is_refused(void **state)
{
  struct store_test *t = *state;
  struct kt_store_label label = { .label = store_test_text("alice") };
  uint64_t label_id = 0;
  store_test_open(t, true);
  execute_on_writer(t, "ALTER TABLE labels ADD COLUMN extra TEXT CHECK (extra IS NOT NULL)");
  store_test_begin(t);
  assert_int_equal(kt_store_create_label(t->writer, &label, &label_id), KT_ERR_STORE);
  kt_store_rollback(t->writer);
  store_test_close(t);
}

static void limit_file_size(rlim_t bytes)
{
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A write error at commit: refused, and the writer signs nothing more until the store is opened again. */
static void test_failing_disk(void **state)
{
  struct store_test *t = *state;
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
  store_test_open(t, true);
  store_test_append(t, 0);
  limit_file_size(64 << 10); /* the write-ahead log cannot grow beyond */
  uint64_t pos = 1;
  enum kt_err err = KT_OK;
  while (err == KT_OK && pos < 100) {
    store_test_begin(t);
    store_test_put_entry(t, pos);
    err = kt_store_commit(t->writer);
    pos += err == KT_OK;
  }
  assert_int_equal(err, KT_ERR_STORE);
  assert_false(kt_store_is_full(t->writer));
  assert_non_null(strstr(kt_store_message(t->writer), "committing: disk I/O error"));
  assert_int_equal(kt_store_begin(t->writer), KT_ERR_STORE);
  assert_non_null(strstr(kt_store_message(t->writer), "reopen"));
  limit_file_size(before.rlim_cur);
  store_test_close(t);
  store_test_open(t, false);
  uint64_t n = 0;
  store_test_ok(t, t->reader, kt_store_count_entries(t->reader, &n));
  assert_true(n >= pos);
  for (uint64_t i = 0; i < pos; i++) {
    assert_true(store_test_entry_is_there(t->reader, i));
  }
  store_test_append(t, n);
  store_test_close(t);
  (void)signal(SIGXFSZ, old_handler);
}

/* --- housekeeping ----------------------------------------------------------------------------------------------- */

/* 400 kB for each entry from `begin` to before `end`; the greatest length of the write-ahead log. */
static off_t fill_log(struct store_test *t, uint64_t begin, uint64_t end, bool is_idle)
{
  char wal[128];
  off_t longest = 0;
  uint8_t *records = calloc(5000, TEST_NODE_LEN);
  assert_non_null(records);
  (void)snprintf(wal, sizeof wal, "%s-wal", t->path);
  for (uint64_t i = begin; i < end; i++) {
    struct stat status;
    store_test_begin(t);
    store_test_ok(t, t->writer, kt_store_put_nodes(t->writer, i, records, 5000));
    store_test_commit(t);
    store_test_ok(t, t->writer, kt_store_maintain(t->writer, is_idle));
    assert_int_equal(stat(wal, &status), 0);
    longest = status.st_size > longest ? status.st_size : longest;
  }
  free(records);
  return longest;
}

static void test_checkpoint_bounds_the_log(void **state)
{
  struct store_test *t = *state;
  store_test_open(t, true);
  off_t longest = fill_log(t, 0, 60, true); /* 24 MB of records in all */
  assert_true(longest > 0 && longest < 2 << 20);
  store_test_close(t);
}

/* Without a pause the log grows longer, but not for ever. */
static void test_checkpoint_bounds_the_log_under_load(void **state)
{
  struct store_test *t = *state;
  store_test_open(t, true);
  off_t longest = fill_log(t, 0, 200, false); /* 80 MB of records in all */
  assert_true(longest > 16 << 20 && longest < 34 << 20);
  store_test_close(t);
}

/* Two handles in turns: at any time one of them has a snapshot. */
struct busy_readers {
  struct kt_store_conn *conns[2];
  atomic_bool is_over;
  int n_failures;
};

static void *read_without_a_pause(void *arg)
{
  const struct timespec turn = { .tv_nsec = 1000000 };
  struct busy_readers *readers = arg;
  for (uint64_t i = 0; i == 0 || !atomic_load(&readers->is_over); i++) {
    struct kt_store_conn *conn = readers->conns[i % 2];
    uint64_t n = 0;
    readers->n_failures += kt_store_read_begin(conn) != KT_OK || kt_store_count_entries(conn, &n) != KT_OK;
    (void)nanosleep(&turn, NULL);
    kt_store_read_end(readers->conns[(i + 1) % 2]);
  }
  kt_store_read_end(readers->conns[0]);
  kt_store_read_end(readers->conns[1]);
  return NULL;
}

static off_t fill_log_beside_readers(struct store_test *t, uint64_t n, bool is_idle)
{
  pthread_t thread;
  store_test_open(t, true);
  struct busy_readers readers = { .conns = { t->reader } };
  assert_int_equal(kt_store_open_reader(t->store, &readers.conns[1], &t->error), KT_OK);
  assert_int_equal(pthread_create(&thread, NULL, read_without_a_pause, &readers), 0);
  off_t longest = fill_log(t, 0, n, is_idle);
  atomic_store(&readers.is_over, true);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(readers.n_failures, 0);
  kt_store_close_conn(readers.conns[1]);
  store_test_close(t);
  return longest;
}

static void test_checkpoint_bounds_the_log_beside_readers(void **state)
{
  /* 164 MiB of log in all; a busy machine may let some tries pass. */
  assert_true(fill_log_beside_readers(*state, 300, false) < 136 << 20);
}

static void test_checkpoint_bounds_the_log_beside_readers_when_idle(void **state)
{
  assert_true(fill_log_beside_readers(*state, 300, true) < 80 << 20);
}

/* A backup of a large log: what was written meanwhile stays in the log, commits go on, and then the log begins anew. */
static void test_a_long_snapshot_stops_nobody(void **state)
{
  struct store_test *t = *state;
  uint64_t n = 0;
  store_test_open(t, true);
  store_test_ok(t, t->reader, kt_store_read_begin(t->reader));
  store_test_ok(t, t->reader, kt_store_count_entries(t->reader, &n));
  off_t beside = fill_log(t, 0, 120, false); /* 48 MB of records */
  assert_true(beside > 48 << 20);
  kt_store_read_end(t->reader);
  off_t after = fill_log(t, 120, 320, false); /* 80 MB of them */
  assert_true(after < beside + (34 << 20));
  store_test_close(t);
}

/* Pages of a table by SQLite's own account: bytes in all, of them unused, and overflow pages. */
static void measure_table(struct store_test *t, const char *table, int64_t ret_sizes[static 3])
{
  sqlite3_stmt *stmt = NULL;
  sqlite3 *db = kt_sqlite_of(t->reader)->db;
  int rc = sqlite3_prepare_v2(
      db, "SELECT sum(pgsize), sum(unused), sum(pagetype = 'overflow') FROM dbstat WHERE name = ?1", -1, &stmt, NULL);
  if (rc != SQLITE_OK) {
    skip(); /* a SQLite without dbstat */
  }
  assert_int_equal(sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  for (int i = 0; i < 3; i++) {
    ret_sizes[i] = sqlite3_column_int64(stmt, i);
  }
  assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
}

/* Full entries: rows of nodes and of leaves fill their pages. */
static void test_rows_fill_pages(void **state)
{
  struct store_test *t = *state;
  enum { N_ENTRIES = 60, N_NODES = 2011, N_LEAVES = 255, NODE_LEN = 56 };
  struct kt_store_options options = store_test_options(true);
  options.node_len = NODE_LEN;
  uint8_t *records = calloc(N_NODES, KT_STORE_LEAF_LEN);
  int64_t sizes[3] = { 0 };
  assert_non_null(records);
  store_test_ok(t, NULL, kt_store_open_sqlite(t->path, &options, &t->store, &t->error));
  store_test_ok(t, NULL, kt_store_open_writer(t->store, &t->writer, &t->error));
  store_test_ok(t, NULL, kt_store_open_reader(t->store, &t->reader, &t->error));
  for (uint64_t pos = 0; pos < N_ENTRIES; pos++) {
    const struct kt_store_entry entry = store_test_entry(pos);
    size_t n_log_nodes = 1;
    while ((pos >> (n_log_nodes - 1) & 1) != 0) {
      n_log_nodes++;
    }
    store_test_begin(t);
    store_test_ok(t, t->writer, kt_store_put_nodes(t->writer, pos, records, N_NODES));
    store_test_ok(t, t->writer,
                  kt_store_put_entry(t->writer, pos, &entry, (struct kt_bytes){ records, N_LEAVES * KT_STORE_LEAF_LEN },
                                     (struct kt_bytes){ records, n_log_nodes * KT_HASH_LEN }));
    store_test_commit(t);
  }
  free(records);
  measure_table(t, "prefix_nodes", sizes);
  assert_true(sizes[0] < (int64_t)N_ENTRIES * N_NODES * NODE_LEN * 106 / 100);
  assert_int_equal(sizes[2], 0);
  measure_table(t, "prefix_leaves", sizes);
  assert_true(sizes[0] < (int64_t)N_ENTRIES * N_LEAVES * KT_STORE_LEAF_LEN * 109 / 100);
  assert_int_equal(sizes[2], 0);
  store_test_close(t);
}

/* The bytes of an erased value are gone from the files, not only from the tables. */
static void test_erased_bytes_are_gone(void **state)
{
  struct store_test *t = *state;
  static const char secret[] = "the quick brown fox is personal data";
  store_test_open(t, true);
  struct kt_store_version data = { .pos = 0 };
  struct kt_store_payload payload = { .value = store_test_text(secret) };
  store_test_begin(t);
  store_test_ok(t, t->writer, kt_store_put_version(t->writer, 1, 0, &data, &payload));
  store_test_commit(t);
  for (int round = 0; round < 2; round++) {
    kt_store_close_conn(t->reader);
    kt_store_close_conn(t->writer); /* the last handle: everything goes to the main file */
    size_t len = 0;
    uint8_t *bytes = sqlite_test_read_file(t->path, &len);
    bool is_there = false;
    for (size_t i = 0; i + sizeof secret <= len + 1; i++) {
      is_there = is_there || memcmp(bytes + i, secret, sizeof secret - 1) == 0;
    }
    free(bytes);
    assert_int_equal(is_there, round == 0);
    store_test_ok(t, NULL, kt_store_open_writer(t->store, &t->writer, &t->error));
    store_test_ok(t, NULL, kt_store_open_reader(t->store, &t->reader, &t->error));
    store_test_begin(t);
    store_test_ok(t, t->writer, kt_store_erase_version(t->writer, 1, 0));
    store_test_commit(t);
  }
  store_test_close(t);
}

static void test_backup(void **state)
{
  struct store_test *t = *state;
  char copy[128];
  (void)snprintf(copy, sizeof copy, "%s/backup'; --.db", t->dir);
  store_test_open(t, true);
  for (uint64_t pos = 0; pos < 30; pos++) {
    store_test_append(t, pos);
  }
  store_test_begin(t);
  store_test_put_entry(t, 30); /* not committed: not in the backup */
  store_test_ok(t, t->reader, kt_store_backup(t->reader, copy));
  store_test_commit(t);
  assert_int_equal(kt_store_backup(t->reader, copy), KT_ERR_CONFLICT);
  assert_int_equal(kt_store_backup(t->writer, copy), KT_ERR_USAGE);
  assert_int_equal(kt_store_backup(t->reader, "/nonexistent/backup.db"), KT_ERR_STORE);
  store_test_close(t);
  struct stat status;
  assert_int_equal(stat(copy, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  assert_int_equal(rename(copy, t->path), 0);
  store_test_open(t, false);
  store_test_ok(t, t->reader, kt_store_verify(t->reader));
  uint64_t n = 0;
  store_test_ok(t, t->reader, kt_store_count_entries(t->reader, &n));
  assert_int_equal(n, 30);
  for (uint64_t pos = 0; pos < n; pos++) {
    assert_true(store_test_entry_is_there(t->reader, pos));
  }
  store_test_append(t, 30);
  store_test_close(t);
}

/* The least there can be, and a little: every answer is right. */
static void test_small_cache(void **state)
{
  struct store_test *t = *state;
  sqlite_test_make_log(t, 60);
  struct kt_store_options options = store_test_options(false);
  for (options.cache_bytes = 0; options.cache_bytes <= 64 << 10; options.cache_bytes += 16 << 10) {
    store_test_ok(t, NULL, kt_store_open_sqlite(t->path, &options, &t->store, &t->error));
    store_test_ok(t, NULL, kt_store_open_reader(t->store, &t->reader, &t->error));
    for (uint64_t i = 0; i < 180; i++) {
      assert_true(store_test_entry_is_there(t->reader, i * 7 % 60));
    }
    store_test_close(t);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    CASE(test_full_disk),
    CASE(test_transaction_given_up),
    CASE(test_label_number_is_taken),
    CASE(test_label_value_is_refused),
    CASE(test_failing_disk),
    CASE(test_checkpoint_bounds_the_log),
    CASE(test_checkpoint_bounds_the_log_under_load),
    CASE(test_checkpoint_bounds_the_log_beside_readers),
    CASE(test_checkpoint_bounds_the_log_beside_readers_when_idle),
    CASE(test_a_long_snapshot_stops_nobody),
    CASE(test_rows_fill_pages),
    CASE(test_erased_bytes_are_gone),
    CASE(test_backup),
    CASE(test_small_cache),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
