/* SPDX-License-Identifier: Apache-2.0 */
/* What only the durable backend has: files that are not ours or damaged, and the settings of a connection. */
#include "sqlite_test.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "store/files.h"

/* Opening must fail like this, with a message that holds `text`. */
static void assert_refused(struct store_test *t, bool create, enum kt_err want, const char *text)
{
  struct kt_store_options options = store_test_options(create);
  memset(&t->error, 0, sizeof t->error);
  assert_int_equal(kt_store_open_sqlite(t->path, &options, &t->store, &t->error), want);
  assert_null(t->store);
  if (strstr(t->error.text, text) == NULL) {
    fail_msg("\"%s\" does not tell: %s", t->error.text, text);
  }
}

static void write_file(const char *path, const void *data, size_t len)
{
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static void execute(const char *path, const char *sql)
{
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* --- files that are refused ------------------------------------------------------------------------------------- */

static void test_create_and_open(void **state)
{
  struct store_test *t = *state;
  assert_refused(t, false, KT_ERR_ABSENT, t->path);
  sqlite_test_make_log(t, 1);
  assert_refused(t, true, KT_ERR_CONFLICT, t->path);
  struct stat status;
  assert_int_equal(stat(t->path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  store_test_open(t, false);
  assert_true(store_test_entry_is_there(t->reader, 0)); /* the refused creation has not touched it */
  store_test_close(t);
}

static void test_empty_file(void **state)
{
  struct store_test *t = *state;
  write_file(t->path, "", 0);
  assert_refused(t, false, KT_ERR_STORE, "is empty");
}

static void test_not_a_database(void **state)
{
  struct store_test *t = *state;
  char text[2000];
  memset(text, 'x', sizeof text);
  write_file(t->path, text, sizeof text);
  assert_refused(t, false, KT_ERR_STORE, "not a database");
}

static void test_foreign_database(void **state)
{
  struct store_test *t = *state;
  execute(t->path, "CREATE TABLE songs (name TEXT)");
  size_t len_before = 0;
  size_t len_after = 0;
  uint8_t *before = sqlite_test_read_file(t->path, &len_before);
  assert_refused(t, false, KT_ERR_UNSUPPORTED, "is not the database of a key transparency log");
  uint8_t *after = sqlite_test_read_file(t->path, &len_after);
  assert_int_equal(len_after, len_before);
  assert_memory_equal(after, before, len_before);
  free(before);
  free(after);
}

static void test_newer_format(void **state)
{
  struct store_test *t = *state;
  sqlite_test_make_log(t, 1);
  execute(t->path, "PRAGMA user_version = 4");
  assert_refused(t, false, KT_ERR_UNSUPPORTED, "format 4");
}

static void test_other_node_len(void **state)
{
  struct store_test *t = *state;
  sqlite_test_make_log(t, 1);
  struct kt_store_options options = store_test_options(false);
  options.node_len = TEST_NODE_LEN + 1;
  assert_int_equal(kt_store_open_sqlite(t->path, &options, &t->store, &t->error), KT_ERR_UNSUPPORTED);
  assert_non_null(strstr(t->error.text, "records of 80 bytes"));
  options.node_len = 0;
  assert_int_equal(kt_store_open_sqlite(t->path, &options, &t->store, &t->error), KT_ERR_USAGE);
}

static void test_truncated(void **state)
{
  struct store_test *t = *state;
  sqlite_test_make_log(t, 60);
  struct stat status;
  assert_int_equal(stat(t->path, &status), 0);
  assert_int_equal(truncate(t->path, status.st_size / 2), 0);
  assert_refused(t, false, KT_ERR_STORE, "malformed");
}

static void test_damaged_page_is_found(void **state)
{
  struct store_test *t = *state;
  sqlite_test_make_log(t, 60);
  uint8_t garbage[4096];
  memset(garbage, 0xff, sizeof garbage);
  int fd = open(t->path, O_WRONLY);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, garbage, sizeof garbage, 20 * (off_t)sizeof garbage), sizeof garbage);
  assert_int_equal(close(fd), 0);
  store_test_open(t, false);
  assert_int_equal(kt_store_verify(t->reader), KT_ERR_STORE);
  assert_non_null(strstr(kt_store_message(t->reader), "checking the database"));
  store_test_close(t);
}

static void test_missing_entry_is_found(void **state)
{
  struct store_test *t = *state;
  sqlite_test_make_log(t, 10);
  execute(t->path, "DELETE FROM entries WHERE pos = 4");
  store_test_open(t, false);
  assert_int_equal(kt_store_verify(t->reader), KT_ERR_STORE);
  assert_non_null(strstr(kt_store_message(t->reader), "there are 9 from number 0 on, but the last is number 9"));
  store_test_close(t);
}

static void test_damaged_column_is_an_error(void **state)
{
  struct store_test *t = *state;
  sqlite_test_make_log(t, 10);
  execute(t->path, "UPDATE entries SET prefix_root = x'00' WHERE pos = 4");
  store_test_open(t, false);
  struct kt_store_entry entry;
  assert_int_equal(kt_store_get_entry(t->reader, 4, &entry), KT_ERR_STORE);
  assert_non_null(strstr(kt_store_message(t->reader), "reading an entry"));
  assert_false(kt_store_is_full(t->reader));
  assert_true(store_test_entry_is_there(t->reader, 5));
  store_test_close(t);
}

static enum kt_err put_leaf_and_node(struct store_test *t, uint64_t pos)
{
  const struct kt_store_entry entry = store_test_entry(pos);
  uint8_t bytes[64 * KT_HASH_LEN] = { (uint8_t)pos };
  const size_t n_log_nodes = 1 + (size_t)__builtin_ctzll(pos + 1);
  store_test_begin(t);
  enum kt_err err = kt_store_put_nodes(t->writer, pos, bytes, 1);
  return err != KT_OK ? err
                      : kt_store_put_entry(t->writer, pos, &entry, (struct kt_bytes){ bytes, KT_STORE_LEAF_LEN },
                                           (struct kt_bytes){ bytes, n_log_nodes * KT_HASH_LEN });
}

static unsigned root_page_of(const char *path, const char *table)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?1", -1, &stmt, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  const unsigned page = (unsigned)sqlite3_column_int(stmt, 0);
  assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  return page;
}

/* A damaged number in the middle of a page: the next row goes to the end, and whoever looks for it turns the other way. */
static void check_row_that_nobody_finds(struct store_test *t, const char *table, const char *message)
{
  enum { N = 8, PAGE = 4096, TABLE_LEAF = 13 };
  size_t len = 0;
  store_test_open(t, true);
  for (uint64_t pos = 0; pos < N; pos++) {
    assert_int_equal(put_leaf_and_node(t, pos), KT_OK);
    store_test_commit(t);
  }
  store_test_close(t);
  uint8_t *data = sqlite_test_read_file(t->path, &len);
  uint8_t *page = data + (size_t)(root_page_of(t->path, table) - 1) * PAGE;
  assert_int_equal(page[0], TABLE_LEAF);
  assert_int_equal(page[3] << 8 | page[4], N);
  uint8_t *number = page + (page[8 + N] << 8 | page[8 + N + 1]); /* of row N / 2, behind its length */
  while ((*number++ & 0x80) != 0) {
  }
  assert_in_range(number[0], 0x80, 0xbe); /* of two bytes */
  number[0] = 0xbf;
  write_file(t->path, data, len);
  free(data);
  store_test_open(t, false);
  assert_int_equal(put_leaf_and_node(t, N), KT_ERR_STORE);
  assert_string_equal(kt_store_message(t->writer), message);
  assert_true(kt_store_is_damaged(t->writer));
  kt_store_rollback(t->writer);
  assert_false(store_test_entry_is_there(t->writer, N));
  store_test_close(t);
}

static void test_leaves_that_nobody_finds(void **state)
{
  check_row_that_nobody_finds(*state, "prefix_leaves",
                              "reading leaf changes: database disk image is malformed (SQLite error 11)");
}

static void test_nodes_that_nobody_finds(void **state)
{
  check_row_that_nobody_finds(*state, "prefix_nodes",
                              "reading a node: database disk image is malformed (SQLite error 11)");
}

/* Root may write everywhere, so a child without privileges tries. 0: refused with a message. */
static int open_without_privileges(struct store_test *t, bool create)
{
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
      _exit(2);
    }
    struct kt_store_options options = store_test_options(create);
    enum kt_err err = kt_store_open_sqlite(t->path, &options, &t->store, &t->error);
    _exit(err == KT_ERR_STORE && t->error.text[0] != '\0' ? 0 : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static void test_read_only_directory(void **state)
{
  struct store_test *t = *state;
  assert_int_equal(chmod(t->dir, 0555), 0);
  assert_int_equal(open_without_privileges(t, true), 0);
  assert_int_equal(chmod(t->dir, 0755), 0);
  sqlite_test_make_log(t, 1);
  assert_int_equal(chmod(t->path, 0444), 0);
  assert_int_equal(chmod(t->dir, 0555), 0);
  assert_int_equal(open_without_privileges(t, false), 0);
  assert_int_equal(chmod(t->dir, 0755), 0);
}

/* --- settings that durability and erasure rest on -------------------------------------------------------------- */

static void assert_pragma(const struct kt_store_conn *conn, const char *sql, const char *want)
{
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(sqlite3_prepare_v2(kt_sqlite_of(conn)->db, sql, -1, &stmt, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  assert_string_equal((const char *)sqlite3_column_text(stmt, 0), want);
  assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
}

/* Piece by piece to the end of the file, and not further. */
static void test_page_in(void **state)
{
  struct store_test *t = *state;
  struct stat status;
  uint8_t room[4000];
  uint64_t at = 0;
  size_t n = 0;
  store_test_open(t, true);
  for (uint64_t pos = 0; pos < 60; pos++) {
    store_test_append(t, pos);
  }
  store_test_reopen(t); /* the write-ahead log is in the file now */
  assert_int_equal(stat(t->path, &status), 0);
  const uint64_t size = (uint64_t)status.st_size;
  assert_false(kt_store_page_in(t->reader, size - 1, &at, room, sizeof room)); /* too large */
  assert_int_equal(at, 0);
  while (kt_store_page_in(t->reader, size, &at, room, sizeof room)) {
    n++;
    assert_int_equal(at, n * sizeof room < size ? n * sizeof room : size);
  }
  assert_int_equal(at, size);
  assert_true(n > 1);
  assert_true(store_test_entry_is_there(t->reader, 59));
  store_test_close(t);
}

static void test_settings(void **state)
{
  struct store_test *t = *state;
  for (int create = 1; create >= 0; create--) {
    store_test_open(t, create == 1);
    assert_pragma(t->writer, "PRAGMA journal_mode", "wal");
    assert_pragma(t->writer, "PRAGMA synchronous", "2"); /* FULL */
    assert_pragma(t->writer, "PRAGMA wal_autocheckpoint", "0");
    assert_pragma(t->writer, "PRAGMA secure_delete", "1");
    assert_pragma(t->reader, "PRAGMA journal_mode", "wal");
    assert_pragma(t->reader, "PRAGMA wal_autocheckpoint", "0");
    assert_pragma(t->reader, "PRAGMA query_only", "1");
    store_test_close(t);
  }
}

/* Only what is known counts: a name that cannot be looked up at the moment is no loss. */
static void test_a_replaced_file(void **state)
{
  char other[128];
  char below[128];
  struct kt_store_error error;
  struct store_test *t = *state;
  sqlite_test_make_log(t, 1);
  (void)snprintf(other, sizeof other, "%s.other", t->path);
  (void)snprintf(below, sizeof below, "%s/below", t->path);
  assert_int_equal(kt_file_create(other, &error), KT_OK);
  const ino_t inode = kt_file_inode(t->path);
  assert_true(inode != 0 && inode != kt_file_inode(other));
  assert_int_equal(kt_file_inode(below), 0);
  assert_false(kt_file_is_replaced(t->path, inode));
  assert_false(kt_file_is_replaced(t->path, 0));
  assert_true(kt_file_is_replaced(other, inode));
  assert_true(kt_file_is_replaced(below, inode)); /* ENOTDIR */
  assert_int_equal(unlink(other), 0);
  assert_true(kt_file_is_replaced(other, inode));
  assert_int_equal(symlink(other, other), 0);
  assert_false(kt_file_is_replaced(other, inode)); /* ELOOP */
  assert_int_equal(unlink(other), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    CASE(test_create_and_open),
    CASE(test_empty_file),
    CASE(test_not_a_database),
    CASE(test_foreign_database),
    CASE(test_newer_format),
    CASE(test_other_node_len),
    CASE(test_truncated),
    CASE(test_damaged_page_is_found),
    CASE(test_missing_entry_is_found),
    CASE(test_damaged_column_is_an_error),
    CASE(test_leaves_that_nobody_finds),
    CASE(test_nodes_that_nobody_finds),
    CASE(test_read_only_directory),
    CASE(test_page_in),
    CASE(test_settings),
    CASE(test_a_replaced_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
