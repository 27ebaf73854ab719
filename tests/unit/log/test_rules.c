/* SPDX-License-Identifier: Apache-2.0 */
/* What the log refuses; the names carry the numbers of the list of refusals. */
#include "log_test.h"

#include "crypto/hash.h"
#include "log/engine.h"
#include "wire/update.h"

/* Alice has versions 0 and 1, in entries 1 and 2. */
static struct world *world_with_alice(struct person **ret_alice)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  person_register(world, alice);
  (void)person_update(world, alice, 2);
  assert_int_equal(world_size(world), 3);
  *ret_alice = alice;
  return world;
}

/* Alice has versions 0 and 1 in entries 8 and 9, right of the rightmost distinguished entry. */
static struct world *world_with_recent_alice(struct person **ret_alice)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  for (size_t i = 1; i < 8; i++) {
    world_pass(world, HOUR_MS);
  }
  person_register(world, alice);
  (void)person_update(world, alice, 2);
  assert_int_equal(world_size(world), 10);
  *ret_alice = alice;
  return world;
}

#define EXPECT(world, err, expected, word)            \
  do {                                                \
    assert_int_equal(err, expected);                  \
    assert_string_equal((world)->problem.code, word); \
  } while (0)

static enum kt_err search_last(struct world *world, uint64_t last)
{
  struct kt_writer w;
  struct kt_bytes response;
  const struct kt_search_request request = { .last = { true, last }, .label = TEXT("alice") };
  kt_writer_init(&w, 1000);
  kt_search_request_write(&w, &request);
  return post_search(world, world_take(world, &w), &response);
}

static void s2_last(void **state)
{
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  struct kt_bytes response;
  struct kt_writer w;
  (void)state;
  EXPECT(world, search_last(world, 0), KT_ERR_FORMAT, "last");
  EXPECT(world, search_last(world, 4), KT_ERR_CONFLICT, "last");
  EXPECT(world, search_last(world, UINT64_MAX), KT_ERR_CONFLICT, "last");
  assert_int_equal(search_last(world, 3), KT_OK);
  alice->log.tree.size = 4; /* an update is refused before anything is inserted */
  kt_writer_init(&w, 1 << 20);
  struct kt_bytes value = person_set(world, alice, 1, true);
  kt_request_update(&w, &alice->log, alice->label, &alice->owner, &value, 1);
  EXPECT(world, post_update(world, world_take(world, &w), &response), KT_ERR_CONFLICT, "last");
  assert_int_equal(world_size(world), 3);
  world_end(world);
}

static enum kt_err contact_map(struct world *world, const char *label, const struct kt_monitor_map_entry *entries,
                               size_t n)
{
  struct kt_writer w;
  struct kt_bytes response;
  const struct kt_contact_monitor_request request = { .label = TEXT(label), .entries = entries, .n_entries = n };
  kt_writer_init(&w, 10000);
  kt_contact_monitor_request_write(&w, &request);
  return post_contact(world, world_take(world, &w), &response);
}

static void s4_monitoring_map(void **state)
{
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  (void)state;
  world_pass(world, HOUR_MS); /* entry 3: root of a tree of 4 */
  const struct kt_monitor_map_entry good[] = { { 1, 0 }, { 2, 1 } };
  const struct kt_monitor_map_entry unsorted[] = { { 2, 1 }, { 1, 0 } };
  const struct kt_monitor_map_entry same_position[] = { { 3, 0 }, { 3, 1 } };
  const struct kt_monitor_map_entry same_version[] = { { 1, 0 }, { 3, 0 } };
  const struct kt_monitor_map_entry left_of_version[] = { { 1, 1 } }; /* on 2's path, but left of it */
  const struct kt_monitor_map_entry off_path[] = { { 2, 0 } };        /* the path of 1 in a tree of 4 is 3 */
  const struct kt_monitor_map_entry outside[] = { { 4, 0 } };
  const struct kt_monitor_map_entry no_version[] = { { 3, 2 } };
  const struct kt_monitor_map_entry ancestor[] = { { 3, 0 } };
  assert_int_equal(contact_map(world, "alice", good, 2), KT_OK);
  assert_int_equal(contact_map(world, "alice", ancestor, 1), KT_OK);
  assert_int_equal(contact_map(world, "nobody", NULL, 0), KT_OK);
  EXPECT(world, contact_map(world, "alice", unsorted, 2), KT_ERR_USAGE, "monitor-map");
  EXPECT(world, contact_map(world, "alice", same_position, 2), KT_ERR_USAGE, "monitor-map");
  EXPECT(world, contact_map(world, "alice", same_version, 2), KT_ERR_USAGE, "monitor-map");
  EXPECT(world, contact_map(world, "alice", left_of_version, 1), KT_ERR_USAGE, "monitor-map");
  EXPECT(world, contact_map(world, "alice", off_path, 1), KT_ERR_USAGE, "monitor-map");
  EXPECT(world, contact_map(world, "alice", outside, 1), KT_ERR_USAGE, "monitor-map");
  EXPECT(world, contact_map(world, "alice", no_version, 1), KT_ERR_USAGE, "monitor-map");
  EXPECT(world, contact_map(world, "nobody", good, 2), KT_ERR_USAGE, "monitor-map");
  world_end(world);
}

