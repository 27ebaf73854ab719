/* SPDX-License-Identifier: Apache-2.0 */
/* The monitoring map: what an insertion keeps, drops and refuses (R29). */
#include "client/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define GRID 4

struct map {
  const struct kt_version_at *entries;
  size_t n;
};

static enum kt_err insert(struct kt_arena *arena, struct kt_reason *reason, struct kt_version_at entry, struct map *map)
{
  const struct kt_client client = { .arena = arena, .reason = reason };
  return kt_map_insert(&client, map->entries, map->n, entry, &map->entries, &map->n);
}

/* A duty is kept when an entry at or left of its position watches its version or a greater one. */
static bool is_watched(const struct map *map, struct kt_version_at duty)
{
  for (size_t i = 0; i < map->n; i++) {
    if (map->entries[i].position <= duty.position && map->entries[i].version >= duty.version) {
      return true;
    }
  }
  return false;
}

/* Every sequence of three insertions into a small grid. */
static void test_R29_no_duty_is_lost(void **state)
{
  (void)state;
  for (unsigned code = 0; code < 16 * 16 * 16; code++) {
    struct kt_arena arena;
    struct kt_reason reason = { .code = NULL };
    struct kt_version_at duties[3];
    struct map map = { .n = 0 };
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    for (unsigned i = 0; i < 3; i++) {
      unsigned cell = code >> 4 * i & 15;
      duties[i] = (struct kt_version_at){ .position = cell / GRID, .version = cell % GRID };
      assert_int_equal(insert(&arena, &reason, duties[i], &map), KT_OK);
    }
    for (size_t i = 0; i < 3; i++) {
      assert_true(is_watched(&map, duties[i]));
    }
    /* "sorted in ascending order by position, … no position or version is duplicate" */
    for (size_t i = 1; i < map.n; i++) {
      assert_true(map.entries[i - 1].position < map.entries[i].position);
      assert_true(map.entries[i - 1].version < map.entries[i].version);
    }
    kt_arena_release(&arena);
  }
}

static void test_a_full_map_says_so(void **state)
{
  struct kt_arena arena;
  struct kt_reason reason = { .code = NULL };
  struct map map = { .n = 0 };
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  for (uint32_t i = 0; i < UINT8_MAX; i++) {
    assert_int_equal(insert(&arena, &reason, (struct kt_version_at){ 10 + i, i }, &map), KT_OK);
  }
  struct map full = map;
  assert_int_equal(insert(&arena, &reason, (struct kt_version_at){ 1000, 1000 }, &map), KT_ERR_UNDETERMINED);
  assert_string_equal(reason.code, "monitor-first");
  assert_int_equal(map.n, full.n);
  assert_ptr_equal(map.entries, full.entries);
  assert_int_equal(insert(&arena, &reason, (struct kt_version_at){ 1, 1000 }, &map), KT_OK); /* covers all of them */
  assert_int_equal(map.n, 1);
  kt_arena_release(&arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_R29_no_duty_is_lost),
    cmocka_unit_test(test_a_full_map_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
