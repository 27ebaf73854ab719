/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/device_set.h>

#include "accounts.h"

#include "base/hex.h"

/* Built field by field with Python's struct from docs/formats.md, signed with the openssl command (seeds 01…01 for the
 * account key, 03…03 for the earlier key that endorses it, 02…02 for a recovery key): log id aa…aa, label "alice", seq
 * 2, previous bb…bb, one device "Tél" with an X25519 and a raw key, an unknown extension 0x7777 "hi". */
static const char signed_hex[] =
    "01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa05616c69636500000002bbbbbbbbbbbbbbbb"
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01458a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3"
    "748801b40f6f5c01010101010101010101010101010101010454c3a96c0000018bcfe568000200020020111111111111111111"
    "11111111111111111111111111111111111111111111110009000378797a01458139770ea87d175f56a35466c34c7ecccb8d8a"
    "91b4ee37a25df60f5b8fc9b3940145ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d175ec5cdc"
    "5c6831f6465ef9137be87485c9ba376797f5dd17eb8907849c58b9c2d005807d65aeec6f72a1bd1dee2672d0f668e3783cd3fd"
    "635b3eafde78c175060177770002686940b002924e7b103fc3ccfb19a32a9dbea4f9581111cd089c3eeb73525c1a4dea6fefb7"
    "7af03a8d03c4072b72afb7897b49b3b01b196223195c64f5c2da4e7d1c03";
static const char unsigned_hex[] =
    "01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa05616c69636500000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000";

static struct kt_bytes from_hex(const char *hex, struct kt_arena *arena)
{
  size_t len = 0;
  uint8_t *bytes = kt_arena_alloc(arena, strlen(hex) / 2, 1);
  assert_int_equal(kt_hex_decode(hex, strlen(hex), strlen(hex) / 2, bytes, &len), KT_OK);
  return (struct kt_bytes){ bytes, len };
}

static void assert_hash(const struct kt_hash *hash, const char *hex)
{
  char text[KT_HEX_SIZE(KT_HASH_LEN)];
  kt_hex_encode((struct kt_bytes){ hash->b, sizeof hash->b }, text);
  assert_string_equal(text, hex);
}

static void test_hand_made_signed_set(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_bytes value = from_hex(signed_hex, arena);
  struct kt_device_set set;
  assert_int_equal(kt_device_set_decode(value, arena, &set), KT_OK);
  assert_int_equal(set.log_id.b[31], 0xaa);
  assert_memory_equal(set.label.data, "alice", 5);
  assert_int_equal(set.seq, 2);
  assert_int_equal(set.previous.b[0], 0xbb);
  assert_true(set.is_signed);
  struct kt_account_key keys[] = { key_of(1), key_of(2), key_of(3) };
  assert_memory_equal(&set.account_key, &keys[0], sizeof keys[0]);
  assert_int_equal(set.n_devices, 1);
  assert_int_equal(set.devices[0].id.b[15], 1);
  assert_int_equal(set.devices[0].name.len, 4);
  assert_int_equal(set.devices[0].added_ms, 1700000000000);
  assert_int_equal(set.devices[0].n_keys, 2);
  assert_int_equal(set.devices[0].keys[0].algorithm, KT_KEY_X25519);
  assert_memory_equal(set.devices[0].keys[1].key.data, "xyz", 3);
  assert_int_equal(set.n_recovery_keys, 1);
  assert_memory_equal(&set.recovery_keys[0], &keys[1], sizeof keys[1]);
  assert_true(set.has_endorsement);
  assert_memory_equal(&set.endorsement.key, &keys[2], sizeof keys[2]);
  assert_int_equal(set.n_extensions, 1);
  assert_int_equal(set.extensions[0].type, 0x7777);

  assert_int_equal(kt_device_set_verify(&set), KT_OK);
  assert_int_equal(kt_endorsement_verify(&set, &keys[2]), KT_OK);
  /* An endorsement speaks about one predecessor only. */
  assert_int_equal(kt_endorsement_verify(&set, &keys[1]), KT_ERR_PROOF);

  struct kt_hash hash;
  kt_device_set_value_hash(value, &hash);
  assert_hash(&hash, "41cd8ef635701e43e425a7a40f23876c6b88b5b9c5319423798db9367792b646");
  assert_int_equal(kt_device_key_fingerprint(&set.devices[0].keys[0], &hash), KT_OK);
  assert_hash(&hash, "b2f9765821597dca2e5a65f577aecc591c718b8bd0ea8d5590470b0d1eb8cfc9");
  assert_int_equal(kt_device_keys_hash(&set.devices[0], &hash), KT_OK);
  assert_hash(&hash, "72d2e8f6edd2764cab86ed464077d47555b36e80e657293d41835712b71e1dd9");
  kt_account_key_fingerprint(&set.account_key, &hash);
  assert_hash(&hash, "192a5d67ff8546fae0c522f59c394ad1361b7f9479ac24729ec8352cc37fc3ee");
}

