/* SPDX-License-Identifier: Apache-2.0 */
/* The head guard's file: what was saved is loaded, whatever one sector or an interrupted write did to it; anything else
 * is an error, never an older guard and never "no guard". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard_file.h"

static char dir[] = "/tmp/kt-guard-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
  (void)state;
  if (mkdtemp(dir) == NULL) {
    return -1;
  }
  (void)snprintf(path, sizeof path, "%s/head-guard", dir);
  return 0;
}

static int remove_dir(void **state)
{
  (void)state;
  (void)unlink(path);
  return rmdir(dir);
}

static struct kt_log_guard sample(void)
{
  struct kt_log_guard guard = { .size = UINT64_C(18446744073709551615), .timestamp_ms = 1790000000000 };
  memset(guard.root.b, 0xa5, sizeof guard.root.b);
  return guard;
}

static size_t slurp(char *buf, size_t size)
{
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t len = fread(buf, 1, size, file);
  assert_int_equal(fclose(file), 0);
  return len;
}

/* In place: a file made anew costs a flush each time. */
static void spill(const char *data, size_t len)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, data, len, 0), len);
  assert_int_equal(ftruncate(fd, (off_t)len), 0);
  assert_int_equal(close(fd), 0);
}

/* The file anew, with what a log has after its first entries. */
static struct kt_log_guard start_with(uint64_t size)
{
  struct kt_log_guard guard = { .size = size, .timestamp_ms = 1790000000000 + size };
  struct kt_error error;
  memset(guard.root.b, (int)(size & 0xff), sizeof guard.root.b);
  (void)unlink(path);
  assert_int_equal(kt_guard_save(path, NULL, &guard, &error), KT_OK);
  return guard;
}

static bool is_loaded(const struct kt_log_guard *guard)
{
  struct kt_log_guard loaded;
  struct kt_error error;
  return kt_guard_load(path, &loaded, &error) == KT_OK && loaded.size == guard->size &&
         loaded.timestamp_ms == guard->timestamp_ms && memcmp(&loaded.root, &guard->root, sizeof loaded.root) == 0;
}

static enum kt_err load_error(void)
{
  struct kt_log_guard loaded;
  struct kt_error error;
  return kt_guard_load(path, &loaded, &error);
}

static void what_is_saved_is_loaded(void **state)
{
  struct kt_log_guard guard = sample();
  struct kt_error error;
  struct stat info;
  (void)state;
  assert_int_equal(load_error(), KT_ERR_ABSENT);
  assert_int_equal(kt_guard_save(path, NULL, &guard, &error), KT_OK);
  assert_true(is_loaded(&guard));
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
  assert_int_equal(info.st_size, KT_GUARD_FILE_LEN);
}

/* The form of docs/formats.md, written here by hand; the checksum is sha256sum's. */
static void the_form_is_the_documented_one(void **state)
{
  static const char line[] = "kt-head-guard/2 7 1790000000007 "
                             "0707070707070707070707070707070707070707070707070707070707070707 871e0ab39464faaf\n";
  char expected[KT_GUARD_FILE_LEN] = { 0 };
  static char data[KT_GUARD_FILE_LEN + 2];
  (void)state;
  (void)start_with(7);
  memcpy(expected, line, sizeof line - 1);
  memcpy(expected + KT_GUARD_DISTANCE, line, sizeof line - 1);
  assert_int_equal(slurp(data, sizeof data), KT_GUARD_FILE_LEN);
  assert_memory_equal(data, expected, sizeof expected);
}

/* Every bit of the file: the guard stays what it is. */
static void one_flipped_bit_changes_nothing(void **state)
{
  const struct kt_log_guard guard = start_with(41);
  static char data[KT_GUARD_FILE_LEN + 2];
  (void)state;
  assert_int_equal(slurp(data, sizeof data), KT_GUARD_FILE_LEN);
  for (size_t i = 0; i < KT_GUARD_FILE_LEN; i++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      data[i] = (char)(data[i] ^ (1 << bit));
      spill(data, KT_GUARD_FILE_LEN);
      assert_true(is_loaded(&guard));
      data[i] = (char)(data[i] ^ (1 << bit));
    }
  }
}

