/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's memory: one process at a time, a page is all or nothing, unpublished leaves come back, and no second tree
 * of one size is ever intended. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "auditor_state.h"

struct fixture {
  char home[64];
  struct kt_auditor_state state;
  struct kt_arena arena;
};

static const struct kt_hash log_id = { { 9 } };

static int set_up(void **context)
{
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  strcpy(f->home, "/tmp/kt-auditor-XXXXXX");
  assert_non_null(mkdtemp(f->home));
  kt_arena_init(&f->arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_auditor_state_open(f->home, &f->state), KT_OK);
  *context = f;
  return 0;
}

static int tear_down(void **context)
{
  struct fixture *f = *context;
  char command[128];
  kt_auditor_state_close(&f->state);
  kt_arena_release(&f->arena);
  snprintf(command, sizeof command, "rm -rf '%s'", f->home);
  assert_int_equal(system(command), 0);
  free(f);
  return 0;
}

static void reopen(struct fixture *f)
{
  kt_auditor_state_close(&f->state);
  assert_int_equal(kt_auditor_state_open(f->home, &f->state), KT_OK);
}

/* After `size` entries; nothing in it is looked at but what it is kept for. */
static struct kt_auditor_progress progress_at(uint64_t size)
{
  static const uint8_t signature[64] = { 3 };
  struct kt_auditor_progress progress = { .from = 2, .leaves = 10 * size };
  progress.audit.size = size;
  progress.audit.n_heads = (size_t)__builtin_popcountll(size);
  progress.audit.n_frontier = 1; /* as it is of a log with one entry */
  progress.audit.prefix_root.b[0] = (uint8_t)size;
  progress.head = (struct kt_seen_head){ .size = size,
                                         .root = { { (uint8_t)size } },
                                         .signature = { signature, sizeof signature },
                                         .config = { signature, 5 },
                                         .seen_ms = 77 };
  return progress;
}

static void add(struct fixture *f, uint64_t pos, size_t n, const uint64_t *published)
{
  struct kt_prefix_leaf leaves[8] = { 0 };
  for (size_t i = 0; i < n; i++) {
    leaves[i].vrf_output.b[0] = (uint8_t)pos;
    leaves[i].vrf_output.b[1] = (uint8_t)i;
  }
  const struct kt_auditor_update update = { .added = leaves, .n_added = n };
  assert_int_equal(kt_auditor_state_add(&f->state, pos, &update, published), KT_OK);
}

static bool remembers(struct kt_audit_recent *recent, uint64_t pos, size_t i)
{
  const struct kt_audit_history history = kt_audit_recent_history(recent);
  struct kt_hash key = { { (uint8_t)pos, (uint8_t)i } };
  uint64_t at = UINT64_MAX;
  bool found = history.added_at(history.ctx, &key, &at);
  assert_true(!found || at == pos);
  return found;
}

static enum kt_err load(struct fixture *f, const struct kt_hash *id, struct kt_auditor_progress *ret_progress,
                        struct kt_audit_recent *recent)
{
  kt_audit_recent_init(recent, 0);
  return kt_auditor_state_load(&f->state, id, &f->arena, ret_progress, recent);
}

static void test_what_was_committed_comes_back(void **context)
{
  struct fixture *f = *context;
  struct kt_auditor_progress got;
  struct kt_audit_recent recent;
  const struct kt_hash other = { { 8 } };
  const uint64_t published = 0;
  assert_int_equal(load(f, &log_id, &got, &recent), KT_ERR_ABSENT);
  assert_int_equal(kt_auditor_state_begin(&f->state), KT_OK);
  add(f, 0, 3, NULL);
  const struct kt_auditor_progress progress = progress_at(1);
  assert_int_equal(kt_auditor_state_commit(&f->state, &log_id, &progress), KT_OK);
  reopen(f);
  assert_int_equal(load(f, &log_id, &got, &recent), KT_OK);
  assert_int_equal(got.from, 2);
  assert_int_equal(got.leaves, 10);
  assert_int_equal(got.audit.size, 1);
  assert_int_equal(got.head.size, 1);
  assert_int_equal(got.head.seen_ms, 77);
  assert_memory_equal(&got.head.root, &progress.head.root, KT_HASH_LEN);
  assert_memory_equal(&got.audit.prefix_root, &progress.audit.prefix_root, KT_HASH_LEN);
  assert_int_equal(got.head.signature.len, 64);
  assert_true(remembers(&recent, 0, 0) && remembers(&recent, 0, 2) && !remembers(&recent, 0, 3));
  kt_audit_recent_release(&recent);
  assert_int_equal(load(f, &other, &got, &recent), KT_ERR_CONFLICT); /* another log's */
  kt_audit_recent_release(&recent);

  /* A page that is not committed never was. */
  assert_int_equal(kt_auditor_state_begin(&f->state), KT_OK);
  add(f, 1, 2, &published);
  kt_auditor_state_rollback(&f->state);
  reopen(f);
  assert_int_equal(load(f, &log_id, &got, &recent), KT_OK);
  assert_true(remembers(&recent, 0, 0) && !remembers(&recent, 1, 0));
  kt_audit_recent_release(&recent);

  /* What a distinguished entry has published is given up. */
  assert_int_equal(kt_auditor_state_begin(&f->state), KT_OK);
  add(f, 1, 2, &published);
  assert_int_equal(kt_auditor_state_commit(&f->state, &log_id, &progress), KT_OK);
  assert_int_equal(load(f, &log_id, &got, &recent), KT_OK);
  assert_true(!remembers(&recent, 0, 0) && remembers(&recent, 1, 1));
  kt_audit_recent_release(&recent);
}

