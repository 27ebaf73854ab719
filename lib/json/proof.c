/* SPDX-License-Identifier: Apache-2.0 */
#include "json/proof.h"

json_t *kt_json_optional_u64(struct kt_optional_u64 value)
{
  return value.present ? kt_json_u64(value.value) : json_null();
}

json_t *kt_json_optional_u32(struct kt_optional_u32 value)
{
  return value.present ? kt_json_u64(value.value) : json_null();
}

/* --- heads ---------------------------------------------------------------------------------------------------- */

json_t *kt_json_tree_head(const struct kt_tree_head *head)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "tree_size", kt_json_u64(head->tree_size));
  kt_json_set(&b, "signature", kt_json_hex(head->signature));
  return kt_json_end(&b);
}

json_t *kt_json_auditor_tree_head(const struct kt_auditor_tree_head *head)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "timestamp_ms", kt_json_u64(head->timestamp));
  kt_json_set(&b, "tree_size", kt_json_u64(head->tree_size));
  kt_json_set(&b, "signature", kt_json_hex(head->signature));
  return kt_json_end(&b);
}

json_t *kt_json_full_tree_head(const struct kt_full_tree_head *head)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "type", json_string(head->type == KT_HEAD_SAME ? "same" : "updated"));
  if (head->type == KT_HEAD_UPDATED) {
    kt_json_set(&b, "tree_head", kt_json_tree_head(&head->tree_head));
    if (head->auditor_head.signature.len > 0) {
      kt_json_set(&b, "auditor_tree_head", kt_json_auditor_tree_head(&head->auditor_head));
    }
  }
  return kt_json_end(&b);
}

/* --- proofs ----------------------------------------------------------------------------------------------------- */

static json_t *hash_item(const void *ctx, size_t i)
{
  return kt_json_hash((const struct kt_hash *)ctx + i);
}

static json_t *timestamp_item(const void *ctx, size_t i)
{
  return kt_json_u64(((const uint64_t *)ctx)[i]);
}

json_t *kt_json_prefix_leaf(const struct kt_prefix_leaf *leaf)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "vrf_output", kt_json_hash(&leaf->vrf_output));
  kt_json_set(&b, "commitment", kt_json_hash(&leaf->commitment));
  return kt_json_end(&b);
}

static const char *result_name(enum kt_prefix_result_type type)
{
  switch (type) {
  case KT_PREFIX_INCLUSION: return "inclusion";
  case KT_PREFIX_NON_INCLUSION_LEAF: return "non-inclusion-leaf";
  case KT_PREFIX_NON_INCLUSION_PARENT: return "non-inclusion-parent";
  }
  return "unknown";
}

static json_t *result_item(const void *ctx, size_t i)
{
  const struct kt_prefix_result *result = (const struct kt_prefix_result *)ctx + i;
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "type", json_string(result_name(result->type)));
  kt_json_set(&b, "depth", json_integer(result->depth));
  if (result->type == KT_PREFIX_NON_INCLUSION_LEAF) {
    kt_json_set(&b, "leaf", kt_json_prefix_leaf(&result->leaf));
  }
  return kt_json_end(&b);
}

json_t *kt_json_prefix_proof(const struct kt_prefix_proof *proof)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "results", kt_json_array(proof->results, proof->n_results, result_item));
  kt_json_set(&b, "elements", kt_json_array(proof->elements, proof->n_elements, hash_item));
  return kt_json_end(&b);
}

static json_t *prefix_proof_item(const void *ctx, size_t i)
{
  return kt_json_prefix_proof((const struct kt_prefix_proof *)ctx + i);
}

json_t *kt_json_combined_proof(const struct kt_combined_proof *proof)
{
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "timestamps", kt_json_array(proof->timestamps, proof->n_timestamps, timestamp_item));
  kt_json_set(&b, "prefix_proofs", kt_json_array(proof->prefix_proofs, proof->n_prefix_proofs, prefix_proof_item));
  kt_json_set(&b, "prefix_roots", kt_json_array(proof->prefix_roots, proof->n_prefix_roots, hash_item));
  kt_json_set(&b, "inclusion", kt_json_array(proof->inclusion.elements, proof->inclusion.n_elements, hash_item));
  return kt_json_end(&b);
}

/* --- ladders ---------------------------------------------------------------------------------------------------- */

struct ladder {
  const struct kt_ladder_step *steps;
  size_t proof_len;
};

static json_t *step_item(const void *ctx, size_t i)
{
  const struct ladder *ladder = ctx;
  const struct kt_ladder_step *step = &ladder->steps[i];
  struct kt_json_builder b;
  kt_json_begin(&b);
  kt_json_set(&b, "proof", kt_json_hex((struct kt_bytes){ step->proof, ladder->proof_len }));
  kt_json_set(&b, "commitment", step->has_commitment ? kt_json_hash(&step->commitment) : json_null());
  return kt_json_end(&b);
}

json_t *kt_json_ladder(const struct kt_config *config, const struct kt_ladder_step *steps, size_t n)
{
  struct ladder ladder = { steps, config->suite->vrf_proof_len };
  return kt_json_array(&ladder, n, step_item);
}
