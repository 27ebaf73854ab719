/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever is late is told so; pruning survives failures, damage and kill -9. */
#include "prune_test.h"

#include <signal.h>
#include <sys/wait.h>

#include "store/backend.h"

/* --- late people -------------------------------------------------------------------------------------------------- */

#define EXPECT(world, call, code_)                       \
  do {                                                   \
    assert_int_equal(call, KT_ERR_EXPIRED);              \
    assert_string_equal((world)->problem.code, (code_)); \
  } while (0)

/* A view that has expired is not gone on from; what one followed then is gone too, also for a new view; one's own label
 * can be initialized anew, and the label be looked up. */
static void late_people_are_told(void **state)
{
  struct world *world = short_lived_world(NULL);
  struct person *ann = person_new(world, "ann", 20);
  struct person *twin;
  struct person *bob = person_new(world, "", 1);
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *found = search_result_new(world);
  const uint32_t first = 0;
  struct kt_bytes response;
  (void)state;
  person_register(world, ann);
  twin = person_copy(world, ann);
  pass_hours(world, 1);
  (void)person_update(world, ann, 2);
  world_ok(world, person_search(world, bob, TEXT("ann"), NULL, &contact, found));
  assert_true(contact.n_map > 0);
  pass_hours(world, 3);
  (void)person_update(world, ann, 3);
  pass_hours(world, 9);
  EXPECT(world, person_ask_monitor(world, ann, &response), "last-pruned");
  EXPECT(world, person_ask_contact(world, bob, TEXT("ann"), &contact, &response), "last-pruned");
  EXPECT(world, person_search(world, bob, TEXT("ann"), NULL, &contact, found), "last-pruned");
  ann->log = twin->log = bob->log = (struct kt_log_state){ 0 };
  EXPECT(world, person_ask_monitor(world, ann, &response), "pruned");
  EXPECT(world, person_ask_contact(world, bob, TEXT("ann"), &contact, &response), "pruned");
  struct kt_contact_state again = { 0 };
  EXPECT(world, person_search(world, bob, TEXT("ann"), &first, &again, found), "version-expired");
  EXPECT(world, person_try_update(world, twin, NULL, 0, (struct kt_bytes){ 0 }, update_result_new(world)),
         "version-expired");
  world_ok(world, person_search(world, bob, TEXT("ann"), NULL, &again, found));
  assert_int_equal(found->version, 2);
  assert_int_equal(person_ask_init(world, ann, 0, &response), KT_ERR_EXPIRED);
  const struct kt_distinguished_result *heads = person_heads(world, ann);
  person_own(world, ann, heads->heads[0].size - 1);
  while (!person_monitor(world, ann)) {
  }
  (void)person_update(world, ann, 1);
  world_end(world);
}

/* --- faults ------------------------------------------------------------------------------------------------------- */

/* A server that was off for long finds everything old at its first entry: one step after the other removes it. */
static void a_long_pause_is_caught_up_with(void **state)
{
  struct world *world = short_lived_world(NULL);
  struct kt_log_status status;
  (void)state;
  person_register(world, person_new(world, "ann", 20));
  for (size_t i = 0; i < 40; i++) {
    pass_hours(world, 1);
  }
  world->now_ms += 100 * HOUR_MS;
  for (uint64_t ms = 0; ms < RMW_MS; ms += STEP_MS) { /* after a break, pruning waits for a window */
    world_pass(world, ms == 0 ? 0 : STEP_MS);
  }
  world->now_ms += STEP_MS;
  size_t steps = 0;
  do {
    kt_log_step(world->log);
    kt_log_status(world->log, &status);
  } while (status.pruned.boundary + 13 < status.head.size && ++steps < 20);
  assert_int_equal(status.pruned.boundary + 13, status.head.size);
  assert_true(steps > 0);
  expect_sound(world);
  world_end(world);
}

static struct kt_log_status status_of(struct world *world)
{
  struct kt_log_status status;
  kt_log_status(world->log, &status);
  return status;
}

