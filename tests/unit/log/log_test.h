/* SPDX-License-Identifier: Apache-2.0 */
/* People who talk to a log under test only in the protocol's bytes and believe only what lib/client verified. */
#ifndef KT_TESTS_LOG_TEST_H
#define KT_TESTS_LOG_TEST_H

#include "world_test.h"

/* --- transport ---------------------------------------------------------------------------------------------------- */

/* The writer's bytes, moved into the test's memory. */
static inline struct kt_bytes world_take(struct world *world, struct kt_writer *w)
{
  struct kt_bytes bytes = { kt_arena_copy(&world->arena, w->buf, w->len), w->len };
  assert_int_equal(w->err, KT_OK);
  kt_writer_release(w);
  return bytes;
}

/* Send an encoded request of one kind: decode as the server does, answer, release the request's memory. */
#define WORLD_POST(name, request_type, decode_call, call)                                                     \
  static inline enum kt_err name(struct world *world, struct kt_bytes encoded, struct kt_bytes *ret_response) \
  {                                                                                                           \
    struct kt_arena arena;                                                                                    \
    struct kt_writer w;                                                                                       \
    request_type request;                                                                                     \
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);                                                              \
    kt_writer_init(&w, (size_t)16 << 20);                                                                     \
    assert_int_equal(decode_call, KT_OK);                                                                     \
    auditor_keep_up(world);                                                                                   \
    enum kt_err err = call(world->reader, &request, &arena, &w, &world->problem);                             \
    if (err == KT_OK) {                                                                                       \
      *ret_response = world_take(world, &w);                                                                  \
    } else {                                                                                                  \
      assert_int_equal(w.len, 0); /* nothing is appended on failure */                                        \
      assert_non_null(world->problem.code);                                                                   \
      assert_true(strlen(world->problem.text) > 0);                                                           \
      kt_writer_release(&w);                                                                                  \
    }                                                                                                         \
    kt_arena_release(&arena);                                                                                 \
    return err;                                                                                               \
  }

WORLD_POST(post_search, struct kt_search_request, kt_search_request_decode(encoded, &request), kt_log_search)
WORLD_POST(post_contact, struct kt_contact_monitor_request,
           kt_contact_monitor_request_decode(encoded, &arena, &request), kt_log_contact_monitor)
WORLD_POST(post_owner_init, struct kt_owner_init_request, kt_owner_init_request_decode(encoded, &request),
           kt_log_owner_init)
WORLD_POST(post_owner_monitor, struct kt_owner_monitor_request,
           kt_owner_monitor_request_decode(encoded, &arena, &request), kt_log_owner_monitor)
WORLD_POST(post_distinguished, struct kt_distinguished_request, kt_distinguished_request_decode(encoded, &request),
           kt_log_distinguished)

/* prepare → insert → respond, as the HTTP server does it. */
static inline enum kt_err post_update_token(struct world *world, struct kt_bytes encoded, struct kt_bytes token,
                                            struct kt_bytes *ret_response)
{
  struct kt_arena arena;
  struct kt_writer w;
  struct kt_update_request request;
  struct kt_log_pending *pending = NULL;
  struct kt_log_outcome outcome;
  struct kt_log_ahead ahead = { 0 };
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&w, (size_t)16 << 20);
  assert_int_equal(kt_update_request_decode(encoded, &arena, &request), KT_OK);
  auditor_keep_up(world);
  enum kt_err err = kt_log_update_prepare(world->reader, &request, token, &pending, &world->problem);
  if (err == KT_OK) {
    bool queued = pending != NULL;
    if (queued) {
      kt_log_update_keep(pending, &arena, &ahead);
      kt_log_update_ahead(world->reader, &request, &arena, &ahead);
      kt_log_insert(world->log, &pending, 1, &outcome);
      auditor_keep_up(world);
    }
    err = kt_log_update_respond(world->reader, &request, queued ? &outcome : NULL, queued ? &ahead : NULL, &arena, &w,
                                &world->problem);
  }
  if (err == KT_OK) {
    *ret_response = world_take(world, &w);
    world->last_update = *ret_response;
  } else {
    kt_writer_release(&w);
  }
  kt_arena_release(&arena);
  return err;
}

static inline enum kt_err post_update(struct world *world, struct kt_bytes encoded, struct kt_bytes *ret_response)
{
  return post_update_token(world, encoded, (struct kt_bytes){ 0 }, ret_response);
}

/* --- people ------------------------------------------------------------------------------------------------------- */

struct person {
  struct kt_bytes label; /* one's own */
  uint8_t seed[KT_ACCOUNT_SEED_LEN];
  struct kt_account_state account;
  struct kt_log_state log;
  struct kt_owner_state owner;
  struct kt_reason reason;
};

