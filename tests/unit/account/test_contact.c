/* SPDX-License-Identifier: Apache-2.0 */
/* Contact states and what a look-up makes of them. Keys are named by seeds: 1 the contact's, 2 the next one, 3 a
 * recovery key, 7 the operator's. */
#include <kt/contact_judge.h>

#include "accounts.h"

#include "base/hex.h"

#define BOB 1
#define NEXT 2
#define RECOVERY 3
#define OPERATOR 7

struct viewer {
  struct kt_arena *arena;
  struct kt_account_state chain; /* the log's side, to make sets that follow */
  struct kt_contact_knowledge known;
  bool has_last;
  struct kt_device_set last;
  struct kt_contact_verdict verdict;
  uint64_t now_ms;
};

/* Look the contact up and keep what the verdict says. */
static void look(struct viewer *viewer, struct kt_bytes value)
{
  struct kt_logged_value logged = {
    .log_id = test_log, .label = BYTES("alice"), .value = value, .version = viewer->chain.n_sets, .position = 9
  };
  viewer->now_ms += 10;
  viewer->known.last = viewer->has_last ? &viewer->last : NULL;
  assert_int_equal(kt_contact_judge(&viewer->known, &logged, viewer->now_ms, viewer->arena, &viewer->verdict), KT_OK);
  viewer->known.contact = viewer->verdict.contact;
  if (viewer->verdict.is_endorsed) {
    viewer->last = viewer->verdict.judgement.set;
    viewer->has_last = true;
    viewer->known.last_hash = viewer->verdict.judgement.value_hash;
  }
}

static struct kt_device_set next_set(struct viewer *viewer, const char *letters)
{
  return set_after(&viewer->chain, viewer->arena, letters);
}

/* Log a value and look. */
static void log_and_look(struct viewer *viewer, struct kt_bytes value)
{
  viewer->chain.n_sets++;
  kt_device_set_value_hash(value, &viewer->chain.latest);
  look(viewer, value);
}

static void look_at_signed(struct viewer *viewer, const char *letters, uint8_t signer)
{
  struct kt_device_set set = next_set(viewer, letters);
  log_and_look(viewer, signed_by(&set, signer, viewer->arena));
}

static void look_at_unsigned(struct viewer *viewer, const char *letters)
{
  struct kt_device_set set = next_set(viewer, letters);
  log_and_look(viewer, encoded(&set, viewer->arena));
}

static void assert_alert(const struct viewer *viewer, enum kt_alert_kind kind, bool is_note)
{
  assert_int_equal(viewer->verdict.n_alerts, 1);
  assert_int_equal(viewer->verdict.alerts[0].kind, kind);
  assert_int_equal(viewer->verdict.alerts[0].is_note, is_note);
  assert_int_equal(viewer->verdict.alerts[0].audience, KT_AUDIENCE_CONTACT);
}

static void assert_quiet(const struct viewer *viewer, bool is_endorsed)
{
  assert_int_equal(viewer->verdict.n_alerts, 0);
  assert_int_equal(viewer->verdict.is_endorsed, is_endorsed);
}

static void assert_pinned(const struct viewer *viewer, uint8_t n, enum kt_contact_standing contact_state)
{
  struct kt_account_key key = key_of(n);
  assert_true(viewer->known.contact.has_key);
  assert_memory_equal(&viewer->known.contact.key, &key, sizeof key);
  assert_int_equal(viewer->known.contact.state, contact_state);
}

static struct viewer viewer_of_bob(void **state)
{
  struct viewer viewer = { .arena = *state };
  look_at_signed(&viewer, "ab", BOB);
  return viewer;
}

static void verify(struct viewer *viewer)
{
  assert_int_equal(
      kt_contact_compared(&viewer->known.contact, KT_METHOD_SAFETY_NUMBER, true, 77, &viewer->known.contact), KT_OK);
}

static void test_first_sight_pins(void **state)
{
  struct viewer viewer = { .arena = *state };
  assert_null(kt_contact_current_key(&viewer.known.contact));
  look_at_signed(&viewer, "ab", BOB);
  assert_quiet(&viewer, true);
  assert_pinned(&viewer, BOB, KT_CONTACT_UNVERIFIED);
  assert_int_equal(viewer.known.contact.since_ms, 10);
  look(&viewer, encoded(&viewer.last, viewer.arena)); /* the same again */
  assert_quiet(&viewer, true);
  assert_int_equal(viewer.known.contact.since_ms, 10);
}

