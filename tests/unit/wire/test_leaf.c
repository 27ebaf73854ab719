/* SPDX-License-Identifier: Apache-2.0 */
/* UpdateValue, UpdateTBS, CommitmentValue, VrfInput, LogEntry. Expected digests are Python's (hashlib, hmac) over
 * strings written out by hand. */
#include "wire_configs.h"

#include "wire/leaf.h"

static enum kt_err recode_value(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                struct kt_writer *w)
{
  struct kt_reader r;
  struct kt_update_value value;
  (void)arena;
  kt_reader_init(&r, in.data, in.len);
  kt_update_value_read(&r, config, &value);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    kt_update_value_write(w, config, &value);
  }
  return err;
}

static const uint8_t signature_123[] = { 1, 2, 3 };

static struct kt_update_value signed_value(void)
{
  return (struct kt_update_value){ TEXT("hi"), { signature_123, sizeof signature_123 } };
}

static void test_update_value_known_bytes_R3(void **state)
{
  (void)state;
  static const enum kt_mode modes[] = { KT_MODE_CONTACT_MONITORING, KT_MODE_THIRD_PARTY_AUDITING,
                                        KT_MODE_THIRD_PARTY_MANAGEMENT };
  /* opaque value<0..2^32-1>, and in management mode UpdateSuffix: opaque signature<0..2^16-1>. */
  static const char *const expected[] = { "00000002"
                                          "6869",
                                          "00000002"
                                          "6869",
                                          "00000002"
                                          "6869"
                                          "0003"
                                          "010203" };
  struct kt_update_value value = signed_value();
  for (size_t i = 0; i < 3; i++) {
    struct kt_config config = test_config(modes[i]);
    struct kt_writer w;
    kt_writer_init(&w, TEST_LIMIT);
    kt_update_value_write(&w, &config, &value);
    assert_written(&w, expected[i]);
    check_codec(expected[i], recode_value, &config);
  }
  struct kt_config managed = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  check_codec("00000000"
              "0000",
              recode_value, &managed);

  struct kt_bytes in = bytes_hex(expected[2]);
  struct kt_reader r;
  kt_reader_init(&r, in.data, in.len);
  kt_update_value_read(&r, &managed, &value);
  assert_int_equal(kt_reader_end(&r), KT_OK);
  assert_hex(value.value.data, value.value.len, "6869");
  assert_hex(value.signature.data, value.signature.len, "010203");
  bytes_free(in);
}

static void test_value_bounds_R3(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  uint8_t *big = calloc(1, 4 + KT_VALUE_MAX + 1 + 2);
  assert_non_null(big);
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_update_value_write(&w, &config, &(struct kt_update_value){ { big, KT_VALUE_MAX }, { big, 65535 } });
  assert_int_equal(w.err, KT_OK);
  assert_true(recodes((struct kt_bytes){ w.buf, w.len }, recode_value, &config));
  kt_writer_release(&w);
  kt_writer_init(&w, TEST_LIMIT);
  kt_update_value_write(&w, &config, &(struct kt_update_value){ { big, KT_VALUE_MAX + 1 }, { big, 0 } });
  assert_refused(&w, KT_ERR_LIMIT);
  kt_writer_init(&w, TEST_LIMIT);
  kt_update_value_write(&w, &config, &(struct kt_update_value){ { big, 1 }, { big, 65536 } });
  assert_refused(&w, KT_ERR_LIMIT);

  /* A well-formed value one byte over our cap. */
  big[1] = 0x10;
  big[3] = 0x01;
  assert_false(recodes((struct kt_bytes){ big, 4 + KT_VALUE_MAX + 1 + 2 }, recode_value, &config));
  free(big);
}

static void test_update_sign_data_known_bytes(void **state)
{
  (void)state;
  struct kt_bytes in;
  struct kt_config config = decode_config(CONFIG_MANAGED, &in);
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_update_sign_data(&w, &config, TEXT("alice"), 9, TEXT("hi"));
  /* Configuration, label<0..2^8-1>, uint32 version, value<0..2^32-1>. */
  assert_written(&w, CONFIG_MANAGED "05"
                                    "616c696365"
                                    "00000009"
                                    "00000002"
                                    "6869");
  bytes_free(in);
}

