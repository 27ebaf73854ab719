/* SPDX-License-Identifier: Apache-2.0 */
/* The Service Operator's database: one value for each version, whatever is tried; the guard; tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "file_io.h"
#include "guard_file.h"
#include "operator_db.h"

#define TEXT(text) ((struct kt_bytes){ (const uint8_t *)(text), strlen(text) })
#define ALICE TEXT("alice")

struct scene {
  char dir[64];
  struct kt_path db_path;
  struct kt_path guard_path;
  struct kt_opdb *db;
  struct kt_arena arena;
  struct kt_error error;
};

static void open_db(struct scene *scene, bool create)
{
  enum kt_err err = kt_opdb_open(scene->db_path.s, scene->guard_path.s, create, false, &scene->db, &scene->error);
  if (err != KT_OK) {
    fail_msg("%s", scene->error.text);
  }
}

static void close_db(struct scene *scene)
{
  kt_opdb_close(scene->db);
  scene->db = NULL;
}

static int begin(void **state)
{
  struct scene *scene = calloc(1, sizeof *scene);
  assert_non_null(scene);
  strcpy(scene->dir, "/tmp/kt-operator-db-XXXXXX");
  assert_non_null(mkdtemp(scene->dir));
  assert_int_equal(kt_path_join(scene->dir, "operator.db", &scene->db_path, &scene->error), KT_OK);
  assert_int_equal(kt_path_join(scene->dir, "guard", &scene->guard_path, &scene->error), KT_OK);
  kt_arena_init(&scene->arena, KT_ARENA_CAP_DEFAULT);
  open_db(scene, true);
  *state = scene;
  return 0;
}

static int end(void **state)
{
  struct scene *scene = *state;
  char command[128];
  close_db(scene);
  kt_arena_release(&scene->arena);
  (void)snprintf(command, sizeof command, "rm -r %s", scene->dir);
  int result = system(command); /* NOLINT: a folder of our own */
  free(scene);
  return result;
}

static enum kt_err record(struct scene *scene, struct kt_bytes label, uint32_t version, const char *value)
{
  const struct kt_bytes values[] = { TEXT(value) };
  const struct kt_opdb_record order = { .label = label, .first_version = version, .values = values, .n_values = 1 };
  return kt_opdb_record(scene->db, &order, 1000, &scene->error);
}

static void check_value(struct scene *scene, struct kt_bytes label, uint32_t version, const char *want)
{
  struct kt_bytes value;
  assert_int_equal(kt_opdb_get_value(scene->db, label, version, &scene->arena, &value, &scene->error), KT_OK);
  assert_int_equal(value.len, strlen(want));
  assert_memory_equal(value.data, want, strlen(want));
}

static struct kt_opdb_label row_of(struct scene *scene, struct kt_bytes label)
{
  struct kt_opdb_label row;
  assert_int_equal(kt_opdb_get_label(scene->db, label, &scene->arena, &row, &scene->error), KT_OK);
  return row;
}

static void one_value_for_each_version(void **state)
{
  struct scene *scene = *state;
  assert_int_equal(row_of(scene, ALICE).n_recorded, 0);
  assert_int_equal(record(scene, ALICE, 0, "a"), KT_OK);
  assert_int_equal(record(scene, ALICE, 0, "a"), KT_OK); /* the same again */
  assert_int_equal(record(scene, ALICE, 0, "b"), KT_ERR_CONFLICT);
  assert_int_equal(record(scene, ALICE, 0, "aa"), KT_ERR_CONFLICT);
  assert_int_equal(record(scene, ALICE, 0, ""), KT_ERR_CONFLICT);
  assert_int_equal(record(scene, TEXT("alic"), 0, "b"), KT_OK);
  check_value(scene, ALICE, 0, "a");
  check_value(scene, TEXT("alic"), 0, "b");
  close_db(scene);
  open_db(scene, false);
  assert_int_equal(record(scene, ALICE, 0, "b"), KT_ERR_CONFLICT);
  check_value(scene, ALICE, 0, "a");
  assert_int_equal(kt_opdb_verify(scene->db, &scene->error), KT_OK);
}

