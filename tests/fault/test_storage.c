/* SPDX-License-Identifier: Apache-2.0 */
/* The log over a disk that fails: every call of a kind in turn, once and from then on. What was acknowledged stays; what was
 * not can be sent again, at once when the disk was only full. After a flush that failed nothing is signed, and flushing is
 * not tried again: the kernel may have dropped what it could not write ("fsyncgate"). */
#include "unit/log/prune_test.h"

#include "support/shim_vfs.h"

#define BUDGET 400 /* calls of one kind that an update makes at most; a bound for loops that would not end */

struct scene {
  struct world *world;
  struct files files;
  struct person *alice;
  size_t n_syncs_after_failure;
  size_t n_syncs;
  bool sync_failed;
  size_t n_fatal;
  size_t n_refused;
};

static struct scene scene;

/* Told of what succeeded: a flush after one that failed, before the log was opened anew, would be a second try. */
static void on_event(void *ctx, const struct shim_event *event)
{
  struct scene *s = ctx;
  s->n_syncs += event->call == SHIM_SYNC ? 1 : 0;
  if (event->call == SHIM_SYNC && s->sync_failed) {
    s->n_syncs_after_failure++;
  }
}

static bool is_fatal(const struct scene *s)
{
  struct kt_log_status status;
  kt_log_status(s->world->log, &status);
  return status.is_fatal;
}

/* Closing flushes nothing after a flush that failed; opening anew may. */
static void reopen(struct scene *s)
{
  world_close(s->world);
  assert_int_equal(s->n_syncs_after_failure, 0);
  s->sync_failed = false;
  use_file(s->world, s->files.path, false);
  world_open(s->world);
}

static enum kt_err try_update(struct scene *s, const struct kt_bytes *value)
{
  return person_try_update(s->world, s->alice, value, 1, (struct kt_bytes){ 0 }, update_result_new(s->world));
}

/* One update with the nth call failing; false when there were not so many. */
static bool one_fault(struct scene *s, enum shim_call call, uint64_t nth, bool for_good)
{
  const struct kt_bytes value = person_set(s->world, s->alice, (uint8_t)(1 + nth % 3), true);
  const uint32_t n_sets = s->alice->account.n_sets;
  const uint64_t size = world_size(s->world);
  s->world->now_ms += 1000;
  shim_vfs_arm(call, nth, for_good);
  enum kt_err err = try_update(s, &value);
  const bool failed = shim_vfs_disarm();
  s->sync_failed = failed && call == SHIM_SYNC;
  if (err != KT_OK) {
    if (!failed) {
      fail_msg("call %u: refused without a fault: %s", (unsigned)nth, s->world->problem.text);
    }
    assert_true(err == KT_ERR_STORE || err == KT_ERR_MEMORY);
    assert_false(s->world->problem.is_damaged); /* a disk that fails is no reason to restore a backup */
    s->n_refused++;
    if (call == SHIM_WRITE) { /* a full disk passes by itself */
      assert_false(is_fatal(s));
    } else if (is_fatal(s)) {
      s->n_fatal++;
      assert_true(try_update(s, &value) != KT_OK);
      assert_int_equal(world_size(s->world), size); /* and nothing more was signed */
      reopen(s);
    }
    err = try_update(s, &value);
    if (err != KT_OK) {
      reopen(s);
      err = try_update(s, &value);
    }
  }
  world_ok(s->world, err);
  assert_int_equal(s->alice->account.n_sets, n_sets + 1);
  s->sync_failed = false;
  return failed;
}

static void count_damage(void *ctx, const char *where, const char *what)
{
  (void)ctx;
  fail_msg("%s: %s", where, what);
}

static void each_call(struct scene *s, enum shim_call call)
{
  const struct kt_log_fsck fsck = { .vrf_every = 7, .report = count_damage };
  for (int for_good = 0; for_good <= 1; for_good++) {
    uint64_t nth = 1;
    while (nth < BUDGET && one_fault(s, call, nth, for_good == 1)) {
      nth++;
    }
    assert_true(nth > 1 && nth < BUDGET);
  }
  world_ok(s->world, kt_log_fsck(s->world->reader, &fsck, &s->world->problem));
}