static void test_unsigned_first_look_up(void **state)
{
  struct viewer viewer = { .arena = *state };
  look_at_unsigned(&viewer, "ab");
  assert_alert(&viewer, KT_ALERT_UNSIGNED_SET, false);
  assert_false(viewer.verdict.is_endorsed);
  viewer.known.allow_unsigned = true;
  look_at_unsigned(&viewer, "ab");
  assert_quiet(&viewer, false);
  look_at_signed(&viewer, "ab", BOB);
  assert_quiet(&viewer, true);
  assert_pinned(&viewer, BOB, KT_CONTACT_UNVERIFIED);
  look_at_unsigned(&viewer, "ab"); /* "signed before and no longer", allowed or not */
  assert_alert(&viewer, KT_ALERT_UNSIGNED_SET, false);
  assert_pinned(&viewer, BOB, KT_CONTACT_UNVERIFIED);
}

static void test_added_device_is_a_note_or_an_alert(void **state)
{
  for (int strict = 0; strict < 2; strict++) {
    struct viewer viewer = viewer_of_bob(state);
    viewer.known.contact.policy = strict ? KT_CONTACT_STRICT : KT_CONTACT_NORMAL;
    look_at_signed(&viewer, "abc", BOB);
    assert_alert(&viewer, KT_ALERT_CONTACT_DEVICE_ADDED, !strict);
    assert_int_equal(viewer.verdict.alerts[0].device.b[0], 'c');
    assert_true(viewer.verdict.is_endorsed);
    look_at_signed(&viewer, "abc", BOB);
    assert_quiet(&viewer, true);
    look_at_signed(&viewer, "a", BOB); /* removals are the contact's business */
    assert_quiet(&viewer, true);
  }
}

static void test_replaced_keys_count_as_added(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  struct kt_device_set set = next_set(&viewer, "ab");
  struct kt_device devices[] = { set.devices[0], device_of(viewer.arena, 'b', '!') };
  set.devices = devices;
  log_and_look(&viewer, signed_by(&set, BOB, viewer.arena));
  assert_alert(&viewer, KT_ALERT_CONTACT_DEVICE_ADDED, true);
}

static void test_unendorsed_key(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  verify(&viewer);
  look_at_signed(&viewer, "abx", OPERATOR);
  assert_alert(&viewer, KT_ALERT_ACCOUNT_KEY_CHANGED, false);
  assert_false(viewer.verdict.is_endorsed);
  assert_pinned(&viewer, BOB, KT_CONTACT_CHANGED);
  uint64_t since_ms = viewer.known.contact.since_ms;
  struct kt_alert_id id = viewer.verdict.alerts[0].id;
  look_at_signed(&viewer, "ab", OPERATOR); /* the same cause, the same state */
  assert_memory_equal(&viewer.verdict.alerts[0].id, &id, sizeof id);
  assert_int_equal(viewer.known.contact.since_ms, since_ms);
  look_at_signed(&viewer, "ab", BOB); /* the contact answered: as before */
  assert_quiet(&viewer, true);
  assert_pinned(&viewer, BOB, KT_CONTACT_VERIFIED);
  assert_int_equal(viewer.known.contact.since_ms, 77);
  assert_int_equal(viewer.known.contact.method, KT_METHOD_SAFETY_NUMBER);
}

static void test_endorsed_rotation_keeps_the_state(void **state)
{
  for (int verified = 0; verified < 2; verified++) {
    struct viewer viewer = viewer_of_bob(state);
    if (verified) {
      verify(&viewer);
    }
    struct kt_device_set set = next_set(&viewer, "ab");
    endorse(&set, BOB, BOB, NEXT);
    log_and_look(&viewer, signed_by(&set, NEXT, viewer.arena));
    assert_alert(&viewer, KT_ALERT_ACCOUNT_KEY_CHANGED, true);
    assert_true(viewer.verdict.is_endorsed);
    assert_pinned(&viewer, NEXT, verified ? KT_CONTACT_VERIFIED : KT_CONTACT_UNVERIFIED);
    look_at_signed(&viewer, "ab", NEXT);
    assert_quiet(&viewer, true);
    look_at_signed(&viewer, "ab", BOB);
    assert_alert(&viewer, KT_ALERT_ACCOUNT_KEY_CHANGED, false);
  }
}

