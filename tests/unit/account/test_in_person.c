/* SPDX-License-Identifier: Apache-2.0 */
/* In-person payloads: values from make_code_vectors.py, damage, and what two views of one log add up to. */
#include "accounts.h"

#include <kt/in_person.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/base32.h"
#include "code_vectors.h"
#include "crypto/hash.h"

static struct kt_bytes text_bytes(const char *text)
{
  return (struct kt_bytes){ (const uint8_t *)text, strlen(text) };
}

/* SHA-256 of the account key 0x45, then 32 times `byte`. */
static struct kt_hash fingerprint_of(uint8_t byte)
{
  struct kt_account_key key;
  struct kt_hash fingerprint;
  memset(key.b, byte, sizeof key.b);
  key.b[0] = KT_ACCOUNT_KEY_TYPE;
  kt_account_key_fingerprint(&key, &fingerprint);
  return fingerprint;
}

static struct kt_hash hash_of(uint8_t byte)
{
  struct kt_hash hash;
  memset(hash.b, byte, sizeof hash.b);
  return hash;
}

/* What VECTOR_PAYLOAD says. heads must have room for two. */
static struct kt_in_person alices_view(struct kt_in_person_head heads[static 2])
{
  struct kt_in_person view = {
    .sender = { BYTES("alice@example.org"), fingerprint_of(0x0a) },
    .recipient = { BYTES("b\xc3\xb8"
                         "b"),
                   fingerprint_of(0x0b) },
    .heads = heads,
    .n_heads = 2,
  };
  for (size_t i = 0; i < sizeof view.log_id.b; i++) {
    view.log_id.b[i] = (uint8_t)i;
  }
  heads[0] = (struct kt_in_person_head){ 7, hash_of(0x11) };
  heads[1] = (struct kt_in_person_head){ 4096, hash_of(0x22) };
  return view;
}

static struct kt_in_person bobs_view(struct kt_in_person_head heads[static 2])
{
  struct kt_in_person view = alices_view(heads);
  const struct kt_in_person_party alice = view.sender;
  view.sender = view.recipient;
  view.recipient = alice;
  return view;
}

static const char *formatted(const struct kt_in_person *payload, struct kt_arena *arena)
{
  const char *text = NULL;
  assert_int_equal(kt_in_person_format(payload, arena, &text), KT_OK);
  return text;
}

static struct kt_in_person parsed(struct kt_bytes text, struct kt_arena *arena)
{
  struct kt_in_person payload;
  assert_int_equal(kt_in_person_parse(text, arena, &payload, NULL), KT_OK);
  return payload;
}

static void independent_values_both_ways(void **state)
{
  struct kt_in_person_head heads[2];
  struct kt_in_person view = alices_view(heads);
  assert_string_equal(formatted(&view, *state), VECTOR_PAYLOAD);
  struct kt_in_person read = parsed(BYTES(VECTOR_PAYLOAD), *state);
  assert_memory_equal(&read.log_id, &view.log_id, sizeof view.log_id);
  assert_int_equal(read.sender.label.len, 17);
  assert_memory_equal(read.sender.label.data, "alice@example.org", 17);
  assert_memory_equal(&read.sender.key, &view.sender.key, sizeof view.sender.key);
  assert_memory_equal(&read.recipient.key, &view.recipient.key, sizeof view.recipient.key);
  assert_int_equal(read.n_heads, 2);
  assert_int_equal(read.heads[1].size, 4096);
  assert_memory_equal(&read.heads[1].root, &heads[1].root, sizeof heads[1].root);
  view.n_heads = 0;
  assert_string_equal(formatted(&view, *state), VECTOR_PAYLOAD_NO_HEADS);
  assert_int_equal(parsed(BYTES(" " VECTOR_PAYLOAD_NO_HEADS "\r\n"), *state).n_heads, 0);
}

