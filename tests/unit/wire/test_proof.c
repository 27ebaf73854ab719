/* SPDX-License-Identifier: Apache-2.0 */
/* PrefixProof, InclusionProof, CombinedTreeProof. */
#include "wire_test.h"

static enum kt_err recode_leaf(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                               struct kt_writer *w)
{
  struct kt_reader r;
  struct kt_prefix_leaf leaf = { 0 };
  (void)config;
  (void)arena;
  kt_reader_init(&r, in.data, in.len);
  kt_prefix_leaf_read(&r, &leaf);
  kt_prefix_leaf_write(w, &leaf);
  return kt_reader_end(&r);
}

static enum kt_err recode_prefix(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                 struct kt_writer *w)
{
  struct kt_reader r;
  struct kt_prefix_proof proof = { 0 };
  (void)config;
  kt_reader_init(&r, in.data, in.len);
  kt_prefix_proof_read(&r, arena, &proof);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    kt_prefix_proof_write(w, &proof);
  }
  return err;
}

static enum kt_err recode_inclusion(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                    struct kt_writer *w)
{
  struct kt_reader r;
  struct kt_inclusion_proof proof = { 0 };
  (void)config;
  (void)arena;
  kt_reader_init(&r, in.data, in.len);
  kt_inclusion_proof_read(&r, &proof);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    kt_inclusion_proof_write(w, &proof);
  }
  return err;
}

static enum kt_err recode_combined(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                   struct kt_writer *w)
{
  struct kt_reader r;
  struct kt_combined_proof proof = { 0 };
  (void)config;
  kt_reader_init(&r, in.data, in.len);
  kt_combined_proof_read(&r, arena, &proof);
  enum kt_err err = kt_reader_end(&r);
  if (err == KT_OK) {
    kt_combined_proof_write(w, &proof);
  }
  return err;
}

static void test_known_bytes_R3(void **state)
{
  (void)state;
  struct kt_writer w;
  struct kt_prefix_proof prefix = sample_prefix_proof();
  kt_writer_init(&w, TEST_LIMIT);
  kt_prefix_proof_write(&w, &prefix);
  assert_written(&w, SAMPLE_PREFIX_PROOF);
  kt_writer_init(&w, TEST_LIMIT);
  kt_prefix_leaf_write(&w, &prefix.results[1].leaf);
  assert_written(&w, X32("11") X32("22"));
  struct kt_combined_proof combined = sample_proof();
  kt_writer_init(&w, TEST_LIMIT);
  kt_combined_proof_write(&w, &combined);
  assert_written(&w, SAMPLE_PROOF);
  kt_writer_init(&w, TEST_LIMIT);
  kt_inclusion_proof_write(&w, &combined.inclusion);
  assert_written(&w, "0002" X32("55") X32("66"));

  check_codec(X32("11") X32("22"), recode_leaf, NULL);
  check_codec(SAMPLE_PREFIX_PROOF, recode_prefix, NULL);
  check_codec("0002" X32("55") X32("66"), recode_inclusion, NULL);
  check_codec(SAMPLE_PROOF, recode_combined, NULL);
}

static void test_empty_proofs(void **state)
{
  (void)state;
  check_codec("00"
              "0000",
              recode_prefix, NULL);
  check_codec("0000", recode_inclusion, NULL);
  check_codec("00"
              "00"
              "00"
              "0000",
              recode_combined, NULL);
}

static void test_decoded_fields(void **state)
{
  (void)state;
  struct kt_bytes in = bytes_hex(SAMPLE_PROOF);
  struct kt_arena arena;
  struct kt_reader r;
  struct kt_combined_proof proof;
  kt_arena_init(&arena, TEST_LIMIT);
  kt_reader_init(&r, in.data, in.len);
  kt_combined_proof_read(&r, &arena, &proof);
  assert_int_equal(kt_reader_end(&r), KT_OK);
  check_sample_proof(&proof);
  /* Hash vectors borrow: the last element is the end of the input itself. */
  assert_ptr_equal(proof.inclusion.elements + 2, in.data + in.len);
  kt_arena_release(&arena);
  bytes_free(in);
}

static void test_unknown_result_types_R2(void **state)
{
  (void)state;
  check_codec("01"
              "0100"
              "0000",
              recode_prefix, NULL);
  check_refused("01"
                "0000"
                "0000",
                recode_prefix, NULL);
  check_refused("01"
                "0400"
                "0000",
                recode_prefix, NULL);
  check_refused("01"
                "ff00"
                "0000",
                recode_prefix, NULL);

  const struct kt_prefix_result result = { .type = (enum kt_prefix_result_type)4 };
  const struct kt_prefix_proof proof = { .results = &result, .n_results = 1 };
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_prefix_proof_write(&w, &proof);
  assert_refused(&w, KT_ERR_USAGE);
}

