/* SPDX-License-Identifier: Apache-2.0 */
/* ContactMonitor, OwnerInit and OwnerMonitor requests and responses. */
#include "wire_test.h"

#include "wire/monitor.h"

static enum kt_err recode_contact(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                  struct kt_writer *w)
{
  struct kt_contact_monitor_request request;
  (void)config;
  enum kt_err err = kt_contact_monitor_request_decode(in, arena, &request);
  if (err == KT_OK) {
    kt_contact_monitor_request_write(w, &request);
  }
  return err;
}

static enum kt_err recode_init(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                               struct kt_writer *w)
{
  struct kt_owner_init_request request;
  (void)config;
  (void)arena;
  enum kt_err err = kt_owner_init_request_decode(in, &request);
  if (err == KT_OK) {
    kt_owner_init_request_write(w, &request);
  }
  return err;
}

static enum kt_err recode_owner(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                struct kt_writer *w)
{
  struct kt_owner_monitor_request request;
  (void)config;
  enum kt_err err = kt_owner_monitor_request_decode(in, arena, &request);
  if (err == KT_OK) {
    kt_owner_monitor_request_write(w, &request);
  }
  return err;
}

static enum kt_err recode_response(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                   struct kt_writer *w)
{
  struct kt_monitor_response response;
  enum kt_err err = kt_monitor_response_decode(in, config, arena, &response);
  if (err == KT_OK) {
    kt_monitor_response_write(w, config, &response);
  }
  return err;
}

static enum kt_err recode_init_response(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                        struct kt_writer *w)
{
  struct kt_owner_init_response response;
  enum kt_err err = kt_owner_init_response_decode(in, config, arena, &response);
  if (err == KT_OK) {
    kt_owner_init_response_write(w, config, &response);
  }
  return err;
}

/* clang-format off */
/* MonitorMapEntry entries<0..2^8-1>: uint64 position, uint32 version. */
#define MAP \
  "02" \
    "0000000000000003" "00000001" \
    "0102030405060708" "fffffffe"
static const struct kt_monitor_map_entry map[] = { { 3, 1 }, { 0x0102030405060708, 0xfffffffe } };

static const char contact[] =
  "01" "0000000000000032"     /* optional<uint64> last */
  "05" "616c696365"           /* label<0..2^8-1> */
  MAP;
static const char init[] =
  "00"
  "05" "616c696365"
  "000000000000001f";         /* uint64 start */
static const char owner[] =
  "01" "0000000000000032"
  "05" "616c696365"
  MAP
  "000000000000001f"          /* uint64 start */
  "01" "00000005";            /* optional<uint32> greatest_version */
static const char owner_new[] = "00" "00" "00" "0000000000000000" "00";

static const char response[] = SAMPLE_HEAD SAMPLE_PROOF;
static const char response_audited[] = SAMPLE_AUDITED_HEAD SAMPLE_PROOF;
static const char response_init[] =
  SAMPLE_HEAD
  "03" "00000009" "00000004" "00000000"   /* uint32 greatest_versions<0..2^8-1> */
  "0002"                                  /* BinaryLadderStep binary_ladder<0..2^16-1> */
    X80("a1") "01" X32("c1")
    X80("a2") "00"
  SAMPLE_PROOF;
/* clang-format on */

static void check_map(const struct kt_monitor_map_entry *entries, size_t n)
{
  assert_int_equal(n, 2);
  assert_int_equal(entries[0].position, 3);
  assert_int_equal(entries[0].version, 1);
  assert_int_equal(entries[1].position, 0x0102030405060708);
  assert_int_equal(entries[1].version, 0xfffffffe);
}

static void test_contact_request_R3(void **state)
{
  (void)state;
  struct kt_writer w;
  struct kt_contact_monitor_request request = { { true, 50 }, TEXT("alice"), map, 2 };
  kt_writer_init(&w, TEST_LIMIT);
  kt_contact_monitor_request_write(&w, &request);
  assert_written(&w, contact);
  kt_writer_init(&w, TEST_LIMIT);
  kt_monitor_map_entry_write(&w, &map[1]);
  assert_written(&w, "0102030405060708"
                     "fffffffe");
  check_codec(contact, recode_contact, NULL);
  check_codec("00"
              "00"
              "00",
              recode_contact, NULL);

  struct kt_bytes in = bytes_hex(contact);
  struct kt_arena arena;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_contact_monitor_request_decode(in, &arena, &request), KT_OK);
  assert_true(request.last.present && request.last.value == 50);
  assert_hex(request.label.data, request.label.len, "616c696365");
  check_map(request.entries, request.n_entries);
  kt_arena_release(&arena);
  bytes_free(in);
}