/* Two values, the second of which is taken: neither is recorded. */
static void all_or_nothing(void **state)
{
  struct scene *scene = *state;
  const struct kt_bytes values[] = { TEXT("x"), TEXT("y") };
  const struct kt_opdb_record order = { .label = ALICE, .first_version = 0, .values = values, .n_values = 2 };
  struct kt_bytes value;
  assert_int_equal(record(scene, ALICE, 1, "other"), KT_OK);
  assert_int_equal(kt_opdb_record(scene->db, &order, 1000, &scene->error), KT_ERR_CONFLICT);
  assert_int_equal(kt_opdb_get_value(scene->db, ALICE, 0, &scene->arena, &value, &scene->error), KT_ERR_ABSENT);
  assert_int_equal(row_of(scene, ALICE).n_recorded, 2);
}

static void versions_are_acknowledged_in_order(void **state)
{
  struct scene *scene = *state;
  struct kt_opdb_totals totals;
  assert_int_equal(record(scene, ALICE, 0, "a"), KT_OK);
  assert_int_equal(kt_opdb_acknowledge(scene->db, ALICE, 1, TEXT("one"), &scene->error), KT_OK);
  assert_int_equal(record(scene, ALICE, 3, "d"), KT_OK); /* 1 and 2 were skipped */
  struct kt_opdb_label row = row_of(scene, ALICE);
  assert_int_equal(row.n_versions, 1);
  assert_int_equal(row.n_recorded, 4);
  assert_memory_equal(row.state.data, "one", 3);
  assert_int_equal(kt_opdb_count(scene->db, &totals, &scene->error), KT_OK);
  assert_int_equal(totals.n_open, 1);
  assert_int_equal(totals.n_records, 2);
  assert_int_equal(kt_opdb_acknowledge(scene->db, ALICE, 4, TEXT("four"), &scene->error), KT_OK);
  assert_int_equal(kt_opdb_acknowledge(scene->db, ALICE, 2, TEXT("two"), &scene->error), KT_OK); /* late: nothing */
  row = row_of(scene, ALICE);
  assert_int_equal(row.n_versions, 4);
  assert_int_equal(row.n_recorded, 4);
  assert_memory_equal(row.state.data, "four", 4);
}

static void copy_file(const char *from, const char *to)
{
  char command[2 * KT_PATH_SIZE + 16];
  (void)snprintf(command, sizeof command, "cp %s %s", from, to);
  assert_int_equal(system(command), 0); /* NOLINT: files of our own */
}

static void refuse_open(struct scene *scene, enum kt_err want)
{
  assert_int_equal(kt_opdb_open(scene->db_path.s, scene->guard_path.s, false, false, &scene->db, &scene->error), want);
  scene->db = NULL;
}

static void an_old_copy_is_refused(void **state)
{
  struct scene *scene = *state;
  struct kt_path old;
  struct kt_path guard;
  assert_int_equal(kt_path_join(scene->dir, "old.db", &old, &scene->error), KT_OK);
  assert_int_equal(kt_path_join(scene->dir, "other-guard", &guard, &scene->error), KT_OK);
  assert_int_equal(record(scene, ALICE, 0, "a"), KT_OK);
  close_db(scene); /* writes everything into one file */
  copy_file(scene->db_path.s, old.s);
  open_db(scene, false);
  assert_int_equal(record(scene, ALICE, 1, "b"), KT_OK);
  close_db(scene);
  copy_file(scene->guard_path.s, guard.s);
  copy_file(old.s, scene->db_path.s);
  refuse_open(scene, KT_ERR_CONFLICT);
  /* Going on from the copy with its own guard gives another history of the same length. */
  assert_int_equal(unlink(scene->guard_path.s), 0);
  refuse_open(scene, KT_ERR_ABSENT);
  assert_int_equal(kt_opdb_open(scene->db_path.s, scene->guard_path.s, false, true, &scene->db, &scene->error), KT_OK);
  assert_int_equal(record(scene, ALICE, 1, "c"), KT_OK);
  close_db(scene);
  copy_file(guard.s, scene->guard_path.s);
  refuse_open(scene, KT_ERR_CONFLICT);
}

static void refuse_everything(struct scene *scene, uint64_t n_recorded)
{
  struct kt_error why;
  for (int i = 0; i < 3; i++) {
    assert_int_not_equal(record(scene, ALICE, (uint32_t)n_recorded, "refused"), KT_OK);
    assert_int_not_equal(kt_opdb_guard(scene->db, 1000, &scene->error), KT_OK);
  }
  assert_true(kt_opdb_is_stopped(scene->db, &why));
  assert_int_not_equal(strlen(why.text), 0);
  assert_int_equal(row_of(scene, ALICE).n_recorded, n_recorded);
}

