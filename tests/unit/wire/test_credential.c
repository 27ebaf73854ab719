/* SPDX-License-Identifier: Apache-2.0 */
/* Credential, CredentialUpdate (draft: Credentials), and what asks for them (ours). */
#include "wire_test.h"

#include "wire/credential.h"

static enum kt_err recode_credential(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                     struct kt_writer *w)
{
  struct kt_credential credential;
  enum kt_err err = kt_credential_decode(in, config, arena, &credential);
  if (err == KT_OK) {
    kt_credential_write(w, config, &credential);
  }
  return err;
}

static enum kt_err recode_update(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                 struct kt_writer *w)
{
  struct kt_combined_proof monitor;
  (void)config;
  enum kt_err err = kt_credential_update_decode(in, arena, &monitor);
  if (err == KT_OK) {
    kt_credential_update_write(w, &monitor);
  }
  return err;
}

static enum kt_err recode_request(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                  struct kt_writer *w)
{
  struct kt_credential_request request;
  (void)config;
  (void)arena;
  enum kt_err err = kt_credential_request_decode(in, &request);
  if (err == KT_OK) {
    kt_credential_request_write(w, &request);
  }
  return err;
}

static enum kt_err recode_update_request(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                         struct kt_writer *w)
{
  struct kt_credential_update_request request;
  (void)config;
  (void)arena;
  enum kt_err err = kt_credential_update_request_decode(in, &request);
  if (err == KT_OK) {
    kt_credential_update_request_write(w, &request);
  }
  return err;
}

/* clang-format off */
#define COMMON \
  "05" "616c696365"                     /* opaque label<0..2^8-1> */ \
  "00000009"                            /* uint32 version */ \
  X16("0f")                             /* opaque opening[Nc] */ \
  "00000002" "6869"                     /* UpdateValue value */
#define LADDER \
  "02" \
    X80("a1") "00" \
    X80("a2") "01" X32("c2")            /* BinaryLadderStep binary_ladder<0..2^8-1> */
#define POSITION "0000000000000031"     /* uint64 position */
#define TREE_HEAD "0000000000000040" "0003" "aabbcc" /* TreeHead tree_head */
static const char standard[] = COMMON LADDER POSITION "01" SAMPLE_PREFIX_PROOF;
static const char provisional[] = COMMON LADDER POSITION "02" TREE_HEAD SAMPLE_PROOF;
static const char managed[] = COMMON "0003" "010203" LADDER POSITION "01" SAMPLE_PREFIX_PROOF;
static const char request[] = "05" "616c696365" POSITION;
static const char update_request[] =
  "05" "616c696365"
  "00000009"                            /* uint32 version */
  "0000000000000032"                    /* uint64 terminal */
  "0000000000000040"                    /* uint64 tree_size */
  "0000000000000041";                   /* uint64 distinguished */
/* clang-format on */

static void check_fields(const struct kt_credential *credential, enum kt_credential_type type)
{
  assert_hex(credential->label.data, credential->label.len, "616c696365");
  assert_int_equal(credential->version, 9);
  assert_hex(credential->opening, KT_OPENING_LEN, X16("0f"));
  assert_hex(credential->value.value.data, credential->value.value.len, "6869");
  assert_int_equal(credential->n_ladder, 2);
  assert_false(credential->binary_ladder[0].has_commitment);
  assert_hex(credential->binary_ladder[1].commitment.b, KT_HASH_LEN, X32("c2"));
  assert_int_equal(credential->position, 0x31);
  assert_int_equal(credential->type, type);
}

static void test_credentials_known_bytes_R3(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  struct kt_config manager = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  struct kt_config audited = test_config(KT_MODE_THIRD_PARTY_AUDITING); /* no auditor's head: it is a TreeHead */
  struct kt_credential credential;
  struct kt_arena arena;
  check_codec(standard, recode_credential, &config);
  check_codec(provisional, recode_credential, &config);
  check_codec(provisional, recode_credential, &audited);
  check_codec(managed, recode_credential, &manager);
  kt_arena_init(&arena, TEST_LIMIT);
  struct kt_bytes in = bytes_hex(standard);
  assert_int_equal(kt_credential_decode(in, &config, &arena, &credential), KT_OK);
  check_fields(&credential, KT_CREDENTIAL_STANDARD);
  check_sample_prefix_proof(&credential.distinguished);
  bytes_free(in);
  in = bytes_hex(provisional);
  assert_int_equal(kt_credential_decode(in, &config, &arena, &credential), KT_OK);
  check_fields(&credential, KT_CREDENTIAL_PROVISIONAL);
  assert_int_equal(credential.tree_head.tree_size, 0x40);
  assert_hex(credential.tree_head.signature.data, credential.tree_head.signature.len, "aabbcc");
  check_sample_proof(&credential.search);
  bytes_free(in);
  kt_arena_release(&arena);
}

static void test_update_known_bytes_R3(void **state)
{
  (void)state;
  check_codec(SAMPLE_PROOF, recode_update, NULL);
}

static void test_requests_known_bytes_R3(void **state)
{
  (void)state;
  check_codec(request, recode_request, NULL);
  check_codec(update_request, recode_update_request, NULL);
  struct kt_bytes in = bytes_hex(update_request);
  struct kt_credential_update_request decoded;
  assert_int_equal(kt_credential_update_request_decode(in, &decoded), KT_OK);
  assert_hex(decoded.label.data, decoded.label.len, "616c696365");
  assert_int_equal(decoded.version, 9);
  assert_int_equal(decoded.terminal, 0x32);
  assert_int_equal(decoded.tree_size, 0x40);
  assert_int_equal(decoded.distinguished, 0x41);
  bytes_free(in);
}

static void test_credential_types_R2(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  check_refused(COMMON LADDER POSITION "00" SAMPLE_PREFIX_PROOF, recode_credential, &config);
  check_refused(COMMON LADDER POSITION "03" SAMPLE_PREFIX_PROOF, recode_credential, &config);
  check_refused(COMMON LADDER POSITION "ff" TREE_HEAD SAMPLE_PROOF, recode_credential, &config);
  check_refused(COMMON LADDER POSITION "00", recode_credential,
                &config); /* refused for what it is, not for what follows */
  check_refused(COMMON LADDER POSITION "03", recode_credential, &config);
  struct kt_credential credential = { .opening = (const uint8_t *)"0123456789abcdef" };
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_credential_write(&w, &config, &credential);
  assert_refused(&w, KT_ERR_USAGE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_credentials_known_bytes_R3),
    cmocka_unit_test(test_update_known_bytes_R3),
    cmocka_unit_test(test_requests_known_bytes_R3),
    cmocka_unit_test(test_credential_types_R2),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
