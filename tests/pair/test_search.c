/* SPDX-License-Identifier: Apache-2.0 */
/* Search: every size, every size seen before, every version, against the naive search. */
#include "pair_test.h"

#define SIZE_MAX_ 12

static void check_found(struct toy_user *user, uint64_t size, uint32_t version, uint64_t terminal)
{
  const struct toy_version *want = toy_version_find(user->log, PAIR_LABEL, version);
  uint64_t rightmost;
  assert_int_equal(user->search.version, version);
  toy_assert_bytes_equal(user->search.value, toy_label(want->value));
  assert_int_equal(user->search.terminal, terminal);
  assert_int_equal(user->search.terminal_ms, user->log->timestamps[terminal]);
  /* "If … the terminal log entry of the search is to the right of the rightmost distinguished log entry, the user MUST
   * monitor the label" */
  bool monitor = !toy_naive_rightmost_distinguished(user->log, size, &rightmost) || terminal > rightmost;
  assert_int_equal(user->contact.n_map, monitor ? 1 : 0);
  if (monitor) {
    assert_int_equal(user->contact.map[0].position, terminal);
    assert_int_equal(user->contact.map[0].version, version);
  }
}

static void check_greatest(struct toy_log *log, uint64_t old_size, uint64_t size)
{
  static struct toy_user user;
  uint32_t greatest;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = PAIR_LABEL };
  toy_user_init(&user, log);
  if (old_size > 0) {
    toy_user_observe(&user, old_size);
    pair_check_state(&user, old_size);
  }
  if (toy_greatest_at(log, PAIR_LABEL, size - 1, &greatest)) {
    assert_int_equal(toy_run(&user, size, &query), KT_OK);
    check_found(&user, size, greatest, toy_naive_greatest_terminal(log, size, PAIR_LABEL));
  } else {
    assert_int_equal(toy_run(&user, size, &query), KT_ERR_ABSENT);
    assert_null(user.reason.code);
  }
  pair_check_state(&user, size);
  toy_user_release(&user);
}

static void check_fixed(struct toy_log *log, uint64_t old_size, uint64_t size, uint32_t version)
{
  static struct toy_user user;
  uint64_t terminal;
  const struct toy_query query = { .kind = TOY_SEARCH, .label = PAIR_LABEL, .version = &version };
  toy_user_init(&user, log);
  if (old_size > 0) {
    toy_user_observe(&user, old_size);
  }
  uint32_t greatest;
  if (!toy_greatest_at(log, PAIR_LABEL, size - 1, &greatest) || version > greatest) {
    assert_int_equal(toy_ask(&user, size, &query), KT_ERR_ABSENT);
  } else {
    enum kt_err want = toy_naive_fixed(log, size, PAIR_LABEL, version, &terminal);
    assert_int_equal(toy_run(&user, size, &query), want);
    if (want == KT_OK) {
      check_found(&user, size, version, terminal);
      pair_check_state(&user, size);
    }
  }
  toy_user_release(&user);
}

static void all_searches(struct toy_log *log)
{
  for (uint64_t size = 1; size <= log->size; size++) {
    uint32_t greatest;
    uint32_t n = toy_greatest_at(log, PAIR_LABEL, size - 1, &greatest) ? greatest + 1 : 0;
    for (uint64_t old_size = 0; old_size <= size; old_size++) {
      check_greatest(log, old_size, size);
      for (uint32_t version = 0; version <= n; version++) {
        check_fixed(log, old_size, size, version);
      }
    }
  }
}

static void test_every_search(void **state)
{
  (void)state;
  for (size_t w = 0; w < PAIR_COUNT(pair_windows); w++) {
    for (size_t p = 0; p < PAIR_COUNT(pair_patterns); p++) {
      static struct toy_log log;
      pair_log(&log, SIZE_MAX_, pair_patterns[p], pair_windows[w], 0);
      all_searches(&log);
      toy_log_release(&log);
    }
  }
}

/* Lifetimes of 3, 6 and 11 entries: succeed or expire as the numbered steps say. */
static void test_maximum_lifetime(void **state)
{
  static const uint64_t lifetimes[] = { 30, 60, 110 };
  (void)state;
  for (size_t l = 0; l < PAIR_COUNT(lifetimes); l++) {
    for (size_t p = 0; p < PAIR_COUNT(pair_patterns); p++) {
      static struct toy_log log;
      pair_log(&log, SIZE_MAX_ + 2, pair_patterns[p], 25, lifetimes[l]);
      all_searches(&log);
      toy_log_release(&log);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_search),
    cmocka_unit_test(test_maximum_lifetime),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
