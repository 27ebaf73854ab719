/* SPDX-License-Identifier: Apache-2.0 */
/* Owners: initialization, monitoring and updates, while the log grows. */
#include "pair_test.h"

#define SIZE_MAX_ 12

static enum kt_err init(struct toy_user *user, uint64_t size, uint64_t start)
{
  const struct toy_query query = { .kind = TOY_OWNER_INIT, .label = PAIR_LABEL, .start = start };
  return toy_run(user, size, &query);
}

/* "This starting position MUST correspond to an unexpired distinguished log entry." */
static bool may_start(const struct toy_log *log, uint64_t size, uint64_t start)
{
  return toy_naive_distinguished(log, size, start) && !toy_naive_expired(log, size, start);
}

static void check_initialized(const struct toy_user *user, uint64_t start)
{
  uint32_t version;
  bool exists = toy_greatest_at(user->log, PAIR_LABEL, start, &version);
  assert_int_equal(user->owner.start, start);
  assert_int_equal(user->owner.has_version_at_start, exists);
  if (exists) {
    assert_int_equal(user->owner.version_at_start, version);
  }
  assert_int_equal(user->owner.n_upcoming, 0);
  assert_int_equal(user->owner.contact.n_map, 0);
}

static void all_starts(struct toy_log *log)
{
  for (uint64_t size = 1; size <= log->size; size++) {
    for (uint64_t start = 0; start < size; start++) {
      for (uint64_t old_size = 0; old_size <= size; old_size += 1 + old_size / 3) {
        static struct toy_user user;
        toy_user_init(&user, log);
        if (old_size > 0) {
          toy_user_observe(&user, old_size);
        }
        enum kt_err err = init(&user, size, start);
        if (may_start(log, size, start)) {
          assert_int_equal(err, KT_OK);
          check_initialized(&user, start);
          pair_check_state(&user, size);
        } else {
          assert_int_not_equal(err, KT_OK);
        }
        toy_user_release(&user);
      }
    }
  }
}

static void test_every_start(void **state)
{
  (void)state;
  for (size_t w = 0; w < PAIR_COUNT(pair_windows); w++) {
    for (size_t p = 0; p < PAIR_COUNT(pair_patterns); p++) {
      static struct toy_log log;
      pair_log(&log, SIZE_MAX_, pair_patterns[p], pair_windows[w], 0);
      all_starts(&log);
      toy_log_release(&log);
    }
  }
}

static void test_every_start_with_lifetime(void **state)
{
  (void)state;
  for (size_t p = 0; p < PAIR_COUNT(pair_patterns); p++) {
    static struct toy_log log;
    pair_log(&log, SIZE_MAX_, pair_patterns[p], 25, 60);
    all_starts(&log);
    toy_log_release(&log);
  }
}

/* Learn every version up to `size`, in order. Values that begin an odd entry are asked for as if they were the owner's
 * own, the others as unknown ones. */
static void learn(struct toy_user *user, uint64_t size)
{
  uint32_t greatest;
  uint32_t known = 0;
  bool any = toy_greatest_at(user->log, PAIR_LABEL, size - 1, &greatest);
  while (any && (!kt_owner_greatest(&user->owner, &known) || known < greatest)) {
    struct kt_bytes values[TOY_KEYS];
    size_t n = 0;
    uint32_t first = kt_owner_greatest(&user->owner, &known) ? known + 1 : 0;
    const uint64_t pos = toy_version_find(user->log, PAIR_LABEL, first)->pos;
    for (uint32_t v = first; v <= greatest && toy_version_find(user->log, PAIR_LABEL, v)->pos == pos; v++) {
      values[n++] = toy_label(toy_version_find(user->log, PAIR_LABEL, v)->value);
    }
    bool own = pos % 2 == 1;
    const struct toy_query query = {
      .kind = TOY_UPDATE, .label = PAIR_LABEL, .values = values, .n_values = own ? n : 0
    };
    toy_run_ok(user, size, &query);
    assert_int_equal(user->update.position, pos);
    assert_int_equal(user->update.first_version, first);
    assert_int_equal(user->update.n_values, n);
    assert_int_equal(user->update.disregarded, !own);
    for (size_t i = 0; i < n; i++) {
      toy_assert_bytes_equal(user->update.values[i], values[i]);
    }
    pair_check_state(user, size);
    assert_true(kt_owner_greatest(&user->owner, &known) && known == first + n - 1);
  }
}

