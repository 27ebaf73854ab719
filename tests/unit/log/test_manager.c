/* SPDX-License-Identifier: Apache-2.0 */
/* What the Manager does with its operator's orders, and what it refuses. */
#include "manager_test.h"

/* --- what works --------------------------------------------------------------------------------------------------- */

static void a_managed_log_is_verified(void **state)
{
  struct world *world = managed_world();
  struct person *alice = new_owner(world, "alice", 1);
  struct person *bob = person_new(world, "bob", 2);
  struct kt_contact_state contact = { 0 };
  (void)state;
  const struct order first = { alice, text_values(world, "a0", ""), 1, 0 };
  const struct order second = { alice, text_values(world, "a1", "a2"), 2, 1 };
  assert_int_equal(managed_update(world, &first)->n_skipped, 0);
  assert_int_equal(managed_update(world, &second)->first_version, 1);
  search_ok(world, bob, "alice", NULL, "a2");
  const uint32_t old = 0;
  search_ok(world, bob, "alice", &old, "a0");
  assert_int_equal(person_search(world, bob, TEXT("nobody"), NULL, &contact, search_result_new(world)), KT_ERR_ABSENT);
  world_pass(world, WINDOW_MS);
  assert_true(person_monitor(world, alice));
  world_end(world);
}

/* "the Manager MUST insert a sufficient number of dummy entries … such that the next greatest version of the label to
 * be created is signed_version". */
static void skipped_versions_are_proven(void **state)
{
  struct world *world = managed_world();
  struct person *alice = new_owner(world, "alice", 1);
  struct person *bob = person_new(world, "bob", 2);
  struct kt_contact_state contact = { 0 };
  (void)state;
  const struct order first = { alice, text_values(world, "a2", ""), 1, 2 };
  const struct kt_update_result *result = managed_update(world, &first);
  assert_int_equal(result->n_skipped, 2);
  assert_int_equal(result->first_version, 2);
  assert_false(result->disregarded);
  const struct order second = { alice, text_values(world, "a4", "a5"), 2, 4 };
  result = managed_update(world, &second);
  assert_int_equal(result->n_skipped, 1);
  assert_int_equal(result->first_version, 4);
  search_ok(world, bob, "alice", NULL, "a5");
  for (uint32_t version = 0; version <= 5; version++) {
    const char *const values[] = { NULL, NULL, "a2", NULL, "a4", "a5" };
    if (values[version] != NULL) {
      search_ok(world, bob, "alice", &version, values[version]);
    } else { /* nothing is there, and the tree shows it */
      contact = (struct kt_contact_state){ 0 };
      assert_int_equal(person_search(world, bob, alice->label, &version, &contact, search_result_new(world)),
                       KT_ERR_ABSENT);
    }
  }
  world_pass(world, WINDOW_MS);
  assert_true(person_monitor(world, alice));
  world_end(world);
}

/* Ways to skip up to 3 versions and add up to 2 values, three times (every seventh: all digits occur at each place);
 * every other update becomes distinguished. */
static void every_small_pattern_is_accepted(void **state)
{
  (void)state;
  for (unsigned pattern = 0; pattern < 8 * 8 * 8; pattern += 7) {
    struct world *world = managed_world();
    struct person *alice = new_owner(world, "alice", 1);
    struct person *bob = person_new(world, "bob", 2);
    uint32_t next = 0;
    for (unsigned step = 0; step < 3; step++) {
      unsigned digit = (pattern >> (3 * step)) & 7;
      const struct order order = { alice, text_values(world, "v", "w"), 1 + (digit & 1), next + (digit >> 1) };
      const struct kt_update_result *result = managed_update(world, &order);
      assert_int_equal(result->n_skipped, digit >> 1);
      next = order.signed_version + (uint32_t)order.n_values;
      if ((pattern + step) % 2 == 0) {
        world_pass(world, WINDOW_MS);
      }
    }
    struct kt_search_result *found = search_result_new(world);
    struct kt_contact_state contact = { 0 };
    world_ok(world, person_search(world, bob, alice->label, NULL, &contact, found));
    assert_int_equal(found->version, next - 1);
    world_pass(world, WINDOW_MS);
    assert_true(person_monitor(world, alice));
    world_end(world);
  }
}