/* The log runs on a clock that is far ahead, and then on the right one again: nothing was lost, and nothing will be. */
static void a_clock_that_jumps_ahead_removes_nothing(void **state)
{
  struct world *world = short_lived_world(NULL);
  struct person *ann = person_new(world, "ann", 20);
  (void)state;
  person_register(world, ann);
  pass_hours(world, 3);
  (void)person_update(world, ann, 2);
  pass_hours(world, 1);
  assert_false(status_of(world).is_pruning_waiting);
  world->now_ms += 2000 * HOUR_MS;
  for (int i = 0; i < 11; i++) { /* less than a window */
    world_pass(world, STEP_MS);
  }
  struct kt_log_status status = status_of(world);
  assert_int_equal(status.pruned.boundary, 0);
  assert_int_equal(status.pruned.n_values, 0);
  assert_true(status.is_pruning_waiting);
  assert_non_null(strstr(status.pruning_reason, "clock"));
  assert_string_equal(world->pruning, status.pruning_reason);
  assert_int_equal(world->n_pruning, 1);
  world->now_ms -= 2000 * HOUR_MS;
  for (int restart = 0; restart < 2; restart++) {
    world_close(world);
    world_open(world);
    assert_true(status_of(world).is_pruning_waiting);
    pass_hours(world, 10);
    assert_int_equal(measure(world).n_whole, world_size(world));
  }
  world_end(world);
}

/* When the clock stays, it is the operator's word: after a window pruning goes on. So it does after the log stood
 * still. */
static void after_a_window_pruning_goes_on(void **state)
{
  static const unsigned jumps_h[] = { 2000, 7 };
  (void)state;
  for (size_t i = 0; i < sizeof jumps_h / sizeof jumps_h[0]; i++) {
    struct world *world = short_lived_world(NULL);
    pass_hours(world, 2);
    world_close(world);
    world->now_ms += jumps_h[i] * HOUR_MS;
    world_open(world);
    world_pass(world, 0);
    assert_true(status_of(world).is_pruning_waiting);
    for (int step = 0; step < 11; step++) {
      world_pass(world, STEP_MS);
    }
    assert_int_equal(status_of(world).pruned.boundary, 0);
    world_pass(world, STEP_MS);
    const struct kt_log_status status = status_of(world);
    assert_false(status.is_pruning_waiting);
    assert_string_equal(status.pruning_reason, "");
    assert_int_equal(status.pruned.boundary, 25); /* all that was there before */
    expect_sound(world);
    world_end(world);
  }
}

/* A break as long as a log may pause is none. */
static void a_pause_within_bounds_is_no_break(void **state)
{
  struct world *world = short_lived_world(NULL);
  (void)state;
  for (int i = 0; i < 60; i++) {
    world_pass(world, world->config.max_behind);
  }
  const struct kt_log_status status = status_of(world);
  assert_false(status.is_pruning_waiting);
  assert_int_equal(world->n_pruning, 0);
  assert_true(status.pruned.boundary > 20);
  world_end(world);
}

/* Without a lifetime nothing goes, however old. */
static void no_lifetime_keeps_everything(void **state)
{
  struct world *world = world_start();
  struct kt_log_status status;
  (void)state;
  pass_hours(world, 100);
  kt_log_status(world->log, &status);
  assert_false(status.has_lifetime);
  assert_int_equal(status.pruned.boundary, 0);
  assert_int_equal(measure(world).n_whole, status.head.size);
  world_end(world);
}

static const struct kt_store_ops *real_ops;
static struct kt_store_ops failing_ops;

static enum kt_err fail_to_drop(struct kt_store_conn *conn, uint64_t pos)
{
  (void)pos;
  return kt_store_fail(&conn->error, KT_ERR_STORE, "a test's failure");
}

/* A step that fails is undone, and the log goes on. */
static void a_failed_step_changes_nothing(void **state)
{
  struct world *world = short_lived_world(NULL);
  struct kt_log_status status;
  (void)state;
  pass_hours(world, 5);
  real_ops = world->store->ops;
  failing_ops = *real_ops;
  failing_ops.strip_entry = fail_to_drop;
  world->store->ops = &failing_ops;
  pass_hours(world, 3);
  kt_log_status(world->log, &status);
  assert_false(status.is_fatal);
  assert_true(status.is_pruning_stopped);
  assert_non_null(strstr(status.pruning_reason, "a test's failure"));
  assert_string_equal(world->pruning, status.pruning_reason);
  assert_int_equal(world->n_pruning, 1);
  world->store->ops = real_ops;
  pass_hours(world, 1);
  assert_int_equal(measure(world).n_whole, world_size(world));
  world_close(world);
  world_open(world); /* a restart tries again */
  pass_hours(world, 1);
  kt_log_status(world->log, &status);
  assert_false(status.is_pruning_stopped);
  assert_true(status.pruned.boundary > 0);
  expect_sound(world);
  world_end(world);
}

