/* SPDX-License-Identifier: Apache-2.0 */
/* The administration trail: what is appended is read back, every change of every byte is found, a torn last line is
 * replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trail.h"

#define SIZE 2048

static char dir[] = "/tmp/kt-trail-XXXXXX";
static char path[sizeof dir + 32];

static int make_dir(void **state)
{
  (void)state;
  memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
  if (mkdtemp(dir) == NULL) {
    return -1;
  }
  (void)snprintf(path, sizeof path, "%s/" KT_NAME_TRAIL, dir);
  return 0;
}

static int remove_dir(void **state)
{
  (void)state;
  (void)unlink(path);
  return rmdir(dir);
}

static enum kt_err append(const char *action, uint64_t n, struct kt_error *error)
{
  const struct kt_trail_record record = { action, "done", n, 1000 };
  return kt_trail_append(dir, &record, 1790000000000 + n, error);
}

static void append_three(void)
{
  struct kt_error error;
  assert_int_equal(append("start", 0, &error), KT_OK);
  assert_int_equal(append("import", 12345, &error), KT_OK);
  assert_int_equal(append("stop", 0, &error), KT_OK);
}

static size_t load(char content[static SIZE])
{
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t len = fread(content, 1, SIZE - 1, file);
  assert_int_equal(fclose(file), 0);
  content[len] = '\0';
  return len;
}

static void store(const char *content, size_t len)
{
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(content, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static void count_lines(void *ctx, const char *line)
{
  unsigned *n = ctx;
  *n += strchr(line, '\n') == NULL ? 1 : 100;
}

static enum kt_err read_all(unsigned *ret_n, struct kt_trail_end *ret_end)
{
  struct kt_error error;
  *ret_n = 0;
  return kt_trail_read(dir, count_lines, ret_n, ret_end, &error);
}

static void what_is_appended_is_read(void **state)
{
  unsigned n = 0;
  struct kt_trail_end end;
  struct stat info;
  char content[SIZE];
  (void)state;
  assert_int_equal(read_all(&n, &end), KT_OK);
  assert_true(n == 0 && end.seq == 0);
  append_three();
  assert_int_equal(read_all(&n, &end), KT_OK);
  assert_true(n == 3 && end.seq == 3);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  (void)load(content);
  assert_non_null(strstr(content,
                         "{\"seq\":2,\"time_ms\":1790000012345,\"action\":\"import\",\"result\":\"done\",\"n\":12345,"
                         "\"uid\":1000,\"prev\":\""));
  assert_non_null(strstr(content, end.hash));
}

static void every_changed_byte_is_found(void **state)
{
  char content[SIZE];
  char changed[SIZE];
  unsigned n = 0;
  struct kt_trail_end end;
  (void)state;
  append_three();
  size_t len = load(content);
  for (size_t i = 0; i + 1 < len; i++) { /* without the last newline the last line is unfinished */
    memcpy(changed, content, len);
    changed[i] ^= 1;
    store(changed, len);
    assert_int_equal(read_all(&n, &end), KT_ERR_PROOF);
  }
}

static void lines_cannot_be_taken_out(void **state)
{
  char content[SIZE];
  unsigned n = 0;
  struct kt_trail_end end;
  (void)state;
  append_three();
  size_t len = load(content);
  const char *second = strchr(content, '\n') + 1;
  const char *third = strchr(second, '\n') + 1;
  store(second, len - (size_t)(second - content));
  assert_int_equal(read_all(&n, &end), KT_ERR_PROOF);
  char changed[SIZE];
  size_t first_len = (size_t)(second - content);
  memcpy(changed, content, first_len);
  memcpy(changed + first_len, third, len - (size_t)(third - content));
  store(changed, first_len + len - (size_t)(third - content));
  assert_int_equal(read_all(&n, &end), KT_ERR_PROOF);
  assert_int_equal(n, 1);
}

