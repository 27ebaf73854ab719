/* SPDX-License-Identifier: Apache-2.0 */
/* UpdateRequest, UpdateResponse, UpdateInfo. */
#include "wire_test.h"

#include "wire/update.h"

static enum kt_err recode_request(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                  struct kt_writer *w)
{
  struct kt_update_request request;
  (void)config;
  enum kt_err err = kt_update_request_decode(in, arena, &request);
  if (err == KT_OK) {
    kt_update_request_write(w, &request);
  }
  return err;
}

static enum kt_err recode_response(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                   struct kt_writer *w)
{
  struct kt_update_response response;
  enum kt_err err = kt_update_response_decode(in, config, arena, &response);
  if (err == KT_OK) {
    kt_update_response_write(w, config, &response);
  }
  return err;
}

/* clang-format off */
/* LabelValue values<0..2^8-1>: opaque value<0..2^32-1>. */
#define VALUES \
  "02" \
    "00000002" "6869" \
    "00000000"

static const char request_hex[] =
  "01" "0000000000000008"     /* optional<uint64> last */
  "05" "616c696365"           /* label<0..2^8-1> */
  "01" "00000002"             /* optional<uint32> greatest_version */
  VALUES;
static const char request_first[] = "00" "05" "616c696365" "00" "01" "00000002" "6869";
static const char request_asking[] = "00" "05" "616c696365" "01" "00000002" "00";

#define POSITION "0000000000000006"
#define LADDER "01" X80("a1") "01" X32("c1")
static const char response_contact[] =
  SAMPLE_HEAD
  POSITION                            /* uint64 position */
  VALUES
  "02" X16("0e") X16("0f")            /* UpdateInfo info<0..2^8-1>: opening[Nc], empty suffix */
  LADDER                              /* BinaryLadderStep binary_ladder<0..2^8-1> */
  SAMPLE_PROOF;
static const char response_managed[] =
  SAMPLE_HEAD
  POSITION
  "00000001"                          /* uint32 skipped_versions */
  VALUES
  "02" X16("0e") "0003" "010203"      /* opening[Nc], suffix: signature<0..2^16-1> */
       X16("0f") "0000"
  LADDER
  SAMPLE_PROOF;
/* clang-format on */

static const uint8_t opening_0e[KT_OPENING_LEN] = { HASH8(0x0e), HASH8(0x0e) };
static const uint8_t opening_0f[KT_OPENING_LEN] = { HASH8(0x0f), HASH8(0x0f) };
static const uint8_t signature_123[] = { 1, 2, 3 };
static const struct kt_update_info infos[] = { { opening_0e, { signature_123, 3 } }, { opening_0f, { NULL, 0 } } };

static void test_request_known_bytes_R3(void **state)
{
  (void)state;
  const struct kt_bytes values[] = { TEXT("hi"), TEXT("") };
  struct kt_update_request request = { { true, 8 }, TEXT("alice"), { true, 2 }, values, 2 };
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_update_request_write(&w, &request);
  assert_written(&w, request_hex);
  check_codec(request_hex, recode_request, NULL);
  check_codec(request_first, recode_request, NULL);
  check_codec(request_asking, recode_request, NULL);
  /* Nothing behind the shortest values there can be. */
  check_codec("00"
              "00"
              "00"
              "02"
              "00000000"
              "00000000",
              recode_request, NULL);

  struct kt_bytes in = bytes_hex(request_hex);
  struct kt_arena arena;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_update_request_decode(in, &arena, &request), KT_OK);
  assert_true(request.last.present && request.last.value == 8);
  assert_hex(request.label.data, request.label.len, "616c696365");
  assert_true(request.greatest_version.present && request.greatest_version.value == 2);
  assert_int_equal(request.n_values, 2);
  assert_hex(request.values[0].data, request.values[0].len, "6869");
  assert_int_equal(request.values[1].len, 0);
  kt_arena_release(&arena);
  bytes_free(in);
}

static void test_request_refused_R1_R3(void **state)
{
  (void)state;
  check_refused("02"
                "0000000000000008"
                "05"
                "616c696365"
                "00"
                "00",
                recode_request, NULL);
  check_refused("00"
                "05"
                "616c696365"
                "02"
                "00000002"
                "00",
                recode_request, NULL);
  /* A value longer than what is left, and one that claims 4 GiB. */
  check_refused("00"
                "05"
                "616c696365"
                "00"
                "01"
                "00000003"
                "6869",
                recode_request, NULL);
  check_refused("00"
                "05"
                "616c696365"
                "00"
                "01"
                "ffffffff"
                "6869",
                recode_request, NULL);
  /* More values than there are. */
  check_refused("00"
                "05"
                "616c696365"
                "00"
                "ff"
                "00000000",
                recode_request, NULL);
}

