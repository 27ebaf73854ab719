/* SPDX-License-Identifier: Apache-2.0 */
/* Contact monitoring: what has to be monitored, step by step, until a distinguished entry is reached. */
#include "pair_test.h"

#define SIZE_MAX_ 12

/* Where monitoring leads from pos: the last of its right ancestors; false when a distinguished entry ends it. */
static bool naive_position(const struct toy_log *log, uint64_t size, uint64_t pos, uint64_t *ret_pos)
{
  uint64_t at = pos;
  uint64_t parent = pos;
  if (toy_naive_distinguished(log, size, pos)) {
    return false;
  }
  while (toy_naive_parent(size, parent, &parent)) {
    if (parent > pos) {
      at = parent;
      if (toy_naive_distinguished(log, size, parent)) {
        return false;
      }
    }
  }
  *ret_pos = at;
  return true;
}

/* What a user still has to monitor: per version the terminal entry of the search that showed it. */
struct duties {
  uint64_t terminal[TOY_KEYS];
  bool open[TOY_KEYS];
};

/* After monitoring at `size` the map has, for each position that is still to be watched, the greatest version there. */
static void check_map(const struct toy_user *user, uint64_t size, const struct duties *duties)
{
  uint64_t positions[TOY_KEYS];
  uint32_t versions[TOY_KEYS];
  size_t n = 0;
  for (uint32_t version = 0; version < TOY_KEYS; version++) {
    uint64_t pos;
    if (!duties->open[version] || !naive_position(user->log, size, duties->terminal[version], &pos)) {
      continue;
    }
    n = n > 0 && positions[n - 1] == pos ? n - 1 : n;
    positions[n] = pos;
    versions[n++] = version;
  }
  assert_int_equal(user->contact.n_map, n);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(user->contact.map[i].position, positions[i]);
    assert_int_equal(user->contact.map[i].version, versions[i]);
  }
}

/* Search, and note the duty that follows from it. */
static void search(struct toy_user *user, uint64_t size, const uint32_t *version, struct duties *duties)
{
  const struct toy_query query = { .kind = TOY_SEARCH, .label = PAIR_LABEL, .version = version };
  uint64_t rightmost;
  enum kt_err err = toy_run(user, size, &query);
  if (err == KT_ERR_ABSENT) {
    return;
  }
  assert_int_equal(err, KT_OK);
  uint64_t terminal = user->search.terminal;
  if (!toy_naive_rightmost_distinguished(user->log, size, &rightmost) || terminal > rightmost) {
    duties->terminal[user->search.version] = terminal;
    duties->open[user->search.version] = true;
  }
}

static void monitor(struct toy_user *user, uint64_t size, const struct duties *duties)
{
  const struct toy_query query = { .kind = TOY_CONTACT, .label = PAIR_LABEL };
  toy_run_ok(user, size, &query);
  check_map(user, size, duties);
  pair_check_state(user, size);
}

/* From one search: monitor at every size that `steps` has a bit for. */
static void follow(struct toy_log *log, uint64_t size, const uint32_t *version, unsigned steps)
{
  static struct toy_user user;
  struct duties duties = { 0 };
  toy_user_init(&user, log);
  search(&user, size, version, &duties);
  for (uint64_t next = size; next <= log->size; next++) {
    if ((steps >> (next % 4) & 1) != 0) {
      monitor(&user, next, &duties);
    }
  }
  toy_user_release(&user);
}

static void test_one_version(void **state)
{
  static const unsigned steps[] = { 0xf, 0x4, 0x9 };
  (void)state;
  for (size_t w = 0; w < PAIR_COUNT(pair_windows); w++) {
    for (size_t p = 0; p < PAIR_COUNT(pair_patterns); p++) {
      static struct toy_log log;
      pair_log(&log, SIZE_MAX_, pair_patterns[p], pair_windows[w], 0);
      for (uint64_t size = 1; size <= log.size; size++) {
        uint32_t greatest;
        uint32_t n = toy_greatest_at(&log, PAIR_LABEL, size - 1, &greatest) ? greatest + 1 : 0;
        for (size_t s = 0; s < PAIR_COUNT(steps); s++) {
          follow(&log, size, NULL, steps[s]);
          for (uint32_t version = 0; version < n; version++) {
            follow(&log, size, &version, steps[s]);
          }
        }
      }
      toy_log_release(&log);
    }
  }
}

/* Searches and monitoring as they come, from a generator of fixed numbers. */
static void wander(struct toy_log *log, uint32_t random)
{
  static struct toy_user user;
  struct duties duties = { 0 };
  toy_user_init(&user, log);
  for (uint64_t size = 1 + random % 5; size <= log->size; size++) {
    uint32_t greatest;
    random = random * 1664525 + 1013904223;
    uint32_t version = (random >> 8) % TOY_KEYS;
    bool exists = toy_greatest_at(log, PAIR_LABEL, size - 1, &greatest);
    switch (random >> 24 & 7) {
    case 0:
    case 1: search(&user, size, NULL, &duties); break;
    case 2:
    case 3:
      if (exists) {
        version = version % (greatest + 1);
        search(&user, size, &version, &duties);
      }
      break;
    case 4: monitor(&user, size, &duties); break;
    default: break;
    }
  }
  monitor(&user, log->size, &duties);
  toy_user_release(&user);
}

static void test_several_versions(void **state)
{
  (void)state;
  for (size_t w = 0; w < PAIR_COUNT(pair_windows); w++) {
    for (size_t p = 0; p < PAIR_COUNT(pair_patterns); p++) {
      static struct toy_log log;
      pair_log(&log, 24, pair_patterns[p], pair_windows[w], 0);
      for (uint32_t i = 0; i < 80; i++) {
        wander(&log, 77 * i + 5);
      }
      toy_log_release(&log);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_one_version),
    cmocka_unit_test(test_several_versions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