static void assert_reencodes(const char *hex, struct kt_arena *arena)
{
  struct kt_bytes value = from_hex(hex, arena);
  struct kt_device_set set;
  assert_int_equal(kt_device_set_decode(value, arena, &set), KT_OK);
  struct kt_bytes again = encoded(&set, arena);
  assert_int_equal(again.len, value.len);
  assert_memory_equal(again.data, value.data, value.len);
}

static void test_decode_encode_same_bytes(void **state)
{
  assert_reencodes(signed_hex, *state);
  assert_reencodes(unsigned_hex, *state);
}

/* Ed25519 is deterministic, so signing the same fields again gives openssl's signatures. */
static void test_sign_gives_the_same_bytes(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_bytes value = from_hex(signed_hex, arena);
  struct kt_device_set set;
  assert_int_equal(kt_device_set_decode(value, arena, &set), KT_OK);
  memset(set.signature, 0, sizeof set.signature);
  memset(&set.endorsement, 0, sizeof set.endorsement);
  set.is_signed = false;
  endorse(&set, 3, 3, 1);
  struct kt_bytes again = signed_by(&set, 1, arena);
  assert_int_equal(again.len, value.len);
  assert_memory_equal(again.data, value.data, value.len);
}

static void test_every_truncation_and_trailing_byte_refused(void **state)
{
  struct kt_arena *arena = *state;
  const char *const values[] = { signed_hex, unsigned_hex };
  for (size_t v = 0; v < 2; v++) {
    struct kt_bytes value = from_hex(values[v], arena);
    struct kt_device_set set;
    for (size_t len = 0; len < value.len; len++) {
      /* An exact copy, so that the address sanitizer sees a read past the end. */
      struct kt_bytes cut = { memcpy(test_malloc(len + 1), value.data, len), len };
      assert_int_not_equal(kt_device_set_decode(cut, arena, &set), KT_OK);
      test_free((void *)(uintptr_t)cut.data);
    }
    uint8_t *longer = kt_arena_alloc(arena, value.len + 1, 1);
    memcpy(longer, value.data, value.len);
    for (int trailing = 0; trailing < 256; trailing++) {
      longer[value.len] = (uint8_t)trailing;
      assert_int_equal(kt_device_set_decode((struct kt_bytes){ longer, value.len + 1 }, arena, &set), KT_ERR_FORMAT);
    }
  }
}

static void test_every_bit_flip_of_a_signed_set_refused(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_bytes value = from_hex(signed_hex, arena);
  size_t refused_by_signature = 0;
  for (size_t bit = 0; bit < 8 * value.len; bit++) {
    uint8_t *flipped = kt_arena_copy(arena, value.data, value.len);
    flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
    struct kt_device_set set;
    enum kt_err err = kt_device_set_decode((struct kt_bytes){ flipped, value.len }, arena, &set);
    if (err == KT_OK) {
      assert_int_equal(kt_device_set_verify(&set), KT_ERR_PROOF);
      refused_by_signature++;
    }
  }
  assert_true(refused_by_signature > 1000);
}

/* --- what a set may hold ------------------------------------------------------------------------------------- */

static struct kt_device_set plain_set(struct kt_arena *arena, const char *letters)
{
  const struct kt_account_state none = { 0 };
  return set_after(&none, arena, letters);
}

static void assert_not_encodable(const struct kt_device_set *set, struct kt_arena *arena, enum kt_err expected)
{
  struct kt_bytes value = { NULL, 0 };
  assert_int_equal(kt_device_set_encode(set, arena, &value), expected);
  assert_null(value.data);
}

