/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: zeroed and aligned memory, the cap, overflow of count * size, release and reuse. */
#include <kt/arena.h>

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ALIGN alignof(max_align_t)

static void memory_is_zeroed_aligned_and_apart(void **state)
{
  (void)state;
  struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  /* Sizes up to several blocks; every piece is filled, and all of them still hold their filling at the end. */
  unsigned char *pieces[300];
  for (size_t i = 0; i < 300; i++) {
    size_t len = i * 7 + 1;
    pieces[i] = kt_arena_alloc(&arena, len, 1);
    assert_non_null(pieces[i]);
    assert_int_equal((uintptr_t)pieces[i] % ALIGN, 0);
    for (size_t j = 0; j < len; j++) {
      assert_int_equal(pieces[i][j], 0);
    }
    memset(pieces[i], (int)(i % 251) + 1, len);
  }
  for (size_t i = 0; i < 300; i++) {
    assert_int_equal(pieces[i][0], i % 251 + 1);
    assert_int_equal(pieces[i][i * 7], i % 251 + 1);
  }
  kt_arena_release(&arena);
}

static void larger_than_a_block_is_one_piece(void **state)
{
  (void)state;
  struct kt_arena arena;
  kt_arena_init(&arena, (size_t)1 << 20);
  const size_t len = 200000;
  unsigned char *large = kt_arena_alloc(&arena, len, 1);
  assert_non_null(large);
  memset(large, 1, len);
  assert_non_null(kt_arena_alloc(&arena, 1, 1));
  kt_arena_release(&arena);
}

static void the_cap_counts_everything_handed_out(void **state)
{
  (void)state;
  struct kt_arena arena;
  kt_arena_init(&arena, 10 * ALIGN);
  for (size_t i = 0; i < 10; i++) {
    assert_non_null(kt_arena_alloc(&arena, 1, 1)); /* rounded up to the alignment */
  }
  assert_int_equal(arena.used, 10 * ALIGN);
  assert_null(kt_arena_alloc(&arena, 1, 1));
  assert_non_null(kt_arena_alloc(&arena, 0, 1));
  kt_arena_release(&arena);
}

static void a_refused_request_changes_nothing(void **state)
{
  (void)state;
  struct kt_arena arena;
  kt_arena_init(&arena, 4 * ALIGN);
  assert_non_null(kt_arena_alloc(&arena, ALIGN, 1));
  assert_null(kt_arena_alloc(&arena, 3 * ALIGN + 1, 1));
  assert_int_equal(arena.used, ALIGN);
  assert_non_null(kt_arena_alloc(&arena, 3 * ALIGN, 1));
  kt_arena_release(&arena);
}

static void a_cap_that_is_no_multiple_of_the_alignment_holds(void **state)
{
  (void)state;
  struct kt_arena arena;
  kt_arena_init(&arena, ALIGN + 1);
  assert_null(kt_arena_alloc(&arena, ALIGN + 1, 1));
  assert_non_null(kt_arena_alloc(&arena, ALIGN, 1));
  assert_null(kt_arena_alloc(&arena, 1, 1));
  kt_arena_release(&arena);
}

static void overflowing_products_are_refused(void **state)
{
  (void)state;
  struct kt_arena arena;
  kt_arena_init(&arena, SIZE_MAX);
  assert_null(kt_arena_alloc(&arena, SIZE_MAX, 2));
  assert_null(kt_arena_alloc(&arena, 2, SIZE_MAX));
  assert_null(kt_arena_alloc(&arena, SIZE_MAX / 2 + 1, 2)); /* the product wraps to 0 */
  assert_null(kt_arena_alloc(&arena, SIZE_MAX, 1));         /* rounding up would wrap */
  assert_int_equal(arena.used, 0);
  kt_arena_release(&arena);
}

static void zero_bytes_give_a_pointer(void **state)
{
  (void)state;
  struct kt_arena arena;
  kt_arena_init(&arena, 0);
  assert_non_null(kt_arena_alloc(&arena, 0, 8));
  assert_non_null(kt_arena_alloc(&arena, 8, 0));
  assert_non_null(kt_arena_copy(&arena, NULL, 0));
  assert_null(kt_arena_alloc(&arena, 1, 1));
  kt_arena_release(&arena);
}

