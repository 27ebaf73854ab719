/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/proof.h"

#include "wire/common.h"

_Static_assert(sizeof(struct kt_hash) == KT_HASH_LEN, "vectors of HashValue are used in place");

static void write_hashes(struct kt_writer *w, const struct kt_hash *hashes, size_t n)
{
  kt_write_bytes(w, hashes, n * sizeof *hashes);
}

/* n hash values, borrowed: a kt_hash is nothing but its bytes, so it has no alignment to respect. */
static const struct kt_hash *read_hashes(struct kt_reader *r, size_t n)
{
  return (const struct kt_hash *)(const void *)kt_read_bytes(r, n * sizeof(struct kt_hash));
}

void kt_prefix_leaf_write(struct kt_writer *w, const struct kt_prefix_leaf *leaf)
{
  write_hashes(w, &leaf->vrf_output, 1);
  write_hashes(w, &leaf->commitment, 1);
}

void kt_prefix_leaf_read(struct kt_reader *r, struct kt_prefix_leaf *ret)
{
  ret->vrf_output = kt_read_hash(r);
  ret->commitment = kt_read_hash(r);
}

static void write_result(struct kt_writer *w, const struct kt_prefix_result *result)
{
  kt_write_u8(w, (uint8_t)result->type);
  switch (result->type) {
  case KT_PREFIX_INCLUSION:
  case KT_PREFIX_NON_INCLUSION_PARENT: break;
  case KT_PREFIX_NON_INCLUSION_LEAF: kt_prefix_leaf_write(w, &result->leaf); break;
  default: kt_writer_fail(w, KT_ERR_USAGE); break;
  }
  kt_write_u8(w, result->depth);
}

static void read_result(struct kt_reader *r, struct kt_prefix_result *ret)
{
  uint8_t type = kt_read_u8(r);
  if (type < KT_PREFIX_INCLUSION || type > KT_PREFIX_NON_INCLUSION_PARENT) {
    kt_reader_fail(r, KT_ERR_FORMAT); /* R2 */
    return;
  }
  ret->type = (enum kt_prefix_result_type)type;
  if (ret->type == KT_PREFIX_NON_INCLUSION_LEAF) {
    kt_prefix_leaf_read(r, &ret->leaf);
  }
  ret->depth = kt_read_u8(r);
}

#define RESULT_MIN_LEN 2

void kt_prefix_proof_write(struct kt_writer *w, const struct kt_prefix_proof *proof)
{
  kt_write_count8(w, proof->n_results);
  for (size_t i = 0; i < proof->n_results; i++) {
    write_result(w, &proof->results[i]);
  }
  kt_write_count16(w, proof->n_elements);
  write_hashes(w, proof->elements, proof->n_elements);
}

void kt_prefix_proof_read(struct kt_reader *r, struct kt_arena *arena, struct kt_prefix_proof *ret)
{
  ret->n_results = kt_read_count8(r, RESULT_MIN_LEN);
  struct kt_prefix_result *results = kt_vector_alloc(r, arena, ret->n_results, sizeof *results);
  for (size_t i = 0; results != NULL && i < ret->n_results; i++) {
    read_result(r, &results[i]);
  }
  ret->results = results;
  ret->n_elements = kt_read_count16(r, KT_HASH_LEN);
  ret->elements = read_hashes(r, ret->n_elements);
}

#define PREFIX_PROOF_MIN_LEN 3

void kt_inclusion_proof_write(struct kt_writer *w, const struct kt_inclusion_proof *proof)
{
  kt_write_count16(w, proof->n_elements);
  write_hashes(w, proof->elements, proof->n_elements);
}

void kt_inclusion_proof_read(struct kt_reader *r, struct kt_inclusion_proof *ret)
{
  ret->n_elements = kt_read_count16(r, KT_HASH_LEN);
  ret->elements = read_hashes(r, ret->n_elements);
}

void kt_combined_proof_write(struct kt_writer *w, const struct kt_combined_proof *proof)
{
  kt_write_count8(w, proof->n_timestamps);
  for (size_t i = 0; i < proof->n_timestamps; i++) {
    kt_write_u64(w, proof->timestamps[i]);
  }
  kt_write_count8(w, proof->n_prefix_proofs);
  for (size_t i = 0; i < proof->n_prefix_proofs; i++) {
    kt_prefix_proof_write(w, &proof->prefix_proofs[i]);
  }
  kt_write_count8(w, proof->n_prefix_roots);
  write_hashes(w, proof->prefix_roots, proof->n_prefix_roots);
  kt_inclusion_proof_write(w, &proof->inclusion);
}

void kt_combined_proof_read(struct kt_reader *r, struct kt_arena *arena, struct kt_combined_proof *ret)
{
  ret->n_timestamps = kt_read_count8(r, sizeof(uint64_t));
  uint64_t *timestamps = kt_vector_alloc(r, arena, ret->n_timestamps, sizeof *timestamps);
  for (size_t i = 0; timestamps != NULL && i < ret->n_timestamps; i++) {
    timestamps[i] = kt_read_u64(r);
  }
  ret->timestamps = timestamps;
  ret->n_prefix_proofs = kt_read_count8(r, PREFIX_PROOF_MIN_LEN);
  struct kt_prefix_proof *proofs = kt_vector_alloc(r, arena, ret->n_prefix_proofs, sizeof *proofs);
  for (size_t i = 0; proofs != NULL && i < ret->n_prefix_proofs; i++) {
    kt_prefix_proof_read(r, arena, &proofs[i]);
  }
  ret->prefix_proofs = proofs;
  ret->n_prefix_roots = kt_read_count8(r, KT_HASH_LEN);
  ret->prefix_roots = read_hashes(r, ret->n_prefix_roots);
  kt_inclusion_proof_read(r, &ret->inclusion);
}