/* The contact rotated and came back; who holds the other key uses what vouched for it then, in a set of its own and in the
 * old one. */
static void test_old_endorsement_does_not_count_when_the_key_came_back(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  struct kt_device_set there = next_set(&viewer, "ab");
  endorse(&there, BOB, BOB, NEXT);
  struct kt_bytes old_value = signed_by(&there, NEXT, viewer.arena);
  log_and_look(&viewer, old_value);
  struct kt_device_set back = next_set(&viewer, "ab");
  endorse(&back, NEXT, NEXT, BOB);
  log_and_look(&viewer, signed_by(&back, BOB, viewer.arena));
  assert_pinned(&viewer, BOB, KT_CONTACT_UNVERIFIED);
  struct kt_device_set again = next_set(&viewer, "abx");
  again.has_endorsement = true;
  again.endorsement = there.endorsement;
  look(&viewer, signed_by(&again, NEXT, viewer.arena));
  assert_alert(&viewer, KT_ALERT_ACCOUNT_KEY_CHANGED, false);
  assert_pinned(&viewer, BOB, KT_CONTACT_CHANGED);
  look(&viewer, old_value);
  assert_alert(&viewer, KT_ALERT_VERSION_NOT_MINE, false);
  assert_false(viewer.verdict.is_endorsed);
}

static void test_rotation_by_a_listed_recovery_key_only(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  struct kt_device_set set = next_set(&viewer, "ab");
  endorse(&set, RECOVERY, BOB, NEXT);
  struct viewer without = viewer;
  log_and_look(&without, signed_by(&set, NEXT, viewer.arena));
  assert_alert(&without, KT_ALERT_ACCOUNT_KEY_CHANGED, false);

  struct kt_account_key recovery = key_of(RECOVERY);
  set = next_set(&viewer, "ab");
  set.recovery_keys = &recovery;
  set.n_recovery_keys = 1;
  log_and_look(&viewer, signed_by(&set, BOB, viewer.arena));
  set = next_set(&viewer, "ab");
  endorse(&set, RECOVERY, BOB, NEXT);
  log_and_look(&viewer, signed_by(&set, NEXT, viewer.arena));
  assert_alert(&viewer, KT_ALERT_ACCOUNT_KEY_CHANGED, true);
  assert_pinned(&viewer, NEXT, KT_CONTACT_UNVERIFIED);
}

static void test_unusable_values(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  look(&viewer, BYTES("garbage"));
  assert_alert(&viewer, KT_ALERT_UNSIGNED_SET, false);
  struct kt_device_set set = next_set(&viewer, "ab");
  set.label = BYTES("mallory");
  look(&viewer, signed_by(&set, BOB, viewer.arena));
  assert_alert(&viewer, KT_ALERT_UNSIGNED_SET, false);
  assert_false(viewer.verdict.is_endorsed);
  set = next_set(&viewer, "ab");
  (void)signed_by(&set, BOB, viewer.arena);
  set.signature[0] ^= 1;
  look(&viewer, encoded(&set, viewer.arena));
  assert_alert(&viewer, KT_ALERT_UNSIGNED_SET, false);
  assert_pinned(&viewer, BOB, KT_CONTACT_UNVERIFIED);
}

/* The operator logs an old list of the contact's again, so that a removed device is back. */
static void test_replayed_list_does_not_count(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  struct kt_bytes old = encoded(&viewer.last, viewer.arena);
  look_at_signed(&viewer, "a", BOB);
  log_and_look(&viewer, old);
  assert_alert(&viewer, KT_ALERT_VERSION_NOT_MINE, false);
  assert_false(viewer.verdict.is_endorsed);
  assert_int_equal(viewer.last.n_devices, 1);
  struct kt_device_set same_seq = viewer.last; /* another list with the seq of the newest one */
  set_devices(&same_seq, viewer.arena, "ab");
  look(&viewer, signed_by(&same_seq, BOB, viewer.arena));
  assert_alert(&viewer, KT_ALERT_VERSION_NOT_MINE, false);
  look_at_signed(&viewer, "a", BOB);
  assert_quiet(&viewer, true);
}