static inline struct person *person_new(struct world *world, const char *label, uint8_t seed)
{
  struct person *person = kt_arena_alloc(&world->arena, 1, sizeof *person);
  assert_non_null(person);
  person->label = TEXT(label);
  memset(person->seed, seed, sizeof person->seed);
  return person;
}

/* The same person on another device, or before something happened. */
static inline struct person *person_copy(struct world *world, const struct person *person)
{
  return kt_arena_copy(&world->arena, person, sizeof *person);
}

static inline struct kt_search_result *search_result_new(struct world *world)
{
  return kt_arena_alloc(&world->arena, 1, sizeof(struct kt_search_result));
}

static inline struct kt_update_result *update_result_new(struct world *world)
{
  return kt_arena_alloc(&world->arena, 1, sizeof(struct kt_update_result));
}

static inline struct kt_client person_client(struct world *world, struct person *person)
{
  person->reason = (struct kt_reason){ 0 };
  return (struct kt_client){ .config = &world->config,
                             .log = &person->log,
                             .now_ms = world->now_ms,
                             .arena = &world->arena,
                             .reason = &person->reason };
}

static inline void person_ok(const struct person *person, enum kt_err err)
{
  if (err != KT_OK) {
    fail_msg("%s: %s: %s (entry %llu)", kt_err_text(err), person->reason.code, person->reason.text,
             (unsigned long long)person->reason.position);
  }
}

/* The next device set of the person's account, with `n_devices` devices; `next` of the state is kept by judge. */
static inline struct kt_bytes person_set(struct world *world, struct person *person, uint8_t n_devices, bool is_signed)
{
  struct kt_hash log_id;
  struct kt_bytes value = { 0 };
  struct kt_device *devices = kt_arena_alloc(&world->arena, n_devices, sizeof *devices);
  kt_config_log_id(&world->config, &log_id);
  for (uint8_t i = 0; i < n_devices; i++) {
    struct kt_device_key *key = kt_arena_alloc(&world->arena, 1, sizeof *key);
    *key = (struct kt_device_key){ KT_KEY_RAW, { kt_arena_copy(&world->arena, &i, 1), 1 } };
    devices[i] = (struct kt_device){ .name = TEXT("device"), .keys = key, .n_keys = 1 };
    devices[i].id.b[0] = i;
  }
  struct kt_device_set set = { .log_id = log_id,
                               .label = person->label,
                               .seq = person->account.n_sets,
                               .previous = person->account.latest,
                               .devices = devices,
                               .n_devices = n_devices };
  if (is_signed) {
    assert_int_equal(kt_device_set_sign(&set, person->seed), KT_OK);
  }
  assert_int_equal(kt_device_set_encode(&set, &world->arena, &value), KT_OK);
  return value;
}

static inline void person_logged(struct world *world, struct person *person, struct kt_bytes value)
{
  struct kt_hash log_id;
  struct kt_set_judgement *judgement = kt_arena_alloc(&world->arena, 1, sizeof *judgement);
  kt_config_log_id(&world->config, &log_id);
  assert_int_equal(kt_account_judge(&person->account, &log_id, person->label, value, &world->arena, judgement), KT_OK);
  person->account = judgement->next;
}

/* The most recent distinguished entries, as the person verifies them. */
static inline const struct kt_distinguished_result *person_heads(struct world *world, struct person *person)
{
  struct kt_writer w;
  struct kt_bytes response;
  struct kt_distinguished_result *result = kt_arena_alloc(&world->arena, 1, sizeof *result);
  const struct kt_client client = person_client(world, person);
  kt_writer_init(&w, 1000);
  kt_request_distinguished(&w, &person->log, NULL);
  world_ok(world, post_distinguished(world, world_take(world, &w), &response));
  person_ok(person, kt_verify_distinguished(&client, NULL, response, result));
  person->log = result->log;
  return result;
}

/* What the log answers to each of the following: somebody may be late, or the label erased. */
static inline enum kt_err person_ask_init(struct world *world, struct person *person, uint64_t start,
                                          struct kt_bytes *ret_response)
{
  struct kt_writer w;
  kt_writer_init(&w, 1000);
  kt_request_owner_init(&w, &person->log, person->label, start);
  return post_owner_init(world, world_take(world, &w), ret_response);
}

static inline enum kt_err person_ask_monitor(struct world *world, struct person *person, struct kt_bytes *ret_response)
{
  struct kt_writer w;
  kt_writer_init(&w, 10000);
  kt_request_owner_monitor(&w, &person->log, person->label, &person->owner);
  return post_owner_monitor(world, world_take(world, &w), ret_response);
}

