/* SPDX-License-Identifier: Apache-2.0 */
/* SIGKILL at any moment loses nothing that was acknowledged. */
#include "store_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#define N_ROUNDS 8

/* Commits entries from `pos` on for ever; writes the new size to fd after each commit. */
static void commit_for_ever(struct store_test *t, int fd)
{
  store_test_open(t, false);
  uint64_t pos = 0;
  store_test_ok(t, t->writer, kt_store_count_entries(t->writer, &pos));
  for (;;) {
    /* Two entries in a transaction: they come together or not at all. */
    store_test_begin(t);
    store_test_put_entry(t, pos);
    store_test_put_entry(t, pos + 1);
    store_test_commit(t);
    pos += 2;
    if (write(fd, &pos, sizeof pos) != (ssize_t)sizeof pos) {
      _exit(1);
    }
    store_test_ok(t, t->writer, kt_store_maintain(t->writer, true));
  }
}

/* The size last acknowledged before the child died. */
static uint64_t run_and_kill(struct store_test *t, unsigned after_us)
{
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    (void)close(fds[0]);
    commit_for_ever(t, fds[1]);
  }
  (void)close(fds[1]);
  uint64_t acknowledged = 0;
  assert_int_equal(read(fds[0], &acknowledged, sizeof acknowledged), sizeof acknowledged); /* it runs */
  struct timespec wait = { .tv_nsec = (long)after_us * 1000 };
  (void)nanosleep(&wait, NULL);
  assert_int_equal(kill(child, SIGKILL), 0);
  uint64_t size = 0;
  while (read(fds[0], &size, sizeof size) == (ssize_t)sizeof size) {
    acknowledged = size;
  }
  (void)close(fds[0]);
  assert_int_equal(waitpid(child, NULL, 0), child);
  return acknowledged;
}

static void test_acknowledged_survives(void **state)
{
  (void)state;
  struct store_test t = { 0 };
  store_test_make_dir(&t);
  store_test_open(&t, true);
  store_test_close(&t);
  uint64_t size = 0;
  for (unsigned round = 0; round < N_ROUNDS; round++) {
    uint64_t acknowledged = run_and_kill(&t, round * 9377 % 50000);
    assert_true(acknowledged > size);
    store_test_open(&t, false);
    store_test_ok(&t, t.reader, kt_store_count_entries(t.reader, &size));
    assert_true(size == acknowledged || size == acknowledged + 2); /* committed, but not yet told */
    for (uint64_t pos = 0; pos < size; pos++) {
      assert_true(store_test_entry_is_there(t.reader, pos));
    }
    assert_false(store_test_entry_is_there(t.reader, size));
    store_test_ok(&t, t.reader, kt_store_verify(t.reader));
    store_test_close(&t);
  }
  store_test_remove_dir(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_acknowledged_survives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