/* --- transitions ----------------------------------------------------------------------------------------------- */

static void fingerprint_of(uint8_t n, char *ret_hex)
{
  struct kt_account_key key = key_of(n);
  struct kt_hash fingerprint;
  kt_account_key_fingerprint(&key, &fingerprint);
  kt_hex_encode((struct kt_bytes){ fingerprint.b, sizeof fingerprint.b }, ret_hex);
}

/* The operator's set came first and was pinned; then the person compared codes with the real contact. What the
 * operator's set listed and counted means nothing from then on. */
static struct viewer viewer_set_right(void **state, uint32_t operators_seq)
{
  struct viewer viewer = { .arena = *state };
  struct kt_account_key recovery = key_of(RECOVERY);
  struct kt_device_set set = next_set(&viewer, "x");
  set.seq = operators_seq;
  set.recovery_keys = &recovery;
  set.n_recovery_keys = 1;
  log_and_look(&viewer, signed_by(&set, OPERATOR, viewer.arena));
  look_at_signed(&viewer, "ab", BOB);
  assert_alert(&viewer, KT_ALERT_ACCOUNT_KEY_CHANGED, false);
  verify(&viewer);
  assert_pinned(&viewer, BOB, KT_CONTACT_VERIFIED);
  return viewer;
}

static void test_recovery_keys_end_with_the_key_that_listed_them(void **state)
{
  struct viewer viewer = viewer_set_right(state, 0);
  struct kt_device_set set = next_set(&viewer, "x");
  endorse(&set, RECOVERY, BOB, NEXT);
  log_and_look(&viewer, signed_by(&set, NEXT, viewer.arena));
  assert_alert(&viewer, KT_ALERT_ACCOUNT_KEY_CHANGED, false);
  assert_false(viewer.verdict.is_endorsed);
  assert_pinned(&viewer, BOB, KT_CONTACT_CHANGED);
}

static void test_counting_ends_with_the_key_that_counted(void **state)
{
  struct viewer viewer = viewer_set_right(state, UINT32_MAX);
  look_at_signed(&viewer, "x", BOB);
  assert_quiet(&viewer, true);
  assert_pinned(&viewer, BOB, KT_CONTACT_VERIFIED);
}

static void test_trust_by_fingerprint(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  struct kt_contact *contact = &viewer.known.contact;
  char bobs[KT_HEX_SIZE(KT_HASH_LEN)];
  char operators[KT_HEX_SIZE(KT_HASH_LEN)];
  fingerprint_of(BOB, bobs);
  fingerprint_of(OPERATOR, operators);
  struct kt_contact never = { 0 };
  assert_int_equal(kt_contact_trust(&never, bobs, 50, &never), KT_ERR_ABSENT);
  assert_int_equal(kt_contact_trust(contact, operators, 50, contact), KT_ERR_PROOF);
  assert_int_equal(kt_contact_trust(contact, "192a5d67", 50, contact), KT_ERR_USAGE);
  assert_int_equal(kt_contact_trust(contact, "bob", 50, contact), KT_ERR_USAGE);
  assert_pinned(&viewer, BOB, KT_CONTACT_UNVERIFIED);
  assert_int_equal(kt_contact_trust(contact, bobs, 50, contact), KT_OK);
  assert_pinned(&viewer, BOB, KT_CONTACT_VERIFIED);
  assert_int_equal(contact->method, KT_METHOD_FINGERPRINT);
  assert_int_equal(contact->verified_ms, 50);
  assert_int_equal(contact->since_ms, 50);

  look_at_signed(&viewer, "ab", OPERATOR);
  assert_int_equal(kt_contact_trust(contact, bobs, 60, contact), KT_ERR_PROOF); /* not what the log shows */
  assert_pinned(&viewer, BOB, KT_CONTACT_CHANGED);
  assert_int_equal(kt_contact_trust(contact, operators, 60, contact), KT_OK);
  assert_pinned(&viewer, OPERATOR, KT_CONTACT_VERIFIED);
}

