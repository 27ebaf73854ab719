/* SPDX-License-Identifier: Apache-2.0 */
/* Every alert of an owner is raised by the behaviour it names and not by its neighbours (R33, R37). Keys are named by
 * seeds: 1 the owner's, 2 the next one, 7 the operator's. */
#include <kt/owner_judge.h>

#include "accounts.h"

#define OWNER 1
#define NEXT 2
#define OPERATOR 7

struct owner {
  struct kt_arena *arena;
  struct kt_owner_knowledge known;
  struct kt_hash own[8];
  struct kt_approved_device approved[8];
  struct kt_device_set previous;
  struct kt_owner_verdict verdict;
  uint32_t version;
};

static void approve(struct owner *owner, const char *letters)
{
  owner->known.n_approved = 0;
  owner->known.approved = owner->approved;
  for (size_t i = 0; letters[i] != '\0'; i++) {
    struct kt_device device = device_of(owner->arena, (uint8_t)letters[i], (uint8_t)letters[i]);
    struct kt_approved_device *approved = &owner->approved[owner->known.n_approved++];
    approved->id = device.id;
    assert_int_equal(kt_device_keys_hash(&device, &approved->keys), KT_OK);
  }
}

static void publishing(struct owner *owner, struct kt_bytes value)
{
  owner->known.own_values = owner->own;
  kt_device_set_value_hash(value, &owner->own[owner->known.n_own_values++]);
}

/* Judge a value as the next version, without taking it in. */
static void look(struct owner *owner, struct kt_bytes value)
{
  struct kt_logged_value logged = { .log_id = test_log,
                                    .label = BYTES("alice"),
                                    .value = value,
                                    .version = owner->version,
                                    .position = 100 + owner->version,
                                    .time_ms = 5000 };
  assert_int_equal(kt_owner_judge(&owner->known, &logged, owner->arena, &owner->verdict), KT_OK);
}

static void take_in(struct owner *owner, struct kt_bytes value)
{
  look(owner, value);
  owner->known.state = owner->verdict.judgement.next;
  owner->known.has_key = owner->verdict.has_key;
  owner->known.key = owner->verdict.key;
  if (owner->verdict.judgement.has_set) {
    owner->previous = owner->verdict.judgement.set;
    owner->known.previous = &owner->previous;
  }
  owner->version++;
}

/* An owner with devices a and b, approved, published at version 0. */
static struct owner *owner_new(void **state)
{
  static struct owner owner;
  owner = (struct owner){ .arena = *state };
  approve(&owner, "ab");
  struct kt_device_set set = set_after(&owner.known.state, owner.arena, "ab");
  struct kt_bytes value = signed_by(&set, OWNER, owner.arena);
  publishing(&owner, value);
  take_in(&owner, value);
  assert_int_equal(owner.verdict.n_alerts, 0);
  return &owner;
}

static struct kt_device_set next_set(struct owner *owner, const char *letters)
{
  return set_after(&owner->known.state, owner->arena, letters);
}

/* Exactly these kinds were raised, each with where it was seen. */
static void assert_alerts(const struct owner *owner, unsigned expected)
{
  unsigned raised = 0;
  for (size_t i = 0; i < owner->verdict.n_alerts; i++) {
    const struct kt_alert *alert = &owner->verdict.alerts[i];
    assert_false(alert->is_note);
    assert_int_equal(alert->audience, KT_AUDIENCE_OWNER);
    assert_true(alert->has_version);
    assert_int_equal(alert->position, 100 + alert->version);
    assert_int_equal(alert->time_ms, 5000);
    raised |= 1u << alert->kind;
  }
  assert_int_equal(raised, expected);
}

#define UNKNOWN (1u << KT_ALERT_UNKNOWN_DEVICE)
#define NOT_MINE (1u << KT_ALERT_VERSION_NOT_MINE)
#define REMOVED (1u << KT_ALERT_DEVICE_REMOVED)
#define KEY_CHANGED (1u << KT_ALERT_ACCOUNT_KEY_CHANGED)
#define UNSIGNED (1u << KT_ALERT_UNSIGNED_SET)