/* S4 says nothing of the order of versions. Where the ladders of a greater and, right of it, a lesser version meet, the
 * request is refused (R28), and the log itself is not to blame. */
static void s4_map_that_contradicts_itself(void **state)
{
  struct person *alice;
  struct world *world = world_with_recent_alice(&alice);
  const struct kt_monitor_map_entry ascending[] = { { 9, 0 }, { 11, 1 } };
  const struct kt_monitor_map_entry descending[] = { { 9, 1 }, { 11, 0 } };
  (void)state;
  while (world_size(world) < 16) { /* the way from 9 and the way from 11 meet in 15 */
    world_pass(world, HOUR_MS);
  }
  assert_int_equal(contact_map(world, "alice", ascending, 2), KT_OK);
  EXPECT(world, contact_map(world, "alice", descending, 2), KT_ERR_USAGE, "monitor-map");
  world_end(world);
}

/* As many entries as a request can have. */
static void a_full_monitoring_map_is_answered(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct kt_monitor_map_entry entries[UINT8_MAX];
  (void)state;
  for (uint32_t i = 0; i < UINT8_MAX; i++) {
    struct kt_log_pending *pending;
    struct kt_log_outcome outcome;
    struct kt_bytes value = person_set(world, alice, 1, false);
    world_ok(world, kt_log_operator_prepare(world->reader, alice->label, NULL, value, &pending, &world->problem));
    kt_log_insert(world->log, &pending, 1, &outcome);
    assert_true(outcome.inserted);
    entries[i] = (struct kt_monitor_map_entry){ .position = outcome.position, .version = i };
  }
  assert_int_equal(contact_map(world, "alice", entries, UINT8_MAX), KT_OK);
  entries[254].version = 0;
  EXPECT(world, contact_map(world, "alice", entries, UINT8_MAX), KT_ERR_USAGE, "monitor-map");
  world_end(world);
}

static enum kt_err owner_init(struct world *world, uint64_t start)
{
  struct kt_writer w;
  struct kt_bytes response;
  const struct kt_owner_init_request request = { .label = TEXT("alice"), .start = start };
  kt_writer_init(&w, 1000);
  kt_owner_init_request_write(&w, &request);
  return post_owner_init(world, world_take(world, &w), &response);
}

static void s5_start_distinguished_and_unexpired(void **state)
{
  struct world *world = world_new();
  (void)state;
  world->config.has_maximum_lifetime = true;
  world->config.maximum_lifetime = 4 * WINDOW_MS;
  world_ok(world, kt_log_create(&world->options, &world->problem));
  world_open(world);
  world_pass(world, HOUR_MS);
  world_pass(world, HOUR_MS);
  assert_int_equal(owner_init(world, 0), KT_OK);
  EXPECT(world, owner_init(world, 2), KT_ERR_USAGE, "start-not-distinguished");
  EXPECT(world, owner_init(world, 3), KT_ERR_USAGE, "start");
  EXPECT(world, owner_init(world, UINT64_MAX), KT_ERR_USAGE, "start");
  for (size_t i = 0; i < 5; i++) {
    world_pass(world, WINDOW_MS);
  }
  EXPECT(world, owner_init(world, 0), KT_ERR_EXPIRED, "start-expired");
  world_end(world);
}