/* Damage in both copies is no guard, and so is any other length. */
static void damage_of_both_is_an_error(void **state)
{
  static char good[KT_GUARD_FILE_LEN + 2];
  static char bad[KT_GUARD_FILE_LEN + 2];
  (void)state;
  (void)start_with(41);
  assert_int_equal(slurp(good, sizeof good), KT_GUARD_FILE_LEN);
  for (size_t i = 0; i < KT_GUARD_COPY_LEN; i++) {
    memcpy(bad, good, sizeof bad);
    bad[i] ^= 1;
    bad[KT_GUARD_DISTANCE + (i * 7) % KT_GUARD_COPY_LEN] ^= 1;
    spill(bad, KT_GUARD_FILE_LEN);
    assert_int_equal(load_error(), KT_ERR_FORMAT);
  }
  for (size_t len = 0; len <= KT_GUARD_FILE_LEN + 1; len++) {
    if (len != KT_GUARD_FILE_LEN) {
      spill(good, len);
      assert_int_equal(load_error(), KT_ERR_FORMAT);
    }
  }
}

/* Two heads of one size: whichever was signed, going on from the other would be a fork. */
static void contradicting_copies_are_an_error(void **state)
{
  static char first[KT_GUARD_FILE_LEN + 2];
  static char second[KT_GUARD_FILE_LEN + 2];
  struct kt_log_guard other = start_with(41);
  struct kt_error error;
  (void)state;
  (void)slurp(first, sizeof first);
  other.root.b[0] ^= 1;
  (void)unlink(path);
  assert_int_equal(kt_guard_save(path, NULL, &other, &error), KT_OK);
  (void)slurp(second, sizeof second);
  memcpy(first + KT_GUARD_DISTANCE, second + KT_GUARD_DISTANCE, KT_GUARD_COPY_LEN);
  spill(first, KT_GUARD_FILE_LEN);
  assert_int_equal(load_error(), KT_ERR_FORMAT);
}

/* What a write that was cut off leaves: each copy old, new, or new up to some byte, or new from some byte on. Nothing
 * was signed beyond `old`, so both are right; less than `old` or an error never. Then the log goes on. */
static void a_torn_write_is_recovered(void **state)
{
  static char before[KT_GUARD_FILE_LEN + 2];
  static char after[KT_GUARD_FILE_LEN + 2];
  static char torn[KT_GUARD_FILE_LEN + 2];
  struct kt_error error;
  const struct kt_log_guard new_guard = start_with(1000);
  (void)state;
  (void)slurp(after, sizeof after);
  const struct kt_log_guard old_guard = start_with(999);
  (void)slurp(before, sizeof before);
  for (size_t cut = 0; cut <= KT_GUARD_FILE_LEN; cut++) {
    for (unsigned forward = 0; forward < 2; forward++) {
      memcpy(torn, forward ? after : before, cut);
      memcpy(torn + cut, (forward ? before : after) + cut, KT_GUARD_FILE_LEN - cut);
      spill(torn, KT_GUARD_FILE_LEN);
      bool is_new = is_loaded(&new_guard);
      assert_true(is_new || is_loaded(&old_guard));
      if (cut % 544 == 128) { /* repaired, and swapped */
        const struct kt_log_guard next = { .size = 1001, .timestamp_ms = 1790000001001 };
        assert_int_equal(kt_guard_save(path, is_new ? &new_guard : &old_guard, &next, &error), KT_OK);
        assert_true(is_loaded(&next));
      }
    }
  }
}

/* After an interrupted write somebody else signs: then both copies hold the newer guard, or a flipped bit in
 * one would take it back. */
static void who_signs_settles_first(void **state)
{
  static char after[KT_GUARD_FILE_LEN + 2];
  static char data[KT_GUARD_FILE_LEN + 2];
  struct kt_log_guard settled;
  struct kt_error error;
  const struct kt_log_guard new_guard = start_with(1000);
  (void)state;
  (void)slurp(after, sizeof after);
  for (size_t copy = 0; copy < 2; copy++) {
    (void)start_with(999);
    (void)slurp(data, sizeof data);
    memcpy(data + copy * KT_GUARD_DISTANCE, after + copy * KT_GUARD_DISTANCE, KT_GUARD_COPY_LEN);
    spill(data, KT_GUARD_FILE_LEN);
    assert_int_equal(kt_guard_settle(path, &settled, &error), KT_OK);
    assert_int_equal(settled.size, new_guard.size);
    assert_int_equal(slurp(data, sizeof data), KT_GUARD_FILE_LEN);
    assert_memory_equal(data, after, KT_GUARD_FILE_LEN);
  }
  (void)unlink(path);
  assert_int_equal(kt_guard_settle(path, &settled, &error), KT_ERR_ABSENT);
}