/* QR's alphanumeric mode takes 45 characters; ours are among them. */
static void text_is_compact_in_a_qr_code(void **state)
{
  (void)state;
  static const char alphanumeric[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
  assert_int_equal(strspn(VECTOR_PAYLOAD, alphanumeric), strlen(VECTOR_PAYLOAD));
}

static void the_largest_payload_survives(void **state)
{
  uint8_t label[KT_LABEL_MAX];
  struct kt_in_person_head heads[KT_IN_PERSON_HEADS_MAX];
  memset(label, 'l', sizeof label);
  for (size_t i = 0; i < KT_IN_PERSON_HEADS_MAX; i++) {
    heads[i] = (struct kt_in_person_head){ UINT64_MAX - KT_IN_PERSON_HEADS_MAX + 1 + i, hash_of((uint8_t)i) };
  }
  const struct kt_in_person view = { .sender = { { label, sizeof label }, hash_of(1) },
                                     .recipient = { { label, sizeof label }, hash_of(2) },
                                     .heads = heads,
                                     .n_heads = KT_IN_PERSON_HEADS_MAX };
  const char *text = formatted(&view, *state);
  assert_true(strlen(text) < 2000); /* well within a QR code of level L: 4296 characters */
  struct kt_in_person read = parsed(text_bytes(text), *state);
  assert_string_equal(formatted(&read, *state), text);
}

static void illegal_payloads_are_not_made(void **state)
{
  struct kt_in_person_head heads[KT_IN_PERSON_HEADS_MAX + 1] = { { .size = 0 } };
  const struct kt_in_person good = alices_view(heads);
  const char *text = "untouched";
  struct kt_in_person bad = good;
  bad.sender.label.len = 0;
  assert_int_equal(kt_in_person_format(&bad, *state, &text), KT_ERR_USAGE);
  bad = good;
  bad.recipient.label = BYTES("b\xc3");
  assert_int_equal(kt_in_person_format(&bad, *state, &text), KT_ERR_USAGE);
  bad = good;
  heads[0].size = 4096; /* twice */
  assert_int_equal(kt_in_person_format(&bad, *state, &text), KT_ERR_USAGE);
  heads[0].size = 0;
  assert_int_equal(kt_in_person_format(&bad, *state, &text), KT_ERR_USAGE);
  for (size_t i = 0; i <= KT_IN_PERSON_HEADS_MAX; i++) {
    heads[i].size = i + 1;
  }
  bad.n_heads = KT_IN_PERSON_HEADS_MAX + 1;
  assert_int_equal(kt_in_person_format(&bad, *state, &text), KT_ERR_USAGE);
  assert_string_equal(text, "untouched");
}

/* --- damage ----------------------------------------------------------------------------------------------------------- */

/* Parses from memory of exactly that size, so that a sanitizer sees every byte too far. */
static enum kt_err parse_copy(const char *text, size_t len, struct kt_arena *arena, struct kt_in_person *ret_payload,
                              struct kt_reason *reason)
{
  uint8_t *copy = malloc(len == 0 ? 1 : len);
  assert_non_null(copy);
  memcpy(copy, text, len);
  enum kt_err err = kt_in_person_parse((struct kt_bytes){ copy, len }, arena, ret_payload, reason);
  free(copy);
  return err;
}

static void every_truncation_is_refused(void **state)
{
  for (size_t len = 0; len < strlen(VECTOR_PAYLOAD); len++) {
    struct kt_in_person payload = { .n_heads = 77 };
    struct kt_reason reason = { 0 };
    assert_int_equal(parse_copy(VECTOR_PAYLOAD, len, *state, &payload, &reason), KT_ERR_FORMAT);
    assert_string_equal(reason.code, len < 5 ? "payload-kind" : "payload-damaged");
    assert_int_equal(payload.n_heads, 77);
  }
}

/* Every byte turned into every other: refused, or white space at an end and thus the same payload. */
static void every_changed_byte_is_refused(void **state)
{
  char text[] = VECTOR_PAYLOAD;
  for (size_t i = 0; i < sizeof text - 1; i++) {
    for (unsigned value = 0; value < 256; value++) {
      struct kt_arena arena;
      struct kt_in_person payload;
      struct kt_reason reason = { 0 };
      if ((char)value == VECTOR_PAYLOAD[i]) {
        continue;
      }
      kt_arena_init(&arena, 1 << 16);
      text[i] = (char)value;
      enum kt_err err = parse_copy(text, sizeof text - 1, &arena, &payload, &reason);
      assert_true(err == KT_ERR_FORMAT || (err == KT_ERR_UNSUPPORTED && i == 3));
      assert_non_null(reason.code);
      kt_arena_release(&arena);
    }
    text[i] = VECTOR_PAYLOAD[i];
  }
  (void)state;
}

static void a_newer_version_is_said_to_be_one(void **state)
{
  static const char *const newer[] = { "KTQ2:AAAQEAYE", "KTQ2:", "KTQ10:A", "KTQ11:A", "KTQ999999999999999999:*" };
  static const char *const others[] = { "KTQ:",    "KTQ0:A", "KTQ01:A", "KTQ1",   "KTQ1;A",       "ktq1:A",
                                        "KTQ1 :A", "KTR1:A", "",        "KTQ-1:", "3003544776928" };
  for (size_t i = 0; i < sizeof newer / sizeof newer[0]; i++) {
    struct kt_in_person payload;
    struct kt_reason reason = { 0 };
    assert_int_equal(kt_in_person_parse(text_bytes(newer[i]), *state, &payload, &reason), KT_ERR_UNSUPPORTED);
    assert_string_equal(reason.code, "payload-version");
    assert_non_null(strstr(reason.text, "newer"));
  }
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    struct kt_in_person payload;
    struct kt_reason reason = { 0 };
    assert_int_equal(kt_in_person_parse(text_bytes(others[i]), *state, &payload, &reason), KT_ERR_FORMAT);
    assert_string_equal(reason.code, "payload-kind");
  }
}

