/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts exported from one client to another: opened again by an independent reading of docs/formats.md, refused when
 * anything is not as it was, merged without taking anything back. */
#include "accounts.h"

#include <kt/contact_book.h>

#include <sodium.h>

#define MAGIC "kt-contacts/1"
#define BOX_AT (sizeof MAGIC - 1 + KT_BOOK_NONCE_LEN)

static const struct kt_book_entry two[] = {
  { .label = { (const uint8_t *)"bob", 3 },
    .key = { { 0x45, 1, 2, 3 } },
    .method = KT_METHOD_QR,
    .verified_ms = 0x0102030405060708,
    .policy = KT_CONTACT_STRICT },
  { .label = { (const uint8_t *)"carol", 5 },
    .key = { { 0x45, 9 } },
    .method = KT_METHOD_SAFETY_NUMBER,
    .verified_ms = 7,
    .policy = KT_CONTACT_NORMAL },
};

static const uint8_t nonce[KT_BOOK_NONCE_LEN] = { 5, 6, 7 };

static struct kt_book_owner owner_of(const struct seed *seed)
{
  return (struct kt_book_owner){ .log_id = test_log, .label = BYTES("alice"), .seed = seed->b };
}

static struct kt_bytes sealed_two(const struct seed *seed, struct kt_arena *arena)
{
  const struct kt_book_owner owner = owner_of(seed);
  struct kt_bytes sealed = { NULL, 0 };
  assert_int_equal(kt_contact_book_seal(&owner, two, 2, nonce, arena, &sealed), KT_OK);
  return sealed;
}

/* HKDF by hand over libsodium's HMAC (RFC 5869: T(1) = HMAC(PRK, info || 01)). */
static void independent_key(const struct seed *seed, uint8_t ret_key[static 32])
{
  uint8_t zeros[32] = { 0 };
  uint8_t prk[32];
  uint8_t info[128];
  size_t n = 0;
  memcpy(info, MAGIC, sizeof MAGIC - 1);
  n += sizeof MAGIC - 1;
  memcpy(info + n, test_log.b, 32);
  n += 32;
  memcpy(info + n,
         "\x05"
         "alice\x01",
         7);
  n += 7;
  crypto_auth_hmacsha256(prk, seed->b, 32, zeros);
  crypto_auth_hmacsha256(ret_key, info, n, prk);
}

static void test_bytes_of_the_file(void **state)
{
  struct seed seed = seed_of(3);
  struct kt_bytes sealed = sealed_two(&seed, *state);
  uint8_t key[32];
  uint8_t plain[256];
  uint8_t expected[256] = "\0\2\3bob\x45\1\2\3";
  independent_key(&seed, key);
  assert_memory_equal(sealed.data, MAGIC, sizeof MAGIC - 1);
  assert_memory_equal(sealed.data + sizeof MAGIC - 1, nonce, sizeof nonce);
  assert_int_equal(crypto_secretbox_open_easy(plain, sealed.data + BOX_AT, sealed.len - BOX_AT, nonce, key), 0);
  assert_int_equal(sealed.len, BOX_AT + 16 + 2 + (1 + 3 + 33 + 10) + (1 + 5 + 33 + 10));
  memcpy(expected + 2 + 4 + 33, "\3\1\2\3\4\5\6\7\x08\1", 10); /* qr, the time, strict */
  memcpy(expected + 49, "\5carol\x45\x09", 8);
  memcpy(expected + 49 + 6 + 33, "\2\0\0\0\0\0\0\0\7\0", 10);
  assert_memory_equal(plain, expected, 49 + 49);
}

static void test_comes_back(void **state)
{
  struct seed seed = seed_of(3);
  const struct kt_book_owner owner = owner_of(&seed);
  struct kt_book_entry *entries;
  size_t n = 0;
  assert_int_equal(kt_contact_book_open(&owner, sealed_two(&seed, *state), *state, &entries, &n), KT_OK);
  assert_int_equal(n, 2);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(entries[i].label.len, two[i].label.len);
    assert_memory_equal(entries[i].label.data, two[i].label.data, two[i].label.len);
    assert_true(kt_account_key_equal(&entries[i].key, &two[i].key));
    assert_int_equal(entries[i].method, two[i].method);
    assert_int_equal(entries[i].verified_ms, two[i].verified_ms);
    assert_int_equal(entries[i].policy, two[i].policy);
  }
}

static void expect(const struct kt_book_owner *owner, struct kt_bytes sealed, struct kt_arena *arena, enum kt_err err)
{
  struct kt_book_entry *entries = NULL;
  size_t n = 99;
  assert_int_equal(kt_contact_book_open(owner, sealed, arena, &entries, &n), err);
  assert_null(entries);
  assert_int_equal(n, 99);
}

static void test_tampered_and_foreign_files(void **state)
{
  struct seed seed = seed_of(3);
  struct seed other = seed_of(4);
  struct kt_bytes sealed = sealed_two(&seed, *state);
  uint8_t changed[256];
  struct kt_book_owner owner = owner_of(&seed);
  for (size_t i = 0; i < sealed.len; i++) { /* one bit, anywhere */
    memcpy(changed, sealed.data, sealed.len);
    changed[i] ^= 1;
    expect(&owner, (struct kt_bytes){ changed, sealed.len }, *state,
           i < sizeof MAGIC - 1 ? KT_ERR_UNSUPPORTED : KT_ERR_PROOF);
  }
  for (size_t len = 0; len < sealed.len; len++) {
    expect(&owner, (struct kt_bytes){ sealed.data, len }, *state,
           len < BOX_AT + 16 ? KT_ERR_UNSUPPORTED : KT_ERR_PROOF);
  }
  owner.label = BYTES("alicf");
  expect(&owner, sealed, *state, KT_ERR_PROOF);
  owner = owner_of(&seed);
  owner.log_id.b[31] ^= 1;
  expect(&owner, sealed, *state, KT_ERR_PROOF);
  owner = owner_of(&other);
  expect(&owner, sealed, *state, KT_ERR_PROOF);
}

