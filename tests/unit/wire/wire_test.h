/* SPDX-License-Identifier: Apache-2.0 */
/* What the codec tests share: expected bytes as hex written from the presentation language, the checks every codec has
 * to pass on them, and a sample head and proof that the responses embed. */
#ifndef KT_TEST_WIRE_TEST_H
#define KT_TEST_WIRE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <kt/arena.h>
#include "base/hex.h"
#include "wire/proof.h"
#include "wire/tree_head.h"

/* A hex byte repeated, and the same for initializers of kt_hash. */
#define X8(h) h h h h h h h h
#define X16(h) X8(h) X8(h)
#define X32(h) X16(h) X16(h)
#define X80(h) X32(h) X32(h) X16(h)
#define HASH8(b) b, b, b, b, b, b, b, b
#define HASH(b)                              \
  {                                          \
    {                                        \
      HASH8(b), HASH8(b), HASH8(b), HASH8(b) \
    }                                        \
  }

/* Bytes of a string literal. */
#define TEXT(s) ((struct kt_bytes){ (const uint8_t *)(s), sizeof(s) - 1 })

/* Heap memory of exactly the right size, so that the address sanitizer sees every read past the end. */
static inline struct kt_bytes bytes_copy(const uint8_t *data, size_t len)
{
  uint8_t *copy = malloc(len != 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, data, len);
  return (struct kt_bytes){ copy, len };
}

static inline void bytes_free(struct kt_bytes bytes)
{
  free((void *)(uintptr_t)bytes.data);
}

static inline struct kt_bytes bytes_hex(const char *hex)
{
  size_t max = KT_HEX_DECODED_MAX(strlen(hex));
  uint8_t *data = malloc(max != 0 ? max : 1);
  struct kt_bytes bytes = { data, 0 };
  assert_non_null(data);
  assert_int_equal(kt_hex_decode(hex, strlen(hex), max, data, &bytes.len), KT_OK);
  return bytes;
}

static inline void assert_hex(const uint8_t *data, size_t len, const char *hex)
{
  struct kt_bytes expected = bytes_hex(hex);
  assert_int_equal(len, expected.len);
  assert_memory_equal(data, expected.data, len);
  bytes_free(expected);
}

/* What was written; releases the writer. */
static inline void assert_written(struct kt_writer *w, const char *hex)
{
  assert_int_equal(w->err, KT_OK);
  assert_hex(w->buf, w->len, hex);
  kt_writer_release(w);
}

static inline void assert_refused(struct kt_writer *w, enum kt_err err)
{
  assert_int_equal(w->err, err);
  kt_writer_release(w);
}

#define TEST_LIMIT ((size_t)64 << 20)

/* Decode the input and encode the result. */
typedef enum kt_err (*recode_fn)(struct kt_bytes in, const struct kt_config *config, struct kt_arena *arena,
                                 struct kt_writer *w);

/* Refused, or read as something that is written with the very same bytes; true for the latter. */
static inline bool recodes(struct kt_bytes in, recode_fn recode, const struct kt_config *config)
{
  struct kt_arena arena;
  struct kt_writer w;
  kt_arena_init(&arena, TEST_LIMIT);
  kt_writer_init(&w, TEST_LIMIT);
  bool accepted = recode(in, config, &arena, &w) == KT_OK;
  if (accepted) {
    assert_int_equal(w.err, KT_OK);
    assert_int_equal(w.len, in.len);
    assert_memory_equal(w.buf, in.data, in.len);
  }
  kt_writer_release(&w);
  kt_arena_release(&arena);
  return accepted;
}

/* R3: every truncation and a trailing byte are refused; whatever else is changed is refused or kept. */
static inline void check_codec(const char *hex, recode_fn recode, const struct kt_config *config)
{
  struct kt_bytes whole = bytes_hex(hex);
  assert_true(recodes(whole, recode, config));
  for (size_t len = 0; len < whole.len; len++) {
    struct kt_bytes cut = bytes_copy(whole.data, len);
    assert_false(recodes(cut, recode, config));
    bytes_free(cut);
  }
  uint8_t *longer = malloc(whole.len + 1);
  assert_non_null(longer);
  memcpy(longer, whole.data, whole.len);
  longer[whole.len] = 0;
  assert_false(recodes((struct kt_bytes){ longer, whole.len + 1 }, recode, config));
  for (size_t i = 0; i < whole.len; i++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      longer[i] ^= (uint8_t)(1U << bit);
      (void)recodes((struct kt_bytes){ longer, whole.len }, recode, config);
      longer[i] ^= (uint8_t)(1U << bit);
    }
  }
  free(longer);
  bytes_free(whole);
}

static inline void check_refused(const char *hex, recode_fn recode, const struct kt_config *config)
{
  struct kt_bytes bytes = bytes_hex(hex);
  assert_false(recodes(bytes, recode, config));
  bytes_free(bytes);
}

/* Enough of a configuration for structures that depend on suite and mode only. */
static inline struct kt_config test_config(enum kt_mode mode)
{
  struct kt_config config = { .suite = kt_suite_by_id(KT_SUITE_ED25519), .mode = mode };
  assert_non_null(config.suite);
  return config;
}