static void test_devices_ascending_and_unique(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_device_set set = plain_set(arena, "ab");
  uint8_t *value = kt_arena_copy(arena, encoded(&set, arena).data, encoded(&set, arena).len);
  size_t len = encoded(&set, arena).len;
  struct kt_device_set decoded;
  assert_int_equal(kt_device_set_decode((struct kt_bytes){ value, len }, arena, &decoded), KT_OK);
  /* The id of the second device begins 16 + 1 + 6 + 8 + 1 + 2 + 2 + 1 = 37 bytes after that of the first. */
  uint8_t *first = memchr(value + 70, 'a', len - 70);
  uint8_t *second = first + 37;
  assert_int_equal(*second, 'b');
  memset(second, 'a', KT_DEVICE_ID_LEN);
  assert_int_equal(kt_device_set_decode((struct kt_bytes){ value, len }, arena, &decoded), KT_ERR_FORMAT);
  memset(first, 'c', KT_DEVICE_ID_LEN);
  assert_int_equal(kt_device_set_decode((struct kt_bytes){ value, len }, arena, &decoded), KT_ERR_FORMAT);
  set = plain_set(arena, "ba");
  assert_not_encodable(&set, arena, KT_ERR_FORMAT);
  set = plain_set(arena, "aa");
  assert_not_encodable(&set, arena, KT_ERR_FORMAT);
}

static void test_unsigned_means_no_key_no_signature_no_endorsement(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_bytes value = from_hex(unsigned_hex, arena);
  struct kt_device_set set;
  /* account key absent, signature there */
  uint8_t *with_signature = kt_arena_alloc(arena, value.len + 64, 1);
  memcpy(with_signature, value.data, value.len);
  with_signature[value.len - 1] = 64;
  assert_int_equal(kt_device_set_decode((struct kt_bytes){ with_signature, value.len + 64 }, arena, &set),
                   KT_ERR_FORMAT);
  /* account key there, signature empty */
  struct kt_bytes signed_value = from_hex(signed_hex, arena);
  uint8_t *without = kt_arena_copy(arena, signed_value.data, signed_value.len - 64);
  without[signed_value.len - 65] = 0;
  assert_int_equal(kt_device_set_decode((struct kt_bytes){ without, signed_value.len - 64 }, arena, &set),
                   KT_ERR_FORMAT);
  struct kt_device_set plain = plain_set(arena, "a");
  endorse(&plain, 1, 1, 2);
  assert_not_encodable(&plain, arena, KT_ERR_FORMAT);
  assert_int_equal(kt_device_set_verify(&plain), KT_ERR_PROOF);
}

static void test_type_bytes_format_and_text(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_bytes value = from_hex(signed_hex, arena);
  const struct {
    size_t at;
    uint8_t byte;
    enum kt_err err;
  } changes[] = {
    { 0, 2, KT_ERR_UNSUPPORTED },
    { 0, 0, KT_ERR_UNSUPPORTED },
    { 34, 0xff, KT_ERR_FORMAT } /* label */,
    { 75, 2, KT_ERR_FORMAT } /* presence */,
    { 76, 0x05, KT_ERR_FORMAT } /* account key */,
    { 128, 0xff, KT_ERR_FORMAT } /* name */,
    { 184, 0x44, KT_ERR_FORMAT } /* recovery key */,
    { 218, 0x44, KT_ERR_FORMAT } /* endorsement key */,
  };
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    uint8_t *changed = kt_arena_copy(arena, value.data, value.len);
    changed[changes[i].at] = changes[i].byte;
    struct kt_device_set set;
    enum kt_err err = kt_device_set_decode((struct kt_bytes){ changed, value.len }, arena, &set);
    if (err != changes[i].err) {
      fail_msg("byte %zu: %d", changes[i].at, (int)err);
    }
  }
}

static struct kt_device_set set_with_key(struct kt_arena *arena, size_t key_len)
{
  struct kt_device_set set = plain_set(arena, "ab");
  struct kt_device *devices = kt_arena_copy(arena, set.devices, 2 * sizeof *devices);
  struct kt_device_key *key = kt_arena_alloc(arena, 1, sizeof *key);
  *key = (struct kt_device_key){ KT_KEY_RAW, { kt_arena_alloc(arena, key_len + 1, 1), key_len } };
  devices[0].keys = key;
  set.devices = devices;
  return set;
}