static void say(void *ctx, const char *where, const char *what)
{
  (void)ctx;
  print_message("%s: %s\n", where, what);
}

static void a_managed_log_passes_fsck(void **state)
{
  struct world *world = managed_world();
  const struct kt_log_fsck fsck = { .vrf_every = 1, .report = say };
  struct person *alice = new_owner(world, "alice", 1);
  (void)state;
  const struct order order = { alice, text_values(world, "a3", ""), 1, 3 };
  (void)managed_update(world, &order);
  world_ok(world, kt_log_fsck(world->reader, &fsck, &world->problem));
  world_end(world);
}

/* The operator asks again for what it is not sure about. */
static void lower_greatest_versions_are_answered(void **state)
{
  struct world *world = managed_world();
  struct person *alice = new_owner(world, "alice", 1);
  struct person *twin = person_copy(world, alice);
  struct kt_update_result *result = update_result_new(world);
  struct kt_bytes response;
  (void)state;
  const struct order order = { alice, text_values(world, "a1", ""), 1, 1 };
  (void)managed_update(world, &order);
  const struct order ask = { twin, NULL, 0, 0 };
  struct kt_manager_update_request request = request_of(world, &ask);
  world_ok(world, post_manager(world, &request, &response));
  person_ok(twin, verify_update(world, &ask, response, result));
  assert_int_equal(result->n_skipped, 1);
  assert_int_equal(result->first_version, 1);
  assert_int_equal(result->n_values, 1);
  /* "values is disregarded": they are signed for the next version, but the label is not where the user thinks. */
  const struct order late = { twin, text_values(world, "other", ""), 1, 2 };
  uint64_t size = world_size(world);
  request = request_of(world, &late);
  world_ok(world, post_manager(world, &request, &response));
  person_ok(twin, verify_update(world, &late, response, result));
  assert_true(result->disregarded);
  assert_int_equal(world_size(world), size);
  world_end(world);
}

/* --- what the Manager refuses ------------------------------------------------------------------------------------- */

static void s13_signed_version(void **state)
{
  struct world *world = managed_world();
  struct person *alice = new_owner(world, "alice", 1);
  struct kt_bytes response;
  (void)state;
  const struct order order = { alice, text_values(world, "a0", "a1"), 2, 0 };
  const struct kt_manager_update_request again = request_of(world, &order);
  (void)managed_update(world, &order);
  uint64_t size = world_size(world);
  struct order next = { alice, text_values(world, "a1", ""), 1, 1 };
  struct kt_manager_update_request request = request_of(world, &next);
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_USAGE, "signed-version");
  next.signed_version = 0;
  request = request_of(world, &next);
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_USAGE, "signed-version");
  /* the same request once more: whoever sent it asks without values what became of it */
  EXPECT(world, post_manager(world, &again, &response), KT_ERR_USAGE, "signed-version");
  const struct order empty = { alice, NULL, 0, 2 };
  request = request_of(world, &empty);
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_FORMAT, "signed-version");
  assert_int_equal(world_size(world), size);
  world_end(world);
}

/* The bound is the format's: a Manager that takes few values at a time skips as many as any other. */
static void s9_too_many_skipped(void **state)
{
  struct world *world = managed_world();
  struct person *alice = new_owner(world, "alice", 1);
  struct person *bob = person_new(world, "bob", 2);
  struct kt_bytes response;
  (void)state;
  world_close(world);
  world->options.limits.values_max = 2;
  world_open(world);
  struct order order = { alice, text_values(world, "a", "b"), 2, KT_LOG_SKIPPING_MAX - 1 };
  struct kt_manager_update_request request = request_of(world, &order);
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_LIMIT, "too-many-skipped");
  order.signed_version = UINT32_MAX;
  request = request_of(world, &order);
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_LIMIT, "too-many-skipped");
  for (uint32_t next = 0; next < 3 * KT_LOG_SKIPPING_MAX; next += KT_LOG_SKIPPING_MAX) {
    order.signed_version = next + KT_LOG_SKIPPING_MAX - 2;
    assert_int_equal(managed_update(world, &order)->n_skipped, KT_LOG_SKIPPING_MAX - 2);
    search_ok(world, bob, "alice", NULL, "b");
    world_pass(world, WINDOW_MS);
    assert_true(person_monitor(world, alice));
  }
  world_end(world);
}

