/* SPDX-License-Identifier: Apache-2.0 */
/* A Manager that adds what its operator did not sign: users refuse it. */
#include "manager_test.h"

#include <kt/credential.h>

/* --- what users refuse -------------------------------------------------------------------------------------------- */

static enum kt_err believe(struct kt_bytes public_key, struct kt_bytes message, struct kt_bytes signature)
{
  (void)public_key;
  (void)message;
  (void)signature;
  return KT_OK;
}

/* A Manager that adds what it likes: its log takes every signature for the operator's. */
struct evil {
  struct kt_suite suite;
  struct kt_config config;
};

static struct evil *corrupt(struct world *world)
{
  struct evil *evil = kt_arena_alloc(&world->arena, 1, sizeof *evil);
  world_close(world);
  evil->suite = *world->config.suite;
  evil->suite.verify = believe;
  evil->config = world->config;
  evil->config.suite = &evil->suite;
  world->options.config = &evil->config;
  world_open(world);
  return evil;
}

enum lie { EMPTY, SHORT, FLIPPED, OTHER_VERSION, OTHER_LABEL, OTHER_VALUE, OTHER_KEY, N_LIES };

static struct kt_update_value *lying_values(struct world *world, const struct order *order, enum lie lie)
{
  struct person other = *order->person;
  struct order changed = *order;
  if (lie == OTHER_VERSION) {
    changed.signed_version++;
  } else if (lie == OTHER_LABEL) {
    other.label = TEXT("alicf");
    changed.person = &other;
  } else if (lie == OTHER_VALUE) {
    changed.values = text_values(world, "vv", "ww");
  }
  leaf_seed[0] ^= lie == OTHER_KEY ? 1 : 0;
  struct kt_update_value *values = sign_values(world, &changed);
  leaf_seed[0] ^= lie == OTHER_KEY ? 1 : 0;
  for (size_t i = 0; i < order->n_values; i++) {
    values[i].value = order->values[i];
  }
  struct kt_bytes *last = &values[order->n_values - 1].signature;
  uint8_t *bytes = kt_arena_copy(&world->arena, last->data, last->len);
  bytes[5] ^= lie == FLIPPED ? 1 : 0;
  last->data = bytes;
  last->len = lie == EMPTY ? 0 : lie == SHORT ? last->len - 1 : last->len;
  return values;
}

static void search_refused(struct world *world, struct person *person, const uint32_t *version)
{
  struct kt_writer w;
  struct kt_bytes response;
  const struct kt_contact_state contact = { 0 };
  const struct kt_client client = person_client(world, person);
  struct kt_search_result *result = search_result_new(world);
  kt_writer_init(&w, 1000);
  kt_request_search(&w, &person->log, TEXT("alice"), version);
  world_ok(world, post_search(world, world_take(world, &w), &response));
  assert_int_equal(kt_verify_search(&client, TEXT("alice"), version, NULL, &contact, response, result), KT_ERR_PROOF);
  assert_string_equal(person->reason.code, "leaf-signature");
}

/* The owner asks for what it does not know, as when the Manager inserted it, and as when it was the owner's own
 * order. */
static void update_refused(struct world *world, struct person *person, const struct order *sent)
{
  struct kt_bytes response;
  const struct order ask = { person, NULL, 0, 0 };
  const struct kt_manager_update_request request = request_of(world, &ask);
  world_ok(world, post_manager(world, &request, &response));
  assert_int_equal(verify_update(world, &ask, response, update_result_new(world)), KT_ERR_PROOF);
  assert_string_equal(person->reason.code, "leaf-signature");
  assert_int_equal(verify_update(world, sent, response, update_result_new(world)), KT_ERR_PROOF);
  assert_string_equal(person->reason.code, "leaf-signature");
}