static void lose_kept_entry(struct kt_store_conn *writer, uint64_t boundary)
{
  assert_int_equal(kt_store_drop_entry(writer, boundary - 1), KT_OK);
}

static void lose_sibling(struct kt_store_conn *writer, uint64_t boundary)
{
  uint64_t root = ((uint64_t)1 << (63 - __builtin_clzll(boundary))) - 1;
  assert_int_equal(kt_store_drop_entry(writer, root - 4), KT_OK);
}

static void lose_live_node(struct kt_store_conn *writer, uint64_t boundary)
{
  uint64_t n = 0;
  for (uint64_t pos = boundary; n == 0 && pos-- > 0;) { /* not every old entry has some */
    assert_int_equal(kt_store_keep_nodes(writer, pos, NULL, 0, &n), KT_OK);
  }
  assert_true(n > 0);
}

static void lose_entry(struct kt_store_conn *writer, uint64_t boundary)
{
  assert_int_equal(kt_store_strip_entry(writer, boundary + 3), KT_OK);
}

static void count_quietly(void *ctx, const char *where, const char *what)
{
  size_t *n = ctx;
  (void)where;
  (void)what;
  (*n)++;
}

/* What is lost beyond what pruning removes is found. */
static void fsck_finds_what_pruning_must_not_remove(void **state)
{
  static void (*const damages[])(struct kt_store_conn * writer, uint64_t boundary) = { lose_kept_entry, lose_sibling,
                                                                                       lose_live_node, lose_entry };
  (void)state;
  for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
    struct world *world = short_lived_world(NULL);
    struct kt_log_status status;
    size_t n = 0;
    const struct kt_log_fsck fsck = { .ctx = &n, .report = count_quietly };
    pass_hours(world, 10);
    expect_sound(world);
    kt_log_status(world->log, &status);
    assert_true(status.pruned.boundary > 33);
    assert_int_equal(kt_store_begin(world->log->writer), KT_OK);
    damages[i](world->log->writer, status.pruned.boundary);
    assert_int_equal(kt_store_commit(world->log->writer), KT_OK);
    assert_int_equal(kt_log_fsck(world->reader, &fsck, &world->problem), KT_ERR_PROOF);
    assert_true(n > 0);
    world_end(world);
  }
}

/* --- readers at the same time ------------------------------------------------------------------------------------- */

struct looker {
  struct kt_log *log;
  struct kt_log_reader *reader;
  atomic_bool stop;
  atomic_uint n_answers;
  _Atomic enum kt_err err; /* the first that is not KT_OK */
};

/* Days pass in moments here: an answer that took a monitoring window, which is how much more is kept than has not
 * expired, may find that what it began with is gone. */
static bool took_a_window(const struct looker *looker, uint64_t begun_size)
{
  struct kt_log_head head;
  kt_log_head(looker->log, &head);
  return head.size - begun_size >= RMW_MS / STEP_MS;
}

/* Searches for the newest version, by number and without: somebody who arrives now may always do both. */
static void *look_for_ever(void *ctx)
{
  struct looker *looker = ctx;
  while (!atomic_load(&looker->stop) && looker->err == KT_OK) {
    struct kt_search_request request = { .label = TEXT("ann") };
    struct kt_log_problem problem;
    struct kt_arena arena;
    struct kt_writer w;
    struct kt_log_head begun;
    kt_log_head(looker->log, &begun);
    request.version = (struct kt_optional_u32){ looker->n_answers % 2 == 0, 1 };
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    kt_writer_init(&w, (size_t)1 << 20);
    enum kt_err err = kt_log_search(looker->reader, &request, &arena, &w, &problem);
    looker->err = err == KT_ERR_EXPIRED && took_a_window(looker, begun.size) ? KT_OK : err;
    atomic_fetch_add(&looker->n_answers, 1);
    kt_writer_release(&w);
    kt_arena_release(&arena);
  }
  return NULL;
}

