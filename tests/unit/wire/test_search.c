/* SPDX-License-Identifier: Apache-2.0 */
/* SearchRequest, SearchResponse, BinaryLadderStep. */
#include "wire_test.h"

#include "wire/search.h"

static enum kt_err recode_request(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                  struct kt_writer *w)
{
  struct kt_search_request request;
  (void)config;
  (void)arena;
  enum kt_err err = kt_search_request_decode(in, &request);
  if (err == KT_OK) {
    kt_search_request_write(w, &request);
  }
  return err;
}

static enum kt_err recode_greatest(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                   struct kt_writer *w)
{
  struct kt_search_response response;
  enum kt_err err = kt_search_response_decode(in, config, (struct kt_optional_u32){ 0 }, arena, &response);
  if (err == KT_OK) {
    kt_search_response_write(w, config, false, &response);
  }
  return err;
}

static enum kt_err recode_fixed(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                struct kt_writer *w)
{
  struct kt_search_response response;
  enum kt_err err = kt_search_response_decode(in, config, (struct kt_optional_u32){ true, 3 }, arena, &response);
  if (err == KT_OK) {
    assert_int_equal(response.version, 3);
    kt_search_response_write(w, config, true, &response);
  }
  return err;
}

/* clang-format off */
static const char request_absent[] =
  "00"                    /* optional<uint64> last */
  "05" "616c696365"       /* opaque label<0..2^8-1> */
  "00";                   /* optional<uint32> version */
static const char request_present[] =
  "01" "0000000000000032"
  "05" "616c696365"
  "01" "fffffffe";

/* BinaryLadderStep binary_ladder<0..2^8-1>: proof[VRF.Np], optional<HashValue> commitment. */
#define LADDER \
  "02" \
    X80("a1") "00" \
    X80("a2") "01" X32("c2")

#define VERSION "00000009"
#define OPENING X16("0f")
#define VALUE "00000002" "6869"
#define SUFFIX "0003" "010203"

static const char response_greatest[] = SAMPLE_HEAD VERSION OPENING VALUE LADDER SAMPLE_PROOF;
static const char response_fixed[] = SAMPLE_HEAD OPENING VALUE LADDER SAMPLE_PROOF;
static const char response_managed[] = SAMPLE_HEAD VERSION OPENING VALUE SUFFIX LADDER SAMPLE_PROOF;
static const char response_audited[] = SAMPLE_AUDITED_HEAD VERSION OPENING VALUE LADDER SAMPLE_PROOF;
static const char response_same[] = "01" VERSION OPENING "00000000" "00" "00" "00" "00" "0000";
/* clang-format on */

static void test_request_known_bytes_R3(void **state)
{
  (void)state;
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_search_request_write(&w, &(struct kt_search_request){ .label = TEXT("alice") });
  assert_written(&w, request_absent);
  kt_writer_init(&w, TEST_LIMIT);
  kt_search_request_write(
      &w, &(struct kt_search_request){ .last = { true, 50 }, .label = TEXT("alice"), .version = { true, 0xfffffffe } });
  assert_written(&w, request_present);
  check_codec(request_absent, recode_request, NULL);
  check_codec(request_present, recode_request, NULL);

  struct kt_bytes in = bytes_hex(request_present);
  struct kt_search_request request;
  assert_int_equal(kt_search_request_decode(in, &request), KT_OK);
  assert_true(request.last.present && request.last.value == 50);
  assert_true(request.version.present && request.version.value == 0xfffffffe);
  assert_hex(request.label.data, request.label.len, "616c696365");
  bytes_free(in);
}

static void test_request_presence_octets_R1(void **state)
{
  (void)state;
  check_refused("02"
                "05616c696365"
                "00",
                recode_request, NULL);
  check_refused("02"
                "0000000000000032"
                "05616c696365"
                "00",
                recode_request, NULL);
  check_refused("ff"
                "0000000000000032"
                "05616c696365"
                "00",
                recode_request, NULL);
  check_refused("00"
                "05616c696365"
                "02"
                "00000001",
                recode_request, NULL);
}

static void test_failed_decode_leaves_output_untouched(void **state)
{
  (void)state;
  struct kt_search_request request;
  struct kt_search_request before;
  memset(&request, 0x5a, sizeof request);
  memcpy(&before, &request, sizeof request);
  struct kt_bytes in = bytes_hex("00"
                                 "05616c696365"
                                 "02");
  assert_int_equal(kt_search_request_decode(in, &request), KT_ERR_FORMAT);
  assert_memory_equal(&request, &before, sizeof request);
  bytes_free(in);
}

static void test_label_bound(void **state)
{
  (void)state;
  static const uint8_t label[256];
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_search_request_write(&w, &(struct kt_search_request){ .label = { label, 255 } });
  assert_int_equal(w.err, KT_OK);
  assert_true(recodes((struct kt_bytes){ w.buf, w.len }, recode_request, NULL));
  kt_writer_release(&w);
  kt_writer_init(&w, TEST_LIMIT);
  kt_search_request_write(&w, &(struct kt_search_request){ .label = { label, 256 } });
  assert_refused(&w, KT_ERR_LIMIT);
}

