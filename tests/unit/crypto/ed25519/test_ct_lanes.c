/* SPDX-License-Identifier: Apache-2.0 */
/* Secret scalars in lanes, checked by valgrind as in test_ct_fast.c. Valgrind knows no processor with such lanes: it runs the same
 * code with its multiplication in plain C. */
#include "unit/crypto/crypto_test.h"
#include "unit/crypto/ed25519/plain_lanes.h"
#include "unit/crypto/secret_test.h"

static void test_ct_lanes_mul(void **state)
{
  (void)state;
  struct kt_ge points[KT_LANES];
  struct kt_ge products[KT_LANES];
  uint8_t scalars[KT_LANES][KT_GE_SCALAR_LEN];
  uint8_t encoded[KT_LANES][KT_GE_LEN];
  uint8_t encoded_in_lanes[KT_LANES][KT_GE_LEN];
  for (size_t i = 0; i < KT_LANES; i++) {
    points[i] = kt_ge_base;
    memset(scalars[i], (int)(17 * i + 3) & 0x7f, sizeof scalars[i]);
    kt_ge_base_mul(scalars[i], &products[i]);
  }
  kt_ge_encode(products, KT_LANES, encoded);
  mark_secret(scalars, sizeof scalars);
  plain_lanes_mul(points, scalars, products);
  kt_ge_encode(products, KT_LANES, encoded_in_lanes);
  assert_true(n_reported() == 0);
  if (under_valgrind()) { /* the secret went all the way: nothing was computed around it */
    assert_true(depends_on_secret(encoded_in_lanes[0], sizeof encoded_in_lanes));
  }
  mark_public(encoded_in_lanes, sizeof encoded_in_lanes);
  assert_memory_equal(encoded_in_lanes, encoded, sizeof encoded);
}

int main(void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_ct_lanes_mul) };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