/* `body` with a right checksum: what a hostile program could show. */
static void assert_body_refused(const uint8_t *body, size_t len, struct kt_arena *arena)
{
  uint8_t bytes[1200];
  char text[5 + KT_BASE32_SIZE(sizeof bytes)];
  struct kt_hash hash;
  struct kt_in_person payload;
  struct kt_reason reason = { 0 };
  memcpy(bytes, body, len);
  kt_sha256(body, len, &hash);
  memcpy(bytes + len, hash.b, 8);
  (void)snprintf(text, sizeof text, "KTQ1:");
  (void)kt_base32_encode((struct kt_bytes){ bytes, len + 8 }, text + 5);
  assert_int_equal(kt_in_person_parse(text_bytes(text), arena, &payload, &reason), KT_ERR_FORMAT);
  assert_string_equal(reason.code, "payload-damaged");
}

static void hostile_bodies_are_refused(void **state)
{
  uint8_t body[1200] = { 0 };
  size_t len = 0;
  assert_int_equal(kt_base32_decode(&VECTOR_PAYLOAD[5], strlen(VECTOR_PAYLOAD) - 5, body, &len), KT_OK);
  len -= 8;
  for (size_t n = 0; n < len; n++) {
    assert_body_refused(body, n, *state); /* cut short */
  }
  assert_body_refused(body, len + 1, *state);         /* bytes at the end */
  assert_body_refused(body, sizeof body - 8, *state); /* too long */
  const size_t n_heads_at = len - 2 * 40 - 1;
  assert_int_equal(body[n_heads_at], 2);
  body[n_heads_at] = 255;
  assert_body_refused(body, len, *state);
  body[n_heads_at] = 2;
  memcpy(body + n_heads_at + 1, body + n_heads_at + 41, 8); /* one size twice */
  assert_body_refused(body, len, *state);
  memset(body + n_heads_at + 1, 0, 8); /* size 0 */
  assert_body_refused(body, len, *state);
  body[n_heads_at + 8] = 1;
  body[33] = 0xff; /* a label that is not UTF-8 */
  assert_body_refused(body, len, *state);
}

/* --- judgement -------------------------------------------------------------------------------------------------------- */

static struct kt_in_person_verdict judged(const struct kt_in_person *own, const struct kt_in_person *scanned)
{
  struct kt_in_person_verdict verdict;
  kt_in_person_judge(own, scanned, &verdict);
  return verdict;
}

static void the_same_view_matches(void **state)
{
  (void)state;
  struct kt_in_person_head heads_a[2];
  struct kt_in_person_head heads_b[2];
  const struct kt_in_person alice = alices_view(heads_a);
  const struct kt_in_person bob = bobs_view(heads_b);
  struct kt_in_person_verdict verdict = judged(&bob, &alice);
  assert_int_equal(verdict.people, KT_IN_PERSON_MATCH);
  assert_int_equal(verdict.log, KT_IN_PERSON_LOG_SAME);
  assert_int_equal(verdict.own_head.size, 4096); /* the larger of the two common ones */
  assert_int_equal(judged(&alice, &bob).people, KT_IN_PERSON_MATCH);
}

/* Somebody put another key for one of them into the log that the other sees: both sides notice, and name it crosswise. */
static void a_false_key_is_seen_from_both_sides(void **state)
{
  (void)state;
  struct kt_in_person_head heads_a[2];
  struct kt_in_person_head heads_b[2];
  const struct kt_in_person alice = alices_view(heads_a);
  struct kt_in_person bob = bobs_view(heads_b);
  for (size_t i = 0; i < KT_HASH_LEN; i++) {
    bob.recipient.key.b[i] ^= 1; /* what Bob sees for Alice */
    struct kt_in_person_verdict at_bob = judged(&bob, &alice);
    struct kt_in_person_verdict at_alice = judged(&alice, &bob);
    assert_int_equal(at_bob.people, KT_IN_PERSON_KEY_MISMATCH);
    assert_true(at_bob.their_key_differs && !at_bob.own_key_differs);
    assert_int_equal(at_alice.people, KT_IN_PERSON_KEY_MISMATCH);
    assert_true(at_alice.own_key_differs && !at_alice.their_key_differs);
    assert_int_equal(at_alice.log, KT_IN_PERSON_LOG_SAME); /* the log is compared all the same */
    bob.recipient.key.b[i] ^= 1;
  }
}

