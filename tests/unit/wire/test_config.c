/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration. */
#include "wire_configs.h"

static enum kt_err recode(struct kt_bytes in, const struct kt_config *unused, struct kt_arena *arena,
                          struct kt_writer *w)
{
  struct kt_config config;
  (void)unused;
  (void)arena;
  enum kt_err err = kt_config_decode(in, &config, NULL);
  if (err == KT_OK) {
    kt_config_write(w, &config);
  }
  return err;
}

#define LIFETIME CONFIG_SUITE "01" CONFIG_KEYS CONFIG_TIMES

static void test_known_bytes_R3(void **state)
{
  (void)state;
  check_codec(CONFIG_CONTACT, recode, NULL);
  check_codec(CONFIG_MANAGED, recode, NULL);
  check_codec(CONFIG_AUDITED, recode, NULL);
  check_codec(LIFETIME "01"
                       "0000000005265c01",
              recode, NULL);
}

static void test_decoded_fields(void **state)
{
  (void)state;
  struct kt_bytes in;
  struct kt_config config = decode_config(CONFIG_AUDITED, &in);
  assert_int_equal(config.suite->id, KT_SUITE_ED25519);
  assert_int_equal(config.mode, KT_MODE_THIRD_PARTY_AUDITING);
  assert_hex(config.signature_public_key.data, config.signature_public_key.len, KEY_1);
  assert_hex(config.vrf_public_key.data, config.vrf_public_key.len, KEY_2);
  assert_int_equal(config.leaf_public_key.len, 0);
  assert_int_equal(config.max_auditor_lag, 60000);
  assert_int_equal(config.auditor_start_pos, 3);
  assert_hex(config.auditor_public_key.data, config.auditor_public_key.len, KEY_3);
  assert_int_equal(config.max_ahead, 10000);
  assert_int_equal(config.max_behind, 600000);
  assert_int_equal(config.reasonable_monitoring_window, 86400000);
  assert_false(config.has_maximum_lifetime);
  bytes_free(in);

  config = decode_config(CONFIG_MANAGED, &in);
  assert_int_equal(config.mode, KT_MODE_THIRD_PARTY_MANAGEMENT);
  assert_hex(config.leaf_public_key.data, config.leaf_public_key.len, KEY_3);
  assert_int_equal(config.auditor_public_key.len, 0);
  bytes_free(in);

  config = decode_config(LIFETIME "01"
                                  "0000000005265c01",
                         &in);
  assert_true(config.has_maximum_lifetime);
  assert_int_equal(config.maximum_lifetime, 86400001);
  bytes_free(in);
}

static void test_encode_into_buffer(void **state)
{
  (void)state;
  struct kt_bytes in;
  struct kt_config config = decode_config(CONFIG_AUDITED, &in);
  uint8_t buf[KT_CONFIG_MAX];
  size_t len = kt_config_encode(&config, buf);
  assert_hex(buf, len, CONFIG_AUDITED);

  struct kt_config bad = config;
  bad.mode = (enum kt_mode)0;
  assert_int_equal(kt_config_encode(&bad, buf), 0);
  bad = config;
  bad.suite = NULL;
  assert_int_equal(kt_config_encode(&bad, buf), 0);
  static const uint8_t long_key[KT_CONFIG_MAX];
  bad = config;
  bad.auditor_public_key = (struct kt_bytes){ long_key, sizeof long_key };
  assert_int_equal(kt_config_encode(&bad, buf), 0);
  bytes_free(in);
}

static void check_reason(const char *hex, enum kt_err err, const char *code)
{
  struct kt_bytes in = bytes_hex(hex);
  struct kt_config config;
  struct kt_config before;
  struct kt_reason reason = { 0 };
  memset(&config, 0x5a, sizeof config);
  memcpy(&before, &config, sizeof config);
  assert_int_equal(kt_config_decode(in, &config, &reason), err);
  assert_non_null(reason.code);
  assert_string_equal(reason.code, code);
  assert_non_null(reason.section);
  assert_memory_equal(&config, &before, sizeof config);
  bytes_free(in);
}

