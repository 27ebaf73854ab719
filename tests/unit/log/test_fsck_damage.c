/* SPDX-License-Identifier: Apache-2.0 */
/* fsck over rows that only damage makes: it says what it finds, and comes to an end. */
#include "prune_test.h"

#include <sqlite3.h>

#define FILE_MAX ((size_t)1 << 20)

struct scene {
  struct world *world;
  struct files files;
  size_t n_findings;
  const char *where; /* NULL: anywhere, anything */
  const char *what;
};

static void count(void *ctx, const char *where, const char *what)
{
  struct scene *s = ctx;
  s->n_findings++;
  if (s->where != NULL) {
    assert_string_equal(where, s->where);
    assert_non_null(strstr(what, s->what));
  }
}

static int begin(void **state)
{
  struct scene *s = calloc(1, sizeof *s);
  assert_non_null(s);
  s->world = world_new();
  files_init(&s->files);
  use_file(s->world, s->files.path, true);
  world_ok(s->world, kt_log_create(&s->world->options, &s->world->problem));
  world_open(s->world);
  person_register(s->world, person_new(s->world, "alice", 10));
  person_register(s->world, person_new(s->world, "bob", 11));
  person_register(s->world, person_new(s->world, "carol", 12));
  world_close(s->world);
  kt_store_close(s->world->store);
  s->world->store = NULL;
  *state = s;
  return 0;
}

static int end(void **state)
{
  struct scene *s = *state;
  world_end(s->world);
  files_remove(&s->files);
  free(s);
  return 0;
}

static void run_fsck(struct scene *s, enum kt_err expected)
{
  const struct kt_log_fsck fsck = { .vrf_every = 1, .ctx = s, .report = count };
  use_file(s->world, s->files.path, false);
  world_open(s->world);
  assert_int_equal(kt_log_fsck(s->world->reader, &fsck, &s->world->problem), expected);
  assert_true(s->n_findings > 0);
}

/* Looking for four thousand million versions one by one would take hours. */
static void test_a_count_that_is_far_too_large(void **state)
{
  struct scene *s = *state;
  sqlite3 *db;
  assert_int_equal(sqlite3_open(s->files.path, &db), SQLITE_OK);
  assert_int_equal(
      sqlite3_exec(db, "UPDATE labels SET n_versions = 4294967295 WHERE label = x'626f62'", NULL, NULL, NULL),
      SQLITE_OK);
  assert_int_equal(sqlite3_changes(db), 1);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  run_fsck(s, KT_ERR_PROOF);
  assert_true(s->n_findings < 100);
}

/* One row changed: the one finding says where and what. */
static void expect_found(struct scene *s, const char *sql, const char *where, const char *what)
{
  sqlite3 *db;
  assert_int_equal(sqlite3_open(s->files.path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_changes(db), 1);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  s->where = where;
  s->what = what;
  run_fsck(s, KT_ERR_PROOF);
  assert_int_equal(s->n_findings, 1);
}

/* The row's number is the byte before its header, and the header's first byte is its length. */
static size_t row_number_of(const uint8_t *content, size_t len, const char *label)
{
  for (size_t at = 16; at + strlen(label) < len; at++) {
    for (size_t header = 6; header <= 8 && memcmp(content + at, label, strlen(label)) == 0; header++) {
      if (content[at - header] == header && content[at - header + 1] == 0) {
        return at - header - 1;
      }
    }
  }
  fail_msg("no row of %s", label);
  return 0;
}

/* Whoever asks for "the next one" then goes in circles. */
static void test_rows_that_are_not_in_order(void **state)
{
  static uint8_t content[FILE_MAX];
  struct scene *s = *state;
  FILE *file = fopen(s->files.path, "r+b");
  assert_non_null(file);
  const size_t len = fread(content, 1, sizeof content, file);
  const size_t at = row_number_of(content, len, "bob");
  assert_int_equal(content[at], 2);
  content[at] = 10;
  rewind(file);
  assert_int_equal(fwrite(content, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
  run_fsck(s, KT_ERR_STORE);
  assert_non_null(strstr(s->world->problem.text, "not in order"));
}

static void test_a_stored_proof_that_proves_nothing(void **state)
{
  expect_found(
      *state,
      "UPDATE vrf_proofs SET even = CAST(substr(even, 1, 39) || x'55' || substr(even, 41) AS BLOB) WHERE key = 2 << 31",
      "label 2 version 0", "VRF proof");
}

static void test_an_account_with_another_key(void **state)
{
  expect_found(*state,
               "UPDATE labels SET state = CAST(substr(state, 1, 10) || x'55' || substr(state, 12) AS BLOB) WHERE label "
               "= x'626f62'",
               "label 2", "account");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_a_count_that_is_far_too_large, begin, end),
    cmocka_unit_test_setup_teardown(test_rows_that_are_not_in_order, begin, end),
    cmocka_unit_test_setup_teardown(test_a_stored_proof_that_proves_nothing, begin, end),
    cmocka_unit_test_setup_teardown(test_an_account_with_another_key, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