static void test_comparison_outcomes(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  struct kt_contact *contact = &viewer.known.contact;
  struct kt_contact never = { 0 };
  contact->policy = KT_CONTACT_STRICT;
  assert_int_equal(kt_contact_compared(&never, KT_METHOD_SAS, true, 1, &never), KT_ERR_ABSENT);
  assert_int_equal(kt_contact_compared(contact, KT_METHOD_QR, false, 20, contact), KT_OK);
  assert_pinned(&viewer, BOB, KT_CONTACT_CHANGED);
  assert_int_equal(contact->since_ms, 20);
  assert_int_equal(kt_contact_compared(contact, KT_METHOD_QR, false, 25, contact), KT_OK);
  assert_int_equal(contact->since_ms, 20); /* the first one counts */
  assert_int_equal(kt_contact_compared(contact, KT_METHOD_QR, true, 30, contact), KT_OK);
  assert_pinned(&viewer, BOB, KT_CONTACT_VERIFIED);
  assert_int_equal(contact->method, KT_METHOD_QR);
  assert_int_equal(kt_contact_compared(contact, KT_METHOD_SAS, false, 40, contact), KT_OK);
  assert_pinned(&viewer, BOB, KT_CONTACT_CHANGED);
  assert_int_equal(contact->method, KT_METHOD_NONE);
  assert_int_equal(contact->verified_ms, 0);

  look_at_signed(&viewer, "ab", OPERATOR);
  assert_int_equal(kt_contact_compared(contact, KT_METHOD_SAS, false, 50, contact), KT_OK);
  assert_pinned(&viewer, BOB, KT_CONTACT_CHANGED);
  assert_int_equal(kt_contact_compared(contact, KT_METHOD_SAS, true, 60, contact), KT_OK);
  assert_pinned(&viewer, OPERATOR, KT_CONTACT_VERIFIED);
  assert_int_equal(contact->policy, KT_CONTACT_STRICT); /* the policy is the user's and stays */
}

/* The log goes on showing the key that a comparison spoke against: that settles nothing, nor does taking a trust back,
 * nor a successor which that key endorses. */
static void test_mismatch_lasts_until_a_match(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  struct kt_contact *contact = &viewer.known.contact;
  char bobs[KT_HEX_SIZE(KT_HASH_LEN)];
  fingerprint_of(BOB, bobs);
  verify(&viewer);
  assert_int_equal(kt_contact_compared(contact, KT_METHOD_QR, false, 80, contact), KT_OK);
  look_at_signed(&viewer, "ab", BOB);
  assert_pinned(&viewer, BOB, KT_CONTACT_CHANGED);
  assert_int_equal(contact->since_ms, 80);
  assert_int_equal(kt_contact_untrust(contact, 90, contact), KT_OK);
  assert_pinned(&viewer, BOB, KT_CONTACT_CHANGED);
  struct viewer trusting = viewer;
  assert_int_equal(kt_contact_trust(contact, bobs, 95, &trusting.known.contact), KT_OK);
  assert_pinned(&trusting, BOB, KT_CONTACT_VERIFIED);
  struct viewer matching = viewer;
  verify(&matching);
  assert_pinned(&matching, BOB, KT_CONTACT_VERIFIED);

  struct kt_device_set set = next_set(&viewer, "ab");
  endorse(&set, BOB, BOB, NEXT);
  log_and_look(&viewer, signed_by(&set, NEXT, viewer.arena));
  assert_pinned(&viewer, NEXT, KT_CONTACT_CHANGED);
  verify(&viewer);
  assert_pinned(&viewer, NEXT, KT_CONTACT_VERIFIED);
}

static void test_untrust(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  struct kt_contact *contact = &viewer.known.contact;
  struct kt_contact never = { 0 };
  assert_int_equal(kt_contact_untrust(&never, 90, &never), KT_ERR_ABSENT);
  verify(&viewer);
  assert_int_equal(kt_contact_untrust(contact, 90, contact), KT_OK);
  assert_pinned(&viewer, BOB, KT_CONTACT_UNVERIFIED);
  assert_int_equal(contact->method, KT_METHOD_NONE);
}

