/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for final verification comes from other people: how much of it there may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state_credentials.h"

#define LARGE ((size_t)3 << 20) /* about what fits into a credential file */

struct fixture {
  char folder[64];
  struct kt_state state;
  struct kt_arena arena;
  uint8_t *large;
};

static int set_up(void **context)
{
  struct fixture *f = calloc(1, sizeof *f);
  uint64_t generation;
  assert_non_null(f);
  strcpy(f->folder, "/tmp/kt-state-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  kt_arena_init(&f->arena, KT_ARENA_CAP_DEFAULT);
  f->large = calloc(1, LARGE);
  assert_non_null(f->large);
  assert_int_equal(kt_state_open(f->folder, true, &f->state), KT_OK);
  assert_int_equal(kt_state_begin_read(&f->state, &generation), KT_OK);
  kt_state_rollback(&f->state);
  assert_int_equal(kt_state_begin_write(&f->state, generation), KT_OK);
  *context = f;
  return 0;
}

static int tear_down(void **context)
{
  struct fixture *f = *context;
  char command[128];
  kt_state_close(&f->state);
  kt_arena_release(&f->arena);
  snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
  assert_int_equal(system(command), 0);
  free(f->large);
  free(f);
  return 0;
}

/* The i-th credential, with an update of so many bytes; 0: none came yet. */
static enum kt_err put(struct fixture *f, size_t i, size_t update_len)
{
  static const struct kt_tree_state tree = { .size = 1, .n_heads = 1, .n_frontier = 1 };
  static const struct kt_version_at entry = { .version = 0 };
  struct kt_waiting_credential waiting = {
    .pending = { .label = { (const uint8_t *)"alice", 5 }, .tree = &tree, .contact = { .map = &entry, .n_map = 1 } },
    .credential = { (const uint8_t *)"credential", 10 },
    .update = { update_len > 0 ? f->large : NULL, update_len },
  };
  memcpy(waiting.pending.id.b, &i, sizeof i);
  return kt_state_put_waiting(&f->state, &waiting);
}

static void test_a_full_list_still_takes_updates(void **context)
{
  struct fixture *f = *context;
  for (size_t i = 0; i < KT_WAITING_MAX; i++) {
    assert_int_equal(put(f, i, 0), KT_OK);
  }
  assert_int_equal(put(f, KT_WAITING_MAX, 0), KT_ERR_LIMIT);
  assert_int_equal(put(f, 7, 20), KT_OK);
  assert_int_equal(put(f, 7, 0), KT_OK);
}

/* Large ones are refused before reading the list takes more memory than there is, which would stop every walk. */
static void test_what_was_kept_can_be_read(void **context)
{
  struct fixture *f = *context;
  struct kt_waiting_credential *list;
  enum kt_err err = KT_OK;
  size_t n_put = 0;
  size_t n;
  while (err == KT_OK && n_put < KT_WAITING_MAX) {
    err = put(f, n_put, LARGE);
    n_put += err == KT_OK ? 1 : 0;
  }
  assert_int_equal(err, KT_ERR_LIMIT);
  assert_in_range(n_put, 3, KT_WAITING_MAX - 1);
  assert_int_equal(kt_state_waiting(&f->state, &f->arena, &list, &n), KT_OK);
  assert_int_equal(n, n_put);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_a_full_list_still_takes_updates, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_what_was_kept_can_be_read, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