static void test_a_full_disk_passes(void **state)
{
  struct scene *s = *state;
  s->n_refused = 0;
  each_call(s, SHIM_WRITE);
  assert_true(s->n_refused > 0);
}

/* What goes along with a commit that a full disk refused goes along with the next one: here, that the log has a new
 * Configuration and the old one is none any more. */
static void test_a_full_disk_keeps_nothing_out(void **state)
{
  struct scene *s = *state;
  const struct scene kept = *s;
  struct world *world = file_world(&s->files);
  s->world = world;
  s->alice = person_new(world, "alice", 10);
  person_register(world, s->alice);
  const struct kt_bytes value = person_set(world, s->alice, 1, true);
  struct kt_config successor = world->config;
  successor.max_behind++;
  world_ok(world, kt_log_announce(world->log, &successor, &world->problem));
  world_close(world);
  world->config.max_behind++;
  world_open(world);
  shim_vfs_arm(SHIM_WRITE, 1, true);
  assert_true(try_update(s, &value) != KT_OK);
  assert_true(shim_vfs_disarm());
  world_ok(world, try_update(s, &value));
  world_close(world);
  world->config.max_behind--;
  assert_int_equal(kt_log_open(&world->options, &world->log, &world->problem), KT_ERR_UNSUPPORTED);
  assert_string_equal(world->problem.code, "configuration");
  file_world_end(world, &s->files);
  *s = kept;
}

static void test_a_failed_flush_ends_it(void **state)
{
  struct scene *s = *state;
  s->n_fatal = 0;
  each_call(s, SHIM_SYNC);
  assert_true(s->n_fatal > 0);
}

/* Entries that are added and pruned, and what is done in between. */
static void prune_for_a_while(struct scene *s)
{
  for (int i = 0; i < 6; i++) {
    s->world->now_ms += is_fatal(s) ? 0 : STEP_MS; /* after a break nothing is pruned */
    kt_log_step(s->world->log);
    kt_log_step(s->world->log); /* nothing is due: housekeeping */
  }
}

/* Of commits that add, and of those that only remove something: the nth flush fails, and none follows. */
static void test_a_failed_flush_while_pruning_ends_it(void **state)
{
  struct scene *s = *state;
  const struct scene kept = *s;
  uint64_t nth = 0;
  bool failed = true;
  files_init(&s->files);
  s->world = short_lived_world(&s->files);
  pass_hours(s->world, 8);
  while (failed && nth < BUDGET) {
    s->n_syncs = 0;
    shim_vfs_arm(SHIM_SYNC, ++nth, false);
    prune_for_a_while(s);
    failed = shim_vfs_disarm();
    if (failed) {
      assert_true(is_fatal(s));
      assert_int_equal(s->n_syncs, nth - 1);
      s->sync_failed = true;
      reopen(s);
    }
  }
  assert_true(nth > 12 && nth < BUDGET);
  file_world_end(s->world, &s->files);
  *s = kept;
}

static void test_reads_that_fail_change_nothing(void **state)
{
  each_call(*state, SHIM_READ);
}

static int begin(void **state)
{
  scene.world = file_world(&scene.files);
  scene.alice = person_new(scene.world, "alice", 10);
  person_register(scene.world, scene.alice);
  *state = &scene;
  return 0;
}

static int end(void **state)
{
  (void)state;
  file_world_end(scene.world, &scene.files);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_full_disk_passes),
    cmocka_unit_test(test_a_full_disk_keeps_nothing_out),
    cmocka_unit_test(test_a_failed_flush_ends_it),
    cmocka_unit_test(test_a_failed_flush_while_pruning_ends_it),
    cmocka_unit_test(test_reads_that_fail_change_nothing),
  };
  return shim_vfs_install(on_event, &scene) ? cmocka_run_group_tests(tests, begin, end) : 1;
}