static void test_own_changes_are_silent(void **state)
{
  struct owner *owner = owner_new(state);
  approve(owner, "abc");
  struct kt_device_set set = next_set(owner, "abc");
  struct kt_bytes value = signed_by(&set, OWNER, owner->arena);
  publishing(owner, value);
  take_in(owner, value);
  assert_true(owner->verdict.is_mine);
  assert_alerts(owner, 0);
  approve(owner, "a"); /* the owner's own removal of two */
  set = next_set(owner, "a");
  value = signed_by(&set, OWNER, owner->arena);
  publishing(owner, value);
  take_in(owner, value);
  assert_alerts(owner, 0);
}

static void test_R37_unknown_device_signed_with_the_owners_key(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "abx");
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, UNKNOWN | NOT_MINE);
  assert_int_equal(owner->verdict.n_alerts, 2);
  const struct kt_alert *alert = &owner->verdict.alerts[0];
  assert_int_equal(alert->device.b[0], 'x');
  assert_memory_equal(alert->device_name.data, "device", 6);
  assert_int_equal(alert->version, 1);
  assert_null(alert->detail);
  assert_false(alert->by_account_key);
  assert_true(owner->verdict.alerts[1].by_account_key);
}

static void test_hidden_device_of_the_operator(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "abx");
  look(owner, encoded(&set, owner->arena));
  assert_alerts(owner, UNKNOWN | NOT_MINE | UNSIGNED);
  for (size_t i = 0; i < owner->verdict.n_alerts; i++) {
    assert_false(owner->verdict.alerts[i].by_account_key);
  }
}

static void test_replaced_keys_under_an_old_id(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "ab");
  struct kt_device devices[] = { device_of(owner->arena, 'a', 'a'), device_of(owner->arena, 'b', '!') };
  set.devices = devices;
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, UNKNOWN | NOT_MINE); /* not device-removed */
  assert_int_equal(owner->verdict.alerts[0].device.b[0], 'b');
  assert_non_null(owner->verdict.alerts[0].detail);
  /* Of a device that was there before, with the same keys, nothing of the kind is said. */
  set = next_set(owner, "ab");
  approve(owner, "a");
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_int_equal(owner->verdict.alerts[0].device.b[0], 'b');
  assert_null(owner->verdict.alerts[0].detail);
}

static void test_known_keys_under_a_new_id(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "abx");
  struct kt_device devices[] = { set.devices[0], set.devices[1], device_of(owner->arena, 'x', 'b') };
  set.devices = devices;
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, UNKNOWN | NOT_MINE);
}

/* R33: a version nobody of ours made, which adds nothing: the same devices, or another name for one. */
static void test_R33_version_not_mine_alone(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "ab");
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, NOT_MINE);
  struct kt_device devices[] = { set.devices[0], set.devices[1] };
  devices[0].name = BYTES("renamed");
  set.devices = devices;
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, NOT_MINE);
}

static void test_own_old_value_logged_again_is_not_mine(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "ab");
  struct kt_bytes value = signed_by(&set, OWNER, owner->arena);
  publishing(owner, value);
  take_in(owner, value);
  assert_alerts(owner, 0);
  look(owner, value);
  assert_int_equal(owner->verdict.judgement.set_class, KT_SET_OUT_OF_CHAIN);
  assert_alerts(owner, NOT_MINE);
}

static void test_device_removed(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "a");
  struct kt_bytes value = signed_by(&set, OWNER, owner->arena);
  look(owner, value);
  assert_alerts(owner, NOT_MINE | REMOVED);
  assert_int_equal(owner->verdict.alerts[1].device.b[0], 'b');
  approve(owner, "a"); /* one the owner did not approve (any more) is not missed */
  look(owner, value);
  assert_alerts(owner, NOT_MINE);
  approve(owner, "ab");
  take_in(owner, value);
  set = next_set(owner, "a"); /* gone before: not raised again */
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, NOT_MINE);
}

static void test_account_key_changed(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "ab");
  look(owner, signed_by(&set, OPERATOR, owner->arena));
  assert_alerts(owner, NOT_MINE | KEY_CHANGED);
  take_in(owner, signed_by(&set, OPERATOR, owner->arena));
  set = next_set(owner, "ab"); /* the operator's key goes on: still not endorsed, the same cause */
  struct kt_alert_id first = owner->verdict.alerts[1].id;
  look(owner, signed_by(&set, OPERATOR, owner->arena));
  assert_alerts(owner, NOT_MINE | KEY_CHANGED);
  assert_memory_equal(&owner->verdict.alerts[1].id, &first, sizeof first);
}

