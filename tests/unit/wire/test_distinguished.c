/* SPDX-License-Identifier: Apache-2.0 */
/* DistinguishedRequest, DistinguishedResponse. */
#include "wire_test.h"

#include "wire/distinguished.h"

static enum kt_err recode_request(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                  struct kt_writer *w)
{
  struct kt_distinguished_request request;
  (void)config;
  (void)arena;
  enum kt_err err = kt_distinguished_request_decode(in, &request);
  if (err == KT_OK) {
    kt_distinguished_request_write(w, &request);
  }
  return err;
}

static enum kt_err recode_response(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                   struct kt_writer *w)
{
  struct kt_distinguished_response response;
  enum kt_err err = kt_distinguished_response_decode(in, config, arena, &response);
  if (err == KT_OK) {
    kt_distinguished_response_write(w, config, &response);
  }
  return err;
}

static void check_request(struct kt_distinguished_request request, const char *hex)
{
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_distinguished_request_write(&w, &request);
  assert_written(&w, hex);
  check_codec(hex, recode_request, NULL);

  struct kt_bytes in = bytes_hex(hex);
  struct kt_distinguished_request decoded;
  assert_int_equal(kt_distinguished_request_decode(in, &decoded), KT_OK);
  assert_int_equal(decoded.last.present, request.last.present);
  assert_int_equal(decoded.last.value, request.last.value);
  assert_int_equal(decoded.stop.present, request.stop.present);
  assert_int_equal(decoded.stop.value, request.stop.value);
  bytes_free(in);
}

/* optional<uint64> last, optional<uint64> stop. */
static void test_request_known_bytes_R3(void **state)
{
  (void)state;
  check_request((struct kt_distinguished_request){ .last.present = false }, "00"
                                                                            "00");
  check_request((struct kt_distinguished_request){ .last = { true, 50 } }, "01"
                                                                           "0000000000000032"
                                                                           "00");
  check_request((struct kt_distinguished_request){ .stop = { true, 7 } }, "00"
                                                                          "01"
                                                                          "0000000000000007");
  check_request((struct kt_distinguished_request){ { true, 50 }, { true, UINT64_MAX } }, "01"
                                                                                         "0000000000000032"
                                                                                         "01"
                                                                                         "ffffffffffffffff");
}

static void test_presence_octets_R1(void **state)
{
  (void)state;
  check_refused("02"
                "0000000000000032"
                "00",
                recode_request, NULL);
  check_refused("00"
                "02"
                "0000000000000007",
                recode_request, NULL);
  check_refused("00"
                "ff",
                recode_request, NULL);
}

static void test_response_known_bytes_R3(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  struct kt_config audited = test_config(KT_MODE_THIRD_PARTY_AUDITING);
  struct kt_distinguished_response response = { sample_head(), sample_proof() };
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_distinguished_response_write(&w, &config, &response);
  assert_written(&w, SAMPLE_HEAD SAMPLE_PROOF);
  kt_writer_init(&w, TEST_LIMIT);
  kt_distinguished_response_write(&w, &audited, &response);
  assert_written(&w, SAMPLE_AUDITED_HEAD SAMPLE_PROOF);
  check_codec(SAMPLE_HEAD SAMPLE_PROOF, recode_response, &config);
  check_codec(SAMPLE_AUDITED_HEAD SAMPLE_PROOF, recode_response, &audited);
  check_codec("01"
              "00000000"
              "00",
              recode_response, &config);

  struct kt_bytes in = bytes_hex(SAMPLE_HEAD SAMPLE_PROOF);
  struct kt_arena arena;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_distinguished_response_decode(in, &config, &arena, &response), KT_OK);
  check_sample_head(&response.full_tree_head);
  check_sample_proof(&response.distinguished);
  kt_arena_release(&arena);
  bytes_free(in);
}

static void test_head_type_R2(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  check_refused("00" SAMPLE_PROOF, recode_response, &config);
  check_refused("03" SAMPLE_PROOF, recode_response, &config);
}

static void test_proof_over_its_bound(void **state)
{
  (void)state;
  static const uint64_t timestamps[256];
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  const struct kt_distinguished_response response = {
    .full_tree_head.type = KT_HEAD_SAME, .distinguished = { timestamps, 256, NULL, 0, NULL, 0, { NULL, 0 } }
  };
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_distinguished_response_write(&w, &config, &response);
  assert_refused(&w, KT_ERR_LIMIT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_request_known_bytes_R3),  cmocka_unit_test(test_presence_octets_R1),
    cmocka_unit_test(test_response_known_bytes_R3), cmocka_unit_test(test_head_type_R2),
    cmocka_unit_test(test_proof_over_its_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
