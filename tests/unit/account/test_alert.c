/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/ledger.h>

#include "accounts.h"

#include "base/hex.h"

/* The table of alerts, as published: kind and exit code. */
static const struct {
  const char *name;
  int exit_code;
} table[KT_ALERT_KINDS] = {
  { "unknown-device", 4 }, { "version-not-mine", 4 },     { "device-removed", 4 },  { "account-key-changed", 4 },
  { "unsigned-set", 4 },   { "contact-device-added", 4 }, { "code-mismatch", 4 },   { "fork", 1 },
  { "rollback", 1 },       { "monitor-blind", 3 },        { "auditor-missing", 3 }, { "credential-unconfirmed", 4 },
  { "test", 0 },
};

static void test_names_and_exit_codes(void **state)
{
  (void)state;
  for (size_t i = 0; i < KT_ALERT_KINDS; i++) {
    enum kt_alert_kind kind = KT_ALERT_KINDS;
    assert_int_equal(kt_alert_kind_from_name(table[i].name, &kind), KT_OK);
    assert_int_equal(kind, i);
    assert_string_equal(kt_alert_kind_name(kind), table[i].name);
    assert_int_equal(kt_alert_exit_code(kind, false), table[i].exit_code);
    assert_int_equal(kt_alert_exit_code(kind, true), 0);
  }
  enum kt_alert_kind kind;
  assert_int_equal(kt_alert_kind_from_name("Fork", &kind), KT_ERR_USAGE);
}

/* "Several labels in one run: 1 before 4 before 3 before 5 before 0." */
static void test_worst_exit_code(void **state)
{
  (void)state;
  static const int order[] = { 1, 4, 3, 5, 0 };
  for (size_t i = 0; i < 5; i++) {
    for (size_t j = i; j < 5; j++) {
      assert_int_equal(kt_exit_code_worse(order[i], order[j]), order[i]);
      assert_int_equal(kt_exit_code_worse(order[j], order[i]), order[i]);
    }
  }
  assert_int_equal(kt_exit_code_worse(2, 4), 4);
  assert_int_equal(kt_exit_code_worse(2, 0), 2);
}

static void test_texts_fit_and_name_a_command(void **state)
{
  (void)state;
  for (int kind = 0; kind < KT_ALERT_KINDS; kind++) {
    for (int audience = KT_AUDIENCE_OWNER; audience <= KT_AUDIENCE_ANYONE; audience++) {
      struct kt_alert alert = { .kind = (enum kt_alert_kind)kind, .audience = (enum kt_audience)audience };
      alert.is_note = kind == KT_ALERT_ACCOUNT_KEY_CHANGED && audience == KT_AUDIENCE_ANYONE; /* its own text */
      const struct kt_alert_text *text = kt_alert_text(&alert);
      assert_null(strchr(text->headline, '\n'));
      assert_true(strlen(text->headline) <= 100);
      assert_true(strlen(text->meaning) > 80);
      char next[KT_ALERT_NEXT_SIZE];
      uint8_t longest[KT_LABEL_MAX];
      memset(longest, 'w', sizeof longest);
      kt_alert_next(&alert, (struct kt_bytes){ longest, sizeof longest }, next);
      assert_non_null(strstr(next, "kt-verify "));
      assert_null(strchr(next, '{'));
      assert_true(strlen(next) < KT_ALERT_NEXT_SIZE - 1); /* not cut off */
    }
  }
}

/* Every command stands on an indented line of its own, so that a terminal shows it in one piece. */
static void check_commands(const char *next)
{
  for (const char *at = next; (at = strstr(at, "kt-verify ")) != NULL; at++) {
    assert_true(at - next >= 5);
    assert_memory_equal(at - 5, "\n    ", 5);
  }
}

static void test_commands_stand_on_lines_of_their_own(void **state)
{
  (void)state;
  for (int kind = 0; kind < KT_ALERT_KINDS; kind++) {
    for (int variant = 0; variant < 8; variant++) {
      struct kt_alert alert = { .kind = (enum kt_alert_kind)kind,
                                .audience = (variant & 1) != 0 ? KT_AUDIENCE_CONTACT : KT_AUDIENCE_OWNER,
                                .is_note = (variant & 2) != 0,
                                .key_replaced = (variant & 4) != 0 };
      check_commands(kt_alert_text(&alert)->next);
    }
  }
}

