/* SPDX-License-Identifier: Apache-2.0 */
/* ManagerUpdateRequest; the Service Operator's signature over a value. */
#include "wire_configs.h"
#include "wire_test.h"

#include "wire/leaf.h"
#include "wire/manager.h"

static enum kt_err recode(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                          struct kt_writer *w)
{
  struct kt_manager_update_request request;
  enum kt_err err = kt_manager_update_request_decode(in, config, arena, &request);
  if (err == KT_OK) {
    kt_manager_update_request_write(w, config, &request);
  }
  return err;
}

/* clang-format off */
static const char request_hex[] =
  "01" "0000000000000008"               /* optional<uint64> last */
  "05" "616c696365"                     /* label<0..2^8-1> */
  "01" "00000002"                       /* optional<uint32> greatest_version */
  "02"                                  /* UpdateValue values<0..2^8-1> */
    "00000002" "6869" "0003" "010203"   /* value<0..2^32-1>, suffix: signature<0..2^16-1> */
    "00000000" "0000"
  "00000005";                           /* uint32 signed_version, the last field */
static const char request_asking[] = "00" "05" "616c696365" "00" "00" "00000000";
/* clang-format on */

static void test_known_bytes(void **state)
{
  static const uint8_t signature[] = { 1, 2, 3 };
  const struct kt_config config = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  const struct kt_update_value values[] = { { TEXT("hi"), { signature, 3 } }, { TEXT(""), { NULL, 0 } } };
  const struct kt_manager_update_request request = { { true, 8 }, TEXT("alice"), { true, 2 }, values, 2, 5 };
  struct kt_writer w;
  (void)state;
  kt_writer_init(&w, TEST_LIMIT);
  kt_manager_update_request_write(&w, &config, &request);
  assert_written(&w, request_hex);
  check_codec(request_hex, recode, &config);
  check_codec(request_asking, recode, &config);
}

static void test_refused_R1_R3(void **state)
{
  const struct kt_config config = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  (void)state;
  check_refused("02"
                "05"
                "616c696365"
                "00"
                "00"
                "00000000",
                recode, &config);
  /* More values than there are, and a signature longer than what is left. */
  check_refused("00"
                "05"
                "616c696365"
                "00"
                "ff"
                "00000000"
                "0000"
                "00000000",
                recode, &config);
  check_refused("00"
                "05"
                "616c696365"
                "00"
                "01"
                "00000000"
                "ffff"
                "00000000",
                recode, &config);
}

/* RFC 8032, section 7.1, test 3: the secret key of the configuration's leaf_public_key. */
static const char leaf_seed_hex[] = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";

static void test_signature_R38(void **state)
{
  struct kt_bytes in;
  const struct kt_bytes seed = bytes_hex(leaf_seed_hex);
  struct kt_config config = decode_config(CONFIG_MANAGED, &in);
  uint8_t signature[KT_SIGNATURE_MAX];
  struct kt_update_value value = { TEXT("hi"), { signature, config.suite->signature_len } };
  (void)state;
  assert_int_equal(kt_crypto_init(), KT_OK);
  assert_int_equal(kt_update_value_sign(&config, seed.data, TEXT("alice"), 9, value.value, signature), KT_OK);
  assert_int_equal(kt_update_value_verify(&config, TEXT("alice"), 9, &value), KT_OK);
  assert_int_equal(kt_update_value_verify(&config, TEXT("alice"), 8, &value), KT_ERR_PROOF);
  assert_int_equal(kt_update_value_verify(&config, TEXT("alic"), 9, &value), KT_ERR_PROOF);
  value.value = TEXT("ho");
  assert_int_equal(kt_update_value_verify(&config, TEXT("alice"), 9, &value), KT_ERR_PROOF);
  value.value = TEXT("hi");
  for (size_t bit = 0; bit < 8 * config.suite->signature_len; bit++) {
    signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(kt_update_value_verify(&config, TEXT("alice"), 9, &value), KT_ERR_PROOF);
    signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  value.signature.len--;
  assert_int_equal(kt_update_value_verify(&config, TEXT("alice"), 9, &value), KT_ERR_PROOF);
  value.signature.len = 0;
  assert_int_equal(kt_update_value_verify(&config, TEXT("alice"), 9, &value), KT_ERR_PROOF);
  config.mode = KT_MODE_CONTACT_MONITORING; /* there is no suffix */
  assert_int_equal(kt_update_value_verify(&config, TEXT("alice"), 9, &value), KT_OK);
  bytes_free(seed);
  bytes_free(in);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_known_bytes),
    cmocka_unit_test(test_refused_R1_R3),
    cmocka_unit_test(test_signature_R38),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