/* Killed in the middle of a page. */
static void test_killed_in_a_page(void **context)
{
  struct fixture *f = *context;
  struct kt_auditor_progress got;
  struct kt_audit_recent recent;
  const struct kt_auditor_progress progress = progress_at(1);
  assert_int_equal(kt_auditor_state_begin(&f->state), KT_OK);
  add(f, 0, 1, NULL);
  assert_int_equal(kt_auditor_state_commit(&f->state, &log_id, &progress), KT_OK);
  kt_auditor_state_close(&f->state);
  pid_t child = fork();
  if (child == 0) {
    if (kt_auditor_state_open(f->home, &f->state) == KT_OK && kt_auditor_state_begin(&f->state) == KT_OK) {
      add(f, 1, 1, NULL);
      raise(SIGKILL);
    }
    _exit(1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(kt_auditor_state_open(f->home, &f->state), KT_OK); /* its lock is gone with it */
  assert_int_equal(load(f, &log_id, &got, &recent), KT_OK);
  assert_int_equal(got.audit.size, 1);
  assert_true(remembers(&recent, 0, 0) && !remembers(&recent, 1, 0));
  kt_audit_recent_release(&recent);
}

static void test_one_process_at_a_time(void **context)
{
  struct fixture *f = *context;
  struct kt_auditor_state second;
  assert_int_equal(kt_auditor_state_open(f->home, &second), KT_ERR_UNDETERMINED);
  kt_auditor_state_close(&second);
  kt_auditor_state_close(&f->state);
  assert_int_equal(kt_auditor_state_open(f->home, &second), KT_OK);
  kt_auditor_state_close(&second);
  assert_int_equal(kt_auditor_state_open(f->home, &f->state), KT_OK);
}

static void test_one_tree_of_a_size(void **context)
{
  struct fixture *f = *context;
  const struct kt_hash a = { { 1 } };
  const struct kt_hash b = { { 2 } };
  assert_int_equal(kt_auditor_state_intend(&f->state, 5, &a), KT_OK);
  assert_int_equal(kt_auditor_state_intend(&f->state, 5, &a), KT_OK); /* the answer to the first was lost */
  assert_int_equal(kt_auditor_state_intend(&f->state, 5, &b), KT_ERR_CONFLICT);
  reopen(f);
  assert_int_equal(kt_auditor_state_intend(&f->state, 5, &b), KT_ERR_CONFLICT);
  assert_int_equal(kt_auditor_state_intend(&f->state, 4, &a), KT_ERR_CONFLICT);
  assert_int_equal(kt_auditor_state_intend(&f->state, 6, &b), KT_OK);
}

static void test_others_cannot_read_it(void **context)
{
  struct fixture *f = *context;
  char path[128];
  struct stat st;
  snprintf(path, sizeof path, "%s/auditor.db", f->home);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 077, 0);
}

static void assert_refused(struct fixture *f, const char *why)
{
  assert_int_equal(kt_auditor_state_open(f->home, &f->state), KT_ERR_DENIED);
  assert_non_null(strstr(f->state.db.error, why));
  kt_auditor_state_close(&f->state);
}

/* As with the client's state: by the same rule, and before anything of it is read. */
static void test_what_is_open_to_others_is_refused(void **context)
{
  struct fixture *f = *context;
  char path[128];
  snprintf(path, sizeof path, "%s/auditor.db", f->home);
  kt_auditor_state_close(&f->state);
  assert_int_equal(chmod(path, 0602), 0);
  assert_refused(f,
                 "auditor.db in it is open to others (mode 0602): chmod 600 it, and think about who may have changed");
  assert_int_equal(chmod(path, 0640), 0);
  assert_refused(f, "auditor.db in it is open to others (mode 0640): chmod 600 it, and think about who may have read");
  assert_int_equal(chmod(path, 0600), 0);
  assert_int_equal(chmod(f->home, 0770), 0);
  assert_refused(f, "it is open to others (mode 0770): chmod 700 it");
  assert_int_equal(chmod(f->home, 0700), 0);
  assert_int_equal(kt_auditor_state_open(f->home, &f->state), KT_OK);
}

/* What the auditor's key signs next depends on it. */
static void test_a_flipped_bit_is_refused(void **context)
{
  struct fixture *f = *context;
  char path[128];
  snprintf(path, sizeof path, "%s/auditor.db", f->home);
  kt_auditor_state_close(&f->state);
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, 1000, SEEK_SET), 0);
  assert_int_equal(fputc(1, file), 1);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(kt_auditor_state_open(f->home, &f->state), KT_ERR_STORE);
  assert_non_null(strstr(f->state.db.error, "damaged"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_what_was_committed_comes_back, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_killed_in_a_page, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_one_process_at_a_time, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_one_tree_of_a_size, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_others_cannot_read_it, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_what_is_open_to_others_is_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_a_flipped_bit_is_refused, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
