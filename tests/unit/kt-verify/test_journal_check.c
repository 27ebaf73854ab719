/* SPDX-License-Identifier: Apache-2.0 */
/* What a kill in the middle of a transaction leaves is taken back exactly as SQLite does it, and when a byte of it that counts
 * is another one it is refused, with nothing written. The file that is taken apart here was written by SQLite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "page_check.h"
#include "page_sum.h"

#define ROWS 200
#define FILE_MAX ((size_t)1 << 20)
#define SECTOR_LEN 512
#define RECORD_LEN (4 + KT_PAGE_LEN + 4)
#define AT_SUM 28
#define SEGMENTS_MAX 64

struct file {
  uint8_t bytes[FILE_MAX];
  size_t len;
};

struct fixture {
  char folder[64];
  char path[96];
  char journal_path[112];
  struct file rest; /* the database before the transaction */
  struct file half; /* with half of it */
  struct file journal;
  size_t headers[SEGMENTS_MAX]; /* where the headers are that were synced */
  size_t n_headers;
  size_t end; /* of what was synced */
};

static void read_file(const char *path, struct file *ret_file)
{
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  ret_file->len = fread(ret_file->bytes, 1, FILE_MAX, file);
  assert_in_range(ret_file->len, 1, FILE_MAX - 1);
  assert_int_equal(fclose(file), 0);
}

static void write_file(const char *path, const struct file *content)
{
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(content->bytes, 1, content->len, file), content->len);
  assert_int_equal(fclose(file), 0);
}

static sqlite3 *open_db(const struct fixture *f, const char *vfs)
{
  sqlite3 *db;
  assert_int_equal(kt_page_check_register(), SQLITE_OK);
  assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs), SQLITE_OK);
  return db;
}

