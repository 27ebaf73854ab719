/* SPDX-License-Identifier: Apache-2.0 */
/* X25519 against RFC 7748 section 5.2 and 6.1, and the points that give no secret. */
#include "crypto_test.h"

#include "crypto/x25519.h"

static void assert_x25519(const char *secret_hex, const char *public_hex, const char *shared_hex)
{
  uint8_t secret[KT_X25519_LEN];
  uint8_t public[KT_X25519_LEN];
  uint8_t expected[KT_X25519_LEN];
  uint8_t shared[KT_X25519_LEN];
  (void)from_hex(secret_hex, secret, sizeof secret);
  (void)from_hex(public_hex, public, sizeof public);
  (void)from_hex(shared_hex, expected, sizeof expected);
  assert_int_equal(kt_x25519(secret, public, shared), KT_OK);
  assert_memory_equal(shared, expected, sizeof shared);
}

static void rfc7748_section_5_2(void **state)
{
  (void)state;
  assert_x25519("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  assert_x25519("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

static void rfc7748_a_thousand_iterations(void **state)
{
  (void)state;
  uint8_t k[KT_X25519_LEN] = { 9 };
  uint8_t u[KT_X25519_LEN] = { 9 };
  uint8_t next[KT_X25519_LEN];
  uint8_t expected[KT_X25519_LEN];
  for (size_t i = 0; i < 1000; i++) {
    assert_int_equal(kt_x25519(k, u, next), KT_OK);
    memcpy(u, k, sizeof u);
    memcpy(k, next, sizeof k);
  }
  (void)from_hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", expected, sizeof expected);
  assert_memory_equal(k, expected, sizeof k);
}

static void rfc7748_section_6_1(void **state)
{
  (void)state;
  static const char shared[] = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  static const struct {
    const char *secret;
    const char *public;
  } people[] = {
    { "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a" },
    { "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
      "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f" },
  };
  for (size_t i = 0; i < 2; i++) {
    uint8_t secret[KT_X25519_LEN];
    uint8_t public[KT_X25519_LEN];
    uint8_t expected[KT_X25519_LEN];
    (void)from_hex(people[i].secret, secret, sizeof secret);
    (void)from_hex(people[i].public, expected, sizeof expected);
    assert_int_equal(kt_x25519_public(secret, public), KT_OK);
    assert_memory_equal(public, expected, sizeof public);
    assert_x25519(people[i].secret, people[1 - i].public, shared);
  }
}

/* The seven u-coordinates of small order: canonical, unreduced, and with the ignored high bit. */
static void points_of_small_order_give_no_secret(void **state)
{
  (void)state;
  static const char *const points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  uint8_t secret[KT_X25519_LEN];
  memset(secret, 0x77, sizeof secret);
  for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
    for (unsigned high = 0; high < 2; high++) {
      uint8_t point[KT_X25519_LEN];
      uint8_t shared[KT_X25519_LEN] = { 0x5a };
      (void)from_hex(points[i], point, sizeof point);
      point[31] |= (uint8_t)(high << 7);
      assert_int_equal(kt_x25519(secret, point, shared), KT_ERR_CRYPTO);
      assert_int_equal(shared[0], 0x5a); /* untouched */
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(rfc7748_section_5_2),
    cmocka_unit_test(rfc7748_a_thousand_iterations),
    cmocka_unit_test(rfc7748_section_6_1),
    cmocka_unit_test(points_of_small_order_give_no_secret),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