static void test_owner_init_request_R3(void **state)
{
  (void)state;
  struct kt_writer w;
  struct kt_owner_init_request request = { .label = TEXT("alice"), .start = 31 };
  kt_writer_init(&w, TEST_LIMIT);
  kt_owner_init_request_write(&w, &request);
  assert_written(&w, init);
  check_codec(init, recode_init, NULL);

  struct kt_bytes in = bytes_hex(init);
  assert_int_equal(kt_owner_init_request_decode(in, &request), KT_OK);
  assert_false(request.last.present);
  assert_hex(request.label.data, request.label.len, "616c696365");
  assert_int_equal(request.start, 31);
  bytes_free(in);
}

static void test_owner_monitor_request_R3(void **state)
{
  (void)state;
  struct kt_writer w;
  struct kt_owner_monitor_request request = { { true, 50 }, TEXT("alice"), map, 2, 31, { true, 5 } };
  kt_writer_init(&w, TEST_LIMIT);
  kt_owner_monitor_request_write(&w, &request);
  assert_written(&w, owner);
  check_codec(owner, recode_owner, NULL);
  check_codec(owner_new, recode_owner, NULL);

  struct kt_bytes in = bytes_hex(owner);
  struct kt_arena arena;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_owner_monitor_request_decode(in, &arena, &request), KT_OK);
  assert_true(request.last.present && request.last.value == 50);
  assert_hex(request.label.data, request.label.len, "616c696365");
  check_map(request.entries, request.n_entries);
  assert_int_equal(request.start, 31);
  assert_true(request.greatest_version.present && request.greatest_version.value == 5);
  kt_arena_release(&arena);
  bytes_free(in);
}

static void test_presence_octets_R1(void **state)
{
  (void)state;
  check_refused("02"
                "0000000000000032"
                "00"
                "00",
                recode_contact, NULL);
  check_refused("02"
                "0000000000000032"
                "00"
                "000000000000001f",
                recode_init, NULL);
  check_refused("02"
                "0000000000000032"
                "00"
                "00"
                "0000000000000000"
                "00",
                recode_owner, NULL);
  check_refused("00"
                "00"
                "00"
                "0000000000000000"
                "02"
                "00000005",
                recode_owner, NULL);
}

static void test_count_is_bounded_before_allocating_R3(void **state)
{
  (void)state;
  struct kt_bytes in = bytes_hex("00"
                                 "00"
                                 "ff"
                                 "0000000000000003"
                                 "00000001");
  struct kt_arena arena;
  struct kt_contact_monitor_request request;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_contact_monitor_request_decode(in, &arena, &request), KT_ERR_FORMAT);
  assert_int_equal(arena.used, 0);
  kt_arena_release(&arena);
  bytes_free(in);
}

static void test_map_bound(void **state)
{
  (void)state;
  static const struct kt_monitor_map_entry many[256];
  static const uint8_t label[256];
  for (size_t n = 255; n <= 256; n++) {
    struct kt_writer w;
    const enum kt_err expected = n == 255 ? KT_OK : KT_ERR_LIMIT;
    kt_writer_init(&w, TEST_LIMIT);
    kt_contact_monitor_request_write(&w, &(struct kt_contact_monitor_request){ .entries = many, .n_entries = n });
    assert_refused(&w, expected);
    kt_writer_init(&w, TEST_LIMIT);
    kt_owner_monitor_request_write(&w, &(struct kt_owner_monitor_request){ .entries = many, .n_entries = n });
    assert_refused(&w, expected);
    kt_writer_init(&w, TEST_LIMIT);
    kt_owner_init_request_write(&w, &(struct kt_owner_init_request){ .label = { label, n } });
    assert_refused(&w, expected);
  }
}

