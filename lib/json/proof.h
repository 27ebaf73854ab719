/* SPDX-License-Identifier: Apache-2.0 */
/* JSON views of tree proofs, binary ladders and tree heads (draft: Tree Proofs, Full Tree Head Verification). All return a
 * new reference, or NULL without memory. */
#ifndef KT_JSON_PROOF_H
#define KT_JSON_PROOF_H

#include "json/builder.h"
#include "wire/search.h"

json_t *kt_json_tree_head(const struct kt_tree_head *head);
json_t *kt_json_auditor_tree_head(const struct kt_auditor_tree_head *head);
json_t *kt_json_full_tree_head(const struct kt_full_tree_head *head);
json_t *kt_json_prefix_leaf(const struct kt_prefix_leaf *leaf);
json_t *kt_json_prefix_proof(const struct kt_prefix_proof *proof);
json_t *kt_json_combined_proof(const struct kt_combined_proof *proof);
json_t *kt_json_ladder(const struct kt_config *config, const struct kt_ladder_step *steps, size_t n);

/* The value, or null when it is absent. */
json_t *kt_json_optional_u64(struct kt_optional_u64 value);
json_t *kt_json_optional_u32(struct kt_optional_u32 value);

#endif