static void test_owner_and_contact_are_told_different_things(void **state)
{
  (void)state;
  static const enum kt_alert_kind kinds[] = { KT_ALERT_ACCOUNT_KEY_CHANGED, KT_ALERT_UNSIGNED_SET,
                                              KT_ALERT_VERSION_NOT_MINE };
  for (size_t i = 0; i < 3; i++) {
    struct kt_alert owner = { .kind = kinds[i], .audience = KT_AUDIENCE_OWNER };
    struct kt_alert contact = { .kind = kinds[i], .audience = KT_AUDIENCE_CONTACT };
    assert_string_not_equal(kt_alert_text(&owner)->next, kt_alert_text(&contact)->next);
  }
}

/* Without the key nothing can be published: advice to publish would end in an error. */
static void test_replaced_key_has_its_own_text(void **state)
{
  (void)state;
  struct kt_alert alert = { .kind = KT_ALERT_VERSION_NOT_MINE, .key_replaced = true };
  const struct kt_alert_text *text = kt_alert_text(&alert);
  char next[KT_ALERT_NEXT_SIZE];
  assert_string_equal(text->headline, "Your account key was replaced.");
  assert_null(strstr(text->next, "device remove"));
  assert_null(strstr(text->next, "account rotate"));
  kt_alert_next(&alert, BYTES("alice"), next);
  assert_non_null(strstr(next, "\n    kt-verify account recovery-key use alice\n"));
}

/* A note of an endorsed rotation must not say that nobody endorsed it. */
static void test_note_of_a_rotation_has_its_own_text(void **state)
{
  (void)state;
  struct kt_alert alert = { .kind = KT_ALERT_ACCOUNT_KEY_CHANGED, .audience = KT_AUDIENCE_CONTACT };
  assert_non_null(strstr(kt_alert_text(&alert)->headline, "did not endorse"));
  alert.is_note = true;
  assert_null(strstr(kt_alert_text(&alert)->headline, "did not endorse"));
}

static void test_next_fills_in_label_device_and_id(void **state)
{
  (void)state;
  struct kt_alert alert = { .kind = KT_ALERT_UNKNOWN_DEVICE, .has_device = true };
  memset(alert.device.b, 0xd1, sizeof alert.device.b);
  char next[KT_ALERT_NEXT_SIZE];
  kt_alert_next(&alert, BYTES("alice@example.org"), next);
  assert_non_null(strstr(next, "kt-verify device remove alice@example.org d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1\n"));
  alert.kind = KT_ALERT_FORK;
  memset(alert.id.b, 0xab, sizeof alert.id.b);
  kt_alert_next(&alert, BYTES(""), next);
  assert_non_null(strstr(next, "kt-verify alerts ack abababababababababababababababab"));
}

/* Somebody who chooses a label must not choose a command. */
static void test_next_does_not_repeat_hostile_labels(void **state)
{
  (void)state;
  const struct kt_bytes hostile[] = { BYTES("a; rm -rf ~"), BYTES("$(id)"),   BYTES("a\nb"), BYTES("--home=x"),
                                      BYTES("a\0b"),        BYTES("\x1b[2J"), BYTES("{id}"), BYTES("'") };
  struct kt_alert alert = { .kind = KT_ALERT_UNKNOWN_DEVICE };
  for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
    char next[KT_ALERT_NEXT_SIZE];
    kt_alert_next(&alert, hostile[i], next);
    assert_non_null(strstr(next, "kt-verify device remove LABEL DEVICE"));
  }
}