static void test_monitor_response_R3(void **state)
{
  (void)state;
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  struct kt_config audited = test_config(KT_MODE_THIRD_PARTY_AUDITING);
  struct kt_monitor_response decoded = { sample_head(), sample_proof() };
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_monitor_response_write(&w, &config, &decoded);
  assert_written(&w, response);
  kt_writer_init(&w, TEST_LIMIT);
  kt_monitor_response_write(&w, &audited, &decoded);
  assert_written(&w, response_audited);
  check_codec(response, recode_response, &config);
  check_codec(response_audited, recode_response, &audited);
  check_refused("00" SAMPLE_PROOF, recode_response, &config);

  struct kt_bytes in = bytes_hex(response);
  struct kt_arena arena;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_monitor_response_decode(in, &config, &arena, &decoded), KT_OK);
  check_sample_head(&decoded.full_tree_head);
  check_sample_proof(&decoded.monitor);
  kt_arena_release(&arena);
  bytes_free(in);
}

static void test_owner_init_response_R3(void **state)
{
  (void)state;
  static const uint32_t versions[] = { 9, 4, 0 };
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  struct kt_bytes proofs = bytes_hex(X80("a1") X80("a2"));
  const struct kt_ladder_step steps[] = { { .proof = proofs.data, .has_commitment = true, .commitment = HASH(0xc1) },
                                          { .proof = proofs.data + 80 } };
  struct kt_owner_init_response decoded = { sample_head(), versions, 3, steps, 2, sample_proof() };
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_owner_init_response_write(&w, &config, &decoded);
  assert_written(&w, response_init);
  check_codec(response_init, recode_init_response, &config);
  check_refused("01"
                "00"
                "0001" X80("a1") "02"
                                 "00000000"
                                 "00",
                recode_init_response, &config);

  struct kt_bytes in = bytes_hex(response_init);
  struct kt_arena arena;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_owner_init_response_decode(in, &config, &arena, &decoded), KT_OK);
  check_sample_head(&decoded.full_tree_head);
  assert_int_equal(decoded.n_greatest_versions, 3);
  assert_memory_equal(decoded.greatest_versions, versions, sizeof versions);
  assert_int_equal(decoded.n_ladder, 2);
  assert_true(decoded.binary_ladder[0].has_commitment);
  assert_hex(decoded.binary_ladder[0].commitment.b, KT_HASH_LEN, X32("c1"));
  assert_hex(decoded.binary_ladder[1].proof, 80, X80("a2"));
  assert_false(decoded.binary_ladder[1].has_commitment);
  check_sample_proof(&decoded.init);
  kt_arena_release(&arena);
  bytes_free(in);
  bytes_free(proofs);
}

static void test_owner_init_response_bounds(void **state)
{
  (void)state;
  static const uint32_t versions[256];
  static const uint8_t proof[80];
  struct kt_config config = test_config(KT_MODE_CONTACT_MONITORING);
  struct kt_ladder_step *steps = calloc(65536, sizeof *steps);
  assert_non_null(steps);
  for (size_t i = 0; i < 65536; i++) {
    steps[i].proof = proof;
  }
  for (size_t over = 0; over < 2; over++) {
    const enum kt_err expected = over == 0 ? KT_OK : KT_ERR_LIMIT;
    struct kt_owner_init_response large = { .full_tree_head = { .type = KT_HEAD_SAME } };
    struct kt_writer w;
    large.greatest_versions = versions;
    large.n_greatest_versions = 255 + over;
    kt_writer_init(&w, TEST_LIMIT);
    kt_owner_init_response_write(&w, &config, &large);
    assert_refused(&w, expected);
    large.n_greatest_versions = 0;
    large.binary_ladder = steps;
    large.n_ladder = 65535 + over;
    kt_writer_init(&w, TEST_LIMIT);
    kt_owner_init_response_write(&w, &config, &large);
    assert_int_equal(w.err, expected);
    if (over == 0) {
      assert_true(recodes((struct kt_bytes){ w.buf, w.len }, recode_init_response, &config));
    }
    kt_writer_release(&w);
  }
  free(steps);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_contact_request_R3),
    cmocka_unit_test(test_owner_init_request_R3),
    cmocka_unit_test(test_owner_monitor_request_R3),
    cmocka_unit_test(test_presence_octets_R1),
    cmocka_unit_test(test_count_is_bounded_before_allocating_R3),
    cmocka_unit_test(test_map_bound),
    cmocka_unit_test(test_monitor_response_R3),
    cmocka_unit_test(test_owner_init_response_R3),
    cmocka_unit_test(test_owner_init_response_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