/* Nothing is recorded, so no version is used up; nor later, when the guard could be written: somebody has to look. */
static void a_guard_that_cannot_be_written(void **state)
{
  struct scene *scene = *state;
  assert_int_equal(mkdir(scene->guard_path.s, 0700), 0); /* in its place */
  refuse_everything(scene, 0);
  assert_int_equal(rmdir(scene->guard_path.s), 0);
  refuse_everything(scene, 0);
  close_db(scene);
  open_db(scene, false);
  assert_int_equal(record(scene, ALICE, 0, "a"), KT_OK);
}

static void move(const char *from, const char *to)
{
  assert_int_equal(rename(from, to), 0);
}

static void a_guard_that_is_gone(void **state)
{
  struct scene *scene = *state;
  struct kt_path away;
  struct kt_error why;
  assert_int_equal(kt_path_join(scene->dir, "away", &away, &scene->error), KT_OK);
  assert_int_equal(record(scene, ALICE, 0, "a"), KT_OK);
  assert_int_equal(kt_opdb_guard(scene->db, 1000, &scene->error), KT_OK);
  assert_false(kt_opdb_is_stopped(scene->db, &why));
  move(scene->guard_path.s, away.s);
  refuse_everything(scene, 1);
  move(away.s, scene->guard_path.s);
  refuse_everything(scene, 1);
  close_db(scene);
  open_db(scene, false);
  assert_int_equal(record(scene, ALICE, 1, "b"), KT_OK);
}

/* Without a record between: the next signature finds it. */
static void a_guard_that_another_one_moved(void **state)
{
  struct scene *scene = *state;
  struct kt_log_guard guard;
  assert_int_equal(record(scene, ALICE, 0, "a"), KT_OK);
  assert_int_equal(kt_guard_load(scene->guard_path.s, &guard, &scene->error), KT_OK);
  const struct kt_log_guard other = { .size = guard.size + 1, .timestamp_ms = 2000 };
  assert_int_equal(kt_guard_save(scene->guard_path.s, &guard, &other, &scene->error), KT_OK);
  assert_int_equal(kt_opdb_guard(scene->db, 1000, &scene->error), KT_ERR_CONFLICT);
  refuse_everything(scene, 1);
}

static void check_guarded(struct scene *scene, uint64_t n_records)
{
  struct kt_log_guard guard;
  assert_int_equal(kt_guard_load(scene->guard_path.s, &guard, &scene->error), KT_OK);
  assert_int_equal(guard.size, n_records);
}

/* Closed with two records; before: the guard as it was after the first. */
static void record_two(struct scene *scene, struct kt_path *before)
{
  assert_int_equal(kt_path_join(scene->dir, "before", before, &scene->error), KT_OK);
  assert_int_equal(record(scene, ALICE, 0, "a"), KT_OK);
  copy_file(scene->guard_path.s, before->s);
  assert_int_equal(record(scene, ALICE, 1, "b"), KT_OK);
  close_db(scene);
}

/* The program ended between a record and its guard: the guard is written before anything is signed, or recorded. */
static void a_guard_that_is_behind(void **state)
{
  struct scene *scene = *state;
  struct kt_path before;
  record_two(scene, &before);
  copy_file(before.s, scene->guard_path.s);
  open_db(scene, false);
  assert_int_equal(kt_opdb_guard(scene->db, 2000, &scene->error), KT_OK);
  check_guarded(scene, 2);
  assert_int_equal(record(scene, ALICE, 2, "c"), KT_OK);
  check_guarded(scene, 3);
}

/* The first record of all: its guard says that there are none. */
static void a_guard_behind_the_first_record(void **state)
{
  struct scene *scene = *state;
  const struct kt_log_guard of_none = { .size = 0 };
  assert_int_equal(record(scene, ALICE, 0, "a"), KT_OK);
  close_db(scene);
  assert_int_equal(unlink(scene->guard_path.s), 0);
  assert_int_equal(kt_guard_save(scene->guard_path.s, NULL, &of_none, &scene->error), KT_OK);
  open_db(scene, false);
  assert_int_equal(record(scene, ALICE, 1, "b"), KT_OK);
  check_guarded(scene, 2);
}