static void test_request_bounds(void **state)
{
  (void)state;
  static struct kt_bytes values[256];
  struct kt_writer w;
  for (size_t n = 255; n <= 256; n++) {
    kt_writer_init(&w, TEST_LIMIT);
    kt_update_request_write(&w, &(struct kt_update_request){ .values = values, .n_values = n });
    assert_refused(&w, n == 255 ? KT_OK : KT_ERR_LIMIT);
  }
  uint8_t *big = calloc(1, KT_VALUE_MAX + 1);
  assert_non_null(big);
  for (size_t len = KT_VALUE_MAX; len <= KT_VALUE_MAX + 1; len++) {
    const struct kt_bytes value = { big, len };
    kt_writer_init(&w, TEST_LIMIT);
    kt_update_request_write(&w, &(struct kt_update_request){ .values = &value, .n_values = 1 });
    assert_refused(&w, len == KT_VALUE_MAX ? KT_OK : KT_ERR_LIMIT);
  }
  free(big);
}

static void test_info_known_bytes(void **state)
{
  (void)state;
  struct kt_config contact = test_config(KT_MODE_CONTACT_MONITORING);
  struct kt_config managed = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_update_info_write(&w, &contact, &infos[0]);
  assert_written(&w, X16("0e"));
  kt_writer_init(&w, TEST_LIMIT);
  kt_update_info_write(&w, &managed, &infos[0]);
  assert_written(&w, X16("0e") "0003"
                               "010203");
}

static void test_response_known_bytes_R3(void **state)
{
  (void)state;
  static uint8_t proof[80];
  const struct kt_bytes values[] = { TEXT("hi"), TEXT("") };
  const struct kt_ladder_step step = { .proof = proof, .has_commitment = true, .commitment = HASH(0xc1) };
  const struct kt_update_response response = { .full_tree_head = sample_head(),
                                               .position = 6,
                                               .skipped_versions = 1,
                                               .values = values,
                                               .n_values = 2,
                                               .info = infos,
                                               .n_info = 2,
                                               .binary_ladder = &step,
                                               .n_ladder = 1,
                                               .update = sample_proof() };
  memset(proof, 0xa1, sizeof proof);
  struct kt_config contact = test_config(KT_MODE_CONTACT_MONITORING);
  struct kt_config managed = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_update_response_write(&w, &contact, &response);
  assert_written(&w, response_contact);
  kt_writer_init(&w, TEST_LIMIT);
  kt_update_response_write(&w, &managed, &response);
  assert_written(&w, response_managed);
  check_codec(response_contact, recode_response, &contact);
  check_codec(response_managed, recode_response, &managed);
  /* The shortest of everything. */
  check_codec("01" POSITION "00"
              "01" X16("0e") "00"
                             "000000"
                             "0000",
              recode_response, &contact);
  check_codec("01" POSITION "00000000"
              "00"
              "01" X16("0e") "0000"
                             "00"
                             "000000"
                             "0000",
              recode_response, &managed);
  check_refused(response_contact, recode_response, &managed);
  check_refused(response_managed, recode_response, &contact);
}

static void test_response_decoded_fields(void **state)
{
  (void)state;
  struct kt_config managed = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  struct kt_bytes in = bytes_hex(response_managed);
  struct kt_arena arena;
  struct kt_update_response response;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_update_response_decode(in, &managed, &arena, &response), KT_OK);
  check_sample_head(&response.full_tree_head);
  assert_int_equal(response.position, 6);
  assert_int_equal(response.skipped_versions, 1);
  assert_int_equal(response.n_values, 2);
  assert_hex(response.values[0].data, response.values[0].len, "6869");
  assert_int_equal(response.values[1].len, 0);
  assert_int_equal(response.n_info, 2);
  assert_hex(response.info[0].opening, KT_OPENING_LEN, X16("0e"));
  assert_hex(response.info[0].signature.data, response.info[0].signature.len, "010203");
  assert_hex(response.info[1].opening, KT_OPENING_LEN, X16("0f"));
  assert_int_equal(response.info[1].signature.len, 0);
  assert_int_equal(response.n_ladder, 1);
  assert_hex(response.binary_ladder[0].commitment.b, KT_HASH_LEN, X32("c1"));
  check_sample_proof(&response.update);
  kt_arena_release(&arena);
  bytes_free(in);
}

static void test_response_bounds(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  static struct kt_bytes values[256];
  static struct kt_update_info many[256];
  static struct kt_ladder_step steps[256];
  static const uint8_t proof[80];
  for (size_t i = 0; i < 256; i++) {
    many[i].opening = opening_0e;
    steps[i].proof = proof;
  }
  for (size_t n = 255; n <= 256; n++) {
    const enum kt_err expected = n == 255 ? KT_OK : KT_ERR_LIMIT;
    const struct kt_update_response responses[] = {
      { .full_tree_head.type = KT_HEAD_SAME, .values = values, .n_values = n },
      { .full_tree_head.type = KT_HEAD_SAME, .info = many, .n_info = n },
      { .full_tree_head.type = KT_HEAD_SAME, .binary_ladder = steps, .n_ladder = n },
    };
    for (size_t i = 0; i < 3; i++) {
      struct kt_writer w;
      kt_writer_init(&w, TEST_LIMIT);
      kt_update_response_write(&w, &config, &responses[i]);
      assert_refused(&w, expected);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_request_known_bytes_R3),  cmocka_unit_test(test_request_refused_R1_R3),
    cmocka_unit_test(test_request_bounds),          cmocka_unit_test(test_info_known_bytes),
    cmocka_unit_test(test_response_known_bytes_R3), cmocka_unit_test(test_response_decoded_fields),
    cmocka_unit_test(test_response_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
