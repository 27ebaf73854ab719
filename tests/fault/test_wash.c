/* SPDX-License-Identifier: Apache-2.0 */
/* An erasure on a disk that fails: each call of a kind in turn, once and from then on, from the erasure's commit to the end
 * of the wash. Nobody is told that the files are clean while a copy is in them; what is left is due again, and done when the
 * disk works, at the latest when the log is opened. */
#include "unit/log/prune_test.h"

#include <unistd.h>

#include "support/shim_vfs.h"

#define BUDGET 600 /* calls of one kind that an erasure makes at most; a bound for loops that would not end */

struct scene {
  struct world *world;
  struct files files;
  unsigned n_labels;
  size_t n_refused;   /* erasures that did not happen */
  size_t n_unclean;   /* that happened, and left copies for the time being */
  size_t n_with_mark; /* of them: a copy was there indeed */
};

static struct scene scene;

static struct kt_log_status status_of(struct scene *s)
{
  struct kt_log_status status;
  kt_log_status(s->world->log, &status);
  return status;
}

static size_t count_in(const char *path, struct kt_bytes mark)
{
  size_t n = 0;
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return 0;
  }
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  size_t len = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(len + 1);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, len, file), len);
  for (size_t i = 0; i + mark.len <= len; i++) {
    n += memcmp(bytes + i, mark.data, mark.len) == 0 ? 1 : 0;
  }
  free(bytes);
  (void)fclose(file);
  return n;
}

static size_t count_marks(const struct scene *s, struct kt_bytes mark)
{
  char wal[sizeof s->files.path + 4];
  (void)snprintf(wal, sizeof wal, "%s-wal", s->files.path);
  return count_in(s->files.path, mark) + count_in(wal, mark);
}

static void reopen(struct scene *s)
{
  file_world_reopen(s->world, &s->files);
}

/* A label that is in the write-ahead log as in the file. */
static struct kt_bytes new_label(struct scene *s)
{
  enum { TEXT_SIZE = 40 };
  char *text = kt_arena_alloc(&s->world->arena, TEXT_SIZE, 1); /* the person borrows it */
  assert_non_null(text);
  (void)snprintf(text, TEXT_SIZE, "somebody-who-leaves-%05u", s->n_labels++);
  struct person *person = person_new(s->world, text, 10);
  person_register(s->world, person);
  assert_true(count_marks(s, person->label) > 0);
  return person->label;
}

/* The disk works again. */
static void recover(struct scene *s, struct kt_bytes label, enum kt_err err)
{
  struct kt_log_erased erased;
  if (status_of(s).is_fatal) {
    assert_true(strlen(s->world->fatal) > 0);
    reopen(s);
  }
  if (err != KT_OK) { /* whether it happened is not known; once more it does, or has */
    err = kt_log_erase(s->world->log, label, NULL, &erased, &s->world->problem);
    if (err != KT_OK) {
      reopen(s);
      err = kt_log_erase(s->world->log, label, NULL, &erased, &s->world->problem);
    }
    world_ok(s->world, err);
  }
  kt_log_step(s->world->log);     /* idle: the wash is tried again */
  if (status_of(s).is_wash_due) { /* after a failed flush the handle is not used any more */
    reopen(s);
  }
  assert_false(status_of(s).is_wash_due);
  assert_int_equal(count_marks(s, label), 0);
}

/* One erasure with the nth call failing; false when there were not so many. */
static bool one_fault(struct scene *s, enum shim_call call, uint64_t nth, bool for_good)
{
  struct kt_log_erased erased = { .n_versions = 0 };
  const struct kt_bytes label = new_label(s);
  shim_vfs_arm(call, nth, for_good);
  enum kt_err err = kt_log_erase(s->world->log, label, NULL, &erased, &s->world->problem);
  const bool failed = shim_vfs_disarm();
  if (err != KT_OK) {
    assert_true(failed);
    s->n_refused++;
  } else if (erased.is_clean) {
    assert_int_equal(count_marks(s, label), 0);
    assert_false(status_of(s).is_wash_due);
  } else {
    assert_true(failed);
    assert_true(status_of(s).is_wash_due);
    s->n_unclean++;
    s->n_with_mark += count_marks(s, label) > 0 ? 1 : 0;
  }
  recover(s, label, err);
  return failed;
}

static void each_call(struct scene *s, enum shim_call call)
{
  s->n_refused = 0;
  s->n_unclean = 0;
  s->n_with_mark = 0;
  for (int for_good = 0; for_good <= 1; for_good++) {
    uint64_t nth = 1;
    while (nth < BUDGET && one_fault(s, call, nth, for_good == 1)) {
      nth++;
    }
    assert_true(nth > 1 && nth < BUDGET);
  }
}

static void test_writes(void **state)
{
  struct scene *s = *state;
  each_call(s, SHIM_WRITE);
  assert_true(s->n_refused > 0);
  assert_true(s->n_with_mark > 0);
}

static void test_reads(void **state)
{
  struct scene *s = *state;
  each_call(s, SHIM_READ);
  assert_true(s->n_unclean > 0);
}

static void test_flushes(void **state)
{
  struct scene *s = *state;
  each_call(s, SHIM_SYNC);
  assert_true(s->n_refused > 0);
  assert_true(s->n_unclean > 0);
}

static void test_truncations(void **state)
{
  struct scene *s = *state;
  each_call(s, SHIM_TRUNCATE);
  assert_true(s->n_unclean > 0);
}

static int begin(void **state)
{
  if (access("/dev/shm", W_OK) == 0) { /* thousands of flushes, of which none has to reach a disk */
    (void)setenv("TMPDIR", "/dev/shm", 0);
  }
  scene.world = file_world(&scene.files);
  *state = &scene;
  return 0;
}

static int end(void **state)
{
  (void)state;
  file_world_end(scene.world, &scene.files);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_writes),
    cmocka_unit_test(test_reads),
    cmocka_unit_test(test_flushes),
    cmocka_unit_test(test_truncations),
  };
  return shim_vfs_install(NULL, NULL) ? cmocka_run_group_tests(tests, begin, end) : 1;
}