/* Computed with Python's hashlib: sha256(b"kt-alert/1" + len8(kind) + log_id + len8(label) + sha256(part) …)[:16]. */
static void test_id_of_a_cause(void **state)
{
  (void)state;
  struct kt_hash log_id;
  memset(log_id.b, 0xaa, sizeof log_id.b);
  uint8_t device[16];
  memset(device, 1, sizeof device);
  uint8_t keys[32];
  size_t len = 0;
  static const char keys_hex[] = "72d2e8f6edd2764cab86ed464077d47555b36e80e657293d41835712b71e1dd9";
  assert_int_equal(kt_hex_decode(keys_hex, 64, sizeof keys, keys, &len), KT_OK);
  const struct kt_bytes parts[] = { { device, sizeof device }, { keys, sizeof keys } };
  struct kt_alert_id id;
  char hex[KT_HEX_SIZE(KT_ALERT_ID_LEN)];
  kt_alert_id_compute(KT_ALERT_UNKNOWN_DEVICE, &log_id, BYTES("alice"), parts, 2, &id);
  kt_hex_encode((struct kt_bytes){ id.b, sizeof id.b }, hex);
  assert_string_equal(hex, "2c2f2510ae1089140d35903e00413f0f");
}

/* --- the ledger ------------------------------------------------------------------------------------------------ */

static struct kt_alert alert_at(enum kt_alert_kind kind, uint32_t version)
{
  return (struct kt_alert){ .kind = kind, .has_version = true, .version = version };
}

static struct kt_ledger_entry raised(enum kt_alert_kind kind, uint32_t version)
{
  struct kt_alert alert = alert_at(kind, version);
  struct kt_ledger_entry entry;
  assert_int_equal(kt_ledger_raise(NULL, &alert, BYTES("alice"), 100, &entry), KT_RAISED_NEW);
  assert_int_equal(entry.raised_ms, 100);
  assert_int_equal(entry.settlement, KT_SETTLEMENT_OPEN);
  return entry;
}

static void test_raised_once_per_cause(void **state)
{
  (void)state;
  struct kt_ledger_entry entry = raised(KT_ALERT_UNKNOWN_DEVICE, 3);
  struct kt_alert later = alert_at(KT_ALERT_UNKNOWN_DEVICE, 9);
  struct kt_ledger_entry untouched = entry;
  assert_int_equal(kt_ledger_raise(&entry, &later, BYTES("alice"), 200, &untouched), KT_RAISED_KNOWN);
  assert_int_equal(untouched.raised_ms, 100);
  assert_int_equal(untouched.alert.version, 3);
  later.is_note = true;
  assert_int_equal(kt_ledger_raise(NULL, &later, BYTES("alice"), 200, &untouched), KT_RAISED_NOTE);
}

static void test_settled_stays_settled_unless_it_comes_back(void **state)
{
  (void)state;
  struct kt_alert later = alert_at(KT_ALERT_UNKNOWN_DEVICE, 6);
  struct kt_ledger_entry ignored;
  struct kt_ledger_entry entry = raised(KT_ALERT_UNKNOWN_DEVICE, 3);
  assert_int_equal(kt_ledger_settle(&entry, KT_SETTLEMENT_ACKNOWLEDGED, 0, 150, &entry), KT_OK);
  assert_int_equal(kt_ledger_raise(&entry, &later, BYTES("alice"), 200, &ignored), KT_RAISED_KNOWN);

  entry = raised(KT_ALERT_UNKNOWN_DEVICE, 3);
  assert_int_equal(kt_ledger_settle(&entry, KT_SETTLEMENT_REMOVED, 5, 150, &entry), KT_OK);
  assert_int_equal(entry.settled_ms, 150);
  for (later.version = 4; later.version <= 5; later.version++) { /* up to the removal: the old story */
    assert_int_equal(kt_ledger_raise(&entry, &later, BYTES("alice"), 200, &ignored), KT_RAISED_KNOWN);
  }
  later.version = 6; /* after it: slipped in again */
  assert_int_equal(kt_ledger_raise(&entry, &later, BYTES("alice"), 200, &entry), KT_RAISED_AGAIN);
  assert_int_equal(entry.settlement, KT_SETTLEMENT_OPEN);
  assert_int_equal(entry.raised_ms, 200);

  entry = raised(KT_ALERT_CODE_MISMATCH, 0); /* acknowledged, and then somebody compared again */
  assert_int_equal(kt_ledger_settle(&entry, KT_SETTLEMENT_ACKNOWLEDGED, 0, 150, &entry), KT_OK);
  assert_int_equal(kt_ledger_raise(&entry, &entry.alert, BYTES("alice"), 200, &ignored), KT_RAISED_AGAIN);

  entry = raised(KT_ALERT_MONITOR_BLIND, 0);
  assert_int_equal(kt_ledger_settle(&entry, KT_SETTLEMENT_ENDED, 0, 150, &entry), KT_OK);
  assert_int_equal(kt_ledger_raise(&entry, &entry.alert, BYTES("alice"), 200, &ignored), KT_RAISED_AGAIN);
}