static void copies_are_independent(void **state)
{
  (void)state;
  struct kt_arena arena;
  kt_arena_init(&arena, 100);
  char original[] = "abc";
  const char *copy = kt_arena_copy(&arena, original, sizeof original);
  assert_non_null(copy);
  original[0] = 'x';
  assert_string_equal(copy, "abc");
  char too_long[101] = { 0 };
  assert_null(kt_arena_copy(&arena, too_long, sizeof too_long));
  kt_arena_release(&arena);
}

/* An array filled item by item keeps what is in it, grows by doubling, and says so in *cap. */
static void growing_keeps_the_items(void **state)
{
  (void)state;
  struct kt_arena arena;
  kt_arena_init(&arena, (size_t)1 << 20);
  uint32_t *items = NULL;
  size_t cap = 0;
  size_t n_moved = 0;
  for (uint32_t n = 0; n < 1000; n++) {
    uint32_t *grown = kt_arena_grow(&arena, items, n, sizeof *items, &cap);
    assert_non_null(grown);
    assert_true(cap > n);
    n_moved += grown != items;
    items = grown;
    items[n] = n * 3;
  }
  for (uint32_t n = 0; n < 1000; n++) {
    assert_int_equal(items[n], n * 3);
  }
  assert_true(n_moved <= 8); /* 16, 32 … 1024 */
  assert_true(arena.used <= 2 * cap * sizeof *items);
  for (size_t n = 1000; n < cap; n++) {
    assert_int_equal(items[n], 0);
  }
  kt_arena_release(&arena);
}

/* No room: the array stays as it is, and so does its size. */
static void an_array_that_cannot_grow_stays(void **state)
{
  (void)state;
  struct kt_arena arena;
  size_t cap = 0;
  kt_arena_init(&arena, 47 * ALIGN);
  uint64_t *items = kt_arena_grow(&arena, NULL, 0, ALIGN, &cap);
  assert_non_null(items);
  assert_int_equal(cap, 16);
  items[0] = 7;
  assert_ptr_equal(kt_arena_grow(&arena, items, 15, ALIGN, &cap), items); /* not full yet */
  assert_null(kt_arena_grow(&arena, items, 16, ALIGN, &cap));
  assert_int_equal(cap, 16);
  assert_int_equal(items[0], 7);
  assert_int_equal(arena.used, 16 * ALIGN);
  kt_arena_release(&arena);
  kt_arena_init(&arena, SIZE_MAX);
  cap = 0;
  assert_null(kt_arena_grow(&arena, NULL, 0, SIZE_MAX / 8, &cap)); /* 16 of them wrap */
  assert_int_equal(cap, 0);
}

static void release_gives_the_cap_back(void **state)
{
  (void)state;
  struct kt_arena arena;
  kt_arena_init(&arena, 64);
  for (int round = 0; round < 3; round++) {
    unsigned char *all = kt_arena_alloc(&arena, 64, 1);
    assert_non_null(all);
    assert_int_equal(all[63], 0);
    memset(all, 0xff, 64);
    assert_null(kt_arena_alloc(&arena, 1, 1));
    kt_arena_release(&arena);
    assert_int_equal(arena.used, 0);
    assert_int_equal(arena.cap, 64);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
    cmocka_unit_test(larger_than_a_block_is_one_piece),
    cmocka_unit_test(the_cap_counts_everything_handed_out),
    cmocka_unit_test(a_refused_request_changes_nothing),
    cmocka_unit_test(a_cap_that_is_no_multiple_of_the_alignment_holds),
    cmocka_unit_test(overflowing_products_are_refused),
    cmocka_unit_test(zero_bytes_give_a_pointer),
    cmocka_unit_test(copies_are_independent),
    cmocka_unit_test(growing_keeps_the_items),
    cmocka_unit_test(an_array_that_cannot_grow_stays),
    cmocka_unit_test(release_gives_the_cap_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