/* Two behind: no crash leaves that. With an old guard an old copy of the database would pass for the newest. */
static void a_guard_that_is_an_old_copy(void **state)
{
  struct scene *scene = *state;
  struct kt_path before;
  record_two(scene, &before);
  open_db(scene, false);
  assert_int_equal(record(scene, ALICE, 2, "c"), KT_OK);
  close_db(scene);
  copy_file(before.s, scene->guard_path.s);
  refuse_open(scene, KT_ERR_CONFLICT);
  assert_non_null(strstr(scene->error.text, "the guard is an old copy"));
  check_guarded(scene, 1); /* as it was found */
  assert_int_equal(unlink(scene->guard_path.s), 0);
  refuse_open(scene, KT_ERR_ABSENT);
  assert_int_equal(kt_opdb_open(scene->db_path.s, scene->guard_path.s, false, true, &scene->db, &scene->error), KT_OK);
  assert_int_equal(record(scene, ALICE, 3, "d"), KT_OK);
  check_guarded(scene, 4);
}

static void record_until_killed(struct scene *scene, uint32_t version)
{
  open_db(scene, false);
  while (record(scene, ALICE, version++, "x") == KT_OK) {
  }
  _exit(1);
}

/* Whenever it happens: the next start goes on. */
static void what_a_kill_leaves(void **state)
{
  struct scene *scene = *state;
  int status = 0;
  assert_int_equal(record(scene, ALICE, 0, "x"), KT_OK);
  for (unsigned i = 1; i <= 12; i++) {
    const uint32_t next = (uint32_t)row_of(scene, ALICE).n_recorded;
    close_db(scene);
    const pid_t child = fork();
    if (child == 0) {
      record_until_killed(scene, next);
    }
    (void)nanosleep(&(struct timespec){ .tv_nsec = 3100000L * i }, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    open_db(scene, false);
    assert_int_equal(kt_opdb_guard(scene->db, 1000, &scene->error), KT_OK);
  }
  assert_int_equal(kt_opdb_verify(scene->db, &scene->error), KT_OK);
}

static void replace_copy(const char *path, size_t i, const char *from)
{
  static char copy[KT_GUARD_COPY_LEN];
  FILE *source = fopen(from, "rb");
  FILE *file = fopen(path, "r+b");
  assert_non_null(source);
  assert_non_null(file);
  assert_int_equal(fread(copy, sizeof copy, 1, source), 1);
  assert_int_equal(fseek(file, (long)(i * KT_GUARD_DISTANCE), SEEK_SET), 0);
  assert_int_equal(fwrite(copy, sizeof copy, 1, file), 1);
  (void)fclose(source);
  (void)fclose(file);
}

/* A write ended between the two copies: before anything is signed both hold the newer guard, so the loss of
 * one takes nothing back. */
static void a_guard_that_is_half_written(void **state)
{
  struct scene *scene = *state;
  struct kt_path before;
  record_two(scene, &before);
  replace_copy(scene->guard_path.s, 1, before.s);
  open_db(scene, false);
  assert_int_equal(kt_opdb_guard(scene->db, 1000, &scene->error), KT_OK);
  assert_int_equal(truncate(before.s, 0), 0);
  assert_int_equal(truncate(before.s, KT_GUARD_COPY_LEN), 0);
  replace_copy(scene->guard_path.s, 0, before.s);
  check_guarded(scene, 2);
}

static void tokens_belong_to_one_label(void **state)
{
  struct scene *scene = *state;
  const struct kt_hash token = { { 7 } };
  const struct kt_bytes values[] = { TEXT("a") };
  const struct kt_opdb_record order = {
    .label = ALICE, .first_version = 0, .values = values, .n_values = 1, .token_hash = &token
  };
  assert_int_equal(kt_opdb_check_token(scene->db, &token, ALICE, &scene->error), KT_ERR_ABSENT);
  assert_int_equal(kt_opdb_add_token(scene->db, &token, &scene->error), KT_OK);
  assert_int_equal(kt_opdb_add_token(scene->db, &token, &scene->error), KT_ERR_CONFLICT);
  assert_int_equal(kt_opdb_check_token(scene->db, &token, ALICE, &scene->error), KT_OK);
  assert_int_equal(kt_opdb_record(scene->db, &order, 1000, &scene->error), KT_OK);
  assert_int_equal(kt_opdb_check_token(scene->db, &token, ALICE, &scene->error), KT_OK);
  assert_int_equal(kt_opdb_check_token(scene->db, &token, TEXT("bob"), &scene->error), KT_ERR_CONFLICT);
}

/* Two labels at once: both find the token unused, one is recorded with it. */
static void a_token_is_used_up_once(void **state)
{
  struct scene *scene = *state;
  const struct kt_hash token = { { 7 } };
  const struct kt_bytes values[] = { TEXT("a") };
  struct kt_opdb_record order = { .label = ALICE, .values = values, .n_values = 1, .token_hash = &token };
  struct kt_opdb_label bob;
  assert_int_equal(kt_opdb_add_token(scene->db, &token, &scene->error), KT_OK);
  assert_int_equal(kt_opdb_check_token(scene->db, &token, ALICE, &scene->error), KT_OK);
  assert_int_equal(kt_opdb_check_token(scene->db, &token, TEXT("bob"), &scene->error), KT_OK);
  assert_int_equal(kt_opdb_record(scene->db, &order, 1000, &scene->error), KT_OK);
  order.label = TEXT("bob");
  assert_int_equal(kt_opdb_record(scene->db, &order, 1000, &scene->error), KT_ERR_DENIED);
  assert_int_equal(kt_opdb_get_label(scene->db, TEXT("bob"), &scene->arena, &bob, &scene->error), KT_OK);
  assert_int_equal(bob.n_recorded, 0);
  order.label = ALICE;
  assert_int_equal(kt_opdb_record(scene->db, &order, 1000, &scene->error), KT_OK);
}

static void the_head_is_kept(void **state)
{
  struct scene *scene = *state;
  struct kt_bytes head;
  assert_int_equal(kt_opdb_get_head(scene->db, &scene->arena, &head, &scene->error), KT_ERR_ABSENT);
  assert_int_equal(kt_opdb_put_head(scene->db, TEXT("first"), &scene->error), KT_OK);
  assert_int_equal(kt_opdb_put_head(scene->db, TEXT("second"), &scene->error), KT_OK);
  close_db(scene);
  open_db(scene, false);
  assert_int_equal(kt_opdb_get_head(scene->db, &scene->arena, &head, &scene->error), KT_OK);
  assert_memory_equal(head.data, "second", 6);
}

static void files_are_private_and_made_once(void **state)
{
  struct scene *scene = *state;
  struct kt_opdb *other;
  struct stat info;
  assert_int_equal(stat(scene->db_path.s, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_equal(kt_opdb_open(scene->db_path.s, scene->guard_path.s, true, false, &other, &scene->error),
                   KT_ERR_STORE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(one_value_for_each_version, begin, end),
    cmocka_unit_test_setup_teardown(all_or_nothing, begin, end),
    cmocka_unit_test_setup_teardown(versions_are_acknowledged_in_order, begin, end),
    cmocka_unit_test_setup_teardown(an_old_copy_is_refused, begin, end),
    cmocka_unit_test_setup_teardown(a_guard_that_cannot_be_written, begin, end),
    cmocka_unit_test_setup_teardown(a_guard_that_is_gone, begin, end),
    cmocka_unit_test_setup_teardown(a_guard_that_another_one_moved, begin, end),
    cmocka_unit_test_setup_teardown(a_guard_that_is_behind, begin, end),
    cmocka_unit_test_setup_teardown(a_guard_behind_the_first_record, begin, end),
    cmocka_unit_test_setup_teardown(a_guard_that_is_an_old_copy, begin, end),
    cmocka_unit_test_setup_teardown(what_a_kill_leaves, begin, end),
    cmocka_unit_test_setup_teardown(a_guard_that_is_half_written, begin, end),
    cmocka_unit_test_setup_teardown(tokens_belong_to_one_label, begin, end),
    cmocka_unit_test_setup_teardown(a_token_is_used_up_once, begin, end),
    cmocka_unit_test_setup_teardown(the_head_is_kept, begin, end),
    cmocka_unit_test_setup_teardown(files_are_private_and_made_once, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
