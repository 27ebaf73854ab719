/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the durable backend alone begin with. */
#ifndef KT_TESTS_SQLITE_TEST_H
#define KT_TESTS_SQLITE_TEST_H

#include "store_test.h"

#include <sys/stat.h>

#include "store/sqlite.h"

static inline int sqlite_test_setup(void **state)
{
  struct store_test *t = calloc(1, sizeof *t);
  assert_non_null(t);
  store_test_make_dir(t);
  kt_arena_init(&t->arena, KT_ARENA_CAP_DEFAULT);
  *state = t;
  return 0;
}

static inline int sqlite_test_teardown(void **state)
{
  struct store_test *t = *state;
  store_test_remove_dir(t);
  kt_arena_release(&t->arena);
  free(t);
  return 0;
}

static inline void sqlite_test_make_log(struct store_test *t, uint64_t n_entries)
{
  store_test_open(t, true);
  for (uint64_t pos = 0; pos < n_entries; pos++) {
    store_test_append(t, pos);
  }
  store_test_close(t);
}

static inline uint8_t *sqlite_test_read_file(const char *path, size_t *ret_len)
{
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  size_t len = (size_t)status.st_size;
  uint8_t *data = malloc(len + 1);
  FILE *file = fopen(path, "rb");
  assert_non_null(data);
  assert_non_null(file);
  assert_int_equal(fread(data, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
  *ret_len = len;
  return data;
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, sqlite_test_setup, sqlite_test_teardown)

#endif