/* One sector that became garbage while it was written, the other copy not reached or done. */
static void a_garbled_sector_is_recovered(void **state)
{
  static char bad[KT_GUARD_FILE_LEN + 2];
  static char data[KT_GUARD_FILE_LEN + 2];
  (void)state;
  const struct kt_log_guard guard = start_with(999);
  (void)slurp(data, sizeof data);
  for (size_t copy = 0; copy < 2; copy++) {
    memcpy(bad, data, sizeof bad);
    memset(bad + copy * KT_GUARD_DISTANCE, 0xb5, KT_GUARD_COPY_LEN);
    spill(bad, KT_GUARD_FILE_LEN);
    assert_true(is_loaded(&guard));
  }
}

/* Two processes with one guard, each with a copy of one log: the second to sign is refused. */
static void only_who_knows_the_guard_moves_it(void **state)
{
  const struct kt_log_guard known = start_with(10);
  const struct kt_log_guard mine = { .size = 11, .timestamp_ms = 1790000000011 };
  const struct kt_log_guard theirs = { .size = 12, .timestamp_ms = 1790000000012 };
  struct kt_error error;
  (void)state;
  assert_int_equal(kt_guard_save(path, &known, &mine, &error), KT_OK);
  assert_int_equal(kt_guard_save(path, &known, &theirs, &error), KT_ERR_CONFLICT);
  assert_non_null(strstr(error.text, "11 entries"));
  assert_int_equal(kt_guard_save(path, NULL, &theirs, &error), KT_ERR_CONFLICT);
  assert_true(is_loaded(&mine));
  (void)unlink(path);
  assert_int_equal(kt_guard_save(path, &mine, &theirs, &error), KT_ERR_ABSENT); /* not made anew behind our back */
  assert_int_equal(load_error(), KT_ERR_ABSENT);
}

#define N_PROCESSES 4
#define N_SWAPS 10

/* Go on from whatever is there, N_SWAPS times; the exit code tells. */
static int swap_often(void)
{
  for (int done = 0; done < N_SWAPS;) {
    struct kt_log_guard before;
    struct kt_error error;
    if (kt_guard_load(path, &before, &error) != KT_OK) {
      return 1;
    }
    const struct kt_log_guard next = { .size = before.size + 1, .timestamp_ms = before.timestamp_ms };
    enum kt_err err = kt_guard_save(path, &before, &next, &error);
    if (err != KT_OK && err != KT_ERR_CONFLICT) {
      return 2;
    }
    done += err == KT_OK ? 1 : 0;
  }
  return 0;
}

static void processes_do_not_overwrite_each_other(void **state)
{
  pid_t children[N_PROCESSES];
  struct kt_log_guard end = start_with(1);
  (void)state;
  for (size_t i = 0; i < N_PROCESSES; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      _exit(swap_often());
    }
    assert_true(children[i] > 0);
  }
  for (size_t i = 0; i < N_PROCESSES; i++) {
    int status = -1;
    assert_int_equal(waitpid(children[i], &status, 0), children[i]);
    assert_int_equal(status, 0);
  }
  end.size += N_PROCESSES * N_SWAPS;
  memset(end.root.b, 0, sizeof end.root.b);
  assert_true(is_loaded(&end));
}

/* What passes by itself, a full disk too, is told apart from what does not. */
static void no_open_file_left_is_to_be_tried_again(void **state)
{
  const struct kt_log_guard old = start_with(5);
  struct kt_log_guard guard = sample();
  struct kt_error error;
  struct rlimit limit;
  (void)state;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const struct rlimit none = { .rlim_cur = 0, .rlim_max = limit.rlim_max };
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  enum kt_err err = kt_guard_save(path, &old, &guard, &error);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  assert_int_equal(err, KT_ERR_UNDETERMINED);
  assert_int_equal(kt_guard_save(path, &old, &guard, &error), KT_OK);
  assert_true(is_loaded(&guard));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_saved_is_loaded),
    cmocka_unit_test(the_form_is_the_documented_one),
    cmocka_unit_test(one_flipped_bit_changes_nothing),
    cmocka_unit_test(damage_of_both_is_an_error),
    cmocka_unit_test(contradicting_copies_are_an_error),
    cmocka_unit_test(a_torn_write_is_recovered),
    cmocka_unit_test(who_signs_settles_first),
    cmocka_unit_test(a_garbled_sector_is_recovered),
    cmocka_unit_test(only_who_knows_the_guard_moves_it),
    cmocka_unit_test(processes_do_not_overwrite_each_other),
    cmocka_unit_test(no_open_file_left_is_to_be_tried_again),
  };
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
