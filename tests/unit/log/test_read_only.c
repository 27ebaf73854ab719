/* SPDX-License-Identifier: Apache-2.0 */
/* A log that is read only: it answers from the head that its store keeps, and neither signs nor takes anything. */
#include "log_test.h"

#include "log/published.h"

static enum kt_err no_guard(void *ctx, struct kt_log_guard *ret_guard)
{
  (void)ctx;
  (void)ret_guard;
  fail_msg("a log that is read only looks at no guard");
  return KT_ERR_STORE;
}

static enum kt_err no_signature(void *ctx, const struct kt_log_extension *extension,
                                uint8_t ret_signature[static KT_SIGNATURE_MAX])
{
  (void)ctx;
  (void)extension;
  (void)ret_signature;
  fail_msg("a log that is read only signs nothing");
  return KT_ERR_STORE;
}

static void become_read_only(struct world *world)
{
  world_close(world);
  world->options.read_only = true;
  world->options.guard_load = no_guard;
  world->options.sign = no_signature;
}

/* A writer's transaction on the closed log. */
static struct kt_store_conn *begin(struct world *world)
{
  struct kt_store_conn *writer = NULL;
  struct kt_store_error error;
  assert_int_equal(kt_store_open_writer(world->store, &writer, &error), KT_OK);
  assert_int_equal(kt_store_begin(writer), KT_OK);
  return writer;
}

static void commit(struct kt_store_conn *writer)
{
  assert_int_equal(kt_store_commit(writer), KT_OK);
  kt_store_close_conn(writer);
}

static void answers_from_the_last_head_and_takes_nothing(void **state)
{
  struct world *world = world_start();
  struct kt_contact_state contact = { 0 };
  struct kt_log_head before;
  struct kt_log_head after;
  struct kt_log_status status;
  const struct kt_hash token = { { 7 } };
  struct kt_log_erased erased;
  (void)state;
  struct kt_search_result *found = search_result_new(world);
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  person_register(world, alice);
  (void)person_update(world, alice, 2);
  kt_log_head(world->log, &before);
  become_read_only(world);
  world_open(world);
  kt_log_head(world->log, &after);
  assert_int_equal(after.size, before.size);
  assert_memory_equal(after.signature, before.signature, world->config.suite->signature_len);
  assert_int_equal(kt_log_start(world->log), KT_OK);
  world_ok(world, person_search(world, bob, TEXT("alice"), NULL, &contact, found));
  assert_int_equal(found->version, 1);
  assert_int_equal(kt_log_add_token(world->log, &token, &world->problem), KT_ERR_STORE);
  assert_string_equal(world->problem.code, "read-only");
  assert_true(world->problem.retry);
  assert_int_equal(kt_log_erase(world->log, TEXT("alice"), NULL, &erased, &world->problem), KT_ERR_STORE);
  assert_int_equal(kt_log_accept_clock(world->log, &world->problem), KT_ERR_CONFLICT);
  world->now_ms += 100 * WINDOW_MS; /* far beyond a heartbeat */
  kt_log_step(world->log);
  kt_log_status(world->log, &status);
  assert_true(status.is_read_only);
  assert_int_equal(status.head.size, before.size);
  world_end(world);
}

/* Without the signature of a head that fits, nothing may be served: what the entries say is then nobody's word. */
static void refuses_what_was_never_published(void **state)
{
  struct world *world = world_start();
  struct kt_log *log;
  struct kt_log_head head;
  const char *what = NULL;
  (void)state;
  world_pass(world, WINDOW_MS);
  kt_log_step(world->log);
  kt_log_head(world->log, &head);
  become_read_only(world);
  struct kt_log_head wrong = head;
  wrong.signature[3] ^= 1;
  struct kt_log_head larger = head;
  larger.size++;
  struct kt_log_head earlier = head;
  earlier.timestamp_ms--;
  struct kt_log_head other = head;
  other.root.b[31] ^= 1;
  const struct kt_log_head none = { .size = 0 };
  const struct kt_log_head *const bad[] = { &wrong, &larger, &earlier, &other, &none };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct kt_store_conn *writer = begin(world);
    assert_int_equal(kt_log_head_put(writer, &world->config, bad[i]), KT_OK);
    assert_int_equal(kt_log_head_get(writer, &world->config, &larger, &what), KT_ERR_PROOF);
    assert_non_null(what);
    commit(writer);
    assert_int_equal(kt_log_open(&world->options, &log, &world->problem), KT_ERR_PROOF);
    assert_string_equal(world->problem.code, "head");
  }
  struct kt_store_conn *writer = begin(world);
  assert_int_equal(kt_store_put_meta(writer, "log/head", TEXT("nonsense")), KT_OK);
  commit(writer);
  assert_int_equal(kt_log_open(&world->options, &log, &world->problem), KT_ERR_PROOF);
  writer = begin(world);
  assert_int_equal(kt_log_head_put(writer, &world->config, &head), KT_OK);
  commit(writer);
  world_open(world);
  world_end(world);
}

/* A new log's store has no head yet; whoever closes a log that signs leaves it there. */
static void needs_a_stored_head(void **state)
{
  struct world *world = world_new();
  struct kt_log *log;
  struct kt_log_head head;
  (void)state;
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world->options.read_only = true;
  assert_int_equal(kt_log_open(&world->options, &log, &world->problem), KT_ERR_ABSENT);
  assert_string_equal(world->problem.code, "head-missing");
  world->options.read_only = false;
  world_open(world);
  become_read_only(world);
  world_open(world);
  kt_log_head(world->log, &head);
  assert_int_equal(head.size, 1);
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers_from_the_last_head_and_takes_nothing),
    cmocka_unit_test(refuses_what_was_never_published),
    cmocka_unit_test(needs_a_stored_head),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