static void test_size_limits(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_device_set set = set_with_key(arena, KT_DEVICE_KEY_MAX);
  struct kt_bytes value = encoded(&set, arena);
  struct kt_device_set decoded;
  assert_int_equal(kt_device_set_decode(value, arena, &decoded), KT_OK);
  set = set_with_key(arena, KT_DEVICE_KEY_MAX + 1);
  assert_not_encodable(&set, arena, KT_ERR_LIMIT);
  set = set_with_key(arena, 0);
  assert_not_encodable(&set, arena, KT_ERR_FORMAT);

  /* The extension fills the value up to 64 KiB, and one byte more. */
  set = plain_set(arena, "a");
  struct kt_set_extension extension = { 9, { kt_arena_alloc(arena, KT_DEVICE_SET_MAX, 1), 0 } };
  set.extensions = &extension;
  set.n_extensions = 1;
  extension.data.len = KT_DEVICE_SET_MAX - encoded(&set, arena).len;
  assert_int_equal(encoded(&set, arena).len, KT_DEVICE_SET_MAX);
  assert_int_equal(kt_device_set_decode(encoded(&set, arena), arena, &decoded), KT_OK);
  extension.data.len++;
  assert_not_encodable(&set, arena, KT_ERR_LIMIT);
  const uint8_t *huge = kt_arena_alloc(arena, KT_DEVICE_SET_MAX + 1, 1);
  assert_int_equal(kt_device_set_decode((struct kt_bytes){ huge, KT_DEVICE_SET_MAX + 1 }, arena, &decoded),
                   KT_ERR_LIMIT);
}

static void test_counts_over_255_refused(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_device_set set = plain_set(arena, "");
  struct kt_account_key *keys = kt_arena_alloc(arena, 256, sizeof *keys);
  for (size_t i = 0; i < 256; i++) {
    keys[i] = key_of(1);
  }
  set.recovery_keys = keys;
  set.n_recovery_keys = 255;
  struct kt_device_set decoded;
  assert_int_equal(kt_device_set_decode(encoded(&set, arena), arena, &decoded), KT_OK);
  assert_int_equal(decoded.n_recovery_keys, 255);
  set.n_recovery_keys = 256;
  assert_not_encodable(&set, arena, KT_ERR_LIMIT);
}

static void test_operator_key_only_in_unsigned_sets_once(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_account_key key = key_of(9);
  struct kt_set_extension extensions[2] = { { KT_SET_EXTENSION_OPERATOR_KEY, { key.b, sizeof key.b } },
                                            { KT_SET_EXTENSION_OPERATOR_KEY, { key.b, sizeof key.b } } };
  struct kt_device_set set = plain_set(arena, "a");
  assert_null(kt_device_set_operator_key(&set));
  set.extensions = extensions;
  set.n_extensions = 1;
  struct kt_device_set decoded;
  assert_int_equal(kt_device_set_decode(encoded(&set, arena), arena, &decoded), KT_OK);
  assert_memory_equal(kt_device_set_operator_key(&decoded), key.b, sizeof key.b);
  set.n_extensions = 2;
  assert_not_encodable(&set, arena, KT_ERR_FORMAT);
  set.n_extensions = 1;
  extensions[0].data.len--;
  assert_not_encodable(&set, arena, KT_ERR_FORMAT);
  extensions[0].data.len++;
  struct seed seed = seed_of(1);
  assert_int_equal(kt_device_set_sign(&set, seed.b), KT_OK);
  assert_not_encodable(&set, arena, KT_ERR_FORMAT);
}

static void test_algorithms(void **state)
{
  (void)state;
  const struct {
    const char *name;
    uint16_t number;
    size_t len; /* 0: any */
  } known[] = { { "ed25519", 1, 32 },   { "x25519", 2, 32 }, { "mlkem768", 4, 1184 }, { "mlkem1024", 5, 1568 },
                { "mldsa65", 6, 1952 }, { "openpgp", 7, 0 }, { "ssh", 8, 0 },         { "raw", 9, 0 } };
  uint8_t key[2000] = { 0x04 };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    uint16_t number = 0;
    assert_int_equal(kt_key_algorithm_from_name(known[i].name, strlen(known[i].name), &number), KT_OK);
    assert_int_equal(number, known[i].number);
    assert_string_equal(kt_key_algorithm_name(number), known[i].name);
    assert_int_equal(kt_key_algorithm_from_name(known[i].name, strlen(known[i].name) - 1, &number), KT_ERR_UNSUPPORTED);
    for (size_t len = 0; len <= sizeof key; len++) {
      bool fits = len > 0 && (known[i].len == 0 || known[i].len == len);
      assert_int_equal(kt_key_algorithm_fits(number, (struct kt_bytes){ key, len }), fits);
    }
  }
  for (size_t len = 0; len <= 70; len++) {
    for (unsigned lead = 0; lead < 256; lead++) {
      key[0] = (uint8_t)lead;
      bool fits = (len == 65 && lead == 4) || (len == 33 && (lead == 2 || lead == 3));
      assert_int_equal(kt_key_algorithm_fits(KT_KEY_P256, (struct kt_bytes){ key, len }), fits);
    }
  }
  assert_string_equal(kt_key_algorithm_name(3), "p256");
  assert_null(kt_key_algorithm_name(0));
  assert_null(kt_key_algorithm_name(0x7000));
  assert_true(kt_key_algorithm_fits(0x7000, (struct kt_bytes){ key, 1 }));
  assert_false(kt_key_algorithm_fits(0, (struct kt_bytes){ key, 1 }));
}