/* The log may follow the operator's key; the owner does not. */
static void test_operator_key_taking_over_keeps_alerting(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_account_key own = key_of(OWNER);
  for (int i = 0; i < 3; i++) {
    struct kt_device_set set = next_set(owner, "ab");
    take_in(owner, signed_by(&set, OPERATOR, owner->arena));
    assert_alerts(owner, NOT_MINE | KEY_CHANGED);
    assert_memory_equal(&owner->known.key, &own, sizeof own);
    assert_false(owner->verdict.alerts[0].by_account_key);
  }
  assert_int_equal(owner->verdict.judgement.set_class, KT_SET_BY_KEY);
  assert_non_null(strstr(owner->verdict.alerts[1].detail, "taken over"));
  /* What the operator's key endorses is not what ours endorsed. */
  struct kt_device_set set = next_set(owner, "ab");
  endorse(&set, OPERATOR, OPERATOR, NEXT);
  take_in(owner, signed_by(&set, NEXT, owner->arena));
  assert_int_equal(owner->verdict.judgement.set_class, KT_SET_BY_SUCCESSOR);
  assert_alerts(owner, NOT_MINE | KEY_CHANGED);
  assert_false(owner->verdict.alerts[0].key_replaced);
  assert_non_null(strstr(owner->verdict.alerts[0].detail, "did not endorse"));
}

/* Somebody claims a label whose owner has a key but has not published yet. */
static void test_label_claimed_by_somebody_else(void **state)
{
  struct owner owner = { .arena = *state };
  owner.known.has_key = true;
  owner.known.key = key_of(OWNER);
  approve(&owner, "ab");
  struct kt_device_set set = next_set(&owner, "ab");
  look(&owner, signed_by(&set, NEXT, owner.arena));
  assert_alerts(&owner, NOT_MINE | KEY_CHANGED);
}

/* A watched label: its first key is the one to stand by, and its own rotations are followed. */
static void test_watched_label_follows_endorsed_rotations(void **state)
{
  struct owner owner = { .arena = *state };
  approve(&owner, "ab");
  struct kt_device_set set = next_set(&owner, "ab");
  take_in(&owner, signed_by(&set, OWNER, owner.arena));
  assert_alerts(&owner, NOT_MINE);
  set = next_set(&owner, "ab");
  endorse(&set, OWNER, OWNER, NEXT);
  take_in(&owner, signed_by(&set, NEXT, owner.arena));
  assert_alerts(&owner, NOT_MINE);
  set = next_set(&owner, "ab");
  take_in(&owner, signed_by(&set, NEXT, owner.arena));
  assert_alerts(&owner, NOT_MINE);
}

static void test_endorsed_rotation_is_no_key_change(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "ab");
  endorse(&set, OWNER, OWNER, NEXT);
  struct kt_bytes value = signed_by(&set, NEXT, owner->arena);
  look(owner, value);
  assert_alerts(owner, NOT_MINE);
  publishing(owner, value);
  look(owner, value);
  assert_alerts(owner, 0);
}

/* The version-not-mine alert of the last look. */
static const struct kt_alert *not_mine(const struct owner *owner)
{
  size_t i = 0;
  while (i < owner->verdict.n_alerts && owner->verdict.alerts[i].kind != KT_ALERT_VERSION_NOT_MINE) {
    i++;
  }
  assert_true(i < owner->verdict.n_alerts);
  return &owner->verdict.alerts[i];
}

/* A thief replaces the key and goes on: what they sign then is not signed with a key of this client. */
static void test_takeover_is_told_as_one(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "ab");
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_false(not_mine(owner)->key_replaced);
  assert_non_null(strstr(not_mine(owner)->detail, "with your account key"));
  endorse(&set, OWNER, OWNER, NEXT);
  take_in(owner, signed_by(&set, NEXT, owner->arena));
  assert_true(not_mine(owner)->key_replaced);
  owner->known.lacks_key = true;
  set = next_set(owner, "abx");
  take_in(owner, signed_by(&set, NEXT, owner->arena));
  assert_true(not_mine(owner)->key_replaced);
  assert_null(strstr(not_mine(owner)->detail, "with your account key"));
  owner->known.lacks_key = false; /* brought here */
  set = next_set(owner, "ab");
  look(owner, signed_by(&set, NEXT, owner->arena));
  assert_false(not_mine(owner)->key_replaced);
}

