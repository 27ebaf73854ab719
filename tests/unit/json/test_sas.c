/* SPDX-License-Identifier: Apache-2.0 */
/* SAS messages on the wire: both ways, and read strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/sas.h"

#define HEX16 "000102030405060708090a0b0c0d0e0f"
#define HEX32 HEX16 "101112131415161718191a1b1c1d1e1f"
#define KEY_A "45" HEX32
#define KEY_B "450f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
#define COMMON(type) "{\"protocol\": \"kt-sas/1\", \"type\": \"" type "\", \"transaction\": \"" HEX16 "\", "
#define LABELS(a, b)                                                                                                \
  "\"log_id\": \"" HEX32 "\", \"starter_label\": \"" a "\", \"starter_key\": \"" KEY_A "\", \"joiner_label\": \"" b \
  "\", \"joiner_key\": \"" KEY_B "\"}"
#define START COMMON("start") LABELS("alice@example.org", "b\u00f8b")

/* One of each type, as docs/formats.md has them. */
static const char *const messages[] = {
  START,
  COMMON("accept") "\"commitment\": \"" HEX32 "\"}",
  COMMON("key") "\"key\": \"" HEX32 "\"}",
  COMMON("mac") "\"mac\": \"" HEX32 "\"}",
  COMMON("cancel") "\"reason\": \"other-key\"}",
};

#define N_MESSAGES (sizeof messages / sizeof messages[0])

static int setup(void **state)
{
  static struct kt_arena arena;
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  *state = &arena;
  return 0;
}

static int teardown(void **state)
{
  kt_arena_release(*state);
  return 0;
}

static enum kt_err read_text(const char *text, struct kt_arena *arena, struct kt_sas_message *ret_message,
                             struct kt_reason *reason)
{
  return kt_json_sas_read((struct kt_bytes){ (const uint8_t *)text, strlen(text) }, arena, ret_message, reason);
}

static void documented_messages_both_ways(void **state)
{
  for (size_t i = 0; i < N_MESSAGES; i++) {
    struct kt_sas_message message;
    assert_int_equal(read_text(messages[i], *state, &message, NULL), KT_OK);
    assert_int_equal(message.type, KT_SAS_START + i);
    assert_int_equal(message.transaction[15], 0x0f);
    json_t *object = kt_json_sas_message(&message);
    assert_non_null(object);
    char *text = json_dumps(object, 0);
    assert_string_equal(text, messages[i]);
    free(text);
    json_decref(object);
  }
}

static void fields_are_what_they_say(void **state)
{
  struct kt_sas_message message;
  assert_int_equal(read_text(START, *state, &message, NULL), KT_OK);
  assert_int_equal(message.log_id.b[31], 0x1f);
  assert_int_equal(message.starter.label.len, 17);
  assert_int_equal(message.starter.key.b[32], 0x1f);
  assert_int_equal(message.joiner.label.len, 4);
  assert_memory_equal(message.joiner.label.data,
                      "b\xc3\xb8"
                      "b",
                      4);
  assert_int_equal(message.joiner.key.b[1], 0x0f);
  assert_int_equal(read_text(messages[1], *state, &message, NULL), KT_OK);
  assert_int_equal(message.value.b[31], 0x1f);
  assert_int_equal(read_text(messages[4], *state, &message, NULL), KT_OK);
  assert_int_equal(message.cancel, KT_SAS_OTHER_KEY);
}

static void what_is_no_message_is_refused(void **state)
{
  static const char *const bad[] = {
    "",
    "null",
    "[]",
    "{}",
    "\"kt-sas/1\"",
    "{\"protocol\": \"kt-sas/1\"}",
    COMMON("start") "\"log_id\": \"" HEX32 "\"}",
    COMMON("start") LABELS("", "b"),
    COMMON("start") LABELS("a\\u0000", "b"),   /* NUL is not taken from JSON */
    COMMON("kex") "\"key\": \"" HEX32 "\"}",   /* unknown type */
    COMMON("key") "\"mac\": \"" HEX32 "\"}",   /* another type's member */
    COMMON("key") "\"key\": \"" HEX16 "\"}",   /* too short */
    COMMON("key") "\"key\": \"" HEX32 "00\"}", /* too long */
    COMMON("key") "\"key\": \"" HEX32 "g0\"}", /* not hex */
    COMMON("key") "\"key\": 7}",               /* not text */
    COMMON("key") "\"key\": null}",
    COMMON("key") "\"key\": [\"" HEX32 "\"]}",
    COMMON("key") "\"key\": \"" HEX32 "\", \"more\": 1}",            /* unknown member */
    COMMON("key") "\"key\": \"" HEX32 "\", \"key\": \"" HEX32 "\"}", /* one member twice */
    COMMON("key") "\"key\": \"" HEX32 "\"} {}",                      /* something after it */
    COMMON("cancel") "\"reason\": \"whatever\"}",
    COMMON("cancel") "\"reason\": \"\"}",
    COMMON("cancel") "\"reason\": 3}",
    "{\"protocol\": \"kt-sas/1\", \"type\": \"key\", \"key\": \"" HEX32 "\"}", /* no transaction */
    "{\"protocol\": 1, \"type\": \"key\", \"transaction\": \"" HEX16 "\", \"key\": \"" HEX32 "\"}",
    "{\"type\": \"key\", \"transaction\": \"" HEX16 "\", \"key\": \"" HEX32 "\", \"x\": 1}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct kt_sas_message message = { .type = KT_SAS_NONE };
    struct kt_reason reason = { 0 };
    assert_int_equal(read_text(bad[i], *state, &message, &reason), KT_ERR_FORMAT);
    assert_string_equal(reason.code, "sas-malformed");
    assert_int_equal(message.type, KT_SAS_NONE);
  }
}