/* A file of the right key that breaks a rule: whoever made it had the key, and still nothing of it is taken. */
static void test_rules(void **state)
{
  struct seed seed = seed_of(3);
  const struct kt_book_owner owner = owner_of(&seed);
  static const struct {
    size_t at;
    uint8_t value;
  } breaks[] = { { 1, 1 }, { 2, 0 }, { 3, 0xff }, { 6, 0x44 }, { 39, 0 }, { 39, 6 }, { 48, 2 }, { 50, 'b' } };
  uint8_t key[32];
  uint8_t plain[98];
  uint8_t sealed[BOX_AT + 16 + sizeof plain];
  struct kt_bytes made = sealed_two(&seed, *state);
  independent_key(&seed, key);
  for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
    memcpy(sealed, made.data, sizeof sealed);
    assert_int_equal(crypto_secretbox_open_easy(plain, made.data + BOX_AT, made.len - BOX_AT, nonce, key), 0);
    plain[breaks[i].at] = breaks[i].value;
    if (breaks[i].at == 50) { /* "bob" twice, in effect: not ascending */
      memcpy(plain + 50, "bbbbb", 5);
    }
    crypto_secretbox_easy(sealed + BOX_AT, plain, sizeof plain, nonce, key);
    expect(&owner, (struct kt_bytes){ sealed, sizeof sealed }, *state, KT_ERR_FORMAT);
  }
}

static void test_limits_of_what_is_made(void **state)
{
  struct seed seed = seed_of(3);
  const struct kt_book_owner owner = owner_of(&seed);
  struct kt_bytes sealed = { NULL, 0 };
  struct kt_book_entry entries[2] = { two[1], two[0] };
  assert_int_equal(kt_contact_book_seal(&owner, entries, 2, nonce, *state, &sealed), KT_ERR_USAGE);
  entries[0] = two[0];
  entries[0].label.len = 0;
  assert_int_equal(kt_contact_book_seal(&owner, entries, 1, nonce, *state, &sealed), KT_ERR_LIMIT);
  entries[0] = two[0];
  entries[0].method = KT_METHOD_NONE;
  assert_int_equal(kt_contact_book_seal(&owner, entries, 1, nonce, *state, &sealed), KT_ERR_LIMIT);
  assert_null(sealed.data);
  assert_int_equal(kt_contact_book_seal(&owner, NULL, 0, nonce, *state, &sealed), KT_OK);
}

static void expect_merge(const struct kt_contact *contact, enum kt_book_merge merge, bool touched)
{
  struct kt_contact next;
  assert_int_equal(kt_contact_book_merge(contact, &two[0], &next), merge);
  if (!touched) {
    assert_memory_equal(&next, contact, sizeof next);
    return;
  }
  assert_int_equal(next.state, KT_CONTACT_VERIFIED);
  assert_int_equal(next.method, KT_METHOD_QR);
  assert_int_equal(next.verified_ms, two[0].verified_ms);
  assert_int_equal(next.policy, KT_CONTACT_STRICT);
  assert_true(next.has_key && kt_account_key_equal(&next.key, &two[0].key));
}

static void test_merging(void **state)
{
  (void)state;
  struct kt_contact contact = { .has_key = false };
  expect_merge(&contact, KT_BOOK_ADDED, true);
  kt_contact_pin(&contact, &two[0].key, 50);
  expect_merge(&contact, KT_BOOK_VERIFIED, true);
  kt_contact_key_changed(&contact, &two[1].key, 60);
  expect_merge(&contact, KT_BOOK_KEPT_CHANGED, false); /* with the very key that was verified elsewhere */
  kt_contact_pin(&contact, &two[1].key, 50);
  expect_merge(&contact, KT_BOOK_DIFFERS, false);
  contact.state = KT_CONTACT_VERIFIED;
  contact.method = KT_METHOD_SAS;
  expect_merge(&contact, KT_BOOK_DIFFERS, false);
}

static void test_what_is_verified_here_stays(void **state)
{
  (void)state;
  struct kt_contact contact = { .has_key = true,
                                .key = two[0].key,
                                .state = KT_CONTACT_VERIFIED,
                                .method = KT_METHOD_SAS,
                                .verified_ms = 99,
                                .since_ms = 99 };
  struct kt_contact next;
  assert_int_equal(kt_contact_book_merge(&contact, &two[0], &next), KT_BOOK_KNOWN);
  assert_int_equal(next.method, KT_METHOD_SAS);
  assert_int_equal(next.verified_ms, 99);
  assert_int_equal(next.policy, KT_CONTACT_STRICT); /* the stricter one of both */
  struct kt_book_entry lax = two[0];
  lax.policy = KT_CONTACT_NORMAL;
  contact = next;
  assert_int_equal(kt_contact_book_merge(&contact, &lax, &next), KT_BOOK_KNOWN);
  assert_int_equal(next.policy, KT_CONTACT_STRICT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(test_bytes_of_the_file),           account_test(test_comes_back),
    account_test(test_tampered_and_foreign_files),  account_test(test_rules),
    account_test(test_limits_of_what_is_made),      account_test(test_merging),
    account_test(test_what_is_verified_here_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