static struct kt_search_response sample_response(void)
{
  static const uint8_t opening[KT_OPENING_LEN] = { HASH8(0x0f), HASH8(0x0f) };
  static const uint8_t signature[] = { 1, 2, 3 };
  static uint8_t proofs[2][80];
  static const struct kt_ladder_step steps[] = {
    { .proof = proofs[0] }, { .proof = proofs[1], .has_commitment = true, .commitment = HASH(0xc2) }
  };
  memset(proofs[0], 0xa1, sizeof proofs[0]);
  memset(proofs[1], 0xa2, sizeof proofs[1]);
  return (struct kt_search_response){ .full_tree_head = sample_head(),
                                      .version = 9,
                                      .opening = opening,
                                      .value = { TEXT("hi"), { signature, 3 } },
                                      .binary_ladder = steps,
                                      .n_ladder = 2,
                                      .search = sample_proof() };
}

static void check_written(enum kt_mode mode, bool version_requested, const char *hex)
{
  struct kt_config config = test_config(mode);
  struct kt_search_response response = sample_response();
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_search_response_write(&w, &config, version_requested, &response);
  assert_written(&w, hex);
  check_codec(hex, version_requested ? recode_fixed : recode_greatest, &config);
}

static void test_response_known_bytes_in_every_mode_R3(void **state)
{
  (void)state;
  check_written(KT_MODE_CONTACT_MONITORING, false, response_greatest);
  check_written(KT_MODE_CONTACT_MONITORING, true, response_fixed);
  check_written(KT_MODE_THIRD_PARTY_MANAGEMENT, false, response_managed);
  check_written(KT_MODE_THIRD_PARTY_AUDITING, false, response_audited);
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  check_codec(response_same, recode_greatest, &config);
}

/* R12: an auditor's head is there in auditing mode and in no other; likewise the suffix in management mode. */
static void test_response_of_another_mode_R12(void **state)
{
  (void)state;
  struct kt_config contact = test_config(KT_MODE_CONTACT_MONITORING);
  struct kt_config managed = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  struct kt_config audited = test_config(KT_MODE_THIRD_PARTY_AUDITING);
  check_refused(response_audited, recode_greatest, &contact);
  check_refused(response_managed, recode_greatest, &contact);
  check_refused(response_greatest, recode_greatest, &managed);
  check_refused(response_greatest, recode_greatest, &audited);
}

static void test_response_decoded_fields(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_THIRD_PARTY_MANAGEMENT);
  struct kt_bytes in = bytes_hex(response_managed);
  struct kt_arena arena;
  struct kt_search_response response;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_search_response_decode(in, &config, (struct kt_optional_u32){ 0 }, &arena, &response), KT_OK);
  check_sample_head(&response.full_tree_head);
  assert_int_equal(response.version, 9);
  assert_hex(response.opening, KT_OPENING_LEN, OPENING);
  assert_hex(response.value.value.data, response.value.value.len, "6869");
  assert_hex(response.value.signature.data, response.value.signature.len, "010203");
  assert_int_equal(response.n_ladder, 2);
  assert_hex(response.binary_ladder[0].proof, 80, X80("a1"));
  assert_false(response.binary_ladder[0].has_commitment);
  assert_hex(response.binary_ladder[1].proof, 80, X80("a2"));
  assert_true(response.binary_ladder[1].has_commitment);
  assert_hex(response.binary_ladder[1].commitment.b, KT_HASH_LEN, X32("c2"));
  check_sample_proof(&response.search);
  kt_arena_release(&arena);
  bytes_free(in);
}

static void test_ladder_presence_octet_R1(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  check_codec("01" VERSION OPENING VALUE "01" X80("a1") "00"
                                                        "00000000"
                                                        "00",
              recode_greatest, &config);
  check_refused("01" VERSION OPENING VALUE "01" X80("a1") "02"
                                                          "00000000"
                                                          "00",
                recode_greatest, &config);
  check_refused("01" VERSION OPENING VALUE "01" X80("a1") "02" X32("c2") "00000000"
                                                                         "00",
                recode_greatest, &config);
}

static void test_head_type_R2(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  check_refused("00" VERSION OPENING VALUE LADDER SAMPLE_PROOF, recode_greatest, &config);
  check_refused("03" VERSION OPENING VALUE LADDER SAMPLE_PROOF, recode_greatest, &config);
}

static void test_ladder_bounds(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  static const uint8_t proof[80];
  struct kt_ladder_step *steps = calloc(65536, sizeof *steps);
  assert_non_null(steps);
  for (size_t i = 0; i < 65536; i++) {
    steps[i].proof = proof;
  }
  struct kt_writer w;
  for (size_t n = 255; n <= 256; n++) {
    kt_writer_init(&w, TEST_LIMIT);
    kt_ladder_steps_write(&w, &config, false, steps, n);
    assert_int_equal(w.err, n == 255 ? KT_OK : KT_ERR_LIMIT);
    kt_writer_release(&w);
  }
  for (size_t n = 65535; n <= 65536; n++) {
    kt_writer_init(&w, TEST_LIMIT);
    kt_ladder_steps_write(&w, &config, true, steps, n);
    assert_int_equal(w.err, n == 65535 ? KT_OK : KT_ERR_LIMIT);
    kt_writer_release(&w);
  }
  free(steps);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_request_known_bytes_R3),
    cmocka_unit_test(test_request_presence_octets_R1),
    cmocka_unit_test(test_failed_decode_leaves_output_untouched),
    cmocka_unit_test(test_label_bound),
    cmocka_unit_test(test_response_known_bytes_in_every_mode_R3),
    cmocka_unit_test(test_response_of_another_mode_R12),
    cmocka_unit_test(test_response_decoded_fields),
    cmocka_unit_test(test_ladder_presence_octet_R1),
    cmocka_unit_test(test_head_type_R2),
    cmocka_unit_test(test_ladder_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