static void test_malformed_R1_R3(void **state)
{
  (void)state;
  check_reason("", KT_ERR_FORMAT, "config-format");
  check_reason("0002", KT_ERR_FORMAT, "config-format");
  check_reason("000201", KT_ERR_FORMAT, "config-format");
  check_reason(CONFIG_CONTACT "00", KT_ERR_FORMAT, "config-format");
  check_reason(LIFETIME "02"
                        "0000000005265c01",
               KT_ERR_FORMAT, "config-format");
  check_reason(LIFETIME "ff", KT_ERR_FORMAT, "config-format");
}

static void test_suite_and_mode_R2_R4(void **state)
{
  (void)state;
#define REST CONFIG_KEYS CONFIG_TIMES CONFIG_NO_LIFETIME
  check_reason("0000"
               "01" REST,
               KT_ERR_UNSUPPORTED, "config-suite");
  check_reason("0003"
               "01" REST,
               KT_ERR_UNSUPPORTED, "config-suite");
  check_reason("f000"
               "01" REST,
               KT_ERR_UNSUPPORTED, "config-suite");
  check_reason("0002"
               "00" REST,
               KT_ERR_UNSUPPORTED, "config-mode");
  check_reason("0002"
               "04" REST,
               KT_ERR_UNSUPPORTED, "config-mode");
  check_reason("0002"
               "ff" REST,
               KT_ERR_UNSUPPORTED, "config-mode");
}

static void test_keys_that_do_not_fit_R4(void **state)
{
  (void)state;
#define END CONFIG_TIMES CONFIG_NO_LIFETIME
  const enum kt_err err = KT_ERR_CRYPTO;
  check_reason("000201"
               "0000"
               "0020" KEY_2 END,
               err, "config-keys");
  check_reason("000201"
               "001f" X16("11") X8("11") "11111111111111"
                                         "0020" KEY_2 END,
               err, "config-keys");
  check_reason("000201"
               "0021" KEY_1 "00"
               "0020" KEY_2 END,
               err, "config-keys");
  check_reason("000201"
               "0020" KEY_1 "0000" END,
               err, "config-keys");
  check_reason("000201"
               "0020" KEY_1 "0021" KEY_2 "00" END,
               err, "config-keys");
  /* The neutral element is of small order, as VRF key and as signature key. */
#define NEUTRAL \
  "01"          \
  "00"          \
  "0000" X8("00") X8("00") X8("00") "00000000"
  check_reason("000201"
               "0020" KEY_1 "0020" NEUTRAL END,
               err, "config-keys");
  check_reason("000201"
               "0020" NEUTRAL "0020" KEY_2 END,
               err, "config-keys");
  /* Keys of the third party: empty, as in a configuration of another mode, and too long. */
  check_reason("000202" CONFIG_KEYS "0000" END, err, "config-keys");
  check_reason("000202" CONFIG_KEYS "0021" KEY_3 "00" END, err, "config-keys");
  check_reason("000203" CONFIG_KEYS X16("00") "0000" END, err, "config-keys");
  check_reason("000203" CONFIG_KEYS X16("00") "0020" NEUTRAL END, err, "config-keys");
}

static void test_fields_of_another_mode_R4(void **state)
{
  (void)state;
  /* The draft has no leaf_public_key in contact monitoring mode. */
  check_reason("000201" CONFIG_KEYS CONFIG_MANAGER END, KT_ERR_FORMAT, "config-format");
  check_reason("000201" CONFIG_KEYS CONFIG_AUDITOR END, KT_ERR_FORMAT, "config-format");
  check_reason("000203" CONFIG_KEYS CONFIG_MANAGER END, KT_ERR_FORMAT, "config-format");
}

