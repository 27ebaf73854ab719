/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts as bytes: the layout of docs/formats.md, nothing lost, nothing else taken. */
#include <kt/contact.h>

#include "accounts.h"

/* As the document lays it out: format, key, state, since, method, verified, changed key, policy,
 * contradicted. */
#define AT_STATE (1 + 1 + KT_ACCOUNT_KEY_LEN)
#define AT_METHOD (AT_STATE + 1 + 8)
#define AT_CHANGED (AT_METHOD + 1 + 8)
#define AT_POLICY (AT_CHANGED + 1 + KT_ACCOUNT_KEY_LEN)
#define AT_CONTRADICTED (AT_POLICY + 1)
#define LEN (AT_CONTRADICTED + 1)

static struct kt_contact full_contact(void)
{
  return (struct kt_contact){ .has_key = true,
                              .key = key_of(1),
                              .state = KT_CONTACT_CHANGED,
                              .since_ms = 0x0102030405060708,
                              .method = KT_METHOD_QR,
                              .verified_ms = 77,
                              .changed_key = key_of(2),
                              .is_contradicted = true,
                              .policy = KT_CONTACT_STRICT };
}

static size_t write_contact(const struct kt_contact *contact, uint8_t buf[static LEN])
{
  struct kt_writer w;
  kt_writer_init_fixed(&w, buf, LEN);
  kt_contact_write(&w, contact);
  assert_int_equal(w.err, KT_OK);
  return w.len;
}

static void assert_refused(const uint8_t *bytes, size_t len, enum kt_err err)
{
  struct kt_contact contact = { .since_ms = 5 };
  assert_int_equal(kt_contact_decode((struct kt_bytes){ bytes, len }, &contact), err);
  assert_int_equal(contact.since_ms, 5);
}

static void test_layout(void **state)
{
  static const uint8_t since[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
  const struct kt_contact contact = full_contact();
  uint8_t buf[LEN];
  (void)state;
  assert_int_equal(write_contact(&contact, buf), LEN);
  assert_int_equal(buf[0], 2);
  assert_int_equal(buf[1], 1);
  assert_memory_equal(buf + 2, contact.key.b, KT_ACCOUNT_KEY_LEN);
  assert_int_equal(buf[AT_STATE], 2);
  assert_memory_equal(buf + AT_STATE + 1, since, sizeof since);
  assert_int_equal(buf[AT_METHOD], 3);
  assert_int_equal(buf[AT_METHOD + 8], 77);
  assert_int_equal(buf[AT_CHANGED], 1);
  assert_memory_equal(buf + AT_CHANGED + 1, contact.changed_key.b, KT_ACCOUNT_KEY_LEN);
  assert_int_equal(buf[AT_POLICY], 1);
  assert_int_equal(buf[AT_CONTRADICTED], 1);
}

static void test_nothing_is_lost(void **state)
{
  const struct kt_contact contact = full_contact();
  struct kt_contact back;
  uint8_t buf[LEN];
  (void)state;
  assert_int_equal(kt_contact_decode((struct kt_bytes){ buf, write_contact(&contact, buf) }, &back), KT_OK);
  assert_true(back.has_key && kt_account_key_equal(&back.key, &contact.key));
  assert_true(kt_account_key_equal(&back.changed_key, &contact.changed_key));
  assert_int_equal(back.state, contact.state);
  assert_int_equal(back.since_ms, contact.since_ms);
  assert_int_equal(back.method, contact.method);
  assert_int_equal(back.verified_ms, contact.verified_ms);
  assert_int_equal(back.policy, contact.policy);
  assert_true(back.is_contradicted);
}

static void test_somebody_never_looked_up(void **state)
{
  const struct kt_contact contact = { 0 };
  struct kt_contact back = full_contact();
  uint8_t buf[LEN];
  (void)state;
  assert_int_equal(kt_contact_decode((struct kt_bytes){ buf, write_contact(&contact, buf) }, &back), KT_OK);
  assert_false(back.has_key);
  assert_int_equal(back.state, KT_CONTACT_UNVERIFIED);
}

static void test_every_cut_is_refused(void **state)
{
  const struct kt_contact contact = full_contact();
  uint8_t buf[LEN + 1] = { 0 };
  size_t len = write_contact(&contact, buf);
  (void)state;
  assert_refused(buf, 0, KT_ERR_FORMAT);
  for (size_t cut = 1; cut < len; cut++) {
    assert_refused(buf, cut, KT_ERR_FORMAT);
  }
  assert_refused(buf, len + 1, KT_ERR_FORMAT);
}

static void assert_byte_refused(size_t at, uint8_t value, enum kt_err err)
{
  const struct kt_contact contact = full_contact();
  uint8_t buf[LEN];
  size_t len = write_contact(&contact, buf);
  buf[at] = value;
  assert_refused(buf, len, err);
}

static void test_unknown_numbers_are_refused(void **state)
{
  (void)state;
  assert_byte_refused(0, 0, KT_ERR_UNSUPPORTED);
  assert_byte_refused(0, 3, KT_ERR_UNSUPPORTED);
  assert_byte_refused(1, 2, KT_ERR_FORMAT);
  assert_byte_refused(AT_STATE, 3, KT_ERR_FORMAT);
  assert_byte_refused(AT_STATE, KT_CONTACT_VERIFIED, KT_ERR_FORMAT); /* beside a changed key */
  assert_byte_refused(AT_METHOD, KT_METHOD_PUBLIC_CODE + 1, KT_ERR_FORMAT);
  assert_byte_refused(AT_POLICY, 2, KT_ERR_FORMAT);
  assert_byte_refused(AT_CONTRADICTED, 2, KT_ERR_FORMAT);
}

static void test_verified_without_a_key_is_refused(void **state)
{
  const struct kt_contact contact = { .state = KT_CONTACT_VERIFIED };
  uint8_t buf[LEN];
  (void)state;
  assert_refused(buf, write_contact(&contact, buf), KT_ERR_FORMAT);
}

/* "contradicted: 1 only when state is 2". */
static void test_contradicted_and_not_changed_is_refused(void **state)
{
  const struct kt_contact contact = { .has_key = true, .key = key_of(1), .is_contradicted = true };
  uint8_t buf[LEN];
  (void)state;
  assert_refused(buf, write_contact(&contact, buf), KT_ERR_FORMAT);
}

/* Format 1 ends with the policy; a contact that changed to its own pinned key was contradicted. */
static void test_format_1_is_read(void **state)
{
  (void)state;
  for (int mismatch = 0; mismatch < 2; mismatch++) {
    struct kt_contact contact = full_contact();
    struct kt_contact back = { 0 };
    uint8_t buf[LEN];
    contact.changed_key = key_of(mismatch == 1 ? 1 : 2);
    size_t len = write_contact(&contact, buf) - 1;
    buf[0] = 1;
    assert_int_equal(kt_contact_decode((struct kt_bytes){ buf, len }, &back), KT_OK);
    assert_int_equal(back.policy, contact.policy);
    assert_int_equal(back.is_contradicted, mismatch == 1);
    assert_refused(buf, len + 1, KT_ERR_FORMAT);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_contradicted_and_not_changed_is_refused),
    cmocka_unit_test(test_format_1_is_read),
    cmocka_unit_test(test_layout),
    cmocka_unit_test(test_nothing_is_lost),
    cmocka_unit_test(test_somebody_never_looked_up),
    cmocka_unit_test(test_every_cut_is_refused),
    cmocka_unit_test(test_unknown_numbers_are_refused),
    cmocka_unit_test(test_verified_without_a_key_is_refused),
  };
  return kt_crypto_init() == KT_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