static enum kt_err owner_monitor(struct world *world, uint64_t start, bool has_greatest, uint32_t greatest)
{
  struct kt_writer w;
  struct kt_bytes response;
  const struct kt_owner_monitor_request request = { .label = TEXT("alice"),
                                                    .start = start,
                                                    .greatest_version = { has_greatest, greatest } };
  kt_writer_init(&w, 1000);
  kt_owner_monitor_request_write(&w, &request);
  return post_owner_monitor(world, world_take(world, &w), &response);
}

static void s6_s7_owner_monitoring(void **state)
{
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  (void)state;
  assert_int_equal(owner_monitor(world, 0, false, 0), KT_OK);
  assert_int_equal(owner_monitor(world, 1, true, 0), KT_OK);
  assert_int_equal(owner_monitor(world, 2, true, 1), KT_OK);
  EXPECT(world, owner_monitor(world, 3, true, 1), KT_ERR_USAGE, "start");            /* S6 */
  EXPECT(world, owner_monitor(world, 0, true, 2), KT_ERR_USAGE, "greatest-version"); /* S7 */
  EXPECT(world, owner_monitor(world, 1, false, 0), KT_ERR_USAGE, "greatest-version");
  EXPECT(world, owner_monitor(world, 2, true, 0), KT_ERR_USAGE, "greatest-version");
  world_end(world);
}

static enum kt_err update(struct world *world, const char *label, bool has_greatest, uint32_t greatest,
                          const struct kt_bytes *values, size_t n_values, struct kt_bytes token)
{
  struct kt_writer w;
  struct kt_bytes response;
  const struct kt_update_request request = {
    .label = TEXT(label), .greatest_version = { has_greatest, greatest }, .values = values, .n_values = n_values
  };
  kt_writer_init(&w, (size_t)64 << 20);
  kt_update_request_write(&w, &request);
  return post_update_token(world, world_take(world, &w), token, &response);
}

static const struct kt_bytes no_token = { 0 };

static void s8_greatest_version_of_an_update(void **state)
{
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  struct kt_bytes value = person_set(world, alice, 3, true);
  (void)state;
  EXPECT(world, update(world, "alice", true, 2, &value, 1, no_token), KT_ERR_USAGE, "greatest-version");
  EXPECT(world, update(world, "alice", true, UINT32_MAX, &value, 1, no_token), KT_ERR_USAGE, "greatest-version");
  EXPECT(world, update(world, "alice", true, 1, NULL, 0, no_token), KT_ERR_USAGE, "nothing-newer");
  EXPECT(world, update(world, "nobody", false, 0, NULL, 0, no_token), KT_ERR_USAGE, "nothing-newer");
  assert_int_equal(update(world, "alice", false, 0, &value, 1, no_token), KT_OK); /* answered … */
  assert_int_equal(update(world, "alice", true, 0, &value, 1, no_token), KT_OK);
  assert_int_equal(world_size(world), 3); /* … never inserted */
  world_end(world);
}

static void s9_limits(void **state)
{
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  static const uint8_t big[KT_DEVICE_SET_MAX + 1];
  struct kt_bytes values[129];
  (void)state;
  for (size_t i = 0; i < 129; i++) {
    values[i] = (struct kt_bytes){ big, 1 };
  }
  EXPECT(world, update(world, "alice", true, 1, values, 129, no_token), KT_ERR_LIMIT, "too-many-values");
  values[0].len = sizeof big;
  EXPECT(world, update(world, "alice", true, 1, values, 1, no_token), KT_ERR_LIMIT, "value-too-large");
  EXPECT(world, update(world, "", false, 0, values, 1, no_token), KT_ERR_USAGE, "label");
  EXPECT(world, update(world, "\xff", false, 0, values, 1, no_token), KT_ERR_USAGE, "label");
  assert_int_equal(world_size(world), 3);
  world_end(world);
}

/* As if alice had all the versions that there can be. */
static void s9_version_overflow(void **state)
{
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  struct kt_store_label row;
  struct kt_bytes value = person_set(world, alice, 1, true);
  (void)state;
  auditor_keep_up(world);
  world_ok(world, kt_store_begin(world->log->writer));
  world_ok(world, kt_store_get_label(world->log->writer, TEXT("alice"), &world->arena, &row));
  row.n_versions = UINT32_MAX;
  world_ok(world, kt_store_update_label(world->log->writer, &row));
  world_ok(world, kt_store_commit(world->log->writer));
  EXPECT(world, update(world, "alice", true, UINT32_MAX - 1, &value, 1, no_token), KT_ERR_LIMIT, "version-overflow");
  assert_int_equal(world_size(world), 3);
  world_end(world);
}

