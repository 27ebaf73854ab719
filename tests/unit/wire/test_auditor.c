/* SPDX-License-Identifier: Apache-2.0 */
/* AuditorUpdate. */
#include "wire_test.h"

#include "wire/auditor.h"

static enum kt_err recode(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                          struct kt_writer *w)
{
  struct kt_auditor_update update;
  (void)config;
  enum kt_err err = kt_auditor_update_decode(in, arena, &update);
  if (err == KT_OK) {
    kt_auditor_update_write(w, &update);
  }
  return err;
}

/* clang-format off */
static const char update_hex[] =
  "000001a2b3c4d5e6"                /* uint64 timestamp */
  "0002"                            /* PrefixLeaf added<0..2^16-1>: vrf_output[VRF.Nh], commitment[Hash.Nh] */
    X32("01") X32("a1")
    X32("02") X32("a2")
  "0001"                            /* PrefixLeaf removed<0..2^16-1> */
    X32("02") X32("a3")
  SAMPLE_PREFIX_PROOF;
static const char update_empty[] = "0000000000000000" "0000" "0000" "00" "0000";
/* clang-format on */

static const struct kt_prefix_leaf added[] = { { HASH(0x01), HASH(0xa1) }, { HASH(0x02), HASH(0xa2) } };
static const struct kt_prefix_leaf removed[] = { { HASH(0x02), HASH(0xa3) } };

static void test_known_bytes_R3(void **state)
{
  (void)state;
  const struct kt_auditor_update update = { 0x1a2b3c4d5e6, added, 2, removed, 1, sample_prefix_proof() };
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_auditor_update_write(&w, &update);
  assert_written(&w, update_hex);
  check_codec(update_hex, recode, NULL);
  check_codec(update_empty, recode, NULL);
}

static void check_update(const struct kt_auditor_update *update, const struct kt_bytes *in)
{
  assert_int_equal(update->timestamp, 0x1a2b3c4d5e6);
  assert_int_equal(update->n_added, 2);
  assert_memory_equal(update->added, added, sizeof added);
  assert_int_equal(update->n_removed, 1);
  assert_memory_equal(update->removed, removed, sizeof removed);
  check_sample_prefix_proof(&update->proof);
  /* Leaves borrow from the input, right behind timestamp and count. */
  assert_ptr_equal(update->added, in->data + 10);
}

static void test_decoded_fields(void **state)
{
  (void)state;
  struct kt_bytes in = bytes_hex(update_hex);
  struct kt_arena arena;
  struct kt_auditor_update update;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_auditor_update_decode(in, &arena, &update), KT_OK);
  check_update(&update, &in);
  kt_arena_release(&arena);
  bytes_free(in);
}

/* Read takes one after the other from a stream, decode takes exactly one. */
static void test_stream_of_updates(void **state)
{
  (void)state;
  static char two[sizeof update_hex + sizeof update_empty];
  memcpy(two, update_hex, sizeof update_hex - 1);
  memcpy(two + sizeof update_hex - 1, update_empty, sizeof update_empty);
  struct kt_bytes in = bytes_hex(two);
  struct kt_arena arena;
  struct kt_reader r;
  struct kt_auditor_update update;
  kt_arena_init(&arena, TEST_LIMIT);
  assert_int_equal(kt_auditor_update_decode(in, &arena, &update), KT_ERR_FORMAT);
  kt_reader_init(&r, in.data, in.len);
  kt_auditor_update_read(&r, &arena, &update);
  assert_int_equal(r.err, KT_OK);
  check_update(&update, &in);
  kt_auditor_update_read(&r, &arena, &update);
  assert_int_equal(update.n_added, 0);
  assert_int_equal(kt_reader_end(&r), KT_OK);
  kt_arena_release(&arena);
  bytes_free(in);
}

static void test_refused_R2_R3(void **state)
{
  (void)state;
  check_refused("0000000000000000"
                "0000"
                "0000"
                "01"
                "0000"
                "0000",
                recode, NULL);
  check_refused("0000000000000000"
                "0000"
                "0000"
                "01"
                "0400"
                "0000",
                recode, NULL);
  check_refused("0000000000000000"
                "ffff" X32("01") X32("a1") "0000"
                                           "00"
                                           "0000",
                recode, NULL);
  /* A length in bytes where the draft counts elements. */
  check_refused("0000000000000000"
                "0040" X32("01") X32("a1") "0000"
                                           "00"
                                           "0000",
                recode, NULL);
}

static void test_bounds(void **state)
{
  (void)state;
  struct kt_prefix_leaf *leaves = calloc(65536, sizeof *leaves);
  static struct kt_prefix_result results[256];
  assert_non_null(leaves);
  for (size_t i = 0; i < 256; i++) {
    results[i].type = KT_PREFIX_NON_INCLUSION_PARENT;
  }
  for (size_t over = 0; over < 2; over++) {
    const struct kt_auditor_update updates[] = {
      { .added = leaves, .n_added = 65535 + over },
      { .removed = leaves, .n_removed = 65535 + over },
      { .proof = { .results = results, .n_results = 255 + over } },
    };
    for (size_t i = 0; i < 3; i++) {
      struct kt_writer w;
      kt_writer_init(&w, TEST_LIMIT);
      kt_auditor_update_write(&w, &updates[i]);
      assert_int_equal(w.err, over == 0 ? KT_OK : KT_ERR_LIMIT);
      if (over == 0) {
        assert_true(recodes((struct kt_bytes){ w.buf, w.len }, recode, NULL));
      }
      kt_writer_release(&w);
    }
  }
  free(leaves);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_known_bytes_R3),
    cmocka_unit_test(test_decoded_fields),
    cmocka_unit_test(test_stream_of_updates),
    cmocka_unit_test(test_refused_R2_R3),
    cmocka_unit_test(test_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