/* Only trust by fingerprint, or codes that match, accept a key that nobody endorsed. */
static void test_untrust_does_not_accept_a_changed_key(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  struct kt_contact *contact = &viewer.known.contact;
  char operators[KT_HEX_SIZE(KT_HASH_LEN)];
  fingerprint_of(OPERATOR, operators);
  verify(&viewer);
  look_at_signed(&viewer, "ab", OPERATOR);
  uint64_t since_ms = contact->since_ms;
  assert_int_equal(kt_contact_untrust(contact, 90, contact), KT_OK);
  assert_pinned(&viewer, BOB, KT_CONTACT_CHANGED);
  assert_int_equal(contact->since_ms, since_ms);
  look_at_signed(&viewer, "ab", OPERATOR); /* still an alert, still not to be encrypted to */
  assert_alert(&viewer, KT_ALERT_ACCOUNT_KEY_CHANGED, false);
  assert_false(viewer.verdict.is_endorsed);
  struct viewer trusting = viewer;
  assert_int_equal(kt_contact_trust(contact, operators, 95, &trusting.known.contact), KT_OK);
  assert_pinned(&trusting, OPERATOR, KT_CONTACT_VERIFIED);
  look_at_signed(&viewer, "ab", BOB); /* the pinned key again, its verification taken back */
  assert_quiet(&viewer, true);
  assert_pinned(&viewer, BOB, KT_CONTACT_UNVERIFIED);
  assert_int_equal(contact->method, KT_METHOD_NONE);
}

static void test_too_little_memory(void **state)
{
  struct viewer viewer = viewer_of_bob(state);
  struct kt_device_set set = next_set(&viewer, "abc");
  struct kt_logged_value logged = { .log_id = test_log, .label = BYTES("alice") };
  logged.value = signed_by(&set, BOB, viewer.arena);
  viewer.known.last = &viewer.last;
  enum kt_err err = KT_ERR_MEMORY;
  for (size_t cap = 0; err != KT_OK; cap += 16) {
    struct kt_arena small;
    struct kt_contact_verdict verdict = { .n_alerts = 99 };
    kt_arena_init(&small, cap);
    err = kt_contact_judge(&viewer.known, &logged, 1, &small, &verdict);
    assert_int_equal(verdict.n_alerts, err == KT_OK ? 1 : 99);
    assert_true(err == KT_OK || err == KT_ERR_MEMORY);
    kt_arena_release(&small);
  }
}

static void test_names(void **state)
{
  (void)state;
  enum kt_contact_policy policy = KT_CONTACT_NORMAL;
  assert_int_equal(kt_contact_policy_from_name("strict", &policy), KT_OK);
  assert_string_equal(kt_contact_policy_name(policy), "strict");
  assert_int_equal(kt_contact_policy_from_name("normal", &policy), KT_OK);
  assert_string_equal(kt_contact_policy_name(policy), "normal");
  assert_int_equal(kt_contact_policy_from_name("lax", &policy), KT_ERR_USAGE);
  assert_string_equal(kt_contact_state_name(KT_CONTACT_CHANGED), "changed");
  assert_string_equal(kt_contact_method_name(KT_METHOD_SAFETY_NUMBER), "safety-number");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(test_first_sight_pins),
    account_test(test_unsigned_first_look_up),
    account_test(test_added_device_is_a_note_or_an_alert),
    account_test(test_replaced_keys_count_as_added),
    account_test(test_unendorsed_key),
    account_test(test_endorsed_rotation_keeps_the_state),
    account_test(test_old_endorsement_does_not_count_when_the_key_came_back),
    account_test(test_rotation_by_a_listed_recovery_key_only),
    account_test(test_unusable_values),
    account_test(test_replayed_list_does_not_count),
    account_test(test_recovery_keys_end_with_the_key_that_listed_them),
    account_test(test_counting_ends_with_the_key_that_counted),
    account_test(test_trust_by_fingerprint),
    account_test(test_comparison_outcomes),
    account_test(test_mismatch_lasts_until_a_match),
    account_test(test_untrust),
    account_test(test_untrust_does_not_accept_a_changed_key),
    account_test(test_too_little_memory),
    account_test(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
