/* SPDX-License-Identifier: Apache-2.0 */
/* The head guard's file: what was saved is loaded, everything else is an error and never "no guard". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

static void spill(const char *data, size_t len)
{
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static void what_is_saved_is_loaded(void **state)
{
  struct kt_log_guard guard = sample();
  struct kt_log_guard loaded;
  struct kt_error error;
  struct stat info;
  (void)state;
  assert_int_equal(kt_guard_load(path, &loaded, &error), KT_ERR_ABSENT);
  assert_int_equal(kt_guard_save(path, &guard, &error), KT_OK);
  assert_int_equal(kt_guard_load(path, &loaded, &error), KT_OK);
  assert_true(loaded.size == guard.size && loaded.timestamp_ms == guard.timestamp_ms);
  assert_memory_equal(loaded.root.b, guard.root.b, sizeof guard.root.b);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
}

/* Every single changed, removed or added byte. */
static void damage_is_an_error(void **state)
{
  struct kt_log_guard guard = sample();
  struct kt_log_guard loaded;
  struct kt_error error;
  char good[256];
  char bad[257];
  (void)state;
  assert_int_equal(kt_guard_save(path, &guard, &error), KT_OK);
  size_t len = slurp(good, sizeof good);
  assert_true(len > 100 && len < sizeof good);
  for (size_t i = 0; i < len; i++) {
    memcpy(bad, good, len);
    bad[i] ^= 1;
    spill(bad, len);
    assert_int_equal(kt_guard_load(path, &loaded, &error), KT_ERR_FORMAT);
    spill(good, i);
    assert_int_equal(kt_guard_load(path, &loaded, &error), KT_ERR_FORMAT);
  }
  memcpy(bad, good, len);
  bad[len] = '\n';
  spill(bad, len + 1);
  assert_int_equal(kt_guard_load(path, &loaded, &error), KT_ERR_FORMAT);
}

static void a_failed_save_keeps_the_old(void **state)
{
  struct kt_log_guard guard = sample();
  struct kt_log_guard other = sample();
  struct kt_log_guard loaded;
  struct kt_error error;
  char blocker[80];
  (void)state;
  assert_int_equal(kt_guard_save(path, &guard, &error), KT_OK);
  (void)snprintf(blocker, sizeof blocker, "%s.new", path);
  assert_int_equal(mkdir(blocker, 0700), 0); /* where the temporary file would be */
  other.size = 1;
  assert_int_equal(kt_guard_save(path, &other, &error), KT_ERR_STORE);
  assert_int_equal(rmdir(blocker), 0);
  assert_int_equal(kt_guard_load(path, &loaded, &error), KT_OK);
  assert_true(loaded.size == guard.size);
}

/* What passes by itself, a full disk too, is told apart from what does not. */
static void no_open_file_left_is_to_be_tried_again(void **state)
{
  struct kt_log_guard guard = sample();
  struct kt_log_guard loaded;
  struct kt_error error;
  struct rlimit limit;
  (void)state;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const struct rlimit none = { .rlim_cur = 0, .rlim_max = limit.rlim_max };
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  enum kt_err err = kt_guard_save(path, &guard, &error);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  assert_int_equal(err, KT_ERR_UNDETERMINED);
  assert_int_equal(kt_guard_save(path, &guard, &error), KT_OK);
  assert_int_equal(kt_guard_load(path, &loaded, &error), KT_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_saved_is_loaded),
    cmocka_unit_test(damage_is_an_error),
    cmocka_unit_test(a_failed_save_keeps_the_old),
    cmocka_unit_test(no_open_file_left_is_to_be_tried_again),
  };
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