static void test_which_settlement_settles_what(void **state)
{
  (void)state;
  enum { A = 1, R = 2, K = 4, M = 8, E = 16 }; /* approved, removed, acknowledged, matched, ended */
  static const unsigned allowed[KT_ALERT_KINDS] = {
    [KT_ALERT_UNKNOWN_DEVICE] = A | R | K,
    [KT_ALERT_VERSION_NOT_MINE] = A | R | K,
    [KT_ALERT_DEVICE_REMOVED] = A | R | K,
    [KT_ALERT_ACCOUNT_KEY_CHANGED] = A | R | K | M,
    [KT_ALERT_UNSIGNED_SET] = A | R | K,
    [KT_ALERT_CONTACT_DEVICE_ADDED] = K,
    [KT_ALERT_CODE_MISMATCH] = K | M,
    [KT_ALERT_FORK] = K,
    [KT_ALERT_ROLLBACK] = K,
    [KT_ALERT_MONITOR_BLIND] = K | E,
    [KT_ALERT_AUDITOR_MISSING] = K | E,
    [KT_ALERT_CREDENTIAL_UNCONFIRMED] = K,
    [KT_ALERT_TEST] = K,
  };
  for (int kind = 0; kind < KT_ALERT_KINDS; kind++) {
    for (int how = KT_SETTLEMENT_APPROVED; how <= KT_SETTLEMENT_ENDED; how++) {
      struct kt_ledger_entry entry = raised((enum kt_alert_kind)kind, 1);
      struct kt_ledger_entry settled;
      enum kt_err expected = allowed[kind] & 1u << (how - 1) ? KT_OK : KT_ERR_USAGE;
      assert_int_equal(kt_ledger_settle(&entry, (enum kt_settlement)how, 7, 300, &settled), expected);
      if (expected == KT_OK) {
        assert_int_equal(settled.settlement, how);
        assert_int_equal(settled.settled_ms, 300);
        assert_int_equal(kt_ledger_settle(&settled, KT_SETTLEMENT_ACKNOWLEDGED, 0, 400, &entry), KT_ERR_CONFLICT);
      }
    }
    struct kt_ledger_entry entry = raised((enum kt_alert_kind)kind, 1);
    assert_int_equal(kt_ledger_settle(&entry, KT_SETTLEMENT_OPEN, 0, 300, &entry), KT_ERR_USAGE);
  }
  assert_string_equal(kt_settlement_name(KT_SETTLEMENT_ACKNOWLEDGED), "acknowledged");
}

/* "Exit 4 as long as a relevant alert is open and this run verified." */
static void test_exit_code_with_open_alerts(void **state)
{
  (void)state;
  static const int with_open[] = { 4, 1, 2, 3, 4, 4 };
  for (int code = 0; code <= 5; code++) {
    assert_int_equal(kt_ledger_exit_code(code, false), code);
    assert_int_equal(kt_ledger_exit_code(code, true), with_open[code]);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(test_names_and_exit_codes),
    account_test(test_worst_exit_code),
    account_test(test_texts_fit_and_name_a_command),
    account_test(test_owner_and_contact_are_told_different_things),
    account_test(test_note_of_a_rotation_has_its_own_text),
    account_test(test_commands_stand_on_lines_of_their_own),
    account_test(test_replaced_key_has_its_own_text),
    account_test(test_next_fills_in_label_device_and_id),
    account_test(test_next_does_not_repeat_hostile_labels),
    account_test(test_id_of_a_cause),
    account_test(test_raised_once_per_cause),
    account_test(test_settled_stays_settled_unless_it_comes_back),
    account_test(test_which_settlement_settles_what),
    account_test(test_exit_code_with_open_alerts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