static void test_commitment_R42(void **state)
{
  (void)state;
  static const uint8_t opening[KT_OPENING_LEN] = { HASH8(0x0f), HASH8(0x0f) };
  struct kt_config contact = test_config(KT_MODE_CONTACT_MONITORING);
  struct kt_config managed = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  struct kt_update_value value = signed_value();
  struct kt_hash commitment;
  assert_int_equal(kt_commitment(&contact, opening, TEXT("alice"), 9, &value, &commitment), KT_OK);
  assert_hex(commitment.b, sizeof commitment.b, "6cb81538b0a2e59958c7dc51cc6dfaa40cbfef0bdc11b18c4a75de536e0e7853");
  /* In management mode the signature is committed to as well. */
  assert_int_equal(kt_commitment(&managed, opening, TEXT("alice"), 9, &value, &commitment), KT_OK);
  assert_hex(commitment.b, sizeof commitment.b, "89d3482af85a35988967e84887522d913b43a1de4081ec70a83accd207eb5e18");
}

static void test_commitment_limits(void **state)
{
  (void)state;
  static const uint8_t opening[KT_OPENING_LEN];
  struct kt_config config = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  uint8_t *big = calloc(1, KT_VALUE_MAX + 1);
  assert_non_null(big);
  struct kt_update_value value = { { big, KT_VALUE_MAX }, { big, 65535 } };
  struct kt_hash commitment = HASH(0x5a);
  assert_int_equal(kt_commitment(&config, opening, (struct kt_bytes){ big, 256 }, 0, &value, &commitment),
                   KT_ERR_LIMIT);
  value.value.len++;
  assert_int_equal(kt_commitment(&config, opening, TEXT("a"), 0, &value, &commitment), KT_ERR_LIMIT);
  assert_hex(commitment.b, sizeof commitment.b, X32("5a"));
  /* The largest of everything fits. */
  value.value.len = KT_VALUE_MAX;
  assert_int_equal(kt_commitment(&config, opening, (struct kt_bytes){ big, 255 }, 0, &value, &commitment), KT_OK);
  free(big);
}

static void test_vrf_input_known_bytes(void **state)
{
  (void)state;
  uint8_t buf[KT_VRF_INPUT_MAX];
  static const uint8_t label[256];
  assert_hex(buf, kt_vrf_input(TEXT("alice"), 0x01020304, buf),
             "05"
             "616c696365"
             "01020304");
  assert_hex(buf, kt_vrf_input((struct kt_bytes){ label, 0 }, 0xffffffff, buf),
             "00"
             "ffffffff");
  assert_int_equal(kt_vrf_input((struct kt_bytes){ label, 255 }, 0, buf), 260);
  assert_int_equal(kt_vrf_input((struct kt_bytes){ label, 256 }, 0, buf), 0);
}

static void test_log_entry_hash(void **state)
{
  (void)state;
  static const struct kt_hash prefix_root = HASH(0x77);
  struct kt_hash hash;
  kt_log_entry_hash(0x1a2b3c4d5e6, &prefix_root, &hash);
  assert_hex(hash.b, sizeof hash.b, "3b256ff86c2c179fc2abbe5023ef41815b5ad4f5ad3d2ac49b6b52ed412aa636");
}

static int init_crypto(void **state)
{
  (void)state;
  return kt_crypto_init() == KT_OK ? 0 : -1;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_update_value_known_bytes_R3),
    cmocka_unit_test(test_value_bounds_R3),
    cmocka_unit_test(test_update_sign_data_known_bytes),
    cmocka_unit_test(test_commitment_R42),
    cmocka_unit_test(test_commitment_limits),
    cmocka_unit_test(test_vrf_input_known_bytes),
    cmocka_unit_test(test_log_entry_hash),
  };
  return cmocka_run_group_tests(tests, init_crypto, NULL);
}