/* The prefix trees, entries and nodes an answer reads are not taken away under it. */
static void readers_do_not_notice_pruning(void **state)
{
  struct files files;
  struct kt_log_status status;
  pthread_t thread;
  (void)state;
  files_init(&files);
  struct world *world = short_lived_world(&files);
  struct person *ann = person_new(world, "ann", 20);
  struct looker looker = { .log = world->log, .err = KT_OK };
  person_register(world, ann);
  (void)person_update(world, ann, 2);
  world_ok(world, kt_log_reader_new(world->log, &looker.reader, &world->problem));
  assert_int_equal(pthread_create(&thread, NULL, look_for_ever, &looker), 0);
  do {
    pass_hours(world, 30);
  } while (atomic_load(&looker.n_answers) <= 10 && looker.err == KT_OK);
  atomic_store(&looker.stop, true);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(looker.err, KT_OK);
  kt_log_status(world->log, &status);
  assert_true(status.pruned.boundary > 200);
  kt_log_reader_free(looker.reader);
  world_end(world);
  files_remove(&files);
}

/* --- kill --------------------------------------------------------------------------------------------------------- */

/* Adds entries and prunes without end, over a file that exists. */
static void prune_for_ever(struct world *world, const struct files *files, int fd)
{
  use_file(world, files->path, false);
  world_open(world);
  for (;;) {
    world_pass(world, STEP_MS);
    if (write(fd, &world->now_ms, sizeof world->now_ms) != (ssize_t)sizeof world->now_ms) {
      _exit(1);
    }
  }
}

static void run_and_kill(struct world *world, const struct files *files, unsigned after_us)
{
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    (void)close(fds[0]);
    prune_for_ever(world, files, fds[1]);
  }
  (void)close(fds[1]);
  uint64_t now_ms = 0;
  assert_int_equal(read(fds[0], &now_ms, sizeof now_ms), sizeof now_ms); /* it runs */
  const struct timespec wait = { .tv_nsec = (long)after_us * 1000 };
  (void)nanosleep(&wait, NULL);
  assert_int_equal(kill(child, SIGKILL), 0);
  do {
    world->now_ms = now_ms;
  } while (read(fds[0], &now_ms, sizeof now_ms) == (ssize_t)sizeof now_ms);
  (void)close(fds[0]);
  assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_kill_while_pruning_loses_nothing(void **state)
{
  struct files files;
  struct kt_log_status status;
  (void)state;
  files_init(&files);
  struct world *world = short_lived_world(&files);
  person_register(world, person_new(world, "ann", 20));
  pass_hours(world, 6);
  world->options.guard_may_be_missing = true; /* the child's is lost with it */
  for (unsigned round = 0; round < 6; round++) {
    world_close(world);
    kt_store_close(world->store); /* no connection may be carried over a fork */
    world->store = NULL;
    world->has_guard = false;
    run_and_kill(world, &files, 5000 + round * 9377 % 50000);
    use_file(world, files.path, false);
    world->now_ms += STEP_MS;
    world_open(world);
    expect_sound(world);
  }
  kt_log_status(world->log, &status);
  assert_true(status.pruned.boundary > 0);
  world_end(world);
  files_remove(&files);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(late_people_are_told),
    cmocka_unit_test(a_long_pause_is_caught_up_with),
    cmocka_unit_test(a_clock_that_jumps_ahead_removes_nothing),
    cmocka_unit_test(after_a_window_pruning_goes_on),
    cmocka_unit_test(a_pause_within_bounds_is_no_break),
    cmocka_unit_test(no_lifetime_keeps_everything),
    cmocka_unit_test(a_failed_step_changes_nothing),
    cmocka_unit_test(fsck_finds_what_pruning_must_not_remove),
    cmocka_unit_test(readers_do_not_notice_pruning),
    cmocka_unit_test(a_kill_while_pruning_loses_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
