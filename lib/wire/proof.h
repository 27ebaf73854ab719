/* SPDX-License-Identifier: Apache-2.0 */
/* Tree proofs (draft: Tree Proofs). Decoded arrays live in the arena; hash vectors borrow from the input. */
#ifndef KT_WIRE_PROOF_H
#define KT_WIRE_PROOF_H

#include <kt/bytes.h>

#include <kt/arena.h>
#include "base/reader.h"
#include <kt/writer.h>

enum kt_prefix_result_type {
  KT_PREFIX_INCLUSION = 1,
  KT_PREFIX_NON_INCLUSION_LEAF = 2,
  KT_PREFIX_NON_INCLUSION_PARENT = 3,
};

struct kt_prefix_leaf {
  struct kt_hash vrf_output;
  struct kt_hash commitment;
};

struct kt_prefix_result {
  enum kt_prefix_result_type type;
  uint8_t depth;              /* of the terminal node; of the missing slot for NON_INCLUSION_PARENT */
  struct kt_prefix_leaf leaf; /* NON_INCLUSION_LEAF only */
};

struct kt_prefix_proof {
  const struct kt_prefix_result *results; /* in the order requested */
  size_t n_results;                       /* at most 255 */
  const struct kt_hash *elements;         /* left to right */
  size_t n_elements;                      /* at most 65535 */
};

/* InclusionProof: elements only. */
struct kt_inclusion_proof {
  const struct kt_hash *elements;
  size_t n_elements;
};

struct kt_combined_proof {
  const uint64_t *timestamps;
  size_t n_timestamps;
  const struct kt_prefix_proof *prefix_proofs;
  size_t n_prefix_proofs;
  const struct kt_hash *prefix_roots;
  size_t n_prefix_roots;
  struct kt_inclusion_proof inclusion;
};

void kt_prefix_leaf_write(struct kt_writer *w, const struct kt_prefix_leaf *leaf);
void kt_prefix_leaf_read(struct kt_reader *r, struct kt_prefix_leaf *ret);
void kt_prefix_proof_write(struct kt_writer *w, const struct kt_prefix_proof *proof);
void kt_prefix_proof_read(struct kt_reader *r, struct kt_arena *arena, struct kt_prefix_proof *ret);
void kt_inclusion_proof_write(struct kt_writer *w, const struct kt_inclusion_proof *proof);
void kt_inclusion_proof_read(struct kt_reader *r, struct kt_inclusion_proof *ret);
void kt_combined_proof_write(struct kt_writer *w, const struct kt_combined_proof *proof);
void kt_combined_proof_read(struct kt_reader *r, struct kt_arena *arena, struct kt_combined_proof *ret);

#endif