/* --- DEVICE arguments ------------------------------------------------------------------------------------------ */

static void test_find_by_prefix(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_device_set set;
  assert_int_equal(kt_device_set_decode(from_hex(signed_hex, arena), arena, &set), KT_OK);
  const struct kt_device *found = NULL;
  const char *const good[] = { "01010101010101010101010101010101",
                               "0",
                               "01",
                               "b2f9765821597dca2e5a65f577aecc591c718b8bd0ea8d5590470b0d1eb8cfc9",
                               "b",
                               "B2F9",
                               "d511028779" };
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    found = NULL;
    assert_int_equal(kt_device_set_find(&set, good[i], &found), KT_OK);
    assert_ptr_equal(found, &set.devices[0]);
  }
  const char *const unknown[] = { "02", "010101010101010101010101010101010", "c" };
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    assert_int_equal(kt_device_set_find(&set, unknown[i], &found), KT_ERR_ABSENT);
  }
  const char *const not_hex[] = {
    "", "T\xc3\xa9l", "0x01", "01 ", "device", "g", "b2f9765821597dca2e5a65f577aecc591c718b8bd0ea8d5590470b0d1eb8cfc90"
  };
  for (size_t i = 0; i < sizeof not_hex / sizeof not_hex[0]; i++) {
    assert_int_equal(kt_device_set_find(&set, not_hex[i], &found), KT_ERR_USAGE);
  }
}

static void test_find_ambiguous(void **state)
{
  struct kt_arena *arena = *state;
  struct kt_device_set set = plain_set(arena, "ab"); /* ids 6161… and 6262… */
  const struct kt_device *found = NULL;
  assert_int_equal(kt_device_set_find(&set, "6", &found), KT_ERR_CONFLICT);
  assert_null(found);
  assert_int_equal(kt_device_set_find(&set, "62", &found), KT_OK);
  assert_ptr_equal(found, &set.devices[1]);

  /* The same key on two devices: its fingerprint names neither. A name that looks like a prefix does not matter. */
  struct kt_device *devices = kt_arena_copy(arena, set.devices, 2 * sizeof *devices);
  devices[1].keys = devices[0].keys;
  devices[1].name = BYTES("61");
  set.devices = devices;
  struct kt_hash fingerprint;
  assert_int_equal(kt_device_key_fingerprint(&devices[0].keys[0], &fingerprint), KT_OK);
  char hex[KT_HEX_SIZE(KT_HASH_LEN)];
  kt_hex_encode((struct kt_bytes){ fingerprint.b, sizeof fingerprint.b }, hex);
  assert_int_equal(kt_device_set_find(&set, hex, &found), KT_ERR_CONFLICT);
  assert_int_equal(kt_device_set_find(&set, "61", &found), KT_OK);
  assert_ptr_equal(found, &devices[0]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    account_test(test_hand_made_signed_set),
    account_test(test_decode_encode_same_bytes),
    account_test(test_sign_gives_the_same_bytes),
    account_test(test_every_truncation_and_trailing_byte_refused),
    account_test(test_every_bit_flip_of_a_signed_set_refused),
    account_test(test_devices_ascending_and_unique),
    account_test(test_unsigned_means_no_key_no_signature_no_endorsement),
    account_test(test_type_bytes_format_and_text),
    account_test(test_size_limits),
    account_test(test_counts_over_255_refused),
    account_test(test_operator_key_only_in_unsigned_sets_once),
    account_test(test_algorithms),
    account_test(test_find_by_prefix),
    account_test(test_find_ambiguous),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
