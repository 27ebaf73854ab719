/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parts of a response begin and end, so that one can be put into another response without breaking its
 * framing: only what a verifier checks then stands between the two. */
#ifndef KT_TESTS_MUTATION_PARTS_H
#define KT_TESTS_MUTATION_PARTS_H

#include "support/toy_question.h"

enum part_type {
  PART_HEAD,   /* FullTreeHead */
  PART_NUMBER, /* version, position, timestamp */
  PART_OPENING,
  PART_VALUE,  /* UpdateValue */
  PART_VALUES, /* vectors of an update */
  PART_LADDER,
  PART_STEP, /* of a ladder */
  PART_TIMES,
  PART_PREFIX, /* one PrefixProof */
  PART_PREFIXES,
  PART_HASHES, /* prefix roots, an inclusion proof, subtree heads: with their count */
  PART_PROOF,  /* a whole CombinedTreeProof */
  PART_LEAVES, /* added to a log entry, removed from one */
  PART_LABEL,
};

struct part {
  enum part_type type;
  size_t at;
  size_t len;
};

#define PARTS_MAX 96

/* Parts may lie in each other. The response is an honest one; 0 when it does not read as one. */
size_t parts_find(const struct kt_config *config, const struct toy_question *question,
                  struct part ret_parts[static PARTS_MAX]);

#endif