static void test_operator_names_a_key(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_account_key key = key_of(OPERATOR);
  struct kt_set_extension extension = { KT_SET_EXTENSION_OPERATOR_KEY, { key.b, sizeof key.b } };
  struct kt_device_set set = next_set(owner, "ab");
  set.extensions = &extension;
  set.n_extensions = 1;
  take_in(owner, encoded(&set, owner->arena));
  assert_alerts(owner, NOT_MINE | UNSIGNED | KEY_CHANGED);
  /* When the owner asked for it and publishes with the new key, that is the owner's doing. */
  set = next_set(owner, "ab");
  struct kt_bytes value = signed_by(&set, OPERATOR, owner->arena);
  publishing(owner, value);
  look(owner, value);
  assert_alerts(owner, 0);
}

static void test_unsigned_set(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "ab");
  owner->known.allow_unsigned = true; /* does not matter once there was a key */
  look(owner, encoded(&set, owner->arena));
  assert_alerts(owner, NOT_MINE | UNSIGNED);
}

static void test_unsigned_first_set(void **state)
{
  struct owner owner = { .arena = *state };
  approve(&owner, "ab");
  struct kt_device_set set = next_set(&owner, "ab");
  look(&owner, encoded(&set, owner.arena));
  assert_alerts(&owner, NOT_MINE | UNSIGNED);
  owner.known.allow_unsigned = true;
  look(&owner, encoded(&set, owner.arena));
  assert_alerts(&owner, NOT_MINE);
}

static void test_unreadable_and_misplaced_values(void **state)
{
  struct owner *owner = owner_new(state);
  look(owner, BYTES("garbage"));
  assert_alerts(owner, NOT_MINE | UNSIGNED | REMOVED);
  assert_int_equal(owner->verdict.n_alerts, 4);
  struct kt_device_set set = next_set(owner, "abx");
  set.label = BYTES("mallory");
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, NOT_MINE | UNSIGNED | UNKNOWN);
  set = next_set(owner, "ab");
  (void)signed_by(&set, OWNER, owner->arena);
  set.signature[5] ^= 1;
  look(owner, encoded(&set, owner->arena));
  assert_alerts(owner, NOT_MINE | UNSIGNED);
}

static void test_approved_beforehand_by_fingerprint(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "abx");
  struct kt_hash fingerprint;
  assert_int_equal(kt_device_key_fingerprint(&set.devices[2].keys[0], &fingerprint), KT_OK);
  owner->known.approved_keys = &fingerprint;
  owner->known.n_approved_keys = 1;
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, 0);
  /* One approved key does not let another in. */
  struct kt_device_key keys[] = { set.devices[2].keys[0], { KT_KEY_RAW, BYTES("smuggled") } };
  struct kt_device devices[] = { set.devices[0], set.devices[1], set.devices[2] };
  devices[2].keys = keys;
  devices[2].n_keys = 2;
  set.devices = devices;
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, NOT_MINE | UNKNOWN);
}

/* A device that stays is one cause, however many versions it is in; another device and another version are others. */
static void test_causes(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "abx");
  take_in(owner, encoded(&set, owner->arena));
  struct kt_alert_id device = owner->verdict.alerts[0].id;
  struct kt_alert_id version = owner->verdict.alerts[1].id;
  set = next_set(owner, "abx");
  look(owner, encoded(&set, owner->arena));
  assert_memory_equal(&owner->verdict.alerts[0].id, &device, sizeof device);
  assert_memory_not_equal(&owner->verdict.alerts[1].id, &version, sizeof version);
  set = next_set(owner, "aby");
  look(owner, encoded(&set, owner->arena));
  assert_memory_not_equal(&owner->verdict.alerts[0].id, &device, sizeof device);
}