static enum kt_err break_down(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature)
{
  (void)public_key;
  (void)message;
  (void)signature;
  return KT_ERR_CRYPTO;
}

static enum kt_err want_memory(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature)
{
  (void)public_key;
  (void)message;
  (void)signature;
  return KT_ERR_MEMORY;
}

/* Whoever cannot verify must not say that the operator did not sign. */
static void a_signature_that_cannot_be_examined(void **state)
{
  struct world *world = managed_world();
  struct kt_config config = world->config;
  struct kt_suite suite = *config.suite;
  struct person *alice = new_owner(world, "alice", 1);
  struct kt_bytes response;
  (void)state;
  const struct order order = { alice, text_values(world, "a", "b"), 2, 0 };
  const struct kt_manager_update_request request = request_of(world, &order);
  world_close(world);
  config.suite = &suite;
  world->options.config = &config;
  world_open(world);
  suite.verify = break_down;
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_CRYPTO, "not-examined");
  suite.verify = want_memory;
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_MEMORY, "memory");
  suite.verify = world->config.suite->verify;
  assert_int_equal(world_size(world), 1);
  assert_int_equal(post_manager(world, &request, &response), KT_OK);
  world_end(world);
}

static void leaf_signatures_are_verified(void **state)
{
  struct world *world = managed_world();
  struct person *alice = new_owner(world, "alice", 1);
  struct person *carol = person_new(world, "carol", 3);
  struct kt_bytes response;
  (void)state;
  const struct order order = { alice, text_values(world, "a0", "a1"), 2, 0 };
  const struct order other = { carol, order.values, 2, 0 };
  const struct order later = { alice, order.values, 2, 1 };
  struct kt_manager_update_request request = request_of(world, &order);
  request.signed_version = 1;
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_DENIED, "leaf-signature");
  request = request_of(world, &order);
  request.values = sign_values(world, &other);
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_DENIED, "leaf-signature");
  request.values = sign_values(world, &later);
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_DENIED, "leaf-signature");
  struct kt_update_value *values = sign_values(world, &order);
  values[1].signature.len = 0;
  request.values = values;
  EXPECT(world, post_manager(world, &request, &response), KT_ERR_DENIED, "leaf-signature");
  assert_int_equal(world_size(world), 1);
  world_end(world);
}

static void nothing_is_added_but_through_the_operator(void **state)
{
  struct world *world = managed_world();
  struct person *alice = new_owner(world, "alice", 1);
  const struct kt_bytes value = TEXT("a0");
  struct kt_log_pending *pending;
  (void)state;
  EXPECT(world, person_try_update(world, alice, &value, 1, (struct kt_bytes){ 0 }, update_result_new(world)),
         KT_ERR_DENIED, "through-operator");
  EXPECT(world, kt_log_operator_prepare(world->reader, alice->label, NULL, value, &pending, &world->problem),
         KT_ERR_DENIED, "through-operator");
  world_end(world);
}

static void other_modes_have_no_manager(void **state)
{
  struct world *world = world_start();
  struct kt_manager_update_request request = { .label = TEXT("alice") };
  struct kt_log_pending *pending;
  (void)state;
  EXPECT(world, kt_log_manager_prepare(world->reader, &request, &pending, &world->problem), KT_ERR_USAGE, "mode");
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_managed_log_is_verified),
    cmocka_unit_test(skipped_versions_are_proven),
    cmocka_unit_test(every_small_pattern_is_accepted),
    cmocka_unit_test(a_managed_log_passes_fsck),
    cmocka_unit_test(lower_greatest_versions_are_answered),
    cmocka_unit_test(s13_signed_version),
    cmocka_unit_test(s9_too_many_skipped),
    cmocka_unit_test(leaf_signatures_are_verified),
    cmocka_unit_test(a_signature_that_cannot_be_examined),
    cmocka_unit_test(nothing_is_added_but_through_the_operator),
    cmocka_unit_test(other_modes_have_no_manager),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
