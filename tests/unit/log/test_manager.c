/* SPDX-License-Identifier: Apache-2.0 */
/* Third-party management: the log as the Manager, the test as the Service Operator, people who verify (draft: Third Parties
 * / Management, Update Format, Updating a Label). */
#include "log_test.h"

#include <kt/credential.h>

#include "wire/leaf.h"
#include "wire/manager.h"

#define EXPECT(world, call, want_err, want_code)             \
  do {                                                       \
    assert_int_equal((call), (want_err));                    \
    assert_string_equal((world)->problem.code, (want_code)); \
  } while (0)

static uint8_t leaf_seed[KT_SEED_LEN] = "the Service Operator's leaf key";
static uint8_t leaf_public[KT_PUBLIC_KEY_MAX];

static struct world *managed_world(void)
{
  struct world *world = world_new();
  const struct kt_suite *suite = test_suite();
  assert_int_equal(suite->sign_public(leaf_seed, leaf_public), KT_OK);
  world->config.mode = KT_MODE_THIRD_PARTY_MANAGEMENT;
  world->config.leaf_public_key = (struct kt_bytes){ leaf_public, suite->sign_public_len };
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  return world;
}

/* --- the operator --------------------------------------------------------------------------------------------------- */

/* What the operator forwards for a person. */
struct order {
  struct person *person;
  const struct kt_bytes *values;
  size_t n_values;
  uint32_t signed_version;
};

static struct kt_update_value *sign_values(struct world *world, const struct order *order)
{
  struct kt_update_value *values = kt_arena_alloc(&world->arena, order->n_values + 1, sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < order->n_values; i++) {
    uint8_t signature[KT_SIGNATURE_MAX];
    assert_int_equal(kt_update_value_sign(&world->config, leaf_seed, order->person->label,
                                          order->signed_version + (uint32_t)i, order->values[i], signature),
                     KT_OK);
    const size_t len = world->config.suite->signature_len;
    values[i] = (struct kt_update_value){ .value = order->values[i],
                                          .signature = { kt_arena_copy(&world->arena, signature, len), len } };
  }
  return values;
}

static struct kt_manager_update_request request_of(struct world *world, const struct order *order)
{
  struct person *person = order->person;
  struct kt_manager_update_request request = {
    .last = { person->log.tree.size > 0, person->log.tree.size },
    .label = person->label,
    .values = sign_values(world, order),
    .n_values = order->n_values,
    .signed_version = order->signed_version,
  };
  request.greatest_version.present = kt_owner_greatest(&person->owner, &request.greatest_version.value);
  return request;
}

/* As the Manager's HTTP server does it, through the bytes. */
static enum kt_err post_manager(struct world *world, const struct kt_manager_update_request *sent,
                                struct kt_bytes *ret_response)
{
  struct kt_writer encoded;
  struct kt_writer w;
  struct kt_arena arena;
  struct kt_manager_update_request request;
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome;
  kt_writer_init(&encoded, (size_t)1 << 24);
  kt_writer_init(&w, (size_t)1 << 24);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_manager_update_request_write(&encoded, &world->config, sent);
  const struct kt_bytes body = world_take(world, &encoded);
  assert_int_equal(kt_manager_update_request_decode(body, &world->config, &arena, &request), KT_OK);
  enum kt_err err = kt_log_manager_prepare(world->reader, &request, &pending, &world->problem);
  if (err == KT_OK) {
    bool queued = pending != NULL;
    if (queued) {
      kt_log_insert(world->log, &pending, 1, &outcome);
    }
    err = kt_log_manager_respond(world->reader, &request, queued ? &outcome : NULL, &arena, &w, &world->problem);
  }
  if (err == KT_OK) {
    *ret_response = world_take(world, &w);
  } else {
    kt_writer_release(&w);
  }
  kt_arena_release(&arena);
  return err;
}

static enum kt_err verify_update(struct world *world, const struct order *order, struct kt_bytes response,
                                 struct kt_update_result *ret_result)
{
  struct person *person = order->person;
  const struct kt_client client = person_client(world, person);
  return kt_verify_update(&client, person->label, &person->owner, order->values, order->n_values, response, ret_result);
}

/* Forwarded and verified. */
static const struct kt_update_result *managed_update(struct world *world, const struct order *order)
{
  struct kt_bytes response;
  struct kt_update_result *result = update_result_new(world);
  const struct kt_manager_update_request request = request_of(world, order);
  world_ok(world, post_manager(world, &request, &response));
  person_ok(order->person, verify_update(world, order, response, result));
  order->person->log = result->log;
  order->person->owner = result->owner;
  return result;
}

static struct person *new_owner(struct world *world, const char *label, uint8_t seed)
{
  struct person *person = person_new(world, label, seed);
  const struct kt_distinguished_result *heads = person_heads(world, person);
  person_own(world, person, heads->heads[0].size - 1);
  return person;
}

static const struct kt_bytes *text_values(struct world *world, const char *first, const char *second)
{
  struct kt_bytes *values = kt_arena_alloc(&world->arena, 2, sizeof *values);
  values[0] = TEXT(first);
  values[1] = TEXT(second);
  return values;
}

static void search_ok(struct world *world, struct person *person, const char *label, const uint32_t *version,
                      const char *want)
{
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *result = search_result_new(world);
  world_ok(world, person_search(world, person, TEXT(label), version, &contact, result));
  assert_int_equal(result->value.len, strlen(want));
  assert_memory_equal(result->value.data, want, strlen(want));
}

/* --- what works ----------------------------------------------------------------------------------------------------- */

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

/* "the Manager MUST insert a sufficient number of dummy entries … such that the next greatest version of the label to be
 * created is signed_version". */
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

/* Ways to skip up to 3 versions and add up to 2 values, three times (every seventh: all digits occur at each place); every
 * other update becomes distinguished. */
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

/* --- what the Manager refuses --------------------------------------------------------------------------------------- */

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
  EXPECT(world, kt_log_operator_prepare(world->reader, alice->label, value, &pending, &world->problem), KT_ERR_DENIED,
         "through-operator");
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

/* --- what users refuse ---------------------------------------------------------------------------------------------- */

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

/* The owner asks for what it does not know, as when the Manager inserted it, and as when it was the owner's own order. */
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
    cmocka_unit_test(a_managed_log_is_verified),
    cmocka_unit_test(skipped_versions_are_proven),
    cmocka_unit_test(every_small_pattern_is_accepted),
    cmocka_unit_test(a_managed_log_passes_fsck),
    cmocka_unit_test(lower_greatest_versions_are_answered),
    cmocka_unit_test(s13_signed_version),
    cmocka_unit_test(s9_too_many_skipped),
    cmocka_unit_test(leaf_signatures_are_verified),
    cmocka_unit_test(nothing_is_added_but_through_the_operator),
    cmocka_unit_test(other_modes_have_no_manager),
    cmocka_unit_test(r38_versions_the_operator_did_not_sign),
    cmocka_unit_test(r38_absence_with_a_signature),
    cmocka_unit_test(r38_credentials_of_what_the_operator_did_not_sign),
    cmocka_unit_test(r38_another_number_of_skipped_versions),
    cmocka_unit_test(r42_existing_version_said_to_be_skipped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