/* Without memory a value is not judged at all: least of all as malformed. */
static void test_too_little_memory(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device_set set = next_set(owner, "abx");
  struct kt_logged_value logged = { .log_id = test_log, .label = BYTES("alice"), .version = 1 };
  logged.value = encoded(&set, owner->arena);
  enum kt_err err = KT_ERR_MEMORY;
  size_t failures = 0;
  for (size_t cap = 0; err != KT_OK; cap += 16) {
    struct kt_arena small;
    struct kt_owner_verdict verdict = { .n_alerts = 99 };
    kt_arena_init(&small, cap);
    err = kt_owner_judge(&owner->known, &logged, &small, &verdict);
    if (err != KT_OK) {
      assert_int_equal(err, KT_ERR_MEMORY);
      assert_int_equal(verdict.n_alerts, 99);
      failures++;
    }
    kt_arena_release(&small);
  }
  assert_true(failures > 5);
}

/* Another client of the owner's does what was approved here beforehand, and nothing else: no alert. */
static void test_expected_version_of_another_client(void **state)
{
  struct owner *owner = owner_new(state);
  struct kt_device planned = device_of(owner->arena, 'c', 'c');
  struct kt_hash fingerprint;
  assert_int_equal(kt_device_key_fingerprint(&planned.keys[0], &fingerprint), KT_OK);
  owner->known.approved_keys = &fingerprint;
  owner->known.n_approved_keys = 1;
  struct kt_device_set set = next_set(owner, "abc");
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, 0);
  assert_true(owner->verdict.is_expected && !owner->verdict.is_mine);
  set = next_set(owner, "abcd"); /* one more */
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, UNKNOWN | NOT_MINE);
  set = next_set(owner, "ac"); /* one less */
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, NOT_MINE | REMOVED);
  set = next_set(owner, "ab"); /* no device, so nothing that was approved */
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, NOT_MINE);
  set = next_set(owner, "abc"); /* the operator's doing */
  look(owner, encoded(&set, owner->arena));
  assert_alerts(owner, NOT_MINE | UNSIGNED);
  set = next_set(owner, "abc"); /* under a new account key */
  endorse(&set, OWNER, OWNER, NEXT);
  look(owner, signed_by(&set, NEXT, owner->arena));
  assert_alerts(owner, NOT_MINE);
  assert_non_null(strstr(owner->verdict.alerts[0].detail, "your old one endorsed"));
}

static void test_expected_version_changes_nothing_else(void **state)
{
  struct owner *owner = owner_new(state);
  approve(owner, "abc");
  struct kt_account_key recovery = key_of(9);
  struct kt_device_set set = next_set(owner, "abc");
  set.recovery_keys = &recovery;
  set.n_recovery_keys = 1;
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, NOT_MINE);
  assert_non_null(strstr(owner->verdict.alerts[0].detail, "recovery keys"));
  set = next_set(owner, "abc");
  struct kt_device renamed[] = { set.devices[0], set.devices[1], set.devices[2] };
  renamed[0].name = BYTES("another name");
  set.devices = renamed;
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_alerts(owner, NOT_MINE);
  set = next_set(owner, "abc");
  look(owner, signed_by(&set, OWNER, owner->arena));
  assert_true(owner->verdict.is_expected);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(test_own_changes_are_silent),
    account_test(test_R37_unknown_device_signed_with_the_owners_key),
    account_test(test_hidden_device_of_the_operator),
    account_test(test_replaced_keys_under_an_old_id),
    account_test(test_known_keys_under_a_new_id),
    account_test(test_R33_version_not_mine_alone),
    account_test(test_own_old_value_logged_again_is_not_mine),
    account_test(test_device_removed),
    account_test(test_account_key_changed),
    account_test(test_operator_key_taking_over_keeps_alerting),
    account_test(test_label_claimed_by_somebody_else),
    account_test(test_watched_label_follows_endorsed_rotations),
    account_test(test_endorsed_rotation_is_no_key_change),
    account_test(test_takeover_is_told_as_one),
    account_test(test_operator_names_a_key),
    account_test(test_unsigned_set),
    account_test(test_unsigned_first_set),
    account_test(test_unreadable_and_misplaced_values),
    account_test(test_approved_beforehand_by_fingerprint),
    account_test(test_expected_version_of_another_client),
    account_test(test_expected_version_changes_nothing_else),
    account_test(test_causes),
    account_test(test_too_little_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