/* The writer's own bound is met in the middle of the response. */
static void s10_nothing_is_cut_off(void **state)
{
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  const struct kt_search_request request = { .label = TEXT("alice") };
  (void)state;
  auditor_keep_up(world);
  for (size_t room = 0; room < 400; room += 50) {
    struct kt_arena arena;
    struct kt_writer w;
    kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
    kt_writer_init(&w, room);
    assert_int_equal(kt_log_search(world->reader, &request, &arena, &w, &world->problem), KT_ERR_LIMIT);
    assert_string_equal(world->problem.code, "response-size");
    assert_int_equal(w.len, 0);
    kt_writer_release(&w);
    kt_arena_release(&arena);
  }
  world_end(world);
}

static void s10_over_a_bound_is_refused(void **state)
{
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  (void)state;
  auditor_keep_up(world);
  world_close(world);
  world->options.limits.response_max = 100;
  world_open(world);
  EXPECT(world, search_last(world, 2), KT_ERR_LIMIT, "response-size");
  world_end(world);
}

static void s14_only_the_account_key_publishes(void **state)
{
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  struct person *mallory = person_new(world, "alice", 66);
  struct person *elsewhere = person_new(world, "bob", 10);
  struct kt_bytes value;
  (void)state;
  value = person_set(world, alice, 1, false);
  EXPECT(world, update(world, "alice", true, 1, &value, 1, no_token), KT_ERR_DENIED, "unsigned-set");
  mallory->account = alice->account;
  value = person_set(world, mallory, 1, true);
  EXPECT(world, update(world, "alice", true, 1, &value, 1, no_token), KT_ERR_DENIED, "account-key");
  elsewhere->account = alice->account;
  value = person_set(world, elsewhere, 1, true);
  EXPECT(world, update(world, "alice", true, 1, &value, 1, no_token), KT_ERR_DENIED, "set-place");
  struct person *late = person_copy(world, alice);
  late->account.n_sets--;
  value = person_set(world, late, 1, true);
  EXPECT(world, update(world, "alice", true, 1, &value, 1, no_token), KT_ERR_CONFLICT, "set-chain");
  value = TEXT("not a set");
  EXPECT(world, update(world, "alice", true, 1, &value, 1, no_token), KT_ERR_USAGE, "set-format");
  value = person_set(world, elsewhere, 1, false);
  elsewhere->account = (struct kt_account_state){ 0 };
  EXPECT(world, update(world, "bob", false, 0, &value, 1, no_token), KT_ERR_DENIED, "unsigned-set");
  assert_int_equal(world_size(world), 3);
  world_end(world);
}

static void s14_registration_policy(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_bytes token = TEXT("token-1");
  struct kt_bytes wrong = TEXT("token-2");
  struct kt_hash hash;
  (void)state;
  world_close(world);
  world->options.registration = KT_REGISTRATION_TOKEN;
  world_open(world);
  kt_sha256(token.data, token.len, &hash);
  world_ok(world, kt_log_add_token(world->log, &hash, &world->problem));
  EXPECT(world, kt_log_add_token(world->log, &hash, &world->problem), KT_ERR_CONFLICT, "token-exists");
  struct kt_bytes value = person_set(world, alice, 1, true);
  EXPECT(world, update(world, "alice", false, 0, &value, 1, no_token), KT_ERR_DENIED, "registration-token");
  EXPECT(world, update(world, "alice", false, 0, &value, 1, wrong), KT_ERR_DENIED, "registration-token");
  assert_int_equal(world_size(world), 1);
  assert_int_equal(update(world, "alice", false, 0, &value, 1, token), KT_OK);
  struct kt_bytes bobs = person_set(world, bob, 1, true);
  EXPECT(world, update(world, "bob", false, 0, &bobs, 1, token), KT_ERR_DENIED, "registration-token"); /* used */
  person_logged(world, alice, value);
  value = person_set(world, alice, 2, true); /* an owner needs none */
  assert_int_equal(update(world, "alice", true, 0, &value, 1, no_token), KT_OK);
  world_close(world);
  world->options.registration = KT_REGISTRATION_CLOSED;
  world_open(world);
  EXPECT(world, update(world, "bob", false, 0, &bobs, 1, token), KT_ERR_DENIED, "registration-closed");
  world_end(world);
}