static void run(sqlite3 *db, const char *sql)
{
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static uint32_t number(const uint8_t *bytes)
{
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* As SQLite's documentation of its file format has it. */
static void find_headers(struct fixture *f)
{
  static const uint8_t magic[] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };
  size_t at = 0;
  f->n_headers = 0;
  while (at + SECTOR_LEN <= f->journal.len && memcmp(f->journal.bytes + at, magic, sizeof magic) == 0) {
    assert_in_range(f->n_headers, 0, SEGMENTS_MAX - 1);
    f->headers[f->n_headers++] = at;
    f->end = at + SECTOR_LEN + (size_t)number(f->journal.bytes + at + 8) * RECORD_LEN;
    at = (f->end + SECTOR_LEN - 1) / SECTOR_LEN * SECTOR_LEN;
  }
}

/* A table, and a transaction over it that has to leave a cache of a few pages; the files in the middle of it. */
static void make(struct fixture *f, const char *vfs)
{
  sqlite3 *db = open_db(f, vfs);
  if (vfs != NULL) {
    assert_int_equal(kt_page_check_begin(db), SQLITE_OK);
  }
  run(db, "PRAGMA synchronous = FULL; PRAGMA cache_size = 20;"
          "CREATE TABLE t(k INTEGER PRIMARY KEY, v TEXT);"
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
          "INSERT INTO t SELECT i, printf('%0900d', 0) FROM n;"
          "UPDATE t SET v = printf('%0900d', k) WHERE k > 40");
  /* What was written stays in the cache without the checksum that it got on its way. */
  run(db, "UPDATE t SET v = printf('%0900d', k) WHERE k <= 40");
  read_file(f->path, &f->rest);
  run(db, "BEGIN IMMEDIATE; UPDATE t SET v = printf('%0900d', k + 1) WHERE k <= 40;"
          "UPDATE t SET v = printf('%0900d', k + 1) WHERE k > 40");
  read_file(f->path, &f->half);
  read_file(f->journal_path, &f->journal);
  run(db, "ROLLBACK");
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  find_headers(f);
  assert_in_range(f->n_headers, 2, SEGMENTS_MAX);
  assert_in_range(f->end, 1, f->journal.len - SECTOR_LEN); /* a header follows that was not synced */
}

static int set_up(void **context)
{
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  strcpy(f->folder, "/tmp/kt-journal-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  (void)snprintf(f->path, sizeof f->path, "%s/t.db", f->folder);
  (void)snprintf(f->journal_path, sizeof f->journal_path, "%s-journal", f->path);
  make(f, KT_PAGE_CHECK_VFS);
  *context = f;
  return 0;
}

static int tear_down(void **context)
{
  struct fixture *f = *context;
  (void)unlink(f->path);
  (void)unlink(f->journal_path);
  assert_int_equal(rmdir(f->folder), 0);
  free(f);
  return 0;
}

static void put_files(const struct fixture *f, const struct file *database)
{
  write_file(f->path, database);
  write_file(f->journal_path, &f->journal);
}

/* An extended result code; how many rows are as they were before the transaction. */
static int count_rows(sqlite3 *db, int *ret_n)
{
  sqlite3_stmt *rows = NULL;
  int rc = sqlite3_prepare_v2(db, "SELECT count(*) FROM t NOT INDEXED WHERE v = printf('%0900d', k)", -1, &rows, NULL);
  if (rc == SQLITE_OK && sqlite3_step(rows) == SQLITE_ROW) {
    *ret_n = sqlite3_column_int(rows, 0);
  } else {
    rc = sqlite3_extended_errcode(db);
  }
  (void)sqlite3_finalize(rows);
  return rc;
}

static void assert_taken_back(const struct fixture *f, const char *vfs)
{
  int n = -1;
  sqlite3 *db = open_db(f, vfs);
  assert_int_equal(count_rows(db, &n), SQLITE_OK);
  assert_int_equal(n, ROWS);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  assert_int_equal(access(f->journal_path, F_OK), -1);
}

static void assert_same_file(const char *path, const struct file *expected)
{
  static struct file found;
  read_file(path, &found);
  assert_int_equal(found.len, expected->len);
  assert_memory_equal(found.bytes, expected->bytes, found.len);
}

static void assert_refused(const struct fixture *f)
{
  int n = -1;
  put_files(f, &f->half);
  for (int i = 0; i < 2; i++) { /* the second look, too */
    sqlite3 *db = open_db(f, KT_PAGE_CHECK_VFS);
    assert_int_equal(count_rows(db, &n), SQLITE_IOERR_DATA);
    assert_int_equal(n, -1);
    assert_int_not_equal(sqlite3_exec(db, "DELETE FROM t", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_same_file(f->path, &f->half);
    assert_same_file(f->journal_path, &f->journal);
  }
}

static void assert_refused_with(struct fixture *f, size_t at, uint8_t byte)
{
  const uint8_t before = f->journal.bytes[at];
  if (byte != before) {
    f->journal.bytes[at] = byte;
    assert_refused(f);
    f->journal.bytes[at] = before;
  }
}

static void test_a_checksum_is_what_the_format_says(void **context)
{
  /* hashlib.sha256((4096).to_bytes(8, "big") + bytes(range(256)) * 15 + bytes(range(248))).digest()[:8] */
  static const uint8_t expected[] = { 0x27, 0x3c, 0xea, 0xd4, 0xdd, 0xc6, 0xa2, 0x80 };
  uint8_t page[KT_PAGE_LEN];
  (void)context;
  for (size_t i = 0; i < sizeof page; i++) {
    page[i] = (uint8_t)i;
  }
  kt_page_sum_put(page, KT_PAGE_LEN - KT_PAGE_SUM_LEN, 4096);
  assert_memory_equal(page + KT_PAGE_LEN - KT_PAGE_SUM_LEN, expected, sizeof expected);
  assert_true(kt_page_sum_holds(page, KT_PAGE_LEN - KT_PAGE_SUM_LEN, 4096));
  assert_false(kt_page_sum_holds(page, KT_PAGE_LEN - KT_PAGE_SUM_LEN, 8192));
}

static void test_what_a_kill_leaves_is_taken_back(void **context)
{
  struct fixture *f = *context;
  put_files(f, &f->half);
  assert_taken_back(f, KT_PAGE_CHECK_VFS);
}

/* Our checksums are where SQLite has nothing: a program that knows nothing of them takes back the very pages. */
static void test_sqlite_alone_takes_it_back_too(void **context)
{
  struct fixture *f = *context;
  put_files(f, &f->half);
  assert_taken_back(f, NULL);
  assert_same_file(f->path, &f->rest);
}

static void test_a_damaged_header_is_refused(void **context)
{
  struct fixture *f = *context;
  for (size_t i = 0; i < f->n_headers; i += f->n_headers - 1) { /* first and last */
    for (size_t at = 0; at < AT_SUM + KT_PAGE_SUM_LEN; at++) {
      assert_refused_with(f, f->headers[i] + at, f->journal.bytes[f->headers[i] + at] ^ 0x10);
    }
  }
}

/* A first byte of 0 is no journal to SQLite, a wrong magic its end, no records nothing to do. */
static void test_a_header_that_seems_to_be_none_is_refused(void **context)
{
  struct fixture *f = *context;
  for (size_t i = 0; i < f->n_headers; i++) {
    assert_refused_with(f, f->headers[i], 0);
    assert_refused_with(f, f->headers[i] + 11, 0);
  }
  memset(f->journal.bytes, 0, 12);
  assert_refused(f);
}

static void test_a_damaged_record_is_refused(void **context)
{
  static const size_t places[] = {
    0, 3, 4, 4 + 96, 4 + 500, KT_PAGE_LEN - 5, KT_PAGE_LEN - 4, KT_PAGE_LEN + 3, KT_PAGE_LEN + 4, KT_PAGE_LEN + 7
  };
  struct fixture *f = *context;
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    const size_t last = f->end - RECORD_LEN + places[i];
    assert_refused_with(f, SECTOR_LEN + places[i], f->journal.bytes[SECTOR_LEN + places[i]] ^ 1);
    assert_refused_with(f, last, f->journal.bytes[last] ^ 0x80);
  }
}

static void test_records_in_each_other_s_place_are_taken_back(void **context)
{
  struct fixture *f = *context;
  uint8_t *first = f->journal.bytes + SECTOR_LEN;
  uint8_t record[RECORD_LEN];
  assert_in_range(number(f->journal.bytes + 8), 2, 1000);
  memcpy(record, first, RECORD_LEN);
  memcpy(first, first + RECORD_LEN, RECORD_LEN);
  memcpy(first + RECORD_LEN, record, RECORD_LEN);
  put_files(f, &f->half); /* each has its page's number: the order says nothing */
  assert_taken_back(f, KT_PAGE_CHECK_VFS);
  memcpy(first, first + RECORD_LEN, 4); /* the page of another */
  assert_refused(f);
}

/* They were counted after they were synced. */
static void test_a_counted_record_that_is_missing_is_refused(void **context)
{
  struct fixture *f = *context;
  f->journal.len = f->end - 1;
  assert_refused(f);
  f->journal.len = SECTOR_LEN;
  assert_refused(f);
}

static void test_what_was_not_counted_does_not_count(void **context)
{
  struct fixture *f = *context;
  const size_t next = (f->end + SECTOR_LEN - 1) / SECTOR_LEN * SECTOR_LEN;
  memset(f->journal.bytes + next + SECTOR_LEN, 0x5a, f->journal.len - next - SECTOR_LEN); /* records */
  put_files(f, &f->half);
  assert_taken_back(f, KT_PAGE_CHECK_VFS);
  f->journal.bytes[next] = 0xd9; /* the header that was not synced yet, torn */
  put_files(f, &f->half);
  assert_taken_back(f, KT_PAGE_CHECK_VFS);
  for (size_t len = next + SECTOR_LEN; len >= f->end; len -= 100) {
    f->journal.len = len;
    put_files(f, &f->half);
    assert_taken_back(f, KT_PAGE_CHECK_VFS);
  }
}

/* The database is as it was: nothing of a transaction is in it before its journal was synced. */
static void test_a_journal_that_was_not_synced_is_none(void **context)
{
  static const size_t lengths[] = { 0, 1, AT_SUM, SECTOR_LEN - 1, SECTOR_LEN, SECTOR_LEN + RECORD_LEN - 1 };
  struct fixture *f = *context;
  int n;
  memset(f->journal.bytes, 0, 12);
  memset(f->journal.bytes + AT_SUM, 0, KT_PAGE_SUM_LEN);
  for (size_t i = 0; i <= sizeof lengths / sizeof lengths[0]; i++) {
    if (i < sizeof lengths / sizeof lengths[0]) {
      f->journal.len = lengths[i];
    } else {
      memset(f->journal.bytes, 0, f->journal.len);
    }
    put_files(f, &f->rest);
    sqlite3 *db = open_db(f, KT_PAGE_CHECK_VFS);
    assert_int_equal(count_rows(db, &n), SQLITE_OK);
    assert_int_equal(n, ROWS);
    run(db, "UPDATE t SET v = v"); /* and the next transaction is one */
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
  }
}

static void test_padding_is_not_looked_at(void **context)
{
  struct fixture *f = *context;
  f->journal.bytes[AT_SUM + KT_PAGE_SUM_LEN] ^= 1;
  f->journal.bytes[SECTOR_LEN - 1] ^= 1;
  put_files(f, &f->half);
  assert_taken_back(f, KT_PAGE_CHECK_VFS);
}

static void test_the_journal_of_an_earlier_version_is_taken_back(void **context)
{
  struct fixture *f = *context;
  for (size_t i = 0; i < f->n_headers; i++) {
    memset(f->journal.bytes + f->headers[i] + AT_SUM, 0, KT_PAGE_SUM_LEN);
  }
  put_files(f, &f->half);
  assert_taken_back(f, KT_PAGE_CHECK_VFS);
}

/* Such a file's pages are full to the last byte. */
static void test_a_file_without_checksums_has_a_journal_without(void **context)
{
  struct fixture *f = *context;
  static const uint8_t none[KT_PAGE_SUM_LEN];
  assert_int_equal(unlink(f->path), 0);
  make(f, NULL);
  put_files(f, &f->half);
  assert_taken_back(f, KT_PAGE_CHECK_VFS);
  sqlite3 *db = open_db(f, KT_PAGE_CHECK_VFS);
  run(db, "PRAGMA cache_size = 20; BEGIN; UPDATE t SET v = printf('%0900d', k + 1)");
  read_file(f->path, &f->half);
  read_file(f->journal_path, &f->journal);
  run(db, "ROLLBACK");
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  assert_memory_equal(f->journal.bytes + AT_SUM, none, sizeof none);
  put_files(f, &f->half);
  assert_taken_back(f, NULL);
  assert_same_file(f->path, &f->rest);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_checksum_is_what_the_format_says),
    TEST(test_what_a_kill_leaves_is_taken_back),
    TEST(test_sqlite_alone_takes_it_back_too),
    TEST(test_a_damaged_header_is_refused),
    TEST(test_a_header_that_seems_to_be_none_is_refused),
    TEST(test_a_damaged_record_is_refused),
    TEST(test_records_in_each_other_s_place_are_taken_back),
    TEST(test_a_counted_record_that_is_missing_is_refused),
    TEST(test_what_was_not_counted_does_not_count),
    TEST(test_a_journal_that_was_not_synced_is_none),
    TEST(test_padding_is_not_looked_at),
    TEST(test_the_journal_of_an_earlier_version_is_taken_back),
    TEST(test_a_file_without_checksums_has_a_journal_without),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