static void r38_versions_the_operator_did_not_sign(void **state)
{
  (void)state;
  for (enum lie lie = EMPTY; lie < N_LIES; lie++) {
    struct world *world = managed_world();
    struct person *alice = new_owner(world, "alice", 1);
    struct person *bob = person_new(world, "bob", 2);
    struct kt_bytes response;
    const struct order first = { alice, text_values(world, "v0", ""), 1, 0 };
    (void)managed_update(world, &first);
    search_ok(world, bob, "alice", NULL, "v0");
    corrupt(world);
    const struct order order = { alice, text_values(world, "v2", "v3"), 2, 2 };
    struct kt_manager_update_request request = request_of(world, &order);
    request.values = lying_values(world, &order, lie);
    world_ok(world, post_manager(world, &request, &response));
    assert_int_equal(verify_update(world, &order, response, update_result_new(world)), KT_ERR_PROOF);
    assert_string_equal(alice->reason.code, "leaf-signature");
    const uint32_t last = 3;
    search_refused(world, bob, NULL);
    search_refused(world, bob, &last);
    update_refused(world, alice, &order);
    world_end(world);
  }
}

/* In the form of proven absence or of a skipped version there is nothing to sign; anything else is a value. */
static void r38_absence_with_a_signature(void **state)
{
  struct world *world = managed_world();
  struct person *bob = person_new(world, "bob", 2);
  const struct kt_contact_state contact = { 0 };
  struct kt_search_request request = { .label = TEXT("nobody") };
  struct kt_search_response absence;
  struct kt_search_result *result = search_result_new(world);
  struct kt_arena arena;
  struct kt_writer w;
  (void)state;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, (size_t)1 << 20);
  world_ok(world, kt_log_search(world->reader, &request, &arena, &w, &world->problem));
  const struct kt_bytes honest = world_take(world, &w);
  assert_int_equal(kt_search_response_decode(honest, &world->config, request.version, &arena, &absence), KT_OK);
  absence.value.signature = TEXT("x");
  kt_writer_init(&w, (size_t)1 << 20);
  kt_search_response_write(&w, &world->config, false, &absence);
  const struct kt_bytes changed = world_take(world, &w);
  const struct kt_client client = person_client(world, bob);
  assert_int_equal(kt_verify_search(&client, request.label, NULL, NULL, &contact, changed, result), KT_ERR_PROOF);
  assert_string_equal(bob->reason.code, "leaf-signature");
  assert_int_equal(kt_verify_search(&client, request.label, NULL, NULL, &contact, honest, result), KT_ERR_ABSENT);
  kt_arena_release(&arena);
  world_end(world);
}

/* A version that exists is said to be skipped: its commitment is not the one of nothing. */
static void r42_existing_version_said_to_be_skipped(void **state)
{
  static const uint8_t zero[KT_OPENING_LEN];
  struct world *world = managed_world();
  struct person *alice = new_owner(world, "alice", 1);
  struct person *bob = person_new(world, "bob", 2);
  const struct kt_contact_state contact = { 0 };
  struct kt_search_request request = { .label = TEXT("alice"), .version = { true, 0 } };
  struct kt_search_response found;
  struct kt_arena arena;
  struct kt_writer w;
  (void)state;
  const struct order order = { alice, text_values(world, "v0", "v1"), 2, 0 };
  (void)managed_update(world, &order);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, (size_t)1 << 20);
  world_ok(world, kt_log_search(world->reader, &request, &arena, &w, &world->problem));
  const struct kt_bytes honest = world_take(world, &w);
  assert_int_equal(kt_search_response_decode(honest, &world->config, request.version, &arena, &found), KT_OK);
  found.opening = zero;
  found.value = (struct kt_update_value){ 0 };
  kt_writer_init(&w, (size_t)1 << 20);
  kt_search_response_write(&w, &world->config, true, &found);
  const struct kt_bytes changed = world_take(world, &w);
  const struct kt_client client = person_client(world, bob);
  assert_int_equal(kt_verify_search(&client, request.label, &request.version.value, NULL, &contact, changed,
                                    search_result_new(world)),
                   KT_ERR_PROOF);
  kt_arena_release(&arena);
  world_end(world);
}