static enum kt_err decode_with_cap(const char *hex, size_t cap, size_t *ret_used)
{
  struct kt_bytes in = bytes_hex(hex);
  struct kt_arena arena;
  struct kt_reader r;
  struct kt_combined_proof proof = { 0 };
  kt_arena_init(&arena, cap);
  kt_reader_init(&r, in.data, in.len);
  kt_combined_proof_read(&r, &arena, &proof);
  enum kt_err err = kt_reader_end(&r);
  *ret_used = arena.used;
  kt_arena_release(&arena);
  bytes_free(in);
  return err;
}

static void test_counts_are_bounded_before_allocating_R3(void **state)
{
  (void)state;
  size_t used = 1;
  /* 255 timestamps announced, one there. */
  assert_int_equal(decode_with_cap("ff"
                                   "0000000000000001",
                                   TEST_LIMIT, &used),
                   KT_ERR_FORMAT);
  assert_int_equal(used, 0);
  /* 255 prefix proofs announced. */
  assert_int_equal(decode_with_cap("00"
                                   "ff"
                                   "00"
                                   "0000",
                                   TEST_LIMIT, &used),
                   KT_ERR_FORMAT);
  assert_true(used <= 64);
  /* 65535 elements announced. */
  assert_int_equal(decode_with_cap("00"
                                   "00"
                                   "00"
                                   "ffff" X32("00"),
                                   TEST_LIMIT, &used),
                   KT_ERR_FORMAT);
  assert_true(used <= 64);
}

static void test_arena_exhausted(void **state)
{
  (void)state;
  size_t used = 0;
  size_t needed = 0;
  assert_int_equal(decode_with_cap(SAMPLE_PROOF, TEST_LIMIT, &needed), KT_OK);
  assert_int_equal(decode_with_cap(SAMPLE_PROOF, needed, &used), KT_OK);
  for (size_t cap = 0; cap < needed; cap++) {
    assert_int_equal(decode_with_cap(SAMPLE_PROOF, cap, &used), KT_ERR_MEMORY);
  }
}

/* The largest count that fits is written, one more is KT_ERR_LIMIT. */
static void check_bound(const struct kt_combined_proof *proof, bool fits)
{
  struct kt_writer w;
  kt_writer_init(&w, TEST_LIMIT);
  kt_combined_proof_write(&w, proof);
  if (!fits) {
    assert_refused(&w, KT_ERR_LIMIT);
    return;
  }
  assert_int_equal(w.err, KT_OK);
  assert_true(recodes((struct kt_bytes){ w.buf, w.len }, recode_combined, NULL));
  kt_writer_release(&w);
}

static void test_vector_bounds(void **state)
{
  (void)state;
  static uint64_t timestamps[256];
  static struct kt_prefix_proof proofs[256];
  static struct kt_prefix_result results[256];
  struct kt_hash *hashes = calloc(65536, sizeof *hashes);
  assert_non_null(hashes);
  for (size_t i = 0; i < 256; i++) {
    results[i].type = KT_PREFIX_INCLUSION;
  }
  for (size_t over = 0; over < 2; over++) {
    bool fits = over == 0;
    check_bound(&(struct kt_combined_proof){ .timestamps = timestamps, .n_timestamps = 255 + over }, fits);
    check_bound(&(struct kt_combined_proof){ .prefix_proofs = proofs, .n_prefix_proofs = 255 + over }, fits);
    check_bound(&(struct kt_combined_proof){ .prefix_roots = hashes, .n_prefix_roots = 255 + over }, fits);
    check_bound(&(struct kt_combined_proof){ .inclusion = { hashes, 65535 + over } }, fits);
    const struct kt_prefix_proof many_results = { .results = results, .n_results = 255 + over };
    check_bound(&(struct kt_combined_proof){ .prefix_proofs = &many_results, .n_prefix_proofs = 1 }, fits);
    const struct kt_prefix_proof many_elements = { .elements = hashes, .n_elements = 65535 + over };
    check_bound(&(struct kt_combined_proof){ .prefix_proofs = &many_elements, .n_prefix_proofs = 1 }, fits);
  }
  free(hashes);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_known_bytes_R3),
    cmocka_unit_test(test_empty_proofs),
    cmocka_unit_test(test_decoded_fields),
    cmocka_unit_test(test_unknown_result_types_R2),
    cmocka_unit_test(test_counts_are_bounded_before_allocating_R3),
    cmocka_unit_test(test_arena_exhausted),
    cmocka_unit_test(test_vector_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