static void account_keys_have_their_type_byte(void **state)
{
  char text[sizeof START] = START;
  struct kt_sas_message message;
  char *key = strstr(text, "\"" KEY_A "\"");
  assert_non_null(key);
  key[2] = '4';
  assert_int_equal(read_text(text, *state, &message, NULL), KT_ERR_FORMAT);
}

static void another_version_is_said_to_be_one(void **state)
{
  struct kt_sas_message message;
  struct kt_reason reason = { 0 };
  assert_int_equal(read_text("{\"protocol\":\"kt-sas/2\",\"anything\":{}}", *state, &message, &reason),
                   KT_ERR_UNSUPPORTED);
  assert_string_equal(reason.code, "sas-protocol");
}

static void long_texts_are_not_read(void **state)
{
  static char text[KT_JSON_SAS_MAX + 2];
  struct kt_sas_message message;
  memset(text, ' ', sizeof text - 1);
  memcpy(text, messages[1], strlen(messages[1]));
  text[KT_JSON_SAS_MAX] = '\0';
  assert_int_equal(read_text(text, *state, &message, NULL), KT_OK);
  text[KT_JSON_SAS_MAX] = ' ';
  assert_int_equal(read_text(text, *state, &message, NULL), KT_ERR_FORMAT);
}

/* Labels of the greatest length, every character escaped, fit into a mailbox. */
static void the_longest_start_fits(void **state)
{
  uint8_t label[KT_LABEL_MAX];
  struct kt_sas_message message = { .type = KT_SAS_START };
  memset(label, 0x01, sizeof label); /* \u0001 */
  message.starter = (struct kt_sas_party){ { label, sizeof label }, { { KT_ACCOUNT_KEY_TYPE } } };
  message.joiner = message.starter;
  json_t *object = kt_json_sas_message(&message);
  char *text = json_dumps(object, JSON_COMPACT);
  struct kt_sas_message read;
  assert_in_range(strlen(text), 3000, KT_JSON_SAS_MAX);
  assert_int_equal(read_text(text, *state, &read, NULL), KT_OK);
  assert_memory_equal(read.joiner.label.data, label, sizeof label);
  free(text);
  json_decref(object);
}

static void assert_reads_back(const struct kt_sas_message *message, struct kt_arena *arena)
{
  struct kt_sas_message read;
  json_t *object = kt_json_sas_message(message);
  char *text = json_dumps(object, 0);
  assert_int_equal(read_text(text, arena, &read, NULL), KT_OK);
  json_t *again = kt_json_sas_message(&read);
  assert_true(json_equal(object, again));
  free(text);
  json_decref(again);
  json_decref(object);
}

/* Every flipped bit of every message, and every truncation: refused, or read as a whole message that
 * writes and reads back to itself. */
static void damage_never_half_counts(void **state)
{
  (void)state;
  for (size_t i = 0; i < N_MESSAGES; i++) {
    size_t len = strlen(messages[i]);
    char *text = malloc(len);
    assert_non_null(text);
    for (size_t at = 0; at < len; at++) {
      for (unsigned bit = 0; bit < 8; bit++) {
        struct kt_arena arena;
        struct kt_sas_message message;
        kt_arena_init(&arena, 1 << 16);
        memcpy(text, messages[i], len);
        text[at] = (char)(messages[i][at] ^ 1 << bit);
        if (kt_json_sas_read((struct kt_bytes){ (const uint8_t *)text, len }, &arena, &message, NULL) == KT_OK) {
          assert_reads_back(&message, &arena);
        }
        kt_arena_release(&arena);
      }
      struct kt_sas_message message;
      assert_int_equal(kt_json_sas_read((struct kt_bytes){ (const uint8_t *)text, at }, *state, &message, NULL),
                       KT_ERR_FORMAT);
    }
    free(text);
  }
}

int main(void)
{
#define test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
  const struct CMUnitTest tests[] = {
    test(documented_messages_both_ways),
    test(fields_are_what_they_say),
    test(what_is_no_message_is_refused),
    test(account_keys_have_their_type_byte),
    test(another_version_is_said_to_be_one),
    test(long_texts_are_not_read),
    test(the_longest_start_fits),
    test(damage_never_half_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
