/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct kt_suite *test_suite(void)
{
  static const struct kt_suite *suite;
  if (suite == NULL) {
    const char *name = getenv("KT_TEST_SUITE");
    bool p256 = name != NULL && strcmp(name, "p256") == 0;
    assert_true(name == NULL || p256 || strcmp(name, "ed25519") == 0);
    assert_int_equal(kt_crypto_init(), KT_OK); /* takes milliseconds: once */
    suite = kt_suite_by_id(p256 ? KT_SUITE_P256 : KT_SUITE_ED25519);
  }
  assert_non_null(suite);
  return suite;
}

struct kt_sign_key test_sign_key(const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN])
{
  struct kt_sign_key key;
  assert_int_equal(suite->sign_key_init(&key, seed), KT_OK);
  return key;
}

struct kt_vrf_key test_vrf_key(const struct kt_suite *suite, const uint8_t seed[static KT_SEED_LEN])
{
  struct kt_vrf_key key;
  assert_int_equal(suite->vrf_key_init(&key, seed), KT_OK);
  return key;
}

enum kt_mode test_mode(void)
{
  const char *name = getenv("KT_TEST_MODE");
  bool auditing = name != NULL && strcmp(name, "auditing") == 0;
  bool management = name != NULL && strcmp(name, "management") == 0;
  assert_true(name == NULL || auditing || management || strcmp(name, "contact") == 0);
  return auditing ? KT_MODE_THIRD_PARTY_AUDITING
                  : (management ? KT_MODE_THIRD_PARTY_MANAGEMENT : KT_MODE_CONTACT_MONITORING);
}

size_t test_cache_bytes(void)
{
  const char *bytes = getenv("KT_TEST_CACHE");
  return bytes != NULL ? (size_t)strtoul(bytes, NULL, 10) : 0;
}