static void monitor(struct toy_user *user, uint64_t size)
{
  const struct toy_query query = { .kind = TOY_OWNER_MONITOR, .label = PAIR_LABEL };
  toy_run_ok(user, size, &query);
  pair_check_state(user, size);
}

/* Everything up to the rightmost distinguished entry is verified, and only what is right of it is still to be watched. */
static void check_monitored(const struct toy_user *user, uint64_t size)
{
  uint64_t rightmost;
  uint32_t version;
  const struct kt_owner_state *owner = &user->owner;
  assert_true(user->owner_result.complete);
  assert_true(toy_naive_rightmost_distinguished(user->log, size, &rightmost));
  assert_int_equal(owner->start, rightmost);
  assert_int_equal(owner->has_version_at_start, toy_greatest_at(user->log, PAIR_LABEL, rightmost, &version));
  if (owner->has_version_at_start) {
    assert_int_equal(owner->version_at_start, version);
  }
  for (size_t i = 0; i < owner->n_upcoming; i++) {
    assert_true(owner->upcoming[i].position > rightmost);
  }
  for (size_t i = 0; i < owner->contact.n_map; i++) {
    assert_true(owner->contact.map[i].position > rightmost);
    assert_true(toy_greatest_at(user->log, PAIR_LABEL, owner->contact.map[i].position, &version));
    assert_true(owner->contact.map[i].version <= version);
  }
  uint32_t watched = 0;
  if (owner->n_upcoming > 0) { /* the newest version is never lost sight of */
    assert_true(owner->contact.n_map > 0);
    watched = owner->contact.map[owner->contact.n_map - 1].version;
    assert_int_equal(watched, owner->upcoming[owner->n_upcoming - 1].version);
  } else {
    assert_int_equal(owner->contact.n_map, 0);
  }
}

/* Own the label from `start`, and see the log grow: learning at sizes that `learning` has a bit for, monitoring at those
 * of `monitoring`. */
static void live(struct toy_log *log, uint64_t size, uint64_t start, unsigned learning, unsigned monitoring)
{
  static struct toy_user user;
  toy_user_init(&user, log);
  assert_int_equal(init(&user, size, start), KT_OK);
  for (; size <= log->size; size++) {
    bool last = size == log->size;
    if (last || (learning >> (size % 4) & 1) != 0) {
      learn(&user, size);
    }
    if (last || (monitoring >> (size % 4) & 1) != 0) {
      monitor(&user, size);
    }
  }
  check_monitored(&user, log->size);
  toy_user_release(&user);
}

static void test_every_life(void **state)
{
  static const struct {
    unsigned learning;
    unsigned monitoring;
  } habits[] = { { 0xf, 0xf }, { 0xf, 0x0 }, { 0x0, 0x0 }, { 0x5, 0xa }, { 0x4, 0xf }, { 0xf, 0x1 } };
  (void)state;
  for (size_t w = 0; w + 1 < PAIR_COUNT(pair_windows); w++) { /* without a distinguished entry nobody can begin */
    for (size_t p = 0; p < PAIR_COUNT(pair_patterns); p++) {
      static struct toy_log log;
      pair_log(&log, SIZE_MAX_, pair_patterns[p], pair_windows[w], 0);
      for (uint64_t size = 1; size <= log.size; size++) {
        for (uint64_t start = 0; start < size; start++) {
          for (size_t h = 0; may_start(&log, size, start) && h < PAIR_COUNT(habits); h++) {
            live(&log, size, start, habits[h].learning, habits[h].monitoring);
          }
        }
      }
      toy_log_release(&log);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_start),
    cmocka_unit_test(test_every_start_with_lifetime),
    cmocka_unit_test(test_every_life),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
