/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials and updates damaged in every way a wire can damage them: each bit flipped, cut at each byte, one byte too many.
 * Each is refused, or means the same. */
#include "credential_test.h"

#include "support/toy_suite.h"

static void check_damaged(struct bob *bob, struct kt_bytes damaged, size_t at, const struct kt_credential_result *want)
{
  struct kt_credential_result result;
  struct kt_client client = bob->client;
  struct kt_arena arena;
  kt_arena_init(&arena, (size_t)4 << 20);
  bob->reason = (struct kt_reason){ .code = NULL };
  client.arena = &arena;
  enum kt_err err = kt_verify_credential(&client, &bob->recent, damaged, &result);
  if (err != KT_OK) {
    assert_non_null(bob->reason.code);
  } else if (result.version != want->version || result.position != want->position ||
             result.is_provisional != want->is_provisional || result.value.len != want->value.len ||
             memcmp(result.value.data, want->value.data, want->value.len) != 0) {
    fail_msg("damage at %u was accepted, and means something else", (unsigned)at);
  }
  kt_arena_release(&arena);
}

static void damage_everything(struct bob *bob)
{
  static uint8_t copy[8192];
  assert_int_equal(check(bob, &bob->credential), KT_OK);
  const struct kt_credential_result want = bob->result;
  const struct kt_bytes encoded = toy_credential_encode(&bob->log, &bob->credential, &bob->arena);
  assert_true(encoded.len < sizeof copy);
  memcpy(copy, encoded.data, encoded.len);
  for (size_t bit = 0; bit < 8 * encoded.len; bit++) {
    copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    check_damaged(bob, (struct kt_bytes){ copy, encoded.len }, bit / 8, &want);
    copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  struct kt_credential_result result;
  for (size_t cut = 0; cut <= encoded.len; cut++) {
    const struct kt_bytes bytes = { copy, cut < encoded.len ? cut : encoded.len + 1 };
    copy[encoded.len] = 0;
    assert_int_not_equal(kt_verify_credential(&bob->client, &bob->recent, bytes, &result), KT_OK);
  }
}

static void real_signatures(struct bob *bob)
{
  bob->log.config.suite = toy_suite();
  memset(bob->log.signed_heads, 0, sizeof bob->log.signed_heads);
  toy_credential_make(&bob->log, SIZE, REJECT_LABEL, bob->credential.position, &bob->arena, &bob->credential);
}

static void test_R3_damaged_credentials(void **state)
{
  static struct bob bob;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 0, 7);
  real_signatures(&bob);
  damage_everything(&bob);
  bob_release(&bob);
  bob_init(&bob, PROVISIONAL_ADDS, 0, 7);
  real_signatures(&bob);
  damage_everything(&bob);
  bob_release(&bob);
}

static void test_R2_unknown_type(void **state)
{
  static struct bob bob;
  static uint8_t copy[8192];
  struct kt_credential_result result;
  (void)state;
  bob_init(&bob, STANDARD_ADDS, 0, 7);
  const struct kt_bytes encoded = toy_credential_encode(&bob.log, &bob.credential, &bob.arena);
  struct kt_writer w; /* how much the standard part takes, to find the type before it */
  kt_writer_init(&w, sizeof copy);
  kt_prefix_proof_write(&w, &bob.credential.distinguished);
  memcpy(copy, encoded.data, encoded.len);
  uint8_t *type = &copy[encoded.len - w.len - 1];
  assert_int_equal(*type, KT_CREDENTIAL_STANDARD);
  for (unsigned value = 0; value <= UINT8_MAX; value++) {
    *type = (uint8_t)value;
    enum kt_err err = kt_verify_credential(&bob.client, &bob.recent, (struct kt_bytes){ copy, encoded.len }, &result);
    assert_int_equal(err == KT_OK, value == KT_CREDENTIAL_STANDARD);
  }
  kt_writer_release(&w);
  bob_release(&bob);
}

static void test_R3_damaged_updates(void **state)
{
  static struct bob bob;
  static uint8_t copy[8192];
  struct kt_combined_proof monitor;
  (void)state;
  bob_wants_update(&bob, &monitor);
  const struct kt_bytes encoded = toy_credential_update_encode(&monitor, &bob.arena);
  memcpy(copy, encoded.data, encoded.len);
  for (size_t bit = 0; bit < 8 * encoded.len; bit++) {
    copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    const struct kt_bytes bytes = { copy, encoded.len };
    if (kt_verify_credential_update(&bob.client, &bob.result.pending, &bob.recent, bytes) == KT_OK) {
      fail_msg("damage at %u was accepted", (unsigned)(bit / 8));
    }
    copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t cut = 0; cut <= encoded.len; cut++) {
    const struct kt_bytes bytes = { copy, cut < encoded.len ? cut : encoded.len + 1 };
    copy[encoded.len] = 0;
    assert_int_not_equal(kt_verify_credential_update(&bob.client, &bob.result.pending, &bob.recent, bytes), KT_OK);
  }
  bob_release(&bob);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_R2_unknown_type),
    cmocka_unit_test(test_R3_damaged_credentials),
    cmocka_unit_test(test_R3_damaged_updates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