/* FullTreeHead, updated, not in auditing mode: head_type, tree_size, signature<0..2^16-1>. */
#define SAMPLE_HEAD  \
  "02"               \
  "0000000000000007" \
  "0003"             \
  "aabbcc"
/* The same in auditing mode, followed by timestamp, tree_size, signature<0..2^16-1>. */
#define SAMPLE_AUDITED_HEAD      \
  SAMPLE_HEAD "00000000000003e8" \
              "0000000000000005" \
              "0002"             \
              "ddee"

static inline struct kt_full_tree_head sample_head(void)
{
  static const uint8_t signature[] = { 0xaa, 0xbb, 0xcc };
  static const uint8_t auditor_signature[] = { 0xdd, 0xee };
  return (struct kt_full_tree_head){ .type = KT_HEAD_UPDATED,
                                     .tree_head = { .tree_size = 7, .signature = { signature, 3 } },
                                     .auditor_head = { 1000, 5, { auditor_signature, 2 } } };
}

static inline void check_sample_head(const struct kt_full_tree_head *head)
{
  assert_int_equal(head->type, KT_HEAD_UPDATED);
  assert_int_equal(head->tree_head.tree_size, 7);
  assert_hex(head->tree_head.signature.data, head->tree_head.signature.len, "aabbcc");
}

/* clang-format off */
/* PrefixProof: result_type, [leaf,] depth of three results; two elements. */
#define SAMPLE_PREFIX_PROOF \
  "03" \
    "01" "05" \
    "02" X32("11") X32("22") "06" \
    "03" "ff" \
  "0002" X32("33") X32("34")
/* CombinedTreeProof: timestamps, prefix_proofs, prefix_roots, inclusion.elements. Prefixes count elements. */
#define SAMPLE_PROOF \
  "02" "0000000000000064" "000001a2b3c4d5e6" \
  "01" SAMPLE_PREFIX_PROOF \
  "01" X32("44") \
  "0002" X32("55") X32("66")
/* clang-format on */

static inline struct kt_prefix_proof sample_prefix_proof(void)
{
  static const struct kt_prefix_result results[] = {
    { .type = KT_PREFIX_INCLUSION, .depth = 5 },
    { .type = KT_PREFIX_NON_INCLUSION_LEAF, .depth = 6, .leaf = { HASH(0x11), HASH(0x22) } },
    { .type = KT_PREFIX_NON_INCLUSION_PARENT, .depth = 255 }
  };
  static const struct kt_hash elements[] = { HASH(0x33), HASH(0x34) };
  return (struct kt_prefix_proof){ results, 3, elements, 2 };
}

static inline struct kt_combined_proof sample_proof(void)
{
  static const uint64_t timestamps[] = { 100, 0x1a2b3c4d5e6 };
  static struct kt_prefix_proof prefix_proofs[1];
  static const struct kt_hash roots[] = { HASH(0x44) };
  static const struct kt_hash elements[] = { HASH(0x55), HASH(0x66) };
  prefix_proofs[0] = sample_prefix_proof();
  return (struct kt_combined_proof){ timestamps, 2, prefix_proofs, 1, roots, 1, { elements, 2 } };
}

static inline void check_sample_prefix_proof(const struct kt_prefix_proof *proof)
{
  assert_int_equal(proof->n_results, 3);
  assert_int_equal(proof->results[0].type, KT_PREFIX_INCLUSION);
  assert_int_equal(proof->results[0].depth, 5);
  assert_int_equal(proof->results[1].type, KT_PREFIX_NON_INCLUSION_LEAF);
  assert_int_equal(proof->results[1].depth, 6);
  assert_hex(proof->results[1].leaf.vrf_output.b, KT_HASH_LEN, X32("11"));
  assert_hex(proof->results[1].leaf.commitment.b, KT_HASH_LEN, X32("22"));
  assert_int_equal(proof->results[2].type, KT_PREFIX_NON_INCLUSION_PARENT);
  assert_int_equal(proof->results[2].depth, 255);
  assert_int_equal(proof->n_elements, 2);
  assert_hex(proof->elements[0].b, KT_HASH_LEN, X32("33"));
  assert_hex(proof->elements[1].b, KT_HASH_LEN, X32("34"));
}

static inline void check_sample_proof(const struct kt_combined_proof *proof)
{
  assert_int_equal(proof->n_timestamps, 2);
  assert_int_equal(proof->timestamps[0], 100);
  assert_int_equal(proof->timestamps[1], 0x1a2b3c4d5e6);
  assert_int_equal(proof->n_prefix_proofs, 1);
  check_sample_prefix_proof(&proof->prefix_proofs[0]);
  assert_int_equal(proof->n_prefix_roots, 1);
  assert_hex(proof->prefix_roots[0].b, KT_HASH_LEN, X32("44"));
  assert_int_equal(proof->inclusion.n_elements, 2);
  assert_hex(proof->inclusion.elements[0].b, KT_HASH_LEN, X32("55"));
  assert_hex(proof->inclusion.elements[1].b, KT_HASH_LEN, X32("66"));
}

#endif
