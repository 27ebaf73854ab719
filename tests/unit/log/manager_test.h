/* SPDX-License-Identifier: Apache-2.0 */
/* Third-party management: the log as the Manager, the test as the Service Operator, people who verify (draft: Third
 * Parties / Management, Update Format, Updating a Label). */
#ifndef KT_TESTS_MANAGER_TEST_H
#define KT_TESTS_MANAGER_TEST_H

#include "log_test.h"

#include "wire/leaf.h"
#include "wire/manager.h"

#define EXPECT(world, call, want_err, want_code)             \
  do {                                                       \
    assert_int_equal((call), (want_err));                    \
    assert_string_equal((world)->problem.code, (want_code)); \
  } while (0)

static uint8_t leaf_seed[KT_SEED_LEN] = "the Service Operator's leaf key";
static uint8_t leaf_public[KT_PUBLIC_KEY_MAX];

static inline struct world *managed_world(void)
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

/* --- the operator ------------------------------------------------------------------------------------------------- */

/* What the operator forwards for a person. */
struct order {
  struct person *person;
  const struct kt_bytes *values;
  size_t n_values;
  uint32_t signed_version;
};

static inline struct kt_update_value *sign_values(struct world *world, const struct order *order)
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

static inline struct kt_manager_update_request request_of(struct world *world, const struct order *order)
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
static inline enum kt_err post_manager(struct world *world, const struct kt_manager_update_request *sent,
                                       struct kt_bytes *ret_response)
{
  struct kt_writer encoded;
  struct kt_writer w;
  struct kt_arena arena;
  struct kt_manager_update_request request;
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome;
  struct kt_log_ahead ahead = { 0 };
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
      kt_log_update_keep(pending, &arena, &ahead);
      kt_log_manager_ahead(world->reader, &request, &arena, &ahead);
      kt_log_insert(world->log, &pending, 1, &outcome);
      assert_int_equal(ahead.draft != NULL, outcome.inserted);
    }
    err = kt_log_manager_respond(world->reader, &request, queued ? &outcome : NULL, queued ? &ahead : NULL, &arena, &w,
                                 &world->problem);
  }
  if (err == KT_OK) {
    *ret_response = world_take(world, &w);
  } else {
    kt_writer_release(&w);
  }
  kt_arena_release(&arena);
  return err;
}

static inline enum kt_err verify_update(struct world *world, const struct order *order, struct kt_bytes response,
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

static inline struct person *new_owner(struct world *world, const char *label, uint8_t seed)
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

static inline void search_ok(struct world *world, struct person *person, const char *label, const uint32_t *version,
                             const char *want)
{
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *result = search_result_new(world);
  world_ok(world, person_search(world, person, TEXT(label), version, &contact, result));
  assert_int_equal(result->value.len, strlen(want));
  assert_memory_equal(result->value.data, want, strlen(want));
}

#endif