static inline enum kt_err person_ask_contact(struct world *world, struct person *person, struct kt_bytes label,
                                             const struct kt_contact_state *contact, struct kt_bytes *ret_response)
{
  struct kt_writer w;
  kt_writer_init(&w, 10000);
  kt_request_contact(&w, &person->log, label, contact);
  return post_contact(world, world_take(world, &w), ret_response);
}

static inline void person_own(struct world *world, struct person *person, uint64_t start)
{
  struct kt_bytes response;
  struct kt_owner_result *result = kt_arena_alloc(&world->arena, 1, sizeof *result);
  const struct kt_client client = person_client(world, person);
  world_ok(world, person_ask_init(world, person, start, &response));
  person_ok(person, kt_verify_owner_init(&client, person->label, start, response, result));
  person->log = result->log;
  person->owner = result->owner;
}

static inline enum kt_err person_try_update(struct world *world, struct person *person, const struct kt_bytes *values,
                                            size_t n_values, struct kt_bytes token, struct kt_update_result *ret_result)
{
  struct kt_writer w;
  struct kt_bytes response;
  const struct kt_client client = person_client(world, person);
  kt_writer_init(&w, (size_t)1 << 24);
  kt_request_update(&w, &person->log, person->label, &person->owner, values, n_values);
  enum kt_err err = post_update_token(world, world_take(world, &w), token, &response);
  if (err != KT_OK) {
    return err;
  }
  person_ok(person, kt_verify_update(&client, person->label, &person->owner, values, n_values, response, ret_result));
  person->log = ret_result->log;
  person->owner = ret_result->owner;
  for (size_t i = 0; i < ret_result->n_values; i++) {
    person_logged(world, person, ret_result->values[i]);
  }
  return KT_OK;
}

/* Publish one new signed set. */
static inline const struct kt_update_result *person_update(struct world *world, struct person *person,
                                                           uint8_t n_devices)
{
  struct kt_update_result *result = update_result_new(world);
  struct kt_bytes *value = kt_arena_alloc(&world->arena, 1, sizeof *value);
  *value = person_set(world, person, n_devices, true);
  world_ok(world, person_try_update(world, person, value, 1, (struct kt_bytes){ 0 }, result));
  return result;
}

/* Initialize at the rightmost distinguished entry and register. */
static inline void person_register(struct world *world, struct person *person)
{
  const struct kt_distinguished_result *heads = person_heads(world, person);
  assert_true(heads->n_heads > 0);
  person_own(world, person, heads->heads[0].size - 1);
  (void)person_update(world, person, 1);
}

static inline enum kt_err person_search(struct world *world, struct person *person, struct kt_bytes label,
                                        const uint32_t *version, struct kt_contact_state *contact,
                                        struct kt_search_result *ret_result)
{
  struct kt_writer w;
  struct kt_bytes response;
  const struct kt_client client = person_client(world, person);
  kt_writer_init(&w, 1000);
  kt_request_search(&w, &person->log, label, version);
  enum kt_err err = post_search(world, world_take(world, &w), &response);
  if (err != KT_OK) {
    return err;
  }
  err = kt_verify_search(&client, label, version, NULL, contact, response, ret_result);
  if (err != KT_ERR_ABSENT) {
    person_ok(person, err);
    *contact = ret_result->contact;
  }
  person->log = ret_result->log;
  return err;
}

static inline void person_contact(struct world *world, struct person *person, struct kt_bytes label,
                                  struct kt_contact_state *contact)
{
  struct kt_bytes response;
  struct kt_contact_result *result = kt_arena_alloc(&world->arena, 1, sizeof *result);
  const struct kt_client client = person_client(world, person);
  world_ok(world, person_ask_contact(world, person, label, contact, &response));
  person_ok(person, kt_verify_contact(&client, contact, response, result));
  person->log = result->log;
  *contact = result->contact;
}

/* One round; whether nothing is left to verify. */
static inline bool person_monitor(struct world *world, struct person *person)
{
  struct kt_bytes response;
  struct kt_owner_result *result = kt_arena_alloc(&world->arena, 1, sizeof *result);
  const struct kt_client client = person_client(world, person);
  world_ok(world, person_ask_monitor(world, person, &response));
  person_ok(person, kt_verify_owner_monitor(&client, &person->owner, response, result));
  person->log = result->log;
  person->owner = result->owner;
  return result->complete;
}

/* Time passes, and the log's heartbeat with it. */
static inline void world_pass(struct world *world, uint64_t ms)
{
  world->now_ms += ms;
  kt_log_step(world->log);
}

#endif
