/* SPDX-License-Identifier: Apache-2.0 */
/* The response that the sequencer makes before its head is signed: it is what the thread that asked would have
 * made, or it is not used. */
#include "update_test.h"

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "log/engine.h"
#include "store/backend.h"

#define N_RACES 100

/* The update is committed, with nobody else's. */
static void commit(struct world *world, struct update *update)
{
  kt_log_update_ahead(world->reader, &update->request, &world->arena, &update->ahead);
  kt_log_insert(world->log, &update->pending, 1, &update->outcome);
}

static void expect_same_answer(struct world *world, const struct update *update)
{
  struct kt_writer with;
  struct kt_writer without;
  update_respond(world, update, &update->ahead, &with);
  update_respond(world, update, NULL, &without);
  expect_same_bytes(&with, &without);
}

/* One that needs no memory but for its bytes was there already. */
static bool is_drafted(struct world *world, const struct update *update)
{
  struct kt_arena none;
  struct kt_writer w;
  kt_arena_init(&none, 0);
  kt_writer_init(&w, (size_t)1 << 20);
  enum kt_err err = kt_log_update_respond(world->reader, &update->request, &update->outcome, &update->ahead, &none, &w,
                                          &world->problem);
  assert_true(err == KT_OK ? w.len > 0 : err == KT_ERR_MEMORY && w.len == 0);
  kt_writer_release(&w);
  kt_arena_release(&none);
  return err == KT_OK;
}

/* Alice's update is committed and drafted. */
static struct world *world_with_draft(struct update *ret_update)
{
  struct world *world = world_start();
  auditor_keep_up(world);
  update_prepare(world, person_new(world, "alice", 1), ret_update);
  commit(world, ret_update);
  assert_int_equal(ret_update->outcome.err, KT_OK);
  assert_true(is_drafted(world, ret_update));
  return world;
}

/* Although there is a draft. */
static void expect_refused(struct world *world, const struct update *update, enum kt_err want_err,
                           const char *want_code)
{
  struct kt_writer w;
  assert_non_null(update->ahead.draft);
  kt_writer_init(&w, (size_t)1 << 20);
  assert_int_equal(kt_log_update_respond(world->reader, &update->request, &update->outcome, &update->ahead,
                                         &world->arena, &w, &world->problem),
                   want_err);
  assert_string_equal(world->problem.code, want_code);
  assert_int_equal(w.len, 0);
  kt_writer_release(&w);
}

static void a_draft_is_the_response(void **state)
{
  struct update update;
  struct world *world = world_with_draft(&update);
  (void)state;
  expect_same_answer(world, &update);
  world_end(world);
}

/* Whatever that was. */
static void a_draft_goes_on_from_the_retained_head(void **state)
{
  struct world *world = world_start();
  (void)state;
  for (uint64_t last = 1; last <= world_size(world) && last < 20; last++) {
    char name[16];
    struct update update;
    (void)snprintf(name, sizeof name, "person-%u", (unsigned)last);
    auditor_keep_up(world);
    update_prepare(world, person_new(world, name, 1), &update);
    update.request.last = (struct kt_optional_u64){ .present = true, .value = last };
    commit(world, &update);
    assert_true(is_drafted(world, &update));
    expect_same_answer(world, &update);
  }
  assert_int_equal(world_size(world), 20);
  world_end(world);
}

static void a_draft_of_an_older_head_is_not_used(void **state)
{
  struct world *world = world_start();
  struct update updates[2];
  (void)state;
  auditor_keep_up(world);
  for (size_t i = 0; i < 2; i++) {
    update_prepare(world, person_new(world, i == 0 ? "alice" : "bob", 1), &updates[i]);
  }
  for (size_t i = 0; i < 2; i++) {
    commit(world, &updates[i]);
    assert_true(is_drafted(world, &updates[i]));
  }
  assert_false(is_drafted(world, &updates[0]));
  expect_same_answer(world, &updates[0]);
  expect_same_answer(world, &updates[1]);
  world_end(world);
}

static void a_draft_with_an_older_head_of_the_auditor_is_not_used(void **state)
{
  struct update update;
  struct world *world = world_with_draft(&update);
  (void)state;
  auditor_keep_up(world);
  assert_int_equal(is_drafted(world, &update), !world->is_audited);
  expect_same_answer(world, &update);
  world_end(world);
}

/* Whoever answers says again what the client retains. */
static void a_draft_for_another_size_is_not_used(void **state)
{
  struct update update;
  struct world *world = world_with_draft(&update);
  (void)state;
  update.request.last = (struct kt_optional_u64){ .present = true, .value = 1 };
  assert_false(is_drafted(world, &update));
  expect_same_answer(world, &update);
  world_end(world);
}

/* Each of several makes its own; so does one whose thread is still at work on what is to be ahead. */
static void nothing_is_drafted_for_many_or_for_who_is_not_ready(void **state)
{
  struct world *world = world_start();
  struct update updates[2];
  struct update late;
  struct kt_log_pending *pending[2];
  struct kt_log_outcome outcomes[2];
  (void)state;
  auditor_keep_up(world);
  for (size_t i = 0; i < 2; i++) {
    update_prepare(world, person_new(world, i == 0 ? "alice" : "bob", 1), &updates[i]);
    kt_log_update_ahead(world->reader, &updates[i].request, &world->arena, &updates[i].ahead);
    pending[i] = updates[i].pending;
  }
  kt_log_insert(world->log, pending, 2, outcomes);
  for (size_t i = 0; i < 2; i++) {
    updates[i].outcome = outcomes[i];
    assert_false(is_drafted(world, &updates[i]));
    expect_same_answer(world, &updates[i]);
  }
  update_prepare(world, person_new(world, "carol", 1), &late);
  kt_log_insert(world->log, &late.pending, 1, &late.outcome);
  kt_log_update_ahead(world->reader, &late.request, &world->arena, &late.ahead);
  assert_false(is_drafted(world, &late));
  expect_same_answer(world, &late);
  world_end(world);
}

