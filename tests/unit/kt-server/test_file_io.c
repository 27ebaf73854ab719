/* SPDX-License-Identifier: Apache-2.0 */
/* Small files are replaced without touching any other file, whatever somebody has put beside them. */
#include "file_io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char CONTENT[] = "somebody's";

struct place {
  char dir[64];
  struct kt_path file;
  struct kt_path beside;
  struct kt_path victim;
};

static void make_place(struct place *place)
{
  struct kt_error error;
  (void)snprintf(place->dir, sizeof place->dir, "/tmp/kt-file-XXXXXX");
  assert_non_null(mkdtemp(place->dir));
  assert_int_equal(kt_path_join(place->dir, "file", &place->file, &error), KT_OK);
  assert_int_equal(kt_path_join(place->dir, "file.new", &place->beside, &error), KT_OK);
  assert_int_equal(kt_path_join(place->dir, "victim", &place->victim, &error), KT_OK);
}

static void put(const char *path)
{
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_int_equal(fputs(CONTENT, file) >= 0, 1);
  assert_int_equal(fclose(file), 0);
}

static void holds(const char *path, const char *expected)
{
  char text[64];
  size_t len = 0;
  struct kt_error error;
  assert_int_equal(kt_file_read(path, sizeof text - 1, text, &len, &error), KT_OK);
  assert_string_equal(text, expected);
}

/* Fails when anything is left in the folder. */
static void remove_place(const struct place *place)
{
  (void)unlink(place->file.s);
  (void)unlink(place->beside.s);
  (void)unlink(place->victim.s);
  assert_int_equal(rmdir(place->dir), 0);
}

static void a_file_is_replaced_with_its_mode(void **state)
{
  struct place place;
  struct stat info;
  struct kt_error error;
  (void)state;
  make_place(&place);
  put(place.file.s);
  assert_int_equal(kt_file_replace(place.file.s, "ours", 4, 0640, &error), KT_OK);
  holds(place.file.s, "ours");
  assert_int_equal(stat(place.file.s, &info), 0);
  assert_int_equal(info.st_mode & 07777, 0640);
  remove_place(&place);
}

static void what_lies_beside_it_stays(void **state)
{
  struct place place;
  struct kt_error error;
  (void)state;
  make_place(&place);
  put(place.beside.s);
  assert_int_equal(kt_file_replace(place.file.s, "ours", 4, 0600, &error), KT_OK);
  holds(place.beside.s, CONTENT);
  remove_place(&place);
}

static void a_planted_link_is_not_followed(void **state)
{
  struct place place;
  struct kt_error error;
  (void)state;
  make_place(&place);
  put(place.victim.s);
  assert_int_equal(symlink(place.victim.s, place.beside.s), 0);
  assert_int_equal(symlink(place.victim.s, place.file.s), 0);
  assert_int_equal(kt_file_replace(place.file.s, "ours", 4, 0600, &error), KT_OK);
  holds(place.victim.s, CONTENT);
  holds(place.file.s, "ours");
  remove_place(&place);
}

static void nothing_is_left_of_a_failure(void **state)
{
  struct place place;
  struct kt_error error;
  (void)state;
  make_place(&place);
  assert_int_equal(mkdir(place.file.s, 0700), 0); /* no file can be renamed to it */
  assert_int_equal(kt_file_replace(place.file.s, "ours", 4, 0600, &error), KT_ERR_STORE);
  assert_non_null(strstr(error.text, place.file.s));
  assert_int_equal(rmdir(place.file.s), 0);
  remove_place(&place);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_file_is_replaced_with_its_mode),
    cmocka_unit_test(what_lies_beside_it_stays),
    cmocka_unit_test(a_planted_link_is_not_followed),
    cmocka_unit_test(nothing_is_left_of_a_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