static void test_equal_keys_R4(void **state)
{
  (void)state;
  const enum kt_err err = KT_ERR_CRYPTO;
  check_reason("000201"
               "0020" KEY_1 "0020" KEY_1 END,
               err, "config-keys");
  check_reason("000202"
               "0020" KEY_1 "0020" KEY_2 "0020" KEY_1 END,
               err, "config-keys");
  check_reason("000202"
               "0020" KEY_1 "0020" KEY_2 "0020" KEY_2 END,
               err, "config-keys");
  check_reason("000203"
               "0020" KEY_1 "0020" KEY_2 X16("00") "0020" KEY_1 END,
               err, "config-keys");
  check_reason("000203"
               "0020" KEY_1 "0020" KEY_2 X16("00") "0020" KEY_2 END,
               err, "config-keys");
}

/* P-256: RFC 6979 appendix A.2.5, uncompressed; RFC 9381 examples 10 and 12, compressed. Example 10 is the same key. */
#define P256_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define P256_SIGN "04" P256_X "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define P256_VRF_SAME "03" P256_X
#define P256_VRF \
  "03"           \
  "596375e6ce57e0f20294fc46bdfcfd19a39f8161b58695b3ec5b3d16427c274d"

static void test_equal_points_in_two_encodings_R4(void **state)
{
  (void)state;
  if (kt_suite_by_id(KT_SUITE_P256) == NULL) {
    skip();
  }
  check_codec("000101"
              "0041" P256_SIGN "0021" P256_VRF END,
              recode, NULL);
  check_reason("000101"
               "0041" P256_SIGN "0021" P256_VRF_SAME END,
               KT_ERR_CRYPTO, "config-keys");
}

static void test_lifetime_R4(void **state)
{
  (void)state;
  check_reason(LIFETIME "01"
                        "0000000000000000",
               KT_ERR_FORMAT, "config-lifetime");
  check_reason(LIFETIME "01"
                        "0000000000000001",
               KT_ERR_FORMAT, "config-lifetime");
  check_reason(LIFETIME "01"
                        "0000000005265c00",
               KT_ERR_FORMAT, "config-lifetime");
  /* Zero stays refused when the window is zero too. */
  check_reason("000201" CONFIG_KEYS X16("00") X8("00") "01" X8("00"), KT_ERR_FORMAT, "config-lifetime");
}

/* The expected value is Python's: hashlib.sha256 over the string written out by hand. */
static void test_log_id(void **state)
{
  (void)state;
  static const char expected[] = "e6b7258b5a7c024cb809672a2d59cc9b509c5fc11275477f3d15fc3e9c17a6bc";
  struct kt_bytes in;
  struct kt_hash id;
  struct kt_config config = decode_config(CONFIG_CONTACT, &in);
  kt_config_log_id(&config, &id);
  assert_hex(id.b, sizeof id.b, expected);
  bytes_free(in);
  /* It survives a change of mode, third party and windows. */
  config = decode_config(CONFIG_AUDITED, &in);
  config.max_behind = 1;
  kt_config_log_id(&config, &id);
  assert_hex(id.b, sizeof id.b, expected);
  bytes_free(in);
}

static int init_crypto(void **state)
{
  (void)state;
  return kt_crypto_init() == KT_OK ? 0 : -1;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_known_bytes_R3),
    cmocka_unit_test(test_decoded_fields),
    cmocka_unit_test(test_encode_into_buffer),
    cmocka_unit_test(test_malformed_R1_R3),
    cmocka_unit_test(test_suite_and_mode_R2_R4),
    cmocka_unit_test(test_keys_that_do_not_fit_R4),
    cmocka_unit_test(test_fields_of_another_mode_R4),
    cmocka_unit_test(test_equal_keys_R4),
    cmocka_unit_test(test_equal_points_in_two_encodings_R4),
    cmocka_unit_test(test_lifetime_R4),
    cmocka_unit_test(test_log_id),
  };
  return cmocka_run_group_tests(tests, init_crypto, NULL);
}