/* Somebody was first: the answer is about what exists. */
static void what_was_not_inserted_has_no_draft(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 1);
  struct update first;
  struct update second;
  (void)state;
  auditor_keep_up(world);
  update_prepare(world, alice, &first);
  update_prepare(world, alice, &second);
  commit(world, &first);
  commit(world, &second);
  assert_true(first.outcome.inserted);
  assert_false(second.outcome.inserted);
  assert_false(is_drafted(world, &second));
  expect_same_answer(world, &second);
  world_end(world);
}

/* It was made before the signer was heard. */
static void a_draft_without_a_signature_goes_to_nobody(void **state)
{
  struct world *world = world_start();
  struct update update;
  struct kt_writer w;
  (void)state;
  auditor_keep_up(world);
  update_prepare(world, person_new(world, "alice", 1), &update);
  world->guard_err = KT_ERR_STORE;
  commit(world, &update);
  expect_refused(world, &update, KT_ERR_STORE, "guard");
  /* Even if somebody believed that it had succeeded. */
  update.outcome.err = KT_OK;
  kt_writer_init(&w, (size_t)1 << 20);
  assert_int_not_equal(kt_log_update_respond(world->reader, &update.request, &update.outcome, &update.ahead,
                                             &world->arena, &w, &world->problem),
                       KT_OK);
  assert_int_equal(w.len, 0);
  kt_writer_release(&w);
  world_end(world);
}

/* S10: "refuse, never truncate". */
static void a_draft_that_is_too_long_is_refused(void **state)
{
  struct world *world = world_start();
  struct update update;
  (void)state;
  world_close(world);
  world->options.limits.response_max = 100;
  world_open(world);
  auditor_keep_up(world);
  update_prepare(world, person_new(world, "alice", 1), &update);
  commit(world, &update);
  expect_refused(world, &update, KT_ERR_LIMIT, "response-size");
  world_end(world);
}

/* --- beside the sequencer's thread -------------------------------------------------------------------------------- */

static const struct kt_store_ops *real_ops;
static struct kt_store_ops slow_ops;
static unsigned n_commits;

/* As on a disk: sometimes what is ahead is ready by then, and sometimes it is not. */
static enum kt_err slow_commit(struct kt_store_conn *conn)
{
  const struct timespec pause = { .tv_nsec = (long)(n_commits++ % 8) * 300000 };
  (void)nanosleep(&pause, NULL);
  return real_ops->commit(conn);
}

struct waiting {
  struct kt_log_outcome outcome;
  atomic_bool is_done;
};

static void done(void *ctx, const struct kt_log_outcome *outcome)
{
  struct waiting *waiting = ctx;
  waiting->outcome = *outcome;
  atomic_store(&waiting->is_done, true);
}

static void the_sequencer_drafts_while_others_are_at_work(void **state)
{
  struct world *world = world_start();
  size_t n_drafts = 0;
  (void)state;
  auditor_keep_up(world);
  real_ops = world->store->ops;
  slow_ops = *real_ops;
  slow_ops.commit = slow_commit;
  world->store->ops = &slow_ops;
  assert_int_equal(kt_log_start(world->log), KT_OK);
  for (unsigned i = 0; i < N_RACES; i++) {
    char name[16];
    struct update update;
    struct waiting waiting = { .is_done = false };
    (void)snprintf(name, sizeof name, "person-%u", i);
    update_prepare(world, person_new(world, name, 1), &update);
    world_ok(world, kt_log_submit(world->log, update.pending, done, &waiting, &world->problem));
    kt_log_update_ahead(world->reader, &update.request, &world->arena, &update.ahead);
    while (!atomic_load(&waiting.is_done)) {
      (void)sched_yield();
    }
    update.outcome = waiting.outcome;
    n_drafts += update.ahead.draft != NULL;
    expect_same_answer(world, &update);
  }
  assert_true(n_drafts > 0);
  kt_log_stop(world->log);
  world->store->ops = real_ops;
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_draft_is_the_response),
    cmocka_unit_test(a_draft_goes_on_from_the_retained_head),
    cmocka_unit_test(a_draft_of_an_older_head_is_not_used),
    cmocka_unit_test(a_draft_with_an_older_head_of_the_auditor_is_not_used),
    cmocka_unit_test(nothing_is_drafted_for_many_or_for_who_is_not_ready),
    cmocka_unit_test(what_was_not_inserted_has_no_draft),
    cmocka_unit_test(a_draft_without_a_signature_goes_to_nobody),
    cmocka_unit_test(a_draft_that_is_too_long_is_refused),
    cmocka_unit_test(a_draft_for_another_size_is_not_used),
    cmocka_unit_test(the_sequencer_drafts_while_others_are_at_work),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