static enum kt_err prepare_claim(struct world *world, struct person *person, struct kt_bytes token)
{
  struct kt_log_pending *pending = NULL;
  struct kt_bytes value = person_set(world, person, 1, true);
  const struct kt_update_request request = { .label = person->label, .values = &value, .n_values = 1 };
  auditor_keep_up(world);
  enum kt_err err = kt_log_update_prepare(world->reader, &request, token, &pending, &world->problem);
  kt_log_pending_free(pending);
  return err;
}

/* A token nobody issued, or a used one, is refused before VRF proofs are made and before the queue. */
static void s14_bad_token_costs_nothing(void **state)
{
  struct world *world = world_start();
  struct person *alice = person_new(world, "alice", 10);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_bytes token = TEXT("token-1");
  struct kt_hash hash;
  (void)state;
  world_close(world);
  world->options.registration = KT_REGISTRATION_TOKEN;
  world_open(world);
  kt_sha256(token.data, token.len, &hash);
  world_ok(world, kt_log_add_token(world->log, &hash, &world->problem));
  EXPECT(world, prepare_claim(world, bob, TEXT("made up")), KT_ERR_DENIED, "registration-token");
  EXPECT(world, prepare_claim(world, bob, TEXT("")), KT_ERR_DENIED, "registration-token");
  assert_int_equal(prepare_claim(world, bob, token), KT_OK);
  assert_int_equal(prepare_claim(world, bob, token), KT_OK); /* preparing does not use it up */
  struct kt_bytes value = person_set(world, alice, 1, true);
  assert_int_equal(update(world, "alice", false, 0, &value, 1, token), KT_OK);
  EXPECT(world, prepare_claim(world, bob, token), KT_ERR_DENIED, "registration-token");
  person_logged(world, alice, value);
  value = person_set(world, alice, 1, true); /* what needs no token may carry any */
  assert_int_equal(update(world, "alice", true, 0, &value, 1, TEXT("made up")), KT_OK);
  world_end(world);
}

/* "access is decided from the principal and the label alone". Look-ups are open to all, whatever the registration
 * policy; an update that is not authorised is denied alike, whether the label exists (with another's key) or not,
 * with or without a token. */
static void s3_denied_whether_the_label_exists_or_not(void **state)
{
  static const enum kt_registration policies[] = { KT_REGISTRATION_TOKEN, KT_REGISTRATION_CLOSED };
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  struct person *mallory = person_new(world, "alice", 66);
  struct person *nobody = person_new(world, "nobody", 66);
  (void)state;
  mallory->account = alice->account;
  struct kt_bytes existing = person_set(world, mallory, 1, true);
  struct kt_bytes unknown = person_set(world, nobody, 1, true);
  for (size_t i = 0; i < 2; i++) {
    struct kt_contact_state contact = { 0 };
    struct kt_search_result *found = search_result_new(world);
    struct person *reader = person_new(world, "reader", 3);
    world_close(world);
    world->options.registration = policies[i];
    world_open(world);
    assert_int_equal(update(world, "alice", true, 1, &existing, 1, no_token), KT_ERR_DENIED);
    assert_int_equal(update(world, "nobody", false, 0, &unknown, 1, no_token), KT_ERR_DENIED);
    assert_int_equal(update(world, "alice", true, 1, &existing, 1, TEXT("made up")), KT_ERR_DENIED);
    assert_int_equal(update(world, "nobody", false, 0, &unknown, 1, TEXT("made up")), KT_ERR_DENIED);
    assert_int_equal(person_search(world, reader, TEXT("alice"), NULL, &contact, found), KT_OK);
    contact = (struct kt_contact_state){ 0 };
    assert_int_equal(person_search(world, reader, TEXT("nobody"), NULL, &contact, found), KT_ERR_ABSENT);
  }
  assert_int_equal(world_size(world), 3);
  world_end(world);
}