static void others_are_not_compared(void **state)
{
  (void)state;
  struct kt_in_person_head heads[2];
  const struct kt_in_person alice = alices_view(heads);
  struct kt_in_person scanned = bobs_view(heads);
  assert_int_equal(judged(&alice, &alice).people, KT_IN_PERSON_OWN_PAYLOAD);
  scanned.recipient.label = BYTES("carol@example.org");
  scanned.recipient.key = hash_of(9);
  struct kt_in_person_verdict verdict = judged(&alice, &scanned);
  assert_int_equal(verdict.people, KT_IN_PERSON_OTHER_PEOPLE);
  assert_false(verdict.own_key_differs || verdict.their_key_differs);
  assert_int_equal(verdict.log, KT_IN_PERSON_LOG_UNDECIDED);
  scanned = bobs_view(heads);
  scanned.sender.label.len--;
  assert_int_equal(judged(&alice, &scanned).people, KT_IN_PERSON_OTHER_PEOPLE);
  scanned = bobs_view(heads);
  scanned.log_id.b[31] ^= 1;
  verdict = judged(&alice, &scanned);
  assert_int_equal(verdict.people, KT_IN_PERSON_OTHER_LOG);
  assert_int_equal(verdict.log, KT_IN_PERSON_LOG_UNDECIDED);
}

/* heads as letters: the size is the letter's place in the alphabet, upper and lower case are different roots. */
static void heads_of(const char *letters, struct kt_in_person_head *ret_heads, struct kt_in_person *view)
{
  view->n_heads = strlen(letters);
  view->heads = ret_heads;
  for (size_t i = 0; i < view->n_heads; i++) {
    ret_heads[i] = (struct kt_in_person_head){ (uint64_t)(letters[i] & 0x1f), hash_of((uint8_t)letters[i]) };
  }
}

static void heads_agree_fork_or_leave_it_open(void **state)
{
  (void)state;
  static const struct {
    const char *own, *scanned;
    enum kt_in_person_log log;
    uint64_t size;
  } cases[] = {
    { "", "", KT_IN_PERSON_LOG_UNDECIDED, 0 },       { "abc", "", KT_IN_PERSON_LOG_UNDECIDED, 0 },
    { "ace", "bdf", KT_IN_PERSON_LOG_UNDECIDED, 0 }, { "abc", "cde", KT_IN_PERSON_LOG_SAME, 3 },
    { "abcd", "bd", KT_IN_PERSON_LOG_SAME, 4 },      { "g", "abcdefg", KT_IN_PERSON_LOG_SAME, 7 },
    { "abc", "abC", KT_IN_PERSON_LOG_FORK, 3 },      { "abc", "aBC", KT_IN_PERSON_LOG_FORK, 2 },
    { "abcdefgh", "H", KT_IN_PERSON_LOG_FORK, 8 },   { "bd", "aBcd", KT_IN_PERSON_LOG_FORK, 2 },
    { "abd", "acD", KT_IN_PERSON_LOG_FORK, 4 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct kt_in_person_head heads_a[8];
    struct kt_in_person_head heads_b[8];
    struct kt_in_person own = alices_view(heads_a);
    struct kt_in_person scanned = bobs_view(heads_b);
    heads_of(cases[i].own, heads_a, &own);
    heads_of(cases[i].scanned, heads_b, &scanned);
    struct kt_in_person_verdict verdict = judged(&own, &scanned);
    assert_int_equal(verdict.people, KT_IN_PERSON_MATCH);
    assert_int_equal(verdict.log, cases[i].log);
    assert_int_equal(verdict.own_head.size, cases[i].size);
    assert_int_equal(verdict.their_head.size, cases[i].size);
    assert_int_equal(judged(&scanned, &own).log, cases[i].log);
    if (cases[i].log == KT_IN_PERSON_LOG_FORK) {
      assert_memory_not_equal(&verdict.own_head.root, &verdict.their_head.root, KT_HASH_LEN);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(independent_values_both_ways),
    account_test(text_is_compact_in_a_qr_code),
    account_test(the_largest_payload_survives),
    account_test(illegal_payloads_are_not_made),
    account_test(every_truncation_is_refused),
    account_test(every_changed_byte_is_refused),
    account_test(a_newer_version_is_said_to_be_one),
    account_test(hostile_bodies_are_refused),
    account_test(the_same_view_matches),
    account_test(a_false_key_is_seen_from_both_sides),
    account_test(others_are_not_compared),
    account_test(heads_agree_fork_or_leave_it_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