/* Standard or provisional, on the newest head that the person knows. */
static enum kt_err try_credential(struct world *world, struct person *person, const char *label)
{
  struct kt_writer w;
  struct kt_arena arena;
  struct kt_credential_request request = { .label = TEXT(label) };
  struct kt_credential_result *result = kt_arena_alloc(&world->arena, 1, sizeof *result);
  struct kt_recent_heads recent = { .n = 0 };
  const struct kt_distinguished_result *walk = person_heads(world, person);
  const struct kt_client client = person_client(world, person);
  assert_int_equal(kt_recent_learn(&recent, walk, NULL, world->now_ms, &world->arena, &person->reason, &recent), KT_OK);
  request.position = recent.heads[0].size - 1;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, (size_t)1 << 20);
  world_ok(world, kt_log_credential(world->reader, &request, &arena, &w, &world->problem));
  const struct kt_bytes credential = world_take(world, &w);
  kt_arena_release(&arena);
  return kt_verify_credential(&client, &recent, credential, result);
}

static void r38_credentials_of_what_the_operator_did_not_sign(void **state)
{
  struct world *world = managed_world();
  struct person *alice = new_owner(world, "alice", 1);
  struct person *bob = person_new(world, "bob", 2);
  struct kt_bytes response;
  (void)state;
  const struct order first = { alice, text_values(world, "v1", ""), 1, 1 };
  (void)managed_update(world, &first);
  person_ok(bob, try_credential(world, bob, "alice")); /* provisional */
  world_pass(world, WINDOW_MS);
  person_ok(bob, try_credential(world, bob, "alice")); /* standard */
  corrupt(world);
  const struct order order = { alice, text_values(world, "v2", ""), 1, 2 };
  struct kt_manager_update_request request = request_of(world, &order);
  request.values = lying_values(world, &order, FLIPPED);
  world_ok(world, post_manager(world, &request, &response));
  for (int i = 0; i < 2; i++) {
    assert_int_equal(try_credential(world, bob, "alice"), KT_ERR_PROOF);
    assert_string_equal(bob->reason.code, "leaf-signature");
    world_pass(world, WINDOW_MS);
  }
  world_end(world);
}

static void change_skipped(struct world *world, const struct order *order, struct kt_bytes honest, uint32_t skipped,
                           const char *code)
{
  struct kt_update_response response;
  struct kt_arena arena;
  struct kt_writer w;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  assert_int_equal(kt_update_response_decode(honest, &world->config, &arena, &response), KT_OK);
  response.skipped_versions = skipped;
  kt_writer_init(&w, (size_t)1 << 20);
  kt_update_response_write(&w, &world->config, &response);
  assert_int_equal(verify_update(world, order, world_take(world, &w), update_result_new(world)), KT_ERR_PROOF);
  assert_string_equal(order->person->reason.code, code);
  kt_arena_release(&arena);
}

/* Another number of skipped versions gives the values other versions, for which they were not signed. */
static void r38_another_number_of_skipped_versions(void **state)
{
  struct world *world = managed_world();
  struct person *alice = new_owner(world, "alice", 1);
  struct kt_bytes response;
  (void)state;
  const struct order order = { alice, text_values(world, "v2", ""), 1, 2 };
  const struct kt_manager_update_request request = request_of(world, &order);
  world_ok(world, post_manager(world, &request, &response));
  change_skipped(world, &order, response, 1, "leaf-signature");
  change_skipped(world, &order, response, 3, "leaf-signature");
  change_skipped(world, &order, response, 255, "update-skipped");
  change_skipped(world, &order, response, UINT32_MAX, "update-skipped");
  person_ok(alice, verify_update(world, &order, response, update_result_new(world)));
  world_end(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(r38_versions_the_operator_did_not_sign),
    cmocka_unit_test(r38_absence_with_a_signature),
    cmocka_unit_test(r38_credentials_of_what_the_operator_did_not_sign),
    cmocka_unit_test(r38_another_number_of_skipped_versions),
    cmocka_unit_test(r42_existing_version_said_to_be_skipped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