/* Bob looked alice up. Whatever happens to the log's policy and to alice's label since, he can monitor what he was
 * shown, and so can alice. */
static void s11_monitoring_is_never_denied(void **state)
{
  struct person *alice;
  struct world *world = world_with_recent_alice(&alice);
  struct person *bob = person_new(world, "bob", 11);
  struct kt_contact_state contact = { 0 };
  struct kt_search_result *found = search_result_new(world);
  struct kt_log_pending *pending;
  struct kt_log_outcome outcome;
  (void)state;
  assert_int_equal(person_search(world, bob, alice->label, NULL, &contact, found), KT_OK);
  assert_int_equal(contact.n_map, 1);
  world_close(world);
  world->options.registration = KT_REGISTRATION_CLOSED;
  world_open(world);
  person_contact(world, bob, alice->label, &contact);
  struct kt_bytes inserted = person_set(world, alice, 3, false); /* by the operator: the newest set is not alice's */
  world_ok(world, kt_log_operator_prepare(world->reader, alice->label, NULL, inserted, &pending, &world->problem));
  kt_log_insert(world->log, &pending, 1, &outcome);
  assert_true(outcome.inserted);
  person_contact(world, bob, alice->label, &contact);
  (void)person_monitor(world, alice);
  const uint32_t first = 0;
  struct kt_log_erased erased;
  world_ok(world, kt_log_erase(world->log, alice->label, &first, &erased, &world->problem));
  assert_int_equal(person_search(world, bob, alice->label, &first, &contact, found), KT_ERR_EXPIRED);
  assert_int_equal(contact.n_map, 1);
  person_contact(world, bob, alice->label, &contact);
  (void)person_monitor(world, alice);
  world_pass(world, WINDOW_MS);
  person_contact(world, bob, alice->label, &contact);
  assert_int_equal(contact.n_map, 0); /* reached a distinguished entry */
  world_end(world);
}

static void operator_needs_a_set_of_this_label(void **state)
{
  struct person *alice;
  struct world *world = world_with_alice(&alice);
  struct kt_log_pending *pending;
  (void)state;
  EXPECT(world, kt_log_operator_prepare(world->reader, TEXT("alice"), NULL, TEXT("junk"), &pending, &world->problem),
         KT_ERR_USAGE, "set-format");
  EXPECT(world,
         kt_log_operator_prepare(world->reader, TEXT("bob"), NULL, person_set(world, alice, 1, false), &pending,
                                 &world->problem),
         KT_ERR_USAGE, "set-place");
  world_end(world);
}

static void keys_of_another_configuration(void **state)
{
  struct world *world = world_new();
  (void)state;
  world->sign_key.secret[0] ^= 1;
  EXPECT(world, kt_log_create(&world->options, &world->problem), KT_ERR_UNSUPPORTED, "key");
  world->sign_key.secret[0] ^= 1;
  world->vrf_key.public_key[KT_VRF_PUBLIC_MAX - 2] ^= 1;
  EXPECT(world, kt_log_create(&world->options, &world->problem), KT_ERR_UNSUPPORTED, "key");
  kt_store_close(world->store);
  kt_arena_release(&world->arena);
  free(world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(s2_last),
    cmocka_unit_test(s4_monitoring_map),
    cmocka_unit_test(s5_start_distinguished_and_unexpired),
    cmocka_unit_test(s6_s7_owner_monitoring),
    cmocka_unit_test(s8_greatest_version_of_an_update),
    cmocka_unit_test(s9_limits),
    cmocka_unit_test(s9_version_overflow),
    cmocka_unit_test(s10_nothing_is_cut_off),
    cmocka_unit_test(s10_over_a_bound_is_refused),
    cmocka_unit_test(s14_only_the_account_key_publishes),
    cmocka_unit_test(s14_registration_policy),
    cmocka_unit_test(s3_denied_whether_the_label_exists_or_not),
    cmocka_unit_test(s4_map_that_contradicts_itself),
    cmocka_unit_test(a_full_monitoring_map_is_answered),
    cmocka_unit_test(s11_monitoring_is_never_denied),
    cmocka_unit_test(s14_bad_token_costs_nothing),
    cmocka_unit_test(operator_needs_a_set_of_this_label),
    cmocka_unit_test(keys_of_another_configuration),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