static void a_torn_line_is_replaced(void **state)
{
  char content[SIZE];
  struct kt_error error;
  unsigned n = 0;
  struct kt_trail_end end;
  (void)state;
  append_three();
  size_t len = load(content);
  const char *second = strchr(content, '\n') + 1;
  const char *third = strchr(second, '\n') + 1;
  for (size_t cut = (size_t)(third - content); cut < len; cut++) {
    store(content, cut);
    assert_int_equal(read_all(&n, &end), KT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(append("stop", 0, &error), KT_OK);
    char again[SIZE];
    assert_int_equal(load(again), len);
    assert_memory_equal(again, content, len);
  }
}

/* A power cut may leave zeros where a line was being written: at most a line's length of them. */
static void zeros_are_no_line(void **state)
{
  char content[SIZE] = { 0 };
  struct kt_error error;
  unsigned n = 0;
  struct kt_trail_end end;
  (void)state;
  append_three();
  size_t len = load(content);
  memset(content + len, 0, SIZE - len);
  for (size_t n_zeros = 1; n_zeros < 2 * KT_TRAIL_LINE_MAX; n_zeros++) {
    const bool is_torn = n_zeros < KT_TRAIL_LINE_MAX;
    store(content, len + n_zeros);
    assert_int_equal(read_all(&n, &end), is_torn ? KT_OK : KT_ERR_PROOF);
    assert_int_equal(n, 3);
    assert_int_equal(append("start", 0, &error), is_torn ? KT_OK : KT_ERR_PROOF);
    if (!is_torn) {
      char again[SIZE];
      assert_int_equal(load(again), len + n_zeros);
    }
  }
}

static void a_line_ends_with_a_newline(void **state)
{
  char content[SIZE] = { 0 };
  struct kt_error error;
  unsigned n = 0;
  struct kt_trail_end end;
  (void)state;
  assert_int_equal(append("start", 0, &error), KT_OK);
  size_t len = load(content) - 1;
  memset(content + len, 0, SIZE - len);
  for (size_t n_zeros = 0; n_zeros < 2 * KT_TRAIL_LINE_MAX; n_zeros++) {
    const bool is_torn = len + n_zeros < KT_TRAIL_LINE_MAX;
    store(content, len + n_zeros);
    assert_int_equal(read_all(&n, &end), is_torn ? KT_OK : KT_ERR_PROOF);
    assert_int_equal(n, 0);
    store(content, len + n_zeros);
    assert_int_equal(append("start", 0, &error), is_torn ? KT_OK : KT_ERR_PROOF);
  }
  content[len + 1] = '\n'; /* what follows a zero is not left out */
  store(content, len + 2);
  assert_int_equal(read_all(&n, &end), KT_ERR_PROOF);
  assert_int_equal(append("start", 0, &error), KT_ERR_PROOF);
}

static void nothing_is_appended_to_something_else(void **state)
{
  struct kt_error error;
  char content[SIZE];
  (void)state;
  append_three();
  size_t len = load(content);
  content[len - 10] ^= 1; /* in the last line's hash */
  store(content, len);
  assert_int_equal(append("token", 0, &error), KT_ERR_PROOF);
  assert_non_null(strstr(error.text, KT_NAME_TRAIL));
  store("not a trail\n", 12);
  assert_int_equal(append("token", 0, &error), KT_ERR_PROOF);
  assert_int_equal(load(content), 12);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(what_is_appended_is_read, make_dir, remove_dir),
    cmocka_unit_test_setup_teardown(every_changed_byte_is_found, make_dir, remove_dir),
    cmocka_unit_test_setup_teardown(lines_cannot_be_taken_out, make_dir, remove_dir),
    cmocka_unit_test_setup_teardown(a_torn_line_is_replaced, make_dir, remove_dir),
    cmocka_unit_test_setup_teardown(zeros_are_no_line, make_dir, remove_dir),
    cmocka_unit_test_setup_teardown(a_line_ends_with_a_newline, make_dir, remove_dir),
    cmocka_unit_test_setup_teardown(nothing_is_appended_to_something_else, make_dir, remove_dir),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
